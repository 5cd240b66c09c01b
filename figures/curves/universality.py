"""Beyond Gaussian inputs: losses of exact minimisers on other designs, over what the curve for Gaussian ones says.

All designs are standardised: inputs of mean square 1. Losses are population squared errors, over the null predictor's, in the
design's own covariance. Terrain: patches of 16 x 16 heights of a digital elevation model (matplotlib's sample data), whitened
(each input then a local filter of heights, uncorrelated with the others, and nothing else Gaussian), or standardised only.
Digits: the 1797 images of 8 x 8 pixels that come with scikit-learn, without the three pixels that never change, likewise; and
Gaussian inputs of their number, since problems that small are far from the limit.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa

from normtheory import exact
from normtheory.arrays import FloatArray
from normtheory.figures.drawing import chosen
from normtheory.figures.files import COLOURS, STYLE, rounded
from normtheory.figures.sweep import Spec, Sweep
from normtheory.solvers.curves import learning_curve
from normtheory.solvers.sparse_pairs import SparsePair

DESIGNS = (
    "Gaussian",
    "rows of one norm",
    "Rademacher",
    "Student t, 3 degrees",
    "sparse, 10 %",
    "sparse, 1 %",
    "correlated, 0.3",
    "correlated, 0.6",
    "correlated, 0.9",
    "terrain, whitened",
    "terrain",
    "Gaussian, 61 inputs",
    "digits, whitened",
    "digits",
)
METHODS = {"finetuning": COLOURS["vermilion"], "single": COLOURS["black"], "lazy": COLOURS["orange"]}
SEEDS = {"quick": 3, "paper": 24}
SIDE = 16  # of patches of terrain
PIXELS = 61  # of digits
# Inputs, features of either task, shared ones, samples for each method: about the same shares for 1000 inputs, patches, digits.
SIZES = {
    1000: (40, 30, {"finetuning": 64, "single": 200, "lazy": 256}),
    SIDE**2: (10, 8, {"finetuning": 16, "single": 51, "lazy": 66}),
    PIXELS: (3, 2, {"finetuning": 4, "single": 12, "lazy": 16}),
}
TIMES = {PIXELS: 10}  # as many seeds: problems of few inputs differ more, and take less time


def inputs_of(design: str) -> int:
    """How many inputs a design has."""
    if design.startswith("terrain"):
        return SIDE**2
    return PIXELS if design.startswith("digits") or design.endswith("61 inputs") else 1000


def drawn(design: str, samples: int, draw: np.random.Generator) -> tuple[FloatArray, FloatArray | None]:
    """A design of so many samples, and the covariance of its inputs (None: the identity)."""
    if design.startswith(("terrain", "digits")):
        rows, covariance = _observed(design)
        return rows[draw.choice(len(rows), samples, replace=False)], covariance
    inputs = inputs_of(design)
    shape = samples, inputs
    if design == "Rademacher":
        return draw.choice([-1.0, 1.0], shape), None
    if design.startswith("Student"):
        return draw.standard_t(3, shape) / 3**0.5, None
    if design.startswith("sparse"):
        share = float(design.split()[1]) / 100
        return draw.standard_normal(shape) * (draw.random(shape) < share) / share**0.5, None
    X = draw.standard_normal(shape)
    if design == "rows of one norm":
        return X * (inputs**0.5 / np.linalg.norm(X, axis=1, keepdims=True)), None
    if design.startswith("correlated"):
        covariance = float(design.split()[1]) ** np.abs(np.subtract.outer(np.arange(inputs), np.arange(inputs)))
        return X @ np.linalg.cholesky(covariance).T, covariance
    return X, None


@cache
def _observed(design: str) -> tuple[FloatArray, FloatArray]:
    """All rows there are of a design that is not drawn, standardised or whitened, and their covariance."""
    rows = _terrain() if design.startswith("terrain") else _digits()
    rows = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    covariance = rows.T @ rows / len(rows)
    if not design.endswith("whitened"):
        return rows, covariance
    values, vectors = np.linalg.eigh(covariance)
    kept = values > 1e-10 * values.max()  # the mean of a patch, taken away, leaves one direction without variance
    axes = vectors[:, kept]
    return rows @ (axes / np.sqrt(values[kept])) @ axes.T, axes @ axes.T


def _digits() -> FloatArray:
    """The pixels of every digit that are not the same in all, one digit a row."""
    from sklearn.datasets import load_digits

    pixels = np.asarray(load_digits().data, dtype=np.float64)
    return pixels[:, pixels.std(axis=0) > 0]


def _terrain() -> FloatArray:
    """Every second patch of the terrain, one a row."""
    from matplotlib import cbook

    found: Any = cbook.get_sample_data("jacksboro_fault_dem.npz")
    with found:
        height = np.asarray(found["elevation"], dtype=np.float64)
    windows = np.lib.stride_tricks.sliding_window_view(height, (SIDE, SIDE))[::2, ::2]
    patches = windows.reshape(-1, SIDE**2)
    return np.asarray(patches - patches.mean(axis=1, keepdims=True))  # heights above the patch's mean


def cell(spec: Spec) -> list[dict[str, Any]]:
    """Loss over null loss of every method, on one drawn pair of teachers and one design."""
    from normtheory.solvers import newton

    design, seed = spec["design"], spec["seed"]
    inputs = inputs_of(design)
    features, overlap, samples = SIZES[inputs]
    rows = []
    for method, n in samples.items():
        draw = np.random.default_rng(np.random.SeedSequence((seed, n, DESIGNS.index(design))))
        X, covariance = drawn(design, n, draw)
        order, signs = draw.permutation(inputs), draw.choice([-1.0, 1.0], inputs)
        teacher, aux = np.zeros(inputs), np.zeros(inputs)
        aux[order[:features]] = features**-0.5
        teacher[order[features - overlap : 2 * features - overlap]] = features**-0.5
        teacher, aux, y = teacher * signs, aux * signs, X @ (teacher * signs)
        if method == "finetuning":
            beta = newton.minimize(X, y, *exact.finetuning(aux, 1e-3, 1e-3)).beta
        elif method == "single":
            beta = newton.minimize(X, y, 2e-6).beta
        else:
            beta = np.linalg.lstsq(X, y, rcond=None)[0]
        loss, null = (_square(error, covariance) for error in (beta - teacher, teacher))
        rows.append({"design": design, "seed": seed, "method": method, "n": n, "loss": loss / null})
    return rows


def _square(error: FloatArray, covariance: FloatArray | None) -> float:
    return float(error @ error if covariance is None else error @ covariance @ error)


def predicted(method: str, inputs: int) -> float:
    """Loss over null loss of Gaussian inputs, in the limit."""
    features, overlap, samples = SIZES[inputs]
    pair = SparsePair(inputs, features, features, overlap)
    (point,) = learning_curve(pair, [samples[method]], methods=[method]).points
    return point.loss / point.null_loss


def compute(scale: str, sweep: Sweep) -> pa.Table:
    """Losses over null losses, beside the curve's (column `limit`)."""
    cells = [
        {"design": design, "seed": seed} for design in DESIGNS for seed in range(SEEDS[scale] * TIMES.get(inputs_of(design), 1))
    ]
    limits = {(method, inputs): predicted(method, inputs) for method in METHODS for inputs in SIZES}
    rows = sweep.table(cells, cell, "problems").to_pylist()
    return rounded(pa.Table.from_pylist([row | {"limit": limits[row["method"], inputs_of(row["design"])]} for row in rows]))


