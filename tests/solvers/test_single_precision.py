"""Gradients with what changes in single precision: as exact as they say, used where that is enough, and only there."""

import dataclasses

import numpy as np
import pytest

from normtheory.networks import DiagonalNetwork, ParametrisedWeights, Weights, predictor_slope
from normtheory.networks.predictor_slope import PredictorSlope
from normtheory.parametrisations import Parametrisation
from normtheory.solvers import flow, runge_kutta
from normtheory.solvers.chebyshev import integrate
from normtheory.tasks import Task, teacher_student

INPUTS, ALPHA = 500, 0.05
PAIR = teacher_student(190, 5, features=10, features_aux=10, inputs=INPUTS, samples_aux=600, seed=3)  # without and with X^T X
BOTH, START = [PAIR.main, PAIR.aux], Weights.constant(INPUTS, ALPHA, outputs=2)
UNIT = float(np.finfo(np.float32).eps)


@pytest.fixture
def draw():
    return np.random.default_rng(8)


@pytest.mark.parametrize("samples", [190, 300, 600])
@pytest.mark.parametrize("units", [1.0, 1e-40, 1e40])
def test_near_a_predictor_the_error_is_relative_to_the_change(draw, samples, units):
    X = units * draw.normal(size=(samples, INPUTS))
    beta, change = draw.normal(size=INPUTS), 1e-9 * draw.normal(size=INPUTS)
    slope = PredictorSlope(Task(X, units * draw.normal(size=samples)), 0.3)
    near = slope.near(beta)
    assert np.array_equal(near(beta), slope(beta))
    exact, moved = slope(beta), 0.6 / samples * (X.T @ (X @ change))
    off = np.linalg.norm(near(beta + change) - (exact - moved))
    assert 0 < off < 2 * UNIT * np.linalg.norm(moved) + 1e-15 * np.linalg.norm(exact)
    assert np.isnan(near(beta * np.nan)).all()


def test_where_the_field_hardly_changes_the_error_is_relative_to_the_predictors_change(draw):
    X = draw.normal(size=(600, INPUTS))
    left, values, right = np.linalg.svd(X, full_matrices=False)
    X = (left * np.append(values[:-1], 1e-6 * values[0])) @ right
    slope, change = PredictorSlope(Task(X, draw.normal(size=600)), 1.0), right[-1]
    start = draw.normal(size=INPUTS)
    off = np.linalg.norm(slope.near(start)(start + change) - slope(start + change))
    rate = 2 / 600
    assert 0 < off < 2 * UNIT * rate * values[0] ** 2
    assert off > 100 * UNIT * rate * np.linalg.norm(X.T @ (X @ change)), "not to that of the field"


@pytest.mark.parametrize("samples", [190, 300])
def test_a_step_begins_with_what_the_last_one_ended_with(draw, monkeypatch, samples):
    slope = PredictorSlope(Task(draw.normal(size=(samples, INPUTS)), draw.normal(size=samples)), 1.0)
    made, evaluate = [], PredictorSlope.__call__
    monkeypatch.setattr(PredictorSlope, "__call__", lambda own, beta: made.append(beta) or evaluate(own, beta))
    beta = draw.normal(size=INPUTS)
    expected, given = slope(beta), beta.copy()
    beta *= np.nan  # the caller's array, which may be written over
    assert np.array_equal(slope.near(given)(given), expected)
    assert len(made) == 1
    other = given + np.eye(INPUTS)[3]
    assert np.array_equal(slope.near(other)(other), evaluate(slope, other))
    assert len(made) == 2


@pytest.mark.parametrize("start", [np.zeros(INPUTS), np.full(INPUTS, 1e-40)])
def test_also_from_a_start_at_or_next_to_nothing(draw, start):
    slope = PredictorSlope(Task(draw.normal(size=(190, INPUTS)), draw.normal(size=190)), 1.0)
    there = draw.normal(size=INPUTS)
    off = np.linalg.norm(slope.near(start)(there) - slope(there))
    assert 0 < off < 2 * UNIT * np.linalg.norm(slope(there))


@pytest.mark.parametrize("samples", [190, 300])
def test_targets_may_be_far_smaller_than_predictors(draw, samples):
    slope = PredictorSlope(Task(draw.normal(size=(samples, INPUTS)), np.full(samples, 1e-60)), 1.0)
    start = draw.normal(size=INPUTS)
    there = start + 1e-3 * draw.normal(size=INPUTS)
    off = np.linalg.norm(slope.near(start)(there) - slope(there))
    assert 0 < off < 10 * UNIT * np.linalg.norm(slope(there) - slope(start))


