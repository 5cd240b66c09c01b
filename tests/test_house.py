"""The house: data flows one way through the rooms, nothing goes in circles, and every file and function fits a page."""

import ast
import configparser
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "normtheory"
# A room imports only from rooms before it; the theory itself stands in the folder of the first.
ROOMS = [f"normtheory{room}" for room in ("", ".audit", ".solvers", ".estimators", ".proofs", ".figures", ".cli")]
LONGEST_FILE, LONGEST_FUNCTION = 400, 60  # lines; of a function without its docstring
IGNORED = {".venv", "build", "node_modules"}


def modules():
    """Names of modules -> their files, as Python imports them: through the links to the rooms."""
    found = {}
    for folder in (PACKAGE, *(PACKAGE / room.partition(".")[2] for room in ROOMS[1:])):
        for path in folder.rglob("*.py"):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            found[name.removesuffix(".__init__")] = path
    return found


MODULES = modules()


def room_of(module):
    return max((room for room in ROOMS if f"{module}.".startswith(f"{room}.")), key=len)


@cache
def imported(module):
    """The modules of the package that a module imports, at the top or inside functions."""
    names = set()
    for node in ast.walk(ast.parse(MODULES[module].read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            inside = {f"{node.module}.{alias.name}" for alias in node.names} & set(MODULES)
            names |= inside or {node.module}
    return names


@pytest.mark.parametrize("module", MODULES)
def test_imports_follow_the_order_of_the_rooms(module):
    own = ROOMS.index(room_of(module))
    for name in imported(module):
        assert name.split(".")[0] not in {"tests", "benchmarks", "solvers", "proofs", "figures"}
        if name.startswith("normtheory") and module != "normtheory.__main__":
            assert ROOMS.index(room_of(name)) <= own, f"{module} imports {name}"


def test_nothing_goes_in_circles():
    TopologicalSorter({module: imported(module) & set(MODULES) for module in MODULES}).prepare()


def sources():
    return [path for path in ROOT.rglob("*.py") if not IGNORED & set(path.relative_to(ROOT).parts)]


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_fit_a_page(path):
    text = path.read_text()
    assert len(text.splitlines()) <= LONGEST_FILE
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert lines_without_docstring(node) <= LONGEST_FUNCTION, f"{node.name}, line {node.lineno}"


def lines_without_docstring(node):
    first = node.body[0]
    documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return node.end_lineno - node.lineno + 1 - (first.end_lineno - first.lineno + 1 if documented else 0)


def test_every_package_is_declared():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    declared = setup["options"]["packages"].split()
    assert sorted(declared) == sorted(name for name, path in MODULES.items() if path.name == "__init__.py")


def test_files_of_tests_have_names_of_their_own():
    """Folders of tests are no packages: of two modules of one name pytest collects one."""
    names = [path.name for path in (ROOT / "tests").rglob("*.py") if path.name != "conftest.py"]
    assert sorted(set(names)) == sorted(names)
