"""Theory of the Q penalty: derivatives, conjugate, limits with rates, symmetries of Eq. 3, which the rest uses."""

from __future__ import annotations

import sys
from typing import Any

import sympy as sp

from normtheory.audit.alone import run_alone
from normtheory.audit.claims import Verdict, claim
from normtheory.audit.derivation import Derivation
from normtheory.audit.notation import symbol
from normtheory.audit.statements import Said
from normtheory.audit.steps import Theorem
from normtheory.proofs.letters import B, K, T, X, Y
from normtheory.proofs.q_forms import (
    ABOVE_QUARTIC,
    BELOW_SEXTIC,
    BELOW_SQUARE,
    FAR_GAP,
    GAP_BELOW_SQUARE,
    PENALTY,
    ROOT,
    UNIT,
    far_form,
    logarithms,
    near_bounds,
    penalty,
    unit_form,
)

Expression = Any

SIGMA = symbol("sigma", r"\sigma", "σ", real=True)
SOURCE = "theory of the Q penalty; Woodworth et al. 2020 for its form"
SLOPE = 2 * sp.asinh(B / K)


@claim(
    id="q-facts-derivative",
    where="theory of the Q penalty (from Eq. 3)",
    statement="the Q penalty of Eq. 3 at the scale <scale> has the derivative <slope>",
    printed=Said(scale=K, slope=SLOPE),
    twins={
        "half of it": Said(scale=K, slope=SLOPE / 2),
        "with the argument of q": Said(scale=K, slope=2 * sp.asinh(2 * B / K)),
        "its leading term": Said(scale=K, slope=2 * B / K),
    },
    siblings={"at twice the scale": Said(scale=2 * K, slope=2 * sp.asinh(B / (2 * K)))},
    expected=Verdict.PROVED,
    source=SOURCE,
)
def derivative(proof: Derivation, stated: Said) -> None:
    """Eq. 3, first derivative."""
    proof.equal("differentiate Eq. 3", sp.diff(penalty(B, stated.scale), B), stated.slope)


CURVATURE = 2 / sp.sqrt(B**2 + K**2)


