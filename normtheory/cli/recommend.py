"""`normtheory recommend`: which method, rescaling and reset scale, for a kind of task or for one's own rows."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from normtheory.cli.common import AuxOption, TargetOption, check_output, positive, refuse

if TYPE_CHECKING:
    from normtheory.solvers.recommend import Option

SHOWN = 10  # options printed; the table holds all


def recommend(
    problem: Annotated[Path | None, typer.Argument(metavar="[PROBLEM]", help="X, y and beta_aux, n < D, or a table.")] = None,
    target: TargetOption = None,
    aux: AuxOption = None,
    inputs: Annotated[int | None, typer.Option(help="Number D of inputs, if no problem is given.")] = None,
    features: Annotated[int | None, typer.Option(help="Inputs that the main task uses.")] = None,
    features_aux: Annotated[int | None, typer.Option(help="Inputs that the auxiliary task uses.")] = None,
    overlap: Annotated[int | None, typer.Option(help="Inputs that both tasks use.")] = None,
    samples: Annotated[int | None, typer.Option(help="Number of main samples.")] = None,
    noise: Annotated[float | None, typer.Option(help="Standard deviation of the labels' noise.  [default: 0]")] = None,
    alpha: Annotated[float, typer.Option(help="Initialisation scale of pretraining.")] = 1e-3,
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="CSV", help="Write all options.")] = None,
) -> None:
    """Recommend a method, a rescaling and a reset scale, with the loss that the scalar equations predict for each.

    For a kind of sparse task (--inputs, --features, --features-aux, --overlap, --samples), or for the rows of a problem: there
    every option is also tried on held-out rows, teacher and noise are estimated, and the order is that of the held-out errors.
    Predictions are for independent Gaussian inputs, of one variance or of those that the rows show.
    """
    from normtheory.arrays import InputError
    from normtheory.files import check_writable
    from normtheory.solvers import recommend as solver
    from normtheory.solvers.sparse_pairs import SparsePair
    from normtheory.tables import read_problem

    given = {"--inputs": inputs, "--features": features, "--features-aux": features_aux, "--overlap": overlap}
    given["--samples"] = samples
    positive(alpha, "--alpha")
    if problem is None:
        refuse({"--target": target, "--aux": aux}, "no problem")
        missing = [name for name, value in given.items() if value is None]
        if inputs is None or features is None or features_aux is None or overlap is None or samples is None:
            raise InputError(f"give a problem, or {', '.join(missing)} as well")
        if output is not None:
            check_writable(output)
        options = solver.for_pair(SparsePair(inputs, features, features_aux, overlap), samples, noise=noise or 0.0, alpha=alpha)
    else:
        refuse({**given, "--noise": noise}, "a problem, which says it itself")
        if output is not None:
            check_output(output, problem)
        read = read_problem(problem, target, aux)
        options, found = solver.for_problem(read.X, read.y, read.required("beta_aux", "recommend"), alpha=alpha)
        print(f"noise estimated  {found:.3g} (standard deviation)")
    _print(options)
    if output is not None:
        _write(options, output)
        print(f"written  {output}")


def _print(options: Sequence[Option]) -> None:
    print("method        rescale    gamma  predicted loss  held-out error")
    for option in options[:SHOWN]:
        scales = [f"{value:g}" if value is not None else "" for value in (option.rescale, option.gamma)]
        held_out = "" if option.held_out is None else f"{option.held_out:.3g}"
        line = f"{option.method:<12}  {scales[0]:>7}  {scales[1]:>7}  {option.predicted:>14.3g}  {held_out:>14}"
        print(line.rstrip())


def _write(options: Sequence[Option], output: Path) -> None:
    from normtheory.files import write_whole
    from normtheory.solvers.recommend import Option

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(Option._fields)
    writer.writerows(options)
    write_whole(output, lambda handle: handle.write(text.getvalue().encode()))
