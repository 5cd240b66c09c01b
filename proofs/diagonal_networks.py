"""Section 2.1: the map that a diagonal network computes."""

from __future__ import annotations

import itertools
import math
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import sympy as sp

from normtheory.audit.alone import run_alone
from normtheory.audit.claims import Verdict, claim
from normtheory.audit.derivation import Derivation
from normtheory.networks import DiagonalNetwork, Weights
from normtheory.penalties import L1
from normtheory.proofs import experiments, package_numerics, single_task_runs
from normtheory.proofs.appendix_b import least_norm
from normtheory.proofs.orbit import V_MINUS, V_PLUS, W_MINUS, W_PLUS, WEIGHTS

Expression = Any


@claim(
    id="eq1",
    where="Eqs. 1, 6, 7 (section 2.1, Appendix A)",
    statement=r"f_w(x) = \beta(w)\cdot x,\quad \beta_d(w) = w^{(2)}_{+,d}w^{(1)}_{+,d} - w^{(2)}_{-,d}w^{(1)}_{-,d}",
    assumptions=("two layers, one-to-one first layer, the minus pathway read out with a minus sign",),
    printed=V_PLUS * W_PLUS - V_MINUS * W_MINUS,
    twins={
        "the minus pathway added": V_PLUS * W_PLUS + V_MINUS * W_MINUS,
        "layers of the two pathways crossed": V_PLUS * W_MINUS - V_MINUS * W_PLUS,
        "the minus pathway left out": V_PLUS * W_PLUS,
    },
    expected=Verdict.PROVED,
    source="Woodworth et al. 2020",
)
def network_map(proof: Derivation, beta: Expression) -> None:
    """Eq. 1: sum over the paths from each input through its two hidden units to the output."""
    inputs = sp.symbols("x_1:4", real=True)
    weights = [dict(zip(WEIGHTS, sp.symbols(f"w_+{d} w_-{d} v_+{d} v_-{d}", real=True), strict=True)) for d in (1, 2, 3)]
    plus = [w[W_PLUS] * x for w, x in zip(weights, inputs, strict=True)]
    minus = [w[W_MINUS] * x for w, x in zip(weights, inputs, strict=True)]
    output = sum(w[V_PLUS] * h for w, h in zip(weights, plus, strict=True)) - sum(
        w[V_MINUS] * h for w, h in zip(weights, minus, strict=True)
    )
    stated = sum(beta.subs(w) * x for w, x in zip(weights, inputs, strict=True))
    proof.equal("with three inputs, read out the hidden units w_+ x and w_- x", output, stated)
    for x, w in zip(inputs, weights, strict=True):
        proof.equal(f"the network is linear, and its slope in {x} is beta", sp.diff(output, x), beta.subs(w))
    evaluate = sp.lambdify(WEIGHTS, beta)
    proof.witness("the package's network, layer by layer, on random weights and inputs", _deviation(evaluate), 1e-13)


def _deviation(beta: Callable[..., Any]) -> float:
    draw = np.random.default_rng(np.random.SeedSequence((1, 6, 7)))
    weights, X = Weights(*draw.standard_normal((4, 30))), draw.standard_normal((8, 30))
    difference = DiagonalNetwork().output(weights, X) - X @ beta(*weights.stacked())
    return float(np.abs(difference).max() / np.abs(X).max() / 30)


# (norm, power): the endpoint's distance from the least-norm interpolator falls like a power of the initialisation scale.
@claim(
    id="lazy-l2",
    where="section 2.1; Woodworth et al. 2020",
    statement=r"\text{from large weights}\ \alpha\ \text{flow ends at the least-}\ell_2\ \text{interpolator:}\quad "
    r"\frac{\|\beta(\infty)-\beta_{\ell_2}\|}{\|\beta_{\ell_2}\|} = O(\alpha^{-4})",
    assumptions=("all weights start at alpha", "random problems of 12 inputs and 4 samples, three seeds"),
    printed=("l2", 4, single_task_runs.LAZY_ALPHAS),
    twins={
        "the least-l1 interpolator": ("l1", 4, single_task_runs.LAZY_ALPHAS),
        "a distance of order alpha^-2": ("l2", 2, single_task_runs.LAZY_ALPHAS),
        "from small weights": ("l2", 4, single_task_runs.RICH_ALPHAS),
    },
    expected=Verdict.CONFIRMED,
    source="Woodworth et al. 2020",
)
def lazy_regime(proof: Derivation, stated: tuple[str, int, tuple[float, float]]) -> None:
    """Section 2.1, large initialisation: the exact penalty's correction to l2, then trained networks at two scales."""
    norm, power, alphas = stated
    t, root = sp.Symbol("t", positive=True), sp.sqrt(1 + sp.Symbol("t", positive=True) ** 2)
    unit = 2 * (t * sp.asinh(t) - root + 1)
    proof.positive_by_taylor(
        "the exact penalty, t = |b|/k and k = 2 alpha^2, is below t^2", t**2 - unit, t, 2, 2 * t**2 / (root * (1 + root))
    )
    rest = unit - t**2 + t**4 / 12
    form = t**4 * (root + 2) / (root * (1 + root) ** 2)
    proof.positive_by_taylor("by less than t^4/12, a share of order alpha^-4", rest, t, 2, form)
    runs = [single_task_runs.single_task_distances(norm, alphas, seed) for seed in range(3)]
    powers = [math.log2(far / near) / math.log2(alphas[1] / alphas[0]) for far, near in runs]
    nearest = max(near for _, near in runs)
    proof.within(
        f"distance of the endpoint from the stated interpolator at alpha = {alphas[1]:g}", nearest, single_task_runs.LAZY_BUDGET
    )
    deviation = max(abs(found / power - 1) for found in powers)
    proof.within("the measured power of alpha, relative to the stated one", deviation, single_task_runs.RATE_BUDGET)
    proof.note(f"Between alpha = {alphas[0]:g} and {alphas[1]:g} the distance falls with the powers {_listed(powers)}.")


