"""Two tasks learned together by least l1,2 norm from independent Gaussian designs: four scalar equations in the limit.

The program is min 2 sum_d sqrt(b_1d^2 + b_2d^2) subject to X_o b_o = y_o for both tasks o. Gordon's comparison holds for each
design by itself, so that (b_1, b_2) of a coordinate is the proximal map of the group's norm at v_o = teacher_o + tau_o h_o,
with a gain g_o for each task, and each task has the two equations of `normtheory.solvers.asymptotics`. The map is
b_o = v_o r/(r + 2 g_o), where r = ||b|| solves sum_o v_o^2/(r + 2 g_o)^2 = 1, and 0 inside the ellipse where that has no root.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import root

from normtheory.arrays import FloatArray, InputError, positive, real_array
from normtheory.reprs import shown
from normtheory.solvers.asymptotics import Coordinates, FixedPoint, NoFixedPoint, fixed_point
from normtheory.solvers.proximal import TAIL, Hyperbola, SoftThreshold

NODES = (14, 20, 30, 44)  # Gauss-Legendre, in each panel of either variable: solved on one, confirmed by the next
TOLERANCE = 1e-5  # of the residuals with the next number of nodes
SOLVED = 1e-9  # of the residuals at fixed nodes
RATIOS = np.logspace(-3, 3, 13)  # of the two taus
VANISHING = 1e-7  # tau of a task, in units of its null predictor's, at which exact recovery is looked for


@shown()
@dataclass(frozen=True, eq=False)
class PairPoint:
    """A solution of the four equations; each array has an entry for the main and one for the auxiliary task.

    Attributes
    ----------
    loss, tau, g : arrays, shape (2,)
        As in `FixedPoint`, 0 where the teacher is recovered exactly.
    residuals : array, shape (2, 2)
        Of (loss) and (rows), a row a task, with more nodes than the solution was found on.
    """

    loss: FloatArray
    tau: FloatArray
    g: FloatArray
    residuals: FloatArray


def held(count: FloatArray, teacher: FloatArray, beta_aux: FloatArray) -> list[Coordinates]:
    """Least l1,2 norm beside an auxiliary predictor that does not move: 2 sqrt(b^2 + beta_aux^2), l1 where that is 0."""
    used, groups = beta_aux != 0, []
    if used.any():
        groups.append(Coordinates(count[used], teacher[used], Hyperbola(beta_aux[used])))
    if not used.all():
        groups.append(Coordinates(count[~used], teacher[~used], SoftThreshold(np.ones(int((~used).sum())))))
    return groups


def pair_point(
    count: ArrayLike,
    teachers: ArrayLike,
    samples: tuple[float, float],
    noise: tuple[float, float] = (0.0, 0.0),
    *,
    guess: PairPoint | None = None,
) -> PairPoint:
    """Solve the four equations of two tasks that are learned together.

    Parameters
    ----------
    count : array, shape (C,)
        Number of coordinates of each class.
    teachers : array, shape (2, C)
        Main and auxiliary teacher on them.
    samples, noise : pairs of float
        Numbers of samples, each below the number of inputs, and standard deviations of the labels' noise.
    guess : PairPoint, optional
        Of a neighbouring problem.

    Raises
    ------
    InputError
        If the input is malformed.
    NoFixedPoint
        If the tolerance was not reached.
    """
    counts = positive(np.atleast_1d(real_array(count, "count")), "count")
    truth = real_array(teachers, "teachers")
    if truth.shape != (2, counts.size):
        raise InputError(f"teachers has shape {truth.shape}; give shape (2, {counts.size}), a row per task")
    inputs = float(counts.sum())
    if not all(0 < n < inputs for n in samples) or min(noise) < 0:
        raise InputError(f"samples = {samples}, noise = {noise}; give samples between 0 and {inputs:g}, noise of at least 0")
    problem = _Pair(counts, truth, np.array(samples, dtype=np.float64), np.array(noise, dtype=np.float64))
    for task in (1, 0):
        point = problem.beside_recovered(task)
        if point is not None:
            return point
    return problem.solve(guess)


@dataclass(frozen=True, eq=False)
class _Pair:
    count: FloatArray
    teachers: FloatArray
    samples: FloatArray
    noise: FloatArray

    @property
    def inputs(self) -> float:
        return float(self.count.sum())

    @property
    def null(self) -> FloatArray:
        """tau of the null predictors."""
        return np.asarray(np.sqrt((np.sum(self.count * self.teachers**2, axis=1) + self.noise**2) / self.samples))

    def beside_recovered(self, task: int) -> PairPoint | None:
        """The solution where a task's teacher is recovered exactly, if it is: the other then learns beside a held predictor."""
        if self.noise[task] > 0:
            return None
        other = 1 - task
        groups = held(self.count, self.teachers[other], self.teachers[task])
        point = fixed_point(groups, self.samples[other], self.noise[other])
        back = held(self.count, self.teachers[task], self.teachers[other])
        if point.recovered:
            recovered = fixed_point(back, self.samples[task]).recovered and self._recover_together()
        else:
            recovered = self._recovers(task, point)
        if not recovered:
            return None
        ends = [np.zeros(2), np.zeros(2), np.zeros(2), np.zeros((2, 2))]
        ends[0][other], ends[1][other], ends[2][other], ends[3][other] = point.loss, point.tau, point.g, point.residuals
        return PairPoint(*ends)

    def _recovers(self, task: int, point: FixedPoint) -> bool:
        """Whether (loss) errs to the side of recovery at a vanishing tau, beside the other task's law."""
        tau, g = np.empty(2), np.empty(2)
        tau[1 - task], g[1 - task] = point.tau, point.g
        tau[task] = VANISHING * self.null[task]

        def moments(log_g: float) -> FloatArray:
            g[task] = np.exp(log_g)
            return self.moments(tau, g, NODES[1])[:, task]

        known = (self.inputs - self.samples[task]) * tau[task] ** 2
        log_g = _increasing_root(lambda log_g: float(np.log(moments(log_g)[1] / known)), float(np.log(tau[task])))
        return bool(moments(log_g)[0] < self.samples[task] * tau[task] ** 2)

    def _recover_together(self) -> bool:
        """Whether the saddle function grows from tau = 0 in every direction of the quadrant, at RATIOS of the two taus.

        Both recovering beside the other's teacher is not enough: inputs that neither uses share one threshold. The function is
        convex, and its slope along tau is that of sum_o (n_o tau_o^2 - sum E (b_o - teacher_o)^2)/(2 g_o).
        """
        for ratio in RATIOS:
            tau = VANISHING * self.null * np.array([ratio**-0.5, ratio**0.5])
            known = (self.inputs - self.samples) * tau**2

            def rows(log_g: FloatArray, tau: FloatArray = tau, known: FloatArray = known) -> FloatArray:
                pull = self.moments(tau, np.exp(log_g), NODES[0])[1]
                return np.asarray(np.log(pull / known))

            g: FloatArray = np.exp(root(rows, np.log(tau), method="hybr").x)
            if np.abs(rows(np.log(g))).max() > TOLERANCE:
                raise NoFixedPoint(
                    "whether both teachers are recovered was not decided: the gains at vanishing noise were not found"
                )
            error = self.moments(tau, g, NODES[0])[0]
            if float(np.sum((self.samples * tau**2 - error) / g)) < 0:
                return False
        return True

    def solve(self, guess: PairPoint | None) -> PairPoint:
        """All four at once, from a neighbour or from each task by itself."""
        start = None
        if guess is not None and (guess.tau > 0).all():
            start = np.log(np.concatenate([guess.tau, guess.g]))
        if start is None:
            alone = [self._alone(task) for task in (0, 1)]
            start = np.log([alone[0][0], alone[1][0], alone[0][1], alone[1][1]])
        finest = np.full(4, np.inf)
        for count, finer in pairwise(NODES):
            start = root(self.residuals, start, args=(count,), method="hybr", options={"xtol": 1e-12}).x
            left, finest = np.abs(self.residuals(start, count)), np.abs(self.residuals(start, finer))
            if left.max() <= SOLVED and finest.max() <= TOLERANCE:
                tau, g = np.exp(start[:2]), np.exp(start[2:])
                return PairPoint(self.samples * tau**2 - self.noise**2, tau, g, finest.reshape(2, 2).T)
        raise NoFixedPoint(f"the four equations of two tasks hold to {finest.max():.1e} only; they are close to exact recovery")

    def _alone(self, task: int) -> tuple[float, float]:
        """tau and g of least l1 norm on one task, slightly noisy so that there is one."""
        law = SoftThreshold(np.ones_like(self.count))
        noise = max(float(self.noise[task]), 0.1 * float(self.null[task]) * float(self.samples[task]) ** 0.5)
        point = fixed_point([Coordinates(self.count, self.teachers[task], law)], float(self.samples[task]), noise)
        return point.tau, point.g

    def residuals(self, logs: FloatArray, count: int) -> FloatArray:
        """log(right/left) of (loss) for both tasks, then of (rows), shape (4,)."""
        tau, g = np.exp(logs[:2]), np.exp(logs[2:])
        error, pull, _ = self.moments(tau, g, count)
        loss = (self.noise**2 + error) / (self.samples * tau**2)
        rows = (self.noise**2 + pull) / ((self.inputs - self.samples) * tau**2)
        return np.asarray(np.log(np.concatenate([loss, rows])))

    def moments(self, tau: FloatArray, g: FloatArray, count: int) -> FloatArray:
        """Sums over coordinates of E (b - teacher)^2, E (v - b)^2 and E db/dv, a column a task: shape (3, 2)."""
        total = np.zeros((3, 2))
        for number, teacher in zip(self.count, self.teachers.T, strict=True):
            h, weight = _nodes(teacher, tau, g, count)
            noise = tau[:, None] * h
            v = teacher[:, None] + noise
            b, slope = group_prox(v, g)
            pull = v - b
            values = np.stack([(noise - pull) ** 2, pull**2, slope])
            total += number * (values * weight).sum(axis=2)
        return total


