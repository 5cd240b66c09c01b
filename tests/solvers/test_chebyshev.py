"""The integrator: orders by fitted rate, stability at the stage limit, accuracy asked and delivered, agreement with scipy."""

from itertools import islice, pairwise

import numpy as np
import pytest
from drawn import examples
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from normtheory.arrays import InputError
from normtheory.networks import ReLUNetwork, ReLUWeights
from normtheory.solvers import chebyshev, runge_kutta
from normtheory.solvers.chebyshev import IntegrationError, Statistics, integrate
from normtheory.tasks import Task


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
    return lambda field, y, step: runge_kutta._chebyshev_step(field, y, field(y), step, stages)


def smooth_step(field, y, step):
    method = runge_kutta.Smooth(runge_kutta.Control(1e-8, 1e-8))
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


TOLERANCES = {"rtol": 1e-6, "atol": 1e-8}


def stiff_pendulum(y):
    """The pendulum of y[:2], which a fast variable follows: both methods take steps."""
    rate = 300.0
    return np.array([y[1], -np.sin(y[0]), -rate * (y[2] - y[0])])


def test_dense_output_has_the_accuracy_of_the_steps():
    """Thirds of steps are no farther from a reference than their ends (the error grows over the run, so at 1.2 times most)."""
    start, steps = np.array([1.0, 0.0, 0.0]), list(integrate(stiff_pendulum, np.array([1.0, 0.0, 0.0]), **TOLERANCES, end=5.0))
    ends, thirds = steps[1:], [(2 * a.time + b.time) / 3 for a, b in pairwise(steps)]
    times = np.array([third_or_end for pair in zip(thirds, (step.time for step in ends), strict=True) for third_or_end in pair])
    options = {"method": "LSODA", "rtol": 1e-11, "atol": 1e-13, "t_eval": times}
    reference = solve_ivp(lambda _, y: stiff_pendulum(y), (0, 5), start, **options).y.T
    between = [step.at(third) for step, third in zip(ends, thirds, strict=True)]
    errors = [
        np.abs(np.array(found) - reference[i::2]).max() for i, found in enumerate((between, [step.state for step in ends]))
    ]
    assert errors[0] <= 1.2 * errors[1]
    with pytest.raises(ValueError, match="outside the step"):
        ends[-1].at(-1.0)


@pytest.mark.parametrize(("advance", "order"), [(runge_kutta.Stiff, 3), (runge_kutta.Smooth, 7)])
def test_order_of_the_dense_output(advance, order):
    """In the middle of a first step of length h the error falls like h^(order + 1), or as the step's own, if that is slower."""
    start, lengths, errors = np.array([1.0, 0.0]), [0.8, 0.4, 0.2], []
    method = advance(runge_kutta.Control(1e-8, 1e-8))
    for length in lengths:
        trial = method.attempt(pendulum, start, pendulum(start), length, 0.0)
        exact = solve_ivp(lambda _, y: pendulum(y), (0, length / 3), start, method="DOP853", rtol=1e-13, atol=1e-15).y[:, -1]
        errors.append(np.linalg.norm(trial.interpolant(1 / 3) - exact))
    fitted = np.polyfit(np.log(lengths), np.log(errors), 1)[0]
    own = {runge_kutta.Stiff: 3, runge_kutta.Smooth: 9}[advance]  # local order of the step
    assert fitted >= min(order + 1, own) - 0.4


@pytest.mark.parametrize("method", ["LSODA", "Radau"])
def test_scipy_agrees_on_a_stiff_nonlinear_problem(method):
    start = np.array([1.0, 0.0, 0.0])
    scipy_s = solve_ivp(lambda _, y: stiff_pendulum(y), (0, 3), start, method=method, rtol=1e-8, atol=1e-9).y[:, -1]
    np.testing.assert_allclose(until(stiff_pendulum, start, 3.0, 1e-7), scipy_s, atol=2e-6)


@pytest.mark.parametrize("stop", [0, 1, 7, 40])
def test_a_resumed_run_is_the_same_bit_for_bit(stop):
    start, options = np.array([1.0, 0.0, 0.0]), {"rtol": 1e-7, "atol": 1e-9, "end": 4.0}
    statistics = Statistics()
    whole = [(step.time, *step.state) for step in integrate(stiff_pendulum, start, **options, statistics=statistics)]
    step = next(islice(integrate(stiff_pendulum, start, **options), stop, None))
    again = Statistics()
    rest = [(s.time, *s.state) for s in integrate(stiff_pendulum, 0 * start, **options, statistics=again, resume=step.memory)]
    assert rest == whole[stop:]
    assert again == statistics


