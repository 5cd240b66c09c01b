"""Pictures show what they say: each line is the mean over seeds of the runs that its label names, in the committed tables."""

from statistics import fmean, geometric_mean

import matplotlib.pyplot as plt
import pytest

from normtheory.figures import committed
from normtheory.figures.diagonal import corollary1, fig1, fig5
from normtheory.figures.drawing import MARKERS, METHODS, SERIES, mark_leaving

MODULES = {"fig1": fig1, "fig5": fig5}
PANELS = [(figure, panel) for figure, module in MODULES.items() for panel in module.DRAWN]


def rows_of(figure, panel):
    return [row for row in committed(figure).to_pylist() if row["panel"] == panel]


@pytest.fixture
def drawn():
    """Pictures by figure and panel; closed afterwards."""
    yield lambda figure, panel: MODULES[figure].DRAWN[panel](rows_of(figure, panel))
    plt.close("all")


def lines(axis):
    """The lines of an axis by their labels."""
    found = zip(*axis.get_legend_handles_labels(), strict=True)
    return {label: getattr(handle, "lines", [handle])[0] for handle, label in found}


def means(rows, where, value, mean, along="n"):
    """By hand: a mean over seeds for each place along the axis."""
    runs = [row for row in rows if all(row[name] == wanted for name, wanted in where.items())]
    places = sorted({row[along] for row in runs})
    return {place: mean([value(row) for row in runs if row[along] == place]) for place in places}


def assert_drawn(line, expected):
    assert expected
    assert dict(zip(*(each.tolist() for each in line.get_data()), strict=True)) == pytest.approx(expected, rel=1e-9)


def relative(row):
    return row["final_loss"] / row["null_loss"]


LABELS = {
    "MTL, gradient flow": ("MTL", "flow"),
    "MTL, equal weights": ("MTL 1:1", "flow"),
    "PT+FT, gradient flow": ("PT+FT", "flow"),
    "PT+FT, exact theory": ("PT+FT", "exact"),
    "PT+FT, pretraining stopped": ("PT+FT", "stopped"),
    "STL, exact theory": ("STL", "exact"),
    "linear probing (lazy)": ("STL (LP)", "closed form"),
}


def test_losses_are_geometric_means_of_the_methods_named(drawn):
    rows, axes = rows_of("fig1", "b"), drawn("fig1", "b").axes
    for axis, overlap in zip(axes, (0, 20, 30, 40), strict=False):
        assert axis.get_title().startswith(f"{overlap} of 40")
        for label, (method, how) in LABELS.items():
            where = {"overlap": overlap, "method": method, "how": how}
            assert_drawn(lines(axis)[label], means(rows, where, relative, geometric_mean))


def test_ratios_are_to_single_task_learning(drawn):
    rows, axes = rows_of("fig1", "b"), drawn("fig1", "b").axes
    for axis, overlap in zip(axes[4:], (0, 20, 30, 40), strict=True):
        many, one = (
            means(rows, {"overlap": overlap, "method": method, "how": how}, relative, geometric_mean)
            for method, how in (("MTL", "flow"), ("STL", "exact"))
        )
        assert_drawn(lines(axis)["MTL, gradient flow"], {n: many[n] / one[n] for n in many})


SIZES = ("1/sqrt(k)", "1/k")


@pytest.mark.parametrize(("label", "overlap"), [("shared", 5), ("task-specific", 0)])
@pytest.mark.parametrize(("figure", "panel", "factors"), [("fig1", "i", (1, 0.1, 0.01)), ("fig5", "b", (1, 0.1, 0.01, 0.001))])
def test_shared_and_task_specific_features_are_what_they_are_called(drawn, figure, panel, factors, label, overlap):
    rows, axes = rows_of(figure, panel), iter(drawn(figure, panel).axes)
    value, mean = (relative, geometric_mean) if figure == "fig1" else ((lambda row: row["share"]), fmean)
    for size in SIZES:
        for factor in factors:
            where = {"overlap": overlap, "how": "exact", "rescale": factor, "magnitude_aux": size}
            assert_drawn(lines(next(axes))[label], means(rows, where, value, mean))


