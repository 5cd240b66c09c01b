"""The console script itself."""

import os
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


def test_script_minimizes_and_refuses(folder):
    save()
    done = script(*MINIMIZE, "finetuning", folder=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert "beta" in result()
    os.remove("out.npz")
    save(y=np.full(8, np.nan))
    done = script(*MINIMIZE, "finetuning", folder=folder)
    assert_refused((done.returncode, done.stdout, done.stderr), "y is NaN")


def test_script_can_be_interrupted(folder):
    """Ctrl-C in a flow that would take hours: one line, exit code 130, no file."""
    np.savez("problem.npz", X=np.random.default_rng(0).standard_normal((400, 3000)), y=np.ones(400))
    command = [SCRIPT, "simulate", "problem.npz", "--protocol", "single", "--alpha", "1e-4", "--rtol", "1e-13", "-o", "out.npz"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        time.sleep(3)
        process.send_signal(2)
        out, err = process.communicate(timeout=30)
    assert_refused((process.returncode, out, err), "interrupted", code=130)


@pytest.mark.parametrize("command", [[SCRIPT, "--version"], [sys.executable, "-m", "normtheory", "--version"]])
def test_the_version_is_one(command):
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == f"normtheory {normtheory.__version__}\n" == f"normtheory {version('normtheory')}\n"


def test_completion_is_offered(folder):
    done = script("--show-completion", "bash", folder=folder)
    assert done.returncode == 0
    assert "_NORMTHEORY_COMPLETE" in done.stdout
