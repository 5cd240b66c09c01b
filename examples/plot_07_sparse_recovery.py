r"""
Sparse recovery: small weights against least l1 norm
====================================================

From weights :math:`\alpha` gradient flow ends at the minimiser of a penalty that tends to :math:`\ell_1` as
:math:`\alpha` vanishes, but only with the logarithm of :math:`\alpha`. How small has it to be, for a network to
recover what basis pursuit does?
"""

import matplotlib.pyplot as plt
import numpy as np

from normtheory.solvers import basis_pursuit, least_norm, newton

random = np.random.default_rng(7)
inputs, sparsity = 120, 6
samples = np.arange(12, 64, 6)
scales = (1e-1, 1e-3, 1e-6)


# %%
# Relative distance from the teacher, the mean over six problems at each number of samples. ``newton.minimize`` with
# the scale :math:`2\alpha^2` is the endpoint of training.
def problem():
    """A design and a sparse teacher, with more rows than will be used."""
    teacher = np.zeros(inputs)
    teacher[random.choice(inputs, sparsity, replace=False)] = random.choice([-1.0, 1.0], sparsity)
    return random.normal(size=(samples[-1], inputs)), teacher


methods = {f"$\\alpha$ = {alpha:g}": lambda X, y, a=alpha: newton.minimize(X, y, 2 * a**2) for alpha in scales}
methods |= {"least l1 norm": basis_pursuit.minimize, "least l2 norm": least_norm.minimize}
errors = {name: np.zeros(len(samples)) for name in methods}
for X, teacher in (problem() for _ in range(6)):
    for place, n in enumerate(samples):
        for name, solve in methods.items():
            beta = solve(X[:n], X[:n] @ teacher).beta
            errors[name][place] += np.linalg.norm(beta - teacher) / np.linalg.norm(teacher) / 6

# %%
figure, axis = plt.subplots(figsize=(6.4, 3.8), layout="constrained")
for name, error in errors.items():
    axis.semilogy(samples, np.maximum(error, 1e-10), "o-", markersize=3, label=name)
axis.set(xlabel="samples", ylabel="relative distance from the teacher")
axis.legend()
plt.show()