def test_bands_reach_from_the_least_to_the_largest(drawn):
    rows, axis = rows_of("fig1", "i"), drawn("fig1", "i").axes[0]
    band = axis.collections[0].get_paths()[0].vertices
    where = {"overlap": 5, "how": "exact", "rescale": 1, "magnitude_aux": SIZES[0]}
    for end in (min, max):
        for n, value in means(rows, where, relative, end).items():
            assert end(y for x, y in band if x == n) == pytest.approx(value)


@pytest.mark.parametrize("panel", ["e", "f"])
def test_sparse_tasks_are_drawn_by_their_features_and_sizes(drawn, panel):
    rows, axes = rows_of("fig1", panel), iter(drawn("fig1", panel).axes)
    for size in SIZES:
        for method, how in (("MTL", "flow"), ("PT+FT", "exact")):
            found = lines(next(axes))
            for k in (5, 10, 20, 30, 40):
                where = {"method": method, "how": how, "k_main": k, "magnitude": "1/k", "magnitude_aux": size}
                assert_drawn(found[str(k)], means(rows, where, relative, geometric_mean))


@pytest.mark.parametrize("figure", ["fig1", "fig5"])
def test_shares_on_auxiliary_features_are_arithmetic_means(drawn, figure):
    panel = {"fig1": "d", "fig5": "f"}[figure]
    axis, overlap = (drawn(figure, panel).axes[0], {"fig1": 30, "fig5": 0}[figure])
    for method, how in (("MTL", "flow"), ("PT+FT", "exact"), ("STL", "exact")):
        where = {"method": method, "how": how, "overlap": overlap}
        assert_drawn(lines(axis)[method], means(rows_of(figure, panel), where, lambda row: row["share"], fmean))


GEOMETRIC = {"fig1": "befgi", "fig5": "ad"}  # panels of losses and norms; the others are of shares


@pytest.mark.parametrize(("figure", "panel"), PANELS)
def test_pictures_say_what_means_and_bands_are(drawn, figure, panel):
    picture = drawn(figure, panel)
    words = [text.get_text() for text in picture.findobj(plt.Text)]
    kind = "geometric" if panel in GEOMETRIC[figure] else "arithmetic"
    said = [text for text in words if f"{kind} mean over" in text]
    assert said
    assert all("least to largest" in text for text in said)


def test_methods_are_told_apart_by_marker_as_well_as_by_colour():
    markers = [marker for marker in MARKERS.values() if marker]
    assert set(MARKERS) == set(METHODS)
    assert len(set(markers)) == len(markers) == len(METHODS) - 1  # the teacher is a plain line


def test_curves_that_leave_the_axis_are_marked():
    _, axis = plt.subplots()
    (line,) = axis.plot([1, 2, 3], [0.5, 0.05, 20.0])
    (other,) = axis.plot([3], [30.0])
    for each in (line, other):
        each.set_gid(SERIES)
    axis.plot([2], [0.01])  # no series
    axis.set(ylim=(0.1, 10))
    mark_leaving(axis)
    below, *above = axis.get_lines()[3:]
    assert (below.get_xdata().tolist(), below.get_ydata().tolist(), below.get_marker()) == ([2], [0.1], "v")
    assert [(each.get_ydata().tolist(), each.get_marker()) for each in above] == [([10], "^")] * 2
    assert [each.get_color() for each in above] == [line.get_color(), other.get_color()]
    assert above[0].get_xdata()[0] < 3 < above[1].get_xdata()[0]  # side by side
    plt.close("all")


def test_the_picture_of_corollary_1_says_what_its_bands_are():
    picture = corollary1.draw(committed("corollary1"))["corollary1"]
    assert any("geometric mean over" in text.get_text() for text in picture.findobj(plt.Text))
    plt.close("all")
