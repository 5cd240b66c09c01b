"""The ways to prove an inequality: each says whether it succeeded, why or why not, and by which route."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

from normtheory.audit import balls
from normtheory.audit.notation import Statement, related, sentence
from normtheory.audit.proving import Rewriting, route_to_zero, sign_of_rational
from normtheory.audit.steps import Theorem

Expression = Any  # sympy.Expr
Symbol = Any  # sympy.Symbol
Agree = Callable[[Expression, Expression], bool]  # whether two expressions agree at random points: the second witness


class Attempt(NamedTuple):
    """What an attempt at a proof came to."""

    proved: bool
    why: Statement
    route: str = ""


def by_signs(
    expression: Expression,
    form: Expression,
    agree: Agree,
    *,
    given: Mapping[Symbol, Expression] | None = None,
    at: Mapping[Symbol, Expression] | None = None,
    by: Rewriting | None = None,
    known: Collection[Expression] = (),
    strict: bool = True,
) -> Attempt:
    """It equals a form whose sign follows from its symbols, some of which stand for what is known to be positive."""
    import sympy as sp

    given, at = given or {}, at or {}
    for earlier in given.values():
        if earlier not in known:
            return Attempt(False, sentence("no earlier step shows {}", related(earlier, ">", 0)))
    if not all(sp.sympify(value).is_positive for value in at.values()):
        return Attempt(False, sentence("the earlier steps are used outside their domain"))
    meaning = form.subs({symbol: earlier.subs(dict(at)) for symbol, earlier in given.items()})
    if not (form.is_positive if strict else form.is_nonnegative):
        return Attempt(False, sentence("the sign of {} does not follow from its symbols", form))
    if form == expression:
        return Attempt(True, sentence(""), "signs of its symbols")
    route = route_to_zero(expression - meaning, by) if agree(expression, meaning) else None
    if route is None:
        return Attempt(False, sentence("not proved equal to {}", meaning))
    stand_for = {symbol: earlier.subs(dict(at)) for symbol, earlier in given.items()}
    where = sentence(", where {}, positive by an earlier step" if given else "", _values(stand_for))
    return Attempt(True, sentence("it equals {}{}", form, where), f"{route}, signs of symbols")


def by_value(constant: Expression) -> Attempt:
    """A number is positive by its ball, or as a fraction."""
    holds = balls.sign(constant, {}) == 1
    route = "exact arithmetic" if constant.is_Rational else "ball arithmetic"
    return Attempt(holds, sentence("" if holds else "balls do not tell its sign"), route)


def by_earlier(
    expression: Expression, earlier: Expression, known: Collection[Expression], by: Rewriting | None, agree: Agree
) -> Attempt:
    """It exceeds what is known to be positive by something whose sign follows from its symbols."""
    import sympy as sp

    if earlier != 0 and earlier not in known:
        return Attempt(False, sentence("no earlier step shows the sign of {}", earlier))
    rest = expression - earlier if by is None else by(expression - earlier)
    for rewrite in (sp.expand, lambda e: sp.factor(sp.expand(e)), lambda e: sp.factor(sp.together(e))):
        found = rewrite(rest)
        if found.is_nonnegative and agree(expression, earlier + found):
            if earlier == 0:
                return Attempt(True, sentence("it equals {}", found), "signs of symbols")
            if found == 0:
                return Attempt(True, sentence(""), "an earlier step")
            more = sentence("it exceeds what an earlier step found positive by {}", found)
            return Attempt(True, more, "an earlier step, signs of symbols")
    return Attempt(False, sentence("the sign of {} does not follow from its symbols", sp.factor(sp.expand(rest))))


def by_sturm(
    expression: Expression,
    variable: Symbol,
    ends: tuple[Expression, Expression],
    earlier: Expression,
    known: Collection[Expression],
) -> Attempt:
    """It, or what it exceeds an earlier positive expression by, is a rational function without roots on the interval."""
    import sympy as sp

    if earlier != 0 and earlier not in known:
        return Attempt(False, sentence("no earlier step shows {}", related(earlier, ">", 0)))
    rest = sp.expand(sp.expand_log(expression - earlier))
    low, high = ends
    holds, _ = sign_of_rational(rest, variable, low, high)
    if holds is None:
        return Attempt(False, sentence("{} is no rational function of {} alone", rest, variable))
    more = sentence("it" if earlier == 0 else "what it exceeds {} by", related(earlier, ">", 0))
    found = "has no root" if holds else "is not positive"
    return Attempt(holds, sentence("{} {} for {} between {} and {}", more, found, variable, low, high), "Sturm's theorem")


def by_taylor(expression: Expression, variable: Symbol, order: int, form: Expression, agree: Agree, *, strict: bool) -> Attempt:
    """Its first derivatives vanish at 0, and the next equals a form whose sign follows from its symbols."""
    import sympy as sp

    if not variable.is_positive:
        return Attempt(False, sentence("{} is not declared positive", variable))
    missing = _not_vanishing(expression, variable, order, sp.Integer(0))
    if missing is not None:
        return Attempt(False, missing)
    found = by_signs(sp.diff(expression, variable, order), form, agree, strict=strict)
    if not found.proved:
        return Attempt(False, sentence(f"derivative {order}: {{}}", found.why))
    zero = related(variable, "=", 0)
    why = sentence(f"zero of order {order} at {{}}, and derivative {order} is {{}}", zero, form)
    return Attempt(True, why, "Taylor's theorem, signs of symbols")


def by_convexity(
    expression: Expression,
    variable: Symbol,
    start: Expression,
    form: Expression,
    where: Mapping[Symbol, Expression],
    agree: Agree,
) -> Attempt:
    """Value and slope vanish at a point, and the second derivative, on a domain parametrised by `where`, equals the form."""
    import sympy as sp

    missing = _not_vanishing(expression, variable, 2, start)
    if missing is not None:
        return Attempt(False, missing)
    curvature = sp.diff(expression, variable, 2).subs(dict(where))
    found = by_signs(curvature, form, agree, strict=False)
    if not found.proved:
        return Attempt(False, sentence("second derivative: {}", found.why))
    domain = sentence(", for {}" if where else "", _values(where))
    why = "value and slope vanish at {}, and the second derivative is {}{}; {}"
    return Attempt(True, sentence(why, start, form, domain, Theorem.TANGENT.value), "convexity, signs of symbols")


def _values(named: Mapping[Symbol, Expression]) -> Statement:
    values = [related(symbol, "=", value) for symbol, value in named.items()]
    return sentence(", ".join("{}" for _ in values), *values)


def by_balls_and_taylor(expression: Expression, variable: Symbol, order: int, box: balls.Box) -> Attempt:
    """A zero of the given order at 0, and the next derivative is positive on the box, in ball arithmetic."""
    import sympy as sp

    missing = _not_vanishing(expression, variable, order, sp.Integer(0))
    if missing is not None:
        return Attempt(False, missing)
    found = balls.positive_on_box(sp.diff(expression, variable, order), box)
    why = sentence(f"zero of order {order} at 0; {{}}", outcome(sentence(f"derivative {order}"), found, box))
    return Attempt(found.holds is True, why, "Taylor's theorem, ball arithmetic")


def _not_vanishing(expression: Expression, variable: Symbol, order: int, start: Expression) -> Statement | None:
    import sympy as sp

    for n in range(order):
        if route_to_zero(sp.diff(expression, variable, n).subs(variable, start), None) is None:
            return sentence(f"derivative {n} does not vanish at {{}}", start)
    return None


def outcome(name: Statement, found: balls.BoxResult, box: balls.Box) -> Statement:
    """What subdivision found, in words."""
    sides = [sentence("{} in [{}, {}]", symbol, *ends) for symbol, ends in box.items()]
    cover = sentence(" × ".join("{}" for _ in sides), *sides)
    if found.holds:
        return sentence(f"{{}} is positive on each of {found.boxes} boxes that cover {{}}", name, cover)
    if found.counterexample is not None:
        return sentence("{} is not positive at {}", name, _values(found.counterexample))
    return sentence(f"{{}} is undecided on {{}} after {found.boxes} boxes", name, cover)
