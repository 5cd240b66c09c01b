"""What `verify` shows of its progress, on stderr: a bar on a terminal, a line for each claim in a log."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from normtheory.audit.judging import Entry


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
