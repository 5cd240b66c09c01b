"""Sections 4.1 and 4.2, features of both tasks: what probing cannot do, why finetuning is better, and how l2-like it is."""

from __future__ import annotations

import sys
from typing import Any

import sympy as sp

from normtheory.audit.alone import run_alone
from normtheory.audit.claims import Verdict, claim
from normtheory.audit.derivation import Derivation
from normtheory.audit.notation import symbol
from normtheory.audit.statements import Said
from normtheory.proofs import counterfactuals, experiments, setting
from normtheory.proofs.exact_formulas import finetuning_formula
from normtheory.proofs.finetuned import EXACT, ONE, PRINTED, Theory
from normtheory.proofs.l12_forms import EXCESS, WHOLE, stated_penalty
from normtheory.proofs.letters import ALPHA, AUX, GAMMA, SIZE, START, A, B, C, K
from normtheory.proofs.optimality import PULL, minimised
from normtheory.proofs.reuse import order
from normtheory.proofs.setting import number, percent

Expression = Any

SOURCE_41, SOURCE = "Lindsey & Lippl 2024, section 4.1", "Lindsey & Lippl 2024, section 4.2"
AT = {AUX: setting.WEIGHT, ALPHA: setting.ALPHA, GAMMA: setting.GAMMA}
FIRST = symbol("W", positive=True)  # the squared first-layer weights of an input, w_+^2 + w_-^2


def _probing(endpoint: Expression, objective: Expression) -> Said:
    return Said(endpoint=endpoint, objective=objective)


PROBING = _probing(START + FIRST * PULL, (B - START) ** 2 / FIRST)


@claim(
    id="probing-cannot-select",
    where="section 4.1",
    statement="linear probing by construction cannot select features of its task: it ends at the interpolator with the least "
    "sum over inputs of <objective>, whose weights <endpoint> are affine in the pulls $(X^\\top\\nu)_d$ of the data, the "
    "factor $W$ being fixed by pretraining",
    printed=PROBING,
    twins={
        "what finetuning minimises": _probing(
            K * sp.sinh(sp.asinh(START / K) + PULL), 2 * B * (sp.asinh(B / K) - sp.asinh(START / K)) - 2 * sp.sqrt(B**2 + K**2)
        ),
        "the inverse weights": _probing(START + FIRST * PULL, FIRST * (B - START) ** 2),
        "without the start": _probing(START + FIRST * PULL, B**2 / FIRST),
        "the square of the pull": _probing(START + FIRST * PULL**2, (B - START) ** 2 / FIRST),
    },
    siblings={"half the objective": _probing(PROBING.endpoint, PROBING.objective / 2)},
    granted=("that probing ends at such weights is the claim exact-probing",),
    reads=("to select: to give a feature a share of the solution that depends on the task, not only on pretraining",),
    expected=Verdict.PROVED,
    source=SOURCE_41,
)
def probing(proof: Derivation, stated: Said) -> None:
    """Section 4.1: the objective of linear probing is quadratic in every coordinate, and its solution affine in the pulls."""
    proof.equal("the weights' second derivative in the pull vanishes", sp.diff(stated.endpoint, PULL, 2), 0)
    minimised(proof, stated.objective, B, stated.endpoint, PULL, (START, FIRST, K))


BECAUSE = Said(
    samples=sp.Integer(setting.SAMPLES),
    realisations=sp.Integer(setting.REALISATIONS),
    gain=sp.Rational(1, 100),
    mtl=sp.Integer(2),
    cost=sp.Integer(21),
    aux=setting.WEIGHT,
    scale=setting.ALPHA,
)


