"""The ledger: claims, the checks that judge them, their false twins, and the verdicts that running them yields.

A claim is a check and the statement it is given: as printed, corrected, or a deliberately wrong twin. The verdict is what the
check finds, never what was written down; what was expected is only compared with it. A twin goes through the very same check
and must come out false: a check whose twin survives cannot tell truth from error, and fails the run.

`normtheory` imports no claims. The modules of the catalogue import this one and fill the registry; whoever runs it names them.
"""

from __future__ import annotations

import difflib
import textwrap
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from importlib import import_module
from typing import Any

from normtheory.derivation import Derivation, Step, Strength, Truth
from normtheory.processes import single_threaded_children

Subject = Any  # what a check is about: a formula, or several of them; the check knows its shape
Check = Callable[[Derivation, Subject], None]
Size = Callable[[Subject, Subject], str]  # (as printed, what holds instead) -> how far they are apart, in a sentence

SIZE = "Size of the difference on the paper's own setting: "  # how the evidence introduces it


class Verdict(Enum):
    """What the audit found of a claim."""

    PROVED = "PROVED"  # symbolic, closed under the stated assumptions, agreeing with balls at random points
    CERTIFIED = "CERTIFIED"  # rests on inequalities certified in ball arithmetic on a stated domain
    CONFIRMED = "CONFIRMED"  # rests on numbers that agree within an error budget stated in advance
    CORRECTED = "CORRECTED"  # false or imprecise as printed; the corrected statement passes the same check
    REFUTED = "REFUTED"  # a counterexample, checked exactly
    UNDECIDED = "UNDECIDED"  # none of these; the evidence says what is missing


_OF_STRENGTH = {Strength.SYMBOLIC: Verdict.PROVED, Strength.BALL: Verdict.CERTIFIED, Strength.NUMERIC: Verdict.CONFIRMED}

_KINDS = {
    Strength.SYMBOLIC: "symbolic",
    Strength.BALL: "in ball arithmetic",
    Strength.NUMERIC: "numerical",
    None: "by a second route",
}


@dataclass(frozen=True)
class Claim:
    """One statement of the theory, and how it is judged.

    Parameters
    ----------
    id : str
        Stable name: tests, figures and the report use it.
    where : str
        Place in the audited paper, or "theory of ..." for what goes beyond it.
    statement : str
        The statement as printed, in LaTeX.
    check : function
        `check(proof, subject)` writes steps on the `Derivation` it is given.
    printed : object
        The subject that is the statement as printed.
    twins : mapping from names to subjects
        At least one wrong sibling.
    expected : Verdict
        The verdict found when the claim was last read by a person.
    source : str
        Who proved or printed it.
    assumptions : tuple of str
        What the statement takes for granted.
    corrected, corrected_statement : object and str, optional
        The subject that is true instead, if there is one, and its LaTeX.
    control : pair of a name and a subject, optional
        A true sibling that the check must accept. Required where a refutation is expected: a check that rejects the printed
        statement and every twin might reject everything.
    size : function, optional
        How much a correction matters: `size(printed, instead)` measures, when the claim is run, how far the printed subject
        is from the corrected one (from the control, if there is none) on the audited paper's own setting, and says it in
        a sentence. Asked only where the statement turns out false.
    """

    id: str
    where: str
    statement: str
    check: Check
    printed: Subject
    twins: Mapping[str, Subject]
    expected: Verdict
    source: str
    assumptions: tuple[str, ...] = ()
    corrected: Subject | None = None
    corrected_statement: str = ""
    control: tuple[str, Subject] | None = None
    size: Size | None = None

    def __post_init__(self) -> None:
        """Refuse a claim that could not be judged."""
        if not (self.id and self.where and self.statement and self.source):
            raise ValueError(f"claim {self.id!r} lacks an id, a place, a statement or a source")
        if not self.twins:
            raise ValueError(f"claim {self.id} has no false twin")
        if (self.corrected is None) != (self.corrected_statement == ""):
            raise ValueError(f"claim {self.id} needs a corrected subject and its statement together")
        if self.expected is Verdict.REFUTED and self.control is None:
            raise ValueError(f"claim {self.id} expects a refutation and needs a control: a true sibling")


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


_registry: dict[str, Claim] = {}
# The modules and packages whose import fills the registry: the claims of the paper's text, then those of its figures.
CATALOGUE = ("proofs", "figures.fig1_claims", "figures.fig5_claims")
Catalogue = str | Sequence[str]  # one module or package, or several


def register(claim: Claim) -> Claim:
    """Enter a claim in the registry.

    Raises
    ------
    ValueError
        If another claim has its id.
    """
    if claim.id in _registry:
        raise ValueError(f"two claims are called {claim.id}")
    _registry[claim.id] = claim
    return claim


