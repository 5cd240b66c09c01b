"""Problems and results in the formats that people have: .npz, .csv, .parquet and MATLAB's .mat, with names of features.

A table is a task: a column for each feature, and one for the targets. An auxiliary task, or the predictor learned before, is a
second file. A table of a result has a row for each feature, and holds what belongs to features; .npz holds everything.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from normtheory import files
from normtheory.arrays import FloatArray, InputError, real_array
from normtheory.files import Problem, StrPath

T = TypeVar("T")

TABLES = (".csv", ".parquet")
TARGET = "y"
OF_OTHERS = ("dual", "times", "losses")  # arrays of samples and of steps, of which there may be as many as features
PIPE = "-"
MOST_NAMED = 8  # columns in a message


def read_problem(path: StrPath, target: str | None = None, aux: StrPath | None = None) -> Problem:
    """Read and check a problem.

    Parameters
    ----------
    path : path
        .npz or .mat with the arrays of `Problem` and optionally feature_names (D,); or .csv or .parquet, whose columns are
        `target` and the features. "-" is a .csv on the standard input.
    target : str, optional
        The column of the targets (default: y), of tables.
    aux : path, optional
        Of the same kinds: an auxiliary task (X and y, or a table with the target and all features), or a result (beta, or a
        table with the columns feature and beta), whose predictor becomes beta_aux.

    Raises
    ------
    InputError
        Whatever is wrong with a file, in one line that starts with its path.
    """
    arrays: dict[str, ArrayLike] = dict(_named(path, lambda: _read(path, target)))
    if aux is not None:
        more = _named(aux, lambda: _auxiliary(aux, target, arrays.get("feature_names")))
        twice = sorted(set(more) & set(arrays))
        if twice:
            raise InputError(f"{aux} and {path} both give {twice[0]}; leave one of them out")
        arrays |= more
    return _named(path, lambda: files.checked_problem(str(path), arrays))


def _named(path: StrPath, read: Callable[[], T]) -> T:
    try:
        return read()
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def read_others(path: StrPath, names: Collection[str]) -> dict[str, FloatArray]:
    """Those arrays of a problem file that have one of these names; tables hold none.

    Raises
    ------
    InputError
        As `read_problem`.
    """
    if _suffix(path) in TABLES:
        return {}
    if _suffix(path) == ".mat":
        found = _named(path, lambda: _matlab(path))
        return {name: real_array(value, name) for name, value in found.items() if name in names}
    return files.read_others(path, names)


def _suffix(path: StrPath) -> str:
    return ".csv" if str(path) == PIPE else Path(path).suffix.lower()


def _read(path: StrPath, target: str | None) -> Mapping[str, ArrayLike]:
    """The arrays of a problem, by name."""
    if _suffix(path) in TABLES:
        columns = table(path)
        chosen = TARGET if target is None else target
        if chosen not in columns:
            raise InputError(f"no column {chosen}; name the targets' by --target (columns: {_listed(columns)})")
        features = [name for name in columns if name != chosen]
        if not features:
            raise InputError(f"no column but {chosen}; give a column for each feature")
        return {"X": _stacked(columns, features), "y": _numbers(columns, chosen), "feature_names": np.array(features)}
    if target is not None:
        raise InputError("--target names a column of a .csv or .parquet; arrays are called X and y, leave it out")
    return _matlab(path) if _suffix(path) == ".mat" else files.read_members(path)


def _auxiliary(path: StrPath, target: str | None, features: ArrayLike | None) -> dict[str, ArrayLike]:
    """X_aux and y_aux, or beta_aux, in the order of the problem's features."""
    if _suffix(path) in TABLES:
        columns = table(path)
        if {"feature", "beta"} <= set(columns):
            names = [str(name) for name in columns["feature"]]
            return {"beta_aux": np.asarray(_numbers(columns, "beta"))[_order(names, features)]}
        found = _read(path, target)
        ordered = _order(list(np.asarray(found["feature_names"])), features)
        return {"X_aux": np.asarray(found["X"])[:, ordered], "y_aux": found["y"]}
    if _suffix(path) == ".mat":
        found = _matlab(path)
    else:
        found = {name: value for name, value in files.read_arrays(path).items() if name in ("X", "y", "beta", "feature_names")}
    order: Any = slice(None)
    if "feature_names" in found and features is not None:
        order = _order([str(name) for name in np.asarray(found["feature_names"])], features)
    if "beta" in found:
        beta = np.asarray(found["beta"])
        return {"beta_aux": (beta if beta.ndim < 2 or 1 in beta.shape else beta[0]).ravel()[order]}
    if not {"X", "y"} <= set(found):
        raise InputError("holds neither beta nor X and y; give an auxiliary task, or a result")
    return {"X_aux": np.asarray(found["X"])[:, order], "y_aux": found["y"]}


def _order(names: Sequence[str], features: ArrayLike | None) -> Any:
    """Where the problem's features stand among these names; as they stand if the problem names none."""
    if features is None:
        return slice(None)
    place = {name: number for number, name in enumerate(names)}
    wanted = [str(name) for name in np.asarray(features)]
    missing = [name for name in wanted if name not in place]
    if missing:
        raise InputError(f"no feature {missing[0]}, which the problem has (it holds {_listed(names)}); give both the same")
    return np.array([place[name] for name in wanted])


