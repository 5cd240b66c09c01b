"""Appendix G: what both measures say of a sparse subset, by example and on the paper's networks."""

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
from normtheory.proofs import experiments, setting
from normtheory.proofs.dimensionality import CENTRED, SOURCE, N, P, of_subset, ratio, shared
from normtheory.proofs.exact_formulas import PLUS
from normtheory.proofs.letters import ALPHA, A
from normtheory.proofs.setting import number, percent

Expression = Any

OF_KEPT = symbol("v", positive=True)  # variance of the kept units
OF_REST = symbol("v_0", "v_0", "v₀", positive=True)  # and of the others


def size_for_unequal(printed: Said, corrected: Said) -> str:
    """Appendix G, the example, with units of the paper's pretrained network: some learned, some not."""
    learned, other = (PLUS.subs({A: aux, ALPHA: setting.ALPHA}) ** 2 for aux in (setting.WEIGHT, sp.Integer(0)))
    rest = printed.units - printed.kept
    mixed = [setting.value(of_subset(printed.kept, rest, *pair)) for pair in ((learned, other), (other, learned))]
    equal = setting.value(of_subset(corrected.kept, rest, learned, learned))
    return (
        f"Of {printed.units} units in the plus pathway of the pretrained network, {printed.kept} of learned features "
        f"(variance {number(setting.value(learned))}) and the others not ({number(setting.value(other))}), ENSD is "
        f"{number(mixed[0])} with the learned ones and {number(mixed[1])} with the others, where {number(printed.value)} is "
        f"printed for any. Of as many learned features, which vary equally, any {corrected.kept} give {number(equal)}."
    )


_SUBSET = Said(units=sp.Integer(10), kept=sp.Integer(5), of_kept=OF_KEPT, of_rest=OF_KEPT, value=sp.Integer(5))
_ANY = _SUBSET.but(of_rest=OF_REST)


@claim(
    id="ensd-subset",
    where="Appendix G, after Eq. 35",
    statement="of <units> uncorrelated units and <kept> of them, the effective number of shared dimensions is <value>",
    reads=(CENTRED,),
    printed=_ANY,
    corrected=_SUBSET,
    corrected_statement="of <units> uncorrelated units and <kept> of them, which have the variance <of_kept>, the others "
    "having <of_rest>, the effective number of shared dimensions is <value>",
    size=size_for_unequal,
    twins={
        "of any variances": _ANY,
        "the larger dimension": _SUBSET.but(value=sp.Integer(10)),
        "the geometric mean of the dimensions": _SUBSET.but(value=sp.sqrt(50)),
        "another subset": _SUBSET.but(kept=sp.Integer(4)),
        "others of twice the variance": _SUBSET.but(of_rest=2 * OF_KEPT),
    },
    siblings={
        "of more units": _SUBSET.but(units=sp.Integer(20)),
        "a larger subset": _SUBSET.but(kept=sp.Integer(7), value=sp.Integer(7)),
        "others of twice the variance, with what is then shared": _SUBSET.but(of_rest=2 * OF_KEPT, value=sp.Integer(3)),
    },
    expected=Verdict.CORRECTED,
    source=SOURCE,
)
def subset(proof: Derivation, stated: Said) -> None:
    """Appendix G, the example: uncorrelated is not enough, the units must vary equally."""
    rest = stated.units - stated.kept
    proof.positive("a subset has no more units than there are", rest + sp.Rational(1, 2))
    proof.argue(
        "traces of uncorrelated units are sums over units, and a subset's overlap with all is that with itself",
        Theorem.LINEARITY,
    )
    found = of_subset(stated.kept, rest, stated.of_kept, stated.of_rest)
    if not proof.equal("the number of shared dimensions", found, stated.value):
        tenfold = setting.value(found, {stated.of_kept: 1, stated.of_rest: 10})
        proof.note(f"With variances ten times as large of the units that are left out it is {tenfold:.3g}.")


_DISJOINT = Said(
    units=sp.Integer(10), others=sp.Integer(5), pairs=sp.Integer(50), correlation=sp.Integer(0), value=sp.Integer(0)
)
CORRELATION = symbol("rho", r"\rho", "ρ", positive=True)


