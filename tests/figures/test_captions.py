"""Quotations from the paper, held against its text: skipped where that is not at hand."""

import os
import re
from pathlib import Path

import pytest

from normtheory.figures import captions_claims
from normtheory.figures.captions_claims import CAPTIONS, PRINTED, REFERENCES

# Beside the repository, or where the variable says.
PAPER = Path(os.environ.get("NORMTHEORY_PAPER", Path(__file__).parents[3] / "shared" / "paper.txt"))


@pytest.fixture(scope="module")
def paper():
    if not PAPER.exists():
        pytest.skip(f"no text of the paper at {PAPER}; set NORMTHEORY_PAPER")
    return plain(PAPER.read_text())


def plain(text):
    """Without marks of emphasis and mathematics, on one line."""
    return re.sub(r"\s+", " ", re.sub(r"\*|\\mathbf|[${}]", "", text))


def caption(paper, panel):
    """The caption of a panel, from its letter to the next."""
    figure = re.search(rf"Figure {panel[0]}: .*?(?=Figure {int(panel[0]) + 1}: )", paper)[0]
    letters = "abcdefghi"
    later = letters[letters.index(panel[1]) + 1 :]
    return re.search(rf"(?:^|[ :]){panel[1]}[,:]? (?=[A-Z(]).*?(?:$|(?<=\. )[{later or '#'}][,:]? (?=[A-Z(]))", figure)[0]


def meant_and_named():
    return [(each, named) for each, named in zip(REFERENCES, PRINTED, strict=True) if len(named) == 2]


@pytest.mark.parametrize(("reference", "named"), meant_and_named())
def test_the_caption_meant_has_the_word_and_the_caption_named_has_not(paper, reference, named):
    words = {panel: caption(paper, panel).lower() for panel in (reference.panel, named)}
    assert reference.word.lower() in words[reference.panel]
    assert reference.word.lower() not in words[named]


@pytest.mark.parametrize(("reference", "named"), list(zip(REFERENCES, PRINTED, strict=True)))
def test_the_references_are_printed_so(paper, reference, named):
    printed = f"{plain(reference.quoted)} {named.removeprefix('Appendix ')}"
    if "panel" in reference.quoted:  # within one figure the letter alone
        printed = f"{plain(reference.quoted)} {named[1]}"
    assert printed in paper


@pytest.mark.parametrize("panel", [panel for panel in CAPTIONS if len(panel) == 2])
def test_captions_are_quoted_as_they_are(paper, panel):
    assert plain(CAPTIONS[panel]) in caption(paper, panel)


def test_appendices_are_letters(paper):
    assert f"E {CAPTIONS['Appendix E']}" in paper
    assert captions_claims.CAPTIONS["Appendix 5"] == ""
