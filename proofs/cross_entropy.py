"""Appendix C: cross-entropy on separable data, where infinite training ends and how much of its start finite training keeps."""

from __future__ import annotations

import itertools
import sys
from typing import Any

import numpy as np
import sympy as sp

from normtheory.arrays import FloatArray
from normtheory.audit.alone import run_alone
from normtheory.audit.claims import Verdict, claim
from normtheory.audit.derivation import Derivation
from normtheory.audit.notation import symbol
from normtheory.audit.statements import Said
from normtheory.proofs import cross_entropy_runs as runs
from normtheory.proofs import setting
from normtheory.proofs.group_norms import GroupNorm, Norm
from normtheory.proofs.letters import ALPHA
from normtheory.proofs.margins import margin_catches_up, margin_keeps_up
from normtheory.proofs.multitask_runs import Fit, power_law
from normtheory.proofs.setting import number, percent

Expression = Any

SOURCE = "Lindsey & Lippl 2024, Appendix C; Lyu & Li 2020"
LOGISTIC = "cross-entropy: the logistic loss, summed over the samples, which are separable"
ON_THE_WAY = (1e2, 1e4, 1e6, 1e7)  # norms at which paths are looked at, before the last
FIT_BUDGET = 0.05  # on the exponent of a fit and two of its standard errors together: 0.1 more or less is excluded
USED = 0.1  # an input is used whose group norm is at least this share of the largest
HALF_BUDGET = 1e-5  # relative excess of half the squared weights over the norm, which is of the order of scale over norm

R = sp.Rational
_TWO_TASKS = Said(
    norm=GroupNorm(),
    within=R(3, 100),
    at=sp.Pow(10, 8, evaluate=False),
    scales=(sp.Integer(1), R(1, 10), R(1, 100), R(1, 1000)),
    draws=8,
)


@claim(
    id="ce-margin",
    where="Appendix C",
    statement="trained on two tasks with cross-entropy and for ever, diagonal networks minimise <norm>: in units of the least "
    "margin their norm comes within <within> of the least there is by the time that it is <at>, and stays there; pulls and "
    "predictors of the inputs they use are in proportion as at a minimum; from constant weights of <scales>, on each of the "
    "first <draws> random problems",
    reads=(LOGISTIC, "the samples of both tasks share one margin"),
    printed=_TWO_TASKS,
    twins={
        "the norm of sizes": _TWO_TASKS.but(norm=GroupNorm(inner=sp.Integer(1))),
        "the norm of squares": _TWO_TASKS.but(norm=GroupNorm(outer=sp.Integer(2))),
        "an inner exponent that is less": _TWO_TASKS.but(norm=GroupNorm(inner=R(19, 10))),
        "an inner exponent that is more": _TWO_TASKS.but(norm=GroupNorm(inner=R(21, 10))),
        "an outer exponent that is less": _TWO_TASKS.but(norm=GroupNorm(outer=R(9, 10))),
        "an outer exponent that is more": _TWO_TASKS.but(norm=GroupNorm(outer=R(11, 10))),
        "already at a norm of practice": _TWO_TASKS.but(at=sp.Pow(10, 2, evaluate=False)),
        "closer than it is": _TWO_TASKS.but(within=R(1, 100)),
    },
    siblings={
        "twice the norm": _TWO_TASKS.but(norm=GroupNorm(factor=sp.Integer(2))),
        "less close": _TWO_TASKS.but(within=R(1, 20)),
        "from fewer scales": _TWO_TASKS.but(scales=(sp.Integer(1), R(1, 1000))),
    },
    expected=Verdict.CONFIRMED,
    source=SOURCE,
)
def margin_of_two_tasks(proof: Derivation, stated: Said) -> None:
    """Appendix C, MTL: the norm of a trained network, in units of its margin, against the max-margin program."""
    margin_keeps_up(proof)
    norms = (*(norm for norm in ON_THE_WAY if norm < float(stated.at)), float(stated.at))
    keys = list(itertools.product(stated.scales, range(stated.draws)))
    paths = {key: runs.two_task_path(key[1], float(key[0]), norms) for key in keys}
    half = max(path[-1].half / runs.L12.value(path[-1].beta) - 1 for path in paths.values())
    if float(stated.at) > ON_THE_WAY[-1]:  # else there is no path before it to average pulls over
        proof.within("half the squared weights, which the margin keeps up with, exceed the norm by", half, HALF_BUDGET)
        if not _exponents(proof, [(seed, path) for (_, seed), path in paths.items()], stated.norm):
            return
        _lingering(proof, paths)
    excess = {key: [runs.excess(point, key[1], stated.norm) for point in path] for key, path in paths.items()}
    last = (1 + max(along[-1] for along in excess.values())) * (1 + half) - 1
    proof.at_most("in units of the smoothed margin these exceed the least norm by, at most", last, float(stated.within))
    worst = {alpha: np.max([excess[alpha, seed] for seed in range(stated.draws)], axis=0) for alpha in stated.scales}
    rows = "; ".join(f"{', '.join(map(percent, row))} from {float(alpha):g}" for alpha, row in worst.items())
    proof.note(f"Largest excess over the draws at the norms {', '.join(f'{norm:.0e}' for norm in norms)}: {rows}.")


