import pytest
import sympy as sp

from normtheory.audit import derivation, inequalities
from normtheory.audit.derivation import ContradictionError, Derivation
from normtheory.audit.notation import plain, symbol
from normtheory.audit.points import draws
from normtheory.audit.steps import Strength, Theorem, Truth

x, y = symbol("test_x", "x", "x", positive=True), symbol("test_y", "y", "y", positive=True)
r = symbol("test_r", "r", "r", real=True)


@pytest.fixture
def proof():
    return Derivation("test")


def only(proof):
    (step,) = proof.steps
    return step


def test_an_identity_is_proved_and_evaluated(proof):
    assert proof.equal("doubling", sp.sinh(2 * r), 2 * sp.sinh(r) * sp.cosh(r))
    step = only(proof)
    assert (step.truth, step.strength, step.kind) == (Truth.TRUE, Strength.SYMBOLIC, "symbolic")
    assert plain(step.equation) == "sinh(2r) = 2 sinh(r) cosh(r)"
    assert step.latex == r"\sinh{\left(2 r \right)} = 2 \sinh{\left(r \right)} \cosh{\left(r \right)}"
    assert step.reason.text == "exponentials, and at 8 random points"


@pytest.mark.parametrize(
    ("left", "right", "by", "route"),
    [
        ((x + y) ** 2, x**2 + 2 * x * y + y**2, None, "expansion"),
        (1 / (1 + x) + 1 / y, (1 + x + y) / (y * (1 + x)), None, "common denominator"),
        (sp.asinh(sp.sinh(r)), r, None, "hyperbolic identities"),
        (2 * sp.sinh(r) ** 2, sp.cosh(2 * r) - 1, None, "exponentials"),
        (sp.log(x * y) - sp.log(x), sp.log(y), sp.expand_log, "change of variables, expansion"),
    ],
)
def test_a_step_names_the_route_that_proved_it(proof, left, right, by, route):
    assert proof.equal("by some route", left, right, by=by)
    assert only(proof).route == route


def test_a_trivial_equation_shows_one_side_or_none(proof):
    assert proof.equal("itself", x + y, y + x)
    assert proof.equal("nothing", x - x, 0)
    assert [(plain(step.equation), step.reason.text) for step in proof.steps] == [
        ("x + y", "both sides are this formula"),
        ("", "both sides are 0"),
    ]


def test_a_false_equation_gets_a_rigorous_counterexample(proof):
    assert not proof.equal("tripled", 2 * x, 3 * x)
    step = only(proof)
    assert step.truth is Truth.FALSE
    assert step.rigorous
    value = sp.Rational(step.detail.text.split("x = ")[1].split(":")[0])
    assert f"left = {float(2 * value):.6g}"[:8] in step.detail.text
    assert step.detail.latex.startswith("at $x = ")


def test_equal_on_one_sign_only_is_false_for_real_symbols(proof):
    assert proof.equal("positive", sp.sqrt(x**2), x)
    assert not proof.equal("any sign", sp.Abs(r), r)
    assert proof.steps[1].truth is Truth.FALSE


def test_agreement_without_a_symbolic_proof_is_undecided(proof, monkeypatch):
    monkeypatch.setattr(derivation, "route_to_zero", lambda *_, **__: None)
    assert not proof.equal("true, but not seen", (x + y) ** 2, x**2 + 2 * x * y + y**2)
    assert only(proof).truth is Truth.UNDECIDED
    assert only(proof).reason.text == "8 points agree, but no symbolic proof was found"


def test_a_symbolic_proof_without_points_is_undecided(proof):
    assert not proof.equal("nowhere real", sp.log(-x) - sp.log(-x, evaluate=False) + 1 - 1 + sp.log(-x), sp.log(-x))
    assert only(proof).truth is Truth.UNDECIDED
    assert only(proof).reason.text == "0 points agree, but no point of its domain could be evaluated"


def test_contradicting_routes_stop_the_derivation(proof):
    with pytest.raises(ContradictionError, match="yet they differ"):
        proof.equal("sympy misled", x, y, by=lambda e: 0 * e)


def test_a_contradicted_inequality_stops_the_derivation(proof, monkeypatch):
    monkeypatch.setattr(inequalities, "route_to_zero", lambda *_, **__: "a broken route")
    monkeypatch.setattr(Derivation, "_compare", lambda *_: (None, 8))
    with pytest.raises(ContradictionError, match="was proved"):
        proof.positive("negative", -x, x)


