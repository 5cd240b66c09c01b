"""A derivation as a list of steps that a reader can follow, each checked by machine when it is written down.

A step is an equation or an inequality with a sentence. The methods of `Derivation` are the ways a step can be checked; each
says how strong its evidence is, records the step and returns whether it holds. Sympy is never the only witness: whatever it
proves is evaluated at random rational points in ball arithmetic, which also supplies the counterexample to a false step. What
is no computation is an argument: it names the standard theorem that it cites, and is printed as what it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from normtheory.audit import balls, notation
from normtheory.audit.inequalities import (
    Attempt,
    by_balls_and_taylor,
    by_convexity,
    by_earlier,
    by_signs,
    by_sturm,
    by_taylor,
    by_value,
    outcome,
)
from normtheory.audit.notation import sentence
from normtheory.audit.points import (
    FAR_POINTS,
    FAR_POWERS,
    INEQUALITY_POINTS,
    INFINITE,
    Point,
    at,
    compared,
    corners,
    draws,
    next_to_ends,
    value,
    violations,
)
from normtheory.audit.proving import Rewriting, route_to_zero, sign_of_rational
from normtheory.audit.spellings import decimal, scientific
from normtheory.audit.steps import Step, Strength, Theorem, Truth

Expression = Any  # sympy.Expr
Symbol = Any  # sympy.Symbol
Domain = Mapping[Symbol, Expression]  # in symbols that run from -1 to 1, their names beginning with SHARE

SHARE = "share"


class ContradictionError(RuntimeError):
    """Two routes contradict each other, so that one of the tools used is wrong: nothing may be concluded."""


class Derivation:
    """Records and checks the steps of one derivation.

    Parameters
    ----------
    seed : str
        Names the derivation; the random points follow from it and from the number of the step.
    """

    def __init__(self, seed: str) -> None:
        self.steps: list[Step] = []
        self.notes: list[str] = []
        self._seed = seed
        self._positive: list[Expression] = []  # shown to be positive by earlier steps, wherever their symbols allow
        self._domains: dict[Expression, Domain] = {}  # shown not to be negative, and where
        self._lemma = ""

    def note(self, sentence: str) -> None:
        """Add a sentence to the evidence: a number a reader will want, not a step."""
        self.notes.append(sentence)

    @contextmanager
    def lemma(self, name: str) -> Iterator[None]:
        """What is written inside is an opening that derivations share: it is shown once, and referred to by its name."""
        before, self._lemma = self._lemma, name
        try:
            yield
        finally:
            self._lemma = before

    def argue(self, text: str, theorem: Theorem) -> bool:
        """A step that is no computation: by a standard theorem, which it names."""
        return self._append(Step(text, "", "", Truth.TRUE, None, sentence(theorem.value), "by argument", theorem=theorem))

    def lacking(self, text: str, what: str) -> bool:
        """A step that cannot be decided, as data are lacking; `what` says which."""
        return self._append(Step(text, "", "", Truth.UNDECIDED, Strength.NUMERIC, sentence("{}", what)))

    def equal(self, text: str, left: Expression, right: Expression, *, by: Rewriting | None = None) -> bool:
        """left = right for all values of the symbols that their assumptions allow. Symbolic.

        Parameters
        ----------
        by : function, optional
            A change of variables that covers the whole domain, under which sympy sees the difference vanish. It guides the
            proof only; the points are evaluated without it.
        """
        import sympy as sp

        left, right = sp.sympify(left), sp.sympify(right)
        counterexample, agreed = self._compare(left, right)
        route = route_to_zero(left - right, by, thorough=counterexample is None)
        if route and counterexample is not None:
            raise ContradictionError(f"{at(counterexample).text}sympy proves {left} = {right}, yet they differ")
        if counterexample is not None:
            values = (value(side, counterexample) for side in (left, right))
            detail = sentence("{}left = {}, right = {}", at(counterexample), *values)
            return self._record(text, left, "=", right, Truth.FALSE, detail, rigorous=True)
        if route is None or agreed == 0:
            lacking = "no symbolic proof was found" if agreed else "no point of its domain could be evaluated"
            return self._record(text, left, "=", right, Truth.UNDECIDED, sentence(f"{agreed} points agree, but {lacking}"))
        if left == right:
            return self._alike(text, left)
        detail = sentence(f"and at {agreed} random points" if left.free_symbols | right.free_symbols else "")
        return self._record(text, left, "=", right, Truth.TRUE, detail, route=route)

    def positive(
        self,
        text: str,
        expression: Expression,
        form: Expression | None = None,
        given: Mapping[Symbol, Expression] | None = None,
        at: Mapping[Symbol, Expression] | None = None,
        by: Rewriting | None = None,
        *,
        strict: bool = True,
    ) -> bool:
        """expression > 0: it equals `form`, which is positive by the signs of its symbols. Symbolic; a constant, by its ball.

        Parameters
        ----------
        form : sympy.Expr, optional
            By default the expression itself.
        given : mapping, optional
            Positive symbols of `form` that stand for expressions which earlier steps of this derivation found positive.
        at : mapping, optional
            Positive values put for the symbols of those expressions.
        by : function, optional
            A change of variables, as in `equal`.
        strict : bool
            If False, expression >= 0.
        """
        import sympy as sp

        expression = sp.sympify(expression)
        if not expression.free_symbols and (strict or expression != 0):
            return self.certified(text, expression, {})
        form = sp.sympify(expression if form is None else form)
        violation = self._violation(expression, strict=strict)
        attempt = by_signs(expression, form, self._agree, given=given, at=at, by=by, known=self._positive, strict=strict)
        return self._decided(text, expression, attempt, violation, strict=strict)

    def exceeds(
        self, text: str, larger: Expression, smaller: Expression, known: Expression, *, by: Rewriting | None = None
    ) -> bool:
        """larger >= smaller, as the difference is not below `known`, which an earlier step found not negative. Symbolic.

        Whatever the stated bound is, it is held against the sharp one: weaker bounds are accepted.
        """
        import sympy as sp

        difference = sp.sympify(larger) - smaller
        violation = self._violation(difference, strict=False, domain=self._domains.get(known))
        attempt = by_earlier(difference, known, [*self._positive, *self._domains], by, self._agree)
        return self._decided(text, difference, attempt, violation, strict=False, everywhere=not self._domains.get(known))

    def positive_between(
        self,
        text: str,
        expression: Expression,
        variable: Symbol,
        low: Expression = 0,
        high: Expression | None = None,
        *,
        known: Expression = 0,
    ) -> bool:
        """expression > 0 for low < variable < high, a rational function or more than one by `known` > 0. Exact, by Sturm.

        Parameters
        ----------
        low, high : rationals
            Ends of the interval (default: 0 and infinity).
        known : sympy.Expr
            What the expression exceeds a rational function by: 0, or an expression that an earlier step found positive.
        """
        import sympy as sp

        expression, known = sp.sympify(expression), sp.sympify(known)
        low, high = sp.sympify(low), sp.oo if high is None else sp.sympify(high)
        box = {variable: (low, sp.Integer(INFINITE) if high == sp.oo else high)}
        violation = next(violations(expression, next_to_ends(variable, low, high), strict=True), None)
        if violation is None and known == 0:
            point = sign_of_rational(expression, variable, low, high)[1]
            violation = None if point is None else {variable: point}
        if violation is None:
            drawn = self._violation(expression, box)
            violation = None if drawn is None or drawn.get(variable) in (low, high) else drawn  # the interval is open
        attempt = by_sturm(expression, variable, (low, high), known, self._positive)
        return self._decided(text, expression, attempt, violation, everywhere=False)

    def positive_by_taylor(
        self, text: str, expression: Expression, variable: Symbol, order: int, form: Expression, *, strict: bool = True
    ) -> bool:
        """expression > 0 for variable > 0: it and its first order - 1 derivatives vanish at 0, and the next is positive.

        Symbolic, by Taylor's theorem: `form` equals the derivative of the given order (>= 1) and is positive by its signs.
        The expression must be as often differentiable on [0, infinity).

        Parameters
        ----------
        strict : bool
            If False, the form need only be non-negative, and so is the expression.
        """
        import sympy as sp

        expression = sp.sympify(expression)
        violation = self._violation(expression, strict=strict)
        attempt = by_taylor(expression, variable, order, sp.sympify(form), self._agree, strict=strict)
        return self._decided(text, expression, attempt, violation, strict=strict)

    def nonnegative_by_convexity(
        self,
        text: str,
        expression: Expression,
        variable: Symbol,
        start: Expression,
        form: Expression,
        where: Mapping[Symbol, Expression] | None = None,
        domain: Domain | None = None,
    ) -> bool:
        """expression >= 0 on both sides of `start`: value and slope vanish there, and the second derivative equals `form` >= 0.

        Parameters
        ----------
        where : mapping, optional
            Parametrises the domain of the second derivative, if that is not the whole line: an interval around `start`.
        domain : mapping, optional
            The same domain for random points: symbols -> expressions in symbols that run from -1 to 1 (their names begin with
            SHARE).
        """
        import sympy as sp

        expression = sp.sympify(expression)
        violation = self._violation(expression, strict=False, domain=domain)
        attempt = by_convexity(expression, variable, start, sp.sympify(form), where or {}, self._agree)
        if attempt.proved:
            self._domains[expression] = domain or {}
        return self._decided(text, expression, attempt, violation, strict=False, everywhere=not domain)

    def certified(self, text: str, expression: Expression, box: balls.Box, *, attained: bool = True) -> bool:
        """expression > 0 on a closed box, by adaptive subdivision in ball arithmetic; a constant in an empty one.

        Parameters
        ----------
        attained : bool
            Whether what is claimed speaks of every point of the box. If False the box only encloses what it speaks of: a point
            where the inequality fails leaves the step undecided.
        """
        import sympy as sp

        expression = sp.sympify(expression)
        violation = next(violations(expression, corners(box), strict=True), None) or self._violation(expression, box)
        attempt = Attempt(False, sentence(""))
        if violation is None and box:
            found = balls.positive_on_box(expression, box)
            violation = found.counterexample
            attempt = Attempt(found.holds is True, outcome(sentence("it"), found, box), "ball arithmetic")
        elif violation is None:
            attempt = by_value(expression)
        strength = Strength.SYMBOLIC if expression.is_Rational else Strength.BALL
        if violation is not None and not attained:
            detail = sentence("{}{}, but that point may not be attained", at(violation), value(expression, violation))
            return self._record(text, expression, ">", 0, Truth.UNDECIDED, detail, strength)
        return self._decided(text, expression, attempt, violation, strength, everywhere=not box)

    def certified_by_taylor(self, text: str, expression: Expression, variable: Symbol, order: int, upto: Any) -> bool:
        """expression > 0 for 0 < variable <= upto: a zero of the given order at 0, and the next derivative > 0 in balls."""
        import sympy as sp

        expression, box = sp.sympify(expression), {variable: (sp.Integer(0), sp.Rational(upto))}
        attempt = by_balls_and_taylor(expression, variable, order, box)
        return self._decided(text, expression, attempt, self._violation(expression, box), Strength.BALL, everywhere=False)

    def enclosed(self, text: str, ball: Any) -> bool:
        """A number that a calculation in balls encloses is positive."""
        truth = Truth.UNDECIDED
        if ball.is_finite():
            truth = Truth.TRUE if ball > 0 else Truth.FALSE if ball <= 0 else Truth.UNDECIDED
        shown = scientific(ball.str(3, radius=False))
        detail = sentence("" if truth is Truth.TRUE else "it is {}", shown)
        step = Step(text, f"{shown.text} > 0", f"{shown.latex} > 0", truth, Strength.BALL, detail, "ball arithmetic")
        return self._append(replace(step, rigorous=True))

    def within(self, text: str, deviation: float, budget: float) -> bool:
        """A measured deviation is within an error budget stated in advance. Numeric, and the claim rests on it."""
        return self._measured(text, deviation, budget, Strength.NUMERIC)

    def witness(self, text: str, deviation: float, budget: float) -> bool:
        """A second, independent route agrees within a budget. It must, but the claim does not rest on it."""
        return self._measured(text, deviation, budget, None)

    def at_most(self, text: str, value: float, bound: float) -> bool:
        """A number read off an experiment is at most a bound stated in advance. Numeric, and the claim rests on it."""
        return self._measured(text, value, bound, Strength.NUMERIC, ("found", "bound"), digits=4)

    def _measured(
        self,
        text: str,
        value: float,
        bound: float,
        strength: Strength | None,
        words: tuple[str, str] = ("deviation", "budget"),
        digits: int = 2,
    ) -> bool:
        truth = Truth.TRUE if float(value) <= float(bound) else Truth.FALSE  # a NaN is not within any bound
        route = "measured" if strength is not None else "a second route, measured"
        detail = f"{words[0]} {float(value):.{digits}g}, {words[1]} {float(bound):.{digits}g}"
        left, right = decimal(value, digits), decimal(bound, digits)
        equation, latex = f"{words[0]} {left.text} ≤ {right.text}", rf"{left.latex} \le {right.latex}"
        return self._append(Step(text, equation, latex, truth, strength, sentence(detail), route))

    def _decided(
        self,
        text: str,
        expression: Expression,
        attempt: Attempt,
        violation: Point | None,
        strength: Strength = Strength.SYMBOLIC,
        *,
        strict: bool = True,
        everywhere: bool = True,
    ) -> bool:
        """Record an inequality: false where a counterexample was met, true where it is proved."""
        relation = ">" if strict else "≥"
        if violation is None and everywhere and not attempt.proved:
            far = draws(f"{self._seeded()}, far", expression.free_symbols, FAR_POINTS, powers=FAR_POWERS)
            violation = next(violations(expression, far, strict=strict), None)
        if attempt.proved and violation is not None:
            raise ContradictionError(f"{at(violation).text}{expression} {relation} 0 was proved, yet it is not so")
        if violation is not None:
            detail = sentence("{}{}", at(violation), value(expression, violation))
            return self._record(text, expression, relation, 0, Truth.FALSE, detail, strength, rigorous=True)
        if attempt.proved and strict and everywhere:
            self._positive.append(expression)
        truth = Truth.TRUE if attempt.proved else Truth.UNDECIDED
        return self._record(text, expression, relation, 0, truth, attempt.why, strength, route=attempt.route)

    def _violation(
        self, expression: Expression, box: balls.Box | None = None, *, strict: bool = True, domain: Domain | None = None
    ) -> Point | None:
        """A random point where the inequality is certainly false, if one is met."""
        inside = expression.subs(dict(domain or {}))
        shares = {symbol: (-1, 1) for symbol in inside.free_symbols if symbol.name.startswith(SHARE)}
        points = draws(self._seeded(), inside.free_symbols, INEQUALITY_POINTS, {**shares, **(box or {})})
        found = next(violations(inside, points, strict=strict), None)
        if found is None or not domain:
            return found
        return {symbol: (domain.get(symbol, symbol)).subs(found) for symbol in expression.free_symbols}

    def _compare(self, left: Expression, right: Expression) -> tuple[Point | None, int]:
        return compared(self._seeded(), left, right)

    def _agree(self, left: Expression, right: Expression) -> bool:
        return self._compare(left, right)[0] is None

    def _seeded(self) -> str:
        return f"{self._seed}, step {len(self.steps)}"

    def _record(
        self,
        text: str,
        left: Expression,
        relation: str,
        right: Expression,
        truth: Truth,
        detail: notation.Statement,
        strength: Strength = Strength.SYMBOLIC,
        *,
        route: str = "",
        rigorous: bool = False,
    ) -> bool:
        latex, equation = notation.related(left, relation, right)
        return self._append(Step(text, equation, latex, truth, strength, detail, route, rigorous))

    def _alike(self, text: str, both: Expression) -> bool:
        """Record an equation whose sides are one and the same formula; a number tells nothing as a formula."""
        number, latex = ("", "") if both.is_number else (notation.text(both), notation.latex(both))
        route = f"both sides are {notation.text(both)}" if both.is_number else "both sides are this formula"
        return self._append(Step(text, number, latex, Truth.TRUE, Strength.SYMBOLIC, sentence(""), route))

    def _append(self, step: Step) -> bool:
        self.steps.append(replace(step, lemma=self._lemma))
        return step.truth is Truth.TRUE