def claim(id: str, **fields: Any) -> Callable[[Check], Check]:  # noqa: A002 - the field is called id
    """Decorate a check: register the claim it decides. The fields are those of `Claim`."""

    def decorate(check: Check) -> Check:
        register(Claim(id=id, check=check, **fields))
        return check

    return decorate


def claims(catalogue: Catalogue = CATALOGUE) -> dict[str, Claim]:
    """The claims of a catalogue by id: those whose checks stand in its modules and packages, which are imported first.

    They come in the order of the catalogue, of the modules in a package's `__all__`, and within a module as they are written.
    """
    modules: list[str] = []
    for name in [catalogue] if isinstance(catalogue, str) else catalogue:
        inside = getattr(import_module(name), "__all__", ())
        modules += [f"{name}.{module}" for module in inside] or [name]
    position = {name: place for place, name in enumerate(modules)}
    found = [claim for claim in _registry.values() if claim.check.__module__ in position]
    return {claim.id: claim for claim in sorted(found, key=lambda claim: position[claim.check.__module__])}


def find(id: str, catalogue: Catalogue = CATALOGUE) -> Claim:  # noqa: A002 - as in `claim`
    """The claim called `id`.

    Raises
    ------
    InputError
        If there is none; the message names near misses.
    """
    known = claims(catalogue)
    if id in known:
        return known[id]
    from normtheory.arrays import InputError  # numpy is not needed before

    near = difflib.get_close_matches(id, known, n=3)
    advice = f"did you mean {' or '.join(near)}?" if near else "see the list of claims"
    raise InputError(f"no claim is called {id!r}; {advice}")


def judge(check: Check, subject: Subject, seed: str) -> Evidence:
    """Run a check on one subject. Whatever it raises becomes part of the evidence, so that nothing is lost."""
    proof = Derivation(seed)
    try:
        check(proof, subject)
    except Exception as error:
        return Evidence(tuple(proof.steps), tuple(proof.notes), f"{type(error).__name__}: {error}")
    return Evidence(tuple(proof.steps), tuple(proof.notes))


def run_claim(claim: Claim) -> Entry:
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


def _size(claim: Claim) -> Evidence | None:
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


def run(
    ids: Iterable[str] | None = None, *, catalogue: Catalogue = CATALOGUE, jobs: int = 1, limit: float | None = None
) -> Iterator[Entry]:
    """Run claims and yield their entries as they are finished.

    Parameters
    ----------
    ids : iterable of str, optional
        Which claims; all of the catalogue by default.
    catalogue : str or sequence of str
        Modules and packages whose import fills the registry; each worker imports them and runs claims by id.
    jobs : int
        Number of worker processes; 1 without a limit runs in this process.
    limit : float, optional
        Seconds after which a claim is cut off: its worker is killed and the claim is undecided, which its entry says.

    Raises
    ------
    InputError
        If an id is unknown, before anything is run.
    """
    chosen = [find(name, catalogue) for name in dict.fromkeys(ids if ids is not None else claims(catalogue))]
    if limit is None and (jobs <= 1 or len(chosen) <= 1):
        return (run_claim(claim) for claim in chosen)
    return _run_in_processes(chosen, catalogue, jobs, float("inf") if limit is None else limit)


STARTUP_S = 60.0  # allowed to a fresh worker for its imports, on top of the limit of its first claim


def _run_in_processes(chosen: list[Claim], catalogue: Catalogue, jobs: int, limit: float) -> Iterator[Entry]:
    """Claims on worker processes, which can be killed: no step holds up the run, and a dead worker loses only its claim."""
    waiting = deque(chosen)
    with single_threaded_children():
        workers = [_Worker(catalogue) for _ in range(min(jobs, len(chosen)))]
        try:
            for worker in workers:
                worker.give(waiting.popleft(), limit)
            while busy := [worker for worker in workers if worker.claim is not None]:
                for worker in _settled(busy):
                    yield worker.entry()
                    if waiting:
                        worker.give(waiting.popleft(), limit)
        finally:
            for worker in workers:
                worker.stop()


def _settled(busy: list[_Worker]) -> list[_Worker]:
    """Wait until a worker has answered, has died or has spent its time, and return those."""
    from multiprocessing.connection import wait

    patience = min(worker.deadline for worker in busy) - time.monotonic()
    answered = wait([worker.connection for worker in busy], None if patience == float("inf") else max(0.0, patience))
    return [worker for worker in busy if worker.connection in answered or worker.deadline <= time.monotonic()]


