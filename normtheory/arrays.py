"""Checked float64 arrays: the one place where a wrong input is recognised and named."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]

# Beyond these, squares and ratios leave the range of float64.
LARGEST, SMALLEST_POSITIVE = 1e100, 1e-100
# In units of round-off: exactly dependent rows leave singular values up to 2.3, pivots up to 5.7 (5400 matrices of up to 100
# rows, three kernels of OpenBLAS). The usual max(n, D) units are two for two rows, and kernels disagreed on the rank.
LEAST_NEGLIGIBLE = 100.0
# A type's round-off, to this power: what sums that cancel, and arithmetic in that type, leave of its digits.
DIGITS_LEFT = 2 / 3


class InputError(ValueError):
    """An input that cannot be used. The message is one line: what, where, what to do."""


def real_array(value: ArrayLike, name: str) -> FloatArray:
    """Return `value` as a finite float64 array; `name` is what messages call it.

    Raises
    ------
    InputError
        If the entries are not real numbers, or some are NaN, infinite or above LARGEST in magnitude.
    """
    array = np.asarray(value)
    if array.dtype.kind not in "fiu":
        raise InputError(f"{name} holds {array.dtype} entries; give real numbers (float or integer)")
    array = np.asarray(array, dtype=np.float64, order="C")
    if not array.size:
        return array
    low, high = float(array.min()), float(array.max())  # NaN if any entry is; no temporary the size of a large matrix
    if not (np.isfinite(low) and np.isfinite(high)):
        bad = np.argwhere(~np.isfinite(array))
        where = f" at index {tuple(int(i) for i in bad[0])}" if array.ndim else ""
        kind = "NaN" if np.isnan(array[tuple(bad[0])]) else "infinite"
        raise InputError(f"{name} is {kind}{where}; remove or replace such entries")
    if max(-low, high) > LARGEST:
        raise InputError(f"{name} has entries beyond {LARGEST:g}, whose squares overflow; choose other units")
    return array


def precision(*values: ArrayLike) -> float:
    """The relative precision of the coarsest floating type among these arrays: 4e-11 for float64, 2e-5 for float32."""
    kinds = [np.asarray(value).dtype for value in values]
    coarsest = max([float(np.finfo(kind).eps) for kind in kinds if kind.kind == "f"], default=0.0)
    return float(max(coarsest, np.finfo(np.float64).eps) ** DIGITS_LEFT)


def matrix(value: ArrayLike, name: str) -> FloatArray:
    """Return a finite (n, D) array with at least one row and one column."""
    array = real_array(value, name)
    if array.ndim != 2 or 0 in array.shape:
        raise InputError(f"{name} has shape {array.shape}; give a matrix with a row per sample and a column per input")
    return array


def vector(value: ArrayLike, name: str, size: int, per: str) -> FloatArray:
    """Return a finite (size,) array; a scalar is spread over all entries."""
    array = real_array(value, name)
    if array.ndim == 0:
        return np.full(size, float(array))
    if array.shape != (size,):
        raise InputError(f"{name} has shape {array.shape}; give shape ({size},), one entry per {per}")
    return array


def negligible(array: FloatArray) -> float:
    """What counts as 0 among the singular values or pivots of a matrix, relative to the largest: round-off, on any machine."""
    return float(max(LEAST_NEGLIGIBLE, *array.shape) * np.finfo(np.float64).eps)


def targets(value: ArrayLike, name: str, rows: int, design: str) -> FloatArray:
    """Return the finite (n,) target vector that belongs to a design matrix of `rows` rows."""
    array = real_array(value, name)
    if array.shape != (rows,):
        raise InputError(f"{name} has shape {array.shape}; give shape ({rows},), one entry per row of {design}")
    return array


def positive(value: FloatArray, name: str) -> FloatArray:
    """Return `value`, all of whose entries must be positive."""
    bad = np.flatnonzero(~(value > 0))
    if bad.size:
        d = int(bad[0])
        raise InputError(f"{name}[{d}] = {value[d]:g}; every entry of {name} must be positive")
    if value.size and float(value.min()) < SMALLEST_POSITIVE:
        raise InputError(f"{name} has entries below {SMALLEST_POSITIVE:g}, whose inverse squares overflow; choose other units")
    return value


def positive_scalar(value: float, name: str) -> float:
    """Return `value`, which must be a positive finite number whose square stays in the range of float64."""
    if not (np.isfinite(value) and value > 0):
        raise InputError(f"{name} = {value:g}; give a positive finite number")
    if not SMALLEST_POSITIVE <= value <= LARGEST:
        raise InputError(f"{name} = {value:g}; give a number between {SMALLEST_POSITIVE:g} and {LARGEST:g}")
    return float(value)
