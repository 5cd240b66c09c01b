"""Worker processes: how many the machine has room for, and one BLAS thread in each."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


def processors() -> int:
    """The processors this process may use: those it is bound to, within the limit of its container."""
    from loky import cpu_count

    return int(cpu_count())


@contextmanager
def single_threaded_children() -> Iterator[None]:
    """One BLAS thread per worker: the libraries read these variables when they are first imported, in the child."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
