"""Section 3.1: the limits that the paper reads off the Q penalty, and what it does with each feature."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from typing import Any

import sympy as sp

from normtheory.audit.alone import run_alone
from normtheory.audit.claims import Verdict, claim
from normtheory.audit.derivation import Derivation
from normtheory.penalties import WeightedL2
from normtheory.proofs import package_numerics, setting
from normtheory.proofs.finetuning import AUX, SOURCE, Expression
from normtheory.proofs.one_output import (
    GAMMA,
    ROUND_OFF,
)
from normtheory.proofs.q_facts import (
    FAR_ROOT,
    PENALTY,
    ROOT,
    UNIT,
    B,
    K,
    T,
    X,
    far_form,
    far_gap,
    logarithms,
    penalty,
    unit_form,
)
from normtheory.proofs.setting import number, percent


@dataclass(frozen=True)
class Weighted:
    """The claim of q-small: near 0 the contribution is `weight` b^2."""

    weight: Expression


def size_of_weight(printed: Weighted, corrected: Weighted) -> str:
    """Section 3.1, small ratio: the weights of beta^2 on learned and on other features."""
    learned, other = {AUX: setting.WEIGHT, GAMMA: setting.GAMMA}, {AUX: 0, GAMMA: setting.GAMMA}
    surplus = setting.value(printed.weight / corrected.weight - 1, learned)
    weights = [number(setting.value(stated.weight, other)) for stated in (printed, corrected)]
    return (
        f"The printed weight of beta^2 in the PT+FT penalty is {surplus:.2e} of itself too large on the {setting.FEATURES} "
        f"learned features, |beta_aux| = {number(setting.WEIGHT)}, gamma = {number(setting.GAMMA)}; on the "
        f"{setting.INPUTS - setting.FEATURES} others, beta_aux = 0, it is {weights[0]} and the true one {weights[1]}."
    )


@claim(
    id="q-small",
    where="section 3.1, after Eq. 3",
    statement=r"|\beta|/(|\beta^{aux}|+\gamma^2)\to 0:\ \text{the contribution converges to}\ \beta^2/|\beta^{aux}|",
    assumptions=("the penalty of Eq. 3 with k = |beta_aux| + gamma^2", "gamma > 0"),
    printed=Weighted(1 / AUX),
    corrected=Weighted(1 / (AUX + GAMMA**2)),
    corrected_statement=r"\frac{\beta^2}{k}\Big(1-\frac{\beta^2}{12k^2}\Big) \le \|\beta\|_Q \le \frac{\beta^2}{k},\quad "
    r"k = |\beta^{aux}|+\gamma^2",
    size=size_of_weight,
    twins={
        "twice as much": Weighted(2 / (AUX + GAMMA**2)),
        "half as much": Weighted(1 / (2 * (AUX + GAMMA**2))),
        "gamma for gamma^2": Weighted(1 / (AUX + GAMMA)),
    },
    expected=Verdict.CORRECTED,
    source=SOURCE,
)
def small_weights(proof: Derivation, stated: Weighted) -> None:
    """Section 3.1, small ratio: the coefficient of b^2, then two-sided bounds with the rate b^2/(12 k^2)."""
    k = AUX + GAMMA**2
    contribution = penalty(B, k)
    proof.equal("the contribution vanishes at 0", contribution.subs(B, 0), 0)
    proof.equal("so does its derivative", sp.diff(contribution, B).subs(B, 0), 0)
    coefficient = sp.diff(contribution, B, 2).subs(B, 0) / 2
    if not proof.equal("half the second derivative is the coefficient of b^2", coefficient, stated.weight):
        ratio = sp.factor(stated.weight / (1 / k))
        proof.note(f"The stated coefficient is {ratio} times the true one.")
        return
    unit_form(proof)
    proof.equal("the stated weight at b = kt, in units of k", k * T**2 * stated.weight, T**2)
    proof.positive_by_taylor("t^2 is an upper bound", T**2 - UNIT, T, 2, 2 * T**2 / (ROOT * (1 + ROOT)))
    lower = T**2 * (1 - T**2 / 12)
    proof.positive_by_taylor("t^2 (1 - t^2/12) a lower one", UNIT - lower, T, 2, T**4 * (ROOT + 2) / (ROOT * (1 + ROOT) ** 2))


SLOPE = sp.Symbol("c", positive=True)


LATER = sp.Symbol("tau", positive=True)


BEYOND = LATER + sp.exp(SLOPE / 2 + 2)  # t = 2 + BEYOND lies as far out as one likes, and further for a larger slope c


def slopes_of_new_features(corrected: tuple[Expression, Expression | None]) -> str:
    """Section 3.1, large ratio: Q over |beta| on features that pretraining did not learn, where a constant was printed."""
    k, weights = setting.GAMMA**2, (setting.WEIGHT / 10, setting.WEIGHT)
    near, far = (setting.value(UNIT / T, {T: weight / k}) for weight in weights)
    misses = max(abs(setting.value((corrected[0] + 2 / T) / (UNIT / T) - 1, {T: weight / k})) for weight in weights)
    return (
        f"On features that pretraining did not learn, k = {float(k):.0e}, the PT+FT penalty is {near:.3g} |beta| at |beta| = "
        f"{setting.value(weights[0]):.3g} and {far:.3g} |beta| at {setting.value(weights[1]):.3g}, "
        f"{percent(far / near - 1)} more, where one factor is printed; the corrected form is off by at most {misses:.0e} of it"
    )


def size_of_slope(_: tuple[Expression, None], corrected: tuple[Expression, Expression]) -> str:
    """Section 3.1, large ratio: the slope is not constant, and not 2 log(1/k) yet."""
    k = setting.GAMMA**2
    order, slope = setting.value(2 * sp.log(1 / k)), setting.value(UNIT / T, {T: setting.WEIGHT / k})
    return (
        f"{slopes_of_new_features(corrected)}. The order log(1/k), with its limiting factor 2, gives {order:.3g}, "
        f"{percent(order / slope - 1)} above the latter."
    )


@claim(
    id="q-large",
    where="section 3.1, after Eq. 3",
    statement=r"|\beta|/(|\beta^{aux}|+\gamma^2)\to\infty:\ \text{the contribution approaches}\ c|\beta|,\ "
    r"c\sim O(\log(1/(|\beta^{aux}|+\gamma^2)))",
    assumptions=(
        "the penalty of Eq. 3 with k = |beta_aux| + gamma^2",
        "c does not depend on beta; the ratio may grow in either way, k -> 0 or |beta| -> infinity",
    ),
    printed=(SLOPE, None),
    corrected=(2 * (sp.log(2 * T) - 1), sp.Integer(2)),
    corrected_statement=r"0 \le 2|\beta|\Big(\log\frac{2|\beta|}{k}-1\Big)+2k-\|\beta\|_Q \le \frac{k^2}{2|\beta|}:\ "
    r"c \sim 2\log(1/k)\ \text{as}\ k\to 0\ \text{at fixed}\ \beta,\ \text{but}\ 2|\beta|\log|\beta|\ \text{at fixed}\ k",
    size=size_of_slope,
    twins={
        "half the slope": (sp.log(2 * T) - 1, sp.Integer(2)),
        "the slope 2 log(2t)": (2 * sp.log(2 * T), sp.Integer(2)),
        "remainder k^2/(3|b|)": (2 * (sp.log(2 * T) - 1), sp.Integer(3)),
        "the slope sqrt(t)": (sp.sqrt(T), sp.Integer(2)),
    },
    expected=Verdict.CORRECTED,
    source=SOURCE,
)
def large_weights(proof: Derivation, stated: tuple[Expression, Expression | None]) -> None:
    """Section 3.1, large ratio: no constant slope is approached at fixed k; the two-sided bound that holds in both limits.

    With t = |b|/k the contribution is k h(t), and the slope stated is that of h. "Approaches slope times t" entails that h/t
    stays within 1 of the slope from some t on; it is tried at t = 2 + tau + exp(c/2 + 2), for every c and tau > 0.
    """
    slope, divisor = stated
    unit_form(proof)
    far_form(proof)
    gap = far_gap()
    proof.positive_by_taylor("U is positive", gap, X, 1, 2 * X / (1 + FAR_ROOT))
    proof.positive_by_taylor("and below x^2/2", X**2 / 2 - gap, X, 1, X**3 / (1 + FAR_ROOT) ** 2)
    exceeds_every_slope(proof)
    u, far, at = sp.Symbol("u", positive=True), {T: 2 + BEYOND}, {X: 1 / (2 + BEYOND)}
    excess = (UNIT / T - slope).subs(far)
    form = BEYOND / (2 + BEYOND) + u
    above = proof.positive("h/t is less than 1 above the slope there", 1 - excess, form, {u: gap}, at, by=far_out)
    form = 1 + (7 + 4 * BEYOND) / (2 * (2 + BEYOND) ** 2) + u
    below = proof.positive("and less than 1 below it", 1 + excess, form, {u: X**2 / 2 - gap}, at, by=far_out)
    if divisor is None or not (above and below):
        return
    main = T * slope + 2
    expanded = main - T * gap.subs(X, 1 / T)
    proof.equal("h = t slope + 2 - t U(1/t)", UNIT, expanded, by=lambda e: logarithms(e.subs(T, 1 / X)))
    proof.positive_by_taylor("where 0 < U", gap, X, 1, 2 * X / (1 + FAR_ROOT))
    proof.positive_by_taylor("and U < x^2/2, the remainder k^2/(2|b|)", X**2 / divisor - gap, X, 1, X**3 / (1 + FAR_ROOT) ** 2)
    b = sp.Symbol("b", positive=True)
    in_b = K * main.subs(T, b / K)
    split = 2 * b * sp.log(1 / K) + 2 * b * (sp.log(2 * b) - 1) + 2 * K
    proof.equal("in b and k the slope is 2 log(1/k) + 2 log(2b) - 2", in_b, split, by=sp.expand_log)


def exceeds_every_slope(proof: Derivation) -> None:
    """Section 3.1: h(t)/t > c + 1 at t = 2 + tau + exp(c/2 + 2): no constant slope is approached as |b| -> infinity."""
    v, grown = sp.Symbol("v", positive=True), sp.exp(SLOPE / 2 + 2)
    form = 2 * sp.log(1 + (2 + LATER) / grown) + 2 * sp.log(2) + 1 + (7 + 4 * BEYOND) / (2 * (2 + BEYOND) ** 2) + v
    proof.positive(
        "h/t exceeds every constant c by more than 1 far out",
        (UNIT / T).subs(T, 2 + BEYOND) - SLOPE - 1,
        form,
        {v: X**2 / 2 - far_gap()},
        {X: 1 / (2 + BEYOND)},
        by=far_out,
    )


def far_out(expression: Expression) -> Expression:
    """Write tau in terms of x = 1/t, t = 2 + tau + exp(c/2 + 2)."""
    return logarithms(expression.subs(LATER, 1 / X - 2 - sp.exp(SLOPE / 2 + 2)))


NEAR = sp.Symbol("y", positive=True)


@claim(
    id="q-reuse",
    where="section 3.1, after Eq. 3",
    statement=r"\text{for large}\ |\beta^{aux}|\ \text{the penalty is a weighted}\ \ell_2:\quad "
    r"\tfrac{99}{100}\,\frac{\beta^2}k < \|\beta\|_Q < \frac{\beta^2}k\ \text{if}\ |\beta|<\frac k3,\ k=|\beta^{aux}|+\gamma^2",
    assumptions=("the penalty of Eq. 3", "large: at least three times the weight; an l2 penalty: to one percent"),
    printed=(sp.Integer(1), sp.Rational(1, 3)),
    twins={
        "twice the weight 1/k": (sp.Integer(2), sp.Rational(1, 3)),
        "up to |beta| = k": (sp.Integer(1), sp.Integer(1)),
        "half the weight 1/k": (sp.Rational(1, 2), sp.Rational(1, 3)),
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def reuse(proof: Derivation, stated: tuple[Expression, Expression]) -> None:
    """Section 3.1, features that pretraining learned: Q is b^2/k to a relative error of t^2/12, t = |b|/k."""
    weight, end = stated
    unit_form(proof)
    proof.positive_by_taylor("the stated l2 penalty is above h", weight * T**2 - UNIT, T, 2, 2 * T**2 / (ROOT * (1 + ROOT)))
    lower = T**2 * (1 - T**2 / 12)
    shortfall = UNIT - lower
    proof.positive_by_taylor("h is above t^2 (1 - t^2/12)", shortfall, T, 2, T**4 * (ROOT + 2) / (ROOT * (1 + ROOT) ** 2))
    u, at = sp.Symbol("u", positive=True), end / (1 + NEAR)
    rest = at**2 * (1 - weight * sp.Rational(99, 100) - at**2 / 12)
    form = u + (27 * NEAR**2 + 54 * NEAR + 2) / (2700 * (1 + NEAR) ** 2) * at**2
    below = (UNIT - weight * sp.Rational(99, 100) * T**2).subs(T, at)
    holds = proof.equal("t^2 (1 - t^2/12) exceeds 99/100 of it at t = 1/(3 (1 + y))", rest, form - u)
    proof.positive("and so does h", below, form, {u: shortfall}, {T: at})
    if holds:
        deviation = package_numerics.norm_numerics_deviation("weighted l2", WeightedL2.expression())
        proof.witness("the package's float64 weighted l2 penalty", deviation, ROUND_OFF)


@claim(
    id="q-new",
    where="section 3.1, after Eq. 3",
    statement=r"\text{for small}\ |\beta^{aux}|\ \text{the penalty is}\ \ell_1:\quad "
    r"\frac{\|\beta\|_Q}{2\log(1/k)} = |\beta| + \frac{|\beta|(\log 2|\beta|-1)+k-\epsilon}{\log(1/k)},\ "
    r"0<\epsilon<\frac{k^2}{4|\beta|}",
    assumptions=("the penalty of Eq. 3 with k = |beta_aux| + gamma^2 < 1, beta held fixed as k -> 0",),
    printed=lambda b: b,
    twins={
        "twice the l1 penalty": lambda b: 2 * b,
        "an l2 penalty": lambda b: b**2,
        "the penalty sqrt|beta|": sp.sqrt,
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def new_features(proof: Derivation, limit: Any) -> None:
    """Section 3.1, features that pretraining did not learn: l1 in the limit, at the rate of an inverse logarithm."""
    far_form(proof)
    gap = far_gap()
    b = sp.Symbol("beta", positive=True)
    scaled = penalty(b, K) / 2
    remainder = b * (sp.log(2 * b) - 1) + K - b / 2 * gap.subs(X, K / b)
    ratio = sp.Symbol("r", positive=True)
    proof.equal(
        "half of Q is log(1/k) times the limit, and a remainder that stays bounded as k -> 0",
        scaled,
        limit(b) * sp.log(1 / K) + remainder,
        by=lambda e: logarithms(sp.expand_log(e.subs(b, ratio).subs(K, X * ratio))),
    )
    proof.positive_by_taylor("where U is positive", gap, X, 1, 2 * X / (1 + FAR_ROOT))
    proof.positive_by_taylor("and below x^2/2, x = k/|b|", X**2 / 2 - gap, X, 1, X**3 / (1 + FAR_ROOT) ** 2)
    k = float(setting.GAMMA**2)
    slopes = [2 * (math.log(2 * size / k) - 1) for size in (0.1, 1.0)]
    proof.note(
        f"At the paper's k = {k:.0e} of unlearned features the cost per unit rises from {slopes[0]:.3g} at |beta| = 0.1 "
        f"to {slopes[1]:.3g} at |beta| = 1: {100 * (slopes[1] / slopes[0] - 1):.0f} % away from proportionality."
    )


@claim(
    id="q-decreasing",
    where="section 3.1, after Eq. 3",
    statement=r"\|\beta\|_Q\ \text{decreases with}\ |\beta^{aux}_d|\ \text{(strictly, where}\ \beta_d\ne 0)",
    assumptions=("the penalty of Eq. 3 with k = |beta_aux| + gamma^2",),
    printed=penalty(T, AUX + GAMMA**2),
    twins={
        "the l1,2 penalty 2 sqrt(beta^2 + beta_aux^2), which increases": 2 * sp.sqrt(T**2 + AUX**2),
        "k = 1/(|beta_aux| + gamma^2)": penalty(T, 1 / (AUX + GAMMA**2)),
        "the weighted l2 penalty |beta_aux| beta^2": AUX * T**2,
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def decreasing(proof: Derivation, contribution: Expression) -> None:
    """Section 3.1: the derivative in |beta_aux| is negative; b = t > 0 is enough, the penalty being even in b."""
    proof.equal("Eq. 3 is even in b", PENALTY.subs(B, -B), PENALTY)
    k = AUX + GAMMA**2
    form = 2 * T**2 / (k * (sp.sqrt(T**2 + k**2) + k))
    proof.positive("minus the derivative in |beta_aux|", -sp.diff(contribution, AUX), form)


if __name__ == "__main__":
    sys.exit(run_alone())
