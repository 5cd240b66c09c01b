"""Rescale a pretrained torch network before finetuning, restart its head, and measure what finetuning made of its features.

Multiplying all parameters by a factor below 1 after pretraining is what section 6 and Appendix F of the paper suggest. What
becomes of the features by that is measured by `representation_dimensions` (Eqs. 34, 35), as in section 6 and Appendix G.
"""

from __future__ import annotations

import copy as copies
from collections.abc import Callable
from dataclasses import dataclass

from normtheory.arrays import InputError, count, number, positive_scalar
from normtheory.responses import Dimensions, Module, Tensor, checked_module, needed_torch, representation_dimensions

__all__ = ["Dimensions", "Rescaled", "representation_dimensions", "rescale", "restart_head"]

NORMALISING = ("BatchNorm", "SyncBatchNorm", "InstanceNorm", "LayerNorm", "GroupNorm", "RMSNorm")  # classes of torch.nn


@dataclass(frozen=True, eq=False)
class Rescaled:
    """A rescaled network, and what was done to it.

    Attributes
    ----------
    module : torch.nn.Module
    factor : float
    scaled, kept : tuple of str
        Names of the parameters that were multiplied, and of those that were not.
    stale : tuple of str
        Names of running statistics that belong to the network as it was before. Measured anew they are by
        `torch.optim.swa_utils.update_bn(loader, module)`.
    """

    module: Module
    factor: float
    scaled: tuple[str, ...]
    kept: tuple[str, ...]
    stale: tuple[str, ...]

    def __str__(self) -> str:
        """One line."""
        words = f"{len(self.scaled)} parameters multiplied by {self.factor:g}, {len(self.kept)} kept"
        return f"{words}, {len(self.stale)} running statistics stale" if self.stale else words


def rescale(
    module: Module,
    factor: float,
    *,
    skip_norm: bool = False,
    only: Callable[[str, Module], bool] = lambda name, part: True,
    copy: bool = False,
) -> Rescaled:
    """Multiply the parameters of a network by a factor, as the paper does after pretraining (section 6).

    Buffers stay as they are, running statistics among them: as in the paper, normalisation layers in eval mode then use the
    statistics of the network before. Which these are is reported. A parameter that several layers share is multiplied once.

    Parameters
    ----------
    module : torch.nn.Module
    factor : float
        Positive; 1/2 is what the paper suggests for pretrained convolutional networks.
    skip_norm : bool
        Leave the gains and biases of normalisation layers.
    only : callable
        `only(name, part)` says whether a parameter is multiplied, by its name and the layer that holds it.
    copy : bool
        Leave the module and rescale a copy of it.

    Raises
    ------
    InputError
        If the factor is no positive number, no parameter is chosen, one has no shape yet, or would leave the range of its type.

    Examples
    --------
    >>> from torch import nn
    >>> network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.LazyLinear(2))
    >>> _ = network(torch.zeros(1, 1, 8, 8))
    >>> print(rescale(network, 0.5, only=lambda name, part: isinstance(part, nn.Conv2d)))
    2 parameters multiplied by 0.5, 4 kept, 2 running statistics stale
    """
    torch = needed_torch()
    checked_module(module, "module")
    factor = positive_scalar(factor, "factor")
    module = copies.deepcopy(module) if copy else module
    chosen, kept, seen = {}, [], set[int]()
    for prefix, part in module.named_modules():
        for own, parameter in part.named_parameters(recurse=False):
            name = f"{prefix}.{own}" if prefix else own
            if id(parameter) in seen:
                continue
            seen.add(id(parameter))
            if (skip_norm and _normalises(part)) or not only(name, part):
                kept.append(name)
            else:
                _check_range(name, parameter, factor)
                chosen[name] = parameter
    if not chosen:
        raise InputError("no parameter is to be rescaled; give a module that has some, or another `only`")
    with torch.no_grad():
        for parameter in chosen.values():
            parameter.mul_(factor)
    return Rescaled(module, factor, tuple(chosen), tuple(kept), _stale(module, set(chosen)))


