"""The interior-point method for l1,2: optimality on drawn tasks, edge cases, and agreement with a conic solver."""

import numpy as np
import pytest
from drawn import examples
from drawn_tasks import INDEPENDENT, TAME, least_sine, mixed, tasks
from hypothesis import event, example, given, target
from hypothesis import strategies as st

from normtheory.arrays import InputError
from normtheory.penalties import GroupL12
from normtheory.solvers import groups, programs
from normtheory.solvers.certificate import NotCertified
from normtheory.tasks import teacher_student


def pull_of(given_tasks, dual):
    parts = np.split(dual, np.cumsum([len(y) for _, y in given_tasks])[:-1])
    return np.stack([X.T @ nu for (X, _), nu in zip(given_tasks, parts, strict=True)])


def drawn_tasks(seed, sizes, D):
    draw = np.random.default_rng(seed)
    designs = [draw.normal(size=(n, D)) for n in sizes]
    return [(X, X @ draw.normal(size=D)) for X in designs]


# The largest relative gap with which a refusal counts as right: duals of up to 1e8 are drawn, and stored to 1e-16.
WORST_REFUSAL = 1e-6


@examples(150)
@given(tasks())
def test_every_answer_is_optimal(drawn):
    """By means other than the certificate's: feasible in beta and dual, and no gap between the two objectives.

    Or refused, where samples are nearly collinear: storing a dual of the size 1/sine leaves that much of X^T nu open.
    """
    try:
        solution = groups.minimize(drawn)
    except NotCertified as refusal:
        event("refused")
        certificate = refusal.certificate
        assert certificate.within(min(10 * np.finfo(float).eps / least_sine(drawn), WORST_REFUSAL))
        assert not certificate.within(groups.DEFAULT_TOLERANCE)
        return
    size = np.sqrt(sum(np.sum((y / drawn_scale(drawn)) ** 2) for _, y in drawn))
    for (X, y), beta in zip(drawn, solution.beta, strict=True):
        assert np.linalg.norm((X @ beta - y) / drawn_scale(drawn)) <= 1.01e-8 * size
    lengths = np.linalg.norm(pull_of(drawn, solution.dual), axis=0)
    assert lengths.max() <= 2 * (1 + 1e-4)
    reached = sum(nu @ (y / drawn_scale(drawn)) for nu, (_, y) in zip(split(drawn, solution.dual), drawn, strict=True))
    objective = GroupL12().value(solution.beta / drawn_scale(drawn))
    assert objective - reached / max(1.0, lengths.max() / 2) <= 1e-7 * objective
    target(solution.steps, label="steps")


def drawn_scale(drawn):
    return max(np.abs(y).max() for _, y in drawn) or 1.0


def split(drawn, dual):
    return np.split(dual, np.cumsum([len(y) for _, y in drawn])[:-1])


@examples(15)
@given(tasks(most_inputs=15, scaled=False, pathologies=TAME))
def test_a_conic_solver_agrees(drawn):
    ours = groups.minimize(drawn).certificate.objective
    theirs = programs.minimize_l12_tasks(drawn, tol=1e-6).certificate.objective
    assert abs(ours - theirs) <= 1e-6 * ours


