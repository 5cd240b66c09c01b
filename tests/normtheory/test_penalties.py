"""Penalties against high-precision evaluation of the one expression that each of them states."""

import math

import mpmath as mp
import numpy as np
import pytest
import sympy as sp
from hypothesis import example, given
from hypothesis import strategies as st

from normtheory.arrays import InputError
from normtheory.penalties import L1, GroupL12, Q, WeightedL2, arcsinh_difference, exp_remainder, latex

DIGITS = 140
# Each numeric is a handful of operations on factors that do not cancel: about 45 units of round-off are allowed.
RELATIVE = 1e-14

b_symbol, a_symbol = sp.symbols("b a", real=True)
k_symbol, w_symbol = sp.Symbol("k", positive=True), sp.Symbol("w", positive=True)

exponents = st.floats(-12, 12)
signs = st.sampled_from([-1.0, 1.0])
scales = st.floats(-12, 6).map(lambda e: 10.0**e)
ratios = st.builds(lambda sign, e: sign * 10.0**e, signs, exponents)


def evaluator(expression, *symbols):
    """The expression as an mpmath function of `symbols`, evaluated with DIGITS digits."""
    function = sp.lambdify(symbols, expression, "mpmath")

    def evaluate(*values):
        with mp.workdps(DIGITS):
            return function(*(mp.mpf(value) for value in values))

    return evaluate


Q_VALUE = evaluator(Q.expression(), b_symbol, k_symbol)
Q_GRADIENT = evaluator(sp.diff(Q.expression(), b_symbol), b_symbol, k_symbol)
Q_SECOND = evaluator(sp.diff(Q.expression(), b_symbol, 2), b_symbol, k_symbol)

L12_VALUE = evaluator(GroupL12.expression(), b_symbol, a_symbol)
L12_GRADIENT = [evaluator(sp.diff(GroupL12.expression(), s), b_symbol, a_symbol) for s in (b_symbol, a_symbol)]
L12_HESSIAN = [
    [evaluator(sp.diff(GroupL12.expression(), s, t), b_symbol, a_symbol) for t in (b_symbol, a_symbol)]
    for s in (b_symbol, a_symbol)
]
L1_VALUE = evaluator(L1.expression(), b_symbol)
L2_VALUE = evaluator(WeightedL2.expression(), b_symbol, w_symbol)
L2_GRADIENT = evaluator(sp.diff(WeightedL2.expression(), b_symbol), b_symbol, w_symbol)
L2_SECOND = evaluator(sp.diff(WeightedL2.expression(), b_symbol, 2), b_symbol, w_symbol)


def assert_close(numeric, exact, relative=RELATIVE):
    """The float `numeric` equals the mpmath number `exact` to the relative accuracy stated."""
    with mp.workdps(DIGITS):
        assert abs(mp.mpf(float(numeric)) - exact) <= relative * abs(exact), (numeric, mp.nstr(exact, 20))


@given(k=scales, ratio=ratios)
@example(k=1.0, ratio=1e-8)  # the printed formula keeps no digit here
@example(k=1e-12, ratio=1e12)
@example(k=1e6, ratio=1e-12)
def test_q_and_its_derivatives(k, ratio):
    b = ratio * k
    penalty = Q([k])
    assert_close(penalty.contributions(b)[0], Q_VALUE(b, k))
    assert_close(penalty.value([b]), Q_VALUE(b, k))
    assert_close(penalty.gradient(b)[0], Q_GRADIENT(b, k))
    assert_close(penalty.second_derivative(b)[0], Q_SECOND(b, k))


