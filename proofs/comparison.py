"""Section 3.3: the two penalties compared. What "proportional", "sensitive" and "larger" say is turned into numbers first.

The order of a penalty in beta is d log P/d log|beta|: 2 for an l2 penalty, 1 for l1. Its dependence on a feature is
d log P/d log k, or d log P/d log|beta_aux|. Q and the l1,2 excess are homogeneous of degree one: order + dependence = 1.
"""

from __future__ import annotations

import sys
from typing import Any

import mpmath
import sympy as sp

from normtheory.audit.alone import run_alone
from normtheory.audit.claims import Verdict, claim
from normtheory.audit.derivation import Derivation
from normtheory.proofs import setting
from normtheory.proofs.finetuning_limits import SLOPE, large_weights, size_of_weight, slopes_of_new_features, small_weights
from normtheory.proofs.finetuning_limits import Weighted as QWeight
from normtheory.proofs.one_output import GAMMA
from normtheory.proofs.parameter_norm import EXCESS, WHOLE, A, B, large_ratio, size_of_limit, small_ratio
from normtheory.proofs.q_facts import ROOT, UNIT, K, T, penalty, unit_form
from normtheory.proofs.setting import number, percent

Expression = Any

SOURCE = "Lindsey & Lippl 2024, section 3.3"
EQ3 = "the Q penalty of Eq. 3 with k = |beta_aux| + gamma^2"

HALF = T * sp.asinh(T) - ROOT + 1  # h/2
RISE = ROOT - 1  # the order of Q is 1 + RISE/HALF


def order_of_q(proof: Derivation) -> None:
    """Eq. 3: the order of Q at the ratio t = |b|/k, and that it falls from 2 to 1."""
    unit_form(proof)
    proof.equal("the order of Q is 1 + (s - 1)/H, H = h/2 and s = sqrt(1 + t^2)", T * sp.diff(sp.log(UNIT), T), 1 + RISE / HALF)
    proof.positive_by_taylor("H is positive", HALF, T, 2, 1 / ROOT)
    gap = T - sp.asinh(T)
    proof.positive_by_taylor("t exceeds arcsinh t", gap, T, 1, T**2 / (ROOT * (1 + ROOT)))
    fall = sp.diff(RISE, T) * HALF - RISE * sp.diff(HALF, T)
    u = sp.Symbol("u", positive=True)
    proof.positive(
        "so the order falls with the ratio: minus the numerator of its derivative",
        -fall,
        T**2 / (ROOT * (1 + ROOT)) * u,
        {u: gap},
        {T: T},
    )


def order_at(ratio: Any) -> Expression:
    """Order of Q at a ratio, exactly."""
    return (1 + RISE / HALF).subs(T, sp.sympify(ratio))


def ratio_of_order(order: float) -> float:
    """The ratio |b|/k at which Q has the given order."""
    with mpmath.workdps(30):
        excess = sp.lambdify(T, sp.log(RISE / HALF / sp.Rational(str(order - 1)).limit_denominator(10**6)), "mpmath")
        return float(mpmath.exp(mpmath.findroot(lambda u: excess(mpmath.exp(u)), (0, 20), solver="anderson", tol=1e-20)))


def size_of_decrease(printed: tuple[Expression, Expression], corrected: tuple[Expression, Expression]) -> str:
    """Section 3.3: both penalties of one main weight, with and without the feature in the auxiliary task."""
    changes = []
    for penalised in (printed[0], corrected[0], corrected[1]):
        at = [{A: aux, B: setting.WEIGHT, GAMMA: setting.GAMMA} for aux in (sp.Integer(0), setting.WEIGHT)]
        changes.append([setting.value(penalised, place) for place in at])
    (whole, higher), (excess, lower), (alone, reused) = changes
    weight = number(setting.WEIGHT)
    return (
        f"For |beta| = {weight}, as |beta_aux| goes from 0 to {weight}, the MTL penalty rises from {number(whole)} to "
        f"{number(higher)}, by {percent(higher / whole - 1)}; its excess falls from {number(excess)} to {number(lower)}, "
        f"by {percent(1 - lower / excess)}, the PT+FT penalty from {number(alone)} to {number(reused)}."
    )


