"""The page of benchmarks: their rows as a table between two marks of a Markdown file, below what they were measured with."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

from benchmarks.timing import Row
from normtheory.audit.table import between

START, END = "<!-- times -->\n", "<!-- end of times -->\n"
PACKAGES = ("numpy", "scipy", "cvxpy", "clarabel", "ecos", "scikit-learn", "skglm", "diffrax", "jax", "torch")


def inserted(document: str, rows: Sequence[Row]) -> str:
    """The document with the table in its place.

    Raises
    ------
    ValueError
        If the document does not mark the place.
    """
    return between(document, START, END, f"\n{measured_with()}\n\n{table(rows)}")


def measured_with() -> str:
    """Kernels of BLAS, and the versions of what takes part."""
    from threadpoolctl import threadpool_info

    libraries = [library for library in threadpool_info() if library["user_api"] == "blas"]
    kernels = sorted({str(library.get("architecture", library["internal_api"])) for library in libraries})
    return f"Kernel of BLAS: {', '.join(kernels)}; one thread. " + ", ".join(filter(None, map(_versioned, PACKAGES))) + "."


def table(rows: Sequence[Row]) -> str:
    """One line a row; the problem is named once."""
    lines, last = ["| problem | method | seconds | ratio | what it took, and how close it came |", "|---|---|---|---|---|"], ""
    for row in rows:
        ratio = "" if row.ratio is None else f"{row.ratio:.3g}"
        seconds = "" if row.seconds != row.seconds else f"{row.seconds:.3g}"
        named = "" if row.problem == last and row.ratio is not None else row.problem
        lines.append(f"| {named} | {row.method} | {seconds} | {ratio} | {row.note} |")
        last = row.problem
    return "\n".join(lines)


def _versioned(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return ""
