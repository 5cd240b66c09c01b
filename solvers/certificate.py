"""What a solver returns and the check of it: certificates are recomputed here from problem and candidate alone.

For the Q penalty and the norms every measure in a certificate is an upper bound: what float64 may have lost on the way is
bounded a priori and added (for other potentials to first order, taking their functions to be accurate). Where
that bound is not small against the tolerance (nearly collinear rows, targets far smaller than the terms they are the sum of)
the linear maps are evaluated again in twice the precision, by sums and products whose rounding errors are computed exactly
(Ogita, Rump and Oishi 2005, doi 10.1137/030601818). The elementwise functions lose only a few units of relative precision
and their sums have terms of one sign. `normtheory.solvers.rigorous` goes further: it bounds the distance to the true minimiser.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from normtheory.arrays import FloatArray
from normtheory.penalties import L1, GroupL12, Q, WeightedL2, arcsinh_difference, length
from normtheory.reprs import shown
from normtheory.solvers.consistency import advice
from normtheory.solvers.enclosures import TINY, UNIT, Enclosed, dot, product
from normtheory.solvers.potentials import Potential
from normtheory.solvers.uniqueness import unique_minimiser

# A certificate is accepted when every relative measure in it is at most the tolerance asked for.
DEFAULT_TOLERANCE = 1e-10

QUOTIENT = 64.0  # units of relative error of a ratio of norms: numpy's sums of up to 10^8 squares are 40 additions deep
FUNCTIONS = 32.0  # units of relative error of the elementwise functions of Q, per unit of 1 + |argument|
ROUND_OFF_SHARE = 0.1  # of the tolerance that round-off may take before twice the precision is used
SQUARES = 1e-200  # a sum of squares beyond which those that underflowed do not count
QUADRATIC = 1e-40  # ratios beta/k below which Q is its quadratic term to 80 digits, and may be rescaled


@shown()
@dataclass(frozen=True)
class Certificate:
    """How far a candidate is from optimal, measured without trust in the solver.

    Attributes
    ----------
    objective : float
        Penalty of the candidate (for Q: Bregman divergence from the start, which is the penalty itself for a start at 0).
    dual_objective : float
        Dual objective, evaluated from the dual variable alone. A lower bound on the minimum if the dual is feasible.
    primal_residual : float
        ||X beta - y|| relative to the larger of ||y|| and ||X beta0||; infinite if these vanish and it does not.
    gap : float
        |objective - dual_objective| relative to the larger of the two in absolute value; 0 if both vanish.
    stationarity : float
        Violation of Q'(beta) = Q'(beta0) + X^T nu in the local norm of the conjugate, relative to the root of the objective:
        for small violations the square root of twice the gap. For a norm: by how much X^T nu leaves the dual unit ball,
        relative to its radius.
    unique : bool or None
        Whether the minimiser is the only one: always for strictly convex penalties, decided by `unique_minimiser` for norms;
        None is undecided. A verdict rather than a measure, and not compared.

    Notes
    -----
    The three relative measures include a bound on their own round-off.
    """

    objective: float
    dual_objective: float
    primal_residual: float
    gap: float
    stationarity: float
    unique: bool | None = field(default=None, compare=False)

    def within(self, tolerance: float) -> bool:
        """Whether primal residual and gap are at most `tolerance`, and stationarity at most its square root.

        The gap is quadratic in the stationarity residual, hence the square root.
        """
        # Not by the largest: Python's max passes over a NaN.
        return all(measure <= tolerance for measure in (self.primal_residual, self.gap, self.stationarity**2))

    def __str__(self) -> str:
        return f"primal residual {self.primal_residual:.1e}, relative gap {self.gap:.1e}, stationarity {self.stationarity:.1e}"


@shown("beta", "certificate", "solver", "steps", "moved")
@dataclass(frozen=True, eq=False)
class Solution:
    """A minimiser with its certificate.

    Attributes
    ----------
    beta : array, shape (D,), or (O, D) with the main task first
    dual : array, shape (n,), or the duals of all tasks one after the other
        nu, in the units in which the penalty's gradient is X^T nu.
    certificate : Certificate
    status : str
        'optimal', or the status of the solver if it was allowed to return short of its tolerance.
    solver : str
        Name (and version, for an outside one).
    steps : int
        Iterations: for the Newton method, factorisations of a weighted Gram matrix.
    moved : float
        By how much of their norm the targets were moved onto the range of X before: 0 unless samples depend on each other. With
        several tasks the largest such share. The certificate is that of the moved targets.
    """

    beta: FloatArray
    dual: FloatArray
    certificate: Certificate
    status: str
    solver: str
    steps: int
    moved: float = 0.0

    @property
    def unique(self) -> bool | None:
        """Whether the minimiser is the only one, as the certificate decides it; None is undecided."""
        return self.certificate.unique


class NotCertified(RuntimeError):
    """A solver stopped short of its tolerance; `certificate` is how far it came (None if it has no candidate)."""

    def __init__(self, message: str, certificate: Certificate | None = None) -> None:
        super().__init__(message)
        self.certificate = certificate


def accepted(solution: Solution, tolerance: float, designs: Sequence[FloatArray] = ()) -> Solution:
    """Return `solution` if its certificate holds to `tolerance`; `designs` are the X whose condition may be why not.

    Raises
    ------
    NotCertified
        Otherwise.
    """
    if not solution.certificate.within(tolerance):
        message = f"{solution.solver} missed the tolerance {tolerance:g}: {solution.certificate}{advice(designs)}"
        raise NotCertified(message, solution.certificate)
    return solution


def certify_q(
    X: FloatArray,
    y: FloatArray,
    penalty: Q,
    beta0: FloatArray,
    beta: FloatArray,
    dual: FloatArray,
    *,
    tolerance: float = DEFAULT_TOLERANCE,
) -> Certificate:
    """Certificate of (beta, dual) for: minimise sum_d D_Q(beta_d, beta0_d) subject to X beta = y.

    The Lagrange dual is nu.(y - X beta0) - sum_d D_Q(beta0_d, b_d(nu)), b(nu) being the predictor whose mirror image is
    Q'(beta0) + X^T nu.

    Parameters
    ----------
    tolerance : float
        What the certificate will be held against: float64 is used as long as its round-off stays far below.
    """
    lift = _lift(penalty, beta0, beta, X, dual)
    problem = (X, lift * y, penalty, lift * beta0, lift * beta, lift * dual)
    with np.errstate(over="ignore", invalid="ignore"):  # a candidate far off: its measures are infinite or NaN, and fail
        certificate, round_off = _measured_q(*problem, extended=False)
        if not round_off <= ROUND_OFF_SHARE * tolerance:
            certificate, _ = _measured_q(*problem, extended=True)
    objective, dual_objective = certificate.objective / lift / lift, certificate.dual_objective / lift / lift
    return replace(certificate, objective=objective, dual_objective=dual_objective)


def certify_separable(
    X: FloatArray,
    y: FloatArray,
    potential: Potential,
    beta: FloatArray,
    dual: FloatArray,
    *,
    tolerance: float = DEFAULT_TOLERANCE,
) -> Certificate:
    """Certificate of (beta, dual) for: minimise the Bregman divergence of a separable potential from its start, X beta = y.

    Primal objective from beta alone, dual objective nu.(y - X start) - energy(X^T nu) from nu alone, as in `certify_q`; the
    potential's own functions are taken to be right to FUNCTIONS units of round-off. Stationarity is also held against the
    relative distance of beta from the predictor that nu picks.
    """
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        certificate, round_off = _measured_separable(X, y, potential, beta, dual, extended=False)
        if not round_off <= ROUND_OFF_SHARE * tolerance:
            certificate, _ = _measured_separable(X, y, potential, beta, dual, extended=True)
    return certificate


def certify_norm(
    designs: list[FloatArray],
    targets: list[FloatArray],
    penalty: L1 | GroupL12 | WeightedL2,
    beta: FloatArray,
    duals: list[FloatArray],
    *,
    tolerance: float = DEFAULT_TOLERANCE,
) -> Certificate:
    """Certificate for: minimise the penalty of beta, shape (O, D), subject to X_o beta_o = y_o for every task o.

    For the two norms the dual is scaled into the dual unit ball before its objective is taken: a true lower bound.

    Parameters
    ----------
    designs, targets, duals : lists of arrays, shapes (n_o, D), (n_o,) and (n_o,)
    tolerance : float
        What the certificate will be held against: float64 is used as long as its round-off stays far below.
    """
    # The penalties are homogeneous: a candidate of unit size has no square outside the range of float64.
    largest = float(np.abs(beta).max()) or float(np.abs(np.concatenate(targets)).max())
    size = float(2.0 ** np.clip(np.round(np.log2(largest)), -1000, 1000)) if 0 < largest < np.inf else 1.0
    degree = 2 if isinstance(penalty, WeightedL2) else 1
    scaled = [y / size for y in targets], penalty, beta / size, [nu / size ** (degree - 1) for nu in duals]
    certificate, round_off = _measured_norm(designs, *scaled, extended=False)
    if not round_off <= ROUND_OFF_SHARE * tolerance:
        certificate, _ = _measured_norm(designs, *scaled, extended=True)
    # Not by size**degree, which raises beyond float64: the objective is infinite there, and the measures are what they are.
    values = certificate.objective, certificate.dual_objective
    objective, dual_objective = (value * size * size ** (degree - 1) for value in values)
    return replace(certificate, objective=objective, dual_objective=dual_objective)


def _lift(penalty: Q, beta0: FloatArray, beta: FloatArray, X: FloatArray, dual: FloatArray) -> float:
    """A power of two that keeps the squares of a tiny candidate in the range of float64, where Q is quadratic; else 1."""
    largest = max(float(np.abs(beta / penalty.k).max()), float(np.abs(beta0 / penalty.k).max()))
    if not largest < QUADRATIC:
        return 1.0
    largest = max(largest, max(float(X.max()), -float(X.min())) * float(np.abs(dual).sum()))
    return float(2.0 ** np.floor(np.log2(QUADRATIC / largest))) if 0 < largest < QUADRATIC else 1.0


def _measured_q(
    X: FloatArray, y: FloatArray, penalty: Q, beta0: FloatArray, beta: FloatArray, dual: FloatArray, *, extended: bool
) -> tuple[Certificate, float]:
    """The certificate, round-off included, and the largest share of round-off in its measures."""
    pull, start = product(X.T, dual, extended), product(X, beta0, extended)
    residual, misfit = product(X, beta, extended).minus(y), start.minus(y)
    angle = 2 * arcsinh_difference(beta, beta0, penalty.k)
    mismatch, mismatch_error = angle - pull.value, FUNCTIONS * UNIT * np.abs(angle) + pull.off
    metric = np.sqrt(1 / penalty.second_derivative(beta))
    grows, falls = penalty.divergence_to(beta, -angle), penalty.divergence_to(beta0, pull.value)
    objective, linear = float(grows.sum()), dot(dual, misfit, extended)
    dual_objective = -linear.total() - float(falls.sum())
    lost = _lost(grows, angle / 2) + _lost(falls, pull.value / 2) + float(linear.error.sum())
    lost += _pushed(penalty, beta0, pull) + TINY * np.count_nonzero((beta != beta0) | (pull.value != 0))
    size, scale = max(abs(objective), abs(dual_objective)), max(_norm(y), _norm(start.least))
    root = float(np.sqrt(objective))
    errors = [_ratio(_norm(residual.off), scale), _ratio(lost, size), _ratio(_norm(mismatch_error * metric), root)]
    measures = [
        _ratio(_norm(residual.value), scale),
        _ratio(abs(objective - dual_objective), size),
        _ratio(_norm(mismatch * metric), root),
    ]
    primal, gap, stationarity = (value + error for value, error in zip(measures, errors, strict=True))
    certificate = Certificate(objective, dual_objective, primal, gap, stationarity, unique=True)
    return certificate, max(errors[0], errors[1], errors[2] ** 2)


def _measured_separable(
    X: FloatArray, y: FloatArray, potential: Potential, beta: FloatArray, dual: FloatArray, *, extended: bool
) -> tuple[Certificate, float]:
    """As `_measured_q`, through the potential's interface alone."""
    pull, start = product(X.T, dual, extended), product(X, potential.start, extended)
    residual, misfit = product(X, beta, extended).minus(y), start.minus(y)
    x = pull.value / potential.unit
    picked, slope = potential.map(x)
    metric = np.sqrt(slope / potential.unit)
    grows, falls = potential.divergence(beta), potential.energy(x)
    objective, linear = float(grows.sum()), dot(dual, misfit, extended)
    dual_objective = -linear.total() - float(falls.sum())
    lost = FUNCTIONS * UNIT * float(np.abs(grows).sum() + np.abs(falls).sum()) + float(linear.error.sum())
    lost += float((np.abs(picked - potential.start) * pull.off).sum())
    size, scale = max(abs(objective), abs(dual_objective)), max(_norm(y), _norm(start.least))
    primal_error, gap_error = _ratio(_norm(residual.off), scale), _ratio(lost, size)
    angle = potential.inverse(beta)
    mismatch = potential.unit * (np.abs(angle - x) + FUNCTIONS * UNIT * np.abs(angle)) + pull.off
    # Where a potential is nearly flat (deep networks near the edge of their domain) a small gap says little about beta.
    blur = FUNCTIONS * UNIT * np.abs(picked) + slope * (pull.off / potential.unit)
    apart = _ratio(_norm(np.abs(beta - picked) + blur), max(_norm(beta), _norm(picked)))
    certificate = Certificate(
        objective,
        dual_objective,
        _ratio(_norm(residual.value), scale) + primal_error,
        _ratio(abs(objective - dual_objective), size) + gap_error,
        max(apart, _ratio(_norm(mismatch * metric), float(np.sqrt(objective)))),
        unique=True,
    )
    return certificate, max(primal_error, gap_error)


