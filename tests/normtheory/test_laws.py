"""Conservation laws: known ones are found, none that is false, and how many there are is bounded from both sides."""

import re

import numpy as np
import pytest
import sympy as sp
from drawn import examples
from hypothesis import given
from hypothesis import strategies as st

from normtheory.arrays import InputError
from normtheory.parametrisations import Parametrisation
from normtheory.parametrisations.exact import enclosed, kernel, rank
from normtheory.parametrisations.language import read_network, written
from normtheory.parametrisations.laws import is_law, laws
from normtheory.parametrisations.lie import bracket

# Network -> laws as they are written, and the largest possible number of independent ones.
KNOWN = {
    "w*v": (["w^2 - v^2"], 1),
    "w*v - u*z": (["w^2 - v^2", "u^2 - z^2", "v*u + w*z"], 3),
    "u^2 - v^2": (["u*v"], 1),
    "a*b*c": (["a^2 - b^2", "a^2 - c^2"], 2),
    "u^2*v": (["u^2 - 2*v^2"], 1),
    "u^3 - v^3": (["1/(3*v) + 1/(3*u)"], 1),
    "exp(w)*v": (["2*w - v^2"], 1),
    "tanh(w)*v": (["v^2/2 - cosh(2*w)/4"], 1),
    "w*v_1; w*v_2": (["w^2 - v_1^2 - v_2^2"], 1),
    "w*v_1 - u*z_1; w*v_2 - u*z_2": (["w^2 - v_1^2 - v_2^2", "u^2 - z_1^2 - z_2^2", "w*u + v_1*z_1 + v_2*z_2"], 3),
    "g*a/sqrt(a^2 + b^2); g*b/sqrt(a^2 + b^2)": (["a^2 + b^2"], 1),
    "a*b*c - d*e*f": (["a^2 - b^2", "a^2 - c^2", "d^2 - e^2", "d^2 - f^2"], 5),
    "erf(w)*v": ([], 1),
    "tanh(w)*v - tanh(z)*u": (["v^2/2 - cosh(2*w)/4", "u^2/2 - cosh(2*z)/4"], 3),
}


@pytest.mark.parametrize("text", KNOWN)
def test_known_laws_are_found_and_bounded(text):
    network = Parametrisation(text)
    found, (expected, most) = laws(network), KNOWN[text]
    for law, each in zip(found.found, expected, strict=True):
        assert sp.simplify((law.expression - read(each)).rewrite(sp.exp)) == 0, written(law.expression, network.weights)
    assert found.at_most == most
    assert found.complete == (len(expected) == most)


def read(text):
    """As the language, and with cosh."""
    exponentials = re.sub(r"cosh\((.*?)\)", r"((exp(\1) + exp(-(\1)))/2)", text)
    return read_network(exponentials)["beta"]


def test_linear_networks_of_matrices_conserve_their_balance():
    """beta = U V with 2 x 2 factors: the entries of U^T U - V V^T, and no others."""
    entries = {f"b{i}{j}": "+".join(f"u{i}{k}*v{k}{j}" for k in "12") for i in "12" for j in "12"}
    network = Parametrisation("; ".join(f"{name} = {value}" for name, value in entries.items()))
    found = laws(network)
    U, V = (sp.Matrix(2, 2, lambda i, j, x=x: sp.Symbol(f"{x}{i + 1}{j + 1}", real=True)) for x in "uv")
    balance = U.T * U - V * V.T
    assert found.complete
    assert found.at_least == 3
    assert all(is_law(balance[i, j], network) for i, j in ((0, 0), (0, 1), (1, 1)))
    assert not is_law(balance[0, 0] + U[0, 0], network)


@pytest.mark.parametrize(
    ("law", "text"),
    [
        ("w^2 + v^2", "w*v"),
        ("w^2 - 2*v^2", "w*v"),
        ("w - v", "w*v"),
        ("w^2 - v_1^2", "w*v_1; w*v_2"),
        ("w*z - v*u", "w*v - u*z"),
        ("v^2 - 2*w^2", "exp(w)*v"),
        ("v^2 - tanh(w)^2", "tanh(w)*v"),
    ],
)
def test_false_laws_are_not_accepted(law, text):
    assert not is_law(read_network(law)["beta"], Parametrisation(text))


