"""`normtheory verify`: run the ledger."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from normtheory.audit.judging import Entry
from normtheory.cli.common import FAILED, positive
from normtheory.cli.progress import claims_progress


def verify(
    ids: Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="Claims to check.  [default: all]")] = None,
    json: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the verdicts and their evidence.")] = None,
    report: Annotated[
        Path | None,
        typer.Option("--report", metavar="DIR", help="Write the verdicts with their derivations, as HTML and LaTeX."),
    ] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Worker processes.  [default: one per processor]")] = None,
    limit: Annotated[float, typer.Option(metavar="SECONDS", help="Cut a claim off after so long.")] = 120.0,
) -> None:
    """Check claims of the theory; succeed only if every verdict is as expected and every false twin was rejected."""
    from normtheory.audit import text
    from normtheory.audit.claims import claims, find
    from normtheory.audit.running import run
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
    workers = processors() if jobs is None else jobs
    start = time.perf_counter()
    found = {entry.id: entry for entry in claims_progress(run(order, jobs=workers, limit=limit), len(order))}
    entries = [found[name] for name in order]
    _print_verdicts(entries, time.perf_counter() - start)
    if json is not None:
        _write_json(json, text.to_json(entries))
    if report is not None:
        from normtheory.audit.report import write_report

        for path in write_report(entries, report, _pictures(found, report)):
            print(f"written  {path}")
    raise typer.Exit(0 if all(entry.ok for entry in entries) else FAILED)


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


def _print_verdicts(entries: list[Entry], seconds: float) -> None:
    from collections import Counter

    width = max((len(entry.id) for entry in entries), default=2)
    print(f"{'claim':<{width}}  {'verdict':<9}  twins rejected  {'seconds':>7}  where")
    for entry in entries:
        twins = f"{sum(twin.rejected for twin in entry.twins)} of {len(entry.twins)}"
        print(f"{entry.id:<{width}}  {entry.verdict.value:<9}  {twins:<14}  {entry.seconds:>7.2f}  {entry.where}")
    counts = Counter(entry.verdict.value for entry in entries)
    print(f"\n{len(entries)} claims in {seconds:.1f} s: {', '.join(f'{count} {name}' for name, count in counts.items())}")
    wrong = [entry for entry in entries if not entry.ok]
    for entry in wrong:
        print(f"NOT AS EXPECTED  {entry.id}: {'; '.join(entry.problems)}")
    if not wrong:
        print("Every verdict is as expected and every false twin was rejected.")


def _write_json(path: Path, value: object) -> None:
    import json

    from normtheory.files import write_whole

    text = json.dumps(value, indent=1, ensure_ascii=False) + "\n"
    write_whole(path, lambda handle: handle.write(text.encode()))
