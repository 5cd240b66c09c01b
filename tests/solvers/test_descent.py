"""Descent as the papers run it: against steps taken by hand, against the flow, and its stop, back-off and record rules."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="descent needs torch: pip install 'normtheory[nn]'")

from dataclasses import replace

from normtheory.arrays import InputError
from normtheory.networks import ReLUWeights, Weights
from normtheory.solvers.descent import DIAGONAL, RELU, RELU_PRETRAINING, descend
from normtheory.solvers.flow import gradient_flow
from normtheory.solvers.trajectory import FlowError
from normtheory.tasks import Task


def tasks(count, inputs=6, samples=4, seed=0):
    draw = np.random.default_rng(seed)
    return [Task(draw.normal(size=(samples + o, inputs)), draw.normal(size=samples + o)) for o in range(count)]


@pytest.mark.parametrize("outputs", [1, 2])
@pytest.mark.parametrize("start", [lambda o: Weights.constant(6, 0.3, outputs=o), lambda o: ReLUWeights.random(6, 9, 0.7, o)])
def test_full_batch_steps_are_those_of_the_hand_written_gradient(outputs, start):
    """Autograd and the networks' own gradients: 30 steps at the same rate end at the same weights."""
    data, weights = tasks(outputs), start(outputs)
    run = descend(data, weights, replace(DIAGONAL, epochs=30, rate=0.01))
    shares = [t.samples / sum(t.samples for t in data) for t in data]
    slope, state = weights.network.least_squares(data, shares).slope, weights.stacked()
    for _ in range(30):
        state = state + 0.01 * slope(state)
    np.testing.assert_allclose(run.weights.stacked(), state, atol=1e-12)
    assert run.epochs == run.steps == 30
    assert not run.reached


def test_small_steps_follow_the_flow():
    data, weights = tasks(1), Weights.constant(6, 0.3)
    distances = []
    for rate in (0.02, 0.01):
        run = descend(data, weights, replace(DIAGONAL, rate=rate, stop=1e-9))
        flow = gradient_flow(weights.network, data, weights, loss=1e-12).weights
        assert run.reached
        distances.append(np.linalg.norm(run.weights.stacked() - flow.stacked()))
    assert 0.3 < distances[1] / distances[0] < 0.7  # first order in the learning rate


def test_minibatches_cover_every_sample_once_an_epoch():
    """With a single weight-linear output at tiny rate, an epoch of batches adds up to the full gradient, whatever the order."""
    data, weights = tasks(1, samples=10), ReLUWeights.random(6, 9, 0.7)
    run = descend(data, weights, replace(RELU, batch=2, epochs=1, rate=1e-6))
    full = weights.network.least_squares(data, [1.0]).slope(weights.stacked())
    np.testing.assert_allclose((run.weights.stacked() - weights.stacked()) / 5e-6, full, atol=1e-3 * np.abs(full).max())
    assert run.steps == 5


def test_batches_of_two_tasks_weigh_each_by_its_share():
    data, weights = tasks(2, samples=20), ReLUWeights.random(6, 9, 0.7, 2)
    moves = []
    for shares in ((0.9, 0.1), (0.1, 0.9)):
        run = descend(data, weights, replace(RELU, batch=8, epochs=1, rate=1e-6), task_weights=shares)
        moves.append(run.weights.readout - weights.readout)
    assert np.linalg.norm(moves[0][0]) == pytest.approx(9 * np.linalg.norm(moves[1][0]), rel=1e-3)
    assert np.linalg.norm(moves[1][1]) == pytest.approx(9 * np.linalg.norm(moves[0][1]), rel=1e-3)


def test_a_rate_that_diverges_is_divided_by_ten_from_the_same_start():
    data, weights = tasks(1), Weights.constant(6, 0.3)
    fast = descend(data, weights, replace(DIAGONAL, rate=5.0, epochs=200))
    slow = descend(data, weights, replace(DIAGONAL, rate=fast.rate, epochs=200))
    assert fast.rate < 5.0
    np.testing.assert_array_equal(fast.weights.stacked(), slow.weights.stacked())
    with pytest.raises(FlowError, match="diverges"):
        descend([Task(1e30 * data[0].X, data[0].y)], weights, DIAGONAL)


def test_records_and_the_best_epoch():
    data, weights = tasks(1, samples=3), Weights.constant(6, 0.3)
    test = Task(*(getattr(tasks(1, samples=50, seed=9)[0], name) for name in ("X", "y")))
    run = descend(data, weights, replace(DIAGONAL, epochs=120, rate=0.01, stop=1e-30), test=test)
    assert run.recorded.tolist() == [0, 50, 100, 119]
    end = run.weights.network.output(run.weights, test.X)
    assert run.final_test_loss == pytest.approx(np.mean((end - test.y) ** 2))
    assert run.best_test_loss == run.test_losses.min() <= run.final_test_loss


def test_it_stops_at_the_training_loss():
    data = tasks(1, samples=3)
    run = descend(data, ReLUWeights.random(6, 20, 1.0), replace(RELU_PRETRAINING, stop=1e-3, rate=0.01))
    assert run.reached
    assert run.training_loss < 1e-3


def test_tasks_and_outputs_must_match():
    with pytest.raises(InputError, match="2 tasks for 1 outputs"):
        descend(tasks(2), Weights.constant(6, 0.3), DIAGONAL)