@claim(
    id="rich-l1",
    where="section 2.1; Woodworth et al. 2020",
    statement=r"\text{from small weights}\ \alpha\ \text{flow ends at the least-}\ell_1\ \text{interpolator:}\quad "
    r"\frac{\|\beta(\infty)-\beta_{\ell_1}\|}{\|\beta_{\ell_1}\|} \sim \alpha^{2(1-m)},\ m=\max_{d:\,\beta_d=0}|X_d^\top\nu|",
    assumptions=(
        "all weights start at alpha; nu is the dual of the l1 program",
        "the least-l1 solution is unique: m below 0.7, and no used weight below a fifth of the largest",
        "random problems of 12 inputs and 4 samples, three seeds",
    ),
    printed=("l1", 2, single_task_runs.RICH_ALPHAS),
    twins={
        "the least-l2 interpolator": ("l2", 2, single_task_runs.RICH_ALPHAS),
        "half the power, as if k were alpha": ("l1", 1, single_task_runs.RICH_ALPHAS),
        "from large weights": ("l1", 2, single_task_runs.LAZY_ALPHAS[::-1]),
    },
    expected=Verdict.CONFIRMED,
    source="Woodworth et al. 2020",
)
def rich_regime(proof: Derivation, stated: tuple[str, int, tuple[float, float]]) -> None:
    """Section 2.1, small initialisation: an unused input keeps k (|b|/k)^m of weight; then trained networks at two scales."""
    norm, power, alphas = stated
    k, m = sp.symbols("k m", positive=True)
    unused = k * sp.sinh(m * sp.log(1 / k))
    proof.equal(
        "k sinh(m log(1/k)) = (k^(1-m) - k^(1+m))/2: the weight of an unused input, k = 2 alpha^2",
        unused,
        (k ** (1 - m) - k ** (1 + m)) / 2,
    )
    runs = [single_task_runs.single_task_distances(norm, alphas, seed) for seed in range(3)]
    powers = [math.log(far / near) / math.log(alphas[0] / alphas[1]) for far, near in runs]
    margins = [single_task_runs.rich_margin(seed) for seed in range(3)]
    nearest = max(near for _, near in runs)
    proof.within(
        f"distance of the endpoint from the stated interpolator at alpha = {alphas[1]:g}", nearest, single_task_runs.RICH_BUDGET
    )
    deviation = max(abs(found / (power * margin) - 1) for found, margin in zip(powers, margins, strict=True))
    proof.within(
        "the measured power of alpha, relative to the one that the dual predicts", deviation, single_task_runs.RATE_BUDGET
    )
    proof.note(
        f"The measured powers are {_listed(powers)}, the predicted ones {_listed([power * margin for margin in margins])}."
    )


def _listed(values: list[float]) -> str:
    return ", ".join(f"{value:.3g}" for value in values)


