"""Figure 6: what caption and text draw from each panel, judged on `figures/data/fig6.csv`."""

from __future__ import annotations

import sys
from dataclasses import replace

from normtheory.audit.alone import run_alone
from normtheory.audit.claims import Verdict, claim
from normtheory.audit.derivation import Derivation
from normtheory.audit.statements import Said
from normtheory.figures.comparisons import Comparison, Excess
from normtheory.figures.diagonal.stated import SMALL
from normtheory.figures.readings import Each
from normtheory.figures.relu.judged import judge
from normtheory.figures.relu.stated import (
    ALONE,
    APART,
    BOTH,
    CORRELATED,
    EVERY_N,
    EVERY_SINGLE_N,
    HALF,
    IDENTICAL,
    INERTIA,
    LAZY,
    MEANT,
    MISALIGNED,
    MISALIGNMENT,
    NEARLY,
    PAIRS,
    PRETRAINED,
    READS,
    SETTING,
    SPARSE,
    SPREAD,
    TRAINED_AT_ONCE,
    WIDE,
)

SOURCE = "Lindsey & Lippl 2024, Fig. 6"
PAIR = {"grid": PAIRS, "setting": SETTING, "wide": WIDE}
SINGLY = {"grid": SPARSE, "setting": SETTING, "wide": WIDE}
ONE_UNIT = {**SINGLY, "teachers": Said(magnitude=SMALL)}
FEWEST, MOST = EVERY_SINGLE_N[0], EVERY_SINGLE_N[-1]

ALONE_SPARSE = Said(
    **SINGLY,
    few=Comparison(ALONE, 0.1, (256, 1024), at=Said(k_main=6, clusters=6), quantity=INERTIA),
    more=Comparison(ALONE, 0.8, at=Said(k_main=1000, clusters=6, n=FEWEST), than=Said(n=MOST), quantity=INERTIA),
    lazy=Comparison(ALONE, 0.5, EVERY_SINGLE_N, Each((LAZY,)), Said(k_main=6, clusters=6), quantity=INERTIA),
)
LATER_SPARSE = ALONE_SPARSE.but(few=replace(ALONE_SPARSE.few, samples=(MOST,)))


@claim(
    "fig6a",
    where="Fig. 6a, section E.2.1",
    statement="learning a single task of <few.at.k_main> teacher units, <few.at.clusters> clusters leave an <few.quantity> "
    "of at most <few.most>, with <few.samples> samples; of <more.at.k_main> units it is with <more.at.n> samples "
    "<more.bound> what it is with <more.than.n>; from small weights it is <lazy.bound> what it is for <lazy.to>, with "
    "<lazy.samples>",
    printed=ALONE_SPARSE,
    corrected=LATER_SPARSE,
    twins={
        "large weights give the sparser networks": LATER_SPARSE.but(lazy=LATER_SPARSE.lazy.reversed()),
        "fewer clusters with more samples": LATER_SPARSE.but(more=LATER_SPARSE.more.reversed()),
    },
    siblings={"a weaker bound": LATER_SPARSE.but(few=replace(LATER_SPARSE.few, most=0.2))},
    reads=(*READS, "small weights: the rich regime; large ones, of scale <setting.scale_lazy>: the lazy one"),
    expected=Verdict.CORRECTED,
    source=SOURCE,
)
def fig6a(proof: Derivation, stated: Said) -> None:
    """Figure 6a: clusters of networks trained on one task."""
    judge(proof, "fig6", "a", stated)


FOUND_ALONE = Said(
    **SINGLY,
    high=Comparison(ALONE, 0.1, (MOST,), at=Said(k_main=6), quantity=MISALIGNED),
    rises=Comparison(ALONE, 0.5, at=Said(k_main=6, n=MOST), than=Said(n=FEWEST), quantity=MISALIGNED),
)


@claim(
    "fig6b",
    where="Fig. 6b, section E.2.1",
    statement="learning a single task of <high.at.k_main> teacher units, the <high.quantity> is at most <high.most> with "
    "<high.samples> samples, and with <rises.at.n> <rises.bound> what it is with <rises.than.n>",
    printed=FOUND_ALONE,
    twins={
        "it falls with the samples": FOUND_ALONE.but(rises=FOUND_ALONE.rises.reversed()),
        "with few samples already": FOUND_ALONE.but(high=replace(FOUND_ALONE.high, samples=(FEWEST,), most=0.01)),
    },
    siblings={"weaker bounds": FOUND_ALONE.but(high=replace(FOUND_ALONE.high, most=0.2))},
    reads=(*READS, MISALIGNMENT),
    expected=Verdict.CONFIRMED,
    source=SOURCE,
)
def fig6b(proof: Derivation, stated: Said) -> None:
    """Figure 6b: alignment of networks trained on one task."""
    judge(proof, "fig6", "b", stated)


