"""Numerical witnesses: networks trained by the integrated flow, against the certified minimiser of the norm that is claimed.

Every budget is stated here, before any run. Each run is named by its seed and kept for the process, so that a twin costs a
minimisation but no second training.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import mpmath
import numpy as np
import sympy as sp

from normtheory import exact
from normtheory.arrays import FloatArray
from normtheory.networks import DiagonalNetwork, Weights
from normtheory.penalties import L1, GroupL12, Q, WeightedL2
from normtheory.proofs import setting
from normtheory.representations import ensd, linear_cka, participation_ratio
from normtheory.tasks import Task, generalisation_loss, teacher_student

Formula = Callable[..., Any]

PROBLEMS = 4
# Relative distance of a flow's endpoint from the minimiser: the integrator's local tolerance is 1e-8 and its errors add up over
# a few hundred steps, but the dynamics contract towards the data; 1e-6 leaves two decades and is far below any wrong formula.
FLOW_BUDGET = 1e-6


def relative_distance(a: FloatArray, b: FloatArray) -> float:
    """||a - b|| / ||b||."""
    return float(np.linalg.norm(a - b) / np.linalg.norm(b))


def scale_deviation(squared: Formula, start: Formula) -> float:
    """Largest relative difference of formulas in the four weights from `exact.scale_and_start` on random weights."""
    weights = _random_weights(1000, seed=0)
    k, beta0 = exact.scale_and_start(weights)
    stated = squared(*weights.stacked())
    energy = np.sum(weights.stacked() ** 2, axis=0) / 2  # k^2 = energy^2 - beta0^2 cancels where a pathway is nearly dead
    errors = np.abs(k**2 - stated) / energy**2, np.abs(beta0 - start(*weights.stacked())) / energy
    return float(np.max(errors))


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

    task = _small_task(inputs=30, samples=8, seed=seed)
    weights = _random_weights(30, seed=seed + 1)
    return task, weights, gradient_flow(DiagonalNetwork(), task, weights, rtol=1e-8).beta


def common_starts() -> float:
    """Largest relative distance of endpoints, from random starts with w_+ = w_- and v_+ = v_-, from the minimiser of Eq. 21."""
    from normtheory.solvers.flow import gradient_flow
    from normtheory.solvers.newton import minimize

    deviations = []
    for seed in range(PROBLEMS):
        task, start = _small_task(inputs=30, samples=8, seed=seed), _random_weights(30, seed=seed + 1)
        weights = Weights(start.w_plus, start.w_plus, start.v_plus, start.v_plus)
        end = gradient_flow(DiagonalNetwork(), task, weights, rtol=1e-8).beta
        deviations.append(relative_distance(end, minimize(task.X, task.y, start.w_plus**2 + start.v_plus**2).beta))
    return max(deviations)


def least_weights_gap() -> float:
    """Relative gap between the least squared weights, found on the weights by SLSQP from several starts, and the l1,2 program.

    Four inputs, one main and two auxiliary samples: 24 weights under 3 constraints.
    """
    from scipy.optimize import minimize

    from normtheory.solvers.programs import minimize_l12

    main, aux = _small_task(inputs=4, samples=1, seed=2), _small_task(inputs=4, samples=2, seed=3)
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
        task = _small_task(inputs=20, samples=5, seed=seed)
        beta = minimize_l1(task.X, task.y).beta
        most = max(most, int(np.sum(np.abs(beta) > 1e-5 * np.abs(beta).max())) - task.samples)
    return max(most, 0)


def excess_deviation(formula: Formula) -> float:
    """Largest relative difference of `GroupL12.excess` from a formula in (|beta|, |beta_aux|), in 50 digits."""
    draw = np.random.default_rng(np.random.SeedSequence((12, 5)))
    b, a = np.abs(draw.standard_normal((2, 200))) * 10.0 ** draw.integers(-8, 3, (2, 200))
    computed = GroupL12().excess(b, a)
    with mpmath.workdps(50):
        exact_values = [formula(mpmath.mpf(x), mpmath.mpf(y)) for x, y in zip(b, a, strict=True)]
        return float(max(abs(mpmath.mpf(value) / true - 1) for value, true in zip(computed, exact_values, strict=True)))


def q_numerics_deviation(formula: Formula) -> float:
    """Largest relative difference of the float64 methods of `Q` from what a formula in (b, k) gives in 60 digits."""
    draw = np.random.default_rng(np.random.SeedSequence((21, 3)))
    b, b0 = draw.standard_normal((2, 40)) * 10.0 ** draw.integers(-3, 2, (2, 40))
    k, sigma = 10.0 ** draw.uniform(-3, 1, 40), draw.standard_normal(40) * 3
    q = Q(k)
    shift = 2 * (np.arcsinh(b / k) - np.arcsinh(b0 / k))
    found = [q.contributions(b), q.gradient(b), q.second_derivative(b), q.inverse_gradient(sigma), q.conjugate(sigma)]
    found += [q.divergence(b, b0), q.divergence_to(b0, shift)]
    with mpmath.workdps(60):
        rows = [[mpmath.mpf(float(value)) for value in row] for row in zip(b, b0, k, sigma, shift, strict=True)]
        stated = [_q_by_formula(formula, *row) for row in rows]
        deviations = [abs(found[m][d] / true - 1) for d, values in enumerate(stated) for m, true in enumerate(values)]
        totals = abs(q.value(b) / sum(values[0] for values in stated) - 1)
    return float(max(*deviations, totals))


def _q_by_formula(formula: Formula, b: Any, b0: Any, k: Any, sigma: Any, shift: Any) -> list[Any]:
    """Value, two derivatives, inverse gradient, conjugate and both divergences, from the formula and its derivatives alone."""

    def slope(x: Any) -> Any:
        return mpmath.diff(lambda z: formula(z, k), x)

    def divergence(x: Any, y: Any) -> Any:
        return formula(x, k) - formula(y, k) - slope(y) * (x - y)

    def at_slope(value: Any) -> Any:
        return mpmath.findroot(lambda z: slope(z) - value, k * mpmath.sinh(value / 2))

    inverse, moved = at_slope(sigma), at_slope(slope(b0) + shift)
    conjugate = sigma * inverse - formula(inverse, k)
    second = mpmath.diff(lambda z: formula(z, k), b, 2)
    return [formula(b, k), slope(b), second, inverse, conjugate, divergence(b, b0), divergence(b0, moved)]


def group_numerics_deviation(expression: Any, symbols: tuple[Any, Any]) -> float:
    """Largest difference of the float64 methods of `GroupL12` from an expression in (main, auxiliary), in units of its size."""
    draw = np.random.default_rng(np.random.SeedSequence((5, 12)))
    beta, penalty = draw.standard_normal((2, 50)), GroupL12()
    slopes = [sp.diff(expression, symbol) for symbol in symbols]
    forms = [expression, *slopes, *(sp.diff(slope, symbol) for slope in slopes for symbol in symbols)]
    stated = np.array([sp.lambdify(symbols, form)(*beta) for form in forms])
    curvature = penalty.second_derivative(beta).transpose(1, 2, 0).reshape(4, -1)
    found = np.array([penalty.contributions(beta), *penalty.gradient(beta), *curvature])
    total = abs(penalty.value(beta) / stated[0].sum() - 1)
    conjugate = penalty.conjugate(penalty.gradient(beta) * 0.999), penalty.conjugate(penalty.gradient(beta) * 1.001)
    right = np.all(conjugate[0] == 0) and np.all(np.isinf(conjugate[1]))  # the dual ball has the radius of the gradients
    scale = np.abs(stated).max(axis=1, keepdims=True)
    return float(max(np.abs((found - stated) / scale).max(), total)) if right else float("inf")


def norm_numerics_deviation(name: str, expression: Any) -> float:
    """Largest relative difference of the float64 methods of `L1` or `WeightedL2` from its expression, in b and the weight."""
    draw = np.random.default_rng(np.random.SeedSequence((1, 2)))
    b, weight = draw.standard_normal(50), draw.uniform(0.1, 10, 50)
    penalty = L1() if name == "l1" else WeightedL2(weight)
    symbols = sp.Symbol("b", real=True), sp.Symbol("w", positive=True)
    slope = sp.diff(expression, symbols[0])
    value, gradient = (sp.lambdify(symbols, form)(b, weight) for form in (expression, slope))
    # A convex function and its conjugate add up to the product at a pair of a point and its slope (Fenchel).
    sigma = penalty.gradient(b)
    fenchel = penalty.contributions(b) + penalty.conjugate(sigma) - b * sigma
    curved = np.zeros(50) if name == "l1" else sp.lambdify(symbols, sp.diff(slope, symbols[0]))(b, weight)
    parts = (penalty.contributions(b) / value - 1, sigma / gradient - 1, fenchel / value, penalty.second_derivative(b) - curved)
    total = abs(penalty.value(b) / np.sum(value) - 1)
    return float(max(*(np.abs(part).max() for part in parts), total))


def printed_deviation(scale: Formula) -> float:
    """Largest relative difference of `exact.printed_corollary1` from a scale in (|beta_aux|, gamma), its start being 0."""
    beta_aux = np.random.default_rng(np.random.SeedSequence((3, 2))).standard_normal(50)
    k, start = exact.printed_corollary1(beta_aux, 0.3)
    return float(np.abs(k / scale(np.abs(beta_aux), 0.3) - 1).max() + np.abs(start).max())


def unequal_deviation(scale: Formula, imbalance: Formula) -> float:
    """Largest relative difference of layer energies of `exact.pretraining` from unequal layers from the stated ones."""
    beta, first, second = np.random.default_rng(np.random.SeedSequence((4, 1))).standard_normal(50), 0.7, 0.2
    weights = exact.pretraining(beta, first, second)
    middle = np.hypot(beta, scale(first, second))
    energies = weights.w_plus**2 + weights.w_minus**2, weights.v_plus**2 + weights.v_minus**2
    stated = middle + imbalance(first, second), middle - imbalance(first, second)
    reached = np.abs(DiagonalNetwork().effective_map(weights) - beta) / middle
    return float(max(*(np.abs(a / b - 1).max() for a, b in zip(energies, stated, strict=True)), reached.max()))


def pretraining_deviation() -> float:
    """Largest difference of `exact.pretraining` from weights that flow has halfway to its data, relative to them."""
    from normtheory.solvers.flow import gradient_flow

    task, alpha = _small_task(inputs=30, samples=8, seed=5), 0.2
    start = Weights.constant(30, alpha)
    halfway = float(np.mean(task.y**2)) / 4
    flow = gradient_flow(DiagonalNetwork(), task, start, rtol=1e-8, loss=halfway).weights
    closed = exact.pretraining(DiagonalNetwork().effective_map(flow), alpha)
    return float(np.abs(closed.stacked() - flow.stacked()).max() / np.abs(flow.stacked()).max())


def rescaled_endpoints() -> float:
    """Relative distance of c^2 times the endpoint of (1, gamma/c) on y/c^2 from that of (c, gamma) on y, both integrated."""
    from normtheory.solvers.training import pretrain_finetune

    tasks = teacher_student(12, 6, features=6, features_aux=6, inputs=60, samples_aux=40, seed=2)
    task, c, gamma = tasks.main, 0.5, 0.2
    common: dict[str, Any] = {"beta_aux": tasks.teacher_aux, "alpha": 0.1, "rtol": 1e-8}
    scaled = pretrain_finetune(task.X, task.y, gamma=gamma, rescale=c, **common).beta
    unscaled = pretrain_finetune(task.X, task.y / c**2, gamma=gamma / c, **common).beta
    return relative_distance(c**2 * unscaled, scaled)


def probing_deviation() -> float:
    """Relative distance of `exact.probing` from the predictor of the least change of v that fits the data."""
    task, weights = _small_task(inputs=30, samples=8, seed=6), _random_weights(30, seed=7)
    features = np.hstack([task.X * weights.w_plus, -task.X * weights.w_minus])
    v = np.concatenate([weights.v_plus, weights.v_minus])
    v = v + np.linalg.pinv(features) @ (task.y - features @ v)
    beta = weights.w_plus * v[:30] - weights.w_minus * v[30:]
    return relative_distance(exact.probing(weights, task.X, task.y), beta)


def dimensionality_deviation(measure: str) -> float:
    """Largest relative difference of a measure of `representations` from its definition on random, correlated responses.

    The measures are "ratio" (against eigenvalues), "shared" (against the traces of Eq. 35) and "cka" (ENSD against the others).
    """
    draw, deviations = np.random.default_rng(np.random.SeedSequence((34, 35))), []
    for units, others in ((4, 9), (30, 5), (50, 60)):
        X, Y = (draw.standard_normal((40, size)) @ draw.standard_normal((size, size)) for size in (units, others))
        centred, other = X - X.mean(axis=0), Y - Y.mean(axis=0)
        cross, first, second = centred @ centred.T @ other @ other.T, centred @ centred.T, other @ other.T
        values = np.linalg.eigvalsh(np.cov(X, rowvar=False))
        traces = np.trace(cross) * np.trace(first) * np.trace(second) / (np.trace(first @ first) * np.trace(second @ second))
        pairs = {
            "ratio": (participation_ratio(X), values.sum() ** 2 / (values**2).sum()),
            "shared": (ensd(X, Y), traces),
            "cka": (ensd(X, Y), linear_cka(X, Y) * np.sqrt(participation_ratio(X) * participation_ratio(Y))),
        }
        found, expected = pairs[measure]
        deviations.append(abs(found / expected - 1))
    return float(max(deviations))


def protocol_deviation(squared: Formula, start: Formula) -> float:
    """Largest relative difference of `exact.finetuning`, and of the weights step by step, from the formulas in 50 digits.

    The formulas take (beta_aux, alpha, gamma, c) as mpmath numbers.
    """
    draw = np.random.default_rng(np.random.SeedSequence((3, 1)))
    deviations = []
    for alpha, gamma, rescale in ((0.3, 0.2, 0.7), (1e-3, 1e-3, 1.0), (0.1, 1.0, 0.05)):
        beta_aux = draw.standard_normal(20) * 10.0 ** draw.integers(-4, 1, 20)
        weights = exact.reset(exact.rescaled(exact.pretraining(beta_aux, alpha), rescale), gamma)
        weights_size = rescale * gamma * np.sqrt(np.hypot(beta_aux, 2 * alpha**2))  # of the two terms that beta0 subtracts
        with mpmath.workdps(50):
            settings = [[mpmath.mpf(value) for value in (a, alpha, gamma, rescale)] for a in beta_aux]
            stated = [(mpmath.sqrt(squared(*setting)), start(*setting)) for setting in settings]
        for k, beta0 in (exact.finetuning(beta_aux, alpha, gamma, rescale), exact.scale_and_start(weights)):
            for d, (true_k, true_start) in enumerate(stated):
                deviations += [abs(k[d] / true_k - 1), abs(beta0[d] - true_start) / weights_size[d]]
    return float(max(deviations))


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


def paper_loss(squared: Formula, start: Formula, seed: int, beta_aux: FloatArray | None = None) -> float:
    """Generalisation loss of the minimiser of a norm, as in `FinetunedNetwork.predicted`, in a realisation.

    Pretraining is complete, unless another predictor is given.
    """
    from normtheory.solvers.newton import minimize

    tasks = setting.tasks(seed=seed)
    learned = tasks.teacher_aux if beta_aux is None else beta_aux
    given = (learned, float(setting.ALPHA), float(setting.GAMMA), 1.0)
    beta = minimize(tasks.main.X, tasks.main.y, np.sqrt(squared(*given)), start(*given)).beta
    return generalisation_loss(beta, tasks.teacher)


@cache
def stopped_pretraining() -> FloatArray:
    """Predictor (D,) where the paper's pretraining stops: 1024 samples in 1000 dimensions leave some directions unlearned."""
    from normtheory.solvers.flow import gradient_flow

    start = Weights.constant(setting.INPUTS, float(setting.ALPHA))
    return np.asarray(gradient_flow(DiagonalNetwork(), setting.tasks().aux, start, rtol=1e-5, loss=setting.LOSS).beta)


