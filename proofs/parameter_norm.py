"""Section 3.2: the network with several outputs, Corollary 2 and the limits of its penalty."""

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
from normtheory.penalties import GroupL12
from normtheory.proofs import experiments, l12_forms, letters, package_numerics, setting
from normtheory.proofs.appendix_b import LENGTH, SUM, least_norm, length, same_minimisers
from normtheory.proofs.diagonal_networks import network_map
from normtheory.proofs.l12_forms import (
    ABOVE_FAR,
    ABOVE_LINE,
    ABOVE_NEAR,
    BELOW_FAR,
    BELOW_LINE,
    BELOW_NEAR,
    EXCESS_FALL,
    EXCESS_ORDER,
    ROOT,
    aux_slopes,
    excess_order,
    far_bounds,
    line_bounds,
    near_bounds,
)
from normtheory.proofs.letters import GAMMA, X
from normtheory.proofs.orbit import V_MINUS, V_PLUS, W_MINUS, W_PLUS
from normtheory.proofs.package_numerics import ROUND_OFF
from normtheory.proofs.setting import number, percent

Expression = Any

SOURCE = "Lindsey & Lippl 2024, section 3.2"

A, B, WHOLE, EXCESS = l12_forms.A, l12_forms.B, l12_forms.WHOLE, l12_forms.EXCESS


