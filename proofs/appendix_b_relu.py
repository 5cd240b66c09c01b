"""Appendix B: ReLU networks in polar coordinates, and the norm that they minimise."""

from __future__ import annotations

import sys

import sympy as sp

from normtheory.audit.alone import run_alone
from normtheory.audit.claims import Verdict, claim
from normtheory.audit.derivation import Derivation
from normtheory.proofs.appendix_b import (
    _WRONG_NORMS,
    B1,
    B2,
    P1,
    P2,
    Q1,
    Q2,
    SHARE,
    SOURCE,
    Expression,
    M,
    Norm,
    Z,
    _rescaled_norm,
    _stationary_scale,
    length,
)

# A hidden unit: input weights w, readouts v; relu(x) = (x + |x|)/2.
IN = sp.symbols("w_1 w_2", real=True)


OUT = sp.symbols("v_1 v_2", real=True)


XS = sp.symbols("x_1 x_2", real=True)


IN_LENGTH = length(IN)


PRE = IN[0] * XS[0] + IN[1] * XS[1]


def _relu(x: Expression) -> Expression:
    return (x + sp.Abs(x)) / 2


def _name_length(expression: Expression) -> Expression:
    """Write the positive length of the input weights as one symbol."""
    return expression.subs(IN_LENGTH, sp.Symbol("c", positive=True))


