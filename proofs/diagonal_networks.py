"""Section 2.1: the map that a diagonal network computes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import sympy as sp

from normtheory.derivation import Derivation
from normtheory.ledger import Verdict, claim
from normtheory.networks import DiagonalNetwork, Weights
from proofs.orbit import V_MINUS, V_PLUS, W_MINUS, W_PLUS, WEIGHTS

Expression = Any


@claim(
    id="eq1",
    where="Eqs. 1, 6, 7 (section 2.1, Appendix A)",
    statement=r"f_w(x) = \beta(w)\cdot x,\quad \beta_d(w) = w^{(2)}_{+,d}w^{(1)}_{+,d} - w^{(2)}_{-,d}w^{(1)}_{-,d}",
    assumptions=("two layers, one-to-one first layer, the minus pathway read out with a minus sign",),
    printed=V_PLUS * W_PLUS - V_MINUS * W_MINUS,
    twins={
        "the minus pathway added": V_PLUS * W_PLUS + V_MINUS * W_MINUS,
        "layers of the two pathways crossed": V_PLUS * W_MINUS - V_MINUS * W_PLUS,
        "the minus pathway left out": V_PLUS * W_PLUS,
    },
    expected=Verdict.PROVED,
    source="Woodworth et al. 2020",
)
def network_map(proof: Derivation, beta: Expression) -> None:
    """Eq. 1: sum over the paths from each input through its two hidden units to the output."""
    inputs = sp.symbols("x_1:4", real=True)
    weights = [dict(zip(WEIGHTS, sp.symbols(f"w_+{d} w_-{d} v_+{d} v_-{d}", real=True), strict=True)) for d in (1, 2, 3)]
    plus = [w[W_PLUS] * x for w, x in zip(weights, inputs, strict=True)]
    minus = [w[W_MINUS] * x for w, x in zip(weights, inputs, strict=True)]
    output = sum(w[V_PLUS] * h for w, h in zip(weights, plus, strict=True)) - sum(
        w[V_MINUS] * h for w, h in zip(weights, minus, strict=True)
    )
    stated = sum(beta.subs(w) * x for w, x in zip(weights, inputs, strict=True))
    proof.equal("with three inputs, read out the hidden units w_+ x and w_- x", output, stated)
    for x, w in zip(inputs, weights, strict=True):
        proof.equal(f"the network is linear, and its slope in {x} is beta", sp.diff(output, x), beta.subs(w))
    evaluate = sp.lambdify(WEIGHTS, beta)
    proof.witness("the package's network, layer by layer, on random weights and inputs", _deviation(evaluate), 1e-13)


def _deviation(beta: Callable[..., Any]) -> float:
    draw = np.random.default_rng(np.random.SeedSequence((1, 6, 7)))
    weights, X = Weights(*draw.standard_normal((4, 30))), draw.standard_normal((8, 30))
    difference = DiagonalNetwork().output(weights, X) - X @ beta(*weights.stacked())
    return float(np.abs(difference).max() / np.abs(X).max() / 30)
