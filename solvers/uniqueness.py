"""Whether the minimiser of a norm is the only one, decided from a primal-dual pair."""

from __future__ import annotations

import numpy as np

from normtheory.arrays import FloatArray
from normtheory.machine import blas_threads
from normtheory.solvers.enclosures import UNIT

# Uniqueness: what counts as active, and as linearly independent.
ACTIVE = 10.0  # times the root of the certificate's worst measure, relative
INDEPENDENT, DEPENDENT = 1e-6, 1e-12  # least singular value of the unit columns: at least, at most; undecided between


def unique_minimiser(
    designs: list[FloatArray], beta: FloatArray, pull: FloatArray, radius: float, accuracy: float
) -> bool | None:
    """Whether a norm's minimiser is unique, from a primal-dual pair: True, False, or None where the pair does not decide it.

    By optimality every minimiser has beta_{.,d} = t_d u_d, t_d >= 0, u_d the direction of pull_d = (X_o^T nu_o)_d, and t_d = 0
    where ||pull_d|| < radius. Hence it is unique if sum_d t_d X_o[:, d] u_{o,d} = 0 for all o has no solution but t = 0 on
    {||pull_d|| = radius} (for l1: if the columns of the equicorrelation set are independent; Tibshirani 2013, doi
    10.1214/13-EJS815), and it is not unique if there is such a t on the support of one minimiser, along which the penalty
    does not change. In numbers: with m = 10 sqrt(accuracy) the set is taken as {||pull_d|| >= (1 - m) radius}, the support as
    {||beta_d|| > m max ||beta||}, and columns of unit length are independent (dependent) if their least singular value is at
    least 1e-6 (at most 1e-12).

    What the verdicts mean exactly: True, any two minimisers differ by at most 2 (1 + s/1e-6) gap/(m radius) in each group, s
    the norm of the remaining columns. False, points m max ||beta|| apart pass the same certificate.

    Parameters
    ----------
    beta, pull : arrays, shape (O, D)
        Minimiser and X_o^T nu_o, the dual scaled into the unit ball.
    radius : float
        Of the dual unit ball: 1 for l1, 2 for l1,2.
    accuracy : float
        The worst relative measure of the pair's certificate.
    """
    margin = ACTIVE * float(np.sqrt(max(accuracy, UNIT)))
    sizes, lengths = np.hypot.reduce(beta, axis=0), np.hypot.reduce(pull, axis=0)
    if not sizes.any():
        return True  # a norm vanishes at 0 alone
    if not margin < 1:
        return None
    possible = lengths >= (1 - margin) * radius
    certain = possible & (sizes > margin * sizes.max())
    if _least_singular_value(designs, pull, possible) >= INDEPENDENT:
        return True
    return False if _least_singular_value(designs, pull, certain) <= DEPENDENT else None


def _least_singular_value(designs: list[FloatArray], pull: FloatArray, chosen: np.ndarray) -> float:
    """Of the columns (X_o[:, d] pull_{o,d})_o of the chosen coordinates, scaled to unit length; 0 if there are too many."""
    columns = np.vstack([_unit_rows(X)[:, chosen] * p[chosen] for X, p in zip(designs, pull, strict=True)])
    if columns.shape[1] > columns.shape[0]:
        return 0.0
    if columns.shape[1] == 0:
        return 1.0
    lengths = np.linalg.norm(columns, axis=0)
    with blas_threads(float(columns.shape[1]) * columns.size):
        return float(np.linalg.svd(columns / np.where(lengths > 0, lengths, 1.0), compute_uv=False)[-1])


def _unit_rows(X: FloatArray) -> FloatArray:
    """Rows scaled to a largest entry of about 1, by powers of two: the same constraints, and no square leaves float64."""
    largest = np.abs(X).max(axis=1, keepdims=True)
    return np.asarray(X / 2.0 ** np.round(np.log2(np.where(largest > 0, largest, 1.0))))
