"""The ledger as a page to read: one self-contained HTML file, which needs no network, and the same as LaTeX.

Statements and equations are LaTeX strings; the page holds them as MathML, which browsers set themselves.
"""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import IO, Any

from normtheory.audit.claims import Verdict
from normtheory.audit.formulas import breakable, escaped, formula, long_in_print, running, statement
from normtheory.audit.judging import SIZE, Entry, Evidence
from normtheory.audit.steps import Truth

MEANINGS = {
    Verdict.PROVED: "holds symbolically, and at random points by a second route",
    Verdict.CERTIFIED: "rests on inequalities certified in ball arithmetic on a stated domain",
    Verdict.CONFIRMED: "rests on numbers within an error budget stated in advance",
    Verdict.CORRECTED: "false or imprecise as printed; the corrected statement passes the same check",
    Verdict.REFUTED: "has an exact counterexample, and no correction",
    Verdict.UNDECIDED: "none of these; the evidence says what is missing",
}
MARKS = {Truth.TRUE: "holds", Truth.FALSE: "false", Truth.UNDECIDED: "undecided"}


@dataclass(frozen=True)
class Part:
    """One derivation of an entry: the statement as printed, corrected, or the true sibling of a refuted one."""

    title: str
    statement: str
    evidence: Evidence


def parts(entry: Entry) -> list[Part]:
    """The derivations of an entry, the decisive one first in the reader's order: printed, corrected, true instead."""
    found = [Part("As printed", "", entry.printed)]
    if entry.corrected is not None:
        found.append(Part("Corrected", entry.corrected_statement, entry.corrected))
    if entry.control is not None:
        found.append(Part(f"True instead: {entry.control.name}", "", entry.control.evidence))
    return found


def write_report(entries: Sequence[Entry], folder: Path, pictures: Mapping[str, Path] | None = None) -> list[Path]:
    """Write `report.html` and `report.tex`; return their paths.

    Parameters
    ----------
    entries : sequence of Entry
        Claims as they were run, in the order to be shown.
    folder : Path
        Existing folder.
    pictures : mapping from ids to paths of SVG files, optional
        Pictures to show beside claims. The page holds them, the LaTeX file refers to the PNG beside each.
    """
    from normtheory.files import write_whole

    written = []
    for name, text in (("report.html", html(entries, pictures)), ("report.tex", tex(entries, pictures))):
        write_whole(folder / name, partial(_put, text.encode()))
        written.append(folder / name)
    return written


def _put(data: bytes, handle: IO[bytes]) -> None:
    handle.write(data)


def html(entries: Sequence[Entry], pictures: Mapping[str, Path] | None = None) -> str:
    """The page as one string."""
    sources = {name: _embedded(path) for name, path in (pictures or {}).items()}
    return str(
        _template("report.html.j2", autoescape=True).render(
            _facts(entries), pictures=sources, statement=statement, formula=formula
        )
    )


def tex(entries: Sequence[Entry], pictures: Mapping[str, Path] | None = None) -> str:
    """The same as a LaTeX article."""
    files = {name: path.with_suffix(".png").name for name, path in (pictures or {}).items()}
    return str(
        _template("report.tex.j2", autoescape=False).render(
            _facts(entries), pictures=files, esc=escaped, long=long_in_print, breakable=breakable, running=running
        )
    )


def _facts(entries: Sequence[Entry]) -> dict[str, Any]:
    counts = Counter(entry.verdict for entry in entries)
    return {
        "entries": entries,
        "parts": parts,
        "marks": MARKS,
        "size": SIZE.rstrip(": "),
        "counts": [(verdict, counts[verdict], MEANINGS[verdict]) for verdict in Verdict if counts[verdict]],
        "twins": sum(len(entry.twins) for entry in entries),
        "rejected": sum(twin.rejected for entry in entries for twin in entry.twins),
        "steps": sum(len(part.evidence.steps) for entry in entries for part in parts(entry)),
        "wrong": [entry for entry in entries if not entry.ok],
    }


@cache
def _template(name: str, *, autoescape: bool) -> Any:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("normtheory.audit"),
        autoescape=autoescape,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    if not autoescape:  # LaTeX is full of braces
        environment = environment.overlay(
            block_start_string="<%",
            block_end_string="%>",
            variable_start_string="<<",
            variable_end_string=">>",
            comment_start_string="<#",
            comment_end_string="#>",
        )
    return environment.get_template(name)


def _embedded(path: Path) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(path.read_bytes()).decode()
