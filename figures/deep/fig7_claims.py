"""Figure 7: what rescaling networks that were pretrained on ImageNet does to finetuning.

Nothing was published of this figure but the picture, and its data are not at hand. What is published of a network like those,
by the same factor, is judged beside it.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace

from normtheory.audit import notation
from normtheory.audit.alone import run_alone
from normtheory.audit.claims import Verdict, claim
from normtheory.audit.derivation import Derivation
from normtheory.audit.statements import Said
from normtheory.figures.deep.published import DECIDED, FINETUNED, GIVEN, RESOLUTION, SAMPLES, Condition, Lower, Resolution
from normtheory.figures.readings import Each, Listing


@dataclass(frozen=True)
class Experiment:
    """A pretrained network that is finetuned: on what each, and with which numbers of samples, where those are known."""

    network: str
    pretrained: str
    task: str
    samples: tuple[int, ...] = ()

    def in_text(self) -> str:
        """As a sentence lists it."""
        words = f"{self.network} pretrained on {self.pretrained}, on {self.task}"
        return f"{words} with {notation.text(self.samples)} samples" if self.samples else words

    def in_latex(self) -> str:
        """The same in LaTeX."""
        words = f"{self.network} pretrained on {self.pretrained}, on {self.task}"
        return f"{words} with ${notation.latex(self.samples)}$ samples" if self.samples else words


PAIRS, EITHER = "pairs of classes of CIFAR-100", "all classes of {0}, and pairs of them"
# As the figure has them: three pretrained networks with their data, each on the full task and on pairs of classes.
PRINTED = tuple(
    Experiment(network, "ImageNet", EITHER.format(data))
    for network, data in (("ResNet-18", "CIFAR-100"), ("VGG-11", "CIFAR-100"), ("ResNet-18", "STL-10"))
)
MANY = Experiment("ResNet-18", "the other classes of CIFAR-100", PAIRS, (200, 1000))
FEW = replace(MANY, samples=SAMPLES[:3])
PUBLISHED = {(each.network, each.pretrained, each.task) for each in (MANY, FEW)}
IMPROVES = Said(resolution=RESOLUTION, rescale=0.5, of=Listing((*PRINTED, MANY)), hurts=Listing((FEW,)))


@claim(
    "fig7",
    where="Fig. 7, section 6 and Appendix F",
    statement="rescaling by <rescale> after pretraining lowers the error of finetuning for <of>, though it raises it for "
    "<hurts>",
    printed=IMPROVES,
    twins={
        "it helps with few samples, too": IMPROVES.but(of=Listing((FEW,)), hurts=Listing()),
        "it hurts with many samples": IMPROVES.but(hurts=Listing((MANY,))),
        "another factor": IMPROVES.but(rescale=2.0),
        "it helps with every number of samples": IMPROVES.but(of=Listing((replace(MANY, samples=SAMPLES),)), hurts=Listing()),
    },
    siblings={"what is published of another network": IMPROVES.but(of=Listing((MANY,)))},
    reads=(
        "the last experiment, and the one for which the error is said to rise, are those of Fig. 3b, whose numbers are "
        "published; the others are those of Fig. 7",
        *DECIDED,
    ),
    granted=GIVEN,
    expected=Verdict.UNDECIDED,
    source="Lindsey & Lippl 2024, Appendix F",
)
def fig7(proof: Derivation, stated: Said) -> None:
    """Figure 7: no number of it is published, and its data are not at hand; Figure 3b has the same factor."""
    for text, number, bound in stated.resolution.grid():
        proof.at_most(text, number, bound)
    rescaled = Condition(FINETUNED.method, stated.rescale)
    for experiments, (lower, higher) in ((stated.of, (rescaled, FINETUNED)), (stated.hurts, (FINETUNED, rescaled))):
        for experiment in experiments:
            _judge(proof, experiment, Lower(Each((lower,)), higher, experiment.samples), stated.resolution)


def _judge(proof: Derivation, experiment: Experiment, lower: Lower, resolution: Resolution) -> None:
    """By the published numbers, if there are any."""
    if (experiment.network, experiment.pretrained, experiment.task) not in PUBLISHED:
        proof.lacking(experiment.in_text(), "no number was published, and the data are not at hand")
        return
    for text, number, bound in lower.numbers(resolution):
        proof.at_most(f"{experiment.network} pretrained on {experiment.pretrained}: {text}", number, bound)


if __name__ == "__main__":
    sys.exit(run_alone())
