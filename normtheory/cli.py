"""The command line: a thin shell over the rooms, and the only file that knows all of them. Nothing imports it.

Heavy imports stand inside the commands, so that `normtheory --help` answers at once.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from normtheory.arrays import FloatArray
    from normtheory.ledger import Entry
    from normtheory.tasks import Problem
    from solvers.certificate import Solution
    from solvers.flow import Trajectory
    from solvers.training import Checkpoint

PenaltyName = Literal["finetuning", "q", "l12", "l1", "l2"]
SolverName = Literal["newton", "cvxpy"]
ProtocolName = Literal["single", "finetuning", "multitask", "probing"]
ScaleName = Literal["quick", "paper"]

# The solvers that can minimise each penalty, the default first.
SOLVERS: dict[PenaltyName, tuple[SolverName, ...]] = {
    "finetuning": ("newton", "cvxpy"),
    "q": ("newton", "cvxpy"),
    "l12": ("newton", "cvxpy"),
    "l1": ("cvxpy",),
    "l2": ("cvxpy",),
}
UNIQUE = {True: "yes", False: "no: others have the same penalty", None: "not decided by the certificate"}
CHECKPOINT_INTERVAL_S = 60.0
PROGRESS_INTERVAL_S, PLAIN_PROGRESS_INTERVAL_S = 0.2, 10.0  # on a terminal, and in a log

BAD_INPUT, FAILED, INTERRUPTED = 2, 1, 130  # exit codes

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,  # rich's help pages would double the time that --help takes
    pretty_exceptions_enable=False,
    help="Audit a theory of implicit bias: check its claims, compute what it predicts, simulate what it speaks about.",
)

ProblemArgument = Annotated[Path, typer.Argument(metavar="PROBLEM.npz", help="The arrays named above.")]
OutputOption = Annotated[Path, typer.Option("--output", "-o", metavar="OUT.npz", help="File to write.")]
AlphaOption = Annotated[float | None, typer.Option(help="Initialisation scale of all weights.  [default: 0.001]")]
GammaOption = Annotated[float | None, typer.Option(help="Value of the second layer, after its reset.  [default: 0.001]")]
RescaleOption = Annotated[float | None, typer.Option(help="Factor on the first layer, after pretraining.  [default: 1]")]


class Interrupted(Exception):
    """Ctrl-C ended a command that has something to say about it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; every foreseeable error ends in one line on stderr."""
    given = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    try:
        code = typer.main.get_command(app).main(given, prog_name="normtheory", standalone_mode=False)
    except typer.TyperException as error:
        return _complain(error.format_message(), BAD_INPUT)
    except KeyboardInterrupt:
        code = INTERRUPTED
    except Interrupted as interruption:
        return _complain(str(interruption), INTERRUPTED)
    except MemoryError:
        return _complain("out of memory; give a smaller problem", FAILED)
    except Exception as error:
        return _complain(str(error), _exit_code(error))
    if code == INTERRUPTED:
        return _complain("interrupted; nothing was written", INTERRUPTED)
    return int(code or 0)


def _complain(message: str, code: int) -> int:
    print(f"normtheory: {' '.join(message.split())}", file=sys.stderr)
    return code


def _exit_code(error: Exception) -> int:
    """The exit code of a foreseeable error; any other is a bug and is raised again, with its traceback."""
    from normtheory.arrays import InputError

    if isinstance(error, InputError):
        return BAD_INPUT
    from figures.sweep import IncompleteError
    from solvers.certificate import NotCertified
    from solvers.flow import FlowError

    if isinstance(error, NotCertified | FlowError | IncompleteError):
        return FAILED
    raise error


@app.command()
def minimize(
    problem: ProblemArgument,
    penalty: Annotated[PenaltyName, typer.Option(help="Norm to minimise; finetuning is q with the exact scale and start.")],
    output: OutputOption,
    alpha: AlphaOption = None,
    gamma: GammaOption = None,
    rescale: RescaleOption = None,
    solver: Annotated[
        SolverName | None, typer.Option(help="[default: newton for q, finetuning and l12, cvxpy for l1 and l2]")
    ] = None,
    tol: Annotated[
        float | None,
        typer.Option(help="Bound on gap and residual, relative.  [default: 1e-10 newton, 1e-8 newton for l12, 1e-7 cvxpy]"),
    ] = None,
) -> None:
    """Minimise a penalty subject to zero training error, with a certificate.

    PROBLEM.npz holds X, y; for q also k (D,) and optionally beta0 (D,); for finetuning beta_aux (D,), or X_aux (m, D) and
    y_aux (m,); for l12 X_aux and y_aux.
    """
    import numpy as np

    from normtheory.tasks import read_problem, write_arrays

    method = _chosen_solver(penalty, solver)
    if penalty != "finetuning":
        _refuse({"--alpha": alpha, "--gamma": gamma, "--rescale": rescale}, f"--penalty {penalty}")
    scales = _scales(alpha, gamma, rescale)
    tolerance = _tolerance(tol, penalty, method)
    _check_output(output, problem)
    start = time.perf_counter()
    given = read_problem(problem)
    with np.errstate(all="ignore"):  # an overflow on the way shows in the certificate, if it matters
        found, inputs = _minimized(given, penalty, method, scales, tolerance)
    write_arrays(output, _solution_arrays(found, inputs))
    _print_solution(found, time.perf_counter() - start, output)


def _chosen_solver(penalty: PenaltyName, solver: SolverName | None) -> SolverName:
    from normtheory.arrays import InputError

    able = SOLVERS[penalty]
    if solver is not None and solver not in able:
        raise InputError(f"--solver {solver} cannot minimise --penalty {penalty}; use --solver {' or '.join(able)}")
    return solver or able[0]


def _tolerance(tol: float | None, penalty: PenaltyName, method: SolverName) -> float:
    from solvers import groups
    from solvers.certificate import DEFAULT_TOLERANCE
    from solvers.programs import CONIC_TOLERANCE

    if tol is not None:
        return _positive(tol, "--tol")
    if method == "cvxpy":
        return CONIC_TOLERANCE
    return groups.DEFAULT_TOLERANCE if penalty == "l12" else DEFAULT_TOLERANCE


def _minimized(
    problem: Problem, penalty: PenaltyName, method: SolverName, scales: dict[str, float], tol: float
) -> tuple[Solution, dict[str, FloatArray]]:
    """The solution, and the arrays beyond the file's tasks that define what was minimised."""
    import numpy as np

    from normtheory import exact
    from solvers import programs

    X, y = problem.X, problem.y
    if penalty == "l12":
        X_aux, y_aux = (problem.required(name, "--penalty l12") for name in ("X_aux", "y_aux"))
        return _minimize_l12(method)(X, y, X_aux, y_aux, tol=tol), {}
    if penalty == "l1":
        return programs.minimize_l1(X, y, tol=tol), {}
    if penalty == "l2":
        return programs.minimize_l2(X, y, tol=tol), {}
    if penalty == "q":
        beta0 = np.zeros(X.shape[1]) if problem.beta0 is None else problem.beta0
        inputs = {"k": problem.required("k", "--penalty q"), "beta0": beta0}
    else:
        beta_aux = _pretrained(problem, method, scales["alpha"], tol)
        k, beta0 = exact.finetuning(beta_aux, **scales)
        inputs = {"k": k, "beta0": beta0, "beta_aux": beta_aux}
    return _minimize_q(method)(X, y, inputs["k"], inputs["beta0"], tol=tol), inputs


