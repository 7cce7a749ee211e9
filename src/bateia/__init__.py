"""Bateia: raw market events in, trading signals that survive time, cost and chance out.

`bateia.run(recipe)` goes from raw trades to a finished run; `bateia.Signal.load(folder)` takes what was
tested live; the pieces are in `bateia.bars`, `features`, `labels`, `splits`, `models`, `trading`, `backtest`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bateia.pipeline import run
    from bateia.recipe import Recipe
    from bateia.runs import Run
    from bateia.signal import Signal

__all__ = ["Recipe", "Run", "Signal", "run"]

_HOMES = {
    "Recipe": "bateia.recipe",
    "Run": "bateia.runs",
    "Signal": "bateia.signal",
    "run": "bateia.pipeline",
}


def __getattr__(name: str) -> Any:
    # On first use: importing bateia, or asking its command for help, must not load the compiler.
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'bateia' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
