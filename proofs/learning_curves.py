"""Theory of learning curves: the two scalar equations that interpolators of Gaussian data obey, and their proximal map."""

from __future__ import annotations

import sys
from typing import Any, NamedTuple

import numpy as np
import sympy as sp

from normtheory.audit.alone import run_alone
from normtheory.audit.claims import Verdict, claim
from normtheory.audit.derivation import Derivation
from normtheory.audit.notation import symbol
from normtheory.audit.spellings import decimal
from normtheory.audit.statements import Said
from normtheory.audit.steps import Theorem
from normtheory.penalties import Q
from normtheory.proofs import curve_points, setting
from normtheory.proofs.letters import START, B, K
from normtheory.proofs.q_forms import PENALTY, penalty

Expression = Any

TRUTH = symbol("b_*", r"\beta^*", "β*", real=True)
V = symbol("v", real=True)
H = symbol("h", real=True)
TAU, THETA = symbol("tau", r"\tau", "τ", positive=True), symbol("theta", r"\theta", "θ", positive=True)
G = symbol("g", positive=True)
N, D = symbol("n", positive=True), symbol("D", positive=True)
NOISE = symbol("sigma", r"\sigma", "σ", nonnegative=True)
POINT, ORIGIN = symbol("s", real=True), symbol("s_0", real=True)  # b = k sinh(s), from k sinh(s_0)
SOURCE = "convex Gaussian min-max theorem (Thrampoulidis, Abbasi and Hassibi 2018, arXiv 1601.06233); here for Q from a start"

ROOT = sp.sqrt(B**2 + K**2)
PROX = Said(
    distance=(B - V) ** 2 / 2,
    place=B + 2 * G * (sp.asinh(B / K) - sp.asinh(START / K)),
    slope=ROOT / (ROOT + 2 * G),
    most=sp.Integer(1),
    factor=TAU,
)


@claim(
    id="curve-stein",
    where="theory of learning curves (proximal map of the Q penalty from any start)",
    statement="the weight $\\beta$ that minimises $g$ times the divergence of the Q penalty from $\\beta(0)$ plus <distance> "
    "is where <place> is $v$; its slope in $v$ is <slope>, positive and less than <most>; and for $v$ normal with the standard "
    "deviation $\\tau$ the mean product of $\\beta$ with the standardised $v$ is <factor> times the mean slope",
    printed=PROX,
    twins={
        "the whole square": PROX.but(distance=(B - V) ** 2),
        "half the pull": PROX.but(place=B + G * (sp.asinh(B / K) - sp.asinh(START / K))),
        "as if it started at zero": PROX.but(place=B + 2 * G * sp.asinh(B / K)),
        "away from the start": PROX.but(place=B - 2 * G * (sp.asinh(B / K) - sp.asinh(START / K))),
        "half the pull in the slope": PROX.but(slope=ROOT / (ROOT + G)),
        "the slope's complement": PROX.but(slope=2 * G / (ROOT + 2 * G)),
        "the slope without its root": PROX.but(slope=ROOT**2 / (ROOT**2 + 2 * G)),
        "the variance for the deviation": PROX.but(factor=TAU**2),
        "no factor": PROX.but(factor=sp.Integer(1)),
    },
    siblings={
        "the slope from the curvature": PROX.but(slope=1 / (1 + 2 * G / ROOT)),
        "a weaker bound on the slope": PROX.but(most=sp.Integer(2)),
    },
    reads=("normal: of the Gaussian distribution; standardised: less its mean, over its standard deviation",),
    expected=Verdict.PROVED,
    source=SOURCE,
)
def curve_stein(proof: Derivation, stated: Said) -> None:
    """Theory of learning curves: the proximal map of Q, its slope, and Stein's identity along the mirror map's graph."""
    divergence = penalty(B, K) - penalty(START, K) - sp.diff(PENALTY, B).subs(B, START) * (B - START)
    objective = G * divergence + stated.distance
    proof.equal("the objective's derivative vanishes where the stated place is v", sp.diff(objective, B), stated.place - V)
    proof.equal("its second derivative", sp.diff(objective, B, 2), (ROOT + 2 * G) / ROOT)
    proof.positive("is positive", (ROOT + 2 * G) / ROOT)
    proof.argue("so there it is least, and nowhere else", Theorem.TANGENT)
    proof.equal(
        "by the chain rule the slope is one over the derivative of the place", 1 / sp.diff(stated.place, B), stated.slope
    )
    proof.positive("it is positive", stated.slope, ROOT / (ROOT + 2 * G))
    proof.positive("and below its bound", stated.most - stated.slope, stated.most - 1 + 2 * G / (ROOT + 2 * G))
    _stein(proof, stated)
    proof.witness("the package's proximal map, put back into the place", _put_back(stated.place), PLACE_BUDGET)