def _pretrained(problem: Problem, method: SolverName, alpha: float, tol: float) -> FloatArray:
    """The auxiliary predictor of the file, or the one that pretraining on its auxiliary task ends at."""
    import numpy as np

    from normtheory.arrays import InputError

    _require_one_auxiliary(problem, "--penalty finetuning")
    if problem.beta_aux is not None:
        return problem.beta_aux
    X_aux, y_aux = (problem.required(name, "--penalty finetuning") for name in ("X_aux", "y_aux"))
    scale = np.full(X_aux.shape[1], 2 * alpha**2)
    try:
        return _minimize_q(method)(X_aux, y_aux, scale, 0.0, tol=tol).beta
    except InputError as error:
        raise InputError(f"auxiliary task: {error}") from error


def _require_one_auxiliary(problem: Problem, purpose: str) -> None:
    from normtheory.arrays import InputError

    if problem.beta_aux is None and problem.X_aux is None:
        raise InputError(f"{problem.name} holds neither beta_aux nor X_aux and y_aux; {purpose} needs one of the two")
    if problem.beta_aux is not None and problem.X_aux is not None:
        raise InputError(f"{problem.name} holds both beta_aux and X_aux; {purpose} needs one of the two, remove the other")


def _minimize_q(method: SolverName) -> Callable[..., Solution]:
    from solvers import newton, programs

    return newton.minimize if method == "newton" else programs.minimize_q


