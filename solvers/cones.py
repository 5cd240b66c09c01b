"""The algebra of second-order cones: of points (t, beta), ||beta|| < t, one a column, and the scaling between two of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import LinAlgError

from normtheory.arrays import FloatArray


@dataclass(frozen=True, eq=False)
class Scaling:
    """The symmetric map W = eta (2 v v^T - J) of each cone with W z = W^{-1} x, J = diag(1, -1, ..., -1)."""

    eta: FloatArray  # (D,)
    v: FloatArray  # (1 + O, D)
    point: FloatArray  # (1 + O, D): W^2 = eta^2 (2 point point^T - J)

    @staticmethod
    def between(x: FloatArray, z: FloatArray) -> Scaling:
        """The scaling of Nesterov and Todd at two points inside the cones."""
        sizes = determinant(x), determinant(z)
        if not min(sizes[0].min(), sizes[1].min()) > 0:
            raise LinAlgError("a point on the boundary of its cone, to the last digit")
        a, b = x / np.sqrt(sizes[0]), reflected(z / np.sqrt(sizes[1]))
        point = (a + b) / np.sqrt(2 * (1 + (a * reflected(b)).sum(axis=0)))
        v = point.copy()
        v[0] += 1
        return Scaling((sizes[0] / sizes[1]) ** 0.25, v / np.sqrt(2 * v[0]), point)

    def times(self, u: FloatArray) -> FloatArray:
        """W u."""
        return np.asarray(self.eta * (2 * self.v * (self.v * u).sum(axis=0) - reflected(u)))

    @property
    def matrices(self) -> FloatArray:
        """W of each cone, shape (D, 1 + O, 1 + O)."""
        signs = -np.ones(self.v.shape[0])
        signs[0] = 1.0
        v = self.v.T
        return np.asarray(self.eta[:, None, None] * (2 * v[:, :, None] * v[:, None, :] - np.diag(signs)))

    def divided(self, u: FloatArray) -> FloatArray:
        """W^{-1} u."""
        return reflected(Scaling(1 / self.eta, self.v, self.point).times(reflected(u)))


def reflected(u: FloatArray) -> FloatArray:
    """J u."""
    return np.vstack([u[:1], -u[1:]])


def determinant(u: FloatArray) -> FloatArray:
    """u_0^2 - ||u_1||^2, as a product: half the cancellation."""
    length = np.hypot.reduce(u[1:], axis=0)
    return np.asarray((u[0] - length) * (u[0] + length))


def jordan(u: FloatArray, v: FloatArray) -> FloatArray:
    """The product (u.v, u_0 v_1 + v_0 u_1) of the cone's algebra."""
    return np.vstack([(u * v).sum(axis=0, keepdims=True), u[0] * v[1:] + v[0] * u[1:]])


def jordan_solve(u: FloatArray, right: FloatArray) -> FloatArray:
    """The q with u o q = right."""
    first = (u * reflected(right)).sum(axis=0) / determinant(u)
    return np.vstack([first, (right[1:] - first * u[1:]) / u[0]])


def longest(u: FloatArray, change: FloatArray) -> float:
    """The longest step from inside the cones along `change` that stays in all of them."""
    quadratic = change[0] ** 2 - (change[1:] ** 2).sum(axis=0)
    linear = u[0] * change[0] - (u[1:] * change[1:]).sum(axis=0)
    constant = determinant(u)
    # The least positive root of constant + 2 linear a + quadratic a^2, in the form that does not cancel.
    with np.errstate(divide="ignore", invalid="ignore"):
        root = np.sqrt(np.maximum(linear**2 - quadratic * constant, 0.0))
        length = np.where(root - linear > 0, constant / (root - linear), np.inf)
    outside = (linear >= 0) & (quadratic >= 0)
    return float(np.where(outside, np.inf, length).min())
