"""`python -m normtheory.figures [--scale quick|laptop|paper] [--engine local|dask[:ADDRESS]] [--out DIR] [NAME ...]`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from normtheory.arrays import InputError
from normtheory.figures import FIGURES, everything, lacking, make
from normtheory.figures.progress import reported
from normtheory.figures.sweep import IncompleteError


def main() -> int:
    """Make the figures named on the command line; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m normtheory.figures", description="Make the figures of the audit.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(FIGURES)}; all if none is named")
    parser.add_argument(
        "--scale", choices=("quick", "laptop", "paper"), help="default: the largest that the data at hand allow"
    )
    parser.add_argument("--engine", default="local", help="local, dask or dask:ADDRESS")
    parser.add_argument("--out", type=Path, default=Path("pictures"))
    options = parser.parse_args()
    code = 0
    try:
        for name in options.names or possible(options.scale):
            code = max(code, _made(name, options))
    except InputError as error:
        print(f"figures: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("figures: interrupted; what is finished is kept, and the same command goes on from there", file=sys.stderr)
        return 130
    return code


def possible(scale: str | None) -> list[str]:
    """The figures of a scale that need neither a cluster nor a package which is not installed; these are named on stderr."""
    found = []
    for name in everything(scale):
        if missing := lacking(name):
            print(f"figures: {name} is left out, as {', '.join(missing)} is not installed", file=sys.stderr)
        else:
            found.append(name)
    return found


def _made(name: str, options: argparse.Namespace) -> int:
    """Make one figure and print its files; return 1 if cells are missing from it."""
    error = None
    try:
        with reported() as progress:
            written = make(name, options.scale, options.out, engine=options.engine, progress=progress)
    except IncompleteError as incomplete:
        error, written = incomplete, list(incomplete.written)
    for path in written:
        print(path, flush=True)
    if error is not None:
        print(f"figures: {error}", file=sys.stderr)
    return int(error is not None)


if __name__ == "__main__":
    sys.exit(main())
