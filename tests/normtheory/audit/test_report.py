import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from functools import cache

import pytest
import sympy as sp
from ledger import TRUE, make, square, x
from markupsafe import escape

from normtheory.audit import formulas, notation, report
from normtheory.audit.claims import Claim, Verdict, claims
from normtheory.audit.judging import SIZE, run_claim
from normtheory.audit.statements import Said
from normtheory.audit.steps import Theorem

CATALOGUE = "normtheory.proofs.q_facts"
CLAIMS = claims(CATALOGUE)
PRINTED = Said(right=x**2 + x + 1)


def opened(proof, stated):
    """A check that shares its opening, argues, measures, and says what it found."""
    with proof.lemma("squares & products"):
        proof.equal("the square of a difference", (x - 1) ** 2, x**2 - 2 * x + 1)
        proof.positive("a root", sp.sqrt(x / (1 + x)))
    square(proof, stated)
    proof.argue("for every sum", Theorem.LINEARITY)
    proof.within("and in floats", 1.5e-9, 1e-6)
    proof.note("Measured 3 % < 5 %.")


@cache
def entries():
    corrected = make(
        id="corrected",
        check=opened,
        printed=PRINTED,
        exact=Said(right=x),
        corrected=Said(right=TRUE),
        expected=Verdict.CORRECTED,
        siblings={"factored": Said(right=(x + 1) ** 2)},
        reads=("a sum: of <right>",),
        granted=("both runs end",),
        size=lambda printed, instead: f"{printed.right} for {instead.right}, 50 % off.",
    )
    run = [run_claim(corrected), run_claim(make(id="other", check=opened, expected=Verdict.CONFIRMED))]
    return [*run, *(run_claim(CLAIMS[name]) for name in ("q-facts-bounds", "q-facts-series"))]


def test_the_page_holds_everything_and_needs_no_network():
    page = report.html(entries())
    for entry in entries():
        assert f'<article id="{entry.id}"' in page
        assert page.count(f'href="#{entry.id}"') == 1
        for _, _, evidence in entry.judged:
            assert all(str(escape(step.text)) in page for step in evidence.steps)
        for said in (entry.statement, *(other.statement for other in entry.others)):
            assert str(formulas.sentence(said.latex)) in page
    assert not re.findall(r"""(?:src|href)=["'](?!#|data:)""", page)
    assert "http" not in page.replace("http://www.w3.org/1998/Math/MathML", "").replace("http://www.w3.org/2000/svg", "")
    assert page.count("<tr class=") == len(entries())


def test_what_is_assumed_read_and_taken_for_granted_is_set():
    page, tex = report.html(entries()[:1]), report.tex(entries()[:1])
    right = formulas.sentence(f"${notation.latex(TRUE)}$")
    assert f'<p class="given">With {formulas.sentence("$x$")} positive.</p>' in page
    assert f'<p class="given">Read as: a sum: of {right}.</p>' in page
    assert "Taken for granted: both runs end." in page
    assert r"\noindent With $x$ positive." in tex
    assert r"\noindent Read as: a sum: of $x^{2} + 2 x + 1$." in tex
    assert "Taken for granted: both runs end." in tex


def test_counterexamples_are_set_as_formulas():
    entry = entries()[0]
    point = re.search(r"at \$x = [^$]*\$: left = \$[^$]*\$, right = \$[^$]*\$", entry.printed.said.latex)[0]
    assert str(formulas.sentence(point)) in report.html([entry])
    assert point in report.tex([entry])


def test_the_exact_statement_stands_above_its_derivation():
    entry = entries()[0]
    assert f"<h3>For the exact scale and start</h3>\n<p>{formulas.sentence(entry.exact_statement.latex)}</p>" in report.html(
        [entry]
    )