@claim(
    id="finetuning-beats-because",
    where="section 4.1",
    statement="PT+FT beats MTL on identical features because it penalises new ones more: at <samples> samples, in each of "
    "<realisations> realisations, its loss is at most <gain> times that of MTL; were new features to cost <mtl> times "
    "$|\\beta|$, as in MTL, its loss would be no less than that of MTL; and were they to cost <cost> times $|\\beta|$ in "
    "MTL, which is less than in PT+FT at the teacher's weight <aux> and $\\alpha$ and $\\gamma$ <scale>, the loss of MTL "
    "would be no more than that of PT+FT",
    printed=BECAUSE,
    twins={
        "a smaller gain": BECAUSE.but(gain=sp.Rational(1, 10**6)),
        "no other cost in MTL": BECAUSE.but(cost=sp.Integer(2)),
        "a larger cost than in PT+FT": BECAUSE.but(cost=sp.Integer(23)),
        "another cost than in MTL": BECAUSE.but(mtl=sp.Integer(21)),
    },
    siblings={"half the gain": BECAUSE.but(gain=sp.Rational(1, 50))},
    granted=("both reach where their exact penalties are least, MTL beside the auxiliary teacher",),
    reads=("because: exchanging this part of the penalties, and nothing else, exchanges the losses",),
    expected=Verdict.CONFIRMED,
    source=SOURCE_41,
)
def because(proof: Derivation, stated: Said) -> None:
    """Section 4.1: the penalties of new features exchanged between the two, everything else as it is."""
    at_zero = sp.diff(WHOLE, SIZE).subs(AUX, 0)
    right = proof.equal("the MTL penalty of a feature without auxiliary weight, per unit", at_zero, stated.mtl)
    at = {AUX: sp.Integer(0), ALPHA: stated.scale, GAMMA: stated.scale, B: stated.aux}
    right &= proof.positive("the PT+FT contribution of one costs more", (EXACT.contribution() / B).subs(at) - stated.cost)
    if not right:
        return
    squared, start = (sp.lambdify((A, ALPHA, GAMMA, C), part) for part in finetuning_formula(ONE))
    seeds, samples = range(int(stated.realisations)), int(stated.samples)
    finetuned = [experiments.paper_loss(squared, start, seed, samples=samples) for seed in seeds]
    trained, cheap, dear = (
        [counterfactuals.loss(reused, float(per_unit), seed, samples) for seed in seeds]
        for reused, per_unit in (("MTL", at_zero), ("PT+FT", stated.mtl), ("MTL", stated.cost))
    )

    def largest(losses: list[float], others: list[float]) -> float:
        return max(a / b for a, b in zip(losses, others, strict=True))

    proof.at_most("the loss of PT+FT over that of MTL, at most", largest(finetuned, trained), float(stated.gain))
    proof.at_most("that of MTL over that of PT+FT with the MTL penalty on new features", largest(trained, cheap), 1)
    proof.at_most("that of MTL with the larger cost of new features over that of PT+FT", largest(dear, finetuned), 1)


def size_of_order(printed: Said, corrected: Said) -> str:
    """Section 4.2: what doubling the weight of a shared feature does to each penalty, from |beta| = |beta_aux| on."""
    once, twice = setting.WEIGHT, 2 * setting.WEIGHT
    forms = (printed.mtl, corrected.mtl, EXACT.contribution(SIZE))
    factors = [setting.value(form.subs(SIZE, twice) / form.subs(SIZE, once), AT) for form in forms]
    whole = setting.value(_mtl_order(printed.mtl, ONE))
    square, size = (twice / once) ** 2, twice / once
    return (
        f"On a shared feature, |β| = |β_aux| = {number(setting.WEIGHT)}, the whole MTL penalty has order {whole:.2g}, not "
        f"{float(printed.least):.2g} or more: doubling the weight multiplies it by {factors[0]:.3g}, its excess by "
        f"{factors[1]:.3g}, the exact PT+FT contribution by {factors[2]:.3g}; l2 by {square}, l1 by {size}."
    )


def _mtl_order(penalty: Expression, ratio: Expression) -> Expression:
    return sp.simplify((SIZE * sp.diff(sp.log(penalty), SIZE)).subs(SIZE, ratio * AUX))


def _like_l2(theory: Theory, mtl: Expression) -> Said:
    return Said(theory=theory, mtl=mtl, ratio=ONE, least=sp.Rational(3, 2), aux=setting.WEIGHT, scale=setting.ALPHA)


LIKE = _like_l2(EXACT, EXCESS)


@claim(
    id="l2-at-one",
    where="section 4.2",
    statement="both penalties are $\\ell_2$-like even where $|\\beta|$ is <ratio> times $|\\beta^{aux}|$: the order of the "
    "MTL penalty <mtl> and that of the PT+FT contribution of a weight of either sign, at $|\\beta^{aux}|$ <aux> and "
    "$\\alpha$ and $\\gamma$ <scale>, exceed <least>, where <theory>",
    printed=_like_l2(PRINTED, WHOLE),
    exact=_like_l2(EXACT, WHOLE),
    corrected=LIKE,
    size=size_of_order,
    twins={
        "at ten times the auxiliary weight": LIKE.but(ratio=sp.Integer(10)),
        "a larger order": LIKE.but(least=sp.Rational(9, 5)),
        "the excess over half as much": LIKE.but(mtl=WHOLE - AUX),
        "from initialisations of one": LIKE.but(scale=ONE, least=sp.Rational(7, 5)),
    },
    siblings={
        "at half the auxiliary weight": LIKE.but(ratio=sp.Rational(1, 2)),
        "a smaller order": LIKE.but(least=sp.Rational(7, 5)),
        "the printed theory": LIKE.but(theory=PRINTED),
    },
    reads=("$\\ell_2$-like: of an order above the stated one",),
    expected=Verdict.CORRECTED,
    source=SOURCE,
)
def like_l2(proof: Derivation, stated: Said) -> None:
    """Section 4.2: the orders of both penalties at the ratio one."""
    stated.theory.defined(proof)
    stated_penalty(proof, stated.mtl)
    margin = _mtl_order(stated.mtl, stated.ratio) - stated.least
    proof.positive("MTL: the order exceeds the stated one", margin)
    at = {AUX: stated.aux, ALPHA: stated.scale, GAMMA: stated.scale}
    for name, sign in (("the sign of the auxiliary weight", 1), ("the opposite sign", -1)):
        found = order(stated.theory, at, sign * stated.ratio * stated.aux)
        proof.positive(f"PT+FT, with {name}: so does the order of the contribution", found - stated.least)


