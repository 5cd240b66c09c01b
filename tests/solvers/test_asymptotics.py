"""The two scalar equations: closed forms, invariances, one root only, and the exact minimisers of drawn problems."""

import numpy as np
import pytest
from drawn import examples
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.stats import norm

from normtheory import exact
from normtheory.arrays import InputError
from normtheory.solvers import asymptotics
from normtheory.solvers.asymptotics import TOLERANCE, Coordinates, NoFixedPoint, _Search, fixed_point
from normtheory.solvers.newton import minimize
from normtheory.solvers.pinned import PinnedMultiTask, PinnedOrbits
from normtheory.solvers.potentials import DeepDiagonal, HyperbolicEntropy
from normtheory.solvers.proximal import Hyperbola, Quadratic, SoftThreshold
from normtheory.tasks import generalisation_loss, teacher_student

COUNT, TEACHER = np.array([40.0, 960.0]), np.array([40**-0.5, 0.0])


def entropy(k, beta0=0.0, count=COUNT, teacher=TEACHER):
    k = np.broadcast_to(np.asarray(k, dtype=float), np.shape(count))
    return [Coordinates(count, teacher, HyperbolicEntropy(k, np.broadcast_to(np.asarray(beta0, dtype=float), k.shape)))]


def l1(count=COUNT, teacher=TEACHER):
    return [Coordinates(count, teacher, SoftThreshold(np.ones(len(count))))]


@pytest.mark.parametrize("samples", [1, 100, 500, 999])
@pytest.mark.parametrize("noise", [0.0, 0.1, 2.0])
def test_ridgeless_regression_has_its_known_loss(samples, noise):
    """Bias 1 - n/D of the teacher's unit norm, and variance noise^2 n/(D - n)."""
    point = fixed_point([Coordinates(COUNT, TEACHER, Quadratic(np.ones(2)))], samples, noise)
    assert point.loss == pytest.approx(1 - samples / 1000 + noise**2 * samples / (1000 - samples), rel=1e-9)
    assert max(point.residuals) <= TOLERANCE


@pytest.mark.parametrize("samples", [64, 256])
def test_q_of_large_scale_is_ridgeless_regression(samples):
    """From above or below by the share (beta/k)^2 that its penalty is not quadratic."""
    losses = [fixed_point(entropy(k), samples, 0.1).loss for k in (1.0, 10.0, 100.0)]
    away = np.abs(np.array(losses) / (1 - samples / 1000 + 0.01 * samples / (1000 - samples)) - 1)
    np.testing.assert_allclose(away[:-1] / away[1:], 100, rtol=0.05)


def least_samples(share):
    """Donoho and Tanner's threshold n/D of l1 at a share of non-zero weights, in the form of approximate message passing."""

    def needed(t):
        return share * (1 + t * t) + 2 * (1 - share) * ((1 + t * t) * norm.sf(t) - t * norm.pdf(t))

    return minimize_scalar(needed, bounds=(0.0, 8.0), method="bounded", options={"xatol": 1e-12}).fun


@pytest.mark.parametrize("features", [5, 40, 200])
def test_l1_recovers_from_donoho_and_tanners_threshold_on(features):
    count = np.array([features, 1000.0 - features])
    threshold = 1000 * least_samples(features / 1000)
    above = fixed_point(l1(count), threshold * 1.0001)
    assert above.recovered
    assert above.loss == above.tau == 0
    # Below, a weight is lost only where h is larger than its distance from the threshold: the loss vanishes like 1/log.
    losses = [fixed_point(l1(count), threshold * (1 - away)).loss for away in (1e-2, 1e-4, 1e-6, 1e-8)]
    assert min(losses) > 0
    assert sorted(losses, reverse=True) == losses
    assert losses[0] < 1.5


def test_noise_leaves_nothing_recovered_exactly():
    point = fixed_point(l1(), 500, 1e-3)
    assert not point.recovered
    assert 0 < point.loss < 1e-5


@pytest.mark.parametrize("k", [1e-3, 1e-12])
def test_with_as_many_samples_as_inputs_the_loss_vanishes_linearly(k):
    """For n -> D without noise: loss/(D - n) -> n sum x^2 / (sum 1/b')^2 at the teacher, all of it to first order in D - n."""
    potential = HyperbolicEntropy(np.array([k, k]), np.zeros(2))
    x = potential.inverse(TEACHER)
    slope = potential.map(x)[1]
    limit = 1000 * np.sum(COUNT * x**2) / np.sum(COUNT / slope) ** 2
    away = [fixed_point(entropy(k), 1000 - left).loss / left / limit - 1 for left in (1e-2, 1e-3)]
    assert abs(away[1]) < 1e-3
    assert away[0] / away[1] == pytest.approx(10, rel=0.05)


