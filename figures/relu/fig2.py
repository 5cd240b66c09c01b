"""Figure 2: generalisation losses and learned solutions of ReLU networks, theory beside gradient flow."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from normtheory.figures.drawing import Row, chosen
from normtheory.figures.files import STYLE
from normtheory.figures.relu import drawn, table
from normtheory.figures.relu.grid import GRIDS
from normtheory.figures.relu.table import ALIGNMENTS, INERTIAS, LOSSES, WAYS, is_flow, is_pair, is_sparse
from normtheory.figures.sweep import Sweep

RUN_SCALES = tuple(GRIDS)
SHARED = ("0/6 shared", "3/6 shared", "5/6 shared", "6/6 shared")
OF_CURVES, CORRELATED, MIXED = SHARED[2], "all correlated", "5 shared, rest correlated"
BOTH, THREE = ("MTL", "PT+FT"), ("MTL", "PT+FT", "STL")
MEASURED = (*LOSSES, *WAYS, "rotation", "rotation_at_best", "order", "f12", "lower", "f12_truth")


def _few(run: Row) -> bool:
    return bool(run["k_main"] == 1)


PANELS: table.Panels = {
    "a": (lambda run: is_pair(run, *SHARED), MEASURED),
    "b": (lambda run: is_sparse(run, "disjoint") and run["how"] == "flow" and run["rescale"] == 1, MEASURED),
    "c": (lambda run: is_pair(run, OF_CURVES) and is_flow(run, *THREE), INERTIAS),
    "d": (lambda run: is_pair(run, OF_CURVES) and is_flow(run, *THREE), ALIGNMENTS),
    "e": (lambda run: is_pair(run, CORRELATED), MEASURED),
    "f": (lambda run: is_pair(run, MIXED), MEASURED),
    "g": (lambda run: is_sparse(run, "nested") and run["method"] != "STL", MEASURED),
    "h": (lambda run: is_sparse(run, "nested") and _few(run) and is_flow(run, "PT+FT"), INERTIAS),
    "i": (lambda run: is_sparse(run) and _few(run) and is_flow(run, "MTL", "MTL 1:1", "PT+FT"), MEASURED),
}
SCHEMA = table.schema(*MEASURED, *INERTIAS, *ALIGNMENTS)


def compute(scale: str, sweep: Sweep) -> pa.Table:
    """The rows of panels a to i, one a run (in panels c and h: one a number of clusters).

    Columns: figure, panel, method, how (see `cells`), relation, magnitude (of the main readouts; one unit is under both),
    k_main, n, seed, clusters, rescale; final_loss, best_loss (the least on the way), early_loss (at an earlier training loss),
    training_loss (of the main task), null_loss; time and evaluations of the flow, drift of what it conserves; rotation of units
    in finetuning (at the end, and where the loss is least), order of the penalty at the end; F_{1,2} norm, what a least one is
    certified against, and the teacher's; inertia about the mean and about 0; alignment with main and auxiliary units.
    """
    return table.table("fig2", GRIDS[scale], sweep, PANELS, SCHEMA)


def draw(rows: pa.Table) -> dict[str, Any]:
    """A picture for each panel, by name."""
    import matplotlib.pyplot as plt

    listed = rows.to_pylist()
    with plt.style.context(STYLE):
        shown = {name: chosen(listed, panel=name) for name in DRAWN}
        return {f"fig2{name}": DRAWN[name](panel) for name, panel in shown.items() if panel}


DRAWN = {
    "a": drawn.losses_by_relation,
    "b": drawn.losses_by_units,
    "c": drawn.inertia_by_method,
    "d": drawn.alignment_by_relation,
    "e": drawn.losses_by_relation,
    "f": drawn.losses_by_relation,
    "g": drawn.losses_by_factor,
    "h": drawn.one_cluster,
    "i": drawn.shared_or_new,
}
