"""The certified minimiser of separable Bregman divergences under X beta = y: path-following Newton on the dual.

Each coordinate is beta_d = b_d(x_d) with x = X^T mu and b_d the inverse mirror map (see `potentials`; for the Q penalty,
hyperbolic entropy, b(x) = k sinh(arcsinh(beta0/k) + x)). The dual has n unknowns mu, and a Newton step costs one weighted Gram
matrix X diag(b') X^T and one Cholesky factorisation. A small k makes the dual stiff: its solution grows like log(1/k), and
Newton's method started far away overshoots exponentially. So a family of softened problems (for the Q penalty those with scale
sqrt(k^2 + kappa^2)) is followed down in kappa, from one that a single step solves. In log kappa the path is nearly straight,
so that its tangent, from the same factorisation as the Newton step, carries the iterate over decades, and corrections with
an old factorisation, which cost two products with X, bring it back.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from normtheory.arrays import FloatArray, InputError, matrix, positive, positive_scalar, real_array, targets, vector
from normtheory.machine import blas_threads
from normtheory.penalties import Q
from normtheory.solvers.certificate import (
    DEFAULT_TOLERANCE,
    NotCertified,
    Solution,
    accepted,
    certify_q,
    certify_separable,
)
from normtheory.solvers.consistency import Allowed, Inconsistent
from normtheory.solvers.constraints import Factor, System, independent_rows, products
from normtheory.solvers.potentials import HyperbolicEntropy, Potential

MOST_STEPS = 300  # factorisations; the paper's problems take 4 to 12
CLOSE = 0.5  # a point is close to the path if the Newton step from it changes no log b' by more than this
FAR = 3.0  # beyond this, corrections with an old factorisation do not converge
OVERFLOWING = 1e150  # a slope of b at which the iterate counts as outside the domain
STEEPER = 50.0  # a stride that makes the largest growth of b' more, or less than 1 over it, is too long: seen without X
FLOOR = 1e-16  # of the slopes in a Hessian, beside the largest: keeps inputs that no prediction shows from wandering
INVISIBLE = 1e-17  # of the largest slope: what an input of that slope adds to predictions is below their round-off
SAMPLES_PER_CORRECTION = 20  # a factorisation takes the time of one correction, and of one more for so many samples
CHORD_STEPS = 3  # corrections tried with one factorisation
GROWTH_OF_STRIDE = 5.0  # from one factorisation to the next, at the most
SHRINK = 0.5  # of a stride that was too long
SHORTEST_STRIDE = 0.05  # in log kappa; below it a plain Newton step is the better use of a factorisation
END_OF_PATH = 1 / 20  # of the least b': a kappa this small hardly differs from 0


def minimize(
    X: ArrayLike,
    y: ArrayLike,
    k: ArrayLike,
    beta0: ArrayLike = 0.0,
    *,
    tol: float = DEFAULT_TOLERANCE,
    dual: ArrayLike | None = None,
    consistency: float | None = None,
    inconsistent: Inconsistent = "refuse",
) -> Solution:
    """Minimise sum_d D_{Q_k}(beta_d, beta0_d) subject to X beta = y: where gradient flow on the diagonal network ends.

    With beta0 = 0 the objective is the Q penalty itself (Eq. 3); scale and start of a network come from
    `normtheory.exact.scale_and_start`. The minimiser exists and is unique whenever y lies in the range of X.

    Parameters
    ----------
    X : array, shape (n, D)
        Design matrix; rank-deficient rows are welcome as long as y is consistent.
    y : array, shape (n,)
        Targets.
    k : array, shape (D,), or float
        Penalty scale, positive, in the units of beta.
    beta0 : array, shape (D,), or float
        Start of the flow.
    tol : float
        Bound on relative duality gap and relative primal residual.
    dual : array, shape (n,), optional
        Where to start: the dual of a neighbouring problem, with 0 for samples it did not have. Costs nothing if it is far off.
    consistency : float, optional
        Relative precision of the data: targets no farther from the range of X are moved onto it (default: that of their type).
    inconsistent : "refuse" or "project"
        What to do with other targets: "project" moves them onto the range however far it is, so that the constraint becomes
        X^T X beta = X^T y, least squares, where gradient flow ends.

    Returns
    -------
    Solution
        `dual` is nu with Q'(beta) = Q'(beta0) + X^T nu.

    Raises
    ------
    InputError
        If the input is malformed, k is not positive, or y is outside the range of X by more than `consistency`.
    NotCertified
        If the tolerance was not reached; carries the certificate that was.
    """
    allowed = Allowed.of(consistency, inconsistent, X, y)
    X = matrix(X, "X")
    inputs = X.shape[1]
    k = positive(vector(k, "k", inputs, "column of X"), "k")
    beta0 = vector(beta0, "beta0", inputs, "column of X")
    y, tol, dual = _checked(X, y, tol, dual)
    with blas_threads(products(X)):
        system = independent_rows(X, y, allowed)
        beta, nu, steps = _solved(system, HyperbolicEntropy(k, beta0), tol, dual)
        certificate = certify_q(X, system.targets, Q(k), beta0, beta, nu, tolerance=tol)
    return accepted(Solution(beta, nu, certificate, "optimal", "newton", steps, system.moved), tol, [X])


def minimize_separable(
    X: ArrayLike,
    y: ArrayLike,
    potential: Potential,
    *,
    tol: float = DEFAULT_TOLERANCE,
    dual: ArrayLike | None = None,
    consistency: float | None = None,
    inconsistent: Inconsistent = "refuse",
) -> Solution:
    """Minimise the Bregman divergence from the start of any separable potential, subject to X beta = y.

    Parameters
    ----------
    X, y, tol, dual, consistency, inconsistent
        As in `minimize`.
    potential : Potential
        Inverse mirror map with D coordinates, such as those of `normtheory.solvers.potentials`.

    Returns
    -------
    Solution
        `dual` is nu with phi'(beta) = phi'(start) + X^T nu.

    Raises
    ------
    InputError, NotCertified
        As `minimize`.
    """
    allowed = Allowed.of(consistency, inconsistent, X, y)
    X = matrix(X, "X")
    if potential.start.shape != (X.shape[1],):
        raise InputError(f"the potential has {potential.start.size} coordinates, but X has {X.shape[1]} columns")
    y, tol, dual = _checked(X, y, tol, dual)
    with blas_threads(products(X)):
        system = independent_rows(X, y, allowed)
        beta, nu, steps = _solved(system, potential, tol, dual)
        if not np.isfinite(potential.inverse(beta)).all():  # a last correction left the domain, which may have ends
            beta = potential.map(X.T @ nu / potential.unit)[0]
        certificate = certify_separable(X, system.targets, potential, beta, nu, tolerance=tol)
    return accepted(Solution(beta, nu, certificate, "optimal", "newton", steps, system.moved), tol, [X])


def _checked(X: FloatArray, y: ArrayLike, tol: float, dual: ArrayLike | None) -> tuple[FloatArray, float, FloatArray | None]:
    rows = X.shape[0]
    y = targets(y, "y", rows, "X")
    if not positive_scalar(tol, "tol") < 1:
        raise InputError(f"tol = {tol:g}; give a relative tolerance below 1")
    return y, tol, None if dual is None else targets(real_array(dual, "dual"), "dual", rows, "X")


def _solved(system: System, potential: Potential, tol: float, dual: FloatArray | None) -> tuple[FloatArray, FloatArray, int]:
    """Return beta, nu and the number of factorisations, uncertified."""
    path = _Path(system, potential)
    misfit = system.z - system.predictions(potential.start)
    if _is_round_off(misfit, system, potential.start):
        return potential.start.copy(), np.zeros_like(system.targets), system.steps
    if system.determined:
        return system.z.copy(), system.lift(potential.inverse(system.z) * potential.unit), system.steps
    warm = None if dual is None else path.at(system.lower(dual / potential.unit), 0.0)
    beta, mu, steps = _follow(path, misfit, tol, warm)
    return beta, system.lift(mu * potential.unit), steps


def _is_round_off(misfit: FloatArray, system: System, start: FloatArray) -> bool:
    largest = max(float(system.Z.max(initial=0.0)), -float(system.Z.min(initial=0.0)))
    scale = float(np.linalg.norm(system.z)) + largest * float(np.linalg.norm(start))
    return float(np.linalg.norm(misfit)) <= float(np.finfo(float).eps * np.sqrt(start.size)) * scale


@dataclass(frozen=True, eq=False)
class _Point:
    """An iterate: dual variable mu at path parameter kappa, and all that follows from it."""

    system: System
    mu: FloatArray
    kappa: float
    x: FloatArray  # Z^T mu
    beta: FloatArray
    slope: FloatArray  # d beta / dx
    drift: FloatArray  # d beta / d log kappa

    @cached_property
    def inside(self) -> bool:
        """Whether x is in the domain of b."""
        return bool(self.slope.max() < OVERFLOWING)  # also False if NaN

    @cached_property
    def residual(self) -> FloatArray:
        """Z beta - z: a product with X, which points that are only looked at do without."""
        return self.system.predictions(self.beta) - self.system.z


@dataclass(frozen=True, eq=False)
class _Path:
    """The problems of the softened potential: the one asked for is at kappa = 0."""

    system: System
    potential: Potential

    def at(self, mu: FloatArray, kappa: float, x: FloatArray | None = None) -> _Point:
        """The point of dual variable mu on the problem at kappa; x = Z^T mu if it is known."""
        x = self.system.pull(mu) if x is None else x
        with np.errstate(over="ignore", invalid="ignore"):  # outside the domain the slope is infinite or NaN
            return _Point(self.system, mu, kappa, x, *self.potential.softened(x, kappa))


def _follow(path: _Path, misfit: FloatArray, tol: float, warm: _Point | None) -> tuple[FloatArray, FloatArray, int]:
    """Newton's method along the path, or from a warm start; the caller certifies what it returns."""
    system = path.system
    kappa = float(np.abs(system.pull(system.factor.solve(misfit))).max())  # there the first step moves no x by more than 1
    end = END_OF_PATH * float(path.potential.flattest.min())
    cold = path.at(np.zeros_like(system.z), kappa if kappa > end else 0.0)
    point = warm if warm is not None and _promising(path, warm, misfit) else cold
    reach, beta = np.inf, point.beta
    for steps in range(system.steps + 1, MOST_STEPS + 1):
        factor = Factor.nearly(system.Z, point.slope + FLOOR * point.slope.max())
        newton = _Step.of(path, point, factor)
        if point is warm and newton.change > FAR:
            point = cold
            continue
        if point.kappa > 0:
            point, reach = _stride(path, newton, end, reach)
            continue
        beta, point, solved = _corrected(path, _descended(path, newton), factor, misfit, tol)
        if solved or _settled(path, point, beta, misfit, tol):
            return beta, point.mu, steps
    if point.kappa == 0:
        return beta, point.mu, MOST_STEPS  # as good as it gets: the certificate says how good that is
    raise NotCertified(f"the path was not followed to its end in {MOST_STEPS} factorisations (kappa = {point.kappa:.1e})")


