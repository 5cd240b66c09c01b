"""The certified minimiser of separable Bregman divergences under X beta = y: Newton's method on the dual.

Each coordinate is beta_d = b_d(x_d) with x = X^T mu and b_d the inverse mirror map (see `potentials`; for the Q penalty,
hyperbolic entropy, b(x) = k sinh(arcsinh(beta0/k) + x)). The dual has n unknowns mu, and a Newton step costs one weighted Gram
matrix X diag(b') X^T and one Cholesky factorisation. Damped steps on the problem itself, from the start, arrive in most cases;
the first factorisation also tells that rows are independent, unless slopes differ much, and corrections with an old one, which
cost two products with X, spare the last.

A small k makes the dual stiff: its solution grows like log(1/k), and Newton's method started far away overshoots
exponentially. Should damped steps not have arrived after so many factorisations, a family of softened problems (for the Q
penalty those with scale sqrt(k^2 + kappa^2)) is followed down in kappa, from one that a single step solves. In log kappa the
path is nearly straight, so that its tangent, from the same factorisation as the Newton step, carries the iterate over decades,
and corrections bring it back.
"""

from __future__ import annotations

from math import ceil, log2

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg.blas import dgemv

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
from normtheory.solvers.iterates import OVERFLOWING, NewtonStep, Path, Point
from normtheory.solvers.potentials import HyperbolicEntropy, Potential

MOST_STEPS = 300  # factorisations; the paper's problems take 2 to 12
CLOSE = 0.5  # a point is close to the path if the Newton step from it changes no log b' by more than this
NEAR = 2.0  # beyond this, corrections are not worth trying
FAR = 3.0  # beyond this, corrections with an old factorisation do not converge
LONG = 8.0  # a step that moves an x by more is tried in part first
MOST_HALVINGS = 52  # of a step: to round-off
STEEPER = 50.0  # a stride that makes the largest growth of b' more, or less than 1 over it, is too long: seen without X
FLOOR = 1e-16  # of the slopes in a Hessian, beside the largest: keeps inputs that no prediction shows from wandering
SAMPLES_PER_CORRECTION = 20  # a factorisation takes the time of one correction, and of one more for so many samples
CHORD_STEPS = 3  # corrections tried with one factorisation
GROWTH_OF_STRIDE = 5.0  # from one factorisation to the next, at the most
SHRINK = 0.5  # of a stride that was too long
FIRST_STRIDE = 2.0  # in log kappa, at the most, if all of the path at once was too long
SHORTEST_STRIDE = 0.05  # in log kappa; below it a plain Newton step is the better use of a factorisation
MOST_DIRECT = 20  # factorisations of damped steps until the path is taken
HOPELESS = 1e15  # of the least b': from such a kappa on, the path is taken at once
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
        Where to start: the dual of a neighbouring problem, with 0 for samples it did not have. Left aside if its objective is
        below that of a start from nothing.
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
        potential = HyperbolicEntropy(k, beta0)
        system = independent_rows(X, y, allowed, _first_slope(X, y, potential, dual))
        beta, nu, steps = _solved(system, potential, tol, dual)
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
        system = independent_rows(X, y, allowed, _first_slope(X, y, potential, dual))
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
    path = Path(system, potential, system.z - system.predictions(potential.start), tol)
    if path.starts_at_its_end:
        return potential.start.copy(), np.zeros_like(system.targets), system.steps
    if system.determined:
        return system.z.copy(), system.lift(potential.inverse(system.z) * potential.unit), system.steps
    with np.errstate(over="ignore", invalid="ignore"):  # outside the domain the slope is infinite or NaN
        point = path.at(np.zeros_like(system.z), 0.0)
        if dual is not None:
            near = path.at(system.lower(dual / potential.unit), 0.0)
            point = near if _uphill(potential, near.x, near.slope, float(near.mu @ path.misfit)) else point
        beta, mu, steps = _follow(path, point)
    return beta, system.lift(mu * potential.unit), steps


def _follow(path: Path, point: Point) -> tuple[FloatArray, FloatArray, int]:
    """Newton's method on the problem itself, from a point, then along the path; the caller certifies what it returns."""
    system, steps = path.system, path.system.steps
    flattest = float(path.potential.flattest.min())
    end, patience = END_OF_PATH * flattest, steps + MOST_DIRECT
    if not point.mu.any() and system.given is not None and _softest(path) > HOPELESS * flattest:
        patience = steps
    reach, beta, first = np.inf, point.beta, system.weighted
    while steps < MOST_STEPS:
        if steps == patience and (kappa := _softest(path)) > end:
            point, patience = path.at(np.zeros_like(system.z), kappa), MOST_STEPS
        if first is not None and system.weights is not None and np.array_equal(point.slope, system.weights):
            factor, first = first, None
        else:
            factor, steps = Factor.nearly(system.Z, point.slope + FLOOR * point.steepest), steps + 1
        newton = NewtonStep.of(path, point, factor)
        if point.kappa > 0:
            point, reach = _stride(path, newton, end, reach)
            continue
        (point, halvings), solved = _descended(newton), False
        beta = point.beta
        if halvings <= 1 and newton.change <= NEAR:
            beta, point, solved = _corrected(path, point, factor)
        if solved or path.settled_by(point, beta):
            return beta, point.mu, steps
    if point.kappa == 0:
        return beta, point.mu, MOST_STEPS  # as good as it gets: the certificate says how good that is
    raise NotCertified(f"the path was not followed to its end in {MOST_STEPS} factorisations (kappa = {point.kappa:.1e})")


