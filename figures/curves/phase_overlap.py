"""Phase diagram (i): loss over overlap and samples, and where finetuning, multi-task and single-task learning cross."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from normtheory.figures.curves.cells import FEATURES, cell, geometric, spec
from normtheory.figures.drawing import METHODS, chosen, distinct
from normtheory.figures.files import STYLE, rounded
from normtheory.figures.sweep import Sweep

SHOWN = {"finetuning": "PT+FT", "multitask": "MTL", "single": "STL"}  # and their names in the other figures
OVERLAPS = {"quick": range(0, 41, 10), "paper": range(0, 41, 2)}
SAMPLES = {"quick": geometric(10, 400, 12), "paper": geometric(8, 500, 60)}
DRAWN = {"quick": ((0, 40), (64, 256), 1), "paper": ((0, 10, 20, 30, 40), (16, 32, 64, 128, 256), 3)}
LOWEST = -8  # decade of loss that is told apart


def compute(scale: str, sweep: Sweep) -> pa.Table:
    """Losses over null loss (columns of `cells.cell`): theory on a grid, exact minimisers of drawn pairs at a few places."""
    overlaps, samples, seeds = DRAWN[scale]
    theory = [spec("curve", list(SHOWN), overlap=overlap, samples=SAMPLES[scale]) for overlap in OVERLAPS[scale]]
    drawn = [
        spec("drawn", list(SHOWN), overlap=overlap, samples=[n], seeds=list(range(seeds)))
        for overlap in overlaps
        for n in samples
    ]
    return rounded(sweep.table([*theory, *drawn], cell, "curves and drawn pairs"))


def draw(table: pa.Table) -> dict[str, Any]:
    """Log loss of each method, and which has least."""
    import matplotlib.pyplot as plt

    rows = table.to_pylist()
    with plt.style.context(STYLE):
        figure, axes = plt.subplots(1, 4, figsize=(9.6, 3.2), sharey=True, gridspec_kw={"width_ratios": [1, 1, 1, 1.05]})
        grids = {method: grid(chosen(rows, method=method, kind="curve"), "overlap") for method in SHOWN}
        for axis, (method, name) in zip(axes, SHOWN.items(), strict=False):
            overlaps, samples, loss = grids[method]
            levels = np.log10(np.maximum(loss, 10.0**LOWEST))
            shown = axis.pcolormesh(overlaps, samples, levels, cmap="viridis", vmin=LOWEST, vmax=0.4, shading="nearest")
            axis.contour(overlaps, samples, levels, levels=[-2], colors="white", linewidths=1.2)
            axis.set(title=name, xlabel="features shared")
        axes[0].set(yscale="log", ylabel="main samples $n$")
        figure.colorbar(shown, ax=axes[:3], label="$\\log_{10}$ loss / null loss", pad=0.01, extend="min")
        engine: Any = figure.get_layout_engine()
        engine.set(w_pad=0.1)  # room beside the colour bar
        _draw_best(axes[3], grids, rows)
        figure.suptitle(
            f"{FEATURES} features in each task; white: loss 0.01. Gaussian inputs, many of them", x=0.01, ha="left", size=9
        )
    return {"phase-overlap": figure}


def grid(rows: list[dict[str, Any]], across: str) -> tuple[Any, Any, Any]:
    """Values of a column, numbers of samples, and losses, shape (samples, values)."""
    columns, samples = distinct(rows, across), distinct(rows, "n")
    loss = {(row["n"], row[across]): row["loss"] for row in rows}
    return np.array(columns), np.array(samples), np.array([[loss[n, value] for value in columns] for n in samples])


def _draw_best(axis: Any, grids: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    """Areas where a method has least loss, by theory; points where it has by drawn pairs (geometric means)."""
    from matplotlib.colors import ListedColormap

    overlaps, samples, _ = next(iter(grids.values()))
    best = np.argmin([np.maximum(loss, 1e-12) for *_, loss in grids.values()], axis=0)
    colours = [METHODS[name] for name in SHOWN.values()]
    axis.pcolormesh(overlaps, samples, best, cmap=ListedColormap(colours), vmin=-0.5, vmax=2.5, alpha=0.45, shading="nearest")
    drawn = chosen(rows, kind="drawn")
    for overlap in distinct(drawn, "overlap"):
        for n in distinct(drawn, "n"):
            here = chosen(drawn, overlap=overlap, n=n)
            means = [np.mean(np.log([max(row["loss"], 1e-12) for row in chosen(here, method=method)])) for method in SHOWN]
            axis.plot(overlap, n, "o", color=colours[int(np.argmin(means))], markeredgecolor="white", clip_on=False)
    for name, colour in zip(SHOWN.values(), colours, strict=True):
        axis.plot([], [], "s", color=colour, label=name)
    axis.set(title="least loss (points: drawn)", xlabel="features shared")
    axis.figure.legend(*axis.get_legend_handles_labels(), loc="outside lower right", ncols=3)
