"""The commands put together, and how each of their ends is told."""

from __future__ import annotations

import errno
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Annotated

import typer

from normtheory import __version__
from normtheory.cli import INTERRUPTED, bench, claims, curve, figure, minimize, network, plot, recommend, show, simulate, verify
from normtheory.cli.common import BAD_INPUT, FAILED, Interrupted
from normtheory.cli.examples import EXAMPLES
from normtheory.cli.telling import telling

app = typer.Typer(
    rich_markup_mode=None,  # rich's help pages would double the time that --help takes
    pretty_exceptions_enable=False,
)
for command in (
    minimize.minimize, simulate.simulate, plot.plot, network.network, verify.verify, claims.claims, show.show, figure.figure,
    curve.curve, recommend.recommend, bench.bench,
):  # fmt: skip
    app.command(epilog=f"Example:\n\n\b\n{EXAMPLES[command.__name__]}")(telling(command))


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


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    received: list[int] = []
    try:
        with _signals_as_interrupts(received):
            code = typer.main.get_command(app).main(given, prog_name="normtheory", standalone_mode=False)
            sys.stdout.flush()
    except typer.TyperException as error:
        return _complain(error.format_message(), BAD_INPUT)
    except KeyboardInterrupt:
        code = INTERRUPTED
    except Interrupted as interruption:
        return _complain(str(interruption), _exit_code_of_signal(received))
    except MemoryError:
        return _complain("out of memory; give a smaller problem", FAILED)
    except OSError as error:
        return _without_stdout(error)
    except Exception as error:
        return _complain(str(error), _exit_code(error))
    if code == INTERRUPTED:
        return _complain("interrupted; nothing was written", _exit_code_of_signal(received))
    return int(code or 0)


@contextmanager
def _signals_as_interrupts(received: list[int]) -> Iterator[None]:
    """Answer a request to end, of a batch system or of a terminal that goes away, like Ctrl-C; `received` is which came.

    What was told to be ignored (nohup) stays so. Only the main thread may arrange this.
    """

    def interrupt(number: int, _frame: object) -> None:
        received.append(number)
        raise KeyboardInterrupt

    asked = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    mine = threading.current_thread() is threading.main_thread()
    before = {number: signal.getsignal(number) for number in asked if mine}
    before = {number: handler for number, handler in before.items() if handler is signal.SIG_DFL}
    for number in before:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _exit_code_of_signal(received: list[int]) -> int:
    return 128 + received[-1] if received else INTERRUPTED


def _without_stdout(error: OSError) -> int:
    """End where what is printed goes nowhere: a full disk is told, a reader that has gone is not."""
    if error.errno not in (errno.ENOSPC, errno.EPIPE, errno.EIO, errno.EDQUOT):
        raise error
    with suppress(OSError, ValueError):  # or the interpreter would flush once more, and complain
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if error.errno == errno.EPIPE:
        return FAILED
    return _complain(f"cannot print ({(error.strerror or '').lower()}); files that were to be written are there", FAILED)


def _complain(message: str, code: int) -> int:
    print(f"normtheory: {' '.join(message.split())}", file=sys.stderr)
    return code


def _exit_code(error: Exception) -> int:
    """The exit code of a foreseeable error; any other is a bug and is raised again, with its traceback."""
    from normtheory.arrays import InputError

    if isinstance(error, InputError):
        return BAD_INPUT
    from normtheory.figures.sweep import IncompleteError
    from normtheory.solvers.asymptotics import NoFixedPoint
    from normtheory.solvers.certificate import NotCertified
    from normtheory.solvers.trajectory import FlowError

    if isinstance(error, NotCertified | NoFixedPoint | FlowError | IncompleteError):
        return FAILED
    raise error
