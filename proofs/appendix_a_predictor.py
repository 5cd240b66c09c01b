"""Appendix A: the predictor along the flow, from the weights to one hyperbolic sine."""

from __future__ import annotations

import sys
from typing import Any

import sympy as sp

from normtheory.audit.alone import run_alone
from normtheory.audit.claims import Verdict, claim
from normtheory.audit.derivation import Derivation
from normtheory.audit.notation import symbol
from normtheory.audit.statements import Said
from normtheory.audit.steps import Theorem
from normtheory.proofs import setting
from normtheory.proofs.appendix_a import FIRST, RESIDUAL, SECOND, SOURCE
from normtheory.proofs.letters import ALPHA
from normtheory.proofs.orbit import (
    BETA,
    D_M,
    D_P,
    S_M,
    S_P,
    V_MINUS,
    V_PLUS,
    W_MINUS,
    W_PLUS,
    G,
    P,
    predictor,
    solve_the_flow,
)
from normtheory.proofs.setting import number

Expression = Any

# The start that both pathways share: a weight of the first and one of the second layer, half their sum and difference.
W0, V0 = symbol("w0_1", "w^{(1)}_0", "w₀⁽¹⁾", real=True), symbol("w0_2", "w^{(2)}_0", "w₀⁽²⁾", real=True)
S0, D0 = symbol("s_0", "s_0", "s₀", real=True), symbol("d_0", "d_0", "d₀", real=True)
COMMON = {W_PLUS: W0, W_MINUS: W0, V_PLUS: V0, V_MINUS: V0}
SQUARES = W0**2 + V0**2
FROM_COMMON = "from a start that both pathways share, "
IN_LAYERS = "$w_+$ and $w_-$ are the first layer, $v_+$ and $v_-$ the second, in each input"


@claim(
    id="eq15",
    where="Eq. 15 (Appendix A)",
    statement="the predictor is at any time <predictor> of the weights at that time",
    printed=Said(predictor=W_PLUS * V_PLUS - W_MINUS * V_MINUS),
    twins={
        "the minus pathway added": Said(predictor=W_PLUS * V_PLUS + W_MINUS * V_MINUS),
        "first layers, then second": Said(predictor=W_PLUS * W_MINUS - V_PLUS * V_MINUS),
        "twice as much": Said(predictor=2 * (W_PLUS * V_PLUS - W_MINUS * V_MINUS)),
    },
    siblings={
        "in squares of sums and differences": Said(
            predictor=((W_PLUS + V_PLUS) ** 2 - (W_PLUS - V_PLUS) ** 2 - (W_MINUS + V_MINUS) ** 2 + (W_MINUS - V_MINUS) ** 2)
            / 4
        )
    },
    reads=(IN_LAYERS,),
    expected=Verdict.PROVED,
    source=SOURCE,
)
def predictor_in_weights(proof: Derivation, stated: Said) -> None:
    """Eq. 15: Eq. 1 at time t, read off the doubled design X~ = [X, -X]."""
    x = sp.Symbol("x", real=True)
    doubled, hidden = sp.Matrix([[x, -x]]), sp.Matrix([W_PLUS * V_PLUS, W_MINUS * V_MINUS])
    proof.equal("one input of one sample adds to the network's output", (doubled * hidden)[0], x * stated.predictor)
    proof.argue("the output is the sum over any number of inputs, for each of any number of samples", Theorem.LINEARITY)


def _regrouped(sign: int) -> Said:
    """Eqs. 16 and 17; `sign` is that of the minus pathway's squared difference."""
    return Said(sum=(FIRST + SECOND) / 2, difference=(FIRST - SECOND) / 2, predictor=S_P**2 - S_M**2 - (D_P**2 + sign * D_M**2))


PATHWAYS = Said(**vars(_regrouped(-1)) | {"predictor": (S_P**2 - D_P**2) - (S_M**2 - D_M**2)})
IN_SQUARES = "with <sum> of the layers as $s$ and <difference> as $d$, in each pathway, the predictor is <predictor>"
LAYERS = {S_P: (W_PLUS, V_PLUS), D_P: (W_PLUS, V_PLUS), S_M: (W_MINUS, V_MINUS), D_M: (W_MINUS, V_MINUS)}


