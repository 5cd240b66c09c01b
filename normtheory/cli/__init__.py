"""The command line: a thin shell over the rooms, and the only room that knows all of them. Nothing imports it.

A file is a command; `app` puts them together. Heavy imports stand inside the commands, so that `normtheory --help` answers at
once, and all others inside `main`, so that Ctrl-C is answered in one line from the first moment on.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

INTERRUPTED = 130  # exit code


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; every foreseeable error ends in one line on stderr."""
    try:
        from normtheory.cli.app import run

        return run(arguments)
    except KeyboardInterrupt:
        print("normtheory: interrupted; nothing was written", file=sys.stderr)
        return INTERRUPTED
