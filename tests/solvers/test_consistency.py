"""One policy for targets outside the range of X: moved onto it within the data's precision, or asked for; else refused."""

import numpy as np
import pytest
from drawn import examples
from hypothesis import given
from hypothesis import strategies as st

from normtheory.arrays import InputError, precision
from normtheory.solvers import basis_pursuit, consistency, groups, least_norm, newton, programs
from normtheory.solvers.certificate import NotCertified
from normtheory.solvers.potentials import HyperbolicEntropy
from normtheory.tasks import teacher_student

# Every minimiser of the library, on one task (the norms of two tasks on that task twice).
MINIMISERS = {
    "q": lambda X, y, **policy: newton.minimize(X, y, 0.1, **policy),
    "separable": lambda X, y, **policy: newton.minimize_separable(
        X, y, HyperbolicEntropy(np.full(X.shape[1], 0.1), np.zeros(X.shape[1])), **policy
    ),
    "l1": basis_pursuit.minimize,
    "l2": least_norm.minimize,
    "l12": lambda X, y, **policy: groups.minimize_pair(X, y, X, y, **policy),
    "l12 of tasks": lambda X, y, **policy: groups.minimize([(X, y)], **policy),
    "q, conic": lambda X, y, **policy: programs.minimize_q(X, y, 0.1, **policy),
    "l1, conic": programs.minimize_l1,
    "l2, conic": programs.minimize_l2,
    "l12, conic": lambda X, y, **policy: programs.minimize_l12(X, y, X, y, **policy),
}


def noisy(size, n=14, D=8, rank=8, seed=0):
    """More samples than directions, and targets off the range by `size` of their norm."""
    draw = np.random.default_rng(seed)
    X = draw.normal(size=(n, rank)) @ draw.normal(size=(rank, D))
    fitted = X @ draw.normal(size=D)
    off = draw.normal(size=n)
    off -= X @ np.linalg.lstsq(X, off, rcond=None)[0]
    return X, fitted + size * np.linalg.norm(fitted) * off / np.linalg.norm(off), fitted


@pytest.mark.parametrize("rank", [8, 4])
@pytest.mark.parametrize("minimiser", MINIMISERS)
def test_one_policy_for_all(minimiser, rank):
    """The same targets get the same answer from every program, by the same threshold, with the same number."""
    minimise = MINIMISERS[minimiser]
    for size in (1e-9, 1e-7, 1e-3, 0.5):
        X, y, fitted = noisy(size, rank=rank)
        with pytest.raises(InputError, match=f"residual {size / np.sqrt(1 + size**2):.1e}"):
            minimise(X, y)
        with pytest.raises(InputError, match="outside the range"):
            minimise(X, y, consistency=size / 2)
        for policy in ({"consistency": min(2 * size, 0.99)}, {"inconsistent": "project"}):
            solution = minimise(X, y, **policy)
            assert abs(solution.moved / (size / np.sqrt(1 + size**2)) - 1) <= 1e-4 + 1e-14 / size
            beta = np.atleast_2d(solution.beta)[0]
            assert np.linalg.norm(X @ beta - fitted) <= 2e-7 * np.linalg.norm(fitted)
    X, y, _ = noisy(1e-12, rank=rank)
    assert minimise(X, y).moved < 2e-12


@pytest.mark.parametrize("minimiser", MINIMISERS)
def test_data_of_lower_precision_are_taken(minimiser):
    """Targets in float32 say of themselves that they are rounded; the same numbers in float64 do not."""
    X, _, fitted = noisy(0.0)
    rounded = fitted.astype(np.float32)
    assert 1e-9 < MINIMISERS[minimiser](X, rounded).moved < 1e-6
    assert 1e-9 < MINIMISERS[minimiser](X.astype(np.float32), fitted).moved < 1e-5
    with pytest.raises(InputError, match="say consistency 1e-07"):
        MINIMISERS[minimiser](X, rounded.astype(np.float64))


def test_independent_samples_are_never_moved():
    draw = np.random.default_rng(1)
    X, y = draw.normal(size=(5, 9)), draw.normal(size=5)
    for minimise in MINIMISERS.values():
        assert minimise(X, y, inconsistent="project").moved == 0


@examples(60)
@given(seed=st.integers(0, 2**32 - 1), rank=st.integers(1, 6), decades=st.sampled_from([0, 4]), rows=st.booleans())
def test_least_squares_weighs_samples_as_given(seed, rank, decades, rows):
    """The projection is the plain one, of columns in very different units and of samples that solvers rescale."""
    draw = np.random.default_rng(seed)
    X = draw.normal(size=(12, rank)) @ draw.normal(size=(rank, 6)) * 10 ** draw.uniform(-decades, decades, 6)
    if rows:
        X *= 10 ** draw.uniform(-2, 2, size=(12, 1))
    y = draw.normal(size=12)
    U, sizes, _ = np.linalg.svd(X / np.abs(X).max(axis=0))
    U = U[:, : int((sizes > 1e-12 * sizes[0]).sum())]
    solution = basis_pursuit.minimize(X, y, inconsistent="project", tol=1e-7)
    np.testing.assert_allclose(X @ solution.beta, U @ (U.T @ y), atol=2e-7 * np.linalg.norm(y))
    np.testing.assert_allclose(X @ consistency.least_squares(X, y), U @ (U.T @ y), atol=1e-9)


