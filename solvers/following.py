"""The event loop of followed flows: what each records at every step, and when it ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from normtheory.arrays import FloatArray, InputError
from normtheory.networks import LeastSquares
from normtheory.solvers.chebyshev import AcceptedStep, IntegrationError, Statistics
from normtheory.solvers.trajectory import Event, FlowError, FlowState

# A vector field smaller than this, relative to spectral radius times state, is round-off: the flow has come to rest.
AT_REST = 1e-14
NEVER = -1.0  # a training loss that no flow reaches

Progress = Callable[[float, float, int], None]  # time, training loss, gradient evaluations so far
Save = Callable[[Callable[[], FlowState]], None]


@dataclass(frozen=True)
class Ending:
    """When a flow ends: at or below a loss, at a relative speed, at a time."""

    target: float
    rest: float
    time: float

    def event(self, step: AcceptedStep, loss: float, speed: float, size: float) -> Event | None:
        """What has happened at this step, if anything.

        Raises
        ------
        FlowError
            If nothing more will happen.
        """
        if not np.isfinite(loss):
            raise FlowError(f"the training loss left the range of float64 at time {step.time:.4g}; choose other units", loss)
        if loss <= self.target:
            return "loss"
        if self.rest > 0 and speed <= self.rest * size:
            return "rest"
        if step.time >= self.time:
            return "time"
        if speed <= AT_REST * step.spectral_radius * size and self.time == np.inf:
            raise FlowError(
                f"the flow came to rest at training loss {loss:.3e}, above {self.target:.3e}; "
                "y may be outside the range of X, or the loss below round-off",
                loss,
            )
        return None


@dataclass
class Record:
    """What one flow leaves behind while it is followed.

    Attributes
    ----------
    run : int or None
        Which of several flows of one integration it is, along the first axis of their state; None if it is the only one.
    event, end : str and array
        How it ended and its state then; None and the latest state before.
    """

    objective: LeastSquares
    ending: Ending
    run: int | None = None
    progress: Progress | None = None
    on_step: Save | None = None
    pending: list[float] = field(default_factory=list)  # times of snapshots that are yet to come
    times: list[float] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    snapshots: list[FloatArray] = field(default_factory=list)
    event: Event | None = None
    end: FloatArray = field(default_factory=lambda: np.zeros(0))

    def enter(self, step: AcceptedStep, statistics: Statistics, *, resumed: bool) -> None:
        """Record an accepted step; the first one of a resumed flow is known already."""
        state, slope = (array if self.run is None else array[self.run] for array in (step.state, step.derivative))
        if not resumed:
            self.times.append(step.time)
            self.losses.append(self.objective.loss(state))
        while self.pending and self.pending[0] <= step.time:
            self.snapshots.append(step.at(self.pending.pop(0)))
        if self.progress is not None:
            self.progress(step.time, self.losses[-1], statistics.evaluations)
        if self.on_step is not None:
            steps, memory = len(self.times), step.memory
            self.on_step(lambda: FlowState(np.array(self.times[:steps]), np.array(self.losses[:steps]), memory))
        self.end = state
        self.event = self.ending.event(step, self.losses[-1], length(slope), length(state))


def resumed_record(record: Record, resume: FlowState | None) -> Record:
    """The record with what a flow had recorded before it was left.

    Raises
    ------
    InputError
        If a snapshot is asked for at a time before that.
    """
    if resume is not None:
        record.times, record.losses = resume.times.tolist(), resume.losses.tolist()
        if record.pending and record.pending[0] <= resume.memory.time:
            raise InputError(f"at = {record.pending[0]:g} lies before the resumed flow; give later times")
    return record


def follow(
    integration: Iterator[AcceptedStep], records: Sequence[Record], statistics: Statistics, *, resumed: bool = False
) -> None:
    """Enter every step into the records of all flows that have not ended, until all have.

    Raises
    ------
    FlowError
        If a flow will reach nothing more, or the integrator cannot go on.
    """
    running = list(records)
    try:
        for step in integration:
            for record in running:
                record.enter(step, statistics, resumed=resumed)
            running, resumed = [record for record in running if record.event is None], False
            if not running:
                return
    except IntegrationError as error:
        slowest = max(running, key=lambda record: record.losses[-1])
        loss, which = slowest.losses[-1], "" if slowest.run is None else f" in run {slowest.run}"
        raise FlowError(f"{error}, at training loss {loss:.3e}{which}, above {slowest.ending.target:.3e}", loss) from error
    raise AssertionError("the integrator ends at no event")


def length(array: FloatArray) -> float:
    """Euclidean norm of all entries."""
    return float(np.linalg.norm(array))
