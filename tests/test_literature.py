"""The table of docs/networks.md: it lists what benchmarks/literature.py lists, and rows are what is found anew."""

from pathlib import Path

import pytest

from benchmarks.literature import LITERATURE, row

PAGE = (Path(__file__).parents[1] / "docs" / "networks.md").read_text()
ROWS = {line.split(" | ")[0].removeprefix("| "): line for line in PAGE.splitlines() if line.startswith("| ")}
RECOMPUTED = ("square", "two layers, unbalanced", "three layers", "shared first layer", "grouped", "commuting quadratic")


def test_the_page_lists_all_of_them():
    assert len(LITERATURE) >= 15
    for case in LITERATURE:
        assert f"`{case.expression}`, `{case.start}`" in ROWS[case.name]


@pytest.mark.parametrize("case", [case for case in LITERATURE if case.name in RECOMPUTED], ids=lambda case: case.name)
def test_rows_are_what_is_found_anew(case):
    assert f"| {' | '.join(row(case))} |" in ROWS[case.name]
