"""Theory of any parametrisation: mirror flows of one output, and what brackets decide of several."""

from __future__ import annotations

import sys
from functools import cache
from itertools import combinations
from typing import Any

import numpy as np
import sympy as sp

from normtheory.audit import notation
from normtheory.audit.alone import run_alone
from normtheory.audit.claims import Verdict, claim
from normtheory.audit.derivation import Derivation
from normtheory.audit.notation import numbered, symbol
from normtheory.audit.statements import Said
from normtheory.audit.steps import Theorem
from normtheory.networks import ParametrisedNetwork, ParametrisedWeights
from normtheory.parametrisations import Parametrisation
from normtheory.proofs.brackets import commuting, conserves, field, moved, no_mirror, no_others
from normtheory.proofs.optimality import row_space_is_enough
from normtheory.proofs.orbit import G
from normtheory.solvers import own
from normtheory.solvers.flow import gradient_flow
from normtheory.tasks import Task

Expression = Any
Symbol = Any

SOURCE = "theory of any parametrisation"
LI_SOURCE = "Li, Wang, Lee & Arora 2022, arXiv 2207.04036"
MARCOTTE_SOURCE = "Marcotte, Gribonval & Peyre 2023, arXiv 2307.00144"

INTEGRAL = symbol("integral_x", "x_d", "x", real=True)  # of minus the slope of a coordinate's loss: it counts along the orbit
SLOPES = tuple(symbol(f"slope_{i}", f"G_{{,{i}}}", "∂G" + "₁₂₃"[i - 1], real=True, nonzero=True) for i in (1, 2, 3))
AGREEMENT = 1e-6  # of flow and minimiser, relative: a hundred times what the flow aims at

# The networks on which the general argument is carried through, with a start of each for the second route.
EXAMPLES = (
    Parametrisation("w*v-u*z", "w=1/5,v=1/10,u=3/10,z=1/5"),
    Parametrisation("p*q*r-s*z", "p=1/2,q=2/5,r=3/5,s=1/2,z=2/5"),
    Parametrisation("tanh(w)*v-u^3", "w=1/2,v=2/5,u=1/2"),
)


@cache
def distances() -> tuple[float, ...]:
    """Of trained networks from the minimisers of their tabulated potentials, relative, for each of the examples."""
    draw = np.random.default_rng(np.random.SeedSequence(15))
    X = draw.normal(size=(4, 9))
    y = X @ (draw.normal(size=9) * (draw.random(9) < 0.5))
    found = []
    for network in EXAMPLES:
        flow = gradient_flow(ParametrisedNetwork.of(network), Task(X, y), ParametrisedWeights.of(network, 9)).beta
        found.append(float(np.linalg.norm(flow - own.minimize(X, y, network).beta) / np.linalg.norm(flow)))
    return tuple(found)


def one_curve(proof: Derivation, rate: Expression) -> bool:
    """Every coordinate moves on one curve, on which its predictor increases at a rate that the data do not enter."""
    with proof.lemma("one coordinate of a network of one output, with weights of its own"):
        proof.argue("each weight moves at minus the slope of the loss times the gradient of the predictor", Theorem.CHAIN_RULE)
        proof.argue("so that its place depends on the integral of minus the slope alone, and moves along it", Theorem.PICARD)
    increases = sum(slope * slope for slope in SLOPES)
    holds = proof.equal("along the integral a predictor of as many weights moves at", increases, rate)
    proof.argue("of any number of weights alike", Theorem.LINEARITY)
    proof.positive("which is positive where the gradient does not vanish", increases)
    for network in EXAMPLES:
        along = field(network, 0)
        velocities = sum(sp.diff(network.outputs[0], w) * (-G * f) for w, f in zip(network.weights, along, strict=True))
        proof.equal(f"the predictor {notation.text(network.outputs[0])} moves at", velocities, -G * moved(network, 0, along))
    return holds


