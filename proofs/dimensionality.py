"""Appendix G: participation ratio and effective number of shared dimensions, and what they say of a sparse subset.

Sums over units, eigenvalues and pairs of them are letters of their own, so that what is shown holds for any number of units.
"""

from __future__ import annotations

import sys
from typing import Any, NamedTuple

import sympy as sp

from normtheory.audit import notation
from normtheory.audit.alone import run_alone
from normtheory.audit.claims import Verdict, claim
from normtheory.audit.derivation import Derivation
from normtheory.audit.notation import symbol
from normtheory.audit.statements import Said
from normtheory.audit.steps import Theorem
from normtheory.proofs import package_numerics
from normtheory.proofs.package_numerics import ROUND_OFF

Expression = Any

SOURCE = "Lindsey & Lippl 2024, Appendix G"
CENTRED = "responses are mean-centred"


def _trace(name: str, latex: str, text: str) -> Expression:
    return symbol(name, rf"\operatorname{{tr}}({latex})", f"tr({text})", positive=True)


T_X, T_XX = _trace("t_X", r"X^\top X", "XᵀX"), _trace("t_XX", r"(X^\top X)^2", "(XᵀX)²")
T_Y, T_YY = _trace("t_Y", r"Y^\top Y", "YᵀY"), _trace("t_YY", r"(Y^\top Y)^2", "(YᵀY)²")
T_XY = _trace("t_XY", r"Y^\top XX^\top Y", "YᵀXXᵀY")
T_C, T_CC = _trace("t_C", "C", "C"), _trace("t_CC", "C^2", "C²")
SUM = symbol("sum_lambda", r"\sum_i\lambda_i", "Σλ", positive=True)
SQUARES = symbol("squares_lambda", r"\sum_i\lambda_i^2", "Σλ²", positive=True)
N, P = symbol("n", positive=True), symbol("p", positive=True, integer=True)
V = symbol("v", positive=True)

RATIO = SUM**2 / SQUARES
SHARED = T_XY * T_X * T_Y / (T_XX * T_YY)


def ratio(total: Expression, squares: Expression) -> Expression:
    """Eq. 34 in the sum of the covariance's eigenvalues and that of their squares."""
    return RATIO.subs({SUM: total, SQUARES: squares}, simultaneous=True)


def shared(xy: Expression, x: Expression, y: Expression, xx: Expression, yy: Expression) -> Expression:
    """Eq. 35 in its five traces."""
    return SHARED.subs({T_XY: xy, T_X: x, T_Y: y, T_XX: xx, T_YY: yy}, simultaneous=True)


_RATIO = Said(eigenvalues=RATIO, covariance=T_C**2 / T_CC, responses=T_X**2 / T_XX)


def _ratio_of(form: Any) -> Said:
    return Said(eigenvalues=form(SUM, SQUARES), covariance=form(T_C, T_CC), responses=form(T_X, T_XX))


@claim(
    id="eq34",
    where="Eq. 34 (Appendix G)",
    statement="the participation ratio is <eigenvalues>, in the eigenvalues of the covariance $C$, or <covariance>, or "
    "<responses>",
    reads=(CENTRED,),
    printed=_RATIO,
    twins={
        "the trace without its square": _ratio_of(lambda first, second: first / second),
        "the inverse": _ratio_of(lambda first, second: second / first**2),
        "the root of the second trace": _ratio_of(lambda first, second: first**2 / sp.sqrt(second)),
        "twice as much": _ratio_of(lambda first, second: 2 * first**2 / second),
        "another form in the covariance": _RATIO.but(covariance=T_C / T_CC),
        "another form in the responses": _RATIO.but(responses=T_X**2 / T_XX**2),
    },
    expected=Verdict.PROVED,
    source=SOURCE + "; Gao et al. 2017",
)
def participation_ratio(proof: Derivation, stated: Said) -> None:
    """Eq. 34: the three forms agree; the factor 1/n of the covariance drops out; p equal eigenvalues count as p."""
    proof.argue(
        "traces of the covariance and of its square are the sums of its eigenvalues and of their squares", Theorem.SPECTRAL
    )
    of_traces = stated.covariance.subs({T_C: SUM, T_CC: SQUARES}, simultaneous=True)
    proof.equal("so the form in the covariance is that in the eigenvalues", of_traces, stated.eigenvalues)
    proof.argue("the trace of the squared sample matrix is that of the last form", Theorem.CYCLIC)
    over_samples = stated.covariance.subs({T_C: T_X / N, T_CC: T_XX / N**2}, simultaneous=True)
    proof.equal("the number of samples, which the covariance is divided by, drops out", over_samples, stated.responses)
    counted = stated.eigenvalues.subs({SUM: P * V, SQUARES: P * V**2}, simultaneous=True)
    if proof.equal("it counts: of p equal eigenvalues there are", counted, P):
        deviation = package_numerics.dimensionality_deviation("ratio")
        proof.witness("the package's ratio against eigenvalues of random covariances", deviation, ROUND_OFF)


