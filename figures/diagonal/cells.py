"""The cells of Figures 1 and 5: diagonal networks of the paper's size on pairs of sparse tasks, trained and predicted.

A cell is one pair of tasks (`grid` lists them); its rows are the predictors that every method ends at. `method` says
what is trained, `how` where the predictor comes from::

    MTL             flow (of the loss pooled over all samples, as the paper trains); in overlap experiments also l12 (least l1,2
                    norm, Eq. 5) and pinned (auxiliary task fitted first and held: `normtheory.solvers.pinned.PinnedOrbits`)
    MTL 1:1         flow, both tasks weighing the same
    PT+FT           exact (certified minimiser of the exact theory), flow, printed (Corollary 1 as printed), or stopped (exact,
                    after pretraining that stops where the published one did)
    STL             exact, flow, or l1 (least l1 norm)
    PT+FT (LP), STL (LP)    closed form: only the second layer is trained
    teacher         given: the ground truth, for its norms

The auxiliary task has more samples than inputs. Pretraining without end therefore ends at its teacher exactly, and enters in
closed form. Published pretraining stopped before, at a training loss of 1e-9: what is left to learn of a nearly singular design
decides the generalisation losses of finetuned networks below about 1e-8, so that both are computed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from normtheory import exact
from normtheory.arrays import FloatArray
from normtheory.figures.sweep import Spec
from normtheory.networks import DiagonalNetwork, Weights
from normtheory.penalties import L1, GroupL12, Q
from normtheory.representations import share_on, share_outside_top
from normtheory.solvers.flow import gradient_flow
from normtheory.solvers.trajectory import Trajectory
from normtheory.tasks import Task, TeacherStudent, generalisation_loss, teacher_student

RTOL = 1e-6  # of flows whose endpoint the exact theory gives: predictors to about 1e-7
PRETRAINING_RTOL = 1e-5
# Multi-task flows: generalisation losses to a quarter of a percent, and up to one percent where the training loss at which
# they end is met a step later on another machine. The auxiliary Gram matrix is nearly singular, so that they learn on for very
# long after the training loss at which the published runs were to stop. There they end here, too; some realisations, whose
# specification names a last loss, go on to it, and say by how much the end moves.
MTL_RTOL = 1e-4
SNAPSHOTS = np.logspace(-1, 7, 161)  # flow times, from one step of the paper's descent on, at which test losses are looked at
TOPS = (1, 2, 5, 10, 20, 30, 40, 50, 60, 80, 120, 200)  # numbers of strongest weights
ACTIVE = 1e-4  # of the strongest weight: what is more counts as used

UNIT_NORM, RECIPROCAL = "1/sqrt(k)", "1/k"  # sizes of a teacher's k weights


def size(name: str, features: int) -> float:
    """The size that a name stands for."""
    return float({UNIT_NORM: features**-0.5, RECIPROCAL: 1 / features}[name])


def cell(spec: Spec) -> list[dict[str, Any]]:
    """The rows of one pair of tasks."""
    return _overlapping(spec) if spec["kind"] == "overlap" else _sparse(spec)


def _overlapping(spec: Spec) -> list[dict[str, Any]]:
    """Two tasks of as many features, both teachers of norm one: every method."""
    pair = _Pair.of(spec, UNIT_NORM, UNIT_NORM)
    finetuned = _finetuning(pair, 1.0, followed=True)
    together = _multi_task_flow("MTL", pair)
    ends = [together, *_predicted(pair, together.beta), _multi_task_flow("MTL 1:1", pair, (0.5, 0.5))]
    ends += [*finetuned, _stopped(pair, 1.0, finetuned[0])]
    ends += [_printed(pair, finetuned[0].beta), *_single_task(pair), *_probing(pair)]
    ends.append(_End("teacher", "given", pair.tasks.teacher))
    return [_row(pair, end) for end in ends]


def _sparse(spec: Spec) -> list[dict[str, Any]]:
    """A main task of few features of size 1/k beside auxiliary ones of either size, and both of norm one as a control."""
    rows = []
    for magnitude_aux in (UNIT_NORM, RECIPROCAL):
        pair = _Pair.of(spec, RECIPROCAL, magnitude_aux)
        ends = [_multi_task_flow("MTL", pair)]
        for finetuned in _along(pair, spec["rescale"], followed=spec["flow"] and magnitude_aux == UNIT_NORM):
            ends += [*finetuned, _stopped(pair, finetuned[0].rescale, finetuned[0])]
        rows += [_row(pair, end) for end in ends]
    control = _Pair.of(spec, UNIT_NORM, UNIT_NORM)
    return rows + [_row(control, end) for ends in _along(control, spec["rescale"], followed=False) for end in ends]


@dataclass(frozen=True, eq=False)
class _Pair:
    """A pair of tasks, and what it was made from: the specification of the cell, and the sizes of the teachers' weights."""

    spec: Spec
    magnitude: str
    magnitude_aux: str
    tasks: TeacherStudent

    @staticmethod
    def of(spec: Spec, magnitude: str, magnitude_aux: str) -> _Pair:
        aux = _auxiliary(magnitude_aux, *(spec[name] for name in ("features_aux", "inputs", "samples_aux", "seed")))
        drawn = teacher_student(
            spec["n"],
            spec["overlap"],
            features=spec["features"],
            features_aux=spec["features_aux"],
            magnitude=size(magnitude, spec["features"]),
            magnitude_aux=size(magnitude_aux, spec["features_aux"]),
            inputs=spec["inputs"],
            samples_aux=1,
            seed=spec["seed"],
        )
        return _Pair(spec, magnitude, magnitude_aux, replace(drawn, aux=aux))


