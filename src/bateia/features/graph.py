"""A plan's graph: slots of values, each an input column, a constant or an operator's output."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bateia.kernels.operator import Operator


@dataclass(frozen=True)
class Warmup:
    """NaN for the first `rows` rows and, where a window is a duration, until `micros` have passed too."""

    rows: int = 0
    micros: int = 0


@dataclass(frozen=True)
class Slot:
    """One buffer of the plan: an input column, a constant, or an operator's output."""

    operator: Operator | None = None
    inputs: tuple[int, ...] = ()
    params: tuple[float, ...] = ()
    column: str | None = None
    value: float | None = None
    domain: int = 0
    """Whose rows it has: 0 the events', others a higher timeframe's."""


@dataclass(eq=False)
class Graph:
    """Slots in an order in which every input comes before its users; `outputs` name the features' slots."""

    timeframes: list[int] = field(default_factory=lambda: [0])
    """Length in microseconds of each domain's bars; 0 for the events."""
    slots: list[Slot] = field(default_factory=list)
    warmups: list[Warmup] = field(default_factory=list)
    history: list[int] = field(default_factory=list)
    """Rows of history that a slot's users read by count."""
    timed: list[bool] = field(default_factory=list)
    """Whether a user reads the slot over a duration, as far back as the plan's capacity."""
    outputs: dict[str, int] = field(default_factory=dict)
    others: dict[str, Graph] = field(default_factory=dict)
    """Symbol -> the graph over its rows, whose outputs are input columns here, by the text `of(...)`."""

    layouts: dict[tuple[int, int], Any] = field(default_factory=dict, repr=False)
    """What `Layout.of` has worked out for streams of a block and capacity."""

    @property
    def columns(self) -> list[str]:
        """The input columns that the features need, in slot order; other assets' among them."""
        return [slot.column for slot in self.slots if slot.column is not None]
