"""Comparisons in the limit: their numbers are those of the tables' lines, and what drawn tasks give stands beside them."""

import numpy as np
import pytest

from normtheory.audit.derivation import Derivation
from normtheory.audit.statements import Said
from normtheory.figures import committed
from normtheory.figures.along import Needed
from normtheory.figures.comparisons import Comparison
from normtheory.figures.diagonal import limit_claims
from normtheory.figures.diagonal.solved import Solved, judge_solved
from normtheory.figures.diagonal.stated import AS_AUX, GRID, LARGE, SHARE_OFF, SHARE_OUTSIDE, SMALL
from normtheory.figures.drawing import LIMIT, chosen
from normtheory.figures.readings import LOSS, Each, Side
from normtheory.solvers import groups
from normtheory.solvers.curves import learning_curve
from normtheory.solvers.sparse_pairs import SparsePair
from normtheory.tasks import generalisation_loss, teacher_student

SOLVED = Solved(GRID)
(WAY,) = limit_claims.FINETUNED.ways
(AT_ONCE,) = limit_claims.MTL.ways


def line(panel, **where):
    (row,) = chosen(chosen(committed("fig1").to_pylist(), panel=panel, how=LIMIT), **where)
    return row


def test_numbers_are_those_of_the_lines_in_the_tables():
    """A loss, a share outside the strongest weights, a share off auxiliary features."""
    sizes = {"magnitude": SMALL, "magnitude_aux": SMALL}
    side = Side(limit_claims.FINETUNED, {"relation": "nested", "k_main": 5, "rescale": 0.1, **sizes})
    row = line("g", overlap=5, k_main=5, rescale=0.1, magnitude_aux=SMALL.name, n=32)
    assert SOLVED.values(LOSS, side, WAY, 32) == pytest.approx(row["final_loss"] / row["null_loss"], rel=1e-5)
    row = line("h", rescale=0.1, magnitude_aux=LARGE.name, n=16)
    side = Side(side.method, {**side.where, "magnitude_aux": LARGE, "top": 5})
    assert SOLVED.values(SHARE_OUTSIDE, side, WAY, 16) == pytest.approx(row["share"], rel=1e-4)
    row = line("d", method="MTL", n=64)
    side = Side(limit_claims.MTL, {"overlap": 30})
    assert SOLVED.values(SHARE_OFF, side, AT_ONCE, 64) == pytest.approx(1 - row["share"], rel=1e-4)


def test_samples_needed_are_where_the_loss_is_met_or_where_straight_lines_meet_it():
    pair, side = SparsePair(1000, 40, 40, 40), Side(limit_claims.FINETUNED, {"overlap": 40})
    needed, (alone,) = SOLVED.needed(side, WAY, 0.01)
    assert needed == alone
    losses = learning_curve(pair, [int(needed), int(needed) + 1], methods=["finetuning"]).losses("finetuning")[1]
    assert losses[0] > 0.01 > losses[1]
    straight, _ = Solved(GRID, straight=True).needed(side, WAY, 0.01)
    at = {row["n"]: row["final_loss"] for row in chosen(committed("fig1").to_pylist(), panel="b", overlap=40, how=LIMIT)
          if row["method"] == "PT+FT"}  # fmt: skip
    by_hand = np.interp(np.log(0.01), np.log([at[64], at[32]]), np.log([64, 32]))
    assert straight == pytest.approx(np.exp(by_hand), rel=1e-4)


def test_main_weights_may_be_as_large_as_the_auxiliary_ones():
    side = Side(limit_claims.FINETUNED, {"relation": "nested", "k_main": 5, "magnitude": AS_AUX, "magnitude_aux": LARGE})
    pair = SparsePair(1000, 5, 40, 5, 40**-0.5)
    (point,) = learning_curve(pair, [32], methods=["finetuning"]).points
    assert SOLVED.values(LOSS, side, WAY, 32) == pytest.approx(point.loss / point.null_loss, rel=1e-8)


def test_what_is_recovered_is_at_most_anything_and_nothing_else_is_at_most_it():
    """Least norm has both of these exactly, and finetuning neither."""
    same = Comparison(Each((limit_claims.MTL,)), 1.0, (256,), at=Said(overlap=40), than=Said(overlap=30))
    assert [number.value for _, number, _ in same.numbers(SOLVED)] == [0.0]
    above = Comparison(Each((limit_claims.FINETUNED,)), 1.0, (256,), Each((limit_claims.MTL,)), Said(overlap=40))
    assert [number.value for _, number, _ in above.numbers(SOLVED)] == [np.inf]


def judged(panels, **comparisons):
    proof = Derivation("test")
    judge_solved(proof, Said(grid=GRID, **comparisons), panels)
    return proof


def test_drawn_tasks_stand_beside_the_limit_and_disagreement_is_noted():
    at = Said(overlap=0)
    needed = Needed(Each((limit_claims.MTL,)), 2.5, at=at, than=Said(overlap=40), levels=Each((0.1,)))
    proof = judged("b", needed=needed)
    (step,) = proof.steps
    assert "drawn tasks 7.05" in step.text
    assert "the limit read in the same way 2)" in step.text
    assert "different sides" in " ".join(proof.notes)
    proof = judged("b", worse=needed.reversed())
    assert "same side of every bound" in " ".join(proof.notes)
    assert not judged("", worse=needed.reversed()).notes


def test_drawn_tasks_confirm_that_least_norm_needs_fewer_samples_at_equal_weights():
    losses = {}
    for k in (5, 40):
        tasks = teacher_student(64, k, features=k, magnitude=40**-0.5, seed=0)
        beta = groups.minimize_pair(tasks.main.X, tasks.main.y, tasks.aux.X, tasks.aux.y).beta[0]
        losses[k] = generalisation_loss(beta, tasks.teacher) / generalisation_loss(0 * beta, tasks.teacher)
    assert losses[5] < 1e-2 < 0.1 < losses[40]