@lru_cache(maxsize=4)
def _auxiliary(magnitude: str, features: int, inputs: int, samples: int, seed: int) -> Task:
    """An auxiliary task, which no main task changes: drawn once, as is its Gram matrix."""
    large = size(magnitude, features)
    return teacher_student(
        1, 0, features=1, features_aux=features, magnitude_aux=large, inputs=inputs, samples_aux=samples, seed=seed
    ).aux


@dataclass(frozen=True, eq=False)
class _End:
    """Where a method ends: its main predictor, and what is known of the way there."""

    method: str
    how: str
    beta: FloatArray
    rescale: float = 1.0
    best_loss: float | None = None  # least generalisation loss on the way
    limit_loss: float | None = None  # of multi-task flows: generalisation loss where the published runs were cut off
    settled_loss: float | None = None  # and at the last training loss, where a specification names one
    distance: float | None = None  # relative: of a flow from the exact theory, of any other prediction from its subject
    beta_aux: FloatArray | None = None  # of a network with two outputs
    dual: FloatArray | None = None  # of an exact prediction: where a neighbouring problem may start


def _predicted(pair: _Pair, followed: FloatArray) -> list[_End]:
    """What multi-task training might end at: the least l1,2 norm, and the auxiliary task pinned."""
    from normtheory.solvers import groups, newton
    from normtheory.solvers.pinned import PinnedOrbits

    main, aux, teacher_aux = pair.tasks.main, pair.tasks.aux, pair.tasks.teacher_aux
    least = groups.minimize_pair(main.X, main.y, aux.X, aux.y).beta
    pinned = newton.minimize_separable(main.X, main.y, PinnedOrbits(teacher_aux, pair.spec["alpha"])).beta
    return [
        _End("MTL", "l12", least[0], distance=_distance(least[0], followed), beta_aux=least[1]),
        _End("MTL", "pinned", pinned, distance=_distance(pinned, followed), beta_aux=teacher_aux),
    ]


