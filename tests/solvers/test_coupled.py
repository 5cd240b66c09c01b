"""Two tasks learned together: the group's proximal map, its quadrature, the limits in which tasks part, and drawn pairs."""

import numpy as np
import pytest
from scipy.optimize import minimize

from normtheory.arrays import InputError
from normtheory.solvers import groups
from normtheory.solvers.asymptotics import Coordinates, NoFixedPoint, fixed_point
from normtheory.solvers.coupled import _nodes, group_prox, held, pair_point
from normtheory.solvers.curves import learning_curve
from normtheory.solvers.proximal import SoftThreshold
from normtheory.solvers.sparse_pairs import SparsePair
from normtheory.tasks import generalisation_loss, teacher_student

COUNT = np.array([12.0, 4.0, 4.0, 380.0])
TEACHERS = np.array([[1, 1, 0, 0], [1, 0, 1, 0]]) / 4


def test_the_proximal_map_is_the_minimiser_that_a_search_finds():
    random = np.random.default_rng(0)
    v, g = random.normal(size=(2, 12)), np.array([0.3, 0.05])
    b, slope = group_prox(v, g)
    step = 1e-6
    for d in range(12):

        def objective(beta, d=d):
            return 2 * np.hypot(*beta) + np.sum((beta - v[:, d]) ** 2 / (2 * g))

        search = minimize(objective, v[:, d] / 2, method="Nelder-Mead", options={"xatol": 1e-10, "fatol": 1e-14})
        assert objective(b[:, d]) <= search.fun + 1e-12
        for task in range(2):
            move = np.where(np.arange(2) == task, step, 0.0)[:, None]
            difference = (group_prox(v[:, [d]] + move, g)[0] - group_prox(v[:, [d]] - move, g)[0])[task, 0] / (2 * step)
            assert slope[task, d] == pytest.approx(difference, rel=1e-5, abs=1e-8)


def test_inside_the_ellipse_both_weights_are_zero():
    g = np.array([0.3, 0.05])
    angle = np.linspace(0, 2 * np.pi, 9)
    v = 2 * g[:, None] * np.array([np.cos(angle), np.sin(angle)])
    assert (group_prox(0.999 * v, g)[0] == 0).all()
    assert (np.abs(group_prox(1.001 * v, g)[0]).max(axis=0) > 0).all()
    np.testing.assert_allclose(np.hypot(*group_prox(1e6 * v, g)[0]), 1e6 * np.hypot(*v), rtol=1e-5)


@pytest.mark.parametrize(("tau", "g"), [((0.1, 0.1), (0.05, 0.02)), ((0.3, 1e-4), (0.05, 1e-5)), ((1e-3, 0.2), (1.0, 0.3))])
def test_nodes_integrate_polynomials(tau, g):
    for teacher in TEACHERS.T:
        h, weight = _nodes(teacher, np.array(tau), np.array(g), 30)
        # To the tolerance of the solutions.
        assert weight.sum() == pytest.approx(1, abs=1e-5)
        np.testing.assert_allclose(h @ weight, 0, atol=1e-5)
        np.testing.assert_allclose(h**2 @ weight, 1, atol=1e-5)


def test_slopes_add_up_to_the_samples():
    """The usual form of the second equation: a check by derivatives in place of differences."""
    from normtheory.solvers.coupled import _Pair

    samples = np.array([40.0, 60.0])
    point = pair_point(COUNT, TEACHERS, tuple(samples))
    slopes = _Pair(COUNT, TEACHERS, samples, np.zeros(2)).moments(point.tau, point.g, 44)[2]
    np.testing.assert_allclose(slopes, samples, rtol=1e-4)
    assert point.residuals.max() <= 1e-5


def test_an_auxiliary_teacher_that_is_recovered_holds():
    point = pair_point(COUNT, TEACHERS, (30, 250))
    alone = fixed_point(held(COUNT, *TEACHERS), 30)
    assert point.loss[1] == point.tau[1] == 0
    assert point.loss[0] == alone.loss > 0
    swapped = pair_point(COUNT, TEACHERS[::-1], (250, 30))
    assert swapped.loss[0] == 0
    assert swapped.loss[1] == pytest.approx(alone.loss, rel=1e-9)


