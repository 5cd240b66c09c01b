"""The claims on panels: judged on the committed tables, which are what the code computes."""

from functools import cache

import pytest

from normtheory.audit.claims import CATALOGUE, claims
from normtheory.audit.judging import run_claim
from normtheory.figures import committed
from normtheory.figures.diagonal import cells, fig1, fig1_claims, fig5, fig5_claims, grid
from normtheory.figures.drawing import chosen

CLAIMS = claims(CATALOGUE[1:])


@cache
def entry(name):
    return run_claim(CLAIMS[name])


@pytest.mark.parametrize("name", CLAIMS)
def test_a_panel_is_judged_as_expected(name):
    found = entry(name)
    assert found.problems == ()
    assert len(found.twins) >= 1
    assert CLAIMS[name].check.__doc__.startswith(f"Figure {name[3:]}")


@pytest.mark.parametrize("name", [name for name in CLAIMS if name != "fig1a"])
def test_evidence_gives_the_spread_over_seeds(name):
    steps = entry(name).printed.steps
    assert any("of 6 seeds" in step.text for step in steps)


EXCHANGED = {"PT+FT": "STL", "STL": "PT+FT"}


@pytest.mark.parametrize(("name", "module"), [("fig1b", fig1_claims), ("fig1d", fig1_claims), ("fig5a", fig5_claims)])
def test_a_table_with_two_methods_mixed_up_is_noticed(name, module, monkeypatch):
    rows = [row | {"method": EXCHANGED.get(row["method"], row["method"])} for row in committed(name[:4]).to_pylist()]
    monkeypatch.setattr(module, "rows_of", lambda figure, panel: chosen(rows, panel=panel))
    assert not run_claim(CLAIMS[name]).ok


GRID = grid.GRIDS["paper"]
ONE_CELL = {"n": 16, "seed": 3}


def test_the_committed_tables_cover_the_grid():
    rows = committed("fig1").to_pylist()
    times = len(GRID.samples) * len(GRID.seeds)
    counts = {panel: len(chosen(rows, panel=panel)) for panel in fig1.DRAWN}
    assert counts["b"] == len(fig1.LOSSES) * len(GRID.overlaps) * times
    assert counts["c"] == 2 * len(cells.TOPS) * times
    assert counts["d"] == 3 * times
    # MTL by three routes, PT+FT in two sizes of the teacher, and the flow of PT+FT for few samples
    few = sum(n <= GRID.flow_samples for n in GRID.samples) * len(GRID.seeds)
    assert counts["e"] == counts["f"] == len(GRID.features) * (5 * times + few)
    assert counts["g"] == 2 * len(GRID.features) * (2 * times + few)
    assert counts["h"] == len(GRID.rescale) * times
    assert counts["i"] == 2 * 3 * times


@pytest.mark.parametrize("kind", ["overlap", "sparse"])
def test_the_committed_numbers_are_what_the_code_computes(kind):
    """One cell of each kind, computed anew: equal up to what other builds of BLAS do to a flow's rounding."""
    spec = next(
        spec for spec in grid.cells(GRID) if spec["kind"] == kind and ONE_CELL.items() <= spec.items() and spec["overlap"]
    )
    runs = cells.cell(spec)
    for figure, module in (("fig1", fig1), ("fig5", fig5)):
        anew = [row for run in runs for row in module._panel_rows(run)]
        kept = [row for row in committed(figure).to_pylist() if all(row[name] == anew[0][name] for name in ("n", "seed"))]
        where = ("panel", "method", "how", "overlap", "k_main", "magnitude", "rescale", "top")
        known = {tuple(row[name] for name in where): row for row in kept}
        assert anew
        for row in anew:
            beside = known[tuple(row[name] for name in where)]
            for name in module.SCHEMA.names[module.SCHEMA.names.index("top") + 1 :]:
                if row.get(name) is not None and name != "distance":
                    assert beside[name] == pytest.approx(row[name], rel=1e-4, abs=1e-15), (name, beside)
