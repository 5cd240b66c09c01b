"""normtheory verify, claims and show."""

import json
import sys
from pathlib import Path

import pytest
from commands import assert_refused, run

from normtheory.audit import claims as registry

CATALOGUE = '''
"""Three claims about a number x: a true one, one with a twin that survives, one with another verdict than expected."""
import sympy as sp
from normtheory.audit.claims import Claim, Verdict, register

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
        monkeypatch.setattr(registry, "_registry", {})
        monkeypatch.delitem(sys.modules, "catalogue", raising=False)
        monkeypatch.setattr(registry, "CATALOGUE", "catalogue")

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


def test_an_unknown_claim_makes_no_folder(folder, capsys):
    outcome = run(capsys, "verify", "eq33x", "--report", "report")
    assert_refused(outcome, "eq33x", left=())
