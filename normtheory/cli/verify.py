"""`normtheory verify`: run the ledger."""

from __future__ import annotations

import textwrap
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from normtheory.cli.common import FAILED, FreshOption, positive
from normtheory.cli.progress import claims_progress

if TYPE_CHECKING:
    from normtheory.audit.judging import Entry


def verify(
    ids: Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="Claims to check.  [default: all]")] = None,
    json: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the verdicts and their evidence.")] = None,
    report: Annotated[
        Path | None,
        typer.Option("--report", metavar="DIR", help="Write the verdicts with their derivations, as HTML and LaTeX."),
    ] = None,
    table: Annotated[
        Path | None,
        typer.Option("--table", metavar="FILE", help="Put a table of the claims into a Markdown file that marks its place."),
    ] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Worker processes.  [default: one per processor]")] = None,
    limit: Annotated[float, typer.Option(metavar="SECONDS", help="Cut a claim off after so long.")] = 120.0,
    fresh: FreshOption = False,
) -> None:
    """Check claims of the theory; succeed only if every verdict is as expected, twins rejected and siblings accepted.

    A claim that was checked before is not checked again as long as nothing that it may rest on has changed: no module of the
    package, no table, no library.
    """
    from normtheory.audit import text
    from normtheory.audit.claims import claims, find
    from normtheory.audit.running import run
    from normtheory.audit.table import inserted
    from normtheory.files import check_writable
    from normtheory.machine import processors

    limit = positive(limit, "--limit")
    order = list(dict.fromkeys(ids)) if ids else list(claims())
    for name in order:
        find(name)
    if json is not None:
        check_writable(json)
    if report is not None:
        from normtheory.files import folder

        folder(report)
    document = None if table is None else _document(table)
    workers = processors() if jobs is None else jobs
    start = time.perf_counter()
    found = {} if fresh else _kept(order)
    waiting = [name for name in order if name not in found]
    if found:
        before = f"{len(found)} of {len(order)} claims were checked before, and nothing has changed since; --fresh checks all"
        print(textwrap.fill(before, text.columns()))
    for entry in claims_progress(run(waiting, jobs=workers, limit=limit), len(waiting)) if waiting else ():
        found[entry.id] = entry
        _keep(entry)
    entries = [found[name] for name in order]
    print(text.header(order), *(text.line(entry, order) for entry in entries), "", sep="\n")
    print(text.totals(entries, time.perf_counter() - start, text.columns()))
    if json is not None:
        _write(json, _json(text.to_json(entries)))
    if table is not None and document is not None:
        _write(table, inserted(document, entries))
    if report is not None:
        from normtheory.audit.report import write_report

        for path in write_report(entries, report, _pictures(found, report)):
            print(f"written  {path}")
    raise typer.Exit(0 if all(entry.ok for entry in entries) else FAILED)


def _kept(order: Sequence[str]) -> dict[str, Entry]:
    from normtheory.audit import stored

    entries = (stored.stored(name) for name in order) if stored.usable() else ()
    return {entry.id: entry for entry in entries if entry is not None}


def _keep(entry: Entry) -> None:
    from normtheory.audit import stored

    if stored.usable():
        stored.store(entry)


# The figures that the report shows beside claims which are no panels of them; a claim that is a panel shows its picture.
PICTURES = {"fig1a": ("eq3", "eq5", "l2-at-one", "q-sensitive"), "corollary1": ("cor1",)}


def _pictures(ids: Iterable[str], folder: Path) -> dict[str, Path]:
    """Draw, into the report's folder, the figures that belong to these claims; the picture of each claim that has one."""
    from normtheory import figures

    wanted = set(ids)
    shown = {claim: picture for picture, claims in PICTURES.items() for claim in claims if claim in wanted}
    shown |= {claim: claim for claim in wanted if claim[:-1] in figures.FIGURES}  # a panel is its figure and a letter
    names = {picture if picture in figures.FIGURES else picture[:-1] for picture in shown.values()}
    drawn = {path.stem: path for name in sorted(names) for path in figures.redraw(name, folder) if path.suffix == ".svg"}
    return {claim: drawn[picture] for claim, picture in shown.items()}


def _json(value: object) -> str:
    import json

    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def _document(path: Path) -> str:
    """The text of a file that marks where its table stands; refused before anything is run."""
    from normtheory.arrays import InputError
    from normtheory.audit.table import inserted

    try:
        text = path.read_text()
        inserted(text, [])
    except (OSError, ValueError) as error:
        raise InputError(f"--table {path}: {error}") from error
    return text


def _write(path: Path, text: str) -> None:
    from normtheory.files import write_whole

    write_whole(path, lambda handle: handle.write(text.encode()))
