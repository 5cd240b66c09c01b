"""Appendix A: the penalty that the endpoint of the flow minimises, and what pretraining leaves behind."""

from __future__ import annotations

import sys
from typing import Any

import sympy as sp

from normtheory import exact
from normtheory.audit.alone import run_alone
from normtheory.audit.claims import Verdict, claim
from normtheory.audit.derivation import Derivation
from normtheory.audit.notation import symbol
from normtheory.audit.statements import Said
from normtheory.proofs import experiments, setting
from normtheory.proofs.appendix_a import SOURCE
from normtheory.proofs.appendix_a_predictor import COMMON, FROM_COMMON, SQUARES, V0, W0
from normtheory.proofs.letters import ALPHA, AUX, A, B
from normtheory.proofs.optimality import PULL, minimised
from normtheory.proofs.orbit import ETA, LEARNED, V_MINUS, V_PLUS, W_MINUS, W_PLUS, P, predictor, pretrain, solve_the_flow
from normtheory.proofs.setting import number

Expression = Any

Z = symbol("z", real=True)
NOT_ZERO = symbol("w0_1'", "w^{(1)}_0", "w₀⁽¹⁾", real=True, nonzero=True)
Q_OF_Z = 2 - sp.sqrt(4 + Z**2) + Z * sp.asinh(Z / 2)
AS_PRINTED = Said(weight=SQUARES, argument=2 * B / SQUARES, q=Q_OF_Z)


def contribution(stated: Said) -> Expression:
    """What a coordinate adds to the stated penalty."""
    return stated.weight * stated.q.subs(Z, stated.argument)


def printed_penalty(beta: Expression, w: Expression, v: Expression) -> Expression:
    """Eq. 21 for one coordinate, as printed."""
    return contribution(AS_PRINTED).subs({B: beta, W0: w, V0: v}, simultaneous=True)


def _at_scale(scale: Expression) -> dict[str, Expression]:
    return {"weight": scale, "argument": 2 * B / scale}


PENALTY = "sum over inputs of <weight> times $q(z)$, where $z$ is <argument> and $q(z)$ is <q>"
WRONG_PENALTIES = {
    "half the argument": {"argument": B / SQUARES},
    "half the scale": _at_scale(SQUARES / 2),
    "twice the product of the layers for the scale": _at_scale(2 * W0 * V0),
    "the first layer alone for the scale": _at_scale(W0**2),
    "arcsinh of the whole argument": {"q": 2 - sp.sqrt(4 + Z**2) + Z * sp.asinh(Z)},
    "the root added": {"q": 2 + sp.sqrt(4 + Z**2) + Z * sp.asinh(Z / 2)},
    "the opposite sign": {"q": -Q_OF_Z},
    "least squares": {"weight": SQUARES, "argument": B, "q": Z**2},
}
SAME_MINIMISERS = {
    "half the penalty": {"q": Q_OF_Z / 2},
    "three times the penalty": {"weight": 3 * SQUARES},
    "without the constant": {"q": Q_OF_Z - 2},
    "half the argument, and twice in q": {"argument": B / SQUARES, "q": Q_OF_Z.subs(Z, 2 * Z)},
}
GRANTED = ("the flow reaches zero training error",)
SOME_WEIGHT = "of each input some weight starts at another value than zero"


@claim(
    id="eq21",
    where="Eq. 21 (Appendix A)",
    statement=FROM_COMMON + "the flow ends at the interpolator, $X\\beta = y$, with the least " + PENALTY,
    printed=AS_PRINTED,
    twins={name: AS_PRINTED.but(**changes) for name, changes in WRONG_PENALTIES.items()},
    siblings={name: AS_PRINTED.but(**changes) for name, changes in SAME_MINIMISERS.items()},
    reads=(SOME_WEIGHT,),
    granted=GRANTED,
    expected=Verdict.PROVED,
    source=SOURCE + "; Woodworth et al. 2020, Appendix D",
)
def mirror_penalty(proof: Derivation, stated: Said) -> None:
    """Eq. 21: at the endpoint the penalty's gradient lies in the row space of X, and the penalty is strictly convex."""
    _ends_at_least(proof, stated, COMMON)


