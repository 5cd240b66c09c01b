"""The constraint X beta = y with independent rows, and factors of its weighted Gram matrices X diag(weights) X^T."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lstsq, qr, solve_triangular
from scipy.linalg.blas import dgemv, dsyrk, dtrsv, ssyrk
from scipy.linalg.lapack import dpotrf

from normtheory.arrays import FloatArray, negligible
from normtheory.machine import blas_threads
from normtheory.solvers.consistency import NEARLY_DEPENDENT, Allowed, Columns

COLUMN_BLOCK_BYTES = 8 * 2**20  # of the weighted copy of X that a Gram matrix is accumulated from
MILD = 1e5  # largest ratio of weights whose Gram matrix tells whether rows are independent
SINGLE_FROM = 64  # samples from which on a Gram matrix takes most of a step
SINGLE = 1e-6  # of the largest weight: those below are hardly seen in single precision
WELL_APART = 1e-2  # of a sample's length outside the span of those before it: single precision then keeps two digits or more


def products(X: FloatArray) -> float:
    """Multiplications in a Gram matrix of the rows of X, shape (n, D), or of its columns if they are fewer."""
    return float(min(X.shape)) * X.size


@dataclass(frozen=True, eq=False)
class System:
    """The constraint Z beta = z with independent rows, a factor of Z Z^T, and the way to and from the duals of X beta = y.

    All long products go through scipy: numpy brings a BLAS of its own, whose threads, once woken, would contend for the cores
    with those that make the Gram matrices.

    Attributes
    ----------
    steps : int
        Factorisations it took, but for one that told nothing.
    targets : array, shape (n,)
        y, moved onto the range of X if the rows of X depend on each other.
    moved : float
        By how much of the norm of y.
    """

    Z: FloatArray
    z: FloatArray
    given: Factor | None  # of Z Z^T
    steps: int
    targets: FloatArray
    moved: float = 0.0
    triangle: FloatArray | None = None  # of the pivoted QR factorisation of X^T, if rows depend on each other
    pivots: NDArray[np.intp] | None = None
    columns: Columns | None = None  # of X, if they are independent and fewer than rows
    weights: FloatArray | None = None
    weighted: Factor | None = None  # of Z diag(weights) Z^T, if that has shown that rows are independent

    @cached_property
    def factor(self) -> Factor:
        """Of Z Z^T; a factorisation more if that of a weighted one has shown the rows to be independent."""
        return Factor.of(self.Z, np.ones(self.Z.shape[1])) if self.given is None else self.given

    @property
    def dependent(self) -> bool:
        """Whether the rows of X depend on each other."""
        return self.columns is not None or (self.triangle is not None and self.z.size < self.targets.size)

    @property
    def determined(self) -> bool:
        """Whether z is the only predictor that fits, and Z the identity."""
        return self.columns is not None

    def predictions(self, beta: FloatArray) -> FloatArray:
        """Z beta."""
        return np.asarray(dgemv(1.0, self.Z.T, beta, trans=1)) if self.z.size else np.zeros(0)

    def pull(self, mu: FloatArray) -> FloatArray:
        """Z^T mu."""
        return np.asarray(dgemv(1.0, self.Z.T, mu)) if self.z.size else np.zeros(self.Z.shape[1])

    def lift(self, mu: FloatArray) -> FloatArray:
        """A nu with X^T nu = Z^T mu."""
        if self.columns is not None:
            return self.columns.lifted(mu)
        if self.triangle is None or self.pivots is None:
            return mu
        nu = np.zeros(self.targets.size)
        nu[self.pivots[: mu.size]] = solve_triangular(self.triangle[:, : mu.size], mu)
        return nu

    def lower(self, nu: FloatArray) -> FloatArray:
        """The mu with Z^T mu = X^T nu."""
        if self.columns is not None:
            return np.asarray(self.columns.X.T @ nu)
        return nu if self.triangle is None else np.asarray(self.triangle @ nu[self.pivots])


def independent_rows(X: FloatArray, y: FloatArray, allowed: Allowed, weights: FloatArray | None = None) -> System:
    """X beta = y as it stands if its rows are independent; else an orthonormal basis of them, by pivoted QR, or beta itself.

    Weights, positive, (D,), are those of a Gram matrix whose factor is wanted, too: unless they differ much, it tells that rows
    are independent as well as the factor of X X^T does, which is then not made.

    Raises
    ------
    InputError
        If y is farther from the range of X than is allowed.
    """
    rows, inputs = X.shape
    if not rows:
        return System(X, y, Factor(np.zeros((0, 0))), 0, y)
    if rows <= inputs:
        if weights is not None and (factor := _of_independent(X, weights)) is not None:
            alike = Factor(factor.triangle / np.sqrt(weights[0])) if (weights == weights[0]).all() else None
            return System(X, y, alike, 1, y, weights=weights, weighted=factor)
        if (factor := _of_independent(X)) is not None:
            return System(X, y, factor, 1, y)
    columns = Columns.of(X)
    if columns is not None:
        beta = columns.least_squares(y)
        targets, identity = X @ beta, np.eye(inputs)
        return System(identity, beta, Factor(identity), 1, targets, allowed.moved(y, targets), columns=columns)
    orthonormal, R, pivots = qr(X.T, mode="economic", pivoting=True, check_finite=False)
    sizes = np.abs(np.diag(R))
    rank = int(np.count_nonzero(sizes > negligible(X) * sizes[0])) if sizes[0] else 0
    basis, targets, z = np.ascontiguousarray(orthonormal[:, :rank].T), y.copy(), np.zeros(0)
    if rank == rows:
        z = solve_triangular(R[:rank], y[pivots], trans="T", check_finite=False)
    else:
        if rank:
            z = lstsq(R[:rank].T, y[pivots], lapack_driver="gelsy", check_finite=False)[0]
        targets[pivots] = R[:rank].T @ z
    return System(basis, z, Factor(np.eye(rank)), 1, targets, allowed.moved(y, targets), R[:rank], pivots)


def _of_independent(X: FloatArray, weights: FloatArray | None = None) -> Factor | None:
    """The factor of the (weighted) Gram matrix of rows that it shows to be independent; None if it does not.

    Weighting inputs raises the sine of the angle of a row with the others by the root of the weights' ratio, at the most.
    """
    largest, least = (1.0, 1.0) if weights is None else (float(weights.max()), float(weights.min()))
    if not 0 < largest <= MILD * least:
        return None
    gram = dsyrk(1.0, X.T, trans=1) if weights is None else _gram(X, weights)
    lengths = np.sqrt(np.diag(gram))
    triangle, failed = dpotrf(gram, clean=0, overwrite_a=1)
    independent = not failed and (np.diag(triangle) > np.sqrt(largest / least) * NEARLY_DEPENDENT * lengths).all()
    return Factor(triangle) if independent else None


def fitted(X: FloatArray, y: FloatArray, allowed: Allowed) -> tuple[FloatArray, float]:
    """The targets moved onto the range of X, and by how much of their norm: as they are unless samples depend on each other.

    Raises
    ------
    InputError
        If that is more than allowed.
    """
    unit = float(np.abs(y).max()) or 1.0
    with blas_threads(products(X)):
        system = independent_rows(X, y / unit, allowed)
    return (system.targets * unit, system.moved) if system.dependent else (y, 0.0)


@dataclass(frozen=True, eq=False)
class Factor:
    """Upper triangular R with R^T R = Z diag(weights) Z^T; what stands below the diagonal is not read."""

    triangle: FloatArray
    order: NDArray[np.intp] | None = None

    @staticmethod
    def nearly(Z: FloatArray, weights: FloatArray) -> Factor:
        """As `of`, from a Gram matrix in single precision where that saves time and the factor is hardly the worse for it.

        For methods that correct their steps by residuals.
        """
        rows, largest = Z.shape[0], float(weights.max())
        if rows >= SINGLE_FROM and np.count_nonzero(weights > SINGLE * largest) > rows:
            with np.errstate(over="ignore", invalid="ignore"):  # samples out of its range: seen in their lengths
                gram = _gram(Z, weights / largest, np.float32).astype(np.float64)
            lengths = np.sqrt(np.diag(gram))
            triangle, failed = dpotrf(gram, clean=0, overwrite_a=1)
            if not failed and (np.diag(triangle) > WELL_APART * lengths).all() and np.isfinite(lengths).all():
                return Factor(triangle * np.sqrt(largest))
        return Factor.of(Z, weights)

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


def _gram(Z: FloatArray, weights: FloatArray, precision: type = np.float64) -> NDArray[Any]:
    """Upper triangle of Z diag(weights) Z^T, accumulated over blocks of columns so that no second Z is held in memory."""
    rows, inputs = Z.shape
    width = max(1, min(inputs, COLUMN_BLOCK_BYTES // (8 * rows)))
    product: NDArray[Any] = np.zeros((rows, rows), precision, order="F")
    workspace = np.empty((rows, width), precision)
    roots, multiplied = np.sqrt(weights), dsyrk if precision is np.float64 else ssyrk
    for first in range(0, inputs, width):
        columns = slice(first, min(first + width, inputs))
        block = np.multiply(Z[:, columns], roots[columns], out=workspace[:, : columns.stop - first], casting="same_kind")
        product = multiplied(1.0, block.T, trans=1, beta=1.0, c=product, overwrite_c=True)
    return product
