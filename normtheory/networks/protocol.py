"""What the flow and the protocols need of a network and of its weights.

A network is trained on one task per output: output o is fitted to the targets of task o, on that task's inputs. The gradient
flow works on a *state*, one array that holds all weights: (2 + 2 O, D) for the diagonal network, (H, D + O) for the ReLU
network, a row per hidden unit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from normtheory.arrays import FloatArray
from normtheory.tasks import Task


@dataclass(frozen=True, eq=False)
class LeastSquares:
    """The training loss of a network as a function of its state: sum over tasks o of weight_o times mean squared error_o.

    Attributes
    ----------
    slope : callable
        State to minus the gradient of the loss: the vector field of gradient flow.
    loss : callable
        State to the loss.
    jacobian : callable or None
        State to the derivatives of the slope's entries in the state's, both flattened, where that is a small matrix.
    nearby : callable or None
        State to a cheaper vector field: the slope there, and elsewhere the slope but for single precision of what has changed.
    """

    slope: Callable[[FloatArray], FloatArray]
    loss: Callable[[FloatArray], float]
    jacobian: Callable[[FloatArray], FloatArray] | None = None
    nearby: Callable[[FloatArray], Callable[[FloatArray], FloatArray]] | None = None


class Scale(NamedTuple):
    """What a conserved quantity is measured by.

    Attributes
    ----------
    size : array
        The size of what it is made of, in its own units: the scale of its round-off.
    degree : float
        In the weights: under weight decay it decays as exp(-2 decay degree t). NaN: it is not homogeneous, and does not.
    """

    size: FloatArray
    degree: float


class AnyWeights(Protocol):
    """The weights of a network, of whatever kind."""

    @property
    def size(self) -> int:
        """The number D of inputs."""
        ...

    @property
    def outputs(self) -> int:
        """The number O of outputs."""
        ...

    @property
    def network(self) -> Network[Any]:
        """The network these are weights of."""
        ...

    def named(self) -> dict[str, FloatArray]:
        """The arrays by name."""
        ...

    def stacked(self) -> FloatArray:
        """A fresh array that holds all of them: the state the flow integrates."""
        ...


W = TypeVar("W", bound=AnyWeights)  # the kind of weights of one network


class Network(Protocol[W]):
    """What the flow and the protocols need of a network."""

    @property
    def outputs(self) -> int:
        """The number O of outputs."""
        ...

    def unstacked(self, state: FloatArray) -> W:
        """The weights that a state holds."""
        ...

    def output(self, weights: W, X: FloatArray, task: int = 0) -> FloatArray:
        """Output number `task` for the rows of X, shape (n,)."""
        ...

    def jacobian(self, weights: W, X: FloatArray, task: int = 0) -> FloatArray:
        """Derivative of that output in the entries of the state, shape (n, entries)."""
        ...

    def readout(self, weights: W) -> NDArray[np.bool_]:
        """True for the entries of the state that belong to the second layer, in the shape of the state."""
        ...

    def least_squares(self, tasks: Sequence[Task], weights: Sequence[float]) -> LeastSquares:
        """The training loss."""
        ...

    def conserved(self, weights: W) -> dict[str, FloatArray]:
        """What gradient flow of any loss leaves unchanged, by name."""
        ...

    def scales(self, weights: W) -> dict[str, Scale]:
        """What each conserved quantity is measured by, by its name."""
        ...
