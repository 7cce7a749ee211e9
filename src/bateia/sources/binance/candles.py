"""Candles into the store: monthly files, then daily ones, then REST for what the archive lacks."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bateia.core import DataError
from bateia.core.clock import DAY
from bateia.core.coverage import Coverage
from bateia.core.period import Period
from bateia.sources.binance.archive import ArchiveFile, Download, Steps, read_rows
from bateia.sources.binance.markets import Market, last_open
from bateia.sources.binance.rest import Rest
from bateia.sources.binance.tables import KLINE, candle_table, lacking, once
from bateia.sources.fetching import Report
from bateia.sources.web import WebError
from bateia.store import Origin, Part, Series, Store, Writer

if TYPE_CHECKING:
    import polars as pl

PATIENCE = 3
"""Days in a row that the archive lacks, after which no more are asked for where REST knows no such symbol."""


@dataclass
class Month:
    """A month under way: what is there, which stretches files answered for, and where all of it came from."""

    period: Period
    table: pl.DataFrame | None = None
    held: Coverage = field(default_factory=Coverage)
    absent: Coverage = field(default_factory=Coverage)
    filed: Coverage = field(default_factory=Coverage)
    broken: dict[str, Coverage] = field(default_factory=dict)
    """What is wrong with a file -> the time that it is of."""
    origin: set[Origin] = field(default_factory=set)

    def add(self, table: pl.DataFrame) -> None:
        """More candles; those that are there already stay."""
        import polars as pl

        self.table = once(table if self.table is None else pl.concat([self.table, table]), "open_time")


@dataclass
class Candles:
    """One symbol's candles of one length, from where they are to the store."""

    store: Store
    rest: Rest
    market: Market
    symbol: str
    interval: str
    step: int
    unit = "month"

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.symbol} {self.interval}"

    @property
    def series(self) -> Series:
        """Where they go."""
        return Series("binance", self.market.name, self.symbol, f"candles-{self.interval}")

    def fetch(
        self, writer: Writer, period: Period, asked: Coverage, closed: int, report: Report
    ) -> Steps[None]:
        """Bring what is missing of a month; what cannot be had goes to the report, the rest to the store.

        `closed` is the end of the last candle that is whole by now.
        """
        wanted = asked & period.coverage
        month, before = self._held(period, report)
        missing = wanted - month.held
        report.add_absent(month.absent & wanted)
        if not missing:
            return
        yield from self._from_archive(month, missing, closed, report)
        due = month.held | month.filed | wanted
        failed = self._from_rest(month, due, report)
        covered = due - failed
        absent = lacking(month.table, covered, self.step) & covered
        report.add_absent(absent & wanted)
        if covered == month.held:
            return
        if month.table is None:
            month.table = candle_table(_none(), self.step, "", by_contract=self.market.by_contract)
        part = writer.write(period, month.table, covered, absent=absent, origin=tuple(month.origin))
        report.rows += part.rows - (before.rows if before else 0)

    def _held(self, period: Period, report: Report) -> tuple[Month, Part | None]:
        part = self.store.part(self.series, period)
        month = Month(period)
        if part is None:
            return month, None
        if not self.store.intact(part):
            report.notes.append(f"{part.file} was corrupt and is fetched again")
            return month, None
        month.table = self.store.table(self.series, part) if part.rows else None
        month.held, month.absent = part.coverage, Coverage(part.absent)
        month.origin = set(part.origin)
        return month, part

    def _from_archive(self, month: Month, missing: Coverage, closed: int, report: Report) -> Steps[None]:
        """Monthly file, else daily ones. WebError is no reason to take another way: it passes."""
        whole = month.period
        if whole.end <= closed and (yield from self._files(month, [whole], report)):
            return
        if self.step > DAY:
            return  # the file of a day may hold a week under way
        wanted, misses = missing - Coverage.of([(0, self.rest.listed(self.symbol))]), 0
        days = [day for day in whole.days if day.end <= closed and wanted & day.coverage]
        if not self.rest.unknown:
            yield from self._files(month, days, report)
            return
        for day in days:
            misses = 0 if (yield from self._files(month, [day], report)) else misses + 1
            if misses == PATIENCE:
                return

    def _files(self, month: Month, periods: Sequence[Period], report: Report) -> Steps[int]:
        """Of how many periods the archive has a file; their candles are in `month` then."""
        files = [ArchiveFile(self.market, self.symbol, "klines", self.interval, one) for one in periods]
        there = {origin.name for origin in month.origin}
        wanted = [file for file in files if file.name not in there]
        found = (yield wanted) if wanted else []
        added = [self._add(month, file, one, report) for file, one in zip(wanted, found, strict=True)]
        return len(files) - len(wanted) + sum(added)

    def _add(self, month: Month, file: ArchiveFile, came: Future[Download], report: Report) -> bool:
        """Whether a file is there and is what it should be."""
        stretch = file.period.coverage
        try:
            found = came.result()
            if found is None:
                return False
            rows = read_rows(found[0], file.name, KLINE)
            table = candle_table(rows, self.step, file.name, by_contract=self.market.by_contract)
            within(table, file.period, file.name)
        except WebError:
            raise
        except DataError as error:
            month.broken[str(error)] = stretch
            return False
        month.add(table)
        month.filed |= stretch
        month.origin.add(Origin(name=file.name, sha256=found[1]))
        report.files += 1
        return True

    def _from_rest(self, month: Month, due: Coverage, report: Report) -> Coverage:
        """Ask REST for what is due and not there; returns the stretches for which it did not answer."""
        failed: list[tuple[int, int]] = []
        gaps = lacking(month.table, due, self.step) - month.absent
        listed = last_open(self.rest.listed(self.symbol), self.step) if gaps else 0
        for start, end in (gaps - Coverage.of([(0, listed)])).stretches:
            try:
                for table in self.rest.candles(self.symbol, self.interval, self.step, start, end):
                    month.add(table)
                    month.origin.add(Origin(name="rest"))
            except DataError as error:
                report.fail(Coverage.of([(start, end)]), error)
                failed.append((start, end))
        return Coverage.of(failed) | self._broken(month, due - Coverage.of(failed), report)

    def _broken(self, month: Month, due: Coverage, report: Report) -> Coverage:
        """What nobody has but a file that cannot be used: it is missing, not absent."""
        failed = Coverage()
        for reason, stretch in month.broken.items():
            still = lacking(month.table, due & stretch, self.step)
            if still:
                report.fail(still, reason)
            else:
                report.notes.append(f"{reason}; its candles are here from elsewhere")
            failed |= still
        return failed


def within(table: pl.DataFrame, period: Period, where: str) -> None:
    """DataError unless all candles open in the period."""
    if len(table):
        first, last = table["open_time"].dt.epoch("us")[[0, -1]].to_list()
        if first < period.start or last >= period.end:
            raise DataError(f"{where} holds candles of another time")


def _none() -> pl.DataFrame:
    import polars as pl

    return pl.DataFrame(schema=dict.fromkeys(KLINE, pl.String))
