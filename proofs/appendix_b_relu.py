"""Appendix B: ReLU networks in polar coordinates, and the norm that they minimise.

A hidden unit enters through the length of its input weights, its readouts and what its inputs sum to, so that what is shown
holds for any number of inputs, of outputs and of hidden units.
"""

from __future__ import annotations

import sys
from typing import Any

import sympy as sp

from normtheory.audit.alone import run_alone
from normtheory.audit.claims import Verdict, claim
from normtheory.audit.derivation import Derivation
from normtheory.audit.notation import symbol
from normtheory.audit.statements import Said
from normtheory.audit.steps import Theorem
from normtheory.proofs.appendix_b import SOURCE, Z, rescaled_norm, stationary_scale, wrong_norms
from normtheory.proofs.letters import K

Expression = Any

SIGNAL = symbol("signal", r"\langle w^{(1)}_h,x\rangle", "⟨w⁽¹⁾,x⟩", real=True)  # what a hidden unit's inputs sum to
IN = symbol("w_in", r"w^{(1)}_h", "w⁽¹⁾", real=True)  # a hidden unit's input weights, entry by entry
OUT = symbol("v_out", r"w^{(2)}_h", "w⁽²⁾", real=True)  # and its readouts
IN_LENGTH = symbol("in_length", r"\|w^{(1)}_h\|", "‖w⁽¹⁾‖", positive=True)
LENGTH = symbol("length_m", r"\|m_h\|", "‖m_h‖", positive=True)  # of m_h, one entry an output
SUM = symbol("sum_m", r"\|m_h\|_1", "‖m_h‖₁", positive=True)
PART = symbol("m_o", r"m_{h,o}", "m_o", real=True)
READOUTS = symbol("readouts_h", r"\|w^{(2)}_h\|", "‖w⁽²⁾‖", nonnegative=True)
U = sp.Symbol("u", positive=True)

_POLAR = Said(readout=OUT * IN_LENGTH, direction=IN / IN_LENGTH, length=sp.Integer(1))
_RESCALED = Said(first=Z, readout=PART / Z, norm=Z**2 + LENGTH**2 / Z**2)


def _relu(x: Expression) -> Expression:
    return (x + sp.Abs(x)) / 2


def _network(activation: Expression) -> Said:
    return Said(activation=activation, readout=OUT * IN_LENGTH, direction=IN / IN_LENGTH)


def _same_outputs(proof: Derivation, stated: Said, activation: Expression) -> None:
    """A unit's output by m and theta is that by its weights."""
    turned = activation.subs(SIGNAL, SIGNAL * stated.direction / IN)
    proof.equal("a hidden unit's output, by its weights and in polar coordinates", OUT * activation, stated.readout * turned)
    proof.argue("and so for the sum of all hidden units, at each output", Theorem.LINEARITY)


@claim(
    id="eq29",
    where="Eq. 29 (Appendix B.2)",
    statement="a network of hidden units with the activation <activation> is the same in the polar coordinates <readout>, for "
    "$m_h$, and <direction>, for $\\theta_h$",
    reads=("no hidden unit's input weights all vanish",),
    printed=_network(_relu(SIGNAL)),
    twins={
        "squared ReLU": _network(_relu(SIGNAL) ** 2),
        "tanh": _network(sp.tanh(SIGNAL)),
        "ReLU with a bias": _network(_relu(SIGNAL + 1)),
        "lengths squared": _network(_relu(SIGNAL)).but(readout=OUT * IN_LENGTH**2),
        "lengths left with the inputs": _network(_relu(SIGNAL)).but(direction=IN),
    },
    siblings={"no activation": _network(SIGNAL), "leaky ReLU": _network(_relu(SIGNAL) - _relu(-SIGNAL) / 10)},
    expected=Verdict.PROVED,
    source=SOURCE,
)
def polar_network(proof: Derivation, stated: Said) -> None:
    """Eq. 29: an activation of degree one lets the length of the input weights move to the readouts."""
    scaled = stated.activation.subs(SIGNAL, K * SIGNAL)
    proof.equal("the activation is homogeneous of degree one", scaled, K * stated.activation)
    _same_outputs(proof, stated, stated.activation)


