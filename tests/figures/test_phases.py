"""Figures from the scalar equations: phase diagrams and measurements that can be drawn, and what the committed ones are of."""

import numpy as np
import pyarrow as pa
import pytest

from normtheory import figures
from normtheory.figures.curves import (
    cells,
    finite_size,
    phase_overlap,
    phase_rescaling,
    phase_scales,
    phase_sparsity,
    phase_threshold,
    universality,
)
from normtheory.figures.sweep import Sweep
from normtheory.solvers import groups, newton
from normtheory.tasks import teacher_student


def test_cells_of_every_kind():
    curve = cells.cell(cells.spec("curve", ["finetuning", "single"], samples=[20, 60]))
    assert [(row["method"], row["n"]) for row in curve] == [
        ("finetuning", 20), ("finetuning", 60), ("single", 20), ("single", 60)
    ]  # fmt: skip
    (needed,) = cells.cell(cells.spec("needed", ["single"], share=0.01))
    drawn = cells.cell(cells.spec("drawn", ["finetuning", "single"], samples=[60], seeds=[0, 1]))
    assert [(row["seed"], row["method"]) for row in drawn] == [
        (0, "finetuning"),
        (0, "single"),
        (1, "finetuning"),
        (1, "single"),
    ]
    assert 200 < needed["n"] < 300
    with pytest.raises(ValueError, match="a cell has no sample"):
        cells.spec("curve", [], sample=[1])
    with pytest.raises(ValueError, match="no drawn runs of lazy"):
        cells.cell(cells.spec("drawn", ["lazy"], samples=[20], seeds=[0]))


DIAGRAMS = {
    "phase-overlap": (phase_overlap, {"OVERLAPS": (0, 40), "SAMPLES": [40, 80], "DRAWN": ((40,), (40,), 1)}),
    "phase-rescaling": (
        phase_rescaling,
        {"FACTORS": np.array([1.0, 0.1]), "SAMPLES": [20, 40], "DRAWN": ((0.1,), (16, 64), 1)},
    ),
    "phase-scales": (phase_scales, {"SCALES": np.array([1e-3, 1e-2]), "DRAWN": ((1e-3,), 1)}),
    "phase-sparsity": (phase_sparsity, {"FEATURES_MAIN": [5, 10, 20, 40], "DRAWN": ((5,), (16, 96), 1)}),
    "phase-threshold": (
        phase_threshold,
        {"ALPHAS": np.array([1e-6, 1e-3]), "LEVELS": (0.01,), "DRAWN": ((1e-3,), (150, 300), 1)},
    ),
}


@pytest.mark.parametrize("name", DIAGRAMS)
def test_a_diagram_is_computed_and_drawn(name, tmp_path, monkeypatch):
    import matplotlib.pyplot as plt

    module, grid = DIAGRAMS[name]
    for constant, value in grid.items():
        monkeypatch.setattr(module, constant, {"quick": value})
    table = module.compute("quick", Sweep(tmp_path, workers=1))
    assert table.num_rows
    assert {"kind", "method", "n", "loss"} <= set(table.column_names)
    pictures = module.draw(table)
    assert list(pictures) == [name]
    assert figures.FIGURES[name] == module.__name__
    for picture in pictures.values():
        assert picture.axes
        plt.close(picture)


def test_bars_lie_where_drawn_losses_cross_the_level():
    rows = [{"n": n, "loss": loss} for n, loss in ((16, 0.5), (32, 0.05), (64, 0.001), (128, 1e-6))]
    assert phase_rescaling.bracket(rows) == (32, 64)
    assert phase_rescaling.bracket(rows[:2]) == (32, None)
    assert phase_rescaling.bracket(rows[2:]) == (64, None)


def test_slopes_are_powers():
    k = np.array([1, 2, 4, 8, 16, 32])
    assert phase_sparsity.slope(k, 3.0 * k**0.7) == pytest.approx(0.7)


def test_the_ratio_of_the_rescaling_diagram_is_weight_over_scale():
    assert phase_rescaling.ratio(1.0) == pytest.approx(0.2 / (40**-0.5 / 2), rel=1e-3)
    assert phase_rescaling.ratio(0.1) == pytest.approx(100 * phase_rescaling.ratio(1.0), rel=1e-3)


def test_a_table_of_a_diagram_can_be_read_again(tmp_path):
    row = cells.cell(cells.spec("needed", ["single"], share=0.01))[0]
    assert pa.Table.from_pylist([row]).to_pylist() == [row]


