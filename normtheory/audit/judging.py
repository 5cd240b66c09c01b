"""Judging: what running a claim yields. The verdict is what the check finds, never what was written down.

What was expected is only compared with it. A twin goes through the very same check and must come out false: a check whose twin
survives cannot tell truth from error, and fails the run. A true sibling must be accepted: a check that calls a true statement
false is as broken.
"""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from normtheory.audit.claims import Check, Claim, Subject, Verdict
from normtheory.audit.derivation import Derivation
from normtheory.audit.notation import Statement, sentence
from normtheory.audit.statements import assumptions, rendered, sizes
from normtheory.audit.steps import Step, Strength, Truth

SIZE = "Size of the difference on the paper's own setting: "  # how the evidence introduces it

_OF_STRENGTH = {Strength.SYMBOLIC: Verdict.PROVED, Strength.BALL: Verdict.CERTIFIED, Strength.NUMERIC: Verdict.CONFIRMED}


@dataclass(frozen=True)
class Evidence:
    """What a check found for one subject: its steps, its notes, and the error that stopped it, if one did."""

    steps: tuple[Step, ...]
    notes: tuple[str, ...] = ()
    error: str | None = None

    @property
    def truth(self) -> Truth:
        """FALSE if a step is, TRUE if all are, else (also after an error, or without steps) UNDECIDED."""
        if self.error is None and any(step.truth is Truth.FALSE for step in self.steps):
            return Truth.FALSE
        if self.error is None and self.strength is not None and all(step.truth is Truth.TRUE for step in self.steps):
            return Truth.TRUE
        return Truth.UNDECIDED

    @property
    def strength(self) -> Strength | None:
        """The weakest strength among the steps that the claim rests on; None if it rests on none."""
        return min((step.strength for step in self.steps if step.strength is not None), default=None)

    @property
    def counterexample(self) -> Step | None:
        """The first false step, a rigorous one before one measured in floats."""
        false = [step for step in self.steps if step.truth is Truth.FALSE]
        return min(false, key=lambda step: not step.rigorous, default=None)

    @property
    def undecided(self) -> tuple[Step, ...]:
        """The steps about which the machine could not decide."""
        return tuple(step for step in self.steps if step.truth is Truth.UNDECIDED)

    def summary(self) -> str:
        """One or two sentences: what holds, what fails and where."""
        return self.said.plain

    @property
    def said(self) -> Statement:
        """The same to be set."""
        if self.error is not None:
            return sentence("The check stopped: {}.", self.error)
        if self.counterexample is not None:
            step = self.counterexample
            certainty = "exactly" if step.rigorous else "in floats"
            return sentence("False ({} checked): {}. Counterexample: {}.", certainty, step.text, step.detail)
        if self.undecided:
            each = ((step.text, step.detail) for step in self.undecided)
            return sentence("; ".join("Undecided: {} ({})" for _ in self.undecided) + ".", *itertools.chain(*each))
        if self.strength is None:
            return sentence("Undecided: the check rests on no step.")
        counts = Counter(step.kind for step in self.steps)
        return sentence("Every step holds: " + ", ".join(f"{counts[kind]} {kind}" for kind in KINDS if counts[kind]) + ".")


Other = TypeVar("Other", bound="_Other")
KINDS = ("symbolic", "in ball arithmetic", "numerical", "by a second route", "by argument")


@dataclass(frozen=True)
class _Other:
    """A sibling of what is claimed, and what the same check found."""

    name: str
    statement: Statement
    evidence: Evidence


class Twin(_Other):
    """How a false twin fared."""

    @property
    def rejected(self) -> bool:
        """Whether a step came out false; an error or an undecided step is no rejection."""
        return self.evidence.truth is Truth.FALSE


class Sibling(_Other):
    """How a true sibling fared."""

    @property
    def accepted(self) -> bool:
        """Whether every step holds."""
        return self.evidence.truth is Truth.TRUE


@dataclass(frozen=True)
class Entry:
    """A line of the ledger: a claim after it was run."""

    id: str
    where: str
    source: str
    statement: Statement
    verdict: Verdict
    expected: Verdict
    printed: Evidence
    seconds: float
    assumed: Statement | None = None  # of the symbols, from the symbols
    reads: tuple[Statement, ...] = ()
    granted: tuple[Statement, ...] = ()
    sizes: str = ""  # for which sizes and ranges the statement that holds is said to hold
    exact: Evidence | None = None
    exact_statement: Statement | None = None
    corrected: Evidence | None = None
    corrected_statement: Statement | None = None
    twins: tuple[Twin, ...] = ()
    siblings: tuple[Sibling, ...] = ()
    size: Evidence | None = None  # its only note says how far the printed statement is off
    failure: str | None = None  # the claim could not be run at all: its worker died

    @property
    def problems(self) -> tuple[str, ...]:
        """Everything that makes this entry fail the run, in words; empty if it is as it should be."""
        found = [self.failure] if self.failure else []
        if self.verdict is not self.expected:
            found.append(f"found {self.verdict.value}, expected {self.expected.value}")
        named = [("printed", self.printed), ("exact", self.exact), ("corrected", self.corrected)]
        named += [("size of the difference", self.size), *((other.name, other.evidence) for other in self.others)]
        found += [f"{name}: {evidence.error}" for name, evidence in named if evidence is not None and evidence.error]
        found += [f"the false twin survived: {twin.name}" for twin in self.twins if not twin.rejected]
        for sibling in self.siblings:
            if not sibling.accepted:
                found.append(f"the true sibling was not accepted: {sibling.name} ({sibling.evidence.summary()})")
        return tuple(found)

    @property
    def others(self) -> tuple[Twin | Sibling, ...]:
        """Twins and siblings."""
        return (*self.twins, *self.siblings)

    @property
    def ok(self) -> bool:
        """The verdict is the expected one, nothing raised, every twin was rejected and every sibling accepted."""
        return not self.problems

    @property
    def judged(self) -> tuple[tuple[str, Statement, Evidence], ...]:
        """What was judged for its own sake: a title, the statement and its evidence."""
        found = [("As printed", self.statement, self.printed)]
        if self.exact is not None and self.exact_statement is not None:
            found.append(("For the exact scale and start", self.exact_statement, self.exact))
        if self.corrected is not None and self.corrected_statement is not None:
            found.append(("Corrected", self.corrected_statement, self.corrected))
        return tuple(found)

    @property
    def evidence(self) -> str:
        """The evidence in readable sentences with the numbers found."""
        if self.failure:
            return f"Not run: {self.failure}."
        sentences = []
        for title, statement, evidence in self.judged:
            opening = {"As printed": "", "Corrected": f"Corrected: {statement.plain}. "}.get(title, f"{title}: ")
            sentences += [f"{opening}{evidence.summary()}", *evidence.notes]
        if self.corrected is None and self.verdict is Verdict.REFUTED:
            sentences += [f"True instead: {each.statement.plain}. {each.evidence.summary()}" for each in self.siblings[:1]]
        if self.size is not None:
            sentences += [f"{SIZE}{note}" for note in self.size.notes]
        return " ".join([*sentences, *(f"PROBLEM: {problem}." for problem in self.problems)])


