"""`normtheory show`: one claim, run and printed with its derivation."""

from __future__ import annotations

from typing import Annotated

import typer


def show(name: Annotated[str, typer.Argument(metavar="ID", help="The claim; `normtheory claims` lists them.")]) -> None:
    """Check one claim and print its derivation, step by step."""
    from normtheory.audit.claims import find
    from normtheory.audit.judging import run_claim
    from normtheory.audit.text import describe

    print(describe(run_claim(find(name))))