def group_prox(v: FloatArray, g: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The minimiser of 2 ||b|| + sum_o (b_o - v_o)^2/(2 g_o), and db_o/dv_o, each of shape (2, m) like v.

    The secular equation for r = ||b|| is solved by Newton's method for 1/sqrt(sum_o v_o^2/(r + 2 g_o)^2) = 1, which is concave
    in r: from r = 0 it rises monotonically after one step.
    """
    gains = 2 * g[:, None]
    outside = np.sum((v / gains) ** 2, axis=0) > 1
    r = np.zeros(v.shape[1])
    w = np.where(outside, v, gains)  # inside, any v whose root is known
    for _ in range(60):
        square = np.sum((w / (r + gains)) ** 2, axis=0)
        slope = np.sum(w**2 / (r + gains) ** 3, axis=0)
        step = square * (np.sqrt(square) - 1) / slope
        step = np.where(outside, step, 0.0)
        r = np.maximum(r + step, 0.0)
        if np.all(np.abs(step) <= 1e-15 * r):
            break
    share = np.where(outside, r / (r + gains), 0.0)
    along = (w / (r + gains) ** 2) / np.sum(w**2 / (r + gains) ** 3, axis=0)  # dr/dv
    slope = np.where(outside, share + w * gains / (r + gains) ** 2 * along, 0.0)
    return share * v, slope


def _nodes(teacher: FloatArray, tau: FloatArray, g: FloatArray, count: int) -> tuple[FloatArray, FloatArray]:
    """h of shape (2, m) and weights (m,): panels that end on the ellipse |v/(2 g)| = 1, inside which b is 0."""
    place, share = np.polynomial.legendre.leggauss(count)
    edges = np.clip((2 * g[1] * np.array([-1.0, 1.0]) - teacher[1]) / tau[1], -TAIL, TAIL)
    outer = np.array([-TAIL, edges[0], edges[1], TAIL])
    # Towards an end of the ellipse the inner panels change like the root of the distance: nodes are spaced by its square.
    h2, w2 = (np.concatenate(parts) for parts in zip(*(_graded(*ends, place, share) for ends in _halved(outer)), strict=True))
    inside = np.sqrt(np.maximum(1 - ((teacher[1] + tau[1] * h2) / (2 * g[1])) ** 2, 0.0))
    half = 2 * g[0] * inside
    low, high = np.clip((np.stack([-half, half]) - teacher[0]) / tau[0], -TAIL, TAIL)
    panels = [_graded(low, -TAIL, place, share), _between(low, high, place, share), _graded(high, TAIL, place, share)]
    h1, w1 = (np.concatenate(parts) for parts in zip(*panels, strict=True))
    both = np.broadcast_to(h2, h1.shape)
    weight = w1 * w2 * np.exp(-(h1**2 + both**2) / 2) / (2 * np.pi)
    return np.stack([h1.ravel(), both.ravel()]), weight.ravel()


def _halved(edges: FloatArray) -> list[tuple[float, float]]:
    """Each panel from either of its ends to its middle."""
    panels = [(low, high, (low + high) / 2) for low, high in pairwise(edges.tolist()) if high > low]
    return [(end, middle) for low, high, middle in panels for end in (low, high)]


def _graded(
    end: FloatArray | float, other: FloatArray | float, place: FloatArray, share: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Nodes from `end` to `other`, a row each, that lie the closer the nearer they are to `end`."""
    t = (place.reshape(-1, *(1,) * np.ndim(end)) + 1) / 2
    width = other - np.asarray(end)
    return end + width * t**2, np.abs(width) * t * share.reshape(t.shape)


def _between(low: FloatArray, high: FloatArray, place: FloatArray, share: FloatArray) -> tuple[FloatArray, FloatArray]:
    return (low + high) / 2 + (high - low) / 2 * place[:, None], (high - low) / 2 * share[:, None]


def _increasing_root(function: Callable[[float], float], x: float) -> float:
    from scipy.optimize import brentq

    low = high = x
    while function(low) > 0:
        low -= 2
    while function(high) < 0:
        high += 2
    return float(brentq(function, low, high, xtol=1e-10)) if high > low else x
