"""Appendix B: the least parameter norm of a predictor, for diagonal and for ReLU networks.

Every norm here is a sum over coordinates (or hidden units), and the weights of one coordinate do not meet those of another:
it is enough to know one coordinate.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

import sympy as sp

from normtheory.audit.alone import run_alone
from normtheory.audit.claims import Verdict, claim
from normtheory.audit.derivation import Derivation
from normtheory.proofs import setting
from normtheory.proofs.setting import number

Expression = Any
Norm = Callable[..., Expression]

SOURCE = "Lindsey & Lippl 2024, Appendix B; Dai et al. 2021"
FIXED = "the predictor of the coordinate is held fixed"

W_PLUS, W_MINUS = sp.symbols("w_+ w_-", real=True)
V_PLUS = sp.symbols("v_+1 v_+2", real=True)
V_MINUS = sp.symbols("v_-1 v_-2", real=True)
B1, B2, B3 = TARGETS = sp.symbols("b_1 b_2 b_3", real=True)  # the coordinate's predictors, one a task
Z, M = sp.symbols("z m", positive=True)


def length(entries: Sequence[Expression]) -> Expression:
    """Euclidean norm."""
    return sp.sqrt(sum(entry**2 for entry in entries))


def least_norm(proof: Derivation, stated: Norm, outputs: int) -> bool:
    """Appendix B.1: the least parameter norm of a coordinate whose predictors are b_1 .. b_outputs is as stated.

    No weights have less, by the geometric mean and the triangle inequality, and some have no more.
    """
    w, v = sp.symbols("W V", nonnegative=True)
    proof.equal("in a pathway, |w| = W and |v| = V: W^2 + V^2 exceeds 2 W V by a square", w**2 + v**2 - 2 * w * v, (w - v) ** 2)
    p, q = sp.symbols(f"p_1:{outputs + 1}", real=True), sp.symbols(f"q_1:{outputs + 1}", real=True)
    triangle_inequality(proof, p, q)
    b = TARGETS[:outputs]
    m = length(b)
    proof.equal(
        "the plus pathway alone, w_+ = sqrt|b|, v_+ = b/sqrt|b|, has the predictor", sp.sqrt(m) * b[0] / sp.sqrt(m), b[0]
    )
    return proof.equal("and its norm is the least, as stated", m + sum(entry**2 for entry in b) / m, stated(*b))


def triangle_inequality(proof: Derivation, p: Sequence[Expression], q: Sequence[Expression]) -> None:
    """|p| + |q| >= |p - q|, by Lagrange's identity: 2 |p||q| + 2 p.q is what the squares differ by."""
    inner = sum(a * b for a, b in zip(p, q, strict=True))
    gap = (length(p) + length(q)) ** 2 - length([a - b for a, b in zip(p, q, strict=True)]) ** 2
    proof.equal(
        "both pathways, p = w_+ v_+ and q = w_- v_-: (|p| + |q|)^2 - |p - q|^2", gap, 2 * (length(p) * length(q) + inner)
    )
    minors = sum((p[i] * q[j] - p[j] * q[i]) ** 2 for i in range(len(p)) for j in range(i))
    proof.equal(
        "which is not negative, as |p|^2 |q|^2 - (p.q)^2 is a sum of squares", (length(p) * length(q)) ** 2 - inner**2, minors
    )


def _first(d: int) -> tuple[Expression, Expression]:
    return sp.Symbol(f"w_+{d}", real=True), sp.Symbol(f"w_-{d}", real=True)


def _second(d: int) -> tuple[tuple[Expression, ...], tuple[Expression, ...]]:
    plus, minus = sp.symbols(f"v_+1{d} v_+2{d}", real=True), sp.symbols(f"v_-1{d} v_-2{d}", real=True)
    return plus, minus


