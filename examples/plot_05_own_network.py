"""
A network of one's own
======================

Type one coordinate's predictor in its own weights, and where they start. Its gradient flow is a mirror flow, whatever
the formula, so that its endpoint can be computed like that of a network from the literature.
"""

import matplotlib.pyplot as plt
import numpy as np

from normtheory.parametrisations import Parametrisation
from normtheory.solvers import own

random = np.random.default_rng(4)
X, teacher = random.normal(size=(30, 80)), np.zeros(80)
teacher[:4] = (1.0, -1.0, 0.5, -0.5)
y = X @ teacher

# %%
# Two, three and four layers with a plus and a minus pathway, all from predictors that start at zero; and a linear
# model for comparison.
networks = {
    "two layers": Parametrisation("w*v - u*z", "w=v=u=z=0.1"),
    "three layers, shared": Parametrisation("u^3 - v^3", "u=v=0.1"),
    "linear": Parametrisation("w", "w=0"),
}
figure, axis = plt.subplots(figsize=(7, 3.6), layout="constrained")
for (name, network), marker in zip(networks.items(), "o^.", strict=True):
    solution = own.minimize(X, y, network)
    axis.plot(solution.beta[:30], marker, fillstyle="none", label=f"{name}: $|\\beta|_1$ = {np.abs(solution.beta).sum():.2f}")
axis.step(np.arange(30), teacher[:30], where="mid", color="grey", linewidth=0.8, label=f"teacher: {np.abs(teacher).sum():.2f}")
axis.set(xlabel="input", ylabel="coefficient at the end of training")
axis.legend()
plt.show()
