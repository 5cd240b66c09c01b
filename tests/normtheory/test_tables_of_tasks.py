"""A problem is the same in every format, a result comes back from each, and what is wrong is one line."""

import io
import sys

import numpy as np
import pyarrow as pa
import pytest
import scipy.io
from pyarrow import csv, parquet

from normtheory import tables
from normtheory.arrays import InputError
from normtheory.tasks import teacher_student

PAIR = teacher_student(8, 3, features=4, features_aux=5, inputs=20, samples_aux=12)
NAMES = [f"gene {number}" for number in range(20)]


def columns(task, names=NAMES, target="y"):
    """A task as a table."""
    return pa.table({**dict(zip(names, task.X.T, strict=True)), target: task.y})


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    csv.write_csv(columns(PAIR.main), "main.csv")
    parquet.write_table(columns(PAIR.main), "main.parquet")
    matlab = {"X": PAIR.main.X, "y": PAIR.main.y, "feature_names": np.array(NAMES, dtype=object)}
    scipy.io.savemat("main.mat", matlab)
    np.savez("main.npz", X=PAIR.main.X, y=PAIR.main.y, feature_names=NAMES)
    csv.write_csv(columns(PAIR.aux).select([*NAMES[::-1], "y"]), "aux.csv")  # in another order
    csv.write_csv(pa.table({"feature": NAMES[::-1], "beta": PAIR.teacher_aux[::-1]}), "learned.csv")
    return tmp_path


@pytest.mark.parametrize("suffix", ["csv", "parquet", "mat", "npz"])
def test_a_problem_is_the_same_in_every_format(folder, suffix):
    read = tables.read_problem(f"main.{suffix}")
    np.testing.assert_array_equal(read.X, PAIR.main.X)
    np.testing.assert_array_equal(read.y, PAIR.main.y)
    assert read.features == tuple(NAMES)
    assert read.unknown == ()


def test_a_second_file_is_the_auxiliary_task_or_its_predictor(folder):
    np.savez("aux.npz", X=PAIR.aux.X, y=PAIR.aux.y)
    np.savez("learned.npz", beta=np.stack([PAIR.teacher_aux, PAIR.teacher]), gap=0.0)
    for aux in ("aux.csv", "aux.npz"):
        read = tables.read_problem("main.parquet", aux=aux)
        np.testing.assert_array_equal(read.X_aux, PAIR.aux.X)
        np.testing.assert_array_equal(read.y_aux, PAIR.aux.y)
    for aux in ("learned.csv", "learned.npz"):
        for main in ("main.csv", "main.npz"):
            np.testing.assert_array_equal(tables.read_problem(main, aux=aux).beta_aux, PAIR.teacher_aux)


def test_a_target_of_another_name_and_a_pipe(folder, monkeypatch):
    csv.write_csv(columns(PAIR.main, target="height"), "other.csv")
    np.testing.assert_array_equal(tables.read_problem("other.csv", "height").y, PAIR.main.y)
    piped = io.TextIOWrapper(io.BytesIO((folder / "main.csv").read_bytes()))
    monkeypatch.setattr(sys, "stdin", piped)
    np.testing.assert_array_equal(tables.read_problem("-").X, PAIR.main.X)


def test_integers_truth_values_and_single_precision_are_numbers(folder):
    parquet.write_table(pa.table({"a": [1, 2], "b": [True, False], "y": [0.5, 1.0]}), "mixed.parquet")
    np.testing.assert_array_equal(tables.read_problem("mixed.parquet").X, [[1.0, 1.0], [2.0, 0.0]])
    single = pa.table({"a": pa.array([1.0, 2.0], pa.float32()), "y": pa.array([1.0, 2.0], pa.float32())})
    parquet.write_table(single, "single.parquet")
    assert tables.read_problem("single.parquet").precision > 1e-6