@claim(
    id="both-decrease",
    where="section 3.3",
    statement=r"\text{both penalties decrease as}\ |\beta^{aux}_d|\ \text{increases}",
    assumptions=(EQ3, "the MTL penalty of Eq. 5", "beta is not 0"),
    printed=(WHOLE, penalty(B, A + GAMMA**2)),
    corrected=(EXCESS, penalty(B, A + GAMMA**2)),
    corrected_statement=r"\frac{\partial}{\partial|\beta^{aux}|}2\sqrt{\beta^2+(\beta^{aux})^2} > 0;\ "
    r"\text{what decreases is the excess over}\ 2|\beta^{aux}|,\ \text{and}\ \|\beta\|_Q",
    size=size_of_decrease,
    twins={
        "the excess over |beta_aux|": (WHOLE - A, penalty(B, A + GAMMA**2)),
        "the excess, and Q at the scale 1/(|beta_aux| + gamma^2)": (EXCESS, penalty(B, 1 / (A + GAMMA**2))),
        "the excess over 2|beta|": (WHOLE - 2 * B, penalty(B, A + GAMMA**2)),
    },
    expected=Verdict.CORRECTED,
    source=SOURCE,
)
def both_decrease(proof: Derivation, stated: tuple[Expression, Expression]) -> None:
    """Section 3.3: the derivatives of both penalties in |beta_aux|."""
    mtl, q = stated
    root, k = sp.sqrt(A**2 + B**2), A + GAMMA**2
    proof.positive("MTL: minus the derivative", -sp.diff(mtl, A), 2 * B**2 / (root * (root + A)))
    proof.positive("PT+FT: minus the derivative", -sp.diff(q, A), 2 * B**2 / (k * (sp.sqrt(B**2 + k**2) + k)))


Limits = tuple[Expression, tuple[Expression, Expression | None]]


def size_of_proportionality(printed: Limits, corrected: Limits) -> str:
    """Section 3.3, large ratio: both penalties over |beta|, on features of the main task alone."""
    order = setting.value(order_at(setting.WEIGHT / setting.GAMMA**2))
    factor = setting.value(printed[0] / B)
    return (
        f"{slopes_of_new_features(corrected[1])}, its order being {order:.3g} at the latter. The MTL penalty of such a feature "
        f"is {factor:.3g} |beta| at both, as printed."
    )


@claim(
    id="both-l1",
    where="section 3.3",
    statement=r"|\beta|/(|\beta^{aux}|+\gamma^2)\to\infty:\ \text{both penalties are proportional to}\ |\beta|",
    assumptions=(EQ3, "the MTL penalty of Eq. 5", "the factor may depend on beta_aux, not on beta"),
    printed=(2 * B, (SLOPE, None)),
    corrected=(2 * B, (2 * (sp.log(2 * T) - 1), sp.Integer(2))),
    corrected_statement=r"\text{MTL tends to}\ 2|\beta|;\ \|\beta\|_Q\ \text{to}\ 2|\beta|(\log(2|\beta|/k)-1)+2k,\ "
    r"\text{above every multiple of}\ |\beta|;\ \text{its order is}\ 1+\epsilon,\ 0<\epsilon<\frac1{\log(2|\beta|/k)-1}",
    size=size_of_proportionality,
    twins={
        "MTL tends to |beta|": (B, (2 * (sp.log(2 * T) - 1), sp.Integer(2))),
        "half the slope of Q": (2 * B, (sp.log(2 * T) - 1, sp.Integer(2))),
        "Q with the slope 2 log(2|beta|/k)": (2 * B, (2 * sp.log(2 * T), sp.Integer(2))),
    },
    expected=Verdict.CORRECTED,
    source=SOURCE,
)
def both_l1(proof: Derivation, stated: Limits) -> None:
    """Section 3.3, large ratio: MTL is l1 up to the squared inverse ratio, Q only up to a logarithm."""
    limit, slope = stated
    large_ratio(proof, (limit, A**2 / B))
    large_weights(proof, slope)
    if slope[1] is None:
        return
    order_of_q(proof)
    y, u, far = sp.Symbol("y", positive=True), sp.Symbol("u", positive=True), sp.sqrt(1 + A**2)
    gap = sp.log((1 + far) / 2)
    proof.positive_by_taylor(
        "arcsinh t - log 2t = log((1 + sqrt(1 + a^2))/2), a = 1/t, is positive", gap, A, 1, A / (far * (1 + far))
    )
    bound = HALF - RISE * (sp.log(2 * T) - 1)
    root = sp.sqrt(1 + (1 + y) ** 2)
    form = (1 + y) * u + 2 * (1 + y) / (2 + y + root) * sp.log(2 * (1 + y))
    proof.positive(
        "H > (s - 1)(log 2t - 1) at t = 1 + y, the bound on the order",
        bound.subs(T, 1 + y),
        form,
        {u: gap},
        {A: 1 / (1 + y)},
        by=lambda e: _as_logarithms(e, y),
    )


