"""Runs behind the claims on multi-task training: flows of networks with two outputs, and the minimisers they are held against.

Every budget is stated here, before any run. Each run is named by its seed and kept for the process, so that a twin costs a
comparison but no second training. Problems are the first so many draws; none is left out.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np

from normtheory.arrays import FloatArray
from normtheory.networks import DiagonalNetwork, Weights
from normtheory.proofs import setting
from normtheory.proofs.group_norms import GroupNorm
from normtheory.tasks import Task, generalisation_loss, teacher_student

NETWORK = DiagonalNetwork(2)
RTOL = 1e-5  # what is compared differs by 1e-3 and more
PROBLEMS, INPUTS = 4, 16
ALPHAS = (1e-2, 1e-4, 1e-6)
FIT_BUDGET = 0.05  # on the exponent of a fit and two of its standard errors together: 0.1 more or less is excluded

# Pinned auxiliary task: the flow's distance from the limit is first order in 1/weight and in alpha. At alpha = 1e-5 the second
# is a few 1e-5 and the first, at the largest weight, a few 1e-4 to 1e-3; the slope is bent a little by both ends.
AUXILIARY_WEIGHTS = (1e2, 1e3, 1e4)
PINNED_ALPHA = 1e-5
PINNED_BUDGET = 5e-3
ORBIT_ALPHAS = (1e-2, 1e-3, 1e-4)  # from which both pathways' orbits are tabulated

# Weight decay: the end of the flow is the minimiser of loss + decay * 2 l1,2, shown by a duality gap; that minimiser is found
# without the flow, for decays so small that no input that the limit uses is left out.
FLOW_DECAYS = (1e-2, 1e-3)
GAP_BUDGET = 1e-4  # relative; the flow rests where its speed is rtol * decay of the weights, an error of first order
DECAYS = (1e-5, 1e-6, 1e-7)
NEWTON_STEPS = 60


def l12_norm(beta: FloatArray) -> float:
    """2 sum_d ||beta_{.,d}||_2 of predictors (2, D)."""
    return float(2 * np.sum(np.hypot(*beta)))


def relative(end: FloatArray, aim: FloatArray) -> float:
    """Distance of a predictor from another, relative to that."""
    return float(np.linalg.norm(end - aim) / np.linalg.norm(aim))


class Fit(NamedTuple):
    """A power law: its exponent, and the exponent's standard error."""

    exponent: float
    error: float

    def misses(self, exponent: float) -> float:
        """How far a stated exponent is from the fitted one, two standard errors included."""
        return abs(self.exponent - exponent) + 2 * self.error


def power_law(sizes: FloatArray, values: FloatArray) -> Fit:
    """Fit values, shape (problems, sizes), by a power of the sizes with a factor of its own for each problem."""
    x = np.log(np.broadcast_to(sizes, values.shape))
    x, y = (z - z.mean(axis=1, keepdims=True) for z in (x, np.log(values)))
    exponent = float((x * y).sum() / (x * x).sum())
    freedom = values.size - len(values) - 1
    return Fit(exponent, float(np.sqrt(((y - exponent * x) ** 2).sum() / freedom / (x * x).sum())))


@cache
def problem(seed: int) -> tuple[Task, Task]:
    """Two random tasks of 5 and 7 samples with normal inputs and targets: their least l1,2 norm has one multiplier a sample."""
    draw = np.random.default_rng(np.random.SeedSequence((INPUTS, 5, 7, seed)))
    tasks = [(draw.standard_normal((samples, INPUTS)), draw.standard_normal(samples)) for samples in (5, 7)]
    return Task(*tasks[0]), Task(*tasks[1])


@cache
def least_l12(seed: int) -> float:
    """The least l1,2 norm, with its factor 2, of predictors that fit both tasks of a problem."""
    from normtheory.solvers import groups

    main, aux = problem(seed)
    return l12_norm(groups.minimize_pair(main.X, main.y, aux.X, aux.y).beta)


