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


def test_a_symbolic_proof_without_points_is_undecided(proof):
    assert not proof.equal("nowhere real", sp.log(-x) - sp.log(-x, evaluate=False) + 1 - 1 + sp.log(-x), sp.log(-x))
    assert only(proof).truth is Truth.UNDECIDED


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


def test_no_number_is_within_a_bound_that_is_none(proof):
    assert not proof.within("measured", 0.0, float("nan"))
    assert not proof.at_most("read off", float("-inf"), float("nan"))


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
