"""The exact scale and start of finetuning as formulas, which `exact-finetuning` proves and other sections speak about."""

from __future__ import annotations

from typing import Any, NamedTuple

import sympy as sp

from normtheory.proofs.letters import ALPHA, GAMMA, A, C

Expression = Any

R = sp.sqrt(A**2 + 4 * ALPHA**4)
PLUS, MINUS = sp.sqrt((R + A) / 2), sp.sqrt((R - A) / 2)  # first layers after pretraining


class ScaleAndStart(NamedTuple):
    """Squared penalty scale and starting predictor of one coordinate, as expressions."""

    squared: Expression
    start: Expression


def finetuning_formula(rescale: Expression = C) -> ScaleAndStart:
    """Exact scale and start of finetuning, as functions of beta_aux = a, alpha, gamma and the rescaling."""
    squared = (rescale**2 * A / 2) ** 2 + (rescale**2 * ALPHA**2 + GAMMA**2) ** 2
    return ScaleAndStart(squared, rescale * GAMMA * (PLUS - MINUS))


def on_orbit(expression: Expression) -> Expression:
    """Write beta_aux as 2 alpha^2 sinh(eta), and the roots R, w_+ and w_- as the exponentials that they then are.

    `one_output.pretrained_weights` shows that they are, signs included.
    """
    eta = sp.Symbol("eta", real=True)
    roots = {PLUS: ALPHA * sp.exp(eta / 2), MINUS: ALPHA * sp.exp(-eta / 2)}
    return expression.subs(roots).subs(R, 2 * ALPHA**2 * sp.cosh(eta)).subs(A, 2 * ALPHA**2 * sp.sinh(eta))
