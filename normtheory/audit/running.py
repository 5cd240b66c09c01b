"""Running claims, in this process or in several: no step holds up the run, and a dead worker loses only its claim."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

from normtheory.audit.claims import Catalogue, Claim, claims, find, names
from normtheory.audit.judging import Entry, not_run, run_claim
from normtheory.machine import single_threaded_children


def run(
    ids: Iterable[str] | None = None, *, catalogue: Catalogue | None = None, jobs: int = 1, limit: float | None = None
) -> Iterator[Entry]:
    """Run claims and yield their entries as they are finished.

    Parameters
    ----------
    ids : iterable of str, optional
        Which claims; all of the catalogue by default.
    catalogue : str or sequence of str
        Modules and packages whose import fills the registry (default: this package's); each worker imports them and runs
        claims by id.
    jobs : int
        Number of worker processes; 1 without a limit runs in this process.
    limit : float, optional
        Seconds after which a claim is cut off: its worker is killed and the claim is undecided, which its entry says.

    Raises
    ------
    InputError
        If an id is unknown, before anything is run.
    """
    chosen = [find(name, catalogue) for name in dict.fromkeys(ids if ids is not None else claims(catalogue))]
    if limit is None and (jobs <= 1 or len(chosen) <= 1):
        return (run_claim(claim) for claim in chosen)
    return _run_in_processes(chosen, names(catalogue), jobs, float("inf") if limit is None else limit)


STARTUP_S = 60.0  # allowed to a fresh worker for its imports, on top of the limit of its first claim


def _run_in_processes(chosen: list[Claim[Any]], catalogue: Catalogue | None, jobs: int, limit: float) -> Iterator[Entry]:
    """Claims on worker processes, which can be killed: no step holds up the run, and a dead worker loses only its claim."""
    waiting = deque(chosen)
    with single_threaded_children():
        workers = [_Worker(catalogue) for _ in range(min(jobs, len(chosen)))]
        try:
            for worker in workers:
                worker.give(waiting.popleft(), limit)
            while busy := [worker for worker in workers if worker.claim is not None]:
                for worker in _settled(busy):
                    yield worker.entry()
                    if waiting:
                        worker.give(waiting.popleft(), limit)
        finally:
            for worker in workers:
                worker.stop()


def _settled(busy: list[_Worker]) -> list[_Worker]:
    """Wait until a worker has answered, has died or has spent its time, and return those."""
    from multiprocessing.connection import wait

    patience = min(worker.deadline for worker in busy) - time.monotonic()
    answered = wait([worker.connection for worker in busy], None if patience == float("inf") else max(0.0, patience))
    return [worker for worker in busy if worker.connection in answered or worker.deadline <= time.monotonic()]


class _Worker:
    """A process that runs one claim after another, and is replaced by a fresh one if it dies or is cut off."""

    def __init__(self, catalogue: Catalogue | None) -> None:
        self.catalogue = catalogue
        self.claim: Claim[Any] | None = None
        self._start()

    def _start(self) -> None:
        import multiprocessing

        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, self.catalogue), daemon=True)
        self.process.start()
        theirs.close()
        self.fresh = True

    def give(self, claim: Claim[Any], limit: float) -> None:
        """Have the worker run a claim, for at most `limit` seconds."""
        if not self.process.is_alive():
            self._start()
        self.claim, self.limit = claim, limit
        self.deadline = time.monotonic() + limit + (STARTUP_S if self.fresh else 0.0)
        self.connection.send(claim.id)
        self.fresh = False

    def entry(self) -> Entry:
        """The entry of the claim given last; if there is no answer, one that says why, and the process is killed."""
        claim, self.claim = self.claim, None
        if claim is None:
            raise RuntimeError("the worker was given no claim")
        if self.connection.poll():
            try:
                answer: Entry | str = self.connection.recv()
            except EOFError:
                answer = "the worker failed: its process ended without an answer"
        else:
            answer = f"cut off after {self.limit:g} s without an answer"
        if isinstance(answer, str):
            self.stop()
            return not_run(claim, answer)
        return answer

    def stop(self) -> None:
        """End the process, whatever it is doing."""
        self.process.kill()
        self.process.join()
        self.connection.close()


def _serve(connection: Any, catalogue: Catalogue | None) -> None:
    """Answer claim ids with entries until the process is killed; an error outside the checks is answered in words."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt is the parent's to handle
    while True:
        name = connection.recv()
        try:
            connection.send(run_claim(find(name, catalogue)))
        except Exception as error:
            connection.send(f"the worker failed with {type(error).__name__}: {error}")
