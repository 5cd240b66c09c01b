"""How exact minimisers of finite problems lie about their curve: the difference against D, with its rate for each penalty.

Problems grow in proportion: of D inputs 4 % are features of either task, 3 % of both, with weights of one size, and
n = 0.064 D. The theory is then one number. What a single problem differs by falls like D^(-1/2), since the loss is a mean over
about D nearly independent coordinates; the mean over problems differs by less.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from normtheory import exact
from normtheory.arrays import FloatArray
from normtheory.figures.drawing import chosen, distinct
from normtheory.figures.files import COLOURS, STYLE, rounded
from normtheory.figures.sweep import Spec, Sweep
from normtheory.solvers.asymptotics import Coordinates, fixed_point
from normtheory.solvers.coupled import held
from normtheory.solvers.potentials import DeepDiagonal, HyperbolicEntropy
from normtheory.solvers.proximal import Quadratic, SoftThreshold
from normtheory.tasks import generalisation_loss, teacher_student

SHARES = {"features": 0.04, "overlap": 0.03, "n": 0.064}  # of D
WEIGHT, ALPHA = 40**-0.5, 1e-3
# Inputs -> seeds; problems of 16000 inputs take a minute each and more.
SEEDS = {"quick": {250: 16, 1000: 8}, "paper": {250: 200, 1000: 64, 4000: 16, 16000: 3}}
MOST_OF_L12 = 4000  # inputs: with four times as many a least l1,2 norm takes minutes
NORM_TOLERANCE = 1e-8  # of the certificates of least norms
Mask = NDArray[np.bool_]
Solver = Callable[[Mask], tuple[FloatArray, FloatArray]]  # from a mask of inputs to predictor and dual
METHODS = {
    "finetuning": COLOURS["vermilion"],
    "multitask": COLOURS["purple"],
    "single": COLOURS["black"],
    "l1": COLOURS["blue"],
    "lazy": COLOURS["orange"],
    "depth 3": COLOURS["green"],
}


def counts(inputs: int) -> dict[str, int]:
    """Features, shared features and samples of problems with so many inputs."""
    return {name: round(share * inputs) for name, share in SHARES.items()}


def predicted(method: str) -> float:
    """Loss over null loss in the limit."""
    both, features = SHARES["overlap"], SHARES["features"]
    number = np.array([both, features - both, features - both, 1 - 2 * features + both])
    teacher, aux = WEIGHT * np.array([1, 1, 0, 0]), WEIGHT * np.array([1, 0, 1, 0])
    penalties: dict[str, Any] = {
        "finetuning": HyperbolicEntropy(*exact.finetuning(aux, ALPHA, ALPHA)),
        "single": HyperbolicEntropy(np.full(4, 2 * ALPHA**2), np.zeros(4)),
        "l1": SoftThreshold(np.ones(4)),
        "lazy": Quadratic(np.ones(4)),
        "depth 3": DeepDiagonal(np.full(4, 0.1), 3),
    }
    classes = held(number, teacher, aux) if method == "multitask" else [Coordinates(number, teacher, penalties[method])]
    return float(fixed_point(classes, SHARES["n"]).loss / (features * WEIGHT**2))


def cell(spec: Spec) -> list[dict[str, Any]]:
    """Loss over null loss of every method on one drawn problem."""
    from normtheory.solvers import newton

    inputs, seed = spec["inputs"], spec["seed"]
    size = counts(inputs)
    tasks = teacher_student(
        size["n"],
        size["overlap"],
        features=size["features"],
        features_aux=size["features"],
        magnitude=WEIGHT,
        magnitude_aux=WEIGHT,
        inputs=inputs,
        samples_aux=1,
        seed=seed,
    )
    X, y = tasks.main.X, tasks.main.y
    betas = {
        "finetuning": newton.minimize(X, y, *exact.finetuning(tasks.teacher_aux, ALPHA, ALPHA)).beta,
        "single": newton.minimize(X, y, 2 * ALPHA**2).beta,
        "lazy": X.T @ np.linalg.solve(X @ X.T, y),
        "depth 3": newton.minimize_separable(X, y, DeepDiagonal(np.full(inputs, 0.1), 3)).beta,
    }
    betas["l1"] = least_l1(X, y, betas["single"])
    if inputs <= MOST_OF_L12:
        betas["multitask"] = least_l12(X, y, tasks.teacher_aux, betas["single"])
    null = generalisation_loss(np.zeros(inputs), tasks.teacher)
    return [
        {"inputs": inputs, "seed": seed, "method": method, "loss": generalisation_loss(beta, tasks.teacher) / null}
        for method, beta in betas.items()
    ]


def least_l1(X: FloatArray, y: FloatArray, near: FloatArray) -> FloatArray:
    """The predictor of least l1 norm, certified to NORM_TOLERANCE. It is found among inputs that are large in one near it.

    Raises
    ------
    NotCertified
        If some of the inputs have no predictor that is certified.
    """
    from normtheory.solvers import basis_pursuit

    def solved(among: Mask) -> tuple[FloatArray, FloatArray]:
        found = basis_pursuit.minimize(X[:, among], y, tol=WITHIN)
        return found.beta, found.dual

    return _joined(X, largest(near, 2 * y.size), solved, 1.0)


def least_l12(X: FloatArray, y: FloatArray, aux: FloatArray, near: FloatArray) -> FloatArray:
    """The main predictor of least l1,2 norm beside an auxiliary one that is held; otherwise as `least_l1`."""
    from normtheory.solvers import groups

    def solved(among: Mask) -> tuple[FloatArray, FloatArray]:
        pinned = np.eye(int(among.sum())), aux[among]  # a task with a sample for each input has no choice
        found = groups.minimize_pair(X[:, among], y, *pinned, tol=WITHIN)
        return found.beta[0], found.dual[: y.size]

    return _joined(X, largest(near, 2 * y.size) | (aux != 0), solved, 2.0)


WITHIN = NORM_TOLERANCE / 10  # on some of the inputs


def largest(values: FloatArray, count: int) -> Mask:
    """Which entries are the largest in size."""
    among = np.zeros(values.size, dtype=bool)
    among[np.argsort(-np.abs(values))[:count]] = True
    return among


def _joined(X: FloatArray, among: Mask, solved: Solver, most: float) -> FloatArray:
    """The minimiser among all inputs, from those of fewer: others join where the dual asks for them.

    A dual that asks for none is feasible for all inputs, but for WITHIN of its size: so the certificate of the fewer inputs, to
    WITHIN, is one of all, to twice that.
    """
    while True:
        found, dual = solved(among)
        asked = (np.abs(X.T @ dual) > most * (1 + WITHIN)) & ~among
        if not asked.any():
            beta = np.zeros(X.shape[1])
            beta[among] = found
            return beta
        among |= asked


def compute(scale: str, sweep: Sweep) -> pa.Table:
    """Losses of drawn problems over their null loss, beside the curve's (column `limit`)."""
    cells = [{"inputs": inputs, "seed": seed} for inputs, seeds in SEEDS[scale].items() for seed in range(seeds)]
    limits = {method: predicted(method) for method in METHODS}
    rows = sweep.table(cells, cell, "problems").to_pylist()
    return rounded(pa.Table.from_pylist([row | {"limit": limits[row["method"]]} for row in rows]))


