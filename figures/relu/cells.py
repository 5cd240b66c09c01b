"""The cells of Figures 2, 4, 6 and 8a-c: ReLU networks on tasks of ReLU teachers, trained, predicted and measured.

A cell is one main task (`grid` lists them); its rows are the networks that every method, trained in some way (`how`), ends at:

MTL             flow (of the loss pooled over all samples, as the paper trains), or least norm (F_{1,2}, auxiliary task pinned)
MTL 1:1         flow, both tasks weighing the same
PT+FT           flow, or frozen (the exact end if units keep the directions of pretraining)
STL             flow, or least norm (F_1); STL lazy is flow from large weights
... (LP), NTK   closed form, from the start of PT+FT or STL: only the readout is trained, or the network's linear model
descent         of MTL, PT+FT and STL: minibatch SGD as the paper ran it, pretraining included

Flows end at a training loss relative to the (pooled) mean square of the targets, or, if they rest above it, at a latest time.
Weights pretrained on an auxiliary task are a cell of their own, which others start from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from normtheory import arccosine, clusters
from normtheory.figures.sweep import Spec
from normtheory.figures.sweep.shared import rows_of
from normtheory.networks import AnyWeights, ReLUWeights
from normtheory.solvers import dictionary, frozen, training
from normtheory.solvers.flow import gradient_flow, pooled_weights
from normtheory.solvers.trajectory import Trajectory
from normtheory.tasks import Task
from normtheory.teachers import ReLUPair, fresh_rows, relu_alone, relu_pair, taught

SNAPSHOTS = np.logspace(0, 5, 26)  # flow times at which losses and rotations are looked at; one step of the paper's is 0.1
COUNTS = tuple(range(1, 13))  # clusters
MOST_CLUSTERS = 12  # at which alignment is measured: the number of units of both teachers (Fig. 2d)
UNIT_NORM, RECIPROCAL = "1/sqrt(k)", "1/k"  # sizes of a teacher's k readouts
SETTING = ("width", "inputs", "units_aux", "samples_aux", "scale", "rtol", "atol", "pretraining_loss", "latest", "seed")


def pretraining(spec: Spec) -> list[dict[str, Any]]:
    """One row: the weights of a network trained on the auxiliary task, and how well it has learned it."""
    pair = _pair_of({**spec, "n": 1, "cosines": [1.0], "magnitude": UNIT_NORM})
    run = _flow([pair.aux], _initial(spec), spec, spec["pretraining_loss"])
    weights = run.flow.weights
    found = {"final_loss": arccosine.population_loss(weights, pair.teacher_aux) / arccosine.null_loss(pair.teacher_aux)}
    return [found | run.way() | {name: array.ravel().tolist() for name, array in weights.named().items()}]


def pretraining_of(spec: Spec) -> dict[str, Any]:
    """The specification of the pretraining that a cell starts from."""
    return {"kind": "pretraining"} | {name: spec[name] for name in SETTING}


def descended_pretraining(spec: Spec) -> list[dict[str, Any]]:
    """One row: the weights of a network trained on the auxiliary task by descent: full-batch as the paper ran it, or not."""
    from normtheory.solvers.descent import RELU_PRETRAINING, descend

    pair = _pair_of({**spec, "n": 1, "cosines": [1.0], "magnitude": UNIT_NORM})
    settings = replace(RELU_PRETRAINING, epochs=spec["epochs"], batch=spec.get("batch"))
    run = descend([pair.aux], _initial(spec), settings, seed=spec["seed"])
    return [{"time": float(run.epochs)} | {name: array.ravel().tolist() for name, array in run.weights.named().items()}]


def descended_pretraining_of(spec: Spec) -> dict[str, Any]:
    """Likewise, of a cell of stochastic descent."""
    batch = {"batch": spec["batch"]} if "batch" in spec else {}
    return pretraining_of(spec) | {"kind": "descended pretraining", "epochs": spec["epochs"]} | batch


def cell(spec: Spec) -> list[dict[str, Any]]:
    """The rows of one main task."""
    with np.errstate(over="ignore", invalid="ignore"):  # trial steps of the flow that are too long
        return KINDS[spec["kind"]](spec)


def _pair(spec: Spec) -> list[dict[str, Any]]:
    """Two teachers of as many units, readouts of norm one: every method."""
    tasks = _Tasks.of(spec)
    pretrained = _pretrained(spec)
    ends = [*_multi_task(tasks), *_finetuned(tasks, pretrained, 1.0), *_single_task(tasks)]
    if spec["kernels"]:
        ends += _kernels(tasks, pretrained)
    if spec["least_norms"]:
        ends += _least_norms(tasks, ends)
    return [_row(tasks, end) for end in ends]


def _sparse(spec: Spec) -> list[dict[str, Any]]:
    """A main task of few units, all of them auxiliary ones or none, from pretrained weights times several factors."""
    tasks = _Tasks.of(spec)
    pretrained = _pretrained(spec)
    ends = [*_multi_task(tasks), *_single_task(tasks)]
    for factor in spec["rescale"]:
        ends += _finetuned(tasks, pretrained, factor)
    return [_row(tasks, end) for end in ends]


def _single(spec: Spec) -> list[dict[str, Any]]:
    """One task alone, from small and from large weights, and its tangent kernel."""
    tasks = _Tasks.alone(spec)
    ends = [*_single_task(tasks), *_single_task(tasks, "STL lazy", spec["scale_lazy"]), _tangent(tasks, "NTK", _initial(spec))]
    return [_row(tasks, end) for end in ends]


def _descended_pair(spec: Spec) -> list[dict[str, Any]]:
    """As `_pair`, but by stochastic descent; for few samples flows from the same weights beside it, that of MTL aside."""
    tasks, pretrained = _Tasks.of(spec), _pretrained(spec)
    ends = _kernels(tasks, pretrained) if spec["kernels"] else []
    if spec["flows"]:
        ends += [*_finetuned(tasks, pretrained, 1.0), *_single_task(tasks)]
    return [*_descent(spec), *(_row(tasks, end) | {"kind": "pair"} for end in ends)]


def _descended_single(spec: Spec) -> list[dict[str, Any]]:
    """As `_single`, but from small weights by stochastic descent; for few samples the flow beside it."""
    tasks = _Tasks.alone(spec)
    ends = [*_single_task(tasks, "STL lazy", spec["scale_lazy"]), _tangent(tasks, "NTK", _initial(spec))]
    ends += _single_task(tasks) if spec["flows"] else []
    rows = (*_descended(tasks, {"STL": _initial(spec)}), *(_row(tasks, end) for end in ends))
    return [row | {"kind": "single"} for row in rows]


@dataclass(frozen=True, eq=False)
class _Tasks:
    """The tasks of a cell and what they were made from."""

    spec: Spec
    main: Task
    teacher: ReLUWeights
    aux: Task | None = None
    teacher_aux: ReLUWeights | None = None

    @staticmethod
    def of(spec: Spec) -> _Tasks:
        pair = _pair_of(spec)
        return _Tasks(spec, pair.main, pair.teacher, pair.aux, pair.teacher_aux)

    @staticmethod
    def alone(spec: Spec) -> _Tasks:
        return _Tasks(spec, *relu_alone(spec["n"], spec["units"], inputs=spec["inputs"], seed=spec["seed"]))

    @property
    def both(self) -> list[Task]:
        """Main and auxiliary task."""
        return [self.main] if self.aux is None else [self.main, self.aux]

    def fresh(self) -> Task:
        """Inputs that no method trains on."""
        return taught(self.teacher, fresh_rows(self.spec["samples_test"], self.spec["inputs"], self.spec["seed"]))


def _pair_of(spec: Spec) -> ReLUPair:
    return relu_pair(
        spec["n"],
        spec["cosines"],
        units_aux=spec["units_aux"],
        magnitude={UNIT_NORM: len(spec["cosines"]) ** -0.5, RECIPROCAL: 1 / len(spec["cosines"])}[spec["magnitude"]],
        inputs=spec["inputs"],
        samples_aux=spec["samples_aux"],
        seed=spec["seed"],
    )


@dataclass(frozen=True, eq=False)
class _Run:
    """A followed flow, the weights that it began from, and the training loss of predicting 0."""

    flow: Trajectory[ReLUWeights]
    begun: ReLUWeights
    null: float

    def way(self) -> dict[str, Any]:
        """How long it took, and the drift of what a flow conserves, over all units and relative to their energy."""
        network, ends = self.begun.network, (self.begun, self.flow.weights)
        before, after = (next(iter(network.conserved(weights).values())) for weights in ends)
        drift = float(np.abs(after - before).sum() / network.energy(self.flow.weights).sum())
        return {"time": float(self.flow.times[-1]), "evaluations": self.flow.gradient_evaluations, "drift": drift}


@dataclass(frozen=True, eq=False)
class _End:
    """Where a method ends: its network, or its loss where it is none, and what is known of the way there."""

    method: str
    how: str
    weights: ReLUWeights | None = None
    loss: float | None = None
    rescale: float = 1.0
    run: _Run | None = None
    norm: float | None = None  # F_{1,2}, of a least-norm network
    lower: float | None = None  # what it is certified against


def _initial(spec: Spec, outputs: int = 1, scale: float | None = None) -> ReLUWeights:
    scale = spec["scale"] if scale is None else scale
    return ReLUWeights.random(spec["inputs"], spec["width"], scale, outputs, spec["seed"])


def _flow(tasks: Sequence[Task], start: ReLUWeights, spec: Spec, loss: float, shares: Sequence[float] | None = None) -> _Run:
    """To a training loss relative to the (weighted) mean square of the targets, or to the latest time."""
    weights = pooled_weights(tasks) if shares is None else shares
    null = sum(share * float(np.mean(task.y**2)) for share, task in zip(weights, tasks, strict=True))
    accuracy, times = {name: spec[name] for name in ("rtol", "atol")}, SNAPSHOTS.tolist()
    ending = {"loss": loss * null, "time": spec["latest"]}
    flow = gradient_flow(start.network, tasks, start, **accuracy, **ending, task_weights=weights, at=times)
    return _Run(flow, start, null)


def _followed(method: str, run: _Run, rescale: float = 1.0) -> _End:
    return _End(method, "flow", run.flow.weights, rescale=rescale, run=run)


@lru_cache(maxsize=4)
def _read_pretrained(items: tuple[tuple[str, Any], ...]) -> ReLUWeights:
    spec = dict(items)
    (row,) = rows_of(descended_pretraining if "epochs" in spec else pretraining, spec)
    hidden = np.reshape(row["hidden"], (spec["width"], spec["inputs"]))
    return ReLUWeights.of(hidden, np.reshape(row["readout"], (1, spec["width"])))


def _pretrained(spec: Spec) -> ReLUWeights:
    start = descended_pretraining_of(spec) if "epochs" in spec else pretraining_of(spec)
    return _read_pretrained(tuple(start.items()))


def _restarted(pretrained: ReLUWeights, spec: Spec, factor: float = 1.0) -> ReLUWeights:
    return _relu(training.restarted(pretrained, spec["gamma"], factor, spec["seed"]))


def _relu(weights: AnyWeights) -> ReLUWeights:
    return ReLUWeights.of(**weights.named())


def _multi_task(tasks: _Tasks) -> list[_End]:
    spec, both, start = tasks.spec, tasks.both, _initial(tasks.spec, outputs=2)
    weightings = {"MTL": None} | ({"MTL 1:1": (0.5, 0.5)} if spec["equal"] else {})
    runs = {name: _flow(both, start, spec, spec["last_loss_pooled"], shares) for name, shares in weightings.items()}
    return [_followed(name, run) for name, run in runs.items()]


def _finetuned(tasks: _Tasks, pretrained: ReLUWeights, factor: float) -> list[_End]:
    spec = tasks.spec
    start = _restarted(pretrained, spec, factor)
    run = _flow([tasks.main], start, spec, spec["last_loss"])
    held = frozen.finetuned(tasks.main, start)
    return [_followed("PT+FT", run, factor), _End("PT+FT", "frozen", held.weights, rescale=factor)]


def _single_task(tasks: _Tasks, method: str = "STL", scale: float | None = None) -> list[_End]:
    run = _flow([tasks.main], _initial(tasks.spec, scale=scale), tasks.spec, tasks.spec["last_loss"])
    return [_followed(method, run)]


def _least_norms(tasks: _Tasks, trained: Sequence[_End]) -> list[_End]:
    """The F_{1,2} minimisers, with the auxiliary teacher held and alone, on a dictionary begun with true and learned units."""
    ends = []
    for method, pinned in (("MTL", tasks.teacher_aux), ("STL", None)):
        own = [end.weights for end in trained if (end.method, end.how) == (method, "flow")]
        learned = [clusters.directions(weights)[0] for weights in own if weights is not None]
        units = np.vstack([tasks.teacher.hidden, *learned])
        least = dictionary.least_norm(tasks.main, pinned, units, seed=tasks.spec["seed"])
        ends.append(_End(method, "least norm", least.weights, norm=least.norm, lower=least.lower))
    return ends


def _kernels(tasks: _Tasks, pretrained: ReLUWeights) -> list[_End]:
    """Linear probing and tangent-kernel regression, at the initial and at the pretrained weights."""
    spec, ends = tasks.spec, []
    begun = _restarted(pretrained, spec)
    for start, probing, kernel in ((_initial(spec), "STL (LP)", "NTK"), (begun, "PT+FT (LP)", "PT+FT (NTK)")):
        ends.append(_End(probing, "closed form", _relu(training.probed([tasks.main], start))))
        ends.append(_tangent(tasks, kernel, start))
    return ends


def _tangent(tasks: _Tasks, method: str, start: ReLUWeights) -> _End:
    linear = training.linearised([tasks.main], start)
    return _End(method, "closed form", loss=arccosine.tangent_loss(start, linear.change, tasks.teacher))


def _row(tasks: _Tasks, end: _End) -> dict[str, Any]:
    """A network as a row: what it is, its losses (in the units of y squared), and what it has learned."""
    spec, teacher = tasks.spec, tasks.teacher
    loss = arccosine.population_loss(end.weights, teacher) if end.weights is not None else end.loss
    return {
        "kind": spec["kind"],
        "method": end.method,
        "how": end.how,
        "relation": spec["relation"],
        "k_main": teacher.hidden.shape[0],
        "magnitude": spec["magnitude"],
        "rescale": end.rescale,
        "n": spec["n"],
        "seed": spec["seed"],
        "final_loss": loss,
        "training_loss": None if end.weights is None else _training_loss(tasks.main, end.weights),
        "null_loss": arccosine.null_loss(teacher),
        "f12_truth": _truth(tasks, end),
        "f12": end.norm,
        "lower": end.lower,
    } | ({} if end.run is None else _measured(tasks, end, end.run))


def _training_loss(task: Task, weights: ReLUWeights) -> float:
    return float(np.mean((weights.network.output(weights, task.X) - task.y) ** 2))


def _truth(tasks: _Tasks, end: _End) -> float | None:
    """The F_{1,2} norm of the teachers, of both if the network has learned both: equal directions share a unit."""
    main = tasks.teacher
    if not end.method.startswith("MTL") or tasks.teacher_aux is None:
        return clusters.f12_norm(main)
    aux = tasks.teacher_aux
    same = np.isclose(main.hidden @ aux.hidden.T, 1.0)
    alone = np.abs(main.readout[0])[~same.any(axis=1)].sum() + np.abs(aux.readout[0])[~same.any(axis=0)].sum()
    places = np.argwhere(same)
    shared = np.hypot(main.readout[0, places[:, 0]], aux.readout[0, places[:, 1]]).sum()
    return float(2 * (alone + shared))


def _measured(tasks: _Tasks, end: _End, run: _Run) -> dict[str, Any]:
    """What is measured of a followed flow."""
    spec, flow = tasks.spec, run.flow
    states = [*flow.snapshots, flow.weights]
    losses = [arccosine.population_loss(weights, tasks.teacher) for weights in states]
    times = np.append(SNAPSHOTS[: len(flow.snapshots)], flow.times[-1])
    reached = np.flatnonzero(flow.losses <= spec["early_loss"] * run.null)
    early = flow.times[reached[0] if reached.size else -1]
    row = {
        "best_loss": min(losses),
        "early_loss": float(np.exp(np.interp(np.log(early), np.log(times), np.log(losses)))),
        "f12": clusters.f12_norm(flow.weights),
        "pr": arccosine.participation_ratio(flow.weights.hidden),
    }
    row |= run.way() | (_clustered(tasks, flow.weights) if spec["clusters"] else {})
    return row | (_beside_start(run.begun, states, losses) if end.method == "PT+FT" else {})


def _clustered(tasks: _Tasks, weights: ReLUWeights) -> dict[str, Any]:
    """Inertia against the number of clusters, about the mean and about 0, and how well clusters meet the teacher's units."""
    found = [clusters.clusters(weights, count) for count in COUNTS]
    alone = [clusters.alignment(found[MOST_CLUSTERS - 1].centres, tasks.teacher)]
    alone += [] if tasks.teacher_aux is None else [clusters.alignment(found[MOST_CLUSTERS - 1].centres, tasks.teacher_aux)]
    return {
        "inertia": [each.inertia for each in found],
        "uncentred": [each.uncentred for each in found],
        "alignment": alone[0],
        "alignment_aux": alone[-1],
    }


