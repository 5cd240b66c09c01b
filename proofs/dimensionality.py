"""Appendix G: participation ratio and effective number of shared dimensions, and what they say of a sparse subset.

Uncorrelated units with variances sigma_1^2, ... have a diagonal covariance, so that every trace is a sum over units.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Sequence
from typing import Any

import sympy as sp

from normtheory.audit.alone import run_alone
from normtheory.audit.claims import Verdict, claim
from normtheory.audit.derivation import Derivation
from normtheory.proofs import experiments, package_numerics, setting
from normtheory.proofs.appendix_a_endpoint import pretrained
from normtheory.proofs.setting import number

Expression = Any

SOURCE = "Lindsey & Lippl 2024, Appendix G"
CENTRED = "responses are mean-centred"
ROUND_OFF = 1e-12  # relative error allowed to the package's float64 measures

X = sp.Matrix(3, 2, sp.symbols("x_11 x_12 x_21 x_22 x_31 x_32", real=True))
Y = sp.Matrix(3, 2, sp.symbols("y_11 y_12 y_21 y_22 y_31 y_32", real=True))
EIGENVALUES = sp.symbols("lambda_1:5", positive=True)
VARIANCES = sp.symbols("s_1:11", positive=True)


def ratio(eigenvalues: Sequence[Expression]) -> Expression:
    """Eq. 34 in the eigenvalues of the covariance."""
    return sum(eigenvalues) ** 2 / sum(value**2 for value in eigenvalues)


def traces(first: sp.Matrix, second: sp.Matrix) -> Expression:
    """tr(Y^T X X^T Y)."""
    return (second.T * first * first.T * second).trace()


@claim(
    id="eq34",
    where="Eq. 34 (Appendix G)",
    statement=r"PR(X) = \frac{(\sum_i\lambda_i)^2}{\sum_i\lambda_i^2} = \frac{\mathrm{tr}(C_X)^2}{\mathrm{tr}(C_X^2)} = "
    r"\frac{\mathrm{tr}(X^\top X)^2}{\mathrm{tr}(X^\top XX^\top X)}",
    assumptions=(CENTRED, "spelled out for three samples and two units"),
    printed=lambda first, second: first**2 / second,
    twins={
        "the trace without its square": lambda first, second: first / second,
        "the inverse": lambda first, second: second / first**2,
        "the root of the second trace": lambda first, second: first**2 / sp.sqrt(second),
    },
    expected=Verdict.PROVED,
    source=SOURCE + "; Gao et al. 2017",
)
def participation_ratio(proof: Derivation, formula: Callable[..., Expression]) -> None:
    """Eq. 34: the three forms agree; the factor 1/n of the covariance drops out."""
    n = sp.Symbol("n", positive=True)
    proof.equal("the trace of (X^T X)^2 is that of the last form", traces(X, X), ((X.T * X) ** 2).trace())
    p, q, r = sp.symbols("p q r", real=True)
    gram = sp.Matrix([[p, r], [r, q]])  # any X^T X
    root = sp.sqrt((p - q) ** 2 + 4 * r**2)
    low, high = (p + q - root) / 2, (p + q + root) / 2
    for name, value in (("smaller", low), ("larger", high)):
        proof.equal(
            f"the {name} eigenvalue of X^T X solves its characteristic equation", value**2 - (p + q) * value + p * q - r**2, 0
        )
    proof.equal("their sum is the trace", low + high, gram.trace())
    proof.equal("and the sum of their squares that of the square", low**2 + high**2, (gram * gram).trace())
    covariance = formula(gram.trace() / n, (gram * gram).trace() / n**2)
    holds = proof.equal("the form in the covariance, as stated", covariance, ratio((low, high)))
    proof.equal("and the form in X^T X", formula(gram.trace(), (gram * gram).trace()), covariance)
    if holds:
        deviation = package_numerics.dimensionality_deviation("ratio")
        proof.witness("the package's ratio against eigenvalues of random covariances", deviation, ROUND_OFF)


def _shared(xy: Expression, x: Expression, y: Expression, xx: Expression, yy: Expression) -> Expression:
    return xy * x * y / (xx * yy)


@claim(
    id="eq35",
    where="Eq. 35 (Appendix G)",
    statement=r"ENSD(X,Y) = \frac{\mathrm{tr}(Y^\top XX^\top Y)\,\mathrm{tr}(X^\top X)\,\mathrm{tr}(Y^\top Y)}"
    r"{\mathrm{tr}(X^\top XX^\top X)\,\mathrm{tr}(Y^\top YY^\top Y)};\quad ENSD(X,X)=PR(X)",
    assumptions=(CENTRED, "X and Y may have different numbers of units"),
    printed=_shared,
    twins={
        "roots of the denominators": lambda xy, x, y, xx, yy: xy * x * y / sp.sqrt(xx * yy),
        "roots of the numerators' traces": lambda xy, x, y, xx, yy: xy * sp.sqrt(x * y) / (xx * yy),
        "without the trace of Y": lambda xy, x, y, xx, yy: xy * x / xx + 0 * y * yy,
    },
    expected=Verdict.PROVED,
    source=SOURCE + "; Giaffar et al. 2023",
)
def shared_dimensions(proof: Derivation, formula: Callable[..., Expression]) -> None:
    """Eq. 35: shared with itself a representation has its participation ratio; units and rotations do not matter."""
    xy, x, y, xx, yy = sp.symbols("t_XY t_X t_Y t_XX t_YY", positive=True)
    proof.equal("with itself: the participation ratio", formula(xx, x, x, xx, xx), x**2 / xx)
    a, b = sp.symbols("a b", positive=True)
    scaled = formula(a**2 * b**2 * xy, a**2 * x, b**2 * y, a**4 * xx, b**4 * yy)
    holds = proof.equal("units of X and Y drop out", scaled, formula(xy, x, y, xx, yy))
    cosine, sine = sp.Rational(3, 5), sp.Rational(4, 5)
    turned = Y * sp.Matrix([[cosine, -sine], [sine, cosine]])
    proof.equal("and so do rotations of the units", traces(X, turned), traces(X, Y))
    if holds:
        deviation = package_numerics.dimensionality_deviation("shared")
        proof.witness("the package's measure against the printed traces on random data", deviation, ROUND_OFF)


@claim(
    id="pr-range",
    where="Appendix G, after Eq. 34",
    statement=r"1 \le PR(X) \le p",
    assumptions=("some unit varies; spelled out for four units",),
    printed=(1, 1),
    twins={
        "at least 2": (2, 1),
        "at most p/2": (1, sp.Rational(1, 2)),
        "at most sqrt p": (1, 1 / sp.sqrt(len(EIGENVALUES))),
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def range_of_ratio(proof: Derivation, stated: tuple[Expression, Expression]) -> None:
    """Appendix G: both bounds are sums of non-negative terms over the sum of squares."""
    low, share = stated
    p, squares = len(EIGENVALUES), sum(value**2 for value in EIGENVALUES)
    pairs = [(EIGENVALUES[i], EIGENVALUES[j]) for i in range(p) for j in range(i)]
    above = ratio(EIGENVALUES) - low
    proof.equal(
        "PR less its lower bound is a sum of products of eigenvalues", above, 2 * sum(a * b for a, b in pairs) / squares
    )
    below = share * p - ratio(EIGENVALUES)
    proof.equal("the upper bound less PR a sum of squared differences", below, sum((a - b) ** 2 for a, b in pairs) / squares)


@claim(
    id="pr-extremes",
    where="Appendix G, after Eq. 34",
    statement=r"PR=1\ \text{exactly if the responses vary along one direction};\ PR=p\ \text{exactly if all}\ p\ "
    r"\text{principal components have the same variance}",
    assumptions=("spelled out for four units",),
    printed=((1, 0, 0, 0), (1, 1, 1, 1)),
    twins={
        "PR = 1 with two equal directions": ((1, 1, 0, 0), (1, 1, 1, 1)),
        "PR = p with any full-rank covariance": ((1, 0, 0, 0), EIGENVALUES),
        "PR = p with three of four": ((1, 0, 0, 0), (1, 1, 1, 0)),
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def extremes(proof: Derivation, stated: tuple[Sequence[Expression], Sequence[Expression]]) -> None:
    """Appendix G: the sums of `pr-range` vanish only there."""
    scale = sp.Symbol("v", positive=True)
    one, all_equal = ([scale * sp.sympify(value) for value in values] for values in stated)
    proof.equal("the stated covariance attains 1", ratio(one), 1)
    proof.equal("the stated covariance attains p", ratio(all_equal), len(EIGENVALUES))
    first, gap = sp.symbols("l_1 delta", positive=True)
    second, third, fourth = sp.symbols("l_2:5", nonnegative=True)
    some = (first, second, third, fourth)
    pairs = list(itertools.combinations(some, 2))
    squares = sum(value**2 for value in some)
    products = 2 * sum(a * b for a, b in pairs) / squares
    proof.equal("PR - 1 is a sum of products of the eigenvalues l_1 > 0, l_2, l_3, l_4 >= 0", ratio(some) - 1, products)
    positive = {second: sp.Symbol("l_2", positive=True)}
    above = (ratio(some) - 1).subs(positive)
    proof.positive(
        "it exceeds 0 if two of them are positive, say l_1 and l_2, whatever the others are", above, products.subs(positive)
    )
    differences = sum((a - b) ** 2 for a, b in pairs) / squares
    proof.equal("p - PR is a sum of their squared differences", 4 - ratio(some), differences)
    apart = {first: second + gap}
    below = (4 - ratio(some)).subs(apart)
    proof.positive(
        "it exceeds 0 if two of them differ, say l_1 = l_2 + delta, whatever the others are", below, differences.subs(apart)
    )


@claim(
    id="ensd-cka",
    where="Appendix G, after Eq. 35",
    statement=r"ENSD(X,Y) = CKA(X,Y)\,\sqrt{PR(X)\,PR(Y)}",
    assumptions=(CENTRED, "linear CKA"),
    printed=lambda cka, x, y: cka * sp.sqrt(x * y),
    twins={
        "the arithmetic mean": lambda cka, x, y: cka * (x + y) / 2,
        "the product": lambda cka, x, y: cka * x * y,
        "the squared CKA": lambda cka, x, y: cka**2 * sp.sqrt(x * y),
    },
    expected=Verdict.PROVED,
    source=SOURCE + "; Kornblith et al. 2019",
)
def alignment_times_dimension(proof: Derivation, formula: Callable[..., Expression]) -> None:
    """Appendix G: put the definitions in; the five traces are positive numbers."""
    xy, x, y, xx, yy = sp.symbols("t_XY t_X t_Y t_XX t_YY", positive=True)
    stated = formula(xy / sp.sqrt(xx * yy), x**2 / xx, y**2 / yy)
    holds = proof.equal("CKA and both participation ratios in the traces", stated, _shared(xy, x, y, xx, yy))
    if holds:
        deviation = package_numerics.dimensionality_deviation("cka")
        proof.witness("the package's three measures on random data", deviation, ROUND_OFF)


def _of_subset(variances: Sequence[Expression], kept: int) -> Expression:
    """ENSD of uncorrelated units with the first `kept` of them."""
    subset = variances[:kept]
    overlap = sum(v**2 for v in subset)
    return _shared(overlap, sum(variances), sum(subset), sum(v**2 for v in variances), overlap)


Example = tuple[Sequence[Expression], Expression]


def size_for_unequal(printed: Example, corrected: Example) -> str:
    """Appendix G, the example, with units of the paper's pretrained network: some learned, some not."""
    learned, other = (pretrained(aux, 1) ** 2 for aux in (setting.WEIGHT, sp.Integer(0)))
    mixed = [float(_of_subset(units, 5)) for units in ([learned] * 5 + [other] * 5, [other] * 5 + [learned] * 5)]
    equal = float(_of_subset([learned] * len(corrected[0]), 5))
    return (
        f"Of ten units in the plus pathway of the pretrained network, five of learned features (variance {number(learned)}) "
        f"and five others ({number(other)}), ENSD is {number(mixed[0])} with the first five and {number(mixed[1])} with the "
        f"others, where {number(printed[1])} is printed for any. Of ten learned features, which vary equally, any five give "
        f"{number(equal)}."
    )


