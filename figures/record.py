"""What ties a committed table to what made it: the specifications of its cells, the code, and a digest of its rows.

The record stands beside the table, NAME.json beside NAME.csv. A table that was edited by hand, that lacks cells of its grid or
has others, or that was made by other code than there is now, does not fit it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from normtheory.arrays import InputError
from normtheory.figures.sweep.keys import Spec, key
from normtheory.files import write_whole


@dataclass(frozen=True)
class Record:
    """What a table was made from.

    Attributes
    ----------
    code : str
        Version of the code that made it (`normtheory.figures.sweep.keys.code_version`).
    agreed : tuple of str
        Versions of later code, by which cells drawn at random came out the same (`normtheory.figures.recompute`).
    cells : tuple of str
        Keys of the specifications of its cells.
    rows : str
        Digest of the file.
    """

    code: str
    agreed: tuple[str, ...]
    cells: tuple[str, ...]
    rows: str

    def strangers(self, specs: Iterable[Spec]) -> int:
        """How many of these specifications the table lacks, and how many others it has."""
        return len({key_of(spec) for spec in specs} ^ set(self.cells))

    def agreeing(self, code: str) -> Record:
        """The record, with another version of the code that gives the same."""
        return self if code in (self.code, *self.agreed) else replace(self, agreed=(*self.agreed, code))


def key_of(spec: Spec) -> str:
    """The key of a specification, whatever the code."""
    return key(spec, "")


def record_of(table: Path, code: str, specs: Iterable[Spec]) -> Record:
    """The record of a table that was just written."""
    return Record(code, (), tuple(sorted(map(key_of, specs))), digest(table))


def digest(table: Path) -> str:
    """Of a table's file."""
    return hashlib.sha256(table.read_bytes()).hexdigest()


def beside(table: Path) -> Path:
    """Where the record of a table stands."""
    return table.with_suffix(".json")


def write_record(record: Record, path: Path) -> Path:
    """Write a record."""
    text = json.dumps(asdict(record), indent=1) + "\n"
    write_whole(path, lambda handle: handle.write(text.encode()))
    return path


def read_record(path: Path) -> Record:
    """Read what `write_record` wrote.

    Raises
    ------
    InputError
        If there is none.
    """
    if not path.exists():
        raise InputError(f"no record {path.name} stands beside its table; make both with `normtheory figure {path.stem}`")
    found = json.loads(path.read_text(encoding="utf-8"))
    return Record(found["code"], tuple(found["agreed"]), tuple(found["cells"]), found["rows"])
