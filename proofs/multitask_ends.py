"""Section 3.2 and the theory of several outputs: where multi-task training ends, by gradient flow and with weight decay."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp

from normtheory.audit.alone import run_alone
from normtheory.audit.claims import Verdict, claim
from normtheory.audit.derivation import Derivation
from normtheory.audit.notation import symbol
from normtheory.audit.statements import Said
from normtheory.audit.steps import Theorem
from normtheory.proofs import multitask_runs as runs
from normtheory.proofs import setting
from normtheory.proofs.appendix_b import LENGTH, least_norm
from normtheory.proofs.group_norms import GroupNorm
from normtheory.proofs.letters import ALPHA, AUX, B
from normtheory.proofs.optimality import row_space_is_enough
from normtheory.proofs.orbit import W_MINUS, W_PLUS, rate
from normtheory.proofs.setting import number, percent
from normtheory.proofs.several_outputs import SLOPES, V_MINUS, V_PLUS, conserved, coordinate, gradient_flow, laws

Expression = Any
Symbol = Any

SOURCE = "theory of several outputs"

# The main output is the first, the auxiliary one the second, held at a > 0 (its sign is that of its readouts).
TAU = symbol("tau", r"\tau", "τ", real=True)  # beta = a sinh tau
SHARE = symbol("omega", r"\omega", "ω", real=True)  # how the first layers are divided between the pathways
U = sp.sqrt(AUX**2 + B**2)
L12 = U
HALF_Q = B * sp.asinh(B / AUX) - U + AUX
PINNED = B * sp.asinh(B / AUX) / 2
PULL = (TAU + sp.tanh(TAU)) / 2


def held_orbit(proof: Derivation) -> None:
    """Both pathways as alpha -> 0 while the auxiliary predictor is held: beta moves at minus G_1 times its mobility."""
    gradient_flow(proof, 2)
    conserved(proof, 2)
    with proof.lemma("both pathways of a coordinate while its auxiliary predictor is held, from weights that tend to zero"):
        plus, minus, between = laws(2)
        start = dict.fromkeys(coordinate(2).weights, ALPHA)
        for law in laws(2):
            proof.equal("from constant weights a constant of the flow vanishes with them", law.subs(start).subs(ALPHA, 0), 0)
        crossed = sum((W_PLUS * u + W_MINUS * v) ** 2 for v, u in zip(V_PLUS[:2], V_MINUS[:2], strict=True))
        proof.equal(
            "where all three vanish the pathways are in proportion, as a sum of squares is made of them",
            crossed,
            -(W_PLUS**2) * minus - W_MINUS**2 * plus + 2 * W_PLUS * W_MINUS * between,
        )
        at = _on_the_orbit()
        for law in laws(2):
            proof.equal("so the weights are these, however the pathways share: the constants are zero", law.subs(at), 0)
        for beta, letter in zip(coordinate(2).predictors, (B, AUX), strict=True):
            proof.equal("and the predictors as they should be", beta.subs(at), letter)
        rates = [rate(beta, coordinate(2).velocities).subs(at) for beta in coordinate(2).predictors]
        held = {SLOPES[1]: -SLOPES[0] * AUX * B / (2 * AUX**2 + B**2)}
        proof.equal("this slope of the auxiliary output holds its predictor", rates[1].subs(held), 0)
        mobility = 2 * U**3 / (2 * AUX**2 + B**2)
        proof.equal("and the main one moves at", rates[0].subs(held), -SLOPES[0] * mobility)
        proof.equal(
            "the integral of minus the slope, in tau, whose hyperbolic sine is the ratio of the predictors, starts from",
            PULL.subs(TAU, 0),
            0,
        )
        along = AUX * sp.cosh(TAU) / mobility.subs(B, AUX * sp.sinh(TAU))
        proof.equal("in tau it grows by", sp.diff(PULL, TAU), along)
        proof.argue("from small weights the orbit is as close to this as they are small", Theorem.PARAMETERS)


def _on_the_orbit() -> dict[Symbol, Expression]:
    cos, sin = sp.cos(SHARE), sp.sin(SHARE)
    at = {W_PLUS: sp.sqrt(U) * cos, W_MINUS: sp.sqrt(U) * sin}
    for v, u, letter in zip(V_PLUS, V_MINUS, (B, AUX), strict=False):
        at |= {v: letter / sp.sqrt(U) * cos, u: -letter / sp.sqrt(U) * sin}
    return at


def minimised_along(proof: Derivation, objective: Expression) -> bool:
    """Whether a separable objective is minimised, among the interpolators of every X, where its slopes must be as PULL.

    As `optimality.minimised`, for an endpoint a sinh(tau) whose pull is known in tau only.
    """
    slope = sp.diff(objective, B).subs(B, AUX * sp.sinh(TAU))
    first, second = ({s: symbol(f"{s.name}_{d}", **s.assumptions0) for s in (AUX, TAU)} for d in (1, 2))
    inside = proof.equal(
        "two inputs of one sample: the objective's slopes at the endpoint are in the proportion of the pulls, so that its "
        "gradient lies in the row space",
        slope.subs(first) * PULL.subs(second),
        slope.subs(second) * PULL.subs(first),
    )
    if not inside:
        return False
    factor = sp.simplify(sp.diff(slope, TAU).subs(TAU, 0) / sp.diff(PULL, TAU).subs(TAU, 0))
    proof.equal("the proportion is", slope, factor * PULL)
    proof.positive("a positive number", factor)
    curvature = factor * (2 * AUX**2 + B**2) / (2 * U**3)
    proof.equal("the objective's second derivative", sp.diff(objective, B, 2), curvature)
    convex = proof.positive("is positive", curvature)
    row_space_is_enough(proof)
    return convex


_AVERAGES = {
    "the norm of both predictors": Said(potential=L12),
    "the Q penalty": Said(potential=HALF_Q),
    "the scale doubled": Said(potential=B * sp.asinh(B / (2 * AUX)) / 2),
    "other weights in the average of the two": Said(potential=L12 / 3 + 2 * HALF_Q / 3),
    "the square over the auxiliary predictor": Said(potential=B**2 / (2 * AUX)),
    "less of it": Said(potential=-PINNED),
}


@claim(
    id="mtl-pinned",
    where="theory of several outputs (in place of Corollary 2)",
    statement="trained on both tasks from constant weights that tend to zero, on auxiliary data of full rank whose loss "
    "dominates, so that the auxiliary predictor, nowhere zero, stays once it is fitted, a network with both pathways ends at "
    "the interpolator of the main task with the least sum of <potential> over the inputs",
    granted=(
        "the main task reaches zero training error",
        "a loss that dominates holds its predictor: how closely is measured below, and not proved",
    ),
    printed=Said(potential=PINNED),
    twins=_AVERAGES,
    siblings={
        "three times it": Said(potential=3 * PINNED),
        "with a constant": Said(potential=PINNED + AUX),
        "as the average of the norm of both predictors and the Q penalty": Said(potential=(L12 + HALF_Q) / 2),
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def pinned(proof: Derivation, stated: Said) -> None:
    """Theory of several outputs: eliminate the multiplier that holds the auxiliary predictor, read off the mirror map."""
    held_orbit(proof)
    if not minimised_along(proof, stated.potential):
        return
    distances, orbits = runs.pinned_distances(), runs.orbit_distances()
    proof.witness("the full flow at the largest auxiliary weight, relative distance", distances[-1], runs.PINNED_BUDGET)
    proof.witness("orbits of both pathways from the smallest alpha, relative distance", orbits[-1], runs.PINNED_BUDGET)
    fits = [
        runs.power_law(np.array(sizes), np.array([values]))
        for sizes, values in ((runs.AUXILIARY_WEIGHTS, distances), (runs.ORBIT_ALPHAS, orbits))
    ]
    proof.note(
        f"From alpha {runs.PINNED_ALPHA:g} the full flow ends at relative distance "
        f"{', '.join(f'{d:.1e}' for d in distances)} for auxiliary weights of "
        f"{', '.join(f'{w:g}' for w in runs.AUXILIARY_WEIGHTS)}: a power {fits[0].exponent:.2f} ± {fits[0].error:.2f} of them. "
        f"With the auxiliary predictor held exactly, from alpha {', '.join(f'{a:g}' for a in runs.ORBIT_ALPHAS)}, both "
        f"pathways end {', '.join(f'{d:.1e}' for d in orbits)} from it: a power {fits[1].exponent:.2f} of alpha. The "
        f"predictor of least parameter norm lies {runs.pinned_l12_distance():.2g} away."
    )


def size_of_heuristic(printed: Said, _: Said) -> str:
    """Section 3.2: flow of the paper's own tasks against the l1,2 minimiser and that of the held flow."""
    rows = []
    for samples, overlap in SETTINGS:
        found = runs.paper_flow(samples, overlap)
        rows.append(
            f"{overlap} of {setting.FEATURES} features shared, {samples} samples: {found.l12_distance:.2g} and "
            f"{found.pinned_distance:.2g} (parameter norm {percent(found.excess)} above the least; generalisation loss "
            f"{found.loss:.2g}, with the least parameter norm {found.l12_loss:.2g})"
        )
    return (
        f"{setting.INPUTS} inputs, {setting.SAMPLES_AUX} auxiliary samples, alpha {number(setting.ALPHA)}, trained to a pooled "
        f"loss of {setting.LOSS:g}, one realisation: relative distance of the main predictor from that of least parameter norm "
        f"and from that for a held auxiliary predictor, {'; '.join(rows)}. Less than {number(printed.near)} would be as stated."
    )