def _exponents(proof: Derivation, paths: list[tuple[int, tuple[runs.Point, ...]]], norm: GroupNorm) -> bool:
    """The exponents of the norm whose minimum has such pulls and predictors.

    There pulls of an input are as its predictors to the power inner - 1 between tasks, and their length as that of its
    predictors to the power outer - 1 between inputs (for the inner exponent 2).
    """
    within, between = [], []
    for seed, path in paths:
        beta, pull = path[-1].beta, _late_pull(seed, path)
        used = np.hypot(*beta) >= USED * np.hypot(*beta).max()
        within.append(np.log(np.abs(np.stack([beta[0] / beta[1], pull[0] / pull[1]])))[:, used])
        lengths = np.log(np.stack([np.hypot(*beta), np.hypot(*pull)])[:, used])
        between.append(lengths - lengths.mean(axis=1, keepdims=True))
    holds = True
    for name, pairs, stated in (("within an input", within, norm.inner), ("over the inputs", between, norm.outer)):
        fit = _line(*np.hstack(pairs))
        text = f"the exponent {name}, fitted to pulls and predictors, misses the stated one, with two standard errors, by"
        holds = proof.within(text, fit.misses(float(stated)), FIT_BUDGET) and holds
        proof.note(f"Exponent {name}, of inputs with {USED:g} of the largest predictors: {fit.exponent:.4f} ± {fit.error:.4f}.")
    return holds


def _line(x: FloatArray, y: FloatArray) -> Fit:
    """The exponent 1 + slope of a line through 0."""
    slope = float(x @ y / (x @ x))
    return Fit(1 + slope, float(np.sqrt(((y - slope * x) ** 2).sum() / (x.size - 1) / (x @ x))))


def _late_pull(seed: int, path: tuple[runs.Point, ...]) -> FloatArray:
    """What pulled an input between the last two points of a path, (2, D), in units in which 1 keeps up with the norm."""
    gained = np.split(path[-1].multipliers - path[-2].multipliers, [runs.SAMPLES])
    grown = np.log(path[-1].half / path[-2].half)
    pulls = np.stack([2 * nu @ task for nu, task in zip(gained, runs.two_tasks(seed), strict=True)])
    return np.asarray(pulls / grown)


def _lingering(proof: Derivation, paths: dict[tuple[Expression, int], tuple[runs.Point, ...]]) -> None:
    """Note where a path is slowest: near a KKT point that is not the minimum, which an unused input is about to leave."""
    (alpha, seed), path = max(paths.items(), key=lambda item: runs.excess(item[1][-1], item[0][1]))
    pull, size = np.hypot(*_late_pull(seed, path)), np.hypot(*path[-1].beta)
    strongest = int(np.argmax(pull))
    proof.note(
        f"The slowest path, of draw {seed} from {float(alpha):g}, is {percent(runs.excess(path[-1], seed))} above the least: "
        f"an input of {size[strongest] / size.sum():.1e} of the norm is pulled {pull[strongest]:.3g} times as much as keeps up "
        "with the norm (where that is above one the network is leaving a KKT point that is no minimum: ce-kkt)."
    )


_FORGETS = Said(norm=Norm())


@claim(
    id="ce-forgets",
    where="Appendix C",
    statement="trained with cross-entropy and for ever, a diagonal network with one output minimises <norm>: that of its "
    "predictor, in units of the least margin, tends to the least there is, from every start that leaves none of its scales "
    "zero, so after pretraining as without it",
    reads=(LOGISTIC, "behaving identically: tending to the same least norm in units of the margin"),
    printed=_FORGETS,
    twins={
        "the norm of squares": Said(norm=Norm(sp.Integer(2))),
        "an exponent that is more": Said(norm=Norm(R(11, 10))),
        "an exponent that is less": Said(norm=Norm(R(9, 10))),
    },
    siblings={"twice the norm": Said(norm=Norm(factor=sp.Integer(2)))},
    expected=Verdict.PROVED,
    source=SOURCE,
)
def finetuning_forgets(proof: Derivation, stated: Said) -> None:
    """Appendix C, PT+FT: the margin of one output catches up with the best one, from any start; examples tell the norm."""
    margin_catches_up(proof)
    holds = [
        _example(proof, stated.norm, sample) for sample in ((sp.Integer(2), sp.Integer(1)), (sp.Integer(1), sp.Integer(1)))
    ]
    if all(holds):
        _forgetting(proof)


