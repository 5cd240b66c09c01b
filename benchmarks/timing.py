"""Timing of one call, and the row a benchmark reports."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Row:
    """One measured method on one problem.

    Attributes
    ----------
    problem, method : str
    seconds : float
        Least wall-clock time over the repetitions.
    ratio : float or None
        Its time over that of the reference method in the same run; None for the reference.
    note : str
        Accuracy and cost: distance from the reference, factorisations, gradients.
    """

    problem: str
    method: str
    seconds: float
    ratio: float | None
    note: str


def timed(call: Callable[[], T], repetitions: int = 1) -> tuple[T, float]:
    """Result of the call and its least wall-clock time in seconds."""
    best = float("inf")
    for _ in range(repetitions):
        begin = time.perf_counter()
        result = call()
        best = min(best, time.perf_counter() - begin)
    return result, best
