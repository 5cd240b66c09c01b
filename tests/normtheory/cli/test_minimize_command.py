"""normtheory minimize: results equal to the Python interface's, and every wrong input one line, exit code 2 and no file."""

import os
from pathlib import Path

import numpy as np
import pytest
from commands import AUX, MINIMIZE, PAIR, assert_refused, result, run, save

from normtheory import exact
from normtheory.solvers import basis_pursuit, groups, least_norm, newton
from normtheory.solvers.certificate import NotCertified


def test_minimize_finetuning_is_the_exact_theory(folder, capsys):
    save()
    code, out, err = run(capsys, "minimize", "problem.npz", "--penalty", "finetuning", "--alpha", "0.01", "-o", "out.npz")
    assert (code, err) == (0, "")
    assert "newton" in out
    k, beta0 = exact.finetuning(PAIR.teacher_aux, 0.01, 1e-3)
    expected = newton.minimize(PAIR.main.X, PAIR.main.y, k, beta0)
    written = result()
    for name, value in {"beta": expected.beta, "dual": expected.dual, "k": k, "beta0": beta0}.items():
        np.testing.assert_array_equal(written[name], value)
    assert {"objective", "dual_objective", "primal_residual", "gap", "solver"} <= set(written)
    assert float(written["gap"]) <= 1e-10
    assert str(written["solver"]) == "newton"


def test_minimize_finetuning_pretrains_on_auxiliary_data(folder, capsys):
    save(**AUX)
    code, *_ = run(capsys, "minimize", "problem.npz", "--penalty", "finetuning", "--rescale", "0.5", "-o", "out.npz")
    assert code == 0
    beta_aux = newton.minimize(PAIR.aux.X, PAIR.aux.y, 2e-6).beta
    k, beta0 = exact.finetuning(beta_aux, 1e-3, 1e-3, 0.5)
    written = result()
    np.testing.assert_array_equal(written["beta_aux"], beta_aux)
    np.testing.assert_array_equal(written["beta"], newton.minimize(PAIR.main.X, PAIR.main.y, k, beta0).beta)


@pytest.mark.parametrize("beta0", [None, np.linspace(-0.1, 0.1, 20)])
@pytest.mark.parametrize("solver", ["newton", "cvxpy"])
def test_minimize_q(folder, capsys, solver, beta0):
    save(beta0=beta0)
    assert run(capsys, "minimize", "problem.npz", "--penalty", "q", "--solver", solver, "-o", "out.npz")[0] == 0
    exactly = newton.minimize(PAIR.main.X, PAIR.main.y, 0.1, 0.0 if beta0 is None else beta0).beta
    # The penalty is 2/sqrt(beta^2 + k^2)-strongly convex, so that beta is as good as the root of the relative gap.
    np.testing.assert_allclose(result()["beta"], exactly, rtol=0, atol=1e-12 if solver == "newton" else 1e-3)
    assert str(result()["solver"]).startswith(solver)


def test_minimize_l12_l1_and_l2(folder, capsys):
    save(**AUX)
    for penalty, solution in {
        "l12": groups.minimize_pair(PAIR.main.X, PAIR.main.y, PAIR.aux.X, PAIR.aux.y),
        "l1": basis_pursuit.minimize(PAIR.main.X, PAIR.main.y),
        "l2": least_norm.minimize(PAIR.main.X, PAIR.main.y),
    }.items():
        assert run(capsys, "minimize", "problem.npz", "--penalty", penalty, "-o", "out.npz")[0] == 0
        written = result()
        np.testing.assert_array_equal(written["beta"], solution.beta)
        assert written["beta"].shape == ((2, 20) if penalty == "l12" else (20,))
        assert "k" not in written
        assert float(written["gap"]) <= (1e-8 if penalty == "l12" else 1e-10)
    np.testing.assert_allclose(result()["beta"], np.linalg.pinv(PAIR.main.X) @ PAIR.main.y, atol=1e-12)


NOISE = np.random.default_rng(3).normal(size=30)
NOISY = {"X": np.tile(PAIR.main.X, (4, 1))[:30], "y": np.tile(PAIR.main.y, 4)[:30] + NOISE, "beta_aux": None}


