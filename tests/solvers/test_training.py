"""The protocols: what they start from, what they return, and that they end at the exact prediction at the paper's size."""

import numpy as np
import pytest

from normtheory import exact
from normtheory.arrays import InputError
from normtheory.networks import DiagonalNetwork
from normtheory.tasks import teacher_student
from solvers.newton import minimize
from solvers.training import pretrain_finetune, single_task


def small(seed=0):
    draw = np.random.default_rng(seed)
    X, X_aux = draw.normal(size=(8, 25)), draw.normal(size=(15, 25))
    return X, X @ draw.normal(size=25), X_aux, X_aux @ draw.normal(size=25)


@pytest.mark.parametrize("overlap", [40, 0])
def test_finetuning_at_the_paper_s_size(overlap):
    """D = 1000, n = 64, alpha = gamma = 1e-3: the trained network is within 1e-7 of the exact minimiser."""
    tasks = teacher_student(64, overlap)
    run = pretrain_finetune(tasks.main.X, tasks.main.y, beta_aux=tasks.teacher_aux, rtol=1e-8)
    k, beta0 = exact.finetuning(tasks.teacher_aux, alpha=1e-3, gamma=1e-3)
    predicted = minimize(tasks.main.X, tasks.main.y, k, beta0).beta
    assert np.linalg.norm(run.beta - predicted) <= 1e-7 * np.linalg.norm(predicted)


def test_single_task_starts_from_constant_weights():
    X, y, *_ = small()
    run = single_task(X, y, alpha=0.02, rtol=1e-8)
    predicted = minimize(X, y, 2 * 0.02**2).beta  # k = 2 alpha^2, beta0 = 0
    assert np.linalg.norm(run.beta - predicted) <= 2e-7 * np.linalg.norm(predicted)


def test_every_knob_of_finetuning_counts():
    """Pretraining by the flow, rescaling and reset: the endpoint is that of the closed form with the same numbers."""
    X, y, X_aux, y_aux = small()
    knobs = {"alpha": 0.1, "gamma": 0.03, "rescale": 0.4}
    run = pretrain_finetune(X, y, X_aux=X_aux, y_aux=y_aux, rtol=1e-8, **knobs)
    beta_aux = minimize(X_aux, y_aux, 2 * 0.1**2).beta
    np.testing.assert_allclose(run.beta_aux, beta_aux, atol=1e-6)
    predicted = minimize(X, y, *exact.finetuning(beta_aux, **knobs)).beta
    assert np.linalg.norm(run.beta - predicted) <= 1e-6 * np.linalg.norm(predicted)
    for knob in knobs:
        other = minimize(X, y, *exact.finetuning(beta_aux, **(knobs | {knob: 2 * knobs[knob]}))).beta
        assert np.linalg.norm(run.beta - other) > 1e-3 * np.linalg.norm(predicted)


def test_given_and_trained_auxiliary_predictors_agree():
    X, y, X_aux, y_aux = small(1)
    trained = pretrain_finetune(X, y, X_aux=X_aux, y_aux=y_aux, rtol=1e-8, alpha=0.1)
    given = pretrain_finetune(X, y, beta_aux=trained.beta_aux, rtol=1e-8, alpha=0.1)
    assert trained.pretraining is not None
    assert given.pretraining is None
    np.testing.assert_allclose(trained.beta, given.beta, atol=1e-5)
    np.testing.assert_allclose(DiagonalNetwork().effective_map(given.finetuning.weights), given.beta)


def test_scale_and_start_are_those_of_the_network_s_own_weights():
    X, y, X_aux, y_aux = small(2)
    run = pretrain_finetune(X, y, X_aux=X_aux, y_aux=y_aux, rtol=1e-6, alpha=0.1, gamma=0.2, pretraining_loss=1e-2)
    predicted = minimize(X, y, *run.scale_and_start()).beta
    assert np.linalg.norm(run.beta - predicted) <= 2e-5 * np.linalg.norm(predicted)
    assert run.pretraining.losses[-1] <= 1e-2


@pytest.mark.parametrize("given", [(), ("beta_aux", "X_aux", "y_aux"), ("X_aux",), ("beta_aux", "y_aux")])
def test_an_ambiguous_auxiliary_task_is_refused(given):
    X, y, X_aux, y_aux = small()
    arrays = {"beta_aux": np.zeros(25), "X_aux": X_aux, "y_aux": y_aux}
    with pytest.raises(InputError, match="give either beta_aux, or X_aux and y_aux"):
        pretrain_finetune(X, y, **{name: arrays[name] for name in given})


def test_progress_names_the_phase():
    X, y, X_aux, y_aux = small()
    phases = []
    pretrain_finetune(X, y, X_aux=X_aux, y_aux=y_aux, rtol=1e-4, progress=lambda phase, *_: phases.append(phase))
    assert list(dict.fromkeys(phases)) == ["pretraining", "finetuning"]
