"""What the machine has: processors for worker processes, and how many threads BLAS may take for a piece of work."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

# Multiplications in the largest matrix product of a solve (n^2 D for a Gram matrix) from which several threads are worth it.
# Measured on two cores, Newton's method at D = 1000 to 16000: below, a second thread gains at most 1.4 times if both are idle,
# and costs 2 to 25 times if they are busy, where threads wait for each other; beyond, it gains 1.4 to 1.7 times.
WORTH_THREADS = 2e9


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


@contextmanager
def blas_threads(multiplications: float) -> Iterator[None]:
    """Hold BLAS to one thread inside the block, unless its largest matrix product is worth more.

    A process-wide setting, as BLAS offers no other; restored on leaving.

    Parameters
    ----------
    multiplications : float
        In the largest matrix product: n^2 D for X diag(w) X^T of X (n, D).
    """
    if multiplications >= WORTH_THREADS:
        yield
        return
    with _blas().limit(limits=1):
        yield


@cache
def _blas() -> Any:
    """The BLAS libraries of numpy and scipy; to look for them takes milliseconds, so that it is done once."""
    import scipy.linalg  # noqa: F401 - it brings a BLAS of its own
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController().select(user_api="blas")
