"""How a panel's claim is judged: by numbers read off the figure's table, and bounds on them, which the statement prints."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cache

from normtheory.audit.derivation import Derivation
from normtheory.audit.statements import Said
from normtheory.figures import committed, committed_file
from normtheory.figures.comparisons import Comparison
from normtheory.figures.drawing import Row, chosen, of_tasks
from normtheory.figures.readings import Table
from normtheory.figures.record import beside, read_record


@cache
def rows_of(figure: str, panel: str) -> tuple[Row, ...]:
    """The committed rows of a panel's runs; those of sparse tasks say how their features are related to the auxiliary ones."""
    rows = chosen(of_tasks(committed(figure).to_pylist()), panel=panel)
    return tuple(row | {"relation": "nested" if row["overlap"] == row["k_main"] else "disjoint"} for row in rows)


def judge(proof: Derivation, figure: str, panels: str, stated: Said) -> None:
    """The table is that of the stated grid, and each stated comparison holds in some panels of it, a letter each."""
    strangers = read_record(beside(committed_file(figure))).strangers(stated.grid.cells())
    proof.at_most("pairs of tasks of the stated setting that the table lacks, or that only it has", strangers, 0)
    compare(proof, [row for panel in panels for row in rows_of(figure, panel)], stated)


def compare(proof: Derivation, rows: Iterable[Row], stated: Said) -> None:
    """A step for each number that must be within its bound, and a note with the numbers at all other n."""
    table, notes = Table(list(rows), stated.grid.seeds), []
    common = vars(getattr(stated, "teachers", Said()))
    for each in vars(stated).values():
        if not isinstance(each, Comparison):
            continue
        comparison = replace(each, at=Said(**common | vars(each.at)))
        for text, number, bound in comparison.numbers(table):
            proof.at_most(f"{text} ({number.told(bound)})", number.value, bound)
        notes += list(comparison.elsewhere(table))
    if notes:
        samples = ", ".join(map(str, table.samples))
        proof.note(f"With {samples} samples: {'; '.join(dict.fromkeys(notes))}.")
