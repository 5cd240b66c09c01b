"""Clusters of hidden units: how many directions a ReLU network effectively uses, and whether they are the teacher's (App. E.2).

Units are points, their input weights divided by their norm, and count by the magnitude of what they contribute, |w_h| |v_h|
(footnote 3; with several outputs |v_h| is the norm over them).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from normtheory.arrays import FloatArray, InputError
from normtheory.networks.relu import ReLUWeights
from normtheory.reprs import shown

STARTS = 10  # of k-means, the best of which counts
NEGLIGIBLE = 1e-8  # share of the largest contribution below which a unit is left out: it moves no centre


@shown()
@dataclass(frozen=True, eq=False)
class Clusters:
    """Weighted k-means of a network's units.

    Attributes
    ----------
    centres : array, shape (K, D)
    residual : float
        Weighted mean squared distance of units from the centre of their cluster.
    variance : float
        Weighted mean squared distance from the mean of all units.
    """

    centres: FloatArray
    residual: float
    variance: float

    @property
    def inertia(self) -> float:
        """Share of the variance about the mean that the clusters leave unexplained; for one cluster it is 1."""
        return self.residual / self.variance if self.variance > 0 else 0.0

    @property
    def uncentred(self) -> float:
        """The same share of the mean square, which is 1: what no cluster at all would leave."""
        return self.residual


def directions(weights: ReLUWeights) -> tuple[FloatArray, FloatArray]:
    """Unit input weights (H', D) and contributions (H',), summing to 1, of the units that contribute.

    Raises
    ------
    InputError
        If none does.
    """
    norms = np.linalg.norm(weights.hidden, axis=1)
    contributions = norms * np.linalg.norm(weights.readout, axis=0)
    if not contributions.any():
        raise InputError("no hidden unit contributes to an output; give a trained network")
    kept = contributions > NEGLIGIBLE * contributions.max()
    return weights.hidden[kept] / norms[kept, None], contributions[kept] / contributions[kept].sum()


def clusters(weights: ReLUWeights, count: int, seed: int = 0) -> Clusters:
    """Weighted k-means with `count` clusters (scikit-learn, the best of ten starts); fewer units are clusters of their own.

    Raises
    ------
    InputError
        If the count is not positive, or no unit contributes.
    """
    if count < 1:
        raise InputError(f"count = {count}; give at least one cluster")
    points, shares = directions(weights)
    variance = float(shares @ np.sum((points - shares @ points) ** 2, axis=1))
    if len(points) <= count:
        return Clusters(points, 0.0, variance)
    from sklearn.cluster import KMeans

    # Means of unit vectors that are all but one direction: differences of squares would leave round-off.
    found = KMeans(count, n_init=STARTS, random_state=seed).fit(points, sample_weight=shares)
    residual = float(shares @ np.sum((points - found.cluster_centers_[found.labels_]) ** 2, axis=1))
    return Clusters(np.asarray(found.cluster_centers_), residual, variance)


def alignment(centres: FloatArray, teacher: ReLUWeights) -> float:
    """Cosine of each teacher unit with the best of the centres (K, D), averaged over the teacher's units (App. E.2.1)."""
    lengths = np.linalg.norm(centres, axis=1)
    units = centres[lengths > 0] / lengths[lengths > 0, None]
    truth = teacher.hidden / np.linalg.norm(teacher.hidden, axis=1, keepdims=True)
    return float((truth @ units.T).max(axis=1).mean())


def rotation(start: ReLUWeights, end: ReLUWeights) -> float:
    """Angle, in radians, by which units turned from their start, averaged over what they contribute at the end."""
    norms = [np.linalg.norm(weights.hidden, axis=1) for weights in (start, end)]
    kept = (norms[0] > 0) & (norms[1] > 0)
    cosines = np.sum(start.hidden[kept] * end.hidden[kept], axis=1) / (norms[0][kept] * norms[1][kept])
    contributions = (norms[1] * np.linalg.norm(end.readout, axis=0))[kept]
    return float(np.average(np.arccos(np.clip(cosines, -1, 1)), weights=contributions))


def f12_norm(weights: ReLUWeights) -> float:
    """The F_{1,2} norm of the weights as they stand: 2 sum_h |w_h| |v_h|, the norm over outputs (Eq. 33)."""
    return float(2 * np.linalg.norm(weights.hidden, axis=1) @ np.linalg.norm(weights.readout, axis=0))
