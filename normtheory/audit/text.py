"""The ledger in plain text and JSON: one entry with its derivation, lines and tables of many, what `verify --json` writes."""

from __future__ import annotations

import itertools
import shutil
import textwrap
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from normtheory.audit.claims import Claim, Verdict, section
from normtheory.audit.judging import SIZE, Entry, Evidence, Sibling, Twin
from normtheory.audit.notation import plain
from normtheory.audit.statements import in_text
from normtheory.audit.steps import Step, Truth

WIDEST = 100  # columns; longer lines are hard to read
MARKS = {Truth.TRUE: "ok", Truth.FALSE: "FALSE", Truth.UNDECIDED: "UNDECIDED"}


def columns() -> int:
    """Of the terminal, WIDEST at most."""
    return min(WIDEST, shutil.get_terminal_size((WIDEST, 24)).columns)


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
                {
                    "of": title,
                    "text": step.text,
                    "formula": plain(step.equation),
                    "route": step.route,
                    "truth": step.truth.value,
                }
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


def header(ids: Iterable[str]) -> str:
    """What stands above the lines of entries with these ids."""
    return _columned(ids, "claim", "verdict", "twins", "siblings", "seconds")


def line(entry: Entry, ids: Iterable[str]) -> str:
    """An entry on one line: its verdict, the twins that were rejected and the siblings that were accepted, of all."""
    twins = f"{sum(twin.rejected for twin in entry.twins)}/{len(entry.twins)}"
    siblings = f"{sum(each.accepted for each in entry.siblings)}/{len(entry.siblings)}" if entry.siblings else ""
    return _columned(ids, entry.id, entry.verdict.value, twins, siblings, f"{entry.seconds:.2f}")


def _columned(ids: Iterable[str], name: str, verdict: str, twins: str, siblings: str, seconds: str) -> str:
    width = max(map(len, ("claim", *ids)))
    return f"{name:<{width}}  {verdict:<9}  {twins:<5}  {siblings:<8} {seconds:>7}"


def totals(entries: Sequence[Entry], seconds: float, width: int) -> str:
    """How many claims have which verdict, and everything that is not as expected."""
    counts = Counter(entry.verdict.value for entry in entries)
    page = _Page(width)
    verdicts = ", ".join(f"{count} {name}" for name, count in counts.items())
    page.paragraph(f"{len(entries)} claims in {seconds:.1f} s: {verdicts}")
    wrong = [entry for entry in entries if not entry.ok]
    for entry in wrong:
        page.paragraph(f"{entry.id}: {'; '.join(entry.problems)}", "NOT AS EXPECTED  ")
    if not wrong:
        twins, siblings = (sum(map(len, others)) for others in ([e.twins for e in entries], [e.siblings for e in entries]))
        page.paragraph(
            f"Every verdict is as expected, every false twin was rejected ({twins}), every true sibling accepted ({siblings})."
        )
    return page.text


def listed(claim: Claim[Any], width: int) -> str:
    """A claim before it is run: id, expected verdict, place, statement."""
    page = _Page(width)
    page.paragraph(f"{claim.id}  {claim.expected.value}  {claim.where}")
    page.paragraph(in_text(claim.statement, claim.printed), "  ")
    return page.text


def describe(entry: Entry, width: int | None = None) -> str:
    """An entry as plain text: statement, assumptions, derivations, twins and siblings (what `normtheory show` prints).

    Parameters
    ----------
    width : int, optional
        Columns (default: the terminal's, WIDEST at most).
    """
    page = _Page(width or columns())
    verdict = entry.verdict.value + ("" if entry.verdict is entry.expected else f", expected {entry.expected.value}")
    page.paragraph(f"{entry.id}: {verdict}")
    page.paragraph(f"{entry.where}; {entry.source}")
    for problem in entry.problems:
        page.paragraph(problem, "PROBLEM: ")
    page.blank()
    page.paragraph(entry.statement.text, "Statement: " if entry.corrected is None else "As printed: ")
    if entry.corrected_statement is not None and entry.corrected is not None:
        page.paragraph(entry.corrected_statement.text, "True instead: ")
    if entry.assumed is not None:
        page.paragraph(entry.assumed.text, "With ")
    for reading in entry.reads:
        page.paragraph(reading.text, "Read as: ")
    for granted in entry.granted:
        page.paragraph(granted.text, "Taken for granted: ")
    for title, statement, evidence in entry.judged:
        page.heading(title if len(entry.judged) > 1 else "Derivation")
        if evidence is entry.exact:
            page.paragraph(statement.text, "  ")
        page.derivation(evidence)
    for note in entry.size.notes if entry.size is not None else ():
        page.heading(SIZE.rstrip(": "))
        page.paragraph(note, "  ")
    page.others("False twins", entry.twins)
    page.others("True siblings", entry.siblings)
    return page.text


class _Page:
    """Lines of text; an opening that derivations share is shown once."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.lines: list[str] = []
        self.shown: dict[str, tuple[str, ...]] = {}

    @property
    def text(self) -> str:
        return plain("\n".join(self.lines))

    def blank(self) -> None:
        self.lines.append("")

    def heading(self, title: str) -> None:
        self.blank()
        self.paragraph(title)

    def paragraph(self, text: str, first: str = "", rest: str = "  ") -> None:
        self.lines += textwrap.wrap(
            text,
            self.width,
            initial_indent=first,
            subsequent_indent=max(rest, " " * (len(first) - len(first.lstrip()))),
            break_long_words=False,
            break_on_hyphens=False,
        )

    def derivation(self, evidence: Evidence) -> None:
        """Numbered steps, shared openings by their name where they were shown before, and what they come to."""
        numbered = enumerate(evidence.steps, 1)
        for lemma, group in itertools.groupby(numbered, key=lambda step: step[1].lemma):
            self._group(lemma, list(group))
        self.paragraph(" ".join((evidence.said.text, *evidence.notes)), "  ")

    def _group(self, lemma: str, group: Sequence[tuple[int, Step]]) -> None:
        content = tuple(step.text + step.equation for _, step in group)
        if lemma and self.shown.get(lemma) == content and all(step.truth is Truth.TRUE for _, step in group):
            numbers = f"{group[0][0]}–{group[-1][0]}" if len(group) > 1 else f"{group[0][0]}"
            self.paragraph(f"{lemma}, as above", f"  {numbers}. ", "     ")
            return
        if lemma:
            self.shown[lemma] = content
            self.paragraph(f"{lemma}:", "  ", "    ")
        for number, step in group:
            self._step(number, step)

    def _step(self, number: int, step: Step) -> None:
        self.paragraph(step.text, f"  {number}. ", "     ")
        if step.equation:
            self.paragraph(step.equation, "       ", "         ")
        self.paragraph(f"[{MARKS[step.truth]}] {step.reason.text}", "     ", "     ")

    def others(self, title: str, others: Sequence[Twin | Sibling]) -> None:
        """Twins or siblings, with what the check found."""
        if others:
            self.heading(title)
        for other in others:
            self.paragraph(f"{_fared(other)}  {other.name}", "  ", "    ")
            self.paragraph(other.statement.text, "    ", "    ")
            self.paragraph(other.evidence.said.text, "    ", "    ")


def _fared(other: Twin | Sibling) -> str:
    if isinstance(other, Twin):
        return "rejected" if other.rejected else "SURVIVED"
    return "accepted" if other.accepted else "REJECTED"
