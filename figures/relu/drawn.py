"""The pictures of Figures 2, 4, 6 and 8a-c: trained networks as points, theory as lines, a panel of axes for each condition."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from normtheory.figures.drawing import (
    LEAVING,
    MARKERS,
    METHODS,
    Row,
    Value,
    chosen,
    distinct,
    footnote,
    legend_beside,
    mark_leaving,
    over_seeds,
    relative_loss,
    sample_axis,
    series,
    shades,
)
from normtheory.figures.drawing import panels as axes_in_a_row
from normtheory.figures.files import COLOURS

EQUAL = "MTL, equal weights"
Lines = tuple[tuple[str, str, str, dict[str, Any]], ...]  # method, how, label, look: in the order of the legend


def _points(method: str) -> dict[str, Any]:
    return {"color": METHODS[method], "marker": MARKERS[method], "linestyle": "-", "linewidth": 0.9}


LOSSES: Lines = (
    ("MTL", "flow", "MTL", _points("MTL")),
    ("MTL 1:1", "flow", EQUAL, _points("MTL 1:1")),
    ("MTL", "least norm", "least $F_{1,2}$ norm", {"color": METHODS["MTL"], "linestyle": ":"}),
    ("PT+FT", "flow", "PT+FT", _points("PT+FT")),
    ("PT+FT", "frozen", "PT+FT, directions held (exact)", {"color": METHODS["PT+FT"], "linestyle": "--"}),
    ("PT+FT (LP)", "closed form", "PT + linear probing", {"color": METHODS["PT+FT (LP)"], "linestyle": "-"}),
    ("STL", "flow", "STL", _points("STL")),
    ("STL", "least norm", "least $F_1$ norm", {"color": METHODS["STL"], "linestyle": ":"}),
    ("STL lazy", "flow", "STL, large weights", _points("STL") | {"color": COLOURS["green"], "marker": "v"}),
    ("NTK", "closed form", "tangent kernel", {"color": METHODS["STL (LP)"], "linestyle": "-"}),
)
BESIDE = {"linestyle": "none", "marker": "x", "markersize": 9, "zorder": 4}
BY_DESCENT = ("MTL", "PT+FT", "STL")
# The same where stochastic descent, and not flow, is what networks are trained by.
DESCENDED = tuple(
    (method, "descent", f"{label}, SGD", look) if how == "flow" and method in BY_DESCENT else (method, how, label, look)
    for method, how, label, look in LOSSES
)
FACTORS = {
    0.1: {"color": COLOURS["green"], "marker": "v"},
    1.0: {"color": COLOURS["vermilion"], "marker": MARKERS["PT+FT"]},
    10.0: {"color": COLOURS["purple"], "marker": "D"},
}
STYLES = {"nested": "-", "disjoint": "--"}


def _column(name: str) -> Value:
    return lambda row: float(row[name])


def _row_of_axes(count: int, height: float = 3.2) -> tuple[Any, list[Any]]:
    return axes_in_a_row(count, width=min(2.3 * count + 2.6, 10.5), height=height)


def _explained(figure: Any, axis: Any, rows: Sequence[Row], title: str, *, geometric: bool) -> None:
    """The legend, beside, and what marks mean, below."""
    legend_beside(figure, axis, title)
    footnote(figure, over_seeds(rows, geometric=geometric))


LOWEST, HIGHEST = 3e-7, 3.0  # of the losses that are drawn: least norms recover their teachers to round-off
RELATIONS = ("0/6 shared", "3/6 shared", "5/6 shared", "5 shared, rest correlated", "6/6 shared", "all correlated")


def _relations(rows: Sequence[Row]) -> list[str]:
    """The relations of the tasks, from new units to shared ones, then correlated ones."""
    found = distinct(rows, "relation")
    return sorted(found, key=lambda name: RELATIONS.index(name) if name in RELATIONS else found.index(name))


def _title(relation: str) -> str:
    return relation.replace(", ", ",\n")


def losses_by_relation(rows: Sequence[Row], lines: Lines = LOSSES, beside: tuple[str, str] = ("descent", "SGD")) -> Any:
    """Loss against n, a line a method; what stands beside, by its name and label, as crosses; axes for each relation."""
    aside, named = beside
    relations = _relations(rows)
    alone = len(relations) == 1
    figure, axes = axes_in_a_row(len(relations), width=5.2 if alone else 10.5, height=5.2 if alone else 4.6)
    for axis, relation in zip(axes, relations, strict=True):
        here = chosen(rows, relation=relation)
        for method, how, label, look in lines:
            runs = chosen(here, method=method, how=how)
            label += "" if how != "least norm" else f" ({_seeds(runs)})"
            series(axis, runs, "n", relative_loss, label=label, look=look)
        for method in BY_DESCENT:
            look = {"color": METHODS[method], **BESIDE}
            runs = chosen(here, method=method, how=aside)
            series(axis, runs, "n", relative_loss, label=f"{method}, {named} ({_seeds(runs)})", look=look)
        sample_axis(axis, distinct(rows, "n"), title=_title(relation), yscale="log")
    low, high = axes[0].get_ylim()  # of all
    axes[0].set_ylim(max(low, LOWEST), min(high, HIGHEST))
    for axis in axes:
        mark_leaving(axis)
    axes[0].set_ylabel("generalisation loss / null loss")
    found = {label: handle for axis in axes for handle, label in zip(*axis.get_legend_handles_labels(), strict=True)}
    means = f"{over_seeds(rows)}; {LEAVING}".replace("; ", ";\n" if alone else "; ")
    figure.legend(found.values(), found, loc="outside lower center", ncols=2 if alone else 4, title=means)
    return figure


def larger_losses(rows: Sequence[Row]) -> Any:
    """The same by stochastic descent, with flows as crosses."""
    return losses_by_relation(rows, DESCENDED, ("flow", "flow"))


def _lines(axis: Any, rows: Sequence[Row], name: str, value: Value, *, geometric: bool = True) -> None:
    """A line for each value of a column, in shades."""
    values = distinct(rows, name)
    for each, colour in zip(values, shades(len(values)), strict=True):
        look = {"color": colour, "marker": "o"}
        series(axis, chosen(rows, **{name: each}), "n", value, label=f"{each}", look=look, geometric=geometric)
    sample_axis(axis, distinct(rows, "n"))


def _small(rows: Sequence[Row]) -> list[Row]:
    return chosen(rows, magnitude="1/k")


def losses_by_units(rows: Sequence[Row]) -> Any:
    """Loss against n, a line for each number of main units; a pair of axes for each method."""
    methods = [method for method in ("MTL", "PT+FT", "STL") if chosen(rows, method=method)]
    figure, axes = _row_of_axes(len(methods))
    for axis, method in zip(axes, methods, strict=True):
        _lines(axis, _small(chosen(rows, method=method)), "k_main", relative_loss)
        axis.set(title=method, yscale="log")
    axes[0].set_ylabel("generalisation loss / null loss")
    _explained(figure, axes[0], rows, f"main units\n(size 1/k;\n{_seeds(rows)})", geometric=True)
    return figure


def losses_by_factor(rows: Sequence[Row]) -> Any:
    """The same, a pair of axes for each factor of PT+FT and for MTL; lines of the exact end with directions held."""
    factors = distinct(chosen(rows, method="PT+FT"), "rescale")
    figure, axes = _row_of_axes(len(factors) + 1)
    for axis, factor in zip(axes, factors, strict=False):
        _lines(axis, _small(chosen(rows, method="PT+FT", how="flow", rescale=factor)), "k_main", relative_loss)
        axis.set(title=f"PT+FT, times {factor:g}", yscale="log")
    _lines(axes[-1], _small(chosen(rows, method="MTL")), "k_main", relative_loss)
    axes[-1].set(title="MTL", yscale="log")
    axes[0].set_ylabel("generalisation loss / null loss")
    _explained(figure, axes[0], rows, f"main units\n(nested, 1/k;\n{_seeds(rows)})", geometric=True)
    return figure


def shared_or_new(rows: Sequence[Row]) -> Any:
    """Loss against n where the one main unit is an auxiliary one, or is not."""
    return _shared_or_new(_small(rows), relative_loss, "generalisation loss / null loss", log=True)


def alignment_shared_or_new(rows: Sequence[Row]) -> Any:
    """Alignment likewise."""
    return _shared_or_new(_small(rows), _column("alignment"), "alignment with the main unit", log=False)


def _shared_or_new(rows: Sequence[Row], value: Value, name: str, *, log: bool) -> Any:
    factors = distinct(chosen(rows, method="PT+FT"), "rescale")
    figure, axes = _row_of_axes(len(factors) + 1)
    several = [(f"PT+FT, times {factor:g}", chosen(rows, method="PT+FT", rescale=factor)) for factor in factors]
    for axis, (title, here) in zip(axes, [*several, ("MTL", chosen(rows, method="MTL"))], strict=True):
        for relation, label in (("nested", "shared"), ("disjoint", "task-specific")):
            method = title[:5].rstrip(",")
            look = {"color": METHODS[method], "marker": MARKERS[method], "linestyle": STYLES[relation]}
            series(axis, chosen(here, relation=relation), "n", value, label=label, look=look, geometric=log)
        sample_axis(axis, distinct(rows, "n"), title=title)
        axis.set(**({"yscale": "log"} if log else {"ylim": (0.3, 1.02)}))
    axes[0].set_ylabel(name)
    _explained(figure, axes[0], rows, f"one main unit\n({_seeds(rows)})", geometric=log)
    return figure


def _seeds(rows: Sequence[Row]) -> str:
    count = len(distinct(rows, "seed"))
    return f"{count} seeds" if count != 1 else "one seed"


def _curves(axis: Any, rows: Sequence[Row], title: str) -> None:
    """Inertia about the mean against the number of clusters, a line for each n."""
    samples = distinct(rows, "n")
    for n, colour in zip(samples, shades(len(samples)), strict=True):
        look = {"color": colour, "marker": "."}
        series(axis, chosen(rows, n=n), "clusters", _column("inertia"), label=str(n), look=look, geometric=False)
    axis.set(title=title, ylim=(-0.03, 1.03), xlabel="clusters $K$", xticks=(1, 6, 12))


def _curves_in_a_row(rows: Sequence[Row], parts: Sequence[tuple[str, list[Row]]]) -> Any:
    figure, axes = _row_of_axes(len(parts))
    for axis, (title, here) in zip(axes, parts, strict=True):
        _curves(axis, here, title)
    axes[0].set_ylabel("inertia (share of variance)")
    _explained(figure, axes[0], rows, f"$n$\n({_seeds(rows)})", geometric=False)
    return figure


def inertia_by_method(rows: Sequence[Row]) -> Any:
    """Inertia against the number of clusters, a pair of axes for each method."""
    return _curves_in_a_row(rows, [(method, chosen(rows, method=method)) for method in distinct(rows, "method")])


def inertia_by_relation(rows: Sequence[Row]) -> Any:
    """The same of the one method with one output or with two, a pair of axes for each relation."""
    method = "MTL" if chosen(rows, method="MTL") else "PT+FT"
    own = chosen(rows, method=method)
    return _curves_in_a_row(
        rows, [(f"{method}\n{_title(relation)}", chosen(own, relation=relation)) for relation in _relations(own)]
    )


def inertia_alone(rows: Sequence[Row]) -> Any:
    """The same of tasks learned alone, for each initial scale and number of teacher units."""
    return _curves_in_a_row(
        rows,
        [
            (f"{label}, {units} units", chosen(rows, method=method, k_main=units))
            for method, label in (("STL", "rich"), ("STL lazy", "lazy"))
            for units in distinct(rows, "k_main")
        ],
    )


def _by_scale(
    rows: Sequence[Row], value: Value, name: str, lines: Lines = LOSSES[-4:], *, geometric: bool = False, log: bool = False
) -> Any:
    """A quantity against n, rich and lazy, a pair of axes for each number of teacher units."""
    units = distinct(rows, "k_main")
    figure, axes = _row_of_axes(len(units))
    for axis, count in zip(axes, units, strict=True):
        for method, how, label, look in lines:
            here = chosen(rows, method=method, how=how, k_main=count)
            series(axis, here, "n", value, label=label, look=look, geometric=geometric)
        sample_axis(axis, distinct(rows, "n"), title=f"{count} teacher units")
        axis.set(**({"yscale": "log"} if log else {}))
    axes[0].set_ylabel(name)
    _explained(figure, axes[0], rows, _seeds(rows), geometric=geometric)
    return figure


def rich_or_lazy(rows: Sequence[Row]) -> Any:
    """Loss of a task learned alone, by stochastic descent from small weights; its flow as crosses."""
    beside = ("STL", "flow", "STL, flow", {"color": METHODS["STL"], **BESIDE})
    return _by_scale(
        rows, relative_loss, "generalisation loss / null loss", (*DESCENDED[-4:], beside), geometric=True, log=True
    )


def alignment_alone(rows: Sequence[Row]) -> Any:
    """Alignment with the teacher of a task learned alone."""
    return _by_scale(rows, _column("alignment"), "alignment")


def dimensions_alone(rows: Sequence[Row]) -> Any:
    """Participation ratio of a task learned alone."""
    return _by_scale(rows, _column("pr"), "participation ratio", geometric=True)


def alignment_by_relation(rows: Sequence[Row]) -> Any:
    """Alignment with the main teacher's units against n, a line a method."""
    relations = _relations(rows)
    figure, axes = _row_of_axes(len(relations))
    for axis, relation in zip(axes, relations, strict=True):
        for method in ("MTL", "MTL 1:1", "PT+FT", "STL"):
            here = chosen(rows, method=method, relation=relation)
            look = {"color": METHODS[method], "marker": MARKERS[method]}
            label = EQUAL if method == "MTL 1:1" else method
            series(axis, here, "n", _column("alignment"), label=label, look=look, geometric=False)
        sample_axis(axis, distinct(rows, "n"), title=_title(relation), ylim=(0.3, 1.02))
    axes[0].set_ylabel("alignment with main units")
    _explained(figure, axes[0], rows, _seeds(rows), geometric=False)
    return figure


