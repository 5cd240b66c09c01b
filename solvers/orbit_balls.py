"""Orbits of one coordinate enclosed in balls: the proof behind a tabulated mirror map.

An orbit dw/dx = grad G(w) is followed by Taylor polynomials. A polynomial P from P(0) = c leaves a defect P' - grad G(P), which
a Lagrange remainder bounds: the next Taylor coefficient, enclosed over the whole step. If e(0) bounds |w - P| at 0 and mu the
largest eigenvalue of G's second derivative on a tube around P, then |w - P| <= (e(0) + defect x) exp(max(mu, 0) x) as long as
the tube is that wide (Gronwall's inequality for the logarithmic norm). All numbers are balls (`flint.arb`); nothing is
estimated. What a table of floats says of b is thereby held against b itself: `deviation` at points, `Tabulated` in between.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from normtheory.parametrisations import Parametrisation
from normtheory.parametrisations.exact import enclosed

Ball = Any  # flint.arb
Series = Any  # flint.arb_series
Expression = Any  # sympy.Expr

BITS = 160
ORDER = 24  # Taylor coefficients of a step
STEP_ERROR = 1e-24  # of a step, relative to the weights, aimed at
LOOSE = 1e3  # by which its defect may be larger: a bound, where the aim is an estimate
HALVINGS = 40  # of a step, after which the orbit is not followed further
WIDER = 4  # times the first bound on the error, and its powers: tubes that are tried
MOST_STEPS = 3000
LONGEST = 2.0**20  # step, where the weights move in a straight line


class Enclosure(NamedTuple):
    """b, and b' in units of the orbit's own parameter, as balls."""

    value: Ball
    slope: Ball


@contextmanager
def precise() -> Iterator[None]:
    """Balls of BITS bits, and series as long as any here."""
    import flint

    before, cap = flint.ctx.prec, flint.ctx.cap
    flint.ctx.prec, flint.ctx.cap = BITS, ORDER + 1
    try:
        yield
    finally:
        flint.ctx.prec, flint.ctx.cap = before, cap


class Program:
    """Formulas of the weights as instructions for balls or series, each subexpression once."""

    def __init__(self, expressions: Sequence[Expression], weights: Sequence[Expression]) -> None:
        self.places: dict[Expression, int] = {weight: place for place, weight in enumerate(weights)}
        self.steps: list[Callable[[list[Any]], Any]] = []
        self.results = [self._placed(each) for each in expressions]

    def __call__(self, at: Sequence[Any]) -> list[Any]:
        """Their values at values of the weights."""
        known = list(at)
        for step in self.steps:
            known.append(step(known))
        return [known[place] for place in self.results]

    def _placed(self, expression: Expression) -> int:
        if expression not in self.places:
            step = self._step(expression)
            self.places[expression] = len(self.places)
            self.steps.append(step)
        return self.places[expression]

    def _step(self, expression: Expression) -> Callable[[list[Any]], Any]:
        """An instruction; those that it rests on are added before it."""
        if expression.is_number:
            constant = enclosed(expression)
            return lambda known: constant
        if expression.is_Pow and expression.exp.is_Rational and expression.exp.q <= 2:
            base, power, root = self._placed(expression.base), int(expression.exp.p), expression.exp.q == 2
            return lambda known: _power(known[base].sqrt() if root else known[base], power)
        places = [self._placed(each) for each in expression.args]
        if expression.is_Add:
            return lambda known: sum((known[place] for place in places[1:]), known[places[0]])
        if expression.is_Mul:
            return lambda known: functools.reduce(lambda a, b: a * b, (known[place] for place in places))
        if expression.is_Pow:
            return lambda known: (known[places[0]].log() * known[places[1]]).exp()
        name, (place,) = expression.func.__name__, places
        if name == "tanh":
            return lambda known: 1 - 2 * _inverse((2 * known[place]).exp() + 1)
        return lambda known: getattr(known[place], name)()  # exp, log, erf


def _power(base: Any, exponent: int) -> Any:
    if exponent < 0:
        return _inverse(_power(base, -exponent))
    found, square = None, base
    while exponent:
        if exponent % 2:
            found = square if found is None else found * square
        square, exponent = square * square if exponent > 1 else square, exponent // 2
    return found


def _inverse(of: Any) -> Any:
    """1/of; NaN where it may be 0."""
    import flint

    if isinstance(of, flint.arb_series):
        return flint.arb_series([flint.arb("nan")], of.prec) if coefficient(of, 0).contains(0) else 1 / of
    return 1 / of


def largest(ball: Ball) -> Ball:
    """An upper bound on its size, exact."""
    return abs(ball).upper()


def length(balls: Sequence[Ball]) -> Ball:
    """An upper bound on the Euclidean norm."""
    return sum((largest(each) ** 2 for each in balls[1:]), largest(balls[0]) ** 2).sqrt().upper()


class Formulas:
    """G, its gradient and second derivative of one coordinate, for arithmetic in balls.

    Absolute values are their arguments times the signs that these have at the start, which they must keep.
    """

    def __init__(self, network: Parametrisation, start: Sequence[Ball]) -> None:
        import sympy as sp

        (value,), weights, signed = network.outputs, network.weights, list[Expression]()
        for each in sorted(value.atoms(sp.Abs), key=sp.count_ops):
            argument = each.args[0].replace(sp.Abs, lambda inside: sp.sqrt(inside**2))
            (at,) = Program([argument], weights)(start)
            signed.append((1 if at > 0 else -1) * each.args[0])
            value = value.xreplace({each: signed[-1]})
        gradient = [sp.diff(value, w) for w in weights]
        self.value, self.gradient = Program([value], weights), Program(gradient, weights)
        self.hessian = Program([sp.diff(g, w) for g in gradient for w in weights], weights)
        self.signed = Program([each.replace(sp.Abs, lambda inside: sp.sqrt(inside**2)) for each in signed], weights)

    def rate(self, at: Sequence[Ball], sign: int) -> Ball:
        """A bound on the largest eigenvalue of sign times the second derivative (Gershgorin), at least 0; NaN if undefined."""
        import flint

        entries, size, bound = self.hessian(at), len(at), flint.arb(0)
        for i in range(size):
            row = entries[i * size : (i + 1) * size]
            bound = bound.max(sum((abs(each) for j, each in enumerate(row) if j != i), sign * row[i]).upper())
        return bound if all(each > 0 for each in self.signed(at)) else flint.arb("nan")


class Cell(NamedTuple):
    """A step: where it begins in the orbit's parameter, its length, a polynomial of each weight, and how far these are off."""

    begins: Ball
    length: Ball
    curves: list[Any]
    error: Ball


