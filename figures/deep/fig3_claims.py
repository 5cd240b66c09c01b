"""Figures 3 and 8d: what text and captions draw from the CIFAR-100 experiment, judged on the published numbers."""

from __future__ import annotations

import sys
from dataclasses import replace

from normtheory.audit.alone import run_alone
from normtheory.audit.claims import Verdict, claim
from normtheory.audit.derivation import Derivation
from normtheory.audit.statements import Said
from normtheory.figures.deep.analogue import sentences
from normtheory.figures.deep.published import (
    CHANCE,
    DECIDED,
    DIMENSIONS_GIVEN,
    FINETUNED,
    GIVEN,
    MTL,
    RESOLUTION,
    SAMPLES,
    STL,
    AtChance,
    Change,
    Lower,
    Shared,
    Unlearned,
    Untold,
    every,
    judge,
    layers,
)
from normtheory.figures.readings import Each

SOURCE = "Lindsey & Lippl 2024, section 6 and its released results"
MULTI_TASK, PRETRAINED = Each((MTL,)), Each((FINETUNED,))

EFFICIENCY = Said(
    resolution=RESOLUTION,
    gain=Lower(Each((MTL, FINETUNED)), STL, SAMPLES),
    few=Lower(MULTI_TASK, FINETUNED, SAMPLES[:2]),
    many=Lower(PRETRAINED, MTL, SAMPLES[2:]),
)
TOLD = Said(
    resolution=RESOLUTION,
    finetuned=Lower(PRETRAINED, STL, SAMPLES),
    together=Lower(MULTI_TASK, STL, SAMPLES[:5]),
    late=Untold(MULTI_TASK, STL, SAMPLES[5:]),
    few=Untold(MULTI_TASK, FINETUNED, SAMPLES[:2]),
    many=Lower(PRETRAINED, MTL, SAMPLES[2:]),
    alone=AtChance(Each((STL,)), CHANCE, SAMPLES[:2]),
    auxiliary=Unlearned(MULTI_TASK, 0.11),
)


@claim(
    "fig3a",
    where="Fig. 3a, section 6",
    statement="<gain.of> have lower errors than <gain.than>, with <gain.samples> main samples; <few.of> lower ones than "
    "<few.than> with few, <few.samples>; <many.of> lower ones than <many.than> with many, <many.samples>",
    printed=EFFICIENCY,
    corrected=TOLD,
    corrected_statement="<finetuned.of> has lower errors than <finetuned.than>, with <finetuned.samples> main samples, "
    "<together.of> than <together.than> with <together.samples>; with <late.samples> no order of <late.of> and <late.than> is "
    "told, nor with <few.samples> one of <few.of> and <few.than>; with <many.samples> <many.of> has lower errors than "
    "<many.than>. With <alone.samples> <alone.of> is at chance, <alone.chance>, and <auxiliary.of> has learned to classify at "
    "most the share <auxiliary.most> of its auxiliary training images, at any number",
    twins={
        "multi-task training is better with few samples": TOLD.but(few=Lower(MULTI_TASK, FINETUNED, SAMPLES[:2])),
        "finetuning is better with few samples": TOLD.but(few=Lower(PRETRAINED, MTL, SAMPLES[:2])),
        "multi-task training is better with many samples": TOLD.but(many=TOLD.many.reversed()),
        "multi-task training always helps": TOLD.but(together=replace(TOLD.together, samples=SAMPLES)),
        "single-task learning is at chance for longer": TOLD.but(alone=replace(TOLD.alone, samples=SAMPLES[:4])),
        "multi-task training has learned hardly any auxiliary image": TOLD.but(auxiliary=Unlearned(MULTI_TASK, 0.05)),
        "other test sets": TOLD.but(resolution=replace(RESOLUTION, images=1000)),
    },
    siblings={
        "held to fewer deviations": TOLD.but(resolution=replace(RESOLUTION, deviations=1.9)),
        "a larger share of auxiliary images": TOLD.but(auxiliary=Unlearned(MULTI_TASK, 0.2)),
    },
    reads=(
        "more efficient in samples: a lower error with the same number of them; few: the least numbers, where the "
        "published medians have the order that the text says",
        *DECIDED,
    ),
    granted=GIVEN,
    expected=Verdict.CORRECTED,
    source=SOURCE,
)
def fig3a(proof: Derivation, stated: Said) -> None:
    """Figure 3a: errors of multi-task training, finetuning and single-task learning on CIFAR-100."""
    judge(proof, stated)
    _beside(proof, "a")


FACTORS = (0.125, 0.25, 0.5)
HELPS = Said(resolution=RESOLUTION, below=Lower(every(*FACTORS), FINETUNED, SAMPLES))
BY_FACTOR = Said(
    resolution=RESOLUTION,
    strong=Lower(every(*FACTORS[:2]), FINETUNED, SAMPLES),
    helps=Lower(every(0.5), FINETUNED, (200, 1000)),
    open=Untold(every(0.5), FINETUNED, (100, 500)),
    hurts=Lower(PRETRAINED, every(0.5)[0], SAMPLES[:3]),
    above=Lower(PRETRAINED, every(2.0)[0], SAMPLES),
    stuck=AtChance(every(0.5), CHANCE, SAMPLES[:1]),
    lost=AtChance(every(2.0), CHANCE, SAMPLES[:3]),
)


