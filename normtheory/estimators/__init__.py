"""Estimators with scikit-learn's conventions: the predictors that networks of each protocol end at, on one's own data.

Three decisions hold for all of them. Targets that no predictor fits are projected (`inconsistent="project"`, where the solvers
and the command line refuse): in cross-validation and with more samples than inputs they are the rule, least squares is where
gradient flow ends, where data can be interpolated nothing is moved, and `moved_` says how much was. The intercept is a number
that no penalty acts on, which is the same as centring inputs and targets, each task by its own means; the networks of the
theory have none (`fit_intercept=False`). And the auxiliary task is a parameter, not data of `fit`: cross-validation leaves it
whole.
"""

from __future__ import annotations

from normtheory.estimators.multitask import MultiTaskRegressor as MultiTaskRegressor
from normtheory.estimators.one_output import FineTunedRegressor as FineTunedRegressor
from normtheory.estimators.one_output import SingleTaskRegressor as SingleTaskRegressor