def _stein(proof: Derivation, stated: Said) -> None:
    """E h b = tau E slope, by parts along b = k sinh s, on which v and h are explicit."""
    b = K * sp.sinh(POINT)
    place = stated.place.subs({B: b, START: K * sp.sinh(ORIGIN)}, simultaneous=True)
    explicit = b + 2 * G * (POINT - ORIGIN)
    proof.equal("with the weight k sinh s, and the start likewise, v is explicit", place, explicit)
    standard = (explicit - TRUTH) / TAU
    pace = (K * sp.cosh(POINT) + 2 * G) / TAU
    proof.equal("the standardised v moves at the pace", sp.diff(standard, POINT), pace)
    proof.positive("which is positive, so that s covers each value once", pace)
    density = sp.exp(-(standard**2) / 2)
    product = (stated.factor * stated.slope.subs(B, b) - standard * b) * density * pace
    text = "what the product of weight and density changes by is the integrand of the stated difference"
    proof.equal(text, sp.diff(b * density, POINT), product)
    beyond = TAU * H + TRUTH + 2 * G * ORIGIN
    far = symbol("s_+", r"s", "s", positive=True)
    text = "for positive s the weight is below a linear function of the standardised v"
    proof.positive(text, (beyond.subs(H, standard) - b).subs(POINT, far), 2 * G * far)
    proof.equal("whose product with the density vanishes far out", sp.limit(beyond * sp.exp(-(H**2) / 2), H, sp.oo), 0)
    proof.argue("so does the weight's, and for negative s likewise", Theorem.SQUEEZE)
    proof.argue("the integral of the difference over all s is zero", Theorem.PARTS)


# The proximal map solves its equation to some hundreds of units of round-off of its largest term.
PLACE_BUDGET = 1e-12


def _put_back(place: Expression) -> float:
    """Largest relative error of the stated place at the package's proximal map."""
    from normtheory.solvers.potentials import HyperbolicEntropy
    from normtheory.solvers.proximal import DualGraph, Smooth

    draw = np.random.default_rng(np.random.SeedSequence((9, 1)))
    k, start, v = 10 ** draw.uniform(-6, 1, 200), draw.standard_normal(200), draw.standard_normal(200)
    found = 0.0
    for g in (1e-3, 0.1, 10.0):
        b = Smooth(DualGraph(HyperbolicEntropy(k, start))).prox(v, 2 * g)
        back = sp.lambdify((B, START, K, G), place)(b, start, k, g)
        pulls = np.abs(b) + np.abs(v) + g * (np.abs(Q(k).gradient(b)) + np.abs(Q(k).gradient(start)))
        found = max(found, float((np.abs(back - v) / pulls).max()))
    return found


ERROR, PULL, SLOPES = (
    symbol("S_error", r"S_{error}", "S_error", nonnegative=True),
    symbol("S_pull", r"S_{pull}", "S_pull", nonnegative=True),
    symbol("S_slope", r"S_{slope}", "S_slope", positive=True),
)


class Losses(NamedTuple):
    """Exact decimals of at most seven digits."""

    values: tuple[Any, ...]

    def in_latex(self) -> str:
        """As they are."""
        return ", ".join(f"${decimal(value, DIGITS).latex}$" for value in self.values)

    def in_text(self) -> str:
        """As they are."""
        return ", ".join(decimal(value, DIGITS).text for value in self.values)


DIGITS = 7
WIDTH = sp.Rational(1, 10**6)
LOSSES = sp.Rational(892427, 10**6), sp.Rational(2708065, 10**8)
PAIR = curve_points.Pair(setting.INPUTS, setting.FEATURES, 30, setting.ALPHA)
EQUATIONS = Said(
    left=N * TAU**2,
    noise=NOISE**2,
    error=(B - TRUTH) ** 2,
    rows=(D - N) * TAU**2,
    pull=(V - B) ** 2,
    place=TRUTH + TAU * H,
    gain=TAU / THETA,
    slopes=N,
    pair=PAIR,
    samples=(32, 128),
    losses=Losses(LOSSES),
    width=WIDTH,
)


