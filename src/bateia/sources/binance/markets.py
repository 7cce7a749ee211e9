"""Binance's three markets: where each one's files and answers are, and how much may be asked."""

from __future__ import annotations

from dataclasses import dataclass

from bateia.core import ConfigError, nearest, parse_duration
from bateia.core.clock import DAY, WEEK

ARCHIVE = "https://data.binance.vision"


@dataclass(frozen=True)
class Market:
    """One of Binance's markets."""

    name: str
    about: str
    archive: str
    """Folder of the archive, below `/data`."""
    rest: str
    """Host of its REST interface."""
    path: str
    """What every one of its routes begins with."""
    weight: int
    """Weight of requests allowed in a minute."""
    longest: int | None = None
    """Most that the times of one request may lie apart, microseconds."""
    by_contract: bool = False
    """Volume counts contracts, and what the others call quote volume is in the base asset."""
    stream: str = ""
    """Host of its websocket streams."""
    routed: bool = False
    """Books come from the path `/public` of that host, all else from `/market`; a wrong one is silent."""


MARKETS = {
    market.name: market
    for market in (
        Market(
            "spot",
            "spot",
            "spot",
            "https://api.binance.com",
            "/api/v3",
            6000,
            stream="wss://stream.binance.com:9443",
        ),
        Market(
            *("um", "USD-M futures", "futures/um", "https://fapi.binance.com", "/fapi/v1", 2400),
            stream="wss://fstream.binance.com",
            routed=True,
        ),
        Market(
            *("cm", "COIN-M futures", "futures/cm", "https://dapi.binance.com", "/dapi/v1", 2400),
            longest=200 * DAY,
            by_contract=True,
            stream="wss://dstream.binance.com",
        ),
    )
}
INTERVALS = ("1s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "1w")
"""Lengths of candles; `1s` on spot only."""
_NOT_TAKEN = {
    "3d": "the exchange does not say on which days they begin",
    "1M": "months differ in length, and a candle here has one",
}


def market_of(name: str) -> Market:
    """The market of a name; ConfigError where there is none."""
    if name not in MARKETS:
        allowed = ", ".join(f"{one.name} ({one.about})" for one in MARKETS.values())
        raise ConfigError(f"no market {name!r} at Binance", allowed=allowed, hint=nearest(name, MARKETS))
    return MARKETS[name]


def interval_of(text: str, market: Market) -> int:
    """Microseconds of a candle; ConfigError where the market has none of that length.

    >>> interval_of("5m", MARKETS["um"])
    300000000
    """
    known = INTERVALS if market.name == "spot" else INTERVALS[1:]
    if text in _NOT_TAKEN:
        raise ConfigError(
            f"candles of {text!r} are not taken: {_NOT_TAKEN[text]}", allowed=", ".join(known), hint="1d"
        )
    if text not in known:
        raise ConfigError(
            f"no candles of {text!r} on {market.about}",
            allowed=f"{', '.join(known)}, aggTrades, trades",
            hint=nearest(text, known) or "5m",
        )
    return parse_duration(text)


def phase_of(step: int) -> int:
    """From 1970 to where the first candle of this length opened, microseconds: weeks begin on Monday.

    >>> phase_of(parse_duration("1w")) == 4 * DAY
    True
    """
    return 4 * DAY if step == WEEK else 0


def last_open(moment: int, step: int) -> int:
    """When the candle under way at a moment opened, which is when the one before it closed."""
    return moment - (moment - phase_of(step)) % step


def symbol_of(text: str) -> str:
    """A symbol as Binance writes it; ConfigError for what cannot be one.

    >>> symbol_of("btcusdt")
    'BTCUSDT'
    """
    symbol = text.strip().upper()
    if not symbol.replace("_", "").isalnum() or not symbol.isascii() or len(symbol) > 40:
        raise ConfigError(f"{text!r} is no symbol", allowed="letters, digits and _", hint="BTCUSDT")
    return symbol
