"""Potentials of multi-task training while the auxiliary predictor is held: as alpha -> 0, and from finite alpha."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.integrate import DOP853

from normtheory.arrays import FloatArray, positive, positive_scalar, real_array
from normtheory.exact import pretraining
from normtheory.reprs import shown
from normtheory.solvers.orbits import last_below
from normtheory.solvers.potentials import by_fenchel


@shown()
@dataclass(frozen=True, eq=False)
class PinnedMultiTask:
    """Multi-task training while the auxiliary predictor is held at beta_aux, from alpha -> 0.

    The potential is 1/2 sum_d beta_d arcsinh(beta_d/|beta_aux,d|). With beta = |beta_aux| sinh(u) the mirror map is
    x = (u + tanh u)/2.

    Parameters
    ----------
    beta_aux : array, shape (D,)
        Auxiliary predictor, no entry 0 (where alpha -> 0 leaves no orbit: see `PinnedOrbits`).
    """

    beta_aux: FloatArray
    unit: float = 1.0

    def __init__(self, beta_aux: ArrayLike) -> None:
        size = np.abs(np.atleast_1d(real_array(beta_aux, "beta_aux")))
        object.__setattr__(self, "beta_aux", positive(size, "|beta_aux|"))
        object.__setattr__(self, "unit", 1.0)

    @property
    def start(self) -> FloatArray:
        """0, shape (D,)."""
        return np.zeros_like(self.beta_aux)

    @property
    def flattest(self) -> FloatArray:
        """b'(0) = |beta_aux|."""
        return self.beta_aux

    def map(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """b and b' = 2 |beta_aux| cosh(u)^3 / (cosh(u)^2 + 1)."""
        u = _angle_of_pinned(x)
        cosh = np.cosh(u)
        return self.beta_aux * np.sinh(u), 2 * self.beta_aux * cosh / (1 + cosh**-2.0)

    def softened(self, x: FloatArray, kappa: float) -> tuple[FloatArray, FloatArray, FloatArray]:
        """b(x) + kappa sinh(x)."""
        return _lifted(*self.map(x), x, kappa)

    def energy(self, x: FloatArray) -> FloatArray:
        """|beta_aux| sinh(u)^2/(2 cosh u)."""
        u = _angle_of_pinned(x)
        return np.asarray(self.beta_aux * np.sinh(u) * np.tanh(u) / 2)

    def divergence(self, beta: FloatArray) -> FloatArray:
        """1/2 beta arcsinh(beta/|beta_aux|)."""
        return np.asarray(beta * np.arcsinh(beta / self.beta_aux) / 2)

    def inverse(self, beta: FloatArray) -> FloatArray:
        """1/2 [beta/sqrt(beta_aux^2 + beta^2) + arcsinh(beta/|beta_aux|)]."""
        return np.asarray((beta / np.hypot(beta, self.beta_aux) + np.arcsinh(beta / self.beta_aux)) / 2)


def _angle_of_pinned(x: FloatArray) -> FloatArray:
    """The u with u + tanh u = 2x: Newton from below; the function is concave, so that it converges monotonically."""
    target = np.abs(2 * x)
    u = np.maximum(target / 2, target - 1)
    for _ in range(60):
        step = (u + np.tanh(u) - target) / (1 + np.cosh(np.minimum(u, 350.0)) ** -2.0)
        u = u - step
        if np.all(np.abs(step) <= 4e-16 * np.maximum(u, 1e-300)):
            break
    return np.asarray(np.copysign(u, x))


NODE_SPACING = 0.05  # of the tabulated orbits: one DOP853 step from the nearest node is then exact to round-off
LARGEST_PULL = 60.0  # beta grows like exp(2x): far beyond any data
ROOT_STEPS = 4  # of Newton's method between two nodes: the error, below 1e-3 at first, is squared by each


@shown("beta_aux", "alpha", "unit")
@dataclass(frozen=True, eq=False)
class PinnedOrbits:
    """Multi-task training while the auxiliary predictor is held at beta_aux, from finite alpha: tabulated orbits.

    A coordinate has both pathways, w_+-, v_+- (main) and u_+- (auxiliary), and moves by the main gradient g and the multiplier
    that holds w_+ u_+ - w_- u_- at beta_aux. The multiplier is linear in g, so that in x, with dx = -g dt, the orbit is one
    curve, tabulated by steps of its ODE: x = 0 is the state after auxiliary training, where v_+- are still alpha, and
    beta = w_+ v_+ - w_- v_- increases along it.

    In units of alpha weights move on curves that |beta_aux|/alpha^2 alone tells apart, for swapping the two pathways takes
    beta_aux, x and beta to their negatives: coordinates share a table.

    Parameters
    ----------
    beta_aux : array, shape (D,)
        Auxiliary predictor; 0 is allowed.
    alpha : float
        Initialisation scale of all weights before auxiliary training.
    """

    beta_aux: FloatArray
    alpha: float
    unit: float = 1.0

    def __init__(self, beta_aux: ArrayLike, alpha: float) -> None:
        object.__setattr__(self, "beta_aux", np.atleast_1d(real_array(beta_aux, "beta_aux")))
        object.__setattr__(self, "alpha", positive_scalar(alpha, "alpha"))
        object.__setattr__(self, "unit", 1.0)

    @property
    def start(self) -> FloatArray:
        """alpha (w_+ - w_-) after auxiliary training, shape (D,)."""
        return self._in_units(self._sign * self._table.starts[self._which])

    @property
    def flattest(self) -> FloatArray:
        """b'(0): the orbit starts close to beta = 0, where it is slowest."""
        return self._in_units(_growth_of_main(self._table.nodes[self._table.middle])[self._which])

    @cached_property
    def _sign(self) -> FloatArray:
        return np.where(self.beta_aux < 0, -1.0, 1.0)

    @cached_property
    def _distinct(self) -> tuple[FloatArray, NDArray[np.intp]]:
        values, which = np.unique(np.abs(self.beta_aux), return_inverse=True)
        return values, which

    @property
    def _which(self) -> NDArray[np.intp]:
        """For each coordinate, which of the distinct sizes of beta_aux it has."""
        return self._distinct[1]

    @cached_property
    def _table(self) -> _Table:
        trained = pretraining(self._distinct[0], self.alpha)
        untouched = np.full(trained.size, self.alpha)
        rows = [trained.w_plus, trained.v_plus, untouched, trained.w_minus, trained.v_minus, untouched, 0 * untouched]
        return _Table(np.stack(rows) / self.alpha)

    def _in_units(self, scaled: FloatArray) -> FloatArray:
        """A product of two weights, from units of alpha."""
        return np.asarray(self.alpha**2 * scaled)

    def map(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The main weight and its growth along the orbit."""
        inside = np.abs(x) <= LARGEST_PULL
        state = self._table.at(self._sign * np.where(inside, x, 0.0), self._which)
        beta, slope = self._in_units(self._sign * _main_weight(state)), self._in_units(_growth_of_main(state))
        return np.where(inside, beta, np.inf), np.where(inside, slope, np.inf)

    def softened(self, x: FloatArray, kappa: float) -> tuple[FloatArray, FloatArray, FloatArray]:
        """b(x) + kappa sinh(x)."""
        return _lifted(*self.map(x), x, kappa)

    def energy(self, x: FloatArray) -> FloatArray:
        """Integral of the main weight's growth, carried along the orbit."""
        return self._in_units(self._table.at(self._sign * x, self._which)[6])

    def divergence(self, beta: FloatArray) -> FloatArray:
        """By Fenchel's equality."""
        return by_fenchel(self, beta)

    def inverse(self, beta: FloatArray) -> FloatArray:
        """Root of b(x) = beta: the two nodes it lies between, then Newton's method."""
        wanted = self._sign * beta / self.alpha**2
        return np.asarray(self._sign * self._table.inverse(wanted, self._which))


class _Table:
    """The orbits of M starts, (7, M), as nodes on both sides of x = 0 that are added on demand, the two sides in lockstep."""

    def __init__(self, starts: FloatArray) -> None:
        self.nodes = starts[None]  # (N, 7, M), the middle one at x = 0
        self.starts = _main_weight(starts)

    @property
    def middle(self) -> int:
        """Number of the node at x = 0, and of nodes on either side."""
        return len(self.nodes) // 2

    def grow_to(self, number: int) -> None:
        """Have so many nodes on either side."""
        ends, added = np.hstack([self.nodes[0], self.nodes[-1]]), []
        orbits = self.starts.size
        starts, step = np.tile(self.starts, 2), np.repeat([-NODE_SPACING, NODE_SPACING], orbits)
        for _ in range(number - self.middle):
            ends = _along_the_orbit(ends, starts, step)
            added.append(ends)
        if added:
            left, right = [each[:, :orbits] for each in reversed(added)], [each[:, orbits:] for each in added]
            self.nodes = np.concatenate([left, self.nodes, right])

    def at(self, x: FloatArray, which: NDArray[np.intp]) -> FloatArray:
        """States at x of shape (..., D), shape (7, ..., D): one step from the nearest node."""
        numbers = np.rint(x / NODE_SPACING).astype(int)
        self.grow_to(int(np.abs(numbers).max(initial=0)))
        nearest = np.moveaxis(self.nodes[numbers + self.middle, :, which], -1, 0)
        return _along_the_orbit(nearest, self.starts[which], x - numbers * NODE_SPACING)

    def inverse(self, beta: FloatArray, which: NDArray[np.intp]) -> FloatArray:
        """The x, of D orbits, at which they reach beta; the end of the table for what lies beyond LARGEST_PULL."""
        most, last = int(LARGEST_PULL / NODE_SPACING), -1
        while last < self.middle < most or last < 0:
            last = self.middle
            values = _main_weight(self.nodes.swapaxes(0, 1))
            if ((values[0, which] <= beta) & (beta <= values[-1, which])).all():
                break
            self.grow_to(min(most, 2 * last + 20))
        row = np.minimum(last_below(values, which, beta), len(values) - 2)
        low, high = values[row, which], values[row + 1, which]
        begin = (row - self.middle) * NODE_SPACING
        x = begin + NODE_SPACING * np.clip((beta - low) / (high - low), 0.0, 1.0)
        for _ in range(ROOT_STEPS):
            state = self.at(x, which)
            x = np.clip(x + (beta - _main_weight(state)) / _growth_of_main(state), begin, begin + NODE_SPACING)
        return np.asarray(x)


def _multiplier(state: FloatArray) -> FloatArray:
    """What holds the auxiliary weight while the main one is pulled by 1."""
    w, u, v, w_, u_, v_ = state[:6]
    return np.asarray(-(v * u + v_ * u_) / (w * w + u * u + w_ * w_ + u_ * u_))


def _main_weight(state: FloatArray) -> FloatArray:
    return np.asarray(state[0] * state[2] - state[3] * state[5])


def _growth_of_main(state: FloatArray) -> FloatArray:
    """d beta / dx: the squared gradient of beta less its part along that of beta_aux; positive by Cauchy and Schwarz."""
    w, u, v, w_, u_, v_ = state[:6]
    return np.asarray(v * v + w * w + v_ * v_ + w_ * w_ + _multiplier(state) * (u * v + u_ * v_))


def _along_the_orbit(state: FloatArray, start: FloatArray, step: FloatArray) -> FloatArray:
    """One DOP853 step in x for states (7, ..., M); `step` has a number for each."""
    slopes = np.empty((12, *state.shape))
    rows = slopes.reshape(12, -1)

    def field(y: FloatArray, into: FloatArray) -> None:
        w, u, v, w_, u_, v_ = y[:6]
        m = _multiplier(y)
        into[0], into[1], into[2] = v + m * u, m * w, w
        into[3], into[4], into[5] = -v_ - m * u_, -m * w_, -w_
        into[6] = _main_weight(y) - start

    field(state, slopes[0])
    for stage in range(1, 12):
        field(state + step * (DOP853.A[stage, :stage] @ rows[:stage]).reshape(state.shape), slopes[stage])
    return np.asarray(state + step * (DOP853.B @ rows).reshape(state.shape))


def _lifted(beta: FloatArray, slope: FloatArray, x: FloatArray, kappa: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """b(x) + kappa sinh(x), its slope in x and its slope in log kappa."""
    lift = kappa * np.sinh(x)
    return beta + lift, slope + kappa * np.cosh(x), lift
