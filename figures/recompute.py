"""Committed tables against the code that is said to have made them: some of their cells, drawn at random, computed anew.

`python -m normtheory.figures.recompute` draws fifteen cells of Figures 1 and 5, over all numbers of samples, overlaps and
sparse tasks, and says where the tables differ from what comes out. With --accept the records beside the tables (`record`)
then note that the code as it is now gives the same: what to run after a change of the code that should change no number.
"""

from __future__ import annotations

import argparse
import secrets
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any

import numpy as np

from normtheory.figures import committed, committed_file
from normtheory.figures.drawing import Row
from normtheory.figures.progress import reported
from normtheory.figures.record import beside, read_record, write_record
from normtheory.figures.sweep import Spec
from normtheory.figures.sweep.keys import code_version

TABLES = {"fig1": "normtheory.figures.diagonal.fig1", "fig5": "normtheory.figures.diagonal.fig5"}
CELLS = 15
# Other builds of BLAS round otherwise: what an endpoint of a flow then moves by. Tables have six digits.
RELATIVE, ABSOLUTE = 1e-4, 1e-15
NAMES = ("panel", "method", "how", "overlap", "k_main", "magnitude", "magnitude_aux", "rescale", "n", "seed", "top")


def drawn(specs: Sequence[Spec], count: int, draw: int) -> list[Spec]:
    """Cells drawn at random: of each number of samples as many as of any other, up to one, and of each pair of tasks, too."""
    generator = np.random.default_rng(draw)
    left = [specs[place] for place in generator.permutation(len(specs))]
    chosen: list[Spec] = []
    while left and len(chosen) < count:
        counts = [[sum(_same(spec, each, names) for each in chosen) for names in BALANCED] for spec in left]
        chosen.append(left.pop(counts.index(min(counts))))
    return chosen


BALANCED = (("n",), ("kind", "features", "overlap"), ("kind",), ("seed",))


def _same(spec: Spec, other: Spec, names: Sequence[str]) -> bool:
    return all(spec[name] == other[name] for name in names)


def differences(spec: Spec) -> Iterator[str]:
    """Where the committed tables differ from what a cell gives now, in words."""
    from normtheory.figures.diagonal import cells

    runs = cells.cell(spec)
    for figure, module in TABLES.items():
        panels = import_module(module)
        anew = [row for run in runs for row in panels.panel_rows(run)]
        known = {
            _place(row): row for row in committed(figure).to_pylist() if row["n"] == spec["n"] and row["seed"] == spec["seed"]
        }
        for row in anew:
            yield from _beside(figure, row, known.get(_place(row)), panels.SCHEMA.names)


def _place(row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in NAMES)


def _beside(figure: str, anew: Row, kept: Row | None, columns: Sequence[str]) -> Iterator[str]:
    where = f"{figure}, {', '.join(f'{name} = {anew[name]}' for name in NAMES)}"
    if kept is None:
        yield f"{where}: no such row"
        return
    # How far a flow ends from theory is its own rounding.
    measures = [name for name in columns if name not in NAMES and not (name == "distance" and anew["how"] == "flow")]
    for name in measures:
        now, before = anew.get(name), kept[name]
        if isinstance(now, str) or (now is None) != (before is None):
            if now != before:
                yield f"{where}: {name} is {before}, not {now}"
        elif now is not None and abs(now - before) > RELATIVE * abs(now) + ABSOLUTE:
            yield f"{where}: {name} is {before:g}, not {now:g}"


def main() -> int:
    """Compute, compare, say; return the exit code."""
    from normtheory.figures.diagonal import cells
    from normtheory.figures.diagonal.grid import GRIDS

    parser = argparse.ArgumentParser(prog="python -m normtheory.figures.recompute", description="Compute some cells anew.")
    parser.add_argument("--cells", type=int, default=CELLS, help="how many")
    parser.add_argument("--draw", type=int, default=None, help="which draw (default: another each time)")
    parser.add_argument("--accept", action="store_true", help="note in the records that this code gives the same")
    options = parser.parse_args()
    draw = secrets.randbits(32) if options.draw is None else options.draw
    specs, found = drawn(GRIDS["paper"].cells(), options.cells, draw), []
    with reported() as progress:
        for finished, spec in enumerate(specs):
            progress(finished, len(specs), "cells")
            found += list(differences(spec))
        progress(len(specs), len(specs), "cells")
    print("\n".join([*found, f"{len(specs)} cells of draw {draw}: {len(found)} differences"]))
    if options.accept and not found:
        for figure in TABLES:
            path = beside(committed_file(figure))
            write_record(read_record(path).agreeing(code_version(cells.cell)), path)
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
