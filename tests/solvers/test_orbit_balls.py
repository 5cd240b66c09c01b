"""Enclosures of orbits: known maps lie in them, and what a table is off by is what they say; a wrong table is caught."""

import flint
import numpy as np
import pytest
from mpmath import mp

from normtheory.parametrisations import Parametrisation
from normtheory.solvers.orbit_balls import EnclosedOrbit, precise
from normtheory.solvers.orbits import Orbits
from normtheory.solvers.tabulated import MOST_ORBITS, deviation, table

# Network, start -> its mirror map in the orbit's own parameter, for 40 digits.
KNOWN = {
    ("w*v - u*z", "w=v=u=z=1/1000"): lambda x: mp.mpf(2) / 10**6 * mp.sinh(2 * x),
    ("u^3 - v^3", "u=v=1/10"): lambda x: (10 - 3 * x) ** -3 - (10 + 3 * x) ** -3,
    ("u^2", "u=1/10"): lambda x: mp.exp(4 * x) / 100,
    ("exp(w)", "w=0"): lambda x: 1 / (1 - x),
    ("a*b*c", "a=b=c=1/2"): lambda x: (2 - x) ** -3,
    ("sqrt(w)", "w=1"): lambda x: (1 + mp.mpf(3) * x / 4) ** (mp.mpf(1) / 3),
    ("abs(w)*w", "w=1/5"): lambda x: mp.exp(4 * x) / 25,
    ("tanh(w)", "w=0"): lambda x: mp.tanh(mp.findroot(lambda w: w / 2 + mp.sinh(2 * w) / 4 - x, x / 2)),
}


@pytest.mark.parametrize("network", KNOWN)
@pytest.mark.parametrize("place", [0.75, -0.5, 0.0625])
def test_known_maps_lie_in_the_enclosure(network, place):
    found = EnclosedOrbit.of(Parametrisation(*network)).at(flint.arb(place))
    with mp.workdps(40):
        exact = KNOWN[network](mp.mpf(place))
        middle, radius = mp.mpf(found.value.mid().str(45, radius=False)), mp.mpf(float(found.value.rad().upper()))
        assert abs(middle - exact) <= radius + abs(exact) * mp.mpf(10) ** -35
    assert radius < 1e-15 * abs(exact)


@pytest.mark.parametrize("network", [("u^3 - v^3", "u=v=1/10"), ("tanh(w)*v", "w=0.3, v=0.2")])
def test_the_table_is_within_its_bound(network):
    own = Parametrisation(*network)
    orbits = Orbits.of(own, 1)
    orbits.ends(0.5)
    found = table(own, orbits, 0.5)
    assert found.low < -0.3 < 0.3 < found.high
    assert 0 < found.interpolation < 1e-12
    assert 0 < found.deviation < 1e-13
    beta = np.linspace(-0.3, 0.3, 7)
    places = [orbits.inverse(np.array([b])) for b in beta]
    assert max(deviation(orbits, own, x) for x in places) < found.interpolation + found.deviation


def test_a_wrong_table_is_caught():
    """Of another network, and of a start that is off in the ninth digit."""
    own = Parametrisation("w*v - u*z", "w=v=u=z=1/10")
    x = np.array([0.7])
    assert deviation(Orbits.of(own, 1), own, x) < 1e-14
    for other in ("w=v=u=0.1, z=0.1000000001", "w=v=u=z=0.100000001"):
        assert deviation(Orbits.of(Parametrisation("w*v - u*z", other), 1), own, x) > 1e-11
    moved = Orbits.of(own, 1)
    moved.ends(1.0)
    nodes = moved.forward.nodes
    nodes[3] = nodes[3]._replace(state=nodes[3].state * (1 + 1e-10))
    assert table(own, moved, 0.05).interpolation > 1e-11


def test_beyond_the_end_of_an_orbit_nothing_is_enclosed():
    orbit = EnclosedOrbit.of(Parametrisation("u^3", "u=1"))  # 1/u = 1 - 3 x
    with precise():
        assert orbit.at(flint.arb(1) / 4) is not None
        assert orbit.at(flint.arb(1) / 2) is None
    assert EnclosedOrbit.of(Parametrisation("abs(w) + w/2", "w=0.2")).at(flint.arb(-1)) is None  # past the kink


def test_many_different_starts_are_measured_only():
    own = Parametrisation("w*v", {"w": np.linspace(0.1, 0.2, MOST_ORBITS + 1), "v": 0.3})
    assert deviation(Orbits.of(own), own, np.zeros(MOST_ORBITS + 1)) is None
