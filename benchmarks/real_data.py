"""Every penalty and protocol on the data sets that come with scikit-learn, raw and standardised, few rows and all of them.

    python -m benchmarks.real_data > docs/real_data.md        (needs scikit-learn; half a minute)

Rows are split into a main and an auxiliary task with the same targets, centred. Whatever happens is a row of the table: the
certificate of what was found, or the line in which it was refused.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from normtheory import exact
from normtheory.arrays import FloatArray, InputError
from normtheory.solvers import basis_pursuit, groups, least_norm, newton, penalised, training
from normtheory.solvers.certificate import NotCertified, Solution
from normtheory.solvers.trajectory import FlowError

FEW = 15  # rows a task: fewer than inputs, except in diabetes
ALPHA = 1e-3
PATIENCE_S = 20.0  # of the processor, after which a flow of the weights is stopped, and said to be


class _Stopped(Exception):
    """Patience is spent."""


@dataclass(frozen=True)
class Pair:
    """A main and an auxiliary task of one data set."""

    name: str
    X: FloatArray
    y: FloatArray
    X_aux: FloatArray
    y_aux: FloatArray


def pairs() -> Iterator[Pair]:
    """Four data sets, raw and standardised, few rows and all."""
    from sklearn import datasets

    for name in ("breast_cancer", "wine", "digits", "diabetes"):
        data = getattr(datasets, f"load_{name}")()
        order = np.random.default_rng(0).permutation(len(data.target))
        inputs, values = data.data[order], data.target[order].astype(float)
        for units in ("raw", "standardised"):
            if units == "standardised":
                spread = inputs.std(axis=0)
                inputs = (inputs - inputs.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
            for rows in (FEW, len(values) // 2):
                main, aux = slice(0, rows), slice(rows, 2 * rows)
                middle = values[: 2 * rows].mean()
                shown = f"{name.replace('_', ' ')} {rows} x {inputs.shape[1]}, {units}"
                yield Pair(shown, inputs[main], values[main] - middle, inputs[aux], values[aux] - middle)


def minimised(pair: Pair) -> Iterator[tuple[str, Callable[[], Solution]]]:
    """Every penalty."""
    scale = 2 * ALPHA**2
    project: dict[str, Any] = {"inconsistent": "project"}
    yield "q", partial(newton.minimize, pair.X, pair.y, scale, **project)
    yield "finetuning", partial(_finetuned, pair)
    yield "l12", partial(groups.minimize_pair, pair.X, pair.y, pair.X_aux, pair.y_aux, **project)
    yield "l1", partial(basis_pursuit.minimize, pair.X, pair.y, **project)
    yield "l2", partial(least_norm.minimize, pair.X, pair.y, **project)
    yield "q, lambda 0.01", partial(penalised.minimize, pair.X, pair.y, scale, strength=0.01)


def _finetuned(pair: Pair) -> Solution:
    beta_aux = newton.minimize(pair.X_aux, pair.y_aux, 2 * ALPHA**2, inconsistent="project").beta
    return newton.minimize(pair.X, pair.y, *exact.finetuning(beta_aux, ALPHA, ALPHA), inconsistent="project")


def trained(pair: Pair) -> Iterator[tuple[str, Callable[[], tuple[FloatArray, FloatArray | None]]]]:
    """Every protocol: its predictor, and the minimiser that it should be at, where theory knows it."""
    aux = {"X_aux": pair.X_aux, "y_aux": pair.y_aux}

    def options() -> dict[str, Any]:
        return {"alpha": ALPHA, "inconsistent": "project", "progress": _patience()}

    def single() -> tuple[FloatArray, FloatArray]:
        run = training.single_task(pair.X, pair.y, route="dual", **options())
        return run.beta, newton.minimize(pair.X, pair.y, 2 * ALPHA**2, inconsistent="project").beta

    def finetuning() -> tuple[FloatArray, FloatArray]:
        run = training.pretrain_finetune(pair.X, pair.y, **aux, route="dual", **options())
        return run.beta, newton.minimize(pair.X, pair.y, *run.scale_and_start(), inconsistent="project").beta

    def probing() -> tuple[FloatArray, None]:
        return training.linear_probe(pair.X, pair.y, **aux, route="dual", trained=False, **options()).beta, None

    def multitask() -> tuple[FloatArray, None]:
        return training.multi_task(pair.X, pair.y, pair.X_aux, pair.y_aux, rtol=1e-5, **options()).beta, None

    yield from (("single", single), ("finetuning", finetuning), ("probing", probing), ("multitask, rtol 1e-5", multitask))


def _patience() -> Callable[..., None]:
    begin = time.process_time()

    def progress(_phase: str, _time: float, loss: float, _evaluations: int) -> None:
        if time.process_time() - begin > PATIENCE_S:
            raise _Stopped(f"stopped after {PATIENCE_S:g} s at a loss of {loss:.1e}")

    return progress


def told(call: Callable[[], Any], show: Callable[[Any], str]) -> str:
    """What came of it, in the cells of a row."""
    begin = time.process_time()
    try:
        found = show(call())
    except (InputError, NotCertified, FlowError, _Stopped) as error:
        found = f"**{type(error).__name__.lstrip('_')}**: {error} | "
    return f"{found} | {time.process_time() - begin:.2f}"


def certified(solution: Solution) -> str:
    """A certificate."""
    measures = solution.certificate
    return (
        f"{solution.solver}, {solution.steps} steps; gap {measures.gap:.0e}, residual {measures.primal_residual:.0e}"
        f" | {solution.moved:.1e}"
    )


def apart(found: tuple[FloatArray, FloatArray | None]) -> str:
    """A distance from the minimiser."""
    beta, expected = found
    if expected is None:
        return "trained | "
    return f"{np.linalg.norm(beta - expected) / np.linalg.norm(expected):.0e} from the minimiser | "


def main() -> int:
    """Print the table."""
    print("| data, rows a task x inputs | penalty or protocol | outcome | targets moved | CPU s |\n|---|---|---|---|---|")
    for pair in pairs():
        with np.errstate(all="ignore"):
            for name, call in minimised(pair):
                print(f"| {pair.name} | {name} | {told(call, certified)} |", flush=True)
            for name, run in trained(pair):
                print(f"| {pair.name} | {name} | {told(run, apart)} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
