"""Figure 5: what caption and text draw from each panel, judged on the table of the full run (`figures/data/fig5.csv`)."""

from __future__ import annotations

import sys
from dataclasses import replace

from normtheory.audit.alone import run_alone
from normtheory.audit.claims import Verdict, claim
from normtheory.audit.derivation import Derivation
from normtheory.audit.statements import Said
from normtheory.figures.along import Falls
from normtheory.figures.comparisons import Comparison, Excess, Steps
from normtheory.figures.diagonal.fig1_claims import ALONE, ON_AUXILIARY, on_auxiliary
from normtheory.figures.diagonal.stated import (
    A_SAMPLE,
    BOTH,
    EVERY_N,
    FEW,
    FINETUNED,
    GRID,
    IN_USE,
    L1_NORM,
    L12_NORM,
    LAZY,
    LEAST_L1,
    MTL,
    PRINTED_Q,
    SETTING,
    SHARE_ON,
    SHARE_OUTSIDE,
    SINGLE,
    SIZES,
    STOPPED,
    TEACHERS,
    TRUTH,
)
from normtheory.figures.judging import judge
from normtheory.figures.readings import Each

SOURCE = "Lindsey & Lippl 2024, Fig. 5"
GIVEN = Each((TRUTH,))
ALL = Each((*BOTH, *ALONE))
OVERLAPS = tuple(GRID.overlaps)

NORMS = Said(
    grid=GRID,
    l12=Comparison(Each((MTL,)), 1.01, FEW, GIVEN, quantity=L12_NORM),
    q=Comparison(Each((FINETUNED,)), 1.01, FEW, GIVEN, quantity=PRINTED_Q),
    end_l12=Comparison(ALL, 1.05, (512,), GIVEN, quantity=L12_NORM, both=True),
    end_q=Comparison(ALL, 1.05, (512,), GIVEN, quantity=PRINTED_Q, both=True),
)


@claim(
    "fig5a",
    where="Fig. 5a, sections 4.1 and E.1",
    statement="for few samples, <l12.samples>, the <l12.quantity> of <l12.of> is <l12.bound> that of <l12.to>, and the "
    "<q.quantity> of <q.of> is <q.bound> that of <q.to>; with <end_l12.samples> the <end_l12.quantity> of <end_l12.of> is "
    "<end_l12.bound> that of <end_l12.to>, and the <end_q.quantity> is <end_q.bound> it",
    printed=NORMS,
    twins={
        "single-task learning has small norms, too": NORMS.but(q=replace(NORMS.q, of=ALONE)),
        "above the teacher for few samples": NORMS.but(l12=NORMS.l12.reversed()),
        "at the teacher with sixty-four samples": NORMS.but(end_q=replace(NORMS.end_q, samples=(64,))),
        "read strictly: not above the teacher at all": NORMS.but(q=replace(NORMS.q, most=1.0)),
        "read strictly: within a hundredth in the end": NORMS.but(end_q=replace(NORMS.end_q, most=1.01)),
    },
    siblings={
        "fewer samples, strictly": NORMS.but(q=replace(NORMS.q, most=1.0, samples=(16, 32))),
        "a weaker bound": NORMS.but(end_q=replace(NORMS.end_q, most=1.1)),
    },
    reads=(
        "read charitably: lower than the teacher's norm, and converged to it, up to the stated factors; read strictly it "
        "fails, as twins show",
        *SETTING,
        *STOPPED,
    ),
    expected=Verdict.CONFIRMED,
    source=SOURCE,
)
def fig5a(proof: Derivation, stated: Said) -> None:
    """Figure 5a: norms of the learned predictors at 40/40."""
    judge(proof, "fig5", "a", stated)


NOT_CONSISTENTLY = Said(
    grid=GRID,
    q=Comparison(GIVEN, 0.5, FEW, ALONE, quantity=PRINTED_Q),
    above=Comparison(GIVEN, 0.98, (64,), ALONE, quantity=L12_NORM),
    below=Comparison(ALONE, 0.98, (16, 32), GIVEN, quantity=L12_NORM),
)


