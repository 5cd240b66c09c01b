"""`normtheory claims`: the list of claims, and their verdicts by section."""

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
    if summary:
        print(text.summary(known))
        return
    widths = [max(len(claim.id) for claim in known), max(len(claim.where) for claim in known)]
    for claim in known:
        place = f"{claim.id:<{widths[0]}}  {claim.expected.value:<9}  {claim.where:<{widths[1]}}"
        print(f"{place}  {_shortened(claim.statement, 60)}")


def _shortened(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 3] + "..."
