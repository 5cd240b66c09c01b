"""The ledger in plain text and JSON: the table of sections, one entry with its derivation, what `verify --json` writes."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

from normtheory.audit.claims import Claim, Verdict, section
from normtheory.audit.judging import Entry, Evidence, Sibling, Twin
from normtheory.audit.steps import Step, Truth

WIDTH = 100  # columns of a derivation, where the terminal has them
MARKS = {Truth.TRUE: "ok", Truth.FALSE: "FALSE", Truth.UNDECIDED: "UNDECIDED"}


def to_json(entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """Entries in the form that `normtheory verify --json` writes; statements are LaTeX, formulas between dollar signs."""
    return [
        {
            "id": entry.id,
            "where": entry.where,
            "statement": entry.statement.latex,
            "corrected_statement": entry.corrected_statement.latex if entry.corrected_statement else "",
            "verdict": entry.verdict.value,
            "expected": entry.expected.value,
            "evidence": entry.evidence,
            "seconds": round(entry.seconds, 3),
            "steps": [
                {"of": title, "text": step.text, "formula": step.equation, "route": step.route, "truth": step.truth.value}
                for title, _, evidence in entry.judged
                for step in evidence.steps
            ],
            "twins": [
                {"name": twin.name, "statement": twin.statement.latex, "rejected": twin.rejected} for twin in entry.twins
            ],
            "siblings": [
                {"name": each.name, "statement": each.statement.latex, "accepted": each.accepted} for each in entry.siblings
            ],
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


def describe(entry: Entry, width: int = WIDTH) -> str:
    """An entry as plain text: statement, assumptions, derivations, evidence and siblings (what `normtheory show` prints)."""
    page = _Page(width)
    verdict = entry.verdict.value + ("" if entry.verdict is entry.expected else f", expected {entry.expected.value}")
    page.paragraph(f"{entry.id}: {verdict}  ({entry.where}; {entry.source})")
    page.blank()
    page.paragraph(entry.statement.text, "Statement: ")
    if entry.assumed is not None:
        page.paragraph(entry.assumed.text, "With ")
    for reading in entry.reads:
        page.paragraph(reading.text, "Read as: ")
    for granted in entry.granted:
        page.paragraph(granted.text, "Taken for granted: ")
    for title, statement, evidence in entry.judged:
        page.blank()
        page.paragraph(f"{title}" if statement is entry.statement else f"{title}: {statement.text}")
        page.derivation(evidence)
    page.blank()
    page.paragraph(entry.evidence, "Evidence: ")
    page.blank()
    for twin in entry.twins:
        page.other(f"{'rejected' if twin.rejected else 'SURVIVED'}  false twin", twin)
    for each in entry.siblings:
        page.other(f"{'accepted' if each.accepted else 'REJECTED'}  true sibling", each)
    return "\n".join(page.lines)


class _Page:
    """Lines of text; an opening that derivations share is shown once."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.lines: list[str] = []
        self.shown: dict[str, tuple[str, ...]] = {}

    def blank(self) -> None:
        self.lines.append("")

    def paragraph(self, text: str, first: str = "", rest: str = "  ") -> None:
        self.lines += textwrap.wrap(
            text, self.width, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
        )

    def derivation(self, evidence: Evidence) -> None:
        """Numbered steps, shared openings by their name where they were shown before."""
        numbered = enumerate(evidence.steps, 1)
        for lemma, group in itertools.groupby(numbered, key=lambda step: step[1].lemma):
            self._group(lemma, list(group))
        if evidence.error is not None:
            self.paragraph(evidence.error, "  STOPPED: ", "     ")

    def _group(self, lemma: str, group: Sequence[tuple[int, Step]]) -> None:
        content = tuple(step.text + step.equation for _, step in group)
        if lemma and self.shown.get(lemma) == content and all(step.truth is Truth.TRUE for _, step in group):
            self.paragraph(f"{lemma}, as above", f"  {group[0][0]}-{group[-1][0]}. ", "     ")
            return
        if lemma:
            self.shown[lemma] = content
            self.paragraph(f"{lemma}:", "  ")
        for number, step in group:
            self._step(number, step)

    def _step(self, number: int, step: Step) -> None:
        self.paragraph(step.text, f"  {number}. ", "     ")
        if step.equation and step.equation != "0 = 0":
            self.paragraph(step.equation, "       ", "         ")
        told = "; ".join(part for part in (step.route, step.detail) if part)
        self.paragraph(f"[{MARKS[step.truth]}] {told}" if told else f"[{MARKS[step.truth]}]", "     ", "     ")

    def other(self, mark: str, other: Twin | Sibling) -> None:
        """A twin or a sibling, with what the check found."""
        self.paragraph(f"{other.name}: {other.statement.text}", f"  {mark}, ", "    ")
        self.paragraph(other.evidence.summary(), "    ", "    ")
