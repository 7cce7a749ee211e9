"""Binance's market messages, from a stream, a REST answer or a recording, as typed rows.

Times become int64 microseconds UTC, prices and sizes the float64 nearest to the text. Source: Binance API
documentation, "WebSocket Market Streams" and "Order Book", of spot, USD-M and COIN-M futures.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from bateia.core import DataError
from bateia.core.clock import MILLISECOND
from bateia.core.events import Floats

_SHOWN = 120
_MICROSECONDS_FROM = 10**14
"""A stream may be asked for microseconds; in milliseconds this moment is the year 5138."""


@dataclass(frozen=True, slots=True, eq=False)
class Diff:
    """Changes of a book: `bids` and `asks` are (n, 2) of price and new size, where 0 removes the level."""

    kind: ClassVar[str] = "diff"
    symbol: str
    time: int
    """When Binance sent it, microseconds UTC."""
    first: int
    """`U`: the first update id in it."""
    last: int
    """`u`: the last update id in it."""
    previous: int | None
    """`pu`: the last update id of the diff before it; None on spot."""
    bids: Floats
    asks: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Depth:
    """A REST snapshot of a book: `bids` and `asks` are (n, 2) of price and size, best first."""

    kind: ClassVar[str] = "depth"
    symbol: str
    """Empty where neither the answer nor the caller names it."""
    time: int | None
    """When Binance sent it, microseconds UTC; None on spot."""
    last: int
    """`lastUpdateId`."""
    bids: Floats
    asks: Floats


@dataclass(frozen=True, slots=True)
class Trade:
    """A trade, or several at one price by one taker (`aggTrade`)."""

    kind: ClassVar[str] = "trade"
    symbol: str
    time: int
    """When it happened, microseconds UTC."""
    id: int
    """Of the trade or of the aggregate: two series of numbers."""
    price: float
    size: float
    side: int
    """The taker: 1 bought, -1 sold."""
    count: int
    """Trades in it."""
    first_id: int
    """Number of the first of them."""


@dataclass(frozen=True, slots=True)
class Ticker:
    """The best bid and ask after `update_id` (`bookTicker`)."""

    kind: ClassVar[str] = "ticker"
    symbol: str
    time: int | None
    """When Binance sent it, microseconds UTC; None on spot."""
    update_id: int
    bid: float
    bid_size: float
    ask: float
    ask_size: float


Message = Diff | Depth | Trade | Ticker


def parse_message(text: str | bytes, symbol: str = "") -> Message | None:
    """The row in one message, raw or of a combined stream; None for a kind that is not read here.

    `symbol` names the book of a REST depth answer that does not name its own. DataError for text that is no
    JSON object, and for a message of a known kind that lacks a field or holds an impossible one.

    >>> parse_message('{"u": 7, "s": "ETHBTC", "b": "0.0281", "B": "2", "a": "0.0282", "A": "5"}')
    Ticker(symbol='ETHBTC', time=None, update_id=7, bid=0.0281, bid_size=2.0, ask=0.0282, ask_size=5.0)
    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _unreadable(text, str(error)) from None
    return read_message(found, symbol)


def read_message(found: Any, symbol: str = "") -> Message | None:
    """As `parse_message`, from JSON that is read already."""
    if not isinstance(found, dict):
        raise _unreadable(found, f"is a {type(found).__name__}")
    inner = found.get("data")
    if inner is not None and "stream" in found:
        if not isinstance(inner, dict):
            raise _unreadable(found, f"its data is a {type(inner).__name__}")
        found = inner
    read = _reader(found)
    if read is None:
        return None
    try:
        return read(found, symbol)
    except KeyError as error:
        raise _unreadable(found, f"it has no {error.args[0]!r}") from None
    except (TypeError, ValueError) as error:
        raise _unreadable(found, str(error)) from None


def _reader(found: dict[str, Any]) -> Callable[[dict[str, Any], str], Message] | None:
    event = found.get("e")
    if isinstance(event, str):
        return _EVENTS.get(event)
    if "lastUpdateId" in found:
        return _depth
    # Spot's best bid and ask is the one stream whose messages do not say what they are.
    return _ticker if found.keys() >= {"u", "s", "b", "B", "a", "A"} else None


def _diff(found: dict[str, Any], _: str) -> Diff:
    first, last = _whole(found["U"]), _whole(found["u"])
    if first > last:
        raise ValueError(f"its first update id {first} is above its last {last}")
    previous = _whole(found["pu"]) if "pu" in found else None
    if previous is not None and previous > last:
        raise ValueError(f"its previous update id {previous} is above its last {last}")
    bids, asks = _levels(found["b"]), _levels(found["a"])
    return Diff(_text(found["s"]), _micros(found["E"]), first, last, previous, bids, asks)


def _depth(found: dict[str, Any], symbol: str) -> Depth:
    time = _micros(found["E"]) if "E" in found else None
    bids, asks = _levels(found["bids"]), _levels(found["asks"])
    return Depth(_text(found.get("symbol", symbol)), time, _whole(found["lastUpdateId"]), bids, asks)


def _trade(found: dict[str, Any], _: str) -> Trade:
    number = _whole(found["t"])
    return _fill(found, number, number, number)


def _aggregate(found: dict[str, Any], _: str) -> Trade:
    return _fill(found, _whole(found["a"]), _whole(found["f"]), _whole(found["l"]))


def _fill(found: dict[str, Any], number: int, first: int, last: int) -> Trade:
    price, size = _amount(found["p"]), _amount(found["q"])
    side = -1 if found["m"] else 1
    return Trade(_text(found["s"]), _micros(found["T"]), number, price, size, side, last - first + 1, first)


def _ticker(found: dict[str, Any], _: str) -> Ticker:
    time = _micros(found["E"]) if "E" in found else None
    bid, bid_size, ask, ask_size = (_amount(found[key]) for key in ("b", "B", "a", "A"))
    return Ticker(_text(found["s"]), time, _whole(found["u"]), bid, bid_size, ask, ask_size)


_EVENTS: dict[str, Callable[[dict[str, Any], str], Message]] = {
    "depthUpdate": _diff,
    "trade": _trade,
    "aggTrade": _aggregate,
    "bookTicker": _ticker,
}


def _levels(pairs: Any) -> Floats:
    """(n, 2) of price and size; ValueError unless each is a number, the price above 0, the size not below."""
    if not isinstance(pairs, list):
        raise ValueError(f"its levels are a {type(pairs).__name__}")
    if not pairs:
        return np.empty((0, 2))
    levels = np.array([(float(price), float(size)) for price, size in pairs])
    # Said so that NaN fails it too.
    if not (levels.min() >= 0.0 and levels.max() < np.inf and levels[:, 0].min() > 0.0):
        raise ValueError("a price is not above 0, or a size is below 0")
    return levels


def _amount(value: Any) -> float:
    number = float(value)
    if not 0.0 <= number < np.inf:
        raise ValueError(f"{value!r} is no price or size")
    return number


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no symbol")
    return value


def _whole(value: Any) -> int:
    if type(value) is not int:
        raise ValueError(f"{value!r} is no whole number")
    return value


def _micros(value: Any) -> int:
    moment = _whole(value)
    return moment if moment >= _MICROSECONDS_FROM else moment * MILLISECOND


def _unreadable(given: Any, why: str) -> DataError:
    text = given.decode("utf-8", "replace") if isinstance(given, bytes) else str(given)
    short = text if len(text) <= _SHOWN else text[:_SHOWN] + " ..."
    return DataError(f"a message that cannot be read ({why}): {short}", allowed="a market message of Binance")
