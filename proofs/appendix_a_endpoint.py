"""Appendix A: the penalty that the endpoint of the flow minimises, and what pretraining leaves behind."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import sympy as sp

from normtheory import exact
from normtheory.audit.alone import run_alone
from normtheory.audit.claims import Verdict, claim
from normtheory.audit.derivation import Derivation
from normtheory.proofs import experiments, setting
from normtheory.proofs.appendix_a import SOURCE, Expression
from normtheory.proofs.appendix_a_predictor import SAME_START, SQUARES, V0, W0, P, predictor, solution, solve_the_flow
from normtheory.proofs.setting import number


def _q(z: Expression) -> Expression:
    return 2 - sp.sqrt(4 + z**2) + z * sp.asinh(z / 2)


def printed_penalty(beta: Expression, w: Expression, v: Expression) -> Expression:
    """Eq. 21 for one coordinate, as printed."""
    return (w**2 + v**2) * _q(2 * beta / (w**2 + v**2))


@claim(
    id="eq21",
    where="Eq. 21 (Appendix A)",
    statement=r"\beta(\infty) = \arg\min_{X\beta=y}\ \sum_d \big((w_0)_d^{(1)\,2} + (w_0)_d^{(2)\,2}\big)\,"
    r"q\Big(\tfrac{2\beta_d}{(w_0)_d^{(1)\,2} + (w_0)_d^{(2)\,2}}\Big)",
    assumptions=(SAME_START, "some weight of every coordinate is not 0", "the flow reaches zero training error"),
    printed=printed_penalty,
    twins={
        "the argument of q without its 2": lambda beta, w, v: (w**2 + v**2) * _q(beta / (w**2 + v**2)),
        "scale twice the product of the layers": lambda beta, w, v: 2 * w * v * _q(2 * beta / (2 * w * v)),
        "half the scale": lambda beta, w, v: (w**2 + v**2) / 2 * _q(4 * beta / (w**2 + v**2)),
        "l2": lambda beta, w, v: beta**2,
    },
    expected=Verdict.PROVED,
    source=SOURCE + "; Woodworth et al. 2020, Appendix D",
)
def mirror_penalty(proof: Derivation, penalty: Callable[..., Expression]) -> None:
    """Eq. 21: at the endpoint the penalty's gradient lies in the row space of X, and the penalty is strictly convex."""
    solve_the_flow(proof)
    endpoint = SQUARES * sp.sinh(-4 * P)
    proof.equal("the predictor at the end, Eq. 20", predictor(), endpoint)
    b = sp.Symbol("b", real=True)
    w, v = sp.symbols("w v", positive=True)
    slope = sp.diff(penalty(b, w, v), b)
    proof.equal(
        "the gradient there is -8 p = X^T (-8 int r) in every coordinate, whatever its weights: in the row space of X",
        slope.subs(b, (w**2 + v**2) * sp.sinh(-4 * P)),
        -8 * P,
    )
    scale = w**2 + v**2
    curvature = 2 / sp.sqrt(b**2 + scale**2)
    proof.equal("the second derivative", sp.diff(slope, b), curvature)
    proof.positive("is positive: the penalty is strictly convex", curvature, curvature)
    row_space_is_enough(proof)


def row_space_is_enough(proof: Derivation) -> None:
    """KKT conditions, two samples and three inputs: with gradient X^T nu, no feasible direction has a first-order effect."""
    X = sp.Matrix(2, 3, sp.symbols("X_11 X_12 X_13 X_21 X_22 X_23", real=True))
    nu = sp.Matrix(sp.symbols("nu_1 nu_2", real=True))
    difference = sp.Matrix(sp.symbols("delta_1:4", real=True))
    proof.equal(
        "a gradient X^T nu changes the penalty along delta by nu . X delta, which is 0 between two interpolators; "
        "with strict convexity the endpoint is the only minimiser",
        ((X.T * nu).T * difference)[0],
        (nu.T * (X * difference))[0],
    )


