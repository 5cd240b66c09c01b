"""Grids of ReLU cells that take seconds: networks too narrow to show what wide ones do."""

from normtheory.figures.relu.grid import Grid

TINY = Grid(
    seeds=(0,),
    samples=(32,),
    seeds_sparse=(0,),
    samples_sparse=(16,),
    shared=(5, 6),
    correlated=(0, 5),
    units=(1,),
    samples_single=(16,),
    units_single=(6, 20),
    samples_aux=64,
    width=30,
    seeds_least=1,
    relations_descent=("6/6 shared",),
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
    clusters=False,
    equal=False,
    seeds_least=0,
)
