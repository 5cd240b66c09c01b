"""Points of the learning curve of finetuning in ball arithmetic: both sides of the two equations, enclosed.

A coordinate's expectation over h is an integral along s, b = k sinh(s): entire functions, which Arb's integrator encloses
rigorously (Johansson 2018, arXiv 1802.07942). Beyond the ends of that integral a predictor lies between its start and v, so
that its error is at most |beta(0) - beta*| + tau |h|, whose Gaussian tails are known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import sympy as sp

from normtheory.audit import balls
from normtheory.proofs.exact_formulas import finetuning_formula
from normtheory.proofs.letters import ALPHA, GAMMA, A

Ball = Any
Rational = Any

PRECISION = 128  # bits
GOAL = 60  # bits of relative accuracy asked of each integral
MOST_SECANTS, CLOSE, HALF_WIDTH = 40, 1e-11, 1e-10  # of the search for log g, and of the ball around it


class Sums(NamedTuple):
    """Balls of sum E (b - beta*)^2 and sum E (v - b)^2 over all coordinates."""

    error: Ball
    pull: Ball


class Pair(NamedTuple):
    """Tasks with as many features each, teachers of norm one, and networks whose weights and reset layer begin at `scale`."""

    inputs: int
    features: int
    shared: int
    scale: Rational

    def classes(self) -> list[tuple[int, Any, Any]]:
        """Number of coordinates, main and auxiliary teacher, of each class that is not empty."""
        weight, alone = 1 / sp.sqrt(self.features), self.features - self.shared
        found = [
            (self.shared, weight, weight),
            (alone, weight, sp.Integer(0)),
            (alone, sp.Integer(0), weight),
            (self.inputs - self.shared - 2 * alone, sp.Integer(0), sp.Integer(0)),
        ]
        return [each for each in found if each[0] > 0]


@dataclass(frozen=True)
class _Coordinate:
    """A class of coordinates: its size, teacher, scale and start as balls, and arcsinh(start/scale)."""

    count: int
    teacher: Ball
    k: Ball
    start: Ball
    angle: Ball


def _coordinates(pair: Pair) -> list[_Coordinate]:
    found = []
    for count, teacher, aux in pair.classes():
        squared, start = finetuning_formula(sp.Integer(1))
        at = {A: aux, ALPHA: pair.scale, GAMMA: pair.scale}
        k = balls.enclose(sp.sqrt(squared.subs(at)), precision=PRECISION)
        begins = balls.enclose(start.subs(at), precision=PRECISION)
        found.append(_Coordinate(count, balls.enclose(teacher, precision=PRECISION), k, begins, (begins / k).asinh()))
    return found


def sums(pair: Pair, tau: Ball, g: Ball) -> Sums:
    """Both sums at (tau, g), which may be balls; the penalty is the exact one of finetuning."""
    from flint import arb

    with balls.working_precision(PRECISION):
        error, pull = arb(0), arb(0)
        for each in _coordinates(pair):
            low, high = _ends(each, tau, g)
            tail = _tail(each, tau, g, low) + _tail(each, tau, g, high)
            error += each.count * (_integral(each, tau, g, low, high, of_error=True) + tail)
            pull += each.count * (_integral(each, tau, g, low, high, of_error=False) + tail)
        return Sums(error, pull)


def _noise(each: _Coordinate, tau: Any, g: Any, s: Any) -> Any:
    """h at s: k sinh(s) + 2 g (s - arcsinh(start/k)) = teacher + tau h."""
    return (each.k * s.sinh() + 2 * g * (s - each.angle) - each.teacher) / tau


def _ends(each: _Coordinate, tau: Ball, g: Ball) -> tuple[Ball, Ball]:
    """Exact s at which h is about -+9.5: bisected in floats, and trusted by `_tail` only for the h that they enclose."""
    from flint import arb

    ends = []
    for sign in (-1, 1):
        low, high = -1e3, 1e3
        for _ in range(80):
            middle = (low + high) / 2
            low, high = (middle, high) if _noise(each, tau, g, arb(middle)).mid() < sign * 9.5 else (low, middle)
        ends.append(arb(low if sign < 0 else high))
    return ends[0], ends[1]


def _tail(each: _Coordinate, tau: Ball, g: Ball, end: Ball) -> Ball:
    """A ball from 0 to the bound on what lies beyond an end: 2 (start - teacher)^2 Q(h) + 2 tau^2 (h density(h) + Q(h))."""
    from flint import arb

    h = abs(_noise(each, tau, g, end))
    beyond = (h / arb(2).sqrt()).erfc() / 2
    density = (-h * h / 2).exp() / (2 * arb.pi()).sqrt()
    bound = 2 * (each.start - each.teacher) ** 2 * beyond + 2 * tau**2 * (h * density + beyond)
    return arb(0).union(bound.upper())


def _integral(each: _Coordinate, tau: Ball, g: Ball, low: Ball, high: Ball, *, of_error: bool) -> Ball:
    from flint import acb, arb

    noise = _Coordinate(each.count, *(acb(part) for part in (each.teacher, each.k, each.start, each.angle)))
    tau_, g_, normal = acb(tau), acb(g), acb(1 / (2 * arb.pi()).sqrt())

    def integrand(s: Any, _: Any) -> Any:
        h = _noise(noise, tau_, g_, s)
        pulled = 2 * g_ * (s - noise.angle)
        deviation = tau_ * h - pulled if of_error else pulled
        return deviation**2 * (-h * h / 2).exp() * normal * (noise.k * s.cosh() + 2 * g_) / tau_

    return acb.integral(integrand, acb(low), acb(high), rel_tol=arb(2) ** -GOAL, abs_tol=arb(2) ** -(2 * GOAL)).real


def mismatch(pair: Pair, samples: int, loss: Rational) -> Ball:
    """1 - sum E (b - beta*)^2/loss where n tau^2 = loss and g solves the other equation; not finite if g was not bracketed.

    The curve's own loss is the one where this vanishes; it is negative below and positive above.
    """
    from flint import arb

    with balls.working_precision(PRECISION):
        target = balls.to_ball(loss)
        tau = (target / samples).sqrt()
        g = _bracketed(pair, tau, (pair.inputs - samples) * tau**2)
        return arb("nan") if g is None else 1 - sums(pair, tau, g).error / target


def _bracketed(pair: Pair, tau: Ball, known: Ball) -> Ball | None:
    """A ball that holds the g at which sum E (v - b)^2 equals `known`: found by secants, proved by the signs at its ends."""
    from flint import arb

    def excess(log_g: Ball) -> Ball:
        return (sums(pair, tau, log_g.exp()).pull / known).log()

    one, other = arb(tau.mid()).log().mid(), arb(tau.mid()).log().mid() - 1
    at_one, at_other = excess(one).mid(), excess(other).mid()
    for _ in range(MOST_SECANTS):
        if at_one == at_other or abs(at_other) < CLOSE:
            break
        ahead = other - at_other * (other - one) / (at_other - at_one)
        one, at_one, other = other, at_other, (other + max(min(ahead - other, arb(3)), arb(-3))).mid()
        at_other = excess(other).mid()
    low, high = other - HALF_WIDTH, other + HALF_WIDTH
    if not (excess(low) < 0 and excess(high) > 0):
        return None
    return low.exp().union(high.exp())
