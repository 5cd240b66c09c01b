"""Sympy expressions in ball arithmetic (python-flint's arb): enclosures, and inequalities that they certify.

A ball is an interval that is guaranteed to hold the exact value: midpoint, radius, round-off included (Johansson 2017, doi
10.1109/TC.2017.2690633). What follows from a ball is therefore a proof: a difference whose ball excludes 0 is not 0, an
expression whose ball is positive is positive. A ball that holds 0, or is not finite, decides nothing, and is never read as
"true".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, reduce
from typing import Any

Expression = Any  # sympy.Expr
Symbol = Any  # sympy.Symbol
Ball = Any  # flint.arb
Rational = Any  # sympy.Rational, fractions.Fraction or int
Point = Mapping[Symbol, Rational]
Box = Mapping[Symbol, tuple[Rational, Rational]]

PRECISION = 192  # bits of the midpoints: about 57 digits
MAX_PRECISION = 4096
AGREEMENT_BITS = 120  # two values "agree" when their difference is a ball around 0 this much smaller than they are: 36 digits


class CannotEncloseError(ValueError):
    """The expression holds something the evaluator has no ball for."""


@contextmanager
def working_precision(bits: int) -> Iterator[None]:
    """Set flint's precision to `bits` inside the block and restore it on leaving."""
    from flint import ctx

    before = ctx.prec
    ctx.prec = bits
    try:
        yield
    finally:
        ctx.prec = before


def enclose(expression: Expression, point: Mapping[Symbol, Any] | None = None, precision: int = PRECISION) -> Ball:
    """A ball that holds the value of `expression` at `point`.

    Parameters
    ----------
    expression : sympy.Expr
        Built from rationals, pi, E, sums, products, powers and the elementary functions of `_functions`.
    point : mapping from symbols to rationals or balls
        Every free symbol needs a value. A ball stands for all its values at once.

    Raises
    ------
    CannotEncloseError
        If a symbol has no value or a function is not known.
    """
    with working_precision(precision):
        values = {symbol: to_ball(value) for symbol, value in (point or {}).items()}
        return _ball(expression, values)


def to_ball(value: Any) -> Ball:
    """The ball of a rational number, exact up to rounding at the current precision; a ball is returned as it is."""
    from flint import arb, fmpq

    if isinstance(value, arb):
        return value
    try:
        return arb(fmpq(int(value.numerator), int(value.denominator)))
    except AttributeError:
        raise CannotEncloseError(f"{value!r} is neither a rational number nor a ball") from None


def sign(expression: Expression, point: Point, precision: int = PRECISION) -> int | None:
    """Sign (1 or -1) of `expression` at an exact point, or None where the ball decides nothing."""
    ball = enclose(expression, point, precision)
    if not ball.is_finite():
        return None
    if ball > 0:
        return 1
    return -1 if ball < 0 else None


def differs(left: Expression, right: Expression, point: Point) -> bool | None:
    """Whether two expressions differ at an exact point: True is rigorous, False says "equal to 36 digits", None undecided.

    Digits are counted from the larger of 1 and the two values, so that an expression can be compared with 0. The precision is
    raised until one of the two is reached, because cancellation inside either side costs digits.
    """
    precision = PRECISION
    while precision <= MAX_PRECISION:
        a, b = enclose(left, point, precision), enclose(right, point, precision)
        with working_precision(precision):
            difference = a - b
            if not difference.is_finite():
                return None
            if difference != 0:
                return True
            if difference.abs_upper() * 2**AGREEMENT_BITS <= 1 + a.abs_upper() + b.abs_upper():
                return False
        precision *= 2
    return None


@dataclass(frozen=True)
class BoxResult:
    """What subdivision found: True (certified), False (a counterexample is given) or None (not decided)."""

    holds: bool | None
    boxes: int
    counterexample: dict[Symbol, Rational] | None = None


def positive_on_box(
    expression: Expression, box: Box, *, strict: bool = True, precision: int = PRECISION, max_boxes: int = 4000
) -> BoxResult:
    """Certify expression > 0 (>= 0 if not `strict`) on a closed box by adaptive bisection.

    On each box the expression is enclosed directly and, if that decides nothing, by its Taylor form
    f(c) + sum_i f_i(c) (x_i - c_i) + 1/2 sum_ij f_ij(box) (x_i - c_i)(x_j - c_j), c the centre, whose excess shrinks with the
    cube of the width. Boxes still undecided are bisected along their relatively widest side. The expression must be twice
    differentiable on the box; where it is not, a derivative has no finite ball and decides nothing.

    Parameters
    ----------
    box : mapping from symbols to (low, high)
        Rational bounds; every free symbol of the expression needs one.
    max_boxes : int
        Give up (None) after this many boxes.
    """
    import sympy as sp

    symbols = sorted(box, key=str)
    slopes = {x: sp.diff(expression, x) for x in symbols}
    curvatures = {(x, y): sp.diff(slopes[x], y) for x in symbols for y in symbols}
    pending = [{symbol: (sp.Rational(low), sp.Rational(high)) for symbol, (low, high) in box.items()}]
    visited = 0
    while pending:
        if visited == max_boxes:
            return BoxResult(None, visited)
        visited += 1
        part = pending.pop()
        centre = {symbol: (low + high) / 2 for symbol, (low, high) in part.items()}
        if _violated(enclose(expression, centre, precision), strict):
            return BoxResult(False, visited, centre)
        with working_precision(precision):
            sides = {symbol: to_ball(low).union(to_ball(high)) for symbol, (low, high) in part.items()}
            certified = _settled(_ball(expression, sides), strict)
            if not certified:
                middle = {symbol: to_ball(value) for symbol, value in centre.items()}
                certified = _settled(_taylor_form(expression, slopes, curvatures, sides, middle), strict)
        if not certified:
            pending.extend(_halves(part))
    return BoxResult(True, visited)


