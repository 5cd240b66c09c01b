"""Appendix A: the flow of a diagonal network in closed form, and the penalty that its endpoint minimises."""

from __future__ import annotations

import sys
from functools import partial
from typing import Any

import mpmath
import sympy as sp

from normtheory.audit import notation
from normtheory.audit.alone import run_alone
from normtheory.audit.claims import Verdict, claim
from normtheory.audit.derivation import Derivation
from normtheory.audit.notation import symbol
from normtheory.audit.statements import Said
from normtheory.audit.steps import Theorem
from normtheory.proofs import experiments, setting
from normtheory.proofs.orbit import (
    V_MINUS,
    V_PLUS,
    W_MINUS,
    W_PLUS,
    G,
    gradient_flow_of_least_squares,
    rate,
)
from normtheory.proofs.setting import number

Expression = Any

SOURCE = "Lindsey & Lippl 2024, Appendix A; Azulay et al. 2021"

# One hidden unit of either pathway: its two weights, half their sum and difference, and what of the residuals reaches it.
FIRST, SECOND = symbol("w1", "w^{(1)}", "w⁽¹⁾", real=True), symbol("w2", "w^{(2)}", "w⁽²⁾", real=True)
SUM, DIFFERENCE = symbol("sum", "s", "s", real=True), symbol("difference", "d", "d", real=True)
REACHES = symbol("reaches", r"\tilde X^\top r", "X̃ᵀr", real=True)
RESIDUAL = symbol("residual", "r", "r", real=True)  # of one sample
SLOPES = (  # of the loss in each layer
    symbol("L_w", r"\nabla_{w^{(1)}} L", "∇L in w⁽¹⁾", real=True),
    symbol("L_v", r"\nabla_{w^{(2)}} L", "∇L in w⁽²⁾", real=True),
)
READ = (
    "$X$ with a tilde holds the inputs once for the plus pathway and, reversed in sign, once for the minus pathway; $r$ are "
    "the residuals",
)


def _velocity_is(proof: Derivation, line: Said, layer: int) -> None:
    """Eqs. 8 and 9: the loss of one sample in a hidden unit's weights; whatever the other units add is S."""
    x, others, y = sp.symbols("x S y", real=True)
    residual = x * FIRST * SECOND + others - y
    of_sample = line.loss.subs(RESIDUAL, residual)
    gradient = sp.diff(of_sample, (FIRST, SECOND)[layer])
    proof.equal(
        "one sample, any hidden unit: the line with the gradient is the last line",
        line.velocity.subs(SLOPES[layer], gradient),
        line.rate.subs(REACHES, x * residual),
    )
    proof.argue("both lines add up over any number of samples", Theorem.LINEARITY)
    proof.equal("gradient flow moves against the gradient", line.velocity, -SLOPES[layer])


def size_of_sign(printed: Said, corrected: Said, layer: int) -> str:
    """Eqs. 8 and 9: the first velocity of pretraining, and where either sign leads one feature.

    With X^T X = n, its mean, a feature of size b moves by beta' = -sign 4 n (b - beta) sqrt(beta^2 + 4 alpha^4).
    """
    loss, squared = experiments.first_velocity(layer)
    signs = [int(line.velocity.subs(SLOPES[layer], 1)) for line in (printed, corrected)]
    n, b, alpha = setting.SAMPLES_AUX, mpmath.mpf(setting.value(setting.WEIGHT)), mpmath.mpf(setting.value(setting.ALPHA))

    def pace(beta: Any) -> Any:
        return 1 / (4 * n * abs(b - beta) * mpmath.sqrt(beta**2 + 4 * alpha**4))

    scales = [alpha**2, 1e3 * alpha**2]
    learned = mpmath.quad(pace, [0, *scales, b / 2])
    diverged = mpmath.quad(pace, [-mpmath.inf, -b, *(-scale for scale in reversed(scales)), 0])
    return (
        f"When pretraining starts, from the alpha {number(alpha)} on {n} samples, the printed velocity of this layer changes "
        f"the squared error, {number(loss)}, at the rate {signs[0] * squared:+.3g}, the corrected one at the rate "
        f"{signs[1] * squared:+.3g}. With the printed signs in both layers a feature of {number(b)} "
        f"would run off to infinity by time {number(diverged)}; with the corrected ones half of it is learned by "
        f"{number(learned)} (where the Gram matrix of the inputs is {n} times the identity)."
    )


def _line(layer: int) -> Said:
    """The printed chain: the velocity by the gradient, and the last line."""
    return Said(loss=RESIDUAL**2, velocity=SLOPES[layer], rate=-2 * REACHES * (SECOND, FIRST)[layer])


