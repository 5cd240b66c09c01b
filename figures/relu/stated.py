"""What the claims on Figures 2, 4, 6 and 8a-c share: methods, where their runs end, quantities, words for the setting.

Thresholds were set before the full run, from the paper's words and after trials of single seeds that docs/figure2.md names:
better is by a fifth (0.8), substantially better by half, near within a factor of two, as for Figure 1.
"""

from __future__ import annotations

from dataclasses import replace

from normtheory.audit.statements import Said
from normtheory.figures.diagonal.stated import LARGE, SMALL
from normtheory.figures.readings import Each, Method, Phrase, Quantity, Way, measure
from normtheory.figures.relu.grid import LAPTOP, LARGE_LAPTOP, PAPER

SETTING = LAPTOP
WIDE = PAPER.width
PAIRS = SETTING
SPARSE = replace(SETTING, seeds=SETTING.seeds_sparse)  # the same setting, of which sparse and single tasks have fewer seeds
BIG = LARGE_LAPTOP
EVERY_N, EVERY_SPARSE_N, EVERY_SINGLE_N = (
    tuple(each) for each in (PAIRS.samples, SPARSE.samples_sparse, SPARSE.samples_single)
)

# A flow ends at a training loss. It is judged at an earlier one, too, and where its loss was least, as published.
ENDS = (
    Way("at the last training loss", "flow"),
    Way("at an earlier training loss", "flow", "early_loss"),
    Way("where the loss is least on the way", "flow", "best_loss"),
)
MTL = Method("MTL", ENDS)
EQUAL = Method("MTL 1:1", ENDS, Phrase("MTL with both tasks weighing the same", "MTL with both tasks weighing the same"))
FINETUNED = Method("PT+FT", ENDS)
HELD = Method(
    "PT+FT",
    (Way("exactly", "frozen"),),
    Phrase("PT+FT whose units keep their directions", "PT+FT whose units keep their directions"),
)
SINGLE = Method("STL", ENDS)
LAZY = Method("STL lazy", ENDS, Phrase("STL from large weights", "STL from large weights"))
KERNEL = Method("NTK", (Way("closed form", "closed form"),), Phrase("the tangent kernel", "the tangent kernel"))

BOTH, ALONE = Each((MTL, FINETUNED)), Each((SINGLE,))
TRAINED_AT_ONCE, PRETRAINED = Each((MTL,)), Each((FINETUNED,))
EITHER = Each((SMALL, LARGE))
IDENTICAL, NEARLY, HALF, APART = "6/6 shared", "5/6 shared", "3/6 shared", "0/6 shared"
CORRELATED, MIXED = "all correlated", "5 shared, rest correlated"

INERTIA = measure("inertia of the units about their mean", "inertia", geometric=False)
SPREAD = measure("inertia of the units about zero", "uncentred", geometric=False)
MISALIGNED = Quantity(
    "misalignment with the main teacher's units", lambda row, way: 1 - float(row["alignment"]), geometric=False
)
DIMENSION = measure("participation ratio", "pr")
FALL = Quantity("participation ratio over that before finetuning", lambda row, way: float(row["pr"] / row["pr_before"]))
RISE = Quantity("participation ratio before finetuning over that after", lambda row, way: float(row["pr_before"] / row["pr"]))
OWN_OVER_SHARED = Quantity(
    "participation ratio over the effective number of dimensions shared with the start",
    lambda row, way: float(row["pr"] / row["ensd"]),
)
SHARED_OVER_OWN = Quantity(
    "effective number of dimensions shared with the start over the participation ratio",
    lambda row, way: float(row["ensd"] / row["pr"]),
)

READS = (
    "the setting: students of <setting.width> units, <setting.inputs> inputs, <setting.samples_aux> auxiliary samples, "
    "<setting.units_aux> auxiliary units; weights start at a scale of <setting.scale>, a new readout at <setting.gamma>; "
    "means are over <grid.realisations> seeds, geometric for losses and dimensions, arithmetic for inertia and alignment",
    "the paper's students have <wide> units: this is the scale that a small machine computes",
)
MISALIGNMENT = (
    "misalignment: how far the cosine with the best cluster's centre, averaged over the teacher's units, is from that of equal "
    "directions"
)
LOSSES = (
    "losses are the population's in units of the zero predictor's, at a training loss of <setting.last_loss> of it, or, of "
    "MTL, whose loss is pooled over all samples, of <setting.last_loss_pooled>; at one of <setting.early_loss>, and where "
    "the loss on fresh inputs is least, as it was published, each bound must hold, too; a flow that rests above its "
    "training loss ends at a time of <setting.latest>",
)
SIZES = (
    "each of the k readouts of a main teacher is of size <teachers.magnitude>, of the auxiliary one, k its own number, of "
    "size <size_aux>",
)
TEACHERS = Said(magnitude=EITHER)
MEANT = "better: by the stated factor; near: within it; the bounds were set before the run"
