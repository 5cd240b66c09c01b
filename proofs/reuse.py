"""Section 3.1, reuse: which features finetuning is said to reuse, how strongly, and what its start changes."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import sympy as sp

from normtheory.audit.alone import run_alone
from normtheory.audit.claims import Verdict, claim
from normtheory.audit.derivation import Derivation
from normtheory.audit.notation import symbol
from normtheory.audit.statements import Said
from normtheory.penalties import WeightedL2
from normtheory.proofs import package_numerics, setting
from normtheory.proofs.exact_formulas import finetuning_formula, on_orbit
from normtheory.proofs.finetuned import (
    DIVERGENCE,
    EXACT,
    ONE,
    PRINTED,
    ROOT_AT_START,
    Theory,
    closed_form,
    falls_beyond_its_start,
    quadratic_bounds,
    starts_below_its_scale,
)
from normtheory.proofs.finetuning import SOURCE
from normtheory.proofs.finetuning_limits import LEARNED
from normtheory.proofs.letters import ALPHA, AUX, GAMMA, START, A, B, K, T
from normtheory.proofs.optimality import PULL
from normtheory.proofs.package_numerics import ROUND_OFF
from normtheory.proofs.setting import number, percent

Expression = Any

REACH, SHARE = sp.Rational(1, 8), sp.Rational(99, 100)
SQUARE = (B - START) ** 2 / K


def _between(theory: Theory, square: Expression, share: Expression = SHARE, reach: Expression = REACH) -> Said:
    return Said(theory=theory, least=share * square, most=square, reach=reach)


def size_of_reuse(printed: Said, corrected: Said) -> str:
    """Section 3.1, learned features: the exact contribution against both weighted l2 penalties."""
    b = corrected.reach * setting.value(EXACT.scale, LEARNED)
    exact = setting.value(EXACT.contribution(b), LEARNED)
    said, holds = (setting.value(theory.at(SQUARE).subs(B, b), LEARNED) for theory in (PRINTED, EXACT))
    return (
        f"On a learned feature, |β_aux| = {number(setting.WEIGHT)}, α = γ = {number(setting.GAMMA)}, the exact contribution of "
        f"β = {number(b)} is {exact / said:.4g} times the printed weighted l2 penalty and {exact / holds:.4g} times the "
        f"corrected one."
    )


@claim(
    id="q-reuse",
    where="section 3.1, after Eq. 3",
    statement="for large $|\\beta^{aux}|$ the penalty is a weighted $\\ell_2$: while $|\\beta|$ and $|\\beta(0)|$ are at most "
    "<reach> times $k$, the contribution is at least <least> and at most <most>, where <theory>",
    printed=_between(PRINTED, B**2 / K),
    exact=_between(EXACT, B**2 / PRINTED.scale),
    corrected=_between(EXACT, SQUARE),
    size=size_of_reuse,
    twins={
        "twice the weight": _between(EXACT, 2 * SQUARE),
        "half the weight": _between(EXACT, SQUARE / 2),
        "out to the scale itself": _between(EXACT, SQUARE, reach=ONE),
        "to one in a thousand": _between(EXACT, SQUARE, share=sp.Rational(999, 1000)),
        "the printed theory, twice the weight": _between(PRINTED, 2 * B**2 / K),
    },
    siblings={
        "nearer to the start": _between(EXACT, SQUARE, reach=REACH / 2),
        "less of it": _between(EXACT, SQUARE, share=sp.Rational(9, 10)),
        "a looser upper bound": _between(EXACT, SQUARE).but(most=2 * SQUARE),
    },
    reads=("large: beyond the weight and the start by the stated factor; an $\\ell_2$ penalty: between the stated bounds",),
    expected=Verdict.CORRECTED,
    source=SOURCE,
)
def reuse(proof: Derivation, stated: Said) -> None:
    """Section 3.1, features that pretraining learned: a squared distance from the start, over the scale."""
    stated.theory.defined(proof)
    theory = stated.theory
    bounds = quadratic_bounds(proof, theory.letter, stated.reach)
    if stated.most.free_symbols <= {B, K, START}:
        proof.exceeds("the contribution is not above the stated one", stated.most, bounds.divergence, bounds.above)
        proof.exceeds("and not below the stated share of it", bounds.divergence, stated.least, bounds.below)
    else:
        _within_reach(proof, stated)
    deviation = package_numerics.norm_numerics_deviation("weighted l2", WeightedL2.expression())
    proof.witness("the package's float64 weighted l2 penalty", deviation, ROUND_OFF)


def _within_reach(proof: Derivation, stated: Said) -> None:
    """The bounds where alpha and gamma are so small that the start is within half the reach."""
    theory, share = stated.theory, sp.Symbol("s", positive=True)
    small = {ALPHA: stated.reach * sp.sqrt(AUX) / 4, GAMMA: stated.reach * sp.sqrt(AUX) / 4}
    weight = (stated.reach * theory.scale * share / (1 + share)).subs(small)
    contribution, most, least = (
        theory.at(part).subs(small).subs(B, weight) for part in (DIVERGENCE, stated.most, stated.least)
    )
    text = "where alpha and gamma are small the contribution is not above the stated one, at a share of the reach"
    proof.positive(text, most - contribution, strict=False)
    proof.positive("and not below the stated share of it", contribution - least, strict=False)


SIGNED = symbol("b", r"\beta", "β", real=True, nonzero=True)


def size_of_rise(_: Said, __: Said) -> str:
    """Section 3.1: how far the exact contribution of a weight opposite to its start rises with |beta_aux|."""
    weight, tiny = -setting.WEIGHT, sp.Rational(22, 10**7)
    penalties = [
        setting.value(EXACT.contribution(weight), LEARNED | {AUX: aux}) for aux in (sp.Integer(0), tiny, setting.WEIGHT)
    ]
    return (
        f"At |β| = {number(setting.WEIGHT)} of the sign opposite to β_aux, α = γ = {number(setting.GAMMA)}, the exact "
        f"contribution rises from {penalties[0]:.4g} on a new feature to {penalties[1]:.4g} at |β_aux| = {number(tiny)}, by "
        f"{percent(penalties[1] / penalties[0] - 1)}, before it falls to {penalties[2]:.4g} at {number(setting.WEIGHT)}."
    )


def _falls(theory: Theory, weight: Expression) -> Said:
    return Said(theory=theory, weight=weight)


BEYOND_START = _falls(EXACT, START + T)


@claim(
    id="q-decreasing",
    where="section 3.1, after Eq. 3",
    statement="the contribution of a weight <weight> decreases as $|\\beta^{aux}|$ grows, where <theory>",
    printed=_falls(PRINTED, SIGNED),
    exact=_falls(EXACT, SIGNED),
    corrected=BEYOND_START,
    corrected_statement="the contribution of a weight <weight>, beyond its start, decreases as $|\\beta^{aux}|$ grows, where "
    "<theory>; with all signs reversed it is the same",
    size=size_of_rise,
    twins={
        "before its start": _falls(EXACT, START - T),
        "of the opposite sign": _falls(EXACT, -T),
        "a scale that falls": _falls(Theory("inverse", 1 / (AUX + GAMMA**2), sp.Integer(0)), SIGNED),
    },
    siblings={
        "twice as far": _falls(EXACT, START + 2 * T),
        "for the printed theory, of either sign": _falls(PRINTED, SIGNED),
    },
    expected=Verdict.CORRECTED,
    source=SOURCE,
)
def decreasing(proof: Derivation, stated: Said) -> None:
    """Section 3.1: the derivative in |beta_aux| at a fixed weight."""
    theory, weight = stated.theory, stated.weight
    slope = sp.diff(theory.contribution(), AUX).subs(B, theory.at(weight))
    text = "minus the contribution's derivative in the auxiliary weight"
    if theory.starts_at_zero:
        k = theory.scale
        form = 2 * weight**2 / (k * (sp.sqrt(weight**2 + k**2) + k))
        proof.positive(text, -slope, form)
    elif (weight - START).is_positive:
        reversed_signs = DIVERGENCE.subs({B: -B, START: -START}, simultaneous=True)
        proof.equal("the contribution is the same with both signs reversed", reversed_signs, DIVERGENCE)
        falls_beyond_its_start(proof)
    else:
        proof.positive(text, -slope)
    theory.defined(proof)


@dataclass(frozen=True)
class Feature:
    """Exact weights of a feature in the two teachers."""

    main: Expression
    aux: Expression

    @property
    def task(self) -> str:
        """The task it is specific to."""
        return "the main task" if self.aux == 0 else "the auxiliary task" if self.main == 0 else "both tasks"

    def in_text(self) -> str:
        """In words."""
        return self.task

    in_latex = in_text

    @property
    def size(self) -> Expression:
        """The weight at which its penalty is looked at: the larger one of both teachers'."""
        return max(self.main, self.aux)


