"""Theory of any parametrisation: what the literature knows of its networks, found by the general tool."""

from __future__ import annotations

import sys
from typing import Any, NamedTuple

import sympy as sp

from normtheory.audit import notation
from normtheory.audit.alone import run_alone
from normtheory.audit.claims import Verdict, claim
from normtheory.audit.derivation import Derivation
from normtheory.audit.notation import symbol
from normtheory.audit.statements import Said
from normtheory.parametrisations import Parametrisation
from normtheory.parametrisations.closed import closed
from normtheory.parametrisations.lie import derivative
from normtheory.parametrisations.mirror import decide
from normtheory.proofs.brackets import commuting, no_mirror
from normtheory.proofs.letters import ALPHA, B

Expression = Any

P_0, Q_0 = symbol("p", positive=True), symbol("q", positive=True)  # weights at the start
R_0, S_0 = symbol("r", positive=True), symbol("s", positive=True)
DEPTH = symbol("L", positive=True, integer=True)
EXCESS = sp.Symbol("excess", positive=True, integer=True)  # of a depth over two
WAY = symbol("z", real=True)  # from the start, as a share of the way to the end of the orbit
RATIO = sp.Symbol("ratio", positive=True)  # (1 + z)/(1 - z)
U, V, W, Z = sp.symbols("u v w z", real=True)  # weights, as a parametrisation has them


def _arcsinh(scale: Expression, rate: int, first: Expression | int = 0) -> Expression:
    return (sp.asinh(B / scale) - sp.asinh(first / scale)) / rate


def _factored(expression: Expression) -> Expression:
    """With the arguments of square roots as quotients of products, of which squares come out."""

    def rooted(power: Expression) -> Expression:
        above, below = sp.fraction(sp.factor(sp.together(power.base)))
        return _root(above) ** (2 * power.exp) / _root(below) ** (2 * power.exp)

    found = expression.replace(lambda each: each.is_Pow and each.exp.is_Rational and each.exp.q == 2, rooted)
    return sp.simplify(
        sp.factor(found.replace(sp.Abs, lambda inside: sp.prod(map(sp.Abs, sp.Mul.make_args(sp.factor(inside))))))
    )


def _root(product: Expression) -> Expression:
    return sp.prod([sp.sqrt(each) for each in sp.Mul.make_args(product)])


def special_case(proof: Derivation, stated: Said) -> None:
    """The slope that is stated vanishes at the start, grows by one per unit of the orbit, and is what the tool finds."""
    start = dict(zip(stated.weights, stated.start, strict=True))
    network = Parametrisation(stated.output, {str(weight): value for weight, value in start.items()})
    field, bend = network.gradients[0], sp.diff(stated.slope, B)
    first = stated.output.subs(start, simultaneous=True)
    if not proof.equal("at the start the stated slope is", stated.slope.subs(B, first), 0):
        return
    square = sp.factor(sp.simplify(1 / bend**2))  # of the speed at which the predictor must move, by the slope
    on_the_way = square.subs(stated.laws or {value: weight for weight, value in start.items()}, simultaneous=True)
    text = "the inverse square of its derivative, by the weights on the way, changes along the gradient at"
    if not proof.equal(text, derivative(on_the_way, field, network.weights), 0):
        return
    proof.equal("and by those at the start it is", square, on_the_way.subs(start, simultaneous=True))
    speed = sum(each**2 for each in field)
    if not proof.equal("on the orbit its inverse square is that of the speed", on_the_way.subs(B, stated.output), speed**2):
        return
    found = closed(network).penalty
    proof.equal("the penalty that the tool finds is bent by", sp.diff(found, B, 2), bend, by=_factored)
    proof.equal("and has at the start the slope", sp.diff(found, B).subs(B, first), 0, by=_factored)


STATEMENT = (
    "in a network each of whose coordinates predicts <output> by weights of its own, <weights>, that start at <start>, "
    "gradient flow minimises the divergence from the start under the potential whose slope at $\\beta$ is <slope>"
)
WHERE = "theory of any parametrisation"