AS_SPARSE = Said(**PAIR, beside=Excess(PRETRAINED, 0.1, EVERY_N, ALONE, Said(relation=APART, clusters=6), quantity=INERTIA))
LESS_SPARSE = Said(
    **PAIR,
    beside=replace(AS_SPARSE.beside, most=0.4),
    less=Excess(ALONE, -0.05, EVERY_N[1:], PRETRAINED, AS_SPARSE.beside.at, quantity=INERTIA),
)


@claim(
    "fig6c",
    where="Fig. 6c, section E.2.2",
    statement="where <beside.at.relation> the <beside.quantity> that <beside.at.clusters> clusters leave for <beside.of> "
    "exceeds that for <beside.to> by at most <beside.most>, with <beside.samples> main samples",
    printed=AS_SPARSE,
    corrected=LESS_SPARSE,
    corrected_statement="where <beside.at.relation> finetuned networks are the less sparse: the <beside.quantity> that "
    "<beside.at.clusters> clusters leave for <beside.of> exceeds that for <beside.to> by at most <beside.most>, with "
    "<beside.samples> main samples, and that for <less.of> exceeds that for <less.to> by at most <less.most>, with "
    "<less.samples>",
    twins={
        "sparser by as much": LESS_SPARSE.but(
            beside=Excess(PRETRAINED, -0.1, EVERY_N, ALONE, AS_SPARSE.beside.at, quantity=INERTIA)
        ),
        "less sparse by much more": LESS_SPARSE.but(less=replace(LESS_SPARSE.less, most=-0.4)),
    },
    siblings={"a weaker bound": LESS_SPARSE.but(beside=replace(LESS_SPARSE.beside, most=0.5))},
    reads=(*READS, "comparable: the share of variance left is not larger by more than stated"),
    expected=Verdict.CORRECTED,
    source=SOURCE,
)
def fig6c(proof: Derivation, stated: Said) -> None:
    """Figure 6c: clusters of finetuned networks."""
    judge(proof, "fig6", "c", stated)


def unique(relation: str, count: int, most: float = 0.05) -> Comparison:
    """What as many clusters leave as both teachers have different units."""
    return Comparison(TRAINED_AT_ONCE, most, (EVERY_N[-1],), at=Said(relation=relation, clusters=count), quantity=INERTIA)


UNIQUE = Said(**PAIR, apart=unique(APART, 12), half=unique(HALF, 9), nearly=unique(NEARLY, 7), identical=unique(IDENTICAL, 6))
NEARLY_UNIQUE = UNIQUE.but(apart=unique(APART, 12, 0.3), half=unique(HALF, 9, 0.1))


@claim(
    "fig6d",
    where="Fig. 6d, section E.2.2",
    statement="networks trained on both tasks use as many features as both teachers have different units: with "
    "<apart.samples> main samples the <apart.quantity> is at most <apart.most>, where <apart.at.relation> with "
    "<apart.at.clusters> clusters, where <half.at.relation> with <half.at.clusters>, where <nearly.at.relation> with "
    "<nearly.at.clusters> and where <identical.at.relation> with <identical.at.clusters>",
    printed=UNIQUE,
    corrected=NEARLY_UNIQUE,
    corrected_statement="networks trained on both tasks come the nearer to as many features as both teachers have different "
    "units the more of these are shared: with <apart.samples> main samples the <apart.quantity> is at most <apart.most> "
    "where <apart.at.relation> with <apart.at.clusters> clusters, at most <half.most> where <half.at.relation> with "
    "<half.at.clusters>, at most <nearly.most> where <nearly.at.relation> with <nearly.at.clusters> and at most "
    "<identical.most> where <identical.at.relation> with <identical.at.clusters>",
    twins={
        "a third of the clusters suffices": UNIQUE.but(
            apart=unique(APART, 4), half=unique(HALF, 3), nearly=unique(NEARLY, 2), identical=unique(IDENTICAL, 2)
        )
    },
    siblings={"where all are shared": UNIQUE.but(apart=UNIQUE.identical, half=UNIQUE.identical, nearly=UNIQUE.identical)},
    reads=READS,
    expected=Verdict.CORRECTED,
    source=SOURCE,
)
def fig6d(proof: Derivation, stated: Said) -> None:
    """Figure 6d: clusters of networks trained on both tasks."""
    judge(proof, "fig6", "d", stated)


CLOSER = Said(
    **PAIR,
    helped=Comparison(BOTH, 0.5, (32, 64), ALONE, Said(relation=IDENTICAL), quantity=MISALIGNED),
    shared=Comparison(TRAINED_AT_ONCE, 0.8, (32, 64), PRETRAINED, Said(relation=IDENTICAL), quantity=MISALIGNED),
    correlated=Comparison(PRETRAINED, 0.8, (64, 128, 256), TRAINED_AT_ONCE, Said(relation=CORRELATED), quantity=MISALIGNED),
)


