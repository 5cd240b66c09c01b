"""Cells for the tests of the sweep: quick ones, slow ones, and some that raise or kill their worker."""

import os
import signal
import sys
import time
from pathlib import Path

CELLS = [{"n": n, "name": "toy"} for n in range(8)]
SLOW = 0.5  # seconds a cell takes in a run that is to be stopped before it ends


def squares(spec):
    """Two rows; a log of every computation if the specification names one."""
    if "log" in spec:
        with Path(spec["log"]).open("a") as log:
            log.write(f"{spec['n']}\n")
    time.sleep(spec.get("sleep", 0.0))
    return [{"n": spec["n"], "power": power, "value": float(spec["n"]) ** power} for power in (1, 2)]


class StubbornError(RuntimeError):
    """Cannot be brought back from another process, as its second argument is not among its `args`."""

    def __init__(self, message, loss):
        super().__init__(message)
        self.loss = loss


def raising(spec):
    rows = squares(spec)
    if spec["n"] == 3:
        raise StubbornError("three is\npoisoned", 3.0)
    return rows


def failing_once(spec):
    marker = Path(spec["marker"])
    if spec["n"] == 3 and not marker.exists():
        marker.touch()
        raise ArithmeticError("not yet")
    return squares(spec)


def ragged(spec):
    """Rows that differ in their columns and in the types of what stands in them."""
    return [
        {"n": spec["n"], "value": None if spec["n"] == 0 else spec["n"] * (1 if spec["n"] == 1 else 0.5)},
        {"n": 0, "more": "x"},
    ]


def deadly(spec):
    """Kills its worker at n = 3: always, or only as long as the marker is not there."""
    marker = spec.get("marker")
    if spec["n"] == 3 and not (marker and Path(marker).exists()):
        if marker:
            Path(marker).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return squares(spec)


def main(store, engine, log):
    """A run to be killed from outside."""
    from normtheory.figures.sweep import Sweep

    cells = [spec | {"sleep": SLOW, "log": log} for spec in CELLS]
    Sweep(Path(store), engine, workers=2).table(cells, squares)


if __name__ == "__main__":
    import toy_cells  # under the name that workers import it by

    toy_cells.main(*sys.argv[1:])
