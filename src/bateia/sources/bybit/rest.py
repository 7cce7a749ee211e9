"""Bybit's REST interface, version 5: candles and the last trades."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from bateia.core import Bars, ConfigError, DataError, nearest
from bateia.core.clock import DAY, MILLISECOND, MINUTE
from bateia.core.events import Floats, Ints
from bateia.sources.candles import OPTIONAL, as_bars
from bateia.sources.web import Web

REST = "https://api.bybit.com"
MARKETS = {"linear": "futures in USDT or USDC", "inverse": "futures in coins", "spot": "spot"}
INTERVALS = {
    **{f"{minutes}m": (str(minutes), minutes * MINUTE) for minutes in (1, 3, 5, 15, 30)},
    **{f"{hours}h": (str(60 * hours), 60 * hours * MINUTE) for hours in (1, 2, 4, 6, 12)},
    "1d": ("D", DAY),
}
"""Length of candles -> Bybit's word for it, and microseconds."""
PAGE = 1000
SPOT_PAGE = 60
"""Of the last trades."""
TRIES = 5
BACKOFF = 1.0
_PASSING = {10000, 10006, 10016, 10018}
"""Codes of timeouts, too many requests and trouble of the server's own."""
_UNKNOWN = 10001
_SYMBOL = re.compile(r"[A-Z0-9][A-Z0-9-]{0,39}")
SIDES = {"Buy": 1, "Sell": -1}


def interval_of(text: str) -> tuple[str, int]:
    """Bybit's word and microseconds of a candle; ConfigError where there are none of that length."""
    if text not in INTERVALS:
        raise ConfigError(
            f"no candles of {text!r}", allowed=", ".join(INTERVALS), hint=nearest(text, INTERVALS)
        )
    return INTERVALS[text]


def symbol_of(name: str) -> str:
    """A symbol as Bybit writes it; ConfigError for what can be none."""
    symbol = name.strip().upper()
    if not _SYMBOL.fullmatch(symbol):
        raise ConfigError(f"{symbol!r} is no symbol", allowed="letters, digits and -", hint="BTCUSDT")
    return symbol


def market_of(name: str) -> str:
    """The market; ConfigError where there is none of the name."""
    if name not in MARKETS:
        allowed = ", ".join(f"{one} ({about})" for one, about in MARKETS.items())
        raise ConfigError(f"no market {name!r} at Bybit", allowed=allowed, hint=nearest(name, MARKETS))
    return name


@dataclass(frozen=True, slots=True)
class Print:
    """One trade with its name, which is all that tells it from another."""

    name: str
    order: tuple[int, int]
    """Time (ms) and sequence: neither falls from trade to trade, both may stay."""
    time: int
    """Microseconds."""
    price: float
    size: float
    side: int
    """Of the aggressor: 1 or -1."""


class Rest:
    """Answers of one market. What passes is asked again, a bounded number of times."""

    def __init__(self, web: Web, base: str, market: str, sleep: Callable[[float], None] = time.sleep) -> None:
        self.web, self._base, self._market, self._sleep = web, base.rstrip("/"), market, sleep

    def candles(self, symbol: str, interval: str, start: int, end: int) -> Iterator[Bars]:
        """Candles that open from `start` to before `end` (microseconds, on the grid), oldest first.

        DataError where the answer is none, ConfigError for an unknown symbol.
        """
        word, step = interval_of(interval)
        while start < end:
            stop = min(end, start + PAGE * step)
            rows = self._rows(symbol, word, start, stop - step)
            opened = _moments(rows)
            order = np.argsort(opened, kind="stable")
            inside = order[(opened[order] >= start) & (opened[order] < stop)]
            if len(inside):
                yield candles_of([rows[row] for row in inside], step, self._market)
            start = stop

    def now(self) -> int:
        """The exchange's clock, microseconds; DataError where the answer is none."""
        answer = self._ask("time", {})
        try:
            return int(answer["time"]) * 1000
        except (KeyError, TypeError, ValueError):
            raise DataError(f"Bybit does not tell its time: {str(answer)[:120]}") from None

    def last_prints(self, symbol: str) -> list[Print]:
        """The last trades, oldest first: up to 1,000, of spot 60. The archive has all of them a day later."""
        limit = SPOT_PAGE if self._market == "spot" else PAGE
        answer = self._ask("recent-trade", {"category": self._market, "symbol": symbol, "limit": limit})
        try:
            prints = [
                Print(
                    name=str(row["execId"]),
                    order=(int(row["time"]), int(row.get("seq") or 0)),
                    time=int(row["time"]) * MILLISECOND,
                    price=float(row["price"]),
                    size=float(row["size"]),
                    side=SIDES[row["side"]],
                )
                for row in answer["result"]["list"][::-1]
            ]
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"Bybit answers {str(answer)[:120]}", allowed=f"trades ({error!r})") from None
        return sorted(prints, key=lambda one: one.order)

    def _rows(self, symbol: str, word: str, first: int, last: int) -> list[list[str]]:
        asked: dict[str, str | int] = {"category": self._market, "symbol": symbol, "interval": word}
        return _list(self._ask("kline", asked | {"start": first // 1000, "end": last // 1000, "limit": PAGE}))

    def _ask(self, route: str, asked: dict[str, str | int]) -> Any:
        for left in range(TRIES - 1, -1, -1):
            answer = self.web.get(f"{self._base}/v5/market/{route}", asked).json()
            told = answer if isinstance(answer, dict) else {"retMsg": answer}
            code, said = told.get("retCode"), told.get("retMsg")
            if code == 0:
                return answer
            if code == _UNKNOWN:
                raise ConfigError(
                    f"Bybit says of {asked.get('symbol')!r}: {said}",
                    allowed=f"a symbol of {MARKETS[self._market]}",
                    hint="another --market: linear, inverse, spot",
                )
            if not left or code not in _PASSING:
                raise DataError(f"Bybit says {code}: {said}", hint="run the same again later: it carries on")
            self._sleep(BACKOFF * 2.0 ** (TRIES - 1 - left))
        raise AssertionError("the last try returns or raises")


def candles_of(rows: list[list[str]], step: int, market: str) -> Bars:
    """Candles of rows of start (ms), open, high, low, close, volume and turnover."""
    figures: dict[str, Floats | Ints] = {name: np.full(len(rows), np.nan) for name in OPTIONAL}
    names = ["open", "high", "low", "close", "volume"]
    # Of inverse futures volume is in USD and turnover in coins: neither is price * volume.
    names += [] if market == "inverse" else ["value"]
    for k, name in enumerate(names):
        figures[name] = np.array([float(row[1 + k]) for row in rows], np.float64)
    return as_bars(figures | {"open_time": _moments(rows)}, step, "open")


def _moments(rows: list[list[str]]) -> Ints:
    return np.array([int(row[0]) * 1000 for row in rows], np.int64)


def _list(answer: Any) -> list[list[str]]:
    """The rows of an answer, each of seven numbers; DataError for anything else."""
    try:
        rows: list[list[str]] = answer["result"]["list"]
        for row in rows:
            _ = int(row[0]), [float(cell) for cell in row[1:7]]
            if len(row) < 7:
                raise ValueError(row)
    except (KeyError, TypeError, ValueError, IndexError):
        raise DataError(f"Bybit answers {str(answer)[:120]}", allowed="rows of seven numbers") from None
    return rows
