"""Corollary 1 against a trained network: generalisation loss over main samples, with the exact and the printed prediction."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from typing import Any

import numpy as np
import pyarrow as pa

from figures.files import COLOURS, STYLE
from normtheory.exact import printed_corollary1
from normtheory.ledger import single_threaded_children
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


def compute(scale: str, progress: Callable[[int, int, str], None]) -> pa.Table:
    """Train and predict on every cell of the grid, one process a core.

    Columns: overlap, n, seed, method (flow, exact, printed), loss (||beta - teacher||^2, in units of the null loss, which
    is 1), distance (relative l2 distance of the predictor from the trained network's).
    """
    cells = [(seed, overlap, SAMPLES[scale]) for overlap in OVERLAPS for seed in range(SEEDS[scale])]
    rows: list[dict[str, Any]] = []
    with single_threaded_children(), ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        waiting = [pool.submit(_cell, *cell) for cell in cells]
        try:
            for finished, future in enumerate(as_completed(waiting), 1):
                rows += future.result()
                progress(finished, len(cells), "networks pretrained and finetuned")
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    rows.sort(key=lambda row: (-row["overlap"], row["n"], row["seed"], list(METHODS).index(row["method"])))
    return pa.Table.from_pylist(rows)


def _cell(seed: int, overlap: int, samples: tuple[int, ...]) -> list[dict[str, Any]]:
    """One pretrained network, finetuned on main tasks of every size."""
    from normtheory.networks import DiagonalNetwork, Weights
    from solvers.flow import gradient_flow
    from solvers.newton import minimize
    from solvers.training import ALPHA

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
            rows.append(
                {"overlap": overlap, "n": n, "seed": seed, "method": method, "loss": loss, "distance": float(distance)}
            )
    return rows


def _start_of_finetuning(pretrained: Any) -> tuple[Any, Any]:
    from normtheory.exact import reset, scale_and_start

    begin = reset(pretrained, GAMMA)
    return begin, scale_and_start(begin)


def draw(table: pa.Table) -> Any:
    """A panel per overlap: geometric means over seeds as lines (theory) and points (network), with the range over seeds."""
    import matplotlib.pyplot as plt

    rows = table.to_pylist()
    looks = {
        "printed": {"color": COLOURS["vermilion"], "linestyle": "--"},
        "exact": {"color": COLOURS["blue"]},
        "flow": {"color": COLOURS["black"], "linestyle": "none", "marker": "o"},
    }
    overlaps = sorted({row["overlap"] for row in rows}, reverse=True)
    with plt.style.context(STYLE):
        figure, axes = plt.subplots(1, len(overlaps), figsize=(7.2, 3.5), sharey=True, squeeze=False)
        for axis, overlap in zip(axes[0], overlaps, strict=True):
            for method, look in looks.items():
                chosen = [row for row in rows if row["overlap"] == overlap and row["method"] == method]
                _series(axis, chosen, METHODS[method], look, bars=method == "flow")
            samples = sorted({row["n"] for row in rows})
            axis.set(title=f"{overlap} of {FEATURES} features shared", xscale="log", yscale="log", xlabel="main samples $n$")
            axis.set_xticks(samples, [str(n) for n in samples], minor=False)
            axis.minorticks_off()
        axes[0, 0].set_ylabel("generalisation loss / null loss")
        axes[0, -1].legend(loc="lower left", title=f"geometric mean and range, {len({row['seed'] for row in rows})} seeds")
    return figure


def _series(axis: Any, rows: list[dict[str, Any]], label: str, look: dict[str, Any], *, bars: bool) -> None:
    samples = sorted({row["n"] for row in rows})
    logs = [np.log([row["loss"] for row in rows if row["n"] == n]) for n in samples]
    middle = np.exp([values.mean() for values in logs])
    low, high = np.exp([values.min() for values in logs]), np.exp([values.max() for values in logs])
    if bars:
        axis.errorbar(samples, middle, yerr=[middle - low, high - middle], label=label, elinewidth=0.9, capsize=2, **look)
    else:
        axis.plot(samples, middle, label=label, **look)
        axis.fill_between(samples, low, high, color=look["color"], alpha=0.15, linewidth=0)