MOST = sp.Rational(5, 4)  # an order nearer to 1 than to 2, with as much again to spare


def order(theory: Theory, at: dict[Expression, Expression], weight: Expression) -> Expression:
    """Order of the contribution in the weight, d log P/d log|beta|, at exact numbers."""
    contribution = theory.contribution()
    return (B * sp.diff(contribution, B) / contribution).subs(at).subs(B, weight)


def _specific(feature: Feature, theory: Theory = EXACT, most: Expression = MOST) -> Said:
    return Said(feature=feature, theory=theory, most=most, alpha=setting.ALPHA, gamma=setting.GAMMA)


TO_MAIN, TO_AUX = Feature(setting.WEIGHT, sp.Integer(0)), Feature(sp.Integer(0), setting.WEIGHT)


def size_of_order(printed: Said, corrected: Said) -> str:
    """Section 3.1, whose features: the exact order on features of either teacher alone."""
    orders = [
        setting.value(order(EXACT, LEARNED | {AUX: stated.feature.aux}, stated.feature.size)) for stated in (printed, corrected)
    ]
    return (
        f"At |β| = {number(setting.WEIGHT)}, α = γ = {number(setting.GAMMA)}, the exact order is {orders[0]:.3g} on a "
        f"feature of the auxiliary teacher alone, and {orders[1]:.3g} on one of the main teacher alone."
    )


