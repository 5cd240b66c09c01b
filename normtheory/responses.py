"""What the layers of a torch network respond: participation ratios and shared dimensions, for any number of samples.

`normtheory.representations` has the same measures of arrays. torch is imported where it is needed: it is the extra `nn`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from normtheory.arrays import InputError

Module = Any  # torch.nn.Module
Tensor = Any  # torch.Tensor

MEMORY = 4e9  # bytes of responses and Gram matrices that are held by default
FLOAT64 = 8  # bytes
ROUND_OFF = 10.0  # of responses that do not vary, in units of their type's


@dataclass(frozen=True)
class Dimensions:
    """Dimensionality of a layer before and after finetuning.

    Attributes
    ----------
    before, after : float
        Participation ratios (Eq. 34), between 1 and the number of features; NaN where responses do not vary, as of dead units.
    shared : float
        Effective number of shared dimensions (Eq. 35); NaN where either do not vary.
    samples, features : int
        Of the responses that were measured; features are those before.
    """

    before: float
    after: float
    shared: float
    samples: int
    features: int


def representation_dimensions(
    before: Module, after: Module, loader: Iterable[Any], *, layers: Sequence[str] | None = None, memory: float = MEMORY
) -> dict[str, Dimensions]:
    """Participation ratios and shared dimensions of each layer's responses, before and after finetuning (Eqs. 34, 35).

    Both networks see each batch once, in eval mode, which is restored. Responses are flattened to a row per sample and centred.
    Rows are held while there are fewer samples than features; from then on only Gram matrices of features are, so that memory
    does not grow with the number of samples: two layers of 10,000 features need 2.4 GB for any number.

    Parameters
    ----------
    before, after : torch.nn.Module
        Two networks with layers of the same names; finetune a copy of the first to have both.
    loader : iterable
        Batches of inputs, or tuples whose first entry they are; read once.
    layers : sequence of str, optional
        Names of layers (default: the children of the module that return a tensor).
    memory : float
        Most bytes to hold.

    Returns
    -------
    dict of str to Dimensions
        In the order in which the layers are met.

    Raises
    ------
    InputError
        If a layer is missing or is not met, the batches are malformed, or the memory does not suffice.

    Examples
    --------
    >>> network = torch.nn.Sequential(torch.nn.Linear(2, 3, bias=False))
    >>> with torch.no_grad():
    ...     _ = network[0].weight.copy_(torch.eye(3, 2))
    >>> inputs = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    >>> other = torch.nn.Sequential(torch.nn.Linear(2, 3, bias=False))
    >>> with torch.no_grad():
    ...     _ = other[0].weight.copy_(0.5 * torch.eye(3, 2))
    >>> representation_dimensions(network, other, [inputs])["0"]
    Dimensions(before=2.0, after=2.0, shared=2.0, samples=4, features=3)
    """
    torch = needed_torch()
    if checked_module(before, "before") is checked_module(after, "after"):
        raise InputError("before and after are one module; keep a copy from before finetuning: copy.deepcopy(module)")
    names = [name for name, _ in before.named_children()] if layers is None else list(layers)
    _check_layers(names, before, after)
    moments: dict[str, Moments] = {}
    modes = [(part, part.training) for part in chain(before.modules(), after.modules())]
    try:
        before.eval()
        after.eval()
        with torch.no_grad():
            for batch in loader:
                inputs = _inputs(batch)
                responses = [_responses(network, names, inputs) for network in (before, after)]
                for name in _met(names, *responses, strict=layers is not None):
                    moments.setdefault(name, Moments()).add(name, *(each[name] for each in responses))
                _check_memory(moments, memory)
    finally:
        for part, mode in modes:
            part.training = mode
    if not moments:
        raise InputError("no responses were measured; give at least one batch, and layers that return tensors")
    return {name: each.dimensions() for name, each in moments.items()}


class Moments:
    """Sums over samples of two layers' responses: rows while they are few, then their Gram matrices."""

    def __init__(self) -> None:
        self.samples = 0
        self.precision = 0.0
        self.rows: list[tuple[Tensor, Tensor]] = []
        self.shifts: tuple[Tensor, ...] = ()  # about means of the first batch, so that no digits cancel
        self.sums: tuple[Tensor, ...] = ()
        self.grams: tuple[Tensor, ...] = ()  # X^T X, Y^T Y, X^T Y

    def add(self, name: str, first: Tensor, second: Tensor) -> None:
        """Another batch: two matrices with a row per sample."""
        self.precision = max(needed_torch().finfo(each.dtype).eps for each in (first, second))
        first, second = _double(first), _double(second)
        if not self.samples:
            self.shifts = tuple(each.mean(0) for each in (first, second))
        if len(first) != len(second) or [each.shape[1:] for each in (first, second)] != [each.shape for each in self.shifts]:
            raise InputError(f"responses of {name} change their shape from batch to batch; give inputs of one size")
        pair = (first - self.shifts[0], second - self.shifts[1])
        self.samples += len(first)
        if self.grams:
            self._sum(pair)
            return
        self.rows.append(pair)
        if self.samples > max(len(shift) for shift in self.shifts):
            self.sums = tuple(0 * shift for shift in self.shifts)
            self.grams = tuple(x[:, None] * y for x, y in _pairs(*self.sums))
            for each in self.rows:
                self._sum(each)
            self.rows = []

    def _sum(self, pair: tuple[Tensor, Tensor]) -> None:
        for total, each in zip(self.sums, pair, strict=True):
            total += each.sum(0)
        for gram, (x, y) in zip(self.grams, _pairs(*pair), strict=True):
            gram.addmm_(x.T, y)

    @property
    def held(self) -> int:
        """Numbers that are held, and those of the Gram matrices that they may turn into."""
        most = max(len(shift) for shift in self.shifts)
        rows = min(self.samples, most) * sum(len(shift) for shift in self.shifts)
        return sum(gram.numel() for gram in self.grams) or rows

    def dimensions(self) -> Dimensions:
        """The measures, by the squared norms of three Gram matrices and the traces of two: of features, or of samples."""
        torch = needed_torch()
        if self.grams:
            sums = _pairs(*self.sums)
            energy = [torch.trace(gram) for gram in self.grams[:2]]
            grams = [gram.addr(x, y, alpha=-1 / self.samples) for gram, (x, y) in zip(self.grams, sums, strict=True)]
            squares = [float((gram**2).sum()) for gram in grams]
            traces = [float(torch.trace(gram)) for gram in grams[:2]]
        else:
            raw = [torch.cat(each) for each in zip(*self.rows, strict=True)]
            energy = [(each**2).sum() for each in raw]
            over = [each - each.mean(0) for each in raw]
            of_samples = [each @ each.T for each in over]
            squares = [float((x * y).sum()) for x, y in _pairs(*of_samples)]
            traces = [float(torch.trace(gram)) for gram in of_samples]
        offset = [self.samples * float((shift**2).sum()) for shift in self.shifts]
        varies = [
            trace > (ROUND_OFF * self.precision) ** 2 * (float(total) + shift)
            for trace, total, shift in zip(traces, energy, offset, strict=True)
        ]
        before, after = (
            trace**2 / square if varied else math.nan for trace, square, varied in zip(traces, squares[:2], varies, strict=True)
        )
        shared = squares[2] * traces[0] * traces[1] / (squares[0] * squares[1]) if all(varies) else math.nan
        return Dimensions(before, after, shared, self.samples, len(self.shifts[0]))


