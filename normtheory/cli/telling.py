"""What commands that write a file share: --quiet, and "-" for a file that goes to the standard output."""

from __future__ import annotations

import inspect
import io
import sys
import tempfile
from collections.abc import Callable
from contextlib import redirect_stdout
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer

PIPE = Path("-")
QUIET = inspect.Parameter(
    "quiet",
    inspect.Parameter.KEYWORD_ONLY,
    default=False,
    annotation=Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")],
)


def telling(command: Callable[..., None]) -> Callable[..., None]:
    """The command with the option --quiet, whose --output may be "-": then the file is printed, and what was printed is told.

    A command without --output stays as it is.
    """
    signature = inspect.signature(command, eval_str=True)
    if "output" not in signature.parameters:
        return command

    @wraps(command)
    def told(*, quiet: bool, **options: Any) -> None:
        said = io.StringIO()
        if options["output"] == PIPE:
            with tempfile.TemporaryDirectory() as folder:
                file = Path(folder) / "output.csv"
                with redirect_stdout(said):
                    command(**{**options, "output": file})
                text = file.read_text()
            if not quiet:
                print(said.getvalue().replace(str(file), "standard output"), end="", file=sys.stderr)
            print(text, end="")
        elif quiet:
            with redirect_stdout(said):
                command(**options)
        else:
            command(**options)

    parameters = [*signature.parameters.values(), QUIET]
    seen: Any = told  # with attributes that the type of a function does not have
    seen.__signature__ = signature.replace(parameters=parameters)  # where typer looks for the options
    seen.__annotations__ = {each.name: each.annotation for each in parameters}
    return told
