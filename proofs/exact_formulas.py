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
