"""Committed tables against the code that is said to have made them: some of their cells, drawn at random, computed anew.

`python -m normtheory.figures.recompute` draws fifteen cells of Figures 1 and 5, over all numbers of samples, overlaps and
sparse tasks, and the lines in the limit, and says where the tables differ from what comes out; with --family relu it draws
cells of Figures 2, 6 and 8, with large of Figure 4, with classes or imagenet of Figures 3 or 7. With --accept the records
beside the tables (`record`) then note that the code as it is now gives the same: what to run after a change of the code that
should change no number. With --lines it computes the lines alone, which takes no training, and puts them into the tables.
"""

from __future__ import annotations

import argparse
import os
import secrets
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

import numpy as np
import pyarrow as pa

from normtheory.figures import committed, committed_file
from normtheory.figures.drawing import Row, of_tasks
from normtheory.figures.files import rounded, write_table
from normtheory.figures.progress import reported
from normtheory.figures.record import beside, digest, read_record, write_record
from normtheory.figures.sweep import Spec
from normtheory.figures.sweep.keys import code_version

CELLS = 15
# Other builds of BLAS round otherwise: what an endpoint of a flow then moves by. Tables have six digits.
RELATIVE, ABSOLUTE = 1e-4, 1e-15


@dataclass(frozen=True)
class Family:
    """Figures whose tables are made from the same cells.

    Attributes
    ----------
    tables : sequence of str
        Their names.
    cells : str
        The module of the cells.
    specs : callable
        The cells of the committed tables, but for those that take long.
    rows : callable
        From a figure's name and a run to the rows that it contributes.
    names : sequence of str
        Columns that tell rows apart.
    balanced : sequence of sequences of str
        Parts of a specification of whose values as many are drawn as of any other.
    apart : sequence of str
        Columns that hang on rounding.
    """

    tables: Sequence[str]
    cells: str
    specs: Callable[[], list[Spec]]
    rows: Callable[[str, Row], Iterable[Row]]
    names: Sequence[str]
    balanced: Sequence[Sequence[str]]
    apart: Sequence[str] = ()


def _diagonal_cells() -> list[Spec]:
    from normtheory.figures.diagonal.grid import GRIDS

    return list(GRIDS["paper"].cells())


def _diagonal_rows(figure: str, run: Row) -> Iterable[Row]:
    rows: Iterable[Row] = import_module(f"normtheory.figures.diagonal.{figure}").panel_rows(run)
    return rows


def _relu_cells() -> list[Spec]:
    from normtheory.figures.relu.grid import GRIDS

    return [spec for spec in GRIDS["laptop"].cells() if spec["kind"] != "descent"]


def _large_cells() -> list[Spec]:
    from normtheory.figures.relu.grid import LARGE

    return list(LARGE["laptop"].cells())


def _relu_rows(figure: str, run: Row) -> Iterable[Row]:
    from normtheory.figures.relu import table

    return table.panel_rows(figure, run, import_module(f"normtheory.figures.relu.{figure}").PANELS)


def _classes_cells() -> list[Spec]:
    from normtheory.figures.deep.grid import CLASSES

    return list(CLASSES["laptop"].cells())


def _imagenet_cells() -> list[Spec]:
    from normtheory.figures.deep.grid import IMAGENET

    return list(IMAGENET["laptop"].cells())


def _deep_rows(figure: str, run: Row) -> Iterable[Row]:
    rows: Iterable[Row] = import_module(f"normtheory.figures.deep.{figure}").panel_rows(run)
    return rows


FAMILIES = {
    "diagonal": Family(
        ("fig1", "fig5"),
        "normtheory.figures.diagonal.cells",
        _diagonal_cells,
        _diagonal_rows,
        ("panel", "method", "how", "overlap", "k_main", "magnitude", "magnitude_aux", "rescale", "n", "seed", "top"),
        (("n",), ("kind", "features", "overlap"), ("kind",), ("seed",)),
    ),
    "relu": Family(
        ("fig2", "fig6", "fig8"),
        "normtheory.figures.relu.cells",
        _relu_cells,
        _relu_rows,
        ("panel", "method", "how", "relation", "magnitude", "k_main", "rescale", "n", "seed", "clusters"),
        (("n",), ("kind", "relation"), ("kind",), ("seed",)),
        ("evaluations", "time", "drift"),
    ),
    # Stochastic descent follows every rounding: the same rows come out of the same build of torch, on one thread.
    "large": Family(
        ("fig4",),
        "normtheory.figures.relu.cells",
        _large_cells,
        _relu_rows,
        ("panel", "method", "how", "relation", "magnitude", "k_main", "rescale", "n", "seed"),
        (("n",), ("kind", "relation"), ("kind",), ("seed",)),
        ("evaluations", "time", "drift"),
    ),
    "classes": Family(
        ("fig3",),
        "normtheory.figures.deep.cells",
        _classes_cells,
        _deep_rows,
        ("panel", "norm", "method", "part", "rescale", "n", "seed", "layer"),
        (("n",), ("norm",), ("seed",)),
    ),
    "imagenet": Family(
        ("fig7",),
        "normtheory.figures.deep.cells",
        _imagenet_cells,
        _deep_rows,
        ("task", "rescale", "n", "seed"),
        (("n",), ("task",), ("seed",)),
    ),
}
DIAGONAL = FAMILIES["diagonal"]


