"""A picture of a result on one's own data: its features beside auxiliary ones, their penalty, and the loss along training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from normtheory.arrays import FloatArray, InputError
from normtheory.features import ACTIVE, Features
from normtheory.figures.files import COLOURS, STYLE
from normtheory.files import write_whole

BARS, LABELS, IN_LEGEND, LONGEST_NAME = 12, 6, 3, 24  # features with a bar, named in the plane, in its legend; letters
SPOT = 0.04  # of the range of coefficients: names of features that are closer would lie on each other
LOOKS = {
    "reused": (COLOURS["blue"], "o"),
    "new": (COLOURS["vermilion"], "^"),
    "dropped": (COLOURS["green"], "s"),
    "unused": ("0.75", "."),
}
FORMATS_WITHOUT_DATE = {".svg": "Date", ".pdf": "CreationDate"}


def save(figure: Any, path: Path) -> None:
    """Write a figure in the format of its suffix, whole or not at all and without a date, and close it."""
    import matplotlib.pyplot as plt

    suffix = path.suffix.lower()
    metadata = {FORMATS_WITHOUT_DATE[suffix]: None} if suffix in FORMATS_WITHOUT_DATE else {}
    write_whole(path, lambda handle: figure.savefig(handle, format=suffix[1:], metadata=metadata))
    plt.close(figure)


def draw(
    features: Features,
    path: Path,
    penalty: FloatArray | None = None,
    times: FloatArray | None = None,
    losses: FloatArray | None = None,
) -> None:
    """Draw as many panels as there is something to show in.

    Parameters
    ----------
    features : Features
    path : Path
        .png, .svg or .pdf.
    penalty : array, shape (D,), optional
        What each feature adds to the penalty.
    times, losses : arrays, shape (T,), optional
        Of a training.

    Raises
    ------
    InputError
        If shapes do not belong together.
    """
    import matplotlib.pyplot as plt

    if penalty is not None and penalty.shape != features.beta.shape:
        raise InputError(f"penalty has shape {penalty.shape}, and beta {features.beta.shape}; give what minimize has written")
    panels: list[Any] = [lambda axis: _draw_bars(axis, features, features.beta, "coefficient")]
    if features.beta_aux is not None:
        panels.insert(0, lambda axis: _draw_plane(axis, features))
    if penalty is not None:
        panels.append(lambda axis: _draw_bars(axis, features, penalty, "penalty"))
    if times is not None and losses is not None:
        panels.append(lambda axis: _draw_losses(axis, times, losses))
    with plt.style.context(STYLE):
        figure, axes = plt.subplots(1, len(panels), figsize=(4.2 * len(panels), 3.8), squeeze=False, layout="constrained")
        for axis, panel in zip(axes[0], panels, strict=True):
            panel(axis)
        save(figure, path)


def _kind(features: Features) -> np.ndarray:
    kinds = np.full(features.beta.size, "unused", dtype="U8")
    if features.beta_aux is not None:
        for name, mask in {"reused": features.reused, "new": features.added, "dropped": features.dropped}.items():
            kinds[mask] = name
    return kinds


def _short(name: str) -> str:
    plain = name.replace("$", r"\$")  # a name is no formula
    return plain if len(plain) <= LONGEST_NAME else f"{plain[: LONGEST_NAME - 3]}..."


def _draw_plane(axis: Any, features: Features) -> None:
    """Coefficients against auxiliary ones, by what became of the feature."""
    beta, aux, kinds = features.beta, features.beta_aux, _kind(features)
    assert aux is not None
    for kind in reversed(LOOKS):
        chosen = kinds == kind
        if chosen.any():
            colour, marker = LOOKS[kind]
            label = f"{kind} ({chosen.sum()}){'' if kind == 'unused' else _some_names(features, chosen)}"
            axis.plot(aux[chosen], beta[chosen], marker, color=colour, label=label, markersize=5, alpha=0.8)
    axis.axhline(0, color="0.8", linewidth=0.8, zorder=0)
    axis.axvline(0, color="0.8", linewidth=0.8, zorder=0)
    for label, x, y in _spots(features):
        right = x < (aux.min() + aux.max()) / 2
        where = {"ha": "left" if right else "right", "xytext": (6 if right else -6, 0)}
        axis.annotate(label, (x, y), textcoords="offset points", va="center", fontsize=7, **where)
    axis.margins(0.12)
    axis.set(xlabel="auxiliary coefficient", ylabel="coefficient", title=f"used is above {100 * ACTIVE:g} % of the largest")
    axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), fontsize=7)


def _spots(features: Features) -> list[tuple[str, float, float]]:
    """The places of the strongest features in the plane and their names, of several in one spot the first, and dots."""
    assert features.beta_aux is not None
    places = np.column_stack([features.beta_aux, features.beta])
    size = SPOT * np.maximum(np.ptp(places, axis=0), np.finfo(float).tiny)
    spots: dict[int, str] = {}
    for d in features.strongest(LABELS):
        near = [other for other in spots if (np.abs(places[d] - places[other]) <= size).all()]
        if near:
            spots[near[0]] = f"{_short(features.names[near[0]])}, ..."
        else:
            spots[d] = _short(features.names[d])
    return [(label, float(places[d, 0]), float(places[d, 1])) for d, label in spots.items()]


def _some_names(features: Features, chosen: np.ndarray) -> str:
    """The strongest of these features by either predictor, and that there are more."""
    assert features.beta_aux is not None
    sizes = np.where(chosen, np.maximum(np.abs(features.beta), np.abs(features.beta_aux)), 0.0)
    names = [_short(features.names[d]) for d in np.argsort(-sizes, kind="stable")[: min(IN_LEGEND, int(chosen.sum()))]]
    return f": {', '.join(names)}{', ...' if chosen.sum() > IN_LEGEND else ''}"


def _draw_bars(axis: Any, features: Features, values: FloatArray, label: str) -> None:
    """The features with the largest values, from the top."""
    counting = np.abs(values) > ACTIVE * np.abs(values).max()
    order, kinds = np.argsort(-np.abs(values), kind="stable")[: min(BARS, int(counting.sum()))], _kind(features)
    looks = [LOOKS[kinds[d]][0] if features.beta_aux is not None else COLOURS["blue"] for d in order]
    axis.barh(np.arange(order.size), values[order], color=looks)
    axis.set_yticks(np.arange(order.size), [_short(features.names[d]) for d in order])
    axis.invert_yaxis()
    axis.axvline(0, color="0.5", linewidth=0.8)
    axis.set(xlabel=label, title=f"{label}, {order.size} of {counting.sum()} above {100 * ACTIVE:g} % of the largest")


def _draw_losses(axis: Any, times: FloatArray, losses: FloatArray) -> None:
    shown = (times > 0) & (losses > 0)
    axis.plot(times[shown], losses[shown], color=COLOURS["blue"])
    axis.set(xscale="log", yscale="log", xlabel="flow time", ylabel="training loss", title="training")
