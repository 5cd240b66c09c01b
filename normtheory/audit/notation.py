"""How symbols and formulas are written: in LaTeX, and as text that a person can read in a terminal.

A symbol that is made by `symbol` knows both of its spellings; any other is written as sympy would.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Any, NamedTuple

Expression = Any  # sympy.Expr


class Spelling(NamedTuple):
    """How something is written."""

    latex: str
    text: str


class Statement(NamedTuple):
    """A sentence as it is printed: in LaTeX, formulas between dollar signs, and as text."""

    latex: str
    text: str

    @property
    def plain(self) -> str:
        """The text with spaces of one kind: where lines are not broken."""
        return plain(self.text)


_spellings: dict[Any, Spelling] = {}


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
        if _spellings.setdefault(found, spelling) != spelling:
            raise ValueError(f"{name} is spelt {_spellings[found].latex} elsewhere; {spelling.latex} needs another name")
    return found


def numbered(each: Any, number: int) -> Any:
    """A symbol of the same kind for one of several coordinates, a digit in place of the index d."""
    spelt = _spellings.get(each, Spelling(latex(each), text(each)))
    name = spelt.latex.removesuffix("_d")
    inside = f"{{{name}}}" if "_" in name or "^" in name else name
    shown = spelt.text.removesuffix("_d") + str(number).translate(_SUBSCRIPTS)
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
    return text.replace(_TIED, " ")


def decimal(value: float, digits: int = 15) -> Spelling:
    """A number that was measured, to so many digits."""
    return scientific(f"{float(value):.{digits}g}")


def scientific(number: str) -> Spelling:
    """A decimal number as programs write it, with e before a power of ten, as people do."""
    mantissa, _, power = number.partition("e")
    shown = mantissa.replace("-", "−")
    if not power:
        return Spelling(mantissa, shown)
    latex, text = f"10^{{{int(power)}}}", f"10{str(int(power)).translate(_SUPERSCRIPTS)}"
    return Spelling(latex, text) if mantissa == "1" else Spelling(rf"{mantissa} \cdot {latex}", f"{shown}·{text}")


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


_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_ROOTS = {2: "√", 3: "∛", 4: "∜"}
_FUNCTIONS = {
    "asinh": "arcsinh", "acosh": "arccosh", "atanh": "arctanh", "atan": "arctan", "asin": "arcsin", "acos": "arccos",
    "Max": "max", "Min": "min",
}  # fmt: skip
_RELATIONS = {"==": "=", "!=": "≠", "<": "<", "<=": "≤", ">": ">", ">=": "≥"}
_TIED = "\N{NO-BREAK SPACE}"  # between factors, and after a sign

# Names that may be raised to a power as they stand: a letter, or a function's value, with indices, or what bars enclose.
_CLOSED_LATEX = re.compile(r"(?:\\?[A-Za-z]+(?:\([^()]*\))?|\|[^|]*\||\\\|[^|]*\\\||\\langle.*\\rangle)(?:_(?:\{[^{}]*\}|.))?")
_CLOSED_TEXT = re.compile(r"(?:[^\W\d]|\|[^|]*\||‖[^‖]*‖|⟨.*⟩|\w+(?=\())(?:_[^\W_,]+(?:,\w)?)?[₀-₉₊₋ᵢⱼ]*(?:\(\w*(?:,\w*)*\))?")


def _in_reading_order(terms: list[Expression]) -> list[Expression]:
    """A sum does not begin with a minus sign where it need not."""
    negative = [term.could_extract_minus_sign() for term in terms]
    if not negative[0] or all(negative):
        return terms
    if not negative[-1]:
        return terms[::-1]
    first = negative.index(False)
    return [terms[first], *terms[:first], *terms[first + 1 :]]


@cache
def _latex_printer() -> Any:
    from sympy.printing.latex import LatexPrinter

    class Printer(LatexPrinter):  # type: ignore[misc]
        """LaTeX with our spellings, sums in reading order, and decimals as short as they are."""

        def _print_Symbol(self, expr: Any, style: str = "plain") -> str:
            found = _spellings.get(expr)
            return found.latex if found else str(super()._print_Symbol(expr, style))

        def _as_ordered_terms(self, expr: Any, order: Any = None) -> list[Expression]:
            return _in_reading_order(super()._as_ordered_terms(expr, order=order))

        def parenthesize_super(self, s: str) -> str:
            return s if _CLOSED_LATEX.fullmatch(s) else rf"\left({s}\right)"

        def _print_asinh(self, expr: Any, exp: Any = None) -> str:
            power = f"^{{{exp}}}" if exp is not None else ""
            return rf"\operatorname{{arcsinh}}{power}{{\left({self._print(expr.args[0])} \right)}}"

        def _print_Float(self, expr: Any) -> str:
            return decimal(expr).latex

    return Printer({"mul_symbol": None, "fold_short_frac": False, "inv_trig_style": "full"})


@cache
def _text_printer() -> Any:
    from sympy import S, fraction
    from sympy.printing.precedence import PRECEDENCE
    from sympy.printing.pretty.pretty_symbology import pretty_symbol
    from sympy.printing.str import StrPrinter

    class Printer(StrPrinter):  # type: ignore[misc]
        """One line: superscripts, roots, minus signs and Greek letters instead of ** and names."""

        def _print_Symbol(self, expr: Any) -> str:
            found = _spellings.get(expr)
            return found.text if found else str(pretty_symbol(expr.name))

        def _print_Add(self, expr: Any, order: Any = None) -> str:
            ordered = _in_reading_order(self._as_ordered_terms(expr, order=order))
            terms = [str(self._print(term)) for term in ordered]
            signed = [("−", term[1:]) if term[0] == "−" else ("+", term) for term in terms[1:]]
            return terms[0] + "".join(f" {sign}{_TIED}{term}" for sign, term in signed)

        def _print_Mul(self, expr: Any) -> str:
            if expr.as_coeff_Mul()[0].is_negative:
                return f"−{self._product(-expr)}"
            return self._product(expr)

        def _product(self, expr: Any) -> str:
            above, below = fraction(expr, exact=True)
            return self._factors(above) if below is S.One else self._over(self._factors(above), below)

        def _over(self, above: str, below: Any) -> str:
            closed = below.is_Atom or below.is_Pow or below.is_Function
            return f"{above}/{self._closed(below) if closed else f'({self._print(below)})'}"

        def _factors(self, expr: Any) -> str:
            parts = [self._closed(part) for part in (expr.as_ordered_factors() if expr.is_Mul else [expr])]
            found = parts[0]
            for part in parts[1:]:
                joined = found.isdecimal() and not re.match(r"\d|\w\w+[²-⁹]*\(", part)
                found += part if joined else f"·{part}" if part[0].isdecimal() else f"{_TIED}{part}"
            return found

        def _closed(self, expr: Any) -> str:
            """As a factor."""
            shown = str(self.parenthesize(expr, PRECEDENCE["Mul"]))
            return f"({shown})" if expr.is_Symbol and " " in shown else shown

        def _base(self, expr: Any) -> str:
            shown = str(self.parenthesize(expr, PRECEDENCE["Pow"]))
            return f"({shown})" if expr.is_Symbol and not _CLOSED_TEXT.fullmatch(shown) else shown

        def _print_Pow(self, expr: Any, rational: bool = False) -> str:
            base, power = expr.base, expr.exp
            if power.is_Rational and power.is_negative and base.is_commutative:
                return self._over("1", base**-power)
            if power.is_Rational and power.p == 1 and power.q in _ROOTS:
                inside = str(self._print(base))
                bare = (base.is_Integer and base.is_positive) or len(inside) == 1
                return _ROOTS[power.q] + (inside if bare else f"({inside})")
            if not power.is_Integer:
                return f"{self._base(base)}^{self._print(power) if power.is_Symbol else f'({self._print(power)})'}"
            raised = str(power).translate(_SUPERSCRIPTS)
            if base.is_Function and base.func.__name__ not in ("exp", "Abs"):
                return self._print_Function(base, raised)
            return self._base(base) + raised

        def _print_Function(self, expr: Any, power: str = "") -> str:
            name = expr.func.__name__
            return f"{_FUNCTIONS.get(name, name)}{power}({', '.join(map(self._print, expr.args))})"

        _print_exp = _print_LatticeOp = _print_Function  # noqa: N815 - as sympy names them

        def _print_Abs(self, expr: Any) -> str:
            inside = self._print(expr.args[0])
            return f"abs({inside})" if "|" in inside else f"|{inside}|"

        def _print_Rational(self, expr: Any) -> str:
            return f"{expr.p}/{expr.q}".replace("-", "−")

        def _print_Integer(self, expr: Any) -> str:
            return str(expr.p).replace("-", "−")

        def _print_Float(self, expr: Any) -> str:
            return decimal(expr).text

        def _print_Infinity(self, expr: Any) -> str:
            return "∞"

        def _print_NegativeInfinity(self, expr: Any) -> str:
            return "−∞"

        def _print_Pi(self, expr: Any) -> str:
            return "π"

        def _print_Exp1(self, expr: Any) -> str:
            return "e"

        def _print_Relational(self, expr: Any) -> str:
            return f"{self._print(expr.lhs)} {_RELATIONS[expr.rel_op]} {self._print(expr.rhs)}"

    return Printer()
