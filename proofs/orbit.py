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
from normtheory.proofs.letters import ALPHA, START, A, K
from normtheory.proofs.optimality import PULL

Expression = Any

W_PLUS, W_MINUS = symbol("w_+", "w_+", "w₊", real=True), symbol("w_-", "w_-", "w₋", real=True)
V_PLUS, V_MINUS = symbol("v_+", "v_+", "v₊", real=True), symbol("v_-", "v_-", "v₋", real=True)
WEIGHTS = (W_PLUS, W_MINUS, V_PLUS, V_MINUS)
G = symbol("G", "G_d", "G", real=True)  # dL/dbeta of this coordinate at one time
FIELD = {W_PLUS: -G * V_PLUS, W_MINUS: G * V_MINUS, V_PLUS: -G * W_PLUS, V_MINUS: G * W_MINUS}

S_PLUS, D_PLUS = (W_PLUS + V_PLUS) / 2, (W_PLUS - V_PLUS) / 2
S_MINUS, D_MINUS = (W_MINUS + V_MINUS) / 2, (W_MINUS - V_MINUS) / 2
BETA = W_PLUS * V_PLUS - W_MINUS * V_MINUS

P = symbol("integral", r"(X^\top\!\int r)_d", "(Xᵀ∫r)_d", real=True)  # of the residuals, from time 0
S_P, D_P = symbol("s_+", "s_+", "s₊", real=True), symbol("d_+", "d_+", "d₊", real=True)
S_M, D_M = symbol("s_-", "s_-", "s₋", real=True), symbol("d_-", "d_-", "d₋", real=True)
NAMED = {S_P: S_PLUS, D_P: D_PLUS, S_M: S_MINUS, D_M: D_MINUS}
ETA = symbol("eta", r"\eta", "η", real=True)  # -4p
LEARNED = 2 * ALPHA**2 * sp.sinh(ETA)  # the predictor of pretraining at eta
GROWS = {S_P: 1, D_P: -1, S_M: -1, D_M: 1}  # with the negative of the gradient, or against it


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
        for name, quantity in NAMED.items():
            moves = notation.text(name)
            proof.equal(f"{moves} moves in proportion to itself", rate(quantity), GROWS[name] * -G * quantity)


def solution() -> dict[Expression, Expression]:
    """Eqs. 13 and 14 from any start, in p = (X^T int r)_d, whose time derivative is G/2; the weights are those at time 0."""
    return {name: quantity * sp.exp(GROWS[name] * -2 * P) for name, quantity in NAMED.items()}


def layers() -> dict[Expression, Expression]:
    """The four weights along the solution, from those at time 0."""
    orbit = solution()
    return {
        W_PLUS: orbit[S_P] + orbit[D_P],
        V_PLUS: orbit[S_P] - orbit[D_P],
        W_MINUS: orbit[S_M] + orbit[D_M],
        V_MINUS: orbit[S_M] - orbit[D_M],
    }


def predictor(start: dict[Expression, Expression] | None = None) -> Expression:
    """Eq. 17 along the solution, from weights that may be given."""
    orbit = solution()
    found = orbit[S_P] ** 2 - orbit[S_M] ** 2 - orbit[D_P] ** 2 + orbit[D_M] ** 2
    return found.subs(start or {}, simultaneous=True)


def solve_the_flow(proof: Derivation) -> None:
    """Eqs. 8 to 17: the flow in s and d, its solution from any start, and beta in terms of it."""
    gradient_flow_of_least_squares(proof)
    rates_of_sums_and_differences(proof)
    with proof.lemma("the flow is solved from any start, and all moves with one integral of the residuals in each coordinate"):
        for name, value in solution().items():
            said = notation.text(name)
            text = f"{said} solves its equation, as the integral grows at half the rate of the gradient"
            proof.equal(text, sp.diff(value, P) * G / 2, GROWS[name] * -G * value)
            proof.equal(f"{said} starts where the integral is zero, at its first value", value.subs(P, 0), NAMED[name])
        proof.argue("and there is no other solution", Theorem.UNIQUENESS)
        proof.equal("the predictor in sums and differences", BETA, S_PLUS**2 - S_MINUS**2 - D_PLUS**2 + D_MINUS**2)


GROWING, SHRINKING = S_PLUS**2 + D_MINUS**2, D_PLUS**2 + S_MINUS**2


def endpoint_of_the_flow(proof: Derivation) -> Expression:
    """Where a coordinate ends, as all along, in the multipliers' pull: k sinh(arcsinh(beta(0)/k) + pull).

    k^2 is four times the product of what grows and what shrinks along the flow, and beta(0) their difference.
    """
    solve_the_flow(proof)
    with proof.lemma("the predictor moves on a hyperbolic sine"):
        on_it = GROWING * sp.exp(PULL) - SHRINKING * sp.exp(-PULL)
        text = "with the multipliers for the integral of the residuals, the predictor is at the end, as all along,"
        proof.equal(text, predictor().subs(P, -PULL / 4), on_it)
        z = symbol("z", real=True)
        halves = K / 2 * sp.exp(z), K / 2 * sp.exp(-z)
        proof.equal("two positive numbers, four times whose product is the square of k, are", 4 * halves[0] * halves[1], K**2)
        proof.equal("where their difference, the start, is", halves[0] - halves[1], K * sp.sinh(z))
        endpoint = K * sp.sinh(sp.asinh(START / K) + PULL)
        moved = halves[0] * sp.exp(PULL) - halves[1] * sp.exp(-PULL)
        proof.equal("so that the predictor is", moved, endpoint.subs(START, K * sp.sinh(z)))
    return endpoint


def pretrain(proof: Derivation) -> dict[Expression, Expression]:
    """The weights when pretraining from the constant alpha has the predictor a = 2 alpha^2 sinh(eta): signs included."""
    solve_the_flow(proof)
    with proof.lemma("pretraining from equal weights, all along the flow"):
        start, at = dict.fromkeys(WEIGHTS, ALPHA), {P: -ETA / 4}
        grown, shrunk = ALPHA * sp.exp(ETA / 2), ALPHA * sp.exp(-ETA / 2)
        reached = {W_PLUS: grown, V_PLUS: grown, W_MINUS: shrunk, V_MINUS: shrunk}
        for weight, value in layers().items():
            text = f"with eta for the integral, in units that suit it, {notation.text(weight)} is"
            proof.equal(text, value.subs(start).subs(at), reached[weight])
        proof.positive("which is positive, as the other is", grown * shrunk)
        learned = BETA.subs(reached, simultaneous=True)
        proof.equal("the predictor is then", learned, LEARNED)
        proof.equal("and every predictor is met, once", LEARNED.subs(ETA, sp.asinh(A / (2 * ALPHA**2))), A)
    return reached