SETTINGS = ((16, 40), (64, 40), (64, 20))  # main samples and shared features: where the size of the difference is told
_NEAR = Said(potential=PINNED, near=sp.Rational(1, 10), samples=(16, 64))


@claim(
    id="mtl-flow",
    where="section 3.2, before Corollary 2",
    statement="training on both tasks from small weights approximates the least parameter norm: it ends at the interpolators "
    "with the least sum of <potential> over the inputs, exactly as the weights tend to zero where the auxiliary loss "
    "dominates, and with a main predictor within <near> of it (relative distance) in the paper's own setting, all features "
    "shared, for <samples> main samples",
    reads=(
        "a reasonable heuristic: exact for small weights however the two losses are weighted, so also where one of them "
        "dominates, and near in the setting that the paper trains in",
    ),
    granted=("the tasks reach zero training error, and a loss that dominates holds its predictor",),
    printed=_NEAR.but(potential=L12),
    corrected=_NEAR,
    corrected_statement="training on both tasks from small weights ends at the interpolators with the least sum of <potential> "
    "over the inputs, exactly as the weights tend to zero where the auxiliary loss dominates, and, in the form that this takes "
    "from the paper's own $\\alpha$, with a main predictor within <near> of it (relative distance) in the paper's own setting, "
    "all features shared, for <samples> main samples",
    size=size_of_heuristic,
    twins={
        "the norm of both predictors": _NEAR.but(potential=L12),
        "the Q penalty": _NEAR.but(potential=HALF_Q),
        "the square over the auxiliary predictor": _NEAR.but(potential=B**2 / AUX),
        "other weights in the average of the two": _NEAR.but(potential=(2 * L12 + HALF_Q) / 3),
        "nearer than it is": _NEAR.but(near=sp.Rational(1, 100)),
    },
    siblings={
        "three times it": _NEAR.but(potential=3 * PINNED),
        "farther": _NEAR.but(near=sp.Rational(1, 5)),
        "for one number of samples": _NEAR.but(samples=(64,)),
    },
    expected=Verdict.CORRECTED,
    source="Lindsey & Lippl 2024, section 3.2",
)
def approximates_parameter_norm(proof: Derivation, stated: Said) -> None:
    """Section 3.2: is the stated objective's slope, where the held flow ends, in the row space? Then flows of both tasks."""
    held_orbit(proof)
    minimised_along(proof, stated.potential)
    for objective, measured in ((L12, "l12_distance"), (PINNED, "pinned_distance")):
        if not sp.simplify(sp.diff(stated.potential, B) / sp.diff(objective, B)).free_symbols:
            far = max(getattr(runs.paper_flow(samples, setting.FEATURES), measured) for samples in stated.samples)
            proof.at_most("in the paper's setting the main predictor's largest relative distance is", far, float(stated.near))
    if stated.potential == L12:
        table = {alpha: runs.excess(alpha) for alpha in runs.ALPHAS}
        proof.note(
            f"Pooled loss, {runs.PROBLEMS} random problems of {runs.INPUTS} inputs: the flow's norm exceeds the least by "
            + "; ".join(f"{min(v):.1%} to {max(v):.1%} from alpha {a:g}" for a, v in table.items())
            + "."
        )


