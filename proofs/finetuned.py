"""What finetuning minimises, by the printed formula and exactly: the two theories that claims about it are judged by.

Both are the Bregman divergence of Q from a start, in each coordinate. The paper prints the scale |beta_aux| + gamma^2 and the
start 0; `exact-finetuning` proves other ones. What holds for every scale and start is proved here once.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import sympy as sp

from normtheory.audit import notation
from normtheory.audit.derivation import SHARE, Derivation
from normtheory.audit.notation import symbol
from normtheory.audit.steps import Theorem
from normtheory.penalties import Q
from normtheory.proofs.exact_formulas import finetuning_formula
from normtheory.proofs.letters import ALPHA, AUX, GAMMA, START, A, B, K, T

Expression = Any

ONE = sp.Integer(1)
ROOT, ROOT_AT_START = sp.sqrt(B**2 + K**2), sp.sqrt(START**2 + K**2)
NORM = 2 * B * sp.asinh(B / K) - 2 * ROOT + 2 * K  # Q in closed form
DIVERGENCE = 2 * B * (sp.asinh(B / K) - sp.asinh(START / K)) - 2 * ROOT + 2 * ROOT_AT_START


class Theory(NamedTuple):
    """Scale and start of what finetuning minimises in a coordinate, as formulas in beta_aux > 0, alpha and gamma."""

    name: str
    scale: Expression
    start: Expression

    def in_latex(self) -> str:
        """Its scale and start, as words with formulas."""
        start = "zero" if self.starts_at_zero else "that of cor1"
        return f"$k$ is ${notation.latex(self.scale)}$ and $\\beta(0)$ is {start}"

    def in_text(self) -> str:
        """The same as text."""
        return f"k is {notation.text(self.scale)} and β(0) is {'zero' if self.starts_at_zero else 'that of cor1'}"

    def at(self, formula: Expression) -> Expression:
        """A formula in the letters k and beta(0) as one in beta_aux, alpha and gamma."""
        return sp.sympify(formula).subs({K: self.scale, START: self.start}, simultaneous=True)

    def contribution(self, b: Expression = B) -> Expression:
        """What a coordinate adds to the objective, as a formula in beta, beta_aux, alpha and gamma."""
        return self.at(DIVERGENCE.subs(B, b))

    def defined(self, proof: Derivation) -> None:
        """That scale and start, which claims print, are those that eq3 prints or those that cor1 proves."""
        known = PRINTED if self.starts_at_zero else EXACT
        with proof.lemma(f"scale and start of finetuning, {known.name}"):
            proof.equal("the scale", self.scale, known.scale)
            proof.equal("the start", self.start, known.start)

    @property
    def letter(self) -> Expression:
        """The start where formulas keep their letters: beta(0), or 0."""
        return sp.Integer(0) if self.starts_at_zero else START

    @property
    def starts_at_zero(self) -> bool:
        """Whether the divergence is the norm itself."""
        return bool(self.start == 0)


PRINTED = Theory("as printed", AUX + GAMMA**2, sp.Integer(0))
_SQUARED, _START = (part.subs(A, AUX) for part in finetuning_formula(ONE))
EXACT = Theory("exactly", sp.sqrt(_SQUARED), _START)


def closed_form(proof: Derivation) -> None:
    """The divergence of Q from its start: its form, its derivatives, and what it differs from the norm by."""
    with proof.lemma("the divergence of Q from its start"):
        norm = Q.expression()
        by_definition = norm - norm.subs(B, START) - sp.diff(norm, B).subs(B, START) * (B - START)
        proof.equal("by its definition it is", by_definition, DIVERGENCE)
        proof.equal("its derivative", sp.diff(DIVERGENCE, B), 2 * (sp.asinh(B / K) - sp.asinh(START / K)))
        proof.equal("its curvature", sp.diff(DIVERGENCE, B, 2), 2 / ROOT)
        rest = NORM - 2 * B * sp.asinh(START / K) + 2 * ROOT_AT_START - 2 * K
        proof.equal("it is the norm less a linear term, and a constant", DIVERGENCE, rest)


REACH = symbol("epsilon", r"\epsilon", "ε", positive=True)  # a bound on |beta| and |beta(0)|, in units of k


def lost(reach: Expression = REACH) -> Expression:
    """The share of the squared distance that the divergence may lack while |beta| and |beta(0)| are within reach times k."""
    root = sp.sqrt(1 + reach**2)
    return reach**2 / (root * (1 + root))  # which is 1 - 1/root


class Bounds(NamedTuple):
    """The divergence from a start, and what its sharp bounds exceed it by, or it exceeds them by."""

    divergence: Expression
    upper: Expression
    above: Expression
    below: Expression


def quadratic_bounds(proof: Derivation, start: Expression = START, reach: Expression = REACH) -> Bounds:
    """From its start the divergence is a squared distance over k, to a factor that tends to 1 with both ends over k."""
    closed_form(proof)
    with proof.lemma("the divergence of Q between two squared distances"):
        divergence, upper = DIVERGENCE.subs(START, start), (B - start) ** 2 / K
        bounds = Bounds(divergence, upper, upper - divergence, divergence - upper * (1 - lost(reach)))
        form = 2 * B**2 / (K * ROOT * (ROOT + K))
        proof.nonnegative_by_convexity(
            "it is at most the squared distance from the start over the scale", bounds.above, B, start, form
        )
        u = sp.Symbol("u", nonnegative=True)
        there = {B: reach * K / sp.sqrt(1 + u)}  # every size up to the reach; the curvature is even
        far, near = sp.sqrt(1 + reach**2), sp.sqrt(1 + reach**2 / (1 + u))
        form = 2 * reach**2 * u / ((1 + u) * K * far * near * (far + near))
        inside = {end: reach * K * sp.Symbol(f"{SHARE}_{end}", real=True) for end in (B, start) if end.is_Symbol}
        text = "and less by at most a share, as long as both ends are within the reach, in units of the scale"
        proof.nonnegative_by_convexity(text, bounds.below, B, start, form, there, inside)
    return bounds


def starts_below_its_scale(proof: Derivation) -> None:
    """Finetuning starts at less than its scale, whatever was learned: beta(0)^2 < k^2."""
    with proof.lemma("finetuning starts below its scale"):
        z = sp.Symbol("z", positive=True)
        learned = {AUX: 2 * ALPHA**2 * sp.sinh(z)}
        start = GAMMA * ALPHA * (sp.exp(z / 2) - sp.exp(-z / 2))
        text = "with the auxiliary predictor written as a hyperbolic sine, the start is"
        proof.equal(text, EXACT.start.subs(learned), start, by=lambda e: _roots_as_exponentials(e, z))
        gap = (ALPHA**2 * sp.cosh(z) - GAMMA**2) ** 2 + 4 * ALPHA**2 * GAMMA**2
        proof.equal("and the squared scale exceeds its square by", (EXACT.scale**2).subs(learned) - start**2, gap)
        proof.positive("which is positive", gap)


def _roots_as_exponentials(expression: Expression, z: Expression) -> Expression:
    root = sp.sqrt(4 * ALPHA**4 * sp.sinh(z) ** 2 + 4 * ALPHA**4)
    weights = [sp.sqrt(root / 2 + sign * ALPHA**2 * sp.sinh(z)) for sign in (1, -1)]
    roots = dict(zip(weights, (ALPHA * sp.exp(z / 2), ALPHA * sp.exp(-z / 2)), strict=True))
    return sp.expand(expression.subs(roots))


# The divergence in units of its scale, weight and start as hyperbolic sines: beta = k sinh u, beta(0) = k sinh p.
FAR_ANGLE, START_ANGLE = symbol("u", real=True), symbol("p", real=True)
RISE = sp.cosh(FAR_ANGLE) - sp.cosh(START_ANGLE)
HALF = (FAR_ANGLE - START_ANGLE) * sp.sinh(FAR_ANGLE) - RISE


def angle(ratio: Expression) -> tuple[Expression, Expression]:
    """Rationals a little below and above arcsinh of a ratio."""
    below = sp.Rational(int(sp.floor(sp.asinh(ratio) * 1000)), 1000)
    return below, below + sp.Rational(1, 1000)


def order_by_angles(proof: Derivation) -> None:
    """The order of the divergence in the weight is 1 + RISE/HALF; with its dependences on scale and start it makes 1."""
    closed_form(proof)
    with proof.lemma("the order of what finetuning minimises"):
        at = {B: K * sp.sinh(FAR_ANGLE), START: K * sp.sinh(START_ANGLE)}
        text = "with weight and start as hyperbolic sines of u and p, in units of the scale, it is"
        proof.equal(text, DIVERGENCE.subs(at), 2 * K * HALF)
        slope = B * sp.diff(DIVERGENCE, B)
        proof.equal("its order times itself is itself and", slope.subs(at), 2 * K * (HALF + RISE))
        rest = K * sp.diff(DIVERGENCE, K) + START * sp.diff(DIVERGENCE, START)
        proof.equal("its dependence on scale and start, scaled together, is one less the order", rest, DIVERGENCE - slope)


def order_rises_with_start(proof: Derivation) -> None:
    """Of starts of either sign the least one has the least order, as long as weight and HALF are positive."""
    with proof.lemma("the order rises with the start"):
        gap = RISE - (FAR_ANGLE - START_ANGLE) * sp.sinh(START_ANGLE)
        slope = sp.diff(RISE, START_ANGLE) * HALF - RISE * sp.diff(HALF, START_ANGLE)
        proof.equal("the numerator of its derivative in p is", slope, sp.sinh(FAR_ANGLE) * gap)
        text = "which is not negative: a hyperbolic cosine lies above its tangent"
        proof.nonnegative_by_convexity(text, gap, FAR_ANGLE, START_ANGLE, sp.cosh(FAR_ANGLE))


FALLS = sp.sqrt(B**2 + K**2) - ROOT_AT_START - START * (B - START) / ROOT_AT_START


def falls_beyond_its_start(proof: Derivation) -> None:
    """Beyond the start, the divergence decreases as scale and start grow, and both grow with |beta_aux|."""
    closed_form(proof)
    with proof.lemma("beyond its start the divergence falls as scale and start grow"):
        proof.equal("its derivative in the scale", sp.diff(DIVERGENCE, K), -2 * FALLS / K)
        form = K**2 / (B**2 + K**2) ** sp.Rational(3, 2)
        proof.nonnegative_by_convexity("which is not positive: a root lies above its tangent", FALLS, B, START, form)
        proof.equal("its derivative in the start", sp.diff(DIVERGENCE, START), -2 * (B - START) / ROOT_AT_START)
        beyond = {B: START + T}
        proof.positive("which is negative beyond the start", (2 * (B - START) / ROOT_AT_START).subs(beyond))
        rise = AUX / (4 * EXACT.scale)
        proof.equal("the exact scale grows with the auxiliary weight", sp.diff(EXACT.scale, AUX), rise)
        proof.positive("at a positive rate", rise)
        root = sp.sqrt(AUX**2 + 4 * ALPHA**4)
        proof.equal("the square of the exact start is", sp.expand(EXACT.start**2), GAMMA**2 * (root - 2 * ALPHA**2))
        proof.positive("which grows, too", sp.diff(GAMMA**2 * root, AUX))
        proof.argue("so the contribution falls with the auxiliary weight: the sum of what both changes do", Theorem.CHAIN_RULE)
