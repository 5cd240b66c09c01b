"""Parametrisations of the literature, and what `normtheory network` finds of each: the table of docs/networks.md.

`python -m benchmarks.literature` prints the table, with the seconds that each took.
"""

from __future__ import annotations

import time
from typing import NamedTuple

from normtheory.parametrisations import Parametrisation
from normtheory.parametrisations.closed import Closed, closed
from normtheory.parametrisations.language import written
from normtheory.parametrisations.laws import laws
from normtheory.parametrisations.mirror import decide
from normtheory.solvers.reading import read


class Known(NamedTuple):
    """A parametrisation, a start, and what its source says."""

    name: str
    expression: str
    start: str
    source: str
    known: str


LITERATURE = (
    Known("linear", "w", "w=0", "textbook", "least l2 norm"),
    Known("square", "u^2", "u=0.1", "Amid & Warmuth 2020", "entropy, positive predictors"),
    Known("difference of squares", "u^2 - v^2", "u=v=0.1", "Woodworth et al. 2020", "hyperbolic entropy"),
    Known("two layers, two pathways", "w*v - u*z", "w=v=u=z=0.1", "Lindsey & Lippl 2024", "hyperbolic entropy"),
    Known("two layers, unbalanced", "w*v", "w=0.1, v=0.3", "Azulay et al. 2021", "its scale is the imbalance"),
    Known("depth three, shared", "u^3 - v^3", "u=v=0.1", "Woodworth et al. 2020", "mirror map, a power"),
    Known("depth four, shared", "u^4 - v^4", "u=v=0.3", "Woodworth et al. 2020", "mirror map, a power"),
    Known("three layers", "p*q*r", "p=q=r=0.5", "Arora, Cohen & Hazan 2018", "layers stay balanced"),
    Known("three layers, unbalanced", "p*q*r - s*y*z", "p=0.3, q=0.5, r=0.2, s=y=0.4, z=0.35", "", "not looked up"),
    Known("unequal exponents", "w^2*v^3", "w=v=0.5", "", "not looked up"),
    Known("exponential", "exp(w)", "w=0", "Amid & Warmuth 2020", "Burg entropy"),
    Known("tanh readout", "tanh(w)*v", "w=0.3, v=0.2", "", "not looked up"),
    Known("shared first layer", "w*v_1; w*v_2", "w=v_1=v_2=0.1", "Lippl & Lindsey 2024", "no mirror map"),
    Known(
        "shared, two pathways",
        "w*v_1 - u*z_1; w*v_2 - u*z_2",
        "w=u=v_1=z_1=v_2=z_2=0.1",
        "Lippl & Lindsey 2024",
        "no mirror map",
    ),
    Known("grouped", "u^2*v_1; u^2*v_2", "u=v_1=0.5, v_2=0.2", "Li, Nguyen, Hegde & Wong 2023", "no mirror flow"),
    Known(
        "factors of a matrix",
        "u_1*v_1 + u_2*v_2; u_1*z_1 + u_2*z_2",
        "u_1=v_1=0.5, u_2=v_2=0.3, z_1=z_2=0.2",
        "Gunasekar et al. 2017; Marcotte et al. 2023",
        "balance of the factors; no mirror flow",
    ),
    Known("commuting quadratic", "u^2 + v^2; 2*u*v", "u=1, v=0.5", "Gunasekar et al. 2017; Li et al. 2022", "mirror flow"),
    Known(
        "weight normalisation",
        "g*a/sqrt(a^2 + b^2); g*b/sqrt(a^2 + b^2)",
        "g=1, a=b=0.5",
        "Wu et al. 2020",
        "|v| stays; no mirror flow",
    ),
)


def row(case: Known) -> tuple[str, ...]:
    """What is found: laws, mirror flow or not, penalty, order far out."""
    network = Parametrisation(case.expression, case.start)
    conserved, answer = laws(network), decide(network)
    single = len(network.outputs) == 1
    form = closed(network) if single else Closed()
    all_of_them = "" if conserved.complete else f" (of at most {conserved.at_most})"
    found = "; ".join(written(law.expression, network.weights) for law in conserved.found) or "nothing"
    penalty = (
        form.kind + (" (mirror map)" if form.penalty is None else "") if form != Closed() else "tabulated" if single else ""
    )
    order = read(network).up.order if single else None
    shown = "" if order is None else f"{order:g}"
    return (f"{found}{all_of_them}", {True: "yes", False: "no", None: "?"}[answer.mirror], penalty, shown)


def main() -> None:
    """Print the table."""
    print("| network | beta, start | known | conserved | mirror | penalty | order | s |")
    print("|---|---|---|---|---|---|---|---|")
    for case in LITERATURE:
        begun = time.process_time()
        cells = row(case)
        seconds = time.process_time() - begun
        source = f" ({case.source})" if case.source else ""
        print(
            f"| {case.name} | `{case.expression}`, `{case.start}` | {case.known}{source} | "
            f"{' | '.join(cells)} | {seconds:.1f} |".replace("|v|", "\\|v\\|")
        )


if __name__ == "__main__":
    main()
