"""Where the verdict on uniqueness changes: each threshold from both sides."""

import numpy as np
import pytest

from normtheory.solvers.uniqueness import unique_minimiser

PLANE = np.eye(2)


def two_columns(least):
    """Two columns that have, scaled to unit length, about this least singular value."""
    off = np.sqrt(2) * least
    return np.array([[1.0, 1.0], [1 + off, 1 - off]])


@pytest.mark.parametrize(("least", "verdict"), [(2e-6, True), (5e-7, None), (2e-12, None), (5e-13, False), (0.0, False)])
def test_columns_are_independent_dependent_or_neither(least, verdict):
    beta, pull = np.array([[0.5, 0.5]]), np.array([[1.0, -1.0]])
    assert unique_minimiser([two_columns(least)], beta, pull, 1.0, 0.0) is verdict


HALF = 0.0025  # the accuracy at which the margin is 1/2


@pytest.mark.parametrize(("length", "verdict"), [(0.51, None), (0.5, None), (0.49, True)])
@pytest.mark.parametrize("radius", [1.0, 2.0])
def test_what_a_dual_almost_on_the_edge_leaves_possible(length, verdict, radius):
    """A second, parallel column may be active from half the radius on."""
    pull = radius * np.array([[1.0, length]])
    assert unique_minimiser([np.ones((1, 2))], np.array([[1.0, 0.0]]), pull, radius, HALF) is verdict


@pytest.mark.parametrize(("size", "verdict"), [(0.51, False), (0.5, None), (0.49, None)])
@pytest.mark.parametrize("sign", [1, -1])
def test_what_counts_as_support(size, verdict, sign):
    beta, pull = sign * np.array([[5.0, 5.0 * size]]), sign * np.ones((1, 2))
    assert unique_minimiser([np.ones((1, 2))], beta, pull, 1.0, HALF) is verdict


@pytest.mark.parametrize(
    ("accuracy", "verdict"), [(0.0099, True), (0.01, None), (0.0101, None), (np.inf, None), (np.nan, None)]
)
def test_a_margin_of_everything_decides_nothing(accuracy, verdict):
    assert unique_minimiser([PLANE], np.array([[1.0, 1.0]]), np.ones((1, 2)), 1.0, accuracy) is verdict


def test_a_perfect_certificate_keeps_a_margin_of_round_off():
    beta, off = np.array([[1.0, 0.0]]), 10 * np.sqrt(2.0**-53)
    for share, verdict in ((0.9, None), (1.1, True)):
        assert unique_minimiser([np.ones((1, 2))], beta, np.array([[1.0, 1 - share * off]]), 1.0, 0.0) is verdict


def test_more_active_columns_than_samples_and_none_at_all():
    X = np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]])
    assert unique_minimiser([X], np.array([[1.0, 1.0, 1.0]]), np.ones((1, 3)), 1.0, 0.0) is False
    assert unique_minimiser([X], np.array([[1.0, 1.0, 0.0]]), np.ones((1, 3)), 1.0, 0.0) is None
    assert unique_minimiser([X], np.array([[1.0, 0.0, 0.0]]), np.full((1, 3), 0.5), 1.0, 0.0) is True


def test_groups_are_compared_along_their_own_directions():
    """Two inputs that are the same for each task alone are told apart by two tasks that need them in different shares."""
    beta, share = np.ones((2, 2)), np.sqrt([1.5, 0.5])
    designs = [np.array([[1.0, weight]]) for weight in share]
    pull = np.sqrt(2) * np.vstack(designs)
    assert unique_minimiser(designs, beta, pull, 2.0, 0.0) is True
    assert unique_minimiser([np.ones((1, 2))] * 2, beta, np.full((2, 2), np.sqrt(2)), 2.0, 0.0) is False


def test_an_input_without_data_may_have_any_weight():
    X, beta, pull = np.array([[1.0, 0.0]]), np.array([[1.0, 1.0]]), np.ones((1, 2))
    assert unique_minimiser([X], beta, pull, 1.0, 0.0) is False


@pytest.mark.parametrize("rows", [2.0**-900, 2.0**-500, 2.0, 2.0**600])
@pytest.mark.parametrize("columns", [1e-5, 0.1, 1e5])
@pytest.mark.parametrize("sign", [1, -1])
def test_units_do_not_matter(rows, columns, sign):
    """Rows are the same constraints in any unit, each in its own; a column and its coordinate, too. An idle input is none."""
    beta, pull = np.array([[0.5, 0.5, 0.0]]), np.array([[1.0, -1.0, 0.0]])
    for least, verdict in ((2e-6, True), (5e-7, None), (0.0, False)):
        X = np.hstack([two_columns(least) * [[1.0, columns]], [[1e-3], [0.0]]]) * sign
        X = np.vstack([X[:1] * rows, X[1:] / rows, np.zeros((1, 3))])
        assert unique_minimiser([X], beta, pull, 1.0, 0.0) is verdict
