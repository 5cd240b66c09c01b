"""Closed forms of pretraining, finetuning and probing against their definitions, at high precision or by brute force."""

import mpmath as mp
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from normtheory import exact
from normtheory.arrays import InputError
from normtheory.networks import DiagonalNetwork, Weights, effective_map, weight_gradient

DIGITS = 140
NETWORK = DiagonalNetwork()

magnitudes = st.builds(lambda sign, e: sign * 10.0**e, st.sampled_from([-1.0, 1.0]), st.floats(-6, 3))
positives = st.floats(-6, 1).map(lambda e: 10.0**e)
weights_of_one = st.builds(lambda *w: Weights(*(np.array([x]) for x in w)), magnitudes, magnitudes, magnitudes, magnitudes)
# Drawn in s = (w + v)/2 and d = (w - v)/2 between 0.1 and 10, so that no pathway is dead and every beta can be reached.
live = st.builds(lambda sign, e: sign * 10.0**e, st.sampled_from([-1.0, 1.0]), st.floats(-1, 1))
live_weights = st.tuples(live, live, live, live).map(
    lambda x: Weights.of(1, x[0] + x[1], x[2] + x[3], x[0] - x[1], x[2] - x[3])
)


def high(weights):
    """The weights of coordinate 0 as mpmath numbers."""
    return [mp.mpf(float(array[0])) for array in weights.named().values()]


def assert_close(numeric, truth, relative, scale=None):
    """|numeric - truth| is at most `relative` times `scale` (default: |truth|)."""
    with mp.workdps(DIGITS):
        size = abs(truth) if scale is None else scale
        assert abs(mp.mpf(float(numeric)) - truth) <= relative * size, (numeric, mp.nstr(truth, 20))


@given(weights=weights_of_one)
@example(weights=Weights.constant(1, 1e-6))
@example(weights=Weights.of(1, 1e3, 1e-6, 1e3, 1e-6))
def test_scale_and_start_follow_their_definition(weights):
    """k^2 = (S/2)^2 - beta0^2, S the sum of the squared weights."""
    k, beta0 = exact.scale_and_start(weights)
    with mp.workdps(DIGITS):
        w_plus, w_minus, v_plus, v_minus = high(weights)
        start = w_plus * v_plus - w_minus * v_minus
        total = w_plus**2 + w_minus**2 + v_plus**2 + v_minus**2
        scale = mp.sqrt((total / 2) ** 2 - start**2)
        size = abs(w_plus * v_plus) + abs(w_minus * v_minus)
    assert_close(beta0[0], start, 4e-16, size)
    assert_close(k[0], scale, 1e-14)


@given(alpha=positives, beta=magnitudes)
@example(alpha=1e-6, beta=1e3)  # one pathway is at 3e-14 of the other
def test_scale_survives_pretraining(alpha, beta):
    """k is a constant of the flow: 2 alpha^2 also at the end, in weights of which one pathway is nearly dead.

    The weights store k only through the small pathway's s and d, which carry errors of round-off relative to themselves.
    """
    end = exact.pretraining([beta], alpha)
    stored = exact.weights_on_flow(Weights.constant(1, alpha), [beta])
    assert all((end.named()[name] == stored.named()[name]).all() for name in end.named())
    k, start = exact.scale_and_start(end)
    np.testing.assert_allclose(start, beta, rtol=1e-14, atol=1e-15 * alpha**2)
    np.testing.assert_allclose(k, 2 * alpha**2, rtol=1e-14)


@given(weights=live_weights, eta=st.floats(-5, 5))
def test_orbit_reaches_the_map_and_conserves(weights, eta):
    """Moving to any beta gives that beta and leaves the four products unchanged, up to round-off of their terms.

    Those are at most (10 exp(5/2) + 10)^2, the products at least 0.01: the tolerance is below 2e-8 of what it is on.
    """
    k, beta0 = exact.scale_and_start(weights)
    beta = k * np.sinh(np.arcsinh(beta0 / k) + eta)
    moved = exact.weights_on_flow(weights, beta)
    largest = max(float(np.max(np.abs(w.stacked()))) for w in (weights, moved)) ** 2
    np.testing.assert_allclose(NETWORK.effective_map(moved), beta, rtol=0, atol=1e-14 * largest)
    before, after = NETWORK.conserved(weights), NETWORK.conserved(moved)
    for name, value in before.items():
        np.testing.assert_allclose(after[name], value, rtol=0, atol=1e-14 * largest, err_msg=name)


