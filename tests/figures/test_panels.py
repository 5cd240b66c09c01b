"""The claims on panels: judged on the committed tables, which `test_tables` holds against the code."""

from functools import cache

import pytest

from normtheory.audit.claims import CATALOGUE, claims
from normtheory.audit.judging import run_claim
from normtheory.audit.statements import unproved
from normtheory.figures import judging
from normtheory.figures.diagonal.cells import RECIPROCAL, UNIT_NORM
from normtheory.figures.diagonal.cells import size as size_of
from normtheory.figures.diagonal.stated import LARGE, SMALL

CLAIMS = claims(CATALOGUE[1:])
OF_RUNS = claims([module for module in CATALOGUE if ".diagonal." in module or ".relu." in module])
ON_TABLES = [name for name in OF_RUNS if name != "fig1a" and not name.startswith("curve-")]


@cache
def entry(name):
    return run_claim(CLAIMS[name])


@pytest.mark.parametrize("name", CLAIMS)
def test_a_panel_is_judged_as_expected(name):
    found = entry(name)
    assert found.problems == ()
    assert found.twins
    assert found.siblings


@pytest.mark.parametrize("name", CLAIMS)
def test_statements_hold_no_numbers_of_their_own(name):
    claim = CLAIMS[name]
    for template in (claim.statement, claim.corrected_statement, *claim.reads, *claim.granted):
        assert unproved(template) == []


@pytest.mark.parametrize("name", ON_TABLES)
def test_evidence_gives_the_spread_over_seeds_and_the_setting(name):
    found = entry(name)
    assert any("over the seeds" in step.text for step in found.printed.steps)
    assert any("auxiliary samples" in each.plain for each in found.reads)


@pytest.mark.parametrize("name", ["fig1e", "fig1f", "fig1g", "fig1h", "fig1i", "fig5b"])
def test_sparse_tasks_are_judged_at_both_sizes(name):
    steps = [step.text for step in entry(name).printed.steps]
    for size in ("1/√k", "1/k"):
        assert any(f"auxiliary weights {size}" in text for text in steps)


def test_sizes_are_printed_as_the_runs_have_them():
    """Of 16 weights: a quarter for the name of the larger, a sixteenth for that of the smaller."""
    assert (size_of(UNIT_NORM, 16), size_of(RECIPROCAL, 16)) == (1 / 4, 1 / 16)
    assert (LARGE.name, LARGE.in_text(), LARGE.in_latex()) == (UNIT_NORM, "1/√k", r"$1/\sqrt{k}$")
    assert (SMALL.name, SMALL.in_text(), SMALL.in_latex()) == (RECIPROCAL, "1/k", "$1/k$")


EXCHANGED = {"PT+FT": "STL", "STL": "PT+FT"}


@pytest.mark.parametrize("name", ["fig1d", "fig5a", "fig5f"])
def test_a_table_with_two_methods_mixed_up_is_noticed(name, monkeypatch):
    kept = judging.rows_of

    def mixed_up(figure, panel):
        return [row | {"method": EXCHANGED.get(row["method"], row["method"])} for row in kept(figure, panel)]

    monkeypatch.setattr(judging, "rows_of", mixed_up)
    assert not run_claim(CLAIMS[name]).ok
