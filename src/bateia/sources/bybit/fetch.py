"""`bateia fetch bybit`: trades by day from the public archive, candles from REST."""

from __future__ import annotations

import hashlib
import re
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bateia.core import ConfigError, DataError, Trades
from bateia.core.coverage import Coverage
from bateia.core.period import Period, parse_edge
from bateia.sources.bybit.archive import read_day
from bateia.sources.bybit.rest import REST, Rest, interval_of, market_of
from bateia.sources.fetching import Report, Stage, silent
from bateia.sources.importing import bring, import_events, table_of
from bateia.sources.web import Web, WebError
from bateia.store import Origin, Series, Store

ARCHIVE = "https://public.bybit.com"
DOWNLOADS = 3
"""How often a file is downloaded that is not whole: the archive has no checksums but those inside gzip."""
_SYMBOL = re.compile(r"[A-Z0-9][A-Z0-9-]{0,39}")


def fetch_bybit(
    store: str | Path,
    symbol: str,
    what: str,
    since: str,
    until: str = "",
    *,
    market: str = "linear",
    archive: str = ARCHIVE,
    rest: str = REST,
    web: Web | None = None,
    stage: Stage = silent,
) -> Report:
    """Bring `trades`, or candles of length `what`, of the days from `since` to `until` (else now).

    Only what the store lacks is asked for; each day of trades is in the store as soon as it is there. What
    could not be had is in the report; ConfigError for what cannot be meant.
    """
    market, symbol = market_of(market), symbol.strip().upper()
    if not _SYMBOL.fullmatch(symbol):
        raise ConfigError(f"{symbol!r} is no symbol", allowed="letters, digits and -", hint="BTCUSDT")
    step = None if what == "trades" else interval_of(what)[1]
    now = int(time.time() * 1e6)
    start, end = parse_edge(since), min(parse_edge(until, last=True) if until else now, now)
    if step is not None:
        start, end = -(-start // step) * step, end // step * step
    if start >= end:
        raise ConfigError(f"{since} to {until or 'now'} is no time that is over", hint="an earlier --from")
    kept = Store.create(store)
    with web or Web() as open_web:
        if step is None:
            report = _Archive(kept, open_web, archive, market, symbol).fetch(start, end, stage)
        else:
            report = Report(Series("bybit", market, symbol, f"candles-{what}"), Coverage.of([(start, end)]))
            _candles(kept, Rest(open_web, rest, market), report, what)
        report.requests = open_web.requests
    return report


def _candles(store: Store, rest: Rest, report: Report, what: str) -> None:
    series = report.series
    origin = [Origin(name=f"bybit v5 kline {series.market} {series.symbol}")]
    for first, last in (report.asked - store.coverage(series)).stretches:
        bring(store, report, rest.candles(series.symbol, what, first, last), first, last, origin)


class _Archive:
    """The archive's folder of one symbol, a file for each day."""

    def __init__(self, store: Store, web: Web, base: str, market: str, symbol: str) -> None:
        self._store, self._web, self._symbol, self._market = store, web, symbol, market
        self._base = f"{base.rstrip('/')}/{'spot' if market == 'spot' else 'trading'}/{symbol}/"

    def fetch(self, start: int, end: int, stage: Stage) -> Report:
        """Every whole day from `start` to before `end` that the archive has and the store has not."""
        series = Series("bybit", self._market, self._symbol, "trades")
        days = Period.covering(start, end, "day")
        report = Report(series, Coverage.of([(days[0].start, days[-1].end)]))
        known = self._listed()
        held = self._store.coverage(series)
        with stage(f"{self._symbol} trades", len(days)) as advance:
            for day in days:
                asked = Coverage.of([(day.start, day.end)])
                if asked - held:
                    self._day(day, asked, known.get(day.name), max(known), report)
                advance(1)
        return report

    def _listed(self) -> dict[str, str]:
        """Day -> name of its file, as the folder's page lists them; ConfigError where there is no folder."""
        page = self._web.get(self._base, allow=(404,))
        names = re.findall(r'href="([^"/]+\.csv\.gz)"', page.body.decode(errors="replace"))
        pattern = re.compile(re.escape(self._symbol) + r"_?(\d{4}-\d{2}-\d{2})\.csv\.gz")
        found = {match[1]: name for name in names if (match := pattern.fullmatch(name))}
        if page.status == 404 or not found:
            raise ConfigError(
                f"Bybit's archive has no {self._symbol!r}",
                allowed=f"a symbol of {self._base.rsplit('/', 2)[0]}/",
                hint="another --market: linear, inverse, spot",
            )
        return found

    def _day(self, day: Period, asked: Coverage, name: str | None, newest: str, report: Report) -> None:
        if name is None and day.name > newest:
            report.fail(asked, "the archive does not have it yet")
            return
        if name is None:
            self._absent(day, asked, report)
            return
        try:
            trades, origin = self._download(name)
            source = _Day(trades)
            done = import_events(
                self._store, source, report.series, origin=[origin], start=day.start, end=day.end
            )
        except (WebError, DataError) as error:
            report.fail(asked, error)
            return
        report.files += 1
        report.rows += done.rows

    def _absent(self, day: Period, asked: Coverage, report: Report) -> None:
        """A day that the archive lacks: known to be empty, and not asked for again."""
        with self._store.writer(report.series) as writer:
            writer.write(day, table_of([Trades.empty()]), asked, absent=asked)
        report.add_absent(asked)

    def _download(self, name: str) -> tuple[Trades, Origin]:
        """Trades of a file, and what it was; DataError where it is never whole."""
        for left in range(DOWNLOADS - 1, -1, -1):
            data = self._web.get(self._base + name).body
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / name
                path.write_bytes(data)
                try:
                    return read_day(path), Origin(name=name, sha256=hashlib.sha256(data).hexdigest())
                except DataError as error:
                    if not left:
                        said = str(error).replace(str(path), name)
                        raise DataError(f"{said} ({DOWNLOADS} downloads)") from None
        raise AssertionError("the last download returns or raises")


class _Day:
    """Trades that are there."""

    def __init__(self, trades: Trades) -> None:
        self._trades = trades

    def blocks(self) -> Iterator[Trades]:
        """One block."""
        return iter([self._trades])
