"""The constraint X beta = y with independent rows, and factors of its weighted Gram matrices X diag(weights) X^T."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lstsq, qr, solve_triangular
from scipy.linalg.blas import dgemv, dsyrk, dtrsv
from scipy.linalg.lapack import dpotrf

from normtheory.arrays import FloatArray, InputError, negligible

COLUMN_BLOCK_BYTES = 8 * 2**20  # of the weighted copy of X that a Gram matrix is accumulated from
NEARLY_DEPENDENT = 1e-5  # sine of the angle of a row with the others below which rows are orthogonalised first


def products(X: FloatArray) -> float:
    """Multiplications in a Gram matrix of the rows of X, shape (n, D), or of its columns if they are fewer."""
    return float(min(X.shape)) * X.size


@dataclass(frozen=True, eq=False)
class System:
    """The constraint Z beta = z with independent rows, a factor of Z Z^T, and the way to and from the duals of X beta = y.

    All long products go through scipy: numpy brings a BLAS of its own, whose threads, once woken, would contend for the cores
    with those that make the Gram matrices.
    """

    Z: FloatArray
    z: FloatArray
    factor: Factor
    steps: int  # factorisations it took
    triangle: FloatArray | None = None  # of the pivoted QR factorisation of X^T, if rows depend on each other
    pivots: NDArray[np.intp] | None = None
    rows: int = 0

    def predictions(self, beta: FloatArray) -> FloatArray:
        """Z beta."""
        return np.asarray(dgemv(1.0, self.Z.T, beta, trans=1)) if self.z.size else np.zeros(0)

    def pull(self, mu: FloatArray) -> FloatArray:
        """Z^T mu."""
        return np.asarray(dgemv(1.0, self.Z.T, mu))

    def lift(self, mu: FloatArray) -> FloatArray:
        """A nu with X^T nu = Z^T mu."""
        if self.triangle is None or self.pivots is None:
            return mu
        nu = np.zeros(self.rows)
        nu[self.pivots[: mu.size]] = solve_triangular(self.triangle[:, : mu.size], mu)
        return nu

    def lower(self, nu: FloatArray) -> FloatArray:
        """The mu with Z^T mu = X^T nu."""
        return nu if self.triangle is None else np.asarray(self.triangle @ nu[self.pivots])


def independent_rows(X: FloatArray, y: FloatArray, tol: float) -> System:
    """X beta = y as it stands if its rows are independent, else an orthonormal basis of them, by pivoted QR."""
    rows, inputs = X.shape
    if rows <= inputs:
        gram = dsyrk(1.0, X.T, trans=1)
        lengths = np.sqrt(np.diag(gram))
        triangle, failed = dpotrf(gram, clean=0, overwrite_a=1)
        if not failed and (np.diag(triangle) > NEARLY_DEPENDENT * lengths).all():
            return System(X, y, Factor(triangle), 1)
    orthonormal, R, pivots = qr(X.T, mode="economic", pivoting=True, check_finite=False)
    sizes = np.abs(np.diag(R))
    rank = int(np.count_nonzero(sizes > negligible(X) * sizes[0])) if sizes[0] else 0
    basis = np.ascontiguousarray(orthonormal[:, :rank].T)
    z = np.zeros(0)
    if rank:
        z = lstsq(R[:rank].T, y[pivots], lapack_driver="gelsy", check_finite=False)[0]
    misfit, size = float(np.linalg.norm(X @ (basis.T @ z) - y)), float(np.linalg.norm(y))
    if misfit > tol * size:
        raise InputError(outside_the_range("y", "X", misfit / size))
    return System(basis, z, Factor(np.eye(rank)), 1, R[:rank], pivots, rows)


@dataclass(frozen=True, eq=False)
class Factor:
    """Upper triangular R with R^T R = Z diag(weights) Z^T; what stands below the diagonal is not read."""

    triangle: FloatArray
    order: NDArray[np.intp] | None = None

    @staticmethod
    def of(Z: FloatArray, weights: FloatArray) -> Factor:
        """Cholesky factor of the Gram matrix; where that breaks down, QR of diag(sqrt(weights)) Z^T, squaring nothing."""
        triangle, failed = dpotrf(_gram(Z, weights), clean=0, overwrite_a=1)
        if not failed:
            return Factor(triangle)
        # Rows sorted by size and columns pivoted: accurate also for weights that span many decades.
        tall = (Z * np.sqrt(weights)).T[np.argsort(-weights)]
        triangle, order = qr(tall, mode="r", pivoting=True, check_finite=False)
        return Factor(triangle[: Z.shape[0]], order)

    def solve(self, right: FloatArray) -> FloatArray:
        """Solve R^T R x = right."""
        if self.order is None:
            # For one right-hand side several times faster than dpotrs, which solves as if for many.
            return np.asarray(dtrsv(self.triangle, dtrsv(self.triangle, right, trans=1)))
        x = np.empty_like(right)
        half = solve_triangular(self.triangle, right[self.order], trans="T", check_finite=False)
        x[self.order] = solve_triangular(self.triangle, half, check_finite=False)
        return x


def _gram(Z: FloatArray, weights: FloatArray) -> FloatArray:
    """Upper triangle of Z diag(weights) Z^T, accumulated over blocks of columns so that no second Z is held in memory."""
    rows, inputs = Z.shape
    width = max(1, min(inputs, COLUMN_BLOCK_BYTES // (8 * rows)))
    product = np.zeros((rows, rows), order="F")
    workspace = np.empty((rows, width))
    roots = np.sqrt(weights)
    for first in range(0, inputs, width):
        columns = slice(first, min(first + width, inputs))
        block = np.multiply(Z[:, columns], roots[columns], out=workspace[:, : columns.stop - first])
        product = dsyrk(1.0, block.T, trans=1, beta=1.0, c=product, overwrite_c=True)
    return product


def outside_the_range(y: str, X: str, residual: float) -> str:
    """What to say of targets that no predictor fits, with the relative residual of least squares."""
    return (
        f"{y} is outside the range of {X} (relative least-squares residual {residual:.1e}): "
        "no beta has zero training error; remove contradictory rows"
    )
