r"""Sentences and formulas for a page and for print: as MathML, and with places where a line may break.

Sentences are words with formulas between dollar signs. Neither browsers nor TeX break a line inside a formula as it is: a
page gets it in pieces, TeX without \left and \right around what is long.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any
from unicodedata import name

from normtheory.audit.statements import NAMES
from normtheory.audit.steps import Step

_BAR = '<mo stretchy="false">&#x0007C;'  # of an absolute value; browsers would set it apart like a relation
_FIRST_SIGN = re.compile(r"(<math[^>]*><mrow>)<mo>(?=&#x0002B;|&#x02212;)")
LONGEST_FORMULA = 1500  # LaTeX characters; a longer equation is shown as plain text, which a reader can copy
LONGEST_UNBROKEN = 500  # between two places where a line may break: about what a line of fractions holds on paper
SHORT_BRACKET = 120  # a bracket of no more characters stays on one line


@cache
def sentence(latex: str) -> Any:
    """A sentence for a page, marked as safe to put into it."""
    from markupsafe import Markup, escape

    parts = latex.split("$")
    return Markup("").join(_in_pieces(part) if place % 2 else escape(part) for place, part in enumerate(parts))


def equation(step: Step) -> Any:
    """The equation of a step for a page, or code where it is too long to be read as a formula."""
    from markupsafe import Markup

    if too_long(step):
        return Markup("<code>{}</code>").format(step.equation)
    return Markup(str(_in_pieces(step.latex)).replace('display="inline"', 'displaystyle="true"'))


def printed(latex: str) -> str:
    """A sentence for LaTeX."""
    parts = latex.split("$")
    return "".join(f"${breakable(part)}$" if place % 2 else escaped(part) for place, part in enumerate(parts))


def too_long(step: Step) -> bool:
    """Whether the equation of a step is too long to be set as a formula."""
    return len(step.latex) > LONGEST_FORMULA or max(map(len, _pieces(breakable(step.latex)))) > LONGEST_UNBROKEN


def _in_pieces(latex: str) -> Any:
    """A formula as pieces between which a line may break."""
    from markupsafe import Markup

    first, *others = map(mathml, _pieces(breakable(latex)))
    going_on = (Markup(_FIRST_SIGN.sub(r'\1<mo form="infix">', str(piece))) for piece in others)  # a sign keeps its spaces
    return Markup("<wbr>").join((first, *going_on))


@cache
def mathml(latex: str) -> Any:
    """A LaTeX formula as MathML, marked as safe to put into a page."""
    from latex2mathml.converter import convert
    from markupsafe import Markup

    return Markup(convert(_plain_commands(latex)).replace(_BAR, _BAR.replace(">", ' lspace="0" rspace="0">', 1)))


_TOKEN = re.compile(r"\\(?:left|right)(?![a-zA-Z])\s*\\?.|\\[a-zA-Z]+|\\.|.", re.DOTALL)
_RELATIONS = ("=", "<", ">", r"\le", r"\ge", r"\to", r"\Rightarrow", r"\sim")
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
    if inner or len(inside) <= SHORT_BRACKET or len(_pieces(inside)) == 1:
        return left + inside + right
    signs = [_LEFT.sub("", left).strip(), _RIGHT.sub("", right).strip()]
    first, last = ({"|": rf"\{side}vert ", ".": ""}.get(sign, sign) for sign, side in zip(signs, "lr", strict=True))
    return first + inside + last


def _pieces(latex: str) -> list[str]:
    """Cut a formula where a line may break: before the relations and signs that stand in no group."""
    pieces, depth, before = [""], 0, ""
    for token in _TOKEN.findall(latex):
        depth += (token == "{") - (token == "}") + bool(_LEFT.match(token)) - bool(_RIGHT.match(token))
        sign = token in ("+", "-", *_RELATIONS) and before not in ("_", "^")
        if depth == 0 and sign and before not in ("", "(", "[", ",", "sign"):
            pieces.append("")
        pieces[-1] += token
        before = "sign" if sign else token if token.strip() else before
    return [piece.strip() for piece in pieces]


def _plain_commands(latex: str) -> str:
    """Commands of TeX that the converter does not know, in ones that it does."""
    for command, known in ((r"\!", ""), (r"\arg", r"\operatorname{arg}"), (r"\lvert", "|"), (r"\rvert", "|")):
        latex = latex.replace(command, known)
    return latex


_TEX_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}",
} | {character: f"\\{character}" for character in "$&#_%"}  # fmt: skip
_TEX_SYMBOLS = {letter: rf"$\{name(letter).split()[-1].lower()}$" for letter in "αβγδεζηθικλμνξπρστυφχψω"}
_TEX_SYMBOLS |= {text: f"${name}$" for name, text in NAMES.items() if len(text) == 1 and not text.isascii()}
_TEX_SYMBOLS |= {sign: f"$_{{{plain}}}$" for sign, plain in zip("₀₁₂₃₄₅₆₇₈₉₊₋ᵢⱼ", "0123456789+-ij", strict=True)}
_TEX_SYMBOLS |= {sign: f"$^{{{plain}}}$" for sign, plain in zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ᵀ", "0123456789+-()T", strict=True)}
_TEX_SYMBOLS |= {
    "−": "$-$",
    "×": r"$\times$",
    "√": r"$\surd$",
    "\N{COMBINING TILDE}": r"$\tilde{\ }$",
    "\N{NO-BREAK SPACE}": "~",
}


def escaped(text: str) -> str:
    """Words for LaTeX."""
    return "".join(_for_tex(character) for character in text)


def _for_tex(character: str) -> str:
    found = _TEX_SPECIAL.get(character) or _TEX_SYMBOLS.get(character)
    return found or (character if ord(character) < 0x180 else f"[U+{ord(character):04X}]")  # TeX knows the Latin letters
