from fractions import Fraction

import mpmath
import pytest
import sympy as sp
from flint import arb, ctx
from hypothesis import given
from hypothesis import strategies as st

from normtheory.audit import balls

x, y = sp.symbols("x y", real=True)
rationals = st.fractions(min_value=Fraction(1, 50), max_value=8, max_denominator=50)

EXPRESSIONS = [
    x**3 - sp.Rational(7, 3) * x * y + y**2,
    sp.sqrt(x**2 + y**2) / (1 + x),
    sp.exp(-x) * sp.sinh(y) + sp.cosh(x * y) - sp.tanh(x),
    sp.asinh(x / y) - sp.log(1 + x) + sp.acosh(1 + y),
    sp.Abs(x - y) + sp.pi * x - sp.E,
    x ** sp.Rational(1, 3) + y ** sp.Rational(-3, 2) + x**y,
    sp.Max(x, y) - sp.Min(x, 2 * y, 1),
    sp.sin(x) * sp.cos(y) + sp.tan(x / 10) + sp.atan(y) + sp.asin(x / 10) + sp.acos(y / 10),
    sp.erf(x) + sp.coth(y) + sp.atanh(x / 9),
]


@pytest.mark.parametrize("expression", EXPRESSIONS, ids=str)
@given(a=rationals, b=rationals)
def test_a_ball_holds_the_value_that_mpmath_computes(expression, a, b):
    ball = balls.enclose(expression, {x: a, y: b})
    with mpmath.workdps(80):
        at = [mpmath.mpf(value.numerator) / value.denominator for value in (a, b)]
        value = mpmath.mpf(sp.lambdify((x, y), expression, "mpmath")(*at))
        assert abs(mpmath.mpf(ball.mid().str(80, radius=False)) - value) <= mpmath.mpf("1e-50") * (1 + abs(value))
    assert ball.rad() <= 1e-50 * (1 + abs(ball))


@pytest.mark.parametrize("expression", EXPRESSIONS[:7], ids=str)
@given(low=rationals, width=rationals, inside=st.fractions(0, 1, max_denominator=20), b=rationals)
def test_a_ball_of_a_box_holds_the_values_at_its_points(expression, low, width, inside, b):
    side = balls.to_ball(low).union(balls.to_ball(low + width / 10))
    whole = balls.enclose(expression, {x: side, y: b})
    value = balls.enclose(expression, {x: low + inside * width / 10, y: b})
    assert not whole.is_finite() or whole.overlaps(value)


def test_powers_of_a_box_around_zero():
    around = arb(0, 2)
    assert balls.enclose(x**2, {x: around}) >= -1e-8
    assert balls.enclose(x**2, {x: around}).contains(arb(4))
    assert balls.enclose(x**3, {x: around}).contains(arb(-8))
    assert not balls.enclose(1 / x, {x: around}).is_finite()
    assert not balls.enclose(sp.sqrt(x), {x: around}).is_finite()
    assert not balls.enclose(sp.sqrt(x), {x: -1}).is_finite()


def test_what_cannot_be_enclosed_is_said():
    with pytest.raises(balls.CannotEncloseError, match="symbol y has no value"):
        balls.enclose(x + y, {x: 1})
    with pytest.raises(balls.CannotEncloseError, match="no ball for zeta"):
        balls.enclose(sp.zeta(x), {x: 3})
    with pytest.raises(balls.CannotEncloseError, match="neither a rational"):
        balls.enclose(x, {x: "1"})


def test_the_precision_is_used_and_restored():
    before = ctx.prec
    assert balls.enclose(sp.pi, precision=500).rad() < 1e-140
    assert ctx.prec == before
    with pytest.raises(balls.CannotEncloseError):
        balls.enclose(sp.zeta(x), {x: 3}, precision=500)
    assert ctx.prec == before


@pytest.mark.parametrize(
    ("value", "expected"), [(sp.sqrt(2) - sp.Rational(7, 5), 1), (3 - sp.pi, -1), (sp.sqrt(2) ** 2 - 2 + x - x, None)]
)
def test_sign(value, expected):
    assert balls.sign(value, {}) == expected


def test_the_sign_of_what_is_not_real_or_zero_is_undecided():
    assert balls.sign(sp.log(x), {x: -1}) is None
    assert balls.sign(sp.exp(x) * sp.exp(-x, evaluate=False) - 1, {x: 2}) is None


def test_differences_are_rigorous_and_agreement_needs_digits():
    tiny = sp.Rational(1, 10**50)
    assert balls.differs(x, x + tiny, {x: 1}) is True
    assert balls.differs(sp.sinh(x) ** 2 + 1, sp.cosh(x) ** 2, {x: sp.Rational(20)}) is False
    assert balls.differs(sp.exp(x) - sp.exp(x) * (1 - tiny), 0 * x, {x: sp.Rational(30)}) is True
    assert balls.differs(sp.log(x), sp.log(x), {x: -1}) is None
    assert balls.differs(sp.exp(100 * x) + 1 - sp.exp(100 * x, evaluate=False), sp.Integer(1), {x: 1}) is False


def test_a_box_is_certified_by_subdivision():
    result = balls.positive_on_box(sp.cosh(x) - 1 - x**2 / 2 + sp.Rational(1, 1000), {x: (-2, 2)})
    assert result.holds is True
    assert result.boxes > 1


def test_a_box_in_two_variables():
    difference = x**2 + y**2 - 2 * x * y + sp.Rational(1, 100)
    assert balls.positive_on_box(difference, {x: (-1, 1), y: (-1, 1)}).holds is True
    assert balls.positive_on_box(difference - sp.Rational(1, 50), {x: (-1, 1), y: (-1, 1)}).holds is False


def test_a_false_inequality_yields_an_exact_counterexample():
    expression = x**2 - x + sp.Rational(6, 25)  # negative between 2/5 and 3/5
    result = balls.positive_on_box(expression, {x: (0, sp.Rational(7, 5))})
    assert result.holds is False
    assert expression.subs(result.counterexample) <= 0


@pytest.mark.parametrize("slope", [1, -1])
def test_positive_at_the_centre_is_not_positive_on_the_box(slope):
    assert balls.positive_on_box(slope * x + sp.Rational(1, 4), {x: (-1, 1)}).holds is False


def test_a_zero_that_no_centre_hits_is_not_decided():
    result = balls.positive_on_box((x - sp.Rational(1, 3)) ** 2, {x: (0, 1)}, max_boxes=200)
    assert (result.holds, result.boxes) == (None, 200)


def test_strict_and_weak_inequalities_differ_at_an_attained_zero():
    assert balls.positive_on_box(x - x + 0 * x, {x: (0, 1)}, strict=False).holds is True
    assert balls.positive_on_box(x**2, {x: (-1, 1)}).holds is False
    assert balls.positive_on_box(x**2 + 1, {x: (-1, 1)}, strict=False).holds is True


def test_outside_the_domain_nothing_is_certified():
    assert balls.positive_on_box(sp.sqrt(x) + 1, {x: (-1, 1)}, max_boxes=100).holds is None
