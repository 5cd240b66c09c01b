"""Where cells are computed: processes of this machine, or a Dask cluster whose workers share the file system."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Future, wait
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any

from normtheory.arrays import InputError
from normtheory.figures.sweep.store import Job, compute_cell
from normtheory.machine import processors, single_threaded_children

WATCH_S = 1.0  # how often a local worker looks whether its master still lives
DASK_CONNECTION_S = 15


class IncompleteError(RuntimeError):
    """Some cells are missing; what was computed is kept, and `written` are the files that were made without them."""

    def __init__(self, message: str, written: Sequence[Path] = ()) -> None:
        super().__init__(message)
        self.written = tuple(written)


def require_known(engine: str) -> None:
    """Refuse an engine that there is not.

    Raises
    ------
    InputError
        If it is neither local nor dask nor dask:ADDRESS.
    """
    if engine not in ("local", "dask") and not engine.startswith("dask:"):
        raise InputError(f"unknown engine {engine!r}; choose local, dask or dask:ADDRESS")


def opened(engine: str, workers: int | None) -> AbstractContextManager[Engine]:
    """The engine of this name, ready to compute, until the context is left."""
    count = processors() if workers is None else workers
    return _local(count) if engine == "local" else _dask(engine.partition(":")[2], count)


@dataclass
class Engine:
    """An executor, a way to get a new one should it break, and how many cells it is given at a time (None: all)."""

    executor: Any
    window: int | None
    renewed: Callable[[], Any]

    def submit(self, job: Job) -> Future[str | None]:
        """Hand a cell to a worker."""
        call = (compute_cell, job.work, job.version, dict(job.spec), str(job.path))
        with _interrupts_kept_from_children():  # local workers are started by the first cells
            try:
                future: Future[str | None] = self.executor.submit(*call)
            except BrokenExecutor:
                self.executor = self.renewed()
                future = self.executor.submit(*call)
        return future


def computed(opening: AbstractContextManager[Engine], jobs: Iterable[Job]) -> Iterator[tuple[Job, str | None, int]]:
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


def _attempts(engine: Engine, jobs: Iterable[Job], window: int | None) -> Iterator[tuple[Job, str | None]]:
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
def _local(workers: int) -> Iterator[Engine]:
    from loky import ProcessPoolExecutor

    def fresh() -> Any:
        executor = ProcessPoolExecutor(max_workers=workers, initializer=_live_and_die_with, initargs=(os.getpid(),))
        with _interrupts_kept_from_children():
            executor.submit(os.getpid)  # starts all workers
        return executor

    with single_threaded_children():
        engine = Engine(fresh(), workers, fresh)
        try:
            yield engine
        finally:
            engine.executor.shutdown(wait=True, kill_workers=True)


def _live_and_die_with(master: int) -> None:
    """In a worker: leave interrupts to the master, also if another thread of it has started this one; end when it is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(master,), daemon=True).start()


def _end_with(master: int) -> None:
    while os.getppid() == master:
        time.sleep(WATCH_S)
    os._exit(1)


def _executors(client: Any) -> tuple[Any, None, Callable[[], Any]]:
    """What an engine is made of; calls are not pure, or a second attempt would only be told of the first."""
    return client.get_executor(pure=False), None, lambda: client.get_executor(pure=False)


@contextmanager
def _dask(address: str, workers: int) -> Iterator[Engine]:
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
                yield Engine(*_executors(client))
            return
        with _interrupts_kept_from_children():
            cluster = LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                dashboard_address=":0",
                silence_logs=logging.CRITICAL,  # what goes wrong with a cell or its worker is told by the sweep
            )
        with cluster, Client(cluster) as client:
            yield Engine(*_executors(client))


@contextmanager
def _interrupts_kept_from_children() -> Iterator[None]:
    """Processes and threads started meanwhile leave interrupts to this one, whose thread they do not reach until the end.

    Blocked, not ignored: an interrupt that was ignored would be lost. Another thread may take it before.
    """
    resource_tracker.ensure_running()  # its start, were it to fall in this time, would end the blocking
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
