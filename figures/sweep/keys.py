"""What a cell's rows are kept under: a hash of its specification and of the code that computes it."""

from __future__ import annotations

import ast
import hashlib
import inspect
import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import normtheory
from normtheory.arrays import InputError

Spec = Mapping[str, Any]
Work = Callable[[Spec], list[dict[str, Any]]]  # from a cell to its rows; a function that workers can import

APART = ("figures", "proofs", "cli")  # rooms on whose code the numbers of a cell do not rest, but for the cell's own module


def key(spec: Spec, version: str) -> str:
    """What a cell's rows are kept under: a hash of its specification, whatever the order of its names, and of the code.

    Raises
    ------
    InputError
        If the specification is no mapping of names to JSON values.
    """
    try:
        canonical = json.dumps(spec, sort_keys=True, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InputError(f"the cell {spec} is not plain ({error}); give names and JSON values") from error
    return _hash(f"{version}\n{canonical}")[:24]


def code_version(work: Work) -> str:
    """A hash of the code that the work rests on: its own module, and what that imports of the theory and of the solvers.

    Comments and docstrings do not count.

    Raises
    ------
    InputError
        If the work is not a function of a module.
    """
    if not inspect.isfunction(work):
        raise InputError(f"{work} is no function of a module, which workers could import; give one")
    source = Path(inspect.getfile(work))
    if not source.is_file():
        raise InputError(f"{work.__qualname__} is defined at a prompt or in a notebook; put it into a file that workers import")
    return f"{work.__module__}.{work.__qualname__} {_hash_of_code(source)}"


@cache
def _hash_of_code(own: Path) -> str:
    trees, waiting = {}, {own}
    while waiting:
        path = waiting.pop()
        trees[path] = ast.parse(path.read_text(encoding="utf-8"))
        waiting |= _imported(trees[path]) - set(trees)
    parts = {path: _hash(repr(_plain(_without_docstrings(tree)))) for path, tree in trees.items()}
    return _hash("\n".join([parts.pop(own), *sorted(parts.values())]))  # wherever the others are installed


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(node: Any) -> Any:
    """A syntax tree as nested tuples, the same in every version of Python: what is empty, as new fields are, is left out."""
    if isinstance(node, ast.AST):
        return type(node).__name__, *((name, _plain(value)) for name, value in ast.iter_fields(node) if value not in (None, []))
    return tuple(map(_plain, node)) if isinstance(node, list) else node


def _imported(tree: ast.Module) -> set[Path]:
    """The files of the modules of the rooms that a module imports, at its top or inside its functions."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}", *(f"{node.module}.{alias.name}" for alias in node.names)}
    root = Path(normtheory.__file__).parent
    places = [root.joinpath(*below) for first, *below in (name.split(".") for name in names) if _counts(first, below)]
    files = {file for place in places for file in (place.with_suffix(".py"), place / "__init__.py")}
    return {path.resolve() for path in files if path.is_file()}


def _counts(first: str, below: list[str]) -> bool:
    return first == "normtheory" and bool(below) and below[0] not in APART


_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
    return tree
