"""The implicit method: its Jacobian, its order, and stiff flows of a few weights, which explicit methods crawl along."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer

from normtheory.networks import DiagonalNetwork, Weights
from normtheory.solvers import flow
from normtheory.solvers.chebyshev import integrate
from normtheory.solvers.rosenbrock import Implicit
from normtheory.solvers.runge_kutta import Control
from normtheory.solvers.trajectory import FlowError
from normtheory.tasks import Task

UNITS = np.array([1e-2, 1.0, 1.0, 30.0, 1e2, 1e3])  # of columns: the spectrum of X^T X then spans six decades


def raw():
    """Fifteen rows each of two tasks, columns five decades apart, the targets in their range."""
    data = load_breast_cancer()
    return [Task(data.data[rows], data.target[rows] - 0.5) for rows in (slice(0, 15), slice(15, 30))]


@pytest.fixture
def draw():
    return np.random.default_rng(5)


def two_tasks(draw, units=1.0):
    """Tasks of 4 samples and 6 inputs."""
    X = [draw.standard_normal((4, 6)) * units for _ in range(2)]
    return [Task(each, each @ (draw.standard_normal(6) / units)) for each in X]


@pytest.mark.parametrize("outputs", [1, 2, 3])
@pytest.mark.parametrize("samples", [4, 9])
def test_the_jacobian_is_the_derivative_of_the_slope(draw, outputs, samples):
    several = [Task(draw.standard_normal((samples, 6)), draw.standard_normal(samples)) for _ in range(outputs)]
    objective = DiagonalNetwork(outputs).least_squares(several, np.linspace(0.2, 0.7, outputs).tolist())
    state, step = draw.standard_normal((2 + 2 * outputs, 6)), 1e-6
    units = step * np.eye(state.size).reshape(-1, *state.shape)
    differences = [(objective.slope(state + unit) - objective.slope(state - unit)).ravel() / (2 * step) for unit in units]
    assert np.allclose(objective.jacobian(state), np.array(differences).T, atol=1e-7)


def test_large_networks_have_no_jacobian():
    wide = Task(np.ones((2, 1000)), np.ones(2))
    assert DiagonalNetwork(2).least_squares([wide, wide], [0.5, 0.5]).jacobian is None


def test_half_the_step_has_a_sixteenth_of_the_error(draw):
    objective = DiagonalNetwork(2).least_squares(two_tasks(draw), [0.3, 0.7])
    begin = 0.3 * draw.standard_normal((6, 6))

    def followed(steps):
        method, state = Implicit(Control(1e-6, 1e-9), objective.jacobian), begin
        for _ in range(steps):
            trial = method.attempt(objective.slope, state, objective.slope(state), 0.5 / steps, 0.0)
            state = trial.end
        return state, trial.error

    exact = followed(256)[0]
    (coarse, first), (fine, second) = followed(16), followed(32)
    assert 12 < np.linalg.norm(coarse - exact) / np.linalg.norm(fine - exact) < 32
    assert 12 < first / second < 20  # of the embedded method, of order 3, for the error of one step


def test_columns_of_units_decades_apart_are_followed_in_few_gradients(monkeypatch):
    main, aux = raw()
    options = {"rtol": 1e-4, "task_weights": (0.5, 0.5), "most_evaluations": 40_000}
    start = Weights.constant(30, 1e-3, outputs=2)
    run = flow.gradient_flow(DiagonalNetwork(2), [main, aux], start, **options)
    assert np.allclose(main.X @ run.beta[0], main.y, atol=1e-4)
    whole = DiagonalNetwork.least_squares
    monkeypatch.setattr(DiagonalNetwork, "least_squares", lambda *given: replace(whole(*given), jacobian=None))
    with pytest.raises(FlowError, match="gradients spent"):
        flow.gradient_flow(DiagonalNetwork(2), [main, aux], start, **options)


def test_between_its_ends_a_step_is_of_order_3(draw):
    objective = DiagonalNetwork(2).least_squares(two_tasks(draw), [0.3, 0.7])
    begin, method = 0.3 * draw.standard_normal((6, 6)), Implicit(Control(1e-6, 1e-9), objective.jacobian)

    def error(step):
        state = begin
        for _ in range(200):
            state = method.attempt(objective.slope, state, objective.slope(state), 0.3 * step / 200, 0.0).end
        trial = method.attempt(objective.slope, begin, objective.slope(begin), step, 0.0)
        assert np.array_equal(trial.interpolant(0.0), begin)
        assert np.array_equal(trial.interpolant(1.0), trial.end)
        return np.linalg.norm(trial.interpolant(0.3) - state)

    assert 12 < error(0.02) / error(0.01) < 20


@pytest.mark.filterwarnings("ignore:overflow", "ignore:invalid value")  # trial steps that are too long
def test_between_its_ends_a_stiff_step_stays_between():
    objective = DiagonalNetwork(2).least_squares(raw(), [0.5, 0.5])
    state, before, looked = Weights.constant(30, 1e-3, outputs=2).stacked(), None, 0
    for step in integrate(objective.slope, state, rtol=1e-4, atol=1e-7, jacobian=objective.jacobian, end=2e3):
        if before is not None and step.memory.implicit_step not in (0.0, before.memory.implicit_step):
            losses = [objective.loss(step.at((1 - x) * before.time + x * step.time)) for x in (0.25, 0.5, 0.75)]
            assert max(losses) <= objective.loss(before.state) * (1 + 1e-3)
            looked += 1
        before = step
    assert looked > 100


@pytest.mark.parametrize("shares", [(0.7, 0.3), (0.5, 0.5)])
def test_it_ends_where_explicit_methods_do(draw, monkeypatch, shares):
    both, start = two_tasks(draw, UNITS), Weights.constant(6, 1e-2, outputs=2)
    whole, tried = DiagonalNetwork.least_squares, []
    run = flow.gradient_flow(
        DiagonalNetwork(2), both, start, rtol=1e-6, task_weights=shares, on_step=lambda state: tried.append(state().memory)
    )
    assert tried[-1].implicit_step > 0
    monkeypatch.setattr(DiagonalNetwork, "least_squares", lambda *given: replace(whole(*given), jacobian=None))
    explicit = flow.gradient_flow(DiagonalNetwork(2), both, start, rtol=1e-6, task_weights=shares)
    assert np.linalg.norm(run.beta - explicit.beta) < 1e-5 * np.linalg.norm(explicit.beta)
    assert run.conservation_error < 1e-4


def test_it_goes_on_bit_for_bit(draw):
    both = two_tasks(draw, UNITS)
    objective = DiagonalNetwork(2).least_squares(both, [0.5, 0.5])
    state = Weights.constant(6, 1e-2, outputs=2).stacked()
    options = {"rtol": 1e-5, "atol": 1e-7, "end": 1e4, "jacobian": objective.jacobian}
    steps = list(integrate(objective.slope, state, **options))
    middle = next(number for number, step in enumerate(steps) if step.memory.implicit_step > 0) + 2
    again = list(integrate(objective.slope, state, **options, resume=steps[middle].memory))
    assert [step.time for step in again] == [step.time for step in steps[middle:]]
    assert np.array_equal(again[-1].state, steps[-1].state)


def test_weight_decay_of_stiff_flows_ends_at_the_penalised_minimiser():
    both, decay = two_tasks(np.random.default_rng(5), UNITS), 1e-3
    run = flow.gradient_flow(DiagonalNetwork(2), both, Weights.constant(6, 1e-2, outputs=2), rtol=1e-7, decay=decay)
    objective = DiagonalNetwork(2).least_squares(both, [0.5, 0.5])
    state = run.weights.stacked()
    assert np.abs(objective.slope(state) - 2 * decay * state).max() < 1e-6


@pytest.mark.parametrize("layers", ["all", "readout"])
@pytest.mark.parametrize("decay", [0.0, 0.3])
def test_what_is_followed_has_the_jacobian_that_the_implicit_method_gets(monkeypatch, draw, layers, decay):
    seen = {}

    def caught(field, state, *, jacobian, **options):
        seen.update(field=field, jacobian=jacobian)
        return integrate(field, state, jacobian=jacobian, **options)

    monkeypatch.setattr(flow, "integrate", caught)
    start = Weights.constant(6, 1e-2, outputs=2)
    flow.gradient_flow(DiagonalNetwork(2), two_tasks(draw), start, rtol=1e-4, time=1e-3, decay=decay, layers=layers)
    state, step = draw.standard_normal((6, 6)), 1e-6
    units = step * np.eye(36).reshape(-1, 6, 6)
    differences = [(seen["field"](state + unit) - seen["field"](state - unit)).ravel() / (2 * step) for unit in units]
    assert np.allclose(seen["jacobian"](state), np.array(differences).T, atol=1e-7)


def test_left_unused_it_grows_more_confident():
    method = Implicit(Control(1e-6, 1e-9), np.zeros_like, step=1e-3)
    method.learn(None, 1.0, sure=1.0)
    assert method.step == 2e-3
    method.learn(None, 1.0, sure=1e-4)
    assert method.step == 2e-3
