"""A file of claims, or a package of them, run by itself: `python -m MODULE [ID ...] [--jobs N]`."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

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
        0 only if every verdict is as expected and every false twin was rejected.
    """
    parser = argparse.ArgumentParser(prog=program, description="Run claims and print their verdicts.")
    parser.add_argument("ids", nargs="*", metavar="ID", help="claims to run (default: all)")
    parser.add_argument("--jobs", type=int, default=processors(), help="worker processes (default: one per processor)")
    arguments = parser.parse_args()
    start, entries = time.perf_counter(), []
    try:
        running = run(arguments.ids or None, catalogue=catalogue, jobs=arguments.jobs)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    for entry in running:
        entries.append(entry)
        rejected = f"{sum(twin.rejected for twin in entry.twins)}/{len(entry.twins)} twins rejected"
        print(f"{entry.id:22s} {entry.verdict.value:10s} {rejected:20s} {entry.seconds:6.2f} s  {entry.where}", flush=True)
    wrong = [entry for entry in entries if not entry.ok]
    for entry in wrong:
        print(f"NOT AS EXPECTED  {entry.id}: {'; '.join(entry.problems)}")
    print(f"{len(entries)} claims, {len(wrong)} not as expected, {time.perf_counter() - start:.1f} s")
    return 1 if wrong else 0
