"""Appendix C: what a KKT point of the max-margin problem over the weights is, and where it is no minimum."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import sympy as sp

from normtheory.audit import notation
from normtheory.audit.alone import run_alone
from normtheory.audit.claims import Verdict, claim
from normtheory.audit.derivation import Derivation
from normtheory.audit.notation import symbol
from normtheory.audit.statements import Said
from normtheory.audit.steps import Theorem
from normtheory.proofs import cross_entropy_runs as runs
from normtheory.proofs import setting
from normtheory.proofs.group_norms import GroupNorm
from normtheory.proofs.orbit import W_MINUS, W_PLUS
from normtheory.proofs.setting import number, percent
from normtheory.proofs.several_outputs import V_MINUS, V_PLUS, coordinate

Expression = Any

SOURCE = "Lindsey & Lippl 2024, section 3.2 and Appendix C; Lyu & Li 2020"

PULLS = (symbol("S_1", "S_1", "S₁", real=True), symbol("S_2", "S_2", "S₂", real=True))  # X_o^T lambda_o of one input
POSITIVE = (symbol("S_1", "|S_1|", "|S₁|", positive=True), symbol("S_2", "|S_2|", "|S₂|", positive=True))
SIZES = (symbol("B_1", "B_1", "B₁", positive=True), symbol("B_2", "B_2", "B₂", positive=True))  # of two inputs' predictors


def kkt_of_weights(proof: Derivation) -> None:
    """Least half squared weights with margins of at least 1: what stationarity says of one input."""
    with proof.lemma("a KKT point of the least squared weights with margins of one, input by input"):
        one = coordinate(2)
        plus, minus = V_PLUS[:2], V_MINUS[:2]
        half = sum(weight**2 for weight in one.weights) / 2
        margins = sum(pull * beta for pull, beta in zip(PULLS, one.predictors, strict=True))
        read = {v: s * W_PLUS for v, s in zip(plus, PULLS, strict=True)} | {
            u: -s * W_MINUS for u, s in zip(minus, PULLS, strict=True)
        }
        for readout, value in read.items():
            text = f"the multipliers' pulls S on the input's predictors make {notation.text(readout)} stationary"
            proof.equal(text, sp.diff(half - margins, readout).subs(readout, value), 0)
        length = sum(pull**2 for pull in PULLS)
        for weight in (W_PLUS, W_MINUS):
            slope = sp.diff(half - margins, weight).subs(read)
            text = "and then the first layer's slope is this: an input is used only if its pull has length one"
            proof.equal(text, slope, (1 - length) * weight)
        for beta, pull in zip(one.predictors, PULLS, strict=True):
            proof.equal("with predictors in proportion to their pulls", beta.subs(read), pull * (W_PLUS**2 + W_MINUS**2))


def same_stationarity(proof: Derivation, norm: GroupNorm) -> bool:
    """Whether used inputs, pulled with length 1 along their predictors, are stationary for the norm with margins of 1."""
    slopes = [pull ** (norm.inner - 1) for pull in POSITIVE]  # of the norm within an input, at predictors as the pulls
    within = proof.equal(
        "the norm's slopes in the predictors of a used input are in the proportion of their pulls",
        slopes[0] * POSITIVE[1],
        slopes[1] * POSITIVE[0],
    )
    first, second = (size ** (norm.outer - 1) for size in SIZES)
    over = proof.equal("and of one length for all used inputs, however large their predictors", first, second)
    return within and over


_KKT = Said(norm=GroupNorm(), most=sp.Integer(1))


def size_of_lingering(*_: Said) -> str:
    """Appendix C, on the paper's main task with the signs of its targets as labels, from its scale."""
    tasks, alpha = setting.tasks(), float(setting.ALPHA)
    signed = np.sign(tasks.main.y)[:, None] * tasks.main.X
    path = runs.one_output(signed, np.full(setting.INPUTS, 2 * alpha**2), np.zeros(setting.INPUTS), _PAPER_NORMS)
    least = runs.L12.value(runs.L12.with_margins([signed]))
    excess = [point.half / point.margin / least - 1 for point in path]
    grown = np.log(path[-1].half / path[-2].half)
    pull = np.abs(2 * (path[-1].multipliers - path[-2].multipliers) @ signed) / grown
    return (
        "The paper trains no diagonal network on cross-entropy, and its start leaves no weight zero, so that a network does "
        f"leave such points. On its main task, {setting.INPUTS} inputs and {setting.SAMPLES} samples, with the signs of the "
        f"targets as labels, one output from alpha {alpha:g} is, in units of the margin, {', '.join(map(percent, excess))} "
        f"above the least norm at the norms {', '.join(map(number, _PAPER_NORMS))}, where an input is pulled up to "
        f"{pull.max():.3g} times as much as keeps up with the norm."
    )


