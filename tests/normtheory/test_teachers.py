"""ReLU teachers: their directions, readouts and tasks."""

import numpy as np
import pytest

from normtheory.arrays import InputError
from normtheory.teachers import fresh_rows, relu_alone, relu_pair


def test_main_units_have_their_cosines_to_auxiliary_ones_and_are_orthogonal_to_all_else():
    cosines = [1.0, 1.0, 0.9, 0.3, 0.0]
    pair = relu_pair(8, cosines, seed=3)
    across = pair.teacher.hidden @ pair.teacher_aux.hidden.T
    expected = np.zeros((5, 6))
    np.fill_diagonal(expected, cosines)
    assert across == pytest.approx(expected, abs=1e-12)
    for units in (pair.teacher.hidden, pair.teacher_aux.hidden):
        assert units @ units.T == pytest.approx(np.eye(len(units)), abs=1e-12)


def test_readouts_have_the_stated_sizes_and_both_signs():
    signs = []
    for seed in range(8):
        pair = relu_pair(4, [1.0] * 3, magnitude=1 / 3, seed=seed)
        assert np.abs(pair.teacher.readout) == pytest.approx(np.full((1, 3), 1 / 3))
        assert np.abs(pair.teacher_aux.readout) == pytest.approx(np.full((1, 6), 6**-0.5))
        signs += [*np.sign(pair.teacher.readout[0]), *np.sign(pair.teacher_aux.readout[0, :3])]
    assert {-1.0, 1.0} == set(signs)
    assert signs[:3] != signs[3:6] or signs[6:9] != signs[9:12]  # drawn apart


def test_the_auxiliary_task_does_not_hang_on_the_main_one():
    first, second = relu_pair(8, [1.0] * 6, seed=1), relu_pair(64, [0.0], magnitude=0.2, seed=1)
    assert np.array_equal(first.aux.X, second.aux.X)
    assert np.array_equal(first.aux.y, second.aux.y)


def test_relations_share_inputs_and_signs():
    shared, new = relu_pair(16, [1.0] * 6, seed=2), relu_pair(16, [0.0] * 6, seed=2)
    assert np.array_equal(shared.main.X, new.main.X)
    assert np.array_equal(shared.teacher.readout, new.teacher.readout)
    assert not np.allclose(shared.main.y, new.main.y)


def test_targets_are_the_teachers_on_inputs_of_the_sphere():
    pair = relu_pair(16, [1.0, 0.0], seed=5)
    by_hand = sum(
        a * max(0.0, float(w @ pair.main.X[7])) for w, a in zip(pair.teacher.hidden, pair.teacher.readout[0], strict=True)
    )
    assert pair.main.y[7] == pytest.approx(by_hand)
    for X in (pair.main.X, pair.aux.X, fresh_rows(16, 15, 5)):
        assert np.linalg.norm(X, axis=1) == pytest.approx(np.full(len(X), 15**0.5))
    assert not np.allclose(pair.main.X, fresh_rows(16, 15, 5))


@pytest.mark.parametrize("units", [6, 40])
def test_single_teachers_of_few_and_many_units(units):
    task, teacher = relu_alone(12, units, seed=1)
    gram = teacher.hidden @ teacher.hidden.T
    assert np.diag(gram) == pytest.approx(np.ones(units))
    assert (np.abs(gram - np.eye(units)).max() < 1e-12) == (units == 6)
    assert task.samples == 12


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cosines": []}, "give 1 to 6 numbers"),
        ({"cosines": [1.0] * 7}, "give 1 to 6 numbers"),
        ({"cosines": [1.2]}, "from 0 to 1"),
        ({"cosines": [1.0] * 6, "inputs": 11}, "cannot be orthogonal in 11 inputs"),
        ({"cosines": [1.0], "samples": 0}, "samples = 0"),
        ({"cosines": [1.0], "seed": -1}, "seed = -1"),
    ],
)
def test_what_cannot_be_is_refused(options, message):
    given = {"samples": 8} | options
    with pytest.raises(InputError, match=message):
        relu_pair(given.pop("samples"), given.pop("cosines"), **given)
