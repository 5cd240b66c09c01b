"""Gradient flow of a network on its tasks, integrated on the weights to a training loss: what the theory speaks about."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import sqrt
from typing import Literal

import numpy as np

from normtheory.arrays import FloatArray, InputError, positive_scalar, real_array
from normtheory.machine import blas_threads
from normtheory.networks import AnyWeights, Network, W, Weights, effective_map, weight_gradient
from normtheory.solvers.chebyshev import Statistics, integrate
from normtheory.solvers.following import NEVER, Ending, Progress, Record, Save, follow, length, resumed_record
from normtheory.solvers.trajectory import FlowState, Trajectory
from normtheory.tasks import Task

DEFAULT_RTOL = 1e-8
MOST_EVALUATIONS = 5_000_000
FINEST_RTOL = 1e-13  # below it the steps would resolve nothing but round-off

Layers = Literal["all", "readout"]


def pooled_weights(tasks: Sequence[Task]) -> tuple[float, ...]:
    """Weight of each task's mean squared error in the mean over all samples of all tasks, as the audited paper trains."""
    total = sum(task.samples for task in tasks)
    return tuple(task.samples / total for task in tasks)


def default_loss(
    task: Task | Sequence[Task], weights: AnyWeights, rtol: float, task_weights: Sequence[float] | None = None
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
    network: Network[W],
    task: Task | Sequence[Task],
    weights: W,
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
) -> Trajectory[W]:
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
    rtol, decay = accuracy(rtol), _non_negative(decay, "decay")
    start = weights.stacked()
    objective = network.least_squares(tasks, shares)
    if not start.any() and not objective.slope(start).any():
        raise InputError("all weights are 0, where the gradient vanishes; start from non-zero weights")
    if loss is not None:
        target = reachable(loss, objective.loss(start), begun=resume is not None)
    elif rest is not None or time is not None or decay > 0:
        target = NEVER
    else:
        target = _default_loss(tasks, shares, objective.loss(start), rtol)
    ending = Ending(
        target=target,
        rest=rtol * decay if rest is None else positive_scalar(rest, "rest"),
        time=np.inf if time is None else positive_scalar(time, "time"),
    )
    record = resumed_record(Record(objective, ending, None, progress, on_step, sorted(at)), resume)
    statistics = Statistics()
    trained = network.readout(weights).astype(np.float64) if layers == "readout" else np.ones(())
    integration = integrate(
        _field(objective.slope, decay, trained),
        start,
        rtol=rtol,
        atol=rtol * _smallest_scale(weights) if atol is None else positive_scalar(atol, "atol"),
        end=ending.time,
        jacobian=None if objective.jacobian is None else _jacobian(objective.jacobian, decay, trained),
        nearby=None if objective.nearby is None else _nearby(objective.nearby, decay, trained),
        statistics=statistics,
        most_evaluations=most_evaluations,
        resume=None if resume is None else resume.memory,
    )
    with blas_threads(_products(tasks, start)):
        follow(integration, [record], statistics, resumed=resume is not None)
    if layers == "readout":  # the integrator's combinations of equal weights leave their round-off
        record.end = np.where(network.readout(weights), record.end, start)
    drift = 0.0 if layers == "readout" else _drift(network, start, record.end, decay * record.times[-1])
    return _trajectory(network, record, statistics, drift)


def reachable(loss: float, before: float, *, begun: bool = False) -> float:
    """The loss to stop at, which must not be met before training (unless that has begun)."""
    target = positive_scalar(loss, "loss")
    if not begun and 0 < before <= target:
        raise InputError(f"loss = {loss:g} is met before training, which starts at {before:.3g}; give less")
    return target


def _trajectory(network: Network[W], record: Record, statistics: Statistics, drift: float) -> Trajectory[W]:
    return Trajectory(
        np.array(record.times),
        np.array(record.losses),
        network.unstacked(record.end),
        statistics,
        drift,
        record.event or "loss",
        tuple(network.unstacked(snapshot) for snapshot in record.snapshots),
    )


