"""normtheory verify, claims and show."""

import json
import sys
from pathlib import Path

import pytest
from commands import assert_refused, run

from normtheory.audit import claims as registry
from normtheory.audit.text import WIDEST

CATALOGUE = '''
"""Claims about a number x: a true one, with a twin that survives, with a sibling that does not, with another verdict."""
import sympy as sp
from normtheory.audit.claims import Claim, Verdict, register
from normtheory.audit.notation import symbol
from normtheory.audit.statements import Said

x = symbol("test_x", "x", "x", positive=True)

def square(proof, stated):
    proof.equal("the square of a sum", (x + 1) ** 2, stated.right)

true, sign, same, like = (Said(right=right) for right in (x**2 + 2*x + 1, x**2 - 2*x + 1, 1 + x * (x + 2), (1 + x) ** 2))
common = {"where": "nowhere", "statement": "the square of a sum is <right>", "check": square, "source": "school"}
proved = {"printed": true, "expected": Verdict.PROVED}
register(Claim(id="good", **proved, twins={"sign": sign}, siblings={"form": like}, **common))
if MORE:
    register(Claim(id="blind", **proved, twins={"same": same}, **common))
    register(Claim(id="deaf", **proved, twins={"sign": sign}, siblings={"false": Said(right=x)}, **common))
    wrong = {"printed": sign, "expected": Verdict.UNDECIDED}
    register(Claim(id="wrong", **wrong, twins={"sign": sign}, siblings={"true": true}, **common))
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
    assert out.splitlines()[0].split() == ["claim", "verdict", "twins", "siblings", "seconds"]
    assert out.splitlines()[1].split()[:4] == ["good", "PROVED", "1/1", "1/1"]
    assert "every false twin was rejected (1), every true sibling accepted (1)" in " ".join(out.split())
    (entry,) = json.loads(Path("verdicts.json").read_text())
    fields = "id where statement corrected_statement verdict expected evidence seconds steps twins siblings"
    assert list(entry) == fields.split()
    assert (entry["id"], entry["verdict"], entry["expected"]) == ("good", "PROVED", "PROVED")
    assert entry["statement"] == "the square of a sum is $x^{2} + 2 x + 1$"
    assert [{key: step[key] for key in ("text", "route", "truth")} for step in entry["steps"]] == [
        {"text": "the square of a sum", "route": "expansion", "truth": "true"}
    ]
    assert entry["twins"] == [{"name": "sign", "statement": "the square of a sum is $x^{2} - 2 x + 1$", "rejected": True}]
    (sibling,) = entry["siblings"]
    assert set(sibling) == {"name", "statement", "accepted"}
    assert sibling["accepted"] is True


def test_verify_fails_on_a_twin_that_survives_a_sibling_that_does_not_and_another_verdict(catalogue, capsys):
    catalogue(more=True)
    code, out, _ = run(capsys, "verify", "--json", "verdicts.json", "--jobs", "1")
    assert code == 1
    assert "NOT AS EXPECTED  blind: the false twin survived: same" in out
    assert "NOT AS EXPECTED  deaf: the true sibling was not accepted: false" in out
    assert "NOT AS EXPECTED  wrong: found REFUTED, expected UNDECIDED" in out
    assert [entry["id"] for entry in json.loads(Path("verdicts.json").read_text())] == ["good", "blind", "deaf", "wrong"]
    assert run(capsys, "verify", "good")[0] == 0
    assert run(capsys, "verify", "good", "blind")[0] == 1


@pytest.mark.parametrize("columns", ["60", "250"])
def test_what_is_printed_fits_the_terminal(catalogue, capsys, monkeypatch, columns):
    catalogue(more=True)
    monkeypatch.setenv("COLUMNS", columns)
    for command in (["verify", "--fresh"], ["verify"], ["claims"], ["show", "good"], ["show", "good"], ["show", "wrong"]):
        _, out, _ = run(capsys, *command)
        assert max(map(len, out.splitlines())) <= min(int(columns), WIDEST)


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
    listed = "good  PROVED  nowhere\n  the square of a sum is x² + 2x + 1\nblind  PROVED  nowhere\n"
    assert out.startswith(listed)
    assert "wrong  UNDECIDED  nowhere\n  the square of a sum is x² − 2x + 1\n" in out
    code, out, _ = run(capsys, "show", "good")
    assert code == 0
    assert "the square of a sum" in out
    assert "rejected  sign" in out


def test_an_unknown_claim_makes_no_folder(folder, capsys):
    outcome = run(capsys, "verify", "eq33x", "--report", "report")
    assert_refused(outcome, "eq33x", left=())


def test_verify_puts_a_table_into_a_document(catalogue, capsys):
    catalogue(more=False)
    Path("page.md").write_text("<!-- claims -->\n<!-- end of claims -->\n")
    assert run(capsys, "verify", "--table", "page.md", "--jobs", "1")[0] == 0
    assert "| `good` | PROVED |" in Path("page.md").read_text()


def test_verify_refuses_a_document_that_marks_no_place_for_the_table(catalogue, capsys):
    catalogue(more=False)
    Path("page.md").write_text("nothing\n")
    code, out, err = run(capsys, "verify", "--table", "page.md")
    assert (code, out) == (2, "")
    assert "lacks the lines" in err
    assert len(err.splitlines()) == 1
