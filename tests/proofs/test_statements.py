"""What is printed is what is checked, over every claim: templates, fields, words.

That a field is connected with the check is tested by making it wrong: see `perturbations`.
"""

import ast
import itertools
import re
from pathlib import Path

import pytest
from perturbations import recorded

from normtheory.audit.claims import claims
from normtheory.audit.judging import judge
from normtheory.audit.statements import fields, unproved

ROOT = Path(__file__).resolve().parents[2]
CLAIMS = claims("normtheory.proofs")
FILES = sorted(path for path in (ROOT / "proofs").glob("*.py") if not path.name.startswith("__"))


@pytest.mark.parametrize("name", CLAIMS)
def test_templates_hold_nothing_that_no_check_stands_behind(name):
    claim = CLAIMS[name]
    for template in filter(None, (claim.statement, claim.corrected_statement, *claim.reads, *claim.granted)):
        assert unproved(template) == [], template


@pytest.mark.parametrize("name", CLAIMS)
def test_every_printed_field_is_read_by_the_check(name):
    claim = CLAIMS[name]
    subjects = [subject for subject in (claim.printed, claim.exact, claim.corrected) if subject is not None]
    templates = (claim.statement, claim.template_of_siblings, *claim.reads, *claim.granted)
    printed = {field.partition(".")[0] for template in templates for field in fields(template)}
    seen: set[str] = set()
    for subject in subjects:
        judge(claim.check, recorded(subject, seen), claim.id)
    assert printed <= seen


# Words in the files of claims: strings that are printed, so neither docstrings nor citations nor spellings of symbols.

FREE = {"where", "source", "id", "latex", "text"}  # keywords whose strings are citations or spellings
NAMING = {"symbol", "symbols", "Symbol", "getattr"}
NAMES = re.compile(rf"\bl[12]\b|float64|β\(0\)|{'|'.join(sorted(map(re.escape, CLAIMS), key=len, reverse=True))}")
EQUAL_NAMES = re.compile(r"(?<=[^\W\d]|\|) = (?=[^\W\d]|\|)")
FACTORS = re.compile(r"[a-z]+")  # of factors and powers in words: steps print their formulas, twins hold them


def spared(tree):
    """The nodes whose strings are no words of ours."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef) and isinstance(node.body[0], ast.Expr):
            yield node.body[0]  # a docstring
        elif isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            yield from [node] if called in NAMING else []
        elif isinstance(node, ast.Assign):
            yield from [node] if "SOURCE" in ast.unparse(node.targets[0]) else []
        elif isinstance(node, ast.keyword):
            yield from [node] if node.arg in FREE else []
        elif isinstance(node, ast.FormattedValue):
            yield from [node.format_spec] if node.format_spec else []


def words(tree):
    """The strings of a module that are words: with a space in them, and no half of a template or spelling in LaTeX."""
    others = {inside for node in spared(tree) for inside in ast.walk(node)}
    before_a_number = {
        part
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part, after in itertools.pairwise(node.values)
        if isinstance(after, ast.FormattedValue)
    }
    for node in ast.walk(tree):
        text = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in others else ""
        if " " in text and text.count("$") % 2 == 0 and ("\\" not in text or "$" in text):
            yield node.lineno, text.rstrip(" =±≤≥<>") if node in before_a_number else text


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_words_hold_no_numbers_and_no_formulas(path):
    """Numbers enter as values of placeholders. Names of twins may say twice and half: what they say is in their subjects."""
    found = [
        f"{path.name}:{line}: {text}: {wrong}"
        for line, text in words(ast.parse(path.read_text()))
        if (wrong := [part for part in unproved(EQUAL_NAMES.sub(" ", NAMES.sub("", text))) if not FACTORS.fullmatch(part)])
    ]
    assert found == []
