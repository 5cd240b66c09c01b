"""Every result prints in a few lines, whatever its size, and as a table in notebooks."""

import dataclasses
import importlib
import inspect
import pkgutil

import numpy as np
import pytest

import normtheory
from normtheory import exact, networks, penalties, solvers, tasks
from normtheory.arrays import FloatArray
from normtheory.files import Problem
from normtheory.networks import ReLUWeights
from normtheory.reprs import shown
from normtheory.solvers import newton, training
from normtheory.solvers.certificate import Certificate
from normtheory.solvers.curves import learning_curve
from normtheory.solvers.sparse_pairs import SparsePair

PAIR = tasks.teacher_student(30, 3, features=4, features_aux=5, inputs=200, samples_aux=12)
SOLUTION = newton.minimize(PAIR.main.X, PAIR.main.y, 0.1)
FINETUNED = training.pretrain_finetune(PAIR.main.X, PAIR.main.y, beta_aux=PAIR.teacher_aux, route="dual")
RELU = dataclasses.replace(FINETUNED.finetuning, weights=ReLUWeights.random(inputs=200, width=5, scale=0.1))
RESULTS = {
    "task": PAIR.main,
    "pair of tasks": PAIR,
    "problem": Problem("problem.npz", PAIR.main.X, PAIR.main.y),
    "penalty": penalties.Q(np.linspace(0.1, 1, 200)),
    "scale and start": exact.finetuning(PAIR.teacher_aux, 1e-3, 1e-3),
    "solution": SOLUTION,
    "certificate": SOLUTION.certificate,
    "trajectory": FINETUNED.finetuning,
    "finetuned": FINETUNED,
    "of a ReLU network": RELU,
    "weights": FINETUNED.start,
    "learning curve": learning_curve(SparsePair(100, 4, 4, 3), [10, 20], methods=["probing"]),
}


@pytest.mark.parametrize("what", RESULTS)
def test_a_result_prints_in_a_few_lines(what):
    text = repr(RESULTS[what])
    assert text.startswith(type(RESULTS[what]).__name__ + "(")
    assert len(text.splitlines()) <= 8
    assert max(map(len, text.splitlines())) <= 120
    html = RESULTS[what]._repr_html_()
    assert html.count("<table>") == html.count("</table>") >= 1
    assert len(html) < 6000


def test_what_counts_of_a_solution_is_printed():
    text = repr(SOLUTION)
    assert f"beta=<(200,) norm {np.linalg.norm(SOLUTION.beta):.4g}>" in text
    assert f"gap={SOLUTION.certificate.gap:.4g}" in text
    assert "solver='newton'" in text
    assert "beta" not in repr(RELU), "a network that is not linear has no predictor"


def test_a_class_says_what_of_it_is_printed():
    @shown("rising", "both", "name", "many")
    @dataclasses.dataclass
    class Made:
        rising: FloatArray
        both: FloatArray
        name: str
        many: tuple[Certificate, ...]
        hidden: int = 3

    many = (SOLUTION.certificate,) * 9
    text = repr(Made(np.arange(9.0), np.array([1.0, -2.0]), "<b>", many))
    assert text == "Made(rising=<(9,) 0 to 8>, both=[1, -2], name='<b>', many=<9 Certificate>)"
    assert "&lt;b&gt;" in Made(np.arange(9.0), np.arange(9.0), "<b>", many)._repr_html_()


NEED_TORCH = (".modules", ".descent", ".classifiers", ".convolutional")


def classes():
    """The public data classes and named tuples of the theory and the solvers."""
    for package in (networks, solvers, None):
        path, prefix = (package.__path__, package.__name__) if package else ([normtheory.__path__[0]], "normtheory")
        for found in pkgutil.iter_modules(path, f"{prefix}."):
            if found.ispkg or found.name.endswith(("__main__", *NEED_TORCH)):
                continue
            for name, value in vars(importlib.import_module(found.name)).items():
                if inspect.isclass(value) and value.__module__ == found.name and not name.startswith("_"):
                    yield value


# What goes on within a computation, and is no result of one.
WITHIN = {
    "Classes", "Columns", "Control", "Curve", "DeepGraph", "DualGraph", "Enclosed", "Ending", "Factor", "Following",
    "Hyperbola", "LeastSquares", "Memory", "NewtonStep", "Node", "Nodes", "NormalEquations", "OrthogonalEquations",
    "Path", "Point", "Record", "Scale", "Scaling", "Side", "Smooth", "SoftThreshold", "Stiff", "System", "Tasks", "Trial",
}  # fmt: skip


def test_every_result_with_arrays_is_shown_so():
    missing = []
    for made in classes():
        annotations = [str(annotation) for annotation in getattr(made, "__annotations__", {}).values()]
        arrays = any("FloatArray" in annotation or "ndarray" in annotation for annotation in annotations)
        if arrays and made.__name__ not in WITHIN and not hasattr(made, "_repr_html_"):
            missing.append(f"{made.__module__}.{made.__name__}")
    assert missing == []
    assert {made.__name__ for made in classes()} >= WITHIN, "a name here that no class has any longer"
