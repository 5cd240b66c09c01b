"""Learning curves of pairs of sparse tasks: each method beside the exact minimisers of drawn pairs, and their common limits."""

import matplotlib as mpl
import numpy as np
import pytest

from normtheory import exact
from normtheory.arrays import InputError
from normtheory.solvers import groups, newton
from normtheory.solvers.asymptotics import NoFixedPoint
from normtheory.solvers.curves import learning_curve, samples_needed
from normtheory.solvers.pinned import PinnedOrbits
from normtheory.solvers.sparse_pairs import FURTHER, METHODS, Scales, SparsePair
from normtheory.tasks import generalisation_loss, teacher_student

PAIR = SparsePair(400, 16, 16, 12)
SEEDS, SAMPLES = range(6), 40


def minimisers(method, pair):
    """What a method ends at on drawn tasks, by the solvers of the package."""
    main = pair.main.X, pair.main.y
    alpha = gamma = 1e-3
    if method == "finetuning":
        return newton.minimize(*main, *exact.finetuning(pair.teacher_aux, alpha, gamma)).beta
    if method == "corollary1":
        return newton.minimize(*main, *exact.printed_corollary1(pair.teacher_aux, gamma)).beta
    if method == "single":
        return newton.minimize(*main, 2 * alpha**2).beta
    if method == "multitask":
        return groups.minimize_pair(*main, pair.aux.X, pair.aux.y).beta[0]
    if method == "pinned":
        return newton.minimize_separable(*main, PinnedOrbits(pair.teacher_aux, alpha)).beta
    if method == "l1":
        return groups.minimize([main]).beta[0]
    if method == "lazy":
        return np.linalg.lstsq(*main, rcond=None)[0]
    return exact.probing(exact.reset(exact.pretraining(pair.teacher_aux, alpha), gamma), *main)


@pytest.mark.parametrize("method", METHODS | FURTHER)
def test_each_method_lies_on_its_curve(method):
    """The mean of log loss over sixteen pairs (six, where a solver is slow), within four of its standard errors and 3 %."""
    (predicted,) = learning_curve(PAIR, [SAMPLES], methods=[method]).points
    losses = []
    for seed in SEEDS if method == "pinned" else range(16):
        pair = teacher_student(SAMPLES, 12, features=16, features_aux=16, inputs=400, samples_aux=420, seed=seed)
        losses.append(generalisation_loss(minimisers(method, pair), pair.teacher))
    spread = np.std(np.log(losses), ddof=1) / len(losses) ** 0.5
    assert abs(np.mean(np.log(losses)) - np.log(predicted.loss)) < 4 * spread + 0.03
    assert spread < 0.2


@pytest.mark.parametrize("method", ["finetuning", "probing"])
def test_pretraining_on_few_samples_enters_by_the_law_of_its_predictor(method):
    """Sixteen pairs whose auxiliary task has 150 samples of 400 inputs, trained on one after the other."""
    (predicted,) = learning_curve(PAIR, [SAMPLES], methods=[method], samples_aux=150).points
    (enough,) = learning_curve(PAIR, [SAMPLES], methods=[method], samples_aux=400).points
    assert enough == learning_curve(PAIR, [SAMPLES], methods=[method]).points[0]
    losses = []
    for seed in range(16):
        pair = teacher_student(SAMPLES, 12, features=16, features_aux=16, inputs=400, samples_aux=150, seed=seed)
        learned = newton.minimize(pair.aux.X, pair.aux.y, 2e-6).beta
        start = exact.reset(exact.pretraining(learned, 1e-3), 1e-3)
        if method == "probing":
            beta = exact.probing(start, pair.main.X, pair.main.y)
        else:
            beta = newton.minimize(pair.main.X, pair.main.y, *exact.scale_and_start(start)).beta
        losses.append(generalisation_loss(beta, pair.teacher))
    spread = np.std(np.log(losses), ddof=1) / len(losses) ** 0.5
    assert abs(np.mean(np.log(losses)) - np.log(predicted.loss)) < 4 * spread + 0.03
    assert spread < 0.2


def test_noise_adds_to_the_loss_as_drawn_labels_show():
    (predicted,) = learning_curve(PAIR, [SAMPLES], methods=["finetuning"], noise=0.3).points
    (noiseless,) = learning_curve(PAIR, [SAMPLES], methods=["finetuning"]).points
    assert predicted.loss > noiseless.loss
    losses = []
    for seed in SEEDS:
        pair = teacher_student(SAMPLES, 12, features=16, features_aux=16, inputs=400, samples_aux=420, seed=seed)
        y = pair.main.y + 0.3 * np.random.default_rng(seed).normal(size=SAMPLES)
        beta = newton.minimize(pair.main.X, y, *exact.finetuning(pair.teacher_aux, 1e-3, 1e-3)).beta
        losses.append(generalisation_loss(beta, pair.teacher))
    spread = np.std(np.log(losses), ddof=1) / len(losses) ** 0.5
    assert abs(np.mean(np.log(losses)) - np.log(predicted.loss)) < 4 * spread + 0.03


