"""
Descent against flow
====================

Gradient descent with steps that get smaller tends to gradient flow, and gradient flow ends at the minimiser of the
exact theory. How far off is plain descent at a step that one would use?
"""

import matplotlib.pyplot as plt
import numpy as np

from normtheory.solvers import newton, training

random = np.random.default_rng(3)
X, teacher = random.normal(size=(20, 60)), np.zeros(60)
teacher[:3] = (1.0, -0.5, 0.5)
y, alpha = X @ teacher, 0.1

exact_end = newton.minimize(X, y, 2 * alpha**2).beta
flow = training.single_task(X, y, alpha=alpha)
print("flow, relative distance from the exact endpoint", np.linalg.norm(flow.beta - exact_end) / np.linalg.norm(exact_end))


# %%
# Plain gradient descent on the mean squared error, written out for two layers with a plus and a minus pathway.
def descend(step, loss=1e-10):
    """The predictor at which descent with this step reaches the training loss."""
    w_plus, w_minus, v_plus, v_minus = np.full((4, 60), alpha)
    while True:
        residual = X @ (w_plus * v_plus - w_minus * v_minus) - y
        if residual @ residual / len(y) < loss:
            return w_plus * v_plus - w_minus * v_minus
        slope = 2 * step * X.T @ residual / len(y)
        w_plus, v_plus = w_plus - slope * v_plus, v_plus - slope * w_plus
        w_minus, v_minus = w_minus + slope * v_minus, v_minus + slope * w_minus


steps = np.logspace(-1.6, -3.2, 7)
distances = [np.linalg.norm(descend(step) - exact_end) / np.linalg.norm(exact_end) for step in steps]
figure, axes = plt.subplots(1, 2, figsize=(8.4, 3.4), layout="constrained")
axes[0].loglog(steps, distances, "o-")
axes[0].set(xlabel="step size", ylabel="relative distance from the exact endpoint", title="descent")
axes[1].loglog(flow.times[1:], flow.losses[1:])
axes[1].set(xlabel="time", ylabel="training loss", title="flow")
plt.show()

# %%
# The flow conserves some quantities of its weights, such as the difference of the squared weights of the two layers. How
# far they drift is a check of the integration that needs no theory of where it ends.
print(f"largest relative drift of a conserved quantity: {flow.conservation_error:.1e}")