@given(k=scales, slope=st.builds(lambda sign, e: sign * 10.0**e, signs, st.floats(-12, 2)))
@example(k=1.0, slope=1e-8)
def test_q_conjugate_is_the_legendre_transform_of_the_expression(k, slope):
    """sup_b slope b - Q(b), attained where Q'(b) = slope, found by root search on the expression's derivative."""
    penalty = Q([k])
    with mp.workdps(DIGITS):
        guess = mp.mpf(k) * mp.sinh(mp.mpf(slope) / 2)
        b = mp.findroot(lambda b: Q_GRADIENT(b, k) - mp.mpf(slope), (guess * mp.mpf("0.999"), guess * mp.mpf("1.001")))
        exact = mp.mpf(slope) * b - Q_VALUE(b, k)
    # sinh and its argument's rounding: the relative condition number in the slope is at most slope/2.
    relative = RELATIVE * max(1.0, abs(slope))
    assert_close(penalty.inverse_gradient(slope)[0], b, relative)
    assert_close(penalty.conjugate(slope)[0], exact, relative)


def exact_divergence(b, b0, k):
    """D_Q(b, b0) from its definition."""
    with mp.workdps(DIGITS):
        return Q_VALUE(b, k) - Q_VALUE(b0, k) - Q_GRADIENT(b0, k) * (mp.mpf(b) - mp.mpf(b0))


@given(k=scales, ratio=ratios, start=ratios)
@example(k=1.0, ratio=1e-10, start=-1e-10)
@example(k=1e-3, ratio=1e12, start=-1e12)
def test_q_divergence_far_apart(k, ratio, start):
    b, b0 = ratio * k, start * k
    assert_close(Q([k]).divergence(b, b0)[0], exact_divergence(b, b0, k))


@given(k=scales, ratio=ratios, step=st.floats(-9, -1), sign=signs)
@example(k=1.0, ratio=1e12, step=-9.0, sign=1.0)
def test_q_divergence_of_neighbours_does_not_cancel(k, ratio, step, sign):
    """Relative to b the points are 1e-9 apart, their divergence 1e-18: the definition keeps no digit of it."""
    b0 = ratio * k
    b = b0 * (1 + sign * 10.0**step)
    assert_close(Q([k]).divergence(b, b0)[0], exact_divergence(b, b0, k))


def test_q_divergence_vanishes_only_at_the_start():
    penalty = Q([0.5, 0.5])
    assert penalty.divergence([3.0, -0.0], [3.0, 0.0]).tolist() == [0.0, 0.0]
    assert (penalty.divergence([3.0, 1e-300], [3.0 + 1e-13, 2e-150]) > 0).all()


@given(k=scales, start=ratios, shift=st.builds(lambda sign, e: sign * 10.0**e, signs, st.floats(-10, 1.5)))
@example(k=1.0, start=1e12, shift=1e-8)
@example(k=1.0, start=-1e12, shift=10.0)
def test_q_divergence_to_is_the_divergence_from_the_shifted_point(k, start, shift):
    b0 = start * k
    with mp.workdps(DIGITS):
        b = mp.mpf(k) * mp.sinh((Q_GRADIENT(b0, k) + mp.mpf(shift)) / 2)
        exact = Q_VALUE(b0, k) - Q_VALUE(b, k) - Q_GRADIENT(b, k) * (mp.mpf(b0) - b)
    assert_close(Q([k]).divergence_to(b0, shift)[0], exact, RELATIVE * max(1.0, abs(shift)))


@given(k=scales, ratio=ratios, start=ratios)
@example(k=1.0, ratio=1e12, start=1e12 * (1 + 1e-15))
@example(k=1.0, ratio=1e-12, start=-1e-12)
def test_arcsinh_difference(k, ratio, start):
    b, b0 = ratio * k, start * k
    with mp.workdps(DIGITS):
        exact = mp.asinh(mp.mpf(b) / mp.mpf(k)) - mp.asinh(mp.mpf(b0) / mp.mpf(k))
    assert_close(arcsinh_difference(b, b0, k), exact)


@given(st.builds(lambda sign, e: sign * 10.0**e, signs, st.floats(-150, 2.8)))
@example(0.5)
@example(-0.4999999)
def test_exp_remainder(x):
    with mp.workdps(3 * DIGITS):  # at |x| = 1e-150 the subtraction below costs 300 digits
        exact = mp.expm1(mp.mpf(x)) - mp.mpf(x)
    assert_close(exp_remainder(x), exact)


