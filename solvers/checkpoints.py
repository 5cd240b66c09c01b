"""How a protocol's flows are followed, phase by phase, and what is kept of them to go on after an interruption."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import ArrayLike

from normtheory.arrays import FloatArray
from normtheory.networks import W
from normtheory.solvers.flow import gradient_flow
from normtheory.solvers.following import Progress, Save
from normtheory.solvers.trajectory import FlowState, Trajectory
from normtheory.tasks import Task


class PhaseProgress(Protocol):
    """What a protocol calls with phase, time, training loss and gradient evaluations at every accepted step."""

    def __call__(self, phase: str, time: float, loss: float, evaluations: int, /) -> None:
        """Report."""


class Checkpoint:
    """The flows of a protocol, phase by phase: where to resume each, and what to save of it.

    Parameters
    ----------
    resume : mapping from phases to FlowState, optional
        What `states` returned. The protocol must be called with the same arguments; a finished phase costs nothing.
    """

    def __init__(self, resume: Mapping[str, FlowState] | None = None) -> None:
        self._resume = dict(resume or {})
        self._latest: dict[str, Any] = {}

    def resume(self, phase: str) -> FlowState | None:
        """Where to go on with a phase, if it was begun."""
        return self._resume.get(phase)

    def keeper(self, phase: str) -> Save:
        """What the flow of a phase is to call after every step."""

        def keep(state: Any) -> None:
            self._latest[phase] = state

        return keep

    def states(self) -> dict[str, FlowState]:
        """The phases begun so far, here or before the interruption, each at its last accepted step."""
        return self._resume | {phase: state() for phase, state in self._latest.items()}

    def arrays(self) -> dict[str, ArrayLike]:
        """The states as named arrays for a file: phase.array."""
        return {f"{phase}.{name}": value for phase, state in self.states().items() for name, value in state.arrays().items()}

    @staticmethod
    def of(arrays: Mapping[str, FloatArray]) -> Checkpoint:
        """The checkpoint to resume that `arrays` returned; names without a phase are left alone.

        Raises
        ------
        InputError
            If an array is missing.
        """
        phases: dict[str, dict[str, FloatArray]] = {}
        for name, array in arrays.items():
            phase, dot, rest = name.partition(".")
            if dot:
                phases.setdefault(phase, {})[rest] = array
        return Checkpoint({phase: FlowState.of(state) for phase, state in phases.items()})


@dataclass(frozen=True)
class Following:
    """How a protocol's flows are followed: options that all its phases share."""

    rtol: float
    atol: float | None
    progress: PhaseProgress | None
    checkpoint: Checkpoint | None

    def flow(self, phase: str, tasks: Sequence[Task], weights: W, **options: Any) -> Trajectory[W]:
        """One phase."""
        checkpoint = self.checkpoint or Checkpoint()
        return gradient_flow(
            weights.network,
            tasks,
            weights,
            rtol=self.rtol,
            atol=self.atol,
            progress=_phase(self.progress, phase),
            resume=checkpoint.resume(phase),
            on_step=None if self.checkpoint is None else checkpoint.keeper(phase),
            **options,
        )


def _phase(progress: PhaseProgress | None, name: str) -> Progress | None:
    if progress is None:
        return None
    report = progress
    return lambda time, loss, evaluations: report(name, time, loss, evaluations)