def _ends_at_least(proof: Derivation, stated: Said, start: dict[Expression, Expression]) -> bool:
    """Whether the flow from a start ends at the interpolator with the least stated penalty.

    Of each input one weight is not zero; as the layers may be exchanged, let it be that of the first layer.
    """
    solve_the_flow(proof)
    moves = "with the multipliers for the integral of the residuals, the predictor is at the end, as all along,"
    pulled = {P: -PULL / 4}
    if not proof.equal(moves, predictor(start).subs(pulled), SQUARES * sp.sinh(PULL)):
        return False
    penalty, first = contribution(stated), {W0: NOT_ZERO}
    exchanged = penalty.subs({W0: V0, V0: W0}, simultaneous=True)
    proof.equal("the layers may be exchanged, so that the first may be taken not to start at zero", penalty, exchanged)
    return minimised(proof, penalty.subs(first), B, (SQUARES * sp.sinh(PULL)).subs(first), PULL, (NOT_ZERO, V0))


MIRROR = Said(**vars(AS_PRINTED), plus=(W0, V0), minus=(W0, V0))


@claim(
    id="mirror",
    where="Appendix A, before Eq. 21",
    statement="where the layers of the plus pathway start at <plus> and those of the minus pathway at <minus>, a flow that "
    "fits the data, $X\\beta = y$, ends at the predictor with the least " + PENALTY + ", among all that fit",
    printed=MIRROR,
    twins={
        **{name: MIRROR.but(**WRONG_PENALTIES[name]) for name in ("half the scale", "least squares", "the opposite sign")},
        "the first layer alone for the scale": MIRROR.but(**_at_scale(W0**2)),
        "a minus pathway twice as large": MIRROR.but(minus=(2 * W0, 2 * V0)),
        "a minus pathway whose second layer is reversed": MIRROR.but(minus=(W0, -V0)),
    },
    siblings={
        **{name: MIRROR.but(**SAME_MINIMISERS[name]) for name in ("half the penalty", "three times the penalty")},
        "both layers of the minus pathway reversed": MIRROR.but(minus=(-W0, -V0)),
        "the layers of the minus pathway exchanged": MIRROR.but(minus=(V0, W0)),
    },
    reads=(SOME_WEIGHT,),
    granted=GRANTED,
    expected=Verdict.PROVED,
    source=SOURCE + "; Woodworth et al. 2020, Appendix D",
)
def limit_minimises(proof: Derivation, stated: Said) -> None:
    """Appendix A, last step: the KKT conditions hold at the limit, and suffice; then trained networks."""
    start = dict(zip((W_PLUS, V_PLUS, W_MINUS, V_MINUS), (*stated.plus, *stated.minus), strict=True))
    if _ends_at_least(proof, stated, start):
        slope = sp.lambdify((B, W0, V0), sp.diff(contribution(stated), B))
        outside, deviation = experiments.slopes_outside_rows(slope), experiments.common_starts()
        text = "at the ends of flows from random common starts, the part of the penalty's gradient outside the row space"
        proof.witness(text, outside, experiments.FLOW_BUDGET)
        proof.witness("and their distance from the certified minimiser of Eq. 21", deviation, experiments.FLOW_BUDGET)
        starts = experiments.PROBLEMS
        proof.note(
            f"Flows from {starts} random common starts end within {deviation:.1e} (relative) of the minimiser of Eq. 21."
        )


def pretrained(beta_aux: Expression, pathway: int) -> float:
    """First-layer weight of a pathway, +1 or -1, after pretraining from the paper's alpha."""
    weights = exact.pretraining(float(beta_aux), float(setting.ALPHA))
    return float((weights.w_plus if pathway > 0 else weights.w_minus)[0])


AFTER_PRETRAINING = "after pretraining from $\\alpha$ in all weights to the predictor $\\beta^{aux}$, "
PRETRAINED = ("pretraining reaches the predictor that it is said to",)


