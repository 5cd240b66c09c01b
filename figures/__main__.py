"""`python -m figures [--scale quick|paper] [--out DIR] [NAME ...]`: make figures, all of them if none is named."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from figures import FIGURES, SCALES, make
from normtheory.arrays import InputError


def main() -> int:
    """Make the figures named on the command line; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m figures", description="Make the figures of the audit.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(FIGURES)}; all if none is named")
    parser.add_argument("--scale", choices=SCALES, default="paper")
    parser.add_argument("--out", type=Path, default=Path("pictures"))
    options = parser.parse_args()
    try:
        for name in options.names or FIGURES:
            for path in make(name, options.scale, options.out, _report):
                print(path)
    except InputError as error:
        print(f"figures: {error}", file=sys.stderr)
        return 2
    return 0


def _report(finished: int, total: int, what: str) -> None:
    print(f"{finished}/{total} {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