def paper_minimiser(linear: Formula) -> FloatArray:
    """Minimiser, on the task of `paper_run`, of the Q penalty at the exact scales k less linear(beta(0), k) . beta."""
    from normtheory.solvers.newton import minimize

    run = paper_run()
    k, start = exact.finetuning(run.beta_aux, run.alpha, run.gamma)
    return minimize(run.task.X, run.task.y, k, k * np.sinh(linear(start, k) / 2)).beta


KEPT = 5  # features of the paper's sparsest main task


def nested_dimensions(rescale: float) -> tuple[float, float, float]:
    """Participation ratio of the first layer before and after finetuning on a subset of the features, and what they share.

    Exact weights at the certified endpoint; weights and gamma are rescaled, the main weights are 1/KEPT, as in the paper's
    experiments. Inputs are white, so that an input's units, w_+ x and w_- x, only vary with each other: every trace is a
    sum over inputs.
    """
    from normtheory.solvers.newton import minimize

    tasks = setting.tasks(overlap=KEPT, features=KEPT, magnitude=1 / KEPT)
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


def _small_task(inputs: int, samples: int, seed: int) -> Task:
    draw = np.random.default_rng(np.random.SeedSequence((inputs, samples, seed)))
    return Task(draw.standard_normal((samples, inputs)), draw.standard_normal(samples))


def _random_weights(size: int, seed: int) -> Weights:
    draw = np.random.default_rng(np.random.SeedSequence((size, seed), spawn_key=(1,)))
    return Weights(*draw.standard_normal((4, size)))


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
        task = _small_task(inputs=12, samples=4, seed=1000 * seed + draw)
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
