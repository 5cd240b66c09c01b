"""Figure 1, nested tasks: panels f to i, whose main features are among the auxiliary ones, and what was published of them."""

from __future__ import annotations

import sys
from dataclasses import replace

from normtheory.audit.alone import run_alone
from normtheory.audit.claims import Verdict, claim
from normtheory.audit.derivation import Derivation
from normtheory.audit.statements import Said
from normtheory.figures.along import Needed
from normtheory.figures.comparisons import Change, Comparison
from normtheory.figures.diagonal.fig1_claims import SOURCE
from normtheory.figures.diagonal.stated import (
    BOTH,
    FINETUNED,
    GRID,
    LARGE,
    LEVELS,
    LOSSES,
    MTL,
    NEARLY,
    SETTING,
    SHARE_OUTSIDE,
    SIZES,
    SMALL,
    SPARSE_ENDS,
    STOPPED,
    TEACHERS,
)
from normtheory.figures.judging import judge
from normtheory.figures.readings import Each

NESTED, DENSE = Said(relation="nested", k_main=5), Said(k_main=40)
PRETRAINED = Each((FINETUNED,))
TRAINED_AT_ONCE = Each((MTL,))

HARDLY = Said(
    grid=GRID,
    teachers=TEACHERS,
    needed=Needed(BOTH, NEARLY, at=NESTED, than=DENSE, both=True, levels=LEVELS),
    losses=Comparison(BOTH, 0.2, (64, 128, 256, 512), at=Said(**vars(NESTED), magnitude_aux=SMALL), than=DENSE),
)


LITTLE_USE = (
    "where the main features are among the auxiliary ones a sparser main task is of little use: the number of main "
    "samples with which <needed.of> come down to each of the losses <needed.levels> is on <needed.at.k_main> "
    "<needed.at.relation> features <needed.bound> that on <needed.than.k_main>, though with auxiliary weights of "
    "<losses.at.magnitude_aux> the loss on <losses.at.k_main> is <losses.bound> that on <losses.than.k_main>, with "
    "<losses.samples>"
)


@claim(
    "fig1f",
    where="Fig. 1f, section 4.2",
    statement=LITTLE_USE,
    printed=HARDLY,
    twins={
        "half the samples suffice, as for disjoint features": HARDLY.but(needed=replace(HARDLY.needed, both=False, most=0.5)),
        "twice the samples are needed": HARDLY.but(needed=replace(HARDLY.needed.reversed(), both=False, most=0.5)),
        "within a hundredth": HARDLY.but(needed=replace(HARDLY.needed, most=1.01)),
        "read strictly: in losses by the same factor": HARDLY.but(losses=replace(HARDLY.losses, both=True, most=NEARLY)),
        "losses as far apart with the larger auxiliary weights": HARDLY.but(
            losses=replace(HARDLY.losses, at=HARDLY.losses.at.but(magnitude_aux=LARGE))
        ),
    },
    siblings={
        "within a factor two": HARDLY.but(needed=replace(HARDLY.needed, most=2.0)),
        "losses less far apart": HARDLY.but(losses=replace(HARDLY.losses, most=0.5)),
    },
    reads=(
        "read charitably, as it is said: little to no benefit in sample efficiency, in the number of samples that a loss "
        "needs, by the same factor and at the same losses as where nearly matching single-task learning is judged; read "
        "strictly, in losses, it fails, as a twin shows: beside it stands by how much; for multi-task training the sign "
        "depends on the size of the auxiliary weights, as published-cells shows",
        *SETTING,
        *LOSSES,
        *SIZES,
        *SPARSE_ENDS,
        *STOPPED,
    ),
    expected=Verdict.CONFIRMED,
    source=SOURCE,
)
def fig1f(proof: Derivation, stated: Said) -> None:
    """Figure 1f: main features a subset of the auxiliary ones."""
    judge(proof, "fig1", "f", stated)


GAIN = Comparison(PRETRAINED, 0.5, (32, 64), at=Said(**vars(NESTED), rescale=(0.1, 0.01)), than=DENSE)
RESCALED = Said(
    grid=GRID,
    teachers=TEACHERS,
    gain=GAIN,
    grows=Change(PRETRAINED, 1.0, (32, 64), at=NESTED, than=DENSE, now=Said(rescale=0.01), before=Said(rescale=0.1)),
)


EASIER_IF_RESCALED = (
    "after the pretrained weights were rescaled by <gain.at.rescale> the loss of <gain.of> on <gain.at.k_main> "
    "<gain.at.relation> features is <gain.bound> that on <gain.than.k_main>, with <gain.samples> main samples; by "
    "<grows.now.rescale> this ratio is <grows.bound> that by <grows.before.rescale>, with <grows.samples>"
)


@claim(
    "fig1g",
    where="Fig. 1g, section 4.2",
    statement=EASIER_IF_RESCALED,
    printed=RESCALED,
    twins={
        "denser subsets are easier": RESCALED.but(gain=RESCALED.gain.reversed()),
        "the gain is the larger at a tenth": RESCALED.but(grows=RESCALED.grows.reversed()),
    },
    siblings={"a weaker bound": RESCALED.but(gain=replace(RESCALED.gain, most=0.6))},
    reads=("what the gain is made of, rescaled-gain says", *SETTING, *LOSSES, *SIZES, *STOPPED),
    expected=Verdict.CONFIRMED,
    source=SOURCE,
)
def fig1g(proof: Derivation, stated: Said) -> None:
    """Figure 1g: rescaled networks on subsets of the auxiliary features."""
    judge(proof, "fig1", "g", stated)


