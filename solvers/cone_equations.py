"""The equations of an interior-point step of several tasks, X W^2 X^T d nu = right, W the scaling of the cones of all inputs.

By a Cholesky factor of the Gram matrix as long as that leaves the constraints closed. Where groups of very different sizes are
active, W^2 spans so many decades that X^T d nu vanishes on the larger ones but for round-off, which W^2 multiplies: there an
orthogonal factor W X^T = Q R gives the change of beta as W Q R^-T right, in which nothing cancels.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.linalg import LinAlgError, cho_solve, cholesky, qr, solve_triangular
from scipy.linalg.blas import dgemv, dsyrk

from normtheory.arrays import FloatArray
from normtheory.solvers.cones import Scaling

SHIFTS = (0.0, 1e-15, 1e-14, 1e-13, 1e-12, 1e-11, 1e-10)  # of a Gram matrix with unit diagonal
REFINEMENTS, SOLVED = 10, 1e-12  # at most (a large shift needs many), and the relative residual that ends them earlier
USABLE = 1e-4  # relative residual above which the next shift is tried


@dataclass(frozen=True, eq=False)
class _Factor:
    """A Cholesky factor of a Gram matrix, scaled to unit diagonal and shifted.

    Fewer inputs may be active than there are samples: in the limit the Gram matrix is singular.
    """

    triangle: FloatArray
    roots: FloatArray  # of the diagonal before it was scaled

    @staticmethod
    def of(gram: FloatArray, shift: float) -> _Factor | None:
        """None where round-off leaves the shifted matrix indefinite."""
        roots = np.sqrt(np.diag(gram))
        try:
            triangle = cholesky(gram / np.outer(roots, roots) + shift * np.eye(roots.size), check_finite=False)
        except LinAlgError:
            return None
        return _Factor(triangle, roots)

    def solve(self, right: FloatArray) -> FloatArray:
        """The solution up to the shift and to round-off."""
        return np.asarray(cho_solve((self.triangle, False), right / self.roots, check_finite=False) / self.roots)


@dataclass(frozen=True, eq=False)
class NormalEquations:
    """By Cholesky factors. On beta W^2 = eta^2 (I + 2 w w^T) for each input; tasks without a choice are eliminated.

    They have X_o = 1, so that their block is inverted input by input; what it leaves of W^2 for the other tasks is
    eta^2 (I + 2 w w^T/(1 + 2 f)), w their part of the point and f the square of that of the eliminated ones.
    """

    designs: list[FloatArray | None]
    eta: FloatArray
    w: FloatArray  # (O, D)
    f: FloatArray  # (D,)
    gram: FloatArray | None  # None: no task is left
    factors: dict[float, _Factor | None]  # by shift, as they are needed

    @staticmethod
    def of(designs: list[FloatArray | None], scaling: Scaling) -> NormalEquations:
        """Assemble and factorise."""
        w = scaling.point[1:]
        f = (w[[A is None for A in designs]] ** 2).sum(axis=0)
        parts = [(A, p / np.sqrt(1 + 2 * f)) for A, p in zip(designs, w, strict=True) if A is not None and A.shape[0]]
        return NormalEquations(designs, scaling.eta, w, f, _gram(parts, scaling.eta) if parts else None, {})

    def solve(self, right: FloatArray, ends: FloatArray) -> FloatArray:
        """The steps of all tasks, one after the other, with the least shift that leaves a small residual."""
        for shift in SHIFTS:
            x, left = self._refined(right, ends, shift)
            if left <= USABLE * np.linalg.norm(right):
                return x
        raise LinAlgError("the normal equations are singular to the last digit")

    def _refined(self, right: FloatArray, ends: FloatArray, shift: float) -> tuple[FloatArray, float]:
        """The solution and the norm of its residual; refined, for shifts and elimination lose digits."""
        x, residual = np.zeros_like(right), right
        if self.gram is not None and shift not in self.factors:
            self.factors[shift] = _Factor.of(self.gram, shift)
        factor = self.factors.get(shift)
        for _ in range(REFINEMENTS if self.gram is None or factor is not None else 0):
            trial = x + self._eliminated(np.split(residual, ends), factor)
            pull = pulled(self.designs, np.split(trial, ends))
            left = right - applied(self.designs, self.eta**2 * (pull + 2 * self.w * (self.w * pull).sum(axis=0)))
            if not np.linalg.norm(left) < np.linalg.norm(residual):
                break
            x, residual = trial, left
            if np.linalg.norm(left) <= SOLVED * np.linalg.norm(right):
                break
        return x, float(np.linalg.norm(residual))

    def _eliminated(self, right: list[FloatArray], factor: _Factor | None) -> FloatArray:
        """One solution of the reduced equations, and of the eliminated ones after them."""
        fixed = np.array([A is None for A in self.designs])
        own = self.w[fixed]
        known = np.array([r for r, gone in zip(right, fixed, strict=True) if gone]).reshape(own.shape)
        shared = 2 * (own * known).sum(axis=0) / (1 + 2 * self.f)
        free = [(A, p, r) for A, p, r in zip(self.designs, self.w, right, strict=True) if A is not None]
        reduced = [r - A @ (p * shared) for A, p, r in free]
        steps = reduced if factor is None else _split_like(factor.solve(np.concatenate(reduced)), reduced)
        pulled = sum((p * (A.T @ step) for (A, p, _), step in zip(free, steps, strict=True)), np.zeros_like(self.f))
        rest = known - 2 * self.eta**2 * own * pulled
        gone = list((rest - 2 * own * (own * rest).sum(axis=0) / (1 + 2 * self.f)) / self.eta**2)
        return np.concatenate([gone.pop(0) if A is None else steps.pop(0) for A in self.designs])


@dataclass(frozen=True, eq=False)
class OrthogonalEquations:
    """By an orthogonal factor of W X^T. Tasks without a choice are eliminated, input by input, by orthogonal factors too."""

    designs: list[FloatArray | None]
    scaling: Scaling

    def solve(self, right: FloatArray, ends: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The steps of all tasks, one after the other, and W X^T of them, shape (1 + O, D)."""
        W, fixed, parts = self.scaling.matrices, self._fixed, np.split(right, ends)
        scaled = np.zeros(W.shape[:2])
        if fixed.any():
            basis, corner = self._eliminated
            known = np.array([r for r, gone in zip(parts, fixed, strict=True) if gone]).T
            scaled = (basis @ np.linalg.solve(corner.swapaxes(1, 2), known[:, :, None]))[:, :, 0]
        free = [(o, A) for o, A in enumerate(self.designs) if A is not None and A.shape[0]]
        steps = [np.zeros_like(part) for part in parts]
        if free:
            left = [parts[o] - A @ (W[:, 1 + o] * scaled).sum(axis=1) for o, A in free]
            order, Q, R, pivots = self._factor
            half = solve_triangular(R, np.concatenate(left)[pivots], trans="T", check_finite=False)
            moved = np.empty(order.size)
            moved[order] = Q @ half
            scaled = scaled + (self._free_directions @ moved.reshape(W.shape[0], -1, 1))[:, :, 0]
            joined = np.empty(half.size)
            joined[pivots] = solve_triangular(R, half, check_finite=False)
            for (o, _), step in zip(free, _split_like(joined, left), strict=True):
                steps[o] = step
        if fixed.any():
            rest = scaled - sum(W[:, 1 + o] * (A.T @ steps[o])[:, None] for o, A in free)
            own = np.linalg.solve(corner, basis.swapaxes(1, 2) @ rest[:, :, None])[:, :, 0]
            for place, o in enumerate(np.flatnonzero(fixed).tolist()):
                steps[o] = np.asarray(own[:, place], dtype=np.float64)
        return np.concatenate(steps), scaled.T

    @property
    def _fixed(self) -> FloatArray:
        return np.array([A is None for A in self.designs])

    @cached_property
    def _factors_of_fixed(self) -> tuple[FloatArray, FloatArray]:
        own = self.scaling.matrices[:, :, 1:][:, :, self._fixed]
        complete = np.linalg.qr(own, mode="complete")
        return complete.Q, complete.R[:, : own.shape[2]]

    @property
    def _eliminated(self) -> tuple[FloatArray, FloatArray]:
        """For each input an orthonormal basis of what the fixed tasks decide, (D, 1 + O, F), and its triangle (D, F, F)."""
        Q, corner = self._factors_of_fixed
        return Q[:, :, : corner.shape[1]], corner

    @property
    def _free_directions(self) -> FloatArray:
        """For each input an orthonormal basis of the rest, (D, 1 + O, 1 + O - F)."""
        Q, corner = self._factors_of_fixed
        return Q[:, :, corner.shape[1] :]

    @cached_property
    def _factor(self) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Order of the rows, Q, R and pivots; rows sorted by size and columns pivoted, for scalings of many decades."""
        seen = self._free_directions.swapaxes(1, 2) @ self.scaling.matrices[:, :, 1:]  # (D, J, O)
        tall = np.concatenate(
            [
                (seen[:, :, o, None] * A.T[:, None, :]).reshape(-1, A.shape[0])
                for o, A in enumerate(self.designs)
                if A is not None and A.shape[0]
            ],
            axis=1,
        )
        order = np.argsort(-np.abs(tall).max(axis=1))
        return order, *qr(tall[order], mode="economic", pivoting=True, check_finite=False, overwrite_a=True)


def _split_like(joined: FloatArray, parts: list[FloatArray]) -> list[FloatArray]:
    return list(np.split(joined, np.cumsum([part.size for part in parts])[:-1]))


def _gram(parts: list[tuple[FloatArray, FloatArray]], eta: FloatArray) -> FloatArray:
    """Sum over inputs of eta^2 (I + 2 w w^T) between the tasks' columns, of size sum_o n_o; upper triangle."""
    product = dsyrk(2.0, np.vstack([A * (eta * w) for A, w in parts]).T, trans=1)
    first = 0
    for A, _ in parts:
        own = slice(first, first + A.shape[0])
        product[own, own] += dsyrk(1.0, (A * eta).T, trans=1)
        first += A.shape[0]
    return np.asarray(product)


def pulled(designs: list[FloatArray | None], duals: list[FloatArray]) -> FloatArray:
    """X_o^T nu_o, shape (O, D); None stands for the identity.

    By scipy's BLAS, as the Gram matrices: the threads of numpy's own would contend with it for the cores.
    """
    pulls = [
        nu if A is None else dgemv(1.0, A.T, nu) if A.size else np.zeros(A.shape[1])
        for A, nu in zip(designs, duals, strict=True)
    ]
    return np.stack(pulls)


def applied(designs: list[FloatArray | None], beta: FloatArray) -> FloatArray:
    """X_o beta_o, one after the other."""
    return np.concatenate(
        [b if A is None else dgemv(1.0, A.T, b, trans=1) if A.size else np.zeros(0) for A, b in zip(designs, beta, strict=True)]
    )
