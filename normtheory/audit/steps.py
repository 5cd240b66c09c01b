"""What a derivation consists of: steps, what each rests on, and what the machine says of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum

from normtheory.audit.notation import Statement, sentence


class Strength(IntEnum):
    """What a step rests on, weakest first."""

    NUMERIC = 1
    BALL = 2
    SYMBOLIC = 3


class Truth(Enum):
    """What the machine says of a step."""

    TRUE = "true"
    FALSE = "false"
    UNDECIDED = "undecided"


class Theorem(Enum):
    """The standard theorems that a step may cite in place of a computation; the value says what is used of each."""

    LINEARITY = "linearity of finite sums, derivatives and integrals"
    CHAIN_RULE = "the chain rule"
    TANGENT = "a convex function lies above its tangents, a strictly convex one strictly so off the point of contact"
    MEAN_VALUE = "the mean value theorem: a function whose derivative is positive increases"
    TAYLOR = "Taylor's theorem with the remainder in integral form"
    UNIQUENESS = "a linear differential equation with given start has one solution (Picard and Lindelöf)"
    SPECTRAL = "a symmetric matrix has an orthonormal basis of eigenvectors, with real eigenvalues (the spectral theorem)"
    POLYNOMIAL = "a polynomial that is not zero everywhere is zero only on a set of measure zero"
    CAUCHY_SCHWARZ = "the Cauchy-Schwarz inequality"
    TRIANGLE = "the triangle inequality"
    CONTINUITY = "a continuous function that never vanishes keeps its sign"
    SQUEEZE = "a quantity between two others that tend to one limit tends to it, too"
    EXTREME = "a continuous function on a compact set attains its least value (Weierstrass)"
    SUBADDITIVITY = "a concave function on the half-line that is 0 at 0 is subadditive"
    KKT = "the Karush-Kuhn-Tucker conditions of a convex program with linear constraints are sufficient"
    SLACKNESS = "at a Karush-Kuhn-Tucker point only constraints that hold with equality have multipliers that are not zero"
    ITERATED = "a least value over several variables may be taken over one after the other"
    DEPENDENCE = "more vectors than the dimension of what they span are linearly dependent (Steinitz)"
    CYCLIC = "a trace stays the same when the factors of its product move round in a circle"
    PROJECTION = "an orthogonal projection lengthens no vector"
    FERMAT = "a differentiable function has slope zero where it is least inside an open set"
    COMPACTNESS = "a bounded sequence has a limit point (Bolzano and Weierstrass)"
    MEANS = "the geometric mean of numbers that are not negative is at most their arithmetic mean"
    CHORD = "a concave function lies above its chords, so that on an interval it is least at an end"
    BRACKET = "a function that is constant along two vector fields is constant along their Lie bracket"
    HOELDER = "Hölder's inequality: a sum of products is at most the sum of the one factors' sizes times the largest other one"
    PICARD = "a smooth differential equation with given start has one solution (Picard and Lindelöf)"
    COMMUTING = "the flows of commuting vector fields commute (Frobenius)"
    FOLIATION = "functions that are constant along fields spanning r directions have at most dimension less r independent ones"
    PARTS = "integration by parts, where the product vanishes at both ends"
    ENVELOPE = "a least or largest value changes as if the point where it is attained stayed fixed (the envelope theorem)"
    PARTIAL = "a jointly convex function's least value over some of its variables is convex in the others"
    BOUNDS = "a largest value of convex functions is convex, a least value of affine ones concave"
    INTERMEDIATE = "a continuous function takes every value between two of its values"
    PARAMETERS = "solutions of a smooth differential equation depend continuously on their start and on parameters"


@dataclass(frozen=True)
class Step:
    """One line of a derivation.

    Attributes
    ----------
    text : str
        What the line says, in words.
    equation, latex : str
        What it states as a formula, as text and in LaTeX; empty for an argument in words.
    truth : Truth
    strength : Strength or None
        What the claim rests on here; None for a second witness, which must agree though nothing rests on it, and for an
        argument.
    detail : Statement
        Why, or the counterexample.
    route : str
        The way it was proved, in a few words.
    rigorous : bool
        False by a counterexample in exact numbers or balls, rather than by floats.
    theorem : Theorem or None
        The standard theorem that an argument cites.
    lemma : str
        The shared opening that the step belongs to, if it does.
    """

    text: str
    equation: str
    latex: str
    truth: Truth
    strength: Strength | None
    detail: Statement
    route: str = ""
    rigorous: bool = False
    theorem: Theorem | None = None
    lemma: str = ""

    @property
    def reason(self) -> Statement:
        """How it was decided: the route, and the detail where the formula does not say it."""
        measured = self.kind in ("numerical", "by a second route")
        if measured or not (self.route and self.detail.text):
            return sentence(self.route) if self.route else self.detail
        return sentence("{}, {}" if self.detail.text.startswith("and ") else "{}: {}", self.route, self.detail)

    @property
    def kind(self) -> str:
        """What the step rests on, in words."""
        if self.theorem is not None:
            return "by argument"
        return {
            Strength.SYMBOLIC: "symbolic",
            Strength.BALL: "in ball arithmetic",
            Strength.NUMERIC: "numerical",
            None: "by a second route",
        }[self.strength]
