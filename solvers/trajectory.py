"""What a followed flow leaves behind: its trajectory, and the state from which it can go on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Generic, Literal

from numpy.typing import ArrayLike

from normtheory.arrays import FloatArray, InputError
from normtheory.networks import AnyWeights, ParametrisedWeights, W, Weights
from normtheory.reprs import shown
from normtheory.solvers.chebyshev import Memory, Statistics

Event = Literal["loss", "rest", "time"]


class FlowError(RuntimeError):
    """The flow did not reach the training loss asked for; `loss` is what it reached."""

    def __init__(self, message: str, loss: float) -> None:
        super().__init__(message)
        self.loss = loss


@shown("beta", "times", "losses", "event", "gradient_evaluations", "conservation_error", "moved")
@dataclass(frozen=True, eq=False)
class Trajectory(Generic[W]):
    """A followed gradient flow.

    Attributes
    ----------
    times, losses : arrays, shape (T,)
        Accepted steps: flow time (for the mean squared error without a factor 1/2) and training loss.
    weights : Weights, ParametrisedWeights or ReLUWeights
        At the end.
    statistics : Statistics
        Gradient evaluations, accepted and rejected steps, largest number of stages.
    conservation_error : float
        Largest drift of a conserved quantity, relative to half the sum of the squared weights of its coordinate or unit.
        Under weight decay these quantities decay at a known rate, from which the drift is measured; where the readout alone
        is trained, what is conserved is the first layer.
    event : str
        Why it ended: "loss" reached, at "rest", or at the "time" asked for.
    snapshots : tuple of Weights or ReLUWeights
        At the requested times that were reached, by dense output.
    moved : float
        By how much of their norm a protocol has moved the targets onto the range of X. The flow stays the same; its losses are
        then those above the least one.
    """

    times: FloatArray
    losses: FloatArray
    weights: W
    statistics: Statistics
    conservation_error: float
    event: Event = "loss"
    snapshots: tuple[W, ...] = ()
    moved: float = 0.0

    @property
    def beta(self) -> FloatArray:
        """The predictor at the end, shape (D,), or (O, D) for O > 1 outputs.

        Raises
        ------
        InputError
            If the network is not linear.
        """
        return linear_map(self.weights)

    @property
    def gradient_evaluations(self) -> int:
        """Number of full-batch gradients the integration took."""
        return self.statistics.evaluations


def linear_map(weights: AnyWeights) -> FloatArray:
    """The predictor of a linear network with these weights, shape (D,), or (O, D) for O > 1 outputs.

    Raises
    ------
    InputError
        If they are those of a network that is not linear.
    """
    if isinstance(weights, Weights):
        return weights.network.effective_map(weights)
    if isinstance(weights, ParametrisedWeights):
        return weights.network.effective_map(weights)
    raise InputError("a ReLU network has no linear predictor; use weights.network.output(weights, X)")


@shown("times", "losses")
@dataclass(frozen=True, eq=False)
class FlowState:
    """A flow that was left: what it has recorded and what the integrator knows. `gradient_flow` goes on from it bit for bit."""

    times: FloatArray
    losses: FloatArray
    memory: Memory

    def arrays(self) -> dict[str, ArrayLike]:
        """Named arrays for a file."""
        memory = {field.name: getattr(self.memory, field.name) for field in fields(Memory)}
        if memory["direction"] is None:
            del memory["direction"]
        statistics = memory.pop("statistics")
        return {"times": self.times, "losses": self.losses, **memory, **vars(statistics)}

    @staticmethod
    def of(arrays: Mapping[str, FloatArray]) -> FlowState:
        """Inverse of `arrays`.

        Raises
        ------
        InputError
            If an array is missing.
        """
        needed = {field.name for field in (*fields(Memory), *fields(Statistics))} - {"direction", "statistics"}
        missing = sorted((needed | {"times", "losses"}) - set(arrays))
        if missing:
            raise InputError(f"holds no array {missing[0]}, which a saved flow has; give a file written by --checkpoint")
        # Named after the fields of Memory, whose types the type checker cannot tell apart by name.
        known: dict[str, Any] = {name: int(arrays[name]) for name in ("age", *vars(Statistics()))}
        kept: dict[str, Any] = {name: arrays[name] for name in ("state", "derivative")}
        known |= {name: float(arrays[name]) for name in needed - set(known) - set(kept)}
        statistics = Statistics(**{name: known.pop(name) for name in vars(Statistics())})
        memory = Memory(**kept, **known, direction=arrays.get("direction"), statistics=statistics)
        return FlowState(arrays["times"], arrays["losses"], memory)