@claim(
    "fig6e",
    where="Fig. 6e, sections 5.2 and E.2.2",
    statement="where <helped.at.relation> the <helped.quantity> is for <helped.of> <helped.bound> that for <helped.to>, "
    "with few main samples, <helped.samples>, and for <shared.of> <shared.bound> that for <shared.to>, with "
    "<shared.samples>; where <correlated.at.relation> it is for <correlated.of> <correlated.bound> that for "
    "<correlated.to>, with <correlated.samples>",
    printed=CLOSER,
    twins={
        "finetuning finds shared units better": CLOSER.but(shared=CLOSER.shared.reversed()),
        "multi-task training finds correlated units better": CLOSER.but(correlated=CLOSER.correlated.reversed()),
        "single-task learning finds them better": CLOSER.but(helped=CLOSER.helped.reversed()),
    },
    siblings={"a weaker bound": CLOSER.but(helped=replace(CLOSER.helped, most=0.6))},
    reads=(*READS, MEANT),
    expected=Verdict.CONFIRMED,
    source=SOURCE,
)
def fig6e(proof: Derivation, stated: Said) -> None:
    """Figure 6e: alignment by the relation of the tasks."""
    judge(proof, "fig6", "e", stated)


SELECTED = Said(
    **ONE_UNIT,
    low=Comparison(PRETRAINED, 0.2, (64, 128), at=Said(k_main=1, clusters=1, rescale=(0.1, 1.0)), quantity=SPREAD),
    lazy=Comparison(
        PRETRAINED, 0.5, (64, 128), at=Said(k_main=1, clusters=1, rescale=(0.1, 1.0)), than=Said(rescale=10.0), quantity=SPREAD
    ),
    multi=Comparison(PRETRAINED, 0.5, (64, 128), TRAINED_AT_ONCE, Said(k_main=1, clusters=1, rescale=1.0), quantity=SPREAD),
)


@claim(
    "fig6f",
    where="Fig. 6f, section E.2.3",
    statement="on a teacher of <low.at.k_main> auxiliary unit, after the pretrained weights were rescaled by "
    "<low.at.rescale>, the <low.quantity>, with <low.at.clusters> cluster, is for <low.of> at most <low.most>, with "
    "<low.samples> main samples, and <lazy.bound> that after rescaling by <lazy.than.rescale>, with <lazy.samples>; "
    "rescaled by <multi.at.rescale> it is <multi.bound> that for <multi.to>, with <multi.samples>",
    printed=SELECTED,
    twins={
        "multi-task training is the sparser": SELECTED.but(multi=SELECTED.multi.reversed()),
        "networks of large weights are the sparser": SELECTED.but(
            lazy=replace(SELECTED.lazy, at=Said(k_main=1, clusters=1, rescale=10.0), than=Said(rescale=1.0))
        ),
    },
    siblings={"a weaker bound": SELECTED.but(low=replace(SELECTED.low, most=0.3))},
    reads=(*READS, "inertia about zero: about the mean a single cluster leaves all of it, whatever the network"),
    expected=Verdict.CONFIRMED,
    source=SOURCE,
)
def fig6f(proof: Derivation, stated: Said) -> None:
    """Figure 6f: one cluster, by method and factor."""
    judge(proof, "fig6", "f", stated)


BIASED = Said(
    **ONE_UNIT,
    higher=Comparison(
        PRETRAINED,
        0.5,
        (32,),
        at=Said(relation="nested", k_main=1, rescale=1.0),
        than=Said(relation="disjoint"),
        quantity=MISALIGNED,
    ),
    lost=Comparison(
        PRETRAINED, 0.5, (32,), at=Said(relation="disjoint", k_main=1, rescale=0.1), than=Said(rescale=1.0), quantity=MISALIGNED
    ),
)


@claim(
    "fig6g",
    where="Fig. 6g, section E.2.3",
    statement="on a teacher of <higher.at.k_main> unit, after the pretrained weights were rescaled by <higher.at.rescale>, "
    "the <higher.quantity> is, where the unit is an auxiliary one, <higher.bound> what it is where it is not, with "
    "<higher.samples> main samples; where it is not, it is after rescaling by <lost.at.rescale> <lost.bound> what it is by "
    "<lost.than.rescale>, with <lost.samples>",
    printed=BIASED,
    twins={"task-specific units are found better": BIASED.but(higher=BIASED.higher.reversed())},
    siblings={"a weaker bound": BIASED.but(higher=replace(BIASED.higher, most=0.6))},
    reads=(*READS, "the benefit of shared units is mostly lost: new ones are found, too, after the smaller factor"),
    expected=Verdict.CONFIRMED,
    source=SOURCE,
)
def fig6g(proof: Derivation, stated: Said) -> None:
    """Figure 6g: alignment with a unit that is an auxiliary one, or is not."""
    judge(proof, "fig6", "g", stated)


if __name__ == "__main__":
    sys.exit(run_alone())
