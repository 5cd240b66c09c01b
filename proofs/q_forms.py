"""Forms of the Q penalty that inequalities about it start from: in units of its scale, near 0 and far out.

Q_k(b) = k q(2b/k) is even in b and homogeneous of degree one in (b, k), so that inequalities are proved for b, k > 0 and for
h(t) = Q_k(kt)/k, t = b/k.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from normtheory.audit.derivation import Derivation
from normtheory.penalties import Q
from normtheory.proofs.letters import B, K, T, X

Expression = Any

PENALTY = Q.expression()
ROOT = sp.sqrt(1 + T**2)
UNIT = 2 * (T * sp.asinh(T) - ROOT + 1)  # h(t)
FAR_ROOT = sp.sqrt(1 + X**2)  # x = k/|b| is small far out, where Q is nearly linear
FAR_GAP = 2 * (FAR_ROOT - 1) - 2 * sp.log((1 + FAR_ROOT) / 2)  # U(x)

# Sharp bounds, positive for t > 0 and x > 0; whatever a claim states is held against them.
BELOW_SQUARE = T**2 - UNIT
ABOVE_QUARTIC = UNIT - (T**2 - T**4 / 12)
BELOW_SEXTIC = T**2 - T**4 / 12 + T**6 / 40 - UNIT
GAP_BELOW_SQUARE = X**2 / 2 - FAR_GAP


def penalty(b: Expression, k: Expression) -> Expression:
    """Eq. 3 at (b, k)."""
    return PENALTY.subs({B: b, K: k}, simultaneous=True)


def unit_form(proof: Derivation) -> bool:
    """Eq. 3, Q_k(kt) = k h(t)."""
    return proof.equal("by homogeneity it is enough to know the penalty in units of its scale", penalty(K * T, K), K * UNIT)


def near_bounds(proof: Derivation) -> None:
    """Sharp polynomial bounds of h near 0."""
    with proof.lemma("the Q penalty in units of its scale, between polynomials"):
        unit_form(proof)
        proof.positive_by_taylor("it is below the square", BELOW_SQUARE, T, 2, 2 * T**2 / (ROOT * (1 + ROOT)))
        form = T**4 * (ROOT + 2) / (ROOT * (1 + ROOT) ** 2)
        proof.positive_by_taylor("above the next term of its series", ABOVE_QUARTIC, T, 2, form)
        form = T**6 * (3 * ROOT**2 + 9 * ROOT + 8) / (4 * ROOT * (1 + ROOT) ** 3)
        proof.positive_by_taylor("and below the one after", BELOW_SEXTIC, T, 2, form)


def far_form(proof: Derivation) -> None:
    """Eq. 3 at b = k/x: Q x/k = 2 (log(2/x) - 1) + 2x - U(x), with U free of singularities at x = 0."""
    with proof.lemma("the Q penalty far out, and what it lacks of its logarithmic form"):
        proof.equal(
            "over |b|, with x the scale over |b|, it is its logarithmic form less a gap U",
            penalty(K / X, K) * X / K,
            2 * (sp.log(2 / X) - 1) + 2 * X - FAR_GAP,
            by=logarithms,
        )
        proof.positive_by_taylor("the gap is positive", FAR_GAP, X, 1, 2 * X / (1 + FAR_ROOT))
        proof.positive_by_taylor("and below half the square of x", GAP_BELOW_SQUARE, X, 1, X**3 / (1 + FAR_ROOT) ** 2)


def logarithms(expression: Expression) -> Expression:
    """Write arcsinh as a logarithm, with one square root sqrt(1 + x^2) and expanded logarithms."""
    expression = expression.replace(sp.asinh, lambda z: sp.log(z + sp.sqrt(1 + z**2)))
    expression = expression.subs(sp.sqrt(1 + X**-2), FAR_ROOT / X).replace(sp.log, lambda z: sp.log(sp.factor(z)))
    return sp.expand(sp.expand_log(expression))
