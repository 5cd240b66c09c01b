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
class Norm:
    """factor (sum_d |beta_d|^power)^(1/power) of one predictor."""

    power: Expression = ONE
    factor: Expression = ONE

    def in_text(self) -> str:
        """As l1 with its own exponent."""
        return _in_text(self.factor, notation.text(self.power))

    def in_latex(self) -> str:
        """The same in LaTeX."""
        return _in_latex(self.factor, notation.latex(self.power))

    def of(self, entries: Sequence[Expression]) -> Expression:
        """The norm of a predictor with entries that are not negative, as a formula."""
        return self.factor * sum(entry**self.power for entry in entries) ** (1 / self.power)

    def least_with_margin(self, sample: Sequence[Expression]) -> Expression:
        """The least norm of a predictor with margin 1 on one sample with positive entries: the dual norm's inverse."""
        if self.power <= 1:  # one entry is enough
            return self.factor / sp.Max(*sample)
        dual = self.power / (self.power - 1)
        return self.factor / sum(entry**dual for entry in sample) ** (1 / dual)


def _in_text(factor: Expression, exponents: str) -> str:
    first = "" if factor == 1 else f"{notation.text(factor)} "
    small = exponents.translate(_SMALL) if set(exponents) <= set("0123456789,") else f"({exponents})"
    return f"{first}ℓ{small}"


def _in_latex(factor: Expression, exponents: str) -> str:
    first = "" if factor == 1 else f"{notation.latex(factor)}\\,"
    return rf"${first}\ell_{{{exponents}}}$"


@dataclass(frozen=True)
class GroupNorm:
    """factor (sum_d ||beta_{.,d}||_inner^outer)^(1/outer) of predictors of shape (O, D)."""

    inner: Expression = TWO
    outer: Expression = ONE
    factor: Expression = ONE

    def in_text(self) -> str:
        """As l1,2 with its own exponents."""
        return _in_text(self.factor, f"{notation.text(self.outer)},{notation.text(self.inner)}")

    def in_latex(self) -> str:
        """The same in LaTeX."""
        return _in_latex(self.factor, f"{notation.latex(self.outer)},{notation.latex(self.inner)}")

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
