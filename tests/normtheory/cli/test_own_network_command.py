"""A network of one's own on the command line: certified endpoint and flow agree, and wrong input is one line and no file."""

import numpy as np
import pytest
from commands import AUX, PAIR, assert_refused, result, run, save

from normtheory.cli import simulate
from normtheory.solvers import newton

MINIMIZE = ("minimize", "problem.npz", "-o", "out.npz")
SIMULATE = ("simulate", "problem.npz", "-o", "out.npz")
DIAGONAL = ("--network", "w*v - u*z", "--start", "w=v=0.3, u=z=0.3")


def test_minimize_and_simulate_agree_and_are_the_known_theory(folder, capsys):
    save()
    code, out, err = run(capsys, *MINIMIZE, *DIAGONAL)
    assert (code, err) == (0, "")
    assert "only minimiser   yes" in out
    theory = result()
    certified = {"objective", "dual_objective", "primal_residual", "gap", "moved", "solver"}
    assert set(theory) == {"beta", "dual", "beta0", "map_error"} | certified
    assert float(theory["map_error"]) < 1e-13
    assert "of the orbits, in balls" in out
    np.testing.assert_allclose(theory["beta"], newton.minimize(PAIR.main.X, PAIR.main.y, 2 * 0.3**2).beta, atol=1e-10)
    code, out, err = run(capsys, "simulate", "problem.npz", "-o", "flow.npz", *DIAGONAL)
    assert (code, err) == (0, "")
    flow = result("flow.npz")
    assert {"w", "v", "u", "z"} | set(simulate.WRITTEN) - {"beta_aux"} == set(flow)
    assert str(flow["route"]) == "weights"
    assert np.linalg.norm(flow["beta"] - theory["beta"]) < 1e-7 * np.linalg.norm(theory["beta"])
    assert float(flow["conservation_error"]) < 1e-7
    code, _, err = run(capsys, "simulate", "problem.npz", "-o", "dual.npz", *DIAGONAL, "--route", "dual")
    assert (code, err) == (0, "")
    dual = result("dual.npz")
    assert np.linalg.norm(dual["beta"] - flow["beta"]) < 1e-7 * np.linalg.norm(flow["beta"])
    assert float(dual["conservation_error"]) < 1e-12


def test_starts_may_be_arrays_of_the_problem(folder, capsys):
    scale = np.linspace(0.1, 0.5, 20)
    save(size=scale)
    code, out, err = run(capsys, *MINIMIZE, "--network", "w*v - u*z", "--start", "w=v=size, u=z=2*size")
    assert (code, err) == (0, "")
    assert "arrays used      X, y, size\n" in out
    assert "size" not in out.partition("arrays not used")[2]
    k, beta0 = np.sqrt((5 * scale**2) ** 2 - (3 * scale**2) ** 2), -3 * scale**2
    np.testing.assert_allclose(result()["beta"], newton.minimize(PAIR.main.X, PAIR.main.y, k, beta0).beta, atol=1e-9)


def test_two_outputs_are_trained_on_both_tasks(folder, capsys):
    save(**AUX)
    code, _, err = run(capsys, *SIMULATE, "--network", "w*v_1; w*v_2", "--start", "w=0.3, v_1=v_2=0.2", "--loss", "1e-3")
    assert (code, err) == (0, "")
    assert {"beta", "beta_aux", "w", "v_1", "v_2"} <= set(result())
    assert np.mean((PAIR.main.X @ result()["beta"] - PAIR.main.y) ** 2) < 1e-2


def test_noise_is_refused_or_projected(folder, capsys):
    X, y = np.repeat(PAIR.main.X[:3], 2, axis=0), np.arange(6.0)
    save(X=X, y=y)
    for command in (MINIMIZE, SIMULATE):
        assert_refused(run(capsys, *command, *DIAGONAL), "y is outside the range of X")
    ends = []
    for command in (MINIMIZE, SIMULATE):
        code, out, err = run(capsys, *command, *DIAGONAL, "--inconsistent", "project")
        assert (code, err) == (0, "")
        assert "targets moved" in out
        ends.append(result()["beta"])
    np.testing.assert_allclose(X.T @ (X @ ends[0] - y), 0, atol=1e-8)
    np.testing.assert_allclose(*ends, atol=1e-6 * np.abs(ends[0]).max())


