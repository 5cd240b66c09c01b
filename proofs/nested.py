"""Section 4.2: the nested feature-selection regime, with numbers for "l2-like", "approximately l1" and "dependence".

An order of 2 is l2, of 1 is l1. For what finetuning minimises, order and dependence on scale and start, scaled together, make
1: how far the order lies above 1 is exactly how strongly the penalty depends on what pretraining learned. The regime is the
range of ratios where both are visible.
"""

from __future__ import annotations

import sys
from typing import Any

import sympy as sp

from normtheory.audit.alone import run_alone
from normtheory.audit.claims import Verdict, claim
from normtheory.audit.derivation import Derivation
from normtheory.audit.statements import Said
from normtheory.proofs import setting
from normtheory.proofs.exact_formulas import finetuning_formula
from normtheory.proofs.finetuned import (
    EXACT,
    FAR_ANGLE,
    HALF,
    ONE,
    PRINTED,
    RISE,
    START_ANGLE,
    Theory,
    angle,
    order_by_angles,
    order_rises_with_start,
)
from normtheory.proofs.finetuning_limits import LEARNED
from normtheory.proofs.l12_forms import EXCESS
from normtheory.proofs.letters import ALPHA, AUX, GAMMA, SIZE, A, C, T
from normtheory.proofs.reuse import order

Expression = Any

SOURCE = "Lindsey & Lippl 2024, section 4.2"
LOW, HIGH = sp.Integer(100), 2 * sp.Integer(10) ** 4  # ratios |beta|/k
L1_LIKE, DEPENDENT = sp.Rational(5, 4), sp.Rational(1, 10)
NEAR_ZERO = sp.Rational(1, 16)  # starts, in units of the scale


def in_regime(
    proof: Derivation,
    ends: tuple[Expression, Expression],
    near_zero: Expression,
    most: Expression,
    least: Expression,
    *,
    attained: bool = True,
) -> None:
    """Section 4.2: at ratios between the ends the order is below `most` and exceeds 1 by more than `least`.

    From every start within `near_zero` of 0, in units of the scale; weight and start are written as hyperbolic sines. They are
    not `attained` where scale and start depend on the same initialisations.
    """
    order_by_angles(proof)
    order_rises_with_start(proof)
    reach = sp.Integer(0) if near_zero == 0 else angle(near_zero)[1]
    box = {FAR_ANGLE: (angle(ends[0])[0], angle(ends[1])[1])}
    near, far = (part / sp.cosh(FAR_ANGLE) for part in ((most - 1) * HALF - RISE, RISE - least * HALF))
    text = "from the largest start the order is below the stated one all along, with the weight a hyperbolic sine"
    proof.certified(text, near.subs(START_ANGLE, reach), box, attained=attained)
    text = "from the least it exceeds that of l1 by more than stated: so strong is the dependence"
    proof.certified(text, far.subs(START_ANGLE, -reach), box, attained=attained)


def _range(
    theory: Theory, low: Expression = LOW, high: Expression = HIGH, most: Expression = L1_LIKE, least: Expression = DEPENDENT
) -> Said:
    start = sp.Integer(0) if theory.starts_at_zero else NEAR_ZERO
    return Said(theory=theory, low=low, high=high, most=most, least=least, start=start, sum=ONE)


REGIME = _range(EXACT)


