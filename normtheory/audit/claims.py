"""Claims and their registry: what is stated, how it is checked, and where it is found by its id.

A claim is a check and the statement it is given: as printed, corrected, or a sibling, deliberately wrong or another true one.
What is printed of it is rendered from what is checked (`normtheory.audit.statements`). Nothing here imports claims: the modules
of the catalogue import this one and fill the registry, and whoever runs it names them.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from importlib import import_module
from typing import Any, Generic, TypeVar

from normtheory.audit.derivation import Derivation

Subject = TypeVar("Subject")  # what a check is about: formulas and numbers by name; the check knows its shape
Check = Callable[[Derivation, Subject], None]
Size = Callable[[Subject, Subject], str]  # (as printed, what holds instead) -> how far they are apart, in a sentence


class Verdict(Enum):
    """What the audit found of a claim."""

    PROVED = "PROVED"  # symbolic, closed under the stated assumptions, agreeing with balls at random points
    CERTIFIED = "CERTIFIED"  # rests on inequalities certified in ball arithmetic on a stated domain
    CONFIRMED = "CONFIRMED"  # rests on numbers that agree within an error budget stated in advance
    CORRECTED = "CORRECTED"  # false or imprecise as printed; the corrected statement passes the same check
    REFUTED = "REFUTED"  # a counterexample, checked exactly
    UNDECIDED = "UNDECIDED"  # none of these; the evidence says what is missing


@dataclass(frozen=True)
class Claim(Generic[Subject]):
    """One statement of the theory, and how it is judged.

    Parameters
    ----------
    id : str
        Stable name: tests, figures and the report use it.
    where : str
        Place in the audited paper, or "theory of ..." for what goes beyond it.
    statement : str
        A template (`normtheory.audit.statements`) that the subject fills.
    check : function
        `check(proof, subject)` writes steps on the `Derivation` it is given.
    printed : object
        The subject that is the statement as printed.
    twins : mapping from names to subjects
        At least one wrong sibling, which the check must find false.
    expected : Verdict
        The verdict found when the claim was last read by a person.
    source : str
        Who proved or printed it.
    exact : object, optional
        For a claim about finetuning: the same statement about what finetuning minimises exactly, rather than by the printed
        formula. The verdict needs both.
    corrected : object, optional
        The subject that is true instead, if there is one.
    corrected_statement : str, optional
        Its template, and that of the twins, where it says more than the printed one.
    siblings : mapping from names to subjects
        Other true statements, weaker or scaled or written in another way, which the check must accept.
    reads : tuple of str
        How words of the paper are read; templates.
    granted : tuple of str
        What is taken for granted and not checked; templates.
    size : function, optional
        How much a correction matters: `size(printed, instead)` measures, when the claim is run, how far the printed subject
        is from the corrected one (from the first sibling, if there is none) on the audited paper's own setting, and says it in
        a sentence. Asked only where the statement turns out false.
    """

    id: str
    where: str
    statement: str
    check: Check[Subject]
    printed: Subject
    twins: Mapping[str, Subject]
    expected: Verdict
    source: str
    exact: Subject | None = None
    corrected: Subject | None = None
    corrected_statement: str = ""
    siblings: Mapping[str, Subject] = field(default_factory=dict)
    reads: tuple[str, ...] = ()
    granted: tuple[str, ...] = ()
    size: Size[Subject] | None = None

    def __post_init__(self) -> None:
        """Refuse a claim that could not be judged."""
        if not (self.id and self.where and self.statement and self.source):
            raise ValueError(f"claim {self.id!r} lacks an id, a place, a statement or a source")
        if not self.twins:
            raise ValueError(f"claim {self.id} has no false twin")
        if self.corrected is None and self.corrected_statement:
            raise ValueError(f"claim {self.id} has a corrected statement, but nothing that is checked for it")
        if self.expected is Verdict.REFUTED and not self.siblings:
            raise ValueError(
                f"claim {self.id} expects a refutation and needs a true sibling: its check might reject everything"
            )

    @property
    def template_of_siblings(self) -> str:
        """The template of the corrected statement, of twins and of siblings."""
        return self.corrected_statement or self.statement


_registry: dict[str, Claim[Any]] = {}
# The modules and packages whose import fills the registry: the claims of the paper's text, then those of its figures.
CATALOGUE = (
    "normtheory.proofs",
    *(
        f"normtheory.figures.diagonal.{name}"
        for name in ("fig1a_claims", "fig1_claims", "fig1_nested_claims", "published_claims", "fig5_claims", "limit_claims")
    ),
    *(
        f"normtheory.figures.relu.{name}"
        for name in ("fig2_claims", "fig2_sparse_claims", "fig4_claims", "fig6_claims", "fig8_claims")
    ),
    *(f"normtheory.figures.deep.{name}" for name in ("fig3_claims", "fig7_claims")),
    "normtheory.figures.captions_claims",
)
Catalogue = str | Sequence[str]  # one module or package, or several
STARTED = ("__main__", "__mp_main__")  # what Python calls the file it was started with, and multiprocessing in a worker


def names(catalogue: Catalogue | None = None) -> tuple[str, ...]:
    """The modules and packages of a catalogue, by default CATALOGUE."""
    chosen = CATALOGUE if catalogue is None else catalogue
    return (chosen,) if isinstance(chosen, str) else tuple(chosen)


def register(claim: Claim[Subject]) -> Claim[Subject]:
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


def claim(
    id: str,  # noqa: A002 - as the field: a claim is written with the words it is shown with
    *,
    where: str,
    statement: str,
    printed: Subject,
    twins: Mapping[str, Subject],
    expected: Verdict,
    source: str,
    exact: Subject | None = None,
    corrected: Subject | None = None,
    corrected_statement: str = "",
    siblings: Mapping[str, Subject] | None = None,
    reads: tuple[str, ...] = (),
    granted: tuple[str, ...] = (),
    size: Size[Subject] | None = None,
) -> Callable[[Check[Subject]], Check[Subject]]:
    """Decorate a check: register the claim it decides. The fields are those of `Claim`.

    Claims of a file that is being run are left to its import under its own name, by which worker processes know them.
    """
    fields = {name: value for name, value in locals().items() if value is not None}

    def decorate(check: Check[Subject]) -> Check[Subject]:
        found = Claim(check=check, **fields)
        if check.__module__ not in STARTED:
            register(found)
        return check

    return decorate


def claims(catalogue: Catalogue | None = None) -> dict[str, Claim[Any]]:
    """The claims of a catalogue by id: those whose checks stand in its modules and packages, which are imported first.

    The default is CATALOGUE. They come in its order, in that of a package's `__all__`, and within a module as they are written.
    """
    modules: list[str] = []
    for name in names(catalogue):
        inside = getattr(import_module(name), "__all__", ())
        modules += [f"{name}.{module}" for module in inside] or [name]
    for name in modules:
        import_module(name)
    position = {name: place for place, name in enumerate(modules)}
    found = [claim for claim in _registry.values() if claim.check.__module__ in position]
    return {claim.id: claim for claim in sorted(found, key=lambda claim: position[claim.check.__module__])}


def find(name: str, catalogue: Catalogue | None = None) -> Claim[Any]:
    """The claim of this id.

    Raises
    ------
    InputError
        If there is none; the message names near misses.
    """
    known = claims(catalogue)
    if name in known:
        return known[name]
    from normtheory.arrays import InputError  # numpy is not needed before

    near = difflib.get_close_matches(name, known, n=3)
    advice = f"did you mean {' or '.join(near)}?" if near else "see the list of claims"
    raise InputError(f"no claim is called {name!r}; {advice}")


def section(claim: Claim[Any]) -> str:
    """The section that a claim's module stands for: what its docstring says before the colon."""
    module = claim.check.__module__
    return (import_module(module).__doc__ or module).split(":")[0]
