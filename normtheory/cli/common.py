"""What the commands share: exit codes, options of several commands, and refusals in one line."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from normtheory.files import Problem

WORTH_SAYING = 1e-13  # a share of targets above the round-off of projecting them
BAD_INPUT, FAILED = 2, 1  # exit codes

ProblemArgument = Annotated[Path, typer.Argument(metavar="PROBLEM.npz", help="The arrays named above.")]
OutputOption = Annotated[Path, typer.Option("--output", "-o", metavar="OUT.npz", help="File to write.")]
AlphaOption = Annotated[float | None, typer.Option(help="Initialisation scale of all weights.  [default: 0.001]")]
GammaOption = Annotated[float | None, typer.Option(help="Value of the second layer, after its reset.  [default: 0.001]")]
RescaleOption = Annotated[float | None, typer.Option(help="Factor on the first layer, after pretraining.  [default: 1]")]
ConsistencyOption = Annotated[
    float | None,
    typer.Option(
        metavar="R",
        help="Relative precision of the data: targets that close to the range of X are moved onto it.  [default: their type's]",
    ),
]
InconsistentOption = Annotated[
    Literal["refuse", "project"],
    typer.Option(help="Targets farther from the range of X: refuse them, or project them onto it (least squares)."),
]
FreshOption = Annotated[bool, typer.Option("--fresh", help="Check anew, also what was checked before and has not changed.")]


class Interrupted(Exception):
    """Ctrl-C ended a command that has something to say about it."""


def require_one_auxiliary(problem: Problem, purpose: str) -> None:
    """Refuse a problem that gives pretraining twice or not at all."""
    from normtheory.arrays import InputError

    if problem.beta_aux is None and problem.X_aux is None:
        raise InputError(f"{problem.name} holds neither beta_aux nor X_aux and y_aux; {purpose} needs one of the two")
    if problem.beta_aux is not None and problem.X_aux is not None:
        raise InputError(f"{problem.name} holds both beta_aux and X_aux; {purpose} needs one of the two, remove the other")


def scales_of_finetuning(alpha: float | None, gamma: float | None, rescale: float | None) -> dict[str, float]:
    """The three scales of finetuning, checked, with the paper's values for those not given."""
    from normtheory import exact

    return {
        "alpha": positive(exact.ALPHA if alpha is None else alpha, "--alpha"),
        "gamma": positive(exact.GAMMA if gamma is None else gamma, "--gamma"),
        "rescale": positive(exact.RESCALE if rescale is None else rescale, "--rescale"),
    }


def positive(value: float, option: str) -> float:
    """The value of an option, which must be positive."""
    from normtheory.arrays import positive_scalar

    return positive_scalar(value, option)


def policy_for(problem: Problem, consistency: float | None, inconsistent: str) -> dict[str, Any]:
    """What minimisers and protocols are to do with targets outside the range of X, after checking the options."""
    from normtheory.arrays import InputError

    if consistency is not None and not 0 < consistency < 1:
        raise InputError(f"--consistency = {consistency:g}; give the data's relative precision, between 0 and 1")
    if consistency is not None and inconsistent == "project":
        raise InputError("--consistency has no meaning beside --inconsistent project, which moves targets however far; drop it")
    return {"consistency": problem.precision if consistency is None else consistency, "inconsistent": inconsistent}


def print_moved(moved: float) -> None:
    """Say by how much targets were moved onto the range of X, unless that is the round-off of doing so."""
    if moved > WORTH_SAYING:
        print(f"targets moved    {moved:.1e} of their norm, onto the range of X (least squares)")


def print_arrays(problem: Problem, used: Sequence[str]) -> None:
    """Say which arrays of the file were used, and which were not: a misspelt one shows."""
    from normtheory.files import ARRAYS

    present = [*(name for name in ARRAYS if getattr(problem, name) is not None), *problem.unknown]
    idle = [name for name in present if name not in used]
    print(f"arrays used      {', '.join(name for name in present if name in used)}")
    if idle:
        print(f"arrays not used  {', '.join(idle)}")


def refuse(options: Mapping[str, object], where: str) -> None:
    """Refuse options that would be ignored: a run that differs from what was asked for is worse than none."""
    from normtheory.arrays import InputError

    for name, value in options.items():
        if value is not None:
            raise InputError(f"{name} has no meaning for {where}; remove it")


def check_output(output: Path, problem: Path, option: str = "--output") -> None:
    """Refuse an output that cannot be written before anything is computed, and one that would replace the problem."""
    from normtheory.arrays import InputError
    from normtheory.files import check_writable

    if check_writable(output) == Path(os.path.realpath(problem)):
        raise InputError(f"{output} is the problem itself; give another name to {option}")
