"""`bateia fetch bybit`: trades and order books by day from the public archives, candles from REST."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from bateia.core import ConfigError, DataError, nearest
from bateia.core.clock import DAY
from bateia.core.coverage import Coverage
from bateia.core.period import parse_edge
from bateia.sources.bybit.books import BOOKS, KIND, BookFiles
from bateia.sources.bybit.folder import Folder
from bateia.sources.bybit.rest import INTERVALS, REST, Rest, interval_of, market_of, symbol_of
from bateia.sources.bybit.trades import TradeFiles
from bateia.sources.fetching import Report, Stage, silent
from bateia.sources.importing import bring, missing
from bateia.sources.web import Web
from bateia.store import Origin, Series, Store

ARCHIVE = "https://public.bybit.com"


def fetch_bybit(
    store: str | Path,
    symbol: str,
    what: str,
    since: str,
    until: str = "",
    *,
    market: str = "linear",
    archive: str = "",
    rest: str = "",
    web: Web | None = None,
    stage: Stage = silent,
) -> Report:
    """Bring `trades`, books such as `ob500`, or candles of length `what`, from `since` to `until` (else now).

    Only what the store lacks is asked for; each day of trades or books is in the store as soon as it is
    there. What could not be had is in the report; ConfigError for what cannot be meant. `archive` stands in
    for the archive that has them.
    """
    market, symbol = market_of(market), symbol_of(symbol)
    by_day = what == "trades" or KIND.fullmatch(what) is not None
    step = None if by_day else _step(what)
    now = int(time.time() * 1e6)
    start, end = parse_edge(since), min(parse_edge(until, last=True) if until else now, now)
    if step is not None:
        start, end = -(-start // step) * step, end // step * step
    if start >= end:
        raise ConfigError(f"{since} to {until or 'now'} is no time that is over", hint="an earlier --from")
    kept = Store.create(store)
    with web or Web() as open_web:
        if step is None:
            folder = _folder(open_web, archive, market, symbol, what)
            report = folder.fetch(kept, Series("bybit", market, symbol, what), start, end, stage)
        else:
            interface = Rest(open_web, rest or REST, market)
            if end > now - 2 * DAY:
                end = min(end, _now(interface, now) // step * step)
            report = Report(Series("bybit", market, symbol, f"candles-{what}"), Coverage.of([(start, end)]))
            _candles(kept, interface, report, what)
        report.requests = open_web.requests
    return report


def _now(interface: Rest, ours: int) -> int:
    """The exchange's clock, which says what candle is whole; ours where it does not tell."""
    try:
        return interface.now()
    except DataError:
        return ours


def _candles(store: Store, rest: Rest, report: Report, what: str) -> None:
    series = report.series
    origin = [Origin(name=f"bybit v5 kline {series.market} {series.symbol}")]
    for first, last in missing(store, report).stretches:
        bring(store, report, rest.candles(series.symbol, what, first, last), first, last, origin)


def _step(what: str) -> int:
    """Microseconds of a candle; ConfigError that says what else there is to fetch."""
    if what not in INTERVALS:
        raise ConfigError(
            f"nothing called {what!r} at Bybit",
            allowed=f"trades, ob500, ob200, or the length of candles: {', '.join(INTERVALS)}",
            hint=nearest(what, ("trades", *INTERVALS)),
        )
    return interval_of(what)[1]


def _folder(web: Web, base: str, market: str, symbol: str, what: str) -> Folder[Any]:
    """Where the archive keeps trades or books of a symbol."""
    if what == "trades":
        below = "spot" if market == "spot" else "trading"
        return Folder(web, f"{(base or ARCHIVE).rstrip('/')}/{below}/{symbol}/", TradeFiles(symbol))
    url = f"{(base or BOOKS).rstrip('/')}/orderbook/{market}/{symbol}/"
    return Folder(web, url, BookFiles(market, symbol, what))
