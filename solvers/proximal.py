"""Proximal maps under Gaussian noise: the law of prox(teacher + tau h), h standard normal, as nodes of a quadrature.

The proximal map of g f, for a coordinate's penalty f, sends v to the minimiser b of g f(b) + (b - v)^2/2. With the inverse
mirror map b(x) of f, f'(b) = unit * x, it solves b(x) + gain x = v, gain = unit * g: in the dual variable x it is explicit, and
so is v. A law therefore integrates along the graph {(x, b)} of the mirror map, on which nothing has a kink, rather than along
v, in which a small scale makes prox all but a threshold. The graph may be followed by any parameter t in which it is analytic;
the trapezoidal rule in t then converges geometrically, and the caller controls its error by doubling the number of nodes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Protocol, cast

import numpy as np
from numpy.typing import ArrayLike

from normtheory.arrays import FloatArray, InputError, positive, real_array
from normtheory.reprs import shown
from normtheory.solvers.potentials import DeepDiagonal, Potential

TAIL = 9.0  # of h: beyond it a standard normal has 2e-19 of its weight
BEND = 0.5  # a coordinate whose log slope changes by less within the tails is nearly affine: nodes are spaced in h
MOST_STEPS = 200  # of Newton's method with bisection, which halves a bracket of all floats in fewer
ROUND_OFF = 4 * np.finfo(np.float64).eps
SETTLED = 256 * np.finfo(np.float64).eps  # residual of a proximal map: the exponentials of a mirror map lose tens of units
LARGEST_MAP = 1e150  # values whose squares overflow count as outside the domain


@dataclass(frozen=True, eq=False)
class Nodes:
    """A quadrature of the law of b = prox(v), v = teacher + tau h: arrays of shape (m, C), a column a class of coordinates.

    Attributes
    ----------
    h, weight : arrays
        Values of the standard normal variable and their weights, which sum to 1 in each column.
    pull : array
        v - b = gain x. The error b - teacher is tau h - pull, which loses no digits where b is close to the teacher.
    slope : array
        prox'(v), between 0 and 1.
    window : array, shape (2, C)
        Ends of the parameter t, from which the next law may start.
    """

    h: FloatArray
    weight: FloatArray
    pull: FloatArray
    slope: FloatArray
    window: FloatArray


class Law(Protocol):
    """Proximal maps of C classes of coordinates, at any noise tau and gain."""

    @property
    def start(self) -> FloatArray:
        """Where the penalty is least, shape (C,)."""

    @property
    def unit(self) -> float:
        """Gradient of the penalty per unit of x."""

    @property
    def recovers(self) -> bool:
        """Whether some coordinate has a kink at its start, without which no noiseless predictor is recovered exactly."""

    def nodes(self, teacher: FloatArray, tau: float, gain: float, count: int, window: FloatArray | None = None) -> Nodes:
        """About `count` nodes of the law for each class; `window` is that of a neighbouring law, if there is one."""


class Graph(Protocol):
    """The increasing curve (x, b) of a mirror map for C classes of coordinates, followed by a parameter t, analytic in it."""

    @property
    def start(self) -> FloatArray:
        """b at t = 0, where x = 0, shape (C,)."""

    @property
    def unit(self) -> float:
        """Gradient of the penalty per unit of x."""

    def at(self, t: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """x, b, dx/dt and db/dt at t of shape (..., C); b infinite or NaN outside the domain."""


@dataclass(frozen=True, eq=False)
class DualGraph:
    """The graph of any `Potential`, followed by its dual variable: t = x. Its `map` has to take x of shape (..., C)."""

    potential: Potential

    @property
    def start(self) -> FloatArray:
        """b(0)."""
        return self.potential.start

    @property
    def unit(self) -> float:
        """The potential's."""
        return self.potential.unit

    def at(self, t: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """x = t."""
        b, slope = self.potential.map(t)
        return t, b, np.ones_like(t), slope


@dataclass(frozen=True, eq=False)
class DeepGraph:
    """The graph of `DeepDiagonal`, with z = tanh t: predictors of order one lie at its edge |z| = 1, which t never meets."""

    potential: DeepDiagonal

    @property
    def start(self) -> FloatArray:
        """0."""
        return self.potential.start

    @property
    def unit(self) -> float:
        """The potential's."""
        return self.potential.unit

    def at(self, t: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """b = 2 alpha^L cosh(t)^p sinh(p t) with p = L/(L - 2)."""
        alpha, depth = self.potential.alpha, self.potential.depth
        p, pace = depth / (depth - 2), (alpha / alpha.max()) ** (depth - 2)
        height = 2 * alpha**depth * np.cosh(t) ** p
        b = height * np.sinh(p * t)
        return np.tanh(t) / pace, b, np.cosh(t) ** -2.0 / pace, p * (b * np.tanh(t) + height * np.cosh(p * t))


@dataclass(frozen=True, eq=False)
class Hyperbola:
    """The graph of l1,2 while the auxiliary weight a is held: penalty 2 sqrt(b^2 + a^2), b = |a| sinh t, x = tanh t.

    Parameters
    ----------
    beta_aux : array, shape (C,)
        The auxiliary weights, none of them 0: there the penalty is that of `SoftThreshold`.
    """

    beta_aux: FloatArray
    unit: float = 2.0

    def __init__(self, beta_aux: ArrayLike) -> None:
        size = np.abs(np.atleast_1d(real_array(beta_aux, "beta_aux")))
        object.__setattr__(self, "beta_aux", positive(size, "|beta_aux|"))
        object.__setattr__(self, "unit", 2.0)

    @property
    def start(self) -> FloatArray:
        """0."""
        return np.zeros_like(self.beta_aux)

    def at(self, t: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """b = |a| sinh t, x = tanh t."""
        return np.tanh(t), self.beta_aux * np.sinh(t), np.cosh(t) ** -2.0, self.beta_aux * np.cosh(t)


@shown()
@dataclass(frozen=True, eq=False)
class Quadratic:
    """The graph of the weighted l2 penalty (b - start)^2/weight: linear probing, ridge regression and lazy networks.

    Parameters
    ----------
    weight : array, shape (C,)
        Positive: how easily a coordinate moves. b = start + weight x.
    start : array, shape (C,)
        Where the penalty is 0.
    """

    weight: FloatArray
    start: FloatArray
    unit: float = 2.0

    def __init__(self, weight: ArrayLike, start: ArrayLike = 0.0) -> None:
        weights = positive(np.atleast_1d(real_array(weight, "weight")), "weight")
        object.__setattr__(self, "weight", weights)
        object.__setattr__(self, "start", np.broadcast_to(real_array(start, "start"), weights.shape))
        object.__setattr__(self, "unit", 2.0)

    def at(self, t: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """x = t/weight, so that b moves with t."""
        ones = np.ones_like(t)
        return t / self.weight, self.start + t, ones / self.weight, ones


@dataclass(frozen=True, eq=False)
class Smooth:
    """The law of a strictly convex penalty that has a mirror map, by the trapezoidal rule along its graph."""

    graph: Graph
    recovers = False

    @property
    def start(self) -> FloatArray:
        """Of the graph."""
        return self.graph.start

    @property
    def unit(self) -> float:
        """Of the graph."""
        return self.graph.unit

    def nodes(self, teacher: FloatArray, tau: float, gain: float, count: int, window: FloatArray | None = None) -> Nodes:
        """Equal steps of t between the tails; of h instead where b is nearly affine in it, so that no digits cancel."""
        window = self._window(teacher, tau, gain, window)
        steps = np.linspace(0.0, 1.0, count + 1)[:, None]
        width = window[1] - window[0]
        t = window[0] + width * steps
        x, b, dx, db = self.graph.at(t)
        growth = db + gain * dx
        h, density = (b + gain * x - teacher) / tau, width / count * growth / tau
        affine = np.log(growth.max(axis=0) / growth.min(axis=0)) < BEND
        if affine.any():
            h = np.where(affine, TAIL * (2 * steps - 1), h)
            density = np.where(affine, 2 * TAIL / count, density)
            guess = np.where(affine, window[0] + width * steps, t)
            x, dx, db = self._polished(teacher + tau * h, gain, guess)
        weight = density * np.exp(-h * h / 2) / np.sqrt(2 * np.pi)
        return Nodes(h, weight, gain * x, db / (db + gain * dx), window)

    def prox(self, v: FloatArray, gain: float) -> FloatArray:
        """The minimiser b of gain/unit f(b) + (b - v)^2/2, for v of shape (..., C)."""
        v = np.asarray(v, dtype=np.float64)
        return np.asarray(self.graph.at(_root(self.graph, v, gain, np.zeros_like(v), None))[1])

    def _window(self, teacher: FloatArray, tau: float, gain: float, guess: FloatArray | None) -> FloatArray:
        """The t at which h is at the tails or up to one unit beyond."""
        target = teacher + tau * np.array([[-TAIL - 0.5], [TAIL + 0.5]])
        start = np.zeros_like(target) if guess is None else guess
        return _root(self.graph, target, gain, start, np.full_like(target, 0.5 * tau))

    def _polished(self, v: FloatArray, gain: float, guess: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """x, dx/dt and db/dt where b + gain x = v, to round-off."""
        t = _root(self.graph, v, gain, guess, None)
        x, _, dx, db = self.graph.at(t)
        return x, dx, db


def _root(graph: Graph, target: FloatArray, gain: float, t: FloatArray, tolerance: FloatArray | None) -> FloatArray:
    """The t with b + gain x = target, within a tolerance or round-off: Newton's method, kept in a bracket."""
    low, high = np.full_like(target, -np.inf), np.full_like(target, np.inf)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for _ in range(MOST_STEPS):
            x, b, dx, db = graph.at(t)
            rest = target - b - gain * x
            outside = ~(np.abs(b) < LARGEST_MAP)
            rest = np.where(outside, np.where(t > 0, -np.inf, np.inf), rest)
            scale = SETTLED * (np.abs(b) + np.abs(gain * x) + np.abs(graph.start)) if tolerance is None else tolerance
            reach = np.maximum(1.0, np.abs(t))  # from a bracket without end, as far again as it has come
            step = np.clip(np.where(outside, np.copysign(reach, rest), rest / (db + gain * dx)), -reach, reach)
            open_ = (outside | (np.abs(rest) > scale)) & (np.minimum(np.abs(step), high - low) > ROUND_OFF * np.abs(t))
            if not open_.any():
                break
            low, high = np.where(rest > 0, t, low), np.where(rest < 0, t, high)
            ahead = t + step
            inside = (ahead > low) & (ahead < high)
            middle = np.where(np.isfinite(low) & np.isfinite(high), (low + high) / 2, ahead)
            t = np.where(open_, np.where(inside, ahead, middle), t)
    return np.asarray(t)


@dataclass(frozen=True, eq=False)
class SoftThreshold:
    """The law of the weighted l1 penalty 2 weight |b| (l1,2 where the auxiliary weight is 0): Gauss-Legendre between its kinks.

    Parameters
    ----------
    weight : array, shape (C,)
        Positive; x is confined to [-weight, weight].
    """

    weight: FloatArray
    unit: float = 2.0
    recovers = True

    def __init__(self, weight: ArrayLike = 1.0) -> None:
        object.__setattr__(self, "weight", positive(np.atleast_1d(real_array(weight, "weight")), "weight"))
        object.__setattr__(self, "unit", 2.0)

    @property
    def start(self) -> FloatArray:
        """0."""
        return np.zeros_like(self.weight)

    def nodes(self, teacher: FloatArray, tau: float, gain: float, count: int, window: FloatArray | None = None) -> Nodes:
        """A third of the nodes in each of: below the threshold -gain * weight, between the two, above."""
        threshold = gain * self.weight
        edges = np.clip((threshold * np.array([[-np.inf], [-1.0], [1.0], [np.inf]]) - teacher) / tau, -TAIL, TAIL)
        place, share = _legendre(-(-count // 3))
        half = np.diff(edges, axis=0)[:, None] / 2
        h = ((edges[1:] + edges[:-1])[:, None] / 2 + half * place[:, None]).reshape(-1, teacher.size)
        density = (half * share[:, None]).reshape(h.shape)
        passes = np.repeat([1.0, 0.0, 1.0], place.size)[:, None]
        side = np.repeat([-1.0, 0.0, 1.0], place.size)[:, None]
        pull = np.where(passes > 0, side * threshold, teacher + tau * h)
        weight = density * np.exp(-h * h / 2) / np.sqrt(2 * np.pi)
        return Nodes(h, weight, pull, np.broadcast_to(passes, h.shape), edges[:2])


@cache
def _legendre(count: int) -> tuple[FloatArray, FloatArray]:
    return np.polynomial.legendre.leggauss(count)


@shown()
@dataclass(frozen=True, eq=False)
class Stretched:
    """The graph of the penalty f(c/root) in terms of c = root * b: x/root against root * b, by the parameter of f's own graph.

    It is what an input of variance root^2 makes of f. The factors of x weigh classes of coordinates against each other.

    Parameters
    ----------
    graph : Graph
        Of f.
    root : array, shape (C,)
        Positive.
    """

    graph: Graph
    root: FloatArray

    @property
    def start(self) -> FloatArray:
        """root times that of f."""
        return self.root * self.graph.start

    @property
    def unit(self) -> float:
        """That of f."""
        return self.graph.unit

    def at(self, t: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """The graph of f, stretched."""
        x, b, dx, db = self.graph.at(t)
        return x / self.root, self.root * b, dx / self.root, self.root * db


def stretched(law: Law, root: FloatArray) -> Law:
    """The law of the penalty f(c/root), from that of f.

    Raises
    ------
    InputError
        If it is a law of one's own, of which no graph is known.
    """
    if isinstance(law, Smooth):
        return Smooth(Stretched(law.graph, root))
    if isinstance(law, SoftThreshold):
        return SoftThreshold(law.weight / root)
    raise InputError(f"{type(law).__name__} is a law without a graph; give a graph or a potential, or inputs of variance 1")


def law_of(penalty: Law | Potential | Graph) -> Law:
    """The law of a penalty: as it is, or of a graph, or of any `Potential` of `normtheory.solvers.potentials` and `pinned`.

    Raises
    ------
    InputError
        If it is none of these.
    """
    if hasattr(penalty, "nodes"):
        return cast(Law, penalty)
    if isinstance(penalty, DeepDiagonal):
        return Smooth(DeepGraph(penalty))
    if hasattr(penalty, "at"):
        return Smooth(cast(Graph, penalty))
    if hasattr(penalty, "map"):
        return Smooth(DualGraph(penalty))
    raise InputError(f"{type(penalty).__name__} is no law, graph or potential; give one with nodes, at or map")
