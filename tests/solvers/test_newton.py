"""The certified minimiser: optimality on drawn problems, symmetries, limits by rate, and refusal of what has no answer."""

import mpmath as mp
import numpy as np
import pytest
from drawn import build, divergence_between, examples, problems
from hypothesis import event, example, given
from hypothesis import strategies as st

from normtheory.arrays import InputError
from normtheory.exact import finetuning
from normtheory.penalties import Q
from normtheory.solvers import constraints, newton
from normtheory.solvers.certificate import Certificate, NotCertified, accepted, certify_q
from normtheory.solvers.newton import minimize
from normtheory.solvers.programs import minimize_q
from normtheory.tasks import teacher_student

WORST_REFUSAL = 1e-6  # relative gap above which no refusal counts as right, however ill-conditioned the problem
SAME = 1e-8  # relative distance of two routes to one minimiser: far below the root of the gap they may leave


def relative(a, b):
    """Relative l2 distance of two predictors."""
    size = max(np.linalg.norm(a), np.linalg.norm(b))
    return np.linalg.norm(a - b) / size if size else 0.0


@examples(300)
@given(problems())
@example(build(13134, 29, 29, 0.3, (-8.180321634217073, 3.330096796220321), 0.95, 0.0))  # refused, but for some kernels
def test_every_answer_is_optimal(problem):
    """KKT, by means other than the solver's: feasibility, and the mirror image of beta - beta0 in the row space of X.

    Or refused, where there are about as many samples as inputs: duals may be of the size of X's condition number, and weigh the
    round-off of predictions.
    """
    try:
        solution = minimize(problem.X, problem.y, problem.k, problem.beta0)
    except NotCertified as refusal:
        event("refused")
        certificate = refusal.certificate
        assert certificate.within(min(1e3 * np.finfo(float).eps * np.linalg.cond(problem.X), WORST_REFUSAL))
        assert problem.y.size > 0.8 * problem.k.size
        return
    size = max(np.linalg.norm(problem.y), np.linalg.norm(problem.X @ problem.beta0))
    assert np.linalg.norm(problem.X @ solution.beta - problem.y) <= 1e-10 * size
    penalty = Q(problem.k)
    # The predictor that the dual variable picks, in the divergence that measures optimality.
    picked = penalty.inverse_gradient(penalty.gradient(problem.beta0) + problem.X.T @ solution.dual)
    assert divergence_between(problem, solution.beta, picked) <= 1e-10


@examples(60)
@given(problems(most_inputs=30, most_samples=0.8), st.integers(0, 2**32 - 1))
def test_no_feasible_point_is_better(problem, seed):
    """Along a direction of the null space, which round-off alone would choose if there were as many samples as inputs."""
    solution = minimize(problem.X, problem.y, problem.k, problem.beta0)
    draw = np.random.default_rng(seed)
    step = draw.normal(size=problem.k.size) * np.hypot(solution.beta, problem.k)
    step -= np.linalg.lstsq(problem.X, problem.X @ step, rcond=None)[0]
    penalty = Q(problem.k)
    best = penalty.divergence(solution.beta, problem.beta0).sum()
    for length in (1e-4, -1e-4, 1e-2, -1e-2, 1.0, -1.0):
        other = penalty.divergence(solution.beta + length * step, problem.beta0).sum()
        assert other >= best * (1 - 1e-9)


@examples(15)
@given(problems(most_inputs=25, lowest=-6, highest=2))
def test_conic_solver_agrees(problem):
    """cvxpy shares no code with the Newton method; its certificate bounds how far apart the two can be."""
    ours = minimize(problem.X, problem.y, problem.k, problem.beta0)
    theirs = minimize_q(problem.X, problem.y, problem.k, problem.beta0, allow_inaccurate=True)
    reached = theirs.certificate
    event("agrees" if reached.within(1e-6) else "the conic solver failed")
    if reached.within(1e-6):  # else there is nothing to compare; hence the budget is at most 1e-5
        budget = 10 * max(reached.gap, reached.primal_residual, 1e-12)
        assert divergence_between(problem, ours.beta, theirs.beta) <= budget


