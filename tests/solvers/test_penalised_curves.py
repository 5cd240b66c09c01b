"""Squared error and penalty in the limit: ridge in closed form, one root only, drawn problems, the interpolator as its end."""

import numpy as np
import pytest
from drawn import examples
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import Lasso

from normtheory import exact
from normtheory.arrays import InputError
from normtheory.solvers import penalised
from normtheory.solvers.asymptotics import TOLERANCE, Coordinates, _Search, fixed_point
from normtheory.solvers.curves import default_methods, learning_curve
from normtheory.solvers.potentials import HyperbolicEntropy
from normtheory.solvers.proximal import Quadratic, SoftThreshold
from normtheory.solvers.sparse_pairs import PENALISED, Scales, SparsePair
from normtheory.tasks import generalisation_loss, teacher_student

COUNT, TEACHER = np.array([40.0, 960.0]), np.array([40**-0.5, 0.0])
RIDGE = [Coordinates(COUNT, TEACHER, Quadratic(np.ones(2)))]
LASSO = [Coordinates(COUNT, TEACHER, SoftThreshold([0.5, 0.5]))]  # 2 weight |b|
SINGLE = [Coordinates(COUNT, TEACHER, HyperbolicEntropy(np.full(2, 2e-6), np.zeros(2)))]


def ridge(samples, inputs, noise, strength):
    """Loss of ridge regression for a teacher of norm 1: Marchenko and Pastur's law of X^T X, whose resolvent is at -mu.

    m = E tr (X^T X + mu)^-1 / D solves n m + mu m (1 + D m) = 1 + D m; bias mu^2 E tr (.)^-2 / D, and the noise's part.
    """
    mu = 2 * samples * strength
    away = samples + mu - inputs
    m = (np.hypot(away, 2 * np.sqrt(mu * inputs)) - away) / (2 * mu * inputs)
    by_mu = -m * (1 + inputs * m) / (away + 2 * mu * inputs * m)
    return -(mu**2) * by_mu + noise**2 * inputs * (m + mu * by_mu)


@pytest.mark.parametrize("samples", [100, 500, 999, 1000, 1500, 5000])
@pytest.mark.parametrize("noise", [0.0, 0.1, 2.0])
@pytest.mark.parametrize("strength", [1e-3, 0.1, 10.0])
def test_ridge_regression_has_its_known_loss(samples, noise, strength):
    point = fixed_point(RIDGE, samples, noise, strength=strength)
    assert max(point.residuals) <= TOLERANCE
    assert point.loss == pytest.approx(ridge(samples, 1000, noise, strength), rel=1e-9)
    assert point.loss != pytest.approx(ridge(samples, 1000, noise, 2 * strength), rel=1e-9)


@pytest.mark.parametrize("classes", [SINGLE, LASSO], ids=["q", "lasso"])
@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_as_the_penalty_vanishes_the_interpolator_is_met(classes, noise):
    """Its loss is a tenth as far away at a tenth of the strength."""
    last = fixed_point(classes, 100, noise)
    away = [abs(fixed_point(classes, 100, noise, strength=strength).loss - last.loss) for strength in (1e-5, 1e-6)]
    assert away[0] < 0.01 * last.loss
    assert away[0] / away[1] == pytest.approx(10, rel=0.05)


def test_with_enough_samples_and_no_noise_the_teacher_is_met():
    """The predictor is off by the strength times the penalty's gradient, to first order: the loss falls like its square."""
    classes = [Coordinates(COUNT, TEACHER, HyperbolicEntropy(np.full(2, 0.1), np.zeros(2)))]
    losses = [fixed_point(classes, 1200, strength=strength).loss for strength in (1e-5, 1e-6)]
    assert losses[0] / losses[1] == pytest.approx(100, rel=0.05)


def test_units():
    """Predictors c times: squared errors are c^2 times, the Q penalty at c k is c times, so its strength has to be c times."""
    point = fixed_point(SINGLE, 100, 0.1, strength=0.01)
    larger = [Coordinates(COUNT, 3 * TEACHER, HyperbolicEntropy(np.full(2, 6e-6), np.zeros(2)))]
    assert fixed_point(larger, 100, 0.3, strength=0.03).loss == pytest.approx(9 * point.loss, rel=1e-8)
    shares = [Coordinates(COUNT / 1000, TEACHER, SINGLE[0].law)]
    assert fixed_point(shares, 0.1, 0.1 / 1000**0.5, strength=0.01).loss == pytest.approx(point.loss / 1000, rel=1e-8)
    varied = [Coordinates(COUNT, TEACHER / 2, HyperbolicEntropy(np.full(2, 1e-6), np.zeros(2)), 4.0)]
    assert fixed_point(varied, 100, 0.1, strength=0.02).loss == pytest.approx(point.loss, rel=1e-8)