@claim(
    "stl-norms",
    where="section E.1",
    statement="<q.to> does not consistently find lower norms than those of <q.of>: with <q.samples> samples the <q.quantity> "
    "of <q.of> is <q.bound> that of <q.to>; the <above.quantity> of <above.of> is <above.bound> that of <above.to> with "
    "<above.samples>, though with <below.samples> that of <below.of> is <below.bound> that of <below.to>",
    printed=NOT_CONSISTENTLY,
    twins={
        "consistently lower printed norms": NOT_CONSISTENTLY.but(q=NOT_CONSISTENTLY.q.reversed()),
        "consistently lower group norms": NOT_CONSISTENTLY.but(above=NOT_CONSISTENTLY.above.reversed()),
        "consistently higher group norms": NOT_CONSISTENTLY.but(above=replace(NOT_CONSISTENTLY.above, samples=FEW)),
    },
    siblings={"weaker bounds": NOT_CONSISTENTLY.but(q=replace(NOT_CONSISTENTLY.q, most=0.9))},
    reads=(
        "consistently: with each of the numbers of samples that count as few in the panel's own claim; at the fewest the group "
        "norm is lower, as few samples need small weights only",
        *SETTING,
    ),
    expected=Verdict.CONFIRMED,
    source="Lindsey & Lippl 2024, section E.1",
)
def stl_norms(proof: Derivation, stated: Said) -> None:
    """Section E.1: norms of single-task predictors beside the teacher's, at 40/40."""
    judge(proof, "fig5", "a", stated)


APART = Said(relation="disjoint", k_main=5)
WEAKER = Said(
    grid=GRID,
    teachers=TEACHERS,
    less=Comparison(
        Each((FINETUNED,)), 0.8, (32,), at=Said(**vars(APART), rescale=0.01), than=Said(rescale=1.0), quantity=SHARE_ON
    ),
    steps=Steps(
        Each((FINETUNED,)), 1.0, (32,), at=Said(**vars(APART), rescale=(0.01, 0.1, 1.0)), along="rescale", quantity=SHARE_ON
    ),
)


@claim(
    "fig5b",
    where="Fig. 5b, sections 4.2 and E.1",
    statement="the bias to reuse auxiliary features weakens as the factor on the pretrained weights falls: on <less.at.k_main> "
    "<less.at.relation> main features, where all of it is bias, the <less.quantity> is, after rescaling by <less.at.rescale>, "
    "<less.bound> what it is by <less.than.rescale>, with <less.samples> main samples, and in each step from "
    "<steps.pairs>, with <steps.samples>, at the first <steps.bound> what it is at the second",
    printed=WEAKER,
    twins={
        "it grows": WEAKER.but(less=WEAKER.less.reversed()),
        "it grows from each to the next": WEAKER.but(steps=WEAKER.steps.reversed()),
    },
    siblings={"a weaker bound": WEAKER.but(less=replace(WEAKER.less, most=0.9))},
    reads=(*SETTING, *SIZES, *STOPPED),
    expected=Verdict.CONFIRMED,
    source=SOURCE,
)
def fig5b(proof: Derivation, stated: Said) -> None:
    """Figure 5b: use of auxiliary features by the factor on the pretrained weights."""
    judge(proof, "fig5", "b", stated)


OUTSIDE_FORTY = Said(top=40)
SPARSITY = Said(
    grid=GRID,
    rich=Comparison(ALONE, 0.5, EVERY_N, Each((LAZY,)), OUTSIDE_FORTY, quantity=SHARE_OUTSIDE),
    first=Comparison(ALONE, 1.0, at=Said(top=40, n=16), than=Said(n=64), quantity=SHARE_OUTSIDE),
    last=Comparison(ALONE, 1.0, at=Said(top=40, n=512), than=Said(n=64), quantity=SHARE_OUTSIDE),
)


@claim(
    "fig5c",
    where="Fig. 5c, section E.1 and footnote 2",
    statement="single-task predictors are sparse where both layers are trained: the <rich.quantity>, <rich.at.top> of "
    "<grid.inputs>, is for <rich.of> <rich.bound> what it is for <rich.to>, with <rich.samples> samples; and it is not "
    "monotone: with <first.at.n> it is <first.bound>, and with <last.at.n> <last.bound>, what it is with <last.than.n>",
    printed=SPARSITY,
    twins={
        "lazy learning gives the sparser predictors": SPARSITY.but(rich=SPARSITY.rich.reversed()),
        "denser with every sample": SPARSITY.but(last=SPARSITY.last.reversed()),
        "sparser with every sample": SPARSITY.but(first=SPARSITY.first.reversed()),
    },
    siblings={"a weaker bound": SPARSITY.but(rich=replace(SPARSITY.rich, most=0.6))},
    reads=SETTING,
    expected=Verdict.CONFIRMED,
    source=SOURCE,
)
def fig5c(proof: Derivation, stated: Said) -> None:
    """Figure 5c: sparsity of single-task predictors, rich and lazy."""
    judge(proof, "fig5", "c", stated)