def drawn(specs: Sequence[Spec], count: int, draw: int, balanced: Sequence[Sequence[str]] = DIAGONAL.balanced) -> list[Spec]:
    """Cells drawn at random: of each number of samples as many as of any other, up to one, and of each pair of tasks, too."""
    generator = np.random.default_rng(draw)
    left = [specs[place] for place in generator.permutation(len(specs))]
    chosen: list[Spec] = []
    while left and len(chosen) < count:
        counts = [[sum(_same(spec, each, names) for each in chosen) for names in balanced] for spec in left]
        chosen.append(left.pop(counts.index(min(counts))))
    return chosen


def _same(spec: Spec, other: Spec, names: Sequence[str]) -> bool:
    return all(spec[name] == other[name] for name in names)


def differences(spec: Spec, family: Family = DIAGONAL) -> Iterator[str]:
    """Where the committed tables differ from what a cell gives now, in words."""
    runs = import_module(family.cells).cell(spec)
    for figure in family.tables:
        anew = [row for run in runs for row in family.rows(figure, run)]
        kept = committed(figure)
        known = {_place(row, family): row for row in kept.to_pylist() if row["n"] == spec["n"] and row["seed"] == spec["seed"]}
        columns = [name for name in kept.schema.names if name not in family.apart]
        for row in anew:
            yield from _beside(figure, row, known.get(_place(row, family)), columns, family.names)


def _lines() -> list[Row]:
    """What Figures 1 and 5 show in the limit of many inputs."""
    from normtheory.figures.diagonal import limit
    from normtheory.figures.diagonal.grid import GRIDS

    return list(limit.lines(GRIDS["paper"]))


def differing_lines(lines: Sequence[Row]) -> Iterator[str]:
    """Where the committed tables differ from lines in the limit that were computed now."""
    for figure in DIAGONAL.tables:
        kept = committed(figure)
        known = {_place(row, DIAGONAL): row for row in kept.to_pylist()}
        for row in (row for line in lines for row in DIAGONAL.rows(figure, line)):
            yield from _beside(figure, row, known.get(_place(row, DIAGONAL)), kept.schema.names, DIAGONAL.names)


def put_in(lines: Sequence[Row]) -> None:
    """Put lines into the committed tables in place of those there, and the digests into the records."""
    for figure in DIAGONAL.tables:
        kept, path = committed(figure), committed_file(figure)
        rows = of_tasks(kept.to_pylist()) + [row for line in lines for row in DIAGONAL.rows(figure, line)]
        write_table(rounded(pa.Table.from_pylist(rows, schema=kept.schema)), path)
        write_record(replace(read_record(beside(path)), rows=digest(path)), beside(path))


def _place(row: Row, family: Family) -> tuple[Any, ...]:
    return tuple("" if row[name] is None else row[name] for name in family.names)  # .csv has no missing text


def _written(value: Any) -> Any:
    """As a table has it: what is no number is missing there."""
    return None if isinstance(value, float) and np.isnan(value) else value


def _beside(figure: str, anew: Row, kept: Row | None, columns: Sequence[str], names: Sequence[str]) -> Iterator[str]:
    where = f"{figure}, {', '.join(f'{name} = {anew[name]}' for name in names)}"
    if kept is None:
        yield f"{where}: no such row"
        return
    # How far a flow ends from theory is its own rounding.
    measures = [name for name in columns if name not in names and not (name == "distance" and anew["how"] == "flow")]
    for name in measures:
        now, before = _written(anew.get(name)), kept[name]
        if isinstance(now, str) or (now is None) != (before is None):
            if now != before:
                yield f"{where}: {name} is {before}, not {now}"
        elif now is not None and abs(now - before) > RELATIVE * abs(now) + ABSOLUTE:
            yield f"{where}: {name} is {before:g}, not {now:g}"


def main() -> int:
    """Compute, compare, say; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m normtheory.figures.recompute", description="Compute some cells anew.")
    parser.add_argument("--family", choices=FAMILIES, default="diagonal", help="of which figures (default: diagonal)")
    parser.add_argument("--cells", type=int, default=CELLS, help="how many")
    parser.add_argument("--draw", type=int, default=None, help="which draw (default: another each time)")
    parser.add_argument("--accept", action="store_true", help="note in the records that this code gives the same")
    parser.add_argument("--lines", action="store_true", help="put the lines in the limit into the tables, and nothing else")
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"  # as in workers, before torch is imported: its sums hang on their number
    if options.lines:
        put_in(_lines())
        return 0
    draw = secrets.randbits(32) if options.draw is None else options.draw
    family = FAMILIES[options.family]
    specs, found = drawn(family.specs(), options.cells, draw, family.balanced), []
    with reported() as progress:
        for finished, spec in enumerate(specs):
            progress(finished, len(specs), "cells")
            found += list(differences(spec, family))
        progress(len(specs), len(specs), "cells")
    found += differing_lines(_lines()) if family is DIAGONAL else []
    lines = " and the lines in the limit" if family is DIAGONAL else ""
    print("\n".join([*found, f"{len(specs)} cells of draw {draw}{lines}: {len(found)} differences"]))
    if options.accept and not found:
        for figure in family.tables:
            path = beside(committed_file(figure))
            write_record(read_record(path).agreeing(code_version(import_module(family.cells).cell)), path)
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
