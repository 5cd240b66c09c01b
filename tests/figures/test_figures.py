"""The figures: tables that say what they should, pictures that appear whole, and names that are checked."""

import numpy as np
import pyarrow as pa
import pytest

from normtheory import figures
from normtheory.arrays import InputError
from normtheory.figures.diagonal import cells, corollary1, fig1, fig5, grid, limit, penalty_landscapes
from normtheory.figures.drawing import chosen, of_tasks, relative_loss
from normtheory.figures.files import read_table, rounded, write_picture, write_table
from normtheory.figures.record import beside, digest, read_record
from normtheory.figures.sweep import IncompleteError, Sweep
from normtheory.figures.sweep.keys import code_version
from normtheory.tasks import teacher_student

TINY = grid.Grid(seeds=(0,), samples=(16,), overlaps=(30, 40), features=(5,), rescale=(1.0, 0.1), flow_samples=16)


def test_penalty_landscapes_tend_to_their_limits():
    """At the ends of each curve the value is the guide's: to 1 % where the ratio is at least 100."""
    rows = penalty_landscapes.compute("quick").to_pylist()
    assert {(row["penalty"], row["beta_aux"]) for row in rows} == {(p, a) for p in ("q", "l12") for a in (1e-3, 1.0, 1e3)}
    checked = 0
    for row in rows:
        ratio = row["beta"] / row["beta_aux"]
        if ratio <= 1e-2 or ratio >= 1e2:
            limit = row["small"] if ratio < 1 else row["large"]
            assert abs(row["value"] - limit) <= 0.02 * limit, row
            checked += 1
    assert checked > 50


@pytest.fixture(scope="module")
def one_network():
    """One seed, one overlap, two sample sizes, at the paper's D = 1000."""
    return corollary1.cell({"seed": 0, "overlap": 40, "samples": [32, 64]})


