"""An explicit integrator for gradient flows, with error control: Runge-Kutta-Chebyshev, and DOP853 where nothing is stiff.

A gradient flow's Jacobian is symmetric and, near the data manifold, negative semidefinite: stiff and dissipative. There the
second-order Runge-Kutta-Chebyshev method (RKC) goes far: the stability interval of s stages grows like s^2, so that long steps
cost few gradients and no linear algebra. Before, while weights grow out of a small initialisation, accuracy limits the step and
a method of order 8 goes farther. Every step is taken by the method that goes farther per gradient: what either can do is known
from the spectral radius and the last step.

RKC's coefficients, error estimate and step control: Sommeijer, Shampine & Verwer, "RKC: an explicit solver for parabolic PDEs",
J. Comput. Appl. Math. 88 (1998), doi 10.1016/S0377-0427(97)00219-7. DOP853: Hairer, Norsett & Wanner, "Solving Ordinary
Differential Equations I"; its tableau and its dense output are scipy's.

A state is a numpy array or a torch tensor of float64, of any shape and on any device: of it the integrator uses operators, abs,
clip, sum and reshape, which the two share, and the two lines of `_rows` and `_row`, in which they differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from math import sqrt
from typing import Any

import numpy as np
from scipy.integrate import DOP853

from normtheory.arrays import InputError

Array = Any  # a numpy array or a torch tensor, of float64
VectorField = Callable[[Array], Array]

DAMPING = 2 / 13  # epsilon of the paper: the stability polynomial stays below 1 by about a third of this
EPSILON = float(np.finfo(np.float64).eps)
STEPS_PER_ESTIMATE = 25  # accepted steps for which an estimate of the spectral radius serves
SAFETY_OF_ESTIMATE = 1.2
MOST_POWER_ITERATIONS = 50
SMOOTH_BONUS = 2  # per gradient, RKC must go this much farther to be worth its lower order


class IntegrationError(RuntimeError):
    """The integrator cannot go on: gradients spent, or the step size at round-off."""


@dataclass
class Statistics:
    """What an integration has cost so far."""

    evaluations: int = 0
    accepted: int = 0
    rejected: int = 0
    most_stages: int = 0


@dataclass(frozen=True, eq=False)
class Memory:
    """All that the integrator knows after a step: from it `integrate` goes on as if it had never stopped, bit for bit.

    Attributes
    ----------
    time : float
    state, derivative : arrays
        y and F(y) at that time.
    direction : array or None
        Where the power method for the spectral radius left off.
    spectral_radius, age : float and int
        Its estimate, and the number of accepted steps since.
    smooth_step, stiff_step : float
        Steps that accuracy allows either method.
    last_step, last_error : float
        What the step control of the stiff method remembers.
    statistics : Statistics
    """

    time: float
    state: Array
    derivative: Array
    direction: Array | None
    spectral_radius: float
    age: int
    smooth_step: float
    stiff_step: float
    last_step: float
    last_error: float
    statistics: Statistics


@dataclass(frozen=True, eq=False)
class Step:
    """An accepted point of the trajectory.

    Attributes
    ----------
    time : float
    state, derivative : arrays
        y and F(y) at that time.
    spectral_radius : float
        Upper estimate for the Jacobian of F, in units of 1/time.
    memory : Memory
        From which the integration can be resumed.
    """

    time: float
    state: Array
    derivative: Array
    spectral_radius: float
    memory: Memory
    _begin: float
    _interpolant: Callable[[float], Array]

    def at(self, time: float) -> Array:
        """Dense output: the state at a time within this step, to the accuracy of the step.

        Raises
        ------
        ValueError
            If the time lies outside the step.
        """
        if not self._begin <= time <= self.time:
            raise ValueError(f"time {time:g} lies outside the step from {self._begin:g} to {self.time:g}")
        if time == self.time:
            return self.state
        return self._interpolant((time - self._begin) / (self.time - self._begin))


@dataclass
class _SpectralRadius:
    """Safeguarded estimate by the nonlinear power method, restarted from the last dominant direction."""

    vector_field: VectorField
    direction: Array | None = None
    value: float = 0.0
    age: int = field(default=STEPS_PER_ESTIMATE)

    def at(self, state: Array, derivative: Array) -> float:
        if self.age < STEPS_PER_ESTIMATE:
            return self.value
        direction = derivative if self.direction is None else self.direction
        norm, size = length(direction), length(state)
        shift = sqrt(EPSILON) * (size if size else 1.0)
        estimate = previous = 0.0
        for _ in range(MOST_POWER_ITERATIONS):
            if norm == 0.0:
                estimate = 0.0
                break
            change = self.vector_field(state + (shift / norm) * direction) - derivative
            direction, norm = change, length(change)
            estimate = norm / shift
            if abs(estimate - previous) <= 0.01 * estimate:
                break
            previous = estimate
        else:
            estimate *= 2  # the power method has not settled: stay on the stable side
        self.direction = direction if norm else None
        self.value = SAFETY_OF_ESTIMATE * estimate
        self.age = 0
        return self.value


@dataclass(frozen=True)
class _Control:
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
class _Trial:
    """A step tried from y with slope F(y): its end, the slope there, its error in units of the tolerance, what lies between."""

    end: Array
    slope: Array
    error: float
    interpolant: Callable[[float], Array]


def integrate(
    vector_field: VectorField,
    state: Array,
    *,
    rtol: float,
    atol: float | Array,
    end: float = np.inf,
    runs: int = 1,
    statistics: Statistics | None = None,
    most_evaluations: int = 10_000_000,
    resume: Memory | None = None,
) -> Iterator[Step]:
    """Follow dy/dt = F(y) from time 0, yielding the start and every accepted step; the caller may stop at any of them.

    Parameters
    ----------
    vector_field : callable
        F, array in, array of the same shape out; autonomous.
    state : array or torch tensor of float64, any shape
        y(0).
    rtol, atol : float
        Error aimed at, in the root mean square of error/(atol + rtol |y|) over entries. The local error per step of the
        second-order method is kept so much smaller that the accumulated error is of the order of rtol, whatever rtol is.
        atol may be an array that broadcasts against the state.
    end : float
        Time of the last step.
    runs : int
        Number of independent runs along the first axis of the state. They share their steps, which the worst error decides.
    statistics : Statistics, optional
        Updated in place.
    most_evaluations : int
        Evaluations of F after which the integration is given up.
    resume : Memory, optional
        Go on from here instead of from `state`; the step that left it is yielded again.

    Raises
    ------
    InputError
        If the state is not of float64.
    IntegrationError
        If the evaluations are spent or the step size falls to round-off.
    """
    if not str(state.dtype).endswith("float64"):
        raise InputError(f"the state holds {state.dtype} entries; the integrator needs float64")
    statistics = statistics if statistics is not None else Statistics()

    def counted(y: Array) -> Array:
        statistics.evaluations += 1
        return vector_field(y)

    control = _Control(rtol, atol, runs)
    radius, smooth, stiff = _SpectralRadius(counted), _Smooth(control), _Stiff(_tightened(control))

    def step_to(begin: float, time: float, interpolant: Callable[[float], Array]) -> Step:
        memory = Memory(
            time, state, slope, radius.direction, radius.value, radius.age, smooth.step, stiff.step, stiff.last_step,
            stiff.last_error, replace(statistics),
        )  # fmt: skip
        return Step(time, state, slope, radius.value, memory, begin, interpolant)

    if resume is None:
        time, slope = 0.0, counted(state)
        rho = radius.at(state, slope)
        smooth.step = _first_step(counted, state, slope, rho, control)
    else:
        time, state, slope = resume.time, resume.state, resume.derivative
        radius.direction, radius.value, radius.age = resume.direction, resume.spectral_radius, resume.age
        smooth.step, stiff.step = resume.smooth_step, resume.stiff_step
        stiff.last_step, stiff.last_error = resume.last_step, resume.last_error
        vars(statistics).update(vars(resume.statistics))
    yield step_to(time, time, lambda _: state)
    while time < end:
        rho = radius.at(state, slope)
        method: _Smooth | _Stiff = smooth if SMOOTH_BONUS * smooth.pace(rho) > stiff.pace(rho) else stiff
        step = min(method.admissible(rho), end - time)
        if statistics.evaluations > most_evaluations:
            raise IntegrationError(f"{statistics.evaluations} gradients spent at time {time:.4g}")
        if not step > EPSILON * time and step < end - time:
            raise IntegrationError(f"the step size fell to round-off at time {time:.4g}")
        trial = method.attempt(counted, state, slope, step, rho)
        if not trial.error <= 1.0:
            statistics.rejected += 1
            method.step = step * (max(0.1, 0.8 / trial.error ** (1 / 3)) if np.isfinite(trial.error) else 0.1)
            radius.age = STEPS_PER_ESTIMATE  # the estimate may be what failed
            continue
        smooth.learn(trial.error if method is smooth else None, step)
        stiff.learn(state, slope, trial, step)
        begin, time = time, end if step == end - time else time + step
        state, slope = trial.end, trial.slope
        statistics.accepted += 1
        statistics.most_stages = max(statistics.most_stages, method.stages(step, rho))
        radius.age += 1
        yield step_to(begin, time, trial.interpolant)


def length(array: Array) -> float:
    """Euclidean norm of all entries."""
    return sqrt(float((array * array).sum()))


def _rows(count: int, like: Array) -> Array:
    """An empty matrix of `count` rows, each with as many entries as `like`."""
    size = (count, int(np.prod(like.shape)))
    return np.empty(size) if isinstance(like, np.ndarray) else like.new_empty(size)


def _row(coefficients: Any, like: Array) -> Array:
    """Coefficients of a tableau as an array of the kind of `like`."""
    return coefficients if isinstance(like, np.ndarray) else like.new_tensor(coefficients)


def _tightened(control: _Control) -> _Control:
    """Tolerance for the local error of RKC whose accumulated error, of order (local)^(2/3), is about `control`'s.

    The factor 100 is measured on finetuning runs (D = 1000): endpoints then lie within a few rtol of the exact ones.
    """
    tighter = min(1.0, float(np.sqrt(100**3 * control.rtol)))
    return replace(control, rtol=control.rtol * tighter, atol=control.atol * tighter)


@dataclass
class _Smooth:
    """DOP853: order 8, for as long as the step is limited by accuracy."""

    control: _Control
    step: float = 0.0  # what accuracy allows

    STAGES = 12
    STABLE = 5.0  # on the negative real axis, in units of 1/spectral radius; a little less than the method's

    def stages(self, step: float, rho: float) -> int:
        return self.STAGES

    def admissible(self, rho: float) -> float:
        return min(self.step, self.STABLE / rho) if rho else self.step

    def pace(self, rho: float) -> float:
        """Distance per gradient."""
        return self.admissible(rho) / self.STAGES

    def attempt(self, vector_field: VectorField, y: Array, slope: Array, step: float, rho: float) -> _Trial:
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
        return _Trial(end, end_slope, error, _seventh_order(vector_field, y, end, step, slopes))

    def learn(self, error: float | None, step: float) -> None:
        """Set the next step from the error of the last; if RKC took it (None), grow more confident until tried again."""
        if error is None:
            self.step = min(2 * max(self.step, step), 100 * step)
        else:
            self.step = step * min(10.0, max(0.1, 0.9 / max(error, 1e-16) ** (1 / 8)))


@dataclass
class _Stiff:
    """RKC: order 2, as many stages as the step needs for stability."""

    control: _Control
    step: float = 0.0  # what accuracy allows
    last_step: float = 0.0
    last_error: float = 1.0

    def stages(self, step: float, rho: float) -> int:
        return max(2, 1 + int(np.sqrt(1.54 * step * rho + 1)))

    def admissible(self, rho: float) -> float:
        """The step, shortened where its stages would amplify round-off beyond the tolerance."""
        most_stages = max(2.0, (self.control.rtol / (10 * EPSILON)) ** 0.5)
        return float(min(self.step, (most_stages**2 - 1) / (1.54 * rho))) if rho else self.step

    def pace(self, rho: float) -> float:
        """Distance per gradient."""
        step = self.admissible(rho)
        return step / (self.stages(step, rho) + 1)

    def attempt(self, vector_field: VectorField, y: Array, slope: Array, step: float, rho: float) -> _Trial:
        end = _chebyshev_step(vector_field, y, slope, step, self.stages(step, rho))
        end_slope = vector_field(end)
        error = self._error(y, slope, end, end_slope, step)
        return _Trial(end, end_slope, error, lambda x: _cubic(y, slope, end, end_slope, step, x))

    def learn(self, y: Array, slope: Array, taken: _Trial, step: float) -> None:
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


def _first_step(vector_field: VectorField, y: Array, slope: Array, rho: float, control: _Control) -> float:
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
