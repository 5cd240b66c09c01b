"""The networks of the paper as maps from weights to linear predictors, with their gradients and conserved quantities."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike

from normtheory.arrays import FloatArray, vector


@dataclass(frozen=True, eq=False)
class Weights:
    """Weights of a single-output diagonal network: first layer w_plus, w_minus, second layer v_plus, v_minus, each (D,).

    The paper writes w^(1) for w and w^(2) for v. `of` broadcasts scalars; iterating yields the four arrays in this order.
    """

    w_plus: FloatArray
    w_minus: FloatArray
    v_plus: FloatArray
    v_minus: FloatArray

    @staticmethod
    def of(size: int, w_plus: ArrayLike, w_minus: ArrayLike, v_plus: ArrayLike, v_minus: ArrayLike) -> Weights:
        """Weights for `size` inputs; scalars are spread over them.

        Raises
        ------
        InputError
            If an array has the wrong shape or holds NaN or infinities.
        """
        given = {"w_plus": w_plus, "w_minus": w_minus, "v_plus": v_plus, "v_minus": v_minus}
        return Weights(**{name: vector(value, name, size, "input") for name, value in given.items()})

    @staticmethod
    def constant(size: int, first: ArrayLike, second: ArrayLike | None = None) -> Weights:
        """All first-layer weights equal to `first`, all second-layer weights to `second` (default: `first`)."""
        second = first if second is None else second
        return Weights.of(size, first, first, second, second)

    @property
    def size(self) -> int:
        """The number D of inputs."""
        return int(self.w_plus.size)

    def named(self) -> dict[str, FloatArray]:
        """The four arrays by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def stacked(self) -> FloatArray:
        """A fresh array of shape (4, D), rows in the order of the fields: the state the flow integrates."""
        return np.stack(list(self.named().values()))

    @staticmethod
    def unstacked(state: FloatArray) -> Weights:
        """Inverse of `stacked`; the arrays are copies."""
        return Weights(*(row.copy() for row in state))


@dataclass(frozen=True)
class DiagonalNetwork:
    """The two-layer diagonal linear network with one output, Eq. 1: beta = w_+ v_+ - w_- v_-, f(x) = beta . x."""

    def effective_map(self, weights: Weights) -> FloatArray:
        """The linear predictor beta, shape (D,) (Eq. 1)."""
        return effective_map(weights.stacked())

    def output(self, weights: Weights, X: FloatArray) -> FloatArray:
        """Network outputs for the rows of X, shape (n,), computed layer by layer as the network would."""
        plus = (X * weights.w_plus) @ weights.v_plus
        minus = (X * weights.w_minus) @ weights.v_minus
        return np.asarray(plus - minus)

    def weight_gradient(self, weights: Weights, map_gradient: FloatArray) -> Weights:
        """Gradient of a loss in the weights, given its gradient in beta, shape (D,) (chain rule through Eq. 1)."""
        return Weights.unstacked(weight_gradient(weights.stacked(), map_gradient))

    def conserved(self, weights: Weights) -> dict[str, FloatArray]:
        """What gradient flow leaves unchanged, per coordinate (theory of one output): four products, three independent."""
        s_plus, d_plus = (weights.w_plus + weights.v_plus) / 2, (weights.w_plus - weights.v_plus) / 2
        s_minus, d_minus = (weights.w_minus + weights.v_minus) / 2, (weights.w_minus - weights.v_minus) / 2
        return {
            "w_plus^2 - v_plus^2": 4 * s_plus * d_plus,
            "w_minus^2 - v_minus^2": 4 * s_minus * d_minus,
            "s_plus s_minus": s_plus * s_minus,
            "d_plus d_minus": d_plus * d_minus,
        }


def effective_map(state: FloatArray) -> FloatArray:
    """beta, shape (D,), of a stacked (4, D) state (Eq. 1)."""
    w_plus, w_minus, v_plus, v_minus = state
    return np.asarray(w_plus * v_plus - w_minus * v_minus)


def weight_gradient(state: FloatArray, map_gradient: FloatArray) -> FloatArray:
    """Chain rule through Eq. 1 on a stacked (4, D) state, shape (4, D)."""
    w_plus, w_minus, v_plus, v_minus = state
    return np.stack([map_gradient * v_plus, -map_gradient * v_minus, map_gradient * w_plus, -map_gradient * w_minus])