def rate(rows: list[dict[str, Any]]) -> tuple[float, float]:
    """Power of D with which the root of the mean squared log ratio of loss and limit changes, and its standard error."""
    places = distinct(rows, "inputs")
    spread, weight = [], []
    for inputs in places:
        logs = np.array([np.log(row["loss"] / row["limit"]) for row in chosen(rows, inputs=inputs)])
        spread.append(np.log(np.mean(logs**2)) / 2)
        weight.append((2 * logs.size) ** 0.5)  # the logarithm of a standard deviation of m draws has the error 1/sqrt(2 m)
    x, w = np.log(places), np.array(weight)
    design = np.stack([x, np.ones_like(x)], axis=1) * w[:, None]
    covariance = np.linalg.inv(design.T @ design)
    power = covariance @ design.T @ (w * np.array(spread))
    return float(power[0]), float(covariance[0, 0] ** 0.5)


def draw(table: pa.Table) -> dict[str, Any]:
    """What single problems and their mean differ by, against D."""
    import matplotlib.pyplot as plt

    rows = table.to_pylist()
    with plt.style.context(STYLE):
        figure, axis = plt.subplots(figsize=(7.6, 3.8))
        for method, colour in METHODS.items():
            runs = chosen(rows, method=method)
            power, error = rate(runs)
            places = distinct(runs, "inputs")
            logs = [np.array([np.log(r["loss"] / r["limit"]) for r in chosen(runs, inputs=place)]) for place in places]
            label = f"{method}: $D^{{{power:.2f} \\pm {error:.2f}}}$"
            axis.plot(places, [np.mean(each**2) ** 0.5 for each in logs], "o-", color=colour, label=label)
            axis.plot(places, [abs(each.mean()) for each in logs], "x", color=colour, alpha=0.6)
        axis.set(xscale="log", yscale="log", xlabel="inputs $D$, everything in proportion")
        axis.set(ylabel="|log(loss / curve)|", title="single problems (discs), their mean (crosses)")
        figure.legend(loc="outside right upper")
    return {"finite-size": figure}
