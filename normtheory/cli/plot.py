"""`normtheory plot`: a picture of what minimize or simulate has written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from normtheory.cli.common import AuxOption, TargetOption, check_picture, kinds, refuse

if TYPE_CHECKING:
    import numpy as np


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
    beta, beta_aux, names = found["beta"], found.get("beta_aux"), _names(found.get("feature_names"))
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
    features = Features(beta, beta_aux, names)
    draw(features, output, penalty, found.get("times"), found.get("losses"))
    if beta_aux is not None:
        for kind, mask in kinds(features).items():
            print(f"{kind:<8} {', '.join(name for name, there in zip(features.names, mask, strict=True) if there) or 'none'}")
    print(f"written  {output}")


def _names(found: np.ndarray | None) -> tuple[str, ...] | None:
    return None if found is None else tuple(str(name) for name in found)