@dataclass(frozen=True)
class Cause:
    """What tends to zero, in words."""

    words: str

    def in_text(self) -> str:
        """As in a sentence."""
        return self.words

    in_latex = in_text


DECAY, START = Cause("weight decay"), Cause("the initialisation scale")
_APPROACH = Said(cause=DECAY, norm=GroupNorm(), rate=sp.Integer(1), draws=runs.PROBLEMS)


@claim(
    id="mtl-decay",
    where="section 3.2, Corollary 2",
    statement="as <cause> tends to zero, the end of gradient flow on both tasks tends to their interpolators of least <norm>, "
    "at a distance in proportion to its power <rate>, on the first <draws> random problems",
    granted=("gradient flow from constant weights comes to rest also for the decays at which it is not followed",),
    printed=_APPROACH,
    twins={
        "small initialisation for weight decay": _APPROACH.but(cause=START),
        "each task's own norm, of sizes": _APPROACH.but(norm=GroupNorm(inner=sp.Integer(1))),
        "each task's own norm, of squares": _APPROACH.but(norm=GroupNorm(outer=sp.Integer(2))),
        "an inner exponent that is less": _APPROACH.but(norm=GroupNorm(inner=sp.Rational(19, 10))),
        "an inner exponent that is more": _APPROACH.but(norm=GroupNorm(inner=sp.Rational(21, 10))),
        "an outer exponent that is more": _APPROACH.but(norm=GroupNorm(outer=sp.Rational(11, 10))),
        "a rate that is less": _APPROACH.but(rate=sp.Rational(9, 10)),
        "a rate that is more": _APPROACH.but(rate=sp.Rational(11, 10)),
    },
    siblings={"twice the norm": _APPROACH.but(norm=GroupNorm(factor=sp.Integer(2))), "fewer draws": _APPROACH.but(draws=2)},
    expected=Verdict.CONFIRMED,
    source="Lindsey & Lippl 2024, section 3.2 (Corollary 2)",
)
def weight_decay(proof: Derivation, stated: Said) -> None:
    """Section 3.2: the decayed flow ends at the minimiser of loss and decay, and that tends to the least norm."""
    if stated.cause not in (DECAY, START):
        raise ValueError(f"nobody knows how {stated.cause.words} tends to zero")
    if stated.cause == START:
        sizes = np.array(runs.ALPHAS)
        ends = np.array([[runs.flow_endpoint(seed, alpha) for alpha in runs.ALPHAS] for seed in range(stated.draws)])
    else:
        least_norm(proof, 2 * LENGTH)
        problems = [(seed, decay) for seed in range(stated.draws) for decay in runs.FLOW_DECAYS]
        gap = max(runs.decay_gap(seed, decay) for seed, decay in problems)
        decays = " and ".join(f"{decay:g}" for decay in runs.FLOW_DECAYS)
        text = f"with weight decay {decays} the flow ends at the minimiser of loss and decay together, relative duality gap"
        proof.within(text, gap, runs.GAP_BUDGET)
        sizes = np.array(runs.DECAYS)
        found = [[runs.decayed_minimiser(seed, decay) for decay in runs.DECAYS] for seed in range(stated.draws)]
        pull = max(each.pull for row in found for each in row)
        proof.at_most("the largest pull on an input that this minimiser leaves out, which must not exceed one", pull, 1.0)
        ends = np.array([[each.beta for each in row] for row in found])
    aims = [runs.minimiser(seed, stated.norm) for seed in range(stated.draws)]
    away = np.array([[runs.relative(end, aim) for end in row] for row, aim in zip(ends, aims, strict=True)])
    fit = runs.power_law(sizes, away)
    text = "how far the stated power is from the fitted one, with two standard errors"
    proof.within(text, fit.misses(float(stated.rate)), runs.FIT_BUDGET)
    proof.note(
        f"Over the problems, of {runs.INPUTS} inputs, the relative distance is up to "
        f"{', '.join(f'{d:.1e}' for d in away.max(axis=0))} at {', '.join(f'{size:g}' for size in sizes)}: a power "
        f"{fit.exponent:.4f} ± {fit.error:.1e}."
    )


if __name__ == "__main__":
    sys.exit(run_alone())
