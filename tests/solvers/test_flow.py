"""The flow ends where the theory says: on drawn problems, its endpoint is the certified minimiser's."""

import numpy as np
import pytest
from drawn import examples, trainings
from hypothesis import given

from normtheory.arrays import InputError
from normtheory.exact import pretraining, reset, scale_and_start, weights_on_flow
from normtheory.networks import DiagonalNetwork, Weights
from normtheory.tasks import Task
from solvers.flow import FlowError, default_loss, gradient_flow
from solvers.newton import minimize

RTOL = 1e-7
# Budget for |beta_flow - beta_exact| / |beta_exact|: the integrator's accumulated error (up to 20 rtol on smooth problems, see
# test_chebyshev), amplified by the growth of s over the run, which the drawn scales (down to 1e-4) keep within a factor 10;
# the finite training loss leaves at most rtol/10 times the condition of X, which is part of the same factor.
BUDGET = 200 * RTOL

network = DiagonalNetwork()


def follow(X, y, weights, **options):
    return gradient_flow(network, Task(X, y), weights, rtol=RTOL, **options)


@examples(60)
@given(trainings())
def test_endpoint_is_the_minimiser(training):
    """Any initialisation: scale and start from the weights, minimiser by Newton, endpoint by integration."""
    X, y, weights = training
    run = follow(X, y, weights)
    k, beta0 = scale_and_start(weights)
    exact = minimize(X, y, k, beta0).beta
    size = max(np.linalg.norm(exact), np.linalg.norm(beta0))
    assert np.linalg.norm(run.beta - exact) <= BUDGET * size


@examples(40)
@given(trainings())
def test_weights_stay_on_the_closed_form_orbit(training):
    X, y, weights = training
    run = follow(X, y, weights)
    assert run.conservation_error <= 1e-3 * np.sqrt(RTOL / 1e-7)
    on_orbit = weights_on_flow(weights, run.beta).stacked()
    size = np.sqrt((on_orbit**2).sum(axis=0))
    assert np.max(np.abs(run.weights.stacked() - on_orbit) / size) <= 1e-3


def test_the_drift_falls_with_the_tolerance():
    """Conservation is not built into the method: the drift is an honest error measure, and goes to zero with rtol."""
    draw = np.random.default_rng(0)
    X = draw.normal(size=(6, 20))
    task, weights = Task(X, X @ draw.normal(size=20)), Weights.constant(20, 1e-2)
    drifts = [gradient_flow(network, task, weights, rtol=rtol).conservation_error for rtol in (1e-5, 1e-7, 1e-9)]
    assert drifts[0] > drifts[1] > drifts[2] > 0
    assert drifts[2] <= 1e-3 * drifts[0]


def test_losses_fall_to_the_target_and_time_goes_on():
    draw = np.random.default_rng(1)
    X = draw.normal(size=(5, 12))
    task, weights = Task(X, X @ draw.normal(size=12)), Weights.constant(12, 0.1)
    run = gradient_flow(network, task, weights, loss=1e-6)
    assert run.losses[-1] <= 1e-6 < run.losses[-2]
    assert (np.diff(run.losses) < 0).all()
    assert (np.diff(run.times) > 0).all()
    assert run.times[0] == 0
    np.testing.assert_allclose(run.losses[0], np.mean(task.y**2), rtol=1e-2)
    assert run.gradient_evaluations == run.statistics.evaluations > len(run.times)


def test_more_samples_than_inputs_use_the_same_gradient():
    """With n > D products with X^T X replace those with X: the same flow, the same endpoint."""
    draw = np.random.default_rng(2)
    X, teacher = draw.normal(size=(40, 10)), draw.normal(size=10)
    run = follow(X, X @ teacher, Weights.constant(10, 0.1))
    np.testing.assert_allclose(run.beta, teacher, atol=BUDGET)


def test_training_time_is_that_of_the_mean_squared_error():
    """One input, balanced large weights: beta' = -2 (beta - y)(w^2 + v^2), integrated by separation of variables."""
    weights = Weights.of(1, 2.0, 0.0, 2.0, 0.0)
    run = gradient_flow(network, Task([[1.0]], [5.0]), weights, rtol=1e-9, loss=1e-4)
    beta = run.beta[0]
    # beta' = -4 beta (beta - 5) for w_- = v_- = 0 and w = v.
    time = np.log((beta / (5 - beta)) / (4 / (5 - 4))) / 20
    assert abs(run.times[-1] - time) <= 1e-6 * time


def test_an_unreachable_loss_is_an_error():
    task = Task([[1.0, 2.0], [1.0, 2.0]], [0.0, 1.0])
    with pytest.raises(FlowError, match="came to rest") as raised:
        gradient_flow(network, task, Weights.constant(2, 0.1))
    assert abs(raised.value.loss - 0.25) <= 1e-6


def test_spent_gradients_are_an_error():
    with pytest.raises(FlowError, match="gradients spent"):
        gradient_flow(network, Task([[1.0, 2.0]], [1.0]), Weights.constant(2, 1e-3), most_evaluations=50)


def test_default_loss_scales_with_the_task():
    task, weights = Task([[1.0, 1.0]], [3.0]), reset(pretraining([0.0, 0.0], 1e-3), 1e-3)
    assert default_loss(task, weights, 1e-6) == pytest.approx(9e-14)
    assert default_loss(Task([[1.0, 1.0]], [0.0]), Weights.constant(2, 1.0), 1e-6) == 0.0


@pytest.mark.parametrize(
    ("weights", "options", "message"),
    [
        (Weights.constant(3, 1.0), {}, "2 columns"),
        (Weights.constant(2, 0.0), {}, "all weights are 0"),
        (Weights.constant(2, 1.0), {"loss": -1.0}, "loss = -1"),
        (Weights.constant(2, 1.0), {"rtol": np.nan}, "rtol = nan"),
    ],
)
def test_bad_input_is_named(weights, options, message):
    with pytest.raises(InputError, match=message):
        gradient_flow(network, Task([[1.0, 2.0]], [1.0]), weights, **options)


def test_progress_is_reported():
    seen = []
    follow([[1.0, 2.0]], [1.0], Weights.constant(2, 0.1), progress=lambda *what: seen.append(what))
    times, losses, evaluations = zip(*seen, strict=True)
    assert list(times) == sorted(times)
    assert losses[-1] < losses[0]
    assert list(evaluations) == sorted(evaluations)