@examples(60)
@given(problems(most_inputs=30, lowest=-6, highest=2, most_samples=0.8), st.integers(0, 2**32 - 1))
def test_symmetries(problem, seed):
    """Permuting or flipping coordinates, scaling beta, and recombining samples move the minimiser along."""
    beta = minimize(problem.X, problem.y, problem.k, problem.beta0).beta
    draw = np.random.default_rng(seed)
    order, flips = draw.permutation(beta.size), draw.choice([-1.0, 1.0], beta.size)
    permuted = minimize(problem.X[:, order], problem.y, problem.k[order], problem.beta0[order]).beta
    assert divergence_between(problem, beta, permuted[np.argsort(order)]) <= 1e-10
    flipped = minimize(problem.X * flips, problem.y, problem.k, problem.beta0 * flips).beta
    assert divergence_between(problem, beta, flipped * flips) <= 1e-10
    scale = 10 ** draw.uniform(-3, 3)
    scaled = minimize(problem.X, scale * problem.y, scale * problem.k, scale * problem.beta0).beta
    assert divergence_between(problem, beta, scaled / scale) <= 1e-10
    rotation = np.linalg.qr(draw.normal(size=(problem.y.size, problem.y.size)))[0]
    mixed = minimize(rotation @ problem.X, rotation @ problem.y, problem.k, problem.beta0).beta
    assert divergence_between(problem, beta, mixed) <= 1e-10


@given(st.lists(st.tuples(st.floats(-4, 4), st.floats(-6, 2)), min_size=1, max_size=5), st.floats(-6, 3), st.booleans())
def test_one_sample_against_a_scalar_equation(entries, log_target, negative):
    """For n = 1 the KKT conditions are one equation in one unknown, solved here in 30 digits by bisection."""
    target = 10.0**log_target * (-1 if negative else 1)
    x = np.array([max(abs(value), 0.1) * (1 if value >= 0 else -1) for value, _ in entries])
    k = np.array([10.0**exponent for _, exponent in entries])
    beta = minimize(x[None], np.array([target]), k).beta
    with mp.workdps(30):
        pairs = [(mp.mpf(float(a)), mp.mpf(float(b))) for a, b in zip(x, k, strict=True)]

        def misfit(nu):
            return sum(a * b * mp.sinh(a * nu) for a, b in pairs) - mp.mpf(target)

        low, high = mp.mpf(-1), mp.mpf(1)
        while misfit(low) > 0:
            low *= 2
        while misfit(high) < 0:
            high *= 2
        for _ in range(100):
            middle = (low + high) / 2
            low, high = (middle, high) if misfit(middle) < 0 else (low, middle)
        exact = np.array([float(b * mp.sinh(a * middle)) for a, b in pairs])
    np.testing.assert_allclose(beta, exact, rtol=1e-7, atol=1e-12 * abs(target))


def test_as_many_samples_as_inputs_leave_no_choice():
    problem = build(seed=3, n=12, D=12, sparsity=1.0, decades=(-3, 0), correlation=0.0, start=0.0)
    assert relative(minimize(problem.X, problem.y, problem.k).beta, problem.teacher) <= SAME


def test_a_start_that_fits_stays():
    problem = build(seed=4, n=5, D=20, sparsity=1.0, decades=(-3, 0), correlation=0.0, start=1.0)
    solution = minimize(problem.X, problem.X @ problem.beta0, problem.k, problem.beta0)
    np.testing.assert_allclose(solution.beta, problem.beta0, rtol=1e-12)
    assert solution.certificate.gap <= 1e-10


@pytest.mark.parametrize("copies", ["a row twice", "a sum of rows", "a zero row", "more samples than inputs"])
def test_dependent_rows_do_not_matter(copies):
    problem = build(seed=5, n=8, D=20, sparsity=0.5, decades=(-6, 0), correlation=0.3, start=0.1)
    mixing = {
        "a row twice": np.vstack([np.eye(8), np.eye(8)[:1]]),
        "a sum of rows": np.vstack([np.eye(8), np.ones((1, 8))]),
        "a zero row": np.vstack([np.eye(8), np.zeros((1, 8))]),
        "more samples than inputs": np.random.default_rng(0).normal(size=(30, 8)),
    }[copies]
    once = minimize(problem.X, problem.y, problem.k, problem.beta0)
    again = minimize(mixing @ problem.X, mixing @ problem.y, problem.k, problem.beta0)
    assert relative(once.beta, again.beta) <= SAME
    assert again.dual.shape == (mixing.shape[0],)


