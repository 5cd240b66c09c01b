"""Inputs of several variances: invariances, ridgeless regression's closed form, and exact minimisers of drawn problems."""

import numpy as np
import pytest
from scipy.optimize import brentq

from normtheory import exact
from normtheory.arrays import InputError
from normtheory.solvers import groups, newton
from normtheory.solvers.asymptotics import TOLERANCE, Coordinates, fixed_point
from normtheory.solvers.potentials import DeepDiagonal, HyperbolicEntropy
from normtheory.solvers.proximal import Hyperbola, Quadratic, SoftThreshold

# Of 1000 inputs: used by both tasks, by the auxiliary one, by neither; half of each with the larger variance.
COUNT = np.array([15.0, 15.0, 25.0, 25.0, 460.0, 460.0])
TEACHER = 30**-0.5 * np.array([1.0, 1.0, 0.0, 0.0, 0.0, 0.0])
AUX = 80**-0.5 * np.array([1.0, 1.0, 1.0, 1.0, 0.0, 0.0])
VARIANCE = np.array([4.0, 0.25, 4.0, 0.25, 4.0, 0.25])
K, BETA0 = exact.finetuning(AUX, 1e-3, 1e-3)

PENALTIES = {
    "finetuning": HyperbolicEntropy(K, BETA0),
    "single": HyperbolicEntropy(np.full(6, 2e-6), np.zeros(6)),
    "l1": SoftThreshold(np.ones(6)),
    "weighted l2": Quadratic([1.0, 2.0, 3.0, 1.0, 2.0, 3.0], 0.1 * TEACHER),
    "depth 3": DeepDiagonal(np.full(6, 0.1), 3),
}


def drawn(samples, seed):
    """A design with these variances, and its teacher, class by class."""
    random = np.random.default_rng(np.random.SeedSequence((samples, seed)))
    per = COUNT.astype(int)
    X = random.normal(size=(samples, per.sum())) * np.sqrt(np.repeat(VARIANCE, per))
    teacher = np.repeat(TEACHER, per)
    return X, X @ teacher, teacher


def minimiser(name, X, y):
    per = COUNT.astype(int)
    if name == "l1":
        return groups.minimize([(X, y)]).beta[0]
    if name == "depth 3":
        return newton.minimize_separable(X, y, DeepDiagonal(np.full(X.shape[1], 0.1), 3)).beta
    if name == "weighted l2":
        weight, start = np.repeat(PENALTIES[name].weight, per), np.repeat(PENALTIES[name].start, per)
        return start + weight * (X.T @ np.linalg.solve((X * weight) @ X.T, y - X @ start))
    k, beta0 = (K, BETA0) if name == "finetuning" else (np.full(6, 2e-6), np.zeros(6))
    return newton.minimize(X, y, np.repeat(k, per), np.repeat(beta0, per)).beta


@pytest.mark.parametrize(("name", "samples"), [
    ("finetuning", 32), ("single", 100), ("l1", 100), ("weighted l2", 300), ("depth 3", 100)
])  # fmt: skip
def test_exact_minimisers_lie_on_the_curve(name, samples):
    """Eight problems: the mean of log loss within four of its standard errors, and 3 % for the limit; of one variance not."""
    predicted = fixed_point([Coordinates(COUNT, TEACHER, PENALTIES[name], VARIANCE)], samples)
    equal = fixed_point([Coordinates(COUNT, TEACHER, PENALTIES[name], COUNT @ VARIANCE / COUNT.sum())], samples)
    logs, sizes, weights = [], [], np.repeat(VARIANCE, COUNT.astype(int))
    for seed in range(8):
        X, y, teacher = drawn(samples, seed)
        beta = minimiser(name, X, y)
        logs.append(np.log(weights @ (beta - teacher) ** 2))
        sizes.append(np.log(beta @ beta))
    budget = 4 * np.std(logs, ddof=1) / len(logs) ** 0.5 + 0.03
    assert abs(np.mean(logs) - np.log(predicted.loss)) < budget
    assert abs(np.mean(logs) - np.log(equal.loss)) > budget
    squares = float(COUNT @ predicted.expectation(np.square)[0])  # of the predictor itself, not of what it is scaled to
    assert abs(np.mean(sizes) - np.log(squares)) < 4 * np.std(sizes, ddof=1) / len(sizes) ** 0.5 + 0.03


