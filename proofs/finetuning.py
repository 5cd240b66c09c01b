"""Section 3.1: the Q penalty, Corollary 1 and the limits that the paper reads off it."""

from __future__ import annotations

import sys
from typing import Any

import sympy as sp

from normtheory.audit.alone import run_alone
from normtheory.audit.claims import Verdict, claim
from normtheory.audit.derivation import Derivation
from normtheory.audit.notation import symbol
from normtheory.audit.statements import Said
from normtheory.penalties import Q
from normtheory.proofs import experiments, package_numerics, setting
from normtheory.proofs.appendix_a_endpoint import printed_penalty
from normtheory.proofs.exact_formulas import MINUS, PLUS, finetuning_formula, on_orbit
from normtheory.proofs.finetuned import DIVERGENCE, NORM, PRINTED
from normtheory.proofs.letters import ALPHA, AUX, GAMMA, START, A, B, C, K
from normtheory.proofs.one_output import pretrained_weights
from normtheory.proofs.optimality import PULL, minimised
from normtheory.proofs.orbit import (
    GROWING,
    SHRINKING,
    V_MINUS,
    V_PLUS,
    W_MINUS,
    W_PLUS,
    endpoint_of_the_flow,
)
from normtheory.proofs.package_numerics import ROUND_OFF
from normtheory.proofs.setting import number

Expression = Any

SOURCE = "Lindsey & Lippl 2024, section 3.1"
PENALTY = Q.expression()
ONE = sp.Integer(1)
ZERO_ERROR = "finetuning reaches zero training error"


def _linear(term: Expression) -> Said:
    """The norm less a linear term."""
    return Said(objective=NORM - B * term, linear=term)


def size_of_linear_term(printed: Said, corrected: Said) -> str:
    """Eq. 2: a trained network against both programs, at the exact scales."""
    run = experiments.paper_run()
    ends = [experiments.paper_minimiser(sp.lambdify((START, K), stated.linear)) for stated in (printed, corrected)]
    losses = [run.generalisation(end) for end in ends]
    apart = [experiments.relative_distance(end, run.beta) for end in ends]
    return (
        f"{_settings(run)}: the trained network has generalisation loss {run.generalisation(run.beta):.4g}; a norm alone, even "
        f"with the exact scales, predicts {losses[0]:.4g}, at relative distance {apart[0]:.1e} from the network, "
        f"and with the linear term {losses[1]:.4g}, at {apart[1]:.1e}."
    )


def _settings(run: experiments.FinetunedNetwork) -> str:
    samples, inputs = run.task.X.shape
    return f"At D = {inputs}, n = {samples}, alpha = {run.alpha:g}, gamma = {run.gamma:g}, all features shared"


@claim(
    id="eq2",
    where="Eq. 2 (section 3.1)",
    statement="finetuning ends at the interpolator, $X\\beta = y$, with the least sum over inputs of <objective>, at some "
    "scale $k$ for each input",
    printed=_linear(sp.Integer(0)),
    corrected=_linear(2 * sp.asinh(START / K)),
    corrected_statement="finetuning ends at the interpolator, $X\\beta = y$, with the least sum over inputs of <objective>, at "
    "some scale $k$ for each input, where $\\beta(0)$ is not zero wherever $\\beta^{aux}$ is not",
    size=size_of_linear_term,
    twins={
        "half the linear term": _linear(sp.asinh(START / K)),
        "the opposite sign": _linear(-2 * sp.asinh(START / K)),
        "the linear term of small starts": _linear(2 * START / K),
    },
    siblings={
        "three times the objective": Said(objective=3 * (NORM - 2 * B * sp.asinh(START / K)), linear=2 * sp.asinh(START / K)),
        "the divergence from the start": Said(objective=DIVERGENCE, linear=2 * sp.asinh(START / K)),
    },
    granted=(ZERO_ERROR,),
    expected=Verdict.CORRECTED,
    source=SOURCE,
)
def program(proof: Derivation, stated: Said) -> None:
    """Eq. 2: whatever the scales, a norm alone is not minimised: finetuning does not start from 0."""
    product = GAMMA * (PLUS - MINUS) * (PLUS + MINUS)
    proof.equal(
        "the start, times the sum of the first layer's weights, is gamma times the auxiliary predictor: it is not zero on "
        "learned features",
        product,
        GAMMA * A,
    )
    minimised(proof, stated.objective, B, endpoint_of_the_flow(proof), PULL, (START, K))


