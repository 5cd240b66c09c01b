"""normtheory figure and bench."""

import pytest
from commands import assert_refused, run

from normtheory import figures
from normtheory.figures.sweep import IncompleteError


def test_figure_passes_its_options_on(folder, capsys, monkeypatch):
    def make(name, scale, out, data, engine, workers, progress):
        progress(1, 2, "cell")
        return [out / f"{name}-{scale}-{data}-{engine}-{workers}.png"]

    monkeypatch.setattr(figures, "make", make)
    arguments = ["figure", "some", "--scale", "quick", "--out", "here", "--engine", "dask", "--jobs", "3"]
    arguments += ["--data", "images"]
    assert run(capsys, *arguments) == (0, "here/some-quick-images-dask-3.png\n", "1/2 cell\n")


def test_figure_redraws_without_computing(folder, capsys, monkeypatch):
    monkeypatch.setattr(figures, "make", None)
    code, printed, _ = run(capsys, "figure", "corollary1", "--redraw", "--out", "here")
    assert (code, printed.split()) == (0, ["here/corollary1.png", "here/corollary1.svg"])


def test_a_figure_that_lacks_cells_fails_and_names_them(folder, capsys, monkeypatch):
    def make(name, scale, out, data, engine, workers, progress):
        raise IncompleteError("1 cells failed twice", [out / "some.png"])

    monkeypatch.setattr(figures, "make", make)
    code, printed, complaint = run(capsys, "figure", "some")
    assert (code, printed, complaint) == (1, "pictures/some.png\n", "normtheory: 1 cells failed twice\n")


def test_redraw_refuses_options_that_it_would_ignore(folder, capsys):
    assert_refused(
        run(capsys, "figure", "fig1a", "--redraw", "--scale", "quick"), "--scale has no meaning for --redraw", left=[]
    )


def test_wrong_images_end_in_a_line(folder, capsys):
    pytest.importorskip("torch")
    (folder / "cifar.tar.gz").write_text("no archive")
    answer = run(capsys, "figure", "fig3", "--scale", "quick", "--data", "cifar.tar.gz")
    assert_refused(answer, "truncated, or no archive", left=["cifar.tar.gz"])
    assert_refused(run(capsys, "figure", "fig1", "--data", "cifar.tar.gz"), "fig1 trains on no images", left=["cifar.tar.gz"])


def test_an_interrupted_figure_says_how_to_go_on(folder, capsys, monkeypatch):
    def make(name, scale, out, data, engine, workers, progress):
        raise KeyboardInterrupt

    monkeypatch.setattr(figures, "make", make)
    assert_refused(run(capsys, "figure", "some"), "the same command goes on from there", code=130, left=[])


def test_bench_runs_in_a_clone_only(folder, capsys, monkeypatch):
    monkeypatch.setattr("normtheory.cli.bench.__file__", str(folder / "normtheory" / "cli" / "bench.py"))
    assert_refused(run(capsys, "bench"), "run `make bench` in a clone", left=[])