@pytest.mark.parametrize("samples", [190, 300])
def test_where_nothing_sets_a_scale_all_is_in_double_precision(draw, samples):
    slope = PredictorSlope(Task(draw.normal(size=(samples, INPUTS)), np.zeros(samples)), 1.0)
    assert slope.near(np.zeros(INPUTS)) is slope


def test_the_gram_matrix_is_made_once_for_all_flows_of_a_task():
    task = Task(PAIR.aux.X, PAIR.aux.y)
    slope = PredictorSlope(task, 0.3)
    assert slope.large
    assert "gram" not in vars(task)  # a loss needs none
    slope(PAIR.teacher)
    assert slope.matrix.base is task.gram
    assert PredictorSlope(task, 1.0).matrix.base is task.gram
    assert PredictorSlope(PAIR.main, 1.0).matrix is PAIR.main.X


def test_of_many_inputs_the_gram_matrix_is_made_only_where_it_is_no_larger_than_the_design(draw, monkeypatch):
    task = Task(draw.normal(size=(45, 100)), np.ones(45))
    assert PredictorSlope(task, 1.0).squared
    monkeypatch.setattr(predictor_slope, "FEW_INPUTS", 99)
    assert not PredictorSlope(task, 1.0).squared
    assert PredictorSlope(Task(draw.normal(size=(100, 100)), np.ones(100)), 1.0).squared


@pytest.mark.parametrize("samples", [19, 20, 21, 60])
def test_slopes_are_those_of_the_loss_with_few_and_with_many_samples(draw, samples):
    task, beta = Task(draw.normal(size=(samples, 50)), draw.normal(size=samples)), draw.normal(size=50)
    slope = PredictorSlope(task, 0.7)
    assert slope.squared == (samples >= 20)
    assert slope(beta) == pytest.approx(-1.4 / samples * task.X.T @ (task.X @ beta - task.y), rel=1e-12)


def test_small_matrices_are_not_copied(draw):
    task = Task(draw.normal(size=(20, 100)), draw.normal(size=20))
    slope = PredictorSlope(task, 1.0)
    assert slope.near(np.zeros(100)) is slope
    assert DiagonalNetwork().least_squares([task], [1.0]).nearby is None
    assert DiagonalNetwork(2).least_squares(BOTH, [0.4, 0.6]).nearby is not None


def followed(monkeypatch, share, **options):
    """The flow, and the noise of every accepted step in single precision."""
    noises, attempt = [], runge_kutta.Stiff.attempt

    def noted(stiff, *arguments):
        before, tried = stiff.noise, attempt(stiff, *arguments)
        if stiff.noise != before:
            noises.append(stiff.noise)
        return tried

    with monkeypatch.context() as patch:
        patch.setattr(runge_kutta, "NOISE_SHARE", share)
        patch.setattr(runge_kutta.Stiff, "attempt", noted)
        return flow.gradient_flow(DiagonalNetwork(2), BOTH, START, **options), noises


@pytest.mark.parametrize("options", [{"rtol": 1e-5}, {"rtol": 1e-4, "decay": 1e-3}])
def test_flows_end_where_those_in_double_precision_do(monkeypatch, options):
    single, noises = followed(monkeypatch, 0.1, **options)
    double, none = followed(monkeypatch, -1.0, **options)
    assert none == []
    assert len(noises) > 10
    assert 0 < max(noises) < 0.01
    assert single.gradient_evaluations > double.gradient_evaluations
    apart = np.abs(single.weights.stacked() - double.weights.stacked()).max()
    assert 0 < apart < 1e-3 * options["rtol"] * np.abs(double.weights.stacked()).max()


def test_where_it_is_too_coarse_one_step_tells_and_none_is_tried_after_it(monkeypatch):
    single, noises = followed(monkeypatch, 1e-8, rtol=1e-5)
    double, _ = followed(monkeypatch, -1.0, rtol=1e-5)
    assert len(noises) == 1
    assert noises[0] > 1e-8
    assert np.array_equal(single.weights.stacked(), double.weights.stacked())
    assert single.gradient_evaluations > double.gradient_evaluations


@pytest.mark.parametrize("step", [0.02, 0.1])
def test_noise_is_what_the_error_of_the_field_does_to_a_step_in_units_of_the_tolerance(monkeypatch, step):
    monkeypatch.setattr(runge_kutta, "MANY_STAGES", 2)
    state, off = np.full(5, 2.0), 1e-6
    method = runge_kutta.Stiff(runge_kutta.Control(1e-3, 0.0), lambda start: lambda y: -y + off)
    taken = method.attempt(np.negative, state, -state, step, 1.0)
    assert method.noise == pytest.approx(step * off / (1e-3 * 2.0))
    assert np.array_equal(taken.slope, -taken.end)