def test_zero_targets_from_zero_give_zero():
    problem = build(seed=6, n=4, D=9, sparsity=1.0, decades=(-3, 0), correlation=0.0, start=0.0)
    solution = minimize(problem.X, np.zeros(4), problem.k)
    assert not solution.beta.any()
    assert solution.certificate == Certificate(0.0, 0.0, 0.0, 0.0, 0.0)


def test_lazy_limit_by_rate():
    """k -> infinity: the distance from the minimum-l2-norm interpolator falls like 1/k^2 (the next term of Q's series)."""
    problem = build(seed=7, n=6, D=20, sparsity=1.0, decades=(0, 0), correlation=0.0, start=0.0)
    least_norm = np.linalg.pinv(problem.X) @ problem.y
    scales = 10 ** np.arange(1.0, 4.0)
    errors = [relative(minimize(problem.X, problem.y, k).beta, least_norm) for k in scales]
    slope = np.polyfit(np.log(scales), np.log(errors), 1)[0]
    assert abs(slope + 2) <= 0.05


def test_rich_limit_by_rate():
    """k -> 0: beta tends to the least-l1 interpolator, and what is off its support shrinks like k^(1 - m).

    The teacher is that interpolator by its dual certificate nu: X^T nu is its sign on the support and at most m < 1 off it.
    On the support s = arcsinh(beta/k) grows like log(1/k) times the sign, hence X^T nu/log(1/k) tends to the certificate,
    and an entry off the support is k sinh(s) with |s| about m log(1/k).
    """
    draw = np.random.default_rng(4)
    X, teacher = draw.normal(size=(3, 8)), np.array([1.0, -1, 1, 0, 0, 0, 0, 0])
    X[:, :3] *= 3
    m = np.abs(X.T @ np.linalg.solve(X[:, :3].T, teacher[:3]))[3:].max()
    assert m < 0.6
    scales = 10 ** np.arange(-12.0, -6.0)
    off = [np.abs(minimize(X, X @ teacher, k).beta[3:]).max() for k in scales]
    rate = np.polyfit(np.log(scales), np.log(off), 1)[0]
    assert abs(rate - (1 - m)) <= 1e-3


def test_at_the_paper_s_size():
    """D = 1000, n = 256, alpha = gamma = 1e-3: k from 2e-6 to 0.08 in one problem; a dozen factorisations, not a hundred."""
    tasks = teacher_student(256, 30)
    k, beta0 = finetuning(tasks.teacher_aux, alpha=1e-3, gamma=1e-3)
    solution = minimize(tasks.main.X, tasks.main.y, k, beta0)
    assert solution.certificate.within(1e-10)
    assert solution.steps <= 16


@pytest.mark.parametrize("overlap", [0, 20, 40])
def test_products_with_x_stay_few(monkeypatch, overlap):
    """A product takes 1/60 of a factorisation with its Gram matrix, X in the cache, 1/20 if not: together they take less."""
    products = []
    gemv = constraints.dgemv
    monkeypatch.setattr(constraints, "dgemv", lambda *args, **options: products.append(1) or gemv(*args, **options))
    tasks = teacher_student(256, overlap)
    k, beta0 = finetuning(tasks.teacher_aux, alpha=1e-3, gamma=1e-3)
    solution = minimize(tasks.main.X, tasks.main.y, k, beta0)
    assert len(products) <= 15 * solution.steps


