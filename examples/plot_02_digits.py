"""
Finetuning on digits: which features are reused
===============================================

Images of handwritten digits, as they come with scikit-learn. The auxiliary task tells 3 from the other digits, with
150 images. The main task tells 8 from the others, with 60. The features are random rectified projections of the
pixels, so that there are more of them than images.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from normtheory import exact
from normtheory.solvers import newton

random = np.random.default_rng(0)
images, digit = load_digits(return_X_y=True)
features = np.maximum((images - images.mean(axis=0)) @ random.normal(size=(64, 600)), 0)
features = (features - features.mean(axis=0)) / features.std(axis=0)
order = random.permutation(len(digit))
aux, main, test = order[:150], order[150:210], order[210:]

# %%
# The auxiliary predictor, from small weights (scale :math:`2\alpha^2`), and what finetuning makes of it with 60
# images. ``newton.minimize`` returns the endpoint of gradient flow with a certificate: no network is trained here.
alpha = gamma = 1e-3
pretrained = newton.minimize(features[aux], np.where(digit[aux] == 3, 1.0, -1.0), 2 * alpha**2)
k, start = exact.finetuning(pretrained.beta, alpha, gamma, rescale=0.1)
target = np.where(digit[main] == 8, 1.0, -1.0)
finetuned = newton.minimize(features[main], target, k, start)
alone = newton.minimize(features[main], target, 2 * alpha**2)
print(finetuned.certificate)


def accuracy(beta):
    """Balanced accuracy on the images that no task has seen."""
    truth, said = digit[test] == 8, features[test] @ beta > 0
    return (said[truth].mean() + (~said[~truth]).mean()) / 2


print(f"balanced accuracy: finetuned {accuracy(finetuned.beta):.3f}, from scratch {accuracy(alone.beta):.3f}")

# %%
# Reused features lie off both axes, new ones on the vertical axis, dropped ones on the horizontal axis. The first layer
# was rescaled by 0.1 before finetuning; left as it is, more of the learned features would be reused, and fewer be new.
learned, used = (np.abs(beta) > 0.02 * np.abs(beta).max() for beta in (pretrained.beta, finetuned.beta))
kinds = {"reused": learned & used, "new": ~learned & used, "dropped": learned & ~used}
figure, axis = plt.subplots(figsize=(6, 4.4), layout="constrained")
for (name, chosen), marker in zip(kinds.items(), "o^x", strict=True):
    axis.plot(pretrained.beta[chosen], finetuned.beta[chosen], marker, label=f"{name}: {chosen.sum()}")
axis.axhline(0, color="grey", linewidth=0.6)
axis.axvline(0, color="grey", linewidth=0.6)
axis.set(xlabel="coefficient of the auxiliary task", ylabel="coefficient after finetuning")
axis.legend()
plt.show()