@claim(
    id="q-own-task",
    where="section 3.1, after Eq. 3",
    statement="for features specific to <feature> finetuning is biased to an $\\ell_1$ penalty: at the size $|\\beta|$ of "
    "their teacher's weight, <feature.size>, its order is below <most>, with $\\alpha$ <alpha> and $\\gamma$ <gamma>, where "
    "<theory>",
    printed=_specific(TO_AUX, PRINTED),
    exact=_specific(TO_AUX),
    corrected=_specific(TO_MAIN),
    size=size_of_order,
    twins={
        "shared features": _specific(Feature(setting.WEIGHT, setting.WEIGHT)),
        "of the main task, a smaller order": _specific(TO_MAIN, most=sp.Rational(21, 20)),
    },
    siblings={
        "by the printed theory": _specific(TO_MAIN, PRINTED),
        "a larger order": _specific(TO_MAIN, most=sp.Rational(3, 2)),
    },
    reads=(
        "specific to a task: with a weight in that task's teacher alone",
        "an $\\ell_1$ penalty: its order, the logarithmic derivative in $|\\beta|$, is below the stated one",
    ),
    expected=Verdict.CORRECTED,
    source=SOURCE,
)
def own_task(proof: Derivation, stated: Said) -> None:
    """Section 3.1: the order of the contribution of a feature that one teacher has and the other has not."""
    stated.theory.defined(proof)
    at = {AUX: stated.feature.aux, ALPHA: stated.alpha, GAMMA: stated.gamma}
    found = order(stated.theory, at, stated.feature.size)
    proof.positive("the order is below the stated one", stated.most - found)
    proof.note(f"The order is {setting.value(found):.3g}.")


def _proportion(theory: Theory, response: Expression, share: Expression, rest: Expression) -> Said:
    return Said(theory=theory, response=response, share=share, rest=rest)


REACHED = K * sp.sinh(sp.asinh(START / K) + PULL)
EXACT_RESPONSE = _proportion(EXACT, sp.sqrt(AUX**2 / 4 + ALPHA**4) + GAMMA**2, sp.Rational(1, 2), ALPHA**2 + GAMMA**2)


