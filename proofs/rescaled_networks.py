"""Theory of rescaled networks: what multiplying all parameters does to deep networks, with batch normalisation and without."""

from __future__ import annotations

import sys
from typing import Any

import sympy as sp

from normtheory.audit.alone import run_alone
from normtheory.audit.claims import Verdict, claim
from normtheory.audit.derivation import Derivation
from normtheory.audit.notation import symbol
from normtheory.audit.statements import Said
from normtheory.audit.steps import Theorem, Truth
from normtheory.proofs import network_numerics
from normtheory.proofs.letters import C

Expression = Any

SOURCE = "theory of rescaled networks"
DEPTH, LAYER = (symbol(name, positive=True, integer=True) for name in ("L", "l"))
DRIVE = symbol("drive", "p", "p", positive=True)  # the size of what a unit sums up, which has either sign
BEFORE = symbol("before", "s", "s", positive=True)  # what the features before a layer are multiplied by
OUTPUT, LABEL = symbol("f_w", "f", "f", real=True), symbol("y", real=True)
SLOPE = symbol("slope_w", r"\nabla f", "∇f", real=True)

_HOMOGENEOUS = Said(
    features=C**LAYER,
    output=C**DEPTH,
    gradient=C ** (DEPTH - 1),
    kernel=C ** (2 * DEPTH - 2),
    rate=C ** (2 * DEPTH - 2),
    labels=C**-DEPTH,
    branch=C**2,
    inside=sp.Integer(2),
)


@claim(
    "rescale-homogeneous",
    where="theory of section 6",
    statement="multiplying all weights of a ReLU network of $L$ layers without normalisation and biases by $c$ multiplies the "
    "features of layer $l$ by <features>, the output by <output>, its gradient by <gradient> and the tangent kernel by "
    "<kernel>; gradient flow of squared errors then moves the original weights as the original network does with <rate> times "
    "the learning rate and <labels> times the labels. The branch of a residual block, of <inside> layers, becomes <branch> "
    "times what it is beside the identity: such a network is not homogeneous, and falls back on its identities as $c$ falls",
    printed=_HOMOGENEOUS,
    twins={
        "the output as by one layer": _HOMOGENEOUS.but(output=C),
        "features of the whole depth": _HOMOGENEOUS.but(features=C**DEPTH),
        "the gradient as the output": _HOMOGENEOUS.but(gradient=C**DEPTH),
        "the kernel as the gradient": _HOMOGENEOUS.but(kernel=C ** (DEPTH - 1)),
        "the rate as the squared output": _HOMOGENEOUS.but(rate=C ** (2 * DEPTH)),
        "labels as they are": _HOMOGENEOUS.but(labels=sp.Integer(1)),
        "a branch of another depth": _HOMOGENEOUS.but(inside=sp.Integer(3)),
        "a residual block scales as a whole": _HOMOGENEOUS.but(branch=sp.Integer(1)),
    },
    reads=(
        "pools, averages and sums of paths of equal length are layers without weights, and positively homogeneous as ReLU is",
    ),
    expected=Verdict.PROVED,
    source=SOURCE,
)
def rescale_homogeneous(proof: Derivation, stated: Said) -> None:
    """Theory: by layers; the tangent kernel is a square of gradients; flow in the weights before rescaling."""
    for sign, side in ((1, "active"), (-1, "silent")):
        responds = sp.Max(0, sign * C * BEFORE * DRIVE)
        text = f"a unit that is {side} responds to rescaled weights and features, as its sum is linear in both"
        proof.equal(text, responds, C * BEFORE * sp.Max(0, sign * DRIVE))
    proof.equal(
        "so that each layer multiplies the factor once more", stated.features.subs(LAYER, LAYER + 1), C * stated.features
    )
    proof.equal("from the inputs on", stated.features.subs(LAYER, 0), 1)
    proof.equal("and the output has that of the last layer", stated.features.subs(LAYER, DEPTH), stated.output)
    proof.argue("differentiated by the weights before rescaling, the chain rule yields the factor", Theorem.CHAIN_RULE)
    proof.equal("so that the gradient, times the factor, is multiplied as the output", C * stated.gradient, stated.output)
    proof.equal("the tangent kernel, a sum of products of two gradients, by", stated.gradient**2, stated.kernel)
    velocity = -(stated.output * OUTPUT - LABEL) * stated.gradient * SLOPE / C
    slow = -stated.rate * (OUTPUT - stated.labels * LABEL) * SLOPE
    proof.equal("by the flow, weights before rescaling move at", velocity, slow)
    beside = stated.features.subs(LAYER, LAYER + stated.inside) / stated.features
    proof.equal("the layers of a branch multiply by what an identity beside them does not", beside, stated.branch)
    if any(step.truth is not Truth.TRUE for step in proof.steps):
        return
    factors = tuple(sp.lambdify((C, DEPTH, LAYER), getattr(stated, name)) for name in ("features", "output", "kernel"))
    network_numerics.witness_homogeneous(proof, *factors)


