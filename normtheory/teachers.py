"""ReLU teachers and the tasks they set: the paper's pairs of main and auxiliary task for networks of one hidden layer.

A teacher is a ReLU network of unit input weights, so that its readout holds its features' magnitudes. Inputs are uniform on the
sphere of radius sqrt(D), without noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from normtheory.arrays import FloatArray, InputError, positive_scalar, real_array
from normtheory.networks.relu import ReLUWeights
from normtheory.tasks import Task, sphere_rows


@dataclass(frozen=True, eq=False)
class ReLUPair:
    """A main and an auxiliary task with the ReLU teachers that made their noiseless targets."""

    main: Task
    aux: Task
    teacher: ReLUWeights
    teacher_aux: ReLUWeights


def relu_pair(
    samples: int,
    cosines: Sequence[float],
    *,
    units_aux: int = 6,
    magnitude: float | None = None,
    inputs: int = 15,
    samples_aux: int = 1024,
    seed: int = 0,
) -> ReLUPair:
    """Two teachers of orthonormal units, the main ones at given cosines to auxiliary ones (section 5, Fig. 2).

    Main unit i is cosine_i times auxiliary unit i plus a direction orthogonal to all auxiliary and all other main units: 1 is a
    shared unit, 0 a new one. The signs of main readouts are drawn independently of the auxiliary ones.

    Parameters
    ----------
    samples, samples_aux : int
        Numbers of main and auxiliary samples.
    cosines : sequence of float
        One for each main unit, from 0 to 1; at most as many as auxiliary units.
    units_aux : int
        Auxiliary units, each read out with +-1/sqrt(units_aux).
    magnitude : float, optional
        Size of the main readouts (default: 1/sqrt(number of main units)). The published experiments on sparse and nested tasks
        have 1/(number of main units).
    inputs : int
        Number D of inputs.
    seed : int
        Names the realisation. The auxiliary task does not depend on the main one; pairs that differ in the cosines alone share
        their inputs, signs and directions.

    Raises
    ------
    InputError
        If the counts do not fit together, or a cosine is out of its range.
    """
    relation = real_array(cosines, "cosines")
    count = relation.size
    if relation.ndim != 1 or not (1 <= count <= units_aux) or not ((relation >= 0) & (relation <= 1)).all():
        raise InputError(f"cosines = {relation.tolist()}; give 1 to {units_aux} numbers from 0 to 1, one per main unit")
    _check_counts({"samples": samples, "samples_aux": samples_aux}, seed)
    if units_aux + count > inputs:
        raise InputError(
            f"{units_aux} + {count} units cannot be orthogonal in {inputs} inputs; give more inputs or fewer units"
        )
    size = count**-0.5 if magnitude is None else positive_scalar(magnitude, "magnitude")
    draw = _generator("teachers", seed, inputs, units_aux)
    directions = np.linalg.qr(draw.standard_normal((inputs, inputs)))[0]
    signs_aux, signs = draw.choice([-1.0, 1.0], (2, units_aux))
    fresh = directions[units_aux : units_aux + count]
    units = relation[:, None] * directions[:count] + np.sqrt(1 - relation**2)[:, None] * fresh
    teacher = ReLUWeights(units, size * signs[None, :count])
    teacher_aux = ReLUWeights(directions[:units_aux], signs_aux[None] / np.sqrt(units_aux))
    main = taught(teacher, sphere_rows(samples, inputs, _generator("main inputs", seed, inputs, samples)))
    aux = taught(teacher_aux, sphere_rows(samples_aux, inputs, _generator("auxiliary inputs", seed, inputs, samples_aux)))
    return ReLUPair(main, aux, teacher, teacher_aux)


def relu_alone(samples: int, units: int, *, inputs: int = 15, seed: int = 0) -> tuple[Task, ReLUWeights]:
    """A single task and its teacher: orthonormal units, or, if there are more than inputs, independent random directions.

    Parameters
    ----------
    samples : int
        Number of samples.
    units : int
        Teacher units, each read out with +-1/sqrt(units).
    inputs, seed : int
        As in `relu_pair`.

    Raises
    ------
    InputError
        If a count is not positive or the seed negative.
    """
    _check_counts({"samples": samples, "units": units, "inputs": inputs}, seed)
    draw = _generator("single teachers", seed, inputs, units)
    drawn = draw.standard_normal((max(units, inputs), inputs))
    directions = drawn / np.linalg.norm(drawn, axis=1, keepdims=True) if units > inputs else np.linalg.qr(drawn)[0]
    teacher = ReLUWeights(directions[:units], draw.choice([-1.0, 1.0], (1, units)) / np.sqrt(units))
    return taught(teacher, sphere_rows(samples, inputs, _generator("main inputs", seed, inputs, samples))), teacher


def taught(teacher: ReLUWeights, X: FloatArray) -> Task:
    """The task of a teacher on the rows of X, shape (n, D)."""
    return Task(X, teacher.network.output(teacher, X))


def fresh_rows(samples: int, inputs: int, seed: int) -> FloatArray:
    """Inputs that no task has, shape (samples, inputs)."""
    return sphere_rows(samples, inputs, _generator("fresh inputs", seed, inputs, samples))


# Each stream of random numbers has its own spawn key: growing one never shifts another.
_STREAMS = {"teachers": 10, "single teachers": 11, "main inputs": 12, "auxiliary inputs": 13, "fresh inputs": 14}


def _generator(stream: str, *specification: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(specification, spawn_key=(_STREAMS[stream],)))


def _check_counts(counts: dict[str, int], seed: int) -> None:
    for name, count in counts.items():
        if count < 1:
            raise InputError(f"{name} = {count}; give at least 1")
    if seed < 0:
        raise InputError(f"seed = {seed}; give a non-negative integer")
