"""Each measure of a certificate against its definition in 80 digits: an upper bound, and no more than round-off above it."""

from functools import partial

import mpmath as mp
import numpy as np
import pytest
from drawn import Problem, build, examples
from hypothesis import given
from hypothesis import strategies as st

from normtheory.penalties import L1, GroupL12, Q, WeightedL2
from normtheory.solvers import certificate as checker
from normtheory.solvers.certificate import (
    certify_norm,
    certify_q,
    certify_separable,
)
from normtheory.solvers.newton import minimize
from normtheory.solvers.potentials import DeepDiagonal, HyperbolicEntropy

DIGITS = 80
seeds, log_sizes = st.integers(0, 2**32 - 1), st.floats(-7, 0.5)


def high(array):
    """A float64 array as a list of exact mpmath numbers, or of such lists."""
    return [high(row) for row in array] if np.ndim(array) else mp.mpf(float(array))


def times(X, b):
    return [mp.fdot(row, b) for row in X]


def transposed(X, nu):
    return times(list(zip(*X, strict=True)), nu)


def assert_measured(found, **exact):
    """Each measure is at least the exact one, and at most slightly more; each objective is the exact one."""
    for name, value in exact.items():
        measure = mp.mpf(getattr(found, name))
        if name.endswith("objective"):
            assert abs(measure - value) <= mp.mpf("1e-12") * abs(value), name
        else:
            assert value <= measure <= value * (1 + mp.mpf("1e-6")) + mp.mpf("1e-10"), name


def perturbed(seed, log_size, start):
    """A problem, and a candidate and a dual that are off."""
    problem = build(seed=seed, n=3, D=7, sparsity=1.0, decades=(-3, 1), correlation=0.3, start=start)
    solution, draw = minimize(problem.X, problem.y, problem.k, problem.beta0), np.random.default_rng(seed)
    beta = solution.beta + 10**log_size * draw.normal(size=7)
    return problem, beta, solution.dual + 10**log_size * draw.normal(size=3)


def q_measures(problem, beta, dual):
    """All five from the definitions: Q' = 2 arcsinh(b/k), Q'' = 2/sqrt(b^2 + k^2), and the divergence's."""
    X, y, k, start, b, nu = (high(array) for array in (problem.X, problem.y, problem.k, problem.beta0, beta, dual))

    def q(b, k):
        return 2 * b * mp.asinh(b / k) - 2 * mp.sqrt(b**2 + k**2) + 2 * k

    def divergence(b, c, k):
        return q(b, k) - q(c, k) - 2 * mp.asinh(c / k) * (b - c)

    pull = transposed(X, nu)
    picked = [s * mp.sinh(mp.asinh(a / s) + p / 2) for a, s, p in zip(start, k, pull, strict=True)]
    misfit = [t - m for t, m in zip(y, times(X, start), strict=True)]
    residual = [m - t for t, m in zip(y, times(X, b), strict=True)]
    objective = mp.fsum(map(divergence, b, start, k))
    dual_objective = mp.fdot(nu, misfit) - mp.fsum(map(divergence, start, picked, k))
    mismatch = [2 * mp.asinh(v / s) - 2 * mp.asinh(a / s) - p for v, a, s, p in zip(b, start, k, pull, strict=True)]
    local = mp.sqrt(mp.fsum(m**2 * mp.sqrt(v**2 + s**2) / 2 for m, v, s in zip(mismatch, b, k, strict=True)))
    return {
        "objective": objective,
        "dual_objective": dual_objective,
        "primal_residual": mp.norm(residual) / max(mp.norm(y), mp.norm(times(X, start))),
        "gap": abs(objective - dual_objective) / max(abs(objective), abs(dual_objective)),
        "stationarity": local / mp.sqrt(objective),
    }, picked


def separable_measures(problem, beta, dual):
    """The same, but that stationarity is in the metric of the point that nu picks, and at least that point's distance."""
    exact, picked = q_measures(problem, beta, dual)
    b, start, k = (high(array) for array in (beta, problem.beta0, problem.k))
    pull = transposed(high(problem.X), high(dual))
    mismatch = [2 * mp.asinh(v / s) - 2 * mp.asinh(a / s) - p for v, a, s, p in zip(b, start, k, pull, strict=True)]
    local = mp.sqrt(mp.fsum(m**2 * mp.sqrt(v**2 + s**2) / 2 for m, v, s in zip(mismatch, picked, k, strict=True)))
    apart = mp.norm([v - p for v, p in zip(b, picked, strict=True)]) / max(mp.norm(b), mp.norm(picked))
    return exact | {"stationarity": max(apart, local / mp.sqrt(exact["objective"]))}


