"""The rows of Figures 1 and 5 in the limit of many inputs: what the cells of `figures/diagonal` measure, without any tasks.

Each row has the columns of a cell's that have a limit; `how` is LIMIT, and there is no seed. The lines hold for independent
Gaussian inputs, n and D in proportion, and training to zero error.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from normtheory import exact
from normtheory.penalties import Q
from normtheory.solvers.asymptotics import FixedPoint
from normtheory.solvers.curves import learning_curve
from normtheory.solvers.sparse_pairs import Classes, Scales, SparsePair

LIMIT = "limit"
TOPS = (1, 2, 5, 10, 20, 30, 40, 50, 60, 80, 120, 200)  # numbers of strongest weights
# method in the figures -> method of the curves
METHODS = {
    "MTL": "multitask",
    "PT+FT": "finetuning",
    "STL": "single",
    "PT+FT (LP)": "probing",
    "STL (LP)": "lazy",
}
FURTHER = {"PT+FT, printed": "corollary1", "MTL, pinned": "pinned", "STL, l1": "l1"}


def rows(
    pair: SparsePair,
    samples: Sequence[int],
    methods: Sequence[str] = tuple(METHODS),
    *,
    rescale: float = 1.0,
    alpha: float = 1e-3,
    gamma: float = 1e-3,
) -> list[dict[str, Any]]:
    """A row for each method and number of samples.

    Columns: method, how, overlap, k_main, rescale, n, final_loss, null_loss, aux_share (share of the predictor's squared norm
    on auxiliary features), outside_top (shares outside the TOPS strongest weights), l1, l12, q_printed, q_exact (norms). The
    factor `rescale` multiplies first layer and gamma, as in the figures' own runs.
    """
    scales = Scales(alpha, rescale * gamma, rescale)
    found, names = [], METHODS | FURTHER
    for method in methods:
        curve = learning_curve(pair, samples, methods=[names[method]], scales=scales)
        for point, solution in zip(curve.points, curve.solutions, strict=True):
            if isinstance(solution, FixedPoint):
                found.append(
                    {
                        "method": method,
                        "how": LIMIT,
                        "overlap": pair.overlap,
                        "k_main": pair.features,
                        "rescale": rescale,
                        "n": point.n,
                        "final_loss": point.loss,
                        "null_loss": point.null_loss,
                        **measures(solution, pair.classes(), alpha, gamma),
                    }
                )
    return found


def measures(point: FixedPoint, classes: Classes, alpha: float, gamma: float) -> dict[str, Any]:
    """Shares and norms of a predictor, from its law."""
    k, start = exact.finetuning(classes.beta_aux, alpha, gamma)
    printed = exact.printed_corollary1(classes.beta_aux, gamma).k
    order = _order(point, classes)

    def total(values: tuple[Any, ...]) -> float:
        return float(np.sum(np.concatenate([group.count for group in point.coordinates]) * np.concatenate(values)))

    def of_classes(function: Any, *parameters: Any) -> tuple[Any, ...]:
        """E function(b, parameters of the class), for groups that hold the classes in another order."""
        parts, done = [], 0
        for group in point.coordinates:
            here = order[done : done + group.count.size]
            done += group.count.size
            parts.append(tuple(parameter[here] for parameter in parameters))
        laws = zip(point.nodes, point.coordinates, parts, strict=True)
        return tuple(
            np.sum(nodes.weight * function(group.teacher + point.tau * nodes.h - nodes.pull, *part), axis=0)
            for nodes, group, part in laws
        )

    squares = of_classes(lambda b: b**2)
    on_aux = of_classes(lambda b, aux: b**2 * (aux != 0), classes.beta_aux)
    return {
        "aux_share": total(on_aux) / total(squares),
        "outside_top": [point.share_outside_top(count) for count in TOPS],
        "l1": total(of_classes(np.abs)),
        "l12": total(of_classes(lambda b, aux: 2 * np.hypot(b, aux), classes.beta_aux)),
        "q_printed": total(of_classes(lambda b, scale: Q(scale).contributions(b), printed)),
        "q_exact": total(of_classes(lambda b, scale, begin: Q(scale).divergence(b, begin), k, start)),
    }


def _order(point: FixedPoint, classes: Classes) -> Any:
    """Which class each column of the solution's groups is: all in order, or (l1,2) those with auxiliary weights first."""
    if len(point.coordinates) == 1:
        return np.arange(classes.number.size)
    used = classes.beta_aux != 0
    return np.concatenate([np.flatnonzero(used), np.flatnonzero(~used)])
