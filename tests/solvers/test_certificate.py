"""The checker against exact arithmetic: its measures are upper bounds, whatever float64 loses on the way."""

from fractions import Fraction

import mpmath as mp
import numpy as np
import pytest
from drawn import build, examples, problems
from hypothesis import given
from hypothesis import strategies as st

from normtheory.penalties import L1, GroupL12, Q, WeightedL2
from normtheory.solvers import certificate as checker
from normtheory.solvers import enclosures
from normtheory.solvers.certificate import certify_norm, certify_q
from normtheory.solvers.newton import minimize
from normtheory.solvers.uniqueness import unique_minimiser


def exact_measures(problem, beta, dual):
    """Objective, dual objective and relative primal residual in 60 digits, from the printed formulas."""
    X, y = mp.matrix(problem.X.tolist()), mp.matrix(problem.y.tolist())
    k, start, b = ([mp.mpf(float(v)) for v in values] for values in (problem.k, problem.beta0, beta))
    pull, nu = X.T * mp.matrix(dual.tolist()), mp.matrix(dual.tolist())

    def q(b, k):
        return 2 * b * mp.asinh(b / k) - 2 * mp.sqrt(b**2 + k**2) + 2 * k

    def divergence(b, c, k):
        return q(b, k) - q(c, k) - 2 * mp.asinh(c / k) * (b - c)

    picked = [s * mp.sinh(mp.asinh(a / s) + pull[d] / 2) for d, (a, s) in enumerate(zip(start, k, strict=True))]
    misfit = y - X * mp.matrix(start)
    primal = mp.fsum(divergence(*row) for row in zip(b, start, k, strict=True))
    dual_value = (nu.T * misfit)[0] - mp.fsum(divergence(*row) for row in zip(start, picked, k, strict=True))
    scale = max(mp.norm(y), mp.norm(X * mp.matrix(start)))
    residual = mp.norm(X * mp.matrix(b) - y)
    return primal, dual_value, residual / scale if scale else (mp.inf if residual else mp.mpf(0))


def check_measures(problem, beta, dual):
    """Every measure of the certificate is at least the exact one, and not far above it where that can be told."""
    certificate = certify_q(problem.X, problem.y, Q(problem.k), problem.beta0, beta, dual)
    with mp.workdps(80):
        primal, dual_value, residual = exact_measures(problem, beta, dual)
        size = max(abs(primal), abs(dual_value))
        gap = abs(primal - dual_value) / size if size else mp.mpf(0)
        assert residual <= certificate.primal_residual <= residual * (1 + 1e-6) + 1e-10
        assert gap <= certificate.gap
        if gap < 1e-3:  # and a pull far outside the range of float64's exponentials is rightly infinite
            assert certificate.gap <= gap * (1 + 1e-6) + 1e-10


@examples(60)
@given(problems(most_inputs=9, lowest=-9, highest=3))
def test_the_measures_of_a_solution_are_upper_bounds(problem):
    solution = minimize(problem.X, problem.y, problem.k, problem.beta0)
    check_measures(problem, solution.beta, solution.dual)


@examples(60)
@given(problems(most_inputs=9, lowest=-9, highest=3), st.floats(-15, 0), st.integers(0, 2**32 - 1))
def test_the_measures_of_any_candidate_are_upper_bounds(problem, log_size, seed):
    solution = minimize(problem.X, problem.y, problem.k, problem.beta0)
    draw = np.random.default_rng(seed)
    beta = solution.beta + 10**log_size * draw.normal(size=problem.k.size)
    check_measures(problem, beta, solution.dual + 10**log_size * draw.normal(size=problem.y.size))


@examples(60)
@given(st.integers(0, 2**32 - 1), st.floats(-15, -4), st.floats(0, 12))
def test_nearly_collinear_rows_are_measured_in_twice_the_precision(seed, log_angle, log_cancel):
    """The teacher fits to the last digit; the terms of X beta and X^T nu are up to 1e12 times as large as their sums."""
    problem = build(seed=seed, n=4, D=12, sparsity=1.0, decades=(-3, 0), correlation=0.0, start=0.0)
    draw = np.random.default_rng(seed)
    X = problem.X.copy()
    X[1] = X[0] + 10**log_angle * X[1]
    X[:, 0] += 10**log_cancel
    beta = problem.teacher.copy()
    beta[1] -= beta @ X[2] / X[2, 1]
    dual = draw.normal(size=4)
    dual[:2] = [10**log_cancel, -(10**log_cancel)]
    check_measures(problem.with_(X=X, y=X @ beta), beta, dual)


def test_round_off_decides_the_precision(monkeypatch):
    used = []
    measured = checker._measured_q
    monkeypatch.setattr(
        checker, "_measured_q", lambda *args, extended: used.append(extended) or measured(*args, extended=extended)
    )
    problem = build(seed=1, n=5, D=20, sparsity=1.0, decades=(-3, 0), correlation=0.0, start=0.0)
    solution = minimize(problem.X, problem.y, problem.k)
    assert used == [False]
    used.clear()
    certify_q(problem.X, problem.y, Q(problem.k), problem.beta0, solution.beta, solution.dual, tolerance=1e-14)
    assert used == [False, True]


