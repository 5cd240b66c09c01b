"""The minimiser of |beta|_1 under X beta = y: homotopy where its path is short, else an interior point, ended at a vertex.

The interior-point method is Mehrotra's, for the linear program in the two signs of beta. Its dual is strictly feasible at 0 and
the least-norm solution is feasible, and both stay so; a step costs one Gram matrix X diag(w) X^T and one factorisation. Both
routes end where inputs at zero are known from others. There the problem is a linear equation, which is solved anew: nothing is
left of what adds up along a path, or of the interior point's distance from the boundary. Certificates judge the result.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import lstsq, qr, solve_triangular

from normtheory.arrays import FloatArray, positive_scalar
from normtheory.machine import blas_threads
from normtheory.penalties import L1
from normtheory.solvers import homotopy
from normtheory.solvers.certificate import DEFAULT_TOLERANCE, Solution, accepted, certify_norm
from normtheory.solvers.consistency import Inconsistent
from normtheory.solvers.constraints import Factor, System, products
from normtheory.solvers.scaling import Tasks

SHORT_PATH = 0.5  # pieces of the homotopy's path, per sample, after which the interior point takes over
MOST_STEPS = 80
TO_THE_BOUNDARY = 0.99  # share of the longest step
SOLVED = 1e-13  # residual of the normal equations, beside the targets
REFINEMENTS = 4  # of the last point
AIM = 1e-2  # share of the tolerance at which to stop


def minimize(
    X: ArrayLike,
    y: ArrayLike,
    *,
    tol: float = DEFAULT_TOLERANCE,
    consistency: float | None = None,
    inconsistent: Inconsistent = "refuse",
) -> Solution:
    """Basis pursuit: minimise sum_d |beta_d| subject to X beta = y.

    Parameters
    ----------
    X : array, shape (n, D)
        Design matrix; rank-deficient rows are welcome as long as y is consistent.
    y : array, shape (n,)
        Targets.
    tol : float
        Bound on relative duality gap, relative primal residual and the square of the relative dual infeasibility.
    consistency, inconsistent
        What to do with targets outside the range of X, as in `normtheory.solvers.newton.minimize`.

    Returns
    -------
    Solution
        `dual` is nu with |X^T nu| <= 1 and (X^T nu)_d = sign beta_d where beta_d is not 0; `unique` says whether there are
        other minimisers.

    Raises
    ------
    InputError
        If the input is malformed or y is outside the range of X.
    NotCertified
        If the tolerance was not reached; carries the certificate that was.
    """
    tol = positive_scalar(tol, "tol")
    given = Tasks.checked([(X, y)], [""], consistency=consistency, inconsistent=inconsistent)
    if given.zero:
        return given.zeros(L1(), "homotopy")
    system = given.systems[0]
    with blas_threads(products(given.X[0])):
        found = _without_choice(system) or _by_homotopy(system, tol)
        solution = None if found is None else _restored(given, system, found, tol)
        # A vertex does not show whether there are others; what the interior point ends at lies amid all minimisers.
        if solution is None or not solution.certificate.within(tol) or solution.unique is None:
            central = _restored(given, system, _by_interior_point(system, tol), tol)
            if solution is None or not solution.certificate.within(tol) or central.certificate.within(tol):
                solution = central
    return accepted(solution, tol, given.X)


@dataclass(frozen=True, eq=False)
class _Pair:
    """A minimiser of the system and its dual variable, uncertified, with how they were found."""

    beta: FloatArray
    mu: FloatArray
    solver: str
    steps: int


def _restored(given: Tasks, system: System, found: _Pair, tol: float) -> Solution:
    beta, duals = given.restored(found.beta[None, :], [system.lift(found.mu)])
    certificate = certify_norm(given.X, given.y, L1(), beta, duals, tolerance=tol)
    return Solution(beta[0], duals[0], certificate, "optimal", found.solver, found.steps, given.moved)


def _without_choice(system: System) -> _Pair | None:
    """The only predictor that fits, and a dual whose pull has its signs."""
    if system.z.size < system.Z.shape[1]:
        return None
    beta = system.z if system.determined else system.pull(system.factor.solve(system.z))
    mu = np.sign(beta) if system.determined else system.factor.solve(system.predictions(np.sign(beta)))
    return _Pair(beta, mu, "factorisation", 1)


def _by_homotopy(system: System, tol: float) -> _Pair | None:
    """Down the path of lasso solutions, if it is short and without ties."""
    path = homotopy.lasso(system.Z, system.z, 0.0, max(20, int(SHORT_PATH * system.z.size)))
    if path is None:
        return None
    beta, mu, steps = path
    return _Pair(*_at_the_vertex(system, beta, mu, beta != 0), "homotopy", steps)


@dataclass(frozen=True, eq=False)
class _Point:
    """u, v >= 0 with beta = u - v, and the slacks s = 1 - Z^T mu, t = 1 + Z^T mu of the dual."""

    u: FloatArray
    v: FloatArray
    mu: FloatArray
    s: FloatArray
    t: FloatArray

    @property
    def products(self) -> tuple[FloatArray, FloatArray]:
        """Complementarity of either sign."""
        return self.u * self.s, self.v * self.t

    def moved(self, step: _Direction, forward: float, backward: float) -> _Point:
        """A step in the primal and in the dual unknowns; the slacks are as linear as these."""
        return _Point(
            self.u + forward * step.u,
            self.v + forward * step.v,
            self.mu + backward * step.mu,
            self.s - backward * step.pull,
            self.t + backward * step.pull,
        )


@dataclass(frozen=True, eq=False)
class _Solved:
    """A solution mu of Z diag(weights) Z^T mu = right, with the change of beta, weights Z^T mu, and Z^T mu itself."""

    mu: FloatArray
    beta: FloatArray
    pull: FloatArray


@dataclass(frozen=True, eq=False)
class _Equations:
    """The normal equations of a point, by a Cholesky factor, or by an orthogonal one once that leaves the constraints open.

    Where few inputs are active some weights are 1e13 and more, and Z^T mu vanishes on those inputs but for round-off, which the
    weights multiply. The orthogonal factor Q R of diag(sqrt(weights)) Z^T gives their change as sqrt(weights) Q R^-T right.
    """

    system: System
    weights: FloatArray

    @staticmethod
    def at(system: System, point: _Point) -> _Equations:
        """Those of a Newton step."""
        return _Equations(system, point.u / point.s + point.v / point.t)

    def solve(self, right: FloatArray) -> _Solved:
        """The solution, by the faster factor if that is good enough."""
        if "_orthogonal" not in vars(self):
            mu = self._cholesky.solve(right)
            mu = mu + self._cholesky.solve(right - self.system.predictions(self.weights * self.system.pull(mu)))
            pull = self.system.pull(mu)
            beta = self.weights * pull
            left = right - self.system.predictions(beta)
            if np.linalg.norm(left) <= SOLVED * np.linalg.norm(self.system.z):
                return _Solved(mu, beta, pull)
        return self._carefully(right)

    @cached_property
    def _cholesky(self) -> Factor:
        return Factor.of(self.system.Z, self.weights)

    @cached_property
    def _orthogonal(self) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Order of the inputs, Q, R and pivots; rows sorted by size and columns pivoted, for weights of many decades."""
        order = np.argsort(-self.weights)
        tall = (self.system.Z * np.sqrt(self.weights)).T[order]
        return order, *qr(tall, mode="economic", pivoting=True, check_finite=False, overwrite_a=True)

    def _carefully(self, right: FloatArray) -> _Solved:
        order, Q, R, pivots = self._orthogonal
        half = solve_triangular(R, right[pivots], trans="T", check_finite=False)
        beta, mu = np.empty_like(self.weights), np.empty_like(right)
        beta[order] = Q @ half
        beta *= np.sqrt(self.weights)
        mu[pivots] = solve_triangular(R, half, check_finite=False)
        return _Solved(mu, beta, beta / self.weights)


