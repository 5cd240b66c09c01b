"""The ledger as a page to read: one self-contained HTML file, which needs no network, and the same as LaTeX.

Statements and equations are LaTeX strings; the page holds them as MathML, which browsers set themselves.
"""

from __future__ import annotations

import base64
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import IO, Any

from normtheory.derivation import Step, Truth
from normtheory.ledger import SIZE, Entry, Evidence, Verdict

MEANINGS = {
    Verdict.PROVED: "holds symbolically, and at random points by a second route",
    Verdict.CERTIFIED: "rests on inequalities certified in ball arithmetic on a stated domain",
    Verdict.CONFIRMED: "rests on numbers within an error budget stated in advance",
    Verdict.CORRECTED: "false or imprecise as printed; the corrected statement passes the same check",
    Verdict.REFUTED: "has an exact counterexample, and no correction",
    Verdict.UNDECIDED: "none of these; the evidence says what is missing",
}
MARKS = {Truth.TRUE: "holds", Truth.FALSE: "false", Truth.UNDECIDED: "undecided"}
_BAR = '<mo stretchy="false">&#x0007C;'  # of an absolute value; browsers would set it apart like a relation
LONGEST_FORMULA = 1500  # LaTeX characters; a longer equation is shown as plain text, which a reader can copy
LONGEST_UNBROKEN = 500  # in print, between two places where a line may break: about what a line of fractions holds
SHORT_BRACKET = 120  # in print, a bracket of no more characters stays on one line


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
    from normtheory.tasks import write_whole

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
            _facts(entries), pictures=files, esc=escaped, long=_long_in_print, breakable=breakable, running=running
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
        loader=jinja2.PackageLoader("normtheory"),
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


@cache
def mathml(latex: str) -> Any:
    """A LaTeX formula as MathML, marked as safe to put into a page."""
    from latex2mathml.converter import convert
    from markupsafe import Markup

    return Markup(convert(_plain_commands(latex)).replace(_BAR, _BAR.replace(">", ' lspace="0" rspace="0">', 1)))


@cache
def statement(latex: str) -> Any:
    r"""A statement as text with inline formulas, which a line can break between: browsers do not break inside one.

    Breaks are possible at \\text, spaces and relations that stand outside all braces.
    """
    from markupsafe import Markup

    pieces = []
    for piece in _pieces(latex):
        text = re.fullmatch(r"\\text\{(.*)\}", piece)
        spaced = f"{' ' if piece[0].isspace() else ''}{mathml(piece.strip())}" if not text and piece.strip() else " "
        pieces.append(Markup.escape(text[1]) if text else Markup(spaced))
    return Markup("").join(pieces)


def _pieces(latex: str) -> list[str]:
    """Cut a formula at depth 0: texts by themselves, formulas before each relation and at each space."""
    pieces, depth = [""], 0
    for found in _TOKEN.findall(latex):
        depth += (found == "{") - (found == "}")
        if depth == 0 and found.startswith(r"\text{"):
            pieces += [found, ""]
        elif depth == 0 and found in (r"\quad", "\\ "):
            pieces += [" ", ""]
        elif depth == 0 and found in _RELATIONS:
            pieces.append(f" {found}")
        else:
            pieces[-1] += found
    return [piece for piece in pieces if piece]


_TOKEN = re.compile(r"\\text\{[^{}]*\}|\\(?:left|right)(?![a-zA-Z])\s*\\?.|\\[a-zA-Z]+|\\.|.", re.DOTALL)
_RELATIONS = ("=", "<", ">", r"\le", r"\ge", r"\to", r"\Rightarrow", r"\sim")


def formula(step: Step) -> Any:
    """The equation of a step as MathML, or as code where it is too long to be read as a formula."""
    from markupsafe import Markup

    if _long(step):
        return Markup("<code>{}</code>").format(step.equation)
    return Markup(str(mathml(step.latex)).replace('display="inline"', 'displaystyle="true"', 1))


def _long(step: Step) -> bool:
    return len(step.latex) > LONGEST_FORMULA


def _long_in_print(step: Step) -> bool:
    return _long(step) or max(_unbroken(breakable(step.latex))) > LONGEST_UNBROKEN


_LEFT, _RIGHT = re.compile(r"\\left(?![a-zA-Z])"), re.compile(r"\\right(?![a-zA-Z])")


def breakable(latex: str) -> str:
    r"""A formula that TeX can break at its sums, also inside long brackets: between \left and \right it never does."""
    groups: list[list[str]] = [[]]  # the tokens read so far, of the formula and of each bracket that is still open
    depths, depth = [], 0
    for token in _TOKEN.findall(latex):
        depth += (token == "{") - (token == "}")
        if _LEFT.match(token):
            groups.append([token])
            depths.append(depth)
        elif _RIGHT.match(token):
            left, *inside = groups.pop()
            groups[-1].append(_bracketed(left, "".join(inside), token, inner=depths.pop() > 0))
        else:
            groups[-1].append(token)
    return "".join(groups[0])


def _bracketed(left: str, inside: str, right: str, *, inner: bool) -> str:
    """A bracket as it is, or, if it is long and a line may break in it, with signs that do not grow."""
    if inner or len(inside) <= SHORT_BRACKET or len(_unbroken(inside)) == 1:
        return left + inside + right
    signs = [_LEFT.sub("", left).strip(), _RIGHT.sub("", right).strip()]
    first, last = ({"|": rf"\{side}vert ", ".": ""}.get(sign, sign) for sign, side in zip(signs, "lr", strict=True))
    return first + inside + last


def _unbroken(latex: str) -> list[int]:
    """Lengths, in characters, between the relations and signs at which TeX may break a line of this formula."""
    lengths, depth = [0], 0
    for token in _TOKEN.findall(latex):
        depth += (token == "{") - (token == "}") + bool(_LEFT.match(token)) - bool(_RIGHT.match(token))
        lengths[-1] += len(token)
        if depth == 0 and token in ("+", "-", *_RELATIONS) and lengths[-1] > len(token):
            lengths.append(0)
    return lengths


def running(latex: str) -> str:
    """A statement for a paragraph of LaTeX: text with inline formulas."""
    parts = []
    for piece in _pieces(latex):
        text = re.fullmatch(r"\\text\{(.*)\}", piece)
        space = " " if piece[0].isspace() else ""
        parts.append(text[1] if text else f"{space}${piece.strip()}$" if piece.strip() else " ")
    return "".join(parts)


def _plain_commands(latex: str) -> str:
    """Commands of TeX that the converter does not know, in ones that it does."""
    latex = (
        latex.replace(r"\!", "").replace(r"\textstyle", "").replace(r"\tfrac", r"\frac").replace(r"\arg", r"\operatorname{arg}")
    )
    latex = re.sub(r"\\[Bb]igg?(?![a-z])", "", latex)
    return re.sub(r"\\frac(\d)(\d)", r"\\frac{\1}{\2}", latex)


_TEX_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}",
} | {character: f"\\{character}" for character in "$&#_%"}  # fmt: skip


def escaped(text: str) -> str:
    """Plain text for LaTeX."""
    return "".join(_TEX_SPECIAL.get(character, character) for character in text)


def _embedded(path: Path) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(path.read_bytes()).decode()
