"""Theory of one output: linear probing, by gradient flow on the second layer alone."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import sympy as sp

from normtheory.arrays import FloatArray
from normtheory.audit.alone import run_alone
from normtheory.audit.claims import Verdict, claim
from normtheory.audit.derivation import Derivation
from normtheory.audit.notation import symbol
from normtheory.audit.statements import Said
from normtheory.audit.steps import Theorem
from normtheory.networks import Weights
from normtheory.proofs import experiments, package_numerics
from normtheory.proofs.letters import START, B
from normtheory.proofs.optimality import PULL, minimised
from normtheory.proofs.orbit import BETA, FIELD, W_MINUS, W_PLUS, G, gradient_flow_of_least_squares, rate

Expression = Any
Symbol = Any

NEGLIGIBLE = 1e-10  # eigenvalues of X W X^T this small beside the largest are round-off: the problems have none between
# Relative distance of the formula from the package's endpoint: X W X^T has the squared condition of X W^(1/2), 1e4 at the most
# in these problems, so that 1e-16 may grow to 1e-12; two decades more for sums of some tens of terms.
PROBING_BUDGET = 1e-10


def _matrix(name: str, latex: str = "", text: str = "") -> Symbol:
    return symbol(name, latex, text, commutative=False)


# The formula in matrices: X, its transpose, the diagonal W, the pseudo-inverse of M, the targets and the first predictor.
X, X_T = _matrix("X"), _matrix("X^T", r"X^\top", "Xᵀ")
W, Y, FROM = _matrix("W"), _matrix("y"), _matrix("beta_0", r"\beta(0)", "β(0)")
INVERSE = _matrix("M^+", "M^+", "M⁺")
SIZE = symbol("W_d", "W_d", "W_d", positive=True)  # one entry of W that is not zero

PROBING = Said(
    endpoint=FROM + W * X_T * INVERSE * (Y - X * FROM),
    gram=X * W * X_T,
    weight=W_PLUS**2 + W_MINUS**2,
    cost=(B - START) ** 2 / SIZE,
)


@claim(
    id="exact-probing",
    where="theory of one output (linear probing)",
    statement="with the first layer frozen, gradient flow on the second ends at <endpoint>, where $W$ is diagonal, <weight> in "
    "each input, and $M$ is <gram>, for all inputs and targets: also where samples depend on each other, weights of the first "
    "layer are zero, or nothing fits. No second layer has less error. Of all predictors with the same "
    "outputs that differ from $\\beta(0)$ only where $W$ is not zero, it has the least sum of <cost> over those inputs",
    printed=PROBING,
    twins={
        "the difference of the squares": PROBING.but(weight=W_PLUS**2 - W_MINUS**2),
        "the lengths": PROBING.but(weight=sp.Abs(W_PLUS) + sp.Abs(W_MINUS)),
        "twice the squares": PROBING.but(weight=2 * PROBING.weight),
        "no weights, least squares in the predictor": PROBING.but(weight=sp.Integer(1)),
        "no weights in the inverted matrix": PROBING.but(gram=X * X_T),
        "away from the targets": PROBING.but(endpoint=FROM - W * X_T * INVERSE * (Y - X * FROM)),
        "half the way": PROBING.but(endpoint=FROM + W * X_T * INVERSE * (Y - X * FROM) / 2),
        "as if it started at zero": PROBING.but(endpoint=W * X_T * INVERSE * Y),
        "the targets for the misfit": PROBING.but(endpoint=FROM + W * X_T * INVERSE * Y),
        "the cost not weighted": PROBING.but(cost=(B - START) ** 2),
        "the cost weighted by W": PROBING.but(cost=(B - START) ** 2 * SIZE),
        "the cost not from the start": PROBING.but(cost=B**2 / SIZE),
    },
    siblings={
        "half the cost": PROBING.but(cost=PROBING.cost / 2),
        "three times the cost": PROBING.but(cost=3 * PROBING.cost),
        "the misfit of the other sign": PROBING.but(endpoint=FROM - W * X_T * INVERSE * (X * FROM - Y)),
    },
    reads=(
        "the plus marks the pseudo-inverse, which has the eigenvectors of a symmetric matrix, the inverse of each eigenvalue "
        "that is not zero, and zero for zero",
    ),
    expected=Verdict.PROVED,
    source="theory of one output; least squares",
)
def exact_probing(proof: Derivation, stated: Said) -> None:
    """Theory of one output: with the first layer frozen, beta moves in W times the row space of X, until the error is least."""
    field = {name: velocity for name, velocity in FIELD.items() if name not in (W_PLUS, W_MINUS)}
    gradient_flow_of_least_squares(proof)
    text = "with the first layer frozen, the predictor moves against its gradient, times W"
    moves = proof.equal(text, rate(BETA, field), -G * stated.weight)
    proof.positive("which is not negative", stated.weight, strict=False)
    _residuals(proof, stated, field)
    ends = _limit(proof, stated)
    pull = symbol("s_r", r"(X^\top r)_d", "(Xᵀr)_d", real=True)
    text = "what is left of the residuals pulls on the second layer, in squares, by W times their pull"
    proof.equal(text, (W_PLUS * pull) ** 2 + (W_MINUS * pull) ** 2, stated.weight * pull**2)
    proof.argue("which was zero: the error, convex in the second layer, is the least", Theorem.TANGENT)
    minimised(proof, stated.cost, B, START + SIZE * PULL, PULL, (START, SIZE))
    if moves and ends:
        _witnesses(proof, stated)


def _gram(stated: Said, one: Expression, weight: Expression, other: Expression) -> Expression:
    """What an input adds to the stated matrix, for the entries of two samples."""
    return stated.gram.subs({X: one, W: weight, X_T: other})


def _residuals(proof: Derivation, stated: Said, field: dict[Expression, Expression]) -> None:
    """The residuals follow a linear equation, r' = -2 M r, whose matrix has no negative eigenvalue."""
    x, z, r, e, w = (symbol(f"{name} of a sample", name, name, real=True) for name in ("x", "z", "r", "e", "w"))
    proof.equal(
        "between two samples, one input moves the residual of the first against both, by its entries of the matrix, twice",
        x * rate(BETA, field).subs(G, 2 * (x * r + z * e)),
        -2 * (_gram(stated, x, stated.weight, x) * r + _gram(stated, x, stated.weight, z) * e),
    )
    proof.argue("inputs and samples, any number of them, add up", Theorem.LINEARITY)
    form = _gram(stated, x, w, x) * r**2 + 2 * _gram(stated, x, w, z) * r * e + _gram(stated, z, w, z) * e**2
    proof.equal("the matrix is symmetric", _gram(stated, x, w, z), _gram(stated, z, w, x))
    proof.equal(
        "in each input its quadratic form is W times the square of a pull, not negative", form, w * (x * r + z * e) ** 2
    )
    proof.argue("so the residuals fall apart into directions, each with an eigenvalue that is not negative", Theorem.SPECTRAL)


