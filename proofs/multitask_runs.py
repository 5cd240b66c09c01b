"""Numerical witnesses on multi-task training: flows of networks with two outputs against the minimisers that are claimed.

Every budget is stated here, before any run. Each run is named by its seed and kept for the process, so that a twin costs a
comparison but no second training.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np

from normtheory.arrays import FloatArray
from normtheory.networks import DiagonalNetwork, Weights
from normtheory.proofs import setting
from normtheory.tasks import Task, generalisation_loss

Target = Literal["l12", "l1", "l2"]

NETWORK = DiagonalNetwork(2)
RTOL = 1e-5  # what is compared differs by 1e-3 and more
ALPHAS = (1e-1, 1e-2, 1e-4, 1e-6, 1e-8)
PROBLEMS = 4

# Pinned auxiliary task: the flow's distance from the limit is first order in 1/weight and in alpha. At alpha = 1e-5 the second
# is a few 1e-5 and the first, at the largest weight, a few 1e-4 to 1e-3; the slope is bent a little by both ends.
AUXILIARY_WEIGHTS = (1e2, 1e3, 1e4)
PINNED_ALPHA = 1e-5
PINNED_BUDGET = 5e-3
RATE_BUDGET = 0.1

# Weight decay: the minimiser of loss + decay * norm is at a distance of first order in the decay, with a constant of order 10;
# where a coordinate is still dead at the largest decay the fitted slope is a little below 1.
DECAYS = (1e-2, 1e-3, 1e-4)
DECAY_PROBLEMS = 3
DECAY_BUDGET = 1e-2
DECAY_RATE_BUDGET = 0.25
NORM_BUDGET = (
    1e-6  # relative excess of the norm under decay over the least: none by theory, the conic solver's tolerance is 1e-7
)

NO_FLOW_REACHES = 1e-2  # excess over the least l1,2 norm that "approximates parameter-norm minimisation" could still mean


def l12_norm(beta: FloatArray) -> float:
    """2 sum_d ||beta_{.,d}||_2 of predictors (2, D)."""
    return float(2 * np.sum(np.hypot(*beta)))


@cache
def problem(seed: int) -> tuple[Task, Task]:
    """Two random tasks of 24 inputs, 8 and 12 samples, whose teachers have 3 and 4 features, 3 of them shared."""
    from normtheory.tasks import teacher_student

    tasks = teacher_student(8, 3, features=3, features_aux=4, inputs=24, samples_aux=12, seed=seed)
    return tasks.main, tasks.aux


@cache
def minimiser(seed: int, target: Target) -> FloatArray:
    """Predictors (2, D) of least norm that fit both tasks of a problem; l1 and l2 act on each task by itself."""
    from normtheory.solvers import programs

    main, aux = problem(seed)
    if target == "l12":
        return programs.minimize_l12(main.X, main.y, aux.X, aux.y).beta
    alone = programs.minimize_l1 if target == "l1" else programs.minimize_l2
    return np.stack([alone(task.X, task.y).beta for task in (main, aux)])


@cache
def flow_endpoints(alpha: float, *, equal_weights: bool = False) -> tuple[FloatArray, ...]:
    """Endpoints (2, D) of gradient flow from constant weights alpha, one per problem; of the pooled loss by default."""
    from normtheory.solvers.flow import gradient_flow

    starts = Weights.constant(24, alpha, outputs=2)
    shares = (1.0, 1.0) if equal_weights else None
    return tuple(gradient_flow(NETWORK, problem(seed), starts, rtol=RTOL, task_weights=shares).beta for seed in range(PROBLEMS))


def excess(alpha: float, *, equal_weights: bool = False) -> list[float]:
    """Relative excess of the endpoints' l1,2 norm over the least, one per problem."""
    least = [l12_norm(minimiser(seed, "l12")) for seed in range(PROBLEMS)]
    return [
        l12_norm(end) / norm - 1 for end, norm in zip(flow_endpoints(alpha, equal_weights=equal_weights), least, strict=True)
    ]


@dataclass(frozen=True)
class PaperFlow:
    """The paper's tasks trained at once: how far the flow ends from two minimisers, relative, and what they generalise to.

    `excess` is that of the flow's l1,2 norm over the least, relative.
    """

    excess: float
    loss: float
    l12_loss: float
    l12_distance: float
    pinned_distance: float


