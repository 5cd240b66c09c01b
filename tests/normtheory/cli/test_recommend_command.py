"""normtheory recommend: what it prints and writes, and what it refuses."""

import csv

import pytest
from commands import assert_refused, run, save

from normtheory.solvers import recommend

PAIR = ("recommend", "--inputs", "200", "--features", "4", "--features-aux", "10", "--overlap", "4", "--samples", "20")


@pytest.fixture(autouse=True)
def few_options(monkeypatch):
    for function in (recommend.for_pair, recommend.for_problem):
        monkeypatch.setattr(function, "__kwdefaults__", function.__kwdefaults__ | {"rescales": (1.0, 0.1), "gammas": (1e-3,)})


def test_a_kind_of_task(folder, capsys):
    code, printed, _ = run(capsys, *PAIR, "--noise", "0.1", "-o", "options.csv")
    assert code == 0
    header, *lines, written = printed.splitlines()
    assert header.split() == ["method", "rescale", "gamma", "predicted", "loss", "held-out", "error"]
    assert written == "written  options.csv"
    losses = [float(line.split()[-1]) for line in lines]
    assert losses == sorted(losses)
    with open("options.csv", newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert len(rows) == len(lines) == 5
    assert [float(f"{float(row['predicted']):.3g}") for row in rows] == losses
    assert {row["held_out"] for row in rows} == {""}


def test_ones_own_rows(folder, capsys):
    save()
    code, printed, _ = run(capsys, "recommend", "problem.npz")
    noise, _, *lines = printed.splitlines()
    assert code == 0
    assert noise.startswith("noise estimated  ")
    errors = [float(line.split()[-1]) for line in lines]
    assert len(errors) == 4
    assert errors == sorted(errors)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["recommend"], "give a problem, or --inputs, --features, --features-aux, --overlap, --samples as well"),
        (["recommend", "--inputs", "10"], "or --features, --features-aux, --overlap, --samples as well"),
        (["recommend", "problem.npz", "--inputs", "10"], "--inputs has no meaning for a problem"),
        (["recommend", "problem.npz", "-o", "problem.npz"], "problem.npz is the problem itself"),
        (["recommend", "problem.npz", "--alpha", "0"], "--alpha = 0"),
    ],
)
def test_recommend_refuses(folder, capsys, arguments, message):
    save()
    assert_refused(run(capsys, *arguments), message)


def test_a_problem_without_a_pretrained_predictor_is_refused(folder, capsys):
    save(beta_aux=None)
    assert_refused(run(capsys, "recommend", "problem.npz"), "holds no array beta_aux; recommend needs it")
