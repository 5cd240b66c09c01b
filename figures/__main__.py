"""`python -m figures [--scale quick|paper] [--engine local|dask[:ADDRESS]] [--out DIR] [NAME ...]`; all if none is named."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from figures import FIGURES, SCALES, make
from figures.progress import reported
from figures.sweep import IncompleteError
from normtheory.arrays import InputError


def main() -> int:
    """Make the figures named on the command line; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m figures", description="Make the figures of the audit.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(FIGURES)}; all if none is named")
    parser.add_argument("--scale", choices=SCALES, default="paper")
    parser.add_argument("--engine", default="local", help="local, dask or dask:ADDRESS")
    parser.add_argument("--out", type=Path, default=Path("pictures"))
    options = parser.parse_args()
    try:
        with reported() as progress:
            for name in options.names or FIGURES:
                for path in make(name, options.scale, options.out, engine=options.engine, progress=progress):
                    print(path, flush=True)
    except InputError as error:
        print(f"figures: {error}", file=sys.stderr)
        return 2
    except IncompleteError as error:
        print(f"figures: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("figures: interrupted; what is finished is kept, and the same command goes on from there", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
