"""Theory of learning curves, Figure 1: what rests on six seeds, judged a second time in the limit, where there is no seed."""

from __future__ import annotations

import sys
from dataclasses import replace

from normtheory.audit.alone import run_alone
from normtheory.audit.claims import Verdict, claim
from normtheory.audit.derivation import Derivation
from normtheory.audit.statements import Said
from normtheory.figures.along import Needed
from normtheory.figures.comparisons import Comparison
from normtheory.figures.diagonal.fig1_claims import EASIER_IF_SPARSE, FEWER
from normtheory.figures.diagonal.fig1_nested_claims import (
    DENSE,
    EASIER_IF_RESCALED,
    HARDLY,
    LITTLE_USE,
    MUCH_SPARSER,
    NESTED,
    RESCALED,
    REUSE,
    SPARSER,
    STILL_PREFERRED,
)
from normtheory.figures.diagonal.solved import judge_solved
from normtheory.figures.diagonal.stated import AS_AUX, GRID, LARGE, LEVELS, NEARLY, SHARE_OFF, SMALL
from normtheory.figures.readings import Each, Method, Way

SOURCE = "two scalar equations (docs/curves.md)"
IN_THE_LIMIT = "in the limit of many inputs: "
# Sources of a way are curves of `normtheory.solvers.curves`.
MTL = Method("MTL", (Way("least norm", "multitask"),))
FINETUNED = Method("PT+FT", (Way("by the exact theory, pretrained without end", "finetuning"),))
SOLVED = {method.name: method for method in (MTL, FINETUNED)}
AT_ONCE, PRETRAINED, BOTH = Each((MTL,)), Each((FINETUNED,)), Each((MTL, FINETUNED))

READS = (
    "the limit: numbers of samples and features are shares of the number of inputs that stay as it grows, those that the "
    "stated numbers are of <grid.inputs>; the auxiliary task has <grid.features_aux> features; all weights start at "
    "<grid.alpha>, a reset readout at <grid.gamma>",
    "PT+FT is the exact theory's predictor after pretraining without end; MTL is the predictor of least $\\ell_{1,2}$ norm "
    "beside the auxiliary teacher, which is what the theory says of it: its networks end elsewhere, as mtl-flow shows",
    "losses are the population's, in units of the zero predictor's",
)
SIZES = (
    "each of the k weights of a main task is of size <teachers.magnitude>; each of the auxiliary task's, k its own number, of "
    "size <teachers.magnitude_aux>",
)
GRANTED = (
    "the convex Gaussian min-max theorem: independent standard normal inputs, numbers of samples and inputs that grow in "
    "proportion, teachers and penalties whose joint distribution over the inputs converges together with its second moments",
    "training reaches zero error",
)


def solved(stated: Said) -> Said:
    """The same comparisons, in the limit."""
    return Said(**{name: _solved(each) if isinstance(each, Comparison) else each for name, each in vars(stated).items()})


def _solved(each: Comparison) -> Comparison:
    return replace(each, of=Each(SOLVED[method.name] for method in each.of), to=Each(SOLVED[method.name] for method in each.to))


NEW = solved(FEWER)


@claim(
    "curve-fig1e",
    where="theory of learning curves (Fig. 1e)",
    statement=IN_THE_LIMIT + EASIER_IF_SPARSE,
    printed=NEW,
    twins={
        "denser main tasks are easier": NEW.but(gain=NEW.gain.reversed()),
        "each denser task is easier": NEW.but(steps=NEW.steps.reversed()),
        "a tenth of the samples": NEW.but(needed=replace(NEW.needed, most=0.1)),
    },
    siblings={
        "weaker bounds": NEW.but(gain=replace(NEW.gain, most=0.2), needed=replace(NEW.needed, most=0.6)),
    },
    reads=(*READS, *SIZES),
    granted=GRANTED,
    expected=Verdict.CONFIRMED,
    source=SOURCE,
)
def curve_fig1e(proof: Derivation, stated: Said) -> None:
    """Figure 1e, in the limit: main features disjoint from the auxiliary ones."""
    judge_solved(proof, stated, "e")


PRINTED = solved(HARDLY)
BESIDE_SMALL = Said(**vars(NESTED), magnitude_aux=SMALL)
LITTLE = Said(
    grid=GRID,
    teachers=PRINTED.teachers.but(magnitude_aux=LARGE),
    needed=PRINTED.needed,
    alike=Needed(PRETRAINED, 1.6, at=BESIDE_SMALL, than=DENSE, both=True, levels=LEVELS),
    fewer=Needed(AT_ONCE, 0.5, at=BESIDE_SMALL, than=DENSE, levels=LEVELS),
    losses=PRINTED.losses,
)


