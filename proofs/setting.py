"""The paper's own setting for diagonal networks (section 4.1, Fig. 1): where the size of every correction is measured.

Sizes of the tasks and gamma are as printed. The paper only speaks of a constant alpha; its value, and weights of equal size in
each teacher, are those of the authors' published code. Exact numbers, so that they can be put into formulas.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sympy as sp

if TYPE_CHECKING:
    from normtheory.tasks import TeacherStudent

Expression = Any

INPUTS = 1000
FEATURES = 40  # non-zero weights of either teacher
SAMPLES_AUX = 1024
SAMPLES = 64  # of the main task, which has 16 to 512
REALISATIONS = 6  # where a number is of one realisation, it is of the first
LOSS = 1e-10  # mean squared error at which the authors' runs are to stop
PRETRAINING_LOSS = 1e-9  # at which their pretraining did stop, 1024 samples leaving X nearly singular
ALPHA = GAMMA = sp.Rational(1, 1000)
WEIGHT = 1 / sp.sqrt(FEATURES)  # a feature's size in its teacher, and where pretraining ends; 0 for all other inputs


def value(expression: Expression, at: dict[Expression, Expression] | None = None) -> float:
    """A formula at exact numbers for its symbols, evaluated in 30 digits before it is rounded; infinite where it has a pole."""
    found = sp.sympify(expression).subs(at or {})
    return float("inf") if found.has(sp.zoo) else float(found.evalf(30))


def number(quantity: Any) -> str:
    """Three digits for a sentence."""
    return f"{float(quantity):.3g}" if quantity < float("inf") else "infinite"


def percent(share: float) -> str:
    """A share as a percentage, in two digits."""
    return f"{100 * share:.2g} %"


def tasks(
    overlap: int = FEATURES,
    features: int = FEATURES,
    magnitude: float | None = None,
    seed: int = 0,
    samples: int = SAMPLES,
) -> TeacherStudent:
    """The two tasks of a realisation; all features shared, unless said otherwise."""
    from normtheory.tasks import teacher_student

    return teacher_student(
        samples,
        overlap,
        features=features,
        features_aux=FEATURES,
        magnitude=magnitude,
        inputs=INPUTS,
        samples_aux=SAMPLES_AUX,
        seed=seed,
    )
