"""The mirror map of any network whose coordinates have weights of their own: tabulated along the orbit of each coordinate.

Gradient flow of any loss moves a coordinate along dw/dx = grad G(w), at a speed that the data decide, so that the inverse
mirror map is b(x) = G(w(x)), with b' = |grad G|^2. An orbit is a row of nodes, each a small step of its differential equation
from the last, and every point between two nodes is one step from the nearer to the start: nothing is interpolated.

What a step is off by is measured against two of half its length, and steps are halved until that is round-off. How far the
errors of all steps have moved a node is bounded, to first order, by the largest rate at which neighbouring orbits part, the
largest eigenvalue of the second derivative of G. `Orbits.error` is the bound that both leave, measured in float64;
`normtheory.solvers.newton` is not asked for tolerances below it. `normtheory.solvers.tabulated` proves one, in balls.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import DOP853

from normtheory.arrays import FloatArray, InputError
from normtheory.parametrisations import Parametrisation
from normtheory.parametrisations.compiled import compiled
from normtheory.reprs import shown
from normtheory.solvers.potentials import by_fenchel

Field = Callable[[FloatArray], FloatArray]  # states (p, M) to velocities of that shape
Part = Callable[[FloatArray], FloatArray]  # states (p, M) to numbers (M,)
Indices = NDArray[np.intp]

STRIDE = 0.2  # of a step, in units of the time in which the weights or their speed change by a factor e
STEP_ERROR = 1e-14  # of one step, relative to the weights: above it the step is halved
EASY, LONGER = 0.05, 1.25  # a step with so small a share of that error lets the next be longer by so much
FINEST = 14  # halvings, after which the orbit is taken to end at a singularity
STALLED = 1.01  # by which a predictor grows in a step that x does not resolve, if it leaves for infinity
FARTHEST = 1e30  # a predictor that counts as infinite
STILL = 1e-24  # what b would move if x doubled, relative to how far it has come, at which the orbit counts as at rest
MOST_NODES = 4000
ROUND_OFF = 4 * float(np.finfo(np.float64).eps)  # of a step, relative to the weights
NEWTON_STEPS = 60  # of the inverse, each inside one interval


@dataclass(frozen=True, eq=False)
class Curve:
    """A family of one-dimensional orbits: dw/dx = velocity(w), with b = value(w) and b' = slope(w) > 0 along it.

    Attributes
    ----------
    moves : callable
        States (p, M) to the velocity and, last, b: (p + 1, M).
    pace : callable
        States and the size of their weights (M,) to how fast weights and velocity change, about, relative to themselves.
    spread : callable
        States and the direction, 1 or -1, to the largest rate at which neighbouring orbits part when they are followed there.
    signs : callable
        States to numbers (q, M) that must keep their signs: where one changes it the network is not differentiable.
    """

    moves: Field
    value: Part
    slope: Part
    pace: Callable[[FloatArray, FloatArray], FloatArray]
    spread: Callable[[FloatArray, float], FloatArray]
    signs: Field


def gradient_curve(network: Parametrisation) -> Curve:
    """The orbits of one output along its own gradient."""

    def pace(w: FloatArray, size: FloatArray) -> FloatArray:
        return relative_pace(size, network.slopes(w)[0], network.curvatures(w)[0])

    def spread(w: FloatArray, sign: float) -> FloatArray:
        return largest_rate(sign * network.curvatures(w)[0])

    def slope(w: FloatArray) -> FloatArray:
        return np.asarray((network.slopes(w)[0] ** 2).sum(axis=0))

    return Curve(network.moves, lambda w: network.values(w)[0], slope, pace, spread, compiled(network.kinks, network.weights))


def relative_pace(size: FloatArray, velocity: FloatArray, jacobian: FloatArray) -> FloatArray:
    """|velocity|/size and the size of the velocity's Jacobian (p, p, M), together."""
    with np.errstate(all="ignore"):
        own = np.linalg.norm(velocity, axis=0) / size
        return np.asarray(np.hypot(own, np.sqrt((jacobian**2).sum(axis=(0, 1)))))


class Node(NamedTuple):
    """One node of each of M orbits: distance from the start in x, weights and integral of b - b(0), error of the weights, b."""

    place: FloatArray
    state: FloatArray
    error: FloatArray
    value: FloatArray


def _reaches(farthest: FloatArray, node: Node) -> NDArray[np.bool_]:
    """Where the node is so far from the start."""
    return np.asarray(node.place >= farthest)


def _leaves(origin: FloatArray, farthest: float, node: Node) -> NDArray[np.bool_]:
    """Where its b has gone so far from the origin."""
    return np.asarray(np.abs(node.value - origin) > farthest)


