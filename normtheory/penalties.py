"""The penalties of the theory: Q (Eq. 3), l1,2 (Eq. 5), l1 and weighted l2.

Each penalty states its formula once, as a sympy expression (`expression()`), from which its LaTeX is printed
and against which its float64 numerics are tested in 50-digit arithmetic. The numerics are written so that no digits cancel:
the printed formula for Q, for one, loses all of them at |b|/k = 1e-8.

Sums run over coordinates; `contributions` returns the summands.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import factorial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from normtheory.arrays import FloatArray, InputError, positive, real_array
from normtheory.reprs import shown

REMAINDER = tuple(1 / factorial(power) for power in range(17, 1, -1))  # of exp(x) - 1 - x: to round-off for |x| < 1/2
Expression = Any  # a sympy.Expr; sympy carries no types and takes long to import, so it is imported where it is used


@shown()
@dataclass(frozen=True, eq=False)
class Q:
    """The Q penalty (hyperbolic entropy) of the audited paper, Eq. 3, at penalty scale k.

    Q_k(b) = k q(2b/k) = 2 b arcsinh(b/k) - 2 sqrt(b^2 + k^2) + 2k, the potential (times 2) whose mirror flow the
    diagonal network follows. Quadratic, b^2/k, for |b| << k; 2|b| (log(2|b|/k) - 1) for |b| >> k.

    Parameters
    ----------
    k : array, shape (D,)
        Penalty scale, positive, in the units of beta.
    """

    k: FloatArray

    def __init__(self, k: ArrayLike) -> None:
        object.__setattr__(self, "k", positive(np.atleast_1d(real_array(k, "k")), "k"))

    @staticmethod
    @cache
    def expression() -> Expression:
        """Eq. 3 for one coordinate, as printed, in the symbols b (real) and k (positive)."""
        import sympy as sp

        b, k = sp.Symbol("b", real=True), sp.Symbol("k", positive=True)
        z = 2 * b / k
        return k * (2 - sp.sqrt(4 + z**2) + z * sp.asinh(z / 2))

    def contributions(self, beta: ArrayLike) -> FloatArray:
        """Q_k(beta_d) for each coordinate, shape (D,), to a few units of round-off."""
        t = np.asarray(beta, dtype=np.float64) / self.k
        # arcsinh t - tanh(arcsinh(t)/2) keeps at least half of its first term: nothing cancels, at any t.
        return np.asarray(2 * self.k * t * (np.arcsinh(t) - t / (1 + np.hypot(1, t))))

    def value(self, beta: ArrayLike) -> float:
        """sum_d Q_k(beta_d)."""
        return float(self.contributions(beta).sum())

    def gradient(self, beta: ArrayLike) -> FloatArray:
        """Q_k'(beta) = 2 arcsinh(beta/k), the mirror map, shape (D,)."""
        return np.asarray(2 * np.arcsinh(np.asarray(beta) / self.k))

    def inverse_gradient(self, sigma: ArrayLike) -> FloatArray:
        """The inverse mirror map k sinh(sigma/2), shape (D,)."""
        return np.asarray(self.k * np.sinh(np.asarray(sigma) / 2))

    def second_derivative(self, beta: ArrayLike) -> FloatArray:
        """Q_k''(beta) = 2 / sqrt(beta^2 + k^2), shape (D,)."""
        return np.asarray(2 / length(np.asarray(beta, dtype=np.float64), self.k))

    def conjugate(self, sigma: ArrayLike) -> FloatArray:
        """Convex conjugate 4 k sinh^2(sigma/4) for each coordinate, shape (D,)."""
        return np.asarray(4 * self.k * np.sinh(np.asarray(sigma) / 4) ** 2)

    def divergence(self, beta: ArrayLike, start: ArrayLike) -> FloatArray:
        """Bregman divergence D_Q(beta, start) for each coordinate, shape (D,), without cancellation.

        With s = arcsinh(beta/k) and x = s - arcsinh(start/k) it is, for s >= 0,
        2k [ exp(-s) (cosh x - 1) + sinh(s) (exp(-x) - 1 + x) ], a sum of two non-negative terms.
        """
        return self.divergence_to(beta, -2 * arcsinh_difference(beta, start, self.k))

    def divergence_to(self, start: ArrayLike, shift: ArrayLike) -> FloatArray:
        """D_Q(start, beta) for each coordinate, beta being given by its mirror image: Q'(beta) = Q'(start) + shift.

        Equal to the Bregman divergence of the conjugate, Q*(sigma0 + shift) - Q*(sigma0) - start * shift: what the dual
        objective subtracts. Written in `shift` so that a small step keeps all its digits.
        """
        b0, x = np.asarray(start, dtype=np.float64), np.asarray(shift, dtype=np.float64) / 2
        x, t0 = np.where(b0 < 0, -x, x), np.abs(b0) / self.k
        grown = 2 * np.sinh(x / 2) ** 2 / (t0 + length(self.k, b0) / self.k)
        return np.asarray(2 * self.k * (grown + t0 * exp_remainder(x) if t0.any() else grown))


