"""ReLU networks of one hidden layer: output, gradient written by hand, and what gradient flow conserves."""

from __future__ import annotations

from collections.abc import Sequence
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
        """The training loss. All units' pulls of a task are one product: sum_i r_i 1[w_h . x_i > 0] x_i for every h."""
        parts = tuple(zip(tasks, weights, range(self.outputs), strict=True))

        def slope(state: FloatArray) -> FloatArray:
            inputs = state.shape[1] - self.outputs
            hidden, readout, gradient = state[:, :inputs], state[:, inputs:], np.zeros_like(state)
            for task, weight, o in parts:
                active = task.X @ hidden.T
                np.maximum(active, 0, out=active)
                residual = active @ readout[:, o] - task.y
                pull = (active > 0).astype(np.float64).T @ (task.X * (-2 * weight / task.samples * residual)[:, None])
                gradient[:, :inputs] += pull * readout[:, o, None]
                gradient[:, inputs + o] = np.einsum("hd,hd->h", pull, hidden)
            return gradient

        def loss(state: FloatArray) -> float:
            net = self.unstacked(state)
            residuals = (self.output(net, task.X, o) - task.y for task, _, o in parts)
            return float(sum(w * (r @ r) / r.size for w, r in zip(weights, residuals, strict=True)))

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