def test_orbit_is_tangent_to_gradient_flow():
    """d weights / d beta along the orbit is parallel to the gradient of beta in the weights, per coordinate."""
    generator = np.random.default_rng(np.random.SeedSequence(5))
    initial = Weights.unstacked(generator.standard_normal((4, 6)))
    step = 1e-5
    beta0 = effective_map(initial.stacked())
    moved = [exact.weights_on_flow(initial, beta0 + sign * step).stacked() for sign in (1, -1)]
    velocity = (moved[0] - moved[1]) / (2 * step)
    gradient = weight_gradient(initial.stacked(), np.ones(6))
    np.testing.assert_allclose(velocity, gradient / (gradient**2).sum(axis=0), rtol=1e-7)


@given(beta=magnitudes, alpha=positives)
def test_pretraining_closed_form(beta, alpha):
    """w_+^2 = v_+^2 = (R + beta)/2, w_-^2 = v_-^2 = (R - beta)/2, R = sqrt(beta^2 + 4 alpha^4)."""
    end = exact.pretraining([beta], alpha)
    with mp.workdps(DIGITS):
        b, a = mp.mpf(beta), mp.mpf(alpha)
        root = mp.sqrt(b**2 + 4 * a**4)
        plus, minus = mp.sqrt((root + b) / 2), mp.sqrt((root - b) / 2)
    # The exponent of the orbit is a logarithm of up to 40, whose rounding is the error.
    for array, truth in zip(end.named().values(), [plus, minus, plus, minus], strict=True):
        assert_close(array[0], truth, 2e-14)


@given(beta=magnitudes, first=positives, second=positives)
def test_pretraining_from_unequal_layers(beta, first, second):
    """w_+^2 + w_-^2 = sqrt(beta^2 + k^2) + a1^2 - a2^2 with k = a1^2 + a2^2; the second layer with the other sign.

    Weights are s + d and s - d: their error is round-off of the larger layer, here at most 3e7 times the smaller one.
    """
    end = exact.pretraining([beta], first, second)
    with mp.workdps(DIGITS):
        a1, a2 = mp.mpf(first) ** 2, mp.mpf(second) ** 2
        root = mp.sqrt(mp.mpf(beta) ** 2 + (a1 + a2) ** 2)
        w_plus, w_minus, v_plus, v_minus = high(end)
        layers = [(w_plus**2 + w_minus**2, root + a1 - a2), (v_plus**2 + v_minus**2, root - a1 + a2)]
        sizes = [mp.sqrt(truth) for _, truth in layers]
    for (found, truth), size in zip(layers, sizes, strict=True):
        assert_close(found, truth, 1e-14, size * max(sizes))


@given(beta=magnitudes, alpha=positives, gamma=positives, factor=positives)
@example(beta=1e3, alpha=1e-6, gamma=1e-6, factor=1e-6)
def test_finetuning_is_pretraining_rescaling_and_reset(beta, alpha, gamma, factor):
    """The composition cancels where pathways are nearly alike: its terms are at most 4 alpha^2/|beta| = 4e8 times beta0."""
    closed = exact.finetuning([beta], alpha, gamma, factor)
    start = exact.reset(exact.rescaled(exact.pretraining([beta], alpha), factor), gamma)
    composed = exact.scale_and_start(start)
    np.testing.assert_allclose(closed.k, composed.k, rtol=1e-12)
    size = gamma * (np.abs(start.w_plus) + np.abs(start.w_minus))
    np.testing.assert_allclose(closed.beta0, composed.beta0, rtol=0, atol=1e-14 * float(size[0]))


@given(beta=magnitudes, alpha=positives, gamma=positives, factor=positives)
@example(beta=1e-6, alpha=10.0, gamma=1.0, factor=1.0)  # the printed difference of roots keeps one digit here
def test_finetuning_closed_form_does_not_cancel(beta, alpha, gamma, factor):
    k, beta0 = exact.finetuning([beta], alpha, gamma, factor)
    with mp.workdps(DIGITS):
        b, a, g, c = (mp.mpf(value) for value in (beta, alpha, gamma, factor))
        root = mp.sqrt(b**2 + 4 * a**4)
        scale = mp.sqrt((c**2 * b / 2) ** 2 + (c**2 * a**2 + g**2) ** 2)
        start = c * g * (mp.sqrt((root + b) / 2) - mp.sqrt((root - b) / 2))
    assert_close(k[0], scale, 1e-14)
    assert_close(beta0[0], start, 1e-14)


def test_finetuning_defaults_to_no_rescaling():
    plain, unit = exact.finetuning([0.3, -2.0], 0.1, 0.2), exact.finetuning([0.3, -2.0], 0.1, 0.2, 1.0)
    assert (plain.k == unit.k).all()
    assert (plain.beta0 == unit.beta0).all()