_RATE = sum(slope**2 for slope in SLOPES)
_ANY = Said(rate=_RATE, dual=INTEGRAL)


@claim(
    id="any-parametrisation",
    where="theory of any parametrisation (theorem)",
    statement="in a network of one output whose coordinates each have weights of their own, from any start, a predictor grows "
    "by <rate> per unit of an integral $x$ that only the data decide; it ends at the interpolator of least divergence from the "
    "start under the potential whose slope at the predictor is <dual>",
    reads=("the gradient of the predictor in its weights has entries whose number is any, written for the first few",),
    granted=("the flow reaches zero training error before its orbit ends", "the gradient does not vanish at the start"),
    printed=_ANY,
    twins={
        "the gradient in place of its square": _ANY.but(rate=sum(SLOPES)),
        "doubled": _ANY.but(rate=2 * _RATE),
        "the potential of the opposite sign": _ANY.but(dual=-INTEGRAL),
        "a potential whose slope is a square": _ANY.but(dual=INTEGRAL**2),
        "a potential whose slope is a sine": _ANY.but(dual=sp.sin(INTEGRAL)),
    },
    siblings={"three times the potential": _ANY.but(dual=3 * INTEGRAL)},
    expected=Verdict.PROVED,
    source=f"{SOURCE}; for one network after another: Woodworth et al. 2020, Azulay et al. 2021, {LI_SOURCE}",
)
def any_parametrisation(proof: Derivation, stated: Said) -> None:
    """Theory of any parametrisation, theorem: one curve a coordinate, an increasing map on it, multipliers in the row space."""
    if not one_curve(proof, stated.rate):
        return
    proof.argue("at the end the integrals of all coordinates lie in the row space of the inputs", Theorem.LINEARITY)
    first, second = numbered(INTEGRAL, 1), numbered(INTEGRAL, 2)
    inside = proof.equal(
        "two inputs of one sample: the potential's slopes are in the proportion of the integrals",
        stated.dual.subs(INTEGRAL, first) * second,
        stated.dual.subs(INTEGRAL, second) * first,
    )
    if not inside:
        return
    factor = sp.simplify(stated.dual / INTEGRAL)
    convex = proof.positive(
        "the potential is strictly convex: its slope increases with the integral, as the predictor does", factor
    )
    if not convex:
        return
    row_space_is_enough(proof)
    for network, distance in zip(EXAMPLES, distances(), strict=True):
        proof.witness(f"trained networks, {notation.text(network.outputs[0])}: relative distance", distance, AGREEMENT)


# Several outputs.


def shared(expression: str, start: str) -> Parametrisation:
    """A network of several outputs that share weights."""
    return Parametrisation(expression, start)


READOUTS = shared("w*v_1;w*v_2", "w=1,v_1=1/2,v_2=1/3")
SQUARES = shared("u*v;u^2-v^2", "u=1,v=1/2")
FACTORS = shared("u_1*v_1+u_2*v_2;u_1*z_1+u_2*z_2", "u_1=1,u_2=1/2,v_1=1/3,v_2=1,z_1=1/2,z_2=2")
W, V_1, V_2 = READOUTS.weights
U, V = SQUARES.weights
FACTOR = {weight.name: weight for weight in FACTORS.weights}


def _square(network: Parametrisation, defect: Expression, output: int = 0) -> Said:
    return Said(
        network=network,
        outputs=network.outputs,
        moving=network.outputs[output],
        defect=defect,
        output=sp.Integer(output + 1),
    )


_NECESSARY = _square(READOUTS, -W * V_2)


