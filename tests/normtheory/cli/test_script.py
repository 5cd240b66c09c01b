"""The console script itself."""

import os
import signal
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
from commands import MINIMIZE, assert_refused, result, save

import normtheory

SCRIPT = Path(sys.executable).with_name("normtheory")


def script(*arguments, folder):
    """Run the installed command."""
    return subprocess.run([SCRIPT, *arguments], cwd=folder, capture_output=True, text=True, check=False)


def test_script_answers_help_without_heavy_imports(folder):
    done = script("--help", folder=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert "minimize" in done.stdout
    heavy = "import sys; from normtheory.cli import main; main(['--help']); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", heavy], capture_output=True, text=True, check=True).stdout.split()
    assert not {"numpy", "scipy", "sympy", "cvxpy", "matplotlib", "rich"} & set(loaded)


@pytest.mark.parametrize("penalty", ["q", "finetuning", "l1", "l2"])
def test_minimize_starts_without_what_it_does_not_use(folder, penalty):
    save()
    used = f"import sys; from normtheory.cli import main; main({[*MINIMIZE, penalty]!r}); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", used], capture_output=True, text=True, check=True).stdout.split()
    heavy = {"scipy.integrate", "scipy.optimize", "sympy", "cvxpy", "clarabel", "matplotlib", "rich.console", "pyarrow", "loky"}
    assert not heavy & set(loaded)


def test_script_minimizes_and_refuses(folder):
    save()
    done = script(*MINIMIZE, "finetuning", folder=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert "beta" in result()
    os.remove("out.npz")
    save(y=np.full(8, np.nan))
    done = script(*MINIMIZE, "finetuning", folder=folder)
    assert_refused((done.returncode, done.stdout, done.stderr), "y is NaN")


def long_flow(*more):
    """A flow that would take hours, under way."""
    np.savez("problem.npz", X=np.random.default_rng(0).standard_normal((400, 3000)), y=np.ones(400))
    options = ["--alpha", "1e-4", "--rtol", "1e-13", "--route", "weights", "-o", "out.npz", *more]
    command = [SCRIPT, "simulate", "problem.npz", "--protocol", "single", *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def stopped(sent, *more):
    """How it ends when a signal reaches it under way, rather than while it starts, which a busy machine may take long for."""
    for patience in (3, 10, 30):
        with long_flow(*more) as process:
            time.sleep(patience)
            process.send_signal(sent)
            out, err = process.communicate(timeout=60)
        if "interrupted; " in err and "nothing was written\n" not in err:
            break
    return process.returncode, out, err


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_script_can_be_interrupted(folder, sent, code):
    """Ctrl-C, a batch system's request to end, a terminal that goes away: one line, its exit code, no file."""
    assert_refused(stopped(sent), "--checkpoint FILE would keep the state", code=code)


def test_a_request_to_end_saves_the_state(folder):
    ended = stopped(signal.SIGTERM, "--checkpoint", "state.npz")
    assert_refused(ended, "the state is in state.npz", code=143, left=("problem.npz", "state.npz"))
    assert "training.state" in result("state.npz")


@pytest.mark.parametrize("after", [0.06, 0.12, 0.2, 0.35])
def test_an_interrupt_in_the_first_moments_is_one_line(folder, after):
    """Also while modules are imported; before python runs any of our code it is python's own, or a silent death."""
    save()
    command = [SCRIPT, *MINIMIZE, "finetuning"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        time.sleep(after)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert "normtheory/" not in err.replace("bin/normtheory", "").replace("normtheory: ", "")
    assert process.returncode in (0, 130, -2, 1)


def test_a_full_disk_behind_stdout_is_told(folder):
    """A table is written, and its print is lost: exit code 1 and one line, without a traceback at the interpreter's end."""
    save()
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([SCRIPT, *MINIMIZE, "q"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "normtheory: cannot print (no space left on device); files that were to be written are there\n"
    assert "beta" in result()


def test_a_reader_that_has_gone_is_not_told(folder):
    shell = f"'{SCRIPT}' claims | head -n 1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, check=True)
    assert done.stderr == ""


@pytest.mark.parametrize("setting", ["nonsense", "module://matplotlib_inline.backend_inline", "TkAgg"])
def test_a_backend_of_a_notebook_or_nonsense_draws_all_the_same(folder, setting):
    Path("matplotlibrc").write_text("text.usetex: True\nfigure.figsize: 1, 1\n")  # as a user may have one
    command = [SCRIPT, "figure", "fig1a", "--redraw", "--out", "made"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "MPLBACKEND": setting})
    assert (done.returncode, done.stderr) == (0, "")
    assert list(Path("made").glob("*.png"))


@pytest.mark.parametrize("command", [[SCRIPT, "--version"], [sys.executable, "-m", "normtheory", "--version"]])
def test_the_version_is_one(command):
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == f"normtheory {normtheory.__version__}\n" == f"normtheory {version('normtheory')}\n"


def test_completion_is_offered(folder):
    done = script("--show-completion", "bash", folder=folder)
    assert done.returncode == 0
    assert "_NORMTHEORY_COMPLETE" in done.stdout
