"""The integrator: orders by fitted rate, stability at the stage limit, accuracy asked and delivered, agreement with scipy."""

import numpy as np
import pytest
from drawn import examples
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from solvers import chebyshev
from solvers.chebyshev import IntegrationError, Statistics, integrate


def until(field, state, time, rtol):
    """State at `time`."""
    *_, last = integrate(field, np.asarray(state, dtype=float), rtol=rtol, atol=rtol * 1e-3, end=time)
    assert last.time == time
    return last.state


def pendulum(y):
    """A smooth, non-stiff, nonlinear problem."""
    return np.array([y[1], -np.sin(y[0])])


def fixed_steps(advance, field, state, time, count):
    """Integrate with `count` equal steps of one of the two methods."""
    for _ in range(count):
        state = advance(field, state, time / count)
    return state


def chebyshev_step(stages):
    return lambda field, y, step: chebyshev._chebyshev_step(field, y, field(y), step, stages)


def smooth_step(field, y, step):
    method = chebyshev._Smooth(chebyshev._Control(1e-8, 1e-8))
    return method.attempt(field, y, field(y), step, rho=0.0).end


@pytest.mark.parametrize(
    ("advance", "order", "counts"),
    [
        (chebyshev_step(2), 2, (40, 80, 160, 320)),
        (chebyshev_step(5), 2, (40, 80, 160, 320)),
        (chebyshev_step(30), 2, (40, 80, 160, 320)),
        (smooth_step, 8, (4, 6, 8, 12)),
    ],
)
def test_order_by_fitted_rate(advance, order, counts):
    start, time = np.array([1.0, 0.0]), 4.0
    exact = solve_ivp(lambda _, y: pendulum(y), (0, time), start, method="DOP853", rtol=1e-13, atol=1e-15).y[:, -1]
    errors = [np.linalg.norm(fixed_steps(advance, pendulum, start, time, count) - exact) for count in counts]
    slope = -np.polyfit(np.log(counts), np.log(errors), 1)[0]
    assert abs(slope - order) <= 0.15 * order


@pytest.mark.parametrize("stages", [2, 3, 7, 20, 100])
def test_stable_up_to_the_stage_limit_and_not_far_beyond(stages):
    """|P(z)| <= 1 on the interval whose length the number of stages is chosen by; damped inside; lost at 1.1 times it."""
    limit = (stages**2 - 1) / 1.54
    z = -np.linspace(0, limit, 4001)
    ones = np.ones_like(z)
    damping = np.abs(chebyshev_step(stages)(lambda y: z * y, ones, 1.0))
    assert damping.max() <= 1 + 1e-12
    assert damping[len(z) // 4 :].max() < 0.99 or stages <= 3
    beyond = chebyshev_step(stages)(lambda y: -1.1 * limit * y, np.ones(1), 1.0)
    assert stages <= 3 or abs(beyond[0]) > 1


@pytest.mark.parametrize("stiffness", [1.0, 1e3, 1e6])
def test_the_error_follows_the_tolerance(stiffness):
    """A slow curve that attracts at rate `stiffness`. The local tolerance is set so that the local error to the power 2/3 is
    100 rtol, and the error accumulated over a unit of time is about a tenth of that."""

    def field(y):
        return np.array([-y[0], -stiffness * (y[1] - np.sin(y[0])) - np.cos(y[0]) * y[0]])

    exact = np.exp(-1.0)
    for rtol in (1e-5, 1e-7):
        end = until(field, [1.0, np.sin(1.0)], 1.0, rtol)
        assert abs(end[0] - exact) <= 20 * rtol
        assert abs(end[1] - np.sin(exact)) <= 20 * rtol


def test_cost_grows_with_the_root_of_the_stiffness():
    """What makes the method worth having: 100 times the spectral radius at about 10 times the evaluations."""
    costs = []
    for rho in (1e4, 1e6):
        rates, statistics = np.linspace(1, rho, 50), Statistics()
        for step in integrate(lambda y, rates=rates: -rates * y, np.ones(50), rtol=1e-4, atol=1e-6, statistics=statistics):
            if step.time > 1:
                break
        costs.append(statistics.evaluations)
    assert 4 <= costs[1] / costs[0] <= 20


@examples(25)
@given(st.integers(0, 2**32 - 1), st.integers(1, 8), st.floats(0, 4))
def test_gradient_flow_of_a_quadratic(seed, size, decades):
    """y' = -A y with A symmetric positive definite: the matrix exponential is the oracle."""
    draw = np.random.default_rng(seed)
    rates = 10 ** draw.uniform(-1, decades, size)
    basis = np.linalg.qr(draw.normal(size=(size, size)))[0]
    matrix, start = basis * rates @ basis.T, draw.normal(size=size)
    end = until(lambda y: -(matrix @ y), start, 0.7, 1e-7)
    exact = basis @ (np.exp(-0.7 * rates) * (basis.T @ start))
    assert np.linalg.norm(end - exact) <= 2e-6 * np.linalg.norm(start)


def test_spent_evaluations_are_an_error():
    with pytest.raises(IntegrationError, match="gradients spent"):
        for _ in integrate(pendulum, np.array([1.0, 0.0]), rtol=1e-8, atol=1e-8, most_evaluations=200):
            pass


def test_a_blow_up_is_an_error():
    """y' = y^2 leaves every bound at time 1."""
    with pytest.raises(IntegrationError), np.errstate(over="ignore", invalid="ignore"):
        until(lambda y: y**2, np.ones(1), 1.01, 1e-6)


def test_statistics_count_every_evaluation():
    calls = 0

    def field(y):
        nonlocal calls
        calls += 1
        return -y

    statistics = Statistics()
    for step in integrate(field, np.ones(3), rtol=1e-6, atol=1e-9, statistics=statistics):
        if step.time > 3:
            break
    assert statistics.evaluations == calls
    assert statistics.accepted > 0
