"""Section 2.1: what single-task training finds from large and from small weights, exactly and in which limit."""

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
from normtheory.proofs import setting, single_task_runs
from normtheory.proofs.letters import ALPHA, SIZE, B, K, T, X
from normtheory.proofs.optimality import row_space_is_enough, slope
from normtheory.proofs.orbit import ETA, LEARNED, pretrain
from normtheory.proofs.q_forms import ABOVE_QUARTIC, FAR_GAP, FAR_ROOT, ROOT, UNIT, far_form, logarithms, near_bounds, penalty
from normtheory.proofs.setting import number

Expression = Any

SOURCE = "Woodworth et al. 2020"
SCALE = 2 * ALPHA**2  # of the penalty that flow from weights alpha minimises
GRANTED = ("the flow reaches zero training error",)


def _minimises_q(proof: Derivation) -> None:
    """Flow from equal weights: arcsinh(beta/k) is eta, which lies in the row space of X: Q is least there."""
    pretrain(proof)
    there = sp.diff(penalty(B, K), B).subs({B: LEARNED, K: SCALE}, simultaneous=True)
    proof.equal("the Q penalty of this scale has a pull of the samples as its slope there", there, 2 * ETA)
    row_space_is_enough(proof)


def _same_up_to_scale(proof: Derivation, stated: Expression, sharp: Expression, variable: Expression) -> None:
    """Whether a penalty is a positive multiple of another one, and a constant: both have the same minimisers."""
    stated_slope, sharp_slope = slope(stated, variable), slope(sharp, variable)
    factor = (stated_slope / sharp_slope).subs(variable, 1)
    proof.equal("the penalty's slope is a multiple of that one's", stated_slope, factor * sharp_slope)
    proof.positive("a positive one", factor)


def _power(rate: Expression) -> Expression:
    """d log rate / d log alpha."""
    return sp.simplify(ALPHA * sp.diff(sp.log(rate), ALPHA))


REST = T - sp.asinh(T)  # in units of k: what a weight exceeds its place in the row space by
BELOW_CUBE = T**3 / 6 - REST
ABOVE_CUBE = REST - (T**3 / 6 - T**5 / 10)
_LAZY = Said(penalty=B**2, gauge=ALPHA**4, coefficient=B**3 / 24, rate=ALPHA**-4)