@claim(
    id="ensd-subset",
    where="Appendix G, after Eq. 35",
    statement=r"\text{for 10 uncorrelated units}\ X\ \text{and}\ Y\ \text{five of them},\ ENSD(X,Y)=5",
    assumptions=(CENTRED,),
    printed=(VARIANCES, 5),
    corrected=((VARIANCES[0],) * 10, 5),
    corrected_statement=r"ENSD = \frac{\sum_X\sigma^2\,\sum_Y\sigma^2}{\sum_X\sigma^4},\ "
    r"\text{which is 5 if the ten variances are equal}",
    size=size_for_unequal,
    twins={
        "10, the larger dimension": ((VARIANCES[0],) * 10, 10),
        "sqrt 50, the geometric mean of the dimensions": ((VARIANCES[0],) * 10, sp.sqrt(50)),
        "5 with two variances, equal within each five": ((VARIANCES[0],) * 5 + (VARIANCES[1],) * 5, 5),
    },
    expected=Verdict.CORRECTED,
    source=SOURCE,
)
def subset(proof: Derivation, stated: Example) -> None:
    """Appendix G, the example: uncorrelated is not enough, the units must vary equally."""
    variances, value = stated
    shared = _of_subset(variances, 5)
    closed = sum(variances) * sum(variances[:5]) / sum(v**2 for v in variances)
    proof.equal("the overlap of a subset with all units is the overlap with itself", shared, closed)
    if not proof.equal("the stated number of shared dimensions", shared, value):
        unequal = _of_subset([sp.Integer(2 ** (9 - d)) for d in range(10)], 5)
        proof.note(f"With standard deviations falling by a factor sqrt 2 from unit to unit it is {float(unequal):.3g}.")


