"""The certified minimiser of Bregman divergences of the Q penalty under X beta = y: path-following Newton on the dual.

The dual has n unknowns nu; with s = arcsinh(beta0/k) + X^T nu/2 the candidate is beta = k sinh(s) and a Newton step costs
one weighted Gram matrix X diag(sqrt(beta^2 + k^2)) X^T and one Cholesky factorisation. Small k makes the dual stiff: its
solution grows like log(1/k), and Newton's method started far away overshoots exponentially. So the path in kappa of the
problems with scale sqrt(k^2 + kappa^2) is followed down from a kappa where one step suffices. In log kappa the path is
nearly straight, so that its tangent, from the same factorisation as the Newton step, carries the iterate over decades.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import LinAlgError, cho_solve, cholesky, lstsq, qr, solve_triangular
from scipy.linalg.blas import dsyrk

from normtheory.arrays import FloatArray, InputError, matrix, positive, positive_scalar, targets, vector
from normtheory.penalties import Q
from solvers.certificate import DEFAULT_TOLERANCE, NotCertified, Solution, accepted, certify_q

MOST_STEPS = 300  # factorisations; the paper's problems take 4 to 12
CLOSE = 0.5  # a point is close to the path if the Newton step from it moves no s by more than this
FAR = 3.0  # beyond this, cheap corrections with an old factorisation do not converge
CHORD_STEPS = 3  # corrections tried with one factorisation
SHORTEST_STRIDE = 0.05  # in log kappa; below it a damped Newton step at the same kappa is the better use of a factorisation
COLUMN_BLOCK_BYTES = 32 * 2**20  # of the weighted copy of X that a Gram matrix is accumulated from
NEARLY_DEPENDENT = 1e-5  # sine of the angle of a row with the others below which rows are orthogonalised first


def minimize(
    X: ArrayLike, y: ArrayLike, k: ArrayLike, beta0: ArrayLike = 0.0, *, tol: float = DEFAULT_TOLERANCE
) -> Solution:
    """Minimise sum_d D_{Q_k}(beta_d, beta0_d) subject to X beta = y: where gradient flow on the diagonal network ends.

    With beta0 = 0 the objective is the Q penalty itself (Eq. 3); scale and start of a network come from
    `normtheory.exact.scale_and_start`. The minimiser exists and is unique whenever y lies in the range of X.

    Parameters
    ----------
    X : array, shape (n, D)
        Design matrix; rank-deficient rows are welcome as long as y is consistent.
    y : array, shape (n,)
        Targets.
    k : array, shape (D,), or float
        Penalty scale, positive, in the units of beta.
    beta0 : array, shape (D,), or float
        Start of the flow.
    tol : float
        Bound on relative duality gap and relative primal residual.

    Returns
    -------
    Solution
        `dual` is nu with Q'(beta) = Q'(beta0) + X^T nu.

    Raises
    ------
    InputError
        If the input is malformed, k is not positive, or y is outside the range of X.
    NotCertified
        If the tolerance was not reached; carries the certificate that was.
    """
    X = matrix(X, "X")
    rows, inputs = X.shape
    y = targets(y, "y", rows, "X")
    k = positive(vector(k, "k", inputs, "column of X"), "k")
    beta0 = vector(beta0, "beta0", inputs, "column of X")
    tol = positive_scalar(tol, "tol")
    system = _independent_rows(X, y, tol)
    beta, mu, steps = _follow_path(system, k, beta0, tol)
    dual = system.lift(2 * mu)  # the path uses the potential Q/2
    certificate = certify_q(X, y, Q(k), beta0, beta, dual)
    return accepted(Solution(beta, dual, certificate, "optimal", "newton", steps), tol)


@dataclass(frozen=True, eq=False)
class _System:
    """The constraint Z beta = z with independent rows, and the map from its dual variable to that of X beta = y."""

    Z: FloatArray
    z: FloatArray
    triangle: FloatArray | None = None
    pivots: tuple[int, ...] = ()
    rows: int = 0

    def lift(self, mu: FloatArray) -> FloatArray:
        """The nu with X^T nu = Z^T mu."""
        if self.triangle is None:
            return mu
        nu = np.zeros(self.rows)
        nu[list(self.pivots)] = solve_triangular(self.triangle, mu)
        return nu


def _independent_rows(X: FloatArray, y: FloatArray, tol: float) -> _System:
    """X beta = y as it stands if its rows are independent, else an orthonormal basis of them, by pivoted QR."""
    rows, inputs = X.shape
    lengths = np.linalg.norm(X, axis=1)
    if rows <= inputs and lengths.all():
        try:
            triangle = cholesky(_gram(X, np.ones(inputs)) / np.outer(lengths, lengths), check_finite=False)
            if np.diag(triangle).min() > NEARLY_DEPENDENT:
                return _System(X, y)
        except LinAlgError:
            pass  # dependent rows: the QR factorisation below finds which
    Q_factor, R, pivots = qr(X.T, mode="economic", pivoting=True, check_finite=False)
    sizes = np.abs(np.diag(R))
    rank = int(np.count_nonzero(sizes > max(X.shape) * np.finfo(float).eps * sizes[0])) if sizes[0] else 0
    basis = np.ascontiguousarray(Q_factor[:, :rank].T)
    z = np.zeros(0)
    if rank:
        z = lstsq(R[:rank].T, y[pivots], lapack_driver="gelsy", check_finite=False)[0]
    misfit = float(np.linalg.norm(X @ (basis.T @ z) - y))
    size = float(np.linalg.norm(y))
    if misfit > tol * size:
        raise InputError(
            f"y is outside the range of X (relative least-squares residual {misfit / size:.1e}, rank {rank}): "
            "no beta has zero training error; remove contradictory rows"
        )
    return _System(basis, z, R[:rank, :rank], tuple(int(p) for p in pivots[:rank]), rows)


@dataclass(frozen=True, eq=False)
class _Path:
    """The problems with scale sqrt(k^2 + kappa^2), kappa >= 0: the one asked for is at kappa = 0."""

    system: _System
    k: FloatArray
    beta0: FloatArray

    def at(self, mu: FloatArray, kappa: float) -> _Point:
        """The point of dual variable mu on the problem at kappa."""
        scale = np.hypot(self.k, kappa)
        with np.errstate(over="ignore"):  # a stride that is far too long ends at infinity and is shortened
            beta = scale * np.sinh(np.arcsinh(self.beta0 / scale) + self.system.Z.T @ mu)
        return _Point(mu, kappa, scale, beta, np.hypot(beta, scale), self.system.Z @ beta - self.system.z)

    def tangent(self, point: _Point, factor: _Factor) -> FloatArray:
        """Slope d mu / d log kappa along the path of exact solutions, from the factorisation at `point`."""
        growth = point.kappa**2 / point.scale  # d scale / d log kappa
        drift = growth / point.scale * (point.beta - point.curvature * self.beta0 / np.hypot(self.beta0, point.scale))
        return -factor.solve(self.system.Z @ drift)


@dataclass(frozen=True, eq=False)
class _Point:
    """An iterate: dual variable mu at path parameter kappa, and all that follows from it."""

    mu: FloatArray
    kappa: float
    scale: FloatArray  # sqrt(k^2 + kappa^2)
    beta: FloatArray
    curvature: FloatArray  # sqrt(beta^2 + scale^2), the inverse of phi''
    residual: FloatArray  # Z beta - z


def _follow_path(system: _System, k: FloatArray, beta0: FloatArray, tol: float) -> tuple[FloatArray, FloatArray, int]:
    """Return beta, mu and the number of factorisations; the caller certifies them."""
    Z, path = system.Z, _Path(system, k, beta0)
    misfit = system.z - Z @ beta0
    round_off = np.finfo(float).eps * np.sqrt(k.size) * (np.linalg.norm(system.z) + np.linalg.norm(beta0))
    if np.linalg.norm(misfit) <= round_off * max(1.0, float(np.abs(Z).max(initial=0.0))):
        return beta0.copy(), np.zeros(system.z.size), 0  # the start fits
    least_norm = _Factor.of(Z, np.ones(k.size)).solve(misfit)
    kappa = float(np.abs(Z.T @ least_norm).max())  # here the first Newton step moves no s by more than about 1
    floor = float(k.min()) / 20  # below it kappa no longer matters
    point = path.at(np.zeros(system.z.size), kappa if kappa > floor else 0.0)
    for steps in range(2, MOST_STEPS + 2):
        factor = _Factor.of(Z, point.curvature)
        newton = -factor.solve(point.residual)
        if point.kappa > 0:
            point = _stride(path, point, factor, newton, floor)
            continue
        point = path.at(point.mu + _damping(Z.T @ newton) * newton, 0.0)
        beta, point = _corrected(path, point, factor)
        if _settled(path, point, beta, tol):
            return beta, point.mu, steps
    raise NotCertified(f"the path was not followed to its end in {MOST_STEPS} factorisations (kappa = {point.kappa:.1e})")


def _stride(path: _Path, point: _Point, factor: _Factor, newton: FloatArray, floor: float) -> _Point:
    """The farthest point down the path that one factorisation reaches; a damped Newton step where it reaches nowhere."""
    Z = path.system.Z
    if float(np.abs(Z.T @ newton).max()) <= FAR:
        tangent = path.tangent(point, factor)
        stride = float(np.log(point.kappa / floor))
        kappa = 0.0  # try the end of the path first
        while kappa == 0.0 or stride > SHORTEST_STRIDE:
            candidate = path.at(point.mu + newton - stride * tangent, kappa)
            for _ in range(CHORD_STEPS):
                chord = factor.solve(candidate.residual)
                distance = float(np.abs(Z.T @ chord).max())
                if distance <= CLOSE:
                    return candidate
                if not distance <= FAR:
                    break
                candidate = path.at(candidate.mu - chord, candidate.kappa)
            stride *= 0.6
            kappa = point.kappa * float(np.exp(-stride))
    return path.at(point.mu + _damping(Z.T @ newton) * newton, point.kappa)


def _damping(move: FloatArray) -> float:
    """Step length that decreases the dual whatever the distance: log(1 + d)/d for exponentials, full steps when close.

    The third derivative of k cosh is at most its second: generalised self-concordance in the sense of Sun and Tran-Dinh
    (doi 10.1007/s10107-018-1282-4), whose step length this is.
    """
    length = float(np.abs(move).max())
    return 1.0 if length <= CLOSE else float(np.log1p(length) / length)


def _corrected(path: _Path, point: _Point, factor: _Factor) -> tuple[FloatArray, _Point]:
    """Corrections with the last factorisation for as long as they converge; and the primal point on the constraint."""
    Z, last = path.system.Z, np.inf
    while True:
        chord = factor.solve(point.residual)
        move = Z.T @ chord
        length = float(np.abs(move).max())
        if not length < last / 4:
            return point.beta - point.curvature * move, point
        last = length
        if length <= CLOSE:
            point = path.at(point.mu - chord, 0.0)


def _settled(path: _Path, point: _Point, beta: FloatArray, tol: float) -> bool:
    """Whether beta is feasible and its divergence from the dual's own candidate small, with room to spare in the tolerance."""
    Z, z = path.system.Z, path.system.z
    penalty = Q(path.k)
    size = max(float(np.linalg.norm(z)), float(np.linalg.norm(Z @ path.beta0)))
    feasible = float(np.linalg.norm(Z @ beta - z)) <= tol / 100 * size
    miss = float(penalty.divergence(beta, point.beta).sum())
    return feasible and miss <= tol / 100 * float(penalty.divergence(beta, path.beta0).sum())


