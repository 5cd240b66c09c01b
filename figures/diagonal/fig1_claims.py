"""Figure 1: what caption and text draw from each panel, judged on the table of the full run (`figures/data/fig1.csv`)."""

from __future__ import annotations

import sys
from dataclasses import replace

from normtheory.audit.alone import run_alone
from normtheory.audit.claims import Verdict, claim
from normtheory.audit.derivation import Derivation
from normtheory.audit.statements import Said
from normtheory.figures.along import Needed
from normtheory.figures.comparisons import Comparison, Steps
from normtheory.figures.diagonal import cells
from normtheory.figures.diagonal.fig1 import OVERLAP_OF_CURVES
from normtheory.figures.diagonal.stated import (
    AWAY,
    BOTH,
    ENDS,
    EVERY_N,
    FEW,
    FINETUNED,
    GRID,
    LAZY,
    LEVELS,
    LOSSES,
    MTL,
    NEARLY,
    PROBED,
    SETTING,
    SHARE_OFF,
    SHARE_OUTSIDE,
    SINGLE,
    SIZES,
    SPARSE_ENDS,
    STOPPED,
    TEACHERS,
)
from normtheory.figures.judging import judge, rows_of
from normtheory.figures.readings import Each

SOURCE = "Lindsey & Lippl 2024, Fig. 1"
ALONE = Each((SINGLE,))
SHARING, APART, IDENTICAL = (20, 30, 40), (0,), (40,)

METHODS = Said(
    grid=GRID,
    fewer=Needed(BOTH, 0.9, to=ALONE, at=Said(overlap=SHARING), levels=LEVELS),
    helped=Comparison(BOTH, 0.8, (128,), ALONE, Said(overlap=SHARING)),
    near=Needed(BOTH, NEARLY, to=ALONE, at=Said(overlap=APART), both=True, levels=LEVELS),
    close=Comparison(BOTH, 2.0, (64, 128), ALONE, Said(overlap=APART), both=True),
    worse=Comparison(ALONE, 0.25, (256,), BOTH, Said(overlap=APART)),
    lazy=Comparison(BOTH, 0.5, (256,), Each((LAZY,)), Said(overlap=(*APART, *SHARING))),
    probing=Comparison(BOTH, 0.8, (128,), Each((PROBED,)), Said(overlap=(20, 30))),
    identical=Comparison(Each((FINETUNED,)), 0.8, (64, 128, 256), Each((MTL,)), Said(overlap=IDENTICAL)),
)


