"""The command line: results equal to the Python interface's, and every wrong input one line, exit code 2 and no file."""

import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import figures
from figures.sweep import IncompleteError
from normtheory import cli, exact, ledger
from normtheory.tasks import teacher_student
from solvers import flow, groups, newton, programs, training
from solvers.certificate import NotCertified

SCRIPT = Path(sys.executable).with_name("normtheory")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


PAIR = teacher_student(8, 3, features=4, features_aux=5, inputs=20, samples_aux=12)


def arrays(**changes):
    """A problem that every command can use; a change to None removes the array."""
    made = {
        "X": PAIR.main.X,
        "y": PAIR.main.y,
        "beta_aux": PAIR.teacher_aux,
        "k": np.full(20, 0.1),
    } | changes
    return {name: value for name, value in made.items() if value is not None}


AUX = {"beta_aux": None, "X_aux": PAIR.aux.X, "y_aux": PAIR.aux.y}


def save(**changes):
    """Save the problem as problem.npz."""
    np.savez("problem.npz", **arrays(**changes))


def run(capsys, *arguments):
    """Exit code, stdout and stderr of a command."""
    code = cli.main(arguments)
    out, err = capsys.readouterr()
    return code, out, err


def result(name="out.npz"):
    """The arrays of an output file."""
    with np.load(name, allow_pickle=False) as archive:
        return {key: archive[key] for key in archive.files}


def assert_refused(outcome, message, code=2, left=("problem.npz",)):
    """One line on stderr that says `message`, nothing on stdout, the exit code, and no new file."""
    got, out, err = outcome
    assert (got, out) == (code, "")
    assert err.startswith("normtheory: ")
    assert err.count("\n") == 1
    assert err.endswith("\n")
    assert message in err
    assert sorted(os.listdir()) == sorted(left)


# minimize


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
        "l1": programs.minimize_l1(PAIR.main.X, PAIR.main.y),
        "l2": programs.minimize_l2(PAIR.main.X, PAIR.main.y),
    }.items():
        assert run(capsys, "minimize", "problem.npz", "--penalty", penalty, "-o", "out.npz")[0] == 0
        written = result()
        np.testing.assert_array_equal(written["beta"], solution.beta)
        assert written["beta"].shape == ((2, 20) if penalty == "l12" else (20,))
        assert "k" not in written
    np.testing.assert_allclose(result()["beta"], np.linalg.pinv(PAIR.main.X) @ PAIR.main.y, atol=1e-6)


def test_minimize_l12_by_either_solver(folder, capsys):
    save(**AUX)
    found = []
    for solver in ("newton", "cvxpy"):
        code, *shown = run(capsys, "minimize", "problem.npz", "--penalty", "l12", "--solver", solver, "-o", "out.npz")
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


MINIMIZE = ("minimize", "problem.npz", "-o", "out.npz", "--penalty")

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
        "auxiliary task: y is outside the range of X",
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
    "no problem": (["minimize", "--penalty", "q", "-o", "out.npz"], "PROBLEM.npz"),
    "no number": ([*MINIMIZE, "q", "--tol", "small"], "'--tol'"),
    "newton for l1": ([*MINIMIZE, "l1", "--solver", "newton"], "--solver newton cannot minimise --penalty l1"),
    "newton for l2": ([*MINIMIZE, "l2", "--solver", "newton"], "use --solver cvxpy"),
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


# verify, claims, show: on a small catalogue of their own


CATALOGUE = '''
"""Three claims about a number x: a true one, one with a twin that survives, one with another verdict than expected."""
import sympy as sp
from normtheory.ledger import Claim, Verdict, register

x = sp.Symbol("x", positive=True)

def square(proof, right):
    proof.equal("the square of a sum", (x + 1) ** 2, right)

true = x**2 + 2 * x + 1
common = {"where": "nowhere", "statement": "(x+1)^2", "check": square, "source": "school"}
register(Claim(id="good", printed=true, twins={"sign": x**2 - 2 * x + 1}, expected=Verdict.PROVED, **common))
if MORE:
    register(Claim(id="blind", printed=true, twins={"same": 1 + x * (x + 2)}, expected=Verdict.PROVED, **common))
    register(Claim(id="wrong", printed=x, twins={"sign": -x}, control=("true", true), expected=Verdict.UNDECIDED, **common))
'''


@pytest.fixture
def catalogue(folder, monkeypatch):
    """Make `verify` and its kin read a catalogue written here instead of `proofs`."""

    def install(more):
        (folder / "catalogue.py").write_text(CATALOGUE.replace("MORE", str(more)))
        monkeypatch.syspath_prepend(str(folder))
        monkeypatch.setattr(ledger, "_registry", {})
        monkeypatch.delitem(sys.modules, "catalogue", raising=False)
        monkeypatch.setattr(ledger.claims, "__defaults__", ("catalogue",))
        monkeypatch.setattr(ledger.find, "__defaults__", ("catalogue",))
        monkeypatch.setattr(ledger.run, "__kwdefaults__", {"catalogue": "catalogue", "jobs": 1})

    return install


