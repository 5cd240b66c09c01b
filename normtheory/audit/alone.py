"""A file of claims, or a package of them, run by itself: `python -m MODULE [ID ...] [--jobs N]`."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from normtheory.audit import text
from normtheory.audit.claims import claims
from normtheory.audit.running import run
from normtheory.machine import processors


def run_alone() -> int:
    """Run and print the claims of the file that Python was started with, which must be importable by its own name."""
    started = sys.modules["__main__"]
    module = started.__spec__.name if started.__spec__ is not None else Path(str(started.__file__)).stem
    return main(module, f"python -m {module}")


def main(catalogue: str, program: str) -> int:
    """Print a line per claim of a catalogue, as it is finished, and what is wrong at the end.

    Returns
    -------
    int
        0 only if every verdict is as expected, every false twin rejected and every true sibling accepted.
    """
    parser = argparse.ArgumentParser(prog=program, description="Run claims and print their verdicts.")
    parser.add_argument("ids", nargs="*", metavar="ID", help="claims to run (default: all)")
    parser.add_argument("--jobs", type=int, default=processors(), help="worker processes (default: one per processor)")
    arguments = parser.parse_args()
    start, entries = time.perf_counter(), []
    try:
        order = arguments.ids or list(claims(catalogue))
        running = run(order, catalogue=catalogue, jobs=arguments.jobs)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    print(text.header(order))
    for entry in running:
        entries.append(entry)
        print(text.line(entry, order), flush=True)
    print(text.totals(entries, time.perf_counter() - start, text.columns()))
    return 0 if all(entry.ok for entry in entries) else 1
