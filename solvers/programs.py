"""The norm minimisations as cvxpy programs: the reference that shares no code with the Newton method.

Hyperbolic entropy is stated in the form -entr(U) - entr(V) - (1 + log k)(U + V) with U - V = 2 beta: conic solvers fail, or
return errors of 1e-1, on the kl_div form when k is of order 1e-6 beside 0.1. All programs end in the same certificates as
the other solvers, which decide, whatever word a solver ends with: one that calls itself inaccurate is often within 1e-7, and a
candidate short of the tolerance is an error unless `allow_inaccurate` is set.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from normtheory.arrays import FloatArray, positive, vector
from normtheory.penalties import L1, GroupL12, Q, WeightedL2
from normtheory.solvers.certificate import NotCertified, Solution, accepted, certify_norm, certify_q
from normtheory.solvers.consistency import Inconsistent
from normtheory.solvers.scaling import Tasks, power_of_two

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
    consistency: float | None = None,
    inconsistent: Inconsistent = "refuse",
) -> Solution:
    """The program of `newton.minimize` by a conic solver: minimise sum_d D_{Q_k}(beta_d, beta0_d), X beta = y.

    Parameters, result and errors are those of `normtheory.solvers.newton.minimize`.
    """
    import cvxpy as cp

    given = Tasks.checked([(X, y)], [""], consistency=consistency, inconsistent=inconsistent)
    inputs = given.inputs
    k = positive(vector(k, "k", inputs, "column of X"), "k")
    beta0 = vector(beta0, "beta0", inputs, "column of X")
    penalty, target = Q(k), given.targets[0] * given.size
    if not (given.X[0] @ beta0 - given.y[0]).any():
        dual = np.zeros_like(given.y[0])
        certificate = certify_q(given.X[0], given.y[0], penalty, beta0, beta0, dual, tolerance=tol)
        return Solution(beta0.copy(), dual, certificate, "optimal", "the start fits", 0, given.moved)
    # D_Q is homogeneous in (beta, k, beta0) together: unit size is that of the largest of them.
    size = power_of_two(max(float(np.abs(values).max()) for values in (k, beta0, target)))
    k, start = k / size, beta0 / size
    U, V = cp.Variable(inputs), cp.Variable(inputs)
    linear = (1 + np.log(k))[:, None] + np.arcsinh(start / k)[:, None] * np.array([[1.0, -1.0]])
    entropy = cp.sum(-cp.entr(U) - cp.entr(V)) - linear[:, 0] @ U - linear[:, 1] @ V
    fits = given.designs[0] @ (U - V) == 2 * target / size
    status, solver, steps = _solve(cp.Problem(cp.Minimize(entropy), [fits]), ENTROPY_ASKS)
    beta, duals = given.restored((U.value - V.value) * (size / 2) / given.size, [-2 * np.asarray(fits.dual_value)])
    certificate = certify_q(given.X[0], given.y[0], penalty, beta0, beta, duals[0], tolerance=tol)
    return _finished(Solution(beta, duals[0], certificate, status, solver, steps, given.moved), tol, allow_inaccurate)


def minimize_l12(
    X: ArrayLike,
    y: ArrayLike,
    X_aux: ArrayLike,
    y_aux: ArrayLike,
    *,
    tol: float = CONIC_TOLERANCE,
    allow_inaccurate: bool = False,
    consistency: float | None = None,
    inconsistent: Inconsistent = "refuse",
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
        beta of shape (2, D), main task first; the dual has the n + m entries of both tasks; `unique` says whether there are
        other minimisers.

    Raises
    ------
    InputError
        If the input is malformed or a task has no interpolator.
    NotCertified
        If the solver does not reach the tolerance.
    """
    given = Tasks.checked([(X, y), (X_aux, y_aux)], ["", "_aux"], consistency=consistency, inconsistent=inconsistent)
    return _norm_minimised(given, GroupL12(), tol, allow_inaccurate)


def minimize_l12_tasks(
    tasks: Sequence[tuple[ArrayLike, ArrayLike]],
    *,
    tol: float = CONIC_TOLERANCE,
    allow_inaccurate: bool = False,
    consistency: float | None = None,
    inconsistent: Inconsistent = "refuse",
) -> Solution:
    """`minimize_l12` for any number of tasks X_o, y_o, each with its own samples; beta has shape (O, D)."""
    return _norm_minimised(
        Tasks.checked(tasks, consistency=consistency, inconsistent=inconsistent), GroupL12(), tol, allow_inaccurate
    )


