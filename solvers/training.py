"""The training protocols of the paper, run as gradient flow on the weights: single task, and pretraining then finetuning."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from numpy.typing import ArrayLike

from normtheory import exact
from normtheory.arrays import FloatArray, InputError, positive_scalar, vector
from normtheory.networks import DiagonalNetwork, Weights
from normtheory.tasks import Task
from solvers.flow import DEFAULT_RTOL, Progress, Trajectory, gradient_flow

# The protocols' defaults are the paper's (section 4): constant initialisation and reset readout of 1e-3, no rescaling.
ALPHA = 1e-3
GAMMA = 1e-3
RESCALE = 1.0

PhaseProgress = Callable[[str, float, float, int], None]  # phase, time, training loss, gradient evaluations


@dataclass(frozen=True, eq=False)
class Finetuned:
    """Pretraining and finetuning of one network.

    Attributes
    ----------
    beta_aux : array, shape (D,)
        Predictor after pretraining, the network's own.
    start : Weights
        At the start of finetuning: first layer rescaled, second layer reset.
    finetuning : Trajectory
    pretraining : Trajectory or None
        None if pretraining was given by its predictor and entered in closed form.
    """

    beta_aux: FloatArray
    start: Weights
    finetuning: Trajectory
    pretraining: Trajectory | None

    @property
    def beta(self) -> FloatArray:
        """The main-task predictor after finetuning, shape (D,)."""
        return self.finetuning.beta

    def scale_and_start(self) -> exact.ScaleAndStart:
        """The exact penalty scale and start of this finetuning run, read off its own weights."""
        return exact.scale_and_start(self.start)


def single_task(
    X: ArrayLike,
    y: ArrayLike,
    *,
    alpha: float = ALPHA,
    rtol: float = DEFAULT_RTOL,
    loss: float | None = None,
    progress: PhaseProgress | None = None,
) -> Trajectory:
    """Train on one task from constant weights alpha.

    Parameters
    ----------
    X, y : arrays, shapes (n, D) and (n,)
        The task.
    alpha : float
        Initialisation scale.
    rtol, loss, progress
        As in `solvers.flow.gradient_flow`; progress also gets the name of the phase.

    Raises
    ------
    InputError, FlowError
        As `solvers.flow.gradient_flow`.
    """
    task = Task(X, y)
    start = Weights.constant(task.inputs, positive_scalar(alpha, "alpha"))
    return gradient_flow(DiagonalNetwork(), task, start, rtol=rtol, loss=loss, progress=_phase(progress, "training"))


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
    rtol: float = DEFAULT_RTOL,
    loss: float | None = None,
    pretraining_loss: float | None = None,
    progress: PhaseProgress | None = None,
) -> Finetuned:
    """Pretrain on the auxiliary task, multiply the first layer by `rescale`, reset the second to gamma, train on the main task.

    Parameters
    ----------
    X, y : arrays, shapes (n, D) and (n,)
        Main task.
    beta_aux : array, shape (D,), optional
        Predictor after pretraining; the pretrained weights then enter in closed form. Instead of X_aux and y_aux.
    X_aux, y_aux : arrays, shapes (m, D) and (m,), optional
        Auxiliary task; the network is then pretrained on it by the flow.
    alpha, gamma, rescale : float
        Initialisation scale, value of the reset second layer, factor on the first layer after pretraining.
    rtol, loss, progress
        As in `solvers.flow.gradient_flow`; progress also gets the name of the phase.
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
    alpha = positive_scalar(alpha, "alpha")
    pretraining = None
    if beta_aux is not None and X_aux is None and y_aux is None:
        beta_aux = vector(beta_aux, "beta_aux", task.inputs, "column of X")
        pretrained = exact.pretraining(beta_aux, alpha)
    elif beta_aux is None and X_aux is not None and y_aux is not None:
        aux = Task(X_aux, y_aux, suffix="_aux")
        if aux.inputs != task.inputs:
            raise InputError(f"X_aux has {aux.inputs} columns, but X has {task.inputs}; both need one per input")
        pretraining = gradient_flow(
            DiagonalNetwork(),
            aux,
            Weights.constant(task.inputs, alpha),
            rtol=rtol,
            loss=pretraining_loss,
            progress=_phase(progress, "pretraining"),
        )
        pretrained, beta_aux = pretraining.weights, pretraining.beta
    else:
        raise InputError("the auxiliary task is ambiguous or missing; give either beta_aux, or X_aux and y_aux")
    start = exact.reset(exact.rescaled(pretrained, rescale), gamma)
    finetuning = gradient_flow(
        DiagonalNetwork(), task, start, rtol=rtol, loss=loss, progress=_phase(progress, "finetuning")
    )
    return Finetuned(beta_aux, start, finetuning, pretraining)


def _phase(progress: PhaseProgress | None, name: str) -> Progress | None:
    if progress is None:
        return None
    report = progress
    return lambda time, loss, evaluations: report(name, time, loss, evaluations)
