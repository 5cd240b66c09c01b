"""Files: a user's problem (.npz), arrays and anything else that appears whole or not at all."""

from __future__ import annotations

import os
import time
import uuid
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields
from glob import escape
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import ArrayLike

from normtheory.arrays import FloatArray, InputError, positive, precision, real_array, vector
from normtheory.reprs import shown
from normtheory.tasks import Task

StrPath = str | os.PathLike[str]

LONGEST_NAME = 200  # bytes: file systems take 255, and the temporary file beside it has a longer one
LONGEST_SHOWN = 60
STALE_S = 3600.0  # age from which a temporary file counts as left by a process that was killed


@shown()
@dataclass(frozen=True, eq=False)
class Problem:
    """A user's problem: a main task and whatever else the file holds; absent arrays are None.

    Shapes: X (n, D), y (n,), X_aux (m, D), y_aux (m,), beta_aux (D,), k (D,), beta0 (D,). `name` is what messages call it;
    `precision` is that of the types in which the tasks were saved, `unknown` are the names of arrays that nothing uses,
    `features` the names of the inputs.
    """

    name: str
    X: FloatArray
    y: FloatArray
    X_aux: FloatArray | None = None
    y_aux: FloatArray | None = None
    beta_aux: FloatArray | None = None
    k: FloatArray | None = None
    beta0: FloatArray | None = None
    precision: float = precision()
    unknown: tuple[str, ...] = ()
    features: tuple[str, ...] | None = None

    def required(self, array: str, purpose: str) -> FloatArray:
        """The array of this name; `purpose` says in the message what needs it.

        Raises
        ------
        InputError
            If the problem does not hold it.
        """
        value: FloatArray | None = getattr(self, array)
        if value is None:
            raise InputError(f"{self.name} holds no array {array}; {purpose} needs it")
        return value


ARRAYS = tuple(field.name for field in fields(Problem) if field.name not in ("name", "precision", "unknown", "features"))
NAMES = "feature_names"  # of the array that holds the names of the inputs


def read_problem(path: StrPath) -> Problem:
    """Read and check a problem file (.npz); pickled objects are never loaded.

    Arrays with names that `Problem` does not know are left alone and listed as `unknown`, except for those that differ from a
    known name in case and punctuation only.

    Raises
    ------
    InputError
        Whatever is wrong with the file or its arrays; one line that starts with the path.
    """
    try:
        return checked_problem(str(path), read_members(path))
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def checked_problem(name: str, arrays: Mapping[str, ArrayLike]) -> Problem:
    """The problem made of `arrays`, of which X and y must be there, after checking each and that their shapes agree.

    Raises
    ------
    InputError
        If an array is missing, misshapen or holds entries that are not finite real numbers.
    """
    absent = [array for array in ("X", "y") if array not in arrays]
    if absent:
        found = ", ".join(sorted(arrays)) or "nothing"
        raise InputError(f"no array {absent[0]}; save X (n, D) and y (n,) in it (it holds {found})")
    main = Task(arrays["X"], arrays["y"])
    checked: dict[str, FloatArray] = dict(_auxiliary(arrays, main.inputs))
    for array in ("beta_aux", "k", "beta0"):
        if array in arrays:
            checked[array] = vector(arrays[array], array, main.inputs, "column of X")
    if "k" in checked:
        positive(checked["k"], "k")
    given = precision(*(arrays[array] for array in ("X", "y", "X_aux", "y_aux") if array in arrays))
    unknown = tuple(sorted(set(arrays) - {*ARRAYS, NAMES}))
    names = _names(arrays[NAMES], main.inputs) if NAMES in arrays else None
    return Problem(name, main.X, main.y, **checked, precision=given, unknown=unknown, features=names)


def _names(value: ArrayLike, inputs: int) -> tuple[str, ...]:
    names = np.asarray(value)
    if names.dtype.kind != "U" or names.size != inputs:
        raise InputError(f"{NAMES} is {names.dtype} of shape {names.shape}; give {inputs} texts, one per column of X")
    return tuple(str(each) for each in names.ravel())


