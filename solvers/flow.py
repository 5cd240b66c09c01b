"""Gradient flow of a network on its tasks, integrated on the weights to a training loss: what the theory speaks about."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from math import sqrt
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from normtheory.arrays import FloatArray, InputError, positive_scalar, real_array
from normtheory.networks import (
    LeastSquares,
    Network,
    ReLUWeights,
    Weights,
    effective_map,
    weight_gradient,
)
from normtheory.solvers.chebyshev import IntegrationError, Memory, Statistics, Step, integrate
from normtheory.tasks import Task

DEFAULT_RTOL = 1e-8
MOST_EVALUATIONS = 5_000_000
# A vector field smaller than this, relative to spectral radius times state, is round-off: the flow has come to rest.
AT_REST = 1e-14
FINEST_RTOL = 1e-13  # below it the steps would resolve nothing but round-off
NEVER = -1.0  # a training loss that no flow reaches

Progress = Callable[[float, float, int], None]  # time, training loss, gradient evaluations so far
Save = Callable[[Callable[[], "FlowState"]], None]
Layers = Literal["all", "readout"]
Event = Literal["loss", "rest", "time"]


class FlowError(RuntimeError):
    """The flow did not reach the training loss asked for; `loss` is what it reached."""

    def __init__(self, message: str, loss: float) -> None:
        super().__init__(message)
        self.loss = loss


@dataclass(frozen=True, eq=False)
class Trajectory:
    """A followed gradient flow.

    Attributes
    ----------
    times, losses : arrays, shape (T,)
        Accepted steps: flow time (for the mean squared error without a factor 1/2) and training loss.
    weights : Weights or ReLUWeights
        At the end.
    statistics : Statistics
        Gradient evaluations, accepted and rejected steps, largest number of stages.
    conservation_error : float
        Largest drift of a conserved quantity, relative to half the sum of the squared weights of its coordinate or unit.
        Under weight decay these quantities decay at a known rate, from which the drift is measured; where the readout alone
        is trained, what is conserved is the first layer.
    event : str
        Why it ended: "loss" reached, at "rest", or at the "time" asked for.
    snapshots : tuple of Weights or ReLUWeights
        At the requested times that were reached, by dense output.
    """

    times: FloatArray
    losses: FloatArray
    weights: Any
    statistics: Statistics
    conservation_error: float
    event: Event = "loss"
    snapshots: tuple[Any, ...] = ()

    @property
    def beta(self) -> FloatArray:
        """The predictor at the end, shape (D,), or (O, D) for O > 1 outputs.

        Raises
        ------
        InputError
            If the network is not linear.
        """
        return linear_map(self.weights)

    @property
    def gradient_evaluations(self) -> int:
        """Number of full-batch gradients the integration took."""
        return self.statistics.evaluations


def linear_map(weights: Weights | ReLUWeights) -> FloatArray:
    """The predictor of a diagonal network with these weights, shape (D,), or (O, D) for O > 1 outputs.

    Raises
    ------
    InputError
        If they are those of another network.
    """
    if not isinstance(weights, Weights):
        raise InputError("a ReLU network has no linear predictor; use weights.network.output(weights, X)")
    return weights.network.effective_map(weights)


@dataclass(frozen=True, eq=False)
class FlowState:
    """A flow that was left: what it has recorded and what the integrator knows. `gradient_flow` goes on from it bit for bit."""

    times: FloatArray
    losses: FloatArray
    memory: Memory

    def arrays(self) -> dict[str, ArrayLike]:
        """Named arrays for a file."""
        memory = {field.name: getattr(self.memory, field.name) for field in fields(Memory)}
        if memory["direction"] is None:
            del memory["direction"]
        statistics = memory.pop("statistics")
        return {"times": self.times, "losses": self.losses, **memory, **vars(statistics)}

    @staticmethod
    def of(arrays: Mapping[str, FloatArray]) -> FlowState:
        """Inverse of `arrays`.

        Raises
        ------
        InputError
            If an array is missing.
        """
        needed = {field.name for field in (*fields(Memory), *fields(Statistics))} - {"direction", "statistics"}
        missing = sorted((needed | {"times", "losses"}) - set(arrays))
        if missing:
            raise InputError(f"holds no array {missing[0]}, which a saved flow has; give a file written by --checkpoint")
        # Named after the fields of Memory, whose types the type checker cannot tell apart by name.
        known: dict[str, Any] = {name: int(arrays[name]) for name in ("age", *vars(Statistics()))}
        kept: dict[str, Any] = {name: arrays[name] for name in ("state", "derivative")}
        known |= {name: float(arrays[name]) for name in needed - set(known) - set(kept)}
        statistics = Statistics(**{name: known.pop(name) for name in vars(Statistics())})
        memory = Memory(**kept, **known, direction=arrays.get("direction"), statistics=statistics)
        return FlowState(arrays["times"], arrays["losses"], memory)


def pooled_weights(tasks: Sequence[Task]) -> tuple[float, ...]:
    """Weight of each task's mean squared error in the mean over all samples of all tasks, as the audited paper trains."""
    total = sum(task.samples for task in tasks)
    return tuple(task.samples / total for task in tasks)


