"""Two-layer diagonal linear networks: the predictor they compute, gradients written by hand, and conserved quantities."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from normtheory.arrays import FloatArray, InputError, real_array, vector
from normtheory.networks.predictor_slope import PredictorSlope
from normtheory.networks.protocol import LeastSquares, Scale
from normtheory.reprs import shown
from normtheory.tasks import Task

PredictorMap = Callable[[FloatArray], FloatArray]
SIGNS = np.array([1.0, -1.0])  # of the pathways
FEW = 600  # weights whose Jacobian costs so little that an implicit method is worth considering


@shown()
@dataclass(frozen=True, eq=False)
class Weights:
    """Weights of a diagonal network: first layer w_plus, w_minus, each (D,); second layer v_plus, v_minus.

    The second layer has shape (D,) each for one output, (O, D) for O > 1 outputs. The paper writes w^(1) for w and w^(2) for
    v. `of` broadcasts scalars.
    """

    w_plus: FloatArray
    w_minus: FloatArray
    v_plus: FloatArray
    v_minus: FloatArray

    @staticmethod
    def of(
        size: int, w_plus: ArrayLike, w_minus: ArrayLike, v_plus: ArrayLike, v_minus: ArrayLike, outputs: int = 1
    ) -> Weights:
        """Weights for `size` inputs; scalars are spread over them, and over the outputs.

        Raises
        ------
        InputError
            If an array has the wrong shape or holds NaN or infinities.
        """
        first = (vector(value, name, size, "input") for name, value in {"w_plus": w_plus, "w_minus": w_minus}.items())
        named = {"v_plus": v_plus, "v_minus": v_minus}
        return Weights(*first, *(_second_layer(value, name, size, outputs) for name, value in named.items()))

    @staticmethod
    def constant(size: int, first: ArrayLike, second: ArrayLike | None = None, outputs: int = 1) -> Weights:
        """All first-layer weights equal to `first`, all second-layer weights to `second` (default: `first`)."""
        second = first if second is None else second
        return Weights.of(size, first, first, second, second, outputs)

    @property
    def size(self) -> int:
        """The number D of inputs."""
        return int(self.w_plus.size)

    @property
    def outputs(self) -> int:
        """The number O of outputs."""
        return 1 if self.v_plus.ndim == 1 else int(self.v_plus.shape[0])

    @property
    def network(self) -> DiagonalNetwork:
        """The network these are weights of."""
        return DiagonalNetwork(self.outputs)

    def named(self) -> dict[str, FloatArray]:
        """The four arrays by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def stacked(self) -> FloatArray:
        """A fresh array of shape (2 + 2 O, D), rows in the order of the fields: the state the flow integrates."""
        return np.vstack(list(self.named().values()))

    @staticmethod
    def unstacked(state: FloatArray) -> Weights:
        """Inverse of `stacked`; the arrays are copies."""
        outputs = len(state) // 2 - 1
        v_plus, v_minus = state[2 : 2 + outputs], state[2 + outputs :]
        layers = (state[0], state[1], v_plus[0], v_minus[0]) if outputs == 1 else (state[0], state[1], v_plus, v_minus)
        return Weights(*(layer.copy() for layer in layers))


def _second_layer(value: ArrayLike, name: str, size: int, outputs: int) -> FloatArray:
    if outputs == 1:
        return vector(value, name, size, "input")
    array = real_array(value, name)
    if array.ndim == 0:
        return np.full((outputs, size), float(array))
    if array.shape != (outputs, size):
        raise InputError(f"{name} has shape {array.shape}; give shape ({outputs}, {size}), a row per output")
    return array


