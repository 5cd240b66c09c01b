"""Independent rows: as many as there are, on every machine."""

import numpy as np
from drawn import examples
from hypothesis import example, given
from hypothesis import strategies as st

from normtheory.solvers.consistency import Allowed
from normtheory.solvers.constraints import independent_rows


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