_DIFFERENCE = Said(
    output=U**2 - V**2, weights=(U, V), start=(ALPHA, ALPHA), slope=_arcsinh(2 * ALPHA**2, 4), laws={ALPHA: sp.sqrt(U * V)}
)


@claim(
    id="known-woodworth",
    where=f"{WHERE} (a difference of squares)",
    statement=STATEMENT,
    granted=("the flow reaches zero training error before its orbit ends",),
    printed=_DIFFERENCE,
    twins={
        "half the scale": _DIFFERENCE.but(slope=_arcsinh(ALPHA**2, 4)),
        "the rate of two layers": _DIFFERENCE.but(slope=_arcsinh(2 * ALPHA**2, 2)),
        "the scale of the weights themselves": _DIFFERENCE.but(slope=_arcsinh(2 * ALPHA, 4)),
        "a sum of squares": _DIFFERENCE.but(output=U**2 + V**2),
    },
    siblings={
        "as a logarithm": _DIFFERENCE.but(slope=_arcsinh(2 * ALPHA**2, 4).rewrite(sp.log)),
        "of other letters": _DIFFERENCE.but(start=(P_0, P_0), slope=_arcsinh(2 * P_0**2, 4), laws={P_0: sp.sqrt(U * V)}),
    },
    expected=Verdict.PROVED,
    source="Woodworth et al. 2020 (hyperbolic entropy of a difference of squares)",
)
def known_woodworth(proof: Derivation, stated: Said) -> None:
    """Theory of any parametrisation, a difference of squares: the potential of Woodworth et al. at depth two."""
    special_case(proof, stated)


_PRODUCT = Said(
    output=W * V,
    weights=(W, V),
    start=(P_0, Q_0),
    slope=_arcsinh(sp.Abs(P_0**2 - Q_0**2) / 2, 2, P_0 * Q_0),
    laws={},
)


@claim(
    id="known-azulay",
    where=f"{WHERE} (two unbalanced layers)",
    statement=STATEMENT,
    granted=("the flow reaches zero training error before its orbit ends", "the layers differ at the start"),
    printed=_PRODUCT,
    twins={
        "a sum in place of the imbalance": _PRODUCT.but(slope=_arcsinh((P_0**2 + Q_0**2) / 2, 2, P_0 * Q_0)),
        "the whole imbalance": _PRODUCT.but(slope=_arcsinh(sp.Abs(P_0**2 - Q_0**2), 2, P_0 * Q_0)),
        "as if it started at zero": _PRODUCT.but(slope=_arcsinh(sp.Abs(P_0**2 - Q_0**2) / 2, 2)),
        "the square of what the weights differ by": _PRODUCT.but(slope=_arcsinh((P_0 - Q_0) ** 2 / 2, 2, P_0 * Q_0)),
    },
    siblings={"the layers exchanged": _PRODUCT.but(start=(Q_0, P_0))},
    expected=Verdict.PROVED,
    source="Azulay et al. 2021 (the scale is the imbalance of the layers)",
)
def known_azulay(proof: Derivation, stated: Said) -> None:
    """Theory of any parametrisation, two unbalanced layers: the scale is half of what the layers' squares differ by."""
    special_case(proof, stated)


_BEGUN = (P_0, Q_0, R_0, S_0)
_FIRST = P_0 * Q_0 - R_0 * S_0


def _scale(total: Expression) -> Expression:
    return sp.sqrt((total / 2) ** 2 - _FIRST**2)


_SQUARES = sum(each**2 for each in _BEGUN)
_PATHWAYS = Said(output=W * V - U * Z, weights=(W, V, U, Z), start=_BEGUN, slope=_arcsinh(_scale(_SQUARES), 2, _FIRST), laws={})