def _multi_task_flow(method: str, pair: _Pair, shares: tuple[float, float] | None = None) -> _End:
    """The flow to the training loss where published runs were to stop; pooled samples, if no shares of the tasks are given."""
    spec, tasks = pair.spec, pair.tasks

    def followed(start: Weights, loss: float, at: Sequence[float] = ()) -> Trajectory[Weights]:
        both, atol = [tasks.main, tasks.aux], MTL_RTOL * spec["alpha"]
        network = DiagonalNetwork(2)
        return gradient_flow(network, both, start, rtol=MTL_RTOL, atol=atol, loss=loss, task_weights=shares, at=at)

    run = followed(Weights.constant(tasks.main.inputs, spec["alpha"], outputs=2), spec["loss"], SNAPSHOTS.tolist())
    losses, settled = _losses(run, tasks), None
    if spec["last_loss"] is not None and shares is None:
        settled = generalisation_loss(followed(run.weights, spec["last_loss"]).beta[0], tasks.teacher)
    limit = _loss_at(run, losses, spec["time_limit"])
    main, aux = run.beta
    return _End(method, "flow", main, best_loss=min(losses), limit_loss=limit, settled_loss=settled, beta_aux=aux)


def _along(pair: _Pair, factors: Sequence[float], *, followed: bool) -> Iterator[list[_End]]:
    """Finetuning after rescaling by each of a geometric series; `followed` by the flow, too, where nothing is rescaled.

    In the logarithm of the scale duals run along nearly straight lines: each begins where the two before point, or the one.
    """
    duals: list[Any] = []
    for factor in factors:
        near = 2 * duals[-1] - duals[-2] if len(duals) > 1 else next(iter(duals), None)
        ends = _finetuning(pair, factor, followed=followed and factor == 1, near=near)
        duals.append(ends[0].dual)
        yield ends


def _finetuning(pair: _Pair, rescale: float, *, followed: bool, near: FloatArray | None = None) -> list[_End]:
    """From weights pretrained without end, by the exact theory and, if `followed`, by the flow."""
    pretrained = exact.pretraining(pair.tasks.teacher_aux, pair.spec["alpha"])
    return _exactly(pair, "PT+FT", _restarted(pair, pretrained, rescale), rescale, followed=followed, near=near)


def _restarted(pair: _Pair, pretrained: Weights, rescale: float) -> Weights:
    return exact.reset(exact.rescaled(pretrained, rescale), rescale * pair.spec["gamma"])


def _stopped(pair: _Pair, rescale: float, unstopped: _End) -> _End:
    """From weights whose pretraining stopped where the published one did, by the exact theory."""
    spec = pair.spec
    learned = _stopped_pretraining(
        pair.magnitude_aux,
        *(spec[name] for name in ("features_aux", "inputs", "samples_aux", "seed", "alpha", "pretraining_loss")),
    )
    start = _restarted(pair, exact.pretraining(learned, spec["alpha"]), rescale)
    return replace(_exactly(pair, "PT+FT", start, rescale, followed=False, near=unstopped.dual)[0], how="stopped")


@lru_cache(maxsize=16)
def _stopped_pretraining(
    magnitude: str, features: int, inputs: int, samples: int, seed: int, alpha: float, loss: float
) -> FloatArray:
    """Predictor (D,) of a network trained on an auxiliary task, which no main task changes, to a training loss."""
    task, start = _auxiliary(magnitude, features, inputs, samples, seed), Weights.constant(inputs, alpha)
    return np.asarray(gradient_flow(DiagonalNetwork(), task, start, rtol=PRETRAINING_RTOL, loss=loss).beta)


def _single_task(pair: _Pair) -> list[_End]:
    from normtheory.solvers import groups

    main = pair.tasks.main
    least = groups.minimize([(main.X, main.y)]).beta[0]
    start = Weights.constant(main.inputs, pair.spec["alpha"])
    return [*_exactly(pair, "STL", start, 1.0, followed=True), _End("STL", "l1", least)]


def _exactly(
    pair: _Pair, method: str, start: Weights, rescale: float, *, followed: bool, near: FloatArray | None = None
) -> list[_End]:
    """By the exact theory, from the dual of a neighbouring problem if there is one, and, if `followed`, by the flow."""
    from normtheory.solvers.newton import minimize

    tasks = pair.tasks
    found = minimize(tasks.main.X, tasks.main.y, *exact.scale_and_start(start), dual=near)
    predicted = found.beta
    ends = [_End(method, "exact", predicted, rescale, dual=found.dual)]
    if followed:
        run = gradient_flow(DiagonalNetwork(), tasks.main, start, rtol=RTOL, at=SNAPSHOTS.tolist())
        ends.append(_End(method, "flow", run.beta, rescale, min(_losses(run, tasks)), distance=_distance(run.beta, predicted)))
    return ends


