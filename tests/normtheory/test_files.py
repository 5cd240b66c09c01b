"""What a problem file may hold, and files that appear whole or not at all."""

import io
import os
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from normtheory.arrays import InputError
from normtheory.files import check_writable, checked_problem, folder, read_problem, write_arrays, write_whole


def good(**changes):
    """The arrays of a valid problem with 3 samples and 4 inputs; a change to None removes the array."""
    arrays = {
        "X": np.arange(12.0).reshape(3, 4) % 5,
        "y": np.ones(3),
        "X_aux": np.eye(4)[:2],
        "y_aux": np.ones(2),
        "beta_aux": np.ones(4),
        "k": np.ones(4),
        "beta0": np.zeros(4),
    } | changes
    return {name: value for name, value in arrays.items() if value is not None}


# Problem files


def test_a_problem_is_read_as_it_was_saved(tmp_path):
    arrays = good(y=np.array([1, 2, 3], dtype=np.int16), teacher=np.array(["anything"], dtype=object))
    np.savez_compressed(tmp_path / "p.npz", **arrays)
    problem = read_problem(tmp_path / "p.npz")
    for name in ("X", "y", "X_aux", "y_aux", "beta_aux", "k", "beta0"):
        value = getattr(problem, name)
        assert value.dtype == np.float64
        np.testing.assert_array_equal(value, arrays[name])


def test_optional_arrays_may_be_absent_and_are_asked_for_by_name(tmp_path):
    np.savez(tmp_path / "p.npz", X=np.ones((2, 3)), y=np.ones(2))
    problem = read_problem(tmp_path / "p.npz")
    assert problem.k is problem.X_aux is problem.beta_aux is None
    with pytest.raises(InputError, match=r"p\.npz holds no array k; --penalty q needs it"):
        problem.required("k", "--penalty q")


BAD_ARRAYS = {
    "NaN in X": ({"X": np.array([[1.0, np.nan, 0, 0]] * 3)}, "X is NaN at index (0, 1)"),
    "infinite y": ({"y": np.array([1.0, 2.0, -np.inf])}, "y is infinite at index (2,)"),
    "long double beyond float64": ({"y": np.array(["1e400"] * 3).astype(np.longdouble)}, "y is infinite"),
    "overflow to come": ({"X": np.full((3, 4), 1e101)}, "X has entries beyond 1e+100"),
    "k that cannot be divided by": ({"k": np.full(4, 1e-300)}, "k has entries below 1e-100"),
    "vector X": ({"X": np.ones(3)}, "X has shape (3,)"),
    "cube X": ({"X": np.ones((3, 4, 1))}, "X has shape (3, 4, 1)"),
    "no samples": ({"X": np.ones((0, 4)), "y": np.ones(0)}, "X has shape (0, 4)"),
    "no inputs": ({"X": np.ones((3, 0))}, "X has shape (3, 0)"),
    "long y": ({"y": np.ones(4)}, "y has shape (4,); give shape (3,)"),
    "matrix y": ({"y": np.ones((3, 2))}, "y has shape (3, 2)"),
    "wide X_aux": ({"X_aux": np.ones((2, 5))}, "X_aux has 5 columns, but X has 4"),
    "short y_aux": ({"y_aux": np.ones(1)}, "y_aux has shape (1,)"),
    "X_aux alone": ({"y_aux": None}, "X_aux without y_aux"),
    "y_aux alone": ({"X_aux": None}, "y_aux without X_aux"),
    "short beta_aux": ({"beta_aux": np.ones(3)}, "beta_aux has shape (3,); give shape (4,)"),
    "long k": ({"k": np.ones(5)}, "k has shape (5,)"),
    "matrix beta0": ({"beta0": np.ones((4, 2))}, "beta0 has shape (4, 2)"),
    "misspelt beta0": ({"beta_0": np.ones(4), "beta0": None}, "holds an array beta_0; call it beta0"),
    "misspelt X_aux": ({"Xaux": np.ones((2, 4)), "X_aux": None}, "holds an array Xaux; call it X_aux"),
    "k = 0": ({"k": np.array([1.0, 0.0, 1.0, 1.0])}, "k[1] = 0"),
    "negative k": ({"k": -np.ones(4)}, "k[0] = -1"),
    "no X": ({"X": None}, "no array X"),
    "no y": ({"y": None}, "no array y"),
    "x for X": ({"X": None, "x": np.ones((3, 4))}, "holds an array x; call it X"),
    "Beta0 for beta0": ({"beta0": None, "Beta0": np.zeros(4)}, "holds an array Beta0; call it beta0"),
    "objects": ({"y": np.array([1, None, 2], dtype=object)}, "y holds Python objects"),
    "text": ({"y": np.array(["1", "2", "3"])}, "y holds <U1 entries"),
    "complex": ({"X": np.ones((3, 4), dtype=complex)}, "X holds complex128 entries"),
    "booleans": ({"y": np.ones(3, dtype=bool)}, "y holds bool entries"),
    "dates": ({"y": np.zeros(3, dtype="datetime64[s]")}, "y holds datetime64[s] entries"),
    "records": ({"y": np.zeros(3, dtype=[("a", float)])}, "y holds"),
}