@pytest.mark.parametrize("penalty", ["q", "l1", "l2", "l12", "finetuning"])
def test_noisy_data_are_projected_if_asked_for(folder, capsys, penalty):
    """More samples than directions: refused with the way out, and then least squares, for main and auxiliary task."""
    aux = {"X_aux": np.tile(PAIR.aux.X, (3, 1))[:30], "y_aux": np.tile(PAIR.aux.y, 3)[:30] + NOISE}
    save(**NOISY | aux)
    assert_refused(run(capsys, *MINIMIZE, penalty), "or say inconsistent project for least squares")
    code, out, _ = run(capsys, *MINIMIZE, penalty, "--inconsistent", "project")
    assert code == 0
    assert "of their norm, onto the range of X" in out
    written = result()
    beta = np.atleast_2d(written["beta"])[0]
    X, y = NOISY["X"], NOISY["y"]
    assert np.linalg.norm(X.T @ (X @ beta - y)) <= 1e-8 * np.linalg.norm(X.T @ y)
    assert float(written["moved"]) > 0.1
    os.remove("out.npz")
    save(**NOISY | AUX if penalty in ("l12", "finetuning") else NOISY)
    assert run(capsys, *MINIMIZE, penalty, "--inconsistent", "project")[0] == 0


@pytest.mark.parametrize("penalty", ["q", "l2", "finetuning"])
def test_minimize_with_a_strength(folder, capsys, penalty):
    """Stationary: X^T (y - X beta)/n is lambda times the gradient of the penalty, on data that contradict each other."""
    save(**NOISY | {"beta_aux": PAIR.teacher_aux})
    assert run(capsys, *MINIMIZE, penalty, "--lambda", "0.03")[0] == 0
    written = result()
    beta, X, y = written["beta"], NOISY["X"], NOISY["y"]
    if penalty == "l2":
        gradient = 2 * beta
    else:
        gradient = 2 * np.arcsinh(beta / written["k"]) - 2 * np.arcsinh(written["beta0"] / written["k"])
    np.testing.assert_allclose(X.T @ (y - X @ beta) / len(y), 0.03 * gradient, atol=1e-6)


def test_rounded_data_are_moved_and_said_to_be(folder, capsys):
    X = np.random.default_rng(4).normal(size=(30, 8)) @ PAIR.main.X
    save(X=X, y=(X @ PAIR.teacher).astype(np.float32))
    code, out, _ = run(capsys, *MINIMIZE, "l1")
    assert code == 0
    assert "targets moved" in out
    os.remove("out.npz")
    save(X=X, y=np.round(X @ PAIR.teacher, 4))
    assert_refused(run(capsys, *MINIMIZE, "l1"), "say consistency 0.0001 if that is rounding")
    assert run(capsys, *MINIMIZE, "l1", "--consistency", "1e-4")[0] == 0


@pytest.mark.parametrize("penalty", ["l12", "l1", "l2"])
def test_norms_by_either_solver(folder, capsys, penalty):
    save(**AUX)
    found = []
    for solver in ("newton", "cvxpy"):
        code, *shown = run(capsys, "minimize", "problem.npz", "--penalty", penalty, "--solver", solver, "-o", "out.npz")
        assert code == 0
        assert "only minimiser   yes" in "".join(shown)
        found.append(result()["beta"])
    np.testing.assert_allclose(*found, atol=1e-4)


def test_minimize_says_when_there_are_other_minimisers(folder, capsys):
    X = np.hstack([PAIR.main.X, PAIR.main.X])
    np.savez("problem.npz", X=X, y=PAIR.main.y)
    for penalty, verdict in {"l1": "no: others have the same penalty", "l2": "yes"}.items():
        assert verdict in "".join(map(str, run(capsys, "minimize", "problem.npz", "--penalty", penalty, "-o", "out.npz")))


def test_the_output_keeps_its_exact_name_and_replaces_an_older_one(folder, capsys):
    save()
    Path("result").write_bytes(b"old")
    assert run(capsys, "minimize", "problem.npz", "--penalty", "q", "--output", "result")[0] == 0
    assert sorted(os.listdir()) == ["problem.npz", "result"]
    assert "beta" in result("result")


