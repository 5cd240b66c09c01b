"""Figure 1: the penalty landscapes of panel a, as they are drawn."""

from __future__ import annotations

import sys
from typing import NamedTuple

import numpy as np

from normtheory.audit.alone import run_alone
from normtheory.audit.claims import Verdict, claim
from normtheory.audit.derivation import Derivation
from normtheory.figures.diagonal import penalty_landscapes

SOURCE = "Lindsey & Lippl 2024, Fig. 1"


class Landscapes(NamedTuple):
    """What panel a says of the two penalties as functions of |beta| and |beta_aux|."""

    order_below: float  # logarithmic slope in |beta| where |beta| << |beta_aux|
    most_order_above: float  # the same at 10 |beta_aux|: "approximately linear"
    sensitive: str  # whose value at |beta| = 10 falls at least by half as |beta_aux| rises from 1e-3 to 1
    insensitive: str  # whose value falls by at most a fifth


@claim(
    "fig1a",
    where="Fig. 1a",
    statement=r"\text{both penalties fall with}\ |\beta^{aux}|,\ \text{go from}\ \beta^2\ \text{to}\ |\beta|,\ "
    r"\text{and beyond}\ |\beta|=|\beta^{aux}|\ \text{only Q stays sensitive to}\ |\beta^{aux}|",
    printed=Landscapes(2.0, 1.5, "q", "l12"),
    twins={
        "linear also at small weights": Landscapes(1.0, 1.5, "q", "l12"),
        "the roles of the two penalties exchanged": Landscapes(2.0, 1.5, "l12", "q"),
    },
    expected=Verdict.CONFIRMED,
    source=SOURCE,
    assumptions=("of the l1,2 penalty what the main weight adds, 2 sqrt(b^2 + b_aux^2) - 2|b_aux|, is meant",),
)
def fig1a(proof: Derivation, subject: Landscapes) -> None:
    """Figure 1a: the curves as they are drawn."""
    rows = penalty_landscapes.compute("paper").to_pylist()
    beta = np.array(sorted({row["beta"] for row in rows}))
    value = {(row["penalty"], row["beta_aux"], row["beta"]): row["value"] for row in rows}
    curve = {(kind, aux): np.array([value[kind, aux, b] for b in beta]) for kind, aux in {key[:2] for key in value}}
    ten = int(np.argmin(abs(beta - 10)))
    for kind in ("q", "l12"):
        rise = max(float((curve[kind, more] / curve[kind, less]).max()) for less, more in ((1e-3, 1.0), (1.0, 1e3)))
        proof.at_most(f"{kind}: largest ratio of a curve to that of a smaller |beta_aux|, less 1", rise - 1, 0)
        order = np.gradient(np.log(curve[kind, 1.0]), np.log(beta))
        proof.at_most(
            f"{kind}: slope at |beta| = |beta_aux|/100, away from {subject.order_below:g}",
            abs(order[0] - subject.order_below),
            0.05,
        )
        proof.at_most(f"{kind}: slope at |beta| = 10 |beta_aux|", float(order[ten]), subject.most_order_above)
    fall = {kind: float(curve[kind, 1.0][ten] / curve[kind, 1e-3][ten]) for kind in ("q", "l12")}
    proof.at_most(
        f"{subject.sensitive} at |beta| = 10: value for |beta_aux| = 1 over that for 1e-3", fall[subject.sensitive], 0.5
    )
    proof.at_most(f"{subject.insensitive}, likewise: what it falls", 1 - fall[subject.insensitive], 0.2)


if __name__ == "__main__":
    sys.exit(run_alone())