@pytest.mark.parametrize("alpha", [0.1, 1e-3])
def test_damped_steps_from_the_start_end_where_the_path_does_with_fewer_factorisations(monkeypatch, alpha):
    tasks = teacher_student(64, 20, samples_aux=1)
    problem = tasks.main.X, tasks.main.y, *finetuning(tasks.teacher_aux, alpha=alpha, gamma=alpha)
    solved = {}
    for way, patience in (("direct", newton.MOST_DIRECT), ("path", 0)):
        monkeypatch.setattr(newton, "MOST_DIRECT", patience)
        solved[way] = minimize(*problem)
    assert relative(solved["direct"].beta, solved["path"].beta) <= SAME
    assert solved["direct"].steps <= solved["path"].steps


def test_the_path_is_taken_where_damped_steps_from_the_start_do_not_arrive(monkeypatch):
    tasks = teacher_student(64, 0, samples_aux=1)
    problem = tasks.main.X, tasks.main.y, 2e-16
    arrived = minimize(*problem)
    late = {}
    for patience in (0, 6):
        monkeypatch.setattr(newton, "MOST_DIRECT", patience)
        late[patience] = minimize(*problem)
        assert relative(late[patience].beta, arrived.beta) <= SAME
    assert late[6].steps == late[0].steps + 6  # those that were lost
    assert arrived.steps > 1 + 6


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"X": np.ones(3)}, "X has shape"),
        ({"X": np.array([[1.0, np.nan, 0.0]])}, "X is NaN at index"),
        ({"X": np.array([[1.0, np.inf, 0.0]])}, "X is infinite at index"),
        ({"y": np.ones(2)}, "y has shape"),
        ({"k": np.array([1.0, 0.0, 1.0])}, "k[1] = 0"),
        ({"k": -1.0}, "k[0] = -1"),
        ({"k": np.ones(2)}, "k has shape"),
        ({"beta0": np.ones((3, 2))}, "beta0 has shape"),
        ({"tol": 0.0}, "tol = 0"),
        ({"X": np.array([["a", "b", "c"]])}, "X holds"),
    ],
)
def test_bad_input_is_named(changes, message):
    good = {"X": np.ones((1, 3)), "y": np.ones(1), "k": np.ones(3), "beta0": np.zeros(3), "tol": 1e-10}
    with pytest.raises(InputError) as raised:
        minimize(**(good | changes))
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("X", [np.array([[1.0, 2.0], [1.0, 2.0]]), np.array([[1.0, 2.0], [0.0, 0.0]]), np.ones((3, 2))])
def test_contradictory_samples_are_refused(X):
    with pytest.raises(InputError, match="outside the range of X"):
        minimize(X, np.arange(X.shape[0]) + 1.0, 1.0)


@pytest.mark.parametrize(
    "problem",
    [
        build(10081, 28, 29, 1.0, (-11.4, 2.7), 0.95, 1.0),  # an input changes its sign: strides shorter than the shortest
        build(12040, 37, 38, 0.3, (-11.9, -0.2), 0.95, 1.0),
        build(1178, 25, 25, 0.3, (-7.54243176081997, 4.794163101989938), 0.5, 0.0),  # a large dual weighs a small residual
    ],
)
def test_what_was_refused_once_is_answered(problem):
    assert minimize(problem.X, problem.y, problem.k, problem.beta0).steps <= 80


def test_a_path_not_finished_is_an_error(monkeypatch):
    monkeypatch.setattr(newton, "MOST_STEPS", 3)
    monkeypatch.setattr(newton, "MOST_DIRECT", 0)
    problem = build(seed=9, n=10, D=40, sparsity=0.2, decades=(-9, -9), correlation=0.0, start=0.0)
    with pytest.raises(NotCertified, match="3 factorisations"):
        minimize(problem.X, problem.y, problem.k)