@claim(
    "fig3b",
    where="Fig. 3b, section 6",
    statement="making the pretrained weights smaller by a factor lowers the error of finetuning: <below.of> have lower errors "
    "than <below.than>, with <below.samples> main samples",
    printed=HELPS,
    corrected=BY_FACTOR,
    corrected_statement="<strong.of> have lower errors than <strong.than>, with <strong.samples> main samples; <helps.of> has "
    "with <helps.samples>, with <open.samples> no order is told, and with <hurts.samples> the error is lower without "
    "rescaling: with <stuck.samples> <stuck.of> is at chance, <stuck.chance>. Without rescaling the error is lower than of "
    "<above.than>, with <above.samples>, which is at chance with <lost.samples>",
    twins={
        "the mildest factor helps with few samples": BY_FACTOR.but(hurts=BY_FACTOR.hurts.reversed()),
        "the mildest factor hurts with many samples": BY_FACTOR.but(helps=BY_FACTOR.helps.reversed()),
        "strong factors hurt": BY_FACTOR.but(strong=BY_FACTOR.strong.reversed()),
        "a factor above unity helps": BY_FACTOR.but(above=BY_FACTOR.above.reversed()),
        "an order is told wherever medians differ": BY_FACTOR.but(open=Lower(every(0.5), FINETUNED, (100, 500))),
        "as good as chance with more samples": BY_FACTOR.but(stuck=replace(BY_FACTOR.stuck, samples=SAMPLES[:3])),
    },
    siblings={
        "fewer numbers of samples": BY_FACTOR.but(strong=replace(BY_FACTOR.strong, samples=SAMPLES[:3])),
        "only the first of them is at chance": BY_FACTOR.but(lost=replace(BY_FACTOR.lost, samples=SAMPLES[:1])),
    },
    reads=DECIDED,
    granted=GIVEN,
    expected=Verdict.CORRECTED,
    source=SOURCE,
)
def fig3b(proof: Derivation, stated: Said) -> None:
    """Figure 3b: errors of finetuning by the factor on the pretrained weights."""
    judge(proof, stated)
    _beside(proof, "b")


LAST, OUTPUTS = layers(4), layers(6)
MANY = SAMPLES[-1:]
CLOSE, LESS, SAME = 1.15, 0.9, 0.95
SIGNATURE = Said(
    falls=Change(FACTORS, LAST, MANY, most=LESS),
    close=Shared(FACTORS, LAST, MANY, CLOSE),
    stays=Change((1.0,), LAST, MANY, least=SAME),
)
MEASURED = SIGNATURE.but(close=Shared(FACTORS[1:], LAST, MANY, CLOSE))
MEASURED = Said(
    **vars(MEASURED),
    apart=Shared(FACTORS[:1], LAST, MANY, 1.25, apart=True),
    trivial=Shared((1.0, 2.0), LAST, MANY, 1.02),
    outputs=Change((1.0,), OUTPUTS, MANY, most=0.7),
)


@claim(
    "fig3c",
    where="Fig. 3c, section 6",
    statement="with <falls.samples> main samples, after rescaling by <falls.rescale>, finetuning multiplies the participation "
    "ratio of <falls.layers> by at most <falls.most>, and the dimensions shared with the pretrained network are close to it "
    "afterwards, within a factor <close.factor>; without rescaling it multiplies it by at least <stays.least>",
    printed=SIGNATURE,
    corrected=MEASURED,
    corrected_statement="with <falls.samples> main samples, after rescaling by <falls.rescale>, finetuning multiplies the "
    "participation ratio of <falls.layers> by at most <falls.most>; the dimensions shared with the pretrained network are "
    "close to it afterwards, within a factor <close.factor>, for <close.rescale>, but more than a factor <apart.factor> apart "
    "for <apart.rescale>. They are within <trivial.factor> by <trivial.rescale>, too, where nothing falls: it multiplies the "
    "ratio by at least <stays.least> without rescaling, though that of <outputs.layers> by at most <outputs.most>",
    twins={
        "close for the best factor": MEASURED.but(apart=Shared(FACTORS[:1], LAST, MANY, CLOSE)),
        "it falls without rescaling": MEASURED.but(stays=Change((1.0,), LAST, MANY, most=LESS)),
        "it does not fall for the mildest factor": MEASURED.but(falls=Change(FACTORS, LAST, MANY, most=LESS, least=LESS)),
        "outputs keep their dimensions": MEASURED.but(outputs=Change((1.0,), OUTPUTS, MANY, least=SAME)),
        "it falls in the stem": MEASURED.but(falls=replace(MEASURED.falls, layers=layers(0))),
        "with few samples": MEASURED.but(falls=replace(MEASURED.falls, samples=SAMPLES[:1])),
    },
    siblings={
        "weaker bounds": MEASURED.but(close=replace(MEASURED.close, factor=1.2), stays=replace(MEASURED.stays, least=0.9)),
        "the mildest factor alone": MEASURED.but(falls=replace(MEASURED.falls, rescale=(0.5,))),
    },
    reads=(
        "the representation is that of <falls.layers>, before pooling; it is lower, if at most the stated share of what it "
        "was, not lower, if at least the stated share; close: within the stated factor",
    ),
    granted=DIMENSIONS_GIVEN,
    expected=Verdict.CORRECTED,
    source=SOURCE,
)
def fig3c(proof: Derivation, stated: Said) -> None:
    """Figure 3c: participation ratios and shared dimensions of the last stage, by the factor on the pretrained weights."""
    judge(proof, stated)
    _beside(proof, "c")


