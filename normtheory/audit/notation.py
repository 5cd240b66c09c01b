"""How symbols and formulas are written: in LaTeX, and as text that a person can read in a terminal.

A symbol that is made by `symbol` knows both of its spellings; any other is written as sympy would.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple

from normtheory.audit.spellings import SPELLINGS, SUBSCRIPTS, TIED, Spelling

Expression = Any  # sympy.Expr


class Statement(NamedTuple):
    """A sentence as it is printed: in LaTeX, formulas between dollar signs, and as text."""

    latex: str
    text: str

    @property
    def plain(self) -> str:
        """The text with spaces of one kind: where lines are not broken."""
        return plain(self.text)


def symbol(name: str, latex: str = "", text: str = "", **assumptions: bool) -> Any:
    """A sympy symbol with its spellings; what is assumed of it is printed from the symbol itself.

    Parameters
    ----------
    name : str
        For sympy: plain letters.
    latex, text : str, optional
        In LaTeX and in a terminal (default: the name, as sympy prints it).
    assumptions
        Of sympy: real, positive, ...

    Raises
    ------
    ValueError
        If the same symbol is spelt otherwise elsewhere: to sympy the two would be one.
    """
    import sympy as sp

    found = sp.Symbol(name, **assumptions)
    if latex or text:
        spelling = Spelling(latex or sp.latex(found), text or name)
        if SPELLINGS.setdefault(found, spelling) != spelling:
            raise ValueError(f"{name} is spelt {SPELLINGS[found].latex} elsewhere; {spelling.latex} needs another name")
    return found


@contextmanager
def by_their_names(symbols: Iterable[Any]) -> Iterator[None]:
    """Write these symbols by their names inside, also those that the ledger spells otherwise: letters of a user's choice."""
    kept = {each: SPELLINGS.pop(each) for each in symbols if each in SPELLINGS}
    try:
        yield
    finally:
        SPELLINGS.update(kept)


def numbered(each: Any, number: int) -> Any:
    """A symbol of the same kind for one of several coordinates, a digit in place of the index d."""
    spelt = SPELLINGS.get(each, Spelling(latex(each), text(each)))
    name = spelt.latex.removesuffix("_d")
    inside = f"{{{name}}}" if "_" in name or "^" in name else name
    shown = spelt.text.removesuffix("_d") + str(number).translate(SUBSCRIPTS)
    return symbol(f"{each.name}_{number}", f"{inside}_{{{number}}}", shown, **each.assumptions0)


def latex(value: Any) -> str:
    """A formula in LaTeX; several, with commas between them."""
    if isinstance(value, tuple | list):
        return ",\\ ".join(map(latex, value))
    return str(_latex_printer().doprint(_sympified(value)))


def text(value: Any) -> str:
    """A formula on one line of Unicode text, to be broken before the signs of sums only; several, with commas between them."""
    if isinstance(value, tuple | list):
        return ", ".join(map(text, value))
    return str(_text_printer().doprint(_sympified(value)))


def plain(text: str) -> str:
    """A text without the ties that hold factors together."""
    return text.replace(TIED, " ")


def related(left: Any, sign: str, right: Any) -> Spelling:
    """An equation or an inequality; the sign as in a terminal."""
    signs = {"≥": r"\ge", "≤": r"\le"}
    return Spelling(f"{latex(left)} {signs.get(sign, sign)} {latex(right)}", f"{text(left)} {sign} {text(right)}")


def sentence(template: str, *parts: Any) -> Statement:
    """Words with braces in place of what follows: formulas, spelt ones, other sentences, words."""
    said = [_said(part) for part in parts]
    return Statement(template.format(*(part.latex for part in said)), template.format(*(part.text for part in said)))


def _said(part: Any) -> Statement:
    if isinstance(part, Statement):
        return part
    if isinstance(part, str):
        return Statement(part, part)
    spelt = part if isinstance(part, Spelling) else Spelling(latex(part), text(part))
    return Statement(f"${spelt.latex}$", spelt.text)


def assumed(values: Iterable[Any]) -> dict[str, list[Any]]:
    """What is assumed of the symbols in some formulas: the kind of number -> the symbols, in the order of their names."""
    import sympy as sp

    symbols = set().union(*(_sympified(value).free_symbols for value in values if not isinstance(value, str)), set())
    found: dict[str, list[Any]] = {}
    for each in sorted(symbols, key=str):
        if isinstance(each, sp.Symbol):
            found.setdefault(_kind(each), []).append(each)
    return found


def _kind(each: Any) -> str:
    if not each.is_commutative:
        return "real matrices and vectors"
    number = "integer" if each.is_integer else ""
    if each.is_positive or each.is_nonnegative:
        sign = "positive" if each.is_positive else "non-negative"
        return f"{sign} {number}".strip()
    if not each.is_real:
        return "complex"
    return f"{number or 'real'}, not zero" if each.is_nonzero else number or "real"


def _sympified(value: Any) -> Any:
    import sympy as sp

    return sp.sympify(value)


@cache
def _latex_printer() -> Any:
    from normtheory.audit.printers import Latex  # sympy is slow to import

    return Latex({"mul_symbol": None, "fold_short_frac": False, "inv_trig_style": "full"})


@cache
def _text_printer() -> Any:
    from normtheory.audit.printers import Text

    return Text()