def _in_weights(stated: Said) -> Expression:
    """The stated predictor with what is stated for s and d put in."""
    quantities = {
        name: (stated.sum if name in (S_P, S_M) else stated.difference).subs({FIRST: first, SECOND: second}, simultaneous=True)
        for name, (first, second) in LAYERS.items()
    }
    return stated.predictor.subs(quantities, simultaneous=True)


@claim(
    id="eq16",
    where="Eq. 16 (Appendix A)",
    statement=IN_SQUARES,
    printed=PATHWAYS,
    twins={
        "s and d exchanged": PATHWAYS.but(predictor=-PATHWAYS.predictor),
        "twice as much": PATHWAYS.but(predictor=2 * PATHWAYS.predictor),
        "squares added": PATHWAYS.but(predictor=(S_P**2 + D_P**2) - (S_M**2 + D_M**2)),
        "the whole sum": PATHWAYS.but(sum=FIRST + SECOND),
    },
    siblings={
        "the whole sum and difference, a quarter of their squares": PATHWAYS.but(
            sum=FIRST + SECOND, difference=FIRST - SECOND, predictor=PATHWAYS.predictor / 4
        )
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def predictor_in_pathways(proof: Derivation, stated: Said) -> None:
    """Eq. 16: w v = s^2 - d^2 in each pathway."""
    proof.equal("their squares differ by the product of the layers", BETA, _in_weights(stated))


REGROUPED = PATHWAYS.but(predictor=(S_P**2 - S_M**2) - (D_P**2 - D_M**2))


@claim(
    id="eq17",
    where="Eq. 17 (Appendix A); its arrows point left where those of Eq. 16 point right",
    statement=IN_SQUARES,
    printed=REGROUPED,
    twins={
        "the last sign reversed": REGROUPED.but(predictor=(S_P**2 - S_M**2) - (D_P**2 + D_M**2)),
        "the differences added": REGROUPED.but(predictor=(S_P**2 - S_M**2) + (D_P**2 - D_M**2)),
        "pathways exchanged, as arrows read as directions would": REGROUPED.but(predictor=-REGROUPED.predictor),
        "half the difference": REGROUPED.but(difference=REGROUPED.difference / 2),
    },
    siblings={"as in the line before": PATHWAYS},
    reads=("arrows to the left and to the right mark the same vectors",),
    expected=Verdict.PROVED,
    source=SOURCE,
)
def predictor_regrouped(proof: Derivation, stated: Said) -> None:
    """Eq. 17: Eq. 16 with its terms regrouped."""
    proof.equal("the terms of the pathways, regrouped", BETA, _in_weights(stated))


def _at_start(stated: Said) -> Expression:
    """The stated predictor in the common start and p, with what is stated for s_0 and d_0 put in."""
    return stated.predictor.subs({S0: stated.sum, D0: stated.difference}, simultaneous=True)


def _from_halves(predictor: Expression) -> Said:
    return Said(sum=(W0 + V0) / 2, difference=(W0 - V0) / 2, predictor=predictor)


def _four_terms(factor: int, last: int = 1, exponent: int = 4) -> Said:
    grows, shrinks = sp.exp(exponent * P), sp.exp(-exponent * P)
    terms = factor * S0**2 * shrinks, -factor * S0**2 * grows, -factor * D0**2 * grows, last * factor * D0**2 * shrinks
    return _from_halves(sum(terms))


def size_of_exponentials(printed: Said, corrected: Said) -> str:
    """Eq. 18: what both forms make of the integral of the residual with which pretraining ends."""
    weight = setting.WEIGHT
    end = {W0: setting.ALPHA, V0: setting.ALPHA, P: -sp.asinh(weight / (2 * setting.ALPHA**2)) / 4}
    said, reached = (setting.value(_at_start(stated), end) for stated in (printed, corrected))
    loss, null = setting.FEATURES * (said - reached) ** 2, setting.FEATURES * setting.value(weight) ** 2
    return (
        f"Where pretraining from the alpha {number(setting.ALPHA)} ends at a feature of {reached:.3g}, the printed form says "
        f"{said:.3g}: over the {setting.FEATURES} features a loss of {loss:.3g}, as a predictor that is zero has ({null:.3g})."
    )


WITH_HALVES = FROM_COMMON + "with $s$ there as <sum> and $d$ there as <difference>, the predictor is at any time <predictor>"
ONE_SINE = _from_halves(2 * (S0**2 + D0**2) * sp.sinh(-4 * P))


@claim(
    id="eq18",
    where="Eq. 18 (Appendix A)",
    statement=WITH_HALVES,
    printed=_four_terms(2),
    corrected=_four_terms(1),
    size=size_of_exponentials,
    twins={
        "four times as much": _four_terms(4),
        "the last sign reversed": _four_terms(1, last=-1),
        "half the exponents": _four_terms(1, exponent=2),
        "the whole sum of the start": _four_terms(1).but(sum=W0 + V0),
    },
    siblings={
        "as one hyperbolic sine": ONE_SINE,
        "as printed, for sums and differences over the root of eight": _four_terms(2).but(
            sum=(W0 + V0) / sp.sqrt(8), difference=(W0 - V0) / sp.sqrt(8)
        ),
    },
    expected=Verdict.CORRECTED,
    source=SOURCE,
)
def four_exponentials(proof: Derivation, stated: Said) -> None:
    """Eq. 18: beta = s_+^2 - s_-^2 - d_+^2 + d_-^2 along the solution. As printed it is twice Eq. 19."""
    solve_the_flow(proof)
    proof.equal("insert the solution into the predictor", predictor(COMMON), _at_start(stated))


@claim(
    id="eq19",
    where="Eq. 19 (Appendix A)",
    statement=WITH_HALVES,
    printed=ONE_SINE,
    twins={
        "twice as much, the sum of the printed line before": ONE_SINE.but(predictor=2 * ONE_SINE.predictor),
        "the difference of the squares": ONE_SINE.but(predictor=2 * (S0**2 - D0**2) * sp.sinh(-4 * P)),
        "the opposite sign": ONE_SINE.but(predictor=-ONE_SINE.predictor),
        "half the argument": ONE_SINE.but(predictor=2 * (S0**2 + D0**2) * sp.sinh(-2 * P)),
        "the whole difference of the start": ONE_SINE.but(difference=W0 - V0),
    },
    siblings={"as four exponentials": _four_terms(1)},
    expected=Verdict.PROVED,
    source=SOURCE,
)
def one_sinh(proof: Derivation, stated: Said) -> None:
    """Eq. 19: the four exponentials pair up."""
    solve_the_flow(proof)
    proof.equal("insert the solution into the predictor and pair the exponentials", predictor(COMMON), _at_start(stated))


IN_WEIGHTS = Said(predictor=SQUARES * sp.sinh(-4 * P))


@claim(
    id="eq20",
    where="Eq. 20 (Appendix A)",
    statement=FROM_COMMON + "the predictor is at any time <predictor>",
    printed=IN_WEIGHTS,
    twins={
        "twice as much": Said(predictor=2 * SQUARES * sp.sinh(-4 * P)),
        "twice the product of the layers for the sum of squares": Said(predictor=2 * W0 * V0 * sp.sinh(-4 * P)),
        "half the argument": Said(predictor=SQUARES * sp.sinh(-2 * P)),
        "the opposite sign": Said(predictor=SQUARES * sp.sinh(4 * P)),
    },
    siblings={"in exponentials": Said(predictor=SQUARES * (sp.exp(-4 * P) - sp.exp(4 * P)) / 2)},
    expected=Verdict.PROVED,
    source=SOURCE,
)
def sinh_of_weights(proof: Derivation, stated: Said) -> None:
    """Eq. 20: 2(s_0^2 + d_0^2) is the sum of the two squared weights."""
    solve_the_flow(proof)
    proof.equal("insert the solution into the predictor", predictor(COMMON), stated.predictor)


W, U_P, U_M = (
    symbol("w_0", "w_0", "w₀", real=True),
    symbol("u_+", "u_+", "u₊", real=True),
    symbol("u_-", "u_-", "u₋", real=True),
)
CITED = Said(
    network=U_P**2 - U_M**2,
    start=ALPHA * W,
    loss=RESIDUAL**2 / 2,
    cited=2 * ALPHA**2 * W**2 * sp.sinh(-4 * P),
    theirs=2 * ALPHA**2 * W**2,
    ours=SQUARES,
)


@claim(
    id="same-form",
    where="Appendix A, after Eq. 20",
    statement="the predictor of Eq. 20 is <cited> with <ours> for its coefficient, <theirs>; from equal layers, all weights at "
    "<start>, the two coefficients are the same. The first is Eq. 17 in Appendix D of Woodworth et al.: what <network> becomes "
    "from that start by gradient flow on the sum of <loss> over the samples",
    printed=CITED,
    twins={
        "the product of the layers for the coefficient": CITED.but(ours=W0 * V0),
        "twice the product of the layers, which agrees at equal layers": CITED.but(ours=2 * W0 * V0),
        "half their coefficient": CITED.but(cited=CITED.cited / 2, theirs=CITED.theirs / 2),
        "their start without alpha": CITED.but(start=W),
        "the whole squared residual for the loss": CITED.but(loss=RESIDUAL**2),
        "half their argument": CITED.but(cited=CITED.theirs * sp.sinh(-2 * P)),
        "their pathways added": CITED.but(network=U_P**2 + U_M**2),
    },
    siblings={"in exponentials": CITED.but(cited=CITED.theirs * (sp.exp(-4 * P) - sp.exp(4 * P)) / 2)},
    reads=(
        "the form: the two are the same but for a coefficient in each input, so that the argument about the limit carries "
        "over; that argument is the claim on Eq. 21",
        "which multiple of the squared error a network is trained on changes how fast its flow runs, not where it ends",
    ),
    granted=(
        "Woodworth et al. print <cited>, for networks whose predictor is <network> and whose weights start at <start>: that is "
        "quoted, and was not read again here",
    ),
    expected=Verdict.PROVED,
    source="Lindsey & Lippl 2024, Appendix A; Woodworth et al. 2020, Appendix D",
)
def same_form(proof: Derivation, stated: Said) -> None:
    """Appendix A, after Eq. 20: the coefficient replaced, and the network of the cited paper."""
    solve_the_flow(proof)
    replaced = stated.cited * stated.ours / stated.theirs
    proof.equal("their predictor, with its coefficient replaced, is that of Eq. 20", replaced, predictor(COMMON))
    equal_layers = dict.fromkeys((W0, V0), stated.start)
    proof.equal("from equal layers the coefficients agree", stated.ours.subs(equal_layers), stated.theirs)
    x, others, y = sp.symbols("x S y", real=True)
    residual = x * stated.network + others - y
    end = {}
    for weight, sign in ((U_P, 1), (U_M, -1)):
        moved = -sp.diff(stated.loss.subs(RESIDUAL, residual), weight)
        proof.equal("one sample moves a weight of their network", moved, -2 * sign * x * residual * weight)
        end[weight] = stated.start * sp.exp(-2 * sign * P)
        text = "over all samples this is solved by"
        proof.equal(text, sp.diff(end[weight], P) * G / 2, -sign * G * end[weight])
        proof.equal("from its start", end[weight].subs(P, 0), stated.start)
    proof.argue("the samples add up", Theorem.LINEARITY)
    proof.argue("and there is no other solution", Theorem.UNIQUENESS)
    proof.equal("so that their network is", stated.network.subs(end), stated.cited)


if __name__ == "__main__":
    sys.exit(run_alone())
