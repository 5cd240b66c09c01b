"""The lines of Figures 1 and 5 in the limit of many inputs: beside the committed runs, in the tables and in the pictures."""

import csv
import shutil
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest

from normtheory import figures
from normtheory.figures import committed, recompute
from normtheory.figures.diagonal import cells, fig1, fig5, limit
from normtheory.figures.diagonal.grid import GRIDS, Grid
from normtheory.figures.drawing import IN_THE_LIMIT, LIMIT, LIMIT_L1, THIN, chosen, of_tasks
from normtheory.figures.record import beside, digest, read_record
from normtheory.solvers.sparse_pairs import SparsePair

DATA = Path(figures.COMMITTED)
GRID = GRIDS["paper"]
MODULES = {"fig1": fig1, "fig5": fig5}
PAIR = SparsePair(1000, 40, 40, 30)


def runs(figure, **where):
    with (DATA / f"{figure}.csv").open(newline="") as handle:
        return [row for row in csv.DictReader(handle) if all(row[name] == value for name, value in where.items())]


@pytest.mark.parametrize(("method", "how"), [("PT+FT", "exact"), ("STL", "exact"), ("MTL", "l12")])
def test_losses_in_the_limit_lie_among_those_of_figure_1b(method, how):
    """At n = 64, where single problems spread by tenths: the mean of log loss within four of its standard errors and 3 %."""
    (row,) = limit.rows(PAIR, [64], [method])
    logs = np.log([float(run["final_loss"]) for run in runs("fig1", panel="b", method=method, how=how, overlap="30", n="64")])
    assert row["how"] == LIMIT
    assert abs(logs.mean() - np.log(row["final_loss"])) < 4 * logs.std(ddof=1) / logs.size**0.5 + 0.03


@pytest.mark.parametrize("method", ["PT+FT", "STL"])
def test_shares_on_auxiliary_features_are_those_of_figure_1d(method):
    for row in limit.rows(PAIR, [32, 256], [method]):
        shares = [
            float(run["share"]) for run in runs("fig1", panel="d", method=method, how="exact", overlap="30", n=str(row["n"]))
        ]
        assert len(shares) == 6
        assert abs(np.mean(shares) - row["aux_share"]) < 4 * np.std(shares, ddof=1) / 6**0.5 + 0.01


def test_measures_of_a_known_predictor():
    """Recovered exactly: shares and norms are those of the teacher."""
    (row,) = limit.rows(PAIR, [512], ["MTL"])
    assert row["final_loss"] == 0
    assert row["aux_share"] == pytest.approx(0.75)
    assert row["l1"] == pytest.approx(40**0.5)
    assert row["l12"] == pytest.approx(2 * (30 * 2**0.5 + 20) / 40**0.5)
    np.testing.assert_allclose(row["outside_top"], [max(0, 1 - top / 40) for top in limit.TOPS], atol=1e-12)


def test_classes_keep_their_parameters_whatever_the_order_of_groups():
    """For l1,2 inputs of the auxiliary task come first: the same predictor's measures must not notice."""
    (held,), (pinned,) = (limit.rows(PAIR, [512], [name]) for name in ("MTL", "MTL, pinned"))
    for measure in ("aux_share", "l1", "l12", "q_printed", "q_exact"):
        assert held[measure] == pytest.approx(pinned[measure], rel=1e-3)


def test_rescaling_multiplies_the_reset_layer_too():
    (row,) = limit.rows(SparsePair(1000, 5, 40, 5, 0.2), [64], ["PT+FT"], rescale=0.1)
    found = runs(
        "fig1",
        panel="g",
        method="PT+FT",
        how="exact",
        overlap="5",
        k_main="5",
        magnitude="1/k",
        magnitude_aux="1/sqrt(k)",
        rescale="0.1",
        n="64",
    )
    logs = np.log([float(run["final_loss"]) for run in found])
    assert logs.size == 6
    assert abs(logs.mean() - np.log(row["final_loss"])) < 4 * logs.std(ddof=1) / 6**0.5 + 0.1


@pytest.mark.parametrize(("method", "how", "factor"), [("PT+FT", "exact", 1.1), ("STL", "exact", 1.15)])
def test_numbers_of_weights_in_use_are_those_of_figure_5a(method, how, factor):
    """From 32 samples on: the strongest weight, which sets the threshold, fluctuates with fewer."""
    pair = SparsePair(1000, 40, 40, 40)
    for row in limit.rows(pair, [32, 64, 128, 256, 512], [method]):
        counts = [float(run["active"]) for run in runs("fig5", panel="a", method=method, how=how, n=str(row["n"]))]
        assert len(counts) == 6
        assert 1 / factor < np.mean(counts) / row["active"] < factor


def test_least_l1_norm_uses_as_many_weights_as_there_are_samples_until_it_recovers_the_teacher():
    pair = SparsePair(1000, 40, 40, 40)
    few, many = limit.rows(pair, [64, 512], ["STL, l1"])
    assert few["active"] == pytest.approx(64, rel=1e-3)
    assert many["active"] == pytest.approx(40)


