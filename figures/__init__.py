"""One file per figure: compute() makes a tidy table, draw() a picture of it; `make` runs both."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from normtheory.arrays import InputError

# name on the command line -> module
FIGURES = {"fig1a": "figures.penalty_landscapes", "corollary1": "figures.corollary1"}
SCALES = ("quick", "paper")

Progress = Callable[[int, int, str], None]  # finished, in all, what


def make(name: str, scale: str = "paper", out: Path = Path("pictures"), progress: Progress | None = None) -> list[Path]:
    """Compute a figure's table and draw it; return the files written: NAME.csv, NAME.png and NAME.svg.

    Parameters
    ----------
    name : str
        One of FIGURES.
    scale : str
        'quick' (a reduced grid, seconds) or 'paper'.
    out : Path
        Folder to write to; made if missing. Files appear whole or not at all.

    Raises
    ------
    InputError
        If the name or the scale is unknown, or the folder cannot be written to.
    """
    if name not in FIGURES:
        raise InputError(f"unknown figure {name!r}; choose from {', '.join(FIGURES)}")
    if scale not in SCALES:
        raise InputError(f"unknown scale {scale!r}; choose from {', '.join(SCALES)}")
    from figures.files import folder, write_picture, write_table

    out = folder(out)
    module = import_module(FIGURES[name])
    table = module.compute(scale, progress or (lambda finished, total, what: None))
    written = [write_table(table, out / f"{name}.csv")]
    return written + write_picture(module.draw(table), out / name)
