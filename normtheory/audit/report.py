"""The ledger as a page to read: one self-contained HTML file, which needs no network, and the same as LaTeX.

Sentences and equations are LaTeX; the page holds them as MathML, which browsers set themselves.
"""

from __future__ import annotations

import base64
import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import IO, Any, NamedTuple

from normtheory.audit import formulas
from normtheory.audit.claims import Verdict
from normtheory.audit.judging import SIZE, Entry, Evidence
from normtheory.audit.steps import Step, Truth

MEANINGS = {
    Verdict.PROVED: "holds symbolically, and at random points by a second route",
    Verdict.CERTIFIED: "rests on inequalities certified in ball arithmetic on a stated domain",
    Verdict.CONFIRMED: "rests on numbers within an error budget stated in advance",
    Verdict.CORRECTED: "false or imprecise as printed; the corrected statement passes the same check",
    Verdict.REFUTED: "has an exact counterexample, and no correction",
    Verdict.UNDECIDED: "none of these; the evidence says what is missing",
}
MARKS = {Truth.TRUE: "holds", Truth.FALSE: "false", Truth.UNDECIDED: "undecided"}


class Group(NamedTuple):
    """Steps of a derivation that belong together: those of one opening, or those between two."""

    first: int  # the number of the first step
    steps: tuple[Step, ...]
    lemma: str

    @property
    def last(self) -> int:
        """The number of the last step."""
        return self.first + len(self.steps) - 1

    @property
    def content(self) -> tuple[str, ...]:
        """What it says, wherever it stands."""
        return (self.lemma, *(part for step in self.steps for part in (step.text, step.latex)))

    @property
    def holds(self) -> bool:
        """Whether every step does."""
        return all(step.truth is Truth.TRUE for step in self.steps)


def groups(evidence: Evidence) -> list[Group]:
    """The steps of a derivation by the openings that they stand in."""
    found, first = [], 1
    for lemma, each in itertools.groupby(evidence.steps, key=lambda step: step.lemma):
        found.append(Group(first, tuple(each), lemma))
        first = found[-1].last + 1
    return found


def shared(entries: Iterable[Entry]) -> dict[tuple[str, ...], tuple[int, Group]]:
    """The openings that several derivations have in common, numbered, by their content."""
    openings = [
        group
        for entry in entries
        for _, _, evidence in entry.judged
        for group in groups(evidence)
        if group.lemma and group.holds
    ]
    counts = Counter(group.content for group in openings)
    first = {group.content: group for group in openings if counts[group.content] > 1}
    return {content: (number, group) for number, (content, group) in enumerate(first.items(), 1)}


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

    folder, written = Path(folder), []
    for name, text in (("report.html", html(entries, pictures)), ("report.tex", tex(entries, pictures))):
        write_whole(folder / name, partial(_put, text.encode()))
        written.append(folder / name)
    return written


def _put(data: bytes, handle: IO[bytes]) -> None:
    handle.write(data)


def html(entries: Sequence[Entry], pictures: Mapping[str, Path] | None = None) -> str:
    """The page as one string."""
    sources = {name: _embedded(path) for name, path in (pictures or {}).items()}
    page = _template("report.html.j2", autoescape=True)
    return str(page.render(_facts(entries), pictures=sources, said=formulas.sentence, equation=formulas.equation))


def tex(entries: Sequence[Entry], pictures: Mapping[str, Path] | None = None) -> str:
    """The same as a LaTeX article."""
    files = {name: path.with_suffix(".png").name for name, path in (pictures or {}).items()}
    page = _template("report.tex.j2", autoescape=False)
    return str(
        page.render(
            _facts(entries),
            pictures=files,
            esc=formulas.escaped,
            said=formulas.printed,
            too_long=formulas.too_long,
            breakable=formulas.breakable,
        )
    )


def _facts(entries: Sequence[Entry]) -> dict[str, Any]:
    counts = Counter(entry.verdict for entry in entries)
    evidence = [evidence for entry in entries for _, _, evidence in entry.judged]
    return {
        "entries": entries,
        "groups": groups,
        "shared": shared(entries),
        "marks": MARKS,
        "size": SIZE.rstrip(": "),
        "counts": [(verdict, counts[verdict], MEANINGS[verdict]) for verdict in Verdict if counts[verdict]],
        "twins": [twin for entry in entries for twin in entry.twins],
        "siblings": [sibling for entry in entries for sibling in entry.siblings],
        "steps": sum(len(each.steps) for each in evidence),
        "arguments": sum(step.theorem is not None for each in evidence for step in each.steps),
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
