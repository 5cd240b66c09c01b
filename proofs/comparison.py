"""Section 3.3: the two penalties compared. What "proportional", "sensitive" and "larger" say is turned into numbers first.

The order of a penalty in beta is d log P/d log|beta|: 2 for an l2 penalty, 1 for l1. Its dependence on a feature is the
logarithmic derivative in what stands for it: |beta_aux|, or scale and start of what finetuning minimises, scaled together.
"""

from __future__ import annotations

import sys
from typing import Any

import sympy as sp

from normtheory.audit.alone import run_alone
from normtheory.audit.claims import Verdict, claim
from normtheory.audit.derivation import Derivation
from normtheory.audit.statements import Said
from normtheory.audit.steps import Theorem
from normtheory.proofs import l12_forms, setting
from normtheory.proofs.finetuned import (
    DIVERGENCE,
    EXACT,
    FAR_ANGLE,
    HALF,
    ONE,
    PRINTED,
    RISE,
    ROOT,
    ROOT_AT_START,
    START_ANGLE,
    Theory,
    angle,
    closed_form,
    order_by_angles,
    order_rises_with_start,
    starts_below_its_scale,
)
from normtheory.proofs.finetuning_limits import (
    LEARNED,
    LOGARITHMIC,
    NEAR,
    NEW,
    SLOPE,
    WEIGHT,
    large_weights,
    quadratic,
    size_of_weight,
    slopes_of_new_features,
    small_weights,
)
from normtheory.proofs.l12_forms import EXCESS, WHOLE
from normtheory.proofs.letters import AUX, GAMMA, SIZE, START, B, K, T
from normtheory.proofs.reuse import SIGNED, decreasing
from normtheory.proofs.setting import number, percent

Expression = Any

SOURCE = "Lindsey & Lippl 2024, section 3.3"
BOTH_SIGNS = {"the sign of the auxiliary weight": 1, "the opposite sign": -1}


def size_of_decrease(printed: Said, corrected: Said) -> str:
    """Section 3.3: both penalties of one main weight, with and without the feature in the auxiliary task."""
    changes = []
    for penalised in (printed.mtl, corrected.mtl, EXACT.contribution(SIZE)):
        at = [place | {SIZE: setting.WEIGHT} for place in (NEW, LEARNED)]
        changes.append([setting.value(penalised, place) for place in at])
    (whole, higher), (excess, lower), (alone, reused) = changes
    weight = number(setting.WEIGHT)
    return (
        f"Of β = {weight}, on a feature with β_aux = {weight} and not a new one, the MTL penalty rises from {number(whole)} to "
        f"{number(higher)}, by {percent(higher / whole - 1)}; its excess falls from {number(excess)} to {number(lower)}, "
        f"by {percent(1 - lower / excess)}, the exact PT+FT contribution from {number(alone)} to {number(reused)}."
    )


def _both(mtl: Expression, theory: Theory, weight: Expression) -> Said:
    return Said(mtl=mtl, theory=theory, weight=weight)


FALLING = _both(EXCESS, EXACT, START + T)


@claim(
    id="both-decrease",
    where="section 3.3",
    statement="both decrease as $|\\beta^{aux}|$ increases: the MTL penalty <mtl>, and the PT+FT contribution of a weight "
    "<weight>, where <theory>",
    printed=_both(WHOLE, PRINTED, SIGNED),
    exact=_both(WHOLE, EXACT, SIGNED),
    corrected=FALLING,
    corrected_statement="both decrease as $|\\beta^{aux}|$ increases: of the MTL penalty what it exceeds the auxiliary "
    "task's own by, <mtl>, and the PT+FT contribution of a weight <weight>, beyond its start, where <theory>",
    size=size_of_decrease,
    twins={
        "the excess over half as much": FALLING.but(mtl=WHOLE - l12_forms.A),
        "the excess over the main task's own": FALLING.but(mtl=WHOLE - 2 * l12_forms.B),
        "before the start": FALLING.but(weight=START - T),
        "a scale that falls": _both(EXCESS, Theory("inverse", 1 / (AUX + GAMMA**2), sp.Integer(0)), SIGNED),
    },
    siblings={
        "three times the excess": FALLING.but(mtl=3 * EXCESS),
        "for the printed theory, of either sign": _both(EXCESS, PRINTED, SIGNED),
    },
    expected=Verdict.CORRECTED,
    source=SOURCE,
)
def both_decrease(proof: Derivation, stated: Said) -> None:
    """Section 3.3: the derivatives of both penalties in |beta_aux|."""
    l12_forms.aux_slopes(proof)
    fall = -sp.diff(stated.mtl, l12_forms.A)
    multiple = sp.nsimplify((fall / l12_forms.EXCESS_FALL).subs({l12_forms.A: 3, l12_forms.B: 4}))
    proof.positive("MTL: the stated penalty's derivative, with its sign reversed", fall, multiple * l12_forms.EXCESS_FALL)
    decreasing(proof, stated)


