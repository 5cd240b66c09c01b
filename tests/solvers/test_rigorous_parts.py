"""The parts of the rigorous bound, each against its formula in exact or high-precision arithmetic; and where it is tight."""

from fractions import Fraction

import mpmath as mp
import numpy as np
import pytest
import sympy as sp
from flint import arb
from hypothesis import given
from hypothesis import strategies as st

from normtheory.arrays import InputError
from normtheory.audit.balls import working_precision
from normtheory.solvers import rigorous
from normtheory.solvers.rigorous import rigorous_bound

DIGITS, BITS = 70, 256
seeds = st.integers(0, 2**32 - 1)
sizes = st.floats(-9, 9).map(lambda e: 10.0**e)
signed = st.builds(lambda sign, size: sign * size, st.sampled_from([-1.0, 1.0]), sizes)


def ends(ball):
    """The ends of a ball as exact mpmath numbers."""
    parts = [end.mid().man_exp() for end in (ball.lower(), ball.upper())]
    return [mp.mpf(int(mantissa)) * mp.mpf(2) ** int(exponent) for mantissa, exponent in parts]


def q(b, k):
    return 2 * b * mp.asinh(b / k) - 2 * mp.sqrt(b**2 + k**2) + 2 * k


def divergence(b, c, k):
    return q(b, k) - q(c, k) - 2 * mp.asinh(c / k) * (b - c)


@given(signed, st.floats(-20, 20), sizes)
def test_the_divergence_of_balls_holds_that_of_the_definition(b, angle, k):
    with working_precision(128), mp.workdps(2 * DIGITS):
        low, high = ends(rigorous._divergence(arb(b), arb(angle), arb(k)))
        exact = divergence(mp.mpf(b), mp.mpf(k) * mp.sinh(mp.mpf(angle)), mp.mpf(k))
        assert low <= exact <= high
        assert high - low <= mp.mpf("1e-20") * abs(exact)  # no digits cancel, though |b|/k is up to 1e18


@given(sizes, signed, sizes)
def test_the_width_is_the_largest_deviation_that_the_gap_allows(gap, b, k):
    """delta^2 = g (|b| + delta + k), of which it is the positive root."""
    with working_precision(BITS), mp.workdps(3 * DIGITS):
        (root, _) = ends(rigorous._width(arb(gap), arb(b), arb(k)))
        g, rest = mp.mpf(gap), abs(mp.mpf(b)) + mp.mpf(k)
        shorter = root * (1 - mp.mpf("1e-40"))
        assert root**2 >= g * (rest + root)
        assert shorter**2 < g * (rest + shorter)


@given(st.integers(-(2**70), 2**70), st.integers(-200, 200), st.floats(0, 1e-3))
def test_a_float_above_a_ball_is_above_it(mantissa, exponent, radius):
    """And hardly above; nothing is above what is not finite, and 0 is above 0 and below."""
    with working_precision(BITS):
        ball = arb(mantissa) * arb(2) ** exponent
        ball = ball * arb(1, radius)
        top, found = ball.upper().mid().man_exp(), rigorous._float_above(ball)
    top = max(Fraction(int(top[0])) * Fraction(2) ** int(top[1]), Fraction(0))
    assert top <= Fraction(found) <= top * (1 + Fraction(1, 2**51))


def test_floats_above_zero_infinity_and_nothing():
    assert rigorous._float_above(arb(0)) == rigorous._float_above(arb(-3)) == 0
    assert rigorous._float_above(arb(2) ** -5000) == 5e-324
    assert rigorous._float_above(arb("nan")) == rigorous._float_above(arb("inf")) == np.inf


@pytest.mark.parametrize(("distance", "ratio"), [(1.0, 0.25), (0.0, 0.0), (4.5, 9.0), (5.0, np.inf), (5.5, np.inf)])
def test_the_relative_bound_is_of_the_least_size_that_the_minimiser_may_have(distance, ratio):
    candidate = [arb(3), arb(-4)]
    assert rigorous._relative(arb(distance), candidate) == pytest.approx(ratio, rel=1e-15)
    assert rigorous._relative(arb(distance), candidate) >= ratio
    assert rigorous._relative(arb(distance), [arb(-5)]) == rigorous._relative(arb(distance), candidate)