BAD_PROBLEMS = {
    "NaN": ({"X": np.full((8, 20), np.nan)}, "q", "problem.npz: X is NaN at index (0, 0)"),
    "infinite": ({"y": np.full(8, np.inf)}, "q", "y is infinite at index (0,)"),
    "objects": ({"y": np.array([None] * 8)}, "q", "y holds Python objects"),
    "shape of X": ({"X": np.ones(8)}, "q", "X has shape (8,)"),
    "shape of y": ({"y": np.ones(9)}, "l1", "y has shape (9,); give shape (8,)"),
    "shape of k": ({"k": np.ones(3)}, "q", "k has shape (3,); give shape (20,)"),
    "shape of beta0": ({"beta0": np.ones(3)}, "q", "beta0 has shape (3,)"),
    "shape of beta_aux": ({"beta_aux": np.ones(3)}, "finetuning", "beta_aux has shape (3,)"),
    "columns of X_aux": (AUX | {"X_aux": np.ones((12, 19))}, "l12", "X_aux has 19 columns, but X has 20"),
    "k = 0": ({"k": np.zeros(20)}, "q", "k[0] = 0; every entry of k must be positive"),
    "k < 0": ({"k": np.full(20, -1e-3)}, "q", "k[0] = -0.001"),
    "no X": ({"X": None}, "l2", "no array X"),
    "no k": ({"k": None}, "q", "holds no array k; --penalty q needs it"),
    "no auxiliary": ({"beta_aux": None}, "finetuning", "holds neither beta_aux nor X_aux and y_aux"),
    "two auxiliaries": (AUX | {"beta_aux": np.ones(20)}, "finetuning", "holds both beta_aux and X_aux"),
    "no X_aux": ({}, "l12", "holds no array X_aux; --penalty l12 needs it"),
    **{
        f"inconsistent y, {penalty}": (AUX | {"X": np.ones((8, 20)), "y": np.arange(8.0)}, penalty, "y is outside the range")
        for penalty in ("q", "l1", "l2", "l12", "finetuning")
    },
    "inconsistent y_aux": (
        AUX | {"X_aux": np.ones((12, 20)), "y_aux": np.arange(12.0)},
        "finetuning",
        "y_aux is outside the range of X_aux",
    ),
}


@pytest.mark.parametrize("case", BAD_PROBLEMS)
def test_minimize_refuses_bad_problems(folder, capsys, case):
    changes, penalty, message = BAD_PROBLEMS[case]
    save(**changes)
    assert_refused(run(capsys, *MINIMIZE, penalty), message)


BAD_FILES = {
    "none": (None, "no such file"),
    "empty": (b"", "not an .npz file"),
    "text": (b"1,2,3\n", "not an .npz file"),
    "truncated": (b"PK\x03\x04 and no more", "a truncated .npz file"),
}


@pytest.mark.parametrize("command", [(*MINIMIZE, "q"), ("simulate", "problem.npz", "-o", "out.npz", "--protocol", "single")])
@pytest.mark.parametrize("case", BAD_FILES)
def test_files_that_are_no_problem(folder, capsys, case, command):
    data, message = BAD_FILES[case]
    if data is not None:
        Path("problem.npz").write_bytes(data)
    assert_refused(run(capsys, *command), message, left=["problem.npz"] * (data is not None))


