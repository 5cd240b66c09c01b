"""Phase diagram (iv): the samples that a loss of 0.01 needs against the features of the main task: rich, nested and lazy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from normtheory.figures.curves.cells import FEATURES, cell, geometric, spec
from normtheory.figures.curves.phase_rescaling import LEVEL
from normtheory.figures.drawing import METHODS, chosen
from normtheory.figures.files import COLOURS, STYLE, rounded
from normtheory.figures.sweep import Sweep

FEATURES_MAIN = {"quick": geometric(2, 40, 5), "paper": geometric(1, 40, 24)}
DRAWN = {"quick": ((5,), (24, 96), 1), "paper": ((5, 20), (16, 24, 32, 48, 64, 96, 128, 192), 3)}
# label -> method, factor on the pretrained weights, colour; the nested factor is the one of Figure 1g where it is most so
REGIMES: dict[str, tuple[str, float, str]] = {
    "rich (single task)": ("single", 1.0, METHODS["STL"]),
    "rich ($\\ell_1$)": ("l1", 1.0, COLOURS["grey"]),
    "finetuning": ("finetuning", 1.0, METHODS["PT+FT"]),
    "nested (finetuning, weights times 0.03)": ("finetuning", 0.03, COLOURS["green"]),
    "lazy (linear probing)": ("probing", 1.0, METHODS["PT+FT (LP)"]),
}


def compute(scale: str, sweep: Sweep) -> pa.Table:
    """Samples needed for LEVEL, of main tasks within the auxiliary features, and losses of drawn pairs."""
    many, samples, seeds = DRAWN[scale]
    cells = []
    for method, factor, _ in REGIMES.values():
        cells += [
            spec("needed", [method], share=LEVEL, features=k, overlap=k, magnitude=1 / k, rescale=factor)
            for k in FEATURES_MAIN[scale]
        ]
        if method in ("single", "finetuning"):
            where: dict[str, Any] = {"samples": list(samples), "seeds": list(range(seeds)), "rescale": factor}
            cells += [spec("drawn", [method], features=k, overlap=k, magnitude=1 / k, **where) for k in many]
    return rounded(sweep.table(cells, cell, "curves and drawn pairs"))


def slope(features: Any, samples: Any) -> float:
    """d log n/d log k over the upper half of the features."""
    half = len(features) // 2
    return float(np.polyfit(np.log(features[half:]), np.log(samples[half:]), 1)[0])


def draw(table: pa.Table) -> dict[str, Any]:
    """Samples against features, with the slope of each line; bars lie between two numbers of drawn samples."""
    import matplotlib.pyplot as plt

    from normtheory.figures.curves.phase_rescaling import bracket

    rows = table.to_pylist()
    with plt.style.context(STYLE):
        figure, axis = plt.subplots(figsize=(6.4, 4.0))
        for label, (method, factor, colour) in REGIMES.items():
            needed = sorted(chosen(rows, kind="needed", method=method, rescale=factor), key=lambda row: row["features"])
            known = [row for row in needed if np.isfinite(row["n"])]
            features, samples = [row["features"] for row in known], [row["n"] for row in known]
            axis.plot(features, samples, color=colour, label=f"{label}: slope {slope(features, samples):.2f}")
            drawn = chosen(rows, kind="drawn", method=method, rescale=factor)
            for k in sorted({row["features"] for row in drawn}):
                low, high = bracket(chosen(drawn, features=k))
                if high is not None:
                    axis.plot([k, k], [low, high], color=colour, linewidth=4, alpha=0.4)
        axis.set(
            xscale="log",
            yscale="log",
            xlabel=f"features of the main task, among {FEATURES} auxiliary ones",
            ylabel=f"main samples for loss {LEVEL:g}",
            title="Gaussian inputs, many of them; bars: drawn pairs",
        )
        axis.legend()
    return {"phase-sparsity": figure}
