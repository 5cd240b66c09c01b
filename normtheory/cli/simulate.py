"""`normtheory simulate`: gradient flow of a diagonal network on the user's own problem."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from normtheory.cli.checkpoints import Report, checkpointed, fingerprint
from normtheory.cli.common import (
    AlphaOption,
    GammaOption,
    OutputOption,
    ProblemArgument,
    RescaleOption,
    check_output,
    positive,
    refuse,
    require_one_auxiliary,
    scales_of_finetuning,
)
from normtheory.cli.parametrised import NetworkOption, StartOption, choice, read
from normtheory.cli.progress import flow_progress

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from normtheory.arrays import FloatArray
    from normtheory.files import Problem
    from normtheory.networks import AnyWeights
    from normtheory.solvers.checkpoints import Checkpoint
    from normtheory.solvers.trajectory import Trajectory

ProtocolName = Literal["single", "finetuning", "multitask", "probing"]

# Arrays that are written beside the weights, which have names of their own.
WRITTEN = ("beta", "beta_aux", "times", "losses", "gradient_evaluations", "conservation_error")


def simulate(
    problem: ProblemArgument,
    output: OutputOption,
    protocol: Annotated[
        ProtocolName | None,
        typer.Option(
            help="The main task alone; after pretraining, in all weights or in the second layer only; or both tasks at once."
        ),
    ] = None,
    network: NetworkOption = None,
    start: StartOption = None,
    alpha: AlphaOption = None,
    gamma: GammaOption = None,
    rescale: RescaleOption = None,
    rtol: Annotated[float | None, typer.Option(help="Relative error aimed at by the integrator.  [default: 1e-08]")] = None,
    loss: Annotated[
        float | None, typer.Option(help="Training loss to stop at, pooled in multitask.  [default: below what rtol leaves]")
    ] = None,
    checkpoint: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Save the state here on Ctrl-C, and once a minute.")
    ] = None,
    resume: Annotated[Path | None, typer.Option(metavar="FILE", help="Go on from a state saved by --checkpoint.")] = None,
) -> None:
    """Train a diagonal network, or one of your own, by gradient flow and write where it ends.

    PROBLEM.npz holds X (n, D), y (n,); for finetuning and probing also beta_aux (D,), or X_aux (m, D) and y_aux (m,); for
    multitask X_aux and y_aux. The loss of multitask is the mean over all samples of both tasks. A --network of two outputs
    is trained on both tasks, too.
    """
    import numpy as np

    from normtheory.arrays import InputError
    from normtheory.files import read_problem, write_arrays
    from normtheory.solvers import flow

    choice("--protocol", protocol, network, start)
    if protocol in (None, "single", "multitask"):
        refuse({"--gamma": gamma, "--rescale": rescale}, f"--protocol {protocol}" if protocol else "--network")
    if protocol is None:
        refuse({"--alpha": alpha}, "--network")
    scales = scales_of_finetuning(alpha, gamma, rescale)
    rtol = positive(flow.DEFAULT_RTOL if rtol is None else rtol, "--rtol")
    loss = None if loss is None else positive(loss, "--loss")
    check_output(output, problem)
    if checkpoint is not None:
        check_output(checkpoint, problem, "--checkpoint")
        if checkpoint.resolve() == output.resolve():
            raise InputError(f"--checkpoint and --output are both {output}; give two names")
    begun = time.perf_counter()
    given = read_problem(problem)
    weights = None if network is None else _initial(network, start or "", problem, given)
    tasks = protocol or ("single" if weights is None or weights.outputs == 1 else "multitask")
    if tasks != "multitask" or loss is None:
        _require_reachable(given.X, given.y, "", rtol, loss)
    state = () if weights is None else (network, weights.stacked().tobytes())
    decided = fingerprint(given, protocol, *scales.values(), rtol, loss, *state)
    with (
        flow_progress() as progress,
        checkpointed(checkpoint, resume, decided, progress) as (saved, report),
        np.errstate(all="ignore"),  # an overflow that matters shows in the loss
    ):
        phases, arrays = _trained(given, tasks, scales, report, saved, weights, rtol=rtol, loss=loss)
    write_arrays(output, arrays | _flow_arrays(phases))
    _print_flow(phases, time.perf_counter() - begun, output)


def _initial(network: str, start: str, file: Path, problem: Problem) -> AnyWeights:
    """The weights of a network of one's own at time 0."""
    from normtheory.arrays import InputError
    from normtheory.networks import ParametrisedWeights

    found = read(network, start, file, WRITTEN)
    if len(found.outputs) > 2:
        raise InputError(f"the network has {len(found.outputs)} outputs, and a problem at most two tasks; give one or two")
    return ParametrisedWeights.of(found, problem.X.shape[1])