@dataclass(frozen=True, eq=False)
class _Factor:
    """Upper triangular R with R^T R = Z diag(weights) Z^T."""

    triangle: FloatArray
    order: FloatArray | None = None

    @staticmethod
    def of(Z: FloatArray, weights: FloatArray) -> _Factor:
        """Cholesky factor of the Gram matrix; where that breaks down, QR of diag(sqrt(weights)) Z^T, which squares nothing."""
        try:
            return _Factor(cholesky(_gram(Z, weights), overwrite_a=True, check_finite=False))
        except LinAlgError:
            # Rows sorted by size and columns pivoted: accurate also for weights that span many decades.
            tall = (Z * np.sqrt(weights)).T[np.argsort(-weights)]
            triangle, order = qr(tall, mode="r", pivoting=True, check_finite=False)
            return _Factor(triangle[: Z.shape[0]], order)

    def solve(self, right: FloatArray) -> FloatArray:
        """Solve R^T R x = right."""
        if self.order is None:
            return np.asarray(cho_solve((self.triangle, False), right, check_finite=False))
        x = np.empty_like(right)
        half = solve_triangular(self.triangle, right[self.order], trans="T", check_finite=False)
        x[self.order] = solve_triangular(self.triangle, half, check_finite=False)
        return x


def _gram(Z: FloatArray, weights: FloatArray) -> FloatArray:
    """Upper triangle of Z diag(weights) Z^T, accumulated over blocks of columns so that no second Z is held in memory."""
    rows, inputs = Z.shape
    width = max(1, min(inputs, COLUMN_BLOCK_BYTES // (8 * rows)))
    product = np.zeros((rows, rows), order="F")
    roots = np.sqrt(weights)
    for first in range(0, inputs, width):
        block = Z[:, first : first + width] * roots[first : first + width]
        product = dsyrk(1.0, block.T, trans=1, beta=1.0, c=product, overwrite_c=True)
    return product
