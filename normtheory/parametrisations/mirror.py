"""Several outputs: whether gradient flow is a mirror flow of the predictors, by tests on Lie brackets.

Sufficient (Li, Wang, Lee & Arora 2022, arXiv 2207.04036): the fields F_o = grad beta_o commute, and are linearly independent.
Then the weights are a function of the integrals x_o of the slopes alone, and so are the predictors.

Necessary: d beta [F_i, F_j] = 0 wherever the flow can come. Driven round a small square in (x_i, x_j), a mirror flow returns;
this one moves its predictors by the area times d beta [F_i, F_j]. What is not zero at the start refutes a mirror flow from
there. Where it vanishes at the start by symmetry, its derivatives along the fields tell whether it does so on the way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any

import numpy as np

from normtheory.arrays import InputError
from normtheory.parametrisations.exact import rank
from normtheory.parametrisations.lie import Field, bracket, derivative, most_terms
from normtheory.parametrisations.model import Parametrisation

Expression = Any  # sympy.Expr
Symbol = Any  # sympy.Symbol

MOST_TERMS = 500  # of a gradient, expanded
MOST_DERIVATIVES = 3  # along the fields, of what vanishes at the start


@dataclass(frozen=True)
class Witness:
    """Where d beta [F_i, F_j] is not zero.

    Attributes
    ----------
    pair : tuple of two integers
        i and j, from 0.
    output : int
        Of the predictor that moves, from 0.
    along : tuple of integers
        Fields along which it was differentiated first, none where it does not vanish at the start itself.
    value : sympy.Expr
        At the start.
    formula : sympy.Expr
        d beta_output [F_i, F_j], as a function of the weights.
    """

    pair: tuple[int, int]
    output: int
    along: tuple[int, ...]
    value: Expression
    formula: Expression


@dataclass(frozen=True)
class Answer:
    """Whether a network follows a mirror flow, and why.

    Attributes
    ----------
    mirror : bool or None
        None where neither test decides.
    reason : str
        In one sentence.
    witness : Witness or None
        If it does not.
    """

    mirror: bool | None
    reason: str
    witness: Witness | None = None


def decide(network: Parametrisation) -> Answer:
    """Whether gradient flow from the start is a mirror flow of the predictors."""
    start = exact_start(network)
    if rank(network.gradients, start) < len(network.outputs):
        return Answer(
            None, "the gradients of the outputs are linearly dependent at the start, so that neither test applies there"
        )
    if len(network.outputs) == 1:
        return Answer(True, "one output with weights of its own in each coordinate: every coordinate moves on one curve")
    if max(most_terms(each) for row in network.gradients for each in row) > MOST_TERMS:
        return Answer(None, "the gradients of the outputs have too many terms for their brackets to be computed")
    brackets = {
        (i, j): bracket(network.gradients[i], network.gradients[j], network.weights)
        for i, j in combinations(range(len(network.outputs)), 2)
    }
    if all(_vanishes(each) for field in brackets.values() for each in field):
        return Answer(True, "the gradients of the outputs commute, as long as they stay linearly independent, as at the start")
    found = _witness(network, brackets, start)
    if found is None:
        return Answer(
            None,
            "the gradients of the outputs do not commute, though no predictor was seen to move round a small square",
        )
    names = [network.names[o] for o in (*found.pair, found.output)]
    where = "at the start" if not found.along else "on the way from the start"
    return Answer(
        False, f"round a small square in the slopes of {names[0]} and {names[1]} {where} {names[2]} does not return", found
    )


def exact_start(network: Parametrisation) -> Mapping[Symbol, Expression]:
    """The start in exact numbers; parameters are given fixed rationals, for which a witness then stands.

    Raises
    ------
    InputError
        If there is no start, or it differs between coordinates.
    """
    import sympy as sp

    found = {}
    for weight, value in network.start.items():
        if isinstance(value, np.ndarray):
            raise InputError(f"the start of {weight} is an array; give that of one coordinate")
        values = {symbol: sp.Rational(7 + 4 * place, 11) for place, symbol in enumerate(network.parameters)}
        found[weight] = value.subs(values)
    if not found:
        raise InputError("the network has no start; give one")
    return found


def _vanishes(expression: Expression) -> bool:
    import sympy as sp

    return bool(expression == 0 or sp.simplify(expression) == 0)


def _witness(
    network: Parametrisation, brackets: Mapping[tuple[int, int], Field], start: Mapping[Symbol, Expression]
) -> Witness | None:
    """The first predictor that moves, with as few derivatives along the fields as there may be."""
    fields, weights = network.gradients, network.weights
    moves = {
        (pair, o): derivative(network.outputs[o], field, weights)
        for pair, field in brackets.items()
        for o in range(len(fields))
    }
    for length in range(MOST_DERIVATIVES + 1):
        for (pair, o), formula in moves.items():
            for along in product(range(len(fields)), repeat=length):
                value = formula
                for field in along:
                    value = derivative(value, fields[field], weights)
                at = value.xreplace(dict(start))
                if rank([[at]], {}) == 1:
                    return Witness(pair, o, along, at, formula)
    return None
