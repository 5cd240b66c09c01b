"""What gradient flow conserves: polynomials by exact linear algebra, others of one output by quadrature; how many there are.

A law h is conserved along gradient flow of every loss if its derivative along every F_o = grad beta_o vanishes identically. For
polynomials up to a degree that is a linear system over the rationals. Functions such as tanh(w) enter it as letters of their
own: what holds for any letter holds for the function. Every law that is returned has been verified, and is independent of
those before it at a rational point.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, combinations_with_replacement
from typing import Any

from normtheory.arrays import InputError
from normtheory.parametrisations.exact import kernel, points, rank
from normtheory.parametrisations.language import read_network
from normtheory.parametrisations.lie import Reach, derivative, most_terms, reach, signs
from normtheory.parametrisations.model import Parametrisation

Expression = Any  # sympy.Expr
Symbol = Any  # sympy.Symbol
Sparse = dict[tuple[int, ...], Any]  # exponents to rational coefficients

HIGHEST_DEGREE = 4
MOST_MONOMIALS = 1000
MOST_TERMS = 2000  # of a gradient, expanded
POINTS = 4


@dataclass(frozen=True)
class Law:
    """A conserved quantity.

    Attributes
    ----------
    expression : sympy.Expr
        In the weights.
    degree : sympy.Rational or None
        If it is homogeneous: under weight decay lambda, w' = -grad L - 2 lambda w, it then decays as exp(-2 lambda degree t).
    """

    expression: Expression
    degree: Any

    @property
    def text(self) -> str:
        """As it is typed."""
        return str(self.expression)


@dataclass(frozen=True, eq=False)
class Laws:
    """What gradient flow of a network conserves.

    Attributes
    ----------
    found : tuple of Law
        Verified, and independent of each other.
    at_most : int
        No more than so many independent ones exist: dim w less a rank found at a rational point.
    reach : Reach
        How that rank was found.
    highest : int
        Polynomials up to this degree were looked at (0: the network's gradient is too long for it).
    noether : tuple of sympy expressions
        In the weights and, primed, their velocities: conserved by w'' = -grad L, with friction decaying as exp(-friction t).
    """

    found: tuple[Law, ...]
    at_most: int
    reach: Reach
    highest: int
    noether: tuple[Expression, ...]

    @property
    def at_least(self) -> int:
        """The number of laws found."""
        return len(self.found)

    @property
    def complete(self) -> bool:
        """Whether there are no others: the two bounds meet."""
        return self.at_least == self.at_most


def laws(network: Parametrisation, *, highest: int = HIGHEST_DEGREE, ansatz: Sequence[str] = ()) -> Laws:
    """Independent conserved quantities of gradient flow, simple ones first.

    Parameters
    ----------
    network : Parametrisation
    highest : int
        Degree up to which polynomials are looked at.
    ansatz : sequence of str
        Functions of the weights, in the language of the network, whose combinations are looked at, too.
    """
    search, size = _Search(network), len(network.weights)
    own = [next(iter(read_network(each).values())) for each in ansatz]
    unknown = {symbol for each in own for symbol in each.free_symbols} - set(network.weights)
    if unknown:
        raise InputError(f"the ansatz names {min(map(str, unknown))}, which is no weight of the network")
    search.add(search.combinations(own))
    extent, degree = reach(network, size - len(search.found)), 0
    while degree < highest and len(search.found) < size - extent.rank and search.affordable(degree + 1):
        degree += 1
        before = len(search.found)
        search.add(search.combinations(search.monomials(degree)))
        if not extent.closed and len(search.found) > before:
            extent = reach(network, size - len(search.found))
    if len(network.outputs) == 1 and len(search.found) < size - 1 and search.affordable(0):
        search.add(search.by_quadrature())
    found = tuple(Law(each, _degree(each, network.weights)) for each in search.found)
    return Laws(found, size - extent.rank, extent, degree, tuple(search.rotations()))


@dataclass(eq=False)
class _Search:
    network: Parametrisation

    def __post_init__(self) -> None:
        self.found: list[Expression] = []
        self.slopes: list[list[Expression]] = []
        self.places = list(points(self.network.weights, signs(self.network), POINTS, f"laws of {self.network.text}"))

    @cached_property
    def fields(self) -> tuple[tuple[Expression, ...], ...]:
        return self.network.gradients

    def affordable(self, degree: int) -> bool:
        """Whether the monomials up to a degree, and the terms of the fields, are few enough."""
        from math import comb

        terms = sum(most_terms(each) for field in self.fields for each in field)
        return comb(len(self.network.weights) + degree, degree) <= MOST_MONOMIALS and terms <= MOST_TERMS

    def monomials(self, degree: int) -> list[Expression]:
        """All up to a degree but the constant, squares first among those of a degree."""
        import sympy as sp

        found = []
        for power in range(1, degree + 1):
            products = combinations_with_replacement(self.network.weights, power)
            found += sorted((sp.prod(each) for each in products), key=lambda m: len(m.free_symbols))
        return found

    def combinations(self, candidates: Sequence[Expression]) -> Iterator[Expression]:
        """The combinations of some functions that are constant along every field."""
        columns: list[dict[Any, Any]] = [{} for _ in candidates]
        for o, field in enumerate(self.fields):
            for column, terms in zip(columns, self._rates(candidates, field), strict=True):
                column |= {(o, place): value for place, value in terms.items()}
        for vector in sorted(kernel(columns), key=lambda v: (sum(1 for c in v if c), sum(map(abs, v)))):
            yield sum(c * each for c, each in zip(vector, candidates, strict=True))

    def _rates(self, candidates: Sequence[Expression], field: tuple[Expression, ...]) -> list[Sparse]:
        """The derivatives along a field, as polynomials."""
        import sympy as sp

        weights = self.network.weights
        if not all(_is_rational_polynomial(each, weights) for each in (*candidates, *field)):
            return _as_polynomials([derivative(each, field, weights) for each in candidates], weights)
        ring = sp.polys.rings.PolyRing(weights, sp.QQ)
        along = [ring.from_expr(each) for each in field]
        own = [ring.from_expr(each) for each in candidates]
        rates = [sum((p.diff(g) * f for g, f in zip(ring.gens, along, strict=True)), ring.zero) for p in own]
        return [{place: sp.Rational(c.numerator, c.denominator) for place, c in rate.items()} for rate in rates]

    def by_quadrature(self) -> Iterator[Expression]:
        """Laws of one output that is a sum of parts with weights of their own: what grows at one rate in each of them.

        In a product of functions of one weight each, the integral of f/f' grows at the rate of the product, for every factor;
        in a part of one weight the integral of 1/G' grows at rate one.
        """
        import sympy as sp

        clocks = []
        for part in _parts(self.network.outputs[0]):
            if len(part.free_symbols) == 1:
                (weight,) = part.free_symbols
                clocks.append(_integral(1 / sp.diff(part, weight), weight))
                continue
            factors = [each for each in sp.Mul.make_args(sp.factor(part)) if each.free_symbols]
            if all(len(each.free_symbols) == 1 for each in factors) and len(factors) == len(part.free_symbols):
                own = [_integral(each / sp.diff(each, *each.free_symbols), *each.free_symbols) for each in factors]
                yield from (a - b for a, b in combinations(own, 2) if a is not None and b is not None)
        yield from (a - b for a, b in combinations(clocks, 2) if a is not None and b is not None)

    def add(self, candidates: Iterator[Expression]) -> None:
        """Take over those that are verified and independent of what was found before."""
        import sympy as sp

        for candidate in candidates:
            law = sp.sympify(candidate)
            gradient = [sp.diff(law, w) for w in self.network.weights]
            rows = [*self.slopes, gradient]
            if max(rank(rows, place) for place in self.places) == len(rows) and is_law(law, self.network):
                self.slopes.append(gradient)
                law = -law if all(t.could_extract_minus_sign() for t in sp.Add.make_args(law)) else law
                self.found.append(law.replace(sp.log, lambda z: sp.log(sp.Abs(z))))  # of either sign, the slope is the same

    def rotations(self) -> Iterator[Expression]:
        """Angular momenta w . A w', A skew: conserved under momentum if the rotations that A generates change no output."""
        import sympy as sp

        pairs = list(combinations(self.network.weights, 2))
        if not self.affordable(2):
            return
        columns: list[dict[Any, Any]] = [{} for _ in pairs]
        for o, field in enumerate(self.fields):
            slope = dict(zip(self.network.weights, field, strict=True))
            rates = [sp.expand(a * slope[b] - b * slope[a]) for a, b in pairs]
            for column, terms in zip(columns, _as_polynomials(rates, self.network.weights), strict=True):
                column |= {(o, place): value for place, value in terms.items()}
        for vector in kernel(columns):
            yield sum(c * (a * _dotted(b) - b * _dotted(a)) for c, (a, b) in zip(vector, pairs, strict=True))


def _dotted(weight: Symbol) -> Symbol:
    import sympy as sp

    return sp.Symbol(f"{weight.name}'", real=True)


def is_law(law: Expression, network: Parametrisation) -> bool:
    """Whether a function of the weights is constant along gradient flow of every loss: verified symbolically."""
    return all(_vanishes(derivative(law, field, network.weights), network.weights) for field in network.gradients)


def _vanishes(expression: Expression, weights: Sequence[Symbol]) -> bool:
    """Whether a function is 0 everywhere: exactly for rational functions, else by sympy's simplification."""
    import sympy as sp

    (terms,) = _as_polynomials([expression], weights)
    return not terms or any(sp.simplify(form) == 0 for form in (expression, expression.rewrite(sp.exp)))


def _as_polynomials(expressions: Sequence[Expression], weights: Sequence[Symbol]) -> list[Sparse]:
    """Numerators over one common denominator, as polynomials in the weights and in letters for whatever else they hold.

    Where all coefficients vanish so does the expression. The converse holds for rational functions.
    """
    import sympy as sp

    together = [sp.fraction(sp.together(sp.expand(each))) for each in expressions]
    common = sp.Integer(1)
    for _, below in together:
        if below != 1:
            common = sp.lcm(common, below) if below.is_polynomial() and common.is_polynomial() else common * below
    numerators = [above * common / below if common != 1 else above for above, below in together]
    expanded = [sp.expand(sp.cancel(each)) if common != 1 else sp.expand(each) for each in numerators]
    letters = sorted(set(weights) | {g for each in expanded for g in _generators(each)}, key=str)
    if not letters:
        letters = list(weights)
    return [dict(sp.Poly(each, *letters).as_dict()) if each != 0 else {} for each in expanded]


def _generators(expression: Expression) -> set[Expression]:
    import sympy as sp

    if expression.is_number:
        return set()
    return set(sp.Poly(expression).gens)


def _is_rational_polynomial(expression: Expression, weights: Sequence[Symbol]) -> bool:
    import sympy as sp

    constants = (each for each in sp.preorder_traversal(expression) if each.is_number)
    return bool(expression.is_polynomial(*weights)) and all(each.is_Rational for each in constants)


def _parts(expression: Expression) -> list[Expression]:
    """Summands, put together where they share weights."""
    import sympy as sp

    found: list[Expression] = []
    for term in sp.Add.make_args(sp.expand(expression)):
        if not term.free_symbols:
            continue
        touching = [each for each in found if each.free_symbols & term.free_symbols]
        found = [each for each in found if not each.free_symbols & term.free_symbols]
        found.append(sum(touching, term))
    return found


def _integral(function: Expression, variable: Symbol) -> Expression | None:
    """A primitive in closed form, if sympy's rules find one quickly."""
    import sympy as sp
    from sympy.integrals.manualintegrate import manualintegrate

    found = manualintegrate(sp.simplify(function), variable)
    return None if found.has(sp.Integral) else found


def _degree(law: Expression, weights: Sequence[Symbol]) -> Any:
    """The degree of a homogeneous function; None if it is not."""
    import sympy as sp

    scaled = sum(w * sp.diff(law, w) for w in weights)
    ratio = sp.simplify(scaled / law)
    return ratio if ratio.is_Rational else None
