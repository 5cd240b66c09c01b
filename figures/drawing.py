"""What the pictures share: a series over seeds with its spread, theory as lines and experiment as points."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from normtheory.figures.files import COLOURS

Row = dict[str, Any]
Value = Callable[[Row], float]

# One colour a method and one line style a source, in every figure.
METHODS = {
    "MTL": COLOURS["blue"],
    "MTL 1:1": COLOURS["purple"],
    "PT+FT": COLOURS["vermilion"],
    "STL": COLOURS["black"],
    "PT+FT (LP)": COLOURS["orange"],
    "STL (LP)": COLOURS["grey"],
    "teacher": COLOURS["green"],
}
POINTS = {"linestyle": "none", "marker": "o"}
SOURCES: dict[str, dict[str, Any]] = {
    "flow": POINTS,
    "exact": {"linestyle": "-"},
    "closed form": {"linestyle": "-"},
    "pinned": {"linestyle": "--"},
    "l12": {"linestyle": ":"},
    "printed": {"linestyle": (0, (1, 1.2)), "linewidth": 2.2},
    "given": {"linestyle": "-", "linewidth": 1.0},
}


def chosen(rows: Sequence[Row], **where: Any) -> list[Row]:
    """The rows with these values."""
    return [row for row in rows if all(row[name] == value for name, value in where.items())]


def distinct(rows: Sequence[Row], name: str) -> list[Any]:
    """The values of a column, in order."""
    return sorted({row[name] for row in rows})


def relative_loss(row: Row) -> float:
    """Generalisation loss in units of the null predictor's."""
    return float(row["final_loss"] / row["null_loss"])


def series(
    axis: Any, rows: Sequence[Row], x: str, y: Value, *, label: str, look: dict[str, Any], geometric: bool = True
) -> None:
    """Mean over seeds (geometric, for losses and norms) against a column, with the range over seeds as bars or as a band."""
    if not rows:
        return
    places = distinct(rows, x)
    values = [np.array([y(row) for row in rows if row[x] == place]) for place in places]
    middle = np.array([np.exp(np.log(each).mean()) if geometric else each.mean() for each in values])
    low, high = np.array([each.min() for each in values]), np.array([each.max() for each in values])
    if look.get("linestyle") == "none":
        spread = [np.maximum(middle - low, 0), np.maximum(high - middle, 0)]
        axis.errorbar(places, middle, yerr=spread, label=label, elinewidth=0.9, capsize=2, **look)
        return
    axis.plot(places, middle, label=label, **look)
    axis.fill_between(places, low, high, color=look["color"], alpha=0.13, linewidth=0)


def look_of(method: str, how: str) -> dict[str, Any]:
    """Colour by method, line or points by source."""
    return {"color": METHODS[method], **SOURCES[how]}


def shades(count: int) -> list[Any]:
    """Colours for an ordered quantity: told apart by lightness."""
    import matplotlib as mpl

    return [mpl.colormaps["viridis"](place) for place in np.linspace(0.0, 0.85, count)]


def sample_axis(axis: Any, samples: Sequence[int], **options: Any) -> None:
    """A logarithmic axis of main samples, marked at those computed."""
    axis.set(xscale="log", xlabel="main samples $n$", **options)
    axis.set_xticks(list(samples), [str(n) for n in samples], minor=False)
    axis.minorticks_off()


def over_seeds(rows: Sequence[Row]) -> str:
    """What the marks of a picture mean."""
    return f"mean and range, {len(distinct(rows, 'seed'))} seeds"


def legend_beside(figure: Any, axis: Any, title: str) -> None:
    """The legend of one of a figure's axes, to the right of them all."""
    figure.legend(*axis.get_legend_handles_labels(), loc="outside right upper", title=title)


def panels(count: int, *, width: float = 7.2, height: float = 3.0, **options: Any) -> tuple[Any, list[Any]]:
    """A figure with `count` axes in a row, which share their y axis."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, count, figsize=(width, height), sharey=True, squeeze=False, **options)
    return figure, list(axes[0])
