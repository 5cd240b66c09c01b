"""Statements are rendered from the subjects that checks are given, and templates hold nothing else that could be wrong."""

from dataclasses import dataclass

import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from normtheory.audit.notation import Statement, latex, sentence, symbol, text
from normtheory.audit.statements import NAMES, Said, assumptions, fields, in_latex, in_text, rendered, unproved

x, b = symbol("test_x", "x", "x", positive=True), symbol("test_b", "b", "b", real=True)
n = symbol("test_n", "n", "n", integer=True)


def test_a_template_prints_what_its_fields_are():
    found = rendered("for $X\\beta = y$ the limit is <limit>", Said(limit=x**2 / 2))
    assert found == Statement(r"for $X\beta = y$ the limit is $\frac{x^{2}}{2}$", "for Xβ = y the limit is x²/2")


def test_each_twin_prints_its_own_falsehood():
    said = Said(rate=-x, samples=64)
    assert in_text("with <samples> samples at the rate <rate>", said.but(rate=x)) == "with 64 samples at the rate x"
    assert in_text("with <samples> samples at the rate <rate>", said) == "with 64 samples at the rate −x"


def test_only_what_is_there_can_be_changed():
    with pytest.raises(ValueError, match="it has no rates to change"):
        Said(rate=x).but(rates=x)


def test_fields_may_lie_deeper_and_subjects_have_any_type():
    @dataclass(frozen=True)
    class Scale:
        size: sp.Expr

        def in_latex(self):
            return f"the scale ${latex(self.size)}$"

        def in_text(self):
            return f"the scale {text(self.size)}"

    @dataclass(frozen=True)
    class Subject:
        scale: Scale
        word: str = "upper"

    template = "its <word> end is <scale.size>, for <scale>"
    assert fields(template) == ["word", "scale.size", "scale"]
    assert in_text(template, Subject(Scale(x))) == "its upper end is x, for the scale x"
    assert in_latex(template, Subject(Scale(x))) == "its upper end is $x$, for the scale $x$"


def test_a_field_that_the_subject_lacks_is_an_error():
    with pytest.raises(AttributeError):
        in_text("it is <limit>", Said(rate=x))


@pytest.mark.parametrize(
    ("template", "shown"),
    [
        (r"$\ell_{1,2}$", "ℓ₁,₂"),
        (r"$|\beta| \ge |\beta^{aux}|$", "|β| ≥ |β_aux|"),
        (r"$\beta_d$ of $\beta^{aux}_d$", "β_d of β_aux,d"),
        (r"$\ell_2$, $w_+$, $w_-$", "ℓ₂, w₊, w₋"),
        (r"$X^\top\nu$", "Xᵀν"),
        (r"$\|w\| \to \infty$", "‖w‖ → ∞"),
    ],
)
def test_names_in_a_terminal(template, shown):
    assert in_text(template, None) == shown
    assert in_latex(template, None) == template
    assert unproved(template) == []


@pytest.mark.parametrize(
    ("template", "found"),
    [
        ("the limit is <limit>", []),
        ("the limit is 2", ["2"]),
        ("at most <bound> in 95 % of cases", ["95"]),
        ("k = <scale>", ["="]),
        ("<small> < <large>", ["<"]),
        ("a rate of <rate>^2", ["^", "2"]),
        ("half of <limit>", ["half"]),
        ("<limit>², twice", ["²", "twice"]),
        ("as in Eq. 3, Eqs. 10 and 11, section 4.1, Fig. 1a, Appendix B.2, Corollary 1", []),
        ("a ResNet-18 on CIFAR-100", []),
        ("it is $2\\beta$", ["2"]),
        ("it is $\\beta^2$", ["^", "2"]),
        ("it is $\\beta/k$", ["/"]),
        ("it is $-\\beta$", ["-"]),
        ("it is $\\frac{\\beta}{k}$", ["\\frac"]),
        ("it is $\\sqrt{k}$", ["\\sqrt"]),
        ("it is $\\beta$ and $k", ["$"]),
        ("from $\\beta(0)$ in $w_+$ and $v_{\\pm}$ to $\\ell_1$", []),
        ("in $w^{(1)}$, at $F_{1,2}$", []),
        ("in $w^{(3)}$", ["3", "^"]),
    ],
)
def test_whatever_no_check_stands_behind_is_found(template, found):
    assert sorted(unproved(template)) == sorted(found)


@given(
    number=st.integers(0, 10**6),
    place=st.sampled_from(["the limit is {}", "it is ${}\\beta$", "$\\beta_{{{}}}$", "{} samples"]),
)
def test_no_number_hides_in_a_template(number, place):
    assert unproved(place.format(number)) == [str(number)]


@pytest.mark.parametrize("sign", ["+", "-", "*", "/", "^"])
def test_no_sign_hides_in_a_formula(sign):
    assert sign in unproved(f"it is $\\beta {sign} k$")


def test_every_name_has_a_form_for_the_terminal():
    for name in NAMES:
        assert "\\" not in in_text(f"${name}$", None)


def test_what_is_assumed_is_read_off_the_symbols_of_all_subjects():
    found = assumptions(Said(limit=x**2, name="word", pair=(b, {"deep": n})), None, Said(limit=b))
    assert found.text == "b real; n integer; x positive"
    assert found.latex == "$b$ real; $n$ integer; $x$ positive"
    assert assumptions(Said(number=3, word="few")) is None


def test_a_sentence_with_formulas():
    found = sentence("at {} the {} is {}: {}", x, "value", 2 * b, sentence("{} ends it", x))
    assert found == Statement("at $x$ the value is $2 b$: $x$ ends it", "at x the value is 2b: x ends it")
