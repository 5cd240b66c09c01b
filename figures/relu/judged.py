"""How claims on ReLU networks are judged: as those on diagonal ones, with intervals by the bootstrap over seeds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from normtheory.audit.derivation import Derivation
from normtheory.audit.statements import Said
from normtheory.figures import committed, committed_file
from normtheory.figures.comparisons import Comparison, Excess
from normtheory.figures.drawing import Row
from normtheory.figures.judging import compare
from normtheory.figures.readings import Table
from normtheory.figures.record import beside, read_record

RESAMPLED = 2000  # times
LEVEL = 95  # percent
FEWEST = 3  # seeds: of two, resampled means are but the two and their mean


@cache
def rows_of(figure: str, panel: str) -> tuple[Row, ...]:
    """The committed rows of a panel."""
    return tuple(row for row in committed(figure).to_pylist() if row["panel"] == panel)


def judge(proof: Derivation, figure: str, panels: str, stated: Said) -> None:
    """The table is that of the stated setting, and each stated comparison holds in it, with the seeds of the stated grid."""
    strangers = read_record(beside(committed_file(figure))).strangers(stated.setting.cells())
    proof.at_most("main tasks of the stated setting that the table lacks, or that only it has", strangers, 0)
    rows = [row for panel in panels for row in rows_of(figure, panel)]
    compare(proof, rows, stated)
    told = list(intervals(rows, stated)) if len(stated.grid.seeds) >= FEWEST else []
    if told:
        proof.note(f"Intervals of {LEVEL} percent, by the bootstrap over seeds: {'; '.join(dict.fromkeys(told))}.")


def intervals(rows: Iterable[Row], stated: Said) -> Iterable[str]:
    """Each ratio of geometric means with its interval; it is the geometric mean of the ratios seed by seed."""
    table = Table(list(rows), stated.grid.seeds)
    common = vars(getattr(stated, "teachers", Said()))
    for each in vars(stated).values():
        if isinstance(each, Comparison) and each.quantity.geometric and not isinstance(each, Excess):
            for text, number, _ in replace(each, at=Said(**common | vars(each.at))).numbers(table):
                low, high = bootstrap(np.log(number.alone))
                yield f"{text}: {np.exp(low):.3g} to {np.exp(high):.3g}"


def bootstrap(values: Any) -> tuple[float, float]:
    """Interval of the mean over seeds, from resampled seeds; the same draws for all, so that numbers can be compared."""
    draw = np.random.default_rng(np.random.SeedSequence((len(values), RESAMPLED)))
    means = np.asarray(values)[draw.integers(len(values), size=(RESAMPLED, len(values)))].mean(axis=1)
    low, high = np.percentile(means, [(100 - LEVEL) / 2, (100 + LEVEL) / 2])
    return float(low), float(high)