@st.composite
def mixtures(draw):
    """Up to five classes of scales between 1e-12 and 1, starts, and some noise."""
    seed = draw(st.integers(0, 2**32 - 1))
    random = np.random.default_rng(seed)
    classes = draw(st.integers(1, 5))
    count = random.uniform(1, 300, classes)
    teacher = random.normal(size=classes) * random.integers(0, 2, classes)
    k, beta0 = 10 ** random.uniform(-12, 0, classes), draw(st.sampled_from([0.0, 0.01, 1.0])) * random.normal(size=classes)
    samples = draw(st.floats(0.01, 0.99)) * count.sum()
    return count, teacher, k, beta0, samples, draw(st.sampled_from([0.0, 0.1, 3.0]))


@given(mixtures())
@examples(15)
def test_the_root_is_the_only_one(drawn):
    """Along tau, with g always at its own root, the mismatch changes sign once: looked at over sixteen decades."""
    count, teacher, k, beta0, samples, noise = drawn
    search = _Search(tuple(entropy(k, beta0, count, teacher)), samples, noise, 0.0, float(count.sum()))
    search.count = 1024  # it is about the equations: on few nodes, and far from the root, they may jump
    if search.null == 0:
        return
    search.place = float(np.log(search.null))
    search.log_g = search.place / 2
    places = search.place + np.linspace(5, -30, 60)
    signs = [search._mismatch(float(place))[0] > 0 for place in places]
    changes = np.flatnonzero(np.diff(signs))
    assert signs[0]
    assert changes.size <= 1
    point = fixed_point(entropy(k, beta0, count, teacher), samples, noise)
    place = np.log(point.tau**2 - search.floor)
    if changes.size:
        assert places[changes[0] + 1] <= place + 1e-6
        assert place <= places[changes[0]] + 1e-6


@given(mixtures(), st.floats(-3, 3))
@examples(15)
def test_symmetries(drawn, log_unit):
    count, teacher, k, beta0, samples, noise = drawn
    point = fixed_point(entropy(k, beta0, count, teacher), samples, noise)
    unit = 10**log_unit
    scaled = fixed_point(entropy(unit * k, unit * beta0, count, unit * teacher), samples, unit * noise)
    assert scaled.loss == pytest.approx(unit**2 * point.loss, rel=1e-6)
    flipped = fixed_point(entropy(k, -beta0, count, -teacher), samples, noise)
    assert flipped.loss == pytest.approx(point.loss, rel=1e-6)
    split = fixed_point(entropy(k, beta0, count / 3, teacher) + entropy(k, beta0, count * 2 / 3, teacher), samples, noise)
    assert split.loss == pytest.approx(point.loss, rel=1e-6)
    shares = fixed_point(entropy(k, beta0, count / count.sum(), teacher), samples / count.sum(), noise / count.sum() ** 0.5)
    assert shares.loss * count.sum() == pytest.approx(point.loss, rel=1e-6)
    assert shares.tau == pytest.approx(point.tau, rel=1e-6)
    again = fixed_point(entropy(k, beta0, count, teacher), samples, noise, guess=scaled)
    assert again.loss == pytest.approx(point.loss, rel=1e-6)


def test_one_mixture_takes_scales_from_1e_minus_12_to_1():
    mixture = entropy([1.0, 1e-6, 0.1, 1e-12], [0.3, 0, 0, 0], np.array([10, 30, 40, 920.0]), np.array([0.1, 0.2, 0, 0]))
    for samples in (64, 256, 900):
        point = fixed_point(mixture, samples)
        assert max(point.residuals) <= TOLERANCE
        assert point.samples * point.tau**2 == pytest.approx(point.loss, rel=1e-8)


@pytest.mark.parametrize(
    "penalty",
    [DeepDiagonal([1e-3, 1e-3], 3), DeepDiagonal([0.1, 0.1], 6), PinnedMultiTask([0.2, 1e-6]), PinnedOrbits([0.2, 0.0], 1e-3)],
    ids=["depth 3", "depth 6", "pinned", "pinned orbits"],
)
def test_every_potential_has_a_curve(penalty):
    """More samples, less loss; few samples leave about the null predictor's loss."""
    losses = [fixed_point([Coordinates(COUNT, TEACHER, penalty)], samples).loss for samples in (1, 64, 200, 900)]
    assert losses[0] == pytest.approx(1, rel=0.2)
    assert losses[3] < losses[2] < losses[0]


@pytest.mark.parametrize("samples", [173.7, 174.2743870619362, 175.0, 999.9])
def test_scales_that_few_nodes_do_not_resolve(samples):
    """k = 2e-24: on the first nodes the equations jump, and have no root near the one that more of them find."""
    point = fixed_point(entropy(2e-24), samples)
    assert max(point.residuals) <= TOLERANCE
    assert point.loss < fixed_point(entropy(2e-24), samples - 0.1).loss


