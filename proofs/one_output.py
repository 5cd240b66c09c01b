"""The exact theory of one output: conserved quantities, the norm from any initialisation, and finetuning in closed form."""

from __future__ import annotations

from typing import Any, NamedTuple

import sympy as sp

from normtheory.derivation import Derivation
from normtheory.ledger import Verdict, claim
from normtheory.penalties import Q
from proofs import experiments
from proofs.appendix_a import row_space_is_enough
from proofs.orbit import (
    BETA,
    D_MINUS,
    D_PLUS,
    S_MINUS,
    S_PLUS,
    V_MINUS,
    V_PLUS,
    W_MINUS,
    W_PLUS,
    WEIGHTS,
    G,
    gradient_flow_of_least_squares,
    rate,
    rates_of_sums_and_differences,
)

Expression = Any

SOURCE = "theory of one output; after Woodworth et al. 2020 and Azulay et al. 2021"
ROUND_OFF = 1e-12  # relative error allowed to the package's float64 closed forms


class ScaleAndStart(NamedTuple):
    """Squared penalty scale and starting predictor of one coordinate, as expressions."""

    squared: Expression
    start: Expression


CONSERVED = (W_PLUS**2 - V_PLUS**2, W_MINUS**2 - V_MINUS**2, S_PLUS * S_MINUS, D_PLUS * D_MINUS)


