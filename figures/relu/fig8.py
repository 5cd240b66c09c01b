"""Figure 8a-c: dimensionality of ReLU networks' hidden activations before and after training, on all inputs at once."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from normtheory.figures.drawing import Row, chosen
from normtheory.figures.files import STYLE
from normtheory.figures.relu import drawn, table
from normtheory.figures.relu.grid import GRIDS
from normtheory.figures.relu.table import is_flow, is_sparse
from normtheory.figures.sweep import Sweep

RUN_SCALES = tuple(GRIDS)
DIMENSIONS = ("pr", "pr_before", "ensd")


def _finetuned(run: Row) -> bool:
    return is_sparse(run) and bool(run["k_main"] == 1) and is_flow(run, "PT+FT")


PANELS: table.Panels = {
    "a": (lambda run: bool(run["kind"] == "single" and run["how"] == "flow"), DIMENSIONS),
    "b": (_finetuned, DIMENSIONS),
    "c": (_finetuned, DIMENSIONS),
}
SCHEMA = table.schema(*DIMENSIONS)


def compute(scale: str, sweep: Sweep) -> pa.Table:
    """The rows of panels a to c, one a run.

    Columns: those that name a run, as in `fig2`; pr, pr_before: participation ratio of the activations, at the end and at the
    start of finetuning; ensd: effective number of dimensions that both share.
    """
    return table.table("fig8", GRIDS[scale], sweep, PANELS, SCHEMA)


def draw(rows: pa.Table) -> dict[str, Any]:
    """A picture for each panel, by name."""
    import matplotlib.pyplot as plt

    listed = rows.to_pylist()
    with plt.style.context(STYLE):
        shown = {name: chosen(listed, panel=name) for name in DRAWN}
        return {f"fig8{name}": DRAWN[name](panel) for name, panel in shown.items() if panel}


DRAWN = {"a": drawn.dimensions_alone, "b": drawn.dimensions_after, "c": drawn.dimensions_shared}
