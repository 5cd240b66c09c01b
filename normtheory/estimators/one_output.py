"""Networks of one output: trained on one task, or finetuned after pretraining on another."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone

from normtheory import exact
from normtheory.arrays import FloatArray, InputError, positive_scalar, vector
from normtheory.estimators.common import CentredTask, Method, Regressor
from normtheory.penalties import Q
from normtheory.solvers import newton, penalised, training
from normtheory.solvers.certificate import DEFAULT_TOLERANCE, certify_q
from normtheory.solvers.consistency import Allowed, Inconsistent
from normtheory.solvers.constraints import fitted
from normtheory.solvers.trajectory import Trajectory


class SingleTaskRegressor(Regressor):
    """The predictor that a diagonal network ends at when it is trained on one task alone.

    From small weights it is nearly that of least l1 norm, from large ones that of least l2 norm (the Q penalty at scale
    2 alpha^2).

    Parameters
    ----------
    alpha : float
        Initialisation scale of all weights.
    method : "exact" or "flow"
        The certified minimiser that the theory says is the endpoint, or the endpoint of gradient flow on the weights.
    strength : float, optional
        Minimise |X beta - y|^2/(2n) + strength * divergence instead, which does not interpolate: for noise. For "exact".
    fit_intercept : bool
        Whether inputs and targets are centred, and the intercept made of their means.
    inconsistent : "project" or "refuse"
        What to do with targets that no predictor fits: least squares, or an error.
    consistency : float, optional
        With "refuse", relative precision of the data: targets that close are moved (default: that of their type).
    tol : float, optional
        Of "exact", bound on relative gap and residual (default 1e-10); of "flow", the integrator's relative error (1e-8).
    verbose : bool
        Whether a flow shows its progress on stderr.

    Attributes
    ----------
    coef_ : array, shape (D,)
    intercept_ : float
    penalty_ : Q
        The penalty, whose divergence from `start_`, shape (D,), the predictor minimises among those that fit.
    dual_ : array, shape (n,)
        nu with Q'(coef) = Q'(start) + X^T nu, X centred; of a flow the nearest such nu.
    certificate_ : Certificate
        How far `coef_` is from that minimiser: of a flow, how well the theory describes it.
    moved_ : float
        By how much of their norm targets were moved onto the range of X.
    trajectory_ : Trajectory
        Of a flow.
    n_iter_ : int
        Factorisations, or steps of the integrator.
    n_features_in_, feature_names_in_
        As in scikit-learn.
    """

    def __init__(
        self,
        *,
        alpha: float = exact.ALPHA,
        method: Method = "exact",
        strength: float | None = None,
        fit_intercept: bool = True,
        inconsistent: Inconsistent = "project",
        consistency: float | None = None,
        tol: float | None = None,
        verbose: bool = False,
    ) -> None:
        self.alpha = alpha
        self.method = method
        self.strength = strength
        self.fit_intercept = fit_intercept
        self.inconsistent = inconsistent
        self.consistency = consistency
        self.tol = tol
        self.verbose = verbose

    def path(self, X: ArrayLike, y: ArrayLike, **values: Sequence[float]) -> list[Any]:
        """Fitted copies of the estimator along values of its numbers, each started from the dual of the one before.

        Where neighbours differ by a factor of two or less that takes about half the steps; from ten on it saves nothing.

        Parameters
        ----------
        X, y : arrays, shapes (n, D) and (n,)
        **values : sequences of float
            By parameter: alpha, strength, and for finetuning gamma and rescale. Of several, all combinations, the last
            changing fastest.

        Returns
        -------
        list of estimators
            In the order of the values.

        Raises
        ------
        InputError
            If a parameter is none of these, or the method is "flow", which starts where its network does.
        """
        tunable = [name for name in ("alpha", "gamma", "rescale", "strength") if hasattr(self, name)]
        unknown = [name for name in values if name not in tunable]
        if unknown or not values:
            raise InputError(f"no path over {unknown[0] if unknown else 'nothing'}; choose from {', '.join(tunable)}")
        if self.method != "exact":
            raise InputError("a path is of method='exact'; a flow starts where its network does")
        found: list[Any] = []
        for point in product(*values.values()):
            each = clone(self).set_params(**dict(zip(values, point, strict=True)))
            found.append(each._fit(X, y, found[-1].dual_ if found else None))
        return found

    def _fit(self, X: ArrayLike, y: ArrayLike, dual: FloatArray | None) -> Any:
        task = self._task(X, y)
        if self.method == "flow":
            return self._trained(task)
        k, start, moved = self._scale_and_start(task)
        if self.strength is None:
            policy = self._policy(task)
            solution = newton.minimize(task.X, task.y, k, start, tol=self._tolerance(DEFAULT_TOLERANCE), dual=dual, **policy)
        else:
            options: dict[str, Any] = {"strength": self.strength, "tol": self._tolerance(DEFAULT_TOLERANCE), "dual": dual}
            solution = penalised.minimize(task.X, task.y, k, start, **options)
        self.penalty_, self.start_ = Q(k), start
        self._solved(solution)
        self._learned(task, solution.beta, max(moved, solution.moved))
        return self

    def _scale_and_start(self, task: CentredTask) -> tuple[FloatArray, FloatArray, float]:
        """Of the penalty, and by how much of their norm the targets of pretraining were moved."""
        zeros = np.zeros(task.X.shape[1])
        return zeros + 2 * positive_scalar(self.alpha, "alpha") ** 2, zeros, 0.0

    def _trained(self, task: CentredTask) -> Any:
        if self.strength is not None:
            raise InputError("strength is of method='exact'; leave it out with 'flow'")
        k, start, run, moved = self._run(task)
        penalty, coef = Q(k), run.beta
        reached, _ = fitted(task.X, task.y, Allowed(np.inf))
        self.dual_ = np.asarray(np.linalg.lstsq(task.X.T, penalty.gradient(coef) - penalty.gradient(start), rcond=None)[0])
        self.certificate_ = certify_q(task.X, reached, penalty, start, coef, self.dual_)
        self.penalty_, self.start_, self.trajectory_, self.n_iter_ = penalty, start, run, run.statistics.accepted
        self._learned(task, coef, moved)
        return self

    def _run(self, task: CentredTask) -> tuple[FloatArray, FloatArray, Trajectory[Any], float]:
        """Scale and start of the penalty, the trajectory on the main task, and by how much targets were moved."""
        k, start, _ = self._scale_and_start(task)
        run = training.single_task(task.X, task.y, alpha=self.alpha, **self._flow, **self._policy(task))
        return k, start, run, run.moved


class FineTunedRegressor(SingleTaskRegressor):
    """The predictor that a diagonal network ends at after pretraining on an auxiliary task and finetuning on the main one.

    Parameters
    ----------
    beta_aux : array, shape (D,), or float, optional
        The predictor learned by pretraining, on the inputs that `fit` gets: in a pipeline, transformed ones.
    X_aux, y_aux : arrays, shapes (m, D) and (m,), optional
        The auxiliary task, instead: pretraining is then part of the fit.
    alpha, gamma, rescale : float
        Initialisation scale, value of the reset second layer, factor on the first layer after pretraining.
    method, strength, fit_intercept, inconsistent, consistency, tol, verbose
        As in `SingleTaskRegressor`, for either task; strength is for the main one.

    Attributes
    ----------
    coef_aux_ : array, shape (D,)
        The predictor after pretraining.
    coef_, intercept_, penalty_, start_, dual_, certificate_, moved_, trajectory_, n_iter_, n_features_in_, feature_names_in_
        As in `SingleTaskRegressor`.
    """

    def __init__(
        self,
        beta_aux: ArrayLike | None = None,
        *,
        X_aux: ArrayLike | None = None,
        y_aux: ArrayLike | None = None,
        alpha: float = exact.ALPHA,
        gamma: float = exact.GAMMA,
        rescale: float = exact.RESCALE,
        method: Method = "exact",
        strength: float | None = None,
        fit_intercept: bool = True,
        inconsistent: Inconsistent = "project",
        consistency: float | None = None,
        tol: float | None = None,
        verbose: bool = False,
    ) -> None:
        super().__init__(
            alpha=alpha, method=method, strength=strength, fit_intercept=fit_intercept, inconsistent=inconsistent,
            consistency=consistency, tol=tol, verbose=verbose,
        )  # fmt: skip
        self.beta_aux = beta_aux
        self.X_aux = X_aux
        self.y_aux = y_aux
        self.gamma = gamma
        self.rescale = rescale

    def _given(self, task: CentredTask) -> tuple[FloatArray | None, CentredTask | None]:
        """The auxiliary task by its predictor, or by its data."""
        match self.beta_aux, self.X_aux, self.y_aux:
            case None, X_aux, y_aux if X_aux is not None and y_aux is not None:
                return None, self._auxiliary(X_aux, y_aux)
            case beta_aux, None, None if beta_aux is not None:
                return vector(beta_aux, "beta_aux", task.X.shape[1], "column of X"), None
        raise InputError("the auxiliary task is ambiguous or missing; give either beta_aux, or X_aux and y_aux")

    def _scale_and_start(self, task: CentredTask) -> tuple[FloatArray, FloatArray, float]:
        beta_aux, aux = self._given(task)
        moved = 0.0
        if aux is not None:
            scale = 2 * positive_scalar(self.alpha, "alpha") ** 2
            pretrained = newton.minimize(aux.X, aux.y, scale, tol=self._tolerance(DEFAULT_TOLERANCE), **self._policy(aux))
            beta_aux, moved = pretrained.beta, pretrained.moved
        assert beta_aux is not None
        self.coef_aux_ = beta_aux
        return (*exact.finetuning(beta_aux, self.alpha, self.gamma, self.rescale), moved)

    def _run(self, task: CentredTask) -> tuple[FloatArray, FloatArray, Trajectory[Any], float]:
        beta_aux, aux = self._given(task)
        data: dict[str, Any] = {} if aux is None else {"X_aux": aux.X, "y_aux": aux.y}
        scales: dict[str, Any] = {"alpha": self.alpha, "gamma": self.gamma, "rescale": self.rescale}
        policy = self._policy(task, *(() if aux is None else (aux,)))
        done = training.pretrain_finetune(task.X, task.y, beta_aux=beta_aux, **data, **scales, **self._flow, **policy)
        self.coef_aux_ = done.beta_aux
        moved = 0.0 if done.pretraining is None else done.pretraining.moved
        return (*done.scale_and_start(), done.finetuning, max(moved, done.finetuning.moved))
