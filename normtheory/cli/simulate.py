"""`normtheory simulate`: gradient flow of a diagonal network on the user's own problem."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from normtheory.cli.checkpoints import Report, checkpointed, fingerprint
from normtheory.cli.common import (
    AlphaOption,
    AuxOption,
    ConsistencyOption,
    GammaOption,
    InconsistentOption,
    OutputOption,
    ProblemArgument,
    RescaleOption,
    TargetOption,
    VerboseOption,
    check_output,
    policy_for,
    positive,
    print_arrays,
    print_features,
    print_moved,
    refuse,
    require_one_auxiliary,
    scales_of_finetuning,
)
from normtheory.cli.parametrised import NetworkOption, SharedOption, StartOption, choice, named, read
from normtheory.progress import flow_progress

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from normtheory.arrays import FloatArray
    from normtheory.files import Problem
    from normtheory.networks import AnyWeights
    from normtheory.solvers.checkpoints import Checkpoint
    from normtheory.solvers.trajectory import Trajectory

RouteName = Literal["weights", "dual"]
RouteOption = Annotated[
    RouteName | None,
    typer.Option(
        help="Integrate all weights, or the dual of one output.  [default: dual, where there is one and no --checkpoint]"
    ),
]
ProtocolName = Literal["single", "finetuning", "multitask", "probing"]
ProtocolOption = Annotated[
    ProtocolName | None,
    typer.Option(
        help="The main task alone; after pretraining, in all weights or in the second layer only; or both tasks at once."
    ),
]

SHOWN_STEPS = 10  # of the training, if --verbose

# Arrays that are written beside the weights, which have names of their own.
WRITTEN = ("beta", "beta_aux", "times", "losses", "gradient_evaluations", "conservation_error", "moved", "least_loss", "route")


def simulate(
    problem: ProblemArgument,
    output: OutputOption,
    protocol: ProtocolOption = None,
    network: NetworkOption = None,
    start: StartOption = None,
    shared: SharedOption = False,
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
    route: RouteOption = None,
    consistency: ConsistencyOption = None,
    inconsistent: InconsistentOption = "refuse",
    target: TargetOption = None,
    aux: AuxOption = None,
    verbose: VerboseOption = False,
) -> None:
    """Train a diagonal network, or one of your own, by gradient flow and write where it ends.

    PROBLEM holds X (n, D), y (n,); for finetuning and probing also beta_aux (D,), or X_aux (m, D) and y_aux (m,); for
    multitask X_aux and y_aux. The loss of multitask is the mean over all samples of both tasks. A --network of two outputs
    is trained on both tasks, too. Losses of projected data are those above least_loss.
    """
    import numpy as np

    from normtheory.solvers import flow
    from normtheory.tables import read_problem, write_result

    choice("--protocol", protocol, network, start)
    _refuse_idle(protocol, {"--gamma": gamma, "--rescale": rescale}, alpha, shared=shared)
    scales = scales_of_finetuning(alpha, gamma, rescale)
    rtol = positive(flow.DEFAULT_RTOL if rtol is None else rtol, "--rtol")
    loss = None if loss is None else positive(loss, "--loss")
    _check_files(output, checkpoint, problem)
    begun = time.perf_counter()
    read_in = read_problem(problem, target, aux)
    weights = _initial(network, start or "", problem, read_in, shared=shared)
    tasks = protocol or ("single" if weights is None or weights.outputs == 1 else "multitask")
    route = _chosen_route(
        route, tasks, keeps=checkpoint is not None or resume is not None, own=weights is not None, shared=shared
    )
    given, reached = _in_reach(read_in, tasks, loss, consistency, inconsistent)
    _warn_of_stiffness(given, route, dual=tasks != "multitask" and not shared)
    state = () if weights is None else (network, shared, weights.stacked().tobytes())
    decided = fingerprint(given, protocol, *scales.values(), rtol, loss, *state)
    with (
        flow_progress() as progress,
        checkpointed(checkpoint, resume, decided, progress) as (saved, report),
        np.errstate(all="ignore"),  # an overflow that matters shows in the loss
    ):
        phases, arrays = _trained(given, tasks, scales, report, saved, weights, rtol=rtol, loss=loss, route=route)
    write_result(output, arrays | _flow_arrays(phases) | reached | {"route": route}, given.features)
    print_arrays(given, (*_used(given, tasks), *(() if network is None else named(network, start or ""))))
    _print_flow(phases, reached["moved"], route, time.perf_counter() - begun, verbose)
    print_features(arrays["beta"], arrays.get("beta_aux"), given.features, verbose)
    print(f"written          {output}")


def _refuse_idle(protocol: ProtocolName | None, resets: dict[str, float | None], alpha: float | None, *, shared: bool) -> None:
    """Refuse options that have no meaning for what is trained."""
    if protocol is not None:
        refuse({"--shared": True if shared else None}, f"--protocol {protocol}")
    if protocol in (None, "single", "multitask"):
        refuse(resets, f"--protocol {protocol}" if protocol else "--network")
    if protocol is None:
        refuse({"--alpha": alpha}, "--network")


def _check_files(output: Path, checkpoint: Path | None, problem: Path) -> None:
    """Refuse files for the result or the state that cannot be written, or are another one."""
    from normtheory.arrays import InputError

    check_output(output, problem)
    if checkpoint is not None:
        check_output(checkpoint, problem, "--checkpoint")
        if checkpoint.resolve() == output.resolve():
            raise InputError(f"--checkpoint and --output are both {output}; give two names")


def _initial(network: str | None, start: str, file: Path, problem: Problem, *, shared: bool) -> AnyWeights | None:
    """The weights of a network of one's own at time 0, if there is one."""
    from normtheory.arrays import InputError
    from normtheory.networks import ParametrisedWeights

    if network is None:
        return None
    found = read(network, start, file, WRITTEN)
    if shared:
        if len(found.outputs) != problem.X.shape[1]:
            raise InputError(
                f"the network has {len(found.outputs)} outputs, and X {problem.X.shape[1]} columns; --shared needs as many"
            )
        return ParametrisedWeights.of(found, 1, shared=True)
    if len(found.outputs) > 2:
        raise InputError(f"the network has {len(found.outputs)} outputs, and a problem at most two tasks; give one or two")
    return ParametrisedWeights.of(found, problem.X.shape[1])