def size_of_imbalance(printed: Said, _: Said) -> str:
    """Appendix A: both sides of the printed equality after the paper's pretraining."""
    at = {W_PLUS: pretrained(setting.WEIGHT, 1), W_MINUS: pretrained(setting.WEIGHT, -1)}
    left, right = (setting.value(side, at) for side in (printed.left, printed.right))
    bare = pretrained(sp.Integer(0), 1)
    return (
        f"On the {setting.FEATURES} learned features, of size {number(setting.WEIGHT)} from the alpha "
        f"{number(setting.ALPHA)}, the two are {left:.3g} and {right:.3g}, apart by a factor of {left / right:.3g}; "
        f"only on the {setting.INPUTS - setting.FEATURES} others are they equal, both {bare:.3g}."
    )


@claim(
    id="stationarity",
    where="Appendix A, before Eq. 18, as used for finetuning",
    statement=AFTER_PRETRAINING + "<left> is <right> in every input",
    printed=Said(left=W_PLUS, right=W_MINUS),
    siblings={
        "the squares differ by the predictor": Said(left=W_PLUS**2 - W_MINUS**2, right=A),
        "the product stays": Said(left=W_PLUS * W_MINUS, right=ALPHA**2),
    },
    size=size_of_imbalance,
    twins={
        "equal up to sign": Said(left=W_PLUS, right=-W_MINUS),
        "both squares the size of the predictor": Said(left=W_PLUS**2, right=sp.Abs(A)),
        "the squares differ by its negative": Said(left=W_PLUS**2 - W_MINUS**2, right=-A),
        "the product negative": Said(left=W_PLUS * W_MINUS, right=-(ALPHA**2)),
    },
    reads=("$w_+$ and $w_-$ are the first layers, with which finetuning starts", "the constant is positive"),
    granted=PRETRAINED,
    expected=Verdict.REFUTED,
    source="Lindsey & Lippl 2024, Appendix A",
)
def same_start(proof: Derivation, stated: Said) -> None:
    """Appendix A: the two first layers after pretraining, compared."""
    after = pretrain(proof)
    left, right = (side.subs(after, simultaneous=True).subs(A, LEARNED) for side in (stated.left, stated.right))
    proof.equal("the relation stated, whatever was learned", left, right)


def size_of_pathways(printed: Said, corrected: Said) -> str:
    """Appendix A, after Eq. 21: both pathways of a learned feature, and of one that was not."""
    learned, other = ({A: aux, ALPHA: setting.ALPHA} for aux in (setting.WEIGHT, sp.Integer(0)))
    (plus, minus), (true_plus, true_minus) = (
        [setting.value(weight, learned) for weight in _weights(stated)] for stated in (printed, corrected)
    )
    said, found = (setting.value(_weights(stated)[1], other) for stated in (printed, corrected))
    return (
        f"On a learned feature, of size {number(setting.WEIGHT)} from the alpha {number(setting.ALPHA)}, the plus pathway "
        f"holds {number(true_plus)} as printed, but the minus pathway {number(true_minus)}, not {number(minus)}. The printed "
        f"two would cancel to a predictor of {number(plus**2 - minus**2)}, and their squares add up to "
        f"{number(plus**2 + minus**2)}, not {number(true_plus**2 + true_minus**2)}: hence the doubled scale of Eq. 3. "
        f"On the other inputs both hold {number(found)}, not {number(said)}."
    )


ROOT = symbol("R", positive=True)
BALANCED = Said(
    plus=sp.sqrt((ROOT + A) / 2),
    minus=sp.sqrt((ROOT - A) / 2),
    root=sp.sqrt(A**2 + 4 * ALPHA**4),
    squares=W_PLUS**2 - W_MINUS**2,
    difference=A,
    least=ALPHA**2 / sp.sqrt(AUX + ALPHA**2),
    most=ALPHA**2 / sp.sqrt(AUX),
)
SQRT = sp.sqrt(sp.Abs(A))


def _weights(stated: Said) -> tuple[Expression, Expression]:
    """The stated weights of both pathways, in beta_aux and alpha."""
    plus, minus = (weight.subs(ROOT, stated.root) for weight in (stated.plus, stated.minus))
    return plus, minus


