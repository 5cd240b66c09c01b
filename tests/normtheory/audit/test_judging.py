"""What a verdict says for any mixture of steps, and what the evidence says in words."""

import pytest

from normtheory.audit.claims import Claim, Verdict
from normtheory.audit.judging import SIZE, Entry, Evidence, Sibling, Twin, not_run, run_claim
from normtheory.audit.notation import sentence
from normtheory.audit.statements import Said
from normtheory.audit.steps import Step, Strength, Truth

TRUE, FALSE, UNDECIDED = Truth.TRUE, Truth.FALSE, Truth.UNDECIDED


def step(truth, strength=Strength.SYMBOLIC, *, rigorous=False, text="a step", detail="why"):
    return Step(text, "x = x", "x = x", truth, strength, sentence(detail), rigorous=rigorous)


def holds(proof, said):
    """A step that holds, fails in floats, or is of the second route alone."""
    (proof.within if said.route == "measured" else proof.witness)("a step", said.measured, 1.0)


def measured(value, route="measured"):
    return Said(measured=value, route=route)


def claim(**fields):
    given = {"id": "c", "where": "here", "statement": "s", "source": "me", "check": holds, "expected": Verdict.CONFIRMED}
    return Claim(**given | {"printed": measured(0.0), "twins": {"off": measured(2.0)}} | fields)


@pytest.mark.parametrize(
    ("steps", "truth"),
    [
        ([], UNDECIDED),
        ([step(TRUE)], TRUE),
        ([step(TRUE, None)], UNDECIDED),  # nothing rests on a second route
        ([step(TRUE), step(TRUE, None)], TRUE),
        ([step(TRUE), step(UNDECIDED)], UNDECIDED),
        ([step(TRUE), step(FALSE, None)], FALSE),
        ([step(UNDECIDED), step(FALSE)], FALSE),
    ],
)
def test_one_step_decides_against_all_others(steps, truth):
    for order in (steps, steps[::-1]):
        assert Evidence(tuple(order)).truth is truth
        assert Evidence(tuple(order), error="RuntimeError: stopped").truth is UNDECIDED


def test_the_weakest_strength_counts_and_the_most_rigorous_counterexample_is_told():
    exact, floats = step(FALSE, rigorous=True), step(FALSE, Strength.NUMERIC)
    for order in ((exact, floats), (floats, exact)):
        assert Evidence(order).counterexample is exact
        assert Evidence(order).strength is Strength.NUMERIC
    assert Evidence((step(TRUE), floats)).counterexample is floats
    assert Evidence((step(TRUE), step(TRUE, None))).strength is Strength.SYMBOLIC
    assert Evidence((step(TRUE, None),)).counterexample is None
    assert Evidence((step(TRUE), step(UNDECIDED), exact)).undecided == (step(UNDECIDED),)


@pytest.mark.parametrize(
    ("evidence", "said"),
    [
        (Evidence((step(FALSE),), error="E: no"), "The check stopped: E: no."),
        (Evidence((step(FALSE, rigorous=True),)), "False (exactly checked): a step. Counterexample: why."),
        (Evidence((step(FALSE),)), "False (in floats checked): a step. Counterexample: why."),
        (Evidence((step(UNDECIDED), step(TRUE), step(UNDECIDED))), "Undecided: a step (why); Undecided: a step (why)."),
        (Evidence((step(TRUE, None),)), "Undecided: the check rests on no step."),
        (
            Evidence(tuple(step(TRUE, kind) for kind in (None, Strength.BALL, Strength.NUMERIC, Strength.NUMERIC))),
            "Every step holds: 1 in ball arithmetic, 2 numerical, 1 by a second route.",
        ),
        (Evidence((step(TRUE),)), "Every step holds: 1 symbolic."),
    ],
)
def test_evidence_in_words(evidence, said):
    assert evidence.summary() == said


