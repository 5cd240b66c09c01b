"""Figure 8: dimensionality of ReLU networks (panels a to c), judged on `figures/data/fig8.csv`."""

from __future__ import annotations

import sys
from dataclasses import replace

from normtheory.audit.alone import run_alone
from normtheory.audit.claims import Verdict, claim
from normtheory.audit.derivation import Derivation
from normtheory.audit.statements import Said
from normtheory.figures.comparisons import Comparison
from normtheory.figures.diagonal.stated import SMALL
from normtheory.figures.readings import Each
from normtheory.figures.relu.judged import judge
from normtheory.figures.relu.stated import (
    ALONE,
    DIMENSION,
    EVERY_SINGLE_N,
    FALL,
    LAZY,
    OWN_OVER_SHARED,
    PRETRAINED,
    READS,
    RISE,
    SETTING,
    SHARED_OVER_OWN,
    SPARSE,
    WIDE,
)

SOURCE = "Lindsey & Lippl 2024, Fig. 8"
SINGLY = {"grid": SPARSE, "setting": SETTING, "wide": WIDE}
ONE_UNIT = {**SINGLY, "teachers": Said(magnitude=SMALL)}
DIMENSIONS = ("the participation ratio is that of the hidden activations' covariance on all inputs of the sphere, exactly",)

LOWER = Said(**SINGLY, lower=Comparison(ALONE, 0.8, EVERY_SINGLE_N, Each((LAZY,)), Said(k_main=6), quantity=DIMENSION))


@claim(
    "fig8a",
    where="Fig. 8a, Appendix G",
    statement="on a teacher of <lower.at.k_main> units the <lower.quantity> is from small weights <lower.bound> what it is "
    "for <lower.to>, with <lower.samples> samples",
    printed=LOWER,
    twins={"large weights give fewer dimensions": LOWER.but(lower=LOWER.lower.reversed())},
    siblings={"a weaker bound": LOWER.but(lower=replace(LOWER.lower, most=0.9))},
    reads=(*READS, *DIMENSIONS),
    expected=Verdict.CONFIRMED,
    source=SOURCE,
)
def fig8a(proof: Derivation, stated: Said) -> None:
    """Figure 8a: dimensions of rich and lazy networks."""
    judge(proof, "fig8", "a", stated)


FALLING = Said(
    **ONE_UNIT,
    falls=Comparison(PRETRAINED, 0.8, (64, 128), at=Said(relation="nested", k_main=1, rescale=(0.1, 1.0)), quantity=FALL),
    stays=Comparison(PRETRAINED, 1.1, (64, 128), at=Said(relation="nested", k_main=1, rescale=10.0), quantity=RISE),
)


@claim(
    "fig8b",
    where="Fig. 8b, Appendix G",
    statement="finetuned on a teacher of <falls.at.k_main> auxiliary unit, after the pretrained weights were rescaled by "
    "<falls.at.rescale>, networks have a <falls.quantity> of at most <falls.most>, with <falls.samples> main samples; "
    "rescaled by <stays.at.rescale> they have a <stays.quantity> of at most <stays.most>, with <stays.samples>",
    printed=FALLING,
    twins={
        "it falls at any factor": FALLING.but(
            falls=replace(FALLING.falls, at=Said(relation="nested", k_main=1, rescale=(0.1, 1.0, 10.0)))
        ),
        "it falls at none": FALLING.but(falls=replace(FALLING.falls, quantity=RISE, most=1.1)),
    },
    siblings={"weaker bounds": FALLING.but(falls=replace(FALLING.falls, most=0.9), stays=replace(FALLING.stays, most=1.2))},
    reads=(*READS, *DIMENSIONS),
    expected=Verdict.CONFIRMED,
    source=SOURCE,
)
def fig8b(proof: Derivation, stated: Said) -> None:
    """Figure 8b: dimensions after finetuning, by the factor on the pretrained weights."""
    judge(proof, "fig8", "b", stated)


INHERITED = Said(
    **ONE_UNIT,
    own=Comparison(PRETRAINED, 1.25, (64, 128), at=Said(relation="nested", k_main=1, rescale=1.0), quantity=OWN_OVER_SHARED),
    shared=Comparison(PRETRAINED, 1.25, (64, 128), at=Said(relation="nested", k_main=1, rescale=1.0), quantity=SHARED_OVER_OWN),
)


