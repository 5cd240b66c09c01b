"""Saved states of a simulation: written once a minute and on Ctrl-C, and what a resumed run must have in common with them."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from normtheory.cli.common import Interrupted

if TYPE_CHECKING:
    from normtheory.arrays import FloatArray
    from normtheory.files import Problem
    from normtheory.solvers.checkpoints import Checkpoint

INTERVAL_S = 60.0

Report = Callable[[str, float, float, int], None]


def fingerprint(problem: Problem, *options: object) -> str:
    """A hash of all that decides a simulation: only its own state can go on."""
    import hashlib

    from normtheory.files import ARRAYS

    arrays = [getattr(problem, name) for name in ARRAYS]
    texts = [repr(options), *(None if array is None else f"{array.shape}" for array in arrays)]
    found = hashlib.sha256(repr(texts).encode())
    for array in arrays:
        found.update(b"" if array is None else array.tobytes())
    return found.hexdigest()


@contextmanager
def checkpointed(
    file: Path | None, resume: Path | None, fingerprint: str, progress: Report
) -> Iterator[tuple[Checkpoint, Report]]:
    """The state to go on from, and a progress report that saves it once a minute; on Ctrl-C it is saved and said so."""
    from normtheory.arrays import InputError
    from normtheory.files import write_arrays
    from normtheory.solvers.checkpoints import Checkpoint

    saved = Checkpoint() if resume is None else Checkpoint.of(_resumed(resume, fingerprint))
    last = time.perf_counter()

    def write() -> None:
        if file is not None:
            write_arrays(file, {"fingerprint": fingerprint, **saved.arrays()})

    def write_if_possible() -> None:
        """A disk that is full now may not be so in a minute, and the run is worth more than its checkpoint."""
        try:
            write()
        except InputError as error:
            print(f"normtheory: {error}; the run goes on, and the next minute tries again", file=sys.stderr, flush=True)

    def report(phase: str, flow_time: float, loss: float, evaluations: int) -> None:
        nonlocal last
        progress(phase, flow_time, loss, evaluations)
        if time.perf_counter() - last > INTERVAL_S:
            last = time.perf_counter()
            write_if_possible()

    try:
        yield saved, report
    except KeyboardInterrupt:
        if file is None:
            raise Interrupted(
                "interrupted; nothing was written (--checkpoint FILE would keep the state of a long run)"
            ) from None
        if not saved.states():
            raise
        try:
            write()
        except InputError as error:
            raise Interrupted(f"interrupted; the state is lost, for {error}") from None
        raise Interrupted(f"interrupted; the state is in {file}, go on with --resume {file}") from None


def _resumed(path: Path, fingerprint: str) -> dict[str, FloatArray]:
    from normtheory.arrays import InputError
    from normtheory.files import read_arrays

    arrays = read_arrays(path)
    if "fingerprint" not in arrays:
        raise InputError(f"{path} is no saved state; give a file written by --checkpoint")
    if str(arrays.pop("fingerprint")) != fingerprint:
        raise InputError(f"{path} was saved from another problem or other options; give those, or leave --resume out")
    return arrays
