"""Theory of one output: conserved quantities, the norm from any initialisation, and finetuning in closed form."""

from __future__ import annotations

import sys
from typing import Any

import sympy as sp

from normtheory.audit import notation
from normtheory.audit.alone import run_alone
from normtheory.audit.claims import Verdict, claim
from normtheory.audit.derivation import Derivation
from normtheory.audit.notation import symbol
from normtheory.audit.statements import Said
from normtheory.audit.steps import Theorem
from normtheory.penalties import Q
from normtheory.proofs import experiments, package_numerics
from normtheory.proofs.exact_formulas import MINUS, PLUS, R, finetuning_formula, on_orbit
from normtheory.proofs.letters import ALPHA, GAMMA, START, A, B, C, K, T
from normtheory.proofs.optimality import PULL, minimised
from normtheory.proofs.orbit import (
    BETA,
    D_MINUS,
    D_PLUS,
    ETA,
    GROWING,
    LEARNED,
    S_MINUS,
    S_PLUS,
    SHRINKING,
    V_MINUS,
    V_PLUS,
    W_MINUS,
    W_PLUS,
    WEIGHTS,
    P,
    endpoint_of_the_flow,
    layers,
    predictor,
    pretrain,
    rate,
    solve_the_flow,
)
from normtheory.proofs.package_numerics import ROUND_OFF

Expression = Any

SOURCE = "theory of one output; after Woodworth et al. 2020 and Azulay et al. 2021"
GENERIC = dict(zip(WEIGHTS, map(sp.Integer, (2, 3, 5, 7)), strict=True))  # weights where no two laws happen to agree
CONSERVED = Said(
    quantities=(
        W_PLUS**2 - V_PLUS**2,
        W_MINUS**2 - V_MINUS**2,
        (W_PLUS + V_PLUS) * (W_MINUS + V_MINUS),
        (W_PLUS - V_PLUS) * (W_MINUS - V_MINUS),
    ),
    independent=sp.Integer(3),
)


@claim(
    id="conserved-one-output",
    where="theory of one output",
    statement="along gradient flow of any loss of the predictor, <quantities> are constant in each input; <independent> of "
    "them are independent, and no more",
    printed=CONSERVED,
    twins={
        "squares added": CONSERVED.but(quantities=(W_PLUS**2 + V_PLUS**2, W_MINUS**2 + V_MINUS**2, *CONSERVED.quantities[2:])),
        "the sum of one pathway by the difference of the other": CONSERVED.but(
            quantities=(*CONSERVED.quantities[:2], S_PLUS * D_MINUS, D_PLUS * S_MINUS)
        ),
        "all four independent": CONSERVED.but(independent=sp.Integer(4)),
        "only two independent": CONSERVED.but(independent=sp.Integer(2)),
    },
    siblings={
        "the first three alone": CONSERVED.but(quantities=CONSERVED.quantities[:3]),
        "two alone": Said(quantities=CONSERVED.quantities[:2], independent=sp.Integer(2)),
    },
    reads=("laws are independent where their gradients are, which they are at almost all weights or nowhere",),
    expected=Verdict.PROVED,
    source=SOURCE,
)
def conserved(proof: Derivation, stated: Said) -> None:
    """Theory of one output: derivatives along the flow vanish whatever G(t) is."""
    proof.argue("a loss of the predictor moves a weight through its own input's gradient G alone", Theorem.CHAIN_RULE)
    for quantity in stated.quantities:
        proof.equal("along the flow it has no rate", rate(quantity), 0)
    gradients = sp.Matrix([[sp.diff(quantity, weight) for weight in WEIGHTS] for quantity in stated.quantities])
    rank = sp.Integer(gradients.subs(GENERIC).rank())
    at = ", ".join(map(notation.text, GENERIC.values()))
    proof.equal(f"as many of their gradients are independent at the weights {at}", rank, stated.independent)
    proof.argue("and so at almost all weights, as a minor of the gradients is not zero everywhere", Theorem.POLYNOMIAL)
    if gradients.rows > stated.independent:
        proof.equal("nowhere are all of them", gradients.det(), 0)


