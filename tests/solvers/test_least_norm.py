"""The weighted l2 norm in one factorisation: the pseudoinverse's answer, for dependent samples and weights of any size."""

import numpy as np
import pytest
from drawn import examples
from drawn_tasks import tasks
from hypothesis import event, given
from hypothesis import strategies as st

from normtheory.arrays import InputError
from normtheory.solvers import least_norm, programs
from normtheory.solvers.certificate import DEFAULT_TOLERANCE, NotCertified


@examples(150)
@given(tasks(most_tasks=1), st.sampled_from([0.0, 1.0, 4.0]), st.integers(0, 2**32 - 1))
def test_every_answer_is_optimal(drawn, decades, seed):
    """It fits, and its gradient is X^T dual; or it is refused, where samples are nearly collinear as the weights see them."""
    ((X, y),) = drawn
    weight = 10 ** np.random.default_rng(seed).uniform(-decades, decades, X.shape[1])
    try:
        solution = least_norm.minimize(X, y, weight)
    except NotCertified as refusal:
        event("refused")
        certificate = refusal.certificate
        assert not certificate.within(DEFAULT_TOLERANCE)
        return
    size = np.abs(y).max() or 1.0
    assert np.linalg.norm((X @ solution.beta - y) / size) <= 1.01e-10 * np.linalg.norm(y / size)
    gradient = 2 * weight * solution.beta
    assert np.abs(gradient - X.T @ solution.dual).max() <= 1.1e-5 * np.abs(gradient).max()


def test_against_the_pseudoinverse():
    draw = np.random.default_rng(0)
    X, weight = draw.normal(size=(10, 30)), draw.uniform(0.1, 3, 30)
    X = np.vstack([X, X[:3]])
    y = X @ draw.normal(size=30)
    roots = np.sqrt(weight)
    np.testing.assert_allclose(least_norm.minimize(X, y, weight).beta, (np.linalg.pinv(X / roots) @ y) / roots, atol=1e-12)
    np.testing.assert_allclose(least_norm.minimize(X, y).beta, np.linalg.pinv(X) @ y, atol=1e-12)


def test_the_conic_solver_agrees():
    draw = np.random.default_rng(1)
    X = draw.normal(size=(10, 30))
    y, weight = X @ draw.normal(size=30), draw.uniform(0.1, 3, 30)
    ours, theirs = least_norm.minimize(X, y, weight), programs.minimize_l2(X, y, weight)
    np.testing.assert_allclose(ours.beta, theirs.beta, atol=1e-6)
    np.testing.assert_allclose(ours.dual, theirs.dual, atol=1e-5)


def test_more_samples_than_inputs_and_none_that_count():
    draw = np.random.default_rng(2)
    X, teacher = draw.normal(size=(30, 10)), draw.normal(size=10)
    np.testing.assert_allclose(least_norm.minimize(X, X @ teacher).beta, teacher, atol=1e-13)
    assert not least_norm.minimize(X, np.zeros(30)).beta.any()
    with pytest.raises(InputError, match="outside the range of X"):
        least_norm.minimize(X, draw.normal(size=30))
    with pytest.raises(InputError, match="every entry of weight must be positive"):
        least_norm.minimize(X, X @ teacher, -1.0)
