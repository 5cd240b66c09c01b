"""Tabulated orbits: a potential like the others, closed forms where there are some, and where flows of drawn networks end."""

import numpy as np
import pytest
from drawn import examples
from hypothesis import given
from hypothesis import strategies as st
from mpmath import mp
from scipy.integrate import quad

from normtheory.arrays import InputError
from normtheory.networks import ParametrisedNetwork, ParametrisedWeights
from normtheory.parametrisations import Parametrisation
from normtheory.solvers import own
from normtheory.solvers.certificate import NotCertified
from normtheory.solvers.flow import gradient_flow
from normtheory.solvers.newton import minimize, minimize_separable
from normtheory.solvers.orbits import Orbits
from normtheory.solvers.potentials import DeepDiagonal
from normtheory.tasks import Task

NETWORKS = {
    "diagonal": ("w*v - u*z", "w=0.1, v=0.3, u=0.2, z=0.1"),
    "depth three": ("a*b*c - d*e*f", "a=0.3, b=0.5, c=0.2, d=e=0.4, f=0.35"),
    "positive": ("u^2", "u=0.5"),
    "saturating": ("tanh(w)*v - tanh(z)*u", "w=0.1, v=0.2, z=0.3, u=0.1"),
    "bounded": ("tanh(w)", "w=0"),
    "one-sided kink": ("abs(w)*w", "w=0.2"),
    "exponential": ("exp(w)*v - exp(u)*z", "w=v=u=z=0.1"),
    "root": ("sqrt(w)*v", "w=0.5, v=0.2"),
    "linear": ("2*w", "w=0"),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_slope_energy_divergence_and_inverse_belong_to_one_map(name):
    potential = Orbits.of(Parametrisation(*NETWORKS[name]), 3)
    x = np.array([0.4, -0.3, 0.05])
    beta, slope = potential.map(x)
    step = 1e-6
    difference = (potential.map(x + step)[0] - potential.map(x - step)[0]) / (2 * step)
    np.testing.assert_allclose(slope, difference, rtol=1e-7)
    np.testing.assert_allclose(potential.inverse(beta), x, rtol=1e-9)
    np.testing.assert_allclose(potential.map(np.zeros(3))[0], potential.start, rtol=0, atol=0)

    def along(t, d):
        return potential.map(np.where(np.arange(3) == d, t, 0.0))[0][d] - potential.start[d]

    energy = [potential.unit * quad(along, 0, x[d], args=(d,), epsabs=0, epsrel=1e-11)[0] for d in range(3)]
    np.testing.assert_allclose(potential.energy(x), energy, rtol=1e-8)
    fenchel = potential.unit * x * (beta - potential.start) - np.array(energy)
    np.testing.assert_allclose(potential.divergence(beta), fenchel, rtol=1e-7)
    assert potential.error(x) < 1e-12


def test_the_softened_family_ends_at_the_map():
    potential = Orbits.of(Parametrisation(*NETWORKS["depth three"]), 3)
    x, kappa, step = np.array([0.2, -0.4, 0.3]), 0.3, 1e-6
    _, slope, drift = potential.softened(x, kappa)
    ahead = potential.softened(x, kappa * np.exp(step))[0] - potential.softened(x, kappa * np.exp(-step))[0]
    np.testing.assert_allclose(drift, ahead / (2 * step), rtol=1e-6, atol=1e-9)
    across = potential.softened(x + step, kappa)[0] - potential.softened(x - step, kappa)[0]
    np.testing.assert_allclose(slope, across / (2 * step), rtol=1e-6)
    np.testing.assert_array_equal(potential.softened(x, 0.0)[0], potential.map(x)[0])


@pytest.mark.parametrize("alpha", [1e-3, 0.1, 1.0])
def test_the_diagonal_network_has_its_hyperbolic_sine(alpha):
    potential = Orbits.of(Parametrisation("w*v - u*z", f"w=v=u=z={alpha}"), 4)
    x, k = np.array([0.3, -2.0, 5.0, 14.0]), 2 * alpha**2
    beta, slope = potential.map(x)
    angle = 2 * potential.unit * x
    np.testing.assert_allclose(beta, k * np.sinh(angle), rtol=3e-14)
    np.testing.assert_allclose(slope, potential.unit * 2 * k * np.cosh(angle), rtol=3e-14)
    assert np.abs(beta / (k * np.sinh(angle)) - 1).max() < potential.error(x) * (1 + angle.max())


def test_deep_networks_have_theirs():
    alpha = np.array([0.1, 0.3, 0.2])
    potential = Orbits.of(Parametrisation("w^3 - u^3", {"w": alpha, "u": alpha}))
    known, beta = DeepDiagonal(alpha, 3), np.array([0.5, -1e-3, 1e-5])
    ratio = potential.divergence(beta) / known.divergence(beta)  # potentials are defined up to a factor
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-9)


@pytest.mark.parametrize("distance", [1.0, 0.1, 1e-3, 1e-5])
def test_the_bound_on_the_error_holds_up_to_the_edge_of_the_domain(distance):
    """u^3 - v^3 from 1/10 leaves for infinity at x = 10/3: against its closed form in 40 digits."""
    potential = Orbits.of(Parametrisation("u^3 - v^3", "u=v=1/10"), 1)
    x = np.array([(10 / 3 - distance) / potential.unit])
    beta = potential.map(x)[0][0]
    with mp.workdps(40):
        exact, place = mp.mpf(1) / 10, mp.mpf(float(x[0])) * mp.mpf(potential.unit)
        known = (1 / exact - 3 * place) ** -3 - (1 / exact + 3 * place) ** -3
        slope = 9 * ((1 / exact - 3 * place) ** -4 + (1 / exact + 3 * place) ** -4)
        off = abs(mp.mpf(float(beta)) - known) / (abs(known) + slope * place)
    assert off <= potential.error(x) < 1e-11


