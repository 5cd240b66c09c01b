"""Training of image classifiers as the paper's section 6 has it: minibatch SGD with momentum on the cross-entropy.

One linear layer serves several tasks, each with outputs of its own. Training ends when the mean loss of an epoch is below a
bound, or after a number of epochs. torch is the extra `nn`; importing this module needs it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch

from normtheory.arrays import InputError
from normtheory.images import Bytes, Labels

Tensor = Any  # torch.Tensor
Network = Any  # torch.nn.Module

EVALUATED = 256  # images at a time


@dataclass(frozen=True)
class Descent:
    """How a run descends.

    Attributes
    ----------
    rate, momentum : float
        Of SGD.
    batch : int
        Most images of a minibatch; an epoch's last one holds what is left.
    stop : float
        Mean loss of an epoch at which it ends.
    epochs : int
        Most epochs.
    """

    rate: float
    momentum: float = 0.9
    batch: int = 128
    stop: float = 0.01
    epochs: int = 1000

    def __post_init__(self) -> None:
        """Refuse what cannot be descended by."""
        if not (self.rate > 0 and 0 <= self.momentum < 1 and self.batch >= 2 and self.epochs >= 1):
            raise InputError(f"{self} does not descend; give a positive rate, momentum below 1, batches of 2, an epoch")


PAPER = Descent(rate=1e-3)  # section 6, as the authors' scripts have it


@dataclass(frozen=True, eq=False)
class Labelled:
    """Images of a task, between -1 and 1, the number of each one's class, and the outputs that stand for these classes."""

    images: Tensor
    labels: Tensor
    outputs: slice

    @staticmethod
    def of(pixels: Bytes, labels: Labels, outputs: slice, device: str = "cpu") -> Labelled:
        """From bytes; labels count from the first of the outputs."""
        images = torch.from_numpy(pixels.copy()).to(device).float().div_(127.5).sub_(1)
        return Labelled(images, torch.from_numpy(labels.copy()).to(device), outputs)

    def __len__(self) -> int:
        """How many images there are."""
        return len(self.labels)

    def loss(self, network: Network, chosen: Tensor) -> Tensor:
        """The mean cross-entropy of some of them, among the outputs of the task."""
        return torch.nn.functional.cross_entropy(network(self.images[chosen])[:, self.outputs], self.labels[chosen])


class Trained(NamedTuple):
    """How a run ended: the mean loss of its last epoch, and how many there were."""

    loss: float
    epochs: int


def train(network: Network, task: Labelled, descent: Descent, seed: int, beside: Labelled | None = None) -> Trained:
    """Train a network in place, in train mode, and leave it in eval mode.

    Parameters
    ----------
    network : torch.nn.Module
    task : Labelled
        Whose loss ends the training.
    descent : Descent
    seed : int
        Of the order of the images, anew in each epoch, and of dropout.
    beside : Labelled, optional
        An auxiliary task that is learned with it: each epoch goes through the batches of the one, then of the other, whose
        losses are multiplied so that the batches of both weigh the same in all.

    Raises
    ------
    InputError
        If a task has a single image, of which a batch has no variance.
    """
    if min(len(each) for each in (task, beside or task)) < 2:
        raise InputError("a task has a single image, whose variance batch normalisation cannot take; give at least 2")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)  # of dropout, which draws from the global generator
        return _descend(network, task, descent, seed, beside)


def _descend(network: Network, task: Labelled, descent: Descent, seed: int, beside: Labelled | None) -> Trained:
    optimiser = torch.optim.SGD(network.parameters(), lr=descent.rate, momentum=descent.momentum)
    generator = torch.Generator().manual_seed(seed)
    weight = 1.0 if beside is None else math.ceil(len(task) / descent.batch) / math.ceil(len(beside) / descent.batch)
    network.train()
    loss, epochs = math.inf, 0
    while epochs < descent.epochs and not loss <= descent.stop:
        epochs += 1
        loss = _epoch(network, task, descent, optimiser, generator, 1.0)
        if beside is not None:
            _epoch(network, beside, descent, optimiser, generator, weight)
        if math.isnan(loss):
            break
    network.eval()
    return Trained(loss, epochs)


def _epoch(network: Network, task: Labelled, descent: Descent, optimiser: Any, generator: Any, weight: float) -> float:
    """Once through a task; the mean loss over its batches."""
    losses = []
    for chosen in _batches(len(task), descent.batch, generator):
        optimiser.zero_grad(set_to_none=True)
        loss = task.loss(network, chosen.to(task.images.device))
        (weight * loss).backward()
        optimiser.step()
        losses.append(loss.detach())
    return float(torch.stack(losses).mean())


def _batches(images: int, batch: int, generator: Any) -> Iterator[Tensor]:
    """All images in a random order; a single one that is left over joins the batch before."""
    order: Any = torch.randperm(images, generator=generator)
    parts = list(order.split(batch))
    if len(parts) > 1 and len(parts[-1]) == 1:
        parts[-2:] = [torch.cat(parts[-2:])]
    return iter(parts)


def outputs(network: Network, images: Tensor) -> Tensor:
    """In eval mode, without gradients."""
    network.eval()
    with torch.no_grad():
        return torch.cat([network(part) for part in images.split(EVALUATED)])


def error(network: Network, task: Labelled) -> float:
    """The share of images that a network in eval mode puts into another class of the task."""
    predicted = outputs(network, task.images)[:, task.outputs].argmax(1)
    return float((predicted != task.labels).double().mean())


def restate(network: Network, task: Labelled, batch: int = EVALUATED) -> None:
    """Take running statistics of batch normalisation anew from some images, each once, without dropout.

    `torch.optim.swa_utils.update_bn` does so with dropout, so that statistics hang on its draws.
    """
    layers = [layer for layer in network.modules() if isinstance(layer, torch.nn.modules.batchnorm._BatchNorm)]
    momenta = [layer.momentum for layer in layers]
    network.eval()
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # the mean over batches
        layer.train()
    parts = task.images.split(max(batch, 2)) if len(task) % batch != 1 else [task.images]
    with torch.no_grad():
        for images in parts:
            network(images)
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
    network.eval()