def default_loss(
    task: Task | Sequence[Task], weights: Weights | ReLUWeights, rtol: float, task_weights: Sequence[float] | None = None
) -> float:
    """Training loss at which the distance to the endpoint is below the integrator's own error: (rtol/10)^2 of the scale.

    The scale is the larger of the (weighted) mean square of y and the loss at the start.
    """
    tasks = _several(task)
    shares = pooled_weights(tasks) if task_weights is None else task_weights
    return _default_loss(tasks, shares, weights.network.least_squares(tasks, shares).loss(weights.stacked()), rtol)


def _default_loss(tasks: Sequence[Task], shares: Sequence[float], start: float, rtol: float) -> float:
    null = sum(share * float(np.mean(task.y**2)) for task, share in zip(tasks, shares, strict=True))
    return (rtol / 10) ** 2 * max(null, start)


def gradient_flow(
    network: Network,
    task: Task | Sequence[Task],
    weights: Any,
    *,
    rtol: float = DEFAULT_RTOL,
    atol: float | None = None,
    loss: float | None = None,
    most_evaluations: int = MOST_EVALUATIONS,
    progress: Progress | None = None,
    task_weights: Sequence[float] | None = None,
    decay: float = 0.0,
    layers: Layers = "all",
    rest: float | None = None,
    time: float | None = None,
    at: Sequence[float] = (),
    resume: FlowState | None = None,
    on_step: Save | None = None,
) -> Trajectory:
    """Follow gradient flow of the mean squared error on all weights until the training loss is at most `loss`.

    Parameters
    ----------
    network : DiagonalNetwork or ReLUNetwork
    task : Task, or a sequence of one per output
        Design matrix (n, D) and targets (n,) of each.
    weights : Weights or ReLUWeights
        At time 0; some entry must not be 0.
    rtol : float
        Relative error aimed at.
    atol : float, optional
        Absolute error aimed at (default: rtol times the smallest non-zero initial weight of a diagonal network, or the root
        mean square of those of a ReLU network).
    loss : float, optional
        Training loss (no factor 1/2) to reach; `default_loss` if neither it nor `rest`, `time` or `decay` is given.
    most_evaluations : int
        Gradients after which the flow is given up.
    progress : callable, optional
        Called with (time, loss, gradient evaluations) at every accepted step.
    task_weights : sequence of float, optional
        Weight of each task's mean squared error in the loss (default: pooled, its share of all samples).
    decay : float
        Weight decay: decay times the sum of all squared weights is added to what descends, though not to the loss recorded.
    layers : "all" or "readout"
        What is trained; "readout" leaves the first layer as it is.
    rest : float, optional
        End, without error, when the speed of the weights is below this fraction of their norm per unit of time (default under
        weight decay: rtol times decay).
    time : float, optional
        End, without error, at this time.
    at : sequence of float
        Times at which to take snapshots of the weights.
    resume : FlowState, optional
        Go on from here; all other arguments must be those of the flow that left it.
    on_step : callable, optional
        Called after every accepted step with a function that returns its FlowState.

    Raises
    ------
    InputError
        If tasks, weights and network do not fit together, or all weights are 0.
    FlowError
        If the flow comes to rest above the loss (y outside the range of X, or a loss below round-off), its loss leaves the
        range of float64, or it spends `most_evaluations`.
    """
    tasks = _several(task)
    shares = _checked_shares(network, tasks, weights, task_weights)
    rtol, decay = _accuracy(rtol), _non_negative(decay, "decay")
    start = weights.stacked()
    if not start.any():
        raise InputError("all weights are 0, where the gradient vanishes; start from non-zero weights")
    objective = network.least_squares(tasks, shares)
    if loss is not None:
        target = positive_scalar(loss, "loss")
        if resume is None and 0 < (before := objective.loss(start)) <= target:
            raise InputError(f"loss = {loss:g} is met before training, which starts at {before:.3g}; give less")
    elif rest is not None or time is not None or decay > 0:
        target = NEVER
    else:
        target = _default_loss(tasks, shares, objective.loss(start), rtol)
    ending = _Ending(
        target=target,
        rest=rtol * decay if rest is None else positive_scalar(rest, "rest"),
        time=np.inf if time is None else positive_scalar(time, "time"),
    )
    record = _Record(objective, ending, progress, on_step, list(at), resume)
    integration = integrate(
        _field(objective, decay, network.readout(weights) if layers == "readout" else None),
        start,
        rtol=rtol,
        atol=rtol * _smallest_scale(weights) if atol is None else positive_scalar(atol, "atol"),
        end=ending.time,
        statistics=record.statistics,
        most_evaluations=most_evaluations,
        resume=None if resume is None else resume.memory,
    )
    event, state = record.follow(integration)
    if layers == "readout":  # the integrator's combinations of equal weights leave their round-off
        state = np.where(network.readout(weights), state, start)
    return Trajectory(
        np.array(record.times),
        np.array(record.losses),
        network.unstacked(state),
        record.statistics,
        0.0 if layers == "readout" else _drift(network, start, state, np.exp(-4 * decay * record.times[-1])),
        event,
        tuple(network.unstacked(snapshot) for snapshot in record.snapshots),
    )


