"""The vector fields that gradient flow moves along, their Lie brackets, and how many directions they reach.

Along gradient flow of any loss the weights move by w' = -sum_o g_o F_o, F_o = grad beta_o, whatever the slopes g_o do in time.
What is conserved is constant along every F_o, hence along all their brackets, so that there are at most dim w - rank of these
independent conserved quantities (Marcotte, Gribonval & Peyre 2023, arXiv 2307.00144).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from normtheory.parametrisations.exact import points, rank
from normtheory.parametrisations.model import Parametrisation

Expression = Any  # sympy.Expr
Symbol = Any  # sympy.Symbol
Field = tuple[Expression, ...]

DEEPEST = 8  # fields in a bracket
LARGEST = 100_000  # pairs of terms in a bracket, beyond which it is not computed
POINTS = 4  # at which fields are told apart


def bracket(first: Field, second: Field, weights: Sequence[Symbol]) -> Field:
    """[first, second] = (d second) first - (d first) second, expanded."""
    import sympy as sp

    return tuple(
        sp.expand(_along(two, first, weights) - _along(one, second, weights)) for one, two in zip(first, second, strict=True)
    )


def _along(function: Expression, field: Field, weights: Sequence[Symbol]) -> Expression:
    import sympy as sp

    return sum((sp.diff(function, w) * f for w, f in zip(weights, field, strict=True)), sp.Integer(0))


def derivative(function: Expression, field: Field, weights: Sequence[Symbol]) -> Expression:
    """The rate of a function along a field, expanded."""
    import sympy as sp

    return sp.expand(_along(function, field, weights))


@dataclass(frozen=True)
class Reach:
    """How many directions fields and their brackets reach.

    Attributes
    ----------
    rank : int
        At a random rational point: at most the rank at almost every point.
    closed : bool
        Whether no bracket reached a new direction at any of several points: the rank is likely that of the whole algebra.
    depth : int
        Fields in the longest bracket that was needed.
    """

    rank: int
    closed: bool
    depth: int


def reach(network: Parametrisation, enough: int) -> Reach:
    """At most the rank of the Lie algebra of the fields, by brackets of growing length until it is `enough` or closed."""
    weights, generators = network.weights, list(network.gradients)
    if len(generators) == 1:
        return Reach(1, True, 1)
    places = list(points(weights, signs(network), POINTS, network.text))
    known: list[Field] = []
    level, depth = generators, 0
    for length in range(1, DEEPEST + 1):
        fresh = [each for each in level if _adds(known, each, places)]
        depth = length if fresh else depth
        if not fresh or len(known) >= enough:
            return Reach(len(known), not fresh, depth)
        level = []
        for generator in generators:
            for each in fresh:
                if _size(generator) * _size(each) > LARGEST:
                    return Reach(len(known), False, depth)
                level.append(bracket(generator, each, weights))
    return Reach(len(known), False, depth)


def _adds(known: list[Field], field: Field, places: Sequence[Any]) -> bool:
    """Whether a field leaves the span of those known at one of the places: then it is added to them.

    Fields that stay in the span at almost every point need not be followed: their brackets with the generators stay in the span
    of the fields known and of the brackets of these.
    """
    if all(each == 0 for each in field) or max(rank([*known, field], place) for place in places) == len(known):
        return False
    known.append(field)
    return True


def _size(field: Field) -> int:
    return sum(most_terms(each) for each in field)


def most_terms(expression: Expression) -> int:
    """A bound on the number of terms that an expression has when it is expanded, found without expanding it."""
    from math import comb, prod

    if expression.is_Add:
        return sum(most_terms(each) for each in expression.args)
    if expression.is_Mul:
        return prod(most_terms(each) for each in expression.args)
    if expression.is_Pow and expression.exp.is_Integer and expression.exp > 0:
        inside = most_terms(expression.base)
        return comb(inside + int(expression.exp) - 1, int(expression.exp))
    return 1


def signs(network: Parametrisation) -> dict[Symbol, int]:
    """The signs of the weights at the start, where they have one: points are drawn where the orbit begins."""
    import numpy as np

    found = {}
    for weight, value in network.start.items():
        first = float(value.flat[0]) if isinstance(value, np.ndarray) else value
        found[weight] = -1 if (first < 0) == True else 1  # noqa: E712 - of symbols the sign is not known
    return found
