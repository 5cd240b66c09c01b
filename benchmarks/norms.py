"""The own interior-point method for l1,2 beside the conic solver, which is taken as it ends: two tasks with D = 1000."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from benchmarks.timing import Row, timed
from normtheory.solvers import groups, programs
from normtheory.tasks import teacher_student

GRID = ((64, 64), (128, 128), (256, 256), (64, 1024))  # main and auxiliary samples
GAP = 1e-7  # of the own method; the conic solver is asked for 1e-9 and says where it stalls
REPETITIONS = 3


def rows() -> Iterator[Row]:
    """Multi-task programs of the paper's size, 20 of 40 features shared."""
    for samples, samples_aux in GRID:
        tasks = teacher_student(samples, 20, samples_aux=samples_aux)
        given = (tasks.main.X, tasks.main.y, tasks.aux.X, tasks.aux.y)
        problem = f"l1,2 D = 1000, {samples} + {samples_aux} samples"
        ours, seconds = timed(partial(groups.minimize_pair, *given, tol=GAP), REPETITIONS)
        yield Row(problem, "interior point", seconds, None, f"{ours.steps} steps, {ours.certificate}")
        conic, conic_seconds = timed(partial(programs.minimize_l12, *given, allow_inaccurate=True))
        yield Row(problem, "cvxpy", conic_seconds, conic_seconds / seconds, f"{conic.status}, {conic.certificate}")