@cache
def minimiser(seed: int, norm: GroupNorm) -> FloatArray:
    """Predictors (2, D) of least norm that fit both tasks of a problem."""
    if norm == GroupNorm(factor=norm.factor):  # l1,2 to the last digits, as rates are fitted to it
        return decayed_minimiser(seed, 0.0).beta
    main, aux = problem(seed)
    return norm.interpolating((main.X, aux.X), (main.y, aux.y))


@cache
def flow_endpoint(seed: int, alpha: float) -> FloatArray:
    """Endpoint (2, D) of gradient flow of the pooled loss from constant weights alpha."""
    from normtheory.solvers.flow import gradient_flow

    return gradient_flow(NETWORK, problem(seed), Weights.constant(INPUTS, alpha, outputs=2), rtol=RTOL).beta


def excess(alpha: float) -> list[float]:
    """Relative excess of the endpoints' l1,2 norm over the least, one per problem."""
    return [l12_norm(flow_endpoint(seed, alpha)) / least_l12(seed) - 1 for seed in range(PROBLEMS)]


class PaperFlow(NamedTuple):
    """The paper's tasks trained at once: where the flow ends, against two minimisers; losses are those of generalisation."""

    excess: float  # of the flow's l1,2 norm over the least, relative
    loss: float
    l12_loss: float
    l12_distance: float  # of the main predictor, relative
    pinned_distance: float


@cache
def paper_flow(samples: int, overlap: int) -> PaperFlow:
    """Both of the paper's tasks, pooled, against least l1,2 norm and against the pinned flow from its own alpha.

    1024 samples in 1000 dimensions determine the auxiliary predictor, so that the pinned flow is given it.
    """
    from normtheory.solvers import groups
    from normtheory.solvers.newton import minimize_separable
    from normtheory.solvers.pinned import PinnedOrbits
    from normtheory.solvers.training import multi_task

    tasks, alpha = (
        teacher_student(samples, overlap, inputs=setting.INPUTS, samples_aux=setting.SAMPLES_AUX),
        float(setting.ALPHA),
    )
    main, aux = tasks.main, tasks.aux
    beta = multi_task(main.X, main.y, aux.X, aux.y, alpha=alpha, rtol=1e-4, loss=setting.LOSS).beta
    least = groups.minimize_pair(main.X, main.y, aux.X, aux.y, tol=1e-7).beta
    pinned = minimize_separable(main.X, main.y, PinnedOrbits(tasks.teacher_aux, alpha)).beta
    losses = [generalisation_loss(main_predictor, tasks.teacher) for main_predictor in (beta[0], least[0])]
    distances = [relative(beta[0], aim) for aim in (least[0], pinned)]
    return PaperFlow(l12_norm(beta) / l12_norm(least) - 1, *losses, *distances)


@cache
def decayed_endpoint(seed: int, decay: float) -> FloatArray:
    """Endpoint (2, D) of gradient flow of the pooled loss with weight decay from constant weights 0.1, at rest."""
    from normtheory.solvers.flow import gradient_flow

    return gradient_flow(NETWORK, problem(seed), Weights.constant(INPUTS, 0.1, outputs=2), rtol=RTOL, decay=decay).beta


def decay_gap(seed: int, decay: float) -> float:
    """Relative duality gap of the decayed flow's end in: least pooled loss + decay * 2 l1,2.

    Any r gives the bound sum_i (2 r_i y_i - r_i^2)/N if ||X^T 2 r / N|| is at most 2 decay in every input: y less the
    prediction, scaled to be so, is one.
    """
    tasks, beta = problem(seed), decayed_endpoint(seed, decay)
    samples = sum(task.samples for task in tasks)
    residuals = [task.y - task.X @ predictor for task, predictor in zip(tasks, beta, strict=True)]
    pulls = np.stack([2 * task.X.T @ residual / samples for task, residual in zip(tasks, residuals, strict=True)])
    scale = min(1.0, float(2 * decay / np.hypot(*pulls).max()))
    value = sum(float(residual @ residual) for residual in residuals) / samples + decay * l12_norm(beta)
    scaled = [scale * residual for residual in residuals]
    bound = sum(float(2 * r @ task.y - r @ r) for r, task in zip(scaled, tasks, strict=True)) / samples
    return (value - bound) / value