@claim(
    id="ensd-zero",
    where="Appendix G, after Eq. 35",
    statement="of <units> uncorrelated units and <others> uncorrelated others, with the correlation <correlation> in <pairs> "
    "pairs across both and none elsewhere, the effective number of shared dimensions is <value>",
    reads=(CENTRED,),
    printed=_DISJOINT,
    twins={
        "though one pair of units is correlated": _DISJOINT.but(pairs=sp.Integer(1), correlation=CORRELATION),
        "though all pairs are a little correlated": _DISJOINT.but(correlation=sp.Rational(1, 10)),
        "though one is shared": _DISJOINT.but(value=sp.Integer(1)),
    },
    siblings={
        "of other numbers of units": _DISJOINT.but(units=sp.Integer(7), others=sp.Integer(30), pairs=sp.Integer(210)),
        "one pair, with what is then shared": _DISJOINT.but(pairs=sp.Integer(1), correlation=CORRELATION, value=CORRELATION**2),
    },
    expected=Verdict.PROVED,
    source=SOURCE,
)
def nothing_shared(proof: Derivation, stated: Said) -> None:
    """Appendix G, the example: the numerator is the sum of squared covariances between the two sets of units."""
    proof.argue("the trace across both is the sum of the squared covariances of their units", Theorem.LINEARITY)
    proof.positive("correlated pairs are among all pairs", stated.units * stated.others - stated.pairs + sp.Rational(1, 2))
    proof.positive("their number is one", stated.pairs)
    overlap = stated.pairs * OF_KEPT * OF_REST * stated.correlation**2
    first, second = (OF_KEPT, stated.units), (OF_REST, stated.others)
    traces = [count * variance**power for power in (1, 2) for variance, count in (first, second)]
    proof.equal("units of one variance, and others of another: shared dimensions", shared(overlap, *traces), stated.value)


KEPT = symbol("q", positive=True, integer=True)
MORE = symbol("e", integer=True, nonnegative=True)  # features that are dropped beyond as many as are kept
SPREAD = symbol("rho", r"\rho", "ρ", positive=True)


def _nested(kept: Expression, dropped: Expression, spread: Expression) -> Said:
    return Said(kept=kept, dropped=dropped, spread=spread, ratio=(kept + dropped * spread) / (kept + dropped * spread**2))


def size_of_signature(*_: Said) -> str:
    """Appendix G, the signature, where the paper's networks choose 5 of the 40 features they were pretrained on."""
    found = {rescale: experiments.nested_dimensions(rescale) for rescale in (1.0, 0.1)}
    listed = ", and ".join(
        f"to {number(after)}, ENSD being the same to {abs(both / after - 1):.0e} of it, for weights rescaled by {rescale:g}"
        for rescale, (_, after, both) in found.items()
    )
    return (
        f"hardly any, as the pretrained features vary equally. Where finetuning is to keep {experiments.KEPT} of the "
        f"{setting.FEATURES}, on {setting.SAMPLES} samples of {setting.INPUTS} inputs, the first layer's PR falls from "
        f"{number(found[1.0][0])} {listed}."
    )


_NESTED = _nested(KEPT, KEPT + MORE, SPREAD)


@claim(
    id="ensd-nested",
    where="section 6, Appendix G",
    statement="if finetuning keeps <kept> of the uncorrelated features that pretraining learned and drops <dropped>, PR "
    "falls, and ENSD of both representations is <ratio> times PR after finetuning",
    reads=(CENTRED, "a sparse subset: no more features are kept than dropped", "approximately equal: equal"),
    printed=_NESTED.but(ratio=sp.Integer(1)),
    corrected=_NESTED,
    corrected_statement="if finetuning keeps <kept> of the uncorrelated features that pretraining learned and drops "
    "<dropped>, whose variance is <spread> times that of the others, PR falls, and ENSD of both representations is <ratio> "
    "times PR after finetuning; of features of equal variance it is PR, but so it is then for every linear read-out of them",
    size=size_of_signature,
    twins={
        "ENSD is PR for any variances": _NESTED.but(ratio=sp.Integer(1)),
        "the inverse ratio": _NESTED.but(ratio=1 / _NESTED.ratio),
        "more features kept than dropped": _nested(KEPT + MORE, KEPT, SPREAD),
        "as many dropped as kept": _NESTED.but(dropped=KEPT),
        "a tenth of the spread": _NESTED.but(spread=SPREAD / 10),
    },
    siblings={
        "features of equal variance": _NESTED.but(spread=sp.Integer(1), ratio=sp.Integer(1)),
        "five of forty features": _nested(sp.Integer(5), sp.Integer(35), SPREAD),
        "a small majority of equal features": _nested(sp.Integer(6), sp.Integer(4), sp.Integer(1)),
    },
    expected=Verdict.CORRECTED,
    source=SOURCE,
)
def nested_signature(proof: Derivation, stated: Said) -> None:
    """Appendix G, the signature: both parts for uncorrelated units of two variances, any number of either."""
    total, squares = (stated.kept + stated.dropped * stated.spread**power for power in (1, 2))
    before, after = ratio(total, squares), ratio(stated.kept, stated.kept)
    both = of_subset(stated.kept, stated.dropped, sp.Integer(1), stated.spread)
    holds = proof.equal("in units of the kept features' variance: ENSD over PR afterwards", both / after, stated.ratio)
    fall = (
        stated.dropped * stated.spread * (2 * stated.kept + sp.expand(stated.dropped - stated.kept) * stated.spread) / squares
    )
    proof.positive("PR falls by", before - after, fall)
    if not holds:
        tenfold = {SPREAD: 10, KEPT: 3, MORE: 0}
        proof.note(
            "Where as many features are dropped as kept, of ten times the variance, ENSD is "
            f"{setting.value(both, tenfold):.3g}, no approximation of PR afterwards, {setting.value(after, tenfold):.3g}."
        )
        return
    if stated.ratio.has(SPREAD):
        proof.equal("with equal variances it is one", stated.ratio.subs(SPREAD, 1), 1)
    first = symbol("trace_M", r"\operatorname{tr}(M^\top M)", "tr(MᵀM)", positive=True)
    second = symbol("trace_MM", r"\operatorname{tr}((M^\top M)^2)", "tr((MᵀM)²)", positive=True)
    proof.argue(
        "of a linear read-out M of white units all traces are those of its square, times the number of samples", Theorem.CYCLIC
    )
    of_readout = shared(N**2 * first, N * P, N * first, N**2 * P, N**2 * second)
    proof.equal(
        "so ENSD of white units and any linear read-out of them is PR of the read-out", of_readout, ratio(first, second)
    )
    proof.note("Of the two signs, only the fall of PR tells a sparse subset from any other linear read-out of white features.")


