"""What the tables of Figures 2, 4, 6 and 8a-c share: their columns, and the rows of a run in a panel."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import pyarrow as pa

from normtheory.figures.drawing import Row
from normtheory.figures.files import rounded
from normtheory.figures.relu.cells import COUNTS, RECIPROCAL, UNIT_NORM
from normtheory.figures.relu.grid import Grid, runs
from normtheory.figures.sweep import Sweep
from normtheory.responses import needed_torch

NAMES = ("figure", "panel", "method", "how", "relation", "magnitude")
PLACES = ("k_main", "n", "seed", "clusters")
LOSSES = ("final_loss", "best_loss", "early_loss", "training_loss", "null_loss")
INERTIAS = ("inertia", "uncentred")
ALIGNMENTS = ("alignment", "alignment_aux")
WAYS = ("time", "evaluations", "drift")


def schema(*measures: str) -> pa.Schema:
    """The columns of a figure's table: its panel, the run, the number of clusters in panels of curves, measures."""
    return pa.schema(
        [(name, pa.string()) for name in NAMES]
        + [(name, pa.int64()) for name in PLACES]
        + [("rescale", pa.float64())]
        + [(name, pa.float64()) for name in measures]
    )


Panels = Mapping[str, tuple[Callable[[Row], bool], tuple[str, ...]]]  # name -> the runs it shows, and what of them


def table(figure: str, grid: Grid, sweep: Sweep, panels: Panels, columns: pa.Schema) -> pa.Table:
    """The rows of all panels; a grid with stochastic descent needs torch (InputError)."""
    if grid.relations_descent or grid.descended:
        needed_torch()  # before anything is computed
    found = runs(grid, sweep).to_pylist()
    return rounded(pa.Table.from_pylist([row for run in found for row in panel_rows(figure, run, panels)], schema=columns))


def panel_rows(figure: str, run: Row, panels: Panels) -> Iterator[Row]:
    """The rows that a run contributes: one in each panel that shows it, or one for each number of clusters."""
    for panel, (shown, measures) in panels.items():
        if not shown(run):
            continue
        for magnitude in _magnitudes(run):
            known = {name: run[name] for name in (*NAMES[2:5], "k_main", "n", "seed", "rescale")}
            known |= {"figure": figure, "panel": panel, "magnitude": magnitude, "clusters": None}
            known |= {name: run.get(name) for name in measures if name not in INERTIAS}
            if set(measures) & set(INERTIAS):
                for place, count in enumerate(COUNTS):
                    yield known | {"clusters": count} | {name: run[name][place] for name in measures if name in INERTIAS}
            else:
                yield known


def _magnitudes(run: Row) -> tuple[str, ...]:
    """One unit is of either size at once."""
    return (RECIPROCAL, UNIT_NORM) if run["kind"] == "sparse" and run["k_main"] == 1 else (run["magnitude"],)


def is_pair(run: Row, *relations: str) -> bool:
    """Whether it is a run on a pair of tasks with as many units, of these relations if any are named."""
    return bool(run["kind"] == "pair" and (not relations or run["relation"] in relations))


def is_sparse(run: Row, relation: str = "") -> bool:
    """Whether it is a run on a sparse task, of this relation if it is named."""
    return bool(run["kind"] == "sparse" and relation in ("", run["relation"]))


def is_flow(run: Row, *methods: str) -> bool:
    """Whether it is the flow of one of these methods."""
    return bool(run["how"] == "flow" and run["method"] in methods)