SHRUNK = symbol("shrunk", r"e^{-2\nu}", "e^(−2ν)", positive=True)


def _example(proof: Derivation, norm: Norm, sample: tuple[Expression, Expression]) -> bool:
    """One sample and two inputs of equal scales from 0: beta_d is in proportion to sinh(2 nu x_d), and nu grows for ever."""
    first, second = ((SHRUNK**-entry - SHRUNK**entry) / 2 for entry in sample)
    share = sp.cancel(second / first).subs(SHRUNK, 0)
    ends = (sp.Integer(1), share)
    margin = sum(entry * beta for entry, beta in zip(sample, ends, strict=True))
    entries = " and ".join(map(str, sample))
    text = (
        f"exact example, one sample of the entries {entries}, from zero and equal scales: norm over margin tends to the least"
    )
    return proof.equal(text, norm.of(ends) / margin, norm.least_with_margin(sample))


FORGETTING_SCALES, FORGETTING_DRAWS, FORGETTING_NORMS = (0.1, 0.001), 5, (1e2, 1e4, 1e6, 1e8)


def _forgetting(proof: Derivation) -> None:
    """Paths after pretraining and without, against the bound that the proof rests on and against each other."""
    lines, misses = [], []
    for alpha in FORGETTING_SCALES:
        excess, apart = [], []
        for seed in range(FORGETTING_DRAWS):
            pair = [path(seed, alpha, FORGETTING_NORMS) for path in (runs.finetuned_path, runs.single_path)]
            starts = (runs.scale_and_start(seed, alpha), (np.full(runs.INPUTS, 2 * alpha**2), np.zeros(runs.INPUTS)))
            for path, (k, start) in zip(pair, starts, strict=True):
                offset = float((np.abs(np.arcsinh(start / k)) - np.log(k / 2)).max())
                best = 1 / runs.least(seed, runs.L12, 1)
                misses += [2 * best * point.multipliers.sum() - offset - np.log(point.half) for point in path]
            excess.append([[runs.excess(point, seed) for point in path] for path in pair])
            apart.append([runs.distance(a.direction, b.direction) for a, b in zip(*pair, strict=True)])
        after, without = np.max(excess, axis=0)
        lines.append(
            f"from {alpha:g} for alpha and gamma {', '.join(map(percent, after))} after pretraining and "
            f"{', '.join(map(percent, without))} without, their directions up to "
            f"{', '.join(map(number, np.max(apart, axis=0)))} apart"
        )
    proof.witness(
        "the exact bound on the squared weights, along paths with and without pretraining, misses by", max(misses), 0.0
    )
    proof.note(
        f"The limit is far: on the first {FORGETTING_DRAWS} random problems of {runs.SAMPLES} samples and {runs.INPUTS} inputs "
        "the norm over the margin exceeds the least, at the norms "
        f"{', '.join(f'{norm:.0e}' for norm in FORGETTING_NORMS)}, by up to {'; '.join(lines)}."
    )


_TIME = Said(unit=2 * ALPHA**2, order=sp.Integer(-2), scales=(8, 16, 32, 64), ratios=(1, 10, 100), draws=5, within=R(1, 100))
_SMALL = _TIME.but(
    scales=(R(1, 1000), R(1, 100), R(1, 10)), ratios=(sp.Pow(10, 6, evaluate=False), sp.Pow(10, 8, evaluate=False))
)


def size_of_escape(printed: Said, corrected: Said) -> str:
    """Appendix C, finite training, on the paper's main task with the signs of its targets as labels.

    The paper trains diagonal networks on squared errors only.
    """
    tasks = setting.tasks()
    signed = np.sign(tasks.main.y)[:, None] * tasks.main.X
    small, large = (float(setting.ALPHA), 10 * float(setting.ALPHA)), tuple(map(float, corrected.scales[:2]))
    norm = float(np.abs(tasks.teacher).sum())
    apart = _apart(signed, small, printed, norm / _norm(printed, small[0]))
    close = _apart(signed, large, printed, float(setting.INPUTS))
    longer = _norm(printed, small[1]) / _norm(printed, small[0])
    return (
        f"The paper trains no diagonal network on cross-entropy; on its main task, {setting.INPUTS} inputs and "
        f"{setting.SAMPLES} samples, with the signs of the targets as labels: from alpha {small[0]:g} to the norm {norm:.3g} "
        f"of its teacher, and from {small[1]:g} to {longer:.3g} times that norm, the directions are {apart:.2g} apart, where "
        f"the printed statement says less than {number(printed.within)}; from alpha {large[0]:g} and {large[1]:g}, at the "
        f"scale on average, {close:.1g}."
    )


