"""Convolutional networks of the paper's section 6 and Appendix F, in torch: ResNet-18, VGG-11, and smaller ones of their kind.

Layers are named as torchvision names them, so that its pretrained weights load (`load_state_dict`), and start as its do (He et
al. 2016, Simonyan & Zisserman 2015). torch is the extra `nn`; importing this module needs it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn

Tensor = Any  # torch.Tensor


class Block(nn.Module):
    """Two convolutions beside an identity, or beside a convolution that changes the shape."""

    def __init__(self, inputs: int, outputs: int, stride: int, *, norm: bool) -> None:
        super().__init__()
        self.conv1 = _conv(inputs, outputs, stride)
        self.bn1 = _norm(outputs, norm)
        self.conv2 = _conv(outputs, outputs)
        self.bn2 = _norm(outputs, norm)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), _norm(outputs, norm))

    def forward(self, x: Tensor) -> Tensor:
        """Responses (n, outputs, height/stride, width/stride) to images (n, inputs, height, width)."""
        branch = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(branch + (x if self.downsample is None else self.downsample(x)))


class ResNet(nn.Module):
    """A residual network of basic blocks.

    Parameters
    ----------
    classes, channels : int
        Outputs, and channels of the images.
    blocks : sequence of int
        Blocks of each stage; each stage but the first halves the image and doubles the width.
    width : int
        Channels of the first stage.
    large : bool
        Whether it starts, as for ImageNet, with a convolution of 7 x 7 and a pool, each at stride 2; else with one of 3 x 3.
    norm : bool
        Batch normalisation after every convolution, or none.
    """

    def __init__(
        self,
        classes: int,
        channels: int = 3,
        *,
        blocks: Sequence[int] = (2, 2, 2, 2),
        width: int = 64,
        large: bool = True,
        norm: bool = True,
    ) -> None:
        super().__init__()
        stem = nn.Conv2d(channels, width, 7, 2, 3, bias=False) if large else _conv(channels, width)
        self.conv1 = stem
        self.bn1 = _norm(width, norm)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, 2, 1) if large else nn.Identity()
        self.stages = [f"layer{stage + 1}" for stage in range(len(blocks))]
        inputs = width
        for stage, (name, count) in enumerate(zip(self.stages, blocks, strict=True)):
            outputs, stride = width * 2**stage, 1 if stage == 0 else 2
            first = Block(inputs, outputs, stride, norm=norm)
            setattr(self, name, nn.Sequential(first, *(Block(outputs, outputs, 1, norm=norm) for _ in range(count - 1))))
            inputs = outputs
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(inputs, classes)
        for part in self.modules():
            if isinstance(part, nn.Conv2d):
                nn.init.kaiming_normal_(part.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        """Outputs (n, classes) for images (n, channels, height, width)."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        for name in self.stages:
            x = getattr(self, name)(x)
        return self.fc(self.avgpool(x).flatten(1))


class VGG(nn.Module):
    """Convolutions of 3 x 3 with pools between, then three linear layers.

    Parameters
    ----------
    classes, channels : int
        As of `ResNet`.
    widths : sequence of int
        Channels of each convolution, 0 for a pool; those of VGG-11 by default.
    hidden : int
        Units of the linear layers between.
    side : int
        To which the last responses are pooled.
    bias : bool
        Without biases the network is positively homogeneous in its weights.
    """

    def __init__(
        self,
        classes: int,
        channels: int = 3,
        *,
        widths: Sequence[int] = (64, 0, 128, 0, 256, 256, 0, 512, 512, 0, 512, 512, 0),
        hidden: int = 4096,
        side: int = 7,
        bias: bool = True,
    ) -> None:
        super().__init__()
        layers: list[Any] = []
        inputs = channels
        for outputs in widths:
            layers += [nn.Conv2d(inputs, outputs, 3, padding=1, bias=bias), nn.ReLU()] if outputs else [nn.MaxPool2d(2)]
            inputs = outputs or inputs
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(side)
        sizes = ((inputs * side**2, hidden), (hidden, hidden), (hidden, classes))
        first, second, last = (nn.Linear(*size, bias=bias) for size in sizes)
        self.classifier = nn.Sequential(first, nn.ReLU(), nn.Dropout(), second, nn.ReLU(), nn.Dropout(), last)
        for part in self.modules():
            if isinstance(part, nn.Conv2d):
                nn.init.kaiming_normal_(part.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(part, nn.Linear):
                nn.init.normal_(part.weight, 0, 0.01)
        for name, parameter in self.named_parameters():
            if name.endswith("bias"):
                nn.init.zeros_(parameter)

    def forward(self, x: Tensor) -> Tensor:
        """Outputs (n, classes) for images (n, channels, height, width)."""
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


def small_resnet(classes: int, channels: int = 1, *, norm: bool = True) -> ResNet:
    """A residual network for small images such as digits: three stages of a block each, from 16 channels on."""
    return ResNet(classes, channels, blocks=(1, 1, 1), width=16, large=False, norm=norm)


def seeded(make: Callable[[], Any], seed: int) -> Any:
    """What a function makes that draws from torch's global generator, from a seed; that generator stays as it is."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make()


def _conv(inputs: int, outputs: int, stride: int = 1) -> Any:
    return nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)


def _norm(channels: int, norm: bool) -> Any:
    return nn.BatchNorm2d(channels) if norm else nn.Identity()