@claim(
    id="bracket-necessary",
    where="theory of any parametrisation (necessary)",
    statement="driven round a small rectangle in the integrals of two losses' slopes, with outputs <outputs>, the predictor "
    "<moving> moves by the area of the rectangle times <defect>, to leading order; a mirror flow would return, so that from a "
    "start where this is not zero gradient flow is none",
    printed=_NECESSARY,
    twins={
        "the other way round": _NECESSARY.but(defect=W * V_2),
        "doubled": _NECESSARY.but(defect=-2 * W * V_2),
        "of the other readout": _NECESSARY.but(defect=-W * V_1),
        "it returns": _NECESSARY.but(defect=sp.Integer(0)),
        "weights that commute": _square(shared("u^2+v^2;2*u*v", "u=1,v=1/2"), sp.Integer(0)),
    },
    siblings={
        "of the other predictor": _square(READOUTS, W * V_1, 1),
        "a product and a difference of squares": _square(SQUARES, sp.expand(4 * V**2 - 4 * U**2)),
        "factors of matrices": _square(FACTORS, -(FACTOR["u_1"] * FACTOR["z_1"] + FACTOR["u_2"] * FACTOR["z_2"])),
    },
    expected=Verdict.PROVED,
    source=f"{SOURCE}; {LI_SOURCE} (the bracket lies in the kernel of the predictors' derivative)",
)
def bracket_necessary(proof: Derivation, stated: Said) -> None:
    """Theory of any parametrisation, necessary: the flow round a square, to second order, and a start where it does not end."""
    network = stated.network
    for name, output in zip(stated.outputs, network.outputs, strict=True):
        proof.equal("the outputs are", name, output)
    proof.equal("of which this one is looked at", stated.moving, network.outputs[int(stated.output) - 1])
    if not no_mirror(proof, network, (0, 1), int(stated.output) - 1, stated.defect):
        return
    proof.positive("at a rational start its square is", stated.defect.subs(dict(network.start)) ** 2)


X_1, X_2 = symbol("integral_1", "x_1", "x₁", real=True), symbol("integral_2", "x_2", "x₂", real=True)
FIRST, SECOND = symbol("start_u", "u(0)", "u(0)", positive=True), symbol("start_v", "v(0)", "v(0)", positive=True)
_FAMILY = shared("u^2/2+v^2/2;u*v", "u=2,v=1")
_ORBIT = (
    sp.exp(X_1) * (FIRST * sp.cosh(X_2) + SECOND * sp.sinh(X_2)),
    sp.exp(X_1) * (SECOND * sp.cosh(X_2) + FIRST * sp.sinh(X_2)),
)
_HALF = sum(each**2 for each in _ORBIT) / 4
_SUFFICIENT = Said(network=_FAMILY, outputs=_FAMILY.outputs, orbit=_ORBIT, dual=_HALF)


