"""A rigorous bound, in ball arithmetic, on the distance of a candidate to the true minimiser of a Bregman divergence of Q.

**Theorem.** Let phi = sum_d Q_{k_d}, X have independent rows, beta* be the minimiser of D_phi(., beta0) under X beta = y, b~
any point with X b~ = y, nu any vector, c the point with phi'(c) = phi'(beta0) + X^T nu, and g = D_phi(b~, c). Then

    D_phi(b~, beta*) <= g,
    |b~_d - beta*_d| <= rho_d = (g + sqrt(g^2 + 4 g (|b~_d| + k_d)))/2                  for every d,
    ||b~ - beta*||^2 <= g max_d sqrt((|b~_d| + rho_d)^2 + k_d^2).

Proof. phi'(beta*) - phi'(c) lies in the row space of X and b~ - beta* in its kernel, so that the three-point identity of
Bregman divergences is Pythagoras' theorem, g = D_phi(b~, beta*) + D_phi(beta*, c), with two terms >= 0. (g is also the duality
gap of b~ and nu, written without a difference of objectives.) By Taylor's theorem and Q_k''(b) = 2/sqrt(b^2 + k^2) the
divergence of coordinate d is delta^2/sqrt(xi^2 + k^2), delta = b~_d - beta*_d and xi between b~_d and beta*_d. It is at most g,
and sqrt(xi^2 + k^2) <= |b~_d| + |delta| + k_d, hence delta^2 <= g (|b~_d| + |delta| + k_d): the second line. It bounds |xi|, so
that Q is strongly convex between the two points with the modulus that the third line sums.

A candidate in float64 is only nearly feasible. The b~ used is the nearest feasible point to it in the local metric,
b~ = beta - W X^T (X W X^T)^{-1} (X beta - y), W = diag(sqrt(beta^2 + k^2)), as a vector of balls: the linear system is solved
by a method that proves the matrix to be regular. Dependent rows are dropped by exact ranks. Everything is evaluated in balls
(python-flint), and the distance ||beta - b~|| added.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from normtheory.arrays import FloatArray, InputError, matrix, positive, targets, vector
from normtheory.audit.balls import Ball, working_precision
from normtheory.reprs import shown
from normtheory.solvers.certificate import NotCertified

PRECISION = 256  # bits of the midpoints
MOST_PRECISION = 4096
RESOLUTION_BITS = 20  # by which the radii of the balls must be below the bound
MOST_PRODUCTS = 1e8  # of n^2 D, the cost of X W X^T: n = 316 with D = 1000
MOST_EXACT_PRODUCTS = 4e6  # the same, for exact ranks: n = 115 with D = 300


@shown()
@dataclass(frozen=True, eq=False)
class Bound:
    """What is proved about the distance of a candidate beta to the minimiser beta*; every number is rounded up.

    Attributes
    ----------
    distance : float
        Bound on ||beta - beta*||_2.
    relative : float
        Bound on ||beta - beta*||_2 / ||beta*||_2; infinite if beta* = 0 is not excluded and beta = beta* not proved.
    entrywise : array, shape (D,)
        Bounds on |beta_d - beta*_d|.
    gap : float
        Bound on the duality gap of the corrected, exactly feasible candidate.
    precision : int
        Bits that it took.
    """

    distance: float
    relative: float
    entrywise: FloatArray
    gap: float
    precision: int


def rigorous_bound(
    X: ArrayLike, y: ArrayLike, k: ArrayLike, beta0: ArrayLike, beta: ArrayLike, dual: ArrayLike, *, prec: int = PRECISION
) -> Bound:
    """Bound the distance of `beta` to the minimiser of sum_d D_{Q_k}(beta_d, beta0_d) subject to X beta = y (theorem above).

    All numbers are taken as they are in float64. Nothing is assumed of the candidate: a poor one gets a large bound.

    Parameters
    ----------
    X, y, k, beta0 : arrays
        The problem, as for `normtheory.solvers.newton.minimize`.
    beta, dual : arrays, shapes (D,) and (n,)
        The candidate, such as a Solution's.
    prec : int
        Bits to begin with; doubled, up to 4096, while they do not suffice.

    Raises
    ------
    InputError
        If the input is malformed, too large for ball arithmetic, or if no beta fits these y exactly, as for targets rounded
        to float64 on dependent rows.
    NotCertified
        If no finite bound was found.
    """
    X = matrix(X, "X")
    rows, inputs = X.shape
    if rows * rows * inputs > MOST_PRODUCTS:
        raise InputError(
            f"X of shape {X.shape} is too large for ball arithmetic: n^2 D is above {MOST_PRODUCTS:g}; "
            "use the certificate of the solution, or fewer samples"
        )
    y = targets(y, "y", rows, "X")
    k = positive(vector(k, "k", inputs, "column of X"), "k")
    beta0, beta = (vector(value, name, inputs, "column of X") for value, name in ((beta0, "beta0"), (beta, "beta")))
    dual = vector(dual, "dual", rows, "row of X")
    case, bits = _Case(X, y, k, beta0, beta, dual, _independent(X, y, prec)), prec
    while bits <= MOST_PRECISION:
        with working_precision(bits):
            bound = _bounded(case, bits)
        if bound is not None:
            return bound
        bits *= 2
    raise NotCertified(f"no finite bound on the distance to the minimiser in {MOST_PRECISION} bits")


@dataclass(frozen=True, eq=False)
class _Case:
    """Problem and candidate, and the samples that the others follow from."""

    X: FloatArray
    y: FloatArray
    k: FloatArray
    beta0: FloatArray
    beta: FloatArray
    dual: FloatArray
    chosen: list[int]


def _bounded(case: _Case, prec: int) -> Bound | None:
    """The bound at the current precision, None if that does not suffice."""
    scales, starts, candidate = _balls(case.k), _balls(case.beta0), _balls(case.beta)
    feasible = _nearest_feasible(case.X[case.chosen], case.y[case.chosen], case.beta, np.hypot(case.beta, case.k))
    if feasible is None:
        return None
    pulls = _pull(case.X, case.dual)
    angles = [(start / scale).asinh() + pull / 2 for start, scale, pull in zip(starts, scales, pulls, strict=True)]
    parts = [_divergence(b, angle, scale) for b, angle, scale in zip(feasible, angles, scales, strict=True)]
    gap = _upper(sum(parts[1:], parts[0]))
    corrections = [_upper(abs(b - point)) for b, point in zip(candidate, feasible, strict=True)]
    only = len(case.chosen) == len(candidate)  # as many independent samples as inputs: the feasible point is the minimiser
    widths = [gap * 0 if only else _width(gap, b, scale) for b, scale in zip(feasible, scales, strict=True)]
    # Squares as products: the power of a ball about 0 is NaN.
    ends = [abs(b) + width for b, width in zip(feasible, widths, strict=True)]
    stiffest = [(end * end + scale * scale).sqrt() for end, scale in zip(ends, scales, strict=True)]
    spread = gap * 0 if only else (gap * max(map(_upper, stiffest))).sqrt()
    distance = _upper(spread + _length(corrections))
    entrywise = np.array([_float_above(width + step) for width, step in zip(widths, corrections, strict=True)])
    bound = Bound(_float_above(distance), _relative(distance, candidate), entrywise, _float_above(gap), prec)
    return bound if np.isfinite(bound.distance) and _resolved(distance, feasible) else None


def _resolved(distance: Ball, feasible: list[Ball]) -> bool:
    """Whether the radii of the balls are small beside the bound, or beside what float64 can tell: else more bits help."""
    noise, size = _length([b.rad() for b in feasible]), _length(feasible)
    return bool(noise * 2**RESOLUTION_BITS <= distance) or bool(noise * 2 ** (RESOLUTION_BITS + 53) <= size)


def _nearest_feasible(X: FloatArray, y: FloatArray, beta: FloatArray, metric: FloatArray) -> list[Ball] | None:
    """Balls of b~ = beta - W X^T (X W X^T)^{-1} (X beta - y); None if regularity is not proved at this precision."""
    from flint import arb_mat

    candidate, weights = _balls(beta), _balls(metric)
    rows, inputs = X.shape
    design = arb_mat(rows, inputs, _balls(X.ravel()))
    weighted = arb_mat(inputs, rows, [weights[d] * design[i, d] for d in range(inputs) for i in range(rows)])
    residual = design * arb_mat(inputs, 1, candidate) - arb_mat(rows, 1, _balls(y))
    try:
        step = weighted * (design * weighted).solve(residual)
    except ZeroDivisionError:
        return None
    return [b - step[d, 0] for d, b in enumerate(candidate)]


def _pull(X: FloatArray, dual: FloatArray) -> list[Ball]:
    """X^T nu in balls."""
    from flint import arb_mat

    product = arb_mat(X.shape[1], X.shape[0], _balls(X.T.ravel())) * arb_mat(dual.size, 1, _balls(dual))
    return [product[d, 0] for d in range(X.shape[1])]


def _divergence(b: Ball, angle: Ball, k: Ball) -> Ball:
    """D_{Q_k}(b, k sinh(angle)), as in `Q.divergence`: two terms that are never negative."""
    t = b / k
    if t.mid() < 0:
        t, angle = -t, -angle
    shift = t.asinh() - angle
    half = (shift / 2).sinh()
    return 2 * k * (2 * half * half / (t + (1 + t * t).sqrt()) + t * ((-shift).expm1() + shift))


def _width(gap: Ball, b: Ball, k: Ball) -> Ball:
    """rho_d of the theorem."""
    return _upper((gap + (gap * gap + 4 * gap * (abs(b) + k)).sqrt()) / 2)


def _relative(distance: Ball, candidate: list[Ball]) -> float:
    if distance == 0:
        return 0.0
    size = _length(candidate) - distance
    return _float_above(distance / size) if size > 0 else float("inf")


def _independent(X: FloatArray, y: FloatArray, prec: int) -> list[int]:
    """Indices of a largest set of independent rows, by balls or else by exact ranks; the others must follow from them.

    Raises
    ------
    InputError
        If the targets of the others do not, or if there are too many rows for exact ranks.
    """
    from flint import fmpz_mat

    rows, inputs = X.shape
    with working_precision(prec):
        if rows <= inputs and _nearest_feasible(X, y, np.zeros(inputs), np.ones(inputs)) is not None:
            return list(range(rows))
    if rows * rows * inputs > MOST_EXACT_PRODUCTS:
        raise InputError(f"X of shape {X.shape} seems to have dependent rows, and is too large for exact ranks; drop them")
    system = [_integers([*row, target]) for row, target in zip(X.tolist(), y.tolist(), strict=True)]
    rank = fmpz_mat([row[:-1] for row in system]).rank()
    if rank == len(system):
        return list(range(rank))
    if fmpz_mat(system).rank() > rank:
        raise InputError(
            "y is outside the range of X in exact arithmetic (its rows are dependent, as numbers in float64): "
            "drop the samples that follow from others"
        )
    return _pivots(fmpz_mat([row[:-1] for row in system]).transpose())


def _pivots(columns: Any) -> list[int]:
    """Indices of the columns that do not depend on earlier ones."""
    reduced, _, rank = columns.rref()
    return [next(j for j in range(columns.ncols()) if reduced[i, j] != 0) for i in range(rank)]


def _integers(row: list[float]) -> list[int]:
    """The row times a power of two that makes it integer."""
    ratios = [value.as_integer_ratio() for value in row]
    common = max(denominator for _, denominator in ratios)
    return [numerator * (common // denominator) for numerator, denominator in ratios]


def _balls(values: FloatArray) -> list[Ball]:
    from flint import arb

    return [arb(value) for value in values.tolist()]


def _length(parts: list[Ball]) -> Ball:
    return sum((part * part for part in parts), parts[0] * 0).sqrt()


def _upper(ball: Ball) -> Ball:
    """The upper end, an exact ball; of a quantity that is never negative, 0 at least."""
    end = ball.upper()
    return end if end > 0 else end * 0


def _float_above(ball: Ball) -> float:
    """A float64 at or above the ball."""
    if not ball.is_finite():
        return float("inf")
    end = _upper(ball)
    return 0.0 if end == 0 else float(np.nextafter(float(end), np.inf))
