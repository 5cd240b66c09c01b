"""The rewritings that prove an equation, and that none of the two witnesses makes up for the other."""

import pytest
import sympy as sp

from normtheory.audit import inequalities, proving
from normtheory.audit.derivation import Derivation
from normtheory.audit.steps import Strength, Truth

x, y = sp.symbols("x y", positive=True)
r = sp.Symbol("r", real=True)


@pytest.fixture
def proof():
    return Derivation("test")


NESTED = sp.sqrt(3 + 2 * sp.sqrt(2)) - 1 - sp.sqrt(2)  # 0, which only the general rewritings see


def test_the_slow_rewritings_are_tried_where_the_points_agree(proof):
    assert proof.equal("nested roots", sp.sqrt(3 + 2 * sp.sqrt(2)), 1 + sp.sqrt(2))
    assert proof.equal("nested roots and an inverse", sp.asinh(sp.sinh(r)) + NESTED, r)
    assert proof.positive("in a form", x + NESTED, x)
    assert proof.positive_by_taylor("in a derivative", sp.exp(x) - 1 - x + NESTED, x, 2, sp.exp(x) + NESTED * x)
    assert [step.strength for step in proof.steps] == [Strength.SYMBOLIC] * 4
    assert [step.route for step in proof.steps[:2]] == ["simplification", "simplification of inverses"]


@pytest.mark.parametrize("angle", [r, 2 * r - 1])
@pytest.mark.parametrize("power", [sp.Rational(1, 2), sp.Rational(-1, 2), sp.Rational(3, 2)])
def test_roots_of_hyperbolic_squares_are_taken(angle, power):
    square = x * sp.sinh(angle) ** 2 + x
    found = proving._undo_inverses(square**power * sp.asinh(sp.sinh(r)) + sp.sinh(y) * sp.sqrt(y))
    assert found == x**power * sp.cosh(sp.expand(angle)) ** (2 * power) * r + sp.sinh(y) * sp.sqrt(y)


@pytest.mark.parametrize(
    "left",
    [
        sp.asinh(x) * sp.sinh(r),
        sp.asinh(sp.cosh(r)) + sp.sinh(r),
        sp.sqrt(r * sp.sinh(y) ** 2 + r),  # of unknown sign
        sp.sqrt(x * sp.sinh(r) ** 2 + 2 * x),
        sp.sqrt(x * sp.sinh(r) + x),
        (x * sp.sinh(r) ** 2 + x) ** sp.Rational(1, 3),
        sp.sqrt(x) + sp.sinh(r),
        sp.cosh(r) ** sp.Rational(1, 2) + sp.sinh(r) ** 2,
    ],
    ids=str,
)
def test_what_is_no_such_square_is_left(left):
    assert proving._undo_inverses(left) == left


TINY = sp.Rational(1, 10**60)  # far below the 36 digits to which points agree, and far above the 57 of their balls


def test_points_that_agree_do_not_make_up_for_a_symbolic_proof(proof):
    """Everything here is true but the equality, which is off by less than the points can tell."""
    assert not proof.equal("off by TINY", x + TINY, x)
    assert not proof.positive("form off by TINY", x**2 + 1 + TINY, x**2 + 1)
    assert not proof.positive("used form off by TINY", x + TINY, y, {y: x})
    assert not proof.positive_by_taylor("derivative off by TINY", sp.exp(x) - 1 - x + TINY * x**2, x, 2, sp.exp(x))
    assert [step.truth for step in proof.steps] == [Truth.UNDECIDED] * 4


def test_a_symbolic_proof_does_not_make_up_for_points_that_differ(proof, monkeypatch):
    monkeypatch.setattr(inequalities, "route_to_zero", lambda *_, **__: "a broken route")
    assert not proof.positive("another form", x**2 + 1, x**2 + 2)
    assert not proof.positive_by_taylor("another derivative", sp.sinh(x) - x, x, 2, sp.cosh(x))
    assert [step.truth for step in proof.steps] == [Truth.UNDECIDED] * 2
