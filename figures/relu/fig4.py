"""Figure 4: larger teachers: generalisation losses of ReLU networks in 100 dimensions, with up to 1000 teacher units."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from normtheory.figures.drawing import chosen
from normtheory.figures.files import STYLE
from normtheory.figures.relu import drawn, table
from normtheory.figures.relu.grid import LARGE
from normtheory.figures.relu.table import LOSSES, WAYS, is_pair
from normtheory.figures.sweep import Sweep

RUN_SCALES = tuple(LARGE)
MEASURED = (*LOSSES, *WAYS, "f12", "f12_truth")
PANELS: table.Panels = {
    "a": (lambda run: bool(run["kind"] == "single"), MEASURED),
    "b": (is_pair, MEASURED),
}
SCHEMA = table.schema(*MEASURED)


def compute(scale: str, sweep: Sweep) -> pa.Table:
    """The rows of panels a and b, one a run; the columns are those of `fig2`."""
    return table.table("fig4", LARGE[scale], sweep, PANELS, SCHEMA)


def draw(rows: pa.Table) -> dict[str, Any]:
    """A picture for each panel, by name."""
    import matplotlib.pyplot as plt

    listed = rows.to_pylist()
    with plt.style.context(STYLE):
        shown = {name: chosen(listed, panel=name) for name in DRAWN}
        return {f"fig4{name}": DRAWN[name](panel) for name, panel in shown.items() if panel}


DRAWN = {"a": drawn.rich_or_lazy, "b": drawn.larger_losses}
