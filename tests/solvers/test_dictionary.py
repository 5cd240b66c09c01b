"""The least F_{1,2} norm, against a fine net of directions, and where it is known."""

import numpy as np
import pytest

from normtheory.arrays import InputError
from normtheory.networks import ReLUWeights
from normtheory.solvers import dictionary, groups
from normtheory.tasks import Task
from normtheory.teachers import taught

ANGLES = np.linspace(0, 2 * np.pi, 1500, endpoint=False)
NET = np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1)


@pytest.fixture(scope="module")
def plane():
    """A task in two dimensions, where a net has a direction within 0.2 degrees of any."""
    draw = np.random.default_rng(0)
    return Task(draw.standard_normal((7, 2)), draw.standard_normal(7))


def test_the_growing_dictionary_finds_what_a_fine_net_finds(plane):
    found = dictionary.least_norm(plane)
    net = groups.minimize([(np.maximum(plane.X @ NET.T, 0), plane.y)], tol=1e-6).certificate.objective
    assert found.norm == pytest.approx(net, rel=5e-3)
    assert found.lower <= net * (1 + 1e-6)
    assert found.lower > 0.95 * found.norm
    output = found.weights.network.output(found.weights, plane.X)
    assert output == pytest.approx(plane.y, abs=1e-4 * np.abs(plane.y).max())


def test_a_pinned_unit_makes_its_direction_cheap():
    """A teacher of one unit that the auxiliary network has: its readouts add in squares."""
    draw = np.random.default_rng(1)
    unit = np.array([[0.6, 0.8, 0.0]])
    teacher = ReLUWeights(unit, np.array([[0.5]]))
    task = taught(teacher, draw.standard_normal((12, 3)))
    alone = dictionary.least_norm(task, more=unit)
    beside = dictionary.least_norm(task, ReLUWeights(unit, np.array([[-1.2]])))
    assert alone.norm == pytest.approx(2 * 0.5, rel=1e-3)
    assert beside.norm == pytest.approx(2 * 1.3, rel=1e-3)
    assert beside.weights.readout[0, 0] == pytest.approx(0.5, rel=1e-2)
    apart = dictionary.least_norm(task, ReLUWeights(np.array([[0.0, 0.0, 1.0]]), np.array([[1.2]])), unit)
    assert apart.norm == pytest.approx(2 * (0.5 + 1.2), rel=1e-3)


def test_pinned_directions_are_of_length_one():
    with pytest.raises(InputError, match="not of length 1"):
        dictionary.least_norm(Task(np.eye(2), np.ones(2)), ReLUWeights(2 * np.eye(2), np.ones((1, 2))))