def minimize_l1(
    X: ArrayLike,
    y: ArrayLike,
    *,
    tol: float = CONIC_TOLERANCE,
    allow_inaccurate: bool = False,
    consistency: float | None = None,
    inconsistent: Inconsistent = "refuse",
) -> Solution:
    """Basis pursuit: minimise sum_d |beta_d| subject to X beta = y. Shapes and errors as in `minimize_l12`."""
    return _norm_minimised(
        Tasks.checked([(X, y)], [""], consistency=consistency, inconsistent=inconsistent), L1(), tol, allow_inaccurate
    )


def minimize_l2(
    X: ArrayLike,
    y: ArrayLike,
    weight: ArrayLike = 1.0,
    *,
    tol: float = CONIC_TOLERANCE,
    allow_inaccurate: bool = False,
    consistency: float | None = None,
    inconsistent: Inconsistent = "refuse",
) -> Solution:
    """Minimise sum_d weight_d beta_d^2 subject to X beta = y. Shapes and errors as in `minimize_l12`."""
    given = Tasks.checked([(X, y)], [""], consistency=consistency, inconsistent=inconsistent)
    penalty = WeightedL2(positive(vector(weight, "weight", given.inputs, "column of X"), "weight"))
    if given.zero:
        return given.zeros(penalty, "no solver")
    # In sqrt(weight) beta it is the plain l2 norm.
    roots = np.sqrt(penalty.weight)
    plain = Tasks.checked([(given.X[0] / roots, given.y[0])], [""], inconsistent="project")
    beta, fits, status, solver, steps = _conic(plain, WeightedL2())
    beta, duals = plain.restored(beta, [-np.asarray(fit.dual_value) for fit in fits], degree=2)
    certificate = certify_norm(given.X, given.y, penalty, beta / roots, duals, tolerance=tol)
    return _finished(
        Solution(beta[0] / roots, duals[0], certificate, status, solver, steps, given.moved), tol, allow_inaccurate
    )


def _norm_minimised(given: Tasks, penalty: L1 | GroupL12, tol: float, allow_inaccurate: bool) -> Solution:
    if given.zero:
        return given.zeros(penalty, "no solver")
    beta, fits, status, solver, steps = _conic(given, penalty)
    beta, duals = given.restored(beta, [-np.asarray(fit.dual_value) for fit in fits])
    certificate = certify_norm(given.X, given.y, penalty, beta, duals, tolerance=tol)
    found = beta if isinstance(penalty, GroupL12) else beta[0]
    return _finished(
        Solution(found, np.concatenate(duals), certificate, status, solver, steps, given.moved), tol, allow_inaccurate
    )


def _conic(given: Tasks, penalty: L1 | GroupL12 | WeightedL2) -> tuple[FloatArray, list[Any], str, str, int]:
    """Minimiser at unit size, constraints, status, solver and iterations of the conic program."""
    import cvxpy as cp

    beta = cp.Variable((len(given.X), given.inputs))
    # A task without a row of its own still has its constraint, an empty one.
    fits = [A @ beta[o] == b for o, (A, b) in enumerate(zip(given.designs, given.targets, strict=True))]
    if isinstance(penalty, GroupL12):
        objective = 2 * cp.sum(cp.norm(beta, 2, axis=0))
    elif isinstance(penalty, L1):
        objective = cp.sum(cp.abs(beta))
    else:
        objective = cp.sum_squares(beta)
    status, solver, steps = _solve(cp.Problem(cp.Minimize(objective), fits), NORM_ASKS)
    return np.asarray(beta.value), fits, status, solver, steps


def _solve(program: Any, asks: float) -> tuple[str, str, int]:
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
    if any(variable.value is None for variable in program.variables()):
        raise NotCertified(f"Clarabel ended with status {status!r}, and without a candidate")
    return status, f"cvxpy {cp.__version__} with Clarabel {clarabel.__version__}", int(program.solver_stats.num_iters)


def _finished(solution: Solution, tol: float, allow_inaccurate: bool) -> Solution:
    return solution if allow_inaccurate else accepted(solution, tol)
