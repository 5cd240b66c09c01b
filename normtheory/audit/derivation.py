"""A derivation as a list of steps that a reader can follow, each checked by machine when it is written down.

A step is an equation or an inequality with a sentence. The methods of `Derivation` are the ways a step can be checked; each
says how strong its evidence is, records the step and returns whether it holds. Sympy is never the only witness: whatever it
proves is evaluated at random rational points in ball arithmetic, which also supplies the counterexample to a false step.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, IntEnum
from functools import lru_cache
from typing import Any

from normtheory.audit import balls

Expression = Any  # sympy.Expr
Symbol = Any  # sympy.Symbol
Point = dict[Symbol, Any]

POINTS = 8  # random points at which a symbolic equation is evaluated
INEQUALITY_POINTS = 24  # random points at which a counterexample to an inequality is looked for
ATTEMPTS = 20  # draws per point before the domain is given up as empty


class Strength(IntEnum):
    """What a step rests on, weakest first."""

    NUMERIC = 1
    BALL = 2
    SYMBOLIC = 3


class Truth(Enum):
    """What the machine says of a step."""

    TRUE = "true"
    FALSE = "false"
    UNDECIDED = "undecided"


class ContradictionError(RuntimeError):
    """Two routes contradict each other, so that one of the tools used is wrong: nothing may be concluded."""


@dataclass(frozen=True)
class Step:
    """One checked line of a derivation.

    `strength` is None for a second witness: it must agree, but nothing rests on it. `rigorous` marks a step that is false by
    a counterexample in exact numbers or balls rather than by floats.
    """

    text: str
    equation: str
    latex: str
    truth: Truth
    strength: Strength | None
    detail: str
    rigorous: bool = False


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

    def note(self, sentence: str) -> None:
        """Add a sentence to the evidence: a number a reader will want, not a step."""
        self.notes.append(sentence)

    def equal(
        self, text: str, left: Expression, right: Expression, *, by: Callable[[Expression], Expression] | None = None
    ) -> bool:
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
        proved = _proves_zero(left - right, by, thorough=counterexample is None)
        if proved and counterexample is not None:
            raise ContradictionError(f"sympy proves {left} = {right}, yet they differ at {_at(counterexample)}")
        if counterexample is not None:
            values = f"left = {_value(left, counterexample)}, right = {_value(right, counterexample)}"
            return self._record(text, left, "=", right, Truth.FALSE, f"at {_at(counterexample)}: {values}", rigorous=True)
        if not proved or agreed == 0:
            lacking = "no symbolic proof was found" if agreed else "no point of its domain could be evaluated"
            return self._record(text, left, "=", right, Truth.UNDECIDED, f"{agreed} points agree, but {lacking}")
        return self._record(text, left, "=", right, Truth.TRUE, f"{agreed} random points agree to {_DIGITS} digits")

    def positive(
        self,
        text: str,
        expression: Expression,
        form: Expression,
        given: Mapping[Symbol, Expression] | None = None,
        at: Mapping[Symbol, Expression] | None = None,
        by: Callable[[Expression], Expression] | None = None,
    ) -> bool:
        """expression > 0, because it equals `form`, which is positive by the signs of its symbols. Symbolic.

        Parameters
        ----------
        given : mapping, optional
            Positive symbols of `form` that stand for expressions which earlier steps of this derivation found positive.
        at : mapping, optional
            Positive values put for the symbols of those expressions.
        by : function, optional
            A change of variables, as in `equal`.
        """
        import sympy as sp

        form = sp.sympify(form)

        def prove() -> tuple[bool, str]:
            for known in (given or {}).values():
                if known not in self._positive:
                    return False, f"no earlier step shows {known} > 0"
            if not all(sp.sympify(value).is_positive for value in (at or {}).values()):
                return False, "the earlier steps are used outside their domain"
            meaning = form.subs({symbol: known.subs(dict(at or {})) for symbol, known in (given or {}).items()})
            if not form.is_positive:
                return False, f"the sign of {form} does not follow from its symbols"
            if self._compare(expression, meaning)[0] is not None or not _proves_zero(expression - meaning, by):
                return False, f"not proved equal to {meaning}"
            return True, f"it equals {meaning}"

        return self._inequality(text, expression, prove, Strength.SYMBOLIC)

    def positive_by_taylor(self, text: str, expression: Expression, variable: Symbol, order: int, form: Expression) -> bool:
        """expression > 0 for variable > 0: it and its first order - 1 derivatives vanish at 0, and the next is positive.

        Symbolic, by Taylor's theorem: `form` equals the derivative of the given order (>= 1) and is positive by its signs.
        The expression must be as often differentiable on [0, infinity).
        """
        import sympy as sp

        def prove() -> tuple[bool, str]:
            if not variable.is_positive:
                return False, f"{variable} is not declared positive"
            for n in range(order):
                if not _proves_zero(sp.diff(expression, variable, n).subs(variable, 0), None):
                    return False, f"derivative {n} does not vanish at 0"
            last = sp.diff(expression, variable, order)
            if not sp.sympify(form).is_positive:
                return False, f"the sign of {form} does not follow from its symbols"
            if self._compare(last, form)[0] is not None or not _proves_zero(last - form, None):
                return False, f"derivative {order} is not proved equal to {form}"
            return True, f"zero of order {order} at {variable} = 0, and derivative {order} equals {form} > 0"

        return self._inequality(text, expression, prove, Strength.SYMBOLIC)

    def certified(self, text: str, expression: Expression, box: balls.Box) -> bool:
        """expression > 0 on a closed box, by adaptive subdivision in ball arithmetic."""
        found = balls.positive_on_box(expression, box)

        def prove() -> tuple[bool, str]:
            return found.holds is True, _outcome("the expression", found, box)

        return self._inequality(text, expression, prove, Strength.BALL, box, found.counterexample)

    def certified_by_taylor(self, text: str, expression: Expression, variable: Symbol, order: int, upto: Any) -> bool:
        """expression > 0 for 0 < variable <= upto: a zero of the given order at 0, and the next derivative > 0 in balls."""
        import sympy as sp

        box = {variable: (sp.Integer(0), sp.Rational(upto))}

        def prove() -> tuple[bool, str]:
            for n in range(order):
                if not _proves_zero(sp.diff(expression, variable, n).subs(variable, 0), None):
                    return False, f"derivative {n} does not vanish at 0"
            found = balls.positive_on_box(sp.diff(expression, variable, order), box)
            return found.holds is True, f"zero of order {order} at 0; {_outcome(f'derivative {order}', found, box)}"

        return self._inequality(text, expression, prove, Strength.BALL, box)

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
        left, right = f"{float(value):.{digits}g}", f"{float(bound):.{digits}g}"
        detail = f"{words[0]} {left}, {words[1]} {right}"
        return self._append(Step(text, f"{words[0]} {left} <= {right}", rf"{left} \le {right}", truth, strength, detail))

    def _inequality(
        self,
        text: str,
        expression: Expression,
        prove: Callable[[], tuple[bool, str]],
        strength: Strength,
        box: balls.Box | None = None,
        violation: Point | None = None,
    ) -> bool:
        import sympy as sp

        expression = sp.sympify(expression)
        violation = violation or self._violation(expression, box)
        proved, why = prove()
        if proved and violation is not None:
            raise ContradictionError(f"{expression} > 0 was proved, yet it is not at {_at(violation)}")
        if violation is not None:
            detail = f"at {_at(violation)}: {_value(expression, violation)}"
            return self._record(text, expression, ">", sp.Integer(0), Truth.FALSE, detail, strength, rigorous=True)
        truth = Truth.TRUE if proved else Truth.UNDECIDED
        if proved and box is None:
            self._positive.append(expression)
        return self._record(text, expression, ">", sp.Integer(0), truth, why, strength)

    def _compare(self, left: Expression, right: Expression) -> tuple[Point | None, int]:
        """A point at which the sides provably differ, if one is met, and the number of points that agree."""
        agreed = 0
        for point in self._points(left.free_symbols | right.free_symbols, POINTS * 2):
            verdict = balls.differs(left, right, point)
            if verdict is True:
                return point, agreed
            agreed += verdict is False
            if agreed == POINTS:
                break
        return None, agreed

    def _violation(self, expression: Expression, box: balls.Box | None) -> Point | None:
        for point in self._points(expression.free_symbols, INEQUALITY_POINTS, box):
            value = balls.enclose(expression, point)
            if value.is_finite() and value <= 0:
                return point
        return None

    def _points(self, symbols: set[Symbol], count: int, box: balls.Box | None = None) -> Iterator[Point]:
        generator = random.Random(f"{self._seed}, step {len(self.steps)}")
        ordered = sorted(symbols, key=str)
        for _ in range(count if ordered else 1):
            yield {symbol: _random_rational(generator, symbol, (box or {}).get(symbol)) for symbol in ordered}

    def _record(
        self,
        text: str,
        left: Expression,
        relation: str,
        right: Expression,
        truth: Truth,
        detail: str,
        strength: Strength = Strength.SYMBOLIC,
        *,
        rigorous: bool = False,
    ) -> bool:
        import sympy as sp

        equation = f"{sp.sstr(left)} {relation} {sp.sstr(right)}"
        latex = f"{sp.latex(left)} {relation} {sp.latex(right)}"
        return self._append(Step(text, equation, latex, truth, strength, detail, rigorous))

    def _append(self, step: Step) -> bool:
        self.steps.append(step)
        return step.truth is Truth.TRUE


_DIGITS = int(balls.AGREEMENT_BITS * 0.30103)


def _random_rational(generator: random.Random, symbol: Symbol, bounds: tuple[Any, Any] | None) -> Any:
    """A rational in the domain of a symbol: in its bounds, or of its sign and size 2^-4 .. 2^4, from 1 to 9 if an integer."""
    import sympy as sp

    if bounds is not None:
        low, high = sp.Rational(bounds[0]), sp.Rational(bounds[1])
        return low + (high - low) * sp.Rational(generator.randint(1, 997), 997)
    if symbol.is_integer:
        magnitude = sp.Integer(generator.randint(1, 9))
    else:
        magnitude = sp.Rational(generator.randint(100, 200), 100) * sp.Integer(2) ** generator.randint(-4, 3)
    if symbol.is_nonnegative:
        return magnitude
    if symbol.is_nonpositive:
        return -magnitude
    return magnitude * generator.choice((-1, 1))


@lru_cache(maxsize=4096)  # a claim and its twins share most of their steps
def _proves_zero(difference: Expression, by: Callable[[Expression], Expression] | None, *, thorough: bool = True) -> bool:
    """Whether one of a few directed rewritings turns the difference into 0; the slow general ones only if `thorough`."""
    return any(route(difference if by is None else by(difference)) == 0 for route in _routes(thorough))


def _routes(thorough: bool) -> Sequence[Callable[[Expression], Expression]]:
    import sympy as sp

    def common_denominator(expression: Expression) -> Expression:
        return sp.expand(sp.numer(sp.together(expression)))

    def hyperbolic(expression: Expression) -> Expression:
        return common_denominator(_undo_inverses(expression))

    def exponentials(expression: Expression) -> Expression:
        return sp.expand(sp.powsimp(sp.expand(_undo_inverses(expression).rewrite(sp.exp))))

    def general(expression: Expression) -> Expression:
        return sp.simplify(_undo_inverses(expression))

    quick = (sp.expand, common_denominator, hyperbolic, exponentials)
    return (*quick, sp.simplify, general) if thorough else quick


def _undo_inverses(expression: Expression) -> Expression:
    """Undo arcsinh(sinh x) and the roots of p sinh^2 x + p, p >= 0, which sympy leaves standing."""
    import sympy as sp

    if not expression.has(sp.sinh):
        return expression
    expression = expression.replace(
        lambda e: isinstance(e, sp.asinh) and isinstance(e.args[0], sp.sinh), lambda e: e.args[0].args[0]
    )
    return expression.replace(lambda e: e.is_Pow and e.exp.is_Rational and e.exp.q == 2 and e.has(sp.sinh), _root_of_square)


def _root_of_square(power: Expression) -> Expression:
    import sympy as sp

    base = sp.expand(power.base)
    for angle in (sine.args[0] for sine in base.atoms(sp.sinh)):
        factor = base.coeff(sp.sinh(angle), 2)
        if factor.is_nonnegative and sp.expand(base - factor * (1 + sp.sinh(angle) ** 2)) == 0:
            return factor**power.exp * sp.cosh(angle) ** (2 * power.exp)
    return power


def _at(point: Point) -> str:
    return ", ".join(f"{symbol} = {value}" for symbol, value in point.items()) or "the only point"


def _box(box: balls.Box) -> str:
    return " x ".join(f"{symbol} in [{low}, {high}]" for symbol, (low, high) in box.items())


def _outcome(name: str, found: balls.BoxResult, box: balls.Box) -> str:
    if found.holds:
        return f"{name} is positive on each of {found.boxes} boxes that cover {_box(box)}"
    if found.counterexample is not None:
        return f"{name} is not positive at {_at(found.counterexample)}"
    return f"{name} is undecided on {_box(box)} after {found.boxes} boxes"


def _value(expression: Expression, point: Point) -> str:
    return str(balls.enclose(expression, point).str(6, radius=False))
