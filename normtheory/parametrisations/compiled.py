"""Formulas as numpy functions of a state, a row a weight."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np

from normtheory.arrays import FloatArray

Expression = Any  # sympy.Expr
Function = Callable[[FloatArray], FloatArray]


def compiled(expressions: Sequence[Expression], symbols: Sequence[Expression]) -> Function:
    """The function that takes values of the symbols, (p, ...), to those of the expressions, (m, ...).

    Outside the domain of an expression (the logarithm of a negative number) its value is NaN or infinite, without a warning.
    """
    import sympy as sp
    from scipy import special

    letters = sp.symbols(f"x:{len(symbols)}", cls=sp.Dummy)  # whatever the weights are called, these are names to Python
    bodies = [sp.sympify(each).xreplace(dict(zip(symbols, letters, strict=True))) for each in expressions]
    own = {"erf": special.erf, "Tanh": np.tanh, "SechSquared": _sech_squared}
    function = sp.lambdify(letters, bodies, modules=[own, "numpy"], cse=True)

    def evaluated(state: FloatArray) -> FloatArray:
        with np.errstate(all="ignore"):
            values = function(*state)
        found = np.empty((len(bodies), *state.shape[1:]))
        for row, value in zip(found, values, strict=True):
            row[...] = value
        return found

    return evaluated


def differentiable(expression: Expression) -> Expression:
    """The same for numerical derivatives: those of tanh(z) without 1 - tanh(z)^2, of which large z leave no digit.

    Nor is there the derivative of the sign of an absolute value's argument: orbits end where it changes.
    """
    import sympy as sp

    tanh, _ = _hyperbolic()
    return expression.replace(sp.tanh, tanh)


def derivative(expression: Expression, symbol: Expression) -> Expression:
    """Of what `differentiable` returned, or of its derivatives."""
    import sympy as sp

    return sp.diff(expression, symbol).replace(sp.DiracDelta, lambda *_: sp.Integer(0))


@cache
def _hyperbolic() -> tuple[Any, Any]:
    """tanh and 1/cosh^2 as functions of sympy that differentiate into each other."""
    import sympy as sp

    class Tanh(sp.Function):  # type: ignore[misc]
        def fdiff(self, argindex: int = 1) -> Expression:
            return SechSquared(self.args[0])

    class SechSquared(sp.Function):  # type: ignore[misc]
        def fdiff(self, argindex: int = 1) -> Expression:
            return -2 * Tanh(self.args[0]) * self

    return Tanh, SechSquared


def _sech_squared(z: FloatArray) -> FloatArray:
    small = np.exp(-2 * np.abs(z))
    return np.asarray(4 * small / (1 + small) ** 2)
