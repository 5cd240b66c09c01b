"""Figure 2, sparse main tasks and learned units: panels b, c, d, g, h and i, judged on `figures/data/fig2.csv`."""

from __future__ import annotations

import sys
from dataclasses import replace

from normtheory.audit.alone import run_alone
from normtheory.audit.claims import Verdict, claim
from normtheory.audit.derivation import Derivation
from normtheory.audit.statements import Said
from normtheory.figures.comparisons import Comparison, Excess, Steps
from normtheory.figures.diagonal.stated import LARGE, SMALL
from normtheory.figures.readings import Each
from normtheory.figures.relu.cells import MOST_CLUSTERS
from normtheory.figures.relu.judged import judge
from normtheory.figures.relu.stated import (
    ALONE,
    BOTH,
    EVERY_N,
    INERTIA,
    LOSSES,
    MEANT,
    MISALIGNED,
    MISALIGNMENT,
    NEARLY,
    PAIRS,
    PRETRAINED,
    READS,
    SETTING,
    SIZES,
    SPARSE,
    SPREAD,
    TEACHERS,
    TRAINED_AT_ONCE,
    WIDE,
)

SOURCE = "Lindsey & Lippl 2024, Fig. 2"
PAIR = {"grid": PAIRS, "setting": SETTING, "wide": WIDE}
FEW_UNITS = {"grid": SPARSE, "setting": SETTING, "wide": WIDE, "teachers": TEACHERS, "size_aux": LARGE}

FEWER = Said(
    **FEW_UNITS,
    gain=Comparison(BOTH, 0.5, (64,), at=Said(k_main=1), than=Said(k_main=6)),
    steps=Steps(BOTH, 1.0, (64,), at=Said(k_main=tuple(SETTING.units)), along="k_main"),
)


@claim(
    "fig2b",
    where="Fig. 2b, section 5.1",
    statement="where no main unit is an auxiliary one the loss of <gain.of> on a teacher of <gain.at.k_main> unit is "
    "<gain.bound> that on one of <gain.than.k_main>, with <gain.samples> main samples, and from each of <steps.at.k_main> "
    "to the next it is <steps.bound> that of the next, with <steps.samples>",
    printed=FEWER,
    twins={
        "denser teachers are easier": FEWER.but(gain=FEWER.gain.reversed()),
        "each denser teacher is easier": FEWER.but(steps=FEWER.steps.reversed()),
    },
    siblings={
        "a weaker bound": FEWER.but(gain=replace(FEWER.gain, most=0.6)),
        "the smaller readouts alone": FEWER.but(teachers=TEACHERS.but(magnitude=SMALL)),
    },
    reads=(*READS, *LOSSES, *SIZES, MEANT),
    expected=Verdict.CONFIRMED,
    source=SOURCE,
)
def fig2b(proof: Derivation, stated: Said) -> None:
    """Figure 2b: main teachers of few units, none of them auxiliary."""
    judge(proof, "fig2", "b", stated)


CLUSTERED = Said(
    **PAIR,
    few=Comparison(BOTH, 0.1, (128, 256), at=Said(relation=NEARLY, clusters=7), quantity=INERTIA),
    beside=Excess(BOTH, 0.1, EVERY_N, ALONE, Said(relation=NEARLY, clusters=7), quantity=INERTIA),
)
MULTI_CLUSTERED = Said(
    **vars(CLUSTERED)
    | {
        "few": replace(CLUSTERED.few, of=TRAINED_AT_ONCE),
        "later": replace(CLUSTERED.few, of=PRETRAINED, samples=(EVERY_N[-1],)),
    },
)


@claim(
    "fig2c",
    where="Fig. 2c, section 5.1",
    statement="where <few.at.relation>, <few.at.clusters> clusters leave an <few.quantity> of at most <few.most> for "
    "<few.of>, with <few.samples> main samples, which exceeds that of <beside.to> by at most <beside.most>, with "
    "<beside.samples>",
    printed=CLUSTERED,
    corrected=MULTI_CLUSTERED,
    corrected_statement="where <few.at.relation>, <few.at.clusters> clusters leave an <few.quantity> of at most <few.most> "
    "for <few.of>, with <few.samples> main samples, and of at most <later.most> for <later.of>, with <later.samples>; for "
    "<beside.of> it exceeds that of <beside.to> by at most <beside.most>, with <beside.samples>",
    twins={
        "one cluster suffices": MULTI_CLUSTERED.but(few=replace(CLUSTERED.few, at=Said(relation=NEARLY, clusters=1))),
        "a hundredth of the bound, with all samples": MULTI_CLUSTERED.but(
            few=replace(CLUSTERED.few, most=0.001, samples=EVERY_N)
        ),
    },
    siblings={
        "weaker bounds": MULTI_CLUSTERED.but(few=replace(CLUSTERED.few, most=0.2), beside=replace(CLUSTERED.beside, most=0.2))
    },
    reads=(
        *READS,
        "sparse: as many clusters as both teachers have different units explain the directions of all units, weighed by "
        "what they contribute; inertia is the share of the variance about the weighted mean that they leave",
    ),
    expected=Verdict.CORRECTED,
    source=SOURCE,
)
def fig2c(proof: Derivation, stated: Said) -> None:
    """Figure 2c: clusters of hidden units where nearly all units are shared."""
    judge(proof, "fig2", "c", stated)


