"""The paper's pairs of sparse tasks as classes of coordinates, and the methods of learning as penalties on them.

Coordinates fall into at most four classes: used by both tasks, by one, by neither.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from normtheory import exact
from normtheory.arrays import FloatArray, InputError, positive_scalar
from normtheory.solvers.asymptotics import Coordinates
from normtheory.solvers.coupled import held
from normtheory.solvers.pinned import PinnedOrbits
from normtheory.solvers.potentials import HyperbolicEntropy
from normtheory.solvers.proximal import Quadratic, SoftThreshold
from normtheory.solvers.training import ALPHA, GAMMA, RESCALE


@dataclass(frozen=True)
class SparsePair:
    """A main and an auxiliary task with sparse teachers, whose features may be shared.

    Shared features have the same sign in both tasks, as in `normtheory.tasks.teacher_student`; other signs do not matter.

    Parameters
    ----------
    inputs : int
        Number D of inputs.
    features, features_aux : int
        Numbers of inputs that the main and the auxiliary teacher use.
    overlap : int
        Number of inputs that both use.
    magnitude, magnitude_aux : float, optional
        Size of a teacher's weights (default: 1/sqrt(features), a teacher of norm one).

    Raises
    ------
    InputError
        If the counts do not fit together.
    """

    inputs: int
    features: int
    features_aux: int
    overlap: int
    magnitude: float
    magnitude_aux: float

    def __init__(
        self,
        inputs: int,
        features: int,
        features_aux: int,
        overlap: int,
        magnitude: float | None = None,
        magnitude_aux: float | None = None,
    ) -> None:
        counts = {"inputs": inputs, "features": features, "features_aux": features_aux}
        for name, count in counts.items():
            if count < 1:
                raise InputError(f"{name} = {count}; give at least 1")
        if not 0 <= overlap <= min(features, features_aux):
            raise InputError(
                f"overlap = {overlap}; give a number from 0 to {min(features, features_aux)}, the smaller teacher's"
            )
        used = features + features_aux - overlap
        if used > inputs:
            raise InputError(f"the teachers use {used} inputs, but inputs = {inputs}; give more inputs or fewer features")
        size = features**-0.5 if magnitude is None else positive_scalar(magnitude, "magnitude")
        size_aux = features_aux**-0.5 if magnitude_aux is None else positive_scalar(magnitude_aux, "magnitude_aux")
        for name, value in (counts | {"overlap": overlap, "magnitude": size, "magnitude_aux": size_aux}).items():
            object.__setattr__(self, name, value)

    @property
    def null_loss(self) -> float:
        """Generalisation loss of the predictor 0: the main teacher's squared norm."""
        return self.features * self.magnitude**2

    def classes(self) -> Classes:
        """The classes of coordinates that are not empty: shared, main task alone, auxiliary task alone, neither."""
        both, main, aux = self.overlap, self.features - self.overlap, self.features_aux - self.overlap
        count = np.array([both, main, aux, self.inputs - both - main - aux], dtype=np.float64)
        teacher, teacher_aux = self.magnitude * np.array([1, 1, 0, 0]), self.magnitude_aux * np.array([1, 0, 1, 0])
        there = count > 0
        return Classes(count[there], teacher[there], teacher_aux[there])


class Classes(NamedTuple):
    """Classes of coordinates, each (C,): how many there are, the main teacher, and what pretraining ends at, on them."""

    number: FloatArray
    teacher: FloatArray
    beta_aux: FloatArray


@dataclass(frozen=True)
class Scales:
    """Initialisation scale of all weights, value of the reset second layer, and factor on the first layer after pretraining."""

    alpha: float = ALPHA
    gamma: float = GAMMA
    rescale: float = RESCALE


def _finetuning(classes: Classes, scales: Scales) -> list[Coordinates]:
    k, beta0 = exact.finetuning(classes.beta_aux, scales.alpha, scales.gamma, scales.rescale)
    return [Coordinates(classes.number, classes.teacher, HyperbolicEntropy(k, beta0))]


def _corollary1(classes: Classes, scales: Scales) -> list[Coordinates]:
    k, beta0 = exact.printed_corollary1(classes.beta_aux, scales.gamma)
    return [Coordinates(classes.number, classes.teacher, HyperbolicEntropy(k, beta0))]


def _single(classes: Classes, scales: Scales) -> list[Coordinates]:
    k = np.full_like(classes.number, 2 * scales.alpha**2)
    return [Coordinates(classes.number, classes.teacher, HyperbolicEntropy(k, np.zeros_like(k)))]


def _probing(classes: Classes, scales: Scales) -> list[Coordinates]:
    _, beta0 = exact.finetuning(classes.beta_aux, scales.alpha, scales.gamma, scales.rescale)
    frozen = scales.rescale**2 * np.hypot(classes.beta_aux, 2 * scales.alpha**2)  # w_+^2 + w_-^2
    return [Coordinates(classes.number, classes.teacher, Quadratic(frozen, beta0))]


def _multitask(classes: Classes, scales: Scales) -> list[Coordinates]:
    return held(classes.number, classes.teacher, classes.beta_aux)


def _pinned(classes: Classes, scales: Scales) -> list[Coordinates]:
    return [Coordinates(classes.number, classes.teacher, PinnedOrbits(classes.beta_aux, scales.alpha))]


def _l1(classes: Classes, scales: Scales) -> list[Coordinates]:
    return [Coordinates(classes.number, classes.teacher, SoftThreshold(np.full_like(classes.number, 0.5)))]  # |b|


def _lazy(classes: Classes, scales: Scales) -> list[Coordinates]:
    return [Coordinates(classes.number, classes.teacher, Quadratic(np.ones_like(classes.number)))]


Method = Callable[[Classes, Scales], list[Coordinates]]
# The methods that are computed unless others are asked for, then those.
METHODS: dict[str, Method] = {
    "finetuning": _finetuning,
    "multitask": _multitask,
    "single": _single,
    "probing": _probing,
}
FURTHER: dict[str, Method] = {
    "corollary1": _corollary1,  # finetuning as the audited paper prints it
    "pinned": _pinned,  # multi-task training whose auxiliary task is fitted first and held
    "l1": _l1,  # least l1 norm of the main task: single-task training from vanishing weights
    "lazy": _lazy,  # least l2 norm of the main task: single-task training from large weights, ridgeless regression
}
ALONE = ("single", "l1", "lazy")  # that do not look at the auxiliary task
# That have a penalty beside the squared error: Q's divergence from the start, the squared change of the second layer (probing),
# |b|_1, |b|^2. Not two tasks at once, of which either has an error.
PENALISED = ("finetuning", "corollary1", "single", "probing", "l1", "lazy")
