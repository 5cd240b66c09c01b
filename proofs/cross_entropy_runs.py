"""Runs behind the claims on cross-entropy: gradient flows on separable data, to norms that no training reaches, and programs.

Cross-entropy has no minimum, so that only directions have limits. Flow of log L runs along the path of flow of L, only faster
(the gradients are parallel); here time is the sum of the multipliers nu_i, the integrals of the samples' slopes. Margins are
exact to round-off, which at the norm 1e10 is 1e-6: samples are weighed truly. Problems are the first so many draws; none is
left out (there are fewer samples than inputs, so that all are separable).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial

import numpy as np

from normtheory import exact
from normtheory.arrays import FloatArray
from normtheory.proofs.group_norms import GroupNorm

INPUTS, SAMPLES = 8, 3  # samples of each task
RTOL = 1e-9  # of weights or multipliers; samples are weighed by margins, and the more accurately the fewer steps are rejected
MOST_STEPS = 50_000
L12 = GroupNorm()
FAR = 1.1  # times the least norm: a ReLU network that ends above has not found it


@dataclass(frozen=True)
class Point:
    """Where a flow has come to.

    Attributes
    ----------
    beta : array, shape (O, D)
    half : float
        Half the sum of all squared weights.
    margin : float
        The smoothed margin -log(e^L - 1), at most the least margin.
    multipliers : array, shape (n,)
        Integrals of the samples' slopes, task by task.
    """

    beta: FloatArray
    half: float
    margin: float
    multipliers: FloatArray

    @property
    def direction(self) -> FloatArray:
        """Of l1 norm 1."""
        return np.asarray(self.beta / np.abs(self.beta).sum())


def smoothed_margin(margins: FloatArray) -> float:
    """-log(e^L - 1) of the summed loss L."""
    loss = float(np.logaddexp(0.0, -margins).sum())
    least = float(margins.min())
    if least > 30:  # there L is the sum of e^-m, to the last digit
        return least - float(np.log(np.exp(least - margins).sum()))
    return -float(np.log(np.expm1(loss)))


def _weights_of(margins: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The samples' shares of the slope, and minus their logarithmic derivatives in the margins, before normalisation."""
    logarithms = -np.logaddexp(0.0, margins)
    slopes = np.exp(logarithms - logarithms.max())
    return slopes / slopes.sum(), np.exp(-np.logaddexp(0.0, -margins))


def _centred(shares: FloatArray, falls: FloatArray, of_margins: FloatArray) -> FloatArray:
    """Derivatives of the shares, given those of the margins, (n, unknowns)."""
    raw = -(shares * falls)[:, None] * of_margins
    return np.asarray(raw - shares[:, None] * raw.sum(axis=0))


def _followed(
    field: Callable[[float, FloatArray], FloatArray],
    jacobian: Callable[[float, FloatArray], FloatArray],
    start: FloatArray,
    read: Callable[[FloatArray], Point],
    norms: tuple[float, ...],
    smallest: float = 1.0,
) -> tuple[Point, ...]:
    """Follow a stiff flow by backward differentiation; where the l1 norm first reaches each of `norms`."""
    from scipy.integrate import BDF
    from scipy.optimize import brentq

    flow = BDF(field, 0.0, start, 1e9, rtol=RTOL, atol=RTOL * smallest, jac=jacobian)
    found: list[Point] = []
    with np.errstate(all="ignore"):  # trial steps that overflow are rejected
        for _ in range(MOST_STEPS):
            flow.step()
            if flow.status != "running":
                raise RuntimeError(f"the flow stopped at norm {np.abs(read(flow.y).beta).sum():.1e}")
            at = flow.dense_output()
            while len(found) < len(norms) and _excess(np.asarray, read, norms[len(found)], flow.y) >= 0:
                beyond = partial(_excess, at, read, norms[len(found)])
                time = flow.t if beyond(flow.t_old) >= 0 else brentq(beyond, flow.t_old, flow.t, xtol=1e-14)
                found.append(read(at(time)))
            if len(found) == len(norms):
                return tuple(found)
    raise RuntimeError(f"{MOST_STEPS} steps were not enough")


