"""Corollary 1 against a trained network: generalisation loss over main samples, with the exact and the printed prediction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from normtheory.exact import printed_corollary1
from normtheory.figures.drawing import POINTS, chosen, distinct, footnote, over_seeds, panels, sample_axis, series
from normtheory.figures.files import COLOURS, STYLE
from normtheory.figures.sweep import Spec, Sweep
from normtheory.tasks import generalisation_loss, teacher_student

# The paper's setting (section 4.1): D = 1000, 40 features a task, 1024 auxiliary samples, alpha = gamma = 1e-3.
FEATURES = 40
OVERLAPS = (40, 30)
SAMPLES = {"quick": (32, 128), "paper": (16, 32, 64, 128, 256, 512)}
SEEDS = {"quick": 2, "paper": 6}
GAMMA = 1e-3
PRETRAINING_LOSS = 1e-10  # where the paper's own runs stop
RTOL = 1e-7  # of the flow: predictors to about 1e-7, generalisation losses to about 1e-13

METHODS = {
    "flow": "trained network (gradient flow)",
    "exact": "exact theory, from its own weights",
    "printed": "Corollary 1 as printed",
}


def compute(scale: str, sweep: Sweep) -> pa.Table:
    """Train and predict on every cell of the grid: a pretrained network, finetuned on main tasks of every size.

    Columns: overlap, n, seed, method (flow, exact, printed), loss (||beta - teacher||^2, in units of the null loss, which
    is 1), distance (relative l2 distance of the predictor from the trained network's).
    """
    pairs = [(seed, overlap) for overlap in OVERLAPS for seed in range(SEEDS[scale])]
    cells = [{"seed": seed, "overlap": overlap, "samples": list(SAMPLES[scale])} for seed, overlap in pairs]
    rows = sweep.table(cells, cell, "networks pretrained and finetuned").to_pylist()
    rows.sort(key=lambda row: (-row["overlap"], row["n"], row["seed"], list(METHODS).index(row["method"])))
    return pa.Table.from_pylist(rows)


def cell(spec: Spec) -> list[dict[str, Any]]:
    """One pretrained network, finetuned on main tasks of every size."""
    from normtheory.networks import DiagonalNetwork, Weights
    from normtheory.solvers.flow import gradient_flow
    from normtheory.solvers.newton import minimize
    from normtheory.solvers.training import ALPHA

    seed, overlap, samples = spec["seed"], spec["overlap"], spec["samples"]
    aux = teacher_student(samples[0], overlap, features=FEATURES, features_aux=FEATURES, seed=seed).aux
    start = Weights.constant(aux.inputs, ALPHA)
    pretrained = gradient_flow(DiagonalNetwork(), aux, start, rtol=RTOL, loss=PRETRAINING_LOSS).weights
    rows = []
    for n in samples:
        tasks = teacher_student(n, overlap, features=FEATURES, features_aux=FEATURES, seed=seed)
        X, y = tasks.main.X, tasks.main.y
        begin, (k, beta0) = _start_of_finetuning(pretrained)
        printed = printed_corollary1(DiagonalNetwork().effective_map(pretrained), GAMMA)
        predictors = {
            "flow": gradient_flow(DiagonalNetwork(), tasks.main, begin, rtol=RTOL).beta,
            "exact": minimize(X, y, k, beta0).beta,
            "printed": minimize(X, y, *printed).beta,
        }
        for method, beta in predictors.items():
            distance = np.linalg.norm(beta - predictors["flow"]) / np.linalg.norm(predictors["flow"])
            loss = generalisation_loss(beta, tasks.teacher)
            rows.append({"overlap": overlap, "n": n, "seed": seed, "method": method, "loss": loss, "distance": float(distance)})
    return rows


def _start_of_finetuning(pretrained: Any) -> tuple[Any, Any]:
    from normtheory.exact import reset, scale_and_start

    begin = reset(pretrained, GAMMA)
    return begin, scale_and_start(begin)


def draw(table: pa.Table) -> dict[str, Any]:
    """The picture, by name: a panel per overlap, with theory as lines and the network as points."""
    import matplotlib.pyplot as plt

    rows = table.to_pylist()
    overlaps = sorted({row["overlap"] for row in rows}, reverse=True)
    with plt.style.context(STYLE):
        figure, axes = panels(len(overlaps), height=3.5)
        for axis, overlap in zip(axes, overlaps, strict=True):
            _draw_overlap(axis, chosen(rows, overlap=overlap))
            axis.set_title(f"{overlap} of {FEATURES} features shared")
        axes[0].set_ylabel("generalisation loss / null loss")
        axes[-1].legend(loc="lower left")
        footnote(figure, over_seeds(rows))
    return {"corollary1": figure}


LOOKS: dict[str, dict[str, Any]] = {
    "printed": {"color": COLOURS["vermilion"], "linestyle": "--"},
    "exact": {"color": COLOURS["blue"]},
    "flow": {"color": COLOURS["black"], **POINTS},
}


def _draw_overlap(axis: Any, rows: Sequence[dict[str, Any]]) -> None:
    for method, look in LOOKS.items():
        series(axis, chosen(rows, method=method), "n", lambda row: row["loss"], label=METHODS[method], look=look)
    sample_axis(axis, distinct(rows, "n"), yscale="log")
