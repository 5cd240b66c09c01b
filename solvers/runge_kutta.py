"""The two explicit methods: DOP853 while accuracy limits the step, Runge-Kutta-Chebyshev where stability does.

RKC's coefficients, error estimate and step control: Sommeijer, Shampine & Verwer, "RKC: an explicit solver for parabolic PDEs",
J. Comput. Appl. Math. 88 (1998), doi 10.1016/S0377-0427(97)00219-7. DOP853: Hairer, Norsett & Wanner, "Solving Ordinary
Differential Equations I"; its tableau and its dense output are scipy's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from math import sqrt
from typing import Any

import numpy as np
from scipy.integrate import DOP853

Array = Any  # a numpy array or a torch tensor, of float64
VectorField = Callable[[Array], Array]
Nearby = Callable[[Array], VectorField]  # of a state: F there, and elsewhere F but for single precision of what has changed
DAMPING = 2 / 13  # epsilon of the paper: the stability polynomial stays below 1 by about a third of this
EPSILON = float(np.finfo(np.float64).eps)
# Of the tolerance of a step, what single precision may take by the difference of fields at its end. By perturbed stages of RKC
# up to 100, what it does is half of that where errors grow along the step, and never more than 3.1 times.
NOISE_SHARE = 0.1
MANY_STAGES = 8  # from which on what single precision costs, an evaluation or two, is worth it


@dataclass(frozen=True)
class Control:
    """Tolerances of a run and the error norm they define: the root mean square over entries, of the worst of the runs."""

    rtol: float
    atol: float | Array
    runs: int = 1

    def error(self, estimate: Array, before: Array, after: Array) -> float:
        """Norm of an error estimate in units of the tolerance."""
        scaled = estimate / (self.atol + self.rtol * abs(before).clip(min=abs(after)))
        squares = (scaled * scaled).reshape(self.runs, -1)
        return sqrt(float((squares.sum(1) / squares.shape[1]).max()))


@dataclass(frozen=True)
class Trial:
    """A step tried from y with slope F(y): its end, the slope there, its error in units of the tolerance, what lies between."""

    end: Array
    slope: Array
    error: float
    interpolant: Callable[[float], Array]


def length(array: Array) -> float:
    """Euclidean norm of all entries."""
    return sqrt(float((array * array).sum()))


def finite(array: Array) -> bool:
    """Whether no entry is NaN or infinite."""
    return bool((array - array == 0).all())


def _rows(count: int, like: Array) -> Array:
    """An empty matrix of `count` rows, each with as many entries as `like`."""
    size = (count, int(np.prod(like.shape)))
    return np.empty(size) if isinstance(like, np.ndarray) else like.new_empty(size)


def _row(coefficients: Any, like: Array) -> Array:
    """Coefficients of a tableau as an array of the kind of `like`."""
    return coefficients if isinstance(like, np.ndarray) else like.new_tensor(coefficients)


def tightened(control: Control) -> Control:
    """Tolerance for the local error of RKC whose accumulated error, of order (local)^(2/3), is about `control`'s.

    The factor 100 is measured on finetuning runs (D = 1000): endpoints then lie within a few rtol of the exact ones.
    """
    tighter = min(1.0, float(np.sqrt(100**3 * control.rtol)))
    return replace(control, rtol=control.rtol * tighter, atol=control.atol * tighter)


@dataclass
class Smooth:
    """DOP853: order 8, for as long as the step is limited by accuracy."""

    control: Control
    step: float = 0.0  # what accuracy allows

    STAGES = 12
    STABLE = 5.0  # on the negative real axis, in units of 1/spectral radius; a little less than the method's

    def stages(self, step: float, rho: float) -> int:
        """Stages of a step, whatever its length."""
        return self.STAGES

    def admissible(self, rho: float) -> float:
        """The longest step that accuracy and stability allow."""
        return min(self.step, self.STABLE / rho) if rho else self.step

    def pace(self, rho: float) -> float:
        """Distance per gradient."""
        return self.admissible(rho) / self.STAGES

    def attempt(self, vector_field: VectorField, y: Array, slope: Array, step: float, rho: float) -> Trial:
        """Try a step."""
        slopes = _rows(self.STAGES + 1, y)
        slopes[0] = slope.reshape(-1)

        def combined(coefficients: Any, count: int) -> Array:
            return step * (_row(coefficients, y) @ slopes[:count]).reshape(y.shape)

        for stage in range(1, self.STAGES):
            slopes[stage] = vector_field(y + combined(DOP853.A[stage, :stage], stage)).reshape(-1)
        end = y + combined(DOP853.B, self.STAGES)
        end_slope = vector_field(end)
        slopes[self.STAGES] = end_slope.reshape(-1)
        fifth = self.control.error(combined(DOP853.E5, self.STAGES + 1), y, end)
        third = self.control.error(combined(DOP853.E3, self.STAGES + 1), y, end)
        size = float(np.hypot(fifth, 0.1 * third))
        error = fifth**2 / size if size else 0.0
        return Trial(end, end_slope, error, _seventh_order(vector_field, y, end, step, slopes))

    def learn(self, error: float | None, step: float) -> None:
        """Set the next step from the error of the last; if RKC took it (None), grow more confident until tried again."""
        if error is None:
            self.step = min(2 * max(self.step, step), 100 * step)
        else:
            self.step = step * min(10.0, max(0.1, 0.9 / max(error, 1e-16) ** (1 / 8)))


@dataclass
class Stiff:
    """RKC: order 2, as many stages as the step needs for stability.

    Stages need only what changes along the step, and that to the tolerance. Where the field offers it, it is so evaluated in
    single precision, until what that does to a step, by the difference from F at its end, takes a tenth of the tolerance.
    """

    control: Control
    nearby: Nearby | None = None
    step: float = 0.0  # what accuracy allows
    last_step: float = 0.0
    last_error: float = 1.0
    noise: float = 0.0  # of single precision in the last step that used it, in units of the tolerance

    def stages(self, step: float, rho: float) -> int:
        """Stages that a step needs to be stable."""
        return max(2, 1 + int(np.sqrt(1.54 * step * rho + 1)))

    def admissible(self, rho: float) -> float:
        """The step, shortened where its stages would amplify round-off beyond the tolerance."""
        most_stages = max(2.0, (self.control.rtol / (10 * EPSILON)) ** 0.5)
        return float(min(self.step, (most_stages**2 - 1) / (1.54 * rho))) if rho else self.step

    def pace(self, rho: float) -> float:
        """Distance per gradient."""
        step = self.admissible(rho)
        return step / (self.stages(step, rho) + 1)

    def attempt(self, vector_field: VectorField, y: Array, slope: Array, step: float, rho: float) -> Trial:
        """Try a step."""
        stages = self.stages(step, rho)
        if self.nearby is not None and stages >= MANY_STAGES and self.noise <= NOISE_SHARE:
            near = self.nearby(y)
            tried = self._tried(near, vector_field, y, slope, step, stages)
            if not np.isfinite(tried.error):
                return tried
            noise = self.control.error(step * (near(tried.end) - tried.slope), y, tried.end)
            self.noise = noise / max(1.0, tried.error)  # of a step that is too long anyway: beside what else is wrong with it
            if self.noise <= NOISE_SHARE:
                return tried
        return self._tried(vector_field, vector_field, y, slope, step, stages)

    def _tried(self, along: VectorField, vector_field: VectorField, y: Array, slope: Array, step: float, stages: int) -> Trial:
        """A step whose stages follow `along`."""
        end = _chebyshev_step(along, y, slope, step, stages)
        end_slope = vector_field(end)
        error = self._error(y, slope, end, end_slope, step)
        return Trial(end, end_slope, error, lambda x: _cubic(y, slope, end, end_slope, step, x))

    def learn(self, y: Array, slope: Array, taken: Trial, step: float) -> None:
        """Predictive step control (Sommeijer, Shampine & Verwer, eq. 2.11); steps of either method teach it."""
        error = max(self._error(y, slope, taken.end, taken.slope, step), 1e-10)
        factor = 0.8 / error ** (1 / 3)
        if self.last_step:
            factor *= (step / self.last_step) * (self.last_error / error) ** (1 / 3)
        self.step = step * min(10.0, max(0.1, factor))
        self.last_step, self.last_error = step, error

    def _error(self, y: Array, slope: Array, end: Array, end_slope: Array, step: float) -> float:
        """Estimate of h^3 y'''/15 from values and slopes at both ends (Sommeijer, Shampine & Verwer, eq. 2.9)."""
        return self.control.error(0.8 * (y - end) + 0.4 * step * (slope + end_slope), y, end)


def _seventh_order(vector_field: VectorField, y: Array, end: Array, step: float, slopes: Array) -> Callable[[float], Array]:
    """Dense output of DOP853, of order 7: three more evaluations, made when it is first asked for."""

    @cache
    def polynomials() -> tuple[Array, ...]:
        more = _rows(slopes.shape[0] + len(DOP853.A_EXTRA), y)
        more[: slopes.shape[0]] = slopes
        for stage, row in enumerate(DOP853.A_EXTRA, slopes.shape[0]):
            more[stage] = vector_field(y + step * (_row(row[:stage], y) @ more[:stage]).reshape(y.shape)).reshape(-1)
        first, last, change = slopes[0].reshape(y.shape), slopes[-1].reshape(y.shape), end - y
        higher = [step * (_row(row, y) @ more).reshape(y.shape) for row in DOP853.D]
        return change, step * first - change, 2 * change - step * (first + last), *higher

    def at(x: float) -> Array:
        value = 0 * y
        for number, polynomial in enumerate(reversed(polynomials())):
            value = (value + polynomial) * (x if number % 2 == 0 else 1 - x)
        return y + value

    return at


def _cubic(y: Array, slope: Array, end: Array, end_slope: Array, step: float, x: float) -> Array:
    """Hermite's cubic through values and slopes at both ends, at the fraction x of the step."""
    bend = (1 - 2 * x) * (end - y) + step * ((x - 1) * slope + x * end_slope)
    return (1 - x) * y + x * end + x * (x - 1) * bend


def first_step(vector_field: VectorField, y: Array, slope: Array, rho: float, control: Control) -> float:
    """A step whose linearised error is about a hundredth of the tolerance."""
    step = 1 / rho if rho else 1.0
    error = control.error(step * (vector_field(y + step * slope) - slope), y, y)
    return float(0.1 * step / np.sqrt(error)) if error > 0.01 else step


@cache
def _coefficients(stages: int) -> tuple[float, tuple[tuple[float, float, float, float], ...]]:
    """mu~_1, and (mu_j, nu_j, mu~_j, gamma~_j) for j = 2 ... s (Sommeijer, Shampine & Verwer, eqs. 2.5 to 2.8)."""
    w0 = 1 + DAMPING / stages**2
    T, dT, d2T = np.ones(stages + 1), np.zeros(stages + 1), np.zeros(stages + 1)
    T[1], dT[1] = w0, 1.0
    for j in range(2, stages + 1):  # Chebyshev polynomials and two derivatives at w0
        T[j] = 2 * w0 * T[j - 1] - T[j - 2]
        dT[j] = 2 * T[j - 1] + 2 * w0 * dT[j - 1] - dT[j - 2]
        d2T[j] = 4 * dT[j - 1] + 2 * w0 * d2T[j - 1] - d2T[j - 2]
    w1 = dT[stages] / d2T[stages]
    b = np.empty(stages + 1)
    b[2:] = d2T[2:] / dT[2:] ** 2
    b[0] = b[1] = b[2]
    a = 1 - b * T
    rows = [
        (2 * b[j] * w0 / b[j - 1], -b[j] / b[j - 2], 2 * b[j] * w1 / b[j - 1], -a[j - 1] * 2 * b[j] * w1 / b[j - 1])
        for j in range(2, stages + 1)
    ]
    return float(b[1] * w1), tuple((float(m), float(n), float(t), float(g)) for m, n, t, g in rows)


def _chebyshev_step(vector_field: VectorField, y: Array, slope: Array, step: float, stages: int) -> Array:
    """One RKC step of `stages` stages from y, where F(y) = slope (Sommeijer, Shampine & Verwer, eq. 2.4)."""
    first, rows = _coefficients(stages)
    before, latest = y, y + (first * step) * slope
    for mu, nu, mu_tilde, gamma_tilde in rows:
        following = mu * latest + nu * before + (1 - mu - nu) * y
        following += step * (mu_tilde * vector_field(latest) + gamma_tilde * slope)
        before, latest = latest, following
    return latest
