"""The pairs of tasks of Figures 1 and 5, at each scale, and the sweep over them that both figures share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from normtheory.figures.diagonal.cells import FEATURES_AUX, cell
from normtheory.figures.sweep import Spec, Sweep

INPUTS, SAMPLES_AUX = 1000, 1024


@dataclass(frozen=True)
class Grid:
    """What a scale computes: every combination of these.

    Attributes
    ----------
    seeds, samples : sequences of int
    overlaps : sequence of int
        Shared features of two tasks of 40 (panels b, c, d).
    features : sequence of int
        Features of a sparse main task, disjoint from the auxiliary ones or a subset of them (panels e to i).
    rescale : sequence of float
        Factors on the pretrained network before finetuning on a sparse task: the first layer and gamma are multiplied by them.
    flow_samples : int
        Main samples up to which finetuning on sparse tasks is followed by the flow, too.
    """

    seeds: Sequence[int]
    samples: Sequence[int]
    overlaps: Sequence[int] = (0, 20, 30, 40)
    features: Sequence[int] = (5, 10, 20, 30, 40)
    rescale: Sequence[float] = (1.0, 0.1, 0.01, 0.001)
    flow_samples: int = 64


GRIDS = {
    "quick": Grid(seeds=range(2), samples=(16, 64, 256), features=(5, 40), rescale=(1.0, 0.1, 0.01), flow_samples=16),
    "paper": Grid(seeds=range(6), samples=(16, 32, 64, 128, 256, 512)),
}


def runs(scale: str, sweep: Sweep) -> pa.Table:
    """All runs of a scale; see `normtheory.figures.diagonal.cells` for the rows."""
    return sweep.table(cells(GRIDS[scale]), cell, "pairs of tasks")


def cells(grid: Grid) -> list[Spec]:
    """The pairs of tasks, those that take longest first."""
    pairs: list[Spec] = []
    for n in sorted(grid.samples, reverse=True):
        for seed in grid.seeds:
            common = {"n": n, "seed": seed, "inputs": INPUTS, "samples_aux": SAMPLES_AUX}
            pairs += [common | {"kind": "overlap", "features": FEATURES_AUX, "overlap": overlap} for overlap in grid.overlaps]
            sparse = {"kind": "sparse", "rescale": list(grid.rescale), "flow": n <= grid.flow_samples}
            for k in grid.features:
                pairs += [common | sparse | {"features": k, "overlap": overlap} for overlap in (0, k)]
    return pairs


def schema(*measures: str) -> pa.Schema:
    """The columns of a figure's table: its panel, the run, the number of strongest weights in panels of curves, measures."""
    return pa.schema(
        [(name, pa.string()) for name in ("figure", "panel", "method", "how")]
        + [("overlap", pa.int64()), ("k_main", pa.int64()), ("magnitude", pa.string()), ("rescale", pa.float64())]
        + [(name, pa.int64()) for name in ("n", "seed", "top")]
        + [(name, pa.float64()) for name in measures]
    )