def _promising(path: _Path, warm: _Point, misfit: FloatArray) -> bool:
    """Whether the dual objective is above 0, its value at the cold start.

    The size of a Newton step does not tell: where maps grow exponentially, it is 1 in x, however far the minimiser.
    """
    gain = path.potential.unit * float(warm.mu @ misfit)
    return warm.inside and float(path.potential.energy(warm.x).sum()) < gain


@dataclass(frozen=True, eq=False)
class _Step:
    """A Newton step, or a correction with an old factorisation, from a point to the next at the same kappa."""

    point: _Point
    factor: Factor
    mu: FloatArray  # by how much mu changes
    x: FloatArray
    end: _Point

    @staticmethod
    def of(path: _Path, point: _Point, factor: Factor) -> _Step:
        """The step that the factor, of the point's own Hessian or of one nearby, suggests."""
        mu = -factor.solve(point.residual)
        x = path.system.pull(mu)
        return _Step(point, factor, mu, x, path.at(point.mu + mu, point.kappa, point.x + x))

    @cached_property
    def change(self) -> float:
        """Largest change of log b', which tells near from far for Newton's method; slopes that no prediction shows aside."""
        if not self.end.inside:
            return np.inf
        seen = np.maximum(self.end.slope, self.point.slope) > INVISIBLE * self.point.slope.max()
        return float(np.abs(np.log(self.end.slope / self.point.slope)).max(where=seen, initial=0.0))


