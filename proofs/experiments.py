"""Numerical witnesses: networks trained by the integrated flow, against the certified minimiser of the norm that is claimed.

Every budget is stated here, before any run. Each run is named by its seed and kept for the process, so that a twin costs a
minimisation but no second training.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from normtheory import exact
from normtheory.arrays import FloatArray
from normtheory.networks import DiagonalNetwork, Weights
from normtheory.proofs import setting
from normtheory.proofs.package_numerics import Formula, random_weights
from normtheory.tasks import Task, generalisation_loss, teacher_student

PROBLEMS = 4
# Relative distance of a flow's endpoint from the minimiser: the integrator's local tolerance is 1e-8 and its errors add up over
# a few hundred steps, but the dynamics contract towards the data; 1e-6 leaves two decades and is far below any wrong formula.
FLOW_BUDGET = 1e-6


def relative_distance(a: FloatArray, b: FloatArray) -> float:
    """||a - b|| / ||b||."""
    return float(np.linalg.norm(a - b) / np.linalg.norm(b))


def random_starts(squared: Formula, start: Formula) -> float:
    """Largest relative distance of the flow's endpoint, from random weights, from the minimiser of the stated divergence."""
    from normtheory.solvers.newton import minimize

    deviations = []
    for seed in range(PROBLEMS):
        task, weights, end = _flow_from_random_weights(seed)
        k, beta0 = np.sqrt(squared(*weights.stacked())), start(*weights.stacked())
        deviations.append(relative_distance(end, minimize(task.X, task.y, k, beta0).beta))
    return max(deviations)


@cache
def _flow_from_random_weights(seed: int) -> tuple[Task, Weights, FloatArray]:
    from normtheory.solvers.flow import gradient_flow

    task = small_task(inputs=30, samples=8, seed=seed)
    weights = random_weights(30, seed=seed + 1)
    return task, weights, gradient_flow(DiagonalNetwork(), task, weights, rtol=1e-8).beta


def common_starts() -> float:
    """Largest relative distance of endpoints, from random starts with w_+ = w_- and v_+ = v_-, from the minimiser of Eq. 21."""
    from normtheory.solvers.newton import minimize

    deviations = []
    for seed in range(PROBLEMS):
        task, start, end = _flow_from_common_start(seed)
        deviations.append(relative_distance(end, minimize(task.X, task.y, start.w_plus**2 + start.v_plus**2).beta))
    return max(deviations)


def slopes_outside_rows(slope: Formula) -> float:
    """Largest share of a penalty's gradient, a formula in (beta, w, v), outside the row space of X, at those endpoints."""
    shares = []
    for seed in range(PROBLEMS):
        task, start, end = _flow_from_common_start(seed)
        gradient = slope(end, start.w_plus, start.v_plus)
        multipliers, *_ = np.linalg.lstsq(task.X.T, gradient, rcond=None)
        shares.append(relative_distance(task.X.T @ multipliers, gradient))
    return max(shares)


@cache
def _flow_from_common_start(seed: int) -> tuple[Task, Weights, FloatArray]:
    from normtheory.solvers.flow import gradient_flow

    task, start = small_task(inputs=30, samples=8, seed=seed), random_weights(30, seed=seed + 1)
    weights = Weights(start.w_plus, start.w_plus, start.v_plus, start.v_plus)
    return task, weights, gradient_flow(DiagonalNetwork(), task, weights, rtol=1e-8).beta


