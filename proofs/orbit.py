"""One coordinate of the diagonal network along gradient flow: what Appendix A and the theory of one output both start from.

A loss enters only through its gradient G = dL/dbeta of the coordinate, whatever G does in time. Along the flow
w_+' = -G v_+, v_+' = -G w_+, w_-' = G v_-, v_-' = G w_-.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from normtheory.audit import notation
from normtheory.audit.derivation import Derivation
from normtheory.audit.notation import symbol
from normtheory.audit.steps import Theorem

Expression = Any

W_PLUS, W_MINUS = symbol("w_+", "w_+", "w₊", real=True), symbol("w_-", "w_-", "w₋", real=True)
V_PLUS, V_MINUS = symbol("v_+", "v_+", "v₊", real=True), symbol("v_-", "v_-", "v₋", real=True)
WEIGHTS = (W_PLUS, W_MINUS, V_PLUS, V_MINUS)
G = symbol("G", "G_d", "G", real=True)  # dL/dbeta of this coordinate at one time
FIELD = {W_PLUS: -G * V_PLUS, W_MINUS: G * V_MINUS, V_PLUS: -G * W_PLUS, V_MINUS: G * W_MINUS}

S_PLUS, D_PLUS = (W_PLUS + V_PLUS) / 2, (W_PLUS - V_PLUS) / 2
S_MINUS, D_MINUS = (W_MINUS + V_MINUS) / 2, (W_MINUS - V_MINUS) / 2
BETA = W_PLUS * V_PLUS - W_MINUS * V_MINUS


def rate(quantity: Expression, field: dict[Expression, Expression] | None = None) -> Expression:
    """Time derivative of a function of the weights along the flow."""
    return sum(sp.diff(quantity, weight) * velocity for weight, velocity in (field or FIELD).items())


def gradient_flow_of_least_squares(proof: Derivation) -> None:
    """Eqs. 8 and 9, last lines: G = 2 (X^T r)_d, for any number of samples and inputs.

    Eqs. 8 and 9 print the gradient without the minus sign of gradient flow before they arrive at it.
    """
    with proof.lemma("gradient flow of the squared error, for any number of samples and inputs"):
        x, others, y = sp.symbols("x S y", real=True)  # a sample's entry, what its other inputs predict, its target
        residual = x * BETA + others - y
        for weight, velocity in FIELD.items():
            proof.equal(
                f"the squared error of one sample moves {notation.text(weight)} by the residual's pull on its path",
                -sp.diff(residual**2, weight),
                velocity.subs(G, 2 * x * residual),
            )
        proof.argue("the pulls of all samples add up, to twice the residuals' product with the input", Theorem.LINEARITY)


def rates_of_sums_and_differences(proof: Derivation) -> None:
    """Eqs. 10 and 11: s = (w + v)/2 and d = (w - v)/2 shrink or grow at the rate G."""
    with proof.lemma("sums and differences of the layers"):
        for name, quantity, factor in (
            ("s_+", S_PLUS, -G),
            ("d_+", D_PLUS, G),
            ("s_-", S_MINUS, G),
            ("d_-", D_MINUS, -G),
        ):
            proof.equal(f"{name} moves in proportion to itself", rate(quantity), factor * quantity)
