"""Progress of long work with its rate and the time left: a bar on a terminal, a line now and then in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

LINE_INTERVAL_S = 10.0


@contextmanager
def reported() -> Iterator[Callable[[int, int, str], None]]:
    """What long work is to call with the number of parts finished, their number, and what they are; on stderr.

    The first call tells what was finished before, which does not count into the rate; one with fewer begins another piece.
    """
    from rich.console import Console

    console = Console(stderr=True)
    outlook = _Outlook()
    if not console.is_terminal:
        yield _Lines(outlook)
        return
    from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        *Progress.get_default_columns()[:2],
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[left]}"),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("", left="")

        def report(finished: int, total: int, what: str) -> None:
            left = outlook(finished, total)
            progress.update(bar, completed=finished, total=total, description=what, left=left)

        yield report


class _Outlook:
    """Rate and time left, from what has been finished since the first call of a piece of work."""

    def __init__(self) -> None:
        self.before: int | None = None
        self.began = 0.0
        self.latest = 0

    def __call__(self, finished: int, total: int) -> str:
        now = time.monotonic()
        if self.before is None or finished < self.latest:
            self.before, self.began = finished, now
        self.latest = finished
        new, seconds = finished - self.before, now - self.began
        if new == 0 or finished == total:
            return ""
        return f"{60 * new / seconds:.1f} a minute, about {in_words(seconds * (total - finished) / new)} left"


class _Lines:
    """A line at the first and the last report, and at most one every ten seconds between."""

    def __init__(self, outlook: _Outlook) -> None:
        self.outlook = outlook
        self.shown: float | None = None

    def __call__(self, finished: int, total: int, what: str) -> None:
        left, now = self.outlook(finished, total), time.monotonic()
        if finished < total and self.shown is not None and now - self.shown < LINE_INTERVAL_S:
            return
        self.shown = now
        print(f"{finished}/{total} {what}{', ' if left else ''}{left}", file=sys.stderr, flush=True)


def in_words(seconds: float) -> str:
    """A duration as people say it: seconds, minutes or hours."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
