from fractions import Fraction

import mpmath
import pytest
import sympy as sp
from flint import arb, ctx
from hypothesis import example, given, settings
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
    assert balls.enclose(x ** sp.Rational(3, 2), {x: 0}) == 0
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


def one_after_cancelling(size):
    """1, computed as a sum whose terms are exp(size)/2 and cancel."""
    return sp.sinh(size * x) - sp.exp(size * x) / 2 + sp.exp(-size * x) / 2 + 1


@pytest.mark.parametrize("size", [72, 80, 300, 1800])
def test_digits_lost_to_cancellation_are_made_up_for_by_precision(size):
    """At the first precision the ball of the difference holds 0 in each case, and is far wider than 36 digits."""
    off = sp.Rational(1, 10**30)
    assert balls.sign(one_after_cancelling(size) - 1 + off, {x: 1}) is None
    assert balls.differs(one_after_cancelling(size), sp.Integer(1), {x: 1}) is False
    assert balls.differs(one_after_cancelling(size) + off, sp.Integer(1), {x: 1}) is True
    assert balls.differs(sp.Integer(1), one_after_cancelling(size) - off, {x: 1}) is True


def test_digits_are_counted_from_one_or_the_values():
    """From 1 beside 0, where terms of 1e31 cancel; from values of 1e1042, to which no precision allowed has 36 decimals."""
    assert balls.differs(one_after_cancelling(72) - 1, sp.Integer(0), {x: 1}) is False
    assert balls.differs(sp.sinh(x) ** 2 + 1, sp.cosh(x) ** 2, {x: 1200}) is False


def test_what_no_precision_allowed_can_tell_is_undecided():
    assert balls.differs(one_after_cancelling(4000), sp.Integer(1), {x: 1}) is None


ends = st.fractions(min_value=-3, max_value=3, max_denominator=12)


def between(ball):
    """The ends of a ball, as the exact binary fractions that they are."""
    parts = [end.mid().man_exp() for end in (ball.lower(), ball.upper())]
    return [Fraction(int(mantissa)) * Fraction(2) ** int(exponent) for mantissa, exponent in parts]


@given(first=ends, second=ends, inside=st.fractions(0, 1, max_denominator=12), power=st.integers(-5, 5))
@example(first=Fraction(-1), second=Fraction(2), inside=Fraction(1, 3), power=2)
@example(first=Fraction(-3), second=Fraction(-1), inside=Fraction(0), power=-2)
@example(first=Fraction(0), second=Fraction(0), inside=Fraction(0), power=3)
@example(first=Fraction(1), second=Fraction(1, 7), inside=Fraction(0), power=-5)
def test_powers_of_a_box_hold_the_powers_of_its_points(first, second, inside, power):
    """Also of negative numbers, and roots, which are squared; a power of a box is no wider than its values."""
    low, high = sorted((first, second))
    base, side = low + inside * (high - low), balls.to_ball(low).union(balls.to_ball(high))
    ball = balls.enclose(sp.Pow(x, power, evaluate=False), {x: side})
    if power < 0 and low <= 0 <= high:
        assert not ball.is_finite()
        return
    least, most = between(ball)
    assert least <= base**power <= most
    values = [low**power, high**power, *[Fraction(0)] * (low <= 0 <= high and power > 0)]
    slack = (1 + max(map(abs, values))) / 10**5  # a box has a radius of 30 bits
    assert min(values) - slack <= least <= most <= max(values) + slack
    root = balls.enclose(x ** sp.Rational(power, 2), {x: side})
    if power % 2 and low > 0:
        least, most = between(root)
        assert max(least, 0) ** 2 <= base**power <= most**2
    assert not (root.is_finite() and power % 2 and low < 0)


TENTH = sp.Rational(1, 10)
BARELY_FALSE = [
    (1 - x**2, {x: (-12 * TENTH, 12 * TENTH)}),
    (1 - x**3, {x: (-11 * TENTH, 11 * TENTH)}),
    (1 - x * y, {x: (-11 * TENTH, 11 * TENTH), y: (-11 * TENTH, 11 * TENTH)}),
    (2 - x**2 - y**2, {x: (-11 * TENTH, 11 * TENTH), y: (-11 * TENTH, 11 * TENTH)}),
    (sp.cosh(1) - sp.cosh(x), {x: (-11 * TENTH, 11 * TENTH)}),
    (x**2 - sp.Rational(1, 10**9), {x: (sp.Rational(-5, 7), sp.Rational(4, 7))}),  # two zeros within 1e-4 of each other
    (x - sp.Rational(1, 3), {x: (0, 1)}),
    (1 - sp.exp(x) * sp.sinh(y), {x: (-TENTH, TENTH), y: (0, sp.Rational(5, 6))}),
]