@cache
def least_weights_gap() -> float:
    """Relative gap between the least squared weights, found on the weights by SLSQP from several starts, and the l1,2 program.

    Four inputs, one main and two auxiliary samples: 24 weights under 3 constraints.
    """
    from scipy.optimize import minimize

    from normtheory.solvers.programs import minimize_l12

    main, aux = small_task(inputs=4, samples=1, seed=2), small_task(inputs=4, samples=2, seed=3)
    optimum = minimize_l12(main.X, main.y, aux.X, aux.y).certificate.objective

    def residuals(weights: FloatArray) -> FloatArray:
        first, second = weights[:8].reshape(2, 4), weights[8:].reshape(2, 2, 4)
        beta = second[0] * first[0] - second[1] * first[1]
        return np.concatenate([main.X @ beta[0] - main.y, aux.X @ beta[1] - aux.y])

    draw, found = np.random.default_rng(np.random.SeedSequence((24, 3))), []
    for _ in range(PROBLEMS):
        run = minimize(
            lambda weights: float(weights @ weights),
            draw.standard_normal(24),
            jac=lambda weights: 2 * weights,
            constraints={"type": "eq", "fun": residuals},
            method="SLSQP",
            options={"ftol": 1e-12, "maxiter": 500},
        )
        if np.abs(residuals(run.x)).max() < 1e-8:
            found.append(run.fun)
    return float(abs(min(found) / optimum - 1))


def active_inputs_beyond_samples() -> int:
    """Largest number of inputs that a least-l1 solution of a random problem uses, beyond its number of samples (0 if fewer)."""
    from normtheory.solvers.programs import minimize_l1

    most = 0
    for seed in range(PROBLEMS):
        task = small_task(inputs=20, samples=5, seed=seed)
        beta = minimize_l1(task.X, task.y).beta
        most = max(most, int(np.sum(np.abs(beta) > 1e-5 * np.abs(beta).max())) - task.samples)
    return max(most, 0)


def pretraining_deviation() -> float:
    """Largest difference of `exact.pretraining` from weights that flow has halfway to its data, relative to them."""
    from normtheory.solvers.flow import gradient_flow

    task, alpha = small_task(inputs=30, samples=8, seed=5), 0.2
    start = Weights.constant(30, alpha)
    halfway = float(np.mean(task.y**2)) / 4
    flow = gradient_flow(DiagonalNetwork(), task, start, rtol=1e-8, loss=halfway).weights
    closed = exact.pretraining(DiagonalNetwork().effective_map(flow), alpha)
    return float(np.abs(closed.stacked() - flow.stacked()).max() / np.abs(flow.stacked()).max())


def rescaled_endpoints(units: Formula, reset: Formula) -> float:
    """Relative distance of an endpoint from that without rescaling, in other units and with another reset, both integrated.

    Units and reset are formulas in (c, gamma): c^2 and gamma/c by theory.
    """
    from normtheory.solvers.training import pretrain_finetune

    tasks = teacher_student(12, 6, features=6, features_aux=6, inputs=60, samples_aux=40, seed=2)
    task, c, gamma = tasks.main, 0.6, 0.2
    common: dict[str, Any] = {"beta_aux": tasks.teacher_aux, "alpha": 0.1, "rtol": 1e-8}
    scaled = pretrain_finetune(task.X, task.y, gamma=gamma, rescale=c, **common).beta
    unit = units(c, gamma)
    unscaled = pretrain_finetune(task.X, task.y / unit, gamma=reset(c, gamma), **common).beta
    return relative_distance(unit * unscaled, scaled)


def probing_deviations(endpoint: Formula) -> tuple[float, float]:
    """Largest relative distances of a formula for the end of probing from `exact.probing`, and from the flow itself.

    The formula takes (X, y, weights, beta(0)).
    """
    from scipy.linalg import expm

    package, flow = [], []
    for task, weights in probing_problems():
        X, y = task.X, task.y
        features = np.hstack([X * weights.w_plus, -X * weights.w_minus])
        second = np.concatenate([weights.v_plus, weights.v_minus])
        stated = endpoint(X, y, weights, DiagonalNetwork().effective_map(weights))
        package.append(relative_distance(exact.probing(weights, X, y), stated))
        # v' = -2 F^T (F v - y), a linear equation in (v, 1), until its slowest direction has decayed by exp(-60).
        pace = np.linalg.svd(features, compute_uv=False) ** 2
        time = 30 / pace[pace > 1e-10 * pace[0]].min()
        generator = -2 * np.vstack([np.column_stack([features.T @ features, -features.T @ y]), np.zeros(second.size + 1)])
        v_plus, v_minus = np.split((expm(time * generator) @ np.append(second, 1.0))[:-1], 2)
        flow.append(relative_distance(weights.w_plus * v_plus - weights.w_minus * v_minus, stated))
    return max(package), max(flow)


