"""Inequalities by implication: at the edge of truth false ones are rejected, weaker true ones accepted, the rest undecided."""

import re

import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from normtheory.audit.derivation import ContradictionError, Derivation
from normtheory.audit.notation import plain
from normtheory.audit.proving import sign_of_rational
from normtheory.audit.steps import Strength, Truth

x, y, t = sp.symbols("x y t", positive=True)
r = sp.Symbol("r", real=True)
TINY = sp.Rational(1, 10**6)


@pytest.fixture
def proof():
    return Derivation("test")


def truths(proof):
    return [step.truth for step in proof.steps]


# by the signs of symbols


def test_a_manifestly_positive_form(proof):
    assert proof.positive("square", x**2 - 2 * x * y + y**2 + x, (x - y) ** 2 + x)
    assert not proof.positive("form not equal", x**2 + 1, x**2 + 2)
    assert not proof.positive("form of unknown sign", x**2 - x + 1, x**2 - x + 1)
    assert not proof.positive("false", x - y, x - y)
    assert truths(proof)[1:] == [Truth.UNDECIDED, Truth.UNDECIDED, Truth.FALSE]


def test_without_a_form_the_signs_of_the_symbols_decide(proof):
    assert proof.positive("a sum", x / y + r**2)
    assert not proof.positive("of any sign", r)
    assert proof.positive("a square", r**2, strict=False)
    assert not proof.positive("a square may vanish", r**2)
    assert truths(proof) == [Truth.TRUE, Truth.FALSE, Truth.TRUE, Truth.UNDECIDED]
    assert proof.steps[0].reason.text == "signs of its symbols"


def test_only_what_was_shown_positive_may_be_used(proof):
    u, difference = sp.Symbol("u", positive=True), sp.exp(x) - 1 - x
    assert not proof.positive("too early", difference + x, u + x, {u: difference})
    assert proof.positive_by_taylor("exp is convex", difference, x, 2, sp.exp(x))
    assert proof.positive("now", difference + x, u + x, {u: difference})
    assert proof.positive("elsewhere", difference.subs(x, y + 1) + 1, u + 1, {u: difference}, {x: y + 1})
    assert not proof.positive("outside its domain", difference.subs(x, y - 1) + 1, u + 1, {u: difference}, {x: y - 1})
    assert plain(proof.steps[2].detail.text) == "it equals u + x, where u = exp(x) − x − 1, positive by an earlier step"


def test_what_may_vanish_is_not_manifestly_positive(proof):
    """True but at 0, or true but of a sign that the symbols do not tell: no random point shows it, nor may a form."""
    least, convex = sp.Symbol("t", nonnegative=True), x**2 - x + 1
    assert not proof.positive("a square", r**2, r**2)
    assert not proof.positive_by_taylor("at t = 0", sp.exp(least) - 1 - least, least, 2, sp.exp(least))
    assert not proof.positive_by_taylor("a factor 0", least * x**2 / 2, x, 2, least)
    assert not proof.positive_by_taylor("a sign not seen", x**4 / 12 - x**3 / 6 + x**2 / 2, x, 2, convex)
    assert proof.positive("known", sp.exp(x), sp.exp(x))
    assert not proof.positive("known, used at 0", sp.exp(least) + 1, y + 1, {y: sp.exp(x)}, {x: least})
    assert [truth for truth in truths(proof) if truth is not Truth.TRUE] == [Truth.UNDECIDED] * 5


def test_zero_is_not_positive(proof):
    assert not proof.positive("nothing", sp.Integer(0), x)
    assert not proof.positive("a square that is 0 at 0", (r - r) * x, x)
    assert not proof.certified("touching 0 at the centre", (x - 1) ** 2, {x: (0, 2)})
    assert not proof.certified_by_taylor("a constant 0", x - x, x, 1, 1)
    assert truths(proof) == [Truth.FALSE] * 4


def test_an_undecided_step_may_not_be_used(proof):
    u = sp.Symbol("u", positive=True)
    assert not proof.positive("not seen", x**2 - x + 1, x**2 - x + 1)
    assert not proof.positive("used", x**2 - x + 1 + y, y + u, {u: x**2 - x + 1})


@pytest.mark.parametrize("far", [1 + x - x**2 / 1000, x / y + 10**3 - y / x])
def test_what_is_false_far_out_only_is_found_there(proof, far):
    assert not proof.positive("in sight it is not seen to be false", far)
    assert truths(proof) == [Truth.FALSE]


# by an earlier one: whatever is stated is held against what is sharp


