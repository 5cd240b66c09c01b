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
        weights[200:] *= 1e-9
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
