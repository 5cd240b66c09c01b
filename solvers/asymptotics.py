"""Learning curves without training: the two scalar equations that the minimiser of a separable penalty obeys in the limit.

For a design X of n rows with independent standard normal entries, y = X teacher + noise, and the minimiser of sum_d f_d(b_d)
subject to X b = y, as D and n grow in proportion, the coordinates become b_d = prox_{g f_d}(teacher_d + tau h_d), h_d standard
normal (convex Gaussian min-max theorem: Thrampoulidis, Abbasi & Hassibi 2018, arXiv 1601.06233), where

    n tau^2       = noise^2 + sum_d E (b_d - teacher_d)^2                                       (loss)
    (D - n) tau^2 = noise^2 + sum_d E (v_d - b_d)^2,      v_d = teacher_d + tau h_d.            (rows)

By Stein's lemma the second is, given the first, the better known n = sum_d E prox'(v_d), by which the solution is checked.
The minimiser of |X b - y|^2/(2n) + strength * sum_d f_d(b_d) obeys them with

    (D - n + 2 n strength/g) tau^2 = noise^2 + sum_d E (v_d - b_d)^2                            (rows)

instead, that is n (1 - strength/g) = sum_d E prox', and n may exceed D. `docs/curves.md` derives all of it, and says how inputs
of several variances come to this case. They are the stationarity conditions of a function L(tau, theta), theta = tau/g, convex
in tau and concave in theta: at fixed tau the right side of (rows) grows with g and the left side does not, so that g(tau) is
the only root; and along it (loss) changes sign once, since the maximum of L over theta is convex in tau. Both roots are
therefore bracketed by signs alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from normtheory.arrays import FloatArray, InputError, positive, real_array
from normtheory.reprs import shown
from normtheory.solvers.potentials import Potential
from normtheory.solvers.proximal import Graph, Law, Nodes, law_of, stretched

NODES = 128  # to begin with; doubled until the residuals hold with twice as many
MOST_NODES = 2**15
LAW_NODES = 2**12  # where weights are sorted by size: shares to 1e-5, numbers of weights to 1e-3
TOLERANCE = 1e-9  # of both residuals, each relative to the side of its equation that is known
SOLVED = 1e-12  # at fixed nodes
MOST_STEPS = 100
ROUND_OFF = 4 * np.finfo(np.float64).eps
LONGEST_STEP = 4.0  # in log tau^2 and log g
# In log tau^2 from the null predictor's: where a penalty with kinks is looked at for exact recovery. A loss below 1e-26 of the
# null predictor's is not told from it.
RECOVERED = -60.0


class NoFixedPoint(RuntimeError):
    """The two equations were not solved to their tolerance."""


@shown()
@dataclass(frozen=True, eq=False)
class Coordinates:
    """Classes of coordinates that share a kind of penalty. The inputs are independent, of a variance that a class shares.

    A coordinate whose input has variance s enters as if it had variance 1, and sqrt(s) times its teacher, start and predictor:
    its penalty is f(b/sqrt(s)) in terms of that product b (`normtheory.solvers.proximal.Stretched`).

    Parameters
    ----------
    count : array, shape (C,)
        Number of coordinates of each class; need not be integers.
    teacher : array, shape (C,)
        The true predictor on them.
    penalty : Law, Graph or Potential, with C coordinates
        For instance `HyperbolicEntropy(k, beta0)`, `DeepDiagonal`, `PinnedMultiTask`, or a potential of one's own whose `map`
        takes arrays of shape (..., C); `Quadratic`, `Hyperbola` and `SoftThreshold` of `normtheory.solvers.proximal`.
    variance : float or array, shape (C,)
        Of the inputs of each class (default: 1).

    Attributes
    ----------
    root, truth, law
        sqrt(variance), root * teacher, and the law of root * predictor.

    Raises
    ------
    InputError
        If shapes disagree, or a count or a variance is not positive.
    """

    count: FloatArray
    teacher: FloatArray
    root: FloatArray
    truth: FloatArray
    law: Law

    def __init__(
        self, count: ArrayLike, teacher: ArrayLike, penalty: Law | Potential | Graph, variance: ArrayLike = 1.0
    ) -> None:
        law = law_of(penalty)
        counts = positive(np.atleast_1d(real_array(count, "count")), "count")
        given = np.atleast_1d(real_array(teacher, "teacher"))
        variances = positive(np.atleast_1d(real_array(variance, "variance")), "variance")
        if variances.size == 1:
            variances = np.broadcast_to(variances.ravel(), counts.shape)
        for name, array in (("teacher", given), ("the penalty", law.start), ("variance", variances)):
            if array.shape != counts.shape:
                raise InputError(f"{name} has shape {array.shape}, but count {counts.shape}; give one entry per class")
        root = np.sqrt(variances)
        if np.any(root != 1):
            law = stretched(law, root)
        values = (("count", counts), ("teacher", given), ("root", root), ("truth", root * given), ("law", law))
        for name, value in values:
            object.__setattr__(self, name, value)


@shown("samples", "noise", "strength", "loss", "tau", "g", "residuals", "recovered")
@dataclass(frozen=True, eq=False)
class FixedPoint:
    """A solution of the two equations, and the law of the predictor that it gives.

    Attributes
    ----------
    samples, noise, strength : float
        n, the standard deviation of the labels' noise, and the factor of the penalty beside the squared error; 0: no error.
    loss : float
        sum_d variance_d E (b_d - teacher_d)^2: population squared error beyond the noise.
    tau, g : float
        The solution. g is the multiplier of the penalty in the proximal map.
    residuals : tuple of two floats
        |right side/left side - 1| of (loss) and of n = sum E prox' + n strength/g, with twice the nodes that the solution was
        found on.
    recovered : bool
        Whether the teacher is recovered exactly; then loss = tau = g = 0, and the law is that of the teacher.
    coordinates, nodes : tuples
        The classes, and a quadrature of their law (that of sqrt(variance) b).
    """

    samples: float
    noise: float
    strength: float
    loss: float
    tau: float
    g: float
    residuals: tuple[float, float]
    recovered: bool
    coordinates: tuple[Coordinates, ...]
    nodes: tuple[Nodes, ...]

    def law(self) -> tuple[FloatArray, FloatArray]:
        """The law of all coordinates: values b, and the number of coordinates at each; two arrays of one length."""
        return self._law_on(self.nodes)

    def _law_on(self, nodes: Sequence[Nodes]) -> tuple[FloatArray, FloatArray]:
        pairs = list(zip(self.coordinates, nodes, strict=True))
        values = [((group.truth + self.tau * each.h - each.pull) / group.root).ravel() for group, each in pairs]
        return np.concatenate(values), np.concatenate([(group.count * each.weight).ravel() for group, each in pairs])

    def _nodes(self, count: int) -> list[Nodes]:
        """Another quadrature: what is asked of parts of a law, in which it is not analytic, takes more nodes than sums do."""
        return [group.law.nodes(group.truth, self.tau, group.law.unit * self.g, count) for group in self.coordinates]

    def expectation(self, function: Callable[[FloatArray], ArrayLike]) -> tuple[FloatArray, ...]:
        """E function(b) of each class of coordinates: for each member of `coordinates` an array (C,)."""
        laws = [(nodes.weight, function(self._predictor(number))) for number, nodes in enumerate(self.nodes)]
        return tuple(np.asarray((weight * np.asarray(values)).sum(axis=0)) for weight, values in laws)

    def share_outside_top(self, count: float) -> float:
        """Share of the squared norm of the predictor outside its `count` strongest weights (Fig. 1c, 1h).

        Raises
        ------
        InputError
            If the predictor is 0, of which no share can be taken.
        """
        return float(self.shares_outside_top([count])[0])

    def shares_outside_top(self, counts: ArrayLike) -> FloatArray:
        """The same for several counts: an array of their shape.

        Raises
        ------
        InputError
            If the predictor is 0, of which no share can be taken.
        """
        _, number, energy = self._from_the_strongest()
        # Between two nodes of the quadrature the law is taken to be uniform.
        return np.asarray(1 - np.interp(np.asarray(counts, dtype=np.float64), number, energy) / energy[-1])

    def in_use(self, share: float) -> float:
        """Number of weights of more than `share` times the size of the strongest (the root mean square of the strongest one).

        Raises
        ------
        InputError
            If the predictor is 0.
        """
        sizes, number, energy = self._from_the_strongest()
        strongest = float(np.sqrt(np.interp(1.0, number, energy)))
        with np.errstate(divide="ignore"):
            logs = np.log(sizes[::-1])
        return float(np.interp(np.log(share * strongest), logs, number[:0:-1]))

    def _from_the_strongest(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Sizes of weights, largest first, and from 0 on: the number of weights up to each, and the sum of their squares."""
        values, counts = self._law_on(self.nodes if self.recovered else self._nodes(LAW_NODES))
        if not values.any():
            raise InputError("the predictor is 0, of which no share can be taken; give a teacher or a start that is not")
        order = np.argsort(-np.abs(values), kind="stable")
        number = np.concatenate([[0.0], np.cumsum(counts[order])])
        return np.abs(values[order]), number, np.concatenate([[0.0], np.cumsum((counts * values**2)[order])])

    def _predictor(self, number: int) -> FloatArray:
        group, nodes = self.coordinates[number], self.nodes[number]
        return np.asarray((group.truth + self.tau * nodes.h - nodes.pull) / group.root)


