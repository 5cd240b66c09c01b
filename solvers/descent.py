"""Gradient descent as the audited paper's experiments run it, in torch: the baseline that the flow is compared with.

Full-batch gradient descent (diagonal networks) or minibatch SGD (ReLU networks) on mean squared errors, restarted from the
initial weights with a tenth of the learning rate where it diverges, until a training loss or a number of epochs is reached.
Test losses are recorded after the first step, at every 50th epoch and at the end. The published numbers are the least test
loss over these epochs, an oracle's early stopping; the theory speaks of the last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from normtheory.arrays import FloatArray, InputError
from normtheory.networks import Network, ReLUWeights, Weights
from normtheory.reprs import shown
from normtheory.solvers.flow import pooled_weights
from normtheory.solvers.trajectory import FlowError
from normtheory.tasks import Task

Tensor = Any  # torch.Tensor
DescendedWeights = Weights | ReLUWeights  # of the networks that can be trained here

RECORD_EVERY = 50  # epochs
BACKOFF = 10.0
SMALLEST_RATE = 1e-8


@dataclass(frozen=True)
class Settings:
    """How a run descends.

    Attributes
    ----------
    rate : float
        Learning rate at first.
    batch : int or None
        Samples of a minibatch, drawn without replacement from all tasks; None for the full batch.
    stop : float
        Training loss, the mean over an epoch's batches, at which it ends.
    epochs : int
        Most epochs.
    diverged : float
        Training loss above which it starts again with a tenth of the rate.
    """

    rate: float
    batch: int | None
    stop: float
    epochs: int
    diverged: float


# The audited paper's: section 4.1 with lr 0.1 and 0.5 for pretraining; section 4.2.
DIAGONAL = Settings(rate=0.1, batch=None, stop=1e-10, epochs=1_000_000, diverged=100.0)
DIAGONAL_PRETRAINING = Settings(rate=0.5, batch=None, stop=1e-10, epochs=1_000_000, diverged=100.0)
RELU = Settings(rate=0.1, batch=128, stop=1e-8, epochs=100_000, diverged=1000.0)
RELU_PRETRAINING = Settings(rate=0.1, batch=None, stop=1e-8, epochs=100_000, diverged=1000.0)


@shown()
@dataclass(frozen=True, eq=False)
class Descended:
    """A finished run.

    Attributes
    ----------
    weights : Weights or ReLUWeights
        At the end.
    rate : float
        The learning rate that did not diverge.
    epochs, steps : int
        Taken with that rate.
    reached : bool
        Whether the training loss was reached.
    training_loss : float
        Of the last epoch.
    recorded, test_losses : arrays, shapes (R,) and (R,)
        Epochs of the records, counted from 0, and the main task's test losses there; empty without test data.
    """

    weights: DescendedWeights
    rate: float
    epochs: int
    steps: int
    reached: bool
    training_loss: float
    recorded: np.ndarray
    test_losses: FloatArray

    @property
    def final_test_loss(self) -> float:
        """At the end of training."""
        return float(self.test_losses[-1])

    @property
    def best_test_loss(self) -> float:
        """The least of the records, as the published numbers are."""
        return float(self.test_losses.min())


def descend(
    tasks: Sequence[Task],
    weights: DescendedWeights,
    settings: Settings,
    *,
    test: Task | None = None,
    task_weights: Sequence[float] | None = None,
    seed: int = 0,
    progress: Callable[[int, float], None] | None = None,
) -> Descended:
    """Descend on one task per output from `weights`.

    Parameters
    ----------
    tasks : sequence of Task
    weights : Weights or ReLUWeights
    settings : Settings
    test : Task, optional
        Test data of the main task, the first output.
    task_weights : sequence of float, optional
        Weight of each task's mean squared error, in the batch as a whole (default: pooled, its share of all samples).
    seed : int
        Of the order of the samples.
    progress : callable, optional
        Called with (epoch, training loss) at each record.

    Raises
    ------
    InputError
        If tasks and weights do not belong together.
    FlowError
        If it diverges at every learning rate.
    """
    if len(tasks) != weights.outputs or any(task.inputs != weights.size for task in tasks):
        raise InputError(f"{len(tasks)} tasks for {weights.outputs} outputs of {weights.size} inputs; give one task per output")
    shares = pooled_weights(tasks) if task_weights is None else tuple(task_weights)
    rate = settings.rate
    while rate >= SMALLEST_RATE:
        run = _attempt(tasks, weights, settings, rate, shares, test, seed, progress)
        if run is not None:
            return run
        rate /= BACKOFF
    raise FlowError(f"descent diverges even at learning rate {rate * BACKOFF:.0e}; choose other units", float("inf"))


def _attempt(
    tasks: Sequence[Task],
    weights: DescendedWeights,
    settings: Settings,
    rate: float,
    shares: Sequence[float],
    test: Task | None,
    seed: int,
    progress: Callable[[int, float], None] | None,
) -> Descended | None:
    """One run at one learning rate; None if it diverged."""
    parameters = [torch.tensor(array, requires_grad=True) for array in weights.named().values()]
    optimiser = torch.optim.SGD(parameters, lr=rate)
    data = [(torch.tensor(task.X), torch.tensor(task.y)) for task in tasks]
    total, order = sum(task.samples for task in tasks), torch.Generator().manual_seed(seed)
    recorded: list[int] = []
    test_losses: list[float] = []
    steps, epoch, loss = 0, -1, float("inf")

    def record() -> None:
        recorded.append(epoch)
        if test is not None:
            now = _weights_of(weights, parameters)
            network: Network[Any] = now.network
            test_losses.append(float(np.mean((network.output(now, test.X) - test.y) ** 2)))
        if progress is not None:
            progress(epoch, loss)

    for epoch in range(settings.epochs):
        losses = []
        for batch in _batches(total, settings.batch, order):
            optimiser.zero_grad()
            error = _loss(weights, parameters, data, shares, batch)
            error.backward()
            optimiser.step()
            steps += 1
            losses.append(float(error.detach()))
            if not losses[-1] <= settings.diverged:
                return None
        loss = float(np.mean(losses))
        if epoch % RECORD_EVERY == 0:
            record()
        if loss < settings.stop:
            break
    if recorded[-1] != epoch:
        record()
    end = _weights_of(weights, parameters)
    reached = loss < settings.stop
    return Descended(end, rate, epoch + 1, steps, reached, loss, np.array(recorded), np.array(test_losses))


def _batches(total: int, size: int | None, order: Any) -> Iterator[Tensor | None]:
    """Indices into all samples, task after task; None for all of them."""
    if size is None or size >= total:
        yield None
        return
    yield from torch.split(torch.randperm(total, generator=order), size)


def _loss(
    weights: DescendedWeights,
    parameters: list[Tensor],
    data: list[tuple[Tensor, Tensor]],
    shares: Sequence[float],
    batch: Tensor | None,
) -> Tensor:
    """Sum over tasks of share times the mean squared error of the batch's samples of that task."""
    total, begin = torch.zeros((), dtype=torch.float64), 0
    for o, ((X, y), share) in enumerate(zip(data, shares, strict=True)):
        if batch is not None:
            mine = batch[(batch >= begin) & (batch < begin + len(y))] - begin
            begin += len(y)
            if len(mine) == 0:
                continue
            X, y = X[mine], y[mine]
        total = total + share * ((_output(weights, parameters, X, o) - y) ** 2).mean()
    return total


def _output(weights: DescendedWeights, parameters: list[Tensor], X: Tensor, o: int) -> Tensor:
    if isinstance(weights, ReLUWeights):
        hidden, readout = parameters
        return torch.relu(X @ hidden.T) @ readout[o]
    w_plus, w_minus, v_plus, v_minus = parameters
    if weights.outputs > 1:
        v_plus, v_minus = v_plus[o], v_minus[o]
    return X @ (w_plus * v_plus - w_minus * v_minus)


def _weights_of(weights: DescendedWeights, parameters: list[Tensor]) -> DescendedWeights:
    arrays = [parameter.detach().numpy().copy() for parameter in parameters]
    return type(weights)(*arrays)
