"""Single-task training from large and from small weights: how fast its endpoints approach the least norms."""

from __future__ import annotations

from functools import cache

import numpy as np

from normtheory.arrays import FloatArray
from normtheory.proofs.experiments import relative_distance, small_task
from normtheory.tasks import Task

# Rates in the initialisation scale. The exact penalty differs from its limit by a power of alpha that theory gives; the
# integrator adds about 1e-9. Powers are read off two scales, where higher orders still bend them by a few per cent.
LAZY_ALPHAS = (2.0, 4.0)


RICH_ALPHAS = (1e-4, 1e-6)


LAZY_BUDGET = 1e-4  # at alpha = 4: (|beta|/k)^2/6 with k = 32 and |beta| below 1/2


RICH_BUDGET = 1e-3  # at alpha = 1e-6: alpha^(2 (1 - m)) is 2.5e-4 at the least margin 1 - m


RATE_BUDGET = 0.1  # relative, on a power


LEAST_MARGIN = 0.3  # problems are drawn until the unused inputs' dual slopes stay this far below 1 and the used inputs'


LEAST_SHARE = 0.2  # weights are at least this part of the largest: rates then show at scales that float64 can hold


def single_task_distances(norm: str, alphas: tuple[float, ...], seed: int) -> list[float]:
    """Relative distance of single-task endpoints from the interpolator of least norm ("l1" or "l2"), one for each alpha."""
    from normtheory.solvers.programs import minimize_l1, minimize_l2

    task = _rich_task(seed)[0]
    target = {"l1": minimize_l1, "l2": minimize_l2}[norm](task.X, task.y, tol=1e-7).beta
    return [relative_distance(_single_task_end(seed, alpha), target) for alpha in alphas]


def rich_margin(seed: int) -> float:
    """1 - m, m the largest dual slope |x_d . nu| of an input that the least-l1 solution does not use."""
    return _rich_task(seed)[1]


@cache
def _rich_task(seed: int) -> tuple[Task, float]:
    from normtheory.solvers.programs import minimize_l1

    for draw in range(100):
        task = small_task(inputs=12, samples=4, seed=1000 * seed + draw)
        solution = minimize_l1(task.X, task.y)
        shares = np.abs(solution.beta) / np.abs(solution.beta).max()
        used = shares > 1e-5
        margin = 1 - float(np.abs(task.X.T @ solution.dual)[~used].max())
        if used.sum() == task.samples and margin > LEAST_MARGIN and shares[used].min() > LEAST_SHARE:
            return task, margin
    raise RuntimeError(f"no problem of seed {seed} has a margin of {LEAST_MARGIN}")


@cache
def _single_task_end(seed: int, alpha: float) -> FloatArray:
    from normtheory.solvers.training import single_task

    task = _rich_task(seed)[0]
    return single_task(task.X, task.y, alpha=alpha, rtol=1e-9).beta
