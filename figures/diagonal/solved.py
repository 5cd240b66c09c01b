"""Comparisons of Figures 1 and 5 in the limit of many inputs: their numbers are solved for, not read off a table of runs."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from normtheory.audit.derivation import Derivation
from normtheory.audit.statements import Said
from normtheory.figures.along import Needed
from normtheory.figures.comparisons import Comparison
from normtheory.figures.diagonal.cells import UNIT_NORM, size
from normtheory.figures.diagonal.grid import Grid
from normtheory.figures.diagonal.limit import measures
from normtheory.figures.diagonal.stated import AS_AUX, FINETUNED, MTL
from normtheory.figures.drawing import Row
from normtheory.figures.judging import rows_of
from normtheory.figures.readings import LOSS, Each, Number, Quantity, Side, Table, Way, needed_along
from normtheory.solvers.asymptotics import FixedPoint
from normtheory.solvers.curves import Point, learning_curve, samples_needed
from normtheory.solvers.sparse_pairs import Scales, SparsePair

DRAWN = {method.name: method for method in (MTL, FINETUNED)}  # as trained, and where their runs end


class Solved:
    """What a `Table` says of runs, in the limit: a way's source is the name of its curve (`normtheory.solvers.curves`).

    Parameters
    ----------
    grid : Grid
        The setting: numbers of inputs and auxiliary features, scales of the networks, numbers of samples.
    straight : bool
        Whether numbers of samples that losses need are read along straight lines between the grid's, as off a table of runs.
    """

    def __init__(self, grid: Grid, *, straight: bool = False) -> None:
        self.grid, self.straight = grid, straight
        self.samples = sorted(grid.samples)

    def has(self, side: Side, n: int) -> bool:
        """Always: what is solved for can be solved for at any n."""
        return True

    def values(self, quantity: Quantity, side: Side, way: Way, n: int) -> Any:
        """A quantity of some runs: an array of one number, as there are no seeds."""
        where = {"n": n, **side.where}
        pair, n, top = self._pair(where), int(where["n"]), where.get("top")
        point, law = _solved(pair, n, way.how, self._scales(where))
        row: Row = {"final_loss": point.loss, "null_loss": point.null_loss, "overlap": pair.overlap, "k_main": pair.features}
        if quantity is not LOSS:
            aux_share = measures(law, pair.classes(), self.grid.alpha, self.grid.gamma)["aux_share"] if top is None else None
            row["share"] = aux_share if top is None else law.share_outside_top(top)
        return np.array([quantity.of(row, way)])

    def curves(self, quantity: Quantity, side: Side, way: Way) -> Any:
        """A quantity against the number of samples, shape (samples, 1)."""
        return np.array([self.values(quantity, side, way, n) for n in self.samples])

    def needed(self, side: Side, way: Way, level: float) -> tuple[float, Any]:
        """The number of samples from which on the loss stays below a level: as a mean over seeds, and as if for each."""
        if self.straight:
            found = needed_along(self.samples, self.curves(LOSS, side, way)[:, 0], level)
        else:
            found = _needed(self._pair(side.where), way.how, level, self._scales(side.where))
        return found, np.array([found])

    def _scales(self, where: Mapping[str, Any]) -> Scales:
        factor = float(where.get("rescale", 1.0))
        return Scales(self.grid.alpha, factor * self.grid.gamma, factor)

    def _pair(self, where: Mapping[str, Any]) -> SparsePair:
        features_aux = self.grid.features_aux
        features = where.get("k_main", features_aux)
        overlap = where.get("overlap", features if where.get("relation") == "nested" else 0)
        name, name_aux = (getattr(where.get(column), "name", UNIT_NORM) for column in ("magnitude", "magnitude_aux"))
        aux = size(name_aux, features_aux)
        main = aux if name == AS_AUX.name else size(name, features)
        return SparsePair(self.grid.inputs, features, features_aux, overlap, main, aux)


@cache
def _solved(pair: SparsePair, n: int, curve: str, scales: Scales) -> tuple[Point, FixedPoint]:
    found = learning_curve(pair, [n], methods=[curve], scales=scales)
    (point,), (law,) = found.points, found.solutions
    if not isinstance(law, FixedPoint):  # the auxiliary task has as many samples as it needs
        raise TypeError(f"a {type(law).__name__} has no law")
    return point, law


@cache
def _needed(pair: SparsePair, curve: str, level: float, scales: Scales) -> float:
    return samples_needed(pair, curve, level, scales=scales)


def judge_solved(proof: Derivation, stated: Said, panels: str = "") -> None:
    """Each stated comparison holds in the limit; beside it stands what drawn tasks give in some panels of Figure 1, if any.

    A note says which bounds hold for one and not for the other.
    """
    drawn = Table([row for panel in panels for row in rows_of("fig1", panel)], stated.grid.seeds) if panels else None
    common, apart = vars(getattr(stated, "teachers", Said())), []
    for each in vars(stated).values():
        if not isinstance(each, Comparison):
            continue
        comparison = replace(each, at=Said(**common | vars(each.at)))
        for (text, number, bound), beside in zip(
            comparison.numbers(Solved(stated.grid)), _beside(comparison, stated.grid, drawn), strict=False
        ):
            proof.at_most(f"{text}{_told(beside, bound)}", number.value, bound)
            if beside.get("drawn tasks") and (beside["drawn tasks"].value <= bound) != (number.value <= bound):
                apart.append(f"{text}: {number.value:.3g}{_told(beside, bound)}")
    if drawn:
        agree = "The limit and the drawn tasks are on the same side of every bound."
        proof.note(f"The limit and the drawn tasks are on different sides of bounds: {'; '.join(apart)}." if apart else agree)


def _beside(comparison: Comparison, grid: Grid, drawn: Table | None) -> Iterator[dict[str, Number]]:
    """For each number of a comparison: that of drawn tasks, and that of the limit where it is read as off their table."""
    if drawn is None:
        yield from itertools.repeat({})
        return
    of, to = (Each(DRAWN[method.name] for method in side) for side in (comparison.of, comparison.to))
    trained = replace(comparison, of=of, to=to)
    numbers = [number for _, number, _ in trained.numbers(drawn)]
    straight = [number for _, number, _ in comparison.numbers(Solved(grid, straight=True))]
    for number, same in zip(numbers, straight, strict=True):
        yield {"drawn tasks": number} | ({"the limit read in the same way": same} if isinstance(comparison, Needed) else {})


def _told(beside: Mapping[str, Number], bound: float) -> str:
    if not beside:
        return ""
    drawn = beside["drawn tasks"]
    parts = [f"drawn tasks {drawn.value:.3g}, {drawn.told(bound)}"]
    parts += [f"{name} {number.value:.3g}" for name, number in beside.items() if number is not drawn]
    return f" ({'; '.join(parts)})"
