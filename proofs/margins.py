"""Cross-entropy and two layers: what gradient flow does to margins and squared weights, exactly and for all times.

The margin of a signed sample x_i (y_i is in it) is m_i = x_i.beta_o(i), its loss log(1 + e^-m_i), L their sum. E is half the
sum of all squared weights, T the integral of the sum of the samples' slopes p_i = 1/(1 + e^m_i). What follows is Lyu and Li's
(2020) smoothed margin for the logistic loss, and, for one output, what the exact orbit adds to it.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from normtheory.audit.derivation import Derivation
from normtheory.audit.notation import symbol
from normtheory.audit.steps import Theorem
from normtheory.proofs.orbit import BETA, WEIGHTS, G, rate
from normtheory.proofs.several_outputs import coordinate

Expression = Any

MARGIN = symbol("m", "m_i", "mᵢ", real=True)
LOSS = symbol("L", positive=True)
SMOOTHED = symbol("mu", r"\mu", "μ", positive=True)  # the smoothed margin, where it is positive
HALF = symbol("E", positive=True)
BEYOND = symbol("delta", r"\delta_i", "δᵢ", nonnegative=True)  # of a margin, over the smoothed one
EXTRA = symbol("epsilon", r"\varepsilon", "ε", nonnegative=True)
SLOPE_SUM = symbol("S", positive=True)  # 1 - e^-L

_ONE_LOSS = sp.log(1 + sp.exp(-MARGIN))
_AT_LEAST = 1 - sp.exp(-LOSS)
_MARGIN_OF = -sp.log(sp.exp(LOSS) - 1)


def margin_keeps_up(proof: Derivation) -> None:
    """The smoothed margin -log(e^L - 1), once positive, never falls in units of half the squared weights E."""
    with proof.lemma("the smoothed margin over half the squared weights never falls, for any network of two layers"):
        slope = -sp.diff(_ONE_LOSS, MARGIN)
        proof.equal("a sample's slope is a function of its loss", slope, _AT_LEAST.subs(LOSS, _ONE_LOSS))
        proof.equal("and so is its margin, which defines the smoothed margin", MARGIN, _MARGIN_OF.subs(LOSS, _ONE_LOSS))
        proof.equal("the smoothed margin falls with the loss, by", sp.diff(_MARGIN_OF, LOSS), -1 / _AT_LEAST)
        positive = 2 * sp.exp(-LOSS / 2) * sp.sinh(LOSS / 2)
        proof.positive("as this is positive", _AT_LEAST, positive, by=exponentials)
        proof.argue("a sample's loss is not above the whole, so its margin not below the smoothed one", Theorem.MEAN_VALUE)
        proof.positive("the slope is concave in the loss", -sp.diff(_AT_LEAST, LOSS, 2))
        proof.argue("so the samples' slopes add up to S, that of the whole loss, at least", Theorem.SUBADDITIVITY)
        one = coordinate(2)
        for beta in one.predictors:
            along = sum(weight * sp.diff(beta, weight) for weight in one.weights)
            proof.equal("a predictor is homogeneous of second degree in the weights", along, 2 * beta)
        proof.argue(
            "so E grows at the sum of the samples' slopes times their margins, doubled: at least at the smoothed margin times "
            "S, doubled, where that is positive",
            Theorem.LINEARITY,
        )
        proof.argue(
            "the square of E's growth is at most the squared weights times the squared gradient, at which the loss falls",
            Theorem.CAUCHY_SCHWARZ,
        )
        growth = 2 * SMOOTHED * SLOPE_SUM + EXTRA
        proof.positive(
            "so the logarithm of the smoothed margin grows faster than that of E",
            growth**2 / (2 * HALF * SMOOTHED * SLOPE_SUM) - growth / HALF,
            growth * EXTRA / (2 * HALF * SMOOTHED * SLOPE_SUM),
            strict=False,
        )
        proof.argue("and their ratio never falls", Theorem.MEAN_VALUE)


ANGLE, K_D = symbol("zeta", r"\zeta_d", "ζ_d", real=True), symbol("k_d", "k_d", "k_d", positive=True)
REACH = symbol("zeta_size", r"|\zeta_d|", "|ζ_d|", positive=True)
BETA_D, ENTRY = symbol("beta_d", r"\beta_d", "β_d", real=True), symbol("x_id", "x_{id}", "x_id", real=True)
BEST = symbol("gamma_*", r"\gamma_*", "γ*", positive=True)  # the largest margin of a predictor of unit norm
TIME, COUNT = symbol("T", positive=True), symbol("n", integer=True, positive=True)
OFFSET, START = symbol("C", real=True), symbol("E_0", "E_0", "E₀", positive=True)
RATIO = symbol("Gamma", r"\Gamma", "Γ", positive=True)  # of smoothed margin and E, where positive, at the time T


def weights_grow(proof: Derivation) -> None:
    """One output, any start with k_d > 0: log E >= 2 gamma_* T - C."""
    with proof.lemma("with one output the squared weights grow as fast as the best margin allows, from any start"):
        half = sum(weight**2 for weight in WEIGHTS) / 2
        proof.equal("half the squared weights of an input move at", rate(half), -2 * G * BETA)
        proof.equal("its predictor at", rate(BETA), -2 * G * half)
        sine, cosine = K_D * sp.sinh(ANGLE), K_D * sp.cosh(ANGLE)
        proof.equal("so the predictor is a hyperbolic sine of an angle", sp.diff(sine, ANGLE), cosine)
        proof.equal("and half the squared weights are the cosine", sp.diff(cosine, ANGLE), sine)
        proof.argue("the angle moves at minus the slope G of the loss, doubled", Theorem.UNIQUENESS)
        loss = sp.log(1 + sp.exp(-ENTRY * BETA_D))
        slope = 1 / (1 + sp.exp(ENTRY * BETA_D))
        proof.equal("a sample pulls at its slope times its entry", -sp.diff(loss, BETA_D), slope * ENTRY, by=sp.simplify)
        proof.argue("so the angle gains the integrals of the samples' slopes times their entries, doubled", Theorem.LINEARITY)
        proof.positive(
            "half the squared weights of an input exceed half its scale times the exponential of the angle's size",
            K_D * sp.cosh(REACH) - K_D * sp.exp(REACH) / 2,
            K_D * sp.exp(-REACH) / 2,
            by=exponentials,
        )
        proof.argue(
            "the best predictor of unit norm has margins of the best one at least, so that this times the sum T of those "
            "integrals is at most the largest gain, undoubled",
            Theorem.HOELDER,
        )
        proof.argue(
            "so the logarithm of E is at least T times the best margin, doubled, less a constant C of the start",
            Theorem.TRIANGLE,
        )


def slopes_and_margins(proof: Derivation) -> None:
    """The mean margin, weighed by the slopes, is at most the smoothed one, where that is positive, plus 2n/e."""
    with proof.lemma("margins weighed by the samples' slopes are hardly above the smoothed one"):
        rest = 1 / (sp.exp(MARGIN) * (1 + sp.exp(MARGIN)))
        proof.positive("a slope is below the exponential", sp.exp(-MARGIN) - 1 / (1 + sp.exp(MARGIN)), rest)
        text = "and what a margin exceeds the smoothed one by, times the exponential of minus that, is at most this at one"
        form = sp.exp(BEYOND - 1)
        proof.nonnegative_by_convexity(text, form - BEYOND, BEYOND, sp.Integer(1), form)
        whole, least = 1 / (1 + sp.exp(SMOOTHED)), sp.exp(-SMOOTHED) / 2
        loss = sp.log(1 + sp.exp(-SMOOTHED))
        proof.equal("the slopes add up to S at least, in the smoothed margin", _AT_LEAST.subs(LOSS, loss), whole)
        form = sp.exp(-SMOOTHED / 2) * sp.sinh(SMOOTHED / 2) / (1 + sp.exp(SMOOTHED))
        proof.positive("more than this, where that is positive", whole - least, form, by=exponentials)
        above = COUNT * sp.exp(-SMOOTHED) * sp.exp(-1) / least
        proof.equal("so the mean excess is at most", above, 2 * COUNT / sp.E)
        half = sp.Rational(1, 2)
        proof.equal("where it is not positive they add up to this at least", _AT_LEAST.subs(LOSS, sp.log(2)), half)
        proof.equal("and the mean margin itself is at most", COUNT * sp.exp(-1) / half, 2 * COUNT / sp.E)


def margin_catches_up(proof: Derivation) -> None:
    """One output, any start: the smoothed margin over E tends to gamma_*, and so does the least margin over the l1 norm."""
    margin_keeps_up(proof)
    weights_grow(proof)
    slopes_and_margins(proof)
    with proof.lemma("with one output the margin in units of the norm of sizes tends to the best there is"):
        late = 4 * COUNT / sp.E * sp.exp(OFFSET - 2 * BEST * TIME)
        proof.positive(
            "log E grows by T at the mean margin over E, doubled: what is beyond the smoothed margin adds at most", late
        )
        total = 2 * COUNT * sp.exp(OFFSET) / (sp.E * BEST)
        proof.equal("which comes to, over all times", sp.integrate(late, (TIME, 0, sp.oo)), total)
        proof.argue("the rest is at most the ratio at the end, which never falls, times T, doubled", Theorem.MEAN_VALUE)
        lower, upper = 2 * BEST * TIME - OFFSET, sp.log(START) + 2 * RATIO * TIME + total
        least = BEST - (OFFSET + sp.log(START) + total) / (2 * TIME)
        proof.equal("so the two bounds of log E leave the ratio at least at", sp.solve(upper - lower, RATIO)[0], least)
        proof.argue(
            "while T is bounded so are angles and margins, and the slopes stay above some number: T grows", Theorem.EXTREME
        )
        proof.equal("the bound tends to the best margin", sp.limit(least, TIME, sp.oo), BEST)
        text = "E exceeds the norm of sizes, input by input"
        proof.positive(text, K_D * sp.cosh(REACH) - K_D * sp.sinh(REACH), K_D * sp.exp(-REACH), by=exponentials)
        proof.argue("and margin over norm lies between the ratio and the best there is", Theorem.SQUEEZE)


def exponentials(expression: Expression) -> Expression:
    """A change of variables for hyperbolic functions."""
    return sp.expand(sp.expand(expression).rewrite(sp.exp))
