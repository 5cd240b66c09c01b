"""Appendix A: the flow of a diagonal network in closed form, and the penalty that its endpoint minimises."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import mpmath
import sympy as sp

from normtheory import exact
from normtheory.audit.alone import run_alone
from normtheory.audit.claims import Verdict, claim
from normtheory.audit.derivation import Derivation
from normtheory.proofs import experiments, setting
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
    rate,
    rates_of_sums_and_differences,
)
from normtheory.proofs.setting import number

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


SUM_OF_SQUARES = "loss: sum of squared residuals, r = X~(w o v) - y with X~ = [X, -X]"


class Line(NamedTuple):
    """A chain of Eqs. 8 and 9: velocity = sign times the gradient of the loss = factor times (X~^T r) o partner."""

    sign: int
    factor: int
    partner: str = "other layer"


def _velocity_is(proof: Derivation, line: Line, layer: int) -> None:
    """Eqs. 8 and 9 for two samples and two inputs, four hidden units."""
    X = sp.Matrix(2, 2, sp.symbols("X_11 X_12 X_21 X_22", real=True))
    doubled = X.row_join(-X)
    y = sp.Matrix(sp.symbols("y_1 y_2", real=True))
    layers = sp.symbols("w_1:5", real=True), sp.symbols("v_1:5", real=True)
    residual = doubled * sp.Matrix([w * v for w, v in zip(*layers, strict=True)]) - y
    loss = (residual.T * residual)[0]
    moved, other = layers[layer], layers[1 - layer]
    gradient = [sp.diff(loss, weight) for weight in moved]
    for unit in range(4):
        partner = (other if line.partner == "other layer" else moved)[unit]
        proof.equal(
            f"hidden unit {unit + 1}: the last line is the first, {'-' if line.sign < 0 else '+'} the gradient",
            line.sign * gradient[unit],
            line.factor * (doubled.T * residual)[unit] * partner,
        )
    fall = sum(slope**2 for slope in gradient)
    proof.equal("and the loss falls along it, at the rate of the squared gradient", line.sign * fall, -fall)


def size_of_sign(printed: Line, corrected: Line, layer: int) -> str:
    """Eqs. 8 and 9: the first velocity of pretraining, and where either sign leads one feature.

    With X^T X = n, its mean, a feature of size b moves by beta' = -sign 4 n (b - beta) sqrt(beta^2 + 4 alpha^4).
    """
    loss, squared = experiments.first_velocity(layer)
    n, b, alpha = setting.SAMPLES_AUX, mpmath.mpf(setting.value(setting.WEIGHT)), mpmath.mpf(setting.value(setting.ALPHA))

    def pace(beta: Any) -> Any:
        return 1 / (4 * n * abs(b - beta) * mpmath.sqrt(beta**2 + 4 * alpha**4))

    scales = [alpha**2, 1e3 * alpha**2]
    learned = mpmath.quad(pace, [0, *scales, b / 2])
    diverged = mpmath.quad(pace, [-mpmath.inf, -b, *(-scale for scale in reversed(scales)), 0])
    return (
        f"When pretraining starts, from alpha = {number(alpha)} on {n} samples, the printed velocity of this layer changes the "
        f"squared error, {number(loss)}, at the rate {printed.sign * squared:+.3g}, the corrected one at the rate "
        f"{corrected.sign * squared:+.3g}. With the printed signs in both layers a feature of {number(b)} "
        f"would run off to infinity by time {number(diverged)}; with the corrected ones half of it is learned by "
        f"{number(learned)} (if X^T X = {n})."
    )


_WRONG_LINES = {
    "a factor 1 for 2": Line(-1, -1),
    "the last line with a plus sign": Line(-1, 2),
    "the layer itself for its partner": Line(-1, -2, "same layer"),
}


@claim(
    id="eq8",
    where="Eq. 8 (Appendix A)",
    statement=r"\dot w^{(1)} = \nabla_{w^{(1)}}L = \nabla_{w^{(1)}}\|\tilde X(w^{(1)}\circ w^{(2)})-y\|_2^2 "
    r"= -2\tilde X^\top r\circ w^{(2)}",
    assumptions=(SUM_OF_SQUARES, "spelled out for two samples and two inputs, four hidden units"),
    printed=Line(1, -2),
    corrected=Line(-1, -2),
    corrected_statement=r"\dot w^{(1)} = -\nabla_{w^{(1)}}L = -2\tilde X^\top r\circ w^{(2)}",
    size=partial(size_of_sign, layer=0),
    twins=_WRONG_LINES,
    expected=Verdict.CORRECTED,
    source=SOURCE,
)
def first_layer_moves(proof: Derivation, line: Line) -> None:
    """Eq. 8: gradient flow goes down. The first two lines print it going up, the last line is right."""
    _velocity_is(proof, line, layer=0)


@claim(
    id="eq9",
    where="Eq. 9 (Appendix A)",
    statement=r"\dot w^{(2)} = \nabla_{w^{(2)}}L = \nabla_{w^{(2)}}\|\tilde X(w^{(1)}\circ w^{(2)})-y\|_2^2 "
    r"= -2\tilde X^\top r\circ w^{(1)}",
    assumptions=(SUM_OF_SQUARES, "spelled out for two samples and two inputs, four hidden units"),
    printed=Line(1, -2),
    corrected=Line(-1, -2),
    corrected_statement=r"\dot w^{(2)} = -\nabla_{w^{(2)}}L = -2\tilde X^\top r\circ w^{(1)}",
    size=partial(size_of_sign, layer=1),
    twins=_WRONG_LINES,
    expected=Verdict.CORRECTED,
    source=SOURCE,
)
def second_layer_moves(proof: Derivation, line: Line) -> None:
    """Eq. 9: as Eq. 8, with the layers exchanged."""
    _velocity_is(proof, line, layer=1)


# Both pathways: (X~^T r)_d is G/2 in the plus pathway and -G/2 in the minus pathway.
PATHWAYS = (("+", G / 2, S_PLUS, D_PLUS), ("-", -G / 2, S_MINUS, D_MINUS))
Law = Callable[[Expression, Expression, Expression], Expression]


@claim(
    id="eq10",
    where="Eq. 10 (Appendix A)",
    statement=r"\dot s = -2\tilde X^\top r\circ s,\quad s = \tfrac12(w^{(1)}+w^{(2)})",
    assumptions=(SUM_OF_SQUARES,),
    printed=lambda pull, s, d: -2 * pull * s,
    twins={
        "half the rate": lambda pull, s, d: -pull * s,
        "growing for shrinking": lambda pull, s, d: 2 * pull * s,
        "the difference for the sum": lambda pull, s, d: -2 * pull * d,
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def sum_moves(proof: Derivation, law: Law) -> None:
    """Eq. 10: add Eqs. 8 and 9 (last lines)."""
    gradient_flow_of_least_squares(proof)
    for name, pull, s, d in PATHWAYS:
        proof.equal(f"the sum of the two layers moves as stated, pathway {name}", rate(s), law(pull, s, d))


@claim(
    id="eq11",
    where="Eq. 11 (Appendix A); the number 12 stands beside an empty line",
    statement=r"\dot d = 2\tilde X^\top r\circ d,\quad d = \tfrac12(w^{(1)}-w^{(2)})",
    assumptions=(SUM_OF_SQUARES,),
    printed=lambda pull, s, d: 2 * pull * d,
    twins={
        "half the rate": lambda pull, s, d: pull * d,
        "the sign of Eq. 10": lambda pull, s, d: -2 * pull * d,
        "the sum for the difference": lambda pull, s, d: 2 * pull * s,
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def difference_moves(proof: Derivation, law: Law) -> None:
    """Eq. 11: subtract Eqs. 8 and 9 (last lines)."""
    gradient_flow_of_least_squares(proof)
    for name, pull, s, d in PATHWAYS:
        proof.equal(f"the difference of the two layers moves as stated, pathway {name}", rate(d), law(pull, s, d))


PULLED, INITIAL, PULL = sp.symbols("p q_0 g", real=True)  # p = (X~^T int_0^t r)_d, a starting value, p' = g = (X~^T r)_d


def _solves(proof: Derivation, solution: Callable[..., Expression], factor: int) -> None:
    """The solution of q' = factor g q, q(0) = q_0; a linear equation has only one."""
    q = solution(INITIAL, PULLED)
    proof.equal("its time derivative is the right-hand side, as p' = g", sp.diff(q, PULLED) * PULL, factor * PULL * q)
    proof.equal("it starts at its value at time 0, where p = 0", q.subs(PULLED, 0), INITIAL)


