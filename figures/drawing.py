"""What the pictures share: a series over seeds with its spread, theory as lines and experiment as points."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from normtheory.figures.files import COLOURS

Row = dict[str, Any]
Value = Callable[[Row], float]

# One colour and one marker a method, and one line style a source, in every figure.
METHODS = {
    "MTL": COLOURS["blue"],
    "MTL 1:1": COLOURS["purple"],
    "PT+FT": COLOURS["vermilion"],
    "STL": COLOURS["black"],
    "PT+FT (LP)": COLOURS["orange"],
    "STL (LP)": COLOURS["grey"],
    "teacher": COLOURS["green"],
}
MARKERS = {"MTL": "o", "MTL 1:1": "P", "PT+FT": "s", "STL": "^", "PT+FT (LP)": "D", "STL (LP)": "X", "teacher": ""}
POINTS = {"linestyle": "none", "marker": "o"}
SOURCES: dict[str, dict[str, Any]] = {
    "flow": {"linestyle": "none"},
    "exact": {"linestyle": "-", "marker": ""},
    "stopped": {"linestyle": "--", "marker": ""},
    "closed form": {"linestyle": "-"},
    "pinned": {"linestyle": "--", "marker": ""},
    "l12": {"linestyle": ":", "marker": ""},
    "printed": {"linestyle": (0, (1, 1.2)), "linewidth": 2.2, "marker": ""},
    "given": {"linestyle": "-", "linewidth": 1.0},
}
LIMIT, LIMIT_L1 = "limit", "limit l1"  # rows without seed: lines in the limit of many inputs, which take no training
SERIES = "series"  # what marks a line of means, for `mark_leaving`


def chosen(rows: Sequence[Row], **where: Any) -> list[Row]:
    """The rows with these values."""
    return [row for row in rows if all(row[name] == value for name, value in where.items())]


def distinct(rows: Sequence[Row], name: str) -> list[Any]:
    """The values of a column over drawn tasks, in order."""
    return sorted({row[name] for row in of_tasks(rows)})


def of_tasks(rows: Sequence[Row]) -> list[Row]:
    """The rows of drawn tasks: not those in the limit."""
    return [row for row in rows if row.get("how") not in (LIMIT, LIMIT_L1)]


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
        line = axis.errorbar(places, middle, yerr=spread, label=label, elinewidth=0.9, capsize=2, **look)[0]
    else:
        (line,) = axis.plot(places, middle, label=label, **look)
        axis.fill_between(places, low, high, color=look["color"], alpha=0.13, linewidth=0)
    line.set_gid(SERIES)


def limit_line(axis: Any, rows: Sequence[Row], x: str, y: Value, *, look: Mapping[str, Any], how: str = LIMIT) -> None:
    """The thin line in the limit of many inputs against a column, in the colour of what it is the limit of."""
    line = sorted(chosen(rows, how=how), key=lambda row: float(row[x]))
    if line:
        places, values = [row[x] for row in line], [y(row) for row in line]
        axis.plot(places, values, color=look["color"], **THIN)


THIN: dict[str, Any] = {"linestyle": (0, (5, 1.2, 1, 1.2)), "linewidth": 0.9, "label": "_limit", "zorder": 3}
IN_THE_LIMIT = "dash-dotted: independent Gaussian inputs in the limit of many, by two equations, without training"


def mark_leaving(axis: Any) -> None:
    """An arrow head at the edge of an axis, one a colour, where the mean of a series is beyond; side by side if several."""
    ends = axis.get_ylim()
    beyond: dict[tuple[float, bool], list[Any]] = defaultdict(list)
    for line in axis.get_lines():
        for place, value in zip(*line.get_data(), strict=True) if line.get_gid() == SERIES else ():
            colours = beyond[place, value > ends[1]]
            if not ends[0] <= value <= ends[1] and line.get_color() not in colours:
                colours.append(line.get_color())
    for (place, above), colours in beyond.items():
        for position, colour in enumerate(colours):
            aside = place * ASIDE ** (position - (len(colours) - 1) / 2)
            look = {"linestyle": "none", "marker": "^" if above else "v", "color": colour, "markersize": 5.5}
            axis.plot([aside], [ends[int(above)]], clip_on=False, zorder=5, **look)


ASIDE = 1.13  # between arrow heads, on a logarithmic axis
LEAVING = "arrow heads at an edge: beyond it"


def look_of(method: str, how: str) -> dict[str, Any]:
    """Colour and marker by method, line or points by source."""
    return {"color": METHODS[method], "marker": MARKERS[method], **SOURCES[how]}


def shades(count: int) -> list[Any]:
    """Colours for an ordered quantity: told apart by lightness."""
    import matplotlib as mpl

    return [mpl.colormaps["viridis"](place) for place in np.linspace(0.0, 0.85, count)]


def sample_axis(axis: Any, samples: Sequence[int], **options: Any) -> None:
    """A logarithmic axis of main samples, marked at those computed."""
    axis.set(xscale="log", xlabel="main samples $n$", **options)
    axis.set_xticks(list(samples), [str(n) for n in samples], minor=False)
    axis.minorticks_off()


def over_seeds(rows: Sequence[Row], *, geometric: bool = True) -> str:
    """What the marks of a picture mean."""
    kind = "geometric" if geometric else "arithmetic"
    return f"{kind} mean over {len(distinct(rows, 'seed'))} seeds, bands and bars: least to largest"


def legend_beside(figure: Any, axis: Any, title: str) -> None:
    """The legend of one of a figure's axes, to the right of them all."""
    figure.legend(*axis.get_legend_handles_labels(), loc="outside right upper", title=title.replace(", ", ",\n"))


def footnote(figure: Any, text: str) -> None:
    """A line below all axes: what marks mean."""
    figure.supxlabel(text, fontsize="small")


def panels(count: int, *, width: float = 7.2, height: float = 3.0, **options: Any) -> tuple[Any, list[Any]]:
    """A figure with `count` axes in a row, which share their y axis."""
    figure, axes = grid_of(1, count, width=width, height=height, **options)
    return figure, list(axes[0])


def grid_of(rows: int, columns: int, *, width: float, height: float, **options: Any) -> tuple[Any, Any]:
    """A figure with axes in rows and columns; by default all share their y axis."""
    import matplotlib.pyplot as plt

    return plt.subplots(rows, columns, figsize=(width, height), squeeze=False, **{"sharey": True, **options})
