"""Forms of the l1,2 penalty of two tasks that inequalities about it start from: near 0, far out, and of its excess.

The penalty 2 sqrt(beta^2 + beta_aux^2) is even in both predictors and homogeneous of degree one in the pair, so that A and B
stand for their sizes, both positive. Its excess over 2|beta_aux| is what a main weight adds to the auxiliary task's own.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from normtheory.audit.derivation import Derivation
from normtheory.proofs.letters import AUX, SIZE

Expression = Any

A, B = AUX, SIZE
ROOT = sp.sqrt(A**2 + B**2)
WHOLE, EXCESS = 2 * ROOT, 2 * ROOT - 2 * A

# Sharp bounds, positive for all A, B > 0 once their lemma was called; whatever a claim states is held against them.
ABOVE_FAR = WHOLE - 2 * B
BELOW_FAR = 2 * B + A**2 / B - WHOLE
BELOW_NEAR = B**2 / A - EXCESS
ABOVE_NEAR = EXCESS - (B**2 / A - B**4 / (4 * A**3))
BELOW_LINE = 2 * B - EXCESS  # of the excess, the line 2|beta|
ABOVE_LINE = EXCESS - (2 * B - 2 * A)

EXCESS_ORDER = 1 + A / ROOT  # d log / d log |beta| of the excess; its dependence on |beta_aux| is 1 less this
WHOLE_ORDER = B**2 / (A**2 + B**2)  # of the penalty itself
WHOLE_RISE = 2 * A / ROOT  # derivatives in |beta_aux|: of the penalty, and of its excess, which falls
EXCESS_FALL = 2 * B**2 / (ROOT * (ROOT + A))


def stated_penalty(proof: Derivation, stated: Expression) -> None:
    """Eq. 5: a stated formula is the penalty of two tasks, or its excess over the auxiliary task's own."""
    proof.equal("in the main weight it changes as the MTL penalty does", sp.diff(stated, B), sp.diff(WHOLE, B))
    alone = stated.subs(B, 0)
    if alone != WHOLE.subs(B, 0):
        proof.equal("and it is nothing without that weight", alone, 0)


def far_bounds(proof: Derivation) -> None:
    """At large ratio the penalty is 2|beta|, and less than half a squared inverse ratio more."""
    with proof.lemma("the group penalty at large ratio"):
        proof.positive("it is above its limit", ABOVE_FAR, 2 * A**2 / (ROOT + B))
        proof.positive("by less than the next term of its series", BELOW_FAR, A**4 / (B * (ROOT + B) ** 2))


def near_bounds(proof: Derivation) -> None:
    """At small ratio the excess is beta^2/|beta_aux|, less a quarter of the squared ratio at most."""
    with proof.lemma("the excess of the group penalty over the auxiliary task's own, at small ratio"):
        proof.positive("it is below the square", BELOW_NEAR, B**4 / (A * (ROOT + A) ** 2))
        form = B**6 * (ROOT + 3 * A) / (4 * A**3 * (ROOT + A) ** 3)
        proof.positive("above the square and the next term of its series", ABOVE_NEAR, form)


def line_bounds(proof: Derivation) -> None:
    """At every ratio the excess is between 2|beta| - 2|beta_aux| and 2|beta|."""
    with proof.lemma("the excess of the group penalty between two lines"):
        proof.positive("it is below the l1 penalty of the main weight", BELOW_LINE, 4 * A * B / (A + B + ROOT))
        proof.positive("above what that exceeds the auxiliary weight's by", ABOVE_LINE, 2 * A**2 / (ROOT + B))


def excess_order(proof: Derivation) -> None:
    """The excess is of an order between 1 and 2 in the main weight, and depends on the auxiliary one by 1 less that."""
    with proof.lemma("the order of the excess, and its dependence on the auxiliary weight"):
        logarithm = sp.log(EXCESS)
        proof.equal("its order in the main weight", B * sp.diff(logarithm, B), EXCESS_ORDER)
        proof.equal("its dependence on the auxiliary one", A * sp.diff(logarithm, A), 1 - EXCESS_ORDER)
        proof.positive("the order is above one", EXCESS_ORDER - 1)
        proof.positive("and below two", 2 - EXCESS_ORDER, B**2 / (ROOT * (ROOT + A)))


def aux_slopes(proof: Derivation) -> None:
    """With |beta_aux| the penalty rises and its excess falls."""
    with proof.lemma("the group penalty and its excess as the auxiliary weight grows"):
        proof.equal("the penalty's derivative in the auxiliary weight", sp.diff(WHOLE, A), WHOLE_RISE)
        proof.positive("is positive", WHOLE_RISE)
        proof.equal("the excess's, with its sign reversed", -sp.diff(EXCESS, A), EXCESS_FALL)
        proof.positive("is positive, too: the excess falls", EXCESS_FALL)