@st.composite
def mixtures(draw):
    """Up to four classes of scales between 1e-9 and 1; fewer or more samples than inputs; some noise."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    classes = draw(st.integers(1, 4))
    count = random.uniform(1, 300, classes)
    teacher = random.normal(size=classes) * random.integers(0, 2, classes)
    potential = HyperbolicEntropy(10 ** random.uniform(-9, 0, classes), 0.1 * random.normal(size=classes))
    samples = draw(st.sampled_from([0.05, 0.5, 1.0, 1.3, 10.0])) * count.sum()
    return [Coordinates(count, teacher, potential)], samples, draw(st.sampled_from([0.0, 0.1, 3.0]))


@given(mixtures(), st.floats(-6, 1))
@examples(12)
def test_the_root_is_the_only_one(drawn, log_strength):
    """Along tau, with g always at its own root, the mismatch changes sign once: looked at over sixteen decades."""
    classes, samples, noise = drawn
    strength = 10.0**log_strength
    point = fixed_point(classes, samples, noise, strength=strength)
    assert max(point.residuals) <= TOLERANCE
    search = _Search(tuple(classes), samples, noise, strength, float(classes[0].count.sum()))
    search.count = 1024
    search.place, search.log_g = float(np.log(point.tau**2)), float(np.log(point.g))
    places = search.place + np.linspace(5, -11, 32)
    signs = [search._mismatch(float(place))[0] > 0 for place in places]
    changes = np.flatnonzero(np.diff(signs))
    assert changes.size == 1
    assert places[changes[0] + 1] <= np.log(point.tau**2) <= places[changes[0]]


def drawn_losses(minimiser, samples, seeds, noise=0.1):
    """Losses of a minimiser on drawn tasks of the paper's size with noisy labels."""
    losses = []
    for seed in range(seeds):
        pair = teacher_student(samples, 30, seed=seed)
        y = pair.main.y + noise * np.random.default_rng(seed).normal(size=samples)
        losses.append(generalisation_loss(minimiser(pair.main.X, y), pair.teacher))
    return losses


def assert_on_the_curve(losses, predicted, other):
    """The mean of the logarithm within four of its standard errors and 3 % of the curve; and not of another."""
    spread = np.std(np.log(losses), ddof=1) / len(losses) ** 0.5
    assert spread < 0.1
    assert abs(np.mean(np.log(losses)) - np.log(predicted)) < 4 * spread + 0.03
    assert abs(np.mean(np.log(losses)) - np.log(other)) > 4 * spread + 0.03


@pytest.mark.parametrize(("samples", "strength"), [(300, 2.0), (1200, 0.3)])
def test_ridge_of_drawn_problems_lies_on_the_curve(samples, strength):
    def minimiser(X, y):
        return X.T @ np.linalg.solve(X @ X.T + 2 * samples * strength * np.eye(samples), y)

    predicted, other = (fixed_point(RIDGE, samples, 0.1, strength=s).loss for s in (strength, 2 * strength))
    assert_on_the_curve(drawn_losses(minimiser, samples, 4), predicted, other)


@pytest.mark.parametrize(("samples", "strength"), [(400, 0.02), (1200, 0.01)])
def test_lasso_of_drawn_problems_lies_on_the_curve(samples, strength):
    def minimiser(X, y):
        return Lasso(alpha=strength, fit_intercept=False, tol=1e-8, max_iter=100_000).fit(X, y).coef_

    predicted, other = (fixed_point(LASSO, samples, 0.1, strength=s).loss for s in (strength, 2 * strength))
    assert_on_the_curve(drawn_losses(minimiser, samples, 6), predicted, other)


