"""Targets that no beta fits exactly: when they count as rounded and are moved onto the range of X, and when they are refused.

One policy for every solver and protocol. Data have a precision: that of their type, or what their owner says (`consistency`).
Targets within it of the range of X are consistent data, rounded; they are projected onto the range, and by how much is part of
the answer. Others are refused, with that number, unless `inconsistent="project"` says that least squares is meant: gradient
flow on the mean squared error ends at least-squares solutions, those of X^T X beta = X^T y, whatever the targets are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import lstsq, qr, solve_triangular
from scipy.linalg.blas import dsyrk
from scipy.linalg.lapack import dpotrf

from normtheory.arrays import FloatArray, InputError, negligible, positive_scalar, precision

Inconsistent = Literal["refuse", "project"]

ROUNDING = 1e-2  # a share of targets that may still be rounding
REFINEMENTS = 3
MOST_PRODUCTS = 1e10  # multiplications, about, that a condition number is worth
ILL_CONDITIONED = 1e4  # condition number from which a missed tolerance, or a flow that takes long, may be its doing
NEARLY_DEPENDENT = 1e-5  # sine of the angle of a row (column) with the others below which its Gram matrix is not trusted


@dataclass(frozen=True)
class Allowed:
    """How far targets may lie from the range of X, relative to their norm, before they are refused; and names for messages.

    Attributes
    ----------
    misfit : float
        Infinite if least squares is meant.
    suffix : str
        Of X and y in messages.
    """

    misfit: float
    suffix: str = ""

    @staticmethod
    def of(consistency: float | None, inconsistent: Inconsistent, *data: ArrayLike, suffix: str = "") -> Allowed:
        """The policy for these data.

        Raises
        ------
        InputError
            If `consistency` is not a relative precision, or `inconsistent` is another word.
        """
        if inconsistent not in ("refuse", "project"):
            raise InputError(f"inconsistent = {inconsistent!r}; choose 'refuse' or 'project'")
        if consistency is not None and not positive_scalar(consistency, "consistency") < 1:
            raise InputError(f"consistency = {consistency:g}; give the data's relative precision, below 1")
        if inconsistent == "project":
            return Allowed(np.inf, suffix)
        return Allowed(precision(*data) if consistency is None else float(consistency), suffix)

    @staticmethod
    def _way_out(share: float) -> str:
        rounding = f"say consistency {10.0 ** np.ceil(np.log10(share)):g} if that is rounding, " if share < ROUNDING else ""
        return f"remove contradictory rows, {rounding}or say inconsistent project for least squares, where gradient flow ends"

    def moved(self, y: FloatArray, fitted: FloatArray) -> float:
        """By how much of their norm targets were moved.

        Raises
        ------
        InputError
            If that is more than allowed.
        """
        size = float(np.linalg.norm(y))
        share = float(np.linalg.norm(fitted - y)) / size if size else 0.0
        if not share <= self.misfit:
            raise InputError(
                f"y{self.suffix} is outside the range of X{self.suffix} (relative least-squares residual {share:.1e}): "
                f"no beta has zero training error; {self._way_out(share)}"
            )
        return share


def column_units(X: FloatArray) -> FloatArray:
    """Powers of two that bring the largest entry of each column to about 1; 1 for columns of zeros."""
    largest = np.maximum(X.max(axis=0), -X.min(axis=0))
    return np.asarray(2.0 ** -np.round(np.log2(np.where(largest > 0, largest, 1.0))))


@dataclass(frozen=True, eq=False)
class Columns:
    """Independent columns, each in a unit of its own, X diag(units) with entries about 1, and a factor of their Gram matrix."""

    X: FloatArray
    units: FloatArray
    triangle: FloatArray  # upper triangular R with R^T R the Gram matrix, columns in the order of the pivots
    pivots: NDArray[np.intp]

    @staticmethod
    def of(X: FloatArray) -> Columns | None:
        """None if there are fewer rows than columns, or the columns depend on each other."""
        inputs = X.shape[1]
        if X.shape[0] < inputs:
            return None
        units = column_units(X)
        gram = dsyrk(1.0, (X * units).T)
        lengths = np.sqrt(np.diag(gram))
        triangle, failed = dpotrf(gram, clean=1, overwrite_a=1)
        if not failed and (np.diag(triangle) > NEARLY_DEPENDENT * lengths).all():
            return Columns(X, units, triangle, np.arange(inputs))
        R, pivots = qr(X * units, mode="r", pivoting=True, check_finite=False)
        sizes = np.abs(np.diag(R))
        if not sizes[-1] > negligible(X) * sizes[0]:
            return None
        return Columns(X, units, R[:inputs], pivots)

    def solve(self, right: FloatArray) -> FloatArray:
        """(X^T X)^{-1} right."""
        half = solve_triangular(self.triangle, (self.units * right)[self.pivots], trans="T", check_finite=False)
        solved = np.empty_like(half)
        solved[self.pivots] = solve_triangular(self.triangle, half, check_finite=False)
        return np.asarray(self.units * solved)

    def lifted(self, mu: FloatArray) -> FloatArray:
        """A nu with X^T nu = mu, refined."""
        nu = np.zeros(self.X.shape[0])
        for _ in range(REFINEMENTS):
            nu += self.X @ self.solve(mu - self.X.T @ nu)
        return nu

    def least_squares(self, y: FloatArray) -> FloatArray:
        """The least-squares solution, refined."""
        beta = np.zeros(self.units.size)
        for _ in range(REFINEMENTS):
            beta += self.solve(self.X.T @ (y - self.X @ beta))
        return beta


def least_squares(X: FloatArray, y: FloatArray) -> FloatArray:
    """A beta for which X beta is the projection of y onto the range of X."""
    columns = Columns.of(X)
    if columns is not None:
        return columns.least_squares(y)
    units = column_units(X)
    solved = lstsq(X * units, y, cond=negligible(X), lapack_driver="gelsy", check_finite=False)[0]
    return np.asarray(units * solved)


def advice(designs: Sequence[FloatArray], suffix: str = "") -> str:
    """What to say, and what to do, where a tolerance was missed and one of the X is ill-conditioned; else nothing."""
    for X in designs:
        condition = condition_number(X)
        if condition > ILL_CONDITIONED:
            better = condition_number(X * column_units(X)) < condition / 10
            way_out = "standardise its columns" if better else "drop or merge samples that nearly repeat others"
            return f"; X{suffix} is ill-conditioned (condition number {condition:.0e}): {way_out}, or ask for less by tol"
    return ""


def condition_number(X: FloatArray) -> float:
    """Of the singular values that are not round-off, the largest by the smallest; 1 for X = 0, and for X that is too large."""
    if min(X.shape) * X.size > MOST_PRODUCTS:
        return 1.0
    largest = float(np.abs(X).max())
    sizes = np.linalg.svd(X / (largest or 1.0), compute_uv=False)
    kept = sizes[sizes > negligible(X) * sizes[0]]
    return float(kept[0] / kept[-1]) if kept.size else 1.0