def judge(check: Check[Subject], subject: Subject, seed: str) -> Evidence:
    """Run a check on one subject. Whatever it raises becomes part of the evidence, so that nothing is lost."""
    proof = Derivation(seed)
    try:
        check(proof, subject)
    except Exception as error:
        return Evidence(tuple(proof.steps), tuple(proof.notes), f"{type(error).__name__}: {error}")
    return Evidence(tuple(proof.steps), tuple(proof.notes))


def run_claim(claim: Claim[Any]) -> Entry:
    """Judge a claim as printed and exactly, its correction where it does not hold, every twin and every sibling."""
    start = time.perf_counter()
    printed = judge(claim.check, claim.printed, claim.id)
    exact = None if claim.exact is None else judge(claim.check, claim.exact, f"{claim.id}, exact")
    truth = _together(printed, exact)
    corrected = None
    if claim.corrected is not None and truth is not Truth.TRUE:
        corrected = judge(claim.check, claim.corrected, f"{claim.id}, corrected")
    template = claim.template_of_siblings

    def judged(kind: type[Other], others: Mapping[str, Any]) -> tuple[Other, ...]:
        return tuple(
            kind(name, rendered(template, each), judge(claim.check, each, f"{claim.id}, {name}"))
            for name, each in others.items()
        )

    return Entry(
        **_stated(claim),
        verdict=_verdict(printed, exact, corrected),
        printed=printed,
        seconds=time.perf_counter() - start,
        exact=exact,
        corrected=corrected,
        twins=judged(Twin, claim.twins),
        siblings=judged(Sibling, claim.siblings),
        size=_size(claim) if truth is Truth.FALSE else None,
    )


def not_run(claim: Claim[Any], reason: str) -> Entry:
    """The entry of a claim that could not be run at all, and why."""
    return Entry(**_stated(claim), verdict=Verdict.UNDECIDED, printed=Evidence(()), seconds=0.0, failure=reason)


def _stated(claim: Claim[Any]) -> dict[str, Any]:
    """What an entry says of a claim whatever running it finds."""
    subject = claim.printed if claim.corrected is None else claim.corrected
    return {
        "id": claim.id,
        "where": claim.where,
        "source": claim.source,
        "expected": claim.expected,
        "statement": rendered(claim.statement, claim.printed),
        "exact_statement": None if claim.exact is None else rendered(claim.statement, claim.exact),
        "corrected_statement": None if claim.corrected is None else rendered(claim.template_of_siblings, claim.corrected),
        "sizes": sizes(claim.template_of_siblings, subject),
        "assumed": assumptions(claim.printed, claim.exact, claim.corrected),
        "reads": tuple(rendered(each, subject) for each in claim.reads),
        "granted": tuple(rendered(each, subject) for each in claim.granted),
    }


def _size(claim: Claim[Any]) -> Evidence | None:
    """How far the printed statement is from what holds instead, as a note; whatever is raised stays, as in `judge`."""
    instead = next(iter(claim.siblings.values()), None) if claim.corrected is None else claim.corrected
    if claim.size is None or instead is None:
        return None
    try:
        return Evidence((), (claim.size(claim.printed, instead),))
    except Exception as error:
        return Evidence((), (), f"{type(error).__name__}: {error}")


def _together(printed: Evidence, exact: Evidence | None) -> Truth:
    """FALSE if either is, TRUE if both are."""
    truths = {printed.truth} if exact is None else {printed.truth, exact.truth}
    if Truth.FALSE in truths:
        return Truth.FALSE
    return Truth.TRUE if truths == {Truth.TRUE} else Truth.UNDECIDED


def _verdict(printed: Evidence, exact: Evidence | None, corrected: Evidence | None) -> Verdict:
    truth = _together(printed, exact)
    judged = [printed] if exact is None else [printed, exact]
    if truth is Truth.TRUE:
        return _OF_STRENGTH[min(each.strength for each in judged if each.strength is not None)]
    if truth is not Truth.FALSE:
        return Verdict.UNDECIDED
    if corrected is not None and corrected.truth is Truth.TRUE:
        return Verdict.CORRECTED
    steps = [each.counterexample for each in judged]
    return Verdict.REFUTED if any(step is not None and step.rigorous for step in steps) else Verdict.UNDECIDED
