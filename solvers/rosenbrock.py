"""A linearly implicit method of order 4, for the stiff flow of a few weights: a step of any length costs one factorisation.

RODAS, an L-stable Rosenbrock method of six stages with an embedded one of order 3: Hairer & Wanner, "Solving Ordinary
Differential Equations II", section IV.10. It needs the Jacobian itself: of one made of differences, round-off in the stiffest
directions would pass for slopes in the slow ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.linalg import lu_factor, lu_solve

from normtheory.arrays import FloatArray
from normtheory.solvers.runge_kutta import Control, Trial, VectorField

GAMMA = 0.25
# Of the stages' arguments, and of earlier stages in the right-hand sides, in the form without products with the Jacobian. The
# last two stages begin at the argument of the fifth, moved by the stages that follow it.
ARGUMENTS = (
    (),
    (1.544,),
    (0.9466785280815826, 0.2557011698983284),
    (3.314825187068521, 2.896124015972201, 0.9986419139977817),
    (1.221224509226641, 6.019134481288629, 12.53708332932087, -0.6878860361058950),
    (1.221224509226641, 6.019134481288629, 12.53708332932087, -0.6878860361058950, 1.0),
)
EARLIER = (
    (),
    (-5.6688,),
    (-2.430093356833875, -0.2063599157091915),
    (-0.1073529058151375, -9.594562251023355, -20.47028614809616),
    (7.496443313967647, -10.24680431464352, -33.99990352819905, 11.70890893206160),
    (8.083246795921522, -7.981132988064893, -31.52159432874371, 16.31930543123136, -6.058818238834054),
)
# Of the two bends of the dense output, of order 3, in the first five stages: stiff parts stay damped, which a cubic through the
# slopes at both ends would let swing.
BENDS = (
    (10.12623508344586, -7.487995877610167, -34.80091861555747, -7.992771707568823, 1.025137723295662),
    (-0.6762803392801253, 6.087714651680015, 16.43084320892478, 24.76722511418386, -6.594389125716872),
)
Jacobian = Callable[[FloatArray], FloatArray]  # of a state: derivatives of the field's entries in the state's, both flattened


@dataclass
class Implicit:
    """RODAS: where the step that accuracy allows would take the explicit methods more gradients than a factorisation costs."""

    control: Control
    jacobian: Jacobian
    step: float = 0.0  # what accuracy allows, once it has been tried

    def stages(self, step: float, rho: float) -> int:
        """Stages of a step, whatever its length."""
        return len(ARGUMENTS)

    def cost(self, unknowns: int) -> float:
        """Of a step, about, in the time of gradients: measured where there are a few hundred unknowns."""
        return len(ARGUMENTS) + unknowns / 2

    def attempt(self, vector_field: VectorField, y: FloatArray, slope: FloatArray, step: float, rho: float) -> Trial:
        """Try a step."""
        shifted = np.eye(y.size) / (GAMMA * step) - self.jacobian(y)
        factors = lu_factor(shifted, overwrite_a=True, check_finite=False)
        moves: list[FloatArray] = []
        for places, shares in zip(ARGUMENTS, EARLIER, strict=True):
            field = vector_field(_moved(y, places, moves)) if moves else slope
            right = _moved(field, [share / step for share in shares], moves)
            moves.append(lu_solve(factors, right.ravel(), check_finite=False).reshape(y.shape))
        end = _moved(y, (*ARGUMENTS[-1], 1.0), moves)
        end_slope = vector_field(end)
        return Trial(end, end_slope, self.control.error(moves[-1], y, end), _between(y, end, moves))

    def learn(self, error: float | None, step: float, sure: float) -> None:
        """Set the next step from the error of the last; if another method took it (None), grow more confident.

        `sure` is the step that accuracy allows a method of lower order.
        """
        if error is None:
            self.step = max(self.step, min(2 * self.step, sure))
        else:
            self.step = step * min(6.0, max(0.2, 0.9 / max(error, 1e-16) ** (1 / 4)))


def _between(y: FloatArray, end: FloatArray, moves: list[FloatArray]) -> Callable[[float], FloatArray]:
    """The dense output, as a function of the fraction of the step."""
    first, second = (_moved(np.zeros_like(y), bend, moves[:5]) for bend in BENDS)
    return lambda x: (1 - x) * y + x * (end + (1 - x) * (first + x * second))


def _moved(y: FloatArray, shares: tuple[float, ...] | list[float], moves: list[FloatArray]) -> FloatArray:
    for share, move in zip(shares, moves, strict=True):
        y = y + share * move
    return y