@examples(25)
@given(tasks(scaled=False, pathologies=INDEPENDENT), st.integers(0, 2**32 - 1), st.integers(-200, 200))
@example([(np.array([[0.24, 0.66], [0.24, 0.66]]), np.array([0.66, 0.66]))], 0, 0)  # taken for two samples when recombined
def test_symmetries(drawn, seed, power):
    """Scaling targets and samples, recombining samples and permuting inputs move the minimum along."""
    best = groups.minimize(drawn).certificate.objective
    draw = np.random.default_rng(seed)
    order = draw.permutation(drawn[0][0].shape[1])
    moved = [(X[:, order], y) for X, y in drawn]
    moved = [(W @ X, W @ y) for (X, y), W in zip(moved, [mixed(draw, len(y)) for _, y in drawn], strict=True)]
    moved = [(X * 2.0 ** (power // 2), y * 2.0**power) for X, y in moved]
    again = groups.minimize(moved).certificate.objective * 2.0 ** (power // 2 - power)
    assert abs(again - best) <= 2e-8 * best


def test_one_task_is_twice_l1():
    ((X, y),) = drawn_tasks(0, [6], 20)
    ours, theirs = groups.minimize([(X, y)]), programs.minimize_l1(X, y)
    assert abs(ours.certificate.objective - 2 * theirs.certificate.objective) <= 1e-7 * ours.certificate.objective
    np.testing.assert_allclose(ours.beta[0], theirs.beta, atol=1e-6)


def test_equal_tasks_share_one_predictor():
    """X_1 = X_2, y_1 = y_2: beta_1 = beta_2 is the l1 minimiser, for each direction u_d is (1, 1)/sqrt(2)."""
    ((X, y),) = drawn_tasks(1, [6], 20)
    pair = groups.minimize([(X, y), (X, y)])
    alone = groups.minimize([(X, y)])
    np.testing.assert_allclose(pair.beta[0], pair.beta[1], atol=1e-6)
    assert abs(pair.certificate.objective - np.sqrt(2) * alone.certificate.objective) <= 1e-7 * pair.certificate.objective


@pytest.mark.parametrize("sizes", [[1], [1, 1], [4, 7, 3], [20, 5], [5, 30], [25, 30], [30, 4, 25], [2, 2, 2, 2, 2]])
def test_any_number_of_tasks_and_samples(sizes):
    drawn = drawn_tasks(2, sizes, 20)
    solution = groups.minimize(drawn)
    assert solution.beta.shape == (len(sizes), 20)
    assert solution.dual.shape == (sum(sizes),)
    assert solution.certificate.within(1e-8)
    assert solution.unique


def test_a_task_without_a_choice_keeps_its_predictor():
    """Eliminating it changes nothing: the minimum is the conic solver's, which does not eliminate."""
    (X, y), (_, _) = drawn_tasks(8, [6, 1], 20)
    draw = np.random.default_rng(9)
    X_aux, teacher = draw.normal(size=(26, 20)), draw.normal(size=20)
    whole = groups.minimize([(X, y), (X_aux, X_aux @ teacher)])
    np.testing.assert_allclose(whole.beta[1], teacher, atol=1e-9)
    theirs = programs.minimize_l12(X, y, X_aux, X_aux @ teacher)
    assert abs(whole.certificate.objective - theirs.certificate.objective) <= 1e-6 * whole.certificate.objective


def test_a_task_without_a_target_stays_at_zero():
    first, second = drawn_tasks(3, [6, 5], 20)
    solution = groups.minimize([first, (second[0], np.zeros(5))])
    assert np.abs(solution.beta[1]).max() <= 1e-6 * np.abs(solution.beta[0]).max()
    solution = groups.minimize([first, (np.zeros((2, 20)), np.zeros(2))])
    assert not solution.dual[-2:].any()


def test_zero_targets_give_zero_exactly():
    first, second = drawn_tasks(4, [6, 5], 20)
    solution = groups.minimize([(first[0], np.zeros(6)), (second[0], np.zeros(5))])
    assert not solution.beta.any()
    assert not solution.dual.any()
    assert solution.certificate.within(1e-16)
    assert solution.unique


def test_doubled_inputs_are_reported_as_not_unique():
    first, second = drawn_tasks(5, [6, 5], 10)
    twice = [(np.hstack([X, X]), y) for X, y in (first, second)]
    assert groups.minimize([first, second]).unique
    assert groups.minimize(twice).unique is False


def test_at_the_paper_s_size():
    """D = 1000, 256 samples a task: a dozen or two factorisations of a matrix of 512 rows."""
    draw = np.random.default_rng(6)
    solution = groups.minimize(drawn_tasks(int(draw.integers(2**31)), [128, 128], 1000))
    assert solution.certificate.within(1e-8)
    assert solution.steps <= 25


def test_recovered_teachers_leave_singular_equations_and_are_found_nonetheless():
    """50 active inputs and 128 samples: in the limit the Gram matrix has rank 50, and steps need a large shift, refined."""
    pair = teacher_student(128, 30, seed=1)
    solution = groups.minimize_pair(pair.main.X, pair.main.y, pair.aux.X, pair.aux.y)
    assert solution.certificate.within(1e-8)


def test_what_has_no_interpolator_is_refused():
    X = np.array([[1.0, 2.0], [1.0, 2.0]])
    with pytest.raises(InputError, match=r"y\[1\] is outside the range of X\[1\]"):
        groups.minimize([(X, np.ones(2)), (X, np.array([0.0, 1.0]))])
    with pytest.raises(InputError, match=r"y\[0\] is outside"):
        groups.minimize([(np.array([[1.0, 2.0], [0.0, 0.0]]), np.array([0.0, 1e-300]))])
    with pytest.raises(InputError, match="no task is given"):
        groups.minimize([])


def test_samples_too_nearly_collinear_are_refused():
    """The dual of the pair is of the size 1/angle; stored, it leaves eps/angle of X^T nu open, and a gap of that order."""
    (X, _), angle = drawn_tasks(1, [3], 8)[0], 1e-10
    X[2] = X[0] + angle * X[2]
    with pytest.raises(NotCertified) as raised:
        groups.minimize([(X, X @ np.ones(8))])
    certificate = raised.value.certificate
    assert certificate.primal_residual <= 1e-15
    assert 1e-8 < certificate.gap <= 10 * np.finfo(float).eps / angle


def test_a_path_not_finished_is_an_error(monkeypatch):
    monkeypatch.setattr(groups, "MOST_STEPS", 3)
    with pytest.raises(NotCertified) as raised:
        groups.minimize(drawn_tasks(7, [6, 5], 20))
    assert raised.value.certificate.gap > 1e-8
