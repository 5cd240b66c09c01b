"""What a tangent kernel learns from n samples on average, without training: eigenvalues and two scalar equations.

Inputs are uniform on the sphere of radius sqrt(D), where a wide network's tangent kernel is a function of the angle alone. Its
eigenfunctions are the spherical harmonics, its eigenvalues follow from Gegenbauer polynomials (Funk & Hecke), and ridgeless
regression on n samples of a teacher of energy E_l in degree l has, on average (Bordelon, Canatar & Pehlevan 2020; Canatar,
Bordelon & Pehlevan 2021, eqs. 4 and 5; exact as D grows, and close at any D),

    kappa = sum_l N_l lambda_l kappa/(kappa + n lambda_l),
    loss = sum_l E_l (kappa/(kappa + n lambda_l))^2 / (1 - n sum_l N_l lambda_l^2/(kappa + n lambda_l)^2).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import comb

import numpy as np
from numpy.polynomial.legendre import leggauss
from scipy.optimize import brentq
from scipy.special import eval_gegenbauer, gammaln

from normtheory.arccosine import null_loss
from normtheory.arrays import FloatArray
from normtheory.networks.relu import ReLUWeights

# Degrees of harmonics. Above, eigenvalues are below the quadrature's round-off, and there are more harmonics than samples: what
# they hold together, the kernel's diagonal and the teacher's norm tell, acts as a ridge, and is not learned.
DEGREES = 10
NODES = 2000  # of the quadrature over angles

OfCosine = Callable[[FloatArray], FloatArray]


def tangent_kernel(cosine: FloatArray, width: int, inputs: int) -> FloatArray:
    """The kernel of a ReLU network of independent weights, scales sqrt(2/D) and sqrt(2/width), up to a factor.

    Its readout contributes the arc-cosine kernel of degree one, its hidden layer that of degree zero times the inner product.
    """
    angle = np.arccos(np.clip(cosine, -1, 1))
    readout = inputs * (np.sin(angle) + (np.pi - angle) * cosine) / (2 * np.pi)
    hidden = inputs * cosine * (np.pi - angle) / (2 * np.pi)
    return np.asarray(readout + inputs / width * hidden)


def harmonics(degree: int, inputs: int) -> int:
    """Number of spherical harmonics of a degree in D dimensions."""
    return comb(inputs + degree - 1, degree) - (comb(inputs + degree - 3, degree - 2) if degree >= 2 else 0)


def expansion(function: OfCosine, inputs: int) -> FloatArray:
    """Eigenvalues lambda_l of a function of the cosine, for degrees 0 to DEGREES - 1, shape (DEGREES,).

    function(t) = sum_l N_l lambda_l P_l(t), with P_l the Gegenbauer polynomial that is 1 at 1.
    """
    x, weights = leggauss(NODES)
    angle = (x + 1) * np.pi / 2  # smooth in the angle, kinks of square roots in the cosine
    measure = weights * np.pi / 2 * np.sin(angle) ** (inputs - 2)
    measure = measure * np.exp(gammaln(inputs / 2) - gammaln((inputs - 1) / 2)) / np.sqrt(np.pi)
    values = function(np.cos(angle)) * measure
    return np.array([values @ _polynomial(degree, inputs, np.cos(angle)) for degree in range(DEGREES)])


def _polynomial(degree: int, inputs: int, cosine: FloatArray) -> FloatArray:
    order = (inputs - 2) / 2
    return np.asarray(eval_gegenbauer(degree, order, cosine) / eval_gegenbauer(degree, order, 1.0))


def energies(teacher: ReLUWeights) -> FloatArray:
    """Mean squares of a teacher's parts of each degree, shape (DEGREES,); those of all degrees sum to its null loss."""
    inputs = teacher.size
    norms = np.linalg.norm(teacher.hidden, axis=1)
    cosines = np.clip(teacher.hidden @ teacher.hidden.T / np.multiply.outer(norms, norms), -1, 1)
    size = teacher.readout[0] * norms
    own = expansion(lambda cosine: _arccosine(cosine, inputs), inputs)
    counts = np.array([harmonics(degree, inputs) for degree in range(DEGREES)], dtype=float)
    return np.array(
        [counts[degree] * own[degree] * (size @ _polynomial(degree, inputs, cosines) @ size) for degree in range(DEGREES)]
    )


def _arccosine(cosine: FloatArray, inputs: int) -> FloatArray:
    angle = np.arccos(np.clip(cosine, -1, 1))
    return np.asarray((np.sin(angle) + (np.pi - angle) * cosine) / (2 * np.pi))


def learning_curve(teacher: ReLUWeights, samples: Sequence[int], width: int) -> FloatArray:
    """Expected population loss of tangent-kernel regression on n samples of a teacher, for each n, shape (len(samples),).

    Parameters
    ----------
    teacher : ReLUWeights
        Of one output.
    samples : sequence of int
    width : int
        Of the network whose kernel it is. It sets the share of the hidden layer; otherwise the curve is that of infinitely many
        units, and a network of finite width does worse as n comes near it (by a quarter at a quarter, in trials).
    """
    inputs = teacher.size
    eigenvalues = np.maximum(expansion(lambda cosine: tangent_kernel(cosine, width, inputs), inputs), 0)
    counts = np.array([harmonics(degree, inputs) for degree in range(DEGREES)], dtype=float)
    diagonal = float(tangent_kernel(np.ones(1), width, inputs)[0])
    rest = max(diagonal - float(counts @ eigenvalues), 0.0)  # of higher degrees, each of no weight by itself
    parts = energies(teacher)
    above = max(null_loss(teacher) - float(parts.sum()), 0.0)
    return np.array([_loss(n, eigenvalues, counts, rest, parts, above) for n in samples])


def _loss(n: int, eigenvalues: FloatArray, counts: FloatArray, rest: float, parts: FloatArray, above: float) -> float:
    def excess(log_kappa: float) -> float:
        kappa = np.exp(log_kappa)
        return float(rest + counts @ (eigenvalues * kappa / (kappa + n * eigenvalues)) - kappa)

    top = np.log(rest + counts @ eigenvalues)
    kappa = np.exp(brentq(excess, top - 60, top + 1e-9))
    left = kappa / (kappa + n * eigenvalues)
    noise = n * float(counts @ (eigenvalues / (kappa + n * eigenvalues)) ** 2)
    return (float(np.sum(parts * left**2)) + above) / (1 - noise)