@claim(
    id="l1-is-param-norm",
    where="section 2.1; Appendix B",
    statement=r"\text{minimising}\ \|\beta\|_1\ \text{is minimising}\ \|w\|_2:\quad "
    r"\min_{w:\ \beta(w)=\beta}\|w\|_2^2 = 2\|\beta\|_1",
    assumptions=("one output, two layers",),
    printed=sp.Abs,
    twins={
        "the l2 norm squared": lambda b: b**2,
        "half the least norm: the plus pathway's first layer alone": lambda b: sp.Abs(b) / 2,
        "the norm of three layers, |beta|^(2/3)": lambda b: sp.Abs(b) ** sp.Rational(2, 3),
    },
    expected=Verdict.PROVED,
    source="Woodworth et al. 2020; Lindsey & Lippl 2024, Appendix B",
)
def l1_from_weights(proof: Derivation, penalty: Callable[..., Any]) -> None:
    """Section 2.1: the least squared norm of the weights with a given predictor is twice its l1 norm."""
    holds = least_norm(proof, lambda b: 2 * penalty(b), outputs=1)
    total = sp.Symbol("S", positive=True)
    slope = 1 / (2 * sp.sqrt(total))
    proof.equal("the norm is the root of its square", sp.diff(sp.sqrt(total), total), slope)
    proof.positive("which increases with it: both have the same minimisers", slope, slope)
    if holds:
        deviation = package_numerics.norm_numerics_deviation("l1", L1.expression())
        proof.witness("the package's float64 l1 penalty", deviation, 1e-12)


DESIGN = sp.Matrix([[2, 1, 0, 1], [0, 1, 3, -1]])  # two samples, four inputs
TARGETS = sp.Matrix([2, 3])


@claim(
    id="l1-sparse",
    where="section 2.1",
    statement=r"\text{least-}\ell_1\ \text{solutions depend on few input dimensions: at most}\ n\ \text{of}\ D\ "
    r"\text{for}\ n\ \text{samples}",
    assumptions=(
        "few: at most one input a sample; where least-l1 solutions are many, one of them does",
        "the exchange of inputs is spelled out for three active inputs on two samples",
    ),
    printed=("l1", 2),
    twins={
        "at most n - 1, in every problem": ("l1", 1),
        "the least-l2 solution does": ("l2", 2),
    },
    expected=Verdict.PROVED,
    source="Lindsey & Lippl 2024, section 2.1; basic solutions of linear programs",
)
def sparse_solutions(proof: Derivation, stated: tuple[str, int]) -> None:
    """Section 2.1: three active inputs on two samples can always give one up; then an exact problem and random ones."""
    norm, most = stated
    columns = [sp.Matrix(sp.symbols(f"x_1{d} x_2{d}", real=True)) for d in (1, 2, 3)]
    minors = [sp.Matrix.hstack(columns[i], columns[j]).det() for i, j in ((1, 2), (2, 0), (0, 1))]
    image = sum((minor * column for minor, column in zip(minors, columns, strict=True)), sp.zeros(2, 1))
    for entry in image:
        proof.equal("the minors of three inputs on two samples are a direction delta that leaves the outputs alone", entry, 0)
    step = sp.Symbol("epsilon", real=True)
    signs, beta = sp.symbols("sigma_1:4", real=True), sp.symbols("beta_1:4", real=True)
    moved = sum(s * (b + step * m) for s, b, m in zip(signs, beta, minors, strict=True))
    change = step * sum(s * m for s, m in zip(signs, minors, strict=True))
    before = sum(s * b for s, b in zip(signs, beta, strict=True))
    proof.equal(
        "while no sign changes the l1 norm is linear along it: at a minimum its slope is 0, and one may go on "
        "until an input is no longer used",
        moved - before,
        change,
    )
    found = _least_l1(proof) if norm == "l1" else DESIGN.T * (DESIGN * DESIGN.T).inv() * TARGETS
    active = sp.Integer(sum(entry != 0 for entry in found))
    surplus = most - active + sp.Rational(1, 2)
    proof.positive(f"the least-{norm} solution of the exact problem uses {active} inputs, at most {most}", surplus, surplus)
    if norm == "l1" and most == DESIGN.rows:
        excess = experiments.active_inputs_beyond_samples()
        proof.witness("random problems by conic programs: inputs used beyond one a sample", excess, 0)


def _least_l1(proof: Derivation) -> sp.Matrix:
    """The best of all solutions with two inputs, and a dual vector that shows it to be the least of all."""
    basic = []
    for pair in itertools.combinations(range(DESIGN.cols), 2):
        active = DESIGN.extract([0, 1], list(pair))
        solution = sp.zeros(DESIGN.cols, 1)
        for d, value in zip(pair, active.solve(TARGETS), strict=True):
            solution[d] = value
        basic.append((sum(map(abs, solution)), pair, solution))
    least, pair, solution = min(basic, key=lambda found: found[0])
    nu = DESIGN.extract([0, 1], list(pair)).T.solve(sp.Matrix([sp.sign(solution[d]) for d in pair]))
    proof.equal("a dual vector nu has nu . y equal to the least l1 norm found", (nu.T * TARGETS)[0], least)
    for d, slope in enumerate(DESIGN.T * nu):
        if d not in pair:
            margin = 1 - abs(slope)
            proof.positive(f"and |x_{d + 1} . nu| < 1, so that no other solution has less", margin, margin)
    return solution


if __name__ == "__main__":
    sys.exit(run_alone())