@claim(
    id="known-any-start",
    where=f"{WHERE} (the diagonal network from any start)",
    statement=STATEMENT,
    granted=("the flow reaches zero training error before its orbit ends",),
    printed=_PATHWAYS,
    twins={
        "without the start's own predictor": _PATHWAYS.but(slope=_arcsinh(_SQUARES / 2, 2, _FIRST)),
        "as if it started at zero": _PATHWAYS.but(slope=_arcsinh(_scale(_SQUARES), 2)),
        "twice the squares": _PATHWAYS.but(slope=_arcsinh(_scale(2 * _SQUARES), 2, _FIRST)),
        "one layer alone": _PATHWAYS.but(slope=_arcsinh(_scale(2 * P_0**2 + 2 * R_0**2), 2, _FIRST)),
    },
    siblings={
        "the layers exchanged": _PATHWAYS.but(weights=(V, W, Z, U)),
        "one pathway, unbalanced": _PRODUCT,
    },
    expected=Verdict.PROVED,
    source="theory of one output, as exact-any-init proves it on the network itself",
)
def known_any_start(proof: Derivation, stated: Said) -> None:
    """Theory of any parametrisation, the diagonal network from any start: exact scale and start of one output."""
    special_case(proof, stated)


_ENTROPY = Said(output=U**2, weights=(U,), start=(ALPHA,), slope=sp.log(B / ALPHA**2) / 4, laws={})
_BURG = Said(output=sp.exp(W), weights=(W,), start=(P_0,), slope=sp.exp(-P_0) - 1 / B, laws={})


@claim(
    id="known-entropy",
    where=f"{WHERE} (one weight a coordinate)",
    statement=STATEMENT,
    granted=("the flow reaches zero training error before its orbit ends",),
    printed=_ENTROPY,
    twins={
        "half the rate": _ENTROPY.but(slope=sp.log(B / ALPHA**2) / 2),
        "the start's weight for its predictor": _ENTROPY.but(slope=sp.log(B / ALPHA) / 4),
        "the least squares of lazy networks": _ENTROPY.but(slope=B - ALPHA**2),
    },
    siblings={
        "an exponential, and the Burg entropy": _BURG,
        "a line, and least squares": _ENTROPY.but(output=W, weights=(W,), start=(P_0,), slope=B - P_0),
    },
    expected=Verdict.PROVED,
    source="Amid & Warmuth 2020 (reparametrised mirror descent)",
)
def known_entropy(proof: Derivation, stated: Said) -> None:
    """Theory of any parametrisation, one weight a coordinate: entropies."""
    special_case(proof, stated)


def _power(depth: Expression, way: Expression) -> Expression:
    """What a pathway has become, over what it was."""
    return (1 - way) ** (-depth / (depth - 2))


_DEEP_RATE = DEPTH * (DEPTH - 2) * ALPHA ** (DEPTH - 2)
_DEEP = Said(
    output=U**DEPTH - V**DEPTH,
    start=ALPHA,
    map=ALPHA**DEPTH * (_power(DEPTH, WAY) - _power(DEPTH, -WAY)),
    rate=_DEEP_RATE,
    layers=(3, 4, 5),
)


