"""Exact linear algebra at rational points: ranks that are never too large, kernels of rational matrices.

What is rational is computed in rationals; what is not (exponentials, roots) in balls, in which a rank is certified by a minor
whose ball excludes 0. Either way the rank found is at most the true one at the point, hence at most that at almost every point.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

Expression = Any  # sympy.Expr
Symbol = Any  # sympy.Symbol
Point = Mapping[Symbol, Any]  # of sympy rationals

BITS = 256  # of balls
NOTHING = 1e-40  # midpoints below it, relative to the largest, propose no pivot


def points(symbols: Sequence[Symbol], signs: Mapping[Symbol, int], count: int, seed: str) -> Iterator[Point]:
    """Random rational points between 1/2 and 2 in absolute value, with these signs (positive where none is given)."""
    import sympy as sp

    generator = random.Random(seed)
    for _ in range(count):
        yield {each: signs.get(each, 1) * sp.Rational(generator.randint(500, 2000), 1000) for each in symbols}


def rank(rows: Sequence[Sequence[Expression]], point: Point) -> int:
    """The rank of a matrix of formulas at a point: exact if it is rational there, else what balls certify, at most the rank.

    A matrix that is not defined at the point has rank 0.
    """
    import flint
    import sympy as sp

    if not rows:
        return 0
    values = [[sp.sympify(each).xreplace(dict(point)) for each in row] for row in rows]
    if all(value.is_Rational for row in values for value in row):
        return int(flint.fmpq_mat([[flint.fmpq(int(value.p), int(value.q)) for value in row] for row in values]).rref()[1])
    before, flint.ctx.prec = flint.ctx.prec, BITS
    try:
        balls = [[enclosed(value) for value in row] for row in values]
        return _certified_rank(balls) if all(ball.is_finite() for row in balls for ball in row) else 0
    finally:
        flint.ctx.prec = before


def _certified_rank(balls: list[list[Any]]) -> int:
    """The size of the largest minor, among those that elimination with full pivoting proposes, whose ball excludes 0."""
    rows, columns, found = list(balls), list(range(len(balls[0]))), 0
    while rows and columns:
        sizes = [(abs(float(row[c].mid())), r, c) for r, row in enumerate(rows) for c in columns if not row[c].contains(0)]
        if not sizes:
            return found
        _, r, c = max(sizes)
        pivot = rows.pop(r)
        columns.remove(c)
        rows = [[each - row[c] / pivot[c] * top for each, top in zip(row, pivot, strict=True)] for row in rows]
        found += 1
    return found


def enclosed(value: Expression) -> Any:
    """A ball that holds the value of a formula without symbols; not finite where it is not defined."""
    import flint
    import sympy as sp

    if value.is_Rational:
        return flint.arb(flint.fmpq(int(value.p), int(value.q)))
    if value == sp.pi:
        return flint.arb.pi()
    if value == sp.E:
        return flint.arb(1).exp()
    parts = [enclosed(each) for each in value.args]
    if not parts:
        return flint.arb("nan")
    if value.is_Add:
        return sum(parts[1:], parts[0])
    if value.is_Mul:
        return np.prod(np.array(parts, dtype=object))
    if value.is_Pow:
        exponent = value.exp
        if exponent.is_Integer:
            return parts[0] ** int(exponent)
        return parts[0].sqrt() ** int(2 * exponent) if exponent.q == 2 else parts[0] ** parts[1]
    name = {sp.Abs: "__abs__", sp.sign: "sgn"}.get(value.func, value.func.__name__)
    of_balls = getattr(parts[0], name, None)  # exp, log, tanh, erf and other elementary functions have these names, too
    return flint.arb("nan") if of_balls is None else of_balls()


def kernel(columns: Sequence[Mapping[Any, Any]]) -> list[list[int]]:
    """Integer vectors that span the relations between sparse columns of rationals: sum_j c_j column_j = 0.

    They are reduced (LLL), so that they are short, and each is primitive.
    """
    import flint

    places = {place: i for i, place in enumerate(dict.fromkeys(place for column in columns for place in column))}
    if not columns:
        return []
    matrix = flint.fmpq_mat(max(len(places), 1), len(columns))
    for j, column in enumerate(columns):
        for place, value in column.items():
            matrix[places[place], j] = flint.fmpq(int(value.p), int(value.q))
    integers, _ = matrix.numer_denom()
    spanning, nullity = integers.nullspace()
    vectors = [_primitive([int(spanning[i, j]) for i in range(len(columns))]) for j in range(nullity)]
    if len(vectors) < 2:
        return vectors
    reduced = flint.fmpz_mat(vectors).lll()
    return [_primitive([int(reduced[i, j]) for j in range(len(columns))]) for i in range(nullity)]


def _primitive(vector: list[int]) -> list[int]:
    from math import gcd

    common = gcd(*vector)
    leading = next(each for each in vector if each)
    return [each // common * (1 if leading > 0 else -1) for each in vector]
