"""Recommendations: for a kind of task they are the curves', for one's own rows they stand beside held-out errors."""

import numpy as np
import pytest
from drawn import examples
from hypothesis import given
from hypothesis import strategies as st

from normtheory import exact
from normtheory.arrays import InputError
from normtheory.solvers import newton, recommend
from normtheory.solvers.asymptotics import NoFixedPoint
from normtheory.solvers.curves import learning_curve
from normtheory.solvers.sparse_pairs import Scales, SparsePair
from normtheory.tasks import generalisation_loss, teacher_student

SMALL = {"rescales": (1.0, 0.1), "gammas": (1e-3, 1e-2)}
PAIR = teacher_student(40, 4, features=4, features_aux=12, inputs=150, samples_aux=2, seed=3)


def noisy(deviation):
    return PAIR.main.y + deviation * np.random.default_rng(0).normal(size=40)


def test_options_for_a_kind_of_task_are_points_of_its_curves():
    pair = SparsePair(300, 5, 20, 5)
    options = recommend.for_pair(pair, 30, noise=0.1, **SMALL)
    assert len(options) == 4 + 2 + 2
    assert [option.predicted for option in options] == sorted(option.predicted for option in options)
    for option in options:
        scales = Scales(1e-3, option.gamma or 1e-3, option.rescale or 1.0)
        (point,) = learning_curve(pair, [30], methods=[option.method], scales=scales, noise=0.1).points
        assert option.predicted == point.loss


def test_a_nested_task_wants_smaller_weights_and_an_equal_one_does_not():
    best = {
        features: next(o for o in recommend.for_pair(SparsePair(1000, features, 40, features), 44) if o.method == "finetuning")
        for features in (3, 40)
    }
    assert best[3].rescale < 1
    assert best[40].rescale >= 1


def test_held_out_errors_are_of_rows_that_were_held_out():
    options, _ = recommend.for_problem(PAIR.main.X, noisy(0.1), PAIR.teacher_aux, **SMALL)
    assert [option.held_out for option in options] == sorted(option.held_out for option in options)
    option = next(o for o in options if (o.method, o.rescale, o.gamma) == ("finetuning", 0.1, 1e-2))
    order = np.random.default_rng(np.random.SeedSequence((0, 40))).permutation(40)
    squares = 0.0
    for fold in np.array_split(order, 5):
        kept = np.setdiff1d(order, fold)
        k, beta0 = exact.finetuning(PAIR.teacher_aux, 1e-3, 1e-2, 0.1)
        beta = newton.minimize(PAIR.main.X[kept], noisy(0.1)[kept], k, beta0).beta
        squares += np.sum((noisy(0.1)[fold] - PAIR.main.X[fold] @ beta) ** 2)
    assert option.held_out == pytest.approx(squares / 40, rel=1e-6)


def test_the_first_option_is_a_good_one():
    """Its true loss is at most twice the least of all options, and predictions are of the size of true losses."""
    X, y = PAIR.main.X, noisy(0.1)
    options, noise = recommend.for_problem(X, y, PAIR.teacher_aux, **SMALL)
    candidates = {c[:3]: c for c in recommend._candidates(PAIR.teacher_aux, *SMALL.values(), 1e-3)}
    losses = [generalisation_loss(candidates[o[:3]].minimiser(X, y), PAIR.teacher) for o in options]
    assert losses[0] <= 2 * min(losses)
    assert 0 < noise < 0.2
    assert options[0].predicted == pytest.approx(losses[0], rel=2)


def test_units_of_the_inputs_do_not_matter():
    options, noise = recommend.for_problem(PAIR.main.X, noisy(0.1), PAIR.teacher_aux, rescales=(1.0,), gammas=(1e-3,))
    # Inputs a hundredth, predictors a hundred times: their penalty scales follow if weights are ten times.
    scaled, same = recommend.for_problem(
        PAIR.main.X / 100, noisy(0.1), 100 * PAIR.teacher_aux, rescales=(1.0,), gammas=(1e-2,), alpha=1e-2
    )
    assert same == pytest.approx(noise, rel=1e-6)
    assert [o.predicted for o in scaled] == pytest.approx([o.predicted for o in options], rel=1e-6)
    assert [o.held_out for o in scaled] == pytest.approx([o.held_out for o in options], rel=1e-6)