@claim(
    "curve-fig1f",
    where="theory of learning curves (Fig. 1f: little to no sample efficiency benefit)",
    statement=IN_THE_LIMIT + LITTLE_USE,
    printed=PRINTED,
    corrected_statement=IN_THE_LIMIT
    + "where the main features are among the auxiliary ones, with auxiliary weights of <teachers.magnitude_aux> the number of "
    "main samples with which <needed.of> come down to each of the losses <needed.levels> is on <needed.at.k_main> "
    "<needed.at.relation> features <needed.bound> that on <needed.than.k_main>; with auxiliary weights of "
    "<alike.at.magnitude_aux> that of <alike.of> is <alike.bound> it, but that of <fewer.of> is <fewer.bound> it; there the "
    "loss on <losses.at.k_main> is <losses.bound> that on <losses.than.k_main>, with <losses.samples>",
    corrected=LITTLE,
    twins={
        "half the samples suffice": LITTLE.but(needed=replace(LITTLE.needed, both=False, most=0.5)),
        "as many for all, as drawn tasks have it": LITTLE.but(alike=replace(LITTLE.alike, most=NEARLY)),
        "as many for multi-task learning with the smaller weights": LITTLE.but(
            fewer=replace(LITTLE.fewer, most=NEARLY, both=True)
        ),
        "three tenths of the samples": LITTLE.but(fewer=replace(LITTLE.fewer, most=0.3)),
        "losses as far apart with the larger auxiliary weights": LITTLE.but(
            losses=replace(LITTLE.losses, at=LITTLE.losses.at.but(magnitude_aux=LARGE))
        ),
    },
    siblings={"weaker bounds": LITTLE.but(needed=replace(LITTLE.needed, most=2.0), alike=replace(LITTLE.alike, most=2.0))},
    reads=(
        *READS,
        *SIZES,
        "drawn tasks hold the bound at both sizes. For finetuning, and for multi-task learning at the smaller loss, the "
        "difference is how they are read: along straight lines between the numbers of samples that were run, by which the "
        "limit holds it, too. For multi-task learning at the larger loss it is also that networks do not end at the least norm",
    ),
    granted=GRANTED,
    expected=Verdict.CORRECTED,
    source=SOURCE,
)
def curve_fig1f(proof: Derivation, stated: Said) -> None:
    """Figure 1f, in the limit: main features a subset of the auxiliary ones."""
    judge_solved(proof, stated, "f")


GAIN = solved(RESCALED)


@claim(
    "curve-fig1g",
    where="theory of learning curves (Fig. 1g)",
    statement=IN_THE_LIMIT + EASIER_IF_RESCALED,
    printed=GAIN,
    twins={
        "denser subsets are easier": GAIN.but(gain=GAIN.gain.reversed()),
        "the gain is the larger at a tenth": GAIN.but(grows=GAIN.grows.reversed()),
        "a thousandth, with few samples, too": GAIN.but(gain=replace(GAIN.gain, most=0.001)),
    },
    siblings={"a stronger bound": GAIN.but(gain=replace(GAIN.gain, most=0.01))},
    reads=(*READS, *SIZES),
    granted=GRANTED,
    expected=Verdict.CONFIRMED,
    source=SOURCE,
)
def curve_fig1g(proof: Derivation, stated: Said) -> None:
    """Figure 1g, in the limit: rescaled networks on subsets of the auxiliary features."""
    judge_solved(proof, stated, "g")


MUCH = solved(SPARSER)


@claim(
    "curve-fig1h",
    where="theory of learning curves (Fig. 1h)",
    statement=IN_THE_LIMIT + MUCH_SPARSER,
    printed=MUCH,
    twins={
        "small factors give denser ones": MUCH.but(outside=MUCH.outside.reversed()),
        "a quarter": MUCH.but(outside=replace(MUCH.outside, most=0.25)),
    },
    siblings={"at most a half, which drawn tasks miss": MUCH.but(outside=replace(MUCH.outside, most=0.5))},
    reads=(*READS, *SIZES),
    granted=GRANTED,
    expected=Verdict.CONFIRMED,
    source=SOURCE,
)
def curve_fig1h(proof: Derivation, stated: Said) -> None:
    """Figure 1h, in the limit: sparsity against the factor on the pretrained weights."""
    judge_solved(proof, stated, "h")


PREFERRED = solved(REUSE)
PREFERRED = PREFERRED.but(shared=replace(PREFERRED.shared, at=Said(**vars(PREFERRED.shared.at), k_main=5)))


@claim(
    "curve-fig1i",
    where="theory of learning curves (Fig. 1i)",
    statement=IN_THE_LIMIT + STILL_PREFERRED,
    printed=PREFERRED,
    twins={
        "task-specific features are easier": PREFERRED.but(shared=PREFERRED.shared.reversed()),
        "a thousandth, at every factor": PREFERRED.but(shared=replace(PREFERRED.shared, most=0.001)),
    },
    siblings={"a stronger bound": PREFERRED.but(shared=replace(PREFERRED.shared, most=0.1))},
    reads=(*READS, *SIZES),
    granted=GRANTED,
    expected=Verdict.CONFIRMED,
    source=SOURCE,
)
def curve_fig1i(proof: Derivation, stated: Said) -> None:
    """Figure 1i, in the limit: main features that are auxiliary ones, or task-specific."""
    judge_solved(proof, stated, "i")


