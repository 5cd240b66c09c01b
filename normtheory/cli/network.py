"""`normtheory network`: what gradient flow of a network conserves, whether it is a mirror flow, and what it minimises."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

if TYPE_CHECKING:
    from normtheory.parametrisations import Parametrisation
    from normtheory.parametrisations.closed import Closed
    from normtheory.parametrisations.laws import Laws
    from normtheory.parametrisations.mirror import Answer
    from normtheory.solvers.reading import Direction, Reading
    from normtheory.solvers.tabulated import Table

NEAR = 10.0  # times the scale of the penalty, and at least one: how far from the start the table's error is bounded


def network(
    expression: Annotated[
        str,
        typer.Argument(metavar="EXPRESSION", help='beta of one coordinate in its weights, "w*v - u*z", or several outputs.'),
    ],
    start: Annotated[
        str, typer.Option(metavar="VALUES", help='Weights at time 0: "w=v=0.1, u=z=0.1"; other names are positive parameters.')
    ],
    json: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write what was found for programs.")] = None,
    plot: Annotated[Path | None, typer.Option("--plot", metavar="PNG", help="Draw the penalty of one output.")] = None,
    ansatz: Annotated[
        str | None, typer.Option(metavar="F; G; ...", help="Functions of the weights whose combinations may be conserved.")
    ] = None,
) -> None:
    """Say of a network what its gradient flow conserves, whether it is a mirror flow, and which penalty it minimises.

    Several outputs that share weights are separated by semicolons: "w*v_1; w*v_2".
    """
    import json as writer

    from normtheory.arrays import InputError
    from normtheory.files import check_writable, write_whole
    from normtheory.parametrisations import Parametrisation
    from normtheory.parametrisations.closed import Closed, closed
    from normtheory.parametrisations.laws import laws
    from normtheory.parametrisations.mirror import decide
    from normtheory.solvers.orbits import Orbits
    from normtheory.solvers.reading import read
    from normtheory.solvers.tabulated import table

    for file in (json, plot):
        if file is not None:
            check_writable(file)
    given = Parametrisation(expression, start)
    numeric = not given.parameters
    if numeric:
        given.weights_at_start()
    single = len(given.outputs) == 1
    if plot is not None and not (single and numeric):
        raise InputError("--plot draws the penalty of one output with a start in numbers; give these")
    conserved = laws(given, ansatz=[each for each in (ansatz or "").split(";") if each.strip()])
    answer = decide(given)
    penalty = closed(given) if single else Closed()
    orbits = Orbits.of(given, 1) if single and numeric else None
    reading = None if orbits is None else read(given, orbits)
    errors = None if orbits is None or reading is None else table(given, orbits, max(1.0, NEAR * min(reading.up.scale, 1.0)))
    found = _Found(expression, given, conserved, answer, penalty, reading, errors)
    _print(found)
    if json is not None:
        text = writer.dumps(_record(found), indent=1) + "\n"
        write_whole(json, lambda handle: handle.write(text.encode()))
        print(f"written      {json}")
    if plot is not None:
        from normtheory.figures.own_penalty import draw_penalty

        draw_penalty(given, plot)
        print(f"written      {plot}")


class _Found(NamedTuple):
    """What is said of a network: printed, and written for programs."""

    expression: str
    network: Parametrisation
    conserved: Laws
    answer: Answer
    penalty: Closed
    reading: Reading | None
    errors: Table | None


def _record(found: _Found) -> dict[str, Any]:
    """What --json holds."""
    from sympy import latex

    from normtheory.parametrisations.language import written

    conserved, penalty, reading, errors = found.conserved, found.penalty, found.reading, found.errors
    orders = {"at_zero": None, "at_infinity": None} if reading is None else {"at_zero": 2, "at_infinity": reading.up.order}
    return {
        "expression": found.expression,
        "laws": [written(law.expression, found.network.weights) for law in conserved.found],
        "laws_at_least": conserved.at_least,
        "laws_at_most": conserved.at_most,
        "mirror": found.answer.mirror,
        "reason": found.answer.reason,
        "penalty": None if penalty.penalty is None else written(penalty.penalty),
        "orders": orders,
        "penalty_latex": None if penalty.penalty is None else latex(penalty.penalty),
        "map": None if penalty.map is None else written(penalty.map),
        "map_latex": None if penalty.map is None else latex(penalty.map),
        "table": None if errors is None else {name: _finite(value) for name, value in errors._asdict().items()},
    }


def _finite(value: float) -> float | None:
    """JSON has no infinity: nothing, where no bound was found."""
    import math

    return value if math.isfinite(value) else None


def _print(found: _Found) -> None:
    network, conserved, answer = found.network, found.conserved, found.answer
    print(f"network      {found.expression}")
    _print_laws(network, conserved)
    said = {True: "yes", False: "no", None: "not decided"}[answer.mirror]
    print(f"mirror flow  {said}: {answer.reason}")
    if answer.witness is not None or len(network.outputs) > 1:
        from normtheory.audit.notation import by_their_names
        from normtheory.proofs.brackets import proof_of

        with by_their_names(network.weights):
            steps = proof_of(network, answer).steps
        for step in steps:
            print(f"             - {step.text}{': ' if step.equation else ''}{step.equation} ({step.kind})")
    if answer.mirror is False:
        print("             held at what it has reached, a second output leaves the first one curve: minimize, with beta_aux")
    if len(network.outputs) == 1:
        _print_penalty(found.penalty, found.reading, found.errors)
        _print_start(network, conserved)


def _print_laws(network: Parametrisation, conserved: Laws) -> None:
    from normtheory.parametrisations.language import written

    for number, law in enumerate(conserved.found):
        decay = "" if law.degree is None else f"   (under weight decay it changes as exp({-2 * law.degree} decay t))"
        print(f"{'conserved' if not number else '':<13}{written(law.expression, network.weights)}{decay}")
    if conserved.complete:
        count = "these are all" if conserved.found else "nothing"
    else:
        what = f"polynomials up to degree {conserved.highest}" if conserved.highest else "no polynomials"
        count = f"at least {conserved.at_least} of at most {conserved.at_most} independent laws; {what} were looked at"
    print(f"{'' if conserved.found else 'conserved':<13}{count}")
    for each in conserved.noether:
        print(f"{'momentum':<13}{written(each, network.weights)} decays as exp(-friction t), ' being the velocity")


def _print_penalty(penalty: Closed, reading: Reading | None, errors: Table | None) -> None:
    from sympy import latex

    from normtheory.parametrisations.language import written

    if penalty.map is not None:
        print(f"mirror map   b(x) = {written(penalty.map)}, inverse")
    if penalty.penalty is not None:
        scale = "" if penalty.scale is None else f", k = {written(penalty.scale)}"
        print(f"penalty      {written(penalty.penalty)}   ({penalty.kind}{scale})")
        print(f"in LaTeX     {latex(penalty.penalty)}")
    elif penalty.map is not None:
        print(f"in LaTeX     b(x) = {latex(penalty.map)}")
        print("penalty      no closed form: tabulated along the orbit by minimize")
    else:
        print("penalty      no closed form: tabulated along the orbit by minimize")
    if errors is not None:
        print(
            f"table        from b = {errors.low:.3g} to {errors.high:.3g} its interpolant is within {errors.interpolation:.1e} "
            f"of the orbit, floats at {errors.points} points within {errors.deviation:.1e} (relative, proved in balls)"
        )
    if reading is None:
        print("orders       give the start in numbers to read them")
        return
    print(f"start        b = {reading.start:.6g}")
    print(f"lazy         near the start (b - {reading.start:.6g})^2/{2 * reading.stiffness:.6g}, order 2")
    _print_direction("rich, b > 0" if reading.start == 0 else "rich, up", reading.up)
    _print_direction("rich, b < 0" if reading.start == 0 else "rich, down", reading.down)


def _print_start(network: Parametrisation, conserved: Laws) -> None:
    """How the penalty depends on the start: its scale, its balance, its signs."""
    from sympy import simplify

    from normtheory.parametrisations.language import written
    from normtheory.solvers.reading import homogeneity, signs

    degree, turned = homogeneity(network), signs(network)
    if degree is not None:
        print(
            f"scaling      homogeneous of degree {degree}: scaled by s, a start has s^2 times the penalty at "
            f"b/s^{degree}, so that order and feature dependence sum to {2 / degree}"
        )
    else:
        print("scaling      not homogeneous: no rule for a start that is scaled; --plot draws three")
    if conserved.found:
        start = network.symbolic_start
        values = (
            f"{written(law.expression, network.weights)} = {written(simplify(law.expression.subs(start, simultaneous=True)))}"
            for law in conserved.found
        )
        alone = (
            "the start enters through these and b(0) alone" if conserved.complete else "among others, the start enters through"
        )
        print(f"balance      {alone}: {'; '.join(values)}")
    for what, several in (("the same penalty", turned.same), ("that of -b", turned.mirrored)):
        if several:
            print(f"signs        {what} from the other sign of {', or of '.join(' and '.join(each) for each in several)}")


def _print_direction(name: str, direction: Direction) -> None:
    import math

    if math.isfinite(direction.end):
        print(f"{name:<13}{direction.rate}")
        return
    if direction.order is None:
        print(f"{name:<13}{direction.rate}")
        return
    slope = f", slope {direction.slope:.6g}" if math.isfinite(direction.slope) else ""
    passed = f"; half-way at |b - b(0)| = {direction.scale:.4g}" if math.isfinite(direction.scale) else ""
    print(f"{name:<13}order {direction.order:g} far out, {direction.rate}{slope}{passed} (measured)")
