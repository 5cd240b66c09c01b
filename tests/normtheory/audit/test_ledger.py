import json
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import sympy as sp

from normtheory.arrays import InputError
from normtheory.audit import alone
from normtheory.audit import claims as registry
from normtheory.audit.claims import Claim, Verdict, claims
from normtheory.audit.derivation import Strength, Truth
from normtheory.audit.judging import run_claim
from normtheory.audit.running import run
from normtheory.audit.text import describe, to_json

x = sp.Symbol("x", positive=True)


def square(proof, subject):
    proof.equal("expand the square", (x + 1) ** 2, subject)


def make(**fields):
    given = {
        "id": "binomial",
        "where": "a test",
        "statement": r"(x+1)^2 = x^2+2x+1",
        "check": square,
        "printed": x**2 + 2 * x + 1,
        "twins": {"no cross term": x**2 + 1},
        "expected": Verdict.PROVED,
        "source": "school",
    }
    return Claim(**given | fields)


def measured(proof, value):
    proof.within("a measurement", value, 1.0)


def certified(proof, low):
    proof.certified("on a box", x - low, {x: (1, 2)})


def broken(proof, _):
    proof.equal("a good step", x, x)
    raise RuntimeError("the solver is missing")


@pytest.mark.parametrize(
    ("fields", "verdict"),
    [
        ({}, Verdict.PROVED),
        ({"check": certified, "printed": 0, "twins": {"above": sp.Rational(3, 2)}}, Verdict.CERTIFIED),
        ({"check": measured, "printed": 0.5, "twins": {"off": 2.0}}, Verdict.CONFIRMED),
        ({"printed": x**2 + x + 1, "corrected": x**2 + 2 * x + 1, "corrected_statement": "x"}, Verdict.CORRECTED),
        ({"printed": x**2 + x + 1, "control": ("true", x**2 + 2 * x + 1)}, Verdict.REFUTED),
        ({"printed": x**2 + x + 1, "corrected": x**2, "corrected_statement": "x"}, Verdict.REFUTED),
        ({"check": measured, "printed": 3.0, "twins": {"off": 2.0}}, Verdict.UNDECIDED),
        ({"check": lambda proof, _: None}, Verdict.UNDECIDED),
        ({"check": lambda proof, value: proof.witness("alone", 0.0, 1.0)}, Verdict.UNDECIDED),
    ],
)
def test_the_verdict_is_what_the_check_finds(fields, verdict):
    entry = run_claim(make(**fields))
    assert entry.verdict is verdict
    assert (f"found {verdict.value}, expected PROVED" in entry.problems) == (verdict is not Verdict.PROVED)


def test_the_weakest_step_decides():
    def mixed(proof, value):
        proof.equal("symbolic", x, x)
        proof.witness("second route", 0.0, 1.0)
        proof.within("measured", value, 1.0)

    entry = run_claim(make(check=mixed, printed=0.0, twins={"off": 2.0}))
    assert entry.verdict is Verdict.CONFIRMED
    assert entry.printed.strength is Strength.NUMERIC


def test_a_disagreeing_witness_takes_a_proof_away():
    def contradicted(proof, subject):
        square(proof, subject)
        proof.witness("second route", 2.0, 1.0)

    assert run_claim(make(check=contradicted)).verdict is Verdict.UNDECIDED


def test_a_false_step_counts_even_if_the_check_goes_on():
    def careless(proof, subject):
        square(proof, subject)
        proof.equal("trivial", x, x)

    entry = run_claim(make(check=careless))
    assert entry.ok
    assert entry.twins[0].evidence.truth is Truth.FALSE


def test_a_surviving_twin_fails_the_run():
    entry = run_claim(make(twins={"wrong": x**2, "the same": sp.factor(x**2 + 2 * x + 1)}))
    assert entry.verdict is Verdict.PROVED
    assert [twin.rejected for twin in entry.twins] == [True, False]
    assert entry.problems == ("the false twin survived: the same",)
    assert not entry.ok
    assert "PROBLEM: the false twin survived: the same" in entry.evidence


def test_a_blind_check_is_caught_by_its_twin():
    assert not run_claim(make(check=lambda proof, _: proof.equal("blind", x, x))).ok


def test_an_undecided_twin_is_not_rejected():
    def only_forms(proof, form):
        proof.positive("a form", x**2 + 1, form)

    entry = run_claim(make(check=only_forms, printed=x**2 + 1, twins={"true but not equal": x**2 + 2}))
    assert entry.verdict is Verdict.PROVED
    assert not entry.twins[0].rejected


def test_a_correction_needs_a_refutation():
    def only_forms(proof, form):
        proof.positive("a form", x**2 + 1, form)

    fields = {"printed": x**2 + 2, "corrected": x**2 + 1, "corrected_statement": "x", "twins": {"wrong": x}}
    assert run_claim(make(check=only_forms, **fields)).verdict is Verdict.UNDECIDED