ENERGY = W_PLUS**2 + W_MINUS**2 + V_PLUS**2 + V_MINUS**2
EXACT = Said(
    scale=sp.sqrt((ENERGY / 2) ** 2 - BETA**2),
    start=BETA,
    potential=B * sp.asinh(B / K) - sp.sqrt(B**2 + K**2) + K,
)


@claim(
    id="exact-any-init",
    where="theory of one output (replaces Corollary 1)",
    statement="from any weights, a flow that fits the data, $X\\beta = y$, ends at the predictor with the least sum over "
    "inputs of the Bregman divergence from <start> of <potential>, among all that fit; $k$ is <scale>, of the first weights",
    printed=EXACT,
    twins={
        "as if the start were zero": EXACT.but(scale=ENERGY / 2),
        "the squares added": EXACT.but(scale=sp.sqrt((ENERGY / 2) ** 2 + BETA**2)),
        "twice the energy": EXACT.but(scale=sp.sqrt(ENERGY**2 - BETA**2)),
        "the right scale, but no start": EXACT.but(start=sp.Integer(0)),
        "the first layer alone": EXACT.but(scale=sp.sqrt((W_PLUS**2 + W_MINUS**2) ** 2 - BETA**2)),
        "a negative scale": EXACT.but(scale=-EXACT.scale),
        "the potential of half the scale": EXACT.but(potential=EXACT.potential.subs(K, K / 2)),
        "the potential negative": EXACT.but(potential=-EXACT.potential),
    },
    siblings={
        "the Q penalty, which is twice the potential": EXACT.but(potential=Q.expression()),
        "without its constant": EXACT.but(potential=EXACT.potential - K),
        "with a linear term": EXACT.but(potential=EXACT.potential + B),
        "the scale by both energies of the orbit": EXACT.but(
            scale=2 * sp.sqrt(S_PLUS**2 + D_MINUS**2) * sp.sqrt(D_PLUS**2 + S_MINUS**2)
        ),
    },
    reads=("the scale is positive in every input: no pathway starts dead",),
    granted=("the flow reaches zero training error",),
    expected=Verdict.PROVED,
    source=SOURCE,
)
def any_initialisation(proof: Derivation, stated: Said) -> None:
    """Theory of one output: integrate each pathway, read off the mirror map, conclude by the KKT conditions."""
    endpoint = endpoint_of_the_flow(proof)
    text = "four times the product of what grows and what shrinks is the square of the scale"
    scale_holds = proof.equal(text, stated.scale**2, 4 * GROWING * SHRINKING)
    scale_holds &= proof.equal("which is not negative", stated.scale, sp.sqrt(4 * GROWING * SHRINKING), by=_factored_roots)
    start_holds = proof.equal("their difference is the start", GROWING - SHRINKING, stated.start)
    slope = sp.diff(stated.potential, B).subs(B, START)
    divergence = stated.potential - stated.potential.subs(B, START) - slope * (B - START)
    least = minimised(proof, divergence, B, endpoint, PULL, (START, K))
    if scale_holds and start_holds and least:
        squared, start = (sp.lambdify(WEIGHTS, part) for part in (stated.scale**2, stated.start))
        deviation = package_numerics.scale_deviation(squared, start)
        proof.witness("the package's scale and start on random weights", deviation, ROUND_OFF)
        deviation = experiments.random_starts(squared, start)
        proof.witness("endpoints of the integrated flow from random weights", deviation, experiments.FLOW_BUDGET)
        starts = experiments.PROBLEMS
        proof.note(f"From {starts} random starts the flow ends within {deviation:.1e} (relative) of the minimiser.")


def _factored_roots(expression: Expression) -> Expression:
    """Products of roots as one root, and polynomials under roots in factors."""

    def factored(part: Expression) -> Expression:
        return part.replace(lambda e: e.is_Pow and e.exp == sp.Rational(1, 2), lambda e: sp.sqrt(sp.factor(sp.expand(e.base))))

    return factored(sp.powsimp(factored(expression), force=True))