_FALLS = Said(
    kept=sp.Integer(experiments.KEPT),
    features=sp.Integer(setting.FEATURES),
    samples=(sp.Integer(16), sp.Integer(setting.SAMPLES), sp.Integer(128)),
    realisations=sp.Integer(setting.REALISATIONS),
    outside=(sp.Integer(1), sp.Integer(10)),
    inside=(sp.Rational(1, 10), sp.Rational(1, 100)),
    most=sp.Rational(1, 10),
    least=sp.Rational(1, 2),
)


@claim(
    id="pr-no-fall",
    where="Appendix G, after Eq. 35",
    statement="where the main task uses <kept> of the <features> features of the auxiliary one, PR of the first layer falls in "
    "finetuning by a share of at most <most> outside the nested regime, weights being rescaled by each of <outside>, and of at "
    "least <least> inside it, for each of <inside>, with each of <samples> samples, in <realisations> realisations",
    reads=(
        "outside the nested regime: at its lazy side, where the bias is like $\\ell_2$; rich networks, too, lose dimensions",
        "substantial: by no less than the second share, in any realisation; not substantial: by no more than the first",
    ),
    printed=_FALLS,
    twins={
        "outside where it is inside": _FALLS.but(outside=(sp.Rational(1, 10), sp.Integer(10))),
        "inside where it is outside": _FALLS.but(inside=(sp.Integer(1), sp.Rational(1, 100))),
        "no fall at all": _FALLS.but(most=sp.Rational(1, 100)),
        "a fall below the features that are kept": _FALLS.but(least=sp.Rational(9, 10)),
    },
    siblings={
        "a larger share outside": _FALLS.but(most=sp.Rational(1, 5)),
        "a smaller share inside": _FALLS.but(least=sp.Rational(1, 4)),
        "weights not rescaled": _FALLS.but(outside=(sp.Integer(1),)),
        "fewer realisations": _FALLS.but(realisations=sp.Integer(2)),
        "of fewer features": _FALLS.but(kept=sp.Integer(4), features=sp.Integer(20), realisations=sp.Integer(1)),
    },
    expected=Verdict.CONFIRMED,
    source=SOURCE,
)
def no_fall(proof: Derivation, stated: Said) -> None:
    """Appendix G: PR of the first layer at the certified endpoint, by the exact weights there, with and without rescaling."""

    def falls(rescalings: tuple[Expression, ...]) -> dict[Expression, list[float]]:
        setup = {"kept": int(stated.kept), "features": int(stated.features)}
        drawn = [(seed, int(samples)) for seed in range(int(stated.realisations)) for samples in stated.samples]
        found = {
            c: [experiments.nested_dimensions(float(c), seed, samples=n, **setup) for seed, n in drawn] for c in rescalings
        }
        return {c: [1 - after / before for before, after, _ in each] for c, each in found.items()}

    outside, inside = falls(stated.outside), falls(stated.inside)
    proof.at_most("the largest share by which PR falls outside the regime", max(map(max, outside.values())), float(stated.most))
    left = 1 - min(map(min, inside.values()))
    proof.at_most("the largest share that is left of it inside the regime", left, 1 - float(stated.least))
    listed = ", ".join(f"{percent(max(found))} at {float(c):g}" for c, found in (outside | inside).items())
    proof.note(f"The largest falls, by the rescaling of weights: {listed}.")


if __name__ == "__main__":
    sys.exit(run_alone())
