"""What a tabulated mirror map is off by, held against enclosures of the orbit itself.

`deviation` is a bound at the points asked for, on the floats that were computed there. `table` bounds the error of the table's
interpolant between its nodes, one step of DOP853 in exact arithmetic from the stored nodes, by a Taylor expansion of that step
in its length with a Lagrange remainder; and beside it the deviation of floats, round-off and all, at points of every interval.
"""

from __future__ import annotations

import functools
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from scipy.integrate import DOP853

from normtheory.arrays import FloatArray
from normtheory.parametrisations import Parametrisation
from normtheory.solvers.orbit_balls import Branch, Cell, EnclosedOrbit, coefficient, largest, length, precise
from normtheory.solvers.orbits import Orbits

MOST_ORBITS = 32  # that are enclosed: each takes about a tenth of a second
SHORT = 0.1  # of the unit: what b is off by nearer to the start is compared with what it moves by so far from there
MOST_INTERVALS = 60  # of a table, on either side of the start
EXPANDED = 12  # Taylor coefficients of a step in its length
SPLITS, SMALL = 6, 1e-13  # halvings of an interval, until its bound is so small, relatively
INNER = (0.3, 0.7)  # points of an interval at which floats are held against the orbit


class Table(NamedTuple):
    """A tabulated potential of one coordinate between two predictors, and its errors, relative to the scale of b there.

    Attributes
    ----------
    low, high : float
        The predictors.
    interpolation : float
        Bound on the error of the interpolant in exact arithmetic, everywhere between: proved, in balls.
    deviation : float
        Bound on the error of the floats at the points: proved, in balls.
    points : int
    """

    low: float
    high: float
    interpolation: float
    deviation: float
    points: int


def deviation(orbits: Orbits, network: Parametrisation, x: FloatArray) -> float | None:
    """A bound on what b is off by at x, (D,), in floats; None if there are more than MOST_ORBITS different starts.

    Relative to b, or to how far it has moved and would move if x doubled, whichever is larger; where x is small, to how far it
    moves in a tenth of a unit. Infinite where an orbit could not be enclosed.
    """
    numbers = np.unique(orbits.which)
    if numbers.size > MOST_ORBITS:
        return None
    values, worst = orbits.map(x)[0], 0.0
    for number in numbers:
        here = np.flatnonzero(orbits.which == number)
        enclosed = EnclosedOrbit.of(network, int(here[0]))
        order = here[np.argsort(np.abs(x[here]))]
        worst = max([worst, *(_share(enclosed, float(x[d]), orbits.unit, float(values[d])) for d in order)])
    return worst


def _share(orbit: EnclosedOrbit, x: float, unit: float, value: float) -> float:
    import flint

    with precise():
        place = flint.arb(x) * flint.arb(unit)
        found = orbit.at(place)
        scale = None if found is None else orbit.scale(abs(place).max(flint.arb(unit) * SHORT), found)
        return float("inf") if found is None or scale is None else _float(largest(found.value - flint.arb(value)) / scale)


def _float(bound: Any) -> float:
    """An upper bound as a float; infinite where there is none."""
    return float(bound.upper()) if bound.is_finite() else float("inf")


def table(network: Parametrisation, orbits: Orbits, reach: float) -> Table:
    """The errors of the table of one coordinate, as far as |b - b(0)| <= reach, or the end of its orbit."""
    orbit, start = EnclosedOrbit.of(network), float(orbits.start[0])
    ends, interpolation, away, points = [start, start], 0.0, 0.0, 0
    for side in (orbits.backward, orbits.forward):
        branch = orbit.branches[int(side.sign)]
        nodes = side.nodes[: MOST_INTERVALS + 1]
        last = next((i for i, node in enumerate(nodes) if abs(float(node.value[0]) - start) >= reach), len(nodes) - 1)
        for before, after in pairwise(nodes[: last + 1]):
            begins, ends_at = float(before.place[0]), float(after.place[0])
            if ends_at <= begins:
                break
            interpolation = max(interpolation, _between(orbit, branch, before.state[:-1, 0], begins, ends_at))
            shares = [*INNER, 1.0]
            x = side.sign * (begins + (ends_at - begins) * np.array(shares)) / orbits.unit
            values = [float(orbits.map(np.array([each]))[0][0]) for each in x]
            away = max([away, *(_share(orbit, float(a), orbits.unit, b) for a, b in zip(x, values, strict=True))])
            points += len(shares)
            ends[int(side.sign > 0)] = float(after.value[0])
    return Table(ends[0], ends[1], interpolation, away, points)


