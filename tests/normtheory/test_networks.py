"""Every network of the paper: gradients against finite differences and autograd, Jacobians, and what the flow conserves."""

import numpy as np
import pytest
from drawn import examples
from hypothesis import given
from hypothesis import strategies as st

from normtheory.arrays import InputError
from normtheory.networks import (
    DiagonalNetwork,
    ReLUNetwork,
    ReLUWeights,
    Weights,
    effective_map,
    random_readout,
    weight_gradient,
)
from normtheory.tasks import Task

SHARES = (0.3, 1.7, 1.0)


def draw_network(kind, outputs, seed, inputs=5, samples=4):
    """A network, tasks for its outputs, and random weights."""
    draw = np.random.default_rng(seed)
    tasks = [Task(draw.normal(size=(samples + o, inputs)), draw.normal(size=samples + o)) for o in range(outputs)]
    if kind == "relu":
        return ReLUNetwork(outputs), tasks, ReLUWeights(draw.normal(size=(7, inputs)), draw.normal(size=(outputs, 7)))
    state = draw.normal(size=(2 + 2 * outputs, inputs))
    return DiagonalNetwork(outputs), tasks, Weights.unstacked(state)


networks = st.builds(
    draw_network, st.sampled_from(["diagonal", "relu"]), st.integers(1, 3), st.integers(0, 2**32 - 1), samples=st.integers(2, 8)
)


def away_from_kinks(weights, tasks, margin=1e-4):
    """Finite differences need every unit to keep its sign; a drawn problem that has a unit at a kink is moved off it."""
    if isinstance(weights, Weights):
        return tasks
    return [Task(t.X + margin * np.sign(t.X) * (np.abs(t.X @ weights.hidden.T).min() < margin), t.y) for t in tasks]


def central_difference(function, state, step=1e-6):
    gradient = np.empty_like(state)
    for index in np.ndindex(state.shape):
        ahead, behind = state.copy(), state.copy()
        ahead[index] += step
        behind[index] -= step
        gradient[index] = (function(ahead) - function(behind)) / (2 * step)
    return gradient


@examples(30)
@given(networks)
def test_slope_is_minus_the_gradient_of_the_loss(drawn):
    network, tasks, weights = drawn
    tasks = away_from_kinks(weights, tasks)
    objective, state = network.least_squares(tasks, SHARES[: network.outputs]), weights.stacked()
    numeric = central_difference(objective.loss, state)
    np.testing.assert_allclose(objective.slope(state), -numeric, atol=1e-6 * max(1.0, np.abs(numeric).max()))


@examples(30)
@given(networks)
def test_loss_is_the_weighted_sum_of_mean_squared_errors(drawn):
    network, tasks, weights = drawn
    shares = SHARES[: network.outputs]
    errors = [np.mean((network.output(weights, t.X, o) - t.y) ** 2) for o, t in enumerate(tasks)]
    np.testing.assert_allclose(network.least_squares(tasks, shares).loss(weights.stacked()), np.dot(shares, errors), rtol=1e-12)


@examples(30)
@given(networks)
def test_the_slope_is_the_jacobian_s_pull(drawn):
    """The gradient of the loss is J^T (2 share/n residual): two routes by hand that share no line."""
    network, tasks, weights = drawn
    shares = SHARES[: network.outputs]
    pull = sum(
        network.jacobian(weights, t.X, o).T @ (2 * share / t.samples * (network.output(weights, t.X, o) - t.y))
        for o, (t, share) in enumerate(zip(tasks, shares, strict=True))
    )
    slope = network.least_squares(tasks, shares).slope(weights.stacked())
    np.testing.assert_allclose(slope.ravel(), -pull, atol=1e-12 * max(1.0, np.abs(pull).max()))


@examples(30)
@given(networks)
def test_the_slope_conserves(drawn):
    """All conserved quantities are quadratic forms q, so that q(s + v) - q(s - v) is twice the rate of q along v: zero."""
    network, tasks, weights = drawn
    state = weights.stacked()
    velocity = network.least_squares(tasks, SHARES[: network.outputs]).slope(state)
    ahead, behind = (network.conserved(network.unstacked(state + sign * velocity)) for sign in (1, -1))
    scale = np.abs(state).max() * np.abs(velocity).max() * state.size + np.abs(velocity).max() ** 2
    assert len(ahead) == {("DiagonalNetwork", True): 4, ("DiagonalNetwork", False): 3}.get(
        (type(network).__name__, network.outputs == 1), 1
    )
    for name in ahead:
        assert np.abs(ahead[name] - behind[name]).max() <= 1e-12 * scale
    moved = network.energy(network.unstacked(state + velocity)) - network.energy(network.unstacked(state - velocity))
    assert np.abs(moved).max() > 1e-9 * scale  # the test tells what is conserved from what is not


