"""Section 3.1, limits: what each feature contributes to what finetuning minimises, near its start and far out."""

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
from normtheory.proofs import setting
from normtheory.proofs.finetuned import (
    DIVERGENCE,
    EXACT,
    PRINTED,
    ROOT_AT_START,
    Theory,
    lost,
    quadratic_bounds,
    starts_below_its_scale,
)
from normtheory.proofs.finetuning import SOURCE
from normtheory.proofs.letters import ALPHA, AUX, GAMMA, START, B, K, X
from normtheory.proofs.q_forms import FAR_GAP, GAP_BELOW_SQUARE, far_form, logarithms
from normtheory.proofs.setting import number, percent

Expression = Any

LEARNED = {AUX: setting.WEIGHT, ALPHA: setting.ALPHA, GAMMA: setting.GAMMA}  # a feature, and where it is not one
NEW = LEARNED | {AUX: sp.Integer(0)}


def size_of_weight(printed: Said, corrected: Said) -> str:
    """Section 3.1, small ratio: the weight of the squared distance on learned and on other features, against the exact one."""
    (learned, true), (other, truly) = (
        [setting.value(corrected.theory.at(_curvature(stated.limit)), at) for stated in (printed, corrected)]
        for at in (LEARNED, NEW)
    )
    start = setting.value(corrected.theory.start, LEARNED)
    return (
        f"On the {setting.FEATURES} learned features, |β_aux| = {number(setting.WEIGHT)}, α = γ = "
        f"{number(setting.GAMMA)}, the printed weight is {learned:.4g} and the true one {true:.4g}, of the squared distance "
        f"from {number(start)}; on the {setting.INPUTS - setting.FEATURES} others they are {number(other)} and "
        f"{number(truly)}."
    )


def quadratic(theory: Theory, weight: Expression, origin: Expression) -> Said:
    """A squared distance with a weight, and how far the contribution is below it."""
    return Said(theory=theory, limit=weight * (B - origin) ** 2, error=lost())


def _curvature(limit: Expression) -> Expression:
    """Half the second derivative: the weight of a squared distance."""
    return sp.simplify(sp.diff(limit, B, 2)) / 2


NEAR = quadratic(EXACT, 1 / K, START)


@claim(
    id="q-small",
    where="section 3.1, after Eq. 3",
    statement="as $|\\beta|$ over $k$ vanishes, the contribution tends to <limit>, where <theory>",
    printed=quadratic(PRINTED, 1 / AUX, sp.Integer(0)),
    exact=quadratic(EXACT, 1 / AUX, sp.Integer(0)),
    corrected=NEAR,
    corrected_statement="as $|\\beta|$ and $|\\beta(0)|$ over $k$ vanish, the contribution tends to <limit>; "
    "it is at most that, and less by at most the share <error> as long as both ratios are "
    "at most $\\epsilon$, where <theory>",
    size=size_of_weight,
    twins={
        "twice as much": quadratic(EXACT, 2 / K, START),
        "half as much": quadratic(EXACT, 1 / (2 * K), START),
        "the printed scale": quadratic(EXACT, 1 / (AUX + GAMMA**2), START),
        "the distance from zero": quadratic(EXACT, 1 / K, sp.Integer(0)),
        "the cube of the distance": NEAR.but(limit=(B - START) ** 3 / K),
        "half the error": NEAR.but(error=NEAR.error / 2),
        "the printed theory with gamma not squared": quadratic(PRINTED, 1 / (AUX + GAMMA), sp.Integer(0)),
    },
    siblings={
        "for the printed theory": quadratic(PRINTED, 1 / (AUX + GAMMA**2), sp.Integer(0)),
        "in alpha and gamma": quadratic(EXACT, 2 / sp.sqrt(AUX**2 + 4 * (ALPHA**2 + GAMMA**2) ** 2), START),
        "twice the error": NEAR.but(error=2 * NEAR.error),
    },
    expected=Verdict.CORRECTED,
    source=SOURCE,
)
def small_weights(proof: Derivation, stated: Said) -> None:
    """Section 3.1, small ratio: the squared distance from the start over the scale, with the error that is left."""
    stated.theory.defined(proof)
    theory = stated.theory
    bounds = quadratic_bounds(proof, theory.letter)
    proof.argue("so the contribution tends to the squared distance from its start over its scale", Theorem.SQUEEZE)
    weight = _curvature(stated.limit)
    proof.equal("half the stated limit's second derivative is one over the scale", theory.at(weight), 1 / theory.scale)
    slope = sp.diff(stated.limit, B).subs(B, theory.letter)
    proof.equal("its slope vanishes at the start", theory.at(slope), 0)
    proof.equal("and so does it", theory.at(stated.limit.subs(B, theory.letter)), 0)
    text = "it lacks no more than the stated share"
    proof.exceeds(text, bounds.divergence, bounds.upper * (1 - stated.error), bounds.below)


