"""The cvxpy programs against oracles that need no conic solver, and their policy on failures."""

import cvxpy as cp
import numpy as np
import pytest
import spgl1
from drawn import examples
from drawn_tasks import PATHOLOGIES, TAME, design, tasks
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.optimize import linprog

from normtheory.arrays import InputError
from normtheory.penalties import GroupL12
from normtheory.solvers import programs
from normtheory.solvers.certificate import NotCertified


def task(seed, n=6, D=20):
    draw = np.random.default_rng(seed)
    X = draw.normal(size=(n, D))
    return X, X @ draw.normal(size=D)


def test_l1_against_a_linear_program():
    X, y = task(0)
    program = linprog(np.ones(40), A_eq=np.hstack([X, -X]), b_eq=y, method="highs")
    solution = programs.minimize_l1(X, y)
    assert abs(solution.certificate.objective - program.fun) <= 1e-7 * program.fun
    np.testing.assert_allclose(solution.beta, program.x[:20] - program.x[20:], atol=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_l1_against_spgl1(seed):
    """A first-order method that shares nothing with ours: its point is feasible, and its norm a little above the least one."""
    X, _ = task(10 + seed)
    draw = np.random.default_rng(seed)
    y = X @ (draw.normal(size=20) * (draw.random(20) < 0.3))
    theirs, residual, *_ = spgl1.spg_bp(X, y, opt_tol=1e-9, bp_tol=1e-9, dec_tol=1e-8, iter_lim=20000)
    ours = programs.minimize_l1(X, y)
    assert np.linalg.norm(residual) <= 1e-8 * np.linalg.norm(y)
    assert -1e-7 <= np.abs(theirs).sum() / ours.certificate.objective - 1 <= 5e-4
    assert ours.unique


SINGLE = {
    "l1": programs.minimize_l1,
    "l2": programs.minimize_l2,
    "weighted l2": lambda X, y: programs.minimize_l2(X, y, 10.0 ** np.linspace(-3, 3, X.shape[1])),
}


@pytest.mark.parametrize("penalty", SINGLE)
@examples(12)
@given(
    seed=st.integers(0, 2**32 - 1),
    D=st.integers(2, 15),
    pathology=st.sampled_from([name for name in PATHOLOGIES if name != "collinear"]),
    log_x=st.sampled_from([0.0, -80.0, 80.0]),
    log_y=st.sampled_from([0.0, -99.0, 99.0]),
)
@example(seed=0, D=2, pathology="none", log_x=-80.0, log_y=99.0)  # squares of beta overflow
@example(seed=0, D=7, pathology="more samples than inputs", log_x=0.0, log_y=99.0)
def test_one_task_of_any_kind_and_scale(penalty, seed, D, pathology, log_x, log_y):
    draw = np.random.default_rng(seed)
    X = design(draw, int(draw.integers(1, D + 1)), D, pathology)
    y = X @ draw.normal(size=D)
    y *= (pathology != "no target") / np.abs(y).max()  # at most 1: 1e100 is the largest entry that is taken
    solution = SINGLE[penalty](X * 10**log_x, y * 10**log_y)
    assert solution.certificate.within(programs.CONIC_TOLERANCE)
    beta = solution.beta / 10 ** (log_y - log_x)
    assert np.linalg.norm(X @ beta - y) <= 1e-6 * np.linalg.norm(y)
    if pathology == "no target":
        assert not beta.any()


@examples(12)
@given(tasks(most_inputs=12, pathologies=TAME))
def test_l12_of_any_number_of_tasks(drawn):
    solution = programs.minimize_l12_tasks(drawn, tol=1e-6)
    assert solution.beta.shape == (len(drawn), drawn[0][0].shape[1])
    assert solution.certificate.within(1e-6)


def test_two_tasks_by_either_signature():
    pair = [task(3), task(4, n=9)]
    one, other = programs.minimize_l12(*pair[0], *pair[1]), programs.minimize_l12_tasks(pair)
    np.testing.assert_array_equal(one.beta, other.beta)


@pytest.mark.parametrize("scale", [1e-200, 1e-100, 1e90])
def test_targets_of_any_size(scale):
    """Tiny: an objective near 0 used to leave nothing to be relative to."""
    X, y = task(7)
    for minimise in (programs.minimize_l1, programs.minimize_l2, lambda X, y: programs.minimize_l12(X, y, X[:3], y[:3])):
        unit, moved = minimise(X, y), minimise(X, scale * y)
        np.testing.assert_allclose(moved.beta / scale, unit.beta, atol=1e-3)  # the root of the gap


def test_zero_targets_give_zero_exactly():
    X, _ = task(8)
    zero = np.zeros(6)
    for minimise in (
        programs.minimize_l1,
        programs.minimize_l2,
        lambda X, y: programs.minimize_l12(X, y, X, y),
        lambda X, y: programs.minimize_q(X, y, 1.0),
    ):
        solution = minimise(X, zero)
        assert not solution.beta.any()
        assert solution.certificate.within(1e-16)
        assert solution.unique


def test_q_is_homogeneous():
    X, y = task(9)
    unit = programs.minimize_q(X, y, 0.3, 0.1, allow_inaccurate=True)
    assert unit.certificate.within(1e-7)
    for scale in (1e-80, 1e60):
        moved = programs.minimize_q(X, scale * y, scale * 0.3, scale * 0.1, allow_inaccurate=True)
        np.testing.assert_allclose(moved.beta / scale, unit.beta, atol=1e-5)


def test_a_start_that_fits_is_the_answer():
    X, _ = task(9)
    start = np.random.default_rng(1).normal(size=20)
    np.testing.assert_array_equal(programs.minimize_q(X, X @ start, 1.0, start).beta, start)


@examples(15)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 6), copies=st.booleans())
@example(seed=446, n=1, copies=False)  # two inputs whose sizes differ by 3e-4
def test_uniqueness_of_l1_is_decided_rightly(seed, n, copies):
    """Samples in general position have one minimiser; a doubled column in its support makes it a segment.

    Undecided is right, too, where the dual certificate leaves an input that is not used within a hundredth of being used.
    """
    draw = np.random.default_rng(seed)
    X = draw.normal(size=(n, 8))
    y = X @ draw.normal(size=8)
    found = programs.minimize_l1(np.hstack([X, X]) if copies else X, y)
    if found.unique is None:
        slack = 1 - np.abs(X.T @ found.dual)
        assert np.sort(np.abs(slack))[n] < 0.01  # n inputs are used
    else:
        assert found.unique is (not copies)