@pytest.mark.parametrize("kind", ["diagonal", "relu"])
@pytest.mark.parametrize("outputs", [1, 2])
def test_autograd_agrees(kind, outputs):
    torch = pytest.importorskip("torch")
    network, tasks, weights = draw_network(kind, outputs, seed=3)
    named = {name: torch.tensor(np.atleast_2d(array), requires_grad=True) for name, array in weights.named().items()}

    def output(X, o):
        X = torch.tensor(X)
        if kind == "relu":
            return torch.relu(X @ named["hidden"].T) @ named["readout"][o]
        plus = (X * named["w_plus"][0]) @ named["v_plus"][o]
        return plus - (X * named["w_minus"][0]) @ named["v_minus"][o]

    errors = [((output(t.X, o) - torch.tensor(t.y)) ** 2).mean() for o, t in enumerate(tasks)]
    sum(s * e for s, e in zip(SHARES, errors, strict=False)).backward()
    slope = network.unstacked(network.least_squares(tasks, SHARES[:outputs]).slope(weights.stacked()))
    for name, array in slope.named().items():
        np.testing.assert_allclose(np.atleast_2d(array), -named[name].grad.numpy(), atol=1e-12)


def test_more_samples_than_inputs_use_the_gram_matrix_and_the_same_slope():
    _, tasks, weights = draw_network("diagonal", 2, seed=5, samples=40)
    few = [Task(t.X[:5], t.y[:5]) for t in tasks]
    many = [Task(np.tile(t.X, (4, 1)), np.tile(t.y, 4)) for t in few]  # the same mean squared error from 20 samples
    slopes = [DiagonalNetwork(2).least_squares(each, (1.0, 2.0)).slope(weights.stacked()) for each in (few, many)]
    np.testing.assert_allclose(slopes[0], slopes[1], rtol=1e-12)


@pytest.mark.parametrize("outputs", [1, 2, 3])
def test_weights_survive_stacking(outputs):
    _, _, weights = draw_network("diagonal", outputs, seed=1)
    again = Weights.unstacked(weights.stacked())
    assert again.outputs == outputs
    assert again.v_plus.shape == ((5,) if outputs == 1 else (outputs, 5))
    for name, array in weights.named().items():
        np.testing.assert_array_equal(again.named()[name], array)
    network, _, relu = draw_network("relu", outputs, seed=1)
    for name, array in relu.named().items():
        np.testing.assert_array_equal(network.unstacked(relu.stacked()).named()[name], array)


def test_two_outputs_share_the_first_layer():
    weights = Weights.of(2, [1, 2], [3, 4], [[1, 0], [0, 1]], 0.5, outputs=2)
    np.testing.assert_array_equal(weights.network.effective_map(weights), [[1 - 1.5, -2], [-1.5, 2 - 2]])
    np.testing.assert_array_equal(effective_map(weights.stacked()), weights.network.effective_map(weights))
    gradient = weight_gradient(weights.stacked(), np.array([[1.0, 0], [2.0, 3.0]]))
    np.testing.assert_array_equal(gradient[0], [1 * 1 + 2 * 0, 0 + 3 * 1])
    np.testing.assert_array_equal(gradient[2:4], [[1, 0], [2, 6]])


def test_random_relu_weights_have_their_scales():
    weights = ReLUWeights.random(15, 4000, 1e-3, outputs=2, seed=4)
    assert weights.hidden.std() == pytest.approx(1e-3 * np.sqrt(2 / 15), rel=0.02)
    assert weights.readout.std() == pytest.approx(1e-3 * np.sqrt(2 / 4000), rel=0.05)
    np.testing.assert_array_equal(ReLUWeights.random(15, 4000, 1e-3, 2, 4).hidden, weights.hidden)
    assert not np.array_equal(random_readout(10, 1.0, seed=0), random_readout(10, 1.0, seed=1))


def test_readout_is_the_second_layer():
    for kind in ("diagonal", "relu"):
        network, tasks, weights = draw_network(kind, 2, seed=2)
        change = network.readout(weights) * 0.1
        moved = network.unstacked(weights.stacked() + change)
        first = ("hidden",) if kind == "relu" else ("w_plus", "w_minus")
        for name, array in weights.named().items():
            assert np.array_equal(moved.named()[name], array) == (name in first)
        jacobian = network.jacobian(weights, tasks[0].X, 0)
        linear = network.output(weights, tasks[0].X) + jacobian @ change.ravel()
        np.testing.assert_allclose(network.output(moved, tasks[0].X), linear, rtol=1e-12)  # linear in the readout


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Weights.of(3, 1, 1, np.ones((3, 3)), 1, outputs=2), r"v_plus has shape \(3, 3\)"),
        (lambda: DiagonalNetwork(1).effective_map(Weights.constant(3, 1.0, outputs=2)), "2 outputs"),
        (lambda: ReLUWeights.of(np.ones((4, 2)), np.ones((1, 3))), "readout has 3 columns"),
        (lambda: ReLUWeights.random(3, 4, -1.0), "scale"),
    ],
)
def test_bad_weights_are_named(make, message):
    with pytest.raises(InputError, match=message):
        make()