def _minimize_l12(method: SolverName) -> Callable[..., Solution]:
    from solvers import groups, programs

    return groups.minimize_pair if method == "newton" else programs.minimize_l12


def _solution_arrays(solution: Solution, inputs: dict[str, FloatArray]) -> dict[str, ArrayLike]:
    certificate = solution.certificate
    return {
        "beta": solution.beta,
        "dual": solution.dual,
        **inputs,
        "objective": certificate.objective,
        "dual_objective": certificate.dual_objective,
        "primal_residual": certificate.primal_residual,
        "gap": certificate.gap,
        "solver": solution.solver,
    }


def _print_solution(solution: Solution, seconds: float, output: Path) -> None:
    certificate = solution.certificate
    print(f"objective        {certificate.objective:.12g}")
    print(f"relative gap     {certificate.gap:.1e}")
    print(f"primal residual  {certificate.primal_residual:.1e}")
    print(f"only minimiser   {UNIQUE[solution.unique]}")
    print(f"solver           {solution.solver}, {solution.steps} steps, {seconds:.2f} s")
    print(f"written          {output}")


def _scales(alpha: float | None, gamma: float | None, rescale: float | None) -> dict[str, float]:
    """The three scales of finetuning, checked, with the paper's values for those not given."""
    from solvers import training

    return {
        "alpha": _positive(training.ALPHA if alpha is None else alpha, "--alpha"),
        "gamma": _positive(training.GAMMA if gamma is None else gamma, "--gamma"),
        "rescale": _positive(training.RESCALE if rescale is None else rescale, "--rescale"),
    }


def _positive(value: float, option: str) -> float:
    from normtheory.arrays import positive_scalar

    return positive_scalar(value, option)


def _refuse(options: Mapping[str, object], where: str) -> None:
    """Refuse options that would be ignored: a run that differs from what was asked for is worse than none."""
    from normtheory.arrays import InputError

    for name, value in options.items():
        if value is not None:
            raise InputError(f"{name} has no meaning for {where}; remove it")


def _check_output(output: Path, problem: Path, option: str = "--output") -> None:
    """Refuse an output that cannot be written before anything is computed, and one that would replace the problem."""
    from normtheory.arrays import InputError
    from normtheory.tasks import check_writable

    if check_writable(output) == Path(os.path.realpath(problem)):
        raise InputError(f"{output} is the problem itself; give another name to {option}")


