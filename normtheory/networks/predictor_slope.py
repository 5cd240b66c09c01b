"""Minus the gradient of a task's loss in the linear predictor, in double precision and, near a predictor, in single.

Matrices take nearly all the time of a gradient: reading half the bytes takes half of it. What is exact at one predictor needs
single precision only for what changes from there on: the error is relative to the change of the predictor, and the matrix.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
from scipy.linalg.blas import dsymv, ssymv

from normtheory.arrays import FloatArray
from normtheory.tasks import Task

GRAM_FROM = 0.4  # samples per input: of X^T X half the entries are read, of X all of them twice
FEW_INPUTS = 2000  # of more, X^T X takes as long to make as hundreds of slopes: only where it is no larger than X
TINY = float(np.finfo(np.float64).tiny)
SINGLE_FROM = 2**16  # entries of a matrix that are worth a copy in single precision


class PredictorSlope:
    """beta (D,) to minus the gradient of weight |X beta - y|^2 / n in beta.

    With X^T X for tasks of many samples: one product with it is cheaper than one with X and one with X^T.
    """

    def __init__(self, task: Task, weight: float) -> None:
        self.task, self.X, self.y, self.rate = task, task.X, task.y, -2 * weight / task.samples
        share = GRAM_FROM if task.inputs <= FEW_INPUTS else 1.0
        self.squared = task.samples >= share * task.inputs  # made when a slope is asked for
        self.latest: tuple[FloatArray, FloatArray] | None = None  # predictor and slope: a step begins where the last one ended

    @cached_property
    def matrix(self) -> FloatArray:
        """What products are with. Of a symmetric matrix half the entries are read, and reading them is what a product takes."""
        return self.task.gram.T if self.squared else self.X

    @cached_property
    def moment(self) -> FloatArray:
        """Minus the slope at 0, with X^T X."""
        return np.asarray(self.rate * (self.X.T @ self.y))

    @property
    def large(self) -> bool:
        """Whether single precision is worth a copy of the matrix."""
        return (self.X.shape[1] ** 2 if self.squared else self.X.size) >= SINGLE_FROM

    def __call__(self, beta: FloatArray) -> FloatArray:
        """The slope at beta."""
        if self.squared:
            slope = dsymv(self.rate, self.matrix, beta, beta=-1.0, y=self.moment)
        else:
            slope = self.rate * ((self.X @ beta - self.y) @ self.X)
        self.latest = beta.copy(), slope
        return np.asarray(slope)

    def _at(self, beta: FloatArray) -> FloatArray:
        """The slope at beta, if need be evaluated."""
        known = self.latest
        return known[1] if known is not None and np.array_equal(known[0], beta) else self(beta)

    @cached_property
    def _single(self) -> tuple[np.ndarray, np.float64]:
        """The matrix at unit size in single precision, half as large again, and the factor of products with it."""
        unit = np.float64(_largest(self.matrix) or 1.0)
        single = np.divide(self.matrix, unit, out=np.empty_like(self.matrix, dtype=np.float32), casting="same_kind")
        return single, self.rate * (unit if self.squared else unit**2)

    @cached_property
    def _unit(self) -> float:
        """The size of predictors: that of the targets over that of the inputs."""
        return _largest(self.y) / (_largest(self.X) or 1.0)

    def near(self, start: FloatArray) -> Callable[[FloatArray], FloatArray]:
        """The slope as it is at `start`, and elsewhere with what changes from there in single precision."""
        unit = max(_largest(start), self._unit)
        if not (self.large and TINY <= unit < np.inf):
            return self
        (matrix, factor), at_start, to_units = self._single, self._at(start), 1 / unit

        def slope(beta: FloatArray) -> FloatArray:
            direction = ((beta - start) * to_units).astype(np.float32)
            grown: Any = ssymv(1.0, matrix, direction) if self.squared else (matrix @ direction) @ matrix
            return np.asarray(at_start + unit * factor * grown)

        return slope


def _largest(array: FloatArray) -> float:
    """Absolute value; NaN if any entry is."""
    return max(float(array.max()), -float(array.min()))
