"""LaTeX formulas for a page and for print: as MathML, and with places where a line may break."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from normtheory.audit.steps import Step

_BAR = '<mo stretchy="false">&#x0007C;'  # of an absolute value; browsers would set it apart like a relation
LONGEST_FORMULA = 1500  # LaTeX characters; a longer equation is shown as plain text, which a reader can copy
LONGEST_UNBROKEN = 500  # in print, between two places where a line may break: about what a line of fractions holds
SHORT_BRACKET = 120  # in print, a bracket of no more characters stays on one line


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


def long_in_print(step: Step) -> bool:
    """Whether the equation of a step is too long to be set as a formula on paper."""
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
