"""Section 2.1: the map that a diagonal network computes, its two pathways, and the norms that it may minimise."""

from __future__ import annotations

import itertools
import sys
from typing import Any

import sympy as sp

from normtheory.audit.alone import run_alone
from normtheory.audit.claims import Verdict, claim
from normtheory.audit.derivation import Derivation
from normtheory.audit.notation import symbol
from normtheory.audit.statements import Said
from normtheory.audit.steps import Theorem
from normtheory.penalties import L1
from normtheory.proofs import experiments, package_numerics, setting
from normtheory.proofs.appendix_b import least_norm, same_minimisers
from normtheory.proofs.letters import ALPHA, SIZE
from normtheory.proofs.orbit import BETA, ETA, LEARNED, V_MINUS, V_PLUS, W_MINUS, W_PLUS, WEIGHTS, G, pretrain, rate
from normtheory.proofs.package_numerics import ROUND_OFF
from normtheory.proofs.setting import number

Expression = Any

INPUT = symbol("x_d", "x_d", "x", real=True)


def network_map(proof: Derivation, predictor: Expression, outputs: int) -> None:
    """Eqs. 1 and 4: what an input contributes to an output, and that the output is the sum over inputs."""
    hidden_plus, hidden_minus = W_PLUS * INPUT, W_MINUS * INPUT
    read = V_PLUS * hidden_plus - V_MINUS * hidden_minus
    proof.equal("an output reads off the two hidden units of an input", read, predictor * INPUT)
    proof.argue("it is the sum of that over all inputs, for each output by its own readouts", Theorem.LINEARITY)
    deviation = package_numerics.network_deviation(sp.lambdify(WEIGHTS, predictor), outputs)
    proof.witness("the package's network, layer by layer, on random weights and inputs", deviation, ROUND_OFF)


@claim(
    id="eq1",
    where="Eqs. 1, 6, 7 (section 2.1, Appendix A)",
    statement="a network with a first layer from each input to two hidden units of its own, and one readout, is linear, with "
    "the slope <predictor> in each input",
    printed=Said(predictor=V_PLUS * W_PLUS - V_MINUS * W_MINUS),
    twins={
        "the minus pathway added": Said(predictor=V_PLUS * W_PLUS + V_MINUS * W_MINUS),
        "layers of the two pathways crossed": Said(predictor=V_PLUS * W_MINUS - V_MINUS * W_PLUS),
        "the minus pathway left out": Said(predictor=V_PLUS * W_PLUS),
        "half of it": Said(predictor=(V_PLUS * W_PLUS - V_MINUS * W_MINUS) / 2),
    },
    expected=Verdict.PROVED,
    source="Woodworth et al. 2020",
)
def one_output(proof: Derivation, stated: Said) -> None:
    """Eq. 1: sum over the paths from each input through its two hidden units to the output."""
    network_map(proof, stated.predictor, outputs=1)


SLOPE = symbol("slope_size", "|G|", "|G|", positive=True)  # size of the loss's gradient in the coordinate's predictor
Z = symbol("z", positive=True)
_STARTS = Said(
    start=sp.Integer(0),
    speed=4 * ALPHA**2,
    alone=ALPHA**2,
    curvatures=(SLOPE, -SLOPE),
    time=sp.asinh(SIZE / (2 * ALPHA**2)) / (2 * SLOPE),
)


