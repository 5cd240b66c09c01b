"""Mutants: the code that judges with one small error each, which its tests must notice (`make mutants`; not part of pytest).

Each mutant is a copy of the tree with one expression or statement changed. It runs against the test files that cover its file,
their fastest tests first, and stops at the first failure. What survives is printed: the same written otherwise, or a test that
is missing.

Two libraries do this. mutmut 3.8 leaves functions alone that are decorated (here the properties that give verdicts, and cached
functions) and the constants of modules, and does not see modules behind links. cosmic-ray starts one command for every file and
mutant.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import importlib
import json
import multiprocessing
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SOLVERS = "tests/solvers"


def audit(*names: str) -> tuple[str, ...]:
    """Test files of the machinery of judging."""
    return tuple(f"tests/normtheory/audit/test_{name}.py" for name in names)


# File -> the test files that must notice an error in it.
COVERED = {
    "normtheory/audit/alone.py": audit("ledger"),
    "normtheory/audit/balls.py": audit("derivation", "balls"),
    "normtheory/audit/claims.py": audit("registry", "ledger"),
    "normtheory/audit/derivation.py": audit("derivation", "inequalities"),
    "normtheory/audit/formulas.py": audit("report"),
    "normtheory/audit/inequalities.py": audit("inequalities", "derivation"),
    "normtheory/audit/judging.py": audit("judging", "ledger"),
    "normtheory/audit/notation.py": audit("notation", "rendering"),
    "normtheory/audit/points.py": audit("points", "derivation"),
    "normtheory/audit/printers.py": audit("notation", "rendering"),
    "normtheory/audit/proving.py": audit("proving", "inequalities"),
    "normtheory/audit/report.py": audit("report"),
    "normtheory/audit/running.py": audit("running", "ledger"),
    "normtheory/audit/spellings.py": audit("notation"),
    "normtheory/audit/statements.py": audit("rendering", "ledger"),
    "normtheory/audit/steps.py": audit("judging", "derivation"),
    "normtheory/audit/table.py": audit("table"),
    "normtheory/audit/text.py": audit("text", "ledger"),
    "normtheory/exact.py": ("tests/normtheory/test_exact_edges.py", "tests/normtheory/test_exact.py"),
    "normtheory/penalties.py": ("tests/normtheory/test_penalties.py",),
    "solvers/certificate.py": tuple(f"{SOLVERS}/test_{name}.py" for name in ("certificate_parts", "measures", "certificate")),
    "solvers/enclosures.py": (f"{SOLVERS}/test_enclosures.py", f"{SOLVERS}/test_certificate.py"),
    "solvers/uniqueness.py": (f"{SOLVERS}/test_uniqueness.py", f"{SOLVERS}/test_certificate.py"),
    "solvers/rigorous.py": (f"{SOLVERS}/test_rigorous_parts.py", f"{SOLVERS}/test_rigorous.py"),
}
# Imported once, before the process of a mutant is forked.
PRELOADED = ("pytest", "hypothesis.strategies", "numpy", "scipy.linalg", "sympy", "flint", "mpmath")
# A mutant is cut off, and counts as noticed, after so many times what the tests take, and so much more.
PATIENCE, SLACK_S = 3, 5.0
SAMPLE = 600
SECONDS = "seconds.json"  # how long each test took, written into the tree


@dataclass(frozen=True)
class Mutant:
    """A file with one place changed."""

    path: str
    line: int
    before: str
    after: str
    text: str


ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult,
    ast.Pow: ast.Mult, ast.LShift: ast.RShift, ast.RShift: ast.LShift, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip
COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.Gt), ast.LtE: (ast.Lt, ast.GtE), ast.Gt: (ast.GtE, ast.Lt), ast.GtE: (ast.Gt, ast.LtE),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,), ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}  # fmt: skip
# Names that may be taken for each other.
PAIRS = [
    tuple(pair.split())
    for pair in (
        "sinh tanh", "sinh cosh", "arcsinh arctan", "asinh atan", "arctanh arcsinh", "hypot maximum", "floor ceil", "min max",
        "any all", "low high", "lower upper", "abs_lower abs_upper", "ones zeros", "ones_like zeros_like", "vstack hstack",
        "is_positive is_nonnegative", "is_nonpositive is_nonnegative", "w_plus w_minus", "v_plus v_minus", "TRUE FALSE",
        "FALSE UNDECIDED", "SYMBOLIC BALL", "BALL NUMERIC",
    )
]  # fmt: skip
FIELDS = [("value", "off"), ("rest", "error")]  # the same for fields alone: variables are called so, too
BARE = {"abs", "sqrt", "square"}  # functions that may be forgotten around their argument
SIGNLESS = {"abs", "square", "cosh", "norm", "zeros_like", "ones_like", "len", "float"}  # to which a sign means nothing, or all
UNSEEN = {"annotation", "returns", "decorator_list"}
SPOKEN = (ast.JoinedStr, ast.Raise, ast.Import, ast.ImportFrom)  # messages to people, and imports


def changes(node: ast.AST) -> Iterator[ast.AST]:
    """What stands in place of a node in its mutants."""
    match node:
        case ast.Constant(value=bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(value=int(value) | float(value)):
            yield from (ast.Constant(other) for other in _numbers(value))
        case ast.BinOp(op=op) | ast.AugAssign(op=op) if type(op) in ARITHMETIC:
            yield _but(node, op=ARITHMETIC[type(op)]())
        case ast.UnaryOp(operand=operand):
            yield operand
        case ast.Compare(ops=[op]):
            yield from (_but(node, ops=[other()]) for other in COMPARISONS[type(op)])
        case ast.BoolOp(op=op, values=values):
            yield _but(node, op=ast.Or() if isinstance(op, ast.And) else ast.And())
            yield from (_but(node, values=[*values[:i], *values[i + 1 :]]) for i in range(len(values)))
        case ast.IfExp(body=body, orelse=orelse):
            yield from (body, orelse)
        case ast.Attribute(attr=name):
            yield from (_but(node, attr=other) for other in _neighbours(name, PAIRS + FIELDS))
        case ast.Name(id=name, ctx=ast.Load()):
            yield from (_but(node, id=other) for other in _neighbours(name, PAIRS))
        case ast.Call():
            yield from _calls(node)
    if isinstance(node, ast.AugAssign | ast.If) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)):
        yield ast.Pass()


def _neighbours(name: str, pairs: list[tuple[str, ...]]) -> list[str]:
    return [other for pair in pairs if name in pair for other in pair if other != name]


def _numbers(value: float) -> tuple[float, ...]:
    """Off by one if small and whole, else doubled and halved."""
    if isinstance(value, int):
        return (value + 1, value - 1) if abs(value) < 4 else (2 * value, value // 2)
    return (2 * value, value / 2) if value else (1.0,)


def _calls(node: ast.Call) -> Iterator[ast.AST]:
    """A call with its only argument of the other sign or without the function around it, or with a number for None."""
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    match node.args:
        case [ast.Name() | ast.Attribute() | ast.Subscript() as argument] if name not in SIGNLESS:
            yield _but(node, args=[ast.UnaryOp(ast.USub(), argument)])
    if name in BARE and len(node.args) == 1:
        yield node.args[0]
    for keyword in node.keywords:
        if isinstance(keyword.value, ast.Constant) and keyword.value.value is None:
            other = ast.keyword(keyword.arg, ast.UnaryOp(ast.USub(), ast.Constant(1)))
            yield _but(node, keywords=[other if given is keyword else given for given in node.keywords])


def _but(node: ast.AST, **fields: Any) -> ast.AST:
    return type(node)(**{**dict(ast.iter_fields(node)), **fields})


def _nodes(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    for name, value in ast.iter_fields(node):
        for child in value if isinstance(value, list) else [value]:
            if name not in UNSEEN and isinstance(child, ast.AST) and not isinstance(child, SPOKEN) and not _of_zip(child):
                yield from _nodes(child)


def _of_zip(node: ast.AST) -> bool:
    """Whether this is `strict=True`, which the linter asks for and no right code needs."""
    return isinstance(node, ast.keyword) and node.arg == "strict" and isinstance(node.value, ast.Constant)


def mutants(path: str, source: str) -> list[Mutant]:
    """All mutants of a file, in the order of its lines."""
    raw = source.encode()  # positions in a syntax tree count bytes
    starts = [0]
    for line in raw.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    found = {}
    for node in _nodes(ast.parse(source)):
        for other in changes(node):
            first = starts[node.lineno - 1] + node.col_offset
            last = starts[node.end_lineno - 1] + node.end_col_offset
            before, after = raw[first:last].decode(), ast.unparse(other)
            if before.startswith("elif"):
                continue
            wrapped = f"({after})" if isinstance(other, ast.expr) else after
            text = (raw[:first] + wrapped.encode() + raw[last:]).decode()
            found[text] = Mutant(path, node.lineno, before, after, text)
    return sorted(found.values(), key=lambda mutant: mutant.line)


@dataclass
class Running:
    """A mutant whose tests are running in a tree of their own."""

    mutant: Mutant
    tree: Path
    unchanged: str
    process: Any
    deadline: float

    def finished(self) -> bool | None:
        """Whether the tests noticed the mutant, None while they run; whatever they started is ended with them."""
        if self.process.is_alive() and time.monotonic() < self.deadline:
            return None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.join()
        return bool(self.process.exitcode != 0)


class FastestFirst:
    """Runs tests in the order of how long they took before, and notes how long they take."""

    def __init__(self, seconds: dict[str, float]) -> None:
        self.before, self.now = seconds, {}

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        items.sort(key=lambda item: self.before.get(item.nodeid, 0.0))

    def pytest_runtest_logreport(self, report: Any) -> None:
        self.now[report.nodeid] = self.now.get(report.nodeid, 0.0) + report.duration


def run_tests(tree: Path, tests: tuple[str, ...], seconds: dict[str, float]) -> None:
    """Run tests of a copied tree, in a forked process, silently; write how long each took, and exit as pytest does."""
    import pytest

    os.setsid()
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    os.chdir(tree)
    sys.path[0] = os.environ["PYTHONPATH"] = str(tree)  # in place of this file's folder; before what is installed
    os.environ["HYPOTHESIS_PROFILE"] = "mutants"
    sys.dont_write_bytecode = True  # a mutant as long as its file, of the same second, would be taken for it
    plugin = FastestFirst(seconds)
    # Assertions are not rewritten, as nobody reads what they say: that takes longer than most tests.
    outcome = pytest.main(["-x", "-q", "-n", "0", "-p", "no:cacheprovider", "--assert=plain", *tests], plugins=[plugin])
    (tree / SECONDS).write_text(json.dumps(plugin.now))
    os._exit(outcome)


def start(mutant: Mutant, tree: Path, limit: float = float("inf"), seconds: dict[str, float] | None = None) -> Running:
    """Put a mutant into a tree and start its tests."""
    unchanged = (tree / mutant.path).read_text()
    (tree / mutant.path).write_text(mutant.text)
    process = multiprocessing.get_context("fork").Process(target=run_tests, args=(tree, COVERED[mutant.path], seconds or {}))
    process.start()
    return Running(mutant, tree, unchanged, process, time.monotonic() + limit)


def timed(paths: set[str], tree: Path) -> dict[str, dict[str, float]]:
    """How long each test of each file takes without a mutant, which it must pass."""
    seconds = {}
    for path in sorted(paths):
        running = start(Mutant(path, 0, "", "", (ROOT / path).read_text()), tree)
        running.process.join()
        if running.finished():
            raise SystemExit(f"without a mutant of {path} some test fails of {', '.join(COVERED[path])}")
        seconds[path] = json.loads((tree / SECONDS).read_text())
    return seconds


def judged(chosen: list[Mutant], trees: list[Path]) -> Iterator[tuple[Mutant, bool]]:
    """Run the tests of each mutant, as many at a time as there are trees; yield it and whether they noticed."""
    seconds = timed({mutant.path for mutant in chosen}, trees[0])
    waiting, free, busy = chosen[::-1], list(trees), []
    while waiting or busy:
        while waiting and free:
            mutant = waiting.pop()
            of_tests = seconds[mutant.path]
            busy.append(start(mutant, free.pop(), PATIENCE * sum(of_tests.values()) + SLACK_S, of_tests))
        wait([running.process.sentinel for running in busy], min(running.deadline for running in busy) - time.monotonic())
        for running in list(busy):
            noticed = running.finished()
            if noticed is not None:
                (running.tree / running.mutant.path).write_text(running.unchanged)
                busy.remove(running)
                free.append(running.tree)
                yield running.mutant, noticed


def chosen_mutants(places: list[str], sample: int) -> list[Mutant]:
    """The mutants of files, or of single lines (FILE:LINE); at most `sample` of them, always the same."""
    paths = {place.partition(":")[0] for place in places} or set(COVERED)
    found = [mutant for path in COVERED if path in paths for mutant in mutants(path, (ROOT / path).read_text())]
    if places:
        found = [mutant for mutant in found if {mutant.path, f"{mutant.path}:{mutant.line}"} & set(places)]
    return found if len(found) <= sample else sorted(random.Random(0).sample(found, sample), key=found.index)


def main() -> None:
    """Judge mutants, saying how far it is; list those that survive."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("places", nargs="*", metavar="FILE[:LINE]", help=f"what to mutate (default: {', '.join(COVERED)})")
    parser.add_argument("--all", action="store_true", help=f"every mutant, rather than a sample of {SAMPLE}")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)), help="mutants at a time")
    parser.add_argument("--list", action="store_true", help="print the mutants and run nothing")
    arguments = parser.parse_args()
    chosen = chosen_mutants(arguments.places, sys.maxsize if arguments.all or arguments.places else SAMPLE)
    if arguments.list:
        print(*(described(mutant) for mutant in chosen), sep="\n")
        return
    for name in PRELOADED:
        importlib.import_module(name)
    begun, survivors = time.monotonic(), []
    with tempfile.TemporaryDirectory() as folder:
        trees = [Path(folder) / str(number) for number in range(arguments.jobs)]
        for tree in trees:
            shutil.copytree(ROOT, tree, symlinks=True, ignore=shutil.ignore_patterns(".*", "__pycache__", "build", "shared"))
        for count, (mutant, noticed) in enumerate(judged(chosen, trees), 1):
            survivors += [] if noticed else [mutant]
            print(f"\r{count} of {len(chosen)}, {len(survivors)} survive, {time.monotonic() - begun:.0f} s", end="", flush=True)
    print()
    for path in dict.fromkeys(mutant.path for mutant in chosen):
        of_file, alive = (sum(mutant.path == path for mutant in some) for some in (chosen, survivors))
        print(f"{path:32s} {of_file:5d} mutants {of_file - alive:5d} noticed {alive:5d} survive")
    print(*(described(mutant) for mutant in sorted(survivors, key=chosen.index)), sep="\n")


def described(mutant: Mutant) -> str:
    """A line a reader can find the place by."""
    return f"{mutant.path}:{mutant.line}: {' '.join(mutant.before.split())}  ->  {' '.join(mutant.after.split())}"


if __name__ == "__main__":
    main()
