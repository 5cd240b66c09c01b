"""Appendix A: the predictor along the flow, from the weights to one hyperbolic sine."""

from __future__ import annotations

import sys
from collections.abc import Callable

import sympy as sp

from normtheory.audit.alone import run_alone
from normtheory.audit.claims import Verdict, claim
from normtheory.audit.derivation import Derivation
from normtheory.proofs import setting
from normtheory.proofs.appendix_a import SOURCE, Expression
from normtheory.proofs.orbit import (
    BETA,
    D_MINUS,
    D_PLUS,
    S_MINUS,
    S_PLUS,
    V_MINUS,
    V_PLUS,
    W_MINUS,
    W_PLUS,
    G,
    gradient_flow_of_least_squares,
    rates_of_sums_and_differences,
)
from normtheory.proofs.setting import number

SAME_START = "w_+(0) = w_-(0) = w_0"


W0, V0, P = sp.symbols("w_0 v_0 p", real=True)  # the common start of both pathways; p = (X^T int_0^t r ds)_d


S0, D0 = (W0 + V0) / 2, (W0 - V0) / 2


SQUARES = W0**2 + V0**2


def solution() -> dict[str, Expression]:
    """Eqs. 13 and 14 from a common start, in p = (X^T int r)_d, whose time derivative is G/2."""
    shrinking, growing = sp.exp(-2 * P), sp.exp(2 * P)
    return {"s_+": S0 * shrinking, "d_+": D0 * growing, "s_-": S0 * growing, "d_-": D0 * shrinking}


def predictor() -> Expression:
    """Eq. 17 along the solution."""
    orbit = solution()
    return orbit["s_+"] ** 2 - orbit["s_-"] ** 2 - orbit["d_+"] ** 2 + orbit["d_-"] ** 2


def solve_the_flow(proof: Derivation) -> None:
    """Eqs. 8 to 17: the flow in s and d, its solution, and beta in terms of it."""
    gradient_flow_of_least_squares(proof)
    rates_of_sums_and_differences(proof)
    orbit = solution()
    for name, factor in (("s_+", -G), ("d_+", G), ("s_-", G), ("d_-", -G)):
        proof.equal(f"{name}(t) solves its equation, as p' = G/2", sp.diff(orbit[name], P) * G / 2, factor * orbit[name])
        start = S0 if name.startswith("s") else D0
        proof.equal(f"and starts at its value at time 0, where p = 0: {name}", orbit[name].subs(P, 0), start)
    proof.equal("beta in s and d", BETA, S_PLUS**2 - S_MINUS**2 - D_PLUS**2 + D_MINUS**2)