@app.command()
def simulate(
    problem: ProblemArgument,
    protocol: Annotated[
        ProtocolName,
        typer.Option(
            help="The main task alone; after pretraining, in all weights or in the second layer only; or both tasks at once."
        ),
    ],
    output: OutputOption,
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
    """Train a diagonal network by gradient flow and write where it ends.

    PROBLEM.npz holds X (n, D), y (n,); for finetuning and probing also beta_aux (D,), or X_aux (m, D) and y_aux (m,); for
    multitask X_aux and y_aux. The loss of multitask is the mean over all samples of both tasks.
    """
    import numpy as np

    from normtheory.arrays import InputError
    from normtheory.tasks import read_problem, write_arrays
    from solvers import flow

    if protocol in ("single", "multitask"):
        _refuse({"--gamma": gamma, "--rescale": rescale}, f"--protocol {protocol}")
    scales = _scales(alpha, gamma, rescale)
    rtol = _positive(flow.DEFAULT_RTOL if rtol is None else rtol, "--rtol")
    loss = None if loss is None else _positive(loss, "--loss")
    _check_output(output, problem)
    if checkpoint is not None:
        _check_output(checkpoint, problem, "--checkpoint")
        if checkpoint.resolve() == output.resolve():
            raise InputError(f"--checkpoint and --output are both {output}; give two names")
    start = time.perf_counter()
    given = read_problem(problem)
    if protocol != "multitask" or loss is None:
        _require_reachable(given.X, given.y, "", rtol, loss)
    fingerprint = _fingerprint(given, protocol, *scales.values(), rtol, loss)
    with (
        _flow_progress() as progress,
        _checkpointed(checkpoint, resume, fingerprint, progress) as (saved, report),
        np.errstate(all="ignore"),  # an overflow that matters shows in the loss
    ):
        phases, arrays = _trained(given, protocol, scales, report, saved, rtol=rtol, loss=loss)
    write_arrays(output, arrays | _flow_arrays(phases))
    _print_flow(phases, time.perf_counter() - start, output)


Report = Callable[[str, float, float, int], None]


def _fingerprint(problem: Problem, *options: object) -> str:
    """A hash of all that decides a simulation: only its own state can go on."""
    import hashlib
    from dataclasses import fields

    arrays = [getattr(problem, field.name) for field in fields(problem) if field.name != "name"]
    texts = [repr(options), *(None if array is None else f"{array.shape}" for array in arrays)]
    found = hashlib.sha256(repr(texts).encode())
    for array in arrays:
        found.update(b"" if array is None else array.tobytes())
    return found.hexdigest()


@contextmanager
def _checkpointed(
    file: Path | None, resume: Path | None, fingerprint: str, progress: Report
) -> Iterator[tuple[Checkpoint, Report]]:
    """The state to go on from, and a progress report that saves it once a minute; on Ctrl-C it is saved and said so."""
    from normtheory.tasks import write_arrays
    from solvers.training import Checkpoint

    saved = Checkpoint() if resume is None else Checkpoint.of(_resumed(resume, fingerprint))
    last = time.perf_counter()

    def write() -> None:
        if file is not None:
            write_arrays(file, {"fingerprint": fingerprint, **saved.arrays()})

    def report(phase: str, flow_time: float, loss: float, evaluations: int) -> None:
        nonlocal last
        progress(phase, flow_time, loss, evaluations)
        if time.perf_counter() - last > CHECKPOINT_INTERVAL_S:
            last = time.perf_counter()
            write()

    try:
        yield saved, report
    except KeyboardInterrupt:
        if file is None or not saved.states():
            raise
        write()
        raise Interrupted(f"interrupted; the state is in {file}, go on with --resume {file}") from None


def _resumed(path: Path, fingerprint: str) -> dict[str, FloatArray]:
    from normtheory.arrays import InputError
    from normtheory.tasks import read_arrays

    arrays = read_arrays(path)
    if "fingerprint" not in arrays:
        raise InputError(f"{path} is no saved state; give a file written by --checkpoint")
    if str(arrays.pop("fingerprint")) != fingerprint:
        raise InputError(f"{path} was saved from another problem or other options; give those, or leave --resume out")
    return arrays


def _trained(
    problem: Problem,
    protocol: ProtocolName,
    scales: dict[str, float],
    progress: Report,
    checkpoint: Checkpoint,
    *,
    rtol: float,
    loss: float | None,
) -> tuple[list[Trajectory], dict[str, ArrayLike]]:
    """The trajectories of the protocol's phases, the main task's last, and the predictors."""
    from solvers import training

    X, y, purpose = problem.X, problem.y, f"--protocol {protocol}"
    alpha, gamma, rescale = scales["alpha"], scales["gamma"], scales["rescale"]
    if protocol == "single":
        run = training.single_task(X, y, alpha=alpha, rtol=rtol, loss=loss, progress=progress, checkpoint=checkpoint)
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
            X, y, X_aux, y_aux, alpha=alpha, rtol=rtol, loss=loss, progress=progress, checkpoint=checkpoint
        )
        return [run], {"beta": run.beta[0], "beta_aux": run.beta[1]}
    _require_one_auxiliary(problem, purpose)
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


def _flow_arrays(phases: list[Trajectory]) -> dict[str, ArrayLike]:
    last = phases[-1]
    return {
        **last.weights.named(),
        "times": last.times,
        "losses": last.losses,
        "gradient_evaluations": sum(phase.gradient_evaluations for phase in phases),
        "conservation_error": max(phase.conservation_error for phase in phases),
    }


def _print_flow(phases: list[Trajectory], seconds: float, output: Path) -> None:
    last = phases[-1]
    print(f"training loss    {last.losses[-1]:.3e} at time {last.times[-1]:.6g}")
    print(f"gradients        {sum(phase.gradient_evaluations for phase in phases)}, {seconds:.2f} s")
    print(f"conservation     {max(phase.conservation_error for phase in phases):.1e}")
    print(f"written          {output}")