@claim(
    id="bracket-sufficient",
    where="theory of any parametrisation (sufficient)",
    statement="where the gradients of the outputs commute and are independent the weights are a function of the integrals of "
    "the losses' slopes alone, and the predictors are the gradient of a dual potential; for the outputs <outputs> the weights "
    "are <orbit> and the dual potential is <dual>",
    printed=_SUFFICIENT,
    twins={
        "outputs that do not commute": _SUFFICIENT.but(network=SQUARES, outputs=SQUARES.outputs),
        "doubled": _SUFFICIENT.but(dual=2 * _HALF),
        "the integrals exchanged": _SUFFICIENT.but(
            orbit=tuple(each.subs({X_1: X_2, X_2: X_1}, simultaneous=True) for each in _ORBIT)
        ),
        "a slower orbit": _SUFFICIENT.but(orbit=tuple(each.subs(X_1, X_1 / 2) for each in _ORBIT)),
        "a difference of squares": _SUFFICIENT.but(dual=(_ORBIT[0] ** 2 - _ORBIT[1] ** 2) / 4),
    },
    siblings={
        "with a constant": _SUFFICIENT.but(dual=_HALF + 1),
        "in exponentials": _SUFFICIENT.but(dual=_HALF.rewrite(sp.exp)),
    },
    expected=Verdict.PROVED,
    source=f"{LI_SOURCE} (commuting parametrisations; the quadratic family), {SOURCE}",
)
def bracket_sufficient(proof: Derivation, stated: Said) -> None:
    """Theory of any parametrisation, sufficient: commuting fields, their orbit, and its potential, of a quadratic family."""
    network, integrals = stated.network, (X_1, X_2)
    for name, output in zip(stated.outputs, network.outputs, strict=True):
        proof.equal("the outputs are", name, output)
    if not commuting(proof, network):
        return
    at = dict(zip(network.weights, stated.orbit, strict=True))
    holds = True
    for output, integral in enumerate(integrals):
        for weight, slope in zip(network.weights, field(network, output), strict=True):
            text = f"in the integral of one output {notation.text(weight)} moves along that output's gradient"
            holds &= proof.equal(text, sp.diff(at[weight], integral), slope.subs(at, simultaneous=True), by=_exponentials)
    for weight, begun in zip(network.weights, (FIRST, SECOND), strict=True):
        holds &= proof.equal("where the integrals vanish it is at its start", at[weight].subs({X_1: 0, X_2: 0}), begun)
    if not holds:
        return
    for output, integral in zip(network.outputs, integrals, strict=True):
        text = "the dual potential grows, in the integral of an output, by that output's predictor"
        proof.equal(text, sp.diff(stated.dual, integral), output.subs(at, simultaneous=True), by=_exponentials)
    determinant = sp.factor((network.weights[0] ** 2 - network.weights[1] ** 2) ** 2)
    columns = [field(network, o) for o in range(2)]
    gram = sp.Matrix(2, 2, lambda i, j: (columns[i].T * columns[j])[0])
    proof.equal("its second derivatives are the products of the gradients, with the determinant", gram.det(), determinant)
    along, ratio = determinant.subs(at, simultaneous=True), sp.exp(4 * X_1)
    begun = determinant.subs(dict(zip(network.weights, (FIRST, SECOND), strict=True)))
    proof.equal(
        "which keeps its sign: on the orbit it is the start's times a positive number", along, ratio * begun, by=_exponentials
    )


def _exponentials(expression: Expression) -> Expression:
    return sp.expand(expression.rewrite(sp.exp))


_BOTH = shared("w*v_1-u*z_1;w*v_2-u*z_2", "w=1,v_1=1/2,v_2=1/3,u=1,z_1=1/5,z_2=1/4")
_NAMES = {weight.name: weight for weight in _BOTH.weights}
_THREE = (
    _NAMES["w"] ** 2 - _NAMES["v_1"] ** 2 - _NAMES["v_2"] ** 2,
    _NAMES["u"] ** 2 - _NAMES["z_1"] ** 2 - _NAMES["z_2"] ** 2,
    _NAMES["w"] * _NAMES["u"] + _NAMES["v_1"] * _NAMES["z_1"] + _NAMES["v_2"] * _NAMES["z_2"],
)


def _complete(network: Parametrisation, laws: tuple[Expression, ...]) -> Said:
    return Said(network=network, outputs=network.outputs, laws=laws)


_LAWS = _complete(_BOTH, _THREE)
_TWO_LAYERS = Parametrisation("w*v-u*z", "w=1,v=1/2,u=1/3,z=1")
_TA, _TB, _TC, _TD = _TWO_LAYERS.weights
_TWO = (_TA**2 - _TB**2, _TC**2 - _TD**2, _TA * _TD + _TB * _TC)


