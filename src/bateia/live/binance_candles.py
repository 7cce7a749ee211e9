"""Binance's candles as they close."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from bateia.core import DataError
from bateia.live.feed import CandleFeed, Closed, each
from bateia.sources.binance.markets import interval_of, last_open, market_of, phase_of, symbol_of
from bateia.sources.binance.rest import PAGE
from bateia.sources.binance.tables import KLINE, candle_table, text_rows
from bateia.sources.socket import Frame
from bateia.sources.stored import as_candles
from bateia.store import Series

if TYPE_CHECKING:
    from bateia.live.place import Place

_KEYS = ("t", "o", "h", "l", "c", "v", "T", "q", "n", "V", "Q")
"""The stream's names of what REST gives in this order."""


class BinanceCandles(CandleFeed):
    """See `CandleFeed`."""

    page = PAGE

    def __init__(self, place: Place, symbol: str, interval: str) -> None:
        self._place, self._interval = place, interval
        self._market = market_of(place.market)
        self.step = interval_of(interval, self._market)
        self.series = Series("binance", place.market, symbol_of(symbol), f"candles-{interval}")
        self.socket = place.socket(self.series.symbol, f"kline_{interval}")
        self._rest = place.interface()

    def close(self) -> None:
        """See `CandleFeed`."""
        self._place.close(self._rest)

    def read(self, frame: Frame) -> list[Closed]:
        """See `CandleFeed`."""
        symbol, interval = self.series.symbol, self._interval
        try:
            found = json.loads(frame.text or "")
            candle = found.get("data", found).get("k") if isinstance(found, dict) else None
            if candle is None or not candle["x"]:
                return []
            if candle["s"] != symbol or candle["i"] != interval:
                raise DataError(
                    f"a candle of {candle['s']} {candle['i']} in the stream of {symbol} {interval}"
                )
            cells = [candle[key] for key in _KEYS]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            if isinstance(error, DataError):
                raise
            raise DataError(f"a message that cannot be read: {str(frame.text)[:120]}") from None
        where = f"the stream of {symbol} {interval}"
        table = candle_table(
            text_rows([cells], KLINE, where), self.step, where, by_contract=self._market.by_contract
        )
        return each(as_candles(table, self.step), frame.received, table)

    def ask(self, first: int) -> list[Closed]:
        """See `CandleFeed`."""
        try:
            closed = last_open(self._rest.now(), self.step)
        except (KeyError, TypeError, ValueError) as error:
            if isinstance(error, DataError):
                raise
            raise DataError("the exchange does not tell its time") from None
        start = phase_of(self.step) + first * self.step
        end = min(closed, start + PAGE * self.step)
        found: list[Closed] = []
        for table in self._rest.candles(self.series.symbol, self._interval, self.step, start, end):
            found += each(as_candles(table, self.step), self._place.clock(), table)
        return found