def test_the_network_follows_the_exact_theory_and_not_the_printed_one(one_network):
    rows = {(row["n"], row["method"]): row for row in one_network}
    for n in (32, 64):
        assert rows[n, "exact"]["distance"] <= 20 * corollary1.RTOL
        assert rows[n, "printed"]["distance"] >= 1e-3
    assert rows[64, "flow"]["loss"] >= 3 * rows[64, "printed"]["loss"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Figures 1 and 5 of a tiny grid, at the paper's D = 1000, with two workers."""
    out = tmp_path_factory.mktemp("out")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(grid.GRIDS, "quick", TINY)
        seen = []
        for name in ("fig1", "fig5"):
            figures.make(name, "quick", out, progress=lambda *what: seen.append(what[:2]))
    return out, seen


def test_figures_1_and_5_share_their_cells(made):
    out, seen = made
    lines = len(limit.cells(TINY))
    computed = [(done, count) for count in (4, lines) for done in range(count + 1)]
    assert seen == [*computed, (4, 4), (lines, lines)]
    assert len(list((out / "cells").iterdir())) == 4 + lines


def test_every_panel_is_written_and_drawn(made):
    out, _ = made
    pictures = [f"fig1{panel}" for panel in "abcdefghi"] + [f"fig5{panel}" for panel in "abcdef"]
    for name in pictures:
        assert (out / f"{name}.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
        assert (out / f"{name}.svg").stat().st_size > 1000
    for name, module in (("fig1", fig1), ("fig5", fig5)):
        table = read_table(out / f"{name}.csv")
        assert table.schema.names == module.SCHEMA.names
        assert set(table["panel"].to_pylist()) == set(module.DRAWN)


def test_a_table_has_a_record_of_what_made_it(made):
    out, _ = made
    for name in ("fig1", "fig5"):
        record = read_record(beside(out / f"{name}.csv"))
        assert record.rows == digest(out / f"{name}.csv")
        assert record.code == code_version(cells.cell)
        assert record.strangers(TINY.cells()) == 0


def test_multi_task_training_goes_on_where_the_grid_says_so(made):
    rows = chosen(read_table(made[0] / "fig1.csv").to_pylist(), panel="f", method="MTL", how="flow")
    assert {row["magnitude_aux"] for row in rows} == {"1/sqrt(k)", "1/k"}
    for row in rows:
        assert 0 < row["settled_loss"] <= row["final_loss"] * 1.02 <= row["limit_loss"] * 1.1


def test_the_runs_of_a_pair_of_tasks_are_what_they_are_called(made):
    """Relations that hold for any draw, by other routes than the solvers'."""
    out, _ = made
    rows = of_tasks(read_table(out / "fig1.csv").to_pylist())
    losses = chosen(rows, panel="b", overlap=30)
    assert len(losses) == len(fig1.LOSSES) + 1  # and the least l1 norm
    assert all(row["best_loss"] <= row["final_loss"] * (1 + 1e-5) for row in losses if row["best_loss"] is not None)
    for method in ("PT+FT", "STL"):
        exact, flow = (chosen(losses, method=method, how=how)[0] for how in ("exact", "flow"))
        assert flow["distance"] <= 20 * cells.RTOL
        assert relative_loss(flow) == pytest.approx(relative_loss(exact), rel=1e-4)
    assert all(0 < row["distance"] < 1 for row in chosen(losses, how="pinned"))
    norms = {(row["method"], row["how"]): row for row in chosen(read_table(out / "fig5.csv").to_pylist(), panel="a")}
    finetuned = norms["PT+FT", "exact"]
    assert all(finetuned["q_exact"] <= row["q_exact"] * (1 + 1e-5) for row in norms.values())
    shares = [row["share"] for row in chosen(rows, panel="c", method="PT+FT", how="exact")]
    assert shares == sorted(shares, reverse=True)


def test_an_auxiliary_task_is_drawn_once_and_is_that_of_the_pair():
    spec = next(spec for spec in grid.GRIDS["quick"].cells() if spec["kind"] == "sparse") | {"inputs": 90, "samples_aux": 95}
    sizes = {"magnitude": 1 / spec["features"], "magnitude_aux": 40**-0.5}
    drawn = {name: spec[name] for name in ("features", "features_aux", "inputs", "samples_aux", "seed")}
    whole = teacher_student(spec["n"], spec["overlap"], **drawn, **sizes)
    pair = cells._Pair.of(spec, cells.RECIPROCAL, cells.UNIT_NORM)
    for name in ("main", "aux"):
        own, other = getattr(pair.tasks, name), getattr(whole, name)
        assert np.array_equal(own.X, other.X)
        assert np.array_equal(own.y, other.y)
    assert np.array_equal(pair.tasks.teacher, whole.teacher)
    assert np.array_equal(pair.tasks.teacher_aux, whole.teacher_aux)
    again = cells._Pair.of(spec | {"n": 7, "features": 3, "overlap": 0}, cells.UNIT_NORM, cells.UNIT_NORM)
    assert again.tasks.aux is pair.tasks.aux


def test_the_engines_give_identical_tables(made, tmp_path, monkeypatch):
    monkeypatch.setitem(grid.GRIDS, "quick", TINY)
    assert fig1.compute("quick", Sweep(tmp_path, "dask")).equals(fig1.compute("quick", Sweep(made[0] / "cells")))


@pytest.mark.parametrize(("overlaps", "files"), [((40, 41), ["csv", "json", "png", "svg"]), ((41,), [])])
def test_a_failed_cell_is_named_after_the_rest_is_written(tmp_path, monkeypatch, overlaps, files):
    monkeypatch.setattr(corollary1, "SAMPLES", {"quick": (16,)})
    monkeypatch.setattr(corollary1, "OVERLAPS", overlaps)
    monkeypatch.setattr(corollary1, "SEEDS", {"quick": 1})
    with pytest.raises(IncompleteError, match=r"1 cells failed twice .* overlap = 41") as error:
        figures.make("corollary1", "quick", tmp_path)
    assert [path.name for path in error.value.written] == [f"corollary1.{ending}" for ending in files]
    assert all(path.exists() for path in error.value.written)


def test_a_panel_without_runs_is_not_drawn(made):
    rows = read_table(made[0] / "fig1.csv").to_pylist()
    some = pa.Table.from_pylist(chosen(rows, panel="c") + chosen(rows, panel="e", method="PT+FT"), schema=fig1.SCHEMA)
    assert set(fig1.draw(some)) == {"fig1a", "fig1c", "fig1e"}


def test_a_committed_table_is_redrawn(tmp_path):
    written = figures.redraw("corollary1", tmp_path / "out")
    assert [path.name for path in written] == ["corollary1.png", "corollary1.svg"]
    assert [path.name for path in figures.redraw("fig1a", tmp_path / "out")] == ["fig1a.png", "fig1a.svg"]


def test_pictures_are_closed_when_they_are_written(tmp_path):
    import matplotlib.pyplot as plt

    before = plt.get_fignums()
    figures.redraw("fig5", tmp_path)
    assert plt.get_fignums() == before


def test_the_same_table_gives_the_same_picture(tmp_path):
    table = penalty_landscapes.compute("quick")
    first = write_picture(penalty_landscapes.draw(table)["fig1a"], tmp_path / "a")
    second = write_picture(penalty_landscapes.draw(table)["fig1a"], tmp_path / "b")
    assert first[1].read_bytes() == second[1].read_bytes()


def test_tables_survive_the_disk(tmp_path):
    table = pa.table({"n": [16, 32], "loss": [0.1, 1e-17], "method": ["flow", "exact"], "best": [None, 0.25]})
    assert read_table(write_table(table, tmp_path / "t.csv")).equals(table)


def test_rounding_keeps_significant_digits():
    table = pa.table({"n": [123456789, 2], "loss": [1.23456789e-17, None]})
    assert rounded(table).to_pylist() == [{"n": 123456789, "loss": 1.23457e-17}, {"n": 2, "loss": None}]


@pytest.mark.parametrize(("name", "scale", "message"), [("fig9z", "quick", "fig1a"), ("fig1a", "huge", "paper")])
def test_unknown_names_are_refused(tmp_path, name, scale, message):
    with pytest.raises(InputError, match=message):
        figures.make(name, scale, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_unknown_engine_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(InputError, match="unknown engine 'slurm'; choose local, dask or dask:ADDRESS"):
        figures.make("corollary1", "quick", tmp_path / "out", engine="slurm")
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match="cannot make the folder"):
        figures.make("fig1a", "quick", tmp_path / "file" / "out")


def test_corollary1_grid_at_scale_quick(tmp_path, monkeypatch):
    """Every cell of the grid, in order, whatever order they finish in."""
    monkeypatch.setattr(corollary1, "SAMPLES", {"quick": (16,)})
    monkeypatch.setattr(corollary1, "OVERLAPS", (40, 0))
    monkeypatch.setattr(corollary1, "SEEDS", {"quick": 1})
    rows = corollary1.compute("quick", Sweep(tmp_path)).to_pylist()
    assert [(row["overlap"], row["n"], row["method"]) for row in rows] == [
        (overlap, 16, method) for overlap in (40, 0) for method in ("flow", "exact", "printed")
    ]