_PAPER_NORMS = (1e2, 1e3, 1e4)


@claim(
    id="ce-kkt",
    where="section 3.2, Appendix C",
    statement="a KKT point of the least squared weights with equal margins, to whose direction gradient flow on cross-entropy "
    "converges, has the predictors of least <norm> with these margins, so that a diagonal network with several outputs would "
    "indeed minimise it, even if the multipliers pull an unused input by <most>",
    reads=(
        "pull: the length, over outputs, of the multipliers times the signed samples' entries; unused: all weights are zero",
    ),
    granted=("gradient flow on cross-entropy converges in direction to a KKT point (Lyu & Li)",),
    printed=_KKT.but(most=sp.Integer(2)),
    corrected=_KKT,
    corrected_statement="a KKT point of the least squared weights with equal margins has the predictors of least <norm> with "
    "these margins if its multipliers pull no unused input by more than <most>",
    size=size_of_lingering,
    twins={
        "a pull that is more": _KKT.but(most=sp.Rational(11, 10)),
        "twice the pull": _KKT.but(most=sp.Integer(2)),
        "an inner exponent that is less": _KKT.but(norm=GroupNorm(inner=sp.Rational(19, 10))),
        "an inner exponent that is more": _KKT.but(norm=GroupNorm(inner=sp.Rational(21, 10))),
        "an outer exponent that is less": _KKT.but(norm=GroupNorm(outer=sp.Rational(9, 10))),
        "an outer exponent that is more": _KKT.but(norm=GroupNorm(outer=sp.Rational(11, 10))),
        "the norm of sizes": _KKT.but(norm=GroupNorm(inner=sp.Integer(1))),
    },
    siblings={
        "a pull that is less": _KKT.but(most=sp.Rational(1, 2)),
        "three times the norm": _KKT.but(norm=GroupNorm(factor=sp.Integer(3))),
    },
    expected=Verdict.CORRECTED,
    source=SOURCE,
)
def kkt_point(proof: Derivation, stated: Said) -> None:
    """Appendix C: the KKT conditions of the weights against those of the norm, and an input that stays unused."""
    kkt_of_weights(proof)
    holds = same_stationarity(proof, stated.norm)
    with proof.lemma("an input whose weights are all zero stays unused along the flow"):
        for weight, velocity in coordinate(2).velocities.items():
            zero = dict.fromkeys(coordinate(2).weights, 0)
            proof.equal(f"{notation.text(weight)} stays zero", velocity.subs(zero), 0)
    example = (sp.Integer(1), stated.most)
    entries = " and ".join(map(notation.text, example))
    text = f"exact example, one sample of the entries {entries}, the second unused: the KKT point's norm is the least"
    least = sp.Integer(1) / sp.Max(*example)
    if proof.equal(text, 1 / example[0], least) and holds:
        proof.argue(
            "in general pulls of length one along used predictors, and of at most one elsewhere, are a subgradient of the norm "
            "that is made of multipliers of margins",
            Theorem.KKT,
        )


READOUT, SLOPE = symbol("v_o", positive=True), symbol("p_o2", "p_{o2}", "p_o2", positive=True)
STEEPER = symbol("r_o", nonnegative=True)  # p_o1 - p_o2
OUTPUT, TASKS = symbol("f", real=True), symbol("O", integer=True, positive=True)


