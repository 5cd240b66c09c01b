"""Numbers read off a table, on tables made by hand."""

from dataclasses import replace

import pytest

from normtheory.audit.derivation import Derivation, Truth
from normtheory.figures.drawing import relative_loss
from normtheory.figures.judging import Comparison, found, judge, share


def row(method, n, seed, loss, **more):
    return {"method": method, "n": n, "seed": seed, "final_loss": loss, "null_loss": 2.0, **more}


ROWS = [row("A", n, seed, 2.0 * seed / n) for n in (16, 32) for seed in (1, 4)]
ROWS += [row("B", n, seed, 10.0 * 4 / n) for n in (16, 32) for seed in (1, 4, 9)]
A_OVER_B = Comparison("A over B", [{"method": "A"}], [{"method": "B"}], 0.3, (16, 32))


def test_ratios_are_of_geometric_means_over_the_seeds_that_both_have():
    number = found(ROWS, A_OVER_B, 16)
    assert number.value == pytest.approx(0.1)
    assert number.alone == pytest.approx((0.05, 0.2))
    assert number.within(0.1) == "0.05 to 0.2; holds on 1 of 2 seeds"
    assert found(ROWS, A_OVER_B.exchanged(), 16).value == pytest.approx(10)


def test_a_quantity_alone_and_a_product():
    alone = Comparison("A", [{"method": "A"}], [], 1.0, (16,), relative_loss)
    assert found(ROWS, alone, 32).value == pytest.approx(2 / 32)
    gain = Comparison("", [{"method": "A", "n": 16}, {"method": "B"}], [{"method": "B", "n": 16}, {"method": "A"}], 1.0, (32,))
    assert found(ROWS, gain, 32).value == pytest.approx(1)


def test_shares_may_vanish():
    rows = [row("A", 16, seed, 1.0, share=value) for seed, value in ((0, 0.0), (1, 0.4))]
    number = found(rows, Comparison("", [{"method": "A"}], [], 0.3, (16,), share, geometric=False), 16)
    assert (number.value, number.alone) == (pytest.approx(0.2), (0.0, 0.4))


def test_each_number_is_a_step_and_all_samples_are_reported():
    proof = Derivation("a panel")
    judge(proof, ROWS, [A_OVER_B, A_OVER_B.exchanged()])
    assert [step.truth for step in proof.steps] == [Truth.TRUE] * 2 + [Truth.FALSE] * 2
    assert proof.steps[0].text == "A over B, at n = 16 (0.05 to 0.2; holds on 2 of 2 seeds; 0.1, 0.1 at n = 16, 32)"
    assert proof.notes == ["A over B: at most 0.3 for every n."]


def test_the_note_says_for_which_samples_it_holds():
    proof = Derivation("a panel")
    rising = Comparison("A", [{"method": "A"}], [], 0.07, (32,))
    judge(proof, ROWS, [rising, replace(rising, bound=0.01)])
    assert proof.notes == ["A: at most 0.07 for n = 32; A: at most 0.01 for no n."]


def test_runs_that_are_missing_or_ambiguous_are_named():
    with pytest.raises(ValueError, match=r"no runs with \{'n': 64, 'method': 'A'\}"):
        found(ROWS, A_OVER_B, 64)
    with pytest.raises(ValueError, match="several runs"):
        found([*ROWS, ROWS[0]], A_OVER_B, 16)