def _limit(proof: Derivation, stated: Said) -> bool:
    """Along an eigenvector: where the residual, and what it moves, tends to."""
    m, time, first = (
        symbol("m_mode", "m", "m", positive=True),
        symbol("t", positive=True),
        symbol("r_0", "r(0)", "r(0)", real=True),
    )
    residual, moved = first * sp.exp(-2 * m * time), -(1 - sp.exp(-2 * m * time)) * first / m
    proof.equal("with a positive eigenvalue m the residual decays", sp.diff(residual, time), -2 * m * residual)
    proof.equal("from its first value", residual.subs(time, 0), first)
    proof.argue("and there is no other solution", Theorem.UNIQUENESS)
    proof.equal("it moves the predictor, through W and the inputs, at twice its size", sp.diff(moved, time), -2 * residual)
    proof.equal("from nothing", moved.subs(time, 0), 0)
    proof.equal("in the end the residual is gone", sp.limit(residual, time, sp.oo), 0)
    inverse = -first / m
    proof.equal("and has moved the predictor by the inverse of the eigenvalue", sp.limit(moved, time, sp.oo), inverse)
    proof.argue(
        "with the eigenvalue zero the residual stays and moves nothing: its pull, weighted by W, has the square zero, and so "
        "no product with anything",
        Theorem.CAUCHY_SCHWARZ,
    )
    x, w, y, b = (
        symbol("entry", "x", "x", positive=True),
        symbol("weight", "w", "w", positive=True),
        symbol("y", real=True),
        START,
    )
    alone = {X: x, X_T: x, W: w, Y: y, FROM: b}
    eigenvalue = _gram(stated, x, w, x)
    there = b + w * x * inverse.subs({first: x * b - y, m: w * x**2})
    text = "one sample with one input is such a direction: the stated endpoint is where it ends"
    ends = proof.equal(text, stated.endpoint.subs(alone | {INVERSE: 1 / eigenvalue}), there)
    text = "and with the eigenvalue zero, where it starts"
    ends &= proof.equal(text, stated.endpoint.subs(alone | {INVERSE: 0}), b)
    proof.argue("the directions add up, for each input, to the formula in matrices", Theorem.LINEARITY)
    return ends


def _witnesses(proof: Derivation, stated: Said) -> None:
    """The stated formula on problems with dependent samples, dead weights and targets that nothing fits."""
    entries = sp.lambdify((W_PLUS, W_MINUS), stated.weight)

    def endpoint(inputs: FloatArray, targets: FloatArray, weights: Weights, start: FloatArray) -> FloatArray:
        known = {X: inputs, X_T: inputs.T, Y: targets, FROM: start, W: np.diag(entries(weights.w_plus, weights.w_minus))}
        gram = package_numerics.in_matrices(stated.gram, known)
        known[INVERSE] = np.linalg.pinv(gram, rcond=NEGLIGIBLE, hermitian=True)
        return package_numerics.in_matrices(stated.endpoint, known)

    package, flow = experiments.probing_deviations(endpoint)
    proof.witness("the package's endpoint", package, PROBING_BUDGET)
    proof.witness("the second layer's own flow, by the exponential of its matrix", flow, experiments.FLOW_BUDGET)
    problems = len(experiments.probing_problems())
    proof.note(
        f"On {problems} problems, with dependent samples, dead weights and targets that nothing fits among them, the formula "
        f"ends within {package:.1e} (relative) of the package's endpoint and {flow:.1e} of the flow's."
    )


if __name__ == "__main__":
    sys.exit(run_alone())