def _as_logarithms(expression: Expression, y: Expression) -> Expression:
    """Write arcsinh(1 + y) as log((1 + y) + sqrt(1 + (1 + y)^2)), with one root and expanded logarithms."""
    root, s = sp.sqrt(1 + (1 + y) ** 2), sp.Symbol("s", positive=True)
    expression = expression.replace(sp.asinh, lambda x: sp.log(1 + y) + sp.log(1 + sp.sqrt(1 + (1 + y) ** -2)))
    expression = expression.subs(sp.sqrt(1 + (1 + y) ** -2), root / (1 + y))
    expression = sp.expand_log(expression.replace(sp.log, lambda x: sp.log(sp.factor(x))), force=True)
    expression = sp.expand(sp.numer(sp.together(expression.subs(root, s))))
    return sp.expand(expression.subs(s**2, 1 + (1 + y) ** 2).subs(s**3, s * (1 + (1 + y) ** 2)))


@claim(
    id="both-l2",
    where="section 3.3",
    statement=r"|\beta|/(|\beta^{aux}|+\gamma^2)\to 0:\ \text{both penalties are proportional to}\ \beta^2/|\beta^{aux}|",
    assumptions=(EQ3, "the MTL penalty of Eq. 5", "beta_aux is not 0, gamma > 0"),
    printed=((WHOLE, 1 / A), QWeight(1 / A)),
    corrected=((EXCESS, 1 / A), QWeight(1 / (A + GAMMA**2))),
    corrected_statement=r"\text{the MTL excess over}\ 2|\beta^{aux}|\ \text{is}\ \frac{\beta^2}{|\beta^{aux}|}(1-\epsilon),\ "
    r"0<\epsilon<\frac{\beta^2}{4(\beta^{aux})^2};\quad \|\beta\|_Q = \frac{\beta^2}k(1-\epsilon'),\ "
    r"0<\epsilon'<\frac{\beta^2}{12k^2},\ k=|\beta^{aux}|+\gamma^2",
    size=lambda printed, corrected: f"{size_of_limit(printed[0], corrected[0])} {size_of_weight(printed[1], corrected[1])}",
    twins={
        "Q with the weight 1/|beta_aux|": ((EXCESS, 1 / A), QWeight(1 / A)),
        "the excess with twice the weight": ((EXCESS, 2 / A), QWeight(1 / (A + GAMMA**2))),
        "Q with half the weight": ((EXCESS, 1 / A), QWeight(1 / (2 * (A + GAMMA**2)))),
    },
    expected=Verdict.CORRECTED,
    source=SOURCE,
)
def both_l2(proof: Derivation, stated: tuple[tuple[Expression, Expression], QWeight]) -> None:
    """Section 3.3, small ratio: both bounds of section 3.1 and 3.2."""
    mtl, q = stated
    small_ratio(proof, mtl)
    small_weights(proof, q)