WEIGHT = symbol("beta", r"\beta", "β", positive=True)  # with its sign; the contribution is the same with both signs reversed
SLOPE = symbol("c", positive=True)
LATER = symbol("tau", r"\tau", "τ", positive=True)
ANGLE = sp.asinh(START / K)
# Weights beta = (2 + BEYOND) k lie as far out as one likes, and further for a larger slope c.
BEYOND = LATER + sp.exp(SLOPE / 2 + 2 + ANGLE)


def far_out(expression: Expression) -> Expression:
    """Write tau in terms of x = k/beta, beta = (2 + tau + exp(...)) k."""
    return logarithms(expression.subs(LATER, 1 / X - 2 - sp.exp(SLOPE / 2 + 2 + ANGLE)))


def slopes_of_new_features(corrected: Said) -> str:
    """Section 3.1, large ratio: the contribution over |beta| on features that pretraining did not learn."""
    weights = (setting.WEIGHT / 10, setting.WEIGHT)
    exact, form = (EXACT.at(formula / WEIGHT) for formula in (DIVERGENCE.subs(B, WEIGHT), corrected.form))
    near, far = (setting.value(exact, NEW | {WEIGHT: weight}) for weight in weights)
    misses = max(abs(setting.value(form / exact - 1, NEW | {WEIGHT: weight})) for weight in weights)
    k = setting.value(EXACT.scale, NEW)
    return (
        f"On features that pretraining did not learn, k = {k:.0e} exactly, the contribution is {near:.3g} |β| at |β| = "
        f"{setting.value(weights[0]):.3g} and {far:.3g} |β| at {setting.value(weights[1]):.3g}, "
        f"{percent(far / near - 1)} more, where one factor is printed; the corrected form is off by at most {misses:.0e} of it"
    )


def size_of_slope(_: Said, corrected: Said) -> str:
    """Section 3.1, large ratio: the slope is not constant, and not 2 log(1/k) yet."""
    at = NEW | {WEIGHT: setting.WEIGHT}
    order = setting.value(EXACT.at(2 * sp.log(1 / K)), at)
    slope = setting.value(EXACT.at(DIVERGENCE.subs(B, WEIGHT) / WEIGHT), at)
    return (
        f"{slopes_of_new_features(corrected)}. The printed order with its limiting factor gives {order:.3g}, "
        f"{percent(order / slope - 1)} above the latter."
    )


def _far(form: Expression, gap: Expression = K**2 / (2 * WEIGHT), theory: Theory = EXACT) -> Said:
    return Said(form=form, gap=gap, theory=theory)


LOGARITHMIC = 2 * WEIGHT * (sp.log(2 * WEIGHT / K) - 1 - ANGLE) + 2 * ROOT_AT_START


@claim(
    id="q-large",
    where="section 3.1, after Eq. 3",
    statement="as $|\\beta|$ over $k$ grows without bound, the contribution of a positive weight approaches <form>, where $c$ "
    "does not depend on $\\beta$ and is of the order of the logarithm of $k$, and <theory>",
    printed=_far(SLOPE * WEIGHT, theory=PRINTED),
    exact=_far(SLOPE * WEIGHT),
    corrected=_far(LOGARITHMIC),
    corrected_statement="the contribution of a positive weight is at most <form>, and less by at most <gap>, where <theory>; "
    "with both signs reversed it is the same. Per unit of the weight it grows without bound, at fixed $k$ as at fixed $\\beta$",
    size=size_of_slope,
    twins={
        "half the slope": _far(LOGARITHMIC / 2 + ROOT_AT_START),
        "without the linear term": _far(LOGARITHMIC + 2 * WEIGHT),
        "without the start": _far(LOGARITHMIC + 2 * WEIGHT * ANGLE),
        "a smaller gap": _far(LOGARITHMIC, K**2 / (3 * WEIGHT)),
        "a constant slope and a wide gap": _far(SLOPE * WEIGHT, WEIGHT),
        "a root for the logarithm": _far(2 * sp.sqrt(WEIGHT * K)),
    },
    siblings={
        "a larger gap": _far(LOGARITHMIC, K**2 / WEIGHT),
        "for the printed theory": _far(2 * WEIGHT * (sp.log(2 * WEIGHT / K) - 1) + 2 * K, theory=PRINTED),
    },
    reads=("the contribution approaches a multiple of $|\\beta|$ if per unit of the weight the difference vanishes far out",),
    expected=Verdict.CORRECTED,
    source=SOURCE,
)
def large_weights(proof: Derivation, stated: Said) -> None:
    """Section 3.1, large ratio: no constant slope is approached at fixed k; the two-sided bound that holds in both limits."""
    stated.theory.defined(proof)
    far_form(proof)
    reversed_signs = DIVERGENCE.subs({B: -B, START: -START}, simultaneous=True)
    proof.equal("the contribution is the same with both signs reversed", reversed_signs, DIVERGENCE)
    contribution = DIVERGENCE.subs(START, stated.theory.letter).subs(B, WEIGHT)
    u, far = sp.Symbol("u", positive=True), {WEIGHT: (2 + BEYOND) * K}
    excess = ((stated.form - contribution) / WEIGHT).subs(far)
    text = "far out the stated form, per unit of the weight, is not more than one below the contribution"
    proof.positive(text, 1 + excess, 1 + u, {u: FAR_GAP}, {X: 1 / (2 + BEYOND)}, by=far_out)
    near = {WEIGHT: K / X}
    form, exact, gap = (part.subs(near) * X / K for part in (stated.form, contribution, stated.gap))
    text = "over beta, with x the scale over it, the form is not below the contribution"
    proof.exceeds(text, form, exact, FAR_GAP, by=logarithms)
    proof.exceeds("and not above it by more than the gap", exact + gap, form, GAP_BELOW_SQUARE, by=logarithms)