def test_printed_corollary1_is_eq3():
    k, beta0 = exact.printed_corollary1([0.5, -2.0, 0.0], 1e-3)
    np.testing.assert_array_equal(k, [0.5 + 1e-6, 2 + 1e-6, 1e-6])
    assert not beta0.any()


def probed_task(generator, rows, inputs, rank):
    """X of this rank, its other singular values within a factor 4, dependent rows as float64 has them, and any targets."""
    left, right = (np.linalg.qr(generator.standard_normal((size, rank)))[0] for size in (rows, inputs))
    return left * generator.uniform(0.5, 2, rank) @ right.T, generator.standard_normal(rows)


@given(seed=st.integers(0, 2**32 - 1), rows=st.integers(1, 8), inputs=st.integers(1, 8), rank=st.integers(1, 8))
def test_probing_ends_where_gradient_descent_on_the_second_layer_does(seed, rows, inputs, rank):
    """Brute force: the limit of the flow in v is v(0) plus the pseudo-inverse of the features' matrix times the residual.

    First layers are within a factor 10: beyond round-off the features' condition number is at most 40.
    """
    generator = np.random.default_rng(np.random.SeedSequence([seed, rows, inputs]))
    weights = Weights.unstacked(generator.uniform(0.2, 2, (4, inputs)) * generator.choice([-1, 1], (4, inputs)))
    X, y = probed_task(generator, rows, inputs, min(rank, rows, inputs))
    features = np.hstack([X * weights.w_plus, -X * weights.w_minus])
    readout = np.concatenate([weights.v_plus, weights.v_minus])
    readout = readout + np.linalg.pinv(features, rcond=1e-8) @ (y - features @ readout)
    brute = weights.w_plus * readout[:inputs] - weights.w_minus * readout[inputs:]
    np.testing.assert_allclose(exact.probing(weights, X, y), brute, rtol=0, atol=40e-14 * (1 + np.abs(brute).max()))


def test_probing_from_constant_features_is_the_least_norm_interpolator():
    generator = np.random.default_rng(np.random.SeedSequence(3))
    X, y = generator.standard_normal((4, 9)), generator.standard_normal(4)
    np.testing.assert_allclose(exact.probing(Weights.constant(9, 0.7), X, y), np.linalg.pinv(X) @ y, rtol=1e-12)


def test_probing_by_plain_descent_in_small():
    """The slowest oracle: explicit gradient descent in v alone, to convergence."""
    weights = Weights.of(3, [1.0, 0.5, 2.0], [0.3, 1.0, 0.1], 0.2, -0.1)
    X, y = np.array([[1.0, 2.0, -1.0], [0.5, 0.0, 1.0]]), np.array([1.0, -2.0])
    v_plus, v_minus = weights.v_plus.copy(), weights.v_minus.copy()
    for _ in range(4000):
        map_gradient = X.T @ (X @ (weights.w_plus * v_plus - weights.w_minus * v_minus) - y)
        v_plus, v_minus = v_plus - 0.05 * map_gradient * weights.w_plus, v_minus + 0.05 * map_gradient * weights.w_minus
    beta = weights.w_plus * v_plus - weights.w_minus * v_minus
    np.testing.assert_allclose(exact.probing(weights, X, y), beta, rtol=1e-10)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: exact.pretraining([1.0], 0.0), "alpha"),
        (lambda: exact.pretraining([1.0], 1.0, -1.0), "second_layer"),
        (lambda: exact.pretraining([np.nan], 1.0), "beta_aux is NaN"),
        (lambda: exact.finetuning([1.0], -1e-3, 1e-3), "alpha"),
        (lambda: exact.finetuning([1.0], 1e-3, np.inf), "gamma"),
        (lambda: exact.finetuning([1.0], 1e-3, 1e-3, 0.0), "rescale"),
        (lambda: exact.finetuning(["a"], 1e-3, 1e-3), "beta_aux"),
        (lambda: exact.printed_corollary1([1.0], 0.0), "gamma"),
        (lambda: exact.rescaled(Weights.constant(2, 1.0), -1.0), "rescale"),
        (lambda: exact.reset(Weights.constant(2, 1.0), 0.0), "gamma"),
        (lambda: exact.weights_on_flow(Weights.of(2, [1, 0], [1, 0], [1, 0], 0), [1.0, 1.0]), "coordinate 1"),
        (lambda: exact.probing(Weights.constant(2, 1.0), np.ones((2, 3)), np.ones(2)), "3 columns"),
        (lambda: exact.probing(Weights.constant(3, 1.0), np.ones((2, 3)), np.ones(3)), "y has shape"),
        (lambda: Weights.of(3, [1.0, 2.0], 1, 1, 1), "w_plus"),
    ],
)
def test_wrong_inputs_are_named(call, message):
    with pytest.raises(InputError, match=message):
        call()