@dataclass(eq=False)
class Branch:
    """The orbit on one side of the start, by steps that are added on demand."""

    formulas: Formulas
    sign: int
    cells: list[Cell] = field(default_factory=list)
    ended: bool = False

    def reach(self, place: Ball, start: Sequence[Ball]) -> Cell | None:
        """The step that holds a point at this distance from the start; None if the orbit was not followed so far."""
        import bisect

        while not self.ended and not (self.cells and self.cells[-1].begins + self.cells[-1].length >= place):
            if len(self.cells) >= MOST_STEPS or not self._extend(start):
                self.ended = True
        found = bisect.bisect_right(self.cells, place, key=lambda cell: cell.begins) - 1
        return self.cells[found] if found >= 0 and place <= self.cells[found].begins + self.cells[found].length else None

    def _extend(self, start: Sequence[Ball]) -> bool:
        import flint

        if not self.cells:
            centre, error, begins = start, flint.arb(0), flint.arb(0)
        else:
            last = self.cells[-1]
            centre, error = [curve(last.length) for curve in last.curves], last.error
            begins = last.begins + last.length
        middles = [each.mid() for each in centre]
        error = (error + length([each - middle for each, middle in zip(centre, middles, strict=True)])).upper()
        coefficients = self.taylor(middles)
        if not all(each.is_finite() for row in coefficients for each in row):
            return False
        size = length(start).max(length(middles))
        size = size if size > 0 else flint.arb(1)
        step = _suggested(coefficients, size)
        for _ in range(HALVINGS):
            if not begins + step > begins:  # the orbit leaves for infinity, or ends
                return False
            bound = self.bound(coefficients, step, error)
            if bound is not None and bound[1] * step <= LOOSE * STEP_ERROR * size:
                self.cells.append(Cell(begins, step, [flint.arb_poly(row) for row in coefficients], bound[0]))
                return True
            step = step / 2
        return False

    def taylor(self, centre: Sequence[Ball]) -> list[list[Ball]]:
        """Coefficients of the orbit through a point, for each weight."""
        import flint

        found = [[each] for each in centre]
        for order in range(1, ORDER):
            rates = self.formulas.gradient([flint.arb_series(row, order) for row in found])
            for row, rate in zip(found, rates, strict=True):
                row.append(self.sign * coefficient(rate, order - 1) / order)
        return found

    def bound(self, coefficients: list[list[Ball]], step: Ball, error: Ball) -> tuple[Ball, Ball] | None:
        """What the polynomials are off by on a step, at most, and their defect, if so much can be shown.

        `error` bounds the distance of their beginning from the orbit.
        """
        import flint

        whole = flint.arb(step / 2, step / 2)
        shifted = [flint.arb_poly(row)(flint.arb_poly([whole, 1])) for row in coefficients]
        rates = self.formulas.gradient([flint.arb_series(each.coeffs(), ORDER) for each in shifted])
        remainders = [coefficient(rate, ORDER - 1) * step ** (ORDER - 1) for rate in rates]
        low = self.formulas.gradient([flint.arb_series(row, ORDER - 1) for row in coefficients])
        for row, rate in zip(coefficients, low, strict=True):
            for order in range(ORDER - 1):
                away = row[order + 1] * (order + 1) - self.sign * coefficient(rate, order)
                remainders.append(away * step**order)
        defect = length(remainders)
        if not defect.is_finite():
            return None
        inside = [coefficient(each, 0) for each in shifted]
        for power in range(1, 4):
            wide = ((error + defect * step) * WIDER**power).upper()
            rate = self.formulas.rate([each + flint.arb(0, wide) for each in inside], self.sign)
            if not rate.is_finite():
                return None
            bound = ((error + defect * step) * (rate * step).exp()).upper()
            if bound <= wide:
                return bound, defect
        return None