def _used(problem: Problem, protocol: ProtocolName) -> tuple[str, ...]:
    """The arrays of the file that a protocol trains on."""
    if protocol == "single":
        return ("X", "y")
    by_data = protocol == "multitask" or problem.beta_aux is None
    return ("X", "y", *(("X_aux", "y_aux") if by_data else ("beta_aux",)))


def _chosen_route(route: RouteName | None, protocol: ProtocolName, *, keeps: bool, own: bool, shared: bool) -> RouteName:
    """The route asked for, or the fastest one there is; `own` is whether the network is one's own."""
    from normtheory.arrays import InputError

    if route == "dual" and shared:
        raise InputError("--route dual is for coordinates with weights of their own; use --route weights with --shared")
    if route == "dual" and protocol == "multitask":
        what = "a --network of two outputs" if own else "--protocol multitask"
        raise InputError(f"--route dual is for one output; use --route weights with {what}")
    if route == "dual" and keeps:
        raise InputError(
            "--route dual keeps no checkpoint, it takes seconds; say --route weights with --checkpoint and --resume"
        )
    return route or ("weights" if own or keeps or protocol == "multitask" else "dual")


def _warn_of_stiffness(problem: Problem, route: RouteName, *, dual: bool) -> None:
    """Say at once why a flow may take hours, and what does not: the `dual`, where there is one."""
    from normtheory.solvers.consistency import ILL_CONDITIONED, condition_number

    other = ", or say --route dual" if dual else ""
    for name, X in (("X", problem.X), ("X_aux", problem.X_aux)) if route == "weights" else ():
        condition = 1.0 if X is None else condition_number(X)
        if condition > ILL_CONDITIONED:
            print(
                f"normtheory: {name} is ill-conditioned (condition number {condition:.0e}): its flow may take hours if there "
                "are more than a hundred inputs, or stop short; standardise its columns, ask for less by --rtol and --loss"
                f"{other}",
                file=sys.stderr,
                flush=True,
            )
            return


