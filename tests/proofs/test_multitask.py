"""What the claims on multi-task training rest on: the runs behind them, and that the notes say what was measured."""

import numpy as np
from scipy.optimize import minimize

from normtheory.audit.claims import claims
from normtheory.proofs import multitask_runs as runs

IDS = {"mtl-flow", "mtl-decay", "mtl-pinned", "mtl-no-mirror", "conserved-multi-output", "conserved-relu"}


def test_the_ids_are_stable():
    assert set(claims()) >= IDS


def test_the_pinned_minimiser_is_optimal():
    """A general minimiser on the null space of X finds no better point, and the slope is in the row space of X."""
    main, _, beta_aux = runs.pinned_problem()
    aim = runs._pinned_minimiser()
    np.testing.assert_allclose(main.X @ aim, main.y, atol=1e-10)
    null = np.linalg.svd(main.X)[2][main.samples :].T

    def value(z):
        b = aim + null @ z
        return float(b @ np.arcsinh(b / np.abs(beta_aux)))

    found = minimize(value, np.full(null.shape[1], 0.3), method="BFGS", options={"gtol": 1e-9})
    assert np.abs(found.x).max() <= 1e-5


def test_the_pinned_flow_is_nowhere_near_the_l12_minimiser():
    """The two predictions must differ by much more than the budget, or the witness tells nothing."""
    assert runs.pinned_l12_distance() > 10 * runs.PINNED_BUDGET


def test_a_flow_with_decay_ends_below_the_least_norm_and_one_without_above():
    least = runs.l12_norm(runs.minimiser(0, "l12"))
    assert runs.l12_norm(runs.decayed_endpoint(0, 1e-3)) < least
    assert runs.excess(1e-4)[0] > 1e-2
