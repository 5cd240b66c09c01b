"""Figure 5: what diagonal networks learn: norms, sparsity and use of auxiliary features."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pyarrow as pa

from normtheory.figures.diagonal import grid, limit
from normtheory.figures.diagonal.cells import TOPS
from normtheory.figures.diagonal.fig1 import FEWEST, LEAST_NORM, RELATIONS, SIZES_AUX, curves, shares_on_auxiliary, sizes_of
from normtheory.figures.drawing import (
    IN_THE_LIMIT,
    LIMIT,
    LIMIT_L1,
    MARKERS,
    METHODS,
    Row,
    chosen,
    distinct,
    footnote,
    grid_of,
    legend_beside,
    limit_line,
    over_seeds,
    panels,
    sample_axis,
    series,
)
from normtheory.figures.files import STYLE, rounded
from normtheory.figures.sweep import Sweep

NORMS = {
    "l12": "$\\ell_{1,2}$ norm with $\\beta^{aux}$ (Eq. 5)",
    "q_printed": "Q penalty as printed (Eq. 3)",
    "q_exact": "what PT+FT minimises (exact)",
}
IDENTICAL = 40  # shared features of 40: panel a; panels c and d show the same main tasks, learned alone
LEARNED = (("MTL", "flow"), ("PT+FT", "exact"), ("STL", "exact"))
LINES = tuple((method, LIMIT) for method, _ in LEARNED)
STOPPED = ("PT+FT", "stopped")
SPARSITY = (("STL", "exact"), ("STL", "l1"), ("STL (LP)", "closed form"), ("STL", LIMIT), ("STL (LP)", LIMIT))  # panel c


def compute(scale: str, sweep: Sweep) -> pa.Table:
    """The rows of panels a to f, one a run (in panels c and e: one a number of strongest weights, `top`), then the lines.

    Columns: figure, panel, method, how (see `cells`), overlap, k_main, magnitude, magnitude_aux, rescale, n, seed, top, share
    (panels c, e: of variance outside the `top` strongest weights; b, f: on the auxiliary task's features), l1, l12, q_printed,
    q_exact (panels a, d: norms of the predictor, l12 together with the auxiliary one). Lines in the limit of many inputs
    (`limit`) have no seed.
    """
    runs = [*grid.runs(scale, sweep).to_pylist(), *limit.computed(grid.GRIDS[scale], sweep)]
    return rounded(pa.Table.from_pylist([row for run in runs for row in panel_rows(run)], schema=SCHEMA))


SCHEMA = grid.schema("share", "active", "l1", *NORMS)


def panel_rows(run: Row) -> Iterator[Row]:
    """The rows that a run contributes to the panels."""
    known = {name: run[name] for name in SCHEMA.names if name in run} | {"figure": "fig5", "top": None, "share": None}
    unmeasured = known | dict.fromkeys(("active", "l1", *NORMS))
    for panel in _panels_of(run):
        if panel in "ce":
            for top, share in zip(TOPS, run["outside_top"], strict=True):
                yield unmeasured | {"panel": panel, "top": top, "share": share}
        elif panel in "bf":
            yield unmeasured | {"panel": panel, "share": run["aux_share"]}
        else:
            yield known | {"panel": panel}


def _panels_of(run: Row) -> Iterator[str]:
    """The panels that show a run."""
    trained = (run["method"], run["how"])
    if run["kind"] == "overlap":
        teacher, identical = run["method"] == "teacher", run["overlap"] == IDENTICAL
        between = run.get("between")
        if identical and (teacher or trained in (*LEARNED, STOPPED, *LINES)):
            yield "a"
        if identical and trained in SPARSITY and not between:
            yield "c"
        if identical and (teacher or trained in (("STL", "exact"), ("STL", "l1"), ("STL", LIMIT), ("STL", LIMIT_L1))):
            yield "d"
        if trained in (*LEARNED, STOPPED, *LINES):
            yield from "f" if between else "ef"
    elif run["k_main"] == FEWEST and trained in (LEARNED[1], STOPPED, LINES[1]) and run["magnitude"] == "1/k":
        yield "b"


def draw(table: pa.Table) -> dict[str, Any]:
    """A picture for each panel, by name."""
    import matplotlib.pyplot as plt

    rows = table.to_pylist()
    with plt.style.context(STYLE):
        shown = {name: chosen(rows, panel=name) for name in DRAWN}
        return {f"fig5{name}": DRAWN[name](panel) for name, panel in shown.items() if panel}


def _norm(name: str) -> Callable[[Row], float]:
    return lambda row: float(row[name])


def _draw_a(rows: Sequence[Row]) -> Any:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(NORMS), figsize=(9.6, 3.2))
    for axis, (name, title) in zip(axes, NORMS.items(), strict=True):
        for method in ("MTL", "PT+FT", "STL"):
            look = {"color": METHODS[method], "marker": MARKERS[method]}
            series(axis, _main(rows, method), "n", _norm(name), label=method, look=look)
            limit_line(axis, chosen(rows, method=method), "n", _norm(name), look=look)
        truth = {"color": METHODS["teacher"], "linewidth": 1.0}
        series(axis, chosen(rows, method="teacher"), "n", _norm(name), label="ground truth", look=truth)
        sample_axis(axis, distinct(rows, "n"), title=title)
    axes[0].set_ylabel("norm of the learned predictor")
    legend_beside(figure, axes[-1], over_seeds(rows))
    footnote(figure, f"{IN_THE_LIMIT} {LEAST_NORM}")
    return figure


def _main(rows: Sequence[Row], method: str) -> list[Row]:
    """The runs of a method that are drawn: MTL by the flow, the others by the exact theory, pretrained without end."""
    return chosen(rows, method=method, how=_how(method))


def _how(method: str) -> str:
    return {"MTL": "flow", "STL (LP)": "closed form"}.get(method, "exact")


def _draw_b(rows: Sequence[Row]) -> Any:
    factors, sizes = sorted(distinct(rows, "rescale"), reverse=True), sizes_of(rows)
    figure, axes = grid_of(len(sizes), len(factors), width=9.4, height=0.6 + 2.4 * len(sizes))
    for size, line in zip(sizes, axes, strict=True):
        for axis, factor in zip(line, factors, strict=True):
            runs = chosen(rows, rescale=factor, magnitude_aux=size)
            for overlap, label, style, marker in RELATIONS:
                look = {"color": METHODS["PT+FT"], "linestyle": style, "marker": marker}
                shared = chosen(runs, overlap=overlap)
                exact = chosen(shared, how="exact")
                series(axis, exact, "n", lambda row: row["share"], label=label, look=look, geometric=False)
                limit_line(axis, shared, "n", lambda row: row["share"], look=look)
            title = f"times {factor:g}, aux {SIZES_AUX[size]}"
            sample_axis(axis, distinct(rows, "n"), title=title, ylim=(-0.03, 1.03))
        line[0].set_ylabel("share of $\\|\\beta\\|^2$\non auxiliary features")
    legend_beside(figure, axes[0, -1], f"{FEWEST} main features")
    about = "PT+FT, exact theory, pretrained without end; times: factor on the pretrained weights; aux: auxiliary weights"
    footnote(figure, f"{about}\n{over_seeds(rows, geometric=False)}\n{IN_THE_LIMIT}")
    return figure


def _draw_c(rows: Sequence[Row]) -> Any:
    figure, axes = panels(2)
    for axis, method in zip(axes, ("STL", "STL (LP)"), strict=True):
        curves(axis, chosen(rows, method=method), _how(method))
        axis.set(title=f"{method}, 40 features", ylim=(-0.03, 1.03))
    axes[0].set_ylabel("share of variance outside the top")
    legend_beside(figure, axes[0], "$n$")
    footnote(figure, f"{over_seeds(rows, geometric=False)}\n{IN_THE_LIMIT}")
    return figure


def _draw_d(rows: Sequence[Row]) -> Any:
    figure, (axis,) = panels(1, width=6.0)
    looks = (
        ("STL", "exact", "STL, exact theory", {"color": METHODS["STL"], "marker": MARKERS["STL"]}),
        ("STL", "l1", "least $\\ell_1$ norm", {"color": METHODS["STL"], "linestyle": ":"}),
        ("teacher", "given", "ground truth", {"color": METHODS["teacher"], "linewidth": 1.0}),
    )
    for method, how, label, look in looks:
        series(axis, chosen(rows, method=method, how=how), "n", _norm("l1"), label=label, look=look)
    for how in (LIMIT, LIMIT_L1):
        limit_line(axis, rows, "n", _norm("l1"), look={"color": METHODS["STL"]}, how=how)
    sample_axis(axis, distinct(rows, "n"), ylabel="$\\|\\beta\\|_1$", title="single task, 40 features")
    axis.set_ylim(bottom=0)
    legend_beside(figure, axis, over_seeds(rows))
    footnote(figure, f"{IN_THE_LIMIT}\n(the lower of both: least $\\ell_1$ norm)")
    return figure


def _draw_e(rows: Sequence[Row]) -> Any:
    import matplotlib.pyplot as plt

    overlaps = distinct(rows, "overlap")
    figure, axes = plt.subplots(3, len(overlaps), figsize=(9.6, 7.0), sharex=True, sharey=True, squeeze=False)
    for row, method in zip(axes, ("MTL", "PT+FT", "STL"), strict=True):
        for axis, overlap in zip(row, overlaps, strict=True):
            curves(axis, chosen(rows, overlap=overlap, method=method), _how(method))
            axis.set(title=f"{method}, {overlap} of 40 shared", ylim=(-0.03, 1.03))
        row[0].set_ylabel("share outside the top")
    for axis in axes[:-1].flat:
        axis.set_xlabel("")
    legend_beside(figure, axes[0, -1], "$n$")
    footnote(figure, f"{over_seeds(rows, geometric=False)}\n{IN_THE_LIMIT} {LEAST_NORM}")
    return figure


def _draw_f(rows: Sequence[Row]) -> Any:
    overlaps = distinct(rows, "overlap")
    figure, axes = panels(len(overlaps), width=9.6, height=3.2)
    for axis, overlap in zip(axes, overlaps, strict=True):
        shares_on_auxiliary(axis, chosen(rows, overlap=overlap), overlap)
    axes[0].set_ylabel("share of $\\|\\beta\\|^2$\non auxiliary features")
    legend_beside(figure, axes[-1], over_seeds(rows, geometric=False))
    footnote(figure, f"{IN_THE_LIMIT} {LEAST_NORM}")
    return figure


DRAWN = {"a": _draw_a, "b": _draw_b, "c": _draw_c, "d": _draw_d, "e": _draw_e, "f": _draw_f}
