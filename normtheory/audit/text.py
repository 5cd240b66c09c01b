"""The ledger in plain text and JSON: the table of sections, one entry with its derivation, what `verify --json` writes."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from typing import Any

from normtheory.audit.claims import Claim, Verdict, section
from normtheory.audit.derivation import Truth
from normtheory.audit.judging import Entry, Evidence


def to_json(entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """Entries in the form that `normtheory verify --json` writes."""
    return [
        {
            "id": entry.id,
            "where": entry.where,
            "statement": entry.statement,
            "verdict": entry.verdict.value,
            "expected": entry.expected.value,
            "evidence": entry.evidence,
            "seconds": round(entry.seconds, 3),
            "twins": [{"name": twin.name, "rejected": twin.rejected} for twin in entry.twins],
        }
        for entry in entries
    ]


def summary(known: Iterable[Claim[Any]]) -> str:
    """A Markdown table of the expected verdicts: a row for each section, in its order, and their sum."""
    sections: dict[str, list[Verdict]] = {}
    for claim in known:
        sections.setdefault(section(claim), []).append(claim.expected)
    met = {verdict for found in sections.values() for verdict in found}
    verdicts = [verdict for verdict in Verdict if verdict in met or verdict is not Verdict.UNDECIDED]
    rows = [*sections.items(), ("all", [verdict for found in sections.values() for verdict in found])]
    lines = [
        "| section | claims | " + " | ".join(verdict.value for verdict in verdicts) + " |",
        "|---" * (len(verdicts) + 2) + "|",
    ]
    for title, found in rows:
        counts = " | ".join(str(found.count(verdict) or "") for verdict in verdicts)
        lines.append(f"| {title} | {len(found)} | {counts} |")
    return "\n".join(lines)


def describe(entry: Entry) -> str:
    """An entry as plain text: statement, assumptions, derivation, evidence and twins (what `normtheory show` prints)."""
    verdict = entry.verdict.value + ("" if entry.verdict is entry.expected else f", expected {entry.expected.value}")
    lines = [f"{entry.id}: {verdict}  ({entry.where}; {entry.source})", "", *_wrapped(entry.statement, "Statement: ")]
    for assumption in entry.assumptions:
        lines += _wrapped(assumption, "Assuming: ")
    lines += ["", "Derivation as printed", *_described(entry.printed)]
    if entry.corrected is not None:
        lines += ["", *_wrapped(entry.corrected_statement, "Corrected statement: "), *_described(entry.corrected)]
    if entry.control is not None:
        lines += ["", *_wrapped(entry.control.name, "True instead: "), *_described(entry.control.evidence)]
    lines += ["", *_wrapped(entry.evidence, "Evidence: "), "", "False twins"]
    for twin in entry.twins:
        lines += _wrapped(twin.evidence.summary(), f"  {'rejected' if twin.rejected else 'SURVIVED'}  {twin.name}. ", "    ")
    return "\n".join(lines)


def _described(evidence: Evidence) -> list[str]:
    mark = {Truth.TRUE: "ok", Truth.FALSE: "FALSE", Truth.UNDECIDED: "UNDECIDED"}
    lines = []
    for number, step in enumerate(evidence.steps, 1):
        lines += _wrapped(step.text, f"  {number}. ", "     ")
        lines += _wrapped(step.equation, "       ", "         ")
        lines += _wrapped(f"[{mark[step.truth]}] {step.detail}", "     ", "     ")
    if evidence.error is not None:
        lines += _wrapped(evidence.error, "  STOPPED: ", "     ")
    return lines


def _wrapped(text: str, first: str, rest: str = "  ") -> list[str]:
    return textwrap.wrap(text, 110, initial_indent=first, subsequent_indent=rest, break_long_words=False)
