"""Section 3.2: the network with several outputs, Corollary 2 and the limits of its penalty."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import sympy as sp

from normtheory.audit.alone import run_alone
from normtheory.audit.claims import Verdict, claim
from normtheory.audit.derivation import Derivation
from normtheory.penalties import GroupL12
from normtheory.proofs import experiments, package_numerics, setting
from normtheory.proofs.appendix_b import least_norm, length
from normtheory.proofs.one_output import ROUND_OFF
from normtheory.proofs.setting import number, percent

Expression = Any
Norm = Callable[..., Expression]

SOURCE = "Lindsey & Lippl 2024, section 3.2"
FITTED = "both tasks are fitted exactly"

A, B, X = sp.symbols("a b x", positive=True)  # |beta_aux|, |beta| and a squared ratio; the penalty is even in both predictors
ROOT = sp.sqrt(A**2 + B**2)
WHOLE, EXCESS = 2 * ROOT, 2 * ROOT - 2 * A


@claim(
    id="eq4",
    where="Eqs. 4, 22, 23 (section 3.2, Appendix B.1)",
    statement=r"f_w(x) = \beta(w)x,\quad \beta_o(w) = w^{(2)}_{+,o}\circ w^{(1)}_+ - w^{(2)}_{-,o}\circ w^{(1)}_-",
    assumptions=("a first layer shared by the outputs, a readout of each output",),
    printed=lambda w_plus, w_minus, v_plus, v_minus: v_plus * w_plus - v_minus * w_minus,
    twins={
        "the minus pathway added": lambda w_plus, w_minus, v_plus, v_minus: v_plus * w_plus + v_minus * w_minus,
        "the pathways' readouts exchanged": lambda w_plus, w_minus, v_plus, v_minus: v_minus * w_plus - v_plus * w_minus,
        "first layers squared": lambda w_plus, w_minus, v_plus, v_minus: v_plus * w_plus**2 - v_minus * w_minus**2,
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def several_outputs(proof: Derivation, beta: Norm) -> None:
    """Eq. 4: read each output off the shared hidden units; two outputs, two inputs."""
    x, plus, minus = (sp.symbols(names, real=True) for names in ("x_1 x_2", "w_+1 w_+2", "w_-1 w_-2"))
    hidden_plus = sp.Matrix([a * b for a, b in zip(plus, x, strict=True)])
    hidden_minus = sp.Matrix([a * b for a, b in zip(minus, x, strict=True)])
    read_plus = sp.Matrix(2, 2, sp.symbols("v_+11 v_+12 v_+21 v_+22", real=True))
    read_minus = sp.Matrix(2, 2, sp.symbols("v_-11 v_-12 v_-21 v_-22", real=True))
    outputs = read_plus * hidden_plus - read_minus * hidden_minus
    for o in (0, 1):
        stated = sum(beta(plus[d], minus[d], read_plus[o, d], read_minus[o, d]) * x[d] for d in (0, 1))
        proof.equal(f"output {o + 1}, read off the hidden units w_+ x and w_- x", outputs[o], stated)


_WRONG: dict[str, Norm] = {
    "without the factor 2": lambda b, a: sp.sqrt(a**2 + b**2),
    "squares without the root": lambda b, a: 2 * (a**2 + b**2),
    "l1 within the group": lambda b, a: 2 * (sp.Abs(a) + sp.Abs(b)),
    "the main task alone": lambda b, a: 2 * sp.Abs(b) + 0 * a,
}


@claim(
    id="eq5",
    where="Eq. 5 (section 3.2)",
    statement=r"\|\beta\|_{1,2} = 2\sum_d\|\beta_{\cdot,d}\|_2 = 2\sum_d\sqrt{(\beta^{aux}_d)^2+\beta_d^2}",
    assumptions=("two tasks, the main one first",),
    printed=lambda b, a: 2 * sp.sqrt(a**2 + b**2),
    twins=_WRONG,
    expected=Verdict.PROVED,
    source=SOURCE,
)
def two_task_penalty(proof: Derivation, stated: Norm) -> None:
    """Eq. 5: the group norm of two tasks, and that its program is convex."""
    b, a = sp.symbols("b a", real=True)
    if not proof.equal("the length of the group (beta, beta_aux), twice", 2 * length((b, a)), stated(b, a)):
        return
    proof.equal("the package's one expression", GroupL12.expression(), stated(b, a))
    hessian = sp.hessian(stated(b, a), (b, a))
    proof.equal("the Hessian is singular", hessian.det(), 0)
    u, v = sp.symbols("u v", positive=True)
    trace = hessian.trace().subs({b: u, a: v})
    proof.positive("and its trace is positive: the program is convex", trace, 2 / sp.sqrt(u**2 + v**2))
    deviation = package_numerics.group_numerics_deviation(stated(b, a), (b, a))
    proof.witness("the package's float64 penalty, derivatives and conjugate", deviation, ROUND_OFF)


@claim(
    id="l12-param-norm",
    where="section 3.2, before Corollary 2; proof in Appendix B",
    statement=r"\min_{w:\ \beta(w)=\beta}\|w\|_2^2 = 2\sum_d\|\beta_{\cdot,d}\|_2",
    assumptions=("any number of outputs; spelled out for three",),
    printed=lambda *b: 2 * length(b),
    twins={
        "without the factor 2": lambda *b: length(b),
        "a factor sqrt 2": lambda *b: sp.sqrt(2) * length(b),
        "the norms of the tasks added": lambda *b: 2 * sum(sp.Abs(x) for x in b),
        "the largest task": lambda *b: 2 * sp.Max(*(sp.Abs(x) for x in b)),
    },
    expected=Verdict.PROVED,
    source=SOURCE + "; Dai et al. 2021",
)
def group_norm(proof: Derivation, stated: Norm) -> None:
    """Section 3.2: the least parameter norm of a coordinate with three predictors; both pathways, no one-path assumption."""
    least_norm(proof, stated, outputs=3)


@claim(
    id="cor2",
    where="Corollary 2, Eq. 5 (section 3.2)",
    statement=r"\arg\min_w \|w^{(1)}_+\|^2+\|w^{(1)}_-\|^2+\sum_o\|w^{(2)}_{+,o}\|^2+\sum_o\|w^{(2)}_{-,o}\|^2\ "
    r"\text{s.t. both tasks are fitted}\ \Rightarrow\ \beta^* = \arg\min\ 2\sum_d\sqrt{(\beta_d^{aux})^2+\beta_d^2}",
    assumptions=(FITTED, r"the norm squared, as the corollary writes it, or \|w\|_2, as the text does"),
    printed=lambda b, a: 2 * sp.sqrt(a**2 + b**2),
    twins=_WRONG,
    expected=Verdict.PROVED,
    source=SOURCE,
)
def corollary(proof: Derivation, penalty: Norm) -> None:
    """Corollary 2: minimise over the weights of each predictor first; then a solver on the weights, one on the predictors."""
    holds = least_norm(proof, penalty, outputs=2)
    total = sp.Symbol("S", positive=True)
    slope = 1 / (2 * sp.sqrt(total))
    proof.equal("the text's norm is the root of the corollary's", sp.diff(sp.sqrt(total), total), slope)
    proof.positive("an increasing function of it: both have the same minimisers", slope, slope)
    if holds:
        gap = experiments.least_weights_gap()
        proof.witness("least squared weights found by a solver on the weights, against the convex program", gap, 1e-5)
        proof.note(f"A nonlinear solver on the weights finds the convex program's optimum to {gap:.1e} (relative).")


@claim(
    id="l12-large",
    where="section 3.2, after Corollary 2",
    statement=r"|\beta|/(|\beta^{aux}|+\gamma^2)\to\infty:\ \text{the penalty converges to}\ 2|\beta|:\quad "
    r"0 < 2\sqrt{\beta^2+(\beta^{aux})^2} - 2|\beta| < |\beta^{aux}|\cdot\frac{|\beta^{aux}|}{|\beta|}",
    assumptions=("beta_aux is held fixed and not 0; gamma plays no role, as the ratio without it is larger still",),
    printed=(2 * B, A**2 / B),
    twins={
        "|beta|": (B, A**2 / B),
        "2|beta| + 2|beta_aux|": (2 * B + 2 * A, A**2 / B),
        "half the remainder": (2 * B, A**2 / (2 * B)),
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def large_ratio(proof: Derivation, stated: tuple[Expression, Expression]) -> None:
    """Section 3.2, large ratio: the remainder falls like the inverse ratio, both ways bounded."""
    limit, remainder = stated
    above = proof.positive("the penalty is above its limit", WHOLE - limit, 2 * A**2 / (ROOT + B))
    below = proof.positive("by less than the remainder", limit + remainder - WHOLE, A**4 / (B * (ROOT + B) ** 2))
    if above and below:
        proof.equal(
            "in units of the limit the remainder is half the squared inverse ratio", remainder / limit, (A / B) ** 2 / 2
        )


def size_of_limit(printed: tuple[Expression, Expression], corrected: tuple[Expression, Expression]) -> str:
    """Section 3.2, small ratio: penalty, excess and limit on a feature that pretraining learned."""
    (whole, limit), (excess, _) = printed, corrected

    def at_ratio(ratio: Expression) -> list[float]:
        place = {A: setting.WEIGHT, B: setting.WEIGHT * ratio}
        return [setting.value(quantity, place) for quantity in (whole, B**2 * limit, excess)]

    tenth, one = at_ratio(sp.Rational(1, 10)), at_ratio(sp.Integer(1))
    start = setting.value(whole, {A: setting.WEIGHT, B: 0}) * setting.FEATURES
    return (
        f"On a learned feature, |beta_aux| = {number(setting.WEIGHT)}, at a tenth of that weight the MTL penalty is "
        f"{tenth[0]:.3g}, {tenth[0] / tenth[1]:.3g} times its printed limit {tenth[1]:.3g}, and its excess "
        f"{percent(1 - tenth[2] / tenth[1])} below it; at |beta| = |beta_aux| penalty, printed limit and excess are "
        f"{one[0]:.3g}, {one[1]:.3g} and {one[2]:.3g}. At beta = 0 the {setting.FEATURES} features cost {start:.3g}, not 0."
    )


@claim(
    id="l12-small",
    where="section 3.2, after Corollary 2",
    statement=r"|\beta|/(|\beta^{aux}|+\gamma^2)\to 0:\ \text{the penalty converges to}\ \beta^2/|\beta^{aux}|",
    assumptions=("beta_aux is not 0",),
    printed=(WHOLE, 1 / A),
    corrected=(EXCESS, 1 / A),
    corrected_statement=r"\frac{\beta^2}{|\beta^{aux}|}\Big(1-\frac{\beta^2}{4(\beta^{aux})^2}\Big) < "
    r"2\sqrt{\beta^2+(\beta^{aux})^2}-2|\beta^{aux}| < \frac{\beta^2}{|\beta^{aux}|},\ "
    r"\text{the ratio being}\ |\beta|/|\beta^{aux}|",
    size=size_of_limit,
    twins={
        "the excess, twice as much": (EXCESS, 2 / A),
        "the excess, half as much": (EXCESS, 1 / (2 * A)),
        "the excess over |beta_aux| alone": (2 * ROOT - A, 1 / A),
    },
    expected=Verdict.CORRECTED,
    source=SOURCE,
)
def small_ratio(proof: Derivation, stated: tuple[Expression, Expression]) -> None:
    """Section 3.2, small ratio: the penalty tends to 2|beta_aux|, which main-task training cannot change."""
    quantity, weight = stated
    if not proof.equal("the quantity vanishes at beta = 0", quantity.subs(B, 0), 0):
        return
    coefficient = sp.diff(quantity, B, 2).subs(B, 0) / 2
    if not proof.equal("half its second derivative is the coefficient of beta^2", coefficient, weight):
        return
    proof.positive("beta^2/|beta_aux| is an upper bound", B**2 * weight - quantity, B**4 / (A * (ROOT + A) ** 2))
    unit = 2 * (sp.sqrt(1 + X) - 1)
    proof.equal("in units of |beta_aux|, with x the squared ratio", quantity.subs(B, A * sp.sqrt(X)), A * unit)
    cubed = sp.sqrt(1 + X) ** 3
    form = (3 * X + 3 * X**2 + X**3) / (2 * cubed * (cubed + 1))
    proof.positive_by_taylor("x - x^2/4 is a lower bound", unit - X + X**2 / 4, X, 2, form)
    along = (quantity / (B**2 * weight)).subs(B, A)
    proof.equal(
        "the printed ratio, with gamma^2, does not do: along beta = beta_aux -> 0 it vanishes, but", along, 2 * sp.sqrt(2) - 2
    )


@claim(
    id="l12-sharing",
    where="section 3.2, after Corollary 2",
    statement=r"\text{the contribution of}\ \beta_d\ \text{to the root is smaller where}\ |\beta^{aux}_d|\ \text{is large}",
    assumptions=("the contribution of beta is what it adds to 2|beta_aux|",),
    printed=EXCESS,
    twins={
        "the whole penalty, which increases": WHOLE,
        "the sum of both": 2 * A + 2 * B,
        "the excess over 2|beta|, the other task's contribution": 2 * ROOT - 2 * B,
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def sharing(proof: Derivation, contribution: Expression) -> None:
    """Section 3.2: the derivative of the contribution in |beta_aux| is negative."""
    proof.positive("minus the derivative in |beta_aux|", -sp.diff(contribution, A), 2 * B**2 / (ROOT * (ROOT + A)))


KINKS = (sp.Integer(0), sp.Integer(1), sp.Rational(101, 100))
NULL = (sp.Rational(11, 5), sp.Integer(1), sp.Integer(1))  # spans the null space of X; interpolators are NULL * (t - KINKS)
NEAR = sp.Rational(1, 10)


@claim(
    id="two-layers-only",
    where="section 3.2; Woodworth et al. 2020",
    statement=r"\text{with three layers, flow from infinitesimal weights does not minimise the parameter norm}\ "
    r"3\sum_d|\beta_d|^{2/3}",
    assumptions=(
        "one output, equal weights alpha in all layers, w^3 - w^3 in both pathways",
        "a problem of three inputs, two samples",
    ),
    printed=3,
    twins={
        "the same flow of three layers, but the norm of two layers, 2 sum |beta_d|": 2,
        "the same flow of three layers, but the norm of one layer, sum |beta_d|^2": 1,
    },
    expected=Verdict.PROVED,
    source=SOURCE + "; Woodworth et al. 2020",
)
def deeper_networks(proof: Derivation, layers: int) -> None:
    """Section 3.2: a problem on which flow, for every alpha <= 1/20, ends away from the least norm of that many layers.

    The interpolators are n (t - p), t real, with n = (11/5, 1, 1), p = (0, 1, 101/100). The flow ends at |t| < 1/10, next to
    the least l1 norm at t = 0; the least sum of powers 2/3 is at t = 1.
    """
    x, y, z = sp.symbols("x y z", positive=True)
    squares = (x + y + z) / 2 * ((x - y) ** 2 + (y - z) ** 2 + (z - x) ** 2)
    proof.equal("least norm of three layers, by the geometric mean", x**3 + y**3 + z**3 - 3 * x * y * z, squares)
    _flow_of_three_layers(proof)
    sizes = [n * sp.Abs(1 - p) for n, p in zip(NULL, KINKS, strict=True)]
    at_one = sum(layers * size ** sp.Rational(2, layers) for size in sizes)
    least_near_zero = layers * sum((p - NEAR) ** sp.Rational(2, layers) for p in KINKS[1:])
    difference = least_near_zero - at_one
    proof.positive(
        "the norm at every |t| < 1/10, its first coordinate left out, exceeds the norm at t = 1", difference, difference
    )


def _flow_of_three_layers(proof: Derivation) -> None:
    """Section 3.2: w' = -g w^2 in the plus pathway, w' = g w^2 in the minus pathway; sigma = -int g lies in the row space."""
    alpha, sigma = sp.Symbol("alpha", positive=True), sp.Symbol("sigma", real=True)
    plus, minus = 1 / (1 / alpha - sigma), 1 / (1 / alpha + sigma)
    proof.equal("the layers of the plus pathway move by dw/dsigma = w^2", sp.diff(plus, sigma), plus**2)
    proof.equal("those of the minus pathway by -w^2", sp.diff(minus, sigma), -(minus**2))
    slope = sp.diff(plus**3 - minus**3, sigma)
    proof.equal("so beta = w_+^3 - w_-^3 increases with sigma, |sigma| < 1/alpha", slope, 3 * (plus**4 + minus**4))
    later = sp.Symbol("tau", positive=True)
    known = sp.Symbol("u", positive=True)
    lost = NULL[0] * (NULL[0] * NEAR) ** sp.Rational(-1, 3)
    surplus = (NULL[0] - NULL[1] - NULL[2]) * 20 - lost
    proof.positive("at alpha = 1/20: (n_1 - n_2 - n_3)/alpha - n_1 beta_1^(-1/3), beta_1 = n_1/10", surplus, surplus)
    at = (NULL[0] - NULL[1] - NULL[2]) * (20 + later) - lost
    form = known + (NULL[0] - NULL[1] - NULL[2]) * later
    proof.positive(
        "and at every smaller alpha = 1/(20 + tau). At t = 1/10, beta_1 < w_+^3 gives sigma_1 > 1/alpha - beta_1^(-1/3), and "
        "sigma_2, sigma_3 > -1/alpha: n . sigma > 0. At t = -1/10 all of beta, hence n . sigma, is negative. As n . sigma "
        "increases with t and vanishes at the endpoint, it ends in between",
        at,
        form,
        {known: surplus},
    )


@claim(
    id="l12-excess",
    where="theory of the l1,2 penalty (from Eq. 5)",
    statement=r"E = 2\sqrt{\beta^2+a^2}-2a = \frac{2\beta^2}{\sqrt{\beta^2+a^2}+a},\ a=|\beta^{aux}|:\quad "
    r"2|\beta|-2a < E < \min\Big(2|\beta|,\frac{\beta^2}a\Big),\quad "
    r"\frac{\partial\log E}{\partial\log|\beta|} = 1+\frac a{\sqrt{\beta^2+a^2}} = 1-\frac{\partial\log E}{\partial\log a}",
    assumptions=("beta and beta_aux are not 0",),
    printed=(2 * B**2 / (ROOT + A), 1 + A / ROOT),
    twins={
        "half the excess": (B**2 / (ROOT + A), 1 + A / ROOT),
        "order 2 at every ratio": (2 * B**2 / (ROOT + A), sp.Integer(2)),
        "the order of the whole penalty": (2 * B**2 / (ROOT + A), B**2 / (A**2 + B**2)),
    },
    expected=Verdict.PROVED,
    source="theory of the l1,2 penalty",
)
def excess(proof: Derivation, stated: tuple[Expression, Expression]) -> None:
    """Theory of the l1,2 penalty: what a main weight adds to the auxiliary task's penalty."""
    form, order = stated
    same = proof.equal("without cancellation", EXCESS, form)
    proof.positive("above 2|beta| - 2a", EXCESS - (2 * B - 2 * A), 2 * A**2 / (ROOT + B))
    proof.positive("below 2|beta|", 2 * B - EXCESS, 4 * A * B / (A + B + ROOT))
    proof.positive("below beta^2/a", B**2 / A - EXCESS, B**4 / (A * (ROOT + A) ** 2))
    logarithm = sp.log(EXCESS)
    proof.equal("the order in beta", B * sp.diff(logarithm, B), order)
    proof.equal("and the dependence on beta_aux; the two add up to 1", A * sp.diff(logarithm, A), 1 - order)
    if same:
        deviation = package_numerics.excess_deviation(sp.lambdify((B, A), form, "mpmath"))
        proof.witness("the package's float64 excess against the form in 50 digits", deviation, ROUND_OFF)


if __name__ == "__main__":
    sys.exit(run_alone())
