"""The page of benchmarks: what writes it, and that it holds every peer it speaks of."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import page
from benchmarks.timing import Row

PAGE = (Path(__file__).parents[1] / "docs" / "benchmarks.md").read_text()
PEERS = (
    "a dozen lines of damped Newton",
    "cvxpy",
    "LARS of scikit-learn",
    "ECOS",
    "Lasso of skglm",
    "Tsit5 of diffrax",
    "LSODA",
    "descent",
)
ROWS = [
    Row("a problem", "ours", 0.25, None, "7 steps"),
    Row("a problem", "theirs", 0.5, 2.0, ""),
    Row("another", "ours", float("nan"), None, "skipped"),
]


def test_rows_stand_between_the_marks():
    once = page.inserted(f"before\n{page.START}{page.END}after\n", ROWS)
    assert once.startswith(f"before\n{page.START}")
    assert once.endswith(f"{page.END}after\n")
    assert "| a problem | ours | 0.25 |  | 7 steps |\n|  | theirs | 0.5 | 2 |  |\n| another | ours |  |  | skipped |" in once
    assert "| a problem | again |" in page.table([*ROWS[:2], Row("a problem", "again", 0.1, None, "")]), "another reference"
    assert page.inserted(once, ROWS) == once
    with pytest.raises(ValueError, match="the document lacks the lines <!-- times -->"):
        page.inserted("no place", ROWS)


def test_a_page_without_a_place_is_refused_before_anything_is_measured(tmp_path):
    path = tmp_path / "page.md"
    path.write_text("no place")
    ran = subprocess.run([sys.executable, "-m", "benchmarks", "--table", path], capture_output=True, text=True, timeout=60)
    assert (ran.returncode, path.read_text()) == (2, "no place")
    assert "the document lacks the lines" in ran.stderr.splitlines()[-1]


def test_the_page_holds_every_peer():
    times = PAGE.partition(page.START)[2].partition(page.END)[0]
    assert "one thread" in times
    for peer in PEERS:
        assert f"| {peer}" in times
    assert "skipped" not in times
