"""Theory of one output: conserved quantities, the norm from any initialisation, and finetuning in closed form."""

from __future__ import annotations

import sys
from typing import Any, NamedTuple

import sympy as sp

from normtheory.audit.alone import run_alone
from normtheory.audit.claims import Verdict, claim
from normtheory.audit.derivation import Derivation
from normtheory.penalties import Q
from normtheory.proofs import experiments, package_numerics
from normtheory.proofs.appendix_a_endpoint import row_space_is_enough
from normtheory.proofs.orbit import (
    BETA,
    D_MINUS,
    D_PLUS,
    FIELD,
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
        proof.witness(
            "the package's scale and start on random weights", package_numerics.scale_deviation(squared, start), ROUND_OFF
        )
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
        deviation = package_numerics.protocol_deviation(
            *(sp.lambdify(arguments, expression, "mpmath") for expression in stated)
        )
        proof.witness("the package's closed form, and its weights step by step", deviation, ROUND_OFF)
        squared, start = (sp.lambdify(arguments, expression) for expression in stated)
        deviation = experiments.finetuned_endpoints(squared, start)
        proof.witness("endpoints of networks pretrained and finetuned by the flow", deviation, experiments.FLOW_BUDGET)
        proof.note(f"Networks trained through both phases end within {deviation:.1e} (relative) of the minimiser.")


@claim(
    id="exact-pretraining",
    where="theory of one output (pretraining)",
    statement=r"k = 2\alpha^2,\ \beta(0)=0;\quad w_+^2=v_+^2=\tfrac{R+\beta}2,\ w_-^2=v_-^2=\tfrac{R-\beta}2,\ "
    r"w_+w_-=\alpha^2,\ R=\sqrt{\beta^2+4\alpha^4}\ \text{all along}",
    assumptions=("pretraining from the constant alpha > 0 in all weights",),
    printed=(2 * ALPHA**2, R),
    twins={
        "scale alpha^2": (ALPHA**2, R),
        "scale 2 alpha": (2 * ALPHA, R),
        "2 alpha^4 under the root": (2 * ALPHA**2, sp.sqrt(A**2 + 2 * ALPHA**4)),
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def exact_pretraining(proof: Derivation, stated: tuple[Expression, Expression]) -> None:
    """Theory of one output: `exact-any-init` from a constant start, and the orbit read at the predictor beta = a."""
    scale, root = stated
    eta = sp.Symbol("eta", real=True)
    constant = dict.fromkeys(WEIGHTS, ALPHA)
    holds = proof.equal("the squared scale (S/2)^2 - beta(0)^2 of the start", EXACT.squared.subs(constant), scale**2)
    proof.equal("the start", EXACT.start.subs(constant), 0)
    plus, minus = ALPHA * sp.exp(eta / 2), ALPHA * sp.exp(-eta / 2)
    now = {A: plus**2 - minus**2}
    names = "d stays 0, s_+ = w_+ = v_+ = alpha exp(eta/2), s_- = w_- = v_- = alpha exp(-eta/2)"
    holds &= proof.equal(f"{names}: w_+^2", ((root + A) / 2).subs(now), plus**2, by=_as_cosh)
    holds &= proof.equal("w_-^2", ((root - A) / 2).subs(now), minus**2, by=_as_cosh)
    proof.equal("their product", plus * minus, ALPHA**2)
    if holds:
        deviation = experiments.pretraining_deviation()
        proof.witness("the package's pretrained weights against a flow stopped on its way", deviation, experiments.FLOW_BUDGET)


def _as_cosh(expression: Expression) -> Expression:
    """The root of a = 2 alpha^2 sinh(eta): R = 2 alpha^2 cosh(eta)."""
    eta = sp.Symbol("eta", real=True)
    difference = ALPHA**2 * sp.exp(eta) - ALPHA**2 * sp.exp(-eta)
    return expression.subs(sp.sqrt(difference**2 + 4 * ALPHA**4), ALPHA**2 * (sp.exp(eta) + sp.exp(-eta)))


FIRST, SECOND = sp.symbols("a_1 a_2", positive=True)


@claim(
    id="exact-unequal-layers",
    where="theory of one output (pretraining from unequal layers)",
    statement=r"k = a_1^2+a_2^2;\quad w_+^2+w_-^2 = \sqrt{\beta^2+k^2}+a_1^2-a_2^2,\ "
    r"v_+^2+v_-^2 = \sqrt{\beta^2+k^2}-(a_1^2-a_2^2)\ \text{all along}",
    assumptions=("all first-layer weights start at a_1 > 0, all second-layer weights at a_2 > 0",),
    printed=(FIRST**2 + SECOND**2, FIRST**2 - SECOND**2),
    twins={
        "scale 2 a_1 a_2": (2 * FIRST * SECOND, FIRST**2 - SECOND**2),
        "layers exchanged": (FIRST**2 + SECOND**2, SECOND**2 - FIRST**2),
        "as if the layers were equal": (FIRST**2 + SECOND**2, sp.Integer(0)),
        "twice the imbalance": (FIRST**2 + SECOND**2, 2 * (FIRST**2 - SECOND**2)),
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def unequal_layers(proof: Derivation, stated: tuple[Expression, Expression]) -> None:
    """Theory of one output: the orbit of `exact-any-init` from two constants, in s and d."""
    scale, imbalance = stated
    eta = sp.Symbol("eta", real=True)
    start = {W_PLUS: FIRST, W_MINUS: FIRST, V_PLUS: SECOND, V_MINUS: SECOND}
    proof.equal("the squared scale (S/2)^2 - beta(0)^2 of the start", EXACT.squared.subs(start), scale**2)
    s, d = S_PLUS.subs(start), D_PLUS.subs(start)
    grown, shrunk = sp.exp(eta / 2), sp.exp(-eta / 2)
    first = (s * grown + d * shrunk) ** 2 + (s * shrunk + d * grown) ** 2
    second = (s * grown - d * shrunk) ** 2 + (s * shrunk - d * grown) ** 2
    beta = (s * grown) ** 2 - (d * shrunk) ** 2 - (s * shrunk) ** 2 + (d * grown) ** 2
    total = FIRST**2 + SECOND**2
    proof.equal("the predictor on the orbit", beta, total * sp.sinh(eta))
    proof.equal("sqrt(beta^2 + k^2) is then k cosh(eta)", (total * sp.sinh(eta)) ** 2 + total**2, (total * sp.cosh(eta)) ** 2)
    proof.equal("the first layer's energy", first, scale * sp.cosh(eta) + imbalance)
    holds = proof.equal("the second layer's", second, scale * sp.cosh(eta) - imbalance)
    if holds:
        deviation = package_numerics.unequal_deviation(*(sp.lambdify((FIRST, SECOND), part) for part in stated))
        proof.witness("the package's pretrained weights", deviation, ROUND_OFF)


@claim(
    id="exact-rescaling",
    where="theory of one output (rescaling)",
    statement=r"k(c,\gamma) = c^2\,k(1,\gamma/c),\quad \beta(0)(c,\gamma) = c^2\,\beta(0)(1,\gamma/c):\ "
    r"\text{rescaling by}\ c\ \text{is resetting to}\ \gamma/c\ \text{in units of}\ c^2",
    assumptions=(
        "pretraining from the constant alpha to beta_aux; then the first layer times c, the second reset to gamma",
        "finetuning (c, gamma) on y then ends at c^2 times where (1, gamma/c) ends on y/c^2",
    ),
    printed=(2, 1),
    twins={
        "units of c": (1, 1),
        "resetting to gamma/c^2": (2, 2),
        "units of c^4": (4, 1),
        "gamma unchanged": (2, 0),
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def exact_rescaling(proof: Derivation, powers: tuple[int, int]) -> None:
    """Theory of one output: the scaling law of `exact-finetuning`, and of the norm it enters."""
    units, reset = C ** powers[0], GAMMA / C ** powers[1]
    full, unscaled = finetuning_formula(), finetuning_formula(sp.Integer(1))
    scale_holds = proof.equal("the squared scale", full.squared, units**2 * unscaled.squared.subs(GAMMA, reset))
    start_holds = proof.equal("the start", full.start, units * unscaled.start.subs(GAMMA, reset))
    t, k = sp.symbols("t k", positive=True)
    b, b0 = sp.symbols("b b_0", real=True)
    potential = Q.expression()
    divergence = potential - potential.subs(b, b0) - 2 * sp.asinh(b0 / k) * (b - b0)
    scaled = divergence.subs({b: t * b, b0: t * b0, k: t * k}, simultaneous=True)
    proof.equal(
        "the divergence of (t b, t b_0, t k) is t times that of (b, b_0, k): the same minimiser", scaled, t * divergence
    )
    if scale_holds and start_holds:
        deviation = experiments.rescaled_endpoints()
        proof.witness("networks trained both ways", deviation, experiments.FLOW_BUDGET)


@claim(
    id="exact-probing",
    where="theory of one output (linear probing)",
    statement=r"\beta = \beta(0)+WX^\top(XWX^\top)^+(y-X\beta(0)),\quad W=\mathrm{diag}(w_+^2+w_-^2)",
    assumptions=(
        "only the second layer is trained, by gradient flow",
        "spelled out for two samples and three inputs: X is one certain 2 x 3 matrix of full rank",
    ),
    printed=lambda plus, minus: plus**2 + minus**2,
    twins={
        "W = diag(w_+^2 - w_-^2)": lambda plus, minus: plus**2 - minus**2,
        "W = diag(|w_+| + |w_-|), its lengths": lambda plus, minus: sp.Abs(plus) + sp.Abs(minus),
        "W = 1, the least-l2 interpolator": lambda plus, minus: sp.Integer(1) + 0 * plus * minus,
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def exact_probing(proof: Derivation, weight: Any) -> None:
    """Theory of one output: with the first layer frozen, beta moves in W times the row space of X."""
    frozen = {W_PLUS: 0, W_MINUS: 0}
    field = {name: velocity for name, velocity in FIELD.items() if name not in frozen}
    moves = proof.equal(
        "beta moves at the rate -G (w_+^2 + w_-^2), W times the gradient", rate(BETA, field), -G * weight(W_PLUS, W_MINUS)
    )
    X = sp.Matrix([[2, 1, 3], [1, -1, 1]])
    w, start, y = sp.symbols("W_1:4", positive=True), sp.symbols("b_1:4", real=True), sp.symbols("y_1 y_2", real=True)
    W, start, y = sp.diag(*w), sp.Matrix(start), sp.Matrix(y)
    nu = (X * W * X.T).inv() * (y - X * start)
    reached = start + W * X.T * nu
    for sample in (0, 1):
        proof.equal(f"beta(0) + W X^T nu fits sample {sample + 1}, for a certain X", (X * reached)[sample], y[sample])
    beta = sp.symbols("beta_1:4", real=True)
    half = sum((b - s) ** 2 / size for b, s, size in zip(beta, start, w, strict=True)) / 2
    for d, b in enumerate(beta):
        slope = sp.diff(half, b).subs(dict(zip(beta, reached, strict=True)))
        text = f"half the squared distance from beta(0), weighted by 1/W, has the slope (X^T nu)_{d + 1} there"
        proof.equal(text, slope, (X.T * nu)[d])
        proof.positive(f"and is strictly convex in coordinate {d + 1}", sp.diff(half, b, 2), 1 / w[d])
    row_space_is_enough(proof)
    if moves:
        proof.witness("the package's endpoint against the least change of v", experiments.probing_deviation(), ROUND_OFF)


def on_orbit(expression: Expression) -> Expression:
    """Write a = 2 alpha^2 sinh(eta) and the roots R, w_+, w_- as the exponentials that they then are."""
    eta = sp.Symbol("eta", real=True)
    roots = {PLUS: ALPHA * sp.exp(eta / 2), MINUS: ALPHA * sp.exp(-eta / 2)}
    return expression.subs(roots).subs(R, 2 * ALPHA**2 * sp.cosh(eta)).subs(A, 2 * ALPHA**2 * sp.sinh(eta))


if __name__ == "__main__":
    sys.exit(run_alone())
