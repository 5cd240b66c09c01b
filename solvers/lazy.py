"""The lazy limit, exactly: a network linearised at its weights, and linear probing, in which the network is linear itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from normtheory.arrays import FloatArray, InputError, negligible
from normtheory.machine import blas_threads
from normtheory.networks import AnyWeights, Network
from normtheory.reprs import shown
from normtheory.solvers.flow import Layers
from normtheory.tasks import Task


@shown()
@dataclass(frozen=True, eq=False)
class Linearised:
    """A network linearised at its weights, after training its linear model to the least-norm solution.

    Attributes
    ----------
    weights : Weights or ReLUWeights
        Where it is linearised.
    change : array
        The change of the state, of least norm among those that fit the tasks best.
    """

    weights: AnyWeights
    change: FloatArray

    def output(self, X: FloatArray, task: int = 0) -> FloatArray:
        """Output number `task` of the linear model for the rows of X, shape (n,)."""
        network = self.weights.network
        change = network.jacobian(self.weights, X, task) @ self.change.ravel()
        return np.asarray(network.output(self.weights, X, task) + change)

    def beta(self, task: int = 0) -> FloatArray:
        """Predictor of the linear model of a diagonal network, shape (D,)."""
        return self.output(np.eye(self.weights.size), task)


def probed(tasks: Sequence[Task], start: AnyWeights) -> AnyWeights:
    """The weights at the end of linear probing from `start`, in closed form (the output is linear in the readout)."""
    change = linearised(tasks, start, layers="readout").change
    network: Network[AnyWeights] = start.network
    return network.unstacked(start.stacked() + change)


def linearised(tasks: Sequence[Task], weights: AnyWeights, *, layers: Layers = "all") -> Linearised:
    """The lazy limit, exactly: tangent-kernel regression at `weights`, one task per output.

    Gradient flow of the network's linear model ends at the change of weights of least norm that fits the tasks best,
    J^T (J J^T)^+ (y - f), with J the Jacobian of all outputs on all samples.

    Parameters
    ----------
    tasks : sequence of Task
    weights : Weights or ReLUWeights
    layers : "all" or "readout"
        What may change; with "readout" the linear model is the network itself.

    Raises
    ------
    InputError
        If tasks and weights do not fit together.
    """
    network = weights.network
    if len(tasks) != network.outputs or any(task.inputs != weights.size for task in tasks):
        raise InputError(f"{len(tasks)} tasks for {network.outputs} outputs of {weights.size} inputs; give one task per output")
    jacobian = np.vstack([network.jacobian(weights, task.X, o) for o, task in enumerate(tasks)])
    residual = np.concatenate([task.y - network.output(weights, task.X, o) for o, task in enumerate(tasks)])
    shape = weights.stacked().shape
    if layers == "readout":
        jacobian = jacobian * network.readout(weights).ravel()
    with blas_threads(float(len(jacobian)) * jacobian.size):
        return Linearised(weights, _least_norm(jacobian, residual).reshape(shape))


def _least_norm(matrix: FloatArray, right: FloatArray) -> FloatArray:
    """The least-norm least-squares solution of a wide system, by its Gram matrix, refined once."""
    gram = matrix @ matrix.T
    values, vectors = np.linalg.eigh(gram)
    kept = values > negligible(gram) * values[-1]
    basis, inverse = vectors[:, kept], 1 / values[kept]

    def solve(residual: FloatArray) -> FloatArray:
        return np.asarray(matrix.T @ (basis @ (inverse * (basis.T @ residual))))

    solution = solve(right)
    return solution + solve(right - matrix @ solution)