@contextmanager
def _flow_progress() -> Iterator[Callable[[str, float, float, int], None]]:
    """What a flow is to call with phase, time, loss and gradients: a status line on stderr, a plain one in a log."""
    from rich.console import Console

    console = Console(stderr=True)
    interval = PROGRESS_INTERVAL_S if console.is_terminal else PLAIN_PROGRESS_INTERVAL_S
    shown = time.perf_counter()
    with console.status("gradient flow") as status:

        def report(phase: str, flow_time: float, loss: float, evaluations: int) -> None:
            nonlocal shown
            if time.perf_counter() - shown < interval:
                return
            shown = time.perf_counter()
            text = f"{phase}: time {flow_time:.3g}, loss {loss:.2e}, {evaluations} gradients"
            if console.is_terminal:
                status.update(text)
            else:
                print(text, file=sys.stderr, flush=True)

        yield report


@app.command()
def verify(
    ids: Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="Claims to check.  [default: all]")] = None,
    json: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the verdicts and their evidence.")] = None,
    report: Annotated[
        Path | None,
        typer.Option("--report", metavar="DIR", help="Write the verdicts with their derivations, as HTML and LaTeX."),
    ] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Worker processes.  [default: one per processor]")] = None,
    limit: Annotated[float, typer.Option(metavar="SECONDS", help="Cut a claim off after so long.")] = 120.0,
) -> None:
    """Check claims of the theory; succeed only if every verdict is as expected and every false twin was rejected."""
    from normtheory import ledger
    from normtheory.processes import processors
    from normtheory.tasks import check_writable

    limit = _positive(limit, "--limit")
    order = list(dict.fromkeys(ids)) if ids else list(ledger.claims())
    for name in order:
        ledger.find(name)
    if json is not None:
        check_writable(json)
    if report is not None:
        from normtheory.tasks import folder

        folder(report)
    workers = processors() if jobs is None else jobs
    start = time.perf_counter()
    found = {entry.id: entry for entry in _with_progress(ledger.run(order, jobs=workers, limit=limit), len(order))}
    entries = [found[name] for name in order]
    _print_verdicts(entries, time.perf_counter() - start)
    if json is not None:
        _write_json(json, ledger.to_json(entries))
    if report is not None:
        from normtheory.report import write_report

        for path in write_report(entries, report, _pictures(found, report)):
            print(f"written  {path}")
    raise typer.Exit(0 if all(entry.ok for entry in entries) else FAILED)


# The figures that the report shows beside claims which are no panels of them; a claim that is a panel shows its picture.
PICTURES = {"fig1a": ("eq3", "eq5", "l2-at-one", "q-sensitive"), "corollary1": ("cor1",)}


def _pictures(ids: Iterable[str], folder: Path) -> dict[str, Path]:
    """Draw, into the report's folder, the figures that belong to these claims; the picture of each claim that has one."""
    import figures

    wanted = set(ids)
    shown = {claim: picture for picture, claims in PICTURES.items() for claim in claims if claim in wanted}
    shown |= {claim: claim for claim in wanted if claim[:-1] in figures.FIGURES}  # a panel is its figure and a letter
    names = {picture if picture in figures.FIGURES else picture[:-1] for picture in shown.values()}
    drawn = {path.stem: path for name in sorted(names) for path in figures.redraw(name, folder) if path.suffix == ".svg"}
    return {claim: drawn[picture] for claim, picture in shown.items()}


def _with_progress(entries: Iterable[Entry], total: int) -> Iterator[Entry]:
    """Pass the entries on, with a bar on a terminal and a line for each elsewhere, on stderr."""
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("checking claims", total=total)
        for number, entry in enumerate(entries, 1):
            yield entry
            progress.update(bar, advance=1, description=entry.id)
            if not console.is_terminal:
                print(f"[{number}/{total}] {entry.id}: {entry.verdict.value} ({entry.seconds:.1f} s)", file=sys.stderr)


