"""`normtheory show`: one claim, printed with its derivation."""

from __future__ import annotations

import textwrap
from typing import Annotated

import typer

from normtheory.cli.common import FreshOption


def show(
    name: Annotated[str, typer.Argument(metavar="ID", help="The claim; `normtheory claims` lists them.")],
    fresh: FreshOption = False,
) -> None:
    """Check one claim and print its derivation, step by step; at once if it was checked before and nothing has changed."""
    from normtheory.audit import stored
    from normtheory.audit.text import columns, describe

    entry = None if fresh or not stored.usable() else stored.stored(name)
    if entry is not None:
        kept = "(checked before, and nothing it may rest on has changed since; --fresh checks it anew)"
        print(describe(entry), textwrap.fill(kept, columns()), sep="\n\n")
        return
    from normtheory.audit.claims import find
    from normtheory.audit.judging import run_claim

    entry = run_claim(find(name))
    if stored.usable():
        stored.store(entry)
    print(describe(entry))