@pytest.mark.parametrize(("samples", "strength"), [(300, 0.002), (1200, 0.001)])
def test_penalised_q_of_drawn_problems_lies_on_the_curve(samples, strength):
    def minimiser(X, y):
        return penalised.minimize(X, y, np.full(1000, 2e-6), strength=strength).beta

    predicted, other = (fixed_point(SINGLE, samples, 0.1, strength=s).loss for s in (strength, 2 * strength))
    assert_on_the_curve(drawn_losses(minimiser, samples, 4), predicted, other)


def minimisers(method, pair, y, strength):
    """What each method ends at on drawn tasks, by the penalised program or linear algebra."""
    X, n = pair.main.X, y.size
    if method in ("finetuning", "corollary1", "single"):
        k, beta0 = {
            "finetuning": exact.finetuning(pair.teacher_aux, 1e-2, 1e-2, 0.5),
            "corollary1": exact.printed_corollary1(pair.teacher_aux, 1e-2),
            "single": (np.full(400, 2e-4), np.zeros(400)),
        }[method]
        return penalised.minimize(X, y, k, beta0, strength=strength).beta
    if method == "l1":
        return Lasso(alpha=strength, fit_intercept=False, tol=1e-8, max_iter=100_000).fit(X, y).coef_
    start, features = np.zeros(400), np.eye(400)
    if method == "probing":  # ridge regression on what the frozen layer makes of the inputs
        weights = exact.reset(exact.rescaled(exact.pretraining(pair.teacher_aux, 1e-2), 0.5), 1e-2)
        start = exact.scale_and_start(weights).beta0
        features = np.hstack([np.diag(weights.w_plus), -np.diag(weights.w_minus)])
    seen = X @ features
    change = seen.T @ np.linalg.solve(seen @ seen.T + 2 * n * strength * np.eye(n), y - X @ start)
    return start + features @ change


@pytest.mark.parametrize("method", PENALISED)
def test_each_method_lies_on_its_penalised_curve(method):
    """Twelve pairs with noisy labels: on the curve, and not on that of a method that fits them."""
    pair, scales, strength = SparsePair(400, 16, 16, 12), Scales(1e-2, 1e-2, 0.5), {"l1": 0.3, "lazy": 10.0}.get(method, 0.02)
    (predicted,) = learning_curve(pair, [60], methods=[method], scales=scales, noise=0.2, strength=strength).points
    (fitted,) = learning_curve(pair, [60], methods=[method], scales=scales, noise=0.2).points
    losses = []
    for seed in range(12):
        tasks = teacher_student(60, 12, features=16, features_aux=16, inputs=400, samples_aux=420, seed=seed)
        y = tasks.main.y + 0.2 * np.random.default_rng(seed).normal(size=60)
        losses.append(generalisation_loss(minimisers(method, tasks, y, strength), tasks.teacher))
    assert_on_the_curve(losses, predicted.loss, fitted.loss)


def test_curves_of_penalised_methods_may_have_more_samples_than_inputs():
    pair = SparsePair(400, 16, 16, 12)
    curve = learning_curve(pair, [100, 400, 1000], strength=1e-3, noise=0.1)
    assert curve.strength == 1e-3
    assert curve.methods == default_methods(1e-3) == ("finetuning", "single", "probing")
    for method in curve.methods:
        assert np.all(np.diff(curve.losses(method)[1]) < 0)


def test_bad_input_is_named():
    pair = SparsePair(400, 16, 16, 12)
    for wrong, message in (
        (lambda: fixed_point(RIDGE, 100, strength=-1.0), "lambda = -1; give a number that is at least 0"),
        (lambda: fixed_point(RIDGE, 100, strength=np.inf), "lambda = inf"),
        (lambda: fixed_point(RIDGE, 1000), "samples = 1000; give a number between 0 and the number of inputs, 1000"),
        (lambda: fixed_point(RIDGE, 0, strength=0.1), "samples = 0; give a positive number"),
        (lambda: fixed_point(RIDGE, np.inf, strength=0.1), "samples = inf"),
        (lambda: learning_curve(pair, [100], strength=np.nan), "lambda = nan"),
        (lambda: learning_curve(pair, [0], strength=0.1), "samples = 0; give numbers of at least 1"),
        (
            lambda: learning_curve(pair, [100], methods=["multitask"], strength=0.1),
            "no meaning for the method multitask; choose from",
        ),
        (lambda: learning_curve(pair, [100], methods=["pinned"], strength=0.1), "no meaning for the method pinned"),
    ):
        with pytest.raises(InputError, match=message):
            wrong()
