"""Published numbers of the CIFAR-100 experiment, and what may be concluded from them: tables and orders made by hand."""

import math
from fractions import Fraction

import numpy as np
import pytest

from normtheory.audit.derivation import Derivation
from normtheory.audit.statements import Said
from normtheory.audit.steps import Truth
from normtheory.figures.deep import analogue, published
from normtheory.figures.deep.published import Change, Condition, Errors, Lower, Resolution, Shared, Untold, every, layers
from normtheory.figures.readings import Each

ENDS = (Fraction(1, 200), Fraction(1, 2))
R = Resolution(images=200, deviations=2.0)


def condition(median, mean, seeds=50):
    return Errors(seeds, median, mean, ENDS, None)


def test_every_condition_is_there():
    assert len(published.errors()) == 7 * 7
    assert {found.seeds for found in published.errors().values()} == {28, 29, 50}
    assert len(published.dimensions()) == 5 * 7 * 7
    assert all(
        published.dimensions()[s, n, 4] == published.dimensions()[s, n, 5] for s in (0.125, 2.0) for n in published.SAMPLES
    )


def test_an_order_needs_both_averages_and_more_than_luck():
    low, high = condition(0.2, 0.19), condition(0.3, 0.28)
    assert R.told(low, high)
    assert not R.told(high, low)
    assert not R.told(condition(0.2, 0.29), high)  # averages disagree
    assert not R.told(condition(0.29, 0.19), high)  # within what test images leave
    assert R.told(condition(0.2, None), high)  # an error of zero has no geometric mean
    assert not Resolution(images=2, deviations=2.0).told(low, high)


def test_the_margin_is_what_binomial_draws_leave_of_medians():
    generator = np.random.default_rng(0)
    draws = generator.binomial(200, 0.3, size=(4000, 2, 50)) / 200
    differences = np.subtract(*np.median(draws, axis=2).T)
    assert R.margin((0.3, 50), (0.3, 50)) / 2 == pytest.approx(differences.std(), rel=0.1)


def test_comparisons_find_what_the_table_says(monkeypatch):
    table = {("STL", 1.0, 10): condition(0.5, 0.49), ("MTL", 1.0, 10): condition(0.3, 0.28)}
    monkeypatch.setattr(published, "errors", lambda: table)
    stl, mtl = Condition("STL"), Condition("MTL")
    ((_, value, bound),) = Lower(Each((mtl,)), stl, (10,)).numbers(R)
    assert value < bound
    ((_, value, bound),) = Lower(Each((stl,)), mtl, (10,)).numbers(R)
    assert value == math.inf > bound
    ((_, value, bound),) = Untold(Each((stl,)), mtl, (10,)).numbers(R)
    assert value > bound


def test_dimensions_change_and_are_shared(monkeypatch):
    monkeypatch.setattr(published, "dimensions", lambda: {(0.5, 10, 4): published.Dimensions(8.0, 4.0, 5.0)})
    where = ((0.5,), layers(4), (10,))
    assert [found[1:] for found in Change(*where, most=0.6, least=0.4).numbers(R)] == [(0.5, 0.6), (2.0, pytest.approx(2.5))]
    assert [found[1:] for found in Shared(*where, 1.1).numbers(R)] == [(1.25, 1.1)]
    assert [found[1:] for found in Shared(*where, 1.1, apart=True).numbers(R)] == [(0.8, pytest.approx(1 / 1.1))]


def test_each_number_is_a_step():
    proof = Derivation("published")
    published.judge(proof, Said(resolution=R, lower=Lower(every(0.125, 0.5), published.FINETUNED, (10,))))
    assert [step.truth for step in proof.steps] == [Truth.TRUE, Truth.TRUE, Truth.FALSE]


def test_what_is_lacking_is_undecided():
    proof = Derivation("lacking")
    assert not proof.lacking("an experiment", "its data are not at hand")
    assert [(step.truth, step.detail.text) for step in proof.steps] == [(Truth.UNDECIDED, "its data are not at hand")]


def test_own_runs_stand_beside_the_published_numbers():
    known = {"norm": True, "part": "all", "rescale": 1.0, "panel": "runs", "layer": None}
    rows = [
        known | {"method": method, "n": n, "seed": seed, "error": (seed + 1) / n, "error_restated": 1 / n}
        for method in ("STL", "MTL", "PT+FT")
        for n in (4, 8)
        for seed in (0, 1)
    ]
    layers = known | {"panel": "layers", "method": "PT+FT", "n": 8, "layer": "layer3", "before": 8.0}
    rows += [layers | {"seed": 0, "after": 4.0, "shared": 5.0}, layers | {"seed": 1, "after": None, "shared": None}]
    (methods,), (factors,), (dimensions,) = (list(analogue.sentences(panel, rows)) for panel in "abc")
    assert "with batch normalisation, means over 2 seeds, 4, 8 images; errors and dimensions: STL 0.375, 0.188 (with" in methods
    assert factors.endswith("PT+FT rescaled by 1 0.375, 0.188 (with statistics re-estimated 0.250, 0.125).")
    assert "rescaled by 1 the last stage's ratio becomes 0.50 of itself, shared over it 1.25" in dimensions


def test_the_analogue_is_told_with_both_kinds_of_statistics():
    known = {"network": "lite", "task": "pair", "n": 4}
    rows = [
        known | {"seed": seed, "rescale": factor, "error": 0.5, "error_restated": factor / 10 + seed / 100}
        for seed in (0, 2)
        for factor in (0.5, 1.0)
    ]
    (told,) = analogue.imagenet_sentences(rows)
    assert told.startswith("Analogue, lite on pairs of digits, 4 images, mean errors over 2 seeds: 0.500 rescaled by 0.5, as")
    assert "0.060 rescaled by 0.5, with statistics re-estimated; 0.110 rescaled by 1, with statistics re-estimated" in told
