"""Tables and pictures on disk, written whole or not at all, in one house style."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import csv

from normtheory.files import write_whole


def _draw_on_nothing() -> None:
    """Import matplotlib for files alone, whatever backend a notebook or a shell asks for: a name it lacks stops the import."""
    asked = os.environ.pop("MPLBACKEND", None)
    try:
        import matplotlib as mpl

        mpl.use("Agg")
    finally:
        if asked is not None:
            os.environ["MPLBACKEND"] = asked


_draw_on_nothing()
# Nothing of a user's own matplotlibrc, which may want LaTeX, is left in our pictures.
STYLE = ["default", str(Path(__file__).with_name("house.mplstyle"))]
# Okabe & Ito's palette: told apart by colour-blind readers, and by their lightness in print.
COLOURS = {
    "blue": "#0072B2",
    "orange": "#E69F00",
    "green": "#009E73",
    "vermilion": "#D55E00",
    "purple": "#CC79A7",
    "black": "#222222",
    "grey": "#8C8C8C",
}


def write_table(table: pa.Table, path: Path) -> Path:
    """Write a table as CSV."""
    write_whole(path, lambda handle: csv.write_csv(table, handle))
    return path


def read_table(path: Path) -> pa.Table:
    """Read a table that `write_table` wrote."""
    return csv.read_csv(path)


def rounded(table: pa.Table, digits: int = 6) -> pa.Table:
    """The table with its numbers rounded to significant digits: what a committed table needs."""
    columns = []
    for column in table.columns:
        if pa.types.is_floating(column.type):
            column = pa.array([None if x is None else float(f"{x:.{digits}g}") for x in column.to_pylist()], column.type)
        columns.append(column)
    return pa.table(columns, schema=table.schema)


def write_picture(figure: Any, stem: Path) -> list[Path]:
    """Write a matplotlib figure as PNG and SVG, and close it; return both paths.

    SVGs hold no date: equal pictures are equal files.
    """
    import matplotlib.pyplot as plt

    paths = [_write_one(figure, stem.with_suffix(".png"), {}), _write_one(figure, stem.with_suffix(".svg"), {"Date": None})]
    plt.close(figure)
    return paths


def _write_one(figure: Any, path: Path, metadata: dict[str, None]) -> Path:
    import matplotlib.pyplot as plt

    with plt.style.context(STYLE):  # resolution and fonts of the file are read when it is saved
        write_whole(path, lambda handle: figure.savefig(handle, format=path.suffix[1:], metadata=metadata))
    return path