@claim(
    id="reuse-proportion",
    where="section 3.1, after Eq. 3",
    statement="learned features are reused in proportion to their auxiliary weight, up to the initialisation: a pull of the "
    "data moves a weight, to first order, <response> times as far, which is at least <share> times $|\\beta^{aux}|$, and "
    "exceeds that by at most <rest>, where <theory>",
    printed=_proportion(PRINTED, PRINTED.scale, ONE, GAMMA**2),
    exact=EXACT_RESPONSE,
    twins={
        "twice the response": EXACT_RESPONSE.but(response=2 * EXACT_RESPONSE.response),
        "a larger share": EXACT_RESPONSE.but(share=sp.Rational(3, 5)),
        "without alpha in the rest": EXACT_RESPONSE.but(rest=GAMMA**2),
        "the scale for the response": EXACT_RESPONSE.but(response=EXACT.scale),
        "in proportion to the root": EXACT_RESPONSE.but(response=sp.sqrt(AUX)),
    },
    siblings={
        "a smaller share": EXACT_RESPONSE.but(share=sp.Rational(49, 100), rest=AUX / 100 + ALPHA**2 + GAMMA**2),
        "a larger rest": EXACT_RESPONSE.but(rest=ALPHA**2 + 2 * GAMMA**2),
    },
    reads=(
        "reuse: how far a pull $(X^\\top\\nu)_d$ of the data moves a weight from its start; how large the weight itself "
        "becomes is no such proportion, as the data decide the pulls",
    ),
    expected=Verdict.PROVED,
    source=SOURCE,
)
def proportion(proof: Derivation, stated: Said) -> None:
    """Section 3.1, "in proportion to their auxiliary task weight": the predictor's response to the data where it starts."""
    stated.theory.defined(proof)
    theory = stated.theory
    moved = sp.diff(REACHED, PULL).subs(PULL, 0)
    proof.equal("along the flow a pull moves the predictor from its start by", moved, ROOT_AT_START)
    if theory.starts_at_zero:
        proof.equal("which is the scale", stated.response, theory.scale)
        least, most = GAMMA**2, sp.Integer(0)
        proof.positive("it exceeds the auxiliary weight by", least)
    else:
        squared, start = finetuning_formula(ONE)
        proof.equal(
            "the squared scale and start add up to its square",
            squared + start**2,
            (stated.response**2).subs(AUX, A),
            by=on_orbit,
        )
        root = sp.sqrt(AUX**2 / 4 + ALPHA**4)
        least, most = root - AUX / 2, AUX / 2 + ALPHA**2 - root
        proof.positive("the root in it exceeds half the auxiliary weight by", least, ALPHA**4 / (root + AUX / 2))
        form = ALPHA**2 * AUX / (root + AUX / 2 + ALPHA**2)
        proof.positive("and lacks of that and the squared initialisation", most, form)
    proof.positive("it is positive", stated.response)
    share = stated.share * AUX
    proof.exceeds("it is not below the stated share of the auxiliary weight", stated.response, share, least)
    proof.exceeds("nor above it by more than the rest", share + stated.rest, stated.response, most)


SIGNS = Said(reflected=-B, difference=4 * B * sp.asinh(START / K), degree=ONE, least=START)


@claim(
    id="exact-sign",
    where="theory of one output (replaces Eq. 3)",
    statement="what finetuning minimises is not symmetric in the sign of $\\beta$ where $\\beta(0)$ is not zero: the "
    "contribution of <reflected> exceeds that of $\\beta$ by <difference>; it is least at <least>, and its order in "
    "$\\beta$, its dependence on $k$ and that on $\\beta(0)$, all logarithmic derivatives, add up to <degree>",
    printed=SIGNS,
    twins={
        "symmetric": SIGNS.but(difference=sp.Integer(0)),
        "half the difference": SIGNS.but(difference=SIGNS.difference / 2),
        "the opposite sign": SIGNS.but(difference=-SIGNS.difference),
        "least at zero": SIGNS.but(least=sp.Integer(0)),
        "of degree two": SIGNS.but(degree=sp.Integer(2)),
    },
    siblings={"the difference by its definition": SIGNS.but(difference=DIVERGENCE.subs(B, -B) - DIVERGENCE)},
    expected=Verdict.PROVED,
    source="theory of one output; Bregman divergences",
)
def exact_sign(proof: Derivation, stated: Said) -> None:
    """Theory of one output: sign symmetry, the least point, and the sum rule for order and dependences, from a start."""
    closed_form(proof)
    proof.equal(
        "the contribution with the weight's sign reversed", DIVERGENCE.subs(B, stated.reflected) - DIVERGENCE, stated.difference
    )
    proof.equal("where it is least it vanishes", DIVERGENCE.subs(B, stated.least), 0)
    form = 2 / sp.sqrt(B**2 + K**2)
    proof.nonnegative_by_convexity("and nowhere else is it less", DIVERGENCE, B, stated.least, form)
    sum_of_orders = sum(letter * sp.diff(DIVERGENCE, letter) for letter in (B, K, START))
    proof.equal("the sum of order and dependences, times the contribution", sum_of_orders, stated.degree * DIVERGENCE)
    starts_below_its_scale(proof)
    same, opposite = (setting.value(EXACT.contribution(sign * setting.WEIGHT), LEARNED) for sign in (1, -1))
    proof.note(
        f"On a learned feature in the paper's setting, |β| = |β_aux| = {number(setting.WEIGHT)}, a weight of the sign opposite "
        f"to β_aux costs {percent(opposite / same - 1)} more."
    )


if __name__ == "__main__":
    sys.exit(run_alone())
