"""normtheory simulate: the flow's endpoint, interruptions, and targets out of reach."""

import os
from contextlib import contextmanager

import numpy as np
import pytest
from commands import AUX, PAIR, SIMULATE, assert_refused, result, run, save
from scipy.integrate import solve_ivp

from normtheory import exact, files
from normtheory.arrays import InputError
from normtheory.solvers import flow, training
from normtheory.tasks import teacher_student


def test_simulate_single(folder, capsys):
    save()
    code, out, err = run(capsys, *SIMULATE, "single", "--alpha", "0.1", "--rtol", "1e-6")
    assert (code, err) == (0, "")
    assert "loss" in out
    expected = training.single_task(PAIR.main.X, PAIR.main.y, alpha=0.1, rtol=1e-6, route="dual")
    written = result()
    np.testing.assert_array_equal(written["beta"], expected.beta)
    assert set(written) >= {"w_plus", "w_minus", "v_plus", "v_minus", "gradient_evaluations", "conservation_error"}
    assert written["losses"].shape == written["times"].shape
    assert "beta_aux" not in written
    np.testing.assert_allclose(
        written["beta"], written["w_plus"] * written["v_plus"] - written["w_minus"] * written["v_minus"], rtol=0, atol=1e-15
    )


def test_simulate_by_either_route(folder, capsys):
    """The same network at the end; the weights where they are asked for, or a state has to be kept."""
    save(**AUX)
    options = ("finetuning", "--alpha", "0.1", "--rtol", "1e-7")
    written = {}
    for route, more in {"dual": (), "weights": ("--route", "weights"), "kept": ("--checkpoint", "state.npz")}.items():
        assert run(capsys, *SIMULATE, *options, *more)[0] == 0
        written[route] = result()
    assert [str(each["route"]) for each in written.values()] == ["dual", "weights", "weights"]
    for name in ("beta", "beta_aux", "w_plus", "v_minus"):
        np.testing.assert_allclose(written["dual"][name], written["weights"][name], atol=2e-5)
    np.testing.assert_array_equal(written["kept"]["beta"], written["weights"]["beta"])
    os.remove("out.npz")
    left = ("problem.npz", *([] if not os.path.exists("state.npz") else ["state.npz"]))
    assert_refused(run(capsys, *SIMULATE, "multitask", "--route", "dual"), "--route dual is for one output", left=left)
    kept = run(capsys, *SIMULATE, *options, "--route", "dual", "--checkpoint", "state.npz")
    assert_refused(kept, "--route dual keeps no checkpoint", left=left)


@pytest.mark.parametrize("protocol", ["single", "finetuning", "multitask", "probing"])
def test_simulate_noisy_data(folder, capsys, protocol):
    """More samples than directions, noise in both tasks: refused with the way out, then trained to least squares."""
    noise = np.random.default_rng(3).normal(size=30)
    noisy = {"X": np.tile(PAIR.main.X, (4, 1))[:30], "y": np.tile(PAIR.main.y, 4)[:30] + noise, "beta_aux": None}
    aux = {"X_aux": np.tile(PAIR.aux.X, (3, 1))[:30], "y_aux": np.tile(PAIR.aux.y, 3)[:30] + noise}
    save(**noisy | aux)
    scales = ("--alpha", "0.5", "--rtol", "1e-6")
    assert_refused(run(capsys, *SIMULATE, protocol, *scales), "or say inconsistent project for least squares")
    code, out, _ = run(capsys, *SIMULATE, protocol, *scales, "--inconsistent", "project")
    assert code == 0
    assert "of their norm, onto the range of X" in out
    written = result()
    X, y = noisy["X"], noisy["y"]
    assert np.linalg.norm(X.T @ (X @ written["beta"] - y)) <= 1e-4 * np.linalg.norm(X.T @ y)
    assert written["losses"][-1] < 1e-10
    least = np.mean((X @ np.linalg.lstsq(X, y, rcond=None)[0] - y) ** 2)
    if protocol == "multitask":
        X_aux, y_aux = aux["X_aux"], aux["y_aux"]
        least = (least + np.mean((X_aux @ np.linalg.lstsq(X_aux, y_aux, rcond=None)[0] - y_aux) ** 2)) / 2
    assert abs(float(written["least_loss"]) - least) <= 1e-9