@claim(
    id="nested-order",
    where="section 4.2",
    statement="at ratios of the weight to the scale from <low> to <high> the order of the PT+FT contribution is below "
    "<most>, and it falls with scale and start, scaled together, with a logarithmic derivative above <least> in size, from "
    "every start of at most <start> times the scale; order and dependence add up to <sum>, where <theory>",
    printed=_range(PRINTED),
    exact=REGIME,
    twins={
        "from the ratio ten on": _range(EXACT, low=sp.Integer(10)),
        "up to a million": _range(EXACT, high=sp.Integer(10**6)),
        "twice the dependence": _range(EXACT, least=2 * DEPENDENT),
        "from starts at the scale": REGIME.but(start=ONE),
    },
    siblings={
        "a narrower range": _range(EXACT, sp.Integer(200), sp.Integer(10**4)),
        "a larger order and a weaker dependence": _range(EXACT, most=sp.Rational(13, 10), least=sp.Rational(9, 100)),
    },
    reads=(
        "approximately $\\ell_1$: of an order below the stated one; an inverse dependence: of a power above the stated one",
    ),
    expected=Verdict.CERTIFIED,
    source=SOURCE,
)
def nested_range(proof: Derivation, stated: Said) -> None:
    """Section 4.2: the sum rule, and the range of ratios in which both behaviours are visible."""
    stated.theory.defined(proof)
    in_regime(proof, (stated.low, stated.high), stated.start, stated.most, stated.least)
    proof.equal("order and dependence add up to", (HALF + RISE) / HALF - RISE / HALF, stated.sum)
    dependence = sp.simplify(-AUX * sp.diff(sp.log(EXCESS), AUX).subs(SIZE, T * AUX))  # of the MTL excess, at ratios t
    excess = [float(sp.solve(sp.Eq(dependence, at), T)[0]) for at in (stated.most - 1, stated.least)]
    proof.note(
        f"For the MTL excess both hold at ratios {excess[0]:.3g} to {excess[1]:.3g} of |β| to |β_aux|, a factor of "
        f"{excess[1] / excess[0]:.3g}, where PT+FT has {setting.value(stated.high / stated.low):.3g}."
    )


def scale_and_start_near(proof: Derivation, small: Expression) -> tuple[Expression, Expression]:
    """Bounds of k/|beta_aux| from above (from below it is 1/2), and of |beta(0)|/k, where alpha^2 and gamma^2 are small."""
    with proof.lemma("scale and start where the initialisations are small against the auxiliary weight"):
        rests = sp.symbols("r_1 r_2", nonnegative=True)
        at = {each: sp.sqrt(small * AUX / (1 + rest)) for each, rest in zip((ALPHA, GAMMA), rests, strict=True)}
        squared, start = (part.subs(A, AUX) for part in finetuning_formula(ONE))
        proof.positive("the squared scale exceeds that of half the auxiliary weight by", sp.expand(squared - AUX**2 / 4))
        most = AUX**2 * (sp.Rational(1, 4) + 4 * small**2)
        short = (most - squared).subs(at)
        text = "and is at most that and four squares of the stated share, with squared initialisations within it"
        proof.positive(text, short, sp.factor(short), strict=False)
        root = sp.sqrt(AUX**2 + 4 * ALPHA**4)
        proof.equal("the square of the start is", sp.expand(start**2), GAMMA**2 * (root - 2 * ALPHA**2))
        form = 4 * GAMMA**2 * ALPHA**2 * AUX / (root + AUX + 2 * ALPHA**2)
        below = GAMMA**2 * (AUX - root + 2 * ALPHA**2)
        proof.positive("and below the squared reset times the auxiliary weight by", below, form)
    return sp.sqrt(sp.Rational(1, 4) + 4 * small**2), 2 * sp.sqrt(small)


def share_of(proof: Derivation, bound: Expression) -> Expression | None:
    """The square of a bound on the initialisations, as a share of the auxiliary weight; None if that is not a number."""
    share = sp.simplify(bound**2 / AUX)
    text = "the square of the bound on the initialisations is the same share of every auxiliary weight"
    same = proof.equal(text, sp.diff(share, AUX), 0)
    return share if proof.positive("the bound is positive", bound) and same else None


def examples_near(
    proof: Derivation, small: Expression, ratios: tuple[Expression, ...], most: Expression, least: Expression
) -> None:
    """The order at both ends, of either sign, where initialisations are as large as they may be and where they are tiny."""
    tiny = small / 10**6
    for reset, first in ((small, small), (small, tiny), (tiny, tiny)):
        at = {AUX: ONE, ALPHA: sp.sqrt(first), GAMMA: sp.sqrt(reset)}
        for ratio in ratios:
            found = [order(EXACT, at, sign * ratio) for sign in (1, -1)]
            with proof.lemma("orders at the ends, for the largest and for tiny initialisations"):
                for each in found:
                    proof.positive("it is below the stated one", most - each)
                    proof.positive("and exceeds that of l1 by more than stated", each - 1 - least)


