"""Bybit's candles as they close."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from bateia.core import DataError
from bateia.live.feed import CandleFeed, Closed, each
from bateia.sources.bybit.rest import PAGE, candles_of, interval_of, symbol_of
from bateia.sources.socket import Frame
from bateia.store import Series

if TYPE_CHECKING:
    from bateia.live.bybit import BybitPlace

_KEYS = ("start", "open", "high", "low", "close", "volume", "turnover")
"""The stream's names of what REST gives in this order."""


class BybitCandles(CandleFeed):
    """See `CandleFeed`."""

    page = PAGE

    def __init__(self, place: BybitPlace, symbol: str, interval: str) -> None:
        self._place, self._interval = place, interval
        word, self.step = interval_of(interval)
        self.series = Series("bybit", place.market, symbol_of(symbol), f"candles-{interval}")
        self._topic = f"kline.{word}.{self.series.symbol}"
        self.socket = place.socket(self._topic)
        self._rest = place.interface()

    def close(self) -> None:
        """See `CandleFeed`."""
        self._place.close(self._rest)

    def read(self, frame: Frame) -> list[Closed]:
        """See `CandleFeed`."""
        try:
            found = json.loads(frame.text or "")
            topic = found.get("topic", self._topic)
            if topic != self._topic:
                raise DataError(f"a message of {topic} in the stream of {self._topic}")
            rows = [[str(one[key]) for key in _KEYS] for one in found.get("data", ()) if one["confirm"]]
            bars = candles_of(rows, self.step, self._place.market)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            if isinstance(error, DataError):
                raise
            raise DataError(f"a message that cannot be read: {str(frame.text)[:120]}") from None
        return each(bars, frame.received)

    def ask(self, first: int) -> list[Closed]:
        """See `CandleFeed`."""
        now = self._rest.now() // self.step
        start, end = first * self.step, min(now, first + PAGE) * self.step
        found: list[Closed] = []
        for bars in self._rest.candles(self.series.symbol, self._interval, start, end):
            found += each(bars, self._place.clock())
        return found
