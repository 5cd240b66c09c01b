"""Judging: what running a claim yields. The verdict is what the check finds, never what was written down.

What was expected is only compared with it. A twin goes through the very same check and must come out false: a check whose twin
survives cannot tell truth from error, and fails the run.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from normtheory.audit.claims import Check, Claim, Subject, Verdict
from normtheory.audit.derivation import Derivation, Step, Strength, Truth

SIZE = "Size of the difference on the paper's own setting: "  # how the evidence introduces it

_OF_STRENGTH = {Strength.SYMBOLIC: Verdict.PROVED, Strength.BALL: Verdict.CERTIFIED, Strength.NUMERIC: Verdict.CONFIRMED}

_KINDS = {
    Strength.SYMBOLIC: "symbolic",
    Strength.BALL: "in ball arithmetic",
    Strength.NUMERIC: "numerical",
    None: "by a second route",
}


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
        if self.error is not None:
            return f"The check stopped: {self.error}."
        if self.counterexample is not None:
            step = self.counterexample
            certainty = "exactly" if step.rigorous else "in floats"
            return f"False ({certainty} checked): {step.text}. Counterexample: {step.detail}."
        if self.undecided:
            return "; ".join(f"Undecided: {step.text} ({step.detail})" for step in self.undecided) + "."
        if self.strength is None:
            return "Undecided: the check rests on no step."
        counts = [(sum(step.strength is strength for step in self.steps), name) for strength, name in _KINDS.items()]
        return "Every step holds: " + ", ".join(f"{count} {name}" for count, name in counts if count) + "."


@dataclass(frozen=True)
class Twin:
    """How a false twin fared: rejected only if the same check found it false."""

    name: str
    evidence: Evidence

    @property
    def rejected(self) -> bool:
        """Whether a step came out false; an error or an undecided step is no rejection."""
        return self.evidence.truth is Truth.FALSE


@dataclass(frozen=True)
class Entry:
    """A line of the ledger: a claim after it was run."""

    id: str
    where: str
    statement: str
    assumptions: tuple[str, ...]
    source: str
    verdict: Verdict
    expected: Verdict
    printed: Evidence
    seconds: float
    twins: tuple[Twin, ...] = ()
    corrected: Evidence | None = None
    corrected_statement: str = ""
    control: Twin | None = None
    size: Evidence | None = None  # its only note says how far the printed statement is off
    failure: str | None = None  # the claim could not be run at all: its worker died

    @property
    def problems(self) -> tuple[str, ...]:
        """Everything that makes this entry fail the run, in words; empty if it is as it should be."""
        found = [self.failure] if self.failure else []
        if self.verdict is not self.expected:
            found.append(f"found {self.verdict.value}, expected {self.expected.value}")
        named = [("printed", self.printed), ("corrected", self.corrected), ("size of the difference", self.size)]
        named += [(twin.name, twin.evidence) for twin in self.twins]
        found += [f"{name}: {evidence.error}" for name, evidence in named if evidence is not None and evidence.error]
        found += [f"the false twin survived: {twin.name}" for twin in self.twins if not twin.rejected]
        if self.control is not None and self.control.evidence.truth is not Truth.TRUE:
            found.append(f"the true control was not accepted: {self.control.name} ({self.control.evidence.summary()})")
        return tuple(found)

    @property
    def ok(self) -> bool:
        """The verdict is the expected one, nothing raised, every twin was rejected and the control accepted."""
        return not self.problems

    @property
    def evidence(self) -> str:
        """The evidence in readable sentences with the numbers found."""
        if self.failure:
            return f"Not run: {self.failure}."
        sentences = [self.printed.summary(), *self.printed.notes]
        if self.corrected is not None:
            sentences += [f"Corrected: ${self.corrected_statement}$. {self.corrected.summary()}", *self.corrected.notes]
        if self.control is not None:
            sentences.append(f"True instead: {self.control.name}. {self.control.evidence.summary()}")
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
    """Judge a claim as printed, its correction where the printed one does not hold, its control and every twin."""
    start = time.perf_counter()
    printed = judge(claim.check, claim.printed, claim.id)
    corrected = None
    if claim.corrected is not None and printed.truth is not Truth.TRUE:
        corrected = judge(claim.check, claim.corrected, f"{claim.id}, corrected")
    control = Twin(claim.control[0], judge(claim.check, claim.control[1], f"{claim.id}, control")) if claim.control else None
    twins = tuple(Twin(name, judge(claim.check, twin, f"{claim.id}, {name}")) for name, twin in claim.twins.items())
    size = _size(claim) if printed.truth is Truth.FALSE else None
    return Entry(
        id=claim.id,
        where=claim.where,
        statement=claim.statement,
        assumptions=claim.assumptions,
        source=claim.source,
        verdict=_verdict(printed, corrected),
        expected=claim.expected,
        printed=printed,
        seconds=time.perf_counter() - start,
        twins=twins,
        corrected=corrected,
        corrected_statement=claim.corrected_statement,
        control=control,
        size=size,
    )


def _size(claim: Claim[Any]) -> Evidence | None:
    """How far the printed statement is from what holds instead, as a note; whatever is raised stays, as in `judge`."""
    instead = claim.control[1] if claim.corrected is None and claim.control is not None else claim.corrected
    if claim.size is None or instead is None:
        return None
    try:
        return Evidence((), (claim.size(claim.printed, instead),))
    except Exception as error:
        return Evidence((), (), f"{type(error).__name__}: {error}")


def _verdict(printed: Evidence, corrected: Evidence | None) -> Verdict:
    if printed.truth is Truth.TRUE and printed.strength is not None:
        return _OF_STRENGTH[printed.strength]
    if printed.truth is not Truth.FALSE:
        return Verdict.UNDECIDED
    if corrected is not None and corrected.truth is Truth.TRUE:
        return Verdict.CORRECTED
    step = printed.counterexample
    return Verdict.REFUTED if step is not None and step.rigorous else Verdict.UNDECIDED


def not_run(claim: Claim[Any], reason: str) -> Entry:
    """The entry of a claim that could not be run at all, and why."""
    return Entry(
        id=claim.id,
        where=claim.where,
        statement=claim.statement,
        assumptions=claim.assumptions,
        source=claim.source,
        verdict=Verdict.UNDECIDED,
        expected=claim.expected,
        printed=Evidence(()),
        seconds=0.0,
        failure=reason,
    )
