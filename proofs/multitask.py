"""Section 3.2 and the theory of several outputs: what multi-task training conserves, and which norm it minimises or not."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp

from normtheory.audit.alone import run_alone
from normtheory.audit.claims import Verdict, claim
from normtheory.audit.derivation import Derivation
from normtheory.networks import DiagonalNetwork, Network, ReLUNetwork
from normtheory.proofs import multitask_runs as runs
from normtheory.proofs import setting
from normtheory.proofs.appendix_a_endpoint import row_space_is_enough
from normtheory.proofs.orbit import rate
from normtheory.proofs.setting import number, percent

Expression = Any
Field = dict[Expression, Expression]

SOURCE = "theory of several outputs"
ROUND_OFF = 1e-12

# One coordinate with two outputs: first layer w, second layer v_o, and G_o = dL/dbeta_o whatever it does in time.
W, W_M = sp.symbols("w_+ w_-", real=True)
V_1, V_2, V_M1, V_M2 = sp.symbols("v_+1 v_+2 v_-1 v_-2", real=True)
G_1, G_2 = sp.symbols("G_1 G_2", real=True)
PLUS: Field = {W: -(G_1 * V_1 + G_2 * V_2), V_1: -G_1 * W, V_2: -G_2 * W}
BOTH: Field = PLUS | {W_M: G_1 * V_M1 + G_2 * V_M2, V_M1: G_1 * W_M, V_M2: G_2 * W_M}
BETA_1, BETA_2 = W * V_1 - W_M * V_M1, W * V_2 - W_M * V_M2

PATHWAYS = (W**2 - V_1**2 - V_2**2, W_M**2 - V_M1**2 - V_M2**2)
CROSSED = W * W_M + V_1 * V_M1 + V_2 * V_M2


@claim(
    id="conserved-multi-output",
    where="theory of several outputs",
    statement=r"w_+^2-\sum_o v_{+,o}^2,\ w_-^2-\sum_o v_{-,o}^2\ \text{and}\ w_+w_-+\sum_o v_{+,o}v_{-,o}\ "
    r"\text{are constant along the flow of any loss; no other function of the weights is independent of them (two outputs)}",
    assumptions=("any loss of the predictors, through dL/dbeta_o = G_o(t)", "spelled out for one coordinate and two outputs"),
    printed=((*PATHWAYS, CROSSED), 3),
    twins={
        "w^2 - v_1^2, one output alone": ((W**2 - V_1**2, PATHWAYS[1], CROSSED), 3),
        "w^2 + sum v^2": ((W**2 + V_1**2 + V_2**2, PATHWAYS[1], CROSSED), 3),
        "w_+ w_- - sum v_+ v_-": ((*PATHWAYS, W * W_M - V_1 * V_M1 - V_2 * V_M2), 3),
        "only the two pathways' own": (PATHWAYS, 2),
        "one pathway's own, counted as three": (PATHWAYS[:1], 3),
        "the sum of the two pathways' own as the third": ((*PATHWAYS, PATHWAYS[0] + PATHWAYS[1]), 3),
        "a fourth": ((*PATHWAYS, CROSSED, V_1 * V_M2 - V_2 * V_M1), 4),
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def conserved_multi_output(proof: Derivation, stated: tuple[tuple[Expression, ...], int]) -> None:
    """Theory of several outputs: their rates vanish whatever G is, and the flows' Lie algebra leaves room for no more."""
    quantities, count = stated
    chain_rule(proof)
    for quantity in quantities:
        proof.equal(f"along the flow {quantity} has the rate", rate(quantity, BOTH), 0)
    weights = list(BOTH)
    first, second = (sp.Matrix([BOTH[weight].subs({G_1: a, G_2: b}) for weight in weights]) for a, b in ((1, 0), (0, 1)))
    reachable = sp.Matrix.hstack(first, second, bracket(first, second, weights))
    point = dict(zip(weights, (2, 3, 5, 7, 11, 13), strict=True))
    left = sp.Integer(len(weights) - reachable.subs(point).rank())
    proof.equal("the two fields and their bracket leave this many of 6 directions at a point", left, sp.Integer(count))
    gradients = sp.Matrix([[sp.diff(quantity, weight) for weight in weights] for quantity in quantities])
    rank = sp.Integer(gradients.subs(point).rank())
    proof.equal("so many of the quantities' gradients are independent at that point", rank, sp.Integer(count))
    _witnessed_conservation(proof, DiagonalNetwork(3), seed=1)


