"""`normtheory bench`: the solvers beside plainer ways to the same numbers."""

from __future__ import annotations

import sys
from pathlib import Path

import typer


def bench() -> None:
    """Compare the solvers with plainer ways to the same numbers, as ratios of times (in a clone only)."""
    import subprocess

    from normtheory.arrays import InputError

    clone = Path(__file__).resolve().parents[2]
    if not (clone / "benchmarks" / "__main__.py").is_file():
        raise InputError("the benchmarks are not installed; run `make bench` in a clone")
    raise typer.Exit(subprocess.run([sys.executable, "-m", "benchmarks"], cwd=clone, check=False).returncode)