@given(st.integers(1, 700), st.integers(0, 2**32 - 1), st.floats(0, 14), st.booleans())
def test_products_stay_within_their_bounds(terms, seed, log_spread, extended):
    draw = np.random.default_rng(seed)
    A = draw.normal(size=(3, terms)) * 10 ** draw.uniform(-log_spread, log_spread, size=(3, terms))
    v = draw.normal(size=terms)
    shift = draw.normal(size=3)
    found = enclosures.product(A, v, extended).minus(shift)
    with mp.workdps(80):
        for i in range(3):
            exact = mp.fsum(mp.mpf(a) * mp.mpf(b) for a, b in zip(A[i].tolist(), v.tolist(), strict=True)) - mp.mpf(shift[i])
            assert abs(exact - mp.mpf(found.value[i]) - mp.mpf(found.rest[i])) <= mp.mpf(found.error[i])
            assert abs(exact - mp.mpf(found.value[i])) <= mp.mpf(found.off[i])
            assert mp.mpf(found.least[i]) <= abs(exact)
    if extended:  # the bound is 2 (261 u)^2 = 1.7e-27 of the terms, and a trace for the shift
        assert (found.error <= 1e-26 * (np.abs(A) @ np.abs(v) + np.abs(shift))).all()


@given(st.integers(1, 700), st.integers(0, 2**32 - 1), st.floats(0, 90))
def test_ratios_of_norms_are_rounded_up(size, seed, log_spread):
    draw = np.random.default_rng(seed)
    a, b = draw.normal(size=(2, size)) * 10 ** draw.uniform(-log_spread, log_spread, size=(2, size))
    ratio = Fraction(checker._ratio(checker._norm(a), checker._norm(b)))
    square = sum(Fraction(x) ** 2 for x in a.tolist()) / sum(Fraction(x) ** 2 for x in b.tolist())
    assert square <= ratio**2 <= square * Fraction(1 + 1e-13)


@pytest.mark.parametrize("scale", [1e-250, 1e-180, 1e-60])
def test_a_tiny_problem_is_not_taken_for_an_empty_one(scale):
    """beta^2/k underflows: a certificate that sees 0 = 0 would accept anything feasible."""
    X = np.array([[1.0, 2.0, 0.5]])
    right = scale * X[0] / (X @ X.T)[0, 0]  # the lazy limit, exact here to all digits
    dual = np.array([2 * scale / (X @ X.T)[0, 0]])
    y, zero = np.array([scale]), np.zeros(3)
    assert certify_q(X, y, Q(np.ones(3)), zero, right, dual).within(1e-10)
    wrong = right + scale * np.array([2.0, -1.0, 0.0])
    assert not certify_q(X, y, Q(np.ones(3)), zero, wrong, dual).within(1e-3)


@pytest.mark.parametrize("penalty", [L1(), WeightedL2(np.array([1.0, 2.0, 3.0])), GroupL12()])
@pytest.mark.parametrize("scale", [1e-250, 1.0, 1e90, 1e200])
def test_norms_are_certified_at_any_scale(penalty, scale):
    X = np.array([[1.0, 2.0, 0.5]])
    if isinstance(penalty, WeightedL2):
        beta = X / penalty.weight / (X / penalty.weight @ X.T)
        dual = np.array([2 / (X / penalty.weight @ X.T)[0, 0]]) * scale
    else:
        beta, dual = np.array([[0.0, 0.5, 0.0]]), np.array([0.5])
    tasks = [X], [np.array([scale])]
    if isinstance(penalty, GroupL12):
        dual = 2 * dual
    found = certify_norm(*tasks, penalty, scale * beta, [dual])
    assert found.within(1e-12)
    assert found.unique
    assert not certify_norm(*tasks, penalty, scale * np.array([[1.0, 0.0, 0.0]]), [dual]).within(1e-2)


@pytest.mark.parametrize("name", ["primal_residual", "gap", "stationarity"])
def test_a_measure_that_is_not_a_number_is_not_within_any_tolerance(name):
    measures = {"primal_residual": 0.0, "gap": 0.0, "stationarity": 0.0} | {name: np.nan}
    assert not checker.Certificate(1.0, 1.0, **measures).within(1.0)


def test_uniqueness_is_decided_in_three_ways():
    X = np.array([[1.0, 1.0, 0.5]])
    pull = np.array([[1.0, 1.0, 0.5]])
    both, one = np.array([[0.5, 0.5, 0.0]]), np.array([[1.0, 0.0, 0.0]])
    assert unique_minimiser([X], both, pull, 1.0, 1e-12) is False
    assert unique_minimiser([X], one, pull, 1.0, 1e-12) is None  # a dual on the edge: this pair does not decide it
    assert unique_minimiser([X], one, np.array([[1.0, 0.9, 0.5]]), 1.0, 1e-12) is True
    assert unique_minimiser([X], np.zeros((1, 3)), pull, 1.0, 1e-12) is True
    assert unique_minimiser([X], one, np.array([[1.0, 0.9, 0.5]]), 1.0, np.nan) is None
