"""Checked float64 arrays: the one place where a wrong input is recognised and named."""

from __future__ import annotations

from typing import Any

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
    array = _as_array(value, name)
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


def _as_array(value: ArrayLike, name: str) -> NDArray[Any]:
    """The entries as they are; what numpy would misread, or cannot read, is refused with the call that mends it."""
    if hasattr(value, "toarray"):  # scipy's sparse matrices, which numpy takes for one object
        raise InputError(f"{name} is a sparse {type(value).__name__}; give {name}.toarray()")
    if isinstance(value, np.ma.MaskedArray) and np.ma.getmaskarray(value).any():
        raise InputError(f"{name} has masked entries; drop them, or fill them by {name}.filled(...)")
    try:
        return np.asarray(value)
    except Exception as error:  # of a tensor on a device, or in a type that numpy lacks; of lists of different lengths
        if isinstance(value, list | tuple):
            raise InputError(f"{name} has rows of different lengths; give a rectangular array") from error
        way_out = f"; give {name}.detach().double().cpu().numpy()" if hasattr(value, "detach") else "; give an array of numbers"
        raise InputError(f"{name} is a {type(value).__name__} that cannot be read as an array{way_out}") from error


def precision(*values: ArrayLike) -> float:
    """The relative precision of the coarsest floating type among these arrays: 4e-11 for float64, 2e-5 for float32."""
    kinds = [array.dtype for array in (_as_array(value, "an array") for value in values) if array.dtype.kind == "f"]
    coarsest = max([float(np.finfo(kind).eps) for kind in kinds], default=0.0)
    return float(max(coarsest, np.finfo(np.float64).eps) ** DIGITS_LEFT)


def matrix(value: ArrayLike, name: str) -> FloatArray:
    """Return a finite (n, D) array with at least one row and one column."""
    array = real_array(value, name)
    if array.ndim != 2 or 0 in array.shape:
        raise InputError(f"{name} has shape {array.shape}; give a matrix with a row per sample and a column per input")
    return array


def vector(value: ArrayLike, name: str, size: int, per: str) -> FloatArray:
    """Return a finite (size,) array, also of a single row or column; a scalar is spread over all entries."""
    array = _flat(real_array(value, name), size)
    if array.ndim == 0:
        return np.full(size, float(array))
    if array.shape != (size,):
        raise InputError(f"{name} has shape {array.shape}; give shape ({size},), one entry per {per}")
    return array


def _flat(array: FloatArray, size: int) -> FloatArray:
    """A single row or column of this size as a vector; anything else as it is."""
    return array.ravel() if array.shape in ((size, 1), (1, size)) else array


def negligible(array: FloatArray) -> float:
    """What counts as 0 among the singular values or pivots of a matrix, relative to the largest: round-off, on any machine."""
    return float(max(LEAST_NEGLIGIBLE, *array.shape) * np.finfo(np.float64).eps)


def targets(value: ArrayLike, name: str, rows: int, design: str) -> FloatArray:
    """Return the finite (n,) target vector, also given as a row or column, of a design matrix of `rows` rows."""
    array = _flat(real_array(value, name), rows)
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


def number(value: object, name: str) -> float:
    """Return `value` as a float, which must be one real number: no text, None or array of several.

    Raises
    ------
    InputError
        Otherwise.
    """
    if isinstance(value, float | int | np.floating | np.integer) or (isinstance(value, np.ndarray) and value.ndim == 0):
        try:
            return float(value)
        except (TypeError, ValueError, OverflowError):
            pass
    shown = f"an array of shape {value.shape}" if isinstance(value, np.ndarray) else repr(value)[:40]
    raise InputError(f"{name} is {shown}; give one real number")


def count(value: object, name: str, least: int = 1) -> int:
    """Return `value` as an integer of at least `least`.

    Raises
    ------
    InputError
        If it is none.
    """
    given = number(value, name)
    if not (np.isfinite(given) and given == int(given) and given >= least):
        raise InputError(f"{name} = {given:g}; give an integer of at least {least}")
    return int(given)


def positive_scalar(value: float, name: str) -> float:
    """Return `value`, which must be a positive finite number whose square stays in the range of float64."""
    value = number(value, name)
    if not (np.isfinite(value) and value > 0):
        raise InputError(f"{name} = {value:g}; give a positive finite number")
    if not SMALLEST_POSITIVE <= value <= LARGEST:
        raise InputError(f"{name} = {value:g}; give a number between {SMALLEST_POSITIVE:g} and {LARGEST:g}")
    return float(value)
