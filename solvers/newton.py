"""The certified minimiser of separable Bregman divergences under X beta = y: path-following Newton on the dual.

Each coordinate is beta_d = b_d(x_d) with x = X^T mu and b_d the inverse mirror map (see `potentials`; for the Q penalty,
hyperbolic entropy, b(x) = k sinh(arcsinh(beta0/k) + x)). The dual has n unknowns mu, and a Newton step costs one weighted Gram
matrix X diag(b') X^T and one Cholesky factorisation. A small k makes the dual stiff: its solution grows like log(1/k), and
Newton's method started far away overshoots exponentially. So a family of softened problems (for the Q penalty those with scale
sqrt(k^2 + kappa^2)) is followed down in kappa, from one that a single step solves. In log kappa the path is nearly straight,
so that its tangent, from the same factorisation as the Newton step, carries the iterate over decades, and corrections with
an old factorisation, which cost two products with X, bring it back.

Where k is not that small, damped steps on the problem itself from the start take fewer factorisations, and most have nothing to
correct: the path begins at a kappa that is known without one, and its ratio to k decides. Should they not arrive, the path is
taken after all.
"""

from __future__ import annotations

from math import ceil, log2

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
from normtheory.solvers.iterates import NewtonStep, Path, Point
from normtheory.solvers.potentials import HyperbolicEntropy, Potential

MOST_STEPS = 300  # factorisations; the paper's problems take 3 to 15
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
DIRECT = 1e5  # of the least b': up to such a kappa the problem asked for is solved at once, from the start, by damped steps
MOST_DIRECT = 20  # factorisations until the path is taken after all
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
    path = Path(system, potential, system.z - system.predictions(potential.start), tol)
    if path.starts_at_its_end:
        return potential.start.copy(), np.zeros_like(system.targets), system.steps
    if system.determined:
        return system.z.copy(), system.lift(potential.inverse(system.z) * potential.unit), system.steps
    with np.errstate(over="ignore", invalid="ignore"):  # outside the domain the slope is infinite or NaN
        warm = None if dual is None else path.at(system.lower(dual / potential.unit), 0.0)
        beta, mu, steps = _follow(path, warm)
    return beta, system.lift(mu * potential.unit), steps


def _follow(path: Path, warm: Point | None) -> tuple[FloatArray, FloatArray, int]:
    """Newton's method along the path, or from a warm start; the caller certifies what it returns."""
    system = path.system
    kappa = float(np.abs(system.pull(system.factor.solve(path.misfit))).max())  # there the first step moves no x by more than 1
    flattest, zero = float(path.potential.flattest.min()), np.zeros_like(system.z)
    end = END_OF_PATH * flattest
    cold = path.at(zero, kappa if kappa > DIRECT * flattest else 0.0)
    point = warm if warm is not None and _promising(path, warm) else cold
    reach, beta = np.inf, point.beta
    for steps in range(system.steps + 1, MOST_STEPS + 1):
        if steps == system.steps + MOST_DIRECT and cold.kappa == 0 and kappa > end:
            point = path.at(zero, kappa)
        factor = Factor.nearly(system.Z, point.slope + FLOOR * point.steepest)
        newton = NewtonStep.of(path, point, factor)
        if point is warm and newton.change > FAR:
            point = cold
            continue
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


def _promising(path: Path, warm: Point) -> bool:
    """Whether the dual objective is above 0, its value at the cold start.

    The size of a Newton step does not tell: where maps grow exponentially, it is 1 in x, however far the minimiser.
    """
    gain = path.potential.unit * float(warm.mu @ path.misfit)
    return warm.inside and float(path.potential.energy(warm.x).sum()) < gain


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
