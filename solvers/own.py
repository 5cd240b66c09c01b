"""Networks of one's own on data: the certified endpoint of their gradient flow, and the flow in its dual."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import linprog

from normtheory.arrays import FloatArray, InputError, matrix, precision, targets
from normtheory.networks import ParametrisedWeights
from normtheory.parametrisations import Parametrisation
from normtheory.solvers.certificate import DEFAULT_TOLERANCE, NotCertified, Solution
from normtheory.solvers.consistency import Allowed, Inconsistent
from normtheory.solvers.constraints import fitted
from normtheory.solvers.dual_flow import separable_flow
from normtheory.solvers.flow import DEFAULT_RTOL, MOST_EVALUATIONS, default_loss, drift_of, reachable
from normtheory.solvers.following import Progress
from normtheory.solvers.newton import minimize_separable
from normtheory.solvers.orbits import Orbits, gradient_curve
from normtheory.solvers.tabulated import deviation
from normtheory.solvers.trajectory import Trajectory
from normtheory.tasks import Task

BEYOND = 100.0  # times the predictor of least norm: an orbit that goes so far counts as one without end
ERROR_SHARE = 0.1  # of the tolerance that the tabulated potential may be off by


def minimize(
    X: ArrayLike,
    y: ArrayLike,
    network: Parametrisation,
    *,
    tol: float = DEFAULT_TOLERANCE,
    dual: ArrayLike | None = None,
    consistency: float | None = None,
    inconsistent: Inconsistent = "refuse",
) -> Solution:
    """Where gradient flow of a network ends whose coordinates have weights of their own, if it reaches zero training error.

    Parameters
    ----------
    X, y, tol, dual, consistency, inconsistent
        As in `normtheory.solvers.newton.minimize`.
    network : Parametrisation
        Of one output, with a start in numbers or arrays (D,).

    Returns
    -------
    Solution
        The interpolator of least Bregman divergence from the start; the objective is that divergence, of the potential whose
        gradient at b(x) is x. `dual` is nu with x = X^T nu.

    Raises
    ------
    InputError
        If the input is malformed, or no orbit reaches an interpolator: the flow cannot fit the data.
    NotCertified
        If the tolerance was not reached, or is below what the tabulated orbits are off by.
    """
    given = precision(X, y) if consistency is None else consistency
    X = matrix(X, "X")
    orbits = Orbits.of(network, X.shape[1])
    return minimize_on(X, y, orbits, tol=tol, dual=dual, consistency=given, inconsistent=inconsistent)


def map_error(X: FloatArray, network: Parametrisation, solution: Solution) -> float | None:
    """A bound, in balls, on what the tabulated mirror map is off by at a minimiser; None where too many orbits differ.

    Relative to the predictor, or to how far it has moved, whichever is larger (`normtheory.solvers.tabulated.deviation`).
    """
    orbits = Orbits.of(network, X.shape[1])
    return deviation(orbits, network, X.T @ solution.dual / orbits.unit)


def dual_flow(
    task: Task,
    weights: ParametrisedWeights,
    *,
    rtol: float = DEFAULT_RTOL,
    loss: float | None = None,
    most_evaluations: int = MOST_EVALUATIONS,
    progress: Progress | None = None,
    time: float | None = None,
    at: Sequence[float] = (),
) -> Trajectory[ParametrisedWeights]:
    """`normtheory.solvers.dual_flow.dual_flow` of a network of one's own with one output: along its orbits.

    Raises
    ------
    InputError, FlowError
        As there.
    """
    network = weights.network
    if task.inputs != weights.size or weights.outputs != 1:
        shape = f"{weights.size} inputs and {weights.outputs} outputs"
        raise InputError(
            f"X has {task.inputs} columns, but the weights have {shape}; the dual route needs one output, and as many"
        )
    orbits = Orbits(gradient_curve(network.parametrisation), weights.state)
    begun = float(np.mean((task.X @ orbits.start - task.y) ** 2))
    target = default_loss(task, weights, rtol) if loss is None else reachable(loss, begun)
    found = separable_flow(
        task,
        orbits.map,
        rate=1 / orbits.unit,
        target=-1.0 if loss is None and time is not None else target,
        rtol=rtol,
        most_evaluations=most_evaluations,
        progress=progress,
        time=time,
        at=at,
    )
    end, *rest = (ParametrisedWeights(network, orbits.states(x)) for x in (found.x, *found.snapshots))
    drift = drift_of(weights, end)
    return Trajectory(found.times, found.losses, end, found.statistics, drift, found.event, tuple(rest))


def minimize_on(
    X: FloatArray,
    y: ArrayLike,
    orbits: Orbits,
    *,
    tol: float,
    dual: ArrayLike | None = None,
    consistency: float | None = None,
    inconsistent: Inconsistent = "refuse",
) -> Solution:
    """The same for orbits of any kind."""
    reached, moved = fitted(X, targets(y, "y", X.shape[0], "X"), Allowed.of(consistency, inconsistent, X, y))
    require_reachable(X, reached, orbits)
    solution = minimize_separable(X, reached, orbits, tol=tol, dual=dual, inconsistent="project")
    solution = replace(solution, moved=max(moved, solution.moved))
    error = orbits.error(X.T @ solution.dual / orbits.unit)
    if not error <= ERROR_SHARE * tol:
        raise NotCertified(
            f"the orbits are known to {error:.1e} only, and the tolerance is {tol:g}; ask for less", solution.certificate
        )
    return solution


def require_reachable(X: FloatArray, y: FloatArray, orbits: Orbits) -> None:
    """Refuse data that no predictor on the orbits fits: they end before. Decided by a linear program.

    Raises
    ------
    InputError
        If there is no beta strictly between the ends of its orbits with X beta = y.
    """
    largest = float(np.abs(np.linalg.lstsq(X, y, rcond=None)[0]).max(initial=0.0))
    low, high = orbits.ends(BEYOND * max(largest, float(np.abs(orbits.start).max())))
    if np.isinf(low).all() and np.isinf(high).all():
        return
    ends = float(low.max()), float(high.min())
    # Unknowns beta and the room t that every orbit with an end leaves, in units of its distance from the start: maximise t.
    # In units of the data, since the program's own tolerances are absolute.
    low, high, y, start = (each / largest if largest > 0 else each for each in (low, high, y, orbits.start))
    rooms = [np.where(np.isfinite(end), np.abs(end - start), 0.0) for end in (low, high)]
    inputs = X.shape[1]
    above = np.concatenate([-np.eye(inputs), rooms[0][:, None]], axis=1)[np.isfinite(low)]
    below = np.concatenate([np.eye(inputs), rooms[1][:, None]], axis=1)[np.isfinite(high)]
    program = linprog(
        np.r_[np.zeros(inputs), -1.0],
        A_ub=np.concatenate([above, below]),
        b_ub=np.r_[-low[np.isfinite(low)], high[np.isfinite(high)]],
        A_eq=np.c_[X, np.zeros(len(y))],
        b_eq=y,
        bounds=[(None, None)] * inputs + [(0, 1)],
    )
    if program.status == 2 or (program.status == 0 and program.x[-1] <= 0):
        raise InputError(
            f"the orbit ends before the data are fitted: beta stays between {ends[0]:.3g} and {ends[1]:.3g} in some "
            "coordinate, and no such beta has X beta = y; start elsewhere"
        )
