import re

import pytest
import sympy as sp
from ledger import TRUE, broken, make, square, x

from normtheory.audit.claims import Verdict
from normtheory.audit.judging import not_run, run_claim
from normtheory.audit.statements import Said
from normtheory.audit.steps import Strength, Theorem, Truth


def measured(proof, stated):
    proof.within("a measurement", stated.right, 1.0)


def certified(proof, stated):
    proof.certified("on a box", x - stated.right, {x: (1, 2)})


def argued(proof, stated):
    square(proof, stated)
    proof.argue("and so for every sum", Theorem.LINEARITY)


def said(**values):
    """Subjects by name, each a value of the claim's only field."""
    return {name: Said(right=value) for name, value in values.items()}


PRINTED = Said(right=x**2 + x + 1)  # a wrong version


@pytest.mark.parametrize(
    ("fields", "verdict"),
    [
        ({}, Verdict.PROVED),
        ({"check": argued}, Verdict.PROVED),
        ({"check": certified, "printed": Said(right=0), "twins": said(above=sp.Rational(3, 2))}, Verdict.CERTIFIED),
        ({"check": measured, "printed": Said(right=0.5), "twins": said(off=2.0)}, Verdict.CONFIRMED),
        ({"printed": PRINTED, "corrected": Said(right=TRUE)}, Verdict.CORRECTED),
        ({"printed": PRINTED, "siblings": said(true=TRUE)}, Verdict.REFUTED),
        ({"printed": PRINTED, "corrected": Said(right=x**2)}, Verdict.REFUTED),
        ({"exact": Said(right=sp.factor(TRUE))}, Verdict.PROVED),
        ({"exact": PRINTED}, Verdict.REFUTED),
        ({"exact": PRINTED, "corrected": Said(right=TRUE)}, Verdict.CORRECTED),
        ({"printed": PRINTED, "exact": Said(right=TRUE), "corrected": Said(right=TRUE)}, Verdict.CORRECTED),
        ({"check": measured, "printed": Said(right=0.5), "exact": Said(right=3.0), "twins": said(off=2.0)}, Verdict.UNDECIDED),
        ({"check": measured, "printed": Said(right=3.0), "twins": said(off=2.0)}, Verdict.UNDECIDED),
        ({"check": lambda proof, _: None}, Verdict.UNDECIDED),
        ({"check": lambda proof, _: proof.argue("in words alone", Theorem.LINEARITY)}, Verdict.UNDECIDED),
        ({"check": lambda proof, _: proof.witness("alone", 0.0, 1.0)}, Verdict.UNDECIDED),
    ],
)
def test_the_verdict_is_what_the_check_finds(fields, verdict):
    entry = run_claim(make(**fields))
    assert entry.verdict is verdict
    assert (f"found {verdict.value}, expected PROVED" in entry.problems) == (verdict is not Verdict.PROVED)


def test_the_weakest_step_decides():
    def mixed(proof, stated):
        proof.equal("symbolic", x, x)
        proof.argue("by a theorem", Theorem.LINEARITY)
        proof.witness("second route", 0.0, 1.0)
        proof.within("measured", stated.right, 1.0)

    entry = run_claim(make(check=mixed, printed=Said(right=0.0), twins=said(off=2.0)))
    assert entry.verdict is Verdict.CONFIRMED
    assert entry.printed.strength is Strength.NUMERIC
    assert entry.printed.summary() == "Every step holds: 1 symbolic, 1 numerical, 1 by a second route, 1 by argument."


def test_the_weaker_of_the_printed_and_the_exact_statement_decides():
    def certified_below(proof, stated):
        if stated.right == TRUE:
            square(proof, stated)
        else:
            certified(proof, stated)

    entry = run_claim(make(check=certified_below, exact=Said(right=0), twins=said(above=sp.Rational(3, 2))))
    assert entry.verdict is Verdict.CERTIFIED


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
    twins = {"wrong": Said(right=x**2), "the same": Said(right=sp.factor(TRUE))}
    entry = run_claim(make(twins=twins))
    assert entry.verdict is Verdict.PROVED
    assert [twin.rejected for twin in entry.twins] == [True, False]
    assert entry.problems == ("the false twin survived: the same",)
    assert not entry.ok
    assert "PROBLEM: the false twin survived: the same" in entry.evidence