@dataclass(frozen=True)
class DiagonalNetwork:
    """The two-layer diagonal linear network: beta_o = w_+ v_{+,o} - w_- v_{-,o}, f_o(x) = beta_o . x (Eqs. 1 and 4)."""

    outputs: int = 1

    def unstacked(self, state: FloatArray) -> Weights:
        """The weights that a state of shape (2 + 2 O, D) holds."""
        return Weights.unstacked(state)

    def effective_map(self, weights: Weights) -> FloatArray:
        """The linear predictor beta, shape (D,) for one output (Eq. 1), (O, D) for more (Eq. 4).

        Raises
        ------
        InputError
            If the weights are those of a network with another number of outputs.
        """
        if weights.outputs != self.outputs:
            raise InputError(f"the weights have {weights.outputs} outputs, but the network has {self.outputs}; make them equal")
        return effective_map(weights.stacked())

    def output(self, weights: Weights, X: FloatArray, task: int = 0) -> FloatArray:
        """Output number `task` for the rows of X, shape (n,), computed layer by layer as the network would."""
        v_plus, v_minus = np.atleast_2d(weights.v_plus)[task], np.atleast_2d(weights.v_minus)[task]
        return np.asarray((X * weights.w_plus) @ v_plus - (X * weights.w_minus) @ v_minus)

    def jacobian(self, weights: Weights, X: FloatArray, task: int = 0) -> FloatArray:
        """Derivative of output number `task` in the entries of the state, shape (n, (2 + 2 O) D)."""
        blocks = np.zeros((len(X), 2 + 2 * self.outputs, weights.size))
        blocks[:, 0] = X * np.atleast_2d(weights.v_plus)[task]
        blocks[:, 1] = -X * np.atleast_2d(weights.v_minus)[task]
        blocks[:, 2 + task] = X * weights.w_plus
        blocks[:, 2 + self.outputs + task] = -X * weights.w_minus
        return blocks.reshape(len(X), -1)

    def readout(self, weights: Weights) -> np.ndarray:
        """True for the entries of the state that belong to the second layer."""
        mask = np.ones((2 + 2 * self.outputs, weights.size), dtype=bool)
        mask[:2] = False
        return mask

    def least_squares(self, tasks: Sequence[Task], weights: Sequence[float]) -> LeastSquares:
        """The training loss."""
        slopes = [PredictorSlope(task, weight) for task, weight in zip(tasks, weights, strict=True)]

        def along(pulls: Sequence[PredictorMap], state: FloatArray) -> FloatArray:
            maps = _maps(state)
            for o, pull in enumerate(pulls):
                maps[o] = pull(maps[o])
            return weight_gradient(state, maps)

        def nearby(start: FloatArray) -> Callable[[FloatArray], FloatArray]:
            return partial(along, [slope.near(beta) for slope, beta in zip(slopes, _maps(start), strict=True)])

        def loss(state: FloatArray) -> float:
            maps = _maps(state)
            residuals = (task.X @ beta - task.y for task, beta in zip(tasks, maps, strict=True))
            return float(sum(w * (r @ r) / r.size for w, r in zip(weights, residuals, strict=True)))

        few, large = (2 + 2 * self.outputs) * tasks[0].inputs <= FEW, any(slope.large for slope in slopes)
        jacobian = _jacobian_of(tasks, weights, slopes) if few else None
        return LeastSquares(partial(along, slopes), loss, jacobian, nearby if large else None)

    def conserved(self, weights: Weights) -> dict[str, FloatArray]:
        """What gradient flow leaves unchanged, per coordinate.

        One output: four products, three of them independent. More outputs: w^2 - |v|^2 of each pathway, with the sum over
        the outputs, and w_+ w_- + v_+ . v_-, which couples the two.
        """
        if self.outputs == 1:
            s_plus, d_plus = (weights.w_plus + weights.v_plus) / 2, (weights.w_plus - weights.v_plus) / 2
            s_minus, d_minus = (weights.w_minus + weights.v_minus) / 2, (weights.w_minus - weights.v_minus) / 2
            return {
                "w_plus^2 - v_plus^2": 4 * s_plus * d_plus,
                "w_minus^2 - v_minus^2": 4 * s_minus * d_minus,
                "s_plus s_minus": s_plus * s_minus,
                "d_plus d_minus": d_plus * d_minus,
            }
        return {
            "w_plus^2 - |v_plus|^2": weights.w_plus**2 - np.sum(weights.v_plus**2, axis=0),
            "w_minus^2 - |v_minus|^2": weights.w_minus**2 - np.sum(weights.v_minus**2, axis=0),
            "w_plus w_minus + v_plus . v_minus": weights.w_plus * weights.w_minus
            + np.sum(weights.v_plus * weights.v_minus, axis=0),
        }

    def energy(self, weights: Weights) -> FloatArray:
        """Half the sum of the squared weights of each coordinate, shape (D,)."""
        return np.asarray(np.sum(weights.stacked() ** 2, axis=0) / 2)

    def scales(self, weights: Weights) -> dict[str, Scale]:
        """The energy, for every conserved quantity."""
        return dict.fromkeys(self.conserved(weights), Scale(self.energy(weights), 2.0))


def effective_map(state: FloatArray) -> FloatArray:
    """beta of a state of shape (2 + 2 O, D): (D,) for one output (Eq. 1), (O, D) for more (Eq. 4)."""
    maps = _maps(state)
    return maps if len(maps) > 1 else np.asarray(maps[0])


def weight_gradient(state: FloatArray, map_gradient: FloatArray) -> FloatArray:
    """Chain rule through Eqs. 1 and 4 on a state of shape (2 + 2 O, D); the gradient in beta has the shape of beta."""
    pathways = _pathways(state)
    gradient = np.empty_like(state)
    pulls = np.multiply.outer(SIGNS, map_gradient).reshape(pathways.shape)
    np.multiply(pulls, state[:2, None], out=_pathways(gradient))
    np.add.reduce(np.multiply(pulls, pathways, out=pulls), axis=1, out=gradient[:2])
    return gradient


def _maps(state: FloatArray) -> FloatArray:
    """beta of every output, also of one, in a fresh array (O, D)."""
    products = _pathways(state) * state[:2, None]
    return np.asarray(products[0] - products[1])


def _pathways(state: FloatArray) -> FloatArray:
    """The second layer of a state as it lies there, (2, O, D): positive and negative pathway."""
    return state[2:].reshape(2, len(state) // 2 - 1, *state.shape[1:])


def _jacobian_of(
    tasks: Sequence[Task], weights: Sequence[float], slopes: Sequence[PredictorMap]
) -> Callable[[FloatArray], FloatArray]:
    """A function from a state to the Jacobian of the slope, of as many rows as the state has entries.

    With B_o the derivatives of beta_o in the weights and A_o its curvature it is -sum_o B_o^T A_o B_o, and what turns B_o.
    """
    curvatures = [2 * weight / task.samples * task.gram for task, weight in zip(tasks, weights, strict=True)]

    def jacobian(state: FloatArray) -> FloatArray:
        rows, inputs = state.shape
        whole, every = np.zeros((rows, inputs, rows, inputs)), np.arange(inputs)
        maps = _maps(state)
        for o, (curvature, slope, beta) in enumerate(zip(curvatures, slopes, maps, strict=True)):
            plus, minus, pull = 2 + o, 2 + len(tasks) + o, slope(beta)
            slants = np.zeros_like(state)
            slants[[0, 1, plus, minus]] = state[plus], -state[minus], state[0], -state[1]
            whole -= slants[:, :, None, None] * curvature[:, None, :] * slants
            for first, second, sign in ((0, plus, 1), (1, minus, -1)):
                whole[first, every, second, every] += sign * pull
                whole[second, every, first, every] += sign * pull
        return whole.reshape(state.size, state.size)

    return jacobian