@claim(
    id="lazy-l2",
    where="section 2.1; Woodworth et al. 2020",
    statement="as $\\alpha$ grows, flow from weights $\\alpha$ ends at the interpolator of least <penalty>, summed over "
    "coordinates: <gauge> times the difference tends to the part of <coefficient>, taken in each coordinate of that "
    "interpolator, that no sample sees; the distance goes like <rate>, unless that part is zero",
    granted=GRANTED,
    printed=_LAZY,
    twins={
        "the least l1 norm": _LAZY.but(penalty=sp.Abs(B)),
        "the largest l2 norm": _LAZY.but(penalty=-(B**2)),
        "half the power": _LAZY.but(gauge=ALPHA**2, rate=ALPHA**-2),
        "a power a tenth larger": _LAZY.but(gauge=ALPHA ** sp.Rational(41, 10), rate=ALPHA ** -sp.Rational(41, 10)),
        "a power a tenth smaller": _LAZY.but(gauge=ALPHA ** sp.Rational(39, 10), rate=ALPHA ** -sp.Rational(39, 10)),
        "the rate alone a tenth smaller": _LAZY.but(rate=ALPHA ** -sp.Rational(39, 10)),
        "the coefficient of the penalty": _LAZY.but(coefficient=B**3 / 12),
        "of the other sign": _LAZY.but(coefficient=-(B**3) / 24),
        "another power of the predictor": _LAZY.but(coefficient=B**2 / 24),
    },
    siblings={
        "three times the penalty": _LAZY.but(penalty=3 * B**2),
        "the penalty and a constant": _LAZY.but(penalty=B**2 + 1),
        "in units of the scale": _LAZY.but(gauge=SCALE**2, coefficient=B**3 / 6),
        "the rate in units of the scale": _LAZY.but(rate=SCALE**-2),
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def lazy_regime(proof: Derivation, stated: Said) -> None:
    """Section 2.1, large initialisation: any number of samples and inputs; then the rate on random problems."""
    _minimises_q(proof)
    _same_up_to_scale(proof, stated.penalty, B**2, B)
    proof.argue("the interpolator of least l2 norm is the one in the row space of the samples", Theorem.KKT)
    _weights_stay_bounded(proof)
    with proof.lemma("what a weight exceeds its place in the row space by, in units of the scale"):
        form = T * (3 * T**2 + 3 * T**4 + T**6) / (ROOT**3 * (ROOT**3 + 1))
        proof.positive_by_taylor("it is below a cube", BELOW_CUBE, T, 2, form)
        form = T**4 / (2 * ROOT**2 * (1 + ROOT) ** 2) + T**6 / (2 * ROOT**2)
        proof.positive_by_taylor("and above the cube less a smaller power", ABOVE_CUBE, T, 1, form)
    text = "a weight is its place in the row space and that excess; the least interpolator lies in the row space, and two "
    text += "interpolators differ off it only: these two differ by the part of the excess that is off the row space"
    proof.argue(text, Theorem.LINEARITY)
    in_units = {ALPHA: sp.sqrt(K / 2)}
    cube = (stated.coefficient.subs(B, K * T) / stated.gauge).subs(in_units)
    proof.equal("the coefficient over the gauge is the cube, in units of the scale", cube, K * T**3 / 6)
    proof.argue(
        "so the gauge times the difference tends to the coefficient's part, as weights over the scale vanish", Theorem.SQUEEZE
    )
    gauge, rate = (part / part.subs(ALPHA, 1) for part in (stated.gauge, stated.rate))
    proof.equal("the rate is the inverse of the gauge, up to a number", gauge * rate, 1)
    proof.positive("it is a distance", stated.rate)
    _measured_at_large_scales(proof, float(_power(stated.rate)))


def _weights_stay_bounded(proof: Derivation) -> None:
    """The endpoint has no larger penalty than the least l2 interpolator, and so not much more length."""
    near_bounds(proof)
    share = sp.Rational(11, 12)
    text = "up to the scale the penalty is at least a share of the square"
    proof.positive_between(text, UNIT - share * T**2, T, 0, 1, known=ABOVE_QUARTIC)
    text = "the endpoint's penalty is no more than that of the least l2 norm, which vanishes in units of a growing scale"
    proof.argue(f"{text}, and the endpoint stays bounded", Theorem.SQUEEZE)


def _measured_at_large_scales(proof: Derivation, power: float) -> None:
    rates, scales = single_task_runs.lazy_rates(), single_task_runs.LAZY_SCALES
    drawn = f"{len(rates)} random problems of {single_task_runs.INPUTS} inputs and {single_task_runs.SAMPLES} samples"
    off = max(abs(rate.power - power) for rate in rates)
    proof.witness(
        f"the power fitted on {drawn}, at alpha from {scales[0]:g} to {scales[-1]:g}", off, single_task_runs.RATE_BUDGET
    )
    leading = max(rate.off for rate in rates)
    proof.witness("the difference there, from its leading order", leading, single_task_runs.LAZY_BUDGET)
    _flows(proof)
    fitted = [rate.power for rate in rates]
    proof.note(f"On {drawn}, none left out, the fitted powers are {min(fitted):.5g} to {max(fitted):.5g}.")


def _flows(proof: Derivation) -> None:
    scales = ", ".join(f"{scale:g}" for scale in single_task_runs.FLOW_SCALES)
    gap = single_task_runs.flow_gap()
    proof.witness(f"the integrated flow, at alpha {scales}, from these endpoints", gap, 1e-6)


EIGENVALUE = symbol("eigenvalue", r"\lambda_i", "λᵢ", positive=True)  # of X^T X
WEIGHT = symbol("ridge", r"\lambda", "λ", positive=True)
_RIDGE = Said(weight=WEIGHT, eigenvalue=EIGENVALUE, share=EIGENVALUE / (EIGENVALUE + WEIGHT))


def size_of_share(printed: Said, corrected: Said) -> str:
    """Section 2.1: what ridge regression leaves out on the paper's main task, where it is least and most."""
    import numpy as np

    squares = np.linalg.svd(setting.tasks().main.X, compute_uv=False) ** 2
    ends, weight = (sp.Float(float(squares.max())), sp.Float(float(squares.min()))), sp.Integer(1)
    missing = [number(1 - setting.value(corrected.share, {EIGENVALUE: end, WEIGHT: weight})) for end in ends]
    return (
        f"On {setting.SAMPLES} samples of {setting.INPUTS} inputs ridge regression with the weight {weight} leaves out "
        f"{missing[0]} of the interpolator in the largest direction and {missing[1]} in the smallest."
    )


@claim(
    id="lazy-ridge",
    where="section 2.1; caption of Fig. 1",
    statement="ridge regression with the weight <weight> finds the share <share> of what lazy training finds, along each "
    "eigenvector of $X^\\top X$ with a positive eigenvalue",
    printed=_RIDGE.but(share=sp.Integer(1)),
    corrected=_RIDGE,
    corrected_statement="along an eigenvector of $X^\\top X$ with the eigenvalue <eigenvalue>, ridge regression with the "
    "weight <weight> finds the share <share> of what lazy training finds, the interpolator of least $\\ell_2$ norm: all of "
    "it in the limit of a vanishing weight, and less before; linear probing from equal weights finds it exactly, whatever "
    "their size",
    size=size_of_share,
    reads=("ridge regression adds the weight times the squared norm of the predictor to the summed squared error",),
    twins={
        "half as much": _RIDGE.but(share=_RIDGE.share / 2),
        "as if the weight were the eigenvalue": _RIDGE.but(share=sp.Rational(1, 2)),
        "what is missing": _RIDGE.but(share=WEIGHT / (EIGENVALUE + WEIGHT)),
        "twice the weight": _RIDGE.but(share=EIGENVALUE / (EIGENVALUE + 2 * WEIGHT)),
        "by the singular value, not its square": _RIDGE.but(share=sp.sqrt(EIGENVALUE) / (sp.sqrt(EIGENVALUE) + WEIGHT)),
    },
    siblings={
        "three times the weight": _RIDGE.but(weight=3 * WEIGHT, share=EIGENVALUE / (EIGENVALUE + 3 * WEIGHT)),
        "the square of the weight": _RIDGE.but(weight=WEIGHT**2, share=EIGENVALUE / (EIGENVALUE + WEIGHT**2)),
    },
    expected=Verdict.CORRECTED,
    source="Lindsey & Lippl 2024, section 2.1",
)
def lazy_ridge(proof: Derivation, stated: Said) -> None:
    """Section 2.1, "equivalent to ridge regression": in the limit of a vanishing weight only; any samples and inputs."""
    found = symbol("c_i", r"c_i", "cᵢ", real=True)  # component of ridge regression, in units of the interpolator's
    proof.argue("the summed squared error is a sum over eigenvectors, and so is the squared norm", Theorem.SPECTRAL)
    objective = stated.eigenvalue * (found - 1) ** 2 + stated.weight * found**2
    slope = sp.diff(objective, found).subs(found, stated.share)
    holds = proof.equal("the slope of both, in units of the interpolator's component, at the share", slope, 0)
    proof.positive("both are strictly convex, so that no other component is as good", sp.diff(objective, found, 2))
    if not holds:
        return
    proof.equal("with a vanishing weight all of it is found", stated.share.subs(WEIGHT, 0), 1)
    proof.positive("and less with any other", 1 - stated.share, sp.factor(1 - stated.share))
    _probing_finds_it(proof)
    share, weight = sp.lambdify((EIGENVALUE, WEIGHT), stated.share), sp.lambdify(WEIGHT, stated.weight)
    gap = single_task_runs.ridge_gap(share, weight)
    proof.witness("ridge regression by its normal equations, on random problems", gap, single_task_runs.RIDGE_BUDGET)


def _probing_finds_it(proof: Derivation) -> None:
    """Linear probing moves v by the row space of the features: beta by w_+^2 + w_-^2 times that of X, from beta(0)."""
    first = sp.Symbol("w", positive=True)
    proof.equal("from equal weights the predictor starts at", first * ALPHA - first * ALPHA, 0)
    moved = first * (first * X) - first * (-first * X)
    proof.equal(
        "the readouts' flow moves it by a pull of the samples, times the same number in each coordinate",
        moved,
        2 * first**2 * X,
    )
    proof.argue("so it ends in the row space, at the interpolator of least norm", Theorem.KKT)
    text = "the package's linear probing from equal weights of several sizes, from the least norm"
    proof.witness(text, single_task_runs.probing_gap(), 1e-12)


STEEPEST = symbol("steepest", "m", "m", positive=True)  # largest size of a dual slope at an unused input
SHIFT = symbol("shift", "c", "c", real=True)  # what the used inputs' sizes add to an unused one's place
Z = symbol("z", positive=True)
_RICH = Said(penalty=SIZE, rate=ALPHA ** (2 - 2 * STEEPEST))


@claim(
    id="rich-l1",
    where="section 2.1; Woodworth et al. 2020",
    statement="as $\\alpha$ vanishes, flow from weights $\\alpha$ ends at the interpolator of least <penalty>, summed over "
    "coordinates, if there is only one; if that uses as many inputs as there are samples, the distance goes like <rate>, "
    "where $m$ is the largest size of the dual's slope at an input that it does not use",
    granted=GRANTED,
    reads=("the slope of an input is its product with the multipliers of the samples; its size is below that of used inputs",),
    printed=_RICH,
    twins={
        "the least l2 norm": _RICH.but(penalty=SIZE**2),
        "the largest l1 norm": _RICH.but(penalty=-SIZE),
        "half the power, as if the scale were alpha": _RICH.but(rate=ALPHA ** (1 - STEEPEST)),
        "a power a tenth larger": _RICH.but(rate=ALPHA ** (2 - 2 * STEEPEST + sp.Rational(1, 10))),
        "a power a tenth smaller": _RICH.but(rate=ALPHA ** (2 - 2 * STEEPEST - sp.Rational(1, 10))),
        "the slope with the other sign": _RICH.but(rate=ALPHA ** (2 + 2 * STEEPEST)),
        "without the slope": _RICH.but(rate=ALPHA**2),
    },
    siblings={
        "three times the penalty": _RICH.but(penalty=3 * SIZE),
        "the penalty and a constant": _RICH.but(penalty=SIZE + 1),
        "the rate in units of the scale": _RICH.but(rate=SCALE ** (1 - STEEPEST)),
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def rich_regime(proof: Derivation, stated: Said) -> None:
    """Section 2.1, small initialisation: any number of samples and inputs; then the rate on random problems."""
    _minimises_q(proof)
    _same_up_to_scale(proof, stated.penalty, SIZE, SIZE)
    _tends_to_l1(proof)
    log = sp.log(1 / K)
    text = "a used input's place is the logarithm of its size over the scale, up to what vanishes with that"
    proof.equal(text, sp.asinh(1 / X) - sp.log(2 / X), sp.log((1 + FAR_ROOT) / 2), by=logarithms)
    proof.equal("at a vanishing scale", sp.log((1 + FAR_ROOT) / 2).subs(X, 0), 0)
    text = "used inputs' places fix the multipliers, and so an unused one's: its slope times the logarithm of the inverse scale"
    proof.argue(f"{text}, and a number that tends to a limit", Theorem.LINEARITY)
    weight = K * sp.sinh(STEEPEST * log + SHIFT)
    form = K ** (1 - STEEPEST) * (sp.exp(SHIFT) - K ** (2 * STEEPEST) * sp.exp(-SHIFT)) / 2
    proof.equal("the weight of an unused input is then", weight, form)
    proof.argue("those of the used inputs are off by what makes up for them in the samples", Theorem.LINEARITY)
    order = (K ** (1 - STEEPEST)).subs(K, SCALE)
    proof.equal(
        "the largest of them, in units of its value at weights of size one, goes like the rate",
        stated.rate / stated.rate.subs(ALPHA, 1),
        order / order.subs(ALPHA, 1),
    )
    proof.positive("which is a distance", stated.rate)
    _measured_at_small_scales(proof, sp.lambdify(STEEPEST, _power(stated.rate)))


def _tends_to_l1(proof: Derivation) -> None:
    """Half the penalty is log(1/k) |beta| and a bounded function of beta, up to k."""
    with proof.lemma("half the Q penalty is the l1 norm times the logarithm of the inverse scale, and what stays bounded"):
        far_form(proof)
        rest = 2 * X - FAR_GAP
        form = 2 * (1 + 1 / (FAR_ROOT + X)) / (1 + FAR_ROOT)
        proof.positive_by_taylor("with x the scale over a weight, a rest is positive", rest, X, 1, form)
        b = K / X
        bounded = b * (sp.log(2 * b) - 1)
        text = "half the penalty is the weight times that logarithm, a function of the weight, and half of it times the rest"
        proof.equal(text, penalty(b, K) / 2, b * sp.log(1 / K) + bounded + b * rest / 2, by=logarithms)
        gap = sp.Symbol("u", positive=True)
        proof.positive("which is below the scale", K - b * rest / 2, b * gap / 2, {gap: FAR_GAP})
        for sign, name in ((1, "above"), (-1, "below")):
            s = sp.exp(sign * Z)
            text = f"the function is least for a weight of a half: what it exceeds that by, doubled, {name} it"
            proof.positive_by_taylor(text, s * sp.log(s) - s + 1, Z, 1, Z * sp.exp(sign * Z))
    text = "the endpoint's l1 norm exceeds the least by a bounded number over the logarithm, so by less and less"
    proof.argue(text, Theorem.SQUEEZE)
    proof.argue(
        "so every limit point has the least l1 norm: if there is one such interpolator, it is the limit", Theorem.COMPACTNESS
    )


def _measured_at_small_scales(proof: Derivation, power: Any) -> None:
    rates = single_task_runs.rich_rates()
    drawn = f"{len(rates)} random problems of {single_task_runs.INPUTS} inputs and {single_task_runs.SAMPLES} samples"
    stated = [float(power(rate.steepest)) for rate in rates]
    off = max(abs(rate.power - expected) for rate, expected in zip(rates, stated, strict=True))
    text = (
        f"the power fitted on {drawn}, down to distances of {single_task_runs.NEAREST:g} or alpha {single_task_runs.SMALLEST:g}"
    )
    proof.witness(text, off, single_task_runs.RATE_BUDGET)
    _flows(proof)
    proof.note(
        f"On {drawn}, none left out, the powers run from {min(stated):.2g} to {max(stated):.2g} and are met to {off:.2g}: the "
        "smaller a problem's power, the smaller the weights at which its least l1 norm shows."
    )


if __name__ == "__main__":
    sys.exit(run_alone())