def test_the_loss_of_the_main_task_tends_to_its_value_beside_a_held_task():
    beside = fixed_point(held(COUNT, *TEACHERS), 30).loss
    away = [abs(pair_point(COUNT, TEACHERS, (30, m)).loss[0] / beside - 1) for m in (40, 70)]
    assert away[1] < away[0] / 2


def test_tasks_without_a_common_feature_help_each_other_little():
    apart = np.array([[1, 1, 0, 0], [0, 0, 1, 0]]) / 4
    l1 = fixed_point([Coordinates(COUNT, apart[0], SoftThreshold(np.ones(4)))], 30).loss
    assert pair_point(COUNT, apart, (30, 30)).loss[0] == pytest.approx(l1, rel=0.15)


def test_exact_recovery_of_both_needs_more_than_each_beside_the_others_teacher():
    """Inputs that neither task uses share one threshold: both recover beside each other's teacher before they do together."""
    samples = next(n for n in range(40, 90) if fixed_point(held(COUNT, *TEACHERS), n).recovered)
    assert pair_point(COUNT, TEACHERS, (samples, samples)).loss.min() > 0
    assert (pair_point(COUNT, TEACHERS, (samples + 15, samples + 15)).loss == 0).all()


@pytest.mark.parametrize(("samples", "samples_aux"), [(40, 50), (50, 40)])
def test_drawn_pairs_lie_on_the_curve(samples, samples_aux):
    point = pair_point(COUNT, TEACHERS, (samples, samples_aux))
    losses = []
    for seed in range(12):
        pair = teacher_student(samples, 12, features=16, features_aux=16, inputs=400, samples_aux=samples_aux, seed=seed)
        beta = groups.minimize_pair(pair.main.X, pair.main.y, pair.aux.X, pair.aux.y).beta
        losses.append([generalisation_loss(beta[0], pair.teacher), generalisation_loss(beta[1], pair.teacher_aux)])
    spread = np.std(np.log(losses), axis=0, ddof=1) / len(losses) ** 0.5
    assert (np.abs(np.mean(np.log(losses), axis=0) - np.log(point.loss)) < 4 * spread + 0.03).all()
    assert spread.max() < 0.2


def test_noisy_labels_leave_nothing_recovered():
    point = pair_point(COUNT, TEACHERS, (120, 120), (0.1, 0.1))
    assert (point.loss > 0).all()
    assert point.loss[0] == pytest.approx(point.loss[1], rel=1e-4)


def test_learning_curves_of_two_tasks():
    curve = learning_curve(SparsePair(400, 16, 16, 12), [30, 40], methods=["multitask"], samples_aux=50)
    assert [point.loss for point in curve.points] == [solution.loss[0] for solution in curve.solutions]
    assert curve.points[1].loss == pytest.approx(pair_point(COUNT, TEACHERS, (40, 50)).loss[0], rel=1e-4)


def test_bad_input_is_named():
    for wrong, message in (
        (lambda: pair_point(COUNT, TEACHERS[0], (10, 10)), "teachers has shape"),
        (lambda: pair_point(COUNT, TEACHERS, (10, 400)), r"samples = \(10, 400\)"),
        (lambda: pair_point(COUNT, TEACHERS, (10, 10), (-1.0, 0.0)), "noise of at least 0"),
        (lambda: pair_point(-COUNT, TEACHERS, (10, 10)), "must be positive"),
    ):
        with pytest.raises(InputError, match=message):
            wrong()


def test_what_is_not_solved_is_an_error(monkeypatch):
    monkeypatch.setattr("normtheory.solvers.coupled.NODES", (2, 3))
    with pytest.raises(NoFixedPoint, match="four equations"):
        pair_point(COUNT, TEACHERS, (40, 50))