@claim(
    id="ensd-zero",
    where="Appendix G, after Eq. 35",
    statement=r"\text{for five uncorrelated units}\ Y\ \text{that are uncorrelated with all of}\ X,\ ENSD(X,Y)=0",
    assumptions=(CENTRED,),
    printed=sp.Integer(0),
    twins={
        "though one pair of units is correlated": sp.Symbol("rho", positive=True),
        "though all pairs have correlation 1/10": sp.Rational(1, 10),
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def nothing_shared(proof: Derivation, correlation: Expression) -> None:
    """Appendix G, the example: the numerator is the sum of squared covariances between the two sets of units."""
    cross = sum((Y.T * X)[i, j] ** 2 for i in (0, 1) for j in (0, 1))
    proof.equal("tr(Y^T X X^T Y) is the sum of squared covariances of units of X with units of Y", traces(X, Y), cross)
    s, t = VARIANCES[:2]
    overlap = 5 * s * t * correlation**2 if correlation.is_Rational else s * t * correlation**2
    shared = _shared(overlap, 10 * s, 5 * t, 10 * s**2, 5 * t**2)
    proof.equal("ten units of variance s_1, five of variance s_2: shared dimensions", shared, 0)


def size_of_signature(*_: Sequence[Expression]) -> str:
    """Appendix G, the signature, where the paper's networks choose 5 of the 40 features they were pretrained on."""
    found = {rescale: experiments.nested_dimensions(rescale) for rescale in (1.0, 0.1)}
    listed = ", and ".join(
        f"to {number(after)}, ENSD being the same to {abs(shared / after - 1):.0e} of it, for weights rescaled by {rescale:g}"
        for rescale, (_, after, shared) in found.items()
    )
    return (
        f"hardly any, as the pretrained features vary equally. Where finetuning is to keep {experiments.KEPT} of the "
        f"{setting.FEATURES}, D = {setting.INPUTS}, n = {setting.SAMPLES}, the first layer's PR falls from "
        f"{number(found[1.0][0])} {listed}."
    )


@claim(
    id="ensd-nested",
    where="section 6, Appendix G",
    statement=r"\text{if finetuning keeps a sparse subset of the features,}\ PR(X_{FT})<PR(X_{PT})\ \text{and}\ "
    r"ENSD(X_{PT},X_{FT})\approx PR(X_{FT})",
    assumptions=(
        "features are uncorrelated units; three of four are kept",
        CENTRED,
        "the paper's approximate equality is read as exact equality, and holds exactly for features of equal variance; "
        "with variances 1, 1, 1, 10, the last one dropped, ENSD is 39/103 and PR(X_FT) 3, apart by a factor of almost 8",
    ),
    printed=VARIANCES[:4],
    corrected=(VARIANCES[0],) * 4,
    corrected_statement=r"\text{for features of equal variance}\ PR\ \text{falls from}\ p\ \text{to}\ q\ \text{and}\ "
    r"ENSD=PR(X_{FT});\ \text{but}\ ENSD=PR(X_{FT})\ \text{then holds for every linear read-out of}\ X_{PT}",
    size=size_of_signature,
    twins={
        "though the dropped feature is the strongest": (VARIANCES[0],) * 3 + (100 * VARIANCES[0],),
        "though the kept features differ tenfold": (10 * VARIANCES[0], VARIANCES[0], VARIANCES[0], VARIANCES[0]),
    },
    expected=Verdict.CORRECTED,
    source=SOURCE,
)
def nested_signature(proof: Derivation, variances: Sequence[Expression]) -> None:
    """Appendix G, the signature: both parts for uncorrelated units of the stated variances, three of four kept."""
    kept = variances[:3]
    shared, after, before = _of_subset(variances, 3), ratio(kept), ratio(variances)
    closed = after * (sum(variances) * sum(v**2 for v in kept)) / (sum(v**2 for v in variances) * sum(kept))
    proof.equal("ENSD in units of PR afterwards", shared, closed)
    equal = proof.equal("ENSD equals PR afterwards", shared, after)
    proof.positive("PR falls", before - after, sp.Integer(1))
    if not equal:
        example = [sp.Integer(v) for v in (1, 1, 1, 10)]
        rising = [ratio(example), ratio(example[:3])]
        proof.note(
            f"With variances 1, 1, 1, 10, dropping the last raises PR from {float(rising[0]):.3g} to {float(rising[1]):.3g}; "
            f"ENSD is {_of_subset(example, 3)}, no approximation of PR afterwards."
        )
        return
    n, readout = sp.Symbol("n", positive=True), sp.Matrix(2, 2, sp.symbols("m_11 m_12 m_21 m_22", real=True))
    white = readout.T * readout  # X^T X = n 1, Y = X M
    everything = _shared(n**2 * white.trace(), 2 * n, n * white.trace(), 2 * n**2, n**2 * (white * white).trace())
    of_readout = white.trace() ** 2 / (white * white).trace()
    proof.equal("two white units, any linear read-out Y = X M: ENSD is PR(Y) too", everything, of_readout)
    proof.note("Of the two signs, only the fall of PR tells a sparse subset from any other linear read-out of white features.")


if __name__ == "__main__":
    sys.exit(run_alone())
