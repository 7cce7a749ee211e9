"""The words an expression may use: operators, functions, and the two that change whose rows are seen."""

from __future__ import annotations

from bateia.features.functions import FUNCTIONS
from bateia.kernels.operators import OPERATORS

SCOPES = {
    "at": "at(timeframe, x)",
    "of": "of(symbol, x)",
}
"""`at("1h", x)`: x over the closed bars of a higher timeframe; `of("ETHUSDT", x)`: x over another asset's."""
INTERNAL = frozenset({"rows_within", "bar_ends", "bar_of", "held"})
"""Operators that only the compiler writes."""


def words() -> list[str]:
    """Every word there is, in alphabetical order."""
    return sorted({*OPERATORS, *FUNCTIONS, *SCOPES} - INTERNAL)