@claim(
    id="balanced",
    where="Appendix A, after Eq. 21",
    statement=AFTER_PRETRAINING + "the first layer is <plus> in the plus and <minus> in the minus pathway of every input",
    printed=BALANCED.but(plus=SQRT, minus=SQRT),
    corrected=BALANCED,
    corrected_statement=AFTER_PRETRAINING + "the first layer is <plus> in the plus and <minus> in the minus pathway of every "
    "input, with $R$ for <root>; <squares> is <difference>, and if that is not zero, the smaller first layer is above "
    "<least> and below <most>",
    size=size_of_pathways,
    twins={
        "pathways exchanged": BALANCED.but(plus=BALANCED.minus, minus=BALANCED.plus),
        "half the predictor in each": BALANCED.but(plus=SQRT / sp.sqrt(2), minus=SQRT / sp.sqrt(2)),
        "all in one pathway, the limit of small alpha": BALANCED.but(plus=SQRT, minus=sp.Integer(0)),
        "half the scale under the root": BALANCED.but(root=sp.sqrt(A**2 + ALPHA**4)),
        "the minus pathway negative": BALANCED.but(minus=-BALANCED.minus),
        "the squares differ by the negative": BALANCED.but(difference=-A),
        "a bound that is too high": BALANCED.but(least=ALPHA**2 / sp.sqrt(AUX + ALPHA**2 / 2)),
        "a bound that is too low": BALANCED.but(most=ALPHA**2 / sp.sqrt(AUX + ALPHA**2 / 3)),
        "a bound by a larger power": BALANCED.but(most=ALPHA ** sp.Rational(5, 2) / sp.sqrt(AUX)),
    },
    siblings={
        "weaker bounds": BALANCED.but(least=ALPHA**2 / sp.sqrt(AUX + 2 * ALPHA**2), most=2 * ALPHA**2 / sp.sqrt(AUX)),
        "a bound by alpha alone": BALANCED.but(most=ALPHA),
    },
    reads=("the constant magnitude of all weights is a positive constant",),
    granted=PRETRAINED,
    expected=Verdict.CORRECTED,
    source="Lindsey & Lippl 2024, Appendix A",
)
def layers_after_pretraining(proof: Derivation, stated: Said) -> None:
    """Appendix A, after Eq. 21: one pathway carries beta_aux and the other dies; both never hold sqrt|beta_aux|."""
    after, (plus, minus) = pretrain(proof), _weights(stated)
    plus_holds = proof.equal("the plus pathway, as stated, sign included", after[W_PLUS], plus.subs(A, LEARNED))
    minus_holds = proof.equal("the minus pathway", after[W_MINUS], minus.subs(A, LEARNED))
    if not (plus_holds and minus_holds):
        return
    squares = sp.expand(stated.squares.subs({W_PLUS: plus, W_MINUS: minus}))
    proof.equal("their squares differ as stated", squares, stated.difference)
    proof.positive("the upper bound is positive", stated.most)
    proof.equal("a predictor of the other sign exchanges the pathways; let it be positive", plus.subs(A, -A), minus)
    u = symbol("u", positive=True)
    at = {ETA: -sp.log(u)}
    proof.equal("in a letter u between zero and one, the dying pathway's square", (after[W_MINUS] ** 2).subs(at), ALPHA**2 * u)
    learned = ALPHA**2 * (1 / u - u)
    proof.equal("and the predictor", LEARNED.subs(at), learned)
    low, high = (sp.cancel((bound**2).subs(AUX, learned) / ALPHA**2) for bound in (stated.least, stated.most))
    _between_zero_and_one(proof, "in units of alpha's square, the square exceeds its lower bound", u - low, u)
    _between_zero_and_one(proof, "and is below its upper bound", high - u, u)


def _between_zero_and_one(proof: Derivation, text: str, expression: Expression, u: Expression) -> None:
    """A rational function is positive for 0 < u < 1: by Sturm's theorem, unless it holds other letters."""
    if expression.free_symbols <= {u}:
        proof.positive_between(text, expression, u, 0, 1)
        return
    beyond = sp.Symbol("x", positive=True)
    inside = expression.subs(u, 1 / (1 + beyond))
    proof.positive(text, inside, sp.factor(sp.together(inside)))


if __name__ == "__main__":
    sys.exit(run_alone())
