import mpmath
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st
from reading import DIGITS, value_of_latex, value_of_text

from normtheory.audit import notation
from normtheory.audit.notation import latex, symbol, text
from normtheory.audit.spellings import decimal
from normtheory.proofs.letters import ALPHA, AUX, START, A, B, K

TRACE = symbol("test_trace", r"\operatorname{tr}C", "tr C", positive=True)
SUM = symbol("test_sum", r"\sum_i\lambda_i", "Σλ", positive=True)
VARIANCE = symbol("test_variance", r"\sigma^2", "σ²", positive=True)
BARS = symbol("test_bars", r"|\mu_d|", "|μ|", positive=True)
LETTERS = (ALPHA, BARS, START, A, B, K, TRACE, SUM, VARIANCE, sp.Symbol("x_1", positive=True))

numbers = st.builds(sp.Rational, st.integers(-30, 30), st.integers(1, 12))
positive_letters = st.sampled_from([letter for letter in LETTERS if letter.is_positive])
powers = st.sampled_from([sp.Rational(p, q) for p in (-3, -2, -1, 1, 2, 3) for q in (1, 2, 3, 4, 5)])
leaves = st.one_of(numbers, st.sampled_from(LETTERS), st.builds(sp.Pow, positive_letters, powers))


def grown(inner):
    """Sums, products, quotients, powers, roots and functions of smaller expressions, each defined everywhere."""
    several = st.lists(inner, min_size=2, max_size=3)
    return st.one_of(
        several.map(lambda parts: sp.Add(*parts)),
        several.map(lambda parts: sp.Mul(*parts)),
        st.builds(lambda a, b: a / (1 + b**2), inner, inner),
        st.builds(lambda a, power: (1 + a**2) ** power, inner, powers),
        st.builds(lambda a, power: a**power, inner, st.integers(1, 4)),
        st.builds(lambda f, a: f(a), st.sampled_from([sp.asinh, sp.tanh, sp.Abs, sp.atan, sp.cos]), inner),
        st.builds(lambda f, a: f(sp.atan(a)), st.sampled_from([sp.exp, sp.sinh, sp.cosh]), inner),
        st.builds(lambda a: sp.log(2 + a**2), inner),
        st.builds(lambda a, b: sp.Max(a, b), inner, inner),
    )


expressions = st.recursive(leaves, grown, max_leaves=8)
shares = st.lists(st.integers(1, 60), min_size=len(LETTERS), max_size=len(LETTERS))


def value(expression, at):
    return sp.N(expression.subs(at), 2 * DIGITS, strict=False)


def close(found, expected):
    with mpmath.workdps(DIGITS):
        expected = mpmath.mpf(str(expected))
        assert abs(found - expected) <= mpmath.mpf(10) ** (15 - DIGITS) * (1 + abs(expected))


@given(expression=expressions, shares=shares)
def test_a_formula_means_what_it_says(expression, shares):
    """Whoever reads it back, from the terminal or from LaTeX, computes what sympy computes: signs, powers, roots, fractions."""
    at = {letter: sp.Rational(share, 16) for letter, share in zip(LETTERS, shares, strict=True)}
    expected = value(expression, at)
    with mpmath.workdps(DIGITS):
        values = {letter: mpmath.mpf(share.p) / share.q for letter, share in at.items()}
    close(value_of_text(text(expression), {text(letter): each for letter, each in values.items()}), expected)
    close(value_of_latex(latex(expression), {latex(letter): each for letter, each in values.items()}), expected)


X, Y = sp.symbols("x y", positive=True)


@pytest.mark.parametrize(
    ("formula", "shown"),
    [
        (2 * sp.asinh(B / K), "2 arcsinh(β/k)"),
        (2 * K * (sp.cosh(X / 2) - 1), "2k (cosh(x/2) − 1)"),
        (4 * K * sp.sinh(X / 4) ** 2, "4k sinh²(x/4)"),
        (B**2 / K - B**4 / (12 * K**3), "β²/k − β⁴/(12k³)"),
        (1 - 1 / sp.log(2 * AUX / K), "1 − 1/log(2|β_aux|/k)"),
        (-X - Y, "−x − y"),
        (sp.sqrt(2) * X / 2, "√2 x/2"),
        (X ** sp.Rational(-3, 2), "1/x^(3/2)"),
        (TRACE**2 * SUM**2, "(Σλ)² (tr C)²"),
        (VARIANCE**2 / START, "(σ²)²/β(0)"),
        (sp.Mul(2, 3, evaluate=False), "2·3"),
        (sp.Abs(sp.Abs(X - Y) - 1), "abs(|x − y| − 1)"),
        (0.05 * X, "0.05 x"),
        (sp.Le(X, 1e-9), "x ≤ 10⁻⁹"),
        ((X, sp.oo), "x, ∞"),
        (sp.Symbol("X", commutative=False) ** -1, "X⁻¹"),
    ],
)
def test_formulas_in_a_terminal(formula, shown):
    assert text(formula).replace("\N{NO-BREAK SPACE}", " ") == shown


def test_a_line_breaks_before_signs_only():
    formula = text(2 * K * (sp.cosh(X / 2) - 1) * B - sp.exp(X) * Y)
    assert formula.replace("\N{NO-BREAK SPACE}", "_").split(" ") == ["2β_k_(cosh(x/2)", "−_1)", "−_y_exp(x)"]


@pytest.mark.parametrize(
    ("formula", "shown"), [(TRACE**2, r"\left(\operatorname{tr}C\right)^{2}"), (AUX**2, r"|\beta^{aux}|^{2}")]
)
def test_a_power_of_a_name_is_no_power_of_its_last_letter(formula, shown):
    assert latex(formula) == shown


@pytest.mark.parametrize(
    ("value", "latex", "text"),
    [
        (0.0035, "0.0035", "0.0035"),
        (1.1e-9, r"1.1 \cdot 10^{-9}", "1.1·10⁻⁹"),
        (-2e22, r"-2 \cdot 10^{22}", "−2·10²²"),
        (1e-6, "10^{-6}", "10⁻⁶"),
    ],
)
def test_numbers_that_were_measured(value, latex, text):
    assert decimal(value, 2) == (latex, text)


def test_one_symbol_has_one_spelling():
    assert symbol("test_sum", r"\sum_i\lambda_i", "Σλ", positive=True) is not None
    with pytest.raises(ValueError, match="needs another name"):
        symbol("test_sum", "s", "s", positive=True)
    assert symbol("test_sum", "s", "s", real=True) != SUM


def test_numbered_symbols_keep_what_is_assumed():
    first = notation.numbered(symbol("test_pull", r"(X^\top\nu)_d", "(Xᵀν)_d", real=True), 1)
    assert (latex(first), text(first)) == (r"{(X^\top\nu)}_{1}", "(Xᵀν)₁")
    assert first.is_real
    assert first.is_positive is None


def test_what_is_assumed_is_read_off_the_symbols():
    counted = sp.Symbol("n", integer=True, positive=True)
    signed = sp.Symbol("s", integer=True, nonzero=True)
    free = sp.Symbol("z")
    found = notation.assumed([X + B, counted * signed, free, sp.Symbol("M", commutative=False), "words"])
    assert {kind: [str(each) for each in symbols] for kind, symbols in found.items()} == {
        "real matrices and vectors": ["M"],
        "real": ["b"],
        "positive integer": ["n"],
        "integer, not zero": ["s"],
        "positive": ["x"],
        "complex": ["z"],
    }
