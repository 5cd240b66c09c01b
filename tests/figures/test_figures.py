"""The figures: tables that say what they should, pictures that appear whole, and names that are checked."""

import numpy as np
import pyarrow as pa
import pytest

import figures
from figures import corollary1, penalty_landscapes
from figures.files import read_table, write_table
from normtheory.arrays import InputError


def no_progress(finished, total, what):
    pass


def test_penalty_landscapes_tend_to_their_limits():
    """At the ends of each curve the value is the guide's: to 1 % where the ratio is at least 100."""
    rows = penalty_landscapes.compute("quick", no_progress).to_pylist()
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
    return corollary1._cell(0, 40, (32, 64))


def test_the_network_follows_the_exact_theory_and_not_the_printed_one(one_network):
    rows = {(row["n"], row["method"]): row for row in one_network}
    for n in (32, 64):
        assert rows[n, "exact"]["distance"] <= 20 * corollary1.RTOL
        assert rows[n, "printed"]["distance"] >= 1e-3
    assert rows[64, "flow"]["loss"] >= 3 * rows[64, "printed"]["loss"]


def test_make_writes_table_and_pictures(tmp_path, monkeypatch, one_network):
    monkeypatch.setattr(corollary1, "compute", lambda scale, progress: pa.Table.from_pylist(one_network))
    for name in figures.FIGURES:
        written = figures.make(name, "quick", tmp_path / "out")
        assert [path.name for path in written] == [f"{name}.csv", f"{name}.png", f"{name}.svg"]
        assert all(path.stat().st_size > 100 for path in written)
        assert written[1].read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert read_table(tmp_path / "out" / "corollary1.csv").to_pylist()[0].keys() == one_network[0].keys()


def test_the_same_table_gives_the_same_picture(tmp_path):
    table = penalty_landscapes.compute("quick", no_progress)
    from figures.files import write_picture

    first = write_picture(penalty_landscapes.draw(table), tmp_path / "a")
    second = write_picture(penalty_landscapes.draw(table), tmp_path / "b")
    assert first[1].read_bytes() == second[1].read_bytes()


def test_tables_survive_the_disk(tmp_path):
    table = pa.table({"n": [16, 32], "loss": [0.1, 1e-17], "method": ["flow", "exact"]})
    assert read_table(write_table(table, tmp_path / "t.csv")).equals(table)


@pytest.mark.parametrize(("name", "scale", "message"), [("fig9z", "quick", "fig1a"), ("fig1a", "huge", "paper")])
def test_unknown_names_are_refused(tmp_path, name, scale, message):
    with pytest.raises(InputError, match=message):
        figures.make(name, scale, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match="cannot make the folder"):
        figures.make("fig1a", "quick", tmp_path / "file" / "out")


def test_corollary1_grid_at_scale_quick(monkeypatch):
    """The pool returns every cell of the grid, in order, whatever order they finish in."""
    monkeypatch.setattr(corollary1, "SAMPLES", {"quick": (16,)})
    monkeypatch.setattr(corollary1, "OVERLAPS", (40, 0))
    monkeypatch.setattr(corollary1, "SEEDS", {"quick": 1})
    seen = []
    table = corollary1.compute("quick", lambda *what: seen.append(what[:2]))
    assert seen == [(1, 2), (2, 2)]
    rows = table.to_pylist()
    assert [(row["overlap"], row["n"], row["method"]) for row in rows] == [
        (overlap, 16, method) for overlap in (40, 0) for method in ("flow", "exact", "printed")
    ]
    assert np.isfinite([row["loss"] for row in rows]).all()