def largest_rate(jacobian: FloatArray) -> FloatArray:
    """The largest eigenvalue of the symmetric part of Jacobians (p, p, M): the logarithmic norm; infinite where undefined."""
    matrices = np.moveaxis(jacobian + jacobian.swapaxes(0, 1), -1, 0) / 2
    finite = np.asarray(np.isfinite(matrices).all(axis=(1, 2)))
    rates = np.linalg.eigvalsh(np.where(finite[:, None, None], matrices, 0.0)).max(axis=1)
    return np.asarray(np.where(finite, rates, np.inf))


@dataclass(eq=False)
class Side:
    """The nodes of M orbits on one side of the start, in lockstep: node i of every orbit is i steps from it."""

    curve: Curve
    sign: float
    nodes: list[Node]
    ended: NDArray[np.bool_]  # whether an orbit goes no further than its last node
    escaped: NDArray[np.bool_]  # whether that is because b leaves for infinity
    stretch: FloatArray  # of a step, over what the pace suggests
    _stacked: tuple[FloatArray, ...] = field(default=(), repr=False)

    @staticmethod
    def at_start(curve: Curve, sign: float, state: FloatArray) -> Side:
        """The start as node 0."""
        nothing = np.zeros(state.shape[1])
        node = Node(nothing, np.vstack([state, nothing]), nothing, curve.value(state))
        return Side(curve, sign, [node], np.zeros(nothing.size, bool), np.zeros(nothing.size, bool), nothing + 1)

    def grow(self, reached: Callable[[Node], NDArray[np.bool_]]) -> bool:
        """Add nodes until the last one has all that is asked for, on every orbit that goes on; False if that takes too many."""
        while not (reached(self.nodes[-1]) | self.ended).all():
            if len(self.nodes) >= MOST_NODES:
                return False
            self.nodes.append(self._following(self.nodes[-1]))
        return True

    def _following(self, node: Node) -> Node:
        """The next node; the last again where an orbit has ended."""
        curve, start = self.curve, self.nodes[0].value
        weights = node.state[:-1]
        size, active = self._size(weights), ~self.ended
        with np.errstate(all="ignore"):
            length = np.where(active, STRIDE * self.stretch / curve.pace(weights, size), 0.0)
            pending = active.copy()
            state, local = node.state.copy(), np.zeros_like(size)
            for _ in range(FINEST):
                if not pending.any():
                    break
                whole = self.stepped(node.state, length, start)
                halves = self.stepped(self.stepped(node.state, length / 2, start), length / 2, start)
                error = np.linalg.norm((whole - halves)[:-1], axis=0)
                good = pending & (error <= STEP_ERROR * np.maximum(size, self._size(halves[:-1])))
                good &= (np.sign(curve.signs(halves[:-1])) == np.sign(curve.signs(weights))).all(axis=0)
                state, local = np.where(good, halves, state), np.where(good, error, local)
                easy = good & (error <= EASY * STEP_ERROR * size)
                pending &= ~good
                length = np.where(pending, length / 2, length)
                self.stretch *= np.where(pending, 0.5, np.where(easy, LONGER, 1.0))
            grown = np.exp(np.maximum(curve.spread(weights, self.sign), curve.spread(state[:-1], self.sign)) * length)
            ahead = node.error * grown + local + ROUND_OFF * np.linalg.norm(state[:-1], axis=0)
        self.ended |= pending
        went = active & ~pending
        place = np.where(went, node.place + length, node.place)
        following = Node(place, state, np.where(went, ahead, node.error), curve.value(state[:-1]))
        self._end(following)
        return following

    def _size(self, weights: FloatArray) -> FloatArray:
        """Of the weights; that at the start where they are smaller, since orbits may pass through 0."""
        first = np.linalg.norm(self.nodes[0].state[:-1], axis=0)
        return np.asarray(np.maximum(np.linalg.norm(weights, axis=0), np.where(first > 0, first, 1.0)))

    def _end(self, node: Node) -> None:
        """Mark orbits that have left for infinity, are at rest, or do not move x any more in float64."""
        slope, moved = self.curve.slope(node.state[:-1]), np.abs(node.value - self.nodes[0].value)
        stalled = ~self.ended & (node.place == self.nodes[-1].place)
        before = np.abs(self.nodes[-1].value - self.nodes[0].value)
        self.escaped |= (moved > FARTHEST) | (stalled & (moved > STALLED * before))
        self.ended |= self.escaped | stalled | (slope * node.place < STILL * moved)

    def stepped(self, state: FloatArray, length: FloatArray, start: FloatArray) -> FloatArray:
        """States (p + 1, M) after one step of DOP853 of these lengths, (M,)."""
        step, shape = self.sign * length, state.shape

        def moved(y: FloatArray) -> FloatArray:
            found = self.curve.moves(y[:-1])
            found[-1] -= start
            return found

        slopes = np.empty((12, *shape))
        rows = slopes.reshape(12, -1)
        slopes[0] = moved(state)
        for stage in range(1, 12):
            slopes[stage] = moved(state + step * (DOP853.A[stage, :stage] @ rows[:stage]).reshape(shape))
        return np.asarray(state + step * (DOP853.B @ rows).reshape(shape))

    def stacked(self) -> tuple[FloatArray, ...]:
        """Places (N, M), states (N, p + 1, M), errors (N, M), values (N, M)."""
        if not self._stacked or len(self._stacked[0]) != len(self.nodes):
            self._stacked = tuple(np.stack(rows) for rows in zip(*self.nodes, strict=True))
        return self._stacked


