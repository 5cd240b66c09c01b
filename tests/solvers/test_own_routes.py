"""Networks of one's own on every route: dual flow, learning curves, laws held to round-off; false maps are caught."""

import numpy as np
import pytest
from drawn import examples
from hypothesis import given
from hypothesis import strategies as st

from normtheory.arrays import InputError
from normtheory.networks import ParametrisedNetwork, ParametrisedWeights
from normtheory.parametrisations import Parametrisation
from normtheory.parametrisations.compiled import compiled
from normtheory.parametrisations.laws import laws
from normtheory.solvers import own, training
from normtheory.solvers.asymptotics import Coordinates, fixed_point
from normtheory.solvers.curves import learning_curve
from normtheory.solvers.flow import gradient_flow
from normtheory.solvers.held import held
from normtheory.solvers.orbits import Orbits
from normtheory.solvers.pinned import PinnedOrbits
from normtheory.solvers.potentials import HyperbolicEntropy
from normtheory.solvers.sparse_pairs import SparsePair
from normtheory.tasks import Task

NETWORKS = {
    "diagonal": ("w*v - u*z", "w=0.1, v=0.3, u=0.2, z=0.1"),
    "depth three": ("a*b*c - d*e*f", "a=0.3, b=0.5, c=0.2, d=e=0.4, f=0.35"),
    "saturating": ("tanh(w)*v - tanh(z)*u", "w=0.1, v=0.2, z=0.3, u=0.1"),
}


def data(seed, n=4, D=9):
    draw = np.random.default_rng(seed)
    X = draw.normal(size=(n, D))
    return X, X @ (draw.normal(size=D) * (draw.random(D) < 0.5) + 1e-3)


def apart(one, other):
    return np.linalg.norm(one - other) / np.linalg.norm(other)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_dual_flow_is_that_of_the_weights(name):
    X, y = data(5)
    network = Parametrisation(*NETWORKS[name])
    start = ParametrisedWeights.of(network, 9)
    dual = training.single_task(X, y, weights=start, route="dual")
    assert apart(dual.beta, training.single_task(X, y, weights=start).beta) < 1e-7
    assert apart(dual.beta, own.minimize(X, y, network).beta) < 1e-7
    early = own.dual_flow(Task(X, y), start, time=0.5)
    late = gradient_flow(start.network, Task(X, y), start, time=0.5)
    assert apart(early.beta, late.beta) < 1e-6
    assert apart(early.beta, dual.beta) > 1e-2


def test_the_dual_needs_one_output():
    two = ParametrisedWeights.of(Parametrisation("w*v; w*u", "w=v=u=1"), 9)
    with pytest.raises(InputError, match="the dual route needs one output"):
        own.dual_flow(Task(*data(0)), two)


@pytest.mark.parametrize("name", NETWORKS)
def test_laws_stay_to_round_off_along_the_orbits_and_with_the_tolerance_along_the_flow(name):
    network = Parametrisation(*NETWORKS[name])
    start = ParametrisedWeights.of(network, 9)
    X, y = data(6)
    drifts = [gradient_flow(start.network, Task(X, y), start, rtol=rtol).conservation_error for rtol in (1e-4, 1e-7, 1e-10)]
    assert drifts[2] < drifts[1] < drifts[0]
    assert drifts[2] < 1e-9
    orbits = Orbits.of(network, 9)
    found = compiled([law.expression for law in laws(network).found], network.weights)
    states = orbits.states(np.linspace(-1.0, 1.0, 9))
    before, after = found(orbits.state), found(states)
    np.testing.assert_allclose(after, before, rtol=0, atol=2e-15 * (states**2).sum(axis=0).max())


def test_learning_curves_are_those_of_the_known_penalty():
    count, teacher, network = [10.0, 190.0], [0.3, 0.0], Parametrisation("w*v - u*z", "w=0.2, v=0.1, u=0.1, z=0.3")
    k, beta0 = np.sqrt(0.075**2 - 0.01**2), -0.01
    known = fixed_point([Coordinates(count, teacher, HyperbolicEntropy(np.full(2, k), np.full(2, beta0)))], 40)
    found = fixed_point([Coordinates(count, teacher, Orbits.of(network, 2))], 40)
    assert found.loss == pytest.approx(known.loss, rel=1e-8)
    other = fixed_point([Coordinates(count, teacher, Orbits.of(Parametrisation("w*v", "w=0.2, v=0.1"), 2))], 40)
    assert other.loss != pytest.approx(known.loss, rel=1e-3)


def test_a_network_is_a_method_of_learning_curves():
    pair, network = SparsePair(200, 10, 10, 5), Parametrisation("w*v - u*z", "w=v=u=z=0.001")
    curve = learning_curve(pair, [16, 64], methods=["single", "network"], network=network)
    np.testing.assert_allclose(curve.losses("network")[1], curve.losses("single")[1], rtol=1e-7)
    with pytest.raises(InputError, match="unknown method 'network'"):
        learning_curve(pair, [16], methods=["network"])
    with pytest.raises(InputError, match="a learning curve needs one"):
        learning_curve(pair, [16], methods=["network"], network=Parametrisation("w*v; w*u", "w=v=u=1"))


def test_the_pinned_limit_is_a_penalty_of_learning_curves():
    aux, alpha = np.array([0.3, 0.0]), 1e-2
    network = Parametrisation("w*v_1 - u*z_1; w*v_2 - u*z_2", f"w=u=v_1=z_1=v_2=z_2={alpha}")
    ends = [
        fixed_point([Coordinates([10.0, 190.0], [0.3, 0.0], each)], 40).loss
        for each in (held(network, aux, 2), PinnedOrbits(aux, alpha))
    ]
    assert ends[0] == pytest.approx(ends[1], rel=1e-8)


@examples(4)
@given(st.integers(0, 2**32 - 1))
def test_a_claimed_mirror_map_of_another_start_or_power_is_caught(seed):
    """Of drawn networks: the flow ends at its own minimiser, and at none of two that look alike."""
    draw = np.random.default_rng(seed)
    start = dict(zip("wvuz", draw.uniform(0.3, 0.9, 4), strict=True))
    X, y = data(seed, 2, 6)
    network = Parametrisation("w*v - u*z", start)
    flow = gradient_flow(ParametrisedNetwork.of(network), Task(X, y), ParametrisedWeights.of(network, 6)).beta
    assert apart(flow, own.minimize(X, y, network).beta) < 1e-7
    assert apart(flow, own.minimize(X, y, Parametrisation("w*v - u*z", start | {"w": 1.1 * start["w"]})).beta) > 1e-5
    assert apart(flow, own.minimize(X, y, Parametrisation("w*v^2 - u*z^2", start)).beta) > 1e-5
