"""What our own networks show on data at hand, in sentences: the evidence beside the published numbers of Figures 3 and 7."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache

import numpy as np

from normtheory.figures import COMMITTED, committed
from normtheory.figures.drawing import Row, chosen, distinct

LAST_STAGE = "layer3"
KINDS = {True: "with batch normalisation", False: "without normalisation"}


@cache
def _rows(name: str) -> tuple[Row, ...]:
    """Of the committed table of a figure; none before there is one."""
    return tuple(committed(name).to_pylist()) if (COMMITTED / f"{name}.csv").exists() else ()


def sentences(panel: str, rows: Sequence[Row] | None = None) -> Iterator[str]:
    """What the runs say to a panel, a sentence for each kind of network.

    Parameters
    ----------
    panel : str
        'a' (methods), 'b' (factors) or 'c' (dimensions).
    rows : sequence of rows, optional
        Of a table of Figure 3 (default: the committed one).
    """
    rows = _rows("fig3") if rows is None else rows
    for norm, words in KINDS.items():
        runs = [row for row in rows if row["norm"] == norm and row["part"] == "all"]
        if runs:
            samples, seeds = distinct(runs, "n"), len(distinct(runs, "seed"))
            found = TOLD[panel](runs, samples)
            images = ", ".join(map(str, samples))
            setting = f"small residual network {words}, means over {seeds} seeds, {images} images"
            yield f"Own runs, {setting}; errors and dimensions: {found}."


TASKS = {"pair": "pairs of digits", "all": "all digits"}
STATISTICS = {"error": "as training leaves its statistics", "error_restated": "with statistics re-estimated"}


def imagenet_sentences(rows: Sequence[Row] | None = None) -> Iterator[str]:
    """What rescaling does to a network with ImageNet weights: mean errors, by task and number of images.

    Parameters
    ----------
    rows : sequence of rows, optional
        Of a table of Figure 7 (default: the committed one).
    """
    rows = _rows("fig7") if rows is None else rows
    for task, words in TASKS.items():
        for n in distinct(chosen(rows, task=task), "n"):
            runs = chosen(rows, task=task, n=n)
            found = []
            for column, statistics in STATISTICS.items():
                for factor in distinct(runs, "rescale"):
                    mean = np.mean([row[column] for row in chosen(runs, rescale=factor)])
                    found.append(f"{mean:.3f} rescaled by {factor:g}, {statistics}")
            seeds = len(distinct(runs, "seed"))
            yield f"Analogue, {runs[0]['network']} on {words}, {n} images, mean errors over {seeds} seeds: {'; '.join(found)}."


def _methods(runs: Sequence[Row], samples: Sequence[int]) -> str:
    plain = chosen(runs, panel="runs", rescale=1.0)
    return "; ".join(f"{method} {_errors(chosen(plain, method=method), samples)}" for method in ("STL", "MTL", "PT+FT"))


def _factors(runs: Sequence[Row], samples: Sequence[int]) -> str:
    tuned = chosen(runs, panel="runs", method="PT+FT")
    return "; ".join(
        f"PT+FT rescaled by {factor:g} {_errors(chosen(tuned, rescale=factor), samples)}"
        for factor in distinct(tuned, "rescale")
    )


def _errors(runs: Sequence[Row], samples: Sequence[int]) -> str:
    """Mean errors, of networks with batch normalisation also with statistics re-estimated."""
    columns = ("error", "error_restated") if runs[0]["norm"] else ("error",)
    means = [", ".join(f"{np.mean([row[column] for row in chosen(runs, n=n)]):.3f}" for n in samples) for column in columns]
    return " (with statistics re-estimated ".join(means) + (")" if len(means) > 1 else "")


def _dimensions(runs: Sequence[Row], samples: Sequence[int]) -> str:
    """Of the last stage at the largest n, where units respond."""
    layers = chosen(runs, panel="layers", layer=LAST_STAGE, n=samples[-1])
    parts = []
    for factor in distinct(layers, "rescale"):
        each = [row for row in chosen(layers, rescale=factor) if row["shared"] is not None]
        if each:
            falls = _geometric(row["after"] / row["before"] for row in each)
            close = _geometric(row["shared"] / row["after"] for row in each)
            parts.append(
                f"rescaled by {factor:g} the last stage's ratio becomes {falls:.2f} of itself, shared over it {close:.2f}"
            )
    return "; ".join(parts) + f" (centred, eval mode, {samples[-1]} images)"


def _geometric(values: Iterator[float]) -> float:
    return float(np.exp(np.mean(np.log(list(values)))))


TOLD: dict[str, Callable[[Sequence[Row], Sequence[int]], str]] = {"a": _methods, "b": _factors, "c": _dimensions}
