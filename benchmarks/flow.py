"""The integrated flow beside the exact endpoint: what a trained network costs, and how far it is from the minimiser."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from benchmarks.timing import Row, timed
from normtheory.exact import finetuning
from normtheory.solvers import newton, training
from normtheory.tasks import teacher_student

GRID = ((64, 40), (64, 0))  # main samples, shared features of 40
TOLERANCES = (1e-6, 1e-8)
REPETITIONS = 5  # of the minimiser; the flow takes seconds


def rows() -> Iterator[Row]:
    """Finetuning by the flow, at two tolerances, against the minimiser from the network's own start."""
    for samples, overlap in GRID:
        tasks = teacher_student(samples, overlap)
        X, y, beta_aux = tasks.main.X, tasks.main.y, tasks.teacher_aux
        problem = f"trained to its end: finetuning D = 1000, n = {samples}, {overlap}/40 shared"
        k, beta0 = finetuning(beta_aux, alpha=training.ALPHA, gamma=training.GAMMA)
        exact, exact_seconds = timed(partial(newton.minimize, X, y, k, beta0), REPETITIONS)
        yield Row(problem, "Newton", exact_seconds, None, f"{exact.steps} factorisations, {exact.certificate}")
        for rtol in TOLERANCES:
            run, seconds = timed(partial(training.pretrain_finetune, X, y, beta_aux=beta_aux, rtol=rtol))
            distance = np.linalg.norm(run.beta - exact.beta) / np.linalg.norm(exact.beta)
            note = f"{run.finetuning.gradient_evaluations} gradients, distance from the minimiser {distance:.1e}"
            yield Row(problem, f"flow, rtol {rtol:g}", seconds, seconds / exact_seconds, note)