@given(a=ratios, b=ratios)
def test_group_l12(a, b):
    penalty, beta = GroupL12(), np.array([[b], [a]])
    assert_close(penalty.value(beta), L12_VALUE(b, a))
    for task in range(2):
        assert_close(penalty.gradient(beta)[task, 0], L12_GRADIENT[task](b, a))
        for other in range(2):
            assert_close(penalty.second_derivative(beta)[0, task, other], L12_HESSIAN[task][other](b, a))
    with mp.workdps(DIGITS):
        excess = L12_VALUE(b, a) - 2 * abs(mp.mpf(a))
    assert_close(penalty.excess([b], [a])[0], excess)


def test_group_l12_of_three_tasks_and_at_zero():
    penalty = GroupL12()
    beta = np.array([[1.0, 0.0], [2.0, 0.0], [2.0, 0.0]])
    u = np.array([1, 2, 2]) / 3
    np.testing.assert_allclose(penalty.second_derivative(beta)[0], 2 / 3 * (np.eye(3) - np.outer(u, u)), rtol=1e-14)
    assert np.isinf(penalty.second_derivative(beta)[1]).all()
    assert penalty.gradient(beta)[:, 1].tolist() == [0.0, 0.0, 0.0]
    assert penalty.value(beta) == 6.0
    assert penalty.excess([0.0], [0.0]).tolist() == [0.0]
    assert penalty.conjugate([[1.2, 2.0], [1.6, 0.1]]).tolist() == [0.0, math.inf]


@given(b=ratios, w=scales)
def test_l1_and_weighted_l2(b, w):
    weighted = WeightedL2([w])
    assert_close(L1().value([b]), L1_VALUE(b))
    assert L1().gradient([b]).tolist() == [math.copysign(1.0, b)]
    assert_close(weighted.value([b]), L2_VALUE(b, w))
    assert_close(weighted.gradient([b])[0], L2_GRADIENT(b, w))
    assert_close(weighted.second_derivative([b])[0], L2_SECOND(b, w))
    assert_close(weighted.conjugate(weighted.gradient([b]))[0], L2_VALUE(b, w), 2 * RELATIVE)


def test_l1_at_its_kink_and_in_the_dual_ball():
    assert L1().gradient([0.0]).tolist() == [0.0]
    assert L1().second_derivative([0.0, 2.0]).tolist() == [math.inf, 0.0]
    assert L1().conjugate([-1.0, 0.5, 1.5, -1.5]).tolist() == [0.0, 0.0, math.inf, math.inf]


def test_expressions_know_what_their_symbols_are():
    """Which proofs rest on: sympy simplifies what it knows to be real or positive."""
    symbols = {Q: {b_symbol, k_symbol}, GroupL12: {b_symbol, a_symbol}, L1: {b_symbol}, WeightedL2: {b_symbol, w_symbol}}
    assert {penalty: penalty.expression().free_symbols for penalty in symbols} == symbols


def test_the_weight_is_one_unless_it_is_given():
    assert WeightedL2().value([3.0, -4.0]) == 25


@given(b=ratios, k=scales, factor=st.floats(-3, 3).map(lambda e: 10.0**e))
def test_q_is_even_and_homogeneous(b, k, factor):
    value = Q([k]).value([b * k])
    assert Q([k]).value([-b * k]) == value
    np.testing.assert_allclose(Q([factor * k]).value([factor * b * k]), factor * value, rtol=1e-14)


@pytest.mark.parametrize(("penalty", "part"), [(Q, "asinh"), (GroupL12, "sqrt"), (L1, r"\left|{b}\right|"), (WeightedL2, "w")])
def test_latex_is_printed_from_the_expression(penalty, part):
    assert part in latex(penalty)


@pytest.mark.parametrize("k", [[0.0], [-1.0], [1.0, np.nan], [np.inf], ["a"], [1j], [True]])
def test_scales_that_make_no_penalty(k):
    with pytest.raises(InputError):
        Q(k)
    with pytest.raises(InputError):
        WeightedL2(k)


def test_group_l12_needs_a_row_per_task():
    with pytest.raises(InputError, match="one row per task"):
        GroupL12().value([1.0, 2.0])
