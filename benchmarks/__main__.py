"""`python -m benchmarks`: run them all (some minutes on two cores) and print a table of ratios."""

from __future__ import annotations

import itertools
import sys

from rich.console import Console
from rich.table import Table

from benchmarks import baselines, curves, flow, minimiser, norms, others, peers

COLUMNS = ("problem", "method", "seconds", "ratio", "what it took, and how close it came")

TITLE = "Times on this machine, in one run; ratios to the method without one on the same problem, flows at first to Newton"


def main() -> int:
    """Print each row when it is measured if nobody watches, one table at the end."""
    table = Table(*COLUMNS, title=TITLE)
    for row in itertools.chain(*(each.rows() for each in (peers, minimiser, norms, others, flow, curves, baselines))):
        ratio = "" if row.ratio is None else f"{row.ratio:.3g}"
        cells = (row.problem, row.method, f"{row.seconds:.4f}", ratio, row.note)
        print("  ".join(cells), file=sys.stderr, flush=True)
        table.add_row(*cells)
    console = Console()
    console.print(table, width=None if console.is_terminal else 170)
    return 0


if __name__ == "__main__":
    sys.exit(main())
