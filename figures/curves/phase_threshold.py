"""Phase diagram (v): single-task learning as alpha -> 0: the threshold of l1, and how slowly the logarithm approaches it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from normtheory.figures.curves.cells import FEATURES, cell, spec
from normtheory.figures.drawing import METHODS, chosen, distinct
from normtheory.figures.files import STYLE, rounded
from normtheory.figures.sweep import Sweep

ALPHAS = {"quick": np.geomspace(1e-12, 1e-1, 6), "paper": np.geomspace(1e-14, 1e-1, 27)}
LEVELS = {"quick": (1e-2,), "paper": (0.1, 1e-2)}
DRAWN = {"quick": ((1e-3,), (200,), 1), "paper": ((1e-1, 1e-2, 1e-3), (150, 175, 200, 225, 250, 300, 400), 3)}
NEAR = 0.11  # of 1/log(1/k), k from 1e-4 down


def compute(scale: str, sweep: Sweep) -> pa.Table:
    """Samples that losses need against alpha, the same of least l1 norm, and losses of drawn tasks."""
    alphas, samples, seeds = DRAWN[scale]
    cells = [spec("needed", ["l1"], share=1e-9)]
    for level in LEVELS[scale]:
        cells += [spec("needed", ["single"], share=level, alpha=float(alpha)) for alpha in ALPHAS[scale]]
    cells += [spec("drawn", ["single"], alpha=a, samples=list(samples), seeds=list(range(seeds))) for a in alphas]
    return rounded(sweep.table(cells, cell, "curves and drawn tasks"))


def draw(table: pa.Table) -> dict[str, Any]:
    """Samples needed over the logarithm of the scale, and their distance from the threshold over its inverse."""
    import matplotlib.pyplot as plt

    rows = table.to_pylist()
    threshold = chosen(rows, kind="needed", method="l1")[0]["n"]
    with plt.style.context(STYLE):
        figure, axes = plt.subplots(1, 2, figsize=(8.2, 3.4))
        for level, style in zip(sorted(_levels(rows), reverse=True), ("-", "--", ":"), strict=False):
            needed = sorted(chosen(rows, kind="needed", method="single", loss=level), key=lambda row: row["alpha"])
            known = [row for row in needed if np.isfinite(row["n"])]
            log_k = np.array([-np.log(2 * row["alpha"] ** 2) for row in known])
            samples = np.array([row["n"] for row in known])
            axes[0].plot([row["alpha"] for row in known], samples, style, color=METHODS["STL"], label=f"loss {level:g}")
            axes[1].plot(1 / log_k, samples - threshold, style, color=METHODS["STL"], label=f"loss {level:g}")
        _drawn(axes[0], chosen(rows, kind="drawn"))
        label = "exact recovery by $\\ell_1$ (Donoho, Tanner)"
        axes[0].axhline(threshold, color=METHODS["teacher"], linewidth=1, label=label)
        axes[0].set(xscale="log", xlabel="initialisation scale $\\alpha$", ylabel="main samples needed")
        axes[0].set_title(f"single task, {FEATURES} features")
        axes[1].set(xlabel="$1/\\log(1/k)$, $k = 2\\alpha^2$", ylabel="above the threshold", xlim=(0, NEAR), ylim=(0, 150))
        axes[1].set_title("the logarithm's approach")
        axes[0].legend()
        figure.suptitle("Gaussian inputs, many of them; bars: drawn tasks, loss 0.01", x=0.01, ha="left", size=9)
    return {"phase-threshold": figure}


def _levels(rows: list[dict[str, Any]]) -> list[float]:
    return distinct(chosen(rows, kind="needed", method="single"), "loss")


def _drawn(axis: Any, rows: list[dict[str, Any]]) -> None:
    from normtheory.figures.curves.phase_rescaling import bracket

    for alpha in distinct(rows, "alpha"):
        low, high = bracket(chosen(rows, alpha=alpha))
        if high is not None:
            axis.plot([alpha, alpha], [low, high], color=METHODS["STL"], linewidth=4, alpha=0.4)