def test_verify_succeeds_and_writes_the_ledger(catalogue, capsys):
    catalogue(more=False)
    code, out, err = run(capsys, "verify", "--json", "verdicts.json")
    assert code == 0, out + err
    assert "every false twin was rejected" in out
    (entry,) = json.loads(Path("verdicts.json").read_text())
    assert set(entry) == {"id", "where", "statement", "verdict", "expected", "evidence", "seconds", "twins"}
    assert (entry["id"], entry["verdict"], entry["expected"]) == ("good", "PROVED", "PROVED")
    assert entry["twins"] == [{"name": "sign", "rejected": True}]


def test_verify_fails_on_a_surviving_twin_and_on_another_verdict(catalogue, capsys):
    catalogue(more=True)
    code, out, _ = run(capsys, "verify", "--json", "verdicts.json", "--jobs", "1")
    assert code == 1
    assert "NOT AS EXPECTED  blind: the false twin survived: same" in out
    assert "NOT AS EXPECTED  wrong: found REFUTED, expected UNDECIDED" in out
    assert [entry["id"] for entry in json.loads(Path("verdicts.json").read_text())] == ["good", "blind", "wrong"]
    assert run(capsys, "verify", "good")[0] == 0
    assert run(capsys, "verify", "good", "blind")[0] == 1


def test_verify_writes_the_report(catalogue, capsys):
    catalogue(more=False)
    code, out, _ = run(capsys, "verify", "--report", "out/new")
    assert code == 0
    assert "written  out/new/report.html" in out
    assert '<article id="good"' in Path("out/new/report.html").read_text()
    assert r"\begin{document}" in Path("out/new/report.tex").read_text()


@pytest.mark.parametrize("options", [["--report", "/dev/null/x"], ["--limit", "0"], ["--limit", "nan"]])
def test_verify_refuses_before_it_runs_anything(catalogue, capsys, options):
    catalogue(more=False)
    code, out, err = run(capsys, "verify", *options)
    assert code == 2
    assert out == ""
    assert len(err.splitlines()) == 1


def test_claims_and_show(catalogue, capsys):
    catalogue(more=True)
    code, out, _ = run(capsys, "claims")
    assert code == 0
    assert [line.split()[:2] for line in out.splitlines()] == [["good", "PROVED"], ["blind", "PROVED"], ["wrong", "UNDECIDED"]]
    code, out, _ = run(capsys, "show", "good")
    assert code == 0
    assert "the square of a sum" in out
    assert "rejected  sign" in out


# simulate

SIMULATE = ("simulate", "problem.npz", "-o", "out.npz", "--protocol")


def test_simulate_single(folder, capsys):
    save()
    code, out, err = run(capsys, *SIMULATE, "single", "--alpha", "0.1", "--rtol", "1e-6")
    assert (code, err) == (0, "")
    assert "loss" in out
    expected = training.single_task(PAIR.main.X, PAIR.main.y, alpha=0.1, rtol=1e-6)
    written = result()
    np.testing.assert_array_equal(written["beta"], expected.beta)
    assert set(written) >= {"w_plus", "w_minus", "v_plus", "v_minus", "gradient_evaluations", "conservation_error"}
    assert written["losses"].shape == written["times"].shape
    assert "beta_aux" not in written
    np.testing.assert_allclose(
        written["beta"], written["w_plus"] * written["v_plus"] - written["w_minus"] * written["v_minus"], rtol=0, atol=1e-15
    )


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
    options = ("finetuning", "--alpha", "0.1", "--rtol", "1e-6")
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
        patch.setattr(cli, "_flow_progress", interrupting)
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
    monkeypatch.setattr(cli, "CHECKPOINT_INTERVAL_S", 0.0)
    save()
    assert run(capsys, *SIMULATE, "single", "--alpha", "0.1", "--rtol", "1e-5", "--checkpoint", "state.npz")[0] == 0
    assert {"fingerprint", "training.state"} <= set(result("state.npz"))
    refused = run(capsys, *SIMULATE, "single", "--alpha", "0.1", "--checkpoint", "problem.npz")
    assert "is the problem itself" in refused[2]


def test_a_flow_beyond_float64_is_an_error(folder, capsys):
    """A residual of order 1e230 has no square: the loss is infinite, and so is the bound it would have to meet."""
    save(X=PAIR.main.X * 1e99, beta_aux=np.full(20, 1e90))
    assert_refused(run(capsys, *SIMULATE, "finetuning", "--gamma", "1e90"), "left the range of float64", code=1)