def _beside_start(start: ReLUWeights, states: Sequence[ReLUWeights], losses: Sequence[float]) -> dict[str, Any]:
    """What finetuning changed: dimensions, angles, the order of the penalty; the last two along the way, beside the loss."""
    turned = [clusters.rotation(start, weights) for weights in states]
    orders = [frozen.order(start, weights) for weights in states]
    return {
        "pr_before": arccosine.participation_ratio(start.hidden),
        "ensd": arccosine.shared_dimensions(start.hidden, states[-1].hidden),
        "rotation": turned[-1],
        "rotation_at_best": turned[int(np.argmin(losses))],
        "order": orders[-1],
        "passed_losses": list(losses),
        "passed_rotations": turned,
        "passed_orders": orders,
    }


def _descent(spec: Spec) -> list[dict[str, Any]]:
    """Stochastic descent as the paper ran it, from the initial weights of the flows beside it."""
    starts = {"MTL": _initial(spec, outputs=2), "PT+FT": _restarted(_pretrained(spec), spec), "STL": _initial(spec)}
    return [row | {"kind": "pair"} for row in _descended(_Tasks.of(spec), starts)]


def _descended(tasks: _Tasks, starts: Mapping[str, ReLUWeights]) -> list[dict[str, Any]]:
    """A row for each method: where stochastic descent on its tasks leads from its weights."""
    from normtheory.solvers.descent import RELU, descend

    spec, seed = tasks.spec, tasks.spec["seed"]
    settings = replace(RELU, epochs=spec["epochs"], batch=spec.get("batch", RELU.batch))
    rows = []
    for method, start in starts.items():
        trained = tasks.both if method == "MTL" else [tasks.main]
        run = descend(trained, start, settings, test=tasks.fresh(), seed=seed)
        row = _row(tasks, _End(method, "descent", _relu(run.weights)))
        rows.append(row | {"best_loss": run.best_test_loss, "time": float(run.epochs)})
    return rows


KINDS = {
    "pair": _pair,
    "sparse": _sparse,
    "single": _single,
    "descent": _descent,
    "descended pair": _descended_pair,
    "descended single": _descended_single,
}
