"""Error-free transformations and the bounds built on them, against exact rational arithmetic."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from normtheory.solvers import enclosures
from normtheory.solvers.enclosures import BLOCK_ENTRIES, TINY, UNIT, Enclosed, dot, product

# No sum or product of these overflows, and no error of a product underflows.
numbers = st.builds(
    lambda mantissa, exponent: mantissa * 2.0**exponent, st.integers(-(2**53), 2**53).map(float), st.integers(-300, 300)
)
seeds = st.integers(0, 2**32 - 1)


def exact(array):
    """A float64 array as a list of fractions, which are what its entries are."""
    return [Fraction(x) for x in np.ravel(array).tolist()]


def one(x):
    return np.array([x])


@given(numbers, numbers)
@example(1.0, 2.0**-53)
@example(-(2.0**-53), 1.0)
def test_a_sum_and_its_rounding_error_are_exact(a, b):
    total, error = enclosures._two_sum(one(a), one(b))
    assert total[0] == a + b
    assert Fraction(a) + Fraction(b) == Fraction(total[0]) + Fraction(error[0])


@given(numbers, numbers)
@example(float(2**53 - 1), float(2**53 - 1))
@example(float(2**27 + 1), -float(2**27 + 1))
def test_a_product_and_its_rounding_error_are_exact(a, b):
    rounded, error = enclosures._two_product(one(a), one(b))
    assert rounded[0] == a * b
    assert Fraction(a) * Fraction(b) == Fraction(rounded[0]) + Fraction(error[0])


@given(numbers)
@example(float(2**53 - 1))
def test_halves_are_of_26_bits(a):
    """So that products of two of them are exact."""
    high, low = (float(part[0]) for part in enclosures._halves(one(a)))
    assert Fraction(high) + Fraction(low) == Fraction(a)
    for part in (high, low):
        numerator = abs(part.as_integer_ratio()[0])
        assert (numerator // (numerator & -numerator or 1)).bit_length() <= 26


@given(seeds, st.integers(1, 40))
def test_sums_in_twice_the_precision(seed, terms):
    """Errors are of second order in round-off, also where everything cancels but the given slips."""
    draw = np.random.default_rng(seed)
    numbers = draw.normal(size=(2, terms)) * 10.0 ** draw.integers(-12, 12, size=(2, terms))
    half = terms // 2
    numbers[1, half : 2 * half] = -numbers[1, :half]
    slips = UNIT * numbers * draw.uniform(-1, 1, size=(2, terms))
    sums, rests = enclosures._summed(numbers, slips)
    for row in range(2):
        wanted = sum(exact(numbers[row])) + sum(exact(slips[row]))
        size = sum(map(abs, exact(numbers[row])))
        assert abs(wanted - Fraction(sums[row]) - Fraction(rests[row])) <= Fraction(2 * terms * UNIT) ** 2 * size


@given(seeds, st.sampled_from([1, 2, 4, 5, 13, 400]), st.booleans())
def test_the_bound_of_a_product_is_that_of_the_textbook(seed, terms, extended):
    """At least gamma_n |A| |v| for n operations (gamma_n^2 in twice the precision), whatever was lost, and a few times that."""
    draw = np.random.default_rng(seed)
    A, v = draw.normal(size=(2, terms)), draw.normal(size=terms)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(enclosures, "BLOCK", 4)  # so that there are few of them, or many
        found = product(A, v, extended)
    count = min(terms, 4) + (terms - 1) // 4
    gamma = Fraction(count) * Fraction(UNIT) / (1 - count * Fraction(UNIT))
    for row in range(2):
        size = sum(abs(a * b) for a, b in zip(exact(A[row]), exact(v), strict=True))
        least = size * (gamma**2 if extended else gamma)
        assert least <= Fraction(found.error[row]) <= (50 if extended else 9) * least + 2 * terms * Fraction(TINY)


@pytest.mark.parametrize("extended", [False, True])
def test_what_underflows_is_within_the_bound(extended):
    found = product(np.full((1, 9), 1e-200), np.full(9, 1e-200), extended)
    assert abs(9 * Fraction(1e-200) ** 2 - Fraction(found.value[0]) - Fraction(found.rest[0])) <= Fraction(found.error[0])
    partly = product(np.full((1, 2), 1e-200), np.array([1e-200, 0.0]), extended)
    assert Fraction(1e-200) ** 2 <= Fraction(partly.error[0])
    nothing = product(np.ones((1, 9)), np.zeros(9), extended)
    assert (nothing.value, nothing.rest, nothing.error) == (0, 0, 0)


@pytest.mark.parametrize("extended", [False, True])
def test_a_sparse_vector_costs_what_its_entries_do(extended):
    draw = np.random.default_rng(7)
    A, v = draw.normal(size=(3, 900)), np.zeros(900)
    v[[5, 300, 899]] = draw.normal(size=3)
    found = product(A, v, extended)
    for row in range(3):
        wanted = sum(a * b for a, b in zip(exact(A[row]), exact(v), strict=True))
        assert abs(wanted - Fraction(found.value[row]) - Fraction(found.rest[row])) <= Fraction(found.error[row])
    assert (found.error <= 20 * UNIT * (np.abs(A) @ np.abs(v))).all()  # of 900 terms it would be ten times that


@pytest.mark.parametrize("extended", [False, True])
def test_a_matrix_with_more_rows_than_a_block_has_entries(extended):
    found = product(np.ones((BLOCK_ENTRIES + 1, 2)), np.array([1.0, 2.0]), extended)
    assert (found.value == 3).all()


@given(seeds)
def test_a_difference_stays_enclosed(seed):
    draw = np.random.default_rng(seed)
    value, other = draw.normal(size=(2, 50))
    before = Enclosed(value, draw.normal(size=50) * 10.0 ** draw.integers(-20, 1, size=50), np.zeros(50))
    after = before.minus(other)
    wanted = [a + b - c for a, b, c in zip(exact(before.value), exact(before.rest), exact(other), strict=True)]
    off = [abs(w - a - b) for w, a, b in zip(wanted, exact(after.value), exact(after.rest), strict=True)]
    assert all(x <= bound for x, bound in zip(off, exact(after.error), strict=True))
    assert (after.error <= 2 * UNIT * (np.abs(before.rest) + UNIT * (np.abs(value) + np.abs(other)))).all()
    assert (np.abs(after.rest) <= UNIT * np.abs(after.value)).all()  # normalised


@given(seeds, st.booleans())
def test_a_scalar_product_inherits_the_errors_of_its_factor(seed, extended):
    """The factor is as far from value + rest as it may be, in the worst direction."""
    draw = np.random.default_rng(seed)
    u, value = draw.normal(size=(2, 30))
    rest, error = 1e-3 * draw.normal(size=30), 1e-5 * draw.random(size=30)
    found = dot(u, Enclosed(value, rest, error), extended)
    worst = [a + b + c for a, b, c in zip(exact(value), exact(rest), exact(error * np.sign(u)), strict=True)]
    wanted = sum(a * b for a, b in zip(exact(u), worst, strict=True))
    assert abs(wanted - Fraction(found.value[0]) - Fraction(found.rest[0])) <= Fraction(found.error[0])
    assert found.error[0] <= 3 * float(np.abs(u) @ error)
    assert found.total() == found.value[0] + found.rest[0]


@given(seeds, st.booleans())
def test_a_scalar_product_of_exact_numbers(seed, extended):
    draw = np.random.default_rng(seed)
    u, v = draw.normal(size=(2, 30))
    found = dot(u, Enclosed.exact(v), extended)
    wanted = sum(a * b for a, b in zip(exact(u), exact(v), strict=True))
    assert abs(wanted - Fraction(found.value[0]) - Fraction(found.rest[0])) <= Fraction(found.error[0])
    assert found.error[0] <= product(v[None], u, extended).error[0]


@given(seeds)
def test_a_scalar_product_with_a_rest_alone(seed):
    """The rests are multiplied in float64, and what that loses is in the bound."""
    draw = np.random.default_rng(seed)
    u, rest = draw.normal(size=(2, 30))
    found = dot(u, Enclosed(np.zeros(30), rest, np.zeros(30)), True)
    wanted = sum(a * b for a, b in zip(exact(u), exact(rest), strict=True))
    assert abs(wanted - Fraction(found.total())) <= Fraction(found.error[0])
    assert 30 * UNIT * float(np.abs(u) @ np.abs(rest)) <= found.error[0] <= 90 * UNIT * float(np.abs(u) @ np.abs(rest))


def test_exact_numbers_have_no_error():
    found = Enclosed.exact(np.array([1.0, -2.0]))
    assert (found.value.tolist(), found.rest.tolist(), found.error.tolist()) == ([1, -2], [0, 0], [0, 0])
    assert found.off.tolist() == [0, 0]
    assert Enclosed(one(1.0), one(-0.25), one(0.5)).off == 0.75
    assert 0.25 * (1 - 1e-15) <= Enclosed(one(-1.0), one(-0.25), one(0.5)).least < 0.25
    assert Enclosed(one(1.0), one(0.0), one(3.0)).least == 0
    assert UNIT == 2.0**-53
