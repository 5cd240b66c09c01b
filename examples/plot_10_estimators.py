"""
Tuning with scikit-learn: which rescaling does a task want?
===========================================================

The endpoints of the protocols are estimators, so that cross-validation chooses their scales. The auxiliary predictor is
a parameter, not data of ``fit``, and stays whole in every fold. Here it uses 40 of 500 inputs, the main task 5 of these
40, with some noise, and there are 40 samples.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import GridSearchCV, cross_val_score

from normtheory.estimators import FineTunedRegressor, SingleTaskRegressor

random = np.random.default_rng(1)
beta_aux, teacher = np.zeros(500), np.zeros(500)
beta_aux[:40] = random.choice([-1, 1], 40) / 40**0.5
teacher[:5] = random.choice([-1, 1], 5) / 5**0.5
X, test = random.normal(size=(40, 500)), random.normal(size=(2000, 500))
y = X @ teacher + 0.05 * random.normal(size=40)

# %%
# A grid over the factor of the weights after pretraining and the reset scale of the readout. ``SingleTaskRegressor`` is
# learning from scratch. scikit-learn's ``check_estimator`` passes for both.
grid = {"rescale": [1.0, 0.3, 0.1, 0.03], "gamma": [1e-3, 1e-2]}
search = GridSearchCV(FineTunedRegressor(beta_aux), grid, scoring="neg_mean_squared_error").fit(X, y)
alone = SingleTaskRegressor().fit(X, y)
print("best:", search.best_params_)
print(search.best_estimator_.certificate_)


def error(model):
    """Mean square on other samples."""
    return np.mean((model.predict(test) - test @ teacher) ** 2)


untouched = FineTunedRegressor(beta_aux).fit(X, y)
for name, model in {"rescaled": search.best_estimator_, "as pretrained": untouched, "from scratch": alone}.items():
    print(f"error {name}: {error(model):.3f}")

# %%
# ``path`` fits along a parameter, each fit started from the dual of the one before. Large factors reuse all 40 features,
# small ones choose among them. Cross-validation sees 32 samples where the fit sees 40, and errs on the side of caution.
factors = np.geomspace(1, 0.01, 13)
along = FineTunedRegressor(beta_aux).path(X, y, rescale=factors)
folds = [-cross_val_score(each, X, y, scoring="neg_mean_squared_error").mean() for each in along]
figure, axis = plt.subplots(figsize=(6, 4), layout="constrained")
axis.loglog(factors, folds, "o--", label="cross-validation, 5 folds of 40 samples")
axis.loglog(factors, [error(each) for each in along], "s-", label="other samples")
axis.axhline(error(alone), color="grey", linestyle=":", label="other samples, from scratch")
axis.set(xlabel="factor of the weights after pretraining", ylabel="mean squared error", ylim=(0.01, 3))
axis.legend()
plt.show()