def test_a_twin_that_raises_is_an_error_not_a_rejection():
    def raises_on_twin(proof, subject):
        square(proof, subject)
        if subject == x**2 + 1:
            raise ZeroDivisionError("by accident")

    entry = run_claim(make(check=raises_on_twin))
    assert entry.verdict is Verdict.PROVED
    assert not entry.twins[0].rejected
    assert "no cross term: ZeroDivisionError: by accident" in entry.problems


def test_a_check_that_raises_is_reported_and_keeps_its_steps():
    entry = run_claim(make(check=broken, expected=Verdict.UNDECIDED))
    assert entry.verdict is Verdict.UNDECIDED
    assert len(entry.printed.steps) == 1
    assert not entry.ok
    assert "RuntimeError: the solver is missing" in entry.evidence


def test_a_contradiction_between_routes_is_reported():
    def contradictory(proof, subject):
        proof.equal("misled", x, subject, by=lambda e: 0 * e)

    entry = run_claim(make(check=contradictory, expected=Verdict.UNDECIDED))
    assert not entry.ok
    assert "ContradictionError" in entry.evidence


def test_a_control_must_be_accepted():
    refuted = {"printed": x**2 + x + 1, "expected": Verdict.REFUTED}
    assert run_claim(make(**refuted, control=("true", x**2 + 2 * x + 1))).ok
    entry = run_claim(make(**refuted, control=("also false", x**2)))
    assert entry.verdict is Verdict.REFUTED
    assert not entry.ok


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"twins": {}}, "no false twin"),
        ({"where": ""}, "lacks"),
        ({"source": ""}, "lacks"),
        ({"corrected": x}, "together"),
        ({"corrected_statement": "x"}, "together"),
        ({"expected": Verdict.REFUTED}, "control"),
    ],
)
def test_a_claim_that_could_not_be_judged_is_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        make(**fields)


def test_the_evidence_tells_the_counterexample_and_the_correction():
    fields = {"printed": x**2 + x + 1, "corrected": x**2 + 2 * x + 1, "corrected_statement": "x^2+2x+1"}
    entry = run_claim(make(**fields, expected=Verdict.CORRECTED))
    assert entry.ok
    assert re.search(r"exactly checked.*at x = [\d/]+: left = [\d.]+, right = [\d.]+", entry.evidence)
    assert "Corrected: $x^2+2x+1$. Every step holds: 1 symbolic." in entry.evidence
    assert entry.corrected.strength is Strength.SYMBOLIC


CATALOGUE = """
    import os, sympy as sp
    from normtheory.audit.claims import Verdict, claim

    x = sp.Symbol("x", positive=True)
    fields = dict(where="a test", statement="x = x", printed=x, twins={"twice": 2 * x}, source="school")

    @claim(id="NAME-good", expected=Verdict.PROVED, **fields)
    def good(proof, subject):
        proof.equal("trivial", x, subject)

    @claim(id="NAME-raises", expected=Verdict.PROVED, **fields)
    def raises(proof, subject):
        raise RuntimeError("no solver")

    @claim(id="NAME-threads", expected=Verdict.CONFIRMED, **fields)
    def threads(proof, subject):
        wrong = os.environ.get("OPENBLAS_NUM_THREADS") != "1" or subject != x
        proof.within("one BLAS thread", float(wrong), 0.0)
"""
DEADLY = """
    @claim(id="NAME-dies", expected=Verdict.PROVED, **fields)
    def dies(proof, subject):
        os._exit(3)
"""
HANGING = """
    @claim(id="NAME-hangs", expected=Verdict.PROVED, **fields)
    def hangs(proof, subject):
        while True:
            pass

    @claim(id="NAME-last", expected=Verdict.PROVED, **fields)
    def last(proof, subject):
        proof.equal("trivial", x, subject)
"""


@pytest.fixture
def catalogue(tmp_path, monkeypatch):
    def write(name, text):
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(text).replace("NAME", name))
        return name

    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(registry, "_registry", {})
    before = set(sys.modules)
    yield write
    for name in set(sys.modules) - before:
        if name.startswith("claims_of_"):
            del sys.modules[name]


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_run_reports_every_claim(catalogue, jobs, monkeypatch):
    name = catalogue("claims_of_test", CATALOGUE)
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "7" if jobs > 1 else "1")
    entries = {entry.id: entry for entry in run(catalogue=name, jobs=jobs)}
    assert {key.removeprefix(f"{name}-"): entry.ok for key, entry in entries.items()} == {
        "good": True,
        "raises": False,
        "threads": True,
    }
    assert os.environ["OPENBLAS_NUM_THREADS"] == ("7" if jobs > 1 else "1")


def test_a_worker_that_dies_loses_no_claim(catalogue):
    name = catalogue("claims_of_deadly", CATALOGUE + DEADLY)
    entries = {entry.id: entry for entry in run(catalogue=name, jobs=2)}
    assert len(entries) == 4
    assert not entries[f"{name}-dies"].ok
    assert "worker failed" in entries[f"{name}-dies"].evidence


