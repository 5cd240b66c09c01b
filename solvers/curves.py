"""Learning curves of the paper's pairs of sparse tasks: what each method needs, without drawing a task or training a network.

`normtheory.solvers.asymptotics` says what is assumed: independent Gaussian inputs, the limit of many of them, training to
zero error or to the minimiser of squared error and penalty; `normtheory.solvers.sparse_pairs` holds the tasks, and the methods
as penalties.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Any, NamedTuple

import numpy as np

from normtheory.arrays import FloatArray, InputError, positive_scalar
from normtheory.parametrisations import Parametrisation
from normtheory.reprs import shown
from normtheory.solvers.asymptotics import Coordinates, FixedPoint, NoFixedPoint, fixed_point
from normtheory.solvers.coupled import PairPoint, pair_point
from normtheory.solvers.orbits import Orbits, gradient_curve
from normtheory.solvers.sparse_pairs import ALONE, FURTHER, METHODS, PENALISED, Classes, Method, Scales, SparsePair

THE_PAPERS = Scales()
OWN = "network"  # the method of a network of one's own, on the main task alone
STRIDE, LAST = 1.15, 1e-4  # of n: how coarsely crossings of a loss are looked for from above, and how finely they are found
STAGES = 1e-7  # relative error of the law that pretraining leaves
NEGLIGIBLE = 1e-15  # share of the coordinates: classes that small are left out
APART = 1.35  # ratio of numbers of samples that are written beside each other below a picture


class Point(NamedTuple):
    """A point of a learning curve; loss and null_loss are population squared errors beyond the labels' noise."""

    method: str
    n: int
    loss: float
    null_loss: float
    tau: float
    g: float


