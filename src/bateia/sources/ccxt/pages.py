"""Candles and trades of a ccxt exchange, page after page, with bounded patience."""

from __future__ import annotations

import importlib
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import numpy as np

from bateia.core import Bars, ConfigError, DataError, Trades, format_time, nearest
from bateia.sources.candles import OPTIONAL, as_bars

LIMIT = 500
"""Rows asked for at a time; an exchange that gives fewer is asked more often."""
FEWEST = 100
"""Rows that every exchange gives at a time, if it has them."""
TRIES = 5
BACKOFF = 1.0
"""Seconds before the second try; twice as long before each next one."""
_OHLCV = ("open", "high", "low", "close", "volume")
_SIDES = {"buy": 1, "sell": -1, None: 0}


class Exchange(Protocol):
    """What is used of a ccxt exchange; moments are milliseconds."""

    id: str

    def load_markets(self) -> Any:
        """Symbol -> market."""

    def milliseconds(self) -> int:
        """Now."""

    def fetch_ohlcv(self, symbol: str, timeframe: str, since: int, limit: int) -> list[list[Any]]:
        """Rows of open time, open, high, low, close, volume from `since` on."""

    def fetch_trades(self, symbol: str, since: int, limit: int) -> list[dict[str, Any]]:
        """Trades from `since` on; `side` is the taker's."""


def open_exchange(name: str) -> Exchange:
    """An exchange that keeps to its own rate limit; ConfigError where ccxt or the exchange is not there."""
    try:
        ccxt = importlib.import_module("ccxt")
    except ImportError:
        raise ConfigError(
            f"{name!r} needs ccxt, which is not installed", hint="pip install 'bateia[ccxt]'"
        ) from None
    known: list[str] = ccxt.exchanges
    if name not in known:
        raise ConfigError(
            f"ccxt has no exchange {name!r}", allowed=f"{len(known)} of them", hint=nearest(name, known)
        )
    exchange: Exchange = getattr(ccxt, name)({"enableRateLimit": True})
    return exchange


def check_symbol(exchange: Exchange, symbol: str) -> None:
    """ConfigError where the exchange has no such symbol."""
    known = list(asked(exchange.load_markets))
    if symbol not in known:
        raise ConfigError(
            f"{exchange.id} has no symbol {symbol!r}",
            allowed=f"{len(known)} of them, such as {', '.join(known[:3])}",
            hint=nearest(symbol, known),
        )


def asked(ask: Callable[..., Any], *args: Any) -> Any:
    """An answer, after up to `TRIES` of them where the network fails; DataError for every other failure."""
    for left in range(TRIES - 1, -1, -1):
        try:
            return ask(*args)
        except Exception as error:
            # By name, since ccxt takes seconds to import and a test has none.
            kinds = {kind.__name__ for kind in type(error).__mro__}
            if "BaseError" not in kinds:
                raise
            if left and "NetworkError" in kinds:
                time.sleep(BACKOFF * 2.0 ** (TRIES - 1 - left))
                continue
            said = " ".join(str(error).split())[:200] or type(error).__name__
            hint = "run the same again later: it carries on" if "NetworkError" in kinds else None
            raise DataError(f"the exchange says {type(error).__name__}: {said}", hint=hint) from None
    raise AssertionError("the last try returns or raises")


def candle_pages(
    exchange: Exchange, symbol: str, timeframe: str, step: int, start: int, end: int
) -> Iterator[Bars]:
    """Whole candles that open from `start` to before `end` (microseconds), each once, oldest first."""
    end = min(end, exchange.milliseconds() * 1000 - step + 1)
    while start < end:
        rows = asked(exchange.fetch_ohlcv, symbol, timeframe, -(-start // 1000), LIMIT)
        found = {int(row[0]) * 1000: row for row in rows if start <= int(row[0]) * 1000 < end}
        if found:
            opened = sorted(found)
            yield _bars([found[moment] for moment in opened], np.array(opened, np.int64), step)
            start = opened[-1] + step
        elif any(int(row[0]) * 1000 >= end for row in rows):
            return
        else:
            # Some exchanges answer with nothing until their first candle.
            start += FEWEST * step


def trade_pages(exchange: Exchange, symbol: str, start: int, end: int) -> Iterator[Trades]:
    """Trades from `start` to before `end` (microseconds), each once, oldest first.

    Each page is asked for from the last moment of the one before it, whose trades are then known. DataError
    where more trades are of one moment than a page can hold: the rest could not be had.
    """
    end = min(end, exchange.milliseconds() * 1000)
    seen: Counter[Any] = Counter()
    most = 0
    while start < end:
        rows = asked(exchange.fetch_trades, symbol, -(-start // 1000), LIMIT)
        rows = sorted((row for row in rows if row["timestamp"] * 1000 >= start), key=lambda r: r["timestamp"])
        most = max(most, len(rows))
        fresh = _fresh(rows, seen)
        wanted = [row for row in fresh if row["timestamp"] * 1000 < end]
        if wanted:
            yield _trades(wanted)
        if len(wanted) < len(fresh):
            return
        if not fresh:
            if FEWEST // 2 <= len(rows) == most and rows[-1]["timestamp"] * 1000 == start:
                raise DataError(
                    f"{exchange.id} has more trades at {format_time(start)} than the {most} that it gives",
                    allowed="fewer trades of one moment",
                    hint="another source",
                )
            return
        last = fresh[-1]["timestamp"]
        same = Counter(_key(row) for row in fresh if row["timestamp"] == last)
        seen = same + seen if last * 1000 == start else same
        start = last * 1000


def _fresh(rows: list[dict[str, Any]], seen: Counter[Any]) -> list[dict[str, Any]]:
    """Rows that are not among those seen, each of which stands for one row."""
    left, fresh = Counter(seen), []
    for row in rows:
        key = _key(row)
        if left[key]:
            left[key] -= 1
        else:
            fresh.append(row)
    return fresh


def _key(row: dict[str, Any]) -> Any:
    return row.get("id") or (row["timestamp"], row["price"], row["amount"], row.get("side"))


def _bars(rows: list[list[Any]], opened: Any, step: int) -> Bars:
    figures = {name: _floats([row[1 + k] for row in rows]) for k, name in enumerate(_OHLCV)}
    unknown = {name: np.full(len(rows), np.nan) for name in OPTIONAL}
    return as_bars({"open_time": opened, **figures, **unknown}, step, "open")


def _trades(rows: list[dict[str, Any]]) -> Trades:
    moments = np.array([row["timestamp"] for row in rows], np.int64) * 1000
    return Trades(
        time=moments,
        known_at=moments.copy(),
        price=_floats([row["price"] for row in rows]),
        size=_floats([row["amount"] for row in rows]),
        side=np.array([_SIDES.get(row.get("side"), 0) for row in rows], np.int8),
    )


def _floats(values: list[Any]) -> Any:
    return np.array([np.nan if value is None else value for value in values], np.float64)
