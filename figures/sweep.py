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
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Future, wait
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from normtheory.arrays import InputError
from normtheory.processes import processors, single_threaded_children
from normtheory.tasks import folder, write_whole

Spec = Mapping[str, Any]
Work = Callable[[Spec], list[dict[str, Any]]]  # from a cell to its rows; a function that workers can import
Progress = Callable[[int, int, str], None]  # finished, in all, what

ROOMS = ("normtheory", "solvers")  # whose code the numbers of a cell rest on
WATCH_S = 1.0  # how often a local worker looks whether its master still lives
DASK_CONNECTION_S = 15
NAMED = 5  # failed cells that a message names
SHARED_FILES_S = 90.0  # that a network file system may take to show a file which another machine wrote


class IncompleteError(RuntimeError):
    """Some cells are missing; what was computed is kept, and `written` are the files that were made without them."""

    def __init__(self, message: str, written: Sequence[Path] = ()) -> None:
        super().__init__(message)
        self.written = tuple(written)


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
        Called with the number of cells finished or given up, their number, and what they are, with the number of failures:
        once before the first and after each.
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
            If a specification is not plain, the cluster cannot be reached, does not see the store or runs other code, the store
            cannot be written to, or a stored file is damaged.
        IncompleteError
            If the connection to the cluster is lost.
        """
        version = code_version(work)
        store = folder(self.store).resolve()  # workers may run in another folder
        files = {store / f"{key(spec, version)}.parquet": spec for spec in cells}
        missing = [path for path in files if not path.exists()]
        failed = self._compute(work, version, {path: files[path] for path in missing}, len(files), what) if missing else set()
        if not missing:
            self.progress(len(files), len(files), what)
        parts = [_read(path) for path in files if path not in failed]
        # Columns may be empty, or hold whole numbers only, in some parts.
        return pa.concat_tables(parts, promote_options="permissive") if parts else pa.table({})

    def _compute(self, work: Work, version: str, missing: dict[Path, Spec], total: int, what: str) -> set[Path]:
        """Compute cells, and return the files of those that failed."""
        finished, failed = total - len(missing), set[Path]()
        self.progress(finished, total, what)
        jobs = [Job(work, version, spec, path) for path, spec in missing.items()]
        for job, trouble, attempt in _computed(self._engine(), jobs):
            if trouble is None and not _appears(job.path):
                raise InputError(f"workers do not write to {job.path.parent}; choose a folder on a file system they share")
            if trouble is not None and attempt == 2:
                self.set_aside.append(Failure(job.spec, trouble))
            failed = failed - {job.path} if trouble is None else failed | {job.path}
            finished += trouble is None or attempt == 2
            self.progress(finished, total, f"{what}, {len(failed)} failed" if failed else what)
        return failed

    def check(self, written: Sequence[Path] = ()) -> None:
        """Say which cells were set aside, if any; `written` are the files made without them.

        Raises
        ------
        IncompleteError
            If there are.
        """
        if self.set_aside:
            named = [f"{json.dumps(dict(failure.spec))}: {failure.reason}" for failure in self.set_aside[:NAMED]]
            more = len(self.set_aside) - len(named)
            raise IncompleteError(
                f"{len(self.set_aside)} cells failed twice and are missing from the table; the same command tries them again: "
                + "; ".join([*named, f"and {more} more"] if more else named),
                written,
            )

    def _engine(self) -> AbstractContextManager[_Engine]:
        workers = processors() if self.workers is None else self.workers
        if self.engine == "local":
            return _local(workers)
        return _dask(self.engine.partition(":")[2], workers)


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
    return hashlib.sha256(f"{version}\n{canonical}".encode()).hexdigest()[:24]


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
    return f"{work.__module__}.{work.__qualname__} {_hash_of_code(Path(inspect.getfile(work)))}"


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


def _appears(path: Path) -> bool:
    """Whether a file is there, or comes into sight before long."""
    deadline = time.monotonic() + SHARED_FILES_S
    while not path.exists():
        if time.monotonic() > deadline:
            return False
        time.sleep(WATCH_S)
    return True


@dataclass(frozen=True)
class Job:
    """A cell to compute: its work and the version of that, its specification and its file."""

    work: Work
    version: str
    spec: Spec
    path: Path


def compute_cell(work: Work, version: str, spec: Spec, path: str) -> str | None:
    """What a worker does: compute the rows of a cell and write them to its file; return what went wrong with it, in words.

    Raises
    ------
    InputError
        If no cell would fare better: the worker runs other code than its master, or cannot write to the store.
    """
    if code_version(work) != version:
        raise InputError("the code has changed since its workers started; start them, or this command, anew")
    if not Path(path).parent.is_dir():
        raise InputError(f"workers do not see {Path(path).parent}; choose a folder on a file system they share")
    try:
        rows = work(spec)
    except Exception as error:  # whatever it is: it is the cell's, and told with it
        return f"{type(error).__name__}: {' '.join(str(error).split())}"
    names = dict.fromkeys(name for row in rows for name in row)
    table = pa.Table.from_pylist([{name: row.get(name) for name in names} for row in rows])
    write_whole(path, lambda handle: parquet.write_table(table, handle, compression="zstd"))
    return None


@dataclass
class _Engine:
    """An executor, a way to get a new one should it break, and how many cells it is given at a time (None: all)."""

    executor: Any
    window: int | None
    renewed: Callable[[], Any]

    def submit(self, job: Job) -> Future[str | None]:
        """Hand a cell to a worker."""
        call = (compute_cell, job.work, job.version, dict(job.spec), str(job.path))
        try:
            future: Future[str | None] = self.executor.submit(*call)
        except BrokenExecutor:
            self.executor = self.renewed()
            future = self.executor.submit(*call)
        return future


def _computed(opening: AbstractContextManager[_Engine], jobs: Iterable[Job]) -> Iterator[tuple[Job, str | None, int]]:
    """Compute cells and yield each attempt as it ends: the cell, what went wrong, if anything, and the attempt's number."""
    suspects: list[Job] = []
    with opening as engine:
        for job, trouble in _attempts(engine, jobs, engine.window):
            yield job, trouble, 1
            if trouble is not None:
                suspects.append(job)
        # One at a time: if a worker dies now, it is this cell that killed it, and not a neighbour in flight.
        for job, trouble in _attempts(engine, suspects, 1):
            yield job, trouble, 2


