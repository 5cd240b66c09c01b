"""What the claims on Figures 1 and 5 share: methods and where their runs end, sizes of teachers, words for the setting."""

from __future__ import annotations

from dataclasses import dataclass

from normtheory.audit.statements import Said
from normtheory.figures.diagonal.cells import RECIPROCAL, UNIT_NORM
from normtheory.figures.diagonal.grid import GRIDS
from normtheory.figures.readings import Each, Method, Phrase, Quantity, Way, measure

GRID = GRIDS["paper"]

# Published runs of multi-task training were cut off after so many epochs, before the training loss at which they were to stop;
# beyond that their losses still move. Published pretraining stopped before it had learned its teacher.
MTL = Method(
    "MTL",
    (
        Way("at the training loss where the published runs were to stop", "flow"),
        Way("at a training loss after which they move little", "flow", on="settled_loss"),
        Way("after as many epochs as the published runs had", "flow", "limit_loss"),
    ),
)
FINETUNED = Method("PT+FT", (Way("pretrained without end", "exact"), Way("pretraining stopped", "stopped")))
SINGLE = Method("STL", (Way("by the exact theory", "exact"),))
LEAST_L1 = Method(
    "STL", (Way("least l1 norm", "l1"),), Phrase("predictors of least ℓ₁ norm", r"predictors of least $\ell_1$ norm")
)
PROBED = Method("PT+FT (LP)", (Way("closed form", "closed form"),))
LAZY = Method("STL (LP)", (Way("closed form", "closed form"),))
TRUTH = Method("teacher", (Way("given", "given"),), Phrase("the teacher", "the teacher"))

BOTH = Each((MTL, FINETUNED))
EVERY_N = tuple(GRID.samples)
FEW = EVERY_N[:3]
# What counts as nearly as many samples, and the losses to be reached with them: the same for all claims.
NEARLY, LEVELS = 1.5, Each((0.1, 0.01))


@dataclass(frozen=True)
class Magnitude:
    """The size of a teacher's k weights, by its name in the table."""

    name: str

    def in_text(self) -> str:
        """As text."""
        return {UNIT_NORM: "1/√k", RECIPROCAL: "1/k"}.get(self.name, self.name)

    def in_latex(self) -> str:
        """In LaTeX."""
        return {UNIT_NORM: r"$1/\sqrt{k}$", RECIPROCAL: "$1/k$"}.get(self.name, self.name)


LARGE, SMALL = Magnitude(UNIT_NORM), Magnitude(RECIPROCAL)
EITHER = Each((LARGE, SMALL))
AS_AUX = Magnitude("as large as the auxiliary ones")

SHARE_OUTSIDE = measure("share of variance outside the strongest weights", "share", geometric=False)
SHARE_ON = measure("share of the squared norm on auxiliary features", "share", geometric=False)
SHARE_OFF = Quantity("share of the squared norm off auxiliary features", lambda row, way: 1 - float(row["share"]), False)
AWAY = Quantity(
    "distance of the share on auxiliary features from the true one",
    lambda row, way: abs(float(row["share"]) - row["overlap"] / row["k_main"]),
    geometric=False,
)
L1_NORM = measure("ℓ₁ norm", "l1", r"$\ell_1$ norm")
L12_NORM = measure("ℓ₁,₂ norm with the auxiliary predictor", "l12", r"$\ell_{1,2}$ norm with the auxiliary predictor")
PRINTED_Q = measure("Q norm as printed", "q_printed")
IN_USE = measure("number of weights in use", "active")
A_SAMPLE = Quantity("number of weights in use a sample", lambda row, way: row["active"] / row["n"])

SETTING = (
    "the setting: <grid.inputs> inputs, <grid.samples_aux> auxiliary samples, <grid.features_aux> auxiliary features; all "
    "weights start at <grid.alpha>, a reset readout at <grid.gamma>; means are over <grid.realisations> seeds, geometric for "
    "losses and norms, arithmetic for shares",
)
LOSSES = ("losses are the population's at the end of training, in units of the zero predictor's",)
ENDS = (
    "multi-task training ends at a training loss of <grid.loss>, where the published runs were to stop; after <grid.epochs> "
    "steps of <grid.step>, where they did, each bound must hold, too, and at a training loss of <grid.last_loss>, after which "
    "losses move little: <grid.settled> of the <grid.realisations> realisations goes on to that, and all move by its factor",
)
SPARSE_ENDS = (ENDS[0].replace("<grid.epochs>", "<grid.epochs_sparse>"),)
STOPPED = (
    "pretraining goes on without end, to its teacher; where it stops at a training loss of <grid.pretraining_loss>, as the "
    "published run did, each bound must hold, too",
)
SIZES = (
    "each of the k weights of a main task is of size <teachers.magnitude>; each of the auxiliary task's, k its own number, of "
    "size <teachers.magnitude_aux>: both are judged; the first is that of the published finetuning, the second meets the "
    "published multi-task losses, as published-cells shows",
)
TEACHERS = Said(magnitude=SMALL, magnitude_aux=EITHER)
