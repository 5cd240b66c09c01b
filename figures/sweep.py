"""A grid of cells, each computed once: its rows are kept under a hash of its specification and of the code that made them.

A cell is a plain specification, a mapping of names to JSON values. The worker that computes it writes its rows to a file of its
own, whole or not at all, so that a kill at any moment loses at most the cells then in flight, and to resume is to compute what
has no file yet. Cells run on local processes, or on a Dask cluster whose workers share the file system.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import json
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from normtheory.arrays import InputError
from normtheory.processes import processors, single_threaded_children
from normtheory.tasks import write_whole

Spec = Mapping[str, Any]
Work = Callable[[Spec], list[dict[str, Any]]]  # from a cell to its rows; a function that workers can import
Progress = Callable[[int, int, str], None]  # finished, in all, what

ROOMS = ("normtheory", "solvers")  # whose code the numbers of a cell rest on
WATCH_S = 1.0  # how often a local worker looks whether its master still lives
DASK_CONNECTION_S = 15


class IncompleteError(RuntimeError):
    """Some cells failed twice; everything else was computed and written."""


@dataclass(frozen=True)
class Failure:
    """A cell that failed twice, and how."""

    spec: Spec
    reason: str


@dataclass
class Sweep:
    """Where cells are computed and kept, and which of them had to be set aside.

    Parameters
    ----------
    store : Path
        Folder of the cells' files; may be shared by several sweeps, also at the same time.
    engine : str
        'local' (processes on this machine, one BLAS thread each), 'dask' (a local Dask cluster) or 'dask:ADDRESS' (any Dask
        cluster whose workers have this package and see `store` under the same path).
    workers : int, optional
        Processes of the local engines (default: one per processor).
    progress : callable
        Called with the number of cells finished, their number, and what they are: once before the first and after each.
    """

    store: Path
    engine: str = "local"
    workers: int | None = None
    progress: Progress = lambda finished, total, what: None
    set_aside: list[Failure] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Refuse an unknown engine before anything is computed."""
        if self.engine not in ("local", "dask") and not self.engine.startswith("dask:"):
            raise InputError(f"unknown engine {self.engine!r}; choose local, dask or dask:ADDRESS")

    def table(self, cells: Sequence[Spec], work: Work, what: str = "cells") -> pa.Table:
        """The rows of all cells, in the order of the cells; those that have no file yet are computed.

        A cell whose work raises, or whose worker dies, is tried once more, alone, after all others; if that fails too it is
        added to `set_aside` and its rows are missing.

        Raises
        ------
        InputError
            If the cluster cannot be reached, does not see the store, or a stored file is damaged.
        """
        version = code_version(work)
        store = self.store.resolve()  # workers may run in another folder
        store.mkdir(parents=True, exist_ok=True)
        files = {store / f"{key(spec, version)}.parquet": spec for spec in cells}
        missing = [path for path in files if not path.exists()]
        finished = len(files) - len(missing)
        self.progress(finished, len(files), what)
        if missing:
            for path, trouble in _computed(self._engine(), work, [(files[path], path) for path in missing]):
                if trouble is not None:
                    self.set_aside.append(Failure(files[path], trouble))
                elif not path.exists():
                    raise InputError(f"workers do not write to {store}; choose a folder on a file system they share")
                finished += 1
                self.progress(finished, len(files), what)
        parts = [_read(path) for path in files if path.exists()]
        return pa.concat_tables(parts, promote_options="default") if parts else pa.table({})  # a column may be empty in a part

    def check(self) -> None:
        """Say which cells were set aside, if any.

        Raises
        ------
        IncompleteError
            If there are.
        """
        if self.set_aside:
            named = "; ".join(f"{json.dumps(dict(failure.spec))}: {failure.reason}" for failure in self.set_aside)
            raise IncompleteError(
                f"{len(self.set_aside)} cells failed twice and are missing from the table; the same command tries them again: "
                f"{named}"
            )

    def _engine(self) -> AbstractContextManager[_Engine]:
        workers = processors() if self.workers is None else self.workers
        if self.engine == "local":
            return _local(workers)
        return _dask(self.engine.partition(":")[2], workers)


def key(spec: Spec, version: str) -> str:
    """What a cell's rows are kept under: a hash of its specification, whatever the order of its names, and of the code."""
    canonical = json.dumps(spec, sort_keys=True, allow_nan=False)
    return hashlib.sha256(f"{version}\n{canonical}".encode()).hexdigest()[:24]


def code_version(work: Work) -> str:
    """A hash of the code that the work rests on: its own module, and what that imports of the theory and of the solvers.

    Comments and docstrings do not count.
    """
    own = inspect.getsourcefile(work)
    if own is None:
        raise InputError(f"{work} has no source file; give a function of a module")
    return _hash_of_code(Path(own))