def end_over_least(angle: Expression) -> Expression:
    """What one unit that sees two inputs at an angle needs, over what two units need that see one each."""
    return sp.radsimp(1 / (2 * sp.cos(angle / 2)))


WIDE = sp.pi * sp.Rational(5, 6)
_ENDS = Said(angle=WIDE, factor=end_over_least(WIDE))
WIDTHS, STARTS = (2, 4, 16), 200
INPUTS, HIDDEN = 15, 1000  # of the paper's ReLU networks


def size_of_trap(printed: Said, instead: Said) -> str:
    """Appendix C: how often random weights are such a start, at the width of the paper's networks."""
    share = 1 / 2 - float(instead.angle / sp.pi) / 2  # of directions that see both inputs, and of those that see neither
    chance = np.log10(HIDDEN * share / 4) + (HIDDEN - 1) * np.log10(share)
    return (
        f"The paper trains no ReLU network on cross-entropy; in one of its width, {HIDDEN}, random weights of {INPUTS} inputs "
        f"are such a start with a probability of ten to the power of {chance:.0f}. From there the norm ends at "
        f"{float(instead.factor):.3g} times the least, for {number(printed.factor)} as stated."
    )


@claim(
    id="ce-relu",
    where="Appendix C",
    statement="trained on cross-entropy and for ever, ReLU networks minimise the $F_{1,2}$ norm: wherever they start, theirs "
    "ends, in units of the margin, at <factor> times the least there is, also on two inputs of unit length at an angle of "
    "<angle> that all tasks label alike",
    reads=("a hidden unit sees an input on which it is active",),
    granted=("gradient flow on cross-entropy converges in direction to a KKT point (Lyu & Li)",),
    printed=_ENDS.but(factor=sp.Integer(1)),
    corrected=_ENDS,
    corrected_statement="on two inputs of unit length at an angle of <angle> that all tasks label alike, a ReLU network whose "
    "units but one see neither, while that one sees both and has positive readouts, ends with an $F_{1,2}$ norm of <factor> "
    "times the least there is, in units of the margin; any finite width starts so with positive probability",
    size=size_of_trap,
    twins={
        "the least": _ENDS.but(factor=sp.Integer(1)),
        "twice the least": _ENDS.but(factor=sp.Integer(2)),
        "less than the least": _ENDS.but(factor=1 / _ENDS.factor),
        "the squared norm": _ENDS.but(factor=_ENDS.factor**2),
        "at a right angle": _ENDS.but(angle=sp.pi / 2, factor=end_over_least(sp.pi / 2)),
        "the factor of another angle": _ENDS.but(angle=sp.pi * sp.Rational(3, 4)),
    },
    siblings={
        f"at an angle of {name}": Said(angle=angle, factor=end_over_least(angle))
        for name, angle in (("three quarters", sp.pi * sp.Rational(3, 4)), ("nearly half a turn", sp.pi * sp.Rational(11, 12)))
    },
    expected=Verdict.CORRECTED,
    source=SOURCE + "; Chizat & Bach 2020 for one output and infinite width",
)
def relu_networks(proof: Derivation, stated: Said) -> None:
    """Appendix C: one unit that sees two inputs is kept where it is; two units, one for each, would need less."""
    half = stated.angle / 2
    inputs = sp.Matrix([sp.cos(half), sp.sin(half)]), sp.Matrix([sp.cos(half), -sp.sin(half)])
    _kept(proof, inputs)
    needs = _end_of_one_unit(proof, inputs)
    least = _least_of_all(proof, inputs)
    proof.equal("so it ends, in units of the least, at", needs / least, stated.factor)
    if stated == _ENDS:
        shares = [runs.relu_ends(width, float(stated.angle), STARTS) for width in WIDTHS]
        listed = "; ".join(f"width {width}: {percent(share)}" for width, share in zip(WIDTHS, shares, strict=True))
        proof.note(
            f"Followed from {STARTS} random starts in two dimensions and for two tasks, so many of the networks that fit end "
            f"more than {percent(runs.FAR - 1)} above the least: {listed}. Wide networks are not decided here: for infinitely "
            "many units whose directions cover the sphere Chizat & Bach prove the least norm of one output, if the flow "
            "converges; for several outputs, and for a finite width on data that it does not cover, a proof is missing."
        )


