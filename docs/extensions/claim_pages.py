"""A page for each claim, made from the ledger: what is printed there is what the check found when the site was built.

Claims that were checked before are not checked again unless something that they may rest on has changed, as with
`normtheory verify`. The address of a page is the id of its claim, which is part of the public interface.
"""

from collections import Counter
from pathlib import Path

import jinja2
from docutils import nodes
from pages import write
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError
from sphinx.roles import XRefRole
from sphinx.util import logging
from sphinx.util.typing import ExtensionMetadata

from normtheory.audit import formulas, report, stored
from normtheory.audit.claims import CATALOGUE, Verdict, claims, section
from normtheory.audit.judging import SIZE, Entry
from normtheory.audit.running import run
from normtheory.machine import processors

FOLDER = "claims"
CUT_OFF_S = 600.0  # of a claim; a machine that builds a site may be busy
PICTURES = {"cor1": "corollary1.svg", "eq3": "fig1a.svg", "eq5": "fig1a.svg", "q-sensitive": "fig1a.svg"}
logger = logging.getLogger(__name__)


def entries() -> list[Entry]:
    """Every claim, judged now or since anything that it may rest on has changed.

    Raises
    ------
    ExtensionError
        If one is not as it should be: such a site is not built.
    """
    order = list(claims())
    found = {name: entry for name in order if stored.usable() and (entry := stored.stored(name)) is not None}
    waiting = [name for name in order if name not in found]
    for count, entry in enumerate(run(waiting, jobs=processors(), limit=CUT_OFF_S) if waiting else (), 1):
        logger.info("checked %d of %d claims: %s %s", count, len(waiting), entry.id, entry.verdict.value)
        found[entry.id] = entry
        if stored.usable():
            stored.store(entry)
    if wrong := [f"{entry.id}: {'; '.join(entry.problems)}" for entry in found.values() if not entry.ok]:
        raise ExtensionError("claims are not as expected. " + " ".join(wrong))
    return [found[name] for name in order]


def write_pages(app: Sphinx) -> None:
    """Write the page of every claim, and the list of them, below the sources; files that stay the same are not touched."""
    folder = Path(app.srcdir) / FOLDER
    judged, registered = entries(), claims()
    environment = jinja2.Environment(
        loader=jinja2.ChoiceLoader(
            [jinja2.FileSystemLoader(Path(app.srcdir) / "templates"), jinja2.PackageLoader("normtheory.audit")]
        ),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {
        "groups": report.groups,
        "marks": report.MARKS,
        "meanings": report.MEANINGS,
        "said": formulas.sentence,
        "equation": formulas.equation,
        "size": SIZE.rstrip(": "),
    }
    pages = {entry.id: _page(environment, entry, app) for entry in judged}
    sections: dict[str, list[Entry]] = {}
    for entry in judged:
        sections.setdefault(section(registered[entry.id]), []).append(entry)
    counts = Counter(entry.verdict for entry in judged)
    pages["index"] = environment.get_template("claims.rst.j2").render(
        entries=judged, sections=sections, counts=[(verdict, counts[verdict]) for verdict in Verdict if counts[verdict]]
    )
    write(folder, pages)
    logger.info("%d claims, from %s", len(judged), ", ".join(CATALOGUE))


def _page(environment: jinja2.Environment, entry: Entry, app: Sphinx) -> str:
    picture = PICTURES.get(entry.id, f"{entry.id}.svg")
    shown = picture if (Path(app.srcdir) / "pictures" / picture).exists() else ""
    return environment.get_template("claim.rst.j2").render(entry=entry, picture=shown, line="=" * len(entry.id))


class ClaimRole(XRefRole):
    """``{claim}`cor1``` links to the page of a claim; one that does not exist is a warning, hence an error."""

    def process_link(
        self, env: BuildEnvironment, refnode: nodes.Element, has_explicit_title: bool, title: str, target: str
    ) -> tuple[str, str]:
        """Title and target of the link."""
        refnode["reftype"], refnode["refdomain"] = "doc", "std"
        refnode["refexplicit"] = True
        return title, f"/{FOLDER}/{target}"


def setup(app: Sphinx) -> ExtensionMetadata:
    """Called by Sphinx."""
    app.connect("builder-inited", write_pages)
    app.add_role("claim", ClaimRole(innernodeclass=nodes.literal, warn_dangling=True))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
