"""What a solver returns and the check of it: certificates are recomputed here from problem and candidate alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from normtheory.arrays import FloatArray
from normtheory.penalties import L1, GroupL12, Q, WeightedL2, arcsinh_difference

# A certificate is accepted when every relative measure in it is at most the tolerance asked for.
DEFAULT_TOLERANCE = 1e-10


@dataclass(frozen=True)
class Certificate:
    """How far a candidate is from optimal, measured without trust in the solver.

    Attributes
    ----------
    objective : float
        Penalty of the candidate (for Q: Bregman divergence from the start, which is the penalty itself for a start at 0).
    dual_objective : float
        Dual objective, evaluated from the dual variable alone. A lower bound on the minimum if the dual is feasible.
    primal_residual : float
        ||X beta - y|| relative to the larger of ||y|| and ||X beta0||.
    gap : float
        |objective - dual_objective| relative to the larger of the two in absolute value; 0 if both vanish.
    stationarity : float
        Violation of Q'(beta) = Q'(beta0) + X^T nu in the local norm of the conjugate, relative to the root of the objective:
        for small violations the square root of twice the gap. For a norm: by how much X^T nu leaves the dual unit ball,
        relative to its radius.
    """

    objective: float
    dual_objective: float
    primal_residual: float
    gap: float
    stationarity: float

    def within(self, tolerance: float) -> bool:
        """Whether primal residual and gap are at most `tolerance`, and stationarity at most its square root.

        The gap is quadratic in the stationarity residual, hence the square root.
        """
        worst = max(self.primal_residual, self.gap, self.stationarity**2)
        return bool(np.isfinite(worst) and worst <= tolerance)

    def __str__(self) -> str:
        return (
            f"primal residual {self.primal_residual:.1e}, relative gap {self.gap:.1e}, stationarity {self.stationarity:.1e}"
        )


@dataclass(frozen=True, eq=False)
class Solution:
    """A minimiser with its certificate.

    Attributes
    ----------
    beta : array, shape (D,), or (O, D) with the main task first
    dual : array, shape (n,), or the duals of all tasks one after the other
        nu, in the units in which the penalty's gradient is X^T nu.
    certificate : Certificate
    status : str
        'optimal', or the status of the solver if it was allowed to return short of its tolerance.
    solver : str
        Name (and version, for an outside one).
    steps : int
        Iterations: for the Newton method, factorisations of a weighted Gram matrix.
    """

    beta: FloatArray
    dual: FloatArray
    certificate: Certificate
    status: str
    solver: str
    steps: int


class NotCertified(RuntimeError):
    """A solver stopped short of its tolerance; `certificate` is how far it came (None if it has no candidate)."""

    def __init__(self, message: str, certificate: Certificate | None = None) -> None:
        super().__init__(message)
        self.certificate = certificate


def accepted(solution: Solution, tolerance: float) -> Solution:
    """Return `solution` if its certificate holds to `tolerance`.

    Raises
    ------
    NotCertified
        Otherwise.
    """
    if not solution.certificate.within(tolerance):
        message = f"{solution.solver} missed the tolerance {tolerance:g}: {solution.certificate}"
        raise NotCertified(message, solution.certificate)
    return solution


def certify_q(X: FloatArray, y: FloatArray, penalty: Q, beta0: FloatArray, beta: FloatArray, dual: FloatArray) -> Certificate:
    """Certificate of (beta, dual) for: minimise sum_d D_Q(beta_d, beta0_d) subject to X beta = y.

    The Lagrange dual is nu.(y - X beta0) - sum_d D_Q(beta0_d, b_d(nu)), b(nu) being the predictor whose mirror image is
    Q'(beta0) + X^T nu.
    """
    pull = X.T @ dual
    start = X @ beta0
    mismatch = 2 * arcsinh_difference(beta, beta0, penalty.k) - pull
    local_norm = float(np.sqrt((mismatch**2 / penalty.second_derivative(beta)).sum()))
    objective = float(penalty.divergence(beta, beta0).sum())
    dual_objective = float(dual @ (y - start) - penalty.divergence_to(beta0, pull).sum())
    return Certificate(
        objective=objective,
        dual_objective=dual_objective,
        primal_residual=_relative(X @ beta - y, y, start),
        gap=_gap(objective, dual_objective),
        stationarity=local_norm / np.sqrt(objective) if objective else local_norm,
    )


def certify_norm(
    designs: list[FloatArray],
    targets: list[FloatArray],
    penalty: L1 | GroupL12 | WeightedL2,
    beta: FloatArray,
    duals: list[FloatArray],
) -> Certificate:
    """Certificate for: minimise the penalty of beta, shape (O, D), subject to X_o beta_o = y_o for every task o.

    For the two norms the dual is scaled into the dual unit ball before its objective is taken: a true lower bound.
    """
    pull = np.stack([X.T @ nu for X, nu in zip(designs, duals, strict=True)])
    linear = sum(float(nu @ y) for nu, y in zip(duals, targets, strict=True))
    if isinstance(penalty, GroupL12):
        objective, radius, excess = penalty.value(beta), 2.0, float(np.hypot.reduce(pull, axis=0).max())
    elif isinstance(penalty, L1):
        objective, radius, excess = penalty.value(beta[0]), 1.0, float(np.abs(pull[0]).max())
    else:
        objective = penalty.value(beta[0])
        radius = excess = 1.0
        linear -= float(penalty.conjugate(pull[0]).sum())
    dual_objective = linear / max(1.0, excess / radius)
    if isinstance(penalty, WeightedL2):
        scale = float(np.abs(pull[0]).max())
        stationarity = float(np.abs(penalty.gradient(beta[0]) - pull[0]).max()) / scale if scale else 0.0
    else:
        stationarity = max(0.0, excess / radius - 1)
    residual = np.concatenate([X @ b - y for X, b, y in zip(designs, beta, targets, strict=True)])
    return Certificate(
        objective=objective,
        dual_objective=dual_objective,
        primal_residual=_relative(residual, np.concatenate(targets), np.zeros(1)),
        gap=_gap(objective, dual_objective),
        stationarity=stationarity,
    )


def _relative(residual: FloatArray, one: FloatArray, other: FloatArray) -> float:
    scale = max(float(np.linalg.norm(one)), float(np.linalg.norm(other)))
    norm = float(np.linalg.norm(residual))
    return norm / scale if scale else norm


def _gap(objective: float, dual_objective: float) -> float:
    scale = max(abs(objective), abs(dual_objective))
    return abs(objective - dual_objective) / scale if scale else 0.0