@claim(
    id="q-facts-curvature",
    where="theory of the Q penalty (from Eq. 3)",
    statement="the Q penalty has the second derivative <curvature>, which is positive; it is even and vanishes at <least>",
    printed=Said(curvature=CURVATURE, least=sp.Integer(0)),
    twins={
        "half of it": Said(curvature=CURVATURE / 2, least=sp.Integer(0)),
        "the scale doubled": Said(curvature=CURVATURE.subs(K, 2 * K), least=sp.Integer(0)),
        "without the root": Said(curvature=2 / (B**2 + K**2), least=sp.Integer(0)),
        "vanishing at its scale": Said(curvature=CURVATURE, least=K),
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def curvature(proof: Derivation, stated: Said) -> None:
    """Eq. 3, second derivative: strictly convex, even, zero at zero."""
    proof.equal("differentiate Eq. 3 twice", sp.diff(PENALTY, B, 2), stated.curvature)
    proof.positive("so it is strictly convex", stated.curvature)
    proof.equal("it is even", penalty(-B, K), PENALTY)
    proof.equal("it vanishes there", penalty(stated.least, K), 0)


CONJUGATE = Said(first=2 * K * (sp.cosh(SIGMA / 2) - 1), second=4 * K * sp.sinh(SIGMA / 4) ** 2)


@claim(
    id="q-facts-conjugate",
    where="theory of the Q penalty (from Eq. 3)",
    statement="the convex conjugate of the Q penalty, its largest excess of $\\sigma\\beta$ over it, is <first>, or <second>",
    printed=CONJUGATE,
    twins={
        "twice the argument": Said(first=2 * K * (sp.cosh(SIGMA) - 1), second=4 * K * sp.sinh(SIGMA / 2) ** 2),
        "half of it": Said(first=CONJUGATE.first / 2, second=CONJUGATE.second / 2),
        "twice the argument in the second form": CONJUGATE.but(second=4 * K * sp.sinh(SIGMA / 2) ** 2),
    },
    siblings={"in exponentials": CONJUGATE.but(first=K * (sp.exp(SIGMA / 4) - sp.exp(-SIGMA / 4)) ** 2)},
    expected=Verdict.PROVED,
    source=SOURCE,
)
def conjugate(proof: Derivation, stated: Said) -> None:
    """Eq. 3, convex conjugate: the supremum is attained where the derivative equals sigma."""
    maximiser = K * sp.sinh(SIGMA / 2)
    proof.equal("the derivative equals sigma at", sp.diff(PENALTY, B).subs(B, maximiser), SIGMA)
    proof.equal("the second derivative", sp.diff(PENALTY, B, 2), CURVATURE)
    proof.positive("is positive", CURVATURE)
    proof.argue("so this point is the only one where sigma beta exceeds the penalty most", Theorem.TANGENT)
    proof.equal("the excess there", SIGMA * maximiser - penalty(maximiser, K), stated.first)
    proof.equal("in the form without cancellation", stated.first, stated.second)


def _series(fourth: int, sixth: int) -> Said:
    lower = B**2 / K - B**4 / (fourth * K**3)
    return Said(lower=lower, upper=B**2 / K - B**4 / (12 * K**3) + B**6 / (sixth * K**5))


@claim(
    id="q-facts-series",
    where="theory of the Q penalty (from Eq. 3)",
    statement="the Q penalty lies between <lower> and <upper>",
    printed=_series(12, 40),
    twins={
        "a smaller second term": _series(13, 40),
        "a smaller third term": _series(12, 41),
        "the first two terms above": _series(12, 40).but(upper=B**2 / K - B**4 / (12 * K**3)),
    },
    siblings={
        "a lower bound that is less": _series(11, 40),
        "an upper bound that is more": _series(12, 39),
        "the first term above": _series(12, 40).but(upper=B**2 / K),
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def series(proof: Derivation, stated: Said) -> None:
    """Eq. 3 near 0: two-sided bounds with the series' own coefficients."""
    near_bounds(proof)
    lower, upper = (bound.subs({B: T, K: 1}) for bound in (stated.lower, stated.upper))
    proof.equal("the lower bound is homogeneous, too", stated.lower.subs(B, K * T), K * lower)
    proof.equal("the upper bound is homogeneous, too", stated.upper.subs(B, K * T), K * upper)
    proof.exceeds("the penalty is not below the lower bound", UNIT, lower, ABOVE_QUARTIC)
    sharp = BELOW_SEXTIC if upper.has(T**6) else BELOW_SQUARE
    proof.exceeds("and not above the upper one", upper, UNIT, sharp)


SIZE_B = symbol("b", r"|\beta|", "|β|", positive=True)
FAR = 2 * SIZE_B * (sp.log(2 * SIZE_B / K) - 1) + 2 * K


@claim(
    id="q-facts-rich",
    where="theory of the Q penalty (from Eq. 3)",
    statement="the Q penalty of a weight that is not zero is at most <form>, by at most <gap>",
    printed=Said(form=FAR, gap=K**2 / (2 * SIZE_B)),
    twins={
        "without the scale itself": Said(form=FAR - 2 * K, gap=K**2 / (2 * SIZE_B)),
        "half the slope": Said(form=FAR / 2 + K, gap=K**2 / (2 * SIZE_B)),
        "a smaller gap": Said(form=FAR, gap=K**2 / (3 * SIZE_B)),
    },
    siblings={"a larger gap": Said(form=FAR, gap=K**2 / SIZE_B)},
    expected=Verdict.PROVED,
    source=SOURCE,
)
def rich(proof: Derivation, stated: Said) -> None:
    """Eq. 3 as k -> 0 at fixed beta: the two-sided expansion, with the sharp constant 1/2."""
    far_form(proof)
    form, gap = (part.subs(SIZE_B, K / X) * X / K for part in (stated.form, stated.gap))
    exact = 2 * (sp.log(2 / X) - 1) + 2 * X - FAR_GAP
    proof.exceeds(
        "over |beta|, with x the scale over it, the form is not below the penalty", form, exact, FAR_GAP, by=logarithms
    )
    proof.exceeds("and not above it by more than the gap", exact + gap, form, GAP_BELOW_SQUARE, by=logarithms)


@claim(
    id="q-facts-growth",
    where="theory of the Q penalty (from Eq. 3)",
    statement="for weights beyond the scale the Q penalty is at most <gauge>, and at least that times <share>: it grows like "
    "$|\\beta|\\log|\\beta|$, faster than in proportion",
    printed=Said(gauge=2 * SIZE_B * sp.log(2 * SIZE_B / K), share=1 - 1 / sp.log(2 * SIZE_B / K)),
    twins={
        "growth in proportion": Said(gauge=2 * SIZE_B, share=1 - 1 / sp.log(2 * SIZE_B / K)),
        "half of it": Said(gauge=SIZE_B * sp.log(2 * SIZE_B / K), share=1 - 1 / sp.log(2 * SIZE_B / K)),
        "quadratic growth": Said(gauge=SIZE_B**2 / K, share=1 - 1 / sp.log(2 * SIZE_B / K)),
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def growth(proof: Derivation, stated: Said) -> None:
    """Eq. 3 as the weight grows at fixed k: |beta| log |beta|."""
    unit_form(proof)
    far_form(proof)
    gauge, share = (part.subs(SIZE_B, K * T) for part in (stated.gauge / K, stated.share))
    u = sp.Symbol("u", positive=True)
    from_one, at = {T: 1 + Y}, {X: 1 / (1 + Y)}

    def by(expression: Expression) -> Expression:
        return logarithms(sp.expand_log(expression).subs(Y, 1 / X - 1))

    above = (gauge - UNIT).subs(from_one)
    text = "in units of the scale, at the ratio one and beyond, the penalty is below the gauge"
    proof.positive(text, above, 2 * Y + (1 + Y) * u, {u: FAR_GAP}, at, by)
    below = (UNIT - gauge * share).subs(from_one)
    form = (3 + 4 * Y) / (2 * (1 + Y)) + (1 + Y) * u
    proof.positive("and above its share of the gauge", below, form, {u: GAP_BELOW_SQUARE}, at, by)


BY_SCALE = 2 - 2 * sp.sqrt(B**2 + K**2) / K


@claim(
    id="q-facts-scale",
    where="theory of the Q penalty (from Eq. 3)",
    statement="the derivative of the Q penalty in its scale is <slope>, which is negative for every weight but zero",
    printed=Said(slope=BY_SCALE),
    twins={
        "half of it": Said(slope=BY_SCALE / 2),
        "the sign reversed": Said(slope=-BY_SCALE),
        "its leading term": Said(slope=-(B**2) / K**2),
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def scale(proof: Derivation, stated: Said) -> None:
    """Eq. 3, derivative in the penalty scale: a larger scale makes a weight cheaper."""
    proof.equal("differentiate Eq. 3 in the scale", sp.diff(PENALTY, K), stated.slope)
    proof.equal("the derivative is even", stated.slope.subs(B, -B), stated.slope)
    root = sp.sqrt(T**2 + K**2)
    proof.positive("it is negative for a positive weight t", -stated.slope.subs(B, T), 2 * T**2 / (K * (root + K)))


@claim(
    id="q-facts-homogeneity",
    where="theory of the Q penalty (from Eq. 3)",
    statement="weight and scale multiplied by <factor> multiply the Q penalty by <power>: its order in the weight and its "
    "dependence on the scale, both logarithmic derivatives, add up to <degree>",
    printed=Said(factor=T, power=T, degree=sp.Integer(1)),
    twins={
        "degree two": Said(factor=T, power=T**2, degree=sp.Integer(2)),
        "degree zero": Said(factor=T, power=sp.Integer(1), degree=sp.Integer(0)),
        "the sum alone is wrong": Said(factor=T, power=T, degree=sp.Rational(1, 2)),
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def homogeneity(proof: Derivation, stated: Said) -> None:
    """Eq. 3, homogeneity, and the sum rule for the order and the feature dependence of the penalty."""
    proof.equal("scale weight and scale together", penalty(stated.factor * B, stated.factor * K), stated.power * PENALTY)
    sensitivity = B * sp.diff(PENALTY, B) + K * sp.diff(PENALTY, K)
    proof.equal("Euler's relation", sensitivity, stated.degree * PENALTY)
    logarithm = sp.log(penalty(Y, K))
    sum_of_orders = Y * sp.diff(logarithm, Y) + K * sp.diff(logarithm, K)
    proof.equal("order and dependence, for a positive weight y", sum_of_orders, stated.degree)


U, V = sp.symbols("U V", positive=True)
R = sp.Symbol("r", real=True)


def _entropy(scale: Expression, constant: Expression) -> Expression:
    return sum(P * sp.log(P / scale) - P for P in (U, V)) + constant


@claim(
    id="q-facts-entropy",
    where="theory of the Q penalty (from Eq. 3)",
    statement="the Q penalty is the least value of <entropy> over non-negative $U$ and $V$ whose difference is <difference>, "
    "with each logarithm's product continued by its limit at the boundary",
    printed=Said(entropy=_entropy(K, 2 * K), difference=2 * B),
    twins={
        "half the difference": Said(entropy=_entropy(K, 2 * K), difference=B),
        "without the constant": Said(entropy=_entropy(K, sp.Integer(0)), difference=2 * B),
        "twice the scale in the logarithm": Said(entropy=_entropy(2 * K, 2 * K), difference=2 * B),
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def entropy(proof: Derivation, stated: Said) -> None:
    """Eq. 3 as an entropy: with b = k sinh r, the minimum is at U = k exp(r), V = k exp(-r), the boundary included."""
    b, best = K * sp.sinh(R), {U: K * sp.exp(R), V: K * sp.exp(-R)}
    difference = stated.difference.subs(B, b)
    proof.equal("with beta = k sinh r, U = k exp(r) and V = k exp(-r) have the difference", (U - V).subs(best), difference)
    proof.equal("the entropy there is the penalty", sp.expand_log(stated.entropy.subs(best)), penalty(b, K))
    excess = sum(P * sp.log(P / best[P]) - P + best[P] for P in (U, V))
    lagrangian = stated.entropy - penalty(b, K) - R * (U - V - difference)
    proof.equal(
        "with that difference any positive U, V are higher by two relative entropies", lagrangian, excess, by=sp.expand_log
    )
    x, z = sp.symbols("x z", positive=True)
    of_ratio = x * sp.log(x) - x + 1
    proof.equal(
        "each is a multiple of a function of its ratio to the best", U * sp.log(U / V) - U + V, V * of_ratio.subs(x, U / V)
    )
    proof.positive_by_taylor("which is positive for ratios above one", of_ratio.subs(x, sp.exp(z)), z, 1, z * sp.exp(z))
    proof.positive_by_taylor("and below one", of_ratio.subs(x, sp.exp(-z)), z, 1, z * sp.exp(-z))
    proof.equal("and tends to one at the boundary, where the ratio vanishes", sp.limit(of_ratio, x, 0, "+"), 1)
    proof.argue("so that no point of the boundary has less", Theorem.CONTINUITY)


def _polynomials(eighth: Expression, far: Expression) -> Said:
    upper = T**2 - T**4 / 12 + T**6 / 40
    return Said(lower=upper - T**8 / eighth, upper=upper, least=1 / (2 * T) - 1 / (far * T**3), most=1 / (2 * T))


@claim(
    id="q-facts-bounds",
    where="theory of the Q penalty (from Eq. 3)",
    statement="at the ratio $t$ of a weight to the scale the Q penalty, in units of the scale, is above <lower> and below "
    "<upper>; from its logarithmic form it lacks more than <least> and less than <most>",
    printed=_polynomials(sp.Rational(448, 5), sp.Integer(16)),
    twins={
        "a smaller fourth term": _polynomials(sp.Rational(449, 5), sp.Integer(16)),
        "a smaller second term far out": _polynomials(sp.Rational(448, 5), sp.Integer(17)),
    },
    siblings={"a looser bound far out": _polynomials(sp.Rational(448, 5), sp.Integer(16)).but(most=1 / T)},
    expected=Verdict.CERTIFIED,
    source=SOURCE,
)
def bounds(proof: Derivation, stated: Said) -> None:
    """Eq. 3, two-sided polynomial bounds near 0 and far out: Taylor near the end, balls between, signs beyond."""
    near_bounds(proof)
    _lower_bound(proof, stated.lower)
    proof.exceeds("it is below its upper bound", stated.upper, UNIT, BELOW_SEXTIC)
    far_form(proof)
    least, most = (sp.expand(part.subs(T, 1 / X) * X) for part in (stated.least, stated.most))
    proof.exceeds("far out the gap is below its upper bound", most, FAR_GAP, GAP_BELOW_SQUARE)
    _gap_above(proof, least)


def _lower_bound(proof: Derivation, lower: Expression) -> None:
    near, end = sp.Rational(1, 8), 3
    below = UNIT - lower
    proof.certified_by_taylor("the penalty is above its lower bound near zero", below, T, 10, near)
    proof.certified("and in the middle", below, {T: (near, end)})
    proof.positive_by_taylor("it is positive", UNIT, T, 2, 2 / ROOT)
    proof.positive_between("while the bound is negative beyond", below, T, end, known=UNIT)


def _gap_above(proof: Derivation, lower: Expression) -> None:
    near, end = sp.Rational(1, 4), 3
    proof.certified_by_taylor("it is above its lower bound where x is near zero", FAR_GAP - lower, X, 6, near)
    proof.certified("and in the middle", FAR_GAP - lower, {X: (near, end)})
    proof.positive_between("while that bound is negative beyond", FAR_GAP - lower, X, end, known=FAR_GAP)


if __name__ == "__main__":
    sys.exit(run_alone())
