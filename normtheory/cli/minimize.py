"""`normtheory minimize`: a certified minimiser of a penalty on the user's own problem."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from normtheory.cli.common import (
    AlphaOption,
    AuxOption,
    ConsistencyOption,
    GammaOption,
    InconsistentOption,
    OutputOption,
    ProblemArgument,
    RescaleOption,
    StrengthOption,
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
from normtheory.cli.parametrised import NetworkOption, SharedOption, StartOption, choice, named, read, refuse_shared

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from normtheory.arrays import FloatArray
    from normtheory.files import Problem
    from normtheory.parametrisations import Parametrisation
    from normtheory.solvers.certificate import Solution
    from normtheory.solvers.potentials import Potential

PenaltyName = Literal["finetuning", "q", "l12", "l1", "l2"]
SolverName = Literal["newton", "cvxpy"]

UNIQUE = {True: "yes", False: "no: others have the same penalty", None: "not decided by the certificate"}


@dataclass(frozen=True)
class Method:
    """How to minimise: which solver, its tolerance, and the policy for targets outside the range of X."""

    solver: SolverName
    options: dict[str, Any]
    strength: float | None  # of the penalty beside the squared error; None: the error is zero

    def penalised(self, X: FloatArray, y: FloatArray, potential: Potential) -> Solution:
        """The minimiser of squared error and penalty."""
        from normtheory.solvers.penalised import minimize_penalised

        assert self.strength is not None
        return minimize_penalised(X, y, potential, strength=self.strength, tol=self.options["tol"])

    def call(self, own: Callable[..., Solution], conic: Callable[..., Solution], *arrays: FloatArray) -> Solution:
        """The minimiser by the solver chosen."""
        return (own if self.solver == "newton" else conic)(*arrays, **self.options)


def minimize(
    problem: ProblemArgument,
    output: OutputOption,
    penalty: Annotated[
        PenaltyName | None, typer.Option(help="Norm to minimise; finetuning is q with the exact scale and start.")
    ] = None,
    network: NetworkOption = None,
    start: StartOption = None,
    shared: SharedOption = False,
    alpha: AlphaOption = None,
    gamma: GammaOption = None,
    rescale: RescaleOption = None,
    solver: Annotated[
        SolverName,
        typer.Option(help="newton: own methods (Newton's, interior points, homotopy, a factorisation); cvxpy: a conic solver."),
    ] = "newton",
    tol: Annotated[
        float | None,
        typer.Option(help="Bound on gap and residual, relative.  [default: 1e-10 newton, 1e-8 newton for l12, 1e-7 cvxpy]"),
    ] = None,
    consistency: ConsistencyOption = None,
    inconsistent: InconsistentOption = "refuse",
    strength: StrengthOption = None,
    target: TargetOption = None,
    aux: AuxOption = None,
    verbose: VerboseOption = False,
) -> None:
    """Minimise a penalty subject to zero training error, with a certificate.

    PROBLEM holds X, y; for q also k (D,) and optionally beta0 (D,); for finetuning beta_aux (D,), or X_aux (m, D) and
    y_aux (m,); for l12 X_aux and y_aux. With --network what is minimised is the divergence from the start under the potential
    that gradient flow of that network follows; of two outputs the second is held at beta_aux, as where its task dominates.
    """
    from normtheory.tables import read_problem, write_result

    choice("--penalty", penalty, network, start)
    refuse_shared(network, shared=shared)
    _refuse_idle(penalty, {"--alpha": alpha, "--gamma": gamma, "--rescale": rescale}, strength, consistency, inconsistent)
    if strength is not None:
        _require_penalised(penalty, solver, strength)
    if penalty is None:
        refuse({"--solver": None if solver == "newton" else solver}, "--network, which newton minimises")
    scales = scales_of_finetuning(alpha, gamma, rescale)
    tolerance = _tolerance(tol, penalty, solver)
    check_output(output, problem)
    begun = time.perf_counter()
    given = read_problem(problem, target, aux)
    options = {"tol": tolerance, **policy_for(given, consistency, inconsistent)}
    own = None if network is None or start is None else (network, start)
    found, inputs, used = _solved(given, problem, penalty, own, Method(solver, options, strength), scales)
    error = None if own is None else _map_error(found, given, read(*own, problem), tolerance)
    arrays = _solution_arrays(found, inputs, _contributions(penalty, found, inputs))
    write_result(output, arrays | ({} if error is None else {"map_error": error}), given.features)
    print_arrays(given, used)
    _print_solution(found, time.perf_counter() - begun, verbose)
    print_features(found.beta, inputs.get("beta_aux"), given.features, verbose)
    print(f"written          {output}")


def _solved(
    problem: Problem,
    file: Path,
    penalty: PenaltyName | None,
    own: tuple[str, str] | None,
    method: Method,
    scales: dict[str, float],
) -> tuple[Solution, dict[str, FloatArray], tuple[str, ...]]:
    """The solution, the arrays that define what was minimised beside the tasks, and those used; `own` is a network."""
    import numpy as np

    with np.errstate(all="ignore"):  # an overflow on the way shows in the certificate, if it matters
        if own is None:
            assert penalty is not None
            return *_minimized(problem, penalty, method, scales), _used(problem, penalty)
        found, inputs = _minimized_own(problem, read(*own, file), method.options)
        return found, inputs, ("X", "y", *inputs, *named(*own))


def _contributions(penalty: PenaltyName | None, found: Solution, inputs: dict[str, FloatArray]) -> dict[str, FloatArray]:
    """What each feature adds to the penalty; a network of one's own has no formula for it."""
    import numpy as np

    from normtheory import penalties

    if penalty is None:
        return {}
    if penalty in ("q", "finetuning"):
        return {"penalty": penalties.Q(inputs["k"]).divergence(found.beta, inputs["beta0"])}
    norms: dict[str, Any] = {"l12": penalties.GroupL12, "l1": penalties.L1, "l2": penalties.WeightedL2}
    return {"penalty": np.asarray(norms[penalty]().contributions(found.beta))}