def _in_reach(
    problem: Problem, protocol: ProtocolName, loss: float | None, consistency: float | None, inconsistent: str
) -> tuple[Problem, dict[str, float]]:
    """The problem with targets that the flow can reach, the largest share by which they were moved, and the least loss before.

    Raises
    ------
    InputError
        If targets are refused, or the loss asked for is out of reach.
    """
    from dataclasses import replace

    import numpy as np

    from normtheory.solvers.consistency import Allowed
    from normtheory.solvers.constraints import fitted

    policy, aux = policy_for(problem, consistency, inconsistent), problem.X_aux is not None and protocol != "single"
    tasks = [("y", problem.X, problem.y)]
    if aux and problem.X_aux is not None and problem.y_aux is not None:
        tasks.append(("y_aux", problem.X_aux, problem.y_aux))
    changed: dict[str, Any] = {}
    moved, missed, least = 0.0, list[float](), 0.0
    for name, X, y in tasks:
        allowed = Allowed.of(**policy, suffix=name[1:])
        targets, share = fitted(X, y, Allowed(np.inf))
        counts = name == "y" or protocol == "multitask"  # in the loss that can be asked for
        error = float(np.sum((targets - y) ** 2))
        if share <= allowed.misfit:
            changed[name], moved = targets, max(moved, share)
            least += error if counts else 0.0
        elif loss is not None and counts:
            missed.append(error)
        else:
            allowed.moved(y, targets)
    samples = sum(y.size for name, _, y in tasks if name == "y" or protocol == "multitask")
    if missed:
        _require_above(loss or 0.0, sum(missed) / samples)
    return replace(problem, **changed), {"moved": moved, "least_loss": least / samples}


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
    route: RouteName,
) -> tuple[list[Trajectory[AnyWeights]], dict[str, FloatArray]]:
    """The trajectories of the protocol's phases, the main task's last, and the predictors."""
    from normtheory.solvers import training

    X, y, purpose = problem.X, problem.y, f"--protocol {protocol}" if weights is None else "a --network of two outputs"
    alpha, gamma, rescale = scales["alpha"], scales["gamma"], scales["rescale"]
    keeps: dict[str, Any] = {"rtol": rtol, "loss": loss, "progress": progress, "inconsistent": "project"}  # it is, by now
    if route == "weights":
        keeps["checkpoint"] = checkpoint
    if loss is not None:
        del keeps["inconsistent"]
    if protocol == "multitask":
        X_aux, y_aux = (problem.required(name, purpose) for name in ("X_aux", "y_aux"))
        run = training.multi_task(X, y, X_aux, y_aux, alpha=alpha, weights=weights, **keeps)
        return [run], {"beta": run.beta[0], "beta_aux": run.beta[1]}
    if protocol == "single":
        run = training.single_task(X, y, alpha=alpha, weights=weights, route=route, **keeps)
        return [run], {"beta": run.beta}
    require_one_auxiliary(problem, purpose)
    train = training.pretrain_finetune if protocol == "finetuning" else training.linear_probe
    done = train(
        X, y, beta_aux=problem.beta_aux, X_aux=problem.X_aux, y_aux=problem.y_aux, alpha=alpha, gamma=gamma, rescale=rescale,
        route=route, **keeps,
    )  # fmt: skip
    last = done.finetuning if isinstance(done, training.Finetuned) else done.probing
    phases = [phase for phase in (done.pretraining, last) if phase is not None]
    return phases, {"beta": phases[-1].beta, "beta_aux": done.beta_aux}


def _require_above(loss: float, least: float) -> None:
    from normtheory.arrays import InputError

    if least > loss:
        raise InputError(f"--loss {loss:g} is out of reach: the least training loss is {least:.3g}; give more than that")


def _flow_arrays(phases: list[Trajectory[AnyWeights]]) -> dict[str, ArrayLike]:
    last = phases[-1]
    return {
        **last.weights.named(),
        "times": last.times,
        "losses": last.losses,
        "gradient_evaluations": sum(phase.gradient_evaluations for phase in phases),
        "conservation_error": max(phase.conservation_error for phase in phases),
    }


def _print_flow(phases: list[Trajectory[AnyWeights]], moved: float, route: RouteName, seconds: float, verbose: bool) -> None:
    last = phases[-1]
    if verbose:
        for number in sorted({round(step * (len(last.times) - 1) / SHOWN_STEPS) for step in range(SHOWN_STEPS + 1)}):
            print(f"at time {last.times[number]:<8.3g} training loss {last.losses[number]:.3e}")
    print_moved(moved)
    print(f"training loss    {last.losses[-1]:.3e} at time {last.times[-1]:.6g}")
    print(f"gradients        {sum(phase.gradient_evaluations for phase in phases)}, {seconds:.2f} s by the {route}")
    print(f"conservation     {max(phase.conservation_error for phase in phases):.1e}")
