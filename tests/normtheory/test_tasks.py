"""Tasks: the teacher-student construction."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from normtheory.arrays import InputError
from normtheory.tasks import (
    Task,
    generalisation_loss,
    relu_task,
    sphere_rows,
    teacher_student,
)


def small(**changes):
    """A small teacher-student pair; `changes` replace arguments."""
    arguments = {"samples": 6, "overlap": 2, "features": 4, "features_aux": 5, "inputs": 20, "samples_aux": 9, "seed": 3}
    return teacher_student(**(arguments | changes))


@given(
    features=st.integers(1, 8),
    features_aux=st.integers(1, 8),
    share=st.floats(0, 1),
    seed=st.integers(0, 2**40),
)
def test_teachers_have_the_support_signs_and_sizes_asked_for(features, features_aux, share, seed):
    overlap = int(share * min(features, features_aux))
    pair = teacher_student(3, overlap, features=features, features_aux=features_aux, inputs=20, samples_aux=4, seed=seed)
    main, aux = np.flatnonzero(pair.teacher), np.flatnonzero(pair.teacher_aux)
    assert (main.size, aux.size) == (features, features_aux)
    shared = np.intersect1d(main, aux)
    assert shared.size == overlap
    assert (np.sign(pair.teacher[shared]) == np.sign(pair.teacher_aux[shared])).all()
    np.testing.assert_allclose([np.linalg.norm(pair.teacher), np.linalg.norm(pair.teacher_aux)], 1, rtol=1e-14)
    np.testing.assert_array_equal(pair.main.y, pair.main.X @ pair.teacher)
    np.testing.assert_array_equal(pair.aux.y, pair.aux.X @ pair.teacher_aux)
    np.testing.assert_allclose((pair.main.X**2).mean(axis=1), 1, rtol=1e-14)


def test_the_paper_s_defaults():
    pair = teacher_student(16, 30)
    assert (pair.main.samples, pair.main.inputs, pair.aux.samples, pair.aux.inputs) == (16, 1000, 1024, 1000)
    assert set(np.abs(pair.teacher)) == {0.0, 40**-0.5} == set(np.abs(pair.teacher_aux))
    assert np.count_nonzero(pair.teacher * pair.teacher_aux) == 30


def test_full_overlap_of_equal_sizes_is_the_same_teacher():
    pair = small(overlap=5, features=5)
    np.testing.assert_array_equal(pair.teacher, pair.teacher_aux)


def test_magnitude_replaces_the_unit_norm():
    assert set(np.abs(small(magnitude=1 / 4).teacher)) == {0.0, 0.25}


def test_random_streams_depend_on_what_they_make_alone():
    pair = small()
    assert (small().main.X == pair.main.X).all()
    for other in (small(samples=7), small(overlap=0), small(features=3), small(magnitude=2.0)):
        np.testing.assert_array_equal(other.aux.X, pair.aux.X)
        np.testing.assert_array_equal(other.teacher_aux, pair.teacher_aux)
    np.testing.assert_array_equal(small(overlap=0).main.X, pair.main.X)
    assert not np.array_equal(small(seed=4).main.X, pair.main.X)
    assert not np.array_equal(small(seed=4).teacher != 0, pair.teacher != 0)
    assert not np.array_equal(small(samples_aux=6).aux.X, pair.main.X)


def test_the_global_generator_is_neither_used_nor_moved():
    np.random.seed(0)  # noqa: NPY002 - the state under test
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    first = small()
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002
    np.random.seed(1)  # noqa: NPY002
    np.testing.assert_array_equal(small().main.X, first.main.X)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"samples": 0}, "samples = 0"),
        ({"samples_aux": -1}, "samples_aux = -1"),
        ({"features": 0}, "features = 0"),
        ({"overlap": 5}, "overlap = 5; give a number from 0 to 4"),
        ({"overlap": -1}, "overlap = -1"),
        ({"inputs": 6}, "use 7 coordinates, but inputs = 6"),
        ({"seed": -1}, "seed = -1"),
        ({"magnitude": 0.0}, "magnitude = 0"),
    ],
)
def test_counts_that_do_not_fit(change, message):
    with pytest.raises(InputError, match=message):
        small(**change)


def test_generalisation_loss_is_the_population_mean():
    """Against a sample of fresh rows: their mean squared error scatters by about 2/sqrt(samples) of the loss."""
    generator = np.random.default_rng(np.random.SeedSequence(11))
    beta, teacher = generator.standard_normal(10), generator.standard_normal(10)
    errors = (sphere_rows(40_000, 10, generator) @ (beta - teacher)) ** 2
    assert abs(errors.mean() - generalisation_loss(beta, teacher)) < 4 * errors.std() / np.sqrt(errors.size)


def test_generalisation_loss_needs_two_vectors_of_one_length():
    with pytest.raises(InputError, match="one length"):
        generalisation_loss([1.0, 2.0], [1.0])


def test_task_keeps_floats_and_knows_its_sizes():
    task = Task([[1, 2, 3], [4, 5, 6]], [1, 2])
    assert (task.samples, task.inputs, task.X.dtype, task.y.dtype) == (2, 3, np.float64, np.float64)


@pytest.mark.parametrize(("shape", "samples"), [((3,), 3), ((2, 3), 3), ((0, 3), 0), ((3, 0), 3)])
def test_task_refuses_shapes_that_do_not_belong_together(shape, samples):
    with pytest.raises(InputError):
        Task(np.ones(shape), np.ones(samples))


def test_relu_task_is_a_sum_of_orthonormal_units():
    """Six units of unit norm and readout +-1/sqrt(6): the mean square of the targets follows."""
    task = relu_task(20_000, seed=3)
    np.testing.assert_allclose(np.linalg.norm(task.X, axis=1), np.sqrt(15), rtol=1e-12)
    # E (u.x)_+^2 = 1/2 and E (u.x)_+ (v.x)_+ = 1/(2 pi) for orthonormal u, v, up to the sphere's correction of order 1/D.
    assert 0.5 - 5 / (2 * np.pi) - 0.1 <= np.mean(task.y**2) <= 0.5 + 5 / (2 * np.pi) + 0.1
    one = relu_task(50, inputs=4, units=1)
    assert (one.y >= 0).all() or (one.y <= 0).all()
    assert 10 <= np.count_nonzero(one.y) <= 40
    with pytest.raises(InputError, match="units = 5, inputs = 4"):
        relu_task(3, inputs=4, units=5)