@claim(
    id="curve-fixed-point",
    where="theory of learning curves (any separable convex penalty)",
    statement="where the predictor of least penalty among those that fit is replaced by the saddle point of Gordon's "
    "comparison, in the limit of many inputs, the scalars of the saddle are such that <left> is <noise> plus the sum over "
    "the inputs of the mean of <error>, and <rows> is <noise> plus that of <pull>: $\\beta$ is the proximal map, at $v$ equal "
    "to <place>, of the penalty times <gain>, and $h$ is standard normal. Then the mean slopes of the proximal maps sum to "
    "<slopes>. A strictly convex penalty has no second saddle of this kind. For finetuning on <pair.inputs> inputs, with "
    "<pair.features> features in either task and <pair.shared> of them shared, all weights and the reset layer at "
    "<pair.scale>, without noise, there is such a saddle, and the loss <left> at <samples> samples is <losses>, to within "
    "<width> of itself",
    printed=EQUATIONS,
    twins={
        "inputs for samples": EQUATIONS.but(left=D * TAU**2),
        "the deviation for the variance": EQUATIONS.but(left=N * TAU),
        "twice the noise": EQUATIONS.but(noise=2 * NOISE**2),
        "samples for what is left of the inputs": EQUATIONS.but(rows=N * TAU**2),
        "the error from zero": EQUATIONS.but(error=B**2),
        "the pull from the truth": EQUATIONS.but(pull=(V - TRUTH) ** 2),
        "the noise not scaled": EQUATIONS.but(place=TRUTH + H),
        "the inverse gain": EQUATIONS.but(gain=THETA / TAU),
        "half the gain": EQUATIONS.but(gain=TAU / (2 * THETA)),
        "slopes sum to the other inputs": EQUATIONS.but(slopes=D - N),
        "one loss a little larger": EQUATIONS.but(losses=Losses((LOSSES[0] + sp.Rational(3, 10**6), LOSSES[1]))),
        "one loss a little smaller": EQUATIONS.but(losses=Losses((LOSSES[0], LOSSES[1] - sp.Rational(6, 10**8)))),
        "one sample more": EQUATIONS.but(samples=(32, 129)),
        "one feature less shared": EQUATIONS.but(pair=PAIR._replace(shared=29)),
    },
    siblings={
        "a wider interval": EQUATIONS.but(width=10 * WIDTH),
        "an earlier loss": EQUATIONS.but(samples=(32,), losses=Losses(LOSSES[:1])),
    },
    granted=(
        "the convex Gaussian min-max theorem, by which the error of the predictor tends to that of the saddle: for independent "
        "standard normal inputs, numbers of samples and inputs that grow in proportion, and teachers and penalties whose joint "
        "distribution over the inputs converges together with its second moments",
        "averages over the inputs tend to their means (law of large numbers)",
    ),
    expected=Verdict.CERTIFIED,
    source=SOURCE,
)
def curve_fixed_point(proof: Derivation, stated: Said) -> None:
    """Theory of learning curves: from Gordon's comparison to the two equations, one root, and points of it in balls."""
    _lengths(proof, stated)
    _separated(proof, stated)
    _stationary(proof, stated)
    _slopes(proof, stated)
    _one_saddle(proof)
    for samples, loss in zip(stated.samples, stated.losses.values, strict=True):
        _point(proof, stated, samples, loss)


def _lengths(proof: Derivation, stated: Said) -> None:
    """The multiplier's direction, and the square root that it leaves."""
    x, z, w = (symbol(name, real=True) for name in ("x_g", "z", "w"))
    square = sp.expand((x * w - NOISE * z) ** 2)
    mean = square.coeff(x, 2) + square.coeff(z, 2)
    proof.equal(
        "an entry of the error's length times a normal vector, less noise times another, has the mean square",
        mean,
        w**2 + stated.noise,
    )
    proof.argue(
        "the multiplier maximises along that vector, and leaves the root of the sum of all entries", Theorem.CAUCHY_SCHWARZ
    )
    scale = symbol("q", positive=True)
    bound = (N * TAU + scale**2 / TAU) / 2
    least = {TAU: scale / sp.sqrt(N)}
    proof.equal(
        "the root, times that of the number of samples, is a least value over tau", bound.subs(least), sp.sqrt(N) * scale
    )
    proof.equal("there the derivative vanishes", sp.diff(bound, TAU).subs(least), 0)
    proof.positive("the second derivative is positive", sp.diff(bound, TAU, 2), scale**2 / TAU**3)
    proof.equal("and there the stated left side is the square", stated.left.subs(least), scale**2)


