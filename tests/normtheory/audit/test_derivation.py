import re

import pytest
import sympy as sp

from normtheory.audit import derivation
from normtheory.audit.derivation import ContradictionError, Derivation, Strength, Truth

x, y = sp.symbols("x y", positive=True)
r = sp.Symbol("r", real=True)


@pytest.fixture
def proof():
    return Derivation("test")


def only(proof):
    (step,) = proof.steps
    return step


def test_an_identity_is_proved_and_evaluated(proof):
    assert proof.equal("doubling", sp.sinh(2 * r), 2 * sp.sinh(r) * sp.cosh(r))
    step = only(proof)
    assert (step.truth, step.strength, step.equation) == (Truth.TRUE, Strength.SYMBOLIC, "sinh(2*r) = 2*sinh(r)*cosh(r)")
    assert "8 random points agree" in step.detail


NESTED = sp.sqrt(3 + 2 * sp.sqrt(2)) - 1 - sp.sqrt(2)  # 0, which only the general rewritings see


def test_the_slow_rewritings_are_tried_where_the_points_agree(proof):
    assert proof.equal("nested roots", sp.sqrt(3 + 2 * sp.sqrt(2)), 1 + sp.sqrt(2))
    assert proof.equal("nested roots and an inverse", sp.asinh(sp.sinh(r)) + NESTED, r)
    assert proof.positive("in a form", x + NESTED, x)
    assert proof.positive_by_taylor("in a derivative", sp.exp(x) - 1 - x + NESTED, x, 2, sp.exp(x) + NESTED * x)
    assert [step.strength for step in proof.steps] == [Strength.SYMBOLIC] * 4


@pytest.mark.parametrize("angle", [r, 2 * r - 1])
@pytest.mark.parametrize("power", [sp.Rational(1, 2), sp.Rational(-1, 2), sp.Rational(3, 2)])
def test_roots_of_hyperbolic_squares_are_taken(angle, power):
    square = x * sp.sinh(angle) ** 2 + x
    found = derivation._undo_inverses(square**power * sp.asinh(sp.sinh(r)) + sp.sinh(y) * sp.sqrt(y))
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
    assert derivation._undo_inverses(left) == left


def test_a_false_equation_gets_a_rigorous_counterexample(proof):
    assert not proof.equal("tripled", 2 * x, 3 * x)
    step = only(proof)
    assert step.truth is Truth.FALSE
    assert step.rigorous
    value = sp.Rational(step.detail.split("x = ")[1].split(":")[0])
    assert f"left = {float(2 * value):.6g}"[:8] in step.detail


def test_equal_on_one_sign_only_is_false_for_real_symbols(proof):
    assert proof.equal("positive", sp.sqrt(x**2), x)
    assert not proof.equal("any sign", sp.Abs(r), r)
    assert proof.steps[1].truth is Truth.FALSE


def test_agreement_without_a_symbolic_proof_is_undecided(proof, monkeypatch):
    monkeypatch.setattr(derivation, "_proves_zero", lambda *_, **__: False)
    assert not proof.equal("true, but not seen", x + y, y + x)
    assert only(proof).truth is Truth.UNDECIDED
    assert only(proof).detail == "8 points agree, but no symbolic proof was found"


def test_a_symbolic_proof_without_points_is_undecided(proof):
    assert not proof.equal("nowhere real", sp.log(-x) - sp.log(-x, evaluate=False) + 1 - 1 + sp.log(-x), sp.log(-x))
    assert only(proof).truth is Truth.UNDECIDED
    assert only(proof).detail == "0 points agree, but no point of its domain could be evaluated"


def test_contradicting_routes_stop_the_derivation(proof):
    with pytest.raises(ContradictionError, match="yet they differ"):
        proof.equal("sympy misled", x, y, by=lambda e: 0 * e)


def test_a_contradicted_inequality_stops_the_derivation(proof, monkeypatch):
    monkeypatch.setattr(derivation, "_proves_zero", lambda *_, **__: True)
    monkeypatch.setattr(Derivation, "_compare", lambda *_: (None, 8))
    with pytest.raises(ContradictionError, match="was proved"):
        proof.positive("negative", -x, x)


