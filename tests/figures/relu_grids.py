"""Grids of ReLU cells that take seconds: networks too narrow to show what wide ones do, and trained to looser losses."""

from importlib.util import find_spec

from normtheory.figures.relu.grid import Grid

DESCENDS = find_spec("torch") is not None  # which stochastic descent needs
TINY = Grid(
    seeds=(0,),
    samples=(24,),
    seeds_sparse=(0,),
    samples_sparse=(16,),
    shared=(5, 6),
    correlated=(0, 5),
    units=(1,),
    samples_single=(16,),
    units_single=(6, 20),
    inputs=12,
    samples_aux=48,
    width=40,
    pretraining_loss=1e-4,
    last_loss=1e-5,
    last_loss_pooled=1e-4,
    early_loss=1e-3,
    latest=3e3,
    seeds_least=1,
    relations_descent=("6/6 shared",) if DESCENDS else (),
    samples_descent=(24,),
    epochs=60,
)
TINY_LARGE = Grid(
    seeds=(0,),
    samples=(16,),
    seeds_sparse=(0,),
    samples_single=(16,),
    shared=(0, 8),
    correlated=(),
    units_single=(8, 40),
    inputs=20,
    units_aux=8,
    samples_aux=48,
    width=24,
    pretraining_loss=1e-4,
    last_loss=1e-5,
    last_loss_pooled=1e-4,
    early_loss=1e-3,
    latest=3e3,
    clusters=False,
    equal=False,
    seeds_least=0,
    descended=DESCENDS,
    samples_flow=16,
    epochs=60,
)