_SHARED = Said(shared=SHARED, itself=T_X**2 / T_XX)


@claim(
    id="eq35",
    where="Eq. 35 (Appendix G)",
    statement="the effective number of shared dimensions is <shared>, and of responses with themselves <itself>, their "
    "participation ratio",
    reads=(CENTRED, "both networks may have different numbers of units"),
    printed=_SHARED,
    twins={
        "roots of the denominators": _SHARED.but(shared=T_XY * T_X * T_Y / sp.sqrt(T_XX * T_YY)),
        "roots of the numerators' traces": _SHARED.but(shared=T_XY * sp.sqrt(T_X * T_Y) / (T_XX * T_YY)),
        "without the trace of Y": _SHARED.but(shared=T_XY * T_X / T_XX),
        "twice as much": _SHARED.but(shared=2 * SHARED),
        "not symmetric": _SHARED.but(shared=T_XY * T_X**2 / (T_XX**2)),
        "another number with itself": _SHARED.but(itself=T_X / T_XX),
    },
    expected=Verdict.PROVED,
    source=SOURCE + "; Giaffar et al. 2023",
)
def shared_dimensions(proof: Derivation, stated: Said) -> None:
    """Eq. 35: shared with itself a representation has its participation ratio; units and rotations do not matter."""
    with_itself = stated.shared.subs({T_XY: T_XX, T_Y: T_X, T_YY: T_XX}, simultaneous=True)
    proof.equal("of responses with themselves it is", with_itself, stated.itself)
    proof.equal("which Eq. 34 has as their participation ratio", stated.itself, ratio(T_X, T_XX))
    a, b = sp.symbols("a b", positive=True)
    units = {T_XY: a**2 * b**2 * T_XY, T_X: a**2 * T_X, T_Y: b**2 * T_Y, T_XX: a**4 * T_XX, T_YY: b**4 * T_YY}
    holds = proof.equal("the units of both drop out", stated.shared.subs(units, simultaneous=True), stated.shared)
    exchanged = stated.shared.subs({T_X: T_Y, T_Y: T_X, T_XX: T_YY, T_YY: T_XX}, simultaneous=True)
    holds = proof.equal("both may be exchanged", exchanged, stated.shared) and holds
    proof.argue("and rotations of the units of either leave all traces", Theorem.CYCLIC)
    if holds:
        deviation = package_numerics.dimensionality_deviation("shared")
        proof.witness("the package's measure against the printed traces on random data", deviation, ROUND_OFF)


PRODUCTS = symbol("pairs_product", r"\sum_{i<j}\lambda_i\lambda_j", "Σλᵢλⱼ", nonnegative=True)  # over pairs of units
DIFFERENCES = symbol("pairs_difference", r"\sum_{i<j}(\lambda_i-\lambda_j)^2", "Σ(λᵢ−λⱼ)²", nonnegative=True)
PAIR = tuple(symbol(f"lambda_{i}", rf"\lambda_{i}", f"λ{'ᵢⱼ'['ij'.index(i)]}", nonnegative=True) for i in "ij")
MORE = symbol("e", integer=True, nonnegative=True)  # units beyond the first