@shown("pair", "methods", "points")
@dataclass(frozen=True, eq=False)
class LearningCurve:
    """Generalisation loss against the number n of main samples, a curve for each method.

    Attributes
    ----------
    pair, scales, noise, strength
        What it is the curve of.
    points : tuple of Point
        By method, then by n.
    solutions : tuple of FixedPoint, or PairPoint where two tasks are learned together
        The solution behind each point: its residuals, and the law of the predictor.
    """

    pair: SparsePair
    scales: Scales
    noise: float
    strength: float
    points: tuple[Point, ...]
    solutions: tuple[FixedPoint | PairPoint, ...]

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods, in the order in which they were asked for."""
        return tuple(dict.fromkeys(point.method for point in self.points))

    def losses(self, method: str) -> tuple[FloatArray, FloatArray]:
        """n and loss of one method, two arrays.

        Raises
        ------
        InputError
            If there is no curve of that method.
        """
        points = [point for point in self.points if point.method == method]
        if not points:
            raise InputError(f"no curve of {method}; choose from {', '.join(self.methods)}")
        return np.array([float(point.n) for point in points]), np.array([point.loss for point in points])

    def plot(self, axis: Any = None) -> Any:
        """Draw loss/null loss against n on logarithmic axes, and return the matplotlib axes.

        A triangle marks the first n at which a curve is 0: from there on the teacher is recovered exactly.
        """
        from matplotlib.ticker import NullFormatter

        if axis is None:
            import matplotlib.pyplot as plt

            axis = plt.subplots(layout="constrained")[1]
        for method, style in zip(self.methods, cycle(("-", "--", ":", "-."))):
            samples, loss = self.losses(method)
            (line,) = axis.plot(samples, np.where(loss > 0, loss, np.nan) / self.pair.null_loss, style, label=method)
            recovered = samples[loss == 0]
            if recovered.size:
                look = {"color": line.get_color(), "transform": axis.get_xaxis_transform()}
                axis.plot(recovered[0], 0.02, marker="v", linestyle="none", **look)
                axis.text(recovered[0], 0.05, "0 from here on", ha="right", **look)
        title = f"{self.pair.overlap} of {self.pair.features} features shared, $D = {self.pair.inputs}$"
        axis.set(xscale="log", yscale="log", xlabel="main samples $n$", ylabel="generalisation loss / null loss", title=title)
        marked: list[int] = []
        for n in sorted({point.n for point in self.points}):
            if not marked or n >= APART * marked[-1]:
                marked.append(n)
        axis.set_xticks(marked, [str(n) for n in marked])
        axis.xaxis.set_minor_formatter(NullFormatter())
        axis.legend()
        return axis


def learning_curve(
    pair: SparsePair,
    samples: Sequence[int],
    *,
    methods: Sequence[str] | None = None,
    scales: Scales = THE_PAPERS,
    noise: float = 0.0,
    strength: float = 0.0,
    samples_aux: int | None = None,
    network: Parametrisation | None = None,
) -> LearningCurve:
    """The generalisation losses that methods of learning reach on a pair of sparse tasks, from the scalar equations.

    Parameters
    ----------
    pair : SparsePair
        The two tasks.
    samples : sequence of int
        Numbers n of main samples, each below the number of inputs where strength is 0.
    methods : sequence of str, optional
        Of METHODS: finetuning (the exact theory's penalty after pretraining), multitask (least l1,2 norm), single (from small
        weights), probing (finetuning of the second layer alone); of FURTHER: corollary1, pinned, l1, lazy. Default:
        `default_methods(strength)`.
    scales : Scales
        Of the networks.
    noise : float
        Standard deviation of the noise on the main task's labels.
    strength : float
        0: labels are fitted to zero error. Else the main task's predictor is the minimiser of |X beta - y|^2/(2n) + strength
        times the method's penalty (`normtheory.solvers.penalised`); pretraining fits its labels. For methods in PENALISED.
    samples_aux : int, optional
        Number of auxiliary samples, without noise. From the number of inputs on (the default), and for multi-task learning
        wherever the auxiliary teacher is recovered, its predictor is the teacher. With fewer pretraining ends at a random
        predictor, whose law enters finetuning; and multi-task learning has four equations (`normtheory.solvers.coupled`).
    network : Parametrisation, optional
        A network of one's own with one output and a start in numbers, trained on the main task alone: the method "network".

    Raises
    ------
    InputError
        If a method is unknown, or a number is out of its range.
    NoFixedPoint
        If the equations were not solved to their tolerance.
    """
    few = samples_aux is not None and samples_aux < pair.inputs
    known = METHODS | FURTHER | ({} if network is None else {OWN: _of_own(network)})
    chosen = default_methods(strength) if methods is None else methods
    _check(pair, chosen, scales, samples_aux, known)
    _check_samples(pair, samples, strength, chosen)
    ordered = sorted(set(samples))
    points: list[Point] = []
    solutions: list[FixedPoint | PairPoint] = []
    for method in dict.fromkeys(chosen):
        if method == "multitask" and few:
            together = _together(pair, ordered, samples_aux or 0, noise)
            points += [Point(method, n, *_of_main(each, pair)) for n, each in zip(ordered, together, strict=True)]
            solutions += together
            continue
        classes = pair.classes()
        if few and method not in (*ALONE, OWN):
            classes = _pretrained(classes, scales, samples_aux or 0)
        along = _along(known[method](classes, scales), ordered, noise, strength)
        points += [Point(method, n, e.loss, pair.null_loss, e.tau, e.g) for n, e in zip(ordered, along, strict=True)]
        solutions += along
    return LearningCurve(pair, scales, noise, strength, tuple(points), tuple(solutions))


def default_methods(strength: float = 0.0) -> tuple[str, ...]:
    """The methods of a learning curve unless others are asked for, at a strength of the penalty beside the squared error."""
    return tuple(method for method in METHODS if not strength or method in PENALISED)


def samples_needed(pair: SparsePair, method: str, share: float, *, scales: Scales = THE_PAPERS, noise: float = 0.0) -> float:
    """The number of main samples (not rounded) from which on a method's loss stays below a share of the null loss.

    Parameters
    ----------
    share : float
        Loss over null loss, between 0 and 1.
    pair, method, scales, noise
        As in `learning_curve`, with one method.

    Returns
    -------
    float
        The largest n at which the loss is `share` times the null loss; a curve may rise before it (linear probing does). NaN
        if the loss is larger just below n = D, as it is with noise.

    Raises
    ------
    InputError, NoFixedPoint
        As `learning_curve`.
    """
    _check(pair, [method], scales, None, METHODS | FURTHER)
    if not 0 < share < 1:
        raise InputError(f"share = {share:g}; give a share of the null loss between 0 and 1")
    groups = (METHODS | FURTHER)[method](pair.classes(), scales)
    level = share * pair.null_loss

    last: list[FixedPoint] = []  # that of the neighbouring n, to start from

    def learned(n: float) -> bool:
        last[:] = [fixed_point(groups, n, noise, guess=last[0] if last else None)]
        return last[0].loss <= level

    low = high = (1 - LAST) * pair.inputs
    if not learned(high):
        return float("nan")
    while learned(low):
        high, low = low, low / STRIDE
        if low < LAST:
            return 0.0
    while high / low > 1 + LAST:
        middle = (high * low) ** 0.5
        low, high = (low, middle) if learned(middle) else (middle, high)
    return float((high * low) ** 0.5)


def _of_own(network: Parametrisation) -> Method:
    """The penalty of a network of one's own as a method; each class of coordinates starts alike."""
    if len(network.outputs) != 1:
        raise InputError(f"the network has {len(network.outputs)} outputs; a learning curve needs one")
    state = network.weights_at_start()
    if state.shape[1] != 1:
        raise InputError("the start of a learning curve's network holds arrays; give numbers")

    def method(classes: Classes, scales: Scales) -> list[Coordinates]:
        return [
            Coordinates(
                classes.number,
                classes.teacher,
                Orbits(gradient_curve(network), np.repeat(state, classes.number.size, axis=1)),
            )
        ]

    return method


