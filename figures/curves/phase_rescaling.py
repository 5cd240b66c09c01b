"""Phase diagram (ii): loss over rescaling and samples, for a sparse main task within the auxiliary features or outside."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from normtheory import exact
from normtheory.figures.curves.cells import FEATURES, cell, geometric, spec
from normtheory.figures.curves.phase_overlap import grid
from normtheory.figures.drawing import METHODS, chosen, distinct
from normtheory.figures.files import STYLE, rounded
from normtheory.figures.sweep import Sweep

FEW = 5  # features of the main task, of size 1/5 as in Figure 1g, within the 40 auxiliary ones or apart from them
FACTORS = {"quick": np.geomspace(1e-4, 10, 11), "paper": np.geomspace(1e-6, 10, 57)}
SAMPLES = {"quick": geometric(6, 300, 12), "paper": geometric(5, 400, 50)}
DRAWN = {"quick": ((0.1,), (16, 64), 1), "paper": ((1.0, 0.1, 0.01, 0.001), (8, 16, 32, 64, 128), 3)}
LEVEL = 0.01  # loss over null loss at which a task counts as learned
LOWEST = -8


def compute(scale: str, sweep: Sweep) -> pa.Table:
    """Losses over null loss, and samples needed for LEVEL: theory over factors, and drawn pairs at a few places."""
    common: dict[str, Any] = {"features": FEW, "magnitude": 1 / FEW}
    factors, samples, seeds = DRAWN[scale]
    cells = []
    for overlap in (FEW, 0):
        for factor in FACTORS[scale].tolist():
            where = common | {"overlap": overlap, "rescale": factor}
            cells.append(spec("curve", ["finetuning"], samples=SAMPLES[scale], **where))
            cells.append(spec("needed", ["finetuning"], share=LEVEL, **where))
        cells.append(spec("needed", ["probing", "l1"], share=LEVEL, overlap=overlap, **common))
        for factor in factors:
            where = common | {"overlap": overlap, "rescale": factor}
            cells.append(spec("drawn", ["finetuning"], samples=list(samples), seeds=list(range(seeds)), **where))
    return rounded(sweep.table(cells, cell, "curves and drawn pairs"))


def ratio(factor: Any) -> Any:
    """Size of a main weight over the penalty scale of an auxiliary feature, after rescaling by a factor."""
    k, _ = exact.finetuning([FEATURES**-0.5], 1e-3, float(factor) * 1e-3, float(factor))
    return float(1 / FEW / k[0])


def draw(table: pa.Table) -> dict[str, Any]:
    """Loss of a nested and of a new task, and the samples that both need."""
    import matplotlib.pyplot as plt

    rows = table.to_pylist()
    with plt.style.context(STYLE):
        figure, axes = plt.subplots(1, 3, figsize=(9.6, 3.3), sharey=True)
        for axis, (overlap, name) in zip(axes, ((FEW, "nested"), (0, "new")), strict=False):
            factors, samples, loss = grid(chosen(rows, kind="curve", overlap=overlap), "rescale")
            levels = np.log10(np.maximum(loss, 10.0**LOWEST))
            ratios = np.array([ratio(factor) for factor in factors])
            shown = axis.pcolormesh(ratios, samples, levels, cmap="viridis", vmin=LOWEST, vmax=0.6, shading="nearest")
            axis.contour(ratios, samples, levels, levels=[np.log10(LEVEL)], colors="white", linewidths=1.2)
            axis.set(xscale="log", title=f"{FEW} {name} features", xlabel="weight / penalty scale")
        axes[0].set(yscale="log", ylabel="main samples $n$")
        figure.colorbar(shown, ax=axes[:2], label="$\\log_{10}$ loss / null loss", pad=0.01, extend="min")
        engine: Any = figure.get_layout_engine()
        engine.set(w_pad=0.1)  # room beside the colour bar
        _draw_needed(axes[2], rows)
        text = f"{FEATURES} auxiliary features; all weights times 10 to 1e-6, from left to right. Gaussian inputs, many of them"
        figure.suptitle(text, x=0.01, ha="left", size=9)
    return {"phase-rescaling": figure}


def _draw_needed(axis: Any, rows: list[dict[str, Any]]) -> None:
    for overlap, name, style in ((FEW, "nested", "-"), (0, "new", "--")):
        needed = sorted(chosen(rows, kind="needed", method="finetuning", overlap=overlap), key=lambda row: row["rescale"])
        ratios = [ratio(row["rescale"]) for row in needed]
        axis.plot(ratios, [row["n"] for row in needed], style, color=METHODS["PT+FT"], label=f"finetuning, {name}")
        drawn = chosen(rows, kind="drawn", overlap=overlap)
        for factor in distinct(drawn, "rescale"):
            low, high = bracket(chosen(drawn, rescale=factor))
            if high is not None:
                axis.plot([ratio(factor)] * 2, [low, high], color="black", linewidth=3, alpha=0.5)
    (l1,) = chosen(rows, kind="needed", method="l1", overlap=0)
    (lazy,) = chosen(rows, kind="needed", method="probing", overlap=FEW)
    axis.axhline(l1["n"], color=METHODS["STL"], linewidth=1, label="least $\\ell_1$ norm")
    axis.axhline(lazy["n"], color=METHODS["PT+FT (LP)"], linewidth=1, label="linear probing, nested")
    axis.set(xscale="log", title=f"samples for loss {LEVEL:g}\n(bars: drawn, between two $n$)", xlabel="weight / penalty scale")
    axis.legend(loc="lower left", frameon=True)


def bracket(rows: list[dict[str, Any]]) -> tuple[float, float | None]:
    """The last number of samples at which the geometric mean of losses is above LEVEL, and the next."""
    samples = distinct(rows, "n")
    above = [n for n in samples if np.mean(np.log([row["loss"] for row in chosen(rows, n=n)])) > np.log(LEVEL)]
    if not above:
        return samples[0], None
    return max(above), min((n for n in samples if n > max(above)), default=None)
