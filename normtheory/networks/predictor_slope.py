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

SINGLE_FROM = 2**17  # entries of a matrix that are worth a copy in single precision


class PredictorSlope:
    """beta (D,) to minus the gradient of weight |X beta - y|^2 / n in beta.

    With X^T X for tasks of more samples than inputs: one product with it is cheaper than one with X and one with X^T.
    """

    def __init__(self, task: Task, weight: float) -> None:
        self.X, self.y, self.rate = task.X, task.y, -2 * weight / task.samples
        self.gram: FloatArray | None = None
        if task.samples > task.inputs:
            # Of a symmetric matrix half the entries are read, and reading them is what the product takes.
            self.gram, self.moment = np.asfortranarray(self.rate * (task.X.T @ task.X)), self.rate * (task.X.T @ task.y)

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
            return np.asarray(dsymv(1.0, self.gram, beta, beta=-1.0, y=self.moment))
        return np.asarray(self.rate * ((self.X @ beta - self.y) @ self.X))

    @cached_property
    def _single(self) -> tuple[np.ndarray, np.float64]:
        """The matrix at unit size in single precision, half as large again, and the factor of products with it."""
        unit = np.float64(max(self.matrix.max(), -self.matrix.min()) or 1.0)
        single = np.divide(self.matrix, unit, out=np.empty_like(self.matrix, dtype=np.float32), casting="same_kind")
        return single, unit if self.gram is not None else unit * self.rate * unit

    def near(self, start: FloatArray) -> Callable[[FloatArray], FloatArray]:
        """The slope as it is at `start`, and elsewhere with what changes from there in single precision."""
        if not self.large:
            return self
        (matrix, factor), at_start = self._single, self(start)

        def slope(beta: FloatArray) -> FloatArray:
            change = beta - start
            size = np.abs(change).max()
            if not size > 0:
                return np.asarray(at_start + change)
            direction = (change / size).astype(np.float32)
            grown: Any = (matrix @ direction) @ matrix if self.gram is None else ssymv(1.0, matrix, direction)
            return np.asarray(at_start + (size * factor) * grown)

        return slope