def test_a_manifestly_positive_form(proof):
    assert proof.positive("square", x**2 - 2 * x * y + y**2 + x, (x - y) ** 2 + x)
    assert not proof.positive("form not equal", x**2 + 1, x**2 + 2)
    assert not proof.positive("form of unknown sign", x**2 - x + 1, x**2 - x + 1)
    assert not proof.positive("false", x - y, x - y)
    assert [step.truth for step in proof.steps[1:]] == [Truth.UNDECIDED, Truth.UNDECIDED, Truth.FALSE]


TINY = sp.Rational(1, 10**60)  # far below the 36 digits to which points agree, and far above the 57 of their balls


def test_points_that_agree_do_not_make_up_for_a_symbolic_proof(proof):
    """Everything here is true but the equality, which is off by less than the points can tell."""
    assert not proof.equal("off by TINY", x + TINY, x)
    assert not proof.positive("form off by TINY", x**2 + 1 + TINY, x**2 + 1)
    assert not proof.positive("used form off by TINY", x + TINY, y, {y: x})
    assert not proof.positive_by_taylor("derivative off by TINY", sp.exp(x) - 1 - x + TINY * x**2, x, 2, sp.exp(x))
    assert [step.truth for step in proof.steps] == [Truth.UNDECIDED] * 4


def test_a_symbolic_proof_does_not_make_up_for_points_that_differ(proof, monkeypatch):
    monkeypatch.setattr(derivation, "_proves_zero", lambda *_, **__: True)
    assert not proof.positive("another form", x**2 + 1, x**2 + 2)
    assert not proof.positive_by_taylor("another derivative", sp.sinh(x) - x, x, 2, sp.cosh(x))
    assert [step.truth for step in proof.steps] == [Truth.UNDECIDED] * 2


@pytest.mark.parametrize("order", [0, 1])
def test_a_lower_derivative_that_almost_vanishes_is_seen(proof, order):
    """False within 1e-9 of 0 alone, where no random point falls."""
    least = sp.Rational(1, 10**9) * x**order
    assert not proof.positive_by_taylor("exp", sp.exp(x) - 1 - x - least, x, 2, sp.exp(x))
    assert not proof.certified_by_taylor("exp in balls", sp.exp(x) - 1 - x - least, x, 2, 1)
    assert [step.truth for step in proof.steps] == [Truth.UNDECIDED] * 2


def test_zero_is_not_positive(proof):
    assert not proof.positive("nothing", sp.Integer(0), x)
    assert not proof.positive("a square that is 0 at 0", (r - r) * x, x)
    assert not proof.certified("touching 0 at the centre", (x - 1) ** 2, {x: (0, 2)})
    assert not proof.certified_by_taylor("a constant 0", x - x, x, 1, 1)
    assert [step.truth for step in proof.steps] == [Truth.FALSE] * 4


def test_a_box_that_reaches_just_beyond_the_truth_is_refuted(proof):
    assert not proof.certified("on [-6/5, 6/5]", 1 - r**2, {r: (sp.Rational(-6, 5), sp.Rational(6, 5))})
    assert not proof.certified("a hair beyond 1", 1 - r**2, {r: (-1, 1 + sp.Rational(1, 10**4))})
    assert all(step.truth is Truth.FALSE and step.rigorous for step in proof.steps)


def test_what_may_vanish_is_not_manifestly_positive(proof):
    """True but at 0, or true but of a sign that the symbols do not tell: no random point shows it, nor may a form."""
    least, convex = sp.Symbol("t", nonnegative=True), x**2 - x + 1
    assert not proof.positive("a square", r**2, r**2)
    assert not proof.positive_by_taylor("at t = 0", sp.exp(least) - 1 - least, least, 2, sp.exp(least))
    assert not proof.positive_by_taylor("a factor 0", least * x**2 / 2, x, 2, least)
    assert not proof.positive_by_taylor("a sign not seen", x**4 / 12 - x**3 / 6 + x**2 / 2, x, 2, convex)
    assert proof.positive("known", sp.exp(x), sp.exp(x))
    assert not proof.positive("known, used at 0", sp.exp(least) + 1, y + 1, {y: sp.exp(x)}, {x: least})
    assert [step.truth for step in proof.steps if step.truth is not Truth.TRUE] == [Truth.UNDECIDED] * 5


