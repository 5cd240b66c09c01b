"""Closed forms of mirror maps and penalties of one output, where there are some: found by rules, verified before they are used.

The orbit dw/dx = grad G(w) is solved in closed form where G is quadratic (by its eigenvalues), where it is a sum of monomials
with weights of their own that start balanced (each is then a power of one quantity), and where it has one weight. The penalty
phi is normalised to the divergence from the start: phi(b(0)) = phi'(b(0)) = 0, and phi'(b(x)) = x.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from normtheory.parametrisations.laws import MOST_TERMS
from normtheory.parametrisations.laws import _parts as parts
from normtheory.parametrisations.lie import most_terms
from normtheory.parametrisations.model import Parametrisation

Expression = Any  # sympy.Expr
Symbol = Any  # sympy.Symbol

DIGITS = 40  # to which a penalty must invert its map at several points, where sympy cannot decide
MOST_WEIGHTS = 8  # of a quadratic form whose eigenvalues are asked for


@dataclass(frozen=True)
class Closed:
    """What is known of a network's mirror map in closed form.

    Attributes
    ----------
    map : sympy.Expr or None
        b in x.
    penalty : sympy.Expr or None
        phi in b, the divergence of b from the start.
    scale : sympy.Expr or None
        k, where the penalty is the Q penalty's: b - c = k sinh(s0 + rate x).
    kind : str
        What it is called.
    """

    map: Expression | None = None
    penalty: Expression | None = None
    scale: Expression | None = None
    kind: str = ""


def letters() -> tuple[Symbol, Symbol]:
    """x and b."""
    import sympy as sp

    return sp.Symbol("x", real=True), sp.Symbol("b", real=True)


def closed(network: Parametrisation) -> Closed:
    """The closed form of a network of one output, with a start in numbers or symbols; nothing if no rule finds one."""
    import sympy as sp

    start = network.symbolic_start
    if any(output.has(sp.Abs) or most_terms(output) > MOST_TERMS for output in network.outputs):
        return Closed()
    for rule in (_quadratic, _balanced_monomials, _one_weight):
        found = rule(network, start)
        if found is not None:
            return found
    return Closed()


def _quadratic(network: Parametrisation, start: dict[Symbol, Expression]) -> Closed | None:
    """G = (w - m) A (w - m)/2 + c: w(x) = m + exp(A x) (w(0) - m)."""
    import sympy as sp

    (output,), weights = network.outputs, network.weights
    x, _ = letters()
    if not output.is_polynomial(*weights) or sp.Poly(output, *weights).total_degree() > 2 or len(weights) > MOST_WEIGHTS:
        return None
    matrix = sp.hessian(output, weights)
    origin = dict.fromkeys(weights, 0)
    linear = sp.Matrix([sp.diff(output, w) for w in weights]).subs(origin)
    if matrix.is_zero_matrix:
        moved = [start[w] + slope * x for w, slope in zip(weights, linear, strict=True)]
        return _checked(network, start, moved, "linear")
    centre = -matrix.pinv() * linear
    if any(sp.simplify(each) != 0 for each in matrix * centre + linear):
        return None
    values = list(matrix.eigenvals())
    if not all((value**2).is_Rational for value in values):  # of others the formula is longer than the table
        return None
    shifted = sp.Matrix([start[w] for w in weights]) - centre
    orbit = centre
    for value in values:
        projection = sp.eye(len(weights))
        for other in values:
            if other != value:
                projection = projection * (matrix - other * sp.eye(len(weights))) / (value - other)
        orbit = orbit + sp.exp(value * x) * projection * shifted
    return _checked(network, start, [sp.expand(each) for each in orbit], "quadratic")


def _balanced_monomials(network: Parametrisation, start: dict[Symbol, Expression]) -> Closed | None:
    """Monomials of degree M in weights of their own, |w_i(0)| = sqrt(m_i) s(0): |w_i| = sqrt(m_i) s, s' = c s^(M - 1)."""
    import sympy as sp

    x, _ = letters()
    orbit: dict[Symbol, Expression] = {}
    map_ = network.outputs[0].subs(dict.fromkeys(network.weights, 0))
    for part in parts(network.outputs[0]):
        if not part.is_polynomial(*network.weights) or len(terms := sp.Poly(part, *network.weights).terms()) != 1:
            return None
        powers = {w: m for w, m in zip(network.weights, terms[0][0], strict=True) if m}
        signs = {w: sp.sign(start[w]) for w in powers}
        shares = {sp.simplify(signs[w] * start[w] / sp.sqrt(m)) for w, m in powers.items()}
        if len(shares) != 1 or not all(sign in (1, -1) for sign in signs.values()):
            return None
        (first,), total = shares, sum(powers.values())
        factor = part.subs({w: signs[w] * sp.sqrt(m) for w, m in powers.items()}, simultaneous=True)
        grown = first * sp.exp(factor * x)
        if total != 2:
            grown = (first ** (2 - total) + (2 - total) * factor * x) ** sp.Rational(1, 2 - total)
        orbit |= {w: signs[w] * sp.sqrt(m) * grown for w, m in powers.items()}
        map_ += factor * grown**total
    return _checked(network, start, [orbit[w] for w in network.weights], "balanced monomials", map_)


