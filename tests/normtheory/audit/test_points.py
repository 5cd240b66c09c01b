import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from normtheory.audit.notation import plain
from normtheory.audit.points import FAR_POWERS, INFINITE, at, corners, draws, next_to_ends, value, violations

x = sp.Symbol("x", positive=True)
SYMBOLS = {
    sp.Symbol("p", positive=True),
    sp.Symbol("n", negative=True),
    sp.Symbol("m", nonpositive=True),
    sp.Symbol("q", nonnegative=True),
    sp.Symbol("r", real=True),
    sp.Symbol("i", integer=True, positive=True),
}


@given(seed=st.text(max_size=5))
def test_points_lie_in_the_domains_of_their_symbols(seed):
    for point in draws(seed, SYMBOLS, 5):
        values = {symbol.name: found for symbol, found in point.items()}
        assert values["p"] > 0 > values["n"]
        assert values["q"] >= 0 >= values["m"]
        assert values["i"].is_integer
        assert values["i"] > 0
        assert all(found.is_Rational for found in values.values())


def test_both_signs_and_many_sizes_are_drawn():
    found = [point[symbol] for symbol in SYMBOLS if symbol.name == "r" for point in draws("signs", {symbol}, 200)]
    assert min(found) < -8
    assert max(found) > 8
    assert min(map(abs, found)) < 0.1


def test_integers_are_drawn_of_either_sign():
    found = [point[symbol] for symbol in (sp.Symbol("z", integer=True),) for point in draws("z", {symbol}, 50)]
    assert min(found) < 0 < max(found)
    negative = sp.Symbol("m", integer=True, negative=True)
    assert {point[negative] for point in draws("m", {negative}, 200)} == set(range(-9, 0))


@pytest.mark.parametrize("bounds", [None, (2, 3), (-1, 0)])
def test_points_fill_their_domain(bounds):
    whole = sp.Symbol("i", integer=True, positive=True)
    points = list(draws("fill", {x, whole}, 200, {x: bounds} if bounds else None))
    values = [point[x] for point in points]
    low, high = bounds or (sp.Rational(1, 16), 16)
    assert low <= min(values) <= low + sp.Rational(1, 16)
    assert high - 1 <= max(values) <= high
    assert {point[whole] for point in points} == set(range(1, 10))


def test_far_points_set_letters_far_apart():
    y = sp.Symbol("y", positive=True)
    ratios = [point[x] / point[y] for point in draws("far", {x, y}, 64, powers=FAR_POWERS)]
    assert min(ratios) < 10**-6
    assert max(ratios) > 10**6


def test_points_follow_from_the_seed_alone():
    assert list(draws("a", SYMBOLS, 5)) == list(draws("a", {*sorted(SYMBOLS, key=str)}, 5))
    assert list(draws("a", SYMBOLS, 5)) != list(draws("b", SYMBOLS, 5))


@given(low=st.fractions(-5, 5), width=st.fractions(min_value="1/100", max_value=5))
def test_points_of_a_box_lie_inside_it(low, width):
    for point in draws("box", {x}, 10, {x: (low, low + width)}):
        assert low <= point[x] <= low + width


def test_a_formula_without_symbols_has_one_point():
    assert list(draws("constant", set(), 8)) == [{}]


def test_points_next_to_the_ends_come_close_to_them():
    found = [point[x] for point in next_to_ends(x, sp.Integer(1), sp.Integer(3))]
    assert 1 < min(found) < 1 + 1e-7
    assert 3 - 1e-7 < max(found) < 3
    assert max(point[x] for point in next_to_ends(x, sp.Integer(0), sp.oo)) > INFINITE / 2


def test_the_corners_of_a_box():
    y = sp.Symbol("y")
    assert {(point[x], point[y]) for point in corners({x: (0, 1), y: (2, 3)})} == {(0, 2), (0, 3), (1, 2), (1, 3)}


def test_violations_are_certain():
    points = [{x: sp.Rational(value, 2)} for value in (1, 2, 3)]
    assert list(violations(1 - x, iter(points), strict=True)) == points[1:]
    assert list(violations(1 - x, iter(points), strict=False)) == points[2:]
    assert list(violations(sp.sqrt(2) ** 2 * x / x - 2 + sp.log(-x), iter(points), strict=True)) == []  # not real


def test_a_point_in_words():
    found = at({x: sp.Rational(-3, 4)})
    assert (found.text, found.latex) == ("at x = −3/4: ", r"at $x = - \frac{3}{4}$: ")
    assert at({}).text == ""
    assert plain(value(sp.exp(-20 * x), {x: sp.Integer(1)}).text) == "2.06115·10⁻⁹"
