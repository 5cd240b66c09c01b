"""When an interpolator minimises a separable divergence: for any number of samples and inputs, once for all claims."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sympy as sp

from normtheory.audit.derivation import Derivation
from normtheory.audit.notation import numbered, symbol
from normtheory.audit.steps import Theorem

Expression = Any
Symbol = Any

PULL = symbol("pull", r"(X^\top\nu)_d", "(Xᵀν)_d", real=True)  # of the multipliers on one coordinate


def slope(penalty: Expression, variable: Symbol) -> Expression:
    """A penalty's derivative, where the sign of a number is written as the number over its size."""
    return sp.diff(penalty, variable).replace(sp.sign, lambda inside: inside / sp.Abs(inside))


def row_space_is_enough(proof: Derivation) -> None:
    """With phi'(beta*) - phi'(beta0) = X^T nu, beta* is the only interpolator of least divergence from beta0."""
    with proof.lemma("a gradient in the row space makes an interpolator the minimiser, for any number of samples and inputs"):
        potential = symbol("phi", r"\phi(\beta)", "φ(β)", real=True)
        there, start = (
            symbol("phi_*", r"\phi(\beta^*)", "φ(β*)", real=True),
            symbol("phi_0", r"\phi(\beta_0)", "φ(β₀)", real=True),
        )
        slope_there = symbol("dphi_*", r"\phi'(\beta^*)", "φ'(β*)", real=True)
        slope_start = symbol("dphi_0", r"\phi'(\beta_0)", "φ'(β₀)", real=True)
        b, b_there = symbol("beta", r"\beta", "β", real=True), symbol("beta_*", r"\beta^*", "β*", real=True)
        b_start = symbol("beta_0", r"\beta_0", "β₀", real=True)
        from_start = potential - start - slope_start * (b - b_start)
        of_minimiser = there - start - slope_start * (b_there - b_start)
        from_minimiser = potential - there - slope_there * (b - b_there)
        proof.equal(
            "in each coordinate the divergence of any predictor from the start is that of the minimiser, that from the "
            "minimiser, and a linear term",
            from_start,
            of_minimiser + from_minimiser + (slope_there - slope_start) * (b - b_there),
        )
        proof.argue(
            "summed over coordinates the linear terms are the multipliers' product with the difference of the predictions, "
            "which is zero between two interpolators",
            Theorem.LINEARITY,
        )
        proof.argue("and the divergence from the minimiser is positive for every other predictor", Theorem.TANGENT)


def minimised(
    proof: Derivation,
    objective: Expression,
    b: Symbol,
    endpoint: Expression,
    pull: Symbol,
    parameters: tuple[Symbol, ...],
    at: Mapping[Symbol, Expression] | None = None,
) -> bool:
    """Whether a separable objective is minimised at an endpoint, among the interpolators of every X, whatever its scale.

    Parameters
    ----------
    objective : sympy.Expr
        Of one coordinate, in its predictor `b` and its own parameters.
    endpoint : sympy.Expr
        The predictor of a coordinate as a function of the multipliers' pull on it, (X^T nu)_d = `pull`, and its parameters.
    pull : sympy.Symbol
    parameters : tuple of symbols
        Those that differ from one coordinate to the next.
    at : mapping, optional
        What letters of the objective stand for.
    """
    derivative = sp.simplify(sp.diff(objective, b))
    proof.equal("the objective's derivative", sp.diff(objective, b), derivative)
    reached = derivative.subs(dict(at or {}), simultaneous=True).subs(b, endpoint)
    first, second = ({each: numbered(each, d) for each in (pull, *parameters)} for d in (1, 2))
    inside = proof.equal(
        "two inputs of one sample: the objective's slopes at the endpoint are in the proportion of the pulls, so that its "
        "gradient lies in the row space",
        reached.subs(first) * second[pull],
        reached.subs(second) * first[pull],
    )
    if not inside:
        return False
    factor = sp.simplify(sp.diff(reached, pull).subs(pull, 0))
    proof.equal("the proportion is", reached, factor * pull)
    proof.positive("a positive number", factor)
    curvature = sp.simplify(sp.diff(objective, b, 2))
    proof.equal("the objective's second derivative", sp.diff(objective, b, 2), curvature)
    convex = proof.positive("is positive", curvature)
    row_space_is_enough(proof)
    return convex
