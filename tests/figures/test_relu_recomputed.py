"""Cells by code that shares nothing with them but tasks and initial weights: two of a tiny grid, rows of the committed table.

Gradients are torch's, training is plain gradient descent of small steps, and losses are means over fresh inputs.
"""

from dataclasses import replace

import numpy as np
import pytest
from relu_grids import TINY

from normtheory.figures import committed
from normtheory.figures.relu import cells
from normtheory.figures.relu.grid import LAPTOP
from normtheory.networks import ReLUWeights, random_readout
from normtheory.teachers import relu_pair

torch = pytest.importorskip("torch")

LOOSE = {"scale": 1e-2, "pretraining_loss": 1e-2, "last_loss": 1e-3, "last_loss_pooled": 1e-2, "early_loss": 2e-2}
PLAIN = {"seeds_least": 0, "clusters": False, "equal": False, "kernels": False}
FEW = {"samples": (16,), "samples_aux": 60, "width": 60}  # or steps would be millions
GRID = replace(TINY, **LOOSE, **PLAIN, **FEW, rtol=1e-3, atol=1e-7)
STEP = 0.02  # a fifth of the paper's: what finite steps change is of first order in it
AGREE = 0.04  # relative: finite steps, the tolerance of the flow in pretraining and in training, the mean over fresh inputs
FRESH = 200_000


def descended(tasks, shares, hidden, readout, loss, step=STEP, steps=20_000):
    """Weights where the weighted mean squared errors of all tasks come down to a loss, relative to that of predicting 0."""
    w, v = (torch.tensor(array, requires_grad=True) for array in (hidden, readout))
    data = [(torch.tensor(task.X), torch.tensor(task.y)) for task in tasks]
    for _ in range(steps):
        outputs = [torch.relu(X @ w.T) @ v[o] for o, (X, _) in enumerate(data)]
        error = sum(share * ((f - y) ** 2).mean() for share, f, (_, y) in zip(shares, outputs, data, strict=True))
        if float(error.detach()) <= loss * sum(
            share * float((y**2).mean()) for share, (_, y) in zip(shares, data, strict=True)
        ):
            return w.detach().numpy(), v.detach().numpy()
        gradients = torch.autograd.grad(error, (w, v))
        with torch.no_grad():
            for parameter, gradient in zip((w, v), gradients, strict=True):
                parameter -= step * gradient
    raise AssertionError(f"descent is at {float(error.detach())}")


def loss_on_fresh_inputs(pair, hidden, readout):
    draw = np.random.default_rng(99)
    parts = [draw.standard_normal((FRESH // 20, pair.teacher.hidden.shape[1])) for _ in range(20)]
    truth, found = (
        np.concatenate([np.maximum(X @ w.T, 0) @ v[0] for X in parts])
        for w, v in ((pair.teacher.hidden, pair.teacher.readout), (hidden, readout))
    )
    return float(np.mean((found - truth) ** 2))


@pytest.fixture(scope="module")
def starts():
    """Initial weights of one output and of two, and weights pretrained by descent."""
    one, two = (ReLUWeights.random(GRID.inputs, GRID.width, GRID.scale, outputs, 0) for outputs in (1, 2))
    aux = relu_pair(1, [1.0], inputs=GRID.inputs, samples_aux=GRID.samples_aux).aux
    return one, two, descended([aux], [1.0], one.hidden, one.readout, GRID.pretraining_loss)[0]


def cell_of(kind, relation):
    spec = next(spec for spec in GRID.cells() if (spec["kind"], spec["relation"]) == (kind, relation))
    return spec, {(row["method"], row["how"], row["rescale"]): row["final_loss"] for row in cells.cell(spec)}


def test_a_pair_of_tasks(starts):
    one, two, pretrained = starts
    spec, losses = cell_of("pair", "6/6 shared")
    pair = relu_pair(spec["n"], [1.0] * 6, inputs=GRID.inputs, samples_aux=GRID.samples_aux)
    fresh = random_readout(GRID.width, GRID.gamma)
    total = spec["n"] + GRID.samples_aux
    ends = {
        "STL": descended([pair.main], [1.0], one.hidden, one.readout, GRID.last_loss),
        "PT+FT": descended([pair.main], [1.0], pretrained, fresh, GRID.last_loss),
        "MTL": descended(
            [pair.main, pair.aux], [spec["n"] / total, GRID.samples_aux / total], two.hidden, two.readout, GRID.last_loss_pooled
        ),
    }
    for method, (hidden, readout) in ends.items():
        assert loss_on_fresh_inputs(pair, hidden, readout) == pytest.approx(losses[method, "flow", 1.0], rel=AGREE), method


def test_a_sparse_task_after_rescaling(starts):
    _, _, pretrained = starts
    spec, losses = cell_of("sparse", "nested")
    pair = relu_pair(spec["n"], [1.0], magnitude=1.0, inputs=GRID.inputs, samples_aux=GRID.samples_aux)
    for factor in (0.1, 1.0):
        end = descended([pair.main], [1.0], factor * pretrained, random_readout(GRID.width, GRID.gamma), GRID.last_loss)
        assert loss_on_fresh_inputs(pair, *end) == pytest.approx(losses["PT+FT", "flow", factor], rel=AGREE), factor


def of_the_table(relation):
    """A committed cell's teachers and tasks, and the losses of its flows."""
    rows = [row for row in committed("fig2").to_pylist() if (row["relation"], row["n"], row["seed"]) == (relation, 32, 0)]
    flows = {row["method"]: row["final_loss"] for row in rows if row["how"] == "flow" and row["panel"] == "a"}
    return relu_pair(32, LAPTOP.relations()[relation], samples_aux=LAPTOP.samples_aux), flows


def begun(outputs=1):
    return ReLUWeights.random(LAPTOP.inputs, LAPTOP.width, LAPTOP.scale, outputs, 0)


@pytest.mark.parametrize("relation", ["0/6 shared", "5/6 shared"])
def test_committed_rows_of_single_task_learning(relation):
    pair, losses = of_the_table(relation)
    start = begun()
    end = descended([pair.main], [1.0], start.hidden, start.readout, LAPTOP.last_loss)
    assert loss_on_fresh_inputs(pair, *end) == pytest.approx(losses["STL"], rel=AGREE)


@pytest.mark.recompute
def test_committed_rows_of_multi_task_learning_and_finetuning():
    """Twenty minutes: a hundred thousand steps each of multi-task training and of pretraining."""
    pair, losses = of_the_table("6/6 shared")
    long = {"step": 0.1, "steps": 400_000}
    one, two, total = begun(), begun(2), 32 + LAPTOP.samples_aux
    shares = [32 / total, LAPTOP.samples_aux / total]
    both = descended([pair.main, pair.aux], shares, two.hidden, two.readout, LAPTOP.last_loss_pooled, **long)
    assert loss_on_fresh_inputs(pair, *both) == pytest.approx(losses["MTL"], rel=0.1)
    hidden, _ = descended([pair.aux], [1.0], one.hidden, one.readout, LAPTOP.pretraining_loss, **long)
    tuned = descended([pair.main], [1.0], hidden, random_readout(LAPTOP.width, LAPTOP.gamma), LAPTOP.last_loss)
    assert loss_on_fresh_inputs(pair, *tuned) == pytest.approx(losses["PT+FT"], rel=0.1)