def _wrong_lines(layer: int) -> dict[str, Said]:
    right = _line(layer).but(velocity=-SLOPES[layer])
    return {
        "half the last line": right.but(rate=right.rate / 2),
        "the last line with a plus sign": right.but(rate=-right.rate),
        "up the gradient in both lines": right.but(velocity=SLOPES[layer], rate=-right.rate),
        "the layer itself for its partner": right.but(rate=-2 * REACHES * (FIRST, SECOND)[layer]),
        "half the squared residual for the loss": right.but(loss=RESIDUAL**2 / 2),
    }


def _other_loss(layer: int) -> dict[str, Said]:
    right = _line(layer).but(velocity=-SLOPES[layer])
    return {"half the squared residual, and half the rate": right.but(loss=RESIDUAL**2 / 2, rate=right.rate / 2)}


@claim(
    id="eq8",
    where="Eq. 8 (Appendix A)",
    statement="gradient flow on the sum of <loss> over the samples moves the first layer at the velocity <velocity>, which is "
    "<rate> in every hidden unit",
    printed=_line(0),
    corrected=_line(0).but(velocity=-SLOPES[0]),
    size=partial(size_of_sign, layer=0),
    twins=_wrong_lines(0),
    siblings=_other_loss(0),
    reads=READ,
    expected=Verdict.CORRECTED,
    source=SOURCE,
)
def first_layer_moves(proof: Derivation, line: Said) -> None:
    """Eq. 8: gradient flow goes down. The first two lines print it going up, the last line is right."""
    _velocity_is(proof, line, layer=0)


@claim(
    id="eq9",
    where="Eq. 9 (Appendix A)",
    statement="gradient flow on the sum of <loss> over the samples moves the second layer at the velocity <velocity>, which is "
    "<rate> in every hidden unit",
    printed=_line(1),
    corrected=_line(1).but(velocity=-SLOPES[1]),
    size=partial(size_of_sign, layer=1),
    twins=_wrong_lines(1),
    siblings=_other_loss(1),
    reads=READ,
    expected=Verdict.CORRECTED,
    source=SOURCE,
)
def second_layer_moves(proof: Derivation, line: Said) -> None:
    """Eq. 9: as Eq. 8, with the layers exchanged."""
    _velocity_is(proof, line, layer=1)


def _moves(proof: Derivation, quantity: Expression, law: Expression, name: Expression) -> None:
    """Eqs. 10 and 11 in both pathways: what reaches a hidden unit is G/2 in the plus pathway, -G/2 in the minus pathway."""
    gradient_flow_of_least_squares(proof)
    for first, second, reaches in ((W_PLUS, V_PLUS, G / 2), (W_MINUS, V_MINUS, -G / 2)):
        sums = {SUM: (FIRST + SECOND) / 2, DIFFERENCE: (FIRST - SECOND) / 2} | {name: quantity}
        layers = {FIRST: first, SECOND: second, REACHES: reaches}
        proof.equal(
            f"it moves as stated, in the pathway of {notation.text(first)} and {notation.text(second)}",
            rate(quantity.subs(layers)),
            law.subs(sums).subs(layers),
        )


TENTH = Said(quantity=(FIRST + SECOND) / 2, law=-2 * REACHES * SUM)
ELEVENTH = Said(quantity=(FIRST - SECOND) / 2, law=2 * REACHES * DIFFERENCE)
ON_SQUARES = "along gradient flow on the sum of squared residuals "


@claim(
    id="eq10",
    where="Eq. 10 (Appendix A)",
    statement=ON_SQUARES + "the sum $s$ of the layers, taken as <quantity>, has the rate <law> in every hidden unit",
    printed=TENTH,
    twins={
        "half the rate": TENTH.but(law=TENTH.law / 2),
        "growing for shrinking": TENTH.but(law=-TENTH.law),
        "the difference for the sum": TENTH.but(law=-2 * REACHES * DIFFERENCE),
        "the first layer alone": TENTH.but(quantity=FIRST),
    },
    siblings={
        "twice the sum": TENTH.but(quantity=FIRST + SECOND),
        "in the layers themselves": TENTH.but(law=-REACHES * (FIRST + SECOND)),
    },
    reads=READ,
    expected=Verdict.PROVED,
    source=SOURCE,
)
def sum_moves(proof: Derivation, stated: Said) -> None:
    """Eq. 10: add Eqs. 8 and 9 (last lines)."""
    _moves(proof, stated.quantity, stated.law, SUM)


