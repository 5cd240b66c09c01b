"""Entries of the ledger kept from one run to the next: under a hash of all code and data that a claim may rest on.

What a claim rests on is taken generously: every module of the package but the command line, the tables that come along, the
versions of python and of the libraries. Whatever of this changes, everything is run anew. Only entries that are as they should
be are kept, in the user's own cache folder (NORMTHEORY_CACHE, else XDG_CACHE_HOME, else ~/.cache).
"""

from __future__ import annotations

import hashlib
import os
import pickle
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from string import ascii_letters, digits

import normtheory
from normtheory.audit import claims
from normtheory.audit.judging import Entry
from normtheory.caches import cache_folder
from normtheory.files import write_whole

LIBRARIES = ("numpy", "scipy", "sympy", "mpmath", "python-flint", "cvxpy", "clarabel", "pyarrow")
APART = "cli"  # the room whose code no verdict rests on
OWN_CATALOGUE = claims.CATALOGUE  # when this module is imported
KEPT_VERSIONS = 3  # of the code, whose entries stay in the cache


def usable() -> bool:
    """Whether the catalogue is this package's own, whose code the hash covers."""
    return claims.CATALOGUE == OWN_CATALOGUE


def stored(name: str) -> Entry | None:
    """The entry kept of a claim, if nothing that it may rest on has changed since."""
    if not set(name) <= set(ascii_letters + digits + "-_"):
        return None
    path = _place() / f"{name}.entry"
    with suppress(OSError, pickle.UnpicklingError, EOFError, AttributeError, ImportError, IndexError, ValueError):
        if path.stat().st_uid == _user() and not path.is_symlink():  # nobody else's pickle is read
            found = pickle.loads(path.read_bytes())
            return found if isinstance(found, Entry) and found.id == name else None
    return None


def store(entry: Entry) -> None:
    """Keep an entry that is as it should be; a cache that cannot be written to is none."""
    if not entry.ok:
        return
    with suppress(OSError, ValueError):
        place = _place()
        if not place.is_dir():
            place.mkdir(mode=0o700, parents=True)
            _forget_old_versions(place)
        data = pickle.dumps(entry)
        write_whole(place / f"{entry.id}.entry", lambda handle: handle.write(data))


def _place() -> Path:
    return cache_folder() / "claims" / _version_of_everything()


def _user() -> int:
    return os.getuid() if hasattr(os, "getuid") else 0


@cache
def _version_of_everything() -> str:
    """A hash of the package's code and data, of python and of the libraries."""
    found = hashlib.sha256(sys.version.encode())
    for library in LIBRARIES:
        with suppress(PackageNotFoundError):
            found.update(f"{library} {version(library)}\n".encode())
    root = Path(normtheory.__file__).parent
    for path in sorted(_files(root)):
        found.update(f"{path.relative_to(root)}\n".encode())
        found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()[:24]


def _files(root: Path) -> Iterator[Path]:
    """Modules and data, also of the rooms behind links."""
    for folder, rooms, names in os.walk(root, followlinks=True):
        rooms[:] = [room for room in rooms if room not in (APART, "__pycache__")]
        yield from (Path(folder) / name for name in names if name.endswith((".py", ".csv", ".json")))


def _forget_old_versions(place: Path) -> None:
    versions = sorted((each for each in place.parent.iterdir() if each.is_dir()), key=lambda each: each.stat().st_mtime)
    for old in versions[:-KEPT_VERSIONS]:
        for file in old.iterdir():
            file.unlink()
        old.rmdir()
