"""Single-task training from large and from small weights: how fast its endpoints approach the least norms, on random problems.

Endpoints are the certified minimisers of the exact penalty, whose scale is 2 alpha^2: alpha may then be as small as 1e-49. At a
few scales the integrated flow is a second route to them. The problems are the first ones of their seeds, none left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from normtheory import exact
from normtheory.arrays import FloatArray
from normtheory.networks import Weights
from normtheory.proofs.experiments import relative_distance, small_task
from normtheory.tasks import Task

PROBLEMS, INPUTS, SAMPLES = 20, 12, 4
RATE_BUDGET = 0.05  # absolute, on a power of alpha: excludes the neighbours at 0.1
# Large scales: the distance is alpha^-4, to a relative order of alpha^-4; at alpha = 32 it is 1e-9, a thousand round-offs.
LAZY_SCALES = (4.0, 8.0, 16.0, 32.0)
LAZY_BUDGET = 1e-4  # relative, of the distance at the largest scale from its leading order: 1e-9 at a tolerance of 1e-13
RIDGE_BUDGET = 1e-7  # relative: normal equations whose condition is 1e8 at the smallest weight
# Small scales: the distance is alpha^(2 (1 - m)), and m, the largest of a problem's slopes, may be close to 1 or to the second
# largest. So each problem is followed far down, to a distance of about 1e-10 or as far as the minimiser takes alpha.
NEAREST, SMALLEST = 1e-10, 1e-49
RICH_POINTS = 4  # between SMALLEST^(3/4) and SMALLEST
RIDGE_WEIGHTS = (1.0, 1e-3, 1e-6)
FLOW_SCALES = (1e-3, 0.1, 4.0)  # where the integrated flow is compared with the minimiser, on so many problems:
FLOW_PROBLEMS = 2


def _task(seed: int) -> Task:
    return small_task(INPUTS, SAMPLES, seed)


def _end(task: Task, alpha: float, tol: float) -> FloatArray:
    from normtheory.solvers.newton import minimize

    return minimize(task.X, task.y, exact.scale_and_start(Weights.constant(INPUTS, alpha))[0], tol=tol).beta


def least_l2(task: Task) -> FloatArray:
    """The interpolator of least l2 norm (D,)."""
    return np.asarray(np.linalg.lstsq(task.X, task.y, rcond=None)[0])


@dataclass(frozen=True, eq=False)
class LeastL1:
    """The interpolator of least l1 norm, and the largest dual slope |x_d . nu| of an input that it does not use."""

    beta: FloatArray
    steepest: float


def least_l1(task: Task) -> LeastL1:
    """The vertex that the simplex method finds, solved for anew; its dual shows it to be the only one of least norm.

    Raises
    ------
    RuntimeError
        If it is not the only one, or uses fewer inputs than there are samples.
    """
    from scipy.optimize import linprog

    samples, inputs = task.X.shape
    found = linprog(np.ones(2 * inputs), A_eq=np.hstack([task.X, -task.X]), b_eq=task.y, method="highs-ds").x
    used = np.flatnonzero(np.abs(found[:inputs] - found[inputs:]) > 1e-9)
    if used.size != samples:
        raise RuntimeError(f"the least l1 solution uses {used.size} inputs of {samples} samples")
    beta = np.zeros(inputs)
    beta[used] = np.linalg.solve(task.X[:, used], task.y)
    nu = np.linalg.solve(task.X[:, used].T, np.sign(beta[used]))
    steepest = float(np.delete(np.abs(task.X.T @ nu), used).max())
    if not steepest < 1:
        raise RuntimeError(f"the least l1 solution is not the only one: an unused input has the dual slope {steepest:.17g}")
    return LeastL1(beta, steepest)


@dataclass(frozen=True)
class Rate:
    """The power of alpha in a problem's distances, fitted over several scales, and what the problem is known by."""

    power: float
    steepest: float = 0.0  # for small scales: the largest dual slope of an unused input
    off: float = 0.0  # for large scales: relative distance of the difference from its leading order, at the largest


def _power(scales: Any, distances: list[float]) -> float:
    return float(np.polyfit(np.log(scales), np.log(distances), 1)[0])


@cache
def lazy_rates() -> tuple[Rate, ...]:
    """For each problem, at large scales, the power in the distance from the least l2 norm, and its leading order."""
    return tuple(_lazy_rate(_task(seed)) for seed in range(PROBLEMS))


def _lazy_rate(task: Task) -> Rate:
    target = least_l2(task)
    cube = target**3 / 24
    unseen = cube - np.linalg.pinv(task.X) @ (task.X @ cube)
    differences = [_end(task, alpha, 1e-13) - target for alpha in LAZY_SCALES]
    power = _power(LAZY_SCALES, [float(np.linalg.norm(difference)) for difference in differences])
    return Rate(power, off=relative_distance(differences[-1] * LAZY_SCALES[-1] ** 4, unseen))


@cache
def rich_rates() -> tuple[Rate, ...]:
    """For each problem, at small scales, the power in the distance from the least l1 norm, and its dual slope."""
    return tuple(_rich_rate(_task(seed)) for seed in range(PROBLEMS))


def _rich_rate(task: Task) -> Rate:
    least = least_l1(task)
    smallest = max(NEAREST ** (0.5 / (1 - least.steepest)), SMALLEST)
    scales = np.geomspace(smallest**0.75, smallest, RICH_POINTS)
    distances = [relative_distance(_end(task, alpha, 1e-10), least.beta) for alpha in scales]
    return Rate(_power(scales, distances), least.steepest)


@cache
def flow_gap() -> float:
    """Largest relative distance of endpoints of the integrated flow from the minimisers, at large and at small scales."""
    from normtheory.solvers.training import single_task

    gaps = []
    for seed in range(FLOW_PROBLEMS):
        task = _task(seed)
        for alpha in FLOW_SCALES:
            end = single_task(task.X, task.y, alpha=alpha, rtol=1e-9).beta
            gaps.append(relative_distance(end, _end(task, alpha, 1e-10)))
    return max(gaps)


@cache
def probing_gap() -> float:
    """Largest relative distance of linear probing from equal weights, of several sizes, from the least l2 norm."""
    gaps = []
    for seed in range(PROBLEMS):
        task = _task(seed)
        ends = (exact.probing(Weights.constant(INPUTS, alpha), task.X, task.y) for alpha in FLOW_SCALES)
        gaps += [relative_distance(end, least_l2(task)) for end in ends]
    return max(gaps)


def ridge_gap(share: Any, weight: Any) -> float:
    """Largest relative distance of ridge regression, solved by its normal equations, from a share of the least l2 norm.

    The share is a formula in an eigenvalue of X^T X and a number, taken along each eigenvector; the weight one in that number.
    Weights below the smallest listed are left out: normal equations do not resolve them.
    """
    gaps = []
    for seed in range(PROBLEMS):
        task = _task(seed)
        _, sizes, directions = np.linalg.svd(task.X, full_matrices=False)
        for number in (each for each in RIDGE_WEIGHTS if weight(each) >= min(RIDGE_WEIGHTS)):
            ridge = np.linalg.solve(task.X.T @ task.X + weight(number) * np.eye(INPUTS), task.X.T @ task.y)
            stated = directions.T @ (share(sizes**2, number) * (directions @ least_l2(task)))
            gaps.append(relative_distance(ridge, stated))
    return max(gaps)
