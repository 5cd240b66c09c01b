"""The rigorous bound against the true minimiser, computed by Newton's method in 60 digits."""

import mpmath as mp
import numpy as np
import pytest
from drawn import Problem, build, examples, problems
from drawn_tasks import design
from hypothesis import given, target
from hypothesis import strategies as st

from normtheory.arrays import InputError
from normtheory.solvers import rigorous
from normtheory.solvers.certificate import NotCertified
from normtheory.solvers.newton import minimize
from normtheory.solvers.rigorous import rigorous_bound

DIGITS = 60


def true_minimiser(problem, dual):
    """The minimiser in 60 digits: Newton's method on the dual from a candidate that is nearly there."""
    inputs = problem.k.size
    X, y = mp.matrix(problem.X.tolist()), mp.matrix(problem.y.tolist())
    k, start = (
        [mp.mpf(float(v)) for v in problem.k],
        [mp.asinh(mp.mpf(float(b)) / float(s)) for b, s in zip(problem.beta0, problem.k, strict=True)],
    )
    nu = mp.matrix(dual.tolist())
    for _ in range(60):
        pull = X.T * nu
        beta = mp.matrix([k[d] * mp.sinh(start[d] + pull[d] / 2) for d in range(inputs)])
        slopes = mp.diag([mp.sqrt(beta[d] ** 2 + k[d] ** 2) / 2 for d in range(inputs)])
        step = mp.lu_solve(X * slopes * X.T, y - X * beta)
        nu += step
        if mp.norm(X.T * step, mp.inf) < mp.mpf(10) ** (-DIGITS // 2 - 10):
            return beta + slopes * (X.T * step)
    raise AssertionError("the reference did not converge")


def true_distance(beta, exact):
    return float(mp.norm(mp.matrix(beta.tolist()) - exact))


def bound_of(problem, beta, dual):
    return rigorous_bound(problem.X, problem.y, problem.k, problem.beta0, beta, dual)


SMALL = problems(most_inputs=9, lowest=-8, highest=3, most_samples=0.6)


@examples(40)
@given(SMALL)
def test_it_holds_and_is_not_vacuous(problem):
    solution = minimize(problem.X, problem.y, problem.k, problem.beta0)
    bound = bound_of(problem, solution.beta, solution.dual)
    with mp.workdps(DIGITS):
        exact = true_minimiser(problem, solution.dual)
        distance, size = true_distance(solution.beta, exact), float(mp.norm(exact))
        each = [float(abs(mp.mpf(float(b)) - e)) for b, e in zip(solution.beta, exact, strict=True)]
    assert distance <= bound.distance
    assert (np.array(each) <= bound.entrywise).all()
    if size:
        assert distance / size <= bound.relative * (1 + 1e-12)
        # A gap of 1e-10 alone would leave about this much of the larger of minimiser and start.
        assert bound.distance <= 1e-5 * max(size, np.linalg.norm(problem.beta0))
        target(np.log10(max(distance, 1e-300) / size), label="log10 of the relative error")


@examples(40)
@given(SMALL, st.floats(-12, 1), st.integers(0, 2**32 - 1), st.booleans())
def test_a_perturbed_candidate_gets_a_bound_above_its_error(problem, log_size, seed, dual_too):
    solution = minimize(problem.X, problem.y, problem.k, problem.beta0)
    draw = np.random.default_rng(seed)
    wrong = solution.beta + 10**log_size * draw.normal(size=problem.k.size)
    dual = solution.dual + 10**log_size * draw.normal(size=problem.y.size) * dual_too
    bound = bound_of(problem, wrong, dual)
    with mp.workdps(DIGITS):
        distance = true_distance(wrong, true_minimiser(problem, solution.dual))
    assert distance <= bound.distance


@examples(40)
@given(
    seed=st.integers(0, 2**32 - 1),
    D=st.integers(2, 9),
    pathology=st.sampled_from(
        ["one sample", "collinear", "duplicate", "zero column", "zero row", "no target", "as many as inputs"]
    ),
    log_k=st.tuples(st.floats(-9, 9), st.floats(-9, 9)),
    log_scales=st.sampled_from([(0.0, 0.0), (-80.0, 0.0), (8.0, 0.0), (0.0, 30.0), (0.0, -30.0), (-60.0, -30.0)]),
)
def test_it_holds_on_pathological_samples(seed, D, pathology, log_k, log_scales):
    """The candidate is the solver's; whatever it is worth, the bound is above its distance to the reference."""
    draw = np.random.default_rng(seed)
    n = {"one sample": 1, "as many as inputs": D}.get(pathology, int(draw.integers(1, D)))
    X = design(draw, n, D, "none" if pathology in ("duplicate", "zero row") else pathology) * 10 ** log_scales[0]
    y = X @ draw.normal(size=D) * 10 ** log_scales[1] * (pathology != "no target")
    basic = Problem(
        X, y, 10 ** draw.uniform(*sorted(end + 0.0 for end in log_k), size=D) * 10 ** log_scales[1], np.zeros(D), np.zeros(D)
    )
    # A dual of size 1e7, as nearly collinear rows have, cannot be stored to a gap of 1e-10.
    solution = minimize(basic.X, basic.y, basic.k, tol=1e-6)
    extra = {"duplicate": (X[:1], y[:1]), "zero row": (0 * X[:1], 0 * y[:1])}.get(pathology)
    problem, dual = basic, solution.dual
    if extra:
        problem, dual = basic.with_(X=np.vstack([X, extra[0]]), y=np.concatenate([y, extra[1]])), np.append(dual, 0.0)
    bound = bound_of(problem, solution.beta, dual)
    with mp.workdps(DIGITS):
        exact = true_minimiser(basic, solution.dual)
        assert true_distance(solution.beta, exact) <= bound.distance
    assert np.isfinite(bound.distance)


@pytest.mark.parametrize("size", [1e-9, 1e-5, 1e-2])
def test_the_bound_is_within_a_small_factor_of_a_known_error(size):
    """Well-conditioned: off by `size` inside the kernel of X, the bound follows within the root of Q's condition number."""
    problem = build(seed=2, n=10, D=40, sparsity=1.0, decades=(-1, 0), correlation=0.0, start=0.0)
    solution = minimize(problem.X, problem.y, problem.k)
    step = np.random.default_rng(0).normal(size=40)
    step -= np.linalg.lstsq(problem.X, problem.X @ step, rcond=None)[0]
    step *= size / np.linalg.norm(step)
    bound = bound_of(problem, solution.beta + step, solution.dual)
    assert size * (1 - 1e-6) <= bound.distance <= 10 * size


def test_at_sixty_four_samples_and_three_hundred_inputs():
    problem = build(seed=1, n=64, D=300, sparsity=0.3, decades=(-6, 0), correlation=0.5, start=0.1)
    solution = minimize(problem.X, problem.y, problem.k, problem.beta0)
    assert bound_of(problem, solution.beta, solution.dual).relative <= 1e-12


def test_as_many_samples_as_inputs_leave_the_feasible_point():
    problem = build(seed=3, n=12, D=12, sparsity=1.0, decades=(-3, 0), correlation=0.0, start=0.0)
    bound = bound_of(problem, problem.teacher, np.zeros(12))  # no dual is needed
    assert np.linalg.norm(np.linalg.solve(problem.X, problem.y) - problem.teacher) <= 1e3 * bound.distance + 1e-12
    assert bound.relative <= 1e-12


def test_zero_is_recognised_exactly():
    problem = build(seed=4, n=4, D=9, sparsity=1.0, decades=(-3, 0), correlation=0.0, start=0.0)
    bound = rigorous_bound(problem.X, np.zeros(4), problem.k, 0.0, np.zeros(9), np.zeros(4))
    assert (bound.distance, bound.relative, bound.gap) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("copies", ["a row twice", "a sum of rows", "a zero row", "more samples than inputs"])
def test_dependent_rows_that_agree_exactly(copies):
    """Integers, so that sums of rows have exactly the sums of their targets."""
    draw = np.random.default_rng(5)
    X, teacher = draw.integers(-9, 10, size=(5, 8)).astype(float), draw.integers(-9, 10, size=8).astype(float)
    mixing = {
        "a row twice": np.vstack([np.eye(5), np.eye(5)[:1]]),
        "a sum of rows": np.vstack([np.eye(5), np.ones((1, 5))]),
        "a zero row": np.vstack([np.zeros((1, 5)), np.eye(5)]),
        "more samples than inputs": draw.integers(-3, 4, size=(12, 5)).astype(float),
    }[copies]
    solution = minimize(mixing @ X, mixing @ X @ teacher, 0.5)
    bound = rigorous_bound(mixing @ X, mixing @ X @ teacher, 0.5, 0.0, solution.beta, solution.dual)
    assert bound.relative <= 1e-10


@examples(25)
@given(SMALL, st.floats(-90, 90), st.floats(-14, -2), st.integers(0, 2**32 - 1))
def test_nearly_collinear_rows_and_any_scale_of_x(problem, log_scale, log_angle, seed):
    """A candidate from elsewhere, hence the true error is known without a solve: n = D has one feasible point."""
    draw = np.random.default_rng(seed)
    D = problem.k.size
    X = draw.normal(size=(D, D))
    X[-1] = X[0] + 10**log_angle * X[-1]
    X *= 2.0 ** np.round(log_scale * np.log2(10))
    y = X @ problem.teacher
    bound = rigorous_bound(X, y, problem.k, problem.beta0, problem.teacher, np.zeros(D))
    with mp.workdps(DIGITS):
        exact = mp.lu_solve(mp.matrix(X.tolist()), mp.matrix(y.tolist()))
        distance = true_distance(problem.teacher, exact)
    assert distance <= bound.distance <= 2 * distance + 1e-15 * np.linalg.norm(problem.teacher)


def test_targets_that_contradict_in_the_last_digit_are_refused():
    X = np.array([[1.0, 2.0, 3.0], [0.1, 0.2, 0.3], [1.0, 2.0, 3.0]])
    with pytest.raises(InputError, match="exact arithmetic"):
        rigorous_bound(X, np.array([1.0, 0.1, 1.0 + 2**-52]), 1.0, 0.0, np.zeros(3), np.zeros(3))


def test_what_is_too_large_is_refused(monkeypatch):
    with pytest.raises(InputError, match="too large for ball arithmetic"):
        rigorous_bound(np.ones((1000, 1000)), np.ones(1000), 1.0, 0.0, np.zeros(1000), np.zeros(1000))
    monkeypatch.setattr(rigorous, "MOST_EXACT_PRODUCTS", 1.0)
    with pytest.raises(InputError, match="seems to have dependent rows"):
        rigorous_bound(np.ones((2, 3)), np.ones(2), 1.0, 0.0, np.zeros(3), np.zeros(2))


def test_no_finite_bound_is_an_error():
    with pytest.raises(NotCertified, match="no finite bound"):
        rigorous_bound(np.ones((1, 2)), np.ones(1), 1.0, 0.0, np.zeros(2), np.full(1, 1e99))


@pytest.mark.parametrize("start", [1e-3, 1.0])
def test_an_input_without_a_column_that_stays_at_its_start(start):
    """Its ball is one about 0, whose power is NaN in ball arithmetic."""
    draw = np.random.default_rng(0)
    X = draw.normal(size=(4, 10))
    X[:, 3] = 0
    y = X @ draw.normal(size=10)
    solution = minimize(X, y, 1.0, start)
    assert solution.beta[3] == start
    assert rigorous_bound(X, y, 1.0, start, solution.beta, solution.dual).relative < 1e-12