@claim(
    id="factor-two",
    where="section 3.3",
    statement=r"\text{for small initialisations the PT+FT penalty of a weight exceeds the MTL coefficient 2:}\quad "
    r"\|\beta\|_Q > 2|\beta|\ \text{whenever}\ |\beta| \ge 3k,\ k = |\beta^{aux}|+\gamma^2",
    assumptions=("small initialisation: k at most a third of the weight",),
    printed=(3, 2),
    twins={
        "whenever |beta| >= 2k": (2, 2),
        "a factor 3": (3, 3),
        "whenever |beta| >= k": (1, 2),
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def factor(proof: Derivation, stated: tuple[int, int]) -> None:
    """Section 3.3: Q/|beta| increases with the ratio, and exceeds the stated factor at the stated ratio."""
    ratio, coefficient = stated
    unit_form(proof)
    slope = 2 * RISE / T**2
    proof.equal("the derivative of h/t", sp.diff(UNIT / T, T), slope)
    proof.positive("is positive", slope, 2 / (1 + ROOT))
    surplus = (UNIT / T).subs(T, ratio) - coefficient
    if proof.positive(f"h/t exceeds {coefficient} at t = {ratio}, and hence beyond", surplus, surplus):
        meets = float(sp.nsolve(UNIT / T - coefficient, T, ratio))
        proof.note(
            f"The two meet at |beta| = {meets:.4g} k; at |beta| = 1 and gamma = 1e-3 a new feature costs "
            f"{float((UNIT / T).subs(T, 10**6).evalf()):.3g} |beta|."
        )


@claim(
    id="l12-insensitive",
    where="section 3.3",
    statement=r"\text{for}\ |\beta|>|\beta^{aux}|\ \text{the MTL penalty}\ P\ \text{quickly grows insensitive:}\quad "
    r"\frac{\partial\log P}{\partial\log|\beta^{aux}|} = \frac1{1+\rho^2} < \rho^{-2},\ \rho=|\beta|/|\beta^{aux}|",
    assumptions=("insensitive: the logarithmic derivative; quickly: like a power of the ratio",),
    printed=(WHOLE, 2),
    twins={
        "faster, like the cube": (WHOLE, 3),
        "the excess over 2|beta_aux| as fast (it falls like 1/rho)": (EXCESS, 2),
        "the Q penalty as fast": (penalty(B, A), 2),
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def insensitive(proof: Derivation, stated: tuple[Expression, int]) -> None:
    """Section 3.3: the logarithmic derivative of the MTL penalty in |beta_aux|, at the ratio t."""
    quantity, power = stated
    sensitivity = sp.Abs(A * sp.diff(sp.log(quantity), A)).subs(B, T * A)
    bound = T**-power
    holds = proof.positive(
        "the sensitivity is below the stated power of the ratio", bound - sensitivity, 1 / (T**2 * (1 + T**2))
    )
    if holds:
        proof.equal("it is", sensitivity, 1 / (1 + T**2))
        excess = A * sp.diff(sp.log(EXCESS), A)
        proof.equal("that of the excess over 2|beta_aux|", excess.subs(B, T * A), -1 / sp.sqrt(1 + T**2))
        at_three = [float(value.subs(T, 3).evalf()) for value in (sensitivity, -excess.subs(B, T * A))]
        proof.note(f"At three times |beta_aux| the penalty's sensitivity is {at_three[0]:.2g}, its excess's {at_three[1]:.2g}.")


@claim(
    id="q-sensitive",
    where="section 3.3",
    statement=r"\text{the PT+FT penalty stays sensitive well into its}\ \ell_1\text{-like range:}\quad "
    r"-\frac{\partial\log\|\beta\|_Q}{\partial\log k} > \frac1{1+\log 2\rho},\ 1\le\rho=|\beta|/k\le 10^6,\ "
    r"\text{while the MTL excess has}\ \frac1{\sqrt{1+\rho^2}}",
    assumptions=(EQ3, "sensitive: the logarithmic derivative in the scale k; well into: up to a ratio of a million"),
    printed=sp.Integer(1),
    twins={
        "twice as sensitive": sp.Integer(2),
        "1/log(2 rho), from rho = 1 on": 1 + 1 / sp.log(2 * T),
        "like rho^(1/4)/(1 + log 2 rho), as if it grew": T ** sp.Rational(1, 4),
    },
    expected=Verdict.CERTIFIED,
    source=SOURCE,
)
def sensitive(proof: Derivation, numerator: Expression) -> None:
    """Section 3.3: the sensitivity of Q in k falls like an inverse logarithm, that of the MTL excess like the inverse ratio."""
    order_of_q(proof)
    dependence = K * sp.diff(sp.log(penalty(B, K)), K)
    proof.equal("the sensitivity in k is the order less 1", -dependence.subs(B, T * K), RISE / HALF)
    margin = RISE * (1 + sp.log(2 * T)) - numerator * HALF
    proof.certified("(s - 1)(1 + log 2t) exceeds H times the stated numerator", margin, {T: (1, 10**6)})
    proof.note(
        "; ".join(
            f"at ratio {ratio}: Q {float((order_at(ratio) - 1).evalf()):.3g}, MTL excess {float((1 + ratio**2) ** -0.5):.2g}"
            for ratio in (1, 10, 100, 10**4)
        )
        + "."
    )


if __name__ == "__main__":
    sys.exit(run_alone())
