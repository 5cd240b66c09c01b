"""`normtheory figure`: compute a figure and draw it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from normtheory.cli.common import Interrupted, refuse

ScaleName = Literal["quick", "laptop", "paper"]


def figure(
    name: Annotated[str, typer.Argument(help="The figure; an unknown name lists them.")],
    scale: Annotated[
        ScaleName | None, typer.Option(help="A reduced grid, minutes; hours; or the paper's.  [default: largest]")
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="Images to train on: CIFAR-100's binary archive, IDX files, folders of pictures."),
    ] = None,
    engine: Annotated[
        str | None,
        typer.Option(metavar="local|dask[:ADDRESS]", help="Processes, a local Dask cluster, or any.  [default: local]"),
    ] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Worker processes.  [default: one per processor]")] = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the pictures and their table.")] = Path("pictures"),
    redraw: Annotated[bool, typer.Option("--redraw", help="Draw from the table of the full run that comes along.")] = False,
) -> None:
    """Compute a figure of the audit and draw it. Interrupted, the same command goes on from what is finished."""
    from normtheory import figures

    if redraw:
        refuse({"--scale": scale, "--data": data, "--engine": engine, "--jobs": jobs}, "--redraw")
        made: tuple[Sequence[Path], Exception | None] = figures.redraw(name, out), None
    else:
        made = _made(name, scale, data, engine or "local", jobs, out)
    for path in made[0]:
        print(path)
    if made[1] is not None:
        raise made[1]


def _made(
    name: str, scale: str | None, data: Path | None, engine: str, jobs: int | None, out: Path
) -> tuple[Sequence[Path], Exception | None]:
    """The files of a figure, and an error that names the cells they lack, if there are any."""
    from normtheory import figures
    from normtheory.figures.progress import reported
    from normtheory.figures.sweep import IncompleteError

    try:
        with reported() as progress:
            return figures.make(name, scale, out, data=data, engine=engine, workers=jobs, progress=progress), None
    except IncompleteError as error:
        return error.written, error
    except KeyboardInterrupt:
        raise Interrupted("interrupted; what is finished is kept, and the same command goes on from there") from None