@dataclass(frozen=True)
class _Ending:
    """When a flow ends: at or below a loss, at a relative speed, at a time."""

    target: float
    rest: float
    time: float

    def event(self, step: Step, loss: float, speed: float, size: float) -> Event | None:
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


class _Record:
    """What one flow leaves behind while it is followed."""

    def __init__(
        self,
        objective: LeastSquares,
        ending: _Ending,
        progress: Progress | None,
        on_step: Save | None,
        at: list[float],
        resume: FlowState | None,
    ) -> None:
        self.objective, self.ending, self.progress, self.on_step = objective, ending, progress, on_step
        self.times: list[float] = [] if resume is None else resume.times.tolist()
        self.losses: list[float] = [] if resume is None else resume.losses.tolist()
        self.resumed = resume is not None
        self.statistics = Statistics()
        self.snapshots: list[FloatArray] = []
        self.pending = sorted(at)
        if resume is not None and self.pending and self.pending[0] <= resume.memory.time:
            raise InputError(f"at = {self.pending[0]:g} lies before the resumed flow; give later times")

    def follow(self, integration: Any) -> tuple[Event, FloatArray]:
        """The event at which the integration ends, and the state there."""
        try:
            for step in integration:
                event = self._enter(step)
                if event is not None:
                    return event, step.state
        except IntegrationError as error:
            message = f"{error}, at training loss {self.losses[-1]:.3e}, above {self.ending.target:.3e}"
            raise FlowError(message, self.losses[-1]) from error
        raise AssertionError("the integrator ends at no event")

    def _enter(self, step: Step) -> Event | None:
        if not self.resumed:
            self.times.append(step.time)
            self.losses.append(self.objective.loss(step.state))
        self.resumed = False
        while self.pending and self.pending[0] <= step.time:
            self.snapshots.append(step.at(self.pending.pop(0)))
        if self.progress is not None:
            self.progress(step.time, self.losses[-1], self.statistics.evaluations)
        if self.on_step is not None:
            steps, memory = len(self.times), step.memory
            self.on_step(lambda: FlowState(np.array(self.times[:steps]), np.array(self.losses[:steps]), memory))
        return self.ending.event(step, self.losses[-1], _length(step.derivative), _length(step.state))