WRONG = {
    "no target": ("a,b\n1,2\n", "no column y; name the targets' by --target (columns: a, b)"),
    "no feature": ("y\n1\n", "no column but y"),
    "text": ("a,b,y\n1,red,2\n", "column b holds 'red', which is no number"),
    "gap": ("a,y\n1,2\n,3\n", "column a is empty or infinite in row 2"),
    "gaps": ("a,b,y\n,1,2\n,1,3\n", "column a holds nothing but gaps"),
    "index": (",a,y\n0,1,2\n", "column 1 has no name"),
    "no header": ("1,2\n3,4\n", "the first line holds numbers"),
    "twice": ("a,a,y\n1,2,3\n", "two columns are called a"),
    "ragged": ("a,y\n1,2\n3\n", "cannot be read"),
    "empty": ("", "cannot be read"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_table_that_is_no_task_is_refused_in_one_line(folder, what):
    text, message = WRONG[what]
    (folder / "wrong.csv").write_text(text)
    with pytest.raises(InputError) as refused:
        tables.read_problem("wrong.csv")
    assert str(refused.value).startswith("wrong.csv: ")
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_what_does_not_belong_together_is_refused(folder):
    (folder / "damaged.mat").write_bytes(b"MATLAB 5.0 MAT-file, but no more")
    (folder / "damaged.parquet").write_bytes(b"PAR1")
    csv.write_csv(columns(PAIR.aux, names=[*NAMES[:-1], "other"]), "others.csv")
    np.savez("nothing.npz", z=np.ones(3))
    np.savez("both.npz", X=PAIR.main.X, y=PAIR.main.y, beta_aux=PAIR.teacher_aux)
    np.savez("names.npz", X=PAIR.main.X, y=PAIR.main.y, feature_names=["a"])
    for arguments, message in {
        ("damaged.mat",): "damaged or no .mat file",
        ("damaged.parquet",): "cannot be read",
        ("absent.csv",): "no such file",
        ("absent.mat",): "no such file",
        ("main.npz", "y"): "--target names a column",
        ("main.csv", None, "others.csv"): "no feature gene 19, which the problem has",
        ("main.csv", None, "nothing.npz"): "holds neither beta nor X and y",
        ("both.npz", None, "learned.csv"): "both give beta_aux",
        ("names.npz",): "feature_names is",
    }.items():
        with pytest.raises(InputError) as refused:
            tables.read_problem(*arguments)
        assert message in str(refused.value)
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize("suffix", ["npz", "csv", "parquet"])
def test_a_result_comes_back(folder, suffix):
    arrays = {
        "beta": PAIR.teacher,
        "beta_aux": PAIR.teacher_aux,
        "dual": np.ones(20),
        "times": np.arange(20.0),
        "gap": 1e-12,
        "solver": "newton",
    }
    tables.write_result(f"out.{suffix}", arrays, NAMES)
    found = tables.read_result(f"out.{suffix}")
    for name in ("beta", "beta_aux"):
        np.testing.assert_array_equal(found[name], arrays[name])
    assert found["feature_names"].tolist() == NAMES
    for name in ("dual", "times"):  # of samples and steps, of which there are as many as features here
        assert (name in found) == (suffix == "npz")
    np.testing.assert_array_equal(tables.read_problem("main.csv", aux=f"out.{suffix}").beta_aux, PAIR.teacher)


def test_a_result_of_two_tasks_is_two_columns(folder):
    tables.write_result("out.csv", {"beta": np.stack([PAIR.teacher, PAIR.teacher_aux])})
    found = tables.read_result("out.csv")
    np.testing.assert_array_equal(found["beta_aux"], PAIR.teacher_aux)
    assert found["feature_names"][3] == "x3"


def test_formats_that_are_not_written_and_results_that_are_none(folder):
    with pytest.raises(InputError, match=r"results are written as \.npz, \.csv or \.parquet"):
        tables.check_format("out.mat")
    with pytest.raises(InputError, match="holds no beta"):
        tables.read_result("main.npz")


def test_starts_of_networks_are_read_from_matlab_too(folder):
    assert tables.read_others("main.mat", ["y"])["y"].size == 8
    assert tables.read_others("main.csv", ["y"]) == {}
