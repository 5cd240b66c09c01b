"""Finetuning with held directions: the exact end against training that holds them, and what the directions cannot fit."""

import numpy as np
import pytest

from normtheory.networks import ReLUWeights
from normtheory.solvers import frozen
from normtheory.tasks import Task
from normtheory.teachers import relu_pair


@pytest.fixture(scope="module")
def begun():
    draw = np.random.default_rng(2)
    hidden = draw.standard_normal((30, 15)) * draw.uniform(0.05, 0.6, (30, 1))
    return ReLUWeights(hidden, 0.02 * draw.standard_normal((1, 30)))


def trained(task, weights, step=0.02, steps=60_000):
    """Plain gradient descent on lengths and readout; directions are not touched."""
    s, v = np.linalg.norm(weights.hidden, axis=1), weights.readout[0].copy()
    features = np.maximum(task.X @ (weights.hidden / s[:, None]).T, 0)
    for _ in range(steps):
        pull = 2 / len(task.y) * features.T @ (features @ (s * v) - task.y)
        s, v = s - step * pull * v, v - step * pull * s
    return s * v, float(np.mean((features @ (s * v) - task.y) ** 2))


def test_the_exact_end_is_where_training_with_held_directions_ends(begun):
    task = relu_pair(8, [1.0, 0.0], seed=4).main
    found = frozen.finetuned(task, begun)
    b, loss = trained(task, begun)
    assert loss < 1e-9 * np.mean(task.y**2)
    assert np.linalg.norm(found.weights.readout[0] - b) < 2e-2 * np.linalg.norm(b)  # steps of finite size
    assert found.solution.certificate.within(1e-9)
    plain = np.linalg.lstsq(np.maximum(task.X @ found.weights.hidden.T, 0), task.y, rcond=None)[0]
    assert np.linalg.norm(plain - b) > 0.2 * np.linalg.norm(b)  # no other interpolator would do


def test_directions_that_cannot_fit_do_what_they_can(begun):
    task = relu_pair(64, [0.0, 0.0], seed=1).main
    found = frozen.finetuned(task, begun)
    features = np.maximum(task.X @ found.weights.hidden.T, 0)
    best = np.linalg.lstsq(features, task.y, rcond=None)[1][0]
    assert np.sum((features @ found.weights.readout[0] - task.y) ** 2) == pytest.approx(best)


def test_scale_and_start_are_those_of_one_pathway(begun):
    (k, start), _ = frozen.scale_and_start(begun)
    s, v = np.linalg.norm(begun.hidden, axis=1), begun.readout[0]
    assert k == pytest.approx(np.abs(s**2 - v**2) / 2)
    assert start == pytest.approx(s * v)


def test_units_without_a_direction_or_a_scale_are_left_out():
    weights = ReLUWeights(np.array([[3.0, 4.0], [0.0, 0.0], [1.0, 0.0]]), np.array([[0.1, 1.0, -1.0]]))
    (k, _), directions = frozen.scale_and_start(weights)
    assert k.shape == (1,)
    assert directions == pytest.approx(np.array([[0.6, 0.8]]))


@pytest.mark.parametrize(("size", "low", "high"), [(1e-3, 1.99, 2.0), (1e3, 1.0, 1.3)])
def test_the_order_is_that_of_lazy_and_of_rich_penalties(size, low, high):
    start = ReLUWeights(np.eye(3), 1e-9 * np.ones((1, 3)))
    end = ReLUWeights(np.eye(3), size * np.ones((1, 3)))
    assert low < frozen.order(start, end) <= high


def test_a_task_that_is_fitted_already_is_left_alone(begun):
    X = relu_pair(8, [1.0], seed=0).main.X
    found = frozen.finetuned(Task(X, begun.network.output(begun, X)), begun)
    assert found.weights.readout[0] == pytest.approx(np.linalg.norm(begun.hidden, axis=1) * begun.readout[0], abs=1e-10)
