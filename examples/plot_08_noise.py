r"""
Noisy data: fit to the end, or pay for the misfit
=================================================

A network that is trained to the end fits the noise. ``penalised.minimize`` minimises the squared error plus
:math:`\lambda` times the same divergence instead, with the same certificate; as :math:`\lambda` vanishes it is where
training ends.
"""

import matplotlib.pyplot as plt
import numpy as np

from normtheory import exact
from normtheory.solvers import newton, penalised
from normtheory.tasks import generalisation_loss, teacher_student

pair = teacher_student(60, 12, features=16, features_aux=16, inputs=200, samples_aux=200, seed=2)
noise = np.random.default_rng(0).normal(scale=0.3, size=60)
X, y = pair.main.X, pair.main.y + noise
k, start = exact.finetuning(pair.teacher_aux, alpha=1e-3, gamma=1e-3)
end = newton.minimize(X, y, k, start)

# %%
# Along the path the loss on new data, and on the data themselves.
levels = np.logspace(-5, 0, 21)
found = [penalised.minimize(X, y, k, start, strength=level) for level in levels]
figure, axis = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
axis.loglog(levels, [generalisation_loss(each.beta, pair.teacher) for each in found], label="new data, beyond the noise")
axis.loglog(levels, [np.mean((X @ each.beta - y) ** 2) for each in found], label="training data")
axis.axhline(generalisation_loss(end.beta, pair.teacher), color="grey", linestyle=":", label="trained to the end")
axis.set(xlabel="$\\lambda$", ylabel="mean squared error")
axis.legend()
plt.show()