def _ratios(theory: Theory, low: int, high: int = 10**4) -> Said:
    common = {"most": L1_LIKE, "least": DEPENDENT, "small": sp.sqrt(AUX) / 32}
    return Said(theory=theory, low=sp.Integer(low), high=sp.Integer(high), **common)


FROM_FIFTY = _ratios(EXACT, 50)


def size_of_ratio(_: Said, corrected: Said) -> str:
    """Section 4.2: the exact order on a shared feature of the paper's setting, at small ratios and where the regime begins."""
    ratios = [1, 3, 10, int(corrected.low)]
    orders = ", ".join(f"{setting.value(order(EXACT, LEARNED, r * setting.WEIGHT)):.3g} at {r} |β_aux|" for r in ratios)
    return f"On a shared feature of the paper's setting the exact order is {orders}, where {float(L1_LIKE)} is asked for."


@claim(
    id="nested-as-printed",
    where="section 4.2",
    statement="where $|\\beta|$ is <low> to <high> times $|\\beta^{aux}|$, $\\alpha$ and $\\gamma$ being at most "
    "<small>, the order of the PT+FT contribution is below <most>, and with scale and start it "
    "still falls with a logarithmic derivative above <least> in size, where <theory>",
    printed=_ratios(PRINTED, 1),
    exact=_ratios(EXACT, 1),
    corrected=FROM_FIFTY,
    size=size_of_ratio,
    twins={
        "from ten times on": _ratios(EXACT, 10),
        "up to a million times": _ratios(EXACT, 50, 10**6),
        "from larger initialisations": FROM_FIFTY.but(small=sp.sqrt(AUX)),
    },
    siblings={"from a hundred times on": _ratios(EXACT, 100), "by the printed theory": _ratios(PRINTED, 100)},
    reads=(
        "not astronomically large: up to the larger of the stated ratios, with the numbers of nested-order for approximately "
        "$\\ell_1$ and for an inverse dependence",
    ),
    expected=Verdict.CORRECTED,
    source=SOURCE,
)
def as_printed(proof: Derivation, stated: Said) -> None:
    """Section 4.2, "greater than 1 but not astronomically large": in the paper's own ratio."""
    stated.theory.defined(proof)
    share = share_of(proof, stated.small)
    if share is None:
        return
    if stated.theory.starts_at_zero:
        rest = sp.Symbol("r", nonnegative=True)
        within = (1 + share) * AUX - PRINTED.scale.subs(GAMMA, stated.small / sp.sqrt(1 + rest))
        proof.positive("the printed scale is above the auxiliary weight by", PRINTED.scale - AUX)
        proof.positive("and within the stated share of it", within, sp.factor(within), strict=False)
        least, most, start = ONE, 1 + share, sp.Integer(0)
    else:
        examples_near(proof, share, (stated.low, stated.high), stated.most, stated.least)
        least, (most, start) = sp.Rational(1, 2), scale_and_start_near(proof, share)
    ends = stated.low / most, stated.high / least
    in_regime(proof, ends, start, stated.most, stated.least, attained=stated.theory.starts_at_zero)


def _rescaled(theory: Theory, low: Expression, high: Expression) -> Said:
    common = {"most": L1_LIKE, "least": DEPENDENT, "small": sp.sqrt(AUX) / 32, "unscaled": sp.Rational(5, 3)}
    return Said(theory=theory, low=low, high=high, **common)


FACTORS = _rescaled(EXACT, sp.Rational(1, 100), sp.Rational(1, 8))