def test_coordinates_of_equal_starts_share_an_orbit():
    start = np.array([0.1, 0.2, 0.1, 0.2])
    potential = Orbits.of(Parametrisation("w*v", {"w": start, "v": 0.3}))
    assert potential.forward.nodes[0].place.shape == (2,)
    x = np.full(4, 0.7)
    alone = [Orbits.of(Parametrisation("w*v", {"w": w, "v": 0.3}), 1) for w in start]
    singly = [each.map(x[:1] * potential.unit / each.unit)[0][0] for each in alone]
    np.testing.assert_allclose(potential.map(x)[0], singly, rtol=1e-13)


def test_orbits_end_where_they_are_at_rest_and_at_kinks():
    low, high = Orbits.of(Parametrisation("tanh(w)/100", "w=0.1"), 1).ends()
    assert (low[0], high[0]) == pytest.approx((-0.01, 0.01), rel=1e-9)
    low, high = Orbits.of(Parametrisation("abs(w)*w", "w=0.2"), 1).ends()
    assert 0 <= low[0] < 1e-20
    assert high[0] == np.inf
    low, _ = Orbits.of(Parametrisation("abs(w) + w/2", "w=0.2"), 1).ends()  # the kink at 0 is reached in finite time
    assert 0 <= low[0] < 0.01


def data(seed, n=4, D=9):
    draw = np.random.default_rng(seed)
    X = draw.normal(size=(n, D))
    return X, X @ (draw.normal(size=D) * (draw.random(D) < 0.5) + 1e-3)


def distance(X, y, network):
    """Of the flow on the weights from the certified endpoint, relative."""
    flow = gradient_flow(ParametrisedNetwork.of(network), Task(X, y), ParametrisedWeights.of(network, X.shape[1]))
    endpoint = own.minimize(X, y, network).beta
    assert flow.conservation_error < 1e-7
    return np.linalg.norm(flow.beta - endpoint) / np.linalg.norm(endpoint)


@pytest.mark.parametrize("name", ["depth three", "saturating", "exponential", "linear"])
def test_the_flow_ends_at_the_certified_minimiser(name):
    assert distance(*data(0), Parametrisation(*NETWORKS[name])) < 1e-7


def test_the_minimiser_is_that_of_the_known_theory():
    X, y = data(3)
    alpha = np.random.default_rng(3).uniform(0.05, 0.5, 9)
    found = own.minimize(X, y, Parametrisation("w*v - u*z", dict.fromkeys("wvuz", alpha)))
    np.testing.assert_allclose(found.beta, minimize(X, y, 2 * alpha**2).beta, atol=1e-9)
    found = own.minimize(X, y, Parametrisation("w^4 - u^4", dict.fromkeys("wu", alpha + 0.3)))
    np.testing.assert_allclose(found.beta, minimize_separable(X, y, DeepDiagonal(alpha + 0.3, 4)).beta, atol=1e-9)


def test_a_false_mirror_map_is_caught():
    """The endpoint of another network of the same start is no endpoint of the flow."""
    X, y = data(1)
    flow = gradient_flow(
        ParametrisedNetwork.of(Parametrisation("w*v - u*z", "w=v=u=z=0.3")),
        Task(X, y),
        ParametrisedWeights.of(Parametrisation("w*v - u*z", "w=v=u=z=0.3"), 9),
    )
    other = own.minimize(X, y, Parametrisation("w*v^2 - u*z^2", "w=v=u=z=0.3")).beta
    assert np.linalg.norm(flow.beta - other) > 1e-3 * np.linalg.norm(other)


@pytest.mark.parametrize("text", ["u^2", "tanh(w)/100"])
def test_data_beyond_the_ends_of_the_orbits_are_refused(text):
    X = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 1.0]])
    weight = "u" if "u" in text else "w"
    with pytest.raises(InputError, match="orbit ends before the data are fitted"):
        own.minimize(X, np.array([-1.0, 2.0]), Parametrisation(text, f"{weight}=0.5"))


def test_a_tolerance_below_what_the_orbits_are_known_to_is_refused():
    X, y = data(2)
    with pytest.raises(NotCertified):
        own.minimize(X, y, Parametrisation(*NETWORKS["diagonal"]), tol=1e-15)


def sums_of_products(draw):
    """A sum of products of weights of their own, with a start: text and values."""
    names = iter("abcdefghij")
    text, start = [], {}
    for sign in draw(st.sampled_from(["+", "+-", "+-+"])):
        factors = [next(names) for _ in range(draw(st.integers(1, 3)))]
        powers = [draw(st.integers(1, 2)) for _ in factors]
        text.append(f"{sign} " + "*".join(f"{w}^{q}" for w, q in zip(factors, powers, strict=True)))
        start |= {w: draw(st.floats(0.3, 0.9)) * draw(st.sampled_from([-1, 1])) for w in factors}
    return " ".join(text), start


@examples(8)
@given(st.data(), st.integers(0, 2**32 - 1))
def test_flows_of_drawn_networks_end_at_the_minimisers_of_their_tables(drawn, seed):
    text, start = sums_of_products(drawn.draw)
    network, draw = Parametrisation(text, start), np.random.default_rng(seed)
    X = draw.normal(size=(2, 6))
    reached = Orbits.of(network, 6).map(draw.uniform(-0.5, 0.5, 6))[0]  # on the orbits, which may have ends
    assert distance(X, X @ reached, network) < 1e-7
