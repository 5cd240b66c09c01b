"""Cells of a sweep over networks of one's own, as a user would write them."""

import numpy as np

from normtheory.parametrisations import Parametrisation
from normtheory.solvers import own

STARTS = ("w=v=u=z=0.01", "w=v=u=z=1")
CELLS = [{"seed": seed, "start": start} for seed in range(2) for start in STARTS]


def shrinking(spec):
    """The l1 and l2 norm of where a diagonal network ends."""
    draw = np.random.default_rng(spec["seed"])
    X = draw.normal(size=(5, 30))
    beta = own.minimize(X, X[:, 0] - X[:, 1], Parametrisation("w*v - u*z", spec["start"])).beta
    return [spec | {"l1": float(np.abs(beta).sum()), "l2": float(np.linalg.norm(beta))}]
