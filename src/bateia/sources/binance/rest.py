"""Binance's REST interface: candles and trades by page, within the weight that it allows a minute."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from bateia.core import DataError, nearest
from bateia.sources.binance.markets import Market
from bateia.sources.binance.tables import KLINE, candle_table, opens, text_rows
from bateia.sources.web import Answer, Web, WebError

if TYPE_CHECKING:
    import polars as pl

PAGE = 1000
CAREFUL = 0.8
"""Share of the allowed weight after which we wait for the next minute."""
_UNKNOWN = -1121


class UnknownSymbolError(DataError):
    """A symbol that the exchange does not trade now."""


class Rest:
    """One market's REST interface at `base`."""

    def __init__(
        self,
        web: Web,
        base: str,
        market: Market,
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.web, self.base, self.market = web, base.rstrip("/"), market
        self._sleep, self._clock = sleep, clock

    def candles(self, symbol: str, interval: str, step: int, start: int, end: int) -> Iterator[pl.DataFrame]:
        """Tables of the candles that open from `start` to before `end`, oldest first, a page at a time.

        DataError where an answer holds a candle that was not asked for, UnknownSymbolError, WebError.
        """
        span = PAGE * step
        if self.market.longest is not None:
            span = min(span, self.market.longest // step * step)
        while start < end:
            stop = min(end, start + span)
            rows = self._page(symbol, interval, start, stop)
            where = f"{self.market.path}/klines of {symbol}"
            table = candle_table(rows, step, where, by_contract=self.market.by_contract)
            times = opens(table)
            if len(times) and (times[0] < start or times[-1] >= stop):
                raise DataError(f"{where} answers with candles that were not asked for")
            if len(table):
                yield table
            start = stop

    def _page(self, symbol: str, interval: str, start: int, stop: int) -> pl.DataFrame:
        asked = {"startTime": start // 1000, "endTime": stop // 1000 - 1, "limit": PAGE}
        rows = self._rows("klines", {"symbol": symbol, "interval": interval, **asked})
        return text_rows(rows, KLINE, f"{self.market.path}/klines of {symbol}")

    def first_candle(self, symbol: str, interval: str) -> int | None:
        """When the first candle of all opens, microseconds; None where there is none. UnknownSymbolError."""
        asked: dict[str, str | int] = {"symbol": symbol, "interval": interval, "startTime": 0, "limit": 1}
        rows = self._rows("klines", asked)
        return int(rows[0][0]) * 1000 if rows else None

    def now(self) -> int:
        """The exchange's clock, microseconds."""
        value = self._get("time", {}).json()
        return int(value["serverTime"]) * 1000

    def like(self, symbol: str) -> str | None:
        """The nearest symbol that is traded, None where there is none or it cannot be told."""
        try:
            known = self._get("exchangeInfo", {}).json()["symbols"]
            return nearest(symbol, [str(one["symbol"]) for one in known])
        except (WebError, KeyError, TypeError):
            return None

    def _rows(self, route: str, params: dict[str, str | int]) -> list[Any]:
        answer = self._get(route, params)
        value = answer.json()
        if answer.status == 400:
            code = value.get("code") if isinstance(value, dict) else None
            if code == _UNKNOWN:
                raise UnknownSymbolError(
                    f"{self.market.about} of Binance know no symbol {params['symbol']!r}"
                )
            raise WebError(f"{self.market.path}/{route} refuses {params}: {value}")
        if not isinstance(value, list):
            raise WebError(f"{self.market.path}/{route} answers with no list: {answer.body[:80]!r}")
        return value

    def _get(self, route: str, params: dict[str, str | int]) -> Answer:
        answer = self.web.get(f"{self.base}{self.market.path}/{route}", params, allow=(400,))
        used = answer.headers.get("x-mbx-used-weight-1m", "")
        if used.isdigit() and int(used) > CAREFUL * self.market.weight:
            self._sleep(60.0 - self._clock() % 60.0)
        return answer
