"""The estimators: scikit-learn's own checks, the solvers' own numbers, and what is tuned, warm-started and refused."""

import numpy as np
import pyarrow
import pytest
from sklearn.base import clone
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from normtheory import exact
from normtheory.arrays import InputError
from normtheory.estimators import FineTunedRegressor, MultiTaskRegressor, SingleTaskRegressor
from normtheory.penalties import Q
from normtheory.solvers import basis_pursuit, groups, newton, penalised, training
from normtheory.tasks import teacher_student

PAIR = teacher_student(8, 3, features=4, features_aux=5, inputs=20, samples_aux=12)
X, Y = PAIR.main.X + 0.3, PAIR.main.y + 1.0  # with means, which an intercept takes up
AUX = {"X_aux": PAIR.aux.X, "y_aux": PAIR.aux.y}
NOISY = np.random.default_rng(0).normal(size=(60, 20))
NOISY_Y = NOISY @ PAIR.teacher + np.random.default_rng(1).normal(size=60)

# Checks of scikit-learn that an estimator fails, by its name and theirs, each with the reason why that is right: none.
EXPECTED_FAILURES: dict[str, dict[str, str]] = {}
# Skipped by scikit-learn itself: what they need is not installed (pandas), or not switched on.
UNAVAILABLE = {"check_array_api_input", "check_regressor_data_not_an_array"}


@pytest.mark.parametrize(
    "estimator",
    [SingleTaskRegressor(), FineTunedRegressor(0.3), MultiTaskRegressor(), SingleTaskRegressor(strength=1e-3)],
    ids=["single", "finetuned", "multitask", "penalised"],
)
@pytest.mark.filterwarnings("ignore")
def test_scikit_learns_own_checks(estimator):
    expected = EXPECTED_FAILURES.get(type(estimator).__name__)
    found = check_estimator(estimator, expected_failed_checks=expected, on_fail=None, on_skip=None)
    assert len(found) > 45
    others = {check["check_name"]: repr(check["exception"]) for check in found if check["status"] not in ("passed", "xfail")}
    assert set(others) <= UNAVAILABLE, others


def test_exact_is_the_solver_on_centred_data():
    fitted = FineTunedRegressor(PAIR.teacher_aux, rescale=0.5).fit(X, Y)
    centred, targets = X - X.mean(axis=0), Y - Y.mean()
    k, start = exact.finetuning(PAIR.teacher_aux, 1e-3, 1e-3, 0.5)
    solution = newton.minimize(centred, targets, k, start, inconsistent="project")
    np.testing.assert_array_equal(fitted.coef_, solution.beta)
    np.testing.assert_array_equal(fitted.dual_, solution.dual)
    np.testing.assert_array_equal(fitted.penalty_.k, k)
    assert fitted.certificate_ == solution.certificate
    np.testing.assert_allclose(fitted.predict(X), Y, atol=1e-9)
    assert fitted.moved_ < 1e-12
    assert Q(k).divergence(fitted.coef_, fitted.start_).sum() == pytest.approx(fitted.certificate_.objective)


def test_without_intercept_the_data_are_as_they_are():
    fitted = SingleTaskRegressor(alpha=0.1, fit_intercept=False).fit(X, Y)
    np.testing.assert_array_equal(fitted.coef_, newton.minimize(X, Y, 2 * 0.1**2).beta)
    assert fitted.intercept_ == 0.0


def test_the_intercept_is_the_one_that_no_penalty_acts_on():
    """Adding a constant to targets or inputs changes the intercept alone."""
    first = SingleTaskRegressor().fit(X, Y)
    moved = SingleTaskRegressor().fit(X + 2.0, Y - 5.0)
    np.testing.assert_allclose(moved.coef_, first.coef_, atol=1e-8)
    assert moved.intercept_ == pytest.approx(first.intercept_ - 5.0 - 2.0 * first.coef_.sum())


@pytest.mark.parametrize("aux", [{"beta_aux": PAIR.teacher_aux}, AUX])
def test_the_flow_ends_where_the_exact_theory_says(aux):
    flow = FineTunedRegressor(**aux, alpha=0.1, gamma=0.1, method="flow").fit(X, Y)
    theory = FineTunedRegressor(**aux, alpha=0.1, gamma=0.1).fit(X, Y)
    size = np.linalg.norm(theory.coef_)
    assert np.linalg.norm(flow.coef_ - theory.coef_) < 1e-4 * size  # the budget of the integrator, as in the flow's own tests
    assert np.linalg.norm(flow.coef_aux_ - theory.coef_aux_) < 1e-4 * np.linalg.norm(theory.coef_aux_)
    assert flow.certificate_.gap < 1e-4
    assert flow.trajectory_.losses[-1] < 1e-12


