"""How results print: a line or a few, and a table in notebooks, whatever the size of the arrays they hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields
from html import escape
from textwrap import wrap
from typing import Any, TypeVar

import numpy as np

from normtheory.arrays import InputError

T = TypeVar("T")

LONGEST_LINE = 110
INDENT = "    "
NEXT_LINE = f"\n{INDENT}"
STUCK = "\N{NO-BREAK SPACE}"
SMALL = 4  # entries of an array, or of a tuple, that are printed themselves


def shown(*names: str) -> Callable[[type[T]], type[T]]:
    """A class decorator: objects print as the class and these attributes, arrays among them by shape and size.

    Parameters
    ----------
    names : str
        Fields or properties (default: all fields of the data class or named tuple). A property that the object at hand does
        not have, which it says by an `InputError`, is left out.

    Returns
    -------
    callable
        Gives a class `__repr__` and, for notebooks, `_repr_html_`, and returns it.
    """

    def decorate(cls: type[T]) -> type[T]:
        chosen = names or getattr(cls, "_fields", ()) or tuple(field.name for field in fields(cls) if field.repr)  # type: ignore[arg-type]

        def text(self: T) -> str:
            return _text(type(self).__name__, [f"{name}={value_text(value)}" for name, value in _held(self, chosen)])

        def html(self: T) -> str:
            rows = "".join(
                f'<tr><th style="text-align: left">{escape(name)}</th><td style="text-align: left">{_cell(value)}</td></tr>'
                for name, value in _held(self, chosen)
            )
            return f"<table><caption>{escape(type(self).__name__)}</caption><tbody>{rows}</tbody></table>"

        setattr(cls, "__repr__", text)  # noqa: B010 - the type checker refuses a plain assignment
        setattr(cls, "_repr_html_", html)  # noqa: B010
        return cls

    return decorate


def value_text(value: object) -> str:
    """One value; arrays of more than a few entries by their shape and norm, or their ends if they rise or fall."""
    if isinstance(value, np.ndarray):
        return _array_text(value)
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, dict):
        return f"<{len(value)}: {', '.join(map(str, value))}>"
    if isinstance(value, tuple) and not hasattr(value, "_fields"):
        if len(value) > SMALL:
            return f"<{len(value)} {type(value[0]).__name__}>"
        return f"({', '.join(map(value_text, value))})"
    return getattr(value, "__name__", None) or repr(value) if callable(value) else repr(value)


def _array_text(array: np.ndarray) -> str:
    if array.size <= SMALL and array.ndim <= 1:
        return f"[{', '.join(value_text(entry) for entry in np.atleast_1d(array).tolist())}]"
    shape = str(array.shape).replace(" ", "")
    if array.dtype.kind not in "fiu" or not np.isfinite(array).all():
        return f"<{shape} {array.dtype}>"
    if array.ndim == 1 and (array[0] != array[-1]) and ((np.diff(array) >= 0).all() or (np.diff(array) <= 0).all()):
        return f"<{shape} {array[0]:.4g} to {array[-1]:.4g}>"
    return f"<{shape} norm {np.linalg.norm(array):.4g}>"


def _held(instance: object, names: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    for name in names:
        try:
            yield name, getattr(instance, name)
        except InputError:
            continue


def _text(name: str, parts: list[str]) -> str:
    """Lines that break between attributes only, also between those of an object inside."""
    together = [part.replace(NEXT_LINE, " ") for part in parts]
    unbroken = ", ".join(part.replace(" ", STUCK).replace("," + STUCK, ", ") for part in together)
    lines = wrap(f"{name}({unbroken})", LONGEST_LINE, subsequent_indent=INDENT, break_long_words=False, break_on_hyphens=False)
    return "\n".join(lines).replace(STUCK, " ")


def _cell(value: object) -> str:
    html = getattr(value, "_repr_html_", None)
    return str(html()) if html is not None and not isinstance(value, type) else escape(value_text(value))