@pytest.mark.parametrize("changes", [{}, AUX])
def test_simulate_finetuning_ends_where_minimize_says(folder, capsys, changes):
    save(**changes)
    scales = ("--alpha", "0.1", "--gamma", "0.2", "--rescale", "0.7")
    assert run(capsys, "simulate", "problem.npz", "--protocol", "finetuning", *scales, "-o", "flow.npz")[0] == 0
    assert run(capsys, "minimize", "problem.npz", "--penalty", "finetuning", *scales, "-o", "norm.npz")[0] == 0
    trained, norm = result("flow.npz"), result("norm.npz")
    distance = np.linalg.norm(trained["beta"] - norm["beta"]) / np.linalg.norm(norm["beta"])
    assert distance < 1e-5  # rtol is 1e-8 per step, over some thousands of steps
    np.testing.assert_allclose(trained["beta_aux"], norm["beta_aux"], atol=1e-5)


def test_simulate_refuses(folder, capsys):
    save(beta_aux=None)
    assert_refused(run(capsys, *SIMULATE, "finetuning"), "holds neither beta_aux nor X_aux and y_aux")
    save(**(AUX | {"beta_aux": np.ones(20)}))
    assert_refused(run(capsys, *SIMULATE, "finetuning"), "holds both")


def test_simulate_refuses_targets_out_of_reach(folder, capsys):
    """y = 0, 1, 2 on one and the same input: the best mean squared error is 2/3."""
    hopeless = {"X": np.ones((3, 20)), "y": np.arange(3.0)}
    save(**hopeless)
    assert_refused(run(capsys, *SIMULATE, "single"), "y is outside the range of X")
    assert_refused(run(capsys, *SIMULATE, "single", "--loss", "0.66"), "--loss 0.66 is out of reach")
    save(beta_aux=None, X_aux=hopeless["X"], y_aux=hopeless["y"])
    assert_refused(run(capsys, *SIMULATE, "finetuning"), "y_aux is outside the range of X_aux")
    save(**hopeless)
    assert run(capsys, *SIMULATE, "single", "--alpha", "0.5", "--loss", "0.67")[0] == 0
    assert result()["losses"][-1] <= 0.67


def test_simulate_multitask_trains_both_tasks_at_once(folder, capsys):
    save(**AUX)
    code, _, err = run(capsys, *SIMULATE, "multitask", "--alpha", "0.1", "--rtol", "1e-6")
    assert (code, err) == (0, "")
    expected = training.multi_task(PAIR.main.X, PAIR.main.y, PAIR.aux.X, PAIR.aux.y, alpha=0.1, rtol=1e-6)
    written = result()
    np.testing.assert_array_equal([written["beta"], written["beta_aux"]], expected.beta)
    assert written["v_plus"].shape == (2, 20)
    np.testing.assert_allclose(PAIR.aux.X @ written["beta_aux"], PAIR.aux.y, atol=1e-4)


def test_simulate_multitask_agrees_with_lsoda(folder, capsys):
    """60 inputs, rtol 1e-7: within 1e-6 of scipy's integration of the weights to the same time."""
    pair = teacher_student(16, 6, features=6, features_aux=6, inputs=60, samples_aux=40, seed=2)
    np.savez("problem.npz", X=pair.main.X, y=pair.main.y, X_aux=pair.aux.X, y_aux=pair.aux.y)
    assert run(capsys, *SIMULATE, "multitask", "--alpha", "1e-2", "--rtol", "1e-7")[0] == 0
    written, total = result(), 56

    def field(_, flat):
        w, v = flat[:120].reshape(2, 1, 60) * [[[1]], [[-1]]], flat[120:].reshape(2, 2, 60)
        betas = (w * v).sum(axis=0)
        tasks = zip((pair.main, pair.aux), betas, strict=True)
        pulls = np.stack([-2 / total * (task.X @ beta - task.y) @ task.X for task, beta in tasks])
        return np.concatenate([(pulls * v).sum(axis=1).ravel() * np.repeat([1, -1], 60), (pulls * w).ravel()])

    options = {"method": "LSODA", "rtol": 1e-11, "atol": 1e-14}
    end = solve_ivp(field, (0, written["times"][-1]), np.full(360, 1e-2), **options).y[:, -1]
    w, v = end[:120].reshape(2, 1, 60) * [[[1]], [[-1]]], end[120:].reshape(2, 2, 60)
    betas = (w * v).sum(axis=0)
    assert np.linalg.norm([written["beta"], written["beta_aux"]] - betas) <= 1e-6 * np.linalg.norm(betas)


