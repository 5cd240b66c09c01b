"""Run every claim and print the verdicts: `python -m proofs [ID ...] [--jobs N]`.

Exit status 0 only if every verdict is as expected and every false twin was rejected.
"""

from __future__ import annotations

import argparse
import os
import sys
import time

from normtheory import ledger


def main() -> int:
    """Print a line per claim, as it is finished, and what is wrong at the end."""
    parser = argparse.ArgumentParser(prog="python -m proofs", description="Run the claims and print their verdicts.")
    parser.add_argument("ids", nargs="*", metavar="ID", help="claims to run (default: all)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="worker processes (default: one per core)")
    arguments = parser.parse_args()
    start, entries = time.perf_counter(), []
    try:
        running = ledger.run(arguments.ids or None, catalogue="proofs", jobs=arguments.jobs)
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


if __name__ == "__main__":
    sys.exit(main())