@claim(
    id="mirror",
    where="Appendix A, before Eq. 21",
    statement=r"X\beta(\infty)=y\ \Rightarrow\ \beta(\infty)\ \text{minimises Eq. 21 among all}\ \beta\ \text{with}\ X\beta=y",
    assumptions=(SAME_START, "some weight of every coordinate is not 0", "the flow reaches zero training error"),
    printed=(printed_penalty, sp.Integer(0)),
    twins={
        "half the scale": (lambda beta, w, v: printed_penalty(beta, w / sp.sqrt(2), v / sp.sqrt(2)), sp.Integer(0)),
        "the scale of the first layer alone": (lambda beta, w, v: w**2 * _q(2 * beta / w**2), sp.Integer(0)),
        "l2": (lambda beta, w, v: beta**2, sp.Integer(0)),
        "without the common start: w_+^2 v_+^2 exceeds w_-^2 v_-^2": (printed_penalty, sp.Rational(1, 2)),
    },
    expected=Verdict.PROVED,
    source=SOURCE + "; Woodworth et al. 2020, Appendix D",
)
def limit_minimises(proof: Derivation, stated: tuple[Callable[..., Expression], Expression]) -> None:
    """Appendix A, last step: the KKT conditions hold at the limit, and suffice; then trained networks.

    A shift of the start away from w_+ = w_- adds a constant to the argument of sinh.
    """
    penalty, shift = stated
    solve_the_flow(proof)
    b, x = sp.symbols("b x", real=True)
    w, v = sp.symbols("w v", positive=True)
    endpoint = (w**2 + v**2) * sp.sinh(shift - 4 * P * x)
    slope = sp.diff(penalty(b, w, v), b).subs(b, endpoint)
    stationary = proof.equal("the gradient at the limit is X^T (-8 int r): one sample with entry x", slope, -8 * P * x)
    curvature = sp.diff(penalty(b, w, v), b, 2)
    form = 2 / sp.sqrt(b**2 + (w**2 + v**2) ** 2)
    if stationary:
        proof.equal("the second derivative", curvature, form)
        proof.positive("is positive", form, form)
        row_space_is_enough(proof)
        deviation = experiments.common_starts()
        proof.witness("flows from random common starts end at the minimiser of Eq. 21", deviation, experiments.FLOW_BUDGET)
        proof.note(f"Flows from random common starts end within {deviation:.1e} (relative) of the minimiser of Eq. 21.")


A, ALPHA, Z = sp.Symbol("a", real=True), sp.Symbol("alpha", positive=True), sp.Symbol("z", real=True)


def after_pretraining(proof: Derivation) -> Expression:
    """Appendix A: from a constant start pretraining grows one pathway by exp(z) and shrinks the other by as much.

    Returns R = sqrt(a^2 + 4 alpha^4), in which w_+^2 = (R + a)/2 and w_-^2 = (R - a)/2.
    """
    start = {W0: ALPHA, V0: ALPHA}
    solve_the_flow(proof)
    shrinks, grows = (solution()[name].subs(start) for name in ("s_+", "s_-"))
    plus, minus = ALPHA * sp.exp(Z), ALPHA * sp.exp(-Z)
    at_end = {P: -Z / 2}
    proof.equal("w_+ = v_+ = s_+ after pretraining, with z = -2p", shrinks.subs(at_end), plus)
    proof.equal("w_- = v_- = s_-", grows.subs(at_end), minus)
    for name in ("d_+", "d_-"):
        proof.equal(f"{name} stays 0: the layers stay equal", solution()[name].subs(start), 0)
    root = sp.sqrt(A**2 + 4 * ALPHA**4)
    reached = {Z: sp.asinh(A / (2 * ALPHA**2)) / 2}
    proof.equal("beta_aux = a is reached at z = arcsinh(a/(2 alpha^2))/2", (plus**2 - minus**2).subs(reached), A, by=as_roots)
    proof.equal("where w_+^2 = (R + a)/2, R = sqrt(a^2 + 4 alpha^4)", (plus**2).subs(reached), (root + A) / 2, by=as_roots)
    proof.equal("and w_-^2 = (R - a)/2", (minus**2).subs(reached), (root - A) / 2, by=as_roots)
    return root