def _auxiliary(arrays: Mapping[str, ArrayLike], inputs: int) -> dict[str, FloatArray]:
    given = [array for array in ("X_aux", "y_aux") if array in arrays]
    if not given:
        return {}
    if len(given) == 1:
        missing = "y_aux" if given == ["X_aux"] else "X_aux"
        raise InputError(f"{given[0]} without {missing}; save both or neither")
    aux = Task(arrays["X_aux"], arrays["y_aux"], suffix="_aux")
    if aux.inputs != inputs:
        raise InputError(f"X_aux has {aux.inputs} columns, but X has {inputs}; both tasks must have the same inputs")
    return {"X_aux": aux.X, "y_aux": aux.y}


# What numpy and zipfile raise on files that are truncated, forged or packed by something else.
_UNREADABLE = (ValueError, EOFError, OSError, RuntimeError, zipfile.BadZipFile, zlib.error, MemoryError, SyntaxError)


def read_others(path: StrPath, names: Collection[str]) -> dict[str, FloatArray]:
    """Those arrays of a problem file that have one of these names, whatever else it holds.

    Raises
    ------
    InputError
        As `read_problem`.
    """
    try:
        return {name: real_array(value, name) for name, value in read_members(path, names).items() if name in names}
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def read_members(path: StrPath, wanted: Collection[str] = (*ARRAYS, NAMES)) -> dict[str, ArrayLike]:
    """The arrays of an .npz file that are wanted and the names of all others, whose values are not read.

    Raises
    ------
    InputError
        If it cannot be read; a line without its path.
    """
    _check_archive(Path(path))
    try:
        # numpy leaves a file open that it cannot read, unless someone else opened it.
        with Path(path).open("rb") as handle, np.load(handle, allow_pickle=False) as archive:
            names = list(archive.files)
            check_spelling(names)
            return {name: _read_member(archive, name) if name in wanted else () for name in names}
    except InputError:
        raise
    except _UNREADABLE as error:
        raise InputError("damaged or not made by numpy.savez; save it again") from error


