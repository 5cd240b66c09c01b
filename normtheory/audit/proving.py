"""The routes by which an equation or a sign is proved symbolically; each has a name, which the step that it proves carries."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

Expression = Any  # sympy.Expr
Symbol = Any  # sympy.Symbol
Rewriting = Callable[[Expression], Expression]


@lru_cache(maxsize=4096)  # a claim and its twins share most of their steps
def route_to_zero(difference: Expression, by: Rewriting | None, *, thorough: bool = True) -> str | None:
    """The name of the rewriting that turns the difference into 0, if one does; the slow general ones only if `thorough`."""
    start = difference if by is None else by(difference)
    for name, rewrite in _routes(thorough).items():
        if rewrite(start) == 0:
            return name if by is None else f"change of variables, {name}"
    return None


def _routes(thorough: bool) -> Mapping[str, Rewriting]:
    import sympy as sp

    def common_denominator(expression: Expression) -> Expression:
        return sp.expand(sp.numer(sp.together(expression)))

    def hyperbolic(expression: Expression) -> Expression:
        return common_denominator(_undo_inverses(expression))

    def exponentials(expression: Expression) -> Expression:
        return sp.expand(sp.powsimp(sp.expand(_undo_inverses(expression).rewrite(sp.exp))))

    def general(expression: Expression) -> Expression:
        return sp.simplify(_undo_inverses(expression))

    quick = {
        "expansion": sp.expand,
        "common denominator": common_denominator,
        "hyperbolic identities": hyperbolic,
        "exponentials": exponentials,
    }
    return quick | {"simplification": sp.simplify, "simplification of inverses": general} if thorough else quick


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


def sign_of_rational(expression: Expression, variable: Symbol, low: Expression, high: Expression) -> tuple[bool | None, Any]:
    """Whether a rational function of one variable is positive on an open interval, decided exactly by Sturm's theorem.

    Parameters
    ----------
    expression : sympy.Expr
        Of this variable alone, with rational coefficients.
    low, high : rationals, or infinity
        Ends of the interval.

    Returns
    -------
    bool or None, rational or None
        True; False, and a point of the interval where it is not positive, unless it only touches 0 at an irrational one; or
        None if it is no such function.
    """
    import sympy as sp

    above, below = sp.fraction(sp.together(expression))
    if not all(part.is_polynomial(variable) and part.free_symbols <= {variable} for part in (above, below)):
        return None, None
    product = sp.Poly(sp.expand(above * below), variable)  # of the same sign
    if not all(coefficient.is_Rational for coefficient in product.all_coeffs()):
        return None, None
    if product.is_zero:
        return False, _inside(low, high)
    roots = product.sqf_part()
    if roots.count_roots(low, high) == sum(roots.eval(end) == 0 for end in (low, high) if end.is_finite):
        point = _inside(low, high)
        return (True, None) if product.eval(point) > 0 else (False, point)
    near = (point for (a, b), _ in product.intervals(eps=sp.Rational(1, 10**6)) for point in (a, (a + b) / 2, b))
    apart = (_inside(*ends) for ends in _neighbours(product, low, high))
    inside = [point for point in (*near, *apart) if low < point < high and product.eval(point) <= 0]
    return False, min(inside, key=product.eval, default=None)


def _neighbours(polynomial: Any, low: Expression, high: Expression) -> list[tuple[Expression, Expression]]:
    """The interval cut at its polynomial's roots, roughly."""
    cuts = [low, *(a for (a, b), _ in polynomial.intervals() if low < a < high), high]
    return list(itertools.pairwise(cuts))


def _inside(low: Expression, high: Expression) -> Any:
    """A rational strictly between two ends."""
    import sympy as sp

    if low == -sp.oo:
        return sp.Integer(0) if high == sp.oo else high - 1
    return low + 1 if high == sp.oo else (low + high) / 2
