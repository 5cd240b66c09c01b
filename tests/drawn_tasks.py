"""Tasks with interpolators, drawn by hypothesis: dependent or nearly collinear rows, zero columns, any scale, no target."""

import numpy as np
from hypothesis import strategies as st

PATHOLOGIES = ["none", "collinear", "duplicate", "zero column", "zero row", "no target", "more samples than inputs"]


def mixed(draw, rows):
    """A well-conditioned recombination of samples, shape (rows, rows)."""
    return np.linalg.qr(draw.normal(size=(rows, rows)))[0] * draw.uniform(0.5, 2, rows)


def design(draw, n, D, pathology):
    """A design matrix of n samples, or more, that shows the pathology."""
    X = draw.normal(size=(n, D))
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
def tasks(draw, most_inputs=30, most_tasks=3, extreme=True):
    """A list of pairs X_o, y_o with y_o = X_o beta_o; `extreme`: any scale of samples and targets."""
    D = draw(st.integers(2, most_inputs))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    scales = st.floats(-80, 80) if extreme else st.just(0.0)
    scale, scale_y = 10 ** draw(scales), 10 ** draw(scales)
    drawn = []
    for _ in range(draw(st.integers(1, most_tasks))):
        pathology = draw(st.sampled_from(PATHOLOGIES))
        X = design(random, draw(st.integers(1, D)), D, pathology)
        teacher = random.normal(size=D) * (random.random(D) < draw(st.sampled_from([0.1, 1.0])))
        y = X @ teacher * (pathology != "no target")
        drawn.append((X * scale, y * scale_y))
    return drawn
