"""Reading penalties: orders far out and the scale between, against closed forms; the pinned limit, against its own theory."""

import numpy as np
import pytest

from normtheory.arrays import InputError
from normtheory.parametrisations import Parametrisation
from normtheory.penalties import Q
from normtheory.solvers.held import held
from normtheory.solvers.orbits import Orbits
from normtheory.solvers.pinned import PinnedOrbits
from normtheory.solvers.reading import order, read

# Network, start -> orders downwards and upwards, None where the orbit ends.
ORDERS = {
    ("w*v - u*z", "w=v=u=z=0.001"): (1, 1),
    ("w*v - u*z", "w=0.1, v=0.3, u=z=0.2"): (1, 1),
    ("u^3 - v^3", "u=v=0.1"): (1, 1),
    ("2*w", "w=0"): (2, 2),
    ("u^2", "u=0.1"): (None, 1),
    ("tanh(w)", "w=0.1"): (None, None),
    ("tanh(w)*v - tanh(z)*u", "w=0.1, v=0.2, z=0.3, u=0.1"): (2, 2),
    ("sqrt(w)", "w=1"): (None, 4),
}


@pytest.mark.parametrize("network", ORDERS)
def test_orders_far_out(network):
    found = read(Parametrisation(*network))
    assert (found.down.order, found.up.order) == pytest.approx(ORDERS[network], abs=1e-3)
    assert [np.isinf(each.end) for each in (found.down, found.up)] == [each is not None for each in ORDERS[network]]


def test_the_scale_between_is_where_the_order_of_q_is_half_way():
    alpha = 0.05
    found = read(Parametrisation("w*v - u*z", f"w=v=u=z={alpha}"))
    b, k = found.up.scale, 2 * alpha**2
    exact = b * Q([k]).gradient([b])[0] / Q([k]).contributions([b])[0]
    assert exact == pytest.approx(1.5, abs=0.1)  # the first node beyond it
    assert found.stiffness == pytest.approx(2 * k)
    assert found.degree == 2


def test_the_order_is_that_of_q():
    network = Parametrisation("w*v - u*z", "w=v=u=z=0.1")
    beta = np.array([1e-4, 0.02, 3.0])
    exact = beta * Q([0.02]).gradient(beta) / Q([0.02]).contributions(beta)
    np.testing.assert_allclose(order(Orbits.of(network, 3), beta), exact, rtol=1e-9)


def test_homogeneous_penalties_scale():
    """Order and feature dependence sum to 2/L: s^2 times the penalty at b/s^L."""
    s, beta = 3.0, np.array([0.4, 7.0])
    one = Orbits.of(Parametrisation("a*b*c - d*e*f", "a=0.3, b=0.5, c=0.2, d=e=0.4, f=0.35"), 2)
    other = Orbits.of(Parametrisation("a*b*c - d*e*f", "a=0.9, b=1.5, c=0.6, d=e=1.2, f=1.05"), 2)
    np.testing.assert_allclose(other.divergence(beta * s**3), s**2 * one.divergence(beta), rtol=1e-10)


def test_holding_the_second_output_is_the_pinned_theory():
    aux, alpha, x = np.array([0.5, -0.3, 0.0, 0.5]), 1e-2, np.array([0.3, -0.5, 0.7, 2.0])
    network = Parametrisation("w*v_1 - u*z_1; w*v_2 - u*z_2", f"w=u=v_1=z_1=v_2=z_2={alpha}")
    own, known = held(network, aux, 4), PinnedOrbits(aux, alpha)
    np.testing.assert_allclose(own.map(x / own.unit)[0], known.map(x)[0], rtol=1e-12)


def test_what_cannot_be_held_is_refused():
    with pytest.raises(InputError, match=r"beta_aux\[1\] = -1 lies beyond the end of the orbit of beta_2"):
        held(Parametrisation("w*v; w^2", "w=v=0.1"), np.array([1.0, -1.0]), 2)
    with pytest.raises(InputError, match="for two"):
        held(Parametrisation("w*v", "w=v=0.1"), np.array([1.0]), 1)
