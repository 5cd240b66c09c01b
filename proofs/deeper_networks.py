"""Section 3.2: why flow from small weights does not find the least parameter norm in deeper networks, by an exact problem."""

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
from normtheory.proofs.letters import ALPHA, SIZE

Expression = Any

T = symbol("t", real=True)  # where on their line an interpolator is
PULL = symbol("sigma_d", r"\sigma_d", "σ", real=True)  # minus the integral of the loss's gradient in a coordinate's predictor
LATER = symbol("tau", r"\tau", "τ", positive=True)  # 1/alpha beyond its least value
PLUS, MINUS = symbol("w_+", "w_+", "w₊", positive=True), symbol("w_-", "w_-", "w₋", positive=True)
KNOWN = sp.Symbol("u", positive=True)


def _norm(layers: int) -> Expression:
    return layers * SIZE ** sp.Rational(2, layers)


_PROBLEM = Said(
    layers=3,
    norm=_norm(3),
    interpolators=(sp.Rational(11, 5) * T, T - 1, T - sp.Rational(101, 100)),
    scale=sp.Rational(1, 20),
    reach=sp.Rational(1, 10),
    better=sp.Integer(1),
)


@claim(
    id="two-layers-only",
    where="section 3.2; Woodworth et al. 2020",
    statement="with <layers> layers, flow from equal weights of any size up to <scale> does not find the interpolator of "
    "least parameter norm, which is <norm> summed over coordinates: where the interpolators are <interpolators>, for all "
    "$t$, it ends at $|t|$ below <reach>, and all of those have a larger norm than the one with $t$ at <better>",
    reads=("one output; both pathways have as many layers, multiplied in each coordinate",),
    granted=("the flow reaches zero training error",),
    printed=_PROBLEM,
    twins={
        "the norm of two layers": _PROBLEM.but(norm=_norm(2)),
        "the norm of one layer": _PROBLEM.but(norm=_norm(1)),
        "two layers": _PROBLEM.but(layers=2, norm=_norm(2)),
        "the least l1 norm as the better one": _PROBLEM.but(better=sp.Integer(0)),
        "a reach that holds the better one": _PROBLEM.but(reach=sp.Integer(2)),
        "a first input that costs more": _PROBLEM.but(interpolators=(sp.Rational(14, 5) * T, *_PROBLEM.interpolators[1:])),
    },
    siblings={
        "from smaller weights": _PROBLEM.but(scale=sp.Rational(1, 40)),
        "within a larger reach": _PROBLEM.but(reach=sp.Rational(1, 5)),
        "four layers": _PROBLEM.but(layers=4, norm=_norm(4)),
    },
    expected=Verdict.CERTIFIED,
    source="Lindsey & Lippl 2024, section 3.2; Woodworth et al. 2020",
)
def deeper_networks(proof: Derivation, stated: Said) -> None:
    """Section 3.2: a problem on which flow, from every scale up to the stated one, ends away from the least norm.

    The flow ends next to the least l1 norm, which is at t = 0; the least sum of powers 2/3 is at t = 1.
    """
    _least_norm(proof, stated)
    if _larger_norms(proof, stated):
        _end_of_flow(proof, stated)


def _least_norm(proof: Derivation, stated: Said) -> None:
    """The least norm of weights with a given predictor, in both pathways."""
    equal_weights = SIZE ** sp.Rational(1, stated.layers)
    proof.argue("the squares of a pathway's weights add up to least where all are equal", Theorem.MEANS)
    proof.equal("which gives the norm, as stated", stated.layers * equal_weights**2, stated.norm)
    concave = -sp.diff(stated.norm, SIZE, 2)
    if concave != 0:
        proof.positive("it is concave in the size of the pathway's part", concave)
    proof.argue("and zero at zero, so that two pathways have no less than one with the whole predictor", Theorem.SUBADDITIVITY)


def _larger_norms(proof: Derivation, stated: Said) -> bool:
    """At every |t| below the reach the norm is larger than at the better place."""

    def norm(place: Expression) -> Expression:
        return sum(stated.norm.subs(SIZE, sp.Abs(each.subs(T, place))) for each in stated.interpolators)

    signs = [sp.solve(each, T)[0] for each in stated.interpolators]
    places = [-stated.reach, *(sign for sign in signs if abs(sign) < stated.reach), stated.reach]
    proof.argue("between two places where a predictor changes its sign the norm is least at an end", Theorem.CHORD)
    gaps = {place: norm(place) - norm(stated.better) for place in places}
    found = [proof.positive(f"the norm at {place} exceeds that at the better place", gap) for place, gap in gaps.items()]
    return all(found)


def _end_of_flow(proof: Derivation, stated: Said) -> None:
    """The pulls sigma = -int g of an endpoint lie in the row space: weighted by the null direction n, they add up to zero.

    With L layers w' = w^(L-1) in sigma; beta = w_+^L - w_-^L increases with sigma, and so does n . sigma with t. At t = reach,
    beta_1 < w_+^L bounds sigma_1 from below, and no other pull is below the least.
    """
    deeper = stated.layers - 2
    plus = (ALPHA**-deeper - deeper * PULL) ** -sp.Rational(1, deeper)
    minus = plus.subs(PULL, -PULL)
    proof.equal("a layer at pull zero has its initial weight", plus.subs(PULL, 0), ALPHA)
    text = "in units of the pull, flow moves each layer of the plus pathway by the product of the others"
    proof.equal(text, sp.diff(plus, PULL), plus ** (deeper + 1))
    proof.equal("and of the minus pathway the other way", sp.diff(minus, PULL), -(minus ** (deeper + 1)))
    power = stated.layers
    slope = sum(sp.diff(layer**power, layer) * layer ** (deeper + 1) for layer in (PLUS, MINUS))
    proof.positive("so that the predictor grows with the pull, at this rate", slope)
    direction = [sp.diff(each, T) for each in stated.interpolators]
    for n in direction:
        proof.positive("and its coordinate of the interpolator grows along the line", n)
    text = "pulls of an endpoint are in the row space: weighted by the line's direction they add up to zero"
    proof.argue(text, Theorem.LINEARITY)
    for each in stated.interpolators:
        proof.positive("at one end of the reach each predictor is negative, and so is its pull", -each.subs(T, -stated.reach))
    _positive_at_the_other_end(proof, stated, direction, deeper)
    proof.argue("so the weighted sum is zero between both ends, where the flow ends", Theorem.CONTINUITY)


def _positive_at_the_other_end(proof: Derivation, stated: Said, direction: list[Expression], deeper: int) -> None:
    first, *others = direction
    reached = stated.interpolators[0].subs(T, stated.reach)
    proof.positive("at the other end the first predictor is positive", reached)
    least, lost = first - sum(others), first * reached ** -sp.Rational(deeper, stated.layers)
    at_scale = least * stated.scale**-deeper - lost
    if setting.value(at_scale) <= 0:
        raise ValueError("the bound on the pulls decides nothing at this scale")
    text = "there the weighted sum is at least this, if every other pull is the least that flow can reach"
    proof.positive(f"{text}; at the stated scale it is positive", at_scale)
    smaller = least * (1 / stated.scale + LATER) ** deeper - lost
    more = sp.expand(smaller - at_scale)
    proof.positive("and at every smaller scale", smaller, KNOWN + more, {KNOWN: at_scale})


if __name__ == "__main__":
    sys.exit(run_alone())
