"""One coordinate of a diagonal network with several outputs along gradient flow, as theories of multi-task training need it.

A loss enters only through its slopes G_o in the coordinate's predictors, whatever they do in time (Eqs. 4 and 23).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import sympy as sp

from normtheory.audit import notation
from normtheory.audit.derivation import Derivation
from normtheory.audit.notation import symbol
from normtheory.audit.steps import Theorem
from normtheory.proofs.orbit import W_MINUS, W_PLUS, rate

Expression = Any
Symbol = Any
Field = dict[Symbol, Expression]

MOST_OUTPUTS = 3
_SMALL = "₀₁₂₃"


def _by_output(name: str, latex: str, text: str) -> tuple[Symbol, ...]:
    return tuple(symbol(f"{name}{o}", latex.format(o), text.format(_SMALL[o]), real=True) for o in range(1, MOST_OUTPUTS + 1))


V_PLUS = _by_output("v_+", "v_{{+,{}}}", "v₊{}")  # second layer, an entry an output
V_MINUS = _by_output("v_-", "v_{{-,{}}}", "v₋{}")
SLOPES = _by_output("G_", "G_{}", "G{}")  # dL/dbeta_o at one time
PREDICTORS = _by_output("beta_", r"\beta_{}", "β{}")  # as letters


class Coordinate(NamedTuple):
    """The weights of one input, its predictors as functions of them, and their velocities."""

    weights: tuple[Symbol, ...]
    predictors: tuple[Expression, ...]
    velocities: Field

    def pushed(self, output: int) -> Expression:
        """The field of one output, by number from 0: the velocities for a slope of -1 there and 0 elsewhere, as a column."""
        slopes = {slope: -1 if o == output else 0 for o, slope in enumerate(SLOPES)}
        return sp.Matrix([self.velocities[weight].subs(slopes) for weight in self.weights])

    def moved(self, direction: Expression) -> tuple[Expression, ...]:
        """The rates of the predictors along a direction in the weights."""
        return tuple(
            sp.expand(sum(c * sp.diff(beta, w) for c, w in zip(direction, self.weights, strict=True)))
            for beta in self.predictors
        )


def coordinate(outputs: int) -> Coordinate:
    """Eqs. 4 and 23: beta_o = w_+ v_+o - w_- v_-o, and minus the chain rule."""
    plus, minus, slopes = V_PLUS[:outputs], V_MINUS[:outputs], SLOPES[:outputs]
    predictors = tuple(W_PLUS * v - W_MINUS * u for v, u in zip(plus, minus, strict=True))
    velocities = {
        W_PLUS: -sum(g * v for g, v in zip(slopes, plus, strict=True)),
        W_MINUS: sum(g * v for g, v in zip(slopes, minus, strict=True)),
        **{v: -g * W_PLUS for g, v in zip(slopes, plus, strict=True)},
        **{v: g * W_MINUS for g, v in zip(slopes, minus, strict=True)},
    }
    return Coordinate((W_PLUS, W_MINUS, *plus, *minus), predictors, velocities)


def laws(outputs: int) -> tuple[Expression, Expression, Expression]:
    """What a coordinate conserves: the balance of either pathway, and that between them."""
    plus, minus = V_PLUS[:outputs], V_MINUS[:outputs]
    return (
        W_PLUS**2 - sum(v**2 for v in plus),
        W_MINUS**2 - sum(v**2 for v in minus),
        W_PLUS * W_MINUS + sum(v * u for v, u in zip(plus, minus, strict=True)),
    )


def gradient_flow(proof: Derivation, outputs: int) -> None:
    """Eqs. 4 and 23: the velocities are minus the gradient of any loss of the predictors."""
    with proof.lemma("gradient flow of any loss of the predictors"):
        one = coordinate(outputs)
        for weight, velocity in one.velocities.items():
            slope = sum(g * sp.diff(beta, weight) for g, beta in zip(SLOPES, one.predictors, strict=False))
            proof.equal(f"{notation.text(weight)} moves against the slopes of its coordinate's predictors", -slope, velocity)
        proof.argue("a loss depends on a weight only through these predictors, whatever the data", Theorem.CHAIN_RULE)


def conserved(proof: Derivation, outputs: int) -> None:
    """The three laws hold along the flow, whatever the slopes."""
    with proof.lemma("what a coordinate conserves"):
        for law in laws(outputs):
            proof.equal("along the flow this does not change", rate(law, coordinate(outputs).velocities), 0)


def bracket(first: Expression, second: Expression, variables: tuple[Symbol, ...]) -> Expression:
    """Lie bracket of two vector fields, as columns."""
    return second.jacobian(variables) * first - first.jacobian(variables) * second
