"""The quality section of a recipe: what is known of the market, and which blocked checks are accepted."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from bateia.core import Bars, BookedBars, Component, ConfigError, Trades
from bateia.core.component import AMOUNT
from bateia.quality.inspection import inspect_bars, inspect_trades
from bateia.quality.report import QualityReport, enforce, known

OF_VOLUME = ("sums", "volume", "lots")
"""Checks that ask what was traded."""


def _known(name: str) -> str:
    try:
        return known(name)
    except ConfigError as error:
        raise ValueError(str(error)) from error


class Quality(Component):
    """What data must be like before anything trains on them.

    >>> Quality(accept=["gaps"]).accept
    ('gaps',)
    """

    accept: tuple[Annotated[str, AfterValidator(_known)], ...] = ()
    """Names of checks that do not stop a run though they block; the report then says so on its first line."""
    weekend: bool | None = None
    """Whether the market trades on Saturdays and Sundays (UTC); None: not known."""
    tick: float | None = Field(default=None, gt=0, le=AMOUNT)
    """The step of prices; None: found in the data."""
    lot: float | None = Field(default=None, gt=0, le=AMOUNT)
    """The step of sizes and volumes; None: found in the data."""

    def inspect(self, events: Bars | Trades) -> QualityReport:
        """Every check on candles or trades; bars of a book know no trade: nothing is asked of volume."""
        if isinstance(events, Bars):
            report = inspect_bars(events, weekend=self.weekend, tick=self.tick, lot=self.lot)
            return report.without(OF_VOLUME) if isinstance(events, BookedBars) else report
        return inspect_trades(events, weekend=self.weekend, tick=self.tick, lot=self.lot)

    def enforce(self, events: Bars | Trades) -> str | None:
        """DataError for what blocks and is not accepted; what was accepted, in words, or None."""
        return enforce(self.inspect(events), self.accept)