def _excess(at: Callable[..., FloatArray], read: Callable[[FloatArray], Point], norm: float, time: float | FloatArray) -> float:
    """Logarithm of the l1 norm over a given one; bounded, as the norm may start from 0."""
    return float(np.log(max(np.abs(read(at(time)).beta).sum() / norm, 1e-300)))


def one_output(signed: FloatArray, k: FloatArray, start: FloatArray, norms: tuple[float, ...]) -> tuple[Point, ...]:
    """A one-output network from any scale and start, on its orbit beta = k sinh(arcsinh(start/k) + 2 X^T nu) (Eq. 20).

    Each multiplier nu_i grows at the share of its sample in the slope.
    """
    offset = np.arcsinh(start / k)

    def angle(nu: FloatArray) -> FloatArray:
        return np.asarray(offset + 2 * (nu @ signed))

    def field(_: float, nu: FloatArray) -> FloatArray:
        return _weights_of(signed @ (k * np.sinh(angle(nu))))[0]

    def jacobian(_: float, nu: FloatArray) -> FloatArray:
        shares, falls = _weights_of(signed @ (k * np.sinh(angle(nu))))
        return _centred(shares, falls, 2 * (signed * (k * np.cosh(angle(nu)))) @ signed.T)

    def read(nu: FloatArray) -> Point:
        beta = k * np.sinh(angle(nu))
        return Point(beta[None], float((k * np.cosh(angle(nu))).sum()), smoothed_margin(signed @ beta), nu)

    return _followed(field, jacobian, np.zeros(len(signed)), read, norms)


