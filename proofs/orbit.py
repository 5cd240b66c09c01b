"""One coordinate of the diagonal network along gradient flow: what Appendix A and the theory of one output both start from.

A loss enters only through its gradient G = dL/dbeta of the coordinate, whatever G does in time. Along the flow
w_+' = -G v_+, v_+' = -G w_+, w_-' = G v_-, v_-' = G w_-.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from normtheory.audit.derivation import Derivation

Expression = Any

W_PLUS, W_MINUS, V_PLUS, V_MINUS = WEIGHTS = sp.symbols("w_+ w_- v_+ v_-", real=True)
G = sp.Symbol("G", real=True)  # dL/dbeta of this coordinate at one time
FIELD = {W_PLUS: -G * V_PLUS, W_MINUS: G * V_MINUS, V_PLUS: -G * W_PLUS, V_MINUS: G * W_MINUS}

S_PLUS, D_PLUS = (W_PLUS + V_PLUS) / 2, (W_PLUS - V_PLUS) / 2
S_MINUS, D_MINUS = (W_MINUS + V_MINUS) / 2, (W_MINUS - V_MINUS) / 2
BETA = W_PLUS * V_PLUS - W_MINUS * V_MINUS


def rate(quantity: Expression, field: dict[Expression, Expression] | None = None) -> Expression:
    """Time derivative of a function of the weights along the flow."""
    return sum(sp.diff(quantity, weight) * velocity for weight, velocity in (field or FIELD).items())


def gradient_flow_of_least_squares(proof: Derivation) -> None:
    """Eqs. 8 and 9, last lines: G = 2 (X^T r)_d, spelled out for two samples and two inputs.

    Eqs. 8 and 9 print the gradient without the minus sign of gradient flow before they arrive at it.
    """
    X = sp.Matrix(2, 2, sp.symbols("X_11 X_12 X_21 X_22", real=True))
    y = sp.Matrix(sp.symbols("y_1 y_2", real=True))
    first = dict(zip(WEIGHTS, sp.symbols("w_+1 w_-1 v_+1 v_-1", real=True), strict=True))
    second = dict(zip(WEIGHTS, sp.symbols("w_+2 w_-2 v_+2 v_-2", real=True), strict=True))
    residual = X * sp.Matrix([BETA.subs(first), BETA.subs(second)]) - y
    loss = (residual.T * residual)[0]
    for coordinate, weights in enumerate((first, second)):
        gradient = 2 * (X.T * residual)[coordinate]
        for weight, velocity in FIELD.items():
            proof.equal(
                f"gradient flow of the squared error moves {weights[weight]} by the residual's pull on its path",
                -sp.diff(loss, weights[weight]),
                velocity.subs(weights).subs(G, gradient),
            )


def rates_of_sums_and_differences(proof: Derivation) -> None:
    """Eqs. 10 and 11: s = (w + v)/2 and d = (w - v)/2 shrink or grow at the rate G."""
    for name, quantity, factor in (
        ("s_+", S_PLUS, -G),
        ("d_+", D_PLUS, G),
        ("s_-", S_MINUS, G),
        ("d_-", D_MINUS, -G),
    ):
        proof.equal(f"{name} moves in proportion to itself", rate(quantity), factor * quantity)