@claim(
    id="conserved-one-output",
    where="theory of one output",
    statement=r"w_+^2-v_+^2,\ w_-^2-v_-^2,\ s_+s_-,\ d_+d_-\ \text{are constant along the flow; three of them are independent}",
    assumptions=("any loss of the predictor, through dL/dbeta = G(t)",),
    printed=(CONSERVED, 3),
    twins={
        "w^2 + v^2": ((W_PLUS**2 + V_PLUS**2, W_MINUS**2 + V_MINUS**2, *CONSERVED[2:]), 3),
        "s_+ d_- for s_+ s_-": ((*CONSERVED[:2], S_PLUS * D_MINUS, D_PLUS * S_MINUS), 3),
        "all four independent": (CONSERVED, 4),
        "only two independent": (CONSERVED, 2),
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def conserved(proof: Derivation, stated: tuple[tuple[Expression, ...], int]) -> None:
    """Theory of one output: derivatives along the flow vanish whatever G(t) is."""
    quantities, independent = stated
    for quantity in quantities:
        proof.equal(f"along the flow {quantity} has the rate", rate(quantity), 0)
    jacobian = sp.Matrix([[sp.diff(quantity, weight) for weight in WEIGHTS] for quantity in quantities])
    proof.equal("the four gradients are dependent everywhere", jacobian.det(), 0)
    point = dict(zip(WEIGHTS, (2, 3, 5, 7), strict=True))
    rank = sp.Integer(jacobian.subs(point).rank())
    proof.equal("their rank at w_+, w_-, v_+, v_- = 2, 3, 5, 7", rank, sp.Integer(independent))


ENERGY = W_PLUS**2 + W_MINUS**2 + V_PLUS**2 + V_MINUS**2
EXACT = ScaleAndStart((ENERGY / 2) ** 2 - BETA**2, BETA)


@claim(
    id="exact-any-init",
    where="theory of one output (replaces Corollary 1)",
    statement=r"\beta(\infty) = \arg\min_{X\beta=y}\sum_d D_{\phi_{k_d}}(\beta_d, \beta_d(0)),\quad "
    r"k_d = \sqrt{(S_d/2)^2 - \beta_d(0)^2},\ S_d = w_+^2+w_-^2+v_+^2+v_-^2\ \text{at time } 0",
    assumptions=("k_d > 0 in every coordinate: no dead pathway", "the flow reaches zero training error"),
    printed=EXACT,
    twins={
        "k = S/2, as if the start were 0": ScaleAndStart((ENERGY / 2) ** 2, BETA),
        "k^2 = (S/2)^2 + beta(0)^2": ScaleAndStart((ENERGY / 2) ** 2 + BETA**2, BETA),
        "k^2 = S^2 - beta(0)^2": ScaleAndStart(ENERGY**2 - BETA**2, BETA),
        "the right k, but no start": ScaleAndStart(EXACT.squared, sp.Integer(0)),
        "first layer alone": ScaleAndStart((W_PLUS**2 + W_MINUS**2) ** 2 - BETA**2, BETA),
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def any_initialisation(proof: Derivation, stated: ScaleAndStart) -> None:
    """Theory of one output: integrate each pathway, read off the mirror map, conclude by the KKT conditions."""
    eta = sp.Symbol("eta", real=True)
    gradient_flow_of_least_squares(proof)
    rates_of_sums_and_differences(proof)
    proof.equal("beta in s and d", BETA, S_PLUS**2 - S_MINUS**2 - D_PLUS**2 + D_MINUS**2)
    grown, shrunk = sp.exp(eta / 2), sp.exp(-eta / 2)
    proof.equal("s_+ and d_- grow by exp(eta/2) with eta' = -2G", sp.diff(grown, eta) * (-2 * G), -G * grown)
    proof.equal("d_+ and s_- shrink by as much", sp.diff(shrunk, eta) * (-2 * G), G * shrunk)
    grows, shrinks = S_PLUS**2 + D_MINUS**2, D_PLUS**2 + S_MINUS**2
    orbit = (S_PLUS * grown) ** 2 - (S_MINUS * shrunk) ** 2 - (D_PLUS * shrunk) ** 2 + (D_MINUS * grown) ** 2
    proof.equal("so beta(t) = A exp(eta) - B exp(-eta)", orbit, grows * sp.exp(eta) - shrinks * sp.exp(-eta))
    scale_holds = proof.equal("with 4 A B = k^2 as stated", 4 * grows * shrinks, stated.squared)
    start_holds = proof.equal("and A - B the start as stated", grows - shrinks, stated.start)
    _mirror_map(proof, eta)
    row_space_is_enough(proof)
    if scale_holds and start_holds:
        squared, start = (sp.lambdify(WEIGHTS, expression) for expression in stated)
        proof.witness("the package's scale and start on random weights", experiments.scale_deviation(squared, start), ROUND_OFF)
        deviation = experiments.random_starts(squared, start)
        proof.witness("endpoints of the integrated flow from random weights", deviation, experiments.FLOW_BUDGET)
        starts = experiments.PROBLEMS
        proof.note(f"From {starts} random starts the flow ends within {deviation:.1e} (relative) of the minimiser.")


def _mirror_map(proof: Derivation, eta: Expression) -> None:
    """With A = (k/2) exp(p) and B = (k/2) exp(-p), which covers all A, B > 0 with 4 A B = k^2."""
    k = sp.Symbol("k", positive=True)
    p, b, b0 = sp.symbols("p b b_0", real=True)
    start, now = k * sp.sinh(p), k * sp.sinh(p + eta)
    proof.equal("the start is k sinh p", k / 2 * (sp.exp(p) - sp.exp(-p)), start)
    proof.equal("and beta(t) = k sinh(p + eta)", k / 2 * (sp.exp(p + eta) - sp.exp(-p - eta)), now)
    potential = Q.expression().subs({sp.Symbol("b", real=True): b}) / 2
    divergence = potential - potential.subs(b, b0) - sp.diff(potential, b).subs(b, b0) * (b - b0)
    slope = sp.diff(divergence, b)
    difference = sp.asinh(b / k) - sp.asinh(b0 / k)
    proof.equal("the Bregman divergence has the gradient arcsinh(b/k) - arcsinh(b_0/k)", slope, difference)
    proof.equal("which is eta = X^T (-4 int r) on the orbit: in the row space of X", slope.subs({b: now, b0: start}), eta)
    curvature = 1 / sp.sqrt(b**2 + k**2)
    proof.equal("its second derivative", sp.diff(slope, b), curvature)
    proof.positive("is positive: the divergence is strictly convex", curvature, curvature)


A = sp.Symbol("a", real=True)  # beta_aux of one coordinate
ALPHA, GAMMA, C = sp.symbols("alpha gamma c", positive=True)
R = sp.sqrt(A**2 + 4 * ALPHA**4)
PLUS, MINUS = sp.sqrt((R + A) / 2), sp.sqrt((R - A) / 2)


def finetuning_formula(rescale: Expression = C) -> ScaleAndStart:
    """Exact scale and start of finetuning, as functions of beta_aux = a, alpha, gamma and the rescaling."""
    squared = (rescale**2 * A / 2) ** 2 + (rescale**2 * ALPHA**2 + GAMMA**2) ** 2
    return ScaleAndStart(squared, rescale * GAMMA * (PLUS - MINUS))


def pretrained_weights(proof: Derivation) -> None:
    """Pretraining from the constant alpha to beta_aux = a, on the closed orbit of `exact-any-init`."""
    eta = sp.Symbol("eta", real=True)
    constant = dict.fromkeys(WEIGHTS, ALPHA)
    at_start = {name: expression.subs(constant) for name, expression in (("s", S_PLUS), ("d_+", D_PLUS), ("d_-", D_MINUS))}
    proof.equal("pretraining from the constant alpha has scale 2 alpha^2", EXACT.squared.subs(constant), (2 * ALPHA**2) ** 2)
    proof.equal("and starts at 0", BETA.subs(constant), 0)
    proof.equal("d stays 0 in both pathways", at_start["d_+"] ** 2 + at_start["d_-"] ** 2, 0)
    plus, minus = at_start["s"] * sp.exp(eta / 2), at_start["s"] * sp.exp(-eta / 2)
    reached = {A: 2 * ALPHA**2 * sp.sinh(eta)}
    proof.equal("at beta_aux = 2 alpha^2 sinh(eta)", plus**2 - minus**2, A.subs(reached))
    proof.equal("w_+^2 = v_+^2 = (R + a)/2, R = sqrt(a^2 + 4 alpha^4)", plus**2, (PLUS**2).subs(reached))
    proof.equal("w_-^2 = v_-^2 = (R - a)/2", minus**2, (MINUS**2).subs(reached))


@claim(
    id="exact-finetuning",
    where="theory of one output (replaces Eq. 3)",
    statement=r"k = \sqrt{(c^2\beta^{aux}/2)^2 + (c^2\alpha^2+\gamma^2)^2},\quad "
    r"\beta(0) = c\gamma\Big(\sqrt{\tfrac{R+\beta^{aux}}2} - \sqrt{\tfrac{R-\beta^{aux}}2}\Big),\ "
    r"R = \sqrt{(\beta^{aux})^2+4\alpha^4}",
    assumptions=(
        "pretraining from the constant alpha > 0 in all weights, to the predictor beta_aux",
        "then the first layer times c > 0, the second layer reset to gamma > 0",
    ),
    printed=finetuning_formula(),
    twins={
        "c for c^2": ScaleAndStart((C * A / 2) ** 2 + (C * ALPHA**2 + GAMMA**2) ** 2, finetuning_formula().start),
        "without alpha": ScaleAndStart((C**2 * A / 2) ** 2 + GAMMA**4, finetuning_formula().start),
        "|beta_aux| not halved": ScaleAndStart((C**2 * A) ** 2 + (C**2 * ALPHA**2 + GAMMA**2) ** 2, finetuning_formula().start),
        "started from 0": ScaleAndStart(finetuning_formula().squared, sp.Integer(0)),
        "the printed scale |beta_aux| + gamma^2": ScaleAndStart((sp.Abs(A) + GAMMA**2) ** 2, sp.Integer(0)),
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def exact_finetuning(proof: Derivation, stated: ScaleAndStart) -> None:
    """Theory of one output: the pretrained weights, rescaled and reset, put into the scale and start of `exact-any-init`."""
    pretrained_weights(proof)
    weights = {W_PLUS: C * PLUS, W_MINUS: C * MINUS, V_PLUS: GAMMA, V_MINUS: GAMMA}
    scale = "the scale k^2 = (S/2)^2 - beta(0)^2 after rescaling and reset"
    scale_holds = proof.equal(scale, EXACT.squared.subs(weights), stated.squared, by=on_orbit)
    start_holds = proof.equal("the start w_+ v_+ - w_- v_-", EXACT.start.subs(weights), stated.start)
    proof.equal("without cancellation: (w_+ - w_-)(w_+ + w_-) = a", (PLUS - MINUS) * (PLUS + MINUS), A)
    proof.equal("with (w_+ + w_-)^2 = R + 2 alpha^2", sp.expand((PLUS + MINUS) ** 2), R + 2 * ALPHA**2, by=on_orbit)
    if scale_holds and start_holds:
        arguments = (A, ALPHA, GAMMA, C)
        deviation = experiments.protocol_deviation(*(sp.lambdify(arguments, expression, "mpmath") for expression in stated))
        proof.witness("the package's closed form, and its weights step by step", deviation, ROUND_OFF)
        squared, start = (sp.lambdify(arguments, expression) for expression in stated)
        deviation = experiments.finetuned_endpoints(squared, start)
        proof.witness("endpoints of networks pretrained and finetuned by the flow", deviation, experiments.FLOW_BUDGET)
        proof.note(f"Networks trained through both phases end within {deviation:.1e} (relative) of the minimiser.")


def on_orbit(expression: Expression) -> Expression:
    """Write a = 2 alpha^2 sinh(eta) and the roots R, w_+, w_- as the exponentials that they then are."""
    eta = sp.Symbol("eta", real=True)
    roots = {PLUS: ALPHA * sp.exp(eta / 2), MINUS: ALPHA * sp.exp(-eta / 2)}
    return expression.subs(roots).subs(R, 2 * ALPHA**2 * sp.cosh(eta)).subs(A, 2 * ALPHA**2 * sp.sinh(eta))
