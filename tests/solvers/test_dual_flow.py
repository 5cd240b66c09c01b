"""The flow in its dual: the flow of the weights at all times, the minimiser at the end, and out of reach at once."""

import numpy as np
import pytest
from drawn import examples, trainings
from hypothesis import given
from scipy.integrate import solve_ivp

from normtheory import exact
from normtheory.arrays import InputError
from normtheory.networks import DiagonalNetwork, ReLUWeights, Weights
from normtheory.solvers import checkpoints, dual_flow, flow, newton, training
from normtheory.solvers.potentials import DeepDiagonal, HyperbolicEntropy
from normtheory.solvers.trajectory import FlowError
from normtheory.tasks import Task, teacher_student

PAIR = teacher_student(12, 4, features=5, features_aux=5, inputs=40, samples_aux=20)


def apart(one, other):
    return np.linalg.norm(one - other) / np.linalg.norm(other)


@examples(15)
@given(trainings())
def test_the_weights_at_all_times(training_problem):
    """Every snapshot of every weight, from any start, against the integrated weights."""
    X, y, weights = training_problem
    if not y.any():
        return
    task = Task(X, y)
    ours = dual_flow.dual_flow(task, weights, rtol=1e-10)
    at = [share * ours.times[-1] for share in (1e-3, 0.03, 0.3)]
    ours = dual_flow.dual_flow(task, weights, rtol=1e-10, time=at[-1], at=at)
    theirs = flow.gradient_flow(weights.network, task, weights, rtol=1e-10, time=at[-1], at=at)
    assert ours.event == theirs.event == "time"
    for one, other in zip(ours.snapshots, theirs.snapshots, strict=True):
        assert apart(one.stacked(), other.stacked()) <= 1e-7
    assert ours.conservation_error <= 1e-12


def test_to_nine_digits():
    """Against LSODA on the weights at 1e-13, where the escape from a small start has amplified every error."""
    start = training.restarted(exact.pretraining(PAIR.teacher_aux, 1e-2), 1e-2)
    objective = DiagonalNetwork().least_squares([PAIR.main], [1.0])
    at = [0.5, 3.0, 20.0]
    ours = dual_flow.dual_flow(PAIR.main, start, rtol=1e-12, time=20.0, at=at)
    shape = start.stacked().shape
    theirs = solve_ivp(
        lambda _, flat: objective.slope(flat.reshape(shape)).ravel(),
        (0, 20.0),
        start.stacked().ravel(),
        method="LSODA",
        t_eval=at,
        rtol=1e-13,
        atol=1e-16,
    )
    for one, other in zip(ours.snapshots, theirs.y.T, strict=True):
        assert apart(one.stacked().ravel(), other) <= 1e-9


@pytest.mark.parametrize("repeats", [1, 4])
def test_the_endpoint_is_the_minimiser(repeats):
    """Also of dependent samples, and of more samples than inputs, where the flow has fewer unknowns than samples."""
    X, y = np.tile(PAIR.main.X, (repeats, 1)), np.tile(PAIR.main.y, repeats)
    start = training.restarted(exact.pretraining(PAIR.teacher_aux, 1e-3))
    run = dual_flow.dual_flow(Task(X, y), start)
    assert apart(run.beta, newton.minimize(X, y, *exact.scale_and_start(start)).beta) <= 1e-7
    assert run.losses[-1] <= 1e-17
    assert run.gradient_evaluations > 100


def test_a_dead_pathway_stays_dead():
    start = Weights(np.full(40, 0.1), np.zeros(40), np.full(40, 0.1), np.zeros(40))
    task = Task(PAIR.main.X, PAIR.main.X @ np.full(40, 0.3))
    ours = dual_flow.dual_flow(task, start, rtol=1e-9)
    theirs = flow.gradient_flow(start.network, task, start, rtol=1e-9)
    assert not ours.weights.w_minus.any()
    assert apart(ours.beta, theirs.beta) <= 1e-6


def test_deep_networks():
    """beta = w_+^3 - w_-^3 by its own map and rate, against the weights by LSODA."""
    alpha, depth = np.linspace(0.3, 0.5, 40), 3
    potential = DeepDiagonal(alpha, depth)
    rate = depth * (depth - 2) * alpha.max() ** (depth - 2)
    found = dual_flow.separable_flow(PAIR.main, potential.map, rate=rate, target=-1.0, rtol=1e-10, time=0.4)

    def slope(_, flat):
        w = flat.reshape(2, 40)
        gradient = 2 / 12 * PAIR.main.X.T @ (PAIR.main.X @ (w[0] ** 3 - w[1] ** 3) - PAIR.main.y)
        return (np.array([[-1.0], [1.0]]) * 3 * w**2 * gradient).ravel()

    end = solve_ivp(slope, (0, 0.4), np.tile(alpha, 2), method="LSODA", rtol=1e-11, atol=1e-14).y[:, -1].reshape(2, 40)
    assert apart(potential.map(found.x)[0], end[0] ** 3 - end[1] ** 3) <= 1e-7