def balanced(size, off, k=0.25):
    """Minimise over b_1 + b_2 = 2 size: the minimiser has two equal entries; the candidate is off by `off` along the kernel."""
    X, y, k = np.array([[1.0, 1.0]]), np.array([2 * size]), np.full(2, k)
    dual = np.array([2 * np.arcsinh(size / k[0])])
    return X, y, k, np.zeros(2), np.array([size + off, size - off]), dual


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("off", [2.0**-10, 2.0**-14, 2.0**-20])
def test_it_is_tight_where_all_coordinates_are_equally_stiff(off, sign):
    """There Taylor's theorem loses the change of stiffness alone, which is of the order of the error."""
    X, y, k, start, beta, dual = balanced(sign * 3.0, off)
    bound = rigorous_bound(X, y, k, start, beta, dual)
    assert np.sqrt(2) * off <= bound.distance <= np.sqrt(2) * off * (1 + 4 * off)
    share = bound.distance / np.sqrt(18)
    assert share * (1 - share) <= bound.relative <= share * (1 + 3 * share)
    with mp.workdps(DIGITS):
        exact = mp.fsum(divergence(mp.mpf(float(b)), mp.mpf(3 * sign), mp.mpf(0.25)) for b in beta)
        assert abs(bound.gap / exact - 1) <= mp.mpf("1e-8")  # the dual is off by round-off, which the gap sees to second order
        widths = [(bound.gap + mp.sqrt(bound.gap**2 + 4 * bound.gap * (abs(mp.mpf(float(b))) + 0.25))) / 2 for b in beta]
        assert all(abs(found / width - 1) <= mp.mpf("1e-12") for found, width in zip(bound.entrywise, widths, strict=True))


def test_a_candidate_that_is_not_feasible_is_moved_and_the_move_added():
    """Equal weights move equally: the correction is known, and nothing else is wrong."""
    X, y, k, start, beta, dual = balanced(1.0, 0.0)
    bound = rigorous_bound(X, y, k, start, beta + 2.0**-12, dual)
    assert np.sqrt(2) * 2.0**-12 <= bound.distance <= np.sqrt(2) * 2.0**-12 * (1 + 1e-6)
    assert (bound.entrywise >= 2.0**-12).all()
    assert (bound.entrywise <= 2.0**-12 * (1 + 1e-6)).all()


def test_the_nearest_feasible_point_is_nearest_in_the_metric():
    """beta - W X^T (X W X^T)^-1 (X beta - y) in exact rationals."""
    X, y = np.array([[1.0, 2.0, -1.0], [0.0, 1.0, 3.0]]), np.array([1.0, 2.0])
    beta, metric = np.array([0.5, -1.0, 2.0]), np.array([1.0, 0.5, 4.0])
    with working_precision(BITS), mp.workdps(DIGITS):
        found = rigorous._nearest_feasible(X, y, beta, metric)
        bounds = [ends(ball) for ball in found]
    A, W, b = sp.Matrix(X.astype(int)), sp.diag(1, sp.Rational(1, 2), 4), sp.Matrix([sp.Rational(1, 2), -1, 2])
    exact = b - W * A.T * (A * W * A.T).inv() * (A * b - sp.Matrix([1, 2]))
    with mp.workdps(DIGITS):
        for (low, high), value in zip(bounds, exact, strict=True):
            assert low <= mp.mpf(int(value.p)) / int(value.q) <= high
            assert high - low <= mp.mpf("1e-60")
    assert rigorous._nearest_feasible(np.zeros((0, 2)), np.zeros(0), np.array([1.0, 2.0]), np.ones(2)) == [1, 2]
    with working_precision(BITS):
        assert rigorous._nearest_feasible(np.ones((2, 3)), np.ones(2), np.zeros(3), np.ones(3)) is None


def test_a_precision_that_does_not_suffice_is_raised():
    """Where the candidate is right to round-off, 30 bits tell nothing of it, and 60 little: a gap is of second order."""
    low, usual = (rigorous_bound(*balanced(1 / 3, 0.0), prec=bits) for bits in (30, 256))
    assert (low.precision, usual.precision) == (60, 256)
    assert usual.distance <= 1e-15
    assert usual.distance <= low.distance <= 1e-7


def test_the_last_precision_is_tried(monkeypatch):
    monkeypatch.setattr(rigorous, "MOST_PRECISION", 60)
    assert rigorous_bound(*balanced(1 / 3, 0.0), prec=30).precision == 60


@pytest.mark.parametrize(
    ("radius", "size", "distance", "resolved"),
    [(-40, 0, -20, True), (-40, 0, -21, False), (-73, 0, None, True), (-72, 0, None, False), (-72, 1, None, True)],
)
def test_balls_are_narrow_beside_the_bound_or_beside_what_float64_can_tell(radius, size, distance, resolved):
    """Powers of two: of the radius, the number, and the bound (0 if None)."""
    ball, bound = arb(2.0**size, 2.0**radius * (1 - 1e-9)), arb(0) if distance is None else arb(2.0**distance)
    assert rigorous._resolved(bound, [ball]) is resolved


