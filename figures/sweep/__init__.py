"""A grid of cells, each computed once: its rows are kept under a hash of its specification and of the code that made them.

A cell is a plain specification, a mapping of names to JSON values. The worker that computes it writes its rows to a file of its
own, whole or not at all, so that a kill at any moment loses at most the cells then in flight, and to resume is to compute what
has no file yet. Cells run on local processes, or on a Dask cluster whose workers share the file system.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from normtheory.arrays import InputError
from normtheory.figures.sweep.engines import IncompleteError, computed, opened, require_known
from normtheory.figures.sweep.keys import Spec, Work, code_version, key
from normtheory.figures.sweep.shared import read
from normtheory.figures.sweep.store import Job, appears
from normtheory.files import folder

__all__ = ["Failure", "IncompleteError", "Spec", "Sweep", "Work"]

Progress = Callable[[int, int, str], None]  # finished, in all, what

NAMED = 5  # failed cells that a message names


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
    set_aside : list of Failure
        Cells that failed twice.
    computed : mapping
        Version of the code -> specifications of the cells whose rows have been given out.
    """

    store: Path
    engine: str = "local"
    workers: int | None = None
    progress: Progress = lambda finished, total, what: None
    set_aside: list[Failure] = field(default_factory=list)
    computed: dict[str, list[Spec]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse an unknown engine before anything is computed; a store may be given as text."""
        self.store = Path(self.store)
        require_known(self.engine)

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
        kept = self._kept(cells, work, what)
        self.computed.setdefault(code_version(work), []).extend(kept.values())
        return _joined(kept)

    def prepared(self, cells: Sequence[Spec], work: Work, what: str) -> pa.Table:
        """As `table`, for what has no part in the record: lines, and what other cells build on (`shared`)."""
        return _joined(self._kept(cells, work, what))

    def _kept(self, cells: Sequence[Spec], work: Work, what: str) -> dict[Path, Spec]:
        """The files of all cells but those that failed, after computing what was missing."""
        version = code_version(work)
        store = folder(self.store).resolve()  # workers may run in another folder
        files = {store / f"{key(spec, version)}.parquet": spec for spec in cells}
        missing = [path for path in files if not path.exists()]
        failed = self._compute(work, version, {path: files[path] for path in missing}, len(files), what) if missing else set()
        if not missing:
            self.progress(len(files), len(files), what)
        return {path: spec for path, spec in files.items() if path not in failed}

    def _compute(self, work: Work, version: str, missing: dict[Path, Spec], total: int, what: str) -> set[Path]:
        """Compute cells, and return the files of those that failed."""
        finished, failed = total - len(missing), set[Path]()
        self.progress(finished, total, what)
        jobs = [Job(work, version, spec, path) for path, spec in missing.items()]
        for job, trouble, attempt in computed(opened(self.engine, self.workers), jobs):
            if trouble is None and not appears(job.path):
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


def _joined(files: Iterable[Path]) -> pa.Table:
    """The rows of cells, one after the other; columns may be empty, or hold whole numbers only, in some."""
    parts = [read(path) for path in files]
    return pa.concat_tables(parts, promote_options="permissive") if parts else pa.table({})