def _check(
    pair: SparsePair, methods: Sequence[str], scales: Scales, samples_aux: int | None, known: Mapping[str, Method]
) -> None:
    unknown = [method for method in methods if method not in known]
    if unknown or not methods:
        raise InputError(f"unknown method {unknown[0]!r}; choose from {', '.join(known)}" if unknown else "no method given")
    for name in ("alpha", "gamma", "rescale"):
        positive_scalar(getattr(scales, name), name)
    if samples_aux is not None and samples_aux < 1:
        raise InputError(f"samples_aux = {samples_aux}; give at least 1")
    if "pinned" in methods and samples_aux is not None and samples_aux < pair.inputs:
        raise InputError(
            f"pinned holds the auxiliary teacher; give samples_aux of at least {pair.inputs}, the number of inputs"
        )


def _check_samples(pair: SparsePair, samples: Sequence[int], strength: float, methods: Sequence[str]) -> None:
    """Numbers of samples are positive, and below that of inputs where labels are fitted; a strength is for some methods."""
    if not (np.isfinite(strength) and strength >= 0):
        raise InputError(f"lambda = {strength:g}; give a number that is at least 0")
    without = [method for method in methods if method not in PENALISED]
    if strength and without:
        raise InputError(f"lambda has no meaning for the method {without[0]}; choose from {', '.join(PENALISED)}")
    wrong = [n for n in samples if n < 1 or (n >= pair.inputs and not strength)]
    if wrong or not samples:
        what = f"samples = {wrong[0]}" if wrong else "no number of samples given"
        allowed = "of at least 1" if strength else f"from 1 to {pair.inputs - 1}, below the number of inputs"
        raise InputError(f"{what}; give numbers {allowed}")


def _along(groups: list[Coordinates], samples: Sequence[int], noise: float, strength: float = 0.0) -> list[FixedPoint]:
    """A curve of fixed points, each found from the one before."""
    found: list[FixedPoint] = []
    for n in samples:
        found.append(fixed_point(groups, n, noise, strength=strength, guess=found[-1] if found else None))
    return found


def _together(pair: SparsePair, samples: Sequence[int], samples_aux: int, noise: float) -> list[PairPoint]:
    classes, found = pair.classes(), list[PairPoint]()
    teachers = np.stack([classes.teacher, classes.beta_aux])
    for n in samples:
        found.append(pair_point(classes.number, teachers, (n, samples_aux), (noise, 0.0), guess=found[-1] if found else None))
    return found


def _of_main(point: PairPoint, pair: SparsePair) -> tuple[float, float, float, float]:
    return float(point.loss[0]), pair.null_loss, float(point.tau[0]), float(point.g[0])


def _pretrained(classes: Classes, scales: Scales, samples_aux: int) -> Classes:
    """The classes after pretraining on fewer samples than inputs: each falls into one for every node of its predictor's law.

    As few nodes as give both sums of the pretraining's own equations to STAGES.
    """
    first = Classes(classes.number, classes.beta_aux, classes.beta_aux)
    (point,) = _along(METHODS["single"](first, scales), [samples_aux], 0.0)
    (group,) = point.coordinates
    for count in (24, 48, 96, 192, 384):
        nodes = group.law.nodes(group.teacher, point.tau, group.law.unit * point.g, count)
        error = point.tau * nodes.h - nodes.pull
        sums = [float(np.sum(group.count * nodes.weight * square)) for square in (error**2, nodes.pull**2)]
        known = [samples_aux * point.tau**2, (classes.number.sum() - samples_aux) * point.tau**2]
        if np.allclose(sums, known, rtol=STAGES, atol=0):
            break
    else:
        raise NoFixedPoint(f"the law of the pretrained predictor needs more than {count} nodes; give a larger alpha")
    number = classes.number * nodes.weight
    kept = number > NEGLIGIBLE * number.max()
    teacher = np.broadcast_to(classes.teacher, number.shape)
    return Classes(number[kept], teacher[kept], (classes.beta_aux + error)[kept])
