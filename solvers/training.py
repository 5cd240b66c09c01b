"""The training protocols of the paper, for every network, run as gradient flow on the weights.

Single task; pretraining, rescaling, reset of the readout and finetuning; multi-task training; linear probing, in closed form
and trained; and the lazy limit, exactly. A protocol trains the diagonal network from constant weights, unless it is given the
initial weights of a network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from numpy.typing import ArrayLike

from normtheory import exact
from normtheory.arrays import FloatArray, InputError, positive_scalar, vector
from normtheory.exact import ALPHA as ALPHA
from normtheory.exact import GAMMA as GAMMA
from normtheory.exact import RESCALE as RESCALE
from normtheory.networks import AnyWeights, ReLUWeights, Weights, random_readout
from normtheory.reprs import shown
from normtheory.solvers.checkpoints import Checkpoint, Following, PhaseProgress, Route
from normtheory.solvers.consistency import Inconsistent
from normtheory.solvers.flow import DEFAULT_RTOL
from normtheory.solvers.lazy import Linearised as Linearised
from normtheory.solvers.lazy import linearised as linearised
from normtheory.solvers.lazy import probed as probed
from normtheory.solvers.trajectory import Trajectory, linear_map
from normtheory.tasks import Task


@shown("beta", "beta_aux", "finetuning", "pretraining")
@dataclass(frozen=True, eq=False)
class Finetuned:
    """Pretraining and finetuning of one network.

    Attributes
    ----------
    pretrained : Weights or ReLUWeights
        After pretraining.
    start : Weights or ReLUWeights
        At the start of finetuning: first layer rescaled, second layer reset.
    finetuning : Trajectory
    pretraining : Trajectory or None
        None if pretraining was given by its predictor and entered in closed form.
    """

    pretrained: AnyWeights
    start: AnyWeights
    finetuning: Trajectory[AnyWeights]
    pretraining: Trajectory[AnyWeights] | None

    @property
    def beta_aux(self) -> FloatArray:
        """Predictor after pretraining, the network's own, shape (D,); of a diagonal network."""
        return linear_map(self.pretrained)

    @property
    def beta(self) -> FloatArray:
        """The main-task predictor after finetuning, shape (D,)."""
        return self.finetuning.beta

    def scale_and_start(self) -> exact.ScaleAndStart:
        """The exact penalty scale and start of this finetuning run of a diagonal network, read off its own weights.

        Raises
        ------
        InputError
            If it is another network.
        """
        if not isinstance(self.start, Weights):
            raise InputError("only diagonal networks have an exact penalty; this is another network")
        return exact.scale_and_start(self.start)


@shown("beta", "beta_aux", "probing", "pretraining")
@dataclass(frozen=True, eq=False)
class Probed:
    """Linear probing: only the second layer is trained.

    Attributes
    ----------
    pretrained : Weights or ReLUWeights
        After pretraining.
    start : Weights or ReLUWeights
        At the start of probing.
    closed_form : Weights or ReLUWeights
        At the end of probing, exactly: the readout closest to its start among those that fit best.
    probing : Trajectory or None
        The trained readout; None if it was not trained.
    pretraining : Trajectory or None
        None if pretraining was given by its predictor.
    """

    pretrained: AnyWeights
    start: AnyWeights
    closed_form: AnyWeights
    probing: Trajectory[AnyWeights] | None
    pretraining: Trajectory[AnyWeights] | None

    @property
    def beta_aux(self) -> FloatArray:
        """Predictor after pretraining, the network's own, shape (D,); of a diagonal network."""
        return linear_map(self.pretrained)

    @property
    def beta(self) -> FloatArray:
        """The predictor after probing, in closed form, shape (D,); of a diagonal network."""
        return linear_map(self.closed_form)


