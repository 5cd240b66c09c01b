"""The cvxpy programs against oracles that need no conic solver, and their policy on failures."""

import cvxpy as cp
import numpy as np
import pytest
from scipy.optimize import linprog

from normtheory.arrays import InputError
from normtheory.penalties import GroupL12
from solvers import programs
from solvers.certificate import NotCertified


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
    """A program whose solver ends with the status it is given."""

    solver_stats = type("Statistics", (), {"num_iters": 7})

    def __init__(self, status):
        self.status = status

    def solve(self, **options):
        if self.status == "crash":
            raise cp.SolverError("out of luck\nand more")


@pytest.mark.parametrize("status", ["optimal_inaccurate", "user_limit", "unbounded", "crash"])
def test_any_other_status_is_an_error(status):
    with pytest.raises(NotCertified):
        programs._solve(FakeProblem(status), 1e-9, allow_inaccurate=False)


def test_an_inaccurate_status_is_returned_only_if_asked_for():
    status, _, steps = programs._solve(FakeProblem("optimal_inaccurate"), 1e-9, allow_inaccurate=True)
    assert (status, steps) == ("optimal_inaccurate", 7)
    with pytest.raises(NotCertified):
        programs._solve(FakeProblem("unbounded"), 1e-9, allow_inaccurate=True)


def test_a_certificate_short_of_the_tolerance_is_an_error():
    X, y = task(6)
    with pytest.raises(NotCertified) as raised:
        programs.minimize_l1(X, y, tol=1e-16)
    assert raised.value.certificate.gap < 1e-7