E, VARIANCE = symbol("epsilon", r"\epsilon", "ε", positive=True), symbol("v", positive=True)
MEAN, RESPONSE = symbol("m", real=True), symbol("z", real=True)
DEVIATION = symbol("d_z", r"\delta", "δ", real=True)  # of a response from the mean of its batch
STEP = symbol("eta", r"\eta", "η", positive=True)
WEIGHT = symbol("w", real=True)

_NORMALISED = Said(
    epsilon=E / C**2,
    gradient=1 / C,
    rate=1 / C**2,
    stale=C,
    shift=(C - 1) * MEAN / sp.sqrt(VARIANCE + E),
    features=C,
    outputs=C**2,
    deep=E / C**4,
)


@claim(
    "rescale-batchnorm",
    where="theory of section 6",
    statement="where batch normalisation follows a convolution, multiplying its weights by $c$ changes nothing in train mode "
    "but the constant $\\epsilon$ beside the variance, which counts as <epsilon>; gradients become <gradient> times what they "
    "were, and a step of gradient descent turns the weights as one of <rate> times the learning rate. In eval mode, with "
    "running statistics from before, a mean $m$ and a variance $v$, normalised responses become <stale> times what they were, "
    "and are shifted by <shift>. With all parameters multiplied, features become <features> times what they were after every "
    "normalisation, at any depth, where $\\epsilon$ counts as <deep> beyond the first, and outputs, but for the last bias, "
    "<outputs> times",
    printed=_NORMALISED,
    twins={
        "the constant counts as before": _NORMALISED.but(epsilon=E),
        "the constant grows with the scale": _NORMALISED.but(epsilon=E * C**2),
        "gradients stay": _NORMALISED.but(gradient=sp.Integer(1)),
        "the rate as the gradient": _NORMALISED.but(rate=1 / C),
        "undone in eval mode, too": _NORMALISED.but(stale=sp.Integer(1)),
        "no shift": _NORMALISED.but(shift=sp.Integer(0)),
        "features fall with depth": _NORMALISED.but(features=C**LAYER),
        "outputs as features": _NORMALISED.but(outputs=C),
        "the constant counts the same at any depth": _NORMALISED.but(deep=E / C**2),
    },
    reads=(
        "train mode normalises by the mean and variance of the batch; ReLU, pools and sums of paths are positively homogeneous",
    ),
    expected=Verdict.PROVED,
    source=SOURCE,
)
def rescale_batchnorm(proof: Derivation, stated: Said) -> None:
    """Theory: one layer in train mode and in eval mode; its gradient; then by layers."""
    proof.argue(
        "a convolution is linear in its weights: mean and deviations of its responses are multiplied", Theorem.LINEARITY
    )
    scaled = C * DEVIATION / sp.sqrt(C**2 * VARIANCE + E)
    proof.equal("normalised, a deviation is", scaled, DEVIATION / sp.sqrt(VARIANCE + stated.epsilon))
    proof.argue("the same function of the weights before, differentiated by them, yields the factor", Theorem.CHAIN_RULE)
    proof.equal("so that the gradient, times the factor, is that before", C * stated.gradient, 1)
    moved = (C * WEIGHT - STEP * stated.gradient * SLOPE) / C
    proof.equal("a step moves the weights, in their new units, to", moved, WEIGHT - STEP * stated.rate * SLOPE)
    with_old = (C * RESPONSE - MEAN) / sp.sqrt(VARIANCE + E)
    before = (RESPONSE - MEAN) / sp.sqrt(VARIANCE + E)
    proof.equal("with statistics from before a response becomes", with_old, stated.stale * before + stated.shift)
    normalised = C * stated.features * DEVIATION / sp.sqrt((C * stated.features) ** 2 * VARIANCE + E)
    text = "deeper, the features before are multiplied, too, and a deviation becomes"
    proof.equal(text, normalised, DEVIATION / sp.sqrt(VARIANCE + stated.deep))
    proof.equal("only gain and bias of the normalisation multiply the features behind it", C, stated.features)
    proof.equal("and the last layer multiplies once more", C * stated.features, stated.outputs)
    if any(step.truth is not Truth.TRUE for step in proof.steps):
        return
    functions = {
        name: sp.lambdify((C, E, MEAN, VARIANCE), getattr(stated, name))
        for name in ("epsilon", "deep", "stale", "shift", "features", "outputs", "gradient")
    }
    network_numerics.witness_normalised(proof, functions)


if __name__ == "__main__":
    sys.exit(run_alone())
