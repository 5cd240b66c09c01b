"""Where the exact theory is at an edge: which layer a step touches, dependent samples, dead inputs, dead pathways."""

import numpy as np
import pytest
from drawn_tasks import tame_design
from hypothesis import given
from hypothesis import strategies as st

from normtheory import exact
from normtheory.networks import DiagonalNetwork, Weights

seeds = st.integers(0, 2**32 - 1)


def drawn(seed, inputs=5):
    """Four different arrays of weights, so that a step on the wrong one shows."""
    return Weights.unstacked(np.random.default_rng(seed).uniform(0.5, 2, (4, inputs)) * [[1], [-1], [-1], [1]])


@given(seeds, st.floats(0.1, 10).filter(lambda factor: factor != 1))
def test_rescaling_is_of_the_first_layer_alone(seed, factor):
    before = drawn(seed)
    after = exact.rescaled(before, factor)
    np.testing.assert_array_equal(after.stacked()[:2], factor * before.stacked()[:2])
    np.testing.assert_array_equal(after.stacked()[2:], before.stacked()[2:])


@given(seeds, st.floats(0.1, 10))
def test_a_reset_is_of_the_second_layer_alone(seed, gamma):
    before = drawn(seed)
    after = exact.reset(before, gamma)
    np.testing.assert_array_equal(after.stacked()[:2], before.stacked()[:2])
    np.testing.assert_array_equal(after.stacked()[2:], np.full((2, 5), gamma))
    assert not np.shares_memory(after.v_plus, after.v_minus)


def test_a_dead_pathway_has_penalty_scale_zero_and_equal_weights_the_known_one():
    k, beta0 = exact.scale_and_start(Weights.of(4, [2, 0, 2, 3], [0, 3, 0, 3], [2, 0, 1, 3], [0, -3, 0, 3]))
    np.testing.assert_array_equal(beta0, [4, 9, 2, 0])
    np.testing.assert_allclose(k, [0, 0, 1.5, 18], rtol=1e-15)  # ((w^2 + v^2)/2)^2 - (w v)^2 = 1.5^2 in the third


@given(seeds, st.integers(2, 4), st.booleans())
def test_probing_on_dependent_samples_is_probing_on_what_they_say_together(seed, copies, agree):
    """Copies of a sample count as one with their mean as target, also where they contradict each other.

    Singular values of X are within a factor 4, those of the features within 16, with the copies within 32.
    """
    draw = np.random.default_rng(seed)
    weights, X, y = drawn(seed), tame_design(draw, 3, 5), draw.standard_normal(3)
    targets = np.full(copies, y[0]) if agree else draw.standard_normal(copies)
    repeated = exact.probing(weights, np.vstack([np.tile(X[0], (copies, 1)), X[1:]]), np.concatenate([targets, y[1:]]))
    once = exact.probing(weights, X, np.concatenate([[targets.mean()], y[1:]]))
    np.testing.assert_allclose(repeated, once, rtol=0, atol=32e-14 * (1 + np.abs(once).max()))


@given(seeds, st.integers(0, 4))
def test_probing_leaves_inputs_without_first_layer_at_zero(seed, dead):
    """They have no features to be read out, and the others are trained as if these inputs were not there."""
    draw = np.random.default_rng(seed)
    stacked = drawn(seed).stacked()
    stacked[:2, dead] = 0
    others = np.arange(5) != dead
    X, y = draw.standard_normal((3, 5)), draw.standard_normal(3)
    X[:, others] = tame_design(draw, 3, 4)  # hence features of condition number 16 at most
    found = exact.probing(Weights.unstacked(stacked), X, y)
    assert found[dead] == 0
    smaller = Weights.unstacked(stacked[:, others])
    expected = exact.probing(smaller, X[:, others], y)
    np.testing.assert_allclose(found[others], expected, rtol=0, atol=16e-14 * (1 + np.abs(expected).max()))


@pytest.mark.parametrize("targets", [[1.0, 2.0, 3.0], [5.0, -1.0, 2.0]], ids=["consistent", "not"])
def test_probing_from_a_start_that_already_has_a_predictor(targets):
    """One feature direction, so that the answer can be read off: the multiple of it that is least off."""
    weights = Weights.of(2, [3.0, 0.0], [4.0, 1.0], [1.0, 2.0], [0.5, -1.0])
    X, start = np.array([[1.0, 0.0], [2.0, 0.0], [3.0, 0.0]]), DiagonalNetwork().effective_map(weights)
    np.testing.assert_array_equal(start, [1, 1])
    best = X[:, 0] @ np.array(targets) / 14
    np.testing.assert_allclose(exact.probing(weights, X, targets), [best, 1], rtol=1e-14)
