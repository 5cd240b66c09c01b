"""Finetuning of a ReLU network whose units may not turn: exactly, as a diagonal network of one pathway a unit.

With the directions theta_h of its input weights held, a network is f(x) = sum_h s_h v_h (theta_h.x)_+, linear in b_h = s_h
v_h. Gradient flow on the lengths s_h and the readout v_h is that of a diagonal network whose second pathway is 0, so that
the theorem for any initialisation (claim exact-any-init) gives its end: the minimiser of sum_h D_{Q_k}(b, b(0)) with k_h =
|s_h^2 - v_h^2|/2 and b_h(0) = s_h v_h at the start. What a network does otherwise it does by rotating its units.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from normtheory import exact
from normtheory.arrays import FloatArray
from normtheory.networks import ReLUWeights, Weights
from normtheory.penalties import Q
from normtheory.solvers import newton
from normtheory.solvers.certificate import Solution
from normtheory.tasks import Task

RANGE = 1e-8  # of the largest singular value of the features: directions of y below are not fitted


@dataclass(frozen=True, eq=False)
class FrozenDirections:
    """The end of finetuning without rotation.

    Attributes
    ----------
    weights : ReLUWeights
        A network of the same function: hidden units of length one, readout b.
    solution : Solution
        With its certificate and its dual, those of the equations that the directions can fulfil.
    """

    weights: ReLUWeights
    solution: Solution


def scale_and_start(weights: ReLUWeights) -> tuple[exact.ScaleAndStart, FloatArray]:
    """Scale k (H',) and start b(0) of the penalty of a network of one output, and its directions (H', D).

    Units of input weights 0 have no direction, and those of |s_h| = |v_h| no scale; both are left out.
    """
    lengths, readout = np.linalg.norm(weights.hidden, axis=1), weights.readout[0]
    kept = (lengths > 0) & (lengths != np.abs(readout))
    s, v, zero = lengths[kept], readout[kept], np.zeros(int(kept.sum()))
    return exact.scale_and_start(Weights(s, zero, v, zero)), weights.hidden[kept] / s[:, None]


def finetuned(task: Task, start: ReLUWeights) -> FrozenDirections:
    """Where gradient flow from `start` ends if units keep their directions.

    Where these cannot fit the task it ends at the minimiser among the best fits: pretraining leaves units of few directions.

    Parameters
    ----------
    task : Task
    start : ReLUWeights
        Of one output.

    Raises
    ------
    NotCertified
        As `normtheory.solvers.newton.minimize`.
    """
    penalty, directions = scale_and_start(start)
    features = np.maximum(task.X @ directions.T, 0)
    solution = newton.minimize(*_independent(features, task.y), *penalty)
    return FrozenDirections(ReLUWeights(directions, solution.beta[None]), solution)


def _independent(features: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Orthonormal rows, and right-hand sides, of the equations that the features of nearly equal units can fulfil."""
    left, values, right = np.linalg.svd(features, full_matrices=False)
    kept = values > RANGE * values[0]
    return right[kept], (left[:, kept].T @ y) / values[kept]


def order(start: ReLUWeights, end: ReLUWeights) -> float:
    """Order of the penalty at the end of a run of one output: d log Q / d log |b|, over all units together.

    2 is a weighted l2 penalty (lazy), and towards 1 it is an l1-like one. It is the order along the ray through the end's
    contributions b_h = |w_h| v_h, of the penalty that `start` sets for units which keep their directions.
    """
    penalty, _ = scale_and_start(start)
    lengths = np.linalg.norm(start.hidden, axis=1)
    kept = (lengths > 0) & (lengths != np.abs(start.readout[0]))
    b = (np.linalg.norm(end.hidden, axis=1) * end.readout[0])[kept]
    Qk = Q(penalty.k)
    return float(Qk.gradient(b) @ b / Qk.value(b))