class _Worker:
    """A process that runs one claim after another, and is replaced by a fresh one if it dies or is cut off."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.claim: Claim | None = None
        self._start()

    def _start(self) -> None:
        import multiprocessing

        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, self.catalogue), daemon=True)
        self.process.start()
        theirs.close()
        self.fresh = True

    def give(self, claim: Claim, limit: float) -> None:
        """Have the worker run a claim, for at most `limit` seconds."""
        if not self.process.is_alive():
            self._start()
        self.claim, self.limit = claim, limit
        self.deadline = time.monotonic() + limit + (STARTUP_S if self.fresh else 0.0)
        self.connection.send(claim.id)
        self.fresh = False

    def entry(self) -> Entry:
        """The entry of the claim given last; if there is no answer, one that says why, and the process is killed."""
        claim, self.claim = self.claim, None
        if claim is None:
            raise RuntimeError("the worker was given no claim")
        if self.connection.poll():
            try:
                answer: Entry | str = self.connection.recv()
            except EOFError:
                answer = "the worker failed: its process ended without an answer"
        else:
            answer = f"cut off after {self.limit:g} s without an answer"
        if isinstance(answer, str):
            self.stop()
            return _not_run(claim, answer)
        return answer

    def stop(self) -> None:
        """End the process, whatever it is doing."""
        self.process.kill()
        self.process.join()
        self.connection.close()


def _serve(connection: Any, catalogue: Catalogue) -> None:
    """Answer claim ids with entries until the process is killed; an error outside the checks is answered in words."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt is the parent's to handle
    while True:
        name = connection.recv()
        try:
            connection.send(run_claim(find(name, catalogue)))
        except Exception as error:
            connection.send(f"the worker failed with {type(error).__name__}: {error}")


def _not_run(claim: Claim, reason: str) -> Entry:
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


def to_json(entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """Entries in the form that `normtheory verify --json` writes."""
    return [
        {
            "id": entry.id,
            "where": entry.where,
            "statement": entry.statement,
            "verdict": entry.verdict.value,
            "expected": entry.expected.value,
            "evidence": entry.evidence,
            "seconds": round(entry.seconds, 3),
            "twins": [{"name": twin.name, "rejected": twin.rejected} for twin in entry.twins],
        }
        for entry in entries
    ]


def summary(known: Iterable[Claim]) -> str:
    """A Markdown table of the expected verdicts: a row for each section, in its order, and their sum."""
    sections: dict[str, list[Verdict]] = {}
    for claim in known:
        title = (import_module(claim.check.__module__).__doc__ or claim.check.__module__).split(":")[0]
        sections.setdefault(title, []).append(claim.expected)
    met = {verdict for found in sections.values() for verdict in found}
    verdicts = [verdict for verdict in Verdict if verdict in met or verdict is not Verdict.UNDECIDED]
    rows = [*sections.items(), ("all", [verdict for found in sections.values() for verdict in found])]
    lines = [
        "| section | claims | " + " | ".join(verdict.value for verdict in verdicts) + " |",
        "|---" * (len(verdicts) + 2) + "|",
    ]
    for title, found in rows:
        counts = " | ".join(str(found.count(verdict) or "") for verdict in verdicts)
        lines.append(f"| {title} | {len(found)} | {counts} |")
    return "\n".join(lines)


def describe(entry: Entry) -> str:
    """An entry as plain text: statement, assumptions, derivation, evidence and twins (what `normtheory show` prints)."""
    verdict = entry.verdict.value + ("" if entry.verdict is entry.expected else f", expected {entry.expected.value}")
    lines = [f"{entry.id}: {verdict}  ({entry.where}; {entry.source})", "", *_wrapped(entry.statement, "Statement: ")]
    for assumption in entry.assumptions:
        lines += _wrapped(assumption, "Assuming: ")
    lines += ["", "Derivation as printed", *_described(entry.printed)]
    if entry.corrected is not None:
        lines += ["", *_wrapped(entry.corrected_statement, "Corrected statement: "), *_described(entry.corrected)]
    if entry.control is not None:
        lines += ["", *_wrapped(entry.control.name, "True instead: "), *_described(entry.control.evidence)]
    lines += ["", *_wrapped(entry.evidence, "Evidence: "), "", "False twins"]
    for twin in entry.twins:
        lines += _wrapped(twin.evidence.summary(), f"  {'rejected' if twin.rejected else 'SURVIVED'}  {twin.name}. ", "    ")
    return "\n".join(lines)


def _described(evidence: Evidence) -> list[str]:
    mark = {Truth.TRUE: "ok", Truth.FALSE: "FALSE", Truth.UNDECIDED: "UNDECIDED"}
    lines = []
    for number, step in enumerate(evidence.steps, 1):
        lines += _wrapped(step.text, f"  {number}. ", "     ")
        lines += _wrapped(step.equation, "       ", "         ")
        lines += _wrapped(f"[{mark[step.truth]}] {step.detail}", "     ", "     ")
    if evidence.error is not None:
        lines += _wrapped(evidence.error, "  STOPPED: ", "     ")
    return lines


def _wrapped(text: str, first: str, rest: str = "  ") -> list[str]:
    return textwrap.wrap(text, 110, initial_indent=first, subsequent_indent=rest, break_long_words=False)