Z = symbol("z", real=True)


def _q(q: Expression, argument: Expression = 2 * B / K, scale: Expression = PRINTED.scale) -> Said:
    return Said(q=q, argument=argument, scale=scale, first=sp.sqrt(AUX), second=GAMMA)


Q_OF_Z = 2 - sp.sqrt(4 + Z**2) + Z * sp.asinh(Z / 2)


@claim(
    id="eq3",
    where="Eq. 3 (section 3.1)",
    statement="the norm of Eq. 21, from first layers <first> and second layers <second>, is the sum over inputs of $k$ times "
    "$q(z)$, where $k$ is <scale>, $z$ is <argument> and $q(z)$ is <q>",
    printed=_q(Q_OF_Z),
    twins={
        "arcsinh of the whole argument": _q(2 - sp.sqrt(4 + Z**2) + Z * sp.asinh(Z)),
        "without the constant": _q(Q_OF_Z - 2),
        "the root added": _q(2 + sp.sqrt(4 + Z**2) + Z * sp.asinh(Z / 2)),
        "one for four under the root": _q(1 - sp.sqrt(1 + Z**2) + Z * sp.asinh(Z / 2)),
        "half the argument": _q(Q_OF_Z, argument=B / K),
        "half the scale": _q(Q_OF_Z, scale=PRINTED.scale / 2),
        "the second layer not squared": _q(Q_OF_Z, scale=AUX + GAMMA),
        "the first layer not a root": _q(Q_OF_Z).but(first=AUX),
    },
    siblings={"in the closed form of the theory": _q((NORM / K).subs(B, K * Z / 2))},
    granted=(
        "finetuning starts where both pathways are equal, as the paper assumes; where it starts instead, and what it "
        "minimises, is the claim of Corollary 1",
    ),
    expected=Verdict.PROVED,
    source=SOURCE + "; Woodworth et al. 2020",
)
def q_penalty(proof: Derivation, stated: Said) -> None:
    """Eq. 3: the potential whose gradient is 2 arcsinh(b/k), zero at zero; Eq. 21 at the stated start."""
    contribution = K * stated.q.subs(Z, stated.argument)
    proof.equal("it vanishes at zero", contribution.subs(B, 0), 0)
    proof.equal("its derivative", sp.diff(contribution, B), 2 * sp.asinh(B / K))
    proof.equal("so that it is the divergence of the theory from zero", contribution, NORM)
    proof.equal("and the package's one expression", PENALTY, contribution)
    from_a = printed_penalty(B, stated.first, stated.second)
    if proof.equal("Eq. 21 at the stated layers", from_a, contribution.subs(K, stated.scale)):
        deviation = package_numerics.q_numerics_deviation(sp.lambdify((B, K), contribution, "mpmath"))
        proof.witness("the package's float64 penalty, derivatives, conjugate and divergences", deviation, ROUND_OFF)
        deviation = package_numerics.printed_deviation(sp.lambdify((AUX, GAMMA), stated.scale))
        proof.witness("the package's copy of the printed scale", deviation, ROUND_OFF)


_EXACT = finetuning_formula(ONE)


def _norm(scale: Expression, start: Expression, objective: Expression = DIVERGENCE) -> Said:
    """A separable norm from a start."""
    return Said(objective=objective, scale=scale, start=start)


PRINTED_NORM = _norm(sp.Abs(A) + GAMMA**2, sp.Integer(0), NORM)
EXACT_NORM = _norm(sp.sqrt(_EXACT.squared), _EXACT.start)


def size_of_corollary(printed: Said, corrected: Said) -> str:
    """Corollary 1: a trained network against both norms; then the norms in every realisation, and after less pretraining."""
    run = experiments.paper_run()
    ends = [run.predicted(*_formulas(stated)) for stated in (printed, corrected)]
    losses = [number(run.generalisation(beta)) for beta in (run.beta, *ends)]
    apart = [experiments.relative_distance(end, run.beta) for end in ends]

    def factor(seed: int, beta_aux: Any = None) -> float:
        said, holds = (
            experiments.paper_loss(*_formulas(stated), seed=seed, beta_aux=beta_aux) for stated in (printed, corrected)
        )
        return holds / said

    factors = [factor(seed) for seed in range(setting.REALISATIONS)]
    stopped = factor(0, experiments.stopped_pretraining())
    return (
        f"{_settings(run)}: the trained network has generalisation loss {losses[0]}; the printed norm predicts {losses[1]}, at "
        f"relative distance {apart[0]:.1e}, the corrected one {losses[2]}, at {apart[1]:.1e}. Over {len(factors)} realisations "
        f"the corrected loss is {number(min(factors))} to {number(max(factors))} times the printed one; in the first, with "
        f"pretraining stopped at a loss of {setting.PRETRAINING_LOSS:g} as in the published runs, {number(stopped)} times."
    )