def test_coordinates_may_share_their_weights(folder, capsys):
    """Two coordinates and one first weight: the flow fits the data, and w^2 - v_1^2 - v_2^2 stays."""
    X, y = np.array([[1.0, 0.5]]), np.array([0.8])
    np.savez("problem.npz", X=X, y=y)
    options = ("--network", "w*v_1; w*v_2", "--start", "w=0.3, v_1=0.2, v_2=0.1", "--shared")
    code, _, err = run(capsys, *SIMULATE, *options)
    assert (code, err) == (0, "")
    found = result()
    assert found["beta"].shape == (2,)
    np.testing.assert_allclose(found["beta"], (found["w"] * np.stack([found["v_1"], found["v_2"]]))[:, 0])
    np.testing.assert_allclose(X @ found["beta"], y, rtol=1e-7)
    np.testing.assert_allclose(found["w"] ** 2 - found["v_1"] ** 2 - found["v_2"] ** 2, 0.04, rtol=1e-6)


REFUSED = {
    "a penalised network": ([*MINIMIZE, *DIAGONAL, "--lambda", "0.1"], "--lambda is for --penalty q, finetuning and l2"),
    "the dual of two outputs": (
        [*SIMULATE, "--network", "w*v; w*u", "--start", "w=v=u=1", "--route", "dual"],
        "use --route weights with a --network of two outputs",
    ),
    "shared coordinates to minimise": ([*MINIMIZE, *DIAGONAL, "--shared"], "simulate --shared integrates it"),
    "shared coordinates that are too few": ([*SIMULATE, *DIAGONAL, "--shared"], "has 1 outputs, and X 20 columns"),
    "shared coordinates of no network": ([*SIMULATE, "--protocol", "single", "--shared"], "--shared has no meaning"),
    "neither": ([*MINIMIZE], "give one of --penalty and --network"),
    "both": ([*MINIMIZE, "--penalty", "l1", *DIAGONAL], "give one of --penalty and --network"),
    "neither for a flow": ([*SIMULATE], "give one of --protocol and --network"),
    "no start": ([*MINIMIZE, "--network", "w*v"], "give them with --start"),
    "a start alone": ([*MINIMIZE, "--penalty", "l1", "--start", "w=1"], "--start has no meaning for --penalty"),
    "a scale": ([*MINIMIZE, *DIAGONAL, "--alpha", "1"], "--alpha has no meaning for --network"),
    "a scale of a flow": ([*SIMULATE, *DIAGONAL, "--alpha", "1"], "--alpha has no meaning for --network"),
    "another solver": ([*MINIMIZE, *DIAGONAL, "--solver", "cvxpy"], "--solver has no meaning for --network"),
    "a symbol without start": ([*MINIMIZE, "--network", "w*v", "--start", "w=1"], "the weight v has no start"),
    "an array that is not there": ([*MINIMIZE, "--network", "w*v", "--start", "w=v=c"], "problem.npz holds no such array"),
    "a start without gradient": ([*MINIMIZE, "--network", "w*v", "--start", "w=v=0"], "beta has no gradient at the start"),
    "a syntax error": ([*MINIMIZE, "--network", "w*(v", "--start", "w=v=1"], "the network, character 5: ')' is missing"),
    "code": ([*MINIMIZE, "--network", "exec(w)", "--start", "w=1"], "exec is no function of the language"),
    "an orbit that ends": (
        [*MINIMIZE, "--network", "tanh(w)/100", "--start", "w=1"],
        "the orbit ends before the data are fitted",
    ),
    "a name that is taken": ([*SIMULATE, "--network", "times*v", "--start", "times=v=1"], "a weight is called times"),
    "two outputs, one task": ([*SIMULATE, "--network", "w*v; w*u", "--start", "w=v=u=1"], "holds no array X_aux"),
    "three outputs": ([*SIMULATE, "--network", "w; v; u", "--start", "w=v=u=1"], "a problem at most two tasks"),
    "three outputs to minimise": ([*MINIMIZE, "--network", "w; v; u", "--start", "w=v=u=1"], "has 3 outputs"),
    "a second output that cannot be held": (
        [*MINIMIZE, "--network", "w*v; w*u", "--start", "w=v=u=1"],
        "lies beyond the end of the orbit of beta_2",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_wrong_input_is_one_line_and_no_file(folder, capsys, what):
    save()
    arguments, message = REFUSED[what]
    assert_refused(run(capsys, *arguments), message)
