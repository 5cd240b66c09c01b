"""The lines of Figures 1 and 5 in the limit of many inputs: what the cells of `cells` measure, without any tasks.

Each row has the columns of a cell's that have a limit; `how` is LIMIT, and there is no seed. The lines hold for independent
Gaussian inputs, n and D in proportion, and training to zero error; multi-task learning is least l1,2 norm, beside an auxiliary
task that has more samples than inputs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from normtheory import exact
from normtheory.figures.diagonal.cells import ACTIVE, RECIPROCAL, TOPS, UNIT_NORM, size
from normtheory.figures.diagonal.grid import Grid
from normtheory.figures.drawing import LIMIT, LIMIT_L1, Row
from normtheory.figures.sweep import Spec, Sweep
from normtheory.penalties import Q
from normtheory.solvers.asymptotics import FixedPoint
from normtheory.solvers.curves import learning_curve
from normtheory.solvers.sparse_pairs import Classes, Scales, SparsePair

# method in the figures -> method of the curves
METHODS = {"MTL": "multitask", "PT+FT": "finetuning", "STL": "single", "PT+FT (LP)": "probing", "STL (LP)": "lazy"}
LEAST_L1 = {"STL": "l1"}  # as the cells have it: of a single task, beside the trained network
FURTHER = {"PT+FT, printed": "corollary1", "MTL, pinned": "pinned", "STL, l1": "l1"}
AN_OCTAVE = 6  # numbers of samples from one to its double: lines are drawn through as many points


def lines(grid: Grid) -> list[Row]:
    """The rows of every pair of tasks of a grid: as those of its cells, but without seed, and at more numbers of samples.

    Those that no cell has are marked: `between` is true. Columns that have no limit, as what happens on the way, are None.
    """
    return [row for spec in cells(grid) for row in line(spec)]


def computed(grid: Grid, sweep: Sweep) -> list[Row]:
    """As `lines`, by the workers of a sweep, and kept in its store: Figures 1 and 5 share them."""
    found: list[Row] = sweep.prepared(cells(grid), line, "lines in the limit").to_pylist()
    return found


def cells(grid: Grid) -> list[Spec]:
    """The lines of a grid, each a cell of a sweep."""
    return [common | spec for common in [_common(grid)] for spec in (*_overlapping(grid), *_sparse(grid))]


def _common(grid: Grid) -> dict[str, Any]:
    names = ("inputs", "features_aux", "alpha", "gamma")
    # What rows hang on beside the theory: lines kept under others are not these.
    measured = [ACTIVE, *TOPS, *(size(name, 2) for name in (UNIT_NORM, RECIPROCAL))]
    return {name: getattr(grid, name) for name in names} | {"samples": list(grid.samples), "measured": measured}


def _overlapping(grid: Grid) -> Iterator[dict[str, Any]]:
    known = {
        "kind": "overlap",
        "magnitude": UNIT_NORM,
        "magnitude_aux": UNIT_NORM,
        "features": grid.features_aux,
        "rescale": 1.0,
    }
    for overlap in grid.overlaps:
        for names, how in ((METHODS, LIMIT), (LEAST_L1, LIMIT_L1)):
            yield from (known | {"overlap": overlap, "method": method, "how": how} for method in names)


def _sparse(grid: Grid) -> Iterator[dict[str, Any]]:
    known = {"kind": "sparse", "magnitude": RECIPROCAL, "how": LIMIT}
    for features in grid.features:
        for overlap in (0, features):
            for aux in (UNIT_NORM, RECIPROCAL):
                pair = {"features": features, "overlap": overlap, "magnitude_aux": aux}
                for method, factor in (("MTL", 1.0), *(("PT+FT", factor) for factor in grid.rescale)):
                    yield known | pair | {"method": method, "rescale": factor}


def line(spec: Spec) -> list[Row]:
    """The rows of one method on one pair of tasks."""
    sizes = size(spec["magnitude"], spec["features"]), size(spec["magnitude_aux"], spec["features_aux"])
    pair = SparsePair(spec["inputs"], spec["features"], spec["features_aux"], spec["overlap"], *sizes)
    names = LEAST_L1 if spec["how"] == LIMIT_L1 else METHODS
    scales = {name: spec[name] for name in ("rescale", "alpha", "gamma")}
    unknown = dict.fromkeys(("seed", "best_loss", "limit_loss", "settled_loss", "distance"))
    known = {name: spec[name] for name in ("kind", "magnitude", "magnitude_aux", "how")}
    return [
        unknown | row | known | {"between": row["n"] not in spec["samples"]}
        for row in rows(pair, between(spec["samples"]), [spec["method"]], names=names, **scales)
    ]


def between(samples: Sequence[int]) -> list[int]:
    """The numbers of samples, and so many between each two that a line through them looks smooth."""
    first, last = min(samples), max(samples)
    steps = max(1, round(AN_OCTAVE * float(np.log2(last / first))))
    return sorted({*samples, *(round(n) for n in np.geomspace(first, last, steps + 1))})


def rows(
    pair: SparsePair,
    samples: Sequence[int],
    methods: Sequence[str] = tuple(METHODS),
    *,
    rescale: float = 1.0,
    alpha: float = 1e-3,
    gamma: float = 1e-3,
    names: dict[str, str] = METHODS | FURTHER,
) -> list[Row]:
    """A row for each method and number of samples.

    Columns: method, how, overlap, k_main, rescale, n, final_loss, null_loss, aux_share (share of the predictor's squared norm
    on auxiliary features), active (number of weights in use), outside_top (shares outside the TOPS strongest weights), l1,
    l12, q_printed, q_exact (norms). The factor `rescale` multiplies first layer and gamma, as in the figures' own runs.
    """
    scales = Scales(alpha, rescale * gamma, rescale)
    found = []
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
        "active": point.in_use(ACTIVE),
        "outside_top": point.shares_outside_top(TOPS).tolist(),
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