def _stride(path: _Path, newton: _Step, end: float, reach: float) -> tuple[_Point, float]:
    """The farthest point down the path that one factorisation reaches, and how far in log kappa; `reach` is the last stride.

    Where it reaches nowhere, a Newton step at the same kappa.
    """
    point, system = newton.point, path.system
    if newton.change <= FAR:
        tangent = newton.factor.solve(system.predictions(point.drift))  # - d mu / d log kappa along exact solutions
        drift = system.pull(tangent)
        rest = float(np.log(point.kappa / end))
        stride = min(rest, GROWTH_OF_STRIDE * reach)
        while stride == rest or stride > SHORTEST_STRIDE:
            kappa = 0.0 if stride == rest else point.kappa * float(np.exp(-stride))
            target = path.at(newton.end.mu + stride * tangent, kappa, newton.end.x + stride * drift)
            reached = _pulled_in(path, target, newton)
            if reached is not None:
                return reached, stride
            stride *= SHRINK
        if newton.change <= CLOSE:  # on the path, which bends sharply where an input changes its sign: over the bend, and back
            return path.at(newton.end.mu, point.kappa * float(np.exp(-SHORTEST_STRIDE)), newton.end.x), SHORTEST_STRIDE
    return _descended(path, newton), SHORTEST_STRIDE