@claim(
    "fig1b",
    where="Fig. 1b, section 4.1",
    statement="where <fewer.at.overlap> of <grid.features_aux> features are shared, the number of main samples with which "
    "<fewer.of> come down to each of the losses <fewer.levels> is <fewer.bound> that of <fewer.to>, and their loss "
    "<helped.bound> that of <helped.to>, with <helped.samples>; where <near.at.overlap> are, the number with which they "
    "come down to each of <near.levels> is <near.bound> that of <near.to>; their loss is <close.bound> that of <close.to> with "
    "<close.samples>, though with <worse.samples> that of <worse.of> is <worse.bound> theirs; it "
    "is <lazy.bound> that of <lazy.to>, with <lazy.samples>, where <lazy.at.overlap> are, and <probing.bound> that of "
    "<probing.to>, with <probing.samples>, where <probing.at.overlap> are; where <identical.at.overlap> are the loss of "
    "<identical.of> is <identical.bound> that of <identical.to>, with <identical.samples>",
    printed=METHODS,
    twins={
        "single-task learning needs fewer samples where features are shared": METHODS.but(fewer=METHODS.fewer.reversed()),
        "single-task learning is better where features are shared": METHODS.but(helped=METHODS.helped.reversed()),
        "half the samples at every overlap": METHODS.but(fewer=replace(METHODS.fewer, most=0.5)),
        "as many samples are needed, to a tenth": METHODS.but(near=replace(METHODS.near, most=1.1)),
        "losses within a tenth of single-task learning": METHODS.but(close=replace(METHODS.close, most=1.1)),
        "read strictly: in losses, with more samples, too": METHODS.but(close=replace(METHODS.close, samples=(64, 256))),
        "single-task learning is not better where none are shared": METHODS.but(worse=METHODS.worse.reversed()),
        "lazy learning does as well": METHODS.but(lazy=METHODS.lazy.reversed()),
        "linear probing does as well": METHODS.but(probing=METHODS.probing.reversed()),
        "multi-task learning is better at identical features": METHODS.but(identical=METHODS.identical.reversed()),
        "in another setting": METHODS.but(grid=replace(GRID, alpha=2 * GRID.alpha)),
    },
    siblings={
        "weaker bounds": METHODS.but(helped=replace(METHODS.helped, most=0.9), close=replace(METHODS.close, most=3.0)),
        "twice the samples": METHODS.but(near=replace(METHODS.near, most=2.0)),
        "at more samples": METHODS.but(helped=replace(METHODS.helped, samples=(128, 256))),
    },
    reads=(
        *SETTING,
        *LOSSES,
        "read charitably: the paragraph speaks of sample efficiency, so that nearly matching is judged in the number of "
        "samples that a loss needs, by the same factor and at the same losses as on nested tasks; read strictly, in losses, it "
        "fails, as a twin shows: beside it stands by how much",
        "substantially better than lazy learning, and better than linear probing: in losses, by the stated factor",
        *ENDS,
        *STOPPED,
    ),
    expected=Verdict.CONFIRMED,
    source=SOURCE,
)
def fig1b(proof: Derivation, stated: Said) -> None:
    """Figure 1b: generalisation losses of all methods; flows beside the exact theory."""
    judge(proof, "fig1", "b", stated)
    rows = rows_of("fig1", "b")
    farthest = max(row["distance"] for row in rows if row["method"] in ("PT+FT", "STL") and row["how"] == "flow")
    budget = 20 * cells.RTOL
    proof.within("PT+FT and STL: largest relative distance of a flow's end from the exact theory", farthest, budget)


CURVES = Said(overlap=OVERLAP_OF_CURVES, top=40)
SPARSE = Said(grid=GRID, outside=Comparison(BOTH, 0.1, EVERY_N, at=CURVES, quantity=SHARE_OUTSIDE))


@claim(
    "fig1c",
    where="Fig. 1c, section 4.1",
    statement="the learned predictors are sparse: where <outside.at.overlap> of <grid.features_aux> features are shared the "
    "<outside.quantity>, <outside.at.top> of <grid.inputs>, is at most <outside.most> for <outside.of>, with <outside.samples> "
    "main samples",
    printed=SPARSE,
    twins={
        "five weights suffice for few samples": SPARSE.but(
            outside=replace(SPARSE.outside, at=CURVES.but(top=5), samples=FEW),
        ),
        "ten suffice for multi-task learning": SPARSE.but(
            outside=replace(SPARSE.outside, of=Each((MTL,)), at=CURVES.but(top=10), samples=FEW),
        ),
        "a hundredth": SPARSE.but(outside=replace(SPARSE.outside, most=0.01)),
    },
    siblings={
        "of sixty weights": SPARSE.but(outside=replace(SPARSE.outside, at=CURVES.but(top=60))),
        "a fifth": SPARSE.but(outside=replace(SPARSE.outside, most=0.2)),
    },
    reads=(*SETTING, "sparse: as many weights as the teacher has hold all but the stated share of the variance", *STOPPED),
    expected=Verdict.CONFIRMED,
    source=SOURCE,
)
def fig1c(proof: Derivation, stated: Said) -> None:
    """Figure 1c: sparsity of the predictors at 30/40."""
    judge(proof, "fig1", "c", stated)


