"""What a user would write or pick instead: a dozen lines of damped Newton on the dual, LARS, cvxpy for l1 and l2."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from benchmarks.timing import Row, timed, timed_in_turn
from normtheory.arrays import FloatArray
from normtheory.exact import finetuning
from normtheory.penalties import Q
from normtheory.solvers import basis_pursuit, dual_flow, flow, least_norm, newton, programs, training
from normtheory.solvers.certificate import NotCertified, certify_q
from normtheory.tasks import teacher_student

SAMPLES = (16, 64, 256)
SCALES = (1e-1, 1e-3, 1e-8)
MOST_STEPS = 500
REPETITIONS = 20


def rows() -> Iterator[Row]:
    """The Newton method, the norms and the dual flow, each beside its peer."""
    yield from damped_newton_rows()
    yield from norm_rows()
    yield from dual_rows()


def damped_newton(X: FloatArray, y: FloatArray, k: FloatArray, beta0: FloatArray) -> tuple[FloatArray, FloatArray, int]:
    """beta, dual and steps of Newton's method on the dual with backtracking, from 0; NaN if it is lost."""
    mu, start = np.zeros(y.size), np.arcsinh(beta0 / k)

    def value(mu: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        x = start + X.T @ mu
        beta, slope = k * np.sinh(x), k * np.cosh(x)
        return float(slope.sum() - mu @ y), beta, slope

    with np.errstate(all="ignore"):
        for step in range(1, MOST_STEPS + 1):
            dual, beta, slope = value(mu)
            residual = X @ beta - y
            if np.linalg.norm(residual) <= 1e-12 * np.linalg.norm(y):
                return beta, mu, step
            try:
                move = -cho_solve(cho_factor((X * slope) @ X.T, check_finite=False), residual, check_finite=False)
            except np.linalg.LinAlgError:
                break
            length = 1.0
            while not value(mu + length * move)[0] <= dual + 1e-4 * length * (residual @ move) and length > 1e-12:
                length /= 2
            mu = mu + length * move
    return np.full_like(k, np.nan), mu, MOST_STEPS


def damped_newton_and_gap(X: FloatArray, y: FloatArray, k: FloatArray, beta0: FloatArray) -> tuple[float, float]:
    """Relative residual and duality gap of what it found, in plain float64: what its user needs to trust it."""
    beta, mu, _ = damped_newton(X, y, k, beta0)
    residual, x, angle = X @ beta - y, X.T @ mu, np.arcsinh(beta0 / k)
    size, sizes = np.hypot(beta0, k), np.hypot(beta, k)
    objective = 2 * np.sum(beta * (np.arcsinh(beta / k) - angle) - (sizes - size))
    dual = 2 * (mu @ (y - X @ beta0) - np.sum(k * np.cosh(angle + x) - size - beta0 * x))
    return float(np.linalg.norm(residual) / np.linalg.norm(y)), float(abs(objective - dual) / abs(objective))


def damped_newton_rows() -> Iterator[Row]:
    """Finetuning problems of the paper's size, over samples and scales; all three in turn, under the same load."""
    for samples in SAMPLES:
        for alpha in SCALES:
            tasks = teacher_student(samples, 20, samples_aux=1)
            given = tasks.main.X, tasks.main.y, *finetuning(tasks.teacher_aux, alpha=alpha, gamma=alpha)
            problem = f"finetuning D = 1000, n = {samples}, alpha = {alpha:g}"
            calls = [partial(call, *given) for call in (newton.minimize, damped_newton, damped_newton_and_gap)]
            (ours, seconds), (plain, alone), ((residual, gap), both) = timed_in_turn(calls, REPETITIONS)
            yield Row(problem, "Newton", seconds, None, f"{ours.steps} factorisations, {ours.certificate}")
            X, y, k, beta0 = given
            _, checked = timed(partial(certify_q, X, y, Q(k), beta0, ours.beta, ours.dual), REPETITIONS)
            yield Row(problem, "of that, its certificate", checked, checked / seconds, "every measure with its round-off")
            beta, _, steps = plain
            apart = np.linalg.norm(beta - ours.beta) / np.linalg.norm(ours.beta)
            note = f"{steps} steps, distance {apart:.1e}" if np.isfinite(apart) else "lost"
            yield Row(problem, "a dozen lines of damped Newton, no certificate", alone, alone / seconds, note)
            note = f"residual {residual:.1e}, gap {gap:.1e}, no bound on their round-off" if np.isfinite(gap) else "lost"
            yield Row(problem, "the same with residual and duality gap", both, both / seconds, note)


def norm_rows() -> Iterator[Row]:
    """l1 and l2 at D = 1000: sparse teachers that are recovered, and that are not."""
    for samples, features in ((64, 40), (256, 10), (256, 40)):
        task = teacher_student(samples, 0, features=features, samples_aux=1).main
        for name, own, conic in (
            ("l1", basis_pursuit.minimize, programs.minimize_l1),
            ("l2", least_norm.minimize, programs.minimize_l2),
        ):
            problem = f"{name} D = 1000, n = {samples}, {features} features"
            ours, seconds = timed(partial(own, task.X, task.y), REPETITIONS)
            yield Row(problem, ours.solver, seconds, None, f"{ours.steps} steps, {ours.certificate}")
            try:
                found, theirs = timed(partial(conic, task.X, task.y, allow_inaccurate=True))
                yield Row(problem, "cvxpy", theirs, theirs / seconds, f"{found.status}, {found.certificate}")
            except NotCertified as error:
                yield Row(problem, "cvxpy", float("nan"), None, str(error))
            if name == "l1":
                yield from _lars(problem, task.X, task.y, ours.beta, seconds)


def _lars(problem: str, X: FloatArray, y: FloatArray, best: FloatArray, seconds: float) -> Iterator[Row]:
    try:
        from sklearn.linear_model import lars_path
    except ImportError:
        yield Row(problem, "LARS of scikit-learn", float("nan"), None, "skipped: scikit-learn is not installed")
        return
    (_, _, path), theirs = timed(partial(lars_path, X, y, method="lasso"), 3)
    excess = np.abs(path[:, -1]).sum() / np.abs(best).sum() - 1
    note = f"norm {excess:+.1e} beside ours, residual {np.linalg.norm(X @ path[:, -1] - y) / np.linalg.norm(y):.1e}"
    yield Row(problem, "LARS of scikit-learn, no certificate", theirs, theirs / seconds, note)


def dual_rows() -> Iterator[Row]:
    """The flow of one output in its dual beside that of all weights, at the same rtol and to the same loss."""
    for samples, overlap in ((64, 40), (256, 20)):
        tasks = teacher_student(samples, overlap)
        options = {"beta_aux": tasks.teacher_aux, "rtol": flow.DEFAULT_RTOL}
        run, seconds = timed(partial(training.pretrain_finetune, tasks.main.X, tasks.main.y, route="dual", **options), 3)
        problem = f"flow of finetuning D = 1000, n = {samples}, rtol {flow.DEFAULT_RTOL:g}"
        exact = newton.minimize(tasks.main.X, tasks.main.y, *run.scale_and_start()).beta

        def note(found: training.Finetuned, exact: FloatArray = exact) -> str:
            apart = np.linalg.norm(found.beta - exact) / np.linalg.norm(exact)
            return f"{found.finetuning.gradient_evaluations} gradients, distance from the minimiser {apart:.1e}"

        yield Row(problem, f"dual, {dual_flow.BDF.__name__}", seconds, None, note(run))
        whole, theirs = timed(partial(training.pretrain_finetune, tasks.main.X, tasks.main.y, **options))
        yield Row(problem, "all weights", theirs, theirs / seconds, note(whole))