@claim(
    id="laws-complete",
    where="theory of any parametrisation (conservation laws)",
    statement="along gradient flow of every loss of the outputs <outputs> these do not change: <laws>; they are independent, "
    "and every other conserved quantity is a function of them",
    reads=("near almost every point",),
    printed=_LAWS,
    twins={
        "one of them missing": _LAWS.but(laws=_THREE[:2]),
        "one twice, as its square": _LAWS.but(laws=(*_THREE[:2], _THREE[0] ** 2)),
        "a sum in place of a difference": _LAWS.but(laws=(_THREE[0] + 2 * _NAMES["v_1"] ** 2, *_THREE[1:])),
        "an exponent": _LAWS.but(laws=(_THREE[0] + _NAMES["w"] ** 2 * (_NAMES["w"] - 1), *_THREE[1:])),
        "the laws of one readout": _LAWS.but(laws=(_NAMES["w"] ** 2 - _NAMES["v_1"] ** 2, *_THREE[1:])),
    },
    siblings={
        "other combinations of them": _LAWS.but(laws=(_THREE[0] + _THREE[1], _THREE[0] * _THREE[2], _THREE[1])),
        "one output": _complete(_TWO_LAYERS, _TWO),
        "a product of three": _complete(
            own_three := Parametrisation("p*q*r", "p=q=r=1"),
            tuple(x**2 - y**2 for x, y in combinations(own_three.weights, 2))[:2],
        ),
    },
    expected=Verdict.PROVED,
    source=f"{SOURCE}; the count of laws: {MARCOTTE_SOURCE}",
)
def laws_complete(proof: Derivation, stated: Said) -> None:
    """Theory of any parametrisation, conservation laws: each verified, independent, and as many as the brackets leave."""
    for name, output in zip(stated.outputs, stated.network.outputs, strict=True):
        proof.equal("the outputs are", name, output)
    if conserves(proof, stated.network, stated.laws):
        no_others(proof, stated.network, stated.laws)


def matrices(rows: int, inner: int, columns: int) -> tuple[Parametrisation, tuple[Expression, ...]]:
    """The product of two matrices, an output an entry, and the entries of the balance of its factors."""
    left, right = (
        sp.Matrix(n, m, lambda i, j, name=name: sp.Symbol(f"{name}_{i + 1}{j + 1}", real=True))
        for name, n, m in (("U", rows, inner), ("V", inner, columns))
    )
    weights = [*left, *right]
    start = {str(weight): sp.Rational(3 + 2 * place, 5 + place) for place, weight in enumerate(weights)}
    network = Parametrisation(list(left * right), {name: str(value) for name, value in start.items()})
    balance = left.T * left - right * right.T
    return network, tuple(balance[i, j] for i in range(inner) for j in range(i, inner))


INNER = symbol("r", positive=True, integer=True)  # inner dimension
_COUNT = INNER * (INNER + 1) / 2
_MATRICES = Said(sizes=((2, 1, 2), (1, 2, 1), (2, 2, 1), (2, 2, 2)), number=_COUNT)


@claim(
    id="laws-matrices",
    where="theory of any parametrisation (products of two matrices)",
    statement="of the product of a matrix with another, with inner dimension $r$, of no fewer rows and columns together than "
    "that, gradient flow conserves exactly <number> independent quantities, the entries of the balance of its factors; checked "
    "for rows, inner dimension and columns of <sizes>",
    reads=("near almost every point",),
    printed=_MATRICES,
    twins={
        "a square": _MATRICES.but(number=INNER**2),
        "the balance without its off-diagonal": _MATRICES.but(number=INNER),
        "one more": _MATRICES.but(number=_COUNT + 1),
    },
    siblings={"smaller ones": _MATRICES.but(sizes=((2, 1, 2), (2, 2, 1)))},
    expected=Verdict.PROVED,
    source=MARCOTTE_SOURCE,
)
def laws_matrices(proof: Derivation, stated: Said) -> None:
    """Theory of any parametrisation, products of two matrices: balance and brackets, for small sizes."""
    for rows, inner, columns in stated.sizes:
        network, balance = matrices(rows, inner, columns)
        if not conserves(proof, network, balance) or not no_others(proof, network, balance):
            return
        text = f"with {rows} rows, inner dimension {inner} and {columns} columns there are"
        if not proof.equal(text, stated.number.subs(INNER, inner), sp.Integer(len(balance))):
            return


if __name__ == "__main__":
    sys.exit(run_alone())
