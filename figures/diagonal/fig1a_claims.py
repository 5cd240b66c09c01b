"""Figure 1: the penalty landscapes of panel a, as they are drawn."""

from __future__ import annotations

import itertools
import sys

import numpy as np

from normtheory.audit.alone import run_alone
from normtheory.audit.claims import Verdict, claim
from normtheory.audit.derivation import Derivation
from normtheory.audit.statements import Said
from normtheory.figures.diagonal.penalty_landscapes import AUXILIARY_WEIGHTS, GAMMA, contribution, weights
from normtheory.figures.readings import Each, Phrase

SOURCE = "Lindsey & Lippl 2024, Fig. 1"
NAMES = {
    "q": Phrase("Q penalty", "Q penalty"),
    "l12": Phrase("excess of the ℓ₁,₂ penalty", r"excess of the $\ell_{1,2}$ penalty"),
}
DRAWN = 161  # main weights of a curve
STEP = 1e-4  # of a logarithm, for slopes


class Penalty(str):
    """The name of a penalty in the table, with its words."""

    def in_text(self) -> str:
        """As text."""
        return NAMES[self].text

    def in_latex(self) -> str:
        """In LaTeX."""
        return NAMES[self].latex


Q_PENALTY, EXCESS = Penalty("q"), Penalty("l12")
LANDSCAPES = Said(
    both=Each((Q_PENALTY, EXCESS)),
    aux=AUXILIARY_WEIGHTS,
    gamma=GAMMA,
    small=0.01,
    order_below=2.0,
    tolerance=0.05,
    large=10.0,
    most_order_above=1.5,
    weight=10.0,
    less=1e-3,
    more=1.0,
    sensitive=Each((Q_PENALTY,)),
    falls=0.5,
    insensitive=Each((EXCESS,)),
    keeps=0.8,
)


@claim(
    "fig1a",
    where="Fig. 1a",
    statement="the <both> fall from each of <aux> to the next, taken for $|\\beta^{aux}|$; their order in $|\\beta|$ is, "
    "beside <more>, <order_below>, within <tolerance>, where $|\\beta|$ is <small> times $|\\beta^{aux}|$, and at most "
    "<most_order_above> where it is <large> times; at a $|\\beta|$ of <weight> the <sensitive> falls to at most <falls> times "
    "what it is as $|\\beta^{aux}|$ rises from <less> to <more>, and the <insensitive> to at least <keeps> times",
    printed=LANDSCAPES,
    twins={
        "linear also at small weights": LANDSCAPES.but(order_below=1.0),
        "the roles of the two penalties exchanged": LANDSCAPES.but(sensitive=Each((EXCESS,)), insensitive=Each((Q_PENALTY,))),
        "linear at once": LANDSCAPES.but(most_order_above=1.01),
        "rising": LANDSCAPES.but(aux=AUXILIARY_WEIGHTS[::-1]),
    },
    siblings={
        "farther out": LANDSCAPES.but(large=20.0),
        "a weaker bound": LANDSCAPES.but(falls=0.6, keeps=0.7),
    },
    reads=(
        "the penalty of MTL: what the main weight adds to it; all of it rises, as both-decrease shows",
        "the Q penalty: as printed, with $\\gamma$ <gamma>",
    ),
    expected=Verdict.CONFIRMED,
    source=SOURCE,
)
def fig1a(proof: Derivation, stated: Said) -> None:
    """Figure 1a: the curves as they are drawn."""

    def value(kind: Penalty, beta: float, aux: float) -> float:
        return float(contribution(kind, beta, aux, stated.gamma)[0])

    def order(kind: Penalty, beta: float, aux: float) -> float:
        ends = [np.log(value(kind, beta * np.exp(step), aux)) for step in (-STEP, STEP)]
        return float((ends[1] - ends[0]) / (2 * STEP))

    for kind in stated.both:
        curves = [contribution(kind, weights(DRAWN), aux, stated.gamma) for aux in stated.aux]
        rise = max(float((curve / before).max()) for before, curve in itertools.pairwise(curves))
        proof.at_most(f"{kind.in_text()}: largest ratio of a curve to that before", rise, 1)
        middle = stated.more
        below, above = (order(kind, ratio * middle, middle) for ratio in (stated.small, stated.large))
        proof.at_most(
            f"{kind.in_text()}: order at small weights, away from the stated one",
            abs(below - stated.order_below),
            stated.tolerance,
        )
        proof.at_most(f"{kind.in_text()}: order at large weights", above, stated.most_order_above)
    for kind in stated.sensitive:
        fall = value(kind, stated.weight, stated.more) / value(kind, stated.weight, stated.less)
        proof.at_most(f"{kind.in_text()}: value at the larger auxiliary weight over that at the smaller", fall, stated.falls)
    for kind in stated.insensitive:
        rest = value(kind, stated.weight, stated.less) / value(kind, stated.weight, stated.more)
        proof.at_most(f"{kind.in_text()}: the reverse ratio", rest, 1 / stated.keeps)


if __name__ == "__main__":
    sys.exit(run_alone())