def test_a_flow_on_one_task_and_on_two():
    alone = SingleTaskRegressor(alpha=0.3, method="flow", fit_intercept=False).fit(X, Y)
    np.testing.assert_array_equal(alone.coef_, training.single_task(X, Y, alpha=0.3).beta)
    together = MultiTaskRegressor(**AUX, alpha=0.3, method="flow", fit_intercept=False).fit(X, Y)
    run = training.multi_task(X, Y, PAIR.aux.X, PAIR.aux.y, alpha=0.3)
    np.testing.assert_array_equal([together.coef_, together.coef_aux_], run.beta)
    assert together.certificate_ is None


def test_pretraining_is_part_of_the_fit():
    fitted = FineTunedRegressor(**AUX, fit_intercept=False).fit(X, Y)
    np.testing.assert_array_equal(fitted.coef_aux_, newton.minimize(PAIR.aux.X, PAIR.aux.y, 2e-6, inconsistent="project").beta)


def test_multi_task_is_least_group_norm():
    pair = MultiTaskRegressor(**AUX, fit_intercept=False).fit(X, Y)
    expected = groups.minimize_pair(X, Y, PAIR.aux.X, PAIR.aux.y)
    np.testing.assert_allclose([pair.coef_, pair.coef_aux_], expected.beta, atol=1e-6)
    columns = MultiTaskRegressor().fit(X, np.c_[Y, 2 * Y, Y])
    assert columns.coef_.shape == (3, 20)
    assert columns.predict(X).shape == (8, 3)
    np.testing.assert_allclose(columns.coef_[1], 2 * columns.coef_[0], atol=1e-6)
    alone = MultiTaskRegressor(fit_intercept=False).fit(X, Y[:, None])
    assert alone.certificate_.objective == pytest.approx(2 * basis_pursuit.minimize(X, Y).certificate.objective)


def test_more_samples_than_inputs_is_least_squares_and_says_so():
    fitted = FineTunedRegressor(PAIR.teacher_aux).fit(NOISY, NOISY_Y)
    plain = LinearRegression().fit(NOISY, NOISY_Y)
    np.testing.assert_allclose(fitted.coef_, plain.coef_, atol=1e-9)
    assert fitted.intercept_ == pytest.approx(plain.intercept_)
    left = np.linalg.norm(NOISY_Y - plain.predict(NOISY)) / np.linalg.norm(NOISY_Y - NOISY_Y.mean())
    assert fitted.moved_ == pytest.approx(left)
    with pytest.raises(InputError, match="outside the range of X"):
        FineTunedRegressor(PAIR.teacher_aux, inconsistent="refuse").fit(NOISY, NOISY_Y)
    FineTunedRegressor(PAIR.teacher_aux, inconsistent="refuse", consistency=0.9).fit(NOISY, NOISY_Y)


def test_a_strength_shrinks():
    fitted = SingleTaskRegressor(alpha=0.1, strength=0.1, fit_intercept=False).fit(NOISY, NOISY_Y)
    np.testing.assert_array_equal(fitted.coef_, penalised.minimize(NOISY, NOISY_Y, 2 * 0.1**2, strength=0.1).beta)
    assert np.abs(fitted.coef_).sum() < np.abs(LinearRegression(fit_intercept=False).fit(NOISY, NOISY_Y).coef_).sum()


@pytest.mark.parametrize(
    ("estimator", "values"),
    [
        (SingleTaskRegressor(), {"alpha": np.geomspace(1e-1, 1e-4, 16)}),
        (FineTunedRegressor(PAIR.teacher_aux), {"rescale": [1.0, 0.8], "gamma": [1e-3, 2e-3, 4e-3]}),
        (SingleTaskRegressor(alpha=0.1), {"strength": [1.0, 0.5, 0.25]}),
    ],
)
def test_a_path_is_warm_started_and_ends_where_fits_end(estimator, values):
    along = estimator.path(X, Y, **values)
    names, cold = list(values), []
    for each in along:
        own = clone(estimator).set_params(**{name: getattr(each, name) for name in names}).fit(X, Y)
        np.testing.assert_allclose(each.coef_, own.coef_, rtol=0, atol=1e-6 * np.abs(own.coef_).max())
        assert each.certificate_.within(1e-10)
        cold.append(own.n_iter_)
    assert [getattr(along[0], name) for name in names] == [values[name][0] for name in names]
    assert sum(each.n_iter_ for each in along) < sum(cold)


