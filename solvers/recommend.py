"""Which method, which rescaling and which reset scale, for a task like this one: by the scalar equations, beside held-out rows.

For a kind of task (`for_pair`) the answer is the curve's. For a user's own rows (`for_problem`) the teacher is not known: it is
taken to be the predictor of the candidate that does best on held-out rows, and the noise on the labels is what makes the curve
predict that candidate's held-out error. Both are plug-in estimates. The teacher's has fitted some of the noise, which makes
that of the noise too small; what they predict stands beside what was measured, and the order is that of the measurements.
Inputs are taken to be uncorrelated; their variances are estimated from the rows (`variances`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from normtheory import exact
from normtheory.arrays import FloatArray, InputError, matrix, targets, vector
from normtheory.solvers.asymptotics import Coordinates, NoFixedPoint, fixed_point
from normtheory.solvers.curves import learning_curve
from normtheory.solvers.newton import minimize
from normtheory.solvers.potentials import HyperbolicEntropy
from normtheory.solvers.proximal import Quadratic
from normtheory.solvers.sparse_pairs import Scales, SparsePair

RESCALES = (10.0, 1.0, 0.1, 0.01, 0.001)
GAMMAS = (1e-4, 1e-3, 1e-2, 1e-1)
ALPHA = 1e-3
FOLDS = 5
LEAST_VARIANCE = 1e-6  # of the mean: an input that varies less does not move, and counts for nothing
NOISE_STEPS = 12  # bisections of the noise's standard deviation: to a fourth of a per mille of that of the held-out errors


class Option(NamedTuple):
    """A way to learn a task, and its loss.

    Attributes
    ----------
    method : str
        finetuning, single, probing or multitask.
    rescale, gamma : float or None
        Factor on the pretrained first layer, and value of the reset second layer; None where they have no meaning.
    predicted : float
        Population squared error beyond the noise, by the scalar equations; NaN if they were not solved.
    held_out : float or None
        Mean squared error on held-out rows, the labels' noise included.
    """

    method: str
    rescale: float | None
    gamma: float | None
    predicted: float
    held_out: float | None = None


def for_pair(
    pair: SparsePair,
    samples: int,
    *,
    noise: float = 0.0,
    rescales: Sequence[float] = RESCALES,
    gammas: Sequence[float] = GAMMAS,
    alpha: float = ALPHA,
) -> list[Option]:
    """Every option for a kind of sparse task, least predicted loss first.

    The factor of finetuning multiplies the first layer alone; gamma is a choice of its own.

    Raises
    ------
    InputError, NoFixedPoint
        As `learning_curve`.
    """

    def loss(method: str, scales: Scales) -> float:
        return learning_curve(pair, [samples], methods=[method], scales=scales, noise=noise).points[0].loss

    found = [Option("finetuning", c, gamma, loss("finetuning", Scales(alpha, gamma, c))) for c in rescales for gamma in gammas]
    found += [Option("probing", 1.0, gamma, loss("probing", Scales(alpha, gamma, 1.0))) for gamma in gammas]
    found += [Option(method, None, None, loss(method, Scales(alpha))) for method in ("multitask", "single")]
    return sorted(found, key=lambda option: option.predicted)


def for_problem(
    X: ArrayLike,
    y: ArrayLike,
    beta_aux: ArrayLike,
    *,
    rescales: Sequence[float] = RESCALES,
    gammas: Sequence[float] = GAMMAS,
    alpha: float = ALPHA,
    seed: int = 0,
) -> tuple[list[Option], float]:
    """Every option for one's own rows and pretrained predictor, least held-out error first; and the noise estimated.

    Parameters
    ----------
    X, y : arrays, shapes (n, D) and (n,)
        Main task, n < D.
    beta_aux : array, shape (D,)
        Predictor learned before.
    rescales, gammas, alpha
        The candidates, and the scale that pretraining began at.
    seed : int
        Of the split into FOLDS folds.

    Raises
    ------
    InputError
        If the input is malformed, or there are fewer rows than folds, or not fewer rows than inputs.
    """
    X = matrix(X, "X")
    rows, inputs = X.shape
    y, beta_aux = targets(y, "y", rows, "X"), vector(beta_aux, "beta_aux", inputs, "column of X")
    if not FOLDS <= rows < inputs:
        raise InputError(
            f"X has {rows} rows and {inputs} columns; recommendations need at least {FOLDS} rows, and fewer than columns"
        )
    if not (X.any() and y.any()):
        raise InputError("X or y is 0 everywhere; there is nothing to learn")
    variance = variances(X)
    candidates = _candidates(beta_aux, rescales, gammas, alpha)
    folds = np.array_split(np.random.default_rng(np.random.SeedSequence((seed, rows))).permutation(rows), FOLDS)
    held_out = [_held_out(X, y, candidate, folds) for candidate in candidates]
    best = candidates[int(np.argmin(held_out))]
    task = _Task(best.minimiser(X, y), variance)
    trained_on = rows - rows / FOLDS
    noise = _noise(best, task, trained_on, min(held_out))
    options = []
    for candidate, error in zip(candidates, held_out, strict=True):
        try:
            predicted = candidate.predicted(task, rows, noise)
        except NoFixedPoint:
            predicted = float("nan")
        options.append(Option(candidate.method, candidate.rescale, candidate.gamma, predicted, error))
    return sorted(options, key=lambda option: float(option.held_out or 0.0)), noise


def variances(X: FloatArray) -> FloatArray:
    """The variance of each input, about 0, from few rows: mean squares, moved towards their mean by what sampling explains.

    Of the spread of D mean squares about their mean, sampling explains what squares vary by from row to row, over n. The share
    of the spread that is left is the factor that their distances from the mean keep: the linear estimator of least squared
    error. Inputs of one variance keep about none.

    Parameters
    ----------
    X : array, shape (n, D)
        At least two rows, not all of them 0.

    Returns
    -------
    array, shape (D,)
        Positive: at least LEAST_VARIANCE of the mean.
    """
    unit = float(np.abs(X).max())
    squares = (X / unit) ** 2
    each = squares.mean(axis=0)
    mean, spread = float(each.mean()), float(each.var())
    sampling = float((squares.var(axis=0, ddof=1) / X.shape[0]).mean())
    kept = max(0.0, 1 - sampling / spread) if spread > 0 else 0.0
    return np.asarray(unit**2 * np.maximum(mean + kept * (each - mean), LEAST_VARIANCE * mean))


class _Task(NamedTuple):
    """What a problem is taken to be: its teacher, and the variances of its inputs."""

    teacher: FloatArray
    variance: FloatArray


class _Candidate(NamedTuple):
    """A penalty on the coordinates of a problem: the Q penalty at k, or (k infinite) weighted l2."""

    method: str
    rescale: float | None
    gamma: float | None
    k: FloatArray | None
    start: FloatArray
    weight: FloatArray

    def minimiser(self, X: FloatArray, y: FloatArray) -> FloatArray:
        if self.k is not None:
            return minimize(X, y, self.k, self.start).beta
        root = np.sqrt(self.weight)
        step, *_ = np.linalg.lstsq(X * root, y - X @ self.start, rcond=None)
        return np.asarray(self.start + root * step)

    def predicted(self, task: _Task, samples: float, noise: float) -> float:
        own = Quadratic(self.weight, self.start) if self.k is None else HyperbolicEntropy(self.k, self.start)
        coordinates = Coordinates(np.ones_like(task.teacher), task.teacher, own, task.variance)
        return float(fixed_point([coordinates], samples, noise).loss)


def _candidates(beta_aux: FloatArray, rescales: Sequence[float], gammas: Sequence[float], alpha: float) -> list[_Candidate]:
    ones, zeros = np.ones_like(beta_aux), np.zeros_like(beta_aux)
    found = [
        _Candidate("finetuning", c, gamma, *exact.finetuning(beta_aux, alpha, gamma, c), ones)
        for c in rescales
        for gamma in gammas
    ]
    frozen = np.hypot(beta_aux, 2 * alpha**2)
    found += [
        _Candidate("probing", 1.0, gamma, None, exact.finetuning(beta_aux, alpha, gamma).beta0, frozen) for gamma in gammas
    ]
    return [*found, _Candidate("single", None, None, 2 * alpha**2 * ones, zeros, ones)]


def _held_out(X: FloatArray, y: FloatArray, candidate: _Candidate, folds: Sequence[np.ndarray]) -> float:
    """Mean squared error on rows that the predictor was not made from."""
    squares = 0.0
    for fold in folds:
        kept = np.setdiff1d(np.arange(y.size), fold)
        squares += float(np.sum((y[fold] - X[fold] @ candidate.minimiser(X[kept], y[kept])) ** 2))
    return squares / y.size


def _noise(candidate: _Candidate, task: _Task, samples: float, error: float) -> float:
    """The standard deviation at which the curve's loss and the noise's variance add up to the held-out error; or 0."""
    low, high = 0.0, float(np.sqrt(error))
    if candidate.predicted(task, samples, 0.0) >= error:
        return 0.0
    for _ in range(NOISE_STEPS):
        middle = (low + high) / 2
        if candidate.predicted(task, samples, middle) + middle**2 < error:
            low = middle
        else:
            high = middle
    return (low + high) / 2
