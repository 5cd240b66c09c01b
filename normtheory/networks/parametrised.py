"""A network of one's own beside the paper's: any parametrisation of a linear predictor, with what the flow needs of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from normtheory.arrays import FloatArray, InputError
from normtheory.networks.predictor_slope import PredictorSlope
from normtheory.networks.protocol import LeastSquares, Scale
from normtheory.reprs import shown
from normtheory.tasks import Task

if TYPE_CHECKING:
    from normtheory.parametrisations import Parametrisation
    from normtheory.parametrisations.compiled import Function


@dataclass(frozen=True)
class ParametrisedNetwork:
    """The network f_o(x) = sum_d G_o(w_d) x_d whose coordinates each have weights w_d of their own: a `Network`.

    Two are equal if their formulas are; the start belongs to the weights. With `shared` weights, the same for all coordinates,
    the outputs of the formula are the coordinates of one predictor, f(x) = sum_o G_o(w) x_o.
    """

    formulas: tuple[object, ...]
    parametrisation: Parametrisation = field(compare=False, repr=False)
    shared: bool = False

    @staticmethod
    def of(parametrisation: Parametrisation, *, shared: bool = False) -> ParametrisedNetwork:
        """The network of a parametrisation."""
        return ParametrisedNetwork((*parametrisation.weights, *parametrisation.outputs), parametrisation, shared)

    @property
    def outputs(self) -> int:
        """The number O of outputs."""
        return 1 if self.shared else len(self.parametrisation.outputs)

    def unstacked(self, state: FloatArray) -> ParametrisedWeights:
        """The weights that a state (p, D) holds."""
        return ParametrisedWeights(self, state.copy())

    def effective_map(self, weights: ParametrisedWeights) -> FloatArray:
        """The linear predictor, shape (D,) for one output, (O, D) for more."""
        maps = self._maps(weights.state)
        return np.asarray(maps[0] if self.outputs == 1 else maps)

    def _maps(self, state: FloatArray) -> FloatArray:
        """Predictors, a row an output."""
        maps = self.parametrisation.values(state)
        return maps.T if self.shared else maps

    def output(self, weights: ParametrisedWeights, X: FloatArray, task: int = 0) -> FloatArray:
        """Output number `task` for the rows of X, shape (n,)."""
        return np.asarray(X @ self._maps(weights.state)[task])

    def jacobian(self, weights: ParametrisedWeights, X: FloatArray, task: int = 0) -> FloatArray:
        """Derivative of output number `task` in the entries of the state, shape (n, p D)."""
        slopes = self.parametrisation.slopes(weights.state)
        return np.asarray(X @ slopes[..., 0] if self.shared else (X[:, None, :] * slopes[task]).reshape(len(X), -1))

    def readout(self, weights: ParametrisedWeights) -> NDArray[np.bool_]:
        """There is none: a formula has no layers."""
        raise InputError("a network that is given by a formula has no readout; train all of its weights")

    def least_squares(self, tasks: Sequence[Task], weights: Sequence[float]) -> LeastSquares:
        """The training loss."""
        slopes = [PredictorSlope(task, weight) for task, weight in zip(tasks, weights, strict=True)]

        def along(pulls: Sequence[Callable[[FloatArray], FloatArray]], state: FloatArray) -> FloatArray:
            fields = self.parametrisation.slopes(state)
            found = [pull(beta) for pull, beta in zip(pulls, self._maps(state), strict=True)]
            if self.shared:
                return np.asarray(np.tensordot(found[0], fields, axes=1))
            return np.asarray(sum(pull * own for pull, own in zip(found, fields, strict=True)))

        def nearby(start: FloatArray) -> Callable[[FloatArray], FloatArray]:
            return partial(along, [slope.near(beta) for slope, beta in zip(slopes, self._maps(start), strict=True)])

        def loss(state: FloatArray) -> float:
            residuals = (task.X @ beta - task.y for task, beta in zip(tasks, self._maps(state), strict=True))
            return float(sum(w * (r @ r) / r.size for w, r in zip(weights, residuals, strict=True)))

        return LeastSquares(partial(along, slopes), loss, nearby=nearby if any(slope.large for slope in slopes) else None)

    def conserved(self, weights: ParametrisedWeights) -> dict[str, FloatArray]:
        """The laws that were found (`normtheory.parametrisations.laws`), per coordinate; they need not be all there are."""
        found = _compiled_laws(self)
        return dict(zip(found.names, found.values(weights.state), strict=True))

    def scales(self, weights: ParametrisedWeights) -> dict[str, Scale]:
        """Of each law the sum of the sizes of its terms, per coordinate, and its degree."""
        found = _compiled_laws(self)
        return {name: Scale(*each) for name, *each in zip(found.names, found.sizes(weights.state), found.degrees, strict=True)}


@shown()
@dataclass(frozen=True, eq=False)
class ParametrisedWeights:
    """Weights of a parametrised network: a state of shape (p, D), a row for each symbol of the formula."""

    network: ParametrisedNetwork
    state: FloatArray

    @staticmethod
    def of(parametrisation: Parametrisation, size: int | None = None, *, shared: bool = False) -> ParametrisedWeights:
        """The weights at the start, for D = `size` coordinates; or one set, shared by as many coordinates as outputs."""
        state = parametrisation.weights_at_start(1 if shared else size)
        return ParametrisedWeights(ParametrisedNetwork.of(parametrisation, shared=shared), state)

    @property
    def size(self) -> int:
        """The number D of inputs."""
        network = self.network
        return len(network.parametrisation.outputs) if network.shared else int(self.state.shape[1])

    @property
    def outputs(self) -> int:
        """The number O of outputs."""
        return self.network.outputs

    def named(self) -> dict[str, FloatArray]:
        """The rows by the names of their symbols."""
        return {weight.name: row for weight, row in zip(self.network.parametrisation.weights, self.state, strict=True)}

    def stacked(self) -> FloatArray:
        """A copy of the state."""
        return self.state.copy()


HIGHEST_DEGREE = 2  # of the polynomials looked at: the search is to cost less than the flow whose drift they measure


class _Laws(NamedTuple):
    names: tuple[str, ...]
    values: Function
    sizes: Function  # sums of the sizes of their terms
    degrees: tuple[float, ...]


_known: dict[ParametrisedNetwork, _Laws] = {}


def _compiled_laws(network: ParametrisedNetwork) -> _Laws:
    """The laws of a network, searched for once."""
    import sympy as sp

    from normtheory.parametrisations.compiled import compiled
    from normtheory.parametrisations.language import written
    from normtheory.parametrisations.laws import laws

    if network not in _known:
        own = network.parametrisation
        found = laws(own, highest=HIGHEST_DEGREE).found
        formulas = [law.expression for law in found]
        sizes = [sum(sp.Abs(term) for term in sp.Add.make_args(each)) for each in formulas]
        _known[network] = _Laws(
            tuple(written(each, own.weights) for each in formulas),
            compiled(formulas, own.weights),
            compiled(sizes, own.weights),
            tuple(float("nan") if law.degree is None else float(law.degree) for law in found),
        )
    return _known[network]
