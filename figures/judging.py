"""How a panel's claim is judged: by a number read off the figure's table and a bound on it that was stated in advance."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from normtheory.audit.derivation import Derivation
from normtheory.figures import committed
from normtheory.figures.drawing import Row, relative_loss

Where = Mapping[str, Any]  # values of columns that name runs
SETTING = (
    "D = 1000; 1024 auxiliary samples of 40 features; alpha = gamma = 1e-3; weights of the main teacher 1/sqrt(k) with k = 40 "
    "features, 1/k in panels on sparsity and rescaling (where gamma is rescaled, too)",
    "the loss is the population's at the end of training (of multi-task training, at a training loss of 1e-10), in units of "
    "that of the zero predictor; ratios are of means over seeds (geometric means, for losses and norms)",
)

AFTERWARDS = "the bounds of the correction, and the n it speaks of, were chosen after the run"


def share(row: Row) -> float:
    """A share of variance."""
    return float(row["share"])


def other_share(row: Row) -> float:
    """What is missing of a share."""
    return 1 - float(row["share"])


def norm(name: str) -> Callable[[Row], float]:
    """A norm of the predictor."""
    return lambda row: float(row[name])


def away_from(aim: float) -> Callable[[Row], float]:
    """Distance of a share from a value."""
    return lambda row: abs(float(row["share"]) - aim)


@dataclass(frozen=True)
class Comparison:
    """A number of a panel and its bound: the quantity of some runs over that of others is at most `bound`.

    Parameters
    ----------
    text : str
        What is compared.
    of, to : sequences of mappings
        Runs whose quantities are multiplied, and those they are divided by (none: the quantity itself is bounded).
    bound : float
        Stated before the runs.
    samples : sequence of int
        Main samples at which the bound must hold; the numbers at all others are reported.
    quantity : function
        Of a row.
    geometric : bool
        Whether means over seeds are geometric (shares, which may vanish, have arithmetic ones).
    """

    text: str
    of: Sequence[Where]
    to: Sequence[Where]
    bound: float
    samples: Sequence[int]
    quantity: Callable[[Row], float] = relative_loss
    geometric: bool = True

    def exchanged(self) -> Comparison:
        """The reverse comparison, with the same bound."""
        return replace(self, text=f"reverse of: {self.text}", of=self.to, to=self.of)


@dataclass(frozen=True)
class Found:
    """The number of a comparison at one n, and the same number for each seed alone."""

    value: float
    alone: tuple[float, ...]  # for each seed

    def within(self, bound: float) -> str:
        """The range over seeds, and how many of them are within the bound by themselves."""
        held = sum(value <= bound for value in self.alone)
        return f"{min(self.alone):.4g} to {max(self.alone):.4g}; holds on {held} of {len(self.alone)} seeds"


@cache
def rows_of(figure: str, panel: str) -> tuple[Row, ...]:
    """The committed rows of a panel."""
    return tuple(row for row in committed(figure).to_pylist() if row["panel"] == panel)


def found(rows: Sequence[Row], comparison: Comparison, n: int) -> Found:
    """The number of a comparison at n.

    Raises
    ------
    ValueError
        If the table lacks runs that it speaks of, or has several for a seed.
    """
    of, to = (
        [_by_seed(rows, comparison.quantity, {"n": n, **where}) for where in each] for each in (comparison.of, comparison.to)
    )
    seeds = sorted(set.intersection(*(set(values) for values in (*of, *to))))
    above = [np.array([values[seed] for seed in seeds]) for values in of]
    below = [np.array([values[seed] for seed in seeds]) for values in to]
    with np.errstate(divide="ignore", invalid="ignore"):
        alone = np.prod(above, axis=0) / np.prod(below, axis=0) if below else np.prod(above, axis=0)
        mean = _geometric_mean if comparison.geometric else np.mean
        value = np.prod([mean(values) for values in above]) / np.prod([mean(values) for values in below])
    return Found(float(value), tuple(alone.tolist()))


def _geometric_mean(values: Any) -> float:
    return float(np.exp(np.log(values).mean()))


def _by_seed(rows: Sequence[Row], quantity: Callable[[Row], float], where: Where) -> dict[int, float]:
    found = [row for row in rows if all(row[name] == value for name, value in where.items())]
    values = {row["seed"]: quantity(row) for row in found}
    if not found or len(values) < len(found):
        raise ValueError(f"the table has {'several' if found else 'no'} runs with {dict(where)} for a seed")
    return values


def judge(proof: Derivation, rows: Sequence[Row], comparisons: Sequence[Comparison]) -> None:
    """A step for each number that must be within its bound, with the numbers at all other n, and a note for which n it is."""
    notes = []
    for comparison in comparisons:
        values = {} if _fixed(comparison) else _at_every_n(rows, comparison)
        for n in comparison.samples:
            number = found(rows, comparison, n)
            listed = f"; {', '.join(f'{value:.2g}' for value in values.values())} at n = {_listed(values)}" if values else ""
            text = f"{comparison.text}, at n = {n} ({number.within(comparison.bound)}{listed})"
            proof.at_most(text, number.value, comparison.bound)
        held = [n for n, value in values.items() if value <= comparison.bound]
        if values and "reverse of" not in comparison.text:
            where = "every n" if len(held) == len(values) else f"n = {_listed(held)}" if held else "no n"
            notes.append(f"{comparison.text}: at most {comparison.bound:g} for {where}")
    if notes:
        proof.note(f"{'; '.join(notes)}.")


def _fixed(comparison: Comparison) -> bool:
    """Whether it compares different n, so that there is no other n to report."""
    return any("n" in where for where in (*comparison.of, *comparison.to))


def _at_every_n(rows: Sequence[Row], comparison: Comparison) -> dict[int, float]:
    return {n: found(rows, comparison, n).value for n in sorted({row["n"] for row in rows})}


def _listed(samples: Iterable[int]) -> str:
    return ", ".join(map(str, samples))