@claim(
    id="eq11",
    where="Eq. 11 (Appendix A); the number 12 stands beside an empty line",
    statement=ON_SQUARES + "the difference $d$ of the layers, taken as <quantity>, has the rate <law> in every hidden unit",
    printed=ELEVENTH,
    twins={
        "half the rate": ELEVENTH.but(law=ELEVENTH.law / 2),
        "the sign of the sum": ELEVENTH.but(law=-ELEVENTH.law),
        "the sum for the difference": ELEVENTH.but(law=2 * REACHES * SUM),
        "the second layer alone": ELEVENTH.but(quantity=SECOND),
    },
    siblings={
        "twice the difference": ELEVENTH.but(quantity=FIRST - SECOND),
        "in the layers themselves": ELEVENTH.but(law=REACHES * (FIRST - SECOND)),
    },
    reads=READ,
    expected=Verdict.PROVED,
    source=SOURCE,
)
def difference_moves(proof: Derivation, stated: Said) -> None:
    """Eq. 11: subtract Eqs. 8 and 9 (last lines)."""
    _moves(proof, stated.quantity, stated.law, DIFFERENCE)


REACHED = symbol("reached", r"\tilde X^\top\!\int r", "X̃ᵀ∫r", real=True)  # since time 0
SUM_0, DIFFERENCE_0 = symbol("sum_0", "s(0)", "s(0)", real=True), symbol("difference_0", "d(0)", "d(0)", real=True)


def _solves(proof: Derivation, stated: Expression, start: Expression, law: Expression, name: Expression) -> None:
    """The solution of Eq. 10 or 11 from its value at time 0; X~^T int_0^t r grows at the rate X~^T r."""
    proof.equal(
        "its time derivative is the law's right-hand side, as the integral grows at the rate of the residuals",
        sp.diff(stated, REACHED) * REACHES,
        law.subs(name, stated),
    )
    proof.equal("where the integral is zero it is at its start", stated.subs(REACHED, 0), start)
    proof.argue("and there is no other solution", Theorem.UNIQUENESS)


THIRTEENTH = Said(law=TENTH.law, solution=SUM_0 * sp.exp(-2 * REACHED))
FOURTEENTH = Said(law=ELEVENTH.law, solution=DIFFERENCE_0 * sp.exp(2 * REACHED))


@claim(
    id="eq13",
    where="Eq. 13 (Appendix A)",
    statement="with its rate <law> the sum $s$ of the layers is, at every time, <solution>",
    printed=THIRTEENTH,
    twins={
        "growing for shrinking": THIRTEENTH.but(solution=SUM_0 * sp.exp(2 * REACHED)),
        "half the exponent": THIRTEENTH.but(solution=SUM_0 * sp.exp(-REACHED)),
        "one less": THIRTEENTH.but(solution=SUM_0 * (sp.exp(-2 * REACHED) - 1)),
        "half the rate": THIRTEENTH.but(law=THIRTEENTH.law / 2),
        "half the rate and half the exponent": Said(law=THIRTEENTH.law / 2, solution=SUM_0 * sp.exp(-REACHED)),
    },
    siblings={"in hyperbolic functions": THIRTEENTH.but(solution=SUM_0 * (sp.cosh(2 * REACHED) - sp.sinh(2 * REACHED)))},
    reads=READ,
    expected=Verdict.PROVED,
    source=SOURCE,
)
def solution_of_sums(proof: Derivation, stated: Said) -> None:
    """Eq. 13: the solution of Eq. 10."""
    _moves(proof, TENTH.quantity, stated.law, SUM)
    _solves(proof, stated.solution, SUM_0, stated.law, SUM)


@claim(
    id="eq14",
    where="Eq. 14 (Appendix A)",
    statement="with its rate <law> the difference $d$ of the layers is, at every time, <solution>",
    printed=FOURTEENTH,
    twins={
        "shrinking for growing": FOURTEENTH.but(solution=DIFFERENCE_0 * sp.exp(-2 * REACHED)),
        "twice the exponent": FOURTEENTH.but(solution=DIFFERENCE_0 * sp.exp(4 * REACHED)),
        "the first two terms of the series": FOURTEENTH.but(solution=DIFFERENCE_0 * (1 + 2 * REACHED)),
        "twice the rate and twice the exponent": Said(law=2 * FOURTEENTH.law, solution=DIFFERENCE_0 * sp.exp(4 * REACHED)),
    },
    siblings={"in hyperbolic functions": FOURTEENTH.but(solution=DIFFERENCE_0 * (sp.cosh(2 * REACHED) + sp.sinh(2 * REACHED)))},
    reads=READ,
    expected=Verdict.PROVED,
    source=SOURCE,
)
def solution_of_differences(proof: Derivation, stated: Said) -> None:
    """Eq. 14: the solution of Eq. 11."""
    _moves(proof, ELEVENTH.quantity, stated.law, DIFFERENCE)
    _solves(proof, stated.solution, DIFFERENCE_0, stated.law, DIFFERENCE)


if __name__ == "__main__":
    sys.exit(run_alone())
