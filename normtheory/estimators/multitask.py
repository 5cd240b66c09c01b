"""Several tasks learned together."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from normtheory import exact
from normtheory.arrays import FloatArray, InputError
from normtheory.estimators.common import Method, Regressor
from normtheory.penalties import GroupL12
from normtheory.solvers import groups, training
from normtheory.solvers.consistency import Inconsistent


class MultiTaskRegressor(Regressor):
    """The predictors of several tasks that are learned together, by the features that they share.

    Parameters
    ----------
    X_aux, y_aux : arrays, shapes (m, D) and (m,), optional
        Auxiliary task; `fit` then gets the main one. Without it the tasks are the columns of y.
    alpha : float
        Initialisation scale of all weights; of method "flow", the limit alpha -> 0 otherwise.
    method : "exact" or "flow"
        The certified minimiser of the l1,2 norm, 2 sum_d ||beta_d||, which weight decay finds and gradient flow approximates;
        or the endpoint of gradient flow itself, of two tasks, for which there is no exact theory.
    fit_intercept, inconsistent, consistency, tol, verbose
        As in `SingleTaskRegressor`, for every task; tol is 1e-8 by default.

    Attributes
    ----------
    coef_ : array, shape (D,) with an auxiliary task, otherwise (O, D)
    intercept_ : float, or array, shape (O,)
    coef_aux_ : array, shape (D,)
        With an auxiliary task.
    penalty_ : GroupL12
    dual_ : array
        The duals of all tasks one after the other; not of a flow.
    certificate_ : Certificate or None
        None of a flow.
    moved_, trajectory_, n_iter_, n_features_in_, feature_names_in_
        As in `SingleTaskRegressor`.
    """

    def __init__(
        self,
        *,
        X_aux: ArrayLike | None = None,
        y_aux: ArrayLike | None = None,
        alpha: float = exact.ALPHA,
        method: Method = "exact",
        fit_intercept: bool = True,
        inconsistent: Inconsistent = "project",
        consistency: float | None = None,
        tol: float | None = None,
        verbose: bool = False,
    ) -> None:
        self.X_aux = X_aux
        self.y_aux = y_aux
        self.alpha = alpha
        self.method = method
        self.fit_intercept = fit_intercept
        self.inconsistent = inconsistent
        self.consistency = consistency
        self.tol = tol
        self.verbose = verbose

    @property
    def several(self) -> bool:
        """Whether the tasks are the columns of y."""
        return self.X_aux is None and self.y_aux is None

    def __sklearn_tags__(self) -> Any:
        """What scikit-learn is told of the targets."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output, tags.target_tags.single_output = self.several, not self.several
        return tags

    def _fit(self, X: ArrayLike, y: ArrayLike, dual: FloatArray | None) -> Any:
        if (self.X_aux is None) != (self.y_aux is None):
            raise InputError("the auxiliary task is missing half; give both X_aux and y_aux, or neither")
        main = self._task(X, y)
        if self.several and main.y.ndim == 1:
            raise InputError("y is one task; use SingleTaskRegressor, give X_aux and y_aux, or a column of y for each task")
        tasks = [main]
        if self.X_aux is not None and self.y_aux is not None:
            tasks.append(self._auxiliary(self.X_aux, self.y_aux))
        pairs = [(task.X, column) for task in tasks for column in np.atleast_2d(task.y.T)]
        coef, moved = self._together(pairs, self._policy(*tasks))
        self.penalty_ = GroupL12()
        if not self.several:
            self.coef_aux_ = coef[1]
        self._learned(main, coef if self.several else coef[0], moved)
        return self

    def _together(self, pairs: list[tuple[FloatArray, FloatArray]], policy: dict[str, Any]) -> tuple[FloatArray, float]:
        """The predictors, a row a task, and by how much targets were moved."""
        if self.method == "exact":
            found = groups.minimize(pairs, tol=self._tolerance(groups.DEFAULT_TOLERANCE), **policy)
            self._solved(found)
            return found.beta, found.moved
        if len(pairs) != 2:
            raise InputError(f"a flow is of two tasks, and these are {len(pairs)}; use method='exact'")
        (X, y), (X_aux, y_aux) = pairs
        run = training.multi_task(X, y, X_aux, y_aux, alpha=self.alpha, **self._flow, **policy)
        self.trajectory_, self.certificate_, self.n_iter_ = run, None, run.statistics.accepted
        return run.beta, run.moved
