"""An integrator for gradient flows, with error control: Runge-Kutta-Chebyshev, and DOP853 where nothing is stiff.

A gradient flow's Jacobian is symmetric and, near the data manifold, negative semidefinite: stiff and dissipative. There the
second-order Runge-Kutta-Chebyshev method (RKC) goes far: the stability interval of s stages grows like s^2, so that long steps
cost few gradients and no linear algebra. Before, while weights grow out of a small initialisation, accuracy limits the step and
a method of order 8 goes farther. A few weights can be so stiff, as where columns of data have units decades apart, that a
linearly implicit method (`rosenbrock`) goes farthest, which needs the Jacobian. Every step is taken by the method that goes
farther per gradient: what each can do is known from the spectral radius and the last step.

RKC's coefficients, error estimate and step control: Sommeijer, Shampine & Verwer, "RKC: an explicit solver for parabolic PDEs",
J. Comput. Appl. Math. 88 (1998), doi 10.1016/S0377-0427(97)00219-7. DOP853: Hairer, Norsett & Wanner, "Solving Ordinary
Differential Equations I"; its tableau and its dense output are scipy's.

A state is a numpy array or a torch tensor of float64, of any shape and on any device: of it the integrator uses operators, abs,
clip, sum and reshape, which the two share, and the two lines of `_rows` and `_row`, in which they differ; with a
Jacobian it is a numpy array.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from math import sqrt

import numpy as np

from normtheory.arrays import InputError
from normtheory.solvers.rosenbrock import Implicit, Jacobian
from normtheory.solvers.runge_kutta import (
    EPSILON,
    Array,
    Control,
    Nearby,
    Smooth,
    Stiff,
    VectorField,
    finite,
    first_step,
    length,
    tightened,
)

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
    smooth_step, stiff_step, implicit_step : float
        Steps that accuracy allows each method; the last is 0 until it is tried.
    last_step, last_error, noise : float
        What the stiff method remembers.
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
    implicit_step: float
    last_step: float
    last_error: float
    noise: float
    statistics: Statistics


@dataclass(frozen=True, eq=False)
class AcceptedStep:
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


def integrate(
    vector_field: VectorField,
    state: Array,
    *,
    rtol: float,
    atol: float | Array,
    end: float = np.inf,
    runs: int = 1,
    jacobian: Jacobian | None = None,
    nearby: Nearby | None = None,
    statistics: Statistics | None = None,
    most_evaluations: int = 10_000_000,
    resume: Memory | None = None,
) -> Iterator[AcceptedStep]:
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
    jacobian : callable, optional
        State to the derivatives of F's entries in the state's, both flattened: with it, stiff flows of a few unknowns are
        followed by an implicit method.
    nearby : callable, optional
        State to a cheaper field: F there, and elsewhere F but for single precision of what has changed. Stages of stiff steps
        use it as long as that takes no more than a tenth of the tolerance of any step.
    statistics : Statistics, optional
        Updated in place.
    most_evaluations : int
        Evaluations of F after which the integration is given up.
    resume : Memory, optional
        Go on from here instead of from `state`; the step that left it is yielded again.

    Raises
    ------
    InputError
        If the state is not of float64, or not finite.
    IntegrationError
        If the evaluations are spent, the step size falls to round-off, or the field is not finite where the flow leads.
    """
    if not str(state.dtype).endswith("float64"):
        raise InputError(f"the state holds {state.dtype} entries; the integrator needs float64")
    control, statistics = Control(rtol, atol, runs), Statistics() if statistics is None else statistics
    under_way = _Integration(vector_field, state, control, statistics, jacobian, nearby)
    if resume is None:
        under_way.begin()
    else:
        under_way.go_on_from(resume)
    yield under_way.here(under_way.time, lambda _: under_way.state)
    while under_way.time < end:
        step = under_way.attempted(end, most_evaluations)
        if step is not None:
            yield step


