"""Independent rows: as many as there are, on every machine; Gram matrices in single precision where that is enough."""

import numpy as np
import pytest
from drawn import examples
from hypothesis import example, given
from hypothesis import strategies as st

from normtheory.solvers.consistency import Allowed
from normtheory.solvers.constraints import SINGLE_FROM, Factor, independent_rows
from normtheory.solvers.newton import minimize


@examples(300)
@given(seed=st.integers(0, 2**32 - 1), rank=st.integers(1, 6), more=st.integers(0, 6), multiple=st.booleans())
@example(seed=687, rank=1, more=1, multiple=False)  # pivots of 4 units of round-off: two rows, by the usual count
@example(seed=284, rank=1, more=1, multiple=True)  # with the kernel Haswell alone
def test_dependent_rows_are_not_counted(seed, rank, more, multiple):
    """A multiple of a row, or the sum of all, as float64 has them, beside rows whose columns span six decades."""
    draw = np.random.default_rng(seed)
    X = draw.normal(size=(rank, rank + more)) * 10 ** draw.uniform(-3, 3, size=rank + more)
    X = np.vstack([X, 1.1 * X[:1] if multiple else X.sum(axis=0)])
    y = X @ draw.normal(size=rank + more)
    assert independent_rows(X, y, Allowed(1e-10)).z.size == rank


def test_the_first_factorisation_tells_that_rows_are_independent_if_slopes_are_alike():
    """One factorisation less, whatever the scale; with slopes further apart than 1e5, one of X X^T comes first."""
    X, y = np.random.default_rng(4).normal(size=(20, 100)), np.ones(20)
    alike = 0.3 * np.ones(100)
    system = independent_rows(X, y, Allowed(np.inf), alike)
    assert np.allclose(np.triu(system.factor.triangle), np.linalg.cholesky(X @ X.T).T)
    assert np.allclose(np.triu(system.weighted.triangle), np.linalg.cholesky(0.3 * X @ X.T).T)
    mild, far = np.geomspace(1e-4, 1, 100), np.geomspace(1e-6, 1, 100)
    system = independent_rows(X, y, Allowed(np.inf), mild)
    assert system.given is None
    assert np.allclose(np.triu(system.factor.triangle), np.linalg.cholesky(X @ X.T).T)
    assert np.allclose(np.triu(system.weighted.triangle), np.linalg.cholesky((X * mild) @ X.T).T)
    assert independent_rows(X, y, Allowed(np.inf), far).weighted is None
    assert independent_rows(X, y, Allowed(np.inf)).weighted is None


@pytest.mark.parametrize("angle", [1e-2, 3e-6, 1e-12])
def test_rows_that_weights_part_are_no_more_independent(angle):
    """Two rows that differ where the weight is large only: 300 times farther apart as weighted than they are."""
    X = np.ones((2, 1000))
    X[:, 0] = 0, angle * np.sqrt(1000)
    weights = np.full(1000, 1e-5)
    weights[0] = 1.0
    system = independent_rows(X, X @ np.ones(1000), Allowed(np.inf), weights)
    assert (system.weighted is not None) == (angle == 1e-2)
    assert (system.triangle is None) == (angle == 1e-2)


def of_many(samples=SINGLE_FROM, inputs=600, seed=0):
    generator = np.random.default_rng(seed)
    return generator.standard_normal((samples, inputs)), generator.random(inputs) + 0.1


def test_single_precision_solves_nearly_as_double_does():
    Z, weights = of_many()
    right = Z[:, 0]
    single, double = Factor.nearly(Z, weights), Factor.of(Z, weights)
    assert (single.triangle != double.triangle).any()
    assert np.linalg.norm(single.solve(right) - double.solve(right)) <= 1e-4 * np.linalg.norm(double.solve(right))


@pytest.mark.parametrize("case", ["few samples", "nearly dependent", "few inputs seen", "beyond single precision"])
def test_where_single_precision_is_not_enough_double_is_taken(case):
    Z, weights = of_many(SINGLE_FROM - 1 if case == "few samples" else SINGLE_FROM)
    if case == "nearly dependent":
        Z[1] = Z[0] + 1e-3 * Z[1]
    if case == "few inputs seen":
        weights[SINGLE_FROM:] *= 1e-9
    if case == "beyond single precision":
        Z[3] *= 1e30
    assert (Factor.nearly(Z, weights).triangle == Factor.of(Z, weights).triangle).all()


def test_the_minimiser_is_the_same_with_either_precision(monkeypatch):
    X, _ = of_many(300, 1000)
    y = X[:, :20].sum(axis=1)
    problem = X, y, np.full(1000, 1e-4)
    single = minimize(*problem)
    monkeypatch.setattr(Factor, "nearly", Factor.of)
    double = minimize(*problem)
    assert single.steps == double.steps
    assert np.linalg.norm(single.beta - double.beta) <= 1e-9 * np.linalg.norm(double.beta)