def test_probing_weighs_inputs_as_the_frozen_layer_does():
    """Weights and start from the frozen network itself, in place of the formulas for them."""
    start = exact.reset(exact.rescaled(exact.pretraining([0.25, 0.0], 1e-2), 0.3), 1e-2)
    lengths, beta0 = start.w_plus**2 + start.w_minus**2, exact.scale_and_start(start).beta0
    curve = learning_curve(PAIR, [SAMPLES], methods=["probing"], scales=Scales(1e-2, 1e-2, 0.3))
    graph = curve.solutions[0].coordinates[0].law.graph  # shared, main task alone, ...
    assert graph.weight[0] / graph.weight[1] == pytest.approx(lengths[0] / lengths[1], rel=1e-12)
    np.testing.assert_allclose(graph.start[:2], beta0, rtol=1e-12)


def test_large_scales_are_lazy_and_small_ones_rich():
    samples = [20, 100, 300]
    lazy = learning_curve(PAIR, samples, methods=["single"], scales=Scales(alpha=100.0)).losses("single")[1]
    np.testing.assert_allclose(lazy, 1 - np.array(samples) / 400, rtol=1e-4)
    distances = []
    for alpha in (1e-6, 1e-12, 1e-24):
        curve = learning_curve(PAIR, [60], methods=["single", "l1"], scales=Scales(alpha=alpha))
        distances.append(abs(np.log(curve.losses("single")[1] / curve.losses("l1")[1]))[0])
    assert distances[2] < distances[1] < distances[0]


def test_without_shared_features_the_auxiliary_task_cannot_help():
    curve = learning_curve(SparsePair(400, 16, 16, 0), [40, 80, 120], methods=["finetuning", "single"])
    assert (curve.losses("finetuning")[1] > curve.losses("single")[1]).all()
    shared = learning_curve(SparsePair(400, 16, 16, 16), [40, 80, 120], methods=["finetuning", "single"])
    assert (shared.losses("finetuning")[1] < shared.losses("single")[1]).all()


def test_what_a_curve_holds():
    curve = learning_curve(PAIR, [100, 20, 20], methods=["l1", "single", "l1"])
    assert curve.methods == ("l1", "single")
    assert [(point.method, point.n) for point in curve.points] == [("l1", 20), ("l1", 100), ("single", 20), ("single", 100)]
    assert all(point.null_loss == pytest.approx(1) for point in curve.points)
    assert all(solution.samples == point.n for solution, point in zip(curve.solutions, curve.points, strict=True))
    assert learning_curve(SparsePair(400, 16, 16, 12, magnitude=0.5), [20], methods=["l1"]).points[0].null_loss == 4


def test_a_picture_marks_exact_recovery():
    mpl.use("Agg")
    import matplotlib.pyplot as plt

    axis = learning_curve(PAIR, [20, 40, 200], methods=["single", "l1"]).plot()
    labels = [text.get_text() for text in axis.get_legend().get_texts()]
    assert labels == ["single", "l1"]
    assert [text.get_text() for text in axis.texts] == ["0 from here on"]
    assert np.isnan(axis.lines[1].get_ydata()[-1])
    plt.close(axis.figure)


def test_bad_input_is_named():
    for wrong, message in (
        (lambda: SparsePair(10, 0, 1, 0), "features = 0; give at least 1"),
        (lambda: SparsePair(10, 4, 3, 4), "overlap = 4; give a number from 0 to 3"),
        (lambda: SparsePair(10, 8, 8, 2), "use 14 inputs, but inputs = 10"),
        (lambda: SparsePair(10, 2, 2, 2, magnitude=-1.0), "magnitude = -1"),
        (lambda: learning_curve(PAIR, [400]), "samples = 400; give numbers from 1 to 399"),
        (lambda: learning_curve(PAIR, []), "no number of samples"),
        (lambda: learning_curve(PAIR, [10], methods=["sgd"]), "unknown method 'sgd'; choose from finetuning, multitask"),
        (lambda: learning_curve(PAIR, [10], methods=[]), "no method"),
        (lambda: learning_curve(PAIR, [10], scales=Scales(gamma=0.0)), "gamma = 0"),
        (lambda: learning_curve(PAIR, [10], samples_aux=0), "samples_aux = 0"),
        (lambda: learning_curve(PAIR, [10], methods=["pinned"], samples_aux=399), "samples_aux of at least 400"),
        (lambda: learning_curve(PAIR, [10], noise=-0.1), r"noise = -0\.1"),
        (lambda: learning_curve(PAIR, [10], methods=["l1"]).losses("single"), "no curve of single; choose from l1"),
    ):
        with pytest.raises(InputError, match=message):
            wrong()


@pytest.mark.parametrize("method", ["finetuning", "single", "multitask", "probing"])
def test_samples_needed_are_where_the_curve_crosses(method):
    needed = samples_needed(PAIR, method, 0.05)
    before, after = (learning_curve(PAIR, [round(needed) + step], methods=[method]).points[0].loss for step in (-2, 2))
    assert after < 0.05 < before
    with pytest.raises(InputError, match="share = 1; give a share"):
        samples_needed(PAIR, method, 1.0)


def test_what_noise_keeps_above_a_loss_is_never_learned():
    assert np.isnan(samples_needed(PAIR, "lazy", 0.01, noise=1.0))


def test_a_pretrained_law_that_is_not_resolved_is_an_error(monkeypatch):
    monkeypatch.setattr("normtheory.solvers.curves.STAGES", 1e-18)
    with pytest.raises(NoFixedPoint, match="needs more than 384 nodes"):
        learning_curve(PAIR, [40], methods=["finetuning"], samples_aux=150)