def size_of_proportionality(printed: Said, corrected: Said) -> str:
    """Section 3.3, large ratio: both penalties over |beta|, on features of the main task alone."""
    at = NEW | {SIZE: setting.WEIGHT, B: setting.WEIGHT}
    factor = setting.value(WHOLE / SIZE, at)
    exact = EXACT.contribution()
    order = setting.value(B * sp.diff(exact, B) / exact, at)
    return (
        f"{slopes_of_new_features(corrected)}, its order being {order:.3g} at the latter. The MTL penalty of such a feature "
        f"is {factor:.3g} |β| at both, as printed."
    )


def _limits(theory: Theory, form: Expression, mtl: Expression = 2 * SIZE) -> Said:
    """Far out: what the MTL penalty exceeds, and by how much at most; the same of the contribution."""
    return Said(mtl=mtl, rest=l12_forms.A**2 / l12_forms.B, form=form, gap=K**2 / (2 * WEIGHT), theory=theory)


LINES = _limits(EXACT, LOGARITHMIC)


@claim(
    id="both-l1",
    where="section 3.3",
    statement="as $|\\beta|$ over $k$ grows without bound, both penalties are proportional to $|\\beta|$: MTL tends to "
    "<mtl>, the PT+FT contribution of a positive weight to <form>, where $c$ does not depend on $\\beta$, and <theory>",
    printed=_limits(PRINTED, SLOPE * WEIGHT),
    exact=_limits(EXACT, SLOPE * WEIGHT),
    corrected=LINES,
    corrected_statement="MTL exceeds <mtl> by at most <rest>; the PT+FT contribution of a positive weight is at most <form>, "
    "and less by at most <gap>, where <theory>: per unit of the weight it grows without bound",
    size=size_of_proportionality,
    twins={
        "half the MTL limit": _limits(EXACT, LOGARITHMIC, SIZE),
        "half the slope of PT+FT": _limits(EXACT, LOGARITHMIC / 2 + ROOT_AT_START),
        "PT+FT without the linear term": _limits(EXACT, LOGARITHMIC + 2 * WEIGHT),
        "half the rest of MTL": LINES.but(rest=LINES.rest / 2),
    },
    siblings={
        "twice the rest of MTL": LINES.but(rest=2 * LINES.rest),
        "for the printed theory": _limits(PRINTED, 2 * WEIGHT * (sp.log(2 * WEIGHT / K) - 1) + 2 * K),
    },
    reads=("the factor may depend on $\\beta^{aux}$, not on $\\beta$",),
    expected=Verdict.CORRECTED,
    source=SOURCE,
)
def both_l1(proof: Derivation, stated: Said) -> None:
    """Section 3.3, large ratio: MTL is l1 up to the squared inverse ratio, what finetuning minimises only up to a logarithm."""
    l12_forms.far_bounds(proof)
    proof.exceeds("MTL: the penalty is not below the stated limit", WHOLE, stated.mtl, l12_forms.ABOVE_FAR)
    proof.exceeds("and not above it by more than the rest", stated.mtl + stated.rest, WHOLE, l12_forms.BELOW_FAR)
    large_weights(proof, stated)


def size_of_squares(printed: Said, corrected: Said) -> str:
    """Section 3.3, small ratio: the MTL penalty of a small weight is its auxiliary task's own; then PT+FT."""
    at = LEARNED | {SIZE: setting.WEIGHT / 10}
    whole, excess, square = (setting.value(form, at) for form in (printed.mtl, corrected.mtl, SIZE**2 / AUX))
    return (
        f"For |β| a tenth of |β_aux| = {number(setting.WEIGHT)} the MTL penalty is {whole / square:.3g} times the square "
        f"that is printed, its excess {excess / square:.4g} times. {size_of_weight(printed, corrected)}"
    )