def _separated(proof: Derivation, stated: Said) -> None:
    """Completing the square: each input has a minimisation of its own, a proximal map."""
    alone = THETA * (stated.error / (2 * TAU) - H * (B - TRUTH))
    completed = THETA / (2 * TAU) * stated.pull.subs(V, stated.place) - THETA * TAU * H**2 / 2
    proof.equal("with the error's product with a normal vector, each input has a completed square", alone, completed)
    slope = symbol("f'", r"f'(\beta)", "f'(β)", real=True)
    stationary = slope + THETA / (2 * TAU) * sp.diff(stated.pull, B)
    proof.equal(
        "its minimiser is the proximal map of the penalty times the stated gain",
        stated.gain * stationary,
        stated.gain * slope + B - V,
    )


def _stationary(proof: Derivation, stated: Said) -> None:
    """Both derivatives of L at fixed predictors: the first in terms of errors, the second in terms of pulls."""
    proof.argue("the predictors may be held fixed when the saddle function is differentiated", Theorem.ENVELOPE)
    by_tau = sp.diff(THETA * (N * TAU + (stated.noise + ERROR) / TAU) / 2, TAU)
    proof.equal(
        "in tau the derivative vanishes with the first equation",
        by_tau,
        THETA / (2 * TAU**2) * (stated.left - stated.noise - ERROR),
    )
    by_theta = sp.diff(THETA * (N * TAU + (stated.noise + PULL) / TAU - D * TAU) / 2, THETA)
    proof.equal(
        "in theta, the squares of h summing to the number of inputs, with the second",
        by_theta,
        (stated.noise + PULL - stated.rows) / (2 * TAU),
    )


def _slopes(proof: Derivation, stated: Said) -> None:
    """The second equation as a sum of slopes: with E h^2 = 1 and E h b = tau E slope, which is `curve-stein`."""
    expanded = stated.error - 2 * TAU * H * (B - TRUTH) + TAU**2 * H**2
    proof.equal("the pull is the error, a product and a square", stated.pull.subs(V, stated.place), expanded)
    proof.argue("whose mean product is tau times the mean slope (claim curve-stein)", Theorem.PARTS)
    error = stated.left - stated.noise
    pull = error - 2 * TAU**2 * SLOPES + D * TAU**2
    text = "with the first equation the second says that the slopes sum to the stated number"
    proof.equal(text, (stated.noise + pull - stated.rows) / (2 * TAU**2), stated.slopes - SLOPES)


def _one_saddle(proof: Derivation) -> None:
    """Pulls grow with g; the saddle function is convex in tau and concave in theta."""
    with proof.lemma("a strictly convex penalty has one saddle"):
        f, curved = symbol("f'", r"f'(\beta)", "f'(β)", real=True), symbol("f''", r"f''(\beta)", "f''(β)", positive=True)
        moves = -f / (1 + G * curved)
        proof.equal("along g the proximal map moves so that its equation stays", f + (1 + G * curved) * moves, 0)
        grows = 2 * G * f * (f + G * curved * moves)
        proof.positive("and the squared pull does not fall", grows, 2 * G * f**2 / (1 + G * curved), strict=False)
        proof.argue("so the second equation has one g at each tau at the most", Theorem.MEAN_VALUE)
        w, along, across = (symbol(name, real=True) for name in ("w", "u_tau", "u_w"))
        part = (NOISE**2 + w**2) / TAU
        second = sum(
            sp.diff(part, x, y) * p * q for x, p in ((TAU, along), (w, across)) for y, q in ((TAU, along), (w, across))
        )
        form = 2 * ((NOISE * along) ** 2 + (w * along - TAU * across) ** 2) / TAU**3
        proof.positive("the saddle function is jointly convex in tau and the errors", second, form, strict=False)
        proof.argue("its least value over the errors is convex in tau", Theorem.PARTIAL)
        proof.argue(
            "and concave in theta, in which it is affine at fixed errors; the largest over theta is convex", Theorem.BOUNDS
        )
        proof.argue(
            "strictly so with the penalty: its slope, of the sign of the first equation, vanishes once", Theorem.TANGENT
        )


def _point(proof: Derivation, stated: Said, samples: int, loss: Expression) -> None:
    below = curve_points.mismatch(stated.pair, samples, loss * (1 - stated.width))
    above = curve_points.mismatch(stated.pair, samples, loss * (1 + stated.width))
    proof.enclosed(f"with {samples} samples, at the lower end of the interval the first equation errs to one side", -below)
    proof.enclosed("and at the upper end to the other", above)
    proof.argue("so the curve's loss lies between them", Theorem.INTERMEDIATE)


if __name__ == "__main__":
    sys.exit(run_alone())
