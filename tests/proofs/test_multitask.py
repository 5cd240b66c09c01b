"""What the claims on multi-task training rest on: the runs behind them, and the routes by which they can be seen again."""

import numpy as np
import pytest
import sympy as sp
from scipy.optimize import minimize

from normtheory.audit.claims import claims
from normtheory.proofs import multitask_runs as runs
from normtheory.proofs.group_norms import GroupNorm, Norm

IDS = {"mtl-flow", "mtl-decay", "mtl-pinned", "mtl-no-mirror", "conserved-multi-output", "conserved-relu"}


def test_the_ids_are_stable():
    assert set(claims("normtheory.proofs")) >= IDS


def test_the_pinned_minimiser_is_optimal():
    """A general minimiser on the null space of X finds no better point, and the slope is in the row space of X."""
    main, _, beta_aux = runs.pinned_problem()
    aim = runs.pinned_minimiser()
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
    assert runs.l12_norm(runs.decayed_endpoint(0, 1e-3)) < runs.least_l12(0)
    assert runs.excess(1e-4)[0] > 1e-2


def test_the_minimiser_under_decay_is_that_of_a_general_minimiser():
    """Of the decayed loss in the predictors, from where a conic solver ends without decay."""
    decay, (main, aux) = 1e-3, runs.problem(2)
    samples = main.samples + aux.samples

    def loss(flat):
        beta = flat.reshape(2, -1)
        misfits = [task.X @ predictor - task.y for task, predictor in zip((main, aux), beta, strict=True)]
        return sum(float(misfit @ misfit) for misfit in misfits) / samples + decay * runs.l12_norm(beta)

    found = runs.decayed_minimiser(2, decay).beta
    draw = np.random.default_rng(0)
    for size in (1e-1, 1e-3):
        others = found + size * draw.standard_normal((50, *found.shape))
        assert min(map(loss, others)) > loss(found)
    assert loss(runs.decayed_endpoint(2, decay)) == pytest.approx(loss(found), rel=runs.GAP_BUDGET)


def test_a_duality_gap_is_not_small_elsewhere(monkeypatch):
    monkeypatch.setattr(runs, "decayed_endpoint", lambda seed, decay: runs.minimiser(seed, GroupNorm()))
    assert runs.decay_gap(0, 1e-2) > 100 * runs.GAP_BUDGET


def test_a_fit_finds_its_exponent_and_says_how_well():
    sizes = np.array([1.0, 10.0, 100.0])
    exact = runs.power_law(sizes, np.array([3 * sizes**2, sizes**2]))
    assert exact.exponent == pytest.approx(2)
    assert exact.misses(1.9) == pytest.approx(0.1)
    rough = runs.power_law(sizes, np.array([sizes**2, 2 * sizes**2.2]))
    assert rough.misses(2.1) >= 2 * rough.error > 0.02


@pytest.mark.parametrize("inner", [1, 2])
@pytest.mark.parametrize("outer", [1, 2])
def test_group_norms(inner, outer):
    beta = np.array([[3.0, 0.0, -1.0], [4.0, 2.0, 0.0]])
    lengths = {1: [7, 2, 1], 2: [5, 2, 1]}[inner]
    norm = GroupNorm(sp.Integer(inner), sp.Integer(outer), sp.Integer(3))
    assert norm.value(beta) == pytest.approx(3 * np.linalg.norm(lengths, outer))
    assert norm.in_text() == f"3 ℓ{'₁₂'[outer - 1]},{'₁₂'[inner - 1]}"
    assert norm.in_latex() == rf"$3\,\ell_{{{outer},{inner}}}$"


def test_the_least_norm_with_a_margin_on_one_sample():
    for power in (sp.Integer(1), sp.Rational(3, 2), sp.Integer(2)):
        grid = np.linspace(0, 1, 100_001)
        norms = (grid ** float(power) + (1 - 2 * grid).clip(0) ** float(power)) ** (1 / float(power))  # 2 b_1 + b_2 = 1
        least = float(Norm(power).least_with_margin((sp.Integer(2), sp.Integer(1))))
        assert norms[grid <= 0.5].min() == pytest.approx(least, rel=1e-8)
