"""Gradient flow of any torch module: its parameters as one flat vector, which `chebyshev.integrate` follows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch.func import functional_call, grad

from normtheory.arrays import InputError

Tensor = Any  # torch.Tensor
Loss = Callable[[Callable[[Tensor], Tensor]], Tensor]


@dataclass(frozen=True, eq=False)
class ModuleFlow:
    """The gradient flow of a module's loss.

    Attributes
    ----------
    start : tensor, shape (parameters,)
        The module's trainable parameters, of float64, one after the other.
    slope : callable
        Such a vector to minus the gradient of the loss there.
    loss : callable
        Such a vector to the loss, a float.
    """

    start: Tensor
    slope: Callable[[Tensor], Tensor]
    loss: Callable[[Tensor], float]


def module_flow(module: Any, loss: Loss) -> ModuleFlow:
    """The flow of `loss`, a function of the module's map from inputs to outputs; the module itself stays as it is.

    Parameters
    ----------
    module : torch.nn.Module
        Of float64 parameters, on any device.
    loss : callable
        For instance `lambda f: ((f(X) - y) ** 2).mean()`.

    Raises
    ------
    InputError
        If its parameters are of another type.

    Examples
    --------
    >>> linear = torch.nn.Linear(2, 1, bias=False).double()
    >>> flow = module_flow(linear, lambda f: (f(torch.eye(2).double()) ** 2).mean())
    >>> bool(torch.allclose(flow.slope(flow.start), -flow.start))
    True
    """
    shapes = {name: value.shape for name, value in module.named_parameters() if value.requires_grad}
    sizes = [shape.numel() for shape in shapes.values()]
    kinds = {str(module.get_parameter(name).dtype) for name in shapes}
    if kinds != {"torch.float64"}:
        found = ", ".join(sorted(kinds)) or "no parameters to train"
        raise InputError(f"the module holds {found}; the integrator needs float64: module.double()")
    start = torch.cat([module.get_parameter(name).detach().reshape(-1) for name in shapes])

    def value(vector: Tensor) -> Tensor:
        pieces = torch.split(vector, sizes)
        parameters = {name: piece.reshape(shape) for (name, shape), piece in zip(shapes.items(), pieces, strict=True)}
        return loss(lambda X: functional_call(module, parameters, (X,)))

    gradient = grad(value)
    return ModuleFlow(start, lambda vector: -gradient(vector), lambda vector: float(value(vector)))