def test_simulate_probing_leaves_the_first_layer(folder, capsys):
    save()
    assert run(capsys, *SIMULATE, "probing", "--alpha", "0.1", "--gamma", "0.2", "--rtol", "1e-7")[0] == 0
    probed = result()
    start = training.restarted(exact.pretraining(PAIR.teacher_aux, 0.1), gamma=0.2)
    np.testing.assert_array_equal(probed["w_plus"], start.w_plus)
    np.testing.assert_allclose(probed["beta"], exact.probing(start, PAIR.main.X, PAIR.main.y), atol=1e-5)
    np.testing.assert_allclose(probed["beta_aux"], PAIR.teacher_aux, atol=1e-12)


def test_multitask_refuses_what_it_cannot_use(folder, capsys):
    save()
    assert_refused(run(capsys, *SIMULATE, "multitask"), "holds no array X_aux; --protocol multitask needs it")
    save(**AUX)
    assert_refused(run(capsys, *SIMULATE, "multitask", "--gamma", "1"), "--gamma has no meaning for --protocol multitask")
    save(beta_aux=None)
    assert_refused(run(capsys, *SIMULATE, "probing"), "--protocol probing needs one of the two")
    hopeless = {"X_aux": np.ones((2, 20)), "y_aux": np.array([0.0, 1.0]), "beta_aux": None}  # 1/4 there, 1/20 of the pool of 10
    save(**hopeless)
    assert_refused(run(capsys, *SIMULATE, "multitask"), "y_aux is outside the range of X_aux")
    assert_refused(run(capsys, *SIMULATE, "multitask", "--loss", "0.049"), "the least training loss is 0.05")
    assert run(capsys, *SIMULATE, "multitask", "--alpha", "0.5", "--loss", "0.051")[0] == 0
    assert result()["losses"][-1] <= 0.051


def test_an_interrupted_simulation_goes_on_where_it_was(folder, capsys, monkeypatch):
    """Ctrl-C in the second phase: the state is kept, and the resumed run writes the very file of one never interrupted."""
    save(**AUX)
    options = ("finetuning", "--alpha", "0.1", "--rtol", "1e-6", "--route", "weights")
    assert run(capsys, *SIMULATE, *options)[0] == 0
    whole = result()
    os.remove("out.npz")

    @contextmanager
    def interrupting():
        def report(phase, _time, loss, _evaluations):
            if phase == "finetuning" and loss < 1e-3:
                raise KeyboardInterrupt

        yield report

    with monkeypatch.context() as patch:
        patch.setattr("normtheory.cli.simulate.flow_progress", interrupting)
        outcome = run(capsys, *SIMULATE, *options, "--checkpoint", "state.npz")
    message = "interrupted; the state is in state.npz, go on with --resume state.npz"
    assert_refused(outcome, message, code=130, left=("problem.npz", "state.npz"))
    assert run(capsys, *SIMULATE, *options, "--resume", "state.npz")[0] == 0
    again = result()
    assert set(again) == set(whole)
    for name, array in whole.items():
        np.testing.assert_array_equal(again[name], array)
    os.remove("out.npz")
    other = run(capsys, *SIMULATE, "finetuning", "--alpha", "0.2", "--rtol", "1e-6", "--resume", "state.npz")
    assert_refused(other, "state.npz was saved from another problem or other options", left=("problem.npz", "state.npz"))
    other = run(capsys, *SIMULATE, *options, "--resume", "problem.npz")
    assert_refused(other, "problem.npz is no saved state", left=("problem.npz", "state.npz"))
    other = run(capsys, *SIMULATE, *options, "--resume", "nothing.npz")
    assert_refused(other, "nothing.npz: no such file", left=("problem.npz", "state.npz"))