def sharp_bound(proof):
    """cosh(x) - 1 > x^2/2, where no larger factor holds."""
    sharp = sp.cosh(x) - 1 - x**2 / 2
    assert proof.positive_by_taylor("the sharp bound", sharp, x, 3, sp.sinh(x))
    return sharp


@pytest.mark.parametrize(
    "factor", [sp.Rational(1, 2), sp.Rational(1, 2) - TINY, sp.Rational(1, 3), sp.Integer(0), sp.Integer(-1)]
)
def test_weaker_bounds_are_accepted(proof, factor):
    sharp = sharp_bound(proof)
    assert proof.exceeds("as stated", sp.cosh(x) - 1, factor * x**2, sharp)


@pytest.mark.parametrize("factor", [sp.Rational(51, 100), sp.Rational(3, 5), sp.Integer(1)])
def test_sharper_ones_are_rejected_where_a_point_shows_it(proof, factor):
    sharp = sharp_bound(proof)
    assert not proof.exceeds("as stated", sp.cosh(x) - 1, factor * x**2, sharp)
    assert proof.steps[-1].truth is Truth.FALSE


def test_false_by_too_little_for_the_points_is_never_accepted(proof):
    sharp = sharp_bound(proof)
    assert not proof.exceeds("as stated", sp.cosh(x) - 1, (sp.Rational(1, 2) + TINY) * x**2, sharp)
    assert proof.steps[-1].truth is not Truth.TRUE


def test_what_was_not_shown_supports_nothing(proof):
    assert not proof.exceeds("nothing before it", sp.cosh(x) - 1, x**2 / 3, sp.cosh(x) - 1 - x**2 / 2)
    assert proof.steps[-1].truth is Truth.UNDECIDED


def test_without_an_earlier_one_the_difference_itself_must_have_a_sign(proof):
    assert proof.exceeds("a square", x**2 + y**2, 2 * x * y, sp.Integer(0))
    assert proof.exceeds("a sum", x + y, x, sp.Integer(0))
    assert not proof.exceeds("no signs", sp.cosh(x), 1 + x**2 / 3, sp.Integer(0))
    assert truths(proof) == [Truth.TRUE, Truth.TRUE, Truth.UNDECIDED]
    assert [plain(step.reason.text) for step in proof.steps[:2]] == [
        "signs of symbols: it equals (x − y)²",
        "signs of symbols: it equals y",
    ]


# by Taylor's theorem


def test_taylor_needs_every_lower_derivative_to_vanish(proof):
    assert proof.positive_by_taylor("sinh x > x", sp.sinh(x) - x, x, 2, sp.sinh(x))
    assert not proof.positive_by_taylor("value at 0 is not 0", 1 + sp.sinh(x) - x, x, 2, sp.sinh(x))
    assert not proof.positive_by_taylor("wrong derivative", sp.sinh(x) - x, x, 2, sp.cosh(x))
    assert not proof.positive_by_taylor("variable of any sign", sp.exp(r) - 1 - r, r, 2, sp.exp(r))
    assert truths(proof) == [Truth.TRUE] + [Truth.UNDECIDED] * 3


def test_taylor_with_a_derivative_that_may_vanish_is_not_strict(proof):
    nowhere = sp.Symbol("z", nonnegative=True)
    assert not proof.positive_by_taylor("strictly", nowhere * x**2 / 2, x, 2, nowhere)
    assert proof.positive_by_taylor("not strictly", nowhere * x**2 / 2, x, 2, nowhere, strict=False)


@pytest.mark.parametrize("order", [0, 1])
def test_a_lower_derivative_that_almost_vanishes_is_seen(proof, order):
    """False within 1e-9 of 0 alone, where no random point falls."""
    least = sp.Rational(1, 10**9) * x**order
    assert not proof.positive_by_taylor("exp", sp.exp(x) - 1 - x - least, x, 2, sp.exp(x))
    assert not proof.certified_by_taylor("exp in balls", sp.exp(x) - 1 - x - least, x, 2, 1)
    assert truths(proof) == [Truth.UNDECIDED] * 2


# rational functions between two ends, by Sturm's theorem