@pytest.mark.parametrize("digits", ["float32", "6 digits"])
@pytest.mark.parametrize("seed", range(5))
def test_rounded_targets_of_sparse_teachers(seed, digits):
    """Tasks of the paper's kind: rounding adds entries of 1e-7 to sparse predictors, which the minimiser has to resolve."""
    tasks = teacher_student(16, 3, features=5, features_aux=5, inputs=50, samples_aux=(30, 60)[seed % 2], seed=seed)

    def rounded(y):
        return y.astype(np.float32) if digits == "float32" else np.array([float(f"{value:.6g}") for value in y])

    policy = {} if digits == "float32" else {"consistency": 1e-5}
    given = (tasks.main.X, rounded(tasks.main.y), tasks.aux.X, rounded(tasks.aux.y))
    solution = groups.minimize_pair(*given, **policy)
    assert solution.certificate.within(groups.DEFAULT_TOLERANCE)
    assert (solution.moved > 0) == (tasks.aux.samples > 50)
    assert np.abs(solution.beta[1] - tasks.teacher_aux).max() <= 1e-4


@pytest.mark.parametrize("seed", range(6))
def test_groups_of_very_different_size(seed):
    draw = np.random.default_rng(seed)
    X, X_aux = draw.normal(size=(20, 60)), draw.normal(size=(25, 60))
    teacher, aux = np.zeros(60), np.zeros(60)
    teacher[:4], teacher[4:8] = 1, 10.0 ** draw.uniform(-10, -5, 4)
    aux[2:6], aux[8:10] = 1, 10.0 ** draw.uniform(-10, -5, 2)
    solution = groups.minimize_pair(X, X @ teacher, X_aux, X_aux @ aux)
    assert solution.certificate.within(groups.DEFAULT_TOLERANCE)


def test_words_and_precisions():
    assert precision(np.ones(2, dtype=np.float32), [1.0]) == pytest.approx(2.4e-5, rel=0.05)
    assert precision(np.ones(2, dtype=int), np.ones(2, dtype=np.longdouble)) == pytest.approx(3.7e-11, rel=0.05)
    X, y, _ = noisy(0.1)
    for policy in ({"inconsistent": "forget"}, {"consistency": 0.0}, {"consistency": 2.0}, {"consistency": np.nan}):
        with pytest.raises(InputError, match=next(iter(policy))):
            least_norm.minimize(X, y, **policy)


def test_an_auxiliary_task_is_named():
    X, y, fitted = noisy(0.1)
    with pytest.raises(InputError, match="y_aux is outside the range of X_aux"):
        groups.minimize_pair(X, fitted, X, y)


def test_an_ill_conditioned_problem_says_so_and_what_to_do():
    """Columns of 1e-5 to 1e5 are told to be standardised, repeated samples to be dropped; well-conditioned ones neither."""
    draw = np.random.default_rng(0)
    X = draw.normal(size=(6, 12))
    units = X * 10 ** np.linspace(-5, 5, 12)
    twins = np.vstack([X, X[:1] + 1e-7 * draw.normal(size=12)])
    for design, message in (
        (units, r"X is ill-conditioned \(condition number .*\): standardise its columns, or ask for less by tol"),
        (twins, "drop or merge samples that nearly repeat others"),
        (X, "stationarity [^;]*$"),
    ):
        for minimise in (MINIMISERS["q"], basis_pursuit.minimize, least_norm.minimize, MINIMISERS["l12"]):
            with pytest.raises(NotCertified, match=message):
                minimise(design, design @ draw.normal(size=12), tol=1e-20)
    assert consistency.condition_number(np.zeros((2, 2))) == 1.0
    assert consistency.condition_number(np.diag([1.0, 1e-3, 0.0])) == pytest.approx(1e3)


@pytest.mark.parametrize("shape", [(9, 9), (12, 9), (40, 3)])
def test_independent_columns_are_factorised_as_they_are(shape):
    """By a Cholesky factor of their own Gram matrix, not of the rows'; nearly dependent ones by QR; dependent ones not."""
    draw = np.random.default_rng(0)
    X = draw.normal(size=shape) * 10 ** draw.uniform(-2, 2, shape[1])
    columns = consistency.Columns.of(X)
    scaled = X * columns.units
    np.testing.assert_array_equal(columns.pivots, np.arange(shape[1]))
    np.testing.assert_allclose(columns.triangle.T @ columns.triangle, scaled.T @ scaled, rtol=1e-10, atol=1e-10)
    teacher, mu = draw.normal(size=(2, shape[1]))
    np.testing.assert_allclose(columns.least_squares(X @ teacher), teacher, rtol=1e-9)
    np.testing.assert_allclose(X.T @ columns.lifted(mu), mu, rtol=1e-9)
    X[:, -1] = X[:, 0] + 1e-8 * np.abs(X[0, 0]) * draw.normal(size=shape[0])
    nearly = consistency.Columns.of(X)
    assert (nearly.pivots != np.arange(shape[1])).any()
    np.testing.assert_allclose(X @ nearly.least_squares(X @ teacher), X @ teacher, rtol=1e-7, atol=1e-9)
    X[:, -1] = X[:, 0]
    assert consistency.Columns.of(X) is None
    assert consistency.Columns.of(X.T[:-1] if shape[0] == shape[1] else X.T) is None