ALL, NONE, SOME = (Said(panel="b", overlap=40), Said(overlap=0), Said(panel="d", overlap=30))
STRONGER = Said(
    grid=GRID,
    worth=Needed(PRETRAINED, 0.2, at=ALL, than=NONE, levels=LEVELS),
    less=Needed(AT_ONCE, 2.5, at=ALL.but(overlap=0), than=Said(overlap=40), levels=LEVELS),
    off=Comparison(PRETRAINED, 0.2, (16, 32, 64), AT_ONCE, SOME, quantity=SHARE_OFF),
)


@claim(
    "curve-reuse",
    where="theory of learning curves (section 3.3: PT+FT more strongly biased toward reuse)",
    statement=IN_THE_LIMIT
    + "PT+FT is more strongly biased toward reusing features than MTL: to come down to each of the losses <worth.levels>, "
    "<worth.of> needs with <worth.at.overlap> of <grid.features_aux> features shared <worth.bound> as many samples as with "
    "<worth.than.overlap>, while <less.of> needs with <less.at.overlap> shared <less.bound> as many as with "
    "<less.than.overlap>; where <off.at.overlap> are, the <off.quantity> of <off.of> is <off.bound> that of <off.to>, with "
    "<off.samples>",
    printed=STRONGER,
    twins={
        "sharing is worth as much to multi-task learning": STRONGER.but(less=replace(STRONGER.less, most=1.5)),
        "it is worth more": STRONGER.but(worth=replace(STRONGER.worth, most=0.1)),
        "multi-task learning uses fewer new features": STRONGER.but(off=STRONGER.off.reversed()),
        "with more samples, too": STRONGER.but(off=replace(STRONGER.off, samples=(64, 128))),
    },
    siblings={
        "a weaker bound": STRONGER.but(worth=replace(STRONGER.worth, most=0.25)),
        "with fewer samples, by more": STRONGER.but(off=replace(STRONGER.off, most=0.02, samples=(16, 32))),
    },
    reads=(
        *READS,
        "more strongly biased: by how much fewer samples are needed when all features are shared, and by how little of the "
        "predictor lies on new ones while samples are few",
        "drawn multi-task networks use new features nearly as little as finetuned ones: they do not end at the least norm, "
        "which spreads over new features from the first",
    ),
    granted=GRANTED,
    expected=Verdict.CONFIRMED,
    source=SOURCE,
)
def curve_reuse(proof: Derivation, stated: Said) -> None:
    """Section 3.3, in the limit: "PT+FT is more strongly biased toward reusing features", in samples and in what is learned."""
    judge_solved(proof, stated, "bd")


SIZED = Said(magnitude=AS_AUX, magnitude_aux=LARGE)
AS_LARGE = Said(grid=GRID, teachers=SIZED, needed=Needed(BOTH, NEARLY, at=NESTED, than=DENSE, both=True, levels=LEVELS))
UNLIKE = Said(
    grid=GRID,
    teachers=SIZED,
    needed=replace(AS_LARGE.needed, of=PRETRAINED),
    fewer=Needed(AT_ONCE, 0.5, at=NESTED, than=DENSE, levels=LEVELS),
)


@claim(
    "curve-at-one",
    where="theory of learning curves (section 4.2: what no sparsity bias at equal weights comes to)",
    statement=IN_THE_LIMIT
    + "among main features that are <teachers.magnitude>, of size <teachers.magnitude_aux>, sparsity does not matter: the "
    "number of samples with which <needed.of> come down to each of the losses <needed.levels> is on <needed.at.k_main> "
    "<needed.at.relation> features <needed.bound> that on <needed.than.k_main>",
    printed=AS_LARGE,
    corrected_statement=IN_THE_LIMIT
    + "among main features that are <teachers.magnitude>, of size <teachers.magnitude_aux>, the number of samples with which "
    "<needed.of> comes down to each of the losses <needed.levels> is on <needed.at.k_main> <needed.at.relation> features "
    "<needed.bound> that on <needed.than.k_main>, but that of <fewer.of> is <fewer.bound> it",
    corrected=UNLIKE,
    twins={
        "as many for multi-task learning": UNLIKE.but(fewer=replace(UNLIKE.fewer, most=NEARLY, both=True)),
        "half as many for finetuning": UNLIKE.but(needed=replace(UNLIKE.needed, most=0.5, both=False)),
        "exactly as many for finetuning": UNLIKE.but(needed=replace(UNLIKE.needed, most=1.0)),
        "three tenths": UNLIKE.but(fewer=replace(UNLIKE.fewer, most=0.3)),
    },
    siblings={"within a fifth": UNLIKE.but(needed=replace(UNLIKE.needed, most=1.2))},
    reads=(
        *READS,
        "the size of a weight, k being the number of auxiliary features",
        "what section 4.2 says of penalties where weights are equal, taken to learning: gathering main features lowers the "
        "multi-task penalty by a small share only, and that suffices. No drawn tasks of Figure 1 have such weights",
    ),
    granted=GRANTED,
    expected=Verdict.CORRECTED,
    source=SOURCE,
)
def curve_at_one(proof: Derivation, stated: Said) -> None:
    """Section 4.2, in the limit: features weighted as strongly in both tasks."""
    judge_solved(proof, stated)


if __name__ == "__main__":
    sys.exit(run_alone())
