"""`normtheory curve`: generalisation losses against the number of samples, without training."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from normtheory.cli.common import AlphaOption, GammaOption, RescaleOption, scales_of_finetuning

if TYPE_CHECKING:
    from normtheory.solvers.curves import LearningCurve

PICTURES = (".png", ".svg", ".pdf")


def curve(
    inputs: Annotated[int, typer.Option(help="Number D of inputs.")],
    features: Annotated[int, typer.Option(help="Inputs that the main task uses, each with weight 1/sqrt(FEATURES).")],
    features_aux: Annotated[int, typer.Option(help="Inputs that the auxiliary task uses, likewise.")],
    overlap: Annotated[int, typer.Option(help="Inputs that both tasks use.")],
    samples: Annotated[str, typer.Option(metavar="N,N,...", help="Numbers of main samples, each below D.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="CURVE.csv", help="File to write.")],
    alpha: AlphaOption = None,
    gamma: GammaOption = None,
    rescale: RescaleOption = None,
    noise: Annotated[float, typer.Option(help="Standard deviation of the noise on the main task's labels.")] = 0.0,
    samples_aux: Annotated[
        int | None, typer.Option(help="Number of auxiliary samples.  [default: enough for the auxiliary teacher]")
    ] = None,
    methods: Annotated[
        str, typer.Option(metavar="NAME,...", help="Of finetuning, multitask, single, probing, corollary1, pinned, l1, lazy.")
    ] = "finetuning,multitask,single,probing",
    plot: Annotated[Path | None, typer.Option(metavar="PNG", help="Draw the curves, too (.png, .svg or .pdf).")] = None,
) -> None:
    """Predict generalisation losses from two scalar equations: no task is drawn and no network trained.

    The prediction is for independent Gaussian inputs in the limit of many, and training to zero error; multitask is least
    l1,2 norm, which weight decay finds and gradient flow approximates. CURVE.csv has the columns method, n, loss, null_loss,
    tau, g.
    """
    from normtheory.files import check_writable, write_whole
    from normtheory.solvers.curves import Point, learning_curve
    from normtheory.solvers.sparse_pairs import Scales, SparsePair

    check_writable(output)
    if plot is not None:
        _check_picture(plot, output)
    pair = SparsePair(inputs, features, features_aux, overlap)
    scales = Scales(**scales_of_finetuning(alpha, gamma, rescale))
    names = [name.strip() for name in methods.split(",")]
    found = learning_curve(pair, _numbers(samples), methods=names, scales=scales, noise=noise, samples_aux=samples_aux)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(Point._fields)
    writer.writerows(found.points)
    write_whole(output, lambda handle: handle.write(text.getvalue().encode()))
    print(f"written  {output}")
    if plot is not None:
        _draw(found, plot)
        print(f"written  {plot}")


def _numbers(text: str) -> list[int]:
    from normtheory.arrays import InputError

    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise InputError(f"--samples {text}; give whole numbers with commas between them, such as 16,32,64") from None


def _check_picture(plot: Path, output: Path) -> None:
    """Refuse a picture that cannot be written, before anything is computed."""
    from normtheory.arrays import InputError
    from normtheory.files import check_writable

    if plot.suffix.lower() not in PICTURES:
        raise InputError(f"--plot {plot}; give a name that ends in {', '.join(PICTURES[:-1])} or {PICTURES[-1]}")
    if check_writable(plot) == Path(os.path.realpath(output)):
        raise InputError(f"{plot} is the table itself; give another name to --plot")


def _draw(found: LearningCurve, plot: Path) -> None:
    import matplotlib.pyplot as plt

    from normtheory.figures.files import STYLE
    from normtheory.files import write_whole

    with plt.style.context(STYLE):
        figure, axis = plt.subplots(figsize=(5.4, 3.8))
        found.plot(axis)
        metadata = {} if plot.suffix.lower() == ".png" else {"Date" if plot.suffix.lower() == ".svg" else "CreationDate": None}
        write_whole(plot, lambda handle: figure.savefig(handle, format=plot.suffix[1:].lower(), metadata=metadata))
        plt.close(figure)