UNSCALED, DENSELY = Said(**vars(NESTED), rescale=1.0), Said(**vars(NESTED) | vars(DENSE), rescale=1.0)
TENTH = Said(rescale=0.1)
GAINED = Said(
    grid=GRID,
    teachers=TEACHERS,
    dense=Comparison(PRETRAINED, 0.01, (64,), at=DENSELY, than=TENTH),
    sparse=Comparison(PRETRAINED, 50.0, (64,), at=UNSCALED, than=TENTH, both=True),
    fewer=Comparison(PRETRAINED, 0.1, (32,), at=UNSCALED.but(rescale=0.1), than=Said(rescale=1.0)),
    lost=Comparison(PRETRAINED, 10.0, (32,), at=DENSELY, than=TENTH, both=True),
)


@claim(
    "rescaled-gain",
    where="theory of the runs of Fig. 1g",
    statement="with <dense.samples> main samples the gain of Fig. 1g is mostly what the denser task loses: on "
    "<dense.at.k_main> <dense.at.relation> features the loss of <dense.of> without rescaling is <dense.bound> what it is after "
    "rescaling by <dense.than.rescale>, while on <sparse.at.k_main> it is <sparse.bound> it; with <fewer.samples> it is mostly "
    "what the sparser task gains: on <fewer.at.k_main> the loss after rescaling by <fewer.at.rescale> is <fewer.bound> what it "
    "is without, while on <lost.at.k_main> it is <lost.bound> it",
    printed=GAINED,
    twins={
        "the denser task gains, too": GAINED.but(dense=GAINED.dense.reversed()),
        "the sparser task gains as much as the denser one loses": GAINED.but(
            sparse=replace(GAINED.sparse.reversed(), most=0.001, both=False)
        ),
        "with few samples the denser task loses as much": GAINED.but(lost=replace(GAINED.lost, most=0.01, both=False)),
        "with few samples the sparser task does not gain": GAINED.but(fewer=GAINED.fewer.reversed()),
    },
    siblings={"weaker bounds": GAINED.but(dense=replace(GAINED.dense, most=0.1), fewer=replace(GAINED.fewer, most=0.5))},
    reads=(*SETTING, *LOSSES, *SIZES, *STOPPED),
    expected=Verdict.CONFIRMED,
    source="this project",
)
def rescaled_gain(proof: Derivation, stated: Said) -> None:
    """Figure 1g: what the gain from sparsity after rescaling is made of, against the same tasks without rescaling."""
    judge(proof, "fig1", "fg", stated)


SPARSER = Said(
    grid=GRID,
    teachers=TEACHERS,
    outside=Comparison(
        PRETRAINED, 0.6, (16, 32), at=Said(**vars(NESTED), top=5, rescale=0.01), than=Said(rescale=1.0), quantity=SHARE_OUTSIDE
    ),
)


MUCH_SPARSER = (
    "for few samples, <outside.samples>, small factors on the pretrained weights give much sparser predictors: on "
    "<outside.at.k_main> <outside.at.relation> features the <outside.quantity>, <outside.at.top>, is, after rescaling by "
    "<outside.at.rescale>, <outside.bound> what it is by <outside.than.rescale>"
)


@claim(
    "fig1h",
    where="Fig. 1h, section 4.2",
    statement=MUCH_SPARSER,
    printed=SPARSER,
    twins={
        "small factors give denser ones": SPARSER.but(outside=SPARSER.outside.reversed()),
        "read strictly: at most a half": SPARSER.but(outside=replace(SPARSER.outside, most=0.5)),
    },
    siblings={
        "a weaker bound": SPARSER.but(outside=replace(SPARSER.outside, most=0.7)),
        "at most a half with the larger auxiliary weights": SPARSER.but(
            teachers=TEACHERS.but(magnitude_aux=LARGE), outside=replace(SPARSER.outside, most=0.5)
        ),
    },
    reads=(
        "read charitably: much sparser, by the stated factor; more strictly it fails with the fewest samples beside the "
        "smaller auxiliary weights, as a twin shows",
        *SETTING,
        *SIZES,
        *STOPPED,
    ),
    expected=Verdict.CONFIRMED,
    source=SOURCE,
)
def fig1h(proof: Derivation, stated: Said) -> None:
    """Figure 1h: sparsity against the factor on the pretrained weights."""
    judge(proof, "fig1", "h", stated)


REUSE = Said(
    grid=GRID,
    teachers=TEACHERS,
    shared=Comparison(
        PRETRAINED,
        0.5,
        (32, 64),
        at=Said(relation="nested", overlap=5, rescale=(1.0, 0.1, 0.01)),
        than=Said(relation="disjoint", overlap=0),
    ),
)


STILL_PREFERRED = (
    "after rescaling by <shared.at.rescale> the loss of <shared.of> is, where <shared.at.overlap> of the main "
    "features are auxiliary ones, <shared.bound> what it is where <shared.than.overlap> are, with <shared.samples> main "
    "samples"
)


@claim(
    "fig1i",
    where="Fig. 1i, section 4.2",
    statement=STILL_PREFERRED,
    printed=REUSE,
    twins={
        "task-specific features are easier, at a hundredth": REUSE.but(
            shared=replace(REUSE.shared.reversed(), at=REUSE.shared.reversed().at.but(rescale=0.01))
        ),
        "task-specific features are easier": REUSE.but(shared=REUSE.shared.reversed()),
    },
    siblings={"a weaker bound": REUSE.but(shared=replace(REUSE.shared, most=0.6))},
    reads=(*SETTING, *LOSSES, *SIZES, *STOPPED),
    expected=Verdict.CONFIRMED,
    source=SOURCE,
)
def fig1i(proof: Derivation, stated: Said) -> None:
    """Figure 1i: main features that are auxiliary ones, or task-specific, by the factor on the pretrained weights."""
    judge(proof, "fig1", "i", stated)


if __name__ == "__main__":
    sys.exit(run_alone())