def read_arrays(path: StrPath) -> dict[str, np.ndarray]:
    """All arrays of an .npz file that this package wrote; pickled objects are never loaded.

    Raises
    ------
    InputError
        If the file cannot be read; one line that starts with the path.
    """
    try:
        _check_archive(Path(path))
        with Path(path).open("rb") as handle, np.load(handle, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    except _UNREADABLE as error:
        raise InputError(f"{path}: damaged or not made by numpy.savez; save it again") from error


def _check_archive(path: Path) -> None:
    try:
        with path.open("rb") as handle:
            start = handle.read(6)
            packed = zipfile.is_zipfile(handle)
    except FileNotFoundError:
        raise InputError("no such file; give the path of an .npz file") from None
    except IsADirectoryError:
        raise InputError("is a folder; give the path of an .npz file") from None
    except (OSError, ValueError) as error:
        raise InputError(f"cannot be read ({_reason(error)}); give the path of a readable .npz file") from error
    if start == b"\x93NUMPY":
        raise InputError("a single .npy array; save the named arrays with numpy.savez")
    if not packed:
        what = "a truncated .npz file" if start[:2] == b"PK" else "not an .npz file"
        raise InputError(f"{what}; save the named arrays with numpy.savez")


def check_spelling(names: list[str]) -> None:
    """Refuse names that differ from a known one in case and punctuation only.

    Raises
    ------
    InputError
        With the name that is meant.
    """
    known = {_bare(array): array for array in ARRAYS}
    for name in names:
        meant = known.get(_bare(name), name)
        if meant != name and meant not in names:
            raise InputError(f"holds an array {name}; call it {meant}")


def _bare(name: str) -> str:
    """A name without what is easily mistaken in it."""
    return "".join(letter for letter in name.lower() if letter.isalnum())


def _read_member(archive: Mapping[str, object], name: str) -> ArrayLike:
    try:
        value = archive[name]
    except _UNREADABLE as error:
        if "pickle" in str(error).lower():
            raise InputError(f"{name} holds Python objects; give real numbers (float or integer)") from error
        raise InputError(f"{name} cannot be read; the file is damaged, save it again") from error
    if not isinstance(value, np.ndarray):
        raise InputError(f"{name} is not an array; save it with numpy.savez")
    # Long doubles beyond the float64 range become infinite here, which the checks then name.
    with np.errstate(over="ignore"):
        return np.asarray(value, dtype=np.float64) if value.dtype == np.longdouble else value


def check_writable(path: StrPath) -> Path:
    """Return the file that `path` stands for, which can be written as far as can be told without writing.

    Raises
    ------
    InputError
        If the folder is missing or not writable, or something that is not a writable regular file is in the way.
    """
    try:
        target = Path(os.path.realpath(path))
        target.exists()
    except (OSError, ValueError) as error:
        shown = str(path) if len(str(path)) <= LONGEST_SHOWN else f"{str(path)[:LONGEST_SHOWN]}..."
        raise InputError(f"{shown} cannot be a file ({_reason(error)}); give another name") from error
    if len(os.fsencode(target.name)) > LONGEST_NAME:
        raise InputError(f"{target.name[:LONGEST_SHOWN]}... is too long a name; give one of at most {LONGEST_NAME} bytes")
    if target.is_dir():
        raise InputError(f"{path} is a folder; give the name of a file to write")
    if target.exists() and not (target.is_file() and os.access(target, os.W_OK)):
        raise InputError(f"{path} cannot be overwritten; give another name")
    if not target.parent.is_dir():
        raise InputError(f"folder {Path(path).parent} does not exist; make it, or write {Path(path).name!r} elsewhere")
    if not os.access(target.parent, os.W_OK | os.X_OK):
        raise InputError(f"folder {Path(path).parent} is not writable; write {Path(path).name!r} elsewhere")
    return target


def folder(path: StrPath) -> Path:
    """Make the folder if it is missing.

    Raises
    ------
    InputError
        If it cannot be made, or cannot be written to.
    """
    path = Path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        raise InputError(f"cannot make the folder {str(path)[-LONGEST_NAME:]} ({_reason(error)}); choose another") from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise InputError(f"folder {path} is not writable; choose another")
    return path


def write_whole(path: StrPath, write: Callable[[IO[bytes]], object]) -> None:
    """Let `write` fill the file `path`, which appears whole or not at all under exactly this name.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    target = check_writable(path)
    try:
        with _temporary_beside(target) as (temporary, handle):
            write(handle)
            handle.flush()
            os.fsync(handle.fileno())
            handle.close()
            os.replace(temporary, target)
    except OSError as error:
        raise InputError(f"{path} could not be written ({_reason(error)})") from error


def write_arrays(path: StrPath, arrays: Mapping[str, ArrayLike]) -> None:
    """Write named arrays as an .npz file, whole or not at all, under exactly this name (no suffix is added)."""
    values = {name: np.asarray(value) for name, value in arrays.items()}
    write_whole(path, lambda handle: np.savez(handle, allow_pickle=False, **values))


@contextmanager
def _temporary_beside(target: Path) -> Iterator[tuple[Path, IO[bytes]]]:
    """A new file in the target's folder (os.replace cannot cross file systems), gone afterwards unless it was moved.

    It carries the target's name; one that a killed process has left is cleaned away.
    """
    for left in target.parent.glob(f".{escape(target.name)}.*.tmp"):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > STALE_S:
                left.unlink()
    temporary = target.parent / f".{target.name}.{uuid.uuid4().hex}.tmp"
    try:
        with temporary.open("xb") as handle:
            yield temporary, handle
    finally:
        temporary.unlink(missing_ok=True)


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).lower()