def _by_factor(axis: Any, rows: Sequence[Row], value: Callable[[Row], float], *, geometric: bool) -> None:
    for factor in distinct(chosen(rows, method="PT+FT"), "rescale"):
        here = chosen(rows, method="PT+FT", rescale=factor)
        series(axis, here, "n", value, label=f"PT+FT, times {factor:g}", look=FACTORS[factor], geometric=geometric)
    look = {"color": METHODS["MTL"], "marker": MARKERS["MTL"]}
    series(axis, chosen(rows, method="MTL"), "n", value, label="MTL", look=look, geometric=geometric)
    sample_axis(axis, distinct(rows, "n"))


def one_cluster(rows: Sequence[Row]) -> Any:
    """Inertia about zero with one cluster against n, a line for each factor."""
    figure, (axis,) = _row_of_axes(1)
    _by_factor(axis, _small(chosen(rows, clusters=1)), _column("uncentred"), geometric=False)
    axis.set(ylim=(-0.03, 1.03), ylabel="inertia about 0, $K = 1$", title="one main unit, an auxiliary one")
    _explained(figure, axis, rows, _seeds(rows), geometric=False)
    return figure


def dimensions_after(rows: Sequence[Row]) -> Any:
    """Participation ratio after finetuning over that before, by relation."""
    figure, axes = _row_of_axes(2)
    for axis, (relation, title) in zip(axes, (("nested", "auxiliary unit"), ("disjoint", "new unit")), strict=True):
        here = _small(chosen(rows, relation=relation))
        _by_factor(axis, here, lambda row: float(row["pr"] / row["pr_before"]), geometric=True)
        axis.axhline(1, color=COLOURS["grey"], linewidth=0.8)
        axis.set_title(title)
    axes[0].set_ylabel("participation ratio\nafter / before finetuning")
    _explained(figure, axes[0], rows, _seeds(rows), geometric=True)
    return figure


def dimensions_shared(rows: Sequence[Row]) -> Any:
    """Participation ratio before and after finetuning, and the dimensions that both share."""
    figure, axes = _row_of_axes(3)
    here = _small(chosen(rows, relation="nested"))
    for axis, (name, title) in zip(axes, (("pr_before", "PR before"), ("pr", "PR after"), ("ensd", "ENSD")), strict=True):
        _by_factor(axis, here, _column(name), geometric=True)
        axis.set_title(title)
    axes[0].set_ylabel("dimensions")
    _explained(figure, axes[0], rows, f"one auxiliary unit\n({_seeds(rows)})", geometric=True)
    return figure
