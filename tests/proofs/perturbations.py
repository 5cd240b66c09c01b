"""What a check is given, with one thing in it wrong: a constant, a sign, an exponent, a size, a word."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import sympy as sp

from normtheory.audit.derivation import Derivation
from normtheory.audit.statements import Said
from normtheory.audit.steps import Truth


def changed(subject: Any, path: str, value: Any) -> Any:
    """The subject with another value of a field, which may lie deeper: `theory.scale`."""
    name, _, deeper = path.partition(".")
    if deeper:
        value = changed(getattr(subject, name), deeper, value)
    if isinstance(subject, Said):
        return subject.but(**{name: value})
    return subject._replace(**{name: value}) if hasattr(subject, "_replace") else dataclasses.replace(subject, **{name: value})


def sites(value: Any) -> Iterator[tuple[str, list[Any]]]:
    """The places of a value where it can be wrong, and wrong values for each: all of them must not be accepted."""
    if isinstance(value, bool) or value is None:
        return
    if isinstance(value, str):
        yield "word", ["otherwise"]
    elif isinstance(value, tuple | list) and not hasattr(value, "_fields"):
        for place, part in enumerate(value):
            for name, wrong in sites(part):
                yield f"{place}: {name}", [type(value)([*value[:place], each, *value[place + 1 :]]) for each in wrong]
    elif isinstance(value, Mapping):
        for key, part in value.items():
            for name, wrong in sites(part):
                yield f"{key}: {name}", [{**value, key: each} for each in wrong]
    elif isinstance(value, int):
        yield "size", [value + 1, value - 1, 2 * value]
    elif isinstance(value, float):
        yield "number", [2 * value, value / 2, -value]
    elif isinstance(value, sp.Expr):
        yield from in_formula(value)
    else:
        inside = getattr(value, "_fields", None) or getattr(value, "__dict__", None)
        for name in inside or ():
            for place, wrong in sites(getattr(value, name)):
                yield f"{name}: {place}", [changed(value, name, each) for each in wrong]


def in_formula(formula: sp.Expr) -> Iterator[tuple[str, list[sp.Expr]]]:
    """The whole, each term of each sum, each number and each power of a letter: too large, too small, of the other sign."""
    yield "the whole", [2 * formula, formula / 2, -formula] if formula != 0 else [sp.Integer(1), sp.Integer(-1)]
    for path, part in _parts(formula):
        if part.is_Add:
            for term in part.args:
                yield f"the term {term}", [_put(formula, path, part + share * term) for share in (1, sp.Rational(-1, 2), -2)]
        elif part.is_Pow and part.exp.is_number:
            yield f"the exponent of {part}", [_put(formula, path, part.base ** (part.exp + shift)) for shift in (1, -1)]
        elif part.is_Symbol and path:
            yield f"the letter {part}", [_put(formula, path, wrong) for wrong in (2 * part, part / 2, part**2)]


def _parts(formula: sp.Expr, path: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], sp.Expr]]:
    yield path, formula
    for place, part in enumerate(formula.args):
        yield from _parts(part, (*path, place))


def _put(formula: sp.Expr, path: tuple[int, ...], part: sp.Expr) -> sp.Expr:
    if not path:
        return part
    args = list(formula.args)
    args[path[0]] = _put(args[path[0]], path[1:], part)
    return formula.func(*args)


def recorded(subject: Any, seen: set[str]) -> Any:
    """The same subject, of a class of its own, that writes down which of its fields are read."""
    kind = type(subject)

    def read(self, name):
        if not name.startswith("_"):
            seen.add(name)
        return kind.__getattribute__(self, name)

    def every(self):
        seen.update(kind._fields)
        return kind.__iter__(self)

    if hasattr(subject, "_fields"):
        made = type(kind.__name__, (kind,), {"__getattribute__": read, "__iter__": every})
        return made(*subject)
    made = type(kind.__name__, (kind,), {"__getattribute__": read})
    found = kind.__new__(made)
    found.__dict__.update(subject.__dict__)
    return found


def root(subject: Any, field: str) -> str:
    """The part of a field's path that can be changed: up to what is computed from other attributes."""
    found = []
    for name in field.split("."):
        if isinstance(getattr(type(subject), name, None), property):
            break
        subject = getattr(subject, name)
        found.append(name)
    return ".".join(found)


def at(subject: Any, path: str) -> Any:
    """The value of a field."""
    for name in path.split("."):
        subject = getattr(subject, name)
    return subject


class NotSoError(Exception):
    """A step does not hold."""


class Strict(Derivation):
    """A derivation that goes no further than it holds."""

    def _append(self, step):
        if step.truth is not Truth.TRUE:
            raise NotSoError
        return super()._append(step)


def accepts(check: Any, subject: Any, seed: str) -> bool:
    """Whether every step holds. A check may stop at a subject it can make nothing of, by any error."""
    proof = Strict(seed)
    try:
        check(proof, subject)
    except Exception:
        return False
    return any(step.strength is not None for step in proof.steps)
