"""The norm minimisations as cvxpy programs: the reference that shares no code with the Newton method.

Hyperbolic entropy is stated in the form -entr(U) - entr(V) - (1 + log k)(U + V) with U - V = 2 beta: conic solvers fail, or
return errors of 1e-1, on the kl_div form when k is of order 1e-6 beside 0.1. All programs end in the same certificates as
the Newton method; a status other than 'optimal' is an error unless `allow_inaccurate` is set.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from normtheory.arrays import FloatArray, InputError, matrix, positive, targets, vector
from normtheory.penalties import L1, GroupL12, Q, WeightedL2
from solvers.certificate import Certificate, NotCertified, Solution, accepted, certify_norm, certify_q, outside_the_range

CONIC_TOLERANCE = 1e-7  # on the certificate of what the conic solver returns
ENTROPY_ASKS = 1e-12  # asked of Clarabel: the entropy is flat, and beta only as good as the root of the gap
NORM_ASKS = 1e-9  # second-order cones stall short of 1e-12


def minimize_q(
    X: ArrayLike,
    y: ArrayLike,
    k: ArrayLike,
    beta0: ArrayLike = 0.0,
    *,
    tol: float = CONIC_TOLERANCE,
    allow_inaccurate: bool = False,
) -> Solution:
    """The program of `solvers.newton.minimize` by a conic solver: minimise sum_d D_{Q_k}(beta_d, beta0_d), X beta = y.

    Parameters, result and errors are those of `solvers.newton.minimize`.
    """
    import cvxpy as cp

    X, y = _task(X, y, "")
    inputs = X.shape[1]
    k = positive(vector(k, "k", inputs, "column of X"), "k")
    beta0 = vector(beta0, "beta0", inputs, "column of X")
    U, V = cp.Variable(inputs), cp.Variable(inputs)
    linear = (1 + np.log(k))[:, None] + np.arcsinh(beta0 / k)[:, None] * np.array([[1.0, -1.0]])
    entropy = cp.sum(-cp.entr(U) - cp.entr(V)) - linear[:, 0] @ U - linear[:, 1] @ V
    predicted = X @ (U - V)
    fits = predicted == 2 * y
    program = cp.Problem(cp.Minimize(entropy), [fits])
    status, solver, steps = _solve(program, ENTROPY_ASKS, allow_inaccurate)
    beta, dual = np.asarray((U.value - V.value) / 2), -2 * np.asarray(fits.dual_value)
    certificate = certify_q(X, y, Q(k), beta0, beta, dual)
    return _finished(Solution(beta, dual, certificate, status, solver, steps), tol, allow_inaccurate)


def minimize_l12(
    X: ArrayLike,
    y: ArrayLike,
    X_aux: ArrayLike,
    y_aux: ArrayLike,
    *,
    tol: float = CONIC_TOLERANCE,
    allow_inaccurate: bool = False,
) -> Solution:
    """Minimise 2 sum_d sqrt(beta_d^2 + beta_aux_d^2) subject to X beta = y and X_aux beta_aux = y_aux (Eq. 5).

    Parameters
    ----------
    X, y : arrays, shapes (n, D) and (n,)
        Main task.
    X_aux, y_aux : arrays, shapes (m, D) and (m,)
        Auxiliary task.

    Returns
    -------
    Solution
        beta of shape (2, D), main task first; the dual has the n + m entries of both tasks.

    Raises
    ------
    InputError
        If the input is malformed or a task has no interpolator.
    NotCertified
        If the solver does not reach the tolerance.
    """
    import cvxpy as cp

    tasks = [_task(X, y, ""), _task(X_aux, y_aux, "_aux")]
    if tasks[0][0].shape[1] != tasks[1][0].shape[1]:
        raise InputError(f"X has {tasks[0][0].shape[1]} columns, X_aux has {tasks[1][0].shape[1]}; both need one per input")
    beta = cp.Variable((2, tasks[0][0].shape[1]))
    fits = [design @ beta[o] == target for o, (design, target) in enumerate(tasks)]
    program = cp.Problem(cp.Minimize(2 * cp.sum(cp.norm(beta, 2, axis=0))), fits)
    return _norm_solution(program, GroupL12(), tasks, beta, fits, tol, allow_inaccurate)


def minimize_l1(X: ArrayLike, y: ArrayLike, *, tol: float = CONIC_TOLERANCE, allow_inaccurate: bool = False) -> Solution:
    """Basis pursuit: minimise sum_d |beta_d| subject to X beta = y. Shapes and errors as in `minimize_l12`."""
    import cvxpy as cp

    task = _task(X, y, "")
    beta = cp.Variable((1, task[0].shape[1]))
    fits = [task[0] @ beta[0] == task[1]]
    program = cp.Problem(cp.Minimize(cp.sum(cp.abs(beta))), fits)
    return _norm_solution(program, L1(), [task], beta, fits, tol, allow_inaccurate)


def minimize_l2(
    X: ArrayLike, y: ArrayLike, weight: ArrayLike = 1.0, *, tol: float = CONIC_TOLERANCE, allow_inaccurate: bool = False
) -> Solution:
    """Minimise sum_d weight_d beta_d^2 subject to X beta = y. Shapes and errors as in `minimize_l12`."""
    import cvxpy as cp

    task = _task(X, y, "")
    penalty = WeightedL2(positive(vector(weight, "weight", task[0].shape[1], "column of X"), "weight"))
    beta = cp.Variable((1, task[0].shape[1]))
    fits = [task[0] @ beta[0] == task[1]]
    program = cp.Problem(cp.Minimize(cp.sum_squares(cp.multiply(np.sqrt(penalty.weight), beta[0]))), fits)
    return _norm_solution(program, penalty, [task], beta, fits, tol, allow_inaccurate)


def _task(X: ArrayLike, y: ArrayLike, suffix: str) -> tuple[FloatArray, FloatArray]:
    """A checked task that some beta fits: a conic solver's 'infeasible' may mean that it failed."""
    X = matrix(X, f"X{suffix}")
    y = targets(y, f"y{suffix}", X.shape[0], f"X{suffix}")
    misfit = float(np.linalg.norm(X @ np.linalg.lstsq(X, y, rcond=None)[0] - y))
    if misfit > CONIC_TOLERANCE * float(np.linalg.norm(y)):
        raise InputError(outside_the_range(f"y{suffix}", f"X{suffix}", misfit / float(np.linalg.norm(y))))
    return X, y


