"""Points of learning curves in balls: they hold the solver's own sums, tails included, and bracket its loss."""

import numpy as np
import pytest
import sympy as sp
from flint import arb
from scipy.integrate import quad
from scipy.stats import norm

from normtheory import exact
from normtheory.proofs import curve_points
from normtheory.proofs.curve_points import Pair
from normtheory.solvers.curves import learning_curve
from normtheory.solvers.potentials import HyperbolicEntropy
from normtheory.solvers.proximal import law_of
from normtheory.solvers.sparse_pairs import SparsePair

SCALE = sp.Rational(1, 1000)


@pytest.mark.parametrize(("shared", "samples"), [(0, 16), (0, 512), (30, 32), (40, 64), (40, 512)])
def test_balls_hold_the_solvers_sums(shared, samples):
    (point,) = learning_curve(SparsePair(1000, 40, 40, shared), [samples], methods=["finetuning"]).solutions
    found = curve_points.sums(Pair(1000, 40, shared, SCALE), arb(point.tau), arb(point.g))
    assert float(found.error.rad() / found.error.mid()) < 1e-11  # the tails, at the largest of errors
    assert float(found.error.mid()) == pytest.approx(samples * point.tau**2, rel=1e-9)
    assert float(found.pull.mid()) == pytest.approx((1000 - samples) * point.tau**2, rel=1e-9)


def test_balls_hold_what_an_adaptive_rule_finds():
    tau, g = 0.2, 0.02
    found = curve_points.sums(Pair(100, 4, 3, SCALE), arb(tau), arb(g))
    aux, teacher, count = np.array([0.5, 0, 0.5, 0]), np.array([0.5, 0.5, 0, 0]), np.array([3, 1, 1, 95])
    law = law_of(HyperbolicEntropy(*exact.finetuning(aux, 1e-3, 1e-3)))
    error = 0.0
    for d in range(4):

        def integrand(h, d=d):
            v = np.where(np.arange(4) == d, teacher[d] + tau * h, 0.0)
            return (law.prox(v, 2 * g)[d] - teacher[d]) ** 2 * norm.pdf(h)

        error += count[d] * quad(integrand, -9, 9, limit=400, points=[-1.5, -1, -0.5, 0, 0.5, 1, 1.5])[0]
    assert float(found.error.mid()) == pytest.approx(error, rel=1e-6)


def test_a_loss_is_bracketed_from_both_sides():
    pair = Pair(1000, 40, 30, SCALE)
    (point,) = learning_curve(SparsePair(1000, 40, 40, 30), [64], methods=["finetuning"]).points
    loss = sp.Rational(point.loss)
    assert curve_points.mismatch(pair, 64, loss * (1 + sp.Rational(1, 10**8))) > 0
    assert curve_points.mismatch(pair, 64, loss * (1 - sp.Rational(1, 10**8))) < 0
    near = curve_points.mismatch(pair, 64, loss)
    assert near.contains(0)
    assert float(near.rad()) < 1e-8


def test_no_root_no_verdict():
    """Pulls cannot exceed those of the predictor that stays at its start."""
    assert curve_points._bracketed(Pair(1000, 40, 30, SCALE), arb(0.1), arb(1e6)) is None