def coefficient(series: Any, order: int) -> Ball:
    """Of a series or polynomial, or a number."""
    import flint

    if not isinstance(series, flint.arb_series | flint.arb_poly):
        return flint.arb(series) if order == 0 else flint.arb(0)
    if isinstance(series, flint.arb_series) and series.prec <= order:
        raise ValueError(f"a series to order {series.prec} has no coefficient {order}")
    return series[order] if order < len(series) else flint.arb(0)


def _suggested(coefficients: list[list[Ball]], size: Ball) -> Ball:
    """A power of two at which the last terms are about STEP_ERROR of the weights."""
    import flint

    found = np.inf
    for order in (ORDER - 2, ORDER - 1):
        last = max(float(abs(row[order])) for row in coefficients)
        found = min(found, (STEP_ERROR * float(size) / last) ** (1 / order) if last > 0 else np.inf)
    return flint.arb(2) ** int(np.floor(np.log2(found))) if 0 < found < LONGEST else flint.arb(min(found, LONGEST))


@dataclass(eq=False)
class EnclosedOrbit:
    """The orbit of one coordinate, enclosed as far as it is asked for."""

    formulas: Formulas
    start: list[Ball]
    branches: dict[int, Branch]

    @staticmethod
    def of(network: Parametrisation, coordinate: int = 0) -> EnclosedOrbit:
        """From the start as it was typed (0.1 is one tenth), or the floats of an array."""
        import flint

        with precise():
            start = [
                flint.arb(float(value[coordinate])) if isinstance(value, np.ndarray) else enclosed(value)
                for value in network.start.values()
            ]
            formulas = Formulas(network, start)
            return EnclosedOrbit(formulas, start, {sign: Branch(formulas, sign) for sign in (-1, 1)})

    def at(self, place: Ball) -> Enclosure | None:
        """What is so far from the start along the orbit, upwards if positive; None if it was not followed so far."""
        import flint

        with precise():
            distance = abs(place)
            cell = self.branches[1 if place >= 0 else -1].reach(distance, self.start)
            if cell is None:
                return None
            state = [curve(distance - cell.begins) + flint.arb(0, cell.error) for curve in cell.curves]
            slope = sum((each * each for each in self.formulas.gradient(state)), flint.arb(0))
            return Enclosure(self.formulas.value(state)[0], slope)

    def scale(self, place: Ball, found: Enclosure) -> Ball | None:
        """b, or how far it has moved and would move if the place doubled, whichever is larger: a lower bound, positive."""
        with precise():
            moved = abs(found.value - self.formulas.value(self.start)[0]) + found.slope * abs(place)
            scale = moved.max(abs(found.value)).lower()
            return scale if scale > 0 else None
