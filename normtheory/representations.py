"""What a network represents: dimensionality of responses, and where the weight of a linear predictor lies.

Responses of p units to n samples are an array of shape (n, p). Participation ratio (Eq. 34), linear CKA and effective number of
shared dimensions (Eq. 35) are defined for mean-centred responses; the functions centre by default. Shares of a predictor are
shares of its squared l2 norm, the variance of its output on white inputs (Fig. 1c and 1d).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from normtheory.arrays import FloatArray, InputError, matrix, real_array

ROUND_OFF = 100 * float(np.finfo(np.float64).eps)  # of a mean, relative to the largest response


def participation_ratio(X: ArrayLike, *, centre: bool = True) -> float:
    """Participation ratio tr(C)^2/tr(C^2) of the covariance C of responses (Eq. 34), between 1 and p.

    Parameters
    ----------
    X : array, shape (n, p)
        Responses of p units to n samples.
    centre : bool
        Subtract each unit's mean first.

    Raises
    ------
    InputError
        If X is malformed, or no unit responds (after centring: beyond the round-off of the mean).
    """
    responses = _responses(X, "X", centre)
    return float(np.sum(responses**2) ** 2 / _overlap(responses, responses))


def linear_cka(X: ArrayLike, Y: ArrayLike, *, centre: bool = True) -> float:
    """Linear centred kernel alignment ||Y^T X||^2/(||X^T X|| ||Y^T Y||), between 0 and 1.

    Parameters and errors are those of `ensd`.
    """
    first, second = _pair(X, Y, centre)
    return float(_overlap(first, second) / np.sqrt(_overlap(first, first) * _overlap(second, second)))


def ensd(X: ArrayLike, Y: ArrayLike, *, centre: bool = True) -> float:
    """Effective number of shared dimensions (Eq. 35): linear CKA times the geometric mean of the participation ratios.

    Parameters
    ----------
    X, Y : arrays, shapes (n, p) and (n, q)
        Responses of two representations to the same samples.
    centre : bool
        Subtract each unit's mean first.

    Raises
    ------
    InputError
        If an array is malformed, the numbers of samples differ, or no unit of one responds.
    """
    first, second = _pair(X, Y, centre)
    energies = np.sum(first**2) * np.sum(second**2)
    return float(_overlap(first, second) * energies / (_overlap(first, first) * _overlap(second, second)))


def _pair(X: ArrayLike, Y: ArrayLike, centre: bool) -> tuple[FloatArray, FloatArray]:
    first, second = _responses(X, "X", centre), _responses(Y, "Y", centre)
    if first.shape[0] != second.shape[0]:
        raise InputError(f"X has {first.shape[0]} rows, Y has {second.shape[0]}; both need one per sample")
    return first, second


def _responses(X: ArrayLike, name: str, centre: bool) -> FloatArray:
    """The responses, centred if asked, in units of their largest: every measure is free of units."""
    given = matrix(X, name)
    responses = given - given.mean(axis=0) if centre else given
    if centre:  # deviations that the round-off of a unit's responses and of their mean explains are none
        responses[:, np.abs(responses).max(axis=0) <= ROUND_OFF * np.abs(given).max(axis=0)] = 0.0
    largest = float(np.abs(responses).max())
    if largest == 0.0:
        raise InputError(f"{name} has no variance; give responses that differ between samples")
    return np.asarray(responses / largest)


def _overlap(first: FloatArray, second: FloatArray) -> float:
    """tr(Y^T X X^T Y), through the smaller of the two Gram matrices."""
    if min(first.shape[1], second.shape[1]) > first.shape[0]:
        return float(np.sum((first @ first.T) * (second @ second.T)))
    return float(np.sum((second.T @ first) ** 2))


def share_outside_top(beta: ArrayLike, count: int) -> float:
    """Share of the squared norm of a predictor outside its `count` strongest weights, between 0 and 1 (Fig. 1c, 1h).

    Parameters
    ----------
    beta : array, shape (D,)
        Predictor, not 0.
    count : int
        Number of weights left out, from 0 to D.

    Raises
    ------
    InputError
        If beta is malformed or 0, or the count is out of its range.
    """
    squares = _squares(beta)
    if not 0 <= count <= squares.size:
        raise InputError(f"count = {count}; give a number from 0 to {squares.size}, the number of weights")
    return float(np.sort(squares)[: squares.size - count].sum() / squares.sum())


def share_on(beta: ArrayLike, support: ArrayLike) -> float:
    """Share of the squared norm of a predictor on some of its inputs, between 0 and 1 (Fig. 1d).

    Parameters
    ----------
    beta : array, shape (D,)
        Predictor, not 0.
    support : array of bool, shape (D,)
        The inputs that count.

    Raises
    ------
    InputError
        If beta is malformed or 0, or the support is not a mask of its shape.
    """
    squares, mask = _squares(beta), np.asarray(support)
    if mask.dtype != np.bool_ or mask.shape != squares.shape:
        raise InputError(f"support is {mask.dtype} of shape {mask.shape}; give a mask, bool of shape {squares.shape}")
    return float(squares[mask].sum() / squares.sum())


def _squares(beta: ArrayLike) -> FloatArray:
    predictor = real_array(beta, "beta")
    if predictor.ndim != 1 or not predictor.any():
        raise InputError("beta is 0 or no vector, of which no share can be taken; give a predictor of shape (D,)")
    return np.asarray((predictor / np.abs(predictor).max()) ** 2)
