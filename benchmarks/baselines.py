"""The integrated flow beside plainer ways to the same endpoint: gradient descent, and LSODA on the weights.

Descent is timed with the networks' own hand-written gradients and nothing else in the loop, faster than through autograd; and,
where torch is installed, as the audited experiments run it. Where it would take many minutes it is extrapolated: its
steps of lr follow the flow, whose time to the loss is known, so that it needs time/lr of them, and the seconds of one step are
measured over many. Such rows say so.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from scipy.integrate import solve_ivp

from benchmarks.timing import Row, timed
from normtheory.arrays import FloatArray
from normtheory.networks import DiagonalNetwork, LeastSquares, ReLUWeights, Weights, effective_map
from normtheory.solvers import flow, newton, training
from normtheory.tasks import Task, relu_task, teacher_student

RATE = 0.1  # the audited experiments' learning rate
REPETITIONS = 3  # of what takes less than a second
MEASURED_STEPS = 300


def rows() -> Iterator[Row]:
    """Finetuning, multi-task training and a ReLU network, each by the flow and by its baselines."""
    yield from finetuning()
    yield from multi_task()
    yield from relu()


def finetuning() -> Iterator[Row]:
    """D = 1000, n = 64: the flow, gradient descent to the loss it stops at (1e-10), LSODA at the same tolerance."""
    tasks, problem = teacher_student(64, 40), "finetuning D = 1000, n = 64, 40/40 shared"
    main = tasks.main
    train = partial(training.pretrain_finetune, main.X, main.y, beta_aux=tasks.teacher_aux, rtol=3e-5)
    run, seconds = timed(train, REPETITIONS)
    exact = newton.minimize(main.X, main.y, *run.scale_and_start()).beta

    def distance(beta: FloatArray) -> float:
        return float(np.linalg.norm(beta - exact) / np.linalg.norm(exact))

    ours = distance(run.beta)
    evaluations = run.finetuning.gradient_evaluations
    yield Row(problem, "flow, rtol 3e-05", seconds, None, f"{evaluations} gradients, distance from the minimiser {ours:.1e}")
    objective = DiagonalNetwork().least_squares([main], [1.0])
    (state, steps), descent_s = timed(partial(descend, objective, run.start.stacked(), 1e-10))
    theirs = distance(effective_map(state))
    note = f"{steps} steps, distance {theirs:.1e}, {theirs / ours:.3g} times the flow's"
    yield Row(problem, f"descent, lr {RATE:g}", descent_s, descent_s / seconds, note)
    beta, lsoda_s, calls = by_lsoda(objective, run.start, run.finetuning.times[-1], rtol=3e-5)
    note = f"{calls} gradients, distance {distance(beta):.1e}"
    yield Row(problem, "LSODA on the weights, rtol 3e-05", lsoda_s, lsoda_s / seconds, note)


def multi_task() -> Iterator[Row]:
    """D = 1000, 1024 + 64 samples, pooled loss to 1e-10."""
    tasks, problem = teacher_student(64, 40), "multi-task D = 1000, 1024 + 64 samples, to 1e-10"
    pair, start = (tasks.main, tasks.aux), Weights.constant(1000, training.ALPHA, outputs=2)
    arrays = (*(getattr(task, name) for task in pair for name in ("X", "y")),)
    run, seconds = timed(partial(training.multi_task, *arrays, rtol=1e-5, loss=1e-10))
    note = f"{run.gradient_evaluations} gradients, flow time {run.times[-1]:.3g}"
    yield Row(problem, "flow, rtol 1e-05", seconds, None, note)
    objective = DiagonalNetwork(2).least_squares(pair, flow.pooled_weights(pair))
    yield extrapolated(problem, f"descent, lr {RATE:g}", objective, start, run.times[-1], seconds)


def relu() -> Iterator[Row]:
    """Width 1000, 1024 samples of 15 inputs, 6 teacher units, to 1e-8, from the audited experiments' initialisation."""
    task, problem = relu_task(1024), "ReLU width 1000, n = 1024, to 1e-08"
    start = ReLUWeights.random(15, 1000, 1e-3)
    run, seconds = timed(partial(training.single_task, task.X, task.y, weights=start, rtol=1e-3, atol=1e-4, loss=1e-8))
    note = f"{run.gradient_evaluations} gradients, flow time {run.times[-1]:.3g}"
    yield Row(problem, "flow, rtol 1e-03", seconds, None, note)
    objective = start.network.least_squares([task], [1.0])
    yield extrapolated(problem, f"descent, lr {RATE:g}", objective, start, run.times[-1], seconds)
    yield from sgd(problem, task, start, run.times[-1], seconds)


def descend(objective: LeastSquares, state: FloatArray, loss: float) -> tuple[FloatArray, int]:
    """State and number of steps of plain gradient descent to a training loss, which it looks at every 100 steps."""
    steps = 0
    while objective.loss(state) > loss:
        for _ in range(100):
            state = state + RATE * objective.slope(state)
        steps += 100
    return state, steps


def extrapolated(problem: str, method: str, objective: LeastSquares, start: Any, end: float, seconds: float) -> Row:
    """Descent to the flow time `end`, extrapolated from its first steps."""
    needed, state = int(np.ceil(end / RATE)), start.stacked()
    begin = time.perf_counter()
    for _ in range(MEASURED_STEPS):
        state = state + RATE * objective.slope(state)
    whole = (time.perf_counter() - begin) / MEASURED_STEPS * needed
    note = f"EXTRAPOLATED from {MEASURED_STEPS} steps to the {needed:,} of the flow time"
    return Row(problem, method, whole, whole / seconds, note)


def sgd(problem: str, task: Task, start: ReLUWeights, end: float, seconds: float) -> Iterator[Row]:
    """As the audited experiments run it, through autograd: minibatches of 128, and the full batch; extrapolated.

    On one thread, like everything here: two are ten times slower on matrices of this size once another job runs.
    """
    try:
        import torch

        from normtheory.solvers import descent
    except ImportError:
        yield Row(problem, "SGD, as in the experiments", float("nan"), None, "skipped: torch is not installed")
        return
    from dataclasses import replace

    torch.set_num_threads(1)
    for name, settings in (("SGD, batches of 128", descent.RELU), ("full-batch descent", descent.RELU_PRETRAINING)):
        epochs = MEASURED_STEPS if settings.batch is None else MEASURED_STEPS * settings.batch // task.samples
        descent.descend([task], start, replace(settings, epochs=1))  # warm
        run, measured = timed(partial(descent.descend, [task], start, replace(settings, epochs=epochs)))
        needed = int(np.ceil(end / RATE))
        whole = measured / run.steps * needed
        note = f"EXTRAPOLATED from {run.steps} steps to the {needed:,} of the flow time"
        yield Row(problem, f"{name}, lr {RATE:g}, autograd", whole, whole / seconds, note)


def by_lsoda(objective: LeastSquares, start: Weights, end: float, rtol: float) -> tuple[FloatArray, float, int]:
    """Predictor, seconds and gradients of scipy's LSODA on the weights, as long as the flow."""
    shape = start.stacked().shape

    def field(_: float, flat: FloatArray) -> FloatArray:
        return objective.slope(flat.reshape(shape)).ravel()

    solve: Callable[[], Any] = partial(
        solve_ivp, field, (0, end), start.stacked().ravel(), method="LSODA", rtol=rtol, atol=rtol * 1e-6, t_eval=[end]
    )
    found, seconds = timed(solve)
    return effective_map(found.y[:, -1].reshape(shape)), seconds, found.nfev