def _pulled_in(path: _Path, point: _Point, newton: _Step) -> _Point | None:
    """The point after corrections with an old factorisation, if they converge to the path; else None."""
    if not 1 / STEEPER <= (point.slope / newton.point.slope).max() <= STEEPER:
        return None
    last = FAR
    for _ in range(CHORD_STEPS):
        chord = _Step.of(path, point, newton.factor)
        if not chord.change <= last:
            return None
        if chord.change <= CLOSE:
            return chord.end
        point, last = chord.end, chord.change
    return None


def _descended(path: _Path, newton: _Step) -> _Point:
    """The end of a Newton step, halved until the dual objective still falls, or hardly rises, there.

    The dual is convex: its derivative along the step rises from a negative value, and evaluating it costs no product with X.
    """
    point, end = newton.point, newton.end
    at_start, rest = float(point.residual @ newton.mu), float(path.system.z @ newton.mu)
    length = 1.0
    while length > np.finfo(float).eps:
        if end.inside and float((end.beta * newton.x).sum()) - rest <= 0.1 * abs(at_start):
            break
        length /= 2
        end = path.at(point.mu + length * newton.mu, point.kappa, point.x + length * newton.x)
    return end


def _corrected(path: _Path, point: _Point, factor: Factor, misfit: FloatArray, tol: float) -> tuple[FloatArray, _Point, bool]:
    """Corrections with the last factorisation until they have solved the problem, or for as long as they are worth it.

    Returns the last point, its beta or, where corrections diverge, what the next one would make of it, and whether it solves
    the problem.
    """
    last = np.inf
    while not _solves(path.system, point, misfit, tol):
        chord = _Step.of(path, point, factor)
        move = point.slope * chord.x
        size = float(np.abs(move).max())
        if not size < last / 4 or chord.change > CLOSE:
            return point.beta + move, point, False
        point = chord.end
        if _too_many(size / last, size, tol * float(np.abs(point.beta).max()), point.mu.size):
            return point.beta, point, _solves(path.system, point, misfit, tol)
        last = size
    return point.beta, point, True


def _too_many(rate: float, size: float, allowed: float, samples: int) -> bool:
    """Whether corrections that shrink at this rate take longer than a new factorisation, to a size far below what is allowed.

    It costs about as much as one correction, and one more for each `SAMPLES_PER_CORRECTION` samples, and saves all but one.
    """
    if not 0 < allowed / 1000 < size or not rate > 0:
        return False
    missing = np.log(allowed / 1000 / size) / np.log(rate)
    return bool(missing > 2 + samples / SAMPLES_PER_CORRECTION)


def _solves(system: System, point: _Point, misfit: FloatArray, tol: float) -> bool:
    """Whether the point's beta is feasible, and its gap mu.(Z beta - z) small, far beyond what the certificate asks for.

    The gap is against mu.misfit, the sum of primal objective and conjugate, which is the objective up to a factor.
    """
    small, gap = tol / 1000, abs(float(point.mu @ point.residual))
    return _infeasibility(system, point.residual, misfit) <= small and gap <= small * abs(float(point.mu @ misfit))


def _infeasibility(system: System, residual: FloatArray, misfit: FloatArray) -> float:
    """Size of a residual, relative to the larger of targets and start's predictions."""
    size = max(float(np.linalg.norm(system.z)), float(np.linalg.norm(system.z - misfit)))
    return float(np.linalg.norm(residual)) / size


def _settled(path: _Path, point: _Point, beta: FloatArray, misfit: FloatArray, tol: float) -> bool:
    """Whether beta is feasible, also as the dual weighs it, and near the dual's own candidate: with room to spare.

    The gap is the sum of the two last. A dual of the size of X's condition number makes much of residuals that look small.
    """
    system, start, unit = path.system, path.potential.start, path.potential.unit
    small, residual = tol / 100, system.predictions(beta) - system.z
    miss = unit * float(((beta - point.beta) ** 2 / point.slope).sum()) / 2
    weighed = unit * abs(float(point.mu @ residual))
    objective = unit * float(point.x @ (point.beta - start)) - float(path.potential.energy(point.x).sum())
    return _infeasibility(system, residual, misfit) <= small and max(miss, weighed) <= small * objective
