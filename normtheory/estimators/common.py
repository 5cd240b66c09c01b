"""What the estimators share: checked and centred tasks, policies for targets, prediction, and the state after a fit."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from normtheory.arrays import FloatArray, InputError, precision
from normtheory.solvers.certificate import Certificate, Solution
from normtheory.solvers.consistency import Inconsistent
from normtheory.solvers.flow import DEFAULT_RTOL

Method = Literal["exact", "flow"]
TYPES = (np.float64, np.float32)


class CentredTask(NamedTuple):
    """A task as it is solved: in float64, centred by its means if there is an intercept; `precision` is that of its types."""

    X: FloatArray
    y: FloatArray
    means: FloatArray
    mean: FloatArray
    precision: float

    @staticmethod
    def of(X: ArrayLike, y: ArrayLike, centred: bool) -> CentredTask:
        """The task, less its means if it is to be centred."""
        inputs, outputs = np.asarray(X, dtype=np.float64), np.asarray(y, dtype=np.float64)
        means, mean = (np.asarray(each.mean(axis=0) if centred else np.zeros(each.shape[1:])) for each in (inputs, outputs))
        return CentredTask(inputs - means, outputs - mean, means, mean, precision(X, y))

    def intercept(self, coef: FloatArray) -> Any:
        """A float, or one for each output."""
        found = self.mean - coef @ self.means
        return float(found) if found.ndim == 0 else found


class Regressor(RegressorMixin, BaseEstimator, ABC):  # type: ignore[misc] # scikit-learn has no types: its classes are Any
    """What the three share: checks of data and options, prediction, the state after a fit."""

    method: Method
    fit_intercept: bool
    inconsistent: Inconsistent
    consistency: float | None
    tol: float | None
    verbose: bool
    certificate_: Certificate | None

    def fit(self, X: ArrayLike, y: ArrayLike) -> Any:
        """Fit the main task.

        Parameters
        ----------
        X : array or data frame, shape (n, D)
        y : array, shape (n,); for a `MultiTaskRegressor` without auxiliary task (n, O)

        Returns
        -------
        self

        Raises
        ------
        InputError
            A ValueError: data or a parameter cannot be used; one line says what to do.
        NotCertified, FlowError
            If the solver did not reach its tolerance.
        """
        return self._fit(X, y, None)

    def predict(self, X: ArrayLike) -> FloatArray:
        """Predictions for the rows of X, shape (n,) or (n, O)."""
        check_is_fitted(self)
        checked = validate_data(self, X, reset=False, dtype=TYPES)
        return np.asarray(checked @ self.coef_.T + self.intercept_)

    @property
    def several(self) -> bool:
        """Whether y may have columns, a task each."""
        return False

    @abstractmethod
    def _fit(self, X: ArrayLike, y: ArrayLike, dual: FloatArray | None) -> Any:
        """Fit the main task, from the dual of a neighbour if there is one."""

    def _task(self, X: ArrayLike, y: ArrayLike) -> CentredTask:
        """The main task, checked."""
        if self.method not in ("exact", "flow"):
            raise InputError(f"method = {self.method!r}; choose 'exact' or 'flow'")
        if self.inconsistent == "project" and self.consistency is not None:
            raise InputError("consistency has no meaning beside inconsistent='project', which moves all targets; leave it out")
        X, y = validate_data(self, X, y, dtype=TYPES, y_numeric=True, multi_output=self.several)
        return CentredTask.of(X, y, self.fit_intercept)

    def _auxiliary(self, X_aux: ArrayLike, y_aux: ArrayLike) -> CentredTask:
        """The auxiliary task, with the inputs of the main one."""
        try:
            X_aux, y_aux = validate_data(self, X_aux, y_aux, dtype=TYPES, y_numeric=True, reset=False)
        except ValueError as error:
            raise InputError(f"the auxiliary task (X_aux, y_aux): {error}") from error
        return CentredTask.of(X_aux, y_aux, self.fit_intercept)

    def _policy(self, *tasks: CentredTask) -> dict[str, Any]:
        coarsest = max(task.precision for task in tasks)
        return {
            "consistency": coarsest if self.consistency is None else self.consistency,
            "inconsistent": self.inconsistent,
        }

    def _learned(self, task: CentredTask, coef: FloatArray, moved: float) -> None:
        self.coef_, self.intercept_, self.moved_ = coef, task.intercept(coef), moved

    def _solved(self, solution: Solution) -> None:
        self.dual_, self.certificate_, self.n_iter_ = solution.dual, solution.certificate, solution.steps

    def _tolerance(self, default: float) -> float:
        return default if self.tol is None else self.tol

    @property
    def _flow(self) -> dict[str, Any]:
        return {"rtol": self._tolerance(DEFAULT_RTOL), "progress": self.verbose}
