"""Figure 3: test errors and dimensionality of convolutional networks that are pretrained, rescaled and finetuned."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from normtheory.figures.deep import published
from normtheory.figures.deep.cells import cell
from normtheory.figures.deep.effects import LEVEL, PARTS, RESTATED, Effect, effects, mean_with_interval
from normtheory.figures.deep.grid import CLASSES, grid_of, located
from normtheory.figures.drawing import (
    LEAVING,
    MARKERS,
    METHODS,
    SERIES,
    Row,
    chosen,
    distinct,
    footnote,
    legend_beside,
    mark_leaving,
    panels,
    sample_axis,
    shades,
)
from normtheory.figures.drawing import (
    grid_of as grid_of_axes,
)
from normtheory.figures.files import STYLE, rounded
from normtheory.figures.sweep import Sweep

RUN_SCALES = ("quick", "laptop", "paper")
NEEDS = ("torch", "sklearn")
METHODS_DRAWN = ("STL", "MTL", "PT+FT")
RUN = ("network", "norm", "method", "part", "rescale", "n", "seed", "error", "error_restated", "loss", "epochs", "test_images")
SCHEMA = pa.schema(
    [("figure", pa.string()), ("panel", pa.string()), ("network", pa.string()), ("norm", pa.bool_())]
    + [("method", pa.string()), ("part", pa.string()), ("rescale", pa.float64()), ("n", pa.int64()), ("seed", pa.int64())]
    + [("error", pa.float64()), ("error_restated", pa.float64()), ("loss", pa.float64())]
    + [("epochs", pa.int64()), ("test_images", pa.int64()), ("layer", pa.string())]
    + [(name, pa.float64()) for name in ("before", "after", "shared")]
)
ERROR_AXIS: dict[str, Any] = {"yscale": "log", "ylim": (2e-3, 0.7)}  # half of one of 200 test images at its foot
NORMS = {True: "with batch normalisation", False: "without normalisation"}


def compute(scale: str, sweep: Sweep, data: Path | None = None) -> pa.Table:
    """The runs, and the layers of those finetuned networks of which all parameters were rescaled.

    Columns: figure, panel ('runs' or 'layers'), network, norm (whether it has batch normalisation), method, part (what was
    rescaled, see `cells`), rescale, n, seed; of runs error, error_restated (with running statistics taken anew), loss and
    epochs (at the end of training), test_images; of layers layer, before, after (participation ratios), shared (dimensions).
    """
    specs = grid_of(CLASSES, scale, data).cells(located(data))
    runs = sweep.table(specs, cell, "seeds and numbers of images").to_pylist()
    return rounded(pa.Table.from_pylist([row for run in runs for row in panel_rows(run)], schema=SCHEMA))


def panel_rows(run: Row) -> Iterator[Row]:
    """The rows of a run: itself, and its layers."""
    known = dict.fromkeys(SCHEMA.names) | {"figure": "fig3"} | {name: run[name] for name in RUN}
    yield known | {"panel": "runs"}
    for place, layer in enumerate(run.get("layers") or ()):
        measures = {name: run[name][place] for name in ("before", "after", "shared")}
        yield known | dict.fromkeys(RUN[7:]) | {"panel": "layers", "layer": layer} | measures


def draw(table: pa.Table) -> dict[str, Any]:
    """A picture for each panel, by name."""
    import matplotlib.pyplot as plt

    rows = table.to_pylist()
    with plt.style.context(STYLE):
        pictures = {"fig3a": _errors(rows), "fig3b": _factors(rows), "fig3c": _layers(rows), "fig3-published": _published()}
        if len(distinct(rows, "seed")) > 1:  # a single seed has no interval
            pictures["fig3-parts"] = _parts(rows)
    return pictures


def _kinds(rows: Sequence[Row]) -> list[bool]:
    return [norm for norm in NORMS if any(row["norm"] == norm for row in rows)]


def _ways(rows: Sequence[Row]) -> list[tuple[bool, str, str]]:
    """Kinds of network and columns of errors, and their titles."""
    both = {"error": "statistics as they are left", "error_restated": "statistics re-estimated"}
    return [
        (norm, column, f"{NORMS[norm]},\n{words}" if norm else NORMS[norm])
        for norm in _kinds(rows)
        for column, words in both.items()
        if norm or column == "error"
    ]


def _errors(rows: Sequence[Row]) -> Any:
    """Panel a: methods."""
    ways = _ways(rows)
    figure, axes = panels(len(ways), width=2.7 * len(ways) + 1.1, height=3.2)
    for axis, (norm, column, title) in zip(axes, ways, strict=True):
        runs = chosen(rows, panel="runs", norm=norm, part="all", rescale=1.0)
        for method in METHODS_DRAWN:
            _means_with_intervals(axis, chosen(runs, method=method), column, method, METHODS[method], MARKERS[method])
        sample_axis(axis, distinct(runs, "n"), title=title, **ERROR_AXIS)
    return _finished(figure, axes, rows, "test error", "")


def _factors(rows: Sequence[Row]) -> Any:
    """Panel b: finetuning by the factor on all parameters."""
    ways = _ways(rows)
    figure, axes = panels(len(ways), width=2.7 * len(ways) + 1.1, height=3.2)
    for axis, (norm, column, title) in zip(axes, ways, strict=True):
        runs = chosen(rows, panel="runs", norm=norm, part="all", method="PT+FT")
        factors = distinct(runs, "rescale")
        for factor, colour, marker in zip(factors, shades(len(factors)), "osD^v", strict=False):
            _means_with_intervals(axis, chosen(runs, rescale=factor), column, f"{factor:g}", colour, marker)
        sample_axis(axis, distinct(runs, "n"), title=title, **ERROR_AXIS)
    return _finished(figure, axes, rows, "test error of PT+FT", "rescaled by")


def _means_with_intervals(axis: Any, runs: Sequence[Row], column: str, label: str, colour: Any, marker: str) -> None:
    places = distinct(runs, "n")
    found = [mean_with_interval([row[column] for row in chosen(runs, n=n)]) for n in places]
    means = np.array([mean for mean, _ in found])
    half = np.array([half for _, half in found])
    look = {"color": colour, "marker": marker, "elinewidth": 0.9, "capsize": 2}
    axis.errorbar(places, means, yerr=[np.minimum(half, means), half], label=label, **look)[0].set_gid(SERIES)


def _finished(figure: Any, axes: Sequence[Any], rows: Sequence[Row], words: str, title: str) -> Any:
    for axis in axes:
        axis.axhline(published.CHANCE, color="0.6", linewidth=0.8, linestyle=":")
    axes[0].set_ylabel(words)
    legend_beside(figure, axes[0], title)
    seeds = len(distinct(rows, "seed"))
    footnote(figure, f"arithmetic mean over {seeds} seeds, bars: {LEVEL:.0%} interval of the mean; dotted: chance")
    return figure


MEASURES = {"after": "PR after", "shared": "ENSD"}


def _layers(rows: Sequence[Row]) -> Any:
    """Panel c: participation ratios and shared dimensions by layer, at the largest number of images."""
    layers = [row for row in rows if row["panel"] == "layers"]
    most, kinds = max(row["n"] for row in layers), _kinds(rows)
    figure, axes = grid_of_axes(len(kinds), len(MEASURES), width=7.2, height=0.5 + 2.7 * len(kinds), sharey="row")
    for line, norm in zip(axes, kinds, strict=True):
        runs = chosen(layers, norm=norm, n=most)
        names = list(dict.fromkeys(row["layer"] for row in runs))
        factors = distinct(runs, "rescale")
        for axis, (name, words) in zip(line, MEASURES.items(), strict=True):
            axis.plot(names, _means(chosen(runs, rescale=1.0), "before", names), ":", color="0.3", label="PR before")
            for factor, colour, marker in zip(factors, shades(len(factors)), "osD^v", strict=False):
                look = {"color": colour, "marker": marker, "label": f"{factor:g}"}
                axis.plot(names, _means(chosen(runs, rescale=factor), name, names), **look)
            axis.set(title=f"{words}, {NORMS[norm]}", yscale="log", ylim=(0.75, 14))
            axis.set_yticks([1, 2, 5, 10], ["1", "2", "5", "10"])
            axis.minorticks_off()
            axis.tick_params(axis="x", rotation=40)
        line[0].set_ylabel("dimensions")
    legend_beside(figure, axes[0][0], "rescaled by")
    how = f"geometric mean over seeds, {most} main images; responses to test images, centred, eval mode, statistics as left"
    footnote(figure, f"{how};\nwhat has diverged has no dimensions")
    return figure


def _means(rows: Sequence[Row], name: str, layers: Sequence[str]) -> list[float]:
    """Geometric means by layer, where units of at least half of the seeds respond."""
    means = []
    for layer in layers:
        every = chosen(rows, layer=layer)
        found = [row[name] for row in every if row[name] is not None]
        means.append(float(np.exp(np.mean(np.log(found)))) if 2 * len(found) >= len(every) > 0 else np.nan)
    return means


def _parts(rows: Sequence[Row]) -> Any:
    """What explains the gain: differences of errors to the network as it was, in percentage points, with intervals."""
    ways = _ways(rows)
    found = {norm: list(effects(rows, norm=norm, parts=PARTS | RESTATED)) for norm in _kinds(rows)}
    factors = sorted({each.rescale for some in found.values() for each in some if each.part == PARTS["rate", "error"]})
    places = {words: column for (_, column), words in (PARTS | RESTATED).items()}
    figure, axes = grid_of_axes(len(factors), len(ways), width=3.3 * len(ways), height=0.9 + 2.5 * len(factors), sharex="col")
    for line, factor in zip(axes, factors, strict=True):
        for axis, (norm, column, title) in zip(line, ways, strict=True):
            shown = [each for each in found[norm] if each.rescale == factor]
            _compared(axis, shown, [words for words, of in places.items() if of == column and (norm or words != ABSENT)])
            axis.set(ylim=POINTS, title=f"{title}, by {factor:g}")
            mark_leaving(axis)
        line[0].set_ylabel("change of the test error\n(percentage points)")
    legend_beside(figure, axes[0][0], "main images")
    what = f"differences to the same seed's network that was not rescaled: mean and {LEVEL:.0%} interval; {LEAVING}"
    footnote(figure, what)
    return figure


ABSENT = PARTS["normalisation", "error"]  # from networks without
POINTS = (-8.5, 8.5)  # of the axis; what changes more is beyond


def _compared(axis: Any, shown: Sequence[Effect], words: Sequence[str]) -> None:
    """A place for each part, and there a point for each number of images."""
    samples = sorted({each.n for each in shown})
    for place, (n, colour) in enumerate(zip(samples, shades(len(samples)), strict=True)):
        here = [each for each in shown if each.n == n and each.part in words]
        where = [words.index(each.part) + 0.7 * ((place + 0.5) / len(samples) - 0.5) for each in here]
        means = 100 * np.array([each.mean for each in here])
        ends = [means - [100 * each.low for each in here], np.array([100 * each.high for each in here]) - means]
        look = {"linestyle": "none", "marker": "o", "markersize": 3.5, "color": colour, "elinewidth": 0.9}
        axis.errorbar(where, means, yerr=ends, label=f"{n}", **look)[0].set_gid(SERIES)
    axis.axhline(0, color="0.4", linewidth=0.8)
    axis.set_xlim(-0.5, len(words) - 0.5)
    names = [each.replace(", statistics re-estimated", "") for each in words]
    axis.set_xticks(range(len(words)), names, fontsize="small", rotation=30, ha="right", rotation_mode="anchor")


def _published() -> Any:
    """Published medians: methods, and factors."""
    figure, axes = panels(2)
    conditions = {"STL": published.STL, "MTL": published.MTL, "PT+FT": published.FINETUNED}
    for method, condition in conditions.items():
        _medians(axes[0], condition, method, METHODS[method], MARKERS[method])
    factors = sorted({factor for _, factor, _ in published.errors()})
    for factor, colour in zip(factors, shades(len(factors)), strict=True):
        _medians(axes[1], published.Condition("PT+FT", factor), f"{factor:g}", colour, "s")
    for axis in axes:
        sample_axis(axis, published.SAMPLES)
        axis.axhline(published.CHANCE, color="0.6", linewidth=0.8, linestyle=":")
    axes[0].legend()
    legend_beside(figure, axes[1], "PT+FT, rescaled by")
    axes[0].set_ylabel("published test error, CIFAR-100")
    footnote(figure, "medians over 28 to 50 seeds; bars: what 200 test images a seed leave, two standard deviations")
    return figure


def _medians(axis: Any, condition: published.Condition, label: str, colour: Any, marker: str) -> None:
    found = [condition.at(n) for n in published.SAMPLES]
    bars = [published.RESOLUTION.margin((each.median, each.seeds)) for each in found]
    look = {"color": colour, "marker": marker, "label": label, "elinewidth": 0.9, "capsize": 2}
    axis.errorbar(published.SAMPLES, [each.median for each in found], yerr=bars, **look)
