"""What finetuning minimises, by the printed formula and exactly: the two theories that claims about it are judged by.

Both are a Bregman divergence D_k(beta, beta(0)) of Q in each coordinate. The paper prints the scale |beta_aux| + gamma^2 and the
start 0; `exact-finetuning` proves other ones. What holds for every scale and start is proved here once.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import sympy as sp

from normtheory.audit.derivation import Derivation
from normtheory.penalties import Q
from normtheory.proofs.exact_formulas import finetuning_formula
from normtheory.proofs.letters import ALPHA, AUX, GAMMA, START, A, B, K

Expression = Any

ONE = sp.Integer(1)
ROOT, ROOT_AT_START = sp.sqrt(B**2 + K**2), sp.sqrt(START**2 + K**2)
DIVERGENCE = Q.expression() - Q.expression().subs(B, START) - 2 * sp.asinh(START / K) * (B - START)


class Theory(NamedTuple):
    """Scale and start of what finetuning minimises in a coordinate, as formulas in beta_aux > 0, alpha and gamma."""

    scale: Expression
    start: Expression

    def contribution(self, b: Expression = B) -> Expression:
        """What a coordinate adds to the objective, as a formula in beta, beta_aux, alpha and gamma."""
        return DIVERGENCE.subs({B: b, K: self.scale, START: self.start}, simultaneous=True)


def _exact() -> Theory:
    squared, start = (part.subs(A, AUX) for part in finetuning_formula(ONE))
    return Theory(sp.sqrt(squared), start)


PRINTED = Theory(AUX + GAMMA**2, sp.Integer(0))
EXACT = _exact()


def closed_form(proof: Derivation) -> None:
    """The divergence of Q, its derivatives, and its symmetry."""
    with proof.lemma("the divergence of Q from its start"):
        slope = 2 * (sp.asinh(B / K) - sp.asinh(START / K))
        proof.equal("its derivative", sp.diff(DIVERGENCE, B), slope)
        proof.equal("vanishes at the start, as the divergence does", slope.subs(B, START), 0)
        proof.equal("there the divergence is", DIVERGENCE.subs(B, START), 0)
        proof.equal("its curvature", sp.diff(DIVERGENCE, B, 2), 2 / ROOT)
        proof.equal("reversing both signs leaves it", DIVERGENCE.subs({B: -B, START: -START}, simultaneous=True), DIVERGENCE)


UPPER = (B - START) ** 2 / K
REACH = sp.Symbol("epsilon", positive=True)  # a bound on |beta| and |beta(0)|, in units of k
LOWER = (B - START) ** 2 / (K * sp.sqrt(1 + REACH**2))
INSIDE = {B: REACH * K * sp.Symbol("share_1", real=True), START: REACH * K * sp.Symbol("share_2", real=True)}
ABOVE, BELOW = UPPER - DIVERGENCE, DIVERGENCE - LOWER


def quadratic_bounds(proof: Derivation) -> None:
    """From every start the divergence is a squared distance over k, to a factor that tends to 1 with |beta|/k and |beta(0)|/k."""
    with proof.lemma("the divergence of Q between two squared distances"):
        closed_form(proof)
        form = 2 * B**2 / (K * ROOT * (ROOT + K))
        proof.nonnegative_by_convexity(
            "it is at most the squared distance from the start over the scale", ABOVE, B, START, form
        )
        u = sp.Symbol("u", nonnegative=True)
        there = {B: REACH * K / sp.sqrt(1 + u)}  # every size up to the reach; the curvature is even
        far, near = sp.sqrt(1 + REACH**2), sp.sqrt(1 + REACH**2 / (1 + u))
        form = 2 * REACH**2 * u / ((1 + u) * K * far * near * (far + near))
        text = "and at least that over the root, as long as both ends are within the reach"
        proof.nonnegative_by_convexity(text, BELOW, B, START, form, there, INSIDE)


def starts_below_its_scale(proof: Derivation) -> None:
    """Finetuning starts at less than its scale, whatever was learned: beta(0)^2 < k^2."""
    with proof.lemma("finetuning starts below its scale"):
        root = sp.Symbol("R", positive=True)  # sqrt(beta_aux^2 + 4 alpha^4)
        squared, start = EXACT.scale**2, EXACT.start**2
        known = {AUX: sp.sqrt(root**2 - 4 * ALPHA**4)}
        gap = (root / 2 - GAMMA**2) ** 2 + 4 * ALPHA**2 * GAMMA**2
        proof.equal(
            "with R the root of the pretrained weights, the squares differ by a square and more",
            (squared - start).subs(known),
            gap,
            by=lambda e: sp.simplify(sp.expand(e)),
        )
        proof.positive("which is positive", gap)
