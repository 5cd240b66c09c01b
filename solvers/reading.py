"""Reading a penalty off its mirror map: orders near the start and far out, the scale between, and what is lazy and rich.

The order is d log D / d log |b - b(0)|, D being the divergence from the start: 2 is l2-like, 1 is l1-like. Near the start it is
2, since the map is smooth and increasing. Far out it follows from how fast b' grows, sigma = d log b' / d log |b - b(0)|: it
tends to 2 - sigma if sigma < 1 and to 1 if sigma >= 1, like 1 + 1/log|b| at sigma = 1. Here sigma is measured along the table.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from normtheory.arrays import FloatArray
from normtheory.parametrisations import Parametrisation
from normtheory.solvers.orbits import Orbits, Side

FAR, FARTHEST = 1e6, 1e16  # times the scale at the start, between which sigma is measured
SETTLED = 2e-3  # by which sigma may differ between the ends of the last decades, and from 1
HALF_WAY = 1.5  # order that divides l2-like from l1-like


@dataclass(frozen=True)
class Direction:
    """A penalty on one side of the start.

    Attributes
    ----------
    end : float
        The predictor that the orbit ends at, infinite if it has none.
    order : float or None
        Limit of the order at that infinity; None where the orbit ends before, or the order has not settled.
    rate : str
        How it is approached, in words.
    scale : float
        |b - b(0)| at which the order is HALF_WAY; infinite if it never is.
    slope : float
        What |x| tends to: the slope of the penalty far out, infinite if it grows.
    """

    end: float
    order: float | None
    rate: str
    scale: float
    slope: float


@dataclass(frozen=True)
class Reading:
    """A penalty at a glance: start b(0), stiffness b'(0) (the tangent kernel of one coordinate), its bend, both directions.

    `degree` is that of G if it is homogeneous, else None.
    """

    start: float
    stiffness: float
    bend: float
    down: Direction
    up: Direction
    degree: Any


def read(network: Parametrisation, orbits: Orbits | None = None) -> Reading:
    """The penalty of one coordinate of a network of one output, with a start in numbers."""
    orbits = Orbits.of(network, 1) if orbits is None else orbits
    state = orbits.state[:, :1]
    gradient, curvature = network.slopes(state)[0, :, 0], network.curvatures(state)[0, :, :, 0]
    down, up = (_direction(network, orbits, side) for side in (orbits.backward, orbits.forward))
    return Reading(
        float(orbits.start[0]),
        float(gradient @ gradient),
        float(2 * gradient @ curvature @ gradient),
        down,
        up,
        homogeneity(network),
    )


def homogeneity(network: Parametrisation) -> Any:
    """The degree of G, a rational, if it is homogeneous in all of its weights; else None."""
    import sympy as sp

    (output,) = network.outputs
    ratio = sp.simplify(sum(w * sp.diff(output, w) for w in network.weights) / output)
    return ratio if ratio.is_Rational else None


class Signs(NamedTuple):
    """Weights, by name, whose signs at the start may be changed together: G stays what it is, or becomes its negative."""

    same: tuple[tuple[str, ...], ...]
    mirrored: tuple[tuple[str, ...], ...]


def signs(network: Parametrisation) -> Signs:
    """Which one or two weights may start with the other sign: with the same penalty, or with that of -b."""
    import sympy as sp

    (output,), weights = network.outputs, network.weights
    found: dict[int, list[tuple[Any, ...]]] = {1: [], -1: []}
    for several in (*combinations(weights, 1), *combinations(weights, 2)):
        if any(set(fewer) <= set(several) for known in found.values() for fewer in known):
            continue  # of those that may be changed alone every combination may
        turned = output.subs({w: -w for w in several}, simultaneous=True)
        for sign, listed in found.items():
            if sp.expand(turned - sign * output) == 0:
                listed.append(several)
    same, mirrored = (tuple(tuple(map(str, each)) for each in found[sign]) for sign in (1, -1))
    return Signs(same, mirrored)


def order(orbits: Orbits, beta: FloatArray) -> FloatArray:
    """d log D / d log |b - b(0)| at predictors of equal coordinates, shape (D,)."""
    x = orbits.inverse(beta) * orbits.unit
    return np.asarray(x * (beta - orbits.start) / orbits.divergence(beta))


def _direction(network: Parametrisation, orbits: Orbits, side: Side) -> Direction:
    gradient = network.slopes(orbits.state[:, :1])[0, :, 0]
    unit = max(abs(float(orbits.start[0])), float(gradient @ gradient) * orbits.unit)
    low, high = orbits.ends(FARTHEST * unit)
    end = float((high if side.sign > 0 else low)[0])
    places, states, _, values = (part[..., 0] for part in side.stacked())
    moved = np.abs(values - values[0])
    pulls, divergences = places, places * moved - states[:, -1]
    with np.errstate(all="ignore"):
        orders = np.where(divergences > 0, pulls * moved / divergences, 2.0)
    below = np.flatnonzero(orders < HALF_WAY)
    scale = float(moved[below[0]]) if below.size else float("inf")
    if np.isfinite(end):
        return Direction(end, None, f"the orbit ends at {end:.6g}", scale, float("inf"))
    sigma = _growth(network, states[:, :-1].T, values - values[0])
    far = np.flatnonzero(moved > FAR * unit)
    last = sigma[far]
    if not last.size or np.ptp(last[-max(2, last.size // 2) :]) > SETTLED:
        return Direction(end, None, "the order has not settled in the range of the table", scale, float(places[-1]))
    found = float(last[-1])
    if abs(found - 1) <= SETTLED:
        return Direction(end, 1.0, "like 1 + 1/log|b|", scale, float("inf"))
    if found > 1:
        return Direction(end, 1.0, f"like |b|^-{found - 1:.3g}", scale, float(places[-1]))
    return Direction(end, round(2 - found, 6) + 0.0, "as a power", scale, float("inf"))


def _growth(network: Parametrisation, states: FloatArray, moved: FloatArray) -> FloatArray:
    """d log b' / d log |b - b(0)| at states (p, N)."""
    gradient, curvature = network.slopes(states)[0], network.curvatures(states)[0]
    with np.errstate(all="ignore"):
        slope = (gradient**2).sum(axis=0)
        bend = 2 * np.einsum("pn,pqn,qn->n", gradient, curvature, gradient)
        return np.asarray(moved * bend / slope**2)