DIVISOR = 2 * sp.log(1 / K)


def _new(theory: Theory, limit: Expression, divisor: Expression = DIVISOR) -> Said:
    return Said(theory=theory, limit=limit, divisor=divisor)


@claim(
    id="q-new",
    where="section 3.1, after Eq. 3",
    statement="for small $|\\beta^{aux}|$ the penalty is $\\ell_1$: as $k$ vanishes, the contribution of a positive weight "
    "over <divisor> tends to <limit>, where <theory>",
    printed=_new(PRINTED, WEIGHT),
    exact=_new(EXACT, WEIGHT),
    twins={
        "twice the weight": _new(EXACT, 2 * WEIGHT),
        "its square": _new(EXACT, WEIGHT**2),
        "its root": _new(EXACT, sp.sqrt(WEIGHT)),
        "half the divisor": _new(EXACT, WEIGHT, DIVISOR / 2),
    },
    siblings={
        "twice the weight over half the divisor": _new(EXACT, 2 * WEIGHT, DIVISOR / 2),
        "a divisor with the same limit": _new(EXACT, WEIGHT, 2 * sp.asinh(1 / K)),
        "the divisor and a constant": _new(EXACT, WEIGHT, 2 * sp.log(3 / K)),
    },
    reads=("small: in the limit, at a fixed weight; the rate is that of an inverse logarithm",),
    expected=Verdict.PROVED,
    source=SOURCE,
)
def new_features(proof: Derivation, stated: Said) -> None:
    """Section 3.1, features that pretraining did not learn: l1 in the limit, at the rate of an inverse logarithm."""
    stated.theory.defined(proof)
    far_form(proof)
    start = stated.theory.letter
    remainder = (LOGARITHMIC - 2 * WEIGHT * sp.log(1 / K)).subs(START, start) - WEIGHT * FAR_GAP.subs(X, K / WEIGHT)
    ratio = sp.Symbol("r", positive=True)
    proof.equal(
        "the contribution is the weight times a logarithm that grows, and a remainder without it",
        DIVERGENCE.subs(START, start).subs(B, WEIGHT),
        WEIGHT * DIVISOR + remainder,
        by=lambda e: logarithms(sp.expand_log(e.subs(WEIGHT, ratio).subs(K, X * ratio))),
    )
    without = sp.diff(sp.expand(sp.expand_log(2 * WEIGHT * (sp.log(2 * WEIGHT / K) - 1) - 2 * WEIGHT * sp.log(1 / K))), K)
    proof.equal("in the remainder the logarithms of k cancel", without, 0)
    if not stated.theory.starts_at_zero:
        starts_below_its_scale(proof)
    proof.argue("so the remainder stays bounded as k vanishes, and over the logarithm it vanishes", Theorem.SQUEEZE)
    growth = sp.limit(DIVISOR / stated.divisor, K, 0)
    text = "as k vanishes, the contribution over the divisor tends to the weight times the limit of that logarithm over it"
    proof.equal(text, stated.limit, WEIGHT * growth)
    if stated.theory is EXACT:
        ends = sp.Rational(1, 10), sp.Integer(1)
        per_unit = EXACT.at(DIVERGENCE.subs(B, WEIGHT) / WEIGHT)
        slopes = [setting.value(per_unit, NEW | {WEIGHT: end}) for end in ends]
        proof.note(
            f"At the exact scale of unlearned features in the paper's setting, {setting.value(EXACT.scale, NEW):.0e}, the cost "
            f"per unit rises from {slopes[0]:.3g} at |β| = {number(ends[0])} to {slopes[1]:.3g} at |β| = {number(ends[1])}: "
            f"{percent(slopes[1] / slopes[0] - 1)} away from proportionality."
        )


if __name__ == "__main__":
    sys.exit(run_alone())