@pytest.mark.parametrize(("off", "kept"), [(1e-3, True), (1.0, False)])
def test_of_a_step_that_is_too_long_noise_counts_beside_its_error(monkeypatch, off, kept):
    monkeypatch.setattr(runge_kutta, "MANY_STAGES", 2)
    method = runge_kutta.Stiff(runge_kutta.Control(1e-6, 0.0), lambda start: lambda y: -y + off)
    state = np.full(5, 2.0)
    assert method.attempt(np.negative, state, -state, 3.0, 1.0).error > 1
    assert (method.noise <= runge_kutta.NOISE_SHARE) == kept


@pytest.mark.parametrize(("rho", "used"), [(1.0, False), (500.0, True)])
def test_few_stages_do_not_pay_for_it(rho, used):
    method = runge_kutta.Stiff(runge_kutta.Control(1e-3, 0.0), lambda start: lambda y: -y + 1e-9)
    state = np.full(5, 2.0)
    method.attempt(np.negative, state, -state, 0.1, rho)
    assert (method.noise > 0) == used


def test_a_step_beyond_numbers_tells_nothing_of_noise(monkeypatch):
    monkeypatch.setattr(runge_kutta, "MANY_STAGES", 2)
    method = runge_kutta.Stiff(runge_kutta.Control(1e-6, 0.0), lambda start: lambda y: -(y**3))
    state = np.full(5, 2.0)
    with np.errstate(over="ignore", invalid="ignore"):
        assert not np.isfinite(method.attempt(lambda y: -(y**3), state, -(state**3), 1e6, 1e-3).error)
    assert method.noise == 0


def test_every_evaluation_is_counted():
    objective, made = DiagonalNetwork(2).least_squares(BOTH, [0.4, 0.6]), []

    def noted(field):
        return lambda state: made.append(state) or field(state)

    def nearby(start):
        made.append(start)
        return noted(objective.nearby(start))

    options = {"rtol": 1e-4, "atol": 1e-6, "end": 3000.0, "nearby": nearby}
    *_, last = integrate(noted(objective.slope), START.stacked(), **options)
    assert last.memory.noise > 0
    assert last.memory.statistics.evaluations == len(made)


@pytest.mark.parametrize("factor", [1.01, 1.5, -1.0])
def test_a_field_that_is_wrong_is_noticed(factor):
    objective, state = DiagonalNetwork(2).least_squares(BOTH, [0.4, 0.6]), START.stacked()
    options = {"rtol": 1e-4, "atol": 1e-6, "end": 3000.0}

    def wrong(start):
        return lambda state: objective.slope(start) + factor * (objective.slope(state) - objective.slope(start))

    exact, guarded = (list(integrate(objective.slope, state, **options, nearby=nearby))[-1] for nearby in (None, wrong))
    assert np.abs(exact.state - guarded.state).max() < 1e-4 * np.abs(exact.state).max()
    assert guarded.memory.noise > runge_kutta.NOISE_SHARE


def test_it_goes_on_bit_for_bit():
    objective, state = DiagonalNetwork(2).least_squares(BOTH, [0.4, 0.6]), START.stacked()
    options = {"rtol": 1e-4, "atol": 1e-6, "end": 3000.0, "nearby": objective.nearby}
    steps = list(integrate(objective.slope, state, **options))
    middle = next(number for number, step in enumerate(steps) if step.memory.noise > 0) + 2
    again = list(integrate(objective.slope, state, **options, resume=steps[middle].memory))
    assert [step.time for step in again] == [step.time for step in steps[middle:]]
    assert np.array_equal(again[-1].state, steps[-1].state)
    refused = dataclasses.replace(steps[middle].memory, noise=1.0)
    double = list(integrate(objective.slope, state, **options, resume=refused))
    assert not np.array_equal(double[-1].state, steps[-1].state)
    assert {step.memory.noise for step in double} == {1.0}


def test_networks_of_ones_own_have_it_too():
    own = ParametrisedWeights.of(Parametrisation("w*v - u*z", f"w=v=u=z={ALPHA}"), INPUTS)
    objective = own.network.least_squares([PAIR.aux], [1.0])
    state = own.stacked()
    near = objective.nearby(state)
    assert np.array_equal(near(state), objective.slope(state))
    moved = state * np.linspace(1, 1.01, state.size).reshape(state.shape)
    assert 0 < np.abs(near(moved) - objective.slope(moved)).max() < 1e-6 * np.abs(objective.slope(moved)).max()
