"""The page of the command line: what `--help` of each command prints."""

from pathlib import Path

import click
import typer.main
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

from normtheory.cli.app import app as door

PAGE = "commands.rst"
WIDTH = 100


def write_page(app: Sphinx) -> None:
    """Write the page below the sources, if it has changed."""
    command = typer.main.get_command(door)
    lines = ["Command line", "============", "", "What ``normtheory --help`` and ``normtheory COMMAND --help`` say.", ""]
    for name, each in sorted(getattr(command, "commands", {}).items()):
        lines += [name, "-" * len(name), "", ".. code-block:: text", "", *_indented(_help(each, name)), ""]
    path, text = Path(app.srcdir) / PAGE, "\n".join(lines)
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def _help(command: click.Command, name: str) -> str:
    context = click.Context(command, info_name=f"normtheory {name}", max_content_width=WIDTH, terminal_width=WIDTH)
    return click.Command.get_help(command, context)


def _indented(text: str) -> list[str]:
    return [f"   {line}".rstrip() for line in text.splitlines()]


def setup(app: Sphinx) -> ExtensionMetadata:
    """Called by Sphinx."""
    app.connect("builder-inited", write_page)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