def _formulas(stated: Said) -> tuple[package_numerics.Formula, package_numerics.Formula]:
    squared, start = (sp.lambdify((A, ALPHA, GAMMA, C), expression) for expression in (stated.scale**2, stated.start))
    return squared, start


@claim(
    id="cor1",
    where="Corollary 1, Eqs. 2 and 3 (section 3.1)",
    statement="finetuning ends at the interpolator, $X\\beta = y$, with the least sum over inputs of <objective>, where $k$ is "
    "<scale>",
    printed=PRINTED_NORM,
    corrected=EXACT_NORM,
    corrected_statement="finetuning ends at the interpolator, $X\\beta = y$, with the least sum over inputs of <objective>, "
    "where $k$ is <scale> and $\\beta(0)$ is <start>",
    size=size_of_corollary,
    twins={
        "the exact scale, started from zero": EXACT_NORM.but(start=sp.Integer(0)),
        "the printed scale with the exact start": EXACT_NORM.but(scale=PRINTED_NORM.scale),
        "half the printed scale": _norm(PRINTED_NORM.scale / 2, sp.Integer(0)),
        "the exact scale without alpha": EXACT_NORM.but(scale=sp.sqrt(A**2 / 4 + GAMMA**4)),
        "the start doubled": EXACT_NORM.but(start=2 * EXACT_NORM.start),
    },
    siblings={
        "three times the objective": EXACT_NORM.but(objective=3 * DIVERGENCE),
        "the norm less its linear term": EXACT_NORM.but(objective=NORM - 2 * B * sp.asinh(START / K)),
    },
    granted=("both phases reach zero training error",),
    reads=("pretraining starts from one constant in all weights; the second layer is then reset to one constant",),
    expected=Verdict.CORRECTED,
    source=SOURCE + ", Appendix A",
)
def corollary(proof: Derivation, stated: Said) -> None:
    """Corollary 1: is the gradient of the stated norm, where finetuning ends, in the row space of X? Then trained networks."""
    pretrained_weights(proof)
    letters = endpoint_of_the_flow(proof)
    weights = {W_PLUS: PLUS, W_MINUS: MINUS, V_PLUS: GAMMA, V_MINUS: GAMMA}
    proof.equal("after the reset its k, squared, is", (4 * GROWING * SHRINKING).subs(weights), _EXACT.squared, by=on_orbit)
    start = (GROWING - SHRINKING).subs(weights)
    proof.equal("and its start", sp.expand(start), _EXACT.start)
    at = {K: stated.scale, START: stated.start}
    endpoint = letters.subs({K: EXACT_NORM.scale, START: EXACT_NORM.start}, simultaneous=True)
    minimised(proof, stated.objective, B, endpoint, PULL, (A,), at)
    _trained_networks(proof, stated)


def _trained_networks(proof: Derivation, stated: Said) -> None:
    small = experiments.small_run(0.05, 0.1, 1.0)
    for run in (small, experiments.paper_run()):
        distance = experiments.relative_distance(run.predicted(*_formulas(stated)), run.beta)
        samples, inputs = run.task.X.shape
        text = f"a network trained on {samples} samples of {inputs} inputs ends at the minimiser of the stated norm"
        proof.witness(text, distance, experiments.FLOW_BUDGET)
    prediction = small.predicted(*_formulas(stated))
    proof.note(
        f"{_settings(small)}: this norm predicts generalisation loss {small.generalisation(prediction):.3g}, at relative "
        f"distance {experiments.relative_distance(prediction, small.beta):.1e} from the trained network, "
        f"whose loss is {small.generalisation(small.beta):.3g}."
    )


if __name__ == "__main__":
    sys.exit(run_alone())