def test_lines_have_the_samples_of_the_cells_and_some_between():
    assert limit.between([16]) == [16]
    found = limit.between([16, 64, 128])
    assert {16, 64, 128} <= set(found)
    assert len(found) == 3 * limit.AN_OCTAVE + 1
    assert max(np.diff(np.log(found))) < 0.2


@pytest.mark.parametrize("figure", MODULES)
def test_the_lines_of_the_tables_are_what_the_code_computes(figure):
    """A hundredth of them, drawn at random, and as many as the grid asks for."""
    module, rows = MODULES[figure], committed(figure).to_pylist()
    lines = [row for row in rows if row["how"] in (LIMIT, LIMIT_L1)]
    assert all(row["seed"] is None for row in lines)
    draw = np.random.default_rng(3)
    for row in draw.choice(lines, len(lines) // 100, replace=False):
        grid = Grid(
            seeds=(),
            samples=[row["n"]],
            overlaps=[row["overlap"]] if row["magnitude"] == cells.UNIT_NORM else (),
            features=[row["k_main"]] if row["magnitude"] == cells.RECIPROCAL else (),
            rescale=[row["rescale"]],
        )
        anew = [each for line in limit.lines(grid) for each in module.panel_rows(line)]
        same = [each for each in anew if all(each[name] == row[name] for name in recompute.DIAGONAL.names)]
        assert len(same) == 1
        assert not list(recompute._beside(figure, same[0], row, module.SCHEMA.names, recompute.DIAGONAL.names))


def test_every_panel_has_its_lines():
    """At all numbers of samples, or at the runs' own in panels along another axis."""
    dense, sparse = len(limit.between(GRID.samples)), len(GRID.samples)
    overlaps, features, factors, tops = (len(each) for each in (GRID.overlaps, GRID.features, GRID.rescale, cells.TOPS))
    expected = {
        "fig1": {
            "b": 5 * overlaps * dense,
            "c": 2 * tops * sparse,
            "d": 3 * dense,
            "e": 4 * features * dense,
            "f": 4 * features * dense,
            "g": 4 * features * dense,
            "h": 2 * factors * sparse,
            "i": 2 * 2 * 3 * dense,
        },
        "fig5": {
            "a": 3 * dense,
            "b": 2 * 2 * factors * dense,
            "c": 2 * tops * sparse,
            "d": 2 * dense,
            "e": 3 * overlaps * tops * sparse,
            "f": 3 * overlaps * dense,
        },
    }
    for figure, panels in expected.items():
        lines = [row for row in committed(figure).to_pylist() if row["how"] in (LIMIT, LIMIT_L1)]
        assert {panel: len(chosen(lines, panel=panel)) for panel in panels} == panels
        assert len(lines) == sum(panels.values())


@pytest.mark.parametrize(("figure", "panel"), [(name, panel) for name, module in MODULES.items() for panel in module.DRAWN])
def test_pictures_have_thin_lines_and_say_what_they_are(figure, panel):
    picture = MODULES[figure].DRAWN[panel](chosen(committed(figure).to_pylist(), panel=panel))
    thin = [line for line in picture.findobj(plt.Line2D) if line.get_label() == THIN["label"]]
    assert thin
    assert all(line.get_linestyle() == "--" for line in thin)  # as matplotlib calls any pattern of one's own
    assert any(IN_THE_LIMIT in text.get_text() for text in picture.findobj(plt.Text))
    plt.close("all")


def test_a_thin_line_is_the_limit_of_the_runs_in_its_colour():
    rows = chosen(committed("fig1").to_pylist(), panel="i")
    axis = fig1.DRAWN["i"](rows).axes[0]
    where = {"rescale": 1.0, "overlap": 5, "magnitude_aux": cells.UNIT_NORM, "how": LIMIT}
    expected = {row["n"]: row["final_loss"] / row["null_loss"] for row in chosen(rows, **where)}
    drawn = [dict(zip(*line.get_data(), strict=True)) for line in axis.get_lines() if line.get_label() == THIN["label"]]
    assert expected in drawn
    plt.close("all")


def test_lines_are_put_into_the_tables_without_touching_the_runs(tmp_path, monkeypatch):
    for figure in MODULES:
        for ending in ("csv", "json"):
            shutil.copy(DATA / f"{figure}.{ending}", tmp_path)
    monkeypatch.setattr(figures, "COMMITTED", tmp_path)
    before = {figure: committed(figure).to_pylist() for figure in MODULES}
    few = Grid(seeds=(), samples=[16], overlaps=(30,), features=(5,), rescale=(1.0,))
    recompute.put_in(limit.lines(few))
    for figure in MODULES:
        rows = committed(figure).to_pylist()
        assert of_tasks(rows) == of_tasks(before[figure])
        assert len(rows) < len(before[figure])
        path = figures.committed_file(figure)
        assert read_record(beside(path)).rows == digest(path)
        assert read_record(beside(path)).code == read_record(beside(DATA / f"{figure}.csv")).code
    assert not list(recompute.differing_lines(limit.lines(few)))
    (line,) = (each for each in limit.lines(few) if each["method"] == "STL" and each["how"] == LIMIT)
    assert any("final_loss" in words for words in recompute.differing_lines([line | {"final_loss": 0.9 * line["final_loss"]}]))
