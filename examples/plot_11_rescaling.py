"""
Rescaling a torch module before finetuning
==========================================

A small residual network learns eight digits, then to tell 3 from 8 from eight images. Between the two,
``normtheory.rescaling`` draws a new head and multiplies the parameters, and afterwards it measures how many dimensions
of its features finetuning left, and how many it shares with the pretrained network.
"""

import matplotlib.pyplot as plt
import numpy as np

from normtheory.images import read_images
from normtheory.networks.convolutional import seeded, small_resnet
from normtheory.rescaling import representation_dimensions, rescale, restart_head
from normtheory.solvers.classifiers import Descent, Labelled, error, restate, train

digits = read_images()


def task(images, classes, most=None):
    """Images of some classes, each with an output of its own."""
    chosen = np.flatnonzero(np.isin(images.labels, classes))[:most]
    return Labelled.of(images.pixels[chosen], np.searchsorted(classes, images.labels[chosen]), slice(0, len(classes)))


learned, new = [0, 1, 2, 4, 5, 6, 7, 9], [3, 8]
aux, main, test = task(digits.train, learned), task(digits.train, new, 8), task(digits.test, new)
network = seeded(lambda: small_resnet(8), 0)  # or a network that you have
train(network, aux, Descent(rate=0.01, epochs=8), seed=0)
before = seeded(lambda: restart_head(network, outputs=2), 0)

# %%
# One factor for all parameters, as the paper has it. Running statistics of batch normalisation stay, and are stale then:
# ``restate`` takes them anew from the images of the main task.
print(rescale(before, 0.25, copy=True))
factors, errors, dimensions = [1.0, 0.5, 0.25, 0.125], [], []
for factor in factors:
    after = rescale(before, factor, copy=True).module
    train(after, main, Descent(rate=0.01, epochs=60), seed=0)
    restate(after, main)
    errors.append(error(after, test))
    dimensions.append(representation_dimensions(before, after, test.images.split(64))["layer3"])

# %%
# Dimensions are participation ratios of the last block's features on images that no task has seen. One network and one
# draw of eight images: the figure shows how to measure, not what is true in general.
figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.4), layout="constrained")
left.semilogx(factors, errors, "o-")
left.set(xlabel="factor of the parameters", ylabel="error on other images", ylim=(0, 0.25))
right.semilogx(factors, [each.after for each in dimensions], "o-", label="after finetuning")
right.semilogx(factors, [each.shared for each in dimensions], "s--", label="shared with before")
right.axhline(dimensions[0].before, color="grey", linestyle=":", label="before")
right.set(xlabel="factor of the parameters", ylabel="dimensions of the features", ylim=(0, None))
right.legend()
for axis in (left, right):
    axis.set_xticks(factors, map(str, factors))
    axis.minorticks_off()
plt.show()