class Decayed(NamedTuple):
    """The minimiser of pooled loss + decay * 2 l1,2, and the largest pull on an input it leaves out, of at most 1."""

    beta: FloatArray
    pull: float


@cache
def decayed_minimiser(seed: int, decay: float) -> Decayed:
    """By Newton's method on the inputs that the least l1,2 norm uses; for decay 0 the least norm itself.

    The unknowns are beta and nu with 2 beta_d/||beta_d|| = (X^T nu)_d and X beta - y = -decay N/2 nu.
    """
    from normtheory.solvers import groups

    (main, aux), decay_of = problem(seed), decay * sum(task.samples for task in problem(seed)) / 2
    start = groups.minimize_pair(main.X, main.y, aux.X, aux.y)
    used = np.hypot(*start.beta) > 1e-5 * np.hypot(*start.beta).max()
    zero = np.zeros((main.samples, used.sum())), np.zeros((aux.samples, used.sum()))
    A = np.block([[main.X[:, used], zero[0]], [zero[1], aux.X[:, used]]])
    y, beta, nu = np.concatenate([main.y, aux.y]), start.beta[:, used].ravel(), start.dual
    for _ in range(NEWTON_STEPS):
        pair = beta.reshape(2, -1)
        size = np.hypot(*pair)
        across = [[np.diag(2 * ((o == p) / size - pair[o] * pair[p] / size**3)) for p in (0, 1)] for o in (0, 1)]
        system = np.block([[np.block(across), -A.T], [A, decay_of * np.eye(len(y))]])
        step = np.linalg.solve(system, np.concatenate([A.T @ nu - 2 * (pair / size).ravel(), y - A @ beta - decay_of * nu]))
        beta, nu = beta + step[: beta.size], nu + step[beta.size :]
        if np.abs(step[: beta.size]).max() <= 1e-15:
            break
    found = np.zeros_like(start.beta)
    found[:, used] = beta.reshape(2, -1)
    duals = np.split(nu, [main.samples])
    pull = np.hypot(*(task.X.T @ dual for task, dual in zip((main, aux), duals, strict=True))) / 2
    return Decayed(found, float(pull[~used].max()))


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
    return [relative(pinned_endpoint(weight), pinned_minimiser()) for weight in AUXILIARY_WEIGHTS]


def orbit_distances() -> list[float]:
    """The same for the minimisers whose potentials are tabulated from both pathways' orbits, for each alpha."""
    from normtheory.solvers.newton import minimize_separable
    from normtheory.solvers.pinned import PinnedOrbits

    main, _, beta_aux = pinned_problem()
    found = [minimize_separable(main.X, main.y, PinnedOrbits(beta_aux, alpha)).beta for alpha in ORBIT_ALPHAS]
    return [relative(beta, pinned_minimiser()) for beta in found]


def pinned_l12_distance() -> float:
    """Relative distance between the l1,2 minimiser of the pinned problem and the pinned minimiser."""
    from normtheory.solvers import groups

    main, aux, _ = pinned_problem()
    return relative(groups.minimize_pair(main.X, main.y, aux.X, aux.y).beta[0], pinned_minimiser())


@cache
def pinned_minimiser() -> FloatArray:
    """Minimiser of sum b arcsinh(b/|a|) subject to X b = y, certified."""
    from normtheory.solvers.newton import minimize_separable
    from normtheory.solvers.pinned import PinnedMultiTask

    main, _, beta_aux = pinned_problem()
    return minimize_separable(main.X, main.y, PinnedMultiTask(beta_aux)).beta