BAD_COMMANDS = {
    "unknown command": (["frobnicate"], "frobnicate"),
    "unknown option": ([*MINIMIZE, "q", "--frobnicate"], "--frobnicate"),
    "unknown penalty": ([*MINIMIZE, "l3"], "l3"),
    "unknown solver": ([*MINIMIZE, "q", "--solver", "magic"], "magic"),
    "unknown protocol": (["simulate", "problem.npz", "-o", "out.npz", "--protocol", "double"], "double"),
    "no penalty": (["minimize", "problem.npz", "-o", "out.npz"], "--penalty"),
    "no output": (["minimize", "problem.npz", "--penalty", "q"], "--output"),
    "no problem": (["minimize", "--penalty", "q", "-o", "out.npz"], "PROBLEM"),
    "no number": ([*MINIMIZE, "q", "--tol", "small"], "'--tol'"),
    "consistency 0": ([*MINIMIZE, "q", "--consistency", "0"], "--consistency = 0"),
    "lambda 0": ([*MINIMIZE, "q", "--lambda", "0"], "--lambda = 0"),
    "lambda and a policy": ([*MINIMIZE, "q", "--lambda", "1", "--inconsistent", "project"], "has no meaning for --lambda"),
    "lambda and a precision": ([*MINIMIZE, "l2", "--lambda", "1", "--consistency", "0.1"], "has no meaning for --lambda"),
    "lambda for l1": ([*MINIMIZE, "l1", "--lambda", "0.1"], "scikit-learn's Lasso"),
    "lambda by cvxpy": ([*MINIMIZE, "q", "--lambda", "0.1", "--solver", "cvxpy"], "--lambda needs --solver newton"),
    "both policies": ([*MINIMIZE, "q", "--consistency", "1e-3", "--inconsistent", "project"], "has no meaning beside"),
    "unknown policy": ([*MINIMIZE, "q", "--inconsistent", "forget"], "forget"),
    "scale of another penalty": ([*MINIMIZE, "q", "--gamma", "1"], "--gamma has no meaning for --penalty q"),
    "negative alpha": ([*MINIMIZE, "finetuning", "--alpha", "-1"], "--alpha = -1"),
    "gamma 0": ([*MINIMIZE, "finetuning", "--gamma", "0"], "--gamma = 0"),
    "rescale NaN": ([*MINIMIZE, "finetuning", "--rescale", "nan"], "--rescale = nan"),
    "tol 0": ([*MINIMIZE, "q", "--tol", "0"], "--tol = 0"),
    "infinite tol": ([*MINIMIZE, "q", "--tol", "inf"], "--tol = inf"),
    "rtol 0": (["simulate", "problem.npz", "--protocol", "single", "--rtol", "0", "-o", "out.npz"], "--rtol = 0"),
    "negative loss": (["simulate", "problem.npz", "--protocol", "single", "--loss", "-1", "-o", "out.npz"], "--loss = -1"),
    "reset of a single task": (
        ["simulate", "problem.npz", "--protocol", "single", "--gamma", "1", "-o", "out.npz"],
        "--gamma has no meaning for --protocol single",
    ),
    "missing folder": (["minimize", "problem.npz", "--penalty", "q", "-o", "none/out.npz"], "folder none does not exist"),
    "folder as output": (["minimize", "problem.npz", "--penalty", "q", "-o", "."], ". is a folder"),
    "device as output": (["minimize", "problem.npz", "--penalty", "q", "-o", "/dev/null"], "/dev/null cannot be overwritten"),
    "output over problem": (["minimize", "problem.npz", "--penalty", "q", "-o", "./problem.npz"], "is the problem itself"),
    "unknown figure": (["figure", "no-such-figure"], "unknown figure 'no-such-figure'; choose from "),
    "unknown claim": (["verify", "no-such-claim"], "no claim is called 'no-such-claim'"),
    "unknown claim to show": (["show", "no-such-claim"], "no claim is called 'no-such-claim'"),
    "ledger into a missing folder": (["verify", "--json", "none/v.json"], "folder none does not exist"),
    "no workers": (["verify", "--jobs", "0"], "--jobs"),
}


@pytest.mark.parametrize("case", BAD_COMMANDS)
def test_bad_commands(folder, capsys, case):
    command, message = BAD_COMMANDS[case]
    save()
    before = Path("problem.npz").read_bytes()
    assert_refused(run(capsys, *command), message)
    assert Path("problem.npz").read_bytes() == before


def test_the_output_is_checked_before_anything_is_computed(folder, capsys, monkeypatch):
    save()
    monkeypatch.setattr(newton, "minimize", None)
    assert_refused(run(capsys, "minimize", "problem.npz", "--penalty", "q", "-o", "none/out.npz"), "does not exist")


def test_a_missed_tolerance_is_an_error_and_leaves_no_file(folder, capsys):
    save()
    assert_refused(run(capsys, *MINIMIZE, "q", "--tol", "1e-17"), "", code=1)
    assert_refused(run(capsys, *MINIMIZE, "l1", "--tol", "1e-20"), "missed the tolerance", code=1)


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (NotCertified("missed,\nby far"), 1, "missed, by far"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (MemoryError(), 1, "out of memory"),
    ],
)
def test_what_a_solver_raises_ends_in_one_line(folder, capsys, monkeypatch, error, code, message):
    def fail(*_args, **_options):
        raise error

    save()
    monkeypatch.setattr(newton, "minimize", fail)
    assert_refused(run(capsys, *MINIMIZE, "q"), message, code=code)


def test_a_bug_is_not_hidden(folder, capsys, monkeypatch):
    def fail(*_args, **_options):
        raise ZeroDivisionError

    save()
    monkeypatch.setattr(newton, "minimize", fail)
    with pytest.raises(ZeroDivisionError):
        run(capsys, *MINIMIZE, "q")
    assert os.listdir() == ["problem.npz"]


def test_scales_whose_squares_overflow_are_refused(folder, capsys):
    save(beta_aux=np.ones(20))
    assert_refused(run(capsys, *MINIMIZE, "finetuning", "--alpha", "1e200"), "--alpha = 1e+200")


def test_arrays_used_and_not_are_listed(folder, capsys):
    save(b0=np.ones(20), **AUX)
    used = {"q": "X, y, k", "l1": "X, y", "l12": "X, y, X_aux, y_aux", "finetuning": "X, y, X_aux, y_aux"}
    for penalty, names in used.items():
        _, out, _ = run(capsys, *MINIMIZE, penalty)
        assert f"arrays used      {names}\n" in out
        assert "b0\n" in out
