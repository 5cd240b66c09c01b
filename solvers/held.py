"""The pinned limit of several outputs: all but the first are fitted and held, and the first moves on one curve again.

With the other outputs held, their multipliers are linear in the slope of the first, so that the weights move along the part of
grad beta_1 that is orthogonal to the gradients held: dw/dx = P grad beta_1, b' = |P grad beta_1|^2. That is a mirror flow,
whatever the brackets say. It is the limit of training on all tasks as the weight of the others grows; of the diagonal network
from small weights `normtheory.solvers.pinned` has the closed form.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from normtheory.arrays import FloatArray, InputError, vector
from normtheory.parametrisations import Parametrisation
from normtheory.parametrisations.compiled import compiled
from normtheory.solvers.orbits import Curve, Orbits, gradient_curve, largest_rate, relative_pace

DIFFERENCE = 1e-6  # of the weights' size, in derivatives that only choose steps and bound errors


def held_curve(network: Parametrisation) -> Curve:
    """The orbits of the first output while the others are held."""

    def velocity(w: FloatArray) -> FloatArray:
        first, *others = network.slopes(w)
        held = np.stack(others)  # (O - 1, p, ...)
        gram = np.einsum("op...,qp...->...oq", held, held)
        right = np.einsum("op...,p...->...o", held, first)
        with np.errstate(all="ignore"):
            multipliers = np.linalg.solve(gram, right[..., None])[..., 0]
        return np.asarray(first - np.einsum("...o,op...->p...", multipliers, held))

    def moves(w: FloatArray) -> FloatArray:
        return np.concatenate([velocity(w), network.values(w)[:1]])

    def jacobian(w: FloatArray) -> FloatArray:
        step = DIFFERENCE * np.linalg.norm(w, axis=0)
        columns = []
        for row in range(len(w)):
            moved = np.zeros_like(w)
            moved[row] = step
            columns.append((velocity(w + moved) - velocity(w - moved)) / (2 * step))
        return np.stack(columns, axis=1)

    return Curve(
        moves,
        lambda w: np.asarray(network.values(w)[0]),
        lambda w: np.asarray((velocity(w) ** 2).sum(axis=0)),
        lambda w, size: relative_pace(size, velocity(w), jacobian(w)),
        lambda w, sign: largest_rate(sign * jacobian(w)),
        compiled(network.kinks, network.weights),
    )


def held(network: Parametrisation, beta_aux: ArrayLike, size: int) -> Orbits:
    """The potential of the first of two outputs after the second has been trained alone to beta_aux, and while it is held.

    Parameters
    ----------
    network : Parametrisation
        Of two outputs, with a start in numbers or arrays.
    beta_aux : array, shape (D,)
        Predictor of the second output.
    size : int
        D.

    Raises
    ------
    InputError
        If the network has not two outputs, or the second cannot reach beta_aux from the start.
    """
    if len(network.outputs) != 2:
        raise InputError(
            f"the network has {len(network.outputs)} outputs; the pinned limit is for two, the second one held; "
            "coordinates that share weights are no task of minimize: normtheory network says whether their flow is a mirror "
            "flow, and simulate --shared integrates it"
        )
    target, start = vector(beta_aux, "beta_aux", size, "column of X"), network.weights_at_start(size)
    aux = network.only(1)
    rows = [network.weights.index(weight) for weight in aux.weights]
    orbits = Orbits(gradient_curve(aux), start[rows])
    x = orbits.inverse(target)
    if not np.isfinite(x).all():
        d = int(np.argmax(~np.isfinite(x)))
        raise InputError(
            f"beta_aux[{d}] = {target[d]:g} lies beyond the end of the orbit of {network.names[1]}; start elsewhere"
        )
    trained = start.copy()
    trained[rows] = orbits.states(x)
    return Orbits(held_curve(network), trained)
