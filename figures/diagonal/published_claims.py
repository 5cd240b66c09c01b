"""Figure 1: what was published of sparse tasks, beside what is computed here with auxiliary teachers of either size."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from normtheory.audit import notation
from normtheory.audit.alone import run_alone
from normtheory.audit.claims import Verdict, claim
from normtheory.audit.derivation import Derivation
from normtheory.audit.statements import Said
from normtheory.figures.comparisons import Comparison
from normtheory.figures.diagonal.stated import GRID, LARGE, MTL, SETTING, SMALL
from normtheory.figures.judging import judge
from normtheory.figures.readings import Each, Method, Number, Quantity, Readable, Side

CUT_OFF = Method("MTL", (MTL.ways[-1],))
SQUARED_ERROR = Quantity("squared error", lambda row, way: float(row[way.loss]), moves=True)


@dataclass(frozen=True)
class Published:
    """A loss that was published: the geometric mean over six seeds of a sparse task."""

    k_main: int
    relation: str
    n: int
    loss: float

    def in_text(self) -> str:
        """As text."""
        return f"{notation.text(self.loss)} ({self._runs(notation.text)})"

    def in_latex(self) -> str:
        """In LaTeX."""
        return f"${notation.latex(self.loss)}$ ({self._runs(lambda number: f'${notation.latex(number)}$')})"

    def columns(self, at: Said) -> dict[str, Any]:
        """What names its runs."""
        return {**vars(at), "relation": self.relation, "k_main": self.k_main}

    def _runs(self, written: Any) -> str:
        return f"{written(self.k_main)} {self.relation} features, {written(self.n)} samples"


@dataclass(frozen=True)
class Met(Comparison):
    """Published losses are met within the factor `most`; or, `missed`, each is off by more than that."""

    cells: Each = field(default_factory=Each)
    missed: bool = False

    def numbers(self, table: Readable) -> Iterator[tuple[str, Number, float]]:
        """The factor between computed and published, for each cell; where it is to be missed, its reciprocal."""
        for method in self.of:
            for cell in self.cells:
                text = f"{method.in_text()}, auxiliary weights {self.at.magnitude_aux.in_text()}, factor off {cell.in_text()}"
                number = self.number(table, [Side(method, cell.columns(self.at))], [], cell.n)
                factors = _factors(number, cell.loss)
                if self.missed:
                    yield f"{text}, reciprocal", Number(*_reciprocal(factors)), 1 / self.most
                else:
                    yield text, factors, self.most

    def elsewhere(self, table: Readable) -> Iterator[str]:
        """Published at these samples only."""
        yield from ()


def _factors(number: Number, published: float) -> Number:
    """How far a loss is off, as a factor of at least 1."""
    off = [max(loss / published, published / loss) for loss in (number.value, *number.alone)]
    return Number(off[0], tuple(off[1:]))


def _reciprocal(number: Number) -> tuple[float, tuple[float, ...]]:
    return 1 / number.value, tuple(1 / value for value in number.alone)


CELLS = Each(
    (
        Published(5, "nested", 64, 1.6e-4),
        Published(40, "nested", 64, 2.4e-4),
        Published(5, "nested", 128, 6.0e-6),
        Published(5, "disjoint", 128, 7.6e-5),
    )
)
BY_SMALL, BY_LARGE = (Said(magnitude=SMALL, magnitude_aux=size) for size in (SMALL, LARGE))
NESTED, DENSE = Said(relation="nested", k_main=5), Said(k_main=40)
MULTI_TASK = Each((MTL,))
STATED = Said(
    grid=GRID,
    met=Met(Each((CUT_OFF,)), 2.4, at=BY_SMALL, quantity=SQUARED_ERROR, cells=CELLS),
    missed=Met(Each((CUT_OFF,)), 4.0, at=BY_LARGE, quantity=SQUARED_ERROR, cells=CELLS, missed=True),
    gains=Comparison(MULTI_TASK, 0.5, (64,), at=Said(**vars(BY_SMALL), **vars(NESTED)), than=DENSE),
    loses=Comparison(MULTI_TASK, 1.0, (64,), at=Said(**vars(BY_LARGE) | vars(NESTED) | vars(DENSE)), than=Said(k_main=5)),
)


@claim(
    "published-cells",
    where="theory of the published runs of Fig. 1e, f",
    statement="multi-task training for <grid.epochs_sparse> steps of <grid.step>, with auxiliary weights of size "
    "<met.at.magnitude_aux> as the main ones are, k being the number of a task's own, has the published losses within a factor "
    "<met.most>, the spread of the published seeds: <met.cells>; with auxiliary weights of size <missed.at.magnitude_aux> each "
    "is missed by more than a factor <missed.most>. With <gains.samples> samples its loss on <gains.at.k_main> "
    "<gains.at.relation> features is, by the first size, <gains.bound> that on <gains.than.k_main>, in units of the zero "
    "predictor's; by the second that on <loses.at.k_main> is, with <loses.samples>, <loses.bound> that on <loses.than.k_main>",
    printed=STATED,
    twins={
        "met with large auxiliary weights": STATED.but(met=replace(STATED.met, at=BY_LARGE)),
        "missed with small ones": STATED.but(missed=replace(STATED.missed, at=BY_SMALL)),
        "sparser is worse with small auxiliary weights": STATED.but(gains=STATED.gains.reversed()),
        "sparser is better with large ones": STATED.but(loses=STATED.loses.reversed()),
        "another published loss": STATED.but(met=replace(STATED.met, cells=Each((replace(CELLS[0], loss=1.6e-3),)))),
    },
    siblings={"a larger spread": STATED.but(met=replace(STATED.met, most=3.0))},
    reads=(*SETTING, "losses are mean squared errors of the population, for the published cells not in units of any"),
    granted=("the published losses, and by how much those of a cell spread over its seeds, are as handed over",),
    expected=Verdict.CONFIRMED,
    source="released results of Lindsey & Lippl 2024",
)
def published_cells(proof: Derivation, stated: Said) -> None:
    """Figures 1e and 1f, as published: the size of the auxiliary teacher."""
    judge(proof, "fig1", "ef", stated)


if __name__ == "__main__":
    sys.exit(run_alone())
