"""Gradient flow of a network with one linear output in its dual: as many unknowns as independent samples, implicit steps.

A separable parametrisation moves on the orbits beta_d = b_d(x_d), b the inverse mirror map, and the flow of the mean squared
error moves x at -rate times the gradient, so that x = Z^T m stays in the span of the samples. In m the flow is stiff but small:
scipy's BDF takes few steps and solves with the Jacobian of m, a weighted Gram matrix. The weights follow in closed form.

What this cannot do is test the theory that says where flow ends: that beta is b of something in the span of the samples is
built in. `normtheory.solvers.flow` integrates the weights, and stays the check of the theory in figures, claims and tests.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.integrate import BDF
from scipy.linalg import qr
from scipy.linalg.blas import dgemv

from normtheory import exact
from normtheory.arrays import FloatArray, InputError, negligible, positive_scalar
from normtheory.machine import blas_threads
from normtheory.networks import Weights
from normtheory.reprs import shown
from normtheory.solvers import constraints
from normtheory.solvers.chebyshev import Statistics
from normtheory.solvers.consistency import Allowed
from normtheory.solvers.constraints import products
from normtheory.solvers.flow import DEFAULT_RTOL, MOST_EVALUATIONS, accuracy, default_loss, drift_of, reachable
from normtheory.solvers.following import Progress
from normtheory.solvers.trajectory import Event, FlowError, Trajectory
from normtheory.tasks import Task

RATE = 2.0  # of the diagonal network: s_+ grows by exp(eta/2) while eta' = -2 gradient
TIGHTER = 0.1  # error per step, beside the one aimed at over all steps
STALLED = 500  # steps without a smaller loss after which the flow counts as at rest

Map = Callable[[FloatArray], tuple[FloatArray, FloatArray]]


@shown("times", "losses", "x", "event")
@dataclass(frozen=True)
class DualTrajectory:
    """A flow followed in its dual.

    Attributes
    ----------
    times, losses : arrays, shape (T,)
        Accepted steps, and the training losses there.
    x : array, shape (D,)
        What the inverse mirror map is applied to, at the end.
    snapshots : tuple of arrays, shape (D,)
        x at the times asked for.
    statistics : Statistics
    event : str
        "loss" reached, or the "time" asked for.
    """

    times: FloatArray
    losses: FloatArray
    x: FloatArray
    snapshots: tuple[FloatArray, ...]
    statistics: Statistics
    event: Event


def dual_flow(
    task: Task,
    weights: Weights,
    *,
    rtol: float = DEFAULT_RTOL,
    loss: float | None = None,
    most_evaluations: int = MOST_EVALUATIONS,
    progress: Progress | None = None,
    time: float | None = None,
    at: Sequence[float] = (),
) -> Trajectory[Weights]:
    """`normtheory.solvers.flow.gradient_flow` of a diagonal network with one output: parameters, result and errors are its own.

    Raises
    ------
    InputError
        If task and weights do not fit together, the network has several outputs, or all weights are 0.
    FlowError
        If the loss is out of reach, which is known at once, or `most_evaluations` are spent.
    """
    if task.inputs != weights.size or weights.outputs != 1:
        shape = f"{weights.size} inputs and {weights.outputs} outputs"
        raise InputError(
            f"X has {task.inputs} columns, but the weights have {shape}; the dual route needs one output, and as many"
        )
    if not weights.stacked().any():
        raise InputError("all weights are 0, where the gradient vanishes; start from non-zero weights")
    grows, shrinks = exact.pathway_energies(weights)
    start = weights.network.effective_map(weights)
    target = (
        default_loss(task, weights, rtol) if loss is None else reachable(loss, float(np.mean((task.X @ start - task.y) ** 2)))
    )
    if loss is None and time is not None:
        target = -1.0

    def orbit(x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """A exp(x) - B exp(-x) and its slope, without the difference of A and B; a pathway may be dead."""
        across, along = np.cosh(x), np.sinh(x)
        return start * across + (grows + shrinks) * along, (grows + shrinks) * across + start * along

    found = separable_flow(
        task, orbit, rate=RATE, target=target, rtol=rtol, most_evaluations=most_evaluations, progress=progress, time=time, at=at
    )
    end = exact.along_the_orbit(weights, found.x)
    return Trajectory(
        found.times,
        found.losses,
        end,
        found.statistics,
        drift_of(weights, end),
        found.event,
        tuple(exact.along_the_orbit(weights, x) for x in found.snapshots),
    )


def separable_flow(
    task: Task,
    inverse_map: Map,
    *,
    rate: float,
    target: float,
    rtol: float = DEFAULT_RTOL,
    most_evaluations: int = MOST_EVALUATIONS,
    progress: Progress | None = None,
    time: float | None = None,
    at: Sequence[float] = (),
) -> DualTrajectory:
    """Follow any separable parametrisation under the mean squared error to a training loss, or a time.

    Parameters
    ----------
    inverse_map : callable
        x, shape (D,), to b(x) and b'(x): `map` of a `normtheory.solvers.potentials.Potential`.
    rate : float
        x moves at -rate times the gradient of the loss by beta: 2 for `HyperbolicEntropy`, depth (depth - 2)
        max(alpha)^(depth - 2) for `DeepDiagonal`.
    target : float
        Training loss to reach.
    rtol, most_evaluations, progress, time, at
        As in `normtheory.solvers.flow.gradient_flow`.

    Raises
    ------
    FlowError
        If the loss is out of reach, or `most_evaluations` are spent.
    """
    with blas_threads(products(task.X)):
        field = _Field.of(task, inverse_map, rate)
        if time is None and not (field.least < target or field.least == 0.0):
            raise FlowError(
                f"the flow will come to rest at training loss {field.least:.3e}, not below {target:.3e}: "
                "y is outside the range of X, or the loss below round-off",
                field.least,
            )
        return _followed(
            field,
            target,
            accuracy(rtol),
            most_evaluations,
            progress,
            np.inf if time is None else positive_scalar(time, "time"),
            sorted(at),
        )


@dataclass(frozen=True, eq=False)
class _Field:
    """The vector field -pace back (X b(Z^T m) - y) of the dual, and the training loss along it."""

    task: Task
    inverse_map: Map
    Z: FloatArray  # (r, D), an orthonormal basis of the samples: x keeps its digits where these are nearly collinear
    back: FloatArray  # (r, n): Z X^T
    targets: FloatArray  # y, projected onto the range of X
    pace: float
    least: float  # of the training loss

    @staticmethod
    def of(task: Task, inverse_map: Map, rate: float) -> _Field:
        """In the coordinates of an orthonormal basis."""
        Q, R, pivots = qr(task.X.T, mode="economic", pivoting=True, check_finite=False)
        sizes = np.abs(np.diag(R))
        rank = int(np.count_nonzero(sizes > negligible(task.X) * sizes[0])) if sizes[0] else 0
        back = np.empty((rank, task.samples))
        back[:, pivots] = R[:rank]
        fitted, _ = constraints.fitted(task.X, task.y, Allowed(np.inf))
        least = float(np.mean((fitted - task.y) ** 2))
        Z = np.ascontiguousarray(Q[:, :rank].T)
        return _Field(task, inverse_map, Z, back, fitted, 2 * rate / task.samples, least)

    def pull(self, m: FloatArray) -> FloatArray:
        """x = Z^T m."""
        return np.asarray(dgemv(1.0, self.Z.T, m)) if m.size else np.zeros(self.task.inputs)

    def __call__(self, _: float, m: FloatArray) -> FloatArray:
        """The time derivative of m."""
        with np.errstate(over="ignore", invalid="ignore"):  # a step that is too long is rejected
            beta, _slope = self.inverse_map(self.pull(m))
            residual = dgemv(1.0, self.task.X.T, beta, trans=1) - self.targets
            return np.asarray(-self.pace * (self.back @ residual))

    def jacobian(self, _: float, m: FloatArray) -> FloatArray:
        """Of the time derivative."""
        with np.errstate(over="ignore", invalid="ignore"):
            _beta, slope = self.inverse_map(self.pull(m))
            return np.asarray(-self.pace * self.back @ ((self.task.X * slope) @ self.Z.T))

    def loss(self, m: FloatArray) -> float:
        """The training loss."""
        with np.errstate(over="ignore", invalid="ignore"):
            beta, _ = self.inverse_map(self.pull(m))
            loss = float(np.mean((self.task.X @ beta - self.task.y) ** 2))
        if not np.isfinite(loss):
            raise FlowError("the training loss left the range of float64; choose other units", loss)
        return loss


def _followed(
    field: _Field, target: float, rtol: float, most: int, progress: Progress | None, end: float, pending: list[float]
) -> DualTrajectory:
    start = np.zeros(field.Z.shape[0])
    times, losses, snapshots, best = [0.0], [field.loss(start)], [], 0
    # x decides b up to a factor of order one: its absolute error counts.
    solver = BDF(field, 0.0, start, end, rtol=TIGHTER * rtol, atol=TIGHTER * rtol, jac=field.jacobian)
    while solver.status == "running" and losses[-1] > target:
        try:
            message = solver.step()
        except ValueError as error:  # a Jacobian that is not finite
            raise FlowError(
                f"the flow left the range of float64 at time {solver.t:.4g}; choose other units", losses[-1]
            ) from error
        if solver.status == "failed":
            raise FlowError(f"the step size fell to round-off at time {solver.t:.4g} ({message})", losses[-1])
        times.append(float(solver.t))
        losses.append(field.loss(solver.y))
        best = len(losses) - 1 if losses[-1] < losses[best] else best
        while pending and pending[0] <= solver.t:
            snapshots.append(field.pull(solver.dense_output()(pending.pop(0))))
        if progress is not None:
            progress(times[-1], losses[-1], solver.nfev)
        if solver.nfev > most:
            raise FlowError(
                f"{solver.nfev} gradients spent at time {times[-1]:.4g}, at training loss {losses[-1]:.3e}", losses[-1]
            )
        if end == np.inf and len(losses) - 1 - best > STALLED:
            raise FlowError(f"the flow came to rest at training loss {losses[best]:.3e}, above {target:.3e}", losses[best])
    statistics = Statistics(int(solver.nfev), len(times) - 1)
    event: Event = "loss" if losses[-1] <= target else "time"
    return DualTrajectory(np.array(times), np.array(losses), field.pull(solver.y), tuple(snapshots), statistics, event)