def test_l2_against_the_pseudoinverse():
    X, y = task(1)
    weight = np.random.default_rng(9).uniform(0.1, 3, 20)
    roots = np.sqrt(weight)
    expected = (np.linalg.pinv(X / roots) @ y) / roots
    np.testing.assert_allclose(programs.minimize_l2(X, y, weight).beta, expected, atol=1e-7)
    np.testing.assert_allclose(programs.minimize_l2(X, y).beta, np.linalg.pinv(X) @ y, atol=1e-7)


def test_l12_with_an_empty_auxiliary_task_is_twice_l1():
    X, y = task(2)
    solution = programs.minimize_l12(X, y, X[:2], np.zeros(2))
    assert solution.beta.shape == (2, 20)
    single = programs.minimize_l1(X, y).certificate.objective
    assert abs(solution.certificate.objective - 2 * single) <= 1e-6 * single


def test_l12_is_optimal_by_its_kkt_conditions():
    """Where a group is not zero its gradient 2 beta/||beta|| is X_o^T nu_o; everywhere ||X^T nu|| <= 2."""
    (X, y), (X_aux, y_aux) = task(3), task(4, n=9)
    solution = programs.minimize_l12(X, y, X_aux, y_aux)
    pull = np.stack([X.T @ solution.dual[:6], X_aux.T @ solution.dual[6:]])
    norms = np.linalg.norm(solution.beta, axis=0)
    active = norms > 1e-5 * norms.max()
    assert (np.linalg.norm(pull, axis=0) <= 2 * (1 + 1e-6)).all()
    np.testing.assert_allclose(GroupL12().gradient(solution.beta)[:, active], pull[:, active], atol=1e-4)
    np.testing.assert_allclose(X @ solution.beta[0], y, atol=1e-8)
    np.testing.assert_allclose(X_aux @ solution.beta[1], y_aux, atol=1e-8)


@pytest.mark.parametrize("minimise", [programs.minimize_l1, programs.minimize_l2, lambda X, y: programs.minimize_q(X, y, 1.0)])
def test_contradictory_samples_are_refused(minimise):
    with pytest.raises(InputError, match="outside the range of X"):
        minimise(np.array([[1.0, 2.0], [1.0, 2.0]]), np.array([0.0, 1.0]))


def test_l12_needs_tasks_of_one_size():
    X, y = task(5)
    with pytest.raises(InputError, match="X_aux has 19"):
        programs.minimize_l12(X, y, X[:, 1:], y)


class FakeProblem:
    """A program whose solver ends with the status, and the candidate, that it is given."""

    solver_stats = type("Statistics", (), {"num_iters": 7})

    def __init__(self, status, value=None):
        self.status, self.value = status, value

    def variables(self):
        return [self]

    def solve(self, **options):
        if self.status == "crash":
            raise cp.SolverError("out of luck\nand more")


@pytest.mark.parametrize("status", ["user_limit", "unbounded", "crash"])
def test_no_candidate_is_an_error(status):
    with pytest.raises(NotCertified):
        programs._solve(FakeProblem(status), 1e-9)


def test_a_candidate_is_judged_whatever_the_status_says():
    status, _, steps = programs._solve(FakeProblem("optimal_inaccurate", np.ones(2)), 1e-9)
    assert (status, steps) == ("optimal_inaccurate", 7)


def test_a_status_does_not_refuse_what_its_certificate_holds():
    """Orthonormal samples of spikes, of which the solver calls some candidates inaccurate that are within the tolerance."""
    draw = np.random.default_rng(12)
    X = np.linalg.qr(draw.normal(size=(200, 200)))[0][:60]
    spikes = np.zeros(200)
    spikes[draw.permutation(200)[:10]] = draw.choice([-1.0, 1.0], 10)
    solution = programs.minimize_l1(X, X @ spikes)
    assert solution.certificate.within(programs.CONIC_TOLERANCE)
    np.testing.assert_allclose(solution.beta, spikes, atol=1e-6)


def test_a_certificate_short_of_the_tolerance_is_an_error():
    X, y = task(6)
    with pytest.raises(NotCertified) as raised:
        programs.minimize_l1(X, y, tol=1e-16)
    assert raised.value.certificate.gap < 1e-7
