"""What is read off a figure's table: quantities of the runs of a method, for every seed, at every end they could have had.

A run that was stopped might have ended elsewhere. A method names all its ends, and a number is taken at the worst of them.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

from normtheory.audit import notation
from normtheory.figures.drawing import Row


class Each(tuple[Any, ...]):
    """Several things, each compared for itself, as a sentence lists them."""

    comma = ", "

    def in_text(self) -> str:
        """As text."""
        return self._listed([spoken(each) for each in self])

    def in_latex(self) -> str:
        """In LaTeX."""
        return self._listed([spoken(each, "in_latex", lambda value: f"${notation.latex(value)}$") for each in self])

    def _listed(self, words: Sequence[str]) -> str:
        return " and ".join([self.comma.join(words[:-1]), words[-1]] if len(words) > 1 else words)


class Listing(Each):
    """Several things with commas of their own."""

    comma = "; "


def spoken(value: Any, name: str = "in_text", otherwise: Callable[[Any], str] = notation.text) -> str:
    """What something says of itself, or else says otherwise."""
    if hasattr(value, name):
        return str(getattr(value, name)())
    return value if isinstance(value, str) else otherwise(value)


@dataclass(frozen=True)
class Phrase:
    """Words with numbers in them, as text and in LaTeX."""

    text: str
    latex: str

    def in_text(self) -> str:
        """As text."""
        return self.text

    def in_latex(self) -> str:
        """In LaTeX."""
        return self.latex


@dataclass(frozen=True)
class Way:
    """An end of a method's runs: what it is, the source of its rows, and the column that holds its loss.

    Where only some realisations went on to that end, `on` is the column of their losses there: the losses of all move by the
    factor by which theirs did.
    """

    words: str
    how: str
    loss: str = "final_loss"
    on: str = ""


@dataclass(frozen=True)
class Method:
    """What is trained, and where its runs end; the first way is the main one; `said` is what to call it, if not by its name."""

    name: str
    ways: tuple[Way, ...]
    said: Phrase | None = None

    def in_text(self) -> str:
        """What it is called."""
        return self.name if self.said is None else self.said.text

    def in_latex(self) -> str:
        """The same in LaTeX."""
        return self.name if self.said is None else self.said.latex


@dataclass(frozen=True)
class Quantity:
    """A number of a run, with the words that a sentence has for it; what may vanish has arithmetic means over seeds.

    What is proportional to the loss `moves` with it.
    """

    words: str
    of: Callable[[Row, Way], float]
    geometric: bool = True
    latex: str = ""
    moves: bool = False

    def in_text(self) -> str:
        """Its words."""
        return self.words

    def in_latex(self) -> str:
        """The same in LaTeX."""
        return self.latex or self.words

    @property
    def kind(self) -> str:
        """Of its means over seeds."""
        return "geometric" if self.geometric else "arithmetic"

    def mean(self, values: Any) -> float:
        """Over seeds."""
        with np.errstate(divide="ignore"):  # a loss of 0, in the limit
            return float(np.exp(np.log(values).mean()) if self.geometric else np.mean(values))


LOSS = Quantity("loss", lambda row, way: float(row[way.loss] / row["null_loss"]), moves=True)


def measure(words: str, column: str, latex: str = "", *, geometric: bool = True) -> Quantity:
    """What a column holds."""
    return Quantity(words, lambda row, way: float(row[column]), geometric, latex)


class Number(NamedTuple):
    """What a comparison found: the mean over seeds at the worst end, each seed there, and the means at all ends."""

    value: float
    alone: tuple[float, ...]
    ends: tuple[float, ...] = ()

    def told(self, bound: float) -> str:
        """The spread over the seeds, how many hold the bound by themselves, and what other ends give."""
        held = sum(value <= bound for value in self.alone)
        words = f"{min(self.alone):.3g} to {max(self.alone):.3g} over the seeds, {held} of {len(self.alone)} within the bound"
        several = len({f"{value:.3g}" for value in self.ends}) > 1
        return words + (f"; {min(self.ends):.3g} to {max(self.ends):.3g} by where runs end" if several else "")


class Side(NamedTuple):
    """Runs of one method: the columns that name them."""

    method: Method
    where: Mapping[str, Any]


class Readable(Protocol):
    """What comparisons are read off: runs by what names them, with numbers for every seed."""

    @property
    def samples(self) -> Sequence[int]:
        """All numbers of main samples, in order."""

    def has(self, side: Side, n: int) -> bool:
        """Whether there are such runs with so many samples."""

    def values(self, quantity: Quantity, side: Side, way: Way, n: int) -> Any:
        """A quantity of some runs, by seed."""

    def curves(self, quantity: Quantity, side: Side, way: Way) -> Any:
        """A quantity against the number of samples, shape (samples, seeds)."""

    def needed(self, side: Side, way: Way, level: float) -> tuple[float, Any]:
        """Numbers of samples that the mean loss, and each seed's, needs to come down to a level."""


