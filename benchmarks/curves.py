"""Learning curves of 50 numbers of samples from the two scalar equations, D = 1000: processor time of one thread."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.timing import Row, timed
from normtheory.solvers.asymptotics import FixedPoint
from normtheory.solvers.curves import LearningCurve, learning_curve
from normtheory.solvers.sparse_pairs import FURTHER, METHODS, SparsePair

PAIR = SparsePair(1000, 40, 40, 30)
SAMPLES = np.unique(np.round(np.geomspace(8, 900, 50)).astype(int)).tolist()
REPETITIONS = 3


def rows() -> Iterator[Row]:
    """The four default methods together, then each method alone."""
    for methods in (tuple(METHODS), *((method,) for method in METHODS | FURTHER)):
        with threadpool_limits(1):
            curve, seconds = timed(partial(learning_curve, PAIR, SAMPLES, methods=methods), REPETITIONS, time.process_time)
        yield Row(f"curve, {len(SAMPLES)} numbers of samples", ", ".join(methods), seconds, None, _note(curve))


def _note(curve: LearningCurve) -> str:
    worst = max(max(point.residuals) for point in curve.solutions if isinstance(point, FixedPoint))
    return f"processor time; {len(curve.points)} points, residuals at most {worst:.0e}"
