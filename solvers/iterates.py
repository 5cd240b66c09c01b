"""Iterates of Newton's method on the dual of a separable Bregman divergence under Z beta = z, softened by kappa, and its steps.

Nothing here is computed twice, or before it is asked for: at 16 samples a step costs as much as a few calls of numpy.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import log, sqrt

import numpy as np
from scipy.linalg.blas import dnrm2

from normtheory.arrays import FloatArray
from normtheory.solvers.constraints import Factor, System
from normtheory.solvers.potentials import Potential

OVERFLOWING = 1e150  # a slope of b at which the iterate counts as outside the domain
FEWFOLD = 1.6  # growth of slopes that is small, whichever of them are seen
EPSILON = float(np.finfo(np.float64).eps)
INVISIBLE = 1e-17  # of the largest slope: what an input of that slope adds to predictions is below their round-off


@dataclass(eq=False)
class Point:
    """An iterate: dual variable mu at path parameter kappa, and all that follows from it."""

    system: System
    mu: FloatArray
    kappa: float
    x: FloatArray  # Z^T mu
    beta: FloatArray
    slope: FloatArray  # d beta / dx
    drift: FloatArray  # d beta / d log kappa

    @cached_property
    def steepest(self) -> float:
        """The largest slope; NaN if any is."""
        return float(self.slope.max())

    @property
    def inside(self) -> bool:
        """Whether x is in the domain of b."""
        return self.steepest < OVERFLOWING  # also False if NaN

    @cached_property
    def residual(self) -> FloatArray:
        """Z beta - z: a product with X, which points that are only looked at do without."""
        return self.system.predictions(self.beta) - self.system.z


@dataclass(frozen=True, eq=False)
class Path:
    """The problems of the softened potential: the one asked for is at kappa = 0."""

    system: System
    potential: Potential
    misfit: FloatArray  # z - Z start
    tol: float

    @cached_property
    def size(self) -> float:
        """What residuals are relative to: the larger of targets and start's predictions."""
        return max(norm(self.system.z), norm(self.system.z - self.misfit))

    @property
    def starts_at_its_end(self) -> bool:
        """Whether the misfit is round-off."""
        Z, start = self.system.Z, self.potential.start
        share = EPSILON * sqrt(start.size)
        scale, missed = norm(self.system.z), norm(self.misfit)
        if missed <= share * scale:
            return True
        with np.errstate(over="ignore"):
            if not start.any() or missed > share * (scale + float(np.linalg.norm(Z)) * norm(start)):  # no entry is larger
                return False
        return missed <= share * (scale + max(float(Z.max(initial=0.0)), -float(Z.min(initial=0.0))) * norm(start))

    def at(self, mu: FloatArray, kappa: float, x: FloatArray | None = None) -> Point:
        """The point of dual variable mu on the problem at kappa; x = Z^T mu if it is known."""
        x = self.system.pull(mu) if x is None else x
        return Point(self.system, mu, kappa, x, *self.potential.softened(x, kappa))

    def feasible(self, residual: FloatArray, share: float) -> bool:
        """Whether a residual is small, relative to the larger of targets and start's predictions."""
        return norm(residual) <= share * self.size

    def solved_by(self, point: Point) -> bool:
        """Whether the point's beta is feasible, and its gap mu.(Z beta - z) small, far beyond what the certificate asks for.

        The gap is against mu.misfit, the sum of primal objective and conjugate, which is the objective up to a factor.
        """
        small = self.tol / 1000
        if not self.feasible(point.residual, small):
            return False
        return abs(float(point.mu @ point.residual)) <= small * abs(float(point.mu @ self.misfit))

    def settled_by(self, point: Point, beta: FloatArray) -> bool:
        """Whether beta is feasible, also as the dual weighs it, and near the dual's own candidate: with room to spare.

        The gap is the sum of the two last. A dual of the size of X's condition number makes much of residuals that look small.
        """
        start, unit, small = self.potential.start, self.potential.unit, self.tol / 100
        residual = point.residual if beta is point.beta else self.system.predictions(beta) - self.system.z
        if not self.feasible(residual, small):
            return False
        miss = unit * float(((beta - point.beta) ** 2 / point.slope).sum()) / 2
        weighed = unit * abs(float(point.mu @ residual))
        objective = unit * float(point.x @ (point.beta - start)) - float(self.potential.energy(point.x).sum())
        return max(miss, weighed) <= small * objective


@dataclass(eq=False)
class NewtonStep:
    """A Newton step, or a correction with an old factorisation, from a point to the next at the same kappa."""

    path: Path
    point: Point
    factor: Factor
    mu: FloatArray  # by how much mu changes
    x: FloatArray

    @staticmethod
    def of(path: Path, point: Point, factor: Factor) -> NewtonStep:
        """The step that the factor, of the point's own Hessian or of one nearby, suggests."""
        mu = -factor.solve(point.residual)
        return NewtonStep(path, point, factor, mu, path.system.pull(mu))

    @cached_property
    def end(self) -> Point:
        """Where it leads."""
        return self.halved(0)

    def halved(self, times: int) -> Point:
        """Where it leads if it is halved so many times."""
        share, point = 0.5**times, self.point
        return self.path.at(point.mu + share * self.mu, point.kappa, point.x + share * self.x)

    @cached_property
    def change(self) -> float:
        """Largest change of log b', which tells near from far for Newton's method; slopes that no prediction shows aside."""
        ratio = self.end.slope / self.point.slope
        highest, lowest = float(ratio.max()), float(ratio.min())
        if 1 / FEWFOLD <= lowest <= highest <= FEWFOLD:  # with all slopes; as far inside as the point
            return max(log(highest), -log(lowest))
        if not self.end.inside:
            return np.inf
        least = INVISIBLE * self.point.steepest
        if not float(self.point.slope.min()) > least:
            ratio = ratio[np.maximum(self.end.slope, self.point.slope) > least]
            highest, lowest = (float(ratio.max()), float(ratio.min())) if ratio.size else (1.0, 1.0)
        return max(log(highest), -log(lowest)) if lowest > 0 else np.inf  # also if NaN


def norm(vector: FloatArray) -> float:
    """The l2 norm by BLAS, which costs half of numpy's where vectors are short."""
    return float(dnrm2(vector)) if vector.size else 0.0
