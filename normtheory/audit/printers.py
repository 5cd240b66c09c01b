"""Printers of formulas: sympy's own, with our spellings of symbols, functions, roots and signs."""

from __future__ import annotations

import re
from typing import Any

from sympy import S, fraction
from sympy.printing.latex import LatexPrinter
from sympy.printing.precedence import PRECEDENCE
from sympy.printing.pretty.pretty_symbology import pretty_symbol
from sympy.printing.str import StrPrinter

from normtheory.audit.spellings import SPELLINGS, SUPERSCRIPTS, TIED, decimal

Expression = Any  # sympy.Expr

_ROOTS = {2: "√", 3: "∛", 4: "∜"}
_FUNCTIONS = {
    "asinh": "arcsinh", "acosh": "arccosh", "atanh": "arctanh", "atan": "arctan", "asin": "arcsin", "acos": "arccos",
    "Max": "max", "Min": "min",
}  # fmt: skip
_RELATIONS = {"==": "=", "!=": "≠", "<": "<", "<=": "≤", ">": ">", ">=": "≥"}

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


class Latex(LatexPrinter):  # type: ignore[misc]
    """LaTeX with our spellings, sums in reading order, and decimals as short as they are."""

    def _print_Symbol(self, expr: Any, style: str = "plain") -> str:
        found = SPELLINGS.get(expr)
        return found.latex if found else str(super()._print_Symbol(expr, style))

    def _as_ordered_terms(self, expr: Any, order: Any = None) -> list[Expression]:
        return _in_reading_order(super()._as_ordered_terms(expr, order=order))

    def parenthesize_super(self, s: str) -> str:
        """The base of a power."""
        return s if _CLOSED_LATEX.fullmatch(s) else rf"\left({s}\right)"

    def _print_asinh(self, expr: Any, exp: Any = None) -> str:
        power = f"^{{{exp}}}" if exp is not None else ""
        return rf"\operatorname{{arcsinh}}{power}{{\left({self._print(expr.args[0])} \right)}}"

    def _print_Float(self, expr: Any) -> str:
        return decimal(expr).latex


class Text(StrPrinter):  # type: ignore[misc]
    """One line: superscripts, roots, minus signs and Greek letters instead of ** and names."""

    def _print_Symbol(self, expr: Any) -> str:
        found = SPELLINGS.get(expr)
        return found.text if found else str(pretty_symbol(expr.name))

    def _print_Add(self, expr: Any, order: Any = None) -> str:
        ordered = _in_reading_order(self._as_ordered_terms(expr, order=order))
        terms = [str(self._print(term)) for term in ordered]
        signed = [("−", term[1:]) if term[0] == "−" else ("+", term) for term in terms[1:]]
        return terms[0] + "".join(f" {sign}{TIED}{term}" for sign, term in signed)

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
            found += part if joined else f"·{part}" if part[0].isdecimal() else f"{TIED}{part}"
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
        raised = str(power).translate(SUPERSCRIPTS)
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
