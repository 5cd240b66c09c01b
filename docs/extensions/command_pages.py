"""The page of the command line: what `--help` of each command prints."""

from pathlib import Path

import typer.main
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util.typing import ExtensionMetadata
from typer.testing import CliRunner

from normtheory.cli.app import app as door

PAGE = "commands.rst"
WIDTH = 100


def write_page(app: Sphinx) -> None:
    """Write the page below the sources, if it has changed."""
    command = typer.main.get_command(door)
    lines = ["Command line", "============", "", "What ``normtheory --help`` and ``normtheory COMMAND --help`` say.", ""]
    for name in sorted(getattr(command, "commands", {})):
        lines += [name, "-" * len(name), "", ".. code-block:: text", "", *_indented(_help(name)), ""]
    path, text = Path(app.srcdir) / PAGE, "\n".join(lines)
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def _help(name: str) -> str:
    said = CliRunner().invoke(door, [name, "--help"], env={"COLUMNS": str(WIDTH)}, prog_name="normtheory")
    if said.exit_code:
        raise ExtensionError(f"normtheory {name} --help ends with {said.exit_code}: {said.output}")
    return said.output


def _indented(text: str) -> list[str]:
    return [f"   {line}".rstrip() for line in text.splitlines()]


def setup(app: Sphinx) -> ExtensionMetadata:
    """Called by Sphinx."""
    app.connect("builder-inited", write_page)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