def gradient_flows(
    tasks: Sequence[Task | Sequence[Task]],
    weights: Sequence[Weights],
    *,
    rtol: float = DEFAULT_RTOL,
    task_weights: Sequence[float] | None = None,
    most_evaluations: int = MOST_EVALUATIONS,
) -> list[Trajectory]:
    """Follow independent flows of diagonal networks in one integration; each ends where its training loss is `default_loss`.

    They share their steps, which the hardest of them decides at each time. That pays for many small problems of similar
    difficulty, where a gradient costs less than calling it.

    Parameters
    ----------
    tasks : sequence of tasks, or of sequences of one task per output
        All of the same shapes.
    weights : sequence of Weights
        At time 0, all of the same shape.
    rtol, task_weights, most_evaluations
        As in `gradient_flow`; the statistics of the trajectories are those of all runs together.

    Raises
    ------
    InputError, FlowError
        As in `gradient_flow`, or if the shapes differ.
    """
    network, several = weights[0].network, [_several(task) for task in tasks]
    shapes = {(*(task.X.shape for task in each), start.stacked().shape) for each, start in zip(several, weights, strict=True)}
    if len(shapes) != 1:
        raise InputError(f"the runs have {len(shapes)} different shapes; give tasks and weights of one shape")
    shares = _checked_shares(network, several[0], weights[0], task_weights)
    objectives = [network.least_squares(each, shares) for each in several]
    starts = np.stack([start.stacked() for start in weights])
    endings = [
        _Ending(_default_loss(each, shares, objective.loss(start), rtol), 0.0, np.inf)
        for each, objective, start in zip(several, objectives, starts, strict=True)
    ]
    atol = rtol * np.array([_smallest_scale(start) for start in weights])[:, None, None]
    statistics, ends = Statistics(), [starts[0]] * len(starts)
    times: list[list[float]] = [[] for _ in starts]
    losses: list[list[float]] = [[] for _ in starts]
    running = set(range(len(starts)))
    try:
        for step in integrate(
            _batched_slope(several, shares),
            starts,
            rtol=_accuracy(rtol),
            atol=atol,
            runs=len(starts),
            statistics=statistics,
            most_evaluations=most_evaluations,
        ):
            for run in sorted(running):
                times[run].append(step.time)
                losses[run].append(objectives[run].loss(step.state[run]))
                speed, size = _length(step.derivative[run]), _length(step.state[run])
                if endings[run].event(step, losses[run][-1], speed, size) is not None:
                    ends[run] = step.state[run]
                    running.remove(run)
            if not running:
                break
    except IntegrationError as error:
        slowest = max(running, key=lambda run: losses[run][-1])
        raise FlowError(f"{error}, at training loss {losses[slowest][-1]:.3e} of run {slowest}", losses[slowest][-1]) from error
    return [
        Trajectory(np.array(t), np.array(values), network.unstacked(end), statistics, _drift(network, start, end, 1.0))
        for t, values, start, end in zip(times, losses, starts, ends, strict=True)
    ]


