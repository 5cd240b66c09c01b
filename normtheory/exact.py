"""Exact theory of one output: what gradient flow minimises from any weights, and every step of pretraining and finetuning.

**Theorem (any initialisation).** Gradient flow on the diagonal network, if it reaches zero training error, ends at the
unique minimiser of sum_d D_{Q_{k_d}}(beta_d, beta0_d) subject to X beta = y: a Bregman divergence of the Q penalty whose
scale k and start beta0 `scale_and_start` reads off the initial weights. `proofs/` derives it; `printed_corollary1` is what
the audited paper prints in its place (Eq. 3).

In s = (w + v)/2 and d = (w - v)/2 each coordinate moves on a one-parameter orbit: s_+ and d_- grow by exp(eta/2) while
d_+ and s_- shrink by the same factor, so that beta = A exp(eta) - B exp(-eta) with A = s_+(0)^2 + d_-(0)^2 and
B = d_+(0)^2 + s_-(0)^2, and 4 A B = k^2.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from normtheory.arrays import FloatArray, InputError, matrix, negligible, positive_scalar, real_array, targets
from normtheory.networks import DiagonalNetwork, Weights
from normtheory.penalties import arcsinh_difference
from normtheory.reprs import shown

# Defaults of the protocols, the paper's (section 4): constant initialisation and reset readout of 1e-3, no rescaling.
ALPHA = 1e-3
GAMMA = 1e-3
RESCALE = 1.0


@shown()
class ScaleAndStart(NamedTuple):
    """Penalty scale k and starting predictor beta0, each (D,), in the units of beta."""

    k: FloatArray
    beta0: FloatArray


def scale_and_start(weights: Weights) -> ScaleAndStart:
    """Penalty scale and start of the norm that gradient flow from `weights` minimises (theorem above).

    k_d = sqrt((S_d/2)^2 - beta0_d^2) with S_d the sum of the four squared weights, computed as 2 sqrt(A B), which keeps its
    digits when one pathway is nearly dead. k_d = 0 means that coordinate d starts with a dead pathway and cannot change sign.
    """
    grows, shrinks = pathway_energies(weights)
    return ScaleAndStart(k=2 * np.sqrt(grows) * np.sqrt(shrinks), beta0=DiagonalNetwork().effective_map(weights))


def weights_on_flow(initial: Weights, beta: ArrayLike) -> Weights:
    """The weights that gradient flow from `initial` has when its predictor is `beta`: the closed-form orbit.

    Parameters
    ----------
    initial : Weights
        Weights at time 0, with positive penalty scale in every coordinate.
    beta : array, shape (D,)
        Predictor at the time asked for.

    Raises
    ------
    InputError
        If some coordinate has penalty scale 0 (its orbit does not reach every beta).
    """
    beta = real_array(beta, "beta")
    k, beta0 = scale_and_start(initial)
    dead = np.flatnonzero(k == 0)
    if dead.size:
        raise InputError(f"initial weights leave a pathway dead at coordinate {int(dead[0])}; make its penalty scale positive")
    return along_the_orbit(initial, arcsinh_difference(beta, beta0, k))


def along_the_orbit(initial: Weights, eta: FloatArray) -> Weights:
    """The weights of one output whose s_+ and d_- have grown by exp(eta/2), eta of shape (D,)."""
    growth = np.exp(eta / 2)
    s_plus, d_plus = (initial.w_plus + initial.v_plus) / 2 * growth, (initial.w_plus - initial.v_plus) / 2 / growth
    s_minus, d_minus = (initial.w_minus + initial.v_minus) / 2 / growth, (initial.w_minus - initial.v_minus) / 2 * growth
    return Weights(s_plus + d_plus, s_minus + d_minus, s_plus - d_plus, s_minus - d_minus)


def pretraining(beta_aux: ArrayLike, alpha: float, second_layer: float | None = None) -> Weights:
    """Weights after pretraining to the predictor `beta_aux` from constant weights.

    Parameters
    ----------
    beta_aux : array, shape (D,)
        Predictor reached by pretraining.
    alpha : float
        Initialisation scale: all weights before pretraining; of the first layer only, if `second_layer` is given.
    second_layer : float, optional
        Initial value of the second layer (default: alpha, balanced layers).

    Notes
    -----
    Balanced: w_+^2 = v_+^2 = (R + beta_aux)/2, w_-^2 = v_-^2 = (R - beta_aux)/2, R = sqrt(beta_aux^2 + 4 alpha^4).
    """
    beta_aux = np.atleast_1d(real_array(beta_aux, "beta_aux"))
    first = positive_scalar(alpha, "alpha")
    second = first if second_layer is None else positive_scalar(second_layer, "second_layer")
    return weights_on_flow(Weights.constant(beta_aux.size, first, second), beta_aux)


def rescaled(weights: Weights, factor: float) -> Weights:
    """The weights with the first layer multiplied by `factor` (the paper's rescaling, section 4.2)."""
    factor = positive_scalar(factor, "rescale")
    return Weights(factor * weights.w_plus, factor * weights.w_minus, weights.v_plus, weights.v_minus)


def reset(weights: Weights, gamma: float) -> Weights:
    """The weights with the second layer set to the constant `gamma` (start of finetuning, section 3.1)."""
    readout = np.full(weights.size, positive_scalar(gamma, "gamma"))
    return Weights(weights.w_plus, weights.w_minus, readout, readout.copy())


def finetuning(beta_aux: ArrayLike, alpha: float, gamma: float, rescale: float = 1.0) -> ScaleAndStart:
    """Scale and start of finetuning after balanced pretraining, in closed form.

    k = sqrt((c^2 beta_aux/2)^2 + (c^2 alpha^2 + gamma^2)^2) and
    beta0 = c gamma (sqrt((R + beta_aux)/2) - sqrt((R - beta_aux)/2)), R = sqrt(beta_aux^2 + 4 alpha^4), written without
    the difference. What the paper should print in place of Eq. 3.

    Parameters
    ----------
    beta_aux : array, shape (D,)
        Predictor learned by pretraining.
    alpha, gamma, rescale : float
        Initialisation scale of pretraining, value of the reset second layer, factor c on the first layer.
    """
    beta_aux = np.atleast_1d(real_array(beta_aux, "beta_aux"))
    alpha, gamma = positive_scalar(alpha, "alpha"), positive_scalar(gamma, "gamma")
    c = positive_scalar(rescale, "rescale")
    k = np.hypot(c * c * beta_aux / 2, c * c * alpha**2 + gamma**2)
    beta0 = c * gamma * beta_aux / np.sqrt(np.hypot(beta_aux, 2 * alpha**2) + 2 * alpha**2)
    return ScaleAndStart(k, beta0)


def printed_corollary1(beta_aux: ArrayLike, gamma: float) -> ScaleAndStart:
    """Scale and start as the audited paper prints them (Corollary 1, Eq. 3): k = |beta_aux| + gamma^2, beta0 = 0.

    Refuted by the ledger's claim cor1; kept to be compared with `finetuning`.
    """
    beta_aux = np.atleast_1d(real_array(beta_aux, "beta_aux"))
    k = np.abs(beta_aux) + positive_scalar(gamma, "gamma") ** 2
    return ScaleAndStart(k, np.zeros_like(k))


def probing(weights: Weights, X: ArrayLike, y: ArrayLike) -> FloatArray:
    """Predictor after linear probing: gradient flow on the second layer alone, first layer frozen.

    beta = beta0 + W X^T (X W X^T)^+ (y - X beta0) with W = diag(w_+^2 + w_-^2): the interpolator closest to beta0 in the
    norm weighted by 1/W; for inconsistent y the least-squares limit of the same flow.

    Parameters
    ----------
    weights : Weights
        Weights at the start of probing.
    X, y : arrays, shapes (n, D) and (n,)
        Main task.

    Notes
    -----
    Samples may depend on each other: singular values of X W^(1/2) below `normtheory.arrays.negligible` of the largest are 0.
    """
    X = matrix(X, "X")
    y = targets(y, "y", X.shape[0], "X")
    if X.shape[1] != weights.size:
        raise InputError(f"X has {X.shape[1]} columns, but the weights have {weights.size} inputs; make them equal")
    beta0 = DiagonalNetwork().effective_map(weights)
    lengths = np.hypot(weights.w_plus, weights.w_minus)
    features = X * lengths
    step, *_ = np.linalg.lstsq(features, y - X @ beta0, rcond=negligible(features))
    return np.asarray(beta0 + lengths * step)


def pathway_energies(weights: Weights) -> tuple[FloatArray, FloatArray]:
    """A = s_+^2 + d_-^2, which grows with eta, and B = d_+^2 + s_-^2, which shrinks; each (D,)."""
    grows = np.hypot(weights.w_plus + weights.v_plus, weights.w_minus - weights.v_minus) / 2
    shrinks = np.hypot(weights.w_plus - weights.v_plus, weights.w_minus + weights.v_minus) / 2
    return grows**2, shrinks**2