@claim(
    id="eq24",
    where="Eq. 24 (Appendix B.1)",
    statement=r"\|w\|_2^2 = \sum_d\Big((w^{(1)}_{+,d})^2+\sum_o (w^{(2)}_{+,o,d})^2\Big)"
    r"+\Big((w^{(1)}_{-,d})^2+\sum_o (w^{(2)}_{-,o,d})^2\Big)",
    assumptions=("the second bracket stands under the sum over d too",),
    printed=lambda w, v: w**2 + sum(x**2 for x in v),
    twins={
        "first layer counted once a task": lambda w, v: len(v) * w**2 + sum(x**2 for x in v),
        "second layer left out": lambda w, v: w**2,
        "square of the sum of the readouts": lambda w, v: w**2 + sum(v) ** 2,
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def total_norm(proof: Derivation, of_pathway: Norm) -> None:
    """Eq. 24: the squared Euclidean norm of all weights, two tasks and two coordinates; the norm of Corollary 2."""
    everything = [x for d in (1, 2) for x in (*_first(d), *_second(d)[0], *_second(d)[1])]
    printed = sum(of_pathway(w, v) for d in (1, 2) for w, v in zip(_first(d), _second(d), strict=True))
    proof.equal("the squares of all twelve weights", sp.Matrix(everything).dot(sp.Matrix(everything)), printed)
    corollary = sum(_first(d)[0] ** 2 for d in (1, 2)) + sum(_first(d)[1] ** 2 for d in (1, 2))
    corollary += sum(v**2 for o in (0, 1) for d in (1, 2) for v in (_second(d)[0][o], _second(d)[1][o]))
    proof.equal("grouped by layers as in Corollary 2", corollary, printed)


@claim(
    id="eq25",
    where="Eq. 25 (Appendix B.1)",
    statement=r"\text{without loss of generality minimise}\ \sum_d\Big((w^{(1)}_{+,d})^2+\sum_o (w^{(2)}_{+,o,d})^2\Big)",
    assumptions=(FIXED,),
    printed=lambda w, v: w**2 + sum(x**2 for x in v),
    twins={
        "second layer left out": lambda w, v: w**2,
        "first layer left out": lambda w, v: sum(x**2 for x in v),
        "half of it, as if the pathways shared the norm": lambda w, v: (w**2 + sum(x**2 for x in v)) / 2,
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def one_pathway(proof: Derivation, restricted: Norm) -> None:
    """Eq. 25: the plus pathway alone reaches every predictor at the least norm that both pathways reach."""
    both = W_PLUS**2 + V_PLUS[0] ** 2 + V_PLUS[1] ** 2 + W_MINUS**2 + V_MINUS[0] ** 2 + V_MINUS[1] ** 2
    silent = dict.fromkeys((W_MINUS, *V_MINUS), 0)
    proof.equal("Eq. 24 where the minus weights are 0", both.subs(silent), restricted(W_PLUS, V_PLUS))
    least_norm(proof, lambda *b: 2 * length(b), outputs=2)
    m = length((B1, B2))
    proof.equal("reached by the restricted norm", restricted(sp.sqrt(m), (B1 / sp.sqrt(m), B2 / sp.sqrt(m))), 2 * m)


def _rescaled_norm(proof: Derivation, stated: Norm, first: Expression) -> None:
    second = (B1 / Z, B2 / Z)
    for b, v in zip((B1, B2), second, strict=True):
        proof.equal("the weights z and b/z have the predictor", Z * v, b)
    proof.equal("and the norm", first + sum(v**2 for v in second), stated(Z, length((B1, B2))))


@claim(
    id="eq26",
    where="Eq. 26 (Appendix B.1)",
    statement=r"(w^{(1)}_{+,d})^2+\sum_o (w^{(2)}_{+,o,d})^2 = z_d^2+\|\beta_d\|_2^2/z_d^2,\quad z_d^2>0",
    assumptions=(FIXED, "z = w_+ is not 0 and v_+ = beta/z"),
    printed=lambda z, m: z**2 + m**2 / z**2,
    twins={
        "|beta| for |beta|^2": lambda z, m: z**2 + m / z**2,
        "z for z^2": lambda z, m: z + m**2 / z,
        "multiplied for divided": lambda z, m: z**2 + m**2 * z**2,
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def norm_of_rescaled(proof: Derivation, stated: Norm) -> None:
    """Eq. 26: scale one layer up and the other down; the predictor stays."""
    _rescaled_norm(proof, stated, Z**2)


def _stationary_scale(proof: Derivation, squared: Expression) -> None:
    objective = Z**2 + M**2 / Z**2
    slope = sp.diff(objective, Z)
    proof.equal("the derivative in z vanishes at the stated scale", slope.subs(Z, sp.sqrt(squared)), 0)
    curvature = 2 + 6 * M**2 / Z**4
    proof.equal("the second derivative", sp.diff(objective, Z, 2), curvature)
    proof.positive("is positive: the minimum, and the only one", curvature, curvature)
    proof.equal(
        "for beta = 0 the derivative is 2z: no z > 0 is stationary, the minimum is at w = v = 0", slope.subs(M, 0), 2 * Z
    )


@claim(
    id="eq27",
    where="Eq. 27 (Appendix B.1)",
    statement=r"z_d^2 = \|\beta_d\|_2",
    assumptions=(FIXED, "beta_d is not 0; for beta_d = 0 no z_d > 0 is best"),
    printed=M,
    twins={"the square": M**2, "the root": sp.sqrt(M), "twice as much": 2 * M},
    expected=Verdict.PROVED,
    source=SOURCE,
)
def best_scale(proof: Derivation, squared: Expression) -> None:
    """Eq. 27: the derivative of Eq. 26 in z."""
    _stationary_scale(proof, squared)


_WRONG_NORMS: dict[str, Norm] = {
    "half of it": lambda *b: length(b),
    "the squared norm": lambda *b: sum(x**2 for x in b),
    "l1 within the group": lambda *b: 2 * sum(sp.Abs(x) for x in b),
}


@claim(
    id="eq28",
    where="Eq. 28 (Appendix B.1)",
    statement=r"\min\ \sum_d\Big((w^{(1)}_{+,d})^2+\sum_o (w^{(2)}_{+,o,d})^2\Big) = 2\sum_d\|\beta_d\|_2",
    assumptions=(FIXED, "the l1,2 norm is meant with its factor 2, as section 3.2 defines it"),
    printed=lambda *b: 2 * length(b),
    twins=_WRONG_NORMS,
    expected=Verdict.PROVED,
    source=SOURCE,
)
def least_norm_of_two_tasks(proof: Derivation, stated: Norm) -> None:
    """Eq. 28: Eq. 27 put into Eq. 26, and no weights of either pathway have less."""
    proof.equal("Eq. 26 at the scale of Eq. 27", (Z**2 + M**2 / Z**2).subs(Z, sp.sqrt(M)), 2 * M)
    proof.equal("is below Eq. 26 at any other by a square", Z**2 + M**2 / Z**2 - 2 * M, (Z - M / Z) ** 2)
    least_norm(proof, stated, outputs=2)


P1, P2, Q1, Q2 = sp.symbols("p_1 p_2 q_1 q_2", real=True)
U = sp.Symbol("u", positive=True)
SHARE = U / (1 + U)  # a share t strictly between 0 and 1


def size_of_choice(printed: Norm, corrected: Norm) -> str:
    """Appendix B.1: a shared feature whose predictor is split evenly between the pathways."""
    b = (setting.WEIGHT, setting.WEIGHT)
    norms, products, corrections = [], [], []
    for share in (sp.Integer(0), sp.Rational(1, 2), sp.Integer(1)):
        plus, minus = [share * x for x in b], [(share - 1) * x for x in b]
        norms.append(setting.value(2 * length(plus) + 2 * length(minus)))
        products.append(setting.value(printed(plus, minus)))
        corrections.append(setting.value(corrected(plus, minus)))
    return (
        f"On a shared feature, |beta| = |beta_aux| = {number(setting.WEIGHT)}, the weights' least norm is "
        f"{norms[0]:.3g} with all of the predictors in the minus pathway, {norms[2]:.3g} with all in the plus pathway and "
        f"{norms[1]:.3g} with half in each: ||w_+ v_+|| ||w_- v_-|| is then {products[1]:.3g}, not 0 (the corrected expression "
        f"{corrections[1]:.3g}). Each of the {setting.FEATURES} features has such a free share; no predictor depends on it."
    )


@claim(
    id="one-path",
    where="Appendix B.1, after Eq. 24",
    statement=r"\text{at least norm, for each}\ d,\ \text{either all + or all - weights are 0}:\ "
    r"\|w_+v_+\|\,\|w_-v_-\| = 0",
    assumptions=("some predictor of the coordinate is not 0",),
    printed=lambda p, q: length(p) * length(q),
    corrected=lambda p, q: length(p) * length(q) + p[0] * q[0] + p[1] * q[1],
    corrected_statement=r"w_+v_+ = t\beta_d,\ w_-v_- = -(1-t)\beta_d\ \text{with any}\ t\in[0,1]:\ "
    r"\text{the two never oppose each other; one pathway may be chosen to vanish}",
    size=size_of_choice,
    twins={
        "the pathways agree in sign and length": lambda p, q: length([p[0] - q[0], p[1] - q[1]]),
        "they are orthogonal": lambda p, q: p[0] * q[0] + p[1] * q[1],
        "their difference vanishes only": lambda p, q: length(p) * length(q) - p[0] * q[0] - p[1] * q[1],
    },
    expected=Verdict.CORRECTED,
    source=SOURCE,
)
def one_path(proof: Derivation, vanishing: Callable[..., Expression]) -> None:
    """Appendix B.1, before Eq. 25: what vanishes exactly at the weights of least norm."""
    b = (B1, B2)
    plus, minus = [SHARE * x for x in b], [(SHARE - 1) * x for x in b]
    for x, p, q in zip(b, plus, minus, strict=True):
        proof.equal("share t in (0, 1) of the predictor in the plus pathway, the rest in the minus pathway", p - q, x)
    total = 2 * SHARE * length(b) + 2 * (1 - SHARE) * length(b)
    proof.equal("the two pathways' least norms 2|w_+ v_+| + 2|w_- v_-| add up to the least norm", total, 2 * length(b))
    at_minimisers = proof.equal("so the stated expression must vanish there", vanishing(plus, minus), 0)
    p, q = (P1, P2), (Q1, Q2)
    excess = (length(p) + length(q)) ** 2 - length((P1 - Q1, P2 - Q2)) ** 2
    if at_minimisers:
        proof.equal("and measures how far any weights are from the least norm", excess, 2 * vanishing(p, q))


@claim(
    id="b-single",
    where="Appendix B.1, after Eq. 28",
    statement=r"\text{with one output, the least parameter norm is minimised by the least}\ \ell_1\ \text{norm}",
    assumptions=("two layers",),
    printed=lambda b: sp.Abs(b),
    twins={
        "least l2 norm": lambda b: b**2,
        "least sum of roots": lambda b: sp.sqrt(sp.Abs(b)),
        "least hyperbolic entropy": lambda b: b * sp.asinh(b) - sp.sqrt(1 + b**2) + 1,
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def single_output(proof: Derivation, penalty: Norm) -> None:
    """Appendix B.1, special case: the least norm of a coordinate is a fixed multiple of the stated penalty."""
    least_norm(proof, lambda b: 2 * sp.Abs(b), outputs=1)
    unit = penalty(sp.Integer(1))
    proof.equal("the least norm in units of its value at b = 1 is the penalty in its units", sp.Abs(B1), penalty(B1) / unit)


if __name__ == "__main__":
    sys.exit(run_alone())
