import numpy as np
import pytest

from normtheory.arrays import InputError
from normtheory.representations import ensd, linear_cka, participation_ratio, share_on, share_outside_top


def orthonormal(samples, units, seed=0):
    """Uncorrelated units of equal variance, mean 0."""
    draw = np.random.default_rng(seed).standard_normal((samples, units))
    return np.linalg.qr(draw - draw.mean(axis=0))[0]


def test_the_examples_of_the_paper():
    units = orthonormal(50, 15)
    X, other = units[:, :10], units[:, 10:]
    assert ensd(X, X[:, :5]) == pytest.approx(5, rel=1e-12)
    assert ensd(X, other) == pytest.approx(0, abs=1e-12)
    assert participation_ratio(X) == pytest.approx(10, rel=1e-12)


def test_the_extremes_of_the_participation_ratio():
    x = np.random.default_rng(1).standard_normal((30, 1))
    assert participation_ratio(x @ np.ones((1, 6))) == pytest.approx(1, rel=1e-12)
    assert 1 <= participation_ratio(np.random.default_rng(2).standard_normal((30, 6))) <= 6


@pytest.mark.parametrize("units", [(5, 7), (60, 70)])
def test_alignment_times_dimension_and_invariances(units):
    draw = np.random.default_rng(3)
    X, Y = (draw.standard_normal((40, size)) for size in units)
    mean = np.sqrt(participation_ratio(X) * participation_ratio(Y))
    assert ensd(X, Y) == pytest.approx(linear_cka(X, Y) * mean, rel=1e-12)
    assert ensd(X, Y) == pytest.approx(ensd(Y, X), rel=1e-12)
    rotation = np.linalg.qr(draw.standard_normal((units[0], units[0])))[0]
    assert ensd(1e90 * X @ rotation + 3e90, Y) == pytest.approx(ensd(X, Y), rel=1e-9)
    assert linear_cka(X, X @ rotation) == pytest.approx(1, rel=1e-12)


def test_centring_can_be_left_to_the_caller():
    X = np.random.default_rng(4).standard_normal((40, 5)) + 3
    centred = X - X.mean(axis=0)
    assert participation_ratio(X) == pytest.approx(participation_ratio(centred, centre=False), rel=1e-12)
    assert participation_ratio(X, centre=False) < participation_ratio(X)


@pytest.mark.parametrize(
    ("X", "Y", "message"),
    [
        (np.ones((5, 2)), np.ones((4, 2)), "X has no variance"),
        (np.eye(5), np.eye(4), "X has 5 rows, Y has 4"),
        (np.full((5, 2), np.nan), np.eye(5), "X"),
        (np.eye(5)[0], np.eye(5), "X"),
    ],
)
def test_what_cannot_be_measured_is_refused(X, Y, message):
    with pytest.raises(InputError, match=message):
        ensd(X, Y)


def test_shares_of_a_predictor():
    beta = np.array([3.0, 0.0, -4.0, 0.0])
    assert share_outside_top(beta, 0) == 1
    assert share_outside_top(beta, 1) == pytest.approx(9 / 25)
    assert share_outside_top(beta, 2) == 0
    assert share_on(beta, beta < 0) == pytest.approx(16 / 25)
    assert share_outside_top(1e-90 * beta, 1) == pytest.approx(9 / 25)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: share_outside_top(np.zeros(3), 1), "beta is 0"),
        (lambda: share_outside_top(np.ones(3), 4), "count = 4; give a number from 0 to 3"),
        (lambda: share_on(np.ones(3), np.ones(3)), "give a mask"),
        (lambda: share_on(np.ones(3), np.ones(2, dtype=bool)), r"bool of shape \(3,\)"),
    ],
)
def test_shares_that_are_none_are_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()


@pytest.mark.parametrize("size", [1e-30, 0.1, 1e30])
def test_constant_responses_have_no_variance_whatever_their_mean_rounds_to(size):
    """0.1 is no sum of halves: the mean of equal responses differs from them by round-off, which is no response."""
    constant = np.full((7, 3), size)
    assert (constant - constant.mean(axis=0)).any() or size != 0.1
    for measure in (participation_ratio, lambda X: linear_cka(X, X), lambda X: ensd(X, np.eye(7))):
        with pytest.raises(InputError, match="has no variance"):
            measure(constant)
    one = constant.copy()
    one[0, 0] *= 1 + 1e-9  # a small response of one unit is one
    assert participation_ratio(one) == pytest.approx(1)
    assert participation_ratio(constant, centre=False) == pytest.approx(1)


def test_a_small_unit_counts_beside_a_constant_large_one():
    responses = np.column_stack([np.full(5, 0.1e6), np.linspace(0, 1e-9, 5)])
    assert participation_ratio(responses) == pytest.approx(1)
