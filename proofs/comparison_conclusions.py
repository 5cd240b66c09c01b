"""Section 3.3, conclusions: which of the two reuses features more strongly, and how sensitive both are to auxiliary weights."""

from __future__ import annotations

import sys
from typing import Any

import sympy as sp

from normtheory.audit.alone import run_alone
from normtheory.audit.claims import Verdict, claim
from normtheory.audit.derivation import Derivation
from normtheory.audit.statements import Said
from normtheory.audit.steps import Theorem
from normtheory.proofs import setting
from normtheory.proofs.comparison import SOURCE
from normtheory.proofs.finetuned import DIVERGENCE, EXACT, ONE, PRINTED, Theory
from normtheory.proofs.finetuning_limits import LEARNED
from normtheory.proofs.l12_forms import EXCESS, stated_penalty
from normtheory.proofs.letters import ALPHA, AUX, GAMMA, SIZE, START, B, K, T

Expression = Any


def _stronger(theory: Theory) -> Said:
    ratios = {"low": sp.Rational(1, 100), "high": sp.Integer(100)}
    return Said(theory=theory, mtl=EXCESS, more=ONE, aux=setting.WEIGHT, alpha=setting.ALPHA, gamma=setting.GAMMA, **ratios)


STRONGER = _stronger(EXACT)


@claim(
    id="reuse-stronger",
    where="section 3.3",
    statement="PT+FT is more strongly biased toward reusing features than MTL: what a weight costs on a feature without "
    "auxiliary weight, over what it costs on one with $|\\beta^{aux}|$ <aux>, is more than <more> times as large for the "
    "PT+FT contribution, of either sign, as for the MTL excess <mtl>, where $|\\beta|$ is <low> to <high> times "
    "$|\\beta^{aux}|$, with $\\alpha$ <alpha> and $\\gamma$ <gamma>, where <theory>",
    printed=_stronger(PRINTED),
    exact=STRONGER,
    twins={
        "five times as large": STRONGER.but(more=sp.Integer(5)),
        "from large initialisations": STRONGER.but(alpha=ONE, gamma=ONE),
        "the MTL excess of another weight": STRONGER.but(mtl=EXCESS.subs(AUX, 50 * AUX)),
    },
    siblings={
        "one and a half times as large": STRONGER.but(more=sp.Rational(3, 2)),
        "at fewer ratios": STRONGER.but(low=sp.Rational(1, 10), high=sp.Integer(10)),
    },
    reads=("more strongly biased: by what a new feature costs over a reused one, for weights of the same size",),
    expected=Verdict.CERTIFIED,
    source=SOURCE,
)
def stronger(proof: Derivation, stated: Said) -> None:
    """Section 3.3, "PT+FT is more strongly biased toward reusing features": the conclusion itself, in the paper's setting."""
    stated.theory.defined(proof)
    stated_penalty(proof, stated.mtl)
    weight, box = T * stated.aux, {T: (stated.low, stated.high)}
    small = {ALPHA: stated.alpha, GAMMA: stated.gamma}
    new, reused = ({**small, AUX: aux} for aux in (sp.Integer(0), stated.aux))
    mtl_new, mtl_reused = (sp.limit(stated.mtl, AUX, 0), stated.mtl.subs(AUX, stated.aux))
    signs = {"of the sign of the auxiliary weight": 1, "of the opposite sign": -1}
    for name, sign in signs.items():
        alone, shared = (stated.theory.contribution(sign * weight).subs(at) for at in (new, reused))
        margin = alone * mtl_reused.subs(SIZE, weight) - stated.more * shared * mtl_new.subs(SIZE, weight)
        proof.certified(f"for weights {name} the products across exceed one another", margin / weight**2, box)
    shown = [sp.Rational(1, 10), ONE, sp.Integer(10)]
    factors = []
    for at in shown:
        b = at * stated.aux
        alone, shared = (setting.value(stated.theory.contribution(b), place) for place in (new, reused))
        factors.append(alone / shared / setting.value((mtl_new / mtl_reused).subs(SIZE, b)))
    told = ", ".join(f"{factor:.3g} at |β| = {float(at):g} |β_aux|" for at, factor in zip(shown, factors, strict=True))
    proof.note(f"Here, for weights of the sign of the auxiliary one, as many times as large: {told}.")