@claim(
    id="saddle-avoided",
    where="section 2.1, after Eq. 1",
    statement="from weights $\\alpha$ both pathways together start at the predictor <start>, move at <speed> times the slope "
    "of the loss, and reach predictors of either sign, $|\\beta|$ after the time <time> while the slope is $|G|$; a pathway "
    "alone starts at <alone>, never changes its sign and, drawn to the other one, is held where all weights are zero, which "
    "is a saddle for either network, of the curvatures <curvatures>",
    reads=("saddle point dynamics: being held at the saddle, not being slow to leave it",),
    printed=_STARTS,
    twins={
        "a start that is not zero": _STARTS.but(start=ALPHA**2),
        "the speed of one pathway": _STARTS.but(speed=2 * ALPHA**2),
        "at rest": _STARTS.but(speed=sp.Integer(0)),
        "a pathway alone starts at zero": _STARTS.but(alone=sp.Integer(0)),
        "no saddle": _STARTS.but(curvatures=(SLOPE, SLOPE)),
        "half the time": _STARTS.but(time=_STARTS.time / 2),
        "a time that stays bounded": _STARTS.but(time=sp.asinh(SIZE / 2) / (2 * SLOPE)),
    },
    siblings={"the curvatures in the other order": _STARTS.but(curvatures=(-SLOPE, SLOPE))},
    expected=Verdict.PROVED,
    source="Woodworth et al. 2020",
)
def saddle_avoided(proof: Derivation, stated: Said) -> None:
    """Section 2.1: what the duplicate pathways change about w = 0, and what they do not."""
    start = dict.fromkeys(WEIGHTS, ALPHA)
    proof.equal("both pathways start at the predictor", BETA.subs(start), stated.start)
    proof.equal("which moves, against the slope of the loss, at", rate(BETA).subs(start) / -G, stated.speed)
    proof.positive("not at rest", stated.speed)
    reached = pretrain(proof)
    proof.equal("the predictor of both pathways is odd in eta: either sign is reached", LEARNED.subs(ETA, -ETA), -LEARNED)
    at = LEARNED.subs(ETA, 2 * SLOPE * stated.time)
    proof.equal("eta moves by the slope, doubled; at the stated time the predictor has the size", at, SIZE)
    alone = reached[W_PLUS] * reached[V_PLUS]
    proof.equal("the plus pathway moves in the same way without the other, and starts at", alone.subs(ETA, 0), stated.alone)
    proof.positive("it stays positive", alone)
    text = "and drawn to the other sign for long it is held at zero: an exponential outgrows this"
    proof.positive_by_taylor(text, sp.exp(Z) - 1 - Z, Z, 2, sp.exp(Z))
    _saddle(proof, stated.curvatures)
    smaller = [setting.value(stated.time.subs(SLOPE, 1), {SIZE: setting.WEIGHT, ALPHA: alpha}) for alpha in _SIZES]
    proof.note(
        f"Leaving the saddle still takes the longer the smaller alpha is: to a feature of {number(setting.WEIGHT)}, in units "
        "of the inverse slope, "
        f"{', '.join(f'{time:.3g} from {float(alpha):g}' for time, alpha in zip(smaller, _SIZES, strict=True))}."
    )


_SIZES = (sp.Rational(1, 10), setting.ALPHA, sp.Rational(1, 10**6))


def _saddle(proof: Derivation, curvatures: tuple[Expression, ...]) -> None:
    """At w = 0 the gradient vanishes, and the Hessian of the loss is its slope times that of the predictor."""
    origin = dict.fromkeys(WEIGHTS, 0)
    moved = sum(sp.diff(BETA, weight) ** 2 for weight in WEIGHTS)
    proof.equal("where all weights are zero the squares of the predictor's slopes in them add up to", moved.subs(origin), 0)
    for name, pathway in {"plus": (W_PLUS, V_PLUS), "minus": (W_MINUS, V_MINUS)}.items():
        hessian = SLOPE * sp.hessian(BETA, pathway).subs(origin)
        for curvature in curvatures:
            text = f"the {name} pathway's curvatures of the loss, its slope times those of the predictor, solve"
            proof.equal(text, (hessian - curvature * sp.eye(2)).det(), 0)
    proof.positive("one is positive and one is negative", -sp.prod(curvatures))