@cache
def paper_flow() -> PaperFlow:
    """Both of the paper's tasks, pooled, all features shared, against least l1,2 norm and the pinned flow from its alpha.

    1024 samples in 1000 dimensions determine the auxiliary predictor, so that the minimisers are given it.
    """
    from normtheory.solvers import programs
    from normtheory.solvers.newton import minimize_separable
    from normtheory.solvers.pinned import PinnedOrbits
    from normtheory.solvers.training import multi_task

    tasks, alpha = setting.tasks(), float(setting.ALPHA)
    main, aux, beta_aux = tasks.main, tasks.aux, tasks.teacher_aux
    beta = multi_task(main.X, main.y, aux.X, aux.y, alpha=alpha, rtol=RTOL, loss=setting.LOSS).beta
    least = programs.minimize_l12(main.X, main.y, np.eye(setting.INPUTS), beta_aux).beta
    pinned = minimize_separable(main.X, main.y, PinnedOrbits(beta_aux, alpha)).beta
    distances = [float(np.linalg.norm(beta[0] - aim) / np.linalg.norm(aim)) for aim in (least[0], pinned)]
    losses = [generalisation_loss(main_predictor, tasks.teacher) for main_predictor in (beta[0], least[0])]
    return PaperFlow(l12_norm(beta) / l12_norm(least) - 1, *losses, *distances)


@cache
def decayed_endpoint(seed: int, decay: float) -> FloatArray:
    """Endpoint (2, D) of gradient flow with weight decay from constant weights 0.1, at rest."""
    from normtheory.solvers.flow import gradient_flow

    return gradient_flow(NETWORK, problem(seed), Weights.constant(24, 0.1, outputs=2), rtol=RTOL, decay=decay).beta


def approach(target: Target, *, by_decay: bool) -> tuple[float, float, float]:
    """How endpoints approach a minimiser as the decay, or instead the initialisation, tends to 0.

    Returns
    -------
    distance, slope, excess : floats
        Largest relative distance at the smallest value; of the fitted slopes of log distance the one farthest from 1; largest
        relative excess of the l1,2 norm over the least at the smallest value.
    """
    distances, slopes, over = [], [], []
    for seed in range(DECAY_PROBLEMS):
        ends = [decayed_endpoint(seed, value) if by_decay else flow_endpoints(value)[seed] for value in DECAYS]
        aim, least = minimiser(seed, target), l12_norm(minimiser(seed, "l12"))
        away = [float(np.linalg.norm(end - aim) / np.linalg.norm(aim)) for end in ends]
        distances.append(away[-1])
        slopes.append(float(np.polyfit(np.log(DECAYS), np.log(away), 1)[0]))
        over.append(l12_norm(ends[-1]) / least - 1)
    return max(distances), max(slopes, key=lambda slope: abs(slope - 1)), max(over)


@cache
def pinned_problem() -> tuple[Task, Task, FloatArray]:
    """12 inputs; 4 main samples; 24 auxiliary ones with orthogonal columns, and their predictor, away from 0 throughout."""
    draw = np.random.default_rng(np.random.SeedSequence((12, 4, 24)))
    X_aux = np.linalg.qr(draw.standard_normal((24, 12)))[0] * np.sqrt(24)
    beta_aux = draw.uniform(0.5, 1.5, 12) * draw.choice([-1.0, 1.0], 12)
    X = draw.standard_normal((4, 12))
    return Task(X, X @ draw.standard_normal(12)), Task(X_aux, X_aux @ beta_aux), beta_aux


@cache
def pinned_endpoint(weight: float) -> FloatArray:
    """Main predictor (D,) at the end of the flow when the auxiliary loss weighs `weight` times the main one."""
    from normtheory.solvers.flow import gradient_flow

    main, aux, _ = pinned_problem()
    start, reach = Weights.constant(12, PINNED_ALPHA, outputs=2), 1e-12 * float(np.mean(main.y**2))
    return np.asarray(gradient_flow(NETWORK, (main, aux), start, rtol=RTOL, task_weights=(1, weight), loss=reach).beta[0])


def pinned_distances() -> list[float]:
    """Relative distance of the flow's endpoint from the pinned minimiser, for each auxiliary weight."""
    aim = _pinned_minimiser()
    return [float(np.linalg.norm(pinned_endpoint(w) - aim) / np.linalg.norm(aim)) for w in AUXILIARY_WEIGHTS]


def pinned_l12_distance() -> float:
    """Relative distance between the l1,2 minimiser of the pinned problem and the pinned minimiser."""
    from normtheory.solvers import programs

    main, aux, _ = pinned_problem()
    aim = _pinned_minimiser()
    return float(np.linalg.norm(programs.minimize_l12(main.X, main.y, aux.X, aux.y).beta[0] - aim) / np.linalg.norm(aim))


@cache
def _pinned_minimiser() -> FloatArray:
    """Minimiser of sum b arcsinh(b/|a|) subject to X b = y, certified."""
    from normtheory.solvers.newton import minimize_separable
    from normtheory.solvers.pinned import PinnedMultiTask

    main, _, beta_aux = pinned_problem()
    return minimize_separable(main.X, main.y, PinnedMultiTask(beta_aux)).beta