def test_an_ansatz_of_ones_own_is_looked_at():
    network = Parametrisation("tanh(w)*v")
    assert laws(network, highest=0, ansatz=["exp(2*w)", "exp(-2*w)", "v^2"]).at_least == 1
    with pytest.raises(InputError, match="the ansatz names q"):
        laws(network, ansatz=["q^2"])


def test_decay_and_momentum():
    """Homogeneous laws decay at a known rate under weight decay; rotations give angular momenta."""
    degrees = {text: [law.degree for law in laws(Parametrisation(text)).found] for text in ("w*v", "u^3 - v^3", "exp(w)*v")}
    assert degrees == {"w*v": [2], "u^3 - v^3": [-1], "exp(w)*v": [None]}
    assert [str(each) for each in laws(Parametrisation("(a^2 + b^2)*c")).noether] == ["a*b' - a'*b"]
    assert laws(Parametrisation("w*v")).noether == ()


@examples(5)
@given(st.integers(0, 2**32 - 1))
def test_laws_of_drawn_polynomials_are_constant_along_their_fields(seed):
    """At random points, by numbers: a second route beside the symbolic one."""
    draw = np.random.default_rng(seed)
    names, terms = "abcd", []
    for _ in range(draw.integers(1, 4)):
        powers = draw.integers(0, 3, size=4)
        terms.append(f"{draw.choice([-2, -1, 1, 3])}*" + "*".join(f"{n}^{p}" for n, p in zip(names, powers, strict=True)))
    text = " + ".join(terms) + " + a*b"
    network = Parametrisation(text)
    found = laws(network)
    assert found.at_least <= found.at_most == len(network.weights) - 1
    point = {w: float(x) for w, x in zip(network.weights, draw.uniform(0.5, 2, 4), strict=False)}
    for law in found.found:
        slope = [float(sp.diff(law.expression, w).subs(point)) for w in network.weights]
        field = [float(each.subs(point)) for each in network.gradients[0]]
        assert abs(np.dot(slope, field)) <= 1e-10 * np.linalg.norm(slope) * np.linalg.norm(field)


def test_brackets_are_those_of_the_definition():
    x, y = sp.symbols("x y", real=True)
    assert bracket((y, sp.Integer(0)), (sp.Integer(0), x), (x, y)) == (-x, y)


def test_ranks_are_exact_or_certified():
    x = sp.Symbol("x", real=True)
    nearly = [[sp.Integer(1), sp.Integer(1)], [sp.Integer(1), 1 + sp.Rational(1, 10**30)]]
    assert rank(nearly, {}) == 2  # which floats cannot tell
    assert rank([[sp.exp(x), sp.exp(2 * x)], [sp.Integer(1), sp.exp(x)]], {x: sp.Rational(1, 3)}) == 1
    assert rank([[sp.exp(x), sp.sqrt(2)], [sp.Integer(1), sp.erf(x)]], {x: sp.Rational(1, 3)}) == 2
    assert rank([[sp.log(x)]], {x: sp.Integer(-1)}) == 0


def test_kernels_hold_short_primitive_relations():
    rational = [{"p": sp.Rational(1, 2)}, {"p": sp.Rational(1, 3), "q": sp.Integer(1)}, {"q": sp.Integer(2)}, {}]
    vectors = kernel(rational)
    assert len(vectors) == 2
    for vector in vectors:
        total = {place: sum(c * column.get(place, 0) for c, column in zip(vector, rational, strict=True)) for place in "pq"}
        assert set(total.values()) == {0}
    assert kernel([]) == []


@pytest.mark.parametrize("function", [sp.exp, sp.log, sp.tanh, sp.erf, sp.sqrt, sp.cosh, lambda z: z**-3])
def test_balls_hold_the_values_of_functions(function):
    value = function(sp.Rational(7, 5))
    assert abs(float(enclosed(value).mid()) - float(value)) < 1e-14
