"""Trades into the store, a day at a time: daily files, else the month's, then REST by id."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bateia.core import DataError
from bateia.core.coverage import Coverage
from bateia.core.period import Period
from bateia.sources.binance.archive import ArchiveFile, Steps, UnverifiedError
from bateia.sources.binance.markets import Market
from bateia.sources.binance.prints import Form, by_id, days_of, no_trades
from bateia.sources.binance.rest import Rest
from bateia.sources.fetching import Report
from bateia.store import Origin, Part, Series, Store, Writer

if TYPE_CHECKING:
    import polars as pl


@dataclass
class Trades:
    """One symbol's trades of one form, from where they are to the store."""

    store: Store
    rest: Rest
    market: Market
    symbol: str
    form: Form
    lacks: set[str] = field(default_factory=set)
    """Days and months of which the archive has no file that can be used."""

    unit = "day"

    @property
    def series(self) -> Series:
        """Where they go."""
        return Series("binance", self.market.name, self.symbol, self.form.kind)

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.symbol} {self.form.what}"

    def fetch(
        self, writer: Writer, period: Period, asked: Coverage, closed: int, report: Report
    ) -> Steps[None]:
        """Bring what is missing of a day; what cannot be had goes to the report, the rest to the store."""
        wanted, held = asked & period.coverage, self._held(period, report)
        if not wanted - (held.coverage if held else Coverage()):
            return
        if period.end <= self.rest.listed(self.symbol):
            self._put_nothing(writer, period, (), report)
        elif period.end > closed or not (yield from self._from_files(writer, period, asked, closed, report)):
            self._from_rest(writer, period, wanted, held, report)

    def _put_nothing(self, writer: Writer, day: Period, origin: tuple[Origin, ...], report: Report) -> None:
        """A day without a trade, known to be one."""
        whole = day.coverage
        writer.write(day, no_trades(self.form), whole, absent=whole, origin=origin)
        report.add_absent(whole)

    def _held(self, period: Period, report: Report) -> Part | None:
        part = self.store.part(self.series, period)
        if part is not None and not self.store.intact(part):
            report.notes.append(f"{part.file} was corrupt and is fetched again")
            return None
        return part

    def _from_files(
        self, writer: Writer, day: Period, asked: Coverage, closed: int, report: Report
    ) -> Steps[bool]:
        """The day's own file, else the month's: then all days of it that are asked for are in the store."""
        month = Period.at(day.start, "month")
        # A month of trades is long: not for a few days that REST can give.
        worth = month.end <= closed and (not self.form.rest or not month.coverage - asked)
        for period in (day, month) if worth else (day,):
            if period.name in self.lacks:
                continue
            file = ArchiveFile(self.market, self.symbol, self.form.what, "", period)
            (came,) = yield [file]
            # Another day may have waited for the month's file too, and used it or seen what is wrong with it.
            if self._has(day):
                return True
            if period.name in self.lacks:
                continue
            try:
                found = came.result()
                if found is None:
                    self.lacks.add(period.name)
                    continue
                report.files += 1
                origin = Origin(name=file.name, sha256=found[1])
                self._put_days(writer, days_of(found[0], file.name, self.form, period), asked, origin, report)
            except UnverifiedError as error:
                self.lacks.add(period.name)
                report.notes.append(f"{error}: not used")
                continue
            if self.store.part(self.series, day) is None:
                self._put_nothing(writer, day, (origin,), report)
            return True
        return False

    def _has(self, day: Period) -> bool:
        """Whether all of a day is in the store, as it was written."""
        part = self.store.part(self.series, day)
        return part is not None and not day.coverage - part.coverage and self.store.intact(part)

    def _put_days(
        self,
        writer: Writer,
        days: Iterable[tuple[Period, pl.DataFrame]],
        asked: Coverage,
        origin: Origin,
        report: Report,
    ) -> None:
        for day, table in days:
            whole = day.coverage
            if not asked & whole or self._has(day):
                continue
            part = self.store.part(self.series, day)
            mended, failed = self._mended(day, table, report)
            sources = [origin] + ([Origin(name="rest")] if len(mended) > len(table) else [])
            written = writer.write(day, mended, whole - failed, absent=_gaps(mended) - failed, origin=sources)
            report.add_absent(Coverage(written.absent))
            report.rows += written.rows - (part.rows if part else 0)

    def _mended(self, day: Period, table: pl.DataFrame, report: Report) -> tuple[pl.DataFrame, Coverage]:
        """A day's table with what its ids lack, from REST where that gives it; and where REST failed."""
        import polars as pl

        failed = Coverage()
        if not self.form.rest:
            return table, failed
        ids = table["id"].to_numpy()
        times = table["time"].dt.epoch("us").to_numpy()
        for row in (ids[1:] - ids[:-1] > 1).nonzero()[0]:
            stretch = Coverage.of([(int(times[row]), int(times[row + 1]) + 1)])
            try:
                for page in self.rest.trades_from(self.symbol, self.form, int(ids[row]) + 1):
                    new = page.filter(pl.col("id") < int(ids[row + 1]))
                    # Around midnight an id may be of the other day.
                    moment = pl.col("time").dt.epoch("us")
                    mine = new.filter((moment >= day.start) & (moment < day.end))
                    table = by_id(pl.concat([table, mine]))
                    if len(new) < len(page) or int(page["id"][-1]) + 1 >= int(ids[row + 1]):
                        break
            except DataError as error:
                report.fail(stretch, error)
                failed |= stretch
        return table, failed

    def _from_rest(
        self, writer: Writer, period: Period, wanted: Coverage, held: Part | None, report: Report
    ) -> None:
        """What no file has; ids tell what is there twice, or missing at a seam."""
        import polars as pl

        known = held.coverage if held else Coverage()
        missing = wanted - known
        if self.rest.unknown or not self.form.rest:
            why = f"REST knows no symbol {self.symbol!r}" if self.rest.unknown else "REST gives none"
            report.fail(missing, f"the archive has no file of {self.form.what} for it, and {why}")
            return
        tables = [self.store.table(self.series, held)] if held and held.rows else []
        got = Coverage()
        for start, end in missing.stretches:
            try:
                tables += self.rest.trades_between(self.symbol, self.form, start, end)
                got |= Coverage.of([(start, end)])
            except DataError as error:
                report.fail(Coverage.of([(start, end)]), error)
        if not got:
            return
        table = by_id(pl.concat(tables)) if tables else no_trades(self.form)
        table, failed = self._mended(period, table, report)
        origin = {*(held.origin if held else ()), Origin(name="rest")}
        part = writer.write(
            period, table, (known | got) - failed, absent=_gaps(table) - failed, origin=tuple(origin)
        )
        report.rows += part.rows - (held.rows if held else 0)


def _gaps(table: pl.DataFrame) -> Coverage:
    """Between which times ids are missing, if they are aggregated trades, whose ids have no holes."""
    if "first_id" not in table.columns or not len(table):
        return Coverage()
    ids, times = table["id"].to_numpy(), table["time"].dt.epoch("us").to_numpy()
    rows = (ids[1:] - ids[:-1] > 1).nonzero()[0]
    return Coverage.of((int(times[row]), int(times[row + 1]) + 1) for row in rows)