def _spread(theory: Theory, slack: Expression) -> Said:
    return Said(theory=theory, slack=slack, ratio=ONE, features=sp.Integer(8), aux=setting.WEIGHT, scale=setting.ALPHA)


def _shares(theory: Theory, features: Expression, weight: Expression, at: dict[Expression, Expression]) -> list[Expression]:
    """Each penalty of one feature over that of so many of the same total length: MTL, then PT+FT with either sign."""
    penalties = [(EXCESS, SIZE, weight), *((theory.contribution(), B, sign * weight) for sign in (1, -1))]
    return [
        form.subs(at).subs(letter, value) / (features * form.subs(at).subs(letter, value / sp.sqrt(features)))
        for form, letter, value in penalties
    ]


FLAT = _spread(EXACT, sp.Rational(1, 5))


def size_of_bias(printed: Said, _: Said) -> str:
    """Section 4.2: what gathering the features of the paper's teacher in fewer leaves of each penalty."""
    shares = [setting.value(share) for share in _shares(EXACT, printed.features, setting.WEIGHT, AT)]
    return (
        f"In the paper's setting, gathering {printed.features} shared features in one of |β| = |β_aux| = "
        f"{number(setting.WEIGHT)} lowers the MTL excess by {percent(1 - shares[0])} and the exact PT+FT contribution by "
        f"{percent(1 - shares[1])}; it lowers an l1 penalty by {percent(1 - setting.value(1 / sp.sqrt(printed.features)))}."
    )


@claim(
    id="no-sparsity-at-one",
    where="section 4.2",
    statement="among features weighted as strongly in the auxiliary task there is no sparsity bias: gathering <features> of "
    "them in one of the same length, at <ratio> times $|\\beta^{aux}|$, lowers neither the MTL excess nor the PT+FT "
    "contribution by more than the share <slack>, at $|\\beta^{aux}|$ <aux> and $\\alpha$ and $\\gamma$ <scale>, where "
    "<theory>",
    printed=_spread(PRINTED, sp.Rational(1, 1000)),
    exact=_spread(EXACT, sp.Rational(1, 1000)),
    corrected=FLAT,
    size=size_of_bias,
    twins={
        "by a tenth at most": FLAT.but(slack=sp.Rational(1, 10)),
        "at ten times the auxiliary weight": FLAT.but(ratio=sp.Integer(10)),
        "more features": FLAT.but(features=sp.Integer(1000), slack=sp.Rational(1, 8)),
    },
    siblings={
        "by a quarter at most": FLAT.but(slack=sp.Rational(1, 4)),
        "fewer features": FLAT.but(features=sp.Integer(4)),
        "the printed theory": FLAT.but(theory=PRINTED),
    },
    reads=("no bias: the penalty hardly depends on how a given $\\ell_2$ norm is spread over features",),
    expected=Verdict.CORRECTED,
    source=SOURCE,
)
def no_sparsity(proof: Derivation, stated: Said) -> None:
    """Section 4.2, "should exhibit no sparsity bias": a weak one is left."""
    stated.theory.defined(proof)
    at = {AUX: stated.aux, ALPHA: stated.scale, GAMMA: stated.scale}
    shares = _shares(stated.theory, stated.features, stated.ratio * stated.aux, at)
    names = ("MTL", "PT+FT, with the sign of the auxiliary weight", "PT+FT, with the opposite sign")
    for name, share in zip(names, shares, strict=True):
        proof.positive(f"{name}: what is left of the penalty is at least the rest", share - (1 - stated.slack))
    wider = _shares(stated.theory, stated.features, sp.sqrt(stated.features) * stated.aux, at)
    proof.note(
        f"What is left: {', '.join(f'{setting.value(share):.3g}' for share in shares)}; an l1 penalty leaves "
        f"{setting.value(1 / sp.sqrt(stated.features)):.3g}. Gathered from features at |β_aux|, in one that is as much larger: "
        f"{', '.join(f'{setting.value(share):.3g}' for share in wider)}."
    )


if __name__ == "__main__":
    sys.exit(run_alone())
