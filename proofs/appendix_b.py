"""Appendix B: the least parameter norm of a predictor, for diagonal and for ReLU networks.

Every norm here is a sum over coordinates (or hidden units), and the weights of one coordinate do not meet those of another:
it is enough to know one coordinate. Predictors of several outputs enter through their lengths and inner products, so that what
is shown holds for any number of outputs.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import sympy as sp

from normtheory.audit.alone import run_alone
from normtheory.audit.claims import Verdict, claim
from normtheory.audit.derivation import Derivation
from normtheory.audit.notation import symbol
from normtheory.audit.statements import Said
from normtheory.audit.steps import Theorem
from normtheory.proofs import setting
from normtheory.proofs.letters import SIZE, T
from normtheory.proofs.optimality import slope
from normtheory.proofs.orbit import W_MINUS, W_PLUS
from normtheory.proofs.setting import number

Expression = Any
Symbol = Any

SOURCE = "Lindsey & Lippl 2024, Appendix B; Dai et al. 2021"

PREDICTOR = symbol("b_o", r"\beta_{o,d}", "β_o", real=True)  # of one output and coordinate
LENGTH = symbol("length_beta", r"\|\beta_d\|", "‖β_d‖", positive=True)  # of the predictors of a coordinate, one an output
SUM = symbol("sum_beta", r"\|\beta_d\|_1", "‖β_d‖₁", positive=True)  # of their sizes
Z = symbol("z_d", "z_d", "z", positive=True)
FIRST = symbol("first_layer", r"|w^{(1)}_d|", "|w⁽¹⁾|", nonnegative=True)  # one pathway: its first layer
READOUTS = symbol("readouts_d", r"\|w^{(2)}_d\|", "‖w⁽²⁾‖", nonnegative=True)  # and the length of its readouts


def length(entries: Sequence[Expression]) -> Expression:
    """Euclidean norm."""
    return sp.sqrt(sum(entry**2 for entry in entries))


def least_norm(proof: Derivation, stated: Expression, of: Symbol = LENGTH) -> bool:
    """Appendix B.1: the least parameter norm of a coordinate whose predictors have the length `of` is as stated.

    No weights have less, by a square and the triangle inequality, and some have no more; for any number of outputs.
    """
    with proof.lemma("no weights of a coordinate have less than the length of its predictors, doubled"):
        proof.equal(
            "in a pathway the squared norm exceeds first layer times readouts, doubled, by a square",
            FIRST**2 + READOUTS**2 - 2 * FIRST * READOUTS,
            (FIRST - READOUTS) ** 2,
        )
        proof.argue("first layer times readouts is the length of the pathway's part of the predictors", Theorem.LINEARITY)
        proof.argue("the lengths of both parts add up to the predictors' length at least", Theorem.TRIANGLE)
    first, readouts = sp.sqrt(of), of / sp.sqrt(of)
    proof.equal(
        "the plus pathway alone reaches the predictors with the root of their length in both layers", first * readouts, of
    )
    reached = proof.equal("and its squared norm is the least, as stated", first**2 + readouts**2, stated)
    proof.equal("predictors that vanish need no weights", stated.subs(of, 0), 0)
    return reached


def same_minimisers(proof: Derivation, stated: Expression, sharp: Expression, at: dict[Symbol, Expression]) -> bool:
    """Whether a penalty is a positive multiple of another one, and a constant: the multiple is read off at one point.

    The first variable of that point is one in which the penalties have a slope there.
    """
    first = next(iter(at))
    factor = (slope(stated, first) / slope(sharp, first)).subs(at)
    text = "the stated penalty's slope is a multiple of its slope"
    same = [proof.equal(text, slope(stated, each), factor * slope(sharp, each)) for each in at]
    return proof.positive("a positive one: both have the same minimisers", factor) and all(same)


V_PLUS, V_MINUS = (
    tuple(symbol(f"v2_{sign}{o}", rf"w^{{(2)}}_{{{sign},{o}}}", f"w⁽²⁾{spelled}{'₁₂₃'[o - 1]}", real=True) for o in (1, 2, 3))
    for sign, spelled in (("+", "₊"), ("-", "₋"))
)


def _squares(first: Expression, readouts: Sequence[Expression]) -> Expression:
    return first**2 + sum(v**2 for v in readouts)


_NORM = Said(outputs=2, plus=_squares(W_PLUS, V_PLUS[:2]), minus=_squares(W_MINUS, V_MINUS[:2]))


@claim(
    id="eq24",
    where="Eq. 24 (Appendix B.1)",
    statement="the squared norm of the weights of a network of <outputs> outputs is, summed over coordinates, <plus> of the "
    "plus pathway and <minus> of the minus pathway",
    reads=("the second bracket stands under the sum over coordinates, too",),
    printed=_NORM,
    twins={
        "first layer counted once an output": _NORM.but(plus=_NORM.plus + W_PLUS**2, minus=_NORM.minus + W_MINUS**2),
        "second layer left out": _NORM.but(plus=W_PLUS**2, minus=W_MINUS**2),
        "square of the sum of the readouts": _NORM.but(plus=W_PLUS**2 + (V_PLUS[0] + V_PLUS[1]) ** 2),
        "the minus pathway subtracted": _NORM.but(minus=-_NORM.minus),
        "the same for one output more": _NORM.but(outputs=3),
    },
    siblings={
        "for three outputs": Said(outputs=3, plus=_squares(W_PLUS, V_PLUS), minus=_squares(W_MINUS, V_MINUS)),
        "for one output": Said(outputs=1, plus=_squares(W_PLUS, V_PLUS[:1]), minus=_squares(W_MINUS, V_MINUS[:1])),
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def total_norm(proof: Derivation, stated: Said) -> None:
    """Eq. 24: the squared Euclidean norm of all weights, by coordinates here and by layers in Corollary 2."""
    for name, part, first, readouts in (("plus", stated.plus, W_PLUS, V_PLUS), ("minus", stated.minus, W_MINUS, V_MINUS)):
        weights = sp.Matrix([first, *readouts[: stated.outputs]])
        proof.equal(f"the squares of a coordinate's weights in the {name} pathway add up to", weights.dot(weights), part)
    proof.argue("and those of all weights to the same over coordinates as over layers", Theorem.LINEARITY)


@claim(
    id="eq25",
    where="Eq. 25 (Appendix B.1)",
    statement="without loss of generality the minus pathway is silent, and what is minimised is <restricted> a coordinate",
    printed=Said(restricted=FIRST**2 + READOUTS**2),
    twins={
        "second layer left out": Said(restricted=FIRST**2),
        "a difference": Said(restricted=FIRST**2 - READOUTS**2),
        "both pathways share the norm": Said(restricted=(FIRST**2 + READOUTS**2) / 2),
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def one_pathway(proof: Derivation, stated: Said) -> None:
    """Eq. 25: the plus pathway alone reaches every predictor at the least norm that both pathways reach."""
    both = FIRST**2 + READOUTS**2 + W_MINUS**2 + V_MINUS[0] ** 2
    silent = both.subs({W_MINUS: 0, V_MINUS[0]: 0})
    proof.equal("with the minus pathway silent, Eq. 24 leaves of a coordinate", silent, stated.restricted)
    least_norm(proof, 2 * LENGTH)
    root = sp.sqrt(LENGTH)
    reached = stated.restricted.subs({FIRST: root, READOUTS: root})
    proof.equal("which reaches the least norm of both pathways", reached, 2 * LENGTH)


def rescaled_norm(proof: Derivation, stated: Said, of: Symbol, part: Symbol) -> None:
    """A first layer, and readouts that are the predictors over it: they have the predictors, and the stated norm."""
    proof.equal("first layer times readout is the predictor of each output", stated.first * stated.readout, part)
    readouts = (stated.readout / part) ** 2 * of**2
    proof.argue("the readouts' squares add up to that of the predictors' length over the first layer's", Theorem.LINEARITY)
    proof.equal("so that the squared norm is", stated.first**2 + readouts, stated.norm)


@claim(
    id="eq26",
    where="Eq. 26 (Appendix B.1)",
    statement="with the first layer <first> and the readouts <readout> a coordinate has its predictors, and the squared norm "
    "<norm>",
    printed=Said(first=Z, readout=PREDICTOR / Z, norm=Z**2 + LENGTH**2 / Z**2),
    twins={
        "length for squared length": Said(first=Z, readout=PREDICTOR / Z, norm=Z**2 + LENGTH / Z**2),
        "first layer not squared": Said(first=Z, readout=PREDICTOR / Z, norm=Z + LENGTH**2 / Z),
        "multiplied for divided": Said(first=Z, readout=PREDICTOR / Z, norm=Z**2 + LENGTH**2 * Z**2),
        "readouts multiplied": Said(first=Z, readout=PREDICTOR * Z, norm=Z**2 + LENGTH**2 * Z**2),
    },
    siblings={
        "by the square of the first layer": Said(first=sp.sqrt(Z), readout=PREDICTOR / sp.sqrt(Z), norm=Z + LENGTH**2 / Z),
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def norm_of_rescaled(proof: Derivation, stated: Said) -> None:
    """Eq. 26: scale one layer up and the other down; the predictors stay."""
    rescaled_norm(proof, stated, LENGTH, PREDICTOR)


def stationary_scale(proof: Derivation, scale: Expression, of: Symbol) -> None:
    """Where the norm of Eqs. 26 and 31 is least, as the first layer grows and the readouts shrink."""
    objective = Z**2 + of**2 / Z**2
    slope = sp.diff(objective, Z)
    proof.positive("the stated scale is positive", scale)
    proof.equal("the derivative in the first layer vanishes at the stated scale", slope.subs(Z, scale), 0)
    curvature = 2 + 6 * of**2 / Z**4
    proof.equal("the second derivative", sp.diff(objective, Z, 2), curvature)
    proof.positive("is positive", curvature)
    proof.argue("so the norm is least there and nowhere else", Theorem.TANGENT)
    proof.equal(
        "for predictors that vanish no first layer is stationary: the least norm is at no weights", slope.subs(of, 0), 2 * Z
    )


@claim(
    id="eq27",
    where="Eq. 27 (Appendix B.1)",
    statement="the norm of Eq. 26 is least where the first layer is <scale>",
    reads=("the predictors of the coordinate do not all vanish; otherwise no positive first layer is best",),
    printed=Said(scale=sp.sqrt(LENGTH)),
    twins={
        "the length itself": Said(scale=LENGTH),
        "the fourth root of the length": Said(scale=LENGTH ** sp.Rational(1, 4)),
        "twice as much": Said(scale=2 * sp.sqrt(LENGTH)),
        "the root of the sum of sizes": Said(scale=sp.sqrt(SUM)),
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def best_scale(proof: Derivation, stated: Said) -> None:
    """Eq. 27: the derivative of Eq. 26 in z."""
    stationary_scale(proof, stated.scale, LENGTH)


def wrong_norms(of: Symbol, total: Symbol) -> dict[str, Said]:
    """Twins of a least norm that is twice a length."""
    return {
        "half of it": Said(least=of, factor=sp.Integer(1)),
        "the squared length": Said(least=of**2, factor=sp.Integer(2)),
        "the sum of sizes within the group": Said(least=2 * total, factor=sp.Integer(2)),
        "the factor alone": Said(least=2 * of, factor=sp.Integer(1)),
    }


@claim(
    id="eq28",
    where="Eq. 28 (Appendix B.1)",
    statement="the least squared norm of a coordinate's weights is <least>: summed over coordinates the $\\ell_{1,2}$ norm, "
    "which is defined with the factor <factor>",
    reads=("the norm of Eq. 28 is the one that section 3.2 defines",),
    printed=Said(least=2 * LENGTH, factor=sp.Integer(2)),
    twins=wrong_norms(LENGTH, SUM),
    expected=Verdict.PROVED,
    source=SOURCE,
)
def least_norm_of_coordinate(proof: Derivation, stated: Said) -> None:
    """Eq. 28: Eq. 27 put into Eq. 26, and no weights of either pathway have less; any number of outputs."""
    objective = Z**2 + LENGTH**2 / Z**2
    proof.equal("Eq. 26 at the scale of Eq. 27", objective.subs(Z, sp.sqrt(LENGTH)), stated.least)
    proof.equal("is below Eq. 26 at any other scale by a square", objective - stated.least, (Z - LENGTH / Z) ** 2)
    least_norm(proof, stated.least)
    proof.equal("which is the length with its factor", stated.factor * LENGTH, stated.least)


PART_PLUS = symbol("part_plus", r"\|w_+v_+\|", "‖w₊v₊‖", nonnegative=True)  # lengths of the pathways' parts of the predictors
PART_MINUS = symbol("part_minus", r"\|w_-v_-\|", "‖w₋v₋‖", nonnegative=True)
INNER = symbol("inner", r"\langle w_+v_+,w_-v_-\rangle", "⟨w₊v₊,w₋v₋⟩", real=True)
U = sp.Symbol("u", positive=True)
PRODUCT = PART_PLUS * PART_MINUS


def size_of_choice(printed: Said, corrected: Said) -> str:
    """Appendix B.1: a shared feature whose predictor is split evenly between the pathways."""
    m = length((setting.WEIGHT, setting.WEIGHT))
    norms, products, corrections = [], [], []
    for share in (sp.Integer(0), sp.Rational(1, 2), sp.Integer(1)):
        at = {PART_PLUS: share * m, PART_MINUS: (1 - share) * m, INNER: -share * (1 - share) * m**2}
        norms.append(setting.value(2 * PART_PLUS + 2 * PART_MINUS, at))
        products.append(setting.value(printed.vanishing, at))
        corrections.append(setting.value(corrected.vanishing, at))
    return (
        f"On a shared feature, both predictors being {number(setting.WEIGHT)}, the weights' least norm is "
        f"{norms[0]:.3g} with all of the predictors in the minus pathway, {norms[2]:.3g} with all in the plus pathway and "
        f"{norms[1]:.3g} with half in each: the product of the parts' lengths is then {products[1]:.3g}, not zero (the "
        f"corrected expression {corrections[1]:.3g}). Each of the {setting.FEATURES} features has such a free share; no "
        "predictor depends on it."
    )


_PARTS = Said(
    vanishing=PRODUCT,
    plus=T * PREDICTOR,
    minus=(T - 1) * PREDICTOR,
    low=sp.Integer(0),
    high=sp.Integer(1),
)
_NEVER_OPPOSED = _PARTS.but(vanishing=PRODUCT + INNER)


@claim(
    id="one-path",
    where="Appendix B.1, after Eq. 24",
    statement="at the least norm all weights of one pathway or all of the other are zero, in each coordinate: <vanishing> is "
    "zero",
    printed=_PARTS,
    corrected=_NEVER_OPPOSED,
    corrected_statement="at the least norm <vanishing> is zero, and nothing else need be: the parts $w_+v_+$ and $w_-v_-$ of "
    "the predictors may be <plus> and <minus> with any share $t$ between <low> and <high>, so that one pathway may be chosen "
    "to be silent, but need not be",
    size=size_of_choice,
    twins={
        "one part is zero": _PARTS,
        "the parts are orthogonal": _PARTS.but(vanishing=INNER),
        "their difference is zero": _PARTS.but(vanishing=sp.sqrt(PART_PLUS**2 + PART_MINUS**2 - 2 * INNER)),
        "they never agree": _PARTS.but(vanishing=PRODUCT - INNER),
        "a larger share": _NEVER_OPPOSED.but(high=sp.Integer(2)),
        "a negative share": _NEVER_OPPOSED.but(low=sp.Integer(-1)),
        "the pathways' signs alike": _NEVER_OPPOSED.but(minus=(1 - T) * PREDICTOR),
    },
    siblings={
        "three times as much": _PARTS.but(vanishing=3 * (PRODUCT + INNER)),
        "the share counted from the other end": _NEVER_OPPOSED.but(plus=(1 - T) * PREDICTOR, minus=-T * PREDICTOR),
        "a smaller range of shares": _NEVER_OPPOSED.but(low=sp.Rational(1, 4), high=sp.Rational(1, 2)),
    },
    expected=Verdict.CORRECTED,
    source=SOURCE,
)
def one_path(proof: Derivation, stated: Said) -> None:
    """Appendix B.1, before Eq. 25: what vanishes exactly at the weights of least norm; any number of outputs."""
    share = sp.factor(stated.low + (stated.high - stated.low) * U / (1 + U))  # every share between the ends
    plus, minus = (sp.factor((part / PREDICTOR).subs(T, share)) for part in (stated.plus, stated.minus))
    proof.equal("the parts have the predictors of every output as their difference", plus - minus, 1)
    at = {PART_PLUS: sp.Abs(plus) * LENGTH, PART_MINUS: sp.Abs(minus) * LENGTH, INNER: plus * minus * LENGTH**2}
    total = 2 * PART_PLUS + 2 * PART_MINUS
    proof.equal("their least norms add up to the least norm", total.subs(at), 2 * LENGTH)
    if not proof.equal("so the stated expression must vanish there", stated.vanishing.subs(at), 0):
        return
    squared = PART_PLUS**2 + PART_MINUS**2 - 2 * INNER
    proof.argue("the square of the predictors' length is that of the parts' difference", Theorem.LINEARITY)
    excess = (PART_PLUS + PART_MINUS) ** 2 - squared
    unit = dict.fromkeys((PART_PLUS, PART_MINUS, INNER), 1)
    factor = (excess / stated.vanishing).subs(unit)
    text = "the square of both lengths together exceeds it by a multiple of the expression, whatever the weights are"
    proof.equal(text, excess, factor * stated.vanishing)
    proof.positive("a positive one: it vanishes at the least norm only", factor)


@claim(
    id="b-single",
    where="Appendix B.1, after Eq. 28",
    statement="with one output, the weights of least norm have the predictor of least <penalty>, summed over coordinates",
    printed=Said(penalty=SIZE),
    twins={
        "least l2 norm": Said(penalty=SIZE**2),
        "least sum of roots": Said(penalty=sp.sqrt(SIZE)),
        "least hyperbolic entropy": Said(penalty=SIZE * sp.asinh(SIZE) - sp.sqrt(1 + SIZE**2) + 1),
        "the largest l1 norm": Said(penalty=-SIZE),
    },
    siblings={"three times as much": Said(penalty=3 * SIZE), "the norm and a constant": Said(penalty=SIZE + 1)},
    expected=Verdict.PROVED,
    source=SOURCE,
)
def single_output(proof: Derivation, stated: Said) -> None:
    """Appendix B.1, special case: the least norm of a coordinate is a fixed multiple of the stated penalty."""
    least_norm(proof, 2 * SIZE, of=SIZE)
    same_minimisers(proof, stated.penalty, 2 * SIZE, {SIZE: sp.Integer(1)})


if __name__ == "__main__":
    sys.exit(run_alone())
