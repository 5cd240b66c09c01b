"""Theory of the Q penalty: derivatives, conjugate, limits with rates, symmetries of Eq. 3, which the rest uses.

Q_k(b) = k q(2b/k) is even in b and homogeneous of degree one in (b, k), so that inequalities are proved for b, k > 0 and for
h(t) = Q_k(kt)/k, t = b/k.
"""

from __future__ import annotations

import sys
from typing import Any

import sympy as sp

from normtheory.audit.alone import run_alone
from normtheory.audit.claims import Verdict, claim
from normtheory.audit.derivation import Derivation
from normtheory.penalties import Q

Expression = Any

B = sp.Symbol("b", real=True)
K, T, X, Y = sp.symbols("k t x y", positive=True)
SIGMA = sp.Symbol("sigma", real=True)
PENALTY = Q.expression()
SOURCE = "theory of the Q penalty; Woodworth et al. 2020 for its form"

UNIT = 2 * (T * sp.asinh(T) - sp.sqrt(1 + T**2) + 1)  # h(t)
ROOT = sp.sqrt(1 + T**2)
FAR_ROOT = sp.sqrt(1 + X**2)  # x = k/|b| is small far out, where Q is nearly linear


def penalty(b: Expression, k: Expression) -> Expression:
    """Eq. 3 at (b, k)."""
    return PENALTY.subs({B: b, K: k}, simultaneous=True)


def unit_form(proof: Derivation) -> bool:
    """Eq. 3, Q_k(kt) = k h(t)."""
    return proof.equal("by homogeneity it is enough to know h(t) = Q_k(kt)/k", penalty(K * T, K), K * UNIT)


def far_form(proof: Derivation) -> bool:
    """Eq. 3 at b = k/x: Q = (2k/x)(log(2/x) - 1) + 2k - (k/x) U(x), with U free of singularities at x = 0."""
    return proof.equal(
        "with x = k/b and s = sqrt(1 + x^2), Q is 2b(log(2b/k) - 1) + 2k less k/x times U(x) = 2(s - 1) - 2 log((1 + s)/2)",
        2 * (sp.log(2 / X) - 1) + 2 * X - penalty(K / X, K) * X / K,
        far_gap(),
        by=logarithms,
    )


def far_gap() -> Expression:
    """U(x) = 2(s - 1) - 2 log((1 + s)/2), s = sqrt(1 + x^2)."""
    return 2 * (FAR_ROOT - 1) - 2 * sp.log((1 + FAR_ROOT) / 2)


def logarithms(expression: Expression) -> Expression:
    """Write arcsinh as a logarithm, with one square root sqrt(1 + x^2) and expanded logarithms."""
    expression = expression.replace(sp.asinh, lambda z: sp.log(z + sp.sqrt(1 + z**2)))
    expression = expression.subs(sp.sqrt(1 + X**-2), FAR_ROOT / X).replace(sp.log, lambda z: sp.log(sp.factor(z)))
    return sp.expand(sp.expand_log(expression))