def chain_rule(proof: Derivation) -> None:
    """Eqs. 4 and 23: gradient flow of a loss of beta_1 and beta_2, spelled out for two samples of each task."""
    x, y = sp.symbols("x_1:5", real=True), sp.symbols("y_1:5", real=True)
    share = sp.symbols("c_1:3", positive=True)
    errors = [(x[i] * (BETA_1 if i < 2 else BETA_2) - y[i], x[i], share[i // 2]) for i in range(4)]
    loss = sum(c * error**2 for error, _, c in errors)
    pulls = [sum(2 * c * error * slope for error, slope, c in part) for part in (errors[:2], errors[2:])]
    for weight, velocity in BOTH.items():
        stated = velocity.subs(dict(zip((G_1, G_2), pulls, strict=True)))
        proof.equal(f"gradient flow of two weighted squared errors moves {weight}", -sp.diff(loss, weight), stated)


def bracket(first: Expression, second: Expression, variables: list[Expression]) -> Expression:
    """Lie bracket of two vector fields."""
    return second.jacobian(variables) * first - first.jacobian(variables) * second


def _witnessed_conservation(proof: Derivation, network: Network[Any], seed: int) -> None:
    """The package's network: rates of what it calls conserved, by its own hand-written gradient, on random weights."""
    proof.witness("the rates of the package's conserved quantities, relative", _largest_rate(network, seed), ROUND_OFF)


def _largest_rate(network: Network[Any], seed: int) -> float:
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


@claim(
    id="mtl-no-mirror",
    where="theory of several outputs, against section 3.2",
    statement=r"[F_1,F_2] = (0,\,-v_2,\,v_1)\ \text{up to sign}\ \ne 0,\ F_o = v_o\partial_w + w\,\partial_{v_o}:\ "
    r"\text{gradient flow with two outputs is no mirror flow of}\ (\beta_1,\beta_2)",
    assumptions=(
        "one pathway of one coordinate with two outputs",
        "mirror flow: beta(t) is a function of the integrals of G_o alone",
    ),
    printed=(sp.Integer(0), -V_2, V_1),
    twins={
        "they commute": (sp.Integer(0), sp.Integer(0), sp.Integer(0)),
        "the bracket without its sign change": (sp.Integer(0), V_2, V_1),
        "twice it": (sp.Integer(0), -2 * V_2, 2 * V_1),
        "with the first layer": (W, -V_2, V_1),
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def no_mirror(proof: Derivation, stated: tuple[Expression, ...]) -> None:
    """Theory of several outputs: the fields along which G_1 and G_2 push do not commute, so their order in time matters."""
    variables = [W, V_1, V_2]
    first, second = (sp.Matrix([-PLUS[weight].subs({G_1: a, G_2: b}) for weight in variables]) for a, b in ((1, 0), (0, 1)))
    for name, field, target in (("F_1", first, W * V_1), ("F_2", second, W * V_2)):
        for weight, component in zip(variables, field, strict=True):
            proof.equal(f"{name} is the gradient of {target}, in the direction {weight}", component, sp.diff(target, weight))
    found = bracket(first, second, variables)
    for weight, component, said in zip(variables, found, stated, strict=True):
        proof.equal(f"the bracket, in the direction {weight}", component, said)
    turned = sum(c * sp.diff(W * V_2, weight) for c, weight in zip(found, variables, strict=True))
    proof.equal("it moves beta_2 = w v_2 at the rate", turned, W * V_1)
    a, b = sp.symbols("a b", positive=True)  # integrals of -G_1 and -G_2
    one, other = (_pushed(_pushed({W: W, V_1: 0, V_2: 0}, p, x), q, z) for p, x, q, z in ((V_1, a, V_2, b), (V_2, b, V_1, a)))
    difference = sp.expand(one[W] * one[V_2] - other[W] * other[V_2])
    proof.equal(
        "pushed along F_1 by a then F_2 by b, or in the other order, from v = 0: beta_2 differs by",
        difference,
        W**2 * sp.sinh(b) * sp.cosh(b) * sp.cosh(a) * (sp.cosh(a) - 1),
        by=lambda e: sp.expand(e.rewrite(sp.exp)),
    )
    w = sp.Symbol("w", positive=True)
    form = w**2 * sp.sinh(b) * sp.cosh(b) * sp.cosh(a) * 2 * sp.sinh(a / 2) ** 2
    proof.positive(
        "which is not 0 for a, b > 0 and w > 0", difference.subs(W, w), form, by=lambda e: sp.expand(e.rewrite(sp.exp))
    )


def _pushed(state: Field, output: Expression, amount: Expression) -> Field:
    """Exact flow of F_o for a time `amount`: a hyperbolic rotation of w and v_o."""
    w, v = state[W], state[output]
    grown, mixed = sp.cosh(amount), sp.sinh(amount)
    return state | {W: w * grown + v * mixed, output: v * grown + w * mixed}


# The pinned flow: the auxiliary output is held at a > 0 (its sign is that of v_1), and b is the main predictor.
A = sp.Symbol("a", positive=True)
B = sp.Symbol("b", real=True)
TAU = sp.Symbol("tau", real=True)  # b = a sinh tau
PINNED = B * sp.asinh(B / A) / 2
L12 = sp.sqrt(A**2 + B**2)


def pinned_orbit(proof: Derivation) -> Expression:
    """The rate of b per unit of -G_2 on the orbit w v_1 = a, w^2 = v_1^2 + v_2^2, with G_1 eliminated."""
    aux, main = W * V_1, W * V_2
    proof.equal("w^2 - v_1^2 - v_2^2 is conserved; alpha -> 0 makes it 0", rate(PATHWAYS[0], PLUS), 0)
    hold = -G_2 * V_1 * V_2 / (V_1**2 + W**2)
    proof.equal("this G_1 holds w v_1 = a", rate(aux, PLUS).subs(G_1, hold), 0)
    moved = W**2 + V_2**2 - V_1**2 * V_2**2 / (V_1**2 + W**2)
    proof.equal("then w v_2 = b moves at the rate", rate(main, PLUS).subs(G_1, hold), -G_2 * moved)
    root = sp.sqrt(A**2 + B**2)
    on_orbit = {W: sp.sqrt(root), V_1: A / sp.sqrt(root), V_2: B / sp.sqrt(root)}
    proof.equal("w^2 = sqrt(a^2 + b^2) solves w^2 = v_1^2 + v_2^2", PATHWAYS[0].subs(on_orbit), 0)
    mobility = 2 * root**3 / (2 * A**2 + B**2)
    proof.equal("so b' = -G_2 2u^3/(2a^2 + b^2), u = sqrt(a^2 + b^2)", moved.subs(on_orbit), mobility)
    return mobility


@claim(
    id="mtl-pinned",
    where="theory of several outputs (in place of Corollary 2)",
    statement=r"\text{with the auxiliary predictor pinned, the flow ends at}\ \arg\min_{X\beta=y}"
    r"\tfrac12\sum_d\beta_d\,\mathrm{arcsinh}(\beta_d/|\beta^{aux}_d|)",
    assumptions=(
        "the auxiliary predictor is fitted first and stays fitted: its weight in the loss tends to infinity",
        "the auxiliary data have full rank",
        "alpha -> 0, beta_aux is not 0 in any coordinate",
        "the main task reaches zero training error",
    ),
    printed=PINNED,
    twins={
        "the l1,2 norm": L12,
        "the Q penalty with k = |beta_aux|": B * sp.asinh(B / A) - L12 + A,
        "k = 2|beta_aux|": B * sp.asinh(B / (2 * A)) / 2,
        "weights 1/3 and 2/3 in the average": L12 / 3 + 2 * (B * sp.asinh(B / A) - L12 + A) / 3,
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def pinned(proof: Derivation, potential: Expression) -> None:
    """Theory of several outputs: eliminate the multiplier that holds the auxiliary predictor, read off the mirror map."""
    mobility = pinned_orbit(proof)
    holds = proof.equal(
        "the stated potential is a mirror map: its curvature times b' is -G_2", sp.diff(potential, B, 2) * mobility, 1
    )
    proof.equal("its slope starts from 0 at b = 0", sp.diff(potential, B).subs(B, 0), 0)
    curvature = (2 * A**2 + B**2) / (2 * sp.sqrt(A**2 + B**2) ** 3)
    proof.positive("it is strictly convex", 1 / mobility, curvature)
    row_space_is_enough(proof)
    if not holds:
        return
    average = (sp.diff(L12, B) + sp.asinh(B / A)) / 2
    proof.equal(
        "its slope is the average of those of the l1,2 norm and of the Q penalty, each halved", sp.diff(potential, B), average
    )
    distances = runs.pinned_distances()
    slope = float(np.polyfit(np.log(runs.AUXILIARY_WEIGHTS), np.log(distances), 1)[0])
    proof.witness("the full flow at the largest auxiliary weight, relative distance", distances[-1], runs.PINNED_BUDGET)
    proof.witness("its distance falls like 1/weight: deviation of the fitted rate from -1", abs(slope + 1), runs.RATE_BUDGET)
    listed = ", ".join(f"{d:.1e} at {w:g}" for d, w in zip(distances, runs.AUXILIARY_WEIGHTS, strict=True))
    proof.note(
        f"Relative distance of the full flow (alpha = {runs.PINNED_ALPHA:g}) from this minimiser, by auxiliary weight: "
        f"{listed}; fitted rate {slope:.2f}. The l1,2 minimiser lies {runs.pinned_l12_distance():.2g} away."
    )


def size_of_heuristic(*_: Expression) -> str:
    """Section 3.2: flow of the paper's own tasks against the l1,2 minimiser and that of the pinned flow."""
    found = runs.paper_flow()
    samples = setting.SAMPLES + setting.SAMPLES_AUX
    return (
        f"At D = {setting.INPUTS}, n = {setting.SAMPLES} of {samples} pooled samples, alpha = {number(setting.ALPHA)}, all "
        f"features shared, one realisation, trained to a loss of {setting.LOSS:g}: the flow's l1,2 norm exceeds the least "
        f"by {percent(found.excess)}. Its main predictor lies {found.l12_distance:.2g} (relative) from the l1,2 minimiser, "
        f"whose generalisation loss is {found.l12_loss:.2g} where the flow has {found.loss:.2g}, and "
        f"{found.pinned_distance:.2g} from the minimiser for a dominating auxiliary loss, at that alpha."
    )


@claim(
    id="mtl-flow",
    where="section 3.2, before Corollary 2",
    statement=r"\text{a reasonable heuristic: minimizing}\ \|w\|_2\ \text{as an approximation of the inductive bias of "
    r"training a network from small initialization, that is}\ \arg\min \sum_d\sqrt{\beta_d^2+(\beta^{aux}_d)^2}",
    assumptions=(
        "the paper offers it as a heuristic; the audit reads it as equality in the limit alpha -> 0",
        "as alpha -> 0, whatever the weights of the two losses",
        "tried where the flow is solved: the auxiliary loss dominates",
    ),
    printed=L12,
    corrected=PINNED,
    corrected_statement=r"\text{where the auxiliary loss dominates it minimises}\ "
    r"\tfrac12\sum_d\beta_d\,\mathrm{arcsinh}(\beta_d/|\beta^{aux}_d|)\ \text{instead; in general there is no mirror map}",
    size=size_of_heuristic,
    twins={
        "the Q penalty with k = |beta_aux|": B * sp.asinh(B / A) - L12 + A,
        "the weighted l2 norm b^2/|beta_aux|": B**2 / A,
        "the l1,2 norm counted twice in the average": (2 * L12 + B * sp.asinh(B / A) - L12 + A) / 3,
    },
    expected=Verdict.CORRECTED,
    source="Lindsey & Lippl 2024, section 3.2",
)
def approximates_parameter_norm(proof: Derivation, potential: Expression) -> None:
    """Section 3.2: is the stated norm's slope, where the pinned flow ends, in the row space of X? Then flows of both tasks."""
    mobility = pinned_orbit(proof)
    ends = (sp.tanh(TAU) + TAU) / 2  # the integral of 1/mobility from 0 to b = a sinh tau
    at = {B: A * sp.sinh(TAU)}
    proof.equal("with b = a sinh(tau), the time integral of -G_2", sp.diff(ends, TAU), (A * sp.cosh(TAU) / mobility).subs(at))
    slope = sp.diff(potential, B).subs(at)
    first, second = ({A: sp.Symbol(f"a_{d}", positive=True), TAU: sp.Symbol(f"tau_{d}", real=True)} for d in (1, 2))
    holds = proof.equal(
        "one sample: the integrals are a multiple of the input x, and so must the stated slope be, as the cross product says",
        slope.subs(first) * ends.subs(second),
        slope.subs(second) * ends.subs(first),
    )
    if holds:
        distance = runs.pinned_distances()[-1]
        proof.witness("the full flow with a dominating auxiliary loss ends there", distance, runs.PINNED_BUDGET)
    if holds or potential == L12:
        table = {alpha: runs.excess(alpha) for alpha in runs.ALPHAS}
        proof.note(
            f"Pooled loss, {runs.PROBLEMS} random problems: the flow's l1,2 norm exceeds the least by "
            + "; ".join(f"{min(v):.2%} to {max(v):.1%} (median {np.median(v):.1%}) at alpha = {a:g}" for a, v in table.items())
            + "."
        )
        equal = runs.excess(runs.ALPHAS[2], equal_weights=True)
        listed = f"{min(equal):.2%} to {max(equal):.1%} (median {np.median(equal):.1%})"
        proof.note(f"With equal weights of the two mean squared errors it is {listed} at alpha = {runs.ALPHAS[2]:g}.")
        worst = max(table[runs.ALPHAS[-1]])
        shortfall = max(0.0, runs.NO_FLOW_REACHES - worst) / runs.NO_FLOW_REACHES
        proof.witness("the excess at the smallest alpha stays above 1% in the worst problem", shortfall, 0.0)


@dataclass(frozen=True)
class Approached:
    """The claim of mtl-decay: what tends to 0, which minimiser is approached, and at which rate."""

    target: runs.Target = "l12"
    by_decay: bool = True
    rate: float = 1.0


@claim(
    id="mtl-decay",
    where="section 3.2, Corollary 2",
    statement=r"\text{gradient flow with weight decay}\ \lambda\to 0\ \text{ends at}\ "
    r"\arg\min \sum_d\sqrt{\beta_d^2+(\beta^{aux}_d)^2},\ \text{at a distance of order}\ \lambda",
    assumptions=("both tasks have interpolators, the least-norm one is unique", "from constant weights 0.1"),
    printed=Approached(),
    twins={
        "small initialisation for weight decay": Approached(by_decay=False),
        "each task's own l1 norm": Approached("l1"),
        "each task's own l2 norm": Approached("l2"),
        "at the rate 1/2": Approached(rate=0.5),
    },
    expected=Verdict.CONFIRMED,
    source="Lindsey & Lippl 2024, section 3.2 (Corollary 2)",
)
def weight_decay(proof: Derivation, stated: Approached) -> None:
    """Section 3.2: the decayed loss bounds the norm; endpoints of decayed flows approach the minimiser at the stated rate."""
    loss, least, norm, decay = sp.symbols("L N_* N lambda", positive=True)
    proof.equal(
        "L + lambda N <= lambda N_* at a minimiser of loss + decay, N_* the least norm that fits: N stays below it by L/lambda",
        sp.solve(sp.Eq(loss + decay * norm, decay * least), norm)[0],
        least - loss / decay,
    )
    distance, slope, excess = runs.approach(stated.target, by_decay=stated.by_decay)
    proof.within("largest relative distance at the smallest value", distance, runs.DECAY_BUDGET)
    proof.within("largest deviation of the fitted rate", abs(slope - stated.rate), runs.DECAY_RATE_BUDGET)
    proof.within("largest relative excess of the l1,2 norm over the least", excess, runs.NORM_BUDGET)
    proof.note(
        f"Over {runs.DECAY_PROBLEMS} random problems the endpoints come within {distance:.1e} (relative) of the minimiser at "
        f"{runs.DECAYS[-1]:g}, with fitted rates within {abs(slope - 1):.2f} of 1; their norm is {-excess:.1e} below the least."
    )


# One ReLU unit with two inputs and two outputs; c_i is its slope at sample i: 1 where it is active, 0 elsewhere.
HIDDEN = sp.symbols("w_1 w_2", real=True)
READOUT = sp.symbols("v_1 v_2", real=True)
NORMS = (sum(w**2 for w in HIDDEN), sum(v**2 for v in READOUT))


@claim(
    id="conserved-relu",
    where="theory of ReLU networks",
    statement=r"\|w_h\|^2-\|v_h\|^2\ \text{of each hidden unit is constant along gradient flow}",
    assumptions=(
        "no biases; any loss of the outputs, through dL/df_o(x_i) = r_{o,i}(t)",
        "between two crossings of kinks; the quantity is continuous there",
    ),
    printed=NORMS[0] - NORMS[1],
    twins={
        "the sum": NORMS[0] + NORMS[1],
        "with one output's weight alone": NORMS[0] - READOUT[0] ** 2,
        "twice the readout, as for two outputs": NORMS[0] - 2 * NORMS[1],
        "||w||^2 - ||v||": NORMS[0] - sp.sqrt(NORMS[1]),
    },
    expected=Verdict.PROVED,
    source=SOURCE + "; Du, Hu & Lee 2018",
)
def conserved_relu(proof: Derivation, quantity: Expression) -> None:
    """Theory of ReLU networks: Euler's relation for a unit that is homogeneous in either layer."""
    inputs = sp.Matrix(2, 2, sp.symbols("x_11 x_12 x_21 x_22", real=True))
    active = sp.symbols("c_1 c_2", real=True)
    pull = sp.Matrix(2, 2, sp.symbols("r_11 r_12 r_21 r_22", real=True))
    outputs = [[v * active[i] * (inputs[i, :] * sp.Matrix(HIDDEN))[0] for i in range(2)] for v in READOUT]
    power = sum(pull[o, i] * outputs[o][i] for o in range(2) for i in range(2))  # its gradient is that of the loss
    field = {weight: -sp.diff(power, weight) for weight in (*HIDDEN, *READOUT)}
    for name, layer in (("first", HIDDEN), ("second", READOUT)):
        euler = sum(weight * sp.diff(power, weight) for weight in layer)
        proof.equal(f"the unit's outputs are homogeneous of degree 1 in its {name} layer", euler, power)
    proof.equal("so the quantity has the rate", rate(quantity, field), 0)
    _witnessed_conservation(proof, ReLUNetwork(2), seed=2)


if __name__ == "__main__":
    sys.exit(run_alone())