class _Integration:
    """An integration under way: where it is, and what its methods and the spectral radius have learned."""

    def __init__(
        self,
        vector_field: VectorField,
        state: Array,
        control: Control,
        statistics: Statistics,
        jacobian: Jacobian | None,
        nearby: Nearby | None,
    ) -> None:
        self.control, self.statistics, self.counted = control, statistics, self.counting(vector_field)
        self.smooth = Smooth(control)
        self.stiff = Stiff(tightened(control), None if nearby is None else self.counting_nearby(nearby))
        self.implicit = None if jacobian is None else Implicit(control, jacobian)
        self.radius = _SpectralRadius(self.counted)
        self.time, self.state, self.slope = 0.0, state, state
        self.trials_finite = True

    def counting(self, vector_field: VectorField) -> VectorField:
        """A field whose evaluations are counted."""

        def counted(y: Array) -> Array:
            self.statistics.evaluations += 1
            return vector_field(y)

        return counted

    def counting_nearby(self, nearby: Nearby) -> Nearby:
        """The same of fields near a state; one there counts, though fields that remember the last one make none."""

        def counted(y: Array) -> VectorField:
            self.statistics.evaluations += 1
            return self.counting(nearby(y))

        return counted

    def begin(self) -> None:
        """Look at the start."""
        if not finite(self.state):
            raise InputError("the state has entries that are NaN or infinite; start from finite ones")
        self.slope = self.counted(self.state)
        rho = self.radius.at(self.state, self.slope)
        self.smooth.step = first_step(self.counted, self.state, self.slope, rho, self.control)

    def require_finite(self, truth: bool) -> None:
        """Stop where the field has no value: no step would lead on."""
        if not truth:
            raise IntegrationError(f"the vector field is NaN or infinite at, or next to, time {self.time:.4g}")

    def go_on_from(self, memory: Memory) -> None:
        """Take over what an earlier integration knew."""
        self.time, self.state, self.slope = memory.time, memory.state, memory.derivative
        self.radius.direction, self.radius.value, self.radius.age = memory.direction, memory.spectral_radius, memory.age
        self.smooth.step, self.stiff.step = memory.smooth_step, memory.stiff_step
        self.stiff.last_step, self.stiff.last_error, self.stiff.noise = memory.last_step, memory.last_error, memory.noise
        if self.implicit is not None:
            self.implicit.step = memory.implicit_step
        vars(self.statistics).update(vars(memory.statistics))

    def here(self, begin: float, interpolant: Callable[[float], Array]) -> AcceptedStep:
        """The step that ends here."""
        radius, smooth, stiff = self.radius, self.smooth, self.stiff
        memory = Memory(
            self.time, self.state, self.slope, radius.direction, radius.value, radius.age, smooth.step, stiff.step,
            0.0 if self.implicit is None else self.implicit.step, stiff.last_step, stiff.last_error, stiff.noise,
            replace(self.statistics),
        )  # fmt: skip
        return AcceptedStep(self.time, self.state, self.slope, radius.value, memory, begin, interpolant)

    def farthest(self, rho: float) -> tuple[Smooth | Stiff | Implicit, float]:
        """The method that goes farthest per gradient, and the step it may take."""
        smooth, stiff, implicit = self.smooth, self.stiff, self.implicit
        explicit: Smooth | Stiff = smooth if SMOOTH_BONUS * smooth.pace(rho) > stiff.pace(rho) else stiff
        if implicit is not None:
            step = implicit.step or stiff.step  # what accuracy allows the method of lower order, until it is known
            if step / implicit.cost(self.state.size) > explicit.pace(rho):
                return implicit, step
        return explicit, explicit.admissible(rho)

    def attempted(self, end: float, most_evaluations: int) -> AcceptedStep | None:
        """Try a step with the method that goes farther per gradient; None if its error is too large."""
        rho = self.radius.at(self.state, self.slope)
        self.require_finite(rho < np.inf)  # also False if NaN
        smooth, stiff, time = self.smooth, self.stiff, self.time
        method, admissible = self.farthest(rho)
        step = min(admissible, end - time)
        if self.statistics.evaluations > most_evaluations:
            raise IntegrationError(f"{self.statistics.evaluations} gradients spent at time {time:.4g}")
        if not step > EPSILON * time and step < end - time:
            self.require_finite(self.trials_finite)
            raise IntegrationError(f"the step size fell to round-off at time {time:.4g}")
        trial = method.attempt(self.counted, self.state, self.slope, step, rho)
        if not trial.error <= 1.0:
            self.statistics.rejected += 1
            self.trials_finite = bool(np.isfinite(trial.error))
            method.step = step * (max(0.1, 0.8 / trial.error ** (1 / 3)) if np.isfinite(trial.error) else 0.1)
            self.radius.age = STEPS_PER_ESTIMATE  # the estimate may be what failed
            return None
        smooth.learn(trial.error if method is smooth else None, step)
        stiff.learn(self.state, self.slope, trial, step)
        if self.implicit is not None:
            self.implicit.learn(trial.error if method is self.implicit else None, step, stiff.step)
        self.time = end if step == end - time else time + step
        self.state, self.slope = trial.end, trial.slope
        self.statistics.accepted += 1
        self.statistics.most_stages = max(self.statistics.most_stages, method.stages(step, rho))
        self.radius.age += 1
        return self.here(time, trial.interpolant)