@dataclass(frozen=True, eq=False)
class _Moments:
    """Sums over coordinates at one (tau, gain): E (b - teacher)^2, E (v - b)^2, E prox', and what the first two change by."""

    error: float
    pull: float
    slope: float
    error_by: tuple[float, float]  # per log tau, per log gain
    pull_by: tuple[float, float]
    nodes: tuple[Nodes, ...]


def fixed_point(
    coordinates: Sequence[Coordinates],
    samples: float,
    noise: float = 0.0,
    *,
    strength: float = 0.0,
    guess: FixedPoint | None = None,
) -> FixedPoint:
    """Solve the two equations for a mixture of classes of coordinates.

    Parameters
    ----------
    coordinates : sequence of Coordinates
        All classes; their counts sum to the number D of inputs. (Shares of D that sum to 1 do as well: then `samples` is n/D,
        and loss and squared noise are in units of D.)
    samples : float
        n, 0 < n; and n < D where strength is 0.
    noise : float
        Standard deviation of the labels' noise.
    strength : float
        Factor of the penalty beside |X b - y|^2/(2n), as in `normtheory.solvers.penalised`, where it is often called lambda;
        0 for the least penalty that fits the labels.
    guess : FixedPoint, optional
        That of a neighbouring problem with the same classes, to start from. Changes nothing but the time taken.

    Raises
    ------
    InputError
        If the input is malformed, or n is not between 0 and D (with strength: not positive).
    NoFixedPoint
        If the tolerance was not reached.
    """
    groups = tuple(coordinates)
    if not groups:
        raise InputError("there are no coordinates; give at least one class")
    inputs = float(sum(group.count.sum() for group in groups))
    if not (np.isfinite(strength) and strength >= 0):
        raise InputError(f"lambda = {strength:g}; give a number that is at least 0")
    if not (np.isfinite(samples) and samples > 0 and (strength > 0 or samples < inputs)):
        most = "a positive number" if strength > 0 else f"a number between 0 and the number of inputs, {inputs:g}"
        raise InputError(f"samples = {samples:g}; give {most}")
    if not (np.isfinite(noise) and noise >= 0):
        raise InputError(f"noise = {noise:g}; give a standard deviation, at least 0")
    search = _Search(groups, float(samples), float(noise), float(strength), inputs)
    return search.run(guess)