STAGES = layers(0, 1, 2, 3, 4)
EVERYWHERE = Said(
    falls=Change(FACTORS, STAGES, MANY, most=LESS),
    close=Shared(FACTORS, STAGES, MANY, CLOSE),
    stays=Change((1.0,), STAGES, MANY, least=SAME),
)
WHERE = Said(
    falls=Change(FACTORS, LAST, MANY, most=LESS),
    third=Change(FACTORS[:1], layers(3), MANY, most=LESS),
    early=Change(FACTORS, layers(0, 1), MANY, least=SAME),
    mild=Change(FACTORS[2:], layers(0, 1, 2, 3), MANY, least=SAME),
    few=Change(FACTORS[2:], STAGES, SAMPLES[:4], least=SAME),
    apart=Shared(FACTORS[:1], layers(3, 4), MANY, 1.2, apart=True),
    stays=Change((1.0, 2.0), STAGES, SAMPLES, least=SAME),
    outputs=Change((1.0,), OUTPUTS, SAMPLES[4:], most=0.9),
)


@claim(
    "fig8d",
    where="Fig. 8d, Appendix G",
    statement="with <falls.samples> main samples, after rescaling by <falls.rescale>, finetuning multiplies the participation "
    "ratio of each stage, <falls.layers>, by at most <falls.most>, and the dimensions shared with the pretrained network are "
    "very close to it afterwards, within a factor <close.factor>; without rescaling it multiplies none by less than "
    "<stays.least>",
    printed=EVERYWHERE,
    corrected=WHERE,
    corrected_statement="with <falls.samples> main samples, after rescaling by <falls.rescale>, finetuning multiplies the "
    "participation ratio of <falls.layers> by at most <falls.most>; by <third.rescale> also that of <third.layers>, where, as "
    "in the last, the dimensions shared with the pretrained network are more than a factor <apart.factor> apart from it. Of "
    "<early.layers> it multiplies none by less than <early.least>, by <mild.rescale> none of <mild.layers> by less than "
    "<mild.least>, and with few, <few.samples>, none at all by less than <few.least>. By <stays.rescale> it multiplies that "
    "of no stage by less than <stays.least>, with <stays.samples>, but that of <outputs.layers> by at most <outputs.most> "
    "without rescaling, with <outputs.samples>",
    twins={
        "every stage falls": WHERE.but(falls=replace(WHERE.falls, layers=STAGES)),
        "the mildest factor makes the last stage fall with few samples": WHERE.but(
            few=Change(FACTORS[2:], LAST, SAMPLES[:4], most=LESS)
        ),
        "very close in the third stage": WHERE.but(apart=Shared(FACTORS[:1], layers(3), MANY, CLOSE)),
        "outputs keep their dimensions without rescaling": WHERE.but(outputs=Change((1.0,), OUTPUTS, SAMPLES[4:], least=SAME)),
        "stages fall without rescaling": WHERE.but(stays=Change((1.0,), LAST, MANY, most=LESS)),
    },
    siblings={
        "weaker bounds": WHERE.but(stays=replace(WHERE.stays, least=0.9), early=replace(WHERE.early, least=0.9)),
        "the strongest factor alone": WHERE.but(falls=replace(WHERE.falls, rescale=FACTORS[:1])),
    },
    reads=(
        "lower: at most the stated share of what it was; no decrease: at least the stated share; very close: within the factor",
    ),
    granted=DIMENSIONS_GIVEN,
    expected=Verdict.CORRECTED,
    source="Lindsey & Lippl 2024, Appendix G and its released results",
)
def fig8d(proof: Derivation, stated: Said) -> None:
    """Figure 8d: participation ratios and shared dimensions by stage, and by number of samples."""
    judge(proof, stated)
    _beside(proof, "c")


def _beside(proof: Derivation, panel: str) -> None:
    """What our own networks show on data at hand, as notes."""
    for sentence in sentences(panel):
        proof.note(sentence)


if __name__ == "__main__":
    sys.exit(run_alone())
