"""Committed tables are what their records say, and what the code computes: some cells are computed anew, others on request."""

import shutil
from dataclasses import replace

import pytest

from normtheory import figures
from normtheory.arrays import InputError
from normtheory.figures import committed, committed_file, recompute
from normtheory.figures.deep import cells as deep_cells
from normtheory.figures.deep import grid as deep_grid
from normtheory.figures.diagonal import cells, fig1, fig5, grid
from normtheory.figures.drawing import chosen, of_tasks
from normtheory.figures.record import Record, beside, digest, read_record, record_of, write_record
from normtheory.figures.relu import cells as relu_cells
from normtheory.figures.relu import grid as relu_grid
from normtheory.figures.sweep.keys import code_version

GRID = grid.GRIDS["paper"]
# What each table was made from: its grid, something else in place of a part of it, the module of its cells.
PAPER = GRID, {"gamma": 2e-3}, cells
LAPTOP = relu_grid.GRIDS["laptop"], {"gamma": 2e-3}, relu_cells
OTHER_RATE = {"finetuning": deep_grid.LAPTOP | {"rate": 0.02}}
MADE_FROM = {
    **dict.fromkeys(("fig1", "fig5"), PAPER),
    **dict.fromkeys(("fig2", "fig6", "fig8"), LAPTOP),
    "fig4": (relu_grid.LARGE["laptop"], {"gamma": 2e-3}, relu_cells),
    "fig3": (deep_grid.CLASSES["laptop"], OTHER_RATE, deep_cells),
    "fig7": (deep_grid.IMAGENET["laptop"], OTHER_RATE, deep_cells),
}
RECORDED = sorted(path.stem for path in figures.COMMITTED.glob("*.json"))


def record(figure):
    return read_record(beside(committed_file(figure)))


@pytest.mark.parametrize("figure", RECORDED)
def test_a_committed_table_is_the_file_that_its_record_describes(figure):
    assert digest(committed_file(figure)) == record(figure).rows


@pytest.mark.parametrize("figure", MADE_FROM)
def test_a_committed_table_has_the_cells_of_the_grid_and_no_others(figure):
    whole, other, _ = MADE_FROM[figure]
    assert record(figure).strangers(whole.cells()) == 0
    assert record(figure).strangers(replace(whole, **other).cells()) == 2 * len(whole.cells())


@pytest.mark.parametrize("figure", MADE_FROM)
def test_a_committed_table_was_made_by_the_code_there_is(figure):
    """If not: `python -m normtheory.figures.recompute --family FAMILY --accept`, or make the table anew."""
    code = code_version(MADE_FROM[figure][2].cell)
    assert code in (record(figure).code, *record(figure).agreed)


def test_the_committed_tables_cover_the_grid():
    rows = of_tasks(committed("fig1").to_pylist())
    times, features = len(GRID.samples) * len(GRID.seeds), len(GRID.features)
    counts = {panel: len(chosen(rows, panel=panel)) for panel in fig1.DRAWN}
    assert counts["b"] == (len(fig1.LOSSES) + 1) * len(GRID.overlaps) * times  # and the least l1 norm
    assert counts["c"] == 3 * len(cells.TOPS) * times
    assert counts["d"] == 4 * times
    # MTL, and PT+FT pretrained without end and stopped, for two sizes of auxiliary weights; a control; flows of PT+FT for few n
    few = sum(n <= GRID.flow_samples for n in GRID.samples) * len(GRID.seeds)
    assert counts["e"] == counts["f"] == features * (7 * times + few)
    assert counts["g"] == 2 * features * 5 * times
    assert counts["h"] == 4 * len(GRID.rescale) * times
    assert counts["i"] == 2 * 4 * 3 * times
    assert {row["panel"] for row in committed("fig5").to_pylist()} == set(fig5.DRAWN)


FEW = [spec for spec in GRID.cells() if spec["n"] <= 32 and spec["last_loss"] is None]


@pytest.mark.parametrize("kind", ["overlap", "sparse"])
def test_a_cell_computed_anew_is_as_in_the_tables(kind):
    (spec,) = recompute.drawn([spec for spec in FEW if spec["kind"] == kind], 1, draw=11)
    assert list(recompute.differences(spec)) == []


@pytest.mark.recompute
def test_fifteen_cells_computed_anew_are_as_in_the_tables():
    found = [words for spec in recompute.drawn(GRID.cells(), recompute.CELLS, draw=2) for words in recompute.differences(spec)]
    assert found == []


def test_cells_are_drawn_over_all_samples_and_tasks():
    for draw in range(3):
        specs = recompute.drawn(GRID.cells(), recompute.CELLS, draw)
        assert {spec["n"] for spec in specs} == set(GRID.samples)
        assert {(spec["kind"], spec["overlap"] == 0) for spec in specs} == {
            (kind, none) for kind in ("overlap", "sparse") for none in (True, False)
        }
        assert {spec["features"] for spec in specs} == set(GRID.features)


def test_what_differs_is_named(monkeypatch):
    """Runs that say something else than the table: another loss, and a run that the table does not have."""
    row = chosen(committed("fig1").to_pylist(), panel="f", method="PT+FT", how="exact", n=16)[0]
    run = row | {"kind": "sparse", "final_loss": 1.01 * row["final_loss"], "aux_share": 0.0, "outside_top": [0.0] * 12}
    spec = {"n": 16, "seed": row["seed"]}
    monkeypatch.setattr(cells, "cell", lambda spec: [run])
    assert any("final_loss is" in words and "fig1, panel = f" in words for words in recompute.differences(spec))
    monkeypatch.setattr(cells, "cell", lambda spec: [run | {"overlap": 7, "k_main": 7}])
    assert any("no such row" in words for words in recompute.differences(spec))


def test_a_table_that_was_edited_does_not_fit_its_record(tmp_path):
    table = shutil.copy(committed_file("fig1"), tmp_path / "fig1.csv")
    specs = GRID.cells()
    write_record(record_of(table, "code", specs), beside(table))
    assert read_record(beside(table)).rows == digest(table)
    table.write_text(table.read_text().replace("0.1", "0.2", 1))
    assert read_record(beside(table)).rows != digest(table)


def test_records_note_code_that_agrees_once():
    once = Record("old", (), ("key",), "rows").agreeing("new")
    assert once.agreed == once.agreeing("new").agreed == once.agreeing("old").agreed == ("new",)


def test_a_table_without_a_record_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(figures, "COMMITTED", tmp_path)
    shutil.copy(figures.Path(recompute.__file__).with_name("data") / "fig1.csv", tmp_path)
    with pytest.raises(InputError, match=r"no record fig1\.json"):
        record("fig1")
