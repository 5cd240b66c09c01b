"""What a flow shows of its progress, on stderr: a line that is redrawn on a terminal, plain lines in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

INTERVAL_S, PLAIN_INTERVAL_S = 0.2, 10.0  # on a terminal, and in a log

Report = Callable[[str, float, float, int], None]


@contextmanager
def flow_progress() -> Iterator[Report]:
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
