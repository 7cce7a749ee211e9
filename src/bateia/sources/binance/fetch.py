"""`bateia fetch binance`: what is asked for, minus what the store has, from the archive and from REST."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from bateia.core import ConfigError, format_time
from bateia.core.clock import DAY, SECOND
from bateia.core.coverage import Coverage
from bateia.core.period import Period, parse_edge
from bateia.sources.binance.archive import Steps, download
from bateia.sources.binance.candles import Candles
from bateia.sources.binance.markets import ARCHIVE, Market, interval_of, last_open, market_of, symbol_of
from bateia.sources.binance.prints import FORMS
from bateia.sources.binance.rest import Rest, UnknownSymbolError
from bateia.sources.binance.trades import Trades
from bateia.sources.downloads import AT_ONCE, check_at_once, side_by_side
from bateia.sources.fetching import Report, Stage, silent
from bateia.sources.web import Web, WebError
from bateia.store import Store, Writer

_RECENT = 2 * DAY


def fetch_binance(
    store: str | Path,
    symbol: str,
    what: str,
    since: str,
    until: str = "",
    *,
    market: str = "spot",
    archive: str = "",
    rest: str = "",
    web: Web | None = None,
    at_once: int = AT_ONCE,
    stage: Stage = silent,
) -> Report:
    """Bring candles of length `what`, or its `aggTrades` or `trades`, from `since` to `until` into a store.

    Both ends are included; "" is now. Only what the store lacks is downloaded, `at_once` files at a time;
    every file is held against its published hash, gaps are asked of REST, and each month (of trades: day) is
    in the store as soon as it is there, whichever comes first. ConfigError for what cannot be meant,
    UnknownSymbolError, DataError where the store cannot be written; what else goes wrong is in the report.
    """
    check_at_once(at_once)
    where, symbol = market_of(market), symbol_of(symbol)
    form = FORMS.get(what)
    step = SECOND if form else interval_of(what, where)
    start, end = _edges(since, until)
    kept = Store.create(store)
    with web or Web() as open_web:
        interface = Rest(open_web, rest or where.rest, where)
        closed = last_open(_now(interface, end), step)
        if start >= min(end, closed):
            raise ConfigError(f"nothing from {since} on is whole by now", hint="an earlier --from")
        place = (kept, interface, where, symbol)
        task = Trades(*place, form) if form else Candles(*place, what, step)
        report = Report(task.series, Coverage.of([(start, min(end, closed))]))
        periods = Period.covering(start, min(end, closed), task.series.unit)
        with kept.writer(task.series) as writer, stage(task.name, len(periods)) as advance:
            jobs = (_one(task, writer, period, closed, report, advance) for period in periods)
            side_by_side(jobs, partial(download, open_web, archive or ARCHIVE), at_once)
        report.requests = open_web.requests
        _refuse_unknown(task, interface, where)
    return report


def _one(
    task: Candles | Trades,
    writer: Writer,
    period: Period,
    closed: int,
    report: Report,
    advance: Callable[[int], None],
) -> Steps[None]:
    """One month or day; if it fails for now, that does not keep us from the others."""
    try:
        yield from task.fetch(writer, period, report.asked, closed, report)
    except WebError as error:
        wanted = report.asked & period.coverage
        part = task.store.part(task.series, period)
        held = part.coverage if part and task.store.intact(part) else Coverage()
        report.fail(wanted - held, error)
    advance(1)


def _refuse_unknown(task: Candles | Trades, interface: Rest, market: Market) -> None:
    """UnknownSymbolError where neither the archive nor REST has ever had anything of this name."""
    if interface.unknown and not task.store.coverage(task.series):
        close = interface.like(task.symbol)
        raise UnknownSymbolError(
            f"Binance has no {task.symbol!r} among its {market.about}",
            allowed="a symbol of this market",
            hint=close or "another --market: spot, um, cm",
        )


def _edges(since: str, until: str) -> tuple[int, int]:
    """From and to before; ConfigError for dates in the future or in the wrong order."""
    now = int(time.time() * 1e6)
    start, end = parse_edge(since), parse_edge(until, last=True) if until else now
    for text, moment in ((since, start), (until, parse_edge(until) if until else 0)):
        if moment > now:
            raise ConfigError(
                f"{text} lies in the future (it is {format_time(now // 1_000_000 * 1_000_000)})",
                allowed="dates of the past",
                hint="leave --to out for everything up to now",
            )
    if start >= end:
        raise ConfigError(f"{since} to {until} is no stretch of time", allowed="--from before --to")
    return start, min(end, now)


def _now(interface: Rest, end: int) -> int:
    """The exchange's clock where it matters which candle is whole, else ours."""
    ours = int(time.time() * 1e6)
    if end < ours - _RECENT:
        return ours
    try:
        return interface.now()
    except (WebError, KeyError, TypeError, ValueError):
        return ours
