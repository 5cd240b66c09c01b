"""A small problem in a folder of its own, commands run on it, and what a refusal looks like."""

import os

import numpy as np

from normtheory import cli
from normtheory.tasks import teacher_student

PAIR = teacher_student(8, 3, features=4, features_aux=5, inputs=20, samples_aux=12)


def arrays(**changes):
    """A problem that every command can use; a change to None removes the array."""
    made = {
        "X": PAIR.main.X,
        "y": PAIR.main.y,
        "beta_aux": PAIR.teacher_aux,
        "k": np.full(20, 0.1),
    } | changes
    return {name: value for name, value in made.items() if value is not None}


AUX = {"beta_aux": None, "X_aux": PAIR.aux.X, "y_aux": PAIR.aux.y}


def save(**changes):
    """Save the problem as problem.npz."""
    np.savez("problem.npz", **arrays(**changes))


def run(capsys, *arguments):
    """Exit code, stdout and stderr of a command."""
    code = cli.main(arguments)
    out, err = capsys.readouterr()
    return code, out, err


def result(name="out.npz"):
    """The arrays of an output file."""
    with np.load(name, allow_pickle=False) as archive:
        return {key: archive[key] for key in archive.files}


def assert_refused(outcome, message, code=2, left=("problem.npz",)):
    """One line on stderr that says `message`, nothing on stdout, the exit code, and no new file."""
    got, out, err = outcome
    assert (got, out) == (code, "")
    assert err.startswith("normtheory: ")
    assert err.count("\n") == 1
    assert err.endswith("\n")
    assert message in err
    assert sorted(os.listdir()) == sorted(left)


MINIMIZE = ("minimize", "problem.npz", "-o", "out.npz", "--penalty")
SIMULATE = ("simulate", "problem.npz", "-o", "out.npz", "--protocol")