def on_auxiliary(overlaps: tuple[int, ...]) -> Said:
    """The share on auxiliary features is near 1 at first and tends to that of the truth."""
    at = Said(overlap=overlaps)
    return Said(
        grid=GRID,
        first=Comparison(BOTH, 0.1, (16,), at=at, quantity=SHARE_OFF),
        last=Comparison(BOTH, 0.02, (512,), at=at, quantity=AWAY),
    )


ON_AUXILIARY = (
    "where <first.at.overlap> of <grid.features_aux> features are shared the <first.quantity> is at most <first.most> for "
    "<first.of> with <first.samples> main samples, and with <last.samples> the <last.quantity> is at most <last.most>"
)
AT_THIRTY = on_auxiliary((OVERLAP_OF_CURVES,))


@claim(
    "fig1d",
    where="Fig. 1d, section 4.1",
    statement=ON_AUXILIARY,
    printed=AT_THIRTY,
    twins={
        "all of it stays there, as it would on the main features that the text names": AT_THIRTY.but(
            last=replace(AT_THIRTY.last, quantity=SHARE_OFF)
        ),
        "single-task learning uses them, too": AT_THIRTY.but(first=replace(AT_THIRTY.first, of=ALONE)),
        "the true share from the first": AT_THIRTY.but(first=replace(AT_THIRTY.first, quantity=AWAY)),
    },
    siblings={"weaker bounds": AT_THIRTY.but(first=replace(AT_THIRTY.first, most=0.2))},
    reads=(
        *SETTING,
        "the caption's reading: auxiliary features; the text names those of the main task, where all weight is at the end",
        *STOPPED,
    ),
    expected=Verdict.CONFIRMED,
    source=SOURCE,
)
def fig1d(proof: Derivation, stated: Said) -> None:
    """Figure 1d: use of auxiliary features at 30/40."""
    judge(proof, "fig1", "d", stated)


FEWER = Said(
    grid=GRID,
    teachers=TEACHERS,
    gain=Comparison(BOTH, 0.1, (128,), at=Said(relation="disjoint", k_main=5), than=Said(k_main=40)),
    steps=Steps(BOTH, 1.0, (128,), at=Said(relation="disjoint", k_main=tuple(GRID.features)), along="k_main"),
    needed=Needed(BOTH, 0.5, at=Said(relation="disjoint", k_main=5), than=Said(k_main=40), levels=Each((0.01,))),
)


EASIER_IF_SPARSE = (
    "where the features of main and auxiliary task are <gain.at.relation>, the loss of <gain.of> on a main task of "
    "<gain.at.k_main> features is <gain.bound> that on one of <gain.than.k_main>, with <gain.samples> main samples, and in "
    "each step from <steps.pairs>, with <steps.samples>, at the first <steps.bound> what it is at the second; to bring it down "
    "to <needed.levels>, <needed.at.k_main> features need at most <needed.most> times as many samples as <needed.than.k_main>"
)


@claim(
    "fig1e",
    where="Fig. 1e, section 4.1",
    statement=EASIER_IF_SPARSE,
    printed=FEWER,
    twins={
        "denser main tasks are easier": FEWER.but(gain=FEWER.gain.reversed()),
        "each denser task is easier": FEWER.but(steps=FEWER.steps.reversed()),
        "a tenth of the samples": FEWER.but(needed=replace(FEWER.needed, most=0.1)),
    },
    siblings={
        "weaker bounds": FEWER.but(gain=replace(FEWER.gain, most=0.2), needed=replace(FEWER.needed, most=0.6)),
        "the larger auxiliary weights alone": FEWER.but(teachers=TEACHERS.but(magnitude_aux=TEACHERS.magnitude_aux[0])),
    },
    reads=(*SETTING, *LOSSES, *SIZES, *SPARSE_ENDS, *STOPPED),
    expected=Verdict.CONFIRMED,
    source=SOURCE,
)
def fig1e(proof: Derivation, stated: Said) -> None:
    """Figure 1e: main features disjoint from the auxiliary ones."""
    judge(proof, "fig1", "e", stated)


if __name__ == "__main__":
    sys.exit(run_alone())
