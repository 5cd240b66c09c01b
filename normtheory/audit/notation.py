"""How symbols and formulas are written: in LaTeX, and as text that a person can read in a terminal.

A symbol that is made by `symbol` knows both of its spellings; any other is written as sympy would.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any, NamedTuple

Expression = Any  # sympy.Expr


class Spelling(NamedTuple):
    """How a symbol is written."""

    latex: str
    text: str


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
        If the same symbol already has another spelling.
    """
    import sympy as sp

    found = sp.Symbol(name, **assumptions)
    if latex or text:
        spelling = Spelling(latex or sp.latex(found), text or name)
        if _spellings.setdefault(found, spelling) != spelling:
            raise ValueError(f"the symbol {name} is already written {_spellings[found].text}")
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
    """A formula on one line of Unicode text; several, with commas between them."""
    if isinstance(value, tuple | list):
        return ", ".join(map(text, value))
    return str(_text_printer().doprint(_sympified(value)))


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
    if each.is_integer:
        return "positive integer" if each.is_positive else "integer"
    if each.is_positive:
        return "positive"
    if each.is_nonnegative:
        return "non-negative"
    if not each.is_real:
        return "complex"
    return "real, not zero" if each.is_nonzero else "real"


def _sympified(value: Any) -> Any:
    import sympy as sp

    return sp.sympify(value)


@cache
def _latex_printer() -> Any:
    from sympy.printing.latex import LatexPrinter

    class Printer(LatexPrinter):  # type: ignore[misc]
        """LaTeX with our spellings, and arcsinh by its usual name."""

        def _print_Symbol(self, expr: Any, style: str = "plain") -> str:
            found = _spellings.get(expr)
            return found.latex if found else str(super()._print_Symbol(expr, style))

        def _print_asinh(self, expr: Any, exp: Any = None) -> str:
            inside = self._print(expr.args[0])
            power = f"^{{{exp}}}" if exp is not None else ""
            return rf"\operatorname{{arcsinh}}{power}{{\left({inside} \right)}}"

    return Printer({"mul_symbol": None, "fold_short_frac": False})


_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_ROOTS = {2: "√", 3: "∛", 4: "∜"}


@cache
def _text_printer() -> Any:
    from sympy.printing.precedence import PRECEDENCE
    from sympy.printing.pretty.pretty_symbology import pretty_symbol
    from sympy.printing.str import StrPrinter

    class Printer(StrPrinter):  # type: ignore[misc]
        """One line: superscripts, roots, minus signs and Greek letters instead of ** and names."""

        def _print_Symbol(self, expr: Any) -> str:
            found = _spellings.get(expr)
            return found.text if found else str(pretty_symbol(expr.name))

        def _print_Add(self, expr: Any, order: Any = None) -> str:
            terms = [str(self._print(term)) for term in self._as_ordered_terms(expr, order=order)]
            return terms[0] + "".join(f" − {term[1:]}" if term[0] == "−" else f" + {term}" for term in terms[1:])

        def _print_Pow(self, expr: Any, rational: bool = False) -> str:
            base, power = expr.base, expr.exp
            if power.is_Rational and power.q in _ROOTS and abs(power.p) == 1:
                inside = str(self._print(base))
                root = _ROOTS[power.q] + (inside if base.is_Integer or (base.is_Atom and len(inside) == 1) else f"({inside})")
                return root if power.p == 1 else f"1/{root}"
            if power.is_Integer and power != -1:
                return str(self.parenthesize(base, PRECEDENCE["Pow"])) + str(power).translate(_SUPERSCRIPTS)
            if power == -1:
                return f"1/{self.parenthesize(base, PRECEDENCE['Pow'])}"
            return f"{self.parenthesize(base, PRECEDENCE['Pow'])}^({self._print(power)})"

        def _print_Mul(self, expr: Any) -> str:
            above, below = expr.as_numer_denom() if _is_fraction(expr) else (expr, None)
            top = self._factors(above)
            if below is None:
                return top
            bottom = self._print(below)
            closed = below.is_Atom or below.is_Pow or below.is_Function
            return f"{top}/{bottom if closed else f'({bottom})'}"

        def _factors(self, expr: Any) -> str:
            if not expr.is_Mul:
                return str(self.parenthesize(expr, PRECEDENCE["Mul"]))
            sign, rest = ("−", -expr) if expr.could_extract_minus_sign() else ("", expr)
            parts = rest.as_ordered_factors() if rest.is_Mul else [rest]
            return sign + " ".join(self.parenthesize(part, PRECEDENCE["Mul"]) for part in parts)

        def _print_Rational(self, expr: Any) -> str:
            return f"{expr.p}/{expr.q}".replace("-", "−")

        def _print_Integer(self, expr: Any) -> str:
            return str(expr.p).replace("-", "−")

        def _print_Abs(self, expr: Any) -> str:
            return f"|{self._print(expr.args[0])}|"

        def _print_asinh(self, expr: Any) -> str:
            return f"arcsinh({self._print(expr.args[0])})"

        def _print_Infinity(self, expr: Any) -> str:
            return "∞"

        def _print_exp(self, expr: Any) -> str:
            return f"exp({self._print(expr.args[0])})"

        def _print_Equality(self, expr: Any) -> str:
            return f"{self._print(expr.lhs)} = {self._print(expr.rhs)}"

    return Printer()


def _is_fraction(expr: Any) -> bool:
    """Whether a product has a factor that is written below a line."""
    return any(
        (factor.is_Rational and factor.q != 1) or (factor.is_Pow and factor.exp.is_Rational and factor.exp.is_negative)
        for factor in expr.args
    )
