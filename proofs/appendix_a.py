"""Appendix A: the flow of a diagonal network in closed form, and the penalty that its endpoint minimises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp

from normtheory.derivation import Derivation
from normtheory.ledger import Verdict, claim
from proofs.orbit import (
    BETA,
    D_MINUS,
    D_PLUS,
    S_MINUS,
    S_PLUS,
    G,
    gradient_flow_of_least_squares,
    rates_of_sums_and_differences,
)

Expression = Any

SOURCE = "Lindsey & Lippl 2024, Appendix A; Azulay et al. 2021"
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


def _four_terms(factor: int, last: int = 1) -> Expression:
    grows, shrinks = sp.exp(4 * P), sp.exp(-4 * P)
    return factor * (S0**2 * shrinks - S0**2 * grows - D0**2 * grows + last * D0**2 * shrinks)


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


def _q(z: Expression) -> Expression:
    return 2 - sp.sqrt(4 + z**2) + z * sp.asinh(z / 2)


def printed_penalty(beta: Expression, w: Expression, v: Expression) -> Expression:
    """Eq. 21 for one coordinate, as printed."""
    return (w**2 + v**2) * _q(2 * beta / (w**2 + v**2))


@claim(
    id="eq21",
    where="Eq. 21 (Appendix A)",
    statement=r"\beta(\infty) = \arg\min_{X\beta=y}\ \sum_d \big((w_0)_d^{(1)\,2} + (w_0)_d^{(2)\,2}\big)\,"
    r"q\Big(\tfrac{2\beta_d}{(w_0)_d^{(1)\,2} + (w_0)_d^{(2)\,2}}\Big)",
    assumptions=(SAME_START, "some weight of every coordinate is not 0", "the flow reaches zero training error"),
    printed=printed_penalty,
    twins={
        "the argument of q without its 2": lambda beta, w, v: (w**2 + v**2) * _q(beta / (w**2 + v**2)),
        "scale twice the product of the layers": lambda beta, w, v: 2 * w * v * _q(2 * beta / (2 * w * v)),
        "half the scale": lambda beta, w, v: (w**2 + v**2) / 2 * _q(4 * beta / (w**2 + v**2)),
        "l2": lambda beta, w, v: beta**2,
    },
    expected=Verdict.PROVED,
    source=SOURCE + "; Woodworth et al. 2020, Appendix D",
)
def mirror_penalty(proof: Derivation, penalty: Callable[..., Expression]) -> None:
    """Eq. 21: at the endpoint the penalty's gradient lies in the row space of X, and the penalty is strictly convex."""
    solve_the_flow(proof)
    endpoint = SQUARES * sp.sinh(-4 * P)
    proof.equal("the predictor at the end, Eq. 20", predictor(), endpoint)
    b = sp.Symbol("b", real=True)
    w, v = sp.symbols("w v", positive=True)
    slope = sp.diff(penalty(b, w, v), b)
    proof.equal(
        "the gradient there is -8 p = X^T (-8 int r) in every coordinate, whatever its weights: in the row space of X",
        slope.subs(b, (w**2 + v**2) * sp.sinh(-4 * P)),
        -8 * P,
    )
    scale = w**2 + v**2
    curvature = 2 / sp.sqrt(b**2 + scale**2)
    proof.equal("the second derivative", sp.diff(slope, b), curvature)
    proof.positive("is positive: the penalty is strictly convex", curvature, curvature)
    row_space_is_enough(proof)


def row_space_is_enough(proof: Derivation) -> None:
    """KKT conditions, two samples and three inputs: with gradient X^T nu, no feasible direction has a first-order effect."""
    X = sp.Matrix(2, 3, sp.symbols("X_11 X_12 X_13 X_21 X_22 X_23", real=True))
    nu = sp.Matrix(sp.symbols("nu_1 nu_2", real=True))
    difference = sp.Matrix(sp.symbols("delta_1:4", real=True))
    proof.equal(
        "a gradient X^T nu changes the penalty along delta by nu . X delta, which is 0 between two interpolators; "
        "with strict convexity the endpoint is the only minimiser",
        ((X.T * nu).T * difference)[0],
        (nu.T * (X * difference))[0],
    )


A, ALPHA, Z = sp.Symbol("a", real=True), sp.Symbol("alpha", positive=True), sp.Symbol("z", real=True)


@claim(
    id="stationarity",
    where="Appendix A, before Eq. 18, as used for finetuning",
    statement=r"w_+(0) = w_-(0)\ \text{at the start of finetuning}",
    assumptions=("pretraining started from the constant alpha in all weights", r"its predictor is \beta^{aux}"),
    printed=lambda plus, minus, a: (plus, minus),
    control=("w_+^2 - w_-^2 = beta_aux", lambda plus, minus, a: (plus**2 - minus**2, a)),
    twins={
        "equal up to sign": lambda plus, minus, a: (plus, -minus),
        "equal squares, |beta_aux| each": lambda plus, minus, a: (plus**2, sp.Abs(a)),
        "w_+^2 - w_-^2 = -beta_aux": lambda plus, minus, a: (plus**2 - minus**2, -a),
    },
    expected=Verdict.REFUTED,
    source="Lindsey & Lippl 2024, Appendix A",
)
def same_start(proof: Derivation, relation: Callable[..., tuple[Expression, Expression]]) -> None:
    """Appendix A: from a constant start pretraining grows one pathway by exp(z) and shrinks the other by as much."""
    start = {W0: ALPHA, V0: ALPHA}
    solve_the_flow(proof)
    shrinks, grows = (solution()[name].subs(start) for name in ("s_+", "s_-"))
    plus, minus = ALPHA * sp.exp(Z), ALPHA * sp.exp(-Z)
    at_end = {P: -Z / 2}
    proof.equal("w_+ = v_+ = s_+ after pretraining, with z = -2p", shrinks.subs(at_end), plus)
    proof.equal("w_- = v_- = s_-", grows.subs(at_end), minus)
    for name in ("d_+", "d_-"):
        proof.equal(f"{name} stays 0: the layers stay equal", solution()[name].subs(start), 0)
    root = sp.sqrt(A**2 + 4 * ALPHA**4)
    reached = {Z: sp.asinh(A / (2 * ALPHA**2)) / 2}
    proof.equal("beta_aux = a is reached at z = arcsinh(a/(2 alpha^2))/2", (plus**2 - minus**2).subs(reached), A, by=as_roots)
    proof.equal("where w_+^2 = (R + a)/2, R = sqrt(a^2 + 4 alpha^4)", (plus**2).subs(reached), (root + A) / 2, by=as_roots)
    proof.equal("and w_-^2 = (R - a)/2", (minus**2).subs(reached), (root - A) / 2, by=as_roots)
    left, right = relation(sp.sqrt((root + A) / 2), sp.sqrt((root - A) / 2), A)
    proof.equal("the relation stated, for every beta_aux", left, right)


def as_roots(expression: Expression) -> Expression:
    """Write exp(arcsinh x) as x + sqrt(1 + x^2)."""
    expression = expression.rewrite(sp.exp).replace(sp.asinh, lambda x: sp.log(x + sp.sqrt(1 + x**2)))
    return sp.simplify(sp.powdenest(sp.expand(expression), force=False))