def _norm(stated: Said, alpha: float) -> float:
    """The unit of the norm at a scale."""
    return float(sp.sympify(stated.unit).subs(ALPHA, alpha))


def _apart(signed: FloatArray, alphas: tuple[float, ...], stated: Said, ratio: float) -> float:
    """Distance of the directions from two scales, at norms of the same ratio to the unit of either."""
    inputs = signed.shape[1]
    ends = [
        runs.one_output(signed, np.full(inputs, 2 * a**2), np.zeros(inputs), (_norm(stated, a) * ratio,))[0].direction
        for a in alphas
    ]
    return runs.distance(*ends)


@claim(
    id="ce-time",
    where="Appendix C",
    statement="longer training acts like smaller initialisation: from all constant weights $\\alpha$, also <scales>, the "
    "directions at norms of <ratios> times <unit> are the same, to within <within>, on the first <draws> random problems",
    reads=(
        LOGISTIC,
        "a correspondence of training time and initialisation scale: the direction of the predictor depends on one combination "
        "of its norm, which tells the time, and of the scale",
    ),
    printed=_SMALL.but(order=None),
    corrected=_TIME,
    corrected_statement="from large constant weights $\\alpha$, <scales>, the directions at norms of <ratios> times <unit> "
    "differ, at most, from one of them to the next by an amount in proportion to the power <order> of $\\alpha$, less than "
    "<within> at the last, on the first <draws> random problems",
    size=size_of_escape,
    twins={
        "a power that is less": _TIME.but(unit=2 * ALPHA ** R(19, 10)),
        "a power that is more": _TIME.but(unit=2 * ALPHA ** R(21, 10)),
        "the scale itself": _TIME.but(unit=2 * ALPHA),
        "equal norms": _TIME.but(unit=sp.Integer(2)),
        "its cube": _TIME.but(unit=2 * ALPHA**3),
        "an order that is less": _TIME.but(order=R(-19, 10)),
        "an order that is more": _TIME.but(order=R(-21, 10)),
        "from small weights": _SMALL,
    },
    siblings={
        "from larger weights": _TIME.but(scales=(16, 32, 64, 128)),
        "fewer draws": _TIME.but(draws=3),
        "in other units": _TIME.but(unit=ALPHA**2, ratios=(1, 8, 64)),
        "a larger bound": _TIME.but(within=R(1, 10)),
    },
    expected=Verdict.CORRECTED,
    source=SOURCE + "; Moroshko et al. 2020",
)
def time_and_scale(proof: Derivation, stated: Said) -> None:
    """Appendix C, finite training: directions from scale to scale at norms in the proportion of a power of the scales."""
    scales = [float(alpha) for alpha in stated.scales]
    apart = np.array([_from_scale_to_scale(seed, scales, stated) for seed in range(stated.draws)])
    proof.at_most(
        "largest distance of the directions from the last two scales", float(apart[:, -1].max()), float(stated.within)
    )
    listed = ", ".join(f"{d:.1e}" for d in apart.max(axis=0))
    proof.note(f"Largest distances from {', '.join(f'{alpha:g}' for alpha in scales[:-1])} to the next scale: {listed}.")
    if stated.order is not None:
        fit = power_law(np.array(scales[:-1]), apart)
        text = "how far the stated order is from the fitted one, with two standard errors"
        proof.within(text, fit.misses(float(stated.order)), FIT_BUDGET)
        proof.note(f"Fitted order: {fit.exponent:.3f} ± {fit.error:.3f}.")
    if min(scales) < 1:
        rows = [[runs.excess(runs.single_path(s, a, (RICH_NORM,))[0], s) for s in range(stated.draws)] for a in RICH_SCALES]
        listed = ", ".join(
            f"{percent(sum(row) / len(row))} from {alpha:g}" for alpha, row in zip(RICH_SCALES, rows, strict=True)
        )
        proof.note(
            f"Whether smaller weights are richer: at the norm {RICH_NORM:.0e} the norm over the margin exceeds the least, "
            f"on average over the draws, by {listed}."
        )


RICH_SCALES, RICH_NORM = (100.0, 10.0, 1.0, 0.1, 0.01, 0.001), 1e4


def _from_scale_to_scale(seed: int, scales: list[float], stated: Said) -> list[float]:
    """The largest distance over the ratios, from each scale to the next."""
    ends = []
    for alpha in scales:
        norms = tuple(_norm(stated, alpha) * float(ratio) for ratio in stated.ratios)
        ends.append([point.direction for point in runs.single_path(seed, alpha, norms)])
    return [max(map(runs.distance, one, other)) for one, other in itertools.pairwise(ends)]


if __name__ == "__main__":
    sys.exit(run_alone())