@pytest.mark.parametrize("name", PENALTIES)
@pytest.mark.parametrize("variance", [1e-4, 9.0])
def test_one_variance_changes_units_only(name, variance):
    """The same predictors interpolate: the loss is in other units, and the law is the same."""
    one, other = (fixed_point([Coordinates(COUNT, TEACHER, PENALTIES[name], each)], 100) for each in (1.0, variance))
    assert other.loss == pytest.approx(variance * one.loss, rel=1e-8)
    assert other.tau == pytest.approx(variance**0.5 * one.tau, rel=1e-8)
    np.testing.assert_allclose(other.expectation(np.square)[0], one.expectation(np.square)[0], rtol=1e-7, atol=1e-25)
    assert other.share_outside_top(15) == pytest.approx(one.share_outside_top(15), rel=1e-4)


@pytest.mark.parametrize("noise", [0.0, 0.5])
def test_ridgeless_regression_has_its_known_loss(noise):
    """With sum v/(v + r) = n and V = sum v^2/(v + r)^2: (r^2 sum v b*^2/(v + r)^2 + noise^2 V/n)/(1 - V/n).

    Hastie, Montanari, Rosset and Tibshirani 2022.
    """
    samples = 300
    ridge = brentq(lambda r: COUNT @ (VARIANCE / (VARIANCE + r)) - samples, 1e-9, 1e9, xtol=1e-14)
    kept = COUNT @ (VARIANCE / (VARIANCE + ridge)) ** 2 / samples
    bias = ridge**2 * (COUNT @ (VARIANCE * TEACHER**2 / (VARIANCE + ridge) ** 2))
    point = fixed_point([Coordinates(COUNT, TEACHER, Quadratic(np.ones(6)), VARIANCE)], samples, noise)
    assert point.loss == pytest.approx((bias + noise**2 * kept) / (1 - kept), rel=1e-8)
    assert max(point.residuals) <= TOLERANCE


def test_l12_beside_a_held_task_is_stretched_in_both_of_its_parts():
    """Hyperbola where the auxiliary task has weights, a threshold elsewhere: as one potential, and as its parts."""
    used = AUX > 0
    parts = [
        Coordinates(COUNT[used], TEACHER[used], Hyperbola(AUX[used]), VARIANCE[used]),
        Coordinates(COUNT[~used], TEACHER[~used], SoftThreshold(np.ones(2)), VARIANCE[~used]),
    ]
    small = Coordinates(COUNT, TEACHER, Hyperbola(np.where(used, AUX, 1e-9)), VARIANCE)
    assert fixed_point(parts, 40).loss == pytest.approx(fixed_point([small], 40).loss, rel=1e-4)


def test_a_kink_still_recovers_the_teacher():
    point = fixed_point([Coordinates(COUNT, TEACHER, SoftThreshold(np.ones(6)), VARIANCE)], 400)
    assert point.recovered
    np.testing.assert_allclose(point.expectation(np.square)[0], TEACHER**2)


def test_bad_input_is_named():
    class Own:
        start, unit, recovers = np.zeros(1), 1.0, False

        def nodes(self, *given):
            raise NotImplementedError

    for wrong, message in (
        (lambda: Coordinates([1.0], [1.0], Quadratic([1.0]), 0.0), "variance.* must be positive"),
        (lambda: Coordinates([1.0], [1.0], Quadratic([1.0]), [1.0, 2.0]), "variance has shape"),
        (lambda: Coordinates([1.0], [1.0], Own(), 2.0), "Own is a law without a graph"),
    ):
        with pytest.raises(InputError, match=message):
            wrong()