def test_what_is_judged_depends_on_what_is_found():
    """A correction and its size only where the printed statement does not hold."""
    right, wrong, alone = measured(0.0), measured(2.0), measured(0.0, "witness")
    fields = {"corrected": right, "corrected_statement": "t", "size": both}
    entry = run_claim(claim(**fields))
    assert (entry.verdict, entry.corrected, entry.size) == (Verdict.CONFIRMED, None, None)
    entry = run_claim(claim(**fields, printed=wrong))
    assert (entry.verdict, entry.corrected.truth) == (Verdict.CORRECTED, TRUE)
    assert entry.size.notes == ("2.0 not 0.0",)
    assert f"{SIZE}2.0 not 0.0" in entry.evidence
    entry = run_claim(claim(**fields, printed=alone))
    assert (entry.verdict, entry.corrected.truth, entry.size) == (Verdict.UNDECIDED, TRUE, None)
    entry = run_claim(claim(printed=wrong))
    assert (entry.verdict, entry.size) == (Verdict.UNDECIDED, None)  # floats refute nothing


def both(printed, instead):
    return f"{printed.measured} not {instead.measured}"


@pytest.mark.parametrize(
    ("printed", "exact", "corrected", "verdict"),
    [
        (0.0, 0.0, 0.0, Verdict.CONFIRMED),
        (0.0, 2.0, 0.0, Verdict.CORRECTED),
        (2.0, 0.0, 0.0, Verdict.CORRECTED),
        (0.0, 2.0, 2.0, Verdict.UNDECIDED),
        (2.0, 2.0, None, Verdict.UNDECIDED),
    ],
)
def test_a_claim_holds_if_it_does_as_printed_and_exactly(printed, exact, corrected, verdict):
    fields = {} if corrected is None else {"corrected": measured(corrected), "corrected_statement": "t"}
    assert run_claim(claim(printed=measured(printed), exact=measured(exact), **fields)).verdict is verdict


def test_what_exactly_is_undecided_is_not_taken_from_what_is_printed():
    exact = measured(0.0, "witness")
    assert run_claim(claim(exact=exact)).verdict is Verdict.UNDECIDED
    assert run_claim(claim(exact=exact, printed=measured(2.0), corrected=measured(0.0))).verdict is Verdict.CORRECTED


def test_the_size_of_a_refutation_is_told_beside_its_sibling():
    right, wrong = measured(0.0), measured(2.0)
    entry = run_claim(claim(printed=wrong, siblings={"a sibling": right}, size=both))
    assert entry.size.notes == ("2.0 not 0.0",)
    assert run_claim(claim(printed=wrong, size=lambda *_: "never")).size is None
    fields = {"printed": wrong, "corrected": right, "corrected_statement": "t"}
    assert run_claim(claim(**fields, siblings={"c": measured(0.5)}, size=both)).size.notes == ("2.0 not 0.0",)
    problems = run_claim(claim(**fields, size=lambda *_: str(1 / 0))).problems
    assert "size of the difference: ZeroDivisionError: " in "".join(problems)


def test_a_claim_that_was_not_run_is_never_as_expected():
    entry = not_run(claim(expected=Verdict.UNDECIDED, granted=("a",)), "its worker died")
    assert (entry.verdict, entry.seconds, entry.granted[0].plain) == (Verdict.UNDECIDED, 0.0, "a")
    assert entry.problems == ("its worker died",)
    assert not entry.ok
    assert entry.evidence == "Not run: its worker died."


def test_every_problem_is_told():
    good, false, bad = Evidence((step(TRUE),)), Evidence((step(FALSE),)), Evidence((), error="E: no")
    s = sentence("s")
    entry = Entry(
        id="c", where="here", statement=s, source="me", verdict=Verdict.PROVED, expected=Verdict.REFUTED, printed=good,
        seconds=1.0, exact=bad, exact_statement=s, corrected=bad, corrected_statement=s, size=bad,
        twins=(Twin("same", s, good), Twin("off", s, false), Twin("broken", s, bad)),
        siblings=(Sibling("weaker", s, good), Sibling("sibling", s, Evidence((step(UNDECIDED),)))),
    )  # fmt: skip
    assert entry.problems == (
        "found PROVED, expected REFUTED",
        "exact: E: no",
        "corrected: E: no",
        "size of the difference: E: no",
        "broken: E: no",
        "the false twin survived: same",
        "the false twin survived: broken",
        "the true sibling was not accepted: sibling (Undecided: a step (why).)",
    )
    assert entry.evidence.count("PROBLEM: ") == 8
