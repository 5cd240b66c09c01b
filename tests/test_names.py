"""One installed name: a researcher's own figures.py, solvers.py and proofs.py beside a notebook break nothing."""

import os
import subprocess
import sys

import pytest

HOSTILE = "raise ImportError('a user\\'s own file was imported in place of ours')\n"
COMMANDS = {
    "a claim": ["-m", "normtheory", "verify", "eq1", "eq34", "--jobs", "2"],
    "a panel": ["-m", "normtheory", "verify", "fig1d"],
    "a figure": ["-m", "normtheory", "figure", "fig1a", "--redraw", "--out", "pictures"],
    "a package of claims": ["-m", "normtheory.proofs", "eq1"],
    "a solver": ["-c", "from normtheory.solvers import newton; newton.minimize([[1.0, 2.0]], [1.0], 1.0)"],
}


@pytest.fixture
def hostile(tmp_path):
    for name in ("figures", "solvers", "proofs", "audit", "cli"):
        (tmp_path / f"{name}.py").write_text(HOSTILE)
    return tmp_path


@pytest.mark.parametrize("what", COMMANDS)
def test_files_of_the_names_of_our_rooms_break_nothing(hostile, what):
    command = [sys.executable, *COMMANDS[what]]
    done = subprocess.run(command, cwd=hostile, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


NEED_TORCH = (".descent", ".modules", ".convolutional", ".classifiers")
ALL_MODULES = (
    f"NEED_TORCH = {NEED_TORCH}"
    + """
import importlib, pkgutil, sys
from collections import Counter
from pathlib import Path
import normtheory

for found in pkgutil.walk_packages(normtheory.__path__, "normtheory."):
    if not found.name.endswith(("__main__", *NEED_TORCH)):
        importlib.import_module(found.name)
files = [Path(module.__file__).resolve() for module in list(sys.modules.values()) if getattr(module, "__file__", None)]
rooms = [Path(normtheory.__path__[0]).resolve(), *(Path(room.__path__[0]).resolve() for room in ROOMS)]
ours = Counter(file for file in files if any(file.is_relative_to(room) for room in rooms))
assert len(ours) > 80, len(ours)
assert max(ours.values()) == 1, ours.most_common(3)
"""
)


def test_a_file_is_one_module():
    """Through the links every file has one name: what is loaded twice has two registries, and fails `isinstance`."""
    rooms = "from normtheory import figures, proofs, solvers\nROOMS = [figures, proofs, solvers]\n"
    subprocess.run([sys.executable, "-c", rooms + ALL_MODULES], check=True, cwd=os.sep)
