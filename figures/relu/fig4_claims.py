"""Figure 4: larger teachers, judged on `figures/data/fig4.csv`."""

from __future__ import annotations

import sys
from dataclasses import replace

from normtheory.audit.alone import run_alone
from normtheory.audit.claims import Verdict, claim
from normtheory.audit.derivation import Derivation
from normtheory.audit.statements import Said
from normtheory.figures.comparisons import Comparison
from normtheory.figures.readings import Each, Method, Way
from normtheory.figures.relu.judged import judge
from normtheory.figures.relu.stated import BIG, KERNEL, LAZY, READS, WIDE

SOURCE = "Lindsey & Lippl 2024, Fig. 4"
GIVEN = {"grid": BIG, "setting": BIG, "wide": WIDE}
FEW, MANY = BIG.units_single
NONE, SOME, ALL = (f"{shared}/{BIG.units_aux} shared" for shared in BIG.shared)
MOST, MOST_ALONE = BIG.samples[-1], BIG.samples_sparsest[-1]

# Stochastic descent ends at a training loss; it is judged where its loss was least, too, as published.
ENDS = (Way("at the last training loss", "descent"), Way("where the loss is least on the way", "descent", "best_loss"))
TRAINED_AT_ONCE, PRETRAINED, ALONE = (Each((Method(name, ENDS),)) for name in ("MTL", "PT+FT", "STL"))
BOTH = Each((*TRAINED_AT_ONCE, *PRETRAINED))
LOSSES = (
    "losses are in units of the zero predictor's, at the end the population's; MTL, PT+FT, pretraining included, and STL are "
    "trained by stochastic descent as the paper ran its smaller tasks, on batches of <setting.batch> and for at most "
    "<setting.epochs> epochs, as flows of <setting.samples_aux> samples take hours; where the loss on fresh inputs is least "
    "on the way, as it was published, each bound must hold, too; STL from large weights is a flow to a training loss of "
    "<setting.last_loss> of that of the zero predictor, or to a time of <setting.latest>, and is judged at a training loss of "
    "<setting.early_loss>, too",
)

MEANT = (
    "better: by the stated factor; near: within it; the bounds of the printed statement were set before the run, those of "
    "its correction after it"
)

RICH = Said(
    **GIVEN,
    sparse=Comparison(ALONE, 0.5, (MOST_ALONE,), Each((LAZY, KERNEL)), Said(k_main=FEW)),
    dense=Comparison(ALONE, 2.0, (MOST,), Each((LAZY, KERNEL)), Said(k_main=MANY), both=True),
)
# What holds at every end of training: a gain on large weights, on a thousand units, too; beside the kernel none is sure.
ALIKE = Said(
    **GIVEN,
    sparse=Comparison(ALONE, 0.8, (MOST, MOST_ALONE), Each((LAZY,)), Said(k_main=FEW)),
    dense=Comparison(ALONE, 0.8, (MOST,), Each((LAZY,)), Said(k_main=MANY)),
    kernel=Comparison(ALONE, 2.0, (MOST,), Each((KERNEL,)), Said(k_main=Each((FEW, MANY))), both=True),
)
COMPARED = (
    "on a teacher of <sparse.at.k_main> units the loss of <sparse.of> is <sparse.bound> that of <sparse.to>, with "
    "<sparse.samples> samples; on one of <dense.at.k_main> it is <dense.bound> that of <dense.to>, with <dense.samples>"
)


@claim(
    "fig4a",
    where="Fig. 4a, Appendix D",
    statement=COMPARED,
    corrected_statement=COMPARED + "; on both it is <kernel.bound> that of <kernel.to>, with <kernel.samples>",
    printed=RICH,
    corrected=ALIKE,
    twins={"large weights are better on few units": ALIKE.but(sparse=ALIKE.sparse.reversed())},
    siblings={"weaker bounds": ALIKE.but(sparse=replace(ALIKE.sparse, most=0.9), dense=replace(ALIKE.dense, most=0.9))},
    reads=(*READS, *LOSSES, MEANT),
    expected=Verdict.CORRECTED,
    source=SOURCE,
)
def fig4a(proof: Derivation, stated: Said) -> None:
    """Figure 4a: rich and lazy learning of one task, of few units and of many."""
    judge(proof, "fig4", "a", stated)


LARGE_PAIRS = Said(
    **GIVEN,
    helped=Comparison(BOTH, 0.8, (MOST,), ALONE, Said(relation=Each((SOME, ALL)))),
    near=Comparison(BOTH, 2.0, (MOST,), ALONE, Said(relation=NONE), both=True),
    lazy=Comparison(BOTH, 0.8, (MOST,), Each((KERNEL,)), Said(relation=Each((NONE, SOME, ALL)))),
    multi=Comparison(TRAINED_AT_ONCE, 1.0, (MOST,), PRETRAINED, Said(relation=Each((SOME, ALL)))),
)
# By how much is seen where all units are shared; half of them are not enough.
ALL_SHARED = LARGE_PAIRS.but(
    helped=replace(LARGE_PAIRS.helped, at=Said(relation=ALL)),
    near=replace(LARGE_PAIRS.near, at=Said(relation=Each((NONE, SOME)))),
    lazy=replace(LARGE_PAIRS.lazy, at=Said(relation=ALL)),
)


@claim(
    "fig4b",
    where="Fig. 4b, Appendix D",
    statement="where <helped.at.relation> the loss of <helped.of> is <helped.bound> that of <helped.to>, with "
    "<helped.samples> main samples; where <near.at.relation> it is <near.bound> that of <near.to>, with <near.samples>; "
    "where <lazy.at.relation> it is <lazy.bound> that of <lazy.to>, with <lazy.samples>; where <multi.at.relation> the loss "
    "of <multi.of> is <multi.bound> that of <multi.to>, with <multi.samples>",
    printed=LARGE_PAIRS,
    corrected=ALL_SHARED,
    twins={"single-task learning is better where units are shared": ALL_SHARED.but(helped=ALL_SHARED.helped.reversed())},
    siblings={"a weaker bound": ALL_SHARED.but(helped=replace(ALL_SHARED.helped, most=0.9))},
    reads=(*READS, *LOSSES, MEANT),
    expected=Verdict.CORRECTED,
    source=SOURCE,
)
def fig4b(proof: Derivation, stated: Said) -> None:
    """Figure 4b: generalisation losses by the number of shared units, of forty."""
    judge(proof, "fig4", "b", stated)


if __name__ == "__main__":
    sys.exit(run_alone())
