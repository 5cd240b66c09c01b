"""Section 4.2: the nested feature-selection regime, with numbers for "l2-like", "approximately l1" and "dependence".

An order of 2 is l2, of 1 is l1. For Q, order + dependence = 1 at every ratio: how far the order lies above 1 is exactly
how strongly the penalty depends on what pretraining learned. The regime is the range of ratios where both are visible.
"""

from __future__ import annotations

import sys
from typing import Any

import sympy as sp

from normtheory.audit.alone import run_alone
from normtheory.audit.claims import Verdict, claim
from normtheory.audit.derivation import Derivation
from normtheory.proofs import setting
from normtheory.proofs.comparison import HALF, RISE, order_at, order_of_q, ratio_of_order
from normtheory.proofs.one_output import ALPHA, GAMMA, finetuning_formula
from normtheory.proofs.one_output import A as AUX
from normtheory.proofs.parameter_norm import EXCESS, WHOLE, A, B
from normtheory.proofs.q_facts import PENALTY, ROOT, K, T, penalty
from normtheory.proofs.q_facts import B as BETA
from normtheory.proofs.setting import number

Expression = Any

SOURCE = "Lindsey & Lippl 2024, section 4.2"
REGIME = (sp.Integer(100), sp.Integer(10**4))  # ratios |beta|/k
L1_LIKE, DEPENDENT = sp.Rational(5, 4), sp.Rational(1, 10)


Orders = tuple[Expression, Expression, Expression]


def size_of_order(printed: Orders, corrected: Orders) -> str:
    """Section 4.2: what doubling the weight of a shared feature does to each penalty, from |beta| = |beta_aux| on."""
    ratio, whole, least = printed
    k = sp.sqrt(finetuning_formula(sp.Integer(1)).squared)
    at = {A: setting.WEIGHT, AUX: setting.WEIGHT, ALPHA: setting.ALPHA, GAMMA: setting.GAMMA}
    once, twice = ({B: factor * ratio * setting.WEIGHT} for factor in (1, 2))
    penalties = (whole, corrected[1], penalty(B, k))
    factors = [setting.value(form.subs(twice) / form.subs(once), at) for form in penalties]
    order = setting.value((B * sp.diff(sp.log(whole), B)).subs(once), at)
    return (
        f"On a shared feature, |beta| = |beta_aux| = {number(setting.WEIGHT)}, the whole MTL penalty has order "
        f"{order:.2g}, not {float(least):.2g} or more: doubling the weight multiplies it by {factors[0]:.3g}, its excess by "
        f"{factors[1]:.3g}, the PT+FT penalty at the exact scale by {factors[2]:.3g} (l1: 2, l2: 4)."
    )


@claim(
    id="l2-at-one",
    where="section 4.2",
    statement=r"\text{both penalties are}\ \ell_2\text{-like even at}\ |\beta|/|\beta^{aux}| = 1:\ "
    r"\text{their order exceeds}\ 3/2",
    assumptions=("negligible gamma and alpha, as in Fig. 1a", "l2-like: of an order nearer to 2 than to 1"),
    printed=(sp.Integer(1), WHOLE, sp.Rational(3, 2)),
    corrected=(sp.Integer(1), EXCESS, sp.Rational(3, 2)),
    corrected_statement=r"\text{at}\ |\beta|=|\beta^{aux}|\ \text{the MTL penalty has order}\ \tfrac12,\ "
    r"\text{its excess over}\ 2|\beta^{aux}|\ \text{order}\ 1+\tfrac1{\sqrt2};\ \|\beta\|_Q\ \text{an order above}\ \tfrac32\ "
    r"\text{at}\ k=|\beta^{aux}|\ \text{and at the exact}\ k=|\beta^{aux}|/2",
    size=size_of_order,
    twins={
        "at the ratio 10, for the excess": (sp.Integer(10), EXCESS, sp.Rational(3, 2)),
        "an order above 19/10": (sp.Integer(1), EXCESS, sp.Rational(19, 10)),
        "the excess over |beta_aux|": (sp.Integer(1), WHOLE - A, sp.Rational(3, 2)),
    },
    expected=Verdict.CORRECTED,
    source=SOURCE,
)
def like_l2(proof: Derivation, stated: Orders) -> None:
    """Section 4.2: the orders of both penalties at the ratio one."""
    ratio, mtl, least = stated
    order = sp.simplify((B * sp.diff(sp.log(mtl), B)).subs(B, ratio * A))
    margin = order - least
    proof.positive(f"MTL: the order exceeds {least} at the ratio {ratio}", margin, margin)
    order_of_q(proof)
    for name, scale in (("k = |beta_aux|", 1), ("the exact k = |beta_aux|/2", 2)):
        margin = order_at(ratio * scale) - least
        proof.positive(f"PT+FT: so does the order of Q at {name}", margin, margin)


def in_regime(proof: Derivation, ends: tuple[Expression, Expression], most: Expression, least: Expression) -> None:
    """Section 4.2: at ratios between the ends the order is below `most` and the dependence above `least`.

    The order falls with the ratio, so that the ends decide.
    """
    order_of_q(proof)
    near, far = most - order_at(ends[0]), order_at(ends[1]) - 1 - least
    proof.positive(f"at the ratio {ends[0]}, and hence above, the order is below {most}", near, near)
    proof.positive(f"at the ratio {ends[1]}, and hence below, it exceeds 1 by more than {least}", far, far)


