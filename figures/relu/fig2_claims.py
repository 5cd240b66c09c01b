"""Figure 2, losses of pairs: panels a, e and f, and what rotation of units does, judged on `figures/data/fig2.csv`."""

from __future__ import annotations

import sys
from dataclasses import replace

from normtheory.audit.alone import run_alone
from normtheory.audit.claims import Verdict, claim
from normtheory.audit.derivation import Derivation
from normtheory.audit.statements import Said
from normtheory.figures.comparisons import Comparison
from normtheory.figures.readings import Each
from normtheory.figures.relu.judged import judge
from normtheory.figures.relu.stated import (
    ALONE,
    APART,
    BOTH,
    CORRELATED,
    EVERY_N,
    HALF,
    HELD,
    IDENTICAL,
    KERNEL,
    LOSSES,
    MEANT,
    MIXED,
    NEARLY,
    PAIRS,
    PRETRAINED,
    READS,
    SETTING,
    TRAINED_AT_ONCE,
    WIDE,
)

SOURCE = "Lindsey & Lippl 2024, Fig. 2"
GIVEN = {"grid": PAIRS, "setting": SETTING, "wide": WIDE}
SHARING = Each((NEARLY, IDENTICAL))

PAIR_LOSSES = Said(
    **GIVEN,
    helped=Comparison(BOTH, 0.8, (64, 128), ALONE, Said(relation=SHARING)),
    near=Comparison(BOTH, 2.0, (64, 128), ALONE, Said(relation=APART), both=True),
    lazy=Comparison(BOTH, 0.5, (256,), Each((KERNEL,)), Said(relation=Each((APART, HALF, NEARLY)))),
    middle=Comparison(BOTH, 0.8, (128,), ALONE, Said(relation=HALF)),
    worse=Comparison(TRAINED_AT_ONCE, 0.8, (32, 64), PRETRAINED, Said(relation=IDENTICAL)),
)
MULTI_GAINS = Said(
    **vars(PAIR_LOSSES)
    | {
        "middle": replace(PAIR_LOSSES.middle, of=TRAINED_AT_ONCE),
        "even": Comparison(PRETRAINED, 1.5, (128,), ALONE, Said(relation=HALF), both=True),
    },
)


@claim(
    "fig2a",
    where="Fig. 2a, section 5.1",
    statement="where <helped.at.relation> the loss of <helped.of> is <helped.bound> that of <helped.to>, with "
    "<helped.samples> main samples; where <near.at.relation> it is <near.bound> that of <near.to>, with <near.samples>; "
    "where <lazy.at.relation> it is <lazy.bound> that of <lazy.to>, with <lazy.samples>, and where <middle.at.relation> "
    "also <middle.bound> that of <middle.to>, with <middle.samples>; finetuning can be the worse: where <worse.at.relation> "
    "the loss of <worse.of> is <worse.bound> that of <worse.to>, with <worse.samples>",
    printed=PAIR_LOSSES,
    corrected=MULTI_GAINS,
    corrected_statement="where <helped.at.relation> the loss of <helped.of> is <helped.bound> that of <helped.to>, with "
    "<helped.samples> main samples; where <near.at.relation> it is <near.bound> that of <near.to>, with <near.samples>; "
    "where <lazy.at.relation> it is <lazy.bound> that of <lazy.to>, with <lazy.samples>; where <middle.at.relation> that of "
    "<middle.of> is <middle.bound> that of <middle.to>, with <middle.samples>, but that of <even.of> only <even.bound> it, "
    "with <even.samples>; finetuning can be the worse: where <worse.at.relation> the loss of <worse.of> is <worse.bound> "
    "that of <worse.to>, with <worse.samples>",
    twins={
        "single-task learning is better where units are shared": MULTI_GAINS.but(helped=MULTI_GAINS.helped.reversed()),
        "lazy learning does as well": MULTI_GAINS.but(lazy=MULTI_GAINS.lazy.reversed()),
        "finetuning is better where units are shared": MULTI_GAINS.but(worse=MULTI_GAINS.worse.reversed()),
        "in another setting": MULTI_GAINS.but(setting=replace(SETTING, gamma=2 * SETTING.gamma)),
    },
    siblings={
        "weaker bounds": MULTI_GAINS.but(
            helped=replace(MULTI_GAINS.helped, most=0.9), near=replace(MULTI_GAINS.near, most=3.0)
        ),
    },
    reads=(*READS, *LOSSES, MEANT),
    expected=Verdict.CORRECTED,
    source=SOURCE,
)
def fig2a(proof: Derivation, stated: Said) -> None:
    """Figure 2a: generalisation losses by the number of shared units."""
    judge(proof, "fig2", "a", stated)


SOFT = Said(
    **GIVEN,
    better=Comparison(PRETRAINED, 0.8, (64, 128, 256), TRAINED_AT_ONCE, Said(relation=CORRELATED)),
)


@claim(
    "fig2e",
    where="Fig. 2e, section 5.2",
    statement="where <better.at.relation>, with a cosine of <setting.cosine>, the loss of <better.of> is <better.bound> "
    "that of <better.to>, with <better.samples> main samples",
    printed=SOFT,
    twins={
        "multi-task training is better": SOFT.but(better=SOFT.better.reversed()),
        "in another setting": SOFT.but(setting=replace(SETTING, cosine=SETTING.cosine / 2)),
    },
    siblings={"a weaker bound": SOFT.but(better=replace(SOFT.better, most=0.9))},
    reads=(*READS, *LOSSES, MEANT),
    expected=Verdict.CONFIRMED,
    source=SOURCE,
)
def fig2e(proof: Derivation, stated: Said) -> None:
    """Figure 2e: main units correlated with the auxiliary ones."""
    judge(proof, "fig2", "e", stated)


