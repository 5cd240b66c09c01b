"""The protocols: what they start from, what they return, and that they end at the exact prediction at the paper's size."""

import numpy as np
import pytest

from normtheory import exact
from normtheory.arrays import InputError
from normtheory.networks import DiagonalNetwork, ReLUNetwork, ReLUWeights, Weights
from normtheory.solvers.newton import minimize
from normtheory.solvers.training import (
    Checkpoint,
    linear_probe,
    linearised,
    multi_task,
    pretrain_finetune,
    restarted,
    single_task,
)
from normtheory.tasks import Task, teacher_student


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


# several outputs, ReLU units, probing, the lazy limit


def relu_tasks(seed=0, samples=12, samples_aux=20):
    draw = np.random.default_rng(seed)
    X, X_aux = draw.normal(size=(samples, 4)), draw.normal(size=(samples_aux, 4))
    return X, np.maximum(X @ [1.0, 0.5, 0, -1], 0), X_aux, np.maximum(X_aux @ [1.0, 0.5, 0, -1], 0)


RELU = ReLUWeights.random(4, 40, 0.1)
RELU_OPTIONS = {"rtol": 1e-3, "loss": 1e-4}


def test_multi_task_fits_both_tasks_main_first():
    X, y, X_aux, y_aux = small()
    run = multi_task(X, y, X_aux, y_aux, alpha=0.05, rtol=1e-6)
    assert run.beta.shape == (2, 25)
    np.testing.assert_allclose(X @ run.beta[0], y, atol=1e-4)
    np.testing.assert_allclose(X_aux @ run.beta[1], y_aux, atol=1e-4)


def test_task_weights_and_decay_reach_the_flow():
    X, y, X_aux, y_aux = small()
    plain = multi_task(X, y, X_aux, y_aux, alpha=0.05, rtol=1e-5)
    weighted = multi_task(X, y, X_aux, y_aux, alpha=0.05, rtol=1e-5, task_weights=(0.9, 0.1))
    decayed = multi_task(X, y, X_aux, y_aux, alpha=0.05, rtol=1e-5, decay=1e-3)
    norms = [2 * np.sum(np.hypot(*run.beta)) for run in (plain, weighted, decayed)]
    assert np.linalg.norm(plain.beta - weighted.beta) > 1e-2
    assert norms[2] < min(norms[:2])
    assert decayed.event == "rest"


def test_multi_task_with_a_dominating_auxiliary_task_is_not_finetuning():
    """Shared readouts from the start: the main predictor differs from that of a network finetuned from the same weights."""
    X, y, X_aux, y_aux = small()
    both = multi_task(X, y, X_aux, y_aux, alpha=0.1, rtol=1e-5, task_weights=(1e-3, 1.0))
    tuned = pretrain_finetune(X, y, X_aux=X_aux, y_aux=y_aux, alpha=0.1, gamma=0.1, rtol=1e-5)
    assert np.linalg.norm(both.beta[1] - tuned.beta_aux) <= 0.1 * np.linalg.norm(tuned.beta_aux)
    assert np.linalg.norm(both.beta[0] - tuned.beta) > 1e-2 * np.linalg.norm(tuned.beta)


@pytest.mark.parametrize("given", ["beta_aux", "tasks"])
def test_probing_trained_and_in_closed_form_agree(given):
    """Also with the closed form of `exact`, from the probe's own start."""
    X, y, X_aux, y_aux = small(3)
    auxiliary = {"beta_aux": np.linspace(-1, 1, 25)} if given == "beta_aux" else {"X_aux": X_aux, "y_aux": y_aux}
    run = linear_probe(X, y, **auxiliary, alpha=0.2, gamma=0.1, rescale=0.7, rtol=1e-7)
    np.testing.assert_allclose(run.probing.beta, run.beta, atol=1e-5)
    np.testing.assert_allclose(run.beta, exact.probing(run.start, X, y), atol=1e-9)
    np.testing.assert_array_equal(run.probing.weights.w_plus, run.start.w_plus)
    np.testing.assert_allclose(run.start.v_plus, 0.1)
    assert linear_probe(X, y, **auxiliary, alpha=0.2, gamma=0.1, rescale=0.7, rtol=1e-7, trained=False).probing is None


def test_probing_a_relu_network_regresses_on_its_hidden_units():
    X, y, X_aux, y_aux = relu_tasks(samples=6)
    run = linear_probe(
        X, y, X_aux=X_aux, y_aux=y_aux, weights=RELU, gamma=1e-3, trained=False, pretraining_loss=1e-3, rtol=1e-3
    )
    np.testing.assert_array_equal(run.closed_form.hidden, run.start.hidden)
    features = np.maximum(X @ run.start.hidden.T, 0)
    readout = run.start.readout[0] + np.linalg.pinv(features) @ (y - features @ run.start.readout[0])
    np.testing.assert_allclose(run.closed_form.readout[0], readout, atol=1e-6 * np.abs(readout).max())
    with pytest.raises(InputError, match="no linear predictor"):
        _ = run.beta