R = sp.sqrt(AUX**2 + 4 * ALPHA**4)


def _chain(theory: Theory, scale: Expression, start: Expression, half: Expression) -> Said:
    return Said(theory=theory, scale=scale, start=start, half=half, share=sp.Rational(1, 2))


EXACT_CHAIN = _chain(
    EXACT, AUX**2 / (AUX**2 + 4 * (ALPHA**2 + GAMMA**2) ** 2), (1 + 2 * ALPHA**2 / R) / 2, 2 * (ALPHA**2 + GAMMA**2)
)


@claim(
    id="sensitivity-in-aux",
    where="section 3.3",
    statement="the PT+FT contribution's logarithmic derivative in $|\\beta^{aux}|$ itself is <scale> times that in $k$ and "
    "<start> times that in $\\beta(0)$; the first factor is below <share> exactly for features with $|\\beta^{aux}|$ "
    "below <half>, where <theory>",
    printed=_chain(PRINTED, AUX / (AUX + GAMMA**2), sp.Integer(0), GAMMA**2),
    exact=EXACT_CHAIN,
    twins={
        "without the factor": EXACT_CHAIN.but(scale=ONE),
        "half the start's": EXACT_CHAIN.but(start=EXACT_CHAIN.start / 2),
        "without alpha": EXACT_CHAIN.but(scale=AUX**2 / (AUX**2 + 4 * GAMMA**4)),
        "another place": EXACT_CHAIN.but(half=EXACT_CHAIN.half / 2),
        "a third there": EXACT_CHAIN.but(share=sp.Rational(1, 3)),
        "the printed factor for the exact scale": EXACT_CHAIN.but(scale=AUX / (AUX + GAMMA**2)),
    },
    siblings={"in the scale itself": EXACT_CHAIN.but(scale=AUX**2 / (4 * EXACT.scale**2))},
    reads=("sensitive: by the logarithmic derivative, with the chain factor from the scale to the auxiliary weight",),
    expected=Verdict.PROVED,
    source=SOURCE,
)
def chain(proof: Derivation, stated: Said) -> None:
    """Section 3.3: sensitivity to |beta_aux| itself, where 3.3 speaks of the scale's."""
    stated.theory.defined(proof)
    theory = stated.theory
    proof.equal(
        "the scale's logarithmic derivative in the auxiliary weight", AUX * sp.diff(sp.log(theory.scale), AUX), stated.scale
    )
    if theory.starts_at_zero:
        proof.equal("the start stays zero", theory.start, stated.start)
    else:
        squared = GAMMA**2 * (R - 2 * ALPHA**2)
        proof.equal("the square of the start is", sp.expand(theory.start**2), squared)
        proof.equal("half its logarithmic derivative", AUX * sp.diff(sp.log(squared), AUX) / 2, stated.start)
    proof.argue("so the contribution's, at a fixed weight, is the sum of both factors times its own", Theorem.CHAIN_RULE)
    excess = stated.scale - stated.share
    proof.equal("the first factor is the stated one at the stated weight", excess.subs(AUX, stated.half), 0)
    proof.positive("which is no negative one", stated.half)
    proof.positive("and increases with the weight", sp.diff(stated.scale, AUX), _rate(theory))
    if not theory.starts_at_zero:
        at = LEARNED | {B: setting.WEIGHT}
        values = [letter * sp.diff(sp.log(DIVERGENCE), letter) for letter in (K, START)]
        by_scale, by_start = (setting.value(theory.at(value), at) for value in values)
        whole = setting.value(AUX * sp.diff(sp.log(theory.contribution()), AUX), at)
        proof.note(
            f"On a learned feature, |β| = |β_aux|, in the paper's setting: {whole:.3g} in |β_aux|, {by_scale:.3g} in k and "
            f"{by_start:.2g} in β(0)."
        )


def _rate(theory: Theory) -> Expression:
    if theory.starts_at_zero:
        return GAMMA**2 / (AUX + GAMMA**2) ** 2
    small = 4 * (ALPHA**2 + GAMMA**2) ** 2
    return 2 * AUX * small / (AUX**2 + small) ** 2


if __name__ == "__main__":
    sys.exit(run_alone())