@dataclass(frozen=True)
class GroupL12:
    """The l1,2 penalty 2 sum_d ||beta_{.,d}||_2 of the audited paper, Eq. 5; beta has shape (O, D), one row a task."""

    @staticmethod
    @cache
    def expression() -> Expression:
        """Eq. 5 for one coordinate of two tasks, in the symbols b (main) and a (auxiliary)."""
        import sympy as sp

        b, a = sp.symbols("b a", real=True)
        return 2 * sp.sqrt(a**2 + b**2)

    def contributions(self, beta: ArrayLike) -> FloatArray:
        """2 ||beta_{.,d}||_2 for each coordinate, shape (D,)."""
        return np.asarray(2 * _group_norms(beta))

    def value(self, beta: ArrayLike) -> float:
        """2 sum_d ||beta_{.,d}||_2."""
        return float(self.contributions(beta).sum())

    def excess(self, beta: ArrayLike, beta_aux: ArrayLike) -> FloatArray:
        """2 sqrt(b^2 + b_aux^2) - 2|b_aux|: what a main weight b adds to the penalty of the auxiliary task, shape (D,)."""
        b, a = np.asarray(beta, dtype=np.float64), np.abs(np.asarray(beta_aux, dtype=np.float64))
        denominator = np.hypot(b, a) + a
        return np.asarray(2 * b * np.divide(b, denominator, out=np.zeros_like(denominator), where=denominator > 0))

    def gradient(self, beta: ArrayLike) -> FloatArray:
        """2 beta_{.,d} / ||beta_{.,d}||_2, shape (O, D); the subgradient of least norm, 0, where a group vanishes."""
        b, norms = np.asarray(beta, dtype=np.float64), _group_norms(beta)
        return np.asarray(np.divide(2 * b, norms, out=np.zeros_like(b), where=norms > 0))

    def second_derivative(self, beta: ArrayLike) -> FloatArray:
        """Hessian 2 (I - u u^T)/||beta_{.,d}|| of each group, u its direction, shape (D, O, O); infinite at 0."""
        b = np.asarray(beta, dtype=np.float64)
        norms = _group_norms(b)
        tasks = b.shape[0]
        u = np.divide(b, norms, out=np.zeros_like(b), where=norms > 0).T
        with np.errstate(divide="ignore", invalid="ignore"):
            # For two tasks I - u u^T is the projector on the normal of u, which leaves no small difference of ones.
            if tasks == 2:
                normal = np.stack([-u[:, 1], u[:, 0]], axis=1)
                hessian = (normal[:, :, None] * normal[:, None, :]) * (2 / norms)[:, None, None]
            else:
                hessian = (np.eye(tasks) - u[:, :, None] * u[:, None, :]) * (2 / norms)[:, None, None]
        hessian[norms == 0] = np.inf
        return np.asarray(hessian)

    def conjugate(self, sigma: ArrayLike) -> FloatArray:
        """0 where ||sigma_{.,d}||_2 <= 2, infinite elsewhere, shape (D,)."""
        return np.where(_group_norms(sigma) <= 2, 0.0, np.inf)


@dataclass(frozen=True)
class L1:
    """The l1 penalty sum_d |beta_d|: the bias of a rich single-task network (section 2.1)."""

    @staticmethod
    @cache
    def expression() -> Expression:
        """|b|."""
        import sympy as sp

        return sp.Abs(sp.Symbol("b", real=True))

    def contributions(self, beta: ArrayLike) -> FloatArray:
        """|beta_d|, shape (D,)."""
        return np.abs(np.asarray(beta, dtype=np.float64))

    def value(self, beta: ArrayLike) -> float:
        """sum_d |beta_d|."""
        return float(self.contributions(beta).sum())

    def gradient(self, beta: ArrayLike) -> FloatArray:
        """sign(beta), shape (D,); 0 is the subgradient of least norm at 0."""
        return np.sign(np.asarray(beta, dtype=np.float64))

    def second_derivative(self, beta: ArrayLike) -> FloatArray:
        """0 away from the kink, infinite at 0, shape (D,)."""
        return np.where(np.asarray(beta) == 0, np.inf, 0.0)

    def conjugate(self, sigma: ArrayLike) -> FloatArray:
        """0 where |sigma_d| <= 1, infinite elsewhere, shape (D,)."""
        return np.where(np.abs(np.asarray(sigma)) <= 1, 0.0, np.inf)