@claim(
    id="eq4",
    where="Eqs. 4, 22, 23 (section 3.2, Appendix B.1)",
    statement="where the outputs share a first layer and each has a readout of its own, an output is the sum over inputs of "
    "<predictor> times the input",
    printed=Said(predictor=V_PLUS * W_PLUS - V_MINUS * W_MINUS),
    twins={
        "the minus pathway added": Said(predictor=V_PLUS * W_PLUS + V_MINUS * W_MINUS),
        "the pathways' readouts exchanged": Said(predictor=V_MINUS * W_PLUS - V_PLUS * W_MINUS),
        "first layers squared": Said(predictor=V_PLUS * W_PLUS**2 - V_MINUS * W_MINUS**2),
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def several_outputs(proof: Derivation, stated: Said) -> None:
    """Eq. 4: read each output off the shared hidden units; any number of outputs and inputs."""
    network_map(proof, stated.predictor, outputs=3)


PAIR = 2 * sp.sqrt(letters.A**2 + letters.B**2)  # of any signs
_WRONG = {
    "squares without the root": 2 * (letters.A**2 + letters.B**2),
    "l1 within the group": 2 * (sp.Abs(letters.A) + sp.Abs(letters.B)),
    "the main task alone": 2 * sp.Abs(letters.B),
    "a difference of squares": 2 * sp.sqrt(letters.A**2 + letters.B**2 / 2),
}


@claim(
    id="eq5",
    where="Eq. 5 (section 3.2)",
    statement="for two tasks the $\\ell_{1,2}$ norm of a coordinate is <penalty>, the length of its pair of predictors with "
    "the factor <factor>, and Corollary 2's program is convex",
    printed=Said(penalty=PAIR, factor=sp.Integer(2)),
    twins={
        "without the factor": Said(penalty=PAIR / 2, factor=sp.Integer(1)),
        "the factor alone": Said(penalty=PAIR, factor=sp.Integer(1)),
        **{name: Said(penalty=wrong, factor=sp.Integer(2)) for name, wrong in _WRONG.items()},
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def two_task_penalty(proof: Derivation, stated: Said) -> None:
    """Eq. 5: the group norm of two tasks, as section 3.2 defines it, and that its program is convex."""
    pair = (letters.B, letters.A)
    if not proof.equal("the length of the pair, times the factor", stated.factor * length(pair), stated.penalty):
        return
    proof.equal(
        "by the definition of section 3.2, which the package has as its one expression", GroupL12.expression(), stated.penalty
    )
    proof.equal("it is homogeneous", stated.penalty.subs({s: X * s for s in pair}, simultaneous=True), X * stated.penalty)
    proof.argue("lengths are convex, so is their sum over coordinates, and the constraints are linear", Theorem.TRIANGLE)
    deviation = package_numerics.group_numerics_deviation(stated.penalty, pair)
    proof.witness("the package's float64 penalty, derivatives and conjugate", deviation, ROUND_OFF)


@claim(
    id="l12-param-norm",
    where="section 3.2, before Corollary 2; proof in Appendix B",
    statement="for any number of outputs, the least squared norm of the weights that have given predictors is <least>, "
    "summed over coordinates",
    printed=Said(least=2 * LENGTH),
    twins={
        "without the factor": Said(least=LENGTH),
        "a root for the factor": Said(least=sp.sqrt(2) * LENGTH),
        "the sizes of the predictors added": Said(least=2 * SUM),
        "the squared length": Said(least=2 * LENGTH**2),
    },
    expected=Verdict.PROVED,
    source=SOURCE + "; Dai et al. 2021",
)
def group_norm(proof: Derivation, stated: Said) -> None:
    """Section 3.2: the least parameter norm of a coordinate; both pathways, no one-path assumption, any number of outputs."""
    least_norm(proof, stated.least)


NORM = symbol("norm_w", r"\|w\|_2", "‖w‖₂", positive=True)
_PROGRAM = Said(norms=(NORM**2, NORM), penalty=PAIR)


@claim(
    id="cor2",
    where="Corollary 2, Eq. 5 (section 3.2)",
    statement="among the weights that fit both tasks, those of least norm, by either of <norms>, have the predictors of least "
    "<penalty>, summed over coordinates",
    reads=("the squared norm stands in the corollary, the norm in the text before it",),
    granted=("some weights fit both tasks",),
    printed=_PROGRAM,
    twins={
        **{name: _PROGRAM.but(penalty=wrong) for name, wrong in _WRONG.items()},
        "the largest penalty": _PROGRAM.but(penalty=-PAIR),
        "the largest norm": _PROGRAM.but(norms=(-(NORM**2), NORM)),
    },
    siblings={
        "three times the penalty": _PROGRAM.but(penalty=3 * PAIR),
        "the penalty without its factor": _PROGRAM.but(penalty=PAIR / 2),
        "the penalty and a constant": _PROGRAM.but(penalty=PAIR + 1),
        "the cube of the norm": _PROGRAM.but(norms=(NORM**2, NORM**3)),
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def corollary(proof: Derivation, stated: Said) -> None:
    """Corollary 2: minimise over the weights of each predictor first; then a solver on the weights, one on the predictors."""
    least_norm(proof, 2 * LENGTH)
    pair = length((letters.B, letters.A))
    holds = same_minimisers(proof, stated.penalty, (2 * LENGTH).subs(LENGTH, pair), {letters.B: 1, letters.A: 0})
    proof.argue("so the least norm over weights that fit is that of the best predictors that fit", Theorem.ITERATED)
    for norm in stated.norms:
        proof.positive("what is minimised grows with the norm: both have the same minimisers", sp.diff(norm, NORM))
    if holds:
        gap = experiments.least_weights_gap()
        proof.witness("least squared weights found by a solver on the weights, against the convex program", gap, 1e-5)
        proof.note(f"A nonlinear solver on the weights finds the convex program's optimum to {gap:.1e} (relative).")


_FAR = Said(penalty=WHOLE, limit=2 * B, share=A**2 / (2 * B**2))


@claim(
    id="l12-large",
    where="section 3.2, after Corollary 2",
    statement="the penalty <penalty> of a coordinate tends to <limit> as the ratio of $|\\beta|$ to $|\\beta^{aux}|$ grows: "
    "it is more, by less than the share <share> of that",
    reads=(r"$|\beta^{aux}|$ is held fixed and not zero; the ratio without $\gamma$ is larger still than the printed one",),
    printed=_FAR,
    twins={
        "half the limit": _FAR.but(limit=B),
        "both tasks' norms": _FAR.but(limit=2 * B + 2 * A),
        "half the share": _FAR.but(share=_FAR.share / 2),
        "the squared share": _FAR.but(share=_FAR.share**2),
        "a share that stays": _FAR.but(limit=B, share=sp.Integer(2)),
    },
    siblings={
        "twice the share": _FAR.but(share=2 * _FAR.share),
        "the share of a larger auxiliary weight": _FAR.but(share=(A + GAMMA**2) ** 2 / (2 * B**2)),
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def large_ratio(proof: Derivation, stated: Said) -> None:
    """Section 3.2, large ratio: penalty, limit and the share that it is above it, both ways bounded."""
    far_bounds(proof)
    proof.exceeds("the penalty is not below its limit", stated.penalty, stated.limit, ABOVE_FAR)
    proof.exceeds("and above it by no more than the share", stated.limit * (1 + stated.share), stated.penalty, BELOW_FAR)
    at_inverse = sp.expand(stated.share.subs(B, A / X))
    proof.equal("where the ratio is infinite, the share is zero", at_inverse.subs(X, 0), 0)


def size_of_limit(printed: Said, corrected: Said) -> str:
    """Section 3.2, small ratio: penalty, excess and limit on a feature that pretraining learned."""

    def at_ratio(ratio: Expression) -> list[float]:
        place = {A: setting.WEIGHT, B: setting.WEIGHT * ratio}
        return [setting.value(quantity, place) for quantity in (printed.quantity, printed.limit, corrected.quantity)]

    tenth, one = at_ratio(sp.Rational(1, 10)), at_ratio(sp.Integer(1))
    start = setting.value(printed.quantity, {A: setting.WEIGHT, B: 0}) * setting.FEATURES
    return (
        f"On a learned feature, whose auxiliary weight is {number(setting.WEIGHT)}, at a main weight a tenth of that the MTL "
        f"penalty is {tenth[0]:.3g}, {tenth[0] / tenth[1]:.3g} times its printed limit {tenth[1]:.3g}, and its excess "
        f"{percent(1 - tenth[2] / tenth[1])} below it; where both weights are equal, penalty, printed limit and excess are "
        f"{one[0]:.3g}, {one[1]:.3g} and {one[2]:.3g}. Without any main weight the {setting.FEATURES} features cost "
        f"{start:.3g}."
    )


_NEAR = Said(quantity=EXCESS, limit=B**2 / A, share=B**2 / (4 * A**2))


@claim(
    id="l12-small",
    where="section 3.2, after Corollary 2",
    statement="as the ratio of $|\\beta|$ to $|\\beta^{aux}|$ vanishes, the penalty <quantity> of a coordinate converges to "
    "<limit>",
    reads=(r"$\beta^{aux}$ is not zero",),
    printed=_NEAR.but(quantity=WHOLE),
    corrected=_NEAR,
    corrected_statement="as the ratio of $|\\beta|$ to $|\\beta^{aux}|$ vanishes, <quantity>, the excess of the penalty over "
    "that of the auxiliary task alone, converges to <limit>: it is less, by less than the share <share> of that",
    size=size_of_limit,
    twins={
        "twice as much": _NEAR.but(limit=2 * B**2 / A),
        "half as much": _NEAR.but(limit=B**2 / (2 * A)),
        "the excess over half of that": _NEAR.but(quantity=2 * ROOT - A),
        "half the share": _NEAR.but(share=_NEAR.share / 2),
        "by the printed ratio, with gamma": _NEAR.but(share=B**2 / (4 * (A + GAMMA**2) ** 2)),
        "a share that stays": _NEAR.but(share=sp.Integer(1)),
    },
    siblings={
        "twice the share": _NEAR.but(share=2 * _NEAR.share),
        "without cancellation": _NEAR.but(quantity=2 * B**2 / (ROOT + A)),
    },
    expected=Verdict.CORRECTED,
    source=SOURCE,
)
def small_ratio(proof: Derivation, stated: Said) -> None:
    """Section 3.2, small ratio: the penalty tends to the auxiliary task's own; what tends to the limit is its excess."""
    near_bounds(proof)
    proof.exceeds("it is not above its limit", stated.limit, stated.quantity, BELOW_NEAR)
    proof.exceeds("nor below it by more than the share", stated.quantity, stated.limit * (1 - stated.share), ABOVE_NEAR)
    proof.equal("where the ratio is zero, the share is zero", sp.expand(stated.share.subs(B, A * X)).subs(X, 0), 0)
    along = setting.value(stated.quantity / stated.limit, {A: setting.WEIGHT, B: setting.WEIGHT})
    proof.note(
        "The printed ratio, with gamma in it, also vanishes where both predictors shrink alike; the quantity is then "
        f"{along:.3g} of its limit and stays so."
    )


@claim(
    id="l12-sharing",
    where="section 3.2, after Corollary 2",
    statement="what a main weight contributes to the penalty, <contribution>, decreases as $|\\beta^{aux}|$ grows",
    reads=(r"the contribution of $\beta$ is what it adds to the penalty of the auxiliary task alone",),
    printed=Said(contribution=EXCESS),
    twins={
        "the whole penalty, which increases": Said(contribution=WHOLE),
        "the sum of both": Said(contribution=2 * A + 2 * B),
        "the other task's contribution": Said(contribution=WHOLE - 2 * B),
        "with its sign reversed": Said(contribution=-EXCESS),
    },
    siblings={
        "half as much": Said(contribution=EXCESS / 2),
        "without cancellation": Said(contribution=2 * B**2 / (ROOT + A)),
        "with a constant": Said(contribution=EXCESS + 2 * B),
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def sharing(proof: Derivation, stated: Said) -> None:
    """Section 3.2: the derivative of the contribution in |beta_aux| is negative."""
    aux_slopes(proof)
    fall, somewhere = -sp.diff(stated.contribution, A), {A: sp.Integer(3), B: sp.Integer(4)}
    as_fast = (fall / EXCESS_FALL).subs(somewhere)  # if the contribution is a multiple of the excess
    proof.positive("so the contribution falls, too", fall, as_fast * EXCESS_FALL)


_EXCESS = Said(
    excess=2 * B**2 / (ROOT + A), least=2 * B - 2 * A, most=(2 * B, B**2 / A), order=EXCESS_ORDER, dependence=1 - EXCESS_ORDER
)


@claim(
    id="l12-excess",
    where="theory of the l1,2 penalty (from Eq. 5)",
    statement="the excess of the penalty over that of the auxiliary task alone is <excess>, above <least> and below each of "
    "<most>; its logarithmic derivative in $|\\beta|$ is <order>, that in $|\\beta^{aux}|$ is <dependence>",
    printed=_EXCESS,
    twins={
        "half the excess": _EXCESS.but(excess=_EXCESS.excess / 2),
        "order two at every ratio": _EXCESS.but(order=sp.Integer(2)),
        "the order of the whole penalty": _EXCESS.but(order=B**2 / (A**2 + B**2)),
        "no dependence": _EXCESS.but(dependence=sp.Integer(0)),
        "dependence of the other sign": _EXCESS.but(dependence=EXCESS_ORDER - 1),
        "half the square": _EXCESS.but(most=(2 * B, B**2 / (2 * A))),
        "half the line": _EXCESS.but(most=(B, B**2 / A)),
        "a line too high": _EXCESS.but(least=2 * B - A),
    },
    siblings={
        "looser bounds": _EXCESS.but(least=2 * B - 3 * A, most=(3 * B, 2 * B**2 / A)),
        "with cancellation": _EXCESS.but(excess=EXCESS),
    },
    expected=Verdict.PROVED,
    source="theory of the l1,2 penalty",
)
def excess(proof: Derivation, stated: Said) -> None:
    """Theory of the l1,2 penalty: what a main weight adds to the auxiliary task's penalty."""
    same = proof.equal("without cancellation", EXCESS, stated.excess)
    line_bounds(proof)
    near_bounds(proof)
    proof.exceeds("it is not below the lower bound", EXCESS, stated.least, ABOVE_LINE)
    line, square = stated.most
    proof.exceeds("nor above the line", line, EXCESS, BELOW_LINE)
    proof.exceeds("nor above the square", square, EXCESS, BELOW_NEAR)
    excess_order(proof)
    proof.equal("the order is as stated", EXCESS_ORDER, stated.order)
    proof.equal("and so is the dependence: both add up to one", 1 - EXCESS_ORDER, stated.dependence)
    if same:
        deviation = package_numerics.excess_deviation(sp.lambdify((B, A), stated.excess, "mpmath"))
        proof.witness("the package's float64 excess against the form in many digits", deviation, ROUND_OFF)


if __name__ == "__main__":
    sys.exit(run_alone())