@claim(
    id="l1-is-param-norm",
    where="section 2.1; Appendix B",
    statement="the least squared norm of the weights with a given predictor is <least>, summed over coordinates, so that to "
    "minimise <penalty>, summed over coordinates, is to minimise the norm of the weights",
    printed=Said(least=2 * SIZE, penalty=SIZE),
    twins={
        "the l2 norm squared": Said(least=SIZE**2, penalty=SIZE**2),
        "half the least norm": Said(least=SIZE, penalty=SIZE),
        "the norm of three layers": Said(least=3 * SIZE ** sp.Rational(2, 3), penalty=SIZE ** sp.Rational(2, 3)),
        "another penalty": Said(least=2 * SIZE, penalty=SIZE**2),
        "its negative": Said(least=2 * SIZE, penalty=-SIZE),
    },
    siblings={
        "three times the penalty": Said(least=2 * SIZE, penalty=3 * SIZE),
        "the penalty and a constant": Said(least=2 * SIZE, penalty=SIZE + 1),
    },
    expected=Verdict.PROVED,
    source="Woodworth et al. 2020; Lindsey & Lippl 2024, Appendix B",
)
def l1_from_weights(proof: Derivation, stated: Said) -> None:
    """Section 2.1: the least squared norm of the weights with a given predictor is twice its l1 norm."""
    holds = least_norm(proof, stated.least, of=SIZE)
    same = same_minimisers(proof, stated.penalty, stated.least, {SIZE: sp.Integer(1)})
    proof.argue("the norm over weights that fit is least at the best predictors that fit", Theorem.ITERATED)
    norm = symbol("norm_w", r"\|w\|_2", "‖w‖₂", positive=True)
    proof.positive("the squared norm grows with the norm: both have the same minimisers", sp.diff(norm**2, norm))
    if holds and same:
        deviation = package_numerics.norm_numerics_deviation("l1", L1.expression())
        proof.witness("the package's float64 l1 penalty", deviation, ROUND_OFF)


RANK = symbol("r", integer=True, positive=True)
SPARE = symbol("s", integer=True, nonnegative=True)
SAMPLES = symbol("n", integer=True, positive=True)
DESIGN = sp.Matrix([[2, 1, 0, 1], [0, 1, 3, -1]])  # two samples, four inputs
TARGETS = sp.Matrix([2, 3])
# Collinear inputs and repeated samples: all columns have the product 1 with the dual (1, 1, 0), the last sample is the first.
COLLINEAR = sp.Matrix([[1, 1, 0, 2, -1], [0, 0, 1, -1, 2], [1, 1, 0, 2, -1]])
DUAL = sp.Matrix([1, 1, 0])
_SPARSE = Said(penalty=SIZE, most=RANK)


@claim(
    id="l1-sparse",
    where="section 2.1",
    statement="of the interpolators of least <penalty>, summed over coordinates, at least one depends on no more inputs than "
    "<most>, where $n$ is the number of samples",
    reads=(
        "few input dimensions: no more than there are samples; where several interpolators are least, for one of them",
        "where other statements name $r$, it is the rank of $X$, which is shown to bound the inputs, too",
    ),
    printed=_SPARSE.but(most=SAMPLES),
    twins={
        "one input fewer than the rank": _SPARSE.but(most=RANK - 1),
        "one sample fewer": _SPARSE.but(most=SAMPLES - 1),
        "half the rank": _SPARSE.but(most=RANK / 2),
        "the least l2 norm": _SPARSE.but(penalty=SIZE**2),
        "the largest l1 norm": _SPARSE.but(penalty=-SIZE),
    },
    siblings={
        "the rank itself": _SPARSE,
        "one input more": _SPARSE.but(most=RANK + 1),
        "three times the penalty": _SPARSE.but(penalty=3 * SIZE),
    },
    expected=Verdict.PROVED,
    source="Lindsey & Lippl 2024, section 2.1; basic solutions of linear programs",
)
def sparse_solutions(proof: Derivation, stated: Said) -> None:
    """Section 2.1: as long as more inputs are active than the rank, one can be given up; any number of samples and inputs."""
    text = "where more inputs are active than the rank, some change of their weights leaves all outputs alone"
    proof.argue(text, Theorem.DEPENDENCE)
    step, change, weight = (symbol(name, real=True) for name in ("epsilon", "delta", "b"))
    sign = symbol("sigma", r"\sigma", "σ", real=True)
    text = "while no sign changes, a step along it changes the size of a weight in proportion"
    proof.equal(text, sign * (weight + step * change) - sign * weight, step * sign * change)
    linear = proof.equal("and so its penalty, which is linear in the size", sp.diff(stated.penalty, SIZE, 2), 0)
    proof.positive("with which it grows", sp.diff(stated.penalty, SIZE))
    proof.argue("summed over inputs the slope is zero at a minimum, both ways being open", Theorem.FERMAT)
    proof.argue("so one may go on until an input drops out, and repeat until no more than the rank are left", Theorem.LINEARITY)
    surplus = (stated.most - RANK).subs(SAMPLES, RANK + SPARE) + sp.Rational(1, 2)
    proof.positive("the stated number is not below the rank", surplus)
    _exactly(proof, stated, linear=linear)
    if linear and stated.most in (RANK, SAMPLES):
        excess = experiments.active_inputs_beyond_samples()
        proof.witness("random problems by conic programs: inputs used beyond one a sample", excess, 0)