@dataclass(frozen=True, eq=False)
class _Direction:
    u: FloatArray
    v: FloatArray
    mu: FloatArray
    pull: FloatArray

    @staticmethod
    def towards(equations: _Equations, at: _Point, aim: tuple[FloatArray, FloatArray]) -> _Direction:
        """The Newton step that changes the products u s and v t by `aim`."""
        system, up, down = equations.system, aim[0] / at.s, aim[1] / at.t
        solved = equations.solve(system.z - system.predictions(at.u - at.v + up - down))
        pull = solved.pull
        return _Direction(up + at.u / at.s * pull, down - at.v / at.t * pull, solved.mu, pull)

    def longest(self, at: _Point) -> tuple[float, float]:
        """The longest steps that keep all signs, primal and dual."""
        return (
            min(_longest(at.u, self.u), _longest(at.v, self.v)),
            min(_longest(at.s, -self.pull), _longest(at.t, self.pull)),
        )


def _by_interior_point(system: System, tol: float) -> _Pair:
    """Mehrotra's predictor and corrector, then the vertex, whichever of the two is better."""
    beta = system.pull(system.factor.solve(system.z))
    margin = float(np.abs(beta).mean())
    ones = np.ones_like(beta)
    at = _Point(np.maximum(beta, 0) + margin, np.maximum(-beta, 0) + margin, np.zeros_like(system.z), ones, ones)
    steps = 0
    while steps < MOST_STEPS:
        steps += 1
        objective = float((at.u + at.v).sum())
        first, second = at.products
        gap = float(first.sum() + second.sum())
        if gap <= AIM * tol * objective:
            break
        equations = _Equations.at(system, at)
        predictor = _Direction.towards(equations, at, (-first, -second))
        reached = at.moved(predictor, *(min(1.0, length) for length in predictor.longest(at)))
        centre = (float(sum(part.sum() for part in reached.products)) / gap) ** 3 * gap / (2 * beta.size)
        aim = centre - first + predictor.u * predictor.pull, centre - second - predictor.v * predictor.pull
        step = _Direction.towards(equations, at, aim)
        forward, backward = (min(1.0, TO_THE_BOUNDARY * length) for length in step.longest(at))
        if not max(forward, backward) > 1e-10:  # also NaN: as far as float64 goes
            break
        at = at.moved(step, forward, backward)
    beta = _feasible(system, at)
    vertex, mu = _at_the_vertex(system, beta, at.mu, (at.u > at.s) | (at.v > at.t))
    inside, outside = (_misses(system, *pair) for pair in ((beta, at.mu), (vertex, mu)))
    return _Pair(*((vertex, mu) if outside <= inside else (beta, at.mu)), "interior point", steps)


