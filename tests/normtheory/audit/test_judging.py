"""What a verdict says for any mixture of steps, and what the evidence says in words."""

import pytest

from normtheory.audit.claims import Claim, Verdict
from normtheory.audit.derivation import Step, Strength, Truth
from normtheory.audit.judging import SIZE, Entry, Evidence, Twin, not_run, run_claim

TRUE, FALSE, UNDECIDED = Truth.TRUE, Truth.FALSE, Truth.UNDECIDED


def step(truth, strength=Strength.SYMBOLIC, *, rigorous=False, text="a step", detail="why"):
    return Step(text, "x = x", "x = x", truth, strength, detail, rigorous)


def holds(proof, subject):
    """A step that holds, fails in floats, or is of the second route alone."""
    for measured, route in subject:
        (proof.within if route == "measured" else proof.witness)("a step", measured, 1.0)


def claim(**fields):
    given = {"id": "c", "where": "here", "statement": "s", "source": "me", "check": holds, "expected": Verdict.CONFIRMED}
    return Claim(**given | {"printed": [(0.0, "measured")], "twins": {"off": [(2.0, "measured")]}} | fields)


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
    right, wrong, alone = [(0.0, "measured")], [(2.0, "measured")], [(0.0, "witness")]
    fields = {"corrected": right, "corrected_statement": "t", "size": lambda printed, instead: f"{printed} not {instead}"}
    entry = run_claim(claim(**fields))
    assert (entry.verdict, entry.corrected, entry.size) == (Verdict.CONFIRMED, None, None)
    entry = run_claim(claim(**fields, printed=wrong))
    assert (entry.verdict, entry.corrected.truth) == (Verdict.CORRECTED, TRUE)
    assert entry.size.notes == (f"{wrong} not {right}",)
    assert f"{SIZE}{wrong} not {right}" in entry.evidence
    entry = run_claim(claim(**fields, printed=alone))
    assert (entry.verdict, entry.corrected.truth, entry.size) == (Verdict.UNDECIDED, TRUE, None)
    entry = run_claim(claim(printed=wrong))
    assert (entry.verdict, entry.size) == (Verdict.UNDECIDED, None)  # floats refute nothing


def test_the_size_of_a_refutation_is_told_beside_its_control():
    right, wrong = [(0.0, "measured")], [(2.0, "measured")]
    entry = run_claim(claim(printed=wrong, control=("a sibling", right), size=lambda *both: f"{both}"))
    assert entry.size.notes == (f"{(wrong, right)}",)
    assert "True instead: a sibling. Every step holds: 1 numerical." in entry.evidence
    assert run_claim(claim(printed=wrong, size=lambda *both: "never")).size is None
    corrected = run_claim(
        claim(
            printed=wrong,
            control=("c", [(0.5, "measured")]),
            corrected=right,
            corrected_statement="t",
            size=lambda *both: f"{both}",
        )
    )
    assert corrected.size.notes == (f"{(wrong, right)}",)
    assert "size of the difference: ZeroDivisionError: " in "".join(
        run_claim(claim(printed=wrong, corrected=right, corrected_statement="t", size=lambda *_: str(1 / 0))).problems
    )


def test_a_claim_that_was_not_run_is_never_as_expected():
    entry = not_run(claim(expected=Verdict.UNDECIDED, assumptions=("a",)), "its worker died")
    assert (entry.verdict, entry.seconds, entry.assumptions) == (Verdict.UNDECIDED, 0.0, ("a",))
    assert entry.problems == ("its worker died",)
    assert not entry.ok
    assert entry.evidence == "Not run: its worker died."


def test_every_problem_is_told():
    good, bad = Evidence((step(TRUE),)), Evidence((), error="E: no")
    entry = Entry(
        id="c", where="here", statement="s", assumptions=(), source="me", verdict=Verdict.PROVED, expected=Verdict.REFUTED,
        printed=good, seconds=1.0, twins=(Twin("same", good), Twin("off", Evidence((step(FALSE),))), Twin("broken", bad)),
        corrected=bad, control=Twin("sibling", Evidence((step(UNDECIDED),))), size=bad,
    )  # fmt: skip
    assert entry.problems == (
        "found PROVED, expected REFUTED",
        "corrected: E: no",
        "size of the difference: E: no",
        "broken: E: no",
        "the false twin survived: same",
        "the false twin survived: broken",
        "the true control was not accepted: sibling (Undecided: a step (why).)",
    )
    assert entry.evidence.count("PROBLEM: ") == 7
