"""Tasks with interpolators, drawn by hypothesis: dependent or nearly collinear rows, zero columns, any scale, no target."""

import numpy as np
from hypothesis import strategies as st
from scipy.linalg import qr

PATHOLOGIES = ["none", "collinear", "duplicate", "zero column", "zero row", "no target", "more samples than inputs"]
# Those that leave the other singular values of a design matrix where they are; and those whose samples can be recombined: of
# dependent ones, some combinations are round-off.
TAME = ["none", "duplicate", "zero row", "no target", "more samples than inputs"]
INDEPENDENT = ["none", "no target"]


def mixed(draw, rows):
    """A well-conditioned recombination of samples, shape (rows, rows)."""
    return np.linalg.qr(draw.normal(size=(rows, rows)))[0] * draw.uniform(0.5, 2, rows)


def tame_design(draw, n, D):
    """A design matrix of n <= D samples whose singular values are within a factor 4: no minimum is sensitive to its targets."""
    return mixed(draw, n) @ np.linalg.qr(draw.normal(size=(D, n)))[0].T * np.sqrt(D)


def least_sine(tasks):
    """Of the angle of a sample to others of its task, dependent ones left out: duals of the size of its inverse are needed."""
    sines = []
    for X, _ in tasks:
        rows = X[X.any(axis=1)]
        rows = rows / np.abs(rows).max(axis=1, keepdims=True)  # first: squares of 1e-240 underflow
        pivots = np.abs(np.diag(qr((rows / np.linalg.norm(rows, axis=1, keepdims=True)).T, mode="r", pivoting=True)[0]))
        sines.append(pivots[pivots > 1e-12].min())
    return min(sines)


def design(draw, n, D, pathology, tame=False):
    """A design matrix of n samples, or more, that shows the pathology."""
    X = tame_design(draw, n, D) if tame else draw.normal(size=(n, D))
    if pathology == "collinear" and n > 1:
        X[-1] = X[0] + 10 ** draw.uniform(-7, -1) * X[-1]
    if pathology == "duplicate":
        X = np.vstack([X, X[: n // 2 + 1]])
    if pathology == "zero column":
        X[:, draw.integers(D)] = 0
    if pathology == "zero row":
        X = np.vstack([X, np.zeros(D)])
    if pathology == "more samples than inputs":
        X = draw.normal(size=(D + 3, n)) @ X
    return X


@st.composite
def tasks(draw, most_inputs=30, most_tasks=3, scaled=True, pathologies=PATHOLOGIES):
    """A list of pairs X_o, y_o with y_o = X_o beta_o; `scaled`: in any units. Without a sensitive minimum, if all are TAME."""
    D = draw(st.integers(2, most_inputs))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    scales = st.floats(-80, 80) if scaled else st.just(0.0)
    scale, scale_y = 10 ** draw(scales), 10 ** draw(scales)
    drawn = []
    for _ in range(draw(st.integers(1, most_tasks))):
        pathology = draw(st.sampled_from(pathologies))
        X = design(random, draw(st.integers(1, D)), D, pathology, tame=set(pathologies) <= set(TAME))
        teacher = random.normal(size=D) * (random.random(D) < draw(st.sampled_from([0.1, 1.0])))
        y = X @ teacher * (pathology != "no target")
        drawn.append((X * scale, y * scale_y))
    return drawn
