"""The path of lasso solutions min |X beta - y|^2/2 + level |beta|_1 from the level where beta leaves 0 down to a given one.

Along the path beta is piecewise linear, with as many pieces as inputs enter or leave its support (Osborne, Presnell and Turlach
2000, doi 10.1093/imanum/20.3.389; LARS). At level 0 it ends at a minimiser of |beta|_1 under X beta = y, and the direction of
its last piece gives the dual variable. A piece costs two products with X, so that a sparse end is reached in less time than one
factorisation of an interior point takes. Ties and dependent inputs are not resolved: then the path is given up.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.linalg.blas import dgemv

from normtheory.arrays import FloatArray

INDEPENDENT = 1e-10  # share of a column's square that others must leave of it
ROUND_OFF = 1e-12  # relative to the level at which the path begins


@dataclass
class _Support:
    """The active inputs with their signs, columns and coefficients, and the inverse of the columns' Gram matrix."""

    samples: int
    inputs: list[int] = field(default_factory=list)
    signs: list[float] = field(default_factory=list)
    columns: FloatArray = field(default_factory=lambda: np.zeros((0, 0)))  # one a row
    beta: FloatArray = field(default_factory=lambda: np.zeros(0))
    inverse: FloatArray = field(default_factory=lambda: np.zeros((0, 0)))

    def enter(self, d: int, sign: float, column: FloatArray) -> bool:
        """Take an input in; False if its column depends on those of the others."""
        size = float(column @ column)
        cross = self.columns @ column if self.inputs else np.zeros(0)
        image = self.inverse @ cross
        left = size - float(cross @ image)
        if not left > INDEPENDENT * size:
            return False
        self.inverse = np.block(
            [
                [self.inverse + np.outer(image, image / left), -image[:, None] / left],
                [-image[None, :] / left, np.full((1, 1), 1 / left)],
            ]
        )
        self.columns = np.vstack([self.columns, column]) if self.inputs else column[None, :]
        self.beta = np.append(self.beta, 0.0)
        self.inputs.append(d)
        self.signs.append(sign)
        return True

    def leave(self, place: int) -> int:
        """Let an input out, and return it."""
        others = np.arange(len(self.inputs)) != place
        row = self.inverse[place, others]
        self.inverse = self.inverse[np.ix_(others, others)] - np.outer(row, row / self.inverse[place, place])
        self.columns, self.beta = self.columns[others], self.beta[others]
        del self.signs[place]
        return self.inputs.pop(place)


def lasso(X: FloatArray, y: FloatArray, level: float, most_steps: int) -> tuple[FloatArray, FloatArray, int] | None:
    """The lasso solution beta at `level`, a nu with X_d.nu = sign beta_d on its support and |X^T nu| <= 1, and the steps taken.

    Parameters
    ----------
    X, y : arrays, shapes (n, D) and (n,)
    level : float
        Factor of |beta|_1 beside |X beta - y|^2/2; 0 for the least norm that fits, for y in the range of X.
    most_steps : int
        Pieces of the path after which it is given up.

    Returns
    -------
    beta, nu, steps, or None
        None where the path was given up, or two inputs reach its end together. Not certified: round-off adds up along it.
    """
    support = _Support(y.size)
    correlation = _pull(X, y)
    height = first = float(np.abs(correlation).max())
    entering: int | None = int(np.abs(correlation).argmax())
    outside = np.ones(X.shape[1], dtype=bool)
    left = -1  # the input that has just left: it stands on the boundary, and moves inside
    for step in range(1, most_steps + 1):
        if height <= max(level, ROUND_OFF * first):
            break
        if entering is not None:
            column = np.ascontiguousarray(X[:, entering])
            if not support.enter(entering, float(np.sign(correlation[entering])), column):
                return None
            outside[entering], left = False, -1
        signs = np.array(support.signs)
        move = support.inverse @ signs
        image = move @ support.columns
        slope = _pull(X, image)
        length, entering = _to_the_next(correlation, slope, height, outside, left)
        length = min(length, height - level)
        with np.errstate(divide="ignore", invalid="ignore"):
            crossings = np.where(support.beta * move < 0, -support.beta / move, np.inf)
        leaving = int(crossings.argmin())
        length = min(length, float(crossings[leaving]))
        support.beta = support.beta + length * move
        correlation -= length * slope
        height -= length
        if length == crossings[leaving]:
            left, entering = support.leave(leaving), None
            outside[left] = True
            if not support.inputs:
                return None
        if height <= max(level, ROUND_OFF * first):
            beta = np.zeros(X.shape[1])
            beta[support.inputs] = support.beta
            return beta, (image if level == 0 else (y - support.beta @ support.columns) / level), step
    return None


def _to_the_next(
    correlation: FloatArray, slope: FloatArray, height: float, outside: np.ndarray, left: int
) -> tuple[float, int | None]:
    """How far down the level goes until an input outside the support reaches it, and which one."""
    with np.errstate(divide="ignore", invalid="ignore"):
        above, below = (height - correlation) / (1 - slope), (height + correlation) / (1 + slope)
    lengths = np.minimum(
        np.where((slope < 1) & (above > 0), above, np.inf), np.where((slope > -1) & (below > 0), below, np.inf)
    )
    lengths[~outside] = np.inf
    if left >= 0:
        lengths[left] = np.inf
    d = int(lengths.argmin())
    return (float(lengths[d]), d) if np.isfinite(lengths[d]) else (height, None)


def _pull(X: FloatArray, nu: FloatArray) -> FloatArray:
    """X^T nu, by scipy's BLAS, as all long products of the solvers."""
    return np.asarray(dgemv(1.0, X.T, nu))