class _Search:
    """The nested root: g at given tau (rows), inside tau (loss). Unknowns are place = log(tau^2 - floor) and log g.

    Both sides of (rows) are written as sums of positive terms. Where strength is 0 noise^2 goes into the floor, of which tau^2
    is free; else it stands beside the pull, as (n - D) tau^2 does where n > D.
    """

    def __init__(self, groups: tuple[Coordinates, ...], samples: float, noise: float, strength: float, inputs: float) -> None:
        self.groups, self.samples, self.noise, self.strength = groups, samples, noise, strength
        self.rows, self.more = max(inputs - samples, 0.0), max(samples - inputs, 0.0)
        self.floor = 0.0 if strength else noise**2 / self.rows  # tau^2 is larger: (rows) has no root below
        away = sum(float(np.sum(group.count * (group.truth - group.law.start) ** 2)) for group in groups)
        self.null = (away + noise**2) / samples  # tau^2 of the predictor that stays at its start
        self.count = NODES
        self.windows: list[FloatArray | None] = [None] * len(groups)
        self.place, self.log_g, self.follows = 0.0, 0.0, 0.5  # where (rows) was solved last, and d log g / d place there

    def run(self, guess: FixedPoint | None) -> FixedPoint:
        """Solve on more and more nodes, until twice as many confirm the solution."""
        if self.null == 0:
            return self._recovered()
        place = self.place = float(np.log(self.null))
        self.log_g = max(place / 2, float(np.log(self.strength))) if self.strength else place / 2
        kinks = self.noise == self.strength == 0 and any(group.law.recovers for group in self.groups)
        if kinks and self._mismatch(place + RECOVERED)[0] > 0:
            return self._recovered()
        if guess is not None and guess.tau > 0:
            place = float(np.log(max(guess.tau**2 - self.floor, 1e-3 * guess.tau**2)))
            self.windows = [nodes.window for nodes in guess.nodes]
            self.place, self.log_g = place, float(np.log(guess.g))
        residuals = (np.inf, np.inf)
        while self.count < MOST_NODES:
            place = _root(self._mismatch, place)
            self.count *= 2
            tau, g = self._tau(place), float(np.exp(self.log_g))
            moments = self._moments(tau, g)
            residuals = self._residuals(tau, g, moments)
            if max(residuals) <= TOLERANCE:
                return self._found(tau, g, moments.error, residuals, moments.nodes)
        message = f"the two equations hold to {residuals[0]:.1e} and {residuals[1]:.1e} only, with {self.count} nodes"
        raise NoFixedPoint(f"{message}; the penalty's scale may be too far from the teacher's for float64")

    def _mismatch(self, place: float) -> tuple[float, float]:
        """log(left/right) of (loss) where (rows) holds, and its slope in `place`; leaves that log g behind."""
        tau = self._tau(place)
        log_tau = float(np.exp(place)) / (2 * tau * tau)  # d log tau / d place
        rest, rest_by = (self.noise**2 + self.more * tau * tau, 2 * self.more * tau * tau) if self.strength else (0.0, 0.0)
        at_root: list[tuple[_Moments, float]] = []

        def rows(log_g: float) -> tuple[float, float]:
            moments = self._moments(tau, float(np.exp(log_g)))
            penalty = 2 * self.samples * self.strength * float(np.exp(-log_g))
            right, left = moments.pull + rest, self.rows + penalty
            slope = moments.pull_by[1] / right + penalty / left
            at_root[:] = [(moments, slope)]
            return float(np.log(right / left) - place), slope

        self.log_g = _root(rows, self.log_g + self.follows * (place - self.place))
        moments, by_g = at_root[0]
        known = self.noise**2 + moments.error
        self.place = place
        self.follows = (1 - (moments.pull_by[0] + rest_by) / (moments.pull + rest) * log_tau) / by_g
        slope = 2 * log_tau - (moments.error_by[0] * log_tau + moments.error_by[1] * self.follows) / known
        return float(np.log(self.samples * tau * tau / known)), slope

    def _tau(self, place: float) -> float:
        return float(np.sqrt(self.floor + np.exp(place)))

    def _moments(self, tau: float, g: float) -> _Moments:
        sums = np.zeros(7)
        laws = []
        for number, group in enumerate(self.groups):
            gain = group.law.unit * g
            nodes = group.law.nodes(group.truth, tau, gain, self.count, self.windows[number])
            self.windows[number] = nodes.window
            laws.append(nodes)
            weight = group.count * nodes.weight
            noise, pull, slope = tau * nodes.h, nodes.pull, nodes.slope
            away = noise - pull
            # d b = slope d v - slope x d gain, and v - b changes by the rest.
            sums += [
                np.sum(weight * away**2),
                np.sum(weight * pull**2),
                np.sum(weight * slope),
                2 * np.sum(weight * away * slope * noise),
                -2 * np.sum(weight * away * slope * pull),
                2 * np.sum(weight * pull * (1 - slope) * noise),
                2 * np.sum(weight * pull * slope * pull),
            ]
        by = (float(sums[3]), float(sums[4])), (float(sums[5]), float(sums[6]))
        return _Moments(float(sums[0]), float(sums[1]), float(sums[2]), *by, tuple(laws))

    def _residuals(self, tau: float, g: float, moments: _Moments) -> tuple[float, float]:
        loss = abs((self.noise**2 + moments.error) / (self.samples * tau * tau) - 1)
        return loss, abs(moments.slope / self.samples + self.strength / g - 1)

    def _recovered(self) -> FixedPoint:
        """The teacher itself."""
        nodes = []
        for group in self.groups:
            one = np.ones((1, group.teacher.size))
            nodes.append(Nodes(0 * one, one, 0 * one, one, np.zeros((2, group.teacher.size))))
        return self._found(0.0, 0.0, 0.0, (0.0, 0.0), tuple(nodes))

    def _found(self, tau: float, g: float, loss: float, residuals: tuple[float, float], nodes: tuple[Nodes, ...]) -> FixedPoint:
        known = self.samples, self.noise, self.strength
        return FixedPoint(*known, loss, tau, g, residuals, tau == 0, self.groups, nodes)


def _root(function: Callable[[float], tuple[float, float]], x: float) -> float:
    """The root of a function that changes sign once, upwards; it gives value and slope. Newton's method, kept in a bracket.

    On too few nodes the function may have jumps, and no root: where the search then ends is no worse than elsewhere, and is
    judged with more nodes.
    """
    low, high = -np.inf, np.inf
    for _ in range(MOST_STEPS):
        value, slope = function(x)
        if abs(value) <= SOLVED or high - low <= ROUND_OFF * abs(x):
            break
        low, high = (x, high) if value < 0 else (low, x)
        step = -value / slope if slope > 0 else np.copysign(LONGEST_STEP, -value)
        ahead = x + float(np.clip(step, -LONGEST_STEP, LONGEST_STEP))
        if not low < ahead < high:
            ahead = (low + high) / 2 if np.isfinite(low + high) else x + float(np.copysign(LONGEST_STEP, -value))
        x = ahead
    return x