def test_independent_runs_are_each_as_accurate_as_alone():
    """Of three oscillators of different stiffness in one integration, each keeps the tolerance: the worst decides."""
    starts = np.array([[1.0, 0.0, 0.0], [0.1, 0.3, 2.0], [2.0, -1.0, 1.0]])
    atol = np.array([1e-8, 1e-10, 1e-9])[:, None]

    def field(states):
        return np.stack([stiff_pendulum(state) for state in states])

    *_, last = integrate(field, starts, rtol=1e-6, atol=atol, end=2.0, runs=3)
    for state, start in zip(last.state, starts, strict=True):
        alone = solve_ivp(lambda _, y: stiff_pendulum(y), (0, 2), start, method="LSODA", rtol=1e-11, atol=1e-13).y[:, -1]
        np.testing.assert_allclose(state, alone, atol=2e-4)  # a few 10 rtol alone, see above


def test_the_worst_run_decides_the_step():
    """Ten thousand runs at rest must not dilute the error of one that moves."""
    states = np.zeros((10_000, 2))
    states[0] = [1.0, 0.0]
    control = runge_kutta.Control(1e-6, 1e-9, runs=10_000)
    alone = runge_kutta.Control(1e-6, 1e-9)
    assert control.error(1e-7 * states, states, states) == alone.error(1e-7 * states[0], states[0], states[0])


def test_kinks_of_a_relu_network_cost_steps_but_not_accuracy():
    """Units cross kinks on the way, and some slide along one: the flow ends where 50,000 plain Euler steps do.

    Euler's global error is the step times the growth of the path, about 1e-3 here.
    """
    draw = np.random.default_rng(5)
    X = draw.normal(size=(200, 3))
    task = Task(X, np.maximum(X @ [1.0, -1.0, 0.5], 0) - np.maximum(X @ [0.2, 1.0, 0.0], 0))
    weights, network, end, count = ReLUWeights.random(3, 12, 0.3, seed=1), ReLUNetwork(), 5.0, 50_000
    slope, start = network.least_squares([task], [1.0]).slope, weights.stacked()
    *_, last = integrate(slope, start, rtol=1e-4, atol=1e-6, end=end)
    before, after = (X @ state[:, :3].T > 0 for state in (start, last.state))
    assert (before != after).sum() >= 100  # kinks were crossed
    euler = start
    for _ in range(count):
        euler = euler + end / count * slope(euler)
    assert np.linalg.norm(last.state - euler) <= 2e-3 * np.linalg.norm(euler)
    (balance,) = network.conserved(weights).values()
    (kept,) = network.conserved(network.unstacked(last.state)).values()
    np.testing.assert_allclose(kept, balance, atol=1e-3 * np.abs(last.state).max())


def test_states_must_be_of_float64():
    with pytest.raises(InputError, match="float32"):
        next(integrate(lambda y: -y, np.ones(2, dtype=np.float32), rtol=1e-4, atol=1e-4))


# torch


def test_tensors_follow_the_same_steps_as_arrays():
    torch = pytest.importorskip("torch")

    def field(y):
        return torch.stack([y[1], -torch.sin(y[0]), -300.0 * (y[2] - y[0])])

    options = {"rtol": 1e-6, "atol": 1e-8, "end": 2.0}
    ours = list(integrate(stiff_pendulum, np.array([1.0, 0.0, 0.0]), **options))
    theirs = list(integrate(field, torch.tensor([1.0, 0.0, 0.0], dtype=torch.float64), **options))
    assert isinstance(theirs[-1].state, torch.Tensor)
    assert abs(len(ours) - len(theirs)) <= 1  # the last digit may differ
    np.testing.assert_allclose(theirs[-1].state.numpy(), ours[-1].state, atol=1e-7)
    middle = (ours[1].time + ours[2].time) / 2
    np.testing.assert_allclose(theirs[2].at(middle).numpy(), ours[2].at(middle), atol=1e-7)


