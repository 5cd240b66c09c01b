"""The files of a sweep's cells: a worker writes the rows of a cell to one of its own, whole or not at all."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from normtheory.arrays import InputError
from normtheory.figures.sweep.keys import Spec, Work, code_version
from normtheory.figures.sweep.shared import kept_in, write_rows

SHARED_FILES_S = 90.0  # that a network file system may take to show a file which another machine wrote
LOOK_S = 1.0  # how often it is looked for


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
        with kept_in(Path(path).parent):
            rows = work(spec)
    except Exception as error:  # whatever it is: it is the cell's, and told with it
        return f"{type(error).__name__}: {' '.join(str(error).split())}"
    write_rows(rows, Path(path))
    return None


def appears(path: Path) -> bool:
    """Whether a file is there, or comes into sight before long."""
    deadline = time.monotonic() + SHARED_FILES_S
    while not path.exists():
        if time.monotonic() > deadline:
            return False
        time.sleep(LOOK_S)
    return True