def _exactly(proof: Derivation, stated: Said, *, linear: bool) -> None:
    """A problem with one solution, which uses as many inputs as the rank; and one with collinear inputs and many solutions."""
    found = _least_l1(proof) if linear else DESIGN.T * (DESIGN * DESIGN.T).inv() * TARGETS
    active, rank = sp.Integer(sum(entry != 0 for entry in found)), DESIGN.rank()
    most = stated.most.subs({RANK: rank, SAMPLES: DESIGN.rows})
    proof.positive(f"the only solution of a problem of rank {rank} uses {active} inputs", most - active + sp.Rational(1, 2))
    if not linear:
        return
    all_used = sp.ones(COLLINEAR.cols, 1)
    text = "with collinear inputs: the dual's slopes are all one, so that weights of one sign are least; off by, squared"
    proof.equal(text, sum((slope - 1) ** 2 for slope in DUAL.T * COLLINEAR), 0)
    left = exchanged(COLLINEAR, all_used)
    moved = COLLINEAR * (left - all_used)
    proof.equal("exchanging inputs, as above, leaves the outputs; they move by, squared", moved.dot(moved), 0)
    proof.equal("and the l1 norm", sum(map(abs, left)), sum(map(abs, all_used)))
    rank, active = COLLINEAR.rank(), sp.Integer(sum(entry != 0 for entry in left))
    most = stated.most.subs({RANK: rank, SAMPLES: COLLINEAR.rows})
    text = f"of {COLLINEAR.cols} inputs, at {COLLINEAR.rows} samples of rank {rank}, {active} are left"
    proof.positive(text, most - active + sp.Rational(1, 2))


def exchanged(X: sp.Matrix, beta: sp.Matrix) -> sp.Matrix:
    """Give up inputs, exactly, until the active columns of X are independent; signs are kept."""
    while True:
        active = [d for d in range(X.cols) if beta[d] != 0]
        null = X.extract(list(range(X.rows)), active).nullspace()
        if not null:
            return beta
        steps = {d: -beta[d] / change for d, change in zip(active, null[0], strict=True) if change != 0}
        first = min(steps, key=lambda d: abs(steps[d]))
        beta = beta.copy()
        for d, change in zip(active, null[0], strict=True):
            beta[d] += steps[first] * change


def _least_l1(proof: Derivation) -> sp.Matrix:
    """The best of all solutions with two inputs, and a dual vector that shows it to be the least of all."""
    basic = []
    for pair in itertools.combinations(range(DESIGN.cols), 2):
        active = DESIGN.extract([0, 1], list(pair))
        solution = sp.zeros(DESIGN.cols, 1)
        for d, value in zip(pair, active.solve(TARGETS), strict=True):
            solution[d] = value
        basic.append((sum(map(abs, solution)), pair, solution))
    least, pair, solution = min(basic, key=lambda found: found[0])
    nu = DESIGN.extract([0, 1], list(pair)).T.solve(sp.Matrix([sp.sign(solution[d]) for d in pair]))
    proof.equal(
        "an exact problem: a dual vector's product with the targets is the least l1 norm found", (nu.T * TARGETS)[0], least
    )
    for d, slope in enumerate(DESIGN.T * nu):
        if d not in pair:
            proof.positive("and its slope at an unused input is below one, so that no other solution has less", 1 - abs(slope))
    return solution


if __name__ == "__main__":
    sys.exit(run_alone())
