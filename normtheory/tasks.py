"""Tasks: a design matrix with its targets, and the teacher-student pairs of the paper."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from normtheory.arrays import FloatArray, InputError, count, matrix, positive_scalar, precision, real_array, targets
from normtheory.reprs import shown


@shown()
@dataclass(frozen=True, eq=False)
class Task:
    """A regression task: design matrix X, shape (n, D), one sample a row, and targets y, shape (n,).

    `suffix` is what messages append to the names: "_aux" for an auxiliary task. `precision` is that of the types given. The
    arrays are not copied, and taken not to change.

    Raises
    ------
    InputError
        If the arrays are not finite real numbers, are empty, or their shapes do not belong together.
    """

    X: FloatArray
    y: FloatArray
    suffix: str = ""
    precision: float = 0.0

    def __init__(self, X: ArrayLike, y: ArrayLike, suffix: str = "") -> None:
        design = matrix(X, f"X{suffix}")
        object.__setattr__(self, "X", design)
        object.__setattr__(self, "y", targets(y, f"y{suffix}", design.shape[0], f"X{suffix}"))
        object.__setattr__(self, "suffix", suffix)
        object.__setattr__(self, "precision", precision(X, y))

    @property
    def samples(self) -> int:
        """The number n of samples."""
        return int(self.X.shape[0])

    @property
    def inputs(self) -> int:
        """The number D of inputs."""
        return int(self.X.shape[1])

    @cached_property
    def gram(self) -> FloatArray:
        """X^T X, shape (D, D); made when it is first asked for, and kept."""
        return np.asarray(self.X.T @ self.X)


@shown()
@dataclass(frozen=True, eq=False)
class TeacherStudent:
    """A main and an auxiliary task with the linear teachers, each (D,), that made their noiseless targets."""

    main: Task
    aux: Task
    teacher: FloatArray
    teacher_aux: FloatArray


def teacher_student(
    samples: int,
    overlap: int,
    *,
    features: int = 40,
    features_aux: int = 40,
    magnitude: float | None = None,
    magnitude_aux: float | None = None,
    inputs: int = 1000,
    samples_aux: int = 1024,
    seed: int = 0,
) -> TeacherStudent:
    """The paper's pair of sparse linear tasks for diagonal networks (section 4.1, Fig. 1).

    Inputs are standard normal rows rescaled to norm sqrt(D). Each teacher has random support and signs. The main teacher
    takes `overlap` coordinates of the auxiliary support with their signs, and `features - overlap` fresh ones.

    Parameters
    ----------
    samples, samples_aux : int
        Numbers of main and auxiliary samples.
    overlap : int
        Number of features that the two teachers share.
    features, features_aux : int
        Numbers of non-zero entries of the main and of the auxiliary teacher.
    magnitude : float, optional
        Size of the main teacher's non-zero entries (default: 1/sqrt(features), a teacher of unit norm). The paper's
        experiments on sparsity use 1/features.
    magnitude_aux : float, optional
        The same of the auxiliary teacher (default: 1/sqrt(features_aux)).
    inputs : int
        Number D of inputs.
    seed : int
        Names the realisation. The auxiliary task does not depend on the main one, and tasks that differ in `overlap` or
        `features` alone share their inputs, so that they can be compared pairwise.

    Raises
    ------
    InputError
        If the counts do not fit together.
    """
    _check_counts(samples, overlap, features, features_aux, inputs, samples_aux, seed)
    size = features**-0.5 if magnitude is None else positive_scalar(magnitude, "magnitude")
    size_aux = features_aux**-0.5 if magnitude_aux is None else positive_scalar(magnitude_aux, "magnitude_aux")
    draw = _generator("teachers", seed, inputs)
    order, signs = draw.permutation(inputs), draw.choice([-1.0, 1.0], inputs)
    fresh = order[features_aux : features_aux + features - overlap]
    teacher_aux = _sparse(order[:features_aux], signs, size_aux)
    teacher = _sparse(np.concatenate([order[:overlap], fresh]), signs, size)
    X = sphere_rows(samples, inputs, _generator("main inputs", seed, inputs, samples))
    X_aux = sphere_rows(samples_aux, inputs, _generator("auxiliary inputs", seed, inputs, samples_aux))
    return TeacherStudent(Task(X, X @ teacher), Task(X_aux, X_aux @ teacher_aux), teacher, teacher_aux)


def relu_task(samples: int, *, inputs: int = 15, units: int = 6, seed: int = 0) -> Task:
    """The paper's auxiliary task for ReLU networks (section 4.2): orthonormal teacher units, readouts of random sign.

    Parameters
    ----------
    samples : int
        Rows on the sphere of radius sqrt(inputs).
    inputs, units : int
        Numbers of inputs and of teacher units, at most as many; each is read out with +-1/sqrt(units).
    seed : int
        Names the realisation.

    Raises
    ------
    InputError
        If the counts do not fit together.
    """
    count(samples, "samples")
    count(seed, "seed", 0)
    if not 1 <= count(units, "units") <= count(inputs, "inputs"):
        raise InputError(f"samples = {samples}, units = {units}, inputs = {inputs}; give 1 <= units <= inputs and samples >= 1")
    draw = _generator("teachers", seed, inputs, units)
    directions = np.linalg.qr(draw.standard_normal((inputs, inputs)))[0][:units]
    readout = draw.choice([-1.0, 1.0], units) / np.sqrt(units)
    X = sphere_rows(samples, inputs, _generator("auxiliary inputs", seed, inputs, samples))
    return Task(X, np.maximum(X @ directions.T, 0) @ readout)


def sphere_rows(samples: int, inputs: int, generator: np.random.Generator) -> FloatArray:
    """Rows uniform on the sphere of radius sqrt(inputs), shape (samples, inputs)."""
    rows = generator.standard_normal((samples, inputs))
    return np.asarray(rows * (np.sqrt(inputs) / np.linalg.norm(rows, axis=1, keepdims=True)))


def generalisation_loss(beta: ArrayLike, teacher: ArrayLike) -> float:
    """Population mean squared error ||beta - teacher||^2 of the predictor beta, shape (D,), on noiseless targets.

    Exact, without a test set, for rows uniform on the sphere of radius sqrt(D), whose second-moment matrix is the identity.
    """
    b, truth = np.atleast_1d(real_array(beta, "beta")), np.atleast_1d(real_array(teacher, "teacher"))
    if b.ndim != 1 or b.shape != truth.shape:
        raise InputError(f"beta has shape {b.shape} and teacher {truth.shape}; give two vectors of one length")
    return float(np.sum((b - truth) ** 2))


# Each stream of random numbers has its own spawn key: growing one never shifts another.
_STREAMS = {"teachers": 0, "main inputs": 1, "auxiliary inputs": 2}


def _generator(stream: str, *specification: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(specification, spawn_key=(_STREAMS[stream],)))


def _sparse(support: np.ndarray, signs: FloatArray, size: float) -> FloatArray:
    teacher = np.zeros_like(signs)
    teacher[support] = size * signs[support]
    return teacher


def _check_counts(
    samples: int, overlap: int, features: int, features_aux: int, inputs: int, samples_aux: int, seed: int
) -> None:
    counts = {"samples": samples, "samples_aux": samples_aux, "inputs": inputs}
    for name, given in (counts | {"features": features, "features_aux": features_aux}).items():
        count(given, name)
    count(seed, "seed", 0)
    count(overlap, "overlap", 0)
    most = min(features, features_aux)
    if not 0 <= overlap <= most:
        raise InputError(f"overlap = {overlap}; give a number from 0 to {most}, the size of the smaller teacher")
    used = features_aux + features - overlap
    if used > inputs:
        raise InputError(f"the teachers use {used} coordinates, but inputs = {inputs}; give more inputs or fewer features")
