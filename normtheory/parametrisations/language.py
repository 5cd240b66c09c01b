"""The language in which a network is typed: sums, products, powers and a few functions of its weights, read without eval.

    program  := equation (";" equation)*          one output each
    equation := [name "="] sum
    sum      := product (("+" | "-") product)*
    product  := signed (("*" | "/") signed)*
    signed   := ("+" | "-") signed | power
    power    := atom [("^" | "**") signed]         the exponent is a number
    atom     := number | name | function "(" sum ")" | "(" sum ")"
    start    := assignment ("," assignment)*
    assignment := name "=" (name "=")* sum         w = v = 0.1 gives both the value 0.1

Numbers are exact: 0.1 is one tenth. No text is ever executed, and none can ask for more work than its length.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

from normtheory.arrays import InputError

Expression = Any  # sympy.Expr

LONGEST, DEEPEST = 2000, 60  # characters of a text; parentheses and signs within each other
LARGEST_EXPONENT, MOST_DIGITS = 64, 320  # of powers; of exact numbers, the range of float64
_NUMBER = r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_TOKEN = re.compile(rf"\s*(?:({_NUMBER})|([A-Za-z]\w*)|(\*\*|[-+*/^()=,;]))", re.ASCII)


class Token(NamedTuple):
    """A piece of the text: its kind (number, name, sign or end), its characters, and where it begins, from 1."""

    kind: str
    text: str
    place: int


@cache
def functions() -> Mapping[str, Callable[[Expression], Expression]]:
    """The functions of the language by name."""
    import sympy as sp

    return {"sqrt": sp.sqrt, "exp": sp.exp, "log": sp.log, "tanh": sp.tanh, "erf": sp.erf, "abs": sp.Abs}


def read_network(text: str) -> dict[str, Expression]:
    """The outputs of a network, in the order of the text, by name; those without names are called beta, or beta_1, beta_2.

    Raises
    ------
    InputError
        If the text is not of the language; the message says where.
    """
    reader = _Reader.of(text, "the network")
    found: dict[str, Expression] = {}
    named = []
    while True:
        begins, name = reader.next, reader.left_side()
        named.append(name)
        called = name or f"beta_{len(named)}"
        if called in found:
            raise reader.error(f"two outputs are called {called}; give each a name of its own", begins)
        found[called] = reader.sum()
        if reader.next.kind == "end":
            break
        reader.expect(";")
        if reader.next.kind == "end":  # a semicolon at the end ends nothing more
            break
    return {"beta": found["beta_1"]} if named == [""] else found


def read_start(text: str) -> dict[str, Expression]:
    """The value of each weight at the start, by name.

    Raises
    ------
    InputError
        If the text is not of the language, or a weight is given twice.
    """
    reader = _Reader.of(text, "the start")
    found: dict[str, Expression] = {}
    while True:
        begins, names = reader.next, [reader.left_side()]
        if not names[0]:
            raise reader.error(f"a weight and = are missing before {reader.next.text or 'the end'}; write w=0.1")
        while more := reader.left_side():
            names.append(more)
        value = reader.sum()
        for name in names:
            if name in found:
                raise reader.error(f"{name} is given twice; give each weight one start", begins)
            found[name] = value
        if reader.next.kind == "end":
            return found
        reader.expect(",")


@dataclass
class _Reader:
    """Recursive descent over the tokens of one text."""

    text: str
    what: str
    tokens: list[Token]
    position: int = 0
    depth: int = field(default=0, init=False)

    @staticmethod
    def of(text: str, what: str) -> _Reader:
        if len(text) > LONGEST:
            raise InputError(f"{what} has {len(text)} characters; give at most {LONGEST}")
        tokens, at = [], 0
        while text[at:].strip():
            found = _TOKEN.match(text, at)
            if found is None:
                place = at + len(text[at:]) - len(text[at:].lstrip())
                raise InputError(f"{what}, character {place + 1}: {text[place]!r} has no meaning; use + - * / ^ ( ) and names")
            kind = ("number", "name", "sign")[next(i for i, group in enumerate(found.groups()) if group is not None)]
            tokens.append(Token(kind, found[found.lastindex or 0], found.start(found.lastindex or 0) + 1))
            at = found.end()
        return _Reader(text, what, [*tokens, Token("end", "", len(text) + 1)])

    @property
    def next(self) -> Token:
        return self.tokens[self.position]

    def error(self, message: str, token: Token | None = None) -> InputError:
        return InputError(f"{self.what}, character {(token or self.next).place}: {message}")

    def taken(self) -> Token:
        token = self.next
        self.position += token.kind != "end"
        return token

    def accept(self, *signs: str) -> str:
        """The sign that comes next, if it is one of these; else nothing."""
        return self.taken().text if self.next.kind == "sign" and self.next.text in signs else ""

    def expect(self, sign: str) -> None:
        if not self.accept(sign):
            shown = repr(self.next.text) if self.next.text else "the end"
            raise self.error(f"{sign!r} is missing before {shown}")

    def left_side(self) -> str:
        """The name before an equals sign, if that comes next; else nothing."""
        name, sign = self.tokens[self.position], self.tokens[min(self.position + 1, len(self.tokens) - 1)]
        if name.kind != "name" or sign.text != "=":
            return ""
        self._check_name(name)
        self.position += 2
        return name.text

    def sum(self) -> Expression:
        value = self.product()
        while sign := self.accept("+", "-"):
            value = value + self.product() if sign == "+" else value - self.product()
        return self._real(value)

    def product(self) -> Expression:
        value = self.signed()
        while sign := self.accept("*", "/"):
            place = self.next
            factor = self.signed()
            if sign == "/" and factor == 0:
                raise self.error("division by zero", place)
            value = value * factor if sign == "*" else value / factor
            self._check_size(value, place)
        return value

    def signed(self) -> Expression:
        with _Nested(self):
            if sign := self.accept("+", "-"):
                return -self.signed() if sign == "-" else self.signed()
            return self.power()

    def power(self) -> Expression:
        place = self.next
        base = self.atom()
        if not self.accept("^", "**"):
            return base
        exponent_at = self.next
        exponent = self.signed()
        if not exponent.is_Rational:
            raise self.error(f"the exponent {exponent} is not a number; give one such as 2 or 1/2 in parentheses", exponent_at)
        if max(abs(exponent.p), exponent.q) > LARGEST_EXPONENT:
            raise self.error(f"the exponent {exponent} is beyond {LARGEST_EXPONENT}", exponent_at)
        if base == 0 and exponent <= 0:
            raise self.error("0 has no such power", place)
        value = base**exponent
        self._check_size(value, place)
        return value

    def atom(self) -> Expression:
        import sympy as sp

        token = self.taken()
        if token.kind == "number":
            return self._number(token)
        if token.kind == "name":
            if self.next.text == "(":
                return self._called(token)
            self._check_name(token)
            return sp.Symbol(token.text, real=True)
        if token.text == "(":
            with _Nested(self):
                value = self.sum()
            self.expect(")")
            return value
        shown = repr(token.text) if token.text else "the end"
        raise self.error(f"a number, a name or a parenthesis is missing before {shown}", token)

    def _called(self, name: Token) -> Expression:
        known = functions()
        if name.text not in known:
            listed = ", ".join(known)
            raise self.error(f"{name.text} is no function of the language ({listed}); a product needs its *", name)
        self.expect("(")
        with _Nested(self):
            argument = self.sum()
        self.expect(")")
        value = known[name.text](argument)
        self._check_size(value, name)
        return value

    def _check_name(self, token: Token) -> None:
        if token.text in functions():
            raise self.error(f"{token.text} is a function; give its argument in parentheses, or another name", token)

    def _number(self, token: Token) -> Expression:
        import sympy as sp

        power = re.search(r"[eE]([+-]?[0-9]+)$", token.text)
        if (power and len(power[1]) > 4) or len(token.text) > MOST_DIGITS:
            raise self.error(f"{token.text[:20]}... leaves the range of float64", token)
        value = sp.Rational(token.text)
        self._check_size(value, token)
        return value

    def _check_size(self, value: Expression, token: Token) -> None:
        """Refuse what is no number, and exact numbers beyond the range of float64, of which powers would have no end."""
        import sympy as sp

        if value.has(sp.zoo, sp.nan, sp.oo, sp.I):
            raise self.error("this has no finite real value", token)
        sizes = (max(abs(each.p).bit_length(), each.q.bit_length()) for each in value.atoms(sp.Rational))
        if max(sizes, default=0) > MOST_DIGITS * 4:
            raise self.error("a number leaves the range of float64", token)

    def _real(self, value: Expression) -> Expression:
        if value.is_number and value.is_real is not True:
            raise self.error("this has no finite real value")
        return value


@dataclass
class _Nested:
    """Counts how deep the text is nested, and refuses what would exhaust Python's own stack."""

    reader: _Reader

    def __enter__(self) -> None:
        self.reader.depth += 1
        if self.reader.depth > DEEPEST:
            raise self.reader.error(f"signs and parentheses stand more than {DEEPEST} deep within each other")

    def __exit__(self, *_: object) -> None:
        self.reader.depth -= 1


def written(expression: Expression, names: Sequence[Expression] = ()) -> str:
    """A formula as it is typed: positive terms first, then in the order of the names."""
    import sympy as sp

    order = {name: place for place, name in enumerate(names)}

    def first(term: Expression) -> tuple[bool, int, str]:
        places = [order[symbol] for symbol in term.free_symbols if symbol in order]
        return (term.could_extract_minus_sign(), min(places, default=len(order)), str(term))

    terms = sorted(sp.Add.make_args(sp.sympify(expression)), key=first)
    text = "".join(f" - {_factors(-t)}" if t.could_extract_minus_sign() else f" + {_factors(t)}" for t in terms)
    return text.removeprefix(" + ") if not text.startswith(" - ") else f"-{text[3:]}"


def _factors(term: Expression) -> str:
    text = str(term).replace("**", "^").replace("Abs(", "abs(")
    return f"({text})" if term.is_Add else text
