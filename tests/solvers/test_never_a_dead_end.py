"""Whatever is handed over is solved, projected with a number, or refused in one line: never a traceback, never in silence."""

import warnings

import numpy as np
from drawn import examples
from hypothesis import event, given
from hypothesis import strategies as st

from normtheory.arrays import InputError
from normtheory.solvers import basis_pursuit, groups, least_norm, newton, penalised, training
from normtheory.solvers.certificate import NotCertified, Solution
from normtheory.solvers.trajectory import FlowError

PROJECT = {"inconsistent": "project"}
SOLVERS = {
    "q": lambda X, y, X_aux, y_aux, **policy: newton.minimize(X, y, 1e-3, **policy),
    "l1": lambda X, y, X_aux, y_aux, **policy: basis_pursuit.minimize(X, y, **policy),
    "l2": lambda X, y, X_aux, y_aux, **policy: least_norm.minimize(X, y, **policy),
    "l12": lambda X, y, X_aux, y_aux, **policy: groups.minimize_pair(X, y, X_aux, y_aux, **policy),
    "penalised": lambda X, y, X_aux, y_aux, **policy: penalised.minimize(X, y, 1e-3, strength=0.01),
    "single": lambda X, y, X_aux, y_aux, **policy: training.single_task(X, y, route="dual", rtol=1e-4, **policy),
    "finetuning": lambda X, y, X_aux, y_aux, **policy: training.pretrain_finetune(
        X, y, X_aux=X_aux, y_aux=y_aux, route="dual", rtol=1e-4, **policy
    ),
}


@st.composite
def data(draw):
    """A task as people have them: noisy or not, few samples or many, columns in any units, constant, repeated, rounded."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, D = draw(st.integers(1, 25)), draw(st.integers(1, 15))
    X = random.normal(size=(n, D))
    if draw(st.booleans()):
        X = np.round(4 * X)  # counts and grades: ties, repeated rows, zero columns
    if draw(st.booleans()):
        X = (X + draw(st.sampled_from([0.0, 10.0]))) * 10.0 ** random.uniform(
            *sorted(draw(st.tuples(*[st.floats(-4, 4)] * 2))), D
        )
    if draw(st.booleans()):
        X[:, random.integers(D)] = draw(st.sampled_from([0.0, 1.0]))
    y = X @ (random.normal(size=D) * (random.random(D) < draw(st.sampled_from([0.1, 1.0]))))
    y = y + draw(st.sampled_from([0.0, 1e-9, 1e-4, 1.0])) * random.normal(size=n) * (np.abs(y).max() or 1.0)
    if draw(st.booleans()):
        y = np.round(y / (np.abs(y).max() or 1.0), draw(st.integers(0, 6)))
    kind = draw(st.sampled_from([np.float64, np.float64, np.float32]))
    return X.astype(kind), y.astype(kind)


BROKEN = [
    lambda X, y: (np.full_like(X, np.nan), y),
    lambda X, y: (X, y[:-1]),
    lambda X, y: ([*X.tolist(), [1.0] * (X.shape[1] + 1)], y),
    lambda X, y: (X.astype(str), y),
    lambda X, y: (X[None], y),
    lambda X, y: (X, None),
    lambda X, y: (np.ma.masked_less(X, np.inf), y),
    lambda X, y: (X.astype(float) + 1e120, y),
]


def outcome(call):
    """What came of it; whatever else is raised, or warned of, fails the test."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("error")
        try:
            return call()
        except (InputError, NotCertified, FlowError) as refusal:
            refused = refusal
    assert str(refused).count("\n") == 0
    assert len(str(refused)) > 20
    return refused


@examples(120)
@given(data(), data(), st.sampled_from(sorted(SOLVERS)))
def test_every_input_is_solved_projected_or_refused(main, aux, name):
    X, y = main
    X_aux, y_aux = aux
    X_aux = np.resize(X_aux, (len(y_aux), X.shape[1])).astype(X.dtype)
    found = outcome(lambda: SOLVERS[name](X, y, X_aux, y_aux))
    if isinstance(found, InputError):
        assert "outside the range of X" in str(found)
        assert "inconsistent project" in str(found)
        event(f"{name}: refused, then projected")
        found = outcome(lambda: SOLVERS[name](X, y, X_aux, y_aux, **PROJECT))
        assert not isinstance(found, InputError), str(found)
    if isinstance(found, NotCertified | FlowError):
        event(f"{name}: {type(found).__name__}")
        return
    event(f"{name}: solved")
    beta = np.atleast_2d(found.beta)[0]
    assert np.isfinite(beta).all()
    if name != "penalised":  # least squares, which zero error is a case of
        misfit = np.linalg.lstsq(X.astype(float), y.astype(float), rcond=1e-12)[0]
        least = np.linalg.norm(X.astype(float) @ misfit - y)
        size = np.linalg.norm(y) + np.linalg.norm(X) * 1e-3  # of targets, and of what a start at 1e-3 predicts
        assert np.linalg.norm(X.astype(float) @ beta - y) <= least + 1e-3 * size
    if isinstance(found, Solution):
        assert found.certificate.within(1e-8)
        assert 0 <= found.moved <= 1


@examples(60)
@given(data(), st.sampled_from(sorted(SOLVERS)), st.sampled_from(BROKEN), st.booleans())
def test_what_is_broken_is_refused_in_one_line(main, name, breaks, of_aux):
    X, y = main
    broken = breaks(X, y)
    given_tasks = (X, y, *broken) if of_aux and name in ("l12", "finetuning") else (*broken, X, y)
    found = outcome(lambda: SOLVERS[name](*given_tasks, **PROJECT))
    assert isinstance(found, InputError)