def test_an_undecided_step_may_not_be_used(proof):
    assert not proof.positive("not seen", x**2 - x + 1, x**2 - x + 1)
    assert not proof.positive(
        "used", x**2 - x + 1 + y, y + sp.Symbol("u", positive=True), {sp.Symbol("u", positive=True): x**2 - x + 1}
    )


def test_the_box_is_the_stated_one(proof):
    """What is certified is negative just outside, and the text says where."""
    tenth = sp.Rational(1, 10)
    assert proof.certified("between 1 and 2", (r - 1 + tenth) * (2 + tenth - r), {r: (1, 2)})
    assert proof.steps[-1].detail.endswith("boxes that cover r in [1, 2]")
    assert proof.certified_by_taylor("up to 2", x**2 * (2 + tenth - x), x, 2, sp.Rational(1, 2))
    assert re.search(
        r"zero of order 2 at 0; derivative 2 is positive on each of \d+ boxes that cover x in \[0, 1/2\]",
        proof.steps[-1].detail,
    )
    assert not proof.certified_by_taylor("too far", x**2 * (4 - x), x, 2, 2)
    assert "derivative 2 is not positive at x = " in proof.steps[-1].detail
    assert not proof.certified("0 at 1/3, which is no centre", (r - sp.Rational(1, 3)) ** 2, {r: (0, 1)})
    assert proof.steps[-1].detail == "the expression is undecided on r in [0, 1] after 4000 boxes"
    assert [step.strength for step in proof.steps] == [Strength.BALL] * 4


def test_only_what_was_shown_positive_may_be_used(proof):
    u, difference = sp.Symbol("u", positive=True), sp.exp(x) - 1 - x
    assert not proof.positive("too early", difference + x, u + x, {u: difference})
    assert proof.positive_by_taylor("exp is convex", difference, x, 2, sp.exp(x))
    assert proof.positive("now", difference + x, u + x, {u: difference})
    assert proof.positive("elsewhere", difference.subs(x, y + 1) + 1, u + 1, {u: difference}, {x: y + 1})
    assert not proof.positive("outside its domain", difference.subs(x, y - 1) + 1, u + 1, {u: difference}, {x: y - 1})


def test_taylor_needs_every_lower_derivative_to_vanish(proof):
    assert proof.positive_by_taylor("sinh x > x", sp.sinh(x) - x, x, 2, sp.sinh(x))
    assert not proof.positive_by_taylor("value at 0 is not 0", 1 + sp.sinh(x) - x, x, 2, sp.sinh(x))
    assert not proof.positive_by_taylor("wrong derivative", sp.sinh(x) - x, x, 2, sp.cosh(x))
    assert not proof.positive_by_taylor("variable of any sign", sp.exp(r) - 1 - r, r, 2, sp.exp(r))
    assert [step.truth for step in proof.steps] == [Truth.TRUE] + [Truth.UNDECIDED] * 3


def test_balls_certify_a_box_and_say_so(proof):
    assert proof.certified("on a box", sp.cosh(x) - 1 - x**2 / 2, {x: (sp.Rational(1, 2), 2)})
    assert not proof.certified("false on a box", x - 1, {x: (0, 2)})
    assert [step.strength for step in proof.steps] == [Strength.BALL] * 2
    assert proof.steps[1].rigorous


def test_balls_and_taylor_near_zero(proof):
    assert proof.certified_by_taylor("cosh", sp.cosh(x) - 1 - x**2 / 2, x, 4, 1)
    assert not proof.certified_by_taylor("wrong order", sp.cosh(x) - 1, x, 4, 1)
    assert not proof.certified_by_taylor("a positive function whose 4th derivative is not", x**2 - x**4 / 100, x, 2, 10)


