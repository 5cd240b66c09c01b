"""How many threads BLAS takes: one for small work, what it had for large work, and what it had afterwards."""

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from normtheory import machine
from normtheory.machine import blas_threads
from normtheory.networks import Weights
from normtheory.solvers import basis_pursuit, consistency, constraints, groups, lazy, least_norm, newton, training
from normtheory.tasks import teacher_student


def threads():
    """Of every BLAS that has any: scs, which cvxpy loads, brings one that was built without."""
    libraries = [library for library in threadpool_info() if library["user_api"] == "blas"]
    return {library["num_threads"] for library in libraries if library.get("threading_layer") != "disabled"}


@pytest.fixture(autouse=True)
def two_threads():
    """As a user's process has them; the tests themselves run with one."""
    with threadpool_limits(2, user_api="blas"):
        yield


def test_small_work_has_one_thread_and_large_work_what_there_was():
    for multiplications, expected in ((1e6, {1}), (machine.WORTH_THREADS, {2})):
        with blas_threads(multiplications):
            assert threads() == expected
        assert threads() == {2}


def test_an_error_inside_restores_the_threads():
    with pytest.raises(ValueError, match="inside"), blas_threads(1e3):
        raise ValueError("inside")
    assert threads() == {2}


PAIR = teacher_student(20, 3, features=5, features_aux=5, inputs=60, samples_aux=30)
X, Y, AUX = PAIR.main.X, PAIR.main.y, PAIR.aux
# solver, a module of ours and the function of it that does the work inside
WORK = {
    "newton": (lambda: newton.minimize(X, Y, 1e-3), constraints, "dsyrk"),
    "l1,2": (lambda: groups.minimize_pair(X, Y, AUX.X, AUX.y), groups, "dsyrk"),
    "l1": (lambda: basis_pursuit.minimize(X, Y), basis_pursuit, "lstsq"),
    "l2": (lambda: least_norm.minimize(X, Y), constraints, "dsyrk"),
    "consistency": (lambda: groups.minimize([(np.vstack([X, 1e6 * X]), np.append(Y, 1e6 * Y))]), consistency, "lstsq"),
    "tangent kernel": (lambda: training.linearised([PAIR.main], Weights.constant(60, 1.0)), lazy, "_least_norm"),
}


@pytest.mark.parametrize("solver", WORK)
def test_solvers_hold_blas_to_one_thread_at_these_sizes(monkeypatch, solver):
    solve, module, name = WORK[solver]
    work, seen = getattr(module, name), []

    def watched(*arguments, **options):
        seen.append(threads())
        return work(*arguments, **options)

    monkeypatch.setattr(module, name, watched)
    solve()
    assert seen
    assert all(found == {1} for found in seen)
    assert threads() == {2}


def test_flows_hold_blas_to_one_thread():
    seen = []
    training.single_task(X, Y, alpha=0.1, rtol=1e-4, progress=lambda *_: seen.append(threads()))
    assert seen
    assert all(found == {1} for found in seen)


def test_a_large_problem_keeps_its_threads(monkeypatch):
    seen, symmetric = [], constraints.dsyrk
    monkeypatch.setattr(machine, "WORTH_THREADS", 100.0)
    monkeypatch.setattr(constraints, "dsyrk", lambda *a, **o: seen.append(threads()) or symmetric(*a, **o))
    newton.minimize(X, Y, np.full(60, 1e-3))
    assert seen
    assert all(found == {2} for found in seen)