@claim(
    id="q-facts-derivative",
    where="theory of the Q penalty (from Eq. 3)",
    statement=r"Q_k'(b) = 2\,\mathrm{arcsinh}(b/k)",
    assumptions=("k > 0",),
    printed=2 * sp.asinh(B / K),
    twins={
        "half of it: arcsinh(b/k)": sp.asinh(B / K),
        "the argument of q: 2 arcsinh(2b/k)": 2 * sp.asinh(2 * B / K),
        "its leading term: 2b/k": 2 * B / K,
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def derivative(proof: Derivation, stated: Expression) -> None:
    """Eq. 3, first derivative."""
    proof.equal("differentiate Eq. 3 in b", sp.diff(PENALTY, B), stated)


@claim(
    id="q-facts-curvature",
    where="theory of the Q penalty (from Eq. 3)",
    statement=r"Q_k''(b) = 2/\sqrt{b^2+k^2} > 0;\quad Q_k(-b) = Q_k(b);\quad Q_k(0) = 0",
    assumptions=("k > 0",),
    printed=2 / sp.sqrt(B**2 + K**2),
    twins={
        "half of it": 1 / sp.sqrt(B**2 + K**2),
        "k doubled": 2 / sp.sqrt(B**2 + 4 * K**2),
        "without the root": 2 / (B**2 + K**2),
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def curvature(proof: Derivation, stated: Expression) -> None:
    """Eq. 3, second derivative: strictly convex, even, zero at zero."""
    proof.equal("differentiate Eq. 3 twice in b", sp.diff(PENALTY, B, 2), stated)
    proof.positive("so Q_k is strictly convex", stated, stated)
    proof.equal("Q_k is even", penalty(-B, K), PENALTY)
    proof.equal("Q_k vanishes at 0", penalty(sp.Integer(0), K), 0)


@claim(
    id="q-facts-conjugate",
    where="theory of the Q penalty (from Eq. 3)",
    statement=r"Q_k^*(\sigma) = \sup_b\,[\sigma b - Q_k(b)] = 2k(\cosh(\sigma/2) - 1) = 4k\sinh^2(\sigma/4)",
    assumptions=("k > 0",),
    printed=(2 * K * (sp.cosh(SIGMA / 2) - 1), 4 * K * sp.sinh(SIGMA / 4) ** 2),
    twins={
        "cosh(sigma) for cosh(sigma/2)": (2 * K * (sp.cosh(SIGMA) - 1), 4 * K * sp.sinh(SIGMA / 2) ** 2),
        "half of it": (K * (sp.cosh(SIGMA / 2) - 1), 2 * K * sp.sinh(SIGMA / 4) ** 2),
        "the second form with sinh^2(sigma/2)": (2 * K * (sp.cosh(SIGMA / 2) - 1), 4 * K * sp.sinh(SIGMA / 2) ** 2),
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def conjugate(proof: Derivation, stated: tuple[Expression, Expression]) -> None:
    """Eq. 3, convex conjugate: the supremum is attained where the derivative equals sigma."""
    first, second = stated
    maximiser = K * sp.sinh(SIGMA / 2)
    slope = sp.diff(PENALTY, B)
    proof.equal("the derivative of Q_k equals sigma at b = k sinh(sigma/2)", slope.subs(B, maximiser), SIGMA)
    curved = 2 / sp.sqrt(B**2 + K**2)
    proof.equal("the second derivative of Q_k", sp.diff(PENALTY, B, 2), curved)
    proof.positive("is positive, so that this point is the only maximiser of sigma b - Q_k(b)", curved, curved)
    proof.equal("the supremum is the value there", SIGMA * maximiser - penalty(maximiser, K), first)
    proof.equal("the form without cancellation", first, second)


def _series_bounds(fourth: int, sixth: int) -> tuple[Expression, Expression]:
    lower = B**2 / K - B**4 / (fourth * K**3)
    return lower, lower + B**6 / (sixth * K**5)


@claim(
    id="q-facts-series",
    where="theory of the Q penalty (from Eq. 3)",
    statement=r"0 \le Q_k(b) - \Big(\frac{b^2}{k} - \frac{b^4}{12k^3}\Big) \le \frac{b^6}{40k^5}",
    assumptions=("k > 0",),
    printed=_series_bounds(12, 40),
    twins={
        "1/13 for 1/12": _series_bounds(13, 40),
        "1/11 for 1/12": _series_bounds(11, 40),
        "1/41 for 1/40": _series_bounds(12, 41),
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def series(proof: Derivation, bounds: tuple[Expression, Expression]) -> None:
    """Eq. 3 near b = 0: two-sided bounds with the series' own coefficients."""
    lower, upper = (bound.subs({B: T, K: 1}) for bound in bounds)
    unit_form(proof)
    proof.equal("the lower bound is homogeneous too", bounds[0].subs(B, K * T), K * lower)
    proof.equal("the upper bound is homogeneous too", bounds[1].subs(B, K * T), K * upper)
    form = 2 * T**4 * (ROOT + 2) / (2 * ROOT * (1 + ROOT) ** 2)
    proof.positive_by_taylor("h is above the lower bound", UNIT - lower, T, 2, form)
    form = T**6 * (3 * ROOT**2 + 9 * ROOT + 8) / (4 * ROOT * (1 + ROOT) ** 3)
    proof.positive_by_taylor("h is below the upper bound", upper - UNIT, T, 2, form)


def _far_bounds(factor: int, linear: int, divisor: int) -> tuple[Expression, Expression]:
    """Lower and upper bound of Q x/k in x = k/b."""
    upper = factor * (sp.log(2 / X) - 1) + linear * X
    return upper - X**2 / divisor, upper


@claim(
    id="q-facts-rich",
    where="theory of the Q penalty (from Eq. 3)",
    statement=r"0 \le 2|b|\Big(\log\frac{2|b|}{k} - 1\Big) + 2k - Q_k(b) \le \frac{k^2}{2|b|}",
    assumptions=("k > 0", "b is not 0"),
    printed=_far_bounds(2, 2, 2),
    twins={
        "without the term 2k": _far_bounds(2, 0, 2),
        "|b| for 2|b|": _far_bounds(1, 2, 2),
        "remainder k^2/(3|b|)": _far_bounds(2, 2, 3),
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def rich(proof: Derivation, stated: tuple[Expression, Expression]) -> None:
    """Eq. 3 as k -> 0 at fixed b: the two-sided expansion, with the sharp constant 1/2."""
    lower, upper = stated
    exact = 2 * (sp.log(2 / X) - 1) + 2 * X - far_gap()
    far_form(proof)
    form = 2 * X / (1 + FAR_ROOT)
    proof.positive_by_taylor("Q is below the upper bound", sp.expand(upper - exact), X, 1, form)
    form = X**3 / (1 + FAR_ROOT) ** 2
    proof.positive_by_taylor("Q is above the lower bound", sp.expand(exact - lower), X, 1, form)


@claim(
    id="q-facts-growth",
    where="theory of the Q penalty (from Eq. 3)",
    statement=r"1 - \frac{1}{\log(2|b|/k)} \le \frac{Q_k(b)}{2|b|\log(2|b|/k)} \le 1\quad(|b|\ge k):"
    r"\ Q_k(b)\sim 2|b|\log|b|,\ \text{not linear}",
    assumptions=("k > 0", "|b| >= k"),
    printed=2 * T * sp.log(2 * T),
    twins={
        "linear growth, 2|b|": 2 * T,
        "half of it, |b| log(2|b|/k)": T * sp.log(2 * T),
        "quadratic growth, b^2/k": T**2,
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def growth(proof: Derivation, gauge: Expression) -> None:
    """Eq. 3 as |b| -> infinity at fixed k: |b| log |b|."""
    unit_form(proof)
    far_form(proof)
    form = 2 * X / (1 + FAR_ROOT)
    gap = far_gap()
    proof.positive_by_taylor("U(x) is positive", gap, X, 1, form)
    proof.positive_by_taylor("and smaller than x^2/2", X**2 / 2 - gap, X, 1, X**3 / (1 + FAR_ROOT) ** 2)
    exact = 2 * T * (sp.log(2 * T) - 1) + 2 - T * gap.subs(X, 1 / T)
    proof.equal("h(t) in terms of U(1/t)", UNIT, exact, by=lambda e: logarithms(e.subs(T, 1 / X)))
    u = sp.Symbol("u", positive=True)
    from_one, at = {T: 1 + Y}, {X: 1 / (1 + Y)}

    def by(expression: Expression) -> Expression:
        return logarithms(expression.subs(Y, 1 / X - 1))

    above = (gauge - UNIT).subs(from_one)
    proof.positive("h is below the gauge for t = 1 + y", above, 2 * Y + (1 + Y) * u, {u: gap}, at, by)
    below = (UNIT - gauge * (1 - 1 / sp.log(2 * T))).subs(from_one)
    form = (3 + 4 * Y) / (2 * (1 + Y)) + (1 + Y) * u
    proof.positive("and above the gauge times 1 - 1/log(2t)", below, form, {u: X**2 / 2 - gap}, at, by)


@claim(
    id="q-facts-scale",
    where="theory of the Q penalty (from Eq. 3)",
    statement=r"\partial Q_k/\partial k = 2 - 2\sqrt{b^2+k^2}/k < 0 \quad (b \ne 0)",
    assumptions=("k > 0", "b is not 0"),
    printed=2 - 2 * sp.sqrt(B**2 + K**2) / K,
    twins={
        "half of it": 1 - sp.sqrt(B**2 + K**2) / K,
        "the sign reversed": 2 * sp.sqrt(B**2 + K**2) / K - 2,
        "the leading term -b^2/k^2": -(B**2) / K**2,
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def scale(proof: Derivation, stated: Expression) -> None:
    """Eq. 3, derivative in the penalty scale: a larger scale makes a weight cheaper."""
    proof.equal("differentiate Eq. 3 in k", sp.diff(PENALTY, K), stated)
    away = {B: T}  # b > 0; Q_k is even
    proof.equal("the derivative is even in b", stated.subs(B, -B), stated)
    root = sp.sqrt(T**2 + K**2)
    proof.positive("it is negative for b = t > 0", -stated.subs(away), 2 * T**2 / (K * (root + K)))


@claim(
    id="q-facts-homogeneity",
    where="theory of the Q penalty (from Eq. 3)",
    statement=r"Q_{tk}(tb) = t\,Q_k(b);\quad "
    r"\frac{\partial\log Q}{\partial\log|b|} + \frac{\partial\log Q}{\partial\log k} = 1",
    assumptions=("k > 0", "t > 0", "b is not 0 in the second equation"),
    printed=sp.Integer(1),
    twins={"degree two": sp.Integer(2), "degree zero": sp.Integer(0), "degree one half": sp.Rational(1, 2)},
    expected=Verdict.PROVED,
    source=SOURCE,
)
def homogeneity(proof: Derivation, degree: Expression) -> None:
    """Eq. 3, homogeneity, and the sum rule for the order and the feature dependence of the penalty."""
    proof.equal("scale b and k together", penalty(T * B, T * K), T**degree * PENALTY)
    sensitivity = B * sp.diff(PENALTY, B) + K * sp.diff(PENALTY, K)
    proof.equal("Euler's relation", sensitivity, degree * PENALTY)
    logarithm = sp.log(penalty(T, K))
    sum_of_orders = T * sp.diff(logarithm, T) + K * sp.diff(logarithm, K)
    proof.equal("order + feature dependence, for b = t > 0", sum_of_orders, degree)


U, V = sp.symbols("U V", positive=True)
R = sp.Symbol("r", real=True)


def _entropy(scale: Expression, constant: Expression) -> Expression:
    return sum(P * sp.log(P / scale) - P for P in (U, V)) + constant


@claim(
    id="q-facts-entropy",
    where="theory of the Q penalty (from Eq. 3)",
    statement=r"Q_k(b) = \min_{U-V=2b,\ U,V\ge 0}\ \sum_{P\in\{U,V\}}\big[P\log(P/k) - P\big] + 2k",
    assumptions=("k > 0",),
    printed=(_entropy(K, 2 * K), 2),
    twins={
        "the constraint U - V = b": (_entropy(K, 2 * K), 1),
        "without the constant 2k": (_entropy(K, sp.Integer(0)), 2),
        "log(P/2k) for log(P/k)": (_entropy(2 * K, 2 * K), 2),
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def entropy(proof: Derivation, stated: tuple[Expression, int]) -> None:
    """Eq. 3 as an entropy: with b = k sinh r, the minimum is at U = k exp(r), V = k exp(-r)."""
    objective, difference = stated
    b, best = K * sp.sinh(R), {U: K * sp.exp(R), V: K * sp.exp(-R)}
    proof.equal("the point is feasible", (U - V).subs(best), difference * b)
    proof.equal("its value is Q_k(b)", sp.expand_log(objective.subs(best)), penalty(b, K))
    z = sp.Symbol("z", positive=True)
    excess = sum(P * sp.log(P / best[P]) - P + best[P] for P in (U, V))
    lagrangian = objective - penalty(b, K) - R * (U - V - difference * b)
    proof.equal("on the constraint every other point is higher by two relative entropies", lagrangian, excess, by=sp.expand_log)
    x = sp.Symbol("x", positive=True)
    entropy_of_ratio = x * sp.log(x) - x + 1
    proof.equal("each is P* (x log x - x + 1), x = P/P*", U * sp.log(U / V) - U + V, V * entropy_of_ratio.subs(x, U / V))
    grows, shrinks = entropy_of_ratio.subs(x, sp.exp(z)), entropy_of_ratio.subs(x, sp.exp(-z))
    proof.positive_by_taylor("which is positive for x = exp(z) > 1", grows, z, 1, z * sp.exp(z))
    proof.positive_by_taylor("and for x = exp(-z) < 1", shrinks, z, 1, z * sp.exp(-z))


def _polynomials(eighth: Expression, far: Expression) -> dict[str, Expression]:
    upper = T**2 - T**4 / 12 + T**6 / 40
    return {"lower": upper - T**8 / eighth, "upper": upper, "far": X**2 / 2 - X**4 / far}


@claim(
    id="q-facts-bounds",
    where="theory of the Q penalty (from Eq. 3)",
    statement=r"t^2-\tfrac{t^4}{12}+\tfrac{t^6}{40}-\tfrac{5t^8}{448} < Q_k(kt)/k < t^2-\tfrac{t^4}{12}+\tfrac{t^6}{40};\quad "
    r"\tfrac{1}{2t}-\tfrac{1}{16t^3} < 2t(\log 2t-1)+2-Q_k(kt)/k < \tfrac{1}{2t}\quad(t>0)",
    assumptions=("k > 0", "t = |b|/k > 0"),
    printed=_polynomials(sp.Rational(448, 5), sp.Integer(16)),
    twins={
        "5/449 for 5/448": _polynomials(sp.Rational(449, 5), sp.Integer(16)),
        "1/17 for 1/16 far out": _polynomials(sp.Rational(448, 5), sp.Integer(17)),
    },
    expected=Verdict.CERTIFIED,
    source=SOURCE,
)
def bounds(proof: Derivation, stated: dict[str, Expression]) -> None:
    """Eq. 3, two-sided polynomial bounds near 0 and far out: Taylor near the end, balls between, signs beyond."""
    unit_form(proof)
    _near_bounds(proof, stated["lower"], stated["upper"])
    far_form(proof)
    _far_bound(proof, stated["far"])


def _near_bounds(proof: Derivation, lower: Expression, upper: Expression) -> None:
    near, end, beyond = sp.Rational(1, 8), 3, {T: 3 + Y}
    below, above = UNIT - lower, upper - UNIT
    proof.certified_by_taylor("h is above its lower bound near 0", below, T, 10, near)
    proof.certified("and in the middle", below, {T: (near, end)})
    proof.positive_by_taylor("h is positive", UNIT, T, 2, 2 / ROOT)
    u = sp.Symbol("u", positive=True)
    rest = sp.expand(-lower.subs(beyond))
    proof.positive("while the bound is negative beyond", below.subs(beyond), u + rest, {u: UNIT}, beyond)
    proof.certified_by_taylor("h is below its upper bound near 0", above, T, 8, near)
    proof.certified("and in the middle", above, {T: (near, end)})
    proof.positive_by_taylor("h is below t^2", T**2 - UNIT, T, 2, 2 * T**2 / (ROOT * (1 + ROOT)))
    rest = sp.expand((upper - T**2).subs(beyond))
    proof.positive("and t^2 below the bound beyond", above.subs(beyond), u + rest, {u: T**2 - UNIT}, beyond)


def _far_bound(proof: Derivation, lower: Expression) -> None:
    near, end, beyond, gap = sp.Rational(1, 4), 3, {X: 3 + Y}, far_gap()
    proof.positive_by_taylor("U is below x^2/2 everywhere", X**2 / 2 - gap, X, 1, X**3 / (1 + FAR_ROOT) ** 2)
    proof.certified_by_taylor("U is above its lower bound near x = 0", gap - lower, X, 6, near)
    proof.certified("and in the middle", gap - lower, {X: (near, end)})
    proof.positive_by_taylor("U is positive", gap, X, 1, 2 * X / (1 + FAR_ROOT))
    u = sp.Symbol("u", positive=True)
    rest = sp.expand(-lower.subs(beyond))
    proof.positive("while the bound is negative beyond", (gap - lower).subs(beyond), u + rest, {u: gap}, beyond)


if __name__ == "__main__":
    sys.exit(run_alone())