def restart_head(
    module: Module,
    outputs: int | None = None,
    *,
    name: str | None = None,
    scale: float = 1.0,
    seed: int = 0,
    copy: bool = False,
) -> Module:
    """Draw the weights of a network's last linear layer anew, as finetuning on another task starts (section 2.2).

    Weights and biases are uniform within ± scale/sqrt(inputs), at scale 1 as torch itself draws them.

    Parameters
    ----------
    module : torch.nn.Module
    outputs : int, optional
        Outputs of the new head (default: as many as before).
    name : str, optional
        Of the linear layer that is the head (default: the last linear layer that the module defines).
    scale : float
        What to multiply the drawn weights by: not negative; 0 starts from a head that says nothing.
    seed : int
        Of the draw.
    copy : bool
        Leave the module and restart the head of a copy of it.

    Returns
    -------
    torch.nn.Module
        The module, or its copy.

    Raises
    ------
    InputError
        If there is no such linear layer, or an option is out of its range.

    Examples
    --------
    >>> network = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 98))
    >>> restart_head(network, 2)[-1]
    Linear(in_features=8, out_features=2, bias=True)
    """
    torch = needed_torch()
    checked_module(module, "module")
    scale = number(scale, "scale")
    if not 0 <= scale < float("inf"):
        raise InputError(f"scale = {scale:g}; give a finite number that is not negative")
    module = copies.deepcopy(module) if copy else module
    name = _head(module) if name is None else name
    head = dict(module.named_modules()).get(name)
    if not isinstance(head, torch.nn.Linear):
        what = "no layer" if head is None else f"a {type(head).__name__}, no linear layer"
        raise InputError(f"{name!r} is {what} of the module; name its last linear layer")
    if outputs is not None and count(outputs, "outputs") != head.out_features:
        if not name:
            raise InputError("the module is a single linear layer and cannot change its own size; make another of that size")
        weight, bias = head.weight, head.bias is not None
        head = torch.nn.Linear(head.in_features, int(outputs), bias, device=weight.device, dtype=weight.dtype)
        head.train(module.training)
        parent, _, own = name.rpartition(".")
        setattr(module.get_submodule(parent), own, head)
    generator = torch.Generator().manual_seed(count(seed, "seed", 0))
    bound = scale * head.in_features**-0.5
    with torch.no_grad():
        for parameter in head.parameters():
            drawn = torch.rand(parameter.shape, generator=generator, dtype=torch.float64)
            parameter.copy_(bound * (2 * drawn - 1))
    return module


def _check_range(name: str, parameter: Tensor, factor: float) -> None:
    """Refuse a parameter that has no shape yet, is not of a floating type, or would overflow or vanish."""
    torch = needed_torch()
    if torch.nn.parameter.is_lazy(parameter):
        raise InputError(f"parameter {name} has no shape yet; run a batch through the module first")
    if not parameter.dtype.is_floating_point:
        raise InputError(f"parameter {name} holds {parameter.dtype}; rescale the network before it is quantised, or use `only`")
    largest = float(parameter.detach().abs().max()) if parameter.numel() else 0.0
    limits = torch.finfo(parameter.dtype)
    if largest != largest or factor * largest > limits.max or 0 < factor * largest < limits.tiny:
        raise InputError(f"parameter {name}, of at most {largest:g}, leaves the range of {parameter.dtype} by {factor:g}")


def _head(module: Module) -> str:
    """The name of the last linear layer."""
    found = [name for name, part in module.named_modules() if isinstance(part, needed_torch().nn.Linear)]
    if not found:
        raise InputError("the module has no linear layer, whose weights could be drawn anew; give one that ends in one")
    return str(found[-1])


def _normalises(part: Module) -> bool:
    return any(kind.__name__.startswith(NORMALISING) for kind in type(part).__mro__)


def _stale(module: Module, scaled: set[str]) -> tuple[str, ...]:
    """Running statistics of layers that the module defines after one that was rescaled: what they see is another network's."""
    found, changed = list[str](), False
    for prefix, part in module.named_modules():
        start = f"{prefix}." if prefix else ""
        if changed:
            found += [
                f"{start}{own}"
                for own, value in part.named_buffers(recurse=False)
                if own.startswith("running_") and value is not None
            ]
        changed = changed or any(f"{start}{own}" in scaled for own, _ in part.named_parameters(recurse=False))
    return tuple(found)
