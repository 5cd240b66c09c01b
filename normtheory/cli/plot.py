"""`normtheory plot`: a picture of what minimize or simulate has written."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from normtheory.cli.common import AuxOption, TargetOption, check_picture, refuse


def plot(
    result: Annotated[Path, typer.Argument(metavar="OUT", help="What minimize or simulate has written, in any format.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="PNG", help="Picture to write (.png, .svg or .pdf).")],
    problem: Annotated[
        Path | None, typer.Argument(metavar="[PROBLEM]", help="Its problem: beta_aux and names, where OUT lacks them.")
    ] = None,
    target: TargetOption = None,
    aux: AuxOption = None,
) -> None:
    """Draw a result: which features are reused, new and dropped, the strongest, their penalty, and the loss along training."""
    from normtheory.features import Features
    from normtheory.figures.own_result import draw
    from normtheory.tables import read_problem, read_result

    check_picture(output, "--output", result, "the result itself")
    found = read_result(result)
    beta, beta_aux, names = found["beta"], found.get("beta_aux"), found.get("feature_names")
    penalty = found.get("penalty")
    if beta.ndim > 1:
        beta, beta_aux = beta[0], beta[1]
    if problem is None:
        refuse({"--target": target, "--aux": aux}, "no PROBLEM")
    else:
        check_picture(output, "--output", problem, "the problem itself")
        given = read_problem(problem, target, aux)
        beta_aux = given.beta_aux if beta_aux is None else beta_aux
        names = given.features if names is None else names
    draw(Features(beta, beta_aux, names), output, penalty, found.get("times"), found.get("losses"))
    print(f"written  {output}")