@claim(
    id="known-depth",
    where=f"{WHERE} (depth)",
    statement="in a network each of whose coordinates predicts <output>, by weights of its own that start at <start>, the "
    "predictor is <map>, where $z$ is the integral of minus the slope of its loss times <rate>; found by the tool for <layers> "
    "layers",
    reads=("there are more layers than the diagonal network has, and the orbit has not reached its end",),
    printed=_DEEP,
    twins={
        "the exponent of one layer less": _DEEP.but(map=_DEEP.map.subs(DEPTH, DEPTH + 1)),
        "a rate without its depth": _DEEP.but(rate=(DEPTH - 2) * ALPHA ** (DEPTH - 2)),
        "a rate of another power": _DEEP.but(rate=DEPTH * (DEPTH - 2) * ALPHA ** (DEPTH - 1)),
        "one pathway": _DEEP.but(map=ALPHA**DEPTH * (_power(DEPTH, WAY) - 1)),
        "the pathways exchanged": _DEEP.but(map=-_DEEP.map),
    },
    siblings={"fewer depths": _DEEP.but(layers=(3,)), "other depths": _DEEP.but(layers=(6, 7))},
    expected=Verdict.PROVED,
    source="Woodworth et al. 2020 (diagonal networks of any depth)",
)
def known_depth(proof: Derivation, stated: Said) -> None:
    """Theory of any parametrisation, depth: each pathway's power is linear in the integral; the mirror map of any depth."""
    deeper = {DEPTH: EXCESS + 2}
    for weight, sign in ((U, 1), (V, -1)):
        inside = sp.Symbol(weight.name, positive=True)
        along = sp.diff(stated.output, weight).subs({U: inside, V: inside})
        rate = sp.simplify(sp.diff((inside / stated.start) ** (2 - DEPTH), inside) * along)
        if not proof.equal(f"along the gradient {weight} to a power, over what it was, changes at", rate, -sign * stated.rate):
            return
    paths = [stated.start * (1 + sp.Integer(sign) * WAY) ** (1 / (2 - DEPTH)) for sign in (-1, 1)]
    along_orbit = stated.output.subs({U: paths[0], V: paths[1]})
    text = "which is linear in the integral: with the weights as that makes them the predictor is"
    if not proof.equal(text, along_orbit.subs(deeper), stated.map.subs(deeper), by=_inside):
        return
    for depth in stated.layers:
        network = Parametrisation(stated.output.subs(DEPTH, depth), {"u": stated.start, "v": stated.start})
        found, at = closed(network), {DEPTH: depth}
        tool = sp.sympify(found.map).subs(sp.Symbol("x", real=True), WAY / stated.rate.subs(at))
        proof.equal("the tool finds the same, at a depth of its own", tool, stated.map.subs(at), by=_inside)


def _inside(expression: Expression) -> Expression:
    """On the orbit, in a ratio of positive numbers."""
    placed = expression.subs(WAY, (RATIO - 1) / (RATIO + 1))
    return sp.powsimp(sp.powdenest(sp.simplify(sp.expand_power_base(sp.factor(placed), force=True)), force=True), force=True)


A_1, A_2, A_3 = sp.symbols("a_1 a_2 a_3", real=True)
_COMMUTE = Said(outputs=((U**2 + V**2) / 2, U * V), potential=(U**2 + V**2) / 4, begun={"u": sp.Integer(2), "v": sp.Integer(1)})
_THREE = (A_1, A_2, A_3)


@claim(
    id="known-commuting",
    where=f"{WHERE} (the commuting quadratic family)",
    statement="the gradients of the quadratic outputs <outputs> commute; in the integrals of minus their losses' slopes the "
    "predictors are the gradient of <potential>, a dual potential that the weights carry along",
    printed=_COMMUTE,
    twins={
        "half of it": _COMMUTE.but(potential=_COMMUTE.potential / 2),
        "a difference": _COMMUTE.but(potential=(U**2 - V**2) / 4),
        "of another power": _COMMUTE.but(potential=(U**4 + V**4) / 4),
        "outputs that do not commute": _COMMUTE.but(outputs=((U**2 - V**2) / 2, U * V)),
    },
    siblings={
        "with a constant": _COMMUTE.but(potential=_COMMUTE.potential + 1),
        "weights of their own": _COMMUTE.but(outputs=(U**2, V**2)),
        "matrices that permute three weights": Said(
            outputs=(sum(a**2 for a in _THREE) / 2, A_1 * A_2 + A_2 * A_3 + A_3 * A_1),
            potential=sum(a**2 for a in _THREE) / 4,
            begun={"a_1": sp.Integer(2), "a_2": sp.Integer(1), "a_3": sp.Rational(1, 2)},
        ),
    },
    expected=Verdict.PROVED,
    source="Gunasekar et al. 2017 and Li, Wang, Lee & Arora 2022, arXiv 2207.04036 (commuting quadratic parametrisations)",
)
def known_commuting(proof: Derivation, stated: Said) -> None:
    """Theory of any parametrisation, the commuting quadratic family: the tool's answer, its steps, and the dual potential."""
    network = Parametrisation(list(stated.outputs), stated.begun)
    answer = decide(network)
    if answer.mirror is not True:
        proof.equal("the tool's answer is no mirror flow, of this number of outputs", len(stated.outputs), 0)
        return
    commuting(proof, network)
    for name, output, field in zip(network.names, network.outputs, network.gradients, strict=True):
        grows = derivative(stated.potential, field, network.weights)
        proof.equal(f"along the gradient of {name} the potential grows by that predictor", grows, output)