CROSSING = Said(
    **GIVEN,
    few=Comparison(TRAINED_AT_ONCE, 0.9, (32,), PRETRAINED, Said(relation=MIXED)),
    many=Comparison(PRETRAINED, 0.9, (256,), TRAINED_AT_ONCE, Said(relation=MIXED)),
)


@claim(
    "fig2f",
    where="Fig. 2f, section 5.2",
    statement="where <few.at.relation>, with a cosine of <setting.cosine>, the loss of <few.of> is <few.bound> that of "
    "<few.to> with <few.samples> main samples, and that of <many.of> is <many.bound> that of <many.to> with <many.samples>",
    printed=CROSSING,
    twins={
        "multi-task training is better with many samples": CROSSING.but(many=CROSSING.many.reversed()),
        "finetuning is better with few": CROSSING.but(few=CROSSING.few.reversed()),
    },
    siblings={"weaker bounds": CROSSING.but(few=replace(CROSSING.few, most=1.0), many=replace(CROSSING.many, most=1.0))},
    reads=(*READS, *LOSSES, MEANT, "the example is a mixture of identically shared and of correlated units"),
    expected=Verdict.CONFIRMED,
    source=SOURCE,
)
def fig2f(proof: Derivation, stated: Said) -> None:
    """Figure 2f: some units shared, another correlated."""
    judge(proof, "fig2", "f", stated)


SPECIAL = Said(
    **GIVEN,
    shared=Comparison(TRAINED_AT_ONCE, 1.0, EVERY_N, PRETRAINED, Said(relation=IDENTICAL)),
    correlated=Comparison(PRETRAINED, 1.0, EVERY_N, TRAINED_AT_ONCE, Said(relation=CORRELATED)),
)
FEW_SHARED = SPECIAL.but(shared=replace(SPECIAL.shared, samples=EVERY_N[:2]))


@claim(
    "relu-crossover",
    where="section 5.2, the trade-off it concludes",
    statement="multi-task training and finetuning cross only where units are of both kinds: where <shared.at.relation> the "
    "loss of <shared.of> is <shared.bound> that of <shared.to> at every number of samples, <shared.samples>, and where "
    "<correlated.at.relation> that of <correlated.of> is <correlated.bound> that of <correlated.to>, with "
    "<correlated.samples>",
    printed=SPECIAL,
    corrected=FEW_SHARED,
    corrected_statement="where <shared.at.relation> the loss of <shared.of> is <shared.bound> that of <shared.to> with few "
    "samples, <shared.samples>, and where <correlated.at.relation> that of <correlated.of> is <correlated.bound> that of "
    "<correlated.to> at every number of samples, <correlated.samples>",
    twins={
        "finetuning is better at shared units": FEW_SHARED.but(shared=FEW_SHARED.shared.reversed()),
        "multi-task training is better at correlated ones": FEW_SHARED.but(correlated=FEW_SHARED.correlated.reversed()),
    },
    siblings={
        "weaker bounds": FEW_SHARED.but(
            shared=replace(FEW_SHARED.shared, most=1.2), correlated=replace(FEW_SHARED.correlated, most=1.2)
        )
    },
    reads=(*READS, *LOSSES, MEANT),
    expected=Verdict.CORRECTED,
    source="what section 5.2 of Lindsey & Lippl 2024 implies",
)
def crossover(proof: Derivation, stated: Said) -> None:
    """Figure 2a and 2e: whether the crossing of panel f is special to mixtures."""
    judge(proof, "fig2", "ae", stated)


ROTATION = Said(
    **GIVEN,
    harm=Comparison(Each((HELD,)), 0.1, (32, 64), PRETRAINED, Said(relation=IDENTICAL)),
    use=Comparison(PRETRAINED, 0.1, (128, 256), Each((HELD,)), Said(relation=Each((CORRELATED, APART)))),
)


@claim(
    "relu-rotation",
    where="section 5.2, its hypothesis",
    statement="that units turn in finetuning is what costs samples where they need not: where <harm.at.relation> the loss "
    "of <harm.of> is <harm.bound> that of <harm.to>, with <harm.samples> main samples; and it is what finds other units: "
    "where <use.at.relation> the loss of <use.of> is <use.bound> that of <use.to>, with <use.samples>",
    printed=ROTATION,
    twins={
        "turning helps where units are shared": ROTATION.but(harm=ROTATION.harm.reversed()),
        "units need not turn to find others": ROTATION.but(use=ROTATION.use.reversed()),
    },
    siblings={"weaker bounds": ROTATION.but(harm=replace(ROTATION.harm, most=0.5), use=replace(ROTATION.use, most=0.5))},
    reads=(
        *READS,
        *LOSSES,
        "the hypothesis of section 5.2 as an intervention: the same finetuning from the same start, in which lengths and "
        "readout are trained and directions are not; its end is exact (claim exact-any-init)",
    ),
    expected=Verdict.CONFIRMED,
    source="hypothesis of Lindsey & Lippl 2024, section 5.2; the intervention is this project's",
)
def rotation(proof: Derivation, stated: Said) -> None:
    """Figure 2a and 2e: finetuning with and without rotation of units."""
    judge(proof, "fig2", "ae", stated)


if __name__ == "__main__":
    sys.exit(run_alone())
