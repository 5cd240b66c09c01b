"""Data flows one way: a room imports only from the rooms before it, and nothing imports the door."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ["normtheory", "solvers", "proofs", "figures"]
FILES = sorted(path.relative_to(ROOT).as_posix() for room in ROOMS for path in (ROOT / room).rglob("*.py"))


def imported(path: str) -> set[str]:
    """Every module that the file imports, at the top or inside functions, and every `module.name` it imports from one."""
    names = set()
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}, line {node.lineno}: import by full name"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("path", FILES)
def test_imports_follow_the_order_of_the_rooms(path):
    names = imported(path)
    assert not any(name.startswith("normtheory.cli") for name in names), "nothing imports the command line"
    if path != "normtheory/cli.py":
        later = ROOMS[ROOMS.index(path.split("/")[0]) + 1 :]
        assert not {name for name in names if name.split(".")[0] in [*later, "tests", "benchmarks"]}