def _softest(path: Path) -> float:
    """The kappa at which the first step moves no x by more than 1."""
    return float(np.abs(path.system.pull(path.system.factor.solve(path.misfit))).max())


def _first_slope(X: FloatArray, y: FloatArray, potential: Potential, dual: FloatArray | None) -> FloatArray:
    """b' where the first step begins: at a neighbour's dual, or at the cold start."""
    with np.errstate(over="ignore", invalid="ignore"):  # outside the domain the slope is infinite or NaN
        if dual is not None:
            mu = dual / potential.unit
            x = np.asarray(dgemv(1.0, X.T, mu))
            slope = potential.softened(x, 0.0)[1]
            if _uphill(potential, x, slope, float(mu @ (y - dgemv(1.0, X.T, potential.start, trans=1)))):
                return slope
        return potential.softened(np.zeros(X.shape[1]), 0.0)[1]


def _uphill(potential: Potential, x: FloatArray, slope: FloatArray, gain: float) -> bool:
    """Whether the dual objective is above 0, that of the cold start, at x with this slope and mu.(z - Z start).

    The size of a Newton step does not tell: where maps grow exponentially, it is 1 in x, however far the minimiser.
    """
    return bool(slope.max() < OVERFLOWING and float(potential.energy(x).sum()) < potential.unit * gain)


def _stride(path: Path, newton: NewtonStep, end: float, reach: float) -> tuple[Point, float]:
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
            stride = min(SHRINK * stride, FIRST_STRIDE if reach == np.inf else np.inf)
        if newton.change <= CLOSE:  # on the path, which bends sharply where an input changes its sign: over the bend, and back
            return path.at(newton.end.mu, point.kappa * float(np.exp(-SHORTEST_STRIDE)), newton.end.x), SHORTEST_STRIDE
    return _descended(newton)[0], SHORTEST_STRIDE


def _pulled_in(path: Path, point: Point, newton: NewtonStep) -> Point | None:
    """The point after corrections with an old factorisation, if they converge to the path; else None."""
    if not 1 / STEEPER <= (point.slope / newton.point.slope).max() <= STEEPER:
        return None
    last = FAR
    for _ in range(CHORD_STEPS):
        chord = NewtonStep.of(path, point, newton.factor)
        if not chord.change <= last:
            return None
        if chord.change <= CLOSE:
            return chord.end
        point, last = chord.end, chord.change
    return None


def _descended(newton: NewtonStep) -> tuple[Point, int]:
    """The end of a Newton step, halved until the dual objective still falls, or hardly rises, there; and how often it was.

    The dual is convex: its derivative along the step rises from a negative value, and evaluating it costs no product with X.
    Where a length passes, so do all shorter ones, and the search may begin at any: at the first that moves no x far.
    """
    at_start, rest = float(newton.point.residual @ newton.mu), float(newton.path.system.z @ newton.mu)

    def passes(point: Point) -> bool:
        return point.inside and float((point.beta * newton.x).sum()) - rest <= 0.1 * abs(at_start)

    farthest = float(np.abs(newton.x).max())
    times = min(MOST_HALVINGS, ceil(log2(farthest / LONG))) if LONG < farthest < np.inf else 0
    point = newton.halved(times) if times else newton.end
    if passes(point):
        while times and passes(longer := newton.halved(times - 1)):
            point, times = longer, times - 1
        return point, times
    while times < MOST_HALVINGS and not passes(point):
        times += 1
        point = newton.halved(times)
    return point, times


def _corrected(path: Path, point: Point, factor: Factor) -> tuple[FloatArray, Point, bool]:
    """Corrections with the last factorisation until they have solved the problem, or for as long as they are worth it.

    Returns the last point, its beta or, where corrections diverge, what the next one would make of it, and whether it solves
    the problem.
    """
    last = np.inf
    while not path.solved_by(point):
        chord = NewtonStep.of(path, point, factor)
        move = point.slope * chord.x
        size = float(np.abs(move).max())
        if not size < last / 4 or chord.change > CLOSE:
            return point.beta + move, point, False
        point = chord.end
        if _too_many(size / last, size, path.tol * float(np.abs(point.beta).max()), point.mu.size):
            return point.beta, point, path.solved_by(point)
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
