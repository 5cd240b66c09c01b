"""Norms of several predictors with two exponents, within an input and over the inputs, and the programs that minimise them.

The exponents are numbers that a claim states, so that neighbours of l1,2 can be told from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp

from normtheory.arrays import FloatArray
from normtheory.audit import notation

Expression = Any

ONE, TWO = sp.Integer(1), sp.Integer(2)
_SMALL = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


@dataclass(frozen=True)
class GroupNorm:
    """factor (sum_d ||beta_{.,d}||_inner^outer)^(1/outer) of predictors of shape (O, D)."""

    inner: Expression = TWO
    outer: Expression = ONE
    factor: Expression = ONE

    def in_text(self) -> str:
        """As l1,2 with its own exponents."""
        first = "" if self.factor == 1 else f"{notation.text(self.factor)} "
        exponents = f"{notation.text(self.outer)},{notation.text(self.inner)}"
        return (
            f"{first}ℓ{exponents.translate(_SMALL)}"
            if exponents.isascii() and "/" not in exponents
            else f"{first}ℓ({exponents})"
        )

    def in_latex(self) -> str:
        """The same in LaTeX."""
        first = "" if self.factor == 1 else f"{notation.latex(self.factor)}\\,"
        return rf"${first}\ell_{{{notation.latex(self.outer)},\,{notation.latex(self.inner)}}}$"

    def value(self, beta: FloatArray) -> float:
        """The norm of predictors (O, D)."""
        groups = np.linalg.norm(beta, float(self.inner), axis=0)
        return float(self.factor) * float(np.linalg.norm(groups, float(self.outer)))

    def with_margins(self, signed: Sequence[FloatArray]) -> FloatArray:
        """Predictors (O, D) of least norm with margin 1 on every signed sample of every task, each (n_o, D)."""
        return self._minimised(signed, None)

    def interpolating(self, designs: Sequence[FloatArray], targets: Sequence[FloatArray]) -> FloatArray:
        """Predictors (O, D) of least norm with X_o beta_o = y_o for every task."""
        return self._minimised(designs, targets)

    def _minimised(self, designs: Sequence[FloatArray], targets: Sequence[FloatArray] | None) -> FloatArray:
        import cvxpy as cp

        inner, outer = float(self.inner), float(self.outer)
        beta = cp.Variable((len(designs), designs[0].shape[1]))
        groups = [cp.pnorm(beta[:, d], inner, approx=False) for d in range(beta.shape[1])]
        if inner == outer:  # one norm of all entries
            objective = cp.pnorm(cp.vec(beta, order="C"), inner, approx=False)
        else:
            objective = sum(groups) if outer == 1 else cp.pnorm(cp.hstack(groups), outer, approx=False)
        predictions = [design @ beta[o] for o, design in enumerate(designs)]
        constraints = (
            [p >= 1 for p in predictions] if targets is None else [p == y for p, y in zip(predictions, targets, strict=True)]
        )
        cp.Problem(cp.Minimize(objective), constraints).solve(solver=cp.CLARABEL)
        return np.asarray(beta.value)
