"""Claims that lack something, and how modules and packages of claims are found."""

import sys
import textwrap

import pytest

from normtheory.arrays import InputError
from normtheory.audit import claims as registry
from normtheory.audit.claims import CATALOGUE, Claim, Verdict, claims, find, names, section

FILE = '''
    """Some section: what is claimed in it."""

    from normtheory.audit.claims import Verdict, claim

    for letter in LETTERS:
        @claim(
            id=letter, where="here", statement="s", printed=1, twins={"two": 2}, expected=Verdict.PROVED, source="me"
        )
        def check(proof, subject):
            proof.equal("itself", subject, 1)
'''


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package that names its modules and imports none of them."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(registry, "_registry", {})
    (tmp_path / "claimed").mkdir()
    (tmp_path / "claimed" / "__init__.py").write_text("__all__ = ['second', 'first']\n")
    for module, letters in (("first", ["abcd"]), ("second", ["abce", "abcf", "abcg"])):
        text = textwrap.dedent(FILE).replace("LETTERS", repr(letters))
        (tmp_path / "claimed" / f"{module}.py").write_text(text)
    yield "claimed"
    for name in [name for name in sys.modules if name.partition(".")[0] == "claimed"]:
        del sys.modules[name]


@pytest.mark.parametrize("missing", ["id", "where", "statement", "source"])
def test_a_claim_says_what_where_and_who(missing):
    fields = {"id": "i", "where": "w", "statement": "s", "source": "me"} | {missing: ""}
    with pytest.raises(ValueError, match="lacks an id, a place, a statement or a source"):
        Claim(**fields, check=print, printed=1, twins={"two": 2}, expected=Verdict.PROVED)


def test_the_modules_of_a_package_are_imported_in_its_order(package):
    assert list(claims(package)) == ["abce", "abcf", "abcg", "abcd"]
    assert list(claims([f"{package}.first", f"{package}.second"])) == ["abcd", "abce", "abcf", "abcg"]
    assert names() == names(None) == CATALOGUE
    assert names(package) == ("claimed",)


def test_near_misses_are_three_at_most(package):
    with pytest.raises(InputError, match=r"no claim is called 'abc'; did you mean abc. or abc. or abc.[?]$"):
        find("abc", package)


def test_a_section_is_what_the_docstring_of_its_module_says_before_the_colon(package, monkeypatch):
    found = find("abcd", package)
    assert section(found) == "Some section"
    monkeypatch.setattr(sys.modules["claimed.first"], "__doc__", None)
    assert section(found) == "claimed.first"