@claim(
    "fig8c",
    where="Fig. 8c, Appendix G",
    statement="finetuned on a teacher of <own.at.k_main> auxiliary unit, after the pretrained weights were rescaled by "
    "<own.at.rescale>, networks have a <own.quantity> of at most <own.most>, and an <shared.quantity> of at most "
    "<shared.most>, with <own.samples> main samples",
    printed=INHERITED,
    twins={
        "on a unit that is no auxiliary one, too": INHERITED.but(
            own=replace(INHERITED.own, at=Said(relation="disjoint", k_main=1, rescale=1.0))
        ),
        "to a hundredth": INHERITED.but(own=replace(INHERITED.own, most=1.001), shared=replace(INHERITED.shared, most=1.001)),
    },
    siblings={"weaker bounds": INHERITED.but(own=replace(INHERITED.own, most=1.5), shared=replace(INHERITED.shared, most=1.5))},
    reads=(*READS, *DIMENSIONS, "almost identical: within the stated factor either way"),
    expected=Verdict.CONFIRMED,
    source=SOURCE,
)
def fig8c(proof: Derivation, stated: Said) -> None:
    """Figure 8c: dimensions that finetuned networks share with pretrained ones."""
    judge(proof, "fig8", "c", stated)


ONLY_NESTED = Said(
    **ONE_UNIT,
    nested=Comparison(PRETRAINED, 0.8, (64, 128), at=Said(relation="nested", k_main=1, rescale=1.0), quantity=FALL),
    elsewhere=Comparison(
        PRETRAINED, 1.1, (64, 128), at=Said(relation="disjoint", k_main=1, rescale=(0.1, 1.0, 10.0)), quantity=RISE
    ),
    lazy=Comparison(PRETRAINED, 1.1, (64, 128), at=Said(relation="nested", k_main=1, rescale=10.0), quantity=RISE),
)


ALSO_ELSEWHERE = Said(
    **ONE_UNIT,
    nested=ONLY_NESTED.nested,
    elsewhere=Comparison(PRETRAINED, 0.8, (64, 128), at=Said(relation="disjoint", k_main=1, rescale=(0.1, 1.0)), quantity=FALL),
    shares=Comparison(
        PRETRAINED, 1.25, (64, 128), at=Said(relation="nested", k_main=1, rescale=(0.1, 1.0)), quantity=OWN_OVER_SHARED
    ),
    apart=Comparison(
        PRETRAINED, 0.5, (64, 128), at=Said(relation="disjoint", k_main=1, rescale=(0.1, 1.0)), quantity=SHARED_OVER_OWN
    ),
)


@claim(
    "relu-pr-signature",
    where="Appendix G, a fall of the participation ratio as a signature of nested selection",
    statement="the participation ratio falls where units are selected among pretrained ones and nowhere else: on a teacher "
    "of <nested.at.k_main> auxiliary unit the <nested.quantity> is at most <nested.most>, rescaled by <nested.at.rescale>; "
    "on one of a new unit the <elsewhere.quantity> is at most <elsewhere.most>, rescaled by <elsewhere.at.rescale>, and on "
    "the auxiliary one at most <lazy.most> rescaled by <lazy.at.rescale>, with <nested.samples> main samples",
    printed=ONLY_NESTED,
    corrected=ALSO_ELSEWHERE,
    corrected_statement="the participation ratio falls where units are selected among pretrained ones, and where a new one "
    "is learned, too: on a teacher of <nested.at.k_main> auxiliary unit the <nested.quantity> is at most <nested.most>, "
    "rescaled by <nested.at.rescale>, and on one of a new unit at most <elsewhere.most>, rescaled by "
    "<elsewhere.at.rescale>; what tells them apart is what is shared: on the auxiliary unit the <shares.quantity> is at "
    "most <shares.most>, on the new one the <apart.quantity> at most <apart.most>, rescaled by <shares.at.rescale>; with "
    "<nested.samples> main samples",
    twins={
        "it rises there": ALSO_ELSEWHERE.but(nested=replace(ALSO_ELSEWHERE.nested, quantity=RISE)),
        "a new unit shares the dimensions of the start": ALSO_ELSEWHERE.but(
            shares=replace(ALSO_ELSEWHERE.shares, at=ALSO_ELSEWHERE.apart.at)
        ),
    },
    siblings={"a weaker bound": ALSO_ELSEWHERE.but(apart=replace(ALSO_ELSEWHERE.apart, most=0.6))},
    reads=(*READS, *DIMENSIONS),
    expected=Verdict.CORRECTED,
    source="what Appendix G of Lindsey & Lippl 2024 needs for the signature to tell",
)
def signature(proof: Derivation, stated: Said) -> None:
    """Figure 8b: whether a fall of the participation ratio tells nested selection from learning a new unit."""
    judge(proof, "fig8", "b", stated)


if __name__ == "__main__":
    sys.exit(run_alone())