RISING = Said(
    grid=GRID,
    falls=Falls(ALONE, 0.1, quantity=L1_NORM),
    steps=Steps(ALONE, 1.0, at=Said(n=EVERY_N[:-1]), quantity=L1_NORM),
    top=Comparison(ALONE, 1.05, EVERY_N, GIVEN, quantity=L1_NORM),
)


@claim(
    "fig5d",
    where="Fig. 5d, section E.1 and footnote 2",
    statement="the <falls.quantity> of <falls.of> largely rises with the number of samples: of all its changes in logarithms "
    "falls are at most the share <falls.most>; in each step from <steps.pairs> samples it is at the first <steps.bound> "
    "what it is at the second; and it is <top.bound> that of <top.to>, with <top.samples>",
    printed=RISING,
    twins={
        "it falls": RISING.but(steps=RISING.steps.reversed()),
        "read strictly: it rises to the last": RISING.but(steps=replace(RISING.steps, at=Said(n=EVERY_N))),
        "it never is above the teacher's": RISING.but(top=replace(RISING.top, most=1.0)),
        "no falls": RISING.but(falls=replace(RISING.falls, most=0.001)),
    },
    siblings={"a weaker bound": RISING.but(falls=replace(RISING.falls, most=0.2))},
    reads=(
        "read charitably, as the text has it: largely monotonic; read strictly it fails at the last step, as a twin shows: "
        "gradient flow from a finite initialisation does not minimise the $\\ell_1$ norm itself, whose least value cannot be "
        "above the teacher's",
        *SETTING,
    ),
    expected=Verdict.CONFIRMED,
    source=SOURCE,
)
def fig5d(proof: Derivation, stated: Said) -> None:
    """Figure 5d: l1 norm of single-task predictors."""
    judge(proof, "fig5", "d", stated)


SPARSEST = Said(
    grid=GRID,
    first=Comparison(Each((SINGLE, LEAST_L1)), 0.5, at=Said(panel="c", top=40, n=16), than=Said(n=128), quantity=SHARE_OUTSIDE),
    last=Comparison(Each((SINGLE, LEAST_L1)), 0.5, at=Said(panel="c", top=40, n=512), than=Said(n=128), quantity=SHARE_OUTSIDE),
    dense=Comparison(Each((LEAST_L1,)), 1.05, (64, 128), at=Said(panel="d"), quantity=A_SAMPLE, both=True),
    sparsest=Comparison(GIVEN, 40, EVERY_N, at=Said(panel="d"), quantity=IN_USE),
    norm=Falls(Each((SINGLE, LEAST_L1)), 0.1, at=Said(panel="d"), quantity=L1_NORM),
)


@claim(
    "l0-against-l1",
    where="section E.1 and footnote 2",
    statement="the sparsity of single-task predictors is not monotone in the number of samples, though their <norm.quantity> "
    "largely rises, because least $\\ell_1$ is not sparsest: for <first.of>, on the same data, the <first.quantity>, "
    "<first.at.top>, is with <first.at.n> samples <first.bound>, and with <last.at.n> <last.bound>, what it is with "
    "<last.than.n>, while of all changes of the norm falls are at most the share <norm.most>; the <dense.quantity> of "
    "<dense.of> is <dense.unit>, within a factor <dense.most>, with <dense.samples> samples, while <sparsest.of>, which fits "
    "all samples, has <sparsest.most> at most, with <sparsest.samples>",
    printed=SPARSEST,
    twins={
        "denser with every sample": SPARSEST.but(last=SPARSEST.last.reversed()),
        "predictors of least norm are as sparse as the teacher": SPARSEST.but(
            sparsest=replace(SPARSEST.sparsest, of=Each((LEAST_L1,)))
        ),
        "the norm is not monotone either": SPARSEST.but(
            norm=replace(SPARSEST.norm, of=ALONE, quantity=SHARE_OUTSIDE, at=Said(panel="c", top=40))
        ),
        "one weight in two samples": SPARSEST.but(dense=replace(SPARSEST.dense, most=0.5, both=False)),
    },
    siblings={"a weaker bound": SPARSEST.but(first=replace(SPARSEST.first, most=0.6))},
    reads=(
        "because: the same happens where the $\\ell_1$ norm itself is minimised, so that no initialisation is needed for it, "
        "and would not if the sparsest predictor were found, which has no more weights than the teacher",
        *SETTING,
    ),
    expected=Verdict.CONFIRMED,
    source="Lindsey & Lippl 2024, section E.1",
)
def l0_against_l1(proof: Derivation, stated: Said) -> None:
    """Section E.1, footnote 2: sparsity of trained networks beside that of predictors of least l1 norm."""
    judge(proof, "fig5", "cd", stated)