def test_a_problem_is_shown():
    def check(proof, stated):
        proof.equal("x <b>is</b> x", stated.x, 1)

    fields = {"id": "odd<id>", "where": "here", "statement": "it is <x>", "source": "me & you", "expected": Verdict.REFUTED}
    claim = Claim(**fields, check=check, printed=Said(x=1), twins={"same": Said(x=1)}, siblings={"also": Said(x=2)})
    entry = run_claim(claim)
    page = report.html([entry])
    assert "the false twin survived: same" in page
    assert "the true sibling was not accepted: also" in page
    assert "1 not as expected" in page
    assert "<b>is</b>" not in page
    assert "odd&lt;id&gt;" in page
    assert r"me \& you" in report.tex([entry])


# shared openings


def test_a_shared_opening_is_shown_once_and_referred_to():
    page = report.html(entries()[:2])
    assert page.count("the square of a difference") == 1
    assert page.count('id="opening-1"') == 1
    assert page.count('1–2. <a href="#opening-1">squares &amp; products</a>') == 4  # as printed, exactly, corrected; the other
    assert page.index('id="opening-1"') > page.rindex("</article>")
    tex = report.tex(entries()[:2])
    assert tex.count("the square of a difference") == 1
    assert tex.count(r"\label{opening-1}") == 1
    assert tex.count(r"\hyperref[opening-1]") == 4


def test_the_steps_after_it_keep_their_numbers():
    page = report.html(entries()[:2])
    assert page.count('<ol start="3">') == 4
    assert report.tex(entries()[:2]).count(r"\setcounter{enumi}{2}") == 4


def test_an_opening_of_one_derivation_stays_where_it_is():
    page = report.html([entries()[1]])
    assert '<p class="opening">squares &amp; products</p>\n<ol start="1">' in page
    assert "opening-1" not in page


def test_openings_are_shared_by_what_they_say():
    def otherwise(proof, stated):
        with proof.lemma("squares & products"):
            proof.equal("another opening of this name", x * x, x**2)
        square(proof, stated)

    page = report.html([entries()[1], run_claim(make(id="third", check=otherwise))])
    assert "another opening of this name" in page
    assert "the square of a difference" in page
    assert "opening-1" not in page


# paper and phone


def test_everything_is_open_without_script_and_before_it_is_printed():
    page = report.html(entries())
    assert page.count("<details open>") == page.count("<details") > len(entries())
    for needed in ("beforeprint", "afterprint", "details::details-content { content-visibility: visible; }"):
        assert needed in page


def test_a_narrow_screen_shows_cards():
    page = report.html(entries())
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in page
    assert re.search(r"@media \(max-width: 46rem\).*thead \{ display: none; \}.*tr \{ display: grid;", page, re.DOTALL)


# The project needs no browser; where there is one, what a reader holds in hand is looked at.
BROWSER = shutil.which("chromium")


@pytest.mark.skipif(BROWSER is None or shutil.which("pdftotext") is None, reason="chromium or pdftotext is not installed")
@pytest.mark.parametrize("script", [True, False])
def test_the_printed_page_holds_every_derivation(tmp_path, script):
    page = report.html(entries())
    (tmp_path / "page.html").write_text(page if script else re.sub("<script>.*?</script>", "", page, flags=re.DOTALL))
    command = [
        BROWSER,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--print-to-pdf=page.pdf",
        f"file://{tmp_path}/page.html",
    ]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=120)
    subprocess.run(["pdftotext", "page.pdf"], cwd=tmp_path, check=True)
    text = re.sub(r"\s+", " ", (tmp_path / "page.txt").read_text())
    for entry in entries():
        for _, _, evidence in entry.judged:
            assert [step.text for step in evidence.steps if step.text not in text] == []
        assert [other.name for other in entry.others if other.name not in text] == []


# formulas


@pytest.mark.parametrize("name", CLAIMS)
def test_every_statement_can_be_set(name):
    entry = run_claim(CLAIMS[name])
    for said in (entry.statement, entry.assumed, *(other.statement for other in entry.others)):
        page = f"<p>{formulas.sentence(said.latex)}</p>".replace("<wbr>", "")
        assert "\\" not in page, f"a command is left in {page}"
        shown = re.sub(r"\s", "", "".join(ET.fromstring(page).itertext()))
        for words in said.latex.split("$")[::2]:
            assert re.sub(r"\s", "", words) in shown
        assert re.sub(r"\\[{}]", "", formulas.printed(said.latex)).count("$") == said.latex.count("$")


