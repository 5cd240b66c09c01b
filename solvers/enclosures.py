"""Sums and products in float64, or in twice its precision, with a priori bounds on what they lost.

Twice the precision comes from sums and products whose rounding errors are computed exactly (Ogita, Rump and Oishi 2005, doi
10.1137/030601818).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from normtheory.arrays import FloatArray

UNIT = float(np.finfo(np.float64).eps) / 2  # u, the relative rounding error of one float64 operation
TINY = float(np.finfo(np.float64).tiny)  # absolute error of an operation that underflows
BLOCK = 256  # terms summed before partial sums are: the error of a sum grows with block length + number of blocks
BLOCK_ENTRIES = 2**18  # of a block of a matrix: what caches hold, and too few for BLAS to wake threads for


@dataclass(frozen=True, eq=False)
class Enclosed:
    """Sums in two doubles, value + rest, and an elementwise bound on how far they are from the exact sums."""

    value: FloatArray
    rest: FloatArray
    error: FloatArray

    @property
    def off(self) -> FloatArray:
        """A bound on how far the value alone is from the exact sum."""
        return np.asarray(self.error + np.abs(self.rest))

    @property
    def least(self) -> FloatArray:
        """A lower bound on the size of the exact sum."""
        return np.asarray(np.maximum((np.abs(self.value) - self.off) * (1 - 4 * UNIT), 0.0))  # the difference is rounded, too

    @staticmethod
    def exact(value: FloatArray) -> Enclosed:
        """Numbers as they are."""
        return Enclosed(value, np.zeros_like(value), np.zeros_like(value))

    def minus(self, other: FloatArray) -> Enclosed:
        """The sums less exact numbers, normalised."""
        value, slip = _two_sum(self.value, -other)
        rest = slip + self.rest
        error = self.error + UNIT * np.abs(rest)  # the rest is rounded when it is formed
        return Enclosed(*_two_sum(value, rest), error)

    def total(self) -> float:
        """The sum of all entries of a vector with one entry."""
        return float(self.value.sum() + self.rest.sum())


def product(A: FloatArray, v: FloatArray, extended: bool) -> Enclosed:
    """A v for A of shape (m, terms), in float64 or in twice its precision, with a bound on what it lost."""
    if 4 * np.count_nonzero(v) <= v.size:  # products with 0 are exact: those of a sparse start cost next to nothing
        used = np.flatnonzero(v)
        A, v = A[:, used], v[used]
    rows, terms = A.shape
    width, wider = max(1, min(BLOCK, BLOCK_ENTRIES // rows)), max(1, BLOCK_ENTRIES // rows)
    value, rest, size, lengths = np.zeros(rows), np.zeros(rows), np.zeros(rows), np.abs(v)
    for first in range(0, terms, wider):
        size += np.abs(A[:, first : first + wider]) @ lengths[first : first + wider]
    for first in range(0, terms, width):
        block, part = A[:, first : first + width], v[first : first + width]
        if extended:
            partial, slips = _summed(*_two_product(block, part))
            value, slip = _two_sum(value, partial)
            rest += slips + slip
        else:
            value += block @ part
    # Twice the textbook constants, for the bound is itself computed in float64; an underflow costs TINY at most.
    count = min(terms, width) + -(-terms // width) + 2
    share = (count * UNIT) ** 2 if extended else count * UNIT
    exact = not (size.any() or A.any())  # a product of zeros
    if extended:
        value, rest = _two_sum(value, rest)
    return Enclosed(value, rest, 2 * share * size + (0.0 if exact else terms * TINY))


def dot(u: FloatArray, v: Enclosed, extended: bool) -> Enclosed:
    """u.v, shape (1,), with a bound on what it lost."""
    main = product(v.value[None], u, extended)
    inherited = float(np.abs(u) @ v.error) + u.size * UNIT * float(np.abs(u) @ np.abs(v.rest))
    return Enclosed(main.value, main.rest + float(u @ v.rest), main.error + 2 * inherited)


def _two_sum(a: FloatArray, b: FloatArray) -> tuple[FloatArray, FloatArray]:
    """a + b, rounded, and its rounding error, exactly (Knuth)."""
    total = a + b
    virtual = total - a
    return total, (a - (total - virtual)) + (b - virtual)


def _two_product(a: FloatArray, b: FloatArray) -> tuple[FloatArray, FloatArray]:
    """a b, rounded, and its rounding error, exactly (Dekker)."""
    product = a * b
    a_high, a_low = _halves(a)
    b_high, b_low = _halves(b)
    return product, a_low * b_low - (((product - a_high * b_high) - a_low * b_high) - a_high * b_low)


def _halves(a: FloatArray) -> tuple[FloatArray, FloatArray]:
    """a as the sum of two numbers of 26 bits (Veltkamp)."""
    shifted = (2.0**27 + 1) * a
    high = shifted - (shifted - a)
    return high, a - high


def _summed(terms: FloatArray, slips: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Sums over the last axis, and the sums of what their roundings and the given slips left out, pairwise."""
    while terms.shape[1] > 1:
        half = terms.shape[1] // 2
        sums, slip = _two_sum(terms[:, :half], terms[:, half : 2 * half])
        slip += slips[:, :half] + slips[:, half : 2 * half]
        terms = np.hstack([sums, terms[:, 2 * half :]])
        slips = np.hstack([slip, slips[:, 2 * half :]])
    return terms[:, 0], slips[:, 0]
