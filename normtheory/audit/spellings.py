"""Spellings: how a symbol or a number is written in LaTeX and in a terminal, and what is known of symbols."""

from __future__ import annotations

from typing import Any, NamedTuple


class Spelling(NamedTuple):
    """How something is written."""

    latex: str
    text: str


SPELLINGS: dict[Any, Spelling] = {}  # of symbols
SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
TIED = "\N{NO-BREAK SPACE}"  # between factors, and after a sign


def decimal(value: float, digits: int = 15) -> Spelling:
    """A number that was measured, to so many digits."""
    return scientific(f"{float(value):.{digits}g}")


def scientific(number: str) -> Spelling:
    """A decimal number as programs write it, with e before a power of ten, as people do."""
    mantissa, _, power = number.partition("e")
    shown = mantissa.replace("-", "−")
    if not power:
        return Spelling(mantissa, shown)
    latex, text = f"10^{{{int(power)}}}", f"10{str(int(power)).translate(SUPERSCRIPTS)}"
    return Spelling(latex, text) if mantissa == "1" else Spelling(rf"{mantissa} \cdot {latex}", f"{shown}·{text}")
