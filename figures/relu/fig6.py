"""Figure 6: what ReLU networks learn: clusters of hidden units, and whether they are the teacher's."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from normtheory.figures.drawing import Row, chosen
from normtheory.figures.files import STYLE
from normtheory.figures.relu import drawn, table
from normtheory.figures.relu.grid import GRIDS
from normtheory.figures.relu.table import ALIGNMENTS, INERTIAS, is_flow, is_pair, is_sparse
from normtheory.figures.sweep import Sweep

RUN_SCALES = tuple(GRIDS)


def _single(run: Row) -> bool:
    return bool(run["kind"] == "single" and run["how"] == "flow")


def _one_unit(run: Row) -> bool:
    return is_sparse(run) and bool(run["k_main"] == 1) and is_flow(run, "MTL", "PT+FT")


PANELS: table.Panels = {
    "a": (_single, INERTIAS),
    "b": (_single, ALIGNMENTS),
    "c": (lambda run: is_pair(run) and is_flow(run, "PT+FT", "STL"), INERTIAS),
    "d": (lambda run: is_pair(run) and is_flow(run, "MTL", "MTL 1:1", "STL"), INERTIAS),
    "e": (lambda run: is_pair(run) and is_flow(run, "MTL", "MTL 1:1", "PT+FT", "STL"), ALIGNMENTS),
    "f": (lambda run: _one_unit(run) and bool(run["relation"] == "nested"), INERTIAS),
    "g": (_one_unit, ALIGNMENTS),
}
SCHEMA = table.schema(*INERTIAS, *ALIGNMENTS)


def compute(scale: str, sweep: Sweep) -> pa.Table:
    """The rows of panels a to g, one a run (in panels a, c, d and f: one a number of clusters); columns as in `fig2`."""
    return table.table("fig6", GRIDS[scale], sweep, PANELS, SCHEMA)


def draw(rows: pa.Table) -> dict[str, Any]:
    """A picture for each panel, by name."""
    import matplotlib.pyplot as plt

    listed = rows.to_pylist()
    with plt.style.context(STYLE):
        shown = {name: chosen(listed, panel=name) for name in DRAWN}
        return {f"fig6{name}": DRAWN[name](panel) for name, panel in shown.items() if panel}


DRAWN = {
    "a": drawn.inertia_alone,
    "b": drawn.alignment_alone,
    "c": drawn.inertia_by_relation,
    "d": drawn.inertia_by_relation,
    "e": drawn.alignment_by_relation,
    "f": drawn.one_cluster,
    "g": drawn.alignment_shared_or_new,
}
