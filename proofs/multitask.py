"""Section 3.2 and the theory of several outputs: what multi-task training conserves, and why it has no mirror map."""

from __future__ import annotations

import itertools
import sys
from typing import Any

import numpy as np
import sympy as sp

from normtheory.audit import notation
from normtheory.audit.alone import run_alone
from normtheory.audit.claims import Verdict, claim
from normtheory.audit.derivation import Derivation
from normtheory.audit.notation import symbol
from normtheory.audit.statements import Said
from normtheory.audit.steps import Theorem
from normtheory.networks import DiagonalNetwork, Network, ReLUNetwork
from normtheory.proofs.orbit import W_MINUS, W_PLUS, rate
from normtheory.proofs.several_outputs import (
    PREDICTORS,
    V_MINUS,
    V_PLUS,
    Coordinate,
    Field,
    bracket,
    coordinate,
    gradient_flow,
    laws,
)

Expression = Any

SOURCE = "theory of several outputs"
ROUND_OFF = 1e-12
PRIMES = (2, 3, 5, 7, 11, 13, 17, 19)  # a point as good as any: ranks there bound generic ranks from below

PLUS, MINUS, CROSSED = laws(2)
CONSERVED = Said(outputs=sp.Integer(2), laws=laws(2), count=sp.Integer(3))