def _map_error(solution: Solution, problem: Problem, network: Parametrisation, tolerance: float) -> float | None:
    """What the tabulated mirror map is off by at the solution, at most, which is printed; None where that was not computed.

    Raises
    ------
    NotCertified
        If it is not small beside the tolerance.
    """
    from normtheory.solvers import own
    from normtheory.solvers.certificate import NotCertified

    error = own.map_error(problem.X, network, solution) if len(network.outputs) == 1 else None
    print(f"mirror map       {'measured, not in balls' if error is None else f'within {error:.1e} of the orbits, in balls'}")
    if error is not None and not error <= own.ERROR_SHARE * tolerance:
        raise NotCertified(
            f"the orbits are known to {error:.1e} only, and the tolerance is {tolerance:g}; ask for less", solution.certificate
        )
    return error


def _minimized_own(
    problem: Problem, network: Parametrisation, options: dict[str, Any]
) -> tuple[Solution, dict[str, FloatArray]]:
    """The endpoint of a network of one's own, and its predictor at the start."""
    from normtheory.solvers import own
    from normtheory.solvers.held import held
    from normtheory.solvers.orbits import Orbits

    inputs = problem.X.shape[1]
    if len(network.outputs) == 1:
        orbits = Orbits.of(network, inputs)
        return own.minimize_on(problem.X, problem.y, orbits, **options), {"beta0": orbits.start}
    beta_aux = problem.required("beta_aux", "a --network of two outputs, the second of which is held at it,")
    orbits = held(network, beta_aux, inputs)
    found = own.minimize_on(problem.X, problem.y, orbits, **options)
    return found, {"beta0": orbits.start, "beta_aux": beta_aux}


def _refuse_idle(
    penalty: PenaltyName | None,
    scales: dict[str, float | None],
    strength: float | None,
    consistency: float | None,
    inconsistent: str,
) -> None:
    """Refuse options that have no meaning for what is minimised."""
    if penalty != "finetuning":
        refuse(scales, f"--penalty {penalty}" if penalty else "--network")
        if strength is not None and penalty:  # finetuning's pretraining has no residuals of its own
            projecting = True if inconsistent == "project" else None
            refuse(
                {"--consistency": consistency, "--inconsistent project": projecting}, "--lambda, which fits no targets exactly"
            )


def _used(problem: Problem, penalty: PenaltyName) -> tuple[str, ...]:
    """The arrays of the file that a penalty rests on."""
    if penalty == "q":
        return ("X", "y", "k", "beta0")
    if penalty == "finetuning" and problem.beta_aux is not None:
        return ("X", "y", "beta_aux")
    return ("X", "y", "X_aux", "y_aux") if penalty in ("l12", "finetuning") else ("X", "y")


def _require_penalised(penalty: PenaltyName | None, solver: SolverName, strength: float) -> None:
    """Refuse a penalised program that no solver here minimises."""
    from normtheory.arrays import InputError

    positive(strength, "--lambda")
    if penalty is None:
        raise InputError("--lambda is for --penalty q, finetuning and l2, not for --network; remove it")
    if penalty in ("l1", "l12"):
        raise InputError(f"--lambda has no meaning for --penalty {penalty} here; use scikit-learn's Lasso or MultiTaskLasso")
    if solver != "newton":
        raise InputError("--lambda needs --solver newton; drop --solver cvxpy")


