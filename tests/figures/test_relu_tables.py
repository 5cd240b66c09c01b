"""The committed tables of Figures 2, 4, 6 and 8 hold what they should, and what the code computes."""

from math import log

import matplotlib.pyplot as plt
import pytest

from normtheory.figures import committed, recompute
from normtheory.figures.drawing import METHODS, SERIES, chosen
from normtheory.figures.files import STYLE
from normtheory.figures.relu import fig2, fig4, fig6, fig8, grid

GRID = grid.GRIDS["laptop"]
FAMILY = recompute.FAMILIES["relu"]
MODULES = {"fig2": fig2, "fig4": fig4, "fig6": fig6, "fig8": fig8}
LARGE = grid.LARGE["laptop"]


@pytest.mark.parametrize("figure", FAMILY.tables)
def test_every_panel_has_its_seeds_and_samples(figure):
    rows = committed(figure).to_pylist()
    assert {row["panel"] for row in rows} == set(MODULES[figure].PANELS)
    for panel in MODULES[figure].PANELS:
        here = [row for row in chosen(rows, panel=panel) if row["how"] != "least norm"]
        single = {row["relation"] for row in here} == {"alone"}
        sparse = not single and {row["relation"] for row in here} <= {"nested", "disjoint"}
        seeds, samples = (
            (GRID.seeds_sparse, GRID.samples_single)
            if single
            else (GRID.seeds_sparse, GRID.samples_sparse)
            if sparse
            else (GRID.seeds, GRID.samples)
        )
        assert {(row["seed"], row["n"]) for row in here} == {(seed, n) for seed in seeds for n in samples}


def test_flows_reached_their_loss_or_the_latest_time():
    """In units of the mean square of the targets, which is near that of all inputs; pooled losses are of both tasks."""
    rows = [row for row in committed("fig2").to_pylist() if row["how"] == "flow" and row["final_loss"] is not None]
    for row in rows:
        pooled = row["method"].startswith("MTL")
        end = GRID.last_loss_pooled if pooled else GRID.last_loss
        share = 1 if not pooled else row["n"] / (row["n"] + GRID.samples_aux) if row["method"] == "MTL" else 0.5
        assert row["time"] >= GRID.latest or row["training_loss"] * share < 4 * end * max(row["null_loss"], 0.17)


def test_larger_teachers_have_every_run():
    rows = committed("fig4").to_pylist()
    alone, pairs = chosen(rows, panel="a"), chosen(rows, panel="b")
    trained = {(row["method"], row["how"]) for row in alone if row["n"] > LARGE.samples_flow}
    assert trained == {("STL", "descent"), ("STL lazy", "flow"), ("NTK", "closed form")}
    for method, how in trained:
        found = {(row["k_main"], row["n"], row["seed"]) for row in chosen(alone, method=method, how=how)}
        tasks = {(k, n) for k in LARGE.units_single for n in LARGE.samples_single}
        tasks |= {(LARGE.units_single[0], n) for n in LARGE.samples_sparsest}
        assert found == {(k, n, seed) for k, n in tasks for seed in LARGE.seeds_sparse}
    for method in ("MTL", "PT+FT", "STL"):
        found = {(row["relation"], row["n"], row["seed"]) for row in chosen(pairs, method=method, how="descent")}
        assert found == {(name, n, seed) for name in LARGE.relations() for n in LARGE.samples for seed in LARGE.seeds}


def test_flow_ends_where_stochastic_descent_does():
    """Two algorithms that share tasks and initial weights: of pairs and single tasks, where both were run."""
    columns = ("panel", "method", "relation", "k_main", "n", "seed")
    rows = [row for row in committed("fig4").to_pylist() if row["method"] in ("PT+FT", "STL")]
    flows = {tuple(row[name] for name in columns): row for row in chosen(rows, how="flow")}
    ends = {tuple(row[name] for name in columns): row for row in chosen(rows, how="descent")}
    assert len(flows) == 32
    for place, flow in flows.items():
        assert abs(log(flow["final_loss"] / ends[place]["final_loss"])) < 0.04
        if flow["time"] >= LARGE.latest:  # at rest, where no unit can fit what is left
            assert flow["training_loss"] == pytest.approx(ends[place]["training_loss"], rel=1e-5)


@pytest.mark.recompute
def test_cells_computed_anew_are_as_in_the_tables():
    specs = recompute.drawn(FAMILY.specs(), 4, draw=2, balanced=FAMILY.balanced)
    assert [words for spec in specs for words in recompute.differences(spec, FAMILY)] == []


def test_axes_show_every_mean_of_larger_teachers():
    with plt.style.context(STYLE):
        picture = fig4.DRAWN["b"](chosen(committed("fig4").to_pylist(), panel="b"))
    for axis in picture.axes:
        low, high = axis.get_ylim()
        means = [y for line in axis.get_lines() if line.get_gid() == SERIES for y in line.get_ydata()]
        assert low < min(means)
        assert max(means) < high
    plt.close(picture)


@pytest.mark.parametrize("figure", MODULES)
def test_pictures_say_what_their_marks_are_and_tell_methods_apart_without_colour(figure):
    with plt.style.context(STYLE):
        for panel, draw in MODULES[figure].DRAWN.items():
            picture = draw(chosen(committed(figure).to_pylist(), panel=panel))
            texts = [text.get_text() for text in picture.findobj(plt.Text)]
            assert any("mean over" in text and "least to largest" in text for text in texts), panel
            for axis in picture.axes:
                trained = [line for line in axis.get_lines() if line.get_gid() == SERIES and line.get_marker() in set("osP^vD")]
                looks = {(line.get_color(), line.get_marker()) for line in trained if line.get_color() in METHODS.values()}
                assert len({marker for _, marker in looks}) == len({colour for colour, _ in looks}), panel
            plt.close(picture)
