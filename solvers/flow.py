"""Gradient flow of a network on a task, integrated on the weights to a training loss: what the theory speaks about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from normtheory.arrays import FloatArray, InputError, positive_scalar
from normtheory.networks import DiagonalNetwork, Weights, effective_map, weight_gradient
from normtheory.tasks import Task
from solvers.chebyshev import IntegrationError, Statistics, integrate

DEFAULT_RTOL = 1e-8
MOST_EVALUATIONS = 5_000_000
# A vector field smaller than this, relative to spectral radius times state, is round-off: the flow has come to rest.
AT_REST = 1e-14

Progress = Callable[[float, float, int], None]  # time, training loss, gradient evaluations so far


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
    weights : Weights
        At the end.
    statistics : Statistics
        Gradient evaluations, accepted and rejected steps, largest number of stages.
    conservation_error : float
        Largest drift of a conserved quantity, relative to half the sum of the squared weights of its coordinate.
    """

    times: FloatArray
    losses: FloatArray
    weights: Weights
    statistics: Statistics
    conservation_error: float

    @property
    def beta(self) -> FloatArray:
        """The predictor at the end, shape (D,)."""
        return DiagonalNetwork().effective_map(self.weights)

    @property
    def gradient_evaluations(self) -> int:
        """Number of full-batch gradients the integration took."""
        return self.statistics.evaluations


def default_loss(task: Task, weights: Weights, rtol: float) -> float:
    """Training loss at which the distance to the endpoint is below the integrator's own error: (rtol/10)^2 of the scale.

    The scale is the larger of the mean square of y and the loss at the start.
    """
    residual = task.X @ DiagonalNetwork().effective_map(weights) - task.y
    return float((rtol / 10) ** 2 * max(np.mean(task.y**2), np.mean(residual**2)))


def gradient_flow(
    network: DiagonalNetwork,
    task: Task,
    weights: Weights,
    *,
    rtol: float = DEFAULT_RTOL,
    loss: float | None = None,
    most_evaluations: int = MOST_EVALUATIONS,
    progress: Progress | None = None,
) -> Trajectory:
    """Follow gradient flow of the mean squared error on all weights until the training loss is at most `loss`.

    Parameters
    ----------
    network : DiagonalNetwork
    task : Task
        Design matrix (n, D) and targets (n,).
    weights : Weights
        At time 0; some entry must not be 0.
    rtol : float
        Relative error aimed at; the absolute one is rtol times the smallest non-zero initial weight.
    loss : float, optional
        Training loss (mean squared error, no factor 1/2) to reach; `default_loss` if not given.
    most_evaluations : int
        Gradients after which the flow is given up.
    progress : callable, optional
        Called with (time, loss, gradient evaluations) at every accepted step.

    Raises
    ------
    InputError
        If task and weights do not fit together, or all weights are 0.
    FlowError
        If the flow comes to rest above the loss (y outside the range of X, or a loss below round-off), or spends
        `most_evaluations`.
    """
    if task.X.shape[1] != weights.size:
        raise InputError(f"X has {task.X.shape[1]} columns, but the weights have {weights.size} inputs; make them equal")
    rtol = positive_scalar(rtol, "rtol")
    target = default_loss(task, weights, rtol) if loss is None else positive_scalar(loss, "loss")
    start = weights.stacked()
    if not start.any():
        raise InputError("all weights are 0, where the gradient vanishes; start from non-zero weights")
    atol = rtol * float(np.abs(start[start != 0]).min())
    field, loss_of = _least_squares_flow(task)
    statistics = Statistics()
    times, losses, state = [], [], start
    try:
        for step in integrate(field, start, rtol=rtol, atol=atol, statistics=statistics, most_evaluations=most_evaluations):
            state = step.state
            times.append(step.time)
            losses.append(loss_of(state))
            if progress is not None:
                progress(step.time, losses[-1], statistics.evaluations)
            if losses[-1] <= target:
                break
            speed, pace = float(np.linalg.norm(step.derivative)), step.spectral_radius * float(np.linalg.norm(state))
            if speed <= AT_REST * pace:
                raise FlowError(
                    f"the flow came to rest at training loss {losses[-1]:.3e}, above {target:.3e}; "
                    "y may be outside the range of X, or the loss below round-off",
                    losses[-1],
                )
    except IntegrationError as error:
        raise FlowError(f"{error}, at training loss {losses[-1]:.3e}, above {target:.3e}", losses[-1]) from error
    end = Weights.unstacked(state)
    return Trajectory(np.array(times), np.array(losses), end, statistics, _drift(network, weights, end))


def _least_squares_flow(task: Task) -> tuple[Callable[[FloatArray], FloatArray], Callable[[FloatArray], float]]:
    """Vector field -grad L on stacked weights, and L itself, for L(beta) = ||X beta - y||^2 / n."""
    X, y = task.X, task.y
    rate = -2 / y.size
    if task.samples > task.inputs:  # one product with X^T X is then cheaper than one with X and one with X^T
        gram, moment = rate * (X.T @ X), rate * (X.T @ y)

        def slope(beta: FloatArray) -> FloatArray:
            return np.asarray(gram @ beta - moment)

    else:

        def slope(beta: FloatArray) -> FloatArray:
            return np.asarray(rate * ((X @ beta - y) @ X))

    def field(state: FloatArray) -> FloatArray:
        return weight_gradient(state, slope(effective_map(state)))

    def loss_of(state: FloatArray) -> float:
        residual = X @ effective_map(state) - y
        return float(residual @ residual) / y.size

    return field, loss_of


def _drift(network: DiagonalNetwork, start: Weights, end: Weights) -> float:
    """Largest change of a conserved quantity, relative to half the sum of squared weights of its coordinate."""
    energy = np.maximum((start.stacked() ** 2).sum(axis=0), (end.stacked() ** 2).sum(axis=0)) / 2
    before, after = network.conserved(start), network.conserved(end)
    changes = np.max([np.abs(after[name] - before[name]) for name in before], axis=0)
    return float(np.divide(changes, energy, out=np.zeros_like(changes), where=energy > 0).max())