class Turn(NamedTuple):
    """Outputs, and what one of them moves by round a small square."""

    outputs: tuple[Expression, ...]
    moving: Expression
    defect: Expression
    begun: dict[str, Expression]


def _turn(outputs: str, defect: str, start: str, moving: int = 0) -> Turn:
    found = Parametrisation(outputs, start)
    (formula,) = Parametrisation(defect).outputs
    return Turn(found.outputs, found.outputs[moving], formula, {str(w): value for w, value in found.start.items()})


class Turns(NamedTuple):
    """Several of them, as a statement lists them."""

    listed: tuple[Turn, ...]

    def in_text(self) -> str:
        """Outputs, and how far which of them moves."""
        return "; ".join(
            f"{notation.text(each.outputs)}, of which {notation.text(each.moving)} moves by {notation.text(each.defect)}"
            for each in self.listed
        )

    def in_latex(self) -> str:
        """The same."""
        return "; ".join(
            f"${notation.latex(outputs)}$, of which ${notation.latex(moving)}$ moves by ${notation.latex(defect)}$"
            for outputs, moving, defect, _ in self.listed
        )


READOUTS = _turn("w*v_1;w*v_2", "-w*v_2", "w=1,v_1=1/2,v_2=1/3")
GROUPED = _turn("u^2*v_1;u^2*v_2", "-4*u^4*v_2", "u=1,v_1=1/2,v_2=1/5")
NEITHER = _turn("u^2*v;u*v^2", "2*u^5-2*u^3*v^2-4*u*v^4", "u=1,v=1/2")
FACTORS = _turn("b_1*a_1+b_2*a_2;c_1*a_1+c_2*a_2", "-a_1*c_1-a_2*c_2", "a_1=1,a_2=1/2,b_1=1/3,b_2=1,c_1=1/2,c_2=2")
_TURNS = Said(networks=Turns((READOUTS, GROUPED, FACTORS)))


def _one(turn: Turn) -> Said:
    return Said(networks=Turns((turn,)))


@claim(
    id="known-no-mirror",
    where=f"{WHERE} (known networks without a mirror map)",
    statement="gradient flow of the following outputs is no mirror flow of them: driven round a small rectangle in the "
    "integrals of the slopes of their losses they do not return; per unit of its area, to leading order: <networks>",
    printed=_TURNS,
    twins={
        "the other way round": _one(READOUTS._replace(defect=-READOUTS.defect)),
        "doubled": _one(GROUPED._replace(defect=2 * GROUPED.defect)),
        "the other factor": _one(FACTORS._replace(defect=sum(FACTORS.outputs) - 2 * FACTORS.outputs[0])),
        "outputs that commute": _one(
            READOUTS._replace(outputs=_COMMUTE.outputs, moving=_COMMUTE.outputs[1], defect=sp.Integer(0), begun=_COMMUTE.begun)
        ),
    },
    siblings={"one of them": _one(GROUPED), "two of the weights' powers exchanged": _one(NEITHER)},
    expected=Verdict.PROVED,
    source="Lippl & Lindsey 2024; Li, Nguyen, Hegde & Wong 2023 (grouped); Gunasekar et al. 2017 (factors of a matrix)",
)
def known_no_mirror(proof: Derivation, stated: Said) -> None:
    """Theory of any parametrisation, known networks without a mirror map: the tool's answer, and its witness, step by step."""
    for turn in stated.networks.listed:
        network = Parametrisation(list(turn.outputs), turn.begun)
        moving = turn.outputs.index(turn.moving)
        answer = decide(network)
        if answer.mirror is not False:
            proof.equal("the tool finds a mirror flow, of this number of outputs", len(turn.outputs), 0)
            return
        if not no_mirror(proof, network, (0, 1), moving, turn.defect):
            return
        proof.positive("at a rational start its square is", turn.defect.subs(dict(network.start)) ** 2)


if __name__ == "__main__":
    sys.exit(run_alone())