def _lost(terms: FloatArray, arguments: FloatArray) -> float:
    """Round-off in a sum of non-negative terms whose functions have these arguments."""
    units = FUNCTIONS * (1 + np.abs(arguments)) + np.log2(terms.size + 2)
    return float(UNIT * (units * np.abs(terms)).sum())


def _pushed(penalty: Q, beta0: FloatArray, pull: Enclosed) -> float:
    """What an error in X^T nu does to the dual objective: its derivative there is the candidate less beta0."""
    spread = penalty.inverse_gradient(penalty.gradient(beta0) + pull.value)
    slope = np.abs(spread - beta0) + 4 * UNIT * np.abs(spread) + length(spread, penalty.k) * np.sinh(pull.off)
    return float((slope * pull.off).sum())


def _measured_norm(
    designs: list[FloatArray],
    targets: list[FloatArray],
    penalty: L1 | GroupL12 | WeightedL2,
    beta: FloatArray,
    duals: list[FloatArray],
    *,
    extended: bool,
) -> tuple[Certificate, float]:
    """The certificate, round-off included, and the largest share of round-off in its measures."""
    pulls = [product(X.T, nu, extended) for X, nu in zip(designs, duals, strict=True)]
    pull, pull_error = np.stack([p.value for p in pulls]), np.stack([p.off for p in pulls])
    residuals = [product(X, b, extended).minus(y) for X, b, y in zip(designs, beta, targets, strict=True)]
    linears = [dot(nu, Enclosed.exact(y), extended) for nu, y in zip(duals, targets, strict=True)]
    linear = sum(part.total() for part in linears)
    lost = sum(float(part.error.sum()) for part in linears)
    scale = _norm(np.concatenate(targets))
    primal_error = _ratio(_norm(np.concatenate([r.off for r in residuals])), scale)
    primal = _ratio(_norm(np.concatenate([r.value for r in residuals])), scale) + primal_error
    if isinstance(penalty, WeightedL2):
        own = _measured_l2(penalty, beta[0], pulls[0], linear, lost)
    else:
        own = _measured_ball(penalty, beta, pull, pull_error, linear, lost)
    objective, dual_objective, gap, gap_error, stationarity = own
    unique: bool | None = True
    if not isinstance(penalty, WeightedL2):
        radius = _radius(penalty)
        unique = unique_minimiser(designs, beta, pull / (1 + stationarity), radius, max(primal, gap, stationarity))
    certificate = Certificate(objective, dual_objective, primal, gap, stationarity, unique)
    return certificate, max(primal_error, gap_error)