def last_below(rows: FloatArray, which: Indices, wanted: FloatArray) -> Indices:
    """For each of D numbers the last row of column `which` of an increasing (N, M) table that is not above it; at least 0."""
    low, high = np.zeros(wanted.size, np.intp), np.full(wanted.size, len(rows))
    while (high - low > 1).any():
        middle = (low + high) // 2
        below = rows[middle, which] <= wanted
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return low


@shown("start", "unit")
@dataclass(frozen=True, eq=False)
class Orbits:
    """The potential of coordinates that move on the orbits of one curve, from states of their own: a `Potential`.

    Parameters
    ----------
    curve : Curve
    state : array, shape (p, D)
        Weights of each coordinate at the start. Coordinates of equal starts share an orbit.

    Notes
    -----
    The potential's gradient at b(x) is x itself. Within, x is counted in `unit`: the time in which the fastest coordinate
    changes by a factor of order one.
    """

    curve: Curve
    state: FloatArray
    unit: float
    which: Indices
    forward: Side
    backward: Side

    def __init__(self, curve: Curve, state: FloatArray) -> None:
        distinct, which = np.unique(state, axis=1, return_inverse=True)
        sizes = np.linalg.norm(distinct, axis=0)
        paces = curve.pace(distinct, np.where(sizes > 0, sizes, 1.0))
        if not (np.isfinite(paces) & (curve.slope(distinct) > 0)).all():
            raise InputError("an orbit of the network cannot be followed from its start; start elsewhere")
        object.__setattr__(self, "curve", curve)
        object.__setattr__(self, "state", state)
        object.__setattr__(self, "unit", float(1 / paces.max()))
        object.__setattr__(self, "which", which.reshape(-1))
        object.__setattr__(self, "forward", Side.at_start(curve, 1.0, distinct))
        object.__setattr__(self, "backward", Side.at_start(curve, -1.0, distinct))

    @staticmethod
    def of(network: Parametrisation, size: int | None = None) -> Orbits:
        """The potential of a network of one output, with `size` coordinates (default: as many as its start has)."""
        if len(network.outputs) != 1:
            raise InputError(f"the network has {len(network.outputs)} outputs; a separable potential needs one")
        return Orbits(gradient_curve(network), network.weights_at_start(size))

    @property
    def start(self) -> FloatArray:
        """b(0), shape (D,)."""
        return np.asarray(self.forward.nodes[0].value[self.which])

    @property
    def flattest(self) -> FloatArray:
        """b'(0), shape (D,)."""
        return np.asarray(self.unit * self.curve.slope(self.state))

    def error(self, x: FloatArray) -> float:
        """What b is off by at x, (D,), at most: relative to how far b has moved and would move if x doubled."""
        worst = 0.0
        self._at(x)
        for side, here in ((self.forward, x > 0), (self.backward, x < 0)):
            numbers = np.flatnonzero(here)
            places, states, errors, values = side.stacked()
            which = self.which[numbers]
            row = np.minimum(last_below(places, which, np.abs(x[numbers]) * self.unit) + 1, len(places) - 1)
            slope = self.curve.slope(states[row, :-1, which].T)
            with np.errstate(all="ignore"):
                moved = np.abs(values[row, which] - values[0, which]) + slope * places[row, which]
                share = errors[row, which] * np.sqrt(slope) / moved
            worst = max(worst, float(share.max(initial=0.0)))
        return worst

    def _at(self, x: FloatArray) -> FloatArray:
        """States (p + 1, ..., D) at x, (..., D), NaN beyond the ends of an orbit."""
        shape, orbits = x.shape, np.broadcast_to(self.which, x.shape).reshape(-1)
        x = x.reshape(-1)
        found = np.full((len(self.state) + 1, x.size), np.nan)
        for side, here in ((self.forward, x >= 0), (self.backward, x < 0)):
            numbers = np.flatnonzero(here)
            if not numbers.size:
                continue
            wanted, which = np.abs(x[numbers]) * self.unit, orbits[numbers]
            farthest = np.zeros(side.ended.size)
            np.maximum.at(farthest, which, np.where(np.isfinite(wanted), wanted, 0.0))
            if not side.grow(partial(_reaches, farthest)):
                raise InputError(f"an orbit of the network takes more than {MOST_NODES} steps; start elsewhere")
            places, states, _, values = side.stacked()
            row = last_below(places, which, wanted)
            inside = wanted <= places[-1, which]
            step = np.where(inside, wanted - places[row, which], 0.0)
            reached = side.stepped(states[row, :, which].T, step, values[0, which])
            found[:, numbers] = np.where(inside, reached, np.nan)
        return found.reshape(-1, *shape)

    def states(self, x: FloatArray) -> FloatArray:
        """The weights at x, (..., D), of shape (p, ..., D); NaN beyond the ends of an orbit."""
        return self._at(x)[:-1]

    def map(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """G and its squared gradient on the orbit, for x of shape (..., D); infinite beyond its ends."""
        state = self._at(x)[:-1]
        inside = np.isfinite(state).all(axis=0)
        value, slope = self.curve.value(state), self.unit * self.curve.slope(state)
        return np.where(inside, value, np.copysign(np.inf, x)), np.where(inside, slope, np.inf)

    def softened(self, x: FloatArray, kappa: float) -> tuple[FloatArray, FloatArray, FloatArray]:
        """What b has moved by, magnified so that its slope at 0 is larger by kappa: its domain stays the same."""
        beta, slope = self.map(x)
        share = kappa / self.flattest
        moved = beta - self.start
        return self.start + (1 + share) * moved, (1 + share) * slope, share * moved

    def energy(self, x: FloatArray) -> FloatArray:
        """The integral of b - b(0), carried along the orbit."""
        return np.asarray(self._at(x)[-1])

    def divergence(self, beta: FloatArray) -> FloatArray:
        """By Fenchel's equality."""
        return by_fenchel(self, beta)

    def inverse(self, beta: FloatArray) -> FloatArray:
        """The x with b(x) = beta, infinite beyond the ends: the interval from the table, then Newton's method inside it."""
        x = np.zeros_like(beta)
        for side, here in ((self.forward, beta > self.start), (self.backward, beta < self.start)):
            numbers = np.flatnonzero(here)
            if numbers.size:
                x[numbers] = side.sign * self._distances(side, beta[numbers], self.which[numbers])
        return x

    def _distances(self, side: Side, beta: FloatArray, which: Indices) -> FloatArray:
        extreme = np.full(side.ended.size, -np.inf)
        np.maximum.at(extreme, which, np.where(np.isfinite(beta), side.sign * beta, -np.inf))
        side.grow(lambda node: side.sign * node.value >= extreme)
        places, states, _, values = side.stacked()
        row = last_below(side.sign * values, which, side.sign * beta)
        inside = side.sign * beta <= side.sign * values[-1, which]
        base, start = states[row, :, which].T, values[0, which]
        high = places[np.minimum(row + 1, len(places) - 1), which] - places[row, which]
        low, step = np.zeros_like(beta), high / 2
        for _ in range(NEWTON_STEPS):
            state = side.stepped(base, step, start)[:-1]
            value, slope = self.curve.value(state), self.curve.slope(state)
            short = side.sign * value < side.sign * beta
            low, high = np.where(short, step, low), np.where(short, high, step)
            with np.errstate(all="ignore"):
                following = step + side.sign * (beta - value) / slope
            following = np.where((following >= low) & (following <= high), following, (low + high) / 2)
            if np.all(np.abs(following - step) <= 2e-16 * np.maximum(places[row, which] + step, 1e-300)):
                break
            step = following
        return np.where(inside, (places[row, which] + following) / self.unit, np.inf)

    def ends(self, farthest: float = FARTHEST) -> tuple[FloatArray, FloatArray]:
        """The lowest and highest predictor of each coordinate's orbit, each (D,); infinite where it goes beyond `farthest`."""
        found = []
        for side in (self.backward, self.forward):
            origin = side.nodes[0].value
            side.grow(partial(_leaves, origin, farthest))
            last = side.nodes[-1].value
            far = (np.abs(last - origin) > farthest) | side.escaped | ~side.ended  # or slower than any table reaches
            found.append(np.where(far, side.sign * np.inf, last)[self.which])
        return found[0], found[1]