def pretrained(beta_aux: Expression, pathway: int) -> float:
    """First-layer weight of a pathway, +1 or -1, after pretraining from the paper's alpha."""
    weights = exact.pretraining(float(beta_aux), float(setting.ALPHA))
    return float((weights.w_plus if pathway > 0 else weights.w_minus)[0])


def size_of_imbalance(relation: Callable[..., Any], _: Callable[..., Any]) -> str:
    """Appendix A: both sides of the printed equality after the paper's pretraining."""
    left, right = relation(pretrained(setting.WEIGHT, 1), pretrained(setting.WEIGHT, -1), setting.WEIGHT)
    bare = pretrained(sp.Integer(0), 1)
    return (
        f"On the {setting.FEATURES} learned features, |beta_aux| = {number(setting.WEIGHT)} from alpha = "
        f"{number(setting.ALPHA)}, the two are {left:.3g} and {right:.3g}, apart by a factor of {left / right:.3g}; "
        f"only on the {setting.INPUTS - setting.FEATURES} others are they equal, both {bare:.3g}."
    )


@claim(
    id="stationarity",
    where="Appendix A, before Eq. 18, as used for finetuning",
    statement=r"w_+(0) = w_-(0)\ \text{at the start of finetuning}",
    assumptions=("pretraining started from the constant alpha in all weights", r"its predictor is \beta^{aux}"),
    printed=lambda plus, minus, a: (plus, minus),
    control=("w_+^2 - w_-^2 = beta_aux", lambda plus, minus, a: (plus**2 - minus**2, a)),
    size=size_of_imbalance,
    twins={
        "equal up to sign": lambda plus, minus, a: (plus, -minus),
        "equal squares, |beta_aux| each": lambda plus, minus, a: (plus**2, sp.Abs(a)),
        "w_+^2 - w_-^2 = -beta_aux": lambda plus, minus, a: (plus**2 - minus**2, -a),
    },
    expected=Verdict.REFUTED,
    source="Lindsey & Lippl 2024, Appendix A",
)
def same_start(proof: Derivation, relation: Callable[..., tuple[Expression, Expression]]) -> None:
    """Appendix A: the two first layers after pretraining, compared."""
    root = after_pretraining(proof)
    left, right = relation(sp.sqrt((root + A) / 2), sp.sqrt((root - A) / 2), A)
    proof.equal("the relation stated, for every beta_aux", left, right)


Pathways = tuple[Expression, Expression]


def size_of_pathways(printed: Pathways, corrected: Pathways) -> str:
    """Appendix A, after Eq. 21: both pathways of a learned feature, and of one that was not."""
    learned, other = ({A: aux, ALPHA: setting.ALPHA} for aux in (setting.WEIGHT, sp.Integer(0)))
    (plus, minus), (true_plus, true_minus) = (
        [setting.value(weight, learned) for weight in stated] for stated in (printed, corrected)
    )
    said, found = (setting.value(stated[1], other) for stated in (printed, corrected))
    return (
        f"On a learned feature, beta_aux = {number(setting.WEIGHT)} from alpha = {number(setting.ALPHA)}, the plus pathway "
        f"holds {number(true_plus)} as printed, but the minus pathway {number(true_minus)}, not {number(minus)}. The printed "
        f"two would cancel to a predictor of {number(plus**2 - minus**2)}, and their w_+^2 + w_-^2 is "
        f"{number(plus**2 + minus**2)}, not {number(true_plus**2 + true_minus**2)}: hence the doubled scale of Eq. 3. "
        f"On the other inputs both hold {number(found)}, not {number(said)}."
    )