class Table:
    """The rows of a panel, found by what names a run; each run must be there once for every seed."""

    def __init__(self, rows: Sequence[Row], seeds: Sequence[int]) -> None:
        self.seeds = tuple(seeds)
        self.samples = sorted({row["n"] for row in rows})
        self._runs: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
        for row in rows:
            self._runs[row["method"], row["how"], row["n"]].append(row)

    def has(self, side: Side, n: int) -> bool:
        """Whether there are such runs with so many samples, at the main end."""
        found = self._runs.get((side.method.name, side.method.ways[0].how, n), [])
        return any(all(row[name] == _name(value) for name, value in side.where.items()) for row in found)

    def values(self, quantity: Quantity, side: Side, way: Way, n: int) -> Any:
        """A quantity of some runs, by seed.

        Raises
        ------
        ValueError
            If the table lacks runs, has several for a seed, or has other seeds.
        """
        where = {"n": n, **side.where}
        found = self._runs[side.method.name, way.how, where.pop("n")]
        chosen = [row for row in found if all(row[name] == _name(value) for name, value in where.items())]
        values = {row["seed"]: quantity.of(row, way) for row in chosen}
        if len(values) < len(chosen) or set(values) != set(self.seeds):
            lacks = f"the seeds {sorted(values)}, not {list(self.seeds)}," if values else "no runs"
            lacks = "several runs for a seed" if len(values) < len(chosen) else lacks
            raise ValueError(f"the table has {lacks} of {side.method.name} ({way.how}) with {dict(where)} at n = {n}")
        moved = _moved(chosen, way) if way.on and quantity.moves else 1.0
        return moved * np.array([values[seed] for seed in self.seeds])

    def curves(self, quantity: Quantity, side: Side, way: Way) -> Any:
        """A quantity against the number of samples, shape (samples, seeds)."""
        return np.array([self.values(quantity, side, way, n) for n in self.samples])

    def needed(self, side: Side, way: Way, level: float) -> tuple[float, Any]:
        """Where the mean loss first comes down to a level, and each seed's loss: NaN where it never does."""
        curves = self.curves(LOSS, side, way)
        alone = np.array([needed_along(self.samples, each, level) for each in curves.T])
        return needed_along(self.samples, np.exp(np.log(curves).mean(axis=1)), level), alone


def needed_along(samples: Sequence[int], curve: Any, level: float) -> float:
    """Where a curve of losses first comes down to a level, along straight lines in logarithms; NaN where it never does."""
    low = np.flatnonzero(curve <= level)
    if not low.size:
        return float("nan")
    last = int(low[0])
    if last == 0:
        return float(samples[0])
    with np.errstate(divide="ignore"):  # a loss of 0, in the limit: the level is met where it is last positive
        ends = np.log(curve[[last, last - 1]]), np.log(np.array(samples)[[last, last - 1]])
    return float(np.exp(np.interp(np.log(level), *ends)))


def _moved(rows: Sequence[Row], way: Way) -> float:
    """The factor by which the losses move of those realisations that went on."""
    factors = [row[way.on] / row[way.loss] for row in rows if row[way.on] is not None]
    if not factors:
        raise ValueError(f"no run of {rows[0]['method']} went on, {way.words}")
    return float(np.exp(np.log(factors).mean()))


def _name(value: Any) -> Any:
    return getattr(value, "name", value)


NOBODY = Each()


def at_worst(sides: Iterable[Side], number: Callable[[Mapping[Method, Way]], tuple[float, Any]]) -> Number:
    """The largest of the numbers at all ends of the methods; a number comes with what it is for each seed."""
    methods = list(dict.fromkeys(side.method for side in sides))
    combined = (dict(zip(methods, ways, strict=True)) for ways in itertools.product(*(method.ways for method in methods)))
    found = [number(ways) for ways in combined]
    value, alone = max(found, key=lambda each: (each[0] != each[0], each[0]))  # what is no number is worse than any
    return Number(value, tuple(np.asarray(alone).tolist()), tuple(each[0] for each in found))
