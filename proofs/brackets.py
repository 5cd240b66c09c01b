"""Fields of a network's outputs and their brackets in steps of a derivation: what is conserved, and what is a mirror flow.

A network is a `Parametrisation`; along gradient flow of any loss its weights move by minus the slopes of the loss in the
outputs times the fields, the gradients of the outputs, whatever the slopes do in time.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import sympy as sp

from normtheory.audit.derivation import Derivation
from normtheory.audit.notation import symbol
from normtheory.audit.steps import Theorem
from normtheory.parametrisations import Parametrisation
from normtheory.parametrisations.exact import points, rank
from normtheory.parametrisations.lie import bracket as listed_bracket
from normtheory.parametrisations.lie import signs
from normtheory.parametrisations.mirror import Answer, exact_start
from normtheory.proofs.several_outputs import bracket

Expression = Any

SIDE = symbol("epsilon", r"\epsilon", "ε", positive=True)  # of a small square in the integrals of two slopes


def field(network: Parametrisation, output: int) -> Expression:
    """The gradient of an output, as a column."""
    return sp.Matrix([sp.diff(network.outputs[output], weight) for weight in network.weights])


def moved(network: Parametrisation, output: int, direction: Expression) -> Expression:
    """The rate of an output along a direction in the weights."""
    return sp.expand((field(network, output).T * direction)[0])


def round_a_square(network: Parametrisation, first: int, second: int) -> Expression:
    """How far the weights come, to second order in the side, when the fields are followed forth and back in turn.

    From w + side p + side^2 q along a field F, forth or back, Taylor's series leads to p +- F and q +- DF p + DF F/2.
    """
    straight, bent = (sp.zeros(len(network.weights), 1) for _ in range(2))
    for output, sign in ((first, 1), (second, 1), (first, -1), (second, -1)):
        along = field(network, output)
        jacobian = along.jacobian(network.weights)
        straight, bent = straight + sign * along, bent + sign * jacobian * straight + jacobian * along / 2
    return (SIDE * straight + SIDE**2 * bent).applyfunc(sp.expand)


def no_mirror(proof: Derivation, network: Parametrisation, pair: tuple[int, int], output: int, defect: Expression) -> bool:
    """Round a small square an output moves by the area times the defect: no mirror flow where that is not zero."""
    fields = [field(network, o) for o in pair]
    turn = bracket(fields[0], fields[1], network.weights)
    proof.argue("after one field and before the next a flow has moved by its Taylor series", Theorem.TAYLOR)
    for weight, way, expected in zip(network.weights, round_a_square(network, *pair), turn, strict=True):
        proof.equal(f"round a small square {weight} moves by its area times the bracket", way, SIDE**2 * expected)
    holds = proof.equal("so that, to leading order over the area, the predictor moves by", moved(network, output, turn), defect)
    proof.argue(
        "the integrals of the slopes are then what they were, so that a mirror flow's predictors would be", Theorem.PICARD
    )
    return holds


def commuting(proof: Derivation, network: Parametrisation) -> bool:
    """The fields commute and are independent at the start, whence the weights are a function of the slopes' integrals."""
    holds = True
    for i, j in combinations(range(len(network.outputs)), 2):
        for weight, entry in zip(network.weights, bracket(field(network, i), field(network, j), network.weights), strict=True):
            holds &= proof.equal(f"the fields of two outputs commute: their bracket moves {weight} by", sp.simplify(entry), 0)
    start = exact_start(network)
    columns = [field(network, o).subs(start) for o in range(len(network.outputs))]
    gram = sp.Matrix(len(columns), len(columns), lambda i, j: (columns[i].T * columns[j])[0])
    holds &= proof.positive("and are independent at the start, where the determinant of their products is", gram.det())
    proof.argue("so that the weights depend on the integrals of the slopes alone, and so do the predictors", Theorem.COMMUTING)
    return holds


def conserves(proof: Derivation, network: Parametrisation, laws: tuple[Expression, ...]) -> bool:
    """Every law is constant along every field, hence along gradient flow of every loss."""
    holds = True
    for law in laws:
        for name, output in zip(network.names, range(len(network.outputs)), strict=True):
            rate = sp.simplify(sum(sp.diff(law, w) * f for w, f in zip(network.weights, field(network, output), strict=True)))
            holds &= proof.equal(f"along the gradient of {name} this law changes at", rate, 0)
    return holds


def no_others(proof: Derivation, network: Parametrisation, laws: tuple[Expression, ...]) -> bool:
    """The laws are independent, and with the directions that the fields and their brackets reach they fill the weights."""
    place = next(points(network.weights, signs(network), 1, f"claim on {network.text}"))
    slopes = [[sp.diff(law, weight) for weight in network.weights] for law in laws]
    number = sp.Integer(rank(slopes, place))
    holds = proof.equal("at a rational point the gradients of the laws are independent: their rank is", number, len(laws))
    reached = sp.Integer(rank(_brackets(network), place))
    proof.argue(
        "no law changes along a field or a bracket, so that there are only as many as directions are left", Theorem.BRACKET
    )
    proof.argue("at almost every point as here, where ranks are not larger than elsewhere", Theorem.FOLIATION)
    text = "the laws, and the directions reached at this point by fields and brackets, are as many as the weights"
    return proof.equal(text, len(laws) + reached, len(network.weights)) and holds


def _brackets(network: Parametrisation) -> list[tuple[Expression, ...]]:
    """Fields, their brackets and the brackets of these with the fields."""
    found = list(network.gradients)
    level = found
    for _ in range(2):
        level = [listed_bracket(one, other, network.weights) for one in network.gradients for other in level]
        found = [*found, *level]
    return found


def proof_of(network: Parametrisation, answer: Answer) -> Derivation:
    """The steps behind an answer on several outputs."""
    proof = Derivation(network.text)
    if answer.witness is not None:
        seen = answer.witness
        no_mirror(proof, network, seen.pair, seen.output, seen.formula)
        where = "on the way" if seen.along else "at the start"
        proof.positive(f"the square of which, {where}, is", seen.value**2)
    elif answer.mirror and len(network.outputs) > 1:
        commuting(proof, network)
    return proof
