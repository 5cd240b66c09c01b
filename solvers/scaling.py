"""Tasks checked and brought to unit size, and minimisers brought back: where the programs of the norms begin and end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import lstsq
from scipy.linalg.blas import dsyrk
from scipy.linalg.lapack import dpotrf, dpotrs

from normtheory.arrays import FloatArray, InputError, matrix, targets
from normtheory.machine import blas_threads
from normtheory.penalties import L1, GroupL12, WeightedL2
from normtheory.solvers.certificate import Solution, certify_norm
from normtheory.solvers.constraints import outside_the_range, products

MISFIT = 1e-7  # relative least-squares residual above which targets are contradictory


@dataclass(frozen=True, eq=False)
class Tasks:
    """Constraints X_o beta_o = y_o, and the same ones for beta/size with rows of unit size, none of them zero.

    All factors are powers of two: nothing is rounded.

    Attributes
    ----------
    X, y : lists of arrays, shapes (n_o, D) and (n_o,)
        As given.
    designs, targets : lists of arrays, shapes (m_o, D) and (m_o,), m_o <= n_o
        designs_o (beta_o/size) = targets_o; the largest entry of a row is about 1, and so is the largest target.
    size : float
        Unit of beta.
    """

    X: list[FloatArray]
    y: list[FloatArray]
    designs: list[FloatArray]
    targets: list[FloatArray]
    size: float
    factors: list[FloatArray]  # of the rows, (n_o,); 0 for rows that were left out

    @staticmethod
    def checked(tasks: Sequence[tuple[ArrayLike, ArrayLike]], suffixes: Sequence[str] | None = None) -> Tasks:
        """Check shapes, entries and consistency; `suffixes` follow X and y in messages, [0], [1], ... by default.

        Raises
        ------
        InputError
            If an array is malformed, the tasks differ in their inputs, or a task has no interpolator.
        """
        names = [f"[{o}]" for o in range(len(tasks))] if suffixes is None else list(suffixes)
        if not tasks:
            raise InputError("no task is given; give at least one pair X, y")
        designs = [matrix(X, f"X{name}") for (X, _), name in zip(tasks, names, strict=True)]
        given = list(zip(designs, tasks, names, strict=True))
        values = [targets(y, f"y{name}", X.shape[0], f"X{name}") for X, (_, y), name in given]
        for X, name in zip(designs, names, strict=True):
            if X.shape[1] != designs[0].shape[1]:
                raise InputError(
                    f"X{names[0]} has {designs[0].shape[1]} columns, X{name} has {X.shape[1]}; both need one per input"
                )
        factors = [_row_factors(X) for X in designs]
        scaled = [y * f for y, f in zip(values, factors, strict=True)]
        size = power_of_two(max(float(np.abs(y).max()) for y in scaled))
        for X, y, factor, name in zip(designs, values, factors, names, strict=True):
            with blas_threads(products(X)):
                _require_consistent(X * factor[:, None], y, factor, name)
        kept = [factor > 0 for factor in factors]
        units = [(X * f[:, None])[rows] for X, f, rows in zip(designs, factors, kept, strict=True)]
        return Tasks(designs, values, units, [y[rows] / size for y, rows in zip(scaled, kept, strict=True)], size, factors)

    @property
    def inputs(self) -> int:
        """The number D of inputs."""
        return int(self.X[0].shape[1])

    @property
    def zero(self) -> bool:
        """Whether all targets vanish."""
        return not any(y.any() for y in self.y)

    def zeros(self, penalty: L1 | GroupL12 | WeightedL2, solver: str) -> Solution:
        """The minimiser of vanishing targets, exactly."""
        beta, duals = np.zeros((len(self.X), self.inputs)), [np.zeros_like(y) for y in self.y]
        certificate = certify_norm(self.X, self.y, penalty, beta, duals)
        found = beta if isinstance(penalty, GroupL12) else beta[0]
        return Solution(found, np.concatenate(duals), certificate, "optimal", solver, 0)

    def restored(self, beta: FloatArray, duals: list[FloatArray], degree: int = 1) -> tuple[FloatArray, list[FloatArray]]:
        """The minimiser and the duals in the units given, for a penalty that is homogeneous of this degree."""
        full = []
        for nu, factor in zip(duals, self.factors, strict=True):
            own = np.zeros(factor.size)
            own[factor > 0] = nu
            full.append(own * factor * self.size ** (degree - 1))
        return beta * self.size, full


def _row_factors(X: FloatArray) -> FloatArray:
    """Powers of two that bring the largest entry of each row to about 1; 0 for rows of zeros."""
    largest = np.abs(X).max(axis=1)
    return np.where(largest > 0, 2.0 ** -np.round(np.log2(np.where(largest > 0, largest, 1.0))), 0.0)


def power_of_two(value: float) -> float:
    """The nearest power of two; 1 for 0. Its inverse stays in the range of float64."""
    return float(2.0 ** np.clip(np.round(np.log2(value)), -1000, 1000)) if value > 0 else 1.0


def _require_consistent(unit_rows: FloatArray, y: FloatArray, factor: FloatArray, name: str) -> None:
    """Refuse targets that no beta fits, by least squares: a conic solver's 'infeasible' may mean that it failed."""
    if not y.any():
        return
    wanted = y * np.where(factor > 0, factor, 1.0)  # a row of zeros keeps its target, which it cannot fit
    wanted = wanted / float(np.abs(wanted).max())
    size = float(np.linalg.norm(wanted))
    # Whatever fits shows that something does: the fast way first, and the careful one only where that finds nothing.
    for fit in (_fitted, _fitted_carefully):
        misfit = float(np.linalg.norm(unit_rows @ fit(unit_rows, wanted) - wanted))
        if misfit <= MISFIT * size:
            return
    raise InputError(outside_the_range(f"y{name}", f"X{name}", misfit / size))


def _fitted(X: FloatArray, y: FloatArray) -> FloatArray:
    """A least-squares solution by the smaller Gram matrix, refined once; zeros where that is singular."""
    wide = X.shape[0] <= X.shape[1]
    triangle, failed = dpotrf(dsyrk(1.0, X.T, trans=1) if wide else dsyrk(1.0, X.T), clean=0, overwrite_a=1)
    beta = np.zeros(X.shape[1])
    for _ in range(0 if failed else 2):
        left = y - X @ beta
        beta += X.T @ dpotrs(triangle, left)[0] if wide else dpotrs(triangle, X.T @ left)[0]
    return beta


def _fitted_carefully(X: FloatArray, y: FloatArray) -> FloatArray:
    """The least-squares solution by pivoted QR."""
    return np.asarray(lstsq(X, y, lapack_driver="gelsy", check_finite=False)[0])
