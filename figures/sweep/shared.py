"""Cells that build on other cells: what several of them start from is computed once, and kept beside them.

Inside a sweep the rows of the other cell are read from the sweep's store, or computed and written there, whole or not at all;
outside of one they are computed. Either way they are the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from normtheory.arrays import InputError
from normtheory.figures.sweep.keys import Spec, Work, code_version, key
from normtheory.files import write_whole

_store: ContextVar[Path | None] = ContextVar("store", default=None)


@contextmanager
def kept_in(store: Path) -> Iterator[None]:
    """Inside the block the rows of other cells are kept in this folder."""
    token = _store.set(store)
    try:
        yield
    finally:
        _store.reset(token)


def rows_of(work: Work, spec: Spec) -> list[dict[str, Any]]:
    """The rows of another cell.

    Raises
    ------
    InputError
        If its file is damaged, or the specification is not plain.
    """
    store = _store.get()
    if store is None:
        return work(spec)
    path = store / f"{key(spec, code_version(work))}.parquet"
    if not path.exists():
        write_rows(work(spec), path)
    rows: list[dict[str, Any]] = read(path).to_pylist()
    return rows


def write_rows(rows: list[dict[str, Any]], path: Path) -> None:
    """Write the rows of a cell to its file, whole or not at all."""
    names = dict.fromkeys(name for row in rows for name in row)
    table = pa.Table.from_pylist([{name: row.get(name) for name in names} for row in rows])
    write_whole(path, lambda handle: parquet.write_table(table, handle, compression="zstd"))


def read(path: Path) -> pa.Table:
    """The rows of a cell.

    Raises
    ------
    InputError
        If its file is damaged.
    """
    try:
        return parquet.read_table(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{path} is damaged; delete it, and the same command computes it again") from error