@pytest.mark.parametrize(("expression", "box"), BARELY_FALSE, ids=lambda value: str(value))
@pytest.mark.parametrize("strict", [True, False])
def test_what_is_false_at_the_edge_of_a_box_is_not_certified(expression, box, strict):
    result = balls.positive_on_box(expression, box, strict=strict)
    assert result.holds is False
    assert all(low <= result.counterexample[symbol] <= high for symbol, (low, high) in box.items())
    assert balls.sign(expression, result.counterexample) == -1


shares = st.fractions(min_value=Fraction(1, 9), max_value=5, max_denominator=9)
places = st.fractions(min_value=3, max_value=9, max_denominator=5)


@given(squares=st.tuples(shares, shares), mixed=shares, at=st.tuples(places, places), half=st.tuples(shares, shares))
@settings(max_examples=25)
def test_the_taylor_form_of_a_quadratic_is_exact(squares, mixed, at, half):
    """1 - r H(x - c)/(its largest value) for r beside 1, written out: true at once below 1, false in a corner above."""
    form = squares[0] * x**2 + 2 * mixed * x * y + squares[1] * y**2
    form = form / form.subs({x: half[0], y: half[1]})
    centred = form.subs({x: x - at[0], y: y - at[1]}, simultaneous=True)
    box = {symbol: (c - w, c + w) for symbol, c, w in zip((x, y), at, half, strict=True)}
    true, false = (sp.expand(1 - (1 + sign * sp.Rational(1, 10**6)) * centred) for sign in (-1, 1))
    assert balls.positive_on_box(true, box) == balls.BoxResult(True, 1)
    assert balls.positive_on_box(false, box, max_boxes=30).holds is not True


@given(
    coefficients=st.lists(st.integers(-4, 4), min_size=9, max_size=9),
    at=st.tuples(st.fractions(-1, 1, max_denominator=7), st.fractions(-1, 1, max_denominator=7)),
)
@settings(max_examples=15)
def test_what_vanishes_inside_is_neither_positive_nor_negative(coefficients, at):
    """A polynomial less its value at a point of the box is not positive there; its square is not, and is not negative."""
    monomials = [x**i * y**j for i in range(4) for j in range(4) if 0 < i + j < 4]
    polynomial = sum(c * m for c, m in zip(coefficients, monomials, strict=True))
    vanishing = sp.expand(polynomial - polynomial.subs(dict(zip((x, y), at, strict=True))))
    box = {x: (-1, 1), y: (-1, 1)}
    assert balls.positive_on_box(vanishing, box, max_boxes=40).holds is not True
    assert balls.positive_on_box(sp.expand(vanishing**2), box, max_boxes=40).holds is not True
    assert balls.positive_on_box(sp.expand(vanishing**2), box, max_boxes=40, strict=False).holds is not False


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
    assert balls.positive_on_box(x**2, {x: (0, 1)}, max_boxes=20).holds is None  # 0 at a corner alone
    assert [balls._settled(arb(0), strict) for strict in (True, False)] == [False, True]
    assert [balls._violated(arb(0), strict) for strict in (True, False)] == [True, False]


@pytest.mark.parametrize("ball", [arb("inf"), arb("-inf"), arb("nan"), arb(0, "inf")], ids=str)
def test_what_is_not_finite_decides_nothing(ball):
    assert balls.sign(x, {x: ball}) is None
    assert balls.differs(x, sp.Integer(0), {x: ball}) is None
    for strict in (True, False):
        assert not balls._settled(ball, strict)
        assert not balls._violated(ball, strict)


def test_outside_the_domain_nothing_is_certified():
    assert balls.positive_on_box(sp.sqrt(x) + 1, {x: (-1, 1)}, max_boxes=100).holds is None