def _squares(mtl: Expression, q: Said = NEAR, square: Expression = SIZE**2 / AUX) -> Said:
    """Near zero: the MTL quantity, its square and what it lacks of that; the same of the contribution."""
    return Said(mtl=mtl, square=square, less=SIZE**4 / (4 * AUX**3), **vars(q))


SQUARES = _squares(EXCESS)


@claim(
    id="both-l2",
    where="section 3.3",
    statement="as $|\\beta|$ over $k$ vanishes, both penalties are $\\ell_2$-like: the MTL penalty <mtl> tends to "
    "<square>, the PT+FT contribution to <limit>, where <theory>",
    printed=_squares(WHOLE, quadratic(PRINTED, 1 / AUX, sp.Integer(0))),
    exact=_squares(WHOLE, quadratic(EXACT, 1 / AUX, sp.Integer(0))),
    corrected=SQUARES,
    corrected_statement="what the MTL penalty exceeds the auxiliary task's own by, <mtl>, is at most <square>, and less by "
    "at most <less>; the PT+FT contribution tends to <limit>, and is less by at most the share <error> as long as "
    "$|\\beta|$ and $|\\beta(0)|$ are at most $\\epsilon$ times $k$, where <theory>",
    size=size_of_squares,
    twins={
        "PT+FT with the printed weight": _squares(EXCESS, quadratic(EXACT, 1 / AUX, START)),
        "the excess with twice the weight": SQUARES.but(square=2 * SQUARES.square),
        "PT+FT with half the weight": SQUARES.but(limit=SQUARES.limit / 2),
        "half as much less": SQUARES.but(less=SQUARES.less / 2),
    },
    siblings={
        "twice as much less": SQUARES.but(less=2 * SQUARES.less),
        "for the printed theory": _squares(EXCESS, quadratic(PRINTED, 1 / K, sp.Integer(0))),
    },
    expected=Verdict.CORRECTED,
    source=SOURCE,
)
def both_l2(proof: Derivation, stated: Said) -> None:
    """Section 3.3, small ratio: both bounds of section 3.1 and 3.2."""
    l12_forms.near_bounds(proof)
    proof.exceeds("MTL: it is not above the stated square", stated.square, stated.mtl, l12_forms.BELOW_NEAR)
    text = "and not below it by more than stated"
    proof.exceeds(text, stated.mtl, stated.square - stated.less, l12_forms.ABOVE_NEAR)
    small_weights(proof, stated)


COEFFICIENT = sp.Integer(2)  # of |beta| in the MTL penalty


def _exceeds(theory: Theory, ratio: Expression, coefficient: Expression = COEFFICIENT) -> Said:
    return Said(theory=theory, ratio=ratio, coefficient=coefficient)


def size_of_factor(_: Said, corrected: Said) -> str:
    """Section 3.3: the exact contribution over |beta| at the printed ratio, from the worst start; then as in the paper."""
    ratio = sp.Integer(3)
    worst = [_per_unit(ratio, start) for start in (sp.Integer(0), ONE)]
    new = setting.value(EXACT.contribution() / B, NEW | {B: setting.WEIGHT})
    return (
        f"At |β| of {ratio} k the contribution is {setting.value(worst[0]):.3g} |β| from the start zero, and as little as "
        f"{setting.value(worst[1]):.3g} |β| from starts near k; the factor {corrected.coefficient} is exceeded from "
        f"{setting.value(corrected.ratio):.3g} k on. A new feature of the paper's setting costs {new:.3g} |β|."
    )


def _per_unit(ratio: Expression, start: Expression) -> Expression:
    """The contribution over |beta| at a ratio to the scale, from a start in units of the scale."""
    return DIVERGENCE.subs({B: ratio, START: start, K: 1}) / ratio


