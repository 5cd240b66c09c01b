"""Figure 1a: the Q penalty and what a main weight adds to the l1,2 penalty, with the limits of the theory as guides."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike

from normtheory.arrays import FloatArray
from normtheory.exact import printed_corollary1
from normtheory.figures.files import COLOURS, STYLE, rounded
from normtheory.figures.sweep import Sweep
from normtheory.penalties import GroupL12, Q

AUXILIARY_WEIGHTS = (1e-3, 1.0, 1e3)
GAMMA = 1e-3
PANELS = {"q": "PT+FT: Q penalty (Eq. 3)", "l12": "MTL: excess of the $\\ell_{1,2}$ penalty (Eq. 5)"}


def compute(scale: str, sweep: Sweep | None = None) -> pa.Table:
    """Both penalties of one coordinate and their limits.

    Columns: penalty, beta_aux, beta, value, small (limit for |beta| << |beta_aux|), large (limit for |beta| >> |beta_aux|).
    The Q penalty is the printed one, k = |beta_aux| + gamma^2; of the l1,2 penalty the excess over 2|beta_aux| is shown,
    which is what tends to the printed limits (the penalty itself does not). Instant: no sweep is needed.
    """
    beta, rows = weights(33 if scale == "quick" else 161), []
    for aux in AUXILIARY_WEIGHTS:
        k = printed_corollary1(aux, GAMMA).k
        rows.append(("q", aux, contribution("q", beta, aux), beta**2 / k, 2 * beta * (np.log(2 * beta / k) - 1) + 2 * k))
        rows.append(("l12", aux, contribution("l12", beta, aux), beta**2 / aux, 2 * beta))
    same: dict[str, list[Any]] = {"penalty": [], "beta_aux": []}
    for kind, aux, *_ in rows:
        same["penalty"] += [kind] * beta.size
        same["beta_aux"] += [aux] * beta.size
    curves = {name: np.concatenate([row[i] for row in rows]) for i, name in ((2, "value"), (3, "small"), (4, "large"))}
    return rounded(pa.table(same | {"beta": np.tile(beta, len(rows))} | curves))


def weights(count: int) -> FloatArray:
    """Main weights from one end of the panel to the other."""
    return np.logspace(-2, 2, count)


def contribution(penalty: str, beta: ArrayLike, aux: float, gamma: float = GAMMA) -> FloatArray:
    """What main weights add to a penalty beside an auxiliary one: of "q" all, of "l12" the excess over 2|beta_aux|."""
    weight = np.atleast_1d(np.asarray(beta, dtype=np.float64))
    if penalty == "q":
        return Q(printed_corollary1(aux, gamma).k).contributions(weight)
    return GroupL12().excess(weight, np.full_like(weight, aux))


def draw(table: pa.Table) -> dict[str, Any]:
    """The picture, by name: two panels side by side on the same logarithmic axes."""
    import matplotlib.pyplot as plt

    rows = table.to_pylist()
    colours = dict(zip(AUXILIARY_WEIGHTS, (COLOURS["blue"], COLOURS["green"], COLOURS["vermilion"]), strict=True))
    with plt.style.context(STYLE):
        figure, axes = plt.subplots(1, 2, figsize=(7.2, 3.3), sharex=True, sharey=True)
        for axis, (kind, title) in zip(axes, PANELS.items(), strict=True):
            for aux, colour in colours.items():
                _curve(axis, [row for row in rows if row["penalty"] == kind and row["beta_aux"] == aux], colour)
            axis.axvline(1, color=COLOURS["grey"], linestyle="--", linewidth=0.8)
            axis.set(title=title, xscale="log", yscale="log", xlabel="main weight $|\\beta|$", xlim=(1e-2, 1e2))
        axes[0].set(ylabel="contribution to the penalty", ylim=(1e-8, 1e4))
        _legend(axes[1], colours)
    return {"fig1a": figure}


def _curve(axis: Any, rows: list[dict[str, float]], colour: str) -> None:
    beta, value, small, large = (np.array([row[name] for row in rows]) for name in ("beta", "value", "small", "large"))
    aux = rows[0]["beta_aux"]
    guide = {"color": colour, "linewidth": 3.2, "alpha": 0.35, "solid_capstyle": "butt"}
    axis.plot(beta[beta < 0.5 * aux], small[beta < 0.5 * aux], **guide)
    axis.plot(beta[beta > 3 * aux], large[beta > 3 * aux], **guide)
    axis.plot(beta, value, color=colour)


def _legend(axis: Any, colours: dict[float, str]) -> None:
    from matplotlib.lines import Line2D

    powers = {aux: f"$|\\beta^{{aux}}| = 10^{{{round(np.log10(aux))}}}$" for aux in colours}
    handles = [Line2D([], [], color=colour, label=powers[aux]) for aux, colour in colours.items()]
    limits = "limits for small and large $|\\beta|$"
    handles.append(Line2D([], [], color=COLOURS["grey"], linewidth=3.2, alpha=0.5, label=limits))
    axis.legend(handles=handles, loc="lower right")
