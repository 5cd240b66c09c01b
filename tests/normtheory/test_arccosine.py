"""Closed forms of ReLU networks on all inputs, against very many inputs."""

import numpy as np
import pytest

from normtheory import arccosine, representations
from normtheory.arrays import InputError
from normtheory.networks import ReLUWeights
from normtheory.solvers import training
from normtheory.teachers import fresh_rows, relu_pair

TESTED = 200_000
STANDARD_ERRORS = 6.0


@pytest.fixture(scope="module")
def sample():
    """A pair of tasks, a network of ordinary weights, and inputs that neither has seen."""
    pair = relu_pair(24, [1.0, 0.9, 0.0], seed=1)
    return pair, ReLUWeights.random(15, 40, 1.0), fresh_rows(TESTED, 15, 0)


def agree(squares, exact):
    assert abs(squares.mean() - exact) <= STANDARD_ERRORS * squares.std() / np.sqrt(len(squares))
    assert squares.std() / np.sqrt(len(squares)) < 0.02 * exact  # the test would see an error of an eighth


def test_the_population_loss_is_that_of_many_test_points(sample):
    pair, weights, X = sample
    outputs = weights.network.output(weights, X) - pair.teacher.network.output(pair.teacher, X)
    agree(outputs**2, arccosine.population_loss(weights, pair.teacher))


def test_gaussian_inputs_have_the_same_loss(sample):
    pair, weights, _ = sample
    X = np.random.default_rng(1).standard_normal((TESTED, 15))
    outputs = weights.network.output(weights, X) - pair.teacher.network.output(pair.teacher, X)
    agree(outputs**2, arccosine.population_loss(weights, pair.teacher))


def test_orthonormal_teachers_have_a_null_loss_known_by_hand():
    """1/2 a unit squared, and 1/(2 pi) a pair: with readouts of +-1."""
    teacher = ReLUWeights(np.eye(4)[:2], np.array([[1.0, -1.0]]))
    assert arccosine.null_loss(teacher) == pytest.approx(2 / 2 - 2 / (2 * np.pi))


def test_a_network_equal_to_its_teacher_has_no_loss(sample):
    pair, _, _ = sample
    split = ReLUWeights(np.vstack([3 * pair.teacher.hidden] * 2), np.hstack([pair.teacher.readout / 6] * 2))
    assert arccosine.population_loss(split, pair.teacher) < 1e-15


def test_the_tangent_model_has_the_loss_of_many_test_points(sample):
    pair, weights, X = sample
    linear = training.linearised([pair.main], weights)
    outputs = linear.output(X[:50_000]) - pair.teacher.network.output(pair.teacher, X[:50_000])
    agree(outputs**2, arccosine.tangent_loss(weights, linear.change, pair.teacher))
    assert arccosine.tangent_loss(weights, 0 * linear.change, pair.teacher) == pytest.approx(
        arccosine.population_loss(weights, pair.teacher)
    )


def test_tangent_models_of_equal_units(sample):
    """Units of one direction, whose gates are one: the closed form has a quotient of vanishing numbers there."""
    pair, weights, X = sample
    twice = ReLUWeights(np.vstack([weights.hidden, 2 * weights.hidden]), np.hstack([weights.readout] * 2) / 2)
    linear = training.linearised([pair.main], twice)
    outputs = linear.output(X[:50_000]) - pair.teacher.network.output(pair.teacher, X[:50_000])
    agree(outputs**2, arccosine.tangent_loss(twice, linear.change, pair.teacher))


def test_dimensions_are_those_of_many_inputs(sample):
    _, weights, X = sample
    other = ReLUWeights.random(15, 30, 1.0, seed=2)
    first, second = (np.maximum(X @ each.hidden.T, 0) for each in (weights, other))
    assert arccosine.participation_ratio(weights.hidden) == pytest.approx(representations.participation_ratio(first), rel=5e-3)
    assert arccosine.shared_dimensions(weights.hidden, other.hidden) == pytest.approx(
        representations.ensd(first, second), rel=5e-3
    )
    assert arccosine.shared_dimensions(weights.hidden, weights.hidden) == pytest.approx(
        arccosine.participation_ratio(weights.hidden)
    )


def test_units_without_weights_count_for_nothing():
    rows = np.vstack([np.eye(3), np.zeros((2, 3))])
    assert arccosine.participation_ratio(rows) == pytest.approx(arccosine.participation_ratio(np.eye(3)))


def test_other_inputs_are_refused(sample):
    with pytest.raises(InputError, match="4 inputs, the teacher 15"):
        arccosine.population_loss(ReLUWeights.random(4, 3, 1.0), sample[0].teacher)
