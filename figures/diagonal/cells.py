"""The cells of Figures 1 and 5: diagonal networks of the paper's size on pairs of sparse tasks, trained and predicted.

A cell is one pair of tasks (`grid` lists them); its rows are the predictors that every method ends at. `method` says
what is trained, `how` where the predictor comes from:

MTL             flow (of the loss pooled over all samples, as the paper trains), l12 (least l1,2 norm, Eq. 5), or pinned
                (auxiliary task fitted first and held: the potential of `normtheory.solvers.potentials.PinnedOrbits`)
MTL 1:1         flow, both tasks weighing the same
PT+FT           exact (certified minimiser of the exact theory), flow, or printed (Corollary 1 as printed)
STL             exact, flow
PT+FT (LP), STL (LP)    closed form: only the second layer is trained
teacher         given: the ground truth, for its norms

The auxiliary task has more samples than inputs, so that pretraining ends at its teacher exactly, and enters in closed form.
"""

from __future__ import annotations

from dataclasses import dataclass
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
from normtheory.tasks import TeacherStudent, generalisation_loss, teacher_student

# The paper's setting (section 4): all weights of a new network are ALPHA, a reset readout is GAMMA.
FEATURES_AUX = 40
ALPHA = GAMMA = 1e-3
RTOL = 1e-6  # of flows whose endpoint the exact theory gives: predictors to about 1e-7
# Multi-task flows end at the training loss at which the paper's own runs were to stop (none did before its last epoch). The
# auxiliary Gram matrix is nearly singular: what is left to learn then changes generalisation losses below 1e-5 by some percent.
MTL_RTOL, MTL_LOSS = 1e-5, 1e-10
SNAPSHOTS = np.logspace(-1, 7, 161)  # flow times, from one step of the paper's descent on, at which test losses are looked at
TOPS = (1, 2, 5, 10, 20, 30, 40, 50, 60, 80, 120, 200)  # numbers of strongest weights


def cell(spec: Spec) -> list[dict[str, Any]]:
    """The rows of one pair of tasks."""
    return _overlapping(spec) if spec["kind"] == "overlap" else _sparse(spec)


def _overlapping(spec: Spec) -> list[dict[str, Any]]:
    """Two tasks of 40 features each, all of size 1/sqrt(40): every method."""
    tasks = _tasks(spec, None)
    ends = [*_multi_task(tasks), _equal_weights(tasks)]
    finetuned = _finetuning(tasks, 1.0, followed=True)
    ends += [*finetuned, _printed(tasks, finetuned[0].beta), *_single_task(tasks), *_probing(tasks)]
    return [_row(spec, "1/sqrt(k)", tasks, end) for end in ends] + [_teacher_row(spec, tasks)]


def _sparse(spec: Spec) -> list[dict[str, Any]]:
    """A main task of few features of size 1/k, and PT+FT once more with size 1/sqrt(k), as a control."""
    tasks = _tasks(spec, 1 / spec["features"])
    ends = _multi_task(tasks)
    for factor in spec["rescale"]:
        ends += _finetuning(tasks, factor, followed=spec["flow"])
    rows = [_row(spec, "1/k", tasks, end) for end in ends]
    control = _tasks(spec, None)
    for factor in spec["rescale"]:
        rows += [_row(spec, "1/sqrt(k)", control, end) for end in _finetuning(control, factor, followed=False)]
    return rows


def _tasks(spec: Spec, magnitude: float | None) -> TeacherStudent:
    counts = {"inputs": spec["inputs"], "samples_aux": spec["samples_aux"], "features": spec["features"]}
    return teacher_student(
        spec["n"], spec["overlap"], features_aux=FEATURES_AUX, magnitude=magnitude, seed=spec["seed"], **counts
    )


@dataclass(frozen=True, eq=False)
class _End:
    """Where a method ends: its main predictor, and what is known of the way there."""

    method: str
    how: str
    beta: FloatArray
    rescale: float = 1.0
    best_loss: float | None = None  # least generalisation loss on the way
    distance: float | None = None  # relative: of a flow from the exact theory, of any other prediction from its subject
    beta_aux: FloatArray | None = None  # of a network with two outputs


def _multi_task(tasks: TeacherStudent) -> list[_End]:
    from normtheory.solvers import groups, newton
    from normtheory.solvers.pinned import PinnedOrbits

    main, aux = tasks.main, tasks.aux
    least = groups.minimize_pair(main.X, main.y, aux.X, aux.y).beta
    pinned = newton.minimize_separable(main.X, main.y, PinnedOrbits(tasks.teacher_aux, ALPHA)).beta
    flow = _multi_task_flow("MTL", tasks, None)
    return [
        flow,
        _End("MTL", "l12", least[0], distance=_distance(least[0], flow.beta), beta_aux=least[1]),
        _End("MTL", "pinned", pinned, distance=_distance(pinned, flow.beta), beta_aux=tasks.teacher_aux),
    ]


def _equal_weights(tasks: TeacherStudent) -> _End:
    return _multi_task_flow("MTL 1:1", tasks, (0.5, 0.5))


