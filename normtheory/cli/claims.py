"""`normtheory claims`: the list of claims, and tables of them."""

from __future__ import annotations

from typing import Annotated

import typer


def claims(
    summary: Annotated[
        bool, typer.Option("--summary", help="Count the verdicts of each section, as a Markdown table.")
    ] = False,
) -> None:
    """List the claims: id, expected verdict, place in the paper, statement."""
    from normtheory.audit import text
    from normtheory.audit.claims import claims as registered

    known = registered().values()
    print(text.summary(known) if summary else "\n".join(text.listed(claim, text.columns()) for claim in known))