@claim(
    id="factor-two",
    where="section 3.3",
    statement="for small initialisations the PT+FT contribution exceeds the MTL coefficient: it is more than <coefficient> "
    "times $|\\beta|$ wherever $|\\beta|$ is at least <ratio> times $k$, where <theory>",
    printed=_exceeds(PRINTED, sp.Integer(3)),
    exact=_exceeds(EXACT, sp.Integer(3)),
    corrected=_exceeds(EXACT, sp.Rational(15, 2)),
    size=size_of_factor,
    twins={
        "from seven times on": _exceeds(EXACT, sp.Integer(7)),
        "a larger factor": _exceeds(EXACT, sp.Rational(15, 2), sp.Integer(3)),
        "the printed theory from twice on": _exceeds(PRINTED, sp.Integer(2)),
    },
    siblings={
        "further out": _exceeds(EXACT, sp.Integer(10)),
        "a smaller factor": _exceeds(EXACT, sp.Rational(15, 2), sp.Rational(19, 10)),
        "the printed theory": _exceeds(PRINTED, sp.Integer(3)),
    },
    reads=("for small initialisations: where the weight is so many times the scale",),
    expected=Verdict.CORRECTED,
    source=SOURCE,
)
def factor(proof: Derivation, stated: Said) -> None:
    """Section 3.3: the contribution per unit of the weight rises with the weight and falls with the start."""
    stated.theory.defined(proof)
    closed_form(proof)
    at_zero = stated.theory.starts_at_zero
    start = sp.Integer(0) if at_zero else START
    contribution = DIVERGENCE.subs(START, start)
    slope = 2 * (ROOT - ROOT_AT_START.subs(START, start)) / B**2
    proof.equal("the derivative of the contribution per unit of the weight", sp.diff(contribution / B, B), slope)
    proof.argue("is positive beyond the start, where the root is larger: so the least weight decides", Theorem.MEAN_VALUE)
    if not at_zero:
        proof.equal("its derivative in the start", sp.diff(DIVERGENCE, START), -2 * (B - START) / ROOT_AT_START)
        starts_below_its_scale(proof)
        proof.argue("is negative below the weight: so the worst start is that at the scale itself", Theorem.MEAN_VALUE)
    scaled = contribution.subs({B: T * B, K: T * K, START: T * START}, simultaneous=True)
    proof.equal("weight, scale and start scale together", scaled, T * contribution)
    surplus = _per_unit(stated.ratio, sp.Integer(0) if at_zero else ONE) - stated.coefficient
    proof.positive("at the least ratio the contribution per unit exceeds the stated factor", surplus)


def _sensitivity(quantity: Expression, bound: Expression) -> Said:
    return Said(quantity=quantity, bound=bound)


@claim(
    id="l12-insensitive",
    where="section 3.3",
    statement="for $|\\beta|$ above $|\\beta^{aux}|$ the MTL penalty quickly grows insensitive to the latter: the "
    "logarithmic derivative of <quantity> in $|\\beta^{aux}|$ is below <bound> in size, where $t$ is the ratio of the two",
    printed=_sensitivity(WHOLE, T**-2),
    twins={
        "faster, like the cube": _sensitivity(WHOLE, T**-3),
        "the excess as fast": _sensitivity(EXCESS, T**-2),
        "half the bound": _sensitivity(WHOLE, T**-2 / 2),
        "what finetuning minimises as fast": _sensitivity(DIVERGENCE.subs({START: 0, K: AUX, B: SIZE}), T**-2),
    },
    siblings={
        "slower, in inverse proportion": _sensitivity(WHOLE, 1 / T),
        "the exact sensitivity, and a little": _sensitivity(WHOLE, sp.Rational(101, 100) / (1 + T**2)),
    },
    reads=("insensitive: by the logarithmic derivative; quickly: like a power of the ratio",),
    expected=Verdict.PROVED,
    source=SOURCE,
)
def insensitive(proof: Derivation, stated: Said) -> None:
    """Section 3.3: the logarithmic derivative of the MTL penalty in |beta_aux|, at the ratio t."""
    derivative = AUX * sp.diff(sp.log(stated.quantity), AUX)
    sensitivity = sp.simplify(sp.Abs(derivative.subs(SIZE, T * AUX)))
    holds = proof.positive_between("the sensitivity is below the bound at ratios above one", stated.bound - sensitivity, T, 1)
    if holds:
        excess = sp.simplify((AUX * sp.diff(sp.log(EXCESS), AUX)).subs(SIZE, T * AUX))
        proof.equal("that of the excess over the auxiliary task's own", excess, -1 / sp.sqrt(1 + T**2))
        ratio = 3
        there = [setting.value(value.subs(T, ratio)) for value in (sensitivity, -excess)]
        proof.note(f"At {ratio} times |β_aux| the penalty's sensitivity is {there[0]:.2g}, its excess's {there[1]:.2g}.")