@claim(
    id="conserved-multi-output",
    where="theory of several outputs",
    statement="with <outputs> outputs gradient flow of any loss keeps <laws> constant in every coordinate; these are "
    "<count> independent ones, and every other constant is a function of them",
    printed=CONSERVED,
    twins={
        "one output alone": CONSERVED.but(laws=(W_PLUS**2 - V_PLUS[0] ** 2, MINUS, CROSSED)),
        "sums for differences": CONSERVED.but(laws=(W_PLUS**2 + V_PLUS[0] ** 2 + V_PLUS[1] ** 2, MINUS, CROSSED)),
        "the third one with the other sign": CONSERVED.but(laws=(PLUS, MINUS, 2 * W_PLUS * W_MINUS - CROSSED)),
        "the pathways' own alone": CONSERVED.but(laws=(PLUS, MINUS), count=sp.Integer(2)),
        "the pathways' own alone, miscounted": CONSERVED.but(laws=(PLUS, MINUS)),
        "the sum of the pathways' own for a third one": CONSERVED.but(laws=(PLUS, MINUS, PLUS + MINUS)),
        "a fourth one": CONSERVED.but(
            laws=(PLUS, MINUS, CROSSED, V_PLUS[0] * V_MINUS[1] - V_PLUS[1] * V_MINUS[0]), count=sp.Integer(4)
        ),
        "those of two outputs for three": CONSERVED.but(outputs=sp.Integer(3)),
    },
    siblings={
        "of one output": Said(outputs=sp.Integer(1), laws=laws(1), count=sp.Integer(3)),
        "of three outputs": Said(outputs=sp.Integer(3), laws=laws(3), count=sp.Integer(3)),
        "mixed with one another": CONSERVED.but(laws=(PLUS + MINUS, 3 * (PLUS - MINUS), CROSSED - PLUS)),
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def conserved_multi_output(proof: Derivation, stated: Said) -> None:
    """Theory of several outputs: their rates vanish whatever G is, and the flows' Lie algebra leaves room for no more."""
    outputs = int(stated.outputs)
    one = coordinate(outputs)
    gradient_flow(proof, outputs)
    foreign = set().union(*(quantity.free_symbols for quantity in stated.laws)) - set(one.weights)
    proof.equal("letters in them that are no weights of the coordinate", sp.Integer(len(foreign)), 0)
    for quantity in stated.laws:
        proof.equal("along the flow this has the rate", rate(quantity, one.velocities), 0)
    point = dict(zip(one.weights, PRIMES, strict=False))
    gradients = sp.Matrix([[sp.diff(quantity, weight) for weight in one.weights] for quantity in stated.laws])
    proof.equal(
        f"at {_at(point)} so many of their gradients are independent", sp.Integer(gradients.subs(point).rank()), stated.count
    )
    left = sp.Integer(len(one.weights) - _reachable(one).subs(point).rank())
    proof.equal("there the fields and their brackets leave so many directions", left, stated.count)
    proof.argue("the gradient of any constant lies in the directions that are left", Theorem.BRACKET)
    proof.argue("which are no more at almost every other point, as the minors of a matrix are polynomials", Theorem.POLYNOMIAL)
    deviation = _largest_rate(DiagonalNetwork(outputs), seed=1)
    proof.witness("the rates of what the package's network calls conserved, relative", deviation, ROUND_OFF)


def _at(point: Field) -> str:
    return ", ".join(f"{notation.text(weight)} of {value}" for weight, value in point.items())


def _reachable(one: Coordinate) -> Expression:
    """The fields of all outputs and their brackets, as columns."""
    fields = [one.pushed(o) for o in range(len(one.predictors))]
    pairs = itertools.combinations(fields, 2)
    return sp.Matrix.hstack(*fields, *(bracket(first, second, one.weights) for first, second in pairs))


def _largest_rate(network: Network[Any], seed: int) -> float:
    """Rates of what a network of the package calls conserved, by its own hand-written gradient, on random weights."""
    from normtheory.tasks import Task

    draw = np.random.default_rng(np.random.SeedSequence((seed, network.outputs)))
    shape = (2 + 2 * network.outputs, 6) if isinstance(network, DiagonalNetwork) else (6, 5 + network.outputs)
    inputs = shape[1] if isinstance(network, DiagonalNetwork) else 5
    tasks = [Task(draw.standard_normal((4, inputs)), draw.standard_normal(4)) for _ in range(network.outputs)]
    state = draw.standard_normal(shape)
    velocity = network.least_squares(tasks, [1.0] * network.outputs).slope(state)
    # All are quadratic forms q, for which q(s + v) - q(s - v) is 4 times the bilinear form, twice the rate along v.
    ahead, behind = (network.conserved(network.unstacked(state + sign * velocity)) for sign in (1, -1))
    scale = float(np.abs(state).max() * np.abs(velocity).max()) * shape[0] + float(np.abs(velocity).max()) ** 2
    return float(max(np.abs(ahead[name] - behind[name]).max() for name in ahead) / scale)


FIRST, SECOND = symbol("p", positive=True), symbol("q", positive=True)  # integrals of minus G_1 and minus G_2
_TWO = coordinate(2)
_PUSHES = Said(
    weights=_TWO.weights,
    bracket=(sp.Integer(0), sp.Integer(0), -V_PLUS[1], V_PLUS[0], -V_MINUS[1], V_MINUS[0]),
    moved=(-PREDICTORS[1], PREDICTORS[0]),
    first=FIRST,
    second=SECOND,
    apart=(W_PLUS**2 + W_MINUS**2) * sp.sinh(SECOND) * sp.cosh(SECOND) * sp.cosh(FIRST) * (sp.cosh(FIRST) - 1),
)


@claim(
    id="mtl-no-mirror",
    where="theory of several outputs, against section 3.2",
    statement="two outputs push the weights <weights> of a coordinate along fields whose Lie bracket is <bracket>; along it "
    "the predictors move at the rates <moved> and are at rest only where both are zero. Pushed from second layers of zero by "
    "<first> along the one field and by <second> along the other, the second predictor ends, in the two orders, <apart> "
    "apart, which is not zero: gradient flow with two outputs is no mirror flow",
    reads=("mirror flow: the predictors are a function of the integrals of the slopes alone, in whatever order they come",),
    printed=_PUSHES,
    twins={
        "they commute": _PUSHES.but(bracket=(sp.Integer(0),) * 6, moved=(sp.Integer(0),) * 2),
        "they do not commute, yet leave the predictors": _PUSHES.but(moved=(sp.Integer(0),) * 2),
        "the bracket with the other sign": _PUSHES.but(bracket=tuple(-part for part in _PUSHES.bracket)),
        "twice the bracket": _PUSHES.but(bracket=tuple(2 * part for part in _PUSHES.bracket)),
        "a bracket of one pathway": _PUSHES.but(bracket=(*_PUSHES.bracket[:4], sp.Integer(0), sp.Integer(0))),
        "a bracket that moves the first layer": _PUSHES.but(bracket=(W_PLUS, *_PUSHES.bracket[1:])),
        "the predictors' rates exchanged": _PUSHES.but(moved=_PUSHES.moved[::-1]),
        "ends of one pathway": _PUSHES.but(apart=_PUSHES.apart.subs(W_MINUS, 0)),
        "ends that meet": _PUSHES.but(apart=sp.Integer(0)),
    },
    siblings={"in other units": _PUSHES.but(first=2 * FIRST, apart=_PUSHES.apart.subs(FIRST, 2 * FIRST))},
    expected=Verdict.PROVED,
    source=SOURCE + "; Li, Wang, Lee & Arora 2022 for the criterion",
)
def no_mirror(proof: Derivation, stated: Said) -> None:
    """Theory of several outputs: the fields along which G_1 and G_2 push do not commute, so their order in time matters."""
    gradient_flow(proof, 2)
    found = bracket(_TWO.pushed(0), _TWO.pushed(1), _TWO.weights)
    by_weight = dict(zip(_TWO.weights, found, strict=True))
    for weight, said in zip(stated.weights, stated.bracket, strict=True):
        proof.equal(f"the bracket, in the direction {notation.text(weight)}", by_weight[weight], said)
    letters = dict(zip(PREDICTORS, _TWO.predictors, strict=False))
    for letter, moved, said in zip(PREDICTORS, _TWO.moved(found), stated.moved, strict=False):
        proof.equal(f"along it {notation.text(letter)} moves at", moved, said.subs(letters, simultaneous=True))
    size = sum(rate**2 for rate in _TWO.moved(found))
    proof.equal("both rates vanish only where both predictors do", size, sum(beta**2 for beta in _TWO.predictors))
    start = {W_PLUS: W_PLUS, W_MINUS: W_MINUS, **dict.fromkeys((*V_PLUS[:2], *V_MINUS[:2]), sp.Integer(0))}
    _flow_of_a_push(proof)
    one = _pushed(_pushed(start, 0, stated.first), 1, stated.second)
    other = _pushed(_pushed(start, 1, stated.second), 0, stated.first)
    ends = [_TWO.predictors[1].subs(state, simultaneous=True) for state in (one, other)]
    text = "pushed in one order and in the other, the second predictors are apart by"
    proof.equal(text, ends[0] - ends[1], stated.apart, by=_exponentials)
    form = 2 * sp.sinh(stated.second) * sp.cosh(stated.second) * sp.cosh(stated.first) * sp.sinh(stated.first / 2) ** 2
    size = symbol("W", positive=True)  # w_+^2 + w_-^2
    apart = sp.simplify(stated.apart / (W_PLUS**2 + W_MINUS**2)) * size
    proof.positive("which is positive, with W for the squared first layers' sum", apart, form * size, by=_exponentials)


def _exponentials(expression: Expression) -> Expression:
    return sp.expand(sp.expand(expression).rewrite(sp.exp))


def _flow_of_a_push(proof: Derivation) -> None:
    """The hyperbolic rotations of `_pushed` solve the flow of a single output's field."""
    state = {weight: weight for weight in _TWO.weights}
    turned = _pushed(state, 0, FIRST)
    along = dict(zip(_TWO.weights, _TWO.pushed(0), strict=True))
    for weight in (W_PLUS, V_PLUS[0], W_MINUS, V_MINUS[0]):
        text = f"pushed along the first output's field, {notation.text(weight)} turns hyperbolically"
        proof.equal(text, sp.diff(turned[weight], FIRST), along[weight].subs(turned, simultaneous=True))


def _pushed(state: Field, output: int, amount: Expression) -> Field:
    """Exact flow of an output's field: a hyperbolic rotation of w_+ and v_+o, and the reverse one of w_- and v_-o."""
    grown, mixed = sp.cosh(amount), sp.sinh(amount)
    found = dict(state)
    for w, v, sign in ((W_PLUS, V_PLUS[output], 1), (W_MINUS, V_MINUS[output], -1)):
        found[w] = state[w] * grown + sign * state[v] * mixed
        found[v] = state[v] * grown + sign * state[w] * mixed
    return found


# One unit of a ReLU network: any numbers of inputs, samples and outputs, of which one term of a sum is written out.
HIDDEN, READOUT = symbol("w", "w_{hj}", "w_hj", real=True), symbol("v", "v_{oh}", "v_oh", real=True)
HIDDEN_NORM = symbol("n_w", r"\|w_h\|", "‖w_h‖", positive=True)
READOUT_NORM = symbol("n_v", r"\|v_h\|", "‖v_h‖", positive=True)
ONE_READOUT = symbol("v_1", "v_{1h}", "v₁h", positive=True)
POWER = symbol("P", real=True)  # what the unit adds to sum of slope times output; P_1 of the first output
POWER_OF_ONE = symbol("P_1", "P_1", "P₁", real=True)


@claim(
    id="conserved-relu",
    where="theory of ReLU networks",
    statement="in a ReLU network without biases gradient flow of any loss keeps <quantity> of every hidden unit constant",
    granted=("between two crossings of kinks the flow is that of a smooth loss, and weights are continuous at a crossing",),
    printed=Said(quantity=HIDDEN_NORM**2 - READOUT_NORM**2),
    twins={
        "the sum": Said(quantity=HIDDEN_NORM**2 + READOUT_NORM**2),
        "the readout of one output alone": Said(quantity=HIDDEN_NORM**2 - ONE_READOUT**2),
        "the readout counted doubly": Said(quantity=HIDDEN_NORM**2 - 2 * READOUT_NORM**2),
        "the readout's norm": Said(quantity=HIDDEN_NORM**2 - READOUT_NORM),
        "the difference of the norms": Said(quantity=HIDDEN_NORM - READOUT_NORM),
        "the product": Said(quantity=HIDDEN_NORM * READOUT_NORM),
    },
    siblings={
        "three times it": Said(quantity=3 * (HIDDEN_NORM**2 - READOUT_NORM**2)),
        "its square": Said(quantity=(HIDDEN_NORM**2 - READOUT_NORM**2) ** 2),
    },
    expected=Verdict.PROVED,
    source=SOURCE + "; Du, Hu & Lee 2018",
)
def conserved_relu(proof: Derivation, stated: Said) -> None:
    """Theory of ReLU networks: Euler's relation for a unit that is homogeneous in either layer."""
    slope, active, entry = sp.symbols("r c x", real=True)  # dL/df_o(x_i); 1 where the unit is active, else 0; x_ij
    term = slope * READOUT * active * HIDDEN * entry
    for name, weight in (("hidden weight", HIDDEN), ("readout", READOUT)):
        velocity = {weight: -sp.diff(term, weight)}
        proof.equal(
            f"one input and one sample: slope times output is homogeneous of first degree in the {name}, half of whose square "
            "therefore moves by as much, downwards",
            rate(weight**2 / 2, velocity),
            -term,
        )
    proof.argue(
        "summed over inputs, samples and outputs, half the square of either layer's norm loses the same P, and half that of "
        "one output's readout only the share of its own output",
        Theorem.LINEARITY,
    )
    velocities = {
        HIDDEN_NORM: -POWER / HIDDEN_NORM,
        READOUT_NORM: -POWER / READOUT_NORM,
        ONE_READOUT: -POWER_OF_ONE / ONE_READOUT,
    }
    for name, norm in (("hidden weights", HIDDEN_NORM), ("readouts", READOUT_NORM)):
        proof.equal(f"half the square of the norm of the {name} moves at", rate(norm**2 / 2, velocities), -POWER)
    proof.equal("so the quantity has the rate", rate(stated.quantity, velocities), 0)
    deviation = _largest_rate(ReLUNetwork(2), seed=2)
    proof.witness("the rates of what the package's network calls conserved, relative", deviation, ROUND_OFF)


if __name__ == "__main__":
    sys.exit(run_alone())
