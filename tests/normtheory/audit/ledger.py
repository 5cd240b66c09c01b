"""A small claim that tests judge, and the ways it can go wrong."""

from normtheory.audit.claims import Claim, Verdict
from normtheory.audit.notation import symbol
from normtheory.audit.statements import Said

x = symbol("test_x", "x", "x", positive=True)
TRUE = x**2 + 2 * x + 1


def square(proof, stated):
    proof.equal("expand the square", (x + 1) ** 2, stated.right)


def make(**fields):
    """The claim that (x + 1)^2 is what it is, with other fields."""
    given = {
        "id": "binomial",
        "where": "a test",
        "statement": "the square of a sum is <right>",
        "check": square,
        "printed": Said(right=TRUE),
        "twins": {"no cross term": Said(right=x**2 + 1)},
        "expected": Verdict.PROVED,
        "source": "school",
    }
    return Claim(**given | fields)


def broken(proof, _):
    proof.equal("a good step", x, x)
    raise RuntimeError("the solver is missing")
