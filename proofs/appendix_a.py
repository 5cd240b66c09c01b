"""Appendix A: the flow of a diagonal network in closed form, and the penalty that its endpoint minimises."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import mpmath
import sympy as sp

from normtheory.audit.alone import run_alone
from normtheory.audit.claims import Verdict, claim
from normtheory.audit.derivation import Derivation
from normtheory.proofs import experiments, setting
from normtheory.proofs.orbit import (
    D_MINUS,
    D_PLUS,
    S_MINUS,
    S_PLUS,
    G,
    gradient_flow_of_least_squares,
    rate,
    rates_of_sums_and_differences,
)
from normtheory.proofs.setting import number

Expression = Any

SOURCE = "Lindsey & Lippl 2024, Appendix A; Azulay et al. 2021"


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


if __name__ == "__main__":
    sys.exit(run_alone())