@examples(60)
@given(problems(most_inputs=30, lowest=-4, highest=2, most_samples=0.6), st.integers(0, 2**32 - 1))
def test_the_certificate_measures_the_error(problem, seed):
    """A feasible beta that is off by a known amount: the gap is the divergence from the minimiser (Pythagoras)."""
    solution = minimize(problem.X, problem.y, problem.k, problem.beta0)
    draw = np.random.default_rng(seed)
    step = 1e-2 * draw.normal(size=problem.k.size) * np.hypot(solution.beta, problem.k).max()
    step -= np.linalg.lstsq(problem.X, problem.X @ step, rcond=None)[0]
    penalty = Q(problem.k)
    wrong = solution.beta + step
    certificate = certify_q(problem.X, problem.y, penalty, problem.beta0, wrong, solution.dual)
    expected = penalty.divergence(wrong, solution.beta).sum() / penalty.divergence(wrong, problem.beta0).sum()
    assert abs(certificate.gap - expected) <= 1e-9 + 1e-4 * expected
    if expected > 2e-10:
        with pytest.raises(NotCertified):
            accepted(type(solution)(wrong, solution.dual, certificate, "optimal", "perturbed", 0), 1e-10)


@pytest.mark.parametrize(("k", "made"), [(0.5, 0), (np.geomspace(1e-3, 1.0, 30), 0), (np.geomspace(1e-8, 1.0, 30), 1)])
def test_steps_are_the_gram_matrices_made(monkeypatch, k, made):
    """Those of X diag(b') X^T, and one of X X^T where slopes are too far apart to tell of independence."""
    grams, gram = [], constraints._gram
    monkeypatch.setattr(constraints, "_gram", lambda *given: grams.append(given) or gram(*given))
    X = np.random.default_rng(3).normal(size=(10, 30))
    assert minimize(X, X[:, :3].sum(axis=1), k).steps == len(grams) + made


def test_the_factorisation_that_tells_of_independence_is_the_first_step_s(monkeypatch):
    X = np.random.default_rng(3).normal(size=(10, 30))
    problem = X, X[:, :3].sum(axis=1), np.geomspace(1e-3, 1.0, 30)
    one = minimize(*problem)
    monkeypatch.setattr(constraints, "MILD", 0.0)
    assert minimize(*problem).steps == one.steps + 1


@pytest.mark.parametrize("k", [1e-20, 1e-30])
def test_scales_far_below_all_others_go_down_the_path_at_once(monkeypatch, k):
    tasks = teacher_student(64, 0, samples_aux=1)
    at_once = minimize(tasks.main.X, tasks.main.y, k)
    monkeypatch.setattr(newton, "MOST_DIRECT", 0)
    assert minimize(tasks.main.X, tasks.main.y, k).steps == at_once.steps


def test_a_large_problem_takes_little_memory_beside_its_design_matrix():
    """X is neither copied nor weighted whole: the peak stays within 1.5 times its size (here 96 MB)."""
    import tracemalloc

    draw = np.random.default_rng(0)
    X = draw.standard_normal((200, 60_000))
    y = X[:, :20] @ draw.standard_normal(20)
    tracemalloc.start()
    solution = minimize(X, y, 1e-6)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert solution.certificate.within(1e-10)
    assert peak <= 0.5 * X.nbytes


def test_a_tolerance_below_round_off_is_refused_with_what_was_reached():
    problem = build(seed=9, n=10, D=40, sparsity=0.2, decades=(-9, 0), correlation=0.5, start=1.0)
    with pytest.raises(NotCertified, match="missed the tolerance") as raised:
        minimize(problem.X, problem.y, problem.k, problem.beta0, tol=1e-17)
    assert raised.value.certificate.gap <= 1e-12
    with pytest.raises(InputError, match="tol = 2"):
        minimize(problem.X, problem.y, problem.k, problem.beta0, tol=2.0)


@pytest.mark.parametrize(("samples", "overlap"), [(150, 0), (150, 10), (200, 0)])
def test_scales_whose_inputs_no_prediction_shows(samples, overlap):
    """alpha = gamma = 1e-12: scales of 1e-24 beside predictors of 1, so that most of the dual is below round-off."""
    tasks = teacher_student(samples, overlap, features=20, features_aux=20, inputs=400, samples_aux=1)
    k, beta0 = finetuning(tasks.teacher_aux, alpha=1e-12, gamma=1e-12)
    solution = minimize(tasks.main.X, tasks.main.y, k, beta0)
    assert solution.certificate.within(1e-10)
    assert solution.steps <= 60
