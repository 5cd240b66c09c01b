"""Progress of long work with its rate and the time left: a bar on a terminal, a line now and then in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

LINE_INTERVAL_S = 10.0


@contextmanager
def reported() -> Iterator[Callable[[int, int, str], None]]:
    """What long work is to call with the number of parts finished, their number, and what they are; shown on stderr.

    The first call tells what was finished before, which does not count into the rate.
    """
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Lines()
        return
    from rich.progress import MofNCompleteColumn, Progress, TimeElapsedColumn, TimeRemainingColumn

    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    # The rate over the last minutes: cells differ in size.
    with Progress(*columns, console=console, transient=True, speed_estimate_period=300) as progress:
        bars: dict[tuple[int, str], Any] = {}

        def report(finished: int, total: int, what: str) -> None:
            bar = bars.get((total, what))
            if bar is None:
                bars[total, what] = progress.add_task(what, total=total, completed=finished)
            else:
                progress.update(bar, completed=finished)

        yield report


class _Lines:
    """A line at the first and the last report and every ten seconds between."""

    def __init__(self) -> None:
        self.known: tuple[int, str] | None = None
        self.began = self.shown = 0.0
        self.before = 0

    def __call__(self, finished: int, total: int, what: str) -> None:
        now = time.monotonic()
        if self.known != (total, what):
            self.known, self.began, self.before = (total, what), now, finished
        elif finished < total and now - self.shown < LINE_INTERVAL_S:
            return
        self.shown = now
        print(f"{finished}/{total} {what}{self._outlook(finished, total, now)}", file=sys.stderr, flush=True)

    def _outlook(self, finished: int, total: int, now: float) -> str:
        new, seconds = finished - self.before, now - self.began
        if new == 0 or finished == total:
            return ""
        return f", {60 * new / seconds:.1f} a minute, about {in_words(seconds * (total - finished) / new)} left"


def in_words(seconds: float) -> str:
    """A duration as people say it: seconds, minutes or hours."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