def gradient_flows(
    tasks: Sequence[Task | Sequence[Task]],
    weights: Sequence[Weights],
    *,
    rtol: float = DEFAULT_RTOL,
    task_weights: Sequence[float] | None = None,
    most_evaluations: int = MOST_EVALUATIONS,
) -> list[Trajectory[Weights]]:
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
    atol = rtol * np.array([_smallest_scale(start) for start in weights])[:, None, None]
    records = [
        Record(objective, Ending(_default_loss(each, shares, objective.loss(start), rtol), 0.0, np.inf), run)
        for run, (each, objective, start) in enumerate(zip(several, objectives, starts, strict=True))
    ]
    statistics = Statistics()
    integration = integrate(
        _batched_slope(several, shares),
        starts,
        rtol=accuracy(rtol),
        atol=atol,
        runs=len(starts),
        statistics=statistics,
        most_evaluations=most_evaluations,
    )
    with blas_threads(_products(several[0], starts)):
        follow(integration, records, statistics)
    return [
        _trajectory(network, record, statistics, _drift(network, start, record.end, 0.0))
        for record, start in zip(records, starts, strict=True)
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


def _products(tasks: Sequence[Task], state: FloatArray) -> float:
    """About how many multiplications the largest product in a gradient has: samples times entries of the state."""
    return float(max(task.samples for task in tasks)) * state.size


def _several(task: Task | Sequence[Task]) -> tuple[Task, ...]:
    return (task,) if isinstance(task, Task) else tuple(task)


def _checked_shares(
    network: Network[W], tasks: Sequence[Task], weights: W, task_weights: Sequence[float] | None
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


def accuracy(rtol: float) -> float:
    """A relative tolerance that float64 can meet and that asks for something."""
    if not FINEST_RTOL <= positive_scalar(rtol, "rtol") < 1:
        raise InputError(f"rtol = {rtol:g}; give a relative tolerance from {FINEST_RTOL:g} to below 1")
    return float(rtol)


def _non_negative(value: float, name: str) -> float:
    return value if value == 0 else positive_scalar(value, name)


def _smallest_scale(weights: AnyWeights) -> float:
    """The size of weights that the absolute tolerance must resolve."""
    if isinstance(weights, Weights):
        return min(float(np.abs(array[array != 0]).min()) for array in weights.named().values() if array.any())
    state = weights.stacked()  # random entries may be as small as they like
    return length(state) / sqrt(state.size) or 1.0


StateMap = Callable[[FloatArray], FloatArray]


def _field(slope: StateMap, decay: float, trained: FloatArray) -> StateMap:
    if decay == 0 and trained.ndim == 0:
        return slope
    return lambda state: np.asarray(trained * (slope(state) - 2 * decay * state))


def _jacobian(jacobian: StateMap, decay: float, trained: FloatArray) -> StateMap:
    """Of the field, from that of the slope."""
    return lambda state: np.asarray(trained.reshape(-1, 1) * (jacobian(state) - 2 * decay * np.eye(state.size)))


def _nearby(nearby: Callable[[FloatArray], StateMap], decay: float, trained: FloatArray) -> Callable[[FloatArray], StateMap]:
    """Of the field, from that of the slope."""
    return lambda state: _field(nearby(state), decay, trained)


def drift_of(start: AnyWeights, end: AnyWeights) -> float:
    """Largest deviation of a conserved quantity of a network, relative to what it is made of."""
    return _drift(start.network, start.stacked(), end.stacked(), decayed=0.0)


def _drift(network: Network[W], start: FloatArray, end: FloatArray, decayed: float) -> float:
    """Largest deviation of a conserved quantity from its law, relative to what it is made of.

    `decayed` is decay times time: a quantity of degree q is then exp(-2 q decayed) of its value at the start.
    """
    first, last = network.unstacked(start), network.unstacked(end)
    before, after = network.conserved(first), network.conserved(last)
    sizes, grown = network.scales(first), network.scales(last)
    worst = 0.0
    for name, value in before.items():
        factor = 1.0 if decayed == 0 else float(np.exp(-2 * sizes[name].degree * decayed))
        change, scale = np.abs(after[name] - factor * value), np.maximum(sizes[name].size, grown[name].size)
        share = np.divide(change, scale, out=np.zeros_like(change), where=scale > 0)
        worst = max(worst, float(share.max()) if np.isfinite(factor) else 0.0)
    return worst
