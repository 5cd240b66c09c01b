"""The parts of a certificate: what is accepted, ratios and norms at their edges, what an error of X^T nu does."""

from dataclasses import replace

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from normtheory.penalties import Q
from normtheory.solvers import certificate as checker
from normtheory.solvers.certificate import Certificate, NotCertified, Solution, accepted
from normtheory.solvers.enclosures import Enclosed

DIGITS = 80


def high(array):
    """A float64 vector as a list of exact mpmath numbers."""
    return [mp.mpf(x) for x in array.tolist()]


@pytest.mark.parametrize("largest", ["pull, from X below 0", "pull, from X above 0", "beta", "beta0"])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_lift_keeps_the_largest_ratio_quadratic(largest, sign):
    """A power of two that brings it within a factor 2 of QUADRATIC, and none where it is above already."""
    for size, expected in ((1e-90, None), (2 * checker.QUADRATIC, 1.0), (0.0, 1.0)):
        X, dual, beta, beta0 = np.array([[1e-3, -1e-3]]), np.full(1, 1e-95), np.full(2, 1e-95), np.full(2, 1e-95)
        if largest.startswith("pull"):
            X[0, 0 if largest.endswith("above 0") else 1] *= 1e4
            dual[0] = sign * size / 10
        else:
            {"beta": beta, "beta0": beta0}[largest][1] = sign * size * 4  # where k is 4
        if size == 0:
            dual[0] = beta[:] = beta0[:] = 0
        lift = checker._lift(Q(np.array([1.0, 4.0])), beta0, beta, X, dual)
        if expected is None:
            assert checker.QUADRATIC / 2 < lift * size <= checker.QUADRATIC * (1 + 1e-12)
            assert np.frexp(lift)[0] == 0.5
        else:
            assert lift == expected


@given(st.integers(0, 2**32 - 1), st.floats(-12, 0), st.sampled_from([0.0, 1.0]))
def test_an_error_of_the_pull_moves_the_dual_objective_by_no_more_than_is_said(seed, log_error, start):
    """In either direction, and not by much less: the slope of the conjugate is the candidate less beta0."""
    draw = np.random.default_rng(seed)
    k, beta0, pull = 10 ** draw.uniform(-3, 1, 4), start * draw.normal(size=4), 5 * draw.normal(size=4)
    error = 10**log_error * draw.random(4)
    penalty = Q(k)
    said = checker._pushed(penalty, beta0, Enclosed(pull, np.zeros(4), error))

    def term(k, start, pull):
        """D(beta0, b(pull)), up to a constant."""
        return 2 * mp.sqrt((k * mp.sinh(mp.asinh(start / k) + pull / 2)) ** 2 + k**2) - start * pull

    with mp.workdps(DIGITS):
        moved = mp.mpf(0)
        for scale, start_, p, e in zip(high(k), high(beta0), high(pull), high(error), strict=True):
            here, up, down = (term(scale, start_, q) for q in (p, p + e, p - e))
            moved += max(abs(up - here), abs(down - here))
        assert moved <= said <= 3 * moved + mp.mpf("1e-12")


def test_the_tolerance_is_for_residual_gap_and_the_square_of_stationarity():
    good = Certificate(1.0, 1.0, primal_residual=0.04, gap=0.04, stationarity=0.2)
    assert good.within(0.04 + 1e-15)
    for worse in ({"primal_residual": 0.05}, {"gap": 0.05}, {"stationarity": 0.21}):
        assert not replace(good, **worse).within(0.04 + 1e-15)
    assert replace(good, stationarity=0.0).within(0.04)  # at most, not below


def test_a_solution_is_accepted_or_its_certificate_raised():
    certificate = Certificate(1.0, 1.0, 0.0, 1e-3, 0.0, unique=False)
    solution = Solution(np.ones(2), np.ones(1), certificate, "optimal", "a solver", 3)
    assert accepted(solution, 1e-3) is solution
    assert solution.unique is False
    with pytest.raises(
        NotCertified, match=r"a solver missed the tolerance 0.0001: primal residual 0.0e\+00, relative gap 1.0e-03"
    ) as raised:
        accepted(solution, 1e-4)
    assert raised.value.certificate is certificate
    assert str(raised.value).startswith("a solver missed the tolerance")
    assert certificate == replace(certificate, unique=True)  # a verdict is not compared


@pytest.mark.parametrize(
    ("value", "scale", "ratio"),
    [
        (0, 0, 0),
        (1, 0, np.inf),
        (0, 1, 0),
        (np.nan, 1, np.inf),
        (1, np.nan, np.inf),
        (0, np.nan, np.inf),
        (np.inf, np.inf, np.inf),
    ],
)
def test_ratios_that_are_none(value, scale, ratio):
    assert checker._ratio(value, scale) == ratio


def test_norms_of_what_has_none():
    assert checker._norm(np.zeros(0)) == checker._norm(np.zeros(3)) == 0
    assert checker._norm(np.array([1.0, -np.inf])) == np.inf
    assert np.isnan(checker._norm(np.array([1.0, np.nan])))
    np.testing.assert_allclose(checker._norm(np.array([3e200, -4e200])), 5e200, rtol=1e-15)
    np.testing.assert_allclose(checker._norm(np.array([3e-320, -4e-320])), 5e-320, rtol=1e-3)
