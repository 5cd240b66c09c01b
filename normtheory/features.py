"""What a predictor makes of the features of another one: which it reuses, adds and drops, and which are strongest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from normtheory.arrays import FloatArray, InputError, real_array, vector
from normtheory.representations import share_on
from normtheory.reprs import shown

ACTIVE = 0.01  # of the largest coefficient in absolute value: smaller ones do not count as using a feature


@shown("beta", "beta_aux", "reused", "added", "dropped")
@dataclass(frozen=True, eq=False)
class Features:
    """A predictor beside an auxiliary one, on named features.

    A feature counts as used by a predictor if its coefficient is more than ACTIVE of the largest, in absolute value.

    Parameters
    ----------
    beta : array, shape (D,)
        Main predictor.
    beta_aux : array, shape (D,), optional
        Auxiliary predictor.
    names : sequence of D texts, optional
        Of the features (default: x0, x1, ...).

    Raises
    ------
    InputError
        If shapes do not belong together.
    """

    beta: FloatArray
    beta_aux: FloatArray | None
    names: tuple[str, ...]

    def __init__(self, beta: ArrayLike, beta_aux: ArrayLike | None = None, names: Sequence[str] | None = None) -> None:
        main = np.atleast_1d(real_array(beta, "beta"))
        aux = None if beta_aux is None else vector(beta_aux, "beta_aux", main.size, "entry of beta")
        named = tuple(f"x{number}" for number in range(main.size)) if names is None else tuple(str(name) for name in names)
        if main.ndim != 1 or len(named) != main.size:
            raise InputError(f"beta has shape {main.shape} and there are {len(named)} names; give one name per entry")
        object.__setattr__(self, "beta", main)
        object.__setattr__(self, "beta_aux", aux)
        object.__setattr__(self, "names", named)

    @property
    def reused(self) -> NDArray[np.bool_]:
        """Features that both predictors use, shape (D,)."""
        return _used(self.beta) & self._used_before

    @property
    def added(self) -> NDArray[np.bool_]:
        """Features that the main predictor alone uses, shape (D,)."""
        return np.asarray(_used(self.beta) & ~self._used_before)

    @property
    def dropped(self) -> NDArray[np.bool_]:
        """Features that the auxiliary predictor alone uses, shape (D,)."""
        return np.asarray(~_used(self.beta) & self._used_before)

    @property
    def _used_before(self) -> NDArray[np.bool_]:
        return np.zeros(self.beta.size, dtype=bool) if self.beta_aux is None else _used(self.beta_aux)

    def strongest(self, count: int) -> NDArray[np.intp]:
        """The features with the largest coefficients in absolute value, zeros left out, largest first: at most `count`."""
        order = np.argsort(-np.abs(self.beta), kind="stable")[:count]
        return np.asarray(order[self.beta[order] != 0])

    @property
    def share_on_auxiliary(self) -> float:
        """Share of |beta|^2 on features that the auxiliary predictor uses; NaN if beta is 0."""
        return share_on(self.beta, self._used_before) if self.beta.any() else float("nan")


def _used(beta: FloatArray) -> NDArray[np.bool_]:
    return np.asarray(np.abs(beta) > ACTIVE * np.abs(beta).max())
