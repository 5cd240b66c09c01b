"""The tangent kernel's learning curve, against regressions and where it is known."""

import numpy as np
import pytest

from normtheory import arccosine, kernel_curve
from normtheory.teachers import fresh_rows, relu_pair


def test_energies_sum_to_the_null_loss_and_odd_degrees_above_one_vanish():
    teacher = relu_pair(1, [1.0] * 6, seed=1).teacher
    parts = kernel_curve.energies(teacher)
    assert 0.97 * arccosine.null_loss(teacher) < parts.sum() <= arccosine.null_loss(teacher)
    assert parts[3::2] == pytest.approx(np.zeros(len(parts[3::2])), abs=1e-9)
    # The linear part of sum_j a_j (w_j.x)_+ is that of sum_j a_j w_j.x/2.
    assert parts[1] == pytest.approx(np.sum((teacher.readout @ teacher.hidden) ** 2) / 4)


def test_a_linear_kernel_has_the_dimension_as_its_only_eigenvalue():
    found = kernel_curve.expansion(lambda cosine: cosine, 15)
    assert found[1] == pytest.approx(1 / 15)
    assert np.delete(found, 1) == pytest.approx(np.zeros(len(found) - 1), abs=1e-12)
    assert [kernel_curve.harmonics(degree, 15) for degree in (0, 1, 2)] == [1, 15, 15 * 16 // 2 - 1]


def test_regressions_lie_on_the_curve():
    """Means over draws of teachers and data, with the kernel of infinitely many units of the same share of layers."""
    samples, width, seeds = (24, 96), 400, range(12)
    losses, curves = np.zeros((2, len(samples), len(seeds)))
    for seed in seeds:
        X_new = fresh_rows(2000, 15, seed)
        for place, n in enumerate(samples):
            pair = relu_pair(n, [1.0] * 6, seed=seed)
            gram, across = (kernel_curve.tangent_kernel(rows @ pair.main.X.T / 15, width, 15) for rows in (pair.main.X, X_new))
            error = across @ np.linalg.solve(gram, pair.main.y) - pair.teacher.network.output(pair.teacher, X_new)
            losses[place, seed] = np.mean(error**2)
        curves[:, seed] = kernel_curve.learning_curve(pair.teacher, samples, width)
    assert losses.mean(axis=1) == pytest.approx(curves.mean(axis=1), rel=0.08)