def _checked(
    network: Parametrisation,
    start: dict[Symbol, Expression],
    orbit: list[Expression],
    kind: str,
    written: Expression | None = None,
) -> Closed | None:
    """The map along a solution of the orbit's equation, which is verified here, as it is `written`; None if it is none."""
    import sympy as sp

    x, _ = letters()
    at = dict(zip(network.weights, orbit, strict=True))
    for weight, slope in zip(network.weights, network.gradients[0], strict=True):
        moves, starts = sp.diff(at[weight], x) - slope.subs(at, simultaneous=True), at[weight].subs(x, 0) - start[weight]
        if not (_is_zero(moves) and _is_zero(starts)):
            return None
    along = network.outputs[0].subs(at, simultaneous=True)
    map_ = sp.powsimp(sp.expand(along)) if written is None else written
    if not _is_zero(along - map_):
        return None
    scale, penalty, name = _penalty(map_, network.outputs[0].subs(start, simultaneous=True))
    if penalty is not None and not inverts(penalty, map_):
        scale, penalty, name = None, None, ""
    return Closed(map_, penalty, scale, name or kind)


def _is_zero(expression: Expression) -> bool:
    """Whether sympy shows that an expression in x and positive parameters vanishes for x near 0."""
    import sympy as sp

    return any(form(expression) == 0 for form in (sp.expand, sp.simplify, lambda e: sp.simplify(sp.powdenest(e, force=True))))


def _penalty(map_: Expression, first: Expression) -> tuple[Expression | None, Expression | None, str]:
    """Scale, divergence from the start and its name, for maps with two opposite exponentials, one, a power, or none."""
    import sympy as sp

    x, b = letters()
    constant, rest = sp.expand(map_).as_independent(x, as_Add=True)
    terms: dict[Expression, Expression] = {}
    for term in sp.Add.make_args(rest):
        rate = sp.simplify(sp.diff(term, x) / term)
        terms[rate] = terms.get(rate, 0) + term.subs(x, 0)
    moved, begun = b - constant, sp.simplify(first - constant)
    if rest.is_polynomial(x) and sp.Poly(rest, x).degree() == 1:
        return None, (b - first) ** 2 / (2 * sp.diff(rest, x)), "square"
    rates = sorted(terms, key=str)
    if any(rate.has(x) for rate in rates):
        return _penalty_of_power(rest, moved, first)
    if len(rates) == 1 and rates[0] != 0:
        (rate,) = rates
        return None, (moved * sp.log(moved / begun) - moved + begun) / rate, "entropy"
    if len(rates) == 2 and sp.simplify(sum(rates)) == 0:
        up = max(rates, key=lambda rate: bool(rate.is_positive))
        grows, shrinks = terms[up], -terms[-up]
        product = sp.factor(4 * grows * shrinks)
        if product.is_nonpositive or (not product.free_symbols and not product.is_positive):
            return None, None, ""
        k = sp.simplify(sp.sqrt(product))
        shape = moved * (sp.asinh(moved / k) - sp.asinh(begun / k)) - sp.sqrt(moved**2 + k**2) + sp.sqrt(begun**2 + k**2)
        return k, sp.simplify(shape) / up if begun == 0 else shape / up, "Q penalty" if constant == 0 else "Q penalty, shifted"
    return None, None, ""


