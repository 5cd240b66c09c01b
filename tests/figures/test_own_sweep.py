"""A sweep over networks of one's own: cells are plain functions of arrays and a formula."""

from own_cells import CELLS, shrinking

from normtheory.figures.sweep import Sweep


def test_networks_of_ones_own_are_swept(tmp_path):
    rows = Sweep(tmp_path, "local", workers=2).table(CELLS, shrinking, "networks").to_pylist()
    assert rows == [row for spec in CELLS for row in shrinking(spec)]
    small, large = rows[:2]
    assert small["l1"] < large["l1"]
    assert small["l2"] > large["l2"]
    assert len(list(tmp_path.glob("*.parquet"))) == len(CELLS)
