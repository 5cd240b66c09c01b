"""ReLU networks of one hidden layer: output, gradient written by hand, and what gradient flow conserves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from normtheory.arrays import FloatArray, InputError, matrix, positive_scalar
from normtheory.networks.protocol import LeastSquares, Scale
from normtheory.reprs import shown
from normtheory.tasks import Task


@shown()
@dataclass(frozen=True, eq=False)
class ReLUWeights:
    """Weights of a ReLU network: hidden (H, D), a row per unit, and readout (O, H), a row per output."""

    hidden: FloatArray
    readout: FloatArray

    @staticmethod
    def of(hidden: ArrayLike, readout: ArrayLike) -> ReLUWeights:
        """Checked weights.

        Raises
        ------
        InputError
            If an array is malformed or their shapes do not belong together.
        """
        first, second = matrix(hidden, "hidden"), matrix(readout, "readout")
        if second.shape[1] != first.shape[0]:
            raise InputError(
                f"readout has {second.shape[1]} columns, but hidden has {first.shape[0]} rows; both need one per unit"
            )
        return ReLUWeights(first, second)

    @staticmethod
    def random(inputs: int, width: int, scale: float, outputs: int = 1, seed: int = 0) -> ReLUWeights:
        """Independent normal weights of standard deviations scale sqrt(2/D) (hidden) and scale sqrt(2/H) (readout)."""
        draw = np.random.default_rng(np.random.SeedSequence((seed, inputs, width)))
        hidden = positive_scalar(scale, "scale") * np.sqrt(2 / inputs) * draw.standard_normal((width, inputs))
        return ReLUWeights(hidden, random_readout(width, scale, outputs, seed))

    @property
    def size(self) -> int:
        """The number D of inputs."""
        return int(self.hidden.shape[1])

    @property
    def outputs(self) -> int:
        """The number O of outputs."""
        return int(self.readout.shape[0])

    @property
    def network(self) -> ReLUNetwork:
        """The network these are weights of."""
        return ReLUNetwork(self.outputs)

    def named(self) -> dict[str, FloatArray]:
        """The two arrays by name."""
        return {"hidden": self.hidden, "readout": self.readout}

    def stacked(self) -> FloatArray:
        """A fresh array of shape (H, D + O), a row per unit: the state the flow integrates."""
        return np.hstack([self.hidden, self.readout.T])


def random_readout(width: int, scale: float, outputs: int = 1, seed: int = 0) -> FloatArray:
    """A readout (O, H) of independent normal entries of standard deviation scale sqrt(2/H)."""
    draw = np.random.default_rng(np.random.SeedSequence((seed, width, outputs), spawn_key=(1,)))
    return np.asarray(positive_scalar(scale, "scale") * np.sqrt(2 / width) * draw.standard_normal((outputs, width)))


@dataclass(frozen=True)
class ReLUNetwork:
    """One hidden layer of ReLU units without biases: f_o(x) = sum_h v_{o,h} (w_h . x)_+ (Eq. 29). The slope at a kink is 0."""

    outputs: int = 1

    def unstacked(self, state: FloatArray) -> ReLUWeights:
        """The weights that a state of shape (H, D + O) holds."""
        inputs = state.shape[1] - self.outputs
        return ReLUWeights(state[:, :inputs].copy(), state[:, inputs:].T.copy())

    def output(self, weights: ReLUWeights, X: FloatArray, task: int = 0) -> FloatArray:
        """Output number `task` for the rows of X, shape (n,)."""
        return np.asarray(np.maximum(X @ weights.hidden.T, 0) @ weights.readout[task])

    def jacobian(self, weights: ReLUWeights, X: FloatArray, task: int = 0) -> FloatArray:
        """Derivative of output number `task` in the entries of the state, shape (n, H (D + O))."""
        drive = X @ weights.hidden.T
        blocks = np.zeros((len(X), *weights.hidden.shape[:1], weights.size + self.outputs))
        blocks[:, :, : weights.size] = ((drive > 0) * weights.readout[task])[:, :, None] * X[:, None, :]
        blocks[:, :, weights.size + task] = np.maximum(drive, 0)
        return blocks.reshape(len(X), -1)

    def readout(self, weights: ReLUWeights) -> np.ndarray:
        """True for the entries of the state that belong to the second layer."""
        mask = np.ones(weights.stacked().shape, dtype=bool)
        mask[:, : weights.size] = False
        return mask

    def least_squares(self, tasks: Sequence[Task], weights: Sequence[float]) -> LeastSquares:
        """The training loss; both functions share one array of activations a task, and are not to be called at once."""
        parts = tuple(
            (weight, _HiddenLayer(task), o) for task, weight, o in zip(tasks, weights, range(self.outputs), strict=True)
        )

        def slope(state: FloatArray) -> FloatArray:
            hidden, readouts = _layers(state, self.outputs)
            gradient = np.zeros_like(state)
            for weight, layer, o in parts:
                residual = layer.residual(hidden, readouts[o])
                pull = layer.pull(-2 * weight / residual.size * residual)
                gradient[:, : hidden.shape[1]] += pull * readouts[o][:, None]
                gradient[:, hidden.shape[1] + o] = np.einsum("hd,hd->h", pull, hidden)
            return gradient

        def loss(state: FloatArray) -> float:
            hidden, readouts = _layers(state, self.outputs)
            residuals = ((weight, layer.residual(hidden, readouts[o])) for weight, layer, o in parts)
            return float(sum(weight * (r @ r) / r.size for weight, r in residuals))

        return LeastSquares(slope, loss)

    def conserved(self, weights: ReLUWeights) -> dict[str, FloatArray]:
        """What gradient flow leaves unchanged, per hidden unit: ||w_h||^2 - ||v_h||^2, shape (H,)."""
        norms = np.sum(weights.hidden**2, axis=1), np.sum(weights.readout**2, axis=0)
        return {"|w_h|^2 - |v_h|^2": norms[0] - norms[1]}

    def energy(self, weights: ReLUWeights) -> FloatArray:
        """Half the sum of the squared weights of each unit, shape (H,)."""
        return np.asarray(np.sum(weights.stacked() ** 2, axis=1) / 2)

    def scales(self, weights: ReLUWeights) -> dict[str, Scale]:
        """The energy, for the one conserved quantity."""
        return dict.fromkeys(self.conserved(weights), Scale(self.energy(weights), 2.0))


def _layers(state: FloatArray, outputs: int) -> tuple[FloatArray, FloatArray]:
    """Hidden weights (H, D) and readouts (O, H) of a state, each contiguous."""
    inputs = state.shape[1] - outputs
    return np.ascontiguousarray(state[:, :inputs]), np.ascontiguousarray(state[:, inputs:].T)


class _HiddenLayer:
    """Activations of all units on a task's inputs, (H, n), in one array that is kept from call to call.

    They are the bulk of the work's memory, and go through it in blocks of units that a cache holds.
    """

    BLOCK = 1 << 18  # entries of a block

    def __init__(self, task: Task) -> None:
        self._X, self._columns, self._y = task.X, np.ascontiguousarray(task.X.T), task.y
        self._active = np.empty((0, task.samples))

    def _blocks(self) -> Iterator[slice]:
        units = max(1, self.BLOCK // self._y.size)
        return (slice(first, first + units) for first in range(0, len(self._active), units))

    def residual(self, hidden: FloatArray, readout: FloatArray) -> FloatArray:
        """Output less targets, (n,); the activations stay for `pull`."""
        if len(self._active) != len(hidden):
            self._active = np.empty((len(hidden), self._y.size))
        output = np.zeros_like(self._y)
        for units in self._blocks():
            block = self._active[units]
            np.dot(hidden[units], self._columns, out=block)
            np.maximum(block, 0, out=block)
            output += readout[units] @ block
        return output - self._y

    def pull(self, residual: FloatArray) -> FloatArray:
        """sum_i residual_i 1[w_h . x_i > 0] x_i for every unit h, (H, D); it uses the activations up."""
        pulls, rows = np.empty((len(self._active), self._X.shape[1])), self._X * residual[:, None]
        for units in self._blocks():
            block = self._active[units]
            np.greater(block, 0, out=block, casting="unsafe")
            np.dot(block, rows, out=pulls[units])
        return pulls
