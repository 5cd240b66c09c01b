"""How a protocol's flows are followed, phase by phase, and what is kept of them to go on after an interruption."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol, cast

import numpy as np
from numpy.typing import ArrayLike

from normtheory.arrays import FloatArray, InputError
from normtheory.networks import AnyWeights, ParametrisedWeights, Weights
from normtheory.progress import flow_progress
from normtheory.solvers import own
from normtheory.solvers.consistency import Allowed, Inconsistent
from normtheory.solvers.constraints import fitted
from normtheory.solvers.dual_flow import dual_flow
from normtheory.solvers.flow import gradient_flow
from normtheory.solvers.following import Progress, Save
from normtheory.solvers.trajectory import FlowState, Trajectory
from normtheory.tasks import Task

Route = Literal["weights", "dual"]
ROUND_OFF = 1e-13  # a share of targets by which projecting consistent ones moves them


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
    progress: PhaseProgress | bool | None
    checkpoint: Checkpoint | None
    route: Route = "weights"
    consistency: float | None = None
    inconsistent: Inconsistent = "refuse"

    def flow(self, phase: str, tasks: Sequence[Task], weights: AnyWeights, **options: Any) -> Trajectory[AnyWeights]:
        """One phase.

        Raises
        ------
        InputError
            If targets are refused, or the route is not the network's.
        """
        moved = 0.0
        if isinstance(weights, Weights | ParametrisedWeights):
            tasks, moved = self._fitted(tasks, ends_early=options.get("loss") is not None or bool(options.get("decay")))
        elif self.inconsistent == "project":
            raise InputError("inconsistent = 'project' is for linear networks; a ReLU network fits what no linear map does")
        with _reported(self.progress) as progress:
            return replace(self._followed(phase, tasks, weights, _phase(progress, phase), **options), moved=moved)

    def _followed(
        self, phase: str, tasks: Sequence[Task], weights: AnyWeights, report: Progress | None, **options: Any
    ) -> Trajectory[AnyWeights]:
        if self.route == "dual" and options.get("layers", "all") == "all":  # the readout alone: a small linear system
            fitting, keywords = self._for_the_dual(weights), {"rtol": self.rtol, "progress": report, "loss": options["loss"]}
            dual: Trajectory[Any]
            if isinstance(fitting, Weights):
                dual = dual_flow(tasks[0], fitting, **keywords)
            else:
                dual = own.dual_flow(tasks[0], fitting, **keywords)
            return cast("Trajectory[AnyWeights]", dual)
        checkpoint = self.checkpoint or Checkpoint()
        return gradient_flow(
            weights.network,
            tasks,
            weights,
            rtol=self.rtol,
            atol=self.atol,
            progress=report,
            resume=checkpoint.resume(phase),
            on_step=None if self.checkpoint is None else checkpoint.keeper(phase),
            **options,
        )

    def _fitted(self, tasks: Sequence[Task], *, ends_early: bool) -> tuple[Sequence[Task], float]:
        """The tasks with targets moved onto the range of their X, as far as that is allowed, and the largest share of them.

        A flow that ends above the least loss, or whose weights decay, needs no target to be in reach.
        """
        moved, found = 0.0, []
        for task in tasks:
            precise = task.precision if self.consistency is None else self.consistency
            allowed = Allowed.of(precise, self.inconsistent, suffix=task.suffix)
            targets, share = fitted(task.X, task.y, Allowed(np.inf) if ends_early else allowed)
            within = ROUND_OFF < share <= allowed.misfit
            found.append(Task(task.X, targets, suffix=task.suffix) if within else task)
            moved = max(moved, share) if within else moved
        return found, moved

    def _for_the_dual(self, weights: AnyWeights) -> Weights | ParametrisedWeights:
        if not isinstance(weights, Weights | ParametrisedWeights) or weights.outputs != 1:
            raise InputError("route = 'dual' is for linear networks with one output; use route = 'weights'")
        if self.checkpoint is not None:
            raise InputError("route = 'dual' keeps no checkpoint, it takes seconds; use route = 'weights'")
        return weights


def _reported(progress: PhaseProgress | bool | None) -> AbstractContextManager[PhaseProgress | None]:
    """What to call: as given, or for True what shows it on stderr."""
    return flow_progress() if progress is True else nullcontext(progress or None)


def _phase(progress: PhaseProgress | None, name: str) -> Progress | None:
    if progress is None:
        return None
    report = progress
    return lambda time, loss, evaluations: report(name, time, loss, evaluations)