def _stays(theory: Theory, low: Expression, numerator: Expression = ONE) -> Said:
    return Said(theory=theory, low=low, high=sp.Integer(10**6), least=numerator / (1 + sp.log(2 * T)))


STAYS = _stays(EXACT, sp.Integer(6))


def size_of_sensitivity(printed: Said, _: Said) -> str:
    """Section 3.3: the sensitivity at small ratios, from the paper's start and from the worst one."""
    start = setting.value(sp.asinh(EXACT.start / EXACT.scale), LEARNED)
    bound = setting.value(printed.least.subs(T, 2))
    near, worst = (_sensitivity_at(2, angle) for angle in (-sp.Float(start, 30), -sp.asinh(1)))
    return (
        f"At twice the scale the sensitivity is {near:.3g} on a learned feature of the paper's setting, whose start of the "
        f"opposite sign is {setting.value(EXACT.start / EXACT.scale, LEARNED):.2g} times the scale, where {bound:.3g} is "
        f"printed; from starts as large as the scale it is {worst:.3g}."
    )


def _sensitivity_at(ratio: int, start: Expression = 0) -> float:
    """How far the order exceeds 1 at a ratio, from a start that is the hyperbolic sine of an angle."""
    return setting.value((RISE / HALF).subs({FAR_ANGLE: sp.asinh(ratio), START_ANGLE: start}))


@claim(
    id="q-sensitive",
    where="section 3.3",
    statement="what finetuning minimises stays sensitive well into its $\\ell_1$-like range: scale and start scaled "
    "together, it falls with a logarithmic derivative above <least> in size, at ratios $t$ of the weight to the scale from "
    "<low> to <high>, where <theory>",
    printed=_stays(PRINTED, ONE),
    exact=_stays(EXACT, ONE),
    corrected=STAYS,
    size=size_of_sensitivity,
    twins={
        "twice as sensitive": _stays(EXACT, sp.Integer(6), sp.Integer(2)),
        "from five times the scale on": _stays(EXACT, sp.Integer(5)),
        "as if it grew": _stays(EXACT, sp.Integer(6), T ** sp.Rational(1, 4)),
        "the printed theory, twice as sensitive": _stays(PRINTED, ONE, sp.Integer(2)),
    },
    siblings={
        "from eight times the scale on": _stays(EXACT, sp.Integer(8)),
        "nine tenths as sensitive": _stays(EXACT, sp.Integer(6), sp.Rational(9, 10)),
        "the printed theory": _stays(PRINTED, ONE),
    },
    reads=("well into: up to the largest ratio; starts of either sign, up to the scale, which finetuning's are below",),
    expected=Verdict.CORRECTED,
    source=SOURCE,
)
def sensitive(proof: Derivation, stated: Said) -> None:
    """Section 3.3: the sensitivity falls like an inverse logarithm, that of the MTL excess like the inverse ratio."""
    stated.theory.defined(proof)
    order_by_angles(proof)
    worst = sp.Integer(0)
    if not stated.theory.starts_at_zero:
        starts_below_its_scale(proof)
        order_rises_with_start(proof)
        worst = -angle(ONE)[1]
    at = {T: sp.sinh(FAR_ANGLE), START_ANGLE: worst}
    margin = ((RISE - stated.least * HALF) / sp.cosh(FAR_ANGLE)).subs(at)
    text = "from the least start the sensitivity exceeds the bound, the weight a hyperbolic sine"
    proof.certified(text, margin, {FAR_ANGLE: (angle(stated.low)[0], angle(stated.high)[1])})
    shown = (1, 10, 100, 10**4)
    proof.note(
        "; ".join(
            f"at ratio {ratio}: PT+FT from the start zero {_sensitivity_at(ratio):.3g}, MTL excess "
            f"{setting.value(1 / sp.sqrt(1 + sp.Integer(ratio) ** 2)):.2g}"
            for ratio in shown
        )
        + "."
    )


if __name__ == "__main__":
    sys.exit(run_alone())
