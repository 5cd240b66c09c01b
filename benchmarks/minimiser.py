"""The certified minimiser beside cvxpy, and beside its floor: a weighted Gram matrix and a Cholesky factorisation a step."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
from scipy.linalg import cholesky
from scipy.linalg.blas import dsyrk

from benchmarks.timing import Row, timed
from normtheory.arrays import FloatArray
from normtheory.exact import finetuning
from normtheory.tasks import teacher_student
from solvers import newton, programs

GRID = ((64, 40), (256, 40), (256, 0))  # main samples, shared features of 40; D = 1000, alpha = gamma = 1e-3
REPETITIONS = 5


def rows() -> Iterator[Row]:
    """Finetuning problems at the paper's size, each solved by the Newton method and by the conic solver."""
    for samples, overlap in GRID:
        tasks = teacher_student(samples, overlap)
        X, y = tasks.main.X, tasks.main.y
        k, beta0 = finetuning(tasks.teacher_aux, alpha=1e-3, gamma=1e-3)
        problem = f"finetuning D = 1000, n = {samples}, {overlap}/40 shared"
        ours, seconds = timed(partial(newton.minimize, X, y, k, beta0), REPETITIONS)
        yield Row(problem, "Newton", seconds, None, f"{ours.steps} factorisations, {ours.certificate}")
        floor = ours.steps * _floor(X)
        yield Row(problem, "floor of its steps", floor, floor / seconds, "symmetric product + Cholesky, times factorisations")
        conic, conic_seconds = timed(partial(programs.minimize_q, X, y, k, beta0))
        distance = np.linalg.norm(conic.beta - ours.beta) / np.linalg.norm(ours.beta)
        note = f"{conic.steps} iterations, distance {distance:.1e}, {conic.solver}"
        yield Row(problem, "cvxpy", conic_seconds, conic_seconds / seconds, note)


def _floor(X: FloatArray) -> float:
    """Seconds of one symmetric product X X^T and one Cholesky factorisation of its size."""
    gram, product = timed(partial(dsyrk, 1.0, X.T, trans=1), REPETITIONS)
    _, factorisation = timed(partial(cholesky, gram, check_finite=False), REPETITIONS)
    return product + factorisation