def test_any_module_s_flow_is_that_of_its_hand_written_twin():
    """A torch module of the ReLU network, as a flat vector, ends where the network's own state does."""
    torch = pytest.importorskip("torch")
    from normtheory.solvers.modules import module_flow

    draw = np.random.default_rng(0)
    X, weights = draw.normal(size=(10, 4)), ReLUWeights.random(4, 6, 0.5)
    y = draw.normal(size=10)
    module = torch.nn.Sequential(torch.nn.Linear(4, 6, bias=False), torch.nn.ReLU(), torch.nn.Linear(6, 1, bias=False)).double()
    with torch.no_grad():
        module[0].weight[:], module[2].weight[:] = torch.tensor(weights.hidden), torch.tensor(weights.readout)
    flow = module_flow(module, lambda f: ((f(torch.tensor(X))[:, 0] - torch.tensor(y)) ** 2).mean())
    *_, last = integrate(flow.slope, flow.start, rtol=1e-6, atol=1e-8, end=1.0)
    objective = ReLUNetwork().least_squares([Task(X, y)], [1.0])
    *_, ours = integrate(objective.slope, weights.stacked(), rtol=1e-6, atol=1e-8, end=1.0)
    assert flow.loss(last.state) == pytest.approx(objective.loss(ours.state), rel=1e-5)
    np.testing.assert_allclose(last.state[:24].reshape(6, 4).numpy(), ours.state[:, :4], atol=1e-5)
    assert torch.equal(flow.start[:24].reshape(6, 4), module[0].weight)  # the module stays as it was


def test_an_estimate_that_has_not_settled_errs_on_the_stable_side(monkeypatch):
    monkeypatch.setattr(chebyshev, "MOST_POWER_ITERATIONS", 3)
    rates = np.linspace(1.0, 1000.0, 40)
    first = next(integrate(lambda y: -rates * y, np.ones(40), rtol=1e-4, atol=1e-6))
    assert first.spectral_radius >= 1000.0


NOWHERE = {
    "a state that is NaN": (lambda y: -y, [np.nan, 1.0], InputError, "the state has entries"),
    "an infinite state": (lambda y: -y, [np.inf, 1.0], InputError, "the state has entries"),
    "a field that is NaN": (
        lambda y: np.full(2, np.nan),
        [1.0, 1.0],
        IntegrationError,
        "NaN or infinite at, or next to, time 0",
    ),
    "an infinite field": (lambda y: np.full(2, np.inf), [1.0, 1.0], IntegrationError, "NaN or infinite at, or next to, time 0"),
    "a field that ends": (lambda y: np.where(y < 0.5, np.nan, -y), [1.0, 1.0], IntegrationError, r"next to, time 0\.69"),
    "a stiff field that ends": (
        lambda y: np.full(2, np.nan) if y[1] < 0.5 else -y * [1e6, 1.0],
        [1.0, 1.0],
        IntegrationError,
        r"next to, time 0\.69",
    ),
    "a spin": (lambda y: 1e14 * np.array([-y[1], y[0]]), [1.0, 0.0], IntegrationError, "gradients spent"),
    "a spin beyond float64": (lambda y: 1e200 * np.array([-y[1], y[0]]), [1.0, 0.0], IntegrationError, "round-off at time 0"),
    "a blow-up": (lambda y: y * y, [1.0, 1.0], IntegrationError, "round-off at time 1"),
}


@pytest.mark.parametrize("case", NOWHERE)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_flows_that_lead_nowhere_end_in_one_clear_error(case):
    field, state, error, message = NOWHERE[case]
    with pytest.raises(error, match=message):
        list(integrate(field, np.array(state), rtol=1e-6, atol=1e-9, end=2.0, most_evaluations=20_000))


def test_a_module_of_another_type_or_with_nan_is_refused():
    torch = pytest.importorskip("torch")
    from normtheory.solvers.modules import module_flow

    linear = torch.nn.Linear(2, 1)
    for module in (linear.bfloat16(), linear.float(), torch.nn.ReLU()):
        with pytest.raises(InputError, match=r"the integrator needs float64: module\.double\(\)"):
            module_flow(module, lambda f: f(torch.eye(2)).sum())
    flow = module_flow(linear.double(), lambda f: f(torch.eye(2).double()).sum())
    with pytest.raises(InputError, match="NaN or infinite"):
        list(integrate(flow.slope, flow.start * np.nan, rtol=1e-6, atol=1e-9, end=1.0))
