"""What the commands share: exit codes, options of several commands, and refusals in one line."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from normtheory.arrays import FloatArray
    from normtheory.features import Features
    from normtheory.files import Problem

WORTH_SAYING = 1e-13  # a share of targets above the round-off of projecting them
BAD_INPUT, FAILED = 2, 1  # exit codes
PICTURES = (".png", ".svg", ".pdf")

ProblemArgument = Annotated[
    Path,
    typer.Argument(metavar="PROBLEM", help="The arrays named above (.npz, .mat), or a table (.csv, .parquet; - reads a .csv)."),
]
OutputOption = Annotated[
    Path,
    typer.Option("--output", "-o", metavar="OUT", help="File to write: all as .npz, a row per feature as .csv, .parquet or -."),
]
TargetOption = Annotated[
    str | None, typer.Option(metavar="COLUMN", help="Of a table, the column that is y; all others are X.  [default: y]")
]
AuxOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Auxiliary task in a file of its own, like PROBLEM, or a result whose beta is beta_aux."),
]
VerboseOption = Annotated[bool, typer.Option("--verbose", help="Print more.")]
STRONGEST = 5  # features that are printed
AlphaOption = Annotated[float | None, typer.Option(help="Initialisation scale of all weights.  [default: 0.001]")]
GammaOption = Annotated[float | None, typer.Option(help="Value of the second layer, after its reset.  [default: 0.001]")]
RescaleOption = Annotated[float | None, typer.Option(help="Factor on the first layer, after pretraining.  [default: 1]")]
StrengthOption = Annotated[
    float | None,
    typer.Option("--lambda", metavar="L", help="Minimise |X beta - y|^2/(2n) + L penalty instead: for noise, weight decay."),
]
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


def print_features(beta: FloatArray, beta_aux: FloatArray | None, names: Sequence[str] | None, verbose: bool) -> None:
    """Print the strongest features, and how much of the norm lies on auxiliary ones; all of them if `verbose`."""
    from normtheory.features import ACTIVE, Features

    if beta.ndim > 1:
        beta, beta_aux = beta[0], beta[1]
    found = Features(beta, beta_aux, names)
    chosen = found.strongest(beta.size if verbose else STRONGEST)
    print(f"strongest        {', '.join(f'{found.names[d]} {beta[d]:.3g}' for d in chosen) or 'none: beta is 0'}")
    if beta_aux is not None and chosen.size:
        counts = ", ".join(f"{count.sum()} {what}" for what, count in kinds(found).items())
        share = f"{100 * found.share_on_auxiliary:.3g} % of |beta|^2 on auxiliary features"
        print(f"features         {share}; {counts} (above {100 * ACTIVE:g} % of the largest)")


def kinds(found: Features) -> dict[str, NDArray[np.bool_]]:
    """The features by what became of them, as masks."""
    return {"reused": found.reused, "new": found.added, "dropped": found.dropped}


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


def check_picture(picture: Path, option: str, other: Path, what: str) -> None:
    """Refuse a picture that cannot be written, or would replace the other file, before anything is computed."""
    from normtheory.arrays import InputError
    from normtheory.files import check_writable

    if picture.suffix.lower() not in PICTURES:
        raise InputError(f"{option} {picture}; give a name that ends in {', '.join(PICTURES[:-1])} or {PICTURES[-1]}")
    if check_writable(picture) == Path(os.path.realpath(other)):
        raise InputError(f"{picture} is {what}; give another name to {option}")


def check_output(output: Path, problem: Path, option: str = "--output") -> None:
    """Refuse an output that cannot be written before anything is computed, and one that would replace the problem."""
    from normtheory.arrays import InputError
    from normtheory.files import check_writable
    from normtheory.tables import check_format

    check_format(output)
    if check_writable(output) == Path(os.path.realpath(problem)):
        raise InputError(f"{output} is the problem itself; give another name to {option}")
