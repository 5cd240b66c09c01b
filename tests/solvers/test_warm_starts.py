"""Warm starts of the certified minimiser: the same end, sooner from a neighbour, and no later from nonsense."""

import numpy as np
import pytest
from drawn import build, divergence_between, examples, problems
from hypothesis import given
from hypothesis import strategies as st

from normtheory.exact import finetuning
from normtheory.solvers.newton import minimize
from normtheory.tasks import teacher_student


@examples(40)
@given(problems(most_inputs=40, lowest=-8, highest=2, most_samples=0.7), st.floats(0.5, 2.0))
def test_a_warm_start_leads_to_the_same_minimiser(problem, factor):
    """Whatever the dual it starts from: a neighbour's, zeros, or nonsense."""
    cold = minimize(problem.X, problem.y, problem.k, problem.beta0)
    neighbour = minimize(problem.X, problem.y, factor * problem.k, problem.beta0).dual
    for dual in (neighbour, cold.dual, np.zeros_like(problem.y), 1e3 * np.ones_like(problem.y)):
        warm = minimize(problem.X, problem.y, problem.k, problem.beta0, dual=dual)
        assert divergence_between(problem, cold.beta, warm.beta) <= 1e-10


@pytest.mark.parametrize("size", [0.0, 1e1, 1e2, 3e2, 1e3, 1e6])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_warm_start_from_nonsense_costs_nothing(size, sign):
    """Where predictors are finite, overflow in their squares, or overflow themselves."""
    problem = build(seed=10, n=2, D=5, sparsity=1.0, decades=(0, 0), correlation=0.0, start=1.0)
    cold = minimize(problem.X, problem.y, problem.k, problem.beta0)
    warm = minimize(problem.X, problem.y, problem.k, problem.beta0, dual=np.full(2, sign * size))
    np.testing.assert_array_equal(warm.beta, cold.beta)
    assert warm.steps == cold.steps


def test_a_warm_start_saves_factorisations():
    """Along a sequence of scales, at the paper's size; with new samples it is no help, and costs one step at most."""
    tasks = teacher_student(128, 20)
    X, y = tasks.main.X, tasks.main.y
    k, beta0 = finetuning(tasks.teacher_aux, alpha=1e-3, gamma=1e-3)
    first = minimize(X, y, k, beta0)
    next_scale = minimize(X, y, 0.8 * k, beta0, dual=first.dual)
    assert next_scale.steps < minimize(X, y, 0.8 * k, beta0).steps
    fewer = minimize(X[:120], y[:120], k, beta0)
    grown = minimize(X, y, k, beta0, dual=np.append(fewer.dual, np.zeros(8)))
    assert grown.steps <= first.steps + 1


def test_a_neighbour_helps_where_samples_depend_on_each_other():
    """With targets that were moved: the neighbour's objective is that of the moved ones."""
    draw = np.random.default_rng(1)
    for _ in range(10):
        X = np.repeat(draw.normal(size=(6, 30)), 2, axis=0)
        y, k = draw.normal(size=12), 10 ** draw.uniform(-4, -2)
        first = minimize(X, y, k, inconsistent="project")
        assert minimize(X, y, k, inconsistent="project", dual=first.dual).steps <= 2


def test_from_a_start_a_dual_that_leads_down_is_refused():
    """The objective is nu.(y - X beta0) - ...: y alone would take it for a good one."""
    X, beta0 = np.random.default_rng(2).normal(size=(5, 20)), np.ones(20)
    y = X @ beta0 * 1.001
    cold = minimize(X, y, 1.0, beta0)
    warm = minimize(X, y, 1.0, beta0, dual=0.1 * y / np.abs(y).max())
    np.testing.assert_array_equal(warm.beta, cold.beta)
