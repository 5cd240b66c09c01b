"""Tables, pipes, pictures and what is printed: the commands on files as people have them."""

import io
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from commands import AUX, MINIMIZE, PAIR, SIMULATE, assert_refused, result, run, save
from PIL import Image
from pyarrow import csv

from normtheory.cli.app import app
from normtheory.cli.examples import EXAMPLES
from normtheory.files import read_problem

NAMES = [f"gene {number}" for number in range(20)]


def save_tables():
    """A main task, and the predictor learned before."""
    csv.write_csv(pa.table({**dict(zip(NAMES, PAIR.main.X.T, strict=True)), "y": PAIR.main.y}), "main.csv")
    csv.write_csv(pa.table({"feature": NAMES, "beta": PAIR.teacher_aux}), "pretrained.csv")


@pytest.mark.parametrize("out", ["out.npz", "out.csv", "out.parquet"])
def test_tables_give_what_arrays_give(folder, capsys, out):
    save()
    assert run(capsys, *MINIMIZE, "finetuning")[0] == 0
    expected = result()
    save_tables()
    code, said, err = run(capsys, "minimize", "main.csv", "--aux", "pretrained.csv", "--penalty", "finetuning", "-o", out)
    assert (code, err) == (0, "")
    assert "strongest        gene " in said
    assert "% of |beta|^2 on auxiliary features" in said
    assert run(capsys, "plot", out, "-o", "out.png")[0] == 0
    if out == "out.npz":
        np.testing.assert_array_equal(result()["beta"], expected["beta"])
        assert result()["penalty"].sum() == pytest.approx(float(result()["objective"]))
        assert result()["feature_names"].tolist() == NAMES


@pytest.mark.parametrize("penalty", ["q", "finetuning", "l12", "l1", "l2"])
def test_the_penalty_of_all_features_is_the_objective(folder, capsys, penalty):
    save(**(AUX if penalty == "l12" else {}))
    assert run(capsys, *MINIMIZE, penalty)[0] == 0
    assert result()["penalty"].sum() == pytest.approx(float(result()["objective"]))


def test_quiet_prints_nothing_and_verbose_more(folder, capsys):
    save()
    plain = run(capsys, *MINIMIZE, "q")[1]
    assert run(capsys, *MINIMIZE, "q", "--quiet") == (0, "", "")
    more = run(capsys, *MINIMIZE, "q", "--verbose")[1]
    assert "stationarity" in more
    assert "stationarity" not in plain
    assert more.count("x1") > plain.count("x1")
    assert "at time" in run(capsys, *SIMULATE, "single", "--verbose")[1]
    assert_refused(
        run(capsys, "minimize", "absent.npz", "--penalty", "q", "-o", "new.npz", "-q"), "no such file", left=os_left()
    )


def os_left():
    return sorted(path.name for path in Path().iterdir())


def test_a_dash_reads_and_prints_tables(folder, capsys, monkeypatch):
    save_tables()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(Path("main.csv").read_bytes())))
    code, out, err = run(capsys, "minimize", "-", "--penalty", "l2", "-o", "-")
    assert code == 0
    table = csv.read_csv(io.BytesIO(out.encode()))
    assert table["feature"].to_pylist() == NAMES
    np.testing.assert_allclose(table["beta"].to_numpy(), np.linalg.pinv(PAIR.main.X) @ PAIR.main.y, atol=1e-12)
    assert "written          standard output" in err
    assert os_left() == ["main.csv", "pretrained.csv"]


def test_a_curve_is_piped_too(folder, capsys):
    options = ["--inputs", "100", "--features", "4", "--features-aux", "4", "--overlap", "2", "--samples", "30"]
    code, out, err = run(capsys, "curve", *options, "--methods", "probing", "-o", "-", "--quiet")
    assert (code, err) == (0, "")
    assert out.startswith("method,n,loss")


def size(path):
    with Image.open(path) as picture:
        return picture.size


def test_plot_draws_a_panel_for_all_there_is(folder, capsys):
    save()
    run(capsys, "minimize", "problem.npz", "--penalty", "l1", "-o", "l1.npz")
    run(capsys, "minimize", "problem.npz", "--penalty", "finetuning", "-o", "theory.npz")
    run(capsys, "simulate", "problem.npz", "--protocol", "finetuning", "-o", "flow.npz")
    for name, more in {"l1": [], "theory": [], "flow": [], "l1-aux": ["problem.npz"]}.items():
        assert run(capsys, "plot", f"{name.removesuffix('-aux')}.npz", *more, "-o", f"{name}.png")[0] == 0
    widths = {name: size(f"{name}.png")[0] for name in ("l1", "theory", "flow", "l1-aux")}
    assert widths["l1"] < widths["theory"] == widths["flow"] == widths["l1-aux"]
    said = run(capsys, "plot", "theory.npz", "-o", "theory.svg")[1]
    assert re.search(r"^reused   x\d", said, re.M)
    save(**AUX)
    run(capsys, *MINIMIZE, "l12")
    assert run(capsys, "plot", "out.npz", "-o", "out.pdf")[0] == 0


def test_what_plot_cannot_draw_is_refused(folder, capsys):
    save()
    run(capsys, *MINIMIZE, "q")
    left = ("out.npz", "problem.npz")
    assert_refused(run(capsys, "plot", "problem.npz", "-o", "out.png"), "holds no beta", left=left)
    assert_refused(run(capsys, "plot", "out.npz", "-o", "out.txt"), "give a name that ends in", left=left)
    assert_refused(run(capsys, "plot", "out.npz", "-o", "out.png", "--target", "y"), "no meaning for no PROBLEM", left=left)
    assert_refused(run(capsys, *MINIMIZE[:2], "-o", "out.mat", "--penalty", "q"), "results are written as", left=left)


def test_every_command_has_an_example(folder, capsys):
    assert {command.callback.__name__ if command.name is None else command.name for command in app.registered_commands} == set(
        EXAMPLES
    )
    for name, example in EXAMPLES.items():
        assert example.startswith(f"normtheory {name}")
        assert example in run(capsys, name, "--help")[1]


QUICK = [name for name in EXAMPLES if name not in ("bench", "plot")]  # bench takes minutes; plot needs minimize's result


@pytest.mark.parametrize("name", QUICK)
def test_an_example_can_be_typed_as_it_stands(folder, name):
    save_tables()
    examples = [EXAMPLES[name]] + ([EXAMPLES["plot"]] if name == "minimize" else [])
    for example in examples:
        command = [sys.executable, "-m", "normtheory", *shlex.split(example)[1:]]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_names_of_inputs_in_an_npz_are_no_unknown_array(folder):
    save(feature_names=np.array(NAMES))
    assert read_problem("problem.npz").features == tuple(NAMES)
    assert read_problem("problem.npz").unknown == ()
