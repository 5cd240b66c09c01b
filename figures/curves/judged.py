"""Statements on Figure 1 that rest on six seeds, judged a second time in the limit of many inputs, where there is no seed.

Bounds are those of the claims of the ledger (`figures/diagonal/fig1_claims.py`, `fig1_nested_claims.py`). Multi-task learning
is least l1,2 norm here, which its flow only approximates (claim mtl-flow): where the two disagree, this is why.
`python -m normtheory.figures.curves.judged` prints the table.
"""

from __future__ import annotations

from typing import NamedTuple

from normtheory.figures.curves.limit import measures
from normtheory.solvers.asymptotics import FixedPoint
from normtheory.solvers.curves import learning_curve, samples_needed
from normtheory.solvers.sparse_pairs import Scales, SparsePair

INPUTS, FEATURES_AUX = 1000, 40
ALPHA = GAMMA = 1e-3
BOTH = {"MTL": "multitask", "PT+FT": "finetuning"}


class Judgement(NamedTuple):
    """A number in the limit beside the bound that a claim states; `least` bounds from below."""

    claim: str
    what: str
    value: float
    most: float
    least: float = 0.0

    @property
    def holds(self) -> bool:
        """Whether it is within."""
        return self.least <= self.value <= self.most


def judged() -> list[Judgement]:
    """All of them."""
    return [*_disjoint(), *_nested(), *_rescaled(), *_reuse(), *_at_ratio_one()]


def sparse(features: int, *, nested: bool, magnitude: float | None = None) -> SparsePair:
    """A main task of few features of size 1/k, within the auxiliary ones or apart from them."""
    size = 1 / features if magnitude is None else magnitude
    return SparsePair(INPUTS, features, FEATURES_AUX, features if nested else 0, size)


def _solved(pair: SparsePair, method: str, n: int, rescale: float = 1.0) -> tuple[float, FixedPoint]:
    """Loss over null loss, and the solution."""
    curve = learning_curve(pair, [n], methods=[method], scales=Scales(ALPHA, rescale * GAMMA, rescale))
    (point,), (solution,) = curve.points, curve.solutions
    if not isinstance(solution, FixedPoint):  # the auxiliary task has as many samples as it needs
        raise TypeError(f"a {type(solution).__name__} has no law")
    return point.loss / point.null_loss, solution


def _disjoint() -> list[Judgement]:
    found = []
    for name, method in BOTH.items():
        few, many = (sparse(k, nested=False) for k in (5, 40))
        ratio = _solved(few, method, 128)[0] / _solved(many, method, 128)[0]
        found.append(Judgement("fig1e", f"{name}: loss on 5 over that on 40 new features, n = 128", ratio, 0.1))
        needed = samples_needed(few, method, 0.01) / samples_needed(many, method, 0.01)
        found.append(Judgement("fig1e", f"{name}: samples for loss 0.01, 5 over 40 new features", needed, 0.5))
    return found


def _nested() -> list[Judgement]:
    found = []
    for name, method in BOTH.items():
        for level in (0.1, 0.01):
            needed = samples_needed(sparse(5, nested=True), method, level) / samples_needed(
                sparse(40, nested=True), method, level
            )
            what = f"{name}: samples for loss {level:g}, 5 over 40 nested features"
            found.append(Judgement("fig1f", what, needed, 1.5, 1 / 1.5))
    return found


def _rescaled() -> list[Judgement]:
    found = []
    for n in (32, 64):
        ratios = {}
        for factor in (0.1, 0.01):
            few, many = (_solved(sparse(k, nested=True), "finetuning", n, factor)[0] for k in (5, 40))
            ratios[factor] = few / many
            what = f"PT+FT, weights times {factor:g}: loss on 5 over that on 40 nested features, n = {n}"
            found.append(Judgement("fig1g", what, ratios[factor], 0.5))
        what = f"this ratio, at 0.01 over that at 0.1, n = {n}"
        found.append(Judgement("fig1g", what, ratios[0.01] / ratios[0.1], 1.0))
    for n in (16, 32):
        shares = [_solved(sparse(5, nested=True), "finetuning", n, c)[1].share_outside_top(5) for c in (0.01, 1.0)]
        what = f"PT+FT: share outside the top 5, weights times 0.01 over times 1, n = {n}"
        found.append(Judgement("fig1h", what, shares[0] / shares[1], 0.5))
    for n in (32, 64):
        for factor in (1.0, 0.1, 0.01):
            shared, new = (_solved(sparse(5, nested=nested), "finetuning", n, factor)[0] for nested in (True, False))
            what = f"PT+FT, weights times {factor:g}: loss on 5 nested over that on 5 new features, n = {n}"
            found.append(Judgement("fig1i", what, shared / new, 0.5))
    return found


def _reuse() -> list[Judgement]:
    """How many more samples tasks without a shared feature need: by finetuning over by multi-task learning, above one."""
    apart, same = SparsePair(INPUTS, 40, 40, 0), SparsePair(INPUTS, 40, 40, 40)
    gains = {name: samples_needed(apart, method, 0.01) / samples_needed(same, method, 0.01) for name, method in BOTH.items()}
    what = "samples for loss 0.01, no shared over all shared features: PT+FT over MTL"
    found = [Judgement("reuse-stronger", what, gains["PT+FT"] / gains["MTL"], float("inf"), 1.0)]
    pair = SparsePair(INPUTS, 40, 40, 30)
    for n in (16, 64):
        shares = {
            name: measures(_solved(pair, method, n)[1], pair.classes(), ALPHA, GAMMA)["aux_share"]
            for name, method in BOTH.items()
        }
        what = f"share of the squared norm off auxiliary features, PT+FT over MTL, 30 of 40 shared, n = {n}"
        found.append(Judgement("reuse-stronger", what, (1 - shares["PT+FT"]) / (1 - shares["MTL"]), 1.0))
    return found


def _at_ratio_one() -> list[Judgement]:
    """Main weights as large as the auxiliary ones: nested tasks of few features against many."""
    found = []
    size = FEATURES_AUX**-0.5
    for name, method in BOTH.items():
        few, many = (sparse(k, nested=True, magnitude=size) for k in (5, 40))
        needed = samples_needed(few, method, 0.01) / samples_needed(many, method, 0.01)
        what = f"{name}: samples for loss 0.01, 5 over 40 nested features as large as the auxiliary ones"
        found.append(Judgement("no-sparsity-at-one", what, needed, 1.5, 1 / 1.5))
    return found


def table() -> str:
    """The judgements as a table in Markdown."""
    lines = ["| claim | number | in the limit | bound | |", "|---|---|---|---|---|"]
    for each in judged():
        bound = f"at most {each.most:.3g}" if each.most < float("inf") else f"at least {each.least:.3g}"
        if each.least > 0 and each.most < float("inf"):
            bound = f"{each.least:.3g} to {each.most:.3g}"
        lines.append(f"| {each.claim} | {each.what} | {each.value:.3g} | {bound} | {'holds' if each.holds else '**fails**'} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
