"""Random rational points: where a second route evaluates what was proved, and where counterexamples are looked for."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Mapping
from typing import Any

from normtheory.audit import balls, notation
from normtheory.audit.spellings import Spelling, scientific

Expression = Any  # sympy.Expr
Symbol = Any  # sympy.Symbol
Point = dict[Symbol, Any]

POINTS = 8  # at which a symbolic equation is evaluated
INEQUALITY_POINTS = 24  # at which a counterexample to an inequality is looked for
FAR_POINTS = 64  # and before a false one is given up, where letters are far smaller or larger than others
POWERS, FAR_POWERS = tuple(range(-4, 4)), (-12, 0, 12)  # of 2: how large letters are drawn
INFINITE = 10**6  # stands for an infinite end of an interval


def draws(
    seed: str, symbols: set[Symbol], count: int, box: balls.Box | None = None, powers: tuple[int, ...] = POWERS
) -> Iterator[Point]:
    """So many points of the symbols' domains, those in the box inside it; the same for the same seed."""
    generator = random.Random(seed)
    ordered = sorted(symbols, key=str)
    for _ in range(count if ordered else 1):
        yield {symbol: _rational(generator, symbol, (box or {}).get(symbol), powers) for symbol in ordered}


def _rational(generator: random.Random, symbol: Symbol, bounds: tuple[Any, Any] | None, powers: tuple[int, ...]) -> Any:
    """A rational in the domain of a symbol: in its bounds, or of its sign and about a power of 2, from 1 to 9 if an integer."""
    import sympy as sp

    if bounds is not None:
        low, high = sp.Rational(bounds[0]), sp.Rational(bounds[1])
        return low + (high - low) * sp.Rational(generator.randint(1, 997), 997)
    if symbol.is_integer:
        magnitude = sp.Integer(generator.randint(1, 9))
    else:
        magnitude = sp.Rational(generator.randint(100, 200), 100) * sp.Integer(2) ** generator.choice(powers)
    if symbol.is_nonnegative:
        return magnitude
    if symbol.is_nonpositive:
        return -magnitude
    return magnitude * generator.choice((-1, 1))


def compared(seed: str, left: Expression, right: Expression) -> tuple[Point | None, int]:
    """A point at which the sides of an equation provably differ, if one is met, and the number of points that agree."""
    agreed = 0
    for point in draws(seed, left.free_symbols | right.free_symbols, POINTS * 2):
        verdict = balls.differs(left, right, point)
        if verdict is True:
            return point, agreed
        agreed += verdict is False
        if agreed == POINTS:
            break
    return None, agreed


def next_to_ends(variable: Symbol, low: Expression, high: Expression) -> Iterator[Point]:
    """Points close to the ends of an interval, where bounds that are a little too sharp fail."""
    import sympy as sp

    width = (high - low) if high != sp.oo else sp.Integer(INFINITE)
    for power in (2, 4, 8):
        share = sp.Rational(1, 10**power)
        yield from ({variable: low + share * width}, {variable: low + (1 - share) * width})


def corners(box: balls.Box) -> Iterator[Point]:
    """Those of a box."""
    import sympy as sp

    for ends in itertools.product(*box.values()):
        yield {symbol: sp.Rational(end) for symbol, end in zip(box, ends, strict=True)}


def violations(expression: Expression, points: Iterator[Point], *, strict: bool) -> Iterator[Point]:
    """Those points at which it is certain that the expression is not positive, or (not strict) that it is negative."""
    for point in points:
        value = balls.enclose(expression, point)
        if value.is_finite() and (value <= 0 if strict else value < 0):
            yield point


def at(point: Mapping[Symbol, Any]) -> notation.Statement:
    """How a sentence about a point begins; there is no need of it where there is only one."""
    values = [notation.related(symbol, "=", value) for symbol, value in point.items()]
    return notation.sentence(f"at {', '.join('{}' for _ in values)}: " if values else "", *values)


def value(expression: Expression, point: Point) -> Spelling:
    """The value at a point, to six digits."""
    return scientific(balls.enclose(expression, point).str(6, radius=False))
