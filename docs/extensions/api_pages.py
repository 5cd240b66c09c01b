"""A page for each module, from its docstrings, and lists of modules for each room: the reference of the Python interface.

Modules are found in the folders, through the links to the rooms; `__main__` files and the command line are no interface.
"""

import ast
import inspect
import re
from pathlib import Path

from pages import write
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

import normtheory

FOLDER = "api"
LEFT_OUT = ("__main__", "cli")
# Plain text that would be markup in a docstring: |beta| substitutes, w_ and *args point to something.
_CODE = re.compile(r"(``.+?``|`[^`]+`|\*\*[^*]+\*\*)")
_MARKUP = re.compile(r"(?<!\\)([|*]|(?<=\w)_(?=[^\w]|$))")


def write_pages(app: Sphinx) -> None:
    """Write a page for every module below the sources."""
    folder = Path(app.srcdir) / FOLDER
    modules = dict(sorted(_modules(Path(normtheory.__file__).parent, "normtheory")))
    pages = {name: _page(name, path, modules) for name, path in modules.items()}
    write(folder, pages)


def _modules(folder: Path, package: str) -> list[tuple[str, Path]]:
    found = [(package, folder / "__init__.py")]
    for path in folder.iterdir():
        if path.stem in LEFT_OUT:
            continue
        if (path / "__init__.py").exists():
            found += _modules(path, f"{package}.{path.name}")
        elif path.suffix == ".py" and path.stem != "__init__":
            found.append((f"{package}.{path.stem}", path))
    return found


def _page(name: str, path: Path, modules: dict[str, Path]) -> str:
    inside = [other for other in modules if other.rpartition(".")[0] == name]
    package = path.stem == "__init__"
    lines = [name, "=" * len(name), "", f".. automodule:: {name}", *(["   :no-members:"] if package else []), ""]
    for other in inside:
        lines += [f":doc:`{other}`", f"   {_first_line(modules[other])}", ""]
    if inside:
        lines += [".. toctree::", "   :hidden:", "", *(f"   {other}" for other in inside), ""]
    return "\n".join(lines)


def _first_line(path: Path) -> str:
    said = ast.get_docstring(ast.parse(path.read_text())) or ""
    return _plain(" ".join(said.partition("\n\n")[0].split()))


def _plain(text: str) -> str:
    """Text whose bars, stars and last underscores are signs, not markup; code between backticks stays as it is."""
    parts = _CODE.split(text)
    return "".join(part if place % 2 else _MARKUP.sub(r"\\\1", part) for place, part in enumerate(parts))


def _escape(app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]) -> None:
    code = None  # the indentation of the paragraph that opened a literal block
    for number, line in enumerate(lines):
        indentation = len(line) - len(line.lstrip())
        if code is not None and line.strip() and indentation <= code:
            code = None
        if code is None:
            lines[number] = _plain(line)
            if line.rstrip().endswith("::"):
                code = indentation


def _skip(app: Sphinx, what: str, name: str, thing: object, skip: bool, options: object) -> bool | None:
    """Fields of named tuples are described where their class is; functions of C, and what scikit-learn adds, are not ours."""
    added = re.fullmatch(r"set_\w+_request", name) is not None
    field = (getattr(thing, "__doc__", None) or "").startswith("Alias for field number")
    return True if field or added or inspect.isbuiltin(thing) else None


def setup(app: Sphinx) -> ExtensionMetadata:
    """Called by Sphinx."""
    app.connect("builder-inited", write_pages)
    app.connect("autodoc-process-docstring", _escape, priority=400)  # before numpydoc
    app.connect("autodoc-skip-member", _skip)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