ALIGNED = Said(
    **PAIR, count=MOST_CLUSTERS, closer=Comparison(BOTH, 0.8, (32, 64), ALONE, Said(relation=NEARLY), quantity=MISALIGNED)
)


@claim(
    "fig2d",
    where="Fig. 2d, section 5.1",
    statement="where <closer.at.relation> the <closer.quantity> of the best of <count> clusters is for <closer.of> "
    "<closer.bound> that for <closer.to>, with <closer.samples> main samples",
    printed=ALIGNED,
    twins={"single-task learning finds them better": ALIGNED.but(closer=ALIGNED.closer.reversed())},
    siblings={"a weaker bound": ALIGNED.but(closer=replace(ALIGNED.closer, most=0.9))},
    reads=(*READS, MISALIGNMENT),
    expected=Verdict.CONFIRMED,
    source=SOURCE,
)
def fig2d(proof: Derivation, stated: Said) -> None:
    """Figure 2d: alignment of clusters with the main teacher's units."""
    judge(proof, "fig2", "d", stated)


NESTED = Said(
    **FEW_UNITS,
    gain=Comparison(PRETRAINED, 0.5, (32, 64), at=Said(k_main=1, rescale=(0.1, 1.0)), than=Said(k_main=6)),
    lazy=Comparison(PRETRAINED, 2.0, (32, 64), at=Said(k_main=1, rescale=10.0), than=Said(k_main=6), both=True),
    absent=Comparison(TRAINED_AT_ONCE, 2.0, (32, 64), at=Said(k_main=1), than=Said(k_main=6), both=True),
)
SELECTING = Said(
    **FEW_UNITS,
    gain=replace(NESTED.gain, samples=(64,)),
    lazy=NESTED.lazy,
    absent=Comparison(
        TRAINED_AT_ONCE, 3.0, (32, 64), at=Said(k_main=1, magnitude=Each((SMALL,))), than=Said(k_main=6), both=True
    ),
    selects=Comparison(TRAINED_AT_ONCE, 0.2, (32, 64), at=Said(k_main=1, magnitude=Each((LARGE,))), than=Said(k_main=6)),
)


@claim(
    "fig2g",
    where="Fig. 2g, section 5.3",
    statement="where the main units are auxiliary ones and pretrained weights were rescaled by <gain.at.rescale>, the loss "
    "of <gain.of> on a teacher of <gain.at.k_main> unit is <gain.bound> that on one of <gain.than.k_main>, with "
    "<gain.samples> main samples; rescaled by <lazy.at.rescale> it is <lazy.bound> that, with <lazy.samples>, and for "
    "<absent.of> it is <absent.bound> that, with <absent.samples>",
    printed=NESTED,
    corrected=SELECTING,
    corrected_statement="where the main units are auxiliary ones and pretrained weights were rescaled by <gain.at.rescale>, "
    "the loss of <gain.of> on a teacher of <gain.at.k_main> unit is <gain.bound> that on one of <gain.than.k_main>, with "
    "<gain.samples> main samples; rescaled by <lazy.at.rescale> it is <lazy.bound> that, with <lazy.samples>; for "
    "<absent.of> it hangs on the readouts: of size <absent.at.magnitude> it is <absent.bound> that, with <absent.samples>, "
    "of size <selects.at.magnitude> it is <selects.bound> that, with <selects.samples>",
    twins={
        "denser subsets are easier": SELECTING.but(gain=SELECTING.gain.reversed()),
        "multi-task training selects whatever the readouts": SELECTING.but(
            absent=replace(SELECTING.absent, most=0.1, both=False)
        ),
        "nor does it with larger readouts": SELECTING.but(selects=SELECTING.selects.reversed()),
    },
    siblings={
        "a weaker bound": SELECTING.but(selects=replace(SELECTING.selects, most=0.3)),
        "the smaller readouts alone": SELECTING.but(teachers=TEACHERS.but(magnitude=SMALL)),
    },
    reads=(*READS, *LOSSES, *SIZES, MEANT, "no nested selection: the number of units matters by less than the stated factor"),
    expected=Verdict.CORRECTED,
    source=SOURCE,
)
def fig2g(proof: Derivation, stated: Said) -> None:
    """Figure 2g: main units among the auxiliary ones, by the factor on the pretrained weights."""
    judge(proof, "fig2", "g", stated)


