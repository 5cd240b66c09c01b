"""The main tasks of Figures 2, 4, 6 and 8a-c, at each scale, and the sweep over them that the figures share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from normtheory.figures.relu.cells import (
    RECIPROCAL,
    SETTING,
    UNIT_NORM,
    cell,
    descended_pretraining,
    descended_pretraining_of,
    pretraining,
    pretraining_of,
)
from normtheory.figures.sweep import Spec, Sweep

CORRELATED = 0.9
SAMPLES_TEST = 1000  # of the least loss along stochastic descent; all other losses are the population's


@dataclass(frozen=True)
class Grid:
    """What a scale computes: every combination of these, in one setting.

    Attributes
    ----------
    seeds, samples : sequences of int
        Realisations, and numbers of main samples, of tasks of as many units.
    seeds_sparse, samples_sparse : sequences of int
        The same of sparse tasks and of single ones.
    shared : sequence of int
        Main units that are auxiliary ones; the others are new.
    correlated : sequence of int
        The same where the others have a cosine with auxiliary ones.
    cosine : float
        That cosine.
    units : sequence of int
        Units of a sparse main task, none of them auxiliary or all.
    magnitudes : sequence of str
        Sizes of the k readouts of a sparse main teacher.
    rescale : sequence of float
        Factors on the pretrained hidden weights before finetuning on a sparse task; the new readout has its size at any factor.
    units_single : sequence of int
        Teacher units of tasks learned alone.
    samples_sparsest : sequence of int
        Further numbers of samples of those of the fewest units.
    width, inputs, units_aux, samples_aux : int
        Of the student; of every task; of the auxiliary one.
    scale, scale_lazy, gamma : float
        Initial weights have standard deviations scale sqrt(2/D) and scale sqrt(2/width), a new readout gamma sqrt(2/width).
    rtol, atol : float
        Of the flow.
    pretraining_loss, last_loss, last_loss_pooled, early_loss : float
        Training losses, relative to those of predicting 0, at which pretraining, flows of one output and flows of two end; and
        at which all are looked at.
    latest : float
        Flow time at which a flow ends that has not reached its loss: ten times what 1e5 steps of the paper's come to.
    clusters, equal, kernels : bool
        Whether units are clustered, both tasks are also given the same weight, and tangent kernels are computed.
    seeds_least : int
        Seeds whose least norms are computed.
    relations_descent, samples_descent, epochs : sequences, int
        Pairs of the first seed that are trained by stochastic descent, too, for so many epochs at most.
    descended, batch, samples_flow : bool, int, int
        Whether all pairs and single tasks, pretraining included, are trained by stochastic descent on batches of this size,
        instead of by flow: a flow of many samples passes too many kinks. To so many samples flows stand beside it.
    """

    seeds: Sequence[int]
    samples: Sequence[int]
    seeds_sparse: Sequence[int] = ()
    samples_sparse: Sequence[int] = ()
    shared: Sequence[int] = (0, 3, 5, 6)
    correlated: Sequence[int] = (0, 5)
    cosine: float = CORRELATED
    units: Sequence[int] = (1, 3, 6)
    magnitudes: Sequence[str] = (RECIPROCAL, UNIT_NORM)
    rescale: Sequence[float] = (0.1, 1.0, 10.0)
    units_single: Sequence[int] = (6, 1000)
    samples_single: Sequence[int] = ()
    samples_sparsest: Sequence[int] = ()
    width: int = 1000
    inputs: int = 15
    units_aux: int = 6
    samples_aux: int = 1024
    scale: float = 1e-3
    scale_lazy: float = 1.0
    gamma: float = 1e-3
    rtol: float = 1e-2
    atol: float = 1e-5
    pretraining_loss: float = 1e-6
    last_loss: float = 1e-7
    last_loss_pooled: float = 1e-6
    early_loss: float = 1e-5
    latest: float = 1e5
    clusters: bool = True
    equal: bool = True
    kernels: bool = True
    seeds_least: int = 3
    relations_descent: Sequence[str] = ()
    samples_descent: Sequence[int] = (32,)
    epochs: int = 100_000
    descended: bool = False
    batch: int = 128
    samples_flow: int = 0

    @property
    def realisations(self) -> int:
        """The number of seeds of tasks of as many units."""
        return len(self.seeds)

    @property
    def realisations_sparse(self) -> int:
        """The number of seeds of sparse tasks."""
        return len(self.seeds_sparse)

    def cells(self) -> list[Spec]:
        """The main tasks, seed after seed."""
        everyone = dict.fromkeys([*self.seeds, *self.seeds_sparse])
        flows = [spec for seed in everyone for spec in (*self._pairs(seed), *self._sparse(seed), *self._singles(seed))]
        return [*flows, *self._descents()]

    def _common(self, n: int, seed: int) -> dict[str, Any]:
        names = {*SETTING, "gamma", "last_loss", "last_loss_pooled", "early_loss", "clusters", "equal"} - {"seed"}
        return {"n": n, "seed": seed} | {name: getattr(self, name) for name in sorted(names)}

    def relations(self) -> dict[str, list[float]]:
        """Cosines of the main units to auxiliary ones, by the name of the relation."""
        count = self.units_aux
        named = {f"{k}/{count} shared": [1.0] * k + [0.0] * (count - k) for k in self.shared}
        words = {0: "all correlated"}
        return named | {
            words.get(k, f"{k} shared, rest correlated"): [1.0] * k + [self.cosine] * (count - k) for k in self.correlated
        }

    def _pairs(self, seed: int) -> list[dict[str, Any]]:
        if seed not in self.seeds:
            return []
        return [
            self._common(n, seed)
            | {"kind": "pair", "relation": name, "cosines": cosines, "magnitude": UNIT_NORM}
            | {"kernels": self.kernels, "least_norms": seed in self.seeds[: self.seeds_least]}
            | self._by_descent("pair", n)
            for n in sorted(self.samples, reverse=True)
            for name, cosines in self.relations().items()
        ]

    def _sparse(self, seed: int) -> list[Spec]:
        if seed not in self.seeds_sparse:
            return []
        return [
            self._common(n, seed)
            | {
                "kind": "sparse",
                "relation": relation,
                "cosines": [cosine] * k,
                "magnitude": magnitude,
                "rescale": list(self.rescale),
            }
            for n in sorted(self.samples_sparse, reverse=True)
            for k in self.units
            for relation, cosine in (("nested", 1.0), ("disjoint", 0.0))
            for magnitude in (self.magnitudes if k > 1 else self.magnitudes[:1])  # one unit: they are the same
        ]

    def _singles(self, seed: int) -> list[Spec]:
        if seed not in self.seeds_sparse:
            return []
        return [
            self._common(n, seed)
            | {"kind": "single", "relation": "alone", "units": units, "magnitude": UNIT_NORM, "scale_lazy": self.scale_lazy}
            | self._by_descent("single", n)
            for n in sorted((*self.samples_single, *self.samples_sparsest), reverse=True)
            for units in (self.units_single if n in self.samples_single else self.units_single[:1])
        ]

    def _by_descent(self, kind: str, n: int) -> dict[str, Any]:
        if not self.descended:
            return {}
        named = {"kind": f"descended {kind}", "flows": n <= self.samples_flow, "batch": self.batch}
        return named | {"epochs": self.epochs, "samples_test": SAMPLES_TEST}

    def _descents(self) -> list[Spec]:
        named = {"kind": "descent", "clusters": False, "epochs": self.epochs, "samples_test": SAMPLES_TEST}
        first = self._pairs(self.seeds[0])
        return [
            spec | named for spec in first if spec["n"] in self.samples_descent and spec["relation"] in self.relations_descent
        ]


DESCENTS = ("0/6 shared", "6/6 shared", "all correlated")
EVERY_N = (16, 32, 64, 128, 256, 512)
PAPER = Grid(
    seeds=range(6),
    samples=EVERY_N,
    seeds_sparse=range(6),
    samples_sparse=EVERY_N,
    units=(1, 2, 3, 4, 5, 6),
    samples_single=(32, 64, 128, 256, 512, 1024),
    seeds_least=6,
    relations_descent=DESCENTS,
    samples_descent=(32, 128),
)
LAPTOP = replace(
    PAPER,
    samples=(32, 64, 128, 256),
    seeds_sparse=range(3),
    samples_sparse=(32, 64, 128),
    units=(1, 3, 6),
    samples_single=(64, 256, 1024),
    seeds_least=1,
    relations_descent=("6/6 shared", "all correlated"),
    samples_descent=(32,),
    width=500,
)
QUICK = Grid(
    seeds=range(2),
    samples=(32, 128),
    seeds_sparse=range(2),
    samples_sparse=(32,),
    units=(1, 6),
    samples_single=(64,),
    seeds_least=1,
    width=200,
)
GRIDS = {"quick": QUICK, "laptop": LAPTOP, "paper": PAPER}

# Figure 4: more inputs, more teacher units, more data; units are not clustered.
LARGE_PAPER = Grid(
    seeds=range(6),
    samples=(64, 256, 1024, 4096),
    seeds_sparse=range(6),
    samples_single=(64, 256, 1024, 4096),
    samples_sparsest=(8192,),
    shared=(0, 20, 30, 40),
    correlated=(),
    units_single=(40, 1000),
    inputs=100,
    units_aux=40,
    samples_aux=8192,
    latest=1e4,
    clusters=False,
    equal=False,
    seeds_least=0,
    descended=True,
    samples_flow=256,
)
LARGE_LAPTOP = replace(
    LARGE_PAPER,
    seeds=range(2),
    seeds_sparse=range(2),
    shared=(0, 20, 40),
    width=500,
)
LARGE_QUICK = replace(
    LARGE_LAPTOP,
    seeds=(0,),
    samples=(256,),
    seeds_sparse=(0,),
    samples_single=(256,),
    samples_sparsest=(),
    shared=(0, 40),
    samples_aux=2048,
    width=100,
    epochs=2000,
)
LARGE = {"quick": LARGE_QUICK, "laptop": LARGE_LAPTOP, "paper": LARGE_PAPER}


def runs(grid: Grid, sweep: Sweep) -> pa.Table:
    """All runs of a grid; see `normtheory.figures.relu.cells` for the rows."""
    cells = grid.cells()
    followed = _distinct(map(pretraining_of, _of(cells, "pair", "sparse")))
    descended = _distinct(map(descended_pretraining_of, _of(cells, "descent", "descended pair")))
    for specs, work, what in (
        (followed, pretraining, "pretrained networks"),
        (descended, descended_pretraining, "networks pretrained by descent"),
    ):
        if specs:
            sweep.prepared(specs, work, what)
    return sweep.table(cells, cell, "main tasks")


def _of(cells: Sequence[Spec], *kinds: str) -> list[Spec]:
    return [spec for spec in cells if spec["kind"] in kinds]


def _distinct(specs: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return list({str(spec): spec for spec in specs}.values())