def _radius(penalty: L1 | GroupL12) -> float:
    """Of the dual unit ball."""
    return 1.0 if isinstance(penalty, L1) else 2.0


def _measured_ball(
    penalty: L1 | GroupL12, beta: FloatArray, pull: FloatArray, pull_error: FloatArray, linear: float, lost: float
) -> tuple[float, float, float, float, float]:
    """Objective, dual objective, gap, round-off in the two last, and by how much the dual leaves the ball before scaling."""
    radius, lengths, blur = _radius(penalty), np.hypot.reduce(pull, axis=0), np.hypot.reduce(pull_error, axis=0)
    excess = float(((lengths + blur) * (1 + 8 * UNIT)).max()) / radius
    objective = penalty.value(beta)
    dual_objective = linear / max(1.0, excess)
    size = max(abs(objective), abs(dual_objective))
    lost += UNIT * (8 + np.log2(beta.size)) * (objective + abs(linear))
    error = _ratio(lost, size)
    gap = _ratio(abs(objective - dual_objective), size) + error
    return objective, dual_objective, gap, error + float(blur.max()) / radius, max(0.0, excess - 1)


def _measured_l2(
    penalty: WeightedL2, beta: FloatArray, pull: Enclosed, linear: float, lost: float
) -> tuple[float, float, float, float, float]:
    """Objective, dual objective, gap, round-off in the gap, and the largest relative error of 2 weight beta = X^T nu."""
    objective, conjugate = penalty.value(beta), penalty.conjugate(pull.value)
    dual_objective = linear - float(conjugate.sum())
    size = max(abs(objective), abs(dual_objective))
    lost += UNIT * (16 + np.log2(beta.size)) * (objective + abs(linear) + float(conjugate.sum()))
    lost += float((np.abs(pull.value) / penalty.weight * pull.off).sum())
    error = _ratio(lost, size)
    gradient = penalty.gradient(beta)
    mismatch = float((np.abs(gradient - pull.value) + 4 * UNIT * np.abs(gradient) + pull.off).max())
    return (
        objective,
        dual_objective,
        _ratio(abs(objective - dual_objective), size) + error,
        error,
        _ratio(mismatch, float(pull.least.max())),
    )


def _norm(vector: FloatArray) -> float:
    """The l2 norm, also of vectors whose squares leave the range of float64."""
    with np.errstate(over="ignore", invalid="ignore"):
        squares = float(np.square(vector).sum())
    if SQUARES < squares < np.inf:
        return float(np.sqrt(squares))
    largest = float(np.abs(vector).max(initial=0.0))
    if not 0 < largest < np.inf:
        return largest
    return largest * float(np.sqrt(np.square(vector / largest).sum()))


def _ratio(value: float, scale: float) -> float:
    """value/scale, rounded up; 0 for 0/0, and infinite where it is not a number."""
    if value == 0 and scale == 0:
        return 0.0
    ratio = float(value) / float(scale) * (1 + QUOTIENT * UNIT) if scale > 0 else float("nan")
    return float("inf") if np.isnan(ratio) else ratio