def _matlab(path: StrPath) -> dict[str, ArrayLike]:
    from scipy.io import loadmat

    if not Path(path).is_file():
        raise InputError("no such file; give the path of a .mat file")
    try:
        found = loadmat(path)
    except NotImplementedError as error:
        raise InputError("a .mat file of version 7.3; save it with -v7") from error
    except Exception as error:  # whatever the reader trips over in a damaged file
        raise InputError("damaged or no .mat file; save it again with -v7") from error
    arrays = {name: value for name, value in found.items() if not name.startswith("__")}
    if "feature_names" in arrays:
        arrays["feature_names"] = np.array([str(np.squeeze(name)) for name in np.ravel(arrays["feature_names"])])
    files.check_spelling(list(arrays))
    return arrays


def table(path: StrPath) -> dict[str, np.ndarray]:
    """The columns of a .csv or .parquet, by name; "-" is a .csv on the standard input.

    Raises
    ------
    InputError
        If it cannot be read, or a column has no name, or two have the same.
    """
    import pyarrow as pa
    from pyarrow import csv, parquet

    piped = str(path) == PIPE
    if not piped and not Path(path).is_file():
        raise InputError(f"no such file; give the path of a {' or '.join(TABLES)}")
    try:
        if _suffix(path) == ".csv":
            read = csv.read_csv(io.BytesIO(sys.stdin.buffer.read()) if piped else str(path))
        else:
            read = parquet.read_table(str(path))
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"cannot be read ({str(error).splitlines()[0]}); save it again as {_suffix(path)[1:]}") from error
    names = [str(name) for name in read.column_names]
    if "" in names:
        raise InputError(f"column {names.index('') + 1} has no name; name it, or leave it out (pandas: index=False)")
    if all(_is_number(name) for name in names):
        raise InputError("the first line holds numbers; put the names of the columns there")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"two columns are called {twice[0]}; give every column a name of its own")
    return {name: column.to_numpy() for name, column in zip(names, read.columns, strict=True)}


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _numbers(columns: Mapping[str, np.ndarray], name: str) -> np.ndarray:
    column = columns[name]
    if column.dtype.kind not in "fiub":
        shown = next((value for value in column if value is not None and not _is_number(str(value))), None)
        what = "nothing but gaps" if shown is None else f"{str(shown)!r}, which is no number"
        raise InputError(f"column {name} holds {what}; drop it, or encode it in numbers")
    gaps = np.flatnonzero(~np.isfinite(column))
    if gaps.size:
        raise InputError(f"column {name} is empty or infinite in row {gaps[0] + 1}; drop the row, or fill the gap")
    return column * 1 if column.dtype.kind == "b" else column


def _stacked(columns: Mapping[str, np.ndarray], names: Sequence[str]) -> np.ndarray:
    return np.stack([_numbers(columns, name) for name in names], axis=1)


def _listed(names: Collection[str]) -> str:
    shown = ", ".join(list(names)[:MOST_NAMED])
    return f"{shown}, ..." if len(names) > MOST_NAMED else shown


def check_format(path: StrPath) -> None:
    """Refuse a name of a result that asks for a format which is not written.

    Raises
    ------
    InputError
        If it ends in .mat.
    """
    if Path(path).suffix.lower() in (".mat", ".txt", ".xlsx", ".json"):
        raise InputError(f"{path}: results are written as .npz, {' or '.join(TABLES)}; give such a name")


def write_result(path: StrPath, arrays: Mapping[str, ArrayLike], features: Sequence[str] | None = None) -> None:
    """Write a result, whole or not at all: everything as .npz, or what belongs to features as .csv or .parquet.

    Parameters
    ----------
    path : path
        Its suffix decides; any other is an .npz.
    arrays : mapping of str to arrays
        beta (D,) or (O, D), and others. In a table the rows of (2, D) arrays are called NAME and NAME_aux.
    features : sequence of str, optional
        Names of the features (default: x0, x1, ...).

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    if Path(path).suffix.lower() not in TABLES:
        files.write_arrays(path, {**arrays, **({} if features is None else {"feature_names": np.array(features)})})
        return
    import pyarrow as pa
    from pyarrow import csv, parquet

    columns = result_columns(arrays, features)
    made = pa.table(columns)
    write = csv.write_csv if Path(path).suffix.lower() == ".csv" else parquet.write_table
    files.write_whole(path, lambda handle: write(made, handle))


def result_columns(arrays: Mapping[str, ArrayLike], features: Sequence[str] | None) -> dict[str, Any]:
    """The columns of a result's table: feature, and whatever has an entry for each feature."""
    inputs = np.asarray(arrays["beta"]).shape[-1]
    columns: dict[str, Any] = {"feature": list(names_or_numbers(features, inputs))}
    for name, value in arrays.items():
        array = np.asarray(value)
        if name in OF_OTHERS:
            continue
        if array.shape == (inputs,):
            columns[name] = array
        elif array.shape == (2, inputs):
            columns[name], columns[f"{name}_aux"] = array
    return columns


def names_or_numbers(features: Sequence[str] | None, inputs: int) -> Sequence[str]:
    """The names of the features, or x0, x1, ..."""
    return [f"x{number}" for number in range(inputs)] if features is None else features


def read_result(path: StrPath) -> dict[str, np.ndarray]:
    """The arrays of a result in any of its formats, feature_names among them where it has them.

    Raises
    ------
    InputError
        If it cannot be read, or holds no beta.
    """
    if _suffix(path) in TABLES:
        columns = _named(path, lambda: table(path))
        found = {name: column for name, column in columns.items() if name != "feature"}
        if "feature" in columns:
            found["feature_names"] = np.array([str(name) for name in columns["feature"]])
    else:
        found = files.read_arrays(path)
    if "beta" not in found:
        raise InputError(f"{path}: holds no beta; give what minimize or simulate has written")
    return found
