r"""Statements: words with gaps that are filled with the very objects a check is given, in LaTeX and as text.

A template is a sentence with fields in angle brackets, `where <ratio> vanishes it tends to <limit>`. A field names an attribute
of the subject that is checked, so that one template prints what is claimed, what is true instead, and what every twin says
falsely. The words themselves hold no numbers and no formulas, only names and relations between dollar signs, as in
`$X\beta = y$`: a wrong constant cannot stand beside a right check. `unproved` finds whatever else there is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any

from normtheory.audit import notation
from normtheory.audit.notation import Statement

_FIELD = re.compile(r"<([a-z][a-z0-9_.]*)>")


class Said(SimpleNamespace):
    """What is claimed: formulas and numbers by name. A subject for checks that need no type of their own."""

    def but(self, **changes: Any) -> Said:
        """The same with other values: a twin, or a sibling."""
        unknown = sorted(set(changes) - set(vars(self)))
        if unknown:
            raise ValueError(f"it has no {', '.join(unknown)} to change")
        return Said(**vars(self) | changes)


def in_latex(template: str, subject: object) -> str:
    """The sentence as a paragraph of LaTeX, formulas between dollar signs."""
    return _FIELD.sub(lambda found: _filled(subject, found[1], latex=True), template)


def in_text(template: str, subject: object) -> str:
    """The sentence as plain text."""
    words = "".join(_names_as_text(part) if formula else part for formula, part in _parts(template))
    return _FIELD.sub(lambda found: _filled(subject, found[1], latex=False), words)


def fields(template: str) -> list[str]:
    """The attributes of the subject that a template prints."""
    return _FIELD.findall(template)


def _named(subject: object, field: str) -> Any:
    value = subject
    for name in field.split("."):
        value = getattr(value, name)
    return value


def _filled(subject: object, field: str, *, latex: bool) -> str:
    value = _named(subject, field)
    if isinstance(value, str):  # a word that the check decides by
        return value
    spoken = getattr(value, "in_latex" if latex else "in_text", None)
    if spoken is not None:  # an object that has words of its own
        return str(spoken())
    if not latex:
        return notation.text(value)
    each = value if isinstance(value, tuple | list) else (value,)
    return ", ".join(f"${notation.latex(part)}$" for part in each)  # a line may end between them


def _parts(template: str) -> list[tuple[bool, str]]:
    """Formulas (True) and words, in turn."""
    return [(bool(i % 2), part) for i, part in enumerate(template.split("$"))]


# Names and relations that may stand between dollar signs, and how a terminal shows them.
NAMES = {
    r"\beta": "β", r"\alpha": "α", r"\gamma": "γ", r"\lambda": "λ", r"\nu": "ν", r"\theta": "θ", r"\rho": "ρ", r"\eta": "η",
    r"\epsilon": "ε", r"\tau": "τ",
    r"\sigma": "σ", r"\phi": "φ", r"\infty": "∞", r"\to": "→", r"\le": "≤", r"\ge": "≥", r"\ne": "≠", r"\approx": "≈",
    r"\sim": "~", r"\in": "∈", r"\circ": "∘", r"\cdot": "·", r"\sum": "Σ", r"\int": "∫", r"\arg": "arg", r"\min": "min",
    r"\max": "max", r"\sup": "sup", r"\inf": "inf", r"\top": "T", r"\|": "‖", r"\ ": " ", r"\,": " ", r"\quad": "  ",
    r"\Rightarrow": "⇒", r"\partial": "∂", r"\log": "log", r"\nabla": "∇", r"\ell": "ℓ", r"\mathcal": "", r"\text": "",
    r"\dot": "", r"\tilde": "", r"\langle": "⟨", r"\rangle": "⟩", r"\{": "{", r"\}": "}",
}  # fmt: skip
_COMMAND = re.compile(r"\\[A-Za-z]+|\\.")
# Names that hold a number or a sign: norms, layers, pathways, a time, the auxiliary task.
_NUMBERED = re.compile(
    r"\\ell_(?:1|2|\{1,2\})|F_\{1,2\}|\^\{\((?:1|2)\)\}|\(0\)|_\{?(?:\\pm|[+-])\}?|\^(?:\\top|\{aux\}|\{?\*\}?)"
)
# Numbers that name a place in a text, and a name that has one.
_PLACES = re.compile(
    r"(?:Eqs?\.|[Ss]ections?|Appendix|Corollary|Figs?\.|Figures?|Theorem|footnote) ?[0-9A-G][0-9a-z.]*"
    r"(?:(?:,| and| to|-) ?[0-9]+[a-z]?)*|ResNet-18|CIFAR-100|VGG-11"
)
_SUBSCRIPTS = str.maketrans("012345678+-", "₀₁₂₃₄₅₆₇₈₊₋")


def _names_as_text(latex: str) -> str:
    shown = latex.replace(r"\ell_{1,2}", "ℓ₁,₂").replace("^{aux}_d", "_aux,d").replace("^{aux}", "_aux").replace(r"^\top", "ᵀ")
    shown = _COMMAND.sub(lambda found: NAMES.get(found[0], found[0]), shown)
    shown = re.sub(r"_\{?([0-9+-])\}?", lambda found: found[1].translate(_SUBSCRIPTS), shown)
    return shown.replace("{", "").replace("}", "")


# What words may not hold: numbers, by digits or as factors in words, and signs of formulas.
_UNSAID = re.compile(
    r"[0-9]+|[=<>^*/×÷·√≤≥≈±²³½¼¾]|\b(?:half|halved|twice|thrice|doubled?|tripled?|quarter|thirds?|fourth|fifth|tenths?|"
    r"squared?|squares|cubed?|cubes|one|two|three|four|five|six|seven|eight|nine|ten|hundred|thousand|million)\b"
)
# Names and pronouns that hold such a word and state no quantity.
_HARMLESS = re.compile(
    r"\bsquared (?:norm|errors?|residuals|weights)\b|\b(?:at least|for|only|no|the|each|one by|than the|if the smaller) one\b"
    r"|\bone (?:of|by|another|predictor|pathway|constant|output|entry|field|combination|readout|margin|see|sees|with|the)\b"
    r"|\b(?:lazy|rich|printed|stated|smaller|larger|that|auxiliary|new|reused|this|other) one\b"
    r"|\btwo (?:tasks|outputs|inputs|orders|hidden units|losses|crossings|coefficients)\b"
    r"|\b(?:of|between) the two\b|\bthe two (?:are|coefficients|orders)\b"
)


def unproved(template: str) -> list[str]:
    """What a sentence prints that no check stands behind: numbers among its words, and more than names in its formulas."""
    found = ["$"] if template.count("$") % 2 else []
    for formula, part in _parts(_FIELD.sub("", template)):
        if formula:
            rest = _NUMBERED.sub("", part)
            found += [command for command in _COMMAND.findall(rest) if command not in NAMES]
            found += re.findall(r"[0-9]+|[-+*/^]", _COMMAND.sub("", rest))
        else:
            found += _UNSAID.findall(_HARMLESS.sub("", _PLACES.sub("", part)))
    return found


# Fields that say for which sizes or ranges a statement holds, and the words for them.
SIZES = {
    "inputs": "inputs", "samples": "samples", "outputs": "outputs", "layers": "layers", "units": "units", "kept": "kept",
    "others": "others", "features": "features", "overlap": "shared features", "k_main": "main features",
    "draws": "random problems", "realisations": "realisations", "scales": "weights", "ratios": "norms", "rescale": "rescaling",
    "low": "from", "high": "to", "aux": "auxiliary weight", "alpha": "α", "gamma": "γ",
}  # fmt: skip


def sizes(template: str, subject: object) -> str:
    """For which sizes and ranges a statement is said to hold: those of its fields that are such numbers."""
    found: dict[str, dict[str, None]] = {}
    for field in fields(template):
        name, value = field.split(".")[-1], _named(subject, field)
        if name in SIZES and not any(formula.free_symbols for formula in _formulas(value)):
            each = value if isinstance(value, tuple | list) else (value,)
            found.setdefault(SIZES[name], {}).update(dict.fromkeys(map(_as_text, each)))
    return "; ".join(f"{name} {', '.join(values)}" for name, values in found.items())


def _as_text(value: Any) -> str:
    return str(value.in_text()) if hasattr(value, "in_text") else value if isinstance(value, str) else notation.text(value)


def rendered(template: str, subject: object) -> Statement:
    """A template filled by a subject."""
    return Statement(in_latex(template, subject), in_text(template, subject))


def assumptions(*subjects: object) -> Statement | None:
    """What is assumed of the symbols in some subjects' formulas, read off the symbols; None if they have none."""
    found = notation.assumed(formula for subject in subjects for formula in _formulas(subject))
    if not found:
        return None
    latex = "; ".join(f"{', '.join(f'${notation.latex(each)}$' for each in symbols)} {kind}" for kind, symbols in found.items())
    return Statement(latex, "; ".join(f"{', '.join(map(notation.text, symbols))} {kind}" for kind, symbols in found.items()))


def _formulas(subject: object) -> Iterator[Any]:
    """The sympy formulas that a subject holds, however deep."""
    if hasattr(subject, "free_symbols"):
        yield subject
    elif isinstance(subject, Mapping):
        yield from _formulas(tuple(subject.values()))
    elif isinstance(subject, tuple | list):
        for part in subject:
            yield from _formulas(part)
    elif hasattr(subject, "__dict__"):
        yield from _formulas(tuple(vars(subject).values()))
