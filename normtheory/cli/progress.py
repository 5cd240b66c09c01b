"""What a command shows of its progress, on stderr: a line that is redrawn on a terminal, plain lines in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from normtheory.audit.judging import Entry

INTERVAL_S, PLAIN_INTERVAL_S = 0.2, 10.0  # on a terminal, and in a log


@contextmanager
def flow_progress() -> Iterator[Callable[[str, float, float, int], None]]:
    """What a flow is to call with phase, time, loss and gradients: a status line on stderr, a plain one in a log."""
    from rich.console import Console

    console = Console(stderr=True)
    interval = INTERVAL_S if console.is_terminal else PLAIN_INTERVAL_S
    shown = time.perf_counter()
    with console.status("gradient flow") as status:

        def report(phase: str, flow_time: float, loss: float, evaluations: int) -> None:
            nonlocal shown
            if time.perf_counter() - shown < interval:
                return
            shown = time.perf_counter()
            text = f"{phase}: time {flow_time:.3g}, loss {loss:.2e}, {evaluations} gradients"
            if console.is_terminal:
                status.update(text)
            else:
                print(text, file=sys.stderr, flush=True)

        yield report


def claims_progress(entries: Iterable[Entry], total: int) -> Iterator[Entry]:
    """Pass the entries on, with a bar on a terminal and a line for each elsewhere, on stderr."""
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("checking claims", total=total)
        for number, entry in enumerate(entries, 1):
            yield entry
            progress.update(bar, advance=1, description=entry.id)
            if not console.is_terminal:
                print(f"[{number}/{total}] {entry.id}: {entry.verdict.value} ({entry.seconds:.1f} s)", file=sys.stderr)