def two_variances(seed):
    """A task whose inputs have the variances 4 and 1/4 by turns; it, its teachers, and many rows more."""
    draw, root = np.random.default_rng(np.random.SeedSequence((16, seed))), np.where(np.arange(300) % 2, 2.0, 0.5)
    order, teacher, aux = draw.permutation(300), np.zeros(300), np.zeros(300)
    teacher[order[:5]], aux[order[:20]] = 5**-0.5, 20**-0.5
    X, more = (draw.normal(size=(rows, 300)) * root for rows in (80, 4000))
    y, others = (rows @ teacher + 0.1 * draw.normal(size=len(rows)) for rows in (X, more))
    return X, y, aux, more, others


def miscalibration(seeds):
    """Root mean square of log(predicted/measured) of the error on rows not used, over options."""
    logs = []
    for seed in seeds:
        X, y, aux, more, others = two_variances(seed)
        options, noise = recommend.for_problem(X, y, aux, **SMALL)
        candidates = {c[:3]: c for c in recommend._candidates(aux, *SMALL.values(), 1e-3)}
        for option in options:
            measured = np.mean((others - more @ candidates[option[:3]].minimiser(X, y)) ** 2)
            logs.append(np.log((option.predicted + noise**2) / measured))
    return float(np.mean(np.square(logs)) ** 0.5)


def test_predictions_know_the_variances_of_inputs(monkeypatch):
    """Beside rows that were not used. With one variance for all they are off by two thirds."""
    each = miscalibration(range(2))
    monkeypatch.setattr(recommend, "variances", lambda X: np.full(X.shape[1], np.mean(X**2)))
    assert each < 0.3
    assert each < 0.5 * miscalibration(range(2))


@given(st.integers(0, 2**32 - 1), st.integers(-140, 140))
@examples(10)
def test_variances_are_estimated_from_few_rows(seed, log_unit):
    """Nearer to the truth than mean squares, whose relative errors are sqrt(2/n); those of one variance far nearer."""
    draw, n = np.random.default_rng(seed), 40
    for ratio, share in ((1.0, 0.3), (16.0, 1.0)):
        truth = np.where(np.arange(400) % 2, ratio**0.5, ratio**-0.5)
        X = draw.normal(size=(n, 400)) * np.sqrt(truth)
        error, plain = (np.mean((found - truth) ** 2) ** 0.5 for found in (recommend.variances(X), np.mean(X**2, axis=0)))
        assert error < share * plain
        unit = 10.0**log_unit
        np.testing.assert_allclose(recommend.variances(unit * X), unit**2 * recommend.variances(X), rtol=1e-9)


def test_an_input_that_is_always_zero_changes_no_prediction():
    y, aux, options = PAIR.main.y, PAIR.teacher_aux, {"rescales": (1.0,), "gammas": (1e-3,)}
    blank = np.sign(PAIR.main.X)  # squares do not vary from row to row: nothing is moved towards their mean
    blank[:, 149] = 0
    assert recommend.variances(blank)[149] == pytest.approx(recommend.LEAST_VARIANCE * 149 / 150)
    with_it, _ = recommend.for_problem(blank, y, aux, **options)
    without, _ = recommend.for_problem(blank[:, :149], y, aux[:149], **options)
    assert [o.predicted for o in with_it] == pytest.approx([o.predicted for o in without], rel=1e-4)


def test_options_that_are_not_solved_have_no_prediction(monkeypatch):
    real = recommend.fixed_point

    def fails(coordinates, samples, noise):
        if samples == 40:
            raise NoFixedPoint("no")
        return real(coordinates, samples, noise)

    monkeypatch.setattr(recommend, "fixed_point", fails)
    options, _ = recommend.for_problem(PAIR.main.X, PAIR.main.y, PAIR.teacher_aux, rescales=(1.0,), gammas=(1e-3,))
    assert all(np.isnan(option.predicted) for option in options)


def test_bad_input_is_named():
    X, y, aux = PAIR.main.X, PAIR.main.y, PAIR.teacher_aux
    for wrong, message in (
        (lambda: recommend.for_problem(X[:4], y[:4], aux), "X has 4 rows and 150 columns"),
        (lambda: recommend.for_problem(X[:, :40], y, aux[:40]), "fewer than columns"),
        (lambda: recommend.for_problem(X, 0 * y, aux), "nothing to learn"),
        (lambda: recommend.for_problem(X, y, aux[:3]), "beta_aux has shape"),
        (lambda: recommend.for_pair(SparsePair(100, 5, 5, 5), 100), "samples = 100"),
    ):
        with pytest.raises(InputError, match=message):
            wrong()