@pytest.mark.parametrize(
    ("expression", "low", "high", "holds"),
    [
        (x**2 - 2 * x + 2, 0, None, True),
        (x - 1, 1, 2, True),  # a root at the end
        (x - 1, sp.Rational(99, 100), 2, False),
        ((x - 1) ** 2, 0, 2, False),  # touches 0 at a rational point
        ((x - 1) ** 2, 1, 2, True),
        ((2 - x) / (1 + x), 0, 2, True),
        ((2 - x) / (1 + x), 0, None, False),
        (1 / (x - 3), 0, 2, False),
        (sp.Integer(0) * x, 0, 1, False),
        (x**2 - 2, sp.Rational(1414, 1000), None, False),  # below the root of 2 by a little
        (x**2 - 2, sp.Rational(1415, 1000), None, True),
    ],
)
def test_rational_functions_are_decided_exactly(proof, expression, low, high, holds):
    assert proof.positive_between("between", expression, x, low, high) is holds
    assert truths(proof) == [Truth.TRUE if holds else Truth.FALSE]
    assert proof.steps[0].strength is Strength.SYMBOLIC


def test_touching_zero_at_an_irrational_point_is_not_accepted(proof):
    assert not proof.positive_between("touching", (x**2 - 2) ** 2, x, 0, 2)
    assert truths(proof) == [Truth.UNDECIDED]


def test_other_functions_need_what_is_known(proof):
    exponential = sp.exp(x) - 1 - x
    assert not proof.positive_between("no rational function", sp.exp(x) - x, x, 0, 1)
    assert not proof.positive_between("unknown", sp.exp(x) - x, x, 0, 1, known=exponential)
    assert proof.positive_by_taylor("exp is convex", exponential, x, 2, sp.exp(x))
    assert proof.positive_between("by it", sp.exp(x) - x, x, 0, 1, known=exponential)
    assert not proof.positive_between("too much", sp.exp(x) - 1 - x - x**2, x, 0, 1, known=exponential)
    assert truths(proof)[:2] == [Truth.UNDECIDED] * 2
    assert proof.steps[-1].truth is Truth.FALSE


def test_what_holds_between_two_ends_is_not_known_everywhere(proof):
    u = sp.Symbol("u", positive=True)
    assert proof.positive_between("beyond one", x - 1, x, 1)
    assert not proof.positive("used elsewhere", x - 1 + y, u + y, {u: x - 1})


roots = st.lists(st.fractions(-3, 3, max_denominator=5), min_size=1, max_size=4)
ends = st.tuples(st.fractions(-3, 3, max_denominator=7), st.fractions(min_value="1/7", max_value=3, max_denominator=7))


@given(roots=roots, ends=ends, sign=st.sampled_from([-1, 1]))
def test_the_sign_of_a_product_of_linear_factors(roots, ends, sign):
    """Known roots: positive between the ends if none lies between them and the sign in the middle is positive."""
    low, high = ends[0], ends[0] + ends[1]
    middle = (low + high) / 2
    value = sign
    for root in roots:
        value *= middle - root
    holds = value > 0 and not any(low < root < high for root in roots)
    polynomial = sign * sp.prod([r - sp.Rational(root) for root in roots])
    found, point = sign_of_rational(polynomial, r, sp.Rational(low), sp.Rational(high))
    assert found is holds
    if not holds:
        assert low < point < high
        assert polynomial.subs(r, point) <= 0


# by convexity

SHARE = sp.Symbol("share", real=True)


def test_a_convex_function_is_above_its_tangent(proof):
    assert proof.nonnegative_by_convexity("exp above its tangent", sp.exp(r) - 1 - r, r, 0, sp.exp(r))
    assert proof.exceeds("or less", sp.exp(r), 1 + r, sp.exp(r) - 1 - r)
    assert not proof.nonnegative_by_convexity("not its tangent", sp.exp(r) - 1 - 2 * r, r, 0, sp.exp(r))
    assert not proof.nonnegative_by_convexity("wrong curvature", sp.exp(r) - 1 - r, r, 0, 2 * sp.exp(r))
    assert truths(proof) == [Truth.TRUE, Truth.TRUE, Truth.FALSE, Truth.UNDECIDED]


def test_convexity_on_an_interval_is_used_on_it_only(proof):
    """The curvature of this cubic is positive above -1/2 only, and the cubic negative below -3/2."""
    cubic, above = r**3 + 3 * r**2 / 2, sp.Symbol("p", positive=True)
    assert not proof.nonnegative_by_convexity("everywhere", cubic, r, 0, 6 * r + 3)
    where = {r: above - sp.Rational(1, 2)}
    assert proof.nonnegative_by_convexity("above -1/2", cubic, r, 0, 6 * above, where, {r: SHARE / 2})
    assert proof.exceeds("so is more", cubic + r**2, 0, cubic)
    assert not proof.exceeds("but not less", cubic - 2 * r**2, 0, cubic)
    assert truths(proof) == [Truth.FALSE, Truth.TRUE, Truth.TRUE, Truth.FALSE]
    assert "for r = p − 1/2" in plain(proof.steps[1].reason.text)