def test_a_checkpoint_is_saved_on_the_way(folder, capsys, monkeypatch):
    monkeypatch.setattr("normtheory.cli.checkpoints.INTERVAL_S", 0.0)
    save()
    assert run(capsys, *SIMULATE, "single", "--alpha", "0.1", "--rtol", "1e-5", "--checkpoint", "state.npz")[0] == 0
    assert {"fingerprint", "training.state"} <= set(result("state.npz"))
    refused = run(capsys, *SIMULATE, "single", "--alpha", "0.1", "--checkpoint", "problem.npz")
    assert "is the problem itself" in refused[2]


def test_a_flow_beyond_float64_is_an_error(folder, capsys):
    """A residual of order 1e230 has no square: the loss is infinite, and so is the bound it would have to meet."""
    save(X=PAIR.main.X * 1e99, beta_aux=np.full(20, 1e90))
    for route in ("dual", "weights"):
        refused = run(capsys, *SIMULATE, "finetuning", "--gamma", "1e90", "--route", route)
        assert_refused(refused, "left the range of float64", code=1)


def test_a_flow_that_is_given_up_is_an_error(folder, capsys, monkeypatch):
    monkeypatch.setattr(flow.gradient_flow, "__kwdefaults__", flow.gradient_flow.__kwdefaults__ | {"most_evaluations": 50})
    save()
    assert_refused(run(capsys, *SIMULATE, "single", "--route", "weights"), "training loss", code=1)


def test_a_checkpoint_may_not_be_the_output(folder, capsys):
    save()
    assert_refused(run(capsys, *SIMULATE, "single", "--checkpoint", "out.npz"), "give two names")


def test_a_checkpoint_that_cannot_be_written_lets_the_run_go_on(folder, capsys, monkeypatch):
    """A disk that is full: said on stderr, tried again, and the result is there."""
    tried = []

    def full(path, arrays):
        tried.append(path)
        raise InputError(f"{path} could not be written (no space left on device)")

    real = files.write_arrays
    monkeypatch.setattr("normtheory.cli.checkpoints.INTERVAL_S", 0.0)
    monkeypatch.setattr(files, "write_arrays", lambda path, arrays: (full if "state" in str(path) else real)(path, arrays))
    save()
    code, _, err = run(capsys, *SIMULATE, "single", "--alpha", "0.1", "--rtol", "1e-5", "--checkpoint", "state.npz")
    assert code == 0
    assert len(tried) > 1
    assert "no space left on device); the run goes on, and the next minute tries again" in err
    assert "beta" in result()


def test_an_interrupt_without_a_checkpoint_mentions_it(folder, capsys, monkeypatch):
    def stopped(*_arguments, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "single_task", stopped)
    save()
    assert_refused(run(capsys, *SIMULATE, "single"), "--checkpoint FILE would keep the state of a long run", code=130)


def test_arrays_used_and_not_are_listed(folder, capsys):
    save(b0=np.ones(20))
    _, out, _ = run(capsys, *SIMULATE, "single", "--alpha", "0.5")
    assert "arrays used      X, y\n" in out
    assert "arrays not used  beta_aux, k, b0\n" in out


def test_ill_conditioned_data_are_told_before_the_weights_are_integrated(folder, capsys):
    """A large mean in every column: said at once on stderr, by the route of the weights; the dual takes seconds."""
    X = 1 + 1e-5 * PAIR.main.X
    save(X=X, y=X @ np.ones(20))
    options = ("single", "--alpha", "0.1", "--rtol", "1e-4")
    code, _, err = run(capsys, *SIMULATE, *options, "--route", "weights", "--loss", "100")
    assert "X is ill-conditioned (condition number" in err
    assert "standardise its columns" in err
    assert "or say --route dual" in err
    code, _, err = run(capsys, *SIMULATE, *options)
    assert (code, err) == (0, "")
    code, _, err = run(capsys, *SIMULATE, "multitask", *options[1:], "--loss", "100")
    assert "standardise its columns" in err
    assert "dual" not in err, "two outputs have none"