@examples(30)
@given(seeds, log_sizes, st.sampled_from([0.0, 1.0]))
def test_q(seed, log_size, start):
    problem, beta, dual = perturbed(seed, log_size, start)
    found = certify_q(problem.X, problem.y, Q(problem.k), problem.beta0, beta, dual)
    with mp.workdps(DIGITS):
        assert_measured(found, **q_measures(problem, beta, dual)[0])
    assert found.unique is True


@examples(30)
@given(seeds, log_sizes, st.sampled_from([0.0, 1.0]))
def test_q_as_a_separable_potential(seed, log_size, start):
    problem, beta, dual = perturbed(seed, log_size, start)
    potential = HyperbolicEntropy(problem.k, problem.beta0)
    found = certify_separable(problem.X, problem.y, potential, beta, dual)
    with mp.workdps(DIGITS):
        assert_measured(found, **separable_measures(problem, beta, dual))
    assert found.unique is True


@pytest.mark.parametrize("off", [1e-3, 1e-6])
def test_a_flat_potential_is_held_to_the_distance_of_its_candidate(off):
    """A deep network near the edge of its domain: the gap is of second order in what the distance is of first."""
    potential = DeepDiagonal(np.full(3, 1e-3), depth=4)
    X = np.array([[1.0, 2.0, -1.0]])
    dual = np.array([0.999999]) / 2  # the edge is at 1/2, where x is 1 at the largest input
    beta = potential.map(X.T @ dual)[0]
    moved = beta + off * np.abs(beta).max() * np.array([2.0, -1.0, 0.0])  # in the kernel of X
    found = certify_separable(X, X @ beta, potential, moved, dual)
    assert found.gap <= 10 * off
    apart = np.linalg.norm(moved - beta) / max(np.linalg.norm(moved), np.linalg.norm(beta))
    assert apart * (1 - 1e-12) <= found.stationarity


def norm_measures(penalty, designs, targets, beta, duals):
    """From the definitions: 2 sum of group norms (l1: sum of sizes), nu.y scaled into the dual ball; for l2 its own dual."""
    X, y, b, nu = high(designs), high(targets), high(beta), high(duals)
    pull = list(zip(*(transposed(*task) for task in zip(X, nu, strict=True)), strict=True))
    groups = list(zip(*b, strict=True))
    linear = mp.fsum(mp.fdot(*task) for task in zip(nu, y, strict=True))
    if isinstance(penalty, WeightedL2):
        weight = high(penalty.weight)
        objective = mp.fsum(w * v**2 for w, v in zip(weight, b[0], strict=True))
        dual_objective = linear - mp.fsum(p[0] ** 2 / (4 * w) for w, p in zip(weight, pull, strict=True))
        slopes = [abs(2 * w * v - p[0]) for w, v, p in zip(weight, b[0], pull, strict=True)]
        stationarity = max(slopes) / max(abs(p[0]) for p in pull)
    else:
        radius = 1 if isinstance(penalty, L1) else 2
        excess = max(mp.norm(p) for p in pull) / radius
        objective = radius * mp.fsum(mp.norm(group) for group in groups)
        dual_objective, stationarity = linear / max(1, excess), max(mp.mpf(0), excess - 1)
    residual = [m - t for A, v, w in zip(X, b, y, strict=True) for m, t in zip(times(A, v), w, strict=True)]
    return {
        "objective": objective,
        "dual_objective": dual_objective,
        "primal_residual": mp.norm(residual) / mp.norm([t for w in y for t in w]),
        "gap": abs(objective - dual_objective) / max(abs(objective), abs(dual_objective)),
        "stationarity": stationarity,
    }


@examples(60)
@given(seeds, st.sampled_from(["l1", "l12", "l2"]), st.floats(-2, 1), st.sampled_from([-200, -3, 0, 3, 60]))
def test_norms(seed, name, log_dual, log_scale):
    """Any candidate and any dual, inside the dual ball or outside, at any scale."""
    draw = np.random.default_rng(seed)
    penalty = {"l1": L1(), "l12": GroupL12(), "l2": WeightedL2(draw.uniform(0.5, 2, 6))}[name]
    tasks, scale = 2 if name == "l12" else 1, 10.0**log_scale
    designs, beta = list(draw.normal(size=(tasks, 3, 6))), scale * draw.normal(size=(tasks, 6))
    targets = [X @ b + 0.1 * scale * draw.normal(size=3) for X, b in zip(designs, beta, strict=True)]
    duals = list(10**log_dual * draw.normal(size=(tasks, 3)) * (scale if name == "l2" else 1))
    found = certify_norm(designs, targets, penalty, beta, duals)
    with mp.workdps(DIGITS):
        exact = norm_measures(penalty, designs, targets, beta, duals)
        if name == "l2" and log_scale < -100:  # the objectives are below float64
            exact = {measure: value for measure, value in exact.items() if not measure.endswith("objective")}
        assert_measured(found, **exact)
    assert found.unique is (True if name == "l2" else None)


