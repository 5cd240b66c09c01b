"""normtheory curve: the table and the picture it writes, and what it refuses."""

import csv
import os

import pytest
from commands import assert_refused, run

from normtheory.solvers.curves import learning_curve
from normtheory.solvers.sparse_pairs import Scales, SparsePair

CURVE = ("curve", "--inputs", "200", "--features", "8", "--features-aux", "10", "--overlap", "6", "-o", "curve.csv")


def test_curve_writes_what_python_computes(folder, capsys):
    options = ["--samples", "60,20", "--alpha", "0.01", "--gamma", "0.02", "--rescale", "0.5", "--noise", "0.1"]
    code, printed, _ = run(capsys, *CURVE, *options, "--methods", "finetuning,single", "--plot", "curve.png")
    assert (code, printed) == (0, "written  curve.csv\nwritten  curve.png\n")
    with open("curve.csv", newline="") as handle:
        header, *rows = list(csv.reader(handle))
    assert header == ["method", "n", "loss", "null_loss", "tau", "g"]
    scales = Scales(alpha=0.01, gamma=0.02, rescale=0.5)
    expected = learning_curve(SparsePair(200, 8, 10, 6), [20, 60], methods=["finetuning", "single"], scales=scales, noise=0.1)
    assert [(row[0], int(row[1]), *map(float, row[2:])) for row in rows] == [tuple(point) for point in expected.points]
    with open("curve.png", "rb") as handle:
        assert handle.read(8) == b"\x89PNG\r\n\x1a\n"


def test_the_four_methods_are_the_default(folder, capsys):
    assert run(capsys, *CURVE, "--samples", "20")[0] == 0
    with open("curve.csv", newline="") as handle:
        assert [row[0] for row in csv.reader(handle)][1:] == ["finetuning", "multitask", "single", "probing"]


def test_with_a_penalty_beside_the_error(folder, capsys):
    assert run(capsys, *CURVE, "--samples", "30,300", "--lambda", "0.01")[0] == 0
    with open("curve.csv", newline="") as handle:
        rows = list(csv.reader(handle))[1:]
    expected = learning_curve(SparsePair(200, 8, 10, 6), [30, 300], strength=0.01).points
    assert [(row[0], int(row[1]), float(row[2])) for row in rows] == [point[:3] for point in expected]
    assert {row[0] for row in rows} == {"finetuning", "single", "probing"}


def test_few_auxiliary_samples_are_passed_on(folder, capsys):
    assert run(capsys, *CURVE, "--samples", "30", "--samples-aux", "90", "--methods", "finetuning")[0] == 0
    with open("curve.csv", newline="") as handle:
        loss = float(list(csv.reader(handle))[1][2])
    few = learning_curve(SparsePair(200, 8, 10, 6), [30], methods=["finetuning"], samples_aux=90).points[0].loss
    assert loss == few
    assert few != learning_curve(SparsePair(200, 8, 10, 6), [30], methods=["finetuning"]).points[0].loss


@pytest.mark.parametrize("suffix", ["svg", "pdf"])
def test_other_kinds_of_pictures(folder, capsys, suffix):
    assert run(capsys, *CURVE, "--samples", "20,30", "--methods", "l1", "--plot", f"curve.{suffix}")[0] == 0
    assert sorted(os.listdir()) == ["curve.csv", f"curve.{suffix}"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--samples", "20,x"], "--samples 20,x; give whole numbers with commas"),
        (["--samples", "200"], "samples = 200; give numbers from 1 to 199"),
        (["--samples", "20", "--methods", "sgd"], "unknown method 'sgd'"),
        (["--samples", "20", "--alpha", "-1"], "--alpha = -1"),
        (["--samples", "20", "--samples-aux", "0"], "samples_aux = 0; give at least 1"),
        (["--samples", "20", "--noise", "nan"], "noise = nan"),
        (["--samples", "20", "--lambda", "0"], "--lambda = 0"),
        (["--samples", "20", "--lambda", "1", "--methods", "pinned"], "lambda has no meaning for the method pinned"),
        (["--samples", "20", "--plot", "curve.csv"], "give a name that ends in .png, .svg or .pdf"),
        (["--samples", "20", "--plot", "none/curve.png"], "folder none does not exist"),
        (["--samples", "20", "--overlap", "9"], "overlap = 9; give a number from 0 to 8"),
    ],
)
def test_curve_refuses(folder, capsys, options, message):
    assert_refused(run(capsys, *CURVE, *options), message, left=[])


def test_table_and_picture_are_two_files(folder, capsys):
    assert_refused(run(capsys, *CURVE, "--samples", "20", "-o", "a.png", "--plot", "a.png"), "the table itself", left=[])