def _sums_over_pairs(proof: Derivation) -> None:
    """(sum l)^2 = sum l^2 + 2 sum over pairs l_i l_j, and p sum l^2 = (sum l)^2 + sum over pairs (l_i - l_j)^2."""
    with proof.lemma("sums over pairs of eigenvalues, for any number of units"):
        first, second = PAIR
        product = 2 * first * second
        proof.equal(
            "a pair adds its product, doubled, to the square of a sum", (first + second) ** 2 - first**2 - second**2, product
        )
        proof.positive("which is not negative, as no eigenvalue of a covariance is", product, strict=False)
        text = "and lacks as much of the sum of squares, but for the square of its difference"
        proof.equal(text, first**2 + second**2 - product, (first - second) ** 2)
        proof.argue("summed over all pairs, each square is met once for every other unit", Theorem.LINEARITY)


@claim(
    id="pr-range",
    where="Appendix G, after Eq. 34",
    statement="the participation ratio of $p$ units, some of which vary, is at least <least> and at most <most>",
    reads=(CENTRED,),
    printed=Said(least=sp.Integer(1), most=P),
    twins={
        "at least two": Said(least=sp.Integer(2), most=P),
        "at least a tenth more": Said(least=sp.Rational(11, 10), most=P),
        "at most half of them": Said(least=sp.Integer(1), most=P / 2),
        "at most the root": Said(least=sp.Integer(1), most=sp.sqrt(P)),
        "at most a tenth less": Said(least=sp.Integer(1), most=sp.Rational(9, 10) * P),
    },
    siblings={
        "at least a half": Said(least=sp.Rational(1, 2), most=P),
        "at most twice as many": Said(least=sp.Integer(1), most=2 * P),
        "at most the square": Said(least=sp.Integer(1), most=P**2),
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def range_of_ratio(proof: Derivation, stated: Said) -> None:
    """Appendix G: both bounds are sums over pairs that are not negative, over the sum of squares."""
    _sums_over_pairs(proof)
    below = (SQUARES + 2 * PRODUCTS) - stated.least * SQUARES
    proof.positive("the squared sum is not below the lower bound times the sum of squares", sp.expand(below), strict=False)
    of_differences = (SUM**2 + DIFFERENCES) / P
    above = (stated.most * of_differences - SUM**2).subs(P, 1 + MORE)
    proof.positive("nor above the upper bound times it", above, sp.factor(sp.expand(above)), strict=False)
    _at_an_end(proof, "one direction", 1 - stated.least)
    _at_an_end(proof, "equal variances", (stated.most - P).subs(P, 1 + MORE))


def _at_an_end(proof: Derivation, where: str, margin: Expression) -> None:
    """The ratio attains both ends of its range: a bound is met there, or is beyond."""
    if margin == 0:
        proof.equal(f"{where} attain the bound, which is off by", margin, 0)
    else:
        proof.positive(f"{where} do not attain the bound, which is beyond by", sp.factor(margin), strict=False)


class Spectrum(NamedTuple):
    """Eigenvalues, and how often each occurs."""

    parts: tuple[tuple[Expression, Expression], ...]

    def sum(self, power: int) -> Expression:
        """Of the eigenvalues' powers."""
        return sum(times * (value**power if power else ONE) for value, times in self.parts)

    @property
    def ratio(self) -> Expression:
        """Participation ratio."""
        return ratio(self.sum(1), self.sum(2))

    def in_latex(self) -> str:
        """Each eigenvalue with its number."""
        return " and ".join(f"${notation.latex(value)}$ (${notation.latex(times)}$ of them)" for value, times in self.parts)

    def in_text(self) -> str:
        """The same as text."""
        return " and ".join(f"{notation.text(value)} ({notation.text(times)} of them)" for value, times in self.parts)


ZERO, ONE = sp.Integer(0), sp.Integer(1)
OTHER = symbol("u", positive=True)
_EXTREMES = Said(least=ONE, most=P, one=Spectrum(((V, ONE), (ZERO, P - 1))), equal=Spectrum(((V, P),)))


@claim(
    id="pr-extremes",
    where="Appendix G, after Eq. 34",
    statement="the participation ratio of $p$ units is <least> exactly where the covariance has the eigenvalues <one>, and "
    "<most> exactly where it has <equal>",
    reads=(CENTRED,),
    printed=_EXTREMES,
    twins={
        "the least with two equal directions": _EXTREMES.but(one=Spectrum(((V, sp.Integer(2)), (ZERO, P - 2)))),
        "the most with any full-rank covariance": _EXTREMES.but(equal=Spectrum(((V, P - 1), (OTHER, ONE)))),
        "the most with one direction fewer": _EXTREMES.but(equal=Spectrum(((V, P - 1), (ZERO, ONE)))),
        "another least value": _EXTREMES.but(least=sp.Integer(2)),
        "another greatest value": _EXTREMES.but(most=P - 1),
    },
    siblings={"in other units": _EXTREMES.but(equal=Spectrum(((3 * V, P),)))},
    expected=Verdict.PROVED,
    source=SOURCE,
)
def extremes(proof: Derivation, stated: Said) -> None:
    """Appendix G: the sums of `pr-range` vanish only there; any number of units."""
    proof.equal("the stated eigenvalues attain the least value", stated.one.ratio, stated.least)
    proof.equal("and the greatest", stated.equal.ratio, stated.most)
    for spectrum in (stated.one, stated.equal):
        proof.equal("there are as many eigenvalues as units", spectrum.sum(0), P)
        for value, _ in spectrum.parts:
            proof.positive("and none is negative, as of every covariance", value, strict=False)
    _sums_over_pairs(proof)
    first, second, gap = sp.symbols("lambda_i lambda_j delta", positive=True)
    over = sp.Symbol("r", nonnegative=True)  # what the other pairs add
    text = "if two eigenvalues are positive, the ratio exceeds one by their product, doubled, at least, over the sum of squares"
    proof.positive(
        text, ratio(SUM, SQUARES).subs(SUM**2, SQUARES + 2 * (first * second + over)) - 1, 2 * (first * second + over) / SQUARES
    )
    text = "if two differ, it falls short of their number by the square of the difference at least"
    proof.positive(text, P - ratio(SUM, SQUARES).subs(SUM**2, P * SQUARES - gap**2 - over), (gap**2 + over) / SQUARES)
    proof.argue("all other pairs add nothing negative to either", Theorem.LINEARITY)


CKA = symbol("cka", r"\operatorname{CKA}(X,Y)", "CKA(X,Y)", positive=True)
PR_X, PR_Y = (symbol(f"pr_{name}", rf"\operatorname{{PR}}({name})", f"PR({name})", positive=True) for name in "XY")


@claim(
    id="ensd-cka",
    where="Appendix G, after Eq. 35",
    statement="the effective number of shared dimensions is <product>",
    reads=(CENTRED, "the kernel alignment is linear"),
    printed=Said(product=CKA * sp.sqrt(PR_X * PR_Y)),
    twins={
        "the arithmetic mean": Said(product=CKA * (PR_X + PR_Y) / 2),
        "the product": Said(product=CKA * PR_X * PR_Y),
        "the squared alignment": Said(product=CKA**2 * sp.sqrt(PR_X * PR_Y)),
        "half of it": Said(product=CKA * sp.sqrt(PR_X * PR_Y) / 2),
    },
    siblings={"the roots one by one": Said(product=CKA * sp.sqrt(PR_X) * sp.sqrt(PR_Y))},
    expected=Verdict.PROVED,
    source=SOURCE + "; Kornblith et al. 2019",
)
def alignment_times_dimension(proof: Derivation, stated: Said) -> None:
    """Appendix G: put the definitions in; the five traces are positive numbers."""
    by_traces = {CKA: T_XY / sp.sqrt(T_XX * T_YY), PR_X: ratio(T_X, T_XX), PR_Y: ratio(T_Y, T_YY)}
    found = stated.product.subs(by_traces, simultaneous=True)
    if proof.equal("alignment and both participation ratios in the traces", found, SHARED):
        deviation = package_numerics.dimensionality_deviation("cka")
        proof.witness("the package's three measures on random data", deviation, ROUND_OFF)


def of_subset(kept: Expression, dropped: Expression, of_kept: Expression, of_dropped: Expression) -> Expression:
    """ENSD of uncorrelated units, of two variances, with those of the first variance."""
    total, squares = (kept * of_kept**power + dropped * of_dropped**power for power in (1, 2))
    return shared(kept * of_kept**2, total, kept * of_kept, squares, kept * of_kept**2)


if __name__ == "__main__":
    sys.exit(run_alone())
