"""Clusters of hidden units, on networks whose clusters are known."""

import numpy as np
import pytest

from normtheory.arrays import InputError
from normtheory.clusters import alignment, clusters, directions, f12_norm, rotation
from normtheory.networks import ReLUWeights

AXES = np.eye(5)[:3]


def network(*parts, jitter=0.0):
    """Units along directions, each a (direction, contribution) pair."""
    draw = np.random.default_rng(0)
    hidden = np.array([direction + jitter * draw.standard_normal(5) for direction, _ in parts])
    return ReLUWeights(2 * hidden, np.array([[contribution / 2 for _, contribution in parts]]))


THREE = network(*[(AXES[unit % 3], 1.0 + unit) for unit in range(12)], jitter=0.01)


def test_as_many_clusters_as_directions_leave_nothing():
    found = [clusters(THREE, count) for count in (1, 2, 3)]
    assert found[0].inertia == pytest.approx(1.0)
    assert found[1].inertia > 0.2
    assert found[2].inertia < 1e-3
    assert alignment(found[2].centres, network(*[(axis, 1.0) for axis in AXES])) > 0.999


def test_one_cluster_about_zero_is_what_the_mean_leaves():
    """Two orthogonal directions of equal weight: their mean is 1/sqrt 2 long, so that half of the mean square remains."""
    found = clusters(network((AXES[0], 1.0), (AXES[1], 1.0), (AXES[1], 1e-3)), 1)
    assert found.uncentred == pytest.approx(0.5, abs=1e-3)
    assert clusters(network((AXES[0], 1.0), (AXES[0], 3.0)), 1).uncentred == pytest.approx(0.0, abs=1e-12)


def test_units_count_by_what_they_contribute():
    heavy = network((AXES[0], 1.0), (AXES[1], 1e-6), (AXES[2], -1e-6))
    assert clusters(heavy, 1).uncentred < 1e-5
    assert clusters(network((AXES[0], 1.0), (AXES[1], 1.0), (AXES[2], -1.0)), 1).uncentred > 0.6  # whatever the sign


def test_contributions_of_two_outputs_are_norms_over_them():
    weights = ReLUWeights(2 * AXES, np.array([[3.0, 0.0, 0.0], [4.0, 1.0, 0.0]]))
    units, shares = directions(weights)
    assert units == pytest.approx(AXES[:2])
    assert shares == pytest.approx([5 / 6, 1 / 6])
    assert f12_norm(weights) == pytest.approx(2 * 2 * (5 + 1))


def test_alignment_is_the_mean_of_the_best_cosines():
    teacher = network((AXES[0], 1.0), (AXES[1], -1.0))
    centres = np.array([0.3 * AXES[0], (AXES[0] + AXES[1]) / 2, -AXES[1]])
    assert alignment(centres, teacher) == pytest.approx((1 + 2**-0.5) / 2)


def test_rotation_is_the_angle_weighed_by_the_end():
    start = network((AXES[0], 1.0), (AXES[1], 1.0))
    end = network((AXES[0] + AXES[1], 1.0), (3 * AXES[1], 3.0))
    heavier = 2**0.5  # the first unit is longer
    assert rotation(start, end) == pytest.approx(np.pi / 4 * heavier / (heavier + 9))
    assert rotation(start, start) == pytest.approx(0.0, abs=1e-7)


def test_what_has_no_clusters_is_refused():
    with pytest.raises(InputError, match="at least one cluster"):
        clusters(THREE, 0)
    with pytest.raises(InputError, match="no hidden unit contributes"):
        clusters(ReLUWeights(AXES, np.zeros((1, 3))), 2)
