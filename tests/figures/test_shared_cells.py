"""Cells that build on other cells."""

import pytest
from toy_cells import squares

from normtheory.arrays import InputError
from normtheory.figures.sweep import Sweep
from normtheory.figures.sweep.shared import kept_in, rows_of

BASE = {"n": 2, "name": "toy"}


def building(spec):
    """One row from another cell's."""
    return [{"sum": sum(row["value"] for row in rows_of(squares, spec["base"])) + spec["plus"]}]


def test_several_cells_share_one_and_a_sweep_keeps_it(tmp_path):
    log = tmp_path / "log"
    base = BASE | {"log": str(log)}
    store = tmp_path / "store"
    sweep = Sweep(store, workers=1)
    sweep.prepared([base], squares, "bases")
    table = sweep.table([{"base": base, "plus": plus} for plus in range(3)], building)
    assert table["sum"].to_pylist() == [6.0, 7.0, 8.0]
    assert log.read_text().splitlines() == ["2"]
    assert len(list(store.iterdir())) == 4
    assert [len(specs) for specs in sweep.computed.values()] == [3]  # what a table is made of


def test_what_is_not_prepared_is_computed_and_kept(tmp_path):
    with kept_in(tmp_path):
        first = rows_of(squares, BASE)
        (kept,) = tmp_path.iterdir()
        assert rows_of(squares, BASE) == first
    assert rows_of(squares, BASE) == first  # outside: computed
    kept.write_bytes(b"damaged")
    with kept_in(tmp_path), pytest.raises(InputError, match="is damaged; delete it"):
        rows_of(squares, BASE)