def test_relu_networks_go_through_every_protocol():
    X, y, X_aux, y_aux = relu_tasks()
    single = single_task(X, y, weights=RELU, **RELU_OPTIONS)
    np.testing.assert_allclose(ReLUNetwork().output(single.weights, X), y, atol=0.1)
    tuned = pretrain_finetune(X, y, X_aux=X_aux, y_aux=y_aux, weights=RELU, rescale=0.5, seed=3, **RELU_OPTIONS)
    np.testing.assert_array_equal(tuned.start.hidden, 0.5 * tuned.pretrained.hidden)
    assert tuned.start.readout.std() == pytest.approx(1e-3 * np.sqrt(2 / 40), rel=0.5)
    assert not np.array_equal(tuned.start.readout, restarted(tuned.pretrained, 1e-3, 0.5, seed=4).readout)
    assert tuned.finetuning.losses[-1] <= 1e-4
    both = multi_task(X, y, X_aux, y_aux, weights=ReLUWeights.random(4, 40, 0.1, outputs=2), **RELU_OPTIONS)
    np.testing.assert_allclose(ReLUNetwork(2).output(both.weights, X_aux, 1), y_aux, atol=0.1)
    with pytest.raises(InputError, match="stands for pretraining from constant weights"):
        pretrain_finetune(X, y, beta_aux=np.zeros(4), weights=RELU)


@pytest.mark.parametrize("kind", ["diagonal", "relu"])
def test_large_weights_train_like_their_linear_model(kind):
    """The lazy limit by fitted rate (outputs start at 0): the distance falls like s^-2 in the scale s of the weights.

    Weights move by 1/s, so a share of order s^-2 of the ReLU kinks is crossed by single samples, in jumps: less regularly.
    """
    draw, distances = np.random.default_rng(4), []
    X, y = draw.normal(size=(3, 4)), draw.normal(size=3)
    for scale in (3.0, 6.0, 12.0):
        if kind == "diagonal":
            weights = Weights.constant(4, scale)
        else:  # units in pairs of opposite readouts: the output is 0 at first
            half = ReLUWeights.random(4, 30, 1.0, seed=1)
            readout = scale * np.hstack([half.readout, -half.readout])
            weights = ReLUWeights(scale * np.vstack([half.hidden, half.hidden]), readout)
        lazy = linearised([Task(X, y)], weights)
        np.testing.assert_allclose(lazy.output(X), y, atol=1e-8)
        flow = single_task(X, y, weights=weights, rtol=1e-6, loss=1e-10)
        new = np.random.default_rng(9).normal(size=(50, 4))
        trained = flow.weights.network.output(flow.weights, new)
        distances.append(np.linalg.norm(lazy.output(new) - trained) / np.linalg.norm(trained))
    rate = np.polyfit(np.log([3.0, 6.0, 12.0]), np.log(distances), 1)[0]
    assert rate < {"diagonal": -1.7, "relu": -0.6}[kind]
    assert distances[-1] < 0.05


def test_the_lazy_diagonal_network_is_the_l2_interpolator():
    X, y, X_aux, y_aux = small()
    lazy = linearised([Task(X, y), Task(X_aux, y_aux)], Weights.constant(25, 2.0, 2.0, outputs=2))
    # One weight for all coordinates, but the tasks share the first layer: the kernel of outputs o and p is 8 [o = p] + 8.
    kernel = np.kron(np.array([[16.0, 8.0], [8.0, 16.0]]), np.eye(25))
    design = np.zeros((23, 50))
    design[:8, :25], design[8:, 25:] = X, X_aux
    both = kernel @ design.T @ np.linalg.solve(design @ kernel @ design.T, np.concatenate([y, y_aux]))
    np.testing.assert_allclose(np.concatenate([lazy.beta(0), lazy.beta(1)]), both, atol=1e-10)
    alone = linearised([Task(X, y)], Weights.constant(25, 2.0))
    np.testing.assert_allclose(alone.beta(), np.linalg.pinv(X) @ y, atol=1e-10)
    with pytest.raises(InputError, match="one task per output"):
        linearised([Task(X, y)], Weights.constant(25, 2.0, outputs=2))


def test_autograd_s_tangent_kernel_agrees():
    torch = pytest.importorskip("torch")
    X = relu_tasks()[0]
    weights = ReLUWeights.random(4, 9, 1.0)

    def output(hidden, readout, x):
        return torch.relu(hidden @ x) @ readout[0]

    arrays = (torch.tensor(weights.hidden), torch.tensor(weights.readout))
    rows = torch.func.vmap(torch.func.jacrev(output, argnums=(0, 1)), in_dims=(None, None, 0))(*arrays, torch.tensor(X))
    jacobian = np.hstack([row.reshape(len(X), -1).numpy() for row in rows])
    ours = weights.network.jacobian(weights, X)
    np.testing.assert_allclose(ours @ ours.T, jacobian @ jacobian.T, rtol=1e-10)


def test_a_checkpoint_resumes_in_the_second_phase():
    X, y, X_aux, y_aux = small()
    options = {"X_aux": X_aux, "y_aux": y_aux, "alpha": 0.1, "rtol": 1e-5}
    whole = pretrain_finetune(X, y, **options)

    class Stopped(Exception):
        pass

    def stop(phase, time, loss, evaluations):
        if phase == "finetuning" and loss < 1e-2:
            raise Stopped

    left = Checkpoint()
    with pytest.raises(Stopped):
        pretrain_finetune(X, y, **options, progress=stop, checkpoint=left)
    assert set(left.states()) == {"pretraining", "finetuning"}
    arrays = {name: np.asarray(value) for name, value in left.arrays().items()}
    again = pretrain_finetune(X, y, **options, checkpoint=Checkpoint.of(arrays))
    np.testing.assert_array_equal(again.beta, whole.beta)
    np.testing.assert_array_equal(again.finetuning.losses, whole.finetuning.losses)
    assert again.pretraining.statistics == whole.pretraining.statistics