def _printed(pair: _Pair, predicted: FloatArray) -> _End:
    from normtheory.solvers.newton import minimize

    main = pair.tasks.main
    printed = minimize(main.X, main.y, *exact.printed_corollary1(pair.tasks.teacher_aux, pair.spec["gamma"])).beta
    return _End("PT+FT", "printed", printed, distance=_distance(printed, predicted))


def _distance(beta: FloatArray, other: FloatArray) -> float:
    return float(np.linalg.norm(beta - other) / np.linalg.norm(other))


def _probing(pair: _Pair) -> list[_End]:
    alpha, gamma = pair.spec["alpha"], pair.spec["gamma"]
    starts = {
        "PT+FT (LP)": exact.reset(exact.pretraining(pair.tasks.teacher_aux, alpha), gamma),
        "STL (LP)": Weights.constant(pair.tasks.main.inputs, alpha),
    }
    X, y = pair.tasks.main.X, pair.tasks.main.y
    return [_End(method, "closed form", exact.probing(start, X, y)) for method, start in starts.items()]


def _losses(run: Trajectory[Weights], tasks: TeacherStudent) -> list[float]:
    """Generalisation losses at the times looked at, and at the end."""
    network = DiagonalNetwork(run.weights.outputs)
    passed = [network.effective_map(weights) for weights in (*run.snapshots, run.weights)]
    return [generalisation_loss(beta if beta.ndim == 1 else beta[0], tasks.teacher) for beta in passed]


def _loss_at(run: Trajectory[Weights], losses: list[float], time: float) -> float:
    """The generalisation loss at a time, between those looked at: along straight lines in logarithms."""
    times = np.append(SNAPSHOTS[: len(run.snapshots)], run.times[-1])
    return float(np.exp(np.interp(np.log(time), np.log(times), np.log(losses))))


def _row(pair: _Pair, end: _End) -> dict[str, Any]:
    """A run as a row: what it is, its losses (in the units of y squared), and where the weight of its predictor lies."""
    spec, teacher, beta = pair.spec, pair.tasks.teacher, end.beta
    return {
        "kind": spec["kind"],
        "method": end.method,
        "how": end.how,
        "overlap": spec["overlap"],
        "k_main": spec["features"],
        "magnitude": pair.magnitude,
        "magnitude_aux": pair.magnitude_aux,
        "rescale": end.rescale,
        "n": spec["n"],
        "seed": spec["seed"],
        "final_loss": generalisation_loss(beta, teacher),
        "best_loss": end.best_loss,
        "limit_loss": end.limit_loss,
        "settled_loss": end.settled_loss,
        "null_loss": generalisation_loss(np.zeros_like(teacher), teacher),
        "distance": end.distance,
        "aux_share": share_on(beta, pair.tasks.teacher_aux != 0),
        "active": int(np.count_nonzero(np.abs(beta) > ACTIVE * np.abs(beta).max())),
        "outside_top": [share_outside_top(beta, count) for count in TOPS],
        **_norms(pair, end),
    }


def _norms(pair: _Pair, end: _End) -> dict[str, float]:
    """l1; l1,2 together with the auxiliary predictor; what finetuning minimises, as printed (Eq. 3) and exactly."""
    pretrained, alpha, gamma = pair.tasks.teacher_aux, pair.spec["alpha"], pair.spec["gamma"]
    beta, beta_aux = end.beta, pretrained if end.beta_aux is None else end.beta_aux
    k, start = exact.finetuning(pretrained, alpha, gamma)
    return {
        "l1": L1().value(beta),
        "l12": GroupL12().value(np.stack([beta, beta_aux])),
        "q_printed": Q(exact.printed_corollary1(pretrained, gamma).k).value(beta),
        "q_exact": float(Q(k).divergence(beta, start).sum()),
    }
