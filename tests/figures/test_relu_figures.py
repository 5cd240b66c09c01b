"""Figures 2, 4, 6 and 8a-c of tiny grids: every panel is computed and drawn, and pretraining is shared."""

import sys

import numpy as np
import pytest
from relu_grids import DESCENDS, TINY, TINY_LARGE

from normtheory import figures
from normtheory.arrays import InputError
from normtheory.figures.drawing import chosen
from normtheory.figures.files import read_table
from normtheory.figures.record import beside, read_record
from normtheory.figures.relu import cells, fig2, fig4, fig6, fig8, grid
from normtheory.networks import ReLUWeights

MODULES = {"fig2": fig2, "fig4": fig4, "fig6": fig6, "fig8": fig8}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """All four figures, with two workers; what was told of the progress."""
    out, told = tmp_path_factory.mktemp("relu"), []
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(grid.GRIDS, "quick", TINY)
        patch.setitem(grid.LARGE, "quick", TINY_LARGE)
        for name in MODULES:
            figures.make(name, "quick", out, progress=lambda *what, name=name: told.append((name, *what)))
    return out, told


def test_every_panel_is_written_and_drawn(made):
    out, _ = made
    for name, module in MODULES.items():
        table = read_table(out / f"{name}.csv")
        assert table.schema.names == module.SCHEMA.names
        assert set(table["panel"].to_pylist()) == set(module.DRAWN) == set(module.PANELS)
        for panel in module.DRAWN:
            assert (out / f"{name}{panel}.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_cells_are_computed_once_and_pretraining_is_shared(made):
    _, told = made
    pairs = len(TINY.cells())
    assert any(spec["kind"] == "descent" for spec in TINY.cells()) == DESCENDS
    assert ("fig2", 0, 1, "pretrained networks") in told  # one, for all pairs and sparse tasks
    assert ("fig2", pairs, pairs, "main tasks") in told
    assert [what for name, *what in told if name in ("fig6", "fig8")] == [
        [1, 1, "pretrained networks"],
        *([[1, 1, "networks pretrained by descent"]] if DESCENDS else []),
        [pairs, pairs, "main tasks"],
    ] * 2


def test_the_record_knows_the_cells_of_the_grid(made):
    out, _ = made
    assert read_record(beside(out / "fig2.csv")).strangers(TINY.cells()) == 0
    assert read_record(beside(out / "fig2.csv")).strangers(TINY_LARGE.cells()) > 0


def test_runs_are_what_they_are_called(made):
    """Relations that hold for any draw, by other routes than the cells'."""
    out, _ = made
    rows = read_table(out / "fig2.csv").to_pylist()
    flows = [row for row in rows if row["how"] == "flow" and row["final_loss"] is not None]
    for row in flows:
        assert row["best_loss"] <= min(row["final_loss"], row["early_loss"]) * (1 + 1e-4)
        assert row["drift"] < 0.05
        weight = (
            row["n"] / (row["n"] + TINY.samples_aux) if row["method"] == "MTL" else 0.5 if row["method"] == "MTL 1:1" else 1
        )
        end = TINY.last_loss_pooled if row["method"].startswith("MTL") else TINY.last_loss
        assert row["training_loss"] * weight < 2 * end  # of mean squares below 1
        assert row["time"] < TINY.latest
    shared = chosen(rows, panel="a", relation="6/6 shared")
    truths = {row["method"]: row["f12_truth"] for row in shared}
    assert truths["STL"] == pytest.approx(2 * 6**0.5)
    assert truths["MTL"] == pytest.approx(2 * 6 * (2 / 6) ** 0.5)
    least = chosen(rows, panel="a", method="MTL", how="least norm", relation="6/6 shared")[0]
    assert least["lower"] <= least["f12"] <= least["f12_truth"] * (1 + 1e-3)
    curves = chosen(rows, panel="c", method="MTL")
    inertia = [row["inertia"] for row in curves]
    assert inertia[0] == pytest.approx(1, abs=1e-5)
    assert inertia[-1] < 0.5 * inertia[1]
    both = {row["magnitude"]: row["final_loss"] for row in chosen(rows, panel="i", method="MTL", relation="nested")}
    assert both["1/k"] == both["1/sqrt(k)"]  # one unit is of either size
    assert {row["rescale"] for row in chosen(rows, panel="h")} == set(TINY.rescale)


def test_small_factors_are_rich_and_large_ones_lazy(made):
    out, _ = made
    rows = chosen(read_table(out / "fig2.csv").to_pylist(), panel="g", method="PT+FT", how="flow", magnitude="1/k")
    order = {row["rescale"]: row["order"] for row in rows}
    assert 1 < order[0.1] < order[1.0] < order[10.0] < 2
    turned = {row["rescale"]: row["rotation"] for row in rows}
    assert turned[0.1] > turned[10.0]


def test_a_scale_of_other_figures_is_refused(tmp_path):
    with pytest.raises(InputError, match="fig1 has no scale 'laptop'; choose from quick, paper"):
        figures.make("fig1", "laptop", tmp_path)


@pytest.mark.parametrize("name", ["fig2", "fig4"])
def test_descent_without_torch_is_refused_before_anything_is_computed(name, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(InputError, match=r"need the package torch; pip install 'normtheory\[nn\]'"):
        figures.make(name, "laptop", tmp_path / "out", workers=1)
    assert not (tmp_path / "out").exists()


BY_DESCENT = pytest.mark.skipif(not DESCENDS, reason="stochastic descent needs torch: pip install 'normtheory[nn]'")


@BY_DESCENT
def test_larger_teachers_are_trained_by_descent_with_flows_beside_it(made):
    rows = read_table(made[0] / "fig4.csv").to_pylist()
    found = {panel: {(row["method"], row["how"]) for row in chosen(rows, panel=panel)} for panel in fig4.DRAWN}
    descended = {(method, "descent") for method in ("MTL", "PT+FT", "STL")}
    assert found["a"] == {("STL", "descent"), ("STL", "flow"), ("STL lazy", "flow"), ("NTK", "closed form")}
    kernels = {(method, "closed form") for method in ("STL (LP)", "NTK", "PT+FT (LP)", "PT+FT (NTK)")}
    assert found["b"] == descended | kernels | {("PT+FT", "flow"), ("PT+FT", "frozen"), ("STL", "flow")}


@BY_DESCENT
def test_descent_starts_where_it_is_said_to(monkeypatch):
    """Pretraining and single-task learning from the initial weights, finetuning from the pretrained ones; in stated batches."""
    from normtheory.solvers import descent

    seen = []

    def doubled(tasks, weights, settings, **options):
        seen.append((len(tasks), weights, settings.batch))
        end = ReLUWeights.of(2 * weights.hidden, 2 * weights.readout)
        return descent.Descended(end, 0.1, 1, 1, True, 0.0, np.array([0]), np.array([0.0]))

    monkeypatch.setattr(descent, "descend", doubled)
    spec = next(spec for spec in TINY_LARGE.cells() if spec["kind"] == "descended pair")
    cells.cell(spec | {"flows": False, "kernels": False, "batch": 7})
    initial = cells._initial(spec).hidden
    assert [(count, weights.outputs, batch) for count, weights, batch in seen] == [(1, 1, 7), (2, 2, 7), (1, 1, 7), (1, 1, 7)]
    assert [np.array_equal(weights.hidden, initial) for _, weights, _ in seen] == [True, True, False, True]
    assert np.array_equal(seen[2][1].hidden, 2 * initial)


def test_grids_state_what_the_issue_of_each_scale_needs():
    assert [spec["n"] for spec in grid.LARGE_QUICK.cells()] == [256] * 4
    assert len(grid.LAPTOP.seeds) >= 6
    assert len(grid.LAPTOP.seeds_sparse) >= 3
    assert len(grid.LARGE_LAPTOP.seeds) >= 2
    assert grid.PAPER.width == 1000
    assert set(grid.LAPTOP.relations()) == set(grid.PAPER.relations())
    names = {spec["relation"] for spec in grid.LAPTOP.cells()}
    assert {fig2.OF_CURVES, fig2.CORRELATED, fig2.MIXED, *fig2.SHARED, "nested", "disjoint", "alone"} == names


def test_pretraining_is_the_same_whether_kept_or_not(tmp_path):
    from normtheory.figures.sweep.shared import kept_in

    spec = next(spec for spec in TINY.cells() if spec["kind"] == "sparse") | {"seed": 7}
    cells._read_pretrained.cache_clear()
    alone = cells._pretrained(spec)
    cells._read_pretrained.cache_clear()
    with kept_in(tmp_path):
        first = cells._pretrained(spec)
        cells._read_pretrained.cache_clear()
        again = cells._pretrained(spec)
    assert len(list(tmp_path.iterdir())) == 1
    for other in (first, again):
        assert (alone.hidden == other.hidden).all()
        assert (alone.readout == other.readout).all()