def test_certified_on_a_box_is_not_positive_everywhere(proof):
    u = sp.Symbol("u", positive=True)
    assert proof.certified("on a box", x - 1, {x: (2, 3)})
    assert not proof.positive("used outside", x - 1 + y, u + y, {u: x - 1})


@pytest.mark.parametrize(("deviation", "holds"), [(0.5, True), (1.0, True), (1.1, False), (float("nan"), False)])
def test_measured_steps(proof, deviation, holds):
    assert proof.within("measured", deviation, 1.0) is holds
    assert proof.witness("second route", deviation, 1.0) is holds
    assert proof.at_most("read off", deviation, 1.0) is holds
    assert [step.strength for step in proof.steps] == [Strength.NUMERIC, None, Strength.NUMERIC]
    assert not any(step.rigorous for step in proof.steps)
    assert {step.truth for step in proof.steps} == {Truth.TRUE if holds else Truth.FALSE}


def test_no_number_is_within_a_bound_that_is_none(proof):
    assert not proof.within("measured", 0.0, float("nan"))
    assert not proof.at_most("read off", float("-inf"), float("nan"))


def test_numbers_are_told_in_a_few_digits(proof):
    proof.within("w", 0.123456, 1)
    proof.at_most("m", 0.123456, 1)
    proof.equal("e", sp.pi, 3)
    proof.positive("p", -x, -x)
    details = [step.detail for step in proof.steps]
    assert details[:2] == ["deviation 0.12, budget 1", "found 0.1235, bound 1"]
    assert details[2] == "at the only point: left = 3.14159, right = 3.00000"
    assert proof.steps[3].equation == "-x > 0"
    assert proof.equal("one point", sp.sqrt(8), 2 * sp.sqrt(2))
    assert proof.steps[4].detail == "1 random points agree to 36 digits"
    assert not proof.steps[4].rigorous
    proof.note("a number")
    assert proof.notes == ["a number"]


def test_strengths_are_three_and_ordered():
    assert list(Strength) == sorted(Strength) == [Strength.NUMERIC, Strength.BALL, Strength.SYMBOLIC]


@pytest.mark.parametrize("bounds", [None, (2, 3), (-1, 0)])
def test_points_fill_their_domain(bounds):
    positive, whole = sp.Symbol("p", positive=True), sp.Symbol("i", integer=True, positive=True)
    points = list(Derivation("test")._points({positive, whole}, 200, {positive: bounds} if bounds else None))
    values = [point[positive] for point in points]
    low, high = bounds or (sp.Rational(1, 16), 16)
    assert low <= min(values) <= low + sp.Rational(1, 16)
    assert high - 1 <= max(values) <= high
    assert {point[whole] for point in points} == set(range(1, 10))


def test_points_have_the_sign_and_kind_their_symbols_are_assumed():
    negative = sp.Symbol("m", integer=True, negative=True)
    proof = Derivation("test")
    assert proof.positive("minus a negative integer", -negative, -negative)
    symbols = {negative, sp.Symbol("z", integer=True), sp.Symbol("u", nonnegative=True), sp.Symbol("v", nonpositive=True), r}
    drawn = list(proof._points(symbols, 50))
    values = {name: [point[symbol] for point in drawn for symbol in symbols if symbol.name == name] for name in "mzuvr"}
    assert max(values["m"]) < 0
    assert max(values["v"]) <= 0 <= min(values["u"])
    assert min(values["z"]) < 0 < max(values["z"])
    assert min(values["r"]) < 0 < max(values["r"])
    assert all(value.is_integer for value in values["m"] + values["z"])
    assert not all(value.is_integer for value in values["r"])


def test_points_are_reproducible_and_respect_assumptions():
    first, second, other = Derivation("a"), Derivation("a"), Derivation("b")
    for proof in (first, second, other):
        proof.equal("false", x, r)
    assert first.steps == second.steps
    assert first.steps != other.steps
    symbols = {sp.Symbol("p", positive=True), sp.Symbol("n", negative=True), sp.Symbol("i", integer=True)}
    for point in first._points(symbols, 50):
        values = {symbol.name: value for symbol, value in point.items()}
        assert values["p"] > 0 > values["n"]
        assert values["i"].is_integer
