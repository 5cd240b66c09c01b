r"""
Auditing a formula of one's own, with a false twin
==================================================

A statement that a check accepts says little, if the check would accept anything. Here a claim comes with wrong
versions of itself, which the same check must reject, and with another true one, which it must accept. The claim: the
Q penalty has the slope :math:`2\log(1 + \sqrt 2)` where a weight equals its scale.
"""

import matplotlib.pyplot as plt
import numpy as np
import sympy as sp

from normtheory.audit.claims import Claim, Verdict
from normtheory.audit.judging import run_claim
from normtheory.audit.statements import Said
from normtheory.audit.text import describe
from normtheory.penalties import Q
from normtheory.proofs.letters import B, K

# %%
# What is claimed: formulas by name. The sentence has gaps that they fill, so that what is printed is what is checked.
stated = Said(slope=2 * sp.log(1 + sp.sqrt(2)), at=K)


def check(proof, claimed):
    """The slope of Eq. 3 where a weight equals its scale."""
    slope = sp.diff(Q.expression(), B)
    proof.equal("the derivative of Eq. 3", slope, 2 * sp.asinh(B / K))
    proof.equal("where the weight is the stated one", slope.subs(B, claimed.at), claimed.slope)


claim = Claim(
    id="slope-at-k",
    where="my notes, line 3",
    statement="the Q penalty has the derivative <slope> where the weight is <at>",
    check=check,
    printed=stated,
    twins={"half of it": stated.but(slope=stated.slope / 2), "at twice the scale": stated.but(at=2 * K)},
    siblings={"elsewhere": Said(slope=2 * sp.asinh(2), at=2 * K)},
    expected=Verdict.PROVED,
    source="my notes",
)
entry = run_claim(claim)
print(describe(entry, width=90))

# %%
# The verdict is what the check found. ``ok`` is true only if it is as expected, every twin was rejected, and the
# sibling was accepted.
assert entry.ok, entry.problems

# %%
# The slope, the claim, and where the two false twins lie.
ratio = np.linspace(0, 3, 200)
value = float(stated.slope)
figure, axis = plt.subplots(figsize=(6, 3.6), layout="constrained")
axis.plot(ratio, Q(np.ones(200)).gradient(ratio), color="grey", label="slope of the penalty")
axis.plot(1, value, "o", label="the claim")
axis.plot([1, 2], [value / 2, value], "x", label="false twins")
axis.plot(2, 2 * np.arcsinh(2), "s", fillstyle="none", label="true sibling")
axis.set(xlabel="weight / scale", ylabel="slope")
axis.legend()
plt.show()
