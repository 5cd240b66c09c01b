"""Figure 1: penalties, generalisation losses and learned solutions of diagonal networks, theory beside gradient flow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from normtheory.figures.diagonal import grid, limit, penalty_landscapes
from normtheory.figures.diagonal.cells import TOPS
from normtheory.figures.drawing import (
    IN_THE_LIMIT,
    LEAVING,
    LIMIT,
    LIMIT_L1,
    MARKERS,
    METHODS,
    POINTS,
    Row,
    chosen,
    distinct,
    footnote,
    grid_of,
    legend_beside,
    limit_line,
    look_of,
    mark_leaving,
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
SIZES = ("final_loss", "best_loss", "limit_loss", "settled_loss", "null_loss", "distance")
OVERLAP_OF_CURVES = 30  # of 40: panels c and d
FEWEST = 5  # main features in panels h and i
# Drawn, in units of the null loss; exact recovery, as by the least l1,2 norm, is far below.
LOWEST_LOSS, LOWEST_RESCALED = 1e-9, 1e-14


def compute(scale: str, sweep: Sweep) -> pa.Table:
    """The rows of panels b to i, one a run (in panel c: one a number of strongest weights, `top`), then the lines in the limit.

    Columns: figure, panel, method, how (see `cells`), overlap, k_main, magnitude and magnitude_aux (of the teachers' weights),
    rescale, n, seed, top, final_loss, best_loss (the least on the way, of flows), limit_loss (of multi-task flows: when the
    published runs were cut off), settled_loss (of some of them: at the last training loss of the grid), null_loss, share
    (panels c, h: of variance outside the `top` strongest weights; d: on the auxiliary task's features), distance (relative, of
    predictors: flow or Corollary 1 as printed from the exact theory, predictions of MTL from its flow). Lines in the limit of
    many inputs (`limit`) have no seed, and nothing that happens on the way.
    """
    runs = [*grid.runs(scale, sweep).to_pylist(), *limit.computed(grid.GRIDS[scale], sweep)]
    return rounded(pa.Table.from_pylist([row for run in runs for row in panel_rows(run)], schema=SCHEMA))


SCHEMA = grid.schema("final_loss", "best_loss", "limit_loss", "settled_loss", "null_loss", "share", "distance")
TRAINED = (("MTL", "flow"), ("MTL", LIMIT), ("PT+FT", "exact"), ("PT+FT", "stopped"), ("PT+FT", LIMIT))


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
        if run["method"] != "teacher" and run["how"] != LIMIT_L1:
            yield "b"
        if run["overlap"] == OVERLAP_OF_CURVES and trained in TRAINED:
            yield from "d" if run.get("between") else "cd"
        if run["overlap"] == OVERLAP_OF_CURVES and trained in (("STL", "exact"), ("STL", LIMIT)):
            yield "d"
        return
    nested = run["overlap"] == run["k_main"]
    if run["rescale"] == 1:
        yield "f" if nested else "e"
    elif nested and run["rescale"] in (0.1, 0.01):
        yield "g"
    few = run["k_main"] == FEWEST and run["magnitude"] == "1/k" and trained in TRAINED[2:]
    if few and nested and not run.get("between"):
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
    ("PT+FT", "stopped", "PT+FT, pretraining stopped"),
    ("PT+FT", "printed", "PT+FT, Corollary 1 as printed"),
    ("STL", "flow", "STL, gradient flow"),
    ("STL", "exact", "STL, exact theory"),
    ("PT+FT (LP)", "closed form", "PT + linear probing"),
    ("STL (LP)", "closed form", "linear probing (lazy)"),
)


RATIOS = (1e-4, 30)  # drawn, of losses to that of single-task learning


def _draw_b(rows: Sequence[Row]) -> Any:
    """Losses, and below them the same as ratios to single-task learning, where methods that coincide are told apart."""
    overlaps = distinct(rows, "overlap")
    figure, axes = grid_of(2, len(overlaps), width=9.6, height=7.0, sharex=True, sharey="row")
    single = {_task(row): row["final_loss"] for row in rows if row["method"] == "STL" and row["how"] in ("exact", LIMIT)}

    def ratio(row: Row) -> float:
        return float(row["final_loss"] / single[_task(row)])

    for (upper, lower), overlap in zip(axes.T, overlaps, strict=True):
        for method, how, label in LOSSES:
            runs = chosen(rows, overlap=overlap, method=method, how=how)
            series(upper, runs, "n", relative_loss, label=label, look=look_of(method, how))
            series(lower, runs, "n", ratio, label=label, look=look_of(method, how))
        for method in dict.fromkeys(method for method, *_ in LOSSES):
            line = chosen(rows, overlap=overlap, method=method)
            for axis, value in ((upper, relative_loss), (lower, ratio)):
                limit_line(axis, line, "n", value, look={"color": METHODS[method]})
        samples = distinct(rows, "n")
        sample_axis(upper, samples, title=f"{overlap} of 40 shared", yscale="log", ylim=(LOWEST_LOSS, 6))
        sample_axis(lower, samples, yscale="log", ylim=RATIOS)
        upper.set_xlabel("")
        mark_leaving(upper)
        mark_leaving(lower)
    axes[0, 0].set_ylabel("generalisation loss / null loss")
    axes[1, 0].set_ylabel("generalisation loss / that of STL (exact)")
    found = dict(zip(*reversed(axes[0, 0].get_legend_handles_labels()), strict=True))
    labels = [label for *_, label in LOSSES if label in found]
    title = f"{over_seeds(rows)}; {LEAVING}\n{IN_THE_LIMIT} (MTL: least $\\ell_{{1,2}}$ norm; ratios: to that of STL)"
    figure.legend([found[label] for label in labels], labels, loc="outside lower center", ncols=3, title=title)
    return figure


def _task(row: Row) -> tuple[int, int, int | None]:
    return row["overlap"], row["n"], row["seed"]


def _draw_c(rows: Sequence[Row]) -> Any:
    figure, axes = panels(2, width=7.8)
    for axis, (method, how) in zip(axes, (("MTL", "flow"), ("PT+FT", "exact")), strict=True):
        curves(axis, chosen(rows, method=method), how)
        axis.set(title=f"{method}, {OVERLAP_OF_CURVES} of 40 shared", ylim=(-0.03, 1.03))
    axes[0].set_ylabel("share of variance outside the top")
    legend_beside(figure, axes[1], "$n$")
    footnote(figure, f"{over_seeds(rows, geometric=False)}\n{IN_THE_LIMIT}\n{LEAST_NORM}")
    return figure


LEAST_NORM = "(MTL: least $\\ell_{1,2}$ norm)"


def curves(axis: Any, rows: Sequence[Row], how: str) -> None:
    """Share of variance outside the strongest weights against their number, a line for each number of main samples."""
    samples = distinct(rows, "n")
    for n, colour in zip(samples, shades(len(samples)), strict=True):
        runs, look = chosen(rows, n=n), {"color": colour}
        series(axis, chosen(runs, how=how), "top", lambda row: row["share"], label=str(n), look=look, geometric=False)
        limit_line(axis, runs, "top", lambda row: row["share"], look=look)
    axis.set(xscale="log", xlabel="strongest weights left out")
    tops = (1, 5, 10, 40, 120)
    axis.set_xticks(tops, [str(top) for top in tops], minor=False)
    axis.minorticks_off()


def _draw_d(rows: Sequence[Row]) -> Any:
    figure, (axis,) = panels(1, width=5.8)
    shares_on_auxiliary(axis, rows, OVERLAP_OF_CURVES)
    axis.set_ylabel("share of $\\|\\beta\\|^2$ on auxiliary features")
    legend_beside(figure, axis, over_seeds(rows, geometric=False))
    footnote(figure, f"{IN_THE_LIMIT}\n{LEAST_NORM}")
    return figure


def shares_on_auxiliary(axis: Any, rows: Sequence[Row], overlap: int) -> None:
    """Share of the predictor on the auxiliary task's features against n, a line for each method, and the teacher's share."""
    for method, how in SHARES:
        runs = chosen(rows, method=method, how=how)
        look = {"color": METHODS[method], "marker": MARKERS[method]}
        series(axis, runs, "n", lambda row: row["share"], label=method, look=look, geometric=False)
        limit_line(axis, chosen(rows, method=method), "n", lambda row: row["share"], look=look)
    axis.axhline(overlap / 40, color=METHODS["teacher"], linewidth=1.0, label="ground truth")
    sample_axis(axis, distinct(rows, "n"), title=f"{overlap} of 40 shared", ylim=(-0.03, 1.03))


SHARES = (("MTL", "flow"), ("PT+FT", "exact"), ("STL", "exact"))
SIZES_AUX = {"1/sqrt(k)": "1/√40", "1/k": "1/40"}
WAYS_OF_FINETUNING = "solid: pretrained without end; dashed: pretraining stopped"


def sizes_of(rows: Sequence[Row]) -> list[str]:
    """The sizes of auxiliary weights that rows have, the larger first."""
    return [size for size in SIZES_AUX if chosen(rows, magnitude_aux=size)]


def _draw_by_features(rows: Sequence[Row]) -> Any:
    """Panels e and f: MTL and PT+FT, a line for each number of main features; a row for each size of the auxiliary weights."""
    rows = chosen(rows, magnitude="1/k")
    sizes = sizes_of(rows)
    figure, axes = grid_of(len(sizes), 2, width=7.6, height=0.6 + 2.7 * len(sizes))
    for size, (left, right) in zip(sizes, axes, strict=True):
        runs = chosen(rows, magnitude_aux=size)
        for axis, method, how in ((left, "MTL", "flow"), (right, "PT+FT", "exact")):
            features_lines(axis, chosen(runs, method=method), how)
            axis.set_title(f"{method}, auxiliary weights {SIZES_AUX[size]}")
        left.set_ylabel("generalisation loss / null loss")
    legend_beside(figure, axes[0, 1], "main features")
    about = "MTL: gradient flow; PT+FT: exact theory, points: gradient flow"
    footnote(figure, f"{about}; {WAYS_OF_FINETUNING}\n{over_seeds(rows)}; {LEAVING}\n{IN_THE_LIMIT} {LEAST_NORM}")
    return figure


def features_lines(axis: Any, rows: Sequence[Row], how: str, lowest: float = LOWEST_LOSS) -> None:
    """Relative loss against n, a line for each number of main features; flows as points, stopped pretraining dashed."""
    features = distinct(rows, "k_main")
    for k, colour in zip(features, shades(len(features)), strict=True):
        each = chosen(rows, k_main=k)
        main = {"color": colour} | ({"marker": "o"} if how == "flow" else {})
        series(axis, chosen(each, how=how), "n", relative_loss, label=str(k), look=main)
        if how != "flow":
            series(axis, chosen(each, how="flow"), "n", relative_loss, label="", look={"color": colour, **POINTS})
            series(axis, chosen(each, how="stopped"), "n", relative_loss, label="", look=_dashed(colour))
        limit_line(axis, each, "n", relative_loss, look=main)
    sample_axis(axis, distinct(rows, "n"), yscale="log", ylim=(lowest, 6))
    mark_leaving(axis)


def _dashed(colour: Any) -> dict[str, Any]:
    return {"color": colour, "linestyle": "--", "linewidth": 1.0}


def _draw_g(rows: Sequence[Row]) -> Any:
    rows = chosen(rows, magnitude="1/k")
    factors, sizes = sorted(distinct(rows, "rescale"), reverse=True), sizes_of(rows)
    figure, axes = grid_of(len(sizes), len(factors), width=7.6, height=0.6 + 2.7 * len(sizes))
    for size, line in zip(sizes, axes, strict=True):
        for axis, factor in zip(line, factors, strict=True):
            features_lines(axis, chosen(rows, magnitude_aux=size, rescale=factor), "exact", LOWEST_RESCALED)
            axis.set_title(f"times {factor:g}, auxiliary weights {SIZES_AUX[size]}")
        line[0].set_ylabel("generalisation loss / null loss")
    legend_beside(figure, axes[0, -1], "main features")
    footnote(figure, f"PT+FT, exact theory; {WAYS_OF_FINETUNING}\n{over_seeds(rows)}; {LEAVING}\n{IN_THE_LIMIT}")
    return figure


def _draw_h(rows: Sequence[Row]) -> Any:
    sizes = sizes_of(rows)
    figure, axes = panels(len(sizes), width=7.8)
    samples = distinct(rows, "n")
    for axis, size in zip(axes, sizes, strict=True):
        for n, colour in zip(samples, shades(len(samples)), strict=True):
            look = {"color": colour, "marker": "o"}
            runs = chosen(rows, n=n, magnitude_aux=size)
            exact = chosen(runs, how="exact")
            series(axis, exact, "rescale", lambda row: row["share"], label=str(n), look=look, geometric=False)
            limit_line(axis, runs, "rescale", lambda row: row["share"], look=look)
        axis.set(xscale="log", xlabel="factor on the pretrained weights", ylim=(-0.03, 1.03))
        axis.set_title(f"auxiliary weights {SIZES_AUX[size]}")
    axes[0].set_ylabel(f"share of variance outside the top {FEWEST}")
    legend_beside(figure, axes[-1], "$n$")
    about = f"{FEWEST} main features, all of them auxiliary ones; {over_seeds(rows, geometric=False)}"
    footnote(figure, f"{about}\n{IN_THE_LIMIT}")
    return figure


RELATIONS = ((FEWEST, "shared", "-", "s"), (0, "task-specific", "--", "D"))


def _draw_i(rows: Sequence[Row]) -> Any:
    factors, sizes = sorted(distinct(rows, "rescale"), reverse=True), sizes_of(rows)
    figure, axes = grid_of(len(sizes), len(factors), width=8.8, height=0.6 + 2.6 * len(sizes))
    for size, line in zip(sizes, axes, strict=True):
        for axis, factor in zip(line, factors, strict=True):
            runs = chosen(rows, rescale=factor, magnitude_aux=size)
            for overlap, label, style, marker in RELATIONS:
                look = {"color": METHODS["PT+FT"], "linestyle": style, "marker": marker}
                series(axis, chosen(runs, overlap=overlap, how="exact"), "n", relative_loss, label=label, look=look)
                limit_line(axis, chosen(runs, overlap=overlap), "n", relative_loss, look=look)
            title = f"times {factor:g}, auxiliary {SIZES_AUX[size]}"
            sample_axis(axis, distinct(rows, "n"), title=title, yscale="log", ylim=(LOWEST_RESCALED, 6))
            mark_leaving(axis)
        line[0].set_ylabel("generalisation loss / null loss")
    legend_beside(figure, axes[0, -1], f"{FEWEST} main features")
    footnote(figure, f"PT+FT, exact theory, pretrained without end\n{over_seeds(rows)}; {LEAVING}\n{IN_THE_LIMIT}")
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
