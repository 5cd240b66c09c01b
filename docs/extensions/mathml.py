"""Formulas as MathML, which browsers set themselves: no script, no font and no other machine is needed to read a page.

The converter is the one that the report of the ledger uses (`normtheory.audit.formulas`): a formula looks the same in both.
"""

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata
from sphinx.writers.html5 import HTML5Translator

from normtheory.audit import formulas


def _inline(translator: HTML5Translator, node: nodes.math) -> None:
    translator.body.append(f'<span class="math">{formulas.sentence(f"${node.astext()}$")}</span>')
    raise nodes.SkipNode


def _block(translator: HTML5Translator, node: nodes.math_block) -> None:
    displayed = str(formulas.mathml(node.astext())).replace('display="inline"', 'display="block"')
    translator.body.append(translator.starttag(node, "div", CLASS="math"))
    translator.body.append(f"{displayed}</div>")
    raise nodes.SkipNode


def setup(app: Sphinx) -> ExtensionMetadata:
    """Called by Sphinx."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
