"""What rescaling does to deep networks: real ones agree with the formulas to round-off, and with no other ones."""

import pytest

from normtheory.audit.derivation import Derivation
from normtheory.proofs import network_numerics
from normtheory.proofs.network_numerics import ROUND_OFF


def test_without_torch_the_derivation_stands(monkeypatch):
    monkeypatch.setattr(network_numerics, "installed", lambda: False)
    proof = Derivation("absent")
    network_numerics.witness_homogeneous(proof, *[None] * 3)
    network_numerics.witness_normalised(proof, {})
    assert (proof.steps, proof.notes) == ([], [network_numerics.ABSENT] * 2)


def homogeneous(features=lambda c, depth, layer: c**layer, output=lambda c, depth, layer: c**depth, power=2):
    pytest.importorskip("torch")
    return network_numerics._homogeneous(0.5, features, output, lambda c, depth, layer: c ** (power * depth - 2))


def test_a_homogeneous_network_agrees_with_the_formulas_alone():
    assert max(homogeneous()) < ROUND_OFF
    assert homogeneous(features=lambda c, depth, layer: c ** (layer + 1))[0] > 0.1
    assert homogeneous(output=lambda c, depth, layer: c)[1] > 0.1
    assert homogeneous(power=1)[2] > 0.1


FORMULAS = {
    "epsilon": lambda c, e, m, v: e / c**2,
    "deep": lambda c, e, m, v: e / c**4,
    "stale": lambda c, e, m, v: c,
    "shift": lambda c, e, m, v: (c - 1) * m / (v + e) ** 0.5,
    "features": lambda c, e, m, v: c,
    "outputs": lambda c, e, m, v: c**2,
    "gradient": lambda c, e, m, v: 1 / c,
}
# formula -> which of the four comparisons notices that it is another
NOTICED = {"epsilon": 0, "deep": 1, "stale": 2, "shift": 2, "features": 0, "outputs": 1, "gradient": 3}


def test_a_normalised_network_agrees_with_the_formulas():
    pytest.importorskip("torch")
    assert max(network_numerics._normalised(0.5, FORMULAS)) < ROUND_OFF


@pytest.mark.parametrize("name", FORMULAS)
def test_and_with_no_other_ones(name):
    pytest.importorskip("torch")
    wrong = FORMULAS | {name: lambda *given: 1.1 * FORMULAS[name](*given)}
    assert network_numerics._normalised(0.5, wrong)[NOTICED[name]] > 100 * ROUND_OFF
