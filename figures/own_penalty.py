"""A picture like Figure 1a for any network of one output: its penalty at several scales of the start, between its limits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from normtheory.arrays import FloatArray
from normtheory.figures.files import COLOURS, STYLE
from normtheory.files import write_whole
from normtheory.parametrisations import Parametrisation
from normtheory.solvers.orbits import Orbits
from normtheory.solvers.reading import Reading, read

SCALES = {0.1: COLOURS["blue"], 1.0: COLOURS["green"], 10.0: COLOURS["vermilion"]}  # of the start
POINTS, DECADES = 121, 4.0  # of a curve, on either side of where order changes


def scaled(network: Parametrisation, factor: float) -> Parametrisation:
    """The network with every weight at the start multiplied."""
    state = network.weights_at_start(1)
    return Parametrisation(list(network.outputs), {w.name: factor * x for w, (x,) in zip(network.weights, state, strict=True)})


def curve(network: Parametrisation, moved: FloatArray) -> tuple[FloatArray, Reading]:
    """The divergence of b(0) + moved from the start, NaN beyond the end of the orbit, and what is read of it."""
    reading = read(network)
    state = np.repeat(network.weights_at_start(1), moved.size, axis=1)
    orbits = Orbits(Orbits.of(network, 1).curve, state)
    with np.errstate(all="ignore"):
        values = orbits.divergence(reading.start + moved)
    return np.where(np.isfinite(values), values, np.nan), reading


def draw_penalty(network: Parametrisation, path: Path) -> None:
    """Write the picture as a PNG of exactly this name."""
    import matplotlib.pyplot as plt

    centre = read(network)
    middle = min(centre.up.scale, max(1.0, abs(centre.start)))
    moved = np.logspace(np.log10(middle) - DECADES, np.log10(middle) + DECADES, POINTS)
    with plt.style.context(STYLE):
        figure, axis = plt.subplots(figsize=(4.6, 3.4))
        for scale, colour in SCALES.items():
            values, reading = curve(scaled(network, scale), moved)
            _draw_one(axis, moved, values, reading, colour, f"start × {scale:g}")
        label = "$\\beta$" if centre.start == 0 else f"distance from the start $\\beta(0) = {centre.start:.3g}$, upwards"
        axis.set(xscale="log", yscale="log", xlabel=label, ylabel="penalty", title=f"$\\beta$ = {network.text}")
        axis.legend(loc="lower right")
        write_whole(path, lambda handle: figure.savefig(handle, format="png"))
    plt.close(figure)


def _draw_one(axis: Any, moved: FloatArray, values: FloatArray, reading: Reading, colour: str, label: str) -> None:
    guide = {"color": colour, "linewidth": 3.2, "alpha": 0.3, "solid_capstyle": "butt"}
    half_way = reading.up.scale if np.isfinite(reading.up.scale) else np.inf
    lazy = moved < half_way / 2
    axis.plot(moved[lazy], moved[lazy] ** 2 / (2 * reading.stiffness), **guide)
    rich = (moved > 10 * half_way) & np.isfinite(values)
    if np.isfinite(reading.up.slope) and rich.any():
        axis.plot(moved[rich], reading.up.slope * moved[rich], **guide)
    axis.plot(moved, values, color=colour, label=label)