@claim(
    id="balanced",
    where="Appendix A, after Eq. 21",
    statement=r"\text{after pretraining}\ (w_0)^{(1)}_d = \sqrt{|\beta^{aux}_d|}\ \text{in both pathways}",
    assumptions=("pretraining started from the constant alpha in all weights", r"its predictor is \beta^{aux}"),
    printed=(sp.sqrt(sp.Abs(A)), sp.sqrt(sp.Abs(A))),
    corrected=(
        sp.sqrt((sp.sqrt(A**2 + 4 * ALPHA**4) + A) / 2),
        sp.sqrt((sp.sqrt(A**2 + 4 * ALPHA**4) - A) / 2),
    ),
    corrected_statement=r"w_{\pm}^{(1)} = \sqrt{(R\pm\beta^{aux})/2},\ R = \sqrt{(\beta^{aux})^2+4\alpha^4}:\ "
    r"\text{for}\ \beta^{aux}>0\ w_+^2-\beta^{aux} = w_-^2,\ \frac{\alpha^4}{\beta^{aux}+\alpha^2} < w_-^2 "
    r"< \frac{\alpha^4}{\beta^{aux}}",
    size=size_of_pathways,
    twins={
        "pathways exchanged": (
            sp.sqrt((sp.sqrt(A**2 + 4 * ALPHA**4) - A) / 2),
            sp.sqrt((sp.sqrt(A**2 + 4 * ALPHA**4) + A) / 2),
        ),
        "half of |beta_aux| in each": (sp.sqrt(sp.Abs(A) / 2), sp.sqrt(sp.Abs(A) / 2)),
        "sqrt|beta_aux| and 0, the limit alpha -> 0": (sp.sqrt(sp.Abs(A)), sp.Integer(0)),
        "alpha^2 for 2 alpha^2 under the root": (
            sp.sqrt((sp.sqrt(A**2 + ALPHA**4) + A) / 2),
            sp.sqrt((sp.sqrt(A**2 + ALPHA**4) - A) / 2),
        ),
    },
    expected=Verdict.CORRECTED,
    source="Lindsey & Lippl 2024, Appendix A",
)
def layers_after_pretraining(proof: Derivation, stated: tuple[Expression, Expression]) -> None:
    """Appendix A, after Eq. 21: one pathway carries beta_aux and the other dies; both never hold sqrt|beta_aux|."""
    root = after_pretraining(proof)
    plus_holds = proof.equal("w_+^2, as stated", (root + A) / 2, stated[0] ** 2)
    minus_holds = proof.equal("w_-^2, as stated", (root - A) / 2, stated[1] ** 2)
    if not (plus_holds and minus_holds):
        return
    a, far = sp.Symbol("a_0", positive=True), sp.Symbol("rho", positive=True)
    dying = (root.subs(A, a) - a) / 2
    proof.equal(
        "for beta_aux = a_0 > 0 the pathway that carries it exceeds it by the other one", dying + a, (root.subs(A, a) + a) / 2
    )
    proof.equal("which is 2 alpha^4/(R + a_0)", dying * (root.subs(A, a) + a), 2 * ALPHA**4)
    excess = root.subs(A, a) - a
    proof.positive_by_taylor("R exceeds a_0", excess.subs(ALPHA**4, far), far, 1, sp.diff(excess.subs(ALPHA**4, far), far))
    below = (a + 2 * ALPHA**2) - root.subs(A, a)
    proof.positive("and is below a_0 + 2 alpha^2", below, 4 * a * ALPHA**2 / (a + 2 * ALPHA**2 + root.subs(A, a)))


def as_roots(expression: Expression) -> Expression:
    """Write exp(arcsinh x) as x + sqrt(1 + x^2)."""
    expression = expression.rewrite(sp.exp).replace(sp.asinh, lambda x: sp.log(x + sp.sqrt(1 + x**2)))
    return sp.simplify(sp.powdenest(sp.expand(expression), force=False))


if __name__ == "__main__":
    sys.exit(run_alone())
