"""The language of networks: what it reads, what it refuses and where, and that no text is executed or asks for endless work."""

import re

import pytest
import sympy as sp
from drawn import examples
from hypothesis import given
from hypothesis import strategies as st

from normtheory.arrays import InputError
from normtheory.parametrisations.language import functions, read_network, read_start, written

W, V, U = sp.symbols("w v u", real=True)
READ = {
    "w*v - u": W * V - U,
    "w^2/2": W**2 / 2,
    "w**-2": W**-2,
    "-w^2": -(W**2),
    "2*-w": -2 * W,
    "w - v - u": W - V - U,
    "w/v/u": W / (V * U),
    "2^3^2*w": 512 * W,
    "w^(1/2)": sp.sqrt(W),
    "0.1*w + 1e-3": W / 10 + sp.Rational(1, 1000),
    ".5*w": W / 2,
    "sqrt(w^2 + 1)*tanh(v)": sp.sqrt(W**2 + 1) * sp.tanh(V),
    "exp(w) + log(v) + erf(u) + abs(u)": sp.exp(W) + sp.log(V) + sp.erf(U) + sp.Abs(U),
}


@pytest.mark.parametrize("text", READ)
def test_formulas_are_read_exactly(text):
    assert read_network(text) == {"beta": READ[text]}


def test_outputs_have_names_and_share_weights():
    assert read_network("w*v_1; w*v_2;") == {
        "beta_1": W * sp.Symbol("v_1", real=True),
        "beta_2": W * sp.Symbol("v_2", real=True),
    }
    assert list(read_network("main = w*v; aux = w*u")) == ["main", "aux"]


def test_starts_may_be_chained_and_exact():
    assert read_start("w=v=0.1, u=2*alpha") == {
        "w": sp.Rational(1, 10),
        "v": sp.Rational(1, 10),
        "u": 2 * sp.Symbol("alpha", real=True),
    }


# The text, the character that is named, and words of the message.
WRONG = {
    "__import__('os').system('true')": (1, "no meaning"),
    "w.__class__": (2, "no meaning"),
    "eval(w)": (1, "no function"),
    "w[0]": (2, "no meaning"),
    "w*(v": (5, "')' is missing"),
    "w*v)": (4, "';' is missing"),
    "w v": (3, "';' is missing"),
    "w*": (3, "is missing"),
    "": (1, "is missing"),
    "exp": (1, "is a function"),
    "1/0": (3, "division by zero"),
    "w/(v - v)": (3, "division by zero"),
    "0^-1*w": (1, "0 has no such power"),
    "w^v": (3, "not a number"),
    "9^9^9^9": (5, "beyond 64"),
    "((((9^64)^64)^64)^64)*w": (4, "leaves the range"),
    "1e999999*w": (1, "leaves the range"),
    "sqrt(-1)*w": (1, "no finite real value"),
    "log(0)*w": (1, "no finite real value"),
    "a = w; a = v": (8, "two outputs"),
    "(" * 100: (31, "deep within"),
    "-" * 100 + "w": (61, "deep within"),
}


@pytest.mark.parametrize("text", WRONG)
def test_what_is_not_of_the_language_is_refused_with_its_place(text):
    place, words = WRONG[text]
    with pytest.raises(InputError, match=rf"^the network, character {place}: .*{re.escape(words)}"):
        read_network(text)


@pytest.mark.parametrize("text", ["w", "w=", "w=1, w=2", "w=1,", "=3", "0.1=w", "w=1; v=2"])
def test_wrong_starts_are_refused_with_their_place(text):
    with pytest.raises(InputError, match=r"^the start, character \d+: "):
        read_start(text)


def test_long_texts_are_refused():
    with pytest.raises(InputError, match="at most 2000"):
        read_network("+".join(["w"] * 2000))


def formulas():
    """Texts of the language, with parentheses wherever there might be a doubt."""
    leaves = st.sampled_from(["w", "v", "u", "2", "0.25", "1/3"])
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda p: f"({p[0]}){p[1]}({p[2]})"),
            st.tuples(inner, st.sampled_from(["^2", "^3"])).map(lambda p: f"({p[0]}){p[1]}"),
            st.tuples(st.sampled_from(["tanh", "erf", "abs"]), inner).map(lambda p: f"{p[0]}({p[1]})"),
        ),
        max_leaves=6,
    )


@examples(60)
@given(formulas())
def test_it_reads_what_python_would(text):
    """The oracle evaluates the text; it knows only what this test writes."""
    exact = re.sub(r"(\d+\.?\d*)", r"Rational('\1')", text.replace("^2", "**2").replace("^3", "**3"))
    known = {"Rational": sp.Rational, **functions(), "w": W, "v": V, "u": U}
    expected = eval(exact, {"__builtins__": {}}, known)
    assert sp.expand(read_network(text)["beta"] - expected) == 0


@examples(60)
@given(formulas())
def test_what_is_written_is_read_back(text):
    value = read_network(text)["beta"]
    assert sp.expand(read_network(written(value, [W, V]))["beta"] - value) == 0


@examples(200)
@given(st.text(alphabet="wv12.e+-*/^()=,; _x'[]", max_size=30))
def test_any_text_is_read_or_refused_in_one_line(text):
    for read in (read_network, read_start):
        refusals = []
        try:
            read(text)
        except InputError as error:
            refusals.append(str(error))
        assert not any("\n" in refusal for refusal in refusals)