def _kept(proof: Derivation, inputs: tuple[Expression, Expression]) -> None:
    """A unit that sees both inputs with positive readouts does so for ever; units that see neither have no gradient."""
    together = (inputs[0].T * inputs[1])[0]
    with proof.lemma("a unit that sees both inputs, with positive readouts, while no other unit sees either"):
        slope = 1 / (1 + sp.exp(OUTPUT))
        form = sp.exp(OUTPUT) / (1 + sp.exp(OUTPUT)) ** 2
        proof.positive("a sample's slope falls with its output", -sp.diff(slope, OUTPUT), form)
        proof.argue(
            "so where the unit is about to lose an input, that has the larger slopes, by r",
            Theorem.MEAN_VALUE,
        )
        pull = READOUT * ((SLOPE + STEEPER) + SLOPE * together)
        form = READOUT * (SLOPE * (1 + together) + STEEPER)
        proof.positive("every output then turns the unit towards it, by its readout times the slopes' sum", pull, form)
        proof.positive("and readouts grow at the slopes times the unit's signals", SLOPE * READOUT)
        proof.argue("so it sees both inputs for ever, and its readouts stay positive", Theorem.MEAN_VALUE)
        proof.argue("units that see neither input have no gradient and stay as they are", Theorem.CHAIN_RULE)
        proof.argue("strict inequalities on the weights hold in an open set, of positive probability", Theorem.CONTINUITY)


def _end_of_one_unit(proof: Derivation, inputs: tuple[Expression, Expression]) -> Expression:
    """The length of m of the only KKT point of that unit with margins of 1, for O tasks."""
    with proof.lemma("the only KKT point of that unit"):
        proof.positive("the inputs are at an obtuse angle", -(inputs[0].T * inputs[1])[0])
        proof.argue(
            "an input with the larger margins would have no multipliers: the unit would lie along the other one and not see it",
            Theorem.SLACKNESS,
        )
        proof.argue("an output with the larger readout would have none either, and so no readout", Theorem.SLACKNESS)
        bisector = sp.Matrix([1, 0])
        signals = [(x.T * bisector)[0] for x in inputs]
        proof.equal("so the unit lies on the bisector, with equal signals", signals[0], signals[1])
        needs = sp.sqrt(TASKS) / signals[0]
        proof.equal("and equal readouts, of margins one and this length", sp.sqrt(TASKS * (1 / signals[0]) ** 2), needs)
    return needs


def _least_of_all(proof: Derivation, inputs: tuple[Expression, Expression]) -> Expression:
    """The least sum of the lengths of m with margins 1, by multipliers 1/sqrt(O) and by two units."""
    with proof.lemma("the least of all networks, by equal multipliers and by a unit for each input"):
        total = inputs[0] + inputs[1]
        text = "the inputs' sum has a length below one, so that no direction that sees both has signals that add up to more"
        proof.positive(text, 1 - sp.sqrt((total.T * total)[0]))
        proof.argue(
            "nor has one that sees one input: no unit length of m adds more than one to the multiplied margins",
            Theorem.CAUCHY_SCHWARZ,
        )
        least = 2 * sp.sqrt(TASKS)
        proof.equal("which with margins of one are, in sum, at least", 2 * TASKS / sp.sqrt(TASKS), least)
        proof.equal("two units along the inputs, with readouts of one, have margins of one", (inputs[0].T * inputs[0])[0], 1)
        proof.equal("and together this length", 2 * sp.sqrt(TASKS * 1), least)
        proof.positive("as neither sees the other's input", -(inputs[0].T * inputs[1])[0])
    return least


if __name__ == "__main__":
    sys.exit(run_alone())
