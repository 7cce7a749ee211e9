"""Exits inside a position: stop-loss, take-profit, trailing stop and time-out."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from bateia.core import Component, ConfigError, Duration, format_duration


class Distance(Component):
    """How far the price may go: a multiple of the mean true range, or basis points.

    >>> Distance(atr=2).describe()
    '2 ATR'
    """

    atr: float | None = Field(default=None, gt=0.0, le=1_000_000)
    """Mean true ranges of the market's intervals, as they were when the position was opened."""
    bp: float | None = Field(default=None, gt=0.0, le=1_000_000)
    """Basis points of the price that the exit is measured from."""

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.atr is None) == (self.bp is None):
            given = "both atr and bp" if self.bp is not None else "neither atr nor bp"
            raise ValueError(str(ConfigError(given, allowed="one of the two", hint="{atr: 2}")))
        return self

    def describe(self) -> str:
        """The distance in words."""
        return f"{self.bp:g} bp" if self.atr is None else f"{self.atr:g} ATR"


class Exits(Component):
    """When a position is left whatever the policy wants, at the first trade at or beyond the trigger.

    The fill is at that trade's own price, never at the trigger: a gap costs what it costs. Only a take-profit
    is filled at its trigger, since a price beyond it (the high of a candle) is more than it would have got.
    After an exit the account stays flat until the policy's target turns to 0 or to the other side. Distances
    are measured from the average entry at the market's prices, the trailing stop's from the best trade since.
    """

    stop_loss: Distance | None = None
    take_profit: Distance | None = None
    trailing: Distance | None = None
    time_out: Duration | None = None
    """How long a position may be open, from flat or flip."""
    both: Literal["stop", "path"] = "stop"
    """Where one candle reaches a take-profit and, at its other end, a stop or trailing stop: the stop, as
    nobody knows which came first, or what the candle's assumed path meets first. Trades leave no doubt."""

    @model_validator(mode="after")
    def _any(self) -> Self:
        if not self.describe():
            allowed = "stop_loss, take_profit, trailing, time_out"
            raise ValueError(str(ConfigError("no exit at all", allowed=allowed, hint="stop_loss: {bp: 50}")))
        return self

    @property
    def by_range(self) -> bool:
        """Whether one of them needs the mean true range."""
        return any(
            d is not None and d.atr is not None for d in (self.stop_loss, self.take_profit, self.trailing)
        )

    def params(self) -> list[float]:
        """(fraction, ATR) of stop, take and trail, time-out in microseconds, 1: the stop first; 0: none."""
        row: list[float] = []
        for distance in (self.stop_loss, self.take_profit, self.trailing):
            row += [(distance.bp or 0.0) * 1e-4, distance.atr or 0.0] if distance else [0.0, 0.0]
        return [*row, float(self.time_out or 0), float(self.both == "stop")]

    def describe(self) -> str:
        """The exits in words.

        >>> Exits(stop_loss=Distance(bp=50), time_out="30m").describe()
        'stop-loss 50 bp, time-out 30m'
        """
        named = (
            ("stop-loss", self.stop_loss),
            ("take-profit", self.take_profit),
            ("trailing", self.trailing),
        )
        words = [f"{name} {distance.describe()}" for name, distance in named if distance]
        return ", ".join([*words, f"time-out {format_duration(self.time_out)}"] if self.time_out else words)
