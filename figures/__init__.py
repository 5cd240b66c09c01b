"""One file per figure: compute() makes a tidy table, draw() pictures of it; `make` runs both, `redraw` the second."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from normtheory.arrays import InputError

# name on the command line -> module
FIGURES = {
    "fig1": "normtheory.figures.diagonal.fig1",
    "fig1a": "normtheory.figures.diagonal.penalty_landscapes",
    "fig2": "normtheory.figures.relu.fig2",
    "fig3": "normtheory.figures.deep.fig3",
    "fig4": "normtheory.figures.relu.fig4",
    "fig5": "normtheory.figures.diagonal.fig5",
    "fig6": "normtheory.figures.relu.fig6",
    "fig7": "normtheory.figures.deep.fig7",
    "fig8": "normtheory.figures.relu.fig8",
    "corollary1": "normtheory.figures.diagonal.corollary1",
    "phase-overlap": "normtheory.figures.curves.phase_overlap",
    "phase-rescaling": "normtheory.figures.curves.phase_rescaling",
    "phase-scales": "normtheory.figures.curves.phase_scales",
    "phase-sparsity": "normtheory.figures.curves.phase_sparsity",
    "phase-threshold": "normtheory.figures.curves.phase_threshold",
    "finite-size": "normtheory.figures.curves.finite_size",
    "universality": "normtheory.figures.curves.universality",
}
SCALES = ("quick", "paper")  # of figures that have no RUN_SCALES; the last is the default
OF_A_CLUSTER = ("fig2", "fig4", "fig6", "fig8")  # at the scale of the paper
COMMITTED = Path(__file__).with_name("data")  # the tables of full runs
CELLS = "cells"  # folder, below that of the pictures, of what has been computed

Progress = Callable[[int, int, str], None]  # finished, in all, what


def lacking(name: str) -> list[str]:
    """Packages that a figure needs and that are not installed."""
    return [package for package in getattr(_module(name), "NEEDS", ()) if find_spec(package) is None]


def make(
    name: str,
    scale: str | None = None,
    out: Path = Path("pictures"),
    *,
    data: Path | None = None,
    engine: str = "local",
    workers: int | None = None,
    progress: Progress = lambda finished, total, what: None,
) -> list[Path]:
    """Compute a figure's table and draw it; return the files written.

    They are the table, NAME.csv, its record, NAME.json (what it was made from), and a PNG and an SVG for each picture.
    What is finished is kept in the folder `cells` below `out`: after an interruption the same call goes on from there.

    Parameters
    ----------
    name : str
        One of FIGURES.
    scale : str
        'quick' (a reduced grid, minutes) or 'paper'; of some figures also 'laptop' (default: 'paper', or 'laptop' where there
        is one and no data are given).
    out : Path
        Folder to write to; made if missing. Files appear whole or not at all.
    data : Path, optional
        Images to train on, for figures that do (`normtheory.images.read_images`).
    engine, workers, progress
        As in `normtheory.figures.sweep.Sweep`.

    Raises
    ------
    InputError
        If the name, the scale or the engine is unknown, a package is not installed, the data are not what the figure needs, or
        the folder cannot be written to.
    IncompleteError
        If some cells failed twice; the files were written without them.
    """
    module = _module(name)
    scales = getattr(module, "RUN_SCALES", SCALES)
    scale = _default(scales, data) if scale is None else scale
    if scale not in scales:
        raise InputError(f"{name} has no scale {scale!r}; choose from {', '.join(scales)}")
    if missing := lacking(name):
        raise InputError(f"{name} needs {', '.join(missing)}, not installed here; pip install 'normtheory[nn,data]'")
    given = {} if data is None else {"data": data}
    if given and "data" not in inspect.signature(module.compute).parameters:
        raise InputError(f"{name} trains on no images; leave out the data")
    from normtheory.figures.files import write_table
    from normtheory.figures.record import beside, record_of, write_record
    from normtheory.figures.sweep import Sweep
    from normtheory.files import folder

    sweep = Sweep(out / CELLS, engine, workers, progress)
    table = module.compute(scale, sweep, **given)  # makes the folder of its cells when nothing is wrong with what it is given
    out = folder(out)
    if not table.num_rows:
        sweep.check()
        return []
    written = [write_table(table, out / f"{name}.csv")]
    for code, specs in sweep.computed.items():
        written.append(write_record(record_of(written[0], code, specs), beside(written[0])))
    written += _draw(module, table, out)
    sweep.check(written)
    return written


def everything(scale: str | None = None) -> list[str]:
    """All figures that have this scale, but for those that take a cluster at it; all there are if none is given."""
    far = OF_A_CLUSTER if scale == "paper" else ()
    return [
        name for name in FIGURES if scale is None or (name not in far and scale in getattr(_module(name), "RUN_SCALES", SCALES))
    ]


def redraw(name: str, out: Path = Path("pictures")) -> list[Path]:
    """Draw a figure from the table of its full run that comes with the package, in seconds; return the files written.

    Raises
    ------
    InputError
        As `make`.
    """
    module = _module(name)
    from normtheory.files import folder

    return _draw(module, committed(name), folder(out))


def committed(name: str) -> Any:
    """The table of a figure's full run, as it comes with the package.

    Raises
    ------
    InputError
        If the name is unknown, or no table comes with it.
    """
    from normtheory.figures.files import read_table

    return read_table(committed_file(name))


def committed_file(name: str) -> Path:
    """Where that table stands; its record is beside it.

    Raises
    ------
    InputError
        As `committed`.
    """
    _module(name)
    path = COMMITTED / f"{name}.csv"
    if not path.exists():
        raise InputError(f"no table of {name} comes with this installation; make it with `normtheory figure {name}`")
    return path


def _default(scales: Sequence[str], data: Path | None) -> str:
    """The paper's scale, unless it needs data that are not given."""
    return "laptop" if "laptop" in scales and (data is None or scales[-1] == "laptop") else scales[-1]


def _module(name: str) -> Any:
    if name not in FIGURES:
        raise InputError(f"unknown figure {name!r}; choose from {', '.join(FIGURES)}")
    return import_module(FIGURES[name])


def _draw(module: Any, table: Any, out: Path) -> list[Path]:
    from normtheory.figures.files import write_picture

    return [path for stem, picture in module.draw(table).items() for path in write_picture(picture, out / stem)]