@claim(
    id="eq13",
    where="Eq. 13 (Appendix A)",
    statement=r"s(t) = s(0)\circ\exp\Big(-2\tilde X^\top\int_0^t r(s)\,ds\Big)",
    assumptions=(SUM_OF_SQUARES,),
    printed=lambda start, p: start * sp.exp(-2 * p),
    twins={
        "the sign of Eq. 14": lambda start, p: start * sp.exp(2 * p),
        "half the exponent": lambda start, p: start * sp.exp(-p),
        "one less": lambda start, p: start * (sp.exp(-2 * p) - 1),
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def solution_of_sums(proof: Derivation, solution: Callable[..., Expression]) -> None:
    """Eq. 13: the solution of Eq. 10."""
    rates_of_sums_and_differences(proof)
    _solves(proof, solution, -2)


@claim(
    id="eq14",
    where="Eq. 14 (Appendix A)",
    statement=r"d(t) = d(0)\circ\exp\Big(2\tilde X^\top\int_0^t r(s)\,ds\Big)",
    assumptions=(SUM_OF_SQUARES,),
    printed=lambda start, p: start * sp.exp(2 * p),
    twins={
        "the sign of Eq. 13": lambda start, p: start * sp.exp(-2 * p),
        "exponent 4": lambda start, p: start * sp.exp(4 * p),
        "the first two terms of the series": lambda start, p: start * (1 + 2 * p),
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def solution_of_differences(proof: Derivation, solution: Callable[..., Expression]) -> None:
    """Eq. 14: the solution of Eq. 11."""
    rates_of_sums_and_differences(proof)
    _solves(proof, solution, 2)


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


@claim(
    id="mirror",
    where="Appendix A, before Eq. 21",
    statement=r"X\beta(\infty)=y\ \Rightarrow\ \beta(\infty)\ \text{minimises Eq. 21 among all}\ \beta\ \text{with}\ X\beta=y",
    assumptions=(SAME_START, "some weight of every coordinate is not 0", "the flow reaches zero training error"),
    printed=(printed_penalty, sp.Integer(0)),
    twins={
        "half the scale": (lambda beta, w, v: printed_penalty(beta, w / sp.sqrt(2), v / sp.sqrt(2)), sp.Integer(0)),
        "the scale of the first layer alone": (lambda beta, w, v: w**2 * _q(2 * beta / w**2), sp.Integer(0)),
        "l2": (lambda beta, w, v: beta**2, sp.Integer(0)),
        "without the common start: w_+^2 v_+^2 exceeds w_-^2 v_-^2": (printed_penalty, sp.Rational(1, 2)),
    },
    expected=Verdict.PROVED,
    source=SOURCE + "; Woodworth et al. 2020, Appendix D",
)
def limit_minimises(proof: Derivation, stated: tuple[Callable[..., Expression], Expression]) -> None:
    """Appendix A, last step: the KKT conditions hold at the limit, and suffice; then trained networks.

    A shift of the start away from w_+ = w_- adds a constant to the argument of sinh.
    """
    penalty, shift = stated
    solve_the_flow(proof)
    b, x = sp.symbols("b x", real=True)
    w, v = sp.symbols("w v", positive=True)
    endpoint = (w**2 + v**2) * sp.sinh(shift - 4 * P * x)
    slope = sp.diff(penalty(b, w, v), b).subs(b, endpoint)
    stationary = proof.equal("the gradient at the limit is X^T (-8 int r): one sample with entry x", slope, -8 * P * x)
    curvature = sp.diff(penalty(b, w, v), b, 2)
    form = 2 / sp.sqrt(b**2 + (w**2 + v**2) ** 2)
    if stationary:
        proof.equal("the second derivative", curvature, form)
        proof.positive("is positive", form, form)
        row_space_is_enough(proof)
        deviation = experiments.common_starts()
        proof.witness("flows from random common starts end at the minimiser of Eq. 21", deviation, experiments.FLOW_BUDGET)
        proof.note(f"Flows from random common starts end within {deviation:.1e} (relative) of the minimiser of Eq. 21.")


A, ALPHA, Z = sp.Symbol("a", real=True), sp.Symbol("alpha", positive=True), sp.Symbol("z", real=True)


def after_pretraining(proof: Derivation) -> Expression:
    """Appendix A: from a constant start pretraining grows one pathway by exp(z) and shrinks the other by as much.

    Returns R = sqrt(a^2 + 4 alpha^4), in which w_+^2 = (R + a)/2 and w_-^2 = (R - a)/2.
    """
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
    return root


def pretrained(beta_aux: Expression, pathway: int) -> float:
    """First-layer weight of a pathway, +1 or -1, after pretraining from the paper's alpha."""
    weights = exact.pretraining(float(beta_aux), float(setting.ALPHA))
    return float((weights.w_plus if pathway > 0 else weights.w_minus)[0])


def size_of_imbalance(relation: Callable[..., Any], _: Callable[..., Any]) -> str:
    """Appendix A: both sides of the printed equality after the paper's pretraining."""
    left, right = relation(pretrained(setting.WEIGHT, 1), pretrained(setting.WEIGHT, -1), setting.WEIGHT)
    bare = pretrained(sp.Integer(0), 1)
    return (
        f"On the {setting.FEATURES} learned features, |beta_aux| = {number(setting.WEIGHT)} from alpha = "
        f"{number(setting.ALPHA)}, the two are {left:.3g} and {right:.3g}, apart by a factor of {left / right:.3g}; "
        f"only on the {setting.INPUTS - setting.FEATURES} others are they equal, both {bare:.3g}."
    )


@claim(
    id="stationarity",
    where="Appendix A, before Eq. 18, as used for finetuning",
    statement=r"w_+(0) = w_-(0)\ \text{at the start of finetuning}",
    assumptions=("pretraining started from the constant alpha in all weights", r"its predictor is \beta^{aux}"),
    printed=lambda plus, minus, a: (plus, minus),
    control=("w_+^2 - w_-^2 = beta_aux", lambda plus, minus, a: (plus**2 - minus**2, a)),
    size=size_of_imbalance,
    twins={
        "equal up to sign": lambda plus, minus, a: (plus, -minus),
        "equal squares, |beta_aux| each": lambda plus, minus, a: (plus**2, sp.Abs(a)),
        "w_+^2 - w_-^2 = -beta_aux": lambda plus, minus, a: (plus**2 - minus**2, -a),
    },
    expected=Verdict.REFUTED,
    source="Lindsey & Lippl 2024, Appendix A",
)
def same_start(proof: Derivation, relation: Callable[..., tuple[Expression, Expression]]) -> None:
    """Appendix A: the two first layers after pretraining, compared."""
    root = after_pretraining(proof)
    left, right = relation(sp.sqrt((root + A) / 2), sp.sqrt((root - A) / 2), A)
    proof.equal("the relation stated, for every beta_aux", left, right)


Pathways = tuple[Expression, Expression]


def size_of_pathways(printed: Pathways, corrected: Pathways) -> str:
    """Appendix A, after Eq. 21: both pathways of a learned feature, and of one that was not."""
    learned, other = ({A: aux, ALPHA: setting.ALPHA} for aux in (setting.WEIGHT, sp.Integer(0)))
    (plus, minus), (true_plus, true_minus) = (
        [setting.value(weight, learned) for weight in stated] for stated in (printed, corrected)
    )
    said, found = (setting.value(stated[1], other) for stated in (printed, corrected))
    return (
        f"On a learned feature, beta_aux = {number(setting.WEIGHT)} from alpha = {number(setting.ALPHA)}, the plus pathway "
        f"holds {number(true_plus)} as printed, but the minus pathway {number(true_minus)}, not {number(minus)}. The printed "
        f"two would cancel to a predictor of {number(plus**2 - minus**2)}, and their w_+^2 + w_-^2 is "
        f"{number(plus**2 + minus**2)}, not {number(true_plus**2 + true_minus**2)}: hence the doubled scale of Eq. 3. "
        f"On the other inputs both hold {number(found)}, not {number(said)}."
    )


@claim(
    id="balanced",
    where="Appendix A, after Eq. 21",
    statement=r"\text{after pretraining}\ (w_0)^{(1)}_d = \sqrt{|\beta^{aux}_d|}\ \text{in both pathways}",
    assumptions=("pretraining started from the constant alpha in all weights", r"its predictor is \beta^{aux}"),
    printed=(sp.sqrt(sp.Abs(A)), sp.sqrt(sp.Abs(A))),
    corrected=(
        sp.sqrt((sp.sqrt(A**2 + 4 * ALPHA**4) + A) / 2),
        sp.sqrt((sp.sqrt(A**2 + 4 * ALPHA**4) - A) / 2),
    ),
    corrected_statement=r"w_{\pm}^{(1)} = \sqrt{(R\pm\beta^{aux})/2},\ R = \sqrt{(\beta^{aux})^2+4\alpha^4}:\ "
    r"\text{for}\ \beta^{aux}>0\ w_+^2-\beta^{aux} = w_-^2,\ \frac{\alpha^4}{\beta^{aux}+\alpha^2} < w_-^2 "
    r"< \frac{\alpha^4}{\beta^{aux}}",
    size=size_of_pathways,
    twins={
        "pathways exchanged": (
            sp.sqrt((sp.sqrt(A**2 + 4 * ALPHA**4) - A) / 2),
            sp.sqrt((sp.sqrt(A**2 + 4 * ALPHA**4) + A) / 2),
        ),
        "half of |beta_aux| in each": (sp.sqrt(sp.Abs(A) / 2), sp.sqrt(sp.Abs(A) / 2)),
        "sqrt|beta_aux| and 0, the limit alpha -> 0": (sp.sqrt(sp.Abs(A)), sp.Integer(0)),
        "alpha^2 for 2 alpha^2 under the root": (
            sp.sqrt((sp.sqrt(A**2 + ALPHA**4) + A) / 2),
            sp.sqrt((sp.sqrt(A**2 + ALPHA**4) - A) / 2),
        ),
    },
    expected=Verdict.CORRECTED,
    source="Lindsey & Lippl 2024, Appendix A",
)
def layers_after_pretraining(proof: Derivation, stated: tuple[Expression, Expression]) -> None:
    """Appendix A, after Eq. 21: one pathway carries beta_aux and the other dies; both never hold sqrt|beta_aux|."""
    root = after_pretraining(proof)
    plus_holds = proof.equal("w_+^2, as stated", (root + A) / 2, stated[0] ** 2)
    minus_holds = proof.equal("w_-^2, as stated", (root - A) / 2, stated[1] ** 2)
    if not (plus_holds and minus_holds):
        return
    a, far = sp.Symbol("a_0", positive=True), sp.Symbol("rho", positive=True)
    dying = (root.subs(A, a) - a) / 2
    proof.equal(
        "for beta_aux = a_0 > 0 the pathway that carries it exceeds it by the other one", dying + a, (root.subs(A, a) + a) / 2
    )
    proof.equal("which is 2 alpha^4/(R + a_0)", dying * (root.subs(A, a) + a), 2 * ALPHA**4)
    excess = root.subs(A, a) - a
    proof.positive_by_taylor("R exceeds a_0", excess.subs(ALPHA**4, far), far, 1, sp.diff(excess.subs(ALPHA**4, far), far))
    below = (a + 2 * ALPHA**2) - root.subs(A, a)
    proof.positive("and is below a_0 + 2 alpha^2", below, 4 * a * ALPHA**2 / (a + 2 * ALPHA**2 + root.subs(A, a)))


def as_roots(expression: Expression) -> Expression:
    """Write exp(arcsinh x) as x + sqrt(1 + x^2)."""
    expression = expression.rewrite(sp.exp).replace(sp.asinh, lambda x: sp.log(x + sp.sqrt(1 + x**2)))
    return sp.simplify(sp.powdenest(sp.expand(expression), force=False))


if __name__ == "__main__":
    sys.exit(run_alone())
