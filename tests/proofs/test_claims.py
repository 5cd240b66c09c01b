import re
import subprocess
import sys
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

from normtheory.audit import table
from normtheory.audit.claims import Verdict, claims
from normtheory.audit.judging import SIZE, run_claim
from normtheory.audit.steps import Strength, Truth
from normtheory.proofs.network_numerics import installed

ABOUT_TRAINING = {
    "lazy-l2",
    "rich-l1",
    "ce-margin",
    "ce-forgets",
    "ce-time",
    "mtl-decay",
    "mtl-flow",
    "pr-no-fall",
    "finetuning-beats-because",
}
ON_NETWORKS = {"rescale-homogeneous", "rescale-batchnorm"}
CLAIMS = claims("normtheory.proofs")
SHOWN = table.shown((Path(__file__).parents[2] / "docs" / "verdicts.md").read_text())


@cache
def entry(name):
    return run_claim(CLAIMS[name])


@pytest.mark.parametrize("name", CLAIMS)
def test_a_claim_is_judged_as_expected(name):
    found = entry(name)
    assert found.verdict is CLAIMS[name].expected
    assert found.problems == ()
    assert found.twins
    assert all(twin.rejected for twin in found.twins)
    assert all(sibling.accepted for sibling in found.siblings)
    if installed() or name not in ON_NETWORKS:  # the table counts steps on torch networks, too
        assert table.row(found) in SHOWN, "normtheory verify --table docs/verdicts.md"
    if name in ABOUT_TRAINING:  # these rest on measurements
        return
    assert all(twin.evidence.counterexample.rigorous for twin in found.twins)
    if found.verdict is Verdict.CORRECTED:
        steps = [evidence.counterexample for evidence in (found.printed, found.exact) if evidence]
        assert any(step is not None and step.rigorous for step in steps)
        assert found.corrected.strength >= Strength.BALL


@pytest.mark.parametrize("name", CLAIMS)
def test_a_claim_says_what_a_reader_needs(name):
    claim = CLAIMS[name]
    assert claim.check.__doc__.split(":")[0].startswith(("Eq", "Section", "Appendix", "Corollary", "Theory"))
    assert all((claim.where, claim.statement, claim.source))
    assert claim.statement.count("{") == claim.statement.count("}")
    assert claim.corrected_statement.count("{") == claim.corrected_statement.count("}")


@pytest.mark.parametrize("name", [name for name in CLAIMS if CLAIMS[name].expected in (Verdict.CORRECTED, Verdict.REFUTED)])
def test_a_correction_says_once_how_much_it_matters_in_the_papers_setting(name):
    found = entry(name)
    said = found.evidence.split(SIZE)
    assert len(said) == 2
    assert re.search(r"\d", said[1])
    assert not any(SIZE in note for evidence in (found.printed, found.corrected) if evidence for note in evidence.notes)


def test_corollary_1_misses_trained_networks_and_the_correction_does_not():
    def distances(evidence):
        second = [step for step in evidence.steps if step.kind == "by a second route"]
        return [float(step.detail.text.split()[1].rstrip(",")) for step in second]

    found = entry("cor1")
    assert min(distances(found.printed)) > 1e-3
    assert max(distances(found.corrected)) < 1e-6
    assert all(step.truth is Truth.TRUE for step in found.corrected.steps)


def command(*arguments, module="normtheory.proofs", jobs=1):
    run = [sys.executable, "-W", "error", "-m", module, *arguments, "--jobs", str(jobs)]
    return subprocess.run(run, capture_output=True, text=True, check=False)


def test_the_command_prints_verdicts_and_succeeds():
    run = command("q-decreasing", "q-small")
    assert run.returncode == 0
    rows = [line.split()[:4] for line in run.stdout.splitlines()[1:3]]
    assert rows == [
        ["q-decreasing", "CORRECTED", "3/3", "2/2"],
        ["q-small", "CORRECTED", "7/7", "3/3"],
    ]  # in the order asked for
    assert "Every verdict is as expected" in run.stdout


def test_the_command_names_an_unknown_claim():
    run = command("q-decreasin")
    assert run.returncode == 2
    assert run.stderr.strip() == "no claim is called 'q-decreasin'; did you mean q-decreasing or both-decrease?"


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_file_runs_its_own_claims_alone(jobs):
    run = command(module="normtheory.proofs.appendix_b_relu", jobs=jobs)
    assert (run.returncode, run.stderr) == (0, "")
    assert {line.split()[0] for line in run.stdout.splitlines()[1:7]} == {"eq29", "eq30", "eq31", "eq32", "eq33", "f12"}
    assert "Every verdict is as expected" in run.stdout


@pytest.mark.parametrize("name", sorted({claim.check.__module__ for claim in CLAIMS.values()}))
def test_every_file_of_claims_can_be_run(name):
    source = Path(import_module(name).__file__).read_text()
    assert source.endswith('if __name__ == "__main__":\n    sys.exit(run_alone())\n')
