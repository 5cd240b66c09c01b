"""Timing of one call, and the row a benchmark reports."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Row:
    """One measured method on one problem.

    Attributes
    ----------
    problem, method : str
    seconds : float
        Least time over the repetitions, of the wall clock unless the note says otherwise.
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


def timed(call: Callable[[], T], repetitions: int = 1, clock: Callable[[], float] = time.perf_counter) -> tuple[T, float]:
    """Result of the call and its least time in seconds, by the wall clock or another."""
    best = float("inf")
    for _ in range(repetitions):
        begin = clock()
        result = call()
        best = min(best, clock() - begin)
    return result, best


def timed_in_turn(calls: Sequence[Callable[[], Any]], repetitions: int) -> list[tuple[Any, float]]:
    """As `timed`, one after the other in each repetition: what slows the machine for a while slows them all."""
    rounds = [[timed(call) for call in calls] for _ in range(repetitions)]
    return [(each[-1][0], min(seconds for _, seconds in each)) for each in zip(*rounds, strict=True)]