def test_a_domain_wider_than_the_proof_is_a_contradiction(proof):
    cubic, above = r**3 + 3 * r**2 / 2, sp.Symbol("p", positive=True)
    with pytest.raises(ContradictionError, match="was proved"):
        proof.nonnegative_by_convexity("beyond", cubic, r, 0, 6 * above, {r: above - sp.Rational(1, 2)}, {r: 2 * SHARE})


# in balls


def test_balls_certify_a_box_and_say_so(proof):
    assert proof.certified("on a box", sp.cosh(x) - 1 - x**2 / 2, {x: (sp.Rational(1, 2), 2)})
    assert not proof.certified("false on a box", x - 1, {x: (0, 2)})
    assert [step.strength for step in proof.steps] == [Strength.BALL] * 2
    assert proof.steps[1].rigorous


def test_false_at_a_corner_of_the_box_only(proof):
    assert not proof.certified("at the far end", 2 - x, {x: (0, 2)})
    assert not proof.certified("at a corner", 3 - x - y, {x: (0, 2), y: (0, 1)})
    assert proof.certified("a little less", 3 + TINY - x - y, {x: (0, 2), y: (0, 1)})
    assert truths(proof) == [Truth.FALSE, Truth.FALSE, Truth.TRUE]


def test_a_box_that_reaches_just_beyond_the_truth_is_refuted(proof):
    assert not proof.certified("on [-6/5, 6/5]", 1 - r**2, {r: (sp.Rational(-6, 5), sp.Rational(6, 5))})
    assert not proof.certified("a hair beyond 1", 1 - r**2, {r: (-1, 1 + sp.Rational(1, 10**4))})
    assert all(step.truth is Truth.FALSE and step.rigorous for step in proof.steps)


def test_the_box_is_the_stated_one(proof):
    """What is certified is negative just outside, and the text says where."""
    tenth = sp.Rational(1, 10)
    assert proof.certified("between 1 and 2", (r - 1 + tenth) * (2 + tenth - r), {r: (1, 2)})
    assert proof.steps[-1].detail.text.endswith("boxes that cover r in [1, 2]")
    assert proof.certified_by_taylor("up to 2", x**2 * (2 + tenth - x), x, 2, sp.Rational(1, 2))
    pattern = r"zero of order 2 at 0; derivative 2 is positive on each of \d+ boxes that cover x in \[0, 1/2\]"
    assert re.search(pattern, proof.steps[-1].detail.text)
    assert not proof.certified_by_taylor("too far", x**2 * (4 - x), x, 2, 2)
    assert "derivative 2 is not positive at x = " in proof.steps[-1].detail.text
    assert not proof.certified("0 at 1/3, which is no centre", (r - sp.Rational(1, 3)) ** 2, {r: (0, 1)})
    assert proof.steps[-1].detail.text == "it is undecided on r in [0, 1] after 4000 boxes"
    assert [step.strength for step in proof.steps] == [Strength.BALL] * 4


def test_balls_and_taylor_near_zero(proof):
    assert proof.certified_by_taylor("cosh", sp.cosh(x) - 1 - x**2 / 2, x, 4, 1)
    assert not proof.certified_by_taylor("wrong order", sp.cosh(x) - 1, x, 4, 1)
    assert not proof.certified_by_taylor("a positive function whose 4th derivative is not", x**2 - x**4 / 100, x, 2, 10)


def test_certified_on_a_box_is_not_positive_everywhere(proof):
    u = sp.Symbol("u", positive=True)
    assert proof.certified("on a box", x - 1, {x: (2, 3)})
    assert not proof.positive("used outside", x - 1 + y, u + y, {u: x - 1})


# the size of a term decides, whatever its place


@given(constant=st.fractions(min_value="1/20", max_value=2, max_denominator=20))
def test_the_sharp_constant_separates_true_from_false(constant):
    """sinh(t) > c t for t > 0 holds for c <= 1 alone, and the check says so for every c it is asked about."""
    proof = Derivation("sharp")
    sharp = sp.sinh(t) - t
    assert proof.positive_by_taylor("the sharp one", sharp, t, 2, sp.sinh(t))
    accepted = proof.exceeds("as stated", sp.sinh(t), sp.Rational(constant) * t, sharp)
    assert accepted is (constant <= 1)
    if constant > sp.Rational(101, 100):
        assert proof.steps[-1].truth is Truth.FALSE