def _between(orbit: EnclosedOrbit, branch: Branch, node: FloatArray, begins: float, ends: float) -> float:
    """A bound on the error of b from one node to the next, in exact arithmetic, relative to the scale of b at the latter."""
    import flint

    with precise():
        start = [flint.arb(float(each)) for each in node]
        low, high = flint.arb(begins), flint.arb(ends)
        there = orbit.at(branch.sign * high)
        scale = None if there is None else orbit.scale(high, there)
        if scale is None:
            return float("inf")
        return _float(_sup(orbit, branch, start, low, (low, high), scale * SMALL, SPLITS) / scale)


def _sup(
    orbit: EnclosedOrbit, branch: Branch, start: list[Any], node: Any, between: tuple[Any, Any], small: Any, splits: int
) -> Any:
    """A bound on the error of b by a step from a node at places between low and high; in halves where one is too coarse."""
    import flint

    low, high = between
    cell = branch.reach((low + high) / 2, orbit.start)
    if cell is not None and cell.begins <= low and high <= cell.begins + cell.length:
        off = _step_error(branch, start, cell, low - node, high - node, node)
        if off <= small or not splits:
            return off
    if not splits or cell is None:
        return flint.arb("inf")
    cut = (low + high) / 2
    if cell.begins > low:
        cut = cell.begins
    elif cell.begins + cell.length < high:
        cut = cell.begins + cell.length
    halves = (_sup(orbit, branch, start, node, part, small, splits - 1) for part in ((low, cut), (cut, high)))
    return functools.reduce(lambda a, b: a.max(b), halves)


def _step_error(branch: Branch, start: list[Any], cell: Cell, low: Any, high: Any, node: Any) -> Any:
    """How far a step of DOP853 by lengths between low and high ends from the orbit, in b.

    The step is a function of its length, expanded about the middle with a Lagrange remainder, as is the orbit's polynomial.
    """
    import flint

    def stepped(begins: Any, order: int) -> list[Any]:
        """Coefficients, in the length beyond `begins`, of what a step arrives at."""
        along = flint.arb_series([begins, 1], order)
        stages: list[list[Any]] = []
        for stage in range(12):
            at = [each + along * _combined(DOP853.A[stage], stages, i) for i, each in enumerate(start)]
            stages.append([branch.sign * each for each in branch.formulas.gradient(at)])
        return [each + along * _combined(DOP853.B, stages, i) for i, each in enumerate(start)]

    middle, half = (low + high) / 2, ((high - low) / 2).upper()
    near, far = stepped(middle, EXPANDED), stepped(flint.arb(middle, half), EXPANDED + 1)
    off, tube = [], []
    for curve, at_middle, anywhere in zip(cell.curves, near, far, strict=True):
        about = curve(flint.arb_poly([node + middle - cell.begins, 1]))
        around = curve(
            flint.arb_poly([flint.arb((node + middle - cell.begins).mid(), half + (node + middle - cell.begins).rad()), 1])
        )
        away = [largest(coefficient(at_middle, k) - coefficient(about, k)) * half**k for k in range(EXPANDED)]
        away.append(largest(coefficient(anywhere, EXPANDED) - coefficient(around, EXPANDED)) * half**EXPANDED)
        off.append(sum(away[1:], away[0]).upper())
        tube.append(coefficient(around, 0))
    total = (length(off) + cell.error).upper()
    slopes = branch.formulas.gradient([each + flint.arb(0, total) for each in tube])
    return (length(slopes) * total).upper() if total.is_finite() else flint.arb("inf")


def _combined(shares: FloatArray, stages: list[list[Any]], row: int) -> Any:
    import flint

    terms = [flint.arb(float(share)) * stage[row] for share, stage in zip(shares, stages, strict=False) if share]
    return sum(terms[1:], terms[0]) if terms else flint.arb(0)