def test_a_hanging_claim_is_cut_off_and_the_others_are_run(catalogue):
    name = catalogue("claims_of_hanging", CATALOGUE + HANGING)
    entries = {entry.id.removeprefix(f"{name}-"): entry for entry in run(catalogue=name, limit=2)}
    assert list(entries) == ["good", "raises", "threads", "hangs", "last"]
    assert entries["hangs"].verdict is Verdict.UNDECIDED
    assert not entries["hangs"].ok
    assert "cut off after 2 s" in entries["hangs"].evidence
    assert entries["last"].ok


def test_claims_come_in_the_order_of_the_catalogue(catalogue, tmp_path):
    (tmp_path / "claims_of_order").mkdir()
    for module in ("first", "second"):
        text = textwrap.dedent(CATALOGUE).replace("NAME", module)
        (tmp_path / "claims_of_order" / f"{module}.py").write_text(text)
    start = "from claims_of_order import second, first\n__all__ = ['first', 'second']\n"
    (tmp_path / "claims_of_order" / "__init__.py").write_text(start)
    assert [name.split("-")[0] for name in claims("claims_of_order")] == ["first"] * 3 + ["second"] * 3


def test_ids_are_chosen_and_unknown_ones_named(catalogue):
    name = catalogue("claims_of_choice", CATALOGUE)
    assert [entry.id for entry in run([f"{name}-good", f"{name}-good"], catalogue=name)] == [f"{name}-good"]
    with pytest.raises(InputError, match=f"no claim is called '{name}-goood'; did you mean {name}-good"):
        run([f"{name}-goood"], catalogue=name)


def test_a_file_run_alone_prints_a_line_for_each_claim_and_fails_with_one(catalogue, monkeypatch, capsys):
    name = catalogue("claims_of_alone", CATALOGUE)

    def run_alone(*arguments):
        monkeypatch.setattr(sys, "argv", ["python", *arguments, "--jobs", "1"])
        code = alone.main(name, "python")
        return code, *capsys.readouterr()

    code, printed, complaint = run_alone(f"{name}-good")
    assert (code, complaint) == (0, "")
    assert re.match(
        rf"{name}-good +PROVED +1/1 twins rejected +0\.\d\d s  a test\n1 claims, 0 not as expected, 0\.\d s\n", printed
    )
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    code, printed, complaint = run_alone()
    assert (code, complaint) == (1, "")
    assert re.search(rf"{name}-raises +UNDECIDED +0/1 twins rejected", printed)
    assert f"NOT AS EXPECTED  {name}-raises: found UNDECIDED, expected PROVED; printed: RuntimeError: no solver;" in printed
    assert "3 claims, 1 not as expected" in printed
    assert run_alone("no-such")[::2] == (2, "no claim is called 'no-such'; see the list of claims\n")


def test_catalogues_do_not_mix(catalogue):
    first, second = catalogue("claims_of_one", CATALOGUE), catalogue("claims_of_two", CATALOGUE)
    assert set(claims(first)) & set(claims(second)) == set()


def test_two_claims_of_one_name_are_refused(catalogue):
    with pytest.raises(ValueError, match="two claims are called"):
        claims(catalogue("claims_of_double", CATALOGUE + CATALOGUE))


def test_the_json_form_is_the_contract():
    (line,) = to_json([run_claim(make(twins={"wrong": x, "same": x**2 + 2 * x + 1}))])
    assert list(line) == ["id", "where", "statement", "verdict", "expected", "evidence", "seconds", "twins"]
    assert (line["id"], line["verdict"], line["expected"]) == ("binomial", "PROVED", "PROVED")
    assert line["twins"] == [{"name": "wrong", "rejected": True}, {"name": "same", "rejected": False}]
    assert isinstance(line["evidence"], str)
    assert line["seconds"] >= 0
    assert json.loads(json.dumps(line)) == line


def test_a_claim_is_described_for_reading():
    text = describe(run_claim(make(assumptions=("x > 0",))))
    parts = [
        "binomial: PROVED",
        "Statement: (x+1)^2",
        "Assuming: x > 0",
        "1. expand the square",
        "(x + 1)**2 = ",
        "[ok] 8 random",
    ]
    assert [part for part in parts if part not in text] == []
    assert "rejected  no cross term" in text
    assert "SURVIVED  same" in describe(run_claim(make(twins={"same": x**2 + 2 * x + 1})))
    assert "STOPPED" in describe(run_claim(make(check=broken)))


def test_the_example_in_the_documentation_works(catalogue):
    page = (Path(__file__).parents[3] / "docs" / "verdicts.md").read_text()
    name = catalogue("claims_of_docs", "\n".join(re.findall(r"```python\n(.*?)```", page, re.DOTALL)[:1]))
    entries = list(run(catalogue=name))
    assert entries
    assert all(entry.ok for entry in entries)


def test_importing_the_ledger_is_cheap():
    heavy = {"sympy", "numpy", "flint", "normtheory.proofs", "normtheory.solvers"}
    code = f"import sys, normtheory.audit.claims; print({heavy} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "set()"
