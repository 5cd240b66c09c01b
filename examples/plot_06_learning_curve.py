"""
A learning curve without training
=================================

How many samples do finetuning, multi-task learning and single-task learning need? For Gaussian inputs two scalar
equations say it, in milliseconds a point. Some problems are drawn and solved beside the curve.
"""

import matplotlib.pyplot as plt
import numpy as np

from normtheory import exact
from normtheory.solvers import newton
from normtheory.solvers.curves import learning_curve, samples_needed
from normtheory.solvers.sparse_pairs import SparsePair
from normtheory.tasks import generalisation_loss, teacher_student

pair = SparsePair(inputs=400, features=16, features_aux=16, overlap=12)
samples = [8, 12, 16, 24, 32, 48, 64, 96, 128]
curve = learning_curve(pair, samples)

# %%
# Lines: the equations. Points: five drawn problems at some n, the exact endpoint of finetuning, for which no network
# need be trained.
axis = curve.plot()
for n in (16, 32, 64):
    for seed in range(5):
        drawn = teacher_student(n, 12, features=16, features_aux=16, inputs=400, samples_aux=400, seed=seed)
        k, start = exact.finetuning(drawn.teacher_aux, alpha=1e-3, gamma=1e-3)
        beta = newton.minimize(drawn.main.X, drawn.main.y, k, start).beta
        axis.plot(n, generalisation_loss(beta, drawn.teacher) / pair.null_loss, "k.", markersize=4)
plt.show()

# %%
# The number of samples from which on the loss stays below a tenth of that of predicting zero.
for method in ("finetuning", "multitask", "single"):
    print(f"{method:<10} {samples_needed(pair, method, 0.1):5.1f}")

# %%
# Where the equations hold, and where they do not (correlated inputs, heavy tails), is measured in :doc:`/curves`.
print(f"largest residual of the equations: {max(np.abs(each.residuals).max() for each in curve.solutions):.1e}")
