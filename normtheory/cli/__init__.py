"""The command line: a thin shell over the rooms, and the only room that knows all of them. Nothing imports it.

A file is a command. Heavy imports stand inside the commands, so that `normtheory --help` answers at once.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from normtheory import __version__
from normtheory.cli import bench, claims, figure, minimize, network, show, simulate, verify
from normtheory.cli.common import BAD_INPUT, FAILED, INTERRUPTED, Interrupted

app = typer.Typer(
    rich_markup_mode=None,  # rich's help pages would double the time that --help takes
    pretty_exceptions_enable=False,
)
for command in (
    minimize.minimize, simulate.simulate, network.network, verify.verify, claims.claims, show.show, figure.figure, bench.bench,
):  # fmt: skip
    app.command()(command)


def _version(asked: bool) -> None:
    if asked:
        print(f"normtheory {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Audit a theory of implicit bias: check its claims, compute what it predicts, simulate what it speaks about."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; every foreseeable error ends in one line on stderr."""
    given = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    try:
        code = typer.main.get_command(app).main(given, prog_name="normtheory", standalone_mode=False)
    except typer.TyperException as error:
        return _complain(error.format_message(), BAD_INPUT)
    except KeyboardInterrupt:
        code = INTERRUPTED
    except Interrupted as interruption:
        return _complain(str(interruption), INTERRUPTED)
    except MemoryError:
        return _complain("out of memory; give a smaller problem", FAILED)
    except Exception as error:
        return _complain(str(error), _exit_code(error))
    if code == INTERRUPTED:
        return _complain("interrupted; nothing was written", INTERRUPTED)
    return int(code or 0)


def _complain(message: str, code: int) -> int:
    print(f"normtheory: {' '.join(message.split())}", file=sys.stderr)
    return code


def _exit_code(error: Exception) -> int:
    """The exit code of a foreseeable error; any other is a bug and is raised again, with its traceback."""
    from normtheory.arrays import InputError

    if isinstance(error, InputError):
        return BAD_INPUT
    from normtheory.figures.sweep import IncompleteError
    from normtheory.solvers.certificate import NotCertified
    from normtheory.solvers.trajectory import FlowError

    if isinstance(error, NotCertified | FlowError | IncompleteError):
        return FAILED
    raise error
