"""The minimiser of sum_d weight_d beta_d^2 under X beta = y: one factorisation.

In sqrt(weight) beta it is the plain least-norm solution, from a Cholesky factor of the Gram matrix of the samples, or a pivoted
QR factorisation where samples depend on each other (`constraints.independent_rows`), refined until nothing is gained.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import qr, solve_triangular

from normtheory.arrays import FloatArray, positive, positive_scalar, vector
from normtheory.machine import blas_threads
from normtheory.penalties import WeightedL2
from normtheory.solvers.certificate import DEFAULT_TOLERANCE, Solution, accepted, certify_norm
from normtheory.solvers.consistency import Inconsistent
from normtheory.solvers.constraints import System, products
from normtheory.solvers.scaling import Tasks

REFINEMENTS = 5
CLOSED = 1e-12  # residual, beside the targets, above which the careful way is taken


def minimize(
    X: ArrayLike,
    y: ArrayLike,
    weight: ArrayLike = 1.0,
    *,
    tol: float = DEFAULT_TOLERANCE,
    consistency: float | None = None,
    inconsistent: Inconsistent = "refuse",
) -> Solution:
    """Minimise sum_d weight_d beta_d^2 subject to X beta = y.

    Parameters
    ----------
    X : array, shape (n, D)
        Design matrix; rank-deficient rows are welcome as long as y is consistent.
    y : array, shape (n,)
        Targets.
    weight : array, shape (D,), or float
        Positive weights.
    tol : float
        Bound on relative duality gap, relative primal residual and the square of the relative stationarity residual.
    consistency, inconsistent
        What to do with targets outside the range of X, as in `normtheory.solvers.newton.minimize`.

    Returns
    -------
    Solution
        `dual` is nu with 2 weight beta = X^T nu.

    Raises
    ------
    InputError
        If the input is malformed, a weight is not positive, or y is outside the range of X.
    NotCertified
        If the tolerance was not reached; carries the certificate that was.
    """
    tol = positive_scalar(tol, "tol")
    given = Tasks.checked([(X, y)], [""], consistency=consistency, inconsistent=inconsistent)
    penalty = WeightedL2(positive(vector(weight, "weight", given.inputs, "column of X"), "weight"))
    if given.zero:
        return given.zeros(penalty, "factorisation")
    roots = np.sqrt(penalty.weight)
    plain = Tasks.checked([(given.X[0] / roots, given.y[0])], [""], inconsistent="project")  # consistent but for round-off
    with blas_threads(products(plain.X[0])):
        system = plain.systems[0]
        scaled, mu, steps = _least_norm(system)
        found, duals = plain.restored(scaled[None, :], [2 * system.lift(mu)], degree=2)
        beta = found / roots
        certificate = certify_norm(given.X, given.y, penalty, beta, duals, tolerance=tol)
    return accepted(Solution(beta[0], duals[0], certificate, "optimal", "factorisation", steps, given.moved), tol, given.X)


def _least_norm(system: System) -> tuple[FloatArray, FloatArray, int]:
    """The least-norm solution Z^T mu, its mu, and how often it was solved for.

    Again for as long as that halves the residual. Where samples are nearly collinear mu is large, and Z^T mu has lost digits:
    an orthogonal factor Z^T = Q R gives it as Q R^-T z instead.
    """
    mu, left, size = np.zeros_like(system.z), system.z, np.inf
    steps, enough = 0, CLOSED * float(np.linalg.norm(system.z))
    while steps < REFINEMENTS:
        steps += 1
        trial = mu + system.factor.solve(left)
        left = system.z - system.predictions(system.pull(trial))
        residual = float(np.linalg.norm(left))
        if not residual < size:
            break
        mu = trial
        if not residual < size / 2:
            break
        size = residual
    if size <= enough or system.determined:
        return system.pull(mu), mu, steps
    Q, R, pivots = qr(system.Z.T, mode="economic", pivoting=True, check_finite=False)
    half = solve_triangular(R, system.z[pivots], trans="T", check_finite=False)
    mu[pivots] = solve_triangular(R, half, check_finite=False)
    return Q @ half, mu, steps + 1
