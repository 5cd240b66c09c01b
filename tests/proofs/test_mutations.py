"""Breaking a formula of the package must make the ledger fail: each mutant is a copy of the tree with one formula wrong."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MUTANTS = [
    (
        "penalties.py",
        "2 - sp.sqrt(4 + z**2) + z * sp.asinh(z / 2)",
        "2 - sp.sqrt(4 + z**2) + z * sp.asinh(z)",
        "q-facts-derivative",
    ),
    ("penalties.py", "2 * self.k * t * (np.arcsinh(t)", "2 * self.k * t * (np.arctan(t)", "eq3"),
    (
        "penalties.py",
        "return np.asarray(2 / length(np.asarray(beta, dtype=np.float64), self.k))",
        "return np.asarray(1 / length(np.asarray(beta, dtype=np.float64), self.k))",
        "eq3",
    ),
    (
        "penalties.py",
        "4 * self.k * np.sinh(np.asarray(sigma) / 4) ** 2",
        "4 * self.k * np.sinh(np.asarray(sigma) / 2) ** 2",
        "eq3",
    ),
    ("penalties.py", "grown + t0 * exp_remainder(x)", "grown + t0 * exp_remainder(-x)", "eq3"),
    ("penalties.py", "return 2 * sp.sqrt(a**2 + b**2)", "return sp.sqrt(a**2 + b**2)", "eq5"),
    (
        "penalties.py",
        "return np.asarray(2 * b * np.divide(b, denominator",
        "return np.asarray(b * np.divide(b, denominator",
        "l12-excess",
    ),
    (
        "penalties.py",
        "return np.where(_group_norms(sigma) <= 2, 0.0, np.inf)",
        "return np.where(_group_norms(sigma) <= 1, 0.0, np.inf)",
        "eq5",
    ),
    (
        "penalties.py",
        "return np.where(np.abs(np.asarray(sigma)) <= 1, 0.0, np.inf)",
        "return np.where(np.abs(np.asarray(sigma)) < 1, 0.0, np.inf)",
        "l1-is-param-norm",
    ),
    ("penalties.py", "** 2 / (4 * self.weight)", "** 2 / (2 * self.weight)", "q-reuse"),
    ("exact.py", "k=2 * np.sqrt(grows) * np.sqrt(shrinks)", "k=np.sqrt(grows) * np.sqrt(shrinks)", "exact-any-init"),
    (
        "exact.py",
        "k = np.hypot(c * c * beta_aux / 2, c * c * alpha**2 + gamma**2)",
        "k = np.hypot(c * c * beta_aux, c * c * alpha**2 + gamma**2)",
        "exact-finetuning",
    ),
    (
        "exact.py",
        "np.hypot(beta_aux, 2 * alpha**2) + 2 * alpha**2)",
        "np.hypot(beta_aux, 2 * alpha**2) + alpha**2)",
        "exact-finetuning",
    ),
    (
        "exact.py",
        "growth = np.exp(eta / 2)",
        "growth = np.exp(eta)",
        "exact-unequal-layers",
    ),
    (
        "exact.py",
        "lengths = np.hypot(weights.w_plus, weights.w_minus)",
        "lengths = weights.w_plus**2 + weights.w_minus**2",
        "exact-probing",
    ),
    ("solvers/proximal.py", "rest = target - b - gain * x", "rest = target - b - gain * x / 2", "curve-stein"),
    ("exact.py", "k = np.abs(beta_aux) + positive_scalar", "k = np.abs(beta_aux) / 2 + positive_scalar", "eq3"),
]


@pytest.mark.parametrize(("file", "formula", "broken", "claim"), MUTANTS, ids=[f"{m[3]}-{i}" for i, m in enumerate(MUTANTS)])
def test_a_broken_formula_fails_the_ledger(tmp_path, file, formula, broken, claim):
    shutil.copytree(ROOT / "normtheory", tmp_path / "normtheory", ignore=shutil.ignore_patterns("__pycache__", "data"))
    source = tmp_path / "normtheory" / file
    text = source.read_text()
    assert text.count(formula) == 1
    source.write_text(text.replace(formula, broken))
    command = [sys.executable, "-m", "normtheory.proofs", claim, "--jobs", "1"]
    environment = os.environ | {"PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 1, run.stdout + run.stderr
    assert f"NOT AS EXPECTED  {claim}" in run.stdout
