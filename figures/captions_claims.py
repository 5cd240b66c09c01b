"""Captions: panels that captions and text name, against the captions of those panels, by short quotations.

The paper itself is not part of this package. `tests/figures/test_captions.py` holds the quotations against its text where that
is at hand, and every caption, whole, against the word that is said to be in it or not.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace

from normtheory.audit.alone import run_alone
from normtheory.audit.claims import Verdict, claim
from normtheory.audit.derivation import Derivation
from normtheory.audit.statements import Said
from normtheory.figures.readings import Listing

# What the caption of a panel, or the heading of an appendix, says of it.
CAPTIONS = {
    "1a": "penalties, assuming negligible",
    "1b": "networks trained with MTL, PT+FT",
    "1e": "share no common features",
    "1f": "main task uses a subset of the features",
    "1g": "with the network weights rescaled by 0.1 or 0.01",
    "1i": "or disjoint from them (“task-specific”)",
    "2c": "for different numbers of clusters",
    "2d": "Alignment between main task features",
    "2e": "main-task features are correlated",
    "2f": "an example with both identically shared and correlated features",
    "2g": "using different rescalings of network weights following pretraining",
    "2h": "clustering with a single cluster",
    "2i": "or disjoint (“task-specific”)",
    "3b": "with different weight rescaling values following pretraining",
    "3c": "Participation ratio (PR;",
    "6a": "Inertia (k-means reconstruction error",
    "6e": "Alignment score for networks trained with MTL, PT+FT, and STL",
    "6f": "only one ground-truth feature",
    "Appendix 5": "",
    "Appendix E": "Analysis of learned solutions",
}


@dataclass(frozen=True)
class Reference:
    """A place that refers to a panel, the words of its sentence that say what for, and the word to be found in its caption."""

    place: str
    quoted: str
    panel: str
    word: str

    @property
    def speaks(self) -> bool:
        """Whether the caption of the panel has the word."""
        return self.word.lower() in CAPTIONS[self.panel].lower()

    def in_text(self) -> str:
        """As a sentence lists it."""
        return f"{self.place} (“{self.quoted}”) to {self.panel}, for “{self.word}”"

    in_latex = in_text


# As they should be. What is printed instead stands in PRINTED.
REFERENCES = (
    Reference("caption 1g", "Same as PT+FT case in panel", "1f", "subset"),
    Reference("caption 5a", "networks from Fig.", "1b", "networks trained"),
    Reference("section 4.2", "(Appendix", "Appendix E", "learned solutions"),
    Reference("section E.2.1", "we measure the inertia of trained networks in Fig.", "6a", "inertia"),
    Reference("caption 6c", "for the tasks of Fig. 2a and Fig.", "2e", "correlated"),
    Reference("caption 6f", "used in the auxiliary task (as in Fig.", "2g", "rescaling"),
    Reference("section E.2.3", "a subset of the features used in the auxiliary task (Fig.", "1g", "rescaled"),
    Reference("section E.2.3", "bias towards reusing features from the auxiliary task (Fig.", "1i", "task-specific"),
    Reference("section E.2.3", "rescaled by a value of 1.0 after pretraining, see Fig.", "2g", "rescaling"),
    Reference("section E.2.3", "consists of a single auxiliary task features (Fig.", "6f", "one ground-truth feature"),
    Reference("caption 8d", "before and after finetuning (see also Fig.", "3c", "participation ratio"),
    Reference("Appendix G", "rescaling network weights following pretraining (Fig.", "3b", "weight rescaling"),
)
PRINTED = ("1e", "1a", "Appendix 5", "2d", "2c", "2e", "1f", "1g", "2e", "6e", "2h", "2h")


def _referring(*panels: str) -> Said:
    """The references, to these panels."""
    return Said(references=Listing(replace(each, panel=panel) for each, panel in zip(REFERENCES, panels, strict=True)))


RIGHT = Said(references=Listing(REFERENCES))


@claim(
    "misprints-captions",
    where="captions of Figs. 1, 5, 6 and 8, section 4.2, Appendices E and G",
    statement="captions and text refer to panels and appendices whose own caption or heading speaks of what is said there: "
    "<references>",
    printed=_referring(*PRINTED),
    corrected=RIGHT,
    twins={
        "the first as printed": RIGHT.but(references=Listing((replace(REFERENCES[0], panel=PRINTED[0]), *REFERENCES[1:]))),
        "the second as printed": RIGHT.but(references=Listing((replace(REFERENCES[1], panel=PRINTED[1]), *REFERENCES[2:]))),
        "the first to the next panel": RIGHT.but(references=Listing((replace(REFERENCES[0], panel="1g"),))),
    },
    siblings={
        "the first alone": Said(references=Listing(REFERENCES[:1])),
        "another panel with the same word": Said(references=Listing((replace(REFERENCES[7], panel="2i"),))),
    },
    expected=Verdict.CORRECTED,
    source="Lindsey & Lippl 2024",
)
def misprints(proof: Derivation, stated: Said) -> None:
    """Figures 1 to 8: which panels captions and text name."""
    for reference in stated.references:
        text = f"{reference.in_text()}: times that its caption lacks the word"
        proof.at_most(text, 0 if reference.speaks else 1, 0)


if __name__ == "__main__":
    sys.exit(run_alone())