def two_outputs(tasks: tuple[FloatArray, FloatArray], alpha: float, norms: tuple[float, ...]) -> tuple[Point, ...]:
    """A two-output network trained on both tasks from constant weights alpha; the multipliers are carried along."""
    X, task = np.vstack(tasks), np.repeat([0, 1], [len(each) for each in tasks])
    samples, inputs = X.shape
    size, rows, columns = 6 * inputs, np.arange(samples), np.arange(inputs)

    def read_weights(y: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        state = y[:size].reshape(6, inputs)
        beta = state[2:4] * state[0] - state[4:6] * state[1]
        return state, beta, (X * beta[task]).sum(axis=1)

    def pulled(shares: FloatArray) -> FloatArray:
        return np.stack([shares[task == o] @ X[task == o] for o in (0, 1)])

    def field(_: float, y: FloatArray) -> FloatArray:
        state, _beta, margins = read_weights(y)
        shares = _weights_of(margins)[0]
        pull = pulled(shares)
        first = (pull * state[2:4]).sum(axis=0), -(pull * state[4:6]).sum(axis=0)
        return np.concatenate([*first, (pull * state[0]).ravel(), (-pull * state[1]).ravel(), shares])

    def jacobian(_: float, y: FloatArray) -> FloatArray:
        state, _beta, margins = read_weights(y)
        shares, falls = _weights_of(margins)
        of_margins = np.zeros((samples, 6, inputs))
        of_margins[:, 0], of_margins[:, 1] = X * state[2 + task], -X * state[4 + task]
        of_margins[rows, 2 + task], of_margins[rows, 4 + task] = X * state[0], -X * state[1]
        flat = of_margins.reshape(samples, size)
        of_shares, pull = _centred(shares, falls, flat), pulled(shares)
        found = np.zeros((size + samples, size + samples))
        found[:size, :size], found[size:, :size] = flat.T @ of_shares, of_shares
        for o in (0, 1):
            for first, second, sign in ((0, 2 + o, 1), (1, 4 + o, -1)):
                a, b = first * inputs + columns, second * inputs + columns
                found[a, b] += sign * pull[o]
                found[b, a] += sign * pull[o]
        return found

    def read(y: FloatArray) -> Point:
        state, beta, margins = read_weights(y)
        return Point(beta, float((state**2).sum()) / 2, smoothed_margin(margins), y[size:].copy())

    start = np.concatenate([np.full(size, alpha), np.zeros(samples)])
    return _followed(field, jacobian, start, read, norms, alpha)


@cache
def two_tasks(seed: int) -> tuple[FloatArray, FloatArray]:
    """Signed samples y_i x_i of a random main and a random auxiliary task, each (n, D)."""
    draw = np.random.default_rng(np.random.SeedSequence((2, INPUTS, SAMPLES, seed)))
    return draw.standard_normal((SAMPLES, INPUTS)), draw.standard_normal((SAMPLES, INPUTS))


@cache
def one_task(seed: int) -> FloatArray:
    """Signed samples of a random task, (n, D)."""
    return np.random.default_rng(np.random.SeedSequence((INPUTS, SAMPLES, seed))).standard_normal((SAMPLES, INPUTS))


@cache
def two_task_path(seed: int, alpha: float, norms: tuple[float, ...]) -> tuple[Point, ...]:
    """`two_outputs` on a problem."""
    return two_outputs(two_tasks(seed), alpha, norms)


@cache
def single_path(seed: int, alpha: float, norms: tuple[float, ...]) -> tuple[Point, ...]:
    """Single-task training from constant weights alpha."""
    return one_output(one_task(seed), np.full(INPUTS, 2 * alpha**2), np.zeros(INPUTS), norms)


def scale_and_start(seed: int, alpha: float) -> tuple[FloatArray, FloatArray]:
    """The exact ones of finetuning after pretraining from alpha to a random auxiliary predictor, with gamma = alpha."""
    beta_aux = np.random.default_rng(np.random.SeedSequence((3, seed))).standard_normal(INPUTS)
    k, start = exact.finetuning(beta_aux, alpha, alpha)
    return np.asarray(k), np.asarray(start)


@cache
def finetuned_path(seed: int, alpha: float, norms: tuple[float, ...]) -> tuple[Point, ...]:
    """Finetuning on the same task."""
    return one_output(one_task(seed), *scale_and_start(seed, alpha), norms)


@cache
def least(seed: int, norm: GroupNorm, outputs: int) -> float:
    """The least norm of predictors with margin 1 on every sample of a problem."""
    signed = two_tasks(seed) if outputs == 2 else (one_task(seed),)
    return norm.value(norm.with_margins(signed))


def excess(point: Point, seed: int, norm: GroupNorm = L12) -> float:
    """How far the norm in units of the smoothed margin lies above the least there is, relative."""
    return norm.value(point.beta) / point.margin / least(seed, norm, len(point.beta)) - 1


def distance(a: FloatArray, b: FloatArray) -> float:
    """Distance of two directions in the l1 norm, between 0 and 2."""
    return float(np.abs(a - b).sum())


@cache
def relu_ends(width: int, angle: float, starts: int) -> float:
    """Share of the ReLU networks that fit two inputs at an angle, for two tasks, and end far above the least norm.

    By small steps of gradient descent on log L from weights of standard deviation 0.1; the least is that of two units. What
    is seen is a factor between 1 and 2, so that steps and norms need be no more accurate than a tenth.
    """
    draw = np.random.default_rng(np.random.SeedSequence((width, starts)))
    X = np.array([[1.0, 0.0], [np.cos(angle), np.sin(angle)]])
    hidden, readout = 0.1 * draw.standard_normal((starts, width, 2)), 0.1 * draw.standard_normal((starts, 2, width))
    for _ in range(3000):
        signals = hidden @ X.T
        seen = signals > 0
        margins = readout @ (signals * seen)
        slopes = -np.logaddexp(0.0, margins)
        shares = np.exp(slopes - slopes.max(axis=(1, 2), keepdims=True))
        shares /= shares.sum(axis=(1, 2), keepdims=True)
        half = ((hidden**2).sum(axis=(1, 2)) + (readout**2).sum(axis=(1, 2))) / 2
        step = (0.1 / np.maximum(half, 1.0))[:, None, None]
        back = (readout.transpose(0, 2, 1) @ shares) * seen
        hidden, readout = hidden + step * (back @ X), readout + step * (shares @ (signals * seen).transpose(0, 2, 1))
    least_margins = margins.min(axis=(1, 2))
    fits = least_margins > 0
    lengths = (np.linalg.norm(readout, axis=1) * np.linalg.norm(hidden, axis=2)).sum(axis=1)
    return float(np.mean(lengths[fits] / least_margins[fits] > FAR * 2 * np.sqrt(2)))
