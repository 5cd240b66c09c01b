"""What Figures 3 and 7 compute at each scale: seeds, numbers of images, factors, and how the networks are trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from normtheory.arrays import InputError
from normtheory.figures.sweep import Spec
from normtheory.images import digest, read_images
from normtheory.responses import needed_torch

Descent = dict[str, Any]  # as normtheory.solvers.classifiers.Descent has them

# As the authors' scripts train; digits are few, so that the same numbers of steps need a larger one.
PAPER: Descent = {"rate": 1e-3, "momentum": 0.9, "batch": 128, "stop": 0.01, "epochs": 1000}
LAPTOP: Descent = PAPER | {"rate": 1e-2, "epochs": 500}
FACTORS = (0.125, 0.25, 0.5, 1.0, 2.0)


@dataclass(frozen=True)
class Classes:
    """Figure 3 at a scale.

    Attributes
    ----------
    seeds, samples : sequences of int
        Realisations, each with a main task of two classes of its own, and numbers of main training images.
    network : str
        'resnet18' (ImageNet stem) or 'small'.
    norms : sequence of bool
        With batch normalisation, without.
    rescale, parts : sequences of float
        Factors on all parameters, and those on one part of them alone.
    pretraining, finetuning : mapping
        How they descend; single-task and multi-task training as finetuning does.
    limit : int or None
        Auxiliary training images, if not all.
    """

    seeds: Sequence[int]
    samples: Sequence[int]
    network: str
    norms: Sequence[bool] = (True,)
    rescale: Sequence[float] = FACTORS
    parts: Sequence[float] = ()
    pretraining: Descent = field(default_factory=lambda: PAPER)
    finetuning: Descent = field(default_factory=lambda: PAPER)
    limit: int | None = None

    @property
    def realisations(self) -> int:
        """The number of seeds."""
        return len(self.seeds)

    def cells(self, data: str | None = None) -> list[Spec]:
        """One seed after another: what is interrupted holds whole ones."""
        common = {
            "kind": "classes",
            "data": data,
            "images": digest(data),
            "network": self.network,
            "rescale": list(self.rescale),
            "parts": list(self.parts),
            "pretraining": self.pretraining,
            "finetuning": self.finetuning,
            "limit": self.limit,
            "single": True,
            "together": True,
            "dimensions": True,
        }
        return [
            common | {"norm": norm, "seed": seed, "n": n} for seed in self.seeds for norm in self.norms for n in self.samples
        ]


@dataclass(frozen=True)
class Imagenet:
    """Figure 7 at a scale: seeds and numbers of images of pairs of classes and of all, as `Classes` has them."""

    pairs: Sequence[int]
    samples: Sequence[int]
    all: Sequence[int]
    samples_all: Sequence[int]
    rescale: Sequence[float] = (1.0, 0.5)
    side: int = 64
    finetuning: Descent = field(default_factory=lambda: LAPTOP)

    def cells(self, data: str | None = None) -> list[Spec]:
        """Pairs, then all classes."""
        common: Descent = {
            "kind": "imagenet",
            "data": data,
            "images": digest(data),
            "network": "efficientnet-lite0",
            "norm": True,
        }
        common |= {"rescale": list(self.rescale), "side": self.side, "finetuning": self.finetuning}
        return [
            common | {"task": task, "seed": seed, "n": n}
            for task, seeds, samples in (("pair", self.pairs, self.samples), ("all", self.all, self.samples_all))
            for seed in seeds
            for n in samples
        ]


CLASSES = {
    "quick": Classes(
        seeds=(0,),
        samples=(4, 16),
        network="small",
        rescale=(0.25, 1.0),
        parts=(0.25,),
        pretraining=LAPTOP | {"epochs": 2},
        finetuning=LAPTOP | {"epochs": 10},
        limit=500,
    ),
    "laptop": Classes(
        seeds=range(10),
        samples=(4, 8, 16, 32, 64),
        network="small",
        norms=(True, False),
        parts=(0.25, 0.5),
        pretraining=LAPTOP,
        finetuning=LAPTOP,
        limit=5000,
    ),
    "paper": Classes(seeds=range(50), samples=(10, 20, 50, 100, 200, 500, 1000), network="resnet18"),
}
IMAGENET = {
    "quick": Imagenet(pairs=(0,), samples=(4,), all=(), samples_all=(), finetuning=LAPTOP | {"epochs": 2}),
    "laptop": Imagenet(
        pairs=range(10), samples=(4, 16, 64), all=range(3), samples_all=(200,), finetuning=LAPTOP | {"epochs": 30}
    ),
}


def located(data: Path | None) -> str | None:
    """The place of a user's images as workers find it, after a look at them; none stands for the digits.

    Raises
    ------
    InputError
        Whatever is wrong with them, or if torch is not installed.
    """
    needed_torch()
    read_images(data)  # before anything is computed
    return None if data is None else str(data.resolve())


def grid_of(grids: dict[str, Any], scale: str, data: Path | None) -> Any:
    """The grid of a scale; the paper's own needs the paper's images.

    Raises
    ------
    InputError
        If they are not given.
    """
    if scale == "paper" and data is None:
        raise InputError("the paper's scale needs CIFAR-100: --data cifar-100-binary.tar.gz; digits: --scale laptop")
    return grids[scale]
