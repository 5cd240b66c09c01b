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
TINY = float(np.finfo(np.float64).tiny)
SINGLE_FROM = 2**16  # entries of a matrix that are worth a copy in single precision


class PredictorSlope:
    """beta (D,) to minus the gradient of weight |X beta - y|^2 / n in beta.

    With X^T X for tasks of many samples: one product with it is cheaper than one with X and one with X^T.
    """

    def __init__(self, task: Task, weight: float) -> None:
        self.X, self.y, self.rate = task.X, task.y, -2 * weight / task.samples
        self.gram: FloatArray | None = None
        self.latest: tuple[FloatArray, FloatArray] | None = None  # predictor and slope: a step begins where the last one ended
        if task.samples >= GRAM_FROM * task.inputs:
            # Of a symmetric matrix half the entries are read, and reading them is what the product takes.
            self.gram, self.moment = task.gram.T, self.rate * (task.X.T @ task.y)

    @property
    def matrix(self) -> FloatArray:
        """What products are with."""
        return self.X if self.gram is None else self.gram

    @property
    def large(self) -> bool:
        """Whether single precision is worth a copy of the matrix."""
        return self.matrix.size >= SINGLE_FROM

    def __call__(self, beta: FloatArray) -> FloatArray:
        """The slope at beta."""
        if self.gram is not None:
            slope = dsymv(self.rate, self.gram, beta, beta=-1.0, y=self.moment)
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
        return single, self.rate * (unit if self.gram is not None else unit**2)

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
            grown: Any = (matrix @ direction) @ matrix if self.gram is None else ssymv(1.0, matrix, direction)
            return np.asarray(at_start + unit * factor * grown)

        return slope


def _largest(array: FloatArray) -> float:
    """Absolute value; NaN if any entry is."""
    return max(float(array.max()), -float(array.min()))