@claim(
    id="eq30",
    where="Eq. 30 (Appendix B.2)",
    statement="the polar coordinates of a hidden unit are <readout> for $m_h$, one entry an output, and <direction> for "
    "$\\theta_h$, whose length is <length>",
    reads=("no hidden unit's input weights all vanish",),
    printed=_POLAR,
    twins={
        "m with the squared length": _POLAR.but(readout=OUT * IN_LENGTH**2),
        "theta not normalised": _POLAR.but(readout=OUT, direction=IN),
        "the lengths exchanged": _POLAR.but(readout=OUT / IN_LENGTH, direction=IN * IN_LENGTH),
        "theta of another length": _POLAR.but(length=sp.Integer(2)),
        "theta reversed": _POLAR.but(direction=-IN / IN_LENGTH),
    },
    siblings={
        "theta of twice the length": Said(readout=OUT * IN_LENGTH / 2, direction=2 * IN / IN_LENGTH, length=sp.Integer(2)),
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def polar_coordinates(proof: Derivation, stated: Said) -> None:
    """Eq. 30: theta is a direction, and the network's outputs stay what they are."""
    stretch = stated.direction / IN
    proof.equal("the direction is the input weights by a number", sp.diff(stretch, IN), 0)
    proof.equal("so its length is", sp.Abs(stretch) * IN_LENGTH, stated.length)
    _same_outputs(proof, stated, _relu(SIGNAL))


@claim(
    id="eq31",
    where="Eq. 31 (Appendix B.2)",
    statement="with input weights of the length <first> and the readouts <readout> a hidden unit has its polar coordinates, "
    "and the squared norm <norm>",
    printed=_RESCALED,
    twins={
        "length for squared length": _RESCALED.but(norm=Z**2 + LENGTH / Z**2),
        "input weights not squared": _RESCALED.but(norm=Z + LENGTH**2 / Z),
        "multiplied for divided": _RESCALED.but(norm=Z**2 + LENGTH**2 * Z**2),
        "readouts multiplied": _RESCALED.but(readout=PART * Z),
    },
    siblings={"by the square of the length": Said(first=sp.sqrt(Z), readout=PART / sp.sqrt(Z), norm=Z + LENGTH**2 / Z)},
    expected=Verdict.PROVED,
    source=SOURCE,
)
def norm_of_unit(proof: Derivation, stated: Said) -> None:
    """Eq. 31: the input weights z theta have the length z, as theta has length one."""
    proof.argue("a direction times a positive number has that number as its length", Theorem.LINEARITY)
    rescaled_norm(proof, stated, LENGTH, PART)


@claim(
    id="eq32",
    where="Eq. 32 (Appendix B.2)",
    statement="the norm of Eq. 31 is least where the length of the input weights is <scale>",
    reads=("the readouts of the hidden unit do not all vanish",),
    printed=Said(scale=sp.sqrt(LENGTH)),
    twins={
        "the length itself": Said(scale=LENGTH),
        "the fourth root of the length": Said(scale=LENGTH ** sp.Rational(1, 4)),
        "half of it": Said(scale=sp.sqrt(LENGTH) / 2),
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def best_length(proof: Derivation, stated: Said) -> None:
    """Eq. 32: the derivative of Eq. 31 in z."""
    stationary_scale(proof, stated.scale, LENGTH)


def _least_norm_of_unit(proof: Derivation, stated: Expression) -> bool:
    """No weights with a unit's polar coordinates have less, and some have no more; any number of inputs and outputs."""
    squares = IN_LENGTH**2 + READOUTS**2 - 2 * IN_LENGTH * READOUTS
    with proof.lemma("no hidden unit has less than the length of its m, doubled"):
        proof.argue("the length of m is that of the input weights times that of the readouts", Theorem.LINEARITY)
        proof.equal("which the squared norm exceeds, doubled, by a square", squares, (IN_LENGTH - READOUTS) ** 2)
    root = sp.sqrt(LENGTH)
    proof.equal("with the root of the length in both layers it is reached", root * (LENGTH / root), LENGTH)
    return proof.equal("the squared norm is then the least, as stated", root**2 + (LENGTH / root) ** 2, stated)


@claim(
    id="eq33",
    where="Eq. 33 (Appendix B.2)",
    statement="the least squared norm of a hidden unit's weights is <least>: summed over hidden units the $\\ell_{1,2}$ norm "
    "of $m$, which is defined with the factor <factor>",
    reads=("all $m_h$ and $\\theta_h$ are held fixed",),
    printed=Said(least=2 * LENGTH, factor=sp.Integer(2)),
    twins=wrong_norms(LENGTH, SUM),
    expected=Verdict.PROVED,
    source=SOURCE,
)
def least_norm_of_units(proof: Derivation, stated: Said) -> None:
    """Eq. 33: Eq. 32 put into Eq. 31; no weights with these m and theta have less."""
    objective = Z**2 + LENGTH**2 / Z**2
    proof.equal("Eq. 31 at the length of Eq. 32", objective.subs(Z, sp.sqrt(LENGTH)), stated.least)
    proof.equal("is below Eq. 31 at any other length by a square", objective - stated.least, (Z - LENGTH / Z) ** 2)
    _least_norm_of_unit(proof, stated.least)
    proof.equal("which is the length with its factor", stated.factor * LENGTH, stated.least)


@claim(
    id="f12",
    where="Appendix B.2",
    statement="the least parameter norm of the ReLU networks that compute a function is the infimum, over all ways to write "
    "it by hidden units, of the sum of <least>: the $F_{1,2}$ norm with the factor <factor>",
    reads=(
        "the $F_{1,2}$ norm is the infimum of the sum of the lengths of $m_h$",
        "any number of hidden units may be used",
        "no hidden unit's input weights all vanish",
    ),
    printed=Said(least=2 * LENGTH, factor=sp.Integer(2)),
    twins=wrong_norms(LENGTH, SUM)
    | {"a norm that splitting a unit would lower": Said(least=2 * LENGTH**2, factor=2 * LENGTH)}
    | {"a norm that merging units would lower": Said(least=2 * sp.sqrt(LENGTH), factor=2 / sp.sqrt(LENGTH))},
    expected=Verdict.PROVED,
    source=SOURCE + "; Chizat & Bach 2020 for F_1",
)
def function_norm(proof: Derivation, stated: Said) -> None:
    """Appendix B.2: for each way to write the function the norm is 2 sum |m_h|; merging equal directions never costs."""
    reached = _least_norm_of_unit(proof, stated.least)
    proof.equal("which is the length with its factor", stated.factor * LENGTH, stated.least)
    proof.argue("the least over all weights is the least over the ways to write the function", Theorem.ITERATED)
    if not reached:
        return
    share = U / (1 + U)
    parts = stated.least.subs(LENGTH, share * LENGTH) + stated.least.subs(LENGTH, (1 - share) * LENGTH)
    proof.equal("splitting a unit into parts of one direction leaves the sum as it is", parts, stated.least)
    proof.argue("and merging units of one direction never makes it larger", Theorem.TRIANGLE)


if __name__ == "__main__":
    sys.exit(run_alone())