@pytest.mark.parametrize("case", BAD_ARRAYS)
def test_wrong_arrays_are_named_in_one_line(case, tmp_path):
    changes, message = BAD_ARRAYS[case]
    np.savez(tmp_path / "p.npz", **good(**changes))
    with pytest.raises(InputError) as caught:
        read_problem(tmp_path / "p.npz")
    assert str(caught.value).startswith(f"{tmp_path / 'p.npz'}: {message}")
    assert "\n" not in str(caught.value)


def saved(**arrays):
    """The bytes of an .npz file."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def zipped(**members):
    """The bytes of a zip archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "."), content)
    return buffer.getvalue()


def flipped(data, position):
    """The bytes with one of them inverted."""
    return data[:position] + bytes([data[position] ^ 0xFF]) + data[position + 1 :]


def single_array():
    """The bytes of an .npy file."""
    buffer = io.BytesIO()
    np.save(buffer, np.ones(3))
    return buffer.getvalue()


WHOLE = saved(**good())
BAD_FILES = {
    "empty": (b"", "not an .npz file"),
    "text": (b"X,y\n1,2\n", "not an .npz file"),
    "npy": (single_array(), "a single .npy array"),
    "pickle": (b"\x80\x04K\x01.", "not an .npz file"),
    "half": (WHOLE[: len(WHOLE) // 2], "a truncated .npz file"),
    "first bytes": (WHOLE[:10], "a truncated .npz file"),
    "damaged data": (flipped(WHOLE, WHOLE.index(b"X.npy") + 160), "X cannot be read"),
    "zip without arrays": (zipped(readme__txt="hello"), "no array X"),
    "empty zip": (zipped(), "no array X; save X (n, D) and y (n,) in it (it holds nothing)"),
    "bytes called X": (zipped(X=b"abc", y=b"abc"), "X is not an array"),
    "header promises too much": (
        zipped(X__npy=b"\x93NUMPY\x01\x00\x3e\x00" + b"{'descr': '<f8', 'fortran_order': False, 'shape': (3, 9**9)}\n "),
        "X cannot be read",
    ),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_files_that_are_no_problem(case, tmp_path):
    data, message = BAD_FILES[case]
    path = tmp_path / "p.npz"
    path.write_bytes(data)
    with pytest.raises(InputError) as caught:
        read_problem(path)
    assert str(caught.value).startswith(f"{path}: {message}"), caught.value
    assert "\n" not in str(caught.value)


@given(st.integers(0, len(WHOLE) - 1), st.integers(1, 255))
def test_no_damage_escapes_as_another_error(tmp_path_factory, position, change):
    """One wrong byte anywhere: the file is refused, or (where the byte means nothing) read as it was."""
    path = tmp_path_factory.getbasetemp() / "damaged.npz"
    path.write_bytes(WHOLE[:position] + bytes([WHOLE[position] ^ change]) + WHOLE[position + 1 :])
    try:
        problem = read_problem(path)
    except InputError:
        return
    np.testing.assert_array_equal(problem.X, good()["X"])


@given(st.integers(0, len(WHOLE) - 1))
def test_no_truncation_is_read(tmp_path_factory, length):
    path = tmp_path_factory.getbasetemp() / "short.npz"
    path.write_bytes(WHOLE[:length])
    with pytest.raises(InputError):
        read_problem(path)


def test_paths_that_are_no_files(tmp_path):
    for path, message in [(tmp_path / "none.npz", "no such file"), (tmp_path, "is a folder"), ("a\0b", "cannot be read")]:
        with pytest.raises(InputError, match=message):
            read_problem(path)


def test_checked_problem_takes_arrays_from_python():
    problem = checked_problem("mine", {"X": [[1, 2]], "y": [1], "k": 0.5})
    np.testing.assert_array_equal(problem.k, [0.5, 0.5])


# Writing


def test_arrays_are_written_under_exactly_the_name_given(tmp_path):
    target = tmp_path / "result"
    write_arrays(target, {"beta": np.arange(3.0), "gap": 1e-12, "solver": "newton"})
    assert os.listdir(tmp_path) == ["result"]
    with np.load(target, allow_pickle=False) as read:
        assert read["beta"].tolist() == [0, 1, 2]
        assert (float(read["gap"]), str(read["solver"])) == (1e-12, "newton")


def test_an_existing_file_is_replaced_through_its_link(tmp_path):
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write_whole(tmp_path / "link", lambda handle: handle.write(b"new"))
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


def test_new_files_get_ordinary_permissions(tmp_path):
    write_whole(tmp_path / "out", lambda handle: handle.write(b"new"))
    (tmp_path / "plain").write_bytes(b"")
    assert (tmp_path / "out").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_write_that_fails_leaves_what_was_there_and_nothing_else(tmp_path):
    target = tmp_path / "out"
    target.write_bytes(b"old")

    def fail(handle):
        handle.write(b"half")
        raise OSError(28, "No space left on device")

    with pytest.raises(InputError, match="could not be written \\(no space left on device\\)"):
        write_whole(target, fail)
    assert os.listdir(tmp_path) == ["out"]
    assert target.read_bytes() == b"old"


def test_places_where_nothing_can_be_written(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    cases = {
        tmp_path: "is a folder",
        tmp_path / "none" / "out.npz": "does not exist",
        tmp_path / "file" / "out.npz": "does not exist",
        "/dev/null": "cannot be overwritten",
    }
    for path, message in cases.items():
        with pytest.raises(InputError, match=message):
            check_writable(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_protected_places(tmp_path):
    (tmp_path / "file").touch(mode=0o400)
    with pytest.raises(InputError, match="cannot be overwritten"):
        check_writable(tmp_path / "file")
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match="not writable"):
        check_writable(tmp_path / "new")
    tmp_path.chmod(0o700)


def test_arrays_that_nothing_uses_are_listed(tmp_path):
    np.savez(tmp_path / "p.npz", **good(b0=np.ones(4), notes=np.array("text")))
    assert read_problem(tmp_path / "p.npz").unknown == ("b0", "notes")


def test_the_type_in_which_tasks_were_saved_is_known(tmp_path):
    np.savez(tmp_path / "p.npz", **good(y_aux=np.ones(2, dtype=np.float32)))
    assert read_problem(tmp_path / "p.npz").precision > 1e-5
    np.savez(tmp_path / "p.npz", **good(k=np.ones(4, dtype=np.float32)))
    assert read_problem(tmp_path / "p.npz").precision < 1e-10


@pytest.mark.parametrize("name", ["n" * 300, "n" * 230, "\0"])
def test_names_that_cannot_be(tmp_path, name):
    for refuse in (lambda: check_writable(tmp_path / name), lambda: write_arrays(tmp_path / name, {"a": 1.0})):
        with pytest.raises(InputError) as raised:
            refuse()
        assert len(str(raised.value)) < 500
    if len(name) != 230:  # no file, for want of room beside it, but a folder
        with pytest.raises(InputError):
            folder(tmp_path / name / name)


def test_what_a_killed_process_left_is_cleaned(tmp_path, monkeypatch):
    """A temporary file carries its target's name; an old one of the same target goes when that is written again."""
    seen = []
    write_whole(tmp_path / "out.npz", lambda handle: seen.extend(os.listdir(tmp_path)))
    assert len(seen) == 1
    assert seen[0].startswith(".out.npz.")
    for name, age in {".out.npz.1.tmp": 1e4, ".out.npz.2.tmp": 0.0, ".other.npz.3.tmp": 1e4}.items():
        (tmp_path / name).write_bytes(b"")
        then = (tmp_path / name).stat().st_mtime - age
        os.utime(tmp_path / name, (then, then))
    write_arrays(str(tmp_path / "out.npz"), {"a": 1.0})
    assert sorted(os.listdir(tmp_path)) == [".other.npz.3.tmp", ".out.npz.2.tmp", "out.npz"]


def test_folders_are_given_as_text_too(tmp_path):
    assert folder(str(tmp_path / "made")).is_dir()
