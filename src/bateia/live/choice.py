"""What to stream, by its name."""

from __future__ import annotations

from pathlib import Path

from bateia.core import ConfigError
from bateia.live.bybit import BybitPlace
from bateia.live.bybit_book import BybitBook
from bateia.live.bybit_tickers import BybitTickers
from bateia.live.bybit_trades import BybitTrades
from bateia.live.candles import LiveCandles
from bateia.live.depth import LiveBook
from bateia.live.place import Place
from bateia.live.tickers import LiveTickers
from bateia.live.trades import LiveTrades
from bateia.sources.binance.markets import market_of
from bateia.sources.binance.prints import FORMS
from bateia.sources.bybit.rest import INTERVALS
from bateia.sources.bybit.rest import market_of as bybit_market

Live = LiveTrades | LiveCandles | LiveBook | LiveTickers | BybitTrades | BybitBook | BybitTickers


def binance(
    symbol: str,
    what: str,
    store: str | Path | None,
    since: str,
    tick_size: float | None,
    depth: int,
    place: Place | None,
) -> Live:
    """A stream of Binance; ConfigError for what cannot be."""
    market_of((place or Place()).market)
    if what == "book":
        if tick_size is None or not tick_size > 0:
            raise ConfigError("a book without its tick size", hint="--tick 0.01, the step of its prices")
        return LiveBook(symbol, tick_size, depth=depth, place=place)
    if what == "ticker":
        return LiveTickers(symbol, place=place)
    if what in FORMS:
        kind = "agg_trades" if FORMS[what].kind == "agg_trades" else "trades"
        return LiveTrades(symbol, kind, store=store, since=since, place=place)  # type: ignore[arg-type]
    return LiveCandles(symbol, what, store=store, since=since, place=place)


def bybit(
    symbol: str,
    what: str,
    store: str | Path | None,
    since: str,
    tick_size: float | None,
    depth: int,
    place: BybitPlace,
) -> Live:
    """A stream of Bybit; ConfigError for what cannot be. A book without a tick size tells it itself."""
    bybit_market(place.market)
    if what == "book":
        return BybitBook(symbol, tick_size, depth=depth, place=place)
    if what == "ticker":
        return BybitTickers(symbol, place=place)
    if what == "trades":
        return BybitTrades(symbol, store=store, since=since, place=place)
    if what not in INTERVALS:
        allowed = f"trades, book, ticker, or the length of candles: {', '.join(INTERVALS)}"
        raise ConfigError(f"no stream {what!r} of Bybit", allowed=allowed)
    return LiveCandles(symbol, what, store=store, since=since, place=place)
