"""What the terminal and `verify --json` show of an entry."""

import json
import re

import pytest
from ledger import TRUE, broken, make, square, x

from normtheory.audit import text
from normtheory.audit.claims import Verdict
from normtheory.audit.judging import run_claim
from normtheory.audit.statements import Said
from normtheory.audit.steps import Theorem

PRINTED = Said(right=x**2 + x + 1)


def test_the_json_form_is_the_contract():
    twins = {"wrong": Said(right=x), "same": Said(right=TRUE)}
    corrected = {"printed": PRINTED, "corrected": Said(right=TRUE), "corrected_statement": "it is <right>"}
    (line,) = text.to_json([run_claim(make(**corrected, twins=twins, siblings={"also true": Said(right=(x + 1) ** 2)}))])
    fields = "id where statement corrected_statement verdict expected evidence seconds steps twins siblings"
    assert list(line) == fields.split()
    assert (line["id"], line["verdict"], line["expected"]) == ("binomial", "CORRECTED", "PROVED")
    assert line["statement"] == "the square of a sum is $x^{2} + x + 1$"
    assert line["corrected_statement"] == "it is $x^{2} + 2 x + 1$"
    assert [{key: step[key] for key in ("of", "text", "truth", "route")} for step in line["steps"]] == [
        {"of": "As printed", "text": "expand the square", "truth": "false", "route": ""},
        {"of": "Corrected", "text": "expand the square", "truth": "true", "route": "expansion"},
    ]
    assert line["twins"] == [
        {"name": "wrong", "statement": "it is $x$", "rejected": True},
        {"name": "same", "statement": "it is $x^{2} + 2 x + 1$", "rejected": False},
    ]
    (sibling,) = line["siblings"]
    assert sibling == {"name": "also true", "statement": r"it is $\left(x + 1\right)^{2}$", "accepted": True}
    assert isinstance(line["evidence"], str)
    assert line["seconds"] >= 0
    assert json.loads(json.dumps(line)) == line


def test_a_statement_without_correction_has_none_in_the_json():
    (line,) = text.to_json([run_claim(make())])
    assert line["corrected_statement"] == ""
    assert line["siblings"] == []


def opened(proof, stated):
    """A check with an opening that others share, an argument, a trivial equation and a measured step."""
    with proof.lemma("squares are known"):
        proof.equal("a product with itself", x * x, x**2)
        proof.equal("nothing is left of it", x - x, 0)
    square(proof, stated)
    proof.argue("for every sum", Theorem.LINEARITY)
    proof.within("and in floats", 1.5e-9, 1e-6)


def test_a_claim_is_described_for_reading():
    claim = make(check=opened, printed=PRINTED, corrected=Said(right=TRUE), reads=("a sum: of <right>",), granted=("it ends",))
    found = text.describe(run_claim(claim), 100)
    parts = [
        "binomial: CORRECTED, expected PROVED\n",
        "As printed: the square of a sum is x² + x + 1\n",
        "True instead: the square of a sum is x² + 2x + 1\n",
        "With x positive\n",
        "Read as: a sum: of x² + 2x + 1\n",
        "Taken for granted: it ends\n",
        "  squares are known:\n  1. a product with itself\n       x²\n     [ok] both sides are this formula\n",
        "  2. nothing is left of it\n     [ok] both sides are 0\n",
        "  3. expand the square\n       (x + 1)² = x² + x + 1\n     [FALSE] at x = ",
        "Corrected\n  1–2. squares are known, as above\n  3. expand the square\n",
        "     [ok] expansion, and at 8 random points\n",
        "     [ok] by argument: linearity of finite sums",
        "       deviation 1.5·10⁻⁹ ≤ 10⁻⁶\n     [ok] measured\n",
        "  Every step holds: 3 symbolic, 1 numerical, 1 by argument.\n",
        "False twins\n  rejected  no cross term\n    the square of a sum is x² + 1\n    False (exactly checked): expand",
    ]
    assert [part for part in parts if part not in found] == []
    assert "\N{NO-BREAK SPACE}" not in found


def test_what_is_wrong_is_said_first():
    same = text.describe(run_claim(make(twins={"same": Said(right=TRUE)}, siblings={"wrong": Said(right=x)})), 100)
    assert "PROBLEM: the false twin survived: same\n" in same
    assert "SURVIVED  same" in same
    assert "REJECTED  wrong" in same
    assert "The check stopped: RuntimeError: the solver is missing." in text.describe(run_claim(make(check=broken)), 100)


def test_the_exact_statement_is_judged_beside_the_printed_one():
    found = text.describe(run_claim(make(exact=PRINTED)), 100)
    assert "For the exact scale and start\n  the square of a sum is x² + x + 1\n" in found


@pytest.mark.parametrize("width", [40, 60, 100])
def test_a_description_is_as_wide_as_it_may_be(width):
    claim = make(check=opened, printed=PRINTED, corrected=Said(right=TRUE), expected=Verdict.CORRECTED)
    assert max(map(len, text.describe(run_claim(claim), width).splitlines())) <= width


def test_the_terminal_says_how_wide_that_is(monkeypatch):
    monkeypatch.setenv("COLUMNS", "72")
    assert text.columns() == 72
    monkeypatch.setenv("COLUMNS", "250")
    assert text.columns() == text.WIDEST


def test_an_entry_is_a_line_of_sixty_columns():
    entry = run_claim(make(id="q-facts-homogeneity-of", siblings={"factored": Said(right=(x + 1) ** 2)}))
    ids = [entry.id, "eq1"]
    for line in (text.header(ids), text.line(entry, ids)):
        assert len(line) <= 60
    assert re.fullmatch(r"q-facts-homogeneity-of  PROVED     1/1    1/1 +\d+\.\d\d", text.line(entry, ids))
    assert text.header(ids).split() == ["claim", "verdict", "twins", "siblings", "seconds"]


def test_totals_tell_everything_that_is_not_as_expected():
    good, bad = run_claim(make()), run_claim(make(id="bad", expected=Verdict.CERTIFIED))
    assert "1 claims in 2.0 s: 1 PROVED\nEvery verdict is as expected" in text.totals([good], 2.0, 60)
    assert "NOT AS EXPECTED  bad: found PROVED, expected CERTIFIED" in text.totals([good, bad], 2.0, 60)


def test_a_claim_is_listed_before_it_is_run():
    listed = text.listed(make(printed=PRINTED, expected=Verdict.REFUTED, siblings={"true": Said(right=TRUE)}), 40)
    assert listed == "binomial  REFUTED  a test\n  the square of a sum is x² + x + 1"