def _taylor_form(
    expression: Expression,
    slopes: Mapping[Symbol, Expression],
    curvatures: Mapping[tuple[Symbol, Symbol], Expression],
    sides: Mapping[Symbol, Ball],
    middle: Mapping[Symbol, Ball],
) -> Ball:
    shift = {symbol: sides[symbol] - middle[symbol] for symbol in sides}
    value = _ball(expression, middle)
    for x, slope in slopes.items():
        value += _ball(slope, middle) * shift[x]
    for (x, y), curvature in curvatures.items():
        value += _ball(curvature, sides) * shift[x] * shift[y] / 2
    return value


def _settled(ball: Ball, strict: bool) -> bool:
    return bool(ball.is_finite() and (ball > 0 if strict else ball >= 0))


def _violated(ball: Ball, strict: bool) -> bool:
    return bool(ball.is_finite() and (ball <= 0 if strict else ball < 0))


def _halves(part: Box) -> list[dict[Symbol, tuple[Rational, Rational]]]:
    widest = max(part, key=lambda symbol: (part[symbol][1] - part[symbol][0]) / (1 + abs(part[symbol][0])))
    low, high = part[widest]
    middle = (low + high) / 2
    return [{**part, widest: (low, middle)}, {**part, widest: (middle, high)}]


def _ball(expression: Expression, values: Mapping[Symbol, Ball]) -> Ball:
    from flint import arb

    if expression in values:
        return values[expression]
    if expression.is_Rational:
        return to_ball(expression)
    if expression.is_Symbol:
        raise CannotEncloseError(f"the symbol {expression} has no value")
    head = expression.func.__name__
    if head in ("Pi", "Exp1"):
        return arb.pi() if head == "Pi" else arb(1).exp()
    arguments = [_ball(argument, values) for argument in expression.args]
    if expression.is_Add:
        return sum(arguments[1:], arguments[0])
    if expression.is_Mul:
        product = arguments[0]
        for factor in arguments[1:]:
            product = product * factor
        return product
    if expression.is_Pow:
        return _power(arguments[0], arguments[1], expression.exp)
    if head not in _functions():
        raise CannotEncloseError(f"no ball for {expression}")
    return _functions()[head](*arguments)


@cache
def _functions() -> dict[str, Callable[..., Ball]]:
    from flint import arb

    hyperbolic = ("sinh", "cosh", "tanh", "coth", "asinh", "acosh", "atanh")
    circular = ("sin", "cos", "tan", "asin", "acos", "atan")
    return {name: getattr(arb, name) for name in ("exp", "log", "erf", *hyperbolic, *circular)} | {
        "Abs": abs,
        "Max": lambda *balls: reduce(arb.max, balls),
        "Min": lambda *balls: reduce(arb.min, balls),
    }


def _power(base: Ball, exponent: Ball, symbolic: Expression) -> Ball:
    if symbolic.is_Integer:
        return _integer_power(base, int(symbolic))
    if symbolic.is_Rational and symbolic.q == 2:
        return _integer_power(base.sqrt(), int(symbolic.p))
    return (exponent * base.log()).exp()  # not finite unless base > 0: undecided, as it should be


def _integer_power(base: Ball, exponent: int) -> Ball:
    if exponent < 0 and base.contains(0):
        return 1 / _integer_power(base, -exponent)
    # A power is monotonic in the base, an even one in its size. A product would forget that its factors are one number, and the
    # square of a box around 0 dip below 0.
    low, high = (base.lower(), base.upper()) if exponent % 2 else (base.abs_lower(), base.abs_upper())
    ends = [_repeated(end, abs(exponent)) for end in (low, high)]
    # Each end for itself: one box of both would know its smaller end only relative to the larger one.
    first, last = ends if exponent >= 0 else [1 / end for end in ends]
    return first.union(last)


def _repeated(base: Ball, exponent: int) -> Ball:
    from flint import arb

    result = arb(1)
    while exponent:
        if exponent & 1:
            result = result * base
        base, exponent = base * base, exponent >> 1
    return result