def test_a_flow_that_is_given_up_is_an_error(folder, capsys, monkeypatch):
    monkeypatch.setattr(flow.gradient_flow, "__kwdefaults__", flow.gradient_flow.__kwdefaults__ | {"most_evaluations": 50})
    save()
    assert_refused(run(capsys, *SIMULATE, "single"), "training loss", code=1)


# figure and bench


def test_figure_passes_its_options_on(folder, capsys, monkeypatch):
    def make(name, scale, out, engine, workers, progress):
        progress(1, 2, "cell")
        return [out / f"{name}-{scale}-{engine}-{workers}.png"]

    monkeypatch.setattr(figures, "make", make)
    arguments = ["figure", "some", "--scale", "quick", "--out", "here", "--engine", "dask", "--jobs", "3"]
    assert run(capsys, *arguments) == (0, "here/some-quick-dask-3.png\n", "1/2 cell\n")


def test_figure_redraws_without_computing(folder, capsys, monkeypatch):
    monkeypatch.setattr(figures, "make", None)
    code, printed, _ = run(capsys, "figure", "corollary1", "--redraw", "--out", "here")
    assert (code, printed.split()) == (0, ["here/corollary1.png", "here/corollary1.svg"])


def test_a_figure_that_lacks_cells_fails_and_names_them(folder, capsys, monkeypatch):
    def make(name, scale, out, engine, workers, progress):
        raise IncompleteError("1 cells failed twice", [out / "some.png"])

    monkeypatch.setattr(figures, "make", make)
    code, printed, complaint = run(capsys, "figure", "some")
    assert (code, printed, complaint) == (1, "pictures/some.png\n", "normtheory: 1 cells failed twice\n")


def test_redraw_refuses_options_that_it_would_ignore(folder, capsys):
    assert_refused(
        run(capsys, "figure", "fig1a", "--redraw", "--scale", "quick"), "--scale has no meaning for --redraw", left=[]
    )


def test_an_interrupted_figure_says_how_to_go_on(folder, capsys, monkeypatch):
    def make(name, scale, out, engine, workers, progress):
        raise KeyboardInterrupt

    monkeypatch.setattr(figures, "make", make)
    assert_refused(run(capsys, "figure", "some"), "the same command goes on from there", code=130, left=[])


def test_bench_runs_in_a_clone_only(folder, capsys, monkeypatch):
    monkeypatch.setattr(cli, "__file__", str(folder / "normtheory" / "cli.py"))
    assert_refused(run(capsys, "bench"), "run `make bench` in a clone", left=[])


# The console script itself


def script(*arguments, folder):
    """Run the installed command."""
    return subprocess.run([SCRIPT, *arguments], cwd=folder, capture_output=True, text=True, check=False)


def test_script_answers_help_without_heavy_imports(folder):
    done = script("--help", folder=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert "minimize" in done.stdout
    heavy = "import sys; from normtheory.cli import main; main(['--help']); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", heavy], capture_output=True, text=True, check=True).stdout.split()
    assert not {"numpy", "scipy", "sympy", "cvxpy", "matplotlib", "rich"} & set(loaded)


def test_script_minimizes_and_refuses(folder):
    save()
    done = script(*MINIMIZE, "finetuning", folder=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert "beta" in result()
    os.remove("out.npz")
    save(y=np.full(8, np.nan))
    done = script(*MINIMIZE, "finetuning", folder=folder)
    assert_refused((done.returncode, done.stdout, done.stderr), "y is NaN")


def test_script_can_be_interrupted(folder):
    """Ctrl-C in a flow that would take hours: one line, exit code 130, no file."""
    np.savez("problem.npz", X=np.random.default_rng(0).standard_normal((400, 3000)), y=np.ones(400))
    command = [SCRIPT, "simulate", "problem.npz", "--protocol", "single", "--alpha", "1e-4", "--rtol", "1e-13", "-o", "out.npz"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        time.sleep(3)
        process.send_signal(2)
        out, err = process.communicate(timeout=30)
    assert_refused((process.returncode, out, err), "interrupted", code=130)


def test_scales_whose_squares_overflow_are_refused(folder, capsys):
    save(beta_aux=np.ones(20))
    assert_refused(run(capsys, *MINIMIZE, "finetuning", "--alpha", "1e200"), "--alpha = 1e+200")


def test_a_checkpoint_may_not_be_the_output(folder, capsys):
    save()
    assert_refused(run(capsys, *SIMULATE, "single", "--checkpoint", "out.npz"), "give two names")


def test_an_unknown_claim_makes_no_folder(folder, capsys):
    outcome = run(capsys, "verify", "eq33x", "--report", "report")
    assert_refused(outcome, "eq33x", left=())
