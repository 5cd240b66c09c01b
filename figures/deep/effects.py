"""What explains the gain of rescaling: differences of errors to the network as it was, for each part alone, with intervals.

`python -m normtheory.figures.deep.effects [TABLE.csv]` prints them as Markdown, by default for the committed table.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from normtheory.figures import committed
from normtheory.figures.drawing import Row, chosen, distinct
from normtheory.figures.files import read_table

LEVEL = 0.95
# In the order of the table: what is rescaled, in words, and the column of its error.
PARTS = {
    ("all", "error"): "all parameters",
    ("convolutions", "error"): "convolutions only",
    ("normalisation", "error"): "normalisation only",
    ("head", "error"): "head only",
    ("all", "error_restated"): "all, statistics re-estimated",
    ("rate", "error"): "learning rate over factor²",
}
# Looked at after the run, and printed below these.
RESTATED = {
    (part, "error_restated"): f"{words}, statistics re-estimated"
    for (part, _), words in PARTS.items()
    if part in ("convolutions", "normalisation", "head", "rate")
}


class Effect(NamedTuple):
    """A mean difference of errors over seeds, its confidence interval, and the numbers of seeds that gain and lose."""

    part: str
    rescale: float
    n: int
    mean: float
    low: float
    high: float
    gain: int
    lose: int


def effects(rows: Sequence[Row], *, norm: bool, parts: Mapping[tuple[str, str], str] = PARTS) -> Iterator[Effect]:
    """For each part, factor and number of images: errors less those of the same seed's network that was not rescaled.

    Re-estimated statistics are compared with re-estimated ones.
    """
    runs = [row for row in rows if row["panel"] == "runs" and row["norm"] == norm and row["method"] == "PT+FT"]
    for (part, column), words in parts.items():
        if column == "error_restated" and not norm:
            continue
        for factor in distinct(chosen(runs, part=part), "rescale"):
            if part == "all" and factor == 1:
                continue
            for n in distinct(runs, "n"):
                before = {row["seed"]: row[column] for row in chosen(runs, part="all", rescale=1.0, n=n)}
                after = {row["seed"]: row[column] for row in chosen(runs, part=part, rescale=factor, n=n)}
                differences = np.array([after[seed] - before[seed] for seed in sorted(set(before) & set(after))])
                if len(differences) > 1:
                    yield _effect(words, factor, n, differences)


def _effect(words: str, factor: float, n: int, differences: np.ndarray) -> Effect:
    mean, half = mean_with_interval(differences)
    return Effect(words, factor, n, mean, mean - half, mean + half, int((differences < 0).sum()), int((differences > 0).sum()))


def mean_with_interval(values: ArrayLike) -> tuple[float, float]:
    """The mean, and half of its confidence interval by Student's t; of a single value the half is 0."""
    from scipy.stats import t

    array = np.asarray(values, dtype=np.float64)
    half = t.ppf((1 + LEVEL) / 2, array.size - 1) * array.std(ddof=1) / np.sqrt(array.size) if array.size > 1 else 0.0
    return float(array.mean()), float(half)


def markdown(rows: Sequence[Row], *, norm: bool) -> str:
    """A table: a line a part and factor, a column a number of images; differences in percentage points."""
    found = {(each.part, each.rescale, each.n): each for each in effects(rows, norm=norm, parts=PARTS | RESTATED)}
    samples = sorted({n for _, _, n in found})
    lines = ["| rescaled | factor | " + " | ".join(f"n = {n}" for n in samples) + " |", "|---|---|" + "---|" * len(samples)]
    for part, factor in dict.fromkeys((part, factor) for part, factor, _ in found):
        cells = [_cell(found[part, factor, n]) if (part, factor, n) in found else "" for n in samples]
        lines.append(f"| {part} | {factor:g} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(effect: Effect) -> str:
    return f"{100 * effect.mean:+.1f} [{100 * effect.low:+.1f}, {100 * effect.high:+.1f}]"


def main() -> int:
    """Print both tables; return the exit code."""
    table = read_table(Path(sys.argv[1])) if len(sys.argv) > 1 else committed("fig3")
    rows = table.to_pylist()
    for norm, words in ((True, "With batch normalisation"), (False, "Without normalisation")):
        if any(row["norm"] == norm for row in rows):
            print(f"{words}: change of the test error in percentage points, mean and {LEVEL:.0%} interval\n")
            print(markdown(rows, norm=norm) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