def _attempts(engine: _Engine, jobs: Iterable[Job], window: int | None) -> Iterator[tuple[Job, str | None]]:
    waiting = deque(jobs)
    running: dict[Future[str | None], Job] = {}
    while waiting or running:
        while waiting and (window is None or len(running) < window):
            job = waiting.popleft()
            running[engine.submit(job)] = job
        done, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in done:
            yield running.pop(future), _trouble(future)


def _trouble(future: Future[str | None]) -> str | None:
    """What went wrong with a cell, in words; raises what no other cell would escape."""
    try:
        error = future.exception()
    except CancelledError:
        raise IncompleteError(
            "the connection to the Dask scheduler was lost; what is finished is kept, and the same command goes on from there"
        ) from None
    if error is None:
        return future.result()
    if isinstance(error, InputError):
        raise error
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
    """In a worker: end when the master is gone."""
    threading.Thread(target=_end_with, args=(master,), daemon=True).start()


def _end_with(master: int) -> None:
    while os.getppid() == master:
        time.sleep(WATCH_S)
    os._exit(1)


def _executors(client: Any) -> tuple[Any, None, Callable[[], Any]]:
    """What an engine is made of; calls are not pure, or a second attempt would only be told of the first."""
    return client.get_executor(pure=False), None, lambda: client.get_executor(pure=False)


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
                yield _Engine(*_executors(client))
            return
        with _interrupts_kept_from_children():
            cluster = LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                dashboard_address=":0",
                silence_logs=logging.CRITICAL,  # what goes wrong with a cell or its worker is told by the sweep
            )
        with cluster, Client(cluster) as client:
            yield _Engine(*_executors(client))


@contextmanager
def _interrupts_kept_from_children() -> Iterator[None]:
    """Processes started meanwhile leave interrupts to this one, whose main thread alone may arrange that."""
    import signal

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
