"""The claims on ReLU networks, on tables made by hand: every comparison finds its runs; words print only what is checked."""

import re
import zlib
from functools import cache

import numpy as np
import pytest

from normtheory.audit.claims import claims
from normtheory.audit.derivation import Derivation
from normtheory.audit.judging import Truth, judge
from normtheory.audit.statements import rendered, unproved
from normtheory.figures.relu import fig2, fig4, fig6, fig8, judged, table
from normtheory.figures.relu.cells import COUNTS
from normtheory.figures.relu.grid import GRIDS, LARGE

FILES = ("fig2_claims", "fig2_sparse_claims", "fig4_claims", "fig6_claims", "fig8_claims")
CLAIMS = claims([f"normtheory.figures.relu.{name}" for name in FILES])
FIGURES = {"fig2": (fig2, GRIDS), "fig4": (fig4, LARGE), "fig6": (fig6, GRIDS), "fig8": (fig8, GRIDS)}
PANELS = {"2": "abcdefghi", "4": "ab", "6": "abcdefg", "8": "abc"}
PROMISED = {f"fig{figure}{panel}" for figure, panels in PANELS.items() for panel in panels}
MEASURES = ("final_loss", "best_loss", "early_loss", "alignment", "pr", "pr_before", "ensd")
ENDS = {
    "pair": [
        ("MTL", "flow"),
        ("MTL 1:1", "flow"),
        ("PT+FT", "flow"),
        ("PT+FT", "frozen"),
        ("STL", "flow"),
        ("NTK", "closed form"),
    ],
    "sparse": [("MTL", "flow"), ("MTL 1:1", "flow"), ("STL", "flow"), ("PT+FT", "flow"), ("PT+FT", "frozen")],
    "single": [("STL", "flow"), ("STL lazy", "flow"), ("NTK", "closed form")],
    "descended pair": [("MTL", "descent"), ("PT+FT", "descent"), ("STL", "descent"), ("NTK", "closed form")],
    "descended single": [("STL", "descent"), ("STL lazy", "flow"), ("NTK", "closed form")],
}


def made_up(spec):
    """Rows as a cell gives them, of numbers that hang on what names them."""
    for method, how in ENDS[spec["kind"]]:
        for factor in spec.get("rescale", [1.0]) if method == "PT+FT" else [1.0]:
            named = {name: spec[name] for name in ("relation", "magnitude", "n", "seed")}
            named |= {
                "kind": spec["kind"].removeprefix("descended "),
                "method": method,
                "how": how,
                "rescale": factor,
                "k_main": spec.get("units", len(spec.get("cosines", []))),
            }
            draw = np.random.default_rng(zlib.crc32(repr(sorted(named.items())).encode()))
            values = dict(zip(MEASURES, draw.uniform(0.1, 0.9, len(MEASURES)).tolist(), strict=True))
            curves = {name: draw.uniform(0, 1, len(COUNTS)).tolist() for name in ("inertia", "uncentred")}
            yield named | values | curves | {"null_loss": 1.0}


@cache
def made_up_table(figure):
    module, grids = FIGURES[figure]
    runs = [run for spec in grids["laptop"].cells() if spec["kind"] in ENDS for run in made_up(spec)]
    return [row for run in runs for row in table.panel_rows(figure, run, module.PANELS)]


class NoStrangers:
    def strangers(self, specs):
        return 0


@pytest.fixture
def on_made_up_tables(monkeypatch):
    monkeypatch.setattr(
        judged, "rows_of", lambda figure, panel: [row for row in made_up_table(figure) if row["panel"] == panel]
    )
    monkeypatch.setattr(judged, "committed_file", lambda figure: None)
    monkeypatch.setattr(judged, "beside", lambda path: None)
    monkeypatch.setattr(judged, "read_record", lambda path: NoStrangers())


def test_every_panel_has_its_claim():
    assert set(CLAIMS) >= PROMISED


@pytest.mark.parametrize("name", CLAIMS)
def test_every_comparison_finds_its_runs(name, on_made_up_tables):
    claim = CLAIMS[name]
    for subject in (claim.printed, *claim.twins.values(), *claim.siblings.values()):
        found = judge(claim.check, subject, name)
        assert found.error is None
        assert found.truth in (Truth.TRUE, Truth.FALSE)
        assert len(found.steps) >= 2


@pytest.mark.parametrize("name", CLAIMS)
def test_statements_print_only_what_is_checked(name):
    claim = CLAIMS[name]
    for template in (claim.statement, *claim.reads):
        assert unproved(template) == []
        assert "<" not in rendered(template, claim.printed).plain


def test_two_seeds_have_no_intervals(on_made_up_tables):
    def told(figure, panel):
        proof = Derivation(seed=0)
        judged.judge(proof, figure, panel, CLAIMS[f"{figure}{panel}"].printed)
        return [str(note) for note in proof.notes if "Intervals of 95 percent" in str(note)]

    assert told("fig2", "a")
    assert not told("fig4", "b")


def test_intervals_hold_the_mean_and_shrink_with_the_spread():
    low, high = judged.bootstrap([0.0, 1.0, 2.0, 3.0, 4.0, 5.0])
    assert low < 2.5 < high
    assert judged.bootstrap([1.0] * 6) == (1.0, 1.0)


@pytest.mark.parametrize(("name", "most"), [("fig4a", {"4096", "8192"}), ("fig4b", {"4096"})])
def test_larger_teachers_are_judged_with_most_samples_and_at_both_ends_of_training(name, most):
    claim = CLAIMS[name]
    for subject in (claim.printed, claim.corrected):
        judged_on = [str(step.text) for step in judge(claim.check, subject, name).steps if "loss of" in str(step.text)]
        assert {re.search(r"with (\d+) samples", text)[1] for text in judged_on} == most
        for text in judged_on:
            low, high = re.search(r"(\S+) to (\S+) by where runs end", text).groups()
            assert float(low) < float(high)