def _print_verdicts(entries: list[Entry], seconds: float) -> None:
    from collections import Counter

    width = max((len(entry.id) for entry in entries), default=2)
    print(f"{'claim':<{width}}  {'verdict':<9}  twins rejected  {'seconds':>7}  where")
    for entry in entries:
        twins = f"{sum(twin.rejected for twin in entry.twins)} of {len(entry.twins)}"
        print(f"{entry.id:<{width}}  {entry.verdict.value:<9}  {twins:<14}  {entry.seconds:>7.2f}  {entry.where}")
    counts = Counter(entry.verdict.value for entry in entries)
    print(f"\n{len(entries)} claims in {seconds:.1f} s: {', '.join(f'{count} {name}' for name, count in counts.items())}")
    wrong = [entry for entry in entries if not entry.ok]
    for entry in wrong:
        print(f"NOT AS EXPECTED  {entry.id}: {'; '.join(entry.problems)}")
    if not wrong:
        print("Every verdict is as expected and every false twin was rejected.")


def _write_json(path: Path, value: object) -> None:
    import json

    from normtheory.tasks import write_whole

    text = json.dumps(value, indent=1, ensure_ascii=False) + "\n"
    write_whole(path, lambda handle: handle.write(text.encode()))


@app.command()
def claims(
    summary: Annotated[
        bool, typer.Option("--summary", help="Count the verdicts of each section, as a Markdown table.")
    ] = False,
) -> None:
    """List the claims: id, expected verdict, place in the paper, statement."""
    from normtheory import ledger

    known = ledger.claims().values()
    if summary:
        print(ledger.summary(known))
        return
    widths = [max(len(claim.id) for claim in known), max(len(claim.where) for claim in known)]
    for claim in known:
        place = f"{claim.id:<{widths[0]}}  {claim.expected.value:<9}  {claim.where:<{widths[1]}}"
        print(f"{place}  {_shortened(claim.statement, 60)}")


def _shortened(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 3] + "..."


@app.command()
def show(name: Annotated[str, typer.Argument(metavar="ID", help="The claim; `normtheory claims` lists them.")]) -> None:
    """Check one claim and print its derivation, step by step."""
    from normtheory import ledger

    print(ledger.describe(ledger.run_claim(ledger.find(name))))


@app.command()
def figure(
    name: Annotated[str, typer.Argument(help="The figure; an unknown name lists them.")],
    scale: Annotated[ScaleName | None, typer.Option(help="A reduced grid, minutes, or the paper's.  [default: paper]")] = None,
    engine: Annotated[
        str | None,
        typer.Option(metavar="local|dask[:ADDRESS]", help="Processes, a local Dask cluster, or any.  [default: local]"),
    ] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Worker processes.  [default: one per processor]")] = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the pictures and their table.")] = Path("pictures"),
    redraw: Annotated[bool, typer.Option("--redraw", help="Draw from the table of the full run that comes along.")] = False,
) -> None:
    """Compute a figure of the audit and draw it. Interrupted, the same command goes on from what is finished."""
    import figures

    if redraw:
        _refuse({"--scale": scale, "--engine": engine, "--jobs": jobs}, "--redraw")
        made: tuple[Sequence[Path], Exception | None] = figures.redraw(name, out), None
    else:
        made = _made(name, scale or "paper", engine or "local", jobs, out)
    for path in made[0]:
        print(path)
    if made[1] is not None:
        raise made[1]


def _made(name: str, scale: str, engine: str, jobs: int | None, out: Path) -> tuple[Sequence[Path], Exception | None]:
    """The files of a figure, and an error that names the cells they lack, if there are any."""
    import figures
    from figures.progress import reported
    from figures.sweep import IncompleteError

    try:
        with reported() as progress:
            return figures.make(name, scale, out, engine=engine, workers=jobs, progress=progress), None
    except IncompleteError as error:
        return error.written, error
    except KeyboardInterrupt:
        raise Interrupted("interrupted; what is finished is kept, and the same command goes on from there") from None


@app.command()
def bench() -> None:
    """Compare the solvers with plainer ways to the same numbers, as ratios of times (in a clone only)."""
    import subprocess

    from normtheory.arrays import InputError

    clone = Path(__file__).resolve().parents[1]
    if not (clone / "benchmarks" / "__main__.py").is_file():
        raise InputError("the benchmarks are not installed; run `make bench` in a clone")
    raise typer.Exit(subprocess.run([sys.executable, "-m", "benchmarks"], cwd=clone, check=False).returncode)
