"""The cells of the phase diagrams: curves from the scalar equations, and exact minimisers of drawn pairs to judge them by.

A theory cell has "kind": "curve" (losses at numbers of samples) or "needed" (samples for a loss); a drawn one "drawn". All
name the pair of tasks (features, features_aux, overlap, of `INPUTS` inputs), the sizes of its teachers' weights, the scales and
the methods. The factor `rescale` multiplies first layer and gamma, as in Figure 1g.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from normtheory import exact
from normtheory.figures.sweep import Spec
from normtheory.solvers.curves import learning_curve, samples_needed
from normtheory.solvers.sparse_pairs import Scales, SparsePair
from normtheory.tasks import generalisation_loss, teacher_student

INPUTS, FEATURES = 1000, 40
SAMPLES_AUX = 1024  # of drawn pairs: as many as the paper's


def spec(kind: str, methods: list[str], **changes: Any) -> Spec:
    """A cell at the paper's setting, but for the changes."""
    common = {
        "kind": kind,
        "methods": methods,
        "features": FEATURES,
        "features_aux": FEATURES,
        "overlap": FEATURES,
        "magnitude": None,
        "alpha": 1e-3,
        "gamma": 1e-3,
        "rescale": 1.0,
    }
    unknown = set(changes) - set(common) - {"samples", "share", "seeds"}
    if unknown:
        raise ValueError(f"a cell has no {', '.join(sorted(unknown))}")
    return common | changes


def cell(given: Spec) -> list[dict[str, Any]]:
    """The rows of a cell: its specification, method, n, loss over null loss, and (drawn) the seed."""
    pair = SparsePair(INPUTS, given["features"], given["features_aux"], given["overlap"], given["magnitude"])
    scales = Scales(given["alpha"], given["rescale"] * given["gamma"], given["rescale"])
    if given["kind"] == "curve":
        points = learning_curve(pair, given["samples"], methods=given["methods"], scales=scales).points
        return [_row(given, point.method, float(point.n), point.loss / point.null_loss) for point in points]
    if given["kind"] == "needed":
        share = given["share"]
        return [_row(given, method, samples_needed(pair, method, share, scales=scales), share) for method in given["methods"]]
    return [row for seed in given["seeds"] for n in given["samples"] for row in _drawn(given, pair, scales, n, seed)]


def _row(given: Spec, method: str, n: float, loss: float, seed: int | None = None) -> dict[str, Any]:
    named = ("kind", "features", "overlap", "alpha", "gamma", "rescale")
    return {name: given[name] for name in named} | {"method": method, "n": n, "loss": loss, "seed": seed}


def _drawn(given: Spec, pair: SparsePair, scales: Scales, n: int, seed: int) -> list[dict[str, Any]]:
    """Exact minimisers on one drawn pair; trained networks end within 6e-8 of them (README)."""
    tasks = teacher_student(
        n,
        pair.overlap,
        features=pair.features,
        features_aux=pair.features_aux,
        magnitude=pair.magnitude,
        inputs=INPUTS,
        samples_aux=SAMPLES_AUX,
        seed=seed,
    )
    losses = {method: generalisation_loss(_minimiser(method, tasks, scales), tasks.teacher) for method in given["methods"]}
    return [_row(given, method, float(n), loss / pair.null_loss, seed) for method, loss in losses.items()]


def _minimiser(method: str, tasks: Any, scales: Scales) -> Any:
    from normtheory.solvers import groups, newton

    X, y = tasks.main.X, tasks.main.y
    if method == "finetuning":
        return newton.minimize(X, y, *exact.finetuning(tasks.teacher_aux, scales.alpha, scales.gamma, scales.rescale)).beta
    if method == "single":
        return newton.minimize(X, y, 2 * scales.alpha**2).beta
    if method == "multitask":
        return groups.minimize_pair(X, y, tasks.aux.X, tasks.aux.y).beta[0]
    if method == "l1":
        return groups.minimize([(X, y)]).beta[0]
    raise ValueError(f"no drawn runs of {method}")


def geometric(start: float, stop: float, count: int) -> list[int]:
    """So many whole numbers, or fewer, at about equal ratios."""
    return sorted({round(value) for value in np.geomspace(start, stop, count)})
