"""Never quietly wrong: on problems drawn to break it, the minimiser is right to its tolerance or refuses.

What it returns is judged in 60-digit arithmetic from the problem and the candidate alone.
"""

import mpmath as mp
import numpy as np
from drawn import examples
from hypothesis import event, example, given, target
from hypothesis import strategies as st

from normtheory.solvers.certificate import DEFAULT_TOLERANCE, NotCertified
from normtheory.solvers.newton import minimize

DIGITS = 60


@st.composite
def hostile(draw):
    """Consistent problems with what makes solvers fail: collinear and duplicate rows, zero columns, wild scales, n > D."""
    seed = draw(st.integers(0, 2**32 - 1))
    D = draw(st.integers(1, 12))
    n = draw(st.sampled_from([1, max(1, D // 2), D, D + 3]))
    random = np.random.default_rng(seed)
    X = random.normal(size=(n, D))
    if draw(st.booleans()):  # nearly collinear rows
        X = X * 10.0 ** draw(st.floats(-12, 0)) + random.normal(size=D)
    if n > 1 and draw(st.booleans()):
        X[-1] = X[0] * draw(st.sampled_from([1.0, -1.0, 1e-5]))
    if draw(st.booleans()):
        X[:, random.integers(D)] = 0.0
    X = X * 10.0 ** draw(st.floats(-20, 20))
    size = 10.0 ** draw(st.floats(-20, 20))
    low = draw(st.floats(-12, 6))
    k = size * 10 ** (low + draw(st.floats(0, 1)) * (6 - low) * random.random(D))
    teacher = size * random.normal(size=D) * (random.random(D) < draw(st.sampled_from([0.0, 0.2, 1.0])))
    start = size * draw(st.sampled_from([0.0, 1e-6, 1.0])) * random.normal(size=D)
    return X, X @ teacher, k, start


def true_certificate(X, y, k, beta0, beta, nu):
    """Relative primal residual and relative gap of (beta, nu), in DIGITS digits."""
    with mp.workdps(DIGITS):
        X = [[mp.mpf(entry) for entry in row] for row in X.tolist()]
        y, k, b0, b, nu = ([mp.mpf(entry) for entry in array.tolist()] for array in (y, k, beta0, beta, nu))
        inputs = range(len(k))

        def divergence(a, c, scale):
            return 2 * (a * mp.asinh(a / scale) - mp.hypot(a, scale) + mp.hypot(c, scale) - a * mp.asinh(c / scale))

        def product(vector):
            return [mp.fsum(row[d] * vector[d] for d in inputs) for row in X]

        start, fitted = product(b0), product(b)
        size = max(mp.norm(y), mp.norm(start))
        residual = mp.norm([p - q for p, q in zip(fitted, y, strict=True)])
        pull = [mp.fsum(row[d] * weight for row, weight in zip(X, nu, strict=True)) for d in inputs]
        picked = [k[d] * mp.sinh(mp.asinh(b0[d] / k[d]) + pull[d] / 2) for d in inputs]
        primal = mp.fsum(divergence(b[d], b0[d], k[d]) for d in inputs)
        dual = mp.fsum(w * (p - q) for w, p, q in zip(nu, y, start, strict=True)) - mp.fsum(
            divergence(b0[d], picked[d], k[d]) for d in inputs
        )
        scale = max(abs(primal), abs(dual))
        nothing = scale <= mp.mpf(10) ** (20 - DIGITS) * mp.fsum(abs(entry) for entry in b)  # what 60 digits leave of 0
        return float(residual / size if size else residual), 0.0 if nothing else float(abs(primal - dual) / scale)


@examples(250)
@given(hostile())
@example((np.eye(1), np.zeros(1), np.ones(1), np.zeros(1)))
@example((np.ones((3, 1)), np.ones(3), np.full(1, 1e-12), np.zeros(1)))
@example((np.array([[1.0, 1.0], [1.0, 1.0 + 1e-9]]), np.array([1.0, 1.0]), np.array([1e-12, 1e6]), np.ones(2)))
def test_right_or_refused(problem):
    X, y, k, beta0 = problem
    try:
        solution = minimize(X, y, k, beta0)
    except NotCertified as refusal:
        event("refused")
        certificate = refusal.certificate
        assert certificate is None or not certificate.within(DEFAULT_TOLERANCE)
        return
    event("answered")
    residual, gap = true_certificate(X, y, k, beta0, solution.beta, solution.dual)
    target(max(residual, gap), label="error of an answer")
    # Of dependent samples the targets are moved onto the range, by their round-off, which a large dual makes much of.
    moved = 2 * solution.moved * float(np.linalg.norm(y))
    assert moved <= 2 * DEFAULT_TOLERANCE * float(np.linalg.norm(y))
    assert residual <= 2 * DEFAULT_TOLERANCE
    objective = max(solution.certificate.objective, 1e-300)
    assert gap <= 2 * DEFAULT_TOLERANCE + moved * float(np.linalg.norm(solution.dual)) / objective