@cache
def _hash_of_code(own: Path) -> str:
    trees, waiting = {}, {own}
    while waiting:
        path = waiting.pop()
        trees[path] = ast.parse(path.read_text(encoding="utf-8"))
        waiting |= _imported(trees[path]) - set(trees)
    digest = hashlib.sha256()
    for path in (own, *sorted(set(trees) - {own})):
        digest.update(ast.dump(_without_docstrings(trees[path])).encode())
    return digest.hexdigest()


def _imported(tree: ast.Module) -> set[Path]:
    """The files of the modules of the rooms that a module imports, at its top or inside its functions."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}", *(f"{node.module}.{alias.name}" for alias in node.names)}
    root = Path(__file__).resolve().parents[1]
    files = {root.joinpath(*name.split(".")).with_suffix(".py") for name in names if name.split(".")[0] in ROOMS}
    return {path for path in files if path.is_file()}


_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
    return tree


def _read(path: Path) -> pa.Table:
    try:
        return parquet.read_table(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{path} is damaged; delete it, and the same command computes it again") from error


def compute_cell(work: Work, spec: Spec, path: str) -> None:
    """What a worker does: compute the rows of a cell and write them to its file."""
    table = pa.Table.from_pylist(work(spec))
    write_whole(path, lambda handle: parquet.write_table(table, handle, compression="zstd"))


@dataclass
class _Engine:
    """An executor, a way to get a new one should it break, and how many cells it is given at a time (None: all)."""

    executor: Any
    window: int | None
    renewed: Callable[[], Any]

    def submit(self, work: Work, spec: Spec, path: Path) -> Future[None]:
        """Hand a cell to a worker."""
        job = (compute_cell, work, dict(spec), str(path))
        try:
            future: Future[None] = self.executor.submit(*job)
        except BrokenExecutor:
            self.executor = self.renewed()
            future = self.executor.submit(*job)
        return future


Cell = tuple[Spec, Path]


def _computed(opening: AbstractContextManager[_Engine], work: Work, cells: Iterable[Cell]) -> Iterator[tuple[Path, str | None]]:
    """Compute cells and yield the file of each with what went wrong, if anything, as they end."""
    suspects: list[Cell] = []
    with opening as engine:
        for cell, trouble in _attempts(engine, work, cells, engine.window):
            if trouble is None:
                yield cell[1], None
            else:
                suspects.append(cell)
        # One at a time: if a worker dies now, it is this cell that killed it, and not a neighbour in flight.
        for cell, trouble in _attempts(engine, work, suspects, 1):
            yield cell[1], trouble


def _attempts(engine: _Engine, work: Work, cells: Iterable[Cell], window: int | None) -> Iterator[tuple[Cell, str | None]]:
    waiting = deque(cells)
    running: dict[Future[None], Cell] = {}
    while waiting or running:
        while waiting and (window is None or len(running) < window):
            cell = waiting.popleft()
            running[engine.submit(work, *cell)] = cell
        done, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in done:
            yield running.pop(future), _trouble(future)


def _trouble(future: Future[None]) -> str | None:
    error = future.exception()
    if error is None:
        return None
    if isinstance(error, InputError) and "could not be written" in str(error):
        raise error  # a full disk: no other cell would fare better
    if isinstance(error, BrokenExecutor) or type(error).__name__ == "KilledWorker":
        return "its worker died"
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


@contextmanager
def _local(workers: int) -> Iterator[_Engine]:
    from loky import ProcessPoolExecutor

    def fresh() -> Any:
        return ProcessPoolExecutor(max_workers=workers, initializer=_live_and_die_with, initargs=(os.getpid(),))

    with single_threaded_children():
        engine = _Engine(fresh(), workers, fresh)
        try:
            yield engine
        finally:
            engine.executor.shutdown(wait=True, kill_workers=True)


def _live_and_die_with(master: int) -> None:
    """In a worker: leave interrupts to the master, and end when it is gone."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(master,), daemon=True).start()


def _end_with(master: int) -> None:
    while os.getppid() == master:
        time.sleep(WATCH_S)
    os._exit(1)


@contextmanager
def _dask(address: str, workers: int) -> Iterator[_Engine]:
    try:
        import dask
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise InputError("the engine dask needs the package distributed; pip install 'normtheory[dask]'") from error

    with single_threaded_children(), dask.config.set({"distributed.admin.large-graph-warning-threshold": "1GB"}):
        if address:
            try:
                client = Client(address, timeout=DASK_CONNECTION_S)
            except (OSError, ValueError) as error:
                raise InputError(f"no Dask scheduler answers at {address}; give dask:tcp://HOST:PORT") from error
            with client:
                yield _Engine(client.get_executor(), None, client.get_executor)
            return
        with (
            LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=":0") as cluster,
            Client(cluster) as client,
        ):
            yield _Engine(client.get_executor(), None, client.get_executor)
