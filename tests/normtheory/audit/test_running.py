import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from normtheory.arrays import InputError
from normtheory.audit import alone
from normtheory.audit import claims as registry
from normtheory.audit.claims import Verdict, claims
from normtheory.audit.running import run

CATALOGUE = """
    import os, sympy as sp
    from normtheory.audit.claims import Verdict, claim
    from normtheory.audit.statements import Said

    x = sp.Symbol("x", positive=True)
    fields = dict(
        where="a test", statement="it is <x>", printed=Said(x=x), twins={"two of it": Said(x=2 * x)}, source="school"
    )

    @claim(id="NAME-good", expected=Verdict.PROVED, **fields)
    def good(proof, subject):
        proof.equal("trivial", x, subject.x)

    @claim(id="NAME-raises", expected=Verdict.PROVED, **fields)
    def raises(proof, subject):
        raise RuntimeError("no solver")

    @claim(id="NAME-threads", expected=Verdict.CONFIRMED, **fields)
    def threads(proof, subject):
        wrong = os.environ.get("OPENBLAS_NUM_THREADS") != "1" or subject.x != x
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
        proof.equal("trivial", x, subject.x)
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
    assert re.search(rf"\n{name}-good  PROVED     1/1 +0\.\d\d\n1 claims in 0\.\d s: 1 PROVED\n", printed)
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    code, printed, complaint = run_alone()
    assert (code, complaint) == (1, "")
    assert re.search(rf"{name}-raises +UNDECIDED  0/1", printed)
    words = " ".join(printed.split())
    assert f"NOT AS EXPECTED {name}-raises: found UNDECIDED, expected PROVED; printed: RuntimeError: no solver;" in words
    assert "3 claims in" in words
    assert run_alone("no-such")[::2] == (2, "no claim is called 'no-such'; see the list of claims\n")


def test_catalogues_do_not_mix(catalogue):
    first, second = catalogue("claims_of_one", CATALOGUE), catalogue("claims_of_two", CATALOGUE)
    assert set(claims(first)) & set(claims(second)) == set()


def test_two_claims_of_one_name_are_refused(catalogue):
    with pytest.raises(ValueError, match="two claims are called"):
        claims(catalogue("claims_of_double", CATALOGUE + CATALOGUE))


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
