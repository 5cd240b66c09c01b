"""The table of claims in a document."""

import pytest
import sympy as sp
from ledger import TRUE, make, x

from normtheory.audit import table
from normtheory.audit.judging import run_claim
from normtheory.audit.statements import Said, sizes
from normtheory.audit.steps import Theorem

DOCUMENT = f"before\n\n{table.START}old\n{table.END}\nafter\n"


def argued(proof, stated):
    proof.equal("expand the square", (x + 1) ** 2, stated.right)
    proof.argue("and so for every sum", Theorem.LINEARITY)


def test_a_row_counts_what_is_computed_and_names_what_is_argued():
    found = table.row(run_claim(make(check=argued, siblings={"factored": Said(right=(1 + x) ** 2)})))
    assert found == "| `binomial` | PROVED | 1 symbolic | linearity |  | no cross term | factored |"


def test_a_row_of_a_correction_is_about_the_correction():
    claim = make(check=argued, printed=Said(right=x**2), exact=Said(right=TRUE), corrected=Said(right=TRUE))
    assert "| CORRECTED (as printed false, exactly true) | 1 symbolic |" in table.row(run_claim(claim))


def test_sizes_are_the_numbers_that_a_statement_names():
    stated = Said(samples=(4, sp.Integer(8)), low=sp.Rational(1, 2), high=x, other=3)
    assert sizes("of <samples>, <low> to <high>, <other>", stated) == "samples 4, 8; from 1/2"


def test_the_table_takes_the_place_that_the_document_marks_and_cites_the_theorems():
    entries = [run_claim(make(check=argued))]
    page = table.inserted(DOCUMENT, entries)
    assert page.startswith("before\n")
    assert page.endswith("\nafter\n")
    assert "old" not in page
    assert table.shown(page) == [table.row(entries[0])]
    assert f"- *linearity*: {Theorem.LINEARITY.value}" in page
    assert table.inserted(page, entries) == page


@pytest.mark.parametrize("lacking", [table.START, table.END])
def test_a_document_without_marks_is_refused(lacking):
    with pytest.raises(ValueError, match="lacks the lines"):
        table.inserted(DOCUMENT.replace(lacking, ""), [])