def _pairs(first: Tensor, second: Tensor) -> tuple[tuple[Tensor, Tensor], ...]:
    return (first, first), (second, second), (first, second)


def _double(values: Tensor) -> Tensor:
    """In float64, where the device has it."""
    return (values.cpu() if values.device.type == "mps" else values).double()


def _inputs(batch: Any) -> Tensor:
    inputs = batch[0] if isinstance(batch, tuple | list) and len(batch) else batch
    if not needed_torch().is_tensor(inputs) or not inputs.ndim or not len(inputs):
        raise InputError(f"a batch holds {type(inputs).__name__}; give tensors with a row per sample, or tuples that begin so")
    return inputs


def _responses(network: Module, names: Sequence[str], inputs: Tensor) -> dict[str, Tensor]:
    """The outputs of some layers for a batch, a row per sample; of those that return such tensors."""
    torch = needed_torch()
    found: dict[str, Tensor] = {}

    def hook(name: str) -> Callable[[Module, Any, Any], None]:
        def keep(_part: Module, _given: Any, output: Any) -> None:
            if torch.is_tensor(output) and output.is_floating_point() and output.ndim and len(output) == len(inputs):
                found[name] = output.reshape(len(inputs), -1)

        return keep

    layers = dict(network.named_modules())
    handles = [layers[name].register_forward_hook(hook(name)) for name in names]
    try:
        device = next((parameter.device for parameter in network.parameters()), inputs.device)
        network(inputs.to(device))
    finally:
        for handle in handles:
            handle.remove()
    return found


def _met(names: Sequence[str], first: dict[str, Tensor], second: dict[str, Tensor], *, strict: bool) -> list[str]:
    """The layers that both networks have responses of; if asked for by name, they must be all."""
    met = [name for name in first if name in second]  # in the order of the forward pass
    lacking = [name for name in names if name not in met]
    if strict and lacking:
        raise InputError(f"layer {lacking[0]} gives no tensor with a row per sample; leave it out of `layers`")
    return met


def _check_layers(names: Sequence[str], before: Module, after: Module) -> None:
    for network, when in ((before, "before"), (after, "after")):
        known = dict(network.named_modules())
        unknown = [name for name in names if name not in known]
        if unknown:
            few = ", ".join([name for name in known if name][:8])
            raise InputError(f"the module {when} has no layer {unknown[0]!r}; choose from its named_modules(): {few}, ...")


def _check_memory(moments: dict[str, Moments], memory: float) -> None:
    needed = FLOAT64 * sum(each.held for each in moments.values())
    if needed > memory:
        largest = max(moments, key=lambda name: moments[name].held)
        raise InputError(
            f"responses need {needed / 1e9:.3g} GB so far, more than memory = {memory / 1e9:.3g} GB; "
            f"choose fewer `layers` (most is held for {largest}), fewer samples, or more memory"
        )


def checked_module(given: Any, name: str) -> Module:
    """Return what must be a module; `name` is what messages call it.

    Raises
    ------
    InputError
        Otherwise.
    """
    if not isinstance(given, needed_torch().nn.Module):
        raise InputError(f"{name} is a {type(given).__name__}; give a torch.nn.Module")
    return given


def needed_torch() -> Any:
    """The package torch.

    Raises
    ------
    InputError
        If it is not installed.
    """
    try:
        import torch
    except ImportError as error:
        raise InputError("networks need the package torch; pip install 'normtheory[nn]'") from error
    return torch
