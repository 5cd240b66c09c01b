"""What our own networks show on data at hand, in sentences: the evidence beside the published numbers of Figure 3."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache

import numpy as np

from normtheory.figures import COMMITTED, committed
from normtheory.figures.drawing import Row, chosen, distinct

NAME = "fig3"
LAST_STAGE = "layer3"
KINDS = {True: "with batch normalisation", False: "without normalisation"}


@cache
def _rows() -> tuple[Row, ...]:
    """Of the committed table; none before there is one."""
    return tuple(committed(NAME).to_pylist()) if (COMMITTED / f"{NAME}.csv").exists() else ()


def sentences(panel: str, rows: Sequence[Row] | None = None) -> Iterator[str]:
    """What the runs say to a panel, a sentence for each kind of network.

    Parameters
    ----------
    panel : str
        'a' (methods), 'b' (factors) or 'c' (dimensions).
    rows : sequence of rows, optional
        Of a table of Figure 3 (default: the committed one).
    """
    rows = _rows() if rows is None else rows
    for norm, words in KINDS.items():
        runs = [row for row in rows if row["norm"] == norm and row["part"] == "all"]
        if runs:
            samples, seeds = distinct(runs, "n"), len(distinct(runs, "seed"))
            found = TOLD[panel](runs, samples)
            images = ", ".join(map(str, samples))
            yield f"Own runs, small residual network {words}, means over {seeds} seeds, {images} images: {found}."


def _methods(runs: Sequence[Row], samples: Sequence[int]) -> str:
    plain = chosen(runs, panel="runs", rescale=1.0)
    return "; ".join(
        f"error of {method} {_errors(chosen(plain, method=method), samples)}" for method in ("STL", "MTL", "PT+FT")
    )


def _factors(runs: Sequence[Row], samples: Sequence[int]) -> str:
    tuned = chosen(runs, panel="runs", method="PT+FT")
    return "; ".join(
        f"error of PT+FT rescaled by {factor:g} {_errors(chosen(tuned, rescale=factor), samples)}"
        for factor in distinct(tuned, "rescale")
    )


def _errors(runs: Sequence[Row], samples: Sequence[int]) -> str:
    return ", ".join(f"{np.mean([row['error'] for row in chosen(runs, n=n)]):.3f}" for n in samples)


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