def test_every_step_can_be_set():
    for entry in entries():
        for _, _, evidence in entry.judged:
            for step in evidence.steps:
                shown = formulas.equation(step) if step.latex else ""
                ET.fromstring(f"<p>{shown}{formulas.sentence(step.reason.latex)}</p>".replace("<wbr>", ""))


def test_lines_can_break_between_the_parts_of_a_formula():
    page = str(formulas.sentence(r"if $a^{2 = x} + w_+ - c = b$ then c & d"))
    assert page.startswith("if <math")
    assert page.endswith("then c &amp; d")
    pieces = page.split("<wbr>")
    assert len(pieces) == 4
    assert [bool(re.search('<mrow><mo form="infix">', piece)) for piece in pieces] == [False, True, True, False]


def test_a_sign_at_the_start_of_a_formula_is_no_sum():
    assert 'form="infix"' not in str(formulas.sentence(r"$-a$ or $\left(- b\right)$"))


def made(latex, equation="x"):
    step = entries()[0].printed.steps[0]
    return type(step)(step.text, equation, latex, step.truth, step.strength, step.detail)


def test_long_equations_are_shown_as_text():
    assert str(formulas.equation(made("x" * (formulas.LONGEST_FORMULA + 1), "x < y"))) == "<code>x &lt; y</code>"


def test_what_cannot_be_broken_is_set_as_text():
    assert formulas.too_long(made(rf"\frac{{{'x' * formulas.LONGEST_UNBROKEN}}}{{y}} = 1"))
    assert not formulas.too_long(made(" + ".join(["x" * (formulas.LONGEST_UNBROKEN // 2)] * 3)))


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
        for _, _, evidence in entry.judged:
            for step in evidence.steps:
                text = formulas.breakable(step.latex)
                assert text.count(r"\left") == text.count(r"\right")
                assert re.sub(r"\\(left|right)|\s|\\[lr]vert|\|", "", text) == re.sub(r"\\(left|right)|\s|\|", "", step.latex)


# print


def test_the_latex_is_balanced():
    text = report.tex(entries())
    plain = re.sub(r"\\[{}\\]", "", text)
    assert plain.count("{") == plain.count("}")
    for name in ("document", "enumerate", "itemize", "longtable", "description", "quote"):
        assert text.count(f"\\begin{{{name}}}") == text.count(f"\\end{{{name}}}")
    assert "<<" not in text
    assert "<%" not in text


def test_words_are_escaped_for_latex():
    assert formulas.printed("3 % of w₊ & σ², $w_+$ beside A_b") == r"3 \% of w$_{+}$ \& $\sigma$$^{2}$, $w_+$ beside A\_b"
    assert formulas.escaped("漢") == "[U+6F22]"


def test_a_correction_says_how_much_it_matters_above_its_derivations():
    corrected, other = entries()[:2]
    said = corrected.size.notes[0]
    for text, shown in ((report.html(entries()), str(escape(said))), (report.tex(entries()), formulas.escaped(said))):
        assert text.count(shown) == 1
    assert str(escape(SIZE.rstrip(": "))) in report.html([corrected])
    assert SIZE.rstrip(": ") not in report.tex([other])


# The project needs no LaTeX; what the test above it holds without one is that long formulas are broken.
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_no_line_runs_over_the_margin(tmp_path):
    """q-facts-homogeneity has the longest sums, q-facts-entropy the widest fractions."""
    shown = [*entries(), *(run_claim(CLAIMS[name]) for name in ("q-facts-homogeneity", "q-facts-entropy", "q-facts-rich"))]
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
    paths = report.write_report(entries(), tmp_path, {"corrected": tmp_path / "p.svg"})
    assert [path.name for path in paths] == ["report.html", "report.tex"]
    assert "data:image/svg+xml;base64," in paths[0].read_text()
    assert r"\includegraphics[width=\linewidth]{p.png}" in paths[1].read_text()