def _solve(program: Any, asks: float, allow_inaccurate: bool) -> tuple[str, str, int]:
    """Run the conic solver; return status, solver name with version, and iterations."""
    import clarabel
    import cvxpy as cp

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # 'may be inaccurate': the status says so, and is acted on below
            program.solve(solver=cp.CLARABEL, tol_gap_abs=asks, tol_gap_rel=asks, tol_feas=asks, max_iter=500)
    except cp.SolverError as error:
        raise NotCertified(f"Clarabel failed: {str(error).splitlines()[0]}") from error
    status = str(program.status)
    if status != cp.OPTIMAL and not (allow_inaccurate and status == cp.OPTIMAL_INACCURATE):
        raise NotCertified(f"Clarabel ended with status {status!r}")
    return status, f"cvxpy {cp.__version__} with Clarabel {clarabel.__version__}", int(program.solver_stats.num_iters)


def _norm_solution(
    program: Any,
    penalty: L1 | GroupL12 | WeightedL2,
    tasks: list[tuple[FloatArray, FloatArray]],
    beta: Any,
    fits: list[Any],
    tol: float,
    allow_inaccurate: bool,
) -> Solution:
    status, solver, steps = _solve(program, NORM_ASKS, allow_inaccurate)
    duals = [-np.asarray(fit.dual_value) for fit in fits]
    certificate: Certificate = certify_norm([X for X, _ in tasks], [y for _, y in tasks], penalty, beta.value, duals)
    found = beta.value if len(tasks) > 1 else beta.value[0]
    solution = Solution(np.asarray(found), np.concatenate(duals), certificate, status, solver, steps)
    return _finished(solution, tol, allow_inaccurate)


def _finished(solution: Solution, tol: float, allow_inaccurate: bool) -> Solution:
    return solution if allow_inaccurate else accepted(solution, tol)
