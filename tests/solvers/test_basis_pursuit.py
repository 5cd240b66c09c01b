"""The least l1 norm that fits: optimal on drawn tasks by means other than its certificate, by either of its routes."""

import numpy as np
import pytest
from drawn import examples
from drawn_tasks import TAME, tasks
from hypothesis import event, given
from hypothesis import strategies as st
from scipy.optimize import linprog

from normtheory.arrays import InputError
from normtheory.solvers import basis_pursuit, homotopy, programs
from normtheory.solvers.certificate import DEFAULT_TOLERANCE, NotCertified
from normtheory.solvers.scaling import Tasks
from normtheory.tasks import teacher_student

ROUTES = {
    "homotopy": lambda system: homotopy.lasso(system.Z, system.z, 0.0, 500),
    "interior point": lambda system: basis_pursuit._by_interior_point(system, 1e-10),
}


def least(X, y):
    """The least l1 norm, by a simplex method."""
    program = linprog(np.ones(2 * X.shape[1]), A_eq=np.hstack([X, -X]), b_eq=y, method="highs-ds")
    return program.fun


@examples(150)
@given(tasks(most_tasks=1))
def test_every_answer_is_optimal(drawn):
    """Feasible in beta and in its dual, and no gap between the two; or refused, where samples are nearly collinear."""
    ((X, y),) = drawn
    try:
        solution = basis_pursuit.minimize(X, y)
    except NotCertified as refusal:
        event("refused")
        certificate = refusal.certificate
        assert certificate.within(1e-6)
        assert not certificate.within(DEFAULT_TOLERANCE)
        return
    event(solution.solver)
    size = np.abs(y).max() or 1.0
    assert np.linalg.norm((X @ solution.beta - y) / size) <= 1.01e-10 * np.linalg.norm(y / size)
    pull = np.abs(X.T @ solution.dual).max()
    assert pull <= 1 + 2e-5
    objective = np.abs(solution.beta / size).sum()
    assert objective - solution.dual @ (y / size) / max(1.0, pull) <= 1e-8 * objective


@examples(40)
@given(tasks(most_inputs=20, most_tasks=1, scaled=False, pathologies=TAME))
def test_a_simplex_method_agrees(drawn):
    ((X, y),) = drawn
    objective = np.abs(basis_pursuit.minimize(X, y).beta).sum()
    assert abs(objective - least(X, y)) <= 1e-7 * objective


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("features", [2, 12])
def test_either_route_alone(route, features):
    """A sparse teacher that is recovered, and one that is not: the same minimum by the homotopy and by the interior point."""
    task = teacher_student(20, 1, features=features, features_aux=4, inputs=60, samples_aux=5, seed=features).main
    system = Tasks.checked([(task.X, task.y)]).systems[0]
    found = ROUTES[route](system)
    beta = found[0] if isinstance(found, tuple) else found.beta
    theirs = np.abs(basis_pursuit.minimize(task.X, task.y).beta).sum() / Tasks.checked([(task.X, task.y)]).size
    assert np.linalg.norm(system.predictions(beta) - system.z) <= 1e-9 * np.linalg.norm(system.z)
    assert abs(np.abs(beta).sum() - theirs) <= 1e-9 * theirs


@pytest.mark.parametrize("seed", range(6))
def test_entries_of_very_different_size(seed):
    """Entries of 1e-10 beside 1: weights of the last steps span 20 decades, in which a Gram matrix is singular."""
    draw = np.random.default_rng(seed)
    X, teacher = draw.normal(size=(20, 60)), np.zeros(60)
    teacher[:4], teacher[4:8] = 1, 10.0 ** draw.uniform(-10, -5, 4)
    solution = basis_pursuit.minimize(X, X @ teacher)
    assert solution.certificate.within(DEFAULT_TOLERANCE)
    assert np.abs(solution.beta).sum() <= np.abs(teacher).sum() * (1 + 1e-10)


@examples(15)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 6), copies=st.booleans())
def test_uniqueness_is_decided_rightly(seed, n, copies):
    draw = np.random.default_rng(seed)
    X = draw.normal(size=(n, 8))
    assert basis_pursuit.minimize(np.hstack([X, X]) if copies else X, X @ draw.normal(size=8)).unique is (not copies)


def test_ties_give_the_path_up_and_not_the_answer():
    """Inputs of signs: several enter the support at once."""
    draw = np.random.default_rng(1)
    X = draw.choice([-1.0, 1.0], size=(12, 40))
    y = X[:, :3] @ np.ones(3)
    assert homotopy.lasso(X, y, 0.0, 500) is None
    assert abs(np.abs(basis_pursuit.minimize(X, y).beta).sum() - least(X, y)) <= 1e-8


def test_the_path_passes_every_lasso_solution():
    """Optimality at a level in between: X^T (y - X beta) = level sign(beta) on the support, and no more elsewhere."""
    draw = np.random.default_rng(2)
    X = draw.normal(size=(15, 40))
    y = draw.normal(size=15)
    level = 0.1 * np.abs(X.T @ y).max()
    beta, nu, _ = homotopy.lasso(X, y, level, 500)
    pull = X.T @ (y - X @ beta)
    np.testing.assert_allclose(nu, (y - X @ beta) / level, rtol=1e-9)
    np.testing.assert_allclose(pull[beta != 0], level * np.sign(beta[beta != 0]), rtol=1e-9)
    assert np.abs(pull).max() <= level * (1 + 1e-9)
    assert (beta != 0).sum() > 3


def test_more_samples_than_inputs_leave_no_choice():
    draw = np.random.default_rng(3)
    X, teacher = draw.normal(size=(30, 10)), draw.normal(size=10)
    solution = basis_pursuit.minimize(X, X @ teacher)
    np.testing.assert_allclose(solution.beta, teacher, atol=1e-13)
    assert solution.unique


def test_zero_targets_and_contradictions():
    X = np.ones((2, 3))
    assert not basis_pursuit.minimize(X, np.zeros(2)).beta.any()
    with pytest.raises(InputError, match=r"outside the range of X .* residual 7.1e-01"):
        basis_pursuit.minimize(X, np.array([0.0, 1.0]))
    with pytest.raises(NotCertified, match="missed the tolerance"):
        basis_pursuit.minimize(np.eye(3) + 0.1, np.arange(3.0), tol=1e-20)


def test_the_conic_solver_agrees():
    task = teacher_student(20, 1, features=12, features_aux=4, inputs=60, samples_aux=5).main
    theirs = programs.minimize_l1(task.X, task.y)
    np.testing.assert_allclose(basis_pursuit.minimize(task.X, task.y).beta, theirs.beta, atol=1e-6)
