"""The flow ends where the theory says: on drawn problems, its endpoint is the certified minimiser's."""

import numpy as np
import pytest
from drawn import examples, trainings
from hypothesis import given
from scipy.integrate import solve_ivp

from normtheory.arrays import InputError
from normtheory.exact import pretraining, reset, scale_and_start, weights_on_flow
from normtheory.networks import DiagonalNetwork, ReLUNetwork, ReLUWeights, Weights
from normtheory.solvers.flow import default_loss, gradient_flow, gradient_flows, pooled_weights
from normtheory.solvers.newton import minimize
from normtheory.solvers.trajectory import FlowError, FlowState
from normtheory.tasks import Task, teacher_student

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


def test_rest_far_above_the_loss_is_an_error_even_at_speed_zero():
    """The least-squares predictor is 0, where symmetric weights are at rest exactly."""
    task = Task([[1.0], [1.0]], [1.0, -1.0])
    for loss in (None, 1e-6):
        with pytest.raises(FlowError, match="came to rest"):
            gradient_flow(network, task, Weights.constant(1, 0.1), loss=loss)


@pytest.mark.parametrize("options", [{"rtol": 10.0}, {"rtol": 1e-17}, {"loss": 1e6}])
def test_tolerances_that_ask_for_nothing_are_refused(options):
    with pytest.raises(InputError, match=next(iter(options))):
        gradient_flow(network, Task([[1.0, 2.0]], [1.0]), Weights.constant(2, 0.1), **options)


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


# several outputs, ReLU units


def two_tasks(seed=1, inputs=60):
    tasks = teacher_student(16, 6, features=6, features_aux=6, inputs=inputs, samples_aux=40, seed=seed)
    return [tasks.main, tasks.aux]


def by_lsoda(network, tasks, shares, start, time):
    slope, shape = network.least_squares(tasks, shares).slope, start.stacked().shape
    options = {"method": "LSODA", "rtol": 1e-11, "atol": 1e-14}
    end = solve_ivp(lambda _, y: slope(y.reshape(shape)).ravel(), (0, time), start.stacked().ravel(), **options)
    return network.unstacked(end.y[:, -1].reshape(shape))


@pytest.mark.parametrize("shares", [None, (1.0, 1.0)])
def test_multi_task_flow_agrees_with_lsoda(shares):
    """60 inputs, two tasks, rtol 1e-7: predictors within 1e-6 (relative) of an integration by another code."""
    tasks, weights = two_tasks(), Weights.constant(60, 1e-2, outputs=2)
    run = gradient_flow(DiagonalNetwork(2), tasks, weights, rtol=1e-7, task_weights=shares)
    reference = by_lsoda(DiagonalNetwork(2), tasks, shares or pooled_weights(tasks), weights, run.times[-1])
    beta = DiagonalNetwork(2).effective_map(reference)
    assert np.linalg.norm(run.beta - beta) <= 1e-6 * np.linalg.norm(beta)
    assert run.conservation_error <= 1e-4
    assert run.event == "loss"


def test_pooled_weights_are_the_shares_of_samples():
    tasks = two_tasks()
    assert pooled_weights(tasks) == (16 / 56, 40 / 56)
    flows = [
        gradient_flow(DiagonalNetwork(2), tasks, Weights.constant(60, 0.1, outputs=2), rtol=1e-5, loss=1e-6, task_weights=w)
        for w in (None, (16 / 56, 40 / 56), (0.5, 0.5))
    ]
    np.testing.assert_array_equal(flows[0].beta, flows[1].beta)
    assert np.linalg.norm(flows[0].beta - flows[2].beta) > 1e-2


def test_a_relu_flow_falls_to_its_loss_and_conserves():
    draw = np.random.default_rng(0)
    X = draw.normal(size=(40, 4))
    task = Task(X, np.maximum(X @ [1.0, 0.5, 0, -1], 0))
    weights = ReLUWeights.random(4, 30, 0.1)
    run = gradient_flow(ReLUNetwork(), task, weights, rtol=1e-3, loss=1e-4)
    output = ReLUNetwork().output(run.weights, X)
    assert np.mean((output - task.y) ** 2) == pytest.approx(run.losses[-1])
    assert run.losses[-1] <= 1e-4
    drifts = [run.conservation_error, gradient_flow(ReLUNetwork(), task, weights, rtol=1e-5, loss=1e-4).conservation_error]
    assert drifts[1] < drifts[0] / 3  # at a kink every method is of first order: the drift falls, if slowly
    assert drifts[0] < 1e-2
    with pytest.raises(InputError, match="no linear predictor"):
        _ = run.beta


def test_weight_decay_decays_what_is_conserved():
    """d/dt (w^2 - v^2) = -4 decay (w^2 - v^2): the drift is measured from there, and the end is a stationary point."""
    tasks, decay = two_tasks(), 1e-2
    weights = Weights.of(60, 0.3, 0.2, 0.1, 0.15, outputs=2)
    run = gradient_flow(DiagonalNetwork(2), tasks, weights, rtol=1e-6, decay=decay)
    assert run.event == "rest"
    assert run.conservation_error <= 1e-4
    state = run.weights.stacked()
    slope = DiagonalNetwork(2).least_squares(tasks, pooled_weights(tasks)).slope(state)
    assert np.linalg.norm(slope - 2 * decay * state) <= 1e-6 * decay * np.linalg.norm(state)
    assert run.losses[-1] > 1e-6  # the decay costs some of the fit
    short = gradient_flow(DiagonalNetwork(2), tasks, weights, rtol=1e-6, decay=decay, time=5.0)
    first = "w_plus^2 - |v_plus|^2"
    before, after = (DiagonalNetwork(2).conserved(w)[first] for w in (weights, short.weights))
    np.testing.assert_allclose(after, before * np.exp(-4 * decay * 5.0), rtol=1e-3)


