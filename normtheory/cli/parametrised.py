"""Networks of one's own on the command line: what `minimize` and `simulate` share when they are given a formula."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from normtheory.parametrisations import Parametrisation

NetworkOption = Annotated[
    str | None,
    typer.Option("--network", metavar="EXPRESSION", help='A network of your own: beta of one coordinate, such as "w*v - u*z".'),
]
StartOption = Annotated[
    str | None,
    typer.Option("--start", metavar="VALUES", help='Its weights at time 0: "w=v=0.1, u=z=a", a an array of PROBLEM.'),
]
SharedOption = Annotated[
    bool,
    typer.Option("--shared", help="The outputs of --network are the coordinates of one predictor, whose weights are shared."),
]


def refuse_shared(network: str | None, *, shared: bool) -> None:
    """Say what can be done where coordinates share weights."""
    from normtheory.arrays import InputError

    if not shared:
        return
    if network is None:
        raise InputError("--shared has no meaning without --network; remove it")
    raise InputError(
        "where coordinates share weights gradient flow minimises no separable penalty, and in general it is no mirror flow: "
        "normtheory network says whether it is, and simulate --shared integrates it"
    )


def choice(named: str, value: str | None, network: str | None, start: str | None) -> None:
    """Refuse a network beside a penalty or protocol, neither of them, or one without a start."""
    from normtheory.arrays import InputError

    if (value is None) == (network is None):
        raise InputError(f"give one of {named} and --network")
    if network is not None and start is None:
        raise InputError("--network needs the weights at time 0; give them with --start")
    if network is None and start is not None:
        raise InputError(f"--start has no meaning for {named}; remove it")


def read(network: str, start: str, problem: Path, taken: Collection[str] = ()) -> Parametrisation:
    """The network, with arrays of the problem file for the names in its start; its weights may not have names of outputs."""
    from normtheory.arrays import InputError
    from normtheory.parametrisations import Parametrisation
    from normtheory.tables import read_others

    found = Parametrisation(network, start)
    for weight in found.weights:
        if weight.name in taken:
            raise InputError(f"a weight is called {weight.name}, like an array of the output; give it another name")
    names = [symbol.name for symbol in found.parameters]
    arrays = read_others(problem, names) if names else {}
    missing = [name for name in names if name not in arrays]
    if missing:
        raise InputError(f"the start names {missing[0]}, and {problem} holds no such array; save it there, or give a number")
    return found.at(**arrays)


def named(network: str, start: str) -> tuple[str, ...]:
    """The arrays of the problem file that a start names."""
    from normtheory.parametrisations import Parametrisation

    return tuple(symbol.name for symbol in Parametrisation(network, start).parameters)