def _tolerance(tol: float | None, penalty: PenaltyName | None, solver: SolverName) -> float:
    if tol is not None:
        return positive(tol, "--tol")
    if solver == "cvxpy":
        from normtheory.solvers.programs import CONIC_TOLERANCE

        return CONIC_TOLERANCE
    if penalty == "l12":
        from normtheory.solvers import groups

        return groups.DEFAULT_TOLERANCE
    from normtheory.solvers.certificate import DEFAULT_TOLERANCE

    return DEFAULT_TOLERANCE


def _minimized(
    problem: Problem, penalty: PenaltyName, method: Method, scales: dict[str, float]
) -> tuple[Solution, dict[str, FloatArray]]:
    """The solution, and the arrays beyond the file's tasks that define what was minimised."""
    import numpy as np

    from normtheory import exact
    from normtheory.solvers import least_norm, newton, programs
    from normtheory.solvers.potentials import HyperbolicEntropy, Quadratic

    X, y, moved = problem.X, problem.y, 0.0
    if penalty == "l12":
        from normtheory.solvers import groups

        X_aux, y_aux = (problem.required(name, "--penalty l12") for name in ("X_aux", "y_aux"))
        return method.call(groups.minimize_pair, programs.minimize_l12, X, y, X_aux, y_aux), {}
    if penalty == "l1":
        from normtheory.solvers import basis_pursuit

        return method.call(basis_pursuit.minimize, programs.minimize_l1, X, y), {}
    if penalty == "l2":
        if method.strength is not None:
            return method.penalised(X, y, Quadratic(np.ones(X.shape[1]))), {}
        return method.call(least_norm.minimize, programs.minimize_l2, X, y), {}
    if penalty == "q":
        beta0 = np.zeros(X.shape[1]) if problem.beta0 is None else problem.beta0
        inputs = {"k": problem.required("k", "--penalty q"), "beta0": beta0}
    else:
        beta_aux, moved = _pretrained(problem, method, scales["alpha"])
        k, beta0 = exact.finetuning(beta_aux, **scales)
        inputs = {"k": k, "beta0": beta0, "beta_aux": beta_aux}
    if method.strength is None:
        found = method.call(newton.minimize, programs.minimize_q, X, y, inputs["k"], inputs["beta0"])
    else:
        found = method.penalised(X, y, HyperbolicEntropy(inputs["k"], inputs["beta0"]))
    return replace(found, moved=max(moved, found.moved)), inputs


def _pretrained(problem: Problem, method: Method, alpha: float) -> tuple[FloatArray, float]:
    """The auxiliary predictor of the file, or the one that pretraining ends at, and by how much its targets were moved."""
    import numpy as np

    from normtheory.solvers import newton, programs
    from normtheory.solvers.consistency import Allowed
    from normtheory.solvers.constraints import fitted

    require_one_auxiliary(problem, "--penalty finetuning")
    if problem.beta_aux is not None:
        return problem.beta_aux, 0.0
    X_aux, y_aux = (problem.required(name, "--penalty finetuning") for name in ("X_aux", "y_aux"))
    scale = np.full(X_aux.shape[1], 2 * alpha**2)
    allowed = Allowed.of(method.options["consistency"], method.options["inconsistent"], suffix="_aux")
    y_aux, moved = fitted(X_aux, y_aux, allowed)
    return method.call(newton.minimize, programs.minimize_q, X_aux, y_aux, scale, np.zeros_like(scale)).beta, moved


def _solution_arrays(
    solution: Solution, inputs: dict[str, FloatArray], contributions: dict[str, FloatArray]
) -> dict[str, ArrayLike]:
    certificate = solution.certificate
    return {
        "beta": solution.beta,
        "dual": solution.dual,
        **inputs,
        **contributions,
        "objective": certificate.objective,
        "dual_objective": certificate.dual_objective,
        "primal_residual": certificate.primal_residual,
        "gap": certificate.gap,
        "moved": solution.moved,
        "solver": solution.solver,
    }


def _print_solution(solution: Solution, seconds: float, verbose: bool) -> None:
    certificate = solution.certificate
    print(f"objective        {certificate.objective:.12g}")
    print(f"relative gap     {certificate.gap:.1e}")
    print(f"primal residual  {certificate.primal_residual:.1e}")
    if verbose:
        print(f"dual objective   {certificate.dual_objective:.12g}")
        print(f"stationarity     {certificate.stationarity:.1e}")
    print_moved(solution.moved)
    print(f"only minimiser   {UNIQUE[solution.unique]}")
    print(f"solver           {solution.solver}, {solution.steps} steps, {seconds:.2f} s")
