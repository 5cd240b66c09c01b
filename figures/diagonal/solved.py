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
from normtheory.figures.diagonal.cells import TOPS, UNIT_NORM, size
from normtheory.figures.diagonal.grid import Grid
from normtheory.figures.diagonal.limit import rows
from normtheory.figures.diagonal.stated import AS_AUX, FINETUNED, MTL
from normtheory.figures.drawing import Row
from normtheory.figures.judging import rows_of
from normtheory.figures.readings import LOSS, Each, Number, Quantity, Side, Table, Way, needed_along
from normtheory.solvers.curves import samples_needed
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

    def values(self, quantity: Quantity, side: Side, way: Way, n: int) -> Any:
        """A quantity of some runs: an array of one number, as there are no seeds."""
        where = {"n": n, **side.where}
        pair, rescale = self._pair(where), float(where.get("rescale", 1.0))
        row = _row(pair, int(where["n"]), side.method.name, way.how, rescale, self.grid.alpha, self.grid.gamma)
        top = where.get("top")
        share = row["aux_share"] if top is None else row["outside_top"][TOPS.index(top)]
        return np.array([quantity.of(row | {"share": share}, way)])

    def curves(self, quantity: Quantity, side: Side, way: Way) -> Any:
        """A quantity against the number of samples, shape (samples, 1)."""
        return np.array([self.values(quantity, side, way, n) for n in self.samples])

    def needed(self, side: Side, way: Way, level: float) -> tuple[float, Any]:
        """The number of samples from which on the loss stays below a level: as a mean over seeds, and as if for each."""
        if self.straight:
            found = needed_along(self.samples, self.curves(LOSS, side, way)[:, 0], level)
        else:
            factor = float(side.where.get("rescale", 1.0))
            found = _needed(self._pair(side.where), way.how, level, Scales(self.grid.alpha, factor * self.grid.gamma, factor))
        return found, np.array([found])

    def _pair(self, where: Mapping[str, Any]) -> SparsePair:
        features_aux = self.grid.features_aux
        features = where.get("k_main", features_aux)
        overlap = where.get("overlap", features if where.get("relation") == "nested" else 0)
        name, name_aux = (getattr(where.get(column), "name", UNIT_NORM) for column in ("magnitude", "magnitude_aux"))
        aux = size(name_aux, features_aux)
        main = aux if name == AS_AUX.name else size(name, features)
        return SparsePair(self.grid.inputs, features, features_aux, overlap, main, aux)


@cache
def _row(pair: SparsePair, n: int, method: str, curve: str, rescale: float, alpha: float, gamma: float) -> Row:
    return rows(pair, [n], [method], names={method: curve}, rescale=rescale, alpha=alpha, gamma=gamma)[0]


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