def _feasible(system: System, at: _Point) -> FloatArray:
    """u - v, moved onto the constraints in the metric of the last step, which moves entries away from zero most."""
    beta, equations = at.u - at.v, _Equations.at(system, at)
    residual = system.z - system.predictions(beta)
    for _ in range(REFINEMENTS):
        moved = beta + equations.solve(residual).beta
        left = system.z - system.predictions(moved)
        if not np.linalg.norm(left) < np.linalg.norm(residual):
            break
        beta, residual = moved, left
    return np.asarray(beta)


def _at_the_vertex(system: System, beta: FloatArray, mu: FloatArray, active: np.ndarray) -> tuple[FloatArray, FloatArray]:
    """The pair whose beta vanishes off `active` and fits, and whose dual is nearest to mu with the sign of beta there."""
    columns = system.Z[:, active]
    exact = np.zeros_like(beta)
    if not 0 < columns.shape[1] <= columns.shape[0]:
        return beta, mu
    exact[active] = lstsq(columns, system.z, lapack_driver="gelsy", check_finite=False)[0]
    missing = np.sign(beta[active]) - columns.T @ mu
    return exact, mu + lstsq(columns.T, missing, lapack_driver="gelsy", check_finite=False)[0]


def _misses(system: System, beta: FloatArray, mu: FloatArray) -> float:
    """About the worst measure of the certificate that this pair will have."""
    objective, pull = float(np.abs(beta).sum()), system.pull(mu)
    bound = float(mu @ system.z) / max(1.0, float(np.abs(pull).max()))
    residual = float(np.linalg.norm(system.predictions(beta) - system.z) / np.linalg.norm(system.z))
    return max(residual, abs(objective - bound) / objective) if objective else np.inf


def _longest(values: FloatArray, change: FloatArray) -> float:
    """The longest step that leaves all values non-negative."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.where(change < 0, -values / change, np.inf).min())