def test_rows_that_only_more_bits_tell_apart():
    X = np.array([[1.0, 1.0, 1.0], [1.0, 1.0, 1 + 2.0**-40]])
    y = X @ np.array([1.0, 2.0, 1.0])
    bound = rigorous_bound(X, y, 0.5, 0.0, np.array([1.5, 1.5, 1.0]), np.array([0.0, 0.0]), prec=30)
    assert bound.precision >= 60
    assert 0.5 * np.sqrt(2) <= rigorous_bound(X, y, 0.5, 0.0, np.array([1.0, 2.0, 1.0]), np.zeros(2), prec=30).distance < np.inf
    assert rigorous._independent(X, y, 30) == [0, 1]


def test_a_bound_that_balls_have_made_wide_is_computed_again():
    """At 60 bits it is finite, and more than half of it is the radii of balls."""
    X = np.array([[1.0, 1.0, 1.0], [1.0, 1.0, 1 + 2.0**-18]])
    bound = rigorous_bound(X, X @ np.array([1.0, 2.0, 1.0]), 0.5, 0.0, np.ones(3), np.zeros(2), prec=60)
    assert bound.precision == 120
    assert bound.distance == pytest.approx(10.402770420113379, rel=1e-9)


def test_each_entry_of_the_only_feasible_point_is_known():
    bound = rigorous_bound(np.eye(2), [1.0, 2.0], 1.0, 0.0, [1.0, 2.0 + 2.0**-40], [5.0, 5.0])
    np.testing.assert_allclose(bound.entrywise, [0, 2.0**-40], rtol=1e-12, atol=1e-300)
    assert bound.distance == pytest.approx(2.0**-40, rel=1e-12)


@pytest.mark.parametrize(("most", "refused"), [(11.0, True), (12.0, False)])
def test_ranks_are_exact_up_to_a_size(most, refused, monkeypatch):
    """n^2 D = 12 here."""
    monkeypatch.setattr(rigorous, "MOST_EXACT_PRODUCTS", most)
    if refused:
        with pytest.raises(InputError, match="too large for exact ranks"):
            rigorous._independent(np.ones((2, 3)), np.ones(2), BITS)
    else:
        assert rigorous._independent(np.ones((2, 3)), np.ones(2), BITS) == [0]


def test_the_last_input_counts_for_the_rank():
    X = np.array([[1.0, 0.0, 0.0], [1.0, 0.0, 1.0], [2.0, 0.0, 1.0]])
    assert rigorous._independent(X, np.array([1.0, 2.0, 3.0]), BITS) == [0, 1]


@given(seeds, st.integers(1, 4), st.integers(0, 3))
def test_rows_that_others_follow_from_are_found_exactly(seed, rank, more):
    """Small integers in units of powers of two: a largest independent set is kept, by exact ranks."""
    draw = np.random.default_rng(seed)
    base, mixing = draw.integers(-4, 5, size=(rank, 5)), draw.integers(-2, 3, size=(rank + more, rank))
    X = (mixing @ base) * 2.0 ** draw.integers(-30, 30, size=(rank + more, 1))
    y = X @ draw.integers(-4, 5, size=5)
    chosen = rigorous._independent(X, y, BITS)
    exact = sp.Matrix(mixing @ base)
    assert len(chosen) == exact.rank()
    assert chosen == sorted(set(chosen))
    assert not chosen or exact.extract(chosen, list(range(5))).rank() == len(chosen)
    if len(chosen) < rank + more:
        kept = np.isin(np.arange(rank + more), chosen)
        last = np.flatnonzero(~kept)[0]
        y[last] = np.nextafter(y[last], np.inf)
        with pytest.raises(InputError, match="outside the range of X"):
            rigorous._independent(X, y, BITS)


@given(st.lists(st.floats(-1e30, 1e30, width=64), min_size=1, max_size=6))
def test_a_row_in_integers_is_the_row_times_a_power_of_two(row):
    found = rigorous._integers(row)
    factors = {Fraction(whole) / Fraction(value) for whole, value in zip(found, row, strict=True) if value}
    assert len(factors) <= 1
    assert all(factor.denominator == 1 and factor.numerator & (factor.numerator - 1) == 0 for factor in factors)
    assert all(isinstance(whole, int) for whole in found)