def ratio(rows: list[dict[str, Any]]) -> tuple[float, float]:
    """Geometric mean of loss over limit, and the standard error of its logarithm."""
    logs = np.log([row["loss"] / row["limit"] for row in rows])
    return float(np.exp(logs.mean())), float(logs.std(ddof=1) / logs.size**0.5)


def draw(table: pa.Table) -> dict[str, Any]:
    """Loss over that of the curve for each design and method."""
    import matplotlib.pyplot as plt

    rows = table.to_pylist()
    with plt.style.context(STYLE):
        figure, axis = plt.subplots(figsize=(6.6, 4.2))
        for shift, (method, colour) in zip((-0.22, 0, 0.22), METHODS.items(), strict=True):
            for place, design in enumerate(DESIGNS):
                middle, error = ratio(chosen(rows, method=method, design=design))
                bar = [[middle * (1 - np.exp(-2 * error))], [middle * (np.exp(2 * error) - 1)]]
                label = method if place == 0 else None
                axis.errorbar(middle, place + shift, xerr=bar, fmt="o", color=colour, label=label, capsize=2)
        axis.axvline(1, color="black", linewidth=0.8)
        axis.set_yticks(range(len(DESIGNS)), DESIGNS)
        axis.invert_yaxis()
        axis.set(xscale="log", xlabel="loss / curve for Gaussian inputs (mean, two standard errors)")
        axis.legend()
    return {"universality": figure}