def test_held_auxiliary_weights_that_vanish_leave_l1():
    for samples in (64, 128):
        held = fixed_point([Coordinates(COUNT, TEACHER, Hyperbola([1e-13, 1e-13]))], samples)
        assert held.loss == pytest.approx(fixed_point(l1(), samples).loss, rel=1e-9)


def test_the_law_holds_all_coordinates_and_its_measures_agree():
    point = fixed_point(entropy([0.1, 2e-6]), 100)
    values, counts = point.law()
    assert counts.sum() == pytest.approx(1000, rel=1e-12)
    squares, ones = point.expectation(np.square)[0], point.expectation(np.ones_like)[0]
    np.testing.assert_allclose(ones, 1, rtol=1e-12)
    assert (counts * values**2).sum() == pytest.approx(COUNT @ squares, rel=1e-12)
    assert point.loss == pytest.approx(
        COUNT @ (squares - 2 * TEACHER * point.expectation(lambda b: b)[0] + TEACHER**2), rel=1e-9
    )
    shares = [point.share_outside_top(count) for count in (0, 1, 40, 999, 1000)]
    assert shares[0] == 1
    assert shares[-1] == pytest.approx(0, abs=1e-12)
    assert sorted(shares, reverse=True) == shares


@pytest.mark.parametrize("overlap", [20, 40])
def test_exact_minimisers_lie_on_the_curve(overlap):
    """Six problems of the paper's size: the mean of log loss within four of its standard errors, and 3 % for the limit."""
    aux = np.array([40**-0.5, 0.0, 40**-0.5, 0.0])
    count, teacher = np.array([overlap, 40 - overlap, 40 - overlap, 920 + overlap]), np.array([40**-0.5, 40**-0.5, 0.0, 0.0])
    there = count > 0
    k, beta0 = exact.finetuning(aux[there], 1e-3, 1e-3)
    predicted = fixed_point(entropy(k, beta0, count[there].astype(float), teacher[there]), 48)
    losses, shares = [], []
    for seed in range(6):
        pair = teacher_student(48, overlap, seed=seed)
        beta = minimize(pair.main.X, pair.main.y, *exact.finetuning(pair.teacher_aux, 1e-3, 1e-3)).beta
        losses.append(generalisation_loss(beta, pair.teacher))
        shares.append(float(np.sort(beta**2)[:-20].sum() / np.sum(beta**2)))
    spread = np.std(np.log(losses), ddof=1) / len(losses) ** 0.5
    assert abs(np.mean(np.log(losses)) - np.log(predicted.loss)) < 4 * spread + 0.03
    assert abs(np.mean(shares) - predicted.share_outside_top(20)) < 4 * np.std(shares, ddof=1) / len(shares) ** 0.5 + 0.01


def test_bad_input_is_named():
    good = entropy(1e-3)
    for wrong, message in (
        (lambda: fixed_point([], 10), "there are no coordinates"),
        (lambda: fixed_point(good, 1000), "between 0 and the number of inputs, 1000"),
        (lambda: fixed_point(good, 0), "samples = 0"),
        (lambda: fixed_point(good, np.nan), "samples = nan"),
        (lambda: fixed_point(good, 10, -1.0), "noise = -1"),
        (lambda: Coordinates([1.0], [1.0, 2.0], Quadratic([1.0])), "teacher has shape"),
        (lambda: Coordinates([1.0], [1.0], Quadratic([1.0, 2.0])), "the penalty has shape"),
        (lambda: Coordinates([0.0], [1.0], Quadratic([1.0])), "must be positive"),
        (lambda: Coordinates([1.0], [np.nan], Quadratic([1.0])), "teacher is NaN"),
    ):
        with pytest.raises(InputError, match=message):
            wrong()


def test_a_potential_that_cannot_be_integrated_is_an_error_not_a_number(monkeypatch):
    monkeypatch.setattr(asymptotics, "MOST_NODES", 512)

    class Staircase(HyperbolicEntropy):
        def map(self, x):
            return np.floor(1e3 * x) / 1e3 + x, np.ones_like(x)

    with pytest.raises(NoFixedPoint, match="the two equations hold to"):
        fixed_point([Coordinates(COUNT, TEACHER, Staircase(np.ones(2), np.zeros(2)))], 100)


def test_a_teacher_at_the_start_is_recovered():
    point = fixed_point(entropy(1e-3, TEACHER), 10)
    assert point.recovered
    assert point.loss == 0
    assert point.share_outside_top(40) == 0


def test_no_share_is_taken_of_a_predictor_that_is_zero():
    point = fixed_point(entropy(1e-3, teacher=np.zeros(2)), 10)
    assert point.recovered
    with pytest.raises(InputError, match="the predictor is 0"):
        point.share_outside_top(1)
