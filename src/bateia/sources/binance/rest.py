"""Binance's REST interface: candles and trades by page, within the weight that it allows a minute."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from bateia.core import DataError, nearest
from bateia.core.clock import HOUR
from bateia.sources.binance.markets import Market
from bateia.sources.binance.prints import Form, rest_rows, trade_table
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
        self._listed: int | None = None
        self.unknown = False
        """Whether `listed` has met a symbol that is not known: a delisted one, or none at all."""

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

    def trades_between(self, symbol: str, form: Form, start: int, end: int) -> Iterator[pl.DataFrame]:
        """Tables of the trades from `start` to before `end`: the first hour by time, then on by id."""
        import polars as pl

        while start < end:
            stop = min(end, start + HOUR)
            asked = {"startTime": -(-start // 1000), "endTime": (stop - 1) // 1000}
            page = self._trades(symbol, form, asked)
            start = stop
            if not len(page):
                continue
            while True:
                inside = page.filter(pl.col("time").dt.epoch("us") < end)
                if len(inside):
                    yield inside
                if len(inside) < len(page) or not len(page):
                    return
                page = self._trades(symbol, form, {"fromId": int(page["id"][-1]) + 1})

    def trades_from(self, symbol: str, form: Form, first: int) -> Iterator[pl.DataFrame]:
        """Tables of the trades from an id on, as far as there are any."""
        while len(page := self._trades(symbol, form, {"fromId": first})):
            yield page
            first = int(page["id"][-1]) + 1

    def _trades(self, symbol: str, form: Form, asked: dict[str, int]) -> pl.DataFrame:
        where = f"{self.market.path}/{form.what} of {symbol}"
        rows = self._rows(form.what, {"symbol": symbol, "limit": PAGE, **asked})
        table = trade_table(rest_rows(rows, form, where), where)
        if len(table) and int(table["id"][0]) < asked.get("fromId", 0):
            raise DataError(f"{where} answers with trades that were not asked for")
        return table

    def depth(self, symbol: str, levels: int) -> bytes:
        """A snapshot of the book as it came: JSON of `lastUpdateId`, `bids` and `asks`, best first."""
        params: dict[str, str | int] = {"symbol": symbol, "limit": levels}
        answer = self._get("depth", params)
        if answer.status == 400:
            raise self._refused("depth", params, answer.json())
        return answer.body

    def listed(self, symbol: str) -> int:
        """When trading in a symbol began, to the day, microseconds; 0 where that cannot be told."""
        if self._listed is None:
            self._listed = 0
            try:
                asked: dict[str, str | int] = {"symbol": symbol, "interval": "1d", "startTime": 0, "limit": 1}
                rows = self._rows("klines", asked)
                self._listed = int(rows[0][0]) * 1000 if rows else 0
            except UnknownSymbolError:
                self.unknown = True
            except (WebError, LookupError, TypeError, ValueError):
                pass  # then every day is asked for
        return self._listed

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
            raise self._refused(route, params, value)
        if not isinstance(value, list):
            raise WebError(f"{self.market.path}/{route} answers with no list: {answer.body[:80]!r}")
        return value

    def _refused(self, route: str, params: dict[str, str | int], value: Any) -> DataError:
        if isinstance(value, dict) and value.get("code") == _UNKNOWN:
            return UnknownSymbolError(f"{self.market.about} of Binance know no symbol {params['symbol']!r}")
        return WebError(f"{self.market.path}/{route} refuses {params}: {value}")

    def _get(self, route: str, params: dict[str, str | int]) -> Answer:
        answer = self.web.get(f"{self.base}{self.market.path}/{route}", params, allow=(400,))
        used = answer.headers.get("x-mbx-used-weight-1m", "")
        if used.isdigit() and int(used) > CAREFUL * self.market.weight:
            self._sleep(60.0 - self._clock() % 60.0)
        return answer
