"""`python -m benchmarks`: run them all (two minutes on a quiet core) and print a table of ratios."""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import baselines, curves, flow, minimiser, norms, others, page, peers
from benchmarks.timing import Row
from normtheory.files import write_whole

COLUMNS = ("problem", "method", "seconds", "ratio", "what it took, and how close it came")

TITLE = "Times on this machine, in one run; ratios to the method without one on the same problem"


def main() -> int:
    """Print each row when it is measured if nobody watches, one table at the end, or write it into a page."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="The solvers beside what a user would pick instead."
    )
    parser.add_argument("--table", metavar="FILE", type=Path, help="put the table into a Markdown file that marks its place")
    given = parser.parse_args().table
    if given is not None:
        try:
            page.inserted(given.read_text(), [])
        except (OSError, ValueError) as error:
            parser.error(f"--table {given}: {error}")
    rows = []
    for row in itertools.chain(*(each.rows() for each in (peers, minimiser, norms, others, flow, curves, baselines))):
        print("  ".join(_cells(row)), file=sys.stderr, flush=True)
        rows.append(row)
    if given is None:
        _print(rows)
    else:
        text = page.inserted(given.read_text(), rows)
        write_whole(given, lambda handle: handle.write(text.encode()))
    return 0


def _cells(row: Row) -> tuple[str, ...]:
    ratio = "" if row.ratio is None else f"{row.ratio:.3g}"
    return row.problem, row.method, f"{row.seconds:.4f}", ratio, row.note


def _print(rows: Sequence[Row]) -> None:
    table = Table(*COLUMNS, title=TITLE)
    for row in rows:
        table.add_row(*_cells(row))
    console = Console()
    console.print(table, width=None if console.is_terminal else 170)


if __name__ == "__main__":
    sys.exit(main())