def test_a_blind_check_is_caught_by_its_twin():
    assert not run_claim(make(check=lambda proof, _: proof.equal("blind", x, x))).ok


def only_forms(proof, stated):
    proof.positive("a form", x**2 + 1, stated.right)


def test_an_undecided_twin_is_not_rejected():
    entry = run_claim(make(check=only_forms, printed=Said(right=x**2 + 1), twins={"true but not equal": Said(right=x**2 + 2)}))
    assert entry.verdict is Verdict.PROVED
    assert not entry.twins[0].rejected


def test_a_correction_needs_a_refutation():
    fields = {"printed": Said(right=x**2 + 2), "corrected": Said(right=x**2 + 1), "twins": said(wrong=x)}
    assert run_claim(make(check=only_forms, **fields)).verdict is Verdict.UNDECIDED


def test_a_twin_that_raises_is_an_error_not_a_rejection():
    def raises_on_twin(proof, stated):
        square(proof, stated)
        if stated.right == x**2 + 1:
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
    def contradictory(proof, stated):
        proof.equal("misled", x, stated.right, by=lambda e: 0 * e)

    entry = run_claim(make(check=contradictory, expected=Verdict.UNDECIDED))
    assert not entry.ok
    assert "ContradictionError" in entry.evidence


def test_a_true_sibling_must_be_accepted():
    assert run_claim(make(siblings={"factored": Said(right=sp.factor(TRUE))})).ok
    entry = run_claim(make(siblings={"also false": Said(right=x**2)}))
    assert entry.verdict is Verdict.PROVED
    assert not entry.siblings[0].accepted
    assert any("the true sibling was not accepted: also false" in problem for problem in entry.problems)


def test_an_undecided_sibling_is_not_accepted():
    entry = run_claim(make(check=only_forms, printed=Said(right=x**2 + 1), twins=said(x=x), siblings=said(more=x**2 + 2)))
    assert not entry.siblings[0].accepted
    assert "Undecided: a form (not proved equal to x² + 2)" in entry.problems[1]


def test_a_refutation_shows_what_is_true_instead():
    refuted = {"printed": PRINTED, "expected": Verdict.REFUTED, "twins": said(wrong=x)}
    entry = run_claim(make(**refuted, siblings=said(true=TRUE)))
    assert entry.ok
    assert "True instead: the square of a sum is x² + 2x + 1." in entry.evidence


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"twins": {}}, "no false twin"),
        ({"where": ""}, "lacks"),
        ({"source": ""}, "lacks"),
        ({"corrected_statement": "x"}, "nothing that is checked for it"),
        ({"expected": Verdict.REFUTED}, "needs a true sibling"),
    ],
)
def test_a_claim_that_could_not_be_judged_is_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        make(**fields)


def test_the_evidence_tells_the_counterexample_and_the_correction():
    fields = {"printed": PRINTED, "corrected": Said(right=TRUE), "corrected_statement": "it is <right>"}
    entry = run_claim(make(**fields, expected=Verdict.CORRECTED))
    assert entry.ok
    assert re.search(r"exactly checked.*at x = [\d/]+: left = [\d.]+, right = [\d.]+", entry.evidence)
    assert "Corrected: it is x² + 2x + 1. Every step holds: 1 symbolic." in entry.evidence
    assert entry.corrected.strength is Strength.SYMBOLIC


def test_an_entry_states_what_was_checked():
    """Statement, correction, twins and siblings are one template, filled by what each of them is."""
    fields = {"printed": PRINTED, "corrected": Said(right=TRUE), "expected": Verdict.CORRECTED, "exact": Said(right=x)}
    entry = run_claim(make(**fields, siblings=said(factored=sp.factor(TRUE))))
    assert entry.statement.latex == "the square of a sum is $x^{2} + x + 1$"
    assert entry.exact_statement.text == "the square of a sum is x"
    assert entry.corrected_statement.latex == "the square of a sum is $x^{2} + 2 x + 1$"
    assert [each.statement.plain for each in entry.others] == [
        "the square of a sum is x² + 1",
        "the square of a sum is (x + 1)²",
    ]
    assert entry.assumed.text == "x positive"


def test_what_was_not_run_is_undecided_and_says_why():
    entry = not_run(make(), "cut off")
    assert entry.verdict is Verdict.UNDECIDED
    assert entry.problems[0] == "cut off"
    assert entry.statement.text.startswith("the square of a sum is")
