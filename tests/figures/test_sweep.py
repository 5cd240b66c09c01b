"""The sweep: each cell once, whatever is killed; the same table from every engine."""

import functools
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import Future
from pathlib import Path

import psutil
import pytest
import toy_cells
from toy_cells import CELLS, deadly, failing_once, ragged, raising, squares

from normtheory.arrays import InputError
from normtheory.figures.sweep import Failure, IncompleteError, Sweep
from normtheory.figures.sweep.engines import Engine
from normtheory.figures.sweep.keys import _hash_of_code, code_version, key
from normtheory.figures.sweep.store import Job, appears, compute_cell

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
    assert code_version(squares) != code_version(raising)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("work", "reason"), [(raising, "StubbornError: three is poisoned"), (deadly, "its worker died")])
def test_a_poisoned_cell_is_set_aside_and_named_and_the_rest_goes_on(tmp_path, engine, work, reason):
    seen, log = [], tmp_path / "log"
    run = sweep(tmp_path / "store", engine, progress=lambda *what: seen.append(what))
    table = run.table([spec | {"log": str(log)} for spec in CELLS], work, "toys")
    assert table.to_pylist() == [row for row in EXPECTED if row["n"] != 3]
    assert seen[-1] == (8, 8, "toys, 1 failed")
    if work is raising:
        assert log.read_text().split().count("3") == 2
    assert [(failure.spec["n"], failure.reason) for failure in run.set_aside] == [(3, reason)]
    with pytest.raises(IncompleteError, match='"n": 3') as error:
        run.check()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_cell_that_failed_once_is_tried_again(tmp_path, engine):
    run = sweep(tmp_path, engine)
    assert run.table([spec | {"marker": str(tmp_path / "marker")} for spec in CELLS], failing_once).to_pylist() == EXPECTED
    assert run.set_aside == []


def test_no_column_and_no_number_is_lost_where_rows_differ(tmp_path):
    rows = sweep(tmp_path).table([{"n": n} for n in range(3)], ragged).to_pylist()
    assert [row["value"] for row in rows] == [None, None, 1.0, None, 1.0, None]
    assert [row["more"] for row in rows] == [None, "x"] * 3


def test_many_failures_are_told_in_one_line(tmp_path):
    run = sweep(tmp_path)
    run.set_aside += [Failure({"n": n}, "it broke") for n in range(40)]
    with pytest.raises(IncompleteError, match=r"40 cells failed twice .* and 35 more") as error:
        run.check([tmp_path])
    assert error.value.written == (tmp_path,)
    assert len(str(error.value)) < 400


def test_a_worker_with_other_code_writes_nothing(tmp_path):
    with pytest.raises(InputError, match="the code has changed since its workers started"):
        compute_cell(squares, "of yesterday", CELLS[0], str(tmp_path / "part"))
    assert list(tmp_path.iterdir()) == []


def test_a_store_that_workers_do_not_see_is_named(tmp_path):
    with pytest.raises(InputError, match="workers do not see"):
        compute_cell(squares, code_version(squares), CELLS[0], str(tmp_path / "elsewhere" / "part"))


def test_a_file_that_appears_late_is_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr("normtheory.figures.sweep.store.LOOK_S", 0.01)
    threading.Timer(0.1, (tmp_path / "late").touch).start()
    assert appears(tmp_path / "late")
    monkeypatch.setattr("normtheory.figures.sweep.store.SHARED_FILES_S", 0.05)
    assert not appears(tmp_path / "never")


@pytest.mark.parametrize(
    ("cells", "work", "message"),
    [([{"n": {1, 2}}], squares, "is not plain"), ([{"n": 1}], functools.partial(squares), "is no function of a module")],
)
def test_what_cannot_be_a_cell_is_refused(tmp_path, cells, work, message):
    with pytest.raises(InputError, match=message):
        sweep(tmp_path / "store").table(cells, work)


def test_a_store_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "store").touch()
    with pytest.raises(InputError, match="cannot make the folder"):
        sweep(tmp_path / "store").table(CELLS, squares)


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
    cells = [spec | {"sleep": toy_cells.SLOW, "log": str(log)} for spec in CELLS]
    assert sweep(store, engine).table(cells, squares).to_pylist() == EXPECTED
    counts = Counter(log.read_text().split())
    assert set(counts) == set("01234567")
    assert sum(counts.values()) <= 8 + 2  # only what the two workers had in hand was computed twice


@pytest.mark.parametrize("engine", ENGINES)
def test_an_interrupt_is_the_master_s_alone(tmp_path, engine):
    """Ctrl-C reaches the whole process group: workers neither print a traceback nor outlive the run."""
    path = os.pathsep.join([str(Path(toy_cells.__file__).parent), str(ROOT)])
    store = tmp_path / "store"
    command = [sys.executable, toy_cells.__file__, str(store), engine, str(tmp_path / "log")]
    run = subprocess.Popen(
        command, env=os.environ | {"PYTHONPATH": path}, start_new_session=True, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 60
    while not list(store.glob("*.parquet")) and time.monotonic() < deadline:
        time.sleep(0.02)
    workers = psutil.Process(run.pid).children(recursive=True)
    os.killpg(run.pid, signal.SIGINT)
    _, complaints = run.communicate(timeout=60)
    assert complaints.count("Traceback") == complaints.count("KeyboardInterrupt") == 1  # the script's own
    assert not psutil.wait_procs(workers, timeout=30)[1]


def test_an_interrupt_while_a_cell_is_handed_over_is_not_lost():
    class Executor:
        def submit(self, *call):
            signal.raise_signal(signal.SIGINT)
            return Future()

    engine = Engine(Executor(), None, Executor)
    with pytest.raises(KeyboardInterrupt):
        engine.submit(Job(squares, "version", CELLS[0], Path("cell.parquet")))


def test_workers_whose_master_was_killed_end_by_themselves(tmp_path):
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
    monkeypatch.setattr("normtheory.figures.sweep.engines.DASK_CONNECTION_S", 1)
    with pytest.raises(InputError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9"):
        Sweep(tmp_path, "dask:tcp://127.0.0.1:9").table(CELLS, squares)


def test_a_scheduler_that_is_lost_is_told_in_a_line(tmp_path):
    from distributed import LocalCluster

    cells = [spec | {"sleep": 0.5} for spec in CELLS]
    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=":0") as cluster:
        closing = threading.Timer(1.0, cluster.close)
        closing.start()
        with pytest.raises(IncompleteError, match="connection to the Dask scheduler was lost"):
            Sweep(tmp_path, f"dask:{cluster.scheduler_address}").table(cells, squares)
        closing.join()


def test_any_dask_cluster_serves(tmp_path):
    from distributed import LocalCluster

    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=":0") as cluster:
        table = Sweep(tmp_path, f"dask:{cluster.scheduler_address}").table(CELLS, squares)
    assert table.to_pylist() == EXPECTED


def test_a_function_of_a_notebook_is_refused_in_a_line(tmp_path):
    """As IPython compiles a cell: its code has a name, and no file that workers could read."""
    names = {}
    exec(compile("def work(spec):\n    return [spec]\n", "<ipython-input-1>", "exec"), names)
    with pytest.raises(InputError, match="is defined at a prompt or in a notebook; put it into a file"):
        Sweep(str(tmp_path)).table([{"n": 1}], names["work"])
