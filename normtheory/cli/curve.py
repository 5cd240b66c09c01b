"""`normtheory curve`: generalisation losses against the number of samples, without training."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from normtheory.cli.common import (
    AlphaOption,
    GammaOption,
    RescaleOption,
    StrengthOption,
    check_picture,
    positive,
    scales_of_finetuning,
)

if TYPE_CHECKING:
    from normtheory.parametrisations import Parametrisation
    from normtheory.solvers.curves import LearningCurve

WHICH = (
    "Of finetuning, multitask, single, probing, corollary1, pinned, l1, lazy.  "
    "[default: the first four, without multitask if --lambda is given]"
)


def curve(
    inputs: Annotated[int, typer.Option(help="Number D of inputs.")],
    features: Annotated[int, typer.Option(help="Inputs that the main task uses, each with weight 1/sqrt(FEATURES).")],
    features_aux: Annotated[int, typer.Option(help="Inputs that the auxiliary task uses, likewise.")],
    overlap: Annotated[int, typer.Option(help="Inputs that both tasks use.")],
    samples: Annotated[str, typer.Option(metavar="N,N,...", help="Numbers of main samples, each below D unless --lambda.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="CURVE.csv", help="File to write.")],
    alpha: AlphaOption = None,
    gamma: GammaOption = None,
    rescale: RescaleOption = None,
    noise: Annotated[float, typer.Option(help="Standard deviation of the noise on the main task's labels.")] = 0.0,
    samples_aux: Annotated[
        int | None, typer.Option(help="Number of auxiliary samples.  [default: enough for the auxiliary teacher]")
    ] = None,
    strength: StrengthOption = None,
    methods: Annotated[str | None, typer.Option(metavar="NAME,...", help=WHICH)] = None,
    network: Annotated[
        str | None,
        typer.Option("--network", metavar="EXPRESSION", help="A network of your own on the main task alone, by --start."),
    ] = None,
    start: Annotated[str | None, typer.Option(metavar="VALUES", help="Its weights at time 0, in numbers.")] = None,
    plot: Annotated[Path | None, typer.Option(metavar="PNG", help="Draw the curves, too (.png, .svg or .pdf).")] = None,
) -> None:
    """Predict generalisation losses from two scalar equations: no task is drawn and no network trained.

    The prediction is for independent Gaussian inputs in the limit of many, and training to zero error (unless --lambda);
    multitask is least l1,2 norm, which weight decay finds and gradient flow approximates. A --network of your own adds its
    curve. CURVE.csv has the columns method, n, loss, null_loss, tau, g.
    """
    from normtheory.files import check_writable
    from normtheory.solvers.curves import OWN, default_methods, learning_curve
    from normtheory.solvers.sparse_pairs import Scales, SparsePair

    check_writable(output)
    if plot is not None:
        check_picture(plot, "--plot", output, "the table itself")
    pair = SparsePair(inputs, features, features_aux, overlap)
    scales = Scales(**scales_of_finetuning(alpha, gamma, rescale))
    penalty = 0.0 if strength is None else positive(strength, "--lambda")
    names = default_methods(penalty) if methods is None else [name.strip() for name in methods.split(",")]
    found = learning_curve(
        pair,
        _numbers(samples),
        methods=[*names, OWN] if network else names,
        scales=scales,
        noise=noise,
        strength=penalty,
        samples_aux=samples_aux,
        network=_own(network, start),
    )
    _write(found, output)
    print(f"written  {output}")
    if plot is not None:
        _draw(found, plot)
        print(f"written  {plot}")


def _own(network: str | None, start: str | None) -> Parametrisation | None:
    from normtheory.arrays import InputError
    from normtheory.parametrisations import Parametrisation

    if (network is None) != (start is None):
        raise InputError("--network and --start belong together; give both, or neither")
    return None if network is None or start is None else Parametrisation(network, start)


def _numbers(text: str) -> list[int]:
    from normtheory.arrays import InputError

    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise InputError(f"--samples {text}; give whole numbers with commas between them, such as 16,32,64") from None


def _write(found: LearningCurve, output: Path) -> None:
    from normtheory.files import write_whole
    from normtheory.solvers.curves import Point

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(Point._fields)
    writer.writerows(found.points)
    write_whole(output, lambda handle: handle.write(text.getvalue().encode()))


def _draw(found: LearningCurve, plot: Path) -> None:
    import matplotlib.pyplot as plt

    from normtheory.figures.files import STYLE
    from normtheory.figures.own_result import save

    with plt.style.context(STYLE):
        figure, axis = plt.subplots(figsize=(5.4, 3.8))
        found.plot(axis)
        save(figure, plot)
