"""What the claims on cross-entropy rest on: paths and programs, against slower and plainer routes."""

import re

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import linprog

from normtheory.audit.claims import find
from normtheory.proofs import cross_entropy
from normtheory.proofs import cross_entropy_runs as runs

NORMS = (5.0, 50.0)


def sentence(name, module="cross_entropy"):
    claim = find(name, f"normtheory.proofs.{module}")
    return claim.size(claim.printed, claim.corrected)


def on_the_weights(tasks, alpha, norm):
    """Directions of a network with as many outputs as tasks by DOP853 on its weights, where the l1 norm reaches `norm`."""
    outputs, inputs = len(tasks), tasks[0].shape[1]

    def predictors(y):
        state = y.reshape(-1, inputs)
        return state[2 : 2 + outputs] * state[0] - state[2 + outputs :] * state[1]

    def field(_, y):
        state, beta = y.reshape(-1, inputs), predictors(y)
        slopes = [1 / (1 + np.exp(task @ b)) for task, b in zip(tasks, beta, strict=True)]
        pull = np.stack([p @ task for p, task in zip(slopes, tasks, strict=True)]) / sum(p.sum() for p in slopes)
        first = (pull * state[2 : 2 + outputs]).sum(axis=0), -(pull * state[2 + outputs :]).sum(axis=0)
        return np.concatenate([*first, (pull * state[0]).ravel(), (-pull * state[1]).ravel()])

    def reached(_, y):
        return np.abs(predictors(y)).sum() - norm

    reached.terminal = True
    start = np.full((2 + 2 * outputs) * inputs, alpha)
    end = solve_ivp(field, (0, 1e4), start, method="DOP853", rtol=1e-9, atol=1e-12, events=reached).y[:, -1]
    beta = predictors(end)
    return beta / np.abs(beta).sum()


@pytest.mark.parametrize("alpha", [1.0, 0.1])
def test_paths_of_one_output_are_those_of_the_weights(alpha):
    for norm, point in zip(NORMS, runs.single_path(0, alpha, NORMS), strict=True):
        assert runs.distance(point.direction, on_the_weights([runs.one_task(0)], alpha, norm)) < 1e-5


@pytest.mark.parametrize("alpha", [1.0, 0.1])
def test_paths_of_two_outputs_are_those_of_the_weights(alpha):
    for norm, point in zip(NORMS, runs.two_task_path(0, alpha, NORMS), strict=True):
        assert runs.distance(point.direction, on_the_weights(runs.two_tasks(0), alpha, norm)) < 1e-4


def test_least_norms_with_margins_are_those_of_a_linear_program():
    signed = runs.one_task(1)
    both = np.hstack([signed, -signed])
    found = linprog(np.ones(both.shape[1]), A_ub=-both, b_ub=-np.ones(len(signed)))
    assert runs.least(1, runs.L12, 1) == pytest.approx(found.fun, rel=1e-7)


def test_the_smoothed_margin_is_below_the_least_and_continuous():
    for least in (0.1, 29.9, 30.1, 1e6):
        margins = np.array([least, least + 1, least + 50])
        assert least - 2 < runs.smoothed_margin(margins) < least
    close = [runs.smoothed_margin(np.array([m, m + 0.5])) - m for m in (30 - 1e-9, 30 + 1e-9)]
    assert close[0] == pytest.approx(close[1], abs=1e-8)


def test_the_excess_never_falls_below_zero_nor_rises():
    path = runs.two_task_path(4, 0.1, (1e2, 1e4, 1e6))
    ratios = [point.margin / point.half for point in path]
    assert ratios == sorted(ratios)
    assert all(runs.excess(point, 4) > 0 for point in path)


def test_directions_are_taken_at_the_norm_and_not_at_the_end_of_a_step():
    first, second = runs.single_path(0, 1.0, (5.0, 5.001))
    assert 0 < runs.distance(first.direction, second.direction) < 1e-3


def test_the_directions_from_two_scales():
    """On a problem of the claim's own the distance is that of its paths, and on the paper's task it is what is said."""
    stated = find("ce-time", "normtheory.proofs.cross_entropy").corrected
    ends = [runs.single_path(0, alpha, (2 * alpha**2 * 10.0,))[0].direction for alpha in (8.0, 16.0)]
    apart = cross_entropy._apart(runs.one_task(0), (8.0, 16.0), stated, 10.0)
    assert apart == pytest.approx(runs.distance(*ends), abs=1e-9)
    assert float(re.search(r"directions are ([\d.]+) apart", sentence("ce-time"))[1]) > 10 * float(stated.within)


def test_trapped_and_free_networks():
    """Narrow networks are trapped now and then, wide ones are not; at a right angle nothing is."""
    wide = 5 * np.pi / 6
    assert runs.relu_ends(2, wide, 50) > 0.02
    assert runs.relu_ends(16, wide, 50) == 0


def test_how_rare_the_trap_is():
    chance = int(re.search(r"power of (-\d+)", sentence("ce-relu", "cross_entropy_points"))[1])
    share = np.log10(30 / 360)  # of directions from which inputs at 150 degrees are both seen
    assert chance == pytest.approx(1000 * share + np.log10(1000 / 4), abs=1)
