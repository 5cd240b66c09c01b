"""`normtheory minimize`: a certified minimiser of a penalty on the user's own problem."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

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

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from normtheory.arrays import FloatArray
    from normtheory.files import Problem
    from normtheory.solvers.certificate import Solution

PenaltyName = Literal["finetuning", "q", "l12", "l1", "l2"]
SolverName = Literal["newton", "cvxpy"]

# The solvers that can minimise each penalty, the default first.
SOLVERS: dict[PenaltyName, tuple[SolverName, ...]] = {
    "finetuning": ("newton", "cvxpy"),
    "q": ("newton", "cvxpy"),
    "l12": ("newton", "cvxpy"),
    "l1": ("cvxpy",),
    "l2": ("cvxpy",),
}
UNIQUE = {True: "yes", False: "no: others have the same penalty", None: "not decided by the certificate"}


def minimize(
    problem: ProblemArgument,
    output: OutputOption,
    penalty: Annotated[
        PenaltyName | None, typer.Option(help="Norm to minimise; finetuning is q with the exact scale and start.")
    ] = None,
    network: NetworkOption = None,
    start: StartOption = None,
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
    y_aux (m,); for l12 X_aux and y_aux. With --network what is minimised is the divergence from the start under the potential
    that gradient flow of that network follows; of two outputs the second is held at beta_aux, as where its task dominates.
    """
    import numpy as np

    from normtheory.files import read_problem, write_arrays

    choice("--penalty", penalty, network, start)
    if penalty != "finetuning":
        what = f"--penalty {penalty}" if penalty else "--network"
        refuse({"--alpha": alpha, "--gamma": gamma, "--rescale": rescale}, what)
    if penalty is None:
        refuse({"--solver": None if solver == "newton" else solver}, "--network, which newton minimises")
    method = "newton" if penalty is None else _chosen_solver(penalty, solver)
    scales = scales_of_finetuning(alpha, gamma, rescale)
    tolerance = _tolerance(tol, penalty, method)
    check_output(output, problem)
    begun = time.perf_counter()
    given = read_problem(problem)
    with np.errstate(all="ignore"):  # an overflow on the way shows in the certificate, if it matters
        if penalty is None:
            found, inputs = _minimized_own(given, problem, network or "", start or "", tolerance)
        else:
            found, inputs = _minimized(given, penalty, method, scales, tolerance)
    write_arrays(output, _solution_arrays(found, inputs))
    _print_solution(found, time.perf_counter() - begun, output)


def _minimized_own(
    problem: Problem, file: Path, network: str, start: str, tol: float
) -> tuple[Solution, dict[str, FloatArray]]:
    """The endpoint of a network of one's own, and its predictor at the start."""
    from normtheory.solvers import own
    from normtheory.solvers.held import held
    from normtheory.solvers.orbits import Orbits

    own_network, inputs = read(network, start, file), problem.X.shape[1]
    if len(own_network.outputs) == 1:
        orbits = Orbits.of(own_network, inputs)
        return own.minimize_on(problem.X, problem.y, orbits, tol=tol), {"beta0": orbits.start}
    beta_aux = problem.required("beta_aux", "a --network of two outputs, the second of which is held at it,")
    orbits = held(own_network, beta_aux, inputs)
    found = own.minimize_on(problem.X, problem.y, orbits, tol=tol)
    return found, {"beta0": orbits.start, "beta_aux": beta_aux}


def _chosen_solver(penalty: PenaltyName, solver: SolverName | None) -> SolverName:
    from normtheory.arrays import InputError

    able = SOLVERS[penalty]
    if solver is not None and solver not in able:
        raise InputError(f"--solver {solver} cannot minimise --penalty {penalty}; use --solver {' or '.join(able)}")
    return solver or able[0]


def _tolerance(tol: float | None, penalty: PenaltyName | None, method: SolverName) -> float:
    from normtheory.solvers import groups
    from normtheory.solvers.certificate import DEFAULT_TOLERANCE
    from normtheory.solvers.programs import CONIC_TOLERANCE

    if tol is not None:
        return positive(tol, "--tol")
    if method == "cvxpy":
        return CONIC_TOLERANCE
    return groups.DEFAULT_TOLERANCE if penalty == "l12" else DEFAULT_TOLERANCE


def _minimized(
    problem: Problem, penalty: PenaltyName, method: SolverName, scales: dict[str, float], tol: float
) -> tuple[Solution, dict[str, FloatArray]]:
    """The solution, and the arrays beyond the file's tasks that define what was minimised."""
    import numpy as np

    from normtheory import exact
    from normtheory.solvers import programs

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

    require_one_auxiliary(problem, "--penalty finetuning")
    if problem.beta_aux is not None:
        return problem.beta_aux
    X_aux, y_aux = (problem.required(name, "--penalty finetuning") for name in ("X_aux", "y_aux"))
    scale = np.full(X_aux.shape[1], 2 * alpha**2)
    try:
        return _minimize_q(method)(X_aux, y_aux, scale, 0.0, tol=tol).beta
    except InputError as error:
        raise InputError(f"auxiliary task: {error}") from error


def _minimize_q(method: SolverName) -> Callable[..., Solution]:
    from normtheory.solvers import newton, programs

    return newton.minimize if method == "newton" else programs.minimize_q


def _minimize_l12(method: SolverName) -> Callable[..., Solution]:
    from normtheory.solvers import groups, programs

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
