"""
Nested selection: a sparse task among learned features
======================================================

The main task uses 5 of the 40 features that the auxiliary task uses. Finetuning as it is reuses all 40 alike; a first
layer rescaled before finetuning selects the 5. The effect is the paper's (section 4.2), the endpoints are the exact
theory's.
"""

import matplotlib.pyplot as plt
import numpy as np

from normtheory import exact
from normtheory.solvers import newton
from normtheory.tasks import generalisation_loss, teacher_student

pair = teacher_student(40, 5, features=5, features_aux=40, inputs=400, samples_aux=400, seed=1)
X, y = pair.main.X, pair.main.y

# %%
# Along the factor each problem starts from the dual of its neighbour.
factors, losses, coefficients, dual = np.logspace(0.5, -2.5, 31), [], [], None
for factor in factors:
    k, start = exact.finetuning(pair.teacher_aux, alpha=1e-3, gamma=1e-3, rescale=factor)
    solution = newton.minimize(X, y, k, start, dual=dual)
    dual = solution.dual
    losses.append(generalisation_loss(solution.beta, pair.teacher))
    coefficients.append(np.abs(solution.beta))

# %%
# Top: the loss on new data. Bottom: the 5 features of the task, the 35 other learned ones, and the 360 that no task
# uses.
figure, (top, bottom) = plt.subplots(2, 1, figsize=(6.4, 5.4), layout="constrained", sharex=True)
top.loglog(factors, losses, "o-", markersize=3)
top.set(ylabel="generalisation loss")
size = np.array(coefficients)
task, learned = pair.teacher != 0, pair.teacher_aux != 0
for name, chosen in (("of the task", task), ("learned, not of the task", learned & ~task), ("of no task", ~learned & ~task)):
    bottom.loglog(factors, size[:, chosen].max(axis=1), label=name)
bottom.set(xlabel="factor on the first layer", ylabel="largest coefficient")
bottom.legend()
plt.show()
