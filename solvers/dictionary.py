"""The least F_{1,2} norm of a ReLU network that fits its tasks: a convex program on a dictionary of directions that grows.

Networks of any width with unit directions theta_j and readouts m_j in R^O have the norm 2 sum_j ||m_j||_2 (Eq. 33), and on
a finite dictionary of directions its minimiser is that of l_{1,2} with the design (theta_j.x_i)_+
(`normtheory.solvers.groups`). Directions on which the dual constraint is violated are added, as in a Frank-Wolfe method
(Bach 2017, section 2.5), and the program is solved again. What remains is the certificate: a dual that violates the
constraint by a factor at most r on the whole sphere, divided by r, bounds the norm over all directions from below. The
factor is the largest that local ascents from many starts find: on a sphere of more than a few dimensions this is a search,
not a proof.

Where the auxiliary task is fitted first and exactly, as with as many samples as the paper's, its readouts are its
teacher's, and they enter as data: `pinned`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from normtheory.arrays import FloatArray, InputError
from normtheory.networks import ReLUWeights
from normtheory.solvers import groups
from normtheory.solvers.certificate import NotCertified, Solution
from normtheory.tasks import Task

ROUNDS = 60  # of growing at most
PATIENCE = 40  # rounds without a smaller norm that end the growing
ADDED = 60  # directions a round at most
KEPT = 4  # directions a sample that stay in the dictionary: those where the dual constraint is closest to its bound
STARTS = 400  # of the search for violated constraints, random ones, beside the directions in use
ASCENTS = 25  # steps of each
SMALL = 0.02  # excess of the dual constraint that ends the growing
TOLERANCE = 1e-4  # of each program
APART = 1e-4  # less than 1 by this the cosine of two directions must be: closer ones make programs singular


@dataclass(frozen=True, eq=False)
class LeastNorm:
    """The minimiser on the last dictionary.

    Attributes
    ----------
    weights : ReLUWeights
        Directions and readouts of the main task.
    norm : float
        Of both tasks together, the pinned one included.
    lower : float
        What no network of any directions is below, as far as the search for violated constraints has seen.
    excess : float
        Largest factor found, less 1, by which the dual violates its constraint.
    """

    weights: ReLUWeights
    norm: float
    lower: float
    excess: float


def least_norm(task: Task, pinned: ReLUWeights | None = None, more: FloatArray | None = None, *, seed: int = 0) -> LeastNorm:
    """Minimise the F_{1,2} norm of networks that fit a main task, and an auxiliary one that is given by its network.

    Parameters
    ----------
    task : Task
        The main task.
    pinned : ReLUWeights, optional
        The auxiliary network, of unit directions and one output; none: the main task is learned alone.
    more : array, shape (J, D), optional
        Unit directions to begin with, beside the pinned ones and random ones.
    seed : int
        Names the random directions.

    Raises
    ------
    InputError
        If pinned directions are not of unit length.
    NotCertified
        As `normtheory.solvers.groups.minimize`.
    """
    given = np.empty((0, task.inputs)) if pinned is None else pinned.hidden
    if not np.allclose(np.linalg.norm(given, axis=1), 1):
        raise InputError("pinned directions are not of length 1; divide them by their norm, and multiply the readout by it")
    draw = np.random.default_rng(np.random.SeedSequence((seed, task.samples, task.inputs), spawn_key=(20,)))
    free = _on_sphere(draw.standard_normal((2 * task.samples, task.inputs)))
    free = _apart(np.vstack([np.empty((0, task.inputs)) if more is None else more, free]), given)
    passed: list[LeastNorm] = []
    for _ in range(ROUNDS):
        units = np.vstack([given, free])
        aux = np.zeros(len(units)) if pinned is None else np.r_[pinned.readout[0], np.zeros(len(free))]
        try:
            solution = _solved(task, units, aux)
        except NotCertified:
            if not passed:
                raise
            break  # the last dictionary but one had a program that was solved
        dual = solution.dual[: task.samples]
        starts = np.vstack([units, _on_sphere(draw.standard_normal((STARTS, task.inputs)))])
        found, values = _violations(task, dual, starts)
        excess = max(float(values.max()) / 2 - 1, 0.0)
        norm = float(2 * np.hypot(solution.beta[0], aux).sum())
        lower = float(solution.certificate.dual_objective / (1 + excess))
        passed.append(LeastNorm(ReLUWeights(units, solution.beta[0][None]), norm, lower, excess))
        stalled = len(passed) > PATIENCE and norm > (1 - TOLERANCE) * passed[-1 - PATIENCE].norm
        if excess <= SMALL or stalled:
            break
        free = free[np.argsort(-_pull(task, dual, free)[0])[: KEPT * task.samples]]
        free = np.vstack([free, _apart(found, np.vstack([given, free]))[:ADDED]])
    return passed[-1]


def _solved(task: Task, units: FloatArray, aux: FloatArray) -> Solution:
    """The program on these directions; a pinned task is one with a sample for each direction, which leaves no choice."""
    features = np.maximum(task.X @ units.T, 0)
    if not aux.any():
        return groups.minimize([(features, task.y)], tol=TOLERANCE)
    return groups.minimize_pair(features, task.y, np.eye(len(units)), aux, tol=TOLERANCE)


def _violations(task: Task, dual: FloatArray, starts: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Unit directions and |sum_i dual_i (theta.x_i)_+| there, where ascents end that violate the constraint |.| <= 2.

    A step goes to the maximum of what the function would be if no sample changed sides, half of the way where that falls.
    """
    points, step = starts, np.ones((len(starts), 1))
    value = _pull(task, dual, points)[0]
    for _ in range(ASCENTS):
        _, slope = _pull(task, dual, points)
        tried = _on_sphere((1 - step) * points + step * _on_sphere(slope))
        there = _pull(task, dual, tried)[0]
        better = there > value
        points, value = np.where(better[:, None], tried, points), np.where(better, there, value)
        step = np.where(better[:, None], np.minimum(2 * step, 1.0), step / 2)
    best = np.argsort(-value)[: 4 * ADDED]
    return points[best], value[best]


def _apart(units: FloatArray, others: FloatArray) -> FloatArray:
    """Those of the units that are near none of the others and none before them."""
    units = units[np.all(units @ others.T < 1 - APART, axis=1)]
    near = np.tril(units @ units.T >= 1 - APART, -1)
    kept = np.ones(len(units), dtype=bool)
    for place in range(len(units)):
        kept[place] = not near[place][kept].any()
    return units[kept]


def _pull(task: Task, dual: FloatArray, points: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The function's values, (J,), and slopes, (J, D)."""
    active = points @ task.X.T > 0
    slope = (active * dual) @ task.X
    value = np.sum(slope * points, axis=1)
    return np.abs(value), np.sign(value)[:, None] * slope


def _on_sphere(rows: FloatArray) -> FloatArray:
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(norms > 0, norms, 1.0))