def pretrained_weights(proof: Derivation) -> None:
    """Pretraining from the constant alpha to beta_aux = a: the weights by roots, signs included."""
    after = pretrain(proof)
    with proof.lemma("the weights after pretraining, by the predictor learned"):
        for weight, root in ((W_PLUS, PLUS), (W_MINUS, MINUS)):
            proof.equal(f"{notation.text(weight)} is, sign included,", after[weight], root.subs(A, LEARNED))
        for first, second in ((W_PLUS, V_PLUS), (W_MINUS, V_MINUS)):
            proof.equal(f"and {notation.text(second)} is the same", after[second], after[first])
        proof.equal("the root in them", R.subs(A, LEARNED), 2 * ALPHA**2 * sp.cosh(ETA))


FINETUNING = Said(scale=sp.sqrt(finetuning_formula().squared), start=finetuning_formula().start)


@claim(
    id="exact-finetuning",
    where="theory of one output (replaces Eq. 3)",
    statement="after pretraining from $\\alpha$ in all weights to the predictor $\\beta^{aux}$, the first layer multiplied by "
    "$c$ and the second reset to $\\gamma$, the flow ends as from any weights, with the scale <scale> and the start <start>",
    printed=FINETUNING,
    twins={
        "c for its square": FINETUNING.but(scale=sp.sqrt((C * A / 2) ** 2 + (C * ALPHA**2 + GAMMA**2) ** 2)),
        "c alpha for its square": FINETUNING.but(scale=sp.sqrt((C**2 * A / 2) ** 2 + (C**2 * ALPHA + GAMMA**2) ** 2)),
        "without alpha": FINETUNING.but(scale=sp.sqrt((C**2 * A / 2) ** 2 + GAMMA**4)),
        "the auxiliary weight not halved": FINETUNING.but(scale=sp.sqrt((C**2 * A) ** 2 + (C**2 * ALPHA**2 + GAMMA**2) ** 2)),
        "a negative scale": FINETUNING.but(scale=-FINETUNING.scale),
        "started from zero": FINETUNING.but(start=sp.Integer(0)),
        "the opposite start": FINETUNING.but(start=-FINETUNING.start),
        "the printed scale": Said(scale=sp.Abs(A) + GAMMA**2, start=sp.Integer(0)),
    },
    siblings={"the start without cancellation": FINETUNING.but(start=C * GAMMA * A / (PLUS + MINUS))},
    granted=("pretraining reaches the predictor that it is said to, and finetuning zero training error",),
    expected=Verdict.PROVED,
    source=SOURCE,
)
def exact_finetuning(proof: Derivation, stated: Said) -> None:
    """Theory of one output: the pretrained weights, rescaled and reset, put into the scale and start of `exact-any-init`."""
    pretrained_weights(proof)
    weights = {W_PLUS: C * PLUS, W_MINUS: C * MINUS, V_PLUS: GAMMA, V_MINUS: GAMMA}
    text = "the square of the scale at these weights, rescaled and reset"
    scale_holds = proof.equal(text, (EXACT.scale**2).subs(weights), stated.scale**2, by=on_orbit)
    scale_holds &= proof.positive("the scale is positive", stated.scale)
    start_holds = proof.equal("their predictor, the start", EXACT.start.subs(weights), stated.start, by=_in_exponentials)
    if scale_holds and start_holds:
        arguments, formulas = (A, ALPHA, GAMMA, C), (stated.scale**2, stated.start)
        by_mpmath = (sp.lambdify(arguments, formula, "mpmath") for formula in formulas)
        deviation = package_numerics.protocol_deviation(*by_mpmath)
        proof.witness("the package's closed form, and its weights step by step", deviation, ROUND_OFF)
        deviation = experiments.finetuned_endpoints(*(sp.lambdify(arguments, formula) for formula in formulas))
        proof.witness("endpoints of networks pretrained and finetuned by the flow", deviation, experiments.FLOW_BUDGET)
        proof.note(f"Networks trained through both phases end within {deviation:.1e} (relative) of the minimiser.")


def _in_exponentials(expression: Expression) -> Expression:
    return on_orbit(expression).rewrite(sp.exp)


ROOT = symbol("R", positive=True)
PRETRAINING = Said(
    scale=2 * ALPHA**2,
    start=sp.Integer(0),
    plus=sp.sqrt((ROOT + B) / 2),
    minus=sp.sqrt((ROOT - B) / 2),
    product=ALPHA**2,
    root=sp.sqrt(B**2 + 4 * ALPHA**4),
)


