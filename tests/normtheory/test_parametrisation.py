"""Networks as formulas: starts, derivatives, and that they are networks like the others."""

import numpy as np
import pytest
import sympy as sp

from normtheory.arrays import InputError
from normtheory.networks import DiagonalNetwork, ParametrisedNetwork, ParametrisedWeights, Weights
from normtheory.parametrisations import Parametrisation
from normtheory.tasks import Task

PLAIN = Parametrisation("w*v - u*z", "w=v=0.1, u=z=0.2")


def test_starts_are_numbers_arrays_and_parameters():
    network = Parametrisation("w*v - u*z", {"w": np.ones(3), "v": "2*a", "u": 0.25, "z": 1})
    assert [str(weight) for weight in network.weights] == ["w", "v", "u", "z"]
    assert [str(symbol) for symbol in network.parameters] == ["a"]
    state = network.at(a=np.array([1.0, 2.0, 3.0])).weights_at_start(3)
    np.testing.assert_array_equal(state, [[1, 1, 1], [2, 4, 6], [0.25] * 3, [1] * 3])
    assert PLAIN.weights_at_start(5).shape == (4, 5)


REFUSED = {
    "a weight without a start": (("w*v", "w=1"), "the weight v has no start"),
    "a start of no weight": (("w*v", "w=v=1, q=2"), "which is no weight"),
    "a misspelt weight": (("alpha*v", "alhpa=1, v=1"), "did you mean alpha"),
    "the start of one weight by another": (("w*v", "w=v, v=1"), "given by the weight v"),
    "a parameter without a value": (("w*v", "w=v=a"), "a in the start has no value"),
    "no gradient": (("w*v", "w=v=0"), "has no gradient at the start w = 0, v = 0"),
    "outside the domain": (("log(w)*v", "w=-1, v=1"), "is not defined at the start w = -1"),
    "a kink": (("abs(w)*v + v", "w=0, v=1"), "abs(w) has no gradient"),
    "a constant": (("3", None), "depends on no weight"),
    "no start": (("w*v", None), "has no start; give one such as"),
    "arrays of different lengths": (("w*v", {"w": [1.0, 2.0], "v": [1.0, 2.0, 3.0]}), "w (2,), v (3,)"),
    "an output in its own formula": (("beta = beta*w", "w=beta=1"), "stands in its own formula"),
    "not a formula": ((3.5j, None), "no formula"),
    "a start that is not finite": (("w", {"w": np.nan}), "the start of w is NaN"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_has_no_flow_is_refused_in_one_line(what):
    given, words = REFUSED[what]
    with pytest.raises(InputError) as refusal:
        Parametrisation(*given).weights_at_start()
    assert words in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("text", ["w*v - u*z", "tanh(w)*v/100 + exp(u)*z", "abs(w)*w + sqrt(v)", "erf(w)*log(v); w*v^(3/2)"])
def test_gradients_and_curvatures_are_derivatives(text):
    network = Parametrisation(text)
    state = np.random.default_rng(0).uniform(0.3, 1.5, (len(network.weights), 4))
    for p in range(len(network.weights)):
        step = np.zeros_like(state)
        step[p] = 1e-6
        slope = (network.values(state + step) - network.values(state - step)) / 2e-6
        np.testing.assert_allclose(network.slopes(state)[:, p], slope, rtol=1e-7, atol=1e-8)
        bend = (network.slopes(state + step) - network.slopes(state - step)) / 2e-6
        np.testing.assert_allclose(network.curvatures(state)[:, :, p], bend, rtol=1e-7, atol=1e-8)


def test_the_slope_of_tanh_keeps_its_digits():
    """1 - tanh(20)^2 is 0 in floats."""
    found = Parametrisation("tanh(w)/100").slopes(np.array([[20.0]]))[0, 0, 0]
    assert found == pytest.approx(float(sp.N(sp.sech(20) ** 2 / 100, 20)), rel=1e-14)


def test_a_diagonal_network_as_a_formula_is_the_diagonal_network():
    draw = np.random.default_rng(1)
    w, u, v, z = draw.normal(size=(4, 6))
    own = ParametrisedWeights.of(Parametrisation("w*v - u*z", {"w": w, "v": v, "u": u, "z": z}), 6)
    given = Weights(w, u, v, z)
    task = Task(draw.normal(size=(3, 6)), draw.normal(size=3))
    rows = [0, 2, 1, 3]  # w, u, v, z are the order of the diagonal network's state
    np.testing.assert_allclose(own.network.effective_map(own), DiagonalNetwork().effective_map(given))
    np.testing.assert_allclose(own.network.output(own, task.X), DiagonalNetwork().output(given, task.X))
    mine, known = own.network.least_squares([task], [1.0]), DiagonalNetwork().least_squares([task], [1.0])
    np.testing.assert_allclose(mine.slope(own.stacked())[rows], known.slope(given.stacked()))
    assert mine.loss(own.stacked()) == pytest.approx(known.loss(given.stacked()))
    jacobian = own.network.jacobian(own, task.X).reshape(3, 4, 6)[:, rows]
    np.testing.assert_allclose(jacobian.reshape(3, -1), DiagonalNetwork().jacobian(given, task.X))
    assert own.network == ParametrisedNetwork.of(PLAIN) != ParametrisedNetwork.of(Parametrisation("w*v - u*z^2"))