def test_the_readout_alone_can_be_trained():
    tasks, weights = two_tasks(), Weights.constant(60, 0.5, outputs=2)
    run = gradient_flow(DiagonalNetwork(2), tasks, weights, rtol=1e-6, layers="readout")
    np.testing.assert_array_equal(run.weights.w_plus, weights.w_plus)
    np.testing.assert_array_equal(run.weights.w_minus, weights.w_minus)
    for task, beta in zip(tasks, run.beta, strict=True):
        least = np.linalg.pinv(task.X) @ task.y  # equal frozen weights: the l2 minimiser
        assert np.linalg.norm(beta - least) <= 1e-5 * np.linalg.norm(least)


# events, snapshots, restart


def test_it_ends_at_a_time_or_at_rest():
    task, weights = Task([[1.0]], [5.0]), Weights.of(1, 2.0, 0.0, 2.0, 0.0)
    timed = gradient_flow(network, task, weights, rtol=1e-9, time=0.02)
    assert (timed.event, timed.times[-1]) == ("time", 0.02)
    beta = timed.beta[0]
    assert np.log((beta / (5 - beta)) / 4) / 20 == pytest.approx(0.02, rel=1e-6)  # as above
    rested = gradient_flow(network, task, weights, rtol=1e-9, rest=1e-6)
    assert rested.event == "rest"
    speed = np.linalg.norm(network.least_squares([task], [1.0]).slope(rested.weights.stacked()))
    assert speed <= 1e-6 * np.linalg.norm(rested.weights.stacked())


def test_snapshots_lie_on_the_flow():
    task, weights, times = Task([[1.0]], [5.0]), Weights.of(1, 2.0, 0.0, 2.0, 0.0), [0.01, 0.03, 0.005, 1e9]
    run = gradient_flow(network, task, weights, rtol=1e-9, at=times)
    betas = [float(network.effective_map(snapshot)[0]) for snapshot in run.snapshots]
    exact = [5 / (1 + np.exp(-20 * t) / 4) for t in sorted(times)[:3]]
    np.testing.assert_allclose(betas, exact, rtol=1e-7)


@pytest.mark.parametrize("kind", ["diagonal", "relu"])
def test_an_interrupted_flow_resumes_bit_for_bit(kind):
    """Through the arrays of a file, after any step."""
    tasks = two_tasks(inputs=20)
    weights = Weights.constant(20, 0.1, outputs=2) if kind == "diagonal" else ReLUWeights.random(20, 15, 0.3, 2)
    options = {"rtol": 1e-4, "loss": 1e-5}
    states = []
    whole = gradient_flow(weights.network, tasks, weights, **options, on_step=lambda save: states.append(save()))
    for state in states[:: len(states) // 3]:
        kept = FlowState.of({name: np.asarray(value) for name, value in state.arrays().items()})
        again = gradient_flow(weights.network, tasks, weights, **options, resume=kept)
        np.testing.assert_array_equal(again.weights.stacked(), whole.weights.stacked())
        np.testing.assert_array_equal(again.times, whole.times)
        np.testing.assert_array_equal(again.losses, whole.losses)
        assert again.statistics == whole.statistics
    with pytest.raises(InputError, match="no array state"):
        FlowState.of({name: np.asarray(value) for name, value in state.arrays().items() if name != "state"})
    with pytest.raises(InputError, match="before the resumed flow"):
        gradient_flow(weights.network, tasks, weights, **options, resume=states[-1], at=[0.0])


def test_many_runs_in_one_integration_end_where_each_does():
    tasks = [two_tasks(seed, inputs=24) for seed in range(3)]
    weights = [Weights.constant(24, 10.0**-k, outputs=2) for k in (1, 2, 1)]
    for run, each, start in zip(gradient_flows(tasks, weights, rtol=1e-6), tasks, weights, strict=True):
        alone = gradient_flow(DiagonalNetwork(2), each, start, rtol=1e-6)
        assert np.linalg.norm(run.beta - alone.beta) <= 200 * 1e-6 * np.linalg.norm(alone.beta)
        assert run.losses[-1] <= default_loss(each, start, 1e-6) < run.losses[-2]


def test_a_loss_beyond_float64_is_an_error():
    with pytest.raises(FlowError, match="left the range of float64"), np.errstate(all="ignore"):
        gradient_flow(network, Task([[1e90, 1.0]], [1.0]), Weights.of(2, 1e90, 0, 1e90, 0), loss=1.0)


@pytest.mark.parametrize(
    ("tasks", "weights", "options", "message"),
    [
        (1, Weights.constant(60, 1.0, outputs=2), {}, "the network is"),
        (1, Weights.constant(60, 1.0), {"decay": -1.0}, "decay = -1"),
        (2, Weights.constant(60, 1.0), {}, "2 tasks for 1 outputs"),
        (1, Weights.constant(60, 1.0), {"task_weights": (1.0, 2.0)}, "give 1 positive numbers"),
        (1, Weights.constant(60, 1.0), {"rest": 0.0}, "rest = 0"),
        (1, Weights.constant(60, 1.0), {"atol": -1.0}, "atol = -1"),
    ],
)
def test_bad_options_are_named(tasks, weights, options, message):
    with pytest.raises(InputError, match=message):
        gradient_flow(network, two_tasks()[:tasks], weights, **options)


def test_runs_of_different_shapes_are_refused():
    with pytest.raises(InputError, match="2 different shapes"):
        gradient_flows(
            [two_tasks(inputs=24), two_tasks()], [Weights.constant(24, 1.0, outputs=2), Weights.constant(60, 1.0, outputs=2)]
        )