@cache
def probing_problems() -> tuple[tuple[Task, Weights], ...]:
    """Problems of linear probing: independent samples; repeated ones; and samples that depend on each other, nothing fitting.

    The last three have dead weights: a third of the inputs without a first layer, another third without its minus pathway.
    """
    few, many = small_task(inputs=30, samples=8, seed=6), small_task(inputs=12, samples=40, seed=8)
    twice = Task(np.vstack([few.X, few.X[:3]]), np.concatenate([few.y, few.y[:3]]))
    against = Task(twice.X, np.concatenate([few.y, few.y[:3] + 1]))
    mixed = Task(np.vstack([few.X, few.X[:4] + few.X[4:]]), np.concatenate([few.y, few.y[:4] - few.y[4:]]))
    alive = random_weights(30, seed=7)
    return (
        (few, alive),
        (twice, alive),
        (against, _dying(alive)),
        (mixed, _dying(alive)),
        (many, _dying(random_weights(12, 9))),
    )


def _dying(weights: Weights) -> Weights:
    third, two_thirds = weights.size // 3, 2 * weights.size // 3
    w_plus, w_minus = weights.w_plus.copy(), weights.w_minus.copy()
    w_plus[:third], w_minus[:two_thirds] = 0, 0
    return Weights(w_plus, w_minus, weights.v_plus, weights.v_minus)


def finetuned_endpoints(squared: Formula, start: Formula) -> float:
    """Largest relative distance of trained networks from the minimiser of the stated norm, at 60 inputs, three settings."""
    return max(
        relative_distance(run.beta, run.predicted(squared, start))
        for run in (small_run(0.3, 0.2, 0.7), small_run(0.05, 0.3, 1.5), small_run(0.1, 0.1, 1.0))
    )


@dataclass(frozen=True, eq=False)
class FinetunedNetwork:
    """A network trained through both phases, and what it was trained on."""

    task: Task
    teacher: FloatArray
    beta_aux: FloatArray
    alpha: float
    gamma: float
    rescale: float
    beta: FloatArray

    def predicted(self, squared: Formula, start: Formula) -> FloatArray:
        """Minimiser of the norm whose scale and start are formulas in (beta_aux, alpha, gamma, c)."""
        from normtheory.solvers.newton import minimize

        setting = (self.beta_aux, self.alpha, self.gamma, self.rescale)
        return minimize(self.task.X, self.task.y, np.sqrt(squared(*setting)), start(*setting)).beta

    def generalisation(self, beta: FloatArray) -> float:
        """Population loss of a predictor on the main task."""
        return generalisation_loss(beta, self.teacher)


@cache
def small_run(alpha: float, gamma: float, rescale: float) -> FinetunedNetwork:
    """60 inputs, 12 main samples, 40 auxiliary ones; 6 of 6 features shared; both phases integrated."""
    from normtheory.solvers.training import pretrain_finetune

    tasks = teacher_student(12, 6, features=6, features_aux=6, inputs=60, samples_aux=40, seed=1)
    task, aux = tasks.main, tasks.aux
    run = pretrain_finetune(task.X, task.y, X_aux=aux.X, y_aux=aux.y, alpha=alpha, gamma=gamma, rescale=rescale, rtol=1e-8)
    return FinetunedNetwork(task, tasks.teacher, run.beta_aux, alpha, gamma, rescale, run.beta)


@cache
def paper_run() -> FinetunedNetwork:
    """The paper's setting, all features shared.

    Pretraining is perfect: its predictor is the auxiliary teacher, which 1024 samples determine.
    """
    from normtheory.solvers.training import pretrain_finetune

    tasks = setting.tasks()
    task, alpha, gamma = tasks.main, float(setting.ALPHA), float(setting.GAMMA)
    run = pretrain_finetune(task.X, task.y, beta_aux=tasks.teacher_aux, alpha=alpha, gamma=gamma, rtol=1e-8)
    return FinetunedNetwork(task, tasks.teacher, run.beta_aux, alpha, gamma, 1.0, run.beta)