def cancelling(seed, log_cancel):
    """Two nearly collinear rows of three and a dual that cancels on them: round-off in X^T nu is 10^log_cancel of its usual."""
    draw = np.random.default_rng(seed)
    X, dual = draw.normal(size=(3, 7)), draw.normal(size=3)
    X[1] = X[0] + X[1] / 10**log_cancel
    dual[:2] = 10**log_cancel * draw.normal() * np.array([1, -1])
    return draw, X, dual


def assert_above(measured, exact):
    """Residual, gap and stationarity are at least the exact ones in either precision; in twice the precision hardly above."""
    for extended in (False, True):
        found, _ = measured(extended=extended)
        for name in ("primal_residual", "gap", "stationarity"):
            assert exact[name] <= getattr(found, name), (name, extended)
            assert not extended or getattr(found, name) <= 2 * exact[name] + 1e-12, name


@examples(60)
@given(seeds, st.floats(0, 6), st.sampled_from([0.0, 1.0]))
def test_what_is_optimal_but_for_round_off(seed, log_cancel, start):
    """The point that a dual picks, rounded: whatever is measured of it is round-off, and none of it may be missed."""
    draw, X, dual = cancelling(seed, log_cancel)
    k, beta0 = 10 ** draw.uniform(-2, 1, 7), start * draw.normal(size=7)
    with mp.workdps(DIGITS):
        pull = transposed(high(X), high(dual))
        picked = [s * mp.sinh(mp.asinh(a / s) + p / 2) for a, s, p in zip(high(beta0), high(k), pull, strict=True)]
        beta = np.array(list(map(float, picked)))
        problem = Problem(X, np.array(list(map(float, times(high(X), picked)))), k, beta0, beta)
        args = X, problem.y, Q(k), beta0, beta, dual
        assert_above(partial(checker._measured_q, *args), q_measures(problem, beta, dual)[0])
        args = X, problem.y, HyperbolicEntropy(k, beta0), beta, dual
        assert_above(partial(checker._measured_separable, *args), separable_measures(problem, beta, dual))


@examples(60)
@given(seeds, st.floats(0, 6), st.sampled_from(["l1", "l12", "l2"]))
def test_what_is_optimal_for_a_norm_but_for_round_off(seed, log_cancel, name):
    draw, X, dual = cancelling(seed, log_cancel)
    designs, duals = [X], [dual]
    if name == "l2":
        penalty = WeightedL2(10 ** draw.uniform(-2, 2, 7))
        beta = (X.T @ dual / (2 * penalty.weight))[None]
    else:
        penalty, radius = (L1(), 1.0) if name == "l1" else (GroupL12(), 2.0)
        if name == "l12":
            designs, duals = [X, X[:, ::-1].copy()], [dual, dual[[1, 0, 2]]]
        pull = np.stack([A.T @ nu for A, nu in zip(designs, duals, strict=True)])
        lengths = np.hypot.reduce(pull, axis=0)
        duals, pull = [radius * nu / lengths.max() for nu in duals], radius * pull / lengths.max()
        beta = np.where(np.arange(7) == lengths.argmax(), draw.uniform(0.1, 10) * pull / radius, 0.0)
    targets = [A @ b for A, b in zip(designs, beta, strict=True)]
    with mp.workdps(DIGITS):
        exact = norm_measures(penalty, designs, targets, beta, duals)
        assert_above(partial(checker._measured_norm, designs, targets, penalty, beta, duals), exact)


def test_a_minimiser_of_a_norm_that_is_the_only_one_and_one_that_is_not():
    """The dual that certifies it is a little outside the ball, and is scaled into it before it is used."""
    X, y = np.array([[1.0, 0.5, 1.0], [0.0, 1.0, 0.0]]), [np.array([1.0, 0.0])]
    nearly = 1 + 1e-9
    assert certify_norm([X[:, :2]], y, L1(), np.array([[1.0, 0.0]]), [nearly * np.array([1.0, 0.0])]).unique is True
    assert certify_norm([X], y, L1(), np.array([[0.5, 0.0, 0.5]]), [nearly * np.array([1.0, 0.0])]).unique is False