def _penalty_of_power(rest: Expression, moved: Expression, first: Expression) -> tuple[None, Expression | None, str]:
    """b - c = a (p + q x)^r: x is a power of b."""
    import sympy as sp

    x, b = letters()
    coefficient, power = rest.as_independent(x, as_Add=False)
    if not power.is_Pow or not power.base.is_polynomial(x) or sp.Poly(power.base, x).degree() != 1 or power.exp.has(x):
        return None, None, ""
    q, p = sp.Poly(power.base, x).all_coeffs()
    dual = ((moved / coefficient) ** (1 / power.exp) - p) / q
    primitive = sp.integrate(dual, b)
    return None, sp.simplify(primitive - primitive.subs(b, first)), "power"


def _one_weight(network: Parametrisation, start: dict[Symbol, Expression]) -> Closed | None:
    """A function of one weight: x is the integral of 1/G', at the weight where G is b."""
    import sympy as sp
    from sympy.integrals.manualintegrate import manualintegrate

    b = letters()[1]
    if len(network.weights) != 1:
        return None
    (output,), (weight,) = network.outputs, network.weights
    first, begun = output.subs(weight, start[weight]), start[weight]
    primitive = manualintegrate(sp.simplify(1 / sp.diff(output, weight)), weight)
    if primitive.has(sp.Integral):
        return None
    try:
        roots = [root for root in sp.solve(output - b, weight) if sp.simplify(root.subs(b, first) - begun) == 0]
    except NotImplementedError:
        return None
    if len(roots) != 1:
        return None
    dual = sp.simplify(primitive.subs(weight, roots[0]) - primitive.subs(weight, begun))
    whole = manualintegrate(dual, b)
    if whole.has(sp.Integral):
        return None
    penalty = sp.simplify(whole - whole.subs(b, first))
    slope = sp.diff(output, weight).subs(weight, roots[0]) ** 2
    if _is_zero(sp.diff(penalty, b, 2) * slope - 1) and _is_zero(sp.diff(penalty, b).subs(b, first)):
        return Closed(None, penalty, None, "one weight")
    return None


def inverts(penalty: Expression, map_: Expression) -> bool:
    """Whether phi'(b(x)) = x and phi(b(0)) = 0: to DIGITS digits at several points, with fixed rationals for parameters."""
    import sympy as sp

    x, b = letters()
    others = sorted((penalty.free_symbols | map_.free_symbols) - {x, b}, key=str)
    for number in (-7, -2, 0, 3, 8):
        point = {symbol: sp.Rational(13 + 4 * place, 17) for place, symbol in enumerate(others)}
        here = sp.Rational(number, 100) * _time(map_.subs(point))
        at = sp.N(map_.subs(point).subs(x, here), 2 * DIGITS)
        there = sp.N(sp.diff(penalty, b).subs(point).subs(b, at), 2 * DIGITS)
        if not abs(there - here) < 10**-DIGITS * (1 + abs(here)):
            return False
    starts = sp.N(penalty.subs(point).subs(b, map_.subs(point).subs(x, 0)), 2 * DIGITS)
    return bool(abs(starts) < sp.Float(10) ** -DIGITS)


def _time(map_: Expression) -> Expression:
    """A rational of the order of the time in which a map changes: |b'/b''| at 0, or 1."""
    import sympy as sp

    x, _ = letters()
    slope, bend = (abs(sp.N(sp.diff(map_, x, order).subs(x, 0))) for order in (1, 2))
    third = abs(sp.N(sp.diff(map_, x, 3).subs(x, 0)))
    times = [float(slope / bend)] if bend > 1e-12 * slope else []
    times += [float((slope / third) ** 0.5)] if third > 1e-12 * slope else []
    return sp.Rational(min([*times, 1e6])).limit_denominator(10**12)
