"""What learning would find with another penalty on new features: the penalties of PT+FT and MTL, exchanged in part."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from normtheory import exact
from normtheory.arrays import FloatArray
from normtheory.proofs import setting
from normtheory.tasks import generalisation_loss


@cache
def loss(reused: str, per_unit: float, seed: int, samples: int) -> float:
    """Generalisation loss of a mixed penalty's minimiser in a realisation of the paper's setting, all features shared.

    Parameters
    ----------
    reused : str
        The penalty of features that the auxiliary teacher has: "PT+FT", at the exact scale and start, or "MTL".
    per_unit : float
        Of every other feature: so many times its size.
    """
    import cvxpy as cp

    tasks = setting.tasks(seed=seed, samples=samples)
    learned = tasks.teacher_aux != 0
    beta = cp.Variable(tasks.main.X.shape[1])
    shared, new = beta[np.flatnonzero(learned)], beta[np.flatnonzero(~learned)]
    penalty = {"PT+FT": _finetuning, "MTL": _multi_task}[reused](shared, tasks.teacher_aux[learned])
    program = cp.Problem(cp.Minimize(penalty + per_unit * cp.norm1(new)), [tasks.main.X @ beta == tasks.main.y])
    program.solve(solver=cp.CLARABEL)
    return generalisation_loss(np.asarray(beta.value), tasks.teacher)


def _finetuning(beta: Any, beta_aux: FloatArray) -> Any:
    """Divergence of Q from its start, up to a constant: two relative entropies, of which the best difference is 2 beta."""
    import cvxpy as cp

    k, start = exact.finetuning(beta_aux, float(setting.ALPHA), float(setting.GAMMA))
    plus = cp.Variable(beta_aux.size, nonneg=True)
    minus = plus - 2 * beta
    return cp.sum(cp.kl_div(plus, k) + cp.kl_div(minus, k)) - 2 * np.arcsinh(start / k) @ beta


def _multi_task(beta: Any, beta_aux: FloatArray) -> Any:
    """The l1,2 penalty beside the auxiliary teacher."""
    import cvxpy as cp

    return 2 * cp.sum(cp.norm(cp.vstack([beta, beta_aux]), axis=0))
