r"""
Penalty landscapes
==================

What one coefficient costs, for three ways to learn. Finetuning pays a divergence of the Q penalty, whose scale
:math:`k` depends on what was learned before; multi-task learning pays :math:`2\sqrt{\beta^2 + \beta_{aux}^2}` at
least norm; training from small weights pays nearly :math:`\ell_1`.
"""

import matplotlib.pyplot as plt
import numpy as np

from normtheory import exact
from normtheory.penalties import GroupL12, Q

beta = np.linspace(-2, 2, 401)

# %%
# Left, finetuning: the scale and the start come in closed form from the auxiliary coefficient, the initialisation
# ``alpha``, the reset ``gamma`` and the factor ``rescale`` on the first layer. An input that was not learned (0) costs
# almost :math:`\ell_1`; one that was learned costs like a square near the start. Right, multi-task learning at least
# norm: what the auxiliary coefficient costs alone is taken off, so that the curves start at zero.
figure, axes = plt.subplots(1, 2, figsize=(8, 3.4), layout="constrained", sharey=True)
for beta_aux in (0.0, 0.3, 1.0, 3.0):
    k, start = exact.finetuning([beta_aux], alpha=1e-3, gamma=1e-3)
    divergence = Q(np.full(beta.size, k[0])).divergence(beta, np.full(beta.size, start[0]))
    excess = GroupL12().excess(beta, np.full(beta.size, beta_aux))
    for axis, cost in zip(axes, (divergence, excess), strict=True):
        axis.plot(beta, cost / cost.max(), label=f"{beta_aux:g}")
axes[0].set(title="finetuning", xlabel="coefficient", ylabel="penalty, share of its largest")
axes[0].legend(title="auxiliary coefficient")
axes[1].set(title="multi-task learning, least norm", xlabel="coefficient")
plt.show()

# %%
# How the order of the penalty moves from 2 (lazy) to 1 (rich), and where: at coefficients of the size of the scale.
# Rescaling by c moves the scale of learned features by :math:`c^2`.
figure, axis = plt.subplots(figsize=(6, 3.4), layout="constrained")
size = np.logspace(-4, 3, 300)
for rescale in (1.0, 0.3, 0.1):
    k = exact.finetuning([1.0], alpha=1e-3, gamma=1e-3, rescale=rescale).k
    penalty = Q(np.full(size.size, k[0]))
    axis.semilogx(size, size * penalty.gradient(size) / penalty.contributions(size), label=f"rescale {rescale:g}")
axis.set(xlabel="coefficient of a learned feature", ylabel="order of the penalty", ylim=(1, 2.05))
axis.legend()
plt.show()