@claim(
    id="rescaling",
    where="section 4.2",
    statement="rescaling by factors from <low> to <high> after pretraining moves features with $|\\beta| = |\\beta^{aux}|$ to "
    "where the order of the PT+FT contribution is below <most> while with scale and start it falls with a logarithmic "
    "derivative above <least> in size; without rescaling their order exceeds <unscaled>; $\\alpha$ and $\\gamma$ "
    "being at most <small>",
    printed=FACTORS,
    twins={
        "factors from a half to one": _rescaled(EXACT, sp.Rational(1, 2), ONE),
        "factors above one": _rescaled(EXACT, ONE, sp.Integer(8)),
        "smaller factors": _rescaled(EXACT, sp.Rational(1, 1000), sp.Rational(1, 8)),
        "the ends exchanged": _rescaled(EXACT, sp.Rational(1, 8), sp.Rational(1, 100)),
        "a larger order without rescaling": FACTORS.but(unscaled=sp.Rational(9, 5)),
    },
    siblings={
        "fewer factors": _rescaled(EXACT, sp.Rational(1, 64), sp.Rational(1, 9)),
        "a smaller order without rescaling": FACTORS.but(unscaled=sp.Rational(8, 5)),
    },
    reads=(
        "rescaling: the first layer after pretraining, and the reset of the second layer with it, as in the published runs",
    ),
    expected=Verdict.CERTIFIED,
    source=SOURCE,
)
def rescaling(proof: Derivation, stated: Said) -> None:
    """Section 4.2: scale and start fall with the square of the factor: the ratio rises, and the start stays near zero."""
    scaled, unscaled = finetuning_formula(C), finetuning_formula(ONE)
    reset = {GAMMA: C * GAMMA}
    proof.equal("the squared scale falls with the factor's fourth power", scaled.squared.subs(reset), C**4 * unscaled.squared)
    proof.equal("the start with its square", scaled.start.subs(reset), C**2 * unscaled.start)
    proof.positive("the first factor is positive", stated.low)
    proof.positive("and not above the second", stated.high - stated.low)
    share = share_of(proof, stated.small)
    if share is None:
        return
    examples_near(proof, share, (1 / stated.high**2, 1 / stated.low**2), stated.most, stated.least)
    most, start = scale_and_start_near(proof, share)
    ends = 1 / (most * stated.high**2), 2 / stated.low**2
    in_regime(proof, ends, start, stated.most, stated.least, attained=False)
    largest = {AUX: ONE, ALPHA: sp.sqrt(share), GAMMA: sp.sqrt(share)}
    text = "without rescaling the order exceeds the stated one for the largest initialisations, of the opposite sign"
    proof.positive(text, order(EXACT, largest, -ONE) - stated.unscaled)
    margin = (RISE - (stated.unscaled - 1) * HALF).subs(START_ANGLE, -angle(start)[1])
    text = "without rescaling the order exceeds the stated one, from the least start"
    proof.certified(text, margin, {FAR_ANGLE: (angle(1 / most)[0], angle(sp.Integer(2))[1])}, attained=False)


def _apart(most: Expression = L1_LIKE, least: Expression = DEPENDENT) -> Said:
    return Said(low=LOW, high=HIGH, start=NEAR_ZERO, most=most, least=least, lazy=sp.Integer(2), rich=ONE)


@claim(
    id="nested-distinct",
    where="section 4.2",
    statement="the regime is neither the lazy one, in whose limit of small weights the order is <lazy>, nor the rich one, in "
    "whose limit of large ones it is <rich> and the dependence vanishes: at ratios from <low> to <high>, from every start of "
    "at most <start> times the scale, the order is below <most> and the dependence above <least>",
    printed=_apart(),
    twins={
        "as independent of pretraining as the rich regime": _apart(most=sp.Rational(21, 20)),
        "as dependent as the lazy regime": _apart(least=sp.Rational(1, 2)),
        "a lazy regime of order three": _apart().but(lazy=sp.Integer(3)),
        "a rich regime of order two": _apart().but(rich=sp.Integer(2)),
    },
    siblings={"a larger order": _apart(most=sp.Rational(13, 10))},
    expected=Verdict.CERTIFIED,
    source=SOURCE,
)
def distinct(proof: Derivation, stated: Said) -> None:
    """Section 4.2: the order of what finetuning minimises near its start, far out, and in the regime between."""
    from_zero = {START_ANGLE: sp.Integer(0)}
    order_from_zero = (1 + RISE / HALF).subs(from_zero)
    proof.equal("from a start at zero the order tends to, near zero", sp.limit(order_from_zero, FAR_ANGLE, 0), stated.lazy)
    proof.equal("and far out to", sp.limit(order_from_zero.rewrite(sp.exp), FAR_ANGLE, sp.oo), stated.rich)
    in_regime(proof, (stated.low, stated.high), stated.start, stated.most, stated.least)


if __name__ == "__main__":
    sys.exit(run_alone())
