"""A network as a formula: the predictor of one coordinate in weights of its own, and where these weights start."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from normtheory.arrays import FloatArray, InputError, real_array
from normtheory.parametrisations.compiled import Function, compiled, derivative, differentiable
from normtheory.parametrisations.language import read_network, read_start

Expression = Any  # sympy.Expr
Symbol = Any  # sympy.Symbol

MOST_WEIGHTS = 40


@dataclass(frozen=True, eq=False)
class Parametrisation:
    """A network whose coordinates each have weights of their own: beta_d = G(w_d), or several outputs of the same weights.

    Parameters
    ----------
    expression : str, sympy expression, or a sequence of these
        G in the language of `normtheory.parametrisations.language`, such as "w*v - u*z"; several outputs that share weights
        are separated by semicolons.
    start : str or mapping, optional
        Values of the weights at time 0: text such as "w=v=0.1, u=z=alpha", or by name a number, an array (D,), or a formula.
        Names that are no weights are parameters: symbols of closed forms (taken to be positive), until `at` gives them values.

    Attributes
    ----------
    names : tuple of str
        Of the outputs.
    outputs : tuple of sympy expressions
    weights : tuple of sympy symbols
        Real, in the order in which they appear.
    start : dict from symbols to sympy expressions or arrays (D,)

    Raises
    ------
    InputError
        If a text is not of the language, a weight has no start, or a start belongs to no weight.
    """

    names: tuple[str, ...]
    outputs: tuple[Expression, ...]
    weights: tuple[Symbol, ...]
    start: Mapping[Symbol, Expression | FloatArray]

    def __init__(
        self,
        expression: str | Expression | Sequence[str | Expression],
        start: str | Mapping[str, ArrayLike | str] | None = None,
    ) -> None:
        named = _outputs(expression)
        weights = _weights(named, expression)
        object.__setattr__(self, "names", tuple(named))
        object.__setattr__(self, "outputs", tuple(named.values()))
        object.__setattr__(self, "weights", weights)
        object.__setattr__(self, "start", {} if start is None else _start(start, weights))

    @property
    def text(self) -> str:
        """The network in the language it was typed in."""
        if len(self.outputs) == 1:
            return str(self.outputs[0])
        return "; ".join(f"{name} = {output}" for name, output in zip(self.names, self.outputs, strict=True))

    @cached_property
    def gradients(self) -> tuple[tuple[Expression, ...], ...]:
        """grad beta_o, a tuple of p expressions for each output: the fields that gradient flow moves along."""
        import sympy as sp

        return tuple(tuple(sp.diff(output, weight) for weight in self.weights) for output in self.outputs)

    @cached_property
    def parameters(self) -> tuple[Symbol, ...]:
        """The symbols in the start that have no value yet, by name."""
        values = (value for value in self.start.values() if not isinstance(value, np.ndarray))
        return tuple(sorted({symbol for value in values for symbol in value.free_symbols}, key=str))

    @property
    def symbolic_start(self) -> dict[Symbol, Expression]:
        """The start as sympy expressions.

        Raises
        ------
        InputError
            If it was given as arrays.
        """
        arrays = [str(weight) for weight, value in self.start.items() if isinstance(value, np.ndarray)]
        if arrays:
            raise InputError(f"the start of {arrays[0]} is an array; formulas need a number or a symbol")
        return dict(self.start)

    def at(self, **values: ArrayLike) -> Parametrisation:
        """The same with values, numbers or arrays (D,), for parameters of the start."""
        import sympy as sp

        known = {
            str(symbol): real_array(values[str(symbol)], str(symbol)) for symbol in self.parameters if str(symbol) in values
        }
        names = sorted(known)
        found: dict[Symbol, Expression | FloatArray] = {}
        for weight, value in self.start.items():
            if isinstance(value, np.ndarray) or not {str(symbol) for symbol in value.free_symbols} & set(names):
                found[weight] = value
                continue
            symbols = [sp.Symbol(name, positive=True) for name in names]
            rows = np.stack(np.broadcast_arrays(*(known[name] for name in names)))
            found[weight] = compiled([value], symbols)(rows)[0]
        return self._with_start(found)

    def _with_start(self, start: Mapping[Symbol, Expression | FloatArray]) -> Parametrisation:
        moved = object.__new__(Parametrisation)
        for name in ("names", "outputs", "weights"):
            object.__setattr__(moved, name, getattr(self, name))
        object.__setattr__(moved, "start", dict(start))
        return moved

    def only(self, output: int) -> Parametrisation:
        """The network of one of its outputs, by number from 0, with the starts of the weights that it has."""
        found = Parametrisation(self.outputs[output])
        weights = tuple(weight for weight in self.weights if weight in found.weights)
        object.__setattr__(found, "names", (self.names[output],))
        object.__setattr__(found, "weights", weights)
        object.__setattr__(found, "start", {weight: self.start[weight] for weight in weights if self.start})
        return found

    def weights_at_start(self, size: int | None = None) -> FloatArray:
        """The state at time 0, shape (p, D); `size` is D where the start is given by numbers alone (default: 1).

        Raises
        ------
        InputError
            If the start has no value, or arrays of another length; or if the gradient of an output vanishes there, or is not
            defined: gradient flow would never leave.
        """
        if not self.start:
            raise InputError(f"the network has no start; give one such as {self._example()}")
        if self.parameters:
            raise InputError(
                f"{self.parameters[0]} in the start has no value; give one, as a number or an array of the problem"
            )
        rows = [value if isinstance(value, np.ndarray) else np.float64(value) for value in self.start.values()]
        lengths = {np.size(row) for row in rows if np.ndim(row)} | ({size} if size is not None else set())
        if len(lengths) > 1 or any(np.ndim(row) > 1 for row in rows):
            shapes = ", ".join(
                f"{weight} {np.shape(row)}" for weight, row in zip(self.weights, rows, strict=True) if np.ndim(row)
            )
            raise InputError(f"starts have shapes {shapes}; give numbers, or arrays with an entry per input")
        count = max(lengths, default=1)
        state = real_array(np.stack([np.broadcast_to(row, (count,)) for row in rows]), "the start")
        self._check_gradients(state)
        return state

    def _check_gradients(self, state: FloatArray) -> None:
        values = self.values(state)
        for o, (name, value) in enumerate(zip(self.names, values, strict=True)):
            lengths = np.sqrt((self.slopes(state)[o] ** 2).sum(axis=0))
            for bad, what in (
                (~np.isfinite(value) | ~np.isfinite(lengths), "is not defined"),
                (lengths == 0, "has no gradient"),
            ):
                if bad.any():
                    where = ", ".join(f"{w} = {x:g}" for w, x in zip(self.weights, state[:, np.argmax(bad)], strict=True))
                    at = f" (coordinate {int(np.argmax(bad))})" if state.shape[1] > 1 else ""
                    raise InputError(f"{name} {what} at the start {where}{at}, where gradient flow would stay; start elsewhere")
        for argument in self.kinks:
            zero = compiled([argument], self.weights)(state)[0] == 0
            if zero.any():
                raise InputError(f"abs({argument}) has no gradient at the start, where {argument} = 0; start elsewhere")

    @cached_property
    def kinks(self) -> tuple[Expression, ...]:
        """The arguments of absolute values: where one changes its sign the network is not differentiable."""
        import sympy as sp

        return tuple(sorted({each.args[0] for output in self.outputs for each in output.atoms(sp.Abs)}, key=str))

    @cached_property
    def values(self) -> Function:
        """From a state (p, ...) to the outputs, (O, ...)."""
        return compiled(self.outputs, self.weights)

    @cached_property
    def slopes(self) -> Function:
        """From a state (p, ...) to the gradients of the outputs, (O, p, ...)."""
        flat = compiled([each for row in self._gradients for each in row], self.weights)
        shape = (len(self.outputs), len(self.weights))
        return lambda state: flat(state).reshape(*shape, *state.shape[1:])

    @cached_property
    def moves(self) -> Function:
        """From a state (p, ...) to the gradient of the first output and, last, its value, (p + 1, ...): along an orbit."""
        return compiled([*self._gradients[0], self.outputs[0]], self.weights)

    @cached_property
    def curvatures(self) -> Function:
        """From a state (p, ...) to the second derivatives of the outputs, (O, p, p, ...)."""
        seconds = [derivative(each, weight) for row in self._gradients for each in row for weight in self.weights]
        flat = compiled(seconds, self.weights)
        shape = (len(self.outputs), len(self.weights), len(self.weights))
        return lambda state: flat(state).reshape(*shape, *state.shape[1:])

    @cached_property
    def _gradients(self) -> list[list[Expression]]:
        """The gradients in a form that is accurate in floats."""
        outputs = [differentiable(output) for output in self.outputs]
        return [[derivative(output, weight) for weight in self.weights] for output in outputs]

    def _example(self) -> str:
        return f'--start "{"=".join(map(str, self.weights))}=0.1"'


def _outputs(expression: str | Expression | Sequence[str | Expression]) -> dict[str, Expression]:
    import sympy as sp

    if isinstance(expression, str):
        return read_network(expression)
    several: list[Any] = list(expression) if isinstance(expression, list | tuple) else [expression]
    read = [next(iter(read_network(each).values())) if isinstance(each, str) else each for each in several]
    for each in read:
        if not isinstance(each, sp.Expr):
            raise InputError(f"{each!r} is no formula; give a text or a sympy expression")
    real = [each.xreplace({s: sp.Symbol(s.name, real=True) for s in each.free_symbols}) for each in read]
    return {"beta": real[0]} if len(real) == 1 else {f"beta_{o}": each for o, each in enumerate(real, start=1)}


def _weights(named: Mapping[str, Expression], expression: object) -> tuple[Symbol, ...]:
    """The weights of all outputs, in the order of the text if there is one."""
    for name, output in named.items():
        if not output.free_symbols:
            raise InputError(f"{name} = {output} depends on no weight; write it in terms of some")
        if str(output) != name and name in {str(symbol) for symbol in output.free_symbols}:
            raise InputError(f"{name} is an output and stands in its own formula; give the weight another name")
    found = {symbol for output in named.values() for symbol in output.free_symbols}
    if len(found) > MOST_WEIGHTS:
        raise InputError(f"the network has {len(found)} weights a coordinate; give at most {MOST_WEIGHTS}")
    text = expression if isinstance(expression, str) else ""

    def place(symbol: Symbol) -> tuple[int, str]:
        first = re.search(rf"(?<!\w){re.escape(symbol.name)}(?!\w)", text)
        return (first.start() if first else len(text), symbol.name)

    return tuple(sorted(found, key=place))


def _start(start: str | Mapping[str, ArrayLike | str], weights: tuple[Symbol, ...]) -> dict[Symbol, Expression | FloatArray]:
    """The start of every weight, in their order."""
    import sympy as sp

    given: Mapping[str, Any] = read_start(start) if isinstance(start, str) else start
    known = {weight.name: weight for weight in weights}
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(str(name), known, n=1)
            advice = f"did you mean {near[0]}?" if near else f"its weights are {', '.join(known)}"
            raise InputError(f"the start names {name}, which is no weight of the network; {advice}")
    missing = [name for name in known if name not in given]
    if missing:
        raise InputError(f"the weight {missing[0]} has no start; add {missing[0]}=VALUE to the start")
    found: dict[Symbol, Expression | FloatArray] = {}
    for name, weight in known.items():
        value = given[name]
        if isinstance(value, str):
            value = read_start(f"{name}={value}")[name]
        if isinstance(value, sp.Basic):
            of_weights = sorted({symbol.name for symbol in value.free_symbols} & set(known))
            if of_weights:
                raise InputError(f"the start of {name} is given by the weight {of_weights[0]}; give a number or another name")
            found[weight] = value.xreplace({s: sp.Symbol(s.name, positive=True) for s in value.free_symbols})
        else:
            array = real_array(value, f"the start of {name}")
            found[weight] = array if array.ndim else sp.Rational(repr(float(array)))
    return found