@claim(
    id="nested-order",
    where="section 4.2",
    statement=r"\text{order}+\text{dependence}=1;\ \text{at ratios}\ 10^2\le|\beta|/k\le 10^4\ \text{the order is}\ "
    r"\text{below}\ \tfrac54\ \text{and}\ "
    r"\frac{\partial\log\|\beta\|_Q}{\partial\log k} < -\tfrac1{10}",
    assumptions=("approximately l1: of an order below 5/4; an inverse dependence: of a power above 1/10",),
    printed=(*REGIME, L1_LIKE, DEPENDENT),
    twins={
        "from the ratio 10 on": (sp.Integer(10), REGIME[1], L1_LIKE, DEPENDENT),
        "up to the ratio 10^6": (REGIME[0], sp.Integer(10**6), L1_LIKE, DEPENDENT),
        "a dependence above 1/5 all along": (*REGIME, L1_LIKE, sp.Rational(1, 5)),
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def nested_range(proof: Derivation, stated: tuple[Expression, ...]) -> None:
    """Section 4.2: the sum rule, and the range of ratios in which both behaviours are visible."""
    low, high, most, least = stated
    orders = BETA * sp.diff(PENALTY, BETA) + K * sp.diff(PENALTY, K)
    proof.equal("Euler's relation: order + dependence = 1, times Q", orders, PENALTY)
    in_regime(proof, (low, high), most, least)
    start, end = ratio_of_order(float(L1_LIKE)), ratio_of_order(1 + float(DEPENDENT))
    excess = [float(sp.sqrt(1 / x**2 - 1)) for x in (L1_LIKE - 1, DEPENDENT)]
    proof.note(
        f"Order below {float(L1_LIKE)} and dependence above {float(DEPENDENT)} hold for Q at ratios {start:.3g} to "
        f"{end:.3g}, a factor {end / start:.3g}; for the MTL excess at ratios {excess[0]:.3g} to {excess[1]:.3g}, "
        f"a factor {excess[1] / excess[0]:.3g}."
    )


@claim(
    id="rescaling",
    where="section 4.2",
    statement=r"\text{rescaling after pretraining by}\ \tfrac1{70}\le c\le\tfrac18\ \text{moves features with}\ "
    r"|\beta|=|\beta^{aux}|\ \text{there; without it}\ (c=1)\ \text{their order exceeds}\ 1.7",
    assumptions=(
        "the factor multiplies the first layer, the second is reset to gamma",
        "c^2 alpha^2 + gamma^2 is at most 3/8 of c^2 |beta_aux|",
        "there: the ratios of nested-order",
    ),
    printed=(sp.Rational(1, 70), sp.Rational(1, 8)),
    twins={
        "factors from 1/2 to 1": (sp.Rational(1, 2), sp.Integer(1)),
        "factors above 1": (sp.Integer(1), sp.Integer(8)),
        "factors down to 1/1000": (sp.Rational(1, 1000), sp.Rational(1, 8)),
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def rescaling(proof: Derivation, factors: tuple[Expression, Expression]) -> None:
    """Section 4.2: the exact scale k falls with the factor c like c^2 |beta_aux|/2, so that the ratio rises."""
    c, a = sp.symbols("c a_0", positive=True)
    squared = finetuning_formula(c).squared.subs(AUX, a)
    slope = c**3 * a**2 + 4 * c * ALPHA**2 * (c**2 * ALPHA**2 + GAMMA**2)
    proof.equal("the derivative of the exact k^2 in c", sp.diff(squared, c), slope)
    proof.positive("is positive: a smaller factor gives a larger ratio", slope, slope)
    rest = sp.Symbol("rho", positive=True)
    excess = squared - (c**2 * a / 2) ** 2
    proof.positive("k > c^2 |beta_aux|/2, so the ratio is below 2/c^2", excess, (c**2 * ALPHA**2 + GAMMA**2) ** 2)
    within = (sp.Rational(5, 8) * c**2 * a) ** 2 - (c**2 * a / 2) ** 2 - (3 * c**2 * a / 8 - rest) ** 2
    proof.equal(
        "and where c^2 alpha^2 + gamma^2 = 3/8 c^2 |beta_aux| - rho, k < 5/8 c^2 |beta_aux|: the squares differ by",
        within,
        rest * (3 * c**2 * a / 4 - rest),
    )
    low, high = factors
    in_regime(proof, (8 / (5 * high**2), 2 / low**2), L1_LIKE, DEPENDENT)
    unscaled = order_at(2) - sp.Rational(17, 10)
    proof.positive("at c = 1 the ratio is below 2, where the order exceeds 1.7", unscaled, unscaled)


@claim(
    id="nested-distinct",
    where="section 4.2",
    statement=r"\text{the regime is neither lazy (order 2) nor rich (dependence 0): at ratios}\ 10^2\ \text{to}\ 10^4\ "
    r"\text{the order is below}\ \tfrac54\ \text{and the dependence stronger than}\ \tfrac1{10}",
    assumptions=("lazy: the limit of small ratios; rich: the limit of large ones",),
    printed=(L1_LIKE, DEPENDENT),
    twins={
        "as independent of pretraining as the rich regime, order below 1.05": (sp.Rational(21, 20), DEPENDENT),
        "as dependent as the lazy regime, dependence above 1/2": (L1_LIKE, sp.Rational(1, 2)),
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def distinct(proof: Derivation, stated: tuple[Expression, Expression]) -> None:
    """Section 4.2: the order lies strictly between 2 and 1 at every ratio, and well away from both in the regime."""
    in_regime(proof, REGIME, *stated)
    proof.positive("the order exceeds 1 everywhere: its excess has the numerator", RISE, T**2 / (1 + ROOT))
    numerator = 2 * HALF - (RISE + HALF)
    proof.positive_by_taylor("and is below 2: 2 - order has the numerator", numerator, T, 2, T**2 / ROOT**3)


if __name__ == "__main__":
    sys.exit(run_alone())
