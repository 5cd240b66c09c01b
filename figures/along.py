"""Comparisons along the number of samples: how many are needed, and how far what should rise falls."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from normtheory.figures.comparisons import Comparison
from normtheory.figures.readings import LOSS, NOBODY, Each, Method, Number, Readable, Side, Way, at_worst


@dataclass(frozen=True)
class Needed(Comparison):
    """Main samples needed to bring the loss down to each of some levels, over those that other runs need.

    Between the numbers computed a curve of losses is a straight line in logarithms; in the limit there is a number for each.

    Attributes
    ----------
    levels : Each of float
        Losses, in units of the null loss.
    """

    levels: Each = NOBODY

    def numbers(self, table: Readable) -> Iterator[tuple[str, Number, float]]:
        """One number for all samples, at each level."""
        for level, (words, above, below) in itertools.product(self.levels, self.ratios()):
            text = f"samples needed for a loss of {level:g}, {words.removeprefix(f'{LOSS.words} of ')}"
            yield text, self.along(table, above[0], below[0], level), self.most
            if self.both:
                yield f"the reverse of: {text}", self.along(table, below[0], above[0], level), self.most

    def along(self, table: Readable, above: Side, below: Side, level: float) -> Number:
        """The ratio, at the worst of all ends."""

        def ratios(ways: Mapping[Method, Way]) -> tuple[float, Any]:
            (mean, alone), (other, others) = (table.needed(side, ways[side.method], level) for side in (above, below))
            return mean / other, alone / others

        return at_worst([above, below], ratios)

    def elsewhere(self, table: Readable) -> Iterator[str]:
        """All samples are in it already."""
        yield from ()


@dataclass(frozen=True)
class Falls(Comparison):
    """Of all that a quantity changes along the samples, in logarithms, falls are at most the share `most`."""

    def numbers(self, table: Readable) -> Iterator[tuple[str, Number, float]]:
        """One number for all samples."""
        for words, above, _ in self.ratios():

            def shares(ways: Mapping[Method, Way], side: Side = above[0]) -> tuple[float, Any]:
                curves = table.curves(self.quantity, side, ways[side.method])
                return _fallen(np.exp(np.log(curves).mean(axis=1))), np.array([_fallen(each) for each in curves.T])

            yield f"share of falls in all changes, {words}", at_worst(above, shares), self.most


def _fallen(curve: Sequence[float]) -> float:
    steps = np.diff(np.log(curve))
    return float(np.maximum(-steps, 0).sum() / np.abs(steps).sum())
