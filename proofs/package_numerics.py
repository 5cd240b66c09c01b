"""The package's float64 functions against the formulas that claims state: largest relative deviations on random arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import mpmath
import numpy as np
import sympy as sp

from normtheory import exact
from normtheory.arrays import FloatArray
from normtheory.networks import DiagonalNetwork, Weights
from normtheory.penalties import L1, GroupL12, Q, WeightedL2
from normtheory.representations import ensd, linear_cka, participation_ratio

Formula = Callable[..., Any]
ROUND_OFF = 1e-12  # relative error allowed to the package's float64 closed forms


def scale_deviation(squared: Formula, start: Formula) -> float:
    """Largest relative difference of formulas in the four weights from `exact.scale_and_start` on random weights."""
    weights = random_weights(1000, seed=0)
    k, beta0 = exact.scale_and_start(weights)
    stated = squared(*weights.stacked())
    energy = np.sum(weights.stacked() ** 2, axis=0) / 2  # k^2 = energy^2 - beta0^2 cancels where a pathway is nearly dead
    errors = np.abs(k**2 - stated) / energy**2, np.abs(beta0 - start(*weights.stacked())) / energy
    return float(np.max(errors))


def excess_deviation(formula: Formula) -> float:
    """Largest relative difference of `GroupL12.excess` from a formula in (|beta|, |beta_aux|), in 50 digits."""
    draw = np.random.default_rng(np.random.SeedSequence((12, 5)))
    b, a = np.abs(draw.standard_normal((2, 200))) * 10.0 ** draw.integers(-8, 3, (2, 200))
    computed = GroupL12().excess(b, a)
    with mpmath.workdps(50):
        exact_values = [formula(mpmath.mpf(x), mpmath.mpf(y)) for x, y in zip(b, a, strict=True)]
        return float(max(abs(mpmath.mpf(value) / true - 1) for value, true in zip(computed, exact_values, strict=True)))


def q_numerics_deviation(formula: Formula) -> float:
    """Largest relative difference of the float64 methods of `Q` from what a formula in (b, k) gives in 60 digits."""
    draw = np.random.default_rng(np.random.SeedSequence((21, 3)))
    b, b0 = draw.standard_normal((2, 40)) * 10.0 ** draw.integers(-3, 2, (2, 40))
    k, sigma = 10.0 ** draw.uniform(-3, 1, 40), draw.standard_normal(40) * 3
    q = Q(k)
    shift = 2 * (np.arcsinh(b / k) - np.arcsinh(b0 / k))
    found = [q.contributions(b), q.gradient(b), q.second_derivative(b), q.inverse_gradient(sigma), q.conjugate(sigma)]
    found += [q.divergence(b, b0), q.divergence_to(b0, shift)]
    with mpmath.workdps(60):
        rows = [[mpmath.mpf(float(value)) for value in row] for row in zip(b, b0, k, sigma, shift, strict=True)]
        stated = [_q_by_formula(formula, *row) for row in rows]
        deviations = [abs(found[m][d] / true - 1) for d, values in enumerate(stated) for m, true in enumerate(values)]
        totals = abs(q.value(b) / sum(values[0] for values in stated) - 1)
    return float(max(*deviations, totals))


def _q_by_formula(formula: Formula, b: Any, b0: Any, k: Any, sigma: Any, shift: Any) -> list[Any]:
    """Value, two derivatives, inverse gradient, conjugate and both divergences, from the formula and its derivatives alone."""

    def slope(x: Any) -> Any:
        return mpmath.diff(lambda z: formula(z, k), x)

    def divergence(x: Any, y: Any) -> Any:
        return formula(x, k) - formula(y, k) - slope(y) * (x - y)

    def at_slope(value: Any) -> Any:
        return mpmath.findroot(lambda z: slope(z) - value, k * mpmath.sinh(value / 2))

    inverse, moved = at_slope(sigma), at_slope(slope(b0) + shift)
    conjugate = sigma * inverse - formula(inverse, k)
    second = mpmath.diff(lambda z: formula(z, k), b, 2)
    return [formula(b, k), slope(b), second, inverse, conjugate, divergence(b, b0), divergence(b0, moved)]


def group_numerics_deviation(expression: Any, symbols: tuple[Any, Any]) -> float:
    """Largest difference of the float64 methods of `GroupL12` from an expression in (main, auxiliary), in units of its size."""
    draw = np.random.default_rng(np.random.SeedSequence((5, 12)))
    beta, penalty = draw.standard_normal((2, 50)), GroupL12()
    slopes = [sp.diff(expression, symbol) for symbol in symbols]
    forms = [expression, *slopes, *(sp.diff(slope, symbol) for slope in slopes for symbol in symbols)]
    stated = np.array([sp.lambdify(symbols, form)(*beta) for form in forms])
    curvature = penalty.second_derivative(beta).transpose(1, 2, 0).reshape(4, -1)
    found = np.array([penalty.contributions(beta), *penalty.gradient(beta), *curvature])
    total = abs(penalty.value(beta) / stated[0].sum() - 1)
    conjugate = penalty.conjugate(penalty.gradient(beta) * 0.999), penalty.conjugate(penalty.gradient(beta) * 1.001)
    right = np.all(conjugate[0] == 0) and np.all(np.isinf(conjugate[1]))  # the dual ball has the radius of the gradients
    scale = np.abs(stated).max(axis=1, keepdims=True)
    return float(max(np.abs((found - stated) / scale).max(), total)) if right else float("inf")


def norm_numerics_deviation(name: str, expression: Any) -> float:
    """Largest relative difference of the float64 methods of `L1` or `WeightedL2` from its expression, in b and the weight."""
    draw = np.random.default_rng(np.random.SeedSequence((1, 2)))
    b, weight = draw.standard_normal(50), draw.uniform(0.1, 10, 50)
    penalty = L1() if name == "l1" else WeightedL2(weight)
    symbols = sp.Symbol("b", real=True), sp.Symbol("w", positive=True)
    slope = sp.diff(expression, symbols[0])
    value, gradient = (sp.lambdify(symbols, form)(b, weight) for form in (expression, slope))
    # A convex function and its conjugate add up to the product at a pair of a point and its slope (Fenchel).
    sigma = penalty.gradient(b)
    fenchel = penalty.contributions(b) + penalty.conjugate(sigma) - b * sigma
    curved = np.zeros(50) if name == "l1" else sp.lambdify(symbols, sp.diff(slope, symbols[0]))(b, weight)
    parts = (penalty.contributions(b) / value - 1, sigma / gradient - 1, fenchel / value, penalty.second_derivative(b) - curved)
    total = abs(penalty.value(b) / np.sum(value) - 1)
    return float(max(*(np.abs(part).max() for part in parts), total))


def printed_deviation(scale: Formula) -> float:
    """Largest relative difference of `exact.printed_corollary1` from a scale in (|beta_aux|, gamma), its start being 0."""
    beta_aux = np.random.default_rng(np.random.SeedSequence((3, 2))).standard_normal(50)
    k, start = exact.printed_corollary1(beta_aux, 0.3)
    return float(np.abs(k / scale(np.abs(beta_aux), 0.3) - 1).max() + np.abs(start).max())


def unequal_deviation(starts: Formula, first: Formula, second: Formula) -> float:
    """Largest relative difference of both layers' energies, formulas in (beta, a_1, a_2), from `exact.pretraining`.

    The layers start at the formulas `starts` in two positive numbers a_1 and a_2.
    """
    beta, numbers = np.random.default_rng(np.random.SeedSequence((4, 1))).standard_normal(50), (0.7, 0.2)
    weights = exact.pretraining(beta, *starts(*numbers))
    energies = weights.w_plus**2 + weights.w_minus**2, weights.v_plus**2 + weights.v_minus**2
    stated = first(beta, *numbers), second(beta, *numbers)
    reached = np.abs(DiagonalNetwork().effective_map(weights) - beta) / np.hypot(beta, 0.5)
    return float(max(*(np.abs(a / b - 1).max() for a, b in zip(energies, stated, strict=True)), reached.max()))


def dimensionality_deviation(measure: str) -> float:
    """Largest relative difference of a measure of `representations` from its definition on random, correlated responses.

    The measures are "ratio" (against eigenvalues), "shared" (against the traces of Eq. 35) and "cka" (ENSD against the others).
    """
    draw, deviations = np.random.default_rng(np.random.SeedSequence((34, 35))), []
    for units, others in ((4, 9), (30, 5), (50, 60)):
        X, Y = (draw.standard_normal((40, size)) @ draw.standard_normal((size, size)) for size in (units, others))
        centred, other = X - X.mean(axis=0), Y - Y.mean(axis=0)
        cross, first, second = centred @ centred.T @ other @ other.T, centred @ centred.T, other @ other.T
        values = np.linalg.eigvalsh(np.cov(X, rowvar=False))
        traces = np.trace(cross) * np.trace(first) * np.trace(second) / (np.trace(first @ first) * np.trace(second @ second))
        pairs = {
            "ratio": (participation_ratio(X), values.sum() ** 2 / (values**2).sum()),
            "shared": (ensd(X, Y), traces),
            "cka": (ensd(X, Y), linear_cka(X, Y) * np.sqrt(participation_ratio(X) * participation_ratio(Y))),
        }
        found, expected = pairs[measure]
        deviations.append(abs(found / expected - 1))
    return float(max(deviations))


def protocol_deviation(squared: Formula, start: Formula) -> float:
    """Largest relative difference of `exact.finetuning`, and of the weights step by step, from the formulas in 50 digits.

    The formulas take (beta_aux, alpha, gamma, c) as mpmath numbers.
    """
    draw = np.random.default_rng(np.random.SeedSequence((3, 1)))
    deviations = []
    for alpha, gamma, rescale in ((0.3, 0.2, 0.7), (1e-3, 1e-3, 1.0), (0.1, 1.0, 0.05)):
        beta_aux = draw.standard_normal(20) * 10.0 ** draw.integers(-4, 1, 20)
        weights = exact.reset(exact.rescaled(exact.pretraining(beta_aux, alpha), rescale), gamma)
        weights_size = rescale * gamma * np.sqrt(np.hypot(beta_aux, 2 * alpha**2))  # of the two terms that beta0 subtracts
        with mpmath.workdps(50):
            settings = [[mpmath.mpf(value) for value in (a, alpha, gamma, rescale)] for a in beta_aux]
            stated = [(mpmath.sqrt(squared(*setting)), start(*setting)) for setting in settings]
        for k, beta0 in (exact.finetuning(beta_aux, alpha, gamma, rescale), exact.scale_and_start(weights)):
            for d, (true_k, true_start) in enumerate(stated):
                deviations += [abs(k[d] / true_k - 1), abs(beta0[d] - true_start) / weights_size[d]]
    return float(max(deviations))


def in_matrices(expression: Any, values: Mapping[Any, FloatArray]) -> FloatArray:
    """A sum of products of symbols that do not commute, and of numbers, with matrices and vectors for the symbols."""
    if expression in values:
        return values[expression]
    if expression.is_Add:
        return np.asarray(sum(in_matrices(term, values) for term in expression.args))
    numbers, factors = expression.args_cnc()
    product = in_matrices(factors[-1], values)
    for factor in reversed(factors[:-1]):
        product = in_matrices(factor, values) @ product
    return np.asarray(float(sp.Mul(*numbers)) * product)


def random_weights(size: int, seed: int) -> Weights:
    """Independent normal weights of one output."""
    draw = np.random.default_rng(np.random.SeedSequence((size, seed), spawn_key=(1,)))
    return Weights(*draw.standard_normal((4, size)))


def network_deviation(predictor: Formula, outputs: int) -> float:
    """Largest difference of a network's outputs, layer by layer, from a formula in (w_+, w_-, v_+, v_-) of each coordinate."""
    draw = np.random.default_rng(np.random.SeedSequence((1, 6, 7)))
    X, first = draw.standard_normal((8, 30)), draw.standard_normal((2, 30))
    second = draw.standard_normal((2, 30) if outputs == 1 else (2, outputs, 30))
    weights, readouts = Weights(*first, *second), np.atleast_3d(second.T).T.reshape(2, outputs, 30)
    found = [DiagonalNetwork(outputs).output(weights, X, o) - X @ predictor(*first, *readouts[:, o]) for o in range(outputs)]
    return float(np.abs(found).max() / np.abs(X).max() / 30)
