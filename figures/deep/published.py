"""What was published of Figures 3 and 8d, per condition, and what may be concluded from it: comparisons for claims.

The released results of the CIFAR-100 experiment are errors on 200 test images of two classes, for 28 to 50 seeds, and
dimensionalities of six stages of the network; here stand their medians, geometric means and ranges over seeds. An order of two
conditions is told if both averages have it, and the medians are further apart than what chance in the test images explains.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import NamedTuple

from normtheory.audit import notation
from normtheory.audit.derivation import Derivation
from normtheory.audit.statements import Said
from normtheory.figures.readings import Each

DATA = Path(__file__).parents[1] / "data"
MEDIAN_EFFICIENCY = math.sqrt(math.pi / 2)  # standard deviation of a median, over that of a mean, of many normal numbers


class Errors(NamedTuple):
    """Errors on the test images of one condition, over seeds; the geometric mean is none where an error is zero."""

    seeds: int
    median: float
    geometric_mean: float | None
    ends: tuple[Fraction, Fraction]
    auxiliary_accuracy: float | None


class Dimensions(NamedTuple):
    """Medians over seeds: participation ratios before and after finetuning, and shared dimensions."""

    before: float
    after: float
    shared: float


def _rows(name: str) -> list[dict[str, str]]:
    with (DATA / f"published-{name}.csv").open(encoding="utf-8", newline="") as handle:
        next(handle)  # where it is from
        return list(csv.DictReader(handle))


def _optional(value: str) -> float | None:
    return float(value) if value else None


@cache
def errors() -> dict[tuple[str, float, int], Errors]:
    """By method, factor on the pretrained weights (1 where there is none), and number of main samples."""
    return {
        (row["method"], float(row["rescale"]), int(row["n"])): Errors(
            int(row["seeds"]),
            float(row["median"]),
            _optional(row["geometric_mean"]),
            (Fraction(row["least"]), Fraction(row["largest"])),
            _optional(row["auxiliary_accuracy"]),
        )
        for row in _rows("errors")
    }


@cache
def dimensions() -> dict[tuple[float, int, int], Dimensions]:
    """By factor, number of main samples, and layer."""
    return {
        (float(row["rescale"]), int(row["n"]), int(row["layer"])): Dimensions(
            *(float(row[name]) for name in ("before", "after", "shared"))
        )
        for row in _rows("dimensions")
    }


@dataclass(frozen=True)
class Condition:
    """A method, and the factor by which it rescales the pretrained weights."""

    method: str
    rescale: float = 1.0

    def in_text(self) -> str:
        """What it is called."""
        return self.method if self.rescale == 1 else f"{self.method} rescaled by {notation.text(self.rescale)}"

    def in_latex(self) -> str:
        """The same in LaTeX."""
        return self.method if self.rescale == 1 else f"{self.method} rescaled by ${notation.latex(self.rescale)}$"

    def at(self, n: int) -> Errors:
        """Its errors with n main samples."""
        return errors()[self.method, self.rescale, n]


@dataclass(frozen=True)
class Resolution:
    """What test images allow to tell: so many of a seed, and differences beyond so many standard deviations."""

    images: int
    deviations: float

    def margin(self, *each: tuple[float, int]) -> float:
        """What medians may differ by through the drawing of test images alone: medians and numbers of seeds."""
        variance = sum(error * (1 - error) / (self.images * seeds) for error, seeds in each)
        return self.deviations * MEDIAN_EFFICIENCY * math.sqrt(variance)

    def told(self, lower: Errors, higher: Errors) -> bool:
        """Whether the one is below the other by both averages, and by more than the margin."""
        margin = self.margin((lower.median, lower.seeds), (higher.median, higher.seeds))
        below, above = lower.geometric_mean, higher.geometric_mean
        agree = below is None or above is None or below < above
        return agree and lower.median + margin < higher.median

    def grid(self) -> Iterator[tuple[str, float, float]]:
        """The grid that all errors lie on is that of so many images."""
        ends = [end for each in errors().values() for end in each.ends]
        grid = Fraction(math.gcd(*(int(end * 10**6) for end in ends)), 10**6)
        yield "images that the grid of all least and largest errors stands for, off by", float(abs(1 / grid - self.images)), 0


@dataclass(frozen=True)
class Lower:
    """The errors of some conditions are told to be below those of another with each of some numbers of samples."""

    of: Each
    than: Condition
    samples: tuple[int, ...]

    def reversed(self) -> Lower:
        """The other way round, for the first of them."""
        return Lower(Each((self.than,)), self.of[0], self.samples)

    def numbers(self, resolution: Resolution) -> Iterator[tuple[str, float, float]]:
        """A difference in units of the margin each; where the averages disagree, none is told."""
        for condition in self.of:
            for n in self.samples:
                low, high = condition.at(n), self.than.at(n)
                gap, words = _gap(low, high, resolution)
                told = resolution.told(low, high)
                text = f"{condition.in_text()} below {self.than.in_text()} with {n} samples ({words}), margin over difference"
                yield text, 1 / gap if told else math.inf, 1


@dataclass(frozen=True)
class Untold:
    """Of some conditions and another no order is told, with each of some numbers of samples."""

    of: Each
    than: Condition
    samples: tuple[int, ...]

    def numbers(self, resolution: Resolution) -> Iterator[tuple[str, float, float]]:
        """How many orders are told each: none."""
        for condition in self.of:
            for n in self.samples:
                one, other = condition.at(n), self.than.at(n)
                words = _gap(one, other, resolution)[1]
                count = resolution.told(one, other) + resolution.told(other, one)
                yield f"{condition.in_text()} and {self.than.in_text()} with {n} samples ({words}), orders told", count, 0


@dataclass(frozen=True)
class AtChance:
    """The errors of some conditions are not told to be below chance."""

    of: Each
    chance: float
    samples: tuple[int, ...]

    def numbers(self, resolution: Resolution) -> Iterator[tuple[str, float, float]]:
        """How far medians are from chance, in units of what test images leave there."""
        for condition in self.of:
            for n in self.samples:
                found = condition.at(n)
                margin = resolution.margin((self.chance, found.seeds))
                text = (
                    f"{condition.in_text()} with {n} samples (median {found.median:.4g}), from chance, in units of the margin"
                )
                yield text, abs(found.median - self.chance) / margin, 1


@dataclass(frozen=True)
class Unlearned:
    """Of the auxiliary training images some conditions classify no more than a share, at any number of samples."""

    of: Each
    most: float

    def numbers(self, _resolution: Resolution) -> Iterator[tuple[str, float, float]]:
        """The median accuracy at each number of samples."""
        for condition in self.of:
            for n in SAMPLES:
                accuracy = condition.at(n).auxiliary_accuracy
                text = f"{condition.in_text()} with {n} samples, accuracy on auxiliary training images"
                yield text, math.nan if accuracy is None else accuracy, self.most


def _gap(low: Errors, high: Errors, resolution: Resolution) -> tuple[float, str]:
    """How far the one is below the other, in units of the margin, and both averages in words."""
    margin = resolution.margin((low.median, low.seeds), (high.median, high.seeds))
    means = " and ".join("none" if each.geometric_mean is None else f"{each.geometric_mean:.4g}" for each in (low, high))
    words = f"medians {low.median:.4g} and {high.median:.4g}, geometric means {means}"
    return (high.median - low.median) / margin if high.median > low.median else 1e-300, words


@dataclass(frozen=True)
class Layer:
    """A place in the network, by its number in the published table."""

    number: int

    def in_text(self) -> str:
        """Its name."""
        return NAMES[self.number]

    in_latex = in_text


NAMES = (
    "the stem",
    "the first stage",
    "the second stage",
    "the third stage",
    "the last stage",
    "the pooled layer",
    "the outputs",
)


@dataclass(frozen=True)
class Change:
    """By what finetuning multiplies the participation ratio of layers: at most `most`, at least `least`."""

    rescale: tuple[float, ...]
    layers: Each
    samples: tuple[int, ...]
    most: float = math.inf
    least: float = 0.0

    def numbers(self, _resolution: Resolution) -> Iterator[tuple[str, float, float]]:
        """After over before, and the reverse."""
        for where, found in _found(self.rescale, self.layers, self.samples):
            if self.most < math.inf:
                yield f"{where}, participation ratio after over before", found.after / found.before, self.most
            if self.least:
                yield f"{where}, participation ratio before over after", found.before / found.after, 1 / self.least


@dataclass(frozen=True)
class Shared:
    """Shared dimensions over the participation ratio after finetuning: within a factor, or, `apart`, off by more than that."""

    rescale: tuple[float, ...]
    layers: Each
    samples: tuple[int, ...]
    factor: float
    apart: bool = False

    def numbers(self, _resolution: Resolution) -> Iterator[tuple[str, float, float]]:
        """The factor that they are off by; where it is to be missed, its reciprocal."""
        for where, found in _found(self.rescale, self.layers, self.samples):
            off = max(found.shared / found.after, found.after / found.shared)
            text = f"{where}, shared dimensions {found.shared:.3g} beside a ratio of {found.after:.3g}, factor off"
            if self.apart:
                yield f"{text}, reciprocal", 1 / off, 1 / self.factor
            else:
                yield text, off, self.factor


def _found(rescale: tuple[float, ...], layers: Each, samples: tuple[int, ...]) -> Iterator[tuple[str, Dimensions]]:
    for factor in rescale:
        for layer in layers:
            for n in samples:
                where = f"{layer.in_text()}, rescaled by {notation.text(factor)}, {n} samples"
                yield where, dimensions()[factor, n, layer.number]


STL, MTL, FINETUNED = Condition("STL"), Condition("MTL"), Condition("PT+FT")
SAMPLES = (10, 20, 50, 100, 200, 500, 1000)
RESOLUTION = Resolution(images=200, deviations=2.0)
CHANCE = 0.5
DECIDED = (
    "an order is told, if medians over seeds differ by more than the drawing of <resolution.images> test images a seed leaves "
    "within <resolution.deviations> standard deviations, and geometric means, where no error is zero, have the same order",
)
GIVEN = (
    "the published numbers are as handed over: medians, geometric means and ranges over seeds of the released results",
    "medians over seeds vary as those of nearly normal numbers do, test images are drawn independently for each seed, and "
    "nothing but them is drawn: pairs of classes are the same for the conditions compared",
)
DIMENSIONS_GIVEN = (
    GIVEN[0],
    "published dimensionalities are of responses in training mode that are not centred, and shared dimensions compare unit "
    "with unit: neither is what Eqs. 34 and 35 define",
)


def every(*names: float) -> Each:
    """Finetuning after rescaling by each of some factors."""
    return Each(Condition("PT+FT", name) for name in names)


def layers(*numbers: int) -> Each:
    """Places in the network."""
    return Each(Layer(number) for number in numbers)


def judge(proof: Derivation, stated: Said) -> None:
    """A step for each number that must be within its bound."""
    resolution = getattr(stated, "resolution", RESOLUTION)
    for each in vars(stated).values():
        numbers = each.grid() if isinstance(each, Resolution) else each.numbers(resolution)
        for text, number, bound in numbers:
            proof.at_most(text, number, bound)