def test_scales_are_tuned_by_a_grid_search():
    grid = {"rescale": [1.0, 0.1], "gamma": [1e-3, 1e-1], "alpha": [1e-3]}
    search = GridSearchCV(FineTunedRegressor(**AUX), grid, cv=3).fit(NOISY[:15], NOISY_Y[:15])
    assert set(search.best_params_) == set(grid)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    scores = search.cv_results_["mean_test_score"]
    assert scores.max() > scores.min()
    pipeline = make_pipeline(StandardScaler(), SingleTaskRegressor())
    GridSearchCV(pipeline, {"singletaskregressor__alpha": [1e-3, 1.0]}, cv=3).fit(NOISY, NOISY_Y)


def test_names_of_columns_are_kept_and_held_against():
    names = [f"gene {d}" for d in range(20)]
    table, aux = (pyarrow.table(dict(zip(names, array.T, strict=True))) for array in (X, PAIR.aux.X))
    fitted = FineTunedRegressor(X_aux=aux, y_aux=PAIR.aux.y).fit(table, Y)
    assert fitted.feature_names_in_.tolist() == names
    np.testing.assert_array_equal(fitted.coef_, FineTunedRegressor(**AUX).fit(X, Y).coef_)
    with pytest.raises(ValueError, match="feature names"):
        fitted.predict(pyarrow.table(dict(zip(names[::-1], X.T, strict=True))))
    with pytest.raises(InputError, match=r"the auxiliary task \(X_aux, y_aux\): The feature names"):
        FineTunedRegressor(X_aux=pyarrow.table(dict(zip(names[::-1], PAIR.aux.X.T, strict=True))), y_aux=PAIR.aux.y).fit(
            table, Y
        )


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (FineTunedRegressor(), "the auxiliary task is ambiguous or missing"),
        (FineTunedRegressor(0.3, **AUX), "the auxiliary task is ambiguous or missing"),
        (FineTunedRegressor(X_aux=PAIR.aux.X), "the auxiliary task is ambiguous or missing"),
        (FineTunedRegressor(np.ones(3)), "beta_aux has shape"),
        (FineTunedRegressor(0.3, gamma=-1.0), "gamma = -1"),
        (FineTunedRegressor(X_aux=PAIR.aux.X[:, :5], y_aux=PAIR.aux.y), "the auxiliary task"),
        (MultiTaskRegressor(), "y is one task; use SingleTaskRegressor"),
        (MultiTaskRegressor(X_aux=PAIR.aux.X), "missing half"),
        (SingleTaskRegressor(alpha=0.0), "alpha = 0"),
        (SingleTaskRegressor(method="magic"), "choose 'exact' or 'flow'"),
        (SingleTaskRegressor(method="flow", strength=0.1), "strength is of method='exact'"),
        (SingleTaskRegressor(consistency=0.1), "consistency has no meaning beside inconsistent='project'"),
        (SingleTaskRegressor(inconsistent="ignore"), "choose 'refuse' or 'project'"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(estimator, message):
    with pytest.raises(InputError, match=message) as refused:
        estimator.fit(X, Y)
    assert "\n" not in str(refused.value)


def test_a_path_over_nothing_or_of_a_flow_is_refused():
    with pytest.raises(InputError, match="no path over nothing; choose from alpha, strength"):
        SingleTaskRegressor().path(X, Y)
    with pytest.raises(InputError, match="no path over gamma"):
        SingleTaskRegressor().path(X, Y, gamma=[1.0])
    with pytest.raises(InputError, match="a flow starts where its network does"):
        SingleTaskRegressor(method="flow").path(X, Y, alpha=[1.0])


def test_a_flow_shows_its_progress(capsys, monkeypatch):
    monkeypatch.setattr("normtheory.progress.PLAIN_INTERVAL_S", 0.0)
    SingleTaskRegressor(alpha=0.3, method="flow", verbose=True).fit(X, Y)
    assert "training: time" in capsys.readouterr().err
    SingleTaskRegressor(alpha=0.3, method="flow").fit(X, Y)
    assert capsys.readouterr().err == ""
