"""Comparisons of runs: what a statement prints and what the table is asked for, in one."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from normtheory.audit import notation
from normtheory.audit.statements import Said
from normtheory.figures.readings import (
    LOSS,
    NOBODY,
    Each,
    Method,
    Number,
    Phrase,
    Quantity,
    Readable,
    Side,
    Way,
    at_worst,
    spoken,
)


@dataclass(frozen=True)
class Comparison:
    """A quantity of some runs is at most `most` times that of others, or, if there are no others, at most `most`.

    Attributes
    ----------
    of : Each of Method
        Each of them is compared.
    most : float
    samples : tuple of int
        Main samples at which it must hold, unless `at` names them.
    to : Each of Method
        What they are compared with, each; none: with other runs of themselves, or with nothing.
    at : Said
        Columns that name the runs; tuples stand for each of their values.
    than : Said
        The columns in which the runs that are divided by are others.
    quantity : Quantity
    both : bool
        The reverse must hold, too.
    """

    of: Each
    most: float
    samples: tuple[int, ...] = ()
    to: Each = NOBODY
    at: Said = field(default_factory=Said)
    than: Said = field(default_factory=Said)
    quantity: Quantity = LOSS
    both: bool = False

    @property
    def bound(self) -> Phrase:
        """At most so many times, or within a factor."""
        number = self.most
        if number == 1:
            return Phrase("no more than", "no more than")
        if self.both:
            return Phrase(f"within a factor {notation.text(number)} of", f"within a factor ${notation.latex(number)}$ of")
        return Phrase(f"at most {notation.text(number)} times", f"at most ${notation.latex(number)}$ times")

    @property
    def unit(self) -> int:
        """What a number is held against that is compared with no other: `number` divides by nothing."""
        return 1

    def reversed(self) -> Comparison:
        """The runs exchanged, with the same bound."""
        if self.to:
            return replace(self, of=self.to, to=self.of)
        at, than = vars(self.at), vars(self.than)
        return replace(self, at=Said(**at | than), than=Said(**{name: at[name] for name in than}))

    def ratios(self) -> Iterator[tuple[str, list[Side], list[Side]]]:
        """What is compared, in words, and the runs above and below, for each method and each value of the columns."""
        for where in _combinations(vars(self.at)):
            other = where | vars(self.than)
            for method in self.of:
                above = Side(method, where)
                for against in self.to or (method,):
                    compared = bool(self.to or vars(self.than))
                    below = [Side(against, other)] if compared else []
                    yield _compared(self.quantity, above, below, vars(self.than)), [above], below

    def numbers(self, table: Readable) -> Iterator[tuple[str, Number, float]]:
        """Each number that must be within the bound."""
        for words, above, below in self.ratios():
            own = above[0].where.get("n")
            for n in self.samples if own is None else (own,):
                text = f"{words}, with {n} samples" if own is None else words
                yield text, self.number(table, above, below, n), self.most
                if self.both:
                    yield f"the reverse of: {text}", self.number(table, below, above, n), self.most

    def number(self, table: Readable, above: Sequence[Side], below: Sequence[Side], n: int) -> Number:
        """The ratio at n, at the worst of all ends."""

        def ratios(ways: Mapping[Method, Way]) -> tuple[float, Any]:
            tops, bottoms = ([table.values(self.quantity, s, ways[s.method], n) for s in each] for each in (above, below))
            return float(_ratio(tops, bottoms, self.quantity.mean)), _ratio(tops, bottoms, lambda values: values)

        return at_worst([*above, *below], ratios)

    def elsewhere(self, table: Readable) -> Iterator[str]:
        """The numbers at all n, at the main ends; a dash where there are no runs."""
        for words, above, below in self.ratios():
            sides = (*above, *below)
            if not any("n" in side.where for side in sides):
                told = [
                    f"{self.number(table, above, below, n).ends[0]:.2g}" if all(table.has(side, n) for side in sides) else "-"
                    for n in table.samples
                ]
                yield f"{words}: {', '.join(told)}"


@dataclass(frozen=True)
class Excess(Comparison):
    """A quantity of some runs exceeds that of others by at most `most`."""

    def number(self, table: Readable, above: Sequence[Side], below: Sequence[Side], n: int) -> Number:
        """The difference at n, at the worst of all ends."""

        def differences(ways: Mapping[Method, Way]) -> tuple[float, Any]:
            more, less = (table.values(self.quantity, side, ways[side.method], n) for side in (above[0], below[0]))
            return self.quantity.mean(more) - self.quantity.mean(less), more - less

        return at_worst([*above, *below], differences)


@dataclass(frozen=True)
class Change(Comparison):
    """A ratio is at most `most` times the same ratio of other runs: those with the columns `now` over those with `before`."""

    now: Said = field(default_factory=Said)
    before: Said = field(default_factory=Said)

    def reversed(self) -> Change:
        """The other runs exchanged with these."""
        return replace(self, now=self.before, before=self.now)

    def ratios(self) -> Iterator[tuple[str, list[Side], list[Side]]]:
        """The runs above and below, of both ratios."""
        now, before = vars(self.now), vars(self.before)
        for words, above, below in super().ratios():
            first, last = ([_at(side, columns) for side in above] for columns in (now, before))
            over, under = ([_at(side, columns) for side in below] for columns in (now, before))
            yield f"{words}: {_named(now)} over {_named(before)}", first + under, over + last


@dataclass(frozen=True)
class Steps(Comparison):
    """Each value of the column `along` against the next: runs with one are at most `most` times those with the next."""

    along: str = "n"

    @property
    def pairs(self) -> Each:
        """Each value and the next, as a sentence lists the steps: the last value has none."""
        steps = itertools.pairwise(getattr(self.at, self.along))
        return Each(Phrase(*(" to ".join(words(value) for value in step) for words in (spoken, _in_latex))) for step in steps)

    def reversed(self) -> Steps:
        """The order of the values reversed."""
        return replace(self, at=self.at.but(**{self.along: getattr(self.at, self.along)[::-1]}))

    def ratios(self) -> Iterator[tuple[str, list[Side], list[Side]]]:
        """The runs with one value above those with the next."""
        for value, following in itertools.pairwise(getattr(self.at, self.along)):
            at, than = self.at.but(**{self.along: value}), Said(**{self.along: following})
            step = Comparison(self.of, self.most, self.samples, at=at, than=than, quantity=self.quantity)
            yield from step.ratios()


def _in_latex(value: Any) -> str:
    return spoken(value, "in_latex", lambda number: f"${notation.latex(number)}$")


def _at(side: Side, columns: Mapping[str, Any]) -> Side:
    return Side(side.method, {**side.where, **columns})


def _ratio(above: Sequence[Any], below: Sequence[Any], mean: Callable[[Any], Any]) -> Any:
    """Of products of means; nothing is at most any number of times what is below it, be that nothing, too."""
    with np.errstate(divide="ignore", invalid="ignore"):
        over = np.prod([mean(each) for each in above], axis=0)
        return np.where(over == 0, 0.0, over / np.prod([mean(each) for each in below] or [1.0], axis=0))


def _combinations(columns: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    several = [value if isinstance(value, tuple) else (value,) for value in columns.values()]
    for values in itertools.product(*several):
        yield dict(zip(columns, values, strict=True))


# How the text of a step names the runs with a value in a column.
WORDS = {
    "panel": "panel {}",
    "overlap": "{} features shared",
    "k_main": "{} main features",
    "relation": "{}",
    "rescale": "weights times {}",
    "magnitude": "main weights {}",
    "magnitude_aux": "auxiliary weights {}",
    "top": "{} strongest weights",
    "clusters": "{} clusters",
    "n": "{} samples",
}


def _compared(quantity: Quantity, above: Side, below: Sequence[Side], than: Mapping[str, Any]) -> str:
    words = f"{quantity.words} of {above.method.in_text()}, {_named(above.where)}".removesuffix(", ")
    for side in below:
        same = side.method == above.method
        parts = ([] if same else [side.method.in_text()]) + (
            [_named({name: side.where[name] for name in than})] if than else []
        )
        words += f", over that of {', '.join(parts)}"
    return words


def _named(where: Mapping[str, Any]) -> str:
    return ", ".join(WORDS[name].format(spoken(value)) for name, value in where.items())
