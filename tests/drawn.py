"""Problems drawn by hypothesis: built from a seed and a few knobs, consistent by construction, never filtered."""

import os
from dataclasses import dataclass, replace

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from normtheory.networks import Weights
from normtheory.penalties import Q

NIGHT_FACTOR = 20


def examples(number):
    """Settings: so many examples, and twenty times as many in the night profile."""
    night = os.environ.get("HYPOTHESIS_PROFILE") == "night"
    return settings(max_examples=number * (NIGHT_FACTOR if night else 1))


@dataclass(frozen=True, eq=False)
class Problem:
    """Minimise D_Q(beta, beta0) subject to X beta = y; `teacher` is one beta that fits."""

    X: np.ndarray
    y: np.ndarray
    k: np.ndarray
    beta0: np.ndarray
    teacher: np.ndarray

    def with_(self, **changes):
        return replace(self, **changes)


def build(seed, n, D, sparsity, decades, correlation, start):
    """A consistent problem: `decades` are the lowest and highest log10 k, `correlation` that of the columns of X."""
    draw = np.random.default_rng(seed)
    common = draw.normal(size=(n, 1))
    X = np.sqrt(1 - correlation) * draw.normal(size=(n, D)) + np.sqrt(correlation) * common
    teacher = draw.normal(size=D) * (draw.random(D) < sparsity)
    k = 10 ** draw.uniform(*decades, size=D)
    beta0 = start * draw.normal(size=D)
    return Problem(X, X @ teacher, k, beta0, teacher)


@st.composite
def problems(draw, most_inputs=60, lowest=-12.0, highest=6.0, most_samples=1.0):
    """Random problems with n <= most_samples * D; k spans up to highest - lowest decades."""
    D = draw(st.integers(2, most_inputs))
    n = draw(st.integers(1, max(1, int(most_samples * D))))
    drawn = draw(st.tuples(st.floats(lowest, highest), st.floats(lowest, highest)))
    ends = sorted(end + 0.0 for end in drawn)  # numpy refuses the interval from 0.0 to -0.0
    return build(
        seed=draw(st.integers(0, 2**32 - 1)),
        n=n,
        D=D,
        sparsity=draw(st.sampled_from([0.05, 0.3, 1.0])),
        decades=ends,
        correlation=draw(st.sampled_from([0.0, 0.5, 0.95])),
        start=draw(st.sampled_from([0.0, 1e-3, 1.0])),
    )


@st.composite
def trainings(draw):
    """A task with n < D and initial weights of a single-output network, from tiny to of order one, balanced or not."""
    D = draw(st.integers(3, 30))
    n = draw(st.integers(1, max(1, D // 2)))
    seed = draw(st.integers(0, 2**32 - 1))
    scale = 10 ** draw(st.floats(-4, 0))
    random = np.random.default_rng(seed)
    X = random.normal(size=(n, D))
    teacher = random.normal(size=D) * (random.random(D) < draw(st.sampled_from([0.1, 0.5, 1.0])))
    if draw(st.booleans()):
        weights = Weights.constant(D, scale)
    else:
        weights = Weights(*(scale * random.uniform(0.2, 1.0, size=(4, D)) * random.choice([-1, 1], size=(4, D))))
    return X, X @ teacher, weights


def divergence_between(problem, one, other):
    """Divergence D_Q(one, other) relative to the objective: the measure in which the gap bounds an error."""
    penalty = Q(problem.k)
    apart, objective = penalty.divergence(one, other).sum(), penalty.divergence(one, problem.beta0).sum()
    return apart / objective if apart else 0.0