def _trained(
    problem: Problem,
    protocol: ProtocolName,
    scales: dict[str, float],
    progress: Report,
    checkpoint: Checkpoint,
    weights: AnyWeights | None,
    *,
    rtol: float,
    loss: float | None,
) -> tuple[list[Trajectory[AnyWeights]], dict[str, ArrayLike]]:
    """The trajectories of the protocol's phases, the main task's last, and the predictors."""
    from normtheory.solvers import training

    X, y, purpose = problem.X, problem.y, f"--protocol {protocol}" if weights is None else "a --network of two outputs"
    alpha, gamma, rescale = scales["alpha"], scales["gamma"], scales["rescale"]
    if protocol == "single":
        run = training.single_task(
            X, y, alpha=alpha, weights=weights, rtol=rtol, loss=loss, progress=progress, checkpoint=checkpoint
        )
        return [run], {"beta": run.beta}
    if protocol == "multitask":
        X_aux, y_aux = (problem.required(name, purpose) for name in ("X_aux", "y_aux"))
        if loss is None:
            _require_reachable(X_aux, y_aux, "_aux", rtol, None)
        else:
            total = y.size + y_aux.size
            least = (y.size * _least_loss(X, y) + y_aux.size * _least_loss(X_aux, y_aux)) / total
            _require_above(loss, least)
        run = training.multi_task(
            X, y, X_aux, y_aux, alpha=alpha, weights=weights, rtol=rtol, loss=loss, progress=progress, checkpoint=checkpoint
        )
        return [run], {"beta": run.beta[0], "beta_aux": run.beta[1]}
    require_one_auxiliary(problem, purpose)
    if problem.X_aux is not None:
        _require_reachable(problem.X_aux, problem.required("y_aux", purpose), "_aux", rtol, None)
    train = training.pretrain_finetune if protocol == "finetuning" else training.linear_probe
    done = train(
        X, y, beta_aux=problem.beta_aux, X_aux=problem.X_aux, y_aux=problem.y_aux, alpha=alpha, gamma=gamma, rescale=rescale,
        rtol=rtol, loss=loss, progress=progress, checkpoint=checkpoint,
    )  # fmt: skip
    last = done.finetuning if isinstance(done, training.Finetuned) else done.probing
    phases = [phase for phase in (done.pretraining, last) if phase is not None]
    return phases, {"beta": phases[-1].beta, "beta_aux": done.beta_aux}


def _require_reachable(X: FloatArray, y: FloatArray, suffix: str, rtol: float, loss: float | None) -> None:
    """Refuse targets that no predictor fits to the training loss asked for: the flow would come to rest above it."""
    import numpy as np

    from normtheory.arrays import InputError

    least, scale = _least_loss(X, y), float(np.mean(y**2))
    if loss is not None:
        _require_above(loss, least)
    elif least > (rtol / 10) ** 2 * scale:
        way_out = "" if suffix else ", or say with --loss where to stop"
        raise InputError(
            f"y{suffix} is outside the range of X{suffix}: no beta has a mean squared error below {least:.1e}; "
            f"remove contradictory rows{way_out}"
        )


def _require_above(loss: float, least: float) -> None:
    from normtheory.arrays import InputError

    if least > loss:
        raise InputError(f"--loss {loss:g} is out of reach: the least training loss is {least:.3g}; give more than that")


def _least_loss(X: FloatArray, y: FloatArray) -> float:
    """The mean squared error of the best linear predictor."""
    import numpy as np

    best, *_ = np.linalg.lstsq(X, y, rcond=None)
    return float(np.mean((X @ best - y) ** 2))


def _flow_arrays(phases: list[Trajectory[AnyWeights]]) -> dict[str, ArrayLike]:
    last = phases[-1]
    return {
        **last.weights.named(),
        "times": last.times,
        "losses": last.losses,
        "gradient_evaluations": sum(phase.gradient_evaluations for phase in phases),
        "conservation_error": max(phase.conservation_error for phase in phases),
    }


def _print_flow(phases: list[Trajectory[AnyWeights]], seconds: float, output: Path) -> None:
    last = phases[-1]
    print(f"training loss    {last.losses[-1]:.3e} at time {last.times[-1]:.6g}")
    print(f"gradients        {sum(phase.gradient_evaluations for phase in phases)}, {seconds:.2f} s")
    print(f"conservation     {max(phase.conservation_error for phase in phases):.1e}")
    print(f"written          {output}")