def paper_loss(
    squared: Formula, start: Formula, seed: int, beta_aux: FloatArray | None = None, samples: int = setting.SAMPLES
) -> float:
    """Generalisation loss of the minimiser of a norm, as in `FinetunedNetwork.predicted`, in a realisation.

    Pretraining is complete, unless another predictor is given.
    """
    from normtheory.solvers.newton import minimize

    tasks = setting.tasks(seed=seed, samples=samples)
    learned = tasks.teacher_aux if beta_aux is None else beta_aux
    given = (learned, float(setting.ALPHA), float(setting.GAMMA), 1.0)
    beta = minimize(tasks.main.X, tasks.main.y, np.sqrt(squared(*given)), start(*given)).beta
    return generalisation_loss(beta, tasks.teacher)


@cache
def stopped_pretraining() -> FloatArray:
    """Predictor (D,) where the published pretraining stops: 1024 samples in 1000 dimensions leave some directions unlearned."""
    from normtheory.solvers.flow import gradient_flow

    start = Weights.constant(setting.INPUTS, float(setting.ALPHA))
    end = gradient_flow(DiagonalNetwork(), setting.tasks().aux, start, rtol=1e-5, loss=setting.PRETRAINING_LOSS)
    return np.asarray(end.beta)


def paper_minimiser(linear: Formula) -> FloatArray:
    """Minimiser, on the task of `paper_run`, of the Q penalty at the exact scales k less linear(beta(0), k) . beta."""
    from normtheory.solvers.newton import minimize

    run = paper_run()
    k, start = exact.finetuning(run.beta_aux, run.alpha, run.gamma)
    return minimize(run.task.X, run.task.y, k, k * np.sinh(linear(start, k) / 2)).beta


KEPT = 5  # features of the paper's sparsest main task


@cache
def nested_dimensions(
    rescale: float, seed: int = 0, *, kept: int = KEPT, features: int = setting.FEATURES, samples: int = setting.SAMPLES
) -> tuple[float, float, float]:
    """Participation ratio of the first layer before and after finetuning on a subset of the features, and what they share.

    Exact weights at the certified endpoint; weights and gamma are rescaled, the main weights are 1/kept, as in the paper's
    experiments. Inputs are white, so that an input's units, w_+ x and w_- x, only vary with each other: every trace is a
    sum over inputs.
    """
    from normtheory.solvers.newton import minimize

    tasks = teacher_student(
        samples,
        kept,
        features=kept,
        features_aux=features,
        magnitude=1 / kept,
        inputs=setting.INPUTS,
        samples_aux=setting.SAMPLES_AUX,
        seed=seed,
    )
    trained = exact.pretraining(tasks.teacher_aux, float(setting.ALPHA))
    start = exact.reset(exact.rescaled(trained, rescale), rescale * float(setting.GAMMA))
    end = minimize(tasks.main.X, tasks.main.y, *exact.scale_and_start(start)).beta
    before, after = (w.w_plus**2 + w.w_minus**2 for w in (trained, exact.weights_on_flow(start, end)))
    ratios = [float(x.sum() ** 2 / (x @ x)) for x in (before, after)]
    shared = (before @ after) * before.sum() * after.sum() / ((before @ before) * (after @ after))
    return ratios[0], ratios[1], float(shared)


def first_velocity(layer: int) -> tuple[float, float]:
    """The paper's auxiliary loss, summed over the samples, at its constant start, and the squared gradient in one layer."""
    aux, alpha = setting.tasks().aux, float(setting.ALPHA)
    start = Weights.constant(setting.INPUTS, alpha)
    loss = DiagonalNetwork().least_squares([aux], [float(aux.samples)])
    slope = loss.slope(start.stacked())[2 * layer : 2 * layer + 2]
    return loss.loss(start.stacked()), float(np.sum(slope**2))


def small_task(inputs: int, samples: int, seed: int) -> Task:
    """A task of normal inputs and targets."""
    draw = np.random.default_rng(np.random.SeedSequence((inputs, samples, seed)))
    return Task(draw.standard_normal((samples, inputs)), draw.standard_normal(samples))
