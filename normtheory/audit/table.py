"""The ledger as a Markdown table: of every claim what is computed, what is argued, for which sizes, its twins and siblings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from normtheory.audit.judging import KINDS, Entry, Evidence
from normtheory.audit.steps import Theorem, Truth

START, END = "<!-- claims -->\n", "<!-- end of claims -->"  # where the table stands in a document
HEAD = "| claim | verdict | computed | by argument | for | false twins | true siblings |\n|---|---|---|---|---|---|---|"
WORDS = {Truth.TRUE: "true", Truth.FALSE: "false", Truth.UNDECIDED: "undecided"}


def table(entries: Sequence[Entry]) -> str:
    """A row for each claim, and then what the arguments cite."""
    cited = {step.theorem for entry in entries for step in _basis(entry).steps if step.theorem is not None}
    theorems = [f"- *{_name(theorem)}*: {theorem.value}" for theorem in Theorem if theorem in cited]
    return "\n".join([HEAD, *map(row, entries), "", "The theorems cited:", "", *theorems])


def row(entry: Entry) -> str:
    """A claim on one line. The steps are those of what is true: of the correction where there is one."""
    steps = _basis(entry).steps
    counts = Counter(step.kind for step in steps)
    computed = ", ".join(f"{counts[kind]} {kind}" for kind in KINDS[:-1] if counts[kind])
    argued = ", ".join(dict.fromkeys(_name(step.theorem) for step in steps if step.theorem is not None))
    twins, siblings = ("; ".join(each.name for each in others) for others in (entry.twins, entry.siblings))
    cells = (f"`{entry.id}`", _verdict(entry), computed, argued, entry.sizes, twins, siblings)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def between(document: str, start: str, end: str, text: str) -> str:
    """The document with `text` in place of what stands between two lines that mark where.

    Raises
    ------
    ValueError
        If the document does not mark the place.
    """
    before, first, rest = document.partition(start)
    _, last, after = rest.partition(end)
    if not (first and last):
        raise ValueError(f"the document lacks the lines {start.strip()} and {end.strip()}, between which the table is put")
    return f"{before}{start}{text}\n\n{end}{after}"


def inserted(document: str, entries: Sequence[Entry]) -> str:
    """The document with the table in its place.

    Raises
    ------
    ValueError
        If the document does not mark the place.
    """
    return between(document, START, END, table(entries))


def shown(document: str) -> list[str]:
    """The rows of the table in a document."""
    lines = document.partition(START)[2].partition(END)[0].splitlines()
    return [line for line in lines if line.startswith("| `")]


def _verdict(entry: Entry) -> str:
    if entry.exact is None:
        return entry.verdict.value
    return f"{entry.verdict.value} (as printed {WORDS[entry.printed.truth]}, exactly {WORDS[entry.exact.truth]})"


def _basis(entry: Entry) -> Evidence:
    """What is true: the correction, the first sibling of what is refuted, else the statement, exactly if it can be."""
    judged = entry.corrected or entry.exact or entry.printed
    instead = entry.siblings[0].evidence if entry.siblings else judged
    return instead if judged.truth is Truth.FALSE else judged


def _name(theorem: Theorem) -> str:
    return theorem.name.lower().replace("_", " ")
