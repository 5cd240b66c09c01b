"""Solvers of other packages beside ours, where they are installed: ECOS and skglm for l1 and l1,2, diffrax for the flow.

None of them is required; a row says "skipped" where one is missing. `pip install ecos skglm jax diffrax` brings them all.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from benchmarks.timing import Row, timed
from normtheory.arrays import FloatArray
from normtheory.networks import effective_map
from normtheory.solvers import basis_pursuit, groups, newton, training
from normtheory.tasks import Task, TeacherStudent, teacher_student

GRID = ((64, 40), (256, 10), (256, 40))  # main samples, features
SHRINKS = 1e-4  # penalty of the Lasso, beside the least one at which all coefficients are 0
REPETITIONS = 5
RTOL = 3e-5


def rows() -> Iterator[Row]:
    """Norms, then a flow."""
    for samples, features in GRID:
        task = teacher_student(samples, 0, features=features, samples_aux=1).main
        problem = f"l1 D = 1000, n = {samples}, {features} features"
        ours, seconds = timed(partial(basis_pursuit.minimize, task.X, task.y), REPETITIONS)
        yield Row(problem, ours.solver, seconds, None, f"{ours.steps} steps, {ours.certificate}")
        for name, package, call in (("ECOS", "ecos", ecos_l1), ("Lasso of skglm", "skglm", skglm_l1)):
            yield beside(problem, name, package, partial(call, task), task, ours.beta, seconds)
    tasks = teacher_student(64, 20, samples_aux=64)
    given = (tasks.main.X, tasks.main.y, tasks.aux.X, tasks.aux.y)
    pair, seconds = timed(partial(groups.minimize_pair, *given), REPETITIONS)
    problem = "l1,2 D = 1000, 64 + 64 samples"
    yield Row(problem, "interior point", seconds, None, f"{pair.steps} steps, {pair.certificate}")
    yield beside(problem, "ECOS", "ecos", partial(ecos_l12, tasks), tasks.main, pair.beta, seconds)
    yield from flow()


def beside(
    problem: str, name: str, package: str, call: Callable[[], FloatArray], task: Task, best: FloatArray, seconds: float
) -> Row:
    """A peer's time, its norm beside ours and its residual; or that it is not installed, or why it failed."""
    if importlib.util.find_spec(package) is None:
        return Row(problem, name, float("nan"), None, "skipped: not installed")
    if package == "skglm":
        skglm_l1(teacher_student(4, 0, inputs=50, features=2, samples_aux=1).main)  # compiled
    try:
        beta, theirs = timed(call)
    except Exception as error:  # a peer's failure is a result
        return Row(problem, name, float("nan"), None, f"failed: {str(error).splitlines()[0]}")
    excess = norm(beta) / norm(best) - 1
    residual = np.linalg.norm(task.X @ np.atleast_2d(beta)[0] - task.y) / np.linalg.norm(task.y)
    note = f"no certificate; norm {excess:+.1e} beside ours, residual {residual:.1e}"
    return Row(problem, name, theirs, theirs / seconds, note)


def norm(beta: FloatArray) -> float:
    """l1, or l1,2 over tasks."""
    return float(np.linalg.norm(np.atleast_2d(beta), axis=0).sum())


def ecos_l1(task: Task) -> FloatArray:
    """Basis pursuit through cvxpy."""
    import cvxpy as cp

    beta = cp.Variable(task.inputs)
    return solved(cp.Problem(cp.Minimize(cp.norm1(beta)), [task.X @ beta == task.y]), beta)


def ecos_l12(tasks: TeacherStudent) -> FloatArray:
    """The l1,2 program through cvxpy."""
    import cvxpy as cp

    beta = cp.Variable((2, tasks.main.inputs))
    fits = [task.X @ beta[o] == task.y for o, task in enumerate((tasks.main, tasks.aux))]
    return solved(cp.Problem(cp.Minimize(cp.sum(cp.norm(beta, 2, axis=0))), fits), beta)


def solved(problem: Any, beta: Any) -> FloatArray:
    """The candidate of ECOS at its tightest useful tolerances."""
    problem.solve(solver="ECOS", abstol=1e-9, reltol=1e-9, feastol=1e-9, max_iters=500)
    return np.asarray(beta.value)


def skglm_l1(task: Task) -> FloatArray:
    """The Lasso at a penalty so small that it nearly interpolates."""
    from skglm import Lasso

    largest = np.abs(task.X.T @ task.y).max() / task.samples
    lasso = Lasso(alpha=SHRINKS * largest, fit_intercept=False, tol=1e-12, max_iter=1000, max_epochs=500_000)
    return np.asarray(lasso.fit(np.asfortranarray(task.X), task.y).coef_)


def flow() -> Iterator[Row]:
    """Finetuning, D = 1000, n = 64, to the end of our flow: explicit steps of diffrax in float64, compiled before."""
    tasks, problem = teacher_student(64, 40), "finetuning D = 1000, n = 64, 40/40 shared"
    main = tasks.main
    run, seconds = timed(
        partial(training.pretrain_finetune, main.X, main.y, beta_aux=tasks.teacher_aux, rtol=RTOL), REPETITIONS
    )
    exact = newton.minimize(main.X, main.y, *run.scale_and_start()).beta

    def distance(beta: FloatArray) -> float:
        return float(np.linalg.norm(beta - exact) / np.linalg.norm(exact))

    yield Row(problem, f"flow, rtol {RTOL:g}", seconds, None, f"distance from the minimiser {distance(run.beta):.1e}")
    name = "Tsit5 of diffrax on the weights"
    if importlib.util.find_spec("diffrax") is None:
        yield Row(problem, name, float("nan"), None, "skipped: not installed")
        return
    solve = diffrax_flow(main, run.start.stacked(), run.finetuning.times[-1])
    solve()  # compiled
    (beta, steps), theirs = timed(solve)
    yield Row(problem, name, theirs, theirs / seconds, f"{steps} steps at rtol {RTOL:g}, distance {distance(beta):.1e}")


def diffrax_flow(task: Task, start: FloatArray, end: float) -> Callable[[], tuple[FloatArray, int]]:
    """What integrates gradient flow on the weights up to a time."""
    import diffrax
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    X, y = jnp.asarray(task.X), jnp.asarray(task.y)

    def predictor(state: Any) -> Any:
        return state[0] * state[2] - state[1] * state[3]

    def loss(state: Any) -> Any:
        return jnp.mean((X @ predictor(state) - y) ** 2)

    @jax.jit
    def integrate(state: Any) -> tuple[Any, Any]:
        found = diffrax.diffeqsolve(
            diffrax.ODETerm(lambda t, s, args: -jax.grad(loss)(s)),
            diffrax.Tsit5(),
            0.0,
            end,
            None,
            state,
            stepsize_controller=diffrax.PIDController(rtol=RTOL, atol=RTOL * 1e-6),
            max_steps=10_000_000,
        )
        return found.ys[-1], found.stats["num_steps"]

    def solve() -> tuple[FloatArray, int]:
        state, steps = integrate(jnp.asarray(start))
        return effective_map(np.asarray(state)), int(steps)

    return solve
