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
from normtheory.solvers.potentials import by_fenchel, root_of_map


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


@shown()
@dataclass(frozen=True, eq=False)
class PinnedOrbits:
    """Multi-task training while the auxiliary predictor is held at beta_aux, from finite alpha: tabulated orbits.

    A coordinate has both pathways, w_+-, v_+- (main) and u_+- (auxiliary), and moves by the main gradient g and the multiplier
    that holds w_+ u_+ - w_- u_- at beta_aux. The multiplier is linear in g, so that in x, with dx = -g dt, the orbit is one
    curve, tabulated by steps of its ODE: x = 0 is the state after auxiliary training, where v_+- are still alpha, and
    beta = w_+ v_+ - w_- v_- increases along it.

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
        return np.asarray(self._starts[self._which])

    @property
    def flattest(self) -> FloatArray:
        """b'(0): the orbit starts close to beta = 0, where it is slowest."""
        return np.asarray(_growth_of_main(self._states[0])[self._which])

    @cached_property
    def _distinct(self) -> tuple[FloatArray, NDArray[np.intp]]:
        values, which = np.unique(self.beta_aux, return_inverse=True)
        return values, which

    @property
    def _which(self) -> NDArray[np.intp]:
        """For each coordinate, which of the distinct values of beta_aux it has."""
        return self._distinct[1]

    @cached_property
    def _starts(self) -> FloatArray:
        return _main_weight(self._states[0])

    @cached_property
    def _states(self) -> dict[int, FloatArray]:
        """Node number -> states (7, distinct values of beta_aux); grown outwards from node 0 on demand."""
        trained = pretraining(self._distinct[0], self.alpha)
        untouched = np.full(trained.size, self.alpha)
        rows = [trained.w_plus, trained.v_plus, untouched, trained.w_minus, trained.v_minus, untouched, 0 * untouched]
        return {0: np.stack(rows)}

    def _grow_to(self, number: int) -> None:
        sign = 1 if number >= 0 else -1
        reached = max(sign * known for known in self._states)
        for next_one in range(reached + 1, sign * number + 1):
            before = self._states[sign * (next_one - 1)]
            self._states[sign * next_one] = _along_the_orbit(before, self._starts, sign * NODE_SPACING)

    def _at(self, x: FloatArray) -> FloatArray:
        """States at x of shape (..., D), shape (7, ..., D): one step from the nearest node."""
        numbers = np.rint(x / NODE_SPACING).astype(int)
        self._grow_to(int(numbers.max(initial=0)))
        self._grow_to(int(numbers.min(initial=0)))
        nearest, which = np.empty((7, *x.shape)), np.broadcast_to(self._which, x.shape)
        for number in np.unique(numbers):
            here = numbers == number
            nearest[:, here] = self._states[int(number)][:, which[here]]
        return _along_the_orbit(nearest, self.start, x - numbers * NODE_SPACING)

    def map(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The main weight and its growth along the orbit."""
        inside = np.abs(x) <= LARGEST_PULL
        state = self._at(np.where(inside, x, 0.0))
        return np.where(inside, _main_weight(state), np.inf), np.where(inside, _growth_of_main(state), np.inf)

    def softened(self, x: FloatArray, kappa: float) -> tuple[FloatArray, FloatArray, FloatArray]:
        """b(x) + kappa sinh(x)."""
        return _lifted(*self.map(x), x, kappa)

    def energy(self, x: FloatArray) -> FloatArray:
        """Integral of the main weight's growth, carried along the orbit."""
        return np.asarray(self._at(x)[6])

    def divergence(self, beta: FloatArray) -> FloatArray:
        """By Fenchel's equality."""
        return by_fenchel(self, beta)

    def inverse(self, beta: FloatArray) -> FloatArray:
        """Root of b(x) = beta by safeguarded Newton iteration."""
        return root_of_map(self, beta, np.full_like(beta, LARGEST_PULL))


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


def _along_the_orbit(state: FloatArray, start: FloatArray, step: FloatArray | float) -> FloatArray:
    """One DOP853 step in x for states (7, M); `step` is one number or M of them."""

    def field(y: FloatArray) -> FloatArray:
        w, u, v, w_, u_, v_ = y[:6]
        m = _multiplier(y)
        return np.stack([v + m * u, m * w, w, -v_ - m * u_, -m * w_, -w_, _main_weight(y) - start])

    slopes = np.empty((12, *state.shape))
    slopes[0] = field(state)
    for stage in range(1, 12):
        slopes[stage] = field(state + step * np.tensordot(DOP853.A[stage, :stage], slopes[:stage], axes=1))
    return np.asarray(state + step * np.tensordot(DOP853.B, slopes, axes=1))


def _lifted(beta: FloatArray, slope: FloatArray, x: FloatArray, kappa: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """b(x) + kappa sinh(x), its slope in x and its slope in log kappa."""
    lift = kappa * np.sinh(x)
    return beta + lift, slope + kappa * np.cosh(x), lift
