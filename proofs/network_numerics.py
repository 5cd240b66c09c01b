"""The formulas of `rescaled_networks` against real torch networks, where torch is installed: a second route, to round-off."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from normtheory.audit.derivation import Derivation

Formula = Callable[..., Any]
Tensor = Any  # torch.Tensor

FACTORS = (0.5, 2.0, 0.3)
ROUND_OFF = 1e-11  # relative, of float64 networks of ten layers: a thousand times what is found
ABSENT = "torch is not installed, so that no network was computed; what is proved does not rest on it."
IMAGES, SIDE = 6, 16


def installed() -> bool:
    """Whether torch is."""
    from importlib.util import find_spec

    return find_spec("torch") is not None


def witness_homogeneous(proof: Derivation, features: Formula, output: Formula, kernel: Formula) -> None:
    """Features, outputs and tangent kernel of a convolutional network without biases, by a factor, its depth and a layer's."""
    if not installed():
        proof.note(ABSENT)
        return
    deviations = [_homogeneous(factor, features, output, kernel) for factor in FACTORS]
    for text, each in zip(("features", "outputs", "tangent kernels"), zip(*deviations, strict=True), strict=True):
        proof.witness(f"{text} of a convolutional network, rescaled", max(each), ROUND_OFF)


def witness_normalised(proof: Derivation, formulas: Mapping[str, Formula]) -> None:
    """A residual network with batch normalisation, in both modes: formulas in the factor, ε, mean and variance."""
    if not installed():
        proof.note(ABSENT)
        return
    deviations = [_normalised(factor, formulas) for factor in FACTORS]
    names = ("features in train mode", "outputs in train mode", "first layer in eval mode", "gradient of the first layer")
    for text, each in zip(names, zip(*deviations, strict=True), strict=True):
        proof.witness(f"{text}, of a residual network, rescaled", max(each), ROUND_OFF)


def _homogeneous(factor: float, features: Formula, output: Formula, kernel: Formula) -> tuple[float, float, float]:
    import torch

    from normtheory.networks.convolutional import VGG, seeded
    from normtheory.rescaling import rescale

    before = seeded(lambda: VGG(3, 1, widths=(4, 0, 6, 6, 0), hidden=8, side=2, bias=False), 0).double().eval()
    after = rescale(before, factor, copy=True).module
    weighted = [name for name, part in before.named_modules() if isinstance(part, torch.nn.Conv2d | torch.nn.Linear)]
    first, second = (_responses(network, weighted, _images()) for network in (before, after))
    depth = len(weighted)
    layers = [_off(second[name], features(factor, depth, layer + 1) * first[name]) for layer, name in enumerate(weighted[:-1])]
    outputs = _off(second[weighted[-1]], output(factor, depth, depth) * first[weighted[-1]])
    tangent = [_kernel(network) for network in (before, after)]
    return max(layers), outputs, _off(tangent[1], kernel(factor, depth, depth) * tangent[0])


def _normalised(factor: float, formulas: Mapping[str, Formula]) -> tuple[float, float, float, float]:
    import torch

    from normtheory.networks.convolutional import seeded, small_resnet
    from normtheory.rescaling import rescale

    before = seeded(lambda: small_resnet(3), 0).double()
    before(_images(1))  # running statistics that are not those of the start
    after = rescale(before, factor, copy=True).module
    eval_mode = _stale(before, after, factor, formulas)
    # The network before with the constants that the formulas give: it must do what the rescaled one does.
    norms = [part for part in before.modules() if isinstance(part, torch.nn.BatchNorm2d)]
    for place, part in enumerate(norms):
        part.eps = formulas["epsilon" if place == 0 else "deep"](factor, part.eps, 0.0, 1.0)
    names = ["bn1", *before.stages, "avgpool", "fc"]
    first, second = (_responses(network.train(), names, _images(2)) for network in (before, after))
    scale = formulas["features"](factor, 0.0, 0.0, 1.0)
    features = max(_off(second[name], scale * first[name]) for name in names[:-1])
    weighted = first["fc"] - before.fc.bias
    outputs = _off(second["fc"], formulas["outputs"](factor, 0.0, 0.0, 1.0) * weighted + factor * before.fc.bias)
    # Of a function of normalised responses, which the gain before multiplies: its gradient by the weights of the convolution.
    gradients = [_gradient(network, 1.0 if network is before else 1 / factor) for network in (before, after)]
    return features, outputs, eval_mode, _off(gradients[1], formulas["gradient"](factor, 0.0, 0.0, 1.0) * gradients[0])


def _stale(before: Any, after: Any, factor: float, formulas: Mapping[str, Formula]) -> float:
    """The first normalised responses in eval mode, gains and biases taken off."""
    import torch

    normalised = []
    for network in (before, after):
        found = _responses(network.eval(), ["bn1"], _images(2))["bn1"]
        gain, bias = (value.detach()[:, None, None] for value in (network.bn1.weight, network.bn1.bias))
        normalised.append((found - bias) / gain)
    norm = before.bn1
    mean, variance = (value.numpy()[:, None, None] for value in (norm.running_mean, norm.running_var))
    known = (factor, norm.eps, mean, variance)
    stale = formulas["stale"](*known) * normalised[0].numpy() + formulas["shift"](*known)
    return _off(normalised[1], torch.as_tensor(stale))


def _gradient(network: Any, units: float) -> Tensor:
    import torch

    network.train()
    network.zero_grad()
    loss: Any = torch.sin(units * network.bn1(network.conv1(_images(2)))).sum()
    loss.backward()
    return network.conv1.weight.grad.clone()


def _images(seed: int = 0) -> Tensor:
    import torch

    generator = torch.Generator().manual_seed(seed)
    return torch.randn(IMAGES, 1, SIDE, SIDE, generator=generator, dtype=torch.float64)


def _responses(network: Any, names: list[str], inputs: Tensor) -> dict[str, Tensor]:
    import torch

    found: dict[str, Tensor] = {}
    layers = dict(network.named_modules())

    def kept(name: str) -> Callable[[Any, Any, Tensor], None]:
        return lambda _part, _given, output: found.__setitem__(name, output.detach().clone())

    handles = [layers[name].register_forward_hook(kept(name)) for name in names]
    with torch.no_grad():
        network(inputs)
    for handle in handles:
        handle.remove()
    return found


def _kernel(network: Any) -> Tensor:
    """The tangent kernel of the first output on the images."""
    import torch

    rows = []
    for image in _images():
        network.zero_grad()
        network(image[None])[0, 0].backward()
        rows.append(torch.cat([parameter.grad.reshape(-1) for parameter in network.parameters()]))
    stacked = torch.stack(rows)
    return stacked @ stacked.T


def _off(found: Tensor, predicted: Tensor) -> float:
    """The largest deviation, relative to the largest entry."""
    return float(((found - predicted).abs().max() / predicted.abs().max()).detach())
