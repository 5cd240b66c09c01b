"""What the pages say of the committed tables of Figures 3 and 7 holds; rows computed anew are held against them."""

import numpy as np
import pytest

from normtheory.figures import committed, recompute
from normtheory.figures.deep import cells, grid
from normtheory.figures.deep.analogue import imagenet_sentences, sentences
from normtheory.figures.deep.effects import PARTS, effects
from normtheory.figures.drawing import chosen

GRIDS = {"fig3": grid.CLASSES["laptop"], "fig7": grid.IMAGENET["laptop"]}


def test_every_run_of_the_grids_is_there():
    whole = GRIDS["fig3"]
    runs = chosen(committed("fig3").to_pylist(), panel="runs")
    ways = {norm: 2 + len(whole.rescale) + (4 if norm else 3) * len(whole.parts) for norm in whole.norms}
    assert len(runs) == len(whole.seeds) * len(whole.samples) * sum(ways.values())
    assert len(committed("fig7")) == 2 * len(GRIDS["fig7"].cells())


@pytest.fixture(scope="module")
def found():
    rows = committed("fig3").to_pylist()
    return {(norm, each.part, each.rescale, each.n): each for norm in (True, False) for each in effects(rows, norm=norm)}


def test_stale_statistics_make_the_dip_at_a_half(found):
    """Finetuned by 0.5 is worse than not rescaled with 4 images, and better with 8 and 16 where statistics are taken anew."""
    words, anew = PARTS["all", "error"], PARTS["all", "error_restated"]
    assert found[True, words, 0.5, 4].low > 0
    assert all(found[True, anew, 0.5, n].high < 0 for n in (8, 16))
    by_factor = {factor: found[True, words, factor, 4].mean for factor in (0.125, 0.25, 0.5)}
    assert by_factor[0.5] > by_factor[0.25] > by_factor[0.125]


def test_without_normalisation_the_convolutions_explain_the_gain(found):
    for n in (4, 8):
        everything = found[False, PARTS["all", "error"], 0.5, n]
        convolutions, head, rate = (found[False, PARTS[part, "error"], 0.5, n] for part in ("convolutions", "head", "rate"))
        assert everything.high < 0
        assert convolutions.high < 0
        assert convolutions.mean <= everything.mean / 2
        assert head.high > 0
        assert rate.high > 0


def test_the_imagenet_network_gains_once_its_statistics_are_anew():
    runs = chosen(committed("fig7").to_pylist(), task="all")
    by_seed = {factor: {row["seed"]: row for row in chosen(runs, rescale=factor)} for factor in (0.5, 1.0)}
    change = {
        column: np.array([by_seed[0.5][seed][column] - by_seed[1.0][seed][column] for seed in by_seed[0.5]])
        for column in ("error", "error_restated")
    }
    assert (change["error_restated"] < 0).all()
    assert (change["error"] > 0).all()


def test_the_evidence_says_what_own_runs_found():
    assert all(len(list(sentences(panel))) == 2 for panel in "abc")
    assert sum("all digits" in sentence for sentence in imagenet_sentences()) == 1


def test_rows_computed_anew_are_held_against_the_table(monkeypatch):
    """As they come from a cell: no layer, no number where training diverged. A difference is said."""
    family = recompute.FAMILIES["classes"]
    rows = chosen(committed("fig3").to_pylist(), n=4, seed=12, panel="runs")
    runs = [row | {"layer": None, "loss": float("nan") if row["loss"] is None else row["loss"]} for row in rows]
    assert any(row["loss"] is None for row in rows)
    monkeypatch.setattr(cells, "cell", lambda spec: runs)
    spec = {"n": 4, "seed": 12}
    assert list(recompute.differences(spec, family)) == []
    runs[0]["error"] += 0.01
    (found,) = recompute.differences(spec, family)
    assert "error is" in found


@pytest.mark.recompute
def test_cells_computed_anew_are_as_in_the_table():
    pytest.importorskip("torch", reason="networks need torch: pip install 'normtheory[nn]'")
    family = recompute.FAMILIES["classes"]
    specs = recompute.drawn(family.specs(), 2, draw=2, balanced=family.balanced)
    assert [words for spec in specs for words in recompute.differences(spec, family)] == []