def test_finite_problems_lie_about_their_limit():
    """Thirty-two problems of 250 inputs: the mean of log loss within four of its standard errors and 10 % of each curve."""
    rows = [row for seed in range(32) for row in finite_size.cell({"inputs": 250, "seed": seed})]
    for method in finite_size.METHODS:
        logs = np.log([row["loss"] for row in rows if row["method"] == method])
        assert abs(logs.mean() - np.log(finite_size.predicted(method))) < 4 * logs.std(ddof=1) / 32**0.5 + 0.1


@pytest.mark.parametrize("near", ["single", "nothing"])
def test_least_norms_are_found_from_some_inputs(near):
    """As the solver for all inputs has it, from wherever it begins: inputs that it needs join."""
    tasks = teacher_student(16, 8, features=10, features_aux=10, magnitude=40**-0.5, inputs=250, samples_aux=1, seed=0)
    X, y = tasks.main.X, tasks.main.y
    start = newton.minimize(X, y, 2e-6).beta if near == "single" else np.zeros(250)
    expected = groups.minimize([(X, y)]).beta[0]
    np.testing.assert_allclose(finite_size.least_l1(X, y, start), expected, atol=1e-6 * np.abs(expected).max())
    beside = groups.minimize_pair(X, y, np.eye(250), tasks.teacher_aux).beta[0]
    assert np.abs(beside - expected).max() > 0.01 * np.abs(expected).max()
    found = finite_size.least_l12(X, y, tasks.teacher_aux, start)
    np.testing.assert_allclose(found, beside, atol=1e-4 * np.abs(beside).max())  # a gap of 1e-9 of a curved penalty


def test_rates_are_fitted_from_spreads():
    random = np.random.default_rng(0)
    rows = [
        {"inputs": D, "loss": np.exp(3 * D**-0.5 * random.normal()), "limit": 1.0}
        for D in (250, 1000, 4000)
        for _ in range(400)
    ]
    power, error = finite_size.rate(rows)
    assert 0.005 < error < 0.03
    assert abs(power + 0.5) < 4 * error


@pytest.mark.parametrize("design", universality.DESIGNS)
def test_designs_are_standardised(design):
    X, covariance = universality.drawn(design, 1500, np.random.default_rng(0))
    assert X.shape == (1500, universality.inputs_of(design))
    own = np.mean(X**2)
    expected = 1.0 if covariance is None else np.trace(covariance) / X.shape[1]
    assert own == pytest.approx(expected, rel=0.1)
    if covariance is not None:
        direction = np.linspace(-1, 1, X.shape[1])
        assert np.mean((X @ direction) ** 2) == pytest.approx(direction @ covariance @ direction, rel=0.2)


@pytest.mark.parametrize("module", [finite_size, universality])
def test_measurements_are_drawn(module, tmp_path, monkeypatch):
    import matplotlib.pyplot as plt

    monkeypatch.setattr(module, "SEEDS", {"quick": {250: 2, 500: 2} if module is finite_size else 2})
    if module is universality:
        monkeypatch.setattr(module, "DESIGNS", ("Gaussian", "terrain, whitened", "digits"))
    (picture,) = module.draw(module.compute("quick", Sweep(tmp_path, workers=1))).values()
    assert picture.axes
    plt.close(picture)


@pytest.mark.parametrize("name", DIAGRAMS)
def test_committed_tables_are_what_the_code_computes(name):
    """Twelve rows of theory, drawn at random, and one drawn task."""
    rows = figures.committed(name).to_pylist()
    draw = np.random.default_rng(0)
    theory = [row for row in rows if row["kind"] != "drawn" and np.isfinite(row["n"])]
    drawn = [row for row in rows if row["kind"] == "drawn" and row["method"] != "multitask"]
    for row in [*draw.choice(theory, 12, replace=False), draw.choice(drawn)]:
        size = 1 / row["features"] if name in ("phase-rescaling", "phase-sparsity") else None
        same = {key: row[key] for key in ("features", "overlap", "alpha", "gamma", "rescale")} | {"magnitude": size}
        what = {"curve": {"samples": [round(row["n"])]}, "needed": {"share": row["loss"]}}.get(
            row["kind"], {"samples": [round(row["n"])], "seeds": [row["seed"]]}
        )
        (found,) = cells.cell(cells.spec(row["kind"], [row["method"]], **same, **what))
        assert found["n"] == pytest.approx(row["n"], rel=1e-4)
        assert found["loss"] == pytest.approx(row["loss"], rel=1e-4, abs=1e-15)
