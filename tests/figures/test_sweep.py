"""The sweep: each cell once, whatever is killed; the same table from every engine."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
import toy_cells
from toy_cells import CELLS, deadly, raising, squares

from figures.sweep import IncompleteError, Sweep, _hash_of_code, code_version, key
from normtheory.arrays import InputError

pytest.importorskip("distributed")
ENGINES = ["local", "dask"]
EXPECTED = [row for spec in CELLS for row in squares(spec)]
ROOT = Path(toy_cells.__file__).parents[2]


def sweep(store, engine="local", **options):
    return Sweep(store, engine, workers=2, **options)


@pytest.mark.parametrize("engine", ENGINES)
def test_rows_come_in_the_order_of_the_cells(tmp_path, engine):
    seen = []
    table = sweep(tmp_path, engine, progress=lambda *what: seen.append(what)).table(CELLS, squares, "toys")
    assert table.to_pylist() == EXPECTED
    assert seen == [(done, 8, "toys") for done in range(9)]


def test_what_is_there_is_not_computed_again(tmp_path):
    log = tmp_path / "log"
    cells = [spec | {"log": str(log)} for spec in CELLS]
    sweep(tmp_path).table(cells[:5], squares)
    again = sweep(tmp_path).table(cells, squares)
    assert [row["n"] for row in again.to_pylist()] == [row["n"] for row in EXPECTED]
    assert sorted(log.read_text().split()) == list("01234567")


def test_a_cell_is_known_by_what_it_says_not_by_how():
    assert key({"a": 1, "b": [0.1]}, "v") == key({"b": [0.1], "a": 1}, "v")
    assert len({key({"a": 1}, "v"), key({"a": 2}, "v"), key({"a": 1}, "w")}) == 3


def test_the_version_of_the_code_ignores_comments_and_docstrings_only(tmp_path):
    def version(text):
        source = tmp_path / "work.py"
        source.write_text(text)
        _hash_of_code.cache_clear()
        return _hash_of_code(source)

    plain = version("def f(x):\n    return x + 1\n")
    assert version('"""A module."""\n\n\ndef f(x):\n    """Says what."""\n    # and why\n    return x + 1\n') == plain
    assert version("def f(x):\n    return x + 2\n") != plain
    assert code_version(squares) == code_version(raising)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("work", "reason"), [(raising, "ArithmeticError: three is poisoned"), (deadly, "its worker died")])
def test_a_poisoned_cell_is_set_aside_and_named_and_the_rest_goes_on(tmp_path, engine, work, reason):
    run = sweep(tmp_path, engine)
    table = run.table(CELLS, work)
    assert table.to_pylist() == [row for row in EXPECTED if row["n"] != 3]
    assert [(failure.spec["n"], failure.reason) for failure in run.set_aside] == [(3, reason)]
    with pytest.raises(IncompleteError, match='"n": 3') as error:
        run.check()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_cell_whose_worker_was_killed_is_tried_again(tmp_path, engine):
    run = sweep(tmp_path, engine)
    cells = [spec | {"marker": str(tmp_path / "marker")} for spec in CELLS]
    assert run.table(cells, deadly).to_pylist() == EXPECTED
    assert (tmp_path / "marker").exists()
    assert run.set_aside == []
    run.check()


@pytest.mark.parametrize("engine", ENGINES)
def test_a_run_killed_from_outside_loses_at_most_the_cells_in_flight(tmp_path, engine):
    store, log = tmp_path / "store", tmp_path / "log"
    path = os.pathsep.join([str(Path(toy_cells.__file__).parent), str(ROOT)])
    command = [sys.executable, toy_cells.__file__, str(store), engine, str(log)]
    run = subprocess.Popen(command, env=os.environ | {"PYTHONPATH": path}, start_new_session=True)
    deadline = time.monotonic() + 60
    while len(list(store.glob("*.parquet"))) < 3 and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(run.pid, signal.SIGKILL)  # the run and its workers
    run.wait()
    kept = len(list(store.glob("*.parquet")))
    assert 3 <= kept < 8
    cells = [spec | {"sleep": 0.25, "log": str(log)} for spec in CELLS]
    assert sweep(store, engine).table(cells, squares).to_pylist() == EXPECTED
    counts = Counter(log.read_text().split())
    assert set(counts) == set("01234567")
    assert sum(counts.values()) <= 8 + 2  # only what the two workers had in hand was computed twice


def test_workers_whose_master_was_killed_end_by_themselves(tmp_path):
    psutil = pytest.importorskip("psutil")
    store, log = tmp_path / "store", tmp_path / "log"
    path = os.pathsep.join([str(Path(toy_cells.__file__).parent), str(ROOT)])
    command = [sys.executable, toy_cells.__file__, str(store), "local", str(log)]
    run = subprocess.Popen(command, env=os.environ | {"PYTHONPATH": path})
    deadline = time.monotonic() + 60
    while not list(store.glob("*.parquet")) and time.monotonic() < deadline:
        time.sleep(0.02)
    workers = psutil.Process(run.pid).children(recursive=True)
    run.kill()
    run.wait()
    assert workers
    _, alive = psutil.wait_procs(workers, timeout=30)
    assert not alive


def test_a_damaged_file_is_named(tmp_path):
    sweep(tmp_path).table(CELLS[:1], squares)
    (file,) = tmp_path.glob("*.parquet")
    file.write_bytes(b"PAR1")
    with pytest.raises(InputError, match=f"{file.name} is damaged; delete it"):
        sweep(tmp_path).table(CELLS[:1], squares)


@pytest.mark.parametrize("engine", ["slurm", "Dask", "local:4"])
def test_unknown_engines_are_refused(tmp_path, engine):
    with pytest.raises(InputError, match="choose local, dask or dask:ADDRESS"):
        Sweep(tmp_path / "store", engine)
    assert not (tmp_path / "store").exists()


def test_a_scheduler_that_does_not_answer_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("figures.sweep.DASK_CONNECTION_S", 1)
    with pytest.raises(InputError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9"):
        Sweep(tmp_path, "dask:tcp://127.0.0.1:9").table(CELLS, squares)


def test_any_dask_cluster_serves(tmp_path):
    from distributed import LocalCluster

    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=":0") as cluster:
        table = Sweep(tmp_path, f"dask:{cluster.scheduler_address}").table(CELLS, squares)
    assert table.to_pylist() == EXPECTED
