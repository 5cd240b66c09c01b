"""Numbers read off a table, on tables made by hand."""

from dataclasses import replace

import pytest

from normtheory.audit.derivation import Derivation, Truth
from normtheory.audit.statements import Said
from normtheory.figures.along import Falls, Needed
from normtheory.figures.comparisons import Change, Comparison, Excess, Steps
from normtheory.figures.judging import compare
from normtheory.figures.readings import LOSS, Each, Method, Side, Table, Way, measure

SEEDS = (1, 4)
A, B = (Method(name, (Way("at the end", "flow"),)) for name in "AB")
CUT = Method("A", (Way("at the end", "flow"), Way("cut off", "flow", "limit_loss")))
ON = Method("A", (Way("at the end", "flow"), Way("where it settles", "flow", on="settled_loss")))


def row(method, n, seed, loss, **more):
    known = {"limit_loss": 3 * loss, "settled_loss": 0.5 * loss if seed == SEEDS[0] else None, "rescale": 1.0}
    return {"method": method, "how": "flow", "n": n, "seed": seed, "final_loss": loss, "null_loss": 2.0} | known | more


ROWS = [row("A", n, seed, 2.0 * seed / n) for n in (16, 32) for seed in SEEDS]
ROWS += [row("B", n, seed, 10.0 * 4 / n) for n in (16, 32) for seed in SEEDS]
TABLE = Table(ROWS, SEEDS)
A_OVER_B = Comparison(Each((A,)), 0.3, (16, 32), Each((B,)))


def number(comparison, table=TABLE):
    return [found for _, found, _ in comparison.numbers(table)]


def test_ratios_are_of_geometric_means_over_seeds():
    first, last = number(A_OVER_B)
    assert (first.value, last.value) == (pytest.approx(0.1), pytest.approx(0.1))
    assert first.alone == pytest.approx((0.05, 0.2))
    assert first.told(0.1) == "0.05 to 0.2 over the seeds, 1 of 2 within the bound"
    assert number(A_OVER_B.reversed())[0].value == pytest.approx(10)


def test_a_quantity_alone_and_a_difference():
    assert number(replace(A_OVER_B, to=Each()))[1].value == pytest.approx(2 / 32)
    assert number(Excess(Each((A,)), 0.0, (16,), Each((B,))))[0].value == pytest.approx(2 / 16 - 20 / 16)


def test_shares_may_vanish():
    table = Table([row("A", 16, seed, 1.0, share=value) for seed, value in zip(SEEDS, (0.0, 0.4), strict=True)], SEEDS)
    (found,) = number(Comparison(Each((A,)), 0.3, (16,), quantity=measure("share", "share", geometric=False)), table)
    assert (found.value, found.alone) == (pytest.approx(0.2), (0.0, 0.4))


def test_a_dash_stands_where_there_are_no_runs():
    table = Table([each for each in ROWS if (each["method"], each["n"]) != ("B", 16)], SEEDS)
    assert list(A_OVER_B.elsewhere(table)) == ["loss of A, over that of B: -, 0.1"]


def test_the_worst_end_counts():
    (found,) = number(Comparison(Each((CUT,)), 0.3, (16,), Each((B,))))
    assert (found.value, found.ends) == (pytest.approx(0.3), (pytest.approx(0.1), pytest.approx(0.3)))
    (found,) = number(Comparison(Each((B,)), 0.3, (16,), Each((CUT,))))
    assert found.value == pytest.approx(10)


def test_losses_move_by_the_factor_of_the_realisations_that_went_on():
    """Half of what they were, for both seeds, though only one went on; other quantities do not move."""
    way = ON.ways[1]
    assert TABLE.values(LOSS, Side(ON, {}), way, 16) == pytest.approx([0.5 / 16, 2 / 16])
    assert TABLE.values(measure("factor", "rescale"), Side(ON, {}), way, 16) == pytest.approx([1, 1])
    nobody = Table([each | {"settled_loss": None} for each in ROWS], SEEDS)
    with pytest.raises(ValueError, match="no run of B went on"):
        nobody.values(LOSS, Side(replace(ON, name="B"), {}), way, 16)


def test_what_changes_from_runs_to_runs():
    rows = [row("A", 16, seed, 1.0 / factor, rescale=factor) for factor in (1.0, 2.0, 8.0) for seed in SEEDS]
    table = Table(rows, SEEDS)
    steps = Steps(Each((A,)), 1.0, (16,), at=Said(rescale=(8.0, 2.0, 1.0)), along="rescale")
    assert [found.value for found in number(steps, table)] == pytest.approx([1 / 4, 1 / 2])
    assert [found.value for found in number(steps.reversed(), table)] == pytest.approx([2, 4])
    assert (steps.pairs.in_text(), steps.pairs.in_latex()) == ("8 to 2 and 2 to 1", "$8$ to $2$ and $2$ to $1$")
    change = Change(Each((A,)), 1.0, (16,), than=Said(rescale=1.0), now=Said(rescale=8.0), before=Said(rescale=2.0))
    assert change.reversed().now == change.before


def test_samples_needed_for_a_level():
    """A loses a factor of two with each doubling of n and starts at 1/8 of the null loss: a sixteenth at n = 32."""
    rows = [row("A", n, seed, 4.0 / n) for n in (16, 32, 64) for seed in SEEDS]
    rows += [row("B", n, seed, 8.0 / n) for n in (16, 32, 64) for seed in SEEDS]
    (found,) = number(Needed(Each((A,)), 1.0, to=Each((B,)), levels=Each((1 / 16,))), Table(rows, SEEDS))
    assert found.value == pytest.approx(0.5)
    both = Needed(Each((A,)), 1.0, to=Each((B,)), both=True, levels=Each((1 / 8, 1 / 16)))
    assert [each.value for each in number(both, Table(rows, SEEDS))] == pytest.approx([0.5, 2, 0.5, 2])
    (found,) = number(Needed(Each((A,)), 1.0, to=Each((B,)), levels=Each((1e-9,))), Table(rows, SEEDS))
    assert found.value != found.value


def test_the_share_of_falls():
    rows = [row("A", n, seed, loss) for n, loss in ((16, 1.0), (32, 8.0), (64, 4.0)) for seed in SEEDS]
    (found,) = number(Falls(Each((A,)), 0.3), Table(rows, SEEDS))
    assert found.value == pytest.approx(0.25)


def test_each_number_is_a_step_and_all_samples_are_reported():
    proof = Derivation("a panel")
    grid = Said(seeds=SEEDS)
    compare(proof, ROWS, Said(grid=grid, first=A_OVER_B, second=A_OVER_B.reversed()))
    assert [step.truth for step in proof.steps] == [Truth.TRUE] * 2 + [Truth.FALSE] * 2
    assert proof.steps[0].text.startswith("loss of A, over that of B, with 16 samples (0.05 to 0.2 over the seeds, 2 of 2")
    assert str(proof.notes[0]).startswith("With 16, 32 samples: loss of A, over that of B: 0.1, 0.1; ")


def test_runs_that_are_missing_or_ambiguous_are_named():
    with pytest.raises(ValueError, match=r"no runs of A \(flow\) with \{\} at n = 64"):
        number(replace(A_OVER_B, samples=(64,)))
    with pytest.raises(ValueError, match="several runs"):
        number(A_OVER_B, Table([*ROWS, ROWS[0]], SEEDS))
    with pytest.raises(ValueError, match=r"the seeds \[1, 4\], not \[1, 4, 9\]"):
        number(A_OVER_B, Table(ROWS, (*SEEDS, 9)))