def single_task(
    X: ArrayLike,
    y: ArrayLike,
    *,
    alpha: float = ALPHA,
    weights: AnyWeights | None = None,
    rtol: float = DEFAULT_RTOL,
    atol: float | None = None,
    loss: float | None = None,
    progress: PhaseProgress | bool | None = None,
    checkpoint: Checkpoint | None = None,
    route: Route = "weights",
    consistency: float | None = None,
    inconsistent: Inconsistent = "refuse",
) -> Trajectory[AnyWeights]:
    """Train on one task.

    Parameters
    ----------
    X, y : arrays, shapes (n, D) and (n,)
        The task.
    alpha : float
        Initialisation scale of the diagonal network: all its weights.
    weights : Weights or ReLUWeights, optional
        Initial weights of the network to train instead.
    rtol, atol, loss, progress
        As in `normtheory.solvers.flow.gradient_flow`; progress also gets the name of the phase, and True shows it on stderr.
    checkpoint : Checkpoint, optional
        Keeps what is needed to go on after an interruption.
    route : "weights" or "dual"
        What is integrated: all weights; or, for one output, the dual of `normtheory.solvers.dual_flow`, many times faster,
        whose endpoint is the theory's by construction.
    consistency, inconsistent
        What to do with targets that no predictor fits, as in `normtheory.solvers.newton.minimize`. Those within the data's
        precision are moved onto the range of X; others are refused, unless a loss to stop at is given, or projected on demand.

    Raises
    ------
    InputError
        As `normtheory.solvers.flow.gradient_flow`, or if targets are refused.
    FlowError
        As `normtheory.solvers.flow.gradient_flow`.
    """
    task = Task(X, y)
    following = Following(rtol, atol, progress, checkpoint, route, consistency, inconsistent)
    return following.flow("training", [task], _initial(weights, task, alpha), loss=loss)


def multi_task(
    X: ArrayLike,
    y: ArrayLike,
    X_aux: ArrayLike,
    y_aux: ArrayLike,
    *,
    alpha: float = ALPHA,
    weights: AnyWeights | None = None,
    task_weights: Sequence[float] | None = None,
    decay: float = 0.0,
    rtol: float = DEFAULT_RTOL,
    atol: float | None = None,
    loss: float | None = None,
    progress: PhaseProgress | bool | None = None,
    checkpoint: Checkpoint | None = None,
    consistency: float | None = None,
    inconsistent: Inconsistent = "refuse",
) -> Trajectory[AnyWeights]:
    """Train a network with two outputs on both tasks at once; its first output is the main task's.

    Parameters
    ----------
    X, y, X_aux, y_aux : arrays, shapes (n, D), (n,), (m, D) and (m,)
        Main and auxiliary task.
    alpha : float
        Initialisation scale of the diagonal network: all its weights.
    weights : Weights or ReLUWeights, optional
        Initial weights of the network to train instead, with two outputs.
    task_weights : two numbers, optional
        Weights of the two mean squared errors, main task first (default: pooled, n/(n + m) and m/(n + m), as the paper does).
    decay : float
        Weight decay, as in `normtheory.solvers.flow.gradient_flow`.
    rtol, atol, loss, progress, checkpoint, consistency, inconsistent
        As in `single_task`; the loss is the weighted one.

    Raises
    ------
    InputError, FlowError
        As `normtheory.solvers.flow.gradient_flow`.
    """
    main, aux = Task(X, y), _auxiliary(X_aux, y_aux, Task(X, y))
    start = _initial(weights, main, alpha, outputs=2)
    following = Following(rtol, atol, progress, checkpoint, consistency=consistency, inconsistent=inconsistent)
    return following.flow("training", [main, aux], start, loss=loss, task_weights=task_weights, decay=decay)


def pretrain_finetune(
    X: ArrayLike,
    y: ArrayLike,
    *,
    beta_aux: ArrayLike | None = None,
    X_aux: ArrayLike | None = None,
    y_aux: ArrayLike | None = None,
    alpha: float = ALPHA,
    gamma: float = GAMMA,
    rescale: float = RESCALE,
    weights: AnyWeights | None = None,
    seed: int = 0,
    rtol: float = DEFAULT_RTOL,
    atol: float | None = None,
    loss: float | None = None,
    pretraining_loss: float | None = None,
    progress: PhaseProgress | bool | None = None,
    checkpoint: Checkpoint | None = None,
    route: Route = "weights",
    consistency: float | None = None,
    inconsistent: Inconsistent = "refuse",
) -> Finetuned:
    """Pretrain on the auxiliary task, multiply the first layer by `rescale`, reset the second to gamma, train on the main task.

    Parameters
    ----------
    X, y : arrays, shapes (n, D) and (n,)
        Main task.
    beta_aux : array, shape (D,), optional
        Predictor after pretraining; the pretrained weights then enter in closed form. Instead of X_aux and y_aux, and for the
        diagonal network from constant weights only.
    X_aux, y_aux : arrays, shapes (m, D) and (m,), optional
        Auxiliary task; the network is then pretrained on it by the flow.
    alpha, gamma, rescale : float
        Initialisation scale, value of the reset second layer, factor on the first layer after pretraining. A ReLU network's
        second layer is drawn anew, with standard deviation gamma sqrt(2/H).
    weights : Weights or ReLUWeights, optional
        Initial weights of the network to train instead of the diagonal one.
    seed : int
        Names the draw of a ReLU network's new readout.
    rtol, atol, loss, progress, checkpoint, route, consistency, inconsistent
        As in `single_task`, for either task.
    pretraining_loss : float, optional
        Training loss at which pretraining stops (default: as for `loss`).

    Raises
    ------
    InputError
        If the auxiliary task is given twice or not at all, or an array is malformed.
    FlowError
        If a phase does not reach its loss.
    """
    task = Task(X, y)
    following = Following(rtol, atol, progress, checkpoint, route, consistency, inconsistent)
    pretrained, pretraining = _pretrained(task, beta_aux, X_aux, y_aux, alpha, weights, pretraining_loss, following)
    start = restarted(pretrained, gamma, rescale, seed)
    return Finetuned(pretrained, start, following.flow("finetuning", [task], start, loss=loss), pretraining)