def test_any_separable_map():
    k = np.full(40, 0.2)
    potential = HyperbolicEntropy(k, np.zeros(40))
    found = dual_flow.separable_flow(PAIR.main, potential.map, rate=dual_flow.RATE, target=1e-16)
    assert apart(potential.map(found.x)[0], newton.minimize(PAIR.main.X, PAIR.main.y, k).beta) <= 1e-6


def test_samples_in_very_different_units():
    """Columns of a thousand and of a thousandth: too stiff for explicit steps, and seconds here."""
    draw = np.random.default_rng(0)
    X = draw.uniform(0.5, 1.5, size=(10, 20)) * 10 ** np.linspace(-3, 3, 20)
    y = X @ (draw.normal(size=20) / np.abs(X).max(axis=0))
    start = Weights.constant(20, 1e-3)
    run = dual_flow.dual_flow(Task(X, y), start, rtol=1e-6)
    assert apart(X @ run.beta, y) <= 1e-6
    assert apart(run.beta, newton.minimize(X, y, *exact.scale_and_start(start)).beta) <= 1e-3


def test_out_of_reach_is_known_at_once():
    task, start = Task(np.ones((3, 2)), np.arange(3.0)), Weights.constant(2, 0.1)
    with pytest.raises(FlowError, match=r"will come to rest at training loss 6\.667e-01") as raised:
        dual_flow.dual_flow(task, start)
    assert raised.value.loss == pytest.approx(2 / 3)
    assert dual_flow.dual_flow(task, start, loss=0.67).losses[-1] <= 0.67
    with pytest.raises(FlowError, match="gradients spent"):
        dual_flow.dual_flow(PAIR.main, Weights.constant(40, 0.1), most_evaluations=50)
    with pytest.raises(FlowError, match="left the range of float64"):
        dual_flow.dual_flow(Task(PAIR.main.X * 1e90, PAIR.main.y), Weights.constant(40, 1e60))


def test_what_it_is_not_for():
    with pytest.raises(InputError, match="needs one output"):
        dual_flow.dual_flow(PAIR.main, Weights.constant(40, 0.1, outputs=2))
    with pytest.raises(InputError, match="all weights are 0"):
        dual_flow.dual_flow(PAIR.main, Weights.constant(40, 0.1).network.unstacked(np.zeros((4, 40))))
    with pytest.raises(InputError, match="is met before training"):
        dual_flow.dual_flow(PAIR.main, Weights.constant(40, 0.1), loss=1e6)
    with pytest.raises(InputError, match="for linear networks with one output"):
        training.single_task(PAIR.main.X, PAIR.main.y, weights=ReLUWeights.random(40, 3, 0.1), route="dual")
    with pytest.raises(InputError, match="keeps no checkpoint"):
        training.single_task(PAIR.main.X, PAIR.main.y, route="dual", checkpoint=checkpoints.Checkpoint())


@pytest.mark.parametrize("route", ["weights", "dual"])
def test_protocols_project_noisy_targets(route):
    """Main and auxiliary task; the flow is that of the targets given, so that the weights' endpoint is the same."""
    draw = np.random.default_rng(0)
    X, X_aux = (draw.normal(size=(30, 6)) @ draw.normal(size=(6, 12)) for _ in range(2))
    y, y_aux = draw.normal(size=(2, 30))
    options = {"alpha": 0.1, "gamma": 0.1, "rtol": 1e-7, "route": route}
    with pytest.raises(InputError, match="y_aux is outside the range of X_aux"):
        training.pretrain_finetune(X, y, X_aux=X_aux, y_aux=y_aux, **options)
    run = training.pretrain_finetune(X, y, X_aux=X_aux, y_aux=y_aux, inconsistent="project", **options)
    assert run.finetuning.moved > 0.5
    assert apart(run.beta, newton.minimize(X, y, *run.scale_and_start(), inconsistent="project").beta) <= 1e-5
    aux = newton.minimize(X_aux, y_aux, 2 * 0.1**2, inconsistent="project").beta
    assert apart(run.beta_aux, aux) <= 1e-5
    rounded = training.single_task(X, (X @ draw.normal(size=12)).astype(np.float32), alpha=0.1, rtol=1e-7, route=route)
    assert 1e-9 < rounded.moved < 1e-6


def test_a_relu_network_is_not_projected():
    draw = np.random.default_rng(0)
    with pytest.raises(InputError, match="for linear networks"):
        training.single_task(
            draw.normal(size=(9, 3)), draw.normal(size=9), weights=ReLUWeights.random(3, 5, 0.1), inconsistent="project"
        )


def test_a_start_that_fits_is_the_end():
    start = Weights.constant(40, 0.1)
    run = dual_flow.dual_flow(Task(PAIR.main.X, np.zeros(12)), start)
    np.testing.assert_array_equal(run.weights.stacked(), start.stacked())
    assert run.event == "loss"
