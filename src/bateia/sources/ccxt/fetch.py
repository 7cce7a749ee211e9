"""From a ccxt exchange into the store: what is there is not asked for again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bateia.core import Bars, DataError, Trades, format_time, parse_duration
from bateia.core.coverage import Coverage
from bateia.core.period import parse_edge
from bateia.sources.ccxt import pages
from bateia.sources.fetching import Report, Stage, silent
from bateia.sources.importing import bring, missing
from bateia.store import Origin, Series, Store


@dataclass(frozen=True)
class _Stretch:
    """What is missing, as a source."""

    exchange: pages.Exchange
    symbol: str
    interval: str
    start: int
    end: int

    def blocks(self) -> Iterator[Trades] | Iterator[Bars]:
        if not self.interval:
            return pages.trade_pages(self.exchange, self.symbol, self.start, self.end)
        step = parse_duration(self.interval)
        return pages.candle_pages(self.exchange, self.symbol, self.interval, step, self.start, self.end)


def fetch_ccxt(
    store: str | Path,
    exchange: str,
    symbol: str,
    what: str,
    since: str,
    until: str = "",
    *,
    market: str = "",
    stage: Stage = silent,
) -> Report:
    """Bring candles (`what` is their length) or `trades` of a symbol, from `since` to `until` (else now).

    Goes to the series exchange/market/symbol with `-` for `/` and `_` for `:`. What the exchange no longer
    gives, mostly what is long ago, is in the report as missing.
    """
    interval = "" if what == "trades" else what
    step = parse_duration(interval) if interval else 1
    opened = pages.open_exchange(exchange)
    pages.check_symbol(opened, symbol)
    now = opened.milliseconds() * 1000
    start, end = parse_edge(since), min(parse_edge(until, last=True) if until else now, now)
    start, end = -(-start // step) * step, end // step * step
    if start >= end:
        raise DataError(f"nothing is whole from {format_time(start)} on", allowed="a time that is over")
    kind = f"candles-{interval}" if interval else "trades"
    name = symbol.replace("/", "-").replace(":", "_")
    series = Series(exchange, market or ("futures" if ":" in symbol else "spot"), name, kind)
    kept = Store.create(store)
    report = Report(series, Coverage.of([(start, end)]))
    stretches = missing(kept, report).stretches
    with stage(f"{symbol} {what}", len(stretches)) as advance:
        for first, last in stretches:
            source = _Stretch(opened, symbol, interval, first, last)
            origin = [Origin(name=f"ccxt {opened.id} {symbol}")]
            bring(kept, report, source.blocks(), first, last, origin)
            advance(1)
    return report
