"""Figure 3: test errors and dimensionality of convolutional networks that are pretrained, rescaled and finetuned."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from normtheory.figures.deep import published
from normtheory.figures.deep.cells import cell
from normtheory.figures.deep.effects import LEVEL, PARTS, Effect, effects
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
    over_seeds,
    panels,
    sample_axis,
    series,
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
        found = {norm: list(effects(rows, norm=norm)) for norm in _kinds(rows)}
        if any(found.values()):  # a single seed has no interval
            pictures["fig3-parts"] = _parts({norm: each for norm, each in found.items() if each})
    return pictures


def _kinds(rows: Sequence[Row]) -> list[bool]:
    return [norm for norm in NORMS if any(row["norm"] == norm for row in rows)]


def _error(row: Row) -> float:
    return float(row["error"])


def _errors(rows: Sequence[Row]) -> Any:
    """Panel a: methods."""
    kinds = _kinds(rows)
    figure, axes = panels(len(kinds), width=3.6 * len(kinds))
    for axis, norm in zip(axes, kinds, strict=True):
        runs = chosen(rows, panel="runs", norm=norm, part="all", rescale=1.0)
        for method in METHODS_DRAWN:
            look = {"color": METHODS[method], "marker": MARKERS[method]}
            series(axis, chosen(runs, method=method), "n", _error, label=method, look=look, geometric=False)
        sample_axis(axis, distinct(runs, "n"), title=NORMS[norm], **ERROR_AXIS)
        axis.axhline(published.CHANCE, color="0.6", linewidth=0.8, linestyle=":")
    axes[0].set_ylabel("test error")
    axes[0].legend()
    footnote(figure, f"{over_seeds(rows, geometric=False)}; dotted: chance")
    return figure


def _factors(rows: Sequence[Row]) -> Any:
    """Panel b: finetuning by the factor on all parameters, as training leaves the statistics and with statistics anew."""
    kinds = [(norm, column) for norm in _kinds(rows) for column in ("error", "error_restated") if norm or column == "error"]
    figure, axes = panels(len(kinds), width=2.8 * len(kinds), height=3.2)
    for axis, (norm, column) in zip(axes, kinds, strict=True):
        runs = chosen(rows, panel="runs", norm=norm, part="all", method="PT+FT")
        factors = distinct(runs, "rescale")
        for factor, colour in zip(factors, shades(len(factors)), strict=True):
            values = [row | {"error": row[column]} for row in chosen(runs, rescale=factor)]
            look = {"color": colour, "marker": "s"}
            series(axis, values, "n", _error, label=f"{factor:g}", look=look, geometric=False)
        anew = ",\nstatistics re-estimated" if column == "error_restated" else ""
        sample_axis(axis, distinct(runs, "n"), title=NORMS[norm] + anew, **ERROR_AXIS)
        axis.axhline(published.CHANCE, color="0.6", linewidth=0.8, linestyle=":")
    axes[0].set_ylabel("test error of PT+FT")
    legend_beside(figure, axes[0], "rescaled by")
    footnote(figure, f"{over_seeds(rows, geometric=False)}; dotted: chance")
    return figure


MEASURES = {"before": "PR before", "after": "PR after", "shared": "ENSD"}


def _layers(rows: Sequence[Row]) -> Any:
    """Panel c: participation ratios and shared dimensions by layer, at the largest number of images."""
    layers = [row for row in rows if row["panel"] == "layers"]
    most, kinds = max(row["n"] for row in layers), _kinds(rows)
    figure, axes = _grid(len(kinds), len(MEASURES))
    for line, norm in zip(axes, kinds, strict=True):
        runs = chosen(layers, norm=norm, n=most)
        names = list(dict.fromkeys(row["layer"] for row in runs))
        factors = distinct(runs, "rescale")
        for axis, (name, words) in zip(line, MEASURES.items(), strict=True):
            for factor, colour in zip(factors, shades(len(factors)), strict=True):
                axis.plot(names, _means(chosen(runs, rescale=factor), name, names), "s-", color=colour, label=f"{factor:g}")
            axis.set(title=f"{words}, {NORMS[norm]}", yscale="log")
            axis.tick_params(axis="x", rotation=40)
    axes[0][0].legend(title="rescaled by")
    footnote(figure, f"geometric mean over seeds, with {most} main images; responses to test images, centred, in eval mode")
    return figure


def _means(rows: Sequence[Row], name: str, layers: Sequence[str]) -> list[float]:
    """Geometric means by layer, where units of at least half of the seeds respond."""
    means = []
    for layer in layers:
        every = chosen(rows, layer=layer)
        found = [row[name] for row in every if row[name] is not None]
        means.append(float(np.exp(np.mean(np.log(found)))) if 2 * len(found) >= len(every) > 0 else np.nan)
    return means


def _grid(rows: int, columns: int) -> Any:
    import matplotlib.pyplot as plt

    return plt.subplots(rows, columns, figsize=(3.0 * columns, 2.6 * rows), squeeze=False, sharey="row")


def _parts(found: dict[bool, list[Effect]]) -> Any:
    """What explains the gain: differences of errors to the network as it was, in percentage points, with intervals."""
    words = list(PARTS.values())
    factors = sorted({each.rescale for effects in found.values() for each in effects if each.part != words[0]} - {2.0})
    figure, axes = _axes_of(factors, found)
    for line, factor in zip(axes, factors, strict=True):
        for axis, (norm, each) in zip(line, found.items(), strict=True):
            samples = sorted({effect.n for effect in each})
            for place, n in enumerate(samples):
                shown = [effect for effect in each if effect.n == n and effect.rescale == factor]
                _points(axis, shown, words, place, len(samples))
            axis.axhline(0, color="0.4", linewidth=0.8)
            axis.set(xlim=(-0.5, len(words) - 0.5), ylim=POINTS, title=f"{NORMS[norm]}, by {factor:g}")
            axis.set_xticks(range(len(words)), words, fontsize="small", rotation=30, ha="right", rotation_mode="anchor")
            mark_leaving(axis)
        line[0].set_ylabel("change of the test error\n(percentage points)")
    axes[0][0].legend(title="main images", ncols=2)
    alone = "parts alone were rescaled by 0.25 and 0.5"
    same = f"differences to the same seed's network that was not rescaled: mean and {LEVEL:.0%} interval"
    footnote(figure, f"{same};\n{alone}; {LEAVING}")
    return figure


POINTS = (-9, 16)  # of the axis; what hurts more is beyond


def _axes_of(factors: Sequence[float], found: dict[bool, list[Effect]]) -> Any:
    size = {"width": 4.4 * len(found), "height": 0.6 + 2.7 * len(factors)}
    return grid_of_axes(len(factors), len(found), **size, sharex=True)


def _points(axis: Any, shown: Sequence[Effect], words: Sequence[str], place: int, count: int) -> None:
    where = [words.index(each.part) + 0.7 * ((place + 0.5) / count - 0.5) for each in shown]
    means = 100 * np.array([each.mean for each in shown])
    ends = [means - [100 * each.low for each in shown], np.array([100 * each.high for each in shown]) - means]
    if shown:
        look = {"linestyle": "none", "marker": "o", "markersize": 3.5, "color": shades(count)[place], "elinewidth": 0.9}
        axis.errorbar(where, means, yerr=ends, label=f"{shown[0].n}", **look)[0].set_gid(SERIES)


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
