"""What ReLU networks of one hidden layer do on all inputs at once, in closed form: the arc-cosine kernel of order one.

For standard normal x, E (w.x)_+ (u.x)_+ = |w| |u| (sin a + (pi - a) cos a)/(2 pi), with a the angle between w and u (Cho & Saul
2009). Inputs uniform on the sphere of radius sqrt(D) have the same second moments of all functions that are homogeneous of
degree one, as networks without biases are. So a population loss needs no test set. Means of activations, which mean-centred
representations need, do depend on the distribution: here it is the sphere's.
"""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln

from normtheory.arrays import FloatArray, InputError
from normtheory.networks.relu import ReLUWeights

SAME_DIRECTION = 1e-6  # sine of the angle between two units


def kernel(first: FloatArray, second: FloatArray) -> FloatArray:
    """E (w.x)_+ (u.x)_+ for the rows w of `first`, (H, D), and u of `second`, (G, D); shape (H, G)."""
    lengths, cosine, angle = _geometry(first, second)
    return np.asarray(lengths * (np.sqrt(1 - cosine**2) + (np.pi - angle) * cosine) / (2 * np.pi))


def _geometry(first: FloatArray, second: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Products of lengths, cosines and angles of all pairs of rows; a row of zeros is at a right angle to all."""
    norms = [np.linalg.norm(rows, axis=1) for rows in (first, second)]
    lengths = np.multiply.outer(*norms)
    cosine = np.clip(np.divide(first @ second.T, lengths, out=np.zeros_like(lengths), where=lengths > 0), -1, 1)
    return lengths, cosine, np.arccos(cosine)


def inner_product(first: ReLUWeights, second: ReLUWeights, output: int = 0, of_second: int = 0) -> float:
    """E f(x) g(x) of an output of each of two networks."""
    return float(first.readout[output] @ kernel(first.hidden, second.hidden) @ second.readout[of_second])


def population_loss(weights: ReLUWeights, teacher: ReLUWeights, output: int = 0) -> float:
    """E (f(x) - g(x))^2 of an output of a network and the (only) output of a teacher, exactly.

    Digits below 1e-15 of E f^2 + E g^2 cancel.

    Raises
    ------
    InputError
        If they have other inputs.
    """
    if weights.size != teacher.size:
        raise InputError(f"the network has {weights.size} inputs, the teacher {teacher.size}; make them equal")
    units = np.vstack([weights.hidden, teacher.hidden])
    readout = np.concatenate([weights.readout[output], -teacher.readout[0]])
    return max(float(readout @ kernel(units, units) @ readout), 0.0)


def null_loss(teacher: ReLUWeights) -> float:
    """E g(x)^2: the loss of predicting 0."""
    return inner_product(teacher, teacher)


def tangent_loss(weights: ReLUWeights, change: FloatArray, teacher: ReLUWeights) -> float:
    """Population loss of the linear model of a network with one output at `weights`, after a change of its state.

    Parameters
    ----------
    weights : ReLUWeights
    change : array, shape (H, D + 1)
        Of the state, as in `normtheory.solvers.training.Linearised`.
    teacher : ReLUWeights
    """
    # f + df = sum_h a_h (w_h.x)_+ + 1[w_h.x > 0] q_h.x, less the teacher's units.
    units = np.vstack([weights.hidden, teacher.hidden])
    readout = np.concatenate([weights.readout[0] + change[:, -1], -teacher.readout[0]])
    linear = np.vstack([weights.readout[0][:, None] * change[:, :-1], np.zeros_like(teacher.hidden)])
    _, cosine, angle = _geometry(units, units)
    sine = np.sqrt(1 - cosine**2)
    norms = np.linalg.norm(units, axis=1)
    rows = np.divide(units, norms[:, None], out=np.zeros_like(units), where=norms[:, None] > 0)
    along = linear @ rows.T  # q_h . w_g/|w_g|
    own = np.diag(along)
    # E 1[w.x > 0] (q.x) (u.x)_+, and E 1[w.x > 0] 1[u.x > 0] (q.x) (p.x), each times 2 pi
    mixed = norms * (sine * own[:, None] + (np.pi - angle) * along)
    bend = np.multiply.outer(own, own) + along * along.T - cosine * (own[:, None] * along.T + along * own)
    # Of second order in the sine: where that is round-off, so is the quotient.
    both = (np.pi - angle) * (linear @ linear.T) + np.divide(bend, sine, out=np.zeros_like(sine), where=sine > SAME_DIRECTION)
    value = readout @ kernel(units, units) @ readout + (2 * np.sum(mixed @ readout) + np.sum(both)) / (2 * np.pi)
    return max(float(value), 0.0)


def activation_covariance(first: FloatArray, second: FloatArray) -> FloatArray:
    """Covariance of the activations (w.x)_+ of two hidden layers, rows (H, D) and (G, D), on the sphere of radius sqrt(D)."""
    means = [_mean(rows) for rows in (first, second)]
    return np.asarray(kernel(first, second) - np.multiply.outer(*means))


def _mean(rows: FloatArray) -> FloatArray:
    """E (w.x)_+ on that sphere: |w| sqrt(D) times the mean of the positive part of a coordinate of a unit vector."""
    inputs = rows.shape[1]
    part = np.exp(gammaln(inputs / 2) - gammaln((inputs + 1) / 2)) / (2 * np.sqrt(np.pi))
    return np.asarray(np.linalg.norm(rows, axis=1) * np.sqrt(inputs) * part)


def participation_ratio(hidden: FloatArray) -> float:
    """Participation ratio (Eq. 34) of a hidden layer's mean-centred activations, (H, D), on all inputs of the sphere."""
    covariance = activation_covariance(hidden, hidden)
    return float(np.trace(covariance) ** 2 / np.sum(covariance**2))


def shared_dimensions(first: FloatArray, second: FloatArray) -> float:
    """Effective number of shared dimensions (Eq. 35) of two hidden layers' activations, likewise."""
    own, other = activation_covariance(first, first), activation_covariance(second, second)
    across = np.sum(activation_covariance(first, second) ** 2)
    return float(across * np.trace(own) * np.trace(other) / (np.sum(own**2) * np.sum(other**2)))