SMALL_ONLY = {**FEW_UNITS, "teachers": Said(magnitude=SMALL)}
ONE = Said(
    **SMALL_ONLY,
    low=Comparison(PRETRAINED, 0.2, (64, 128), at=Said(k_main=1, clusters=1, rescale=(0.1, 1.0)), quantity=SPREAD),
    beside=Comparison(
        PRETRAINED, 0.5, (64, 128), at=Said(k_main=1, clusters=1, rescale=(0.1, 1.0)), than=Said(rescale=10.0), quantity=SPREAD
    ),
)


@claim(
    "fig2h",
    where="Fig. 2h, section 5.3",
    statement="finetuned on a teacher of <low.at.k_main> auxiliary unit, after the pretrained weights were rescaled by "
    "<low.at.rescale>, networks have an <low.quantity>, with <low.at.clusters> cluster, of at most <low.most>, with "
    "<low.samples> main samples; it is <beside.bound> that after rescaling by <beside.than.rescale>, with <beside.samples>",
    printed=ONE,
    twins={
        "networks of large weights are the sparser": ONE.but(
            beside=replace(ONE.beside, at=Said(k_main=1, clusters=1, rescale=10.0), than=Said(rescale=1.0))
        ),
        "after any rescaling": ONE.but(low=replace(ONE.low, at=Said(k_main=1, clusters=1, rescale=(0.1, 1.0, 10.0)))),
    },
    siblings={"weaker bounds": ONE.but(low=replace(ONE.low, most=0.3), beside=replace(ONE.beside, most=0.6))},
    reads=(*READS, "inertia about zero: about the mean a single cluster leaves all of it, whatever the network"),
    expected=Verdict.CONFIRMED,
    source=SOURCE,
)
def fig2h(proof: Derivation, stated: Said) -> None:
    """Figure 2h: one cluster for a teacher of one auxiliary unit."""
    judge(proof, "fig2", "h", stated)


REUSE = Said(
    **SMALL_ONLY,
    shared=Comparison(
        PRETRAINED, 0.5, (32,), at=Said(relation="nested", k_main=1, rescale=(1.0, 10.0)), than=Said(relation="disjoint")
    ),
    lost=Comparison(
        PRETRAINED, 2.0, (32,), at=Said(relation="nested", k_main=1, rescale=0.1), than=Said(relation="disjoint"), both=True
    ),
)
NO_REUSE = REUSE.but(
    lost=Comparison(PRETRAINED, 2.0, (32,), at=Said(relation="disjoint", k_main=1, rescale=0.1), than=Said(relation="nested"))
)


@claim(
    "fig2i",
    where="Fig. 2i, section 5.3",
    statement="on a teacher of <shared.at.k_main> unit, after the pretrained weights were rescaled by <shared.at.rescale>, "
    "the loss of <shared.of> is, where the unit is an auxiliary one, <shared.bound> what it is where it is not, with "
    "<shared.samples> main samples; rescaled by <lost.at.rescale> it is <lost.bound> that, with <lost.samples>",
    printed=REUSE,
    corrected=NO_REUSE,
    corrected_statement="on a teacher of <shared.at.k_main> unit, after the pretrained weights were rescaled by "
    "<shared.at.rescale>, the loss of <shared.of> is, where the unit is an auxiliary one, <shared.bound> what it is where "
    "it is not, with <shared.samples> main samples; rescaled by <lost.at.rescale> it is, where the unit is not an auxiliary "
    "one, <lost.bound> what it is where it is, with <lost.samples>",
    twins={"task-specific units are easier": NO_REUSE.but(shared=NO_REUSE.shared.reversed())},
    siblings={"weaker bounds": NO_REUSE.but(shared=replace(NO_REUSE.shared, most=0.6), lost=replace(NO_REUSE.lost, most=3.0))},
    reads=(
        *READS,
        *LOSSES,
        MEANT,
        "the rich regime, which does not depend on the initialisation, is that of the smallest factor",
    ),
    expected=Verdict.CORRECTED,
    source=SOURCE,
)
def fig2i(proof: Derivation, stated: Said) -> None:
    """Figure 2i: a main unit that is an auxiliary one, or is not, by the factor on the pretrained weights."""
    judge(proof, "fig2", "i", stated)


if __name__ == "__main__":
    sys.exit(run_alone())
