"""Tasks checked and brought to unit size, and minimisers brought back: where the programs of the norms begin and end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from normtheory.arrays import FloatArray, InputError, matrix, targets
from normtheory.machine import blas_threads
from normtheory.penalties import L1, GroupL12, WeightedL2
from normtheory.solvers.certificate import Solution, certify_norm
from normtheory.solvers.consistency import Allowed, Inconsistent, least_squares
from normtheory.solvers.constraints import System, independent_rows, products

SIMILAR = 1e3  # rows whose largest entries differ by no more share one unit


@dataclass(frozen=True, eq=False)
class Tasks:
    """Constraints X_o beta_o = y_o, and the same ones for beta/size with rows of unit size, none of them zero.

    All factors are powers of two: nothing is rounded.

    Attributes
    ----------
    X, y : lists of arrays, shapes (n_o, D) and (n_o,)
        As given, but for targets that were moved onto the range of X.
    designs, targets : lists of arrays, shapes (m_o, D) and (m_o,), m_o <= n_o
        designs_o (beta_o/size) = targets_o; the largest entry of a row is about 1, and so is the largest target.
    systems : list of System
        The same with independent rows.
    size : float
        Unit of beta.
    moved : float
        The largest share of a task's targets by which they were moved.
    """

    X: list[FloatArray]
    y: list[FloatArray]
    designs: list[FloatArray]
    systems: list[System]
    size: float
    factors: list[FloatArray]  # of the rows, (n_o,); 0 for rows that were left out
    moved: float

    @staticmethod
    def checked(
        tasks: Sequence[tuple[ArrayLike, ArrayLike]],
        suffixes: Sequence[str] | None = None,
        *,
        consistency: float | None = None,
        inconsistent: Inconsistent = "refuse",
    ) -> Tasks:
        """Check shapes, entries and consistency; `suffixes` follow X and y in messages, [0], [1], ... by default.

        `consistency` and `inconsistent` are the policy of `normtheory.solvers.consistency`.

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
        units = [power_of_two(float(np.abs(y).max())) for y in values]  # no square of targets leaves the range of float64
        policies = [
            Allowed.of(consistency, inconsistent, *given, suffix=name) for given, name in zip(tasks, names, strict=True)
        ]
        fits = [
            _fit(X, y / unit, factor, allowed)
            for X, y, unit, factor, allowed in zip(designs, values, units, factors, policies, strict=True)
        ]
        fitted = [fit.targets * unit for fit, unit in zip(fits, units, strict=True)]
        size = power_of_two(max(float(np.abs(y * f).max()) for y, f in zip(fitted, factors, strict=True)))
        systems = [_divided(fit.system, size / unit) for fit, unit in zip(fits, units, strict=True)]
        rows = [(X * f[:, None])[f > 0] for X, f in zip(designs, factors, strict=True)]
        return Tasks(designs, fitted, rows, systems, size, factors, max(fit.moved for fit in fits))

    @property
    def targets(self) -> list[FloatArray]:
        """Of `designs`, in units of `size`."""
        return [(y * (f / self.size))[f > 0] for y, f in zip(self.y, self.factors, strict=True)]

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
        return Solution(found, np.concatenate(duals), certificate, "optimal", solver, 0, self.moved)

    def restored(self, beta: FloatArray, duals: list[FloatArray], degree: int = 1) -> tuple[FloatArray, list[FloatArray]]:
        """The minimiser and the duals in the units given, for a penalty that is homogeneous of this degree."""
        full = []
        for nu, factor in zip(duals, self.factors, strict=True):
            own = np.zeros(factor.size)
            own[factor > 0] = nu
            full.append(own * factor * self.size ** (degree - 1))
        return beta * self.size, full


def _row_factors(X: FloatArray) -> FloatArray:
    """Powers of two that bring the largest entry of each row to about 1, one for all similar rows; 0 for rows of zeros."""
    largest = np.abs(X).max(axis=1)
    shown = largest > 0
    if shown.any() and largest.max() <= SIMILAR * largest[shown].min():
        return np.where(shown, 1 / power_of_two(float(largest.max())), 0.0)
    return np.where(shown, 2.0 ** -np.round(np.log2(np.where(shown, largest, 1.0))), 0.0)


def power_of_two(value: float) -> float:
    """The nearest power of two; 1 for 0. Its inverse stays in the range of float64."""
    return float(2.0 ** np.clip(np.round(np.log2(value)), -1000, 1000)) if value > 0 else 1.0


@dataclass(frozen=True, eq=False)
class _Fit:
    """The system of rows in units of their own, the targets that it fits, and by how much of their norm these were moved."""

    system: System
    targets: FloatArray
    moved: float


def _fit(X: FloatArray, y: FloatArray, factors: FloatArray, allowed: Allowed) -> _Fit:
    kept = factors > 0
    rows, inverse = (X * factors[:, None])[kept], 1 / factors[kept]
    anyway = Allowed(np.inf)
    with blas_threads(products(X)):
        system = independent_rows(rows, (y * factors)[kept], anyway)
        fitted = np.zeros_like(y)
        if not system.dependent or (inverse == inverse[0]).all():
            fitted[kept] = system.targets * inverse
        else:  # least squares weighs samples as they are given, not in units of their own
            unit = power_of_two(float(np.abs(X).max()))
            fitted[kept] = ((X / unit) @ least_squares(X / unit, y))[kept]
            system = independent_rows(rows, (fitted * factors)[kept], anyway)
    return _Fit(system, fitted, allowed.moved(y, fitted))


def _divided(system: System, unit: float) -> System:
    return replace(system, z=system.z / unit, targets=system.targets / unit)
