"""Closed forms that are verified, and mirror flow or not of several outputs."""

import pytest
import sympy as sp

from normtheory.arrays import InputError
from normtheory.parametrisations import Parametrisation
from normtheory.parametrisations.closed import Closed, closed, inverts, letters
from normtheory.parametrisations.mirror import decide
from normtheory.penalties import Q

ALPHA = sp.Symbol("alpha", positive=True)
X, B = letters()


def q(k, factor=1):
    """The Q penalty of Eq. 3 at scale k, in b."""
    return factor * Q.expression().subs({sp.Symbol("k", positive=True): k}, simultaneous=True)


def test_the_q_penalty_comes_out_of_the_papers_network_and_of_woodworths():
    for text, start, factor in (("w*v - u*z", "w=v=u=z=alpha", 4), ("u^2 - v^2", "u=v=alpha", 8)):
        found = closed(Parametrisation(text, start))
        assert sp.simplify(found.scale - 2 * ALPHA**2) == 0
        difference = factor * found.penalty - q(2 * ALPHA**2)
        assert sp.simplify(sp.diff(difference, B)) == 0
        assert sp.simplify(difference.subs(B, 0)) == 0


def test_any_start_of_the_papers_network_has_the_scale_of_the_exact_theory():
    found = closed(Parametrisation("w*v - u*z", "w=p, v=q, u=r, z=s"))
    p, q_, r, s = sp.symbols("p q r s", positive=True)
    known = ((p**2 + q_**2 + r**2 + s**2) / 2) ** 2 - (p * q_ - r * s) ** 2
    assert sp.expand(found.scale**2 - known) == 0


def test_deep_networks_are_powers_of_x():
    """Woodworth et al. 2020, Theorem 3, for depths 3 and 4, and a product of three balanced layers."""
    for text, start, depth, rate in (
        ("u^3 - v^3", "u=v=alpha", 3, 3),
        ("u^4 - v^4", "u=v=alpha", 4, 4),
        ("a*b*c - d*e*f", "a=b=c=d=e=f=alpha", 3, 1),
    ):
        found = closed(Parametrisation(text, start)).map.subs(ALPHA, sp.Rational(1, 3))
        p, z = sp.Rational(depth, depth - 2), rate * (depth - 2) * sp.Rational(1, 3) ** (depth - 2) * X
        known = sp.Rational(1, 3) ** depth * ((1 - z) ** -p - (1 + z) ** -p)
        for x in (sp.Rational(1, 10), sp.Rational(-3, 17)):
            assert abs(sp.N((found - known).subs(X, x), 40)) < 1e-35


KNOWN = {
    ("w", "w=0"): B**2 / 2,
    ("2*w + 1", "w=3"): (B - 7) ** 2 / 8,
    ("u^2", "u=alpha"): (B * sp.log(B / ALPHA**2) - B + ALPHA**2) / 4,
    ("exp(w)", "w=0"): B - 1 - sp.log(B),
}


@pytest.mark.parametrize("network", KNOWN)
def test_known_penalties(network):
    assert sp.simplify(closed(Parametrisation(*network)).penalty - KNOWN[network]) == 0


@pytest.mark.parametrize(
    "network", [("erf(w)", "w=0"), ("a*b*c - d*e*f", "a=1, b=c=d=e=f=2"), ("abs(w)*w", "w=1"), ("u^2*v", "u=v=1")]
)
def test_where_no_rule_applies_there_is_no_closed_form(network):
    assert closed(Parametrisation(*network)) == Closed()


def test_a_wrong_penalty_does_not_invert_its_map():
    found = closed(Parametrisation("w*v - u*z", "w=v=u=z=alpha"))
    assert inverts(found.penalty, found.map)
    assert not inverts(found.penalty, 2 * found.map)
    assert not inverts(found.penalty + B / 10**9, found.map)
    assert not inverts(found.penalty + 1, found.map)


NO_MIRROR = {
    "one first layer, two readouts": ("w*v_1; w*v_2", "w=v_1=v_2=0.1"),
    "from a readout at zero": ("w*v_1; w*v_2", "w=v_1=0.1, v_2=0"),
    "both pathways": ("w*v_1 - u*z_1; w*v_2 - u*z_2", "w=u=v_1=z_1=v_2=z_2=0.1"),
    "gradients that do not commute": ("u*v; u^2 - v^2", "u=1, v=0.5"),
    "factors of a matrix": ("u11*v11 + u12*v21; u11*v12 + u12*v22", "u11=u12=v11=v21=v12=1, v22=2"),
    "shared weights": ("u^2*v; u*v^2", "u=v=1"),
    "weight normalisation": ("g*a/sqrt(a^2 + b^2); g*b/sqrt(a^2 + b^2)", "g=1, a=b=1/2"),
}
MIRROR = {
    "weights of their own": ("u^2 - v^2; a*b", "u=v=a=b=0.1"),
    "a commuting quadratic family": ("u^2 + v^2; 2*u*v", "u=1, v=0.5"),
    "linear": ("a + b; a - 2*b", "a=b=0"),
    "one output": ("a*b*c", "a=b=c=1"),
}


@pytest.mark.parametrize("what", NO_MIRROR)
def test_what_is_no_mirror_flow_has_a_witness(what):
    answer = decide(Parametrisation(*NO_MIRROR[what]))
    assert answer.mirror is False
    assert answer.witness.value != 0
    assert "does not return" in answer.reason


@pytest.mark.parametrize("what", MIRROR)
def test_what_commutes_is_a_mirror_flow(what):
    assert decide(Parametrisation(*MIRROR[what])).mirror is True


def test_a_defect_that_vanishes_at_the_start_is_found_on_the_way():
    """With both readouts at zero the defects, each in proportion to a readout, are zero."""
    answer = decide(Parametrisation("w*v_1; w*v_2", "w=1, v_1=v_2=0"))
    assert answer.mirror is False
    assert len(answer.witness.along) == 1


def test_dependent_gradients_are_not_decided():
    assert decide(Parametrisation("w^2; w^4", "w=1")).mirror is None


def test_the_start_of_one_coordinate_is_asked_for():
    with pytest.raises(InputError, match="give that of one coordinate"):
        decide(Parametrisation("w*v; w*u", {"w": [1.0, 2.0], "v": 1, "u": 1}))