@claim(
    id="eq15",
    where="Eq. 15 (Appendix A)",
    statement=r"\beta_w(t) = w_+^{(1)}(t)w_+^{(2)}(t) - w_-^{(1)}(t)w_-^{(2)}(t)",
    printed=W_PLUS * V_PLUS - W_MINUS * V_MINUS,
    twins={
        "the minus pathway added": W_PLUS * V_PLUS + W_MINUS * V_MINUS,
        "first layers, then second": W_PLUS * W_MINUS - V_PLUS * V_MINUS,
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def predictor_in_weights(proof: Derivation, stated: Expression) -> None:
    """Eq. 15: Eq. 1 at time t, read off the doubled design X~ = [X, -X]."""
    x = sp.Symbol("x", real=True)
    read_out = sp.Matrix([[x, -x]]) * sp.Matrix([W_PLUS * V_PLUS, W_MINUS * V_MINUS])
    proof.equal("X~(w o v) = X beta, one sample and one input", read_out[0], x * stated)


@claim(
    id="eq16",
    where="Eq. 16 (Appendix A)",
    statement=r"\beta = (s_+^2 - d_+^2) - (s_-^2 - d_-^2)",
    printed=lambda s, d, s_minus, d_minus: (s**2 - d**2) - (s_minus**2 - d_minus**2),
    twins={
        "s and d exchanged": lambda s, d, s_minus, d_minus: (d**2 - s**2) - (d_minus**2 - s_minus**2),
        "a factor 2": lambda s, d, s_minus, d_minus: 2 * (s**2 - d**2 - s_minus**2 + d_minus**2),
        "squares added": lambda s, d, s_minus, d_minus: (s**2 + d**2) - (s_minus**2 + d_minus**2),
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def predictor_in_pathways(proof: Derivation, stated: Callable[..., Expression]) -> None:
    """Eq. 16: w v = s^2 - d^2 in each pathway."""
    proof.equal("w_+ v_+ in s and d", W_PLUS * V_PLUS, S_PLUS**2 - D_PLUS**2)
    proof.equal("w_- v_- in s and d", W_MINUS * V_MINUS, S_MINUS**2 - D_MINUS**2)
    proof.equal("their difference, as stated", BETA, stated(S_PLUS, D_PLUS, S_MINUS, D_MINUS))


@claim(
    id="eq17",
    where="Eq. 17 (Appendix A); its arrows point left where those of Eq. 16 point right, the vectors are the same",
    statement=r"\beta = (s_+^2 - s_-^2) - (d_+^2 - d_-^2)",
    printed=lambda s, d, s_minus, d_minus: (s**2 - s_minus**2) - (d**2 - d_minus**2),
    twins={
        "the last sign reversed": lambda s, d, s_minus, d_minus: (s**2 - s_minus**2) - (d**2 + d_minus**2),
        "the bracket of d added": lambda s, d, s_minus, d_minus: (s**2 - s_minus**2) + (d**2 - d_minus**2),
        "pathways exchanged, as arrows read as directions would": lambda s, d, s_minus, d_minus: (
            (s_minus**2 - s**2) - (d_minus**2 - d**2)
        ),
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def predictor_regrouped(proof: Derivation, stated: Callable[..., Expression]) -> None:
    """Eq. 17: Eq. 16 with its terms regrouped."""
    proof.equal("the terms of Eq. 16, regrouped", BETA, stated(S_PLUS, D_PLUS, S_MINUS, D_MINUS))
    swapped = stated(S_PLUS, D_PLUS, S_MINUS, D_MINUS).subs(
        {W_PLUS: W_MINUS, W_MINUS: W_PLUS, V_PLUS: V_MINUS, V_MINUS: V_PLUS}, simultaneous=True
    )
    proof.equal("exchanging the pathways reverses its sign", swapped, -BETA)


def _four_terms(factor: int, last: int = 1) -> Expression:
    grows, shrinks = sp.exp(4 * P), sp.exp(-4 * P)
    return factor * (S0**2 * shrinks - S0**2 * grows - D0**2 * grows + last * D0**2 * shrinks)


def size_of_exponentials(printed: Expression, corrected: Expression) -> str:
    """Eq. 18: what both forms make of the integral of the residual with which pretraining ends."""
    weight = setting.WEIGHT
    start = {W0: setting.ALPHA, V0: setting.ALPHA}
    end = start | {P: -sp.asinh(weight / (2 * setting.ALPHA**2)) / 4}
    said, reached = setting.value(printed, end), setting.value(corrected, end)
    loss, null = setting.FEATURES * (said - reached) ** 2, setting.FEATURES * setting.value(weight) ** 2
    return (
        f"Where pretraining from alpha = {number(setting.ALPHA)} ends at a feature of {reached:.3g}, the printed form says "
        f"{said:.3g}: over the {setting.FEATURES} features a loss of {loss:.3g}, as a predictor that is 0 has ({null:.3g})."
    )


@claim(
    id="eq18",
    where="Eq. 18 (Appendix A)",
    statement=r"\beta = 2s_0^2 e^{-4X^\top\!\int r} - 2s_0^2 e^{4X^\top\!\int r} "
    r"- 2d_0^2 e^{4X^\top\!\int r} + 2d_0^2 e^{-4X^\top\!\int r}",
    assumptions=(SAME_START, "loss: sum of squared residuals"),
    printed=_four_terms(2),
    corrected=_four_terms(1),
    corrected_statement=r"\beta = s_0^2 e^{-4X^\top\!\int r} - s_0^2 e^{4X^\top\!\int r} "
    r"- d_0^2 e^{4X^\top\!\int r} + d_0^2 e^{-4X^\top\!\int r}",
    size=size_of_exponentials,
    twins={
        "a factor 4": _four_terms(4),
        "the last sign reversed": _four_terms(1, last=-1),
        "exponents 2 for 4": _four_terms(1).subs(P, P / 2),
    },
    expected=Verdict.CORRECTED,
    source=SOURCE,
)
def four_exponentials(proof: Derivation, stated: Expression) -> None:
    """Eq. 18: beta = s_+^2 - s_-^2 - d_+^2 + d_-^2 along the solution. As printed it is twice Eq. 19."""
    solve_the_flow(proof)
    proof.equal("insert the solution into Eq. 17", predictor(), stated)


@claim(
    id="eq19",
    where="Eq. 19 (Appendix A)",
    statement=r"\beta = 2(s_0^2 + d_0^2)\sinh(-4X^\top\!\textstyle\int r)",
    assumptions=(SAME_START, "loss: sum of squared residuals"),
    printed=2 * (S0**2 + D0**2) * sp.sinh(-4 * P),
    twins={
        "a factor 4, the sum of Eq. 18 as printed": 4 * (S0**2 + D0**2) * sp.sinh(-4 * P),
        "s_0^2 - d_0^2": 2 * (S0**2 - D0**2) * sp.sinh(-4 * P),
        "the opposite sign": 2 * (S0**2 + D0**2) * sp.sinh(4 * P),
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def one_sinh(proof: Derivation, stated: Expression) -> None:
    """Eq. 19: the four exponentials pair up."""
    solve_the_flow(proof)
    proof.equal("insert the solution into Eq. 17 and pair the exponentials", predictor(), stated)


@claim(
    id="eq20",
    where="Eq. 20 (Appendix A)",
    statement=r"\beta = \big((w_0^{(1)})^2 + (w_0^{(2)})^2\big)\sinh(-4X^\top\!\textstyle\int r)",
    assumptions=(SAME_START, "loss: sum of squared residuals"),
    printed=SQUARES * sp.sinh(-4 * P),
    twins={
        "twice as much": 2 * SQUARES * sp.sinh(-4 * P),
        "the product of the layers for the sum of squares": 2 * W0 * V0 * sp.sinh(-4 * P),
        "argument -2 for -4": SQUARES * sp.sinh(-2 * P),
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def sinh_of_weights(proof: Derivation, stated: Expression) -> None:
    """Eq. 20: 2(s_0^2 + d_0^2) is the sum of the two squared weights."""
    solve_the_flow(proof)
    proof.equal("the common factor in the weights", 2 * (S0**2 + D0**2), SQUARES)
    proof.equal("insert the solution into Eq. 17", predictor(), stated)


if __name__ == "__main__":
    sys.exit(run_alone())