@claim(
    id="exact-pretraining",
    where="theory of one output (pretraining)",
    statement="pretraining from $\\alpha$ in all weights has the scale <scale> and the start <start>; all along, both layers "
    "are <plus> in the plus and <minus> in the minus pathway, with $R$ for <root>, and the product of the two is <product>",
    printed=PRETRAINING,
    twins={
        "half the scale": PRETRAINING.but(scale=ALPHA**2),
        "alpha not squared": PRETRAINING.but(scale=2 * ALPHA),
        "a negative scale": PRETRAINING.but(scale=-2 * ALPHA**2),
        "half the term under the root": PRETRAINING.but(root=sp.sqrt(B**2 + 2 * ALPHA**4)),
        "a negative minus pathway": PRETRAINING.but(minus=-PRETRAINING.minus, product=-(ALPHA**2)),
        "twice the product": PRETRAINING.but(product=2 * ALPHA**2),
        "pathways exchanged": PRETRAINING.but(plus=PRETRAINING.minus, minus=PRETRAINING.plus),
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def exact_pretraining(proof: Derivation, stated: Said) -> None:
    """Theory of one output: `exact-any-init` from a constant start, and the orbit read at the predictor beta."""
    along = pretrain(proof)
    constant = dict.fromkeys(WEIGHTS, ALPHA)
    holds = proof.equal("the scale of the start", EXACT.scale.subs(constant), stated.scale)
    holds &= proof.equal("the start", EXACT.start.subs(constant), stated.start)
    for pathway, weight in ((stated.plus, W_PLUS), (stated.minus, W_MINUS)):
        said = pathway.subs(ROOT, stated.root).subs(B, LEARNED)
        holds &= proof.equal(f"{notation.text(weight)} all along, sign included", along[weight], said)
    proof.equal("the second layer is the same", along[V_PLUS] - along[V_MINUS], along[W_PLUS] - along[W_MINUS])
    proof.equal("the product of the pathways", along[W_PLUS] * along[W_MINUS], stated.product)
    if holds:
        deviation = experiments.pretraining_deviation()
        proof.witness("the package's pretrained weights against a flow stopped on its way", deviation, experiments.FLOW_BUDGET)


FIRST, SECOND = symbol("a_1", "a_1", "a₁", positive=True), symbol("a_2", "a_2", "a₂", positive=True)
UNEQUAL = Said(
    starts=(FIRST, SECOND),
    scale=FIRST**2 + SECOND**2,
    squares=(W_PLUS**2 + W_MINUS**2, V_PLUS**2 + V_MINUS**2),
    first=sp.sqrt(B**2 + K**2) + FIRST**2 - SECOND**2,
    second=sp.sqrt(B**2 + K**2) - FIRST**2 + SECOND**2,
)


@claim(
    id="exact-unequal-layers",
    where="theory of one output (pretraining from unequal layers)",
    statement="from <starts> in the first and second layer of both pathways, pretraining has the scale $k$, <scale>, and "
    "starts at zero; all along, in each input, <squares> are <first> and <second>",
    printed=UNEQUAL,
    twins={
        "twice the product of the layers for the scale": UNEQUAL.but(scale=2 * FIRST * SECOND),
        "a negative scale": UNEQUAL.but(scale=-UNEQUAL.scale),
        "layers exchanged": UNEQUAL.but(first=UNEQUAL.second, second=UNEQUAL.first),
        "as if the layers were equal": UNEQUAL.but(first=sp.sqrt(B**2 + K**2), second=sp.sqrt(B**2 + K**2)),
        "twice the imbalance": UNEQUAL.but(first=UNEQUAL.first + FIRST**2 - SECOND**2),
        "the second layer started negative": UNEQUAL.but(starts=(FIRST, -2 * SECOND)),
    },
    siblings={"starts exchanged, and layers": UNEQUAL.but(starts=(SECOND, FIRST), first=UNEQUAL.second, second=UNEQUAL.first)},
    expected=Verdict.PROVED,
    source=SOURCE,
)
def unequal_layers(proof: Derivation, stated: Said) -> None:
    """Theory of one output: the orbit of `exact-any-init` from two constants, in s and d."""
    solve_the_flow(proof)
    at_start = dict(zip((W_PLUS, V_PLUS, W_MINUS, V_MINUS), stated.starts * 2, strict=True))
    holds = proof.equal("the scale of the start", EXACT.scale.subs(at_start), stated.scale)
    proof.equal("the predictor there", EXACT.start.subs(at_start), 0)
    along = {weight: value.subs(at_start).subs(P, -ETA / 4) for weight, value in layers().items()}
    reached = stated.scale * sp.sinh(ETA)
    text = "in eta, a multiple of the integral of the residuals, the predictor all along"
    holds &= proof.equal(text, predictor(at_start).subs(P, -ETA / 4), reached)
    texts = "the first layer's squares add up to", "and the second layer's to"
    for text, squares, said in zip(texts, stated.squares, (stated.first, stated.second), strict=True):
        found = squares.subs(along, simultaneous=True)
        holds &= proof.equal(text, found, said.subs(K, stated.scale).subs(B, reached), by=_factored_roots)
    if holds:
        energies = (sp.lambdify((B, FIRST, SECOND), part.subs(K, stated.scale)) for part in (stated.first, stated.second))
        starts = sp.lambdify((FIRST, SECOND), stated.starts)
        deviation = package_numerics.unequal_deviation(starts, *energies)
        proof.witness("the package's pretrained weights", deviation, ROUND_OFF)


RESCALING = Said(units=C**2, reset=GAMMA / C)


@claim(
    id="exact-rescaling",
    where="theory of one output (rescaling)",
    statement="with any first layer multiplied by $c$ and the second reset to $\\gamma$, scale and start of finetuning are "
    "<units> times those without rescaling and with reset to <reset>; finetuning on targets $y$ then ends at <units> times "
    "where it would end on $y$ over <units> without rescaling and with that reset",
    printed=RESCALING,
    twins={
        "c for its square": RESCALING.but(units=C),
        "its fourth power": RESCALING.but(units=C**4),
        "its negative": RESCALING.but(units=-(C**2)),
        "reset by the square of c": RESCALING.but(reset=GAMMA / C**2),
        "the same reset": RESCALING.but(reset=GAMMA),
        "the inverse of both": Said(units=1 / C**2, reset=GAMMA * C),
    },
    granted=("finetuning reaches zero training error, with and without rescaling",),
    expected=Verdict.PROVED,
    source=SOURCE,
)
def exact_rescaling(proof: Derivation, stated: Said) -> None:
    """Theory of one output: the scaling law of `exact-finetuning`, and of the norm it enters."""
    full = {W_PLUS: C * W_PLUS, W_MINUS: C * W_MINUS, V_PLUS: GAMMA, V_MINUS: GAMMA}
    unscaled = {V_PLUS: stated.reset, V_MINUS: stated.reset}
    holds = proof.positive("the units are positive", stated.units)
    text = "from any first layer, the square of the scale"
    squares = (EXACT.scale**2).subs(full, simultaneous=True), (EXACT.scale**2).subs(unscaled)
    holds &= proof.equal(text, squares[0], stated.units**2 * squares[1])
    starts = EXACT.start.subs(full, simultaneous=True), EXACT.start.subs(unscaled)
    holds &= proof.equal("the start", starts[0], stated.units * starts[1])
    potential = Q.expression()
    divergence = potential - potential.subs(B, START) - sp.diff(potential, B).subs(B, START) * (B - START)
    scaled = divergence.subs({B: T * B, START: T * START, K: T * K}, simultaneous=True)
    proof.equal("the divergence is as large in units of any t, scale and start included", scaled, T * divergence)
    text = "and the predictors that fit the targets are, in these units, those that fit the targets in them: so is the least"
    proof.argue(text, Theorem.LINEARITY)
    if holds:
        units, reset = (sp.lambdify((C, GAMMA), part) for part in (stated.units, stated.reset))
        deviation = experiments.rescaled_endpoints(units, reset)
        proof.witness("networks trained both ways", deviation, experiments.FLOW_BUDGET)


if __name__ == "__main__":
    sys.exit(run_alone())