def _batched_slope(tasks: Sequence[Sequence[Task]], shares: Sequence[float]) -> Callable[[FloatArray], FloatArray]:
    """Vector field of independent diagonal networks on states (R, 2 + 2 O, D), with batched matrix products."""
    designs = [np.stack([each[o].X for each in tasks]) for o in range(len(shares))]
    targets = [np.stack([each[o].y for each in tasks]) for o in range(len(shares))]

    def slope(states: FloatArray) -> FloatArray:
        rows_first = states.swapaxes(0, 1)
        maps = effective_map(rows_first).reshape(len(shares), *states.shape[::2])
        pulls = [
            -2 * share / X.shape[1] * (((X @ beta[:, :, None])[:, :, 0] - y)[:, None, :] @ X)[:, 0]
            for X, y, share, beta in zip(designs, targets, shares, maps, strict=True)
        ]
        pull = pulls[0] if len(pulls) == 1 else np.stack(pulls)
        return np.ascontiguousarray(weight_gradient(rows_first, pull).swapaxes(0, 1))

    return slope


def _several(task: Task | Sequence[Task]) -> tuple[Task, ...]:
    return (task,) if isinstance(task, Task) else tuple(task)


def _checked_shares(
    network: Network, tasks: Sequence[Task], weights: Any, task_weights: Sequence[float] | None
) -> tuple[float, ...]:
    """The weights of the tasks, after checking that network, tasks and weights belong together."""
    for task in tasks:
        if task.inputs != weights.size:
            raise InputError(f"X has {task.inputs} columns, but the weights have {weights.size} inputs; make them equal")
    if weights.network != network:
        raise InputError(f"the weights are those of {weights.network}, but the network is {network}; make them equal")
    if len(tasks) != network.outputs:
        raise InputError(f"{len(tasks)} tasks for {network.outputs} outputs; give one task per output")
    if task_weights is None:
        return pooled_weights(tasks)
    shares = real_array(task_weights, "task_weights")
    if shares.shape != (len(tasks),) or not (shares > 0).all():
        raise InputError(f"task_weights = {shares.tolist()}; give {len(tasks)} positive numbers, one per task")
    return tuple(shares.tolist())


def _accuracy(rtol: float) -> float:
    """A relative tolerance that float64 can meet and that asks for something."""
    if not FINEST_RTOL <= positive_scalar(rtol, "rtol") < 1:
        raise InputError(f"rtol = {rtol:g}; give a relative tolerance from {FINEST_RTOL:g} to below 1")
    return float(rtol)


def _non_negative(value: float, name: str) -> float:
    return value if value == 0 else positive_scalar(value, name)


def _smallest_scale(weights: Weights | ReLUWeights) -> float:
    """The size of weights that the absolute tolerance must resolve."""
    if isinstance(weights, Weights):
        return min(float(np.abs(array[array != 0]).min()) for array in weights.named().values() if array.any())
    state = weights.stacked()  # random entries may be as small as they like
    return _length(state) / sqrt(state.size)


def _field(objective: LeastSquares, decay: float, trained: np.ndarray | None) -> Callable[[FloatArray], FloatArray]:
    if decay == 0 and trained is None:
        return objective.slope
    mask = 1.0 if trained is None else trained.astype(np.float64)
    return lambda state: np.asarray(mask * (objective.slope(state) - 2 * decay * state))


def _length(array: FloatArray) -> float:
    return float(np.linalg.norm(array))


def _drift(network: Network, start: FloatArray, end: FloatArray, decayed: float) -> float:
    """Largest deviation of a conserved quantity from its value at the start times `decayed`, relative to the energy there."""
    first, last = network.unstacked(start), network.unstacked(end)
    energy = np.maximum(network.energy(first), network.energy(last))
    before, after = network.conserved(first), network.conserved(last)
    changes = np.max([np.abs(after[name] - decayed * before[name]) for name in before], axis=0)
    return float(np.divide(changes, energy, out=np.zeros_like(changes), where=energy > 0).max())