@shown()
@dataclass(frozen=True, eq=False)
class WeightedL2:
    """The weighted l2 penalty sum_d weight_d beta_d^2: the lazy limit of Q with weight 1/k, of l1,2 with 1/|beta_aux|.

    Parameters
    ----------
    weight : array, shape (D,) or (1,)
        Positive weights, in units of 1/beta.
    """

    weight: FloatArray

    def __init__(self, weight: ArrayLike = 1.0) -> None:
        object.__setattr__(self, "weight", positive(np.atleast_1d(real_array(weight, "weight")), "weight"))

    @staticmethod
    @cache
    def expression() -> Expression:
        """w b^2 in the symbols b (real) and w (positive)."""
        import sympy as sp

        return sp.Symbol("w", positive=True) * sp.Symbol("b", real=True) ** 2

    def contributions(self, beta: ArrayLike) -> FloatArray:
        """weight_d beta_d^2, shape (D,)."""
        return np.asarray(self.weight * np.asarray(beta, dtype=np.float64) ** 2)

    def value(self, beta: ArrayLike) -> float:
        """sum_d weight_d beta_d^2."""
        return float(self.contributions(beta).sum())

    def gradient(self, beta: ArrayLike) -> FloatArray:
        """2 weight beta, shape (D,)."""
        return np.asarray(2 * self.weight * np.asarray(beta, dtype=np.float64))

    def second_derivative(self, beta: ArrayLike) -> FloatArray:
        """2 weight, shape (D,)."""
        return np.asarray(2 * self.weight * np.ones_like(np.asarray(beta, dtype=np.float64)))

    def conjugate(self, sigma: ArrayLike) -> FloatArray:
        """sigma_d^2 / (4 weight_d), shape (D,)."""
        return np.asarray(np.asarray(sigma, dtype=np.float64) ** 2 / (4 * self.weight))


def latex(penalty: type[Q] | type[GroupL12] | type[L1] | type[WeightedL2]) -> str:
    """The summand of a penalty, printed from its one expression."""
    import sympy as sp

    return str(sp.latex(penalty.expression()))


def arcsinh_difference(b: ArrayLike, b0: ArrayLike, k: ArrayLike) -> FloatArray:
    """arcsinh(b/k) - arcsinh(b0/k), k > 0, to round-off also where b is close to b0."""
    b, b0, k = (np.asarray(value, dtype=np.float64) for value in (b, b0, k))
    if not b0.any():
        return np.asarray(np.arcsinh(b / k))
    h, h0 = length(k, b) / k, length(k, b0) / k
    same_side = (b >= 0) == (b0 >= 0)
    sums = np.where(same_side, b * h0 + b0 * h, 1.0)
    sums = np.where(sums == 0, 1.0, sums)  # only at b = b0 = 0, where the numerator vanishes too
    apart = (b / k) * h0 - (b0 / k) * h
    return np.asarray(np.arcsinh(np.where(same_side, (b - b0) / k * ((b + b0) / sums), apart)))


def length(a: FloatArray, b: FloatArray | float) -> FloatArray:
    """sqrt(a^2 + b^2), twice as fast as np.hypot, where neither square leaves the range of float64.

    Checked scales and starts do not (`normtheory.arrays`), and a predictor whose square does is outside any domain.
    """
    return np.asarray(np.sqrt(a * a + b * b))


def exp_remainder(x: ArrayLike) -> FloatArray:
    """exp(x) - 1 - x >= 0, to round-off: the Taylor series near 0, where the difference would cancel."""
    x = np.asarray(x, dtype=np.float64)
    near = np.abs(x) < 0.5
    z = np.where(near, x, 0.0)
    series = np.full_like(z, REMAINDER[0])
    for coefficient in REMAINDER[1:]:
        series *= z
        series += coefficient
    return np.asarray(np.where(near, z * z * series, np.expm1(x) - x))


def _group_norms(beta: ArrayLike) -> FloatArray:
    b = np.asarray(beta, dtype=np.float64)
    if b.ndim != 2:
        raise InputError(f"beta has shape {b.shape}; give shape (O, D), one row per task")
    return np.asarray(np.hypot.reduce(b, axis=0))