AS_SPARSE = Said(
    grid=GRID,
    sparse=Comparison(BOTH, 0.25, EVERY_N, at=Said(top=40, overlap=OVERLAPS), quantity=SHARE_OUTSIDE),
    beside=Excess(BOTH, 0.1, EVERY_N, ALONE, Said(top=40, overlap=OVERLAPS[0]), quantity=SHARE_OUTSIDE),
    sparser=Comparison(BOTH, 1.0, EVERY_N, ALONE, Said(top=40, overlap=OVERLAPS[1:]), quantity=SHARE_OUTSIDE),
)


@claim(
    "fig5e",
    where="Fig. 5e, sections 4.1 and E.1",
    statement="where <sparse.at.overlap> of <grid.features_aux> features are shared the <sparse.quantity>, <sparse.at.top> of "
    "<grid.inputs>, is for <sparse.of> at most <sparse.most>, with <sparse.samples> main samples; where <beside.at.overlap> "
    "are it exceeds that of <beside.to> by at most <beside.most>, with <beside.samples>; where <sparser.at.overlap> are it is "
    "<sparser.bound> that of <sparser.to>, with <sparser.samples>",
    printed=AS_SPARSE,
    twins={
        "single-task learning is the sparser where features are shared": AS_SPARSE.but(sparser=AS_SPARSE.sparser.reversed()),
        "five weights suffice for few samples": AS_SPARSE.but(
            sparse=replace(AS_SPARSE.sparse, at=AS_SPARSE.sparse.at.but(top=5), samples=FEW)
        ),
        "half as dense as single-task learning where none are shared": AS_SPARSE.but(
            sparser=replace(AS_SPARSE.sparser, most=0.5, samples=(128,), at=AS_SPARSE.beside.at)
        ),
        "read strictly: nine tenths of the variance in them": AS_SPARSE.but(sparse=replace(AS_SPARSE.sparse, most=0.1)),
        "read strictly: as sparse in proportion": AS_SPARSE.but(
            beside=Comparison(BOTH, 1.25, EVERY_N, ALONE, AS_SPARSE.beside.at, quantity=SHARE_OUTSIDE)
        ),
    },
    siblings={"weaker bounds": AS_SPARSE.but(beside=replace(AS_SPARSE.beside, most=0.2))},
    reads=(
        "read charitably: sparse, if no more than the stated share of the variance lies outside as many weights as the teacher "
        "has; as sparse, if it exceeds that of single-task learning by no more than stated; strictly, in proportion, it fails "
        "where single-task learning has found the teacher already, as twins show",
        *SETTING,
        *STOPPED,
    ),
    expected=Verdict.CONFIRMED,
    source=SOURCE,
)
def fig5e(proof: Derivation, stated: Said) -> None:
    """Figure 5e: sparsity of the predictors at every overlap."""
    judge(proof, "fig5", "e", stated)


EVERYWHERE = on_auxiliary(OVERLAPS)


@claim(
    "fig5f",
    where="Fig. 5f, sections 4.1 and E.1",
    statement=ON_AUXILIARY,
    printed=EVERYWHERE,
    twins={
        "single-task learning uses them, too": EVERYWHERE.but(first=replace(EVERYWHERE.first, of=ALONE)),
        "it stays near one": EVERYWHERE.but(last=replace(EVERYWHERE.last, quantity=EVERYWHERE.first.quantity)),
    },
    siblings={"weaker bounds": EVERYWHERE.but(first=replace(EVERYWHERE.first, most=0.2))},
    reads=(*SETTING, *STOPPED),
    expected=Verdict.CONFIRMED,
    source=SOURCE,
)
def fig5f(proof: Derivation, stated: Said) -> None:
    """Figure 5f: use of auxiliary features at every overlap."""
    judge(proof, "fig5", "f", stated)


if __name__ == "__main__":
    sys.exit(run_alone())
