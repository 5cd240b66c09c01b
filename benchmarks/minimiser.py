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
from normtheory.solvers import newton, programs
from normtheory.tasks import teacher_student

# inputs D, main samples n, shared features of 40: cost grows as n^2 D; alpha = gamma = 1e-3
GRID = (
    (1000, 64, 40),
    (1000, 256, 40),
    (1000, 256, 0),
    (1000, 512, 0),
    (4000, 256, 20),
    (16000, 256, 20),
    (16000, 1000, 20),
    (100_000, 1000, 20),
)
CONIC_LIMIT = 300_000  # entries of X beyond which the conic solver takes minutes or fails
REPEATED_LIMIT = 5_000_000  # entries of X up to which times are the least of several runs
REPETITIONS = 20  # the floor's parts take a millisecond and reach their least time early, a whole solve late


def rows() -> Iterator[Row]:
    """Finetuning problems, each solved by the Newton method and, as far as it goes, by the conic solver."""
    for inputs, samples, overlap in GRID:
        tasks = teacher_student(samples, overlap, inputs=inputs, samples_aux=1)
        X, y = tasks.main.X, tasks.main.y
        k, beta0 = finetuning(tasks.teacher_aux, alpha=1e-3, gamma=1e-3)
        problem = f"finetuning D = {inputs}, n = {samples}, {overlap}/40 shared"
        repetitions = REPETITIONS if X.size <= REPEATED_LIMIT else 1
        ours, seconds = timed(partial(newton.minimize, X, y, k, beta0), repetitions)
        pace = seconds / (ours.steps * samples**2 * inputs)
        note = f"{ours.steps} factorisations, {1e12 * pace:.0f} ps per n^2 D, {ours.certificate}"
        yield Row(problem, "Newton", seconds, None, note)
        floor = ours.steps * _floor(X, repetitions)
        note = f"symmetric product + Cholesky, times factorisations; Newton takes {seconds / floor:.2f} of it"
        yield Row(problem, "floor of its steps", floor, floor / seconds, note)
        if X.size <= CONIC_LIMIT:
            conic, conic_seconds = timed(partial(programs.minimize_q, X, y, k, beta0))
            distance = np.linalg.norm(conic.beta - ours.beta) / np.linalg.norm(ours.beta)
            note = f"{conic.steps} iterations, distance {distance:.1e}, {conic.solver}"
            yield Row(problem, "cvxpy", conic_seconds, conic_seconds / seconds, note)


def _floor(X: FloatArray, repetitions: int) -> float:
    """Seconds of one symmetric product X X^T and one Cholesky factorisation of its size."""
    gram, product = timed(partial(dsyrk, 1.0, X.T, trans=1), repetitions)
    _, factorisation = timed(partial(cholesky, gram, check_finite=False), repetitions)
    return product + factorisation
