"""The mutants of `make mutants`: each is one change, of the kinds that matter; a run judges them in copies."""

import ast
from pathlib import Path

import mutants
import pytest

SOURCE = '''
def bound(x: "1", y=2, *, strict=True):
    """3 < 4."""
    if not x < y:
        raise ValueError(f"{x + y}")
    total = np.sinh(x) + min(y / 2, 0.5)
    total += solve(x, rcond=None)
    return total if x and not y else -total
'''
CHANGES = {
    "2 -> 3", "2 -> 1", "True -> False", "np.sinh -> np.cosh",
    'if not x < y: raise ValueError(f"{x + y}") -> pass', "not x < y -> x < y", "x < y -> x <= y",
    "x < y -> x > y", "np.sinh(x) + min(y / 2, 0.5) -> np.sinh(x) - min(y / 2, 0.5)", "np.sinh(x) -> np.sinh(-x)",
    "np.sinh -> np.tanh", "min -> max", "y / 2 -> y * 2", "0.5 -> 1.0", "0.5 -> 0.25",
    "total += solve(x, rcond=None) -> total -= solve(x, rcond=None)", "total += solve(x, rcond=None) -> pass",
    "solve(x, rcond=None) -> solve(-x, rcond=None)", "solve(x, rcond=None) -> solve(x, rcond=-1)",
    "total if x and not y else -total -> total", "total if x and not y else -total -> -total", "x and not y -> x or not y",
    "x and not y -> x", "x and not y -> not y", "not y -> y", "-total -> total",
}  # fmt: skip


def test_each_mutant_is_one_change_of_a_kind_that_matters():
    found = mutants.mutants("f.py", SOURCE)
    described = [mutants.described(mutant).split(": ", 1)[1].replace("  ->  ", " -> ") for mutant in found]
    assert set(described) == CHANGES
    assert len({mutant.text for mutant in found} | {SOURCE}) == len(found) + 1
    assert all(ast.parse(mutant.text) for mutant in found)


@pytest.mark.parametrize("path", mutants.COVERED)
def test_the_files_judged_and_their_tests_exist(path):
    assert all((mutants.ROOT / file).is_file() for file in (path, *mutants.COVERED[path]))


def test_a_sample_is_the_same_each_time_and_lines_can_be_chosen():
    assert mutants.chosen_mutants([], 20) == mutants.chosen_mutants([], 20)
    assert len(mutants.chosen_mutants([], 20)) == 20
    (path,) = (path for path in mutants.COVERED if Path(path).name == "balls.py")
    line = 1 + (mutants.ROOT / path).read_text().splitlines().index("    return value", 100)
    assert {mutant.line for mutant in mutants.chosen_mutants([f"{path}:{line - 1}"], 99)} == {line - 1}
