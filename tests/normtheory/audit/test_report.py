import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from functools import cache

import pytest
from markupsafe import escape

from normtheory.audit import formulas, report
from normtheory.audit.claims import Claim, Verdict, claims
from normtheory.audit.judging import SIZE, run_claim

CLAIMS = claims()


@cache
def entries():
    return [run_claim(CLAIMS[name]) for name in ("q-small", "q-decreasing", "stationarity")]


def test_the_page_holds_everything_and_needs_no_network():
    page = report.html(entries())
    for entry in entries():
        assert f'<article id="{entry.id}"' in page
        assert page.count(f'href="#{entry.id}"') == 1
        for part in report.parts(entry):
            assert all(str(escape(step.text)) in page for step in part.evidence.steps)
        assert all(str(escape(twin.name)) in page for twin in entry.twins)
    assert not re.findall(r"""(?:src|href)=["'](?!#|data:)""", page)
    assert "http" not in page.replace("http://www.w3.org/1998/Math/MathML", "").replace("http://www.w3.org/2000/svg", "")
    assert "2 corrected" not in page
    assert page.count("<tr class=") == len(entries())


def test_a_problem_is_shown():
    def check(proof, value):
        proof.equal("x <b>is</b> x", value, 1)

    fields = {"id": "odd<id>", "where": "here", "statement": "1 < 2", "source": "me & you", "expected": Verdict.REFUTED}
    claim = Claim(**fields, check=check, printed=1, twins={"same": 1}, control=("also", 1))
    entry = run_claim(claim)
    page = report.html([entry])
    assert "the false twin survived: same" in page
    assert "1 not as expected" in page
    assert "<b>is</b>" not in page
    assert "odd&lt;id&gt;" in page
    assert r"me \& you" in report.tex([entry])


@pytest.mark.parametrize("name", CLAIMS)
def test_every_statement_can_be_set(name):
    for latex in filter(None, (CLAIMS[name].statement, CLAIMS[name].corrected_statement)):
        page = str(formulas.statement(latex))
        assert "\\" not in page, f"a command is left in {page}"
        ET.fromstring(f"<p>{page}</p>".replace("&nbsp;", " "))
        words = re.sub(r"\s", "", "".join(re.findall(r"\\text\{([^{}]*)\}", latex)))
        assert set(words) <= set(re.sub(r"\s", "", "".join(ET.fromstring(f"<p>{page}</p>").itertext())))


def test_every_step_can_be_set():
    for entry in entries():
        for part in report.parts(entry):
            for step in part.evidence.steps:
                ET.fromstring(str(formulas.formula(step)))


def test_lines_can_break_between_the_parts_of_a_statement():
    page = str(formulas.statement(r"\text{if}\ a^{2 = x} = b\ \text{then c}"))
    assert page.count("<math") == 2
    assert "if <math" in page
    assert page.endswith("then c")


def test_long_equations_are_shown_as_text():
    step = entries()[0].printed.steps[0]
    long = type(step)(step.text, "x < y", "x" * (formulas.LONGEST_FORMULA + 1), step.truth, step.strength, step.detail)
    assert str(formulas.formula(long)) == "<code>x &lt; y</code>"


def test_the_latex_is_balanced():
    text = report.tex(entries())
    plain = re.sub(r"\\[{}\\]", "", text)
    assert plain.count("{") == plain.count("}")
    for name in ("document", "enumerate", "itemize", "longtable", "description"):
        assert text.count(f"\\begin{{{name}}}") == text.count(f"\\end{{{name}}}")
    assert "<<" not in text
    assert "<%" not in text


def test_a_correction_says_how_much_it_matters_above_its_derivations():
    found = {entry.id: entry for entry in entries()}
    for name in ("q-small", "stationarity"):
        said = found[name].size.notes[0]
        for text, shown in ((report.html(entries()), str(escape(said))), (report.tex(entries()), formulas.escaped(said))):
            assert text.count(shown) == 1
        assert str(escape(SIZE.rstrip(": "))) in report.html([found[name]])
    assert found["q-decreasing"].size is None
    assert SIZE.rstrip(": ") not in report.tex([found["q-decreasing"]])


def test_a_line_may_break_in_long_brackets_only():
    long = " + ".join(["x"] * formulas.SHORT_BRACKET)
    assert formulas.breakable(rf"\left({long}\right)^{{2}} \leftarrow 1") == rf"({long})^{{2}} \leftarrow 1"
    assert formulas.breakable(rf"\left|{long}\right|") == rf"\lvert {long}\rvert "
    assert formulas.breakable(rf"\left\{{{long}\right.") == rf"\{{{long}"
    assert formulas.breakable(rf"\left(\left(a + b\right) + {long}\right)") == rf"(\left(a + b\right) + {long})"
    for kept in (r"\left(a + b\right)", rf"\left(\frac{{{long}}}{{2}}\right)", rf"\frac{{\left({long}\right)}}{{2}}"):
        assert formulas.breakable(kept) == kept


def test_breaking_keeps_every_bracket():
    for entry in entries():
        for part in report.parts(entry):
            for step in part.evidence.steps:
                text = formulas.breakable(step.latex)
                assert text.count(r"\left") == text.count(r"\right")
                assert re.sub(r"\\(left|right)|\s|\\[lr]vert|\|", "", text) == re.sub(r"\\(left|right)|\s|\|", "", step.latex)


def test_a_statement_runs_as_text_with_formulas():
    assert formulas.running(r"\text{if}\ a^{2 = x} = b\ \text{then 5 is}") == "if $a^{2 = x}$ $= b$ then 5 is"


@pytest.mark.parametrize("name", CLAIMS)
def test_running_statements_keep_their_words_and_brackets(name):
    for latex in filter(None, (CLAIMS[name].statement, CLAIMS[name].corrected_statement)):
        text = formulas.running(latex)
        assert text.count("$") % 2 == 0
        for words in re.findall(r"\\text\{([^{}]*)\}", latex):
            assert words in text
        for formula in re.sub(r"\\[{}]", "", text).split("$")[1::2]:
            assert formula.count("{") == formula.count("}")


def test_what_cannot_be_broken_is_set_as_text_in_print():
    step = entries()[0].printed.steps[0]

    def long(latex):
        return formulas.long_in_print(type(step)(step.text, "x", latex, step.truth, step.strength, step.detail))

    assert long(rf"\frac{{{'x' * formulas.LONGEST_UNBROKEN}}}{{y}} = 1")
    assert not long(" + ".join(["x" * (formulas.LONGEST_UNBROKEN // 2)] * 3))


# The project needs no LaTeX; what the test above it holds without one is that long formulas are broken.
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_no_line_runs_over_the_margin(tmp_path):
    """eq10 has the longest sums, exact-probing the widest fractions, q-large a statement with words."""
    shown = [*entries(), *(run_claim(CLAIMS[name]) for name in ("eq10", "exact-probing", "q-large"))]
    (tmp_path / "report.tex").write_text(report.tex(shown))
    run = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "report.tex"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-2000:]
    assert "Overfull" not in (tmp_path / "report.log").read_text()


def test_both_files_are_written_with_pictures(tmp_path):
    (tmp_path / "p.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    paths = report.write_report(entries(), tmp_path, {"q-small": tmp_path / "p.svg"})
    assert [path.name for path in paths] == ["report.html", "report.tex"]
    assert "data:image/svg+xml;base64," in paths[0].read_text()
    assert r"\includegraphics[width=\linewidth]{p.png}" in paths[1].read_text()