def _multi_task_flow(method: str, tasks: TeacherStudent, weights: tuple[float, float] | None) -> _End:
    start = Weights.constant(tasks.main.inputs, ALPHA, outputs=2)
    run = gradient_flow(
        DiagonalNetwork(2),
        [tasks.main, tasks.aux],
        start,
        rtol=MTL_RTOL,
        loss=MTL_LOSS,
        task_weights=weights,
        at=SNAPSHOTS.tolist(),
    )
    main, aux = run.beta
    return _End(method, "flow", main, best_loss=_best_loss(run, tasks), beta_aux=aux)


def _finetuning(tasks: TeacherStudent, rescale: float, *, followed: bool) -> list[_End]:
    """By the exact theory and, if `followed`, by the flow, from the pretrained weights."""
    pretrained = exact.pretraining(tasks.teacher_aux, ALPHA)
    start = exact.reset(exact.rescaled(pretrained, rescale), rescale * GAMMA)
    return _exactly(tasks, "PT+FT", start, rescale, followed=followed)


def _single_task(tasks: TeacherStudent) -> list[_End]:
    return _exactly(tasks, "STL", Weights.constant(tasks.main.inputs, ALPHA), 1.0, followed=True)


def _exactly(tasks: TeacherStudent, method: str, start: Weights, rescale: float, *, followed: bool) -> list[_End]:
    from normtheory.solvers.newton import minimize

    predicted = minimize(tasks.main.X, tasks.main.y, *exact.scale_and_start(start)).beta
    ends = [_End(method, "exact", predicted, rescale)]
    if followed:
        run = gradient_flow(DiagonalNetwork(), tasks.main, start, rtol=RTOL, at=SNAPSHOTS.tolist())
        ends.append(_End(method, "flow", run.beta, rescale, _best_loss(run, tasks), _distance(run.beta, predicted)))
    return ends


def _printed(tasks: TeacherStudent, predicted: FloatArray) -> _End:
    from normtheory.solvers.newton import minimize

    scale_and_start = exact.printed_corollary1(tasks.teacher_aux, GAMMA)
    printed = minimize(tasks.main.X, tasks.main.y, *scale_and_start).beta
    return _End("PT+FT", "printed", printed, distance=_distance(printed, predicted))


def _distance(beta: FloatArray, other: FloatArray) -> float:
    return float(np.linalg.norm(beta - other) / np.linalg.norm(other))


def _probing(tasks: TeacherStudent) -> list[_End]:
    starts = {
        "PT+FT (LP)": exact.reset(exact.pretraining(tasks.teacher_aux, ALPHA), GAMMA),
        "STL (LP)": Weights.constant(tasks.main.inputs, ALPHA),
    }
    X, y = tasks.main.X, tasks.main.y
    return [_End(method, "closed form", exact.probing(start, X, y)) for method, start in starts.items()]


def _best_loss(run: Trajectory[Weights], tasks: TeacherStudent) -> float:
    """The least generalisation loss on the way: what early stopping on the test set would report."""
    network = DiagonalNetwork(run.weights.outputs)
    passed = [network.effective_map(weights) for weights in (*run.snapshots, run.weights)]
    return min(generalisation_loss(beta if beta.ndim == 1 else beta[0], tasks.teacher) for beta in passed)


def _row(spec: Spec, magnitude: str, tasks: TeacherStudent, end: _End) -> dict[str, Any]:
    """A run as a row: what it is, its losses (in the units of y squared), and where the weight of its predictor lies."""
    beta, null = end.beta, generalisation_loss(np.zeros_like(tasks.teacher), tasks.teacher)
    return {
        "kind": spec["kind"],
        "method": end.method,
        "how": end.how,
        "overlap": spec["overlap"],
        "k_main": spec["features"],
        "magnitude": magnitude,
        "rescale": end.rescale,
        "n": spec["n"],
        "seed": spec["seed"],
        "final_loss": generalisation_loss(beta, tasks.teacher),
        "best_loss": end.best_loss,
        "null_loss": null,
        "distance": end.distance,
        "aux_share": share_on(beta, tasks.teacher_aux != 0),
        "outside_top": [share_outside_top(beta, count) for count in TOPS],
        **_norms(beta, tasks.teacher_aux if end.beta_aux is None else end.beta_aux, tasks.teacher_aux),
    }


def _teacher_row(spec: Spec, tasks: TeacherStudent) -> dict[str, Any]:
    """The ground truth as a row, for its norms."""
    return _row(spec, "1/sqrt(k)", tasks, _End("teacher", "given", tasks.teacher))


def _norms(beta: FloatArray, beta_aux: FloatArray, pretrained: FloatArray) -> dict[str, float]:
    """l1; l1,2 together with the auxiliary predictor; what finetuning minimises, as printed (Eq. 3) and exactly."""
    k, start = exact.finetuning(pretrained, ALPHA, GAMMA)
    return {
        "l1": L1().value(beta),
        "l12": GroupL12().value(np.stack([beta, beta_aux])),
        "q_printed": Q(exact.printed_corollary1(pretrained, GAMMA).k).value(beta),
        "q_exact": float(Q(k).divergence(beta, start).sum()),
    }