@claim(
    id="eq29",
    where="Eq. 29 (Appendix B.2)",
    statement=r"f_w(x) = \sum_h w_h^{(2)}(\langle w_h^{(1)},x\rangle)_+ = \sum_h m_h(\langle\theta_h,x\rangle)_+",
    assumptions=("no input weight vector is 0", "m and theta as in Eq. 30"),
    printed=_relu,
    twins={
        "squared ReLU": lambda x: _relu(x) ** 2,
        "tanh": sp.tanh,
        "ReLU with a bias": lambda x: _relu(x + 1),
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def polar_network(proof: Derivation, activation: Norm) -> None:
    """Eq. 29: an activation of degree one lets the length of the input weights move to the readout."""
    factor, x = sp.Symbol("c", positive=True), sp.Symbol("x", real=True)
    proof.equal("the activation is homogeneous of degree one", activation(factor * x), factor * activation(x))
    for v in OUT:
        right = v * IN_LENGTH * activation(PRE / IN_LENGTH)
        proof.equal(
            f"so a hidden unit with the readout {v} can be written in m and theta", v * activation(PRE), right, by=_name_length
        )


@claim(
    id="eq30",
    where="Eq. 30 (Appendix B.2)",
    statement=r"m_h = w_h^{(2)}\|w_h^{(1)}\|_2,\quad \theta_h = w_h^{(1)}/\|w_h^{(1)}\|_2",
    assumptions=("no input weight vector is 0",),
    printed=(lambda v: v * IN_LENGTH, lambda w: w / IN_LENGTH),
    twins={
        "m with the squared length": (lambda v: v * IN_LENGTH**2, lambda w: w / IN_LENGTH),
        "theta not normalised": (lambda v: v, lambda w: w),
        "the lengths exchanged": (lambda v: v / IN_LENGTH, lambda w: w * IN_LENGTH),
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def polar_coordinates(proof: Derivation, stated: tuple[Norm, Norm]) -> None:
    """Eq. 30: theta is a direction, and the network's outputs stay what they are."""
    readout, direction = stated
    proof.equal("theta has length 1", sum(direction(w) ** 2 for w in IN), 1)
    pre = sum(direction(w) * x for w, x in zip(IN, XS, strict=True))
    for v in OUT:
        proof.equal(f"the hidden unit's output with the readout {v}", v * _relu(PRE), readout(v) * _relu(pre), by=_name_length)


@claim(
    id="eq31",
    where="Eq. 31 (Appendix B.2)",
    statement=r"\|w_h^{(1)}\|_2^2+\|w_h^{(2)}\|_2^2 = z_h^2+\|m_h\|_2^2/z_h^2",
    assumptions=("m_h and theta_h are held fixed", "z_h = |w_h^(1)| > 0 and w_h^(2) = m_h/z_h"),
    printed=lambda z, m: z**2 + m**2 / z**2,
    twins={
        "|m| for |m|^2": lambda z, m: z**2 + m / z**2,
        "z for z^2": lambda z, m: z + m**2 / z,
        "m times z^2": lambda z, m: z**2 + m**2 * z**2,
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def norm_of_unit(proof: Derivation, stated: Norm) -> None:
    """Eq. 31: the input weights z theta have the squared length z^2, whatever the direction theta."""
    phi = sp.Symbol("phi", real=True)
    squared = (Z * sp.cos(phi)) ** 2 + (Z * sp.sin(phi)) ** 2
    proof.equal("the input weights z (cos phi, sin phi) have the squared length", squared, Z**2)
    _rescaled_norm(proof, stated, squared)


@claim(
    id="eq32",
    where="Eq. 32 (Appendix B.2)",
    statement=r"z_h^2 = \|m_h\|_2",
    assumptions=("m_h is not 0",),
    printed=M,
    twins={"the square": M**2, "the root": sp.sqrt(M), "half of it": M / 2},
    expected=Verdict.PROVED,
    source=SOURCE,
)
def best_length(proof: Derivation, squared: Expression) -> None:
    """Eq. 32: the derivative of Eq. 31 in z."""
    _stationary_scale(proof, squared)


def _least_norm_of_unit(proof: Derivation, stated: Norm) -> None:
    a, v = sp.symbols("W V", nonnegative=True)
    proof.equal(
        "with |w| = W and |v| = V, |m| = W V: W^2 + V^2 exceeds 2|m| by a square", a**2 + v**2 - 2 * a * v, (a - v) ** 2
    )
    m = length((B1, B2))
    proof.equal(
        "input weights of squared length |m| and the readout m/sqrt|m| reach it", m + (B1**2 + B2**2) / m, stated(B1, B2)
    )


@claim(
    id="eq33",
    where="Eq. 33 (Appendix B.2)",
    statement=r"\min\ \sum_h\|w_h^{(1)}\|_2^2+\|w_h^{(2)}\|_2^2 = 2\sum_h\|m_h\|_2",
    assumptions=("all m_h and theta_h are held fixed",),
    printed=lambda *m: 2 * length(m),
    twins=_WRONG_NORMS,
    expected=Verdict.PROVED,
    source=SOURCE,
)
def least_norm_of_units(proof: Derivation, stated: Norm) -> None:
    """Eq. 33: Eq. 32 put into Eq. 31; no weights with these m and theta have less."""
    proof.equal("Eq. 31 at the scale of Eq. 32", (Z**2 + M**2 / Z**2).subs(Z, sp.sqrt(M)), 2 * M)
    _least_norm_of_unit(proof, stated)


@claim(
    id="f12",
    where="Appendix B.2",
    statement=r"\text{the least parameter norm of a ReLU network's function is}\ 2\|f\|_{\mathcal F_{1,2}}"
    r" = 2\inf\Big\{\sum_h\|m_h\|_2:\ f=\sum_h m_h(\langle\theta_h,x\rangle)_+\Big\}",
    assumptions=("any number of hidden units", "no input weight vector is 0"),
    printed=lambda *m: 2 * length(m),
    twins=_WRONG_NORMS
    | {
        "a norm that splitting a unit would lower: the sum of squares over tasks, rooted twice": lambda *m: (
            2 * sp.sqrt(length(m))
        )
    },
    expected=Verdict.PROVED,
    source=SOURCE + "; Chizat & Bach 2020 for F_1",
)
def function_norm(proof: Derivation, stated: Norm) -> None:
    """Appendix B.2: for each way to write the function the norm is 2 sum |m_h|; merging equal directions never costs."""
    _least_norm_of_unit(proof, stated)
    t = SHARE
    split = stated(t * B1, t * B2) + stated((1 - t) * B1, (1 - t) * B2)
    proof.equal("splitting a unit into parts of one direction leaves the norm", split, stated(B1, B2))
    p, q = (P1, P2), (Q1, Q2)
    gap = (length(p) + length(q)) ** 2 - length((P1 + Q1, P2 + Q2)) ** 2
    inner = P1 * Q1 + P2 * Q2
    proof.equal(
        "merging units p, q of one direction lowers it: the squares differ by", gap, 2 * (length(p) * length(q) - inner)
    )
    minors = (P1 * Q2 - P2 * Q1) ** 2
    proof.equal("which is not negative", (length(p) * length(q)) ** 2 - inner**2, minors)


if __name__ == "__main__":
    sys.exit(run_alone())