@pytest.mark.parametrize("multiple", [1.0, -1.0, 0.05, -0.05])
def test_objectives_of_either_sign_and_order(multiple):
    """A candidate short of the constraint may lie below its dual objective, which may be negative and larger in size."""
    X, y = np.array([[1.0, 0.5]]), np.array([1.0])
    found = certify_norm([X], [y], L1(), np.array([[0.1, 0.0]]), [np.array([multiple])])
    assert found.gap == pytest.approx(abs(0.1 - multiple) / max(0.1, abs(multiple)), rel=1e-12)
    found = certify_norm([X], [y], WeightedL2(), np.array([[0.1, 0.0]]), [np.array([4 * multiple])])
    dual_objective = 4 * multiple - 5 * multiple**2
    assert found.gap == pytest.approx(abs(0.01 - dual_objective) / max(0.01, abs(dual_objective)), rel=1e-12)


@pytest.mark.parametrize("scale", [1e-60, 1e-100])
def test_objectives_of_a_tiny_problem_come_back_in_its_own_units(scale):
    problem, beta, dual = perturbed(7, -2, 0.0)
    tiny, beta, dual = problem.with_(y=scale * problem.y), scale * beta, scale * dual
    found = certify_q(tiny.X, tiny.y, Q(tiny.k), tiny.beta0, beta, dual)
    with mp.workdps(5 * DIGITS):
        assert_measured(found, **q_measures(tiny, beta, dual)[0])


@pytest.mark.parametrize("name", ["l1", "l12", "l2"])
@pytest.mark.parametrize("scale", [1e-250, 1e150])
@pytest.mark.parametrize("sign", [1, -1])
def test_norms_of_any_size_and_sign(name, scale, sign):
    """No square leaves float64: not of a candidate below 0, nor, where the candidate is 0, of the targets."""
    penalty = {"l1": L1(), "l12": GroupL12(), "l2": WeightedL2()}[name]
    X, y = np.array([[1.0, 0.0]]), np.array([sign * scale])
    dual = [{"l1": sign * np.ones(1), "l12": 2 * sign * np.ones(1), "l2": 2 * y}[name]]
    assert certify_norm([X], [y], penalty, np.array([[sign * scale, 0.0]]), dual).within(1e-13)
    nothing = certify_norm([X], [y], penalty, np.zeros((1, 2)), dual)
    assert (nothing.primal_residual, nothing.gap) == (pytest.approx(1), pytest.approx(1))


@pytest.mark.parametrize("cancels", ["X beta", "X^T nu"])
@pytest.mark.parametrize("kind", ["q", "separable", "norm"])
def test_round_off_of_either_map_is_reported(kind, cancels):
    """Either alone makes the certificate be computed in twice the precision."""
    k, start, beta = np.ones(3), np.zeros(3), np.ones(3)
    if cancels == "X beta":
        X, dual = np.array([[1e9, -1e9, 1.0], [1e9, -1e9, 2.0]]), np.zeros(2)
    else:
        X, dual = np.array([[1.0, 0.0, 1.0], [1.0, 0.0, 1.0 + 1e-9]]), np.array([1e9, -1e9])
    y = X @ beta
    args = {
        "q": (X, y, Q(k), start, beta, dual),
        "separable": (X, y, HyperbolicEntropy(k, start), beta, dual),
        "norm": ([X], [y], L1(), beta[None], [dual]),
    }[kind]
    measured = getattr(checker, f"_measured_{kind}")
    assert measured(*args, extended=False)[1] > 1e-9
    assert measured(*args, extended=True)[1] < 1e-12


@pytest.mark.parametrize("kind", ["separable", "norm"])
def test_round_off_decides_the_precision(kind, monkeypatch):
    used, name = [], f"_measured_{kind}"
    measured = getattr(checker, name)
    monkeypatch.setattr(checker, name, lambda *args, extended: used.append(extended) or measured(*args, extended=extended))
    problem = build(seed=1, n=5, D=20, sparsity=1.0, decades=(-3, 0), correlation=0.0, start=0.0)
    solution = minimize(problem.X, problem.y, problem.k)

    def certify(tolerance):
        if kind == "separable":
            potential = HyperbolicEntropy(problem.k, problem.beta0)
            return certify_separable(problem.X, problem.y, potential, solution.beta, solution.dual, tolerance=tolerance)
        dual = [solution.dual / np.abs(problem.X.T @ solution.dual).max()]
        return certify_norm([problem.X], [problem.y], L1(), solution.beta[None], dual, tolerance=tolerance)

    certify(1e-10)
    certify(1e-14)
    assert used == [False, False, True]