def linear_probe(
    X: ArrayLike,
    y: ArrayLike,
    *,
    beta_aux: ArrayLike | None = None,
    X_aux: ArrayLike | None = None,
    y_aux: ArrayLike | None = None,
    alpha: float = ALPHA,
    gamma: float = GAMMA,
    rescale: float = RESCALE,
    weights: AnyWeights | None = None,
    seed: int = 0,
    trained: bool = True,
    rtol: float = DEFAULT_RTOL,
    atol: float | None = None,
    loss: float | None = None,
    pretraining_loss: float | None = None,
    progress: PhaseProgress | bool | None = None,
    checkpoint: Checkpoint | None = None,
    route: Route = "weights",
    consistency: float | None = None,
    inconsistent: Inconsistent = "refuse",
) -> Probed:
    """As `pretrain_finetune`, but of the main task only the second layer learns: in closed form, and by the flow if `trained`.

    Raises
    ------
    InputError, FlowError
        As `pretrain_finetune`; the flow also fails where the frozen first layer cannot fit the main task.
    """
    task = Task(X, y)
    following = Following(rtol, atol, progress, checkpoint, route, consistency, inconsistent)
    pretrained, pretraining = _pretrained(task, beta_aux, X_aux, y_aux, alpha, weights, pretraining_loss, following)
    start = restarted(pretrained, gamma, rescale, seed)
    probing = following.flow("probing", [task], start, loss=loss, layers="readout") if trained else None
    return Probed(pretrained, start, probed([task], start), probing, pretraining)


def restarted(weights: AnyWeights, gamma: float = GAMMA, rescale: float = RESCALE, seed: int = 0) -> AnyWeights:
    """The weights with the first layer multiplied by `rescale` and the second one reset: to gamma, or drawn anew (ReLU)."""
    if isinstance(weights, Weights):
        return exact.reset(exact.rescaled(weights, rescale), gamma)
    if not isinstance(weights, ReLUWeights):
        raise InputError(f"{type(weights).__name__} cannot be restarted; give the weights of a diagonal or of a ReLU network")
    readout = random_readout(weights.hidden.shape[0], positive_scalar(gamma, "gamma"), weights.outputs, seed)
    return ReLUWeights(positive_scalar(rescale, "rescale") * weights.hidden, readout)


def _pretrained(
    task: Task,
    beta_aux: ArrayLike | None,
    X_aux: ArrayLike | None,
    y_aux: ArrayLike | None,
    alpha: float,
    weights: AnyWeights | None,
    loss: float | None,
    following: Following,
) -> tuple[AnyWeights, Trajectory[AnyWeights] | None]:
    """The weights after pretraining, and how they came about unless by the closed form."""
    if beta_aux is not None and X_aux is None and y_aux is None:
        if weights is not None:
            raise InputError("beta_aux stands for pretraining from constant weights; give X_aux and y_aux with other weights")
        return exact.pretraining(vector(beta_aux, "beta_aux", task.inputs, "column of X"), alpha), None
    if beta_aux is not None or X_aux is None or y_aux is None:
        raise InputError("the auxiliary task is ambiguous or missing; give either beta_aux, or X_aux and y_aux")
    aux = _auxiliary(X_aux, y_aux, task)
    run = following.flow("pretraining", [aux], _initial(weights, aux, alpha), loss=loss)
    return run.weights, run


def _auxiliary(X_aux: ArrayLike, y_aux: ArrayLike, main: Task) -> Task:
    aux = Task(X_aux, y_aux, suffix="_aux")
    if aux.inputs != main.inputs:
        raise InputError(f"X_aux has {aux.inputs} columns, but X has {main.inputs}; both need one per input")
    return aux


def _initial(weights: AnyWeights | None, task: Task, alpha: float, outputs: int = 1) -> AnyWeights:
    return Weights.constant(task.inputs, positive_scalar(alpha, "alpha"), outputs=outputs) if weights is None else weights
