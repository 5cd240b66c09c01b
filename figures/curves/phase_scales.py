"""Phase diagram (iii): loss of finetuning over the initialisation scale alpha and the reset scale gamma."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from normtheory.figures.curves.cells import FEATURES, cell, spec
from normtheory.figures.drawing import chosen, distinct
from normtheory.figures.files import STYLE, rounded
from normtheory.figures.sweep import Sweep

OVERLAPS, SAMPLES = (40, 30), {40: 64, 30: 128}
SCALES = {"quick": np.geomspace(1e-5, 1, 6), "paper": np.geomspace(1e-6, 1, 19)}
DRAWN = {"quick": ((1e-3,), 1), "paper": ((1e-5, 1e-3, 1e-1), 3)}


def compute(scale: str, sweep: Sweep) -> pa.Table:
    """Losses over null loss on the plane of both scales, and of drawn pairs at a few places."""
    values, seeds = DRAWN[scale]
    cells = []
    for overlap in OVERLAPS:
        common: dict[str, Any] = {"overlap": overlap, "samples": [SAMPLES[overlap]]}
        cells += [
            spec("curve", ["finetuning"], alpha=float(alpha), gamma=float(gamma), **common)
            for alpha in SCALES[scale]
            for gamma in SCALES[scale]
        ]
        cells += [
            spec("drawn", ["finetuning"], alpha=alpha, gamma=gamma, seeds=list(range(seeds)), **common)
            for alpha in values
            for gamma in values
        ]
    return rounded(sweep.table(cells, cell, "points and drawn pairs"))


def draw(table: pa.Table) -> dict[str, Any]:
    """Log loss for two overlaps; drawn pairs as discs of the same colours; a star at the least loss."""
    import matplotlib.pyplot as plt

    rows = table.to_pylist()
    with plt.style.context(STYLE):
        figure, axes = plt.subplots(1, len(OVERLAPS), figsize=(7.6, 3.4), sharey=True)
        for axis, overlap in zip(axes, OVERLAPS, strict=True):
            here = chosen(rows, kind="curve", overlap=overlap)
            alphas, gammas = distinct(here, "alpha"), distinct(here, "gamma")
            loss = {(row["gamma"], row["alpha"]): np.log10(row["loss"]) for row in here}
            levels = np.array([[loss[gamma, alpha] for alpha in alphas] for gamma in gammas])
            limits = {"vmin": levels.min(), "vmax": max(levels.max(), 0.0)}
            shown = axis.pcolormesh(alphas, gammas, levels, cmap="viridis", shading="nearest", **limits)
            for alpha in distinct(chosen(rows, kind="drawn"), "alpha"):
                for gamma in distinct(chosen(rows, kind="drawn"), "gamma"):
                    runs = chosen(rows, kind="drawn", overlap=overlap, alpha=alpha, gamma=gamma)
                    mean = np.mean([np.log10(row["loss"]) for row in runs])
                    axis.scatter(alpha, gamma, c=[mean], s=55, edgecolors="white", cmap="viridis", **limits)
            best = np.unravel_index(levels.argmin(), levels.shape)
            axis.plot(alphas[best[1]], gammas[best[0]], "*", color="white", markersize=11, markeredgecolor="black")
            title = f"{overlap} of {FEATURES} shared, $n = {SAMPLES[overlap]}$"
            axis.set(xscale="log", yscale="log", title=title, xlabel="initialisation scale $\\alpha$")
            figure.colorbar(shown, ax=axis, label="$\\log_{10}$ loss / null loss")
        axes[0].set_ylabel("reset scale $\\gamma$")
        text = "Finetuning; discs: drawn pairs, star: least. Gaussian inputs, many of them"
        figure.suptitle(text, x=0.01, ha="left", size=9)
    return {"phase-scales": figure}
