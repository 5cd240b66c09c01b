"""Minimisers of |X beta - y|^2/(2n) + strength * divergence from the start: for noise, weight decay and early stopping.

With residuals of their own, X beta + c e = y, c^2 = n strength, the program is: minimise the divergence of beta plus |e|^2/2
subject to zero error: the minimiser of a separable potential with n coordinates more, whose certificate it shares. As the
strength goes to 0 it ends at the interpolator, or at the projected one where no beta fits (`normtheory.solvers.consistency`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from normtheory.arrays import FloatArray, InputError, matrix, negligible, positive, positive_scalar, targets, vector
from normtheory.machine import blas_threads
from normtheory.solvers.certificate import DEFAULT_TOLERANCE, Solution
from normtheory.solvers.consistency import Allowed
from normtheory.solvers.constraints import independent_rows, products
from normtheory.solvers.newton import minimize_separable
from normtheory.solvers.potentials import HyperbolicEntropy, Potential, Quadratic


def minimize(
    X: ArrayLike,
    y: ArrayLike,
    k: ArrayLike,
    beta0: ArrayLike = 0.0,
    *,
    strength: float,
    tol: float = DEFAULT_TOLERANCE,
    dual: ArrayLike | None = None,
) -> Solution:
    """Minimise |X beta - y|^2/(2n) + strength * sum_d D_{Q_k}(beta_d, beta0_d); the data may contradict each other.

    Parameters
    ----------
    X, y, k, beta0 : arrays
        As in `normtheory.solvers.newton.minimize`.
    strength : float
        Positive factor of the divergence, often called lambda.
    tol : float
        Bound on the relative duality gap and the relative residual.
    dual : array, shape (n,), optional
        Where to start: the dual of a neighbouring problem.

    Returns
    -------
    Solution
        `dual` is nu with Q'(beta) = Q'(beta0) + X^T nu. Its certificate is that of the program in beta and the residuals,
        without the part of y that is orthogonal to the range of X, which its objectives contain.

    Raises
    ------
    InputError
        If the input is malformed, k or strength is not positive.
    NotCertified
        If the tolerance was not reached; carries the certificate that was.
    """
    X = matrix(X, "X")
    inputs = X.shape[1]
    k = positive(vector(k, "k", inputs, "column of X"), "k")
    entropy = HyperbolicEntropy(k, vector(beta0, "beta0", inputs, "column of X"))
    return minimize_penalised(X, y, entropy, strength=strength, tol=tol, dual=dual)


def minimize_penalised(
    X: ArrayLike,
    y: ArrayLike,
    potential: Potential,
    *,
    strength: float,
    tol: float = DEFAULT_TOLERANCE,
    dual: ArrayLike | None = None,
) -> Solution:
    """`minimize` for any separable potential, such as those of `normtheory.solvers.potentials`.

    Raises
    ------
    InputError, NotCertified
        As `minimize`.
    """
    X = matrix(X, "X")
    y = targets(y, "y", X.shape[0], "X")
    strength = positive_scalar(strength, "lambda")
    if potential.start.shape != (X.shape[1],):
        raise InputError(f"the potential has {potential.start.size} coordinates, but X has {X.shape[1]} columns")
    rows, right, back = _independent(X, y)
    weight = X.shape[0] * strength
    lost = float(((y - back @ right) ** 2).sum()) / (2 * X.shape[0]) if back is not None else 0.0
    wide = np.hstack([rows, np.sqrt(weight) * np.eye(rows.shape[0])])
    if dual is not None:
        dual = targets(dual, "dual", X.shape[0], "X")
        dual = dual if back is None else back.T @ dual
    both = _WithResiduals(potential, rows.shape[0])
    found = minimize_separable(wide, right, both, tol=tol, dual=dual, inconsistent="project")
    values = found.certificate.objective, found.certificate.dual_objective
    objective, dual_objective = (strength * value + lost for value in values)
    return replace(
        found,
        beta=found.beta[: X.shape[1]],
        dual=found.dual if back is None else back @ found.dual,
        certificate=replace(found.certificate, objective=objective, dual_objective=dual_objective),
    )


def _independent(X: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray | None]:
    """Independent rows with the same squared residual but for a constant, their targets, and the map back to all samples."""
    with blas_threads(products(X)):
        if not independent_rows(X, y, Allowed(np.inf)).dependent:
            return X, y, None
        U, sizes, V = np.linalg.svd(X, full_matrices=False)
    kept = sizes >= negligible(X) * sizes[0]  # all of them if X = 0
    return sizes[kept, None] * V[kept], U[:, kept].T @ y, U[:, kept]


@dataclass(frozen=True, eq=False)
class _WithResiduals:
    """A potential, and |e|^2/2 for as many coordinates more."""

    inner: Potential
    count: int

    @property
    def unit(self) -> float:
        """That of the potential."""
        return self.inner.unit

    @property
    def _residuals(self) -> Quadratic:
        return Quadratic(np.full(self.count, 0.5), self.unit)

    @property
    def start(self) -> FloatArray:
        """Shape (D + count,)."""
        return np.concatenate([self.inner.start, self._residuals.start])

    @property
    def flattest(self) -> FloatArray:
        """Of both."""
        return np.concatenate([self.inner.flattest, self._residuals.flattest])

    def _parts(self, values: FloatArray) -> tuple[FloatArray, FloatArray]:
        return values[: -self.count], values[-self.count :]

    def map(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """b(x), b'(x) of both."""
        own, rest = self._parts(x)
        value, slope = _joined(self.inner.map(own), self._residuals.map(rest))
        return value, slope

    def softened(self, x: FloatArray, kappa: float) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Of both."""
        own, rest = self._parts(x)
        value, slope, drift = _joined(self.inner.softened(own, kappa), self._residuals.softened(rest, kappa))
        return value, slope, drift

    def energy(self, x: FloatArray) -> FloatArray:
        """Of both."""
        own, rest = self._parts(x)
        return np.concatenate([self.inner.energy(own), self._residuals.energy(rest)])

    def divergence(self, beta: FloatArray) -> FloatArray:
        """Of both."""
        own, rest = self._parts(beta)
        return np.concatenate([self.inner.divergence(own), self._residuals.divergence(rest)])

    def inverse(self, beta: FloatArray) -> FloatArray:
        """Of both."""
        own, rest = self._parts(beta)
        return np.concatenate([self.inner.inverse(own), self._residuals.inverse(rest)])


def _joined(first: tuple[FloatArray, ...], second: tuple[FloatArray, ...]) -> Any:
    """The arrays of one after those of the other."""
    return tuple(np.concatenate(pair) for pair in zip(first, second, strict=True))
