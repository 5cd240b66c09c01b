"""Figure 1: penalties, generalisation losses and learned solutions of diagonal networks, theory beside gradient flow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from normtheory.figures.diagonal import grid, penalty_landscapes
from normtheory.figures.diagonal.cells import TOPS
from normtheory.figures.drawing import (
    METHODS,
    Row,
    chosen,
    distinct,
    legend_beside,
    look_of,
    over_seeds,
    panels,
    relative_loss,
    sample_axis,
    series,
    shades,
)
from normtheory.figures.files import STYLE, rounded
from normtheory.figures.sweep import Sweep

# Which runs a panel shows; a panel with curves shows the share of the predictor's variance outside its strongest weights.
SIZES = ("final_loss", "best_loss", "early_loss", "limit_loss", "null_loss", "distance")
OVERLAP_OF_CURVES = 30  # of 40: panels c and d
FEWEST = 5  # main features in panels h and i
# Drawn, in units of the null loss; exact recovery, as by the least l1,2 norm, is far below.
LOWEST_LOSS, LOWEST_RESCALED = 1e-9, 1e-14


def compute(scale: str, sweep: Sweep) -> pa.Table:
    """The rows of panels b to i, one a run (in panel c: one a number of strongest weights, `top`).

    Columns: figure, panel, method, how (see `cells`), overlap, k_main, magnitude and magnitude_aux (of the teachers' weights),
    rescale, n, seed, top, final_loss, best_loss (the least on the way, of flows), early_loss and limit_loss (of multi-task
    flows: at the training loss where the published runs were to stop, and when they did), null_loss, share (panels c, h: of
    variance outside the `top` strongest weights; d: on the auxiliary task's features), distance (relative, of predictors: flow
    or Corollary 1 as printed from the exact theory, predictions of MTL from its flow).
    """
    runs = grid.runs(scale, sweep).to_pylist()
    return rounded(pa.Table.from_pylist([row for run in runs for row in panel_rows(run)], schema=SCHEMA))


SCHEMA = grid.schema("final_loss", "best_loss", "early_loss", "limit_loss", "null_loss", "share", "distance")
TRAINED = (("MTL", "flow"), ("PT+FT", "exact"), ("PT+FT", "stopped"))


def panel_rows(run: Row) -> Iterator[Row]:
    """The rows that a run contributes to the panels."""
    known = {name: run[name] for name in SCHEMA.names if name in run} | {"figure": "fig1", "top": None, "share": None}
    unmeasured = known | dict.fromkeys(SIZES)
    for panel in _panels_of(run):
        if panel == "c":
            for top, share in zip(TOPS, run["outside_top"], strict=True):
                yield unmeasured | {"panel": panel, "top": top, "share": share}
        elif panel == "d":
            yield unmeasured | {"panel": panel, "share": run["aux_share"]}
        elif panel == "h":
            share = run["outside_top"][TOPS.index(FEWEST)]
            yield unmeasured | {"panel": panel, "top": FEWEST, "share": share}
        else:
            yield known | {"panel": panel}


def _panels_of(run: Row) -> Iterator[str]:
    """The panels that show a run."""
    trained = (run["method"], run["how"])
    if run["kind"] == "overlap":
        if run["method"] != "teacher":
            yield "b"
        if run["overlap"] == OVERLAP_OF_CURVES and trained in TRAINED:
            yield from "cd"
        if run["overlap"] == OVERLAP_OF_CURVES and trained == ("STL", "exact"):
            yield "d"
        return
    nested = run["overlap"] == run["k_main"]
    if run["rescale"] == 1:
        yield "f" if nested else "e"
    elif nested and run["rescale"] in (0.1, 0.01):
        yield "g"
    few = run["k_main"] == FEWEST and run["magnitude"] == "1/k" and trained in TRAINED[1:]
    if few and nested:
        yield "h"
    if few and run["rescale"] in (1, 0.1, 0.01):
        yield "i"


def draw(table: pa.Table) -> dict[str, Any]:
    """A picture for each panel, by name."""
    import matplotlib.pyplot as plt

    rows = table.to_pylist()
    with plt.style.context(STYLE):
        shown = {name: chosen(rows, panel=name) for name in DRAWN}
        pictures = {f"fig1{name}": DRAWN[name](panel) for name, panel in shown.items() if panel}
    return penalty_landscapes.draw(penalty_landscapes.compute("paper")) | pictures


# method, how, label: in the order of the legend of panel b
LOSSES = (
    ("MTL", "flow", "MTL, gradient flow"),
    ("MTL", "pinned", "MTL, auxiliary task pinned"),
    ("MTL", "l12", "MTL, least $\\ell_{1,2}$ norm"),
    ("MTL 1:1", "flow", "MTL, equal weights"),
    ("PT+FT", "flow", "PT+FT, gradient flow"),
    ("PT+FT", "exact", "PT+FT, exact theory"),
    ("PT+FT", "printed", "PT+FT, Corollary 1 as printed"),
    ("STL", "flow", "STL, gradient flow"),
    ("STL", "exact", "STL, exact theory"),
    ("PT+FT (LP)", "closed form", "PT + linear probing"),
    ("STL (LP)", "closed form", "linear probing (lazy)"),
)


def _draw_b(rows: Sequence[Row]) -> Any:
    overlaps = distinct(rows, "overlap")
    figure, axes = panels(len(overlaps), width=9.6, height=4.4)
    for axis, overlap in zip(axes, overlaps, strict=True):
        for method, how, label in LOSSES:
            runs = chosen(rows, overlap=overlap, method=method, how=how)
            series(axis, runs, "n", relative_loss, label=label, look=look_of(method, how))
        sample_axis(axis, distinct(rows, "n"), title=f"{overlap} of 40 shared", yscale="log", ylim=(LOWEST_LOSS, 6))
    axes[0].set_ylabel("generalisation loss / null loss")
    found = dict(zip(*reversed(axes[0].get_legend_handles_labels()), strict=True))
    labels = [label for *_, label in LOSSES if label in found]
    handles = [found[label] for label in labels]
    figure.legend(handles, labels, loc="outside lower center", ncols=3, title=over_seeds(rows))
    return figure


def _draw_c(rows: Sequence[Row]) -> Any:
    figure, axes = panels(2, width=7.8)
    for axis, (method, how) in zip(axes, (("MTL", "flow"), ("PT+FT", "exact")), strict=True):
        curves(axis, chosen(rows, method=method, how=how))
        axis.set(title=f"{method}, {OVERLAP_OF_CURVES} of 40 shared", ylim=(-0.03, 1.03))
    axes[0].set_ylabel("share of variance outside the top")
    legend_beside(figure, axes[1], "$n$")
    return figure


def curves(axis: Any, rows: Sequence[Row]) -> None:
    """Share of variance outside the strongest weights against their number, a line for each number of main samples."""
    samples = distinct(rows, "n")
    for n, colour in zip(samples, shades(len(samples)), strict=True):
        runs = chosen(rows, n=n)
        series(axis, runs, "top", lambda row: row["share"], label=str(n), look={"color": colour}, geometric=False)
    axis.set(xscale="log", xlabel="strongest weights left out")
    tops = (1, 5, 10, 40, 120)
    axis.set_xticks(tops, [str(top) for top in tops], minor=False)
    axis.minorticks_off()


def _draw_d(rows: Sequence[Row]) -> Any:
    figure, (axis,) = panels(1, width=5.4)
    shares_on_auxiliary(axis, rows, OVERLAP_OF_CURVES)
    axis.set_ylabel("share of $\\|\\beta\\|^2$ on auxiliary features")
    legend_beside(figure, axis, over_seeds(rows))
    return figure


def shares_on_auxiliary(axis: Any, rows: Sequence[Row], overlap: int) -> None:
    """Share of the predictor on the auxiliary task's features against n, a line for each method, and the teacher's share."""
    for method in METHODS:
        runs = chosen(rows, method=method)
        look = {"color": METHODS[method], "marker": "o"}
        series(axis, runs, "n", lambda row: row["share"], label=method, look=look, geometric=False)
    axis.axhline(overlap / 40, color=METHODS["teacher"], linewidth=1.0, label="ground truth")
    sample_axis(axis, distinct(rows, "n"), title=f"{overlap} of 40 shared", ylim=(-0.03, 1.03))


def _draw_by_features(rows: Sequence[Row]) -> Any:
    """Panels e and f: MTL and PT+FT, a line for each number of main features."""
    figure, axes = panels(2, height=3.4)
    sources = (("MTL", "flow", "gradient flow"), ("PT+FT", "exact", "exact theory"))
    for axis, (method, how, note) in zip(axes, sources, strict=True):
        features_lines(axis, chosen(rows, method=method, how=how, magnitude="1/k"))
        axis.set_title(f"{method} ({note})")
    for k, colour in zip(distinct(rows, "k_main"), shades(len(distinct(rows, "k_main"))), strict=True):
        flows = chosen(rows, method="PT+FT", how="flow", k_main=k, magnitude="1/k")
        series(axes[1], flows, "n", relative_loss, label="", look={"color": colour, "linestyle": "none", "marker": "o"})
    axes[0].set_ylabel("generalisation loss / null loss")
    legend_beside(figure, axes[1], "main features\n(points: flow)")
    return figure


def features_lines(axis: Any, rows: Sequence[Row], lowest: float = LOWEST_LOSS) -> None:
    """Relative loss against n, a line for each number of main features."""
    features = distinct(rows, "k_main")
    for k, colour in zip(features, shades(len(features)), strict=True):
        look = {"color": colour} | ({"marker": "o"} if chosen(rows, how="flow") else {})
        series(axis, chosen(rows, k_main=k), "n", relative_loss, label=str(k), look=look)
    sample_axis(axis, distinct(rows, "n"), yscale="log", ylim=(lowest, 6))


def _draw_g(rows: Sequence[Row]) -> Any:
    factors = sorted(distinct(rows, "rescale"), reverse=True)
    figure, axes = panels(len(factors), height=3.4)
    for axis, factor in zip(axes, factors, strict=True):
        features_lines(axis, chosen(rows, how="exact", magnitude="1/k", rescale=factor), LOWEST_RESCALED)
        axis.set_title(f"PT+FT, weights times {factor:g}")
    axes[0].set_ylabel("generalisation loss / null loss")
    legend_beside(figure, axes[-1], "main features")
    return figure


def _draw_h(rows: Sequence[Row]) -> Any:
    figure, (axis,) = panels(1, width=5.0)
    samples = distinct(rows, "n")
    for n, colour in zip(samples, shades(len(samples)), strict=True):
        look = {"color": colour, "marker": "o"}
        series(axis, chosen(rows, n=n), "rescale", lambda row: row["share"], label=str(n), look=look, geometric=False)
    axis.set(
        xscale="log",
        xlabel="factor on the pretrained weights",
        ylabel=f"share of variance outside the top {FEWEST}",
        title=f"{FEWEST} main features, all of them auxiliary ones",
        ylim=(-0.03, 1.03),
    )
    legend_beside(figure, axis, "$n$")
    return figure


RELATIONS = ((FEWEST, "shared", "-"), (0, "task-specific", "--"))


def _draw_i(rows: Sequence[Row]) -> Any:
    factors = sorted(distinct(rows, "rescale"), reverse=True)
    figure, axes = panels(len(factors), width=8.4, height=3.2)
    for axis, factor in zip(axes, factors, strict=True):
        for overlap, label, style in RELATIONS:
            runs = chosen(rows, rescale=factor, overlap=overlap)
            look = {"color": METHODS["PT+FT"], "linestyle": style}
            series(axis, runs, "n", relative_loss, label=label, look=look)
        sample_axis(axis, distinct(rows, "n"), title=f"weights times {factor:g}", yscale="log", ylim=(LOWEST_RESCALED, 6))
    axes[0].set_ylabel("generalisation loss / null loss")
    legend_beside(figure, axes[-1], f"{FEWEST} main features")
    return figure


DRAWN = {
    "b": _draw_b,
    "c": _draw_c,
    "d": _draw_d,
    "e": _draw_by_features,
    "f": _draw_by_features,
    "g": _draw_g,
    "h": _draw_h,
    "i": _draw_i,
}
