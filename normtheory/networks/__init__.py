"""The networks of the paper, and one's own: outputs, what they compute as maps, gradients, and conserved quantities."""

from normtheory.networks.diagonal import DiagonalNetwork, Weights, effective_map, weight_gradient
from normtheory.networks.parametrised import ParametrisedNetwork, ParametrisedWeights
from normtheory.networks.protocol import AnyWeights, LeastSquares, Network, W
from normtheory.networks.relu import ReLUNetwork, ReLUWeights, random_readout

__all__ = [
    "AnyWeights",
    "DiagonalNetwork",
    "LeastSquares",
    "Network",
    "ParametrisedNetwork",
    "ParametrisedWeights",
    "ReLUNetwork",
    "ReLUWeights",
    "W",
    "Weights",
    "effective_map",
    "random_readout",
    "weight_gradient",
]
