"""The pairs of tasks of Figures 1 and 5, at each scale, and the sweep over them that both figures share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from normtheory.figures.diagonal.cells import cell
from normtheory.figures.sweep import Spec, Sweep


@dataclass(frozen=True)
class Grid:
    """What a scale computes: every combination of these, in one setting.

    Attributes
    ----------
    seeds, samples : sequences of int
        Realisations, and numbers of main samples.
    overlaps : sequence of int
        Shared features of two tasks of `features_aux` (panels b, c, d).
    features : sequence of int
        Features of a sparse main task, disjoint from the auxiliary ones or a subset of them (panels e to i).
    rescale : sequence of float
        Factors on the pretrained network before finetuning on a sparse task: the first layer and gamma are multiplied by them.
    flow_samples : int
        Main samples up to which finetuning on sparse tasks, not rescaled, is followed by the flow, too.
    inputs, samples_aux, features_aux : int
        Of either task, and of the auxiliary one.
    alpha, gamma : float
        All weights of a new network, and a readout that is reset.
    loss, last_loss : float
        Training losses at which multi-task flows end: where the paper's own runs were to stop, and beyond it, where
        they move little any more.
    settled : int
        Realisations, of the first seeds, in which they go on to the latter.
    step, epochs, epochs_sparse : float
        Of the paper's own runs, which ended multi-task training after so many epochs: overlap experiments, and sparse ones.
    pretraining_loss : float
        Training loss at which pretraining did stop there.
    """

    seeds: Sequence[int]
    samples: Sequence[int]
    overlaps: Sequence[int] = (0, 20, 30, 40)
    features: Sequence[int] = (5, 10, 20, 30, 40)
    rescale: Sequence[float] = (1.0, 0.1, 0.01, 0.001)
    flow_samples: int = 64
    inputs: int = 1000
    samples_aux: int = 1024
    features_aux: int = 40
    alpha: float = 1e-3
    gamma: float = 1e-3
    loss: float = 1e-10
    last_loss: float = 1e-11
    settled: int = 1
    step: float = 0.1
    epochs: float = 1e6
    epochs_sparse: float = 1e5
    pretraining_loss: float = 1e-9

    @property
    def realisations(self) -> int:
        """The number of seeds."""
        return len(self.seeds)

    def cells(self) -> list[Spec]:
        """The pairs of tasks, one realisation after another: what is interrupted holds whole ones."""
        return [spec for seed in self.seeds for n in sorted(self.samples, reverse=True) for spec in self._pairs(n, seed)]

    def _pairs(self, n: int, seed: int) -> list[Spec]:
        names = ("inputs", "samples_aux", "features_aux", "alpha", "gamma", "loss", "pretraining_loss")
        common: dict[str, Any] = {"n": n, "seed": seed} | {name: getattr(self, name) for name in names}
        common["last_loss"] = self.last_loss if seed in self.seeds[: self.settled] else None
        alike = {"kind": "overlap", "features": self.features_aux, "time_limit": self.step * self.epochs}
        sparse = {"kind": "sparse", "rescale": list(self.rescale), "flow": n <= self.flow_samples}
        sparse["time_limit"] = self.step * self.epochs_sparse
        return [
            *(common | alike | {"overlap": overlap} for overlap in self.overlaps),
            *(common | sparse | {"features": k, "overlap": overlap} for k in self.features for overlap in (0, k)),
        ]


GRIDS = {
    "quick": Grid(seeds=range(2), samples=(16, 64, 256), features=(5, 40), rescale=(1.0, 0.1, 0.01), flow_samples=16),
    "paper": Grid(seeds=range(6), samples=(16, 32, 64, 128, 256, 512)),
}


def runs(scale: str, sweep: Sweep) -> pa.Table:
    """All runs of a scale; see `normtheory.figures.diagonal.cells` for the rows."""
    return sweep.table(GRIDS[scale].cells(), cell, "pairs of tasks")


def schema(*measures: str) -> pa.Schema:
    """The columns of a figure's table: its panel, the run, the number of strongest weights in panels of curves, measures."""
    return pa.schema(
        [(name, pa.string()) for name in ("figure", "panel", "method", "how")]
        + [("overlap", pa.int64()), ("k_main", pa.int64()), ("magnitude", pa.string()), ("magnitude_aux", pa.string())]
        + [("rescale", pa.float64())]
        + [(name, pa.int64()) for name in ("n", "seed", "top")]
        + [(name, pa.float64()) for name in measures]
    )
