"""The networks of the paper: their outputs, what they compute as maps, gradients written by hand, and conserved quantities."""

from normtheory.networks.diagonal import DiagonalNetwork, Weights, effective_map, weight_gradient
from normtheory.networks.protocol import AnyWeights, LeastSquares, Network, W
from normtheory.networks.relu import ReLUNetwork, ReLUWeights, random_readout

__all__ = [
    "AnyWeights",
    "DiagonalNetwork",
    "LeastSquares",
    "Network",
    "ReLUNetwork",
    "ReLUWeights",
    "W",
    "Weights",
    "effective_map",
    "random_readout",
    "weight_gradient",
]
