"""The penalised program: stationary by its own equations, certified, and between the start and the interpolator."""

import numpy as np
import pytest
from drawn import examples
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize as scipy_minimize

from normtheory.arrays import InputError
from normtheory.penalties import Q
from normtheory.solvers import newton, penalised
from normtheory.solvers.certificate import DEFAULT_TOLERANCE
from normtheory.solvers.potentials import DeepDiagonal, Quadratic


def drawn_problem(seed, n, D, rank):
    draw = np.random.default_rng(seed)
    X = draw.normal(size=(n, rank)) @ draw.normal(size=(rank, D)) if rank < min(n, D) else draw.normal(size=(n, D))
    return X, draw.normal(size=n), 10.0 ** draw.uniform(-4, 1, D), draw.normal(size=D)


@examples(60)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 20),
    D=st.integers(1, 12),
    rank=st.integers(1, 12),
    log_strength=st.floats(-6, 4),
)
def test_every_answer_is_stationary(seed, n, D, rank, log_strength):
    """X^T (y - X beta)/n = strength (Q'(beta) - Q'(beta0)), more samples than inputs or not, dependent or not."""
    X, y, k, beta0 = drawn_problem(seed, n, D, rank)
    strength = 10.0**log_strength
    solution = penalised.minimize(X, y, k, beta0, strength=strength)
    assert solution.certificate.within(DEFAULT_TOLERANCE)
    assert solution.dual.shape == y.shape
    pull = X.T @ (y - X @ solution.beta) / n
    gradient = strength * (Q(k).gradient(solution.beta) - Q(k).gradient(beta0))
    scale = np.linalg.norm(X, 2) * (np.linalg.norm(y) + np.linalg.norm(X @ beta0)) / n
    np.testing.assert_allclose(pull, gradient, atol=2e-5 * scale)
    np.testing.assert_allclose(X.T @ solution.dual, gradient / strength, atol=1e-4 * np.abs(gradient / strength).max() + 1e-9)
    objective = np.sum((X @ solution.beta - y) ** 2) / (2 * n) + strength * Q(k).divergence(solution.beta, beta0).sum()
    assert abs(solution.certificate.objective - objective) <= 1e-8 * objective


def test_a_quasi_newton_method_agrees():
    X, y, k, beta0 = drawn_problem(1, 20, 8, 8)

    def program(beta):
        residual = X @ beta - y
        slope = X.T @ residual / 20 + 0.1 * (Q(k).gradient(beta) - Q(k).gradient(beta0))
        return residual @ residual / 40 + 0.1 * Q(k).divergence(beta, beta0).sum(), slope

    theirs = scipy_minimize(program, beta0, jac=True, method="BFGS", options={"gtol": 1e-10, "maxiter": 5000})
    np.testing.assert_allclose(penalised.minimize(X, y, k, beta0, strength=0.1).beta, theirs.x, atol=1e-5)


@pytest.mark.parametrize("shape", [(5, 12), (20, 8)])
def test_from_the_interpolator_to_the_start(shape):
    """As the strength vanishes, the interpolator or the projected one; as it grows, the start."""
    X, y, k, beta0 = drawn_problem(2, *shape, 12)
    fitted = newton.minimize(X, y, k, beta0, inconsistent="project").beta
    apart = [np.linalg.norm(penalised.minimize(X, y, k, beta0, strength=s).beta - fitted) for s in (1e-2, 1e-4, 1e-6, 1e-8)]
    assert apart == sorted(apart, reverse=True)
    assert apart[-1] <= 1e-5 * np.linalg.norm(fitted)
    assert apart[-2] <= 1.1e-2 * apart[-3] + 1e-9
    np.testing.assert_allclose(penalised.minimize(X, y, k, beta0, strength=1e8).beta, beta0, rtol=1e-5)


def test_ridge_regression():
    X, y, *_ = drawn_problem(3, 20, 8, 8)
    weight = np.linspace(0.5, 2, 8)
    found = penalised.minimize_penalised(X, y, Quadratic(weight), strength=0.2).beta
    np.testing.assert_allclose(found, np.linalg.solve(X.T @ X / 20 + 0.4 * np.diag(weight), X.T @ y / 20), rtol=1e-9)


def test_other_potentials():
    X, y, *_ = drawn_problem(4, 6, 15, 15)
    solution = penalised.minimize_penalised(X, y, DeepDiagonal(np.full(15, 0.3), depth=3), strength=0.1)
    assert solution.certificate.within(DEFAULT_TOLERANCE)


def test_refusals():
    X, y, k, _ = drawn_problem(5, 6, 4, 4)
    with pytest.raises(InputError, match="lambda = 0"):
        penalised.minimize(X, y, k, strength=0.0)
    with pytest.raises(InputError, match="the potential has 3 coordinates"):
        penalised.minimize_penalised(X, y, Quadratic(np.ones(3)), strength=1.0)