def test_constants_are_decided_by_balls(proof):
    assert proof.positive("a root", sp.sqrt(2) - sp.Rational(7, 5))
    assert proof.positive("a fraction", sp.Rational(1, 3))
    assert not proof.positive("less", 3 - sp.pi)
    assert not proof.positive("zero, which balls cannot tell", sp.log(2) + sp.log(3) - sp.log(6))
    assert [(step.truth, step.strength) for step in proof.steps] == [
        (Truth.TRUE, Strength.BALL),
        (Truth.TRUE, Strength.SYMBOLIC),
        (Truth.FALSE, Strength.BALL),
        (Truth.UNDECIDED, Strength.BALL),
    ]
    assert [step.reason.text for step in proof.steps[:3]] == ["ball arithmetic", "exact arithmetic", "−0.141593"]


def test_an_argument_names_its_theorem_and_carries_no_weight(proof):
    assert proof.argue("so it increases", Theorem.MEAN_VALUE)
    step = only(proof)
    assert (step.truth, step.strength, step.kind) == (Truth.TRUE, None, "by argument")
    assert step.reason.text.startswith("by argument: the mean value theorem")


def test_a_lemma_marks_its_steps(proof):
    with proof.lemma("outer"):
        proof.equal("first", x, x)
        with proof.lemma("inner"):
            proof.equal("second", x, x)
        proof.equal("third", x, x)
    proof.equal("fourth", x, x)
    assert [step.lemma for step in proof.steps] == ["outer", "inner", "outer", ""]


def test_a_lemma_ends_with_an_error(proof):
    with pytest.raises(ZeroDivisionError), proof.lemma("broken off"):
        raise ZeroDivisionError
    proof.equal("after it", x, x)
    assert only(proof).lemma == ""


@pytest.mark.parametrize(("deviation", "holds"), [(0.5, True), (1.0, True), (1.1, False), (float("nan"), False)])
def test_measured_steps(proof, deviation, holds):
    assert proof.within("measured", deviation, 1.0) is holds
    assert proof.witness("second route", deviation, 1.0) is holds
    assert proof.at_most("read off", deviation, 1.0) is holds
    assert [step.strength for step in proof.steps] == [Strength.NUMERIC, None, Strength.NUMERIC]
    assert not any(step.rigorous for step in proof.steps)
    assert {step.truth for step in proof.steps} == {Truth.TRUE if holds else Truth.FALSE}


@pytest.mark.parametrize(
    ("ball", "truth"), [("0.3 +/- 0.1", "TRUE"), ("-0.3 +/- 0.1", "FALSE"), ("0.05 +/- 0.1", "UNDECIDED"), ("nan", "UNDECIDED")]
)
def test_a_ball_decides_where_it_excludes_zero(proof, ball, truth):
    from flint import arb

    assert proof.enclosed("a number", arb(ball)) is (truth == "TRUE")
    step = proof.steps[-1]
    assert (step.truth, step.strength, step.rigorous) == (Truth[truth], Strength.BALL, True)
    assert bool(step.detail.text) is (truth != "TRUE")


def test_no_number_is_within_a_bound_that_is_none(proof):
    assert not proof.within("measured", 0.0, float("nan"))
    assert not proof.at_most("read off", float("-inf"), float("nan"))


def test_numbers_are_told_in_a_few_digits(proof):
    proof.within("w", 0.123456, 1)
    proof.at_most("m", 0.123456, 1)
    proof.equal("e", sp.pi, 3)
    proof.positive("p", -x, -x)
    details = [step.detail.text for step in proof.steps]
    assert details[:3] == ["deviation 0.12, budget 1", "found 0.1235, bound 1", "left = 3.14159, right = 3.00000"]
    assert proof.steps[3].equation == "−x > 0"
    assert proof.equal("one point", sp.sqrt(3 + 2 * sp.sqrt(2)), 1 + sp.sqrt(2))
    assert proof.steps[4].reason.text == "simplification"
    assert not proof.steps[4].rigorous
    proof.note("a number")
    assert proof.notes == ["a number"]


def test_strengths_are_three_and_ordered():
    assert list(Strength) == sorted(Strength) == [Strength.NUMERIC, Strength.BALL, Strength.SYMBOLIC]


def test_measured_numbers_are_set_as_people_write_them(proof):
    proof.at_most("a loss", 1.23456e-9, 1e-6)
    step = only(proof)
    assert (step.equation, step.latex) == ("found 1.235·10⁻⁹ ≤ 10⁻⁶", r"1.235 \cdot 10^{-9} \le 10^{-6}")
    assert step.reason.text == "measured"
    assert step.detail.text == "found 1.235e-09, bound 1e-06"


def test_points_are_reproducible():
    first, second, other = Derivation("a"), Derivation("a"), Derivation("b")
    for proof in (first, second, other):
        proof.equal("false", x, r)
    assert first.steps == second.steps
    assert first.steps != other.steps


def test_each_step_draws_points_of_its_own(proof):
    for _ in range(2):
        proof.equal("false", x, y)
    assert len({step.detail.text for step in proof.steps}) == 2
    assert len({str(point) for point in draws("seed", {x}, 20)}) > 15
